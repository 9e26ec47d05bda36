//! What the lifetime values report beside the scores: parameters in the papers' units, totals, and cautions.

use super::accuracy::Accuracy;
use super::basis::Basis;
use super::choice::Evidence;
use super::gamma_gamma::FittedGammaGamma;
use super::histories::History;
use super::purchases::Fitted;
use super::score::Score;
use super::{Model, Params, groups};
use crate::analysis::Fact;
use crate::features::CustomerFeatures;
use crate::units::MONEY_SCALE;

/// Correlation of frequency and spend beyond which the spend model's assumption of independence is worth a caution.
pub(super) const NOTABLE_CORRELATION: f64 = 0.3;

/// Parameters, settings and totals, in a fixed order.
pub(super) fn of(
    params: &Params,
    model: &Model,
    evidence: Option<&Evidence>,
    basis: &Basis,
    scores: &[Option<Score>],
) -> Vec<(&'static str, Fact)> {
    let mut facts = vec![
        ("model_asked_for", Fact::Text(params.model.label().to_owned())),
        ("model", purchases(&model.purchases.pooled)),
    ];
    facts.extend(groups::facts::of(&model.purchases));
    facts.extend(evidence.map(|evidence| ("evaluation", evaluation(evidence))));
    if let Some(fitted) = &model.spend {
        facts.push(("spend", spend(fitted)));
        facts.extend(fitted.correlation.map(|value| ("repeats_spend_correlation", Fact::Number(value))));
    }
    match basis {
        Basis::Revenue => facts.push(("value_basis", Fact::Text("revenue".to_owned()))),
        Basis::Margin { base_rate, .. } => {
            facts.push(("value_basis", Fact::Text("margin".to_owned())));
            facts.push(("base_margin_rate", Fact::Number(*base_rate)));
        }
    }
    facts.push(("horizon_months", Fact::Integer(i64::from(params.horizon_months))));
    facts.push(("discount_rate_per_year", Fact::Number(params.discount_rate_per_year)));
    let known = scores.iter().flatten();
    facts.push(("expected_orders", Fact::Number(known.clone().map(|score| score.orders).sum())));
    if model.spend.is_some() {
        let equity: i128 = known.filter_map(|score| score.value).map(i128::from).sum();
        facts.push(("customer_equity", Fact::Number(equity as f64 / MONEY_SCALE as f64)));
        let for_ever: i128 = scores.iter().flatten().filter_map(|score| score.residual).map(i128::from).sum();
        if params.discount_rate_per_year > 0.0 {
            facts.push(("residual_equity", Fact::Number(for_ever as f64 / MONEY_SCALE as f64)));
        }
    }
    facts
}

fn purchases(fitted: &Fitted) -> Fact {
    let parameters = fitted.parameters_weeks();
    let fit = &fitted.0;
    let mut facts =
        vec![("name", Fact::Text(fitted.formulas().name().to_owned())), ("time_unit", Fact::Text("week".to_owned()))];
    facts.extend(parameters.iter().map(|(symbol, value, _)| match *symbol {
        "k" => ("k", Fact::Integer(*value as i64)),
        symbol => (symbol, Fact::Number(*value)),
    }));
    let known = parameters.iter().filter_map(|(symbol, _, error)| Some((*symbol, Fact::Number((*error)?))));
    facts.extend([
        ("log_likelihood", Fact::Number(fitted.log_likelihood_weeks())),
        ("gain_over_no_dropout", Fact::Number(fit.gain_over_no_dropout)),
        ("standard_errors", Fact::Group(known.collect())),
        ("n", Fact::Integer(fit.n_customers as i64)),
        ("n_repeats", Fact::Integer(fit.n_repeats as i64)),
        ("n_iterations", Fact::Integer(i64::from(fit.n_iterations))),
    ]);
    Fact::Group(facts)
}

