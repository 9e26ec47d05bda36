//! Customer lifetime value: who is still a customer, how often will they order, what is an order worth.
//!
//! Purchases follow the MBG/NBD model ([`models::mbg_nbd`], fitted in [`fit_mbg_nbd`]), spend per purchase day the Gamma-Gamma model ([`gamma_gamma`]), and
//! [`value`] adds both up over a horizon of calendar months. Dates go in, days are inside, rates are per year: nobody passes a unit.
//!
//! | column                     | meaning                                                | unit              |
//! |----------------------------|--------------------------------------------------------|-------------------|
//! | `clv_p_alive`              | probability that the customer has not dropped out      | `0..=1`           |
//! | `clv_expected_orders`      | purchase days to be expected within the horizon        | 1                 |
//! | `clv_expected_order_value` | worth of one of them                                   | minor units       |
//! | `clv`                      | discounted sum over the horizon                        | minor units       |
//!
//! Customers without a purchase day are null in all columns. The worth of an order is margin where the base has margins, revenue
//! elsewhere. On margin the expected revenue of an order is multiplied by the customer's margin rate, shrunk to the base's as if [`PRIOR_DAYS`] average
//! purchase days `o` at the base's rate `R` had been seen on top: `(margin + 3 o R) / (revenue + 3 o)`; a customer whose margin
//! is unknown or whose revenue is not positive has the base's rate.
//!
//! Fits and scores of a million customers cost about a second of one core and 100 bytes each.

pub mod diagnosis;
pub mod fit_mbg_nbd;
pub mod gamma_gamma;
pub mod histories;
pub mod models;
pub mod value;

mod facts;

use rayon::prelude::*;

pub use self::fit_mbg_nbd::FittedMbgNbd;
pub use self::gamma_gamma::FittedGammaGamma;
use self::histories::{Histories, History};
use self::value::{Horizon, OrderTable};
use super::{Analysis, AnalysisError, Base, Findings};
use crate::features::CustomerFeatures;
use crate::table::{Column, ColumnKind, ColumnSpec, Nullable, Values};
use crate::units::Money;

const NAME: &str = "lifetime_value";

/// Average purchase days at the base's margin rate that every customer is credited with.
pub const PRIOR_DAYS: f64 = 3.0;

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
}

impl Default for Params {
    fn default() -> Self {
        Self { horizon_months: 12, discount_rate_per_year: 0.10 }
    }
}

/// The fitted models, which other analyses build on.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub purchases: FittedMbgNbd,
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
        vec![
            ColumnSpec::new("clv_p_alive", ColumnKind::Number, "probability of still being a customer, 0 to 1"),
            ColumnSpec::new(
                "clv_expected_orders",
                ColumnKind::Number,
                "purchase days to be expected within the value horizon (a year unless stated)",
            ),
            ColumnSpec::new(
                "clv_expected_order_value",
                ColumnKind::Money,
                "expected worth of one of them: margin where costs are known, else revenue",
            ),
            ColumnSpec::new("clv", ColumnKind::Money, "discounted worth of the purchase days within the value horizon"),
        ]
    }

    fn run(&self, base: &Base<'_>, _before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        self.check()?;
        let customers = histories::of_customers(base.now);
        let (purchases, spend) = rayon::join(
            || {
                let histories = Histories::compress(customers.iter().flatten().copied().collect());
                FittedMbgNbd::fit(&histories).map(|fitted| (fitted, histories.cells()))
            },
            || FittedGammaGamma::fit(repeat_spend(base.now, &customers)),
        );
        let (purchases, cells) = match purchases {
            Ok(found) => found,
            Err(reason) => return Ok(self.nothing(customers.len(), format!("no lifetime values: {reason}"))),
        };
        let mut notes: Vec<String> = purchases.diagnoses.iter().map(|d| format!("purchase model: {d}")).collect();
        let spend = match spend {
            Ok(fitted) => Some(fitted),
            Err(reason) => {
                notes.push(format!("no order values: {reason}"));
                None
            }
        };
        let basis = Basis::of(base.now, &customers);
        let horizon = Horizon::months(base.now.as_of, self.0.horizon_months, self.0.discount_rate_per_year);
        let orders = OrderTable::tabulate(&purchases, cells, &horizon);
        let model = Model { purchases, spend };
        let scores: Vec<Option<Score>> = (0..customers.len())
            .into_par_iter()
            .map(|ix| customers[ix].and_then(|history| score(base.now, ix, history, &model, &orders, &basis)))
            .collect();
        notes.extend(facts::spend_notes(base.now, &customers, &model, &basis));
        Ok(Findings {
            columns: self.fill(&scores),
            facts: facts::of(&self.0, &model, &basis, &scores),
            model: Some(model),
            notes,
            ..Findings::default()
        })
    }
}

