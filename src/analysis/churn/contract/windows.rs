//! Contracts as of a cut: who ran, for how long, and who was cancelled in the horizon after it.
//!
//! | window  | with dates                                             | of a status table                           |
//! |---------|--------------------------------------------------------|---------------------------------------------|
//! | `train` | cut two horizons before as-of, or `test` where too few cancelled then | `test`                     |
//! | `test`  | cut one horizon before as-of                           | who ran then, at the tenure of then         |
//! | `now`   | running on as-of                                       | not cancelled                               |
//!
//! A cut at `C` sees who had a contract on its eve, with what it said on that day; its label are the ends from `C` to the last day of the horizon.
//! Tenure is in whole months; the months of the horizon are counted from the cut, the first one after `t` whole months is period `t + 1`.
//!
//! A status does not say when in the horizon a contract was cancelled. With `m` whole months behind it that was its period `m + 1`, which is one of
//! the `H` months of the horizon; it entered the horizon between `m − H + 1` and `m`, and the middle is taken, of two the later. Where no
//! cancelled contract has 0 months, months are those begun (a bill each), and the period is `m`. Who is not cancelled entered at `m − H`. Whose
//! contract was not yet there when the horizon began cannot be labelled and is left out. Attributes of a status are those of the export, after the
//! horizon: the leak guard is all that stands between them and the label. `O(n)` a window.

use super::super::folds;
use super::super::hazard::Spell;
use crate::table::{ContractSpell, Contracts, Ids, Terms, Version};
use crate::units::{DAYS_PER_YEAR, Day, Period};

/// Cancellations, and contracts that stayed, from which a cut can be learnt from.
pub const LEAST_OF_CLASS: usize = 50;
const SEED_OF_SAMPLE: u64 = 2;

/// Contracts as of one cut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// Rank of the customer, ascending; one row a customer.
    pub customer: Vec<u32>,
    /// Which entry of the contracts says what was known.
    pub entry: Vec<u32>,
    /// Whole months at the cut.
    pub tenure: Vec<u32>,
    pub label: Vec<bool>,
    /// What of each contract was seen in the horizon; empty for `now`.
    pub spells: Vec<Spell>,
}

impl Window {
    fn push(&mut self, (customer, entry): (u32, u32), tenure: u32, left: u32, cancelled: bool) {
        self.customer.push(customer);
        self.entry.push(entry);
        self.tenure.push(tenure);
        self.label.push(cancelled);
        self.spells.push(Spell { entered: tenure, left, cancelled });
    }

    /// Returns how many were cancelled and how many stayed.
    pub fn classes(&self) -> (usize, usize) {
        let events = self.label.iter().filter(|label| **label).count();
        (events, self.label.len() - events)
    }

    /// Says whether there is enough to learn from and to be measured by.
    pub fn can_teach(&self) -> bool {
        let (events, others) = self.classes();
        events.min(others) >= LEAST_OF_CLASS
    }

    /// Returns some rows.
    pub fn pick(&self, rows: &[u32]) -> Self {
        let at = |row: &u32| *row as usize;
        Self {
            customer: rows.iter().map(|row| self.customer[at(row)]).collect(),
            entry: rows.iter().map(|row| self.entry[at(row)]).collect(),
            tenure: rows.iter().map(|row| self.tenure[at(row)]).collect(),
            label: rows.iter().map(|row| self.label[at(row)]).collect(),
            spells: rows.iter().map(|row| self.spells[at(row)]).collect(),
        }
    }

    /// Returns the rows whose customer's fold fits.
    pub fn rows(&self, folds: &[u8], fits: impl Fn(u8) -> bool) -> Vec<u32> {
        (0..self.customer.len() as u32).filter(|row| fits(folds[self.customer[*row as usize] as usize])).collect()
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
    /// Rows of a status table that began within the horizon.
    pub n_too_young: usize,
    /// Whether months of a status table are those begun.
    pub counts_begun: bool,
}

impl Windows {
    /// Cuts the contracts.
    pub fn of(contracts: &Contracts, horizon: Period, as_of: Day) -> Self {
        let horizon_months = match horizon {
            Period::Months(months) => months.max(1),
            Period::Days(days) => (f64::from(days) * 12.0 / DAYS_PER_YEAR).round().max(1.0) as u32,
        };
        let mut windows = Self {
            train: None,
            test: Window::default(),
            now: Window::default(),
            cuts: None,
            horizon,
            horizon_months,
            as_of,
            n_too_young: 0,
            counts_begun: false,
        };
        match &contracts.terms {
            Terms::Status { tenure_months, cancelled } => windows.cut_status(tenure_months, cancelled),
            Terms::Dated { spells, versions } => windows.cut_dated(spells, versions),
        }
        windows
    }

