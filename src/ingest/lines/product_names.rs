//! The name that stands most often beside each product; of equally frequent ones the first in byte order.

use std::collections::BTreeMap;

use super::decide::Left;
use super::read::LineTable;
use crate::ingest::IngestError;
use crate::units::NONE_IX;

/// How often each name stands beside each product.
#[derive(Default)]
struct Counts {
    /// Nearly every product has one name: the first one met is counted beside the product, and only others are looked up.
    first: Vec<(u32, u64)>,
    others: BTreeMap<(u32, u32), u64>,
}

impl Counts {
    fn add(&mut self, product: u32, name: u32, n: u64) {
        if product == NONE_IX || name == NONE_IX {
            return;
        }
        let ix = product as usize;
        if self.first.len() <= ix {
            self.first.resize(ix + 1, (NONE_IX, 0));
        }
        let first = &mut self.first[ix];
        if first.0 == NONE_IX || first.0 == name {
            *first = (name, first.1 + n);
        } else {
            *self.others.entry((product, name)).or_default() += n;
        }
    }

    fn all(&self) -> impl Iterator<Item = (u32, u32, u64)> + '_ {
        let first = self.first.iter().enumerate().map(|(product, (name, n))| (product as u32, *name, *n));
        first.chain(self.others.iter().map(|((product, name), n)| (*product, *name, *n)))
    }
}

/// Finds the names of the products with these numbers, over the lines that count; empty where no file has names.
///
/// # Errors
/// Fails where lines on disk cannot be read.
pub(super) fn product_names(table: &LineTable, products: &[u32], left: &Left) -> Result<Vec<String>, IngestError> {
    let Some(names) = table.interners.get("product_name") else { return Ok(vec![String::new(); products.len()]) };
    let of_chunks = table.store.map(|ix, chunk| {
        let mut counts = Counts::default();
        let (product, name, is_left) = (chunk.codes("product_id"), chunk.codes("product_name"), left.of(ix, chunk));
        for (_, (product, name)) in product.iter().zip(name).enumerate().filter(|(row, _)| is_left(*row)) {
            counts.add(*product, *name, 1);
        }
        counts
    })?;
    let mut all = Counts::default();
    for counts in of_chunks {
        counts.all().for_each(|(product, name, n)| all.add(product, name, n));
    }
    let mut best: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
    for (product, name, n) in all.all().filter(|(_, name, _)| *name != NONE_IX) {
        let best = best.entry(product).or_insert((name, n));
        if n > best.1 || (n == best.1 && names.get(name) < names.get(best.0)) {
            *best = (name, n);
        }
    }
    let name_of = |product: &u32| best.get(product).map_or_else(String::new, |(name, _)| names.get(*name).to_owned());
    Ok(products.iter().map(name_of).collect())
}
