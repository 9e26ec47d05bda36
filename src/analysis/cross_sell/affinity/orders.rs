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
//! Two passes over the products of each customer, `O(Σ k²)`; 40 bytes a first purchase. Source: the sign test, Conover, "Practical Nonparametric
//! Statistics", 3.4; windows as in Agrawal and Srikant, "Mining Sequential Patterns", ICDE 1995.

use rayon::prelude::*;

use super::super::rows::Counter;
use super::Params;
use crate::features::{Baskets, Dataset};
use crate::maths::binomial;
use crate::maths::false_discovery::q_values;
use crate::units::NONE_IX;

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

/// The first purchases of all customers, and the sequences among them.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    pub sequences: Vec<Sequence>,
    /// Pairs that were tested for a direction.
    pub n_tests: u64,
    firsts: Firsts,
}

/// How a pair is distributed over both orders; `a` is the smaller position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both {
    pub a: u32,
    pub b: u32,
    pub n_ab: u32,
    pub n_ba: u32,
}

impl Orders {
    /// Finds the sequences of a base as of the last day.
    pub fn find(data: &Dataset, baskets: &Baskets, params: &Params) -> Self {
        let firsts = Firsts::of(baskets, data.n_products(), params.sequence_days);
        let mut found = Self { firsts, ..Self::default() };
        // Tests of both directions; the side that more customers took is the one to report.
        let (tested, n_tests) = found.test(
            params,
            |_| true,
            |both, share| {
                let n = both.n_ab + both.n_ba;
                let forwards = both.n_ab > both.n_ba;
                let (n_this, share) = if forwards { (both.n_ab, share) } else { (both.n_ba, 1.0 - share) };
                let p = binomial::at_least(n_this.into(), n.into(), share);
                let (first, then) = if forwards { (both.a, both.b) } else { (both.b, both.a) };
                (n_this * 2 > n).then_some((first, then, n_this, (2.0 * p).min(1.0), share))
            },
        );
        found.sequences = found.finish(tested, n_tests, data.as_of.0, params);
        found.n_tests = n_tests;
        found
    }

    /// Counts both orders of every pair that is asked for and tests those that were seen often enough.
    pub(super) fn test(
        &self,
        params: &Params,
        wanted: impl Fn((u32, u32)) -> bool + Sync,
        test: impl Fn(Both, f64) -> Option<(u32, u32, u32, f64, f64)> + Sync,
    ) -> (Vec<Sequence>, u64) {
        let firsts = &self.firsts;
        let least = params.min_support_count.max(1);
        let of_products: Vec<(Vec<Sequence>, u64)> = (0..firsts.n_products())
            .into_par_iter()
            .with_max_len(16)
            .map_init(
                || (Counter::new(firsts.n_products()), vec![0_u32; firsts.n_products()], Vec::new()),
                |(counter, after, seen), a| {
                    let (mut found, mut n_tests) = (Vec::new(), 0);
                    for place in firsts.places(a) {
                        counter.add(&firsts.product[place.after()]);
                    }
                    counter.drain(|b, n| {
                        after[b as usize] = n;
                        seen.push(b);
                    });
                    let mut pairs: Vec<Both> = Vec::new();
                    let a_ix = a as u32;
                    for place in firsts.places(a) {
                        counter.add(&firsts.product[place.before()]);
                    }
                    counter.drain(|b, n_ba| {
                        let n_ab = std::mem::take(&mut after[b as usize]);
                        pairs.push(Both { a: a_ix, b, n_ab, n_ba });
                    });
                    for b in seen.drain(..) {
                        let n_ab = std::mem::take(&mut after[b as usize]);
                        if n_ab > 0 {
                            pairs.push(Both { a: a_ix, b, n_ab, n_ba: 0 });
                        }
                    }
                    pairs.retain(|both| both.a < both.b && both.n_ab + both.n_ba >= least && wanted((both.a, both.b)));
                    pairs.sort_unstable_by_key(|both| both.b);
                    for both in pairs {
                        n_tests += 1;
                        if both.n_ab.max(both.n_ba) < least {
                            continue;
                        }
                        let share = firsts.share_by_dates(both);
                        let Some((first, then, n, p, share)) = test(both, share) else { continue };
                        let both_orders = both.n_ab + both.n_ba;
                        if p <= params.max_q_value && n >= least {
                            let expected = f64::from(both_orders) * share;
                            let n_reversed = both_orders - n;
                            found.push(Sequence { first, then, n, n_reversed, expected, p, ..NO_SEQUENCE });
                        }
                    }
                    (found, n_tests)
                },
            )
            .collect();
        let n_tests = of_products.iter().map(|(_, n)| n).sum();
        (of_products.into_iter().flat_map(|(found, _)| found).collect(), n_tests)
    }

