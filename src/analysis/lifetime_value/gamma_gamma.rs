//! The Gamma-Gamma model of spend per purchase day.
//!
//! A customer's days bring `Gamma(p, ν)` each, `ν ~ Gamma(q, v)` differs between customers, independent of how often they buy. With `x`
//! repeat purchase days that brought `S` in all, `m = S/x`, and `w = v/(S + v)`:
//!
//! ```text
//! ln L     = −ln B(p x, q) − ln m − p x ln(1 + v/S) − q ln(1 + S/v)
//! E[spend] = p (v + S) / (p x + q − 1),   of the base: p v / (q − 1), which exists for q > 1
//! ```
//!
//! | name         | shape  | unit                            |
//! |--------------|--------|---------------------------------|
//! | `p, q`       | scalar | 1                               |
//! | `v, S`, mean | scalar | money, major units; kernels take any |
//!
//! The gamma functions depend on `x` alone, so a pass over the distinct `(x, S)` costs two logarithms each. Sorted observations and
//! fixed chunks make the fit equal to the bit on any number of threads. Source: Fader and Hardie, "The Gamma-Gamma Model of Monetary
//! Value", note 025 (2013); Fader, Hardie and Lee, "RFM and CLV", JMR 42 (2005).

use rayon::prelude::*;

use super::diagnosis::{Diagnosis, FitError, MIN_REPEATERS};
use crate::maths::gamma::{digamma, ln_beta, trigamma};
use crate::maths::newton::{Maximum, Point, Stop, maximise};
use crate::maths::sum::ordered_sums;
use crate::units::Money;

/// A shape beyond this stands for a distribution without spread.
const DEGENERATE_SHAPE: f64 = 1e3;

/// Distinct spenders among whom the starts are followed.
const THINNED: usize = 20_000;

/// Parameters of a Gamma-Gamma model in any unit of money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    /// Shape of the spend of one customer.
    pub p: f64,
    /// Shape of the distribution of customers.
    pub q: f64,
    /// Scale of that distribution, money.
    pub v: f64,
}

impl GammaGamma {
    /// Returns the log-likelihood of `x ≥ 1` days with a mean of `m > 0`.
    pub fn log_likelihood(&self, x: u32, m: f64) -> f64 {
        let (px, s) = (self.p * f64::from(x), f64::from(x) * m);
        -ln_beta(px, self.q) - m.ln() - px * (self.v / s).ln_1p() - self.q * (s / self.v).ln_1p()
    }

    /// Returns the model with the logarithms of its parameters moved.
    pub fn moved(self, by: &[f64]) -> Self {
        let at = |ix: usize| by.get(ix).map_or(1.0, |by| by.exp());
        Self { p: self.p * at(0), q: self.q * at(1), v: self.v * at(2) }
    }

    /// Returns the spend a day to be expected from a customer whose `x` days brought `spend`; nothing where the mean does not exist.
    ///
    /// Without a day it is the mean of the base.
    pub fn expected_spend(&self, x: u32, spend: f64) -> Option<f64> {
        let existing = self.p * f64::from(x) + self.q - 1.0;
        Some(self.p * (self.v + spend) / existing).filter(|mean| existing > 0.0 && mean.is_finite())
    }
}

/// A Gamma-Gamma model fitted to a base; money in major units.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedGammaGamma {
    pub p: f64,
    pub q: f64,
    pub v: f64,
    /// Standard errors of `p`, `q`, `v`; unknown on a ridge.
    pub standard_errors: [Option<f64>; 3],
    /// Hessian of the log-likelihood by `ln p`, `ln q`, `ln v`.
    pub hessian: Vec<Vec<f64>>,
    pub log_likelihood: f64,
    /// Customers with at least one repeat purchase day and positive repeat spend.
    pub n_customers: u64,
    pub n_iterations: u32,
    /// Pearson correlation of the number of repeats and the mean spend, which the model assumes to be zero.
    pub correlation: Option<f64>,
    /// What is odd about the fit; empty for an ordinary one.
    pub diagnoses: Vec<Diagnosis>,
}

