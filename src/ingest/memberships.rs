//! Which segment customers were in at the last run before a day, out of the typed columns of what a run left; whatever the order of the rows.
//!
//! Customers who object to profiling by now, or whose row cannot be read, are left out. `O(n log n)`.

use std::borrow::Cow;

use super::columns::Columns;
use super::contracts::objecting;
use super::spec::{Cell, TableSpec};
use super::specs::required;
use super::{NO_DAY, TypedColumn, TypedTable};
use crate::table::{Customers, Ids, Memberships};
use crate::units::Day;

/// Who was in which segment; klientel alone writes it, so there are no other names.
pub static MEMBERSHIPS: TableSpec = TableSpec {
    name: "memberships",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, &[]),
        required("as_of", Cell::Date, false, &[]),
        required("segment", Cell::Text, true, &[]),
        required("since", Cell::Date, true, &[]),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Reads the newest memberships before a day; nothing where there are none.
pub fn memberships(table: &TypedTable, before: Day, customers: Option<&Customers>) -> Option<Memberships> {
    let columns = Columns::of(table);
    let days = |name: &str| match table.columns.get(name) {
        Some(TypedColumn::Date { day, .. }) => &day[..],
        _ => &[],
    };
    let (as_of, since) = (days("as_of"), days("since"));
    let newest = as_of.iter().copied().filter(|day| *day != NO_DAY && *day < before.0).max()?;
    let (ids, customer) = (columns.ids("customer_id"), columns.codes("customer_id"));
    let objects = objecting(ids, customers);
    let is_kept = |row: &usize| as_of[*row] == newest && !objects[customer[*row] as usize];
    let mut rows: Vec<usize> = (0..table.n_rows).filter(is_kept).collect();
    rows.sort_unstable_by_key(|row| (customer[*row], *row));
    rows.dedup_by_key(|row| customer[*row]);
    Some(Memberships {
        as_of: Day(newest),
        customer_ids: Ids::from_sorted(rows.iter().map(|row| ids.get(customer[*row]))),
        segments: columns.ids("segment").clone(),
        segment: rows.iter().map(|row| columns.codes("segment")[*row]).collect(),
        since: rows.iter().map(|row| since.get(*row).copied().filter(|day| *day != NO_DAY).map(Day)).collect(),
    })
}
