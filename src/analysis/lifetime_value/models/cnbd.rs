//! The BG/CNBD-k and MBG/CNBD-k models: purchases more regular than chance, and a chance of dropping out after each.
//!
//! While alive a customer buys at every `k`-th event of a Poisson process of rate `λ ~ Gamma(r, α)`, so that gaps are Erlang distributed; after every
//! purchase (MBG, `e = 1`) or every repeat (BG, `e = 0`) the customer drops out for good with probability `p ~ Beta(a, b)`. `k = 1` is MBG/NBD or
//! BG/NBD. With `y = r + k x`, `v = (T − t_x)/(α + T)`, `d = ln(a/(b + x + e − 1)) + y ln((α + T)/(α + t_x))`, `−∞` for `x + e = 0`:
//!
//! ```text
//! S        = Σ_{j<k} (y)_j/j! vʲ                                    alive, j events since the last purchase
//! ln L     = Σ_{i<kx} ln((r + i)/α) − y ln(1 + T/α) − x ln Γ(k) − Σ_{i<x+e} ln(1 + a/(b + i)) + ln(S + eᵈ)
//! P(alive) = S/(S + eᵈ)
//! ```
//!
//! The density of the gaps given their sum, `(k − 1) Σ ln gap`, depends on `k` alone: the fit adds it, a single history leaves it out. Given
//! that the customer is alive, `j` has the weights of the terms of `S`, `λ ~ Gamma(y + j, α + T)` and `p ~ Beta(a, b + e + x)`: what is to be
//! expected follows exactly, see `renewals.rs`.
//!
//! `O(k x)` for the likelihood, `O(k)` for the probabilities. Source: Reutterer, Platzer and
//! Schröder, "Leveraging purchase regularity for predicting customer behavior the easy way", IJRM 38 (2021), where the expectation is
//! approximated; the exact one is our own, checked against numerical integration.

use super::super::diagnosis::FitError;
use super::fit_cnbd;
use super::fit_geometric::Chances;
use super::renewals::Renewals;
use super::{Fit, Parameter, PurchaseModel, Statistics};
use crate::maths::gamma::ln_gamma;

/// Largest `k` that is tried.
pub const MAX_K: u32 = 12;

/// The model in which repeats only are followed by a chance of dropping out.
pub type BgCnbd = Cnbd<false>;

/// The model in which the first purchase is followed by one, too.
pub type MbgCnbd = Cnbd<true>;

/// Parameters of a BG/CNBD-k (`FIRST = false`) or MBG/CNBD-k model in any unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cnbd<const FIRST: bool> {
    /// Events that make a purchase, at least one.
    pub k: u32,
    /// Shape of the gamma distribution of event rates.
    pub r: f64,
    /// Rate of that distribution, a time.
    pub alpha: f64,
    /// First shape of the beta distribution of dropout probabilities.
    pub a: f64,
    /// Second shape of that distribution.
    pub b: f64,
}

impl<const FIRST: bool> Cnbd<FIRST> {
    pub(super) const CHANCES: Chances = if FIRST { Chances::All } else { Chances::Repeats };

    /// Fits the model with a given `k`, at least one.
    ///
    /// # Errors
    /// Fails where the base is empty or has too few repeats to learn from, or where the gaps are not those of the histories.
    pub fn fit_k(base: &Statistics, k: u32) -> Result<Fit<Self>, FitError> {
        fit_cnbd::fit_k(base, k.max(1))
    }

    /// Returns the logarithms of the terms of `S`, `−∞` for those that cannot be.
    fn ln_alive(&self, x: u32, t_x: f64, age: f64) -> Vec<f64> {
        let y = self.r + f64::from(self.k) * f64::from(x);
        let ln_v = ((age - t_x) / (self.alpha + age)).ln();
        let mut ln = 0.0;
        let mut terms = vec![ln];
        for j in 1..self.k {
            let j = f64::from(j);
            ln += ((y + j - 1.0) / j).ln() + ln_v;
            terms.push(ln);
        }
        terms
    }