impl FittedGammaGamma {
    /// Fits the model to repeat purchase days and their money in minor units; customers with neither are left out.
    ///
    /// # Errors
    /// Fails where too few customers are left.
    pub fn fit(customers: Vec<(u32, i64)>) -> Result<Self, FitError> {
        let spend = Spend::compress(customers);
        if spend.n_customers < MIN_REPEATERS {
            return Err(FitError::TooFewSpenders { n_customers: spend.n_customers });
        }
        let typical = spend.mean_of_means();
        let starts = [[1.0, 1.5, 0.5 * typical], [6.0, 4.0, 0.5 * typical], [2.0, 6.0, 2.5 * typical]];
        let shape = (1e-4, 1e5);
        let bounds = [shape, shape, (1e-8 * typical, 1e8 * typical)];
        let found = spend.climb(&starts, bounds).ok_or(FitError::NotFinite)?;
        let n = spend.n_customers as f64;
        let [p, q, v] = found.parameters;
        Ok(Self {
            p,
            q,
            v,
            standard_errors: found.standard_errors(n),
            hessian: found.hessian.iter().map(|row| row.iter().map(|h| h * n).collect()).collect(),
            log_likelihood: found.value * n,
            n_customers: spend.n_customers,
            n_iterations: found.n_iterations,
            correlation: spend.correlation(),
            diagnoses: diagnose(&found),
        })
    }

    /// Returns the parameters.
    pub fn parameters(&self) -> GammaGamma {
        GammaGamma { p: self.p, q: self.q, v: self.v }
    }

    /// Returns the mean spend a day over the base in major units, where it exists.
    pub fn population_mean(&self) -> Option<f64> {
        self.parameters().expected_spend(0, 0.0)
    }

    /// Returns `v + S` in major units, of which the interval of a customer's spend is a multiple.
    pub fn scale(&self, n_repeats: u32, repeat_revenue: Money) -> f64 {
        self.v + counted(n_repeats, repeat_revenue).1
    }

    /// Returns the spend a day to be expected in major units; a customer without positive repeat spend gets the mean of the base.
    pub fn expected_spend(&self, n_repeats: u32, repeat_revenue: Money) -> Option<f64> {
        let (x, spend) = counted(n_repeats, repeat_revenue);
        self.parameters().expected_spend(x, spend)
    }
}

/// Returns the repeats that tell of a customer's spend, and what they brought in major units; who brought nothing is as good as new.
pub fn counted(n_repeats: u32, repeat_revenue: Money) -> (u32, f64) {
    if repeat_revenue.0 > 0 && n_repeats > 0 { (n_repeats, repeat_revenue.major()) } else { (0, 0.0) }
}

fn diagnose(found: &Maximum<3>) -> Vec<Diagnosis> {
    let [p, q, _] = found.parameters;
    [
        (q <= 1.0, Diagnosis::InfiniteMeanSpend),
        (p > DEGENERATE_SHAPE, Diagnosis::SpendFixedWithin),
        (q > DEGENERATE_SHAPE, Diagnosis::SpendEqualBetween),
        (found.at_bound.contains(&true), Diagnosis::AtBound),
        (found.starts_disagree, Diagnosis::StartsDisagree),
        (found.stop != Stop::Converged, Diagnosis::NotConverged),
    ]
    .into_iter()
    .filter_map(|(holds, diagnosis)| holds.then_some(diagnosis))
    .collect()
}

/// Customers with the same number of repeats and the same repeat spend.
#[derive(Debug, Clone, Copy)]
struct Spender {
    x: f64,
    /// Major units.
    spend: f64,
    n: f64,
}

/// Distinct spenders in ascending order.
struct Spend {
    distinct: Vec<Spender>,
    /// Number of repeats and customers that have it, ascending.
    by_x: Vec<(f64, f64)>,
    n_customers: u64,
    mean_ln_m: f64,
}

impl Spend {
    fn compress(mut customers: Vec<(u32, i64)>) -> Self {
        customers.retain(|(x, spend)| *x > 0 && *spend > 0);
        // One comparison instead of two; what is left is positive.
        customers.par_sort_unstable_by_key(|(x, spend)| u128::from(*x) << 64 | u128::from(spend.unsigned_abs()));
        let mut distinct: Vec<Spender> = Vec::new();
        for (x, minor) in customers {
            let (x, spend) = (f64::from(x), Money(minor).major());
            match distinct.last_mut() {
                Some(last) if last.x == x && last.spend == spend => last.n += 1.0,
                _ => distinct.push(Spender { x, spend, n: 1.0 }),
            }
        }
        Self::of_distinct(distinct)
    }

