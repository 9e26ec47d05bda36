//! The MBG/NBD model fitted to a base by maximum likelihood, in days.
//!
//! The log-likelihood of [`super::mbg_nbd`] falls apart into sums over the distinct `x`, sums over the distinct `T`, and one term
//! `ln(1 + eᵈ)` a distinct history. With `w = α/(α + t)` the derivatives of `d` by the logarithms of the parameters are
//!
//! | by      | first                | second                                     |
//! |---------|----------------------|--------------------------------------------|
//! | `ln r`  | `r Δ`, `Δ = ln((α + T)/(α + t_x))` | `r Δ`; with `ln α`: `r (w_T − w_t)` |
//! | `ln α`  | `y (w_T − w_t)`      | `y (w_T (1 − w_T) − w_t (1 − w_t))`        |
//! | `ln a`  | 1                    | 0                                          |
//! | `ln b`  | `−b/(b + x)`         | `−b x/(b + x)²`                            |
//!
//! so that a pass over the histories costs one `exp` and one `ln` each and gives value, gradient and Hessian together; logarithms of days come
//! from a table. A Newton fit takes 5 to 10 passes a start. A million customers are some 400,000 histories: there the starts are followed in a part of
//! the base, every k-th history, and three or four passes over all of them end the search. Fixed chunks make it equal to the bit on any number
//! of threads.
//!
//! A fit is always usable. Ridges of the likelihood (no dropout, no difference between customers) are named in
//! [`FittedMbgNbd::diagnoses`]; "no dropout" compares with the fitted NBD model, whose likelihood this one approaches as `a → 0`.

use super::diagnosis::{Diagnosis, FitError, MIN_CUSTOMERS, MIN_REPEATERS};
use super::dropout::Dropout;
use super::histories::{Histories, History};
use super::mbg_nbd::MbgNbd;
use crate::maths::newton::{Maximum, Point, Stop, maximise};
use crate::maths::sum::ordered_sums;

/// Half of the 95% quantile of `χ²₁`: a gain in log-likelihood below this is no evidence for dropout.
const NO_EVIDENCE: f64 = 1.92;

/// A shape beyond this stands for a distribution without spread, below its inverse for one without a middle.
const DEGENERATE_SHAPE: f64 = 1e3;

/// Distinct histories in which the starts are followed.
const THINNED: usize = 20_000;

const DAYS_PER_WEEK: f64 = 7.0;

/// An MBG/NBD model fitted to a base; times are days.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMbgNbd {
    pub r: f64,
    pub alpha_days: f64,
    pub a: f64,
    pub b: f64,
    /// Standard errors of `r`, `alpha_days`, `a`, `b`; unknown on a ridge.
    pub standard_errors: [Option<f64>; 4],
    /// Log-likelihood with times in days.
    pub log_likelihood_days: f64,
    /// What the log-likelihood gains over the NBD model, which knows no dropout.
    pub gain_over_nbd: f64,
    pub n_customers: u64,
    /// Repeat purchases in all, `Σ x`.
    pub n_repeats: u64,
    pub n_iterations: u32,
    /// Largest slope of the mean log-likelihood at the end, by the logarithm of a parameter.
    pub gradient_norm: f64,
    /// What is odd about the fit; empty for an ordinary one.
    pub diagnoses: Vec<Diagnosis>,
}

impl FittedMbgNbd {
    /// Fits the model to a base.
    ///
    /// # Errors
    /// Fails where the base is empty or has too few repeat purchases to learn from.
    pub fn fit(histories: &Histories) -> Result<Self, FitError> {
        let Histories { n_customers, n_repeaters, n_repeats, .. } = *histories;
        if n_customers == 0 {
            return Err(FitError::Empty);
        } else if n_repeaters == 0 {
            return Err(FitError::NoRepeat);
        } else if n_customers < MIN_CUSTOMERS || n_repeaters < MIN_REPEATERS {
            return Err(FitError::TooFew { n_customers, n_repeaters });
        }
        let sums = Sums::of(histories);
        let rate = sums.repeats_per_day();
        let (days, shape) = ((1e-6, 1e9), (1e-5, 1e5));
        let starts = [[1.0, 21.0, 1.0, 3.0], [0.5, 0.25 / rate, 0.5, 1.5], [3.0, 1.5 / rate, 0.3, 3.0]];
        let found = sums.climb(&starts, [shape, days, shape, shape]).ok_or(FitError::NotFinite)?;
        let nbd = maximise(|at| sums.nbd(at), &[[1.0, 1.0 / rate]], [shape, days]).ok_or(FitError::NotFinite)?;
        let n = n_customers as f64;
        let gain_over_nbd = (found.value - nbd.value) * n;
        let [r, alpha_days, a, b] = found.parameters;
        Ok(Self {
            r,
            alpha_days,
            a,
            b,
            standard_errors: found.standard_errors(n),
            log_likelihood_days: found.value * n,
            gain_over_nbd,
            n_customers,
            n_repeats,
            n_iterations: found.n_iterations,
            gradient_norm: found.gradient_norm,
            diagnoses: diagnose(&found, gain_over_nbd),
        })
    }

