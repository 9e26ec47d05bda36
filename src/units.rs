//! The units that every room shares: days, money, positions in dense columns.
//!
//! | type          | unit                                                    |
//! |---------------|---------------------------------------------------------|
//! | [`Day`]       | days since 1970-01-01, proleptic Gregorian              |
//! | [`Money`]     | minor currency units (cents); sums are kept in `i128`   |
//! | quantity      | `i64` thousandths of a piece                            |
//! | [`CustomerIx`], [`ProductIx`] | rank of the id among all sorted ids, dense |

use std::fmt;

/// Position of a customer in every per-customer column of one run: the rank of the sorted id.
pub type CustomerIx = u32;

/// Position of a product in every per-product column of one run: the rank of the sorted id.
pub type ProductIx = u32;

/// Marks a line without a customer, product or order in a dense index column.
pub const NONE_IX: u32 = u32::MAX;

/// Thousandths of a piece in one piece.
pub const QUANTITY_SCALE: i64 = 1_000;

/// Minor currency units in one major unit.
pub const MONEY_SCALE: i64 = 100;

/// Days in a mean Gregorian year, the length that yearly rates refer to.
pub const DAYS_PER_YEAR: f64 = 365.2425;

/// An amount of money in minor units; negative where money was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub i64);

impl Money {
    /// Returns the amount in major units.
    pub fn major(self) -> f64 {
        self.0 as f64 / MONEY_SCALE as f64
    }

    /// Rounds an amount in major units half away from zero; saturates at the ends of the range.
    pub fn from_major(major: f64) -> Self {
        Self((major * MONEY_SCALE as f64).round() as i64)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let scale = MONEY_SCALE.unsigned_abs();
        let minor = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", minor / scale, minor % scale)
    }
}

/// A calendar day, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub i32);

impl Day {
    /// Returns the day of a civil date, or nothing where the calendar has no such date.
    ///
    /// # Examples
    /// ```
    /// use klientel::units::Day;
    /// assert_eq!(Day::from_ymd(1970, 1, 2), Some(Day(1)));
    /// assert_eq!(Day::from_ymd(2026, 2, 29), None);
    /// ```
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let valid =
            (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        valid.then(|| Self(days_from_civil(year, month, day)))
    }

    /// Returns year, month (1 to 12) and day of the month.
    pub fn ymd(self) -> (i32, u32, u32) {
        // Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
        let year = (year_of_era + era * 400) as i32 + i32::from(month <= 2);
        (year, month, day)
    }

    /// Returns the same day of the month `months` later, or the month's last day where it is shorter.
    pub fn add_months(self, months: u32) -> Self {
        self.shift_months(months as i32)
    }

    /// Returns the same day of the month `months` later, or earlier where negative; the month's last day where it is shorter.
    pub fn shift_months(self, months: i32) -> Self {
        let (year, month, day) = self.ymd();
        let from_zero = year * 12 + month as i32 - 1 + months;
        let (year, month) = (from_zero.div_euclid(12), from_zero.rem_euclid(12) as u32 + 1);
        Self(days_from_civil(year, month, day.min(days_in_month(year, month))))
    }

    /// Parses `yyyy-mm-dd` and nothing else.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let digits = |range: std::ops::Range<usize>| {
            let part = text.get(range)?;
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
        };
        Self::from_ymd(digits(0..4)? as i32, digits(5..7)?, digits(8..10)?)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A span of calendar time, as a pipeline writes it: `"90 days"`, `"13 weeks"`, `"6 months"`, `"1 year"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A fixed number of days.
    Days(u32),
    /// Calendar months, whose length depends on where they start.
    Months(u32),
}

impl Period {
    /// Parses a whole positive number and a unit; years are twelve months, weeks seven days.
    ///
    /// # Examples
    /// ```
    /// use klientel::units::Period;
    /// assert_eq!(Period::parse("1 year"), Some(Period::Months(12)));
    /// assert_eq!(Period::parse("0 days"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.trim().split_once(' ')?;
        let number = number.parse::<u32>().ok().filter(|n| (1..=36_500).contains(n))?;
        match unit.trim() {
            "day" | "days" => Some(Self::Days(number)),
            "week" | "weeks" => Some(Self::Days(number * 7)),
            "month" | "months" => Some(Self::Months(number)),
            "year" | "years" => Some(Self::Months(number * 12)),
            _ => None,
        }
    }

    /// Returns the day after which the period that ends with `day` begins.
    pub fn start_before(self, day: Day) -> Day {
        match self {
            Self::Days(days) => Day(day.0.saturating_sub(days as i32)),
            Self::Months(months) => {
                // The latest day from which the period reaches up to this one.
                let longest = 31 * months as i32;
                (0..=longest)
                    .map(|ago| Day(day.0 - ago))
                    .find(|start| start.add_months(months).0 <= day.0)
                    .unwrap_or(day)
            }
        }
    }

    /// Returns the last day of the period that starts on the day after `day`.
    pub fn end_after(self, day: Day) -> Day {
        match self {
            Self::Days(days) => Day(day.0 + days as i32),
            Self::Months(months) => day.add_months(months),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match *self {
            Self::Days(days) => (days, "day"),
            Self::Months(months) if months % 12 == 0 => (months / 12, "year"),
            Self::Months(months) => (months, "month"),
        };
        write!(f, "{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

/// Language of the sentences that people read in the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Returns the word in pipelines, by ISO 639-1.
    pub fn label(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_round_trip_over_four_centuries() {
        for day in -150_000..150_000 {
            let (y, m, d) = Day(day).ymd();
            assert_eq!(Day::from_ymd(y, m, d), Some(Day(day)));
        }
    }

    #[test]
    fn months_end_on_the_last_day_where_they_are_shorter() {
        let end = Day::parse_iso("2023-11-30").unwrap();
        assert_eq!(end.add_months(3).to_string(), "2024-02-29");
        assert_eq!(end.add_months(12).to_string(), "2024-11-30");
        assert_eq!(end.shift_months(-9).to_string(), "2023-02-28");
        assert_eq!(end.shift_months(-11).to_string(), "2022-12-30");
    }

    #[test]
    fn money_shows_two_decimals_and_its_sign() {
        assert_eq!(Money(-5).to_string(), "-0.05");
        assert_eq!(Money(123_456).to_string(), "1234.56");
        assert_eq!(Money::from_major(-0.005), Money(-1));
    }
}
