//! Texts to dense numbers: a small dictionary for every part of a table, merged at the end into ranks of the sorted texts.
//!
//! Parts are filled independently of each other, so numbers inside a part depend on where the file was cut; ranks do not. Hashing
//! uses a fixed seed and decides only where a text is looked for, never an order.
//!
//! | step  | time                                   | memory                                           |
//! |-------|----------------------------------------|--------------------------------------------------|
//! | code  | `O(length)`, one look for a short text | each distinct text of the part once              |
//! | merge | `O(Σ distinct of parts + d log d)`, in parallel | each distinct text once more            |

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::interner::Interner;
use super::texts::Texts;
use crate::table::Ids;
use crate::units::NONE_IX;

const HASHER: FixedState = FixedState::with_seed(0x6b6c_6965_6e74_656c);

/// Spreads keys over all 64 bits: the golden ratio, as is usual for hashing by multiplication.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Slots of a table that has any; a power of two.
const FEWEST_SLOTS: usize = 64;

/// Up to so many slots a table grows fast.
const FEW_SLOTS: usize = 1 << 14;

/// Distinct texts in order of appearance.
///
/// A text of up to eight bytes, as most ids are, is its own key: to find it takes one look into the table and none at the texts.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// Open addressing, at most three quarters of it used; its length is a power of two.
    slots: Vec<Slot>,
    text: String,
    ends: Vec<usize>,
    last: Option<Slot>,
}

/// A text in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    /// The bytes of a short text, the hash of a long one.
    key: u64,
    length: u32,
    /// [`NONE_IX`] in a free slot.
    code: u32,
}

/// A look into the table: what was wanted, and what lies where it should be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    key: u64,
    hash: u64,
    length: u32,
    found_key: u64,
    found_length: u32,
    code: u32,
}

const FREE: Slot = Slot { key: 0, length: 0, code: NONE_IX };

impl Slot {
    /// Describes `text[start..end]`, whatever its code will be.
    #[inline(always)]
    fn of(text: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        let key = if length > 8 {
            hash_long(&text[start..end])
        } else {
            match text.get(start..).and_then(|rest| rest.first_chunk()) {
                // Shifted twice, because a shift by 64 is none.
                Some(eight) => u64::from_le_bytes(*eight) & !(u64::MAX << (4 * length) << (4 * length)),
                None => {
                    let mut eight = [0; 8];
                    eight[..length].copy_from_slice(&text[start..end]);
                    u64::from_le_bytes(eight)
                }
            }
        };
        Self { key, length: length as u32, code: NONE_IX }
    }

    #[inline(always)]
    fn hash(self) -> u64 {
        let product = u128::from(self.key ^ SPREAD) * u128::from(SPREAD ^ u64::from(self.length) << 7);
        (product >> 64) as u64 ^ product as u64
    }

    #[inline(always)]
    fn is_like(self, other: Self) -> bool {
        self.key == other.key && self.length == other.length
    }

    fn is_short(self) -> bool {
        self.length <= 8
    }
}

impl Dictionary {
    /// Returns the number of a text, a new one where it was not seen before.
    pub(super) fn code(&mut self, text: &str) -> u32 {
        let slot = Slot::of(text.as_bytes(), 0, text.len());
        self.code_of(slot, slot.hash(), text)
    }

    /// Looks for `text[start..end]` without waiting for what it finds: several looks at once cost little more than one.
    #[inline(always)]
    pub(super) fn look(&self, text: &[u8], start: usize, end: usize, look: &mut Look) {
        let wanted = Slot::of(text, start, end);
        look.hash = wanted.hash();
        // Set one by one: a copy would wait until all of them are written.
        (look.key, look.length) = (wanted.key, wanted.length);
        let at = look.hash as usize & self.slots.len().wrapping_sub(1);
        let found = self.slots.get(at).unwrap_or(&FREE);
        (look.found_key, look.found_length, look.code) = (found.key, found.length, found.code);
    }

