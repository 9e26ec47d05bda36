//! Customer attributes that a pipeline names, by the customers of the base.
//!
//! A canonical attribute is text. One that the pipeline named is a column of dates where every cell that is not empty is one, and of numbers where every
//! such cell is a number and none is a code with a leading zero; the form of dates and the decimal mark are told as in other columns, from all cells together. Customers without a row in the
//! customer table, and empty cells, are unknown. Where a condition asks for numbers or dates, cells that are none are unknown and counted. `O(customers)` an attribute.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::dates::WrittenDate;
use super::evidence::{DateEvidence, NumberEvidence, Outcome};
use super::number_format::{Mark, NumberReading};
use super::numbers;
use crate::table::{Column, ColumnKind, Customers, Ids, Nullable, Values};
use crate::units::{Day, NONE_IX};

/// Millionths in one.
const MILLION: f64 = 1e6;
/// Years of days that are meant.
const YEARS: RangeInclusive<i32> = 1901..=2199;

/// Lays out attributes by customer; `may_be_read` says which of them may hold numbers or dates.
pub fn attributes(
    customers: &Customers,
    ids: &Ids,
    wanted: &[String],
    may_be_read: impl Fn(&str) -> bool,
) -> Vec<Column> {
    let rows: Vec<Option<u32>> = ids.iter().map(|id| customers.ids.position(id)).collect();
    let column = |name: &String| {
        let texts = customers.attributes.get(name)?;
        let cells: Vec<Option<&str>> =
            rows.iter().map(|row| row.map(|row| texts[row as usize].trim()).filter(|text| !text.is_empty())).collect();
        let read = || as_dates(&cells).map(Values::Date).or_else(|| as_numbers(&cells).map(Values::Number));
        let read = may_be_read(name).then(read).flatten();
        Some(Column::new(name.clone(), read.unwrap_or_else(|| Values::from_texts(cells))))
    };
    wanted.iter().filter_map(column).collect()
}

/// A customer column read as what somebody asks of it.
#[derive(Debug)]
pub struct AskedColumn {
    /// One value a row of the customer table.
    pub values: Values,
    /// Cells that are not empty, and those of them that cannot be read and are unknown.
    pub n_cells: usize,
    pub n_unread: usize,
    /// How cells look that could be read in two ways, where nothing decides.
    pub open: Option<String>,
}

/// Reads a customer column as numbers, dates or texts by the evidence of all its cells; nothing where the export does not have it.
pub fn asked_column(customers: &Customers, name: &str, kind: ColumnKind) -> Option<AskedColumn> {
    let texts = customers.attributes.get(name)?;
    let cells: Vec<Option<&str>> = texts.iter().map(|text| Some(text.trim()).filter(|text| !text.is_empty())).collect();
    let n_cells = cells.iter().flatten().count();
    Some(match kind {
        ColumnKind::Date => {
            let (days, n_unread) = dates(&cells);
            AskedColumn { values: Values::Date(days), n_cells, n_unread, open: None }
        }
        ColumnKind::Integer | ColumnKind::Number | ColumnKind::Money => {
            let (numbers, n_unread, evidence) = numbers(&cells);
            let open = matches!(evidence.outcome(), Outcome::Open).then(|| evidence.ambiguity());
            AskedColumn { values: Values::Number(numbers), n_cells, n_unread, open }
        }
        ColumnKind::Text => AskedColumn { values: Values::from_texts(cells), n_cells, n_unread: 0, open: None },
    })
}

/// Lays out a column of the customer table by customer; who has no row there is unknown.
pub fn by_customer(customers: &Customers, ids: &Ids, values: &Values) -> Values {
    fn picked<T: Copy + Default>(cells: &Nullable<T>, rows: &[Option<u32>]) -> Nullable<T> {
        rows.iter().map(|row| row.and_then(|row| cells.get(row as usize))).collect()
    }
    let rows: Vec<Option<u32>> = ids.iter().map(|id| customers.ids.position(id)).collect();
    match values {
        Values::Text { codes, labels } => Values::Text {
            codes: rows.iter().map(|row| row.map_or(NONE_IX, |row| codes[row as usize])).collect(),
            labels: Arc::clone(labels),
        },
        Values::Integer(cells) => Values::Integer(picked(cells, &rows)),
        Values::Money(cells) => Values::Money(picked(cells, &rows)),
        Values::Number(cells) => Values::Number(picked(cells, &rows)),
        Values::Date(cells) => Values::Date(picked(cells, &rows)),
    }
}

