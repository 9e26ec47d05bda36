//! Segment expressions: a small SQL condition over the score columns, checked before any data is read.
//!
//! ```text
//! condition  = and-part { "or" and-part }
//! and-part   = not-part { "and" not-part }
//! not-part   = [ "not" ] ( "(" condition ")" | test )
//! test       = column ( op value | [ "not" ] "in" "(" literal { "," literal } ")"
//!                     | [ "not" ] "between" value "and" value | "is" [ "not" ] "null" )
//! op         = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//! value      = column | literal          literal = [ "-" ] number | 'text'
//! ```
//! Keywords may be written in any case, columns as they are named. A quote inside a text is doubled.
//!
//! | column      | literal                              | [`Operand`]                                  |
//! |-------------|--------------------------------------|----------------------------------------------|
//! | text        | `'A'`                                | `Text`                                       |
//! | whole number| `90`, `1.5`                          | `Integer`, or `Number` where it has a point  |
//! | number      | `0.6`                                | `Number`                                     |
//! | money       | `1000`, `99.95`: major units, exact  | `Money`, minor units                         |
//! | date        | `'2026-06-30'`                       | `Date`                                       |
//!
//! Two columns compare where their kinds are equal, or where one is a whole number and the other a number. Comparison with an
//! unknown value is neither true nor false, and only what is true is in the segment: the three-valued logic of SQL (ISO/IEC 9075-2,
//! section 8, predicates). Cost: linear in the length of the text.

mod check;
mod expression;
mod predicate;
mod select;
mod truth;

use std::ops::Range;

use crate::table::ColumnSpec;

pub use predicate::{Op, Operand, Predicate};
pub use select::select;

/// A segment whose condition is known to fit the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Name as in the pipeline, a slug.
    pub name: String,
    /// Condition as the pipeline writes it.
    pub text: String,
    /// Condition as it is computed.
    pub predicate: Predicate,
}

/// What is wrong with an expression, in parts that the pipeline makes a diagnostic of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentProblem {
    /// Bytes of the expression that the problem lies in.
    pub range: Range<usize>,
    /// Stable code.
    pub code: &'static str,
    /// Completes the sentence "segment `name` …".
    pub title: String,
    /// What stands at the range.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Column that nobody writes, where that is the problem.
    pub unknown_column: Option<String>,
}

/// Reads a condition and checks its names and kinds against the columns of the pipeline.
///
/// # Errors
/// Returns the first problem of a text that cannot be read, or else all wrong names and kinds.
///
/// # Examples
/// ```
/// use klientel::segment::parse_and_check;
/// use klientel::table::{ColumnKind, ColumnSpec};
/// let columns = [ColumnSpec::new("clv", ColumnKind::Money, "customer lifetime value")];
/// let predicate = parse_and_check("clv >= 99.5 AND clv is not null", &columns).unwrap();
/// assert_eq!(predicate.to_string(), "clv >= 99.50 and clv is not null");
/// ```
pub fn parse_and_check(text: &str, columns: &[ColumnSpec]) -> Result<Predicate, Vec<SegmentProblem>> {
    let condition = expression::parse(text).map_err(|problem| vec![*problem])?;
    check::check(&condition, columns)
}
