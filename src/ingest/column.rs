//! Cells to typed columns: one builder a column and part of a file, joined at the end over all parts of all files.
//!
//! | cell            | column                    | unit                                         | empty      |
//! |-----------------|---------------------------|----------------------------------------------|------------|
//! | `Id`, `Text`    | `codes` into `values`     | rank of the sorted texts                     | `NONE_IX`  |
//! | `Date`          | `day`, `millis`           | days since 1970-01-01, ms since midnight     | `i32::MIN` |
//! | `Decimal`       | `i64`                     | millionths                                   | `i64::MIN` |
//! | `Flag`          | `u8`                      | 0 no, 1 yes, 2 unknown                       | 2          |
//!
//! A cell that cannot be read leaves an empty one behind and a fault; the rows of faulty cells are taken out at the end of the part.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cells::{self, FlagWord};
use super::dates::{DateFormat, WrittenDate};
use super::dictionary::{CodedPart, merge};
use super::evidence::{DateEvidence, NumberEvidence};
use super::number_format::NumberReading;
use super::numbers::{self, NumberFault, NumberHint};
use super::spec::Cell;
use super::texts::Texts;
use crate::table::Ids;
use crate::units::NONE_IX;

/// A date column without a day in this row.
pub const NO_DAY: i32 = i32::MIN;

/// A decimal column without a number in this row.
pub const NO_NUMBER: i64 = i64::MIN;

/// A flag column that does not know in this row.
pub const UNKNOWN_FLAG: u8 = 2;

/// Stands for an empty cell until it is known whether the others are crosses.
const EMPTY_FLAG: u8 = 3;

/// A finished column, one entry a row.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedColumn {
    /// Ranks in `values`; [`NONE_IX`] where the cell is empty.
    Text { codes: Vec<u32>, values: Ids },
    /// Days, [`NO_DAY`] where the cell is empty, and milliseconds of the day, which are empty where no cell has a time.
    Date { day: Vec<i32>, millis: Vec<u32> },
    /// Millionths; [`NO_NUMBER`] where the cell is empty.
    Decimal(Vec<i64>),
    /// 0 no, 1 yes, [`UNKNOWN_FLAG`].
    Flag(Vec<u8>),
}

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reading {
    Id,
    Text,
    Flag,
    Number(NumberReading),
    Date(DateFormat),
}

/// What the cells of a column say about how they are written.
#[derive(Debug, Clone)]
pub(super) enum Evidence {
    Nothing,
    Number(NumberEvidence),
    Date(Box<DateEvidence>),
}

impl Evidence {
    /// Starts counting for a column.
    pub(super) fn new(cell: Cell) -> Self {
        match cell {
            Cell::Decimal => Self::Number(NumberEvidence::default()),
            Cell::Date => Self::Date(Box::default()),
            Cell::Id | Cell::Text | Cell::Flag => Self::Nothing,
        }
    }

    /// Adds the evidence of a later part.
    pub(super) fn add(&mut self, later: Self) {
        match (self, later) {
            (Self::Number(mine), Self::Number(theirs)) => mine.add(theirs),
            (Self::Date(mine), Self::Date(theirs)) => mine.add(*theirs),
            _ => {}
        }
    }

    /// Moves all positions on, because something stands before.
    pub(super) fn move_on(&mut self, by: usize) {
        match self {
            Self::Nothing => {}
            Self::Number(numbers) => numbers.move_on(by),
            Self::Date(dates) => dates.move_on(by),
        }
    }
}

/// Why a cell cannot be read; shows its shape, never what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    NoNumber { shape: String },
    NumberRange,
    NoDate { shape: String, format: DateFormat },
    NoDay { shape: String },
    DayRange,
    NoId,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty, but every row needs it"),
            Self::NoNumber { shape } => write!(f, "not a number in the form of its column (shape `{shape}`)"),
            Self::NumberRange => f.write_str("a number out of range"),
            Self::NoDate { shape, format } => write!(f, "not a date {format} (shape `{shape}`)"),
            Self::NoDay { shape } => write!(f, "a day that no calendar has (shape `{shape}`)"),
            Self::DayRange => f.write_str("a day outside the years 1 to 9999"),
            Self::NoId => f.write_str("a number with decimals where an id should be"),
        }
    }
}

/// Collects the cells of one column in one part of a file.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) values: Building,
    nullable: bool,
    pub(super) evidence: Evidence,
}

/// The cells so far.
#[derive(Debug)]
pub(super) enum Building {
    Text { part: CodedPart, is_id: bool },
    Date { format: DateFormat, day: Vec<i32>, millis: Vec<u32>, last: Option<LastDate> },
    Number { reading: NumberReading, values: Vec<i64> },
    Flag { values: Vec<u8>, n_crosses: usize, n_words: usize },
}

