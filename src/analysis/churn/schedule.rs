//! Which cuts a history allows.
//!
//! With as-of `D` and a horizon of `H` days, what is known last is what became of the customers of the cut `C₁ = D + 1 − H`: the test cut. The train
//! cut `C₀ = C₁ − H` is the latest whose labels were known at `C₁`. A cut needs days to look back on, as many as half the horizon and four weeks at
//! least. The season cut of a cut lies 364 days before it, whole weeks, and its labels must be known at the cut: `H ≤ 364`.
//!
//! | cut            | features from days | label from days          | used for                                         |
//! |----------------|--------------------|--------------------------|--------------------------------------------------|
//! | train `C₀`     | `< C₀`             | `C₀ ..= C₁ − 1`          | fitting what is tested                           |
//! | test `C₁`      | `< C₁`             | `C₁ ..= D`               | the card; fitting what is published              |
//! | season of `C₁` | `< C₁ − 364`       | `H` days from there      | calibration of what is tested                    |
//! | season of now  | `< D + 1 − 364`    | `H` days from there      | calibration of what is published                 |

use super::behaviour::YEAR;
use crate::units::Day;

/// A cut with fewer days before it says nothing.
const LEAST_DAYS: i32 = 28;

/// The cuts of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Nothing where the history is too short for a cut before the test.
    pub train: Option<Day>,
    pub test: Day,
    /// One year before the test cut.
    pub season_of_test: Option<Day>,
    /// The day after as-of, from which the risk counts.
    pub now: Day,
    /// One year before now.
    pub season_of_now: Option<Day>,
}

impl Schedule {
    /// Lays out the cuts; nothing where the history is too short for any.
    pub fn new(first_day: Day, as_of: Day, horizon: i32) -> Option<Self> {
        let least = (horizon / 2).max(LEAST_DAYS);
        let possible = |cut: i32| (cut - first_day.0 >= least).then_some(Day(cut));
        let season = |cut: Day| possible(cut.0 - YEAR).filter(|_| horizon <= YEAR);
        let now = Day(as_of.0 + 1);
        let test = possible(now.0 - horizon)?;
        Some(Self {
            train: possible(test.0 - horizon),
            test,
            season_of_test: season(test),
            now,
            season_of_now: season(now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse_iso(text).unwrap()
    }

    #[test]
    fn cuts_lie_a_horizon_apart_and_labels_inside_the_data() {
        let found = Schedule::new(day("2010-12-01"), day("2011-12-09"), 90).unwrap();
        assert_eq!((found.train, found.test), (Some(day("2011-06-13")), day("2011-09-11")));
        assert_eq!((found.season_of_test, found.season_of_now), (None, None));
        // Eleven days before the same day of last year are too few to look back on, forty-five are enough.
        let longer = Schedule::new(day("2010-10-27"), day("2011-12-09"), 90).unwrap();
        assert_eq!((longer.season_of_test, longer.season_of_now), (None, Some(day("2010-12-11"))));
    }

    #[test]
    fn a_short_history_has_one_cut_or_none() {
        let found = Schedule::new(day("1997-01-01"), day("1998-06-30"), 273).unwrap();
        assert_eq!((found.train, found.test), (None, day("1997-10-01")));
        assert_eq!(Schedule::new(day("1998-01-01"), day("1998-06-30"), 273), None);
    }
}
