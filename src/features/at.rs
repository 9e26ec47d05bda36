//! The base as of a day: counts, dates and money of every customer.
//!
//! `O(purchase days + orders + corrections)`, in parallel over chunks of customers.

use std::ops::Range;

use rayon::prelude::*;

use super::Dataset;
use crate::table::{NO_COST, Nullable};
use crate::units::Day;

/// Customers that one task works on.
const BLOCK: usize = 16_384;

/// One entry a customer in every column, as of the end of `as_of`.
#[derive(Debug, Clone)]
pub struct CustomerFeatures {
    pub as_of: Day,
    /// Purchase days; 0 where nothing bought was kept. Repeats are `x = n_purchase_days − 1`.
    pub n_purchase_days: Vec<u32>,
    /// First purchase day, unknown where there is none; age `T = as_of − first`.
    pub first_day: Nullable<i32>,
    /// Last purchase day; recency is `as_of − last`, `t_x = last − first`.
    pub last_day: Nullable<i32>,
    /// Orders not returned in full.
    pub n_orders: Vec<u32>,
    /// Sale lines only, minor units.
    pub gross_revenue: Vec<i64>,
    /// Net of returns and adjustments, minor units.
    pub revenue: Vec<i64>,
    /// Revenue minus cost, unknown where any cost of the customer is; all unknown where no cost is mapped.
    pub margin: Nullable<i64>,
    /// Net revenue of the purchase days after the first, minor units: what Gamma-Gamma is fitted on.
    pub repeat_revenue: Vec<i64>,
}

/// One customer as of a day.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    n_purchase_days: u32,
    first_last: Option<(i32, i32)>,
    n_orders: u32,
    gross: i64,
    revenue: i64,
    margin: Option<i64>,
    repeat_revenue: i64,
}

/// Derives the features as of the end of `day` in one pass over purchase days, orders and corrections.
pub fn at(data: &Dataset, day: Day) -> CustomerFeatures {
    let blocks: Vec<Range<usize>> =
        (0..data.n_customers()).step_by(BLOCK).map(|from| from..(from + BLOCK).min(data.n_customers())).collect();
    let pieces: Vec<CustomerFeatures> = blocks
        .into_par_iter()
        .map(|customers| of_rows(day, customers.map(|ix| row(data, ix, day.0)).collect()))
        .collect();
    CustomerFeatures {
        as_of: day,
        n_purchase_days: joined(&pieces, |piece| &piece.n_purchase_days),
        first_day: pieces.iter().flat_map(|piece| piece.first_day.iter()).collect(),
        last_day: pieces.iter().flat_map(|piece| piece.last_day.iter()).collect(),
        n_orders: joined(&pieces, |piece| &piece.n_orders),
        gross_revenue: joined(&pieces, |piece| &piece.gross_revenue),
        revenue: joined(&pieces, |piece| &piece.revenue),
        margin: pieces.iter().flat_map(|piece| piece.margin.iter()).collect(),
        repeat_revenue: joined(&pieces, |piece| &piece.repeat_revenue),
    }
}

fn joined<T: Copy>(pieces: &[CustomerFeatures], column: impl Fn(&CustomerFeatures) -> &Vec<T>) -> Vec<T> {
    let mut all = Vec::with_capacity(pieces.iter().map(|piece| column(piece).len()).sum());
    pieces.iter().for_each(|piece| all.extend_from_slice(column(piece)));
    all
}

fn of_rows(day: Day, rows: Vec<Row>) -> CustomerFeatures {
    CustomerFeatures {
        as_of: day,
        n_purchase_days: rows.iter().map(|row| row.n_purchase_days).collect(),
        first_day: rows.iter().map(|row| row.first_last.map(|(first, _)| first)).collect(),
        last_day: rows.iter().map(|row| row.first_last.map(|(_, last)| last)).collect(),
        n_orders: rows.iter().map(|row| row.n_orders).collect(),
        gross_revenue: rows.iter().map(|row| row.gross).collect(),
        revenue: rows.iter().map(|row| row.revenue).collect(),
        margin: rows.iter().map(|row| row.margin).collect(),
        repeat_revenue: rows.iter().map(|row| row.repeat_revenue).collect(),
    }
}

fn row(data: &Dataset, customer: usize, today: i32) -> Row {
    let mut row = Row::default();
    let no_cost_mapped = data.purchase_days.cost.is_empty() && data.corrections.cost.is_empty();
    let mut cost = if no_cost_mapped { NO_COST } else { 0 };
    let mut add_cost = |change: Option<&i64>| {
        if let Some(change) = change {
            cost = if cost == NO_COST || *change == NO_COST { NO_COST } else { cost + change };
        }
    };
    let (days, corrections, orders) = (&data.purchase_days, &data.corrections, &data.orders);
    let mut next = corrections.starts[customer];
    let end = corrections.starts[customer + 1];
    for ix in days.starts[customer]..days.starts[customer + 1] {
        let day = days.day[ix];
        if day > today {
            break;
        }
        row.gross += days.gross[ix];
        add_cost(days.cost.get(ix));
        // Corrections stand by the day they are booked on, as purchase days do: one merge pass serves both.
        let mut net = days.gross[ix];
        while next < end && corrections.day[next] <= day {
            if corrections.day[next] == day && corrections.known_on[next] <= today {
                net += corrections.revenue[next];
            }
            next += 1;
        }
        if days.gone_on[ix] > today {
            let first = row.first_last.map_or(day, |(first, _)| first);
            if row.n_purchase_days > 0 {
                row.repeat_revenue += net;
            }
            row.first_last = Some((first, day));
            row.n_purchase_days += 1;
        }
    }
    row.revenue = row.gross;
    for ix in corrections.starts[customer]..end {
        if corrections.known_on[ix] <= today {
            row.revenue += corrections.revenue[ix];
            add_cost(corrections.cost.get(ix));
        }
    }
    let kept = |ix: &usize| orders.day[*ix] <= today && orders.gone_on[*ix] > today;
    row.n_orders = (orders.starts[customer]..orders.starts[customer + 1]).filter(kept).count() as u32;
    row.margin = (cost != NO_COST).then(|| row.revenue - cost);
    row
}
