//! Gradient boosting of shallow trees for a yes-or-no label, with monotone columns.
//!
//! The logit of a row is `F₀ + Σ_t ν w_t(x)`: `F₀` the log-odds of the sample, each tree a Newton step on the log-loss (slope `p − y`,
//! curvature `p (1 − p)`), shrunk by the learning rate ν. Columns are read as quantile bins, a missing cell as a bin of its own whose side is
//! learnt in every split. In a monotone column the risk never falls while the value rises. With rows held out, boosting ends when their log-loss
//! has not improved for a number of trees, and the trees after the best one are dropped.
//!
//! | name        | shape      | unit                                    |
//! |-------------|------------|-----------------------------------------|
//! | probability | `(n_rows)` | strictly inside `0..1`                  |
//! | explanation | `(n_columns)` | logit, away from the mean of the trees |
//!
//! Trees are the same to the bit in any order of rows and on any number of threads: all sums are of whole numbers. A tree costs about
//! `(1 + depth/2) n n_columns` additions; memory 1 byte a cell and 24 a row. Source: Friedman, "Greedy Function Approximation", Annals of
//! Statistics 29 (2001), sections 4.4 to 5; Chen and Guestrin, "XGBoost", KDD 2016.

mod bins;
mod explain;
mod tree;

use rayon::prelude::*;

use self::bins::{Cuts, bin_rows};
pub use self::explain::Explainer;
use self::tree::{Chunk, Grower, Tree, packed};
use super::logistic::probability;
use super::sample::{FitError, Matrix, Sample};
use crate::maths::sum::ordered_sums;

/// Rows scored at a time: their bins stay in the first cache.
const BLOCK: usize = 512;

/// What shapes the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// Most trees.
    pub n_trees: usize,
    /// Most splits between root and leaf, at most 8.
    pub depth: u32,
    /// Share of each Newton step that is taken.
    pub learning_rate: f64,
    /// λ, in rows of full curvature.
    pub l2: f64,
    /// Least curvature of a leaf; a row at even odds has 1/4.
    pub min_leaf: f64,
    /// Trees without gain on the rows held out after which boosting ends.
    pub patience: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { n_trees: 300, depth: 3, learning_rate: 0.03, l2: 5.0, min_leaf: 5.0, patience: 20 }
    }
}

/// Fitted trees.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedBooster {
    cuts: Vec<Cuts>,
    start: f64,
    trees: Vec<Tree>,
}

/// Fits the trees; `monotone` names the columns in which the risk must not fall, `held_out` the rows that only say when to stop.
///
/// # Errors
/// Where the rows that are not held out have one class only, or the sample is not one (see [`Sample::masses`]).
pub fn fit(
    sample: &Sample<'_>,
    monotone: &[bool],
    held_out: &[bool],
    params: Params,
) -> Result<FittedBooster, FitError> {
    sample.masses()?;
    let is_held_out = |row: usize| held_out.get(row).copied().unwrap_or(false);
    let (mut positive, mut all, mut largest) = (0.0, 0.0, 0.0_f64);
    for row in (0..sample.label.len()).filter(|row| !is_held_out(*row)) {
        let weight = sample.weight_of(row);
        (all, largest) = (all + weight, largest.max(weight));
        positive += if sample.label[row] { weight } else { 0.0 };
    }
    if positive <= 0.0 || positive >= all {
        return Err(FitError::OneClass { n_rows: sample.label.len() });
    }
    let cuts = Cuts::of_columns(sample.features);
    let start = (positive / (all - positive)).ln();
    let chunked = |of_held_out: bool| {
        let rows: Vec<u32> =
            (0..sample.label.len()).filter(|row| is_held_out(*row) == of_held_out).map(|row| row as u32).collect();
        chunks(sample.features, &cuts, rows, start)
    };
    let (mut learning, mut watching) = (chunked(false), chunked(true));
    let mut offsets = vec![0];
    cuts.iter().for_each(|cuts| offsets.push(offsets[offsets.len() - 1] + cuts.n_bins()));
    let grower = Grower {
        offsets,
        monotone,
        depth: params.depth.min(8),
        learning_rate: params.learning_rate,
        l2: params.l2.max(1e-6) / largest,
        min_leaf: params.min_leaf.max(0.0) / largest,
    };
    let mut trees = Vec::new();
    let (mut best_loss, mut best_len) = (f64::INFINITY, 0);
    while trees.len() < params.n_trees {
        learning.par_iter_mut().for_each(|chunk| set_slopes(chunk, sample, largest));
        let tree = grower.grow(&mut learning);
        // A root without a split: nothing more is to be learnt.
        if tree.0.len() == 1 {
            break;
        }
        if !watching.is_empty() {
            let loss = loss_after(&mut watching, &tree, sample);
            if loss < best_loss {
                (best_loss, best_len) = (loss, trees.len() + 1);
            } else if trees.len() + 1 - best_len >= params.patience {
                break;
            }
        }
        trees.push(tree);
    }
    if !watching.is_empty() {
        trees.truncate(best_len);
    }
    Ok(FittedBooster { cuts, start, trees })
}

