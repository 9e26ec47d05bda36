//! How likely an offer is to be bought: fitted on the window before the last, calibrated on the last.
//!
//! Two regressions on the figures of [`super::figures`], one for new products and one for repeats, are fitted to what the judged of a window bought. Of
//! new products the candidates are looked at and the ten best-sellers beside them. The logits of the last window, whose labels the fit
//! has not seen, are then calibrated to probabilities by the kernel of [`crate::analysis::churn::calibration`].
//!
//! `O(judged · candidates)`, some passes over them for the fit.

use rayon::prelude::*;

use super::candidates::{Finder, Reach};
use super::choice::Chosen;
use super::figures::{AGAIN, Linear, NEW, Shopper, of_new, of_repeat};
use super::listing::Limits;
use super::past::{Bought, Item};
use super::similarity::Neighbours;
use super::window::{Judged, Window};
use crate::analysis::churn::calibration::{self, Calibration};
use crate::analysis::churn::logistic;
use crate::analysis::churn::sample::FitError;

/// Best-sellers that are looked at beside the candidates.
pub const BEST_SELLERS: usize = 10;
/// Share of the candidates' scores below which a score says nothing.
const LEAST: f64 = 0.01;

/// A fitted model of what customers buy next.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub reach: Reach,
    /// Smallest score that says something.
    least: f64,
    new: Linear<NEW>,
    /// Nothing where nobody, or everybody, bought anything again.
    again: Option<Linear<AGAIN>>,
}

/// A new product that was looked at.
struct Seen {
    score: f32,
    item: Item,
    shopper: Shopper,
}

/// What the customers of a chunk were seen to buy or not.
#[derive(Default)]
struct Rows {
    new: Vec<(Seen, bool)>,
    again: Vec<([f64; AGAIN], bool)>,
}

impl Model {
    /// Fits to a window.
    ///
    /// # Errors
    /// Where nobody, or everybody, bought a candidate.
    pub fn fit(window: &Window<'_>, chosen: &Chosen, neighbours: &Neighbours) -> Result<Self, FitError> {
        const CUSTOMERS_A_CHUNK: usize = 512;
        let (asked, limits) = (best_sellers(&window.offerable, window.past.histories.n_bought), window.limits());
        let chunks: Vec<Rows> = window
            .judged
            .par_chunks(CUSTOMERS_A_CHUNK)
            .map(|judged| {
                let mut finder =
                    Finder::new(&window.past, neighbours, &window.offerable, &window.may_point, chosen.reach);
                let mut rows = Rows::default();
                for judged in judged {
                    look(&mut finder, judged, &asked, limits, &mut rows);
                }
                rows
            })
            .collect();
        let (mut seen, mut new_label, mut again, mut again_label) = (vec![], vec![], vec![], vec![]);
        for Rows { new: of_new, again: of_again } in chunks {
            for (row, label) in of_new {
                seen.push(row);
                new_label.push(label);
            }
            for (row, label) in of_again {
                again.push(row);
                again_label.push(label);
            }
        }
        let mut scores: Vec<f32> = seen.iter().map(|seen| seen.score).filter(|score| *score > 0.0).collect();
        scores.sort_unstable_by(f32::total_cmp);
        let least = scores.get((LEAST * scores.len() as f64) as usize).copied().unwrap_or(1.0).max(1e-30).into();
        let new: Vec<_> = seen.iter().map(|seen| of_new(seen.score, least, seen.item, seen.shopper)).collect();
        Ok(Self {
            reach: chosen.reach,
            least,
            new: Linear::fit(&new, &new_label)?,
            again: Linear::fit(&again, &again_label).ok(),
        })
    }

    /// Returns the logit of a new product.
    pub fn new_logit(&self, score: f32, item: Item, shopper: Shopper) -> f64 {
        self.new.logit(&of_new(score, self.least, item, shopper))
    }

    /// Returns the logit of a repeat; nothing where repeats could not be learnt.
    pub fn repeat_logit(&self, bought: Bought, item: Item, shopper: Shopper, today: i32) -> Option<f64> {
        Some(self.again.as_ref()?.logit(&of_repeat(bought, item, shopper, today)))
    }
}

/// Returns the best-sellers that are looked at beside the candidates.
pub fn best_sellers(offerable: &[bool], n_bought: usize) -> Vec<u32> {
    (0..n_bought as u32).filter(|item| offerable[*item as usize]).take(BEST_SELLERS).collect()
}

fn look(finder: &mut Finder<'_>, judged: &Judged, asked: &[u32], limits: Limits<'_>, rows: &mut Rows) {
    let refused = limits.refused(judged.customer);
    finder.find(judged.customer as usize, asked, refused);
    let past = finder.past();
    let shopper = Shopper::of(&finder.own, past.today);
    let is_bought = |item: u32| judged.bought.binary_search(&item).is_ok();
    let item = |rank: u32| past.items[rank as usize];
    rows.new.extend(
        finder.new.iter().map(|(rank, score)| (Seen { score: *score, item: item(*rank), shopper }, is_bought(*rank))),
    );
    for (rank, score) in asked.iter().zip(&finder.asked_score) {
        if finder.is_beside(*rank, refused) {
            rows.new.push((Seen { score: *score, item: item(*rank), shopper }, is_bought(*rank)));
        }
    }
    for bought in finder.own.bought.iter().filter(|bought| limits.may_repeat(bought)) {
        rows.again.push((of_repeat(*bought, item(bought.item), shopper, past.today), is_bought(bought.item)));
    }
}

/// Logits or scores of offers and whether they were bought.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    pub score: Vec<f64>,
    pub label: Vec<bool>,
}

impl Hits {
    /// Adds an offer.
    pub fn push(&mut self, score: f64, label: bool) {
        self.score.push(score);
        self.label.push(label);
    }

    /// Adds those of other customers.
    pub fn append(&mut self, other: &Self) {
        self.score.extend_from_slice(&other.score);
        self.label.extend_from_slice(&other.label);
    }

    /// Returns how many purchases logits expect, before any calibration, and how many there were.
    pub fn expected_and_observed(&self) -> (f64, f64) {
        let expected = self.score.iter().map(|logit| logistic::probability(*logit)).sum();
        (expected, self.label.iter().filter(|label| **label).count() as f64)
    }

    /// Fits the probability at a score; nothing where all or none were bought.
    pub fn calibrate(&self) -> Option<Calibration> {
        calibration::fit(&self.score, &self.label, None).ok()
    }
}
