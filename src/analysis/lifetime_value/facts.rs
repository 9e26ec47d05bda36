//! What the lifetime values report beside the scores: parameters in the papers' units, totals, and cautions.

use super::fit_mbg_nbd::FittedMbgNbd;
use super::gamma_gamma::FittedGammaGamma;
use super::histories::History;
use super::{Basis, Model, Params, Score};
use crate::analysis::Fact;
use crate::features::CustomerFeatures;
use crate::units::MONEY_SCALE;

/// Correlation of frequency and spend beyond which the spend model's assumption of independence is worth a caution.
const NOTABLE_CORRELATION: f64 = 0.3;

/// Parameters, settings and totals, in a fixed order.
pub(super) fn of(params: &Params, model: &Model, basis: &Basis, scores: &[Option<Score>]) -> Vec<(&'static str, Fact)> {
    let mut facts = vec![("model", purchases(&model.purchases))];
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
    }
    facts
}

fn purchases(fitted: &FittedMbgNbd) -> Fact {
    Fact::Group(vec![
        ("name", Fact::Text("mbg-nbd".to_owned())),
        ("time_unit", Fact::Text("week".to_owned())),
        ("r", Fact::Number(fitted.r)),
        ("alpha", Fact::Number(fitted.alpha_weeks())),
        ("a", Fact::Number(fitted.a)),
        ("b", Fact::Number(fitted.b)),
        ("log_likelihood", Fact::Number(fitted.log_likelihood_weeks())),
        ("gain_over_nbd", Fact::Number(fitted.gain_over_nbd)),
        ("standard_errors", errors(&["r", "alpha", "a", "b"], &fitted.standard_errors_weeks())),
        ("n", Fact::Integer(fitted.n_customers as i64)),
        ("n_repeats", Fact::Integer(fitted.n_repeats as i64)),
        ("n_iterations", Fact::Integer(i64::from(fitted.n_iterations))),
    ])
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
