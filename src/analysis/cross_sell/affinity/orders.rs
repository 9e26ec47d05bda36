//! What follows what: product A first, product B within so many days, by the same customer.
//!
//! Of every customer only the first purchase of each product counts, so a customer speaks for one direction of a pair at most, and not at
//! all where both came on one day. With `n_ab` customers who first bought B 1 to d days after they first bought A and `n_ba` the other way round:
//!
//! | name        | formula                                  | meaning                                                              |
//! |-------------|------------------------------------------|----------------------------------------------------------------------|
//! | `share`     | `(F + ½) / (F + R + 1)`                  | of all first purchases of A and of B by different customers, `F` have B 1 to d days after A and `R` before: what the dates alone explain |
//! | lift        | `n_ab / ((n_ab + n_ba) · share)`         | against the reversed order; 1 is no direction                        |
//! | p           | two-sided binomial of `n_ab` in `n_ab + n_ba` | whether there is a direction                                    |
//! | confidence  | `m_ab / m_a`                             | of the `m_a` customers whose first A is at least d days before as-of, who first bought B in those days |
//! | delay       | median days from A to B                  | when to ask                                                          |
//!
//! Without `share` every product that was launched later would follow all others; where both were sold alike it is ½. q is by Benjamini and
//! Hochberg over the pairs with `n_ab + n_ba` at least the threshold, which is chosen without looking at the direction.
//!
//! One pass over the products of each customer for both, and for the steps of [`up_sells`](super::up_sells), `O(Σ k²)`. Source: the sign test, Conover, "Practical Nonparametric
//! Statistics", 3.4; windows as in Agrawal and Srikant, "Mining Sequential Patterns", ICDE 1995.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::super::rows::Counter;
use super::Params;
use super::firsts::{Around, Firsts};
use super::memory::{self, SEQUENCE_BYTES, TooMany, What};
use super::up_sells::{Stairs, Step};
use crate::features::{Baskets, Dataset};
use crate::maths::binomial;
use crate::maths::false_discovery::q_values;

/// One direction of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequence {
    pub first: u32,
    pub then: u32,
    /// Customers in this order, and in the other.
    pub n: u32,
    pub n_reversed: u32,
    /// Customers that would come in this order if dates alone decided.
    pub expected: f64,
    pub p: f64,
    pub q: f64,
    /// Customers with the first product long enough ago, and those of them who followed.
    pub n_ripe: u32,
    pub n_ripe_followed: u32,
    pub median_delay_days: f64,
}

impl Sequence {
    /// Returns the lift against the reversed order.
    pub fn lift(&self) -> f64 {
        f64::from(self.n) / self.expected
    }

    /// Returns the share of ripe customers who followed; unknown where none is ripe.
    pub fn confidence(&self) -> Option<f64> {
        (self.n_ripe > 0).then(|| f64::from(self.n_ripe_followed) / f64::from(self.n_ripe))
    }
}

/// The sequences and the steps up of a base.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    pub sequences: Vec<Sequence>,
    /// Steps to a dearer product.
    pub steps: Vec<Sequence>,
    /// Pairs that were tested for a direction, and those that could be a step.
    pub n_tests: u64,
    pub n_step_tests: u64,
    /// Customers that a pair was asked of; above what was asked for where memory is short.
    pub min_count: u32,
    /// Customers with too many products.
    pub n_left_out: usize,
}

/// How a pair is distributed over both orders; `a` is the smaller position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both {
    pub a: u32,
    pub b: u32,
    pub n_ab: u32,
    pub n_ba: u32,
}

/// What one pass over the pairs found.
#[derive(Default)]
struct Tested {
    sequences: Vec<Sequence>,
    steps: Vec<Sequence>,
    n_tests: u64,
    n_step_tests: u64,
}

