//! `klientel explain`: everything that is held of one person, for the person (Art. 15 GDPR); data, so it goes to stdout.

use std::fmt::Write as _;

use klientel::diagnostic::{Diagnostic, codes};
use klientel::run::{Search, explain as collect, shown};
use klientel::units::Language;
use serde_json::Value;

use super::args::ExplainArgs;
use super::erase::read_ids;
use super::exit::Exit;
use super::run::{Problems, load, print_json};

/// Explains one customer.
pub fn explain(args: &ExplainArgs) -> Exit {
    let (mut text, mut language, mut output) = (String::new(), args.language.unwrap_or_default(), None);
    if !args.pipeline.is_dir() {
        let job = match load(&args.pipeline) {
            Ok((of_file, job)) => {
                text = of_file;
                job
            }
            Err(problems) => return problems.show(args.json),
        };
        language = args.language.unwrap_or(job.settings.language);
        output = Some(job.output);
    }
    let path = args.pipeline.to_string_lossy().into_owned();
    let fail = |diagnostic| {
        Problems { path: path.clone(), text: text.clone(), diagnostics: vec![diagnostic], exit: Exit::Input }
            .show_of_reader(args.json)
    };
    let customer = match (&args.customer, &args.id_from) {
        (Some(customer), _) => customer.trim().to_owned(),
        (None, Some(file)) => match read_ids(file) {
            Ok(text) => text.lines().map(str::trim).find(|id| !id.is_empty()).unwrap_or_default().to_owned(),
            Err(error) => {
                let title = format!("cannot read the id in `{}`: {error}", shown(file));
                let help = "name a text file in UTF-8 with one customer id, or `-` for stdin";
                return fail(Diagnostic::error(codes::UNREADABLE_FILE, title).help(help));
            }
        },
        (None, None) => String::new(),
    };
    let search = match &output {
        Some(output) => Search::below(output),
        None if !args.pipeline.join("manifest.json").is_file() => {
            let problem = Diagnostic::error(codes::EXPLAIN, "there is no run to explain a customer by");
            return fail(problem.help("run the pipeline first, or name the directory of a run"));
        }
        None => Search::in_run(&args.pipeline),
    };
    let search = match search {
        Ok(search) if search.directories().next().is_some() => search,
        Ok(_) => {
            let problem = Diagnostic::error(codes::EXPLAIN, "there is no run to explain a customer by");
            return fail(problem.help("run the pipeline first, or name the directory of a run"));
        }
        Err(error) => return fail(error.diagnostic()),
    };
    match collect(&search, &customer) {
        Ok(Some(record)) if args.json => {
            print_json(&record);
            Exit::Ok
        }
        Ok(Some(record)) => {
            use std::io::Write;
            // A reader that went away is no error.
            let _ = std::io::stdout().write_all(as_text(&record, &words(language)).as_bytes());
            Exit::Ok
        }
        Ok(None) => {
            let problem = Diagnostic::error(codes::EXPLAIN, "nothing is held of this customer");
            let searched: Vec<String> = search.directories().map(shown).collect();
            fail(problem.help(format!(
                "write the id as it stands in the exports; who objects to profiling, was erased or is not in the exports is in no output; searched: {}",
                searched.join(", ")
            )))
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
    recipient: &'static str,
    handed_on: &'static str,
    rejected: &'static str,
    sources: &'static str,
    measurements: &'static str,
    earlier: &'static str,
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
            recipient: "for",
            handed_on: "Rows of campaign files",
            rejected: "Rows that could not be read",
            sources: "Files that were read",
            measurements: "Measurements",
            earlier: "Earlier run",
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
            recipient: "für",
            handed_on: "Zeilen in Kampagnendateien",
            rejected: "Zeilen, die nicht gelesen werden konnten",
            sources: "Gelesene Dateien",
            measurements: "Messungen",
            earlier: "Früherer Lauf",
            none: "keine",
        },
    }
}

fn as_text(record: &Value, word: &Words) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} {}", word.title, plain(&record["customer_id"]));
    if record["run"].is_object() {
        of_run(&mut out, record, word);
    }
    rows(&mut out, word, word.responses, &record["responses"], true);
    for measured in list(&record["measurements"]) {
        heading(&mut out, word, &format!("{}: {}", word.measurements, plain(&measured["directory"])), false);
        of_tables(&mut out, &measured["tables"]);
    }
    rows(&mut out, word, word.rejected, &record["rejected_rows_of_a_failed_run"], false);
    for run in list(&record["earlier_runs"]) {
        let _ = write!(out, "\n{}", word.earlier);
        of_run(&mut out, &run, word);
    }
    out
}

