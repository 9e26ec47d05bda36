//! Pairs that the same customers buy, but in the same basket less often than chance: who takes one leaves the other.
//!
//! Products of different kinds of customers avoid each other as well, and so do those of summer and winter. Both is ruled out by comparing within
//! [`strata`](super::strata) alone, a customer in a season. Where `n_a` and `n_b` of the `B` baskets of a stratum hold `a` and `b`, and which ones
//! is chance, `n_a·n_b/B` hold both on average (hypergeometric); the strata are added up:
//!
//! ```text
//! e = Σ n_a·n_b/B    m = Σ min(n_a, n_b)    t = Σ n_ab    over strata with 0 < n_a < B and 0 < n_b < B: the others leave nothing to chance
//! p = P(N ≤ t), N binomial of m trials with probability e/m
//! ```
//!
//! A hypergeometric count is one of `min(n_a, n_b)` independent yes-or-no trials of different probabilities, and a sum of such has a lower tail
//! below that of equal ones (Hoeffding), exactly that where everybody had two baskets; large baskets bring products together. So p errs on
//! the safe side. Tested are pairs of one category, where categories are known, that should have met in `min_count` baskets at least, and that
//! would be below the level if they never did: chosen by the counts of each product alone, so q by Benjamini and Hochberg is over these pairs.
//!
//! `O(Σ k²)` over the products of a stratum and category; 28 bytes a product of a stratum. Sources: Mantel and Haenszel, J. Natl. Cancer Inst. 22(4), 1959
//! (strata); Hoeffding, "On the Distribution of the Number of Successes in Independent Trials", Ann. Math. Stat. 27(3), 1956.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::super::rows::{Company, Counter, Places, Rows};
use super::memory::{TooMany, What};
use super::strata::Strata;
use crate::maths::binomial;
use crate::maths::false_discovery::q_values;
use crate::units::NONE_IX;

/// Two products, or categories, that avoid each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Substitute {
    /// The lower code of the two.
    pub a: u32,
    pub b: u32,
    /// Strata, customers in a season, that bought both and had a choice.
    pub n_strata: u32,
    /// Baskets of theirs with both.
    pub n_both: u32,
    pub expected: f64,
    pub p: f64,
    pub q: f64,
}

/// The pairs that avoid each other, by code.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Substitutes {
    pub pairs: Vec<Substitute>,
    /// Pairs that should have met often enough to be tested.
    pub n_tests: u64,
    /// Baskets in which they should have met; above what was asked for where memory is short.
    pub min_count: u32,
}

/// Finds the pairs below chance at a level of q; `group` is the category of each code, `NONE_IX` where a code is compared with none.
pub fn substitutes(strata: &Strata, group: &[u32], min_count: u32, max_q: f64, most: usize) -> Substitutes {
    let choices = Choices::of(strata, group);
    let mut min_count = min_count.max(1);
    loop {
        match choices.test(min_count, max_q, most) {
            Ok(found) => return found,
            Err(TooMany { .. }) => min_count = min_count.saturating_mul(2),
        }
    }
}

/// A product in a stratum.
#[derive(Debug, Clone, Copy, Default)]
struct Choice {
    rank: u32,
    /// Baskets of the stratum with it, and all of them.
    n: u32,
    n_baskets: u32,
}

/// What the strata chose between: rows of a stratum and category, products by rank.
struct Choices {
    /// Code of each rank: by category, then code.
    code: Vec<u32>,
    of_strata: Vec<Choice>,
    strata: Places,
    /// Baskets of the same.
    of_baskets: Vec<u32>,
    baskets: Places,
}

