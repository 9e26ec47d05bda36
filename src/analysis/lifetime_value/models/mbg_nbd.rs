//! The modified beta-geometric / negative binomial model of repeat purchases (MBG/NBD): formulas of one customer.
//!
//! While alive a customer buys at a rate `λ ~ Gamma(r, α)`; after every purchase, the first one included, the customer drops out for good
//! with probability `p ~ Beta(a, b)`. With `y = r + x` and `d = ln(a / (b + x)) + y ln((α + T) / (α + t_x))`:
//!
//! ```text
//! ln L            = Σ_{k<x} ln((r + k)/α) − y ln(1 + T/α) − Σ_{k≤x} ln(1 + a/(b + k)) + ln(1 + eᵈ)
//! P(alive)        = 1 / (1 + eᵈ)
//! P(none in t)    = 1 − P(alive) (1 − ((α + T) / (α + T + t))ʸ)
//! E[purchases in t] = P(alive) E_p[(1 − (1 + p s)⁻ʸ) / p],   s = t/(α + T),  p ~ Beta(a, b + 1 + x)
//! for ever, at the rate δ: P(alive) y/(δ (α + T)) E_p[ζ(y + 1, δ (α + T)/p)],   ζ(s, z) = z eᶻ E_s(z)
//! ```
//!
//! | name      | shape  | unit                                           |
//! |-----------|--------|------------------------------------------------|
//! | `r, a, b` | scalar | 1                                              |
//! | `α`       | scalar | time, any unit, the same as that of `t_x, T, t` |
//! | `x`       | scalar | repeat purchases                               |
//!
//! All of it is finite for positive parameters, `0 ≤ t_x ≤ T` and `t ≥ 0`; there is no pole at `a = 1` or `a + b = 1`, and no gamma
//! function. `O(x)` for the likelihood, `O(1)` for the rest, see [`super::dropout`] for the expectation. Source: Batislam, Denizel and
//! Filiztekin, "Empirical validation and comparison of models for customer base analysis", IJRM 24 (2007), and Wagner and Hoppe,
//! "Erratum on the MBG/NBD model", IJRM 25 (2008); the form of the expectation is our own, checked against 60-digit values.

use super::super::diagnosis::FitError;
use super::super::histories::Histories;
use super::dropout::{self, Dropout};
use super::fit_geometric::{self, Chances};
use super::{Fit, Parameter, PurchaseModel, Statistics};
use crate::maths::log_sum::softplus;

/// Parameters of an MBG/NBD model in any unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MbgNbd {
    /// Shape of the gamma distribution of purchase rates.
    pub r: f64,
    /// Rate of that distribution, a time.
    pub alpha: f64,
    /// First shape of the beta distribution of dropout probabilities.
    pub a: f64,
    /// Second shape of that distribution.
    pub b: f64,
}

impl MbgNbd {
    /// Fits the model to histories, see [`PurchaseModel::fit`].
    ///
    /// # Errors
    /// Fails where the base is empty or has too few repeats to learn from.
    pub fn fit_histories(histories: &Histories) -> Result<Fit<Self>, FitError> {
        fit_geometric::fit(histories, Chances::All, |[r, alpha, a, b]| Self { r, alpha, a, b })
    }

    /// Prepares the expected purchases of all customers with `x` repeats; they are to be multiplied by the probability of being alive.
    pub fn dropout_after(&self, x: u32) -> Dropout {
        self.alive(x).with_nodes()
    }

    /// Says what alive customers with `x` repeats will do.
    pub fn alive(&self, x: u32) -> dropout::Geometric {
        let Self { r, alpha, a, b } = *self;
        dropout::Geometric { r, alpha, a, b, after_first: 1.0, x: f64::from(x) }
    }

    /// Returns `d`, the log-odds of having dropped out.
    fn dropout_log_odds(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let x = f64::from(x);
        (a / (b + x)).ln() + (r + x) * ((age - t_x) / (alpha + t_x)).ln_1p()
    }
}

