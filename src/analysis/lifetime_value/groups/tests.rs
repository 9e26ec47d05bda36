//! Grouped fits on simulated bases: slopes, recovery, what the order of customers may not change.

use super::covariates::Joint;
use super::design::Design;
use super::partition::{GroupFits, Partition};
use super::*;
use crate::analysis::Analysis;
use crate::analysis::lifetime_value::histories::{Histories, History};
use crate::analysis::lifetime_value::models::Fit;
use crate::analysis::lifetime_value::models::Statistics;
use crate::analysis::lifetime_value::models::landscape::Landscape;
use crate::analysis::lifetime_value::purchases::{PurchaseKind, Purchases};
use crate::analysis::lifetime_value::tests::{Example, Uniform};
use crate::analysis::lifetime_value::{LifetimeValue, Params};
use crate::table::{Column, Values};

/// Purchase days of customers of MBG/NBD with `r = a = 1`, purchases on average every `gap` days; gaps between them stand beside.
fn simulate(random: &mut Uniform, n: u32, gap: f64, b: f64) -> Vec<(History, Vec<u32>)> {
    let customer = |ix: u32| {
        let (rate, p) = (random.exponential() / gap, 1.0 - random.next().powf(1.0 / b));
        let age = 200 + ix % 400;
        let (mut days, mut at) = (vec![0_u32], 0.0);
        while random.next() >= p {
            at += random.exponential() / rate;
            if at > f64::from(age) {
                break;
            }
            days.push(at as u32);
        }
        days.dedup();
        let history = History { n_repeats: days.len() as u32 - 1, days_to_last: days[days.len() - 1], age_days: age };
        (history, days.windows(2).map(|pair| pair[1] - pair[0]).collect())
    };
    (0..n).map(customer).collect()
}

fn statistics(customers: &[(History, Vec<u32>)]) -> Statistics {
    let mut gaps: Vec<u32> = customers.iter().flat_map(|(_, gaps)| gaps.iter().copied()).collect();
    gaps.sort_unstable();
    let gaps = gaps.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64)).collect();
    Statistics { histories: Histories::compress(customers.iter().map(|(history, _)| *history).collect()), gaps }
}

fn pooled(kind: PurchaseKind, parts: &[Vec<(History, Vec<u32>)>]) -> Fitted {
    kind.fit(&statistics(&parts.concat())).unwrap()
}

/// Two groups, the second of which buys more often and stays longer.
fn two(n: u32) -> [Vec<(History, Vec<u32>)>; 2] {
    let mut random = Uniform(11);
    [simulate(&mut random, n, 60.0, 3.0), simulate(&mut random, n, 30.0, 6.0)]
}

fn two_levels() -> Design {
    let plan = |ix: usize| Some(if ix < 50 { "basic" } else { "pro" });
    Design::of(&[&Column::new("plan", Values::from_texts((0..99).map(plan)))], &[true; 99])
}

fn fitted(kind: PurchaseKind, parts: &[Vec<(History, Vec<u32>)>]) -> GroupFits {
    let statistics: Vec<Statistics> = parts.iter().map(|part| statistics(part)).collect();
    covariates::fit(&two_levels(), &pooled(kind, parts), &statistics).unwrap()
}

/// Slopes and curvatures are those of finite differences.
fn check_slopes(at: impl Fn(&[f64]) -> crate::maths::newton::Surface, u: &[f64]) {
    let here = at(u);
    for p in 0..u.len() {
        let beside = |step: f64| {
            let mut u = u.to_vec();
            u[p] += step;
            at(&u)
        };
        let (up, down) = (beside(1e-5), beside(-1e-5));
        let slope = (up.value - down.value) / 2e-5;
        assert!((here.gradient[p] - slope).abs() < 1e-7, "{p}: {} {slope}", here.gradient[p]);
        for q in 0..u.len() {
            let curvature = (up.gradient[q] - down.gradient[q]) / 2e-5;
            assert!((here.hessian[p][q] - curvature).abs() < 1e-6, "{p} {q}: {} {curvature}", here.hessian[p][q]);
        }
    }
}

