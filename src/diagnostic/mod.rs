//! What a user reads when something is wrong: a code, a title, where, and what to do.
//!
//! Codes are stable and grouped: `K01` the pipeline file, `K02` names in it, `K03` export data, `K04` fitting, `K05` publishing.
//! Core code returns typed errors; at the border each becomes a [`Diagnostic`], which is plain data and is rendered in one place.

pub mod codes;
mod render;

use std::ops::Range;

pub use render::{render, snippets};

/// How bad a diagnostic is: an error stops the run, a warning is shown and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Shown and recorded; the run goes on.
    Warning,
    /// Nothing is published.
    Error,
}

/// One problem, as a user should read it: lower case, no full stop, user text in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable code such as `K0203`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub title: String,
    /// Byte range in the pipeline file that the problem lies in.
    pub span: Option<Range<usize>>,
    /// Text under the marked range.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Starts an error.
    pub fn error(code: &'static str, title: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, title: title.into(), span: None, label: None, help: None }
    }

    /// Starts a warning.
    pub fn warning(code: &'static str, title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, title) }
    }

    /// Points at a byte range of the pipeline file and says what is there.
    #[must_use]
    pub fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.span = Some(span);
        self.label = Some(label.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Returns the candidate that a misspelt word most likely meant, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

/// Writes a count with a comma between thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (ix, digit) in digits.chars().enumerate() {
        if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
