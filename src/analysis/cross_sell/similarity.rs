//! Nearest products: which products are owned by the same customers.
//!
//! `sim(i, j) = n_ij / (√(n_i·n_j) + 20)`, the cosine of the two columns of the customer × product table, shrunk so that a handful of
//! common customers proves nothing (`n` counts customers). Each product keeps its nearest ones; of equally near ones the more popular.
//!
//! | name          | shape            | unit                                       |
//! |---------------|------------------|--------------------------------------------|
//! | `neighbour`   | `(≤ n_items · K)` | rank of popularity, nearest first           |
//! | `similarity`  | same              | 0 to 1                                      |
//!
//! Cost: one addition for every ordered pair in every history. Sources: Sarwar et al., "Item-Based Collaborative Filtering
//! Recommendation Algorithms", WWW 2001; Bell and Koren, "Scalable Collaborative Filtering with Jointly Derived Neighborhood
//! Interpolation Weights", ICDM 2007, for the shrinkage.

use rayon::prelude::*;

use super::rows::{Company, Counter, Places, Rows};

/// Imagined customers that own only one of two products, added to every cosine.
pub const SHRINK: f64 = 20.0;

/// The nearest products of each product, as compressed rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    starts: Vec<usize>,
    /// Neighbour and similarity side by side, because they are always read together.
    entries: Vec<(u32, f32)>,
}

impl Neighbours {
    /// Finds the `max_neighbours` nearest of the `n_items` products in the histories.
    pub fn of(histories: &Rows, n_items: usize, max_neighbours: usize, shrink: f64) -> Self {
        let by_item = Places::of(&histories.starts, &histories.items, n_items, Company::All);
        if n_items <= 1 << 16 {
            // Rows are read at random: half as long they are in the cache twice as often.
            let narrow: Vec<u16> = histories.items.iter().map(|item| *item as u16).collect();
            Self::among(&by_item, &narrow, max_neighbours, shrink)
        } else {
            Self::among(&by_item, &histories.items, max_neighbours, shrink)
        }
    }

    /// Finds the nearest products where `items` are those of the histories that were turned.
    fn among<T: Copy + Into<u32> + Sync>(by_item: &Places, items: &[T], max_neighbours: usize, shrink: f64) -> Self {
        let n_items = by_item.n_items();
        let root: &[f64] = &(0..n_items).map(|item| (by_item.n_rows(item) as f64).sqrt()).collect::<Vec<_>>();
        let run = |(counter, nearest): &mut (Counter<T>, Nearest), run: std::ops::Range<usize>| {
            let (mut ends, mut entries) = (Vec::with_capacity(run.len()), Vec::new());
            for item in run {
                by_item.company(item, items).for_each(|history| counter.add(history));
                counter.drain(|other, n_both| {
                    let n_expected = root[item] * root[other as usize] + shrink;
                    // Multiplying is much cheaper than dividing; what falls short by more than rounding falls short.
                    let near = f64::from(n_both) >= f64::from(nearest.floor()) * (1.0 - 1e-6) * n_expected;
                    if near && other as usize != item {
                        nearest.offer(other, (f64::from(n_both) / n_expected) as f32);
                    }
                });
                entries.extend_from_slice(nearest.finish());
                nearest.clear();
                ends.push(entries.len());
            }
            (ends, entries)
        };
        let runs: Vec<(Vec<usize>, Vec<_>)> = by_item
            .balanced()
            .into_par_iter()
            .with_max_len(1)
            .map_init(|| (Counter::new(n_items), Nearest::new(max_neighbours)), run)
            .collect();
        let mut found = Self { starts: vec![0], entries: Vec::new() };
        for (ends, entries) in runs {
            let before = found.entries.len();
            found.starts.extend(ends.iter().map(|end| before + end));
            found.entries.extend_from_slice(&entries);
        }
        found
    }

    /// Returns the nearest products of one, nearest first.
    #[inline]
    pub fn row(&self, item: u32) -> &[(u32, f32)] {
        &self.entries[self.starts[item as usize]..self.starts[item as usize + 1]]
    }
}

/// Keeps the `k` best of what it is offered: higher scores first, of equal ones the smaller item.
#[derive(Debug)]
pub struct Nearest {
    k: usize,
    /// Scores below this one cannot be among the best any more.
    floor: f32,
    kept: Vec<(u32, f32)>,
}

