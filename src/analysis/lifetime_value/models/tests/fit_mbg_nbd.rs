//! Laws of the fit of MBG/NBD, on bases simulated with known parameters and on degenerate ones.

use proptest::prelude::*;

use super::super::fit_geometric::{Chances, likelihood};
use super::super::mbg_nbd::MbgNbd;
use super::super::sums::Sums;
use super::super::{Fit, PurchaseModel};
use crate::analysis::lifetime_value::diagnosis::{Diagnosis, FitError, MIN_CUSTOMERS, MIN_REPEATERS};
use crate::analysis::lifetime_value::histories::{Histories, History};
use crate::analysis::lifetime_value::tests::Uniform;

/// Customers of the model with `r = 1`, `a = 1`, so that rates and dropout can be drawn by inversion.
///
/// Purchase days merge purchases of one day, so rates are low.
fn simulate(n: u64, alpha: f64, b: f64, dropout: bool) -> Vec<History> {
    let mut random = Uniform(n);
    let mut customer = |ix: u64| {
        let age = 200 + (ix % 400) as u32;
        let rate = random.exponential() / alpha;
        let p = if dropout { 1.0 - random.next().powf(1.0 / b) } else { 0.0 };
        let (mut at, mut days) = (0.0, vec![0_u32]);
        while random.next() >= p {
            at += random.exponential() / rate;
            if at > f64::from(age) {
                break;
            }
            days.push(at as u32);
        }
        days.dedup();
        History { n_repeats: days.len() as u32 - 1, days_to_last: *days.last().unwrap(), age_days: age }
    };
    (0..n).map(&mut customer).collect()
}

fn fit(histories: Vec<History>) -> Fit<MbgNbd> {
    MbgNbd::fit_histories(&Histories::compress(histories)).unwrap()
}

#[test]
fn finds_the_parameters_of_a_simulated_base() {
    let fitted = fit(simulate(20_000, 60.0, 3.0, true));
    let truth = [1.0, 60.0, 1.0, 3.0];
    let found = [fitted.model.r, fitted.model.alpha, fitted.model.a, fitted.model.b];
    for ((found, truth), error) in found.into_iter().zip(truth).zip(&fitted.standard_errors) {
        let error = error.unwrap();
        // Whole days bias the fit by a little, hence four and not three errors.
        assert!((found - truth).abs() < 4.0 * error && error < 0.2 * truth, "{found} {truth} {error}");
    }
    assert_eq!(fitted.diagnoses, []);
    assert!(fitted.gradient_norm < 1e-8 && fitted.gain_over_no_dropout > 100.0);
}

#[test]
fn the_sums_are_the_likelihood_of_the_formula() {
    let histories = Histories::compress(simulate(500, 30.0, 2.0, true));
    for at in [[0.5, 40.0, 0.9, 1.6], [3.0, 2.0, 0.1, 9.0], [1e-3, 1e3, 5.0, 0.2]] {
        let [r, alpha, a, b] = at;
        let model = MbgNbd { r, alpha, a, b };
        let of_formula = |(h, n): &(History, u32)| {
            f64::from(*n) * model.log_likelihood(h.n_repeats, f64::from(h.days_to_last), f64::from(h.age_days))
        };
        let expected: f64 = histories.distinct.iter().map(of_formula).sum();
        let actual = likelihood(&Sums::of(&histories), Chances::All, at).value * 500.0;
        assert!((actual / expected - 1.0).abs() < 1e-12);
    }
}

#[test]
fn gradient_and_hessian_are_slopes() {
    let histories = Histories::compress(simulate(500, 30.0, 2.0, true));
    let sums = Sums::of(&histories);
    let at = [0.6_f64, 35.0, 0.8, 1.7];
    let shifted = |i: usize, by: f64| {
        let mut shifted = at;
        shifted[i] *= f64::exp(by);
        likelihood(&sums, Chances::All, shifted)
    };
    let point = likelihood(&sums, Chances::All, at);
    let h = 1e-5;
    for i in 0..4 {
        let (below, above) = (shifted(i, -h), shifted(i, h));
        let slope = (above.value - below.value) / (2.0 * h);
        assert!((slope - point.gradient[i]).abs() < 1e-8, "gradient {i}: {slope} {}", point.gradient[i]);
        for j in 0..4 {
            let slope = (above.gradient[j] - below.gradient[j]) / (2.0 * h);
            assert!((slope - point.hessian[i][j]).abs() < 1e-8, "Hessian {i} {j}: {slope} {}", point.hessian[i][j]);
        }
    }
}

/// Every customer twice: the same parameters, twice the log-likelihood, standard errors smaller by `√2`.
#[test]
fn a_base_counted_twice_has_the_same_fit() {
    let base = simulate(3_000, 60.0, 3.0, true);
    let (once, twice) = (fit(base.clone()), fit([base.clone(), base].concat()));
    assert_eq!(once.model, twice.model);
    assert_eq!(2.0 * once.log_likelihood, twice.log_likelihood);
    let ratio = once.standard_errors[0].unwrap() / twice.standard_errors[0].unwrap();
    assert!((ratio - 2_f64.sqrt()).abs() < 1e-12);
}

