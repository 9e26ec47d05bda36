//! Customer equity: the value of all customers, or of some of them, with an interval of 80% for the sum.
//!
//! Two things are unknown. Each customer's own future, independent of all others: the variances of the values add up,
//!
//! ```text
//! E[Z]  = E[N] p (v + S)/(c − 1),   E[Z²] = (p E[N] + p² E[N²]) (v + S)²/((c − 1)(c − 2)),   c = p x + q
//! ```
//!
//! for orders `N` and their spend `Z` ([`super::intervals`]), times discount and margin rate. And the parameters, the same for all: what one standard
//! deviation along each direction ([`Uncertainty`]) moves the sum by, squared and added up, which is why a sum is wider than its customers, taken to be
//! independent, would say. The directions are followed for one in so many customers, [`MOST`] at most; the others of a segment move as those do.
//! The sum is taken as log-normal, which it is next to for a few customers and for many, or as normal where it is not positive.
//!
//! Where `c ≤ 2` for a customer the spend has no variance, and there is no interval for a sum with this customer in it. Groups
//! with parameters of their own move by the share that the fit to all does. `O(MOST)` a direction. Source: the moments of the beta prime distribution; Fader and Hardie, note 025, for the model.

use rayon::prelude::*;

use super::basis::Basis;
use super::histories::History;
use super::score::Score;
use super::uncertainty::{Point, Uncertainty};
use super::value::Horizon;
use crate::features::CustomerFeatures;
use crate::units::{MONEY_SCALE, Money};

/// Customers that are followed along the directions of the parameters.
pub const MOST: usize = 5_000;

/// 90% point of the standard normal distribution.
const NORMAL_90: f64 = 1.281_551_565_544_600_5;

/// Values of all customers, prepared for sums over any of them; major units.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Equity {
    /// Value of each customer in minor units, whose sums do not depend on their order.
    value: Vec<Option<i64>>,
    /// Variance of it; none where there is none.
    variance: Vec<Option<f64>>,
    /// One in so many customers is followed.
    step: usize,
    n_directions: usize,
    /// By followed customer and direction: what one standard deviation moves the value by.
    shifts: Vec<f64>,
}

/// A sum of values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    pub n_customers: u64,
    /// Major units.
    pub value: f64,
    /// Interval of 80%.
    pub interval: Option<[f64; 2]>,
}

/// What the sums of values are followed by.
pub struct Source<'a> {
    pub now: &'a CustomerFeatures,
    pub customers: &'a [Option<History>],
    /// Around the fit to all customers, whose directions groups follow as well.
    pub pooled: &'a Uncertainty,
    pub horizon: &'a Horizon,
    pub basis: &'a Basis,
}

impl Equity {
    /// Follows the scores of some customers along the directions of the parameters.
    pub fn of(source: &Source<'_>, scores: &[Option<Score>]) -> Self {
        let step = scores.len().div_ceil(MOST).max(1);
        let followed: Vec<usize> = (0..scores.len()).step_by(step).collect();
        let value = |ix: &usize| scores[*ix].and_then(|score| score.value);
        let values: Vec<f64> = followed.iter().map(|ix| value(ix).unwrap_or(0) as f64 / MONEY_SCALE as f64).collect();
        let at_fit = source.values_at(&source.pooled.fit, &followed);
        let deviations = 2.0 * (source.pooled.around.len() as f64).sqrt();
        let shifts = |ends: &[Point; 2]| -> Vec<f64> {
            let [up, down] = ends.each_ref().map(|point| source.values_at(point, &followed));
            let relative = |nth: usize| if at_fit[nth] == 0.0 { 0.0 } else { (up[nth] - down[nth]) / at_fit[nth] };
            (0..followed.len()).map(|nth| values[nth] * relative(nth) / deviations).collect()
        };
        let directions: Vec<Vec<f64>> = source.pooled.around.iter().map(shifts).collect();
        let of_customer = |nth: usize| directions.iter().map(move |shifts| shifts[nth]);
        Self {
            value: scores.iter().map(|score| score.and_then(|score| score.value)).collect(),
            variance: scores.iter().map(|score| score.and_then(|score| score.variance)).collect(),
            step,
            n_directions: directions.len(),
            shifts: (0..followed.len()).flat_map(of_customer).collect(),
        }
    }

