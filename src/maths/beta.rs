//! The distribution function of a beta distribution, asked by log-odds.
//!
//! With `x = 1/(1 + e^{−w})` and `B` the beta function, `I_x(a, b) = xᵃ (1 − x)ᵇ / (a B(a, b)) · 1/(1 + d₁/(1 + d₂/(1 + …)))`,
//!
//! ```text
//! d₂ₘ = m (b − m) x / ((a + 2m − 1)(a + 2m)),   d₂ₘ₊₁ = −(a + m)(a + b + m) x / ((a + 2m)(a + 2m + 1))
//! ```
//!
//! Right of the mean the fraction of `1 − I_{1−x}(b, a)` is the quick one. Log-odds keep their digits where `x` is next to 0 or 1; a ratio of two gamma
//! variables is `e^w`, so that sums of money over an unknown rate are asked without detours. Domain: `a, b > 0`, any `w`; error 1e-12 absolute.
//! Some `5 + √max(a, b)` steps. Source: Abramowitz and Stegun 26.5.8; Lentz's method, Press et al., Numerical Recipes, 5.2 and 6.4.

use super::gamma::ln_beta;
use super::log_sum::softplus;

/// Change of the fraction that counts as none.
const CONVERGED: f64 = 1e-14;

/// Steps after which the fraction is what it is; reached for shapes beyond 10⁸ only.
const MAX_STEPS: u32 = 20_000;

/// Stands for a zero denominator.
const TINY: f64 = 1e-300;

/// A beta distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    a: f64,
    b: f64,
    ln_beta: f64,
}

impl Beta {
    /// Prepares a distribution for many answers.
    pub fn new(a: f64, b: f64) -> Self {
        Self { a, b, ln_beta: ln_beta(a, b) }
    }

    /// Returns the probability of log-odds of at most `w`.
    pub fn below(&self, w: f64) -> f64 {
        let Self { a, b, .. } = *self;
        let (ln_x, ln_rest) = (-softplus(-w), -softplus(w));
        let front = (a * ln_x + b * ln_rest - self.ln_beta).exp();
        let result = if ln_x.exp() * (a + b + 2.0) < a + 1.0 {
            front / a * fraction(a, b, ln_x.exp())
        } else {
            1.0 - front / b * fraction(b, a, ln_rest.exp())
        };
        result.clamp(0.0, 1.0)
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let some = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut upper, mut lower) = (1.0, 1.0 / some(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = lower;
    for step in 1..MAX_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        lower = 1.0 / some(1.0 + even * lower);
        upper = some(1.0 + even / upper);
        value *= lower * upper;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        lower = 1.0 / some(1.0 + odd * lower);
        upper = some(1.0 + odd / upper);
        let change = lower * upper;
        value *= change;
        if (change - 1.0).abs() < CONVERGED {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn below(x: f64, a: f64, b: f64) -> f64 {
        Beta::new(a, b).below((x / (1.0 - x)).ln())
    }

    /// `I_x(1, b) = 1 − (1 − x)ᵇ`, `I_x(a, 1) = xᵃ`; the others from an independent implementation.
    #[test]
    fn meets_closed_forms_and_reference_values() {
        for x in [1e-9, 0.1, 0.5, 0.93, 1.0 - 1e-9] {
            for shape in [0.2, 1.0, 7.5, 300.0_f64] {
                assert!((below(x, 1.0, shape) - (1.0 - (1.0 - x).powf(shape))).abs() < 1e-12, "{x} {shape}");
                assert!((below(x, shape, 1.0) - x.powf(shape)).abs() < 1e-12, "{x} {shape}");
            }
        }
        for (x, a, b, expected) in [
            (0.3, 6.25, 3.74, 0.016_790_620_939_014_726),
            (0.5, 0.25, 0.125, 0.327_666_344_662_905_9),
            (0.62, 1250.0, 764.5, 0.480_042_284_472_399_05),
            (0.001, 0.05, 12.0, 0.821_341_956_310_913_3),
        ] {
            assert!((below(x, a, b) - expected).abs() < 1e-12, "{x} {a} {b}: {} {expected}", below(x, a, b));
        }
    }

    proptest! {
        /// The rest of a share is distributed the other way round, and more is never less likely.
        #[test]
        fn is_a_distribution_function(w in -60.0..60.0_f64, more in 0.0..3.0_f64, a in 0.01..3_000.0_f64, b in 0.01..3_000.0_f64) {
            let (beta, mirrored) = (Beta::new(a, b), Beta::new(b, a));
            let below = beta.below(w);
            prop_assert!((0.0..=1.0).contains(&below));
            prop_assert!((below + mirrored.below(-w) - 1.0).abs() < 1e-11);
            prop_assert!(beta.below(w + more) >= below - 1e-12);
        }
    }
}