#[test]
fn joint_slopes_are_those_of_differences_and_the_sum_is_that_of_the_groups() {
    let parts = two(300).map(|part| statistics(&part));
    let vectors = [vec![0.0, 1.5], vec![1.0, -0.5]];
    for kind in [PurchaseKind::MbgNbd, PurchaseKind::ParetoNbd] {
        let model = pooled(kind, &two(300)).0.model;
        let joint = Joint::of(&vectors, &model, &parts).unwrap();
        let n_effects = if kind == PurchaseKind::MbgNbd { 6 } else { 4 };
        let mut u = model.free();
        u.extend((0..n_effects).map(|ix| 0.3 - 0.1 * f64::from(ix)));
        check_slopes(|u| joint.at(u), &u);
        // By the formula of each single history, at the parameters that the paper gives a customer.
        let mut sum = 0.0;
        for (part, z) in parts.iter().zip(&vectors) {
            let gamma = |block: usize| z[0] * u[4 + 2 * block] + z[1] * u[5 + 2 * block];
            let signs = if kind == PurchaseKind::MbgNbd {
                vec![(1, -1.0), (2, 1.0), (3, 1.0)]
            } else {
                vec![(1, -1.0), (3, -1.0)]
            };
            let mut own = u[..4].to_vec();
            signs.iter().enumerate().for_each(|(block, (j, sign))| own[*j] += sign * gamma(block));
            let own = model.with_free(&own);
            for (h, n) in &part.histories.distinct {
                let ll = own.formulas().log_likelihood(h.n_repeats, f64::from(h.days_to_last), f64::from(h.age_days));
                sum += f64::from(*n) * ll;
            }
        }
        assert!((joint.at(&u).value * 600.0 / sum - 1.0).abs() < 1e-11, "{kind:?}");
    }
}

/// `α` 60 and 30 days, `b` 3 and 6, `a` 1 and 1: `γ = ln 2, 0, ln 2`.
#[test]
fn effects_of_a_simulated_base_are_found() {
    let found = fitted(PurchaseKind::MbgNbd, &two(6_000));
    let effects = found.effects.as_ref().unwrap();
    let symbols: Vec<&str> = effects.effects.iter().map(|effect| effect.symbol.as_str()).collect();
    assert_eq!(symbols, ["gamma1_plan_pro", "gamma2_plan_pro", "gamma3_plan_pro"]);
    for (effect, truth) in effects.effects.iter().zip([2_f64.ln(), 0.0, 2_f64.ln()]) {
        let error = effect.standard_error.unwrap();
        assert!((effect.value - truth).abs() < 3.0 * error && error < 0.25, "{effect:?}");
    }
    assert!(effects.effects[0].p().unwrap() < 1e-12);
    assert!(effects.likelihood_ratio > 100.0 && effects.p < 1e-12 && effects.degrees_of_freedom == 3);
    assert_eq!(found.notes, [] as [String; 0]);
    // The parts' likelihoods are those of the model as a whole.
    let [basic, pro] = [0, 1].map(|g| &found.groups[g].0.0);
    let whole = pooled(PurchaseKind::MbgNbd, &two(6_000)).0.log_likelihood;
    let gain = 2.0 * (basic.log_likelihood + pro.log_likelihood - whole);
    assert!((gain - effects.likelihood_ratio).abs() < 1e-6);
    let free = |fit: &Fit<_>| Purchases::free(&fit.model);
    assert!((free(basic)[1] - free(pro)[1] - effects.effects[0].value).abs() < 1e-12);
    // By the delta method the reference group has the errors of the base parameters.
    assert!((basic.standard_errors[1].unwrap() / effects.reference.0.standard_errors[1].unwrap() - 1.0).abs() < 1e-12);
    assert!(pro.standard_errors.iter().all(Option::is_some));
}

/// Groups that do not differ have no effects, and the pooled parameters.
#[test]
fn nothing_is_found_where_there_is_nothing() {
    let mut random = Uniform(5);
    let parts = [simulate(&mut random, 3_000, 40.0, 4.0), simulate(&mut random, 3_000, 40.0, 4.0)];
    for kind in [PurchaseKind::MbgNbd, PurchaseKind::ParetoNbd] {
        let effects = fitted(kind, &parts).effects.unwrap();
        assert!(effects.p > 0.001, "{kind:?} {effects:?}");
    }
}

