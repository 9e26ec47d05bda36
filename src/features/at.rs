//! The base as of a day: counts, dates and money of every customer.
//!
//! `O(purchase days + orders + corrections)`, in parallel over chunks of customers.

use rayon::prelude::*;

use super::Dataset;
use crate::table::{NO_COST, Nullable};
use crate::units::Day;

/// Customers whose rows are held at a time.
const BLOCK: usize = 262_144;

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
    let n = data.n_customers();
    let (mut first_day, mut last_day) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let mut margin = Vec::with_capacity(n);
    let mut features = CustomerFeatures {
        as_of: day,
        n_purchase_days: Vec::with_capacity(n),
        first_day: Nullable::from(Vec::new()),
        last_day: Nullable::from(Vec::new()),
        n_orders: Vec::with_capacity(n),
        gross_revenue: Vec::with_capacity(n),
        revenue: Vec::with_capacity(n),
        margin: Nullable::from(Vec::new()),
        repeat_revenue: Vec::with_capacity(n),
    };
    let mut rows: Vec<Row> = Vec::new();
    for from in (0..n).step_by(BLOCK) {
        let customers = (from..(from + BLOCK).min(n)).into_par_iter().with_min_len(BLOCK / 64);
        customers.map(|customer| row(data, customer, day.0)).collect_into_vec(&mut rows);
        features.n_purchase_days.extend(rows.iter().map(|row| row.n_purchase_days));
        first_day.extend(rows.iter().map(|row| row.first_last.map(|(first, _)| first)));
        last_day.extend(rows.iter().map(|row| row.first_last.map(|(_, last)| last)));
        features.n_orders.extend(rows.iter().map(|row| row.n_orders));
        features.gross_revenue.extend(rows.iter().map(|row| row.gross));
        features.revenue.extend(rows.iter().map(|row| row.revenue));
        margin.extend(rows.iter().map(|row| row.margin));
        features.repeat_revenue.extend(rows.iter().map(|row| row.repeat_revenue));
    }
    features.first_day = first_day.into_iter().collect();
    features.last_day = last_day.into_iter().collect();
    features.margin = margin.into_iter().collect();
    features
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
