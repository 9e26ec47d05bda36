//! The population stability index: how far the shares of some classes have moved between two counts.
//!
//! With `p` and `q` the shares of a class then and now, `PSI = Σ (q − p) ln(q/p)`, the sum of the two Kullback-Leibler divergences. A class is
//! credited with half a count more than it has, so that an empty one has a logarithm, too: `p = (n_i + ½)/(n + K/2)`. By the usual reading
//! below 0.1 is stable, above 0.25 has moved so far that what was fitted then should be fitted anew.
//!
//! | name          | shape         | unit                                |
//! |---------------|---------------|-------------------------------------|
//! | `then`, `now` | `(n_classes)` | counts                              |
//! | result        | `(n_classes)` | what each class adds; never negative |
//!
//! `O(n_classes)`. Sources: Jeffreys, "An invariant form for the prior probability in estimation problems", Proc. R. Soc. A 186 (1946);
//! Siddiqi, "Credit Risk Scorecards", 2006, for name and reading; the half count is the prior of Jeffreys for shares.

/// What every class is credited with.
const PRIOR: f64 = 0.5;

/// Returns what each class adds to the index, or nothing where there is no class, not the same classes, or a count of nobody.
///
/// # Examples
/// ```
/// use klientel::maths::stability::contributions;
/// let moved: f64 = contributions(&[500, 500], &[400, 600]).unwrap().iter().sum();
/// assert!((moved - 0.0405).abs() < 1e-3);
/// ```
pub fn contributions(then: &[u64], now: &[u64]) -> Option<Vec<f64>> {
    let total = |counts: &[u64]| counts.iter().map(|n| *n as f64).sum::<f64>();
    let (n_then, n_now) = (total(then), total(now));
    if then.len() != now.len() || n_then == 0.0 || n_now == 0.0 {
        return None;
    }
    let credit = PRIOR * then.len() as f64;
    let of_class = |(then, now): (&u64, &u64)| {
        let (p, q) = ((*then as f64 + PRIOR) / (n_then + credit), (*now as f64 + PRIOR) / (n_now + credit));
        (q - p) * (q / p).ln()
    };
    Some(then.iter().zip(now).map(of_class).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(then: &[u64], now: &[u64]) -> f64 {
        contributions(then, now).unwrap().iter().sum()
    }

    #[test]
    fn a_known_case() {
        // 0.1 and 0.9 against 0.2 and 0.8 of a large count: 0.1 ln 2 + 0.1 ln(9/8).
        let exact = 0.1 * 2_f64.ln() + 0.1 * (9.0 / 8.0_f64).ln();
        assert!((index(&[100_000_000, 900_000_000], &[200_000_000, 800_000_000]) - exact).abs() < 1e-8);
    }

    #[test]
    fn empty_classes_count_and_empty_bases_do_not() {
        assert!(index(&[10, 0], &[0, 10]) > 1.0);
        assert_eq!(contributions(&[0, 0], &[1, 2]), None);
        assert_eq!(contributions(&[1], &[1, 2]), None);
        assert_eq!(contributions(&[], &[]), None);
    }

    proptest! {
        /// Then and now may change places, no class ever lowers the index, and equal counts have none.
        #[test]
        fn is_symmetric_and_never_negative(pairs in prop::collection::vec((0..1_000_u64, 0..1_000_u64), 1..12)) {
            let (then, now): (Vec<u64>, Vec<u64>) = pairs.into_iter().map(|(a, b)| (a + 1, b + 1)).unzip();
            prop_assert!(contributions(&then, &now).unwrap().iter().all(|part| *part >= 0.0));
            prop_assert!((index(&then, &now) - index(&now, &then)).abs() < 1e-12);
            prop_assert_eq!(index(&then, &then), 0.0);
        }
    }
}
