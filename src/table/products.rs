//! Products as columns, aligned with the product ids of the transactions.

/// What is known of each product; every non-empty column has one entry a `ProductIx`.
#[derive(Debug, Clone, Default)]
pub struct Products {
    /// Name as it stands most often in the exports; empty where unknown.
    pub name: Vec<String>,
    /// Group that it belongs to, the finest that the export tells; empty where unknown.
    pub category: Vec<String>,
    /// True for postage, vouchers, deposits and fees: outside baskets, offers and product ABC.
    pub not_merchandise: Vec<bool>,
    /// True where the export says that it cannot be had now: not offered, though bought before.
    pub out_of_stock: Vec<bool>,
}

impl Products {
    /// Returns the number of products.
    pub fn len(&self) -> usize {
        self.name.len()
    }

    /// Says whether there is no product.
    pub fn is_empty(&self) -> bool {
        self.name.is_empty()
    }
}
