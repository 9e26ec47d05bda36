//! Who was erased and stands in an export all the same; nothing of them may be computed, or kept.
//!
//! Every distinct id is asked for once, `O(distinct ids)` HMACs side by side; without a tombstone nothing is asked.

use rayon::prelude::*;

use super::columns::Columns;
use super::packed::Packed;
use super::read::TypedTable;
use super::{LineTable, lines::PackedPart};
use crate::table::Tombstones;

const CUSTOMER_ID: &str = "customer_id";

/// Returns the customers of a table who were erased, rejected rows included.
pub fn erased_of_table(table: &TypedTable, tombstones: &Tombstones) -> Vec<String> {
    if tombstones.is_empty() {
        return Vec::new();
    }
    let ids: Vec<&str> = Columns::of(table).ids(CUSTOMER_ID).iter().collect();
    let keys = table.rejects.iter().filter_map(|reject| reject.key.as_deref());
    let ids: Vec<&str> = ids.into_iter().chain(keys).collect();
    ids.into_par_iter().filter(|id| tombstones.holds(id)).map(str::to_owned).collect()
}

/// Returns the customers of the lines who were erased.
pub fn erased_of_lines(table: &LineTable, tombstones: &Tombstones) -> Vec<String> {
    let Some(ids) = table.customers().filter(|_| !tombstones.is_empty()) else { return Vec::new() };
    let numbers: Vec<u32> = ids.numbers().collect();
    let erased = numbers.into_par_iter().map(|number| ids.get(number)).filter(|id| tombstones.holds(id));
    erased.map(str::to_owned).collect()
}

/// Says whether parts of a file hold lines of somebody who was erased.
pub(super) fn holds_erased(parts: &[PackedPart], tombstones: &Tombstones) -> bool {
    let of_part = |part: &PackedPart| {
        part.columns.iter().any(|(name, column)| match column {
            Packed::Text { texts, .. } if *name == CUSTOMER_ID => texts.iter().any(|id| tombstones.holds(id)),
            _ => false,
        })
    };
    !tombstones.is_empty() && parts.par_iter().any(of_part)
}
