//! What a contact changed: the difference of two means with its interval, the relative lift, and both with less noise.
//!
//! With means `m`, sample variances `s²` and customers `n` of arm `t` and control group `c`, `v = s²/n`:
//!
//! ```text
//! difference  d = m_t − m_c,   SE = √(v_t + v_c),   d ± t*·SE                                          (Welch)
//! degrees     ν = (v_t + v_c)² / (v_t²/(n_t − 1) + v_c²/(n_c − 1))                       (Welch and Satterthwaite)
//! lift        m_t/m_c − 1, ends where (m_t − ρ m_c)² = t*²(v_t + ρ² v_c)                             (Fieller)
//! CUPED       y − θ(x − x̄),   θ = Σ(y − ȳ)(x − x̄) / Σ(x − x̄)²  within arms, x known before the assignment
//! ```
//!
//! The lift has the `t*` of the difference, so that one interval holds zero where the other does; a control mean that is not told from zero has no
//! bounded lift, and neither has a difference that few customers decide (see `lot`). `θ` within arms is the slope of both, whatever the contact did.
//!
//! | name       | shape           | unit                                                      |
//! |------------|-----------------|-----------------------------------------------------------|
//! | values     | `(n_customers)` | money in major units, 0 or 1, or a number; in every arm    |
//! | difference | scalar          | that of the values, a customer                            |
//! | lift       | scalar          | share of the control mean, `−1` on                        |
//!
//! `O(n)`. Source: Welch, Biometrika 34 (1947); Fieller, JRSS B 16 (1954); Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of Online Controlled
//! Experiments by Utilizing Pre-Experiment Data", WSDM 2013, equations 4 and 5.

use crate::maths::student;
use crate::maths::sum::ordered_sums;

/// Probability outside of an interval.
pub const OUTSIDE: f64 = 0.05;

/// Customers of a group, and mean and variance of one outcome of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    pub n: u64,
    /// None of nobody.
    pub mean: Option<f64>,
    /// Of a sample, `n − 1` in the denominator; none of fewer than two.
    pub variance: Option<f64>,
}

impl Summary {
    /// Sums up values.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        let [sum] = ordered_sums(values, |sums: &mut [f64; 1], value| sums[0] += value);
        let mean = sum / n;
        let [squares] = ordered_sums(values, |sums: &mut [f64; 1], value| sums[0] += (value - mean) * (value - mean));
        Self { n: values.len() as u64, mean: Some(mean), variance: (n > 1.0).then(|| squares / (n - 1.0)) }
    }

    /// Returns the square of the standard error of the mean.
    fn of_mean(&self) -> Option<f64> {
        Some(self.variance? / self.n as f64)
    }
}

/// A difference with its interval of 95%.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub value: f64,
    pub standard_error: f64,
    pub interval: [f64; 2],
    /// Chance of a difference as large where the contact does nothing.
    pub p: f64,
    pub method: Method,
}

/// Where interval and p come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Student's distribution, with the degrees of freedom and the quantile that the interval is made of.
    Welch { degrees_of_freedom: f64, t: f64 },
    /// Two shares of few: Fisher and Newcombe.
    Exact,
    /// Arms that were drawn again.
    Redrawn,
}

impl Method {
    /// Returns the word in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Welch { .. } => "welch",
            Self::Exact => "exact",
            Self::Redrawn => "redrawn",
        }
    }
}

/// Compares an arm with its control group; nothing where one of them has fewer than two customers, or nobody differs from anybody.
pub fn difference(arm: &Summary, control: &Summary) -> Option<Difference> {
    let (of_arm, of_control) = (arm.of_mean()?, control.of_mean()?);
    let variance = of_arm + of_control;
    let parts = of_arm * of_arm / (arm.n as f64 - 1.0) + of_control * of_control / (control.n as f64 - 1.0);
    let degrees_of_freedom = variance * variance / parts;
    // Squares of the smallest numbers are no numbers.
    if !(variance > 0.0 && degrees_of_freedom.is_finite()) {
        return None;
    }
    let (value, standard_error) = (arm.mean? - control.mean?, variance.sqrt());
    let t = student::two_sided_quantile(OUTSIDE, degrees_of_freedom)?;
    let interval = [value - t * standard_error, value + t * standard_error];
    let p = student::two_sided(value / standard_error, degrees_of_freedom);
    let is_finite = interval.iter().all(|end| end.is_finite());
    let method = Method::Welch { degrees_of_freedom, t };
    is_finite.then_some(Difference { value, standard_error, interval, p, method })
}

/// A relative lift, with its interval where that has two ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    pub value: f64,
    pub interval: Option<[f64; 2]>,
}

/// Relates a difference to the control mean; nothing where that is not above zero.
pub fn lift(arm: &Summary, control: &Summary, difference: Option<&Difference>) -> Option<Lift> {
    let (of_arm, of_control) = (arm.mean?, control.mean.filter(|mean| *mean > 0.0)?);
    let value = of_arm / of_control - 1.0;
    let ends = || {
        let Method::Welch { t, .. } = difference?.method else { return None };
        let squared = t.powi(2);
        let (a, b) = (of_control * of_control - squared * control.of_mean()?, of_arm * of_control);
        let root = (b * b - a * (of_arm * of_arm - squared * arm.of_mean()?)).sqrt();
        let ends = [(b - root) / a - 1.0, (b + root) / a - 1.0];
        // A control mean that may be zero leaves the ratio without an end.
        (a > 0.0 && ends.iter().all(|end| end.is_finite())).then_some(ends)
    };
    value.is_finite().then(|| Lift { value, interval: ends() })
}

