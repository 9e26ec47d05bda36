//! Laws that every model of repeat purchases keeps, on a wide domain of parameters and histories.

mod fit_mbg_nbd;
mod fits;

use proptest::prelude::*;

use super::bg_bb::BgBb;
use super::bg_nbd::BgNbd;
use super::cnbd::{BgCnbd, MbgCnbd};
use super::mbg_nbd::MbgNbd;
use super::nbd::Nbd;
use super::pareto_nbd::ParetoNbd;
use super::*;

/// Whether two numbers agree to ten digits, or to thirteen places where they are small.
pub(super) fn close(actual: f64, expected: f64) -> bool {
    (actual - expected).abs() <= 1e-13_f64.max(1e-10 * expected.abs())
}

/// All models with the same first two parameters; times multiplied by `unit`.
fn in_continuous_time([r, alpha, a, b]: [f64; 4], k: u32, unit: f64) -> Vec<Box<dyn PurchaseModel>> {
    let alpha = alpha * unit;
    vec![
        Box::new(Nbd { r, alpha }),
        Box::new(BgNbd { r, alpha, a, b }),
        Box::new(MbgNbd { r, alpha, a, b }),
        Box::new(BgCnbd { k, r, alpha, a, b }),
        Box::new(MbgCnbd { k, r, alpha, a, b }),
        Box::new(ParetoNbd { r, alpha, s: a, beta: b * unit }),
    ]
}

/// Parameters from 1e-5 to 1e4, with those at which textbook formulas have a pole.
fn wide() -> impl Strategy<Value = [f64; 4]> {
    let shape = prop_oneof![5 => (-11.5..9.2_f64).prop_map(f64::exp), 1 => Just(1.0), 1 => Just(0.5)].boxed();
    [shape.clone(), shape.clone(), shape.clone(), shape]
}

/// Repeats, `t_x` and `T`.
fn histories() -> impl Strategy<Value = (u32, f64, f64)> {
    let x = prop_oneof![Just(0), Just(1), Just(2), Just(1000), 0..100_u32];
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0];
    let age = prop_oneof![Just(0.0), (-3.0..8.3_f64).prop_map(f64::exp)];
    (x, share, age).prop_map(|(x, share, age)| (x, if x == 0 { 0.0 } else { share * age }, age))
}

fn spans() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), (-5.0..9.0_f64).prop_map(f64::exp)]
}

/// Answers a model in one history: in range, ordered, finite.
fn check(model: &dyn PurchaseModel, (x, t_x, age): (u32, f64, f64), t: f64, rate: f64) -> Result<(), TestCaseError> {
    let name = model.name();
    prop_assert!(model.log_likelihood(x, t_x, age).is_finite(), "{name}");
    let alive = model.p_alive(x, t_x, age);
    prop_assert!((0.0..=1.0).contains(&alive), "{name} {alive}");
    let none = model.probability_no_purchase(x, t_x, age, t);
    prop_assert!((0.0..=1.0).contains(&none), "{name} {none}");
    prop_assert!(none >= 1.0 - alive - 1e-11, "{name}");
    let expected = model.expected_purchases(x, t_x, age, t);
    // Who buys does so at least once; one minus a probability has an absolute error.
    prop_assert!(expected.is_finite() && expected >= (1.0 - none) * (1.0 - 1e-9) - 1e-11, "{name} {expected} {none}");
    let longer = model.expected_purchases(x, t_x, age, 1.5 * t);
    prop_assert!(longer >= expected * (1.0 - 1e-10), "{name} {expected} {longer}");
    let later = model.probability_no_purchase(x, t_x, age, 1.5 * t);
    prop_assert!(later <= none + 1e-11, "{name} {none} {later}");
    let (low, high) =
        (model.discounted_purchases(x, t_x, age, rate), model.discounted_purchases(x, t_x, age, 1.3 * rate));
    let (low, high) = (low.unwrap(), high.unwrap());
    prop_assert!(low.is_finite() && high >= 0.0 && high <= low * (1.0 + 1e-12), "{name} {low} {high}");
    // What is bought within t is worth e^{−rate·t} of itself at the least.
    prop_assert!(low >= expected * (-rate * t).exp() * (1.0 - 1e-9), "{name} {low} {expected}");
    prop_assert_eq!(model.discounted_purchases(x, t_x, age, 0.0), None);
    Ok(())
}

proptest! {
    /// No parameters and no history lead out of the range of an answer.
    #[test]
    fn answers_stay_in_range(
        parameters in wide(), k in 2..5_u32, history in histories(), t in spans(), rate in (-9.0..1.0_f64).prop_map(f64::exp),
    ) {
        for model in in_continuous_time(parameters, k, 1.0) {
            check(&*model, history, t, rate)?;
        }
    }

    /// The same at opportunities.
    #[test]
    fn answers_at_opportunities_stay_in_range(
        [alpha, beta, gamma, delta] in wide(), x in 0..60_u32, wait in 0..60_u32, since in 0..200_u32, t in 0..300_u32,
        rate in (-9.0..1.0_f64).prop_map(f64::exp),
    ) {
        let model = BgBb { alpha, beta, gamma, delta };
        let last = if x == 0 { 0 } else { x + wait };
        check(&model, (x, f64::from(last), f64::from(last + since)), f64::from(t), rate)?;
    }

    /// Weeks or days: only the density changes, by `ln 7` a repeat.
    #[test]
    fn the_unit_of_time_changes_nothing(parameters in wide(), k in 2..5_u32, (x, t_x, age) in histories(), t in spans()) {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (a.abs() + b.abs()) + 1e-12;
        let models = in_continuous_time(parameters, k, 1.0).into_iter().zip(in_continuous_time(parameters, k, 7.0));
        for (weeks, days) in models {
            let (name, [t_x_days, age_days]) = (weeks.name(), [7.0 * t_x, 7.0 * age]);
            prop_assert!(near(weeks.p_alive(x, t_x, age), days.p_alive(x, t_x_days, age_days)), "{name}");
            let (one, other) = (weeks.expected_purchases(x, t_x, age, t), days.expected_purchases(x, t_x_days, age_days, 7.0 * t));
            prop_assert!(near(one, other), "{name} {one} {other}");
            let (one, other) =
                (weeks.probability_no_purchase(x, t_x, age, t), days.probability_no_purchase(x, t_x_days, age_days, 7.0 * t));
            prop_assert!(near(one, other), "{name} {one} {other}");
            let (one, other) =
                (weeks.discounted_purchases(x, t_x, age, 0.07).unwrap(), days.discounted_purchases(x, t_x_days, age_days, 0.01).unwrap());
            prop_assert!(near(one, other), "{name} {one} {other}");
            // The density of k events a purchase, of which the gaps' share (k − 1) Σ ln gap is left out.
            let events = if name.contains("cnbd") { k } else { 1 };
            let in_weeks = days.log_likelihood(x, t_x_days, age_days) + f64::from(events * x) * 7_f64.ln();
            prop_assert!(near(weeks.log_likelihood(x, t_x, age), in_weeks), "{name}");
        }
    }
}
