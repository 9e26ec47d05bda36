//! Baskets without dates or money: which products stood in one, whatever the order of the rows.
//!
//! A basket belongs to the customer that its rows name, the first by id where they name several, or to a guest. Baskets of who objects to profiling
//! are left out. A product that stands twice in a basket stands in it. All baskets are as old as the base. `O(n log n)`.

use super::columns::Columns;
use super::contracts::objecting;
use super::{BASKETS, IngestError, TypedTable};
use crate::features::Baskets;
use crate::table::{Customers, Ids};
use crate::units::{Day, NONE_IX};

/// What was read of baskets.
#[derive(Debug)]
pub struct BasketReading {
    /// Customers with a basket, ascending; none where the export names none.
    pub customer_ids: Ids,
    pub product_ids: Ids,
    /// Customer (or [`NONE_IX`]), basket and product of each row, ascending and distinct.
    rows: Vec<(u32, u32, u32)>,
}

/// Reads the baskets.
///
/// # Errors
/// Fails where no row is left.
pub fn baskets(table: &TypedTable, customers: Option<&Customers>) -> Result<BasketReading, IngestError> {
    let columns = Columns::of(table);
    let (basket, product) = (columns.codes("basket_id"), columns.codes("product_id"));
    let customer = columns.codes("customer_id");
    let customer_at = |row: usize| customer.get(row).copied().unwrap_or(NONE_IX);
    let objects = objecting(columns.ids("customer_id"), customers);
    // Ids ascend, and unknown is the largest.
    let mut owner = vec![NONE_IX; columns.ids("basket_id").len()];
    let mut is_left_out = vec![false; owner.len()];
    for (row, basket) in basket.iter().enumerate() {
        let (basket, customer) = (*basket as usize, customer_at(row));
        owner[basket] = owner[basket].min(customer);
        is_left_out[basket] |= objects.get(customer as usize).copied().unwrap_or(false);
    }
    let counted = |row: &usize| !is_left_out[basket[*row] as usize];
    let row = |row: usize| (owner[basket[row] as usize], basket[row], product[row]);
    let mut rows: Vec<(u32, u32, u32)> = (0..table.n_rows).filter(counted).map(row).collect();
    if rows.is_empty() {
        return Err(IngestError::NoRowLeft { table: BASKETS.name, n_rows: table.n_rows });
    }
    let customer_ids = dense(columns.ids("customer_id"), &mut rows, |row| &mut row.0);
    let product_ids = dense(columns.ids("product_id"), &mut rows, |row| &mut row.2);
    rows.sort_unstable();
    rows.dedup();
    Ok(BasketReading { customer_ids, product_ids, rows })
}

/// Replaces positions among all ids by positions among those that are used, and returns these.
fn dense(ids: &Ids, rows: &mut [(u32, u32, u32)], part: impl Fn(&mut (u32, u32, u32)) -> &mut u32) -> Ids {
    let mut rank = vec![NONE_IX; ids.len()];
    rows.iter_mut().for_each(|row| {
        if let Some(used) = rank.get_mut(*part(row) as usize) {
            *used = 0;
        }
    });
    let mut used = Vec::new();
    for (code, rank) in rank.iter_mut().enumerate().filter(|(_, rank)| **rank == 0) {
        *rank = used.len() as u32;
        used.push(ids.get(code as u32));
    }
    for row in rows {
        let code = part(row);
        *code = rank.get(*code as usize).copied().unwrap_or(NONE_IX);
    }
    Ids::from_sorted(used)
}

impl BasketReading {
    /// Lays out the baskets without what is no merchandise.
    pub fn baskets(&self, not_merchandise: &[bool], as_of: Day) -> Baskets {
        let mut found = Baskets { starts: vec![0], ..Baskets::default() };
        for basket in self.rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let is_merchandise = |product: &u32| !not_merchandise.get(*product as usize).copied().unwrap_or(false);
            found.product.extend(basket.iter().map(|(.., product)| *product).filter(is_merchandise));
            if found.starts.last() != Some(&found.product.len()) {
                found.customer.push(basket[0].0);
                found.day.push(as_of.0);
                found.starts.push(found.product.len());
            }
        }
        found
    }
}
