//! How much each column moved the logit of one row: Shapley values of the trees.
//!
//! For a leaf of value `v` reached through conditions on columns `U`, `m = |U|`, let `o_k` say whether the row meets the conditions on
//! column `k` and `z_k` be the share of learning rows that do, by curvature. The column's part is
//! `φ_j = v (o_j − z_j) Σ_{S ⊆ U∖j} |S|! (m − |S| − 1)!/m! · Π_{k ∈ S} o_k · Π_{k ∉ S} z_k`; sums over leaves and trees add up, with the
//! mean of the trees, to the logit. For every leaf the parts are tabulated for all `2^m` outcomes.
//!
//! | name          | shape            | unit  |
//! |---------------|------------------|-------|
//! | contributions | `(n_columns)`    | logit |
//!
//! A row costs the number of conditions of all leaves; memory `leaves × 2^depth × depth` numbers. Source: Lundberg, Erion and
//! Lee, "Consistent Individualized Feature Attribution for Tree Ensembles", 2018, equation 2 on conditional expectations by cover; Yang,
//! "Fast TreeSHAP", 2021, version 2 (tabulated outcomes).

use super::FittedBooster;
use super::bins::MISSING;
use super::tree::Tree;
use crate::analysis::churn::sample::Matrix;

/// The tabulated leaves of a fitted booster.
#[derive(Debug)]
pub struct Explainer<'a> {
    booster: &'a FittedBooster,
    leaves: Vec<Leaf>,
}

#[derive(Debug)]
struct Leaf {
    conditions: Vec<Condition>,
    /// `(2^m, m)`: the part of each column by the bits of the conditions met.
    parts: Vec<f64>,
}

/// What a row must meet in one column to reach a leaf.
#[derive(Debug, Clone)]
struct Condition {
    column: usize,
    /// Bins above the first and up to the second.
    bins: (u8, u8),
    missing: bool,
    /// Share of learning rows that meet it where it is asked.
    share: f64,
}

impl<'a> Explainer<'a> {
    /// Tabulates the leaves.
    pub fn new(booster: &'a FittedBooster) -> Self {
        let mut leaves = Vec::new();
        booster.trees.iter().for_each(|tree| collect(tree, 0, &[], &mut leaves));
        Self { booster, leaves }
    }

    /// Writes how much each column moves the logit of a row away from the mean of the trees.
    pub fn explain(&self, features: &Matrix, row: usize, contributions: &mut [f64]) {
        contributions.fill(0.0);
        let cuts = self.booster.cuts.iter().zip(features.columns());
        let bins: Vec<u8> = cuts.map(|(cuts, column)| cuts.bin(column.get(row))).collect();
        for leaf in &self.leaves {
            let bit = |(ix, condition): (usize, &Condition)| usize::from(condition.is_met(&bins)) << ix;
            let met: usize = leaf.conditions.iter().enumerate().map(bit).sum();
            let m = leaf.conditions.len();
            for (condition, part) in leaf.conditions.iter().zip(&leaf.parts[met * m..]) {
                if let Some(sum) = contributions.get_mut(condition.column) {
                    *sum += part;
                }
            }
        }
    }
}

impl Condition {
    fn is_met(&self, bins: &[u8]) -> bool {
        match bins.get(self.column).copied().unwrap_or(MISSING) {
            MISSING => self.missing,
            bin => bin > self.bins.0 && bin <= self.bins.1,
        }
    }
}

fn collect(tree: &Tree, at: usize, path: &[Condition], leaves: &mut Vec<Leaf>) {
    let node = &tree.0[at];
    if node.left == 0 {
        return leaves.push(Leaf { conditions: path.to_vec(), parts: parts(path, node.value) });
    }
    for (side, child) in [node.left as usize, node.left as usize + 1].into_iter().enumerate() {
        let share = tree.0[child].cover / node.cover;
        let mut path = path.to_vec();
        let column = node.column as usize;
        let at = path.iter().position(|condition| condition.column == column).unwrap_or_else(|| {
            path.push(Condition { column, bins: (0, u8::MAX), missing: true, share: 1.0 });
            path.len() - 1
        });
        let condition = &mut path[at];
        let (first, last) = condition.bins;
        condition.bins = if side == 0 { (first, last.min(node.last_left)) } else { (first.max(node.last_left), last) };
        condition.missing &= node.missing_left == (side == 0);
        condition.share *= share;
        collect(tree, child, &path, leaves);
    }
}

fn parts(conditions: &[Condition], value: f64) -> Vec<f64> {
    let m = conditions.len();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    let mut parts = Vec::with_capacity(m << m);
    for met in 0..1_usize << m {
        let is_met = |k: usize| met >> k & 1 == 1;
        for (j, own) in conditions.iter().enumerate() {
            // A set with a column that is not met adds nothing: sets are those of met columns.
            let of_set = |set: usize| -> f64 {
                let others = (0..m).filter(|k| *k != j && set >> k & 1 == 0).map(|k| conditions[k].share);
                let size = set.count_ones() as usize;
                factorial(size) * factorial(m - size - 1) / factorial(m) * others.product::<f64>()
            };
            let sets = (0..1_usize << m).filter(|set| set & !met == 0 && set >> j & 1 == 0);
            let average: f64 = sets.map(of_set).sum();
            parts.push(value * (f64::from(u8::from(is_met(j))) - own.share) * average);
        }
    }
    parts
}
