//! Rules with one consequent: what frequent itemsets say, before it is asked what of it is real.
//!
//! Every frequent set `Z` of two items and more gives a rule `Z∖y → y` for each of its items; its counts are those of the sets, found in the
//! tree. A rule is **redundant** where a part of its antecedent does as well: `improvement = c(X → y) − max c(X′ → y)` over all `X′ ⊂ X`, the
//! empty one included, is not above 0. Whatever part does as well is frequent and confident enough itself, so redundancy is found by looking
//! up the parts, `2^|X| − 2` of them, and needs no comparison of rules with rules.
//!
//! Source: Bayardo, Agrawal and Gunopulos, "Constraint-Based Rule Mining in Large, Dense Databases", ICDE 1999 (improvement).

use rayon::prelude::*;

use super::itemsets::{Itemsets, Node};
use super::matrix::BasketMatrix;
use super::measures::Counts;
use super::threshold::Threshold;

/// A rule by the set of all its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub set: Node,
    /// The set without the consequent.
    pub antecedent: Node,
    pub consequent: u32,
    pub counts: Counts,
}

impl Candidate {
    /// Finds the rules of the sets of one size that are confident enough and that `keep` keeps, in the order of the sets; it is given the
    /// antecedent beside the rule.
    pub fn of_level<T: Send>(
        sets: &Itemsets,
        level: usize,
        min_confidence: Threshold,
        keep: impl Fn(Self, &Antecedent<'_>) -> Option<T> + Sync,
    ) -> Vec<T> {
        const SETS_A_CHUNK: usize = 4_096;
        let n_sets = if level == 0 { 0 } else { sets.levels.get(level).map_or(0, |level| level.item.len()) };
        let of_chunk = |chunk: usize| {
            let (mut kept, mut items, mut parts) = (Vec::new(), Vec::new(), Vec::new());
            let (mut of_antecedent, mut parts_with) = (Vec::new(), Vec::new());
            for at in chunk * SETS_A_CHUNK..((chunk + 1) * SETS_A_CHUNK).min(n_sets) {
                let set = Node { level, at };
                sets.items(set, &mut items);
                // Each set of one item less is the antecedent of one rule and a part with the consequent of the others.
                parts.clear();
                parts.extend(items.iter().filter_map(|without| sets.find(others(&items, *without))));
                if parts.len() < items.len() {
                    continue;
                }
                for (consequent, antecedent) in items.iter().zip(&parts) {
                    let rule = Self::new(sets, set, *antecedent, *consequent);
                    if !min_confidence.is_met(rule.counts.n_both, rule.counts.n_lhs) {
                        continue;
                    }
                    of_antecedent.clear();
                    parts_with.clear();
                    for (item, part) in items.iter().zip(&parts).filter(|(item, _)| *item != consequent) {
                        of_antecedent.push(*item);
                        parts_with.push(*part);
                    }
                    kept.extend(keep(rule, &Antecedent { sets, items: &of_antecedent, without: &parts_with }));
                }
            }
            kept
        };
        let kept: Vec<Vec<T>> = (0..n_sets.div_ceil(SETS_A_CHUNK)).into_par_iter().map(of_chunk).collect();
        kept.into_iter().flatten().collect()
    }

    fn new(sets: &Itemsets, set: Node, antecedent: Node, consequent: u32) -> Self {
        let counts = Counts {
            n: sets.n_baskets as u32,
            n_lhs: sets.count(antecedent),
            n_rhs: sets.count(Node { level: 0, at: consequent as usize }),
            n_both: sets.count(set),
        };
        Self { set, antecedent, consequent, counts }
    }

    /// Returns how much more confident the rule is than with any part of its antecedent, or with no condition at all.
    pub fn improvement(&self, antecedent: &Antecedent<'_>) -> f64 {
        let count = |node| f64::from(antecedent.sets.count(node));
        let unconditional = f64::from(self.counts.n_rhs) / f64::from(self.counts.n);
        let of_parts = antecedent.parts(self.consequent).map(|(part, with)| count(with) / count(part));
        self.counts.confidence() - of_parts.fold(unconditional, f64::max)
    }

    /// Says whether a part of the antecedent, or none, does as well: compared in whole numbers.
    pub fn is_redundant(&self, antecedent: &Antecedent<'_>) -> bool {
        let Counts { n, n_lhs, n_rhs, n_both } = self.counts;
        let does_as_well = |of: u32, both: u32| u64::from(both) * u64::from(n_lhs) >= u64::from(n_both) * u64::from(of);
        let count = |node| antecedent.sets.count(node);
        does_as_well(n, n_rhs)
            || antecedent.parts(self.consequent).any(|(part, with)| does_as_well(count(part), count(with)))
    }

    /// Returns the products of the antecedent, from the rarest to the most frequent.
    pub fn antecedent_products(&self, sets: &Itemsets, matrix: &BasketMatrix) -> Vec<u32> {
        let mut items = Vec::new();
        sets.items(self.antecedent, &mut items);
        items.into_iter().map(|item| matrix.product[item as usize]).collect()
    }
}

/// The antecedent of a rule with its parts.
#[derive(Debug, Clone, Copy)]
pub struct Antecedent<'a> {
    sets: &'a Itemsets,
    /// Falling items.
    items: &'a [u32],
    /// For each of them the set of the rule without it.
    without: &'a [Node],
}

impl Antecedent<'_> {
    /// Goes through the parts, neither empty nor whole: the part, and the part with the consequent.
    pub fn parts(&self, consequent: u32) -> impl Iterator<Item = (Node, Node)> {
        let Self { sets, items, without } = *self;
        // Of two items the parts are single ones, and the sets with the consequent are known.
        let of_two = (items.len() == 2).then(|| {
            let single = |item: u32| Node { level: 0, at: item as usize };
            [(single(items[0]), without[1]), (single(items[1]), without[0])]
        });
        let whole = if items.len() > 2 { (1_u64 << items.len().min(63)) - 1 } else { 1 };
        let of_more = (1..whole).filter_map(move |mask| {
            let part = || items.iter().enumerate().filter(move |(nth, _)| mask >> nth & 1 == 1).map(|(_, item)| *item);
            let above = part().take_while(move |item| *item > consequent);
            let below = part().skip_while(move |item| *item > consequent);
            Some((sets.find(part())?, sets.find(above.chain([consequent]).chain(below))?))
        });
        of_two.into_iter().flatten().chain(of_more)
    }
}

fn others(items: &[u32], without: u32) -> impl Iterator<Item = u32> {
    items.iter().copied().filter(move |item| *item != without)
}
