//! The beta-geometric / negative binomial model of repeat purchases (BG/NBD): formulas of one customer.
//!
//! While alive a customer buys at a rate `λ ~ Gamma(r, α)`; after every repeat the customer drops out for good with probability
//! `p ~ Beta(a, b)`. With `y = r + x` and, for `x > 0`, `d = ln(a / (b + x − 1)) + y ln((α + T) / (α + t_x))`, else `d = −∞`:
//!
//! ```text
//! ln L            = Σ_{k<x} ln((r + k)/α) − y ln(1 + T/α) − Σ_{k<x} ln(1 + a/(b + k)) + ln(1 + eᵈ)
//! P(alive)        = 1 / (1 + eᵈ)
//! P(none in t)    = 1 − P(alive) (1 − ((α + T) / (α + T + t))ʸ)
//! E[purchases in t] = P(alive) E_p[(1 − (1 + p s)⁻ʸ) / p],   s = t/(α + T),  p ~ Beta(a, b + x)
//! for ever, at the rate δ: P(alive) y/(δ (α + T)) E_p[ζ(y + 1, δ (α + T)/p)],   ζ(s, z) = z eᶻ E_s(z)
//! ```
//!
//! Who never came back is alive for certain, however long ago that was: for a list of lost customers [`super::mbg_nbd`] is the better model.
//! Units as there; `O(x)` for the likelihood, `O(1)` for the rest, see [`super::dropout`] for the expectation, which has no pole at `a = 1` or
//! `a + b = 1`. Source: Fader, Hardie and Lee, "Counting your customers the easy way", Marketing Science 24 (2005).

use super::super::diagnosis::FitError;
use super::dropout::{Dropout, Geometric};
use super::fit_geometric::{self, Chances};
use super::nbd::ln_without_dropout;
use super::{Fit, Parameter, PurchaseModel, Statistics};
use crate::maths::log_sum::softplus;

/// Parameters of a BG/NBD model in any unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    /// Shape of the gamma distribution of purchase rates.
    pub r: f64,
    /// Rate of that distribution, a time.
    pub alpha: f64,
    /// First shape of the beta distribution of dropout probabilities.
    pub a: f64,
    /// Second shape of that distribution.
    pub b: f64,
}

impl BgNbd {
    /// Returns the probability that a new customer makes `n` repeats in the time `t`.
    ///
    /// The sum of two ways: `n` events of the Poisson process and alive through `n − 1` of them, or more events and dropped out after the `n`th.
    pub fn probability_of_purchases(&self, n: u32, t: f64) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let (s, z) = (t / alpha, t / (alpha + t));
        // Probability of k events, and of k or fewer.
        let mut exactly = (-r * s.ln_1p()).exp();
        let mut at_most = exactly;
        let mut stays = 1.0;
        for k in 0..n {
            let k = f64::from(k);
            exactly *= (r + k) / (k + 1.0) * z;
            at_most += exactly;
            if k > 0.0 {
                stays *= (b + k - 1.0) / (a + b + k - 1.0);
            }
        }
        if n == 0 {
            return exactly;
        }
        let before = f64::from(n) - 1.0;
        let drops = a / (a + b + before);
        // Where most of the probability lies above, the complement has all digits.
        let above = (at_most > 0.5).then(|| more_than(r, f64::from(n), z, exactly)).flatten();
        (stays * (exactly + drops * above.unwrap_or(1.0 - at_most).max(0.0))).clamp(0.0, 1.0)
    }

    /// Prepares the expected purchases of all customers with `x` repeats; they are to be multiplied by the probability of being alive.
    pub fn dropout_after(&self, x: u32) -> Dropout {
        self.alive(x).with_nodes()
    }

    /// Says what alive customers with `x` repeats will do.
    pub fn alive(&self, x: u32) -> Geometric {
        let Self { r, alpha, a, b } = *self;
        Geometric { r, alpha, a, b, after_first: 0.0, x: f64::from(x) }
    }

    /// Returns `d`, the log-odds of having dropped out.
    fn dropout_log_odds(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let Some(passed) = x.checked_sub(1) else { return f64::NEG_INFINITY };
        (a / (b + f64::from(passed))).ln() + (r + f64::from(x)) * ((age - t_x) / (alpha + t_x)).ln_1p()
    }
}

/// Adds up the negative binomial probabilities above `n`, given that of `n`; nothing where they hardly fall.
fn more_than(r: f64, n: f64, z: f64, exactly: f64) -> Option<f64> {
    let (mut term, mut sum, mut k) = (exactly, 0.0, n);
    while k < n + 10_000.0 {
        term *= (r + k) / (k + 1.0) * z;
        sum += term;
        k += 1.0;
        let ratio = (r + k) / (k + 1.0) * z;
        if ratio < 1.0 && term * ratio <= 1e-17 * sum * (1.0 - ratio) {
            return Some(sum);
        }
    }
    None
}

