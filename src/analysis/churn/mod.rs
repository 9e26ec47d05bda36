//! Churn: the risk that a customer buys nothing within a horizon, why, and the lifetime value that stands on it.
//!
//! Where the history allows, the risk is learnt from the base's own past and proven on it, beside rules that need no model, see
//! [`non_contractual`]. Elsewhere it is that of the fitted purchase model of the lifetime values, `1 − P(alive) P(buys in t, if alive)`, unproven.
//! It is nowhere `1 − P(alive)`: a customer who is alive but buys once in two years is at risk of buying nothing in 90 days, and a campaign
//! manager sees no difference.
//!
//! | column                 | meaning                                                          | unit        |
//! |------------------------|------------------------------------------------------------------|-------------|
//! | `churn_risk`           | probability of no purchase in the days after as-of               | `0..=1`     |
//! | `churn_band`           | `low` below 1/3, `medium` below 2/3, `high` from there           | label       |
//! | `churn_reason_1` to `_3` | why, strongest first, see [`reasons`]                          | sentence    |
//! | `churn_value_at_risk`  | `clv` × `churn_risk`                                             | minor units |
//! | `churn_contact_profit` | gain of contacting the customer, see [`profit::Costs::gain`]     | minor units |
//!
//! Null where a customer has no purchase day. `O(n)` but for what is learnt.
//! Source: the formulas of the model, see [`super::lifetime_value::models`].

pub mod attributes;
pub mod behaviour;
pub mod boosting;
pub mod calibration;
pub mod card;
pub mod contract;
pub mod delong;
pub mod encoding;
pub mod evaluation;
pub mod events;
pub mod features;
pub mod folds;
pub mod hazard;
pub mod leaks;
pub mod learners;
pub mod logistic;
pub mod metrics;
pub mod non_contractual;
pub mod observed;
pub mod profit;
pub mod ranking;
pub mod reasons;
pub mod rules;
pub mod sample;
pub mod schedule;
pub mod scoring;
pub mod trials;
pub mod uplift;

use std::sync::Arc;

use rayon::prelude::*;

use self::non_contractual::Assessed;
use self::profit::Costs;
use super::lifetime_value::Valuation;
use super::{Analysis, AnalysisError, Base, Fact, Findings};
use crate::table::{Column, ColumnKind, ColumnSpec, Nullable, Values};
use crate::units::{Language, Money, NONE_IX, Period};

const NAME: &str = "churn";

/// Labels of the bands; a risk of `k/3` opens band `k`.
pub const BANDS: [&str; 3] = ["low", "medium", "high"];

/// What an analyst may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// How long a customer must buy nothing to count as lost.
    pub horizon: Period,
    /// Days of silence up to which a customer is scored by what was learnt.
    pub eligible_recency: u32,
    /// Customer attributes that are learnt from, by name.
    pub attributes: Vec<String>,
    /// What a retention campaign costs.
    pub costs: Costs,
    /// Language of the reasons.
    pub language: Language,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            horizon: Period::Days(90),
            eligible_recency: 365,
            attributes: vec![],
            costs: Costs::default(),
            language: Language::default(),
        }
    }
}

/// The analysis.
#[derive(Debug, Clone, Default)]
pub struct Churn(pub Params);

