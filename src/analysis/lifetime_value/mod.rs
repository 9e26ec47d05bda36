//! Customer lifetime value: who is still a customer, how often will they order, what is an order worth.
//!
//! Purchases follow one of several models ([`models`], named in [`purchases`]), chosen on a holdout of the base's own ([`choice`]); spend per
//! purchase day follows the Gamma-Gamma model ([`gamma_gamma`]), and [`value`] adds both up over a horizon of calendar months, or for ever. Dates
//! go in, days are inside, rates are per year: nobody passes a unit. The columns are told in [`score`], the tables in [`tables`].
//!
//! Customers without a purchase day are null in all columns. The worth of an order is margin where the base has margins, revenue
//! elsewhere, see [`basis`].
//!
//! Fits and scores of a million customers cost about a second of one core and 100 bytes each with MBG/NBD. The evidence of all candidates
//! rests on [`holdout::MOST_CUSTOMERS`] at most, and so does its cost.

pub mod accuracy;
pub mod basis;
pub mod choice;
pub mod dates;
pub mod diagnosis;
pub mod gamma_gamma;
pub mod histories;
pub mod holdout;
pub mod models;
pub mod parameters;
pub mod purchases;
pub mod reuse;
pub mod score;
pub mod tables;
pub mod value;

mod facts;

use rayon::prelude::*;

use self::basis::Basis;
use self::choice::Evidence;
use self::diagnosis::FitError;
pub use self::gamma_gamma::FittedGammaGamma;
use self::histories::{Histories, History};
use self::holdout::Split;
use self::models::Statistics;
pub use self::purchases::{Fitted, ModelChoice, PurchaseKind};
use self::reuse::Stored;
use self::score::{Score, Scoring};
use self::value::{ExpectationTable, Horizon};
use super::{Analysis, AnalysisError, Base, Findings};
use crate::features::CustomerFeatures;
use crate::table::ColumnSpec;

const NAME: &str = "lifetime_value";

/// Longest horizon: a hundred years of months.
const MAX_MONTHS: u32 = 1_200;

/// Highest discount rate per year: tenfold.
pub const MAX_RATE: f64 = 10.0;

/// What an analyst may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Calendar months after as-of that count, 1 to 1,200.
    pub horizon_months: u32,
    /// Discount rate per year, `0.10` for ten percent.
    pub discount_rate_per_year: f64,
    /// Model of the purchases.
    pub model: ModelChoice,
}

impl Default for Params {
    fn default() -> Self {
        Self { horizon_months: 12, discount_rate_per_year: 0.10, model: ModelChoice::Auto }
    }
}

/// The fitted models, which other analyses build on.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub purchases: Fitted,
    /// Missing where too few customers brought money on repeat purchase days.
    pub spend: Option<FittedGammaGamma>,
    /// What counts of an order.
    pub basis: Basis,
}

/// The analysis.
#[derive(Debug, Clone, Default)]
pub struct LifetimeValue(pub Params);

impl Analysis for LifetimeValue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        score::columns()
    }

    fn run(&self, base: &Base<'_>, _before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        self.score(base, None)
    }
}

/// The purchase model, and why it is this one.
struct Found {
    evidence: Option<Evidence>,
    fitted: Fitted,
    histories: Histories,
    notes: Vec<String>,
}

