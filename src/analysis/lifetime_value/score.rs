//! The columns of one customer: orders, their worth, chances and dates, and why a number should not be trusted.
//!
//! | flag                          | why                                                                                     |
//! |-------------------------------|-----------------------------------------------------------------------------------------|
//! | `one purchase day`            | rate and order value are those of the base: nothing is known of this customer's own     |
//! | `refunds dominate`            | half of the gross revenue or more was given back                                        |
//! | `no repeat revenue`           | bought again, but the repeats brought no money: the order value is the mean of the base |
//! | `spend depends on frequency`  | frequency and spend of the base correlate, the spend model takes them to be independent |
//! | `no order value`              | the spend model has no mean for this customer, `p x + q ≤ 1`                             |
//! | `spend has no variance`       | the mean exists, its spread does not, `p x + q ≤ 2`: one order may outweigh all others   |

use std::sync::Arc;

use super::Model;
use super::clock::Clock;
use super::dates::{MAX_DAYS, days_to_next_order};
use super::facts::NOTABLE_CORRELATION;
use super::gamma_gamma::counted;
use super::histories::History;
use super::intervals::Intervals;
use super::opportunities::Opportunity;
use super::purchases::Fitted;
use super::value::{ExpectationTable, IfAlive, WINDOWS};
use crate::features::CustomerFeatures;
use crate::table::{Column, ColumnKind, ColumnSpec, Nullable, Values};
use crate::units::{Money, NONE_IX};

/// Flags; a customer may have several.
const FLAGS: [&str; 6] = [
    "one purchase day",
    "refunds dominate",
    "no repeat revenue",
    "spend depends on frequency",
    "no order value",
    "spend has no variance",
];

/// What is said of one customer.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    p_alive: f64,
    pub orders: f64,
    /// Minor units.
    order_value: Option<i64>,
    /// Minor units.
    pub value: Option<i64>,
    /// Variance of the value in major units; none where it does not exist.
    pub variance: Option<f64>,
    /// Interval of 80%, minor units.
    value_bounds: Option<[i64; 2]>,
    /// Interval of 80%.
    orders_bounds: [u32; 2],
    p_buy: [f64; WINDOWS.len()],
    /// Minor units.
    pub residual: Option<i64>,
    next_order: Option<i32>,
    win_back: Option<i32>,
    /// Bits of [`FLAGS`].
    flags: u32,
}

/// What scoring reads.
pub struct Scoring<'a> {
    pub now: &'a CustomerFeatures,
    pub model: &'a Model,
    /// Model of the customers who are scored.
    pub purchases: &'a Fitted,
    pub table: &'a ExpectationTable,
    pub intervals: &'a Intervals,
    /// The same for customers whose repeats brought no money.
    pub unpaid: &'a Intervals,
    pub clock: &'a Clock,
}

