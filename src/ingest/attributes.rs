//! Customer attributes that a pipeline names, by the customers of the base.
//!
//! A canonical attribute is text. One that the pipeline named is a column of numbers where every cell that is not empty is a number and none is a
//! code with a leading zero; a decimal comma or point is told as in other columns, from all cells together. Customers without a row in the
//! customer table, and empty cells, are unknown. `O(customers)` an attribute.

use super::evidence::NumberEvidence;
use super::number_format::{Mark, NumberReading};
use super::numbers;
use crate::table::{Column, Customers, Ids, Nullable, Values};

/// Millionths in one.
const MILLION: f64 = 1e6;

/// Lays out attributes by customer; `may_be_numbers` says which of them may hold numbers.
pub fn attributes(
    customers: &Customers,
    ids: &Ids,
    wanted: &[String],
    may_be_numbers: impl Fn(&str) -> bool,
) -> Vec<Column> {
    let rows: Vec<Option<u32>> = ids.iter().map(|id| customers.ids.position(id)).collect();
    let column = |name: &String| {
        let texts = customers.attributes.get(name)?;
        let cells: Vec<Option<&str>> =
            rows.iter().map(|row| row.map(|row| texts[row as usize].trim()).filter(|text| !text.is_empty())).collect();
        let numbers = may_be_numbers(name).then(|| as_numbers(&cells)).flatten();
        Some(Column::new(name.clone(), numbers.map_or_else(|| Values::from_texts(cells), Values::Number)))
    };
    wanted.iter().filter_map(column).collect()
}

/// Lays out cells: numbers where all are, or else text.
pub(super) fn as_values(cells: Vec<Option<&str>>) -> Values {
    as_numbers(&cells).map_or_else(|| Values::from_texts(cells), Values::Number)
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

    fn read(cells: [&str; 3], may_be_numbers: bool) -> Values {
        let customers = Customers {
            ids: Ids::from_sorted(["1", "2", "3"]),
            attributes: BTreeMap::from([("plan".to_owned(), cells.map(str::to_owned).to_vec())]),
            ..Customers::default()
        };
        // Customer 2 has no line, customer 4 no row.
        let ids = Ids::from_sorted(["1", "3", "4"]);
        let wanted = ["plan".to_owned(), "missing".to_owned()];
        let found = attributes(&customers, &ids, &wanted, |_| may_be_numbers);
        assert_eq!((found.len(), found[0].name.as_str()), (1, "plan"));
        found[0].values.clone()
    }

    #[test]
    fn attributes_stand_by_customer_and_unknown_ones_are_unknown() {
        assert_eq!(read([" basic", "pro", "pro"], true), Values::from_texts([Some("basic"), Some("pro"), None]));
        assert_eq!(read(["", "pro", "pro"], true), Values::from_texts([None, Some("pro"), None]));
    }

    #[test]
    fn numbers_are_those_cells_that_all_are_numbers() {
        let numbers = |values: [Option<f64>; 3]| Values::Number(values.into_iter().collect());
        assert_eq!(read(["3", "x", "2.5"], true), numbers([Some(3.0), Some(2.5), None]));
        assert_eq!(read(["1.250,5", "", "2,5"], true), numbers([Some(1250.5), Some(2.5), None]));
        assert_eq!(read(["3", "", ""], true), numbers([Some(3.0), None, None]));
        for cells in [["3", "", "n/a"], ["007", "", "12"], ["", "", ""]] {
            assert!(matches!(read(cells, true), Values::Text { .. }), "{cells:?}");
        }
        assert!(matches!(read(["10115", "", "80331"], false), Values::Text { .. }), "a postal code is no quantity");
    }
}
