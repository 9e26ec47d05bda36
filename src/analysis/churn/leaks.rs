//! Leak guard: features that know what they could not have known.
//!
//! A feature that was overwritten after the fact, such as a status or the date of the last order as of today, tells the label almost by itself. Each
//! feature is fitted alone, all columns of one name and their missing cells together, and its AUC on the rows themselves is taken. It is left out
//!
//! * where that is above 0.98: nothing that was known before says so much of what came after;
//! * where it is above 0.90 and more than 0.15 above that of every other feature.
//!
//! Cost: one small fit a feature. Source of the symptom: Kaufman, Rosset and Perlich, "Leakage in Data Mining", KDD 2011, section 4; the
//! `duration` of the bank marketing data set lifts the AUC from 0.80 to 0.95.

use rayon::prelude::*;

use super::features::Feature;
use super::logistic;
use super::metrics;
use super::ranking::Ranking;
use super::sample::{Matrix, Sample};

/// AUC of a single feature that is beyond belief.
const BEYOND_BELIEF: f64 = 0.98;

/// AUC that is too good where nothing else comes near it.
const TOO_GOOD: f64 = 0.90;
const FAR_ABOVE: f64 = 0.15;

/// A feature that knows the future.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    pub name: String,
    pub auc: f64,
}

/// Finds the features that tell the label by themselves.
pub fn find(features: &[&Feature], matrix: &Matrix, label: &[bool]) -> Vec<Leak> {
    let mut names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    names.dedup();
    let alone = |name: &&str| {
        let own: Vec<bool> = features.iter().map(|feature| feature.name == *name).collect();
        let mut columns = matrix.clone();
        columns.retain(&own);
        let sample = Sample { features: &columns, label, weight: None };
        let fitted = logistic::fit(&sample, logistic::Params::default()).ok()?;
        let ranking = Ranking::new(&fitted.probabilities(&columns), label, None)?;
        Some(Leak { name: (*name).to_owned(), auc: metrics::auc(&ranking) })
    };
    let all: Vec<Leak> = names.par_iter().filter_map(alone).collect();
    let best_other =
        |name: &str| all.iter().filter(|other| other.name != name).map(|other| other.auc).fold(0.5, f64::max);
    let knows = |leak: &&Leak| {
        leak.auc > BEYOND_BELIEF || (leak.auc > TOO_GOOD && leak.auc > best_other(&leak.name) + FAR_ABOVE)
    };
    all.iter().filter(knows).cloned().collect()
}
