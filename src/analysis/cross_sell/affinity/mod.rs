//! Affinities: what is bought together, or one after the other, more often than chance.
//!
//! ```text
//! baskets ─matrix─▶ items by support ─pairs, depth, bits─▶ itemsets ─rules─▶ candidates ─significance─▶ rules ─levels─▶ rules worth reading
//!            │                                                └─volumes──────────────────┘                ▲
//!            ├─substitutes──────────────────────────────────────────────────────────────────────────────────┘
//!            └─swapped─▶ the same once more: what chance alone would have given
//! first purchases ─orders─▶ sequences, up-sells
//! ```
//!
//! | module                       | what it does                                                             |
//! |------------------------------|--------------------------------------------------------------------------|
//! | [`threshold`]                | shares as whole numbers                                                  |
//! | [`matrix`]                   | baskets as rows of items by support, sizes and co-volumes                |
//! | [`pairs`], `depth`, `bits`   | counting pairs, and sets of any size                                     |
//! | [`itemsets`]                 | the sets as a tree; closed and maximal ones                              |
//! | [`volumes`]                  | how much room the baskets with a set have                                |
//! | [`rules`], [`measures`]      | rules with one consequent, their counts, measures and redundancy         |
//! | [`significance`]             | adjusted lift, p and q                                                   |
//! | [`substitutes`]              | pairs that avoid each other                                              |
//! | [`levels`]                   | products and categories, implied rules, the best of each consequent      |
//! | [`mod@swapped`]                  | baskets as chance would fill them                                        |
//! | [`orders`], [`up_sells`]     | what follows what, and which step leads to a dearer product              |
//! | [`memory`]                   | what all this may take                                                   |
//! | `tables`                     | the results as columns                                                   |

mod bits;
mod depth;
pub mod itemsets;
pub mod levels;
pub mod matrix;
pub mod measures;
pub mod memory;
pub mod orders;
pub mod pairs;
pub mod rules;
pub mod significance;
pub mod substitutes;
pub mod swapped;
mod tables;
#[cfg(test)]
mod tests;
pub mod threshold;
pub mod up_sells;
pub mod volumes;

use self::itemsets::Kind;
use self::levels::{Level, of_categories};
use self::matrix::{BasketMatrix, Unit};
use self::swapped::swapped;
use super::super::{Fact, SideTable};
#[cfg(test)]
use super::rows::Rows;
use crate::features::{Baskets, Dataset};
use crate::table::ProductLabels;
use crate::units::NONE_IX;

/// What is looked for, and how much evidence it needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// What the products of a rule have in common.
    pub unit: Unit,
    /// Baskets, or customers, that must hold all products of a rule.
    pub min_support_count: u32,
    /// Products of a rule, both sides together.
    pub max_items_per_rule: usize,
    /// Share of the baskets with the antecedent that must hold the consequent.
    pub min_confidence: f64,
    /// Rules that are kept of each consequent.
    pub rules_per_consequent: usize,
    /// Share of what is reported that may be chance.
    pub max_q_value: f64,
    /// Days within which one purchase must follow another to count as a sequence.
    pub sequence_days: u32,
    /// How many times the price of the first product the second must cost to be an up-sell.
    pub up_sell_price_ratio: f64,
    /// Which itemsets are listed, where any are.
    pub itemsets: Option<Kind>,
    /// Whether the search is repeated on swapped baskets.
    pub null_check: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            unit: Unit::Basket,
            min_support_count: 5,
            max_items_per_rule: 3,
            min_confidence: 0.1,
            rules_per_consequent: 10,
            max_q_value: 0.01,
            sequence_days: 90,
            up_sell_price_ratio: 1.2,
            itemsets: None,
            null_check: false,
        }
    }
}

/// Everything that was found in a base.
#[derive(Debug, Clone)]
pub struct Affinities {
    pub products: Level,
    /// Nothing where no product has a category.
    pub categories: Option<Level>,
    /// Categories by code, ascending.
    pub category_names: Vec<String>,
    /// What the same search finds in swapped baskets, where it was asked for.
    pub by_chance: Option<Chance>,
    pub orders: orders::Orders,
    pub up_sells: Vec<up_sells::UpSell>,
}

