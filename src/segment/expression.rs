//! Text of a condition to a tree, with the byte range of every name and literal; knows no columns.
//!
//! A hand-written lexer and a recursive descent parser; nesting is limited so that no text can exhaust the stack.

use std::ops::Range;

use super::{Op, SegmentProblem};
use crate::diagnostic::codes;

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
}

/// Boxed, because nearly every function here can return one.
pub(super) type Problem = Box<SegmentProblem>;

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, Problem> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let condition = parser.condition()?;
    match parser.peek().kind {
        TokenKind::End => Ok(condition),
        _ => Err(parser.unexpected("`and`, `or` or the end", None)),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum TokenKind {
    Word(String),
    Number(String),
    Text(String),
    Op(Op),
    Open,
    Close,
    Comma,
    End,
}

#[derive(Debug, Clone)]
struct Token {
    kind: TokenKind,
    range: Range<usize>,
}

const KEYWORDS: &[&str] = &["and", "or", "not", "in", "between", "is", "null"];

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn problem(range: Range<usize>, title: impl Into<String>, label: impl Into<String>, help: Option<&str>) -> Problem {
    Box::new(SegmentProblem {
        range,
        code: codes::EXPRESSION,
        title: title.into(),
        label: label.into(),
        help: help.map(str::to_owned),
        unknown_column: None,
    })
}

fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, len) = match first {
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '(' => (TokenKind::Open, 1),
            ')' => (TokenKind::Close, 1),
            ',' => (TokenKind::Comma, 1),
            '\'' => quoted(rest, at)?,
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let len = prefix(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                (TokenKind::Word(rest[..len].to_owned()), len)
            }
            _ if first.is_ascii_digit() || first == '-' || first == '.' => number(rest, at)?,
            _ => operator(rest, at)?,
        };
        tokens.push(Token { kind, range: at..at + len });
        at += len;
    }
    tokens.push(Token { kind: TokenKind::End, range: text.len()..text.len() });
    Ok(tokens)
}

/// Returns the length of the longest start of a text whose characters all pass.
fn prefix(text: &str, pass: impl Fn(char) -> bool) -> usize {
    text.find(|c| !pass(c)).unwrap_or(text.len())
}

fn quoted(rest: &str, at: usize) -> Result<(TokenKind, usize), Problem> {
    let mut value = String::new();
    let mut len = 1;
    while let Some(end) = rest[len..].find('\'') {
        value.push_str(&rest[len..len + end]);
        len += end + 1;
        if !rest[len..].starts_with('\'') {
            return Ok((TokenKind::Text(value), len));
        }
        value.push('\'');
        len += 1;
    }
    Err(problem(
        at..at + rest.len(),
        "has a text that does not end",
        "the closing `'` is missing",
        Some("a `'` inside a text is doubled: `'O''Neill'`"),
    ))
}

/// Reads `-?digits[.digits][e[+-]digits]`.
fn number(rest: &str, at: usize) -> Result<(TokenKind, usize), Problem> {
    let digits = |from: usize| prefix(&rest[from..], |c| c.is_ascii_digit());
    let mut len = usize::from(rest.starts_with('-'));
    let whole = digits(len);
    len += whole;
    let mut well_formed = whole > 0;
    if rest[len..].starts_with('.') {
        let fraction = digits(len + 1);
        well_formed &= fraction > 0;
        len += 1 + fraction;
    }
    if rest[len..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[len + 1..].starts_with(['+', '-']));
        let exponent = digits(len + 1 + sign);
        well_formed &= exponent > 0;
        len += 1 + sign + exponent;
    }
    let tail = prefix(&rest[len..], |c| c.is_alphanumeric() || c == '_' || c == '.');
    if well_formed && tail == 0 {
        return Ok((TokenKind::Number(rest[..len].to_owned()), len));
    }
    Err(problem(
        at..at + (len + tail).max(1),
        "has a number that cannot be read",
        "not a number",
        Some(
            "numbers are written `90`, `-5` or `0.25`; names start with a letter, dates and texts stand in single quotes",
        ),
    ))
}

fn operator(rest: &str, at: usize) -> Result<(TokenKind, usize), Problem> {
    const OPERATORS: &[(&str, Op)] = &[
        ("<=", Op::LessOrEqual),
        (">=", Op::GreaterOrEqual),
        ("<>", Op::NotEqual),
        ("!=", Op::NotEqual),
        ("<", Op::Less),
        (">", Op::Greater),
        ("=", Op::Equal),
    ];
    const MISTAKES: &[(&str, &str)] = &[
        ("==", "equality is a single `=`"),
        ("=>", "write `>=`"),
        ("=<", "write `<=`"),
        ("&&", "write `and`"),
        ("||", "write `or`"),
        ("!", "write `not`"),
        ("\"", "texts stand in single quotes: `'A'`"),
        ("“", "texts stand in straight single quotes: `'A'`"),
        ("‘", "texts stand in straight single quotes: `'A'`"),
        ("’", "texts stand in straight single quotes: `'A'`"),
        ("%", "shares are written as numbers from 0 to 1: `0.9`"),
    ];
    let mistake = MISTAKES.iter().find(|(written, _)| rest.starts_with(written) && !rest.starts_with("!="));
    if let (None, Some((written, op))) = (mistake, OPERATORS.iter().find(|(written, _)| rest.starts_with(written))) {
        return Ok((TokenKind::Op(*op), written.len()));
    }
    let len = mistake.map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), |(written, _)| written.len());
    Err(problem(
        at..at + len,
        format!("cannot be read at `{}`", &rest[..len]),
        "not part of an expression",
        mistake.map(|(_, help)| *help),
    ))
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
        let wanted =
            if negated { "`in` or `between`" } else { "a comparison such as `=`, `>=`, `in`, `between` or `is`" };
        Err(self.unexpected(wanted, None))
    }

    fn column(&mut self) -> Result<Name, Problem> {
        match &self.peek().kind {
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
            if matches!(self.peek().kind, TokenKind::Word(_)) {
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
        check("a", "", "ends too early", "expected a comparison such as `=`, `>=`, `in`, `between` or `is` here");
        check("a = 'x", "'x", "has a text that does not end", "the closing `'` is missing");
        check("a = 1 b = 2", "b", "cannot be read", "expected `and`, `or` or the end here");
        check("a == 1", "==", "cannot be read at `==`", "not part of an expression");
        check("a = \"x\"", "\"", "cannot be read at `\"`", "not part of an expression");
        check("90 < a", "90", "cannot be read", "expected a column here");
        check("a = null", "null", "cannot be read", "expected a number, a text in single quotes or a column here");
        check("a in (1, b)", "b", "cannot be read", "expected a number or a text in single quotes here");
        check("a in (1 2)", "2", "cannot be read", "expected `,` or `)` here");
        check("a not = 1", "=", "cannot be read", "expected `in` or `between` here");
        check("a between 1 or 2", "or", "cannot be read", "expected `and` here");
        check("(a = 1", "", "ends too early", "expected `)`, `and` or `or` here");
        check("a = 1.2.3", "1.2.3", "has a number that cannot be read", "not a number");
        check("a = 90d", "90d", "has a number that cannot be read", "not a number");
        check("a = -", "-", "has a number that cannot be read", "not a number");
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
