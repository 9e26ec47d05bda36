//! The clock of the purchase model: what a day after as-of counts, and which day a forecast means.
//!
//! A model forecasts the time `t` from now on, in the unit of the histories it was fitted to. Three clocks turn days of the calendar into it:
//!
//! | clock           | histories                                 | a day `D` after as-of is at                                | used                |
//! |-----------------|-------------------------------------------|------------------------------------------------------------|---------------------|
//! | `Days`          | days                                      | `t = D`                                                    | unless stated       |
//! | `Season`        | `τ` between two days, rounded to whole    | `τ(D) = Σ s(month of d)` over the days `d` up to it        | `season = true`     |
//! | `Opportunities` | weeks, months, quarters or years, see [`super::opportunities`] | the opportunities that have ended by then, one at least | `model = "bg-bb"` |
//!
//! | asked for                  | by season                    | by opportunities                                                            |
//! |----------------------------|------------------------------|-----------------------------------------------------------------------------|
//! | orders, chances, churn     | `τ` of the end               | opportunities with a purchase of those that end in the time                 |
//! | discount of an order       | end of its month, calendar   | end of its opportunity: the `k`th is `(k − f) L` years away, `f` of the open one has passed, `L` its length |
//! | for ever                   | calendar: a year has mean 1  | at the rate `L ln(1 + d)`, from the end of the last complete opportunity on   |
//! | next order                 | first day `D` with `τ(D) ≥ t`| end of the opportunity                                                      |
//! | win-back                   | first day of that age in `τ` | first day after the opportunity                                             |
//!
//! The index of a month `s` has mean one over a year and comes from [`super::season`]. Histories are read by season as well: silence in a weak month
//! says less of a customer than silence in a strong one. Days more than [`MAX_DAYS`] away count one each, and at an index of one everywhere
//! the two clocks of days are equal to the bit.

use std::borrow::Cow;

use super::dates::MAX_DAYS;
use super::histories::{self, History};
use super::holdout::Split;
use super::opportunities::Opportunities;
use super::value::WINDOWS;
use crate::analysis::Base;
use crate::features::CustomerFeatures;
use crate::units::{DAYS_PER_YEAR, Day};

/// What a number of days that is nearly whole may lack.
const NEARLY: f64 = 1e-9;

/// One of the clocks, set to as-of.
#[derive(Debug, Clone, PartialEq)]
pub enum Clock {
    Days(Day),
    Season(Season),
    Opportunities(Opportunities),
}

/// Days weighed by month.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    as_of: Day,
    /// `τ` by days after as-of, from none to [`MAX_DAYS`].
    until: Vec<f64>,
    /// The same by days before as-of.
    since: Vec<f64>,
}

impl Season {
    /// Sets the clock to a day; the index begins with January.
    pub fn new(index: &[f64; 12], as_of: Day) -> Self {
        let sums = |step: i32, first: i32| {
            let mut sums = vec![0.0];
            let mut sum = 0.0;
            for day in (0..MAX_DAYS as i32).map(|days| Day(as_of.0 + first + step * days)) {
                sum += index[(day.ymd().1 - 1) as usize];
                sums.push(sum);
            }
            sums
        };
        Self { as_of, until: sums(1, 1), since: sums(-1, 0) }
    }

    /// Returns the model time of a number of days after as-of.
    pub fn time(&self, days: u32) -> f64 {
        beyond(&self.until, days)
    }

    /// Returns the model time of a number of days before as-of.
    pub fn since(&self, days: u32) -> f64 {
        beyond(&self.since, days)
    }

    /// Reads a history by season.
    pub fn history(&self, History { n_repeats, days_to_last, age_days }: History) -> History {
        let whole = |days: u32| self.since(days).round() as u32;
        let age = whole(age_days);
        History { n_repeats, days_to_last: age - whole(age_days - days_to_last.min(age_days)).min(age), age_days: age }
    }