/// How much chance alone gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chance {
    pub rules: usize,
    pub category_rules: usize,
    pub substitutes: usize,
}

/// Seed of the swaps: a run repeats to the byte.
const SEED: u64 = 20_260_101;

impl Affinities {
    /// Finds everything in the baskets of a base as they stood at as-of.
    pub fn find(data: &Dataset, baskets: &Baskets, params: &Params) -> Self {
        let (category, category_names) = categories(&data.products.category, data.n_products());
        let matrix = BasketMatrix::of_base(baskets, data.n_products(), params.unit);
        let category_of_item: Vec<u32> = matrix.product.iter().map(|product| category[*product as usize]).collect();
        let by_chance = params.null_check.then(|| {
            let rows = swapped(&matrix.rows, SEED);
            // Items of the swapped rows are numbered as before, so their categories are too.
            let (products, categories) = mine(BasketMatrix::of(rows, matrix.n_items()), &category_of_item, params);
            Chance {
                rules: products.rules.len(),
                category_rules: categories.as_ref().map_or(0, |level| level.rules.len()),
                substitutes: products.substitutes.len() + categories.map_or(0, |level| level.substitutes.len()),
            }
        });
        let (products, categories) = mine(matrix, &category, params);
        let orders = orders::Orders::find(data, baskets, params);
        let up_sells = up_sells::find(data, &orders, &category, params);
        Self { products, categories, category_names, by_chance, orders, up_sells }
    }

    /// Returns the results as tables.
    pub fn tables(&self, labels: &ProductLabels, params: &Params) -> Vec<SideTable> {
        tables::all(self, labels, params)
    }

    /// Returns the figures for manifest and summary.
    pub fn facts(&self, params: &Params) -> Vec<(&'static str, Fact)> {
        tables::facts(self, params)
    }

    /// Returns what the reader must know.
    pub fn notes(&self, params: &Params) -> Vec<String> {
        let unit = params.unit.label();
        let raised = |level: &Level, what: &str| {
            let (pairs, larger) = (level.sets.min_count, level.sets.min_count_of_larger);
            let (size, needed) =
                if pairs > params.min_support_count { ("pairs", pairs) } else { ("larger sets", larger) };
            (larger > params.min_support_count).then(|| {
                format!(
                    "more {size} of {what} than memory is planned for are in at least {} {unit}s: rules of them need {needed} \
                     (raise `cross-sell.min-support-count` to {needed}, or lower `cross-sell.max-items-per-rule`)",
                    params.min_support_count
                )
            })
        };
        let of_categories = self.categories.as_ref().and_then(|level| raised(level, "categories"));
        raised(&self.products, "products").into_iter().chain(of_categories).collect()
    }
}

/// Mines products and categories; `category` is that of each product of the matrix, or `NONE_IX`.
fn mine(matrix: BasketMatrix, category: &[u32], params: &Params) -> (Level, Option<Level>) {
    let has_categories = category.iter().any(|code| *code != NONE_IX);
    let categories = has_categories.then(|| {
        let of_item: Vec<u32> = matrix.product.iter().map(|product| category[*product as usize]).collect();
        let n_categories = of_item.iter().filter(|code| **code != NONE_IX).max().map_or(0, |code| *code as usize + 1);
        Level::mine(BasketMatrix::of(of_categories(&matrix.rows, &of_item), n_categories), params)
    });
    let mut products = Level::mine(matrix, params);
    let categories = categories.map(|mut categories| {
        products.drop_implied(&categories, category);
        categories.keep_best(params.rules_per_consequent);
        categories
    });
    products.keep_best(params.rules_per_consequent);
    (products, categories)
}

/// Numbers the categories; a product without one has `NONE_IX`.
fn categories(names: &[String], n_products: usize) -> (Vec<u32>, Vec<String>) {
    let mut distinct: Vec<String> = names.iter().filter(|name| !name.is_empty()).cloned().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let code =
        |ix: usize| names.get(ix).and_then(|name| distinct.binary_search(name).ok()).map_or(NONE_IX, |at| at as u32);
    ((0..n_products).map(code).collect(), distinct)
}
