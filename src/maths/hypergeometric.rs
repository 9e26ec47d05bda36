//! Fisher's exact test, one-sided: how likely two groups overlap this much where one is drawn without looking at the other.
//!
//! Of `n` baskets `a` hold one thing and `b` another; the number with both has mass `p(k) = C(a, k) C(n − a, b − k) / C(n, b)`. The tail from
//! `k` on is summed by the ratio of neighbours, from its larger end: above the mode directly, below it as one minus the rest.
//!
//! Relative error `1e-15 · n ln n`. Some `√variance` terms. Source: Fisher, "The Design of Experiments", 1935; Agresti, "Categorical
//! Data Analysis", 3rd ed., 3.5.1.

use super::gamma::ln_gamma;

/// Returns the probability of an overlap of at least `k`; `a` and `b` are at most `n`.
///
/// # Examples
/// ```
/// use klientel::maths::hypergeometric::at_least;
/// assert!((at_least(3, 8, 4, 4) - 17.0 / 70.0).abs() < 1e-14);
/// ```
pub fn at_least(k: u64, n: u64, a: u64, b: u64) -> f64 {
    let (a, b) = (a.min(n), b.min(n));
    let (least, most) = ((a + b).saturating_sub(n), a.min(b));
    if k <= least {
        return 1.0;
    }
    if k > most {
        return 0.0;
    }
    let [n, a, b] = [n, a, b].map(|count| count as f64);
    let mode = (a + 1.0) * (b + 1.0) / (n + 2.0);
    let up = |k: f64| (a - k) * (b - k) / ((k + 1.0) * (n - a - b + k + 1.0));
    let down = |k: f64| k * (n - a - b + k) / ((a - k + 1.0) * (b - k + 1.0));
    if k as f64 >= mode {
        sum(k as f64, ln_mass(k as f64, n, a, b), most as f64 - k as f64, up, 1.0).min(1.0)
    } else {
        let below = k as f64 - 1.0;
        (1.0 - sum(below, ln_mass(below, n, a, b), below - least as f64, down, -1.0)).max(0.0)
    }
}

fn sum(mut k: f64, ln_first: f64, mut steps: f64, ratio: impl Fn(f64) -> f64, step: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    while steps > 0.0 && term > sum * f64::EPSILON {
        term *= ratio(k);
        sum += term;
        k += step;
        steps -= 1.0;
    }
    ln_first.exp() * sum
}

fn ln_mass(k: f64, n: f64, a: f64, b: f64) -> f64 {
    let ln_factorial = |n: f64| ln_gamma(n + 1.0);
    let choose = |n: f64, k: f64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    choose(a, k) + choose(n - a, b - k) - choose(n, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of scipy.stats.hypergeom.
    #[test]
    fn tails_are_those_of_the_distribution() {
        for (k, n, a, b, expected) in [
            (102, 9835, 174, 1903, 9.123465634147552e-31),
            (69, 9835, 160, 1072, 6.170028306555896e-26),
            (3, 100, 20, 30, 0.9773188336693431),
            (30, 9835, 174, 1903, 0.7882299848887828),
            (1, 50, 5, 5, 0.4233613056693538),
            (500, 100000, 5000, 8000, 1.266538923680048e-07),
        ] {
            let actual = at_least(k, n, a, b);
            assert!((actual / expected - 1.0).abs() < 1e-8, "{actual:e} is not {expected:e}");
        }
    }

    #[test]
    fn the_ends_are_certain_or_impossible() {
        assert_eq!((at_least(0, 10, 3, 4), at_least(4, 10, 3, 4), at_least(7, 10, 7, 10)), (1.0, 0.0, 1.0));
        assert_eq!(at_least(1, 0, 0, 0), 0.0);
    }
}
