//! Contracts as of a cut: who ran, for how long, and who was cancelled in the horizon after it.
//!
//! | window  | with dates                                             | of a status table                           |
//! |---------|--------------------------------------------------------|---------------------------------------------|
//! | `train` | cut two horizons before as-of, or `test` where too few cancelled then | `test`                     |
//! | `test`  | cut one horizon before as-of                           | everybody, at the tenure one horizon before |
//! | `now`   | running on as-of                                       | not cancelled                               |
//!
//! A cut at `C` sees what began before it; its label are the ends from `C` to the last day of the horizon. Tenure is in whole months.
//! `O(n)` a window.

use super::super::hazard::Spell;
use crate::table::{Contracts, Terms};
use crate::units::{DAYS_PER_YEAR, Day, Period};

/// Cancellations, and contracts that stayed, from which a cut can be learnt from.
const LEAST_EVENTS: usize = 50;

/// Contracts as of one cut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// Position among the contracts, ascending.
    pub customer: Vec<u32>,
    /// Whole months at the cut.
    pub tenure: Vec<u32>,
    pub label: Vec<bool>,
    /// What of each contract was seen in the horizon; empty for `now`.
    pub spells: Vec<Spell>,
}

impl Window {
    fn push(&mut self, customer: usize, tenure: u32, left: u32, cancelled: bool) {
        self.customer.push(customer as u32);
        self.tenure.push(tenure);
        self.label.push(cancelled);
        self.spells.push(Spell { entered: tenure, left, cancelled });
    }

    fn can_teach(&self) -> bool {
        let events = self.label.iter().filter(|label| **label).count();
        events.min(self.label.len() - events) >= LEAST_EVENTS
    }
}

/// The three windows of a run.
#[derive(Debug, Clone)]
pub struct Windows {
    /// Nothing where the test window teaches itself, by folds.
    pub train: Option<Window>,
    pub test: Window,
    pub now: Window,
    /// First days of the horizons that train and test look at; nothing of a status table.
    pub cuts: Option<(Day, Day)>,
    pub horizon: Period,
    pub horizon_months: u32,
    pub as_of: Day,
}

impl Windows {
    /// Cuts the contracts.
    pub fn of(contracts: &Contracts, horizon: Period, as_of: Day) -> Self {
        let horizon_months = match horizon {
            Period::Months(months) => months,
            Period::Days(days) => (f64::from(days) * 12.0 / DAYS_PER_YEAR).round().max(1.0) as u32,
        };
        match &contracts.terms {
            Terms::Status { tenure_months, cancelled } => {
                let (mut test, mut now) = (Window::default(), Window::default());
                for (customer, (months, cancelled)) in tenure_months.iter().zip(cancelled).enumerate() {
                    let left = (*months).max(u32::from(*cancelled));
                    test.push(customer, months.saturating_sub(horizon_months), left, *cancelled);
                    if !cancelled {
                        now.push(customer, *months, *months, false);
                    }
                }
                Self { train: None, test, now, cuts: None, horizon, horizon_months, as_of }
            }
            Terms::Dated { start, end } => {
                let before_test = day_before(horizon, as_of);
                let before_train = day_before(horizon, before_test);
                let at = |before: Day, last: Day| dated(start, end, before, last);
                let (train, test, now) = (at(before_train, before_test), at(before_test, as_of), at(as_of, as_of));
                let cuts = Some((Day(before_train.0 + 1), Day(before_test.0 + 1)));
                let train = train.can_teach().then_some(train);
                Self { train, test, now, cuts, horizon, horizon_months, as_of }
            }
        }
    }

    /// What an AUC here is about.
    pub fn label(&self) -> String {
        let (horizon, as_of) = (self.horizon, self.as_of);
        match self.cuts {
            Some((_, cut)) => {
                format!("contract cancelled from {cut} to {as_of} ({horizon}), among those running before")
            }
            None => format!(
                "contract cancelled as the status of {as_of} says, read as within the {horizon} before; five stratified folds, no cut in time"
            ),
        }
    }
}

