//! The purchase models that a pipeline may name, and a fitted one as the other analyses ask it: histories in, days inside.
//!
//! | word in the pipeline | model                                                                   |
//! |----------------------|-------------------------------------------------------------------------|
//! | `auto`               | the best of the candidates on a holdout, see [`super::choice`]             |
//! | `nbd` … `pareto-nbd` | that one, see [`super::models`]                                         |
//! | `bg-bb`              | that one, on opportunities of the calendar, see [`super::opportunities`]  |
//!
//! A fit is always usable; ridges of its likelihood are named in [`Fit::diagnoses`].

use super::diagnosis::FitError;
use super::histories::History;
use super::models::bg_bb::BgBb;
use super::models::bg_nbd::BgNbd;
use super::models::cnbd::{BgCnbd, MbgCnbd};
use super::models::dropout::Dropout;
use super::models::mbg_nbd::MbgNbd;
use super::models::nbd::Nbd;
use super::models::pareto_nbd::ParetoNbd;
use super::models::renewals::Renewals;
use super::models::{Fit, PurchaseModel, Statistics};

const DAYS_PER_WEEK: f64 = 7.0;

/// The models of purchases on days, and one on opportunities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseKind {
    Nbd,
    MbgNbd,
    BgNbd,
    ParetoNbd,
    MbgCnbd,
    BgCnbd,
    BgBb,
}

impl PurchaseKind {
    /// Simpler ones first; of two with as many parameters the one whose scores cost less; last the one that has a clock of its own.
    pub const ALL: [Self; 7] =
        [Self::Nbd, Self::MbgNbd, Self::BgNbd, Self::ParetoNbd, Self::MbgCnbd, Self::BgCnbd, Self::BgBb];

    /// Returns the name in pipelines and manifests.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nbd => "nbd",
            Self::MbgNbd => "mbg-nbd",
            Self::BgNbd => "bg-nbd",
            Self::ParetoNbd => "pareto-nbd",
            Self::MbgCnbd => "mbg-cnbd-k",
            Self::BgCnbd => "bg-cnbd-k",
            Self::BgBb => "bg-bb",
        }
    }

    /// Says whether the fit reads the gaps between purchases.
    pub fn reads_gaps(self) -> bool {
        matches!(self, Self::MbgCnbd | Self::BgCnbd)
    }

    /// Says whether attributes of customers may shift its parameters.
    pub fn takes_covariates(self) -> bool {
        matches!(self, Self::MbgNbd | Self::ParetoNbd)
    }

    /// Fits the model to a base.
    ///
    /// # Errors
    /// Fails where the base is empty or has too few repeat purchases to learn from.
    pub fn fit(self, base: &Statistics) -> Result<Fitted, FitError> {
        match self {
            Self::Nbd => wrapped(Nbd::fit(base), Purchases::Nbd),
            Self::MbgNbd => wrapped(MbgNbd::fit(base), Purchases::MbgNbd),
            Self::BgNbd => wrapped(BgNbd::fit(base), Purchases::BgNbd),
            Self::ParetoNbd => wrapped(ParetoNbd::fit(base), Purchases::ParetoNbd),
            Self::MbgCnbd => wrapped(MbgCnbd::fit(base), Purchases::MbgCnbd),
            Self::BgCnbd => wrapped(BgCnbd::fit(base), Purchases::BgCnbd),
            Self::BgBb => wrapped(BgBb::fit(base), Purchases::BgBb),
        }
    }
}

fn wrapped<M>(fit: Result<Fit<M>, FitError>, wrap: fn(M) -> Purchases) -> Result<Fitted, FitError> {
    let fit = fit?;
    Ok(Fitted(Fit {
        model: wrap(fit.model),
        standard_errors: fit.standard_errors,
        hessian: fit.hessian,
        log_likelihood: fit.log_likelihood,
        gain_over_no_dropout: fit.gain_over_no_dropout,
        n_customers: fit.n_customers,
        n_repeats: fit.n_repeats,
        n_iterations: fit.n_iterations,
        gradient_norm: fit.gradient_norm,
        diagnoses: fit.diagnoses,
    }))
}

/// What a pipeline asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelChoice {
    /// The best on a holdout.
    #[default]
    Auto,
    /// This one.
    Named(PurchaseKind),
}

impl ModelChoice {
    pub const ALL: [Self; 8] = {
        let mut all = [Self::Auto; 8];
        let mut ix = 0;
        while ix < PurchaseKind::ALL.len() {
            all[ix + 1] = Self::Named(PurchaseKind::ALL[ix]);
            ix += 1;
        }
        all
    };

    /// Says whether the model takes covariates, or the choice can fall on one that does.
    pub fn takes_covariates(self) -> bool {
        match self {
            Self::Auto => true,
            Self::Named(kind) => kind.takes_covariates(),
        }
    }

    /// Returns the word in pipelines.
    pub fn label(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Named(kind) => kind.label(),
        }
    }
}

/// One of the models with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Purchases {
    Nbd(Nbd),
    MbgNbd(MbgNbd),
    BgNbd(BgNbd),
    ParetoNbd(ParetoNbd),
    MbgCnbd(MbgCnbd),
    BgCnbd(BgCnbd),
    BgBb(BgBb),
}

