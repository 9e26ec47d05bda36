//! Churn by contract: the chance that a running contract is cancelled within a horizon, learnt from contracts that were.
//!
//! The label comes from the data. Contracts with dates are looked at as of a cut: who ran on that day and was cancelled in the horizon after it;
//! models learnt at the cut before are scored at the last one whose horizon has passed, every customer by models of the other folds. A status
//! table has no dates: its cancellations are read as those of one horizon before as-of, and the five folds are stratified. Tenure is that at the
//! beginning of the horizon.
//!
//! Learners (`learners`): the discrete-time hazard, logistic regression, boosted trees and their blend, each beside simple rules (tenure alone, the best
//! single text column, the base rate). The model of least log-loss is published if it ranks better than the best rule by more than noise, or else
//! that rule; either way calibrated on customers that it had not seen. Contracts that have ended have no risk.
//!
//! | column                | meaning                                                     | unit    |
//! |-----------------------|-------------------------------------------------------------|---------|
//! | `churn_risk`          | chance that the contract is cancelled within the horizon    | `0..=1` |
//! | `churn_band`          | `low` below 1/3, `medium` below 2/3, `high` from there      | label   |
//! | `churn_reason_1..3`   | what raises the risk most, a sentence each                  | text    |
//!
//! Four learners a fold, twice with dates: `O(n p²)` for `p` feature columns. Source: Singer and Willett (1993) for the hazard, see the learners.

mod card;
mod features;
mod learners;
mod reasons;
mod windows;

use std::sync::Arc;

use super::profit::Costs;
use crate::analysis::{Analysis, AnalysisError, Base, Fact, Findings};
use crate::table::{Column, ColumnKind, ColumnSpec, Contracts, Values};
use crate::units::{Language, NONE_IX, Period};
use learners::Trained;
use windows::Windows;

const NAME: &str = "churn";
const BANDS: [&str; 3] = ["low", "medium", "high"];
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
        columns
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let n = base.data.n_customers();
        let Some(contracts) = &base.data.contracts else {
            return Ok(self.nothing(n, "no churn risks: there are no contracts".to_owned()));
        };
        let windows = Windows::of(contracts, self.0.horizon, base.now.as_of);
        let learnt = Trained::new(contracts, &windows, &self.0)
            .and_then(|trained| trained.publish(&windows, self.0.language).map(|told| (trained, told)));
        let (trained, (risks, reasons)) = match learnt {
            Ok(learnt) => learnt,
            Err(error) => return Ok(self.nothing(n, format!("no churn risks: {error}"))),
        };
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
        let columns = self.columns().into_iter().zip(values).map(|(spec, values)| Column::new(spec.name, values));
        let label = format!("contract cancelled in the {} after {}", windows.horizon, windows.as_of);
        let mut facts = vec![("label", Fact::Text(label))];
        facts.extend(trained.facts(&windows));
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

fn band(risk: f64) -> u32 {
    u32::from(risk >= 1.0 / 3.0) + u32::from(risk >= 2.0 / 3.0)
}

fn bands(risk: &[Option<f64>]) -> Values {
    Values::Text {
        codes: risk.iter().map(|risk| risk.map_or(NONE_IX, band)).collect(),
        labels: Arc::from(BANDS.map(str::to_owned)),
    }
}

fn spread(risk: &[Option<f64>]) -> Vec<(&'static str, Fact)> {
    let known: Vec<f64> = risk.iter().flatten().copied().collect();
    let mut counts = [0; BANDS.len()];
    known.iter().for_each(|risk| counts[band(*risk) as usize] += 1);
    let mean = (!known.is_empty()).then(|| ("mean_risk", Fact::Number(known.iter().sum::<f64>() / known.len() as f64)));
    let bands = ("bands", Fact::Group(BANDS.into_iter().zip(counts.map(Fact::Integer)).collect()));
    mean.into_iter().chain([bands]).collect()
}
