//! What is written: the table of all readings, and the responses that the next run learns from.
//!
//! | column of `measure`                    | meaning                                                                          |
//! |----------------------------------------|-----------------------------------------------------------------------------------|
//! | `campaign`, `arm`, `role`              | the group; `control`, `contact`, or `any`: all contacted together                 |
//! | `outcome`, `unit`                      | what came of it; `share` of the customers, or `number` a customer                 |
//! | `customers`, `mean`, `sd`              | of the group                                                                     |
//! | `customers_gone`                       | drawn into it and no longer there; nothing where it is not known                  |
//! | `control_customers`, `control_mean`    | of its control group                                                             |
//! | `difference`, `_low`, `_high`, `p_value` | 95%, by `method`: `welch`, and where few customers decide `exact` or `redrawn`  |
//! | `p_adjusted`                           | of the deciding difference, for all comparisons of the campaign                  |
//! | `lift`, `_low`, `_high`                | relative to the control mean, Fieller, 95%                                        |
//! | `total`, `_low`, `_high`               | the deciding difference times the customers of the group                         |
//! | `cuped_difference` …                   | on request, with what was known before taken out; then it decides                |
//! | `effect`, `needed_per_group`           | customers that each group needs to see that effect with a power of 80%           |
//! | `sample_ratio_p`                       | of the campaign; an alarm below 0.001                                            |
//! | `verdict`, `sentence`, `note`          | in words                                                                         |
//!
//! `responses` has one row a customer whose window is over, with what was known on the day of the assignment.

use serde_json::{Map, Value, json};

use super::effect::Difference;
use super::reading::{Ratio, Reading};
use super::trial::{Row, Source, Trial};
use super::{Effect, Prior, Request};
use crate::table::{Assignments, Column, Values};
use crate::units::{Day, Money};

/// Lays out the readings.
pub fn measure(
    trials: &[Trial],
    ratios: &[Ratio],
    readings: &[Reading],
    sentences: &[Option<String>],
    request: &Request,
) -> Vec<Column> {
    let text = |name: &str, of: &dyn Fn(&Reading) -> Option<String>| {
        let texts: Vec<Option<String>> = readings.iter().map(of).collect();
        Column::new(name, Values::from_texts(texts.iter().map(Option::as_deref)))
    };
    let number = |name: &str, of: &dyn Fn(&Reading) -> Option<f64>| {
        Column::new(
            name,
            Values::Number(readings.iter().map(|reading| of(reading).filter(|n| n.is_finite())).collect()),
        )
    };
    let whole = |name: &str, of: &dyn Fn(&Reading) -> Option<u64>| {
        Column::new(name, Values::Integer(readings.iter().map(|reading| of(reading).map(|n| n as i64)).collect()))
    };
    let role = |reading: &Reading| match (&reading.arm, reading.is_control) {
        (None, _) => "any",
        (_, true) => "control",
        _ => "contact",
    };
    let from_assignments = |reading: &Reading| matches!(trials[reading.trial].source, Source::Purchases(_));
    let end = |found: Option<&Difference>, end: usize| found.map(|found| found.interval[end]);
    let cuped = |reading: &Reading| reading.cuped.map(|(difference, _)| difference);
    let lift = |reading: &Reading, end: usize| Some(reading.lift?.interval?[end]);
    let n = |reading: &Reading| reading.own.n as f64;
    vec![
        text("campaign", &|reading| Some(trials[reading.trial].campaign.clone())),
        text("arm", &|reading| reading.arm.clone()),
        text("role", &|reading| Some(role(reading).to_owned())),
        text("outcome", &|reading| Some(reading.outcome.clone())),
        text("unit", &|reading| Some(if reading.is_share { "share" } else { "number" }.to_owned())),
        whole("window_days", &|reading| from_assignments(reading).then_some(u64::from(request.days))),
        whole("customers", &|reading| Some(reading.own.n)),
        whole("customers_gone", &|reading| gone(&trials[reading.trial], reading)),
        number("mean", &|reading| reading.own.mean),
        number("sd", &|reading| reading.own.variance.map(f64::sqrt)),
        whole("control_customers", &|reading| Some(reading.control.n)),
        number("control_mean", &|reading| reading.control.mean),
        number("difference", &|reading| reading.difference.map(|found| found.value)),
        number("difference_low", &|reading| end(reading.difference.as_ref(), 0)),
        number("difference_high", &|reading| end(reading.difference.as_ref(), 1)),
        number("p_value", &|reading| reading.difference.map(|found| found.p)),
        text("method", &|reading| reading.difference.map(|found| found.method.label().to_owned())),
        number("p_adjusted", &|reading| reading.p_adjusted),
        number("lift", &|reading| reading.lift.map(|lift| lift.value)),
        number("lift_low", &|reading| lift(reading, 0)),
        number("lift_high", &|reading| lift(reading, 1)),
        number("total", &|reading| reading.decisive().map(|found| found.value * n(reading))),
        number("total_low", &|reading| end(reading.decisive(), 0).map(|low| low * n(reading))),
        number("total_high", &|reading| end(reading.decisive(), 1).map(|high| high * n(reading))),
        number("cuped_difference", &|reading| cuped(reading).map(|found| found.value)),
        number("cuped_low", &|reading| end(cuped(reading).as_ref(), 0)),
        number("cuped_high", &|reading| end(cuped(reading).as_ref(), 1)),
        number("cuped_p_value", &|reading| cuped(reading).map(|found| found.p)),
        number("cuped_variance_share", &|reading| reading.cuped.map(|(_, left)| left)),
        number("effect", &|reading| reading.effect),
        whole("needed_per_group", &|reading| reading.needed),
        number("sample_ratio_p", &|reading| match ratios[reading.trial] {
            Ratio::Checked(p) => Some(p),
            _ => None,
        }),
        text("verdict", &|reading| reading.verdict.map(|verdict| verdict.label().to_owned())),
        Column::new("sentence", Values::from_texts(sentences.iter().map(Option::as_deref))),
        text("note", &|reading| reading.why.map(str::to_owned)),
    ]
}

