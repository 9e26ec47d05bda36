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
//! The sum is taken as log-normal while its deviation is below its mean and nobody costs money, as normal elsewhere, not below nought where no
//! value is.
//!
//! Where `c ≤ 2` for a customer the spend has no variance, and there is no interval for a sum with this customer in it. Groups
//! with parameters of their own move by the share that the fit to all does. `O(MOST)` a direction. Source: the moments of the beta prime distribution; Fader and Hardie, note 025, for the model.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::basis::Basis;
use super::gamma_gamma::counted;
use super::histories::History;
use super::models::dropout::Dropout;
use super::score::Score;
use super::uncertainty::{Point, Uncertainty};
use super::value::Horizon;
use crate::features::CustomerFeatures;
use crate::units::{MONEY_SCALE, Money};

/// Customers that are followed along the directions of the parameters.
pub const MOST: usize = 5_000;

/// Followed customers from which on a sum goes by its own.
const ENOUGH: u32 = 30;

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
        let (mut total, mut is_loss) = (0_i128, false);
        let mut part = Followed::new(self.n_directions);
        for ix in members {
            let Some(value) = self.value[ix] else { continue };
            sum.n_customers += 1;
            variance = variance.zip(self.variance[ix]).map(|(sum, own)| sum + own);
            total += i128::from(value);
            is_loss |= value < 0;
            if ix % self.step == 0 {
                part.add(value, self.shifts_of(ix));
            }
        }
        // Few who are followed, or profits against losses, say little of the others: then these move as all do.
        if self.step > 1 && !part.is_sound() {
            part = Followed::new(self.n_directions);
            for ix in (0..self.value.len()).step_by(self.step) {
                part.add(self.value[ix].unwrap_or(0), self.shifts_of(ix));
            }
        }
        sum.value = total as f64 / MONEY_SCALE as f64;
        let scale = if part.value == 0 { 0.0 } else { total as f64 / part.value as f64 };
        let of_parameters: f64 = part.shifts.iter().map(|shift| (scale * shift).powi(2)).sum();
        sum.interval = variance.map(|own| interval(sum.value, own + of_parameters, is_loss));
        sum
    }

    fn shifts_of(&self, ix: usize) -> &[f64] {
        let row = ix / self.step * self.n_directions;
        &self.shifts[row..row + self.n_directions]
    }

    /// Returns the value of all customers.
    pub fn total(&self) -> Sum {
        self.sum((0..self.value.len()).filter(|ix| self.value[*ix].is_some()))
    }
}

/// Those of a sum who are followed.
struct Followed {
    n: u32,
    /// Minor units, and the same without signs.
    value: i128,
    size: i128,
    shifts: Vec<f64>,
}

impl Followed {
    fn new(n_directions: usize) -> Self {
        Self { n: 0, value: 0, size: 0, shifts: vec![0.0; n_directions] }
    }

    fn add(&mut self, value: i64, shifts: &[f64]) {
        self.n += 1;
        self.value += i128::from(value);
        self.size += i128::from(value.unsigned_abs());
        self.shifts.iter_mut().zip(shifts).for_each(|(sum, own)| *sum += own);
    }

    fn is_sound(&self) -> bool {
        self.n >= ENOUGH && 2 * self.value.abs() >= self.size
    }
}

/// Ends of the interval of a sum with the given mean and variance.
fn interval(mean: f64, variance: f64, is_loss: bool) -> [f64; 2] {
    let ends = [-1.0, 1.0];
    if mean > 0.0 && variance <= mean * mean && !is_loss {
        let spread = (variance / (mean * mean)).ln_1p();
        return ends.map(|end| mean * (end * NORMAL_90 * spread.sqrt() - 0.5 * spread).exp());
    }
    let floor = if is_loss { f64::NEG_INFINITY } else { 0.0 };
    ends.map(|end| (mean + end * NORMAL_90 * variance.sqrt()).max(floor))
}

impl Source<'_> {
    /// Values of the followed customers with other parameters; nought where there is none.
    fn values_at(&self, point: &Point, followed: &[usize]) -> Vec<f64> {
        let repeats: BTreeSet<u32> = followed.iter().filter_map(|ix| Some(self.customers[*ix]?.n_repeats)).collect();
        let dropouts: BTreeMap<u32, Dropout> =
            repeats.into_par_iter().filter_map(|x| Some((x, point.purchases.dropout_after(x)?))).collect();
        let value = |ix: &usize| self.value_at(point, &dropouts, *ix).unwrap_or(0.0);
        followed.par_iter().with_min_len(256).map(value).collect()
    }

    fn value_at(&self, point: &Point, dropouts: &BTreeMap<u32, Dropout>, ix: usize) -> Option<f64> {
        let (history, spend) = (self.customers[ix]?, point.spend?);
        let History { n_repeats, days_to_last, age_days } = history;
        let (t_x, age) = (f64::from(days_to_last), f64::from(age_days));
        let formulas = point.purchases.formulas();
        let if_alive = self.horizon.discounted(|t| match dropouts.get(&n_repeats) {
            Some(dropout) => dropout.expected_if_alive(age, t),
            None => formulas.expected_if_alive(n_repeats, t_x, age, t),
        });
        let (x, brought) = counted(n_repeats, Money(self.now.repeat_revenue[ix]));
        let each = spend.expected_spend(x, brought)? * self.basis.share_of_revenue(self.now, ix);
        Some(point.purchases.p_alive(history) * if_alive * each)
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
        let [low, high] = interval(-100.0, 25.0, true);
        assert!((low + 100.0 + 5.0 * NORMAL_90).abs() < 1e-12 && (high + 100.0 - 5.0 * NORMAL_90).abs() < 1e-12);
        assert_eq!(interval(0.0, 0.0, false), [0.0, 0.0]);
        // A profit and a loss that nearly cancel, and a lost customer: the mean lies inside.
        let [low, high] = interval(1.0, 500_000.0, true);
        assert!(low < -900.0 && high > 900.0);
        assert_eq!(interval(5.0, 2_500.0, false)[0], 0.0);
    }
}
