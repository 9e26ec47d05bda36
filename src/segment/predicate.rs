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
