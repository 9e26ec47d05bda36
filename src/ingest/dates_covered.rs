//! Which day the data covers last, and which lines lie past it.
//!
//! Without an as-of in the pipeline, lines dated more than 30 days after the 99.9% quantile of dates are quarantined: one typing
//! error must not make every customer look lost.

use crate::units::Day;

/// Days that a line may lie past the quantile.
const GRACE_DAYS: i64 = 30;

/// What a table covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Covered {
    pub as_of: Day,
    /// Rows after a given as-of: left out and counted.
    pub too_late: Vec<usize>,
    /// Rows whose date cannot be right.
    pub quarantined: Vec<usize>,
}

/// Finds what the days cover; nothing where there is no line up to the as-of given.
pub(super) fn cover(day: &[i32], as_of: Option<Day>) -> Option<Covered> {
    let rows_after = |last: i64| -> Vec<usize> { (0..day.len()).filter(|row| i64::from(day[*row]) > last).collect() };
    let (last, given) = match as_of {
        Some(as_of) => (i64::from(as_of.0), true),
        None => (i64::from(quantile_999(day)?) + GRACE_DAYS, false),
    };
    let beyond = rows_after(last);
    if beyond.len() == day.len() {
        return None;
    }
    let found = day.iter().copied().filter(|day| i64::from(*day) <= last).max()?;
    Some(match as_of {
        Some(as_of) if given => Covered { as_of, too_late: beyond, quarantined: vec![] },
        _ => Covered { as_of: Day(found), too_late: vec![], quarantined: beyond },
    })
}

/// Returns the smallest day that at least 99.9% of the lines do not exceed.
fn quantile_999(day: &[i32]) -> Option<i32> {
    let (first, last) = (*day.iter().min()?, *day.iter().max()?);
    let mut n_lines = vec![0_u64; (i64::from(last) - i64::from(first)) as usize + 1];
    for day in day {
        n_lines[(i64::from(*day) - i64::from(first)) as usize] += 1;
    }
    let wanted = (day.len() as u64 * 999).div_ceil(1_000);
    let mut seen = 0;
    n_lines
        .iter()
        .position(|n| {
            seen += n;
            seen >= wanted
        })
        .map(|offset| first + offset as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typing_error_moves_nothing() {
        let mut day: Vec<i32> = (0..2_000).map(|line| line / 10).collect();
        day.push(40_000);
        let covered = cover(&day, None).unwrap();
        assert_eq!((covered.as_of, covered.quarantined), (Day(199), vec![2_000]));
    }

    #[test]
    fn lines_within_a_month_of_the_rest_are_believed() {
        let mut day = vec![100; 2_000];
        day.push(130);
        assert_eq!(cover(&day, None).unwrap().as_of, Day(130));
    }

    #[test]
    fn a_given_as_of_leaves_later_lines_out_without_quarantine() {
        let covered = cover(&[1, 2, 3], Some(Day(2))).unwrap();
        assert_eq!(covered, Covered { as_of: Day(2), too_late: vec![2], quarantined: vec![] });
        assert_eq!(cover(&[5], Some(Day(2))), None);
    }
}