    fn cut_status(&mut self, tenure_months: &[u32], cancelled: &[bool]) {
        let mut of_cancelled = tenure_months.iter().zip(cancelled).filter(|(_, cancelled)| **cancelled);
        self.counts_begun = of_cancelled.all(|(months, _)| *months > 0);
        for ((customer, months), cancelled) in (0..).zip(tenure_months).zip(cancelled) {
            let (entered, left) = if *cancelled {
                let period = months + u32::from(!self.counts_begun);
                (period.checked_sub(1 + (self.horizon_months - 1) / 2), period)
            } else {
                self.now.push((customer, customer), *months, *months, false);
                (months.checked_sub(self.horizon_months), *months)
            };
            match entered {
                Some(entered) => self.test.push((customer, customer), entered, left, *cancelled),
                None => self.n_too_young += 1,
            }
        }
    }

    fn cut_dated(&mut self, spells: &[ContractSpell], versions: &[Version]) {
        let before_test = day_before(self.horizon, self.as_of);
        let before_train = day_before(self.horizon, before_test);
        let months = self.horizon_months;
        let at = |before: Day, last: Day| dated((spells, versions), before, last, months);
        self.train = Some(at(before_train, before_test)).filter(Window::can_teach);
        self.test = at(before_test, self.as_of);
        self.now = at(self.as_of, self.as_of);
        self.cuts = Some((Day(before_train.0 + 1), Day(before_test.0 + 1)));
    }

    /// Leaves about so many customers in the windows that are learnt from: those with the smallest hashes, the same ones in both.
    pub fn draw(&mut self, ids: &Ids, most: usize) {
        let share = most as f64 / self.test.customer.len().max(1) as f64;
        let drawn = folds::sampled(ids.iter(), share, SEED_OF_SAMPLE);
        for window in self.train.iter_mut().chain([&mut self.test]) {
            let n = window.customer.len() as u32;
            let rows: Vec<u32> = (0..n).filter(|row| drawn[window.customer[*row as usize] as usize]).collect();
            if rows.len() < window.customer.len() {
                *window = window.pick(&rows);
            }
        }
        self.train = self.train.take().filter(Window::can_teach);
    }

