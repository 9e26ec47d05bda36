//! First purchases: when each customer first bought each product, and which of them lie within the window of each other.
//!
//! By customer, then day, then product; every product knows its places. Customers of very many products are left out, as large baskets are: who
//! buys most of a catalogue follows everything with everything. 44 bytes a first purchase,
//! 12 a day and thread; `O(n ln n)` in the purchases of a customer.
//!
//! With shuffled days every customer keeps its days of purchase and what was bought together, and which of these came first is chance: then no
//! order means anything, which is what sequences are checked against.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::orders::{Both, Sequence};
use crate::features::Baskets;
use crate::units::NONE_IX;

/// First purchases by customer, then day, then product.
#[derive(Debug, Clone, Default)]
pub(super) struct Firsts {
    /// Days that a sequence may take.
    window: i32,
    /// First day of any purchase, and the days from there to the last.
    first_day: i32,
    n_days: usize,
    pub product: Vec<u32>,
    /// Customers with more products than count.
    pub n_left_out: usize,
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
pub(super) struct Place {
    at: usize,
    /// First and last of those before, first and last of those after, from `at`.
    before: [u32; 2],
    after: [u32; 2],
}

impl Place {
    pub fn before(self) -> std::ops::Range<usize> {
        self.at - self.before[0] as usize..self.at - self.before[1] as usize
    }

