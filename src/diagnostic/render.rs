//! Diagnostics as text: title, place, source line, carets, help.
//!
//! Plain data in, text out; the caller decides about colour and where it is printed. Control characters of user text are
//! shown escaped, so that a pipeline file cannot steer the terminal.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::{DEFAULT_ERROR_STYLE, DEFAULT_HELP_STYLE, DEFAULT_WARNING_STYLE, Style};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};

/// Renders the problems of a pipeline file and, where one of them is an error, a last line that counts them.
///
/// # Examples
/// ```
/// use klientel::diagnostic::{Diagnostic, render};
/// let problem = Diagnostic::error("K0109", "the pipeline file cannot be read").help("check the path");
/// assert_eq!(
///     render(&[problem], "pipeline.toml", "", false),
///     "error[K0109]: the pipeline file cannot be read\n  = help: check the path\n\
///      error: 1 problem in pipeline.toml, nothing was read or written\n"
/// );
/// ```
pub fn render(diagnostics: &[Diagnostic], path: &str, source: &str, color: bool) -> String {
    let mut text = snippets(diagnostics, path, source, color);
    let n_errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if n_errors > 0 {
        let problems = if n_errors == 1 { "problem" } else { "problems" };
        let path = visible(path);
        text.push_str(&painted("error", DEFAULT_ERROR_STYLE, color));
        let _ = writeln!(text, ": {n_errors} {problems} in {path}, nothing was read or written");
    }
    text
}

/// Renders each diagnostic for itself, without the counting last line.
pub fn snippets(diagnostics: &[Diagnostic], path: &str, source: &str, color: bool) -> String {
    let path = visible(path);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        match &diagnostic.span {
            Some(span) => placed(&mut text, diagnostic, span, &path, source, &renderer),
            None => unplaced(&mut text, diagnostic, color),
        }
    }
    text
}

fn placed(
    text: &mut String,
    diagnostic: &Diagnostic,
    span: &Range<usize>,
    path: &str,
    source: &str,
    renderer: &Renderer,
) {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let annotation = AnnotationKind::Primary.span(within(span, source)).label(diagnostic.label.as_deref().map(visible));
    let mut group = level
        .primary_title(visible(&diagnostic.title))
        .id(diagnostic.code)
        .element(Snippet::source(source).path(path).annotation(annotation));
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    text.push_str(&renderer.render(&[group]));
    text.push('\n');
}

fn unplaced(text: &mut String, diagnostic: &Diagnostic, color: bool) {
    let (word, style) = match diagnostic.severity {
        Severity::Error => ("error", DEFAULT_ERROR_STYLE),
        Severity::Warning => ("warning", DEFAULT_WARNING_STYLE),
    };
    text.push_str(&painted(&format!("{word}[{}]", diagnostic.code), style, color));
    let _ = writeln!(text, ": {}", visible(&diagnostic.title));
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "  = {}: {}", painted("help", DEFAULT_HELP_STYLE, color), visible(help));
    }
}

fn painted(word: &str, style: Style, color: bool) -> String {
    if color { format!("{style}{word}{style:#}") } else { word.to_owned() }
}

/// Keeps a span inside the source and on character borders: the renderer asks for both.
fn within(span: &Range<usize>, source: &str) -> Range<usize> {
    let border_from = |from: usize| (from..).find(|at| source.is_char_boundary(*at)).unwrap_or(source.len());
    let start = border_from(span.start.min(source.len()));
    start..border_from(span.end.min(source.len())).max(start)
}

fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOURCE: &str = "[[segment]]\nname = 'win-back'\nwhere = 'recency_day > 90'\n";

    fn unknown_column() -> Diagnostic {
        Diagnostic::error("K0203", "segment `win-back` uses unknown column `recency_day`")
            .at(39..50, "no analysis in this pipeline writes this column")
            .help("a similar column exists: `rfm_recency_days`")
    }

    #[test]
    fn shows_the_place_and_counts() {
        assert_eq!(
            render(&[unknown_column()], "pipeline.toml", SOURCE, false),
            "error[K0203]: segment `win-back` uses unknown column `recency_day`
 --> pipeline.toml:3:10
  |
3 | where = 'recency_day > 90'
  |          ^^^^^^^^^^^ no analysis in this pipeline writes this column
  |
  = help: a similar column exists: `rfm_recency_days`
error: 1 problem in pipeline.toml, nothing was read or written
"
        );
    }

    #[test]
    fn counts_errors_only() {
        let warning = Diagnostic::warning("K0301", "no cost is known");
        assert_eq!(render(std::slice::from_ref(&warning), "p", "", false), "warning[K0301]: no cost is known\n");
        let both = render(&[warning, unknown_column(), unknown_column()], "p", SOURCE, false);
        assert!(both.ends_with("error: 2 problems in p, nothing was read or written\n"), "{both}");
    }

    #[test]
    fn colour_adds_escapes_and_no_words() {
        let problems = [unknown_column(), Diagnostic::error("K0109", "unreadable").help("check the path")];
        let coloured = render(&problems, "p", SOURCE, true);
        assert!(coloured.contains("\u{1b}["));
        let mut bare = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            bare.push_str(before);
            rest = after.split_once('m').map_or("", |(_, after)| after);
        }
        bare.push_str(rest);
        assert_eq!(bare, render(&problems, "p", SOURCE, false));
    }

    #[test]
    fn control_characters_are_shown_escaped() {
        let text = render(&[Diagnostic::error("K0102", "unknown key `a\u{1b}[2J\nb`")], "p", "", false);
        assert!(text.starts_with("error[K0102]: unknown key `a\\u{1b}[2J\\nb`\n"), "{text}");
    }

    proptest! {
        /// Any span over any source renders: it is cut to the source.
        #[test]
        fn every_span_renders(source in any::<String>(), start in 0..60_usize, len in 0..60_usize) {
            let diagnostic = Diagnostic::error("K0101", "title").at(start..start + len, "label");
            prop_assert!(snippets(&[diagnostic], "p", &source, false).starts_with("error[K0101]: title\n"));
        }
    }
}