/// Returns who has left a group, or all contacted together.
fn gone(trial: &Trial, reading: &Reading) -> Option<u64> {
    let own = trial.arms.iter().filter(|arm| match &reading.arm {
        Some(name) => arm.name == *name,
        None => arm.is_control == reading.is_control,
    });
    own.map(|arm| arm.n_gone).sum()
}

/// Lays out what came of the assignments; nothing where no window is over.
pub fn responses(trials: &[Trial], assigned: &Assignments) -> Option<Vec<Column>> {
    let mut rows: Vec<(&str, &str, &Row)> = Vec::new();
    for trial in trials {
        let Source::Purchases(of_trial) = &trial.source else { continue };
        for arm in &trial.arms {
            let own = of_trial[arm.rows.clone()].iter();
            rows.extend(own.map(|row| (trial.campaign.as_str(), arm.name.as_str(), row)));
        }
    }
    if rows.is_empty() {
        return None;
    }
    let integer = |name: &str, of: &dyn Fn(&Row) -> Option<i64>| {
        Column::new(name, Values::Integer(rows.iter().map(|(.., row)| of(row)).collect()))
    };
    let money = |name: &str, of: &dyn Fn(&Row) -> i64| {
        Column::new(name, Values::Money(rows.iter().map(|(.., row)| Some(of(row))).collect()))
    };
    let since = |day: Option<i32>, row: &Row| day.map(|day| i64::from(row.day - day));
    let id = |row: &Row| assigned.customer_ids.get(row.customer);
    Some(vec![
        Column::new("campaign", Values::from_texts(rows.iter().map(|(campaign, ..)| Some(*campaign)))),
        Column::new("customer_id", Values::from_texts(rows.iter().map(|(.., row)| Some(id(row))))),
        Column::new("arm", Values::from_texts(rows.iter().map(|(_, arm, _)| Some(*arm)))),
        Column::new("date", Values::Date(rows.iter().map(|(.., row)| Some(row.day)).collect())),
        integer("response", &|row| Some(i64::from(row.spend.n_purchase_days > 0))),
        money("amount", &|row| row.spend.revenue),
        integer("days_since_last_before", &|row| since(row.before.last_day, row)),
        integer("days_since_first_before", &|row| since(row.before.first_day, row)),
        integer("purchase_days_before", &|row| Some(i64::from(row.before.spend.n_purchase_days))),
        money("revenue_before", &|row| row.before.spend.revenue),
    ])
}

/// Writes the table down as JSON, an object a row.
pub fn readings(table: &[Column]) -> Value {
    let n_rows = table.first().map_or(0, |column| column.values.len());
    let cell = |values: &Values, row: usize| match values {
        Values::Text { codes, labels } => labels.get(codes[row] as usize).map_or(Value::Null, |label| json!(label)),
        Values::Integer(values) => json!(values.get(row)),
        Values::Number(values) => json!(values.get(row)),
        Values::Money(values) => json!(values.get(row).map(|minor| Money(minor).major())),
        Values::Date(values) => json!(values.get(row).map(|day| Day(day).to_string())),
    };
    let row = |row: usize| {
        Value::Object(
            table.iter().map(|column| (column.name.clone(), cell(&column.values, row))).collect::<Map<_, _>>(),
        )
    };
    Value::Array((0..n_rows).map(row).collect())
}

/// Writes down what was asked for.
pub fn request(request: &Request) -> Value {
    json!({
        "campaign": request.campaign,
        "control": request.control,
        "days": request.days,
        "cuped": match &request.prior {
            None => Value::Null,
            Some(Prior::Days(days)) => json!(days),
            Some(Prior::Column(name)) => json!(name),
        },
        "effect": match request.effect {
            Effect::Relative(share) => json!({ "share_of_control_mean": share }),
            Effect::Absolute(value) => json!({ "per_customer": value }),
            Effect::Points(points) => json!({ "percentage_points": points }),
        },
        "shares": if request.equal_shares { json!("equal") } else { json!(request.shares.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()) },
    })
}