    /// Adds q, confidence and delay, and leaves what is above the level: the surest first.
    pub(super) fn finish(&self, mut found: Vec<Sequence>, n_tests: u64, as_of: i32, params: &Params) -> Vec<Sequence> {
        let p: Vec<f64> = found.iter().map(|sequence| sequence.p).collect();
        for (sequence, q) in found.iter_mut().zip(q_values(&p, n_tests as f64)) {
            sequence.q = q;
        }
        found.retain(|sequence| sequence.q <= params.max_q_value);
        let ripe_until = as_of.saturating_sub(i32::try_from(params.sequence_days).unwrap_or(i32::MAX));
        found.par_iter_mut().for_each(|sequence| self.firsts.follow(sequence, ripe_until));
        let product = |sequence: &Sequence| (sequence.first, sequence.then);
        found.sort_by(|x, y| x.p.total_cmp(&y.p).then(y.n.cmp(&x.n)).then_with(|| product(x).cmp(&product(y))));
        found
    }
}

const NO_SEQUENCE: Sequence = Sequence {
    first: 0,
    then: 0,
    n: 0,
    n_reversed: 0,
    expected: 1.0,
    p: 1.0,
    q: 1.0,
    n_ripe: 0,
    n_ripe_followed: 0,
    median_delay_days: 0.0,
};

/// First purchases by customer, then day, then product.
#[derive(Debug, Clone, Default)]
struct Firsts {
    /// Days that a sequence may take.
    window: i32,
    product: Vec<u32>,
    day: Vec<i32>,
    /// Where each product stands, product by product.
    starts: Vec<usize>,
    places: Vec<Place>,
    /// Days on which each product was first bought, ascending, and by how many customers; product by product.
    day_starts: Vec<usize>,
    days: Vec<(i32, u32)>,
}

/// A first purchase, and where those lie that the customer made within the window before and after it.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    at: usize,
    /// First and last of those before, first and last of those after, from `at`.
    before: [u32; 2],
    after: [u32; 2],
}

impl Place {
    fn before(self) -> std::ops::Range<usize> {
        self.at - self.before[0] as usize..self.at - self.before[1] as usize
    }

    fn after(self) -> std::ops::Range<usize> {
        self.at + self.after[0] as usize..self.at + self.after[1] as usize
    }
}