    /// Returns the value of some customers, each named once.
    pub fn sum(&self, members: impl Iterator<Item = usize>) -> Sum {
        let (mut sum, mut variance) = (Sum::default(), Some(0.0));
        let (mut total, mut followed, mut shifts) = (0_i128, 0_i128, vec![0.0; self.n_directions]);
        for ix in members {
            sum.n_customers += 1;
            let Some(value) = self.value[ix] else { continue };
            total += i128::from(value);
            variance = variance.zip(self.variance[ix]).map(|(sum, own)| sum + own);
            if ix % self.step == 0 {
                followed += i128::from(value);
                let row = ix / self.step * self.n_directions;
                for (shift, own) in shifts.iter_mut().zip(&self.shifts[row..row + self.n_directions]) {
                    *shift += own;
                }
            }
        }
        // Nobody among few is followed: then they move as all do.
        if followed == 0 {
            followed = (0..self.value.len()).step_by(self.step).filter_map(|ix| self.value[ix]).map(i128::from).sum();
            for (direction, shift) in shifts.iter_mut().enumerate() {
                *shift = self.shifts.iter().skip(direction).step_by(self.n_directions).sum();
            }
        }
        let scale = if followed == 0 { 0.0 } else { total as f64 / followed as f64 };
        sum.value = total as f64 / MONEY_SCALE as f64;
        let of_parameters: f64 = shifts.iter().map(|shift| (scale * shift).powi(2)).sum();
        sum.interval = variance.map(|own| interval(sum.value, own + of_parameters));
        sum
    }

    /// Returns the value of all customers.
    pub fn total(&self) -> Sum {
        self.sum((0..self.value.len()).filter(|ix| self.value[*ix].is_some()))
    }
}

/// Ends of the interval of a sum with the given mean and variance.
fn interval(mean: f64, variance: f64) -> [f64; 2] {
    let ends = [-1.0, 1.0];
    if mean > 0.0 {
        let spread = (variance / (mean * mean)).ln_1p();
        ends.map(|end| mean * (end * NORMAL_90 * spread.sqrt() - 0.5 * spread).exp())
    } else {
        ends.map(|end| mean + end * NORMAL_90 * variance.sqrt())
    }
}

impl Source<'_> {
    /// Values of the followed customers with other parameters; nought where there is none.
    fn values_at(&self, point: &Point, followed: &[usize]) -> Vec<f64> {
        followed.par_iter().with_min_len(256).map(|ix| self.value_at(point, *ix).unwrap_or(0.0)).collect()
    }

    fn value_at(&self, point: &Point, ix: usize) -> Option<f64> {
        let (history, spend) = (self.customers[ix]?, point.spend?);
        let History { n_repeats, days_to_last, age_days } = history;
        let (t_x, age) = (f64::from(days_to_last), f64::from(age_days));
        let formulas = point.purchases.formulas();
        let if_alive = self.horizon.discounted(|t| formulas.expected_if_alive(n_repeats, t_x, age, t));
        let (x, brought) = self.spent(ix, history);
        let each = spend.expected_spend(x, brought)? * self.basis.share_of_revenue(self.now, ix);
        Some(point.purchases.p_alive(history) * if_alive * each)
    }

    /// Repeats that count for the spend and what they brought; who brought nothing is as good as new.
    fn spent(&self, ix: usize, history: History) -> (u32, f64) {
        match Money(self.now.repeat_revenue[ix]) {
            brought if history.n_repeats > 0 && brought.0 > 0 => (history.n_repeats, brought.major()),
            _ => (0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two customers of 100.00 and 300.00, variances 400 and 1,600, one direction that moves them by 10 and by 30.
    fn equity() -> Equity {
        Equity {
            value: vec![Some(10_000), None, Some(30_000)],
            variance: vec![Some(400.0), None, Some(1_600.0)],
            step: 1,
            n_directions: 1,
            shifts: vec![10.0, 0.0, 30.0],
        }
    }

    #[test]
    fn variances_add_up_and_shifts_do_so_before_they_are_squared() {
        let total = equity().total();
        assert_eq!((total.n_customers, total.value), (2, 400.0));
        let spread = ((400.0 + 1_600.0 + 40.0_f64 * 40.0) / (400.0 * 400.0)).ln_1p();
        let [low, high] = total.interval.unwrap();
        assert!((high / low - (2.0 * NORMAL_90 * spread.sqrt()).exp()).abs() < 1e-12);
        assert!(low < 400.0 && high > 400.0);
        // Nobody is worth nothing, for sure.
        assert_eq!(equity().sum([1].into_iter()).interval, Some([0.0, 0.0]));
    }

    /// Who is not followed moves as those do who are.
    #[test]
    fn a_customer_who_is_not_followed_moves_like_the_others() {
        let followed = equity().sum([2].into_iter());
        let thinned = Equity { step: 3, shifts: vec![10.0], ..equity() };
        let [one, other] = [followed, thinned.sum([2].into_iter())].map(|sum| sum.interval.unwrap());
        assert!((one[0] / other[0] - 1.0).abs() < 1e-12 && (one[1] / other[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn without_a_variance_there_is_no_interval() {
        let wild = Equity { variance: vec![Some(400.0), None, None], ..equity() };
        assert_eq!(wild.total().interval, None);
        assert!(wild.sum([0].into_iter()).interval.is_some());
    }

    #[test]
    fn a_loss_has_an_interval_around_it() {
        let [low, high] = interval(-100.0, 25.0);
        assert!((low + 100.0 + 5.0 * NORMAL_90).abs() < 1e-12 && (high + 100.0 - 5.0 * NORMAL_90).abs() < 1e-12);
        assert_eq!(interval(0.0, 0.0), [0.0, 0.0]);
    }
}
