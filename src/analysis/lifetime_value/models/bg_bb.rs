//! The beta-geometric / beta-Bernoulli model of purchases at discrete opportunities (BG/BB): formulas of one customer.
//!
//! At each opportunity (a yearly appeal, a monthly fair) a living customer buys with probability `p ~ Beta(α, β)`; before each the customer
//! drops out for good with probability `θ ~ Beta(γ, δ)`. Of `n` opportunities `x` were taken, the last of them the `t`th, `t = 0` for `x = 0`:
//!
//! ```text
//! alive through n: A(n)   = B(α + x, β + n − x)/B(α, β) · B(γ, δ + n)/B(γ, δ)
//! left after i ≥ t: l(i)  = B(α + x, β + i − x)/B(α, β) · B(γ + 1, δ + i)/B(γ, δ)
//! L                       = A(n) + Σ_{i=t}^{n−1} l(i)
//! P(alive at n + 1)       = A(n)/L · (δ + n)/(γ + δ + n)
//! E[taken of the next m]  = A(n)/L · (α + x)/(α + β + n) · Σ_{i=1}^m Π_{k<i} (δ + n + k)/(γ + δ + n + k)
//! for ever, at the rate ρ:  A(n)/L · (α + x)/(α + β + n) · E_θ[(1 − θ) z/(1 − (1 − θ) z)],   z = e^{−ρ},  θ ~ Beta(γ, δ + n)
//! ```
//!
//! Beta functions are products here, added up in logarithms: no gamma function, and no pole at `γ = 1`. Histories with `x ≤ t ≤ n` are meant; a
//! `t` or `n` below what it must be counts as that. `O(n)` for the likelihood, `O(n + m)` for the expectation. Source: Fader, Hardie and Shang,
//! "Customer-base analysis in a discrete-time noncontractual setting", Marketing Science 29 (2010).

use super::super::diagnosis::FitError;
use super::fit_bg_bb;
use super::{Fit, Parameter, PurchaseModel, Statistics};
use crate::maths::quadrature::beta_nodes;

/// Parameters of a BG/BB model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgBb {
    /// First shape of the beta distribution of the probability to take an opportunity.
    pub alpha: f64,
    /// Second shape of that distribution.
    pub beta: f64,
    /// First shape of the beta distribution of the probability to drop out before one.
    pub gamma: f64,
    /// Second shape of that distribution.
    pub delta: f64,
}

/// A history whose numbers fit each other.
#[derive(Debug, Clone, Copy)]
struct Taken {
    x: u32,
    last: u32,
    n: u32,
}

impl Taken {
    fn of(x: u32, t_x: f64, age: f64) -> Self {
        let last = if x == 0 { 0 } else { (t_x.round() as u32).max(x) };
        Self { x, last, n: (age.round() as u32).max(last) }
    }
}

impl BgBb {
    /// Returns the probability that a new customer takes `x` of the next `n` opportunities.
    pub fn probability_of_purchases(&self, x: u32, n: u32) -> f64 {
        // Over all histories with this x: the last purchase may be at any t, with the others anywhere before it.
        let ln_ways = |among: u32| (0..x).map(|k| (f64::from(among - k) / f64::from(k + 1)).ln()).sum::<f64>();
        if x > n {
            return 0.0;
        }
        let left: f64 = (x..n).map(|i| (ln_ways(i) + self.ln_left(x, i)).exp()).sum();
        ((ln_ways(n) + self.ln_alive(x, n)).exp() + left).min(1.0)
    }

    /// `ln A(n)`.
    fn ln_alive(&self, x: u32, n: u32) -> f64 {
        let Self { gamma, delta, .. } = *self;
        self.ln_taking(x, n) - (0..n).map(|k| (gamma / (delta + f64::from(k))).ln_1p()).sum::<f64>()
    }

    /// `ln l(i)`.
    fn ln_left(&self, x: u32, i: u32) -> f64 {
        self.ln_alive(x, i) + (self.gamma / (self.gamma + self.delta + f64::from(i))).ln()
    }

    /// `ln B(α + x, β + n − x) − ln B(α, β)`.
    fn ln_taking(&self, x: u32, n: u32) -> f64 {
        let Self { alpha, beta, .. } = *self;
        let taken: f64 = (0..x).map(|k| alpha + f64::from(k)).zip(0..).map(|(a, k)| self.ln_share(a, k)).sum();
        let passed: f64 = (x..n).map(|k| (beta + f64::from(k - x), k)).map(|(b, k)| self.ln_share(b, k)).sum();
        taken + passed
    }

    /// `ln (part/(α + β + k))`.
    fn ln_share(&self, part: f64, k: u32) -> f64 {
        (part / (self.alpha + self.beta + f64::from(k))).ln()
    }

