//! Nights in the output directory: which runs hold who was in which segment, and the one that this run compares with.
//!
//! A run writes `memberships` with its own night and with the one that it compared with, and its manifest lists both. What counts is the as-of and not
//! what `latest` points at: a night may be repeated, or a pipeline without segments may run in between. Of several runs of a night, the one made last counts.
//! A night that would be lost with the runs that `keep-runs` removes goes on in the run that removes them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Surroundings;
use super::error::RunError;
use super::job::Job;
use crate::ingest::{IngestError, MEMBERSHIPS, TableSource, memberships, read_table};
use crate::segment::{Membership, Segment};
use crate::table::{Customers, Fingerprint, Memberships, Tombstones};
use crate::units::Day;

/// File of a run that later ones read.
const FILE: &str = "memberships.csv";
const MANIFEST: &str = "manifest.json";

/// Why a night is in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The run found it.
    Own,
    /// The run compared with it.
    Compared,
    /// Nobody else would have it any more.
    Kept,
}

/// One night of the memberships of a run, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightRecord {
    pub role: Role,
    pub as_of: String,
    /// Run that found it.
    pub run: String,
    /// Clock at the start of that run.
    pub started_at_unix: u64,
    /// SHA-256 of who was in which segment and since when.
    pub sha256: String,
    pub assignment: String,
    /// In the order of the pipeline.
    pub segments: Vec<DefinitionRecord>,
}

/// What a segment was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionRecord {
    pub name: String,
    /// SHA-256 of condition and limit.
    pub sha256: String,
}

impl DefinitionRecord {
    /// Writes down what a segment is.
    pub fn of(segment: &Segment) -> Self {
        let limit = segment.limit.as_ref();
        let limit = limit.map(|limit| format!("{} {} {}", limit.most, limit.by, limit.order.label()));
        let text = format!("{}\n{}\n", segment.predicate, limit.unwrap_or_default());
        Self { name: segment.name.clone(), sha256: Fingerprint::of(text) }
    }
}

/// A night and where it is.
#[derive(Debug, Clone)]
pub struct Night {
    pub record: NightRecord,
    as_of: Day,
    run: PathBuf,
    /// Bytes and hash of the file, as the manifest has them.
    file: (Option<u64>, String),
}

/// A night that was read.
pub struct Before {
    pub night: Night,
    pub memberships: Memberships,
}

/// Writes down the night of a run.
pub fn own(job: &Job, id: &str, surroundings: &Surroundings, own: &Memberships) -> NightRecord {
    NightRecord {
        role: Role::Own,
        as_of: own.as_of.to_string(),
        run: id.to_owned(),
        started_at_unix: surroundings.started_at_unix,
        sha256: own.sha256(),
        assignment: job.settings.segment_rules.membership.label().to_owned(),
        segments: job.segments.iter().map(DefinitionRecord::of).collect(),
    }
}

/// Finds all nights in an output directory.
pub fn nights(directory: &Path) -> Vec<Night> {
    let Ok(entries) = std::fs::read_dir(directory) else { return vec![] };
    // The pointer is one of the runs a second time, and what is in the making is none.
    let is_run = |path: &PathBuf| !path.is_symlink() && path.file_name().is_some_and(|name| !is_hidden(name));
    let runs = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_run);
    runs.flat_map(|run| of_run(&run).unwrap_or_default()).collect()
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn of_run(run: &Path) -> Option<Vec<Night>> {
    let text = std::fs::read_to_string(run.join(MANIFEST)).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    let file = manifest["outputs"].as_array()?.iter().find(|output| output["path"] == FILE)?;
    let file = (file["bytes"].as_u64(), file["sha256"].as_str().unwrap_or_default().to_owned());
    let records: Vec<NightRecord> = serde_json::from_value(manifest["memberships"].clone()).ok()?;
    let night = |record: NightRecord| {
        Some(Night { as_of: Day::parse_iso(&record.as_of)?, record, run: run.to_owned(), file: file.clone() })
    };
    Some(records.into_iter().filter_map(night).collect())
}

/// Chooses the newest night, before a day where one is given.
pub fn newest(nights: &[Night], before: Option<Day>) -> Option<&Night> {
    let is_before = |night: &&Night| before.is_none_or(|day| night.as_of < day);
    nights.iter().filter(is_before).max_by_key(|night| {
        let record = &night.record;
        (night.as_of, record.started_at_unix, &record.run, record.role == Role::Own, &night.run)
    })
}

