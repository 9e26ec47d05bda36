//! Churn: the risk that a customer buys nothing within a horizon, and the lifetime value that stands on it.
//!
//! The risk comes from the fitted purchase model of the lifetime values, `1 − P(alive) P(buys in t, if alive)`. It is not
//! `1 − P(alive)`: a customer who is alive but buys once in two years is at risk of buying nothing in 90 days, and a campaign manager sees
//! no difference.
//!
//! | column                | meaning                                                          | unit        |
//! |-----------------------|------------------------------------------------------------------|-------------|
//! | `churn_risk`          | probability of no purchase in the days after as-of               | `0..=1`     |
//! | `churn_band`          | `low` below 1/3, `medium` below 2/3, `high` from there           | label       |
//! | `churn_value_at_risk` | `clv` × `churn_risk`                                             | minor units |
//!
//! Null where a customer has no purchase day, and everywhere where no purchase model could be fitted. `O(n)`.
//! Source: the formulas of the model, see [`super::lifetime_value::models`].

pub mod boosting;
pub mod calibration;
pub mod contract;
pub mod delong;
pub mod encoding;
pub mod folds;
pub mod hazard;
pub mod logistic;
pub mod metrics;
pub mod profit;
pub mod ranking;
pub mod sample;
pub mod trials;
pub mod uplift;

use std::sync::Arc;

use rayon::prelude::*;

use super::{Analysis, AnalysisError, Base, Fact, Findings};
use crate::table::{Column, ColumnKind, ColumnSpec, Nullable, Values};
use crate::units::{Money, NONE_IX, Period};

const NAME: &str = "churn";

/// Labels of the bands; a risk of `k/3` opens band `k`.
const BANDS: [&str; 3] = ["low", "medium", "high"];

/// What an analyst may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// How long a customer must buy nothing to count as lost.
    pub horizon: Period,
}

impl Default for Params {
    fn default() -> Self {
        Self { horizon: Period::Days(90) }
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

    fn columns(&self) -> Vec<ColumnSpec> {
        vec![
            ColumnSpec::new(
                "churn_risk",
                ColumnKind::Number,
                "probability of no purchase within the churn horizon (90 days unless stated), 0 to 1",
            ),
            ColumnSpec::new("churn_band", ColumnKind::Text, "low below 1/3, medium below 2/3, high from there"),
            ColumnSpec::new("churn_value_at_risk", ColumnKind::Money, "clv times churn_risk"),
        ]
    }

    fn run(&self, base: &Base<'_>, before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let as_of = base.now.as_of;
        let horizon_end = self.0.horizon.end_after(as_of);
        let horizon_days = horizon_end.0 - as_of.0;
        let found = before.iter().find(|(name, _)| *name == "lifetime_value").map(|(_, findings)| findings);
        let Some(valuation) = found.and_then(|findings| findings.valuation.as_ref()) else {
            return Ok(Findings {
                columns: self.fill(&vec![None; base.now.n_purchase_days.len()], None),
                notes: vec!["no churn risks: they need the purchase model of the lifetime values".to_owned()],
                ..Findings::default()
            });
        };
        let time = valuation.clock.until(horizon_end);
        let risk_of = |ix: usize, history| valuation.model.purchases.of(ix).probability_no_purchase(history, time);
        let histories = valuation.clock.histories(base).into_par_iter().enumerate();
        let risks: Vec<Option<f64>> = histories.map(|(ix, history)| Some(risk_of(ix, history?))).collect();
        let clv = found.and_then(|findings| findings.columns.iter().find(|column| column.name == "clv"));
        let clv = clv.and_then(|column| match &column.values {
            Values::Money(values) => Some(values),
            _ => None,
        });
        let notes = match clv {
            Some(_) => vec![],
            None => vec!["no value at risk: it needs the lifetime values".to_owned()],
        };
        let label = format!("no purchase in the {horizon_days} days after {as_of}");
        Ok(Findings {
            columns: self.fill(&risks, clv),
            facts: facts(horizon_days, label, &risks),
            notes,
            ..Findings::default()
        })
    }
}

impl Churn {
    fn fill(&self, risks: &[Option<f64>], clv: Option<&Nullable<i64>>) -> Vec<Column> {
        let at_risk = |ix: usize| {
            let major = risks[ix]? * Money(clv?.get(ix)?).major();
            Some(Money::from_major(major).0)
        };
        let values = [
            Values::Number(risks.iter().copied().collect()),
            Values::Text {
                codes: risks.iter().map(|risk| risk.map_or(NONE_IX, band)).collect(),
                labels: Arc::from(BANDS.map(str::to_owned)),
            },
            Values::Money((0..risks.len()).map(at_risk).collect()),
        ];
        self.columns().into_iter().zip(values).map(|(spec, values)| Column::new(spec.name, values)).collect()
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
            [0, 1, 2].map(|ix| found.columns[ix].values.clone())
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
        let half_a_year = Churn(Params { horizon: Period::Months(6) }).run(&example.base(), &before).unwrap();
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
            assert_eq!(found.notes, ["no churn risks: they need the purchase model of the lifetime values"]);
        }
    }

    #[test]
    fn bands_open_at_their_lower_end() {
        assert_eq!([0.0, 0.333, 1.0 / 3.0, 0.666, 2.0 / 3.0, 1.0].map(band), [0, 0, 1, 1, 2, 2]);
    }
}
