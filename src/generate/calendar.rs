//! The calendar of a shop: which days are covered, how busy each is, and which file a day belongs to.
//!
//! Purchases are drawn in *busy weeks*, a clock that runs faster before Christmas: an exponential waiting time on it becomes a
//! purchase day by looking up the cumulated busyness of the days. The clock starts as many days before the covered period
//! as the period is long, for the customers who were there before.
//!
//! | name      | shape                        | unit                                          |
//! |-----------|------------------------------|-----------------------------------------------|
//! | `elapsed` | `(n_days_before + n_days + 1)` | busy weeks at the start of each day, ascending |
//! | offset    | `0..n_days`                  | days since the first covered day              |
//!
//! Source: thinning-free inversion of an inhomogeneous Poisson process, Çinlar, "Introduction to Stochastic Processes", 1975, 4.7.

use crate::units::Day;

/// Busyness of each month, January first; the mean of a year is about 1.
const MONTHS: [f64; 12] = [0.86, 0.85, 0.95, 0.96, 0.96, 0.90, 0.84, 0.85, 0.96, 1.05, 1.42, 1.60];
/// Busyness of each day of the week, Thursday first as 1970-01-01 was one.
const WEEKDAYS: [f64; 7] = [1.0, 0.92, 0.85, 1.03, 1.15, 1.05, 1.0];
/// After this day of December parcels come too late for Christmas.
const LAST_CHRISTMAS_ORDER: u32 = 20;
const AFTER_CHRISTMAS_ORDERS: f64 = 0.45;

/// Covered days with their busyness.
#[derive(Debug, Clone)]
pub struct Calendar {
    first: Day,
    n_days: u32,
    elapsed: Vec<f64>,
}

/// One calendar month of the covered period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    pub year: i32,
    pub month: u32,
    /// First covered day of the month, as offset.
    pub start: u32,
    /// Offset after the last covered day of the month.
    pub end: u32,
}

impl Calendar {
    /// Covers `n_days` days, the last of them `last`.
    pub fn new(last: Day, n_days: u32) -> Self {
        let first = Day(last.0 - n_days as i32 + 1);
        let mut clock = 0.0;
        let mut elapsed = Vec::with_capacity(2 * n_days as usize + 1);
        elapsed.push(clock);
        for day in first.0 - n_days as i32..=last.0 {
            clock += busyness(Day(day)) / 7.0;
            elapsed.push(clock);
        }
        Self { first, n_days, elapsed }
    }

    /// Returns the number of covered days.
    pub fn n_days(&self) -> u32 {
        self.n_days
    }

    /// Returns the day of an offset.
    pub fn day(&self, offset: u32) -> Day {
        Day(self.first.0 + offset as i32)
    }

    /// Returns the busy weeks at which the covered period starts; those before it start at zero.
    pub fn period_start(&self) -> f64 {
        self.elapsed[self.n_days as usize]
    }

    /// Returns the busy weeks at which the covered period ends.
    pub fn period_end(&self) -> f64 {
        self.elapsed[2 * self.n_days as usize]
    }

    /// Returns the offset of the day that a moment falls on, negative before the covered period.
    pub fn offset_at(&self, busy_weeks: f64) -> i64 {
        self.elapsed.partition_point(|start| *start <= busy_weeks) as i64 - 1 - i64::from(self.n_days)
    }

    /// Lists the calendar months of the covered period.
    pub fn months(&self) -> Vec<Month> {
        let mut months: Vec<Month> = Vec::new();
        for offset in 0..self.n_days {
            let (year, month, _) = self.day(offset).ymd();
            match months.last_mut() {
                Some(last) if (last.year, last.month) == (year, month) => last.end = offset + 1,
                _ => months.push(Month { year, month, start: offset, end: offset + 1 }),
            }
        }
        months
    }
}

fn busyness(day: Day) -> f64 {
    let (_, month, day_of_month) = day.ymd();
    let late = month == 12 && day_of_month > LAST_CHRISTMAS_ORDER;
    let season = if late { AFTER_CHRISTMAS_ORDERS } else { MONTHS[month as usize - 1] };
    season * WEEKDAYS[day.0.rem_euclid(7) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        Calendar::new(Day::parse_iso("2026-06-30").unwrap(), 730)
    }

    #[test]
    fn months_cover_every_day_once() {
        let months = calendar().months();
        assert_eq!(months.len(), 24);
        assert_eq!((months[0].year, months[0].month, months[0].start), (2024, 7, 0));
        assert!(months.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(months[23].end, 730);
    }

    #[test]
    fn the_clock_finds_its_days() {
        let calendar = calendar();
        assert_eq!(calendar.offset_at(0.0), -730);
        assert_eq!(calendar.offset_at(calendar.period_start()), 0);
        assert_eq!(calendar.offset_at(calendar.period_end() - 1e-6), 729);
        assert_eq!(calendar.day(729).to_string(), "2026-06-30");
    }

    #[test]
    fn a_year_on_the_clock_is_about_a_year() {
        let weeks = calendar().period_end() - calendar().period_start();
        assert!((weeks - 730.0 / 7.0).abs() < 2.0, "{weeks}");
    }
}
