//! What the cells of a column say about how they are written, counted over the whole file, and what follows from it.
//!
//! A cell *decides* if it can be read one way only. The side with more deciding cells wins; if the other side has more than one in a
//! hundred of them the column contradicts itself, otherwise those few rows are rejected. Counts do not depend on how the column was
//! read meanwhile, so a first guess from a sample can be checked against the whole file and corrected in one more pass.
//!
//! `O(1)` time and memory a cell.

use serde::{Deserialize, Serialize};

use super::cells::shape;
use super::dates::{DateFormat, DateShape, DayPart, WrittenDate};
use super::number_format::Mark;
use super::numbers::NumberHint;
use crate::diagnostic::grouped;

/// The share of deciding cells, one in this many, up to which a minority is rejected row by row.
const TOLERATED: u64 = 100;

/// How often something was seen, and where first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) count: u64,
    /// Line of a text file, or row of a Parquet file; of the first cell.
    pub(super) first: usize,
    shape: String,
}

impl Seen {
    #[inline]
    fn note(&mut self, cell: &str, at: usize) {
        if self.count == 0 {
            self.first = at;
            self.shape = shape(cell);
        }
        self.count += 1;
    }

    fn move_on(&mut self, by: usize) {
        self.first += by;
    }

    fn add(&mut self, later: Self) {
        if self.count == 0 {
            *self = later;
        } else {
            self.count += later.count;
        }
    }

    fn phrase(&self, what: &str) -> String {
        format!("{} {what}, e.g. shape `{}`", grouped(self.count), self.shape)
    }
}

/// What follows from the evidence of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome<T> {
    /// Decided, and why.
    Decided(T, String),
    /// No cell decides, but some could be read either way.
    Open,
    /// No cell depends on it.
    Idle,
    /// Too many cells on both sides.
    Contradiction,
}

/// Evidence on the decimal mark.
#[derive(Debug, Clone, Default)]
pub(super) struct NumberEvidence {
    pub(super) point: Seen,
    pub(super) comma: Seen,
    ambiguous: Seen,
    n_plain: u64,
}

impl NumberEvidence {
    /// Counts one cell.
    #[inline]
    pub(super) fn note(&mut self, hint: NumberHint, cell: &str, at: usize) {
        match hint {
            NumberHint::Nothing => self.n_plain += 1,
            NumberHint::Ambiguous => self.ambiguous.note(cell, at),
            NumberHint::Point => self.point.note(cell, at),
            NumberHint::Comma => self.comma.note(cell, at),
        }
    }

    /// Moves all positions on, because something stands before.
    pub(super) fn move_on(&mut self, by: usize) {
        [&mut self.point, &mut self.comma, &mut self.ambiguous].into_iter().for_each(|seen| seen.move_on(by));
    }

    /// Adds the evidence of a later part.
    pub(super) fn add(&mut self, later: Self) {
        self.point.add(later.point);
        self.comma.add(later.comma);
        self.ambiguous.add(later.ambiguous);
        self.n_plain += later.n_plain;
    }

    /// Returns the mark with more deciding cells, whatever the others say.
    pub(super) fn majority(&self) -> Option<Mark> {
        match self.point.count.cmp(&self.comma.count) {
            std::cmp::Ordering::Greater => Some(Mark::Point),
            std::cmp::Ordering::Less => Some(Mark::Comma),
            std::cmp::Ordering::Equal => (self.point.count > 0).then_some(Mark::Point),
        }
    }

    /// Returns what follows.
    pub(super) fn outcome(&self) -> Outcome<Mark> {
        let n_deciding = self.point.count + self.comma.count;
        let Some(mark) = self.majority() else {
            return if self.ambiguous.count > 0 { Outcome::Open } else { Outcome::Idle };
        };
        let (more, fewer, other) = match mark {
            Mark::Comma => (&self.comma, &self.point, "point"),
            _ => (&self.point, &self.comma, "comma"),
        };
        if fewer.count * TOLERATED > n_deciding {
            return Outcome::Contradiction;
        }
        let n_cells = n_deciding + self.ambiguous.count + self.n_plain;
        let against = match fewer.count {
            0 => format!("none for a decimal {other}"),
            n => format!("{} for a decimal {other} do not count and are rejected", grouped(n)),
        };
        let of = format!("of {} cells decide", grouped(n_cells));
        Outcome::Decided(mark, format!("{}; {against}", more.phrase(&of)))
    }

    /// Says how the ambiguous cells look.
    pub(super) fn ambiguity(&self) -> String {
        let what = if self.ambiguous.count == 1 { "cell could be either" } else { "cells could be either" };
        self.ambiguous.phrase(what)
    }
}

