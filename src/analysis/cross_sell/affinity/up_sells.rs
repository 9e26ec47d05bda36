//! Up-sells: a dearer product of the same category that customers step up to.
//!
//! Of the ordered pairs of [`orders`](super::orders) those within one category whose second product costs at least `ratio` times the first. The
//! price of a product is what was paid for a piece on average, gross sales over pieces. The direction is given by the prices, so the test is
//! one-sided: more customers go up than the dates of both products explain. q is by Benjamini and Hochberg over these pairs alone.

use super::orders::Sequence;
use crate::features::Dataset;
use crate::units::NONE_IX;

/// A step up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpSell {
    pub step: Sequence,
    pub category: u32,
    /// Minor units a piece.
    pub price_first: i64,
    pub price_then: i64,
}

/// Which way the price goes between two products of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The second is dearer by the ratio at least.
    Up,
    /// The first is.
    Down,
}

/// Prices and categories: which pairs could be a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Stairs<'a> {
    /// Minor units a piece, of each product that was paid for.
    pub price: Vec<Option<f64>>,
    /// Category of each product, or `NONE_IX`.
    pub category: &'a [u32],
    pub ratio: f64,
}

impl<'a> Stairs<'a> {
    /// Takes the prices of a base.
    pub fn of(data: &Dataset, category: &'a [u32], ratio: f64) -> Self {
        Self { price: (0..data.n_products()).map(|product| price(data, product)).collect(), category, ratio }
    }

    /// Says which way it goes from one product to another, where they are of one category and the prices differ enough.
    pub fn step(&self, a: u32, b: u32) -> Option<Step> {
        let category = |product: u32| self.category.get(product as usize).copied().filter(|code| *code != NONE_IX);
        if category(a).is_none() || category(a) != category(b) {
            return None;
        }
        let of = |product: u32| self.price.get(product as usize).copied().flatten();
        let (a, b) = of(a).zip(of(b))?;
        match () {
            () if b > a && b >= a * self.ratio => Some(Step::Up),
            () if a > b && a >= b * self.ratio => Some(Step::Down),
            () => None,
        }
    }

    /// Describes the steps that were found.
    pub fn up_sells(&self, steps: &[Sequence]) -> Vec<UpSell> {
        let price = |product: u32| self.price[product as usize].map_or(0, |price| price.round() as i64);
        let up_sell = |step: &Sequence| UpSell {
            step: *step,
            category: self.category[step.first as usize],
            price_first: price(step.first),
            price_then: price(step.then),
        };
        steps.iter().map(up_sell).collect()
    }
}

/// Returns what was paid for a piece on average, minor units; unknown where nothing was.
fn price(data: &Dataset, product: usize) -> Option<f64> {
    let (gross, thousandths) = (*data.product_gross_revenue.get(product)?, *data.product_quantity.get(product)?);
    (gross > 0 && thousandths > 0).then(|| gross as f64 * 1_000.0 / thousandths as f64)
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{baskets, dataset};
    use super::super::Params;
    use super::super::orders::Orders;
    use super::*;

    #[test]
    fn a_step_up_stays_in_its_category_and_costs_more() {
        // Forty customers buy 0, then each of 1 to 4 some weeks later, on days all over two years.
        let purchases: Vec<(u32, i32, Vec<u32>)> = (0..40)
            .flat_map(|customer| {
                (0..5).map(move |product| {
                    (customer, 100 + customer as i32 * 17 % 600 + 20 * product, vec![product as u32])
                })
            })
            .collect();
        let mut data = dataset(40, 5, baskets(&purchases));
        // Of the category of 0: 1 is dearer, 2 hardly, 3 cheaper; 4 is dearer, but of another category.
        data.product_gross_revenue = vec![40_000, 60_000, 44_000, 20_000, 90_000];
        data.product_quantity = vec![40_000; 5];
        let params = Params { sequence_days: 60, max_q_value: 0.05, ..Params::default() };
        let find = |data: &Dataset| {
            let stairs = Stairs::of(data, &[0, 0, 0, 0, 1], 1.2);
            let orders = Orders::find(data, &data.baskets, &stairs, &params, None);
            (stairs.up_sells(&orders.steps), orders.n_step_tests)
        };
        let (found, n_tests) = find(&data);
        // Of six pairs in the category 0 and 2 cost about the same.
        assert_eq!(n_tests, 5);
        let steps: Vec<_> = found
            .iter()
            .map(|up_sell| (up_sell.step.first, up_sell.step.then, up_sell.price_first, up_sell.price_then))
            .collect();
        assert_eq!(steps, [(0, 1, 1_000, 1_500)]);
        assert_eq!(found[0].step.median_delay_days, 20.0);
        // No price, no step.
        data.product_quantity = vec![0; 5];
        assert_eq!(find(&data), (vec![], 0));
    }
}
