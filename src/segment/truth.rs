//! Tests of rows: what a comparison, a list or a junction says about one row of a frame.
//!
//! | literal or column   | compares as                                              |
//! |---------------------|----------------------------------------------------------|
//! | text                | bytes; a literal once a distinct label, of ids as ranks  |
//! | whole number, money, date | whole numbers, exactly                             |
//! | whole number with number  | `f64`                                              |
//!
//! `O(1)` a row and test, `O(log n)` for a list of `n` values.

use std::cmp::Ordering;

use super::predicate::{Op, Operand};
use crate::scores::frame::{Cells, FrameColumn, FrameError};
use crate::table::{ColumnKind, Ids, Nullable, Values};

/// What a test says; the order makes `and` the least and `or` the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    Unknown,
    True,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Says whether a row fulfils something.
pub(super) type Test<'f> = Box<dyn Fn(usize) -> Truth + Send + Sync + 'f>;

/// What is asked of the values of one column.
pub(super) enum Asked<'f> {
    /// They compare so with a literal.
    Compare(Op, &'f Operand),
    /// They equal one of these literals.
    In(Vec<&'f Operand>),
}

/// Holds where a text begins with another.
///
/// # Errors
/// Fails where the column holds no texts.
pub(super) fn starts_with<'f>(column: &'f FrameColumn<'_>, prefix: &'f str) -> Result<Test<'f>, FrameError> {
    if column.kind() != ColumnKind::Text {
        return Err(FrameError::Kind(column.name.to_owned()));
    }
    let begins = move |text: &str| Truth::from(text.starts_with(prefix));
    if let Cells::Values(values) = &column.cells
        && let Values::Text { codes, labels } = values.as_ref()
    {
        let truths: Vec<Truth> = labels.iter().map(|label| begins(label)).collect();
        return Ok(of_labels(column, codes, truths));
    }
    Ok(Box::new(move |row| column.cells.text(column.position(row)).map_or(Truth::Unknown, begins)))
}

/// Says of every row what was found of its label; an unknown text has a code past all labels.
fn of_labels<'f>(column: &'f FrameColumn<'_>, codes: &'f [u32], truths: Vec<Truth>) -> Test<'f> {
    Box::new(move |row| truths.get(codes[column.position(row)] as usize).copied().unwrap_or(Truth::Unknown))
}

