//! Opportunities of the calendar: days counted as weeks, months, quarters or years in which a customer buys or not, as `bg-bb` sees them.
//!
//! | term           | meaning                                                                                            |
//! |----------------|----------------------------------------------------------------------------------------------------|
//! | opportunity    | a week from Monday, a month, quarter or year of the calendar, numbered without a gap               |
//! | acquisition    | the opportunity of the first purchase; purchases after the first in it count for nothing           |
//! | `x`, `t_x`     | later complete opportunities with a purchase day, and the last of them, counted from the acquisition |
//! | `n`            | complete opportunities after the acquisition up to as-of                                           |
//! | open           | the opportunity that as-of lies in, unless as-of is its last day: it is no part of a history        |
//!
//! Forecasts stand at the end of the last complete opportunity, so that an open one is the first that is forecast, for buyers in it as well. Who
//! was won in the open one is new, `x = n = 0`, and the next opportunity is the one after it.
//!
//! As seen from the end of an opportunity, it was taken if a purchase day in it had not been returned in full by then. `O(purchase days)`.

use rayon::prelude::*;

use super::histories::History;
use crate::features::{Dataset, NEVER, PurchaseDays};
use crate::units::{DAYS_PER_YEAR, Day};

/// The first day of year 1, the month of which has the number 12.
const FIRST_DAY: Day = Day(-719_162);
const FIRST_MONTH: i32 = 12;

/// How long an opportunity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opportunity {
    Week,
    Month,
    Quarter,
    Year,
}

impl Opportunity {
    pub const ALL: [Self; 4] = [Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// Returns the words in pipelines.
    pub fn label(self) -> &'static str {
        match self {
            Self::Week => "1 week",
            Self::Month => "1 month",
            Self::Quarter => "1 quarter",
            Self::Year => "1 year",
        }
    }

    /// Returns its name.
    pub fn noun(self) -> &'static str {
        &self.label()[2..]
    }

    /// Returns the number of the opportunity that a day lies in.
    pub fn number(self, day: Day) -> i32 {
        let month = || {
            let (year, month, _) = day.ymd();
            year * 12 + month as i32 - 1
        };
        match self {
            // 1970-01-01 was a Thursday.
            Self::Week => (day.0 + 3).div_euclid(7),
            Self::Month => month(),
            Self::Quarter => month().div_euclid(3),
            Self::Year => month().div_euclid(12),
        }
    }

    /// Returns the first day of an opportunity; none lies before the year 1.
    pub fn start(self, number: i32) -> Day {
        let months = match self {
            Self::Week => return Day(number.saturating_mul(7).saturating_sub(3)),
            Self::Month => number,
            Self::Quarter => number.saturating_mul(3),
            Self::Year => number.saturating_mul(12),
        };
        FIRST_DAY.add_months(months.saturating_sub(FIRST_MONTH).max(0).unsigned_abs())
    }

    /// Returns the last day of an opportunity.
    pub fn end(self, number: i32) -> Day {
        Day(self.start(number + 1).0 - 1)
    }

    /// Returns how many a year has.
    pub fn per_year(self) -> f64 {
        match self {
            Self::Week => DAYS_PER_YEAR / 7.0,
            Self::Month => 12.0,
            Self::Quarter => 4.0,
            Self::Year => 1.0,
        }
    }
}

/// The opportunities of a base as of a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opportunities {
    pub each: Opportunity,
    pub as_of: Day,
    /// Number of the last complete one.
    last: i32,
}

/// What a customer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub history: History,
    /// Opportunities with a purchase day, acquisition and open one included.
    pub n_taken: u32,
    /// Net revenue of the `x` opportunities, minor units.
    pub repeat_revenue: i64,
}

impl Opportunities {
    /// Counts opportunities up to a day.
    pub fn new(each: Opportunity, as_of: Day) -> Self {
        let number = each.number(as_of);
        Self { each, as_of, last: if each.end(number) == as_of { number } else { number - 1 } }
    }

    /// Returns the number of the last complete one.
    pub fn last(&self) -> i32 {
        self.last
    }

    /// Returns the first day of the open opportunity.
    pub fn open(&self) -> Option<Day> {
        (self.each.number(self.as_of) > self.last).then(|| self.each.start(self.last + 1))
    }