    fn of_distinct(distinct: Vec<Spender>) -> Self {
        let mut by_x: Vec<(f64, f64)> = Vec::new();
        for Spender { x, n, .. } in &distinct {
            match by_x.last_mut() {
                Some(last) if last.0 == *x => last.1 += n,
                _ => by_x.push((*x, *n)),
            }
        }
        let n: f64 = by_x.iter().map(|(_, n)| n).sum();
        let [ln_m] = ordered_sums(&distinct, |sums: &mut [f64; 1], s| sums[0] += s.n * (s.spend / s.x).ln());
        Self { distinct, by_x, n_customers: n as u64, mean_ln_m: ln_m / n.max(1.0) }
    }

    /// Searches from every start; in a large base the starts are only followed in a part of it, and the way ends in the whole.
    fn climb(&self, starts: &[[f64; 3]], bounds: [(f64, f64); 3]) -> Option<Maximum<3>> {
        let step = self.distinct.len() / THINNED;
        if step < 2 {
            return maximise(|at| self.mean_log_likelihood(at), starts, bounds);
        }
        let thinned = Self::of_distinct(self.distinct.iter().step_by(step).copied().collect());
        let near = maximise(|at| thinned.mean_log_likelihood(at), starts, bounds)?;
        let found = maximise(|at| self.mean_log_likelihood(at), &[near.parameters], bounds)?;
        Some(Maximum { starts_disagree: near.starts_disagree, ..found })
    }

    fn mean_of_means(&self) -> f64 {
        let [sum] = ordered_sums(&self.distinct, |sums: &mut [f64; 1], s| sums[0] += s.n * (s.spend / s.x));
        sum / self.n_customers as f64
    }

    fn correlation(&self) -> Option<f64> {
        let n = self.n_customers as f64;
        let mean_x = self.by_x.iter().map(|(x, n)| x * n).sum::<f64>() / n;
        let mean_m = self.mean_of_means();
        let [xx, xm, mm] = ordered_sums(&self.distinct, |sums: &mut [f64; 3], s| {
            let (x, m) = (s.x - mean_x, s.spend / s.x - mean_m);
            sums[0] += s.n * x * x;
            sums[1] += s.n * x * m;
            sums[2] += s.n * m * m;
        });
        let correlation = xm / (xx.sqrt() * mm.sqrt());
        correlation.is_finite().then(|| correlation.clamp(-1.0, 1.0))
    }

