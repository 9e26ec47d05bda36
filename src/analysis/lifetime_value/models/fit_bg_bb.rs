//! The fit of BG/BB, see [`super::bg_bb`] for the likelihood.
//!
//! A distinct history `(x, t, n)` costs the logarithm of a sum of `n − t + 1` terms, products of
//!
//! ```text
//! P(x, i) = B(α + x, β + i − x)/B(α, β)     E(i) = B(γ, δ + i)/B(γ, δ)     γ/(γ + δ + i)
//! ```
//!
//! whose logarithms with their slopes come from tables of prefix sums: `ln(α + k)`, `α/(α + k)` and so on up to the largest `n`. Opportunities are
//! few, histories as well: eleven thousand donors over six years are 22 of them. `O(distinct · n)` an evaluation.

use super::super::diagnosis::{Diagnosis, FitError};
use super::super::histories::Histories;
use super::bg_bb::BgBb;
use super::sums::{SHAPES, Sums, add_point, mean_point};
use super::{DEGENERATE_SHAPE, Fit, NO_EVIDENCE, check};
use crate::maths::log_sum::LogSum;
use crate::maths::newton::{Matrix, Point, maximise};
use crate::maths::sum::ordered_sums;

/// Fits the model.
pub(super) fn fit(histories: &Histories) -> Result<Fit<BgBb>, FitError> {
    check(histories)?;
    let sums = Sums::of(histories);
    let starts = [[1.0, 1.0, 1.0, 3.0], [0.5, 0.5, 0.3, 3.0], [1.0, 5.0, 0.5, 10.0]];
    let found = sums.climb(likelihood, &starts, [SHAPES; 4]).ok_or(FitError::NotFinite)?;
    // Without dropout: beta-binomial.
    let coin = maximise(|at| coin(&sums, at), &[[1.0, 1.0], [1.0, 5.0]], [SHAPES; 2]).ok_or(FitError::NotFinite)?;
    let [alpha, beta, gamma, delta] = found.parameters;
    let no_dropout = (found.value - coin.value) * sums.n < NO_EVIDENCE;
    let odd = [
        (no_dropout, Diagnosis::NoDropout),
        (alpha.min(beta) > DEGENERATE_SHAPE, Diagnosis::OneChance),
        (!no_dropout && gamma.min(delta) > DEGENERATE_SHAPE, Diagnosis::OneEnd),
    ];
    Ok(Fit::of(BgBb { alpha, beta, gamma, delta }, &found, histories, coin.value, &odd))
}

/// Mean log-likelihood of the beta-binomial model, by the logarithms of `α` and `β`.
fn coin(sums: &Sums<'_>, [alpha, beta]: [f64; 2]) -> Point<2> {
    let point = terms(sums, [alpha, beta, 1.0, 1.0], false);
    let [[aa, ab, ..], [_, bb, ..], ..] = point.hessian;
    Point { value: point.value, gradient: [point.gradient[0], point.gradient[1]], hessian: [[aa, ab], [ab, bb]] }
}

/// Mean log-likelihood with gradient and Hessian by the logarithms of `α`, `β`, `γ`, `δ`.
pub(super) fn likelihood(sums: &Sums<'_>, at: [f64; 4]) -> Point<4> {
    terms(sums, at, true)
}

fn terms(sums: &Sums<'_>, [alpha, beta, gamma, delta]: [f64; 4], dropout: bool) -> Point<4> {
    let size = sums.last_day.max(sums.n_above.len() as u32) as usize + 1;
    let table = |shapes: &[f64]| Rising::table(shapes, size);
    let (taken, passed, both) = (table(&[alpha]), table(&[beta]), table(&[alpha, beta]));
    let (stays, ends) = (table(&[delta]), table(&[gamma, delta]));
    // Logarithm, gradient and Hessian of P(x, i) E(i), and of the chance to leave after it.
    let term = |x: usize, i: usize, leaves: bool| {
        let mut term = Term::default();
        term.add(&taken[x], &[0], 1.0);
        term.add(&passed[i - x], &[1], 1.0);
        term.add(&both[i], &[0, 1], -1.0);
        if dropout {
            term.add(&stays[i], &[3], 1.0);
            term.add(&ends[i], &[2, 3], -1.0);
        }
        if leaves {
            term.add(&Rising { ln: gamma.ln(), first: [1.0, 0.0], second: [[0.0; 2]; 2] }, &[2], 1.0);
            term.add(&Rising::one(&[gamma, delta], i), &[2, 3], -1.0);
        }
        term
    };
    let totals = ordered_sums(&sums.histories.distinct, |totals: &mut [f64; 15], (history, n)| {
        let x = history.n_repeats as usize;
        let last = if x == 0 { 0 } else { x.max(history.days_to_last as usize) };
        let all = last.max(history.age_days as usize);
        let mut sum = LogSum::<4>::default();
        let mut add = |term: Term| sum.add(term.ln, &term.gradient, &term.hessian);
        add(term(x, all, false));
        if dropout {
            (last..all).for_each(|i| add(term(x, i, true)));
        }
        add_point(totals, f64::from(*n), &sum.finish());
    });
    mean_point(&totals, sums.n)
}

/// `Σ_{k<i} ln(S + k)` for a sum `S` of one or two shapes, with its slopes by their logarithms.
#[derive(Debug, Clone, Copy, Default)]
struct Rising {
    ln: f64,
    first: [f64; 2],
    second: Matrix<2>,
}

impl Rising {
    fn table(shapes: &[f64], size: usize) -> Vec<Self> {
        let mut sums = vec![Self::default()];
        for k in 0..size {
            let (mut sum, one) = (sums[k], Self::one(shapes, k));
            sum.ln += one.ln;
            for i in 0..2 {
                sum.first[i] += one.first[i];
                for j in 0..2 {
                    sum.second[i][j] += one.second[i][j];
                }
            }
            sums.push(sum);
        }
        sums
    }

    /// `ln(S + k)`.
    fn one(shapes: &[f64], k: usize) -> Self {
        let at = shapes.iter().sum::<f64>() + k as f64;
        let share = |i: usize| shapes.get(i).map_or(0.0, |shape| shape / at);
        let first = [share(0), share(1)];
        let second = |i: usize, j: usize| if i == j { first[i] - first[i] * first[i] } else { -first[i] * first[j] };
        Self { ln: at.ln(), first, second: [[second(0, 0), second(0, 1)], [second(1, 0), second(1, 1)]] }
    }
}

/// Logarithm of a term with gradient and upper triangle of its Hessian.
#[derive(Debug, Clone, Copy, Default)]
struct Term {
    ln: f64,
    gradient: [f64; 4],
    hessian: Matrix<4>,
}

impl Term {
    /// Adds a rising product whose shapes are the parameters of ascending number `of`.
    fn add(&mut self, part: &Rising, of: &[usize], sign: f64) {
        self.ln += sign * part.ln;
        for (i, row) in of.iter().enumerate() {
            self.gradient[*row] += sign * part.first[i];
            for (j, column) in of.iter().enumerate().skip(i) {
                self.hessian[*row][*column] += sign * part.second[i][j];
            }
        }
    }
}