impl Analysis for Churn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn after(&self) -> &'static [&'static str] {
        &["lifetime_value"]
    }

    fn attributes(&self) -> &[String] {
        &self.0.attributes
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        let reason = |nth: usize, meaning| ColumnSpec::new(format!("churn_reason_{nth}"), ColumnKind::Text, meaning);
        vec![
            ColumnSpec::new(
                "churn_risk",
                ColumnKind::Number,
                "probability of no purchase within the churn horizon (90 days unless stated), 0 to 1",
            ),
            ColumnSpec::new("churn_band", ColumnKind::Text, "low below 1/3, medium below 2/3, high from there"),
            reason(1, "what raises the risk most, with the customer's own figures"),
            reason(2, "what raises it second most"),
            reason(3, "what raises it third most"),
            ColumnSpec::new("churn_value_at_risk", ColumnKind::Money, "clv times churn_risk"),
            ColumnSpec::new(
                "churn_contact_profit",
                ColumnKind::Money,
                "expected gain of contacting the customer with an offer, after its costs",
            ),
        ]
    }

    fn run(&self, base: &Base<'_>, before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let as_of = base.now.as_of;
        let horizon_end = self.0.horizon.end_after(as_of);
        let horizon_days = horizon_end.0 - as_of.0;
        let found = before.iter().find(|(name, _)| *name == "lifetime_value").map(|(_, findings)| findings);
        let valuation = found.and_then(|findings| findings.valuation.as_ref());
        let clv = found.and_then(|findings| findings.columns.iter().find(|column| column.name == "clv"));
        let clv = clv.and_then(|column| match &column.values {
            Values::Money(values) => Some(values),
            _ => None,
        });
        let assessed = non_contractual::assess(&self.0, base, horizon_days, valuation, clv.and_then(mean_value));
        let Assessed { scored, reasons, facts: proof, tables, mut notes } = match (assessed, valuation) {
            (Ok(assessed), _) => assessed,
            (Err(reason), Some(valuation)) => self.by_model(base, valuation, &reason),
            (Err(reason), None) => {
                let n = base.now.n_purchase_days.len();
                return Ok(Findings {
                    columns: self.fill(&vec![None; n], vec![], None),
                    notes: vec![format!(
                        "no churn risks: {reason}, and there is no purchase model of the lifetime values in their place"
                    )],
                    ..Findings::default()
                });
            }
        };
        if clv.is_none() {
            notes.push("no value at risk: it needs the lifetime values".to_owned());
        }
        let risks: Vec<Option<f64>> = scored.iter().map(|scored| scored.risk).collect();
        let label = format!("no purchase in the {horizon_days} days after {as_of}");
        let mut facts = facts(horizon_days, label, &risks);
        facts.extend(proof);
        Ok(Findings { columns: self.fill(&risks, reasons, clv), facts, tables, notes, ..Findings::default() })
    }
}

/// Mean of the positive lifetime values, in major units.
fn mean_value(clv: &Nullable<i64>) -> Option<f64> {
    let (n, sum) = clv
        .iter()
        .flatten()
        .filter(|value| *value > 0)
        .fold((0_u64, 0_i128), |(n, sum), value| (n + 1, sum + i128::from(value)));
    (n > 0).then(|| sum as f64 / n as f64 / crate::units::MONEY_SCALE as f64)
}

impl Churn {
    /// Risks by the purchase model as it is, where nothing can be learnt.
    fn by_model(&self, base: &Base<'_>, valuation: &Valuation, reason: &str) -> Assessed {
        let time = valuation.clock.until(self.0.horizon.end_after(base.now.as_of));
        let risk_of = |ix: usize, history| valuation.model.purchases.of(ix).probability_no_purchase(history, time);
        let histories = valuation.clock.histories(base).into_par_iter().enumerate();
        let scored = histories.map(|(ix, history)| scoring::Scored {
            risk: history.map(|history| risk_of(ix, history)),
            ..scoring::Scored::default()
        });
        Assessed {
            scored: scored.collect(),
            reasons: vec![],
            facts: vec![("risk_by", Fact::Text("purchase_model".to_owned()))],
            tables: vec![],
            notes: vec![format!("churn: the risk is P(no purchase) of the purchase model, unproven: {reason}")],
        }
    }

    fn fill(&self, risks: &[Option<f64>], mut reasons: Vec<Column>, clv: Option<&Nullable<i64>>) -> Vec<Column> {
        let money = |of: &dyn Fn(f64, f64) -> f64| {
            let value = |ix: usize| Some(Money::from_major(of(risks[ix]?, Money(clv?.get(ix)?).major())).0);
            Values::Money((0..risks.len()).map(value).collect())
        };
        let none = || Values::Text { codes: vec![NONE_IX; risks.len()], labels: Arc::from([]) };
        let own = |spec: ColumnSpec| {
            let values = match spec.name.as_str() {
                "churn_risk" => Values::Number(risks.iter().copied().collect()),
                "churn_band" => bands(risks),
                "churn_value_at_risk" => money(&|risk, value| risk * value),
                "churn_contact_profit" => money(&|risk, value| self.0.costs.gain(risk, value)),
                name => {
                    let at = reasons.iter().position(|column| column.name == name);
                    at.map_or_else(none, |at| reasons.swap_remove(at).values)
                }
            };
            Column::new(spec.name, values)
        };
        self.columns().into_iter().map(own).collect()
    }
}

/// The bands of all customers.
fn bands(risks: &[Option<f64>]) -> Values {
    Values::Text {
        codes: risks.iter().map(|risk| risk.map_or(NONE_IX, band)).collect(),
        labels: Arc::from(BANDS.map(str::to_owned)),
    }
}

/// Position of the band in [`BANDS`].
fn band(risk: f64) -> u32 {
    u32::from(risk >= 1.0 / 3.0) + u32::from(risk >= 2.0 / 3.0)
}