/// Evidence on the order of day, month and year.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DateEvidence {
    /// For every shape: day first, month first, either.
    seen: [[Seen; 3]; DateShape::ALL.len()],
    n_timed: u64,
}

impl DateEvidence {
    /// Counts one cell.
    #[inline]
    pub(super) fn note(&mut self, date: &WrittenDate, cell: &str, at: usize) {
        let order = match (date.shape, date.day_part()) {
            (DateShape::YearFirst | DateShape::Compact, _) | (_, None) => 2,
            (_, Some(DayPart::First)) => 0,
            (_, Some(DayPart::Second)) => 1,
        };
        self.seen[date.shape as usize][order].note(cell, at);
        self.n_timed += u64::from(date.millis > 0);
    }

    /// Moves all positions on, because something stands before.
    pub(super) fn move_on(&mut self, by: usize) {
        self.seen.iter_mut().flatten().for_each(|seen| seen.move_on(by));
    }

    /// Adds the evidence of a later part.
    pub(super) fn add(&mut self, later: Self) {
        for (mine, theirs) in self.seen.iter_mut().flatten().zip(later.seen.into_iter().flatten()) {
            mine.add(theirs);
        }
        self.n_timed += later.n_timed;
    }

    /// Returns the most frequent shape, and how many cells have it.
    pub(super) fn shape(&self) -> Option<(DateShape, u64)> {
        let mut best = None;
        for shape in DateShape::ALL {
            let count = self.of_shape(shape);
            if count > best.map_or(0, |(_, most)| most) {
                best = Some((shape, count));
            }
        }
        best
    }

    /// Returns the evidence of one shape alone.
    pub(super) fn of(&self, shape: Option<DateShape>) -> Self {
        let mut alone = Self { n_timed: self.n_timed, ..Self::default() };
        if let Some(shape) = shape {
            alone.seen[shape as usize] = self.seen[shape as usize].clone();
        }
        alone
    }

    /// Returns the form most cells have, whatever the others say; the day comes first where nothing decides.
    pub(super) fn majority(&self) -> Option<DateFormat> {
        let (shape, _) = self.shape()?;
        let [day_first, month_first, _] = &self.seen[shape as usize];
        Some(shape.formats()[usize::from(month_first.count > day_first.count)])
    }

    /// Returns what follows.
    pub(super) fn outcome(&self) -> Outcome<DateFormat> {
        let (Some((shape, count)), Some(format)) = (self.shape(), self.majority()) else { return Outcome::Idle };
        let n_cells: u64 = DateShape::ALL.into_iter().map(|shape| self.of_shape(shape)).sum();
        let n_others = n_cells - count;
        let [day_first, month_first, _] = &self.seen[shape as usize];
        let (more, fewer) = (day_first.count.max(month_first.count), day_first.count.min(month_first.count));
        if n_others * TOLERATED > n_cells || fewer * TOLERATED > more + fewer {
            return Outcome::Contradiction;
        }
        let part = if format == shape.formats()[0] { "first" } else { "second" };
        let why = match shape {
            DateShape::YearFirst | DateShape::Compact => cells(count),
            _ if more > 0 => format!("{} with a {part} part above 12", cells(more)),
            DateShape::Dot => format!("{}, none with a part above 12, and a point means day first", cells(count)),
            DateShape::Slash | DateShape::Dash => return Outcome::Open,
        };
        let against = match n_others + fewer {
            0 => String::new(),
            n => format!("; {} written otherwise are rejected", grouped(n)),
        };
        Outcome::Decided(format, why + &against)
    }

    /// Returns the two forms that contradict each other most: name, number and first position of each, the larger first.
    pub(super) fn two_sides(&self) -> [(DateFormat, u64, usize); 2] {
        let mut sides: Vec<(DateFormat, u64, usize)> = Vec::new();
        for shape in DateShape::ALL {
            let [day_first, month_first, either] = &self.seen[shape as usize];
            let formats = shape.formats();
            let undecided = if month_first.count > day_first.count { month_first } else { day_first };
            for (format, seen) in formats.into_iter().zip([day_first, month_first]) {
                // Cells that could be either stand with the larger side of their shape.
                let either = if std::ptr::eq(seen, undecided) { either } else { &Seen::default() };
                let first = [seen, either].into_iter().filter(|seen| seen.count > 0).map(|seen| seen.first).min();
                sides.push((format, seen.count + either.count, first.unwrap_or(0)));
            }
        }
        sides.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
        [sides[0], sides[1]]
    }

