//! What a score is worth: learners and rules on one test cut, on the same customers, and which of them is published.
//!
//! Learners are cross-fitted at the train cut and score the test cut; where there is no train cut, at the test cut itself, each customer by models
//! of other customers. Rankings are those of the scores as they are, probabilities those after a calibration that has not seen the customers'
//! fates: fitted at the train cut, at the season cut (the same days one year earlier), or on the other folds.
//!
//! The logistic regression is the learner unless another one ranks better beyond noise. It is published only where it ranks better than the best rule
//! beyond noise; elsewhere the rule is, calibrated in the same way.
//!
//! | name       | shape      | unit                               |
//! |------------|------------|------------------------------------|
//! | score      | `(n_rows)` | any, higher for more risk          |
//! | risk       | `(n_rows)` | probability of no purchase         |
//!
//! Cost: that of the fits. Source: noise of a difference: [`super::delong`]; measures: [`super::metrics`], [`super::profit`].

use super::calibration::{self, Calibration};
use super::delong::{self, Estimate};
use super::folds::N_FOLDS;
use super::learners::{CrossFitted, Learner};
use super::metrics::{self, Decile};
use super::observed::Observed;
use super::profit::{Campaign, Profit, expected_maximum_profit};
use super::ranking::Ranking;
use super::rules::{Rule, Rules};
use super::sample::FitError;

/// A learner or a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scorer {
    Learner(Learner),
    Rule(Rule),
}

impl Scorer {
    /// Returns the name in facts and tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Learner(learner) => learner.label(),
            Self::Rule(rule) => rule.label(),
        }
    }
}

/// A cut with what is needed to score it.
#[derive(Debug)]
pub struct Seen {
    pub observed: Observed,
    pub rules: Rules,
}

impl Seen {
    /// Scores the customers; nothing where the scorer cannot.
    pub fn scores(&self, scorer: Scorer, learners: &CrossFitted) -> Option<Vec<f64>> {
        match scorer {
            Scorer::Learner(learner) => learners.scores(learner, &self.observed),
            Scorer::Rule(rule) => self.rules.scores(rule, &self.observed.behaviour),
        }
    }
}

/// Where the probabilities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The latest cut whose labels were known.
    LatestCut,
    /// The same days one year earlier.
    SeasonCut,
    /// The other folds of the only cut.
    OtherFolds,
}

impl Basis {
    /// Returns the words in facts.
    pub fn label(self) -> &'static str {
        match self {
            Self::LatestCut => "latest cut",
            Self::SeasonCut => "same season last year",
            Self::OtherFolds => "other folds",
        }
    }
}

/// How good a score is.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub auc: f64,
    pub auc_standard_error: f64,
    pub average_precision: f64,
    pub brier: f64,
    pub log_loss: f64,
    pub calibration_error: f64,
    pub mean_risk: f64,
    pub top_decile_lift: f64,
    pub profit: Option<Profit>,
    pub deciles: Vec<Decile>,
}

/// A scorer on the test cut.
#[derive(Debug, Clone)]
pub struct Entry {
    pub scorer: Scorer,
    pub figures: Figures,
}

/// The card.
#[derive(Debug, Clone)]
pub struct Evaluation {
    pub entries: Vec<Entry>,
    /// The learner that stands for all of them.
    pub learner: usize,
    pub best_rule: usize,
    /// AUC of the learner less that of the best rule.
    pub gain: Estimate,
    pub basis: Basis,
    /// Log-losses of what is published by the latest cut and by the season, where both could be tried.
    pub season_proof: Option<[f64; 2]>,
}

