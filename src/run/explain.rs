//! Everything that a run knows of one person (Art. 15 GDPR), as one record.
//!
//! The tables of the run are read as they stand in its directory: every row with the customer's id, by column. Scores come with their meaning, and
//! campaigns with what became of the customer. `O(bytes of the run)`, one record in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::error::RunError;
use super::read::shown;
use crate::publish::{PublishError, rows_of};

/// Tables that are told in other words, or file by file.
const TOLD: [&str; 3] = ["scores", "excluded", "assignments"];

/// Why somebody is not contacted who is in the control group.
const CONTROL: &str = "control";

/// Collects everything that a run, and the newest measurement beside it, hold of a customer; nothing where that is nothing.
///
/// # Errors
/// Fails where the directory is no run, or a file in it cannot be read.
pub fn explain(run: &Path, customer: &str) -> Result<Option<Value>, RunError> {
    let path = run.join("manifest.json");
    let text = std::fs::read_to_string(&path).map_err(PublishError::io("read", &path))?;
    let manifest: Value = serde_json::from_str(&text).map_err(|_| PublishError::Manifest { path })?;
    let outputs = || manifest["outputs"].as_array().into_iter().flatten().filter_map(|output| output["path"].as_str());
    let tables: Vec<&str> = outputs().filter_map(|path| path.strip_suffix(".csv")).collect();
    let rows = |name: &str| rows_of(&run.join(format!("{name}.csv")), customer);

    let meanings = &manifest["processing"]["fields_computed"];
    let scores: Vec<Value> = rows("scores")?
        .into_iter()
        .flatten()
        .map(|(column, value)| json!({ "column": column, "value": value, "meaning": meanings[&column] }))
        .collect();
    let mut segments: Vec<&str> = Vec::new();
    for name in tables.iter().filter_map(|name| name.strip_prefix("segments/")) {
        if !rows(&format!("segments/{name}"))?.is_empty() {
            segments.push(name);
        }
    }
    let of_tables = |wanted: &str| if tables.contains(&wanted) { rows(wanted) } else { Ok(Vec::new()) };
    let (excluded, assignments) = (of_tables("excluded")?, of_tables("assignments")?);
    let campaigns = campaigns(&manifest, &segments, &excluded, &assignments);
    let mut others: BTreeMap<&str, Vec<Record>> = BTreeMap::new();
    let plain = |name: &&&str| !name.contains('/') && !TOLD.contains(*name);
    for name in tables.iter().filter(plain) {
        let found = rows(name)?;
        if !found.is_empty() {
            others.insert(name, found);
        }
    }
    let measured = measured(run);
    let responses =
        match measured.as_ref().map(|directory| directory.join("responses.csv")).filter(|file| file.is_file()) {
            Some(file) => rows_of(&file, customer)?,
            None => Vec::new(),
        };
    let is_known = !(scores.is_empty() && assignments.is_empty() && others.is_empty() && responses.is_empty());
    let objects = |rows: Vec<Record>| -> Vec<Value> {
        rows.into_iter().map(|row| Value::Object(row.into_iter().collect::<Map<_, _>>())).collect()
    };
    Ok(is_known.then(|| {
        json!({
            "customer_id": customer,
            "run": { "id": manifest["run"]["id"], "as_of": manifest["run"]["as_of"], "directory": shown(run) },
            "processing": manifest["processing"],
            "scores": scores,
            "segments": segments,
            "campaigns": campaigns,
            "assignments": objects(assignments),
            "responses": objects(responses),
            "tables": others.into_iter().map(|(name, rows)| (name.to_owned(), objects(rows).into())).collect::<Map<_, Value>>(),
        })
    }))
}

/// Cells of a row by column, in the order of the file.
type Record = Vec<(String, Value)>;

/// Says of every campaign for a segment of the customer what became of it.
fn campaigns(manifest: &Value, segments: &[&str], excluded: &[Record], assignments: &[Record]) -> Vec<Value> {
    let cell = |row: &Record, name: &str| row.iter().find(|(column, _)| column == name).map(|(_, value)| value.clone());
    let of = |rows: &[Record], campaign: &Value, name: &str| {
        rows.iter().find(|row| cell(row, "campaign").as_ref() == Some(campaign)).and_then(|row| cell(row, name))
    };
    let all = manifest["campaigns"].as_array().into_iter().flatten();
    all.filter(|campaign| campaign["segment"].as_str().is_some_and(|segment| segments.contains(&segment)))
        .map(|campaign| {
            let name = &campaign["name"];
            let reason = of(excluded, name, "reason");
            let status = match reason.as_ref().and_then(Value::as_str) {
                None => "contacted",
                Some(reason) if reason.starts_with(CONTROL) => "control",
                Some(_) => "not contacted",
            };
            json!({
                "campaign": name,
                "segment": campaign["segment"],
                "channel": campaign["channel"],
                "legal_basis": campaign["legal_basis"],
                "status": status,
                "reason": reason,
                "arm": of(assignments, name, "arm"),
                "assigned_on": of(assignments, name, "assigned_on"),
            })
        })
        .collect()
}

/// Returns the newest measurement beside a run.
fn measured(run: &Path) -> Option<PathBuf> {
    let run = run.canonicalize().ok()?;
    let pointer = run.parent()?.join("measured");
    pointer.is_dir().then_some(pointer)
}