impl Scoring<'_> {
    /// Scores a customer.
    pub fn score(&self, ix: usize, history: History) -> Option<Score> {
        let Self { now, model, purchases, table, clock, intervals, unpaid } = self;
        let is_unpaid = counted(history.n_repeats, Money(now.repeat_revenue[ix])).0 < history.n_repeats;
        let intervals = if is_unpaid { unpaid } else { intervals };
        let (if_alive, bounds) = (table.get(history)?, intervals.get(history)?);
        let p_alive = purchases.p_alive(history);
        let revenue =
            model.spend.as_ref().and_then(|s| s.expected_spend(history.n_repeats, Money(now.repeat_revenue[ix])));
        let order_value = revenue.map(|revenue| revenue * model.basis.share_of_revenue(now, ix));
        let worth = |orders: f64| order_value.map(|major| Money::from_major(p_alive * orders * major).0);
        let purchases = &purchases.0.model;
        let repeat_revenue = now.repeat_revenue[ix];
        let scale = model.spend.as_ref().map(|spend| spend.scale(history.n_repeats, Money(repeat_revenue)));
        let factor = scale.map(|scale| scale * model.basis.share_of_revenue(now, ix) * if_alive.mean_discount());
        let in_money = |(multiples, factor): ([f64; 2], f64)| {
            let ends = multiples.map(|multiple| Money::from_major(multiple * factor).0);
            // A negative margin turns the interval round.
            [ends[0].min(ends[1]), ends[0].max(ends[1])]
        };
        let first_day = now.first_day.get(ix)?;
        let is_near = |day: &i32| day.saturating_sub(now.as_of.0) <= MAX_DAYS as i32;
        Some(Score {
            p_alive,
            orders: p_alive * if_alive.expected,
            order_value: order_value.map(|major| Money::from_major(major).0),
            value: worth(if_alive.discounted),
            variance: order_value
                .zip(factor)
                .and_then(|(mean, _)| self.variance(ix, history, p_alive, &if_alive, mean)),
            value_bounds: order_value.and(bounds.spend.zip(factor)).map(in_money),
            orders_bounds: bounds.orders,
            p_buy: if_alive.buys.map(|buys| (p_alive * buys).clamp(0.0, 1.0)),
            residual: if_alive.for_ever.and_then(worth),
            next_order: days_to_next_order(purchases, history, p_alive, &if_alive.buys, clock)
                .and_then(|ticks| Some(clock.day_ahead(first_day, ticks)?.0)),
            win_back: table
                .win_back(history)
                .and_then(|age| Some(clock.day_of_age(first_day, age)?.0.max(now.last_day.get(ix)?)))
                .filter(is_near),
            flags: self.flags(ix, history, order_value),
        })
    }

    /// Variance of the value, from the moments of orders and spend at the fit, see [`equity`](super::equity).
    fn variance(&self, ix: usize, history: History, p_alive: f64, if_alive: &IfAlive, each: f64) -> Option<f64> {
        let spend = self.model.spend.as_ref()?.parameters();
        let repeat_revenue = Money(self.now.repeat_revenue[ix]);
        let (x, brought) = counted(history.n_repeats, repeat_revenue);
        let (scale, c) = (spend.v + brought, spend.p * f64::from(x) + spend.q);
        let share = self.model.basis.share_of_revenue(self.now, ix);
        let (orders, squared) = (p_alive * if_alive.expected, p_alive * if_alive.squared);
        let square = (spend.p * orders + spend.p * spend.p * squared) * (scale * share).powi(2);
        let variance = square / ((c - 1.0) * (c - 2.0)) - (orders * each).powi(2);
        (c > 2.0).then_some(variance.max(0.0) * if_alive.mean_discount().powi(2))
    }

    fn flags(&self, ix: usize, history: History, order_value: Option<f64>) -> u32 {
        let (now, spend) = (self.now, self.model.spend.as_ref());
        let (x, _) = counted(history.n_repeats, Money(now.repeat_revenue[ix]));
        let has_no_variance = spend.is_some_and(|spend| spend.p * f64::from(x) + spend.q <= 2.0);
        let comes_back = history.n_repeats > 0;
        let correlates = spend.and_then(|spend| spend.correlation).is_some_and(|c| c.abs() > NOTABLE_CORRELATION);
        let holds = [
            !comes_back,
            now.gross_revenue[ix] > 0 && now.revenue[ix] <= now.gross_revenue[ix] / 2,
            comes_back && now.repeat_revenue[ix] <= 0,
            correlates,
            order_value.is_none(),
            order_value.is_some() && has_no_variance,
        ];
        holds.into_iter().enumerate().map(|(bit, holds)| u32::from(holds) << bit).sum()
    }
}

