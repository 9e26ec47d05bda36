//! The figures that tell how likely a customer is to buy a product, and the regression on them.
//!
//! | figure                   | new products | repeats | meaning                                                            |
//! |--------------------------|:---:|:---:|----------------------------------------------------------------------------|
//! | `ln score`               | x   |     | what the customer's products say, see [`super::candidates`]                 |
//! | popularity, its `ln`     | x   | x   | owners as a share of the most that a product has                            |
//! | `ln` purchase days       | x   | x   | of the customer                                                             |
//! | `ln` products a day      | x   | x   | of the customer                                                             |
//! | `ln` recency, `ln` rate  | x   | x   | days since the last purchase day, purchase days a day since the first      |
//! | `d`, `ln d`              |     | x   | decayed purchase days of the product                                        |
//! | `ln` days, `ln` fresh    |     | x   | purchase days of the product, and decayed by the half-life of new products |
//! | `ln` again               |     | x   | how often the product is bought again, see [`super::past`]                  |
//! | due, due²                |     | x   | `ln` of days since it was bought over the usual gap, the customer's own if there is one |
//!
//! A logistic regression on them is fitted to what the customers did next ([`super::model`]): it puts repeats and new products, of
//! which very different shares are bought, on one scale. Time between purchases of the same product as a figure: Romanov et al.,
//! "Time-Aware Item Weighting for the Next Basket Recommendations", RecSys 2023.

use super::past::{Bought, Item, Purchases};
use crate::analysis::churn::logistic::{self, FittedLogistic};
use crate::analysis::churn::sample::{FitError, Matrix, Sample};

/// Figures of a new product.
pub const NEW: usize = 7;
/// Figures of a repeat.
pub const AGAIN: usize = 13;

/// Figures of the customer alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shopper([f64; 4]);

impl Shopper {
    /// Computes them as of `today`.
    pub fn of(own: &Purchases, today: i32) -> Self {
        let (Some(first), Some(last)) = (own.days.first(), own.days.last()) else { return Self([0.0; 4]) };
        let n_days = own.days.len() as f64;
        let rate = n_days / f64::from(today - first + 1);
        let recency = f64::from(today - last + 1);
        Self([n_days.ln(), (own.n_items as f64 / n_days).ln(), recency.ln(), rate.ln()])
    }
}

/// Returns the figures of a new product; scores below `least` say as little as that.
pub fn of_new(score: f32, least: f64, item: Item, shopper: Shopper) -> [f64; NEW] {
    let [n_days, size, recency, rate] = shopper.0;
    [f64::from(score).max(least).ln(), item.popularity, item.ln_popularity, n_days, size, recency, rate]
}

/// Returns the figures of a product that was bought before.
pub fn of_repeat(bought: Bought, item: Item, shopper: Shopper, today: i32) -> [f64; AGAIN] {
    let [n_days, size, recency, rate] = shopper.0;
    let since = f64::from(today - bought.last + 1);
    let gap =
        if bought.n_days > 1 { f64::from(bought.last - bought.first) / f64::from(bought.n_days - 1) } else { item.gap };
    let due = (since / gap.max(1.0)).ln();
    let ln_decayed = bought.decayed.max(1e-12).ln();
    [
        item.popularity,
        item.ln_popularity,
        bought.decayed,
        ln_decayed,
        f64::from(bought.n_days).ln(),
        // Smaller than any decayed day that matters, larger than what `exp2` gives up on.
        bought.fresh.max(1e-12).ln(),
        item.ln_again,
        due,
        due * due,
        n_days,
        size,
        recency,
        rate,
    ]
}

/// A fitted regression, ready to be applied to one row of `N` figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear<const N: usize> {
    intercept: f64,
    weight: [f64; N],
}

/// λ of the regression, in rows.
const PENALTY: f64 = 1.0;

impl<const N: usize> Linear<N> {
    /// Fits the regression to rows of figures and what came of them.
    ///
    /// # Errors
    /// Where all came to the same.
    pub fn fit(rows: &[[f64; N]], label: &[bool]) -> Result<Self, FitError> {
        let mut features = Matrix::new(rows.len());
        (0..N).for_each(|figure| features.push(rows.iter().map(|row| Some(row[figure]))));
        let sample = Sample { features: &features, label, weight: None };
        Ok(Self::from(&logistic::fit(&sample, logistic::Params { penalty: PENALTY })?))
    }

    /// Returns the logit of a row.
    #[inline]
    pub fn logit(&self, row: &[f64; N]) -> f64 {
        self.intercept + row.iter().zip(&self.weight).map(|(x, weight)| x * weight).sum::<f64>()
    }
}

impl<const N: usize> From<&FittedLogistic> for Linear<N> {
    fn from(fitted: &FittedLogistic) -> Self {
        let mut linear = Self { intercept: fitted.intercept, weight: [0.0; N] };
        for term in fitted.terms.iter().filter(|term| !term.of_missing) {
            let slope = term.coefficient * term.scale;
            linear.intercept -= slope * term.mean;
            if let Some(weight) = linear.weight.get_mut(term.column) {
                *weight += slope;
            }
        }
        linear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_by_hand_is_that_of_the_kernel() {
        let rows: Vec<[f64; 2]> = (0..200).map(|i| [f64::from(i % 17), f64::from(i * 7 % 23) / 3.0]).collect();
        let label: Vec<bool> = (0..200).map(|i| (i * 13 % 31) < 9 + i % 17).collect();
        let linear = Linear::fit(&rows, &label).unwrap();
        let mut features = Matrix::new(200);
        (0..2).for_each(|figure| features.push(rows.iter().map(|row| Some(row[figure]))));
        let sample = Sample { features: &features, label: &label, weight: None };
        let fitted = logistic::fit(&sample, logistic::Params { penalty: PENALTY }).unwrap();
        for (row, p) in rows.iter().zip(fitted.probabilities(&features)) {
            assert!((logistic::probability(linear.logit(row)) - p).abs() < 1e-6);
        }
        assert!(Linear::fit(&rows, &[true; 200]).is_err());
    }

    #[test]
    fn figures_of_a_repeat_know_what_is_due() {
        let mut own = Purchases::default();
        own.days.extend([0, 10, 20]);
        own.n_items = 6;
        let shopper = Shopper::of(&own, 29);
        assert_eq!(shopper.0, [3_f64.ln(), 2_f64.ln(), 10_f64.ln(), 0.1_f64.ln()]);
        let item = Item { gap: 5.0, ..Item::default() };
        let twice = Bought { item: 0, n_days: 2, first: 0, last: 10, decayed: 1.0, fresh: 1.0 };
        assert!((of_repeat(twice, item, shopper, 29)[7] - 2_f64.ln()).abs() < 1e-12);
        let once = Bought { n_days: 1, first: 10, ..twice };
        assert!((of_repeat(once, item, shopper, 29)[7] - 4_f64.ln()).abs() < 1e-12);
        // Half-lives long past leave a figure that is a number.
        let faded = Bought { decayed: 0.0, fresh: 0.0, ..once };
        assert!(of_repeat(faded, item, shopper, 29).iter().all(|x| x.is_finite()));
        assert!(of_new(0.0, 1e-6, item, shopper).iter().all(|x| x.is_finite()));
    }
}
