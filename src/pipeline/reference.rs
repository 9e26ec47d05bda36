//! The reference file: a pipeline with every key, its meaning, its range and its default.
//!
//! A key without a default is commented out with an example, unless it is required; where one of two tables must be chosen, the
//! second is commented out.

use std::fmt::Write as _;

use super::describe;
use super::shape::{KeyDoc, Shape, TableDoc};

/// Letters in a line of comment.
const WIDTH: usize = 120;

const HEAD: &str = "\
#:schema ./pipeline.schema.json
# Every key of a klientel pipeline. A key that is commented out has no default; its value is an example.
";

/// Returns the reference as a valid pipeline.
pub fn reference() -> String {
    text(false)
}

/// Writes every key; those that are commented out in the reference are active where `all` is set.
pub(super) fn text(all: bool) -> String {
    let mut text = HEAD.to_owned();
    keys(&mut text, &describe(), "", all, false);
    text
}

fn keys(text: &mut String, table: &TableDoc, path: &str, all: bool, off: bool) {
    let values = || table.keys.iter().filter(|key| !is_table(key));
    // Where nothing is set, as in a list of headers, a line for each key says enough.
    let compact = !values().any(is_set);
    if compact && values().next().is_some() {
        text.push('\n');
    }
    for key in values() {
        let off = off || !(is_set(key) || all);
        let about = &key.key;
        let line = format!("{}{} = {}", mark(off), about.name, about.shown().unwrap_or("\"\""));
        if compact {
            let _ = writeln!(text, "{line:<36} # {}", about.doc);
            continue;
        }
        text.push('\n');
        comment(text, &format!("{}.", about.doc));
        let unit = if about.unit.is_empty() { String::new() } else { format!(", {}", about.unit) };
        let need = match about.default {
            _ if about.required => "; required",
            Some(_) => "",
            None => "; no default",
        };
        comment(text, &format!("Value: {}{unit}{need}.", key.shape));
        let _ = writeln!(text, "{line}");
    }
    for key in &table.keys {
        let name = key.key.name;
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let (doc, header) = match &key.shape {
            Shape::Table { doc, .. } => (doc, format!("[{path}]")),
            Shape::Tables(doc) => (doc, format!("[[{path}]]")),
            _ => continue,
        };
        let other_choice = table.exactly_one.iter().skip(1).any(|other| *other == name);
        let off = off || (other_choice && !all);
        text.push('\n');
        comment(text, &format!("{}.", key.key.doc));
        let _ = writeln!(text, "{}{header}", mark(off));
        keys(text, doc, &path, all, off);
    }
}

fn is_table(key: &KeyDoc) -> bool {
    matches!(key.shape, Shape::Table { .. } | Shape::Tables(_))
}

fn is_set(key: &KeyDoc) -> bool {
    key.key.default.is_some() || key.key.required
}

fn mark(off: bool) -> &'static str {
    if off { "# " } else { "" }
}

/// Writes a comment, broken between words.
fn comment(text: &mut String, sentence: &str) {
    let mut line = "#".to_owned();
    for word in sentence.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}
