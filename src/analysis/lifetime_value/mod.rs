//! Customer lifetime value: who is still a customer, how often will they order, what is an order worth.
//!
//! Purchases follow one of several models ([`models`], named in [`purchases`]), chosen on a holdout of the base's own ([`choice`]); spend per
//! purchase day follows the Gamma-Gamma model ([`gamma_gamma`]), and [`value`] adds both up over a horizon of calendar months, or for ever. Dates
//! go in, days are inside, rates are per year: nobody passes a unit. What a day counts is told in [`clock`]. The columns are told in [`score`], the tables in [`tables`].
//!
//! Customers without a purchase day are null in all columns. The worth of an order is margin where the base has margins, revenue
//! elsewhere, see [`basis`].
//!
//! Fits and scores of a million customers cost about a second of one core and 100 bytes each with MBG/NBD. The evidence of all candidates
//! rests on [`holdout::MOST_CUSTOMERS`] at most, and so does its cost.

pub mod accuracy;
pub mod basis;
pub mod choice;
pub mod clock;
pub mod counts;
pub mod dates;
pub mod diagnosis;
pub mod equity;
pub mod gamma_gamma;
pub mod histories;
pub mod holdout;
pub mod intervals;
pub mod models;
pub mod opportunities;
pub mod parameters;
pub mod purchases;
pub mod reuse;
pub mod score;
pub mod season;
pub mod tables;
pub mod uncertainty;
pub mod value;

mod facts;

use rayon::prelude::*;

use self::basis::Basis;
use self::choice::Evidence;
use self::clock::{Clock, Season};
use self::diagnosis::FitError;
use self::equity::{Equity, Source};
pub use self::gamma_gamma::FittedGammaGamma;
use self::histories::{Histories, History};
use self::intervals::Intervals;
use self::models::Statistics;
use self::opportunities::{Opportunities, Opportunity};
pub use self::purchases::{Fitted, ModelChoice, PurchaseKind};
use self::reuse::Stored;
use self::score::{Score, Scoring};
use self::season::{Cohorts, SeasonIndex, SeasonProof};
use self::uncertainty::Uncertainty;
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
    /// What `bg-bb` counts; no other model counts opportunities.
    pub opportunity: Option<Opportunity>,
    /// Whether histories and the days to come are read by an index of their month.
    pub season: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            horizon_months: 12,
            discount_rate_per_year: 0.10,
            model: ModelChoice::Auto,
            opportunity: None,
            season: false,
        }
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
    /// Index of the months, January first; none where it is not asked for or cannot be told.
    pub season: Option<[f64; 12]>,
    /// What `bg-bb` counts.
    pub opportunity: Option<Opportunity>,
}

/// The analysis.
#[derive(Debug, Clone, Default)]
pub struct LifetimeValue(pub Params);