    /// Returns the part of the open opportunity that has passed.
    pub fn passed(&self) -> f64 {
        let of_open = |start: Day| {
            let days = f64::from(self.each.end(self.last + 1).0 - start.0 + 1);
            f64::from(self.as_of.0 - start.0 + 1) / days
        };
        self.open().map_or(0.0, of_open)
    }

    /// Counts the opportunities that end after as-of and not after a day; one at least.
    pub fn until(&self, day: Day) -> u32 {
        let number = self.each.number(day);
        let ended = if self.each.end(number) == day { number } else { number - 1 };
        ended.saturating_sub(self.last).max(1).unsigned_abs()
    }

    /// Returns the last day of the `nth` opportunity to come for a customer won on a day.
    pub fn end_of_next(&self, won: i32, nth: u32) -> Option<Day> {
        let number = self.last.max(self.each.number(Day(won))).checked_add_unsigned(nth)?;
        Some(self.each.end(number))
    }

    /// Returns the first day after the `nth` opportunity that follows the acquisition.
    pub fn day_after(&self, won: i32, nth: u32) -> Option<Day> {
        let number = self.each.number(Day(won)).checked_add_unsigned(nth)?.checked_add(1)?;
        Some(self.each.start(number))
    }

    /// Reads what every customer took; customers without a purchase day took nothing.
    pub fn taken(&self, data: &Dataset) -> Vec<Option<Taken>> {
        let n = data.purchase_days.starts.len().saturating_sub(1);
        (0..n).into_par_iter().map(|customer| self.of_customer(data, customer)).collect()
    }

    fn of_customer(&self, data: &Dataset, customer: usize) -> Option<Taken> {
        let (days, corrections, today) = (&data.purchase_days, &data.corrections, self.as_of.0);
        let mut next = corrections.starts.get(customer).copied().unwrap_or_default();
        let end = corrections.starts.get(customer + 1).copied().unwrap_or_default();
        let (mut won, mut previous) = (None, i32::MIN);
        let mut taken = Taken { history: History::default(), n_taken: 0, repeat_revenue: 0 };
        for ix in days.starts[customer]..days.starts[customer + 1] {
            let day = days.day[ix];
            if day > today {
                break;
            }
            // Corrections stand by the day they are booked on, as purchase days do.
            let mut net = days.gross.get(ix).copied().unwrap_or_default();
            while next < end && corrections.day[next] <= day {
                if corrections.day[next] == day && corrections.known_on[next] <= today {
                    net += corrections.revenue[next];
                }
                next += 1;
            }
            if days.gone_on[ix] <= today {
                continue;
            }
            let number = self.each.number(Day(day));
            let won = *won.get_or_insert(number);
            let is_another = number > previous;
            previous = number;
            taken.n_taken += u32::from(is_another);
            if number > won && number <= self.last {
                taken.history.n_repeats += u32::from(is_another);
                taken.history.days_to_last = number.abs_diff(won);
                taken.repeat_revenue += net;
            }
        }
        taken.history.age_days = self.last.saturating_sub(won?).max(0).unsigned_abs();
        Some(taken)
    }

