//! Product ids and names as text columns over one shared set of labels.

use std::sync::Arc;

use super::{Ids, Products, Values};
use crate::units::NONE_IX;

/// The labels of all products; made once and shared by every column that shows products.
#[derive(Debug, Clone)]
pub struct ProductLabels {
    ids: Arc<[String]>,
    /// Distinct names, ascending.
    names: Arc<[String]>,
    /// Position in `names` of each product, or `NONE_IX`.
    name_code: Vec<u32>,
}

impl ProductLabels {
    /// Collects the ids and the distinct names.
    pub fn new(ids: &Ids, products: &Products) -> Self {
        let name_of = |ix: usize| products.name.get(ix).map_or("", String::as_str);
        let mut names: Vec<&str> = (0..ids.len()).map(name_of).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let code = |ix: usize| names.binary_search(&name_of(ix)).map_or(NONE_IX, |position| position as u32);
        Self {
            ids: ids.iter().map(str::to_owned).collect(),
            name_code: (0..ids.len()).map(code).collect(),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Shows ids; `NONE_IX` stays unknown.
    pub fn ids(&self, products: impl Iterator<Item = u32>) -> Values {
        Values::Text { codes: products.collect(), labels: Arc::clone(&self.ids) }
    }

    /// Shows names; unknown where the product is or has none.
    pub fn names(&self, products: impl Iterator<Item = u32>) -> Values {
        let code = |product: u32| self.name_code.get(product as usize).copied().unwrap_or(NONE_IX);
        Values::Text { codes: products.map(code).collect(), labels: Arc::clone(&self.names) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_one_name_share_its_label_and_unknown_ones_have_none() {
        let products = Products { name: ["tea", "", "tea", "cup"].map(str::to_owned).into(), ..Products::default() };
        let labels = ProductLabels::new(&Ids::from_sorted(["a", "b", "c", "d", "e"]), &products);
        let Values::Text { codes, labels: names } = labels.names([0, 1, 2, 3, 4, NONE_IX].into_iter()) else {
            unreachable!()
        };
        assert_eq!(
            (codes, &names[..]),
            (vec![1, NONE_IX, 1, 0, NONE_IX, NONE_IX], &["cup", "tea"].map(str::to_owned)[..])
        );
        let Values::Text { codes, labels: ids } = labels.ids([4, NONE_IX].into_iter()) else { unreachable!() };
        assert_eq!((codes, ids.len()), (vec![4, NONE_IX], 5));
    }
}