/// All times seven times as long: `α` seven times as long, nothing else changes but the density.
#[test]
fn the_unit_of_time_changes_only_alpha() {
    let weeks = simulate(3_000, 60.0, 3.0, true);
    let longer = |h: &History| History { days_to_last: 7 * h.days_to_last, age_days: 7 * h.age_days, ..*h };
    let days = fit(weeks.iter().map(longer).collect());
    let weeks = fit(weeks);
    let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
    near(days.model.r, weeks.model.r);
    near(days.model.a, weeks.model.a);
    near(days.model.b, weeks.model.b);
    near(days.model.alpha / 7.0, weeks.model.alpha);
    near(days.log_likelihood + days.n_repeats as f64 * 7_f64.ln(), weeks.log_likelihood);
}

#[test]
fn neither_order_nor_threads_change_a_bit() {
    let base = simulate(30_000, 60.0, 3.0, true);
    let mut reversed = base.clone();
    reversed.reverse();
    let on = |threads: usize, base: Vec<History>| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| fit(base))
    };
    assert_eq!(on(1, base), on(2, reversed));
}

#[test]
fn a_base_without_dropout_is_named_and_fitted() {
    let fitted = fit(simulate(2_000, 60.0, 3.0, false));
    assert!(fitted.diagnoses.contains(&Diagnosis::NoDropout), "{fitted:?}");
    assert!((fitted.model.r - 1.0).abs() < 0.15 && (fitted.model.alpha / 60.0 - 1.0).abs() < 0.2, "{fitted:?}");
    let p_alive = fitted.model.p_alive(4, 300.0, 310.0);
    assert!(p_alive > 0.95 && p_alive <= 1.0);
}

#[test]
fn a_base_with_one_rate_is_named_and_fitted() {
    // Every customer buys every tenth day until as-of: more regular than any rate of a Poisson process.
    let regular = |ix: u32| History {
        n_repeats: 10 + ix % 3,
        days_to_last: 10 * (10 + ix % 3),
        age_days: 10 * (10 + ix % 3) + 4,
    };
    let fitted = fit((0..300).map(regular).collect());
    assert!(fitted.diagnoses.contains(&Diagnosis::OneRate), "{fitted:?}");
    let in_100_days = fitted.model.expected_purchases(10, 100.0, 104.0, 100.0);
    assert!((in_100_days - 10.0).abs() < 1.0, "{in_100_days}");
}

#[test]
fn too_little_to_learn_from_is_named() {
    let check = |n_once: usize, n_twice: usize, expected: FitError| {
        let once = History { n_repeats: 0, days_to_last: 0, age_days: 50 };
        let twice = History { n_repeats: 1, days_to_last: 20, age_days: 50 };
        let base = [vec![once; n_once], vec![twice; n_twice]].concat();
        assert_eq!(MbgNbd::fit_histories(&Histories::compress(base)), Err(expected));
    };
    check(0, 0, FitError::Empty);
    check(100, 0, FitError::NoRepeat);
    check(0, 9, FitError::TooFew { n_customers: 9, n_repeaters: 9 });
    check(100, 4, FitError::TooFew { n_customers: 104, n_repeaters: 4 });
}

fn any_base() -> impl Strategy<Value = Vec<History>> {
    let history =
        (0..400_u32, 0.0..=1.0_f64, prop_oneof![Just(0), 0..4_u32, 0..400_u32]).prop_map(|(age, share, repeats)| {
            let n_repeats = repeats.min(age);
            let spare = f64::from(age - n_repeats) * share;
            let days_to_last = if n_repeats == 0 { 0 } else { n_repeats + spare as u32 };
            History { n_repeats, days_to_last, age_days: age }
        });
    prop::collection::vec(history, 0..60)
}

proptest! {
    /// Whatever the base, a fit is usable: parameters are positive, scores in range, and nothing is above the maximum nearby.
    #[test]
    fn every_base_is_fitted_or_refused(base in any_base()) {
        let histories = Histories::compress(base.clone());
        let Ok(fitted) = MbgNbd::fit_histories(&histories) else {
            prop_assert!(histories.n_customers < MIN_CUSTOMERS || histories.n_repeaters < MIN_REPEATERS);
            return Ok(());
        };
        prop_assert!(!fitted.diagnoses.contains(&Diagnosis::NotConverged), "{fitted:?}");
        let at = [fitted.model.r, fitted.model.alpha, fitted.model.a, fitted.model.b];
        prop_assert!(at.iter().all(|parameter| parameter.is_finite() && *parameter > 0.0));
        for history in base {
            let (x, t_x, age) = (history.n_repeats, f64::from(history.days_to_last), f64::from(history.age_days));
            prop_assert!((0.0..=1.0).contains(&fitted.model.p_alive(x, t_x, age)));
            prop_assert!((0.0..=1.0).contains(&fitted.model.probability_no_purchase(x, t_x, age, 90.0)));
            let expected = fitted.model.expected_purchases(x, t_x, age, 365.0);
            prop_assert!(expected.is_finite() && expected >= 0.0);
        }
        let sums = Sums::of(&histories);
        for i in 0..4 {
            for factor in [0.97, 1.03] {
                let mut near = at;
                near[i] *= factor;
                let bounds = [(1e-5, 1e5), (1e-6, 1e9), (1e-5, 1e5), (1e-5, 1e5)];
                let inside = near[i] >= bounds[i].0 && near[i] <= bounds[i].1;
                prop_assert!(!inside || likelihood(&sums, Chances::All, near).value <= likelihood(&sums, Chances::All, at).value + 1e-9, "{i} {fitted:?}");
            }
        }
    }
}
