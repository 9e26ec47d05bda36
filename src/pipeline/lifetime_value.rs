//! The keys of `[lifetime-value]`, and which of them contradict each other.

use super::definition::quoted;
use super::reader::{Reader, Value};
use super::settings::Placed;
use super::shape::key;
use super::words::words;
use crate::analysis::lifetime_value::opportunities::Opportunity;
use crate::analysis::lifetime_value::{Cohorts, Grouping, MAX_RATE, ModelChoice, Params, PurchaseKind};
use crate::diagnostic::{Diagnostic, codes};
use crate::units::Period;

pub(super) const COVARIATES: &str = "covariates";
const COHORTS: &str = "cohorts";

/// Reads the table.
pub(super) fn lifetime_value(table: &mut Reader<'_, '_>) -> Params {
    let defaults = Params::default();
    let Params { horizon_months, discount_rate_per_year, model, season, .. } = defaults;
    let horizon = key("horizon", "How far the value looks ahead").default(quoted(Period::Months(horizon_months)));
    let rate = key("discount-rate-per-year", "What money a year later is worth less")
        .unit("share a year")
        .default(format!("{discount_rate_per_year:.2}"));
    let wanted_model = key("model", "Model of the purchases; `auto` takes the one that forecasts a holdout best");
    let models = words(ModelChoice::ALL, ModelChoice::label);
    let wanted_opportunity = key(
        "opportunity",
        "What `bg-bb` counts, which alone needs it: a customer buys in a week, month, quarter or year of the calendar or does not",
    );
    let wanted_season = key(
        "season",
        "Whether histories and the days to come are read by an index of their month; it takes 24 months of data, and not `bg-bb`",
    );
    let covariates = key(
        COVARIATES,
        "Customer attributes whose levels have purchase rate and dropout of their own; needs mbg-nbd, pareto-nbd or auto",
    );
    let cohorts = key(COHORTS, "Customers who first bought in the same period are fitted apart and shrunk to all");
    let params = Params {
        horizon_months: match table.period(horizon, true) {
            Some(Period::Months(months)) => months,
            _ => horizon_months,
        },
        discount_rate_per_year: table.number(rate, 0.0, MAX_RATE).unwrap_or(discount_rate_per_year),
        model: table.word(wanted_model.default(quoted(model.label())), &models).unwrap_or(model),
        opportunity: table
            .word(wanted_opportunity.example(r#""1 month""#), &words(Opportunity::ALL, Opportunity::label)),
        season: table.flag(wanted_season.default(season.to_string())).unwrap_or(season),
        grouping: grouping(
            table.distinct_texts(covariates.default("[]")),
            table.word(cohorts.example(r#""year""#), &words(Cohorts::ALL, Cohorts::label)),
        ),
    };
    opportunities(table, &params);
    groups(table, &params);
    params
}

fn grouping(covariates: Vec<Placed>, cohorts: Option<Cohorts>) -> Grouping {
    match cohorts {
        Some(cohorts) => Grouping::Cohorts(cohorts),
        None if covariates.is_empty() => Grouping::None,
        None => Grouping::Covariates(covariates.into_iter().map(|covariate| covariate.text).collect()),
    }
}

/// Notes what the model that counts opportunities lacks, and what only it can use.
fn opportunities(table: &mut Reader<'_, '_>, params: &Params) {
    let (model, opportunity) = (table.raw("model"), table.raw("opportunity"));
    // What a model that does not exist would need nobody knows.
    if model.is_some_and(|value| value.get_ref().as_str() != Some(params.model.label())) {
        return;
    }
    let is_bg_bb = params.model == ModelChoice::Named(PurchaseKind::BgBb);
    let mut problem = |at: Option<&Value<'_>>, problem: &str, label: &str, help: &str| {
        if let Some(at) = at {
            table.note(Diagnostic::error(codes::CONTRADICTION, problem).at(at.span(), label).help(help));
        }
    };
    if !is_bg_bb {
        problem(
            opportunity,
            "`lifetime-value.opportunity` needs the model `bg-bb`",
            "no other model counts opportunities",
            "add `model = \"bg-bb\"`, or remove `opportunity`",
        );
        return;
    }
    if opportunity.is_none() {
        problem(
            model,
            "the model `bg-bb` needs `lifetime-value.opportunity`",
            "counts opportunities, and nothing says how long one is",
            "add for example `opportunity = \"1 month\"`",
        );
    }
    if params.season {
        problem(
            model,
            "`lifetime-value.season` does not go with the model `bg-bb`",
            "counts opportunities, and the season weighs days",
            "remove `season`, or choose another model",
        );
    }
    if matches!(params.grouping, Grouping::Cohorts(_)) {
        problem(
            model,
            "`lifetime-value.cohorts` does not go with the model `bg-bb`",
            "is fitted to all customers together",
            "remove `cohorts`, or choose another model",
        );
    }
}

/// Notes what groups of customers cannot be asked for together.
fn groups(table: &mut Reader<'_, '_>, params: &Params) {
    let has_covariates =
        table.raw(COVARIATES).and_then(|value| value.get_ref().as_array()).is_some_and(|a| !a.is_empty());
    let Some(covariates) = table.raw(COVARIATES).filter(|_| has_covariates) else { return };
    if table.has(COHORTS) {
        let title = "`lifetime-value.covariates` and `lifetime-value.cohorts` exclude each other";
        let problem = Diagnostic::error(codes::CONTRADICTION, title);
        table.note(problem.at(covariates.span(), "customers are grouped in one way").help("remove one of them"));
    }
    let (Some(model), false) = (table.raw("model"), params.model.takes_covariates()) else { return };
    let title = format!("`lifetime-value.covariates` cannot go with the model `{}`", params.model.label());
    let problem = Diagnostic::error(codes::CONTRADICTION, title).at(model.span(), "this model has no covariates");
    table.note(problem.help("choose `mbg-nbd`, `pareto-nbd` or `auto`"));
}
