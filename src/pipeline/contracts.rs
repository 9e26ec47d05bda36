//! The keys of `[input.contracts]` and `[input.responses]`, and what a pipeline without transactions can compute.

use super::canonical::{CONTRACTS, Canonical, RESPONSES, attribute_name};
use super::definition::source;
use super::reader::Reader;
use super::settings::{Analyse, Contractual, Placed, Trials};
use super::shape::{Key, key};
use super::words::words;
use crate::analysis::churn::contract::Setting;
use crate::diagnostic::{Diagnostic, codes};
use crate::ingest::{OUTCOME, TableSource};

/// The tables of which a pipeline needs one.
pub(super) const BASES: &[&str] = &["transactions", "contracts", "responses", "baskets"];

/// Reads `[input.contracts]`.
pub(super) fn contracts(table: &mut Reader<'_, '_>) -> Contractual {
    let words = key(
        "cancelled-values",
        "Cells of `cancelled` that mean yes, all others mean no; without it usual words are known",
    );
    let attributes =
        key("attributes", "Headers of further columns that may tell who cancels, as known before").default("[]");
    let (source, attributes) =
        with_attributes(table, CONTRACTS, (r#""exports/contracts.csv""#, r#""exports/contracts.parquet""#), attributes);
    Contractual { source, attributes, cancelled: table.texts(words.example(r#"["Left"]"#)) }
}

/// Reads `[input.responses]`.
pub(super) fn responses(table: &mut Reader<'_, '_>) -> Trials {
    let words = key(
        "response-values",
        "Cells of `response` that mean yes, all others mean no; without it usual words and numbers are known",
    );
    let control = key("control", "Arms that are control groups; without it they are known by usual names");
    let attributes =
        key("attributes", "Headers of further columns that may tell who responds, as known before the contact")
            .default("[]");
    let outcomes = key(
        "outcomes",
        "Headers of further columns that say what came of it, yes or no or a number: `klientel measure` reads them, nothing learns from them",
    )
    .default("[]");
    let (mut source, attributes) =
        with_attributes(table, RESPONSES, (r#""exports/responses.csv""#, r#""exports/responses.parquet""#), attributes);
    further(table, &mut source, OUTCOME, outcomes);
    Trials {
        source,
        attributes,
        response: table.texts(words.example(r#"["visited"]"#)),
        control: table.texts(control.example(r#"["No E-Mail"]"#)),
    }
}

fn with_attributes(
    table: &mut Reader<'_, '_>,
    canonical: &[Canonical],
    (csv, parquet): (&'static str, &'static str),
    attributes: Key,
) -> (TableSource, Vec<Placed>) {
    let mut source = source(table, canonical, csv, parquet);
    let headers = further(table, &mut source, "attribute_", attributes);
    (source, headers)
}

/// Reads the headers of further columns and adds these to the source.
fn further(table: &mut Reader<'_, '_>, source: &mut TableSource, prefix: &str, key: Key) -> Vec<Placed> {
    let headers = table.distinct_texts(key);
    for header in &headers {
        // A prefix keeps them apart from the table's own columns; the reader goes by the header.
        let name = format!("{prefix}{}", attribute_name(&header.text));
        if source.columns.insert(name.clone(), header.text.clone()).is_none() {
            source.attributes.push(name);
        } else {
            let title = format!("column `{}` differs from another in neither letters nor digits", header.text);
            let problem = Diagnostic::error(codes::ATTRIBUTE_NAME, title).at(header.span.clone(), "no name of its own");
            table.note(problem.help("headers must differ in letters and digits"));
        }
    }
    headers
}

/// Returns what the risk to be lost is about: as `[churn]` says, or by the tables that are read.
pub(super) fn setting(file: &Reader<'_, '_>) -> Setting {
    let below = |table: &str, name: &str| file.raw(table).and_then(|value| value.get_ref().as_table()?.get(name));
    let word = below("churn", "setting").and_then(|value| value.get_ref().as_str());
    let stated = Setting::ALL.into_iter().find(|setting| word == Some(setting.label()));
    let by_table = if below("input", "contracts").is_some() { Setting::Contract } else { Setting::Purchase };
    stated.unwrap_or(by_table)
}

/// Reads `setting` of `[churn]`.
pub(super) fn setting_key(table: &mut Reader<'_, '_>) {
    let wanted = key(
        "setting",
        "Whether somebody is lost who cancels a contract or who buys nothing; without it `contract` where contracts are read",
    );
    let _ = table.word(wanted.example(r#""contract""#), &words(Setting::ALL, Setting::label));
}

/// Keeps the analyses that the tables allow; one that the file asks for by name and that lacks its table is a problem.
pub(super) fn possible(file: &mut Reader<'_, '_>, given: Vec<(Analyse, std::ops::Range<usize>)>) -> Vec<Analyse> {
    let setting = setting(file);
    let is_read = |file: &Reader<'_, '_>, name: &str| {
        file.raw("input").and_then(|value| value.get_ref().as_table()).is_some_and(|input| input.get(name).is_some())
    };
    let has_lines = is_read(file, "transactions") || !BASES.iter().any(|name| is_read(file, name));
    let has_contracts = is_read(file, "contracts");
    let has_baskets = is_read(file, "baskets");
    let stated = file.has("analyses");
    let of_customers = || file.raw("churn")?.get_ref().as_table()?.get("attributes");
    let named =
        of_customers().filter(|list| list.get_ref().as_array().is_some_and(|list| list.iter().next().is_some()));
    if let (Some(list), Setting::Contract) = (named, setting) {
        let title = "`churn.attributes` are of customers, the setting `contract` reads those of contracts";
        let problem = Diagnostic::error(codes::CONTRADICTION, title).at(list.span(), "read by the setting `purchase`");
        file.note(problem.help("name their headers in `[input.contracts]` `attributes`"));
    }
    let mut analyses = Vec::new();
    for (analyse, span) in given {
        let contractual = analyse == Analyse::Churn && setting == Setting::Contract;
        let (works, table) = match analyse {
            _ if contractual => (has_contracts, "contracts"),
            Analyse::CrossSell => (has_lines || has_baskets, "transactions"),
            _ => (has_lines, "transactions"),
        };
        if works {
            analyses.push(analyse);
        } else if stated || contractual {
            let title = format!("`{}` needs the table `[input.{table}]`", analyse.label());
            let problem = Diagnostic::error(codes::CONTRADICTION, title);
            let problem = if stated { problem.at(span, "reads what is not there") } else { problem };
            file.note(
                problem.help(format!("add `[input.{table}.csv]` with `path = \"…\"`, or leave it out of `analyses`")),
            );
        }
    }
    if !has_lines && !file.has("as-of") && file.has("input") {
        let problem = Diagnostic::error(codes::MISSING_KEY, "`as-of` is missing");
        file.note(problem.help(
            "without transactions nothing tells the last day that the data covers: add `as-of = 2026-06-30` at the top of the file",
        ));
    }
    analyses
}