    /// Returns the purchase days with opportunities for days, complete ones only; what was returned since the last of them is gone with it.
    pub fn purchase_days(&self, days: &PurchaseDays) -> PurchaseDays {
        let mut found = PurchaseDays { starts: vec![0], ..PurchaseDays::default() };
        for row in days.starts.windows(2) {
            let start = found.day.len();
            for ix in (row[0]..row[1]).take_while(|ix| days.day[*ix] <= self.as_of.0) {
                let (number, gone_on) = (self.each.number(Day(days.day[ix])), days.gone_on[ix]);
                if number > self.last {
                    break;
                }
                let gone = if gone_on > self.as_of.0 { NEVER } else { self.each.number(Day(gone_on)).min(self.last) };
                if found.day.len() > start && found.day.last() == Some(&number) {
                    found.gone_on.iter_mut().next_back().into_iter().for_each(|last| *last = gone.max(*last));
                } else {
                    found.day.push(number);
                    found.gone_on.push(gone);
                }
            }
            found.starts.push(found.day.len());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::tests::Example;
    use crate::features::Corrections;

    fn day(text: &str) -> Day {
        Day::parse_iso(text).unwrap()
    }

    /// Opportunities cover every day once, in order.
    #[test]
    fn opportunities_part_the_calendar() {
        for each in Opportunity::ALL {
            for today in (10_000..25_000).map(Day) {
                let number = each.number(today);
                assert!(each.start(number) <= today && today <= each.end(number), "{each:?} {today}");
                assert_eq!(each.end(number).0 + 1, each.start(number + 1).0);
            }
        }
        let starts = Opportunity::ALL.map(|each| each.start(each.number(day("2026-08-19"))).to_string());
        assert_eq!(starts, ["2026-08-17", "2026-08-01", "2026-07-01", "2026-01-01"]);
    }

    #[test]
    fn an_opportunity_is_over_on_its_last_day() {
        let on = |text: &str| Opportunities::new(Opportunity::Month, day(text));
        assert_eq!((on("2026-06-30").open(), on("2026-06-30").passed()), (None, 0.0));
        let open = on("2026-06-15");
        assert_eq!((open.open(), open.passed()), (Some(day("2026-06-01")), 0.5));
        assert_eq!(open.last() + 1, on("2026-06-30").last());
        // The open one ends within a year, as do eleven more.
        assert_eq!(open.until(day("2027-06-15")), 12);
        assert_eq!(on("2026-06-30").until(day("2027-06-30")), 12);
        assert_eq!([on("2026-06-30").until(day("2026-07-30")), on("2026-06-30").until(day("2026-09-28"))], [1, 2]);
        let (old, new) = (day("2026-03-03").0, day("2026-06-03").0);
        assert_eq!([old, new].map(|won| open.end_of_next(won, 1).unwrap().to_string()), ["2026-06-30", "2026-07-31"]);
        assert_eq!(open.day_after(old, 2), Some(day("2026-06-01")));
    }

    #[test]
    fn days_are_counted_as_opportunities() {
        let mut example = Example::new(3);
        let days = [
            ("2026-01-05", NEVER, 500),
            ("2026-01-25", NEVER, 700),
            ("2026-03-01", day("2026-03-20").0, 900),
            ("2026-04-02", NEVER, 1_100),
            ("2026-04-28", NEVER, 1_300),
            ("2026-05-09", day("2026-06-02").0, 1_500),
            ("2026-06-04", NEVER, 1_700),
        ];
        example.data.purchase_days = PurchaseDays {
            starts: vec![0, days.len(), days.len() + 1, days.len() + 1],
            day: days.iter().map(|(text, _, _)| day(text).0).chain([day("2026-06-03").0]).collect(),
            gone_on: days.iter().map(|(_, gone_on, _)| *gone_on).chain([NEVER]).collect(),
            gross: days.iter().map(|(_, _, gross)| *gross).chain([100]).collect(),
            cost: vec![],
        };
        example.data.corrections = Corrections {
            starts: vec![0, 1, 1, 1],
            day: vec![day("2026-04-02").0],
            known_on: vec![day("2026-05-01").0],
            revenue: vec![-50],
            cost: vec![],
        };
        let months = Opportunities::new(Opportunity::Month, day("2026-06-15"));
        let taken = months.taken(&example.data);
        let history = |n_repeats, days_to_last, age_days| History { n_repeats, days_to_last, age_days };
        // April is the third month after January, May the fourth and last complete one; June is open.
        let first = Taken { history: history(1, 3, 4), n_taken: 3, repeat_revenue: 1_100 - 50 + 1_300 };
        let second = Taken { history: history(0, 0, 0), n_taken: 1, repeat_revenue: 0 };
        assert_eq!(taken, [Some(first), Some(second), None]);
        let found = months.purchase_days(&example.data.purchase_days);
        let january = months.last() - 4;
        assert_eq!(found.starts, [0, 4, 4, 4]);
        assert_eq!(found.day.iter().map(|number| number - january).collect::<Vec<_>>(), [0, 2, 3, 4]);
        // March went in March; May was there until the end of May, and is no purchase as of today.
        let gone: Vec<i32> =
            found.gone_on.iter().map(|gone| if *gone == NEVER { NEVER } else { gone - january }).collect();
        assert_eq!(gone, [NEVER, 2, NEVER, 4]);
    }
}
