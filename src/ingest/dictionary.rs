//! Texts to dense numbers: a small dictionary for every part of a table, merged at the end into ranks of the sorted texts.
//!
//! Parts are filled independently of each other, so numbers inside a part depend on where the file was cut; ranks do not. Hashing
//! uses a fixed seed and decides only where a text is looked for, never an order.
//!
//! | step  | time                                   | memory                                           |
//! |-------|----------------------------------------|--------------------------------------------------|
//! | code  | `O(length)`, less for a repeated text  | each distinct text of the part once              |
//! | merge | `O(Σ distinct of parts + d log d)`, in parallel | each distinct text once more            |

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use rayon::prelude::*;

use super::interner::Interner;
use super::texts::Texts;
use crate::table::Ids;
use crate::units::NONE_IX;

const HASHER: FixedState = FixedState::with_seed(0x6b6c_6965_6e74_656c);

/// Distinct texts in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    index: HashTable<u32>,
    hashes: Vec<u64>,
    text: String,
    ends: Vec<usize>,
    last: u32,
}

impl Dictionary {
    /// Returns the number of a text, a new one where it was not seen before.
    pub(super) fn code(&mut self, text: &str) -> u32 {
        // Exports repeat customer, order and country from line to line.
        if !self.ends.is_empty() && self.get(self.last) == text {
            return self.last;
        }
        let hash = hash(text);
        let Self { index, hashes, text: arena, ends, .. } = self;
        let known = index.find(hash, |code| slice(arena, ends, *code) == text).copied();
        self.last = known.unwrap_or_else(|| {
            let code = ends.len() as u32;
            arena.push_str(text);
            ends.push(arena.len());
            hashes.push(hash);
            index.insert_unique(hash, code, |code| hashes[*code as usize]);
            code
        });
        self.last
    }

    /// Returns the text of a number.
    pub(super) fn get(&self, code: u32) -> &str {
        slice(&self.text, &self.ends, code)
    }

    /// Keeps the texts alone.
    pub(super) fn into_texts(self) -> Texts {
        Texts::from_parts(self.text, self.ends).expect("texts end where the next ones begin")
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn slice<'a>(arena: &'a str, ends: &[usize], code: u32) -> &'a str {
    let code = code as usize;
    let start = if code == 0 { 0 } else { ends[code - 1] };
    &arena[start..ends[code]]
}

/// The codes of one part, `NONE_IX` for an empty cell, and what they stand for.
#[derive(Debug, Default)]
pub(super) struct CodedPart {
    pub(super) codes: Vec<u32>,
    pub(super) dictionary: Dictionary,
}

impl CodedPart {
    /// Keeps some rows, and of the texts those that are still used.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let Self { codes, dictionary } = std::mem::take(self);
        let kept = codes.into_iter().zip(keep).filter(|(_, keep)| **keep).map(|(code, _)| code);
        for code in kept {
            let code = if code == NONE_IX { NONE_IX } else { self.dictionary.code(dictionary.get(code)) };
            self.codes.push(code);
        }
    }
}

/// Merges the parts of a column, in order, into ranks.
pub(super) fn merge(parts: Vec<CodedPart>) -> (Vec<u32>, Ids) {
    let (mut all_codes, texts): (Vec<Vec<u32>>, Vec<Texts>) =
        parts.into_iter().map(|part| (part.codes, part.dictionary.into_texts())).unzip();
    let mut interner = Interner::default();
    let numbers = interner.intern(&texts.iter().collect::<Vec<_>>());
    let (ids, ranks) = interner.ranks(|_| true);
    all_codes.par_iter_mut().zip(&numbers).for_each(|(codes, numbers)| {
        for code in codes.iter_mut().filter(|code| **code != NONE_IX) {
            *code = ranks[numbers[*code as usize] as usize];
        }
    });
    (all_codes.concat(), ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(texts: &[String]) -> CodedPart {
        let mut part = CodedPart::default();
        for text in texts {
            let code = if text.is_empty() { NONE_IX } else { part.dictionary.code(text) };
            part.codes.push(code);
        }
        part
    }

    #[test]
    fn retained_rows_keep_only_their_texts() {
        let mut coded = part(&["a", "b", "", "a", "c"].map(str::to_owned));
        coded.retain(&[false, true, true, false, true]);
        let (codes, ids) = merge(vec![coded]);
        assert_eq!((codes, ids.iter().collect::<Vec<_>>()), (vec![0, NONE_IX, 1], vec!["b", "c"]));
    }

    proptest! {
        /// Codes are the ranks of the texts, wherever the column was cut.
        #[test]
        fn codes_are_ranks_wherever_the_column_is_cut(texts in proptest::collection::vec("[ab0-9]{0,3}", 0..80), cut in 1..20_usize) {
            let (codes, ids) = merge(texts.chunks(cut).map(part).collect());
            let found: Vec<&str> = codes.iter().map(|code| if *code == NONE_IX { "" } else { ids.get(*code) }).collect();
            prop_assert_eq!(found, texts.iter().map(String::as_str).collect::<Vec<_>>());
            let mut distinct: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(ids.iter().collect::<Vec<_>>(), distinct);
        }
    }
}
