//! The keys of `[segments]` and `[[segment]]`, and whether conditions and limits fit the columns that there will be.
//!
//! A condition may ask for every column that an analysis writes and for customer columns that say nothing of who somebody is; whether the
//! export has them is found when it is read.

use std::collections::BTreeMap;

use super::canonical::{CUSTOMERS, canonical_attribute, segment_attributes, snake_case};
use super::check::{called, given, switched_off};
use super::definition::quoted;
use super::reader::Reader;
use super::settings::{Pipeline, SegmentRule, SegmentRules};
use super::shape::key;
use super::words::words;
use crate::analysis::abc::AbcClass;
use crate::analysis::churn::BANDS;
use crate::analysis::overview::Stage;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::segment::{
    Limit, MEMBERSHIP_COLUMNS, Membership, Order, Segment, SegmentProblem, asked_kinds, misread_orders,
    parse_and_check, words_never_held,
};
use crate::table::{ColumnKind, ColumnSpec};

/// What the migration table calls customers who are in no segment, were not known before, and are not known any more.
const RESERVED: [&str; 3] = ["none", "new", "gone"];

/// Reads what holds for all segments.
pub(super) fn segment_rules(table: &mut Reader<'_, '_>) -> SegmentRules {
    let assignment = key(
        "assignment",
        "Whether a customer is in every segment whose condition holds, or in the first of this file alone",
    );
    let min_size = key(
        "min-size",
        "Customers below whom the tables that count groups of customers leave a group's figures empty; without it, none",
    );
    SegmentRules {
        membership: table
            .word(assignment.default(quoted(Membership::default().label())), &words(Membership::ALL, Membership::label))
            .unwrap_or_default(),
        min_size: table.whole(min_size.unit("customers").example("10"), 2, 1_000_000),
    }
}

