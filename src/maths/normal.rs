//! The standard normal distribution: its two-sided tail, and where that tail begins.
//!
//! `P(|Z| > z)` is the upper tail of `χ²` with one degree of freedom at `z²`. The quantile is Newton's method on that tail, which is convex and falls for
//! `z > 0`: from 0 every step stays left of the root, so that it is met from one side without safeguards. Error 1e-13. Some ten evaluations.
//!
//! Source: NIST Digital Library of Mathematical Functions, 7.2 and 8.

use std::f64::consts::TAU;

use super::chi_squared::upper_tail;

/// Steps after which Newton's method has met the root for any probability that a double can hold.
const MOST_STEPS: u32 = 1_000;

/// Returns the probability of a value further from zero than `z`.
///
/// # Examples
/// ```
/// use klientel::maths::normal::two_sided;
/// assert!((two_sided(1.959_963_984_540_054) - 0.05).abs() < 1e-13);
/// ```
pub fn two_sided(z: f64) -> f64 {
    upper_tail(z * z, 1)
}

/// Returns the `z` that is exceeded to either side with probability `p`, `0 < p ≤ 1`; nothing for any other.
///
/// The one-sided quantile at `β` below a half is that of `2β`.
pub fn two_sided_quantile(p: f64) -> Option<f64> {
    let density = |z: f64| (-0.5 * z * z).exp() / TAU.sqrt();
    from_the_left(p, 0.0, two_sided, |z| 2.0 * density(z))
}

/// Finds where a convex tail that falls has the value `p`, from a point on its left.
pub(super) fn from_the_left(p: f64, start: f64, tail: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64) -> Option<f64> {
    if !(p > 0.0 && p <= 1.0) {
        return None;
    }
    let mut z = start;
    for _ in 0..MOST_STEPS {
        let step = (tail(z) - p) / slope(z);
        if step.is_nan() || step <= 1e-15 * z.max(1.0) {
            break;
        }
        z += step;
    }
    z.is_finite().then_some(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.norm.isf(p / 2)`.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, expected) in CASES {
            let found = two_sided_quantile(p).unwrap();
            assert!((found - expected).abs() < 1e-12 * expected.max(1.0), "{p}: {found} is not {expected}");
        }
        assert_eq!([0.0, -0.1, 1.1, f64::NAN].map(two_sided_quantile), [None; 4]);
    }

    const CASES: [(f64, f64); 6] = [
        (1.0, 0.0),
        (0.4, 0.8416212335729142),
        (0.2, 1.2815515655446004),
        (0.05, 1.9599639845400545),
        (0.001, 3.2905267314918945),
        (1e-12, 7.130506848171324),
    ];
}