impl Evaluation {
    /// Puts learners and rules to the test.
    ///
    /// # Errors
    /// Where a cut does not have customers of both fates in every fold.
    pub fn of(
        train: Option<&Seen>,
        test: &Seen,
        season: Option<&Seen>,
        monotone: &[bool],
        campaign: Option<&Campaign>,
    ) -> Result<Self, FitError> {
        let learnt_from = train.unwrap_or(test);
        let learners = CrossFitted::fit(&learnt_from.observed, &Learner::ALL, monotone)?;
        let scorers = Learner::ALL.map(Scorer::Learner).into_iter().chain(Rule::ALL.map(Scorer::Rule));
        // What cannot score the cut that it would be calibrated on is out; a season that not everything can score is none.
        let scores_at =
            |seen: Option<&Seen>, scorer: Scorer| seen.is_none_or(|seen| seen.scores(scorer, &learners).is_some());
        let scored: Vec<(Scorer, Vec<f64>)> = scorers
            .filter(|scorer| scores_at(train, *scorer))
            .filter_map(|scorer| Some((scorer, test.scores(scorer, &learners)?)))
            .collect();
        let season = season.filter(|season| scored.iter().all(|(scorer, _)| scores_at(Some(season), *scorer)));
        let label = &test.observed.label;
        let one_class = || FitError::OneClass { n_rows: label.len() };
        let auc = |ix: usize| delong::auc(&scored[ix].1, label).map_or(0.0, |auc| auc.value);
        let gain = |one: usize, other: usize| delong::difference(&scored[one].1, &scored[other].1, label);
        let of_kind = |is_rule: bool| -> Vec<usize> {
            (0..scored.len()).filter(|ix| matches!(scored[*ix].0, Scorer::Rule(_)) == is_rule).collect()
        };
        let (learnt, by_rule) = (of_kind(false), of_kind(true));
        // The first of each kind is the simplest: it stays where nothing is better.
        let plain = *learnt.first().ok_or_else(one_class)?;
        let better = learnt.iter().copied().filter(|ix| gain(*ix, plain).is_some_and(|gain| gain.is_gain()));
        let learner = better.fold(plain, |best, ix| if auc(ix) > auc(best) { ix } else { best });
        let first_rule = *by_rule.first().ok_or_else(one_class)?;
        let best_rule =
            by_rule.iter().copied().fold(first_rule, |best, ix| if auc(ix) > auc(best) { ix } else { best });
        let gain = gain(learner, best_rule).ok_or_else(one_class)?;
        let chosen = if gain.is_gain() { learner } else { best_rule };

        let by = |basis: Basis, ix: usize| -> Result<Vec<f64>, FitError> {
            let (scorer, score) = &scored[ix];
            let at = |seen: &Seen| -> Result<Calibration, FitError> {
                let past = seen.scores(*scorer, &learners).ok_or_else(one_class)?;
                calibration::fit(&past, &seen.observed.label, None)
            };
            match (basis, train, season) {
                (Basis::LatestCut, Some(train), _) => Ok(at(train)?.apply_all(score)),
                (Basis::SeasonCut, _, Some(season)) => Ok(at(season)?.apply_all(score)),
                _ => by_other_folds(score, &test.observed),
            }
        };
        let latest = if train.is_some() { Basis::LatestCut } else { Basis::OtherFolds };
        let loss = |basis| -> Result<f64, FitError> {
            let ranking = Ranking::new(&by(basis, chosen)?, label, None).ok_or_else(one_class)?;
            Ok(metrics::log_loss(&ranking))
        };
        let season_proof = match (train, season) {
            (Some(_), Some(_)) => Some([loss(latest)?, loss(Basis::SeasonCut)?]),
            _ => None,
        };
        let basis = match season_proof {
            Some([latest, season]) if season < latest => Basis::SeasonCut,
            _ => latest,
        };
        let figures = |ix: usize| -> Result<Figures, FitError> {
            Figures::of(&scored[ix].1, &by(basis, ix)?, label, campaign).ok_or_else(one_class)
        };
        let figures: Vec<Figures> = (0..scored.len()).map(figures).collect::<Result<_, _>>()?;
        let entries = scored.iter().zip(figures);
        Ok(Self {
            entries: entries.map(|((scorer, _), figures)| Entry { scorer: *scorer, figures }).collect(),
            learner,
            best_rule,
            gain,
            basis,
            season_proof,
        })
    }

    /// Returns what is published.
    pub fn chosen(&self) -> &Entry {
        &self.entries[if self.gain.is_gain() { self.learner } else { self.best_rule }]
    }

    /// Returns the best rule.
    pub fn best_rule(&self) -> &Entry {
        &self.entries[self.best_rule]
    }
}

impl Figures {
    /// Measures a score by its ranking, and its probabilities.
    pub fn of(score: &[f64], risk: &[f64], label: &[bool], campaign: Option<&Campaign>) -> Option<Self> {
        let (by_score, by_risk) = (Ranking::new(score, label, None)?, Ranking::new(risk, label, None)?);
        let auc = delong::auc(score, label)?;
        let deciles: Vec<Decile> = metrics::deciles(&by_score);
        Some(Self {
            auc: metrics::auc(&by_score),
            auc_standard_error: auc.standard_error,
            average_precision: metrics::average_precision(&by_score),
            brier: metrics::brier(&by_risk),
            log_loss: metrics::log_loss(&by_risk),
            calibration_error: metrics::calibration_error(&by_risk),
            mean_risk: risk.iter().sum::<f64>() / risk.len() as f64,
            top_decile_lift: deciles.first().map_or(1.0, |decile| decile.lift),
            profit: campaign.and_then(|campaign| expected_maximum_profit(&by_score, campaign)),
            deciles,
        })
    }
}

