//! Segment expressions: a small SQL condition over the score columns, checked before any data is read.
//!
//! ```text
//! condition  = and-part { "or" and-part }
//! and-part   = not-part { "and" not-part }
//! not-part   = [ "not" ] ( "(" condition ")" | test )
//! test       = column ( op value | [ "not" ] "in" "(" literal { "," literal } ")"
//!                     | [ "not" ] "between" value "and" value | "is" [ "not" ] "null"
//!                     | [ "not" ] "starts" "with" 'text' )
//! op         = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//! value      = column | literal          literal = [ "-" ] number | 'text' | as-of
//! as-of      = "as_of" [ ( "+" | "-" ) number ( "days" | "weeks" | "months" | "years" ) ]
//! ```
//! Keywords may be written in any case, columns as they are named. A quote inside a text is doubled.
//!
//! | column      | literal                              | [`Operand`]                                  |
//! |-------------|--------------------------------------|----------------------------------------------|
//! | text        | `'A'`                                | `Text`                                       |
//! | whole number| `90`, `1.5`                          | `Integer`, or `Number` where it has a point  |
//! | number      | `0.6`                                | `Number`                                     |
//! | money       | `1000`, `99.95`: major units, exact  | `Money`, minor units                         |
//! | date        | `'2026-06-30'`, `as_of - 90 days`    | `Date`, `AsOf`                               |
//!
//! Two columns compare where their kinds are equal, or where one is a whole number and the other a number. Comparison with an
//! unknown value is neither true nor false, and only what is true is in the segment: the three-valued logic of SQL (ISO/IEC 9075-2,
//! section 8, predicates). Cost: linear in the length of the text.

mod asked;
mod check;
mod expression;
mod members;
mod predicate;
mod select;
mod tokens;
mod truth;

use std::ops::Range;

use crate::table::{ColumnKind, ColumnSpec};

pub use asked::{asked_kinds, first_use, misread_orders, words_never_held};
pub use members::{Limit, Members, Membership, Order, first_of, members};
pub use predicate::{Op, Operand, Predicate, Shift};
pub use select::select;
pub use tokens::is_reserved;

/// A segment whose condition is known to fit the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Name as in the pipeline, a slug.
    pub name: String,
    /// Condition as the pipeline writes it.
    pub text: String,
    /// Condition as it is computed.
    pub predicate: Predicate,
    /// How many customers it holds at most, where that is limited.
    pub limit: Option<Limit>,
}

/// Names of the columns that say to which segment a customer belongs, belonged, and since when.
pub const MEMBERSHIP_COLUMNS: [&str; 3] = ["segment", "segment_previous", "segment_since"];

/// Returns the score columns that are known once the members of all segments are chosen.
pub fn membership_columns() -> Vec<ColumnSpec> {
    let [segment, previous, since] = MEMBERSHIP_COLUMNS;
    vec![
        ColumnSpec::new(segment, ColumnKind::Text, "first segment of the pipeline that holds the customer"),
        ColumnSpec::new(previous, ColumnKind::Text, "the same of the last run before this as-of"),
        ColumnSpec::new(since, ColumnKind::Date, "as-of of the first run of those in a row that found the segment"),
    ]
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
