//! Who was erased and stands in an export all the same; nothing of them may be computed, or kept.
//!
//! Every distinct id is asked for once, `O(distinct ids)` HMACs side by side; without a tombstone nothing is asked.

use rayon::prelude::*;

use super::columns::Columns;
use super::read::TypedTable;
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