    /// Returns the log-likelihood with times in weeks, as the literature prints it: a repeat is seven times as dense there.
    pub fn log_likelihood_weeks(&self) -> f64 {
        self.log_likelihood_days + self.n_repeats as f64 * DAYS_PER_WEEK.ln()
    }

    /// Returns `α` in weeks, as the literature prints it.
    pub fn alpha_weeks(&self) -> f64 {
        self.alpha_days / DAYS_PER_WEEK
    }

    /// Returns the standard errors of `r`, `α` in weeks, `a`, `b`.
    pub fn standard_errors_weeks(&self) -> [Option<f64>; 4] {
        let [r, alpha, a, b] = self.standard_errors;
        [r, alpha.map(|days| days / DAYS_PER_WEEK), a, b]
    }

    /// Returns the parameters with `α` in days.
    pub fn parameters(&self) -> MbgNbd {
        MbgNbd { r: self.r, alpha: self.alpha_days, a: self.a, b: self.b }
    }

    /// Returns the probability that a customer has not dropped out.
    pub fn p_alive(&self, history: History) -> f64 {
        self.parameters().p_alive(history.n_repeats, f64::from(history.days_to_last), f64::from(history.age_days))
    }

    /// Returns the purchase days to be expected of a customer in the `days` after as-of.
    pub fn expected_purchases(&self, history: History, days: f64) -> f64 {
        let History { n_repeats, days_to_last, age_days } = history;
        self.parameters().expected_purchases(n_repeats, f64::from(days_to_last), f64::from(age_days), days)
    }

    /// Returns the probability that a customer buys nothing in the `days` after as-of.
    pub fn probability_no_purchase(&self, history: History, days: f64) -> f64 {
        let History { n_repeats, days_to_last, age_days } = history;
        self.parameters().probability_no_purchase(n_repeats, f64::from(days_to_last), f64::from(age_days), days)
    }

    /// Prepares the expected purchases of all customers with `n_repeats`.
    pub fn dropout_after(&self, n_repeats: u32) -> Dropout {
        self.parameters().dropout_after(n_repeats)
    }
}

fn diagnose(found: &Maximum<4>, gain_over_nbd: f64) -> Vec<Diagnosis> {
    let [r, _, a, b] = found.parameters;
    let no_dropout = gain_over_nbd < NO_EVIDENCE;
    [
        (no_dropout, Diagnosis::NoDropout),
        (r > DEGENERATE_SHAPE, Diagnosis::OneRate),
        (!no_dropout && a.min(b) > DEGENERATE_SHAPE, Diagnosis::OneDropout),
        (!no_dropout && a.max(b) < 1.0 / DEGENERATE_SHAPE, Diagnosis::AllOrNothing),
        (found.at_bound.contains(&true), Diagnosis::AtBound),
        (found.starts_disagree, Diagnosis::StartsDisagree),
        (found.stop != Stop::Converged, Diagnosis::NotConverged),
    ]
    .into_iter()
    .filter_map(|(holds, diagnosis)| holds.then_some(diagnosis))
    .collect()
}

/// Customers of one age.
#[derive(Debug, Clone, Copy, Default)]
struct AgeGroup {
    age_days: f64,
    n_customers: f64,
    n_repeats: f64,
}

/// The base as the likelihood reads it.
struct Sums<'a> {
    histories: &'a Histories,
    n: f64,
    /// Customers with more than `k` repeats, by `k`.
    n_above: Vec<f64>,
    ages: Vec<AgeGroup>,
    last_day: u32,
}

