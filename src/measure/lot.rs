//! What the lot alone could have done, where too few customers decide the outcome for Welch's interval to hold.
//!
//! Most customers buy nothing and some buy much, and a control group is a tenth of the contacts: the statistic `t` of Welch is skewed then, and
//! its one-sided error of 2.5% becomes 10 or 40. Its skewness under no effect, with `γ` that of all values together, is
//!
//! ```text
//! a = γ |1/n_s² − 1/n_l²| / (1/n_s + 1/n_l)^{3/2}              arms of n_s ≤ n_l customers
//! ```
//!
//! and it moves the error of each side by `φ(z)·a(2z² + 1)/6`, less than one point while `a < 0.1`. Above that, and where fewer than 10 customers of the
//! smaller arm are expected to differ from zero, the lot is drawn again:
//!
//! | outcome | p                                                              | interval                                                      |
//! |---------|----------------------------------------------------------------|---------------------------------------------------------------|
//! | share   | twice the smaller tail of Fisher's exact test                  | Newcombe's, out of the Wilson intervals of both arms          |
//! | number  | twice the smaller tail of `t` over redrawn arms                | `[d − t*_{97.5%} SE, d − t*_{2.5%} SE]`, quantiles of redraws  |
//!
//! Both p-values keep their error whatever the values are. Up to 9,999 redraws, always the same ones. `O(n + redraws · k)` with `k` customers of the smaller arm
//! who differ from zero.
//!
//! Source: Zhou and Dinh, Biostatistics 6 (2005), equation 2 (the skewness of `t`); Janssen, Statistics & Probability Letters 36 (1997), and Chung and
//! Romano, Annals of Statistics 41 (2013) (studentised permutation); Newcombe, Statistics in Medicine 17 (1998), method 10; Fisher (1935).

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use super::effect::{Difference, Method, OUTSIDE, Summary, difference};
use crate::maths::{hypergeometric, normal};

/// Skewness of the statistic from which on the lot is drawn again.
const SKEWED: f64 = 0.1;
/// Customers of the smaller arm who must be expected to differ from zero for Welch to be asked.
const FEW: f64 = 10.0;
/// Redraws: at most, at least, and values that all of them may take together.
const MOST_REDRAWS: usize = 9_999;
const FEWEST_REDRAWS: usize = 999;
const MOST_VALUES: usize = 50_000_000;
/// Redraws that one stream of random numbers makes.
const A_STREAM: usize = 500;
/// Two statistics that differ by less are the same.
const SAME: f64 = 1e-9;

/// Compares an arm with its control group by the way that fits how many decide.
pub fn compared(arm: &[f64], control: &[f64], is_share: bool) -> Option<Difference> {
    let (own, of_control) = (Summary::of(arm), Summary::of(control));
    let welch = difference(&own, &of_control);
    if !is_skewed(arm, control) {
        return welch;
    }
    if is_share && own.n > 1 && of_control.n > 1 {
        return share(arm, control, &own, &of_control);
    }
    redrawn(arm, control, &welch?)
}

/// Says whether the statistic of Welch is too skewed.
fn is_skewed(arm: &[f64], control: &[f64]) -> bool {
    let (smaller, larger) = (arm.len().min(control.len()) as f64, arm.len().max(control.len()) as f64);
    let all = || arm.iter().chain(control).copied();
    let n = smaller + larger;
    if smaller < 1.0 {
        return false;
    }
    let n_some = all().filter(|value| *value != 0.0).count() as f64;
    let n_zero = n - n_some;
    let expected = smaller * n_some / n;
    if n_zero > 0.0 && n_some > 0.0 && expected < FEW {
        return true;
    }
    let mean = all().sum::<f64>() / n;
    let [squares, cubes] = all().fold([0.0; 2], |[squares, cubes], value| {
        let from = value - mean;
        [squares + from * from, cubes + from * from * from]
    });
    let skewness = (cubes / n) / (squares / n).powf(1.5);
    let parts = [smaller, larger].map(|n| 1.0 / n);
    let of_statistic = skewness * (parts[0] * parts[0] - parts[1] * parts[1]) / (parts[0] + parts[1]).powf(1.5);
    of_statistic.abs() >= SKEWED
}

/// Compares two shares by Fisher and Newcombe.
fn share(arm: &[f64], control: &[f64], own: &Summary, of_control: &Summary) -> Option<Difference> {
    let count = |values: &[f64]| values.iter().filter(|value| **value != 0.0).count() as u64;
    let ([a, c], [n, m]) = ([count(arm), count(control)], [own.n, of_control.n]);
    let (p_arm, p_control) = (own.mean?, of_control.mean?);
    let value = p_arm - p_control;
    let [low, high] = wilson(p_arm, n)?;
    let [control_low, control_high] = wilson(p_control, m)?;
    let interval =
        [value - (p_arm - low).hypot(control_high - p_control), value + (high - p_arm).hypot(p_control - control_low)];
    let (more, fewer) = (hypergeometric::at_least(a, n + m, a + c, n), hypergeometric::at_least(c, n + m, a + c, m));
    let p = (2.0 * more.min(fewer)).min(1.0);
    let standard_error = (p_arm * (1.0 - p_arm) / n as f64 + p_control * (1.0 - p_control) / m as f64).sqrt();
    Some(Difference { value, standard_error, interval, p, method: Method::Exact })
}

