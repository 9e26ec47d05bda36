//! Up-sells: a dearer product of the same category that customers step up to.
//!
//! Of the ordered pairs of [`orders`](super::orders) those within one category whose second product costs at least `ratio` times the first. The
//! price of a product is what was paid for a piece on average, gross sales over pieces. The direction is given by the prices, so the test is
//! one-sided: more customers go up than the dates of both products explain. q is by Benjamini and Hochberg over these pairs alone.

use super::Params;
use super::orders::{Orders, Sequence};
use crate::features::Dataset;
use crate::maths::binomial;
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

/// Finds the steps up of a base; `category` is that of each product, or `NONE_IX`.
pub fn find(data: &Dataset, orders: &Orders, category: &[u32], params: &Params) -> Vec<UpSell> {
    let price: Vec<Option<f64>> = (0..data.n_products()).map(|product| price(data, product)).collect();
    let of = |product: u32| price.get(product as usize).copied().flatten();
    let is_dearer = |first: u32, then: u32| {
        of(first).zip(of(then)).is_some_and(|(first, then)| then > first && then >= first * params.up_sell_price_ratio)
    };
    let same_category =
        |a: u32, b: u32| category[a as usize] == category[b as usize] && category[a as usize] != NONE_IX;
    let is_step = |(a, b): (u32, u32)| same_category(a, b) && (is_dearer(a, b) || is_dearer(b, a));
    let (tested, n_tests) = orders.test(params, is_step, |both, share| {
        let up = is_dearer(both.a, both.b);
        let (first, then, n, share) =
            if up { (both.a, both.b, both.n_ab, share) } else { (both.b, both.a, both.n_ba, 1.0 - share) };
        let n_both = both.n_ab + both.n_ba;
        (n * 2 > n_both).then(|| (first, then, n, binomial::at_least(n.into(), n_both.into(), share), share))
    });
    let steps = orders.finish(tested, n_tests, data.as_of.0, params);
    let up_sell = |step: Sequence| UpSell {
        step,
        category: category[step.first as usize],
        price_first: of(step.first).map_or(0, |price| price.round() as i64),
        price_then: of(step.then).map_or(0, |price| price.round() as i64),
    };
    steps.into_iter().map(up_sell).collect()
}

/// Returns what was paid for a piece on average, minor units; unknown where nothing was.
fn price(data: &Dataset, product: usize) -> Option<f64> {
    let (gross, thousandths) = (*data.product_gross_revenue.get(product)?, *data.product_quantity.get(product)?);
    (gross > 0 && thousandths > 0).then(|| gross as f64 * 1_000.0 / thousandths as f64)
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{baskets, dataset};
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
        let orders = Orders::find(&data, &data.baskets, &params);
        let found = find(&data, &orders, &[0, 0, 0, 0, 1], &params);
        let steps: Vec<_> = found
            .iter()
            .map(|up_sell| (up_sell.step.first, up_sell.step.then, up_sell.price_first, up_sell.price_then))
            .collect();
        assert_eq!(steps, [(0, 1, 1_000, 1_500)]);
        assert_eq!(found[0].step.median_delay_days, 20.0);
        // No price, no step.
        data.product_quantity = vec![0; 5];
        assert_eq!(find(&data, &orders, &[0; 5], &params), []);
    }
}
