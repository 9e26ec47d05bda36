//! The card: how every model and rule did, in the same measures, as facts and as tables.
//!
//! AUC, average precision, lift and expected maximum profit are of the scores as they rank; Brier, log-loss and calibration error of the
//! probabilities, after a calibration that has not seen the customers' fates.

use super::super::delong::{self, Estimate};
use super::super::metrics;
use super::super::profit::{Campaign, Profit, expected_maximum_profit};
use super::super::ranking::Ranking;
use super::evaluation::Trained;
use super::learners::Method;
use super::windows::Windows;
use super::{Params, Setting, VALUE_MONTHS};
use crate::analysis::{Fact, SideTable};
use crate::table::{Column, Contracts, Values};

/// A model or rule and how it did.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub method: Method,
    /// Score at the test cut, higher for more risk.
    pub score: Vec<f64>,
    /// The same, calibrated.
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
    /// Measures a score and its probabilities; nothing where all have the same label.
    pub fn new(
        method: Method,
        score: Vec<f64>,
        probability: Vec<f64>,
        label: &[bool],
        campaign: Option<&Campaign>,
    ) -> Option<Self> {
        let (by_score, by_probability) = (Ranking::new(&score, label, None)?, Ranking::new(&probability, label, None)?);
        let measures = Measures {
            auc: delong::auc(&score, label)?,
            average_precision: metrics::average_precision(&by_score),
            brier: metrics::brier(&by_probability),
            log_loss: metrics::log_loss(&by_probability),
            calibration_error: metrics::calibration_error(&by_probability),
            mean_risk: probability.iter().sum::<f64>() / probability.len().max(1) as f64,
            top_decile_lift: metrics::deciles(&by_score).first().map_or(1.0, |decile| decile.lift),
            profit: campaign.and_then(|campaign| expected_maximum_profit(&by_score, campaign)),
        };
        Some(Self { method, score, probability, measures })
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
    pub fn facts(&self, windows: &Windows, params: &Params) -> Vec<(&'static str, Fact)> {
        let text = |text: &str| Fact::Text(text.to_owned());
        let of = |is_rule: bool| {
            let one = |own: &Candidate| {
                let measures = MEASURES.iter().filter_map(|(name, of)| Some((*name, Fact::Number(of(&own.measures)?))));
                (own.method.name(), Fact::Group(measures.collect()))
            };
            Fact::Group(self.candidates.iter().filter(|own| own.method.is_rule() == is_rule).map(one).collect())
        };
        let mut card = vec![("setting", text(Setting::Contract.label())), ("label", text(&windows.label()))];
        if let Some((train, test)) = windows.cuts {
            card.push(("cut", text(&test.to_string())));
            if let Some(window) = &windows.train {
                let (cancelled, stayed) = window.classes();
                card.extend([
                    ("train_cut", text(&train.to_string())),
                    ("train_n", Fact::Integer((cancelled + stayed) as i64)),
                    ("train_base_rate", Fact::Number(cancelled as f64 / (cancelled + stayed).max(1) as f64)),
                ]);
            }
        }
        let basis = if windows.train.is_some() { "latest cut" } else { "other folds" };
        card.extend([
            ("horizon_months", Fact::Integer(i64::from(windows.horizon_months))),
            ("n", Fact::Integer(self.label.len() as i64)),
            ("base_rate", Fact::Number(self.base_rate)),
            ("chosen", text(self.chosen().name())),
            ("learner", text(self.learner.name())),
            ("best_rule", text(self.best_rule.name())),
            ("gain_over_best_rule", Fact::Number(self.gain.value)),
            ("gain_standard_error", Fact::Number(self.gain.standard_error)),
            ("calibrated_on", text(basis)),
        ]);
        card.extend(self.single_attribute().map(|name| ("single_attribute", text(name))));
        if let Some(campaign) = self.campaign {
            let (alpha, beta) = (f64::from(campaign.kept.0), f64::from(campaign.kept.1));
            let number = Fact::Number;
            let stated = vec![
                ("mean_value", number(campaign.lifetime_value)),
                ("value_months", Fact::Integer(i64::from(VALUE_MONTHS))),
                ("contact_cost", number(params.costs.contact)),
                ("offer_cost", number(params.costs.offer)),
                ("success_rate", number(alpha / (alpha + beta))),
            ];
            card.push(("campaign", Fact::Group(stated)));
        }
        card.extend([("models", of(false)), ("rules", of(true))]);
        let left_out = self.leaks.iter().map(|leak| text(&leak.name)).collect();
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
        let chosen = self.chosen();
        let texts = |of: &dyn Fn(&Candidate) -> &'static str| Values::from_texts(all.iter().map(|own| Some(of(own))));
        let mut columns = vec![
            Column::new("name", texts(&|own| own.method.name())),
            Column::new("kind", texts(&|own| if own.method.is_rule() { "rule" } else { "model" })),
            Column::new("published", texts(&|own| if own.method == chosen { "yes" } else { "no" })),
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
        let label = windows.label();
        let mut notes = vec![format!(
            "churn: {} of {} customers have no running contract and no risk",
            contracts.n_ended(),
            contracts.ids.len()
        )];
        if windows.cuts.is_none() {
            notes.push(format!(
                "churn: the status table does not say when contracts were cancelled; it is read as the last {}, and months as {}",
                windows.horizon,
                if windows.counts_begun { "those begun: no cancelled contract has 0" } else { "whole ones" }
            ));
            if !contracts.attributes.is_empty() {
                notes.push(
                    "churn: attributes of a status table are those of the export and not of the time before".to_owned(),
                );
            }
            if windows.n_too_young > 0 {
                notes.push(format!(
                    "churn: {} contracts began within that time and are left out of learning and evaluation",
                    windows.n_too_young
                ));
            }
        } else {
            if !contracts.attributes.is_empty() {
                notes.push(
                    "churn: attributes are read from the row that covered the eve of each cut, as the export has it today"
                        .to_owned(),
                );
            }
            if windows.train.is_none() {
                notes.push(
                    "churn: too few cancellations before the cut to learn from, so scores are proven on other customers of the same days and not on later days"
                        .to_owned(),
                );
            }
        }
        for leak in &self.leaks {
            notes.push(format!(
                "churn: `{}` is left out, it knows the future: alone it tells who is lost with an AUC of {:.3} (label: {label})",
                leak.name, leak.auc
            ));
        }
        if !self.gain.is_gain() {
            let auc = |method: Method| {
                let own = self.candidates.iter().find(|own| own.method == method);
                own.map_or(0.5, |own| own.measures.auc.value)
            };
            notes.push(format!(
                "churn: {} (AUC {:.3}) is no better than the rule {} ({:.3}) beyond noise, so the calibrated rule is published (label: {label})",
                self.learner.name(),
                auc(self.learner),
                self.best_rule.name().replace('_', "-"),
                auc(self.best_rule),
            ));
        }
        if contracts.price.is_none() {
            notes.push("churn: no value at risk: it needs the `price` of the contracts".to_owned());
        }
        notes
    }
}
