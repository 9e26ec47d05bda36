//! The minimum of the penalised log-loss by Newton's method.
//!
//! With `x̃` the standardised terms and a column of ones before them, a pass over the rows gives the loss, its gradient `X̃ᵀ(p − y)` and its
//! curvature `X̃ᵀ W X̃`, `W = diag(wᵢ pᵢ (1 − pᵢ))`; the step solves the penalised system. A step that does not gain a ten-thousandth of
//! what the parabola promises is halved. When the promise is below `1e-12` a row, one last step ends the search: the error after it is of
//! the order of the square of the step.
//!
//! From a start near the minimum the curvature is computed once: it is most of the cost, and steps by a curvature that is a little off still
//! shrink the error some twentyfold each. Standard errors are then those at the start, which is a few of them away.
//!
//! | name      | shape    | unit                                     |
//! |-----------|----------|------------------------------------------|
//! | `β`       | `(p)`    | logit; the intercept comes first         |
//! | curvature | `(p, p)` | row-major, lower triangle                |
//!
//! Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 3.1; Hastie, Tibshirani and Friedman, The Elements of
//! Statistical Learning, 2nd ed., equations 4.21 to 4.26.

use rayon::prelude::*;

use super::{BLOCK, CHUNK, Term, standardise};
use crate::analysis::churn::sample::Sample;
use crate::maths::cholesky::Cholesky;

/// Promised gain per unit of weight under which one last step is the end: the step after it would be its square.
const PROMISED_GAIN: f64 = 1e-12;
/// A promise that did not fall below this share of the one before asks for the curvature anew.
const SLOW: f64 = 0.1;
const MAX_PASSES: usize = 200;
const MAX_HALVINGS: u32 = 30;

/// What is minimised.
pub(super) struct Problem<'a> {
    pub sample: &'a Sample<'a>,
    pub terms: &'a [Term],
    pub penalty: f64,
    /// Every how many chunks are read.
    pub stride: usize,
    /// Whether the search starts near the minimum: the curvature there will do.
    pub is_near: bool,
}

/// Where the minimum is.
pub(super) struct Minimum {
    pub beta: Vec<f64>,
    pub standard_errors: Vec<f64>,
    pub n_passes: usize,
}

/// Loss, gradient, lower triangle of the curvature, and the weight of the rows, without the penalty.
#[derive(Clone)]
struct Sums {
    loss: f64,
    weight: f64,
    gradient: Vec<f64>,
    curvature: Vec<f64>,
}

impl Sums {
    fn zero(n: usize) -> Self {
        Self { loss: 0.0, weight: 0.0, gradient: vec![0.0; n], curvature: vec![0.0; n * n] }
    }

    fn add(&mut self, other: &Self) {
        self.loss += other.loss;
        self.weight += other.weight;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(sum, part)| *sum += part);
        self.curvature.iter_mut().zip(&other.curvature).for_each(|(sum, part)| *sum += part);
    }
}

