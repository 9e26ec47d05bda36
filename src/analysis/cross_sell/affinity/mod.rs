//! Affinities: what is bought together, or one after the other, more often than chance.
//!
//! ```text
//! baskets ─matrix─▶ items by support ─pairs, depth, bits─▶ itemsets ─rules─▶ candidates ─significance─▶ rules ─levels─▶ rules worth reading
//!            │                                                └─volumes──────────────────┘                ▲
//!            └─swapped─▶ the same once more: what chance alone would have given                            │
//! strata ─substitutes───────────────────────────────────────────────────────────────────────────────────────┘
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
//! | [`strata`], [`mod@substitutes`] | pairs that avoid each other in the baskets of one customer and season |
//! | [`levels`]                   | products and categories, implied rules, the best of each consequent      |
//! | [`mod@swapped`]                  | baskets as chance would fill them                                        |
//! | `firsts`, [`orders`], [`up_sells`] | what follows what, and which step leads to a dearer product        |
//! | [`memory`]                   | what all this may take                                                   |
//! | `tables`, `facts`            | the results as columns, figures and notes                                |

mod bits;
mod depth;
mod facts;
mod firsts;
pub mod itemsets;
pub mod levels;
pub mod matrix;
pub mod measures;
pub mod memory;
pub mod orders;
pub mod pairs;
pub mod rules;
pub mod significance;
pub mod strata;
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
use self::memory::{Room, SUBSTITUTE_BYTES};
use self::strata::Strata;
use self::substitutes::{Substitutes, substitutes};
use self::swapped::{swapped, swapped_within};
use self::up_sells::Stairs;
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
    /// Products of a basket that counts; of a customer [`PER_CUSTOMER`] times as many.
    pub max_items_per_basket: usize,
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
    /// Bytes that everything found may take; where it is too little, the threshold is raised.
    pub memory_bytes: usize,
    /// Whether the search is repeated on swapped baskets and shuffled days.
    pub null_check: bool,
}

/// How many times as many products as a basket a customer may hold.
pub const PER_CUSTOMER: usize = 10;

impl Params {
    /// Returns how many products a customer that counts may have.
    pub fn max_items_per_customer(&self) -> usize {
        self.max_items_per_basket.saturating_mul(PER_CUSTOMER)
    }

    /// Returns how many products a row that counts may have.
    pub fn max_items_per_row(&self) -> usize {
        match self.unit {
            Unit::Basket => self.max_items_per_basket,
            Unit::Customer => self.max_items_per_customer(),
        }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self {
            unit: Unit::Basket,
            min_support_count: 5,
            max_items_per_basket: 200,
            max_items_per_rule: 3,
            min_confidence: 0.1,
            rules_per_consequent: 10,
            max_q_value: 0.01,
            sequence_days: 90,
            up_sell_price_ratio: 1.2,
            itemsets: None,
            memory_bytes: memory::DEFAULT_BYTES,
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
    /// What the same search finds in swapped baskets and shuffled days, where it was asked for.
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
    pub sequences: usize,
    pub up_sells: usize,
}

/// Seed of the swaps: a run repeats to the byte.
const SEED: u64 = 20_260_101;

impl Affinities {
    /// Finds everything in the baskets of a base as they stood at as-of.
    pub fn find(data: &Dataset, baskets: &Baskets, params: &Params) -> Self {
        let (category, category_names) = categories(&data.products.category, data.n_products());
        let matrix = BasketMatrix::of_base(baskets, data.n_products(), params.unit, params.max_items_per_row());
        let strata = Strata::of(baskets, params.max_items_per_basket);
        let stairs = Stairs::of(data, &category, params.up_sell_price_ratio);
        let orders = |shuffled| orders::Orders::find(data, baskets, &stairs, params, shuffled);
        let by_chance = params.null_check.then(|| {
            // Items of the swapped rows are numbered as before, so their categories are too.
            let category_of_item: Vec<u32> = matrix.product.iter().map(|product| category[*product as usize]).collect();
            let rules = BasketMatrix::of(swapped(&matrix.rows, SEED), matrix.n_items());
            let (products, categories) = mine(rules, None, &category_of_item, params);
            let strata = strata.with(swapped_within(&strata.rows, &strata.starts, SEED));
            let [of_products, of_categories] = avoiding(&strata, &category, params);
            let orders = orders(Some(SEED));
            Chance {
                rules: products.rules.len(),
                category_rules: categories.map_or(0, |level| level.rules.len()),
                substitutes: of_products.pairs.len() + of_categories.pairs.len(),
                sequences: orders.sequences.len(),
                up_sells: orders.steps.len(),
            }
        });
        let avoiding = avoiding(&strata, &category, params);
        drop(strata);
        let (products, categories) = mine(matrix, Some(avoiding), &category, params);
        let orders = orders(None);
        let up_sells = stairs.up_sells(&orders.steps);
        Self { products, categories, category_names, by_chance, orders, up_sells }
    }

    /// Returns the results as tables.
    pub fn tables(&self, labels: &ProductLabels, params: &Params) -> Vec<SideTable> {
        tables::all(self, labels, params)
    }

    /// Returns the figures for manifest and summary.
    pub fn facts(&self, params: &Params) -> Vec<(&'static str, Fact)> {
        facts::facts(self, params)
    }

    /// Returns what the reader must know.
    pub fn notes(&self, params: &Params) -> Vec<String> {
        facts::notes(self, params)
    }
}

/// Finds the substitutes among products, of one category where there are any, and among categories.
fn avoiding(strata: &Strata, category: &[u32], params: &Params) -> [Substitutes; 2] {
    let most = memory::most(params.memory_bytes, memory::SUBSTITUTES, SUBSTITUTE_BYTES) / 2;
    let find =
        |strata: &Strata, group: &[u32]| substitutes(strata, group, params.min_support_count, params.max_q_value, most);
    let n_categories = category.iter().filter(|code| **code != NONE_IX).max().map_or(0, |code| *code as usize + 1);
    if n_categories == 0 {
        return [find(strata, &vec![0; category.len()]), Substitutes::default()];
    }
    let of_categories = strata.with(of_categories(&strata.rows, category));
    [find(strata, category), find(&of_categories, &vec![0; n_categories])]
}

/// Mines products and categories; `category` is that of each product of the matrix, or `NONE_IX`.
fn mine(
    matrix: BasketMatrix,
    avoiding: Option<[Substitutes; 2]>,
    category: &[u32],
    params: &Params,
) -> (Level, Option<Level>) {
    let [of_products, of_groups] = avoiding.unwrap_or_default();
    let room = |sixteenths| Room::of(params.memory_bytes, sixteenths);
    let has_categories = category.iter().any(|code| *code != NONE_IX);
    let categories = has_categories.then(|| {
        let of_item: Vec<u32> = matrix.product.iter().map(|product| category[*product as usize]).collect();
        let n_categories = of_item.iter().filter(|code| **code != NONE_IX).max().map_or(0, |code| *code as usize + 1);
        let matrix = BasketMatrix::of(of_categories(&matrix.rows, &of_item), n_categories);
        Level::mine(matrix, of_groups, params, room(memory::CATEGORIES))
    });
    let mut products = Level::mine(matrix, of_products, params, room(memory::PRODUCTS));
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
