//! What an order is worth: its revenue, or the margin in it.
//!
//! On margin the expected revenue of an order is multiplied by the customer's margin rate, shrunk to the base's as if [`PRIOR_DAYS`] average
//! purchase days `o` at the base's rate `R` had been seen on top: `(margin + 3 o R) / (revenue + 3 o)`; a customer whose margin
//! is unknown or whose revenue is not positive has the base's rate.

use super::histories::History;
use crate::features::CustomerFeatures;

/// Average purchase days at the base's margin rate that every customer is credited with.
pub const PRIOR_DAYS: f64 = 3.0;

/// What counts of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Basis {
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
    /// Reads it from the base: margin where any is known.
    pub fn of(now: &CustomerFeatures, customers: &[Option<History>]) -> Self {
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
    pub fn share_of_revenue(&self, now: &CustomerFeatures, ix: usize) -> f64 {
        let Self::Margin { base_rate, prior_revenue, .. } = *self else { return 1.0 };
        match now.margin.get(ix) {
            Some(margin) if now.revenue[ix] > 0 => {
                (margin as f64 + prior_revenue * base_rate) / (now.revenue[ix] as f64 + prior_revenue)
            }
            _ => base_rate,
        }
    }
}