    fn mean_log_likelihood(&self, [p, q, v]: [f64; 3]) -> Point<3> {
        let (mut value, mut by_p, mut by_q) = (0.0, 0.0, 0.0);
        let (mut by_pp, mut by_pq, mut by_qq) = (0.0, 0.0, 0.0);
        let (psi_q, psi_q_slope) = (digamma(q), trigamma(q));
        for (x, n) in &self.by_x {
            let px = p * x;
            let (psi, psi_slope) = (digamma(px + q), trigamma(px + q));
            let (p_slope, q_slope) = (px * (psi - digamma(px)), q * (psi - psi_q));
            value -= n * ln_beta(px, q);
            by_p += n * p_slope;
            by_q += n * q_slope;
            by_pp += n * (p_slope + px * px * (psi_slope - trigamma(px)));
            by_pq += n * px * q * psi_slope;
            by_qq += n * (q_slope + q * q * (psi_slope - psi_q_slope));
        }
        // Sums of x ln(1 + v/S), ln(1 + S/v), x w, 1 − w, x w (1 − w), w (1 − w).
        let [ln_p, ln_q, xw, stays, xw_slope, w_slope] = ordered_sums(&self.distinct, |sums: &mut [f64; 6], s| {
            let w = v / (s.spend + v);
            let other = s.spend / (s.spend + v);
            sums[0] += s.n * s.x * (v / s.spend).ln_1p();
            sums[1] += s.n * (s.spend / v).ln_1p();
            sums[2] += s.n * s.x * w;
            sums[3] += s.n * other;
            sums[4] += s.n * s.x * w * other;
            sums[5] += s.n * w * other;
        });
        let n = self.n_customers as f64;
        let (with_p, with_q) = (p * ln_p, q * ln_q);
        let hessian = [
            [by_pp - with_p, by_pq, -p * xw],
            [by_pq, by_qq - with_q, q * stays],
            [-p * xw, q * stays, -p * xw_slope - q * w_slope],
        ];
        Point {
            value: (value - with_p - with_q) / n - self.mean_ln_m,
            gradient: [by_p - with_p, by_q - with_q, q * stays - p * xw].map(|g| g / n),
            hessian: hessian.map(|row| row.map(|h| h / n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::tests::Uniform;
    use proptest::prelude::*;

    /// Log-likelihood and expected spend, computed with 60 digits.
    #[test]
    fn meets_the_reference_of_sixty_digits() {
        let customers = [(1, 11.77), (2, 22.345), (7, 0.01), (150, 499.5)];
        let check = |[p, q, v]: [f64; 3], expected: [[f64; 2]; 4]| {
            let model = GammaGamma { p, q, v };
            for ((x, m), [ll, mean]) in customers.into_iter().zip(expected) {
                let actual = model.log_likelihood(x, m);
                assert!((actual / ll - 1.0).abs() < 1e-10, "ll {actual} {ll}");
                let actual = model.expected_spend(x, f64::from(x) * m).unwrap();
                assert!((actual / mean - 1.0).abs() < 1e-10, "mean {actual} {mean}");
            }
        };
        check(
            [6.25, 3.74, 15.44],
            [
                [-3.7377096787408397, 18.916852057842046],
                [-3.551189164139951, 24.659612860892388],
                [-218.92346411115363, 2.0851258335125835],
                [-14.02589947238405, 498.1470156555773],
            ],
        );
        check(
            [3.09903854, 5.65369273, 56.50418606],
            [
                [-3.8986617582458427, 27.291586218887574],
                [-3.6623130355807803, 28.89894350089156],
                [-126.882183482058, 6.654489408504903],
                [-16.674073932873185, 494.9220074596412],
            ],
        );
        check(
            [2.0, 0.8, 10.0],
            [
                [-3.9532269414347456, 24.188888888888886],
                [-4.336099539257056, 28.78421052631579],
                [-63.010387254713514, 1.4594202898550726],
                [-8.980378248400193, 499.89993328885924],
            ],
        );
    }

    /// Customers of the CDNOW sample with 2, 1, 0 and 7 repeats, at the precision of Fader and Hardie's spreadsheet.
    #[test]
    fn meets_the_published_means() {
        let model = GammaGamma { p: 6.249_572, q: 3.744_225, v: 15.443_521 };
        for (x, m, expected) in [(2, 22.35, 24.65), (1, 11.77, 18.91), (0, 0.0, 35.17), (7, 73.74, 71.46)] {
            let mean = model.expected_spend(x, f64::from(x) * m).unwrap();
            assert!((mean - expected).abs() < 0.01, "{mean} {expected}");
        }
    }

    #[test]
    fn an_infinite_mean_has_no_value() {
        let model = GammaGamma { p: 2.0, q: 0.8, v: 10.0 };
        assert_eq!(model.expected_spend(0, 0.0), None);
        assert!(model.expected_spend(1, 5.0).is_some());
    }

    /// Customers of the model with `p = 2`, `q = 3`, `v = 40`, and one to five repeats.
    fn base(n: u64) -> Vec<(u32, i64)> {
        let mut random = Uniform(n);
        let mut gamma = |shape: u32| (0..shape).map(|_| random.exponential()).sum::<f64>();
        let customer = |ix: u64| {
            let x = 1 + (ix % 5) as u32;
            let nu = gamma(3) / 40.0;
            (x, Money::from_major(gamma(2 * x) / nu).0)
        };
        (0..n).map(customer).collect()
    }

    #[test]
    fn finds_the_parameters_of_a_simulated_base() {
        let fitted = FittedGammaGamma::fit(base(5_000)).unwrap();
        let found = [fitted.p, fitted.q, fitted.v].into_iter().zip(fitted.standard_errors);
        for ((found, error), truth) in found.zip([2.0, 3.0, 40.0]) {
            let error = error.unwrap();
            assert!((found - truth).abs() < 3.0 * error && error < 0.1 * truth, "{found} {truth} {error}");
        }
        assert_eq!(fitted.diagnoses, []);
        assert!(fitted.correlation.unwrap().abs() < 0.05);
    }

    #[test]
    fn gradient_and_hessian_are_slopes() {
        let spend = Spend::compress(base(300));
        let at = [3.0_f64, 2.5, 20.0];
        let shifted = |i: usize, by: f64| {
            let mut shifted = at;
            shifted[i] *= f64::exp(by);
            spend.mean_log_likelihood(shifted)
        };
        let (point, h) = (spend.mean_log_likelihood(at), 1e-5);
        for i in 0..3 {
            let (below, above) = (shifted(i, -h), shifted(i, h));
            assert!(((above.value - below.value) / (2.0 * h) - point.gradient[i]).abs() < 1e-8);
            for j in 0..3 {
                let slope = (above.gradient[j] - below.gradient[j]) / (2.0 * h);
                assert!((slope - point.hessian[i][j]).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn the_sums_are_the_likelihood_of_the_formula() {
        let (base, model) = (base(300), GammaGamma { p: 3.0, q: 2.5, v: 20.0 });
        let of_formula = |(x, minor): &(u32, i64)| model.log_likelihood(*x, Money(*minor).major() / f64::from(*x));
        let expected = base.iter().map(of_formula).sum::<f64>() / 300.0;
        let actual = Spend::compress(base).mean_log_likelihood([3.0, 2.5, 20.0]).value;
        assert!((actual / expected - 1.0).abs() < 1e-12);
    }

    /// A base counted twice and in another order has the same fit, and so has one in cents, but for `v`.
    #[test]
    fn neither_order_nor_size_nor_currency_change_the_fit() {
        let once = FittedGammaGamma::fit(base(500)).unwrap();
        let mut reversed = [base(500), base(500)].concat();
        reversed.reverse();
        let twice = FittedGammaGamma::fit(reversed).unwrap();
        assert_eq!(once.parameters(), twice.parameters());
        assert_eq!(once.correlation, twice.correlation);
        let dear = FittedGammaGamma::fit(base(500).into_iter().map(|(x, s)| (x, 100 * s)).collect()).unwrap();
        assert!((dear.p / once.p - 1.0).abs() < 1e-6 && (dear.q / once.q - 1.0).abs() < 1e-6);
        assert!((dear.v / once.v / 100.0 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_base_of_equal_spend_is_named_and_fitted() {
        let fitted = FittedGammaGamma::fit((1..50).map(|x| (x, 2_500 * i64::from(x))).collect()).unwrap();
        assert!(fitted.diagnoses.contains(&Diagnosis::SpendEqualBetween), "{fitted:?}");
        assert!((fitted.expected_spend(3, Money(7_500)).unwrap() - 25.0).abs() < 0.1);
    }

    #[test]
    fn too_few_spenders_are_named() {
        let few = vec![(1, 100), (2, 0), (0, 500), (3, -5), (4, 900)];
        assert_eq!(FittedGammaGamma::fit(few), Err(FitError::TooFewSpenders { n_customers: 2 }));
    }

    proptest! {
        /// A repeat buyer's expectation lies between the own mean and that of the base where both exist.
        #[test]
        fn expectation_shrinks_to_the_base(p in 0.1..50.0_f64, q in 1.1..50.0_f64, v in 0.1..1e4_f64, x in 1..500_u32, m in 0.01..1e5_f64) {
            let model = GammaGamma { p, q, v };
            let base = model.expected_spend(0, 0.0).unwrap();
            let own = model.expected_spend(x, f64::from(x) * m).unwrap();
            prop_assert!(own >= base.min(m) * (1.0 - 1e-12) && own <= base.max(m) * (1.0 + 1e-12));
            prop_assert!(model.log_likelihood(x, m).is_finite());
        }

        /// Whatever the base, a fit is usable.
        #[test]
        fn every_base_is_fitted_or_refused(base in prop::collection::vec((0..40_u32, -500..100_000_i64), 0..40)) {
            match FittedGammaGamma::fit(base.clone()) {
                Err(reason) => prop_assert!(matches!(reason, FitError::TooFewSpenders { .. }), "{reason}"),
                Ok(fitted) => {
                    prop_assert!(!fitted.diagnoses.contains(&Diagnosis::NotConverged), "{fitted:?}");
                    for (x, spend) in base {
                        let mean = fitted.expected_spend(x, Money(spend));
                        prop_assert!(mean.is_none_or(|mean| mean.is_finite() && mean > 0.0));
                    }
                }
            }
        }
    }
}
