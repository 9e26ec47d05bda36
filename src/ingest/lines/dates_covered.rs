//! Which day the data covers last, and which lines lie past it.
//!
//! Without an as-of in the pipeline, lines dated more than 30 days after the 99.9% quantile of dates are quarantined: one typing
//! error must not make every customer look lost.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::units::Day;

/// Days that a line may lie past the quantile.
const GRACE_DAYS: i32 = 30;

/// What a table covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Covered {
    pub as_of: Day,
    /// Last day of which lines may be used: as-of itself where it is given, else what is still believed.
    pub last: i32,
    /// Lines after `last`.
    pub n_beyond: u64,
}

/// Finds what the days cover, by the number of lines of each; nothing where there is no line up to the as-of given.
pub(super) fn cover(lines_of_days: &BTreeMap<i32, u64>, as_of: Option<Day>) -> Option<Covered> {
    let last = match as_of {
        Some(as_of) => as_of.0,
        None => quantile_999(lines_of_days)?.saturating_add(GRACE_DAYS),
    };
    let found = *lines_of_days.range(..=last).next_back()?.0;
    let n_beyond = lines_of_days.range((Bound::Excluded(last), Bound::Unbounded)).map(|(_, n)| n).sum();
    Some(Covered { as_of: as_of.unwrap_or(Day(found)), last, n_beyond })
}

/// Returns the smallest day that at least 99.9% of the lines do not exceed.
fn quantile_999(lines_of_days: &BTreeMap<i32, u64>) -> Option<i32> {
    let n: u64 = lines_of_days.values().sum();
    let wanted = (n * 999).div_ceil(1_000);
    let mut seen = 0;
    lines_of_days
        .iter()
        .find(|(_, n)| {
            seen += *n;
            seen >= wanted
        })
        .map(|(day, _)| *day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(days: impl IntoIterator<Item = i32>) -> BTreeMap<i32, u64> {
        let mut lines = BTreeMap::new();
        days.into_iter().for_each(|day| *lines.entry(day).or_default() += 1);
        lines
    }

    #[test]
    fn one_typing_error_moves_nothing() {
        let lines = lines_of((0..2_000).map(|line| line / 10).chain([40_000]));
        let covered = cover(&lines, None).unwrap();
        assert_eq!((covered.as_of, covered.n_beyond), (Day(199), 1));
        assert!((199..40_000).contains(&covered.last));
    }

    #[test]
    fn lines_within_a_month_of_the_rest_are_believed() {
        let lines = lines_of([100; 2_000].into_iter().chain([130]));
        assert_eq!(cover(&lines, None).map(|covered| (covered.as_of, covered.n_beyond)), Some((Day(130), 0)));
    }

    #[test]
    fn a_given_as_of_leaves_later_lines_out() {
        let covered = cover(&lines_of([1, 2, 3]), Some(Day(2)));
        assert_eq!(covered, Some(Covered { as_of: Day(2), last: 2, n_beyond: 1 }));
        assert_eq!(cover(&lines_of([5]), Some(Day(2))), None);
    }
}
