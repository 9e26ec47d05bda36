//! Everything that runs and measurements hold of one person (Art. 15 GDPR), as one record.
//!
//! The tables are read as they stand in the directories: every row with the customer's id, by column. Scores come with their meaning, campaigns with
//! what became of the customer and for whom their file is, and with the row that went into it. `O(bytes)` of all runs, one record in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::error::RunError;
use super::read::shown;
use crate::campaign::target::Target;
use crate::ingest::key_of;
use crate::publish::{Pointer, PublishError, Record, campaign_rows_of, published, rows_of, rows_of_parquet};

/// Rows that could not be read, of a run and of one that failed.
const REJECTS: &str = "rejects.parquet";

/// Why somebody is not contacted who is in the control group.
const CONTROL: &str = "control";

/// Where a customer is looked for.
#[derive(Debug)]
pub struct Search {
    /// Runs and measurements, the newest first.
    pub runs: Vec<PathBuf>,
    pub measured: Vec<PathBuf>,
    /// Evidence of a run that failed.
    pub failed: Option<PathBuf>,
}

impl Search {
    /// Looks into everything that an output directory holds.
    ///
    /// # Errors
    /// Fails where the directory cannot be read.
    pub fn below(output: &Path) -> Result<Self, RunError> {
        if !output.is_dir() {
            return Ok(Self { runs: Vec::new(), measured: Vec::new(), failed: None });
        }
        let failed = output.join("failed");
        Ok(Self {
            runs: published(output, Pointer::Latest)?,
            measured: published(output, Pointer::Measured)?,
            failed: Some(failed).filter(|failed| failed.join(REJECTS).is_file()),
        })
    }

    /// Looks into one run, and what was measured beside it.
    ///
    /// # Errors
    /// Fails where the directory beside it cannot be read.
    pub fn in_run(run: &Path) -> Result<Self, RunError> {
        let beside = run.canonicalize().ok().and_then(|run| run.parent().map(Path::to_owned));
        let measured = beside.map_or_else(|| Ok(Vec::new()), |beside| published(&beside, Pointer::Measured))?;
        Ok(Self { runs: vec![run.to_owned()], measured, failed: None })
    }

    /// Returns every directory.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.runs.iter().chain(&self.measured).chain(&self.failed).map(PathBuf::as_path)
    }
}

/// Collects everything that runs, measurements and a failed run hold of a customer; nothing where that is nothing.
///
/// The newest run that knows the customer is told as a whole; earlier ones and measurements follow, the newest first.
///
/// # Errors
/// Fails where a directory is no run, or a file in it cannot be read.
pub fn explain(search: &Search, customer: &str) -> Result<Option<Value>, RunError> {
    let customer = key_of(customer).unwrap_or_default();
    let mut runs: Vec<Value> = Vec::new();
    for run in &search.runs {
        runs.extend(of_run(run, &customer)?);
    }
    let (mut measurements, mut responses) = (Vec::new(), Vec::new());
    for directory in &search.measured {
        let (found, _) = tables(directory, &customer)?;
        if !found.is_empty() {
            if responses.is_empty() {
                responses = found.get("responses").cloned().unwrap_or_default();
            }
            measurements.push(json!({ "directory": shown(directory), "tables": by_name(found) }));
        }
    }
    let failed = match &search.failed {
        Some(failed) => rows_of_parquet(&failed.join(REJECTS), &customer)?,
        None => Vec::new(),
    };
    if runs.is_empty() && measurements.is_empty() && failed.is_empty() {
        return Ok(None);
    }
    let mut record = if runs.is_empty() { json!({ "customer_id": customer }) } else { runs.remove(0) };
    record["responses"] = objects(responses);
    record["measurements"] = measurements.into();
    record["rejected_rows_of_a_failed_run"] = objects(failed);
    record["earlier_runs"] = runs.into();
    Ok(Some(record))
}

/// Collects everything that one run holds of a customer.
fn of_run(run: &Path, customer: &str) -> Result<Option<Value>, RunError> {
    let path = run.join("manifest.json");
    let text = std::fs::read_to_string(&path).map_err(PublishError::io("read", &path))?;
    let manifest: Value = serde_json::from_str(&text).map_err(|_| PublishError::Manifest { path })?;
    let (mut found, segments) = tables(run, customer)?;
    let rejects = run.join(REJECTS);
    let rejected = if rejects.is_file() { rows_of_parquet(&rejects, customer)? } else { Vec::new() };
    let handed_on = campaign_rows_of(run, customer)?;
    if found.is_empty() && segments.is_empty() && rejected.is_empty() && handed_on.is_empty() {
        return Ok(None);
    }
    let mut take = |name: &str| found.remove(name).unwrap_or_default();
    let (scores, excluded, assignments) = (take("scores"), take("excluded"), take("assignments"));
    let meanings = &manifest["processing"]["fields_computed"];
    let scores: Vec<Value> = scores
        .into_iter()
        .flatten()
        .map(|(column, value)| json!({ "column": column, "value": value, "meaning": meanings[&column] }))
        .collect();
    let known: Vec<&str> = segments.iter().map(String::as_str).collect();
    let campaigns = campaigns(&manifest, &known, &excluded, &assignments);
    let sources = manifest["inputs"].as_array().into_iter().flatten();
    let sources: Vec<Value> = sources.map(|input| json!({ "table": input["table"], "path": input["path"] })).collect();
    let handed_on: Vec<Value> = handed_on
        .into_iter()
        .map(|(file, row)| json!({ "file": file, "cells": Value::Object(row.into_iter().collect()) }))
        .collect();
    Ok(Some(json!({
        "customer_id": customer,
        "run": { "id": manifest["run"]["id"], "as_of": manifest["run"]["as_of"], "directory": shown(run) },
        "processing": manifest["processing"],
        "sources": sources,
        "scores": scores,
        "segments": segments,
        "campaigns": campaigns,
        "campaign_files": handed_on,
        "assignments": objects(assignments),
        "tables": by_name(found),
        "rejected_rows": objects(rejected),
    })))
}

/// Rows by name of the table.
type Tables = BTreeMap<String, Vec<Record>>;

/// Returns the rows of a customer in the tables of a directory, by name, and the segments.
fn tables(directory: &Path, customer: &str) -> Result<(Tables, Vec<String>), RunError> {
    let (mut found, mut segments) = (BTreeMap::new(), Vec::new());
    for (name, path) in csv_in(directory)? {
        let rows = rows_of(&path, customer)?;
        if !rows.is_empty() {
            found.insert(name, rows);
        }
    }
    for (name, path) in csv_in(&directory.join("segments"))? {
        if !rows_of(&path, customer)?.is_empty() {
            segments.push(name);
        }
    }
    Ok((found, segments))
}

/// Lists the CSV files of a folder by name, ascending; one that is not there has none.
fn csv_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, RunError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(PublishError::io("read", folder))? {
        let path = entry.map_err(PublishError::io("read", folder))?.path();
        if path.extension().is_some_and(|ending| ending == "csv")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn objects(rows: Vec<Record>) -> Value {
    rows.into_iter().map(|row| Value::Object(row.into_iter().collect())).collect()
}

fn by_name(tables: Tables) -> Value {
    Value::Object(tables.into_iter().map(|(name, rows)| (name, objects(rows))).collect::<Map<_, _>>())
}

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
                "recipient": campaign["target"].as_str().and_then(Target::named).map(|target| target.title),
                "legal_basis": campaign["legal_basis"],
                "status": status,
                "reason": reason,
                "arm": of(assignments, name, "arm"),
                "assigned_on": of(assignments, name, "assigned_on"),
            })
        })
        .collect()
}