/// Writes what one run holds.
fn of_run(out: &mut String, record: &Value, word: &Words) {
    let processing = &record["processing"];
    let said = |value: &Value| value.as_str().unwrap_or(word.unsaid).to_owned();
    let _ = writeln!(out, "\n  {}: {} ({})", word.run, plain(&record["run"]["id"]), plain(&record["run"]["as_of"]));
    let _ = writeln!(out, "  {}: {}", word.purpose, said(&processing["purpose"]));
    let _ = writeln!(out, "  {}: {}", word.controller, said(&processing["controller"]));
    let _ = writeln!(out, "  {} {} {}", word.retention, plain(&processing["retention_runs"]), word.runs);
    let scores = list(&record["scores"]);
    heading(out, word, word.scores, scores.is_empty());
    for score in &scores {
        let value = if score["value"].is_null() { word.unknown.to_owned() } else { plain(&score["value"]) };
        let _ = writeln!(out, "  {}: {value}", plain(&score["column"]));
        if let Some(meaning) = score["meaning"].as_str() {
            let _ = writeln!(out, "      {meaning}");
        }
    }
    let segments = list(&record["segments"]);
    heading(out, word, word.segments, segments.is_empty());
    for segment in &segments {
        let _ = writeln!(out, "  {}", plain(segment));
    }
    let campaigns = list(&record["campaigns"]);
    heading(out, word, word.campaigns, campaigns.is_empty());
    for campaign in &campaigns {
        let status = campaign["status"].as_str().unwrap_or_default();
        let status = word.statuses.iter().find(|(own, _)| *own == status).map_or(status, |(_, shown)| shown);
        let reason =
            campaign["reason"].as_str().map_or_else(String::new, |reason| format!(", {} {reason}", word.because));
        let basis = format!("{}, {}: {}", plain(&campaign["channel"]), word.basis, plain(&campaign["legal_basis"]));
        let recipient =
            campaign["recipient"].as_str().map_or_else(String::new, |title| format!(", {} {title}", word.recipient));
        let _ = writeln!(out, "  {}: {status}{reason} ({basis}{recipient})", plain(&campaign["campaign"]));
    }
    let handed_on = list(&record["campaign_files"]);
    heading(out, word, word.handed_on, handed_on.is_empty());
    for row in &handed_on {
        let _ = writeln!(out, "  {}: {}", plain(&row["file"]), cells(&row["cells"]));
    }
    rows(out, word, word.assignments, &record["assignments"], true);
    if record["tables"].as_object().is_some_and(|tables| !tables.is_empty()) {
        heading(out, word, word.tables, false);
        of_tables(out, &record["tables"]);
    }
    rows(out, word, word.rejected, &record["rejected_rows"], false);
    heading(out, word, word.sources, false);
    for source in list(&record["sources"]) {
        let _ = writeln!(out, "  {}: {}", plain(&source["table"]), plain(&source["path"]));
    }
    heading(out, word, word.read, false);
    for (table, fields) in processing["fields_read"].as_object().into_iter().flatten() {
        let fields: Vec<String> = list(fields).iter().map(plain).collect();
        let _ = writeln!(out, "  {table}: {}", fields.join(", "));
    }
}

fn heading(out: &mut String, word: &Words, title: &str, is_empty: bool) {
    let none = if is_empty { format!(": {}", word.none) } else { String::new() };
    let _ = writeln!(out, "\n{title}{none}");
}

/// Writes rows under a heading, which stands there without rows only where it is `always` told.
fn rows(out: &mut String, word: &Words, title: &str, rows: &Value, always: bool) {
    let rows = list(rows);
    if !rows.is_empty() || always {
        heading(out, word, title, rows.is_empty());
    }
    for row in &rows {
        let _ = writeln!(out, "  {}", cells(row));
    }
}

fn of_tables(out: &mut String, tables: &Value) {
    for (name, rows) in tables.as_object().into_iter().flatten() {
        for row in list(rows) {
            let _ = writeln!(out, "  {name}: {}", cells(&row));
        }
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
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
