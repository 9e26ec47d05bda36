//! The exponential integral of real order, scaled so that it neither over- nor underflows.
//!
//! ```text
//! ζ(s, z) = z eᶻ E_s(z) = z ∫₀^∞ e^{−z u} (1 + u)^{−s} du,   z/(z + s) ≤ ζ < 1
//! ```
//!
//! It is the share of an everlasting income, paid at one and discounted at the rate `z`, that is left when the payer survives to `u` with
//! probability `(1 + u)^{−s}`; Tricomi's function in disguise, `ζ = z U(1, 2 − s, z)`.
//!
//! For `z ≥ 2` the continued fraction `1/(z + s − 1·s/(z + s + 2 − 2 (s + 1)/(z + s + 4 − …)))`. Below, with `u = e^v − 1`, Gauss's rule on panels of
//! `∫₀^∞ e^{−z (e^v − 1) − (s − 1) v} dv`, which is analytic everywhere and falls to nothing before `v = ln(1 + 45/z)`: all terms are positive,
//! so that no `s` and `z` loses digits. 10 to 60 divisions above, some 100 exponentials below. Source: Abramowitz and Stegun 5.1.22 and 13.2.5;
//! Press et al., Numerical Recipes, 6.3.

use super::quadrature::GAUSS_16;

/// Where the continued fraction takes over.
const FRACTION_FROM: f64 = 2.0;

/// Where the integrand has fallen by `e⁻⁴⁵` it is nothing.
const NEGLIGIBLE: f64 = 45.0;

/// Longest panel, and how far the integrand may fall on one by its power.
const PANEL: (f64, f64) = (1.5, 16.0);

/// Returns `z eᶻ E_s(z)` for `s ≥ 0` and `z ≥ 0`; 1 where `z` is infinite.
pub fn scaled_exp_integral(s: f64, z: f64) -> f64 {
    if z > 1e17 * (1.0 + s) {
        return 1.0;
    }
    if z >= FRACTION_FROM { by_fraction(s, z) } else { by_rule(s, z) }
}

/// Lentz's method on `1/(z + s − 1·s/(z + s + 2 − 2 (s + 1)/(z + s + 4 − …)))`.
fn by_fraction(s: f64, z: f64) -> f64 {
    let mut level = z + s;
    let mut ratio = 1.0 / level;
    let (mut result, mut up) = (ratio, f64::INFINITY);
    for n in 1..2_000_u32 {
        let n = f64::from(n);
        let part = -n * (s + n - 1.0);
        level += 2.0;
        ratio = 1.0 / (part * ratio + level);
        up = level + part / up;
        let factor = up * ratio;
        result *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    z * result
}

fn by_rule(s: f64, z: f64) -> f64 {
    if z <= 0.0 {
        return 0.0;
    }
    let mut end = (NEGLIGIBLE / z).ln_1p();
    if s > 1.0 {
        end = end.min(NEGLIGIBLE / (s - 1.0 + z));
    }
    let n_panels = (end / PANEL.0.min(PANEL.1 / s.max(1.0))).ceil();
    let length = end / n_panels;
    let integrand = |v: f64| (-z * v.exp_m1() - (s - 1.0) * v).exp();
    let panel = |k: u32| {
        let from = length * f64::from(k);
        GAUSS_16.iter().map(|(at, weight)| weight * integrand(from + length * at)).sum::<f64>()
    };
    z * length * (0..n_panels as u32).map(panel).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Computed with 40 digits.
    #[test]
    fn meets_the_reference() {
        for (s, z, expected) in [
            (0.001, 1e-12, 0.9733096716976682),
            (0.001, 1e-3, 0.9936829590763499),
            (0.001, 7.0, 0.9998733734239518),
            (0.285, 1e-12, 0.00048471044634308967),
            (0.285, 0.3, 0.7193119920644467),
            (0.285, 1.0, 0.849587746487071),
            (0.285, 1e4, 0.9999715036614134),
            (1.0, 1e-12, 2.705380545105507e-11),
            (1.0, 0.3, 0.3667606815241757),
            (1.0, 1.0, 0.5963473623231941),
            (1.0, 7.0, 0.8864876725364293),
            (2.5, 1e-12, 6.666666666653333e-13),
            (2.5, 1e-3, 0.0006654054728749915),
            (2.5, 1.0, 0.3438295415217495),
            (2.5, 7.0, 0.7550002740488034),
            (30.25, 1e-12, 3.418803418803298e-14),
            (30.25, 0.3, 0.010148678175462654),
            (30.25, 1.0, 0.03302062165842235),
            (30.25, 7.0, 0.1920631549128379),
            (1000.5, 1e-12, 1.0005002501250614e-15),
            (1000.5, 0.3, 0.000300059921858298),
            (1000.5, 1.0, 0.0009994992503775653),
            (1000.5, 7.0, 0.0069547457364570586),
            (1000.5, 1e4, 0.9090571033549311),
        ] {
            let actual = scaled_exp_integral(s, z);
            assert!((actual / expected - 1.0).abs() < 2e-14, "{s} {z}: {actual} {expected}");
        }
    }

    #[test]
    fn the_ends_of_the_range_have_their_limits() {
        assert_eq!(scaled_exp_integral(3.0, f64::INFINITY), 1.0);
        assert_eq!(scaled_exp_integral(3.0, 0.0), 0.0);
        // E₀(z) = e^{−z}/z
        assert!((scaled_exp_integral(0.0, 1e-9) - 1.0).abs() < 1e-14);
    }

    proptest! {
        /// Integration by parts: `ζ(s, z) + s ζ(s + 1, z)/z = 1`, and `z/(z + s) ≤ ζ < 1`.
        #[test]
        fn follows_its_recurrence(ln_s in -9.0..9.0_f64, ln_z in -30.0..30.0_f64) {
            let (s, z) = (ln_s.exp(), ln_z.exp());
            let (here, above) = (scaled_exp_integral(s, z), scaled_exp_integral(s + 1.0, z));
            prop_assert!((here + s * above / z - 1.0).abs() < 1e-12, "{here} {above}");
            prop_assert!(here <= 1.0 && here >= z / (z + s) * (1.0 - 1e-13));
        }
    }
}
