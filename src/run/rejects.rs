//! Rejected rows as a table: where they stood, why, whose they are, and of lines and products the row itself.
//!
//! | of whom a row is                  | what is written of it                                                       |
//! |-----------------------------------|-----------------------------------------------------------------------------|
//! | somebody who was erased           | nothing                                                                     |
//! | somebody who objects to profiling | place and reason                                                            |
//! | somebody else                     | also the id, and of lines the row, unless it names one of those above       |
//! | nobody who is known               | place, reason and row, unless a cell of it is the id of one of those above   |
//!
//! Rows of the other tables may hold addresses: of them stands the place alone. Where the customers could not be read nobody knows who objects, and no
//! line is written.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rayon::prelude::*;

use super::job::Job;
use super::read::shown;
use crate::ingest::{
    ASSIGNMENTS, BASKETS, CONTACTS, CONTRACTS, CUSTOMERS, INVOICES, PRODUCTS, RESPONSES, Reject, TRANSACTIONS,
};
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::table::{Customers, Tombstones, Values, cells_of_row};

/// Rejected rows, and what is known of whom they may be.
#[derive(Debug, Default)]
pub struct Rejects {
    pub rows: Vec<Reject>,
    /// Who objects; nothing where that is not known yet.
    pub objecting: Option<BTreeSet<String>>,
}

impl Rejects {
    /// Remembers who objects; without a customer table nobody can.
    pub fn know(&mut self, customers: Option<&Customers>) {
        self.objecting = Some(customers.into_iter().flat_map(Customers::objecting).map(str::to_owned).collect());
    }
}

/// Turns rejected rows into a table.
pub fn table(job: &Job, rejects: &Rejects, tombstones: &Tombstones) -> Frame<'static> {
    let nobody = BTreeSet::new();
    let objecting = rejects.objecting.as_ref().or((job.customers.is_none()).then_some(&nobody));
    let is_theirs = |reject: &Reject| match customer(reject) {
        _ if reject.table == PRODUCTS.name => false,
        Some(id) => tombstones.holds(id),
        None => tombstones.hold_a_cell_of(&reject.row),
    };
    let is_shown = |reject: &Reject| match (reject.table, objecting) {
        (table, _) if table == PRODUCTS.name => true,
        (table, Some(objecting)) if table == TRANSACTIONS.name => {
            customer(reject).is_none_or(|id| !objecting.contains(id))
                && (objecting.is_empty() || !cells_of_row(&reject.row).any(|cell| objecting.contains(cell)))
                && !tombstones.hold_a_cell_of(&reject.row)
        }
        _ => false,
    };
    let id = |reject: &&Reject| {
        let id = customer(reject).filter(|id| objecting.is_some_and(|objecting| !objecting.contains(*id)));
        id.map(str::to_owned)
    };
    let rows: Vec<&Reject> = rejects.rows.par_iter().filter(|reject| !is_theirs(reject)).collect();
    let files: Vec<String> = rows.iter().map(|reject| shown(&job.below(reject.table, &reject.file))).collect();
    let lines: Vec<i64> = rows.iter().map(|reject| reject.line as i64).collect();
    let ids: Vec<Option<String>> = rows.iter().map(id).collect();
    let columns = [
        ("table", Values::from_texts(rows.iter().map(|reject| Some(reject.table)))),
        ("file", Values::from_texts(files.iter().map(|file| Some(file.as_str())))),
        ("line", Values::Integer(lines.into())),
        ("column", Values::from_texts(rows.iter().map(|reject| reject.column.as_deref()))),
        ("reason", Values::from_texts(rows.iter().map(|reject| Some(reject.reason.as_str())))),
        (CUSTOMER_ID, Values::from_texts(ids.iter().map(Option::as_deref))),
        ("row", Values::from_texts(rows.iter().map(|reject| Some(reject.row.as_str()).filter(|_| is_shown(reject))))),
    ];
    Frame::of(
        columns.into_iter().map(|(name, values)| FrameColumn::new(name, Cells::Values(Cow::Owned(values)))).collect(),
    )
}

/// Returns the customer whom a row is about, where the table has customers and the row tells.
fn customer(reject: &Reject) -> Option<&str> {
    let specs = [&TRANSACTIONS, &CUSTOMERS, &CONTRACTS, &RESPONSES, &BASKETS, &CONTACTS, &INVOICES, &ASSIGNMENTS];
    let has_customers = specs.iter().any(|spec| spec.name == reject.table && spec.key() == Some(CUSTOMER_ID));
    reject.key.as_deref().filter(|_| has_customers)
}
