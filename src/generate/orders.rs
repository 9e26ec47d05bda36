//! One customer's life as transaction lines: orders, what is in them, what comes back.
//!
//! An order holds complements of what was bought before, then a geometric number of articles: of three candidates of a department
//! the one whose price is nearest to the customer's level is taken. An anchor pulls its complements into the same order. Postage and
//! vouchers are lines of the order. Some orders come back wholly, by line, or by piece, 3 to 40 days later, as a document of their own.
//!
//! A line is 32 bytes; time is `O(lines)`. The order of lines follows from [`Line::key`], never from the order of generation.

use std::ops::Range;

use rand::Rng;
use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64Mcg;

use super::behaviour::{Behaviour, Population};
use super::calendar::Calendar;
use super::catalogue::{Catalogue, FREE_POSTAGE, POSTAGE, POSTAGE_COST};
use super::stream::{Purpose, chance, geometric, stream};

/// Share of orders that are placed without logging in.
const GUEST_ORDERS: f64 = 0.03;
const VOUCHER_ORDERS: f64 = 0.04;
const DISCOUNT_ORDERS: f64 = 0.2;
/// Articles in an order beyond the first, on average.
const FURTHER_ARTICLES: f64 = 1.03;
/// Probability that an anchor pulls a complement into its own order.
const COMPLEMENT_AT_ONCE: f64 = 0.45;
/// Probability that a later order holds a complement of an anchor bought before.
const COMPLEMENT_LATER: f64 = 0.3;
const BOUGHT_AGAIN: f64 = 0.12;
/// Share of returns whose goods stand in no order of the customer.
const RETURN_WITHOUT_ORDER: f64 = 0.04;
const MOST_ARTICLES: u32 = 25;
const MOST_PIECES: u32 = 99;

/// A transaction line before it has a document number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Day offset (16 bits), whether it is a return (1 bit), a random place within the day (47 bits): the order of documents.
    pub key: u64,
    pub customer: u32,
    /// Position within the document.
    pub place: u8,
    /// The customer number is left out.
    pub guest: bool,
    /// Pieces, negative for what comes back.
    pub pieces: i16,
    pub product: u32,
    /// Number of the document, once it is known.
    pub document: u32,
    /// Minor units, net of tax.
    pub amount: i32,
    /// Minor units.
    pub cost: i32,
}

impl Line {
    /// Returns the day as offset from the first covered day.
    pub fn offset(&self) -> u32 {
        (self.key >> 48) as u32
    }

    /// Says whether the document is a return.
    pub fn is_return(&self) -> bool {
        self.key & (1 << 47) != 0
    }
}

/// What all customers have in common.
#[derive(Debug)]
pub struct House {
    pub seed: u64,
    pub n_customers: u32,
    pub calendar: Calendar,
    pub catalogue: Catalogue,
    pub population: Population,
}

impl House {
    /// Draws what kind of customer somebody is, and leaves the stream where the purchases start.
    pub fn customer(&self, customer: u32) -> (Behaviour, Pcg64Mcg) {
        let mut rng = stream(self.seed, Purpose::Behaviour, customer);
        let behaviour = self.population.draw(&mut rng, &self.calendar, customer, self.n_customers);
        (behaviour, rng)
    }

    /// Appends the customer's lines whose day offset lies in `window`.
    pub fn buy(&self, customer: u32, window: Range<u32>, lines: &mut Vec<Line>) {
        let (behaviour, rng) = self.customer(customer);
        let mut shopper = Shopper { house: self, behaviour, rng, customer, basket: Vec::new(), history: Vec::new() };
        let mut moment = shopper.behaviour.joined;
        loop {
            let offset = self.calendar.offset_at(moment);
            if offset >= i64::from(window.end) {
                return;
            }
            shopper.order(offset, &window, lines);
            if chance(&mut shopper.rng, shopper.behaviour.dropout) {
                return;
            }
            let wait: f64 = Exp1.sample(&mut shopper.rng);
            moment += wait / shopper.behaviour.rate;
        }
    }
}

struct Shopper<'a> {
    house: &'a House,
    behaviour: Behaviour,
    rng: Pcg64Mcg,
    customer: u32,
    basket: Vec<Line>,
    history: Vec<u32>,
}

