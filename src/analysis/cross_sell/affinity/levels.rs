//! Products and their categories: the rules of both, in one search each, and which rules of products only repeat those of their categories.
//!
//! A basket of categories holds each category of its products once. A product rule is **implied** where the rule between its categories is
//! there and says as much: with `λ` the adjusted lift of the category rule, the products would meet `e·λ` times if they were like any others
//! of their categories, and `n_xy` is not above that at the level [`IMPLIED_LEVEL`] (Poisson). Products of one category, or of an unknown one,
//! have no rule that could imply theirs.
//!
//! Source: Srikant and Agrawal, "Mining Generalized Association Rules", VLDB 1995, 2.1, whose fixed factor R is a test here.

use super::super::rows::Rows;
use super::Params;
use super::itemsets::Itemsets;
use super::matrix::BasketMatrix;
use super::memory::{Room, What};
use super::significance::{Rule, rules};
use super::substitutes::{Substitute, Substitutes};
use super::threshold::Threshold;
use super::volumes::Volumes;
use crate::maths::poisson;
use crate::units::NONE_IX;

/// p-value above which a product rule says no more than the rule of its categories.
pub const IMPLIED_LEVEL: f64 = 0.05;

/// What was found between the items of one kind: products, or categories.
#[derive(Debug, Clone)]
pub struct Level {
    pub matrix: BasketMatrix,
    pub sets: Itemsets,
    /// Rules worth reading, by consequent product, best first.
    pub rules: Vec<Rule>,
    pub substitutes: Substitutes,
    pub counts: LevelCounts,
}

/// How many rules were left at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelCounts {
    /// Rules above chance, and confident enough.
    pub significant: usize,
    /// Left out because two of their products are substitutes.
    pub with_substitutes: usize,
    /// Left out because the rule of their categories says as much.
    pub implied: usize,
}

impl Level {
    /// Mines one level; a threshold that lets too much pass is raised until the budget of memory is kept.
    pub fn mine(matrix: BasketMatrix, substitutes: Substitutes, params: &Params, room: Room) -> Self {
        let min_confidence = Threshold::of(params.min_confidence);
        let max_items = params.max_items_per_rule;
        let (mut min_count, mut larger) = (params.min_support_count, params.min_support_count);
        let (sets, mut rules) = loop {
            let sets = Itemsets::mine_within(&matrix, min_count, larger, max_items, room);
            let volumes = Volumes::of(&matrix, &sets, max_items.saturating_sub(1));
            match rules(&matrix, &sets, &volumes, min_confidence, params.max_q_value, room.rules) {
                Ok(rules) => break (sets, rules),
                Err(too_many) if too_many.what == What::LongerRules => {
                    larger = sets.min_count_of_larger.saturating_mul(2)
                }
                Err(_) => (min_count, larger) = (sets.min_count.saturating_mul(2), sets.min_count_of_larger),
            }
        };
        let mut counts = LevelCounts { significant: rules.len(), ..LevelCounts::default() };
        rules.retain(|rule| !holds_substitutes(rule, &sets, &matrix, &substitutes.pairs));
        counts.with_substitutes = counts.significant - rules.len();
        Self { matrix, sets, rules, substitutes, counts }
    }

    /// Drops the rules that those of the categories imply; `category` is that of each product, or `NONE_IX`.
    pub fn drop_implied(&mut self, categories: &Self, category: &[u32]) {
        let of_codes = &categories.matrix.product;
        let mut item_of_category = vec![NONE_IX; of_codes.iter().max().map_or(0, |code| *code as usize + 1)];
        for (code, item) in of_codes.iter().zip(0..) {
            item_of_category[*code as usize] = item;
        }
        let item_of = |product: &u32| {
            let code = category.get(*product as usize).copied().unwrap_or(NONE_IX);
            item_of_category.get(code as usize).copied().unwrap_or(NONE_IX)
        };
        let item_of: Vec<u32> = self.matrix.product.iter().map(item_of).collect();
        let before = self.rules.len();
        let mut of_categories: Vec<(super::itemsets::Node, u32, f64)> = categories
            .rules
            .iter()
            .map(|rule| (rule.candidate.set, rule.candidate.consequent, rule.lift_adjusted()))
            .collect();
        of_categories.sort_unstable_by_key(|(set, consequent, _)| (*set, *consequent));
        let (sets, mut items) = (&self.sets, Vec::new());
        self.rules.retain(|rule| {
            sets.items(rule.candidate.set, &mut items);
            let n_items = items.len();
            items.iter_mut().for_each(|item| *item = item_of[*item as usize]);
            items.sort_unstable_by_key(|item| std::cmp::Reverse(*item));
            items.dedup();
            if items.len() < n_items || items.contains(&NONE_IX) {
                return true;
            }
            let consequent = item_of[rule.candidate.consequent as usize];
            let lift = categories.sets.find(items.iter().copied()).and_then(|set| {
                let at =
                    of_categories.binary_search_by_key(&(set, consequent), |(set, consequent, _)| (*set, *consequent));
                at.ok().map(|at| of_categories[at].2)
            });
            let says_more =
                |lift| poisson::at_least(rule.candidate.counts.n_both.into(), rule.expected * lift) <= IMPLIED_LEVEL;
            lift.is_none_or(says_more)
        });
        self.counts.implied = before - self.rules.len();
    }

    /// Keeps the best rules of each consequent and puts them in order: by adjusted lift, then by count.
    ///
    /// Every rule that is left is above chance, so the highest lift is the one worth most; ties go to what happens more often.
    pub fn keep_best(&mut self, per_consequent: usize) {
        let product = |item: u32| self.matrix.product[item as usize];
        self.rules.sort_by(|x, y| {
            let key = |rule: &Rule| (product(rule.candidate.consequent), rule.candidate.antecedent);
            let by_count = y.candidate.counts.n_both.cmp(&x.candidate.counts.n_both);
            y.lift_adjusted().total_cmp(&x.lift_adjusted()).then(by_count).then_with(|| key(x).cmp(&key(y)))
        });
        let mut n_kept = vec![0; self.matrix.n_items()];
        self.rules.retain(|rule| {
            let n = &mut n_kept[rule.candidate.consequent as usize];
            *n += 1;
            *n <= per_consequent
        });
    }
}

/// Says whether two products of a rule avoid each other; those of a pair that is above chance do not.
fn holds_substitutes(rule: &Rule, sets: &Itemsets, matrix: &BasketMatrix, substitutes: &[Substitute]) -> bool {
    if rule.candidate.set.level < 2 || substitutes.is_empty() {
        return false;
    }
    let mut items = Vec::new();
    sets.items(rule.candidate.set, &mut items);
    let avoids = |a: u32, b: u32| {
        let [a, b] = [a, b].map(|item| matrix.product[item as usize]);
        substitutes.binary_search_by_key(&(a.min(b), a.max(b)), |pair| (pair.a, pair.b)).is_ok()
    };
    items.iter().enumerate().any(|(nth, a)| items[nth + 1..].iter().any(|b| avoids(*a, *b)))
}

/// Returns the baskets of categories of baskets of products.
pub fn of_categories(rows: &Rows, category: &[u32]) -> Rows {
    Rows::build(rows.n_rows(), |row, items| {
        items.extend(rows.row(row).iter().map(|product| category[*product as usize]).filter(|code| *code != NONE_IX));
        items.sort_unstable();
        items.dedup();
    })
}