/// Returns the interval of a share of `n` customers.
fn wilson(share: f64, n: u64) -> Option<[f64; 2]> {
    let z = normal::two_sided_quantile(OUTSIDE)?;
    let (n, squared) = (n as f64, z * z);
    if n < 1.0 {
        return None;
    }
    let half = z * (share * (1.0 - share) / n + squared / (4.0 * n * n)).sqrt();
    let ends = [-half, half].map(|half| (share + squared / (2.0 * n) + half) / (1.0 + squared / n));
    Some([ends[0].clamp(0.0, share), ends[1].clamp(share, 1.0)])
}

/// Compares two means by drawing the arms again.
fn redrawn(arm: &[f64], control: &[f64], welch: &Difference) -> Option<Difference> {
    let arm_is_smaller = arm.len() <= control.len();
    let pool = Pool::of(if arm_is_smaller { [arm, control] } else { [control, arm] });
    let sign = if arm_is_smaller { 1.0 } else { -1.0 };
    let found = welch.value / welch.standard_error;
    // The arms as they are may be drawn again, with another rounding.
    let is_found = |t: f64| (t - found).abs() <= SAME * found.abs();
    let as_found = |t: f64| if is_found(sign * t) { found } else { sign * t };
    let mut drawn: Vec<f64> = pool.statistics().into_iter().map(as_found).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let n = drawn.len() as f64 + 1.0;
    let at_least = drawn.len() - drawn.partition_point(|t| *t < found);
    let at_most = drawn.partition_point(|t| *t <= found);
    let p = (2.0 * (at_least.min(at_most) as f64 + 1.0) / n).min(1.0);
    let outside = ((OUTSIDE / 2.0 * n).floor() as usize).max(1);
    let (low, high) = (drawn[outside - 1], drawn[drawn.len() - outside]);
    let end = |t: f64| if t == found { 0.0 } else { welch.value - t * welch.standard_error };
    let interval = [high, low].map(end);
    let is_finite = interval.iter().all(|end| end.is_finite());
    is_finite.then_some(Difference { interval, p, method: Method::Redrawn, ..*welch })
}

/// Values of two arms as the lot sees them.
struct Pool {
    /// Customers of the smaller arm and of both.
    n_smaller: usize,
    n: usize,
    /// All values that are not zero.
    some: Vec<f64>,
    sum: f64,
    squares: f64,
    /// Probability that the smaller arm gets `least + i` or fewer of them.
    least: usize,
    cumulative: Vec<f64>,
}

impl Pool {
    fn of([smaller, larger]: [&[f64]; 2]) -> Self {
        let some: Vec<f64> = smaller.iter().chain(larger).copied().filter(|value| *value != 0.0).collect();
        let (n_smaller, n, m) = (smaller.len(), smaller.len() + larger.len(), some.len());
        let (least, most) = ((n_smaller + m).saturating_sub(n), n_smaller.min(m));
        let tail = |k: usize| hypergeometric::at_least(k as u64 + 1, n as u64, m as u64, n_smaller as u64);
        let mut cumulative: Vec<f64> = Vec::new();
        for k in least..=most {
            let below = 1.0 - tail(k);
            cumulative.push(below);
            if below >= 1.0 - 1e-15 {
                break;
            }
        }
        let (sum, squares) = (some.iter().sum(), some.iter().map(|value| value * value).sum());
        Self { n_smaller, n, some, sum, squares, least, cumulative }
    }

    /// Returns the statistic of every redraw, of the smaller arm against the larger one.
    fn statistics(&self) -> Vec<f64> {
        let expected = (self.n_smaller * self.some.len() / self.n.max(1)).max(1);
        let n_redraws = (MOST_VALUES / expected).clamp(FEWEST_REDRAWS, MOST_REDRAWS);
        let streams: Vec<usize> = (0..n_redraws.div_ceil(A_STREAM)).collect();
        let drawn: Vec<Vec<f64>> = streams
            .into_par_iter()
            .map(|stream| {
                // Any fixed start will do: what is drawn must not depend on threads, and not on the night.
                let mut rng = Pcg64Mcg::new(0x006b_6c69_656e_7465_6c00_0000 + 2 * stream as u128 + 1);
                let mut some = self.some.clone();
                let n = A_STREAM.min(n_redraws - stream * A_STREAM);
                (0..n).map(|_| self.statistic(&mut some, &mut rng)).collect()
            })
            .collect();
        drawn.concat()
    }