/// Holds where all tests do.
pub(super) fn all(tests: Vec<Test<'_>>) -> Test<'_> {
    junction(tests, Truth::False, Ord::min)
}

/// Holds where at least one test does.
pub(super) fn any(tests: Vec<Test<'_>>) -> Test<'_> {
    junction(tests, Truth::True, Ord::max)
}

/// Joins tests until one of them decides.
fn junction(tests: Vec<Test<'_>>, decides: Truth, join: fn(Truth, Truth) -> Truth) -> Test<'_> {
    Box::new(move |row| {
        let mut joined = if decides == Truth::True { Truth::False } else { Truth::True };
        for test in &tests {
            joined = join(joined, test(row));
            if joined == decides {
                break;
            }
        }
        joined
    })
}

/// Holds where the test does not; unknown stays unknown.
pub(super) fn not(test: Test<'_>) -> Test<'_> {
    Box::new(move |row| match test(row) {
        Truth::False => Truth::True,
        Truth::Unknown => Truth::Unknown,
        Truth::True => Truth::False,
    })
}

/// Holds where the value is known; never itself unknown.
pub(super) fn known<'f>(column: &'f FrameColumn<'_>) -> Test<'f> {
    let Cells::Values(values) = &column.cells else {
        return Box::new(|row| column.cells.text(column.position(row)).is_some().into());
    };
    match values.as_ref() {
        Values::Text { .. } => Box::new(|row| column.cells.text(column.position(row)).is_some().into()),
        Values::Integer(cells) | Values::Money(cells) => is_some(at(column, cells)),
        Values::Number(_) => is_some(real(column)),
        Values::Date(cells) => is_some(at(column, cells)),
    }
}

/// Holds where the value of a column is what is asked.
///
/// # Errors
/// Fails where a literal is of another kind than the column.
pub(super) fn literal<'f>(column: &'f FrameColumn<'_>, asked: Asked<'f>) -> Result<Test<'f>, FrameError> {
    let misfit = || FrameError::Kind(column.name.to_owned());
    let values = match &column.cells {
        Cells::Ids(ids) => {
            let criterion = Criterion::new(&asked, |operand| text(operand).map(|text| rank(ids, text)));
            return Ok(meets(|row| Some(2 * column.position(row) + 1), criterion.ok_or_else(misfit)?));
        }
        Cells::Texts(_) => {
            let criterion = Criterion::new(&asked, text).ok_or_else(misfit)?;
            return Ok(meets(|row| column.cells.text(column.position(row)), criterion));
        }
        Cells::Values(values) => values,
    };
    Ok(match values.as_ref() {
        Values::Text { codes, labels } => {
            let criterion = Criterion::new(&asked, text).ok_or_else(misfit)?;
            let truths: Vec<Truth> = labels.iter().map(|label| criterion.holds(&label.as_str()).into()).collect();
            of_labels(column, codes, truths)
        }
        Values::Integer(cells) => {
            let (whole, fractional) = asked.split();
            let mut tests = Vec::new();
            if let Some(asked) = whole {
                tests.push(meets(at(column, cells), Criterion::new(&asked, integer).ok_or_else(misfit)?));
            }
            if let Some(asked) = fractional {
                tests.push(meets(real(column), Criterion::new(&asked, number).ok_or_else(misfit)?));
            }
            any(tests)
        }
        Values::Number(_) => meets(real(column), Criterion::new(&asked, number).ok_or_else(misfit)?),
        Values::Money(cells) => meets(at(column, cells), Criterion::new(&asked, money).ok_or_else(misfit)?),
        Values::Date(cells) => meets(at(column, cells), Criterion::new(&asked, day).ok_or_else(misfit)?),
    })
}

/// Holds where the values of two columns compare so.
///
/// # Errors
/// Fails where the columns are of kinds that do not compare.
pub(super) fn columns<'f>(
    left: &'f FrameColumn<'_>,
    op: Op,
    right: &'f FrameColumn<'_>,
) -> Result<Test<'f>, FrameError> {
    let values = |column: &'f FrameColumn<'_>| match &column.cells {
        Cells::Values(values) if !matches!(values.as_ref(), Values::Text { .. }) => Some(values.as_ref()),
        _ => None,
    };
    Ok(match (values(left), values(right)) {
        (None, None) => {
            pair(|row| left.cells.text(left.position(row)), op, |row| right.cells.text(right.position(row)))
        }
        (Some(Values::Integer(a)), Some(Values::Integer(b))) | (Some(Values::Money(a)), Some(Values::Money(b))) => {
            pair(at(left, a), op, at(right, b))
        }
        (Some(Values::Date(a)), Some(Values::Date(b))) => pair(at(left, a), op, at(right, b)),
        (Some(Values::Integer(_) | Values::Number(_)), Some(Values::Integer(_) | Values::Number(_))) => {
            pair(real(left), op, real(right))
        }
        _ => return Err(FrameError::Kind(right.name.to_owned())),
    })
}

impl<'f> Asked<'f> {
    /// Splits what is asked of a whole number in what compares exactly and what compares as a number with a point.
    fn split(self) -> (Option<Self>, Option<Self>) {
        let is_number = |operand: &&Operand| matches!(operand, Operand::Number(_));
        match self {
            Self::Compare(_, operand) if is_number(&operand) => (None, Some(self)),
            Self::Compare(..) => (Some(self), None),
            Self::In(operands) => {
                let (numbers, whole): (Vec<_>, Vec<_>) = operands.into_iter().partition(is_number);
                let list = |operands: Vec<&'f Operand>| (!operands.is_empty()).then_some(Self::In(operands));
                (list(whole), list(numbers))
            }
        }
    }
}

