//! The models of repeat purchases, each a file of pure formulas and one of its fit, behind one surface.
//!
//! | model                    | file           | while alive                     | ends                                | parameters       |
//! |--------------------------|----------------|---------------------------------|-------------------------------------|------------------|
//! | `nbd`                    | [`nbd`]        | Poisson, rate `Gamma(r, α)`     | never                               | `r α`            |
//! | `bg-nbd`                 | [`bg_nbd`]     | the same                        | after a repeat, chance `Beta(a, b)` | `r α a b`        |
//! | `mbg-nbd`                | [`mbg_nbd`]    | the same                        | after any purchase                  | `r α a b`        |
//! | `bg-cnbd-k`, `mbg-cnbd-k`| [`cnbd`]       | every `k`-th event of a Poisson process | as in the two above         | `k r α a b`      |
//! | `pareto-nbd`             | [`pareto_nbd`] | Poisson, rate `Gamma(r, α)`     | at any time, rate `Gamma(s, β)`     | `r α s β`        |
//! | `bg-bb`                  | [`bg_bb`]      | a coin an opportunity, `Beta(α, β)` | before one, chance `Beta(γ, δ)` | `α β γ δ`        |
//!
//! What a model knows of a customer are three numbers: `x` repeats, the last of them `t_x` after the first purchase, and the age `T`. Time has
//! the unit of the statistics the model was fitted to: days, or opportunities for `bg-bb`.
//!
//! Every formula is finite for positive parameters and `0 ≤ t_x ≤ T`; probabilities lie in `0..=1`. Fits climb on the logarithms of
//! the parameters with analytic gradient and Hessian over distinct histories, from several starts, and are equal to the bit for any order of
//! the customers and any number of threads.

pub mod bg_bb;
pub mod bg_nbd;
pub mod cnbd;
pub mod dropout;
pub mod landscape;
pub mod mbg_nbd;
pub mod nbd;
pub mod pareto_nbd;

mod fit_bg_bb;
mod fit_cnbd;
mod fit_geometric;
mod fit_pareto_nbd;
pub mod renewals;
mod sums;
#[cfg(test)]
mod tests;

use super::diagnosis::{Diagnosis, FitError, MIN_CUSTOMERS, MIN_REPEATERS};
use super::histories::Histories;
use crate::maths::newton::{Maximum, Stop};

/// Half of the 95% quantile of `χ²₁`: a gain in log-likelihood below this is no evidence for dropout.
pub const NO_EVIDENCE: f64 = 1.92;

/// A shape beyond this stands for a distribution without spread, below its inverse for one without a middle.
pub const DEGENERATE_SHAPE: f64 = 1e3;

/// A fitted or given model of repeat purchases.
///
/// A history is `x` repeats, the last of them `t_x` after the first purchase, and the age `T`.
pub trait PurchaseModel: Send + Sync {
    /// Returns the name in pipelines and manifests.
    fn name(&self) -> &'static str;

    /// Returns the parameters in the order of the papers.
    fn parameters(&self) -> Vec<Parameter>;

    /// Fits the model to a base by maximum likelihood.
    ///
    /// # Errors
    /// Fails where the base is empty or has too few repeats to learn from.
    fn fit(base: &Statistics) -> Result<Fit<Self>, FitError>
    where
        Self: Sized;

    /// Returns the log-likelihood of a history.
    fn log_likelihood(&self, x: u32, t_x: f64, age: f64) -> f64;

    /// Returns the probability that the customer has not dropped out.
    fn p_alive(&self, x: u32, t_x: f64, age: f64) -> f64;

