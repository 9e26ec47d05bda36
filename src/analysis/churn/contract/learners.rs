//! Learners and rules by folds, the choice between them, and the scores that are published.
//!
//! Every score of a customer, whether for the evaluation or to be published, is by models that have not seen the customer. Probabilities are calibrated:
//! for the evaluation by the customers of the other folds, for publication by all. Of the models the one of least log-loss is chosen; it is
//! published if its AUC is above that of the best rule beyond 1.96 standard errors (DeLong), otherwise that rule is.

use rayon::prelude::*;

use super::super::boosting::{self, Explainer, FittedBooster};
use super::super::calibration::{self, Calibration};
use super::super::delong;
use super::super::folds::{self, N_FOLDS};
use super::super::hazard::{self, FittedHazard};
use super::super::logistic::{self, FittedLogistic};
use super::super::metrics;
use super::super::profit::Campaign;
use super::super::ranking::Ranking;
use super::super::sample::{FitError, Sample};
use super::Params;
use super::card::{Candidate, Kind, Measures};
use super::features::{Design, ROWS_A_LEVEL, level_rates, without_leaks};
use super::reasons::{Source, sentences};
use super::windows::{Window, Windows};
use crate::table::{Column, Contracts, Values};
use crate::units::Language;

/// Folds of a status table.
const SEED: u64 = 0;

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
}

/// A figure and up to three sentences a contract.
pub type Told = (Vec<f64>, Vec<Vec<String>>);

/// Models of one fold.
struct Models<'a> {
    design: Design<'a>,
    hazard: FittedHazard,
    logistic: FittedLogistic,
    booster: FittedBooster,
}

impl<'a> Models<'a> {
    fn fit(attributes: &[&'a Column], window: &Window, folds: &[u8], fold: u8) -> Result<Self, FitError> {
        let learning = rows(window, folds, |own| own != fold);
        let part = pick(window, &learning);
        let design = Design::new(attributes, &part.customer);
        let features = design.matrix(&part.customer, &part.tenure);
        let sample = Sample { features: &features, label: &part.label, weight: None };
        // A longer tenure does not lower the risk of everything: no column is monotone.
        let (logistic, booster) = rayon::join(
            || logistic::fit(&sample, logistic::Params::default()),
            || boosting::fit(&sample, &[], &[], boosting::Params::default()),
        );
        let hazard =
            hazard::fit(&design.matrix_without_tenure(&part.customer), &part.spells, logistic::Params::default())?;
        Ok(Self { hazard, logistic: logistic?, booster: booster?, design })
    }

    /// Scores by hazard, logistic, boosting and blend.
    fn scores(&self, window: &Window, horizon_months: u32) -> [Vec<f64>; 4] {
        let features = self.design.matrix(&window.customer, &window.tenure);
        let without = self.design.matrix_without_tenure(&window.customer);
        let hazard = self.hazard.cancels_within(&without, &window.tenure, horizon_months);
        let (logistic, booster) = (self.logistic.probabilities(&features), self.booster.probabilities(&features));
        let blend = logistic::blend(&logistic, &booster);
        [hazard, logistic, booster, blend]
    }

    /// Sentences of some contracts by what moves their risk up.
    fn reasons(&self, method: Method, window: &Window, means: &[Source<'_>]) -> Vec<Vec<String>> {
        let features = self.design.matrix(&window.customer, &window.tenure);
        let without = self.design.matrix_without_tenure(&window.customer);
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
            let mut by_source = vec![0.0; means.len()];
            first.iter().zip(&self.design.sources).for_each(|(part, source)| by_source[*source] += part);
            sentences(&by_source, means, window.customer[row], window.tenure[row])
        };
        (0..window.customer.len()).into_par_iter().map(of_row).collect()
    }
}

/// Everything that was learnt.
pub struct Trained<'a> {
    attributes: Vec<&'a Column>,
    pub leaks: Vec<&'a str>,
    /// Fold of every contract.
    folds: Vec<u8>,
    /// Models by fold, where those of the evaluation are learnt at the test cut already.
    models: Vec<Option<Models<'a>>>,
    pub candidates: Vec<Candidate>,
    pub chosen: Method,
    /// Whether the best model ranks better than the best rule by more than noise.
    pub model_wins: bool,
    calibration: Calibration,
    /// Of the test window.
    pub label: Vec<bool>,
    pub base_rate: f64,
    pub n: usize,
}

