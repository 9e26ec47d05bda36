//! Customers at a cut: who is eligible, what was known of them, what became of them.
//!
//! Eligible is who has a purchase day before the cut and was not silent for longer than the pipeline allows: with everybody in, customers lost for
//! years would make any score look good. The label is that nothing is bought in the horizon from the cut on.
//!
//! Large bases are learnt from by a part, the customers whose hashed ids are smallest: the same ones at every cut and in every run.
//!
//! | name     | shape            | unit                                     |
//! |----------|------------------|------------------------------------------|
//! | features | see [`super::features`] | as of the eve of the cut                 |
//! | label    | `(n_rows)`       | true is lost                             |
//! | fold     | `(n_rows)`       | `0..N_FOLDS`, by the hash of the id      |
//!
//! Rows stand in the order of the customers' ranks. `O(purchase days)` of those customers.

use rayon::prelude::*;

use super::behaviour::{Behaviour, Records};
use super::features::Design;
use super::folds;
use super::sample::{Matrix, Sample};
use crate::units::Day;

/// Customers at most that are learnt from.
pub const MOST_CUSTOMERS: usize = 100_000;

/// Eligible customers, and among them lost and kept ones, below which nothing is learnt.
const LEAST_CUSTOMERS: usize = 200;
const LEAST_OF_CLASS: usize = 50;

const SEED_OF_FOLDS: u64 = 1;
const SEED_OF_SAMPLE: u64 = 2;

/// What is asked of every cut.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub records: &'a Records<'a>,
    /// Days of the label.
    pub horizon: i32,
    /// Longest silence of who is scored by the learnt model.
    pub eligible_recency: u32,
    /// Customers who are learnt from, ascending, with their folds.
    pub customers: &'a [(u32, u8)],
    pub design: &'a Design<'a>,
}

/// Draws the customers who are learnt from, with their folds.
pub fn drawn(records: &Records<'_>) -> Vec<(u32, u8)> {
    let ids = || records.data.customer_ids.iter();
    let share = MOST_CUSTOMERS as f64 / records.data.n_customers().max(1) as f64;
    let folds = folds::by_id(ids(), SEED_OF_FOLDS);
    let chosen = folds::sampled(ids(), share, SEED_OF_SAMPLE);
    (0..folds.len()).filter(|ix| chosen[*ix]).map(|ix| (ix as u32, folds[ix])).collect()
}

/// Customers at a cut.
#[derive(Debug, Clone)]
pub struct Observed {
    pub cut: Day,
    pub customers: Vec<u32>,
    pub behaviour: Vec<Behaviour>,
    pub features: Matrix,
    pub fold: Vec<u8>,
    pub label: Vec<bool>,
    /// Customers silent for longer, with what became of them.
    pub silent: Vec<(Behaviour, bool)>,
}

impl Observed {
    /// Looks at the customers at a cut whose horizon is over.
    pub fn at(question: &Question<'_>, cut: Day) -> Self {
        let Question { records, horizon, eligible_recency, customers, design } = *question;
        let read = |(customer, fold): &(u32, u8)| {
            let behaviour = records.before(cut, horizon, *customer as usize)?;
            Some((*customer, *fold, behaviour, records.is_lost(cut, horizon, *customer as usize)))
        };
        let read: Vec<_> = customers.par_iter().with_min_len(256).filter_map(read).collect();
        let (eligible, silent): (Vec<_>, Vec<_>) =
            read.into_iter().partition(|(_, _, behaviour, _)| behaviour.recency <= eligible_recency);
        let mut found = Self {
            cut,
            customers: Vec::with_capacity(eligible.len()),
            behaviour: Vec::with_capacity(eligible.len()),
            features: Matrix::default(),
            fold: Vec::with_capacity(eligible.len()),
            label: Vec::with_capacity(eligible.len()),
            silent: silent.into_iter().map(|(_, _, behaviour, lost)| (behaviour, lost)).collect(),
        };
        for (customer, fold, behaviour, lost) in eligible {
            found.customers.push(customer);
            found.fold.push(fold);
            found.behaviour.push(behaviour);
            found.label.push(lost);
        }
        found.features = design.matrix(&found.customers, &found.behaviour, Day(cut.0 - 1));
        found
    }

    /// Returns the number of eligible customers.
    pub fn n_rows(&self) -> usize {
        self.label.len()
    }

    /// Returns the share of the lost ones.
    pub fn base_rate(&self) -> f64 {
        self.n_lost() as f64 / self.n_rows().max(1) as f64
    }

    /// Says whether there are enough customers of either fate to learn from.
    pub fn is_enough(&self) -> bool {
        self.n_rows() >= LEAST_CUSTOMERS && self.n_lost().min(self.n_rows() - self.n_lost()) >= LEAST_OF_CLASS
    }

    /// Returns the rows to learn from.
    pub fn sample(&self) -> Sample<'_> {
        Sample { features: &self.features, label: &self.label, weight: None }
    }

    /// Returns the rows inside or outside of a fold.
    pub fn rows(&self, fold: u8, inside: bool) -> Vec<u32> {
        (0..self.n_rows() as u32).filter(|row| (self.fold[*row as usize] == fold) == inside).collect()
    }

    fn n_lost(&self) -> usize {
        self.label.iter().filter(|lost| **lost).count()
    }
}