    fn statistic(&self, some: &mut [f64], rng: &mut Pcg64Mcg) -> f64 {
        let uniform: f64 = rng.random();
        let k = self.least + self.cumulative.partition_point(|below| *below < uniform).min(self.cumulative.len() - 1);
        let (mut sum, mut squares) = (0.0, 0.0);
        for ix in 0..k {
            let other = rng.random_range(ix..some.len());
            some.swap(ix, other);
            sum += some[ix];
            squares += some[ix] * some[ix];
        }
        let of = |n: usize, sum: f64, squares: f64| {
            let n = n as f64;
            (sum / n, ((squares - sum * sum / n) / (n - 1.0)).max(0.0) / n)
        };
        let (own, of_own) = of(self.n_smaller, sum, squares);
        let (rest, of_rest) = of(self.n - self.n_smaller, self.sum - sum, self.squares - squares);
        let error = (of_own + of_rest).sqrt();
        if error > 0.0 { (own - rest) / error } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(n: usize, values: &[f64]) -> Vec<f64> {
        values.iter().copied().chain(std::iter::repeat(0.0)).take(n).collect()
    }

    /// Nobody of 300 controls and 16 of 2,700 contacts: Welch is sure, the lot is not (scipy.stats.fisher_exact, twice the smaller tail).
    #[test]
    fn nobody_in_a_small_control_group_proves_nothing() {
        let (contacts, control) = (arm(2_700, &[1.0; 16]), arm(300, &[]));
        let by_welch = difference(&Summary::of(&contacts), &Summary::of(&control)).unwrap();
        assert!(by_welch.p < 1e-4 && by_welch.interval[0] > 0.0);
        let found = compared(&contacts, &control, true).unwrap();
        assert_eq!(found.method, Method::Exact);
        assert!((found.p - FISHER).abs() < 1e-9, "{}", found.p);
        // statsmodels.stats.proportion.confint_proportions_2indep(16, 2700, 0, 300, method="newcomb")
        assert!(
            (found.interval[0] - NEWCOMBE[0]).abs() < 1e-9 && (found.interval[1] - NEWCOMBE[1]).abs() < 1e-9,
            "{:?}",
            found.interval
        );
        let spent: Vec<f64> = (0..16).map(|ix| 20.0 + 7.0 * f64::from(ix)).collect();
        let found = compared(&arm(2_700, &spent), &control, false).unwrap();
        assert_eq!(found.method, Method::Redrawn);
        assert!(found.p > 0.2 && found.interval[0] <= 0.0, "{found:?}");
    }

    const FISHER: f64 = 0.36895457706295615;
    const NEWCOMBE: [f64; 2] = [-0.006920093003084057, 0.00960479699941973];

    #[test]
    fn two_control_customers_do_not_make_a_disaster() {
        let found = compared(&arm(13, &[1.0]), &[1.0, 1.0], true).unwrap();
        assert!(found.p > 0.05 && found.interval[0] < 0.0 && found.interval[1] > -1.0, "{found:?}");
    }

    #[test]
    fn many_buyers_and_equal_arms_are_left_to_welch() {
        let (contacts, control) = (arm(2_000, &[30.0; 30]), arm(2_000, &[30.0; 12]));
        let found = compared(&contacts, &control, false).unwrap();
        assert_eq!(Some(found), difference(&Summary::of(&contacts), &Summary::of(&control)));
        assert_eq!(found.method.label(), "welch");
        assert_eq!(compared(&[], &control, true), None);
        assert_eq!(compared(&arm(20, &[]), &control, false).unwrap().method, Method::Redrawn);
    }

    /// Campaigns that do nothing, of 1,800 contacts and 200 controls of whom 4% buy: each side must be wrong in 2.5% at most.
    #[test]
    fn what_does_nothing_is_seldom_believed() {
        let mut rng = Pcg64Mcg::new(7);
        let (mut worked, mut harmed, mut by_welch) = (0, 0, 0);
        for _ in 0..400 {
            let mut value = || if rng.random::<f64>() < 0.04 { -60.0 * (1.0 - rng.random::<f64>()).ln() } else { 0.0 };
            let contacts: Vec<f64> = (0..1_800).map(|_| value()).collect();
            let control: Vec<f64> = (0..200).map(|_| value()).collect();
            let found = compared(&contacts, &control, false).unwrap();
            worked += i32::from(found.interval[0] > 0.0);
            harmed += i32::from(found.interval[1] < 0.0);
            by_welch +=
                i32::from(difference(&Summary::of(&contacts), &Summary::of(&control)).unwrap().interval[0] > 0.0);
        }
        // 10 are expected; 20 is more than three standard deviations away.
        assert!(worked <= 20 && harmed <= 20, "{worked} worked, {harmed} did harm");
        assert!(by_welch > 40, "{by_welch}");
    }

    #[test]
    fn the_same_is_drawn_on_any_number_of_threads() {
        let contacts: Vec<f64> = arm(900, &(1..40).map(f64::from).collect::<Vec<_>>());
        let control = arm(100, &[3.0, 50.0, 8.0]);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| compared(&contacts, &control, false).unwrap())
        };
        assert_eq!(on(1), on(3));
        // The other way round it is the same difference with the other sign, but for the rounding of redraws.
        let (there, back) = (on(2), compared(&control, &contacts, false).unwrap());
        assert!((there.value + back.value).abs() < 1e-12 && (there.interval[0] + back.interval[1]).abs() < 1e-9);
    }
}
