//! Text of a condition to words, numbers, texts and marks, each with its byte range.

use std::ops::Range;

use super::expression::Problem;
use super::{Op, SegmentProblem};
use crate::diagnostic::codes;
use crate::units::Day;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Word(String),
    Number(String),
    Text(String),
    Op(Op),
    Open,
    Close,
    Comma,
    /// Plus or minus after `as_of`; anywhere else a minus belongs to its number.
    Sign(i32),
    End,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

const KEYWORDS: &[&str] = &["and", "or", "not", "in", "between", "is", "null"];

/// Words for the day of the run in other languages.
const TODAY: &[&str] = &["today", "now", "sysdate", "getdate", "curdate", "current_date", "current_timestamp"];

/// Said where a condition adds or divides.
pub(super) const COMPUTES_NOT: &str =
    "nothing is computed in a condition: compare a column with a number, or with another column as it is";

/// The day that a condition is asked as of.
pub(super) const AS_OF: &str = "as_of";

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Says whether a word means the day of the run elsewhere.
pub(super) fn is_today(word: &str) -> bool {
    TODAY.iter().any(|today| word.eq_ignore_ascii_case(today))
}

/// Says whether a column of this name could not be asked for.
pub fn is_reserved(word: &str) -> bool {
    is_keyword(word) || word.eq_ignore_ascii_case(AS_OF)
}

pub(super) fn problem(
    range: Range<usize>,
    title: impl Into<String>,
    label: impl Into<String>,
    help: Option<&str>,
) -> Problem {
    Box::new(SegmentProblem {
        range,
        code: codes::EXPRESSION,
        title: title.into(),
        label: label.into(),
        help: help.map(str::to_owned),
        unknown_column: None,
    })
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
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
            '+' if follows_as_of(&tokens) => (TokenKind::Sign(1), 1),
            '-' if follows_as_of(&tokens) => (TokenKind::Sign(-1), 1),
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

fn follows_as_of(tokens: &[Token]) -> bool {
    matches!(tokens.last(), Some(Token { kind: TokenKind::Word(word), .. }) if word.eq_ignore_ascii_case(AS_OF))
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
    if let Some((len, day)) = bare_day(rest) {
        let help = format!("days stand in single quotes, the year first: `'{day}'`");
        return Err(problem(at..at + len, "has a day without quotes", "not a number", Some(&help)));
    }
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
    if rest.starts_with('-') && whole == 0 {
        return Err(problem(
            at..at + len.max(1),
            "has a number that cannot be read",
            "not a number",
            Some(COMPUTES_NOT),
        ));
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

/// Finds a day that stands without quotes, `2026-03-01` or `1.3.2026`; returns its length and how it is written.
fn bare_day(rest: &str) -> Option<(usize, Day)> {
    let len = prefix(rest, |c| c.is_ascii_digit() || c == '-' || c == '.');
    let written = &rest[..len];
    let parts: Vec<&str> = written.split(['-', '.']).collect();
    let [Ok(a), Ok(b), Ok(c)] = <[&str; 3]>::try_from(parts).ok()?.map(str::parse::<u32>) else { return None };
    let [year, month, day] = if written.as_bytes().get(4) == Some(&b'-') { [a, b, c] } else { [c, b, a] };
    let day = Day::from_ymd(i32::try_from(year).ok()?, month, day)?;
    (year > 999).then_some((len, day))
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
        ("*", COMPUTES_NOT),
        ("/", COMPUTES_NOT),
        ("+", COMPUTES_NOT),
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
