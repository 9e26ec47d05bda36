//! Text of a condition to a tree, with the byte range of every name and literal; knows no columns.
//!
//! A recursive descent parser over [`tokens`](super::tokens); nesting is limited so that no text can exhaust the stack.

use std::ops::Range;

use super::predicate::{MOST_SHIFTED, Shift};
use super::tokens::{AS_OF, COMPUTES_NOT, Token, TokenKind, is_keyword, problem, tokens};
use super::{Op, SegmentProblem};

/// Parentheses and `not` inside each other; a hand-written condition has less than ten.
const MAX_DEPTH: usize = 64;

/// A condition as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare { column: Name, op: Op, value: Value },
    In { column: Name, values: Vec<Value>, negated: bool },
    Between { column: Name, low: Value, high: Value, negated: bool },
    IsNull { column: Name, negated: bool },
    StartsWith { column: Name, prefix: Value, negated: bool },
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    pub text: String,
    pub range: Range<usize>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub kind: ValueKind,
    pub range: Range<usize>,
}

/// What a value is by its form; numbers stay text until the kind of the column is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueKind {
    Column(String),
    Number(String),
    Text(String),
    AsOf(Shift),
}

/// Boxed, because nearly every function here can return one.
pub(super) type Problem = Box<SegmentProblem>;

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, Problem> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let condition = parser.condition()?;
    match parser.peek().kind {
        TokenKind::End => Ok(condition),
        TokenKind::Comma => {
            let help = parser.decimal_comma();
            Err(parser.unexpected("`and`, `or` or the end", help.as_deref()))
        }
        _ => Err(parser.unexpected("`and`, `or` or the end", None)),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        // The list ends with `End`, and `take` never goes past it.
        &self.tokens[self.next]
    }

    fn take(&mut self) -> Token {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        matches!(&self.peek().kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            self.take();
        }
        found
    }

    fn expect_keyword(&mut self, keyword: &str) -> Result<(), Problem> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.unexpected(&format!("`{keyword}`"), None)) }
    }

    fn expect(&mut self, kind: &TokenKind, wanted: &str) -> Result<(), Problem> {
        if self.peek().kind == *kind {
            self.take();
            return Ok(());
        }
        Err(self.unexpected(wanted, None))
    }

    fn unexpected(&self, wanted: &str, help: Option<&str>) -> Problem {
        let token = self.peek();
        let title = match &token.kind {
            TokenKind::End => "ends too early",
            _ => "cannot be read",
        };
        problem(token.range.clone(), title, format!("expected {wanted} here"), help)
    }

    /// Spells a number whose decimals follow a comma.
    fn decimal_comma(&self) -> Option<String> {
        let around = (self.next.checked_sub(1).and_then(|at| self.tokens.get(at)), self.tokens.get(self.next + 1));
        let (Some(Token { kind: TokenKind::Number(whole), .. }), Some(Token { kind: TokenKind::Number(decimals), .. })) =
            around
        else {
            return None;
        };
        Some(format!("decimals follow a point: `{whole}.{decimals}`"))
    }

    fn condition(&mut self) -> Result<Condition, Problem> {
        let mut parts = vec![self.and_part()?];
        while self.take_keyword("or") {
            parts.push(self.and_part()?);
        }
        Ok(single_or(parts, Condition::Or))
    }

    fn and_part(&mut self) -> Result<Condition, Problem> {
        let mut parts = vec![self.not_part()?];
        while self.take_keyword("and") {
            parts.push(self.not_part()?);
        }
        Ok(single_or(parts, Condition::And))
    }

    fn not_part(&mut self) -> Result<Condition, Problem> {
        if self.depth == MAX_DEPTH {
            let range = self.peek().range.clone();
            return Err(problem(range, "is nested too deeply", format!("more than {MAX_DEPTH} levels"), None));
        }
        self.depth += 1;
        let part = if self.take_keyword("not") {
            Condition::Not(Box::new(self.not_part()?))
        } else if self.peek().kind == TokenKind::Open {
            self.take();
            let inner = self.condition()?;
            self.expect(&TokenKind::Close, "`)`, `and` or `or`")?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(part)
    }

    fn test(&mut self) -> Result<Condition, Problem> {
        let column = self.column()?;
        if self.take_keyword("is") {
            let negated = self.take_keyword("not");
            self.expect_keyword("null")?;
            return Ok(Condition::IsNull { column, negated });
        }
        if let TokenKind::Op(op) = self.peek().kind {
            self.take();
            return Ok(Condition::Compare { column, op, value: self.value()? });
        }
        let negated = self.take_keyword("not");
        if self.take_keyword("in") {
            return Ok(Condition::In { column, values: self.list()?, negated });
        }
        if self.take_keyword("between") {
            let low = self.value()?;
            self.expect_keyword("and")?;
            return Ok(Condition::Between { column, low, high: self.value()?, negated });
        }
        if self.take_keyword("starts") {
            self.expect_keyword("with")?;
            if !matches!(self.peek().kind, TokenKind::Text(_)) {
                return Err(self.unexpected("a text in single quotes", None));
            }
            return Ok(Condition::StartsWith { column, prefix: self.value()?, negated });
        }
        if self.at_keyword("like") || self.at_keyword("ilike") {
            let pattern = match self.tokens.get(self.next + 1).map(|token| &token.kind) {
                Some(TokenKind::Text(pattern)) => pattern.trim_end_matches('%').replace('\'', "''"),
                _ => "80".to_owned(),
            };
            let not = if negated { "not " } else { "" };
            let help = format!("texts are found by how they begin: `{} {not}starts with '{pattern}'`", column.text);
            return Err(self.unexpected("`starts with`", Some(&help)));
        }
        if matches!(&self.peek().kind, TokenKind::Number(number) if number.starts_with('-')) {
            return Err(self.unexpected("a comparison", Some(COMPUTES_NOT)));
        }
        let wanted = if negated {
            "`in`, `between` or `starts with`"
        } else {
            "a comparison such as `=`, `>=`, `in`, `between`, `starts with` or `is`"
        };
        Err(self.unexpected(wanted, None))
    }

    fn column(&mut self) -> Result<Name, Problem> {
        match &self.peek().kind {
            TokenKind::Word(word) if word.eq_ignore_ascii_case(AS_OF) => {
                let help = "a comparison starts with the column: `last_purchase_date < as_of - 90 days`";
                Err(self.unexpected("a column", Some(help)))
            }
            TokenKind::Word(word) if !is_keyword(word) => {
                let name = Name { text: word.clone(), range: self.peek().range.clone() };
                self.take();
                Ok(name)
            }
            TokenKind::Number(_) | TokenKind::Text(_) => {
                let help = "a comparison starts with the column: `rfm_recency_days > 90`, not `90 < rfm_recency_days`";
                Err(self.unexpected("a column", Some(help)))
            }
            _ => Err(self.unexpected("a column", None)),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, Problem> {
        self.expect(&TokenKind::Open, "`(`")?;
        let mut values = Vec::new();
        loop {
            if matches!(self.peek().kind, TokenKind::Word(_)) && !self.at_keyword(AS_OF) {
                return Err(self.unexpected("a number or a text in single quotes", None));
            }
            values.push(self.value()?);
            if self.peek().kind == TokenKind::Close {
                self.take();
                return Ok(values);
            }
            self.expect(&TokenKind::Comma, "`,` or `)`")?;
        }
    }

    fn value(&mut self) -> Result<Value, Problem> {
        if self.at_keyword(AS_OF) {
            return self.as_of();
        }
        let kind = match &self.peek().kind {
            TokenKind::Word(word) if !is_keyword(word) => ValueKind::Column(word.clone()),
            TokenKind::Number(number) => ValueKind::Number(number.clone()),
            TokenKind::Text(text) => ValueKind::Text(text.clone()),
            _ => {
                let null = self.at_keyword("null").then_some("unknown values are found with `is null`");
                return Err(self.unexpected("a number, a text in single quotes or a column", null));
            }
        };
        Ok(Value { kind, range: self.take().range })
    }
}

impl Parser {
    /// Reads `as_of`, and how far from it where that is said.
    fn as_of(&mut self) -> Result<Value, Problem> {
        let start = self.take().range.start;
        let mut end = start + AS_OF.len();
        let mut shift = Shift::default();
        if let TokenKind::Sign(sign) = self.peek().kind {
            self.take();
            let number = match &self.peek().kind {
                TokenKind::Number(number) => number.parse::<i32>().ok().filter(|n| (1..=MOST_SHIFTED).contains(n)),
                _ => None,
            };
            let wanted = format!("a whole number from 1 to {MOST_SHIFTED}");
            let number = number.ok_or_else(|| self.unexpected(&wanted, Some(SHIFT_HELP)))?;
            self.take();
            let unit = match &self.peek().kind {
                TokenKind::Word(word) => word.to_ascii_lowercase(),
                _ => String::new(),
            };
            let by = sign * number;
            shift = match unit.as_str() {
                "day" | "days" => Shift { days: by, months: 0 },
                "week" | "weeks" => Shift { days: 7 * by, months: 0 },
                "month" | "months" => Shift { days: 0, months: by },
                "year" | "years" => Shift { days: 0, months: 12 * by },
                _ => return Err(self.unexpected("`days`, `weeks`, `months` or `years`", Some(SHIFT_HELP))),
            };
            end = self.peek().range.end;
            self.take();
        }
        if shift.days.abs().max(shift.months.abs()) > MOST_SHIFTED {
            let label = format!("more than {MOST_SHIFTED} days or months");
            return Err(problem(start..end, "is too far from as-of", label, Some(SHIFT_HELP)));
        }
        Ok(Value { kind: ValueKind::AsOf(shift), range: start..end })
    }
}

/// How a day is told by its distance.
const SHIFT_HELP: &str = "days relative to as-of are written `as_of - 90 days`, with days, weeks, months or years";

fn single_or(mut parts: Vec<Condition>, many: impl Fn(Vec<Condition>) -> Condition) -> Condition {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, marked: &str, title: &str, label: &str) {
        let problem = parse(text).unwrap_err();
        assert_eq!(
            (&text[problem.range.clone()], problem.title.as_str(), problem.label.as_str()),
            (marked, title, label),
            "{text}"
        );
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        let Condition::Or(parts) = parse("a = 1 OR NOT b = 2 And c = 3").unwrap() else { panic!("not an or") };
        let Condition::And(inner) = &parts[1] else { panic!("not an and") };
        assert!(matches!(inner[0], Condition::Not(_)));
        assert!(matches!(parse("((a = 1))").unwrap(), Condition::Compare { .. }));
    }

    #[test]
    fn points_at_what_cannot_be_read() {
        check("", "", "ends too early", "expected a column here");
        check(
            "a",
            "",
            "ends too early",
            "expected a comparison such as `=`, `>=`, `in`, `between`, `starts with` or `is` here",
        );
        check("a = 'x", "'x", "has a text that does not end", "the closing `'` is missing");
        check("a = 1 b = 2", "b", "cannot be read", "expected `and`, `or` or the end here");
        check("a == 1", "==", "cannot be read at `==`", "not part of an expression");
        check("a = \"x\"", "\"", "cannot be read at `\"`", "not part of an expression");
        check("90 < a", "90", "cannot be read", "expected a column here");
        check("a = null", "null", "cannot be read", "expected a number, a text in single quotes or a column here");
        check("a in (1, b)", "b", "cannot be read", "expected a number or a text in single quotes here");
        check("a in (1 2)", "2", "cannot be read", "expected `,` or `)` here");
        check("a not = 1", "=", "cannot be read", "expected `in`, `between` or `starts with` here");
        check("a between 1 or 2", "or", "cannot be read", "expected `and` here");
        check("(a = 1", "", "ends too early", "expected `)`, `and` or `or` here");
        check("a = 1.2.3", "1.2.3", "has a number that cannot be read", "not a number");
        check("a = 90d", "90d", "has a number that cannot be read", "not a number");
        check("a = -", "-", "has a number that cannot be read", "not a number");
        check("as_of > a", "as_of", "cannot be read", "expected a column here");
        check("a < as_of - 90", "", "ends too early", "expected `days`, `weeks`, `months` or `years` here");
        check("a < as_of - 90 dogs", "dogs", "cannot be read", "expected `days`, `weeks`, `months` or `years` here");
        check("a < as_of - 1.5 days", "1.5", "cannot be read", "expected a whole number from 1 to 36500 here");
        check("a < as_of + 0 days", "0", "cannot be read", "expected a whole number from 1 to 36500 here");
        check("a < as_of -9000 years", "as_of -9000 years", "is too far from as-of", "more than 36500 days or months");
        check("a < as_of 90 days", "90", "cannot be read", "expected `and`, `or` or the end here");
        check("a starts 'x'", "'x'", "cannot be read", "expected `with` here");
        check("a starts with 8", "8", "cannot be read", "expected a text in single quotes here");
        check("a = ü", "ü", "cannot be read at `ü`", "not part of an expression");
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |n: usize| format!("{}a = 1{}", "(".repeat(n), ")".repeat(n));
        assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(parse(&nested(100_000)).unwrap_err().title, "is nested too deeply");
        assert_eq!(parse(&"not ".repeat(100_000)).unwrap_err().title, "is nested too deeply");
        assert!(parse(&vec!["a = 1"; 10_000].join(" and ")).is_ok());
    }
}