    /// Returns the purchases to be expected in the time `t` from now on from a customer who is alive.
    fn expected_if_alive(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64;

    /// Returns the purchases to be expected in the time `t` from now on.
    fn expected_purchases(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64 {
        self.p_alive(x, t_x, age) * self.expected_if_alive(x, t_x, age, t)
    }

    /// Returns the repeats to be expected in the time `t` after a first purchase.
    fn expected_of_new(&self, t: f64) -> f64 {
        self.expected_purchases(0, 0.0, 0.0, t)
    }

    /// Returns the probability that a customer who is alive buys at least once in the time `t` from now on.
    fn buys_if_alive(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64;

    /// Returns the probability that nothing is bought in the time `t` from now on.
    fn probability_no_purchase(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64 {
        (1.0 - self.p_alive(x, t_x, age) * self.buys_if_alive(x, t_x, age, t)).clamp(0.0, 1.0)
    }

    /// Returns the purchases to be expected for ever from a customer who is alive, each discounted continuously by `e^{−rate · time}`.
    ///
    /// Defined for a positive rate.
    fn discounted_if_alive(&self, x: u32, t_x: f64, age: f64, rate: f64) -> Option<f64>;

    /// Returns the purchases to be expected from now on for ever, discounted likewise.
    fn discounted_purchases(&self, x: u32, t_x: f64, age: f64, rate: f64) -> Option<f64> {
        Some(self.p_alive(x, t_x, age) * self.discounted_if_alive(x, t_x, age, rate)?)
    }
}

/// One parameter of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    pub symbol: &'static str,
    pub value: f64,
    /// Whether it is a time, which changes with the unit.
    pub is_time: bool,
}

impl Parameter {
    fn number(symbol: &'static str, value: f64) -> Self {
        Self { symbol, value, is_time: false }
    }

    fn time(symbol: &'static str, value: f64) -> Self {
        Self { symbol, value, is_time: true }
    }
}

/// What the models learn from.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Distinct histories in days; in opportunities for `bg-bb`, where `t_x` and `T` count from one.
    pub histories: Histories,
    /// Days from one purchase day to the next and how often, ascending; only `bg-cnbd-k` and `mbg-cnbd-k` read them.
    pub gaps: Vec<(u32, u64)>,
}

impl Statistics {
    /// Returns `Σ ln gap`, or nothing where there are not as many gaps as repeats.
    fn sum_ln_gaps(&self) -> Option<f64> {
        let count: u64 = self.gaps.iter().map(|(_, n)| n).sum();
        let ln = |(days, n): &(u32, u64)| *n as f64 * f64::from((*days).max(1)).ln();
        (count == self.histories.n_repeats).then(|| self.gaps.iter().map(ln).sum())
    }

    /// Refuses a base that is too small to learn from.
    fn check(&self) -> Result<(), FitError> {
        check(&self.histories)
    }
}

fn check(histories: &Histories) -> Result<(), FitError> {
    let Histories { n_customers, n_repeaters, .. } = *histories;
    if n_customers == 0 {
        return Err(FitError::Empty);
    } else if n_repeaters == 0 {
        return Err(FitError::NoRepeat);
    } else if n_customers < MIN_CUSTOMERS || n_repeaters < MIN_REPEATERS {
        return Err(FitError::TooFew { n_customers, n_repeaters });
    }
    Ok(())
}

/// A model fitted to a base.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit<M> {
    pub model: M,
    /// Standard errors of the free parameters, in the order of the papers; unknown on a ridge.
    pub standard_errors: Vec<Option<f64>>,
    /// Hessian of the log-likelihood by the logarithms of the free parameters; its negative inverse is their covariance.
    pub hessian: Vec<Vec<f64>>,
    pub log_likelihood: f64,
    /// What the log-likelihood gains over the same model without dropout; zero for `nbd`.
    pub gain_over_no_dropout: f64,
    pub n_customers: u64,
    /// Repeats in all, `Σ x`.
    pub n_repeats: u64,
    pub n_iterations: u32,
    /// Largest slope of the mean log-likelihood at the end, by the logarithm of a parameter.
    pub gradient_norm: f64,
    /// What is odd about the fit; empty for an ordinary one.
    pub diagnoses: Vec<Diagnosis>,
}

impl<M> Fit<M> {
    /// Takes over the end of a search; `without_dropout` is the mean log-likelihood of the same model without, `odd` what the parameters show.
    fn of<const N: usize>(
        model: M,
        found: &Maximum<N>,
        histories: &Histories,
        without_dropout: f64,
        odd: &[(bool, Diagnosis)],
    ) -> Self {
        let n = histories.n_customers as f64;
        let always = [
            (found.at_bound.contains(&true), Diagnosis::AtBound),
            (found.starts_disagree, Diagnosis::StartsDisagree),
            (found.stop != Stop::Converged, Diagnosis::NotConverged),
        ];
        let holds = |(holds, diagnosis): &(bool, Diagnosis)| holds.then_some(*diagnosis);
        Self {
            model,
            standard_errors: found.standard_errors(n).to_vec(),
            hessian: found.hessian.iter().map(|row| row.iter().map(|h| h * n).collect()).collect(),
            log_likelihood: found.value * n,
            gain_over_no_dropout: (found.value - without_dropout) * n,
            n_customers: histories.n_customers,
            n_repeats: histories.n_repeats,
            n_iterations: found.n_iterations,
            gradient_norm: found.gradient_norm,
            diagnoses: odd.iter().chain(&always).filter_map(holds).collect(),
        }
    }
}

/// `(eᵘ − 1) / u`.
fn exp_m1_ratio(u: f64) -> f64 {
    if u == 0.0 { 1.0 } else { u.exp_m1() / u }
}
