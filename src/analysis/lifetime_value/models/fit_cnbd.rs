//! The fit of BG/CNBD-k and MBG/CNBD-k, in days, see [`super::cnbd`] for the likelihood.
//!
//! Beside sums over `x` and over `T` a distinct history costs the logarithm of a sum of up to `k + 1` terms, `j` events since the last purchase or
//! dropped out, whose logarithms `l` have simple slopes. With `y = r + k x` and `w = α/(α + t)`, by the logarithms of the parameters:
//!
//! | term    | `ln r`                    | `ln α`          | `ln r ln r`                           | `ln α ln α`      |
//! |---------|---------------------------|-----------------|---------------------------------------|------------------|
//! | `j`     | `r Σ_{i<j} 1/(y + i)`     | `−j w_T`        | the same `− r² Σ_{i<j} 1/(y + i)²`    | `−j w_T (1 − w_T)` |
//! | dropped | as in [`super::fit_geometric`] |            |                                       |                  |
//!
//! `k = 1` is left to [`super::fit_geometric`], which needs no sum. `O(distinct · k)` an evaluation.

use super::super::diagnosis::FitError;
use super::cnbd::{Cnbd, MAX_K};
use super::fit_geometric::{self, oddities, stays};
use super::sums::{SHAPES, Sums, TIMES, add_first_two, add_point, mean_point};
use super::{Fit, Statistics};
use crate::maths::gamma::ln_gamma;
use crate::maths::log_sum::LogSum;
use crate::maths::newton::Point;
use crate::maths::sum::ordered_sums;

/// Times that the likelihood may fall from one `k` to the next.
const MAX_FALLS: u32 = 2;

/// Fits every `k` in turn until the likelihood fell twice.
pub(super) fn fit<const FIRST: bool>(base: &Statistics) -> Result<Fit<Cnbd<FIRST>>, FitError> {
    let mut best = fit_k::<FIRST>(base, 1)?;
    let (mut last, mut falls) = (best.log_likelihood, 0);
    for k in 2..=MAX_K {
        let next = fit_k::<FIRST>(base, k)?;
        falls += u32::from(next.log_likelihood < last);
        last = next.log_likelihood;
        if next.log_likelihood > best.log_likelihood {
            best = next;
        }
        if falls == MAX_FALLS {
            break;
        }
    }
    Ok(best)
}

/// Fits one `k`.
pub(super) fn fit_k<const FIRST: bool>(base: &Statistics, k: u32) -> Result<Fit<Cnbd<FIRST>>, FitError> {
    base.check()?;
    let ln_gaps = base.sum_ln_gaps().ok_or(FitError::NoGaps)?;
    let chances = Cnbd::<FIRST>::CHANCES;
    let model = |[r, alpha, a, b]: [f64; 4]| Cnbd::<FIRST> { k, r, alpha, a, b };
    if k == 1 {
        return fit_geometric::fit(&base.histories, chances, model);
    }
    let sums = Sums::of(&base.histories);
    let rate = sums.repeats_per_day() * f64::from(k);
    let starts = [[1.0, 21.0 / f64::from(k), 1.0, 3.0], [0.5, 0.25 / rate, 0.5, 1.5], [3.0, 1.5 / rate, 0.3, 3.0]];
    let bounds = [SHAPES, TIMES, SHAPES, SHAPES];
    let mut found =
        sums.climb(|sums, at| likelihood::<FIRST>(sums, k, at), &starts, bounds).ok_or(FitError::NotFinite)?;
    let without_dropout = sums.fit_nbd(k).ok_or(FitError::NotFinite)?;
    let gain = (found.value - without_dropout.value) * sums.n;
    let of_gaps = f64::from(k - 1) * ln_gaps - base.histories.n_repeats as f64 * ln_gamma(f64::from(k));
    found.value += of_gaps / sums.n;
    let odd = oddities(found.parameters, gain);
    Ok(Fit::of(model(found.parameters), &found, &base.histories, without_dropout.value + of_gaps / sums.n, &odd))
}

/// Mean log-likelihood, without what depends on `k` alone.
pub(super) fn likelihood<const FIRST: bool>(sums: &Sums<'_>, k: u32, [r, alpha, a, b]: [f64; 4]) -> Point<4> {
    let chances = Cnbd::<FIRST>::CHANCES;
    let stays = stays(sums, chances, a, b);
    let nbd = sums.nbd(k, [r, alpha]);
    // Logarithm, first and second slope by ln r of (y)_j/j!, by x and j.
    let terms: Vec<Vec<[f64; 3]>> = (0..sums.n_above.len()).map(|x| rising(r, k, x)).collect();
    let totals = ordered_sums(&sums.histories.distinct, |totals: &mut [f64; 15], (history, n)| {
        let x = history.n_repeats as usize;
        let (t_x, age) = (f64::from(history.days_to_last), f64::from(history.age_days));
        let w_age = alpha / (alpha + age);
        let mut sum = LogSum::<4>::default();
        let ln_v = ((age - t_x) / (alpha + age)).ln();
        for (j, [ln, by_r, by_rr]) in terms[x].iter().enumerate() {
            let j = j as f64;
            let mut hessian = [[0.0; 4]; 4];
            (hessian[0][0], hessian[1][1]) = (*by_rr, -j * w_age * (1.0 - w_age));
            let ln = if j == 0.0 { 0.0 } else { ln + j * ln_v };
            sum.add(ln, &[*by_r, -j * w_age, 0.0, 0.0], &hessian);
        }
        let passed = f64::from(history.n_repeats) + chances.after_first() - 1.0;
        if passed >= 0.0 {
            let w_last = alpha / (alpha + t_x);
            let y = r + f64::from(k) * f64::from(history.n_repeats);
            let delta = ((age - t_x) / (alpha + t_x)).ln_1p();
            let b_share = b / (b + passed);
            let mut hessian = [[0.0; 4]; 4];
            hessian[0][0] = r * delta;
            hessian[0][1] = r * (w_age - w_last);
            hessian[1][1] = y * (w_age * (1.0 - w_age) - w_last * (1.0 - w_last));
            hessian[3][3] = -b_share * (1.0 - b_share);
            sum.add((a / (b + passed)).ln() + y * delta, &[r * delta, y * (w_age - w_last), 1.0, -b_share], &hessian);
        }
        add_point(totals, f64::from(*n), &sum.finish());
    });
    let mut point = mean_point(&totals, sums.n);
    point.value += stays[0] / sums.n;
    point.gradient[2] += stays[1] / sums.n;
    point.gradient[3] += stays[2] / sums.n;
    point.hessian[2][2] += stays[3] / sums.n;
    point.hessian[2][3] += stays[4] / sums.n;
    point.hessian[3][2] += stays[4] / sums.n;
    point.hessian[3][3] += stays[5] / sums.n;
    add_first_two(&mut point, &nbd);
    point
}

/// `ln((y)_j/j!)` for `j < k` with its slopes by `ln r`.
fn rising(r: f64, k: u32, x: usize) -> Vec<[f64; 3]> {
    let y = r + f64::from(k) * x as f64;
    let (mut ln, mut first, mut second) = (0.0, 0.0, 0.0);
    let mut terms = vec![[0.0; 3]];
    for j in 1..k {
        let i = y + f64::from(j) - 1.0;
        ln += (i / f64::from(j)).ln();
        first += r / i;
        second += (r / i) * (r / i);
        terms.push([ln, first, first - second]);
    }
    terms
}
