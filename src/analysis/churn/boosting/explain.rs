//! How much each column moved the logit of one row: Shapley values of the trees.
//!
//! For a leaf of value `v` reached through conditions on columns `U`, `m = |U|`, let `o_k` say whether the row meets the conditions on
//! column `k` and `z_k` be the share of learning rows that do, by curvature. The column's part is
//! `φ_j = v (o_j − z_j) Σ_{S ⊆ U∖j} |S|! (m − |S| − 1)!/m! · Π_{k ∈ S} o_k · Π_{k ∉ S} z_k`; sums over leaves and trees add up, with the
//! mean of the trees, to the logit.
//!
//! The parts depend on the row only through the answers at the splits. Leaves with their last two or three splits in common are a fan; for a fan
//! the sums of parts are tabulated for all answers on its path and inside it, so that a row costs a look-up a fan.
//!
//! | name          | shape                       | unit                        |
//! |---------------|-----------------------------|-----------------------------|
//! | table         | `(2^n_splits, n_columns)`   | logit, columns of the fan   |
//! | contributions | `(n_columns)`               | logit                       |
//!
//! A row costs the splits of all fans, 16 a tree of depth 4; the tables of such a tree take 16 KB. Source: Lundberg, Erion and Lee, "Consistent
//! Individualized Feature Attribution for Tree Ensembles", 2018, equation 2 on conditional expectations by cover; Yang, "Fast
//! TreeSHAP", 2021, version 2 (tabulated answers).

use super::FittedBooster;
use super::tree::{Node, Tree};
use crate::analysis::churn::sample::Matrix;

/// Splits below one another in a fan: three while the tables stay small.
const FAN_HEIGHT: u32 = 3;
const FAN_HEIGHT_OF_DEEP_TREES: u32 = 2;
const DEEP: u32 = 6;

/// The tabulated fans of a fitted booster.
#[derive(Debug)]
pub struct Explainer<'a> {
    booster: &'a FittedBooster,
    fans: Vec<Fan>,
}

#[derive(Debug)]
struct Fan {
    /// Splits on the way to the fan and inside it; a row answers 0 for left and 1 for right.
    splits: Vec<Node>,
    columns: Vec<u32>,
    /// Part of each column by the answers, the first split in the lowest bit.
    table: Vec<f32>,
}

/// What leads to a leaf: positions of the splits and the sides taken.
type Path = Vec<(usize, bool)>;

impl<'a> Explainer<'a> {
    /// Tabulates the trees.
    pub fn new(booster: &'a FittedBooster) -> Self {
        let mut fans = Vec::new();
        for tree in &booster.trees {
            let depth = depth(tree, 0);
            let height = if depth < DEEP { FAN_HEIGHT } else { FAN_HEIGHT_OF_DEEP_TREES };
            collect_fans(tree, 0, depth.saturating_sub(height), &Path::new(), &mut fans);
        }
        Self { booster, fans }
    }

    /// Writes how much each column moves the logit of a row away from the mean of the trees.
    pub fn explain(&self, features: &Matrix, row: usize, contributions: &mut [f64]) {
        contributions.fill(0.0);
        let cuts = self.booster.cuts.iter().zip(features.columns());
        let bins: Vec<u8> = cuts.map(|(cuts, column)| cuts.bin(column.get(row))).collect();
        if bins.len() < self.booster.cuts.len() {
            return;
        }
        for fan in &self.fans {
            let answer = |split: &Node| split.child(bins[split.column as usize]) - split.left as usize;
            let answers = fan.splits.iter().rev().fold(0, |answers, split| answers << 1 | answer(split));
            for (column, part) in fan.columns.iter().zip(&fan.table[answers * fan.columns.len()..]) {
                if let Some(sum) = contributions.get_mut(*column as usize) {
                    *sum += f64::from(*part);
                }
            }
        }
    }
}

fn depth(tree: &Tree, at: usize) -> u32 {
    let node = &tree.0[at];
    if node.left == 0 { 0 } else { 1 + (0..2).map(|side| depth(tree, node.left as usize + side)).max().unwrap_or(0) }
}