/// Contracts that run on the day `before` the cut, and which of them end up to `last`.
fn dated(start: &[Day], end: &[Option<Day>], before: Day, last: Day) -> Window {
    let mut window = Window::default();
    for (customer, (start, end)) in start.iter().zip(end).enumerate() {
        if *start > before || end.is_some_and(|end| end <= before) {
            continue;
        }
        let tenure = months_between(*start, before);
        let cancelled = end.filter(|end| *end <= last);
        let left = cancelled.map_or_else(|| months_between(*start, last), |end| months_between(*start, end) + 1);
        window.push(customer, tenure, left, cancelled.is_some());
    }
    window
}

/// Returns the last day whose horizon ends by `last`.
fn day_before(horizon: Period, last: Day) -> Day {
    let longest = match horizon {
        Period::Days(days) => days as i32,
        Period::Months(months) => 31 * months as i32,
    };
    (0..=longest)
        .map(|days| Day(last.0 - days))
        .find(|day| horizon.end_after(*day) <= last)
        .unwrap_or(Day(last.0 - longest))
}

/// Returns the whole months from one day to a later one.
fn months_between(from: Day, to: Day) -> u32 {
    let ((y0, m0, _), (y1, m1, _)) = (from.ymd(), to.ymd());
    let months = ((y1 - y0) * 12 + m1 as i32 - m0 as i32).max(0) as u32;
    if from.add_months(months) > to { months.saturating_sub(1) } else { months }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Ids;

    fn day(text: &str) -> Day {
        Day::parse_iso(text).unwrap()
    }

    fn contracts(terms: Terms, n: usize) -> Contracts {
        let ids: Vec<String> = (0..n).map(|id| id.to_string()).collect();
        Contracts { ids: Ids::from_sorted(ids.iter().map(String::as_str)), terms, attributes: vec![] }
    }

    #[test]
    fn a_cut_sees_who_ran_before_it_and_who_left_in_its_horizon() {
        let dates = [
            ("2025-01-15", None),
            ("2025-01-15", Some("2026-04-30")),
            ("2025-01-15", Some("2026-04-01")),
            ("2026-04-01", None),
            ("2026-05-01", Some("2026-06-30")),
        ];
        let terms = Terms::Dated {
            start: dates.iter().map(|(start, _)| day(start)).collect(),
            end: dates.iter().map(|(_, end)| end.map(day)).collect(),
        };
        let windows = Windows::of(&contracts(terms, 5), Period::Months(3), day("2026-06-30"));
        assert_eq!(windows.cuts, Some((day("2026-01-01"), day("2026-04-01"))));
        // The third left on the very day of the cut; the last two began later.
        assert_eq!(windows.test.customer, [0, 1, 2]);
        assert_eq!(windows.test.label, [false, true, true]);
        assert_eq!(windows.test.tenure, [14, 14, 14]);
        assert_eq!(windows.test.spells.iter().map(|spell| spell.left).collect::<Vec<_>>(), [17, 16, 15]);
        assert_eq!((windows.now.customer, windows.now.tenure), (vec![0, 3], vec![17, 2]));
        assert!(windows.train.is_none(), "two cancellations teach nothing");
    }

    #[test]
    fn a_status_is_read_at_the_tenure_before_the_horizon() {
        let terms = Terms::Status { tenure_months: vec![0, 2, 40, 0], cancelled: vec![false, true, false, true] };
        let windows = Windows::of(&contracts(terms, 4), Period::Days(90), Day(0));
        assert_eq!(windows.horizon_months, 3);
        assert_eq!(windows.test.tenure, [0, 0, 37, 0]);
        assert_eq!(windows.test.spells[3], Spell { entered: 0, left: 1, cancelled: true });
        assert_eq!((windows.now.customer, windows.now.tenure), (vec![0, 2], vec![0, 40]));
    }

    #[test]
    fn months_are_whole() {
        let check = |from, to, expected| assert_eq!(months_between(day(from), day(to)), expected);
        check("2026-01-31", "2026-02-27", 0);
        check("2026-01-31", "2026-02-28", 1);
        check("2025-12-15", "2026-12-14", 11);
        check("2026-05-01", "2026-05-01", 0);
        assert_eq!(day_before(Period::Months(1), day("2026-03-30")), day("2026-02-28"));
        assert_eq!(day_before(Period::Days(90), day("2026-03-31")), day("2025-12-31"));
    }
}
