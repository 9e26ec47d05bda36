//! Baskets as chance would fill them: every basket keeps its size, every item its number of baskets.
//!
//! A trade takes two baskets, leaves what both hold, and deals the rest out again at random in the same numbers. Many trades reach every set
//! of baskets with those sizes and counts with the same probability, which is the null that rules are tested against. Trades are drawn one after
//! the other from one seed: the result is the same everywhere. `O(k)` a trade, [`TRADES_A_BASKET`] trades a basket.
//!
//! Source: Strona et al., "A fast and unbiased procedure to randomize ecological binary matrices with fixed row and column totals"
//! (curveball), Nature Communications 5, 2014.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::super::rows::Rows;

/// Trades for each basket; after about five nothing of the old order can be told.
pub const TRADES_A_BASKET: usize = 10;

/// Trades between rows of ascending distinct items.
pub fn swapped(rows: &Rows, seed: u64) -> Rows {
    swapped_within(rows, &[0, rows.n_rows()], seed)
}

/// Trades between rows of one stratum each: every customer keeps what it bought in a season, and how often.
pub fn swapped_within(rows: &Rows, starts: &[usize], seed: u64) -> Rows {
    let mut traded = rows.clone();
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut table = Table::default();
    for stratum in starts.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1) {
        let (start, n_rows) = (stratum[0], stratum[1] - stratum[0]);
        for _ in 0..n_rows * TRADES_A_BASKET {
            let (a, b) = (rng.random_range(0..n_rows as u64) as usize, rng.random_range(0..n_rows as u64 - 1) as usize);
            // Another basket than a, each as likely.
            let b = b + usize::from(b >= a);
            let (first, second) = (start + a.min(b), start + a.max(b));
            let (left, right) = traded.items.split_at_mut(traded.starts[second]);
            let first = &mut left[traded.starts[first]..traded.starts[first + 1]];
            table.trade(first, &mut right[..traded.starts[second + 1] - traded.starts[second]], &mut rng);
        }
    }
    traded
}

/// Where the baskets of a trade are laid out.
#[derive(Default)]
struct Table {
    common: Vec<u32>,
    pool: Vec<u32>,
}

impl Table {
    fn trade(&mut self, a: &mut [u32], b: &mut [u32], rng: &mut Pcg64Mcg) {
        let Self { common, pool } = self;
        common.clear();
        pool.clear();
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            match a[i].cmp(&b[j]) {
                std::cmp::Ordering::Equal => {
                    common.push(a[i]);
                    (i, j) = (i + 1, j + 1);
                }
                std::cmp::Ordering::Less => {
                    pool.push(a[i]);
                    i += 1;
                }
                std::cmp::Ordering::Greater => {
                    pool.push(b[j]);
                    j += 1;
                }
            }
        }
        pool.extend_from_slice(&a[i..]);
        pool.extend_from_slice(&b[j..]);
        let n_of_a = a.len() - common.len();
        if n_of_a == 0 || n_of_a == pool.len() {
            return;
        }
        for nth in 0..n_of_a {
            let other = rng.random_range(nth as u64..pool.len() as u64) as usize;
            pool.swap(nth, other);
        }
        for (basket, dealt) in [(a, &pool[..n_of_a]), (b, &pool[n_of_a..])] {
            basket[..common.len()].copy_from_slice(common);
            basket[common.len()..].copy_from_slice(dealt);
            basket.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_stay_and_company_does_not() {
        let rows =
            Rows::build(500, |row, items| items.extend((0..2 + row as u32 % 4).map(|nth| row as u32 % 9 + 3 * nth)));
        let traded = swapped(&rows, 7);
        assert_eq!(traded.starts, rows.starts);
        let counts = |rows: &Rows| {
            let mut counts = vec![0; 40];
            rows.items.iter().for_each(|item| counts[*item as usize] += 1);
            counts
        };
        assert_eq!(counts(&traded), counts(&rows));
        assert!((0..500).all(|row| traded.row(row).windows(2).all(|pair| pair[0] < pair[1])));
        assert!((0..500).filter(|row| traded.row(*row) != rows.row(*row)).count() > 400);
        assert_eq!(swapped(&rows, 7), traded);
        assert_ne!(swapped(&rows, 8), traded);
        // Between strata nothing is traded: the first hundred rows hold what they held.
        let within = swapped_within(&rows, &[0, 100, 500], 7);
        let first = |rows: &Rows| {
            let mut items = rows.items[..rows.starts[100]].to_vec();
            items.sort_unstable();
            items
        };
        assert_eq!(first(&within), first(&rows));
        assert_ne!(within.row(3), rows.row(3));
        assert_eq!(swapped(&Rows::build(1, |_, items| items.push(3)), 1).items, [3]);
    }
}