impl Orders {
    /// Finds the sequences and steps of a base as of the last day; `stairs` says which pairs could be steps, and a seed shuffles the days of
    /// every customer first.
    pub fn find(
        data: &Dataset,
        baskets: &Baskets,
        stairs: &Stairs<'_>,
        params: &Params,
        shuffled: Option<u64>,
    ) -> Self {
        let most_products = params.max_items_per_customer();
        let firsts = Firsts::of(baskets, data.n_products(), params.sequence_days, most_products, shuffled);
        let most = memory::most(params.memory_bytes, memory::SEQUENCES, SEQUENCE_BYTES);
        let mut min_count = params.min_support_count.max(1);
        let tested = loop {
            match test(&firsts, stairs, min_count, params.max_q_value, most) {
                Ok(tested) => break tested,
                Err(TooMany { .. }) => min_count = min_count.saturating_mul(2),
            }
        };
        let finish = |found, n_tests| finish(&firsts, found, n_tests, data.as_of.0, params);
        Self {
            sequences: finish(tested.sequences, tested.n_tests),
            steps: finish(tested.steps, tested.n_step_tests),
            n_tests: tested.n_tests,
            n_step_tests: tested.n_step_tests,
            min_count,
            n_left_out: firsts.n_left_out,
        }
    }
}

/// Counts both orders of every pair and tests those that were seen often enough: for a direction, and for the one upwards.
fn test(firsts: &Firsts, stairs: &Stairs<'_>, least: u32, max_q: f64, most: usize) -> Result<Tested, TooMany> {
    let taken = AtomicUsize::new(0);
    let of_product = |work: &mut Work, a: usize| {
        let mut found = Tested::default();
        work.count(firsts, a, least);
        if work.pairs.iter().any(|both| both.n_ab.max(both.n_ba) >= least) {
            firsts.around(a, &mut work.around);
        }
        for both in work.pairs.drain(..) {
            let step = stairs.step(both.a, both.b);
            found.n_tests += 1;
            found.n_step_tests += u64::from(step.is_some());
            let [sequence, step] = directions(both, step, least, max_q, firsts, &work.around);
            found.sequences.extend(sequence);
            found.steps.extend(step);
        }
        let n = found.sequences.len() + found.steps.len();
        if taken.fetch_add(n, Ordering::Relaxed) + n > most {
            found = Tested::default();
        }
        found
    };
    let of_products: Vec<Tested> = (0..firsts.n_products())
        .into_par_iter()
        .with_max_len(16)
        .map_init(|| Work::new(firsts.n_products()), of_product)
        .collect();
    if taken.into_inner() > most {
        return Err(TooMany { what: What::Sequences, most, min_count: least });
    }
    let mut all = Tested::default();
    for mut found in of_products {
        all.sequences.append(&mut found.sequences);
        all.steps.append(&mut found.steps);
        all.n_tests += found.n_tests;
        all.n_step_tests += found.n_step_tests;
    }
    Ok(all)
}

/// Tests a pair: the order that more customers took, in two tails, and the one upwards, in one.
fn directions(
    both: Both,
    step: Option<Step>,
    least: u32,
    max_q: f64,
    firsts: &Firsts,
    around: &Around,
) -> [Option<Sequence>; 2] {
    let n = both.n_ab + both.n_ba;
    let n_most = both.n_ab.max(both.n_ba);
    if n_most < least || n_most * 2 <= n {
        return [None; 2];
    }
    let share = firsts.share_by_dates(both, around);
    let forwards = both.n_ab > both.n_ba;
    let (first, then, n_this, share) =
        if forwards { (both.a, both.b, both.n_ab, share) } else { (both.b, both.a, both.n_ba, 1.0 - share) };
    let p = binomial::at_least(n_this.into(), n.into(), share);
    let found = Sequence {
        first,
        then,
        n: n_this,
        n_reversed: n - n_this,
        expected: f64::from(n) * share,
        p,
        q: 1.0,
        n_ripe: 0,
        n_ripe_followed: 0,
        median_delay_days: 0.0,
    };
    let p_of_two = (2.0 * p).min(1.0);
    let is_up = step.is_some_and(|step| (step == Step::Up) == forwards);
    [(p_of_two <= max_q).then_some(Sequence { p: p_of_two, ..found }), (is_up && p <= max_q).then_some(found)]
}

