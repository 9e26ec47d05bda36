//! Dates as exports write them: a day in one of seven forms, and the time of day where there is one.
//!
//! | form         | also read                                            |
//! |--------------|------------------------------------------------------|
//! | `yyyy-mm-dd` | `/` or `.` between the parts                         |
//! | `yyyymmdd`   |                                                      |
//! | `dd.mm.yyyy` | one-digit days and months, two-digit years           |
//! | `dd/mm/yyyy`, `mm/dd/yyyy`, `dd-mm-yyyy`, `mm-dd-yyyy` | the same   |
//!
//! Two-digit years from 69 on are of the last century. After a space or `T` may follow `hh:mm[:ss[.fraction]]`, `AM` or `PM`, and an
//! offset, which is ignored: the local time counts, as written. Zeros in every part (`00.00.0000`) are an empty cell.
//! `O(length)` a cell, no allocation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::Day;

const MILLIS_PER_MINUTE: u32 = 60_000;

/// Written form of the days of a column; the time of day may always follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateFormat {
    /// `yyyy-mm-dd`
    YearMonthDay,
    /// `yyyymmdd`
    Compact,
    /// `dd.mm.yyyy`
    DotDayFirst,
    /// `mm.dd.yyyy`: never stated, only found
    DotMonthFirst,
    /// `dd/mm/yyyy`
    SlashDayFirst,
    /// `mm/dd/yyyy`
    SlashMonthFirst,
    /// `dd-mm-yyyy`
    DashDayFirst,
    /// `mm-dd-yyyy`
    DashMonthFirst,
}

impl DateFormat {
    /// Forms that a pipeline can state.
    pub const STATED: [Self; 7] = [
        Self::YearMonthDay,
        Self::Compact,
        Self::DotDayFirst,
        Self::SlashDayFirst,
        Self::SlashMonthFirst,
        Self::DashDayFirst,
        Self::DashMonthFirst,
    ];

    /// Returns the word that pipeline and evidence use.
    pub fn label(self) -> &'static str {
        match self {
            Self::YearMonthDay => "yyyy-mm-dd",
            Self::Compact => "yyyymmdd",
            Self::DotDayFirst => "dd.mm.yyyy",
            Self::DotMonthFirst => "mm.dd.yyyy",
            Self::SlashDayFirst => "dd/mm/yyyy",
            Self::SlashMonthFirst => "mm/dd/yyyy",
            Self::DashDayFirst => "dd-mm-yyyy",
            Self::DashMonthFirst => "mm-dd-yyyy",
        }
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// How the parts of a date are put together, whatever order they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateShape {
    YearFirst,
    Compact,
    Dot,
    Slash,
    Dash,
}

impl DateShape {
    /// Every shape, the preferred one first where two are equally frequent.
    pub(super) const ALL: [Self; 5] = [Self::YearFirst, Self::Compact, Self::Dot, Self::Slash, Self::Dash];

    /// Returns the form with the day before the month, and the other one; they are the same where the year comes first.
    pub(super) fn formats(self) -> [DateFormat; 2] {
        match self {
            Self::YearFirst => [DateFormat::YearMonthDay; 2],
            Self::Compact => [DateFormat::Compact; 2],
            Self::Dot => [DateFormat::DotDayFirst, DateFormat::DotMonthFirst],
            Self::Slash => [DateFormat::SlashDayFirst, DateFormat::SlashMonthFirst],
            Self::Dash => [DateFormat::DashDayFirst, DateFormat::DashMonthFirst],
        }
    }
}

/// A date as written: its shape and parts, before anything says which part is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrittenDate {
    pub(super) shape: DateShape,
    year: u32,
    /// Day and month in the order written; for the shapes with the year first, month and day.
    parts: [u32; 2],
    /// Milliseconds since midnight.
    pub(super) millis: u32,
}

impl WrittenDate {
    /// Reads a trimmed cell.
    pub(super) fn parse(cell: &str) -> Option<Self> {
        let bytes = cell.as_bytes();
        if let Some(date) = Self::parse_iso(bytes) {
            return Some(date);
        }
        let (first, n_first) = digits(bytes, 8)?;
        let rest = &bytes[n_first..];
        if n_first == 8 {
            let parts = [first / 100 % 100, first % 100];
            return Some(Self { shape: DateShape::Compact, year: first / 10_000, parts, millis: time(rest)? });
        }
        let (separator, rest) = rest.split_first()?;
        let (second, n_second) = digits(rest, 2)?;
        let rest = rest[n_second..].strip_prefix(std::slice::from_ref(separator))?;
        let (third, n_third) = digits(rest, 4)?;
        let millis = time(&rest[n_third..])?;
        match (separator, n_first, n_third) {
            (b'-' | b'/' | b'.', 4, 1 | 2) => {
                Some(Self { shape: DateShape::YearFirst, year: first, parts: [second, third], millis })
            }
            (separator, 1 | 2, 2 | 4) => {
                let shape = match separator {
                    b'.' => DateShape::Dot,
                    b'/' => DateShape::Slash,
                    b'-' => DateShape::Dash,
                    _ => return None,
                };
                let year = match third {
                    _ if n_third == 4 => third,
                    0..69 => 2000 + third,
                    _ => 1900 + third,
                };
                Some(Self { shape, year, parts: [first, second], millis })
            }
            _ => None,
        }
    }

