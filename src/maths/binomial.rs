//! Tails of the binomial distribution: how likely so many of `n` trials succeed.
//!
//! `P(X ≥ k) = I_p(k, n − k + 1)`, the regularised incomplete beta function. Domain: `k ≤ n`, `0 < p < 1`; small tails keep their digits.
//! Source: NIST Digital Library of Mathematical Functions, 8.17.5.

use super::beta::Beta;

/// Returns the probability of at least `k` successes in `n` trials of probability `p`.
///
/// # Examples
/// ```
/// use klientel::maths::binomial::at_least;
/// assert!((at_least(8, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-14);
/// ```
pub fn at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n || p.is_nan() || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    Beta::new(k as f64, (n - k) as f64 + 1.0).below((p / (1.0 - p)).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of scipy.stats.binom.
    #[test]
    fn tails_are_those_of_the_distribution() {
        for (k, n, p, expected) in [
            (8, 10, 0.5, 0.0546875),
            (60, 100, 0.5, 0.028443966820490444),
            (90, 100, 0.5, 1.5316450877189923e-17),
            (30, 40, 0.3, 5.702976426557347e-09),
            (10, 100, 0.3, 0.9999996148520361),
            (700, 1000, 0.55, 1.8681766457710816e-22),
        ] {
            let actual = at_least(k, n, p);
            assert!((actual / expected - 1.0).abs() < 1e-9, "{actual:e} is not {expected:e}");
        }
    }

    #[test]
    fn the_ends_are_certain_or_impossible() {
        assert_eq!((at_least(0, 5, 0.3), at_least(6, 5, 0.3)), (1.0, 0.0));
        assert!((at_least(5, 5, 0.5) - 0.03125).abs() < 1e-15);
        assert_eq!((at_least(1, 3, 0.0), at_least(3, 3, 1.0)), (0.0, 1.0));
    }
}
