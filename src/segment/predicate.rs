//! A checked condition: every column exists and every operand is of its kind.
//!
//! [`Predicate`] shows itself as an expression that reads back as the same predicate.

use std::fmt;

use crate::units::{Day, Money};

/// A condition over score columns; what is not true, unknown included, is not in the segment.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// All hold; two or more parts.
    And(Vec<Predicate>),
    /// At least one holds; two or more parts.
    Or(Vec<Predicate>),
    /// The part is false; unknown stays unknown.
    Not(Box<Predicate>),
    /// The column compares so with the operand.
    Compare { column: String, op: Op, operand: Operand },
    /// The column equals one of the values, or none where negated.
    In { column: String, values: Vec<Operand>, negated: bool },
    /// `low <= column and column <= high`, or its negation.
    Between { column: String, low: Operand, high: Operand, negated: bool },
    /// The column is unknown, or known where negated; never itself unknown.
    IsNull { column: String, negated: bool },
    /// The text begins with another, letter by letter, or does not where negated.
    StartsWith { column: String, prefix: String, negated: bool },
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Another column of the same kind (whole numbers and numbers mix).
    Column(String),
    Text(String),
    Integer(i64),
    /// Finite.
    Number(f64),
    /// Minor currency units.
    Money(i64),
    Date(Day),
    /// The day that far from as-of.
    AsOf(Shift),
}

/// Most days or months that a day may lie from as-of: a century of days, as periods have.
pub(super) const MOST_SHIFTED: i32 = 36_500;

/// A distance from as-of: days or calendar months, never both; negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shift {
    pub days: i32,
    pub months: i32,
}

impl Shift {
    /// Returns the day that far from another; of a month that is shorter, its last day.
    pub fn from(self, day: Day) -> Day {
        Day(day.shift_months(self.months).0 + self.days)
    }
}

impl Predicate {
    /// Puts days in the place of those relative to as-of.
    pub fn as_of(&self, as_of: Day) -> Self {
        let day = |operand: &Operand| match operand {
            Operand::AsOf(shift) => Operand::Date(shift.from(as_of)),
            other => other.clone(),
        };
        let parts = |parts: &[Self]| parts.iter().map(|part| part.as_of(as_of)).collect();
        match self {
            Self::And(of) => Self::And(parts(of)),
            Self::Or(of) => Self::Or(parts(of)),
            Self::Not(part) => Self::Not(Box::new(part.as_of(as_of))),
            Self::Compare { column, op, operand } => {
                Self::Compare { column: column.clone(), op: *op, operand: day(operand) }
            }
            Self::In { column, values, negated } => {
                Self::In { column: column.clone(), values: values.iter().map(day).collect(), negated: *negated }
            }
            Self::Between { column, low, high, negated } => {
                Self::Between { column: column.clone(), low: day(low), high: day(high), negated: *negated }
            }
            Self::IsNull { .. } | Self::StartsWith { .. } => self.clone(),
        }
    }

    /// Goes through the columns that are asked, each as often as it is.
    pub fn columns(&self) -> Vec<&str> {
        fn other(operand: &Operand) -> Option<&str> {
            if let Operand::Column(name) = operand { Some(name) } else { None }
        }
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Not(part) => part.columns(),
            Self::Compare { column, operand, .. } => [column.as_str()].into_iter().chain(other(operand)).collect(),
            Self::Between { column, low, high, .. } => {
                [column.as_str()].into_iter().chain(other(low)).chain(other(high)).collect()
            }
            Self::In { column, .. } | Self::IsNull { column, .. } | Self::StartsWith { column, .. } => vec![column],
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Integer(number) => write!(f, "{number}"),
            // Debug keeps the point, so that the number reads back as one.
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Money(minor) => write!(f, "{}", Money(*minor)),
            Self::Date(day) => write!(f, "'{day}'"),
            Self::AsOf(Shift { days: 0, months: 0 }) => f.write_str("as_of"),
            Self::AsOf(Shift { days, months }) => {
                let (by, unit) = if *days == 0 { (*months, "month") } else { (*days, "day") };
                let sign = if by < 0 { '-' } else { '+' };
                write!(f, "as_of {sign} {} {unit}{}", by.abs(), if by.abs() == 1 { "" } else { "s" })
            }
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        match self {
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(part) => {
                f.write_str("not ")?;
                nested(f, part)
            }
            Self::Compare { column, op, operand } => write!(f, "{column} {op} {operand}"),
            Self::In { column, values, negated } => {
                write!(f, "{column} {}in (", not(negated))?;
                for (ix, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if ix == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::Between { column, low, high, negated } => {
                write!(f, "{column} {}between {low} and {high}", not(negated))
            }
            Self::IsNull { column, negated } => write!(f, "{column} is {}null", not(negated)),
            Self::StartsWith { column, prefix, negated } => {
                write!(f, "{column} {}starts with {}", not(negated), Operand::Text(prefix.clone()))
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Predicate], word: &str) -> fmt::Result {
    for (ix, part) in parts.iter().enumerate() {
        if ix > 0 {
            f.write_str(word)?;
        }
        nested(f, part)?;
    }
    Ok(())
}

fn nested(f: &mut fmt::Formatter<'_>, part: &Predicate) -> fmt::Result {
    if matches!(part, Predicate::And(_) | Predicate::Or(_)) { write!(f, "({part})") } else { write!(f, "{part}") }
}