impl LifetimeValue {
    /// Scores by a stored model, or by one that is fitted to the base.
    fn score(&self, base: &Base<'_>, stored: Option<&Stored>) -> Result<Findings, AnalysisError> {
        self.check()?;
        let customers = histories::of_customers(base.now);
        let (purchases, spend) = match stored {
            Some(stored) => (
                Ok(stored.purchases(&customers)),
                stored.model.spend.clone().ok_or_else(|| "the reused model has no model of spend".to_owned()),
            ),
            None => rayon::join(
                || self.purchases(base, &customers),
                || FittedGammaGamma::fit(repeat_spend(base.now, &customers)).map_err(|reason| reason.to_string()),
            ),
        };
        let Found { evidence, fitted, histories, mut notes } = match purchases {
            Ok(found) => found,
            Err(reason) => return Ok(nothing(customers.len(), format!("no lifetime values: {reason}"))),
        };
        let spend = match spend {
            Ok(fitted) => Some(fitted),
            Err(reason) => {
                notes.push(format!("no order values: {reason}"));
                None
            }
        };
        let basis = stored.map_or_else(|| Basis::of(base.now, &customers), |of| of.basis(base.now, &customers));
        let horizon = Horizon::months(base.now.as_of, self.0.horizon_months, self.0.discount_rate_per_year);
        let table = ExpectationTable::tabulate(fitted.0.model, &histories, &horizon);
        drop(histories);
        let model = Model { purchases: fitted, spend, basis };
        let scoring = Scoring { now: base.now, model: &model, table: &table, basis: &basis };
        let scores: Vec<Option<Score>> = (0..customers.len())
            .into_par_iter()
            .map(|ix| customers[ix].and_then(|history| scoring.score(ix, history)))
            .collect();
        if self.0.discount_rate_per_year == 0.0 {
            notes.push("no residual values: without a discount rate there is no end of them".to_owned());
        }
        notes.extend(facts::spend_notes(base.now, &customers, &model, &basis));
        Ok(Findings {
            columns: score::fill(&scores),
            tables: evidence.as_ref().map(tables::of).unwrap_or_default(),
            facts: facts::of(&self.0, &model, evidence.as_ref(), &basis, &scores),
            model: Some(model),
            notes,
            ..Findings::default()
        })
    }

    fn check(&self) -> Result<(), AnalysisError> {
        let error = |reason: String, help: &str| Err(AnalysisError { analysis: NAME, reason, help: help.to_owned() });
        let Params { horizon_months, discount_rate_per_year: rate, .. } = self.0;
        if !(1..=MAX_MONTHS).contains(&horizon_months) {
            return error(
                format!("a horizon of {horizon_months} months is out of range"),
                "choose 1 month to 100 years",
            );
        }
        if !(0.0..=MAX_RATE).contains(&rate) {
            return error(
                format!("a discount rate of {rate} per year is out of range"),
                "choose a share per year, 0.10 for ten percent",
            );
        }
        Ok(())
    }

    /// Chooses a model, as far as the choice is free, and fits it to the whole base.
    fn purchases(&self, base: &Base<'_>, customers: &[Option<History>]) -> Result<Found, FitError> {
        let (days, as_of) = (&base.data.purchase_days, base.now.as_of);
        let choice = self.0.model;
        let histories = Histories::compress(customers.iter().flatten().copied().collect());
        let horizon_days = as_of.add_months(self.0.horizon_months).0.abs_diff(as_of.0);
        let evidence = Split::of(days, as_of, horizon_days).and_then(|split| Evidence::of(split, choice));
        let mut kind = choice::kind(choice, evidence.as_ref());
        let mut notes = match &evidence {
            Some(evidence) => evidence.notes(),
            None => vec![format!(
                "purchase model: the base is too short or too small for a holdout, {} is used unproven",
                kind.label()
            )],
        };
        let mut statistics = Statistics { histories, gaps: vec![] };
        let fitted = loop {
            if kind.reads_gaps() {
                statistics.gaps = holdout::gaps(days, as_of);
            }
            let calibrated = evidence.as_ref().map(Evidence::chosen).filter(|chosen| chosen.kind == kind);
            match calibrated.map_or_else(|| kind.fit(&statistics), |chosen| chosen.fitted.refit(kind, &statistics)) {
                Ok(fitted) => break fitted,
                Err(reason) if kind == PurchaseKind::MbgNbd => return Err(reason),
                Err(reason) => {
                    notes.push(format!("purchase model: {} cannot be fitted, mbg-nbd is used: {reason}", kind.label()));
                    kind = PurchaseKind::MbgNbd;
                }
            }
        };
        notes.extend(fitted.0.diagnoses.iter().map(|diagnosis| format!("purchase model: {diagnosis}")));
        Ok(Found { evidence, fitted, histories: statistics.histories, notes })
    }
}

fn nothing(n_customers: usize, note: String) -> Findings {
    Findings { columns: score::fill(&vec![None; n_customers]), notes: vec![note], ..Findings::default() }
}

/// Repeat purchase days and their money of every customer who came back, in minor units.
fn repeat_spend(now: &CustomerFeatures, customers: &[Option<History>]) -> Vec<(u32, i64)> {
    let spend = |(history, spend): (&Option<History>, &i64)| history.map(|history| (history.n_repeats, *spend));
    customers.iter().zip(&now.repeat_revenue).filter_map(spend).filter(|(n_repeats, _)| *n_repeats > 0).collect()
}

#[cfg(test)]
pub(crate) mod tests;
