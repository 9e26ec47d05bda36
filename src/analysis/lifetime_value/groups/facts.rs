//! What is reported of groups: facts for the manifest, a table, and what the reader must know.
//!
//! Groups of fewer than [`FEWEST`] customers are counted, not shown: their figures would tell of persons. Parameters are in weeks.
//!
//! `clv_groups`: group, customers, one column a parameter, purchases a year of an average customer who is alive, mean probability to be alive, and where groups are
//! shrunk the weight of their own customers, 1 for a fit alone and 0 for the pooled one.

use super::covariates::{Effect, Effects};
use super::{Group, Purchasing};
use crate::analysis::lifetime_value::purchases::Fitted;
use crate::analysis::{Fact, SideTable};
use crate::table::{Column, Nullable, Values};
use crate::units::DAYS_PER_YEAR;

/// Customers of a group that is shown.
pub const FEWEST: u64 = 10;

/// Returns `groups` and `covariates`, where there are groups.
pub(in crate::analysis::lifetime_value) fn of(purchasing: &Purchasing) -> Vec<(&'static str, Fact)> {
    if purchasing.groups.is_empty() {
        return vec![];
    }
    let shown: Vec<Fact> = shown(purchasing).map(group).collect();
    let n_small = purchasing.groups.len() - shown.len();
    let mut facts = vec![("groups", Fact::List(shown)), ("n_small_groups", Fact::Integer(n_small as i64))];
    if !purchasing.spread.is_empty() {
        let spread = purchasing.spread.iter().map(|(symbol, spread)| (*symbol, Fact::Number(*spread)));
        facts.push(("spread_between_groups", Fact::Group(spread.collect())));
    }
    facts.extend(purchasing.effects.as_ref().map(|effects| ("covariates", covariates(effects))));
    facts
}

fn shown(purchasing: &Purchasing) -> impl Iterator<Item = &Group> {
    purchasing.groups.iter().filter(|group| group.fitted.0.n_customers >= FEWEST)
}

fn group(group: &Group) -> Fact {
    let mut facts = vec![
        ("label", Fact::Text(group.label.clone())),
        ("n", Fact::Integer(group.fitted.0.n_customers as i64)),
        ("parameters", parameters(&group.fitted)),
        ("standard_errors", errors(&group.fitted)),
        ("log_likelihood", Fact::Number(group.fitted.log_likelihood_weeks())),
    ];
    facts.extend(group.own_weight.map(|weight| ("own_weight", Fact::Number(weight))));
    Fact::Group(facts)
}

fn parameters(fitted: &Fitted) -> Fact {
    Fact::Group(fitted.parameters_weeks().iter().map(|(symbol, value, _)| (*symbol, Fact::Number(*value))).collect())
}

/// Standard errors by name; one that is unknown is left out.
fn errors(fitted: &Fitted) -> Fact {
    let known =
        |(symbol, _, error): &(&'static str, f64, Option<f64>)| error.map(|error| (*symbol, Fact::Number(error)));
    Fact::Group(fitted.parameters_weeks().iter().filter_map(known).collect())
}

fn covariates(effects: &Effects) -> Fact {
    Fact::Group(vec![
        ("likelihood_ratio", Fact::Number(effects.likelihood_ratio)),
        ("degrees_of_freedom", Fact::Integer(i64::from(effects.degrees_of_freedom))),
        ("p", Fact::Number(effects.p)),
        ("reference_parameters", parameters(&effects.reference)),
        ("standard_errors", errors(&effects.reference)),
        ("effects", Fact::List(effects.effects.iter().map(effect).collect())),
    ])
}

fn effect(effect: &Effect) -> Fact {
    let mut facts = vec![
        ("symbol", Fact::Text(effect.symbol.clone())),
        ("parameter", Fact::Text(effect.parameter.to_owned())),
        ("attribute", Fact::Text(effect.attribute.clone())),
    ];
    facts.extend(effect.level.as_ref().map(|level| ("level", Fact::Text(level.clone()))));
    facts.push(("value", Fact::Number(effect.value)));
    facts.extend(effect.standard_error.map(|error| ("standard_error", Fact::Number(error))));
    facts.extend(effect.p().map(|p| ("p", Fact::Number(p))));
    Fact::Group(facts)
}

/// Returns the table of the groups, where there are any.
pub(in crate::analysis::lifetime_value) fn table(purchasing: &Purchasing) -> Option<SideTable> {
    let groups: Vec<&Group> = shown(purchasing).collect();
    let symbols: Vec<&'static str> = purchasing.pooled.parameters_weeks().iter().map(|(symbol, ..)| *symbol).collect();
    let numbers = |of: &dyn Fn(&Group) -> Option<f64>| Values::Number(groups.iter().map(|group| of(group)).collect());
    let customers = groups.iter().map(|group| group.fitted.0.n_customers as i64).collect::<Vec<_>>();
    let mut columns = vec![
        Column::new("group", Values::from_texts(groups.iter().map(|group| Some(group.label.as_str())))),
        Column::new("customers", Values::Integer(Nullable::from(customers))),
    ];
    for (ix, symbol) in symbols.into_iter().enumerate() {
        let value = |group: &Group| group.fitted.parameters_weeks().get(ix).map(|(_, value, _)| *value);
        columns.push(Column::new(symbol, numbers(&value)));
    }
    columns.push(Column::new("mean_purchases_per_year", numbers(&|group| Some(yearly_rate(&group.fitted)))));
    columns.push(Column::new("mean_p_alive", numbers(&|group| Some(group.mean_p_alive))));
    columns.push(Column::new("own_weight", numbers(&|group| group.own_weight)));
    (!purchasing.groups.is_empty()).then_some(SideTable { name: "clv_groups", columns })
}

/// Purchases a year of the average customer while alive: the mean of the rates, `r/α`, of which `k` events make a purchase.
fn yearly_rate(fitted: &Fitted) -> f64 {
    let model = &fitted.0.model;
    let free = model.free();
    (free[0] - free[1]).exp() / f64::from(model.events_per_purchase()) * DAYS_PER_YEAR
}
