//! Tombstones: who was erased (Art. 17 GDPR), as keyed fingerprints, so that tomorrow's export does not bring the person back.
//!
//! The id itself is nowhere: whether somebody was erased can be asked of an id that is at hand, and not be read out without the key.
//! `O(log n)` and one HMAC a question; without a tombstone a question costs nothing.

use std::collections::BTreeSet;

use super::keyed::{self, Key, Sum};

/// Marks at which a cell of a row may end, whatever the dialect of its file.
const ENDS: [char; 7] = [',', ';', '\t', '|', '\n', '\r', '\0'];

/// Customers who were erased.
#[derive(Debug, Clone, Default)]
pub struct Tombstones {
    key: Option<Key>,
    sums: BTreeSet<Sum>,
}

impl Tombstones {
    /// Reads the lines of a list that was written with a key; returns nothing where a line is no fingerprint.
    pub fn read(key: Key, lines: &str) -> Option<Self> {
        let sums: Option<BTreeSet<Sum>> = lines.lines().map(sum).collect();
        Some(Self { key: Some(key), sums: sums? })
    }

    /// Adds customers.
    pub fn add<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        let Some(key) = &self.key else { return };
        self.sums.extend(ids.into_iter().map(|id| key.sum(id)));
    }

    /// Takes customers off; returns how many there were.
    pub fn lift<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) -> usize {
        let Some(key) = &self.key else { return 0 };
        ids.into_iter().filter(|id| self.sums.remove(&key.sum(id))).count()
    }

    /// Says whether nobody was erased.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Says whether a customer was erased.
    pub fn holds(&self, id: &str) -> bool {
        !self.is_empty() && self.key.as_ref().is_some_and(|key| self.sums.contains(&key.sum(id)))
    }

    /// Says whether a cell of a row that could not be read is the id of somebody who was erased.
    pub fn hold_a_cell_of(&self, row: &str) -> bool {
        !self.is_empty() && cells_of_row(row).any(|cell| self.holds(cell))
    }

    /// Returns one line a customer, ascending.
    pub fn to_text(&self) -> String {
        self.sums.iter().map(|sum| keyed::digits(sum) + "\n").collect()
    }
}

/// Goes through what may be the cells of a row of any dialect, each as it stands, without its quotes, and as an id is kept.
pub fn cells_of_row(row: &str) -> impl Iterator<Item = &str> {
    row.split(ENDS).flat_map(|cell| {
        let cell = cell.trim();
        let bare = cell.trim_matches(['"', '\'']).trim();
        // Programs that count write whole numbers with a decimal place.
        [cell, bare, bare.strip_suffix(".0").unwrap_or(bare)]
    })
}

fn sum(line: &str) -> Option<Sum> {
    let digits = line.trim().as_bytes();
    let mut sum = Sum::default();
    if digits.len() != 2 * sum.len() {
        return None;
    }
    for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erased(ids: &[&str]) -> Tombstones {
        let mut tombstones = Tombstones::read(Key::new(&[7; 32]), "").unwrap();
        tombstones.add(ids.iter().copied());
        tombstones
    }

    #[test]
    fn who_was_erased_is_known_by_key_alone() {
        let tombstones = erased(&["4711", "K-9"]);
        let text = tombstones.to_text();
        assert!(!text.contains("4711") && text.lines().count() == 2);
        let again = Tombstones::read(Key::new(&[7; 32]), &text).unwrap();
        assert!(again.holds("4711") && again.holds("K-9") && !again.holds("471"));
        let other = Tombstones::read(Key::new(&[8; 32]), &text).unwrap();
        assert!(!other.holds("4711"));
        assert!(Tombstones::read(Key::new(&[7; 32]), "4711\n").is_none());
        assert!(!Tombstones::default().holds("4711"));
    }

    #[test]
    fn a_row_is_of_somebody_whose_id_is_a_whole_cell() {
        let tombstones = erased(&["4711"]);
        for (row, expected) in [
            ("4711,5,2026-02-31", true),
            ("x;\"4711\" ;5", true),
            ("x\t4711.0\t5", true),
            ("x|'4711'|5", true),
            ("\"open, 1\n4711,2", true),
            ("14711,47110,4711a", false),
            ("", false),
        ] {
            assert_eq!(tombstones.hold_a_cell_of(row), expected, "{row}");
        }
    }
}
