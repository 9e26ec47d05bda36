//! What is known on a day: who bought what how often and when, what sells, and what is bought again.
//!
//! | figure      | of                  | meaning                                                                          |
//! |-------------|---------------------|----------------------------------------------------------------------------------|
//! | `n_days`    | customer × product  | days on which the customer bought it                                             |
//! | `decayed`   | customer × product  | the same, a day `a` days ago counting `2^(−a/h)` for a half-life of `h` days     |
//! | popularity  | product             | its owners as a share of those of the product with most                         |
//! | again       | product             | share of an owner's later purchase days on which it is bought again              |
//! | gap         | product             | mean days from one purchase to the next by the same customer                     |
//!
//! `again` and `gap` are shrunk to the mean of all products by twenty imagined days. Days count, not orders: two orders of one day have no order
//! of their own. `O(n log n)` for the lines of a customer.

use rayon::prelude::*;

use super::histories::{Histories, MAX_HISTORY};
use crate::features::Baskets;

/// Imagined purchase days by which the figures of a product are shrunk.
const SHRINK_DAYS: f64 = 20.0;

/// What is known on a day.
#[derive(Debug)]
pub struct Past<'a> {
    baskets: &'a Baskets,
    /// The day.
    pub today: i32,
    pub histories: Histories,
    /// By rank of popularity.
    pub items: Vec<Item>,
}

/// What is known of a product.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Item {
    pub popularity: f64,
    pub ln_popularity: f64,
    pub ln_again: f64,
    pub gap: f64,
}

/// What a customer bought of a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bought {
    pub item: u32,
    pub n_days: u32,
    pub first: i32,
    pub last: i32,
    /// Days decayed by the half-life of repeats.
    pub decayed: f64,
    /// Days decayed by the half-life of new products.
    pub fresh: f64,
}

/// A customer's purchases, in buffers that serve one customer after the other.
#[derive(Debug, Default)]
pub struct Purchases {
    /// By rank of the product, ascending.
    pub bought: Vec<Bought>,
    /// Purchase days, ascending.
    pub days: Vec<i32>,
    /// Products in all baskets, one bought twice counted twice.
    pub n_items: usize,
    lines: Vec<(u32, i32)>,
    weight: Vec<[f64; 2]>,
}

impl<'a> Past<'a> {
    /// Gathers what baskets say that hold nothing later than `today`; `with_repeats` asks for what is bought again.
    pub fn of(baskets: &'a Baskets, n_customers: usize, n_products: usize, today: i32, with_repeats: bool) -> Self {
        let histories = Histories::of(baskets, n_customers, n_products);
        let mut past = Self { baskets, today, histories, items: Vec::new() };
        let most = past.histories.n_owners.iter().max().copied().unwrap_or(0).max(1);
        let popularity = |n: &u32| f64::from(*n) / f64::from(most);
        past.items = past
            .histories
            .n_owners
            .iter()
            .map(|n| Item {
                popularity: popularity(n),
                // What nobody owns is as popular as if half a customer did.
                ln_popularity: popularity(n).max(0.5 / f64::from(most)).ln(),
                ..Item::default()
            })
            .collect();
        if with_repeats {
            past.learn_repeats();
        }
        past
    }

    /// Collects what a customer bought, days decayed by the half-lives of repeats and of new products; an infinite one counts all the same.
    pub fn purchases(&self, customer: usize, half_lives: [f64; 2], into: &mut Purchases) {
        let Purchases { bought, days, n_items, lines, weight } = into;
        bought.clear();
        days.clear();
        lines.clear();
        weight.clear();
        let baskets = self.histories.baskets_of(customer);
        for basket in baskets {
            let day = self.baskets.day[basket];
            if days.last() != Some(&day) {
                days.push(day);
                weight.push(half_lives.map(|half_life| (-f64::from(self.today - day) / half_life).exp2()));
            }
            let nth = days.len() as i32 - 1;
            let products = &self.baskets.product[self.baskets.starts[basket]..self.baskets.starts[basket + 1]];
            lines.extend(products.iter().map(|product| (self.histories.rank[*product as usize], nth)));
        }
        *n_items = lines.len();
        lines.sort_unstable();
        lines.dedup();
        for (item, nth) in lines.iter() {
            let (day, [again, fresh]) = (days[*nth as usize], weight[*nth as usize]);
            match bought.last_mut().filter(|bought| bought.item == *item) {
                Some(bought) => {
                    bought.n_days += 1;
                    bought.last = day;
                    bought.decayed += again;
                    bought.fresh += fresh;
                }
                None => bought.push(Bought { item: *item, n_days: 1, first: day, last: day, decayed: again, fresh }),
            }
        }
    }

