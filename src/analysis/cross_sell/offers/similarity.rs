//! Nearest products: which products are owned by the same customers.
//!
//! With `n` the customers who have a history, `n_i` those of them who own i, `n_ij` those who own both, and `e = n_i·n_j/n`:
//!
//! | name             | `sim(i, j)`                                                                             |
//! |------------------|-----------------------------------------------------------------------------------------|
//! | `cosine`         | `n_ij / (√(n_i·n_j) + s)`, shrunk so that a handful of common customers proves nothing   |
//! | `log-lift`       | `n_ij/n · ln(n_ij/e)`: the part of the log-likelihood ratio that the customers with both add |
//! | `log-likelihood` | `G²/2n` of the fourfold table, where `n_ij > e`                                          |
//! | `ease`           | see [`super::ease`]                                                                     |
//!
//! The shrinkage `s` is a number of imagined customers, chosen with the similarity ([`super::choice`]). Each product keeps its nearest ones; of
//! equally near ones the more popular.
//!
//! | name          | shape             | unit                             |
//! |---------------|-------------------|----------------------------------|
//! | neighbour     | `(≤ n_items · K)` | rank of popularity, nearest first |
//! | similarity    | same              | see above                        |
//! | `n_both`      | same              | customers                        |
//!
//! Cost: one addition for every ordered pair in every history. Sources: Sarwar et al., "Item-Based Collaborative Filtering
//! Recommendation Algorithms", WWW 2001; Bell and Koren, "Scalable Collaborative Filtering with Jointly Derived Neighborhood
//! Interpolation Weights", ICDM 2007, for the shrinkage; Dunning, "Accurate Methods for the Statistics of Surprise and Coincidence",
//! Computational Linguistics 19(1), 1993.

use rayon::prelude::*;

use super::super::rows::{Company, Counter, Places, Rows};

/// How near two products are that are owned by the same customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Similarity {
    /// Cosine, with so many imagined customers.
    Cosine(f64),
    LogLift,
    LogLikelihood,
}

/// The nearest products of each product, as compressed rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Neighbours {
    pub starts: Vec<usize>,
    /// Neighbour and similarity side by side, because they are always read together.
    pub entries: Vec<(u32, f32)>,
    /// Customers who own both, for each entry.
    pub n_both: Vec<u32>,
}

impl Neighbours {
    /// Finds the `max_neighbours` nearest of the `n_items` products in the histories.
    pub fn of(histories: &Rows, n_items: usize, max_neighbours: usize, similarity: Similarity) -> Self {
        let by_item = Places::of(&histories.starts, &histories.items, n_items, Company::All);
        let n_customers = (0..histories.n_rows()).filter(|customer| histories.row_len(*customer) > 0).count();
        let n_owners: Vec<f64> = (0..n_items).map(|item| by_item.n_rows(item) as f64).collect();
        let n = n_customers.max(1) as f64;
        if n_items <= 1 << 16 {
            // Rows are read at random: half as long they are in the cache twice as often.
            let narrow: Vec<u16> = histories.items.iter().map(|item| *item as u16).collect();
            Self::by(&by_item, &narrow, max_neighbours, similarity, &n_owners, n)
        } else {
            Self::by(&by_item, &histories.items, max_neighbours, similarity, &n_owners, n)
        }
    }

    fn by<T: Copy + Into<u32> + Sync>(
        by_item: &Places,
        items: &[T],
        max_neighbours: usize,
        similarity: Similarity,
        n_owners: &[f64],
        n: f64,
    ) -> Self {
        match similarity {
            Similarity::Cosine(shrink) => {
                let root: &[f64] = &n_owners.iter().map(|n| n.sqrt()).collect::<Vec<_>>();
                Self::among(by_item, items, max_neighbours, |item, other, n_both, floor| {
                    let n_expected = root[item] * root[other as usize] + shrink;
                    // Multiplying is much cheaper than dividing; what falls short by more than rounding falls short.
                    let near = n_both >= f64::from(floor) * (1.0 - 1e-6) * n_expected;
                    near.then(|| (n_both / n_expected) as f32)
                })
            }
            Similarity::LogLift => {
                // Counts are few and small: their logarithms are looked up.
                let (ln_owners, ln_n) = (n_owners.iter().map(|n| n.max(1.0).ln()).collect::<Vec<_>>(), n.ln());
                let ln: Vec<f64> = (0..LN_TABLE).map(|count| f64::from(count).max(1.0).ln()).collect();
                Self::among(by_item, items, max_neighbours, |item, other, n_both, floor| {
                    let ln_both = ln.get(n_both as usize).copied().unwrap_or_else(|| n_both.ln());
                    let ln_lift = ln_both + ln_n - ln_owners[item] - ln_owners[other as usize];
                    let near = (n_both / n * ln_lift) as f32;
                    (near >= floor).then_some(near)
                })
            }
            Similarity::LogLikelihood => {
                let xlnx: Vec<f64> = (0..=n as usize).map(|count| xlnx(count as f64)).collect();
                Self::among(by_item, items, max_neighbours, |item, other, n_both, _| {
                    let (own, others) = (n_owners[item], n_owners[other as usize]);
                    (n_both * n > own * others).then(|| log_likelihood(n_both, own, others, n, &xlnx) as f32)
                })
            }
        }
    }

