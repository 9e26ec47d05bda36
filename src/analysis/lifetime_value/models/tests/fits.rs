//! Laws that the fit of every model keeps, on simulated bases, degenerate ones and any other.

use proptest::prelude::*;

use super::super::bg_bb::BgBb;
use super::super::bg_nbd::BgNbd;
use super::super::cnbd::{BgCnbd, MbgCnbd};
use super::super::fit_geometric::Chances;
use super::super::mbg_nbd::MbgNbd;
use super::super::nbd::Nbd;
use super::super::pareto_nbd::ParetoNbd;
use super::super::sums::Sums;
use super::super::{Fit, PurchaseModel, Statistics, fit_bg_bb, fit_cnbd, fit_geometric, fit_pareto_nbd};
use crate::analysis::lifetime_value::diagnosis::{Diagnosis, FitError, MIN_CUSTOMERS, MIN_REPEATERS};
use crate::analysis::lifetime_value::histories::{Histories, History};
use crate::analysis::lifetime_value::tests::Uniform;
use crate::maths::gamma::ln_gamma;
use crate::maths::newton::Point;

/// How customers of a simulated base buy and leave.
#[derive(Clone, Copy)]
struct Life {
    /// Mean days between purchases of a customer, by a number of 0 to 1.
    gap: fn(f64) -> f64,
    /// Events that make a purchase.
    k: u32,
    /// Probability of leaving after a purchase, by such a number.
    chance: fn(f64) -> f64,
    /// Days to live, by such a number.
    lifetime: fn(f64) -> f64,
}

/// Different rates, nobody leaves.
const FAITHFUL: Life = Life { gap: |u| 40.0 / -u.ln(), k: 1, chance: |_| 0.0, lifetime: |_| f64::INFINITY };

/// `r = 1`, `α = 40/k`, `a = 1`, `b = 3`.
const LEAVING: Life = Life { chance: |u| 1.0 - u.powf(1.0 / 3.0), ..FAITHFUL };

/// Purchase days of `n` customers, the first at zero, and the day of as-of.
fn simulate(n: u64, life: Life) -> Statistics {
    let mut random = Uniform(n);
    let (mut gaps, mut histories) = (std::collections::BTreeMap::new(), Vec::new());
    for ix in 0..n {
        let age = 200 + (ix % 400) as u32;
        let (gap, chance) = ((life.gap)(random.next()), (life.chance)(random.next()));
        let until = (life.lifetime)(random.next()).min(f64::from(age));
        let (mut at, mut last, mut n_repeats) = (0.0, 0, 0);
        while random.next() >= chance {
            at += (0..life.k).map(|_| random.exponential()).sum::<f64>() * gap / f64::from(life.k);
            if at > until {
                break;
            }
            // Purchases of one day are one.
            if at as u32 > last {
                *gaps.entry(at as u32 - last).or_insert(0) += 1;
                (last, n_repeats) = (at as u32, n_repeats + 1);
            }
        }
        histories.push(History { n_repeats, days_to_last: last, age_days: age });
    }
    Statistics { histories: Histories::compress(histories), gaps: gaps.into_iter().collect() }
}

/// `n` customers with eight opportunities each, by the two probabilities of a customer.
fn simulate_opportunities(n: u64, take: fn(f64) -> f64, leave: fn(f64) -> f64) -> Statistics {
    let mut random = Uniform(n);
    let mut customer = |_| {
        let (take, leave) = (take(random.next()), leave(random.next()));
        let (mut x, mut last) = (0, 0);
        for at in 1..=8 {
            if random.next() < leave {
                break;
            }
            if random.next() < take {
                (x, last) = (x + 1, at);
            }
        }
        History { n_repeats: x, days_to_last: last, age_days: 8 }
    };
    Statistics { histories: Histories::compress((0..n).map(&mut customer).collect()), gaps: vec![] }
}

fn values(fit: &Fit<impl PurchaseModel>) -> Vec<f64> {
    fit.model.parameters().iter().map(|parameter| parameter.value).collect()
}