impl Firsts {
    fn of(baskets: &Baskets, n_products: usize, days: u32) -> Self {
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let mut firsts = Self { window: days, starts: vec![0; n_products + 1], ..Self::default() };
        let (mut bought, mut ends) = (Vec::new(), Vec::new());
        let mut basket = 0;
        while basket < baskets.len() && baskets.customer[basket] != NONE_IX {
            let customer = baskets.customer[basket];
            bought.clear();
            while basket < baskets.len() && baskets.customer[basket] == customer {
                let products = &baskets.product[baskets.starts[basket]..baskets.starts[basket + 1]];
                bought.extend(products.iter().map(|product| (*product, baskets.day[basket])));
                basket += 1;
            }
            bought.sort_unstable();
            bought.dedup_by_key(|(product, _)| *product);
            bought.sort_unstable_by_key(|(product, day)| (*day, *product));
            for (product, day) in &bought {
                firsts.product.push(*product);
                firsts.day.push(*day);
                firsts.starts[*product as usize + 1] += 1;
            }
            ends.push(firsts.product.len());
        }
        for product in 0..n_products {
            firsts.starts[product + 1] += firsts.starts[product];
        }
        firsts.places = vec![Place::default(); firsts.product.len()];
        let (mut next, mut start) = (firsts.starts.clone(), 0);
        for end in ends {
            let of_customer = &firsts.day[start..end];
            for (nth, day) in of_customer.iter().enumerate() {
                let position = |limit: i32| of_customer.partition_point(|other| *other < limit);
                let before = [position(day.saturating_sub(days)), position(*day)].map(|at| (nth - at) as u32);
                let after = [day.saturating_add(1), day.saturating_add(days).saturating_add(1)]
                    .map(|limit| (position(limit) - nth) as u32);
                let slot = &mut next[firsts.product[start + nth] as usize];
                firsts.places[*slot] = Place { at: start + nth, before, after };
                *slot += 1;
            }
            start = end;
        }
        firsts.count_days();
        firsts
    }

    fn count_days(&mut self) {
        self.day_starts.push(0);
        let mut of_product = Vec::new();
        for product in 0..self.n_products() {
            of_product.clear();
            of_product.extend(self.places(product).map(|place| self.day[place.at]));
            of_product.sort_unstable();
            self.days.extend(of_product.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)));
            self.day_starts.push(self.days.len());
        }
    }

    fn n_products(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn places(&self, product: usize) -> impl Iterator<Item = Place> {
        self.places[self.starts[product]..self.starts[product + 1]].iter().copied()
    }

    fn days(&self, product: u32) -> &[(i32, u32)] {
        &self.days[self.day_starts[product as usize]..self.day_starts[product as usize + 1]]
    }

    /// Returns the share of orders in which b would follow a if customers bought either on its own days; above 0 and below 1.
    ///
    /// What a customer did with both is left out: it is what the dates are to be compared with. Half an order is added to each side, so that a
    /// few dates are never certain.
    fn share_by_dates(&self, both: Both) -> f64 {
        let (of_a, of_b) = (self.days(both.a), self.days(both.b));
        let mut sums = Vec::with_capacity(of_b.len() + 1);
        sums.push(0.0);
        for (_, n) in of_b {
            sums.push(sums[sums.len() - 1] + f64::from(*n));
        }
        let below = |limit: i32| sums[of_b.partition_point(|(other, _)| *other < limit)];
        let (mut follows, mut leads) = (0.5 - f64::from(both.n_ab), 0.5 - f64::from(both.n_ba));
        for (day, n) in of_a {
            let after = day.saturating_add(1);
            follows += f64::from(*n) * (below(after.saturating_add(self.window)) - below(after));
            leads += f64::from(*n) * (below(*day) - below(day.saturating_sub(self.window)));
        }
        follows / (follows + leads)
    }

    /// Adds delay and confidence to a sequence.
    fn follow(&self, sequence: &mut Sequence, ripe_until: i32) {
        let mut delays = Vec::with_capacity(sequence.n as usize);
        for place in self.places(sequence.first as usize) {
            let day = self.day[place.at];
            let is_ripe = day <= ripe_until;
            sequence.n_ripe += u32::from(is_ripe);
            for at in place.after().filter(|at| self.product[*at] == sequence.then) {
                delays.push(self.day[at] - day);
                sequence.n_ripe_followed += u32::from(is_ripe);
            }
        }
        delays.sort_unstable();
        let middle = |at: usize| f64::from(delays.get(at).copied().unwrap_or(0));
        sequence.median_delay_days = 0.5 * (middle(delays.len().saturating_sub(1) / 2) + middle(delays.len() / 2));
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
        Orders::find(&data, &data.baskets, &params)
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
}