    fn learn_repeats(&mut self) {
        const CUSTOMERS_A_CHUNK: usize = 16_384;
        let n_items = self.items.len();
        let sums = (0..self.histories.owned.n_rows())
            .into_par_iter()
            .with_min_len(CUSTOMERS_A_CHUNK)
            .fold(
                || (vec![Repeats::default(); n_items], Purchases::default()),
                |(mut sums, mut buffer), customer| {
                    self.purchases(customer, [f64::INFINITY; 2], &mut buffer);
                    for bought in &buffer.bought {
                        let later = buffer.days.len() - buffer.days.partition_point(|day| *day <= bought.first);
                        let sum = &mut sums[bought.item as usize];
                        sum.chances += later as u64;
                        sum.taken += u64::from(bought.n_days - 1);
                        sum.gap_days += (bought.last - bought.first) as u64;
                    }
                    (sums, buffer)
                },
            )
            .map(|(sums, _)| sums)
            .reduce(
                || vec![Repeats::default(); n_items],
                |mut all, part| {
                    all.iter_mut().zip(part).for_each(|(all, part)| all.add(part));
                    all
                },
            );
        let mut all = Repeats::default();
        sums.iter().for_each(|sum| all.add(*sum));
        // A base in which nothing was ever bought again says nothing about when that happens.
        let (mean_again, mean_gap) = (all.again(1.0, 0.01), all.gap(1.0, 1.0));
        for (item, sum) in self.items.iter_mut().zip(&sums) {
            item.ln_again = sum.again(SHRINK_DAYS, mean_again).ln();
            item.gap = sum.gap(SHRINK_DAYS, mean_gap);
        }
    }
}

/// Keeps the latest products where there are more than [`MAX_HISTORY`]; of equally late ones the more popular.
pub fn keep_latest(bought: &mut Vec<Bought>) {
    if bought.len() > MAX_HISTORY {
        bought.sort_by_key(|bought| std::cmp::Reverse(bought.last));
        bought.truncate(MAX_HISTORY);
        bought.sort_unstable_by_key(|bought| bought.item);
    }
}

/// Sums over the owners of a product; integers, so that they can be added in any order.
#[derive(Debug, Clone, Copy, Default)]
struct Repeats {
    chances: u64,
    taken: u64,
    gap_days: u64,
}

impl Repeats {
    fn add(&mut self, other: Self) {
        self.chances += other.chances;
        self.taken += other.taken;
        self.gap_days += other.gap_days;
    }

    fn again(self, weight: f64, mean: f64) -> f64 {
        (self.taken as f64 + weight * mean) / (self.chances as f64 + weight)
    }

    fn gap(self, weight: f64, mean: f64) -> f64 {
        (self.gap_days as f64 + weight * mean) / (self.taken as f64 + weight)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    #[test]
    fn days_are_counted_and_decay() {
        let all =
            baskets(&[(0, 0, vec![1, 2]), (0, 10, vec![1]), (0, 10, vec![1, 3]), (0, 20, vec![1]), (1, 5, vec![1])]);
        let past = Past::of(&all, 2, 4, 20, true);
        let mut own = Purchases::default();
        past.purchases(0, [10.0, f64::INFINITY], &mut own);
        // Product 1 is the best-seller; two orders of one day are one purchase day.
        assert_eq!(own.bought[0], Bought { item: 0, n_days: 3, first: 0, last: 20, decayed: 1.75, fresh: 3.0 });
        assert_eq!((own.days, own.n_items), (vec![0, 10, 20], 6));
        let item = past.items[0];
        assert_eq!((item.popularity, past.items[1].popularity), (1.0, 0.5));
        // In all 2 repeats of 5 chances (3 had none after day 10) and 20 days: shrunk means (2 + 0.01)/6 and 21/3.
        let mean = 2.01 / 6.0;
        assert!((item.ln_again.exp() - (2.0 + 20.0 * mean) / 22.0).abs() < 1e-12);
        assert!((item.gap - (20.0 + 20.0 * 7.0) / 22.0).abs() < 1e-12);
    }
}