impl Purchases {
    /// Returns the formulas.
    pub fn formulas(&self) -> &dyn PurchaseModel {
        match self {
            Self::Nbd(model) => model,
            Self::MbgNbd(model) => model,
            Self::BgNbd(model) => model,
            Self::ParetoNbd(model) => model,
            Self::MbgCnbd(model) => model,
            Self::BgCnbd(model) => model,
            Self::BgBb(model) => model,
        }
    }

    /// Returns the events of a Poisson process that make a purchase.
    pub fn events_per_purchase(&self) -> u32 {
        match self {
            Self::MbgCnbd(model) => model.k,
            Self::BgCnbd(model) => model.k,
            _ => 1,
        }
    }

    /// Prepares what alive customers will do who are in a phase between two purchases, where the model knows phases.
    pub fn in_phase(&self, x: u32, age: f64, phase: usize) -> Option<Renewals> {
        let only = (0..self.events_per_purchase() as usize).map(|j| if j == phase { 1.0 } else { 0.0 }).collect();
        match self {
            Self::MbgCnbd(model) => Some(model.renewals(x, age, only)),
            Self::BgCnbd(model) => Some(model.renewals(x, age, only)),
            _ => None,
        }
    }

    /// Returns the probabilities of the phases of an alive customer; one for a model that knows none.
    pub fn phases(&self, x: u32, t_x: f64, age: f64) -> Vec<f64> {
        match self {
            Self::MbgCnbd(model) => model.phases(x, t_x, age),
            Self::BgCnbd(model) => model.phases(x, t_x, age),
            _ => vec![1.0],
        }
    }

    /// Returns the probability that a customer has not dropped out.
    pub fn p_alive(&self, history: History) -> f64 {
        let History { n_repeats, days_to_last, age_days } = history;
        self.formulas().p_alive(n_repeats, f64::from(days_to_last), f64::from(age_days))
    }

    /// Prepares the expectations of all customers with `x` repeats, where that spares something.
    pub fn dropout_after(&self, x: u32) -> Option<Dropout> {
        match self {
            Self::MbgNbd(model) => Some(model.dropout_after(x)),
            Self::BgNbd(model) => Some(model.dropout_after(x)),
            _ => None,
        }
    }
}

/// A model fitted to a base; times are days, or opportunities for BG/BB.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted(pub Fit<Purchases>);

impl Fitted {
    /// Fits the same model to another base, with the same events a purchase.
    ///
    /// # Errors
    /// As [`PurchaseKind::fit`].
    pub fn refit(&self, kind: PurchaseKind, base: &Statistics) -> Result<Self, FitError> {
        match &self.0.model {
            Purchases::MbgCnbd(model) => wrapped(MbgCnbd::fit_k(base, model.k), Purchases::MbgCnbd),
            Purchases::BgCnbd(model) => wrapped(BgCnbd::fit_k(base, model.k), Purchases::BgCnbd),
            _ => kind.fit(base),
        }
    }

    /// Returns the formulas with the fitted parameters.
    pub fn formulas(&self) -> &dyn PurchaseModel {
        self.0.model.formulas()
    }

    /// Returns the unit of time of its published parameters.
    pub fn time_unit(&self) -> &'static str {
        if matches!(self.0.model, Purchases::BgBb(_)) { "opportunity" } else { "week" }
    }

    /// Returns the log-likelihood with times in weeks, as the literature prints it: a repeat is seven times as dense there. Opportunities have
    /// probabilities, no densities.
    pub fn log_likelihood_weeks(&self) -> f64 {
        if matches!(self.0.model, Purchases::BgBb(_)) {
            return self.0.log_likelihood;
        }
        self.0.log_likelihood + self.0.n_repeats as f64 * DAYS_PER_WEEK.ln()
    }

    /// Returns symbol, value and standard error of each parameter with times in weeks, as the literature prints them.
    pub fn parameters_weeks(&self) -> Vec<(&'static str, f64, Option<f64>)> {
        let parameters = self.formulas().parameters();
        // What is not fitted by slopes, k, stands first and has no error.
        let n_fixed = parameters.len() - self.0.standard_errors.len();
        let error = |ix: usize| ix.checked_sub(n_fixed).and_then(|ix| self.0.standard_errors[ix]);
        let in_weeks = |(ix, parameter): (usize, &super::models::Parameter)| {
            let unit = if parameter.is_time { DAYS_PER_WEEK } else { 1.0 };
            (parameter.symbol, parameter.value / unit, error(ix).map(|error| error / unit))
        };
        parameters.iter().enumerate().map(in_weeks).collect()
    }

    /// Returns the probability that a customer has not dropped out.
    pub fn p_alive(&self, history: History) -> f64 {
        self.0.model.p_alive(history)
    }

    /// Returns the purchase days to be expected of a customer in the model time `time` after as-of, see [`super::clock`].
    pub fn expected_purchases(&self, history: History, time: f64) -> f64 {
        let History { n_repeats, days_to_last, age_days } = history;
        self.formulas().expected_purchases(n_repeats, f64::from(days_to_last), f64::from(age_days), time)
    }

    /// Returns the probability that a customer buys nothing in the model time `time` after as-of, see [`super::clock`].
    pub fn probability_no_purchase(&self, history: History, time: f64) -> f64 {
        let History { n_repeats, days_to_last, age_days } = history;
        self.formulas().probability_no_purchase(n_repeats, f64::from(days_to_last), f64::from(age_days), time)
    }
}
