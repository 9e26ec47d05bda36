//! What the lifetime values report beside the scores: parameters in the papers' units, totals, and cautions.

use super::accuracy::Accuracy;
use super::basis::Basis;
use super::choice::Evidence;
use super::equity::{Equity, Sum};
use super::gamma_gamma::FittedGammaGamma;
use super::histories::History;
use super::opportunities::Opportunities;
use super::purchases::Fitted;
use super::score::Score;
use super::season::{MIN_YEARS, SeasonIndex, SeasonProof};
use super::{Model, Params, groups};
use crate::analysis::Fact;
use crate::features::CustomerFeatures;
use crate::table::Nullable;
use crate::units::MONEY_SCALE;

/// Correlation of frequency and spend beyond which the spend model's assumption of independence is worth a caution.
pub(super) const NOTABLE_CORRELATION: f64 = 0.3;

/// Parameters, settings and totals, in a fixed order.
pub(super) fn of(
    params: &Params,
    model: &Model,
    equity: Sum,
    evidence: Option<&Evidence>,
    season: Option<&SeasonIndex>,
    scores: &[Option<Score>],
) -> Vec<(&'static str, Fact)> {
    let mut facts = vec![
        ("model_asked_for", Fact::Text(params.model.label().to_owned())),
        ("model", purchases(&model.purchases.pooled)),
    ];
    facts.extend(params.opportunity.map(|each| ("opportunity", Fact::Text(each.label().to_owned()))));
    facts.extend(groups::facts::of(&model.purchases));
    facts.extend(evidence.map(|evidence| ("evaluation", evaluation(evidence))));
    if let Some(fitted) = &model.spend {
        facts.push(("spend", spend(fitted)));
        facts.extend(fitted.correlation.map(|value| ("repeats_spend_correlation", Fact::Number(value))));
    }
    match &model.basis {
        Basis::Revenue => facts.push(("value_basis", Fact::Text("revenue".to_owned()))),
        Basis::Margin { base_rate, .. } => {
            facts.push(("value_basis", Fact::Text("margin".to_owned())));
            facts.push(("base_margin_rate", Fact::Number(*base_rate)));
        }
    }
    facts.extend(season.map(|found| ("season", index(found))));
    facts.push(("horizon_months", Fact::Integer(i64::from(params.horizon_months))));
    facts.push(("discount_rate_per_year", Fact::Number(params.discount_rate_per_year)));
    let known = scores.iter().flatten();
    facts.push(("expected_orders", Fact::Number(known.clone().map(|score| score.orders).sum())));
    if model.spend.is_some() {
        facts.push(("customer_equity", Fact::Number(equity.value)));
        if let Some([low, high]) = equity.interval {
            facts.extend([("customer_equity_low", Fact::Number(low)), ("customer_equity_high", Fact::Number(high))]);
        }
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
    let mut facts = vec![
        ("name", Fact::Text(fitted.formulas().name().to_owned())),
        ("time_unit", Fact::Text(fitted.time_unit().to_owned())),
    ];
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
        ("cut", Fact::Text(split.calendar_day(split.cut.0).to_string())),
        ("holdout_days", Fact::Integer(i64::from(split.calendar_days()))),
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

/// The index of the months, January first, and what it rests on.
fn index(found: &SeasonIndex) -> Fact {
    let mut facts = vec![
        ("index", Fact::List(found.index().map(Fact::Number).to_vec())),
        ("n_years", Fact::Integer(i64::from(found.n_years))),
        ("noise", Fact::Number(found.noise)),
    ];
    facts.extend(found.kappa.map(|kappa| ("kappa", Fact::Number(kappa))));
    Fact::Group(facts)
}

/// What the reader must know of the season.
pub(super) fn season_notes(found: Option<&SeasonIndex>, proof: Option<&SeasonProof>) -> Vec<String> {
    let Some(found) = found else {
        let months = 12 * MIN_YEARS;
        return vec![format!(
            "season: fewer than {months} months of data cannot tell the month from the year, every month counts as 1"
        )];
    };
    if found.kappa.is_none() {
        return vec!["season: months differ by chance alone, every month counts as 1".to_owned()];
    }
    vec![match proof.map(SeasonProof::error_by_month) {
        None => format!(
            "season: not provable, there are fewer than {} months of data before the holdout; the index is used unproven",
            12 * MIN_YEARS
        ),
        Some(None) => "season: not provable, the holdout has no repeats; the index is used unproven".to_owned(),
        Some(Some([plain, weighed])) => format!(
            "season: on the holdout forecasts by month miss by {:.1}% with the index and by {:.1}% without{}, see clv_season_holdout",
            100.0 * weighed,
            100.0 * plain,
            if weighed < plain { "" } else { ": it does not help" }
        ),
    }]
}

/// What the reader must know of opportunities.
pub(super) fn opportunity_notes(opportunities: &Opportunities, now: &CustomerFeatures) -> Vec<String> {
    let noun = opportunities.each.noun();
    let mut notes = vec![format!(
        "bg-bb: expected orders are {noun}s with a purchase, of those that end within the time asked for, one at least; a second purchase in a {noun} counts for nothing"
    )];
    if let Some(open) = opportunities.open() {
        let counted = |days: &Nullable<i32>| days.iter().filter(|day| day.is_some_and(|day| day >= open.0)).count();
        notes.push(format!(
            "bg-bb: the {noun} from {open} is not over on {} and left out: {} customers bought in it, which counts in no history, {} of them for the first time, who are scored as new",
            opportunities.as_of,
            counted(&now.last_day),
            counted(&now.first_day)
        ));
    }
    notes
}

/// What the reader must know of the order values.
pub(super) fn spend_notes(
    now: &CustomerFeatures,
    customers: &[Option<History>],
    model: &Model,
    equity: &Equity,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(fitted) = &model.spend {
        notes.extend(fitted.diagnoses.iter().map(|diagnosis| format!("spend model: {diagnosis}")));
        if let Some(correlation) = fitted.correlation.filter(|value| value.abs() > NOTABLE_CORRELATION) {
            notes.push(format!(
                "spend model: frequency and spend correlate by {correlation:.2}, the model takes them to be independent"
            ));
        }
        if equity.total().interval.is_none() {
            notes.push(
                "no interval of the customer equity: the spend of some customers has no variance (q is 2 or less)"
                    .to_owned(),
            );
        }
        let unpaid = |ix: &usize| customers[*ix].is_some_and(|h| h.n_repeats > 0) && now.repeat_revenue[*ix] <= 0;
        let n_unpaid = (0..customers.len()).filter(unpaid).count();
        if n_unpaid > 0 {
            notes.push(format!(
                "{n_unpaid} customers bought again without positive repeat revenue: their order value is the mean of the base"
            ));
        }
    }
    if let Basis::Margin { n_unknown, .. } = &model.basis
        && *n_unknown > 0
    {
        notes.push(format!("{n_unknown} customers have no known margin: theirs is taken at the rate of the base"));
    }
    notes
}
