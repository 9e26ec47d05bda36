//! The nightly run: read, build features, analyse, select, write, publish.
//!
//! Everything a reader may rely on appears at once by one rename, or not at all. A run that fails leaves its reason and its rejects
//! under `failed/` in the output directory. The same pipeline on the same input a second time finds its own run and says so.

mod analyses;
mod asked;
mod assigned;
mod audiences;
mod campaigns;
mod changes;
mod equity;
mod erase;
mod error;
mod explain;
mod further;
mod job;
mod load;
mod manifest;
mod migration;
mod nights;
mod observer;
mod privacy_notes;
mod pseudonyms;
mod read;
mod record;
mod records_of_small_groups;
mod rejects;
mod resources;
mod reuse;
mod segments;
mod small_groups;
mod stages;
mod suppressed;
mod write;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use crate::analysis::Base;
use crate::features::at;
use crate::ingest::SUPPRESSIONS;
use crate::publish::{
    OutputLock, Pointer, PublishError, REASON, Staging, make_latest, prune, read_tombstones, surplus,
};
use crate::scores::ScoredCustomers;
use crate::state::model::Settings;
use crate::state::{Drift, StoredModel, drift, to_text};
use crate::table::{Key, Tombstones};
use campaigns::Sources;
use nights::Role;
use rejects::Rejects;
use small_groups::SmallGroups;
use stages::Stages;

pub use erase::{Erasure, erase, lift};
pub use error::{FailureKind, RunError};
pub use explain::{Search, explain};
pub use job::Job;
pub use load::{Loaded, load};
pub use manifest::{InputRecord, Manifest};
pub use observer::{Event, Observer, Silent};
pub use pseudonyms::check_key;
pub use read::shown;
pub use reuse::ReusedModel;

/// What the program around the library knows and the library must not find out by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings {
    /// Seconds since 1970-01-01 UTC at the start.
    pub started_at_unix: u64,
    /// Threads in use; recorded, without effect on results.
    pub threads: usize,
    /// Bytes of memory above which lines are put on disk and customers are worked on in turns; no limit where nothing is given.
    pub memory_limit: Option<u64>,
    /// Says whether the ingest cache may be used.
    pub use_cache: bool,
}

/// Folder in the output directory for lines that do not fit into memory; hidden, and removed like every run that was not finished.
const LINES_ON_DISK: &str = ".partial-lines";

/// How a run ended well.
#[derive(Debug)]
pub struct Outcome {
    /// Directory of the run.
    pub directory: PathBuf,
    /// Says that this very run had been published before.
    pub already_there: bool,
    /// The manifest as it stands in the directory.
    pub manifest: Value,
}

/// Runs a job from exports to published files.
///
/// # Errors
/// Returns why nothing was published; see [`RunError::kind`] for the exit code.
pub fn run(job: &Job, surroundings: Surroundings, observer: &dyn Observer) -> Result<Outcome, RunError> {
    let lock = OutputLock::take(&job.output)?;
    // Best effort: lines that an interrupted run left behind; a run that needs the place says so where it cannot have it.
    let _ = std::fs::remove_dir_all(job.output.join(LINES_ON_DISK));
    let privacy = Privacy { tombstones: read_tombstones(lock.directory())?, key: pseudonyms::key(job)? };
    let mut rejects = Rejects::default();
    let result = publish(job, surroundings, observer, &lock, &privacy, &mut rejects);
    let nothing_published =
        |error: &RunError| !matches!(error, RunError::Publish(PublishError::AfterPublishing { .. }));
    if let Some(error) = result.as_ref().err().filter(|error| nothing_published(error)) {
        keep_evidence(job, &lock, error, &rejects, &privacy.tombstones);
    }
    result
}

/// Who is in nothing that a run writes, and the key of what stands for the others in what leaves.
struct Privacy {
    tombstones: Tombstones,
    key: Option<Key>,
}