impl<'a> Trained<'a> {
    /// Learns and evaluates.
    ///
    /// # Errors
    /// Where nobody cancelled or everybody did, in all or in what four folds hold.
    pub fn new(contracts: &'a Contracts, windows: &Windows, params: &Params) -> Result<Self, FitError> {
        let test = &windows.test;
        let folds = fold_of(contracts, windows);
        let (attributes, leaks) = without_leaks(&contracts.attributes, test);
        let mut scores = vec![vec![0.0; test.customer.len()]; 4];
        let learn_at = windows.train.as_ref().unwrap_or(test);
        let single = singles(&attributes, test.customer.len());
        let mut by_level = vec![vec![0.0; test.customer.len()]; single.len()];
        let by_fold = (0..N_FOLDS).into_par_iter().map(|fold| {
            let scored = rows(test, &folds, |own| own == fold);
            let part = pick(test, &scored);
            let learning = pick(learn_at, &rows(learn_at, &folds, |own| own != fold));
            let rates =
                |ix: &usize| level_rates(attributes[*ix], (&learning.customer, &learning.label), &part.customer);
            let rates: Vec<Vec<f64>> = single.iter().map(rates).collect();
            if scored.is_empty() {
                return Ok((scored, [const { vec![] }; 4], rates, None));
            }
            let models = Models::fit(&attributes, learn_at, &folds, fold)?;
            let scores = models.scores(&part, windows.horizon_months);
            Ok((scored, scores, rates, windows.train.is_none().then_some(models)))
        });
        let mut models = Vec::new();
        for of_fold in by_fold.collect::<Vec<_>>() {
            let (scored, of_models, rates, own) = of_fold?;
            models.push(own);
            for (all, own) in scores.iter_mut().zip(of_models).chain(by_level.iter_mut().zip(rates)) {
                scored.iter().zip(own).for_each(|(row, score)| all[*row as usize] = score);
            }
        }
        let tested: Vec<u8> = test.customer.iter().map(|customer| folds[*customer as usize]).collect();
        let n_rows = test.customer.len();
        let campaign = params.costs.campaign(Campaign::default().lifetime_value);
        let candidate = |method: Method, kind: Kind, score: Vec<f64>| {
            Candidate::new(method, kind, score, (&test.label, &tested), &campaign)
        };
        let mut candidates = Vec::new();
        for (method, score) in
            [Method::Hazard, Method::Logistic, Method::Boosting, Method::Blend].into_iter().zip(scores)
        {
            candidates.extend(candidate(method, Kind::Model, score));
        }
        candidates.extend(candidate(Method::Tenure, Kind::Rule, test.tenure.iter().map(|t| -f64::from(*t)).collect()));
        let auc = |score: &[f64]| Ranking::new(score, &test.label, None).map_or(0.0, |r| metrics::auc(&r));
        let best = single.iter().zip(by_level).max_by(|a, b| auc(&a.1).total_cmp(&auc(&b.1)));
        if let Some((ix, score)) = best {
            candidates.extend(candidate(Method::SingleAttribute(*ix), Kind::Rule, score));
        }
        candidates.extend(candidate(Method::BaseRate, Kind::Rule, vec![0.0; n_rows]));
        let (chosen, model_wins) = choose(&candidates, &test.label).ok_or(FitError::OneClass { n_rows })?;
        let score = candidates.iter().find(|own| own.method == chosen).map_or(&[][..], |own| &own.score);
        let calibration = calibration::fit(score, &test.label, None)?;
        let events = test.label.iter().filter(|label| **label).count();
        Ok(Self {
            attributes,
            leaks,
            folds,
            models,
            chosen,
            model_wins,
            calibration,
            label: test.label.clone(),
            base_rate: events as f64 / n_rows.max(1) as f64,
            n: n_rows,
            candidates,
        })
    }

    /// Returns risk and reasons of the running contracts, by models learnt at the test cut.
    ///
    /// # Errors
    /// As [`Trained::new`].
    pub fn publish(&self, windows: &Windows, language: Language) -> Result<Told, FitError> {
        let (test, now) = (&windows.test, &windows.now);
        let mut risks = vec![0.0; now.customer.len()];
        let mut reasons = vec![Vec::new(); now.customer.len()];
        let means = Source::of(&self.attributes, now, language);
        let by_fold = (0..N_FOLDS).into_par_iter().map(|fold| {
            let scored = rows(now, &self.folds, |own| own == fold);
            let part = pick(now, &scored);
            let (score, told) = self.score(test, &part, fold, windows.horizon_months, &means)?;
            Ok((scored, self.calibration.apply_all(&score), told))
        });
        for of_fold in by_fold.collect::<Vec<_>>() {
            let (scored, own_risks, own_reasons) = of_fold?;
            for ((row, risk), told) in scored.into_iter().zip(own_risks).zip(own_reasons) {
                (risks[row as usize], reasons[row as usize]) = (risk, told);
            }
        }
        Ok((risks, reasons))
    }

