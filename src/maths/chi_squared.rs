//! The upper tail of the χ² distribution: how likely a statistic this large is where nothing is behind it.
//!
//! With `a = ν/2`, `z = x/2` the tail is the regularised incomplete gamma function `Q(a, z)`. Below `z = a + 1` its complement is a series,
//! from there on it is a continued fraction:
//!
//! ```text
//! P(a, z) = zᵃ e⁻ᶻ/Γ(a + 1) Σ zⁿ/((a + 1) … (a + n))
//! Q(a, z) = zᵃ e⁻ᶻ/Γ(a) · 1/(z + 1 − a − 1(1 − a)/(z + 3 − a − 2(2 − a)/(z + 5 − a − …)))
//! ```
//!
//! | name | shape  | unit                        |
//! |------|--------|-----------------------------|
//! | `x`  | scalar | the statistic, at least 0   |
//! | `ν`  | scalar | degrees of freedom, above 0 |
//!
//! Some dozens of terms, relative error 1e-13. Source: NIST Digital Library of Mathematical Functions, 8.11.4 and 8.9.2; the fraction by the
//! method of Lentz, Applied Optics 15 (1976).

use super::gamma::ln_gamma;

/// Terms after which either form has converged for any argument that a likelihood ratio has.
const MOST_TERMS: u32 = 10_000;

/// Returns the probability of a value above `x`; 1 for what is not above zero.
///
/// # Examples
/// ```
/// use klientel::maths::chi_squared::upper_tail;
/// assert!((upper_tail(3.841_458_820_694_124, 1) - 0.05).abs() < 1e-12);
/// ```
pub fn upper_tail(x: f64, degrees_of_freedom: u32) -> f64 {
    let (a, z) = (0.5 * f64::from(degrees_of_freedom), 0.5 * x);
    if !(z > 0.0 && a > 0.0) {
        return 1.0;
    }
    if z.is_infinite() {
        return 0.0;
    }
    let ln_front = a * z.ln() - z - ln_gamma(a);
    let tail =
        if z < a + 1.0 { 1.0 - (ln_front - a.ln()).exp() * series(a, z) } else { ln_front.exp() * fraction(a, z) };
    tail.clamp(0.0, 1.0)
}

fn series(a: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..MOST_TERMS {
        term *= z / (a + f64::from(n));
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

fn fraction(a: f64, z: f64) -> f64 {
    // The first partial denominator is positive here, and so are all that follow.
    let mut b = z + 1.0 - a;
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut value = d;
    for n in 1..MOST_TERMS {
        let numerator = -f64::from(n) * (f64::from(n) - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.chi2.sf`.
    #[test]
    fn tails_are_those_of_the_tables() {
        for (x, degrees, expected) in CASES {
            let tail = upper_tail(x, degrees);
            assert!((tail / expected - 1.0).abs() < 1e-11, "{x} {degrees}: {tail} is not {expected}");
        }
        assert_eq!([0.0, -1.0, f64::NAN].map(|x| upper_tail(x, 4)), [1.0; 3]);
        assert_eq!(upper_tail(f64::INFINITY, 4), 0.0);
        assert_eq!(upper_tail(1e6, 4), 0.0);
    }

    const CASES: [(f64, u32, f64); 10] = [
        (0.01, 1, 9.203_443_254_459e-1),
        (3.84, 1, 5.004_352_124_871e-2),
        (10.0, 2, 6.737_946_999_085e-3),
        (0.7, 3, 8.732_039_490_64e-1),
        (7.8147, 3, 5.000_062_528_476e-2),
        (9.4877, 4, 5.000_059_954_123e-2),
        (30.0, 4, 4.894_437_128_029e-6),
        (200.0, 4, 3.757_276_735_781e-42),
        (1.0, 9, 9.994_375_026_978e-1),
        (16.9, 9, 5.030_519_012_431e-2),
    ];

    /// With two degrees of freedom the tail is an exponential, on both sides of where the forms change.
    #[test]
    fn both_forms_agree_with_the_exponential() {
        for x in [1e-9_f64, 0.5, 3.999_999, 4.000_001, 20.0, 600.0] {
            let exact = (-0.5 * x).exp();
            assert!((upper_tail(x, 2) / exact - 1.0).abs() < 1e-12, "{x}");
        }
    }
}