    /// Reads `yyyy-mm-dd` and nothing after it, as machines write days.
    #[inline]
    fn parse_iso(bytes: &[u8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *bytes else { return None };
        let digits = [y1, y2, y3, y4, m1, m2, d1, d2].map(|byte| u32::from(byte.wrapping_sub(b'0')));
        let [y1, y2, y3, y4, m1, m2, d1, d2] = digits;
        digits.iter().all(|digit| *digit < 10).then(|| Self {
            shape: DateShape::YearFirst,
            year: y1 * 1_000 + y2 * 100 + y3 * 10 + y4,
            parts: [m1 * 10 + m2, d1 * 10 + d2],
            millis: 0,
        })
    }

    /// Says whether every part is zero, as SAP and MySQL write an empty date.
    pub(super) fn is_zero(&self) -> bool {
        self.parts == [0, 0] && matches!(self.year, 0 | 2000)
    }

    /// Returns the day under a form, or nothing where the date has another shape or no such day exists.
    pub(super) fn day(&self, format: DateFormat) -> Option<Day> {
        let [day_first, month_first] = self.shape.formats();
        let year_first = day_first == month_first;
        let [first, second] = self.parts;
        let (month, day) = if format == month_first {
            (first, second)
        } else if format == day_first && !year_first {
            (second, first)
        } else {
            return None;
        };
        Day::from_ymd(i32::try_from(self.year).ok()?, month, day)
    }

    /// Says which part must be the day because it is above 12; nothing where both could be either, or neither.
    pub(super) fn day_part(&self) -> Option<DayPart> {
        match self.parts {
            [13..=31, 1..=12] => Some(DayPart::First),
            [1..=12, 13..=31] => Some(DayPart::Second),
            _ => None,
        }
    }
}

/// The part of a date that is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayPart {
    First,
    Second,
}

/// Reads up to `most` digits; returns their value and number, or nothing where there is none.
fn digits(bytes: &[u8], most: usize) -> Option<(u32, usize)> {
    let n = bytes.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let value = bytes[..n].iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    (n > 0).then_some((value, n))
}

/// Reads what may follow the day: nothing, or a time of day in milliseconds.
fn time(bytes: &[u8]) -> Option<u32> {
    let bytes = match bytes {
        [] => return Some(0),
        [b' ' | b'T' | b't', rest @ ..] => rest.trim_ascii_start(),
        _ => return None,
    };
    let (mut hour, n) = digits(bytes, 2)?;
    let (minute, rest) = two_digits(bytes[n..].strip_prefix(b":")?)?;
    let (mut second, mut millis, mut rest) = (0, 0, rest);
    if let Some(after) = rest.strip_prefix(b":") {
        (second, rest) = two_digits(after)?;
        if let [b'.' | b',', after @ ..] = rest {
            let n = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (value, n_read) = digits(after, 3)?;
            millis = value * 10_u32.pow(3 - n_read as u32);
            rest = &after[n..];
        }
    }
    let rest = rest.trim_ascii_start();
    let rest = match rest {
        [half @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm', rest @ ..] => {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if half.eq_ignore_ascii_case(&b'p') { 12 } else { 0 };
            rest.trim_ascii_start()
        }
        rest => rest,
    };
    if hour > 23 || minute > 59 || second > 59 || !is_offset(rest) {
        return None;
    }
    Some((hour * 60 + minute) * MILLIS_PER_MINUTE + second * 1_000 + millis)
}

fn two_digits(bytes: &[u8]) -> Option<(u32, &[u8])> {
    digits(bytes, 2).filter(|(_, n)| *n == 2).map(|(value, n)| (value, &bytes[n..]))
}

