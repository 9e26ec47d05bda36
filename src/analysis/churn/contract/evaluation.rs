//! Learners and rules on the test cut, the choice between them, and the scores that are published.
//!
//! With dates, learners are cross-fitted at the train cut, calibrated on the scores that they give its customers, and score the test cut. Without a train
//! cut they are cross-fitted at the test cut, each fold calibrated by the others. Of the models the one of least log-loss stands for all; it
//! is published if its AUC is above that of the strongest rule (by AUC) beyond 1.96 standard errors (DeLong), otherwise that rule is.
//!
//! What is published is fitted to the whole test cut and calibrated on cross-fitted scores of the same cut: by models that differ by a fifth of the
//! rows, and of customers whom they had not seen.
//!
//! A contract is worth `price · Σ_{k=1..12} S(t + k | t)`: its price for the months that it is expected to run of the next twelve, by the
//! hazard ([`super::super::hazard`]). Their mean is the value of the expected maximum profit ([`super::super::profit`]).

use super::super::calibration::{self, Calibration};
use super::super::delong::{self, Estimate};
use super::super::folds::{self, N_FOLDS};
use super::super::leaks::{self, Leak};
use super::super::metrics;
use super::super::profit::Campaign;
use super::super::ranking::Ranking;
use super::super::sample::FitError;
use super::card::{Candidate, Measures};
use super::features::{Design, ROWS_A_LEVEL, level_rates};
use super::learners::{CrossFitted, Method, Models, by_rule, plain};
use super::reasons::{Source, sentences};
use super::windows::{LEAST_OF_CLASS, Window, Windows};
use super::{Params, VALUE_MONTHS};
use crate::table::{Column, Contracts, Values};
use crate::units::Language;

const SEED_OF_FOLDS: u64 = 0;

/// Why nothing is learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "{cancelled} contracts were cancelled and {stayed} stayed within the horizon before as-of, {LEAST_OF_CLASS} of each are needed (with dates, a longer horizon has more)"
    )]
    TooFew { cancelled: usize, stayed: usize },
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// What is published of every running contract, in the order of the window of now.
pub struct Published {
    pub risk: Vec<f64>,
    pub reasons: Vec<Vec<String>>,
    /// Nothing where the price is not known.
    pub value: Vec<Option<f64>>,
}

/// Everything that was learnt.
pub struct Trained<'a> {
    attributes: Vec<&'a Column>,
    pub leaks: Vec<Leak>,
    pub candidates: Vec<Candidate>,
    /// The model that stands for all of them.
    pub learner: Method,
    pub best_rule: Method,
    /// AUC of the learner less that of the best rule.
    pub gain: Estimate,
    models: Models<'a>,
    calibration: Calibration,
    /// Of the running contracts.
    value: Vec<Option<f64>>,
    /// What the expected maximum profit is computed with; nothing where no price is known.
    pub campaign: Option<Campaign>,
    /// Of the test window.
    pub label: Vec<bool>,
    pub base_rate: f64,
}

