//! Churn by contract: the chance that a running contract is cancelled within a horizon, learnt from contracts that were.
//!
//! The label comes from the data. Contracts with dates are looked at as of a cut: who ran on its eve and was cancelled in the horizon after it;
//! models learnt at the cut before are scored at the last one whose horizon has passed, every customer by models of the other folds. A status
//! table has no dates: its cancellations are read as those of one horizon before as-of, and the five folds are stratified. Tenure is that at the
//! beginning of the horizon (`windows`).
//!
//! Learners (`learners`): the discrete-time hazard, logistic regression, boosted trees and their blend, beside simple rules: tenure alone, the best
//! single text column, the base rate. What is published, and how it is calibrated: `evaluation`. Contracts that have ended have no risk.
//!
//! | column                  | meaning                                                          | unit        |
//! |-------------------------|------------------------------------------------------------------|-------------|
//! | `churn_risk`            | chance that the contract is cancelled within the horizon         | `0..=1`     |
//! | `churn_band`            | `low` below 1/3, `medium` below 2/3, `high` from there           | label       |
//! | `churn_reason_1..3`     | what raises the risk most, a sentence each                       | text        |
//! | `churn_value_at_risk`   | value of the contract × `churn_risk`                             | minor units |
//! | `churn_contact_profit`  | gain of contacting the customer, see [`super::profit::Costs::gain`] | minor units |
//!
//! The value of a contract is its price a month × the months that it is expected to run of the next twelve. Null where the price is not known; a
//! customer with several contracts on one day has the price of the one begun last.
//!
//! Four learners a fold, twice with dates: `O(n p²)` for `p` feature columns, of [`MOST_CUSTOMERS`] customers at most. Source: Singer and Willett
//! (1993) for the hazard, see the learners.

mod card;
mod evaluation;
mod features;
mod learners;
mod reasons;
mod windows;

use super::observed::MOST_CUSTOMERS;
use super::profit::Costs;
use super::{BANDS, NAME, band, bands};
use crate::analysis::{Analysis, AnalysisError, Base, Fact, Findings};
use crate::table::{Column, ColumnKind, ColumnSpec, Contracts, Values};
use crate::units::{Language, Money, Period};
use evaluation::{Published, Trained};
use windows::Windows;

/// Months whose price a contract is worth.
const VALUE_MONTHS: u32 = 12;
const REASONS: [&str; 3] = ["churn_reason_1", "churn_reason_2", "churn_reason_3"];

/// What it means to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Setting {
    /// No purchase within the horizon.
    #[default]
    Purchase,
    /// The contract is cancelled within the horizon.
    Contract,
}

impl Setting {
    pub const ALL: [Self; 2] = [Self::Purchase, Self::Contract];

    /// Returns the word in the pipeline.
    pub fn label(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Contract => "contract",
        }
    }
}

/// What an analyst may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// How far ahead a cancellation counts.
    pub horizon: Period,
    /// What a retention campaign costs.
    pub costs: Costs,
    /// Language of the reasons.
    pub language: Language,
}

/// The analysis.
#[derive(Debug, Clone)]
pub struct ContractChurn(pub Params);

