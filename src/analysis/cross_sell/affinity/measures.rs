//! Measures of a rule `X → y`, all from four counts.
//!
//! With `n` baskets, `n_x` of them with the antecedent, `n_y` with the consequent and `n_xy` with both:
//!
//! | measure       | formula                                                   | range; at independence |
//! |---------------|-----------------------------------------------------------|------------------------|
//! | support       | `s = n_xy / n`                                            | 0..1                   |
//! | confidence    | `c = n_xy / n_x`                                          | 0..1; `s_y = n_y / n`  |
//! | lift          | `c / s_y`                                                 | 0..; 1                 |
//! | leverage      | `s − s_x s_y`                                             | −¼..¼; 0               |
//! | conviction    | `(1 − s_y) / (1 − c)`, unknown where `c = 1`              | 0..; 1                 |
//! | cosine        | `s / √(s_x s_y)`                                          | 0..1                   |
//! | Jaccard       | `n_xy / (n_x + n_y − n_xy)`                               | 0..1                   |
//! | Kulczynski    | `½ (n_xy/n_x + n_xy/n_y)`                                 | 0..1                   |
//! | Zhang         | `(s − s_x s_y) / max(s (1 − s_x), s_x (s_y − s))`         | −1..1; 0               |
//! | χ²            | `n (n n_xy − n_x n_y)² / (n_x n_y (n − n_x)(n − n_y))`    | 0..; 0                 |
//! | Fisher        | chance of `n_xy` or more, [`hypergeometric`]              | 0..1                   |
//!
//! None looks at how many items the baskets hold: on baskets of different sizes unrelated items have lift above 1. For what is real see
//! `significance`. Sources: Tan, Kumar and Srivastava, "Selecting the right objective measure for association analysis", Information
//! Systems 29(4), 2004; Zhang, "Association Rules", PAKDD 2000; the definitions are those of arules.

use crate::maths::hypergeometric;

/// The counts of a rule; `n_both ≥ 1` is at most `n_lhs` and `n_rhs`, and both are at most `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub n: u32,
    pub n_lhs: u32,
    pub n_rhs: u32,
    pub n_both: u32,
}

impl Counts {
    fn parts(self) -> [f64; 4] {
        [self.n, self.n_lhs, self.n_rhs, self.n_both].map(f64::from)
    }

    /// Returns the share of baskets with both.
    pub fn support(self) -> f64 {
        let [n, .., both] = self.parts();
        both / n
    }

    /// Returns the share of the baskets with the antecedent that hold the consequent.
    pub fn confidence(self) -> f64 {
        let [_, lhs, _, both] = self.parts();
        both / lhs
    }

    /// Returns the confidence over the share of all baskets with the consequent.
    pub fn lift(self) -> f64 {
        let [n, lhs, rhs, both] = self.parts();
        both * n / (lhs * rhs)
    }

    /// Returns the share of baskets beyond independence.
    pub fn leverage(self) -> f64 {
        let [n, lhs, rhs, both] = self.parts();
        (both - lhs * rhs / n) / n
    }

    /// Returns how much more often the rule would be wrong at independence; unknown where it never is.
    pub fn conviction(self) -> Option<f64> {
        let [n, lhs, rhs, both] = self.parts();
        (self.n_both < self.n_lhs).then(|| (n - rhs) * lhs / (n * (lhs - both)))
    }

    /// Returns the cosine of the two sets of baskets.
    pub fn cosine(self) -> f64 {
        let [_, lhs, rhs, both] = self.parts();
        both / (lhs * rhs).sqrt()
    }

    /// Returns the share of the baskets with either that hold both.
    pub fn jaccard(self) -> f64 {
        let [_, lhs, rhs, both] = self.parts();
        both / (lhs + rhs - both)
    }

    /// Returns the mean of the confidences of both directions.
    pub fn kulczynski(self) -> f64 {
        let [_, lhs, rhs, both] = self.parts();
        0.5 * (both / lhs + both / rhs)
    }

    /// Returns Zhang's measure; unknown where every basket holds both sides or none does.
    pub fn zhang(self) -> Option<f64> {
        let [n, lhs, rhs, both] = self.parts();
        let denominator = (both * (n - lhs)).max(lhs * (rhs - both));
        (denominator > 0.0).then(|| (n * both - lhs * rhs) / denominator)
    }

    /// Returns the χ² statistic of the table of two by two, one degree of freedom; unknown where a side is in every basket.
    pub fn chi_squared(self) -> Option<f64> {
        let [n, lhs, rhs, both] = self.parts();
        let denominator = lhs * rhs * (n - lhs) * (n - rhs);
        (denominator > 0.0).then(|| n * (n * both - lhs * rhs).powi(2) / denominator)
    }

    /// Returns the one-sided p-value of Fisher's exact test.
    pub fn fisher(self) -> f64 {
        let [n, lhs, rhs, both] = [self.n, self.n_lhs, self.n_rhs, self.n_both].map(u64::from);
        hypergeometric::at_least(both, n, lhs, rhs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_rule_has_its_published_measures() {
        // Groceries: citrus fruit and root vegetables lead to other vegetables.
        let counts = Counts { n: 9_835, n_lhs: 174, n_rhs: 1_903, n_both: 102 };
        for (actual, expected) in [
            (counts.support(), 0.010_371_123_5),
            (counts.confidence(), 0.586_206_896_6),
            (counts.lift(), 3.029_608_422_3),
            (counts.leverage(), 0.006_947_868_1),
            (counts.conviction().unwrap(), 1.949_059_481_4),
            (counts.cosine(), 0.177_258_126),
            (counts.jaccard(), 0.051_645_569_6),
            (counts.kulczynski(), 0.319_903_238_1),
            (counts.zhang().unwrap(), 0.681_990_051),
            (counts.chi_squared().unwrap(), 175.058_065_930_8),
        ] {
            assert!((actual - expected).abs() < 1e-9, "{actual} {expected}");
        }
        assert!((counts.fisher() / 9.123_465_634_147_552e-31 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_computed_is_unknown_and_never_infinite() {
        let sure = Counts { n: 10, n_lhs: 3, n_rhs: 5, n_both: 3 };
        assert_eq!(sure.conviction(), None);
        assert!(sure.zhang().is_some_and(f64::is_finite) && sure.chi_squared().is_some_and(f64::is_finite));
        let everywhere = Counts { n: 4, n_lhs: 4, n_rhs: 4, n_both: 4 };
        assert_eq!((everywhere.conviction(), everywhere.zhang(), everywhere.chi_squared()), (None, None, None));
        assert_eq!((everywhere.lift(), everywhere.fisher()), (1.0, 1.0));
    }
}
