//! Product ids and names as text columns over one shared set of labels.

use std::sync::Arc;

use crate::features::Dataset;
use crate::table::Values;
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
    pub fn new(data: &Dataset) -> Self {
        let name_of = |ix: usize| data.products.name.get(ix).map_or("", String::as_str);
        let mut names: Vec<&str> = (0..data.n_products()).map(name_of).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let code = |ix: usize| names.binary_search(&name_of(ix)).map_or(NONE_IX, |position| position as u32);
        Self {
            ids: data.product_ids.iter().map(str::to_owned).collect(),
            name_code: (0..data.n_products()).map(code).collect(),
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