/// Log-likelihood of a base by the formula of one customer.
fn by_formula(model: &dyn PurchaseModel, base: &Statistics) -> f64 {
    let of = |(h, n): &(History, u32)| {
        f64::from(*n) * model.log_likelihood(h.n_repeats, f64::from(h.days_to_last), f64::from(h.age_days))
    };
    base.histories.distinct.iter().map(of).sum()
}

#[test]
fn the_sums_are_the_likelihood_of_the_formula() {
    let base = simulate(400, Life { k: 2, ..LEAVING });
    let (sums, n) = (Sums::of(&base.histories), 400.0);
    for [r, alpha, a, b] in [[0.5, 40.0, 0.9, 1.6], [3.0, 2.0, 0.1, 9.0], [1e-3, 1e3, 5.0, 0.2]] {
        let near = |sums: Point<4>, model: &dyn PurchaseModel, of_k: f64| {
            let (actual, expected) = (sums.value * n, by_formula(model, &base) + of_k);
            assert!((actual / expected - 1.0).abs() < 1e-12, "{} {actual} {expected}", model.name());
        };
        let at = [r, alpha, a, b];
        near(fit_geometric::likelihood(&sums, Chances::Repeats, at), &BgNbd { r, alpha, a, b }, 0.0);
        let of_k = base.histories.n_repeats as f64 * ln_gamma(3.0);
        near(fit_cnbd::likelihood::<false>(&sums, 3, at), &BgCnbd { k: 3, r, alpha, a, b }, of_k);
        near(fit_cnbd::likelihood::<true>(&sums, 3, at), &MbgCnbd { k: 3, r, alpha, a, b }, of_k);
        near(fit_pareto_nbd::likelihood(&sums, at), &ParetoNbd { r, alpha, s: a, beta: b }, 0.0);
        let years = simulate_opportunities(400, |u| u, |u| u * u);
        let model = BgBb { alpha: r, beta: alpha, gamma: a, delta: b };
        let actual = fit_bg_bb::likelihood(&Sums::of(&years.histories), at).value * n;
        assert!((actual / by_formula(&model, &years) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn gradients_and_hessians_are_slopes() {
    let base = simulate(400, Life { k: 2, ..LEAVING });
    let years = simulate_opportunities(400, |u| u, |u| u * u);
    let (sums, years) = (Sums::of(&base.histories), Sums::of(&years.histories));
    let check = |likelihood: &dyn Fn([f64; 4]) -> Point<4>, at: [f64; 4]| {
        let shifted = |i: usize, by: f64| {
            let mut shifted = at;
            shifted[i] *= f64::exp(by);
            likelihood(shifted)
        };
        let (point, h) = (likelihood(at), 1e-5);
        for i in 0..4 {
            let (below, above) = (shifted(i, -h), shifted(i, h));
            let slope = (above.value - below.value) / (2.0 * h);
            assert!((slope - point.gradient[i]).abs() < 1e-7, "gradient {i}: {slope} {}", point.gradient[i]);
            for j in 0..4 {
                let slope = (above.gradient[j] - below.gradient[j]) / (2.0 * h);
                assert!((slope - point.hessian[i][j]).abs() < 1e-7, "Hessian {i} {j}: {slope} {}", point.hessian[i][j]);
            }
        }
    };
    for at in [[0.6, 35.0, 0.8, 1.7], [4.0, 90.0, 0.2, 30.0]] {
        check(&|at| fit_geometric::likelihood(&sums, Chances::Repeats, at), at);
        check(&|at| fit_cnbd::likelihood::<false>(&sums, 3, at), at);
        check(&|at| fit_cnbd::likelihood::<true>(&sums, 2, at), at);
        check(&|at| fit_pareto_nbd::likelihood(&sums, at), at);
        check(&|at| fit_bg_bb::likelihood(&years, at), at);
    }
}

/// Every customer twice: the same parameters, twice the log-likelihood, standard errors smaller by `√2`.
#[test]
fn a_base_counted_twice_has_the_same_fit() {
    fn check<M: PurchaseModel>(base: &Statistics) {
        let mut twice = base.clone();
        twice.histories.distinct.iter_mut().for_each(|(_, n)| *n *= 2);
        twice.histories.n_customers *= 2;
        twice.histories.n_repeats *= 2;
        twice.histories.n_repeaters *= 2;
        twice.gaps.iter_mut().for_each(|(_, n)| *n *= 2);
        let (once, twice) = (M::fit(base).unwrap(), M::fit(&twice).unwrap());
        for (one, other) in values(&once).into_iter().zip(values(&twice)) {
            assert!((one / other - 1.0).abs() < 1e-8, "{} {one} {other}", once.model.name());
        }
        assert!((2.0 * once.log_likelihood / twice.log_likelihood - 1.0).abs() < 1e-12);
        let ratio = once.standard_errors[0].unwrap() / twice.standard_errors[0].unwrap();
        assert!((ratio - 2_f64.sqrt()).abs() < 1e-6);
    }
    let base = simulate(1_500, LEAVING);
    check::<Nbd>(&base);
    check::<BgNbd>(&base);
    check::<MbgNbd>(&base);
    check::<BgCnbd>(&base);
    check::<MbgCnbd>(&base);
    check::<ParetoNbd>(&base);
    check::<BgBb>(&simulate_opportunities(1_500, |u| u, |u| u * u));
}

/// All times seven times as long: only times among the parameters change.
#[test]
fn the_unit_of_time_changes_only_times() {
    fn check<M: PurchaseModel>(base: &Statistics, longer: &Statistics) {
        let (weeks, days) = (M::fit(base).unwrap(), M::fit(longer).unwrap());
        for (week, day) in weeks.model.parameters().into_iter().zip(days.model.parameters()) {
            let expected = if week.is_time { 7.0 * week.value } else { week.value };
            assert!((day.value / expected - 1.0).abs() < 1e-6, "{} {week:?} {day:?}", weeks.model.name());
        }
        let moved = days.log_likelihood + days.n_repeats as f64 * 7_f64.ln();
        assert!((moved - weeks.log_likelihood).abs() < 1e-6, "{moved} {}", weeks.log_likelihood);
    }
    let base = simulate(1_500, Life { k: 2, ..LEAVING });
    let mut longer = base.clone();
    for (history, _) in &mut longer.histories.distinct {
        history.days_to_last *= 7;
        history.age_days *= 7;
    }
    longer.gaps.iter_mut().for_each(|(days, _)| *days *= 7);
    check::<Nbd>(&base, &longer);
    check::<BgNbd>(&base, &longer);
    check::<MbgCnbd>(&base, &longer);
    check::<ParetoNbd>(&base, &longer);
}

#[test]
fn threads_change_no_bit() {
    let base = simulate(12_000, LEAVING);
    let on = |threads: usize| {
        let fits = || (BgNbd::fit(&base), MbgCnbd::fit_k(&base, 2), ParetoNbd::fit(&base));
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(fits)
    };
    assert_eq!(on(1), on(3));
}

/// Events that make a purchase are found, and the parameters with them.
#[test]
fn regular_purchases_are_recognised() {
    let fit = MbgCnbd::fit(&simulate(4_000, Life { k: 3, ..LEAVING })).unwrap();
    assert_eq!(fit.model.k, 3);
    // Whole days and merged purchases bias fast buyers a little.
    for ((found, truth), error) in values(&fit)[1..].iter().zip([1.0, 40.0 / 3.0, 1.0, 3.0]).zip(&fit.standard_errors) {
        let error = error.unwrap();
        assert!((found - truth).abs() < 5.0 * error && error < 0.2 * truth, "{found} {truth} {error}");
    }
    assert_eq!(fit.diagnoses, []);
    let no_gaps = Statistics { gaps: vec![], ..simulate(100, LEAVING) };
    assert_eq!(MbgCnbd::fit(&no_gaps), Err(FitError::NoGaps));
}

#[test]
fn ridges_are_named() {
    fn check<M: PurchaseModel>(base: &Statistics, expected: Diagnosis) {
        let fit = M::fit(base).unwrap();
        assert!(fit.diagnoses.contains(&expected), "{} {:?} {:?}", fit.model.name(), values(&fit), fit.diagnoses);
    }
    let faithful = simulate(2_000, FAITHFUL);
    check::<BgNbd>(&faithful, Diagnosis::NoDropout);
    check::<MbgCnbd>(&faithful, Diagnosis::NoDropout);
    check::<ParetoNbd>(&faithful, Diagnosis::NoDropout);
    // Lifetimes that differ by less than chance.
    check::<ParetoNbd>(&simulate(2_000, Life { lifetime: |u| 75.0 + 150.0 * u, ..FAITHFUL }), Diagnosis::OneLifetime);
    check::<BgNbd>(&simulate(2_000, Life { chance: |_| 0.2, ..FAITHFUL }), Diagnosis::OneDropout);
    let regular = Life { gap: |_| 40.0, k: 12, ..FAITHFUL };
    check::<Nbd>(&simulate(500, regular), Diagnosis::OneRate);
    check::<BgBb>(&simulate_opportunities(2_000, |u| u, |_| 0.0), Diagnosis::NoDropout);
    check::<BgBb>(&simulate_opportunities(3_000, |_| 0.4, |u| u * u), Diagnosis::OneChance);
    check::<BgBb>(&simulate_opportunities(3_000, |u| u, |_| 0.2), Diagnosis::OneEnd);
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

/// A fit is usable or refused for a reason, and no answer leaves its range.
fn usable<M: PurchaseModel>(fit: Result<Fit<M>, FitError>, base: &Statistics) -> Result<(), TestCaseError> {
    let Histories { n_customers, n_repeaters, .. } = base.histories;
    let Ok(fit) = fit else {
        prop_assert!(n_customers < MIN_CUSTOMERS || n_repeaters < MIN_REPEATERS);
        return Ok(());
    };
    let (name, at) = (fit.model.name(), values(&fit));
    prop_assert!(
        !fit.diagnoses.contains(&Diagnosis::NotConverged),
        "{name} {at:?} {:?} {}",
        fit.diagnoses,
        fit.gradient_norm
    );
    prop_assert!(at.iter().all(|value| value.is_finite() && *value > 0.0));
    prop_assert!(fit.log_likelihood.is_finite());
    for (History { n_repeats: x, days_to_last, age_days }, _) in &base.histories.distinct {
        let (t_x, age) = (f64::from(*days_to_last), f64::from(*age_days));
        prop_assert!((0.0..=1.0).contains(&fit.model.p_alive(*x, t_x, age)));
        prop_assert!((0.0..=1.0).contains(&fit.model.probability_no_purchase(*x, t_x, age, 90.0)));
        let expected = fit.model.expected_purchases(*x, t_x, age, 365.0);
        prop_assert!(expected.is_finite() && expected >= 0.0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the base.
    #[test]
    fn every_base_is_fitted_or_refused(histories in any_base()) {
        // Gaps as even as they can be.
        let mut gaps = std::collections::BTreeMap::new();
        for history in histories.iter().filter(|history| history.n_repeats > 0) {
            *gaps.entry((history.days_to_last / history.n_repeats).max(1)).or_insert(0) += u64::from(history.n_repeats);
        }
        let base = Statistics { histories: Histories::compress(histories), gaps: gaps.into_iter().collect() };
        usable(Nbd::fit(&base), &base)?;
        usable(BgNbd::fit(&base), &base)?;
        usable(MbgCnbd::fit_k(&base, 2), &base)?;
        usable(ParetoNbd::fit(&base), &base)?;
        usable(BgBb::fit(&base), &base)?;
    }
}