impl Analysis for ContractChurn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        let number = ColumnKind::Number;
        let mut columns = vec![
            ColumnSpec::new(
                "churn_risk",
                number,
                "probability that the contract is cancelled within the churn horizon, 0 to 1",
            ),
            ColumnSpec::new("churn_band", ColumnKind::Text, "low below 1/3, medium below 2/3, high from there"),
        ];
        let reason = |name: &str| ColumnSpec::new(name, ColumnKind::Text, "what raises the risk most, in order");
        columns.extend(REASONS.map(reason));
        columns.extend([
            ColumnSpec::new(
                "churn_value_at_risk",
                ColumnKind::Money,
                "price times the months the contract is expected to run of the next twelve, times churn_risk",
            ),
            ColumnSpec::new(
                "churn_contact_profit",
                ColumnKind::Money,
                "expected gain of contacting the customer with an offer, after its costs",
            ),
        ]);
        columns
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let n = base.data.n_customers();
        let Some(contracts) = &base.data.contracts else {
            return Ok(self.nothing(n, "no churn risks: there are no contracts".to_owned()));
        };
        let mut windows = Windows::of(contracts, self.0.horizon, base.now.as_of);
        windows.draw(&contracts.ids, MOST_CUSTOMERS);
        let trained = match Trained::new(contracts, &windows, &self.0) {
            Ok(trained) => trained,
            Err(refusal) => return Ok(self.nothing(n, format!("no churn risks: {refusal}"))),
        };
        let Published { risk: risks, reasons, value } = trained.publish(&windows, self.0.language);
        let at: Vec<Option<usize>> = {
            let row_of = row_of(contracts, &windows);
            let row = |id: &str| contracts.ids.position(id).and_then(|ix| row_of[ix as usize]);
            base.data.customer_ids.iter().map(row).collect()
        };
        let risk: Vec<Option<f64>> = at.iter().map(|row| row.map(|row| risks[row])).collect();
        let mut values = vec![Values::Number(risk.iter().copied().collect()), bands(&risk)];
        for ix in 0..REASONS.len() {
            let text = |row: &Option<usize>| row.and_then(|row| reasons[row].get(ix)).map(String::as_str);
            values.push(Values::from_texts(at.iter().map(text)));
        }
        let money = |of: &dyn Fn(f64, f64) -> f64| {
            let of_row = |row: &Option<usize>| {
                let (risk, value) = row.and_then(|row| Some((risks[row], value[row]?)))?;
                Some(Money::from_major(of(risk, value)).0)
            };
            Values::Money(at.iter().map(of_row).collect())
        };
        values.push(money(&|risk, value| risk * value));
        values.push(money(&|risk, value| self.0.costs.gain(risk, value)));
        let columns = self.columns().into_iter().zip(values).map(|(spec, values)| Column::new(spec.name, values));
        let label = format!("contract cancelled in the {} after {}", windows.horizon, windows.as_of);
        let mut facts = vec![("label", Fact::Text(label))];
        facts.extend(trained.facts(&windows, &self.0));
        facts.extend(spread(&risk));
        Ok(Findings {
            columns: columns.collect(),
            tables: trained.tables(&windows),
            facts,
            notes: trained.notes(contracts, &windows),
            ..Findings::default()
        })
    }
}

impl ContractChurn {
    fn nothing(&self, n_customers: usize, note: String) -> Findings {
        let unknown = |spec: ColumnSpec| {
            let values = match spec.kind {
                ColumnKind::Number => Values::Number(vec![None; n_customers].into_iter().collect()),
                ColumnKind::Money => Values::Money(vec![None; n_customers].into_iter().collect()),
                _ => Values::from_texts(vec![None; n_customers]),
            };
            Column::new(spec.name, values)
        };
        let facts = vec![("setting", Fact::Text(Setting::Contract.label().to_owned()))];
        Findings {
            columns: self.columns().into_iter().map(unknown).collect(),
            facts,
            notes: vec![note],
            ..Findings::default()
        }
    }
}

/// Position of each customer among the running contracts.
fn row_of(contracts: &Contracts, windows: &Windows) -> Vec<Option<usize>> {
    let mut row_of = vec![None; contracts.ids.len()];
    windows.now.customer.iter().enumerate().for_each(|(row, customer)| row_of[*customer as usize] = Some(row));
    row_of
}

fn spread(risk: &[Option<f64>]) -> Vec<(&'static str, Fact)> {
    let known: Vec<f64> = risk.iter().flatten().copied().collect();
    let mut counts = [0; BANDS.len()];
    known.iter().for_each(|risk| counts[band(*risk) as usize] += 1);
    let mean = (!known.is_empty()).then(|| ("mean_risk", Fact::Number(known.iter().sum::<f64>() / known.len() as f64)));
    let bands = ("bands", Fact::Group(BANDS.into_iter().zip(counts.map(Fact::Integer)).collect()));
    mean.into_iter().chain([bands]).collect()
}
