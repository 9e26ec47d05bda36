//! Names and kinds of a condition against the columns of the pipeline; finds all that is wrong, not the first.

use std::ops::Range;

use super::expression::{Condition, Name, Value, ValueKind};
use super::tokens::is_today;
use super::{Operand, Predicate, SegmentProblem};
use crate::diagnostic::{codes, nearest};
use crate::table::{ColumnKind, ColumnSpec};
use crate::units::{Day, MONEY_SCALE};

/// Turns a condition into a predicate.
pub(super) fn check(condition: &Condition, columns: &[ColumnSpec]) -> Result<Predicate, Vec<SegmentProblem>> {
    let mut checker = Checker { columns, problems: Vec::new() };
    match checker.condition(condition) {
        Some(predicate) if checker.problems.is_empty() => Ok(predicate),
        _ => Err(checker.problems),
    }
}

struct Checker<'a> {
    columns: &'a [ColumnSpec],
    problems: Vec<SegmentProblem>,
}

impl Checker<'_> {
    /// Returns nothing where a problem was noted.
    fn condition(&mut self, condition: &Condition) -> Option<Predicate> {
        Some(match condition {
            Condition::And(parts) => Predicate::And(self.parts(parts)?),
            Condition::Or(parts) => Predicate::Or(self.parts(parts)?),
            Condition::Not(part) => Predicate::Not(Box::new(self.condition(part)?)),
            Condition::Compare { column, op, value } => {
                let operand = self.operands(column, [value])?.pop()?;
                Predicate::Compare { column: column.text.clone(), op: *op, operand }
            }
            Condition::In { column, values, negated } => {
                let values = self.operands(column, values)?;
                Predicate::In { column: column.text.clone(), values, negated: *negated }
            }
            Condition::Between { column, low, high, negated } => {
                let mut bounds = self.operands(column, [low, high])?;
                let (high_end, low_end) = (bounds.pop()?, bounds.pop()?);
                if is_reversed(&low_end, &high_end) {
                    let title = format!("asks `{}` for values between two that are the wrong way round", column.text);
                    let help = format!("the smaller comes first: `{} between {high_end} and {low_end}`", column.text);
                    let range = low.range.start..high.range.end;
                    return self.note(&range, title, "nothing lies between them".to_owned(), Some(help));
                }
                let (high, low) = (high_end, low_end);
                Predicate::Between { column: column.text.clone(), low, high, negated: *negated }
            }
            Condition::StartsWith { column, prefix, negated } => {
                let kind = self.column(&column.text, &column.range)?;
                let prefix = self.prefix(column, kind, prefix)?;
                Predicate::StartsWith { column: column.text.clone(), prefix, negated: *negated }
            }
            Condition::IsNull { column, negated } => {
                self.column(&column.text, &column.range)?;
                Predicate::IsNull { column: column.text.clone(), negated: *negated }
            }
        })
    }

    fn prefix(&mut self, column: &Name, kind: ColumnKind, value: &Value) -> Option<String> {
        let name = &column.text;
        let title = format!("asks `{name}` for a start that it cannot have");
        match &value.kind {
            _ if kind != ColumnKind::Text => {
                let label = format!("this column is {}, only texts start with one", named(kind));
                self.note(&column.range, title, label, Some(format!("compare it: `{name} >= …`")))
            }
            ValueKind::Text(text) if text.is_empty() => {
                let help = format!("known texts are found with `{name} is not null`");
                self.note(&value.range, title, "every text starts with an empty one".to_owned(), Some(help))
            }
            ValueKind::Text(text) => Some(text.clone()),
            // The parser takes texts alone.
            _ => None,
        }
    }

    fn parts(&mut self, parts: &[Condition]) -> Option<Vec<Predicate>> {
        // Collected before the first `None` counts, so that every part is checked.
        let checked: Vec<_> = parts.iter().map(|part| self.condition(part)).collect();
        checked.into_iter().collect()
    }

    /// Checks the values that a column is compared with; returns one operand each.
    fn operands<'v>(&mut self, column: &Name, values: impl IntoIterator<Item = &'v Value>) -> Option<Vec<Operand>> {
        let kind = self.column(&column.text, &column.range);
        let checked: Vec<_> = values.into_iter().map(|value| self.operand(&column.text, kind, value)).collect();
        checked.into_iter().collect()
    }

    fn operand(&mut self, column: &str, kind: Option<ColumnKind>, value: &Value) -> Option<Operand> {
        // Where the column on the left is unknown, a column on the right is still looked up.
        let other = match &value.kind {
            ValueKind::Column(name) => Some(self.column(name, &value.range)?),
            _ => None,
        };
        let kind = kind?;
        let is = named(kind);
        let literal = match (kind, &value.kind) {
            (_, ValueKind::Column(name)) => {
                let other = other?;
                return if comparable(kind, other) {
                    Some(Operand::Column(name.clone()))
                } else {
                    let title = format!("compares `{column}` with `{name}`");
                    let label = format!("this column is {}, `{column}` is {is}", named(other));
                    self.note(&value.range, title, label, None)
                };
            }
            (ColumnKind::Text, ValueKind::Text(text)) => Ok(Operand::Text(text.clone())),
            (ColumnKind::Date, ValueKind::Text(text)) => Day::parse_iso(text)
                .map(Operand::Date)
                .ok_or_else(|| (format!("not a date, `{column}` is one"), DATE_HELP.to_owned())),
            (ColumnKind::Date, ValueKind::AsOf(shift)) => Ok(Operand::AsOf(*shift)),
            (_, ValueKind::AsOf(_)) => {
                Err((format!("a date, `{column}` is {is}"), "only dates compare with as-of".to_owned()))
            }
            (ColumnKind::Integer, ValueKind::Number(number)) => integer(number),
            (ColumnKind::Number, ValueKind::Number(number)) => real(number),
            (ColumnKind::Money, ValueKind::Number(number)) => money(number),
            (ColumnKind::Text, ValueKind::Number(number)) => {
                Err((format!("a number, `{column}` is {is}"), format!("write `'{number}'` to compare with a text")))
            }
            (ColumnKind::Date, ValueKind::Number(_)) => {
                Err((format!("a number, `{column}` is {is}"), DATE_HELP.to_owned()))
            }
            (_, ValueKind::Text(text)) => {
                let example = if real(text).is_ok() { text } else { "90" };
                let help = format!("numbers stand without quotes: `{column} >= {example}`");
                Err((format!("a text, `{column}` is {is}"), help))
            }
        };
        literal.map(Some).unwrap_or_else(|(label, help)| {
            self.note(&value.range, format!("compares `{column}` with what it cannot be"), label, Some(help))
        })
    }

    fn column(&mut self, name: &str, range: &Range<usize>) -> Option<ColumnKind> {
        if let Some(spec) = self.columns.iter().find(|spec| spec.name == name) {
            return Some(spec.kind);
        }
        let today =
            is_today(name).then(|| "the day of the run is `as_of`: `last_purchase_date < as_of - 90 days`".to_owned());
        let names = || self.columns.iter().map(|spec| spec.name.as_str());
        let near = || {
            nearest(name, names()).map_or_else(
                || format!("columns of this pipeline: {}", names().collect::<Vec<_>>().join(", ")),
                |near| format!("a similar column exists: `{near}`"),
            )
        };
        let help = today.unwrap_or_else(near);
        self.problems.push(SegmentProblem {
            range: range.clone(),
            code: codes::UNKNOWN_COLUMN,
            title: format!("uses unknown column `{name}`"),
            label: "no analysis in this pipeline writes this column".to_owned(),
            help: Some(help),
            unknown_column: Some(name.to_owned()),
        });
        None
    }

    fn note<T>(&mut self, range: &Range<usize>, title: String, label: String, help: Option<String>) -> Option<T> {
        let range = range.clone();
        self.problems.push(SegmentProblem { range, code: codes::KIND, title, label, help, unknown_column: None });
        None
    }
}