/// Names and meanings of the columns; where opportunities are counted, one with a purchase stands for a purchase day.
pub fn columns(opportunity: Option<Opportunity>) -> Vec<ColumnSpec> {
    use ColumnKind::{Date, Integer, Money, Number, Text};
    let in_its_unit = |name: &str, meaning: &'static str| match name {
        _ if opportunity.is_none() => meaning,
        "clv_p_alive" => "probability of still being a customer at the next opportunity, 0 to 1",
        "clv_expected_orders" => {
            "opportunities with a purchase to be expected of those that end within the value horizon"
        }
        "clv" => "discounted worth of the opportunities with a purchase within the value horizon",
        "clv_orders_low" => {
            "with a probability of 90% there will be at least so many opportunities with a purchase within the value horizon"
        }
        "clv_p_buy_30" => {
            "probability of a purchase in the opportunities that end within 30 days, at least one, 0 to 1"
        }
        "clv_p_buy_90" => {
            "probability of a purchase in the opportunities that end within 90 days, at least one, 0 to 1"
        }
        "clv_p_buy_365" => {
            "probability of a purchase in the opportunities that end within 365 days, at least one, 0 to 1"
        }
        "clv_residual" => {
            "discounted worth of all opportunities with a purchase to come; none at a discount rate of zero"
        }
        "clv_next_order_date" => {
            "end of the opportunity by which a next purchase is as likely as not; none where it never is within ten years"
        }
        _ => meaning,
    };
    [
        ("clv_p_alive", Number, "probability of still being a customer, 0 to 1"),
        ("clv_expected_orders", Number, "purchase days to be expected within the value horizon (a year unless stated)"),
        (
            "clv_expected_order_value",
            Money,
            "expected worth of one of them: margin where costs are known, else revenue",
        ),
        ("clv", Money, "discounted worth of the purchase days within the value horizon"),
        (
            "clv_low",
            Money,
            "with a probability of 90% the worth will be at least this; nought where no order is more likely than 10%",
        ),
        ("clv_high", Money, "with a probability of 90% the worth will be at most this"),
        (
            "clv_orders_low",
            Integer,
            "with a probability of 90% there will be at least so many purchase days within the value horizon",
        ),
        ("clv_orders_high", Integer, "with a probability of 90% there will be at most so many"),
        ("clv_p_buy_30", Number, "probability of a purchase within 30 days, 0 to 1"),
        ("clv_p_buy_90", Number, "probability of a purchase within 90 days, 0 to 1"),
        ("clv_p_buy_365", Number, "probability of a purchase within 365 days, 0 to 1"),
        ("clv_residual", Money, "discounted worth of all purchase days to come; none at a discount rate of zero"),
        (
            "clv_next_order_date",
            Date,
            "day by which a next purchase is as likely as not; none where it never is within ten years",
        ),
        (
            "clv_win_back_date",
            Date,
            "day from which a customer who stays silent is more likely lost than not; may have passed",
        ),
        ("clv_flag", Text, "why the numbers should be read with care; none where nothing speaks against them"),
    ]
    .into_iter()
    .map(|(name, kind, meaning)| ColumnSpec::new(name, kind, in_its_unit(name, meaning)))
    .collect()
}

/// Lays the scores out in columns.
pub fn fill(scores: &[Option<Score>]) -> Vec<Column> {
    let numbers = |of: &(dyn Fn(&Score) -> f64 + Sync)| {
        Values::Number(scores.iter().map(|s| s.as_ref().map(of)).collect::<Nullable<f64>>())
    };
    let money = |of: fn(&Score) -> Option<i64>| {
        Values::Money(scores.iter().map(|s| s.as_ref().and_then(of)).collect::<Nullable<i64>>())
    };
    let integers = |of: &(dyn Fn(&Score) -> u32 + Sync)| {
        Values::Integer(scores.iter().map(|s| s.as_ref().map(|s| i64::from(of(s)))).collect::<Nullable<i64>>())
    };
    let dates = |of: fn(&Score) -> Option<i32>| {
        Values::Date(scores.iter().map(|s| s.as_ref().and_then(of)).collect::<Nullable<i32>>())
    };
    let ((p_alive, orders, order_value, value, bounds), (p_buy, residual, next_order, win_back, flags)) = rayon::join(
        || {
            let bounds = [
                money(|s| s.value_bounds.map(|ends| ends[0])),
                money(|s| s.value_bounds.map(|ends| ends[1])),
                integers(&|s| s.orders_bounds[0]),
                integers(&|s| s.orders_bounds[1]),
            ];
            (numbers(&|s| s.p_alive), numbers(&|s| s.orders), money(|s| s.order_value), money(|s| s.value), bounds)
        },
        || {
            let p_buy: [Values; WINDOWS.len()] = std::array::from_fn(|ix| numbers(&|s| s.p_buy[ix]));
            (p_buy, money(|s| s.residual), dates(|s| s.next_order), dates(|s| s.win_back), flags(scores))
        },
    );
    let values = [p_alive, orders, order_value, value].into_iter().chain(bounds).chain(p_buy);
    let values = values.chain([residual, next_order, win_back, flags]);
    columns(None).into_iter().zip(values).map(|(spec, values)| Column::new(spec.name, values)).collect()
}

/// Every combination of flags is a label.
fn flags(scores: &[Option<Score>]) -> Values {
    let label = |bits: u32| {
        let set = FLAGS.iter().enumerate().filter(|(bit, _)| (bits >> bit) & 1 == 1).map(|(_, flag)| *flag);
        set.collect::<Vec<_>>().join(", ")
    };
    let code = |score: &Option<Score>| score.and_then(|score| score.flags.checked_sub(1)).unwrap_or(NONE_IX);
    Values::Text {
        codes: scores.iter().map(code).collect(),
        labels: (1..1 << FLAGS.len()).map(label).collect::<Arc<[String]>>(),
    }
}
