//! Quantile cuts of one RFM dimension, and scores from 1 to 5 by them.
//!
//! The k-th of the four cuts is the type-7 quantile at k/5: with the values ascending from `x₀`, `h = (n − 1)·k/5`,
//! `q = x_⌊h⌋ + (h − ⌊h⌋)·(x_⌊h⌋₊₁ − x_⌊h⌋)`. As `h` is a whole number of fifths, so is every cut of whole numbers, and cuts are kept
//! as such: a value is compared with a cut exactly, and no unit of measurement matters.
//!
//! | rule                  | k-th cut                        | level of `x`, 0 to 4         |
//! |-----------------------|---------------------------------|------------------------------|
//! | [`CutRule::Quantile`] | `q`, right-closed intervals      | how many cuts are below `x`  |
//! | [`CutRule::RPackage`] | `q + 1`, left-closed intervals   | how many cuts are at most `x` |
//!
//! Either way equal values get equal scores, a greater value never a lower level, and the order of customers means nothing.
//! `O(n log n)` time. Sources: Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996,
//! definition 7; R package rfm 0.3.0, `rfm_table_order`.

use rayon::prelude::*;

/// How the cut points of recency, frequency and monetary value come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CutRule {
    /// Type-7 quantiles; free of scale.
    #[default]
    Quantile,
    /// As the R package rfm: type-7 quantiles plus one day, order or major currency unit.
    RPackage,
}

impl CutRule {
    /// All rules, the default first.
    pub const ALL: [Self; 2] = [Self::Quantile, Self::RPackage];

    /// Returns the word that pipeline and manifest use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Quantile => "quantile",
            Self::RPackage => "r-package",
        }
    }
}

/// The four cut points of one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    rule: CutRule,
    /// Ascending, in fifths of the unit of the values.
    fifths: [i128; 4],
}

impl Cuts {
    /// Cuts values into fifths; `one` is the unit that the R package adds to a quantile. Returns nothing without values.
    pub fn of(mut values: Vec<i64>, rule: CutRule, one: i64) -> Option<Self> {
        let last = values.len().checked_sub(1)?;
        values.par_sort_unstable();
        let fifths = [1, 2, 3, 4].map(|k| {
            let (below, part) = (last * k / 5, last * k % 5);
            let low = i128::from(values[below]);
            let high = i128::from(values[(below + 1).min(last)]);
            let quantile = 5 * low + part as i128 * (high - low);
            match rule {
                CutRule::Quantile => quantile,
                CutRule::RPackage => quantile + 5 * i128::from(one),
            }
        });
        Some(Self { rule, fifths })
    }

    /// Takes cut points as they are, in fifths of the unit of the values; returns nothing unless they ascend.
    pub fn from_fifths(rule: CutRule, fifths: [i128; 4]) -> Option<Self> {
        // What a whole number of fifths is compared with lies in this range.
        let in_range = fifths.iter().all(|fifth| fifth.unsigned_abs() <= 1 << 100);
        (fifths.is_sorted() && in_range).then_some(Self { rule, fifths })
    }

    /// Returns the cut points in fifths of the unit of the values.
    pub fn fifths(&self) -> [i128; 4] {
        self.fifths
    }

    /// Returns how a value is compared with them.
    pub fn rule(&self) -> CutRule {
        self.rule
    }

    /// Returns in which of the five intervals a value lies: 0 is the lowest.
    pub fn level(&self, value: i64) -> u8 {
        let value = 5 * i128::from(value);
        let cut_off = |cut: i128| match self.rule {
            CutRule::Quantile => cut < value,
            CutRule::RPackage => cut <= value,
        };
        self.fifths.iter().map(|cut| u8::from(cut_off(*cut))).sum()
    }

    /// Returns the cut points in the unit of the values.
    pub fn points(&self) -> [f64; 4] {
        self.fifths.map(|fifths| fifths as f64 / 5.0)
    }

