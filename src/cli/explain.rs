//! `klientel explain`: everything that a run holds of one person, for the person (Art. 15 GDPR); data, so it goes to stdout.

use std::fmt::Write as _;

use klientel::diagnostic::{Diagnostic, codes};
use klientel::run::explain as collect;
use klientel::units::Language;
use serde_json::Value;

use super::args::ExplainArgs;
use super::exit::Exit;
use super::run::{Problems, load, print_json};

/// Explains one customer.
pub fn explain(args: &ExplainArgs) -> Exit {
    let (mut text, mut language, mut run) = (String::new(), args.language.unwrap_or_default(), args.pipeline.clone());
    if !args.pipeline.is_dir() {
        let job = match load(&args.pipeline) {
            Ok((of_file, job)) => {
                text = of_file;
                job
            }
            Err(problems) => return problems.show(args.json),
        };
        language = args.language.unwrap_or(job.settings.language);
        run = klientel::publish::newest_run(&job.output);
    }
    let path = args.pipeline.to_string_lossy().into_owned();
    let fail = |diagnostic| {
        Problems { path: path.clone(), text: text.clone(), diagnostics: vec![diagnostic], exit: Exit::Input }
            .show(args.json)
    };
    if !run.join("manifest.json").is_file() {
        let problem = Diagnostic::error(codes::EXPLAIN, "there is no run to explain a customer by");
        return fail(problem.help("run the pipeline first, or name the directory of a run"));
    }
    match collect(&run, args.customer.trim()) {
        Ok(Some(record)) if args.json => {
            print_json(&record);
            Exit::Ok
        }
        Ok(Some(record)) => {
            use std::io::Write;
            // A reader that went away is no error.
            let _ = std::io::stdout().write_all(as_text(&record, words(language)).as_bytes());
            Exit::Ok
        }
        Ok(None) => {
            let problem = Diagnostic::error(codes::EXPLAIN, "the run holds nothing of this customer");
            fail(problem.help(
                "write the id as it stands in the exports; who objects to profiling, was erased or is not in the exports is in no output",
            ))
        }
        Err(error) => fail(error.diagnostic()),
    }
}

/// Headings in one language.
struct Words {
    title: &'static str,
    run: &'static str,
    purpose: &'static str,
    controller: &'static str,
    unsaid: &'static str,
    retention: &'static str,
    runs: &'static str,
    scores: &'static str,
    unknown: &'static str,
    segments: &'static str,
    campaigns: &'static str,
    statuses: [(&'static str, &'static str); 3],
    because: &'static str,
    basis: &'static str,
    assignments: &'static str,
    responses: &'static str,
    tables: &'static str,
    read: &'static str,
    none: &'static str,
}

fn words(language: Language) -> Words {
    match language {
        Language::English => Words {
            title: "What is held of customer",
            run: "run",
            purpose: "purpose",
            controller: "controller",
            unsaid: "not stated in the pipeline",
            retention: "kept for",
            runs: "runs",
            scores: "Scores",
            unknown: "cannot be computed",
            segments: "Segments",
            campaigns: "Campaigns",
            statuses: [
                ("contacted", "contacted"),
                ("control", "control group, not contacted"),
                ("not contacted", "not contacted"),
            ],
            because: "because of",
            basis: "legal basis",
            assignments: "Draws for campaigns",
            responses: "Responses that were measured",
            tables: "Further tables",
            read: "Fields that were read from the exports",
            none: "none",
        },
        Language::German => Words {
            title: "Was über diese Kundin oder diesen Kunden gespeichert ist:",
            run: "Lauf",
            purpose: "Zweck",
            controller: "Verantwortlich",
            unsaid: "in der Pipeline nicht angegeben",
            retention: "aufbewahrt für",
            runs: "Läufe",
            scores: "Kennzahlen",
            unknown: "nicht berechenbar",
            segments: "Segmente",
            campaigns: "Kampagnen",
            statuses: [
                ("contacted", "angeschrieben"),
                ("control", "Kontrollgruppe, nicht angeschrieben"),
                ("not contacted", "nicht angeschrieben"),
            ],
            because: "wegen",
            basis: "Rechtsgrundlage",
            assignments: "Zuteilungen zu Kampagnen",
            responses: "Gemessene Reaktionen",
            tables: "Weitere Tabellen",
            read: "Felder, die aus den Exporten gelesen wurden",
            none: "keine",
        },
    }
}

