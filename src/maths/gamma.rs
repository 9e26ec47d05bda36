//! Logarithm of the gamma and beta functions, and the first two derivatives of the former.
//!
//! Stirling's series at `z ≥ 12`, reached from below by the recurrence `Γ(z + 1) = z Γ(z)`. With Bernoulli numbers `B₂ₖ`:
//!
//! ```text
//! ln Γ(z) = (z − ½) ln z − z + ½ ln 2π + c(z),   c(z) = Σ B₂ₖ / (2k (2k − 1) z²ᵏ⁻¹)
//! ψ(z)    = ln z − 1/(2z) − Σ B₂ₖ / (2k z²ᵏ)
//! ψ′(z)   = 1/z + 1/(2z²) + Σ B₂ₖ / z²ᵏ⁺¹
//! ```
//!
//! | function       | domain                 | error                                                        |
//! |----------------|------------------------|--------------------------------------------------------------|
//! | [`ln_gamma`]   | `z > 0`, finite        | 1e-14 relative, absolute near its zeros at 1 and 2           |
//! | [`digamma`]    | `z > 0`, finite        | 1e-14 relative, absolute near its zero at 1.4616             |
//! | [`trigamma`]   | `z > 1e-150`, finite   | 1e-14 relative                                               |
//! | [`ln_beta`]    | `a, b > 0`, finite     | 1e-14 relative, without the cancellation of `ln Γ` differences |
//!
//! A few dozen operations each. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.41, 6.3.18, 6.4.12; the
//! cancellation-free beta function follows Didonato and Morris, ACM TOMS 18 (1992), algorithm 708.

use std::f64::consts::PI;

/// Where the series take over; their last terms kept are below 1e-17 of the result there.
const SERIES_FROM: f64 = 12.0;

const LN_GAMMA: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

const DIGAMMA: [f64; 8] =
    [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0, -3617.0 / 8160.0];

const TRIGAMMA: [f64; 8] =
    [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0, -3617.0 / 510.0];

/// Returns `ln Γ(z)`.
pub fn ln_gamma(z: f64) -> f64 {
    let (mut z, mut product) = (z, 1.0);
    while z < SERIES_FROM {
        product *= z;
        z += 1.0;
    }
    (z - 0.5) * z.ln() - z + half_ln_2_pi() + stirling_rest(z) - product.ln()
}

/// Returns `ψ(z)`, the derivative of `ln Γ`.
pub fn digamma(z: f64) -> f64 {
    let (mut z, mut below) = (z, 0.0);
    while z < SERIES_FROM {
        below += 1.0 / z;
        z += 1.0;
    }
    let inverse = 1.0 / z;
    z.ln() - 0.5 * inverse - inverse * inverse * horner(&DIGAMMA, inverse * inverse) - below
}

/// Returns `ψ′(z)`, the second derivative of `ln Γ`.
pub fn trigamma(z: f64) -> f64 {
    let (mut z, mut below) = (z, 0.0);
    while z < SERIES_FROM {
        below += 1.0 / (z * z);
        z += 1.0;
    }
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    inverse + 0.5 * square + inverse * square * horner(&TRIGAMMA, square) + below
}

/// Returns `ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b)`.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (large, small) = if a >= b { (a, b) } else { (b, a) };
    let sum = large + small;
    if large < SERIES_FROM {
        return ln_gamma(large) + ln_gamma(small) - ln_gamma(sum);
    }
    let rest = stirling_rest(large) - stirling_rest(sum);
    let from_large = -(large - 0.5) * (small / large).ln_1p();
    if small < SERIES_FROM {
        return ln_gamma(small) + from_large - small * (sum.ln() - 1.0) + rest;
    }
    from_large - small * (large / small).ln_1p() - 0.5 * small.ln() + half_ln_2_pi() + stirling_rest(small) + rest
}

fn half_ln_2_pi() -> f64 {
    0.5 * (2.0 * PI).ln()
}

/// `c(z)` of the module's first formula.
fn stirling_rest(z: f64) -> f64 {
    let inverse = 1.0 / z;
    inverse * horner(&LN_GAMMA, inverse * inverse)
}

fn horner(coefficients: &[f64], at: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * at + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{actual} is not {expected}");
    }

    #[test]
    fn ln_gamma_meets_closed_forms() {
        check(ln_gamma(1.0), 0.0);
        check(ln_gamma(2.0), 0.0);
        check(ln_gamma(0.5), 0.5 * PI.ln());
        check(ln_gamma(10.0), 362_880_f64.ln());
        check(ln_gamma(21.0), 2_432_902_008_176_640_000_f64.ln());
        check(ln_gamma(1e-300), 300.0 * 10_f64.ln());
    }

    /// `ψ(1) = −γ`, `ψ(½) = −γ − 2 ln 2`, `ψ(n + 1) = ψ(n) + 1/n`.
    #[test]
    fn digamma_meets_closed_forms() {
        const EULER: f64 = 0.577_215_664_901_532_9;
        check(digamma(1.0), -EULER);
        check(digamma(0.5), -EULER - 2.0 * 2_f64.ln());
        check(digamma(20.0), -EULER + (1..20).map(|k| 1.0 / f64::from(k)).sum::<f64>());
    }

    /// `ψ′(1) = π²/6`, `ψ′(½) = π²/2`.
    #[test]
    fn trigamma_meets_closed_forms() {
        check(trigamma(1.0), PI * PI / 6.0);
        check(trigamma(0.5), PI * PI / 2.0);
        check(trigamma(30.0), PI * PI / 6.0 - (1..30).map(|k| 1.0 / f64::from(k * k)).sum::<f64>());
    }

    /// `B(1, b) = 1/b` and `B(2, b) = 1/(b (b + 1))` for every size of `b`.
    #[test]
    fn ln_beta_meets_closed_forms() {
        for b in [0.001, 0.3, 1.0, 7.5, 11.9, 12.1, 300.0, 1e6, 1e12] {
            check(ln_beta(1.0, b), -b.ln());
            check(ln_beta(b, 2.0), -b.ln() - b.ln_1p());
        }
        // ln B(n, n) = 2 ln (n − 1)! − ln (2n − 1)!
        let factorial = |n: u32| (1..=n).map(|k| f64::from(k).ln()).sum::<f64>();
        check(ln_beta(40.0, 40.0), 2.0 * factorial(39) - factorial(79));
    }

    proptest! {
        /// The beta function falls by `a / (a + b)` when its first argument grows by one.
        #[test]
        fn beta_follows_its_recurrence(ln_a in -6.0..12.0_f64, ln_b in -6.0..12.0_f64) {
            let (a, b) = (ln_a.exp(), ln_b.exp());
            let step = -(b / a).ln_1p();
            let difference = ln_beta(a + 1.0, b) - ln_beta(a, b);
            prop_assert!((difference - step).abs() <= 1e-13 * (1.0 + ln_beta(a, b).abs()));
        }

        /// Digamma and trigamma are the slopes of what they derive from.
        #[test]
        fn derivatives_are_slopes(z in 0.2..200.0_f64) {
            let h = 1e-4 * z;
            let slope = |f: fn(f64) -> f64| (f(z - 2.0 * h) - 8.0 * f(z - h) + 8.0 * f(z + h) - f(z + 2.0 * h)) / (12.0 * h);
            prop_assert!((slope(ln_gamma) - digamma(z)).abs() <= 1e-8 * (1.0 + digamma(z).abs()));
            prop_assert!((slope(digamma) / trigamma(z) - 1.0).abs() <= 1e-8);
        }
    }
}