/// Every customer twice changes no parameter, halves every variance, and doubles the likelihood ratio; their order changes no bit.
#[test]
fn customers_count_by_number_and_not_by_order() {
    let parts = two(1_000);
    let once = fitted(PurchaseKind::ParetoNbd, &parts);
    let reversed = parts.clone().map(|part| part.into_iter().rev().collect());
    let backwards = fitted(PurchaseKind::ParetoNbd, &reversed);
    assert_eq!(once.effects, backwards.effects);
    let doubled = parts.map(|part| [part.clone(), part].concat());
    let twice = fitted(PurchaseKind::ParetoNbd, &doubled);
    let (once, twice) = (once.effects.unwrap(), twice.effects.unwrap());
    for (one, two) in once.effects.iter().zip(&twice.effects) {
        assert!((one.value - two.value).abs() < 1e-6);
        assert!((one.standard_error.unwrap() / two.standard_error.unwrap() / 2_f64.sqrt() - 1.0).abs() < 1e-5);
    }
    assert!((twice.likelihood_ratio / once.likelihood_ratio - 2.0).abs() < 1e-6);
}

/// Nobody of a level ever came back: the rate runs to the end of its range, and that is said.
#[test]
fn separation_is_named() {
    let mut random = Uniform(3);
    let mut never = simulate(&mut random, 400, 40.0, 4.0);
    never.iter_mut().for_each(|(history, gaps)| {
        (history.n_repeats, history.days_to_last) = (0, 0);
        gaps.clear();
    });
    let found = fitted(PurchaseKind::MbgNbd, &[simulate(&mut random, 400, 40.0, 4.0), never]);
    assert!(found.notes.iter().any(|note| note.contains("nobody with plan_pro came back")), "{:?}", found.notes);
    // What is known of the others stays known.
    assert!(found.effects.unwrap().reference.0.standard_errors.iter().all(Option::is_some));
    assert!(found.groups.iter().all(|(fitted, _)| fitted.0.log_likelihood.is_finite()));
}

#[test]
fn penalised_slopes_are_those_of_differences_for_every_model() {
    let parts = two(200);
    let part = statistics(&parts[0]);
    for kind in PurchaseKind::ALL.into_iter().filter(|kind| *kind != PurchaseKind::BgBb) {
        let fitted = kind.fit(&statistics(&parts.concat())).unwrap();
        // More events than one, so that the gaps matter.
        let model = match fitted.0.model {
            Purchases::MbgCnbd(model) => {
                Purchases::MbgCnbd(crate::analysis::lifetime_value::models::cnbd::MbgCnbd { k: 3, ..model })
            }
            Purchases::BgCnbd(model) => {
                Purchases::BgCnbd(crate::analysis::lifetime_value::models::cnbd::BgCnbd { k: 2, ..model })
            }
            other => other,
        };
        let landscape = Landscape::of(&model, &part).unwrap();
        let centre = model.free();
        let u: Vec<f64> = centre.iter().map(|u| u + 0.2).collect();
        check_slopes(|u| cohorts::penalised(&landscape, u, &centre, &vec![0.5; u.len()]), &u);
    }
}

/// The log-likelihood that a landscape gives at a fit is that of the fit, gaps included.
#[test]
fn a_landscape_is_as_high_as_the_fit() {
    let part = statistics(&two(300)[1]);
    for kind in PurchaseKind::ALL.into_iter().filter(|kind| *kind != PurchaseKind::BgBb) {
        let fitted = kind.fit(&part).unwrap();
        let again = fitted.for_group(&part, &fitted.0.model.free());
        assert!((again.0.log_likelihood / fitted.0.log_likelihood - 1.0).abs() < 1e-12, "{kind:?}");
        assert!((again.0.gain_over_no_dropout - fitted.0.gain_over_no_dropout).abs() < 1e-6, "{kind:?}");
    }
}

#[test]
fn cohorts_lie_between_their_own_fit_and_the_pooled_one() {
    let mut random = Uniform(23);
    let gaps = [15.0, 25.0, 40.0, 60.0, 100.0];
    let mut parts: Vec<_> = gaps.map(|gap| simulate(&mut random, 600, gap, 4.0)).to_vec();
    parts.push(simulate(&mut random, 12, 15.0, 4.0));
    let nobody = parts[0].iter().filter(|(history, _)| history.n_repeats == 0).take(30).cloned().collect();
    parts.push(nobody);
    for kind in [PurchaseKind::MbgNbd, PurchaseKind::MbgCnbd, PurchaseKind::ParetoNbd, PurchaseKind::Nbd] {
        let whole = pooled(kind, &parts);
        let each: Vec<Statistics> = parts.iter().map(|part| statistics(part)).collect();
        let found = cohorts::fit(kind, &whole, &each);
        let (_, spread) = found.spread[1];
        assert!(spread > 0.3, "{kind:?}: rates differ by a factor of seven, {:?}", found.spread);
        let rate = |fitted: &Fitted| {
            let free = fitted.0.model.free();
            free[0] - free[1]
        };
        for (g, part) in each.iter().enumerate().take(5) {
            let (fitted, weight) = &found.groups[g];
            let (own, all) = (rate(&whole.refit(kind, part).unwrap()), rate(&whole));
            assert!((rate(fitted) - own).abs() < (own - all).abs().max(0.15), "{kind:?} {g}");
            assert!(weight.unwrap() > 0.1 && weight.unwrap() <= 1.0);
        }
        // Twelve customers decide less than six hundred do; none who came back, nothing.
        assert!(found.groups[5].1 < found.groups[0].1, "{kind:?}");
        assert_eq!(found.groups[6].1, Some(0.0));
        for (free, pooled) in found.groups[6].0.0.model.free().iter().zip(whole.0.model.free()) {
            assert!((free - pooled).abs() < 1e-12);
        }
        let n_free = whole.0.model.free().len() as f64;
        assert!(found.n_parameters >= n_free && found.n_parameters <= 6.0 * n_free, "{}", found.n_parameters);
    }
}