    /// Counts how many of the five intervals are not empty by themselves: cut points that coincide leave fewer.
    pub fn n_intervals(&self) -> usize {
        1 + self.fifths.chunk_by(|a, b| a == b).count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::CutRule::{Quantile, RPackage};
    use super::*;

    fn check(values: &[i64], rule: CutRule, one: i64, points: [f64; 4], levels: &[u8]) {
        let cuts = Cuts::of(values.to_vec(), rule, one).unwrap();
        assert_eq!(cuts.points(), points);
        assert_eq!(values.iter().map(|value| cuts.level(*value)).collect::<Vec<_>>(), levels);
    }

    #[test]
    fn quantiles_are_of_type_7() {
        // R: quantile(c(1, 2, 4, 8, 16, 32), c(.2, .4, .6, .8)) is 2 4 8 16; with 64 added: 2.4 5.6 12.8 28.8
        check(&[32, 1, 16, 2, 8, 4], Quantile, 1, [2.0, 4.0, 8.0, 16.0], &[4, 0, 3, 0, 2, 1]);
        check(&[1, 2, 4, 8, 16, 32, 64], Quantile, 1, [2.4, 5.6, 12.8, 28.8], &[0, 0, 1, 2, 3, 4, 4]);
    }

    #[test]
    fn the_r_package_adds_one_unit_and_closes_on_the_left() {
        check(&[1, 2, 4, 8, 16, 32], RPackage, 1, [3.0, 5.0, 9.0, 17.0], &[0, 0, 1, 2, 3, 4]);
        // One major unit is 100 minor ones: 300 stands on the first cut and above it.
        check(&[100, 200, 300, 800, 1_600, 3_200], RPackage, 100, [300.0, 400.0, 900.0, 1_700.0], &[0, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn coinciding_cut_points_leave_fewer_intervals() {
        check(&[1, 1, 1, 1, 2, 9], Quantile, 1, [1.0, 1.0, 1.0, 2.0], &[0, 0, 0, 0, 3, 4]);
        assert_eq!(Cuts::of(vec![1, 1, 1, 1, 2, 9], Quantile, 1).unwrap().n_intervals(), 3);
        check(&[7, 7], Quantile, 1, [7.0; 4], &[0, 0]);
        assert_eq!(Cuts::of(vec![], Quantile, 1), None);
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        let cuts = Cuts::of(vec![i64::MIN, i64::MAX, 0], Quantile, 1).unwrap();
        assert_eq!([i64::MIN, 0, i64::MAX].map(|value| cuts.level(value)), [0, 2, 4]);
    }

    fn values() -> impl Strategy<Value = Vec<i64>> {
        prop_oneof![
            prop::collection::vec(-50_i64..1_000_000_000, 1..100),
            // Few distinct values, as with numbers of orders.
            prop::collection::vec(1_i64..6, 1..100),
        ]
    }

    proptest! {
        /// Another unit of measurement changes no level.
        #[test]
        fn levels_are_scale_free(values in values(), factor in 1..1_000_i64) {
            let cuts = Cuts::of(values.clone(), Quantile, 1).unwrap();
            let scaled = Cuts::of(values.iter().map(|v| v * factor).collect(), Quantile, 1).unwrap();
            for value in values {
                prop_assert_eq!(cuts.level(value), scaled.level(value * factor));
            }
        }

        /// The order of the values means nothing, and a greater value never has a lower level.
        #[test]
        fn levels_are_order_invariant_and_monotone(mut values in values(), by in 0..100_usize, r_package: bool) {
            let rule = if r_package { RPackage } else { Quantile };
            let cuts = Cuts::of(values.clone(), rule, 1).unwrap();
            let by = by.min(values.len());
            values.rotate_left(by);
            prop_assert_eq!(Cuts::of(values.clone(), rule, 1).unwrap(), cuts);
            values.sort_unstable();
            prop_assert!(values.iter().map(|value| cuts.level(*value)).is_sorted());
        }
    }
}
