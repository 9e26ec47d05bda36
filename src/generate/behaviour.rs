//! What kind of customer somebody is: when they joined, how often they buy, when they stop, what they like and what they spend.
//!
//! Buying follows MBG/NBD: purchases are Poisson with rate `λ ~ Gamma(r, 1/α)` per busy week, and after every purchase, the first included,
//! the customer stops for good with probability `p ~ Beta(a, b)`. Spend follows the idea of Gamma-Gamma: a personal price level
//! `ζ = (q − 1) / Gamma(q, 1)`, mean 1, moves what is chosen and how many of it.
//!
//! | parameter | value | meaning                                     |
//! |-----------|-------|---------------------------------------------|
//! | `r, α`    | 0.9, 6 | mean 0.15 purchases a busy week             |
//! | `a, b`    | 0.7, 4.2 | mean dropout 0.14 a purchase              |
//! | `q`       | 4     | coefficient of variation of the level 0.71  |
//!
//! Sources: Batislam, Denizel, Filiztekin, "Empirical validation and comparison of models for customer base analysis", IJRM 2007;
//! Fader, Hardie, "The Gamma-Gamma model of monetary value", 2013.

use rand::Rng;
use rand_distr::{Beta, Distribution, Gamma};
use rand_pcg::Pcg64Mcg;

use super::calendar::Calendar;
use super::stream::chance;
use super::words::DEPARTMENTS;

const R: f64 = 0.9;
const ALPHA_WEEKS: f64 = 6.0;
const A: f64 = 0.7;
const B: f64 = 4.2;
const Q: f64 = 4.0;
/// Nobody orders more often than this, in orders a busy week.
const MOST_PER_WEEK: f64 = 2.5;
/// Share of customers who joined before the covered period.
const JOINED_BEFORE: f64 = 0.2;
const COMPANY_SHARE: f64 = 0.07;

/// The distributions over customers.
#[derive(Debug, Clone)]
pub struct Population {
    rate: Gamma<f64>,
    dropout: Beta<f64>,
    level: Gamma<f64>,
}

/// One customer, as drawn.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Moment of the first purchase on the calendar's clock, in busy weeks.
    pub joined: f64,
    /// Purchases a busy week.
    pub rate: f64,
    /// Probability to stop for good after a purchase.
    pub dropout: f64,
    /// Price level, 1 on average.
    pub level: f64,
    /// Probability to send something of an order back.
    pub returns: f64,
    pub company: bool,
    tastes: [usize; 3],
    n_tastes: usize,
}

impl Population {
    /// Prepares the distributions.
    pub fn new() -> Self {
        Self {
            rate: Gamma::new(R, 1.0 / ALPHA_WEEKS).expect("the constants are positive"),
            dropout: Beta::new(A, B).expect("the constants are positive"),
            level: Gamma::new(Q, 1.0).expect("the constants are positive"),
        }
    }

    /// Draws the customer at position `customer` of `n_customers`; customer numbers follow the order of joining.
    pub fn draw(&self, rng: &mut Pcg64Mcg, calendar: &Calendar, customer: u32, n_customers: u32) -> Behaviour {
        let company = chance(rng, COMPANY_SHARE);
        let place = (f64::from(customer) + rng.random::<f64>()) / f64::from(n_customers);
        let (start, end) = (calendar.period_start(), calendar.period_end());
        let joined = if place < JOINED_BEFORE {
            start * place / JOINED_BEFORE
        } else {
            start + (end - start) * (place - JOINED_BEFORE) / (1.0 - JOINED_BEFORE)
        };
        let level = (Q - 1.0) / self.level.sample(rng).max(0.1);
        let level = if company { 2.5 * level } else { level };
        let mut tastes = [0; 3];
        for taste in &mut tastes {
            *taste = rng.random_range(0..DEPARTMENTS.len() as u32) as usize;
        }
        Behaviour {
            joined,
            rate: self.rate.sample(rng).clamp(1e-4, MOST_PER_WEEK),
            dropout: self.dropout.sample(rng),
            level: level.clamp(0.2, 12.0),
            returns: if chance(rng, 0.2) { 0.26 } else { 0.04 },
            company,
            tastes,
            n_tastes: 1 + rng.random_range(0..3_u32) as usize,
        }
    }
}

impl Behaviour {
    /// Draws the department of the next article: mostly one of the customer's own.
    pub fn department(&self, rng: &mut Pcg64Mcg) -> usize {
        if chance(rng, 0.85) {
            self.tastes[rng.random_range(0..self.n_tastes as u32) as usize]
        } else {
            rng.random_range(0..DEPARTMENTS.len() as u32) as usize
        }
    }
}
