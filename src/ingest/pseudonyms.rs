//! Pseudonyms that come back: what a campaign file held in place of a customer id, in the exports of the tools that took it.
//!
//! A cell that is the pseudonym of a customer of any table becomes the id; every other cell stays as it is. `O(known ids)` HMACs side by side, and only
//! where a cell has the form of a pseudonym.

use std::collections::HashMap;

use rayon::prelude::*;

use super::columns::Columns;
use super::{LineTable, TypedColumn, TypedTable};
use crate::table::{Ids, Key};
use crate::units::NONE_IX;

const CUSTOMER_ID: &str = "customer_id";

/// Hexadecimal digits of a pseudonym.
const DIGITS: usize = 32;

/// Replaces pseudonyms by the ids that they stand for; `tables` and `lines` are where customers are known from.
pub fn resolve_pseudonyms(table: &mut TypedTable, key: &Key, tables: &[&TypedTable], lines: Option<&LineTable>) {
    let Some(TypedColumn::Text { codes, values }) = table.columns.get(CUSTOMER_ID) else { return };
    if !values.iter().any(is_pseudonym) {
        return;
    }
    let of_tables = tables.iter().flat_map(|table| Columns::of(table).ids(CUSTOMER_ID).iter());
    let of_lines = lines.and_then(LineTable::customers);
    let of_lines = of_lines.iter().flat_map(|ids| ids.numbers().map(|number| ids.get(number)));
    let mut known: Vec<&str> = of_tables.chain(of_lines).collect();
    known.sort_unstable();
    known.dedup();
    let stands_for: HashMap<String, &str> = known.into_par_iter().map(|id| (key.pseudonym(id), id)).collect();
    let resolved: Vec<&str> = values.iter().map(|cell| stands_for.get(cell).copied().unwrap_or(cell)).collect();
    let mut distinct = resolved.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let ids = Ids::from_sorted(distinct.iter().copied());
    let code = |code: &u32| resolved.get(*code as usize).and_then(|id| ids.position(id)).unwrap_or(NONE_IX);
    let codes = codes.iter().map(code).collect();
    table.columns.insert(CUSTOMER_ID.into(), TypedColumn::Text { codes, values: ids });
}

fn is_pseudonym(cell: &str) -> bool {
    cell.len() == DIGITS && cell.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