impl Analysis for LifetimeValue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        score::columns(self.0.opportunity)
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
        let as_of = base.now.as_of;
        let days = Clock::Days(as_of);
        let mut clock = self.0.opportunity.map_or(days, |each| Clock::Opportunities(Opportunities::new(each, as_of)));
        let mut customers = clock.histories(base);
        let now = clock.customers(base);
        let base = &Base { data: base.data, now: &now };
        let (purchases, spend) = match stored {
            Some(stored) => (
                Ok(stored.purchases(&customers)),
                stored.model.spend.clone().ok_or_else(|| "the reused model has no model of spend".to_owned()),
            ),
            None => rayon::join(
                || self.purchases(base, &customers, &clock),
                || FittedGammaGamma::fit(repeat_spend(base.now, &customers)).map_err(|reason| reason.to_string()),
            ),
        };
        let Found { mut evidence, fitted, mut histories, mut notes } = match purchases {
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
        let found_season = match stored {
            Some(_) => None,
            None => self.season(base, &fitted, evidence.as_mut(), &mut notes),
        };
        let season = match stored {
            Some(stored) => stored.model.season,
            None => found_season.as_ref().map(SeasonIndex::index),
        };
        if let Some(index) = &season {
            clock = Clock::Season(Season::new(index, as_of));
            customers = clock.histories(base);
            histories = Histories::compress(customers.iter().flatten().copied().collect());
        }
        if let Clock::Opportunities(opportunities) = &clock {
            notes.extend(facts::opportunity_notes(opportunities, base.now));
        }
        let horizon = Horizon::months(&clock, self.0.horizon_months, self.0.discount_rate_per_year);
        let uncertainty = Uncertainty::of(&fitted, spend.as_ref());
        let (table, intervals) = rayon::join(
            || ExpectationTable::tabulate(fitted.0.model, &histories, &horizon),
            || Intervals::tabulate(&uncertainty, &histories, horizon.end()),
        );
        drop(histories);
        let model = Model { purchases: fitted, spend, basis, season, opportunity: self.0.opportunity };
        let scoring = Scoring {
            now: base.now,
            model: &model,
            table: &table,
            intervals: &intervals,
            basis: &basis,
            clock: &clock,
        };
        let scores: Vec<Option<Score>> = (0..customers.len())
            .into_par_iter()
            .map(|ix| customers[ix].and_then(|history| scoring.score(ix, history)))
            .collect();
        let source = Source {
            now: base.now,
            customers: &customers,
            uncertainty: &uncertainty,
            table: &table,
            horizon: &horizon,
            basis: &basis,
        };
        model.equity = Equity::of(&source, |ix| scores[ix].and_then(|score| score.value));
        if self.0.discount_rate_per_year == 0.0 {
            notes.push("no residual values: without a discount rate there is no end of them".to_owned());
        }
        notes.extend(facts::spend_notes(base.now, &customers, &model, &basis));
        Ok(Findings {
            columns: score::fill(&scores),
            tables: evidence.iter().flat_map(tables::of).chain(season.as_ref().map(tables::season)).collect(),
            facts: facts::of(&self.0, &model, evidence.as_ref(), season.as_ref(), &basis, &scores),
            model: Some(model),
            notes,
            ..Findings::default()
        })
    }

    fn check(&self) -> Result<(), AnalysisError> {
        let error = |reason: String, help: &str| Err(AnalysisError { analysis: NAME, reason, help: help.to_owned() });
        let Params { horizon_months, discount_rate_per_year: rate, model, opportunity, season } = self.0;
        let of_opportunities = model == ModelChoice::Named(PurchaseKind::BgBb);
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
        if of_opportunities != opportunity.is_some() {
            return error("opportunities and the model bg-bb need each other".to_owned(), "give both, or neither");
        }
        if of_opportunities && season {
            return error("bg-bb counts opportunities, which have no season".to_owned(), "leave season out");
        }
        Ok(())
    }

    /// Chooses a model, as far as the choice is free, and fits it to the whole base.
    fn purchases(&self, base: &Base<'_>, customers: &[Option<History>], clock: &Clock) -> Result<Found, FitError> {
        let (days, as_of) = (&base.data.purchase_days, base.now.as_of);
        let choice = self.0.model;
        let histories = Histories::compress(customers.iter().flatten().copied().collect());
        let horizon_end = as_of.add_months(self.0.horizon_months);
        let evidence = clock.split(base, horizon_end).and_then(|split| Evidence::of(split, choice));
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
                Err(reason) if matches!(kind, PurchaseKind::MbgNbd | PurchaseKind::BgBb) => return Err(reason),
                Err(reason) => {
                    notes.push(format!("purchase model: {} cannot be fitted, mbg-nbd is used: {reason}", kind.label()));
                    kind = PurchaseKind::MbgNbd;
                }
            }
        };
        notes.extend(fitted.0.diagnoses.iter().map(|diagnosis| format!("purchase model: {diagnosis}")));
        Ok(Found { evidence, fitted, histories: statistics.histories, notes })
    }

    /// Estimates the season on the whole base, and on the calibration period what it is worth.
    fn season(
        &self,
        base: &Base<'_>,
        fitted: &Fitted,
        evidence: Option<&mut Evidence>,
        notes: &mut Vec<String>,
    ) -> Option<SeasonIndex> {
        if !self.0.season {
            return None;
        }
        let as_of = base.now.as_of;
        let found = SeasonIndex::estimate(&Cohorts::of(&base.data.purchase_days, as_of), fitted, as_of);
        let proof = evidence.and_then(|evidence| {
            evidence.season = SeasonProof::of(evidence);
            evidence.season.as_ref()
        });
        notes.extend(facts::season_notes(found.as_ref(), proof));
        found
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
mod honesty;
#[cfg(test)]
pub(crate) mod tests;