    pub fn after(self) -> std::ops::Range<usize> {
        self.at + self.after[0] as usize..self.at + self.after[1] as usize
    }
}

impl Firsts {
    /// Collects those of customers with up to `most` products; with a seed, every customer's days of purchase change places at random.
    pub fn of(baskets: &Baskets, n_products: usize, days: u32, most: usize, shuffled: Option<u64>) -> Self {
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let mut firsts = Self { window: days, starts: vec![0; n_products + 1], ..Self::default() };
        let (mut bought, mut ends) = (Vec::new(), Vec::new());
        let mut shuffle = shuffled.map(Shuffle::new);
        let mut basket = 0;
        while basket < baskets.len() && baskets.customer[basket] != NONE_IX {
            let customer = baskets.customer[basket];
            bought.clear();
            let first = basket;
            while basket < baskets.len() && baskets.customer[basket] == customer {
                let products = &baskets.product[baskets.starts[basket]..baskets.starts[basket + 1]];
                bought.extend(products.iter().map(|product| (*product, baskets.day[basket])));
                basket += 1;
            }
            if let Some(shuffle) = &mut shuffle {
                shuffle.change(&baskets.day[first..basket], &mut bought);
            }
            bought.sort_unstable();
            bought.dedup_by_key(|(product, _)| *product);
            if bought.len() > most {
                firsts.n_left_out += 1;
                continue;
            }
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
        let (first, last) = (self.day.iter().min().copied().unwrap_or(0), self.day.iter().max().copied().unwrap_or(0));
        (self.first_day, self.n_days) = (first, usize::try_from(last.saturating_sub(first)).unwrap_or(0) + 1);
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

    pub fn n_products(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub fn places(&self, product: usize) -> impl Iterator<Item = Place> {
        self.places[self.starts[product]..self.starts[product + 1]].iter().copied()
    }

    fn days(&self, product: u32) -> &[(i32, u32)] {
        &self.days[self.day_starts[product as usize]..self.day_starts[product as usize + 1]]
    }

    /// Returns the share of orders in which b would follow a if customers bought either on its own days; above 0 and below 1.
    ///
    /// What a customer did with both is left out: it is what the dates are to be compared with. Half an order is added to each side, so that a
    /// few dates are never certain.
    pub fn share_by_dates(&self, both: Both, around: &Around) -> f64 {
        let (mut follows, mut leads) = (0, 0);
        for (day, n) in self.days(both.b) {
            let (before, after) = around.of_day[(day - self.first_day) as usize];
            follows += u64::from(*n) * u64::from(before);
            leads += u64::from(*n) * u64::from(after);
        }
        // The customers' own orders are among those of all.
        let half_more = |all: u64, own: u32| 0.5 + (all - u64::from(own)) as f64;
        let (follows, leads) = (half_more(follows, both.n_ab), half_more(leads, both.n_ba));
        follows / (follows + leads)
    }

    /// Counts how often a product was first bought within the window before and after each day of the base.
    pub fn around(&self, product: usize, around: &mut Around) {
        let Around { until, of_day } = around;
        until.clear();
        until.resize(self.n_days + 1, 0);
        for (day, n) in self.days(product as u32) {
            until[(day - self.first_day) as usize + 1] = *n;
        }
        for day in 0..self.n_days {
            until[day + 1] += until[day];
        }
        let window = self.window.max(0) as usize;
        of_day.clear();
        of_day.extend((0..self.n_days).map(|day| {
            let before = until[day] - until[day.saturating_sub(window)];
            let after = until[(day + 1).saturating_add(window).min(self.n_days)] - until[day + 1];
            (before, after)
        }));
    }

    /// Adds delay and confidence to the sequences of one first product, in one look at its places; `slot` is all zero between products.
    pub fn follow(&self, of_first: &mut [Sequence], ripe_until: i32, slot: &mut [u32]) {
        let Some(first) = of_first.first().map(|sequence| sequence.first as usize) else { return };
        for (sequence, place) in of_first.iter().zip(1..) {
            slot[sequence.then as usize] = place;
        }
        let mut delays: Vec<Vec<i32>> =
            of_first.iter().map(|sequence| Vec::with_capacity(sequence.n as usize)).collect();
        let (mut n_ripe, mut n_followed) = (0, vec![0; of_first.len()]);
        for place in self.places(first) {
            let day = self.day[place.at];
            let is_ripe = day <= ripe_until;
            n_ripe += u32::from(is_ripe);
            for at in place.after() {
                let followed = slot[self.product[at] as usize] as usize;
                if followed > 0 {
                    delays[followed - 1].push(self.day[at] - day);
                    n_followed[followed - 1] += u32::from(is_ripe);
                }
            }
        }
        for ((sequence, delays), n_followed) in of_first.iter_mut().zip(&mut delays).zip(n_followed) {
            slot[sequence.then as usize] = 0;
            delays.sort_unstable();
            let middle = |at: usize| f64::from(delays.get(at).copied().unwrap_or(0));
            sequence.median_delay_days = 0.5 * (middle(delays.len().saturating_sub(1) / 2) + middle(delays.len() / 2));
            (sequence.n_ripe, sequence.n_ripe_followed) = (n_ripe, n_followed);
        }
    }
}

/// First purchases of one product around each day.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// Before each day, and in all.
    until: Vec<u32>,
    /// Within the window before, and after.
    of_day: Vec<(u32, u32)>,
}

/// Gives every customer's days of purchase to each other.
struct Shuffle {
    rng: Pcg64Mcg,
    days: Vec<i32>,
    given: Vec<i32>,
}

impl Shuffle {
    fn new(seed: u64) -> Self {
        Self { rng: Pcg64Mcg::seed_from_u64(seed), days: Vec::new(), given: Vec::new() }
    }

    /// Changes the days of one customer's purchases; `days` are those of its baskets, ascending.
    fn change(&mut self, days: &[i32], bought: &mut [(u32, i32)]) {
        let Self { rng, days: distinct, given } = self;
        distinct.clear();
        distinct.extend_from_slice(days);
        distinct.dedup();
        given.clear();
        given.extend_from_slice(distinct);
        for last in (1..given.len()).rev() {
            given.swap(last, rng.random_range(0..=last as u64) as usize);
        }
        for (_, day) in bought {
            if let Ok(at) = distinct.binary_search(day) {
                *day = given[at];
            }
        }
    }
}