/// Returns the newest night of all, where no run is left to hold it: `removed` are runs that this one removes, and `as_of` and `compared` is what it holds itself.
pub fn to_keep<'n>(
    nights: &'n [Night],
    removed: &[String],
    as_of: Option<Day>,
    compared: Option<&Night>,
) -> Option<&'n Night> {
    let newest = newest(nights, None).filter(|newest| as_of.is_none_or(|own| newest.as_of > own))?;
    let same = |night: &Night| (night.as_of, &night.record.run) == (newest.as_of, &newest.record.run);
    let stays =
        |night: &Night| night.run.file_name().is_some_and(|name| !removed.iter().any(|other| name == other.as_str()));
    let is_held = nights.iter().any(|night| same(night) && stays(night)) || compared.is_some_and(same);
    (!is_held).then_some(newest)
}

/// Reads a night. Customers who object to profiling by now, or were erased, are left out; one whose row cannot be read tonight is not.
///
/// # Errors
/// Fails where the file is not what its run wrote: everybody who is missing would be new.
pub fn read(night: &Night, customers: Option<&Customers>, tombstones: &Tombstones) -> Result<Before, RunError> {
    let objects =
        |id: &str| customers.is_some_and(|all| all.ids.position(id).is_some_and(|ix| all.objection[ix as usize]));
    let path = night.run.join(FILE);
    let damaged = |why: String| RunError::Memberships { path: path.clone(), why };
    let bytes = std::fs::read(&path).map_err(|error| damaged(error.to_string()))?;
    if night.file.0 != Some(bytes.len() as u64) || night.file.1 != Fingerprint::of(&bytes) {
        return Err(damaged("it is not what its run wrote".to_owned()));
    }
    drop(bytes);
    let source = TableSource { folder: night.run.clone(), patterns: vec![FILE.to_owned()], ..TableSource::default() };
    let memberships = match read_table(&MEMBERSHIPS, &source, None) {
        Err(IngestError::NoRows { .. }) => Memberships { as_of: night.as_of, ..Memberships::default() },
        Err(error) => return Err(damaged(error.to_string())),
        Ok(table) if !table.rejects.is_empty() => {
            return Err(damaged(format!("{} of its rows cannot be read", table.rejects.len())));
        }
        Ok(table) => memberships(&table, night.as_of, |id| !objects(id) && !tombstones.holds(id)),
    };
    Ok(Before { night: night.clone(), memberships })
}

impl Before {
    /// Returns what the manifest of another run says of it.
    pub fn record(&self, role: Role) -> NightRecord {
        NightRecord { role, sha256: self.memberships.sha256(), ..self.night.record.clone() }
    }

    /// Returns what decides the results of a run that compares with it.
    pub fn fingerprint(&self) -> String {
        let record = &self.night.record;
        let segments = record.segments.iter().map(|of| format!(" {} {}", of.name, of.sha256)).collect::<String>();
        format!("compared {} {} {}{segments}", record.as_of, self.memberships.sha256(), record.assignment)
    }

    /// Says in which way the segments were other ones, where they were.
    pub fn difference(&self, segments: &[Segment], assignment: Membership) -> Option<String> {
        let now: Vec<DefinitionRecord> = segments.iter().map(DefinitionRecord::of).collect();
        let then = &self.night.record.segments;
        let of =
            |all: &[DefinitionRecord], name: &str| all.iter().find(|of| of.name == name).map(|of| of.sha256.clone());
        let listed = |all: &[DefinitionRecord], what: &str, is: &dyn Fn(&DefinitionRecord) -> bool| {
            let names: Vec<String> = all.iter().filter(|of| is(of)).map(|of| format!("`{}`", of.name)).collect();
            (!names.is_empty()).then(|| format!("{} {what}", names.join(", ")))
        };
        let parts = [
            listed(&now, "added", &|own| of(then, &own.name).is_none()),
            listed(then, "gone", &|own| of(&now, &own.name).is_none()),
            listed(&now, "changed", &|own| of(then, &own.name).is_some_and(|sha256| sha256 != own.sha256)),
        ];
        let mut parts: Vec<String> = parts.into_iter().flatten().collect();
        let order = |all: &[DefinitionRecord]| all.iter().map(|of| of.name.clone()).collect::<Vec<_>>();
        if self.night.record.assignment != assignment.label() {
            parts.push(format!("`assignment` was `{}`", self.night.record.assignment));
        } else if parts.is_empty() && assignment == Membership::FirstMatch && order(&now) != order(then) {
            parts.push("in another order".to_owned());
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
