//! Who belongs to which segment: conditions, size limits, and whether a customer may be in several.
//!
//! | [`Membership`]  | a customer who fulfils the conditions of several segments is in                     |
//! |-----------------|------------------------------------------------------------------------------------|
//! | `Overlapping`   | all of them                                                                        |
//! | `FirstMatch`    | the first of the file; one that is full holds only the best, and the others go on   |
//!
//! A limit keeps the best by a column: the largest values, or the smallest on request; unknown values come last and equal ones by customer id.
//! Rows of members are ascending, as scores are. `O(rows × tests + matching · log matching)` a segment.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::{Segment, select};
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::table::Values;
use crate::units::Day;

/// Whether a customer may be in several segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Membership {
    #[default]
    Overlapping,
    FirstMatch,
}

impl Membership {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Overlapping, Self::FirstMatch];

    /// Returns the word that pipeline and manifest use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Overlapping => "overlapping",
            Self::FirstMatch => "first-match",
        }
    }
}

/// Which end of a column is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Descending,
    Ascending,
}

impl Order {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Descending, Self::Ascending];

    /// Returns the word that pipeline and manifest use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Descending => "descending",
            Self::Ascending => "ascending",
        }
    }
}

/// How many customers a segment holds at most, and by what they are the best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub most: usize,
    /// Column of numbers, money or dates.
    pub by: String,
    pub order: Order,
}

/// The customers of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// Rows of the scores, ascending.
    pub rows: Vec<u32>,
    /// Customers who could have been in it without a limit.
    pub n_matching: usize,
    /// Row of the last who was kept, where a limit left somebody out.
    pub last_kept: Option<u32>,
}

/// Chooses the members of every segment, in the order of the file; rows of `asked` are those of the scores.
///
/// # Errors
/// Fails where a condition or an order does not fit the columns, which checking the pipeline rules out.
pub fn members(
    asked: &Frame<'_>,
    segments: &[Segment],
    membership: Membership,
    as_of: Day,
) -> Result<Vec<Members>, FrameError> {
    let mut taken = vec![false; asked.height()];
    let mut found = Vec::with_capacity(segments.len());
    for segment in segments {
        let mut rows = select(asked, &segment.predicate, as_of)?;
        if membership == Membership::FirstMatch {
            rows.retain(|row| !taken[*row as usize]);
        }
        let n_matching = rows.len();
        let last_kept = match &segment.limit {
            Some(limit) => keep_best(&mut rows, asked.column(&limit.by)?, limit)?,
            None => None,
        };
        rows.iter().for_each(|row| taken[*row as usize] = true);
        found.push(Members { rows, n_matching, last_kept });
    }
    Ok(found)
}

/// Keeps the best rows; returns the last of them, where somebody was left out.
fn keep_best(rows: &mut Vec<u32>, column: &FrameColumn<'_>, limit: &Limit) -> Result<Option<u32>, FrameError> {
    let misfit = || FrameError::Kind(limit.by.clone());
    let Cells::Values(values) = &column.cells else { return Err(misfit()) };
    if matches!(values.as_ref(), Values::Text { .. }) {
        return Err(misfit());
    }
    if rows.len() <= limit.most {
        return Ok(None);
    }
    let rank = |row: u32| {
        let known = rank(values, column.position(row as usize));
        (known.is_none(), (limit.order == Order::Descending).then_some(Reverse(known)), known, row)
    };
    rows.par_sort_by_cached_key(|row| rank(*row));
    rows.truncate(limit.most);
    let last = rows.last().copied();
    rows.sort_unstable();
    Ok(last)
}

/// Returns a whole number in the order of the values.
fn rank(values: &Values, position: usize) -> Option<i64> {
    match values {
        Values::Text { .. } => None,
        Values::Integer(cells) | Values::Money(cells) => cells.get(position),
        Values::Date(cells) => cells.get(position).map(i64::from),
        Values::Number(cells) => cells.get(position).filter(|value| value.is_finite()).map(|value| {
            // IEEE 754: bits of positive numbers ascend with them, those of negative ones descend; adding zero makes both zeros one.
            let bits = (value + 0.0).to_bits() as i64;
            bits ^ (((bits >> 63) as u64) >> 1) as i64
        }),
    }
}