/// How a day is written.
const DATE_HELP: &str = "dates are written `'2026-06-30'`, or `as_of - 90 days`";

fn named(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "a text",
        ColumnKind::Integer => "a whole number",
        ColumnKind::Number => "a number",
        ColumnKind::Money => "an amount of money",
        ColumnKind::Date => "a date",
    }
}

fn comparable(a: ColumnKind, b: ColumnKind) -> bool {
    let count = |kind| matches!(kind, ColumnKind::Integer | ColumnKind::Number);
    a == b || (count(a) && count(b))
}

/// Says whether two literals are the wrong way round, whatever the day of the run is.
fn is_reversed(low: &Operand, high: &Operand) -> bool {
    match (low, high) {
        (Operand::Text(low), Operand::Text(high)) => low > high,
        (Operand::Integer(low), Operand::Integer(high)) | (Operand::Money(low), Operand::Money(high)) => low > high,
        (Operand::Number(low), Operand::Number(high)) => low > high,
        (Operand::Integer(low), Operand::Number(high)) => *low as f64 > *high,
        (Operand::Number(low), Operand::Integer(high)) => *low > *high as f64,
        (Operand::Date(low), Operand::Date(high)) => low > high,
        (Operand::AsOf(low), Operand::AsOf(high)) => {
            (low.days >= high.days && low.months > high.months) || (low.days > high.days && low.months >= high.months)
        }
        _ => false,
    }
}

/// Label and help of a literal that does not fit.
type Misfit = (String, String);