    /// `ln L`, and `A(n)/L`, the probability of having lived through all opportunities.
    fn likelihood(&self, Taken { x, last, n }: Taken) -> (f64, f64) {
        let Self { alpha, beta, gamma, delta } = *self;
        // Relative to A(last): alive, and left since.
        let (mut lives, mut left) = (1.0, 0.0);
        for i in last..n {
            let (at, i) = (delta + f64::from(i), f64::from(i));
            left += lives * gamma / (gamma + at);
            lives *= at / (gamma + at) * (beta + i - f64::from(x)) / (alpha + beta + i);
        }
        (self.ln_alive(x, last) + (lives + left).ln(), lives / (lives + left))
    }

    /// `A(n)/L (α + x)/(α + β + n)`: lived through and takes the next, if alive then.
    fn takes_next(&self, taken: Taken) -> f64 {
        let Taken { x, n, .. } = taken;
        (self.alpha + f64::from(x)) / (self.alpha + self.beta + f64::from(n))
    }

    /// `Σ_{i≤m} Π_{k<i} (δ + n + k)/(γ + δ + n + k)`: opportunities to be lived through of the next `m`, the last of them in part.
    fn opportunities(&self, n: u32, m: f64) -> f64 {
        let (mut lives, mut sum) = (1.0, 0.0);
        let whole = m.floor().max(0.0);
        let mut k = 0.0;
        while k <= whole && lives > 0.0 {
            let at = self.delta + f64::from(n) + k;
            lives *= at / (self.gamma + at);
            sum += lives * if k < whole { 1.0 } else { m - whole };
            k += 1.0;
        }
        sum
    }

    fn next_alive(&self, n: u32) -> f64 {
        let at = self.delta + f64::from(n);
        at / (self.gamma + at)
    }
}

