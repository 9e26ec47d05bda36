//! The customers of a segment: the checked condition becomes an expression over the frame of scores.
//!
//! SQL's three-valued logic: a comparison with an unknown value is unknown, and what is unknown is not selected.

use super::predicate::{Op, Operand, Predicate};
use crate::scores::frame::dsl::{self, Expr, col, lit};
use crate::scores::frame::{Frame, FrameError};

/// Returns the rows of `scores` for which the condition is true, in their order.
///
/// # Errors
/// Fails where the condition does not fit the columns, which checking it against them rules out.
pub fn select(scores: &Frame, condition: &Predicate) -> Result<Frame, FrameError> {
    scores.filter(expression(condition))
}

fn expression(predicate: &Predicate) -> Expr {
    match predicate {
        Predicate::And(parts) => joined(parts.iter().map(expression).collect(), Expr::and),
        Predicate::Or(parts) => joined(parts.iter().map(expression).collect(), Expr::or),
        Predicate::Not(part) => expression(part).not(),
        Predicate::Compare { column, op, operand } => {
            let (left, right) = (col(column.as_str()), value(operand));
            match op {
                Op::Equal => left.eq(right),
                Op::NotEqual => left.neq(right),
                Op::Less => left.lt(right),
                Op::LessOrEqual => left.lt_eq(right),
                Op::Greater => left.gt(right),
                Op::GreaterOrEqual => left.gt_eq(right),
            }
        }
        Predicate::In { column, values, negated } => {
            let equal = |operand| col(column.as_str()).eq(value(operand));
            let any = joined(values.iter().map(equal).collect(), Expr::or);
            if *negated { any.not() } else { any }
        }
        Predicate::Between { column, low, high, negated } => {
            let from_low = col(column.as_str()).gt_eq(value(low));
            let between = from_low.and(col(column.as_str()).lt_eq(value(high)));
            if *negated { between.not() } else { between }
        }
        Predicate::IsNull { column, negated: false } => col(column.as_str()).is_null(),
        Predicate::IsNull { column, negated: true } => col(column.as_str()).is_not_null(),
    }
}

/// Joins conditions to a tree of little depth: what works on expressions goes down every branch again at every level.
fn joined(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Expr {
    while parts.len() > 1 {
        let mut pairs = parts.into_iter();
        let mut next = Vec::with_capacity(pairs.len().div_ceil(2));
        while let Some(left) = pairs.next() {
            next.push(match pairs.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        parts = next;
    }
    parts.pop().expect("a list or junction has at least one part")
}

fn value(operand: &Operand) -> Expr {
    match operand {
        Operand::Column(name) => col(name.as_str()),
        Operand::Text(text) => lit(text.as_str()),
        Operand::Integer(number) | Operand::Money(number) => lit(*number),
        Operand::Number(number) => lit(*number),
        Operand::Date(day) => dsl::date(day.0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::segment::parse_and_check;
    use crate::table::{Column, ColumnKind, ColumnSpec, Ids, Nullable, Values};
    use crate::units::NONE_IX;

    /// Customers 1 to 4; the last one has no value in any column.
    fn scores() -> (Frame, Vec<ColumnSpec>) {
        let labels: Arc<[String]> = Arc::from(["A".to_owned(), "B".to_owned()]);
        let columns = [
            Column::new("class", Values::Text { codes: vec![0, 1, 0, NONE_IX], labels }),
            Column::new("orders", Values::Integer(Nullable::from_iter([Some(1), Some(5), Some(9), None]))),
            Column::new("risk", Values::Number(Nullable::from_iter([Some(0.1), Some(0.6), Some(0.9), None]))),
            Column::new("value", Values::Money(Nullable::from_iter([Some(1_000), Some(-5), Some(250_010), None]))),
            Column::new("last", Values::Date(Nullable::from_iter([Some(0), Some(31), Some(20_000), None]))),
        ];
        let ids = Ids::from_sorted(["1", "2", "3", "4"]);
        let specs = columns.iter().map(|column| ColumnSpec::new(&column.name, column.values.kind(), "")).collect();
        let mut promised = vec![ColumnSpec::new("customer_id", ColumnKind::Text, "")];
        promised.extend::<Vec<ColumnSpec>>(specs);
        (Frame::of_customers(&ids, &columns), promised)
    }

    fn check(condition: &str, expected: &[&str]) {
        let (frame, specs) = scores();
        let predicate =
            parse_and_check(condition, &specs).unwrap_or_else(|problems| panic!("{condition}: {problems:?}"));
        let selected = select(&frame, &predicate).unwrap();
        let ids: Vec<String> = selected.texts("customer_id").unwrap().into_iter().flatten().collect();
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
        check("risk is null", &["4"]);
        check("risk is not null and customer_id <> '1'", &["2", "3"]);
        check("orders > risk", &["1", "2", "3"]);
        let many: Vec<String> = (3..2_000).map(|id| format!("'{id}'")).collect();
        check(&format!("customer_id in ({})", many.join(", ")), &["3", "4"]);
    }
}