fn publish(
    job: &Job,
    surroundings: Surroundings,
    observer: &dyn Observer,
    lock: &OutputLock,
    Privacy { tombstones, key }: &Privacy,
    rejects: &mut Rejects,
) -> Result<Outcome, RunError> {
    let start = Instant::now();
    let suppression_hours = suppressed::hours(job, surroundings.started_at_unix)?;
    let mut stages = Stages::new(observer);

    let tables = stages.run(
        "read",
        job.input_bytes(),
        || read::read_tables(job, &surroundings, tombstones, observer),
        |tables| {
            let (rows, rejected) =
                tables.rows().iter().fold((0, 0), |sum, (_, rows, rejected)| (sum.0 + rows, sum.1 + rejected));
            format!("{rows} rows, {rejected} rejected{}", tables.remarks())
        },
    )?;
    rejects.rows = tables.rejects();
    rejects.know(tables.customers());
    check_rejects(job, &tables.rows())?;
    let (mut inputs, assembled) = stages.run(
        "lines",
        None,
        || tables.assemble(job, tombstones, key.as_ref()),
        |(inputs, lines)| {
            let n_lines = lines.as_ref().map_or(0, |lines| lines.n_lines);
            format!("{n_lines} lines, as of {}", inputs.as_of)
        },
    )?;
    rejects.rows = inputs.rejects.clone();
    rejects.know(inputs.customers.as_ref());
    // Rows that were found wanting only now.
    check_rejects(job, &inputs.rows)?;
    job.check_campaign_columns(inputs.customers.as_ref())?;
    inputs.notes.extend(suppressed::check(job, &inputs.suppressions, inputs.customers.as_ref())?);
    let asked = asked::read(job, inputs.customers.as_ref())?;
    inputs.notes.extend(asked.notes.iter().cloned());

    let nights = nights::nights(lock.directory());
    let night = nights::newest(&nights, Some(inputs.as_of)).filter(|_| !job.segments.is_empty());
    let compared = night.map(|night| nights::read(night, inputs.leaving(), tombstones)).transpose()?;
    let last_drawn = assigned::newest(lock.directory(), None)?;
    let hash = record::fingerprint(job, &inputs, tombstones, key.as_ref(), compared.as_ref());
    let (fingerprint, assignments_read) =
        record::same_run(lock.directory(), inputs.as_of, &hash).unwrap_or_else(|| {
            let read = last_drawn.as_deref().and_then(assigned::record);
            (record::with_assignments(hash, read.as_ref().map(|read| read.sha256.as_str())), read)
        });
    let id = format!("{}-{}", inputs.as_of, &fingerprint[..8]);
    let published = lock.directory().join(&id);
    if let Some(manifest) = record::complete_run(&published, &fingerprint) {
        make_latest(lock, &id)?;
        return Ok(Outcome { directory: published, already_there: true, manifest });
    }

    let (data, counts, now) = stages.run(
        "features",
        None,
        || {
            let (mut data, counts) = load::dataset(job, &mut inputs, assembled, &surroundings)?;
            data.attributes = job.attributes(inputs.customers.as_ref(), &data.customer_ids)?;
            let now = at(&data, data.as_of);
            Ok::<_, RunError>((data, counts, now))
        },
        |(data, _, now)| {
            let days: u64 = now.n_purchase_days.iter().map(|days| u64::from(*days)).sum();
            format!("{} customers, {days} purchase days", data.n_customers())
        },
    )?;

    let base = Base { data: &data, now: &now };
    let (mut findings, analysis_seconds) = stages.run(
        "analyses",
        None,
        || analyses::run_all(&job.analyses, &base),
        |(findings, _)| findings.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    )?;

    let (model, drift) = stages.run(
        "model",
        None,
        || {
            Ok::<_, RunError>(match &job.reused {
                Some(reused) => (reused.text.clone(), Some(Drift::of(&reused.model, &base, &findings))),
                None => (to_text(&StoredModel::of(&settings(job, &inputs), &findings)), None),
            })
        },
        |(_, drift)| match drift.as_ref().and_then(|drift| drift.largest) {
            Some((column, index)) => format!("reused, largest drift {index:.3} ({column})"),
            None => "kept for later runs".to_owned(),
        },
    )?;
    if let Some(drift) = drift {
        check_drift(job, &drift)?;
        findings.push((drift::NAME, drift.findings));
    }
    let left_out = SmallGroups::of(job)
        .and_then(|small| small.leave_out(findings.iter_mut().flat_map(|(_, found)| &mut found.tables)));
    inputs.notes.extend(left_out);

    let earlier = assigned::earlier(
        assigned::newest(lock.directory(), Some(&id))?.as_deref(),
        inputs.customers.as_ref(),
        tombstones,
        assigned::Expiry::of(job, data.as_of).as_ref(),
    )?;
    let removed =
        surplus(lock, Pointer::Latest, job.keep_runs, &id)?.into_iter().chain([id.clone()]).collect::<Vec<_>>();
    let own_night = (!job.segments.is_empty()).then_some(data.as_of);
    let kept = nights::to_keep(&nights, &removed, own_night, night);
    let kept = kept.map(|night| nights::read(night, inputs.leaving(), tombstones)).transpose()?;
    let mut chosen = None;
    let staging = Staging::start(lock, &id)?;
    let selected = stages.run(
        "select",
        None,
        || {
            let scored = ScoredCustomers::assemble(&data.customer_ids, job.analysed(), &findings);
            let customers = inputs.customers.as_ref();
            let chosen =
                chosen.insert(segments::choose(job, &scored.frame, &data, customers, &asked, compared.as_ref())?);
            let own = chosen.own.iter().map(|own| (nights::own(job, &id, &surroundings, own), own));
            let compared = compared.iter().map(|of| (of.record(Role::Compared), &of.memberships));
            let kept = kept.iter().map(|of| (of.record(Role::Kept), &of.memberships));
            let memberships = own.chain(compared).chain(kept).collect();
            let sources = Sources { customers, suppressions: &inputs.suppressions, earlier, pseudonyms: key.as_ref() };
            write::select(job, scored, chosen, &findings, &base, sources, memberships)
        },
        |selected| format!("{} segments, {} campaigns", selected.segments.len(), selected.campaigns.len()),
    )?;
    let written = stages.run(
        "write",
        None,
        || write::write_all(&staging, &selected, &findings, &rejects::table(job, rejects, tombstones), &model),
        |written| format!("{} files", written.files.len() + 1),
    )?;

    let manifest = record::manifest(&record::Everything {
        job,
        surroundings,
        inputs: &inputs,
        counts: &counts,
        now: &now,
        data: &data,
        findings: &findings,
        selected: &selected,
        written: &written,
        suppression_hours,
        assignments_read,
        id: &id,
        fingerprint: &fingerprint,
        stages: stages.into_records(),
        analysis_seconds,
        seconds: start.elapsed().as_secs_f64(),
    });
    let manifest = serde_json::to_value(manifest).expect("a manifest has text keys only");
    staging.write_text("manifest.json", &format!("{manifest:#}\n"))?;
    // The same run may be there and no longer be complete: it makes way.
    let directory = staging.publish(&id)?;
    prune(lock, Pointer::Latest, job.keep_runs, &id)?;
    Ok(Outcome { directory, already_there: false, manifest })
}

