//! The card: how every model and rule did, in the same measures, as facts and as tables.
//!
//! AUC, average precision, lift and expected maximum profit are of the scores as they rank; Brier, log-loss and calibration error of the
//! probabilities, calibrated by the customers of the other folds.

use super::super::calibration;
use super::super::delong::{self, Estimate};
use super::super::folds::N_FOLDS;
use super::super::metrics;
use super::super::profit::{Campaign, Profit, expected_maximum_profit};
use super::super::ranking::Ranking;
use super::Setting;
use super::learners::{Method, Trained};
use super::windows::Windows;
use crate::analysis::{Fact, SideTable};
use crate::table::{Column, Contracts, Values};

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Model,
    Rule,
}

/// A model or rule and how it did.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub method: Method,
    pub kind: Kind,
    /// Score at the test cut, higher for more risk.
    pub score: Vec<f64>,
    /// The same, calibrated by other folds.
    probability: Vec<f64>,
    pub measures: Measures,
}

/// Measures of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    pub auc: Estimate,
    pub average_precision: f64,
    pub brier: f64,
    pub log_loss: f64,
    pub calibration_error: f64,
    /// Mean probability.
    pub mean_risk: f64,
    pub top_decile_lift: f64,
    /// Nothing where no campaign can pay.
    pub profit: Option<Profit>,
}

impl Candidate {
    /// Measures a score; nothing where a fold has one class only.
    pub fn new(
        method: Method,
        kind: Kind,
        score: Vec<f64>,
        (label, folds): (&[bool], &[u8]),
        campaign: &Campaign,
    ) -> Option<Self> {
        let mut probability = vec![0.0; score.len()];
        for fold in (0..N_FOLDS).filter(|fold| folds.contains(fold)) {
            let others: (Vec<f64>, Vec<bool>) =
                (0..score.len()).filter(|row| folds[*row] != fold).map(|row| (score[row], label[row])).unzip();
            let fitted = calibration::fit(&others.0, &others.1, None).ok()?;
            let own = (0..score.len()).filter(|row| folds[*row] == fold);
            own.for_each(|row| probability[row] = fitted.apply(score[row]));
        }
        let (by_score, by_probability) = (Ranking::new(&score, label, None)?, Ranking::new(&probability, label, None)?);
        let measures = Measures {
            auc: delong::auc(&score, label)?,
            average_precision: metrics::average_precision(&by_score),
            brier: metrics::brier(&by_probability),
            log_loss: metrics::log_loss(&by_probability),
            calibration_error: metrics::calibration_error(&by_probability),
            mean_risk: probability.iter().sum::<f64>() / probability.len().max(1) as f64,
            top_decile_lift: metrics::deciles(&by_score).first().map_or(1.0, |decile| decile.lift),
            profit: expected_maximum_profit(&by_score, campaign),
        };
        Some(Self { method, kind, score, probability, measures })
    }
}

