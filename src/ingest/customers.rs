//! Customer master data: one row an id, consent decided for the careful side.
//!
//! Rows of one id that differ are merged: consent only where every row gives it, an objection where any row has one, and every other
//! attribute from the row of the last file by name (within a file the last in byte order), so that row order changes nothing.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::specs::CUSTOMERS;
use super::{Cell, TypedTable};
use crate::table::Customers;
use crate::units::NONE_IX;

/// Reads the customers out of their typed columns; returns how many ids stand in rows that differ.
pub fn customers(table: &TypedTable) -> (Customers, u64) {
    let columns = Columns::of(table);
    let ids = columns.ids("customer_id");
    let names: Vec<&'static str> = CUSTOMERS
        .columns
        .iter()
        .filter(|request| request.cell == Cell::Text && table.columns.contains_key(request.name))
        .map(|request| request.name)
        .collect();

    let mut rows: Vec<usize> = (0..table.n_rows).filter(|row| columns.codes("customer_id")[*row] != NONE_IX).collect();
    let content = |row: usize| -> Vec<u32> { names.iter().map(|name| columns.codes(name)[row]).collect() };
    let file = |row: usize| table.file_starts.partition_point(|start| *start <= row);
    // The rows of an id come to stand together, the one that decides its attributes last.
    rows.sort_by_cached_key(|row| (columns.codes("customer_id")[*row], file(*row), content(*row)));

    let mut customers = Customers { ids: ids.clone(), ..Customers::default() };
    let mut attributes: BTreeMap<&'static str, Vec<String>> =
        names.iter().map(|name| (*name, Vec::with_capacity(ids.len()))).collect();
    let mut n_conflicts = 0;
    for same in rows.chunk_by(|a, b| columns.codes("customer_id")[*a] == columns.codes("customer_id")[*b]) {
        let consents: Vec<bool> = same.iter().map(|row| columns.is_set("email_opt_in", *row)).collect();
        let objections: Vec<bool> = same.iter().map(|row| columns.is_set("objection", *row)).collect();
        let last = same[same.len() - 1];
        let differs = same.iter().any(|row| content(*row) != content(last))
            || consents.iter().any(|consent| *consent != consents[0])
            || objections.iter().any(|objection| *objection != objections[0]);
        n_conflicts += u64::from(differs);
        customers.email_opt_in.push(consents.iter().all(|consent| *consent));
        customers.objection.push(objections.contains(&true));
        for (name, texts) in &mut attributes {
            texts.push(columns.text(name, last).unwrap_or_default().to_owned());
        }
    }
    customers.attributes = attributes;
    (customers, n_conflicts)
}
