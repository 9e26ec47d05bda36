//! What is learnt of contracts: the discrete-time hazard, a logistic regression, boosted trees and the blend of the last two, each cross-fitted,
//! and the rules beside them.
//!
//! Cross-fitted means: five models, each without the customers of one fold, and every customer is scored by the one that has not seen them, at
//! the cut that was learnt from and at any other. Levels of texts are those of the rows that are learnt from.
//!
//! | name   | shape      | unit                                                 |
//! |--------|------------|------------------------------------------------------|
//! | scores | `(n_rows)` | chance to be cancelled within the horizon, or any higher for more risk |
//!
//! Cost: five fits of four fifths of the rows. The methods: [`super::super::hazard`], [`super::super::logistic`], [`super::super::boosting`].

use rayon::prelude::*;

use super::super::boosting::{self, Explainer, FittedBooster};
use super::super::folds::N_FOLDS;
use super::super::hazard::{self, FittedHazard};
use super::super::logistic::{self, FittedLogistic};
use super::super::sample::{FitError, Sample};
use super::features::{Design, level_rates};
use super::reasons::{Source, sentences};
use super::windows::Window;
use crate::table::Column;

/// What can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Hazard,
    Logistic,
    Boosting,
    Blend,
    Tenure,
    /// The attribute of this position.
    SingleAttribute(usize),
    BaseRate,
}

impl Method {
    /// What is learnt, in the order of [`Models::scores`].
    pub const LEARNT: [Self; 4] = [Self::Hazard, Self::Logistic, Self::Boosting, Self::Blend];

    /// Returns the name in facts and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hazard => "hazard",
            Self::Logistic => "logistic",
            Self::Boosting => "boosting",
            Self::Blend => "blend",
            Self::Tenure => "tenure",
            Self::SingleAttribute(_) => "single_attribute",
            Self::BaseRate => "base_rate",
        }
    }

    /// Says whether no model is needed.
    pub fn is_rule(self) -> bool {
        !Self::LEARNT.contains(&self)
    }
}

/// Models of the same rows.
pub struct Models<'a> {
    design: Design<'a>,
    hazard: FittedHazard,
    logistic: FittedLogistic,
    booster: FittedBooster,
}

impl<'a> Models<'a> {
    /// Fits all of them.
    ///
    /// # Errors
    /// Where all rows have the same label.
    pub fn fit(attributes: &[&'a Column], window: &Window) -> Result<Self, FitError> {
        let design = Design::new(attributes, &window.entry);
        let features = design.matrix(&window.entry, &window.tenure);
        let sample = Sample { features: &features, label: &window.label, weight: None };
        // A longer tenure does not lower the risk of everything: no column is monotone.
        let (logistic, booster) = rayon::join(
            || logistic::fit(&sample, logistic::Params::default()),
            || boosting::fit(&sample, &[], &[], boosting::Params::default()),
        );
        let without = design.matrix_without_tenure(&window.entry);
        let hazard = hazard::fit(&without, &window.spells, logistic::Params::default())?;
        Ok(Self { hazard, logistic: logistic?, booster: booster?, design })
    }

    /// Scores by each of [`Method::LEARNT`].
    pub fn scores(&self, window: &Window, horizon_months: u32) -> [Vec<f64>; 4] {
        let features = self.design.matrix(&window.entry, &window.tenure);
        let without = self.design.matrix_without_tenure(&window.entry);
        let hazard = self.hazard.cancels_within(&without, &window.tenure, horizon_months);
        let (logistic, booster) = (self.logistic.probabilities(&features), self.booster.probabilities(&features));
        let blend = logistic::blend(&logistic, &booster);
        [hazard, logistic, booster, blend]
    }

    /// Returns how many of the next months each contract is expected to run, by the hazard.
    pub fn expected_months(&self, window: &Window, months: u32) -> Vec<f64> {
        self.hazard.expected_periods(&self.design.matrix_without_tenure(&window.entry), &window.tenure, months)
    }

    /// Tells what moves the risk of each contract up.
    pub fn reasons(&self, method: Method, window: &Window, sources: &[Source<'_>]) -> Vec<Vec<String>> {
        let features = self.design.matrix(&window.entry, &window.tenure);
        let without = self.design.matrix_without_tenure(&window.entry);
        let n = features.columns().len();
        let explainer = Explainer::new(&self.booster);
        let of_row = |row: usize| {
            let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
            match method {
                Method::Logistic => self.logistic.explain(&features, row, &mut first),
                Method::Boosting => explainer.explain(&features, row, &mut first),
                Method::Blend => {
                    self.logistic.explain(&features, row, &mut first);
                    explainer.explain(&features, row, &mut second);
                    first.iter_mut().zip(&second).for_each(|(first, second)| *first = 0.5 * (*first + second));
                }
                // The first column is tenure, which the hazard has by itself.
                _ => self.hazard.explain(&without, row, &mut first[1..]),
            }
            let mut by_source = vec![0.0; sources.len()];
            first.iter().zip(&self.design.sources).for_each(|(part, source)| by_source[*source] += part);
            sentences(&by_source, sources, window.entry[row], window.tenure[row])
        };
        (0..window.entry.len()).into_par_iter().map(of_row).collect()
    }
}

/// Models of each fold, fitted to the customers of the others.
pub struct CrossFitted<'a>(Vec<Models<'a>>);

impl<'a> CrossFitted<'a> {
    /// Fits them.
    ///
    /// # Errors
    /// Where all customers outside of a fold have the same label.
    pub fn fit(attributes: &[&'a Column], window: &Window, folds: &[u8]) -> Result<Self, FitError> {
        let fit = |fold: u8| Models::fit(attributes, &window.pick(&window.rows(folds, |own| own != fold)));
        Ok(Self((0..N_FOLDS).into_par_iter().map(fit).collect::<Result<_, _>>()?))
    }

    /// Scores every customer by models that have not seen them.
    pub fn scores(&self, window: &Window, folds: &[u8], horizon_months: u32) -> [Vec<f64>; 4] {
        let mut scores = [(); 4].map(|()| vec![0.0; window.customer.len()]);
        for (fold, models) in (0..N_FOLDS).zip(&self.0) {
            let rows = window.rows(folds, |own| own == fold);
            let of_fold = models.scores(&window.pick(&rows), horizon_months);
            for (all, own) in scores.iter_mut().zip(of_fold) {
                rows.iter().zip(own).for_each(|(row, score)| all[*row as usize] = score);
            }
        }
        scores
    }
}

/// Scores every customer by a rule that needs no model, as learnt from the customers of other folds.
pub fn by_rule(method: Method, attributes: &[&Column], learnt: &Window, scored: &Window, folds: &[u8]) -> Vec<f64> {
    let Method::SingleAttribute(ix) = method else { return plain(method, scored) };
    let mut scores = vec![0.0; scored.customer.len()];
    for fold in 0..N_FOLDS {
        let others = learnt.pick(&learnt.rows(folds, |own| own != fold));
        let rows = scored.rows(folds, |own| own == fold);
        let rates = level_rates(attributes[ix], (&others.entry, &others.label), &scored.pick(&rows).entry);
        rows.iter().zip(rates).for_each(|(row, rate)| scores[*row as usize] = rate);
    }
    scores
}

/// Scores by a rule that nothing is learnt for.
pub fn plain(method: Method, window: &Window) -> Vec<f64> {
    match method {
        Method::Tenure => window.tenure.iter().map(|tenure| -f64::from(*tenure)).collect(),
        _ => vec![0.0; window.customer.len()],
    }
}