fn integer(number: &str) -> Result<Operand, Misfit> {
    if number.contains(['.', 'e', 'E']) {
        return real(number);
    }
    number.parse().map(Operand::Integer).map_err(|_| too_large())
}

fn real(number: &str) -> Result<Operand, Misfit> {
    number.parse().ok().filter(|value: &f64| value.is_finite()).map(Operand::Number).ok_or_else(too_large)
}

/// Reads major units exactly: a float would make 1.005 a different amount.
fn money(number: &str) -> Result<Operand, Misfit> {
    let (sign, digits) = number.strip_prefix('-').map_or((1, number), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if digits.contains(['e', 'E']) || fraction.len() > 2 {
        let help = "amounts are written in major units with at most two decimals: `1000` or `99.95`";
        return Err(("not an amount of money".to_owned(), help.to_owned()));
    }
    let minor = || -> Option<i64> {
        let major: i64 = whole.parse().ok()?;
        let cents: i64 = format!("{fraction:0<2}").parse().ok()?;
        major.checked_mul(MONEY_SCALE)?.checked_add(cents)?.checked_mul(sign)
    };
    minor().map(Operand::Money).ok_or_else(too_large)
}

fn too_large() -> Misfit {
    ("too large a number".to_owned(), "numbers have at most 18 digits".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Op, Shift, parse_and_check};
    use super::*;

    fn columns() -> Vec<ColumnSpec> {
        [
            ("abc_class", ColumnKind::Text),
            ("rfm_recency_days", ColumnKind::Integer),
            ("n_orders", ColumnKind::Integer),
            ("churn_risk", ColumnKind::Number),
            ("clv", ColumnKind::Money),
            ("revenue", ColumnKind::Money),
            ("last_purchase_date", ColumnKind::Date),
        ]
        .map(|(name, kind)| ColumnSpec::new(name, kind, ""))
        .to_vec()
    }

    fn check(text: &str, shown: &str) {
        assert_eq!(parse_and_check(text, &columns()).map(|p| p.to_string()).as_deref(), Ok(shown), "{text}");
    }

    fn check_misfit(text: &str, marked: &str, label: &str) {
        let problems = parse_and_check(text, &columns()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((&text[problems[0].range.clone()], problems[0].label.as_str()), (marked, label), "{text}");
    }

    #[test]
    fn literals_take_the_kind_of_their_column() {
        check("abc_class='A'", "abc_class = 'A'");
        check("abc_class <> 'O''Neill'", "abc_class != 'O''Neill'");
        check("rfm_recency_days > 90", "rfm_recency_days > 90");
        check("rfm_recency_days > 90.5", "rfm_recency_days > 90.5");
        check("churn_risk>=1", "churn_risk >= 1.0");
        check("clv > 1000 or clv < -0.5", "clv > 1000.00 or clv < -0.50");
        check("last_purchase_date < '2026-06-30'", "last_purchase_date < '2026-06-30'");
        check("clv > revenue and n_orders > churn_risk", "clv > revenue and n_orders > churn_risk");
        check("abc_class in ('A', 'B')", "abc_class in ('A', 'B')");
        check("abc_class Starts  WITH 'O''N'", "abc_class starts with 'O''N'");
        check("not abc_class not starts with 'A'", "not abc_class not starts with 'A'");
        check("last_purchase_date<AS_OF-90 days", "last_purchase_date < as_of - 90 days");
        check("last_purchase_date in (as_of, as_of + 1 day)", "last_purchase_date in (as_of, as_of + 1 day)");
        check(
            "last_purchase_date between as_of - 2 years and as_of -3 weeks",
            "last_purchase_date between as_of - 24 months and as_of - 21 days",
        );
        check("n_orders NOT IN (1,2)", "n_orders not in (1, 2)");
        check("clv not between 1 and 2.50", "clv not between 1.00 and 2.50");
        check("clv is null or not (clv is not null)", "clv is null or not clv is not null");
        check("not (clv = 1 or clv = 2) and clv = 3", "not (clv = 1.00 or clv = 2.00) and clv = 3.00");
    }

    #[test]
    fn money_is_exact() {
        let amount = |text: &str| money(text).ok();
        assert_eq!(amount("0.29"), Some(Operand::Money(29)));
        assert_eq!(amount("1.500"), Some(Operand::Money(150)));
        assert_eq!(amount("-92233720368547758.07"), Some(Operand::Money(-i64::MAX)));
        assert_eq!(amount("92233720368547758.08"), None);
        assert_eq!(amount("1.005"), None);
        assert_eq!(amount("1e3"), None);
    }

    #[test]
    fn kinds_must_fit() {
        check_misfit("abc_class = 1", "1", "a number, `abc_class` is a text");
        check_misfit("rfm_recency_days > '90'", "'90'", "a text, `rfm_recency_days` is a whole number");
        check_misfit("last_purchase_date > 20260630", "20260630", "a number, `last_purchase_date` is a date");
        check_misfit("last_purchase_date > '30.06.2026'", "'30.06.2026'", "not a date, `last_purchase_date` is one");
        check_misfit("clv < as_of - 1 day", "as_of - 1 day", "a date, `clv` is an amount of money");
        check_misfit("n_orders in (1, as_of)", "as_of", "a date, `n_orders` is a whole number");
        check_misfit("clv starts with '8'", "clv", "this column is an amount of money, only texts start with one");
        check_misfit("abc_class starts with ''", "''", "every text starts with an empty one");
        check_misfit("clv > 1.005", "1.005", "not an amount of money");
        check_misfit("clv > n_orders", "n_orders", "this column is a whole number, `clv` is an amount of money");
        check_misfit("n_orders > 99999999999999999999", "99999999999999999999", "too large a number");
        check_misfit("churn_risk > 1e999", "1e999", "too large a number");
    }

    #[test]
    fn all_wrong_names_and_kinds_are_found() {
        let text = "recency_day > 90 and (abc_class = 1 or clv > revenu) and colour in (1, 'x')";
        let problems = parse_and_check(text, &columns()).unwrap_err();
        let found: Vec<_> = problems.iter().map(|p| (p.code, &text[p.range.clone()])).collect();
        assert_eq!(
            found,
            [("K0203", "recency_day"), ("K0205", "1"), ("K0203", "revenu"), ("K0203", "colour")],
            "{problems:?}"
        );
        assert_eq!(problems[0].help.as_deref(), Some("a similar column exists: `rfm_recency_days`"));
        assert!(problems[3].help.as_deref().unwrap().starts_with("columns of this pipeline: abc_class, "));
    }

    fn predicates() -> impl Strategy<Value = Predicate> {
        let op = prop::sample::select(vec![
            Op::Equal,
            Op::NotEqual,
            Op::Less,
            Op::LessOrEqual,
            Op::Greater,
            Op::GreaterOrEqual,
        ]);
        let operand = prop_oneof![
            any::<String>().prop_map(|text| ("abc_class", Operand::Text(text))),
            any::<i64>().prop_map(|number| ("n_orders", Operand::Integer(number))),
            prop::num::f64::NORMAL.prop_map(|number| ("churn_risk", Operand::Number(number))),
            (-i64::MAX..i64::MAX).prop_map(|minor| ("clv", Operand::Money(minor))),
            (-100_000..100_000).prop_map(|day| ("last_purchase_date", Operand::Date(Day(day)))),
            (-36_500..36_500, any::<bool>()).prop_map(|(by, days)| {
                let shift = if days { Shift { days: by, months: 0 } } else { Shift { days: 0, months: by } };
                ("last_purchase_date", Operand::AsOf(shift))
            }),
            Just(("clv", Operand::Column("revenue".to_owned()))),
        ];
        let leaf = (operand, op, any::<bool>(), 0..5).prop_map(|((column, operand), op, negated, form)| {
            let column = column.to_owned();
            match form {
                0 => Predicate::IsNull { column, negated },
                4 => {
                    let prefix = if let Operand::Text(text) = operand { format!("x{text}") } else { "8'0".to_owned() };
                    Predicate::StartsWith { column: "abc_class".to_owned(), prefix, negated }
                }
                1 => Predicate::Between { column, low: operand.clone(), high: operand, negated },
                2 if !matches!(operand, Operand::Column(_)) => {
                    Predicate::In { column, values: vec![operand.clone(), operand], negated }
                }
                _ => Predicate::Compare { column, op, operand },
            }
        });
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::And),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::Or),
                inner.prop_map(|part| Predicate::Not(Box::new(part))),
            ]
        })
    }

    proptest! {
        /// A predicate shown and read again is the same predicate.
        #[test]
        fn shown_reads_back(predicate in predicates()) {
            prop_assert_eq!(parse_and_check(&predicate.to_string(), &columns()), Ok(predicate));
        }

        /// No text makes the parser panic, and every problem lies inside the text.
        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            for problem in parse_and_check(&text, &columns()).err().unwrap_or_default() {
                prop_assert!(text.get(problem.range).is_some());
            }
        }

        /// The same for texts made of the words of the language, which get further into it.
        #[test]
        fn any_words_are_answered(words in prop::collection::vec(prop::sample::select(vec![
            "and", "or", "not", "in", "between", "is", "null", "(", ")", ",", "=", "<", "<>", "!", "1", "-2.5", "'x'", "'", "clv",
            "abc_class", "nobody", "e", ".", "ß",
        ]), 0..20)) {
            let text = words.join(" ");
            for problem in parse_and_check(&text, &columns()).err().unwrap_or_default() {
                prop_assert!(text.get(problem.range).is_some());
            }
        }
    }
}
