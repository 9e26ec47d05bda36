//! A base as the likelihoods read it: sums over the distinct numbers of repeats and ages, and the search for a maximum.
//!
//! Where a purchase is every `k`-th event of a Poisson process, the part of a likelihood that knows no dropout is, with `y = r + k x`,
//!
//! ```text
//! Σ_{i < k x} ln((r + i)/α) − y ln(1 + T/α)
//! ```
//!
//! It falls apart into a sum over `x` and one over `T`: `O(max x + distinct T)` an evaluation, no gamma function.

use super::super::histories::Histories;
use crate::maths::newton::{Matrix, Maximum, Point, maximise};

/// Distinct histories in which the starts are followed.
const THINNED: usize = 20_000;

/// Range of a time, in days.
pub(super) const TIMES: (f64, f64) = (1e-6, 1e9);

/// Range of a shape.
pub(super) const SHAPES: (f64, f64) = (1e-5, 1e5);

/// Customers of one age.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AgeGroup {
    pub age_days: f64,
    pub n_customers: f64,
    pub n_repeats: f64,
}

/// The base as the likelihood reads it.
pub struct Sums<'a> {
    pub(super) histories: &'a Histories,
    pub(super) n: f64,
    /// Customers with more than `k` repeats, by `k`.
    pub(super) n_above: Vec<f64>,
    pub(super) ages: Vec<AgeGroup>,
    pub(super) last_day: u32,
}

impl<'a> Sums<'a> {
    /// Adds up a base.
    pub fn of(histories: &'a Histories) -> Self {
        let max_x = histories.distinct.iter().map(|(h, _)| h.n_repeats).max().unwrap_or(0) as usize;
        let last_day = histories.distinct.iter().map(|(h, _)| h.age_days.max(h.days_to_last)).max().unwrap_or(0);
        let mut n_above = vec![0.0; max_x + 1];
        let mut by_age: Vec<(u32, u32, u32)> =
            histories.distinct.iter().map(|(h, n)| (h.age_days, h.n_repeats, *n)).collect();
        by_age.sort_unstable();
        let mut ages: Vec<AgeGroup> = Vec::new();
        for (age, x, n) in by_age {
            let (age_days, n) = (f64::from(age), f64::from(n));
            if ages.last().is_none_or(|group| group.age_days != age_days) {
                ages.push(AgeGroup { age_days, ..AgeGroup::default() });
            }
            if let Some(group) = ages.last_mut() {
                group.n_customers += n;
                group.n_repeats += n * f64::from(x);
            }
            // Counted at x − 1 first, added up from above below.
            if x > 0 {
                n_above[x as usize - 1] += n;
            }
        }
        for k in (0..max_x).rev() {
            n_above[k] += n_above[k + 1];
        }
        Self { histories, n: histories.n_customers as f64, n_above, ages, last_day }
    }

    /// Returns repeats a customer and day, above zero for a base with repeats.
    pub(super) fn repeats_per_day(&self) -> f64 {
        let days: f64 = self.ages.iter().map(|group| group.n_customers * group.age_days).sum();
        (self.histories.n_repeats as f64 / days.max(1.0)).clamp(1e-8, 1e3)
    }

    /// Returns the mean log-likelihood without dropout where a purchase is every `k`-th event; `k = 1` is the NBD model.
    pub(super) fn nbd(&self, k: u32, [r, alpha]: [f64; 2]) -> Point<2> {
        let (mut value, mut by_r, mut by_alpha) = (0.0, 0.0, 0.0);
        let (mut by_rr, mut by_ra, mut by_aa) = (0.0, 0.0, 0.0);
        for (repeats, n) in self.n_above.iter().enumerate() {
            for phase in 0..k as usize {
                let i = (repeats * k as usize + phase) as f64;
                let share = r / (r + i);
                value += n * ((r + i) / alpha).ln();
                by_r += n * share;
                by_rr += n * share * (i / (r + i));
                by_alpha -= n;
            }
        }
        for AgeGroup { age_days, n_customers: n, n_repeats } in &self.ages {
            let (ln, w) = ((age_days / alpha).ln_1p(), alpha / (alpha + age_days));
            let y = r * n + f64::from(k) * n_repeats;
            value -= y * ln;
            by_r -= r * n * ln;
            by_rr -= r * n * ln;
            by_alpha += y * (1.0 - w);
            by_ra += r * n * (1.0 - w);
            by_aa -= y * w * (1.0 - w);
        }
        mean(value, [by_r, by_alpha], [[by_rr, by_ra], [by_ra, by_aa]], self.n)
    }

    /// Fits the model without dropout.
    pub(super) fn fit_nbd(&self, k: u32) -> Option<Maximum<2>> {
        let alpha = f64::from(k) / self.repeats_per_day();
        maximise(|at| self.nbd(k, at), &[[1.0, alpha]], [SHAPES, TIMES])
    }

    /// Searches from every start; in a large base the starts are only followed in a part of it, and the way ends in the whole.
    pub(super) fn climb<const N: usize>(
        &self,
        likelihood: impl Fn(&Sums<'_>, [f64; N]) -> Point<N>,
        starts: &[[f64; N]],
        bounds: [(f64, f64); N],
    ) -> Option<Maximum<N>> {
        let step = self.histories.distinct.len() / THINNED;
        if step < 2 {
            return maximise(|at| likelihood(self, at), starts, bounds);
        }
        let thinned = self.histories.thinned(step);
        let sums = Sums::of(&thinned);
        let near = maximise(|at| likelihood(&sums, at), starts, bounds)?;
        let found = maximise(|at| likelihood(self, at), &[near.parameters], bounds)?;
        Some(Maximum { starts_disagree: near.starts_disagree, ..found })
    }
}

/// Divides by the number of customers.
pub(super) fn mean<const N: usize>(value: f64, gradient: [f64; N], hessian: Matrix<N>, n: f64) -> Point<N> {
    Point { value: value / n, gradient: gradient.map(|g| g / n), hessian: hessian.map(|row| row.map(|h| h / n)) }
}

/// Adds to the point of four parameters that of the first two.
pub(super) fn add_first_two(point: &mut Point<4>, nbd: &Point<2>) {
    point.value += nbd.value;
    for i in 0..2 {
        point.gradient[i] += nbd.gradient[i];
        for j in 0..2 {
            point.hessian[i][j] += nbd.hessian[i][j];
        }
    }
}

/// Value, gradient and upper triangle of a point of four parameters, as the sums of a pass.
pub(super) fn add_point(sums: &mut [f64; 15], n: f64, point: &Point<4>) {
    sums[0] += n * point.value;
    let mut ix = 5;
    for i in 0..4 {
        sums[1 + i] += n * point.gradient[i];
        for j in i..4 {
            sums[ix] += n * point.hessian[i][j];
            ix += 1;
        }
    }
}

/// Reads back what [`add_point`] added up, divided by `n`.
pub(super) fn mean_point(sums: &[f64; 15], n: f64) -> Point<4> {
    // Where row i of the upper triangle starts, less i.
    let row = [5, 8, 10, 11];
    let hessian = std::array::from_fn(|i: usize| std::array::from_fn(|j: usize| sums[row[i.min(j)] + i.max(j)]));
    mean(sums[0], [sums[1], sums[2], sums[3], sums[4]], hessian, n)
}
