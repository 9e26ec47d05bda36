//! Whether contacts and invoices can be learnt from.
//!
//! Each table must begin a year before every cut that is looked at, or soon after the first purchase of all, or its counts would mean another thing at each of them, and go on nearly to as-of.
//! `O(rows)`.

use super::behaviour::{Records, WINDOWS};
use crate::units::Day;

/// Days after the first purchase by which a table that is whole has begun.
const LATEST_BEGINNING: i32 = 45;
/// Days before as-of by which a table must not have ended.
const LEAST_RECENT: i32 = 45;

/// Which tables reach back far enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventsKnown {
    pub contacts: bool,
    pub invoices: bool,
}

impl EventsKnown {
    /// Looks at the days of both tables; says where one is there and cannot be used.
    pub fn at(records: &Records<'_>, cuts: &[Option<Day>], notes: &mut Vec<String>) -> Self {
        let data = records.data;
        let needed = cuts.iter().flatten().map(|cut| cut.0 - WINDOWS[3]).min().unwrap_or(data.as_of.0);
        // What begins with the purchases is whole.
        let needed = Day(needed.max(records.first_day.0 + LATEST_BEGINNING));
        let mut is_known = |table: &str, days: &[i32]| {
            let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else { return false };
            let why = if *first > needed.0 {
                format!("begin on {}, {needed} is needed", Day(*first))
            } else if *last < data.as_of.0 - LEAST_RECENT {
                format!("end on {}", Day(*last))
            } else {
                return true;
            };
            notes.push(format!("churn: {table} are not learnt from: they {why}"));
            false
        };
        Self { contacts: is_known("contacts", &data.contacts.day), invoices: is_known("invoices", &data.invoices.due) }
    }
}
