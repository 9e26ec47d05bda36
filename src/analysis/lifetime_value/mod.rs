//! Customer lifetime value: who is still a customer, how often will they order, what is an order worth.
//!
//! Purchases follow one of several models ([`models`], named in [`purchases`]), chosen on a holdout of the base's own ([`choice`]); spend per
//! purchase day follows the Gamma-Gamma model ([`gamma_gamma`]), and [`value`] adds both up over a horizon of calendar months, or for ever. Dates
//! go in, days are inside, rates are per year: nobody passes a unit. What a day
//! counts is told in [`clock`], the columns in [`score`], the tables in [`tables`], what is unknown of all that in [`intervals`] and [`equity`].
//!
//! All customers share one purchase model, unless the pipeline asks for [`groups`] with parameters of their own.
//!
//! Customers without a purchase day are null in all columns. The worth of an order is margin where the base has margins, revenue
//! elsewhere, see [`basis`].
//!
//! Fits and scores of a million customers cost some seconds of one core with MBG/NBD (`benches/README.md` has the figures) and 400 bytes each
//! while they are scored. The evidence of all candidates rests on [`holdout::MOST_CUSTOMERS`] at most, and so does its cost.

pub mod accuracy;
pub mod basis;
pub mod choice;
pub mod clock;
pub mod counts;
pub mod dates;
pub mod diagnosis;
pub mod equity;
pub mod gamma_gamma;
pub mod groups;
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
mod found;

use rayon::prelude::*;

use self::basis::Basis;
use self::clock::{Clock, Season};
use self::equity::{Equity, Source};
use self::found::Found;
pub use self::gamma_gamma::FittedGammaGamma;
use self::gamma_gamma::counted;
pub use self::groups::{Cohorts, Grouping, Purchasing};
use self::histories::{Histories, History};
use self::intervals::Intervals;
use self::opportunities::{Opportunities, Opportunity};
pub use self::purchases::{Fitted, ModelChoice, PurchaseKind};
use self::reuse::Stored;
use self::score::{Score, Scoring};
use self::season::SeasonIndex;
use self::uncertainty::Uncertainty;
use self::value::{ExpectationTable, Horizon};
use super::{Analysis, AnalysisError, Base, Findings};
use crate::features::CustomerFeatures;
use crate::table::ColumnSpec;
use crate::units::Money;

const NAME: &str = "lifetime_value";

/// Longest horizon: fifty years of months.
pub const MAX_MONTHS: u32 = 600;

/// Highest discount rate per year: tenfold.
pub const MAX_RATE: f64 = 10.0;

/// What an analyst may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Calendar months after as-of that count, 1 to 600.
    pub horizon_months: u32,
    /// Discount rate per year, `0.10` for ten percent.
    pub discount_rate_per_year: f64,
    /// Model of the purchases.
    pub model: ModelChoice,
    /// What `bg-bb` counts; no other model counts opportunities.
    pub opportunity: Option<Opportunity>,
    /// Whether histories and the days to come are read by an index of their month.
    pub season: bool,
    /// Customers with purchase parameters of their own.
    pub grouping: Grouping,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            horizon_months: 12,
            discount_rate_per_year: 0.10,
            model: ModelChoice::Auto,
            opportunity: None,
            season: false,
            grouping: Grouping::None,
        }
    }
}

/// The fitted models: what a later run can score by.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub purchases: Purchasing,
    /// Missing where too few customers brought money on repeat purchase days.
    pub spend: Option<FittedGammaGamma>,
    /// What counts of an order.
    pub basis: Basis,
    /// Index of the months, January first; none where it is not asked for or cannot be told.
    pub season: Option<[f64; 12]>,
    /// What `bg-bb` counts.
    pub opportunity: Option<Opportunity>,
}

/// What other analyses and tables build on.
#[derive(Debug, Clone, PartialEq)]
pub struct Valuation {
    pub model: Model,
    /// How the days after as-of count for the purchases.
    pub clock: Clock,
    /// Values for sums over some of the customers.
    pub equity: Equity,
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

    fn attributes(&self) -> &[String] {
        match &self.0.grouping {
            Grouping::Covariates(names) => names,
            _ => &[],
        }
    }