impl Choices {
    fn of(strata: &Strata, group: &[u32]) -> Self {
        let mut code: Vec<u32> = (0..group.len() as u32).filter(|code| group[*code as usize] != NONE_IX).collect();
        code.sort_by_key(|code| group[*code as usize]);
        let mut rank_of = vec![NONE_IX; group.len()];
        code.iter().zip(0..).for_each(|(code, rank)| rank_of[*code as usize] = rank);
        let group_of = |rank: u32| group[code[rank as usize] as usize];
        let ranks_of = |row: usize, ranks: &mut Vec<u32>| {
            ranks.extend(
                strata.rows.row(row).iter().map(|code| rank_of[*code as usize]).filter(|rank| *rank != NONE_IX),
            );
        };
        // Each stratum with every basket's products once more is `rank, n` pairs; what all of its baskets hold leaves no choice.
        let chosen = Rows::build(strata.n_strata(), |stratum, items| {
            let (rows, mut ranks) = (strata.rows_of(stratum), Vec::new());
            rows.clone().for_each(|row| ranks_of(row, &mut ranks));
            ranks.sort_unstable();
            for run in ranks.chunk_by(|a, b| a == b).filter(|run| run.len() < rows.len()) {
                items.extend([run[0], run.len() as u32]);
            }
        });
        let (mut of_strata, mut starts) = (Vec::with_capacity(chosen.items.len() / 2), vec![0]);
        for stratum in 0..strata.n_strata() {
            let n_baskets = strata.rows_of(stratum).len() as u32;
            let row = chosen.row(stratum).chunks_exact(2).map(|pair| (pair[0], pair[1]));
            of_strata.extend(row.map(|(rank, n)| Choice { rank, n, n_baskets }));
            end_groups(&mut starts, &of_strata, |choice| group_of(choice.rank));
        }
        let (mut of_baskets, mut basket_starts) = (Vec::with_capacity(strata.rows.items.len()), vec![0]);
        let mut ranks = Vec::new();
        for stratum in 0..strata.n_strata() {
            for row in strata.rows_of(stratum) {
                ranks.clear();
                ranks_of(row, &mut ranks);
                ranks.sort_unstable();
                let mut choices = chosen.row(stratum).chunks_exact(2).map(|pair| pair[0]).peekable();
                of_baskets.extend(ranks.iter().copied().filter(|rank| {
                    while choices.next_if(|choice| choice < rank).is_some() {}
                    choices.peek() == Some(rank)
                }));
                end_groups(&mut basket_starts, &of_baskets, |rank| group_of(*rank));
            }
        }
        let n_ranks = code.len();
        let ranks: Vec<u32> = of_strata.iter().map(|choice| choice.rank).collect();
        let by_stratum = Places::of(&starts, &ranks, n_ranks, Company::Behind);
        let by_basket = Places::of(&basket_starts, &of_baskets, n_ranks, Company::Behind);
        Self { code, of_strata, strata: by_stratum, of_baskets, baskets: by_basket }
    }

    fn test(&self, min_count: u32, max_q: f64, most: usize) -> Result<Substitutes, TooMany> {
        let least = f64::from(min_count);
        let taken = AtomicUsize::new(0);
        let n_ranks = self.code.len();
        let of_ranks: Vec<(Vec<Substitute>, u64)> = (0..n_ranks)
            .into_par_iter()
            .with_max_len(16)
            .map_init(
                || (Sums::new(n_ranks), Counter::new(n_ranks), vec![0_u32; n_ranks]),
                |(sums, counter, met), a| {
                    let mut found: Vec<Substitute> = Vec::new();
                    // A product meets another at most as often as it was bought at all.
                    let n_bought: f64 =
                        self.strata.spans(a).map(|span| f64::from(self.of_strata[span.start - 1].n)).sum();
                    if n_bought < least {
                        return (found, 0);
                    }
                    for span in self.strata.spans(a) {
                        let own = self.of_strata[span.start - 1];
                        let share = f64::from(own.n) / f64::from(own.n_baskets);
                        for other in &self.of_strata[span] {
                            sums.add(other.rank, share * f64::from(other.n), own.n.min(other.n));
                        }
                    }
                    let tested = sums.drain(least, max_q);
                    if !tested.is_empty() {
                        self.baskets.company(a, &self.of_baskets).for_each(|company| counter.add(company));
                        counter.drain(|b, n| met[b as usize] = n);
                        for Tested { rank: b, expected, n_trials, n_strata } in tested.iter().copied() {
                            let n_both = met[b as usize];
                            let p = at_most(n_both, n_trials, expected);
                            if f64::from(n_both) < expected && p <= max_q {
                                let [a, b] = [a, b as usize].map(|rank| self.code[rank]);
                                let (a, b) = (a.min(b), a.max(b));
                                found.push(Substitute { a, b, n_strata, n_both, expected, p, q: 1.0 });
                            }
                        }
                        met.fill(0);
                    }
                    if taken.fetch_add(found.len(), Ordering::Relaxed) + found.len() > most {
                        found.clear();
                    }
                    (found, tested.len() as u64)
                },
            )
            .collect();
        if taken.into_inner() > most {
            return Err(TooMany { what: What::Substitutes, most, min_count });
        }
        let n_tests = of_ranks.iter().map(|(_, n)| n).sum::<u64>();
        let mut pairs: Vec<Substitute> = of_ranks.into_iter().flat_map(|(found, _)| found).collect();
        let p: Vec<f64> = pairs.iter().map(|pair| pair.p).collect();
        for (pair, q) in pairs.iter_mut().zip(q_values(&p, n_tests as f64)) {
            pair.q = q;
        }
        pairs.retain(|pair| pair.q <= max_q);
        pairs.sort_unstable_by_key(|pair| (pair.a, pair.b));
        Ok(Substitutes { pairs, n_tests, min_count })
    }
}

/// Ends a row wherever the category changes, and at the end.
fn end_groups<T>(starts: &mut Vec<usize>, items: &[T], group: impl Fn(&T) -> u32) {
    let first = starts[starts.len() - 1];
    for run in items[first..].chunk_by(|a, b| group(a) == group(b)) {
        starts.push(starts[starts.len() - 1] + run.len());
    }
}

