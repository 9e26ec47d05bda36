//! The MBG/NBD model fitted to a base by maximum likelihood, in days, see [`super::models::mbg_nbd`].
//!
//! A fit is always usable. Ridges of the likelihood (no dropout, no difference between customers) are named in
//! [`FittedMbgNbd::diagnoses`]; "no dropout" compares with the fitted NBD model, whose likelihood this one approaches as `a → 0`.

use super::diagnosis::{Diagnosis, FitError};
use super::histories::{Histories, History};
use super::models::dropout::Dropout;
use super::models::mbg_nbd::MbgNbd;
use super::models::{Fit, PurchaseModel};

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
        Ok(Self::of(&MbgNbd::fit_histories(histories)?))
    }

    fn of(fit: &Fit<MbgNbd>) -> Self {
        let MbgNbd { r, alpha, a, b } = fit.model;
        Self {
            r,
            alpha_days: alpha,
            a,
            b,
            standard_errors: std::array::from_fn(|ix| fit.standard_errors[ix]),
            log_likelihood_days: fit.log_likelihood,
            gain_over_nbd: fit.gain_over_no_dropout,
            n_customers: fit.n_customers,
            n_repeats: fit.n_repeats,
            n_iterations: fit.n_iterations,
            gradient_norm: fit.gradient_norm,
            diagnoses: fit.diagnoses.clone(),
        }
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

#[cfg(test)]
mod tests;