/// The date that was read last; exports repeat it from line to line.
#[derive(Debug)]
pub(super) struct LastDate {
    pub(super) cell: String,
    pub(super) date: WrittenDate,
    pub(super) day: i32,
}

impl Builder {
    /// Starts a column.
    pub(super) fn new(cell: Cell, reading: Reading, nullable: bool) -> Self {
        let values = match reading {
            Reading::Id => Building::Text { part: CodedPart::default(), is_id: true },
            Reading::Text => Building::Text { part: CodedPart::default(), is_id: false },
            Reading::Flag => Building::Flag { values: Vec::new(), n_crosses: 0, n_words: 0 },
            Reading::Number(reading) => Building::Number { reading, values: Vec::new() },
            Reading::Date(format) => Building::Date { format, day: Vec::new(), millis: Vec::new(), last: None },
        };
        Self { values, nullable, evidence: Evidence::new(cell) }
    }

    /// Adds a cell as it is written; `at` is where it stands, for the evidence.
    pub(super) fn push(&mut self, cell: &str, at: usize) -> Result<(), Fault> {
        let cell = cells::trim(cell);
        if cells::is_empty(cell) {
            return self.push_empty();
        }
        match &mut self.values {
            Building::Text { part, is_id } => {
                let text = if *is_id { cells::id(cell) } else { cell };
                let code = part.dictionary.code(text);
                part.codes.push(code);
            }
            Building::Number { reading, values } => {
                let (value, hint) = numbers::parse(cell, *reading);
                if let Evidence::Number(evidence) = &mut self.evidence
                    && (value.is_ok() || hint != NumberHint::Nothing)
                {
                    evidence.note(hint, cell, at);
                }
                values.push(value.unwrap_or(NO_NUMBER));
                return value.map(drop).map_err(|fault| match fault {
                    NumberFault::Form => Fault::NoNumber { shape: cells::shape(cell) },
                    NumberFault::Range => Fault::NumberRange,
                });
            }
            Building::Date { format, last, .. } => {
                let format = *format;
                let Some(date) = WrittenDate::parse(cell) else {
                    self.push_nothing();
                    return Err(Fault::NoDate { shape: cells::shape(cell), format });
                };
                if date.is_zero() {
                    return self.push_empty();
                }
                if let Evidence::Date(evidence) = &mut self.evidence {
                    evidence.note(&date, cell, at);
                }
                match date.day(format) {
                    Some(day) => {
                        let mut text = last.take().map(|last| last.cell).unwrap_or_default();
                        text.clear();
                        text.push_str(cell);
                        *last = Some(LastDate { cell: text, date, day: day.0 });
                        self.push_day(day.0, date.millis);
                    }
                    None => {
                        self.push_nothing();
                        let shape = cells::shape(cell);
                        let right_form = date.shape.formats().contains(&format);
                        return Err(if right_form { Fault::NoDay { shape } } else { Fault::NoDate { shape, format } });
                    }
                }
            }
            Building::Flag { values, n_crosses, n_words } => {
                let (value, is_cross) = match cells::flag(cell) {
                    FlagWord::No => (0, false),
                    FlagWord::Yes => (1, false),
                    FlagWord::Cross => (1, true),
                    FlagWord::Unknown => (UNKNOWN_FLAG, false),
                };
                values.push(value);
                *n_crosses += usize::from(is_cross);
                *n_words += usize::from(!is_cross);
            }
        }
        Ok(())
    }

    /// Adds an empty cell.
    pub(super) fn push_empty(&mut self) -> Result<(), Fault> {
        self.push_nothing();
        if self.nullable { Ok(()) } else { Err(Fault::Empty) }
    }

    /// Adds a day and milliseconds since midnight that need no reading.
    pub(super) fn push_day(&mut self, new_day: i32, new_millis: u32) {
        if let Building::Date { day, millis, .. } = &mut self.values {
            if new_millis > 0 || !millis.is_empty() {
                millis.resize(day.len(), 0);
                millis.push(new_millis);
            }
            day.push(new_day);
        }
    }

    /// Adds millionths that need no reading.
    pub(super) fn push_number(&mut self, number: Option<i64>) -> Result<(), Fault> {
        if let Building::Number { values, .. } = &mut self.values {
            values.push(number.unwrap_or(NO_NUMBER));
        }
        number.map(drop).ok_or(Fault::NumberRange)
    }

    /// Adds a cell that cannot be read.
    pub(super) fn push_fault(&mut self, fault: Fault) -> Result<(), Fault> {
        self.push_nothing();
        Err(fault)
    }