/// Lays out cells of contracts and responses: numbers where all are, or else text.
pub(super) fn as_values(cells: Vec<Option<&str>>) -> Values {
    as_numbers(&cells).map_or_else(|| Values::from_texts(cells), Values::Number)
}

/// Reads cells as dates, where all of them are, in one form, and there is one.
fn as_dates(cells: &[Option<&str>]) -> Option<Nullable<i32>> {
    // The first that is none settles it, before all are read.
    if cells.iter().flatten().any(|cell| WrittenDate::parse(cell).is_none()) {
        return None;
    }
    let (days, n_unread) = dates(cells);
    let has_date = || cells.iter().flatten().any(|cell| WrittenDate::parse(cell).is_some_and(|date| !date.is_zero()));
    (n_unread == 0 && has_date()).then_some(days)
}

/// Reads cells as dates in the form that most have, and counts those that are none; zeros in every part are no date, and days of years in which nobody
/// did anything, `31.12.9999` or `01.01.1900`, stand for one that is missing.
fn dates(cells: &[Option<&str>]) -> (Nullable<i32>, usize) {
    let mut evidence = DateEvidence::default();
    let written: Vec<Option<WrittenDate>> = cells.iter().map(|cell| cell.and_then(WrittenDate::parse)).collect();
    for (cell, date) in cells.iter().zip(&written) {
        if let (Some(cell), Some(date)) = (cell, date.filter(|date| !date.is_zero())) {
            evidence.note(&date, cell, 0);
        }
    }
    let format = evidence.majority();
    let known = |day: &i32| YEARS.contains(&Day(*day).ymd().0);
    let mut n_unread = 0;
    let mut day = |(cell, date): (&Option<&str>, &Option<WrittenDate>)| {
        if date.is_some_and(|date| date.is_zero()) {
            return None;
        }
        let day = date.zip(format).and_then(|(date, format)| date.day(format));
        n_unread += usize::from(cell.is_some() && day.is_none());
        day.map(|day| day.0).filter(known)
    };
    let days = cells.iter().zip(&written).map(&mut day).collect();
    (days, n_unread)
}

/// Reads cells as numbers, where all of them are and there is one.
fn as_numbers(cells: &[Option<&str>]) -> Option<Nullable<f64>> {
    let is_none = |cell: &&str| {
        let read = |reading| numbers::parse(cell, reading).0;
        is_code(cell) || (read(NumberReading::POINT).is_err() && read(NumberReading::COMMA).is_err())
    };
    // The first that is none settles it, before all are read.
    if cells.iter().flatten().any(is_none) {
        return None;
    }
    let (values, n_unread, _) = numbers(cells);
    (n_unread == 0 && cells.iter().any(Option::is_some)).then_some(values)
}

/// Reads cells as numbers with the decimal mark that more of them have, and counts those that are none.
fn numbers(cells: &[Option<&str>]) -> (Nullable<f64>, usize, NumberEvidence) {
    let mut evidence = NumberEvidence::default();
    for cell in cells.iter().flatten() {
        evidence.note(numbers::parse(cell, NumberReading::POINT).1, cell, 0);
    }
    let reading = if evidence.majority() == Some(Mark::Comma) { NumberReading::COMMA } else { NumberReading::POINT };
    let number = |cell: &str| numbers::parse(cell, reading).0.ok().map(|millionths| millionths as f64 / MILLION);
    let values: Vec<Option<f64>> = cells.iter().map(|cell| cell.and_then(number)).collect();
    let n_unread = cells.iter().zip(&values).filter(|(cell, value)| cell.is_some() && value.is_none()).count();
    (values.into_iter().collect(), n_unread, evidence)
}

