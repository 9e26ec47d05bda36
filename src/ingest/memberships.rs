//! Which segments customers were in at one night, out of the typed columns of what a run left; whatever the order of the rows.
//!
//! A row is a customer in a segment, or one in none; `first_since` stands on the row of the first segment alone. `O(n log n)`.

use std::borrow::Cow;

use rayon::prelude::*;

use super::columns::Columns;
use super::spec::{Cell, TableSpec};
use super::specs::required;
use super::{NO_DAY, TypedColumn, TypedTable};
use crate::table::{Ids, InSegment, Memberships};
use crate::units::{Day, NONE_IX};

/// Who was in which segment; klientel alone writes it, so there are no other names.
pub static MEMBERSHIPS: TableSpec = TableSpec {
    name: "memberships",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, &[]),
        required("as_of", Cell::Date, false, &[]),
        required("segment", Cell::Text, true, &[]),
        required("since", Cell::Date, true, &[]),
        required("first_since", Cell::Date, true, &[]),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Reads the memberships of a night, of the customers who are kept.
pub fn memberships(table: &TypedTable, as_of: Day, keeps: impl Fn(&str) -> bool + Sync) -> Memberships {
    let columns = Columns::of(table);
    let days = |name: &str| match table.columns.get(name) {
        Some(TypedColumn::Date { day, .. }) => &day[..],
        _ => &[],
    };
    let day = |days: &[i32], row: usize| days.get(row).copied().filter(|day| *day != NO_DAY).map(Day);
    let (nights, since, first_since) = (days("as_of"), days("since"), days("first_since"));
    let (ids, customer) = (columns.ids("customer_id"), columns.codes("customer_id"));
    let (names, segment) = (columns.ids("segment"), columns.codes("segment"));
    let all: Vec<&str> = ids.iter().collect();
    let is_kept: Vec<bool> = all.into_par_iter().map(&keeps).collect();
    let is_read = |row: &usize| nights[*row] == as_of.0 && is_kept[customer[*row] as usize];
    let mut rows: Vec<usize> = (0..table.n_rows).filter(is_read).collect();
    rows.sort_unstable_by_key(|row| (customer[*row], segment[*row], *row));
    // The file holds other nights, which may know other segments.
    let mut used: Vec<u32> = rows.iter().map(|row| segment[*row]).filter(|code| *code != NONE_IX).collect();
    used.sort_unstable();
    used.dedup();
    let position = |code: u32| used.binary_search(&code).ok().map(|at| at as u32);
    let mut found = Memberships {
        as_of,
        segments: Ids::from_sorted(used.iter().map(|code| names.get(*code))),
        ..Memberships::default()
    };
    let mut customers = Vec::new();
    for (ix, of_customer) in (0..).zip(rows.chunk_by(|a, b| customer[*a] == customer[*b])) {
        customers.push(ids.get(customer[of_customer[0]]));
        let first = of_customer.iter().find(|row| day(first_since, **row).is_some());
        found.first.push(first.and_then(|row| position(segment[*row])).unwrap_or(NONE_IX));
        found.first_since.push(first.and_then(|row| day(first_since, *row)));
        let within = of_customer.iter().filter_map(|row| {
            Some(InSegment { customer: ix, segment: position(segment[*row])?, since: day(since, *row)? })
        });
        found.within.extend(within);
    }
    found.within.dedup_by_key(|row| (row.customer, row.segment));
    found.customer_ids = Ids::from_sorted(customers);
    found
}
