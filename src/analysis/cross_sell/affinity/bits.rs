//! Dense projections: one bit a basket for each item, sets counted by `and`.
//!
//! `n` baskets are `n/64` words an item; the baskets of a set are the `and` of its items, and their number is the number of bits. At every
//! step only the bits of frequent sets with one common beginning are held: `O(items · n/8)` bytes a step.
//! Source: Zaki, "Scalable Algorithms for Association Mining", IEEE TKDE 12(3), 2000; Burdick et al., "MAFIA", ICDE 2001.

use super::depth::{LocalRows, Tree};
use super::memory::TooMany;

/// The baskets of some items, or of sets that differ in their last item.
pub(super) struct Bits {
    items: Vec<u32>,
    n_words: usize,
    /// `n_words` for each item, one after the other.
    words: Vec<u64>,
}

impl Bits {
    /// Writes a projection as bits; `items` names its items.
    pub fn of(rows: &LocalRows, items: &[u32]) -> Self {
        let n_words = rows.n_rows().div_ceil(64);
        let mut words = vec![0; n_words * items.len()];
        for (row, of_row) in rows.iter().enumerate() {
            for item in of_row {
                words[*item as usize * n_words + row / 64] |= 1 << (row % 64);
            }
        }
        Self { items: items.to_vec(), n_words, words }
    }

    /// Finds the frequent sets of two of these items and goes on with those of three.
    pub fn grow(&self, tree: &mut Tree<'_>, level: usize) -> Result<(), TooMany> {
        let min_count = tree.limits.min_count;
        let goes_deeper = tree.goes_deeper(level);
        let mut next = Self { items: Vec::new(), n_words: self.n_words, words: Vec::new() };
        let mut counts = Vec::new();
        for item in 0..self.items.len() {
            next.items.clear();
            next.words.clear();
            counts.clear();
            let own = self.of_item(item);
            for other in 0..item {
                let others = self.of_item(other);
                let count: u32 = own.iter().zip(others).map(|(a, b)| (a & b).count_ones()).sum();
                if count >= min_count {
                    next.items.push(self.items[other]);
                    counts.push(count);
                    if goes_deeper {
                        next.words.extend(own.iter().zip(others).map(|(a, b)| a & b));
                    }
                }
            }
            let n = tree.children(level, next.items.iter().copied().zip(counts.iter().copied()))?;
            if goes_deeper && n > 1 {
                next.grow(tree, level + 1)?;
            } else if goes_deeper {
                tree.childless(level + 1, n);
            }
        }
        Ok(())
    }

    fn of_item(&self, item: usize) -> &[u64] {
        &self.words[item * self.n_words..(item + 1) * self.n_words]
    }
}