impl LifetimeValue {
    fn check(&self) -> Result<(), AnalysisError> {
        let error = |reason: String, help: &str| Err(AnalysisError { analysis: NAME, reason, help: help.to_owned() });
        let Params { horizon_months, discount_rate_per_year: rate } = self.0;
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

    fn fill(&self, scores: &[Option<Score>]) -> Vec<Column> {
        let numbers = |of: fn(&Score) -> f64| scores.iter().map(|s| s.as_ref().map(of)).collect::<Nullable<f64>>();
        let money = |of: fn(&Score) -> Option<i64>| scores.iter().map(|s| s.as_ref().and_then(of)).collect();
        let ((p_alive, orders), (order_value, value)) = rayon::join(
            || (Values::Number(numbers(|score| score.p_alive)), Values::Number(numbers(|score| score.orders))),
            || (Values::Money(money(|score| score.order_value)), Values::Money(money(|score| score.value))),
        );
        let values = [p_alive, orders, order_value, value];
        self.columns().into_iter().zip(values).map(|(spec, values)| Column::new(spec.name, values)).collect()
    }

    fn nothing(&self, n_customers: usize, note: String) -> Findings {
        Findings { columns: self.fill(&vec![None; n_customers]), notes: vec![note], ..Findings::default() }
    }
}

/// What is said of one customer.
#[derive(Debug, Clone, Copy)]
struct Score {
    p_alive: f64,
    orders: f64,
    /// Minor units.
    order_value: Option<i64>,
    /// Minor units.
    value: Option<i64>,
}

fn score(
    now: &CustomerFeatures,
    ix: usize,
    history: History,
    model: &Model,
    table: &OrderTable,
    basis: &Basis,
) -> Option<Score> {
    let orders = table.get(history.n_repeats, history.age_days)?;
    let p_alive = model.purchases.p_alive(history);
    let revenue = model.spend.as_ref().and_then(|s| s.expected_spend(history.n_repeats, Money(now.repeat_revenue[ix])));
    let order_value = revenue.map(|revenue| revenue * basis.share_of_revenue(now, ix));
    Some(Score {
        p_alive,
        orders: p_alive * orders.expected,
        order_value: order_value.map(|major| Money::from_major(major).0),
        value: order_value.map(|major| Money::from_major(p_alive * orders.discounted * major).0),
    })
}

/// What an order is worth: its revenue, or the margin in it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Basis {
    Revenue,
    Margin {
        /// Margin over revenue of the customers whose margin is known.
        base_rate: f64,
        /// Revenue of [`PRIOR_DAYS`] average purchase days, minor units.
        prior_revenue: f64,
        /// Customers with a purchase day whose margin is unknown.
        n_unknown: usize,
    },
}

impl Basis {
    fn of(now: &CustomerFeatures, customers: &[Option<History>]) -> Self {
        let (mut revenue, mut margin, mut n_days, mut n_unknown) = (0_i128, 0_i128, 0_u64, 0);
        for ix in (0..customers.len()).filter(|ix| customers[*ix].is_some()) {
            if let Some(known) = now.margin.get(ix) {
                revenue += i128::from(now.revenue[ix]);
                margin += i128::from(known);
                n_days += u64::from(now.n_purchase_days[ix]);
            } else {
                n_unknown += 1;
            }
        }
        if revenue <= 0 {
            return Self::Revenue;
        }
        let prior_revenue = PRIOR_DAYS * revenue as f64 / n_days.max(1) as f64;
        Self::Margin { base_rate: margin as f64 / revenue as f64, prior_revenue, n_unknown }
    }

    /// Returns the part of a customer's revenue that counts.
    fn share_of_revenue(&self, now: &CustomerFeatures, ix: usize) -> f64 {
        let Self::Margin { base_rate, prior_revenue, .. } = *self else { return 1.0 };
        match now.margin.get(ix) {
            Some(margin) if now.revenue[ix] > 0 => {
                (margin as f64 + prior_revenue * base_rate) / (now.revenue[ix] as f64 + prior_revenue)
            }
            _ => base_rate,
        }
    }
}

/// Repeat purchase days and their money of every customer who came back, in minor units.
fn repeat_spend(now: &CustomerFeatures, customers: &[Option<History>]) -> Vec<(u32, i64)> {
    let spend = |(history, spend): (&Option<History>, &i64)| history.map(|history| (history.n_repeats, *spend));
    customers.iter().zip(&now.repeat_revenue).filter_map(spend).filter(|(n_repeats, _)| *n_repeats > 0).collect()
}

#[cfg(test)]
pub(super) mod tests;