fn grouped(example: &Example, grouping: Grouping) -> crate::analysis::Findings {
    LifetimeValue(Params { grouping, ..Params::default() }).run(&example.base(), &[]).unwrap()
}

fn example() -> Example {
    let mut example = Example::new(1_200);
    let plan = |ix: usize| [Some("basic"), Some("basic"), Some("pro"), None][ix % 4];
    example.data.attributes = vec![Column::new("plan", Values::from_texts((0..1_200).map(plan)))];
    example
}

#[test]
fn scores_are_those_of_the_group() {
    let example = example();
    for grouping in [Grouping::Covariates(vec!["plan".to_owned()]), Grouping::Cohorts(Cohorts::Quarter)] {
        let found = grouped(&example, grouping.clone());
        let purchases = &found.valuation.as_ref().unwrap().model.purchases;
        assert!(purchases.groups.len() > 2);
        let Values::Number(p_alive) = &found.columns[0].values else { panic!("not numbers") };
        let histories = crate::analysis::lifetime_value::histories::of_customers(&example.now);
        for (ix, history) in histories.iter().enumerate() {
            assert_eq!(p_alive.get(ix), history.map(|history| purchases.of(ix).p_alive(history)));
        }
        let of_groups: u64 = purchases.groups.iter().map(|group| group.fitted.0.n_customers).sum();
        assert_eq!(of_groups, 1_080);
        let table = found.tables.iter().find(|table| table.name == "clv_groups").unwrap();
        assert!(table.columns.iter().all(|column| column.values.len() == table.columns[0].values.len()));
        let models = found.tables.iter().find(|table| table.name == "clv_models").unwrap();
        let Values::Text { codes, labels } = &models.columns[1].values else { panic!("not texts") };
        let count = |kind: &str| codes.iter().filter(|code| labels[**code as usize] == kind).count();
        assert_eq!((count("chosen"), count("pooled")), (1, 1));
    }
}

/// Without an opinion on groups, and with attributes that say nothing, customers share one model.
#[test]
fn without_groups_there_is_one_model() {
    let mut example = example();
    example.data.attributes = vec![Column::new("plan", Values::from_texts((0..1_200).map(|_| Some("basic"))))];
    let plain = grouped(&example, Grouping::None);
    let same = grouped(&example, Grouping::Covariates(vec!["plan".to_owned()]));
    assert!(plain.facts.iter().all(|(name, _)| !["groups", "covariates"].contains(name)));
    assert!(same.notes.iter().any(|note| note.contains("`plan` is left out")));
    assert!(same.valuation.unwrap().model.purchases.groups.is_empty());
}

#[test]
fn too_many_groups_are_not_fitted() {
    let mut example = Example::new(3_000);
    // The binary digits of the number tell every customer apart.
    let bit = |bit: usize| {
        Column::new(format!("bit{bit}"), Values::from_texts((0..3_000).map(|ix| Some(["no", "yes"][(ix >> bit) & 1]))))
    };
    example.data.attributes = (0..12).map(bit).collect();
    let names = (0..12).map(|bit| format!("bit{bit}")).collect();
    let customers = crate::analysis::lifetime_value::histories::of_customers(&example.now);
    let (partition, notes) = Partition::of(&Grouping::Covariates(names), &example.base(), &customers);
    assert!(partition.is_none() && notes[0].contains("tell 2700 groups"), "{notes:?}");
}