impl PurchaseModel for MbgNbd {
    fn name(&self) -> &'static str {
        "mbg-nbd"
    }

    fn parameters(&self) -> Vec<Parameter> {
        let Self { r, alpha, a, b } = *self;
        vec![
            Parameter::number("r", r),
            Parameter::time("alpha", alpha),
            Parameter::number("a", a),
            Parameter::number("b", b),
        ]
    }

    fn fit(base: &Statistics) -> Result<Fit<Self>, FitError> {
        Self::fit_histories(&base.histories)
    }

    fn log_likelihood(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let rates: f64 = (0..x).map(|k| ((r + f64::from(k)) / alpha).ln()).sum();
        let stays: f64 = (0..=x).map(|k| (a / (b + f64::from(k))).ln_1p()).sum();
        rates - (r + f64::from(x)) * (age / alpha).ln_1p() - stays + softplus(self.dropout_log_odds(x, t_x, age))
    }

    fn p_alive(&self, x: u32, t_x: f64, age: f64) -> f64 {
        1.0 / (1.0 + self.dropout_log_odds(x, t_x, age).exp())
    }

    fn buys_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        -(-(self.r + f64::from(x)) * (t / (self.alpha + age)).ln_1p()).exp_m1()
    }

    fn expected_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        self.alive(x).expected_if_alive(age, t)
    }

    fn discounted_if_alive(&self, x: u32, _t_x: f64, age: f64, rate: f64) -> Option<f64> {
        self.dropout_after(x).discounted_if_alive(age, rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model([r, alpha, a, b]: [f64; 4]) -> MbgNbd {
        MbgNbd { r, alpha, a, b }
    }

    fn close(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() <= 1e-13_f64.max(1e-10 * expected.abs())
    }

    /// Log-likelihood, probability of being alive and expected purchases in 39 and 520 weeks, computed with 60 digits.
    #[test]
    fn meets_the_reference_of_sixty_digits() {
        // One entry a history: x, t_x, T in weeks.
        let histories = [
            (0, 0.0, 38.86),
            (2, 30.43, 38.86),
            (26, 216.0 / 7.0, 31.0),
            (1, 1.0 / 7.0, 104.0),
            (300, 99.0, 104.0),
            (1000, 10.0, 100.0),
        ];
        for (parameters, expected) in REFERENCE {
            for ((x, t_x, age), [ll, p_alive, in_39, in_520]) in histories.into_iter().zip(expected) {
                let model = model(*parameters);
                assert!(close(model.log_likelihood(x, t_x, age), *ll), "ll of {parameters:?} {x}");
                assert!(close(model.p_alive(x, t_x, age), *p_alive), "p_alive of {parameters:?} {x}");
                assert!(close(model.expected_purchases(x, t_x, age, 39.0), *in_39), "39 weeks of {parameters:?} {x}");
                assert!(
                    close(model.expected_purchases(x, t_x, age, 520.0), *in_520),
                    "520 weeks of {parameters:?} {x}"
                );
            }
        }
    }

    #[test]
    fn nothing_happens_in_no_time() {
        let model = model([0.5, 6.0, 0.9, 1.6]);
        assert_eq!(model.expected_purchases(3, 10.0, 12.0, 0.0), 0.0);
        assert_eq!(model.probability_no_purchase(3, 10.0, 12.0, 0.0), 1.0);
    }

    /// A month is too short for a second purchase where purchases are rare: both answers agree on one minus the other.
    #[test]
    fn one_purchase_at_most_is_expected_as_often_as_it_happens() {
        let model = model([0.5, 1e5, 0.9, 1.6]);
        let (expected, none) =
            (model.expected_purchases(0, 0.0, 9.0, 4.0), model.probability_no_purchase(0, 0.0, 9.0, 4.0));
        assert!((expected / (1.0 - none) - 1.0).abs() < 1e-4);
    }

    fn wide() -> impl Strategy<Value = ([f64; 4], u32, f64, f64, f64)> {
        let shape = prop_oneof![4 => (-7.0..7.0_f64).prop_map(f64::exp), 1 => Just(1.0), 1 => Just(0.5)];
        let x = prop_oneof![Just(0), Just(1), Just(2), Just(1000), 0..100_u32];
        let alpha = (-12.0..9.0_f64).prop_map(f64::exp);
        let share = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0];
        (shape.clone(), alpha, shape.clone(), shape, x, share, 0.0..4000.0_f64, 0.0..4000.0_f64).prop_map(
            |(r, alpha, a, b, x, share, age, t)| ([r, alpha, a, b], x, if x == 0 { 0.0 } else { share * age }, age, t),
        )
    }

    proptest! {
        /// No parameters and no history lead out of the range of an answer.
        #[test]
        fn answers_stay_in_range((parameters, x, t_x, age, t) in wide()) {
            let model = model(parameters);
            let (alive, none) = (model.p_alive(x, t_x, age), model.probability_no_purchase(x, t_x, age, t));
            let expected = model.expected_purchases(x, t_x, age, t);
            prop_assert!(model.log_likelihood(x, t_x, age).is_finite());
            prop_assert!((0.0..=1.0).contains(&alive));
            prop_assert!((0.0..=1.0).contains(&none));
            // Nobody buys more than a customer who never drops out, nor less than once where something is bought.
            let without_dropout = alive * (parameters[0] + f64::from(x)) * t / (parameters[1] + age);
            prop_assert!(expected.is_finite() && expected <= without_dropout * (1.0 + 1e-9));
            prop_assert!(expected >= (1.0 - none) * (1.0 - 1e-9) - 1e-15, "{expected} {none}");
        }

        /// Weeks or days: only the density changes, by `ln 7` a repeat.
        #[test]
        fn the_unit_of_time_changes_nothing((parameters, x, t_x, age, t) in wide()) {
            let days = model(parameters);
            let weeks = MbgNbd { alpha: days.alpha / 7.0, ..days };
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (a.abs() + b.abs()) + 1e-13;
            prop_assert!(near(days.p_alive(x, t_x, age), weeks.p_alive(x, t_x / 7.0, age / 7.0)));
            prop_assert!(near(days.expected_purchases(x, t_x, age, t), weeks.expected_purchases(x, t_x / 7.0, age / 7.0, t / 7.0)));
            let in_days = weeks.log_likelihood(x, t_x / 7.0, age / 7.0) - f64::from(x) * 7_f64.ln();
            prop_assert!(near(days.log_likelihood(x, t_x, age), in_days));
        }

        /// A longer wait only adds purchases.
        #[test]
        fn expectation_grows_with_the_horizon((parameters, x, t_x, age, t) in wide()) {
            let model = model(parameters);
            let (shorter, longer) = (model.expected_purchases(x, t_x, age, t), model.expected_purchases(x, t_x, age, 1.5 * t));
            prop_assert!(longer >= shorter * (1.0 - 1e-10));
        }
    }

    #[rustfmt::skip]
    const REFERENCE: &[([f64; 4], [[f64; 4]; 6])] = &[
        ([0.243, 4.414, 0.793, 2.426], [
            [-0.38695222057085343, 0.6372533379648953, 0.1274613825456613, 1.0373088652871194],
            [-9.687182636249961, 0.7744192426236461, 1.3404974284912132, 8.532739512174421],
            [-37.755124665199865, 0.9699143686195026, 20.931881778653363, 100.0961233102042],
            [-4.812704669041835, 0.07754756234751514, 0.0327578252102419, 0.29204173836711567],
            [7.076323351294154, 0.00026572847304831765, 0.02534053253265983, 0.1698218156710566],
            [3225.14119483694, 0.0, 0.0, 0.0],
        ]),
        ([0.11, 2.24, 0.31, 0.5], [
            [-0.18520438611257317, 0.5394148644640465, 0.05233860604205281, 0.503500707812531],
            [-10.45878423050827, 0.8324541810942235, 1.5153309851360095, 13.624797820057951],
            [-36.627771695433324, 0.9870786875912236, 26.531799949503377, 224.05518103652352],
            [-5.260279541210712, 0.06670344526102363, 0.02614782215965488, 0.2734380045595402],
            [12.933360588486181, 0.0005048738187870775, 0.05288237803874183, 0.5274785288338261],
            [3388.279867059445, 0.0, 0.0, 0.0],
        ]),
        ([0.11, 2.24, 0.31, 0.69], [
            [-0.20946439962333652, 0.6177645816827337, 0.06031480608052195, 0.5904807651966052],
            [-10.332060692237684, 0.8424234976774687, 1.5394267609685195, 13.957985729832478],
            [-36.473394100447315, 0.9871694912564697, 26.552474196501645, 224.4518870517092],
            [-5.240323799456862, 0.07452289669245897, 0.02928040102531545, 0.30922745864540857],
            [13.089164150025931, 0.000505192878901635, 0.05291730286925973, 0.5278745135690215],
            [3388.436249186529, 0.0, 0.0, 0.0],
        ]),
        ([0.3, 5.0, 1.0, 2.0], [
            [-0.3844091289629817, 0.5104179248684402, 0.12046341444352936, 0.8548523800836073],
            [-9.728880858316609, 0.7099978418763524, 1.1877621909252174, 6.328022178032294],
            [-38.51779241416161, 0.9618609720774757, 19.07710650424609, 73.76858833572271],
            [-4.586709449888776, 0.05359328984695233, 0.0231085638894811, 0.1839304880099041],
            [4.858512789711286, 0.0002269043638247826, 0.020867096469705037, 0.11999835507124856],
            [3184.689705113204, 0.0, 0.0, 0.0],
        ]),
        ([0.6, 20.9, 1.2756, 8.86], [
            [-0.5255118136008219, 0.7871410436111074, 0.2914962994035831, 2.576642548743485],
            [-9.058301491325214, 0.8514868602630602, 1.3022363171692533, 8.854500473537618],
            [-45.40276663916646, 0.9621159467304108, 14.390668673446934, 55.826001614887794],
            [-5.49298983960532, 0.30907355593830477, 0.14821985744964403, 1.3935623341308787],
            [-34.823715627701766, 0.0011218560423316161, 0.08871918602285063, 0.4538325870555635],
            [2465.2806086992077, 0.0, 0.0, 0.0],
        ]),
        ([2.5, 1.5, 0.001, 0.039], [
            [-3.6785478099240727, 0.010278456085153428, 0.02480550460052789, 0.33000933947616895],
            [-13.482923460992192, 0.998594415424134, 4.33963391581805, 57.75866661213241],
            [-32.29625282574395, 0.9999564605602482, 34.182224485749295, 455.031209326049],
            [-6.779379931347093, 0.0004893489563923587, 0.0006329252296914686, 0.008426755025835625],
            [17.099023313790713, 0.11148287364842847, 12.46445434602781, 166.03005002517423],
            [3460.9194723880187, 0.0, 0.0, 0.0],
        ]),
    ];
}