    /// Returns `d`, the logarithm of the weight of having dropped out.
    fn ln_dropped_out(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let Self { k, r, alpha, a, b } = *self;
        let chances = f64::from(x) + Self::CHANCES.after_first();
        if chances == 0.0 {
            return f64::NEG_INFINITY;
        }
        let y = r + f64::from(k) * f64::from(x);
        (a / (b + (chances - 1.0))).ln() + y * ((age - t_x) / (alpha + t_x)).ln_1p()
    }

    /// Returns the probabilities of `j` events since the last purchase of a customer who is alive.
    pub fn phases(&self, x: u32, t_x: f64, age: f64) -> Vec<f64> {
        let mut terms = self.ln_alive(x, t_x, age);
        let total = ln_sum(&terms);
        terms.iter_mut().for_each(|ln| *ln = (*ln - total).exp());
        terms
    }

    /// Prepares what alive customers of given phases will do; all of it is linear in them.
    pub fn renewals(&self, x: u32, age: f64, phases: Vec<f64>) -> Renewals {
        Renewals {
            k: self.k,
            y: self.r + f64::from(self.k) * f64::from(x),
            time: self.alpha + age,
            a: self.a,
            beta: self.b + Self::CHANCES.after_first() + f64::from(x),
            phases,
        }
    }

    fn renewals_of(&self, x: u32, t_x: f64, age: f64) -> Renewals {
        self.renewals(x, age, self.phases(x, t_x, age))
    }
}