    /// Returns the first day on which a customer won on a day is of an age in model time.
    fn day_of_age(&self, won: i32, age: u32) -> Option<Day> {
        let days = self.as_of.0.checked_sub(won)?.max(0).unsigned_abs();
        let left = f64::from(age) - self.since(days);
        if left > NEARLY {
            let ahead = self.until.partition_point(|until| *until < left - NEARLY) as u32;
            return self.as_of.0.checked_add_unsigned(ahead).map(Day);
        }
        // Beyond the table days count one.
        let back = match self.since.partition_point(|since| *since <= -left + NEARLY) as u32 {
            n if n > MAX_DAYS => MAX_DAYS + (-left - self.since(MAX_DAYS) + NEARLY) as u32,
            n => n - 1,
        };
        self.as_of.0.checked_sub_unsigned(back).map(Day)
    }
}

/// Returns the sum up to a day, or past the last of them one for each day.
fn beyond(sums: &[f64], days: u32) -> f64 {
    match sums.get(days as usize) {
        Some(sum) => *sum,
        None => sums[MAX_DAYS as usize] + f64::from(days - MAX_DAYS),
    }
}

impl Clock {
    /// Returns the day the clock is set to.
    pub fn as_of(&self) -> Day {
        match self {
            Self::Days(as_of) | Self::Season(Season { as_of, .. }) => *as_of,
            Self::Opportunities(opportunities) => opportunities.as_of,
        }
    }

    /// Reads the history of every customer in the unit of the model; customers without a purchase day have none.
    pub fn histories(&self, base: &Base<'_>) -> Vec<Option<History>> {
        match self {
            Self::Days(_) => histories::of_customers(base.now),
            Self::Season(season) => {
                let plain = histories::of_customers(base.now);
                plain.into_iter().map(|history| Some(season.history(history?))).collect()
            }
            Self::Opportunities(opportunities) => {
                opportunities.taken(base.data).into_iter().map(|taken| Some(taken?.history)).collect()
            }
        }
    }