/// Adds q, confidence and delay, and leaves what is above the level: the surest first.
fn finish(firsts: &Firsts, mut found: Vec<Sequence>, n_tests: u64, as_of: i32, params: &Params) -> Vec<Sequence> {
    let p: Vec<f64> = found.iter().map(|sequence| sequence.p).collect();
    for (sequence, q) in found.iter_mut().zip(q_values(&p, n_tests as f64)) {
        sequence.q = q;
    }
    found.retain(|sequence| sequence.q <= params.max_q_value);
    let ripe_until = as_of.saturating_sub(i32::try_from(params.sequence_days).unwrap_or(i32::MAX));
    let product = |sequence: &Sequence| (sequence.first, sequence.then);
    found.sort_unstable_by_key(product);
    found
        .par_chunk_by_mut(|x, y| x.first == y.first)
        .for_each_init(|| vec![0; firsts.n_products()], |slot, of_first| firsts.follow(of_first, ripe_until, slot));
    found.sort_by(|x, y| x.p.total_cmp(&y.p).then(y.n.cmp(&x.n)).then_with(|| product(x).cmp(&product(y))));
    found
}

/// Where the pairs of one product are counted.
struct Work {
    counter: Counter<u32>,
    after: Vec<u32>,
    seen: Vec<u32>,
    pairs: Vec<Both>,
    around: Around,
}

impl Work {
    fn new(n_products: usize) -> Self {
        let (seen, pairs) = (Vec::new(), Vec::new());
        Self { counter: Counter::new(n_products), after: vec![0; n_products], seen, pairs, around: Around::default() }
    }