/// Name of a measure and how to read it.
type Named = (&'static str, fn(&Measures) -> Option<f64>);

const MEASURES: [Named; 10] = [
    ("auc", |m| Some(m.auc.value)),
    ("auc_standard_error", |m| Some(m.auc.standard_error)),
    ("average_precision", |m| Some(m.average_precision)),
    ("top_decile_lift", |m| Some(m.top_decile_lift)),
    ("brier", |m| Some(m.brier)),
    ("log_loss", |m| Some(m.log_loss)),
    ("ece", |m| Some(m.calibration_error)),
    ("mean_risk", |m| Some(m.mean_risk)),
    ("expected_maximum_profit", |m| Some(m.profit?.per_customer)),
    ("profitable_share", |m| Some(m.profit?.fraction)),
];

impl Trained<'_> {
    /// Returns the card.
    pub fn facts(&self, windows: &Windows) -> Vec<(&'static str, Fact)> {
        let text = |text: &str| Fact::Text(text.to_owned());
        let of = |kind: Kind| {
            let one = |own: &Candidate| {
                let measures = MEASURES.iter().filter_map(|(name, of)| Some((*name, Fact::Number(of(&own.measures)?))));
                (own.method.name(), Fact::Group(measures.collect()))
            };
            Fact::Group(self.candidates.iter().filter(|own| own.kind == kind).map(one).collect())
        };
        let mut card = vec![("setting", text(Setting::Contract.label())), ("label", text(&windows.label()))];
        if let Some((train, test)) = windows.cuts {
            card.push(("cut", text(&test.to_string())));
            if windows.train.is_some() {
                card.push(("train_cut", text(&train.to_string())));
            }
        }
        card.extend([
            ("horizon_months", Fact::Integer(i64::from(windows.horizon_months))),
            ("n", Fact::Integer(self.n as i64)),
            ("base_rate", Fact::Number(self.base_rate)),
            ("chosen", text(self.chosen.name())),
        ]);
        card.extend(self.single_attribute().map(|name| ("single_attribute", text(name))));
        card.extend([("models", of(Kind::Model)), ("rules", of(Kind::Rule))]);
        let left_out = self.leaks.iter().map(|name| text(name)).collect();
        vec![
            ("setting", text(Setting::Contract.label())),
            ("running_contracts", Fact::Integer(windows.now.customer.len() as i64)),
            ("left_out_as_leaks", Fact::List(left_out)),
            ("evaluation", Fact::Group(card)),
        ]
    }

    /// Returns the measures and the deciles of all candidates.
    pub fn tables(&self, windows: &Windows) -> Vec<SideTable> {
        let all = &self.candidates;
        let texts = |of: &dyn Fn(&Candidate) -> &'static str| Values::from_texts(all.iter().map(|own| Some(of(own))));
        let mut columns = vec![
            Column::new("name", texts(&|own| own.method.name())),
            Column::new("kind", texts(&|own| if own.kind == Kind::Model { "model" } else { "rule" })),
            Column::new("published", texts(&|own| if own.method == self.chosen { "yes" } else { "no" })),
        ];
        for (name, of) in MEASURES {
            columns.push(Column::new(name, Values::Number(all.iter().map(|own| of(&own.measures)).collect())));
        }
        let label = windows.label();
        columns.extend([
            Column::new("base_rate", Values::Number(all.iter().map(|_| Some(self.base_rate)).collect())),
            Column::new("label", Values::from_texts(all.iter().map(|_| Some(label.as_str())))),
        ]);
        vec![SideTable { name: "churn_models", columns }, self.deciles()]
    }

    fn deciles(&self) -> SideTable {
        let of = |own: &Candidate| {
            let ranking = Ranking::new(&own.probability, &self.label, None);
            let deciles = ranking.map_or_else(Vec::new, |ranking| metrics::deciles(&ranking));
            (1..).zip(deciles).map(|(nth, decile)| (own.method.name(), nth, decile)).collect::<Vec<_>>()
        };
        let rows: Vec<(&'static str, i64, metrics::Decile)> = self.candidates.iter().flat_map(of).collect();
        let number =
            |of: fn(&metrics::Decile) -> f64| Values::Number(rows.iter().map(|(.., own)| Some(of(own))).collect());
        SideTable {
            name: "churn_deciles",
            columns: vec![
                Column::new("name", Values::from_texts(rows.iter().map(|(name, ..)| Some(*name)))),
                Column::new("decile", Values::Integer(rows.iter().map(|(_, nth, _)| *nth).collect::<Vec<_>>().into())),
                Column::new("mean_score", number(|own| own.score)),
                Column::new("lost", number(|own| own.rate)),
                Column::new("lift", number(|own| own.lift)),
                Column::new("captured", number(|own| own.captured)),
            ],
        }
    }

    /// What the reader must know.
    pub fn notes(&self, contracts: &Contracts, windows: &Windows) -> Vec<String> {
        let mut notes = Vec::new();
        let n_ended = (0..contracts.ids.len()).filter(|customer| contracts.has_ended(*customer)).count();
        notes.push(format!("churn: {n_ended} of {} contracts have ended and have no risk", contracts.ids.len()));
        let label = windows.label();
        if windows.cuts.is_none() {
            notes.push(format!(
                "churn: the status table does not say when contracts were cancelled; it is read as the last {}",
                windows.horizon
            ));
        } else if windows.train.is_none() {
            notes.push(format!(
                "churn: too few cancellations before the cut to learn from; evaluated by folds at one cut ({label})"
            ));
        }
        for name in &self.leaks {
            notes.push(format!(
                "churn: `{name}` alone tells who cancelled and is left out: it was written after the fact"
            ));
        }
        if !self.model_wins {
            notes.push(format!(
                "churn: no model ranks better than the best simple rule by more than noise; the rule `{}`, calibrated, is published",
                self.chosen.name()
            ));
        }
        notes
    }
}