impl<'a> Trained<'a> {
    /// Learns and evaluates.
    ///
    /// # Errors
    /// Where too few contracts were cancelled or stayed.
    pub fn new(contracts: &'a Contracts, windows: &Windows, params: &Params) -> Result<Self, Refusal> {
        let (test, months) = (&windows.test, windows.horizon_months);
        if !test.can_teach() {
            let (cancelled, stayed) = test.classes();
            return Err(Refusal::TooFew { cancelled, stayed });
        }
        let folds = fold_of(contracts, windows);
        let leaks = guard(contracts, windows);
        let is_left_out = |column: &&Column| leaks.iter().any(|leak| leak.name == column.name);
        let attributes: Vec<&Column> = contracts.attributes.iter().filter(|column| !is_left_out(column)).collect();
        let models = Models::fit(&attributes, test)?;
        let value = value(contracts, &models, &windows.now);
        let campaign = mean(&value).map(|mean| params.costs.campaign(mean));

        let learn_at = windows.train.as_ref().unwrap_or(test);
        let crossed = CrossFitted::fit(&attributes, learn_at, &folds)?;
        let at = |window: &Window| crossed.scores(window, &folds, months);
        let (scores, past) = (at(test), windows.train.as_ref().map(at));
        let tested: Vec<u8> = test.customer.iter().map(|customer| folds[*customer as usize]).collect();
        let candidate = |method: Method, score: Vec<f64>, past: Option<Vec<f64>>| -> Result<Candidate, FitError> {
            let probability = match past {
                Some(past) => calibration::fit(&past, &learn_at.label, None)?.apply_all(&score),
                None => by_other_folds(&score, &test.label, &tested)?,
            };
            let one_class = FitError::OneClass { n_rows: score.len() };
            Candidate::new(method, score, probability, &test.label, campaign.as_ref()).ok_or(one_class)
        };
        let mut candidates = Vec::new();
        let mut past = past.map(<[Vec<f64>; 4]>::into_iter);
        for (method, score) in Method::LEARNT.into_iter().zip(scores) {
            candidates.push(candidate(method, score, past.as_mut().and_then(Iterator::next))?);
        }
        let rule = |method: Method, window: &Window| by_rule(method, &attributes, learn_at, window, &folds);
        for method in [Some(Method::Tenure), best_single(&attributes, test, &rule), Some(Method::BaseRate)] {
            let Some(method) = method else { continue };
            let past = windows.train.as_ref().map(|train| rule(method, train));
            candidates.push(candidate(method, rule(method, test), past)?);
        }
        let (learner, best_rule, gain) =
            choose(&candidates, &test.label).ok_or(FitError::OneClass { n_rows: test.label.len() })?;
        let chosen = if gain.is_gain() { learner } else { best_rule };
        let unseen = match (chosen.is_rule(), windows.train.is_some()) {
            (true, _) => by_rule(chosen, &attributes, test, test, &folds),
            (false, false) => {
                candidates.iter().find(|own| own.method == chosen).map_or(vec![], |own| own.score.clone())
            }
            (false, true) => of(chosen, CrossFitted::fit(&attributes, test, &folds)?.scores(test, &folds, months)),
        };
        let calibration = calibration::fit(&unseen, &test.label, None)?;
        Ok(Self {
            attributes,
            leaks,
            candidates,
            learner,
            best_rule,
            gain,
            models,
            calibration,
            value,
            campaign,
            label: test.label.clone(),
            base_rate: test.classes().0 as f64 / test.label.len().max(1) as f64,
        })
    }

    /// Returns what is published.
    pub fn chosen(&self) -> Method {
        if self.gain.is_gain() { self.learner } else { self.best_rule }
    }