fn check_rejects(job: &Job, tables: &[(&'static str, u64, u64)]) -> Result<(), RunError> {
    for (table, rows, rejected) in tables {
        let share = *rejected as f64 / (*rows).max(1) as f64;
        // Whoever a lost row of the suppression list names would be contacted.
        let allowed = if *table == SUPPRESSIONS.name { 0.0 } else { job.max_reject_share };
        if share > allowed {
            return Err(RunError::TooManyRejects {
                table,
                rejected: *rejected,
                rows: *rows,
                share: share * 100.0,
                allowed: allowed * 100.0,
            });
        }
    }
    Ok(())
}

fn check_drift(job: &Job, drift: &Drift) -> Result<(), RunError> {
    match (drift.largest, job.settings.max_drift_psi) {
        (Some((column, index)), Some(allowed)) if index > allowed => {
            Err(RunError::TooMuchDrift { column, index, allowed })
        }
        _ => Ok(()),
    }
}

fn settings<'a>(job: &'a Job, inputs: &read::Inputs) -> Settings<'a> {
    Settings {
        as_of: inputs.as_of,
        currency: job.transaction_rules.currency.code.as_deref(),
        pipeline_sha256: &job.pipeline_sha256,
        lifetime_value: &job.settings.lifetime_value,
        churn: &job.settings.churn,
    }
}

/// Leaves reason and rejects under `failed/`; where even that cannot be written, the error itself says enough.
fn keep_evidence(job: &Job, lock: &OutputLock, error: &RunError, rejects: &Rejects, tombstones: &Tombstones) {
    let keep = || -> Result<(), RunError> {
        let staging = Staging::start(lock, "failed")?;
        let diagnostic = error.diagnostic();
        let help = diagnostic.help.unwrap_or_default();
        staging.write_text(REASON, &format!("error[{}]: {}\nhelp: {help}\n", diagnostic.code, diagnostic.title))?;
        staging.write_parquet("rejects.parquet", &rejects::table(job, rejects, tombstones))?;
        staging.keep_as_failed()?;
        Ok(())
    };
    // The first error is what the user must see.
    let _ = keep();
}