impl Shopper<'_> {
    /// Places one order and decides what of it comes back; keeps the lines that lie in the window.
    fn order(&mut self, offset: i64, window: &Range<u32>, lines: &mut Vec<Line>) {
        self.basket.clear();
        let discount = if chance(&mut self.rng, DISCOUNT_ORDERS) { self.rng.random_range(1..=4_i64) * 5 } else { 0 };
        if let Some(product) = self.complement_of_owned() {
            self.put(product, discount);
        }
        let further = FURTHER_ARTICLES * if self.behaviour.company { 2.0 } else { 1.0 };
        for _ in 0..=geometric(&mut self.rng, further, MOST_ARTICLES) {
            let product = self.choose();
            self.put(product, discount);
            for &complement in self.house.catalogue.complements(product) {
                if chance(&mut self.rng, COMPLEMENT_AT_ONCE) {
                    self.put(complement, discount);
                }
            }
        }
        self.add_postage_and_voucher();
        let guest = chance(&mut self.rng, GUEST_ORDERS);
        let place_in_day = self.rng.random::<u64>() >> 17;
        self.keep(offset, place_in_day, guest, window, lines);
        if chance(&mut self.rng, self.behaviour.returns) {
            let days_later = 3 + i64::from(geometric(&mut self.rng, 9.0, 37));
            self.send_back();
            let place_in_day = (self.rng.random::<u64>() >> 17) | (1 << 47);
            self.keep(offset + days_later, place_in_day, guest, window, lines);
        }
    }

    /// Numbers the lines of the basket as one document and keeps them if its day lies in the window.
    fn keep(&mut self, offset: i64, place_in_day: u64, guest: bool, window: &Range<u32>, lines: &mut Vec<Line>) {
        let Ok(offset) = u32::try_from(offset) else { return };
        if !window.contains(&offset) {
            return;
        }
        let key = (u64::from(offset) << 48) | place_in_day;
        for (place, line) in (0..=u8::MAX).zip(&self.basket) {
            lines.push(Line { key, customer: self.customer, place, guest, ..*line });
        }
    }

    fn complement_of_owned(&mut self) -> Option<u32> {
        if self.history.is_empty() || !chance(&mut self.rng, COMPLEMENT_LATER) {
            return None;
        }
        let n_owned = self.history.len() as u32;
        let start = self.rng.random_range(0..n_owned);
        let (newer, older) = self.history.split_at(start as usize);
        let anchor = older.iter().chain(newer).find(|ix| !self.house.catalogue.complements(**ix).is_empty())?;
        let complements = self.house.catalogue.complements(*anchor);
        Some(complements[self.rng.random_range(0..complements.len() as u32) as usize])
    }

    fn choose(&mut self) -> u32 {
        if !self.history.is_empty() && chance(&mut self.rng, BOUGHT_AGAIN) {
            return self.history[self.rng.random_range(0..self.history.len() as u32) as usize];
        }
        let department = self.behaviour.department(&mut self.rng);
        let catalogue = &self.house.catalogue;
        let wanted = super::words::DEPARTMENTS[department].price * self.behaviour.level;
        let distance = |ix: u32| {
            let ratio = catalogue.product(ix).list_price as f64 / wanted;
            ratio.max(1.0 / ratio)
        };
        let mut best = catalogue.draw(&mut self.rng, department);
        for _ in 0..2 {
            let candidate = catalogue.draw(&mut self.rng, department);
            if distance(candidate) < distance(best) {
                best = candidate;
            }
        }
        best
    }

    /// Puts an article into the basket; one that is already there mostly stays as it is, now and then it becomes a second line.
    fn put(&mut self, product: u32, discount: i64) {
        if self.basket.len() >= 100
            || self.basket.iter().any(|line| line.product == product) && !chance(&mut self.rng, 0.02)
        {
            return;
        }
        let article = self.house.catalogue.product(product);
        let further = self.behaviour.level * if article.list_price < 1_500 { 0.5 } else { 0.1 };
        let pieces = 1 + geometric(&mut self.rng, further, MOST_PIECES - 1) as i64;
        let price = (article.list_price * (100 - discount) + 50) / 100;
        self.basket.push(line(product, pieces, price, article.unit_cost));
        if !self.history.contains(&product) {
            self.history.push(product);
        }
    }

    fn add_postage_and_voucher(&mut self) {
        let goods: i64 = self.basket.iter().map(|line| i64::from(line.amount)).sum();
        let catalogue = &self.house.catalogue;
        if goods < FREE_POSTAGE {
            self.basket.push(line(catalogue.postage(), 1, POSTAGE, POSTAGE_COST));
        }
        if chance(&mut self.rng, VOUCHER_ORDERS) {
            let value = if goods >= 6_000 { 1_000 } else { 500 };
            if goods >= 3 * value {
                self.basket.push(line(catalogue.voucher(), 1, -value, 0));
            }
        }
    }

    /// Turns the basket into what comes back of it: all, one line, or some pieces of a line.
    fn send_back(&mut self) {
        let (postage, voucher) = (self.house.catalogue.postage(), self.house.catalogue.voucher());
        self.basket.retain(|line| line.product != voucher);
        if chance(&mut self.rng, 0.25) {
            for line in &mut self.basket {
                (line.pieces, line.amount, line.cost) = (-line.pieces, -line.amount, -line.cost);
            }
            return;
        }
        self.basket.retain(|line| line.product != postage);
        let Some(mut back) =
            (!self.basket.is_empty()).then(|| self.basket[self.rng.random_range(0..self.basket.len() as u32) as usize])
        else {
            return;
        };
        if chance(&mut self.rng, RETURN_WITHOUT_ORDER) {
            let department = self.behaviour.department(&mut self.rng);
            let product = self.house.catalogue.draw(&mut self.rng, department);
            let article = self.house.catalogue.product(product);
            back = line(product, 1, article.list_price, article.unit_cost);
        }
        let sold = i64::from(back.pieces);
        let pieces = if sold > 1 && chance(&mut self.rng, 0.5) { self.rng.random_range(1..sold) } else { sold };
        let (price, cost) = (i64::from(back.amount) / sold, i64::from(back.cost) / sold);
        self.basket.clear();
        self.basket.push(line(back.product, -pieces, price, cost));
    }
}

/// Builds a line without a place yet; `pieces` is at most two digits and prices are below 500,000 minor units, so that nothing overflows.
fn line(product: u32, pieces: i64, price: i64, unit_cost: i64) -> Line {
    Line {
        key: 0,
        customer: 0,
        place: 0,
        guest: false,
        pieces: pieces as i16,
        product,
        document: 0,
        amount: (pieces * price) as i32,
        cost: (pieces * unit_cost) as i32,
    }
}
