//! What a customer bought in a span of days: the outcome of an assignment, and what was known before it.
//!
//! A purchase counts on its own day, net of what came back of it by the day that is looked back from; money that belongs to no purchase counts on its
//! own day. Whoever was assigned and bought nothing counts with zero (intention to treat). `O(log d)` for `d` purchase days, and those in the span.

use std::ops::Range;

use crate::features::Dataset;
use crate::table::NO_COST;

/// Purchases of one customer in a span of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spend {
    /// Days with a purchase that was not returned in full.
    pub n_purchase_days: u32,
    /// Minor units, net of returns.
    pub revenue: i64,
    /// Minor units; nothing where a cost in the span is unknown.
    pub cost: Option<i64>,
}

/// What was known of a customer on the day of the assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    pub spend: Spend,
    pub first_day: Option<i32>,
    pub last_day: Option<i32>,
}

/// Says whether the base knows any cost, so that there are margins.
pub fn has_costs(data: &Dataset) -> bool {
    !(data.purchase_days.cost.is_empty() && data.corrections.cost.is_empty())
}

/// Adds up the purchases of the days after `after` up to and including `last`, as it was known at the end of `known_on`.
pub fn spend(data: &Dataset, customer: u32, after: i32, last: i32, known_on: i32) -> Spend {
    let (days, corrections) = (&data.purchase_days, &data.corrections);
    let mut found = Spend { cost: has_costs(data).then_some(0), ..Spend::default() };
    let add_cost = |sum: Option<i64>, cost: Option<&i64>| match cost {
        Some(&NO_COST) => None,
        Some(cost) => sum.map(|sum| sum + cost),
        None => sum,
    };
    for ix in within(&days.starts, &days.day, customer, after, last) {
        found.n_purchase_days += u32::from(days.gone_on[ix] > known_on);
        found.revenue += days.gross[ix];
        found.cost = add_cost(found.cost, days.cost.get(ix));
    }
    for ix in within(&corrections.starts, &corrections.day, customer, after, last) {
        if corrections.known_on[ix] <= known_on {
            found.revenue += corrections.revenue[ix];
            found.cost = add_cost(found.cost, corrections.cost.get(ix));
        }
    }
    found
}

/// Returns what was known of a customer at the end of a day.
pub fn before(data: &Dataset, customer: u32, day: i32) -> Before {
    let days = &data.purchase_days;
    let kept = || within(&days.starts, &days.day, customer, i32::MIN, day).filter(|ix| days.gone_on[*ix] > day);
    Before {
        spend: spend(data, customer, i32::MIN, day, day),
        first_day: kept().next().map(|ix| days.day[ix]),
        last_day: kept().next_back().map(|ix| days.day[ix]),
    }
}

/// Returns the rows of a customer whose days lie after `after` and not after `last`; days of a customer ascend.
fn within(starts: &[usize], days: &[i32], customer: u32, after: i32, last: i32) -> Range<usize> {
    let (start, end) = (starts[customer as usize], starts[customer as usize + 1]);
    let own = &days[start..end];
    let from = own.partition_point(|day| *day <= after);
    let to = own.partition_point(|day| *day <= last);
    start + from..start + to.max(from)
}