    /// Returns risk, reasons and value of the running contracts.
    pub fn publish(&self, windows: &Windows, language: Language) -> Published {
        let (test, now) = (&windows.test, &windows.now);
        let sources = Source::of(&self.attributes, now, language);
        let chosen = self.chosen();
        let (score, by_source) = match chosen {
            Method::BaseRate => (plain(chosen, now), None),
            Method::Tenure => (plain(chosen, now), Some(0)),
            Method::SingleAttribute(ix) => {
                (level_rates(self.attributes[ix], (&test.entry, &test.label), &now.entry), Some(1 + ix))
            }
            model => (of(model, self.models.scores(now, windows.horizon_months)), None),
        };
        let risk = self.calibration.apply_all(&score);
        let reasons = if chosen.is_rule() {
            // What a rule consists of is a reason only where it raises the risk.
            let parts = |source: usize| (0..sources.len()).map(move |ix| f64::from(u8::from(ix == source))).collect();
            let parts: Vec<f64> = by_source.map_or(vec![], parts);
            let told = |row: usize| match risk[row] > self.base_rate {
                true => sentences(&parts, &sources, now.entry[row], now.tenure[row]),
                false => vec![],
            };
            (0..risk.len()).map(told).collect()
        } else {
            self.models.reasons(chosen, now, &sources)
        };
        Published { risk, reasons, value: self.value.clone() }
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

/// Picks the scores of one learner.
fn of(method: Method, scores: [Vec<f64>; 4]) -> Vec<f64> {
    let own = Method::LEARNT.into_iter().zip(scores).find(|(other, _)| *other == method);
    own.map_or(vec![], |(_, scores)| scores)
}

/// Finds attributes that know the future at the cuts that are learnt from.
fn guard(contracts: &Contracts, windows: &Windows) -> Vec<Leak> {
    let all: Vec<&Column> = contracts.attributes.iter().collect();
    let tenure = leaks::Source { name: "tenure", is_attribute: false };
    let of_attributes = all.iter().map(|column| leaks::Source { name: &column.name, is_attribute: true });
    let sources: Vec<_> = std::iter::once(tenure).chain(of_attributes).collect();
    let mut found: Vec<Leak> = Vec::new();
    for window in [Some(&windows.test), windows.train.as_ref()].into_iter().flatten() {
        let design = Design::new(&all, &window.entry);
        let matrix = design.matrix(&window.entry, &window.tenure);
        for leak in leaks::among(&sources, &design.sources, &matrix, &window.label) {
            if found.iter().all(|other| other.name != leak.name) {
                found.push(leak);
            }
        }
    }
    found
}

/// What each contract of a window is worth.
fn value(contracts: &Contracts, models: &Models<'_>, window: &Window) -> Vec<Option<f64>> {
    let Some(price) = &contracts.price else { return vec![None; window.entry.len()] };
    let months = models.expected_months(window, VALUE_MONTHS);
    window.entry.iter().zip(months).map(|(entry, months)| Some(price.get(*entry as usize)? * months)).collect()
}

/// Mean of the values above zero.
fn mean(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().flatten().copied().filter(|value| *value > 0.0).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The text attribute that ranks best by itself, of those with few levels.
fn best_single(attributes: &[&Column], test: &Window, score: &dyn Fn(Method, &Window) -> Vec<f64>) -> Option<Method> {
    let is_short = |ix: &usize| matches!(&attributes[*ix].values, Values::Text { labels, .. } if labels.len() < test.entry.len() / ROWS_A_LEVEL);
    let auc = |ix: usize| {
        let method = Method::SingleAttribute(ix);
        let ranking = Ranking::new(&score(method, test), &test.label, None);
        (method, ranking.map_or(0.0, |ranking| metrics::auc(&ranking)))
    };
    let all = (0..attributes.len()).filter(is_short).map(auc);
    all.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(method, _)| method)
}

/// Returns the model that stands for all, the strongest rule, and what the one has over the other.
fn choose(candidates: &[Candidate], label: &[bool]) -> Option<(Method, Method, Estimate)> {
    let least = |is_rule: bool, by: fn(&Measures) -> f64| {
        let own = candidates.iter().filter(|own| own.method.is_rule() == is_rule);
        own.min_by(|a, b| by(&a.measures).total_cmp(&by(&b.measures)))
    };
    let model = least(false, |measures| measures.log_loss)?;
    let rule = least(true, |measures| -measures.auc.value)?;
    Some((model.method, rule.method, delong::difference(&model.score, &rule.score, label)?))
}

/// Calibrates the scores of each fold by those of the others.
fn by_other_folds(score: &[f64], label: &[bool], folds: &[u8]) -> Result<Vec<f64>, FitError> {
    let mut probability = vec![0.0; score.len()];
    for fold in 0..N_FOLDS {
        let others = (0..score.len()).filter(|row| folds[*row] != fold).map(|row| (score[row], label[row]));
        let (score_of_others, label_of_others): (Vec<f64>, Vec<bool>) = others.unzip();
        let fitted = calibration::fit(&score_of_others, &label_of_others, None)?;
        let own = (0..score.len()).filter(|row| folds[*row] == fold);
        own.for_each(|row| probability[row] = fitted.apply(score[row]));
    }
    Ok(probability)
}

/// Folds by the hash of the id: dealt out by class where there is one cut, by the hash alone where a customer is seen at several.
fn fold_of(contracts: &Contracts, windows: &Windows) -> Vec<u8> {
    if windows.cuts.is_some() {
        return folds::by_id(contracts.ids.iter(), SEED_OF_FOLDS);
    }
    let mut label = vec![false; contracts.ids.len()];
    let test = &windows.test;
    test.customer.iter().zip(&test.label).for_each(|(customer, cancelled)| label[*customer as usize] = *cancelled);
    folds::stratified(contracts.ids.iter(), &label, SEED_OF_FOLDS)
}