impl<'a> Sums<'a> {
    fn of(histories: &'a Histories) -> Self {
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

    /// Searches from every start; in a large base the starts are only followed in a part of it, and the way ends in the whole.
    fn climb(&self, starts: &[[f64; 4]], bounds: [(f64, f64); 4]) -> Option<Maximum<4>> {
        let step = self.histories.distinct.len() / THINNED;
        if step < 2 {
            return maximise(|at| self.mbg_nbd(at), starts, bounds);
        }
        let thinned = self.histories.thinned(step);
        let sums = Sums::of(&thinned);
        let near = maximise(|at| sums.mbg_nbd(at), starts, bounds)?;
        let found = maximise(|at| self.mbg_nbd(at), &[near.parameters], bounds)?;
        Some(Maximum { starts_disagree: near.starts_disagree, ..found })
    }

    /// Repeats a customer and day, above zero for a base with repeats.
    fn repeats_per_day(&self) -> f64 {
        let days: f64 = self.ages.iter().map(|group| group.n_customers * group.age_days).sum();
        (self.histories.n_repeats as f64 / days.max(1.0)).clamp(1e-8, 1e3)
    }

    /// Mean log-likelihood of the NBD model, `Σ_{k<x} ln((r + k)/α) − (r + x) ln(1 + T/α)`.
    fn nbd(&self, [r, alpha]: [f64; 2]) -> Point<2> {
        let (mut value, mut by_r, mut by_alpha) = (0.0, 0.0, 0.0);
        let (mut by_rr, mut by_ra, mut by_aa) = (0.0, 0.0, 0.0);
        for (k, n) in self.n_above.iter().enumerate() {
            let k = k as f64;
            let share = r / (r + k);
            value += n * ((r + k) / alpha).ln();
            by_r += n * share;
            by_rr += n * share * (k / (r + k));
            by_alpha -= n;
        }
        for AgeGroup { age_days, n_customers: n, n_repeats } in &self.ages {
            let (ln, w) = ((age_days / alpha).ln_1p(), alpha / (alpha + age_days));
            let y = r * n + n_repeats;
            value -= y * ln;
            by_r -= r * n * ln;
            by_rr -= r * n * ln;
            by_alpha += y * (1.0 - w);
            by_ra += r * n * (1.0 - w);
            by_aa -= y * w * (1.0 - w);
        }
        mean(value, [by_r, by_alpha], [[by_rr, by_ra], [by_ra, by_aa]], self.n)
    }

    /// Mean log-likelihood of the MBG/NBD model.
    fn mbg_nbd(&self, [r, alpha, a, b]: [f64; 4]) -> Point<4> {
        let nbd = self.nbd([r, alpha]);
        let mut stays = [0.0; 6];
        for (k, _) in self.n_above.iter().enumerate() {
            // x ≥ k customers went through a k-th chance of dropping out, the first purchase being number zero.
            let n = if k == 0 { self.n } else { self.n_above[k - 1] };
            let (bk, abk) = (b + k as f64, a + b + k as f64);
            let slope_b = (b / bk) * (a / abk);
            let cross = (a / abk) * (b / abk);
            stays[0] -= n * (a / bk).ln_1p();
            stays[1] -= n * (a / abk);
            stays[2] += n * slope_b;
            stays[3] -= n * (a / abk) * (bk / abk);
            stays[4] += n * cross;
            stays[5] += n * (slope_b - slope_b * (b / bk + b / abk));
        }
        let days: Vec<(f64, f64)> = (0..=self.last_day)
            .map(|day| ((f64::from(day) / alpha).ln_1p(), alpha / (alpha + f64::from(day))))
            .collect();
        let repeats: Vec<(f64, f64)> =
            (0..self.n_above.len()).map(|x| ((a / (b + x as f64)).ln(), b / (b + x as f64))).collect();
        let [s, sr, sm, sb, qrr, qrm, qra, qrb, qmm, qma, qmb, qaa, qab, qbb, value] =
            ordered_sums(&self.histories.distinct, |sums: &mut [f64; 15], (history, n)| {
                let (ln_age, w_age) = days[history.age_days as usize];
                let (ln_last, w_last) = days[history.days_to_last as usize];
                let (c, b_share) = repeats[history.n_repeats as usize];
                let y = r + f64::from(history.n_repeats);
                let delta = ln_age - ln_last;
                let d = c + y * delta;
                // e⁻⁴⁰ is below the last bit of one.
                if d < -40.0 {
                    return;
                }
                let n = f64::from(*n);
                let e = (-d.abs()).exp();
                let dead = if d >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
                let (s, q) = (n * dead, n * e / ((1.0 + e) * (1.0 + e)));
                let by_r = r * delta;
                let by_alpha = y * (w_age - w_last);
                let by_b = -b_share;
                let by_alpha_twice = y * (w_age * (1.0 - w_age) - w_last * (1.0 - w_last));
                let terms = [
                    s,
                    s * by_r,
                    s * by_alpha,
                    s * by_b,
                    q * by_r * by_r + s * by_r,
                    q * by_r * by_alpha + s * r * (w_age - w_last),
                    q * by_r,
                    q * by_r * by_b,
                    q * by_alpha * by_alpha + s * by_alpha_twice,
                    q * by_alpha,
                    q * by_alpha * by_b,
                    q,
                    q * by_b,
                    q * by_b * by_b - s * b_share * (1.0 - b_share),
                    n * (d.max(0.0) + e.ln_1p()),
                ];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            });
        let dropout = mean(
            value + stays[0],
            [sr, sm, s + stays[1], sb + stays[2]],
            [
                [qrr, qrm, qra, qrb],
                [qrm, qmm, qma, qmb],
                [qra, qma, qaa + stays[3], qab + stays[4]],
                [qrb, qmb, qab + stays[4], qbb + stays[5]],
            ],
            self.n,
        );
        let mut point = dropout;
        point.value += nbd.value;
        for i in 0..2 {
            point.gradient[i] += nbd.gradient[i];
            for j in 0..2 {
                point.hessian[i][j] += nbd.hessian[i][j];
            }
        }
        point
    }
}

fn mean<const N: usize>(value: f64, gradient: [f64; N], hessian: [[f64; N]; N], n: f64) -> Point<N> {
    Point { value: value / n, gradient: gradient.map(|g| g / n), hessian: hessian.map(|row| row.map(|h| h / n)) }
}

#[cfg(test)]
mod tests;
