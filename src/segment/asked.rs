//! What conditions ask of columns whose kind the export does not tell: the literals decide.
//!
//! | compared with                              | is read as |
//! |--------------------------------------------|------------|
//! | `1000`, a column of numbers                | numbers    |
//! | `as_of - 90 days`, `'2026-01-31'`, a column of dates | dates |
//! | any other text, `starts with`              | texts      |
//!
//! Where conditions disagree, numbers and dates win, and the text is the problem. Linear in the length of the text.

use std::collections::BTreeMap;
use std::ops::Range;

use super::expression::{Condition, Name, Value, ValueKind, parse};
use super::{Op, SegmentProblem};
use crate::diagnostic::{codes, nearest};
use crate::table::{ColumnKind, ColumnSpec};
use crate::units::Day;

/// Adds the kinds that a condition asks of the columns that `is_open` names; a text that cannot be read asks for nothing.
pub fn asked_kinds(
    text: &str,
    scores: &[ColumnSpec],
    is_open: impl Fn(&str) -> bool,
    kinds: &mut BTreeMap<String, ColumnKind>,
) {
    let mut ask = |column: &str, value: &Value, _: bool| {
        let of_score = |name: &str| match scores.iter().find(|spec| spec.name == name)?.kind {
            ColumnKind::Integer | ColumnKind::Number => Some(ColumnKind::Number),
            ColumnKind::Date => Some(ColumnKind::Date),
            ColumnKind::Text | ColumnKind::Money => None,
        };
        let (column, kind) = match &value.kind {
            ValueKind::Number(_) => (column, Some(ColumnKind::Number)),
            ValueKind::AsOf(_) => (column, Some(ColumnKind::Date)),
            ValueKind::Text(text) => (column, Day::parse_iso(text).map(|_| ColumnKind::Date)),
            ValueKind::Column(other) if is_open(other) => (other.as_str(), of_score(column)),
            ValueKind::Column(other) => (column, of_score(other)),
        };
        if let Some(kind) = kind.filter(|_| is_open(column)) {
            kinds.entry(column.to_owned()).or_insert(kind);
        }
    };
    if let Ok(condition) = parse(text) {
        each_value(&condition, &mut ask);
    }
}

/// Finds open columns that are put in the order of texts though the literal is a number or a day of another form: `'900'` comes after `'1000'`.
pub fn misread_orders(text: &str, is_open: impl Fn(&str) -> bool) -> Vec<SegmentProblem> {
    let mut problems = Vec::new();
    let mut look = |column: &str, value: &Value, is_ordered: bool| {
        let ValueKind::Text(literal) = &value.kind else { return };
        if is_ordered && is_open(column) && is_numeric(literal) && Day::parse_iso(literal).is_none() {
            let plain = literal.bytes().all(|byte| byte.is_ascii_digit());
            let example = if plain { literal.as_str() } else { "1000" };
            problems.push(SegmentProblem {
                range: value.range.clone(),
                code: codes::KIND,
                title: format!("puts `{column}` in the order of texts"),
                label: "as texts, `900` comes after `1000`".to_owned(),
                help: Some(format!(
                    "leave out the quotes to compare numbers, `{column} >= {example}`; days are written `'2026-06-30'`, or `as_of - 90 days`"
                )),
                unknown_column: None,
            });
        }
    };
    if let Ok(condition) = parse(text) {
        each_value(&condition, &mut look);
    }
    problems
}

/// Finds texts that a column never holds, where it holds one of a few words.
pub fn words_never_held(text: &str, words_of: impl Fn(&str) -> Vec<String>) -> Vec<SegmentProblem> {
    let mut problems = Vec::new();
    let mut look = |column: &str, value: &Value, is_ordered: bool| {
        let ValueKind::Text(literal) = &value.kind else { return };
        let words = words_of(column);
        if is_ordered || words.is_empty() || words.contains(literal) {
            return;
        }
        let all = words.iter().map(|word| format!("`'{word}'`")).collect::<Vec<_>>().join(", ");
        let near = nearest(&literal.to_lowercase(), words.iter().map(String::as_str));
        let near = near.map(|near| format!("did you mean `'{near}'`? "));
        problems.push(SegmentProblem {
            range: value.range.clone(),
            code: codes::KIND,
            title: format!("asks `{column}` for a word that it never holds"),
            label: "no customer has it".to_owned(),
            help: Some(format!("{}`{column}` is one of {all}", near.unwrap_or_default())),
            unknown_column: None,
        });
    };
    if let Ok(condition) = parse(text) {
        each_value(&condition, &mut look);
    }
    problems
}

