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
    /// Finds the rules of the sets of one size that are confident enough and that `keep` keeps, in the order of the sets.
    pub fn of_level<T: Send>(
        sets: &Itemsets,
        level: usize,
        min_confidence: Threshold,
        keep: impl Fn(Self) -> Option<T> + Sync,
    ) -> Vec<T> {
        const SETS_A_CHUNK: usize = 4_096;
        let n_sets = if level == 0 { 0 } else { sets.levels.get(level).map_or(0, |level| level.item.len()) };
        let of_chunk = |chunk: usize| {
            let (mut kept, mut items) = (Vec::new(), Vec::new());
            for at in chunk * SETS_A_CHUNK..((chunk + 1) * SETS_A_CHUNK).min(n_sets) {
                let set = Node { level, at };
                sets.items(set, &mut items);
                for consequent in &items {
                    let candidate = Self::new(sets, set, &items, *consequent);
                    let is_sure = |c: &Self| min_confidence.is_met(c.counts.n_both, c.counts.n_lhs);
                    kept.extend(candidate.filter(is_sure).and_then(&keep));
                }
            }
            kept
        };
        let kept: Vec<Vec<T>> = (0..n_sets.div_ceil(SETS_A_CHUNK)).into_par_iter().map(of_chunk).collect();
        kept.into_iter().flatten().collect()
    }

    /// Returns the rule of a set; nothing only if the sets were not all mined.
    fn new(sets: &Itemsets, set: Node, items: &[u32], consequent: u32) -> Option<Self> {
        let antecedent = sets.find(items.iter().copied().filter(|item| *item != consequent))?;
        let counts = Counts {
            n: sets.n_baskets as u32,
            n_lhs: sets.count(antecedent),
            n_rhs: sets.count(Node { level: 0, at: consequent as usize }),
            n_both: sets.count(set),
        };
        Some(Self { set, antecedent, consequent, counts })
    }

    /// Goes through the parts of the antecedent, neither empty nor whole: the part, and the part with the consequent.
    pub fn parts(&self, sets: &Itemsets) -> impl Iterator<Item = (Node, Node)> {
        let mut items = Vec::new();
        sets.items(self.antecedent, &mut items);
        let consequent = self.consequent;
        let whole = (1_u64 << items.len()) - 1;
        (1..whole).filter_map(move |mask| {
            let part = || items.iter().enumerate().filter(move |(nth, _)| mask >> nth & 1 == 1).map(|(_, item)| *item);
            let first_below = part().position(|item| item < consequent).unwrap_or(usize::MAX);
            let with = part().take(first_below).chain([consequent]).chain(part().skip(first_below));
            Some((sets.find(part())?, sets.find(with)?))
        })
    }

    /// Returns how much more confident the rule is than with any part of its antecedent, or with no condition at all.
    pub fn improvement(&self, sets: &Itemsets) -> f64 {
        let confidence = |(part, with): (Node, Node)| f64::from(sets.count(with)) / f64::from(sets.count(part));
        let unconditional = f64::from(self.counts.n_rhs) / f64::from(self.counts.n);
        self.counts.confidence() - self.parts(sets).map(confidence).fold(unconditional, f64::max)
    }

    /// Says whether a part of the antecedent, or none, does as well: compared in whole numbers.
    pub fn is_redundant(&self, sets: &Itemsets) -> bool {
        let Counts { n, n_lhs, n_rhs, n_both } = self.counts;
        let does_as_well = |of: u32, both: u32| u64::from(both) * u64::from(n_lhs) >= u64::from(n_both) * u64::from(of);
        does_as_well(n, n_rhs) || self.parts(sets).any(|(part, with)| does_as_well(sets.count(part), sets.count(with)))
    }

    /// Returns the products of the antecedent, from the rarest to the most frequent.
    pub fn antecedent_products(&self, sets: &Itemsets, matrix: &BasketMatrix) -> Vec<u32> {
        let mut items = Vec::new();
        sets.items(self.antecedent, &mut items);
        items.into_iter().map(|item| matrix.product[item as usize]).collect()
    }
}
