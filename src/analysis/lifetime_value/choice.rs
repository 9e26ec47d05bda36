//! Which purchase model: the candidates forecast a holdout of the base's own, beside rules that need no model.
//!
//! Each candidate is fitted to the calibration period of a [`Split`] and says how often every customer will buy in the holdout. MBG/NBD, which contains NBD
//! as its limit and scores quickly, is chosen unless another one has a lower Poisson deviance beyond chance, see [`come_nearer`]; of several such
//! the one with the lowest. BG/NBD is shown beside them and used where it is named. The chosen one is then fitted to the whole base.
//!
//! | rule          | forecast                                                                                                   |
//! |---------------|------------------------------------------------------------------------------------------------------------|
//! | `last_period` | as many purchase days as in the period of the same length before the cut                                     |
//! | `recency`     | who bought in that period buys as often as those did on average, the others do not; ranked by the last purchase |
//!
//! Where the base is too short or too small for a holdout it is MBG/NBD, unproven.

use rayon::prelude::*;

use super::accuracy::{Accuracy, Forecast, come_nearer};
use super::holdout::{Observation, Split};
use super::purchases::{Fitted, ModelChoice, PurchaseKind};
use super::season::SeasonProof;

/// What is tried where the choice is free. BG/CNBD-k is left out: it differs from MBG/CNBD-k in who never came back, as BG/NBD does from MBG/NBD.
const CANDIDATES: [PurchaseKind; 5] =
    [PurchaseKind::Nbd, PurchaseKind::MbgNbd, PurchaseKind::BgNbd, PurchaseKind::ParetoNbd, PurchaseKind::MbgCnbd];

/// Forecast and shown, but not chosen by itself: to this model everybody who never came back is alive for sure, however long ago, and
/// chances, dates and win-back of most customers of a shop would stand on that.
const NEVER_LEAVES: PurchaseKind = PurchaseKind::BgNbd;

/// Where nothing else can be proven better.
const DEFAULT: PurchaseKind = PurchaseKind::MbgNbd;

/// A model on the holdout.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub kind: PurchaseKind,
    /// The fit to the calibration period.
    pub fitted: Fitted,
    pub accuracy: Accuracy,
}

/// The chosen model with groups on the holdout.
#[derive(Debug, Clone)]
pub struct GroupedCandidate {
    pub name: String,
    /// A share of one where a group is shrunk.
    pub n_parameters: f64,
    pub log_likelihood_weeks: f64,
    pub accuracy: Accuracy,
}