/// Returns where a condition first names a column.
pub fn first_use(text: &str, column: &str) -> Option<Range<usize>> {
    let mut found: Option<Range<usize>> = None;
    let mut look = |name: &str, range: &Range<usize>| {
        if name == column && found.as_ref().is_none_or(|found| range.start < found.start) {
            found = Some(range.clone());
        }
    };
    each_column(&parse(text).ok()?, &mut look);
    found
}

/// Says whether a text is written as a number or a day: digits, and what stands between them.
fn is_numeric(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.,".contains(c))
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "+-.,'/ ".contains(c))
}

/// Goes through what columns are compared with; the last says whether the order counts.
fn each_value(condition: &Condition, each: &mut impl FnMut(&str, &Value, bool)) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| each_value(part, each)),
        Condition::Not(part) => each_value(part, each),
        Condition::Compare { column, op, value } => {
            each(&column.text, value, !matches!(op, Op::Equal | Op::NotEqual));
        }
        Condition::In { column, values, .. } => values.iter().for_each(|value| each(&column.text, value, false)),
        Condition::Between { column, low, high, .. } => {
            [low, high].into_iter().for_each(|value| each(&column.text, value, true));
        }
        Condition::IsNull { .. } | Condition::StartsWith { .. } => {}
    }
}

fn each_column(condition: &Condition, each: &mut impl FnMut(&str, &Range<usize>)) {
    let mut name = |name: &Name| each(&name.text, &name.range);
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| each_column(part, each)),
        Condition::Not(part) => each_column(part, each),
        Condition::Compare { column, .. }
        | Condition::In { column, .. }
        | Condition::Between { column, .. }
        | Condition::IsNull { column, .. }
        | Condition::StartsWith { column, .. } => {
            name(column);
            each_value(condition, &mut |_, value, _| {
                if let ValueKind::Column(other) = &value.kind {
                    each(other, &value.range);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(String, ColumnKind)> {
        let scores = [("n_orders", ColumnKind::Integer), ("clv", ColumnKind::Money), ("last", ColumnKind::Date)];
        let scores = scores.map(|(name, kind)| ColumnSpec::new(name, kind, ""));
        let mut found = BTreeMap::new();
        asked_kinds(text, &scores, |name| ["limit", "since"].contains(&name), &mut found);
        found.into_iter().collect()
    }

    #[test]
    fn literals_and_other_columns_decide() {
        let (number, date) =
            (vec![("limit".to_owned(), ColumnKind::Number)], vec![("since".to_owned(), ColumnKind::Date)]);
        for text in ["limit > 1000", "limit != 'none' and limit in (1, 2)", "n_orders < limit", "limit > n_orders"] {
            assert_eq!(kinds(text), number, "{text}");
        }
        for text in ["since < as_of - 90 days", "not since between '2026-01-01' and 'x'", "since > last or clv > 5"] {
            assert_eq!(kinds(text), date, "{text}");
        }
        for text in ["limit = 'a'", "limit is null", "limit starts with '8'", "limit = 8 8", "clv > limit"] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn orders_of_texts_that_are_numbers_are_found() {
        let found = |text: &str| misread_orders(text, |name| name == "limit").len();
        assert_eq!(found("limit >= '1000' or limit between '9' and '1.000,50'"), 3);
        assert_eq!(found("limit > '31.12.2025'"), 1);
        assert_eq!(found("limit = '1000' or limit > 'A' or limit > '2026-01-01' or plz > '10115'"), 0);
    }

    #[test]
    fn the_first_use_is_where_the_name_stands() {
        let text = "clv > 5 and (limit is null or since > limit)";
        assert_eq!(first_use(text, "limit"), Some(13..18));
        assert_eq!((first_use(text, "since"), first_use(text, "nobody")), (Some(30..35), None));
    }
}
