//! The Pareto / negative binomial model of repeat purchases (Pareto/NBD): formulas of one customer.
//!
//! While alive a customer buys at a rate `λ ~ Gamma(r, α)`; life ends at any time at a rate `μ ~ Gamma(s, β)`. With `y = r + x`:
//!
//! ```text
//! S(from, to)     = ((α + from)/(α + to))ʸ ((β + from)/(β + to))ˢ
//! I(from, to)     = s ∫_from^to S(from, u) du/(β + u)
//! ln L            = Σ_{k<x} ln((r + k)/α) − y ln(1 + t_x/α) − s ln(1 + t_x/β) + ln(S(t_x, T) + I(t_x, T))
//! P(alive)        = S / (S + I)
//! P(none in t | alive) = S(0, t) + I(0, t) with α + T for α, β + T for β
//! E[purchases in t] = P(alive) y (β + T)/(α + T) l φ((1 − s) l),   l = ln(1 + t/(β + T)),  φ(u) = (eᵘ − 1)/u
//! for ever, at the rate δ: P(alive) y/(δ (α + T)) ζ(s, δ (β + T)),  ζ(s, z) = z eᶻ E_s(z)
//! ```
//!
//! | name      | shape  | unit                                           |
//! |-----------|--------|------------------------------------------------|
//! | `r, s`    | scalar | 1                                              |
//! | `α, β`    | scalar | time, any unit, the same as that of `t_x, T, t` |
//!
//! `S` belongs to those who neither bought nor left between `from` and `to`, `I` to those who left. The textbook's difference of two Gauss
//! functions cancels where `t_x` is near `T`; the integral has positive terms only. With `m = min(α, β)` the logarithm of the integrand is
//! concave in `ln(u + m)`, so that panels follow it from `from` on until it fell by `e⁻⁴⁰`: 8 to 100 nodes. All of it is finite on the whole
//! domain, there is no pole at `s = 1`.
//!
//! Source: Schmittlein, Morrison and Colombo, "Counting your customers", Management Science 33 (1987); Fader and Hardie, "A note on deriving the
//! Pareto/NBD model" (2005); Fader, Hardie and Lee, "RFM and CLV", JMR 42 (2005) for the discounted form.

use super::super::diagnosis::FitError;
use super::fit_pareto_nbd;
use super::nbd::ln_without_dropout;
use super::{Fit, Parameter, PurchaseModel, Statistics, exp_m1_ratio};
use crate::maths::exp_integral::scaled_exp_integral;
use crate::maths::quadrature::{GAUSS_8, GAUSS_16};

/// An integrand below `e⁻⁴⁰` of its largest value is nothing.
const NEGLIGIBLE: f64 = 40.0;

/// Longest panel in `ln(u + m)`, and how much the logarithm may change on it, with sixteen nodes.
const PANEL: (f64, f64) = (4.0, 20.0);

/// The same with eight nodes.
const SHORT_PANEL: (f64, f64) = (1.0, 3.0);

/// Parameters of a Pareto/NBD model in any unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParetoNbd {
    /// Shape of the gamma distribution of purchase rates.
    pub r: f64,
    /// Rate of that distribution, a time.
    pub alpha: f64,
    /// Shape of the gamma distribution of dropout rates.
    pub s: f64,
    /// Rate of that distribution, a time.
    pub beta: f64,
}

/// A moment at which a customer may have left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    /// Time after the first purchase.
    pub at: f64,
    /// `ln((α + u)/(α + from))`.
    pub ln_alpha: f64,
    /// `ln((β + u)/(β + from))`.
    pub ln_beta: f64,
    /// Logarithm of its share of `I`.
    pub ln: f64,
}

