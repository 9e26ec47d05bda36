//! Tails of the Poisson distribution: how likely a count as large, or as small, is where `λ` events are expected.
//!
//! ```text
//! P(N ≥ n) = p(n)·(1 + λ/(n + 1) + λ²/((n + 1)(n + 2)) + …)        for n > λ
//! P(N ≤ n) = p(n)·(1 + n/λ + n(n − 1)/λ² + …)                      for n < λ,    p(n) = e^{−λ} λⁿ/n!
//! ```
//!
//! On the other side of `λ` each is one minus the other. Small tails keep their digits: relative error 1e-12 times `ln` of the tail.
//! Some `√λ` terms. Domain: finite `λ ≥ 0`. Source: NIST Digital Library of Mathematical Functions, 8.4.10, 8.11.4.

use super::gamma::ln_gamma;

/// Returns the probability of `n` events or more.
///
/// # Examples
/// ```
/// use klientel::maths::poisson::at_least;
/// assert!((at_least(3, 1.0) - 0.080_301_397_071_394_2).abs() < 1e-15);
/// ```
pub fn at_least(n: u64, lambda: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if lambda.is_nan() || lambda <= 0.0 {
        return 0.0;
    }
    if lambda.is_infinite() {
        return 1.0;
    }
    if n as f64 > lambda { above(n, lambda) } else { (1.0 - below(n - 1, lambda)).max(0.0) }
}

/// Returns the probability of `n` events or fewer.
///
/// # Examples
/// ```
/// use klientel::maths::poisson::at_most;
/// assert!((at_most(0, 3.0) - (-3.0_f64).exp()).abs() < 1e-15);
/// ```
pub fn at_most(n: u64, lambda: f64) -> f64 {
    if lambda.is_nan() || lambda <= 0.0 {
        return 1.0;
    }
    if lambda.is_infinite() {
        return 0.0;
    }
    if (n as f64) < lambda { below(n, lambda) } else { (1.0 - above(n + 1, lambda)).max(0.0) }
}

fn ln_mass(n: u64, lambda: f64) -> f64 {
    let n = n as f64;
    n * lambda.ln() - lambda - ln_gamma(n + 1.0)
}

/// Sums upwards from `n > λ`.
fn above(n: u64, lambda: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, n as f64);
    while term > sum * f64::EPSILON {
        k += 1.0;
        term *= lambda / k;
        sum += term;
    }
    (ln_mass(n, lambda).exp() * sum).min(1.0)
}

/// Sums downwards from `n < λ`.
fn below(n: u64, lambda: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, n as f64);
    while k > 0.0 && term > sum * f64::EPSILON {
        term *= k / lambda;
        sum += term;
        k -= 1.0;
    }
    (ln_mass(n, lambda).exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual / expected - 1.0).abs() < 1e-11, "{actual:e} is not {expected:e}");
    }

    /// Values of scipy.stats.poisson.
    #[test]
    fn tails_are_those_of_the_distribution() {
        check(at_least(1, 0.001), 0.0009995001666250082);
        check(at_least(5, 0.3), 1.578504054165997e-05);
        check(at_least(10, 4.0), 0.008132242796933871);
        check(at_least(4, 10.0), 0.9896639493240743);
        check(at_least(30, 10.5), 6.733354397487326e-07);
        check(at_least(102, 33.6), 1.9138504676349225e-21);
        check(at_least(1500, 1000.25), 3.573375639672147e-49);
        check(at_least(900, 1000.25), 0.9993941034650485);
        check(at_most(0, 4.5), 0.011108996538242308);
        check(at_most(3, 12.0), 0.002291791207791423);
        check(at_most(12, 3.0), 0.999983850951444);
        check(at_most(50, 120.7), 2.57691818287119e-13);
        check(at_most(900, 1000.25), 0.0006792080742580421);
    }

    #[test]
    fn the_ends_are_certain_or_impossible() {
        assert_eq!((at_least(0, 5.0), at_least(1, 0.0), at_most(0, 0.0)), (1.0, 0.0, 1.0));
        assert_eq!(at_least(1_000_000, 1.0), 0.0);
        assert_eq!((at_most(0, 1e9), at_least(7, f64::INFINITY), at_most(7, f64::INFINITY)), (0.0, 1.0, 0.0));
        for n in 1..40 {
            assert!((at_least(n, 17.3) + at_most(n - 1, 17.3) - 1.0).abs() < 1e-14);
        }
    }
}