/// Walks down to where fans begin, or to a leaf above that, which is a fan of its own.
fn collect_fans(tree: &Tree, at: usize, to_go: u32, path: &Path, fans: &mut Vec<Fan>) {
    let node = &tree.0[at];
    if to_go == 0 || node.left == 0 {
        return fans.push(Fan::new(tree, at, path));
    }
    for right in [false, true] {
        let path = [&path[..], &[(at, right)]].concat();
        collect_fans(tree, node.left as usize + usize::from(right), to_go - 1, &path, fans);
    }
}

/// Lists the leaves below a node with their paths.
fn leaves_below(tree: &Tree, at: usize, path: &Path, leaves: &mut Vec<(Path, f64)>) {
    let node = &tree.0[at];
    if node.left == 0 {
        return leaves.push((path.clone(), node.value));
    }
    for right in [false, true] {
        let path = [&path[..], &[(at, right)]].concat();
        leaves_below(tree, node.left as usize + usize::from(right), &path, leaves);
    }
}

impl Fan {
    fn new(tree: &Tree, at: usize, path: &Path) -> Self {
        let mut leaves = Vec::new();
        leaves_below(tree, at, path, &mut leaves);
        let mut splits: Vec<usize> = leaves.iter().flat_map(|(path, _)| path.iter().map(|(split, _)| *split)).collect();
        splits.sort_unstable();
        splits.dedup();
        let mut columns: Vec<u32> = splits.iter().map(|split| tree.0[*split].column).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut table = vec![0.0; columns.len() << splits.len()];
        for (path, value) in &leaves {
            let mut own: Vec<u32> = path.iter().map(|(split, _)| tree.0[*split].column).collect();
            own.sort_unstable();
            own.dedup();
            let on = |column: u32| path.iter().filter(move |(split, _)| tree.0[*split].column == column);
            let share = |(split, right): &(usize, bool)| {
                let node = &tree.0[*split];
                tree.0[node.left as usize + usize::from(*right)].cover / node.cover
            };
            let shares: Vec<f64> = own.iter().map(|column| on(*column).map(share).product()).collect();
            let parts = parts(&shares, *value);
            for answers in 0..1_usize << splits.len() {
                let goes_right = |split: usize| splits.binary_search(&split).is_ok_and(|bit| answers >> bit & 1 == 1);
                let is_met = |column: u32| on(column).all(|(split, right)| goes_right(*split) == *right);
                let met: usize = own.iter().enumerate().map(|(bit, column)| usize::from(is_met(*column)) << bit).sum();
                for (bit, column) in own.iter().enumerate() {
                    if let Ok(at) = columns.binary_search(column) {
                        table[answers * columns.len() + at] += parts[met * own.len() + bit];
                    }
                }
            }
        }
        let splits = splits.into_iter().map(|split| tree.0[split]).collect();
        Self { splits, columns, table: table.into_iter().map(|part: f64| part as f32).collect() }
    }
}

/// Part of each column of a leaf by the bits of the columns whose conditions are met.
fn parts(shares: &[f64], value: f64) -> Vec<f64> {
    let m = shares.len();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    let mut parts = Vec::with_capacity(m << m);
    for met in 0..1_usize << m {
        for (j, own) in shares.iter().enumerate() {
            // A set with a column that is not met adds nothing: sets are those of met columns.
            let of_set = |set: usize| -> f64 {
                let others = (0..m).filter(|k| *k != j && set >> k & 1 == 0).map(|k| shares[k]);
                let size = set.count_ones() as usize;
                factorial(size) * factorial(m - size - 1) / factorial(m) * others.product::<f64>()
            };
            let sets = (0..1_usize << m).filter(|set| set & !met == 0 && set >> j & 1 == 0);
            let average: f64 = sets.map(of_set).sum();
            parts.push(value * (f64::from(u8::from(met >> j & 1 == 1)) - own) * average);
        }
    }
    parts
}
