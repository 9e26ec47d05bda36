//! The customers of a segment: the rows of the scores for which a checked condition is true.
//!
//! SQL's three-valued logic: a comparison with an unknown value is unknown, and what is unknown is not selected. With
//! `false < unknown < true`, `and` is the least and `or` the greatest of the parts (Kleene's strong logic). A condition becomes a tree
//! of tests over positions in the columns; each text literal is looked at once a distinct label, not once a row. `O(rows × tests)`
//! time, in parallel over rows; lists of values are searched in logarithmic time.

use rayon::prelude::*;

use super::predicate::{Op, Operand, Predicate};
use super::truth::{Asked, Test, Truth, all, any, columns, known, literal, not, starts_with};
use crate::scores::frame::{Frame, FrameError};
use crate::units::Day;

/// Rows that a task takes at least: below that, handing them out costs more than testing them.
const ROWS_PER_TASK: usize = 16_384;

/// Returns the rows of `scores` for which the condition is true as of a day, ascending.
///
/// # Errors
/// Fails where the condition does not fit the columns, which checking it against them rules out.
pub fn select(scores: &Frame<'_>, condition: &Predicate, as_of: Day) -> Result<Vec<u32>, FrameError> {
    let condition = condition.as_of(as_of);
    let holds = tree(scores, &condition)?;
    let rows = (0..scores.height() as u32).into_par_iter().with_min_len(ROWS_PER_TASK);
    Ok(rows.filter(|row| holds(*row as usize) == Truth::True).collect())
}

/// Builds the test of a condition; the parser bounds how deep it can be.
fn tree<'f>(scores: &'f Frame<'_>, condition: &'f Predicate) -> Result<Test<'f>, FrameError> {
    let trees = |parts: &'f [Predicate]| parts.iter().map(|part| tree(scores, part)).collect::<Result<Vec<_>, _>>();
    let compare = |column: &str, op: Op, operand: &'f Operand| match operand {
        Operand::Column(other) => columns(scores.column(column)?, op, scores.column(other)?),
        operand => literal(scores.column(column)?, Asked::Compare(op, operand)),
    };
    let unless = |negated: &bool, test| if *negated { not(test) } else { test };
    Ok(match condition {
        Predicate::And(parts) => all(trees(parts)?),
        Predicate::Or(parts) => any(trees(parts)?),
        Predicate::Not(part) => not(tree(scores, part)?),
        Predicate::Compare { column, op, operand } => compare(column, *op, operand)?,
        Predicate::In { column, values, negated } => {
            unless(negated, literal(scores.column(column)?, Asked::In(values.iter().collect()))?)
        }
        Predicate::Between { column, low, high, negated } => {
            let bounds = vec![compare(column, Op::GreaterOrEqual, low)?, compare(column, Op::LessOrEqual, high)?];
            unless(negated, all(bounds))
        }
        Predicate::StartsWith { column, prefix, negated } => {
            unless(negated, starts_with(scores.column(column)?, prefix)?)
        }
        Predicate::IsNull { column, negated } => unless(&!*negated, known(scores.column(column)?)),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::segment::parse_and_check;
    use crate::table::{Column, ColumnKind, ColumnSpec, Ids, Nullable, Values};
    use crate::units::NONE_IX;

    /// Customers 1 to 4; the last one has no value in any column.
    fn scores() -> (Ids, Vec<Column>) {
        let labels: Arc<[String]> = Arc::from(["A".to_owned(), "B".to_owned()]);
        let columns = vec![
            Column::new("class", Values::Text { codes: vec![0, 1, 0, NONE_IX], labels }),
            Column::new("orders", Values::Integer(Nullable::from_iter([Some(1), Some(5), Some(9), None]))),
            Column::new("risk", Values::Number(Nullable::from_iter([Some(0.1), Some(0.6), Some(0.9), None]))),
            Column::new("value", Values::Money(Nullable::from_iter([Some(1_000), Some(-5), Some(250_010), None]))),
            Column::new("last", Values::Date(Nullable::from_iter([Some(0), Some(31), Some(20_000), None]))),
        ];
        let ids = Ids::from_sorted(["1", "2", "3", "4"]);
        (ids, columns)
    }

    fn check(condition: &str, expected: &[&str]) {
        let (ids, columns) = scores();
        let mut promised = vec![ColumnSpec::new("customer_id", ColumnKind::Text, "")];
        promised.extend(columns.iter().map(|column| ColumnSpec::new(&column.name, column.values.kind(), "")));
        let predicate =
            parse_and_check(condition, &promised).unwrap_or_else(|problems| panic!("{condition}: {problems:?}"));
        let scores = Frame::of_customers(&ids, &columns);
        let selected = select(&scores, &predicate, Day::parse_iso("2024-10-31").unwrap()).unwrap();
        let picked = scores.pick(selected);
        let ids: Vec<&str> = picked.texts("customer_id").unwrap().flatten().collect();
        assert_eq!(ids, expected, "{condition}");
    }

    #[test]
    fn conditions_select_what_they_say() {
        check("class = 'A'", &["1", "3"]);
        check("class != 'A'", &["2"]);
        check("class in ('A', 'B') and orders > 1", &["2", "3"]);
        check("class not in ('B')", &["1", "3"]);
        check("orders between 1 and 5", &["1", "2"]);
        check("orders not between 1 and 5", &["3"]);
        check("risk >= 0.6 or orders = 1", &["1", "2", "3"]);
        check("not (risk >= 0.6)", &["1"]);
        check("value > 2500.09", &["3"]);
        check("value >= 2500.10 and value < 2500.11", &["3"]);
        check("value < 0", &["2"]);
        check("last >= '1970-02-01'", &["2", "3"]);
        check("last in ('1970-01-01', '2024-10-04')", &["1", "3"]);
        check("last < as_of - 9 months", &["1", "2"]);
        check("last in (as_of - 27 days, as_of)", &["3"]);
        check("last between as_of - 54 years and as_of + 1 week", &["3"]);
        check("class starts with 'A'", &["1", "3"]);
        check("class not starts with 'A'", &["2"]);
        check("customer_id starts with '2' or class starts with 'AB'", &["2"]);
        check("risk is null", &["4"]);
        check("risk is not null and customer_id <> '1'", &["2", "3"]);
        check("orders > risk", &["1", "2", "3"]);
        let many: Vec<String> = (3..2_000).map(|id| format!("'{id}'")).collect();
        check("orders in (1, 5.0, 9.5)", &["1", "2"]);
        check("orders not in (1, 5.0)", &["3"]);
        check("orders > 4.5 and orders <= 9", &["2", "3"]);
        check("not (class = 'A' and risk > 0.5)", &["1", "2"]);
        check("risk < 2 or customer_id >= '4'", &["1", "2", "3", "4"]);
        check("not (risk < 2 and customer_id = '4')", &["1", "2", "3"]);
        check("orders between risk and 5", &["1", "2"]);
        check("customer_id > class or class >= customer_id", &["1", "2", "3"]);
        check("customer_id > '1' and customer_id < '3'", &["2"]);
        check("customer_id > '15' and customer_id <= '30'", &["2", "3"]);
        check("customer_id < '0' or customer_id >= '4' or customer_id = '25'", &["4"]);
        check("customer_id != '2' and customer_id != '25'", &["1", "3", "4"]);
        check(&format!("customer_id in ({})", many.join(", ")), &["3", "4"]);
    }
}
