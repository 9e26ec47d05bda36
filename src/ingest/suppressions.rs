//! The suppression list out of its typed columns; every cell is an entry of its own.

use super::TypedTable;
use super::columns::Columns;
use crate::table::Suppressions;

/// Reads the list, whatever the order of its rows.
pub fn suppressions(table: &TypedTable) -> Suppressions {
    let columns = Columns::of(table);
    let entries = |name: &str| {
        let texts = (0..table.n_rows).filter_map(|row| columns.text(name, row));
        let mut entries: Vec<String> = texts.filter(|text| !text.is_empty()).map(str::to_owned).collect();
        entries.sort_unstable();
        entries.dedup();
        entries
    };
    Suppressions { customers: entries("customer_id"), emails: entries("email"), phones: entries("phone") }
}
