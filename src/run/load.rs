//! The base without any analysis: what a run scores, and what `measure` looks at.

use super::error::RunError;
use super::job::Job;
use super::manifest::InputRecord;
use super::observer::Observer;
use super::pseudonyms;
use super::read::{Inputs, read_tables, record};
use super::stages::Stages;
use super::{LINES_ON_DISK, Surroundings, check_rejects, further};
use crate::features::{BuildCounts, Dataset, DatasetBuilder};
use crate::ingest::{ASSIGNMENTS, Assembled, assignments, erased_of_table, read_table};
use crate::publish::read_tombstones;
use crate::table::{Assignments, Line};

/// Bytes of a line that is worked on.
const LINE_BYTES: u64 = size_of::<Line>() as u64;

/// Share of the memory limit that the lines of one range of customers may take.
const PASS_SHARE: u64 = 12;

/// What a pipeline reads, put together.
pub struct Loaded {
    pub data: Dataset,
    /// Who was drawn into which group, where the pipeline reads it.
    pub assignments: Option<Assignments>,
    pub inputs: Vec<InputRecord>,
    pub notes: Vec<String>,
}

/// Reads the tables of a job and puts the base together; the caller holds the lock of the output directory.
///
/// # Errors
/// Fails where a file cannot be read or understood, and where more rows were rejected than the pipeline allows.
pub fn load(job: &Job, surroundings: Surroundings, observer: &dyn Observer) -> Result<Loaded, RunError> {
    // Best effort, as in a run.
    let _ = std::fs::remove_dir_all(job.output.join(LINES_ON_DISK));
    let (tombstones, key) = (read_tombstones(&job.output)?, pseudonyms::key(job)?);
    let mut stages = Stages::new(observer);
    let tables = stages.run(
        "read",
        job.input_bytes(),
        || read_tables(job, &surroundings, &tombstones, observer),
        |tables| {
            let n_rows: u64 = tables.rows().iter().map(|(_, rows, _)| rows).sum();
            format!("{n_rows} rows{}", tables.remarks())
        },
    )?;
    check_rejects(job, &tables.rows())?;
    let (mut inputs, assembled) = stages.run(
        "lines",
        None,
        || tables.assemble(job, &tombstones, key.as_ref()),
        |(inputs, _)| format!("as of {}", inputs.as_of),
    )?;
    check_rejects(job, &inputs.rows)?;
    let (data, _) = stages.run(
        "features",
        None,
        || dataset(job, &mut inputs, assembled, &surroundings),
        |(data, _)| format!("{} customers", data.n_customers()),
    )?;
    let leaving = inputs.leaving().cloned();
    let (mut notes, mut records) = (inputs.notes, inputs.records);
    let assigned = job.assignments.as_ref().map(|source| {
        let table = read_table(&ASSIGNMENTS, source, None)?;
        let n_rejected = table.rejects.len() as u64;
        check_rejects(job, &[(ASSIGNMENTS.name, table.n_rows as u64 + n_rejected, n_rejected)])?;
        let mut leaving = leaving.unwrap_or_default();
        leaving.erased.extend(erased_of_table(&table, &tombstones));
        let reading = assignments(&table, None, data.as_of, Some(&leaving))?;
        records.extend(table.files.iter().map(|file| record(ASSIGNMENTS.name, file, job)));
        notes.extend(reading.notes);
        Ok::<_, RunError>(reading.assignments)
    });
    Ok(Loaded { assignments: assigned.transpose()?, data, inputs: records, notes })
}

/// Builds the base out of the lines and hands it the tables beside them.
///
/// # Errors
/// Fails where lines that were put on disk cannot be read again.
pub(super) fn dataset(
    job: &Job,
    inputs: &mut Inputs,
    mut assembled: Option<Assembled<'_>>,
    surroundings: &Surroundings,
) -> Result<(Dataset, BuildCounts), RunError> {
    let outline = further::outline(job, inputs, assembled.as_mut());
    let n_customers = outline.customer_ids.len();
    let mut builder = DatasetBuilder::new(outline);
    let lines_at_once = surroundings.memory_limit.map_or(u64::MAX, |limit| limit / PASS_SHARE / LINE_BYTES);
    let guests = match assembled {
        Some(lines) => lines.feed(&mut builder, lines_at_once)?,
        None => {
            further::without_lines(&mut builder, n_customers);
            Vec::new()
        }
    };
    let (mut data, counts) = builder.finish(guests);
    further::join(&mut data, inputs, job);
    Ok((data, counts))
}