/// Returns the probability of at most `n` of `n_trials` where `expected` are.
fn at_most(n: u32, n_trials: u32, expected: f64) -> f64 {
    let share = (1.0 - expected / f64::from(n_trials)).clamp(0.0, 1.0);
    binomial::at_least(n_trials.saturating_sub(n).into(), n_trials.into(), share)
}

/// What was added up of a pair that is tested.
#[derive(Debug, Clone, Copy)]
struct Tested {
    rank: u32,
    expected: f64,
    n_trials: u32,
    n_strata: u32,
}

/// Sums of one product's expected meetings, kept clean between products.
struct Sums {
    of_rank: Vec<(f64, u32, u32)>,
    touched: Vec<u32>,
}

impl Sums {
    fn new(n: usize) -> Self {
        Self { of_rank: vec![(0.0, 0, 0); n], touched: Vec::new() }
    }

    #[inline]
    fn add(&mut self, rank: u32, expected: f64, n_trials: u32) {
        let sums = &mut self.of_rank[rank as usize];
        if sums.2 == 0 {
            self.touched.push(rank);
        }
        *sums = (sums.0 + expected, sums.1 + n_trials, sums.2 + 1);
    }

    /// Returns those that reach `least` and could be below the level, and forgets all.
    fn drain(&mut self, least: f64, max_q: f64) -> Vec<Tested> {
        let mut reached = Vec::new();
        for rank in self.touched.drain(..) {
            let (expected, n_trials, n_strata) = std::mem::take(&mut self.of_rank[rank as usize]);
            if expected >= least && at_most(0, n_trials, expected) <= max_q {
                reached.push(Tested { rank, expected, n_trials, n_strata });
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    /// Baskets of (customer, products), one a day for each customer.
    fn find(of_customers: &[Vec<Vec<u32>>], group: &[u32]) -> Vec<(u32, u32)> {
        let baskets_of = |(customer, of_customer): (usize, &Vec<Vec<u32>>)| {
            let of_day = |(day, products): (usize, &Vec<u32>)| (customer as u32, day as i32, products.clone());
            of_customer.iter().enumerate().map(of_day).collect::<Vec<_>>()
        };
        let base = baskets(&of_customers.iter().enumerate().flat_map(baskets_of).collect::<Vec<_>>());
        let found = substitutes(&Strata::of(&base, 100), group, 5, 0.01, 1_000);
        assert!(found.pairs.iter().all(|pair| pair.q <= 0.01 && pair.q >= pair.p && pair.expected.is_finite()));
        found.pairs.iter().map(|pair| (pair.a, pair.b)).collect()
    }

    /// Forty customers take 0 or 1, never both, with 2 in every second basket whatever it is.
    fn switchers() -> Vec<Vec<Vec<u32>>> {
        let basket = |nth: usize| {
            let mut basket = vec![(nth % 2) as u32];
            basket.extend((nth % 4 < 2).then_some(2));
            basket
        };
        vec![(0..8).map(basket).collect(); 40]
    }

    #[test]
    fn who_takes_one_or_the_other_has_substitutes() {
        assert_eq!(find(&switchers(), &[0; 3]), [(0, 1)]);
        // Of another category they are no substitutes, and neither of an unknown one.
        assert_eq!(find(&switchers(), &[0, 1, 0]), []);
        assert_eq!(find(&switchers(), &[0, NONE_IX, 0]), []);
    }

    #[test]
    fn products_of_different_customers_are_no_substitutes() {
        // Half of the customers buy 0 in every second basket, half buy 1; nobody who could choose did.
        let of = |product: u32| (0..8).map(move |nth| if nth % 2 == 0 { vec![product, 2] } else { vec![2] }).collect();
        let kinds: Vec<Vec<Vec<u32>>> = (0..80).map(|customer| of(customer % 2)).collect();
        assert_eq!(find(&kinds, &[0; 3]), []);
    }

    #[test]
    fn memory_that_does_not_suffice_raises_what_pairs_must_reach() {
        let base: Vec<(u32, i32, Vec<u32>)> =
            (0..63).flat_map(|customer| (0..6).map(move |day| (customer, day, vec![day as u32 % 3]))).collect();
        let strata = Strata::of(&baskets(&base), 100);
        let all = substitutes(&strata, &[0; 3], 5, 0.01, 3);
        assert_eq!((all.pairs.len(), all.min_count, all.n_tests), (3, 5, 3));
        // 63 customers with 2 of 6 baskets each: 42 meetings are expected of every pair.
        assert!((all.pairs[0].expected - 42.0).abs() < 1e-9);
        let none = substitutes(&strata, &[0; 3], 5, 0.01, 2);
        assert_eq!((none.pairs.len(), none.min_count), (0, 80));
    }
}