impl Nearest {
    /// Makes room for `k`.
    pub fn new(k: usize) -> Self {
        Self { k, floor: f32::MIN_POSITIVE, kept: Vec::with_capacity(room(k)) }
    }

    /// Returns the score below which nothing can be among the best any more.
    #[inline]
    pub fn floor(&self) -> f32 {
        self.floor
    }

    /// Considers an item; scores must be positive.
    #[inline]
    pub fn offer(&mut self, item: u32, score: f32) {
        if score >= self.floor {
            if self.k <= FEW {
                self.insert((item, score));
                return;
            }
            self.kept.push((item, score));
            if self.kept.len() >= room(self.k) {
                self.shrink_to_k();
            }
        }
    }

    #[inline(never)]
    fn insert(&mut self, offered: (u32, f32)) {
        let behind = self.kept.iter().rposition(|kept| better_first(kept, &offered).is_lt()).map_or(0, |last| last + 1);
        if behind < self.k {
            if self.kept.len() == self.k {
                self.kept.pop();
            }
            self.kept.insert(behind, offered);
            if let Some(worst) = self.kept.get(self.k - 1) {
                self.floor = worst.1;
            }
        }
    }

    /// Returns the best ones, best first.
    pub fn finish(&mut self) -> &[(u32, f32)] {
        if self.k > FEW {
            self.shrink_to_k();
            self.kept.sort_unstable_by(better_first);
        }
        &self.kept
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.floor = f32::MIN_POSITIVE;
    }

    fn shrink_to_k(&mut self) {
        if self.kept.len() > self.k {
            let (_, worst, _) = self.kept.select_nth_unstable_by(self.k - 1, better_first);
            self.floor = worst.1;
            self.kept.truncate(self.k);
        }
    }
}

/// Up to this many are kept in order: moving them is cheaper than selecting later.
const FEW: usize = 16;

/// A few more than `k`, so that selecting is rare; twice as many, so that it is cheap.
fn room(k: usize) -> usize {
    2 * k + 32
}

fn better_first(x: &(u32, f32), y: &(u32, f32)) -> std::cmp::Ordering {
    y.1.total_cmp(&x.1).then(x.0.cmp(&y.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histories(rows: &[&[u32]]) -> Rows {
        Rows::build(rows.len(), |row, items| items.extend_from_slice(rows[row]))
    }

    #[test]
    fn similarity_is_the_cosine_of_columns() {
        // Columns 0 = (1, 1, 1), 1 = (1, 1, 0), 2 = (0, 0, 1): cosines 2/√6 = 0.816 and 1/√3 = 0.577.
        let neighbours = Neighbours::of(&histories(&[&[0, 1], &[0, 1], &[0, 2]]), 6, 10, 0.0);
        let of_first: Vec<_> = neighbours.row(0).iter().map(|(item, s)| (*item, (s * 1e3).round())).collect();
        assert_eq!(of_first, [(1, 816.0), (2, 577.0)]);
        assert!(neighbours.row(4).is_empty());
    }

    #[test]
    fn shrinkage_prefers_what_many_customers_say() {
        let mut rows: Vec<&[u32]> = vec![&[0, 1]; 30];
        rows.extend([&[0_u32, 2][..]; 2]);
        rows.extend([&[1_u32][..]; 30]);
        let nearest = |shrink| Neighbours::of(&histories(&rows), 3, 1, shrink).row(2)[0];
        assert!((nearest(0.0).1 - (2.0 / (2.0_f32 * 32.0).sqrt())).abs() < 1e-6);
        assert!((nearest(SHRINK).1 - 2.0 / 28.0).abs() < 1e-6);
    }

    proptest! {
        /// What is kept are the first k of all, sorted.
        #[test]
        fn nearest_are_the_best(offers in prop::collection::vec((0_u32..1_000, 1_u8..20), 0..300), k in 0_usize..60) {
            let mut nearest = Nearest::new(k);
            let mut expected: Vec<(u32, f32)> = offers.iter().map(|(item, score)| (*item, f32::from(*score))).collect();
            for (item, score) in &expected {
                nearest.offer(*item, *score);
            }
            expected.sort_by(better_first);
            expected.truncate(k);
            prop_assert_eq!(nearest.finish(), expected.as_slice());
        }
    }
}