    /// Returns the customers as the model counts them: opportunities with a purchase, and the revenue of the repeats, are those of the histories.
    pub fn customers<'a>(&self, base: &Base<'a>) -> Cow<'a, CustomerFeatures> {
        let Self::Opportunities(opportunities) = self else { return Cow::Borrowed(base.now) };
        let taken = opportunities.taken(base.data);
        Cow::Owned(CustomerFeatures {
            n_purchase_days: taken.iter().map(|taken| taken.map_or(0, |taken| taken.n_taken)).collect(),
            repeat_revenue: taken.iter().map(|taken| taken.map_or(0, |taken| taken.repeat_revenue)).collect(),
            ..base.now.clone()
        })
    }

    /// Cuts the base in two, see [`Split`]; nothing where it is too short or too small.
    pub fn split(&self, base: &Base<'_>, horizon_end: Day) -> Option<Split> {
        let ticks = self.ticks(horizon_end);
        match self {
            Self::Days(as_of) | Self::Season(Season { as_of, .. }) => {
                Split::of(&base.data.purchase_days, *as_of, ticks)
            }
            Self::Opportunities(opportunities) => {
                Split::of_opportunities(&base.data.purchase_days, opportunities, ticks)
            }
        }
    }

    /// Counts the days, or opportunities, up to a day.
    pub fn ticks(&self, day: Day) -> u32 {
        match self {
            Self::Days(as_of) | Self::Season(Season { as_of, .. }) => {
                day.0.saturating_sub(as_of.0).max(0).unsigned_abs()
            }
            Self::Opportunities(opportunities) => opportunities.until(day),
        }
    }

    /// Returns the model time of so many days, or opportunities.
    pub fn time(&self, ticks: u32) -> f64 {
        match self {
            Self::Days(_) | Self::Opportunities(_) => f64::from(ticks),
            Self::Season(season) => season.time(ticks),
        }
    }

    /// Returns the model time of a day.
    pub fn until(&self, day: Day) -> f64 {
        self.time(self.ticks(day))
    }

    /// Returns the days, or opportunities, within each of [`WINDOWS`].
    pub fn windows(&self) -> [u32; WINDOWS.len()] {
        WINDOWS.map(|days| self.ticks(Day(self.as_of().0.saturating_add_unsigned(days))))
    }

    /// Returns the first day, or opportunity, by which a model time has passed; nothing where it is more than [`MAX_DAYS`] ahead.
    pub fn first_at(&self, time: f64) -> Option<u32> {
        let tick = match self {
            Self::Days(_) | Self::Opportunities(_) => (time - NEARLY).ceil().max(0.0),
            Self::Season(season) => season.until.partition_point(|until| *until < time - NEARLY) as f64,
        };
        (tick <= f64::from(self.most_ticks())).then_some(tick as u32)
    }

    /// Returns the days, or opportunities, that lie within [`MAX_DAYS`].
    pub fn most_ticks(&self) -> u32 {
        self.ticks(Day(self.as_of().0.saturating_add_unsigned(MAX_DAYS)))
    }

    /// Returns the day that is so many days, or opportunities, ahead of a customer won on a day.
    pub fn day_ahead(&self, won: i32, ticks: u32) -> Option<Day> {
        match self {
            Self::Days(as_of) | Self::Season(Season { as_of, .. }) => as_of.0.checked_add_unsigned(ticks).map(Day),
            Self::Opportunities(opportunities) => opportunities.end_of_next(won, ticks),
        }
    }

    /// Returns the day on which a customer won on a day is of an age in days, or opportunities.
    pub fn day_of_age(&self, won: i32, age: u32) -> Option<Day> {
        match self {
            Self::Days(_) => won.checked_add_unsigned(age).map(Day),
            Self::Season(season) => season.day_of_age(won, age),
            Self::Opportunities(opportunities) => opportunities.day_after(won, age),
        }
    }

    /// Lays out the ends of calendar months, or of the opportunities within them: model time and years from as-of.
    pub fn steps(&self, n_months: u32) -> Vec<(f64, f64)> {
        let end = |k: u32| self.as_of().add_months(k);
        match self {
            Self::Days(_) | Self::Season(_) => {
                (1..=n_months).map(|k| (self.until(end(k)), f64::from(k) / 12.0)).collect()
            }
            Self::Opportunities(opportunities) => {
                let years = |k: u32| (f64::from(k) - opportunities.passed()) / opportunities.each.per_year();
                (1..=opportunities.until(end(n_months))).map(|k| (f64::from(k), years(k))).collect()
            }
        }
    }

    /// Returns the units of model time in a year, and the years from the last of the histories to as-of.
    pub fn years(&self) -> (f64, f64) {
        match self {
            Self::Days(_) | Self::Season(_) => (DAYS_PER_YEAR, 0.0),
            Self::Opportunities(opportunities) => {
                let per_year = opportunities.each.per_year();
                (per_year, opportunities.passed() / per_year)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::opportunities::Opportunity;
    use super::*;

    const INDEX: [f64; 12] = [0.5, 0.6, 0.8, 1.0, 1.1, 1.0, 0.7, 0.7, 1.0, 1.2, 1.4, 2.0];

    fn day(text: &str) -> Day {
        Day::parse_iso(text).unwrap()
    }

    #[test]
    fn a_day_counts_as_its_month_does() {
        let clock = Clock::Season(Season::new(&INDEX, day("2026-11-28")));
        let near = |one: f64, other: f64| assert!((one - other).abs() < 1e-12, "{one} {other}");
        near(clock.until(day("2026-11-30")), 2.8);
        near(clock.until(day("2026-12-31")), 2.8 + 62.0);
        near(clock.until(day("2027-01-02")), 2.8 + 62.0 + 1.0);
        let last = clock.time(MAX_DAYS);
        near(clock.time(MAX_DAYS + 500), last + 500.0);
        // The month's end is at most a month of calendar time away, whatever it counts.
        assert_eq!(clock.steps(2)[1].1, 2.0 / 12.0);
        for ticks in [1, 2, 3, 40, 400, MAX_DAYS] {
            assert_eq!(clock.first_at(clock.time(ticks)), Some(ticks));
        }
        assert_eq!(clock.first_at(last + 0.1), None);
        assert_eq!(clock.first_at(2.9), Some(3));
    }

    /// December counts two, the rest of November 1.4: a customer of the 29th of November is 2.8 days old, and 64.8 a month later.
    #[test]
    fn ages_are_read_by_season() {
        let season = Season::new(&INDEX, day("2026-12-31"));
        let history = season.history(History { n_repeats: 2, days_to_last: 2, age_days: 32 });
        assert_eq!(history, History { n_repeats: 2, days_to_last: 3, age_days: 63 });
        let won = day("2026-11-29").0;
        assert_eq!(season.day_of_age(won, 3), Some(day("2026-12-01")));
        assert_eq!(season.day_of_age(won, 63), Some(day("2026-12-31")));
        // January counts one half.
        assert_eq!(season.day_of_age(won, 64), Some(day("2027-01-02")));
        let old = day("1990-01-01").0;
        for age in [0, 1, 5_000, 9_000, 13_000] {
            let then = season.day_of_age(old, age).unwrap();
            let of =
                |day: Day| season.since(season.as_of.0.abs_diff(old)) - season.since(season.as_of.0.abs_diff(day.0));
            assert!(of(then) >= f64::from(age) - 1e-6 && of(Day(then.0 - 1)) < f64::from(age), "{age} {then}");
        }
    }

    /// An index of one is no index.
    #[test]
    fn at_one_everywhere_seasons_are_days() {
        let as_of = day("2026-02-27");
        let (season, days) = (Clock::Season(Season::new(&[1.0; 12], as_of)), Clock::Days(as_of));
        for ticks in (0..=MAX_DAYS + 10).step_by(13) {
            assert_eq!(season.time(ticks).to_bits(), days.time(ticks).to_bits());
        }
        for time in [0.0, 0.3, 1.0, 77.0 + 1e-12, 512.7, 3_653.0, 3_653.5] {
            assert_eq!(season.first_at(time), days.first_at(time), "{time}");
        }
        for (days_to_last, age_days) in [(0, 0), (3, 9), (400, 400), (2_000, 5_000)] {
            let history = History { n_repeats: 1, days_to_last, age_days };
            let Clock::Season(clock) = &season else { panic!("no season") };
            assert_eq!(clock.history(history), history);
            for age in [days_to_last, age_days, age_days + 77] {
                let won = as_of.0 - age_days as i32;
                assert_eq!(season.day_of_age(won, age), days.day_of_age(won, age), "{age}");
            }
        }
        assert_eq!(season.steps(1_200), days.steps(1_200));
        assert_eq!((season.windows(), season.years()), (days.windows(), days.years()));
    }

    #[test]
    fn opportunities_end_on_days_of_the_calendar() {
        let months = |as_of: &str| Clock::Opportunities(Opportunities::new(Opportunity::Month, day(as_of)));
        let closed = months("2026-06-30");
        assert_eq!(closed.windows(), [1, 2, 12]);
        assert_eq!(closed.steps(12).len(), 12);
        assert_eq!(closed.steps(12)[11], (12.0, 1.0));
        assert_eq!(closed.years(), (12.0, 0.0));
        let open = months("2026-06-15");
        assert_eq!(open.steps(12)[0], (1.0, 0.5 / 12.0));
        let years = Clock::Opportunities(Opportunities::new(Opportunity::Year, day("2026-12-31")));
        assert_eq!((years.windows(), years.most_ticks(), years.steps(6)), ([1, 1, 1], 10, vec![(1.0, 1.0)]));
    }
}
