//! Texts of many parts to one set of numbers, part after part, and at the end to ranks of the sorted texts.
//!
//! Texts are spread over shards by their hash; shards take in the texts of several parts side by side, each in the order of the parts,
//! so that a number depends on neither threads nor timing. Numbers leave gaps between shards and carry no meaning; ranks do.
//! Hashing uses a fixed seed and decides only where a text is looked for, never an order.
//!
//! | step | time                                                        | memory                                     |
//! |------|-------------------------------------------------------------|--------------------------------------------|
//! | take in | `O(Σ distinct of parts)`, in parallel over shards        | each distinct text once, 40 bytes beside it |
//! | rank | `O(d log d)`, in parallel; eight bytes decide most comparisons | 16 bytes a distinct text while sorting   |

use rayon::prelude::*;

use super::dictionary::{Dictionary, Look, hash_of};
use super::texts::Texts;
use crate::table::Ids;
use crate::units::NONE_IX;

/// A power of two; one shard of a million texts fits the cache of a core.
const SHARDS: usize = 16;

/// Texts that are looked for at once: the waits for memory overlap.
const LOOKS: usize = 32;

/// Distinct texts with numbers.
#[derive(Debug, Default)]
pub(super) struct Interner {
    shards: [Dictionary; SHARDS],
}

impl Interner {
    /// Takes in the texts of several parts; returns for each part the number of each of its texts.
    pub(super) fn intern(&mut self, parts: &[&Texts]) -> Vec<Vec<u32>> {
        let shards: Vec<Vec<u8>> =
            parts.par_iter().map(|texts| texts.iter().map(|text| shard_of(text) as u8).collect()).collect();
        let met: Vec<Vec<u32>> = self
            .shards
            .par_iter_mut()
            .enumerate()
            .map(|(ix, shard)| {
                let mut met = Vec::new();
                for (texts, shards) in parts.iter().zip(&shards) {
                    take_in(shard, texts, shards, ix as u8, &mut met);
                }
                met
            })
            .collect();
        // Each shard met its texts in the order of parts, so reading them back in that order finds every number again.
        let mut met: Vec<_> = met.iter().map(|met| met.iter()).collect();
        let mut number = |shard: &u8| {
            let ix = *met[usize::from(*shard)].next().expect("a shard met every text that is its own");
            ix * SHARDS as u32 + u32::from(*shard)
        };
        shards.iter().map(|shards| shards.iter().map(&mut number).collect()).collect()
    }

    /// Returns the text of a number that was given out.
    pub(super) fn get(&self, number: u32) -> &str {
        self.shards[number as usize % SHARDS].get(number / SHARDS as u32)
    }

    /// Returns a bound above every number.
    pub(super) fn bound(&self) -> usize {
        self.shards.iter().map(Dictionary::len).max().unwrap_or(0) * SHARDS
    }

    /// Returns the numbers given out.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.shards
            .iter()
            .enumerate()
            .flat_map(|(shard, texts)| (0..texts.len()).map(move |ix| (ix * SHARDS + shard) as u32))
    }

    /// Sorts the texts with a number that `is_used`; returns them, and the rank of each number, [`NONE_IX`] for the others.
    pub(super) fn ranks(&self, is_used: impl Fn(u32) -> bool) -> (Ids, Vec<u32>) {
        let mut sorted: Vec<(u64, u32)> = self
            .numbers()
            .filter(|number| is_used(*number))
            .map(|number| (first_eight(self.get(number)), number))
            .collect();
        sorted.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.get(a.1).cmp(self.get(b.1))));
        let mut ranks = vec![NONE_IX; self.bound()];
        for (rank, (_, number)) in sorted.iter().enumerate() {
            ranks[*number as usize] = rank as u32;
        }
        (Ids::from_sorted(sorted.iter().map(|(_, number)| self.get(*number))), ranks)
    }
}

/// Takes the texts of one part that belong to a shard into it.
fn take_in(shard: &mut Dictionary, texts: &Texts, shards: &[u8], wanted: u8, met: &mut Vec<u32>) {
    let (text, ends) = texts.parts();
    let (mut looks, mut bounds, mut n) = ([Look::default(); LOOKS], [(0, 0); LOOKS], 0);
    let mut start = 0;
    for (end, own) in ends.iter().zip(shards) {
        if *own == wanted {
            shard.look(text.as_bytes(), start, *end, &mut looks[n]);
            bounds[n] = (start, *end);
            n += 1;
        }
        start = *end;
        if n == LOOKS {
            met.extend(looks.iter().zip(bounds).map(|(look, (start, end))| shard.code_at(look, text, start, end)));
            n = 0;
        }
    }
    met.extend(looks[..n].iter().zip(bounds).map(|(look, (start, end))| shard.code_at(look, text, start, end)));
}

fn shard_of(text: &str) -> usize {
    // The table inside a shard uses the low bits.
    (hash_of(text) >> 56) as usize % SHARDS
}

/// Returns the first eight bytes as a number that ascends like the text.
fn first_eight(text: &str) -> u64 {
    let mut first = [0; 8];
    let n = text.len().min(8);
    first[..n].copy_from_slice(&text.as_bytes()[..n]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Ranks are those of the sorted texts, wherever the parts are cut and however many come at once.
        #[test]
        fn ranks_are_those_of_the_sorted_texts(texts in prop::collection::vec("[ab\u{0}ä0-9]{0,12}", 0..80), cut in 1..20_usize, at_once in 1..4_usize) {
            let parts: Vec<Texts> = texts
                .chunks(cut)
                .map(|chunk| {
                    let mut part = Texts::default();
                    chunk.iter().for_each(|text| { part.push(text); });
                    part
                })
                .collect();
            let mut interner = Interner::default();
            let mut numbers = Vec::new();
            for parts in parts.chunks(at_once) {
                numbers.extend(interner.intern(&parts.iter().collect::<Vec<_>>()).concat());
            }
            let (ids, ranks) = interner.ranks(|_| true);
            let mut expected = texts.clone();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(ids.iter().collect::<Vec<_>>(), expected.iter().map(String::as_str).collect::<Vec<_>>());
            for (text, number) in texts.iter().zip(numbers) {
                prop_assert_eq!(interner.get(number), text);
                prop_assert_eq!(ids.get(ranks[number as usize]), text);
            }
        }
    }
}