/// Returns the first segment of the file that holds each customer.
pub fn first_of(members: &[Members], n_customers: usize) -> Vec<Option<u32>> {
    let mut first = vec![None; n_customers];
    for (ix, members) in members.iter().enumerate() {
        for row in &members.rows {
            first[*row as usize].get_or_insert(ix as u32);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segment::parse_and_check;
    use crate::table::{Column, ColumnSpec, Ids, Nullable};

    fn columns() -> Vec<Column> {
        vec![
            Column::new("value", Values::Money(Nullable::from_iter([Some(5), Some(9), None, Some(9), Some(-1)]))),
            Column::new(
                "risk",
                Values::Number(Nullable::from_iter([Some(0.5), Some(-0.0), Some(0.0), Some(-3.5), None])),
            ),
        ]
    }

    fn segment(name: &str, text: &str, limit: Option<(usize, &str, Order)>) -> Segment {
        let specs: Vec<ColumnSpec> =
            columns().iter().map(|column| ColumnSpec::new(&column.name, column.values.kind(), "")).collect();
        Segment {
            name: name.to_owned(),
            text: text.to_owned(),
            predicate: parse_and_check(text, &specs).unwrap(),
            limit: limit.map(|(most, by, order)| Limit { most, by: by.to_owned(), order }),
        }
    }

    fn choose(segments: &[Segment], membership: Membership) -> Vec<Members> {
        let (ids, columns) = (Ids::from_sorted(["a", "b", "c", "d", "e"]), columns());
        members(&Frame::of_customers(&ids, &columns), segments, membership, Day(0)).unwrap()
    }

    fn check(most: usize, by: &str, order: Order, rows: &[u32], last_kept: Option<u32>) {
        let all = segment("all", "value is null or value is not null", Some((most, by, order)));
        let found = choose(&[all], Membership::Overlapping);
        assert_eq!(found, [Members { rows: rows.to_vec(), n_matching: 5, last_kept }], "{most} {by} {order:?}");
    }

    #[test]
    fn the_best_are_kept_and_the_unknown_come_last() {
        check(1, "value", Order::Descending, &[1], Some(1));
        check(2, "value", Order::Descending, &[1, 3], Some(3));
        check(4, "value", Order::Descending, &[0, 1, 3, 4], Some(4));
        check(5, "value", Order::Descending, &[0, 1, 2, 3, 4], None);
        check(2, "value", Order::Ascending, &[0, 4], Some(0));
        check(4, "value", Order::Ascending, &[0, 1, 3, 4], Some(3));
        // Both zeros are one number, so the ids decide.
        check(2, "risk", Order::Descending, &[0, 1], Some(1));
        check(2, "risk", Order::Ascending, &[1, 3], Some(1));
    }

    #[test]
    fn the_first_match_takes_customers_away_and_a_full_segment_lets_them_go_on() {
        let segments = [
            segment("best", "value > 0", Some((1, "value", Order::Descending))),
            segment("positive", "value > 0", None),
            segment("risky", "risk >= 0", None),
        ];
        let rows = |membership| choose(&segments, membership).into_iter().map(|of| of.rows).collect::<Vec<_>>();
        assert_eq!(rows(Membership::Overlapping), [vec![1], vec![0, 1, 3], vec![0, 1, 2]]);
        assert_eq!(rows(Membership::FirstMatch), [vec![1], vec![0, 3], vec![2]]);
        for membership in Membership::ALL {
            let first = first_of(&choose(&segments, membership), 5);
            assert_eq!(first, [Some(1), Some(0), Some(2), Some(1), None]);
        }
    }

    #[test]
    fn texts_have_no_best() {
        let (ids, columns) = (Ids::from_sorted(["a", "b", "c", "d", "e"]), columns());
        let by_id = segment("best", "value > 0", Some((1, "customer_id", Order::Descending)));
        let found = members(&Frame::of_customers(&ids, &columns), &[by_id], Membership::Overlapping, Day(0));
        assert_eq!(found, Err(FrameError::Kind("customer_id".to_owned())));
    }

    proptest! {
        /// Numbers rank as they compare.
        #[test]
        fn ranks_are_in_the_order_of_numbers(a in prop::num::f64::NORMAL | prop::num::f64::ZERO, b in prop::num::f64::NORMAL | prop::num::f64::ZERO) {
            let values = Values::Number(vec![a, b].into());
            prop_assert_eq!(rank(&values, 0).cmp(&rank(&values, 1)), a.partial_cmp(&b).unwrap());
        }
    }
}