    /// Returns the number of the text that was looked for, a new one where it was not seen before.
    #[inline(always)]
    pub(super) fn code_at(&mut self, look: &Look, text: &str, start: usize, end: usize) -> u32 {
        let wanted = Slot { key: look.key, length: look.length, code: NONE_IX };
        // A slot that is taken stays as it is.
        let is_it = look.found_key == wanted.key && look.found_length == wanted.length && look.code != NONE_IX;
        if is_it && wanted.is_short() {
            return look.code;
        }
        // Exports repeat customer, order and country from line to line.
        if let Some(last) = self.last
            && last.is_like(wanted)
            && wanted.is_short()
        {
            return last.code;
        }
        self.code_of(wanted, look.hash, &text[start..end])
    }

    fn code_of(&mut self, wanted: Slot, hash: u64, text: &str) -> u32 {
        if let Some(last) = self.last
            && self.is_it(last, wanted, text)
        {
            return last.code;
        }
        if 3 * self.slots.len() < 4 * (self.len() + 1) {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].code != NONE_IX {
            if self.is_it(self.slots[at], wanted, text) {
                self.last = Some(self.slots[at]);
                return self.slots[at].code;
            }
            at = (at + 1) & mask;
        }
        let slot = Slot { code: self.len() as u32, ..wanted };
        self.slots[at] = slot;
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.last = Some(slot);
        slot.code
    }

    #[inline(always)]
    fn is_it(&self, slot: Slot, wanted: Slot, text: &str) -> bool {
        slot.is_like(wanted) && (wanted.is_short() || self.get(slot.code) == text)
    }

    /// Returns the text of a number.
    pub(super) fn get(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.text[start..self.ends[code]]
    }

    /// Returns how many texts were seen.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Keeps the texts alone.
    pub(super) fn into_texts(self) -> Texts {
        Texts::from_parts(self.text, self.ends).expect("texts end where the next ones begin")
    }

    #[cold]
    fn grow(&mut self) {
        let n_slots = self.slots.len() * if self.slots.len() < FEW_SLOTS { 4 } else { 2 };
        let n_slots = n_slots.max((2 * self.len()).next_power_of_two()).max(FEWEST_SLOTS);
        let old = std::mem::replace(&mut self.slots, vec![FREE; n_slots]);
        if old.is_empty() {
            let (text, mut start) = (self.text.as_bytes(), 0);
            for (code, end) in self.ends.iter().enumerate() {
                place(&mut self.slots, Slot { code: code as u32, ..Slot::of(text, start, *end) });
                start = *end;
            }
        }
        // In the order of the table: the new places then come in order too, two streams of them.
        old.into_iter().filter(|slot| slot.code != NONE_IX).for_each(|slot| place(&mut self.slots, slot));
    }

    /// Gives back the memory that only new texts need; it comes back with the next one.
    pub(super) fn close(&mut self) {
        self.slots = Vec::new();
    }
}

/// Puts a text that is not there yet into the next free slot.
fn place(slots: &mut [Slot], slot: Slot) {
    let mask = slots.len() - 1;
    let mut at = slot.hash() as usize & mask;
    while slots[at].code != NONE_IX {
        at = (at + 1) & mask;
    }
    slots[at] = slot;
}

/// Returns the hash by which a text is looked for.
pub(super) fn hash_of(text: &str) -> u64 {
    Slot::of(text.as_bytes(), 0, text.len()).hash()
}

fn hash_long(text: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(text);
    hasher.finish()
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
        /// Equal texts have equal numbers, short or long, with whatever bytes and wherever they stand.
        #[test]
        fn a_number_stands_for_one_text(texts in proptest::collection::vec("[a\u{0}ä]{0,5}|[ab]{7,10}", 0..300)) {
            let (mut dictionary, all) = (Dictionary::default(), texts.concat());
            let mut start = 0;
            for text in &texts {
                let code = {
                    let mut look = Look::default();
                    dictionary.look(all.as_bytes(), start, start + text.len(), &mut look);
                    dictionary.code_at(&look, &all, start, start + text.len())
                };
                prop_assert_eq!(dictionary.get(code), text);
                prop_assert_eq!(dictionary.code(text), code);
                start += text.len();
            }
            let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
            prop_assert_eq!(dictionary.len(), distinct.len());
        }

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