    /// What an AUC here is about.
    pub fn label(&self) -> String {
        let (horizon, as_of) = (self.horizon, self.as_of);
        match self.cuts {
            Some((_, cut)) => {
                format!("contract cancelled from {cut} to {as_of} ({horizon}), among those running before")
            }
            None => format!(
                "contract cancelled as the status of {as_of} says, read as within the {horizon} before, among those that ran when it began; five stratified folds, no cut in time"
            ),
        }
    }
}

/// Contracts that run on the day `before` the cut, and which of them end up to `last`.
fn dated((spells, versions): (&[ContractSpell], &[Version]), before: Day, last: Day, horizon_months: u32) -> Window {
    let mut window = Window::default();
    for spell in spells {
        if spell.start > before || spell.end.is_some_and(|end| end <= before) {
            continue;
        }
        // In the gap before a renewal nobody could know that it would come.
        let Some(entry) = spell.entry_on(versions, before) else { continue };
        let tenure = months_between(spell.start, before);
        let end = spell.end.filter(|end| *end <= last);
        let months = end.map_or(horizon_months, |end| (months_between(Day(before.0 + 1), end) + 1).min(horizon_months));
        window.push((spell.customer, entry), tenure, tenure + months, end.is_some());
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

    fn day(text: &str) -> Day {
        Day::parse_iso(text).unwrap()
    }

    fn contracts(terms: Terms, n: usize) -> Contracts {
        let ids: Vec<String> = (0..n).map(|id| id.to_string()).collect();
        Contracts { ids: Ids::from_sorted(ids.iter().map(String::as_str)), terms, price: None, attributes: vec![] }
    }

    #[test]
    fn a_cut_sees_who_ran_before_it_and_who_left_in_its_horizon() {
        let rows = [
            (0, "2025-01-15", None),
            (1, "2025-01-15", Some("2026-04-30")),
            (2, "2025-01-15", Some("2026-04-01")),
            (3, "2026-04-01", None),
            (4, "2026-05-01", Some("2026-06-30")),
            // Gone before the test cut, and back.
            (5, "2025-02-15", Some("2026-02-10")),
            (5, "2026-05-01", None),
            // On another plan since March, between two contracts at the train cut.
            (6, "2025-01-15", Some("2025-12-25")),
            (6, "2026-01-10", Some("2026-03-09")),
            (6, "2026-03-10", None),
        ];
        let versions: Vec<Version> =
            rows.iter().map(|(_, start, end)| Version { start: day(start), end: end.map(day) }).collect();
        let mut spells: Vec<ContractSpell> = (0..)
            .zip(&rows)
            .map(|(ix, (customer, start, end))| ContractSpell {
                customer: *customer,
                start: day(start),
                end: end.map(day),
                versions: ix..ix + 1,
            })
            .collect();
        spells.truncate(7);
        spells.push(ContractSpell { customer: 6, start: day("2025-01-15"), end: None, versions: 7..10 });
        let terms = Terms::Dated { spells: spells.clone(), versions: versions.clone() };
        let windows = Windows::of(&contracts(terms, 7), Period::Months(3), day("2026-06-30"));
        assert_eq!(windows.cuts, Some((day("2026-01-01"), day("2026-04-01"))));
        // The third left on the very day of the cut; two began later; the last is on the third of its contracts.
        assert_eq!(windows.test.customer, [0, 1, 2, 6]);
        assert_eq!(windows.test.entry, [0, 1, 2, 9]);
        assert_eq!(windows.test.label, [false, true, true, false]);
        assert_eq!(windows.test.tenure, [14, 14, 14, 14]);
        assert_eq!(windows.test.spells.iter().map(|spell| spell.left).collect::<Vec<_>>(), [17, 15, 15, 17]);
        assert_eq!((windows.now.customer, windows.now.tenure), (vec![0, 3, 5, 6], vec![17, 2, 1, 17]));
        assert!(windows.train.is_none(), "few cancellations teach nothing");
        // The train cut sees the first contract of who came back, and its end.
        let train = dated((&spells, &versions), day("2025-12-31"), day("2026-03-31"), 3);
        assert_eq!((train.customer, train.entry), (vec![0, 1, 2, 5], vec![0, 1, 2, 5]));
        assert_eq!(train.label, [false, false, false, true]);
        assert_eq!(train.spells[3], Spell { entered: 10, left: 12, cancelled: true });
    }

    fn status(rows: &[(u32, bool)], horizon: Period) -> Windows {
        let (tenure_months, cancelled) = rows.iter().copied().unzip();
        Windows::of(&contracts(Terms::Status { tenure_months, cancelled }, rows.len()), horizon, Day(0))
    }

    #[test]
    fn a_status_is_read_at_the_tenure_when_the_horizon_began() {
        let rows = [(0, false), (2, true), (40, false), (0, true), (3, false)];
        let windows = status(&rows, Period::Days(90));
        assert_eq!((windows.horizon_months, windows.counts_begun, windows.n_too_young), (3, false, 2));
        // Third period, of which months 0 to 2 of the contract may have been the first of the horizon.
        assert_eq!((windows.test.customer, windows.test.tenure), (vec![1, 2, 4], vec![1, 37, 0]));
        assert_eq!(windows.test.spells[0], Spell { entered: 1, left: 3, cancelled: true });
        assert_eq!((windows.now.customer, windows.now.tenure), (vec![0, 2, 4], vec![0, 40, 3]));
        // Who is cancelled in a horizon of a month entered it with the months of the cancellation, who stays with one less.
        let month = status(&rows, Period::Months(1));
        assert_eq!((month.test.customer, month.test.tenure), (vec![1, 2, 3, 4], vec![2, 39, 0, 2]));
        // Bills count months that have begun.
        let billed = status(&[(1, true), (1, false), (0, false), (7, true)], Period::Months(1));
        assert_eq!((billed.counts_begun, billed.n_too_young), (true, 1));
        assert_eq!((billed.test.customer, billed.test.tenure), (vec![0, 1, 3], vec![0, 0, 6]));
        assert_eq!(billed.test.spells[2], Spell { entered: 6, left: 7, cancelled: true });
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