/// Says whether a cell is written as codes are, `007`.
fn is_code(cell: &str) -> bool {
    let digits = cell.as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(cells: [&str; 3], may_be_read: bool) -> Values {
        let customers = Customers {
            ids: Ids::from_sorted(["1", "2", "3"]),
            attributes: BTreeMap::from([("plan".to_owned(), cells.map(str::to_owned).to_vec())]),
            ..Customers::default()
        };
        // Customer 2 has no line, customer 4 no row.
        let ids = Ids::from_sorted(["1", "3", "4"]);
        let wanted = ["plan".to_owned(), "missing".to_owned()];
        let found = attributes(&customers, &ids, &wanted, |_| may_be_read);
        assert_eq!((found.len(), found[0].name.as_str()), (1, "plan"));
        found[0].values.clone()
    }

    #[test]
    fn attributes_stand_by_customer_and_unknown_ones_are_unknown() {
        assert_eq!(read([" basic", "pro", "pro"], true), Values::from_texts([Some("basic"), Some("pro"), None]));
        assert_eq!(read(["", "pro", "pro"], true), Values::from_texts([None, Some("pro"), None]));
    }

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_is_unknown() {
        let asked = |cells: [&str; 4], kind| {
            let texts = cells.map(str::to_owned).to_vec();
            let customers = Customers {
                ids: Ids::from_sorted(["1", "2", "3", "4"]),
                attributes: BTreeMap::from([("limit".to_owned(), texts)]),
                ..Customers::default()
            };
            let read = asked_column(&customers, "limit", kind).unwrap();
            let ids = Ids::from_sorted(["0", "1", "2", "4"]);
            (by_customer(&customers, &ids, &read.values), read.n_cells, read.n_unread, read.open.is_some())
        };
        let numbers = |values: [Option<f64>; 4]| Values::Number(values.into_iter().collect());
        let found = asked(["1.250,50", "none", "", "0900"], ColumnKind::Number);
        assert_eq!(found, (numbers([None, Some(1250.5), None, Some(900.0)]), 3, 1, false));
        assert!(asked(["1.250", "2.500", "", "7"], ColumnKind::Number).3, "1250 or 1.25");
        let found = asked(["01.02.2026", "soon", "00.00.0000", ""], ColumnKind::Date);
        assert_eq!(found, (Values::Date([None, Some(20_485), None, None].into_iter().collect()), 3, 1, false));
        let found = asked(["b", "", "x", "a"], ColumnKind::Text);
        assert_eq!((found.1, found.2), (3, 0));
        let Values::Text { codes, labels } = &found.0 else { panic!("no texts") };
        assert_eq!((codes[0], codes[2], &labels[codes[3] as usize]), (NONE_IX, NONE_IX, &"a".to_owned()));
    }

    #[test]
    fn numbers_and_dates_are_those_cells_that_all_are() {
        let numbers = |values: [Option<f64>; 3]| Values::Number(values.into_iter().collect());
        assert_eq!(read(["3", "x", "2.5"], true), numbers([Some(3.0), Some(2.5), None]));
        assert_eq!(read(["1.250,5", "", "2,5"], true), numbers([Some(1250.5), Some(2.5), None]));
        assert_eq!(read(["3", "", ""], true), numbers([Some(3.0), None, None]));
        for cells in [["3", "", "n/a"], ["007", "", "12"], ["", "", ""]] {
            assert!(matches!(read(cells, true), Values::Text { .. }), "{cells:?}");
        }
        let dates = |values: [Option<i32>; 3]| Values::Date(values.into_iter().collect());
        assert_eq!(read(["04.10.2024", "", "00.00.0000"], true), dates([Some(20_000), None, None]));
        assert_eq!(read(["10/04/2024", "", "10/25/2024"], true), dates([Some(20_000), Some(20_021), None]));
        assert_eq!(read(["20241004", "", "20241005"], true), dates([Some(20_000), Some(20_001), None]));
        assert_eq!(read(["31.12.9999", "", "04.10.2024"], true), dates([None, Some(20_000), None]));
        assert_eq!(read(["1900-01-01", "", "2024-10-04"], true), dates([None, Some(20_000), None]));
        assert!(matches!(read(["12345678", "", "20241004"], true), Values::Number(_)));
        assert!(matches!(read(["2024-10-04", "", "soon"], true), Values::Text { .. }));
        assert!(matches!(read(["10115", "", "80331"], false), Values::Text { .. }), "a postal code is no quantity");
    }
}