    fn score(
        &self,
        test: &Window,
        part: &Window,
        fold: u8,
        months: u32,
        means: &[Source<'_>],
    ) -> Result<Told, FitError> {
        let n = part.customer.len();
        let one = |source: usize| {
            let mut by_source = vec![0.0; means.len()];
            by_source[source] = 1.0;
            (0..n).map(|row| sentences(&by_source, means, part.customer[row], part.tenure[row])).collect()
        };
        match self.chosen {
            Method::BaseRate => Ok((vec![0.0; n], vec![vec![]; n])),
            Method::Tenure => Ok((part.tenure.iter().map(|t| -f64::from(*t)).collect(), one(0))),
            Method::SingleAttribute(ix) => {
                let learning = pick(test, &rows(test, &self.folds, |own| own != fold));
                let rates = level_rates(self.attributes[ix], (&learning.customer, &learning.label), &part.customer);
                Ok((rates, one(1 + ix)))
            }
            model => {
                let told = |models: &Models<'_>| {
                    let [hazard, logistic, boosting, blend] = models.scores(part, months);
                    let score = match model {
                        Method::Hazard => hazard,
                        Method::Logistic => logistic,
                        Method::Boosting => boosting,
                        _ => blend,
                    };
                    Ok((score, models.reasons(model, part, means)))
                };
                match self.models.get(usize::from(fold)) {
                    Some(Some(models)) => told(models),
                    _ => told(&Models::fit(&self.attributes, test, &self.folds, fold)?),
                }
            }
        }
    }

    /// Returns the name of the attribute that is the best single one.
    pub fn single_attribute(&self) -> Option<&str> {
        let of = |own: &Candidate| match own.method {
            Method::SingleAttribute(ix) => Some(self.attributes[ix].name.as_str()),
            _ => None,
        };
        self.candidates.iter().find_map(of)
    }
}

/// Text attributes that can be a rule by themselves.
fn singles(attributes: &[&Column], n_rows: usize) -> Vec<usize> {
    let is_short =
        |column: &Column| matches!(&column.values, Values::Text { labels, .. } if labels.len() < n_rows / ROWS_A_LEVEL);
    (0..attributes.len()).filter(|ix| is_short(attributes[*ix])).collect()
}

/// Returns what is published, and whether a model beats every rule beyond noise.
fn choose(candidates: &[Candidate], label: &[bool]) -> Option<(Method, bool)> {
    let least = |kind: Kind, by: fn(&Measures) -> f64| {
        candidates.iter().filter(|own| own.kind == kind).min_by(|a, b| by(&a.measures).total_cmp(&by(&b.measures)))
    };
    let model = least(Kind::Model, |measures| measures.log_loss)?;
    let rule = least(Kind::Rule, |measures| -measures.auc.value)?;
    let wins = delong::difference(&model.score, &rule.score, label).is_some_and(|difference| difference.is_gain());
    let best_rule = least(Kind::Rule, |measures| measures.log_loss)?;
    Some(if wins { (model.method, true) } else { (best_rule.method, false) })
}

/// Folds: stratified of a status table, by the id alone where the same customer is seen at several cuts.
fn fold_of(contracts: &Contracts, windows: &Windows) -> Vec<u8> {
    if windows.cuts.is_none() {
        folds::stratified(contracts.ids.iter(), &windows.test.label, SEED)
    } else {
        folds::by_id(contracts.ids.iter(), SEED)
    }
}

/// Rows of a window whose fold fits.
fn rows(window: &Window, folds: &[u8], fits: impl Fn(u8) -> bool) -> Vec<u32> {
    (0..window.customer.len() as u32).filter(|row| fits(folds[window.customer[*row as usize] as usize])).collect()
}

fn pick(window: &Window, rows: &[u32]) -> Window {
    let at = |row: &u32| *row as usize;
    Window {
        customer: rows.iter().map(|row| window.customer[at(row)]).collect(),
        tenure: rows.iter().map(|row| window.tenure[at(row)]).collect(),
        label: rows.iter().map(|row| window.label[at(row)]).collect(),
        spells: rows.iter().map(|row| window.spells[at(row)]).collect(),
    }
}