impl Problem<'_> {
    /// Searches from a starting point.
    pub fn minimise(&self, mut beta: Vec<f64>) -> Minimum {
        let n = beta.len();
        let mut at = self.sums(&beta, true);
        let mut curvature = std::mem::take(&mut at.curvature);
        let mut factor = self.factor(&curvature, n);
        let (mut n_passes, mut before) = (1, f64::INFINITY);
        loop {
            let mut gradient = at.gradient.clone();
            (1..n).for_each(|j| gradient[j] += self.penalty * beta[j]);
            let step = factor.solve(&gradient);
            let promised: f64 = 0.5 * gradient.iter().zip(&step).map(|(g, s)| g * s).sum::<f64>();
            if promised <= PROMISED_GAIN * at.weight || n_passes >= MAX_PASSES {
                beta.iter_mut().zip(&step).for_each(|(b, s)| *b -= s);
                return Minimum { standard_errors: standard_errors(&factor, &curvature, n), beta, n_passes };
            }
            let anew = !self.is_near || promised > SLOW * before;
            before = promised;
            let from = self.penalised(&at, &beta);
            let (mut share, mut halvings) = (1.0, 0);
            loop {
                let next: Vec<f64> = beta.iter().zip(&step).map(|(b, s)| b - share * s).collect();
                let sums = self.sums(&next, anew);
                n_passes += 1;
                halvings += 1;
                let gained = from - self.penalised(&sums, &next);
                if gained >= 1e-4 * share * promised || halvings > MAX_HALVINGS {
                    (beta, at) = (next, sums);
                    break;
                }
                share *= 0.5;
            }
            if anew {
                curvature = std::mem::take(&mut at.curvature);
                factor = self.factor(&curvature, n);
            }
        }
    }

    fn penalised(&self, sums: &Sums, beta: &[f64]) -> f64 {
        sums.loss + 0.5 * self.penalty * beta[1..].iter().map(|b| b * b).sum::<f64>()
    }

    /// Factors the curvature with the penalty; where saturated rows leave the intercept none, with a little on the diagonal.
    fn factor(&self, curvature: &[f64], n: usize) -> Cholesky {
        let mut matrix = curvature.to_vec();
        (1..n).for_each(|j| matrix[j * n + j] += self.penalty);
        let mut ridge = 1e-9 * self.penalty;
        loop {
            if let Some(factor) = Cholesky::new(&matrix, n) {
                return factor;
            }
            (0..n).for_each(|j| matrix[j * n + j] += ridge);
            ridge *= 10.0;
        }
    }

    fn sums(&self, beta: &[f64], with_curvature: bool) -> Sums {
        let n_rows = self.sample.label.len();
        let chunks: Vec<Sums> = (0..n_rows.div_ceil(CHUNK))
            .into_par_iter()
            .filter(|chunk| chunk % self.stride == 0)
            .map(|chunk| self.chunk_sums(beta, chunk * CHUNK, ((chunk + 1) * CHUNK).min(n_rows), with_curvature))
            .collect();
        let mut total = Sums::zero(beta.len());
        chunks.iter().for_each(|chunk| total.add(chunk));
        total
    }

    fn chunk_sums(&self, beta: &[f64], from: usize, to: usize, with_curvature: bool) -> Sums {
        let n = beta.len();
        let mut sums = Sums::zero(n);
        // The first row of `x` is the intercept's column of ones; `wx` is the same times the curvature of each row.
        let (mut x, mut wx) = (vec![1.0; n * BLOCK], vec![0.0; n * BLOCK]);
        let mut slope = [0.0; BLOCK];
        for start in (from..to).step_by(BLOCK) {
            let len = BLOCK.min(to - start);
            let mut logit = [beta[0]; BLOCK];
            for (j, term) in (1..).zip(self.terms) {
                let cells = &mut x[j * BLOCK..j * BLOCK + len];
                standardise(term, self.sample.features, start, cells);
                logit.iter_mut().zip(cells).for_each(|(logit, x)| *logit += beta[j] * *x);
            }
            let mut bend = [0.0; BLOCK];
            slope.fill(0.0);
            for i in 0..len {
                let (row, eta) = (start + i, logit[i]);
                let weight = self.sample.weight_of(row);
                let tail = (-eta.abs()).exp();
                let of_larger = 1.0 / (1.0 + tail);
                let p = if eta >= 0.0 { of_larger } else { tail * of_larger };
                // ln(1 + e^η), less η where the event happened.
                let event = self.sample.label[row];
                let toward = if event { -eta } else { eta };
                sums.loss += weight * (toward.max(0.0) + tail.ln_1p());
                sums.weight += weight;
                slope[i] = weight * (p - f64::from(u8::from(event)));
                bend[i] = weight * tail * of_larger * of_larger;
            }
            for j in 0..n {
                let (x, wx) = (&x[j * BLOCK..(j + 1) * BLOCK], &mut wx[j * BLOCK..(j + 1) * BLOCK]);
                sums.gradient[j] += dots([x], &slope)[0];
                if with_curvature {
                    wx.iter_mut().zip(x.iter().zip(&bend)).for_each(|(wx, (x, bend))| *wx = x * bend);
                }
            }
            if with_curvature {
                add_products(&mut sums.curvature, &x, &wx, n);
            }
        }
        sums
    }
}

/// Adds `Σ x_j wx_k` for all `k ≤ j`: four columns at a time, so that each number read is used four times.
fn add_products(sums: &mut [f64], x: &[f64], wx: &[f64], n: usize) {
    let column = |of: &'_ [f64], k: usize| -> std::ops::Range<usize> { k * BLOCK..((k + 1) * BLOCK).min(of.len()) };
    for j in 0..n {
        let left = &wx[column(wx, j)];
        let mut k = 0;
        while k + 4 <= j + 1 {
            let four = std::array::from_fn(|i| &x[column(x, k + i)]);
            for (i, dot) in dots::<4>(four, left).into_iter().enumerate() {
                sums[j * n + k + i] += dot;
            }
            k += 4;
        }
        for k in k..=j {
            sums[j * n + k] += dots([&x[column(x, k)]], left)[0];
        }
    }
}

/// Returns the dot products of some columns with one, in four lanes each.
fn dots<const K: usize>(columns: [&[f64]; K], with: &[f64]) -> [f64; K] {
    let mut lanes = [[0.0; 4]; K];
    let mut parts = columns.map(|column| column.as_chunks::<4>().0.iter());
    for with in with.as_chunks::<4>().0 {
        for (lanes, part) in lanes.iter_mut().zip(&mut parts) {
            if let Some(part) = part.next() {
                lanes[0] += part[0] * with[0];
                lanes[1] += part[1] * with[1];
                lanes[2] += part[2] * with[2];
                lanes[3] += part[3] * with[3];
            }
        }
    }
    lanes.map(|[a, b, c, d]| (a + b) + (c + d))
}

/// Square roots of the diagonal of `H_λ⁻¹ H H_λ⁻¹`.
fn standard_errors(factor: &Cholesky, curvature: &[f64], n: usize) -> Vec<f64> {
    let mut unit = vec![0.0; n];
    (0..n)
        .map(|j| {
            unit.fill(0.0);
            unit[j] = 1.0;
            let v = factor.solve(&unit);
            let product = |i: usize| -> f64 { (0..n).map(|k| curvature[i.max(k) * n + i.min(k)] * v[k]).sum() };
            let variance: f64 = (0..n).map(|i| v[i] * product(i)).sum();
            variance.max(0.0).sqrt()
        })
        .collect()
}
