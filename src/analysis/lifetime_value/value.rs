//! Orders and their discounted number over a calendar horizon, by table.
//!
//! The horizon of `h` months after as-of ends month `k` on the same day of the month, `k` months on. With `g_k` the purchases to be expected
//! up to that day from a customer who is alive, and a yearly discount rate `d`:
//!
//! ```text
//! orders            = P(alive) g_h
//! discounted orders = P(alive) Σ_{k=1..h} (g_k − g_{k−1}) (1 + d)^{−k/12}
//! CLV               = discounted orders × expected order value
//! ```
//!
//! `g` depends on repeats and age alone: a million customers share some 25,000 pairs of them, which are computed in parallel, once; a customer
//! costs a look-up and one probability. `O(cells · h)` for the table. Source: Fader, Hardie and Lee, "RFM and CLV", JMR 42 (2005).

use rayon::prelude::*;

use super::fit_mbg_nbd::FittedMbgNbd;
use super::models::dropout::Dropout;
use crate::units::Day;

/// Month ends after as-of with what an order until then is worth today.
#[derive(Debug, Clone)]
pub struct Horizon {
    /// Days after as-of and discount factor.
    steps: Vec<(f64, f64)>,
}

impl Horizon {
    /// Lays out the months after as-of.
    pub fn months(as_of: Day, n_months: u32, discount_rate_per_year: f64) -> Self {
        let step = |k: u32| {
            let days = f64::from(as_of.add_months(k).0) - f64::from(as_of.0);
            (days, (1.0 + discount_rate_per_year).powf(-f64::from(k) / 12.0))
        };
        Self { steps: (1..=n_months).map(step).collect() }
    }
}

/// Orders over the horizon of customers who are alive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedOrders {
    pub expected: f64,
    pub discounted: f64,
}

/// Orders by repeats and age.
#[derive(Debug, Clone)]
pub struct OrderTable {
    /// Repeats and age in days, ascending.
    cells: Vec<(u32, u32)>,
    orders: Vec<ExpectedOrders>,
}

impl OrderTable {
    /// Computes the orders of distinct, ascending pairs of repeats and age in days.
    pub fn tabulate(model: &FittedMbgNbd, cells: Vec<(u32, u32)>, horizon: &Horizon) -> Self {
        let mut repeats: Vec<u32> = cells.iter().map(|(n_repeats, _)| *n_repeats).collect();
        repeats.dedup();
        let dropouts: Vec<(u32, Dropout)> =
            repeats.into_par_iter().map(|n_repeats| (n_repeats, model.dropout_after(n_repeats))).collect();
        let orders_of = |(n_repeats, age_days): &(u32, u32)| {
            let ix = dropouts.partition_point(|(listed, _)| listed < n_repeats);
            let (mut orders, age) = (ExpectedOrders { expected: 0.0, discounted: 0.0 }, f64::from(*age_days));
            for (days, discount) in &horizon.steps {
                let expected = dropouts[ix].1.expected_if_alive(age, *days);
                orders.discounted += (expected - orders.expected) * discount;
                orders.expected = expected;
            }
            orders
        };
        let orders = cells.par_iter().with_min_len(64).map(orders_of).collect();
        Self { cells, orders }
    }

    /// Returns the orders of a cell, or nothing where it was not asked for.
    pub fn get(&self, n_repeats: u32, age_days: u32) -> Option<ExpectedOrders> {
        self.cells.binary_search(&(n_repeats, age_days)).ok().map(|ix| self.orders[ix])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fit of the CDNOW sample, times in days.
    fn cdnow() -> FittedMbgNbd {
        FittedMbgNbd {
            r: 0.524_843,
            alpha_days: 7.0 * 6.183_085,
            a: 0.891_359,
            b: 1.614_002,
            standard_errors: [None; 4],
            log_likelihood_days: 0.0,
            gain_over_nbd: 0.0,
            n_customers: 0,
            n_repeats: 0,
            n_iterations: 0,
            gradient_norm: 0.0,
            diagnoses: vec![],
        }
    }

    const AS_OF: Day = Day(10_134);

    #[test]
    fn months_end_on_calendar_days() {
        assert_eq!(AS_OF.to_string(), "1997-09-30");
        let days: Vec<f64> = Horizon::months(AS_OF, 6, 0.1).steps.iter().map(|(days, _)| *days).collect();
        // Oct 30, Nov 30, Dec 30, Jan 30, Feb 28, Mar 30.
        assert_eq!(days, [30.0, 61.0, 91.0, 122.0, 151.0, 181.0]);
    }

    /// Without interest the discounted orders are the orders.
    #[test]
    fn at_no_interest_time_costs_nothing() {
        let cells = vec![(0, 0), (0, 273), (2, 272), (26, 217), (300, 700)];
        let table = OrderTable::tabulate(&cdnow(), cells.clone(), &Horizon::months(AS_OF, 12, 0.0));
        for (x, age) in cells {
            let orders = table.get(x, age).unwrap();
            assert!((orders.discounted / orders.expected - 1.0).abs() < 1e-12);
            assert_eq!(orders.expected, cdnow().dropout_after(x).expected_if_alive(f64::from(age), 365.0));
        }
        assert_eq!(table.get(1, 1), None);
    }

    /// Orders of year one are worth between the first and the last discount factor.
    #[test]
    fn interest_lies_between_the_first_and_the_last_month() {
        let table = OrderTable::tabulate(&cdnow(), vec![(2, 272)], &Horizon::months(AS_OF, 12, 0.1));
        let orders = table.get(2, 272).unwrap();
        let share = orders.discounted / orders.expected;
        assert!(share > 1.0 / 1.1 && share < 1.1_f64.powf(-1.0 / 12.0));
        // Early months bring more, so that the share is above that of an even flow.
        assert!(share > 1.1_f64.powf(-6.5 / 12.0), "{share}");
    }
}