impl ParetoNbd {
    /// Splits `I(from, to)` of a customer with the shape `y` into moments; none where `from = to`.
    pub(super) fn leavings(&self, y: f64, from: f64, to: f64, mut each: impl FnMut(Leaving)) {
        let Self { alpha, s, beta, .. } = *self;
        let m = alpha.min(beta);
        let end = ((to - from) / (from + m)).ln_1p();
        let since = |step: f64| (from + m) * step.exp_m1();
        let height = |step: f64| {
            let since = since(step);
            let (ln_alpha, ln_beta) = ((since / (alpha + from)).ln_1p(), (since / (beta + from)).ln_1p());
            let share = (from + m + since) / (beta + from + since);
            Leaving { at: from + since, ln_alpha, ln_beta, ln: (s * share).ln() - y * ln_alpha - s * ln_beta }
        };
        let slope = |step: f64| {
            let u = from + since(step);
            1.0 - (u + m) * (y / (alpha + u) + (s + 1.0) / (beta + u))
        };
        let (mut step, mut highest) = (0.0, f64::NEG_INFINITY);
        let mut steep = slope(step);
        while step < end {
            let here = height(step).ln;
            highest = highest.max(here);
            if steep < 0.0 && here < highest - NEGLIGIBLE {
                break;
            }
            // The logarithm is concave: its slope is at its steepest at an end of the panel.
            let mut length = PANEL.0.min(end - step);
            let mut next = slope(step + length);
            while next.abs().max(steep.abs()) * length > PANEL.1 {
                length *= 0.5;
                next = slope(step + length);
            }
            let rule: &[(f64, f64)] =
                if length <= SHORT_PANEL.0 && next.abs().max(steep.abs()) * length <= SHORT_PANEL.1 {
                    &GAUSS_8
                } else {
                    &GAUSS_16
                };
            for (at, weight) in rule {
                let leaving = height(step + length * at);
                each(Leaving { ln: leaving.ln + (weight * length).ln(), ..leaving });
            }
            (step, steep) = (if length == end - step { end } else { step + length }, next);
        }
    }

    /// Returns `ln S(from, to)`.
    fn ln_silent(&self, y: f64, from: f64, to: f64) -> f64 {
        -y * ((to - from) / (self.alpha + from)).ln_1p() - self.s * ((to - from) / (self.beta + from)).ln_1p()
    }

    /// Returns `ln I(from, to)`, `−∞` where `from = to`.
    fn ln_left(&self, y: f64, from: f64, to: f64) -> f64 {
        let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
        self.leavings(y, from, to, |Leaving { ln, .. }| {
            if ln > largest {
                sum *= (largest - ln).exp();
                largest = ln;
            }
            if ln > f64::NEG_INFINITY {
                sum += (ln - largest).exp();
            }
        });
        if sum > 0.0 { largest + sum.ln() } else { f64::NEG_INFINITY }
    }

    /// Returns `ln (S + I)`.
    fn ln_either(&self, y: f64, from: f64, to: f64) -> f64 {
        let (silent, left) = (self.ln_silent(y, from, to), self.ln_left(y, from, to));
        silent.max(left) + (-(silent - left).abs()).exp().ln_1p()
    }
}

impl PurchaseModel for ParetoNbd {
    fn name(&self) -> &'static str {
        "pareto-nbd"
    }

    fn parameters(&self) -> Vec<Parameter> {
        let Self { r, alpha, s, beta } = *self;
        vec![
            Parameter::number("r", r),
            Parameter::time("alpha", alpha),
            Parameter::number("s", s),
            Parameter::time("beta", beta),
        ]
    }

    fn fit(base: &Statistics) -> Result<Fit<Self>, FitError> {
        fit_pareto_nbd::fit(&base.histories)
    }

    fn log_likelihood(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let y = self.r + f64::from(x);
        ln_without_dropout(self.r, self.alpha, x, t_x) - self.s * (t_x / self.beta).ln_1p()
            + self.ln_either(y, t_x, age)
    }

    fn p_alive(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let y = self.r + f64::from(x);
        1.0 / (1.0 + (self.ln_left(y, t_x, age) - self.ln_silent(y, t_x, age)).exp())
    }

    fn expected_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let l = (t / (beta + age)).ln_1p();
        (r + f64::from(x)) * (beta + age) / (alpha + age) * l * exp_m1_ratio((1.0 - s) * l)
    }

    fn buys_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        let later = Self { alpha: self.alpha + age, beta: self.beta + age, ..*self };
        1.0 - later.ln_either(self.r + f64::from(x), 0.0, t).exp()
    }

    fn discounted_if_alive(&self, x: u32, _t_x: f64, age: f64, rate: f64) -> Option<f64> {
        let Self { r, alpha, s, beta } = *self;
        let everlasting = (r + f64::from(x)) / (rate * (alpha + age));
        let purchases = everlasting * scaled_exp_integral(s, rate * (beta + age));
        Some(purchases).filter(|purchases| rate > 0.0 && purchases.is_finite())
    }
}

#[cfg(test)]
mod tests;