fn as_text(record: &Value, word: Words) -> String {
    let mut out = String::new();
    let processing = &record["processing"];
    let said = |value: &Value| value.as_str().unwrap_or(word.unsaid).to_owned();
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let _ = writeln!(out, "{} {}\n", word.title, plain(&record["customer_id"]));
    let _ = writeln!(out, "  {}: {} ({})", word.run, plain(&record["run"]["id"]), plain(&record["run"]["as_of"]));
    let _ = writeln!(out, "  {}: {}", word.purpose, said(&processing["purpose"]));
    let _ = writeln!(out, "  {}: {}", word.controller, said(&processing["controller"]));
    let _ = writeln!(out, "  {} {} {}", word.retention, plain(&processing["retention_runs"]), word.runs);

    let heading = |out: &mut String, title: &str, is_empty: bool| {
        let none = if is_empty { format!(": {}", word.none) } else { String::new() };
        let _ = writeln!(out, "\n{title}{none}");
    };
    let scores = list(&record["scores"]);
    heading(&mut out, word.scores, scores.is_empty());
    for score in &scores {
        let value = if score["value"].is_null() { word.unknown.to_owned() } else { plain(&score["value"]) };
        let _ = writeln!(out, "  {}: {value}", plain(&score["column"]));
        if let Some(meaning) = score["meaning"].as_str() {
            let _ = writeln!(out, "      {meaning}");
        }
    }
    let segments = list(&record["segments"]);
    heading(&mut out, word.segments, segments.is_empty());
    for segment in &segments {
        let _ = writeln!(out, "  {}", plain(segment));
    }
    let campaigns = list(&record["campaigns"]);
    heading(&mut out, word.campaigns, campaigns.is_empty());
    for campaign in &campaigns {
        let status = campaign["status"].as_str().unwrap_or_default();
        let status = word.statuses.iter().find(|(own, _)| *own == status).map_or(status, |(_, shown)| shown);
        let reason =
            campaign["reason"].as_str().map_or_else(String::new, |reason| format!(", {} {reason}", word.because));
        let basis = format!("{}, {}: {}", plain(&campaign["channel"]), word.basis, plain(&campaign["legal_basis"]));
        let _ = writeln!(out, "  {}: {status}{reason} ({basis})", plain(&campaign["campaign"]));
    }
    for (title, rows) in [(word.assignments, &record["assignments"]), (word.responses, &record["responses"])] {
        let rows = list(rows);
        heading(&mut out, title, rows.is_empty());
        for row in &rows {
            let _ = writeln!(out, "  {}", cells(row));
        }
    }
    let tables = record["tables"].as_object().cloned().unwrap_or_default();
    if !tables.is_empty() {
        heading(&mut out, word.tables, false);
    }
    for (name, rows) in &tables {
        for row in list(rows) {
            let _ = writeln!(out, "  {name}: {}", cells(&row));
        }
    }
    heading(&mut out, word.read, false);
    for (table, fields) in processing["fields_read"].as_object().into_iter().flatten() {
        let fields: Vec<String> = list(fields).iter().map(plain).collect();
        let _ = writeln!(out, "  {table}: {}", fields.join(", "));
    }
    out
}

/// Writes the cells of a row that hold something.
fn cells(row: &Value) -> String {
    let cells =
        row.as_object().into_iter().flatten().filter(|(name, value)| *name != "customer_id" && !value.is_null());
    cells.map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