impl PurchaseModel for BgNbd {
    fn name(&self) -> &'static str {
        "bg-nbd"
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
        fit_geometric::fit(&base.histories, Chances::Repeats, |[r, alpha, a, b]| Self { r, alpha, a, b })
    }

    fn log_likelihood(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let stays: f64 = (0..x).map(|k| (self.a / (self.b + f64::from(k))).ln_1p()).sum();
        ln_without_dropout(self.r, self.alpha, x, age) - stays + softplus(self.dropout_log_odds(x, t_x, age))
    }

    fn p_alive(&self, x: u32, t_x: f64, age: f64) -> f64 {
        1.0 / (1.0 + self.dropout_log_odds(x, t_x, age).exp())
    }

    fn expected_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        self.alive(x).expected_if_alive(age, t)
    }

    fn buys_if_alive(&self, x: u32, _t_x: f64, age: f64, t: f64) -> f64 {
        -(-(self.r + f64::from(x)) * (t / (self.alpha + age)).ln_1p()).exp_m1()
    }

    fn discounted_if_alive(&self, x: u32, _t_x: f64, age: f64, rate: f64) -> Option<f64> {
        self.dropout_after(x).discounted_if_alive(age, rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::models::tests::close;

    fn model([r, alpha, a, b]: [f64; 4]) -> BgNbd {
        BgNbd { r, alpha, a, b }
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
            for ((x, t_x, age), expected) in histories.into_iter().zip(expected) {
                let model = model(*parameters);
                let actual = [
                    model.log_likelihood(x, t_x, age),
                    model.p_alive(x, t_x, age),
                    model.expected_purchases(x, t_x, age, 39.0),
                    model.expected_purchases(x, t_x, age, 520.0),
                ];
                for (actual, expected) in actual.into_iter().zip(expected) {
                    assert!(close(actual, *expected), "{actual} {expected} of {parameters:?} {x}");
                }
            }
        }
    }

    /// Probability of no purchase in 39 weeks and purchases discounted at 0.005 a week, by numerical integration with 25 digits.
    #[test]
    fn meets_integrals_over_rates_and_dropout() {
        let model = model([0.9, 5.5, 0.8, 2.4]);
        for ((x, t_x, age), none, discounted) in [
            ((0, 0.0, 38.86), 0.566800791930685, 2.0091701554441572),
            ((2, 30.43, 38.86), 0.4144055269405793, 3.9969003945494643),
            ((7, 20.0, 39.0), 0.8864797950709267, 1.651898272604844),
        ] {
            assert!(close(model.probability_no_purchase(x, t_x, age, 39.0), none));
            let actual = model.discounted_purchases(x, t_x, age, 0.005).unwrap();
            assert!((actual / discounted - 1.0).abs() < 1e-9, "{actual} {discounted}");
        }
    }

    /// Fader, Hardie and Lee's spreadsheets: an expectation and the distribution of repeats at rounded parameters, and at the maximum
    /// expected repeats by week.
    #[test]
    fn meets_what_is_printed() {
        let printed = model([0.243, 4.414, 0.793, 2.426]);
        let near = |actual: f64, expected: f64, digits: i32| {
            assert!((actual - expected).abs() <= 0.51 * 10_f64.powi(-digits), "{actual} {expected}");
        };
        near(printed.expected_purchases(2, 30.43, 38.86, 39.0), 1.226, 3);
        let maximum = model([0.242594521147, 4.413601985899, 0.792922010602, 2.425906752480]);
        for (t, expected) in [(0.1429, 0.0078), (1.0, 0.0532), (3.0, 0.1506), (31.8571, 1.0405), (32.0, 1.0437)] {
            near(maximum.expected_of_new(t), expected, 4);
        }
        // Printed as 1.8576, which no printed parameters give: 1.8580 at the maximum, 1.8605 at the rounded ones.
        near(maximum.expected_of_new(78.0), 1.8576, 3);
        near(printed.probability_of_purchases(0, 39.0), 0.5737864, 7);
        near(printed.probability_of_purchases(10, 2.0), 1.07869e-07, 12);
        for (n, expected) in (11..).zip([
            0.0019995214,
            0.0015170236,
            0.001163315,
            0.0009003148,
            0.0007023638,
            0.0005517902,
            0.0004361913,
            0.0003467171,
            0.0002769613,
            0.000222226,
        ]) {
            near(printed.probability_of_purchases(n, 30.0), expected, 9);
        }
        // The parameters that BTYD stops at, printed with seven digits: a new customer, customer 1516, the paradox of increasing frequency.
        let btyd = model([0.2425982, 4.4136842, 0.7929899, 2.4261667]);
        let last = 216.0 / 7.0;
        for (actual, expected) in [
            (btyd.expected_of_new(52.0), 1.444004),
            (btyd.expected_purchases(26, last, 31.0, 52.0), 25.75659),
            (btyd.p_alive(26, last, 31.0), 0.9688523),
            (btyd.expected_purchases(10, 20.0, 39.0, 52.0), 0.3474606),
            (btyd.expected_purchases(15, 20.0, 39.0, 52.0), 0.04283391),
            (btyd.expected_purchases(20, 20.0, 39.0, 52.0), 0.004158973),
            (btyd.expected_purchases(25, 20.0, 39.0, 52.0), 0.0003583685),
        ] {
            assert!((actual / expected - 1.0).abs() < 1e-5, "{actual} {expected}");
        }
    }

    /// The distribution of repeats adds up to one, and its mean is the expectation.
    #[test]
    fn repeats_are_distributed() {
        for parameters in [[0.9, 5.5, 0.8, 2.4], [3.0, 40.0, 0.02, 0.01], [0.2, 9.0, 5.0, 0.5]] {
            let model = model(parameters);
            for t in [1.0, 30.0] {
                let (mut total, mut mean) = (0.0, 0.0);
                for n in 0..2_000 {
                    let probability = model.probability_of_purchases(n, t);
                    total += probability;
                    mean += f64::from(n) * probability;
                }
                assert!((total - 1.0).abs() < 1e-12, "{parameters:?} {total}");
                assert!((mean / model.expected_of_new(t) - 1.0).abs() < 1e-10, "{parameters:?} {mean}");
            }
        }
    }

    #[rustfmt::skip]
    const REFERENCE: &[([f64; 4], [[f64; 4]; 6])] = &[
        ([0.243, 4.414, 0.793, 2.426], [
            [-0.5547132764381585, 1.0, 0.19509805201126265, 1.4645477714482396],
            [-9.45860630706627, 0.726578570080673, 1.2260281747671444, 7.319313811711105],
            [-37.72651332833301, 0.9688515628518959, 20.748353694337904, 98.1231373429197],
            [-4.282245466132041, 0.05618427908355335, 0.023435586570587683, 0.19676267214994436],
            [7.082253242777372, 0.0002648500495832417, 0.02524755855950142, 0.16901645554295144],
            [3225.142983682824, 0.0, 0.0, 0.0],
        ]),
        ([0.11, 2.24, 0.31, 0.5], [
            [-0.32004854811987643, 1.0, 0.08978401423261813, 0.7104524056824205],
            [-10.23600261111013, 0.7488137702031509, 1.3255388946332571, 11.283410589064639],
            [-36.61563488638223, 0.9865787702380427, 26.419270052635923, 221.9230005966803],
            [-4.019293549263436, 0.023269240772427337, 0.008943914851065885, 0.08663633308165934],
            [12.937723327020667, 0.000503194551668834, 0.05269856671406005, 0.5253949781704077],
            [3388.281176856614, 0.0, 0.0, 0.0],
        ]),
        ([0.11, 2.24, 0.31, 0.69], [
            [-0.32004854811987643, 1.0, 0.09218163384207097, 0.7778349908534355],
            [-10.133843344571101, 0.7705747011207591, 1.3730706530685561, 11.830505028718044],
            [-36.46134688661763, 0.9866767094679191, 26.44114589308639, 222.33397079812042],
            [-4.221211133389675, 0.03183010060156057, 0.012298084401855883, 0.1214308435368082],
            [13.093524127595487, 0.0005035136128555078, 0.0527334904022661, 0.5257907777347058],
            [3388.4375587349223, 0.0, 0.0, 0.0],
        ]),
        ([0.3, 5.0, 1.0, 2.0], [
            [-0.6514694491666925, 1.0, 0.2277140846811356, 1.4509659501757521],
            [-9.41346137492881, 0.647414020799255, 1.0466383888206077, 5.142970975033059],
            [-38.481289534480176, 0.9605042055324939, 18.86887899959156, 72.01654315524974],
            [-3.9115881944434547, 0.03637874544764968, 0.015411096490317001, 0.11329677848380595],
            [4.865134579132544, 0.00022615319478942503, 0.020788577494251594, 0.11939304753462701],
            [3184.691701121851, 0.0, 0.0, 0.0],
        ]),
        ([0.6, 20.9, 1.2756, 8.86], [
            [-0.630352429112278, 1.0, 0.3684154499774919, 3.1728335108048755],
            [-8.932294647926032, 0.8388519178598433, 1.2728614124781987, 8.384949602205728],
            [-45.36570993183538, 0.9610406922478544, 14.279145217945956, 54.691558715694484],
            [-5.296237429793262, 0.28671477281829344, 0.13701197518419378, 1.2594823456661517],
            [-34.816354772943974, 0.0011182278562549006, 0.0883886577771696, 0.45148022943617266],
            [2465.282864007361, 0.0, 0.0, 0.0],
        ]),
        ([2.5, 1.5, 0.001, 0.039], [
            [-8.23093521844311, 1.0, 2.3742963243474673, 31.332810872420254],
            [-13.481081234547544, 0.9972453176024048, 4.332844284385826, 57.65586397306648],
            [-32.29621268368535, 0.9999547217740202, 34.18169121116574, 455.01585930468167],
            [-3.4964366769963235, 1.8376902808000777e-05, 2.376228605647768e-05, 0.00031621122364816905],
            [17.101993482902873, 0.11115261237903722, 12.427522939793379, 165.53784273769986],
            [3460.920473849275, 0.0, 0.0, 0.0],
        ]),
    ];
}