/// What the holdout says of each model and rule.
fn evaluation(evidence: &Evidence) -> Fact {
    let split = &evidence.split;
    let purchases: u64 = split.observations.iter().map(|(o, n)| u64::from(o.n_after) * u64::from(*n)).sum();
    let models = evidence.models.iter().map(|candidate| (candidate.kind.label(), accuracy(&candidate.accuracy)));
    let rules = evidence.rules.iter().map(|(name, figures)| (*name, accuracy(figures)));
    let mut facts = vec![
        ("cut", Fact::Text(split.cut.to_string())),
        ("holdout_days", Fact::Integer(i64::from(split.days))),
        ("n", Fact::Integer(split.n_customers as i64)),
        ("one_in", Fact::Integer(split.one_in as i64)),
        ("purchases", Fact::Integer(purchases as i64)),
        ("chosen", Fact::Text(evidence.chosen().kind.label().to_owned())),
        ("models", Fact::Group(models.collect())),
        ("rules", Fact::Group(rules.collect())),
    ];
    facts.extend(evidence.grouped.as_ref().map(|grouped| {
        let name = ("name", Fact::Text(grouped.name.clone()));
        ("grouped", Fact::Group(vec![name, ("accuracy", accuracy(&grouped.accuracy))]))
    }));
    Fact::Group(facts)
}

/// Figures by name; one that does not exist is left out.
fn accuracy(figures: &Accuracy) -> Fact {
    let figures = [
        ("mae", Some(figures.mae)),
        ("rmse", Some(figures.rmse)),
        ("bias", figures.bias),
        ("deviance", figures.deviance),
        ("decile_lift", figures.decile_lift),
        ("calibration_error", figures.calibration_error),
    ];
    Fact::Group(figures.into_iter().filter_map(|(name, figure)| Some((name, Fact::Number(figure?)))).collect())
}

fn spend(fitted: &FittedGammaGamma) -> Fact {
    Fact::Group(vec![
        ("name", Fact::Text("gamma-gamma".to_owned())),
        ("p", Fact::Number(fitted.p)),
        ("q", Fact::Number(fitted.q)),
        ("v", Fact::Number(fitted.v)),
        ("log_likelihood", Fact::Number(fitted.log_likelihood)),
        ("standard_errors", errors(&["p", "q", "v"], &fitted.standard_errors)),
        ("n", Fact::Integer(fitted.n_customers as i64)),
        ("n_iterations", Fact::Integer(i64::from(fitted.n_iterations))),
    ])
}

/// Standard errors by name; one that is unknown is left out.
fn errors(names: &[&'static str], errors: &[Option<f64>]) -> Fact {
    let known = |(name, error): (&&'static str, &Option<f64>)| error.map(|error| (*name, Fact::Number(error)));
    Fact::Group(names.iter().zip(errors).filter_map(known).collect())
}

/// What the reader must know of the order values.
pub(super) fn spend_notes(
    now: &CustomerFeatures,
    customers: &[Option<History>],
    model: &Model,
    basis: &Basis,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(fitted) = &model.spend {
        notes.extend(fitted.diagnoses.iter().map(|diagnosis| format!("spend model: {diagnosis}")));
        if let Some(correlation) = fitted.correlation.filter(|value| value.abs() > NOTABLE_CORRELATION) {
            notes.push(format!(
                "spend model: frequency and spend correlate by {correlation:.2}, the model takes them to be independent"
            ));
        }
        let unpaid = |ix: &usize| customers[*ix].is_some_and(|h| h.n_repeats > 0) && now.repeat_revenue[*ix] <= 0;
        let n_unpaid = (0..customers.len()).filter(unpaid).count();
        if n_unpaid > 0 {
            notes.push(format!(
                "{n_unpaid} customers bought again without positive repeat revenue: their order value is the mean of the base"
            ));
        }
    }
    if let Basis::Margin { n_unknown, .. } = basis
        && *n_unknown > 0
    {
        notes.push(format!("{n_unknown} customers have no known margin: theirs is taken at the rate of the base"));
    }
    notes
}