    /// Counts the pairs of a product with those behind it that at least `least` customers bought in either order, ascending.
    fn count(&mut self, firsts: &Firsts, a: usize, least: u32) {
        let Self { counter, after, seen, pairs, .. } = self;
        let a_ix = a as u32;
        firsts.places(a).for_each(|place| counter.add(&firsts.product[place.after()]));
        counter.drain(|b, n| {
            if b > a_ix {
                after[b as usize] = n;
                seen.push(b);
            }
        });
        firsts.places(a).for_each(|place| counter.add(&firsts.product[place.before()]));
        counter.drain(|b, n_ba| {
            if b > a_ix {
                pairs.push(Both { a: a_ix, b, n_ab: std::mem::take(&mut after[b as usize]), n_ba });
            }
        });
        for b in seen.drain(..) {
            let n_ab = std::mem::take(&mut after[b as usize]);
            if n_ab > 0 {
                pairs.push(Both { a: a_ix, b, n_ab, n_ba: 0 });
            }
        }
        pairs.retain(|both| both.n_ab + both.n_ba >= least);
        pairs.sort_unstable_by_key(|both| both.b);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{AS_OF, baskets, dataset};
    use super::*;

    fn find(of_customers: &[Vec<(i32, u32)>], params: Params) -> Orders {
        let purchases = of_customers.iter().zip(0..).flat_map(|(of_customer, customer)| {
            let mut of_customer = of_customer.clone();
            of_customer.sort_unstable();
            of_customer.into_iter().map(move |(day, product)| (customer, day, vec![product]))
        });
        let purchases: Vec<_> = purchases.collect();
        let data = dataset(of_customers.len(), 6, baskets(&purchases));
        let stairs = Stairs { price: vec![None; 6], category: &[], ratio: 1.2 };
        Orders::find(&data, &data.baskets, &stairs, &params, None)
    }

    fn params() -> Params {
        Params { sequence_days: 30, ..Params::default() }
    }

    /// Twenty customers buy 1 two weeks after 0, three the other way round, on days all over the year.
    fn printer_then_ink() -> Vec<Vec<(i32, u32)>> {
        let day = |nth: i32| 100 + nth * 37 % 350;
        let forwards = (0..20).map(|nth| vec![(day(nth), 0), (day(nth) + 14 + nth % 3, 1), (day(nth) + 40, 0)]);
        forwards.chain((20..23).map(|nth| vec![(day(nth), 1), (day(nth) + 5, 0)])).collect()
    }

    #[test]
    fn the_order_of_first_purchases_is_counted() {
        let found = find(&printer_then_ink(), params());
        assert_eq!((found.sequences.len(), found.n_tests), (1, 1));
        let sequence = found.sequences[0];
        assert_eq!((sequence.first, sequence.then, sequence.n, sequence.n_reversed), (0, 1, 20, 3));
        assert_eq!(sequence.median_delay_days, 15.0);
        // All 23 first bought product 0 long ago, and 20 of them then product 1.
        assert!((sequence.confidence().unwrap() - 20.0 / 23.0).abs() < 1e-12);
        // Of all 529 pairs of a first purchase of either, 34 have 1 after 0 within the window and 49 before; 20 and 3 are the customers' own.
        let share = 14.5 / (14.5 + 46.5);
        assert!((sequence.lift() - 20.0 / (23.0 * share)).abs() < 1e-9, "{}", sequence.lift());
        assert!(sequence.p < 0.01 && sequence.q == sequence.p);
    }

    #[test]
    fn a_later_launch_is_no_sequence() {
        // Product 2 is bought from day 500 on, product 3 from day 510: whoever buys both buys 2 first, because of the dates.
        let launch: Vec<Vec<(i32, u32)>> = (0..40).map(|nth| vec![(500 + nth % 10, 2), (510 + nth % 7, 3)]).collect();
        assert_eq!(find(&launch, params()).sequences, []);
    }

    #[test]
    fn one_day_and_too_long_a_wait_say_nothing() {
        let same_day: Vec<_> = (0..30).map(|nth| vec![(100 + nth * 20, 0), (100 + nth * 20, 1)]).collect();
        let late: Vec<_> = (0..30).map(|nth| vec![(100 + nth * 20, 0), (131 + nth * 20, 1)]).collect();
        for of_customers in [same_day, late] {
            let found = find(&of_customers, params());
            assert_eq!((found.sequences.len(), found.n_tests), (0, 0));
        }
        assert_eq!(find(&[], params()).sequences, []);
    }

    #[test]
    fn who_had_no_time_to_follow_is_not_counted_as_one_who_did_not() {
        let mut of_customers = printer_then_ink();
        of_customers.extend((0..30).map(|_| vec![(AS_OF - 3, 0)]));
        let found = find(&of_customers, params());
        assert_eq!(found.sequences[0].n_ripe, 23);
        assert_eq!(found.sequences[0].n_ripe_followed, 20);
    }

    #[test]
    fn shuffled_days_have_no_order() {
        let of_customers = printer_then_ink();
        let purchases = of_customers.iter().zip(0..).flat_map(|(of_customer, customer)| {
            of_customer.iter().map(move |(day, product)| (customer, *day, vec![*product])).collect::<Vec<_>>()
        });
        let data = dataset(of_customers.len(), 6, baskets(&purchases.collect::<Vec<_>>()));
        let stairs = Stairs { price: vec![None; 6], category: &[], ratio: 1.2 };
        let find = |seed| Orders::find(&data, &data.baskets, &stairs, &params(), seed);
        assert_eq!((find(None).sequences.len(), find(None).n_tests), (1, 1));
        for seed in 0..20 {
            let shuffled = find(Some(seed));
            assert_eq!((shuffled.sequences, shuffled.n_tests), (vec![], 1), "{seed}");
        }
    }

    #[test]
    fn who_buys_most_of_a_catalogue_does_not_count() {
        let counted = |most| Firsts::of(&baskets(&[(0, 1, vec![0, 1]), (0, 2, vec![2])]), 6, 30, most, None);
        assert_eq!((counted(3).product.len(), counted(3).n_left_out), (3, 0));
        assert_eq!((counted(2).product.len(), counted(2).n_left_out), (0, 1));
    }

    #[test]
    fn memory_that_does_not_suffice_raises_the_threshold() {
        let enough = find(&printer_then_ink(), params());
        let short = find(&printer_then_ink(), Params { memory_bytes: 0, ..params() });
        assert_eq!((enough.sequences.len(), enough.min_count), (1, 5));
        assert_eq!((short.sequences.len(), short.min_count), (0, 40));
    }
}
