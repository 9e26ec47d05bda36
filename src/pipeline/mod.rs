//! The pipeline file: from TOML to plain data, with every problem found at once.
//!
//! `definition` asks a `Reader` for each key, with its meaning, range and default; from the same calls come the JSON Schema
//! and the reference file. A wrong value is noted with its place and its default goes on, so names and segments are still
//! checked.
//!
//! | step                | finds                                                                     |
//! |---------------------|---------------------------------------------------------------------------|
//! | [`parse`]           | `K01` syntax, keys, types, ranges; `K02` segment and campaign names        |
//! | [`check_segments`]  | `K02` expressions and columns, against what the analyses will write        |
//! | [`check()`]         | both, in the order of the file                                            |
//!
//! Keys are kebab-case, columns of scores `snake_case`. Source: TOML 1.1, JSON Schema draft 2020-12.

mod affinity;
mod campaigns;
mod canonical;
mod check;
mod contact_rules;
mod contracts;
mod definition;
mod events;
mod lifetime_value;
mod offers;
mod privacy;
mod reader;
mod reference;
mod schema;
mod segments;
mod settings;
mod shape;
mod values;
mod words;

use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, codes};
use crate::segment::Segment;
use crate::table::ColumnSpec;

pub use check::check_segments;
pub use privacy::{PrivacySettings, tells_of_protected};
pub use reference::reference;
pub use schema::schema;
pub use segments::attribute_kinds;
pub use settings::{
    Analyse, Attribute, CacheSettings, CampaignRule, ContactSource, Contractual, Inputs, OutputSettings, Pipeline,
    Placed, SegmentRule, SegmentRules, Trials,
};

/// Reads a pipeline file without its segment expressions and campaign columns.
///
/// # Errors
/// Returns every problem of the file, in its order.
///
/// # Examples
/// ```
/// let text = "version = 1\n[input.transactions.csv]\npath = 'sales.csv'\n[output]\ndirectory = 'out'\n";
/// let pipeline = klientel::pipeline::parse(text).unwrap();
/// assert_eq!(pipeline.cross_sell.offers_per_customer, 3);
/// ```
pub fn parse(text: &str) -> Result<Pipeline, Vec<Diagnostic>> {
    let (pipeline, problems) = read(text);
    match pipeline {
        Some(pipeline) if problems.is_empty() => Ok(pipeline),
        _ => Err(problems),
    }
}

/// Reads a pipeline file and checks segments and campaigns against the columns that it will write.
///
/// `columns_of` is asked with the pipeline as far as it could be read, defaults standing in for what is wrong.
///
/// # Errors
/// Returns every problem of the file, in its order.
pub fn check(
    text: &str,
    columns_of: &dyn Fn(&Pipeline) -> Vec<ColumnSpec>,
) -> Result<(Pipeline, Vec<Segment>), Vec<Diagnostic>> {
    let (pipeline, mut problems) = read(text);
    let Some(pipeline) = pipeline else { return Err(problems) };
    let segments = check_segments(&pipeline, &columns_of(&pipeline)).unwrap_or_else(|found| {
        problems.extend(found);
        Vec::new()
    });
    if problems.is_empty() { Ok((pipeline, segments)) } else { Err(in_file_order(problems)) }
}

/// Returns nothing but the problem where the text is not TOML.
fn read(text: &str) -> (Option<Pipeline>, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        if error.message() != "duplicate key" {
            // What follows a syntax error was not read as it was meant: one problem is all that can be said.
            let problem = Diagnostic::error(codes::SYNTAX, "the pipeline file is not valid TOML");
            return (None, vec![problem.at(span, error.message())]);
        }
        let name = text.get(span.clone()).unwrap_or("");
        let problem = Diagnostic::error(codes::DUPLICATE_KEY, format!("`{name}` is written twice"));
        problems.push(problem.at(span, "stands here again").help("keep one of them"));
    }
    let mut reader = reader::Reader::document(text, table.get_ref(), &mut problems);
    let pipeline = definition::pipeline(&mut reader);
    reader.finish();
    problems.extend(check::names(&pipeline));
    (Some(pipeline), in_file_order(problems))
}

fn in_file_order(mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
    problems
}

/// Lists every key, in the order in which it is read.
fn describe() -> shape::TableDoc {
    let mut problems = Vec::new();
    let mut reader = reader::Reader::description(&mut problems);
    definition::pipeline(&mut reader);
    reader.finish()
}

#[cfg(test)]
mod tests;