/// Reads a segment.
pub(super) fn segment(table: &mut Reader<'_, '_>) -> SegmentRule {
    let name = key("name", "Name of the segment and of its file; used once").required().example(r#""win-back""#);
    let condition = key("where", "Condition over scores and customer columns, as in SQL")
        .required()
        .example(r#""abc_class = 'A' and churn_risk >= 0.6 and rfm_recency_days > 90""#);
    let limit = key("limit", "Most customers that it holds, the best by `order-by`; without it, all").unit("customers");
    let order_by = key("order-by", "Score column that tells the best: a number, an amount of money or a date");
    let order = key("order", "Which values are the best; without it, the largest").example(r#""ascending""#);
    let rule = SegmentRule {
        name: table.slug(name).unwrap_or_default(),
        condition: table.placed_text(condition).unwrap_or_default(),
        limit: table.whole(limit.example("5_000"), 1, 1_000_000_000),
        order_by: table.placed_text(order_by.example(r#""churn_value_at_risk""#)),
        order: table.word(order, &words(Order::ALL, Order::label)).unwrap_or_default(),
    };
    for (has, needs, why) in [
        ("limit", "order-by", "who are the best?"),
        ("order-by", "limit", "orders nobody: files are in the order of customer ids"),
        ("order", "limit", "orders nobody: files are in the order of customer ids"),
    ] {
        let Some(value) = table.raw(has).filter(|_| !table.has(needs)) else { continue };
        let title = format!("{} has `{has}` without `{needs}`", called("segment", &rule.name));
        let example = if needs == "limit" { "limit = 5_000" } else { r#"order-by = "churn_value_at_risk""# };
        let problem = Diagnostic::error(codes::CONTRADICTION, title).at(value.span(), why);
        table.note(problem.help(format!("add `{example}`, or leave `{has}` out")));
    }
    rule
}

/// Finds segments that are called as the migration table calls those who are in none.
pub(super) fn reserved_names(pipeline: &Pipeline) -> Vec<Diagnostic> {
    let reserved = pipeline.segments.iter().filter(|rule| RESERVED.contains(&rule.name.text.as_str()));
    let problem = |rule: &SegmentRule| {
        let title = format!("a segment cannot be called `{}`", rule.name.text);
        Diagnostic::error(codes::RESERVED_NAME, title)
            .at(rule.name.span.clone(), "`segment_migration` calls customers without a segment so")
            .help(format!("give it another name, such as `{}-customers`", rule.name.text))
    };
    reserved.map(problem).collect()
}

/// Checks a segment against the columns of the scores; nothing where the file has no condition for it.
///
/// # Errors
/// Returns what does not fit.
pub(super) fn checked(
    pipeline: &Pipeline,
    rule: &SegmentRule,
    scores: &[ColumnSpec],
    kinds: &BTreeMap<String, ColumnKind>,
) -> Result<Option<Segment>, Vec<Diagnostic>> {
    let mut problems: Vec<Diagnostic> = order_problem(pipeline, rule, scores).into_iter().collect();
    if !given(&rule.condition) {
        return if problems.is_empty() { Ok(None) } else { Err(problems) };
    }
    let text = &rule.condition.text;
    let known: Vec<ColumnSpec> = scores.iter().cloned().chain(customer_columns(pipeline, kinds)).collect();
    let limit = || {
        let by = rule.order_by.as_ref()?.text.clone();
        Some(Limit { most: rule.limit? as usize, by, order: rule.order })
    };
    let misread = misread_orders(text, |name| is_attribute(pipeline, name) && !kinds.contains_key(name));
    problems.extend(misread.into_iter().map(|problem| placed(pipeline, rule, problem)));
    let never = words_never_held(text, |column| match scores.iter().any(|spec| spec.name == column) {
        true => closed_words(pipeline, column),
        false => vec![],
    });
    problems.extend(never.into_iter().map(|problem| placed(pipeline, rule, problem)));
    match parse_and_check(text, &known) {
        Ok(predicate) if problems.is_empty() => {
            Ok(Some(Segment { name: rule.name.text.clone(), text: text.clone(), predicate, limit: limit() }))
        }
        Ok(_) => Err(problems),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| placed(pipeline, rule, problem)));
            Err(problems)
        }
    }
}

/// Returns the kinds that conditions ask of the attributes of the pipeline; those that are not among them are texts.
pub fn attribute_kinds(pipeline: &Pipeline, scores: &[ColumnSpec]) -> BTreeMap<String, ColumnKind> {
    let mut kinds = BTreeMap::new();
    for rule in &pipeline.segments {
        asked_kinds(&rule.condition.text, scores, |name| is_attribute(pipeline, name), &mut kinds);
    }
    kinds
}

/// Returns the words that a score column is one of, where they are few and known beforehand.
fn closed_words(pipeline: &Pipeline, column: &str) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match column {
        "abc_class" => words(&AbcClass::ALL.map(AbcClass::label)),
        "rfm_segment" => words(&pipeline.rfm.segments.names()),
        "lifecycle_stage" => words(&Stage::ALL.map(Stage::label)),
        "churn_band" => words(&BANDS),
        _ => vec![],
    }
}

/// Says whether the pipeline names a customer column of this name, which may hold anything.
fn is_attribute(pipeline: &Pipeline, name: &str) -> bool {
    pipeline.input.attributes.iter().any(|attribute| attribute.name == name)
}

/// Returns the customer columns that a condition may ask for: texts, but for attributes of which conditions ask otherwise.
fn customer_columns(pipeline: &Pipeline, kinds: &BTreeMap<String, ColumnKind>) -> Vec<ColumnSpec> {
    let Some(customers) = &pipeline.input.customers else { return vec![] };
    let is_read = |name: &&str| customers.columns.get(*name).is_none_or(|header| !header.is_empty());
    let named = pipeline.input.attributes.iter().map(|attribute| attribute.name.as_str());
    let names = segment_attributes().into_iter().chain(named.filter(|name| !name.is_empty())).filter(is_read);
    let kind = |name: &str| kinds.get(name).copied().unwrap_or(ColumnKind::Text);
    names.map(|name| ColumnSpec::new(name, kind(name), "customer column")).collect()
}

/// Says why customers cannot be ordered as asked, where they cannot.
fn order_problem(pipeline: &Pipeline, rule: &SegmentRule, scores: &[ColumnSpec]) -> Option<Diagnostic> {
    let by = rule.order_by.as_ref().filter(|by| given(by))?;
    let called = called("segment", &rule.name);
    match scores.iter().find(|spec| spec.name == by.text) {
        Some(spec) if spec.kind != ColumnKind::Text => None,
        Some(_) => {
            let title = format!("{called} is ordered by `{}`, which is a text", by.text);
            let problem = Diagnostic::error(codes::KIND, title).at(by.span.clone(), "texts have no best");
            Some(problem.help("order by a number, an amount of money or a date"))
        }
        None => {
            let title = format!("{called} is ordered by unknown column `{}`", by.text);
            let ordered = scores.iter().filter(|spec| spec.kind != ColumnKind::Text);
            let near = nearest(&by.text, ordered.map(|spec| spec.name.as_str()));
            let near = near.map(|near| format!("a similar column exists: `{near}`"));
            let problem = Diagnostic::error(codes::UNKNOWN_COLUMN, title);
            let problem = problem.at(by.span.clone(), "no analysis in this pipeline writes this column");
            let help = switched_off(pipeline, &by.text).or(near);
            Some(
                problem.help(
                    help.unwrap_or_else(|| "order by a score: a number, an amount of money or a date".to_owned()),
                ),
            )
        }
    }
}

fn placed(pipeline: &Pipeline, rule: &SegmentRule, mut problem: SegmentProblem) -> Diagnostic {
    if let Some(column) = problem.unknown_column.clone() {
        if let Some((title, label, help)) = unasked(pipeline, &column) {
            problem.title = title.unwrap_or(problem.title);
            problem.label = label;
            problem.help = Some(help);
        } else if let Some(help) = switched_off(pipeline, &column) {
            problem.help = Some(help);
        }
    }
    let title = format!("{} {}", called("segment", &rule.name), problem.title);
    let diagnostic = Diagnostic::error(problem.code, title).at(rule.condition.locate(&problem.range), problem.label);
    match problem.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Says why a column that klientel knows is none that a condition may ask for: a title where the usual one does not fit, a label and help.
fn unasked(pipeline: &Pipeline, column: &str) -> Option<(Option<String>, String, String)> {
    if MEMBERSHIP_COLUMNS.contains(&column) {
        let label = "known only once every segment is chosen".to_owned();
        return Some((None, label, "a campaign or a report can use it".to_owned()));
    }
    let named = pipeline.input.attributes.iter().any(|attribute| attribute.name == column);
    let of_names = CUSTOMERS.iter().map(|known| snake_case(known.key.name)).any(|name| name == column);
    let canonical = canonical_attribute(column).filter(|_| !named)?;
    let asked = segment_attributes();
    if !asked.contains(&canonical) {
        let personal =
            !["email_opt_in", "phone_opt_in", "post_opt_out", "ads_opt_in", "objection"].contains(&canonical);
        let (title, label) = if personal {
            ("says who somebody is", "addresses, numbers, names and streets go into campaign files alone")
        } else {
            ("says what somebody consents to", "looked at when a campaign is prepared")
        };
        let help =
            format!("customer columns for segments are {} and the `attributes` of the pipeline", asked.join(", "));
        return Some((Some(format!("uses `{column}`, which {title}")), label.to_owned(), help));
    }
    if pipeline.input.customers.is_none() {
        let help = "add a table `[input.customers.csv]` with `path = \"…\"`".to_owned();
        return Some((None, "comes from the customers, which are not read".to_owned(), help));
    }
    if of_names {
        let label = "`[input.customers.columns]` leaves it out".to_owned();
        return Some((None, label, format!("give its header there: `{} = \"…\"`", canonical.replace('_', "-"))));
    }
    Some((None, "no column is called so".to_owned(), format!("this customer column is called `{canonical}`")))
}
