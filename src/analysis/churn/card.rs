//! The evaluation card: what the manifest and two tables say of every learner and rule, with the label it was measured by.
//!
//! | table           | rows                     | columns                                                                              |
//! |-----------------|--------------------------|--------------------------------------------------------------------------------------|
//! | `churn_models`  | learners and rules       | AUC and its error, average precision, Brier, log-loss, ECE, lift, expected profit, label |
//! | `churn_deciles` | tenths of each of them   | mean score, share of lost customers, lift, share of all lost so far                    |

use super::evaluation::{Entry, Evaluation, Figures, Scorer};
use super::observed::Observed;
use crate::analysis::{Fact, SideTable};
use crate::table::{Column, Nullable, Values};

/// Where and by what label was measured.
#[derive(Debug, Clone)]
pub struct Card<'a> {
    pub evaluation: &'a Evaluation,
    pub test: &'a Observed,
    /// The cut that was learnt from, where it is an earlier one.
    pub train: Option<&'a Observed>,
    pub horizon: i32,
    pub label: &'a str,
}

impl Card<'_> {
    /// Writes the facts.
    pub fn fact(&self) -> Fact {
        let Self { evaluation, test, train, horizon, label } = self;
        let of_kind = |is_rule: bool| {
            let own = evaluation.entries.iter().filter(move |entry| is_a_rule(entry) == is_rule);
            Fact::Group(own.map(|entry| (entry.scorer.label(), figures(&entry.figures))).collect())
        };
        let mut facts = vec![
            ("label", Fact::Text((*label).to_owned())),
            ("cut", Fact::Text(test.cut.to_string())),
            ("horizon_days", Fact::Integer(i64::from(*horizon))),
            ("n", Fact::Integer(test.n_rows() as i64)),
            ("base_rate", Fact::Number(test.base_rate())),
        ];
        if let Some(train) = train {
            facts.extend([
                ("train_cut", Fact::Text(train.cut.to_string())),
                ("train_n", Fact::Integer(train.n_rows() as i64)),
                ("train_base_rate", Fact::Number(train.base_rate())),
            ]);
        }
        facts.extend([
            ("chosen", Fact::Text(evaluation.chosen().scorer.label().to_owned())),
            ("learner", Fact::Text(evaluation.entries[evaluation.learner].scorer.label().to_owned())),
            ("best_rule", Fact::Text(evaluation.best_rule().scorer.label().to_owned())),
            ("gain_over_best_rule", Fact::Number(evaluation.gain.value)),
            ("gain_standard_error", Fact::Number(evaluation.gain.standard_error)),
            ("calibrated_on", Fact::Text(evaluation.basis.label().to_owned())),
        ]);
        if let Some([latest, season]) = evaluation.season_proof {
            facts.extend([
                ("log_loss_by_latest_cut", Fact::Number(latest)),
                ("log_loss_by_season", Fact::Number(season)),
            ]);
        }
        facts.extend([("models", of_kind(false)), ("rules", of_kind(true))]);
        Fact::Group(facts)
    }

    /// Writes the tables.
    pub fn tables(&self) -> Vec<SideTable> {
        let entries = &self.evaluation.entries;
        let chosen = self.evaluation.chosen().scorer;
        let number = |of: fn(&Figures) -> f64| numbers(entries.iter().map(|entry| Some(of(&entry.figures))));
        let text = |of: &dyn Fn(&Entry) -> &'static str| Values::from_texts(entries.iter().map(|e| Some(of(e))));
        let profit =
            |of: fn(super::profit::Profit) -> f64| numbers(entries.iter().map(|entry| entry.figures.profit.map(of)));
        let models = SideTable {
            name: "churn_models",
            columns: vec![
                Column::new("name", text(&|entry| entry.scorer.label())),
                Column::new("kind", text(&|entry| if is_a_rule(entry) { "rule" } else { "model" })),
                Column::new("published", text(&|entry| if entry.scorer == chosen { "yes" } else { "no" })),
                Column::new("auc", number(|f| f.auc)),
                Column::new("auc_standard_error", number(|f| f.auc_standard_error)),
                Column::new("average_precision", number(|f| f.average_precision)),
                Column::new("top_decile_lift", number(|f| f.top_decile_lift)),
                Column::new("brier", number(|f| f.brier)),
                Column::new("log_loss", number(|f| f.log_loss)),
                Column::new("ece", number(|f| f.calibration_error)),
                Column::new("mean_risk", number(|f| f.mean_risk)),
                Column::new("base_rate", numbers(entries.iter().map(|_| Some(self.test.base_rate())))),
                Column::new("expected_maximum_profit", profit(|profit| profit.per_customer)),
                Column::new("profitable_share", profit(|profit| profit.fraction)),
                Column::new("label", Values::from_texts(entries.iter().map(|_| Some(self.label)))),
            ],
        };
        let rows: Vec<(&Entry, usize)> =
            entries.iter().flat_map(|entry| (0..entry.figures.deciles.len()).map(move |nth| (entry, nth))).collect();
        let decile = |of: fn(&super::metrics::Decile) -> f64| {
            numbers(rows.iter().map(|(entry, nth)| Some(of(&entry.figures.deciles[*nth]))))
        };
        let deciles = SideTable {
            name: "churn_deciles",
            columns: vec![
                Column::new("name", Values::from_texts(rows.iter().map(|(entry, _)| Some(entry.scorer.label())))),
                Column::new(
                    "decile",
                    Values::Integer(Nullable::from(rows.iter().map(|(_, nth)| *nth as i64 + 1).collect::<Vec<_>>())),
                ),
                Column::new("mean_score", decile(|d| d.score)),
                Column::new("lost", decile(|d| d.rate)),
                Column::new("lift", decile(|d| d.lift)),
                Column::new("captured", decile(|d| d.captured)),
            ],
        };
        vec![models, deciles]
    }
}

fn is_a_rule(entry: &Entry) -> bool {
    matches!(entry.scorer, Scorer::Rule(_))
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> Values {
    Values::Number(values.map(|value| value.filter(|value| value.is_finite())).collect())
}

fn figures(of: &Figures) -> Fact {
    let mut facts = vec![
        ("auc", Fact::Number(of.auc)),
        ("auc_standard_error", Fact::Number(of.auc_standard_error)),
        ("average_precision", Fact::Number(of.average_precision)),
        ("brier", Fact::Number(of.brier)),
        ("log_loss", Fact::Number(of.log_loss)),
        ("ece", Fact::Number(of.calibration_error)),
        ("mean_risk", Fact::Number(of.mean_risk)),
        ("top_decile_lift", Fact::Number(of.top_decile_lift)),
    ];
    if let Some(profit) = of.profit {
        facts.extend([
            ("expected_maximum_profit", Fact::Number(profit.per_customer)),
            ("profitable_share", Fact::Number(profit.fraction)),
        ]);
    }
    Fact::Group(facts)
}
