//! Customer lifetime value: who is still a customer, how often will they order, what is an order worth.
//!
//! Purchases follow one of several models ([`models`], named in [`purchases`]), chosen on a holdout of the base's own ([`choice`]); spend per
//! purchase day follows the Gamma-Gamma model ([`gamma_gamma`]), and [`value`] adds both up over a horizon of calendar months, or for ever. Dates
//! go in, days are inside, rates are per year: nobody passes a unit. The columns are told in [`score`], the tables in [`tables`].
//!
//! All customers share one purchase model, unless the pipeline asks for [`groups`] with parameters of their own.
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
pub mod groups;
pub mod histories;
pub mod holdout;
pub mod models;
pub mod purchases;
pub mod score;
pub mod tables;
pub mod value;

mod facts;

use rayon::prelude::*;

use self::basis::Basis;
use self::choice::Evidence;
use self::diagnosis::FitError;
pub use self::gamma_gamma::FittedGammaGamma;
use self::groups::partition::Partition;
pub use self::groups::{Cohorts, Grouping, Purchasing};
use self::histories::{Histories, History};
use self::holdout::Split;
use self::models::Statistics;
pub use self::purchases::{Fitted, ModelChoice, PurchaseKind};
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
    /// Customers with purchase parameters of their own.
    pub grouping: Grouping,
}

impl Default for Params {
    fn default() -> Self {
        Self { horizon_months: 12, discount_rate_per_year: 0.10, model: ModelChoice::Auto, grouping: Grouping::None }
    }
}

/// The fitted models, which other analyses build on.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub purchases: Purchasing,
    /// Missing where too few customers brought money on repeat purchase days.
    pub spend: Option<FittedGammaGamma>,
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

    fn attributes(&self) -> &[String] {
        match &self.0.grouping {
            Grouping::Covariates(names) => names,
            _ => &[],
        }
    }

    fn run(&self, base: &Base<'_>, _before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        self.check()?;
        let customers = histories::of_customers(base.now);
        let (purchases, spend) = rayon::join(
            || self.purchases(base, &customers),
            || FittedGammaGamma::fit(repeat_spend(base.now, &customers)),
        );
        let Found { evidence, purchases, parts, mut notes } = match purchases {
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
        let basis = Basis::of(base.now, &customers);
        let horizon = Horizon::months(base.now.as_of, self.0.horizon_months, self.0.discount_rate_per_year);
        let model = Model { purchases, spend };
        let score = |fitted: &Fitted, histories: Histories, members: &(dyn Fn(usize) -> usize + Sync), n: usize| {
            let table = ExpectationTable::tabulate(fitted.0.model, &histories, &horizon);
            drop(histories);
            let scoring = Scoring { now: base.now, model: &model, purchases: fitted, table: &table, basis: &basis };
            let score = |ix: usize| customers[ix].and_then(|history| scoring.score(ix, history));
            (0..n).into_par_iter().map(|nth| score(members(nth))).collect::<Vec<Option<Score>>>()
        };
        let scores = match parts {
            Parts::Whole(histories) => score(&model.purchases.pooled, histories, &|ix| ix, customers.len()),
            Parts::Groups(groups) => {
                let mut scores = vec![None; customers.len()];
                for (group, (histories, members)) in model.purchases.groups.iter().zip(groups) {
                    let of_group = score(&group.fitted, histories, &|nth| members[nth] as usize, members.len());
                    members.iter().zip(of_group).for_each(|(ix, score)| scores[*ix as usize] = score);
                }
                scores
            }
        };
        if self.0.discount_rate_per_year == 0.0 {
            notes.push("no residual values: without a discount rate there is no end of them".to_owned());
        }
        notes.extend(facts::spend_notes(base.now, &customers, &model, &basis));
        Ok(Findings {
            columns: score::fill(&scores),
            tables: evidence
                .as_ref()
                .map(tables::of)
                .unwrap_or_default()
                .into_iter()
                .chain(groups::facts::table(&model.purchases))
                .collect(),
            facts: facts::of(&self.0, &model, evidence.as_ref(), &basis, &scores),
            model: Some(model),
            notes,
        })
    }
}

/// The purchase model, and why it is this one.
struct Found {
    evidence: Option<Evidence>,
    purchases: Purchasing,
    parts: Parts,
    notes: Vec<String>,
}

/// The histories of the customers who share a model.
enum Parts {
    Whole(Histories),
    /// Histories and customers of each group.
    Groups(Vec<(Histories, Vec<u32>)>),
}

impl LifetimeValue {
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
        let (partition, mut notes) = Partition::of(&self.0.grouping, base, customers);
        let kinds = choice::candidates(choice, !self.attributes().is_empty());
        let mut evidence = Split::of(days, as_of, horizon_days).and_then(|split| Evidence::of(split, kinds));
        if let (Some(partition), Some(evidence)) = (&partition, &mut evidence) {
            let pooled = evidence.chosen();
            evidence.grouped = partition.candidate(base, &evidence.split, pooled.kind, &pooled.fitted);
        }
        let mut kind = choice::kind(choice, evidence.as_ref());
        notes.extend(match &evidence {
            Some(evidence) => evidence.notes(),
            None => vec![format!(
                "purchase model: the base is too short or too small for a holdout, {} is used unproven",
                kind.label()
            )],
        });
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
        let Some(partition) = partition else {
            let parts = Parts::Whole(statistics.histories);
            return Ok(Found { evidence, purchases: Purchasing::pooled(fitted), parts, notes });
        };
        let parts = partition.statistics(base, customers, kind.reads_gaps());
        let Some(mut fits) = partition.fit(kind, &fitted, &parts) else {
            notes.push(format!(
                "{} {} cannot be fitted: all customers share one model",
                kind.label(),
                partition.words()
            ));
            let parts = Parts::Whole(statistics.histories);
            return Ok(Found { evidence, purchases: Purchasing::pooled(fitted), parts, notes });
        };
        notes.append(&mut fits.notes);
        let members = partition.members();
        let purchases = partition.purchasing(fitted, fits, &parts);
        let parts = Parts::Groups(parts.into_iter().map(|part| part.histories).zip(members).collect());
        Ok(Found { evidence, purchases, parts, notes })
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
pub(super) mod tests;