/// What the holdout says.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub split: Split,
    /// In the order of simplicity; those that could not be fitted are missing.
    pub models: Vec<Candidate>,
    /// Position of the chosen one.
    pub chosen: usize,
    /// The same with groups, where the pipeline asks for them.
    pub grouped: Option<GroupedCandidate>,
    /// Rules by name.
    pub rules: [(&'static str, Accuracy); 2],
    /// What a season would add, where one was asked for and can be proven.
    pub season: Option<SeasonProof>,
}

impl Evidence {
    /// Fits the candidates to the calibration period and forecasts the holdout; nothing where no model can be fitted.
    pub fn of(split: Split, kinds: Vec<PurchaseKind>) -> Option<Self> {
        let candidate = |kind: PurchaseKind| {
            let fitted = kind.fit(&split.calibration).ok()?;
            let forecasts = forecasts(&fitted, &split);
            Some((Candidate { kind, fitted, accuracy: Accuracy::of(&forecasts) }, forecasts))
        };
        let (models, forecasts): (Vec<Candidate>, Vec<Vec<Forecast>>) =
            kinds.into_par_iter().filter_map(candidate).collect();
        let default = models.iter().position(|candidate| candidate.kind == DEFAULT).unwrap_or_default();
        let deviance = |ix: &usize| models[*ix].accuracy.deviance.unwrap_or(f64::INFINITY);
        let is_better =
            |ix: &usize| models[*ix].kind != NEVER_LEAVES && come_nearer(&forecasts[*ix], &forecasts[default]);
        let chosen = (0..models.len()).filter(|ix| is_better(ix)).min_by(|a, b| deviance(a).total_cmp(&deviance(b)));
        let chosen = chosen.unwrap_or(default);
        models.get(chosen)?;
        let rules = [("last_period", Accuracy::of(&last_period(&split))), ("recency", Accuracy::of(&recency(&split)))];
        Some(Self { split, models, chosen, grouped: None, rules, season: None })
    }

    /// Returns the model that is used.
    pub fn chosen(&self) -> &Candidate {
        &self.models[self.chosen]
    }

    /// Says where a rule that needs no model came nearer than the chosen one.
    pub fn notes(&self) -> Vec<String> {
        let Candidate { kind, accuracy: own, .. } = self.chosen();
        let beaten = |(name, rule): &(&'static str, Accuracy)| {
            let by = [("mae", rule.mae < own.mae), ("rmse", rule.rmse < own.rmse)];
            let by: Vec<&str> = by.into_iter().filter_map(|(figure, is_better)| is_better.then_some(figure)).collect();
            (!by.is_empty()).then(|| {
                format!(
                    "purchase model: {} does not beat the rule {} on the holdout by {}, see clv_models",
                    kind.label(),
                    name.replace('_', "-"),
                    by.join(" and ")
                )
            })
        };
        let grouped = self.grouped.as_ref().and_then(|grouped| {
            let (with, without) = (grouped.accuracy.deviance?, own.deviance?);
            (with >= without).then(|| {
                format!(
                    "purchase model: {} does not forecast the holdout better than {} alone (deviance {with:.4} and {without:.4}); it is used because the pipeline asks for it",
                    grouped.name,
                    kind.label()
                )
            })
        });
        self.rules.iter().filter_map(beaten).chain(grouped).collect()
    }
}

/// Returns what is tried; `with_covariates` leaves out what takes none.
pub fn candidates(choice: ModelChoice, with_covariates: bool) -> Vec<PurchaseKind> {
    match choice {
        ModelChoice::Auto => {
            CANDIDATES.into_iter().filter(|kind| !with_covariates || kind.takes_covariates()).collect()
        }
        ModelChoice::Named(kind) => vec![kind],
    }
}

/// Returns the model to fit to the whole base, given what was asked for and what was found.
pub fn kind(choice: ModelChoice, evidence: Option<&Evidence>) -> PurchaseKind {
    match choice {
        ModelChoice::Named(kind) => kind,
        ModelChoice::Auto => evidence.map_or(DEFAULT, |evidence| evidence.chosen().kind),
    }
}

/// What a model says of each distinct history in the holdout, and what happened.
pub fn forecasts(fitted: &Fitted, split: &Split) -> Vec<Forecast> {
    forecasts_within(fitted, split, f64::from(split.days))
}

/// What a model says of each distinct history in a time after the cut, and what happened in the whole holdout.
pub fn forecasts_within(fitted: &Fitted, split: &Split, time: f64) -> Vec<Forecast> {
    forecasts_of(fitted, time, &split.observations)
}

/// The same for some of the observations, which ascend.
pub fn forecasts_of(fitted: &Fitted, time: f64, observations: &[(Observation, u32)]) -> Vec<Forecast> {
    let formulas = fitted.formulas();
    let equal: Vec<&[(Observation, u32)]> = observations.chunk_by(|a, b| a.0.history == b.0.history).collect();
    let of_history = |equal: &&[(Observation, u32)]| {
        let history = equal[0].0.history;
        let (x, t_x, age) = (history.n_repeats, f64::from(history.days_to_last), f64::from(history.age_days));
        let p_alive = formulas.p_alive(x, t_x, age);
        let expected = p_alive * formulas.expected_if_alive(x, t_x, age, time);
        let p_buy = p_alive * formulas.buys_if_alive(x, t_x, age, time);
        let forecast = |(observation, n): &(Observation, u32)| Forecast {
            n: f64::from(*n),
            actual: f64::from(observation.n_after),
            expected,
            p_buy: Some(p_buy),
            rank: expected,
        };
        equal.iter().map(forecast).collect::<Vec<_>>()
    };
    equal.par_iter().with_min_len(64).map(of_history).flatten_iter().collect()
}

fn by_rule(split: &Split, expected: impl Fn(&Observation) -> f64, rank: impl Fn(&Observation) -> f64) -> Vec<Forecast> {
    let forecast = |(observation, n): &(Observation, u32)| Forecast {
        n: f64::from(*n),
        actual: f64::from(observation.n_after),
        expected: expected(observation),
        p_buy: None,
        rank: rank(observation),
    };
    split.observations.iter().map(forecast).collect()
}

fn last_period(split: &Split) -> Vec<Forecast> {
    let lately = |observation: &Observation| f64::from(observation.n_lately);
    by_rule(split, lately, lately)
}

fn recency(split: &Split) -> Vec<Forecast> {
    let lately: Vec<_> = split.observations.iter().filter(|(observation, _)| observation.n_lately > 0).collect();
    let n: f64 = lately.iter().map(|(_, n)| f64::from(*n)).sum();
    let purchases: f64 = lately.iter().map(|(observation, n)| f64::from(observation.n_lately * n)).sum();
    let mean = purchases / n.max(1.0);
    let silent = |observation: &Observation| {
        f64::from(observation.history.age_days) - f64::from(observation.history.days_to_last)
    };
    by_rule(split, |observation| if observation.n_lately > 0 { mean } else { 0.0 }, |observation| -silent(observation))
}

#[cfg(test)]
mod tests {
    use super::super::histories::{Histories, History};
    use super::super::models::Statistics;
    use super::super::tests::Uniform;
    use super::*;
    use crate::units::Day;

    /// Customers of 600 days who buy at a rate of their own until they leave at a chance of one in seven after each purchase, or never.
    fn split(leave: f64) -> Split {
        let mut random = Uniform(7);
        let (mut observations, mut histories) = (Vec::new(), Vec::new());
        for ix in 0..6_000_u32 {
            let (cut, end) = (300 - (ix % 100), 600 - (ix % 100));
            let gap = 60.0 / (random.exponential() + random.exponential());
            let (mut days, mut at) = (vec![0_u32], 0.0);
            while random.next() >= leave {
                at += random.exponential() * gap;
                if at > f64::from(end) {
                    break;
                }
                days.push(at as u32);
            }
            days.dedup();
            let n_before = days.partition_point(|day| *day <= cut);
            let history = History { n_repeats: n_before as u32 - 1, days_to_last: days[n_before - 1], age_days: cut };
            let n_lately = days[..n_before].iter().filter(|day| **day + 300 > cut).count() as u32;
            observations.push(Observation { history, n_lately, n_after: (days.len() - n_before) as u32 });
            histories.push(history);
        }
        observations.sort_unstable();
        Split {
            opportunity: None,
            cut: Day(300),
            days: 300,
            calibration: Statistics { histories: Histories::compress(histories), gaps: vec![] },
            observations: observations.into_iter().map(|observation| (observation, 1)).collect(),
            starts: vec![],
            repeats: vec![],
            n_customers: 6_000,
            one_in: 1,
        }
    }

    #[test]
    fn the_model_of_the_base_is_chosen_and_beats_the_rules() {
        // Where nobody leaves, MBG/NBD says so by its parameters, and NBD is no better.
        let faithful = Evidence::of(split(0.0), candidates(ModelChoice::Auto, false)).unwrap();
        assert_eq!(faithful.chosen().kind, PurchaseKind::MbgNbd);
        let dropout = faithful.chosen().fitted.p_alive(History { n_repeats: 3, days_to_last: 100, age_days: 290 });
        assert!(dropout > 0.99, "{dropout}");
        let leaving = Evidence::of(split(1.0 / 7.0), candidates(ModelChoice::Auto, false)).unwrap();
        assert_eq!(leaving.chosen().kind, PurchaseKind::MbgNbd);
        // Regular purchases cannot be fitted without gaps: that candidate is missing, and no reason to fail.
        assert_eq!(leaving.models.len(), 4);
        for (name, rule) in leaving.rules {
            assert!(rule.rmse > leaving.chosen().accuracy.rmse, "{name}");
        }
        let own = leaving.chosen().accuracy;
        assert!(own.bias.unwrap().abs() < 0.05 && own.calibration_error.unwrap() < 0.03, "{own:?}");
        assert!(leaving.models[0].accuracy.bias.unwrap() > 0.2, "who leaves is no longer counted on");
        assert_eq!(kind(ModelChoice::Auto, Some(&leaving)), PurchaseKind::MbgNbd);
    }

    #[test]
    fn a_named_model_is_not_replaced() {
        let evidence = Evidence::of(split(1.0 / 7.0), vec![PurchaseKind::Nbd]).unwrap();
        assert_eq!((evidence.models.len(), evidence.chosen().kind), (1, PurchaseKind::Nbd));
        assert!(evidence.notes().iter().any(|note| note.contains("does not beat the rule recency")));
        assert_eq!(kind(ModelChoice::Named(PurchaseKind::BgNbd), None), PurchaseKind::BgNbd);
        assert_eq!(kind(ModelChoice::Auto, None), PurchaseKind::MbgNbd);
    }
}