impl FittedBooster {
    /// Returns the probability of the event for every row; columns as in the sample.
    pub fn probabilities(&self, features: &Matrix) -> Vec<f64> {
        let mut logits = vec![self.start; features.n_rows()];
        logits.par_chunks_mut(BLOCK).enumerate().for_each_init(Vec::new, |bins, (block, logits)| {
            let from = block * BLOCK;
            bin_rows(&self.cuts, features, from..from + logits.len(), bins);
            for tree in &self.trees {
                let rows = bins.chunks_exact(self.cuts.len().max(1));
                logits.iter_mut().zip(rows).for_each(|(logit, bins)| *logit += tree.value(bins));
            }
            logits.iter_mut().for_each(|logit| *logit = probability(*logit));
        });
        logits
    }

    /// Returns the number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }
}

/// Cuts the rows into chunks: a few for every core, none so small that a task is not worth it.
fn chunks(features: &Matrix, cuts: &[Cuts], rows: Vec<u32>, start: f64) -> Vec<Chunk> {
    let size = rows.len().div_ceil(4 * rayon::current_num_threads()).clamp(8_192, 65_536);
    let chunk = |rows: &[u32]| {
        let mut bins = Vec::new();
        bin_rows(cuts, features, rows.iter().map(|row| *row as usize), &mut bins);
        let (slopes, logits) = (vec![0; rows.len()], vec![start; rows.len()]);
        Chunk { rows: rows.to_vec(), bins, slopes, logits, ..Chunk::default() }
    };
    rows.par_chunks(size).map(chunk).collect()
}

fn set_slopes(chunk: &mut Chunk, sample: &Sample<'_>, largest: f64) {
    for ((slope, logit), row) in chunk.slopes.iter_mut().zip(&chunk.logits).zip(&chunk.rows) {
        let row = *row as usize;
        let p = probability(*logit);
        let weight = sample.weight_of(row) / largest;
        *slope = packed(weight * (p - f64::from(u8::from(sample.label[row]))), weight * p * (1.0 - p));
    }
}

/// Adds a tree to the logits of the rows held out and returns their log-loss.
fn loss_after(chunks: &mut [Chunk], tree: &Tree, sample: &Sample<'_>) -> f64 {
    chunks.par_iter_mut().for_each(|chunk| {
        let n_columns = chunk.bins.len() / chunk.rows.len().max(1);
        let rows = chunk.bins.chunks_exact(n_columns.max(1));
        chunk.logits.iter_mut().zip(rows).for_each(|(logit, bins)| *logit += tree.value(bins));
    });
    let rows: Vec<(u32, f64)> =
        chunks.iter().flat_map(|chunk| chunk.rows.iter().copied().zip(chunk.logits.iter().copied())).collect();
    let [loss] = ordered_sums(&rows, |sums: &mut [f64; 1], (row, logit)| {
        let row = *row as usize;
        let toward = if sample.label[row] { -logit } else { *logit };
        sums[0] += sample.weight_of(row) * (toward.max(0.0) + (-logit.abs()).exp().ln_1p());
    });
    loss
}

#[cfg(test)]
mod tests;