    /// Says whether any cell has a time of day.
    pub(super) fn has_times(&self) -> bool {
        self.n_timed > 0
    }

    fn of_shape(&self, shape: DateShape) -> u64 {
        self.seen[shape as usize].iter().map(|seen| seen.count).sum()
    }
}

/// Writes a number of cells.
fn cells(count: u64) -> String {
    format!("{} cell{}", grouped(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::number_format::NumberReading;
    use super::super::numbers::parse;
    use super::*;

    fn numbers(cells: &[(&str, u64)]) -> NumberEvidence {
        let mut evidence = NumberEvidence::default();
        for (cell, times) in cells {
            for at in 0..*times {
                evidence.note(parse(cell, NumberReading::POINT).1, cell, at as usize);
            }
        }
        evidence
    }

    fn check_numbers(cells: &[(&str, u64)], expected: Outcome<Mark>) {
        assert_eq!(numbers(cells).outcome(), expected, "{cells:?}");
    }

    #[test]
    fn the_decimal_mark_is_decided_by_the_whole_column() {
        let why = |text: &str| text.to_owned();
        check_numbers(
            &[("1.234", 1_990), ("9,99", 8), ("7", 2)],
            Outcome::Decided(Mark::Comma, why("8 of 2,000 cells decide, e.g. shape `9,99`; none for a decimal point")),
        );
        check_numbers(
            &[("9,99", 1), ("9.95", 99)],
            Outcome::Decided(
                Mark::Point,
                why("99 of 100 cells decide, e.g. shape `9.99`; 1 for a decimal comma do not count and are rejected"),
            ),
        );
        check_numbers(&[("9,99", 2), ("9.95", 98)], Outcome::Contradiction);
        check_numbers(&[("9,99", 5), ("9.95", 5)], Outcome::Contradiction);
        check_numbers(&[("1.234", 5), ("7", 5)], Outcome::Open);
        check_numbers(&[("7", 5)], Outcome::Idle);
        check_numbers(&[], Outcome::Idle);
    }

    fn dates(cells: &[(&str, u64)]) -> DateEvidence {
        let mut evidence = DateEvidence::default();
        for (cell, times) in cells {
            for at in 0..*times {
                evidence.note(&WrittenDate::parse(cell).unwrap(), cell, at as usize);
            }
        }
        evidence
    }

    fn check_dates(cells: &[(&str, u64)], expected: Option<(DateFormat, &str)>, open: bool) {
        let expected = match expected {
            Some((format, why)) => Outcome::Decided(format, why.to_owned()),
            None if open => Outcome::Open,
            None => Outcome::Contradiction,
        };
        assert_eq!(dates(cells).outcome(), expected, "{cells:?}");
    }

    #[test]
    fn the_order_of_day_and_month_is_decided_by_the_whole_column() {
        use DateFormat::{DotDayFirst, DotMonthFirst, SlashDayFirst, SlashMonthFirst, YearMonthDay};
        check_dates(
            &[("01/02/2024", 9), ("13/02/2024", 1)],
            Some((SlashDayFirst, "1 cell with a first part above 12")),
            false,
        );
        check_dates(
            &[("01/02/2024", 9), ("02/13/24", 1)],
            Some((SlashMonthFirst, "1 cell with a second part above 12")),
            false,
        );
        check_dates(&[("01/02/2024", 9)], None, true);
        check_dates(&[("01-02-2024", 9)], None, true);
        check_dates(&[("01/02/2024", 9), ("13/02/2024", 1), ("02/13/24", 1)], None, false);
        check_dates(
            &[("01.02.2024", 9)],
            Some((DotDayFirst, "9 cells, none with a part above 12, and a point means day first")),
            false,
        );
        check_dates(&[("01.13.2024", 2)], Some((DotMonthFirst, "2 cells with a second part above 12")), false);
        check_dates(
            &[("2024-02-01", 99), ("01.02.2024", 1)],
            Some((YearMonthDay, "99 cells; 1 written otherwise are rejected")),
            false,
        );
        check_dates(&[("2024-02-01", 98), ("01.02.2024", 2)], None, false);
    }

    #[test]
    fn both_sides_of_a_contradiction_are_named() {
        let sides = dates(&[("13/02/2024", 7), ("02/13/24", 3), ("01/02/2024", 1)]).two_sides();
        assert_eq!(sides, [(DateFormat::SlashDayFirst, 8, 0), (DateFormat::SlashMonthFirst, 3, 0)]);
    }

    #[test]
    fn counts_are_grouped() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (11_898, "11,898"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }
}