/// Calibrates the scores of each fold by those of the others.
fn by_other_folds(score: &[f64], observed: &Observed) -> Result<Vec<f64>, FitError> {
    let mut risk = vec![0.0; score.len()];
    for fold in 0..N_FOLDS {
        let others = observed.rows(fold, false);
        let past: Vec<f64> = others.iter().map(|row| score[*row as usize]).collect();
        let label: Vec<bool> = others.iter().map(|row| observed.label[*row as usize]).collect();
        let fitted = calibration::fit(&past, &label, None)?;
        observed.rows(fold, true).iter().for_each(|row| risk[*row as usize] = fitted.apply(score[*row as usize]));
    }
    Ok(risk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::churn::behaviour::Behaviour;
    use crate::analysis::churn::sample::Matrix;
    use crate::analysis::lifetime_value::tests::Uniform;
    use crate::units::Day;

    /// Customers whose fate follows from recency and a hidden trait that only the features show, or from nothing.
    fn seen(seed: u64, cut: i32, trait_weight: f64, is_shuffled: bool) -> Seen {
        let mut random = Uniform(seed);
        let n = 3_000;
        let rows: Vec<(f64, f64)> = (0..n).map(|_| (365.0 * random.next(), random.next())).collect();
        let lost = |(recency, hidden): &(f64, f64), draw: f64| {
            let logit = 4.0 * (recency / 365.0 - 0.5) + trait_weight * (hidden - 0.5);
            draw < if is_shuffled { 0.4 } else { 1.0 / (1.0 + (-logit).exp()) }
        };
        let label = rows.iter().map(|row| lost(row, random.next())).collect();
        let mut features = Matrix::new(n);
        features.push(rows.iter().map(|row| Some(row.0)));
        features.push(rows.iter().map(|row| Some(row.1)));
        let behaviour = rows.iter().map(|row| Behaviour { recency: row.0 as u32, n_days: 1, ..Behaviour::default() });
        let observed = Observed {
            cut: Day(cut),
            customers: (0..n as u32).collect(),
            behaviour: behaviour.collect(),
            features,
            fold: (0..n).map(|row| (row % 5) as u8).collect(),
            label,
            silent: vec![],
        };
        Seen { observed, rules: Rules { mean_gap: 30.0, model: None, horizon: 90.0 } }
    }

    fn auc(evaluation: &Evaluation, scorer: Scorer) -> f64 {
        evaluation.entries.iter().find(|entry| entry.scorer == scorer).unwrap().figures.auc
    }

    #[test]
    fn shuffled_labels_teach_nothing() {
        for train in [None, Some(seen(1, 100, 4.0, true))] {
            let test = seen(2, 200, 4.0, true);
            let found = Evaluation::of(train.as_ref(), &test, None, &[true, false], None).unwrap();
            for entry in &found.entries {
                // A fold with more lost customers than the rest is scored lower by the rest: on one cut noise lies a little below one half.
                assert!((entry.figures.auc - 0.5).abs() < 0.05, "{:?} {}", entry.scorer, entry.figures.auc);
                assert!(entry.figures.calibration_error < 0.05, "{:?}", entry.figures);
            }
            assert!(!found.gain.is_gain() && matches!(found.chosen().scorer, Scorer::Rule(_)));
        }
    }

    #[test]
    fn a_learner_is_published_only_where_it_knows_more_than_the_rule() {
        let of = |weight: f64| {
            let (train, test) = (seen(3, 100, weight, false), seen(4, 200, weight, false));
            Evaluation::of(Some(&train), &test, None, &[true, false], None).unwrap()
        };
        let knows_more = of(4.0);
        assert_eq!(knows_more.chosen().scorer, Scorer::Learner(Learner::Logistic));
        assert_eq!(knows_more.best_rule().scorer, Scorer::Rule(Rule::Recency));
        assert!(
            auc(&knows_more, Scorer::Learner(Learner::Logistic)) > auc(&knows_more, Scorer::Rule(Rule::Recency)) + 0.03
        );
        assert!(knows_more.chosen().figures.calibration_error < 0.04, "{:?}", knows_more.chosen().figures);
        // Recency says it all: the rule is as good, and simpler.
        assert_eq!(of(0.0).chosen().scorer, Scorer::Rule(Rule::Recency));
    }

    #[test]
    fn the_season_is_taken_where_it_forecasts_better() {
        let (train, test) = (seen(5, 100, 4.0, false), seen(6, 500, 4.0, false));
        // At the latest cut everybody was twice as likely to be lost.
        let mut off = seen(5, 100, 4.0, false);
        let mut random = Uniform(9);
        off.observed.label.iter_mut().for_each(|lost| *lost |= random.next() < 0.5);
        let found = Evaluation::of(Some(&off), &test, Some(&train), &[true, false], None).unwrap();
        assert_eq!(found.basis, Basis::SeasonCut);
        assert!(found.season_proof.is_some_and(|[latest, season]| season < latest - 0.02));
        let found = Evaluation::of(Some(&train), &test, Some(&off), &[true, false], None).unwrap();
        assert_eq!(found.basis, Basis::LatestCut);
    }
}
