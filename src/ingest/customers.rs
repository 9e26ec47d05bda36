//! Customer master data: one row an id, consent decided for the careful side.
//!
//! Rows of one id that differ are merged: consent only where every row gives it, an objection where any row has one, and every other
//! attribute from the row of the last file by name (within a file the last in byte order), so that row order changes nothing.
//! Anything in the objection column but an explicit no is an objection. A customer whose row could not be read counts as
//! objecting until it can be: the row may have said so.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::{ColumnName, TypedColumn, TypedTable};
use crate::table::Customers;
use crate::units::NONE_IX;

/// What a cell of the objection column may say that is none, in lower case.
const NO: [&str; 8] = ["no", "nein", "n", "false", "falsch", "0", "0.0", "-"];

/// Reads the customers out of their typed columns; returns how many ids stand in rows that differ.
pub fn customers(table: &TypedTable) -> (Customers, u64) {
    let columns = Columns::of(table);
    let ids = columns.ids("customer_id");
    let is_text = |(name, column): &(&ColumnName, &TypedColumn)| {
        matches!(column, TypedColumn::Text { .. }) && !["customer_id", "objection"].contains(&&***name)
    };
    let names: Vec<&str> = table.columns.iter().filter(is_text).map(|(name, _)| &**name).collect();

    let mut rows: Vec<usize> = (0..table.n_rows).filter(|row| columns.codes("customer_id")[*row] != NONE_IX).collect();
    let content = |row: usize| -> Vec<u32> { names.iter().map(|name| columns.codes(name)[row]).collect() };
    let file = |row: usize| table.file_starts.partition_point(|start| *start <= row);
    // The rows of an id come to stand together, the one that decides its attributes last.
    rows.sort_by_cached_key(|row| (columns.codes("customer_id")[*row], file(*row), content(*row)));

    let mut customers = Customers { ids: ids.clone(), ..Customers::default() };
    let mut attributes: BTreeMap<String, Vec<String>> =
        names.iter().map(|name| ((*name).to_owned(), Vec::with_capacity(ids.len()))).collect();
    let mut n_conflicts = 0;
    for same in rows.chunk_by(|a, b| columns.codes("customer_id")[*a] == columns.codes("customer_id")[*b]) {
        let consents: Vec<bool> = same.iter().map(|row| columns.is_set("email_opt_in", *row)).collect();
        let objections: Vec<bool> = same.iter().map(|row| objects(columns.text("objection", *row))).collect();
        let last = same[same.len() - 1];
        let differs = same.iter().any(|row| content(*row) != content(last))
            || consents.iter().any(|consent| *consent != consents[0])
            || objections.iter().any(|objection| *objection != objections[0]);
        n_conflicts += u64::from(differs);
        for (name, consents) in
            [("phone_opt_in", &mut customers.phone_opt_in), ("ads_opt_in", &mut customers.ads_opt_in)]
        {
            if table.columns.contains_key(name) {
                consents.push(same.iter().all(|row| columns.is_set(name, *row)));
            }
        }
        for (name, refusals) in
            [("phone_opt_in", &mut customers.phone_opt_out), ("ads_opt_in", &mut customers.ads_opt_out)]
        {
            if table.columns.contains_key(name) {
                refusals.push(same.iter().any(|row| columns.is_denied(name, *row)));
            }
        }
        if table.columns.contains_key("post_opt_out") {
            customers.post_opt_out.push(same.iter().any(|row| columns.is_set("post_opt_out", *row)));
        }
        customers.email_opt_in.push(consents.iter().all(|consent| *consent));
        customers.email_opt_out.push(same.iter().any(|row| columns.is_denied("email_opt_in", *row)));
        customers.objection.push(objections.contains(&true));
        for (name, texts) in &mut attributes {
            texts.push(columns.text(name, last).unwrap_or_default().to_owned());
        }
    }
    customers.attributes = attributes;
    customers.unreadable = table.rejects.iter().filter_map(|reject| reject.key.clone()).collect();
    customers.unreadable.sort_unstable();
    (customers, n_conflicts)
}

fn objects(cell: Option<&str>) -> bool {
    cell.is_some_and(|text| !text.is_empty() && !NO.contains(&text.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_an_explicit_no_is_an_objection() {
        for (cell, expected) in [
            (None, false),
            (Some("Nein"), false),
            (Some("0"), false),
            (Some("ja"), true),
            (Some("2024-05-01"), true),
            (Some("Ja (Art. 21)"), true),
        ] {
            assert_eq!(objects(cell), expected, "{cell:?}");
        }
    }
}
