//! Contacts and invoices out of their typed columns, by customer of the base, whatever the order of the rows.
//!
//! Rows of who is not in the base, because nothing was bought or because of an objection, are left out. An invoice that stands in several exports is
//! one, paid on the first day that any of them names. Contacts have no number: rows that say the same are one contact. A complaint is a kind
//! that the pipeline names, or one that holds one of [`COMPLAINTS`] and does not begin with a denial. `O(n log n)`.

use super::columns::Columns;
use super::{NO_DAY, TypedColumn, TypedTable};
use crate::table::{Contacts, Ids, Invoices};
use crate::units::NONE_IX;

/// Parts of words for a complaint, in lower case.
const COMPLAINTS: [&str; 4] = ["beschwerde", "reklamation", "complaint", "grievance"];

const DENIALS: [&str; 5] = ["keine", "kein", "ohne", "no", "without"];

/// Reads the contacts of the customers of a base; `complaints` are the kinds that are complaints, where the pipeline names them.
pub fn contacts(table: &TypedTable, complaints: Option<&[String]>, ids: &Ids) -> Contacts {
    let columns = Columns::of(table);
    let kinds = columns.codes("kind");
    let is_complaint_at: Vec<bool> = columns.ids("kind").iter().map(|kind| is_complaint(kind, complaints)).collect();
    let is_complaint =
        |row: usize| kinds.get(row).is_some_and(|code| *code != NONE_IX && is_complaint_at[*code as usize]);
    let day = days(table, "date");
    let mut rows: Vec<(u32, i32, bool)> =
        of_base(&columns, ids).map(|(row, customer)| (customer, day[row], is_complaint(row))).collect();
    rows.sort_unstable();
    rows.dedup();
    Contacts {
        starts: starts(rows.iter().map(|(customer, ..)| *customer), ids.len()),
        day: rows.iter().map(|(_, day, _)| *day).collect(),
        is_complaint: rows.iter().map(|(.., is_complaint)| *is_complaint).collect(),
    }
}

/// Reads the invoices of the customers of a base.
pub fn invoices(table: &TypedTable, ids: &Ids) -> Invoices {
    let columns = Columns::of(table);
    let (due, paid) = (days(table, "due_date"), days(table, "paid_date"));
    let paid = |row: usize| paid.get(row).copied().filter(|day| *day != NO_DAY).unwrap_or(i32::MAX);
    let numbers = columns.codes("invoice_id");
    let number = |row: usize| numbers.get(row).copied().filter(|number| *number != NONE_IX);
    let mut numbered: Vec<(u32, Option<u32>, i32, i32)> =
        of_base(&columns, ids).map(|(row, customer)| (customer, number(row), paid(row), due[row])).collect();
    // The first payment of a number stands first, and the earliest day it was due beside it.
    numbered.sort_unstable();
    numbered.dedup_by(|later, kept| later.1.is_some() && (later.0, later.1) == (kept.0, kept.1));
    let mut rows: Vec<(u32, i32, i32)> =
        numbered.into_iter().map(|(customer, _, paid, due)| (customer, due, paid)).collect();
    rows.sort_unstable();
    Invoices {
        starts: starts(rows.iter().map(|(customer, ..)| *customer), ids.len()),
        due: rows.iter().map(|(_, due, _)| *due).collect(),
        paid: rows.iter().map(|(.., paid)| *paid).collect(),
    }
}

/// Returns the rows of customers of the base, with their ranks.
fn of_base<'a>(columns: &Columns<'a>, ids: &Ids) -> impl Iterator<Item = (usize, u32)> + use<'a> {
    let rank: Vec<Option<u32>> = columns.ids("customer_id").iter().map(|id| ids.position(id)).collect();
    columns.codes("customer_id").iter().enumerate().filter_map(move |(row, code)| Some((row, rank[*code as usize]?)))
}

/// Returns where the rows of each customer begin, and the end; customers ascend.
fn starts(customers: impl Iterator<Item = u32>, n_customers: usize) -> Vec<usize> {
    let mut starts = vec![0; n_customers + 1];
    customers.for_each(|customer| starts[customer as usize + 1] += 1);
    for customer in 0..n_customers {
        starts[customer + 1] += starts[customer];
    }
    starts
}

fn days<'a>(table: &'a TypedTable, name: &str) -> &'a [i32] {
    match table.columns.get(name) {
        Some(TypedColumn::Date { day, .. }) => day,
        _ => &[],
    }
}

fn is_complaint(kind: &str, complaints: Option<&[String]>) -> bool {
    match complaints {
        Some(kinds) => kinds.iter().any(|known| known == kind),
        None => {
            let kind = kind.to_lowercase();
            let is_denied = kind.split_whitespace().next().is_some_and(|word| DENIALS.contains(&word));
            !is_denied && COMPLAINTS.iter().any(|word| kind.contains(word))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_named_or_known() {
        for (kind, expected) in [
            ("Beschwerde", true),
            ("Produktreklamation", true),
            ("Complaint (phone)", true),
            ("Anruf", false),
            ("keine Beschwerde", false),
        ] {
            assert_eq!(is_complaint(kind, None), expected, "{kind}");
        }
        let named = ["K3".to_owned()];
        assert_eq!(["K3", "Beschwerde"].map(|kind| is_complaint(kind, Some(&named))), [true, false]);
    }

    #[test]
    fn rows_begin_where_those_of_the_customers_before_end() {
        assert_eq!(starts([0, 0, 2].into_iter(), 4), [0, 2, 2, 3, 3]);
    }
}