    /// Keeps some rows.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        match &mut self.values {
            Building::Text { part, .. } => part.retain(keep),
            Building::Number { values, .. } => retain(values, keep),
            Building::Flag { values, .. } => retain(values, keep),
            Building::Date { day, millis, .. } => {
                if !millis.is_empty() {
                    millis.resize(day.len(), 0);
                    retain(millis, keep);
                }
                retain(day, keep);
            }
        }
    }

    /// Returns the values as they are held between reading and joining.
    pub(super) fn into_values(self) -> Values {
        match self.values {
            Building::Text { part, .. } => Values::Text { codes: part.codes, texts: part.dictionary.into_texts() },
            Building::Number { values, .. } => Values::Number(values),
            Building::Date { day, millis, .. } => Values::Date { day, millis },
            Building::Flag { .. } => Values::Flag,
        }
    }

    /// Gives up the evidence.
    pub(super) fn take_evidence(&mut self) -> Evidence {
        std::mem::replace(&mut self.evidence, Evidence::Nothing)
    }

    fn push_nothing(&mut self) {
        match &mut self.values {
            Building::Text { part, .. } => part.codes.push(NONE_IX),
            Building::Number { values, .. } => values.push(NO_NUMBER),
            Building::Flag { values, .. } => values.push(EMPTY_FLAG),
            Building::Date { .. } => self.push_day(NO_DAY, 0),
        }
    }
}

/// The values of one column in one part of a file; flags stay with their builder.
pub(super) enum Values {
    Text { codes: Vec<u32>, texts: Texts },
    Number(Vec<i64>),
    Date { day: Vec<i32>, millis: Vec<u32> },
    Flag,
}

fn retain<T: Copy>(values: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    values.retain(|_| keep.next().copied().unwrap_or(true));
}

/// One part of a column: built from cells, or empty rows of a file that does not have it.
#[derive(Debug)]
pub(super) enum Part {
    Built(Box<Builder>),
    Missing { n_rows: usize },
}

/// Joins the parts of a column in order.
pub(super) fn join(cell: Cell, parts: Vec<Part>) -> TypedColumn {
    match cell {
        Cell::Id | Cell::Text => {
            let coded = |part| match part {
                Part::Missing { n_rows } => CodedPart { codes: vec![NONE_IX; n_rows], ..CodedPart::default() },
                Part::Built(built) => match built.values {
                    Building::Text { part, .. } => part,
                    _ => CodedPart::default(),
                },
            };
            let (codes, values) = merge(parts.into_iter().map(coded).collect());
            TypedColumn::Text { codes, values }
        }
        Cell::Decimal => {
            let numbers = |part| match part {
                Part::Missing { n_rows } => vec![NO_NUMBER; n_rows],
                Part::Built(built) => match built.values {
                    Building::Number { values, .. } => values,
                    _ => Vec::new(),
                },
            };
            TypedColumn::Decimal(parts.into_iter().map(numbers).collect::<Vec<_>>().concat())
        }
        Cell::Date => join_dates(parts),
        Cell::Flag => join_flags(parts),
    }
}

fn join_dates(parts: Vec<Part>) -> TypedColumn {
    let (mut day, mut millis) = (Vec::new(), Vec::new());
    for part in parts {
        let (part_day, part_millis) = match part {
            Part::Missing { n_rows } => (vec![NO_DAY; n_rows], Vec::new()),
            Part::Built(built) => match built.values {
                Building::Date { day, millis, .. } => (day, millis),
                _ => continue,
            },
        };
        if !part_millis.is_empty() || !millis.is_empty() {
            millis.resize(day.len(), 0);
            millis.extend_from_slice(&part_millis);
            millis.resize(day.len() + part_day.len(), 0);
        }
        day.extend_from_slice(&part_day);
    }
    // Whether a rejected row had the only time must not show.
    if millis.iter().all(|millis| *millis == 0) {
        millis.clear();
    }
    TypedColumn::Date { day, millis }
}

fn join_flags(parts: Vec<Part>) -> TypedColumn {
    let (mut n_crosses, mut n_words) = (0, 0);
    let mut flags: Vec<u8> = Vec::new();
    for part in parts {
        match part {
            Part::Missing { n_rows } => flags.resize(flags.len() + n_rows, UNKNOWN_FLAG),
            Part::Built(built) => {
                if let Building::Flag { values, n_crosses: crosses, n_words: words } = built.values {
                    n_crosses += crosses;
                    n_words += words;
                    flags.extend_from_slice(&values);
                }
            }
        }
    }
    // A column of crosses and gaps says no by leaving the gap.
    let empty = if n_crosses > 0 && n_words == 0 { 0 } else { UNKNOWN_FLAG };
    for flag in flags.iter_mut().filter(|flag| **flag == EMPTY_FLAG) {
        *flag = empty;
    }
    TypedColumn::Flag(flags)
}