impl<const FIRST: bool> PurchaseModel for Cnbd<FIRST> {
    fn name(&self) -> &'static str {
        if FIRST { "mbg-cnbd-k" } else { "bg-cnbd-k" }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let Self { k, r, alpha, a, b } = *self;
        vec![
            Parameter::number("k", f64::from(k)),
            Parameter::number("r", r),
            Parameter::time("alpha", alpha),
            Parameter::number("a", a),
            Parameter::number("b", b),
        ]
    }

    /// Tries `k` = 1, 2, … until the likelihood fell twice, and keeps the best.
    fn fit(base: &Statistics) -> Result<Fit<Self>, FitError> {
        fit_cnbd::fit(base)
    }

    fn log_likelihood(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let Self { k, r, alpha, a, b } = *self;
        let events = (0..u64::from(k) * u64::from(x)).map(|i| ((r + i as f64) / alpha).ln()).sum::<f64>();
        let n_chances = x + u32::from(FIRST);
        let stays: f64 = (0..n_chances).map(|i| (a / (b + f64::from(i))).ln_1p()).sum();
        let y = r + f64::from(k) * f64::from(x);
        let mut ends = self.ln_alive(x, t_x, age);
        ends.push(self.ln_dropped_out(x, t_x, age));
        events - y * (age / alpha).ln_1p() - f64::from(x) * ln_gamma(f64::from(k)) - stays + ln_sum(&ends)
    }

    fn p_alive(&self, x: u32, t_x: f64, age: f64) -> f64 {
        1.0 / (1.0 + (self.ln_dropped_out(x, t_x, age) - ln_sum(&self.ln_alive(x, t_x, age))).exp())
    }

    fn expected_if_alive(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64 {
        self.renewals_of(x, t_x, age).expected(t)
    }

    fn buys_if_alive(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64 {
        1.0 - self.renewals_of(x, t_x, age).probability_of_none(t)
    }

    fn discounted_if_alive(&self, x: u32, t_x: f64, age: f64, rate: f64) -> Option<f64> {
        self.renewals_of(x, t_x, age).discounted(rate)
    }
}

/// Returns the logarithm of the sum, given the logarithms of the terms, the first of which is finite.
fn ln_sum(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.iter().map(|ln| (ln - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::super::bg_nbd::BgNbd;
    use super::super::mbg_nbd::MbgNbd;
    use super::super::tests::close;
    use super::*;
    use proptest::prelude::*;

    /// Log-likelihood, probability of being alive, expected purchases and probability of none in 39 weeks, and discounted purchases at
    /// 0.005 a week, by numerical integration over rates and dropout with 25 digits, the last with 15.
    #[test]
    fn meets_integrals_over_rates_and_dropout() {
        let check = |model: &dyn PurchaseModel, expected: [[f64; 5]; 3]| {
            let histories = [(0, 0.0, 38.86), (2, 30.43, 38.86), (7, 20.0, 39.0)];
            for ((x, t_x, age), [ll, alive, in_39, none, discounted]) in histories.into_iter().zip(expected) {
                assert!(close(model.log_likelihood(x, t_x, age), ll));
                assert!(close(model.p_alive(x, t_x, age), alive));
                assert!(close(model.expected_purchases(x, t_x, age, 39.0), in_39));
                assert!(close(model.probability_no_purchase(x, t_x, age, 39.0), none));
                let actual = model.discounted_purchases(x, t_x, age, 0.005).unwrap();
                assert!((actual / discounted - 1.0).abs() < 1e-9, "{actual} {discounted}");
            }
        };
        check(
            &BgCnbd { k: 2, r: 0.9, alpha: 5.5, a: 0.8, b: 2.4 },
            [
                [-1.2975024373721318, 1.0, 0.5452371188429802, 0.5833464176746452, 1.712330216445264],
                [-13.632538659155143, 0.7450335450665292, 1.4940087643753313, 0.32139100415132826, 4.212210947494904],
                [
                    -25.312165358533342,
                    0.018913205276425985,
                    0.10705388282974394,
                    0.981089261906428,
                    0.27821769134414986,
                ],
            ],
        );
        check(
            &MbgCnbd { k: 3, r: 0.9, alpha: 5.5, a: 0.8, b: 2.4 },
            [
                [-0.6347145150438053, 0.5283791245210634, 0.2624438383809511, 0.7885003538828233, 0.9090573101411211],
                [-18.954214428836405, 0.8089237514222352, 1.6552748046234778, 0.23451714668973989, 4.914956069108946],
                [
                    -32.89544201893243,
                    0.003322130432004989,
                    0.019464770831102464,
                    0.9966778779671257,
                    0.05135336899396493,
                ],
            ],
        );
    }

    proptest! {
        /// One event a purchase: BG/NBD and MBG/NBD, each answer by another way than theirs.
        #[test]
        fn one_event_is_the_simpler_model(
            r in 0.05..20.0_f64, alpha in 0.5..50.0_f64, a in 0.05..20.0_f64, b in 0.05..20.0_f64,
            x in prop_oneof![Just(0), 0..60_u32], share in 0.0..=1.0_f64, t in 0.1..500.0_f64,
        ) {
            let age = 39.0;
            let t_x = if x == 0 { 0.0 } else { share * age };
            let near = |one: f64, other: f64| (one - other).abs() <= 1e-9 * other.abs() + 1e-13;
            let pairs: [(&dyn PurchaseModel, &dyn PurchaseModel); 2] = [
                (&BgCnbd { k: 1, r, alpha, a, b }, &BgNbd { r, alpha, a, b }),
                (&MbgCnbd { k: 1, r, alpha, a, b }, &MbgNbd { r, alpha, a, b }),
            ];
            for (one, other) in pairs {
                let answers = |model: &dyn PurchaseModel| {
                    [
                        model.log_likelihood(x, t_x, age),
                        model.p_alive(x, t_x, age),
                        model.expected_purchases(x, t_x, age, t),
                        model.probability_no_purchase(x, t_x, age, t),
                        model.discounted_purchases(x, t_x, age, 0.01).unwrap(),
                    ]
                };
                for (one, other) in answers(one).into_iter().zip(answers(other)) {
                    prop_assert!(near(one, other), "{one} {other}");
                }
            }
        }
    }
}
