//! What may be offered: filters by product, by customer, and a cap by category.
//!
//! | filter                     | of                 | where it comes from                                              |
//! |----------------------------|--------------------|------------------------------------------------------------------|
//! | not merchandise            | product            | the base                                                         |
//! | blocked, sensitive         | product            | `blocked-products`, `sensitive-categories`                       |
//! | out of stock               | product            | `in_stock` of the products: of tonight, so that the past is judged without it |
//! | owned                      | customer × product | the base; with `repeat`, only within the repurchase window       |
//! | returned                   | customer × product | an item that was given back and not bought and kept again        |
//! | category full              | list               | `offers-per-category`                                            |
//!
//! All of them hold before the best are taken, so that no list is shorter for them. A sensitive product does not speak for another either: what
//! it points at would tell who bought it. `O(products + returned items)`.

use std::collections::BTreeMap;

use super::Params;
use super::histories::Histories;
use crate::features::{Baskets, Dataset};
use crate::units::NONE_IX;

/// What may be offered to anybody, by product, and what the pipeline names that is not there.
#[derive(Debug, Default)]
pub struct Permitted {
    pub offerable: Vec<bool>,
    /// Whether its purchase may be a reason for an offer, by product.
    pub may_point: Vec<bool>,
    pub n_blocked: usize,
    /// Products that could be offered were they in stock.
    pub n_out_of_stock: usize,
    pub notes: Vec<String>,
}

impl Permitted {
    /// Applies the filters that concern a product alone.
    pub fn of(data: &Dataset, params: &Params) -> Self {
        let n = data.n_products();
        let merchandise = |ix: usize| !data.products.not_merchandise.get(ix).copied().unwrap_or(false);
        let mut permitted =
            Self { offerable: (0..n).map(merchandise).collect(), may_point: vec![true; n], ..Self::default() };
        for name in &params.sensitive_categories {
            let mut found = false;
            for (ix, category) in data.products.category.iter().enumerate().take(n) {
                if same(category, name) {
                    found = true;
                    permitted.may_point[ix] = false;
                    permitted.block(ix);
                }
            }
            if !found {
                permitted.notes.push(format!("offers: no product is in the sensitive category `{name}`"));
            }
        }
        for id in &params.blocked_products {
            match data.product_ids.position(id) {
                Some(ix) => permitted.block(ix as usize),
                None => permitted.notes.push(format!("offers: the blocked product `{id}` is not in the data")),
            }
        }
        let out_of_stock = |ix: &usize| permitted.offerable[*ix] && data.products.out_of_stock.get(*ix) == Some(&true);
        permitted.n_out_of_stock = (0..n).filter(out_of_stock).count();
        permitted
    }

    /// Returns what may be offered tonight.
    pub fn in_stock(&self, data: &Dataset) -> Vec<bool> {
        let out_of_stock = data.products.out_of_stock.iter().copied().chain(std::iter::repeat(false));
        self.offerable.iter().zip(out_of_stock).map(|(offerable, out)| *offerable && !out).collect()
    }

    /// Orders flags of products by rank of popularity.
    pub fn by_rank(flags: &[bool], histories: &Histories) -> Vec<bool> {
        histories.product.iter().map(|product| flags[*product as usize]).collect()
    }

    fn block(&mut self, product: usize) {
        self.n_blocked += usize::from(std::mem::take(&mut self.offerable[product]));
    }
}

/// Names of categories are the same whatever their case and the blanks around them.
fn same(category: &str, name: &str) -> bool {
    category.trim().to_lowercase() == name.trim().to_lowercase()
}

/// Categories by rank of popularity.
#[derive(Debug, Default)]
pub struct Categories {
    /// Number of the category, or `NONE_IX`; empty where no product has one.
    code: Vec<u32>,
    /// The offerable products of each category that somebody bought, by rank.
    pub best_sellers: Vec<Vec<u32>>,
    /// Categories with such a product; nothing where one of them has no category, which no cap can keep out.
    pub n_with_best_sellers: Option<usize>,
}

impl Categories {
    /// Numbers the categories of the products, in order of their names.
    pub fn of(category: &[String], histories: &Histories, offerable: &[bool]) -> Self {
        let known =
            |product: u32| category.get(product as usize).map(|text| text.trim()).filter(|text| !text.is_empty());
        let mut numbers: BTreeMap<&str, u32> =
            histories.product.iter().filter_map(|ix| Some((known(*ix)?, 0))).collect();
        if numbers.is_empty() {
            return Self::default();
        }
        numbers.values_mut().zip(0..).for_each(|(number, next)| *number = next);
        let mut best_sellers = vec![Vec::new(); numbers.len()];
        let mut code = Vec::with_capacity(histories.product.len());
        let mut all_have_one = true;
        for (rank, product) in histories.product.iter().enumerate() {
            let number = known(*product).and_then(|text| numbers.get(text).copied()).unwrap_or(NONE_IX);
            code.push(number);
            if rank < histories.n_bought && offerable[rank] {
                match best_sellers.get_mut(number as usize) {
                    Some(of_category) => of_category.push(rank as u32),
                    None => all_have_one = false,
                }
            }
        }
        let n = best_sellers.iter().filter(|of_category: &&Vec<u32>| !of_category.is_empty()).count();
        Self { code, best_sellers, n_with_best_sellers: all_have_one.then_some(n) }
    }

    /// Returns the category of a rank.
    pub fn code(&self, rank: u32) -> Option<u32> {
        self.code.get(rank as usize).copied().filter(|code| *code != NONE_IX)
    }
}

/// Items that customers gave back, as (customer, product), ascending.
#[derive(Debug, Default)]
pub struct Returned(Vec<(u32, u32)>);

impl Returned {
    /// Collects what came back by `today`.
    pub fn of(baskets: &Baskets, today: i32) -> Self {
        let mut returned = Vec::new();
        let mut basket = 0;
        for (position, _) in baskets.returned.iter().filter(|(_, on)| *on <= today) {
            while baskets.starts[basket + 1] <= *position {
                basket += 1;
            }
            returned.push((baskets.customer[basket], baskets.product[*position]));
        }
        returned.sort_unstable();
        returned.dedup();
        Self(returned)
    }

    /// Returns what a customer gave back, ascending by product.
    pub fn by(&self, customer: u32) -> &[(u32, u32)] {
        let from = self.0.partition_point(|(other, _)| *other < customer);
        let n = self.0[from..].partition_point(|(other, _)| *other == customer);
        &self.0[from..from + n]
    }
}