/// What a known value must fulfil.
enum Criterion<T> {
    Compares(Op, T),
    /// One of these, ascending.
    OneOf(Vec<T>),
}

impl<T: PartialOrd> Criterion<T> {
    /// Reads the literals; nothing where one is of another kind.
    fn new<'f>(asked: &Asked<'f>, read: impl Fn(&'f Operand) -> Option<T>) -> Option<Self> {
        Some(match asked {
            Asked::Compare(op, operand) => Self::Compares(*op, read(operand)?),
            Asked::In(operands) => {
                let mut values = operands.iter().map(|operand| read(operand)).collect::<Option<Vec<T>>>()?;
                values.sort_unstable_by(order);
                Self::OneOf(values)
            }
        })
    }

    fn holds(&self, value: &T) -> bool {
        match self {
            Self::Compares(op, literal) => fulfils(*op, order(value, literal)),
            Self::OneOf(values) => values.binary_search_by(|one| order(one, value)).is_ok(),
        }
    }
}

/// Compares values that have an order: literals are finite and numbers that are not finite are unknown.
fn order<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Less)
}

fn fulfils(op: Op, order: Ordering) -> bool {
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterOrEqual => order.is_ge(),
    }
}

fn meets<'f, T: PartialOrd + Send + Sync + 'f>(
    value: impl Fn(usize) -> Option<T> + Send + Sync + 'f,
    criterion: Criterion<T>,
) -> Test<'f> {
    Box::new(move |row| value(row).map_or(Truth::Unknown, |value| criterion.holds(&value).into()))
}

fn pair<'f, T: PartialOrd>(
    left: impl Fn(usize) -> Option<T> + Send + Sync + 'f,
    op: Op,
    right: impl Fn(usize) -> Option<T> + Send + Sync + 'f,
) -> Test<'f> {
    Box::new(move |row| match (left(row), right(row)) {
        (Some(left), Some(right)) => fulfils(op, order(&left, &right)).into(),
        _ => Truth::Unknown,
    })
}

fn is_some<'f, T>(value: impl Fn(usize) -> Option<T> + Send + Sync + 'f) -> Test<'f> {
    Box::new(move |row| value(row).is_some().into())
}

/// Reads the values of a column exactly.
fn at<'f, T: Copy + Default + Send + Sync>(
    column: &'f FrameColumn<'_>,
    cells: &'f Nullable<T>,
) -> impl Fn(usize) -> Option<T> + Send + Sync + 'f {
    move |row| cells.get(column.position(row))
}

/// Reads the values of a column of whole or other numbers as `f64`.
fn real<'f>(column: &'f FrameColumn<'_>) -> impl Fn(usize) -> Option<f64> + Send + Sync + 'f {
    move |row| {
        let Cells::Values(values) = &column.cells else { return None };
        match values.as_ref() {
            Values::Integer(cells) => cells.get(column.position(row)).map(|value| value as f64),
            Values::Number(cells) => cells.get(column.position(row)).filter(|value| value.is_finite()),
            _ => None,
        }
    }
}

/// Returns where a text stands among sorted ids: an odd number for an id, as its position doubled and one, an even one between two.
fn rank(ids: &Ids, text: &str) -> usize {
    let (mut low, mut high) = (0, ids.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match ids.get(middle as u32).cmp(text) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return 2 * middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    2 * low
}

fn text(operand: &Operand) -> Option<&str> {
    if let Operand::Text(text) = operand { Some(text) } else { None }
}

fn integer(operand: &Operand) -> Option<i64> {
    if let Operand::Integer(value) = operand { Some(*value) } else { None }
}

fn money(operand: &Operand) -> Option<i64> {
    if let Operand::Money(minor) = operand { Some(*minor) } else { None }
}

fn day(operand: &Operand) -> Option<i32> {
    if let Operand::Date(day) = operand { Some(day.0) } else { None }
}

fn number(operand: &Operand) -> Option<f64> {
    match operand {
        Operand::Number(value) => Some(*value),
        Operand::Integer(value) => Some(*value as f64),
        _ => None,
    }
}