/// Says whether the rest of a time is an offset from UTC, or nothing.
fn is_offset(bytes: &[u8]) -> bool {
    match bytes {
        [] | [b'Z' | b'z'] | b"UTC" => true,
        [b'+' | b'-', rest @ ..] => match rest {
            [a, b] => [a, b].iter().all(|byte| byte.is_ascii_digit()),
            [a, b, c, d] | [a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = DateFormat> {
        DateFormat::STATED.into_iter().chain([DateFormat::DotMonthFirst])
    }

    /// `expected` is day and milliseconds under the named form.
    fn check(cell: &str, format: &str, expected: Option<(&str, u32)>) {
        let format = all().find(|known| known.label() == format).unwrap();
        let found = WrittenDate::parse(cell).and_then(|date| Some((date.day(format)?.to_string(), date.millis)));
        assert_eq!(found, expected.map(|(day, millis)| (day.to_owned(), millis)), "{cell:?}");
    }

    #[test]
    fn every_form_is_read() {
        let day = Some(("2010-12-01", 0));
        for cell in ["2010-12-01", "2010/12/01", "2010.12.1", "2010-12-1"] {
            check(cell, "yyyy-mm-dd", day);
        }
        check("20101201", "yyyymmdd", day);
        for cell in ["01.12.2010", "1.12.2010", "1.12.10", "01.12.10"] {
            check(cell, "dd.mm.yyyy", day);
        }
        check("12.01.2010", "mm.dd.yyyy", day);
        check("01/12/2010", "dd/mm/yyyy", day);
        check("12/1/10", "mm/dd/yyyy", day);
        check("1-12-2010", "dd-mm-yyyy", day);
        check("12-01-2010", "mm-dd-yyyy", day);
        check("03/01/69", "dd/mm/yyyy", Some(("1969-01-03", 0)));
        check("03/01/68", "dd/mm/yyyy", Some(("2068-01-03", 0)));
    }

    #[test]
    fn times_may_follow() {
        let minute = 60_000;
        for cell in ["2010-12-01 08:26", "2010-12-01T08:26:00", "2010-12-01  8:26:00.000000", "2010-12-01 08:26 AM"] {
            check(cell, "yyyy-mm-dd", Some(("2010-12-01", (8 * 60 + 26) * minute)));
        }
        for zone in ["Z", "+01:00", " +0100", "-05", " UTC"] {
            check(&format!("2010-12-01T20:26:01.5{zone}"), "yyyy-mm-dd", Some(("2010-12-01", 73_561_500)));
        }
        check("1/12/2010 12:00 PM", "dd/mm/yyyy", Some(("2010-12-01", 720 * minute)));
        check("1/12/2010 12:05:00 am", "dd/mm/yyyy", Some(("2010-12-01", 5 * minute)));
        check("20101201 23:59:59,999", "yyyymmdd", Some(("2010-12-01", 86_399_999)));
        for time in ["24:00", "8", "8:5", "08:26:60", "13:00 PM", "0:30 AM", "08:26 h", "08:26:00.", "08:26+1"] {
            check(&format!("2010-12-01 {time}"), "yyyy-mm-dd", None);
        }
    }

    #[test]
    fn other_shapes_and_days_that_never_were_are_rejected() {
        for cell in [
            "",
            "2010",
            "2010-12",
            "10-12-01x",
            "1.12",
            "1.12.2010.",
            "1.12-2010",
            "1,12,2010",
            "a",
            "1.12.201",
            "123.1.2010",
        ] {
            assert_eq!(WrittenDate::parse(cell), None, "{cell:?}");
        }
        check("29.02.2011", "dd.mm.yyyy", None);
        check("13/13/2010", "dd/mm/yyyy", None);
        check("01/12/2010", "dd.mm.yyyy", None);
        check("2010-12-01", "yyyymmdd", None);
    }

    #[test]
    fn zeros_are_no_date() {
        for cell in ["00.00.0000", "0000-00-00", "00000000", "0000-00-00 00:00:00", "00/00/00"] {
            assert!(WrittenDate::parse(cell).unwrap().is_zero(), "{cell:?}");
        }
        assert!(!WrittenDate::parse("01.00.0000").unwrap().is_zero());
    }

    #[test]
    fn parts_above_twelve_are_days() {
        let part = |cell: &str| WrittenDate::parse(cell).unwrap().day_part();
        assert_eq!(part("13/12/2010"), Some(DayPart::First));
        assert_eq!(part("12/13/2010"), Some(DayPart::Second));
        assert_eq!(part("12/12/2010"), None);
        assert_eq!(part("13/13/2010"), None);
        assert_eq!(part("32/12/2010"), None);
    }

    /// A label names the parts where the form has them, with four digits of the year or with two.
    #[test]
    fn every_form_reads_what_its_label_says() {
        for format in all() {
            let written = format.label().replace("mm", "03").replace("dd", "05");
            let day = |cell: &str| WrittenDate::parse(cell).and_then(|date| date.day(format));
            assert_eq!(day(&written.replace("yyyy", "2010")), Day::from_ymd(2010, 3, 5), "{format}");
            if let Some(before) = written.strip_suffix("yyyy") {
                assert_eq!(day(&format!("{before}10")), Day::from_ymd(2010, 3, 5), "{format}");
            }
        }
    }
}
