//! What the tests share: temporary projects, runs in the library or as the program, and the real data sets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use klientel::run::{Job, Outcome, RunError, Silent, Surroundings};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with files in it, gone when dropped.
pub struct Project {
    pub dir: TempDir,
}

impl Project {
    /// Writes the files, folders included.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { dir: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            project.write(name, text.as_bytes());
        }
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Returns the program, started in this folder.
    pub fn klientel(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klientel"));
        command.current_dir(self.dir.path()).env("NO_COLOR", "1");
        command
    }

    /// Runs `pipeline.toml` in the library.
    pub fn run(&self, pipeline: &str) -> Result<Run, Box<RunError>> {
        let job =
            Job::load(pipeline, "pipeline.toml", self.dir.path()).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let outcome = klientel::run::run(&job, Surroundings { threads: 1, ..Surroundings::default() }, &Silent)
            .map_err(Box::new)?;
        Ok(Run::of(outcome))
    }
}

/// A published run.
pub struct Run {
    pub directory: PathBuf,
    pub manifest: Value,
}

impl Run {
    fn of(outcome: Outcome) -> Self {
        Self { directory: outcome.directory, manifest: outcome.manifest }
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// Returns the scores of every customer by column name.
    pub fn scores(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        self.table("scores.csv").into_iter().map(|row| (row["customer_id"].clone(), row)).collect()
    }

    /// Returns the rows of a CSV file by column name.
    pub fn table(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let text = self.text(name);
        let mut rows = text.lines().map(split_csv);
        let header = rows.next().unwrap();
        rows.map(|row| header.iter().cloned().zip(row).collect()).collect()
    }

    /// Counts the customers by the value of a score column.
    pub fn count_by(&self, column: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.scores().values() {
            *counts.entry(row[column].clone()).or_insert(0) += 1;
        }
        counts
    }

    /// Returns a number of the manifest by its path, `counts.returns.exact`.
    pub fn number(&self, path: &str) -> f64 {
        let value = path.split('.').fold(&self.manifest, |value, key| &value[key]);
        value.as_f64().unwrap_or_else(|| panic!("{path} is {value}"))
    }

    /// Returns name and content hash of every output but the manifest and the model: both name the pipeline file that led to them.
    pub fn hashes(&self) -> Vec<(String, String)> {
        let outputs = self.manifest["outputs"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let hashes = outputs.iter().map(|output| (text(&output["path"]), text(&output["sha256"])));
        hashes.filter(|(path, _)| path != "model.json").collect()
    }
}

/// Splits a line of CSV without line breaks in its fields.
pub fn split_csv(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

/// Returns a real data set, or says that the test is skipped.
///
/// The data sets lie in `../shared/data` beside a checkout, or where `KLIENTEL_DATA` points; they are not part of the project.
pub fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("KLIENTEL_DATA").map_or(beside, PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return path.canonicalize().ok();
    }
    eprintln!("skipped: the data set `{name}` is not there");
    None
}

/// Asserts that two numbers agree to `digits` decimal places.
pub fn assert_close(actual: f64, expected: f64, digits: i32) {
    let tolerance = 0.5 * 10_f64.powi(-digits);
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} to {digits} places");
}