/// Values of every arm with what was known before taken out, and the share of the variance that is left; nothing where what was known tells nobody
/// from anybody.
pub fn cuped(arms: &[(&[f64], &[f64])]) -> Option<(Vec<Vec<f64>>, f64)> {
    let means = |values: &[f64]| Summary::of(values).mean.unwrap_or(0.0);
    let [mut covariance, mut of_known, mut of_value, mut sum, mut n] = [0.0; 5];
    for (values, known) in arms {
        let (y, x) = (means(values), means(known));
        let pairs: Vec<(f64, f64)> = values.iter().copied().zip(known.iter().copied()).collect();
        let sums = ordered_sums(&pairs, |sums: &mut [f64; 3], (value, known)| {
            sums[0] += (value - y) * (known - x);
            sums[1] += (known - x) * (known - x);
            sums[2] += (value - y) * (value - y);
        });
        covariance += sums[0];
        of_known += sums[1];
        of_value += sums[2];
        sum += x * pairs.len() as f64;
        n += pairs.len() as f64;
    }
    let (theta, mean) = (covariance / of_known, sum / n);
    if !(theta.is_finite() && mean.is_finite() && of_value > 0.0) {
        return None;
    }
    let adjusted = |(values, known): &(&[f64], &[f64])| {
        values.iter().zip(*known).map(|(value, known)| value - theta * (known - mean)).collect()
    };
    let left = 1.0 - covariance * covariance / (of_known * of_value);
    Some((arms.iter().map(adjusted).collect(), left.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM: [f64; 7] = [3.0, 0.0, 7.5, 1.0, 12.0, 0.0, 4.0];
    const CONTROL: [f64; 5] = [1.0, 0.0, 2.5, 3.0, 1.5];

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    /// Values of `scipy.stats.ttest_ind(equal_var=False)`; the lift solves Fieller's equation with that degree of freedom.
    #[test]
    fn small_groups_are_compared_as_welch_does() {
        let (arm, control) = (Summary::of(&ARM), Summary::of(&CONTROL));
        let found = difference(&arm, &control).unwrap();
        let Method::Welch { degrees_of_freedom, .. } = found.method else { panic!("{found:?}") };
        for (found, expected) in [
            (found.value, W[0]),
            (degrees_of_freedom, W[1]),
            (found.interval[0], W[2]),
            (found.interval[1], W[3]),
            (found.p, W[4]),
        ] {
            close(found, expected);
        }
        let lift = lift(&arm, &control, Some(&found)).unwrap();
        close(lift.value, arm.mean.unwrap() / control.mean.unwrap() - 1.0);
        let ends = lift.interval.unwrap();
        close(ends[0], W[5]);
        close(ends[1], W[6]);
    }

    const W: [f64; 7] = [
        2.3285714285714283,
        7.166384450790537,
        -1.8150139016305102,
        6.472156758773367,
        0.22660622367204342,
        -1.0124739079960758,
        11.822924748541368,
    ];

    /// Values of NumPy: slope within arms, then Welch on what is left.
    #[test]
    fn what_was_known_before_takes_noise_out() {
        let known: [&[f64]; 2] = [&[2.0, 0.0, 6.0, 1.0, 9.0, 1.0, 2.0], &[1.0, 0.5, 2.0, 4.0, 1.0]];
        let (adjusted, left) = cuped(&[(&ARM, known[0]), (&CONTROL, known[1])]).unwrap();
        let found = difference(&Summary::of(&adjusted[0]), &Summary::of(&adjusted[1])).unwrap();
        for (found, expected) in [found.value, found.interval[0], found.interval[1], left].into_iter().zip(C) {
            close(found, expected);
        }
        assert!(left < 0.2);
        assert_eq!(
            cuped(&[(&ARM, &[1.0; 7]), (&CONTROL, &[2.0; 5])]),
            None,
            "what is the same for all of an arm says nothing"
        );
        assert_eq!(cuped(&[(&[], &[])]), None);
    }

    const C: [f64; 4] = [0.6736967767608428, -0.5103398867494082, 1.8577334402710939, 0.06104112890121438];

    #[test]
    fn nothing_is_said_where_nothing_can_be() {
        let [none, one, same, some] = [&[][..], &[1.0], &[2.0, 2.0], &CONTROL].map(Summary::of);
        assert_eq!((none.n, none.mean, one.mean, one.variance), (0, None, Some(1.0), None));
        for (arm, control) in [(none, some), (some, none), (one, some), (some, one), (same, same)] {
            assert_eq!(difference(&arm, &control), None);
        }
        // One group without variance still leaves that of the other.
        assert!(difference(&same, &some).is_some());
        assert_eq!(lift(&some, &Summary::of(&[0.0, 0.0]), None), None);
        assert_eq!(lift(&some, &Summary::of(&[-1.0, -3.0]), None), None);
        assert_eq!(lift(&none, &some, None), None);
        let noisy = Summary::of(&[-5.0, 6.0]);
        let found = difference(&some, &noisy).unwrap();
        assert_eq!(lift(&some, &noisy, Some(&found)).unwrap().interval, None);
    }
}
