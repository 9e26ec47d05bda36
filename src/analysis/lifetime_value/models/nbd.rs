//! The negative binomial model of repeat purchases (NBD), in which nobody drops out: the yardstick of the others.
//!
//! A customer buys at a rate `λ ~ Gamma(r, α)` for ever. With `y = r + x`:
//!
//! ```text
//! ln L              = Σ_{k<x} ln((r + k)/α) − y ln(1 + T/α)
//! P(none in t)      = (1 + t/(α + T))⁻ʸ
//! E[purchases in t] = y t/(α + T),    for ever at the rate δ: y/(δ (α + T))
//! ```
//!
//! The likelihood is that of the times of the purchases, comparable to the other models; that of their number alone is larger by
//! `Σ (x ln T − ln x!)`, which no parameter changes. `O(x)` for the likelihood, `O(1)` for the rest. Source: Ehrenberg, "The pattern of consumer
//! purchases", Applied Statistics 8 (1959).

use super::super::diagnosis::{Diagnosis, FitError};
use super::sums::Sums;
use super::{DEGENERATE_SHAPE, Fit, Parameter, PurchaseModel, Statistics};

/// Parameters of an NBD model in any unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nbd {
    /// Shape of the gamma distribution of purchase rates.
    pub r: f64,
    /// Rate of that distribution, a time.
    pub alpha: f64,
}

impl PurchaseModel for Nbd {
    fn name(&self) -> &'static str {
        "nbd"
    }

    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::number("r", self.r), Parameter::time("alpha", self.alpha)]
    }

    fn fit(base: &Statistics) -> Result<Fit<Self>, FitError> {
        base.check()?;
        let sums = Sums::of(&base.histories);
        let found = sums.fit_nbd(1).ok_or(FitError::NotFinite)?;
        let [r, alpha] = found.parameters;
        let odd = [(r > DEGENERATE_SHAPE, Diagnosis::OneRate)];
        Ok(Fit::of(Self { r, alpha }, &found, &base.histories, found.value, &odd))
    }

    fn log_likelihood(&self, x: u32, _t_x: f64, age: f64) -> f64 {
        ln_without_dropout(self.r, self.alpha, x, age)
    }

    fn p_alive(&self, _x: u32, _t_x: f64, _age: f64) -> f64 {
        1.0
    }

    fn expected_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        (self.r + f64::from(x)) * (t / (self.alpha + age))
    }

    fn buys_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        -(-(self.r + f64::from(x)) * (t / (self.alpha + age)).ln_1p()).exp_m1()
    }

    fn probability_no_purchase(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        (-(self.r + f64::from(x)) * (t / (self.alpha + age)).ln_1p()).exp()
    }

    fn discounted_if_alive(&self, x: u32, _t_x: f64, age: f64, rate: f64) -> Option<f64> {
        let purchases = (self.r + f64::from(x)) / (rate * (self.alpha + age));
        Some(purchases).filter(|purchases| rate > 0.0 && purchases.is_finite())
    }
}

/// Returns `Σ_{k<x} ln((r + k)/α) − (r + x) ln(1 + T/α)`.
pub(super) fn ln_without_dropout(r: f64, alpha: f64, x: u32, age: f64) -> f64 {
    let rates: f64 = (0..x).map(|k| ((r + f64::from(k)) / alpha).ln()).sum();
    rates - (r + f64::from(x)) * (age / alpha).ln_1p()
}