fn facts(horizon_days: i32, label: String, risks: &[Option<f64>]) -> Vec<(&'static str, Fact)> {
    let mut facts = vec![("horizon_days", Fact::Integer(i64::from(horizon_days))), ("label", Fact::Text(label))];
    let known: Vec<f64> = risks.iter().flatten().copied().collect();
    if !known.is_empty() {
        facts.push(("mean_risk", Fact::Number(known.iter().sum::<f64>() / known.len() as f64)));
    }
    let mut counts = [0; BANDS.len()];
    known.iter().for_each(|risk| counts[band(*risk) as usize] += 1);
    facts.push(("bands", Fact::Group(BANDS.into_iter().zip(counts.map(Fact::Integer)).collect())));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::tests::Example;
    use crate::analysis::lifetime_value::{LifetimeValue, histories};

    fn churn(example: &Example, before: &[(&'static str, Findings)]) -> Findings {
        Churn::default().run(&example.base(), before).unwrap()
    }

    #[test]
    fn risks_are_those_of_the_model_and_value_stands_on_them() {
        let example = Example::new(600);
        let before = [("lifetime_value", LifetimeValue::default().run(&example.base(), &[]).unwrap())];
        let found = churn(&example, &before);
        let [Values::Number(risk), Values::Text { codes, labels }, Values::Money(at_risk)] =
            [0, 1, 5].map(|ix| found.columns[ix].values.clone())
        else {
            panic!("columns are not of the promised kinds")
        };
        let model = &before[0].1.valuation.as_ref().unwrap().model.purchases.pooled;
        let Values::Money(clv) = &before[0].1.columns.iter().find(|column| column.name == "clv").unwrap().values else {
            panic!("clv is not money")
        };
        for (ix, history) in histories::of_customers(&example.now).into_iter().enumerate() {
            let expected = history.map(|history| model.probability_no_purchase(history, 90.0));
            assert_eq!(risk.get(ix), expected);
            let Some(expected) = expected else {
                assert_eq!((codes[ix], at_risk.get(ix)), (NONE_IX, None));
                continue;
            };
            let inside = match labels[codes[ix] as usize].as_str() {
                "low" => 0.0..1.0 / 3.0,
                "medium" => 1.0 / 3.0..2.0 / 3.0,
                _ => 2.0 / 3.0..1.1,
            };
            assert!(inside.contains(&expected));
            assert!((at_risk.get(ix).unwrap() as f64 - clv.get(ix).unwrap() as f64 * expected).abs() <= 0.51);
            // Whoever is gone buys nothing, and not everybody alive buys within the horizon.
            assert!(expected >= 1.0 - model.p_alive(history.unwrap()) - 1e-12);
        }
        assert_eq!(found.facts[0], ("horizon_days", Fact::Integer(90)));
        assert_eq!(found.facts[1], ("label", Fact::Text("no purchase in the 90 days after 2026-06-30".to_owned())));
        let Fact::Group(bands) = &found.facts[3].1 else { panic!("bands are no group") };
        let counted: i64 = bands.iter().map(|(_, n)| if let Fact::Integer(n) = n { *n } else { 0 }).sum();
        assert_eq!(counted as usize, 600 - risk.n_unknown());
    }

    #[test]
    fn a_horizon_in_months_is_counted_in_days_of_the_calendar() {
        let example = Example::new(600);
        let before = [("lifetime_value", LifetimeValue::default().run(&example.base(), &[]).unwrap())];
        let half_a_year =
            Churn(Params { horizon: Period::Months(6), ..Params::default() }).run(&example.base(), &before).unwrap();
        // 2026-06-30 to 2026-12-30.
        assert_eq!(half_a_year.facts[0], ("horizon_days", Fact::Integer(183)));
    }

    #[test]
    fn without_a_model_everything_is_null_and_said() {
        let example = Example::new(20);
        let empty = [("lifetime_value", Findings::default())];
        for before in [&[][..], &empty[..]] {
            let found = churn(&example, before);
            assert!(found.columns.iter().all(|column| column.values.len() == 20 && column.values.n_unknown() == 20));
            let [note] = &found.notes[..] else { panic!("{:?}", found.notes) };
            assert!(note.starts_with("no churn risks: too few customers"), "{note}");
        }
    }

    #[test]
    fn bands_open_at_their_lower_end() {
        assert_eq!([0.0, 0.333, 1.0 / 3.0, 0.666, 2.0 / 3.0, 1.0].map(band), [0, 0, 1, 1, 2, 2]);
    }
}