/// Time counts opportunities; a history's numbers are rounded to whole ones.
impl PurchaseModel for BgBb {
    fn name(&self) -> &'static str {
        "bg-bb"
    }

    fn parameters(&self) -> Vec<Parameter> {
        let Self { alpha, beta, gamma, delta } = *self;
        [("alpha", alpha), ("beta", beta), ("gamma", gamma), ("delta", delta)]
            .map(|(symbol, value)| Parameter::number(symbol, value))
            .to_vec()
    }

    fn fit(base: &Statistics) -> Result<Fit<Self>, FitError> {
        fit_bg_bb::fit(&base.histories)
    }

    fn log_likelihood(&self, x: u32, t_x: f64, age: f64) -> f64 {
        self.likelihood(Taken::of(x, t_x, age)).0
    }

    /// Returns the probability of being alive at the next opportunity.
    fn p_alive(&self, x: u32, t_x: f64, age: f64) -> f64 {
        let taken = Taken::of(x, t_x, age);
        self.likelihood(taken).1 * self.next_alive(taken.n)
    }

    fn expected_if_alive(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64 {
        let taken = Taken::of(x, t_x, age);
        self.takes_next(taken) * self.opportunities(taken.n, t) / self.next_alive(taken.n)
    }

    fn buys_if_alive(&self, x: u32, t_x: f64, age: f64, t: f64) -> f64 {
        let taken = Taken::of(x, t_x, age);
        // Alive and passing the next k opportunities, or leaving before one of them.
        let (mut passes, mut none, mut k) = (1.0, 0.0, 0.0);
        let m = t.floor().max(0.0);
        while k < m && passes > 0.0 {
            let n = f64::from(taken.n) + k;
            let at = self.gamma + self.delta + n;
            none += passes * self.gamma / at;
            passes *= (self.delta + n) / at * (self.beta + n - f64::from(x)) / (self.alpha + self.beta + n);
            k += 1.0;
        }
        ((1.0 - (none + passes)) / self.next_alive(taken.n)).clamp(0.0, 1.0)
    }

    fn discounted_if_alive(&self, x: u32, t_x: f64, age: f64, rate: f64) -> Option<f64> {
        let taken = Taken::of(x, t_x, age);
        let n = f64::from(taken.n);
        let (z, interest) = ((-rate).exp(), -(-rate).exp_m1());
        // E[(1 − θ) f(θ)] is the mean of f under one more in the second shape, times the mean of 1 − θ.
        let mean: f64 = beta_nodes(self.gamma, self.delta + n + 1.0)
            .iter()
            .map(|(theta, weight)| weight * z / (interest + theta * z))
            .sum();
        let purchases = self.takes_next(taken) * mean;
        Some(purchases).filter(|purchases| rate > 0.0 && purchases.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::close;
    use super::*;

    const DONORS: BgBb = BgBb { alpha: 1.203528, beta: 0.749726, gamma: 0.6567808, delta: 2.783796 };

    /// Log-likelihood, probability of being alive, expected purchases and probability of none in 10 opportunities, and discounted
    /// purchases at 0.1, by the beta and hypergeometric functions of the paper with 25 digits.
    #[test]
    fn meets_the_beta_functions_of_the_paper() {
        let histories = [(0, 0.0, 6.0), (2, 4.0, 6.0), (6, 6.0, 6.0), (30, 52.0, 104.0)];
        let check = |model: BgBb, expected: [[f64; 5]; 4]| {
            for ((x, t_x, age), expected) in histories.into_iter().zip(expected) {
                let actual = [
                    model.log_likelihood(x, t_x, age),
                    model.p_alive(x, t_x, age),
                    model.expected_purchases(x, t_x, age, 10.0),
                    model.probability_no_purchase(x, t_x, age, 10.0),
                    model.discounted_purchases(x, t_x, age, 0.1).unwrap(),
                ];
                for (actual, expected) in actual.into_iter().zip(expected) {
                    assert!(close(actual, expected), "{actual} {expected} {model:?} {x}");
                }
            }
        };
        check(
            DONORS,
            [
                [
                    -1.1675271474659137,
                    0.10813346544492781,
                    0.13021686783931774,
                    0.9384919422483351,
                    0.11037515040199289,
                ],
                [-5.1956034476101305, 0.58964483290661, 1.8900354338138352, 0.47924820058395073, 1.602042413811686],
                [-2.181693807524033, 0.9304300135559513, 6.7062522465762635, 0.07635068788550158, 5.684391067238221],
                [
                    -43.124470892604464,
                    2.8037379133783824e-11,
                    8.040758928241511e-11,
                    0.9999999999733064,
                    7.452559109976965e-11,
                ],
            ],
        );
        check(
            BgBb { alpha: 0.3, beta: 2.0, gamma: 1.0, delta: 0.5 },
            [
                [
                    -0.08000053645545856,
                    0.04575447308005776,
                    0.010996783767311846,
                    0.9927050823580533,
                    0.008863414759494991,
                ],
                [-7.075045499213889, 0.46361587965439544, 0.854273651210814, 0.668029707803762, 0.6885451100072436],
                [-7.334981878871814, 0.8666666666666667, 4.374249140950284, 0.16755922559180875, 3.5256476091540465],
                [
                    -46.652341264582866,
                    4.6693211624751843e-11,
                    1.2773774718123345e-10,
                    0.9999999999560913,
                    1.168559220696655e-10,
                ],
            ],
        );
        check(
            BgBb { alpha: 40.0, beta: 0.01, gamma: 0.001, delta: 3.0 },
            [
                [
                    -8.006508982669654,
                    6.263697401485413e-07,
                    5.443518918973997e-06,
                    0.9999993736398197,
                    5.17473681467344e-06,
                ],
                [-17.839996299122532, 0.953502415988471, 8.700817605691261, 0.04650681457105436, 8.271201377658784],
                [
                    -0.0026316023493457856,
                    0.9998889012331963,
                    9.993061401498894,
                    0.00011112093832104628,
                    9.499638652009159,
                ],
                [-66.31706002279289, 1.2963054303069586e-17, 6.300790847904693e-17, 1.0, 5.990756974685404e-17],
            ],
        );
    }

    /// Fader, Hardie and Shang's donors, as the walkthrough of the R package BTYD prints them.
    #[test]
    fn meets_what_is_printed() {
        let near = |actual: f64, expected: f64, tolerance: f64| {
            assert!((actual - expected).abs() <= tolerance, "{actual} {expected}");
        };
        near(DONORS.expected_of_new(10.0), 3.179805, 2e-6);
        near(DONORS.expected_purchases(0, 0.0, 6.0, 10.0), 0.1302169, 1e-7);
        near(DONORS.expected_purchases(4, 5.0, 6.0, 10.0), 3.627858, 2e-6);
        for ((x, t_x), expected) in [((0, 0.0), 0.11), ((2, 4.0), 0.59), ((6, 6.0), 0.93)] {
            near(DONORS.p_alive(x, t_x, 6.0), expected, 0.005);
        }
        let maximum = BgBb { alpha: 1.203522, beta: 0.749716, gamma: 0.656718, delta: 2.783442 };
        for (n, expected) in [(0, 3454.9), (6, 1253.1)] {
            near(11_104.0 * maximum.probability_of_purchases(n, 6), expected, 0.05);
        }
        let by_year = [
            5535.833, 4717.059, 4147.621, 3724.665, 3395.888, 3131.647, 2913.778, 2730.482, 2573.731, 2437.854,
            2318.727,
        ];
        for (year, expected) in (1..).zip(by_year) {
            let year = f64::from(year);
            near(11_104.0 * (DONORS.expected_of_new(year) - DONORS.expected_of_new(year - 1.0)), expected, 0.002);
        }
    }

    /// All histories together have probability one, their mean is the expectation, and none of them is what no purchase says.
    #[test]
    fn purchases_are_distributed() {
        for model in [DONORS, BgBb { alpha: 0.3, beta: 2.0, gamma: 1.0, delta: 0.5 }] {
            let total: f64 = (0..=9).map(|x| model.probability_of_purchases(x, 9)).sum();
            let mean: f64 = (0..=9).map(|x| f64::from(x) * model.probability_of_purchases(x, 9)).sum();
            assert!((total - 1.0).abs() < 1e-13, "{total}");
            assert!((mean / model.expected_of_new(9.0) - 1.0).abs() < 1e-12, "{mean}");
            let none = model.probability_no_purchase(0, 0.0, 0.0, 9.0);
            assert!((none / model.probability_of_purchases(0, 9) - 1.0).abs() < 1e-12);
        }
    }
}