    fn run(&self, base: &Base<'_>, _before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        self.score(base, None)
    }
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
                Ok(Found::stored(stored)),
                stored.model.spend.clone().ok_or_else(|| "the reused model has no model of spend".to_owned()),
            ),
            None => rayon::join(
                || self.purchases(base, &customers, &clock),
                || FittedGammaGamma::fit(repeat_spend(base.now, &customers)).map_err(|reason| reason.to_string()),
            ),
        };
        let Found { mut evidence, purchases, mut notes } = match purchases {
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
            None => self.season(base, &purchases.pooled, evidence.as_mut(), &mut notes),
        };
        let season = match stored {
            Some(stored) => stored.model.season,
            None => found_season.as_ref().map(SeasonIndex::index),
        };
        if stored.is_some() && self.0.season && season.is_none() {
            notes.push("no season: the reused model has none".to_owned());
        }
        if let Some(index) = &season {
            clock = Clock::Season(Season::new(index, as_of));
            customers = clock.histories(base);
        }
        if let Clock::Opportunities(opportunities) = &clock {
            notes.extend(facts::opportunity_notes(opportunities, base.now));
        }
        let model = Model { purchases, spend, basis, season, opportunity: self.0.opportunity };
        let horizon = Horizon::months(&clock, self.0.horizon_months, self.0.discount_rate_per_year);
        let scores = scores(base.now, &model, &clock, &horizon, &customers);
        let pooled = Uncertainty::of(&model.purchases.pooled, model.spend.as_ref());
        let source =
            Source { now: base.now, customers: &customers, pooled: &pooled, horizon: &horizon, basis: &model.basis };
        let equity = Equity::of(&source, &scores);
        if self.0.discount_rate_per_year == 0.0 {
            notes.push("no residual values: without a discount rate there is no end of them".to_owned());
        }
        notes.extend(facts::spend_notes(base.now, &customers, &model, &equity));
        let side_tables = evidence.iter().flat_map(tables::of).chain(found_season.as_ref().map(tables::season));
        Ok(Findings {
            columns: score::fill(&scores),
            tables: side_tables.chain(groups::facts::table(&model.purchases)).collect(),
            facts: facts::of(&self.0, &model, equity.total(), evidence.as_ref(), found_season.as_ref(), &scores),
            valuation: Some(Valuation { model, clock, equity }),
            notes,
            ..Findings::default()
        })
    }

    fn check(&self) -> Result<(), AnalysisError> {
        let error = |reason: String, help: &str| Err(AnalysisError { analysis: NAME, reason, help: help.to_owned() });
        let Params { horizon_months, discount_rate_per_year: rate, model, opportunity, season, .. } = self.0;
        let of_opportunities = model == ModelChoice::Named(PurchaseKind::BgBb);
        if !(1..=MAX_MONTHS).contains(&horizon_months) {
            return error(
                format!("a horizon of {horizon_months} months is out of range"),
                "choose 1 month to 50 years",
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
}

/// Scores every customer by the model of all, or by that of the group.
fn scores(
    now: &CustomerFeatures,
    model: &Model,
    clock: &Clock,
    horizon: &Horizon,
    customers: &[Option<History>],
) -> Vec<Option<Score>> {
    let together = |fitted: &Fitted, n: usize, member: &(dyn Fn(usize) -> usize + Sync)| -> Vec<Option<Score>> {
        let histories = Histories::compress((0..n).filter_map(|nth| customers[member(nth)]).collect());
        let uncertainty = Uncertainty::of(fitted, model.spend.as_ref());
        let is_unpaid = |ix: &usize, history: &History| {
            counted(history.n_repeats, Money(now.repeat_revenue[*ix])).0 < history.n_repeats
        };
        let unpaid = (0..n).map(member).filter_map(|ix| customers[ix].filter(|history| is_unpaid(&ix, history)));
        let unpaid = Histories::compress(unpaid.collect());
        let (table, intervals) = rayon::join(
            || ExpectationTable::tabulate(fitted.0.model, &histories, horizon),
            || {
                [(&histories, false), (&unpaid, true)]
                    .map(|(of, is)| Intervals::tabulate(&uncertainty, of, horizon.end(), is))
            },
        );
        let [intervals, unpaid] = intervals;
        drop(histories);
        let scoring =
            Scoring { now, model, purchases: fitted, table: &table, intervals: &intervals, unpaid: &unpaid, clock };
        let score = |ix: usize| customers[ix].and_then(|history| scoring.score(ix, history));
        (0..n).into_par_iter().map(|nth| score(member(nth))).collect()
    };
    if model.purchases.groups.is_empty() {
        return together(&model.purchases.pooled, customers.len(), &|ix| ix);
    }
    let mut scores = vec![None; customers.len()];
    for (group, members) in model.purchases.groups.iter().zip(model.purchases.members()) {
        let of_group = together(&group.fitted, members.len(), &|nth| members[nth] as usize);
        members.iter().zip(of_group).for_each(|(ix, score)| scores[*ix as usize] = score);
    }
    scores
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