    /// Keeps the nearest by what `similarity` says of item, other, common customers and the least that can still be kept.
    fn among<T: Copy + Into<u32> + Sync>(
        by_item: &Places,
        items: &[T],
        max_neighbours: usize,
        similarity: impl Fn(usize, u32, f64, f32) -> Option<f32> + Sync,
    ) -> Self {
        let n_items = by_item.n_items();
        let run = |(counter, nearest, met): &mut (Counter<T>, Nearest, Vec<u32>), run: std::ops::Range<usize>| {
            let mut part = Self { starts: Vec::with_capacity(run.len()), ..Self::default() };
            for item in run {
                by_item.company(item, items).for_each(|history| counter.add(history));
                counter.drain(|other, n_both| {
                    if other as usize != item
                        && let Some(near) = similarity(item, other, f64::from(n_both), nearest.floor())
                        && near > 0.0
                    {
                        met[other as usize] = n_both;
                        nearest.offer(other, near);
                    }
                });
                part.entries.extend_from_slice(nearest.finish());
                part.n_both.extend(nearest.finish().iter().map(|(other, _)| met[*other as usize]));
                nearest.clear();
                part.starts.push(part.entries.len());
            }
            part
        };
        let start = || (Counter::new(n_items), Nearest::new(max_neighbours), vec![0; n_items]);
        let runs: Vec<Self> = by_item.balanced().into_par_iter().with_max_len(1).map_init(start, run).collect();
        let mut found = Self { starts: vec![0], ..Self::default() };
        for part in runs {
            let before = found.entries.len();
            found.starts.extend(part.starts.iter().map(|end| before + end));
            found.entries.extend_from_slice(&part.entries);
            found.n_both.extend_from_slice(&part.n_both);
        }
        found
    }

    /// Returns the nearest products of one, nearest first.
    #[inline]
    pub fn row(&self, item: u32) -> &[(u32, f32)] {
        &self.entries[self.starts[item as usize]..self.starts[item as usize + 1]]
    }
}

/// Counts whose logarithm is looked up.
const LN_TABLE: u32 = 4_096;

fn xlnx(x: f64) -> f64 {
    if x > 0.0 { x * x.ln() } else { 0.0 }
}

/// `G²/2n` of a fourfold table, by its sums `Σ x ln x`, which are looked up: all of them are of counts up to `n`.
fn log_likelihood(n_both: f64, own: f64, others: f64, n: f64, xlnx: &[f64]) -> f64 {
    let of = |count: f64| xlnx[count as usize];
    let cells = of(n_both) + of(own - n_both) + of(others - n_both) + of(n - own - others + n_both);
    let margins = of(own) + of(n - own) + of(others) + of(n - others);
    ((cells - margins + of(n)) / n).max(0.0)
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
        let neighbours = Neighbours::of(&histories(&[&[0, 1], &[0, 1], &[0, 2]]), 6, 10, Similarity::Cosine(0.0));
        let of_first: Vec<_> = neighbours.row(0).iter().map(|(item, s)| (*item, (s * 1e3).round())).collect();
        assert_eq!(of_first, [(1, 816.0), (2, 577.0)]);
        assert!(neighbours.row(4).is_empty());
        assert_eq!(neighbours.n_both, [2, 1, 2, 1]);
    }

    #[test]
    fn shrinkage_prefers_what_many_customers_say() {
        let mut rows: Vec<&[u32]> = vec![&[0, 1]; 30];
        rows.extend([&[0_u32, 2][..]; 2]);
        rows.extend([&[1_u32][..]; 30]);
        let nearest = |shrink| Neighbours::of(&histories(&rows), 3, 1, Similarity::Cosine(shrink)).row(2)[0];
        assert!((nearest(0.0).1 - (2.0 / (2.0_f32 * 32.0).sqrt())).abs() < 1e-6);
        assert!((nearest(20.0).1 - 2.0 / 28.0).abs() < 1e-6);
    }

    #[test]
    fn likelihoods_are_those_of_the_fourfold_table() {
        // 30 own both, 30 only the second, 40 something else: e = 30·60/100 = 18.
        let mut rows: Vec<&[u32]> = vec![&[0, 1]; 30];
        rows.extend([&[1_u32][..]; 30]);
        rows.extend([&[2_u32][..]; 40]);
        let of = |similarity| Neighbours::of(&histories(&rows), 3, 5, similarity).row(0).to_vec();
        let [(1, found)] = of(Similarity::LogLift)[..] else { panic!("no neighbour") };
        assert!((f64::from(found) - 0.3 * (30.0_f64 / 18.0).ln()).abs() < 1e-7);
        // G² = 2·(30 ln(30/18) + 30 ln(30/42) + 40 ln(40/28)).
        let g2: f64 =
            2.0 * (30.0 * (30.0_f64 / 18.0).ln() + 30.0 * (30.0_f64 / 42.0).ln() + 40.0 * (40.0_f64 / 28.0).ln());
        let [(1, found)] = of(Similarity::LogLikelihood)[..] else { panic!("no neighbour") };
        assert!((f64::from(found) - g2 / 200.0).abs() < 1e-7);
        assert!(Neighbours::of(&histories(&rows), 3, 5, Similarity::LogLift).row(2).is_empty());
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
