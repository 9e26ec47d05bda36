//! Customer attributes that a pipeline names, by the customers of the base.
//!
//! A canonical attribute is text. One that the pipeline named is a column of dates where every cell that is not empty is one, and of numbers where every
//! such cell is a number and none is a code with a leading zero; the form of dates and the decimal mark are told as in other columns, from all cells together. Customers without a row in the
//! customer table, and empty cells, are unknown. `O(customers)` an attribute.

use std::ops::RangeInclusive;

use super::dates::WrittenDate;
use super::evidence::{DateEvidence, NumberEvidence};
use super::number_format::{Mark, NumberReading};
use super::numbers;
use crate::table::{Column, Customers, Ids, Nullable, Values};
use crate::units::Day;

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

/// Lays out cells of contracts and responses: numbers where all are, or else text.
pub(super) fn as_values(cells: Vec<Option<&str>>) -> Values {
    as_numbers(&cells).map_or_else(|| Values::from_texts(cells), Values::Number)
}

/// Reads cells as dates, where all of them are, in one form, and there is one; zeros in every part are no date, and days of years in which nobody
/// did anything, `31.12.9999` or `01.01.1900`, stand for one that is missing.
fn as_dates(cells: &[Option<&str>]) -> Option<Nullable<i32>> {
    let mut evidence = DateEvidence::default();
    let mut written = Vec::with_capacity(cells.len());
    for cell in cells {
        let date = cell.map(|cell| Some((cell, WrittenDate::parse(cell)?)));
        let Some(date) = date else {
            written.push(None);
            continue;
        };
        let (cell, date) = date?;
        let is_date = !date.is_zero();
        if is_date {
            evidence.note(&date, cell, 0);
        }
        written.push(is_date.then_some(date));
    }
    let format = evidence.majority()?;
    let days: Vec<Option<i32>> = written.iter().map(|date| date.and_then(|date| Some(date.day(format)?.0))).collect();
    let all_read = written.iter().zip(&days).all(|(date, day)| date.is_some() == day.is_some());
    let known = |day: &i32| YEARS.contains(&Day(*day).ymd().0);
    all_read.then(|| days.into_iter().map(|day| day.filter(known)).collect())
}

/// Reads cells as numbers, where all of them are and there is one.
fn as_numbers(cells: &[Option<&str>]) -> Option<Nullable<f64>> {
    let mut evidence = NumberEvidence::default();
    for cell in cells.iter().flatten() {
        let (value, hint) = numbers::parse(cell, NumberReading::POINT);
        if is_code(cell) || (value.is_err() && numbers::parse(cell, NumberReading::COMMA).0.is_err()) {
            return None;
        }
        evidence.note(hint, cell, 0);
    }
    let reading = if evidence.majority() == Some(Mark::Comma) { NumberReading::COMMA } else { NumberReading::POINT };
    let number = |cell: &str| numbers::parse(cell, reading).0.ok().map(|millionths| millionths as f64 / MILLION);
    let values: Vec<Option<f64>> = cells.iter().map(|cell| cell.and_then(number)).collect();
    let all_read = cells.iter().zip(&values).all(|(cell, value)| cell.is_some() == value.is_some());
    (all_read && values.iter().any(Option::is_some)).then(|| values.into_iter().collect())
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
