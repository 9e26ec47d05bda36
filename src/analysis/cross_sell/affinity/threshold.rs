//! Thresholds that are shares, compared as whole numbers.
//!
//! A share such as 0.07 is no binary fraction: `0.07 · 100` is 7.000000000000001, and its ceiling 8 loses every itemset of exactly 7 baskets.
//! The number meant is the shortest decimal that reads back as the same `f64`, `d / 10^s`, which is what somebody wrote; with it
//! `count ≥ share · n` is `count · 10^s ≥ d · n` in whole numbers.
//!
//! Source of the case: arules issue 72, itemsets of exactly the least support were lost until version 1.7-6.

/// A share in `0..=1` as the decimal that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    digits: u128,
    scale: u128,
}

/// Decimal places that are kept; shares below `10⁻¹⁸` are 0.
const MOST_PLACES: usize = 18;

impl Threshold {
    /// Takes a share; what is not a number or below 0 is 0, what is above 1 is 1.
    pub fn of(share: f64) -> Self {
        // `Display` of a float is never in exponent form, and the shortest that reads back as the same.
        let text = format!("{}", if share > 0.0 { share.min(1.0) } else { 0.0 });
        let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
        let places = &places[..places.len().min(MOST_PLACES)];
        let digits = whole.bytes().chain(places.bytes()).fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        Self { digits, scale: 10_u128.pow(places.len() as u32) }
    }

    /// Returns the smallest count that is at least this share of `n`, and at least 1.
    ///
    /// # Examples
    /// ```
    /// use klientel::analysis::cross_sell::affinity::threshold::Threshold;
    /// assert_eq!(Threshold::of(0.07).count(100), 7);
    /// assert_eq!(Threshold::of(0.5).count(2), 1);
    /// ```
    pub fn count(self, n: usize) -> u32 {
        let count = (self.digits * n as u128).div_ceil(self.scale).max(1);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Says whether `count` of `n` is at least this share.
    pub fn is_met(self, count: u32, n: u32) -> bool {
        u128::from(count) * self.scale >= self.digits * u128::from(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_decimal_that_was_written() {
        for (share, n, expected) in [
            (0.5, 2, 1),
            (0.07, 100, 7),
            (0.1, 30, 3),
            (0.001, 9_835, 10),
            (0.005, 100_000, 500),
            (0.29, 100, 29),
            (1e-9, 10, 1),
            (1e-30, 10, 1),
            (0.0, 10, 1),
            (f64::NAN, 10, 1),
            (1.0, 7, 7),
            (3.0, 7, 7),
        ] {
            assert_eq!(Threshold::of(share).count(n), expected, "{share} of {n}");
        }
    }

    #[test]
    fn a_share_that_is_met_exactly_is_met() {
        assert!(Threshold::of(0.8).is_met(4, 5));
        assert!(Threshold::of(0.1).is_met(3, 30));
        assert!(!Threshold::of(0.8).is_met(399_999, 500_000));
    }
}
