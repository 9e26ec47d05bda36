//! What a purchase of a product is worth: its margin, or its revenue where no cost is known.
//!
//! Mean over the orders of identified customers that kept it: net margin of the product over their number. A product whose costs are known only in
//! part has no margin, and its offers none. `O(lines)`.

use crate::features::{Baskets, Dataset};
use crate::units::{NONE_IX, ProductIx};

/// Mean worth of a purchase by product.
#[derive(Debug)]
pub struct Value {
    /// Minor units; nothing where it is not known.
    mean: Vec<Option<f64>>,
    /// Whether worth is margin.
    pub is_margin: bool,
}

impl Value {
    /// Divides margin or revenue of each product by its orders.
    pub fn of(data: &Dataset, baskets: &Baskets) -> Self {
        let mut n_orders = vec![0_u32; data.n_products()];
        for (basket, customer) in baskets.customer.iter().enumerate() {
            if *customer != NONE_IX {
                for product in &baskets.product[baskets.starts[basket]..baskets.starts[basket + 1]] {
                    n_orders[*product as usize] += 1;
                }
            }
        }
        let is_margin = data.product_margin.iter().any(Option::is_some);
        let worth = |product: usize| {
            let sum = if is_margin {
                data.product_margin.get(product).copied().flatten()
            } else {
                data.product_revenue.get(product).copied()
            };
            (n_orders[product] > 0).then_some(sum? as f64 / f64::from(n_orders[product]))
        };
        Self { mean: (0..data.n_products()).map(worth).collect(), is_margin }
    }

    /// Returns probability × worth, in minor units.
    pub fn expected(&self, product: ProductIx, probability: f64) -> Option<i64> {
        Some((self.mean.get(product as usize).copied().flatten()? * probability).round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{baskets, dataset};
    use super::*;

    #[test]
    fn worth_is_margin_where_there_is_one_and_revenue_elsewhere() {
        let mut data = dataset(2, 3, baskets(&[(0, 1, vec![0, 1]), (0, 2, vec![0]), (NONE_IX, 2, vec![0])]));
        data.product_revenue = vec![1_000, 300, 0];
        let value = Value::of(&data, &data.baskets);
        assert!(!value.is_margin);
        assert_eq!([0, 1, 2, NONE_IX].map(|product| value.expected(product, 0.5)), [Some(250), Some(150), None, None]);
        data.product_margin = vec![Some(-400), None, None];
        let value = Value::of(&data, &data.baskets);
        assert!(value.is_margin);
        assert_eq!([0, 1].map(|product| value.expected(product, 0.1)), [Some(-20), None]);
    }
}
