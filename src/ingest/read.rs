//! A table from all its files: read in batches, decided together, joined into columns.
//!
//! Files are read in ascending order of their names, several small ones at a time; the columns of all parts of all files are joined
//! at the end, columns in parallel. Rows keep the order of files and lines, so the result depends on neither.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::column::{Evidence, Part, TypedColumn, join};
use super::dates::DateFormat;
use super::evidence::DateEvidence;
use super::file::{Job, ParsedFile};
use super::readings::{self, Stated};
use super::reject::Reject;
use super::report::FileReport;
use super::spec::{ColumnName, Format, TableSource, TableSpec, kebab};
use super::{CONTACTS, IngestError, csv, parquet};

/// Size of the parts that text files are cut into.
pub(super) const PART_BYTES: usize = 4 * 1024 * 1024;

/// Files are read together up to this size.
const BATCH_BYTES: u64 = 32 * 1024 * 1024;

/// A table, typed.
#[derive(Debug, Clone)]
pub struct TypedTable {
    /// Columns that at least one file has, by canonical name; rows of the others hold empty cells.
    pub columns: BTreeMap<ColumnName, TypedColumn>,
    /// Rows that were accepted.
    pub n_rows: usize,
    /// First row of every file.
    pub file_starts: Vec<usize>,
    /// What was found out about each file, in order.
    pub files: Vec<FileReport>,
    /// What was not accepted, in order of files and lines.
    pub rejects: Vec<Reject>,
}

/// Reads a table; `progress` hears how many more bytes are done, from any thread.
///
/// A table of which every row is rejected is no error here: its rejects say why.
///
/// # Errors
/// Fails where a file cannot be read as a whole, where headers or forms cannot be told, and where no file has any row.
pub fn read_table(
    spec: &TableSpec,
    source: &TableSource,
    progress: Option<&(dyn Fn(u64) + Sync)>,
) -> Result<TypedTable, IngestError> {
    let spec = &spec.with_attributes(&source.attributes);
    read_in_parts(&Job { spec, source, part_bytes: PART_BYTES, progress })
}

pub(super) fn read_in_parts(job: &Job<'_>) -> Result<TypedTable, IngestError> {
    let mut parts = Vec::new();
    let mut files = read_files(job, &parse_file, &mut |of_files| {
        parts.extend(of_files);
        Ok(())
    })?;
    for (ix, parts) in parts {
        files[ix].parts = parts;
    }
    Ok(combine(job.spec, files))
}

/// Parses one file in the format of its table.
pub(super) fn parse_file(job: &Job<'_>, path: &Path, stated: &Stated) -> Result<ParsedFile, IngestError> {
    match job.source.format {
        Format::Csv => csv::parse(job, path, stated),
        Format::Parquet => parquet::parse(job, path, stated),
    }
}

/// What takes the parts of files as soon as they are final; each file by its position, in any order.
pub(super) type Sink<'a, P> = dyn FnMut(Vec<(usize, Vec<P>)>) -> Result<(), IngestError> + 'a;

/// A way to read a file: with forms that are stated and need no evidence.
pub(super) type Parse<'a, P> = dyn Fn(&Job<'_>, &Path, &Stated) -> Result<ParsedFile<P>, IngestError> + Sync + 'a;

/// Parses all files of a table and settles what a file cannot tell alone; the parts go to `sink`.
///
/// # Errors
/// Fails where a file cannot be read as a whole, where headers or forms cannot be told, and where no file has any row.
pub(super) fn read_files<P: Send>(
    job: &Job<'_>,
    parse: &Parse<'_, P>,
    sink: &mut Sink<'_, P>,
) -> Result<Vec<ParsedFile<P>>, IngestError> {
    let stated = readings::stated(job.spec, job.source)?;
    let paths = job.source.files(job.spec.name)?;
    let mut files = Vec::with_capacity(paths.len());
    for batch in batches(&paths) {
        let of_batch: Vec<_> = batch.par_iter().map(|path| parse(job, path, &stated)).collect();
        let mut finished = Vec::with_capacity(of_batch.len());
        for file in of_batch {
            let mut file = file?;
            if !file.is_open() {
                finished.push((files.len(), std::mem::take(&mut file.parts)));
            }
            files.push(file);
        }
        sink(finished)?;
    }
    for ix in 0..files.len() {
        if files[ix].is_open() {
            settle_open_dates(job, &stated, parse, &mut files, ix)?;
            sink(vec![(ix, std::mem::take(&mut files[ix].parts))])?;
        }
    }
    let n_records: usize = files.iter().map(|file| file.report.rows + file.report.rejected).sum();
    if let (0, Some(first)) = (n_records, files.first()) {
        let found = if first.columns.is_empty() { "nothing" } else { "only headers" };
        let file = first.report.path.clone();
        // Before the first mailing nobody has been contacted.
        if job.spec.name == CONTACTS.name && !first.columns.is_empty() {
            return Ok(files);
        }
        return Err(IngestError::NoRows { table: job.spec.name, file, n_files: files.len(), found });
    }
    for file in &mut files {
        file.report.evidence.extend(file.decisions.iter_mut().filter_map(|decision| decision.why.take()));
    }
    Ok(files)
}

/// Groups consecutive files so that memory holds few large or many small ones.
fn batches(paths: &[PathBuf]) -> Vec<&[PathBuf]> {
    let sizes: Vec<u64> = paths.iter().map(|path| path.metadata().map_or(0, |file| file.len())).collect();
    let (mut batches, mut from, mut bytes) = (Vec::new(), 0, 0_u64);
    for (ix, size) in sizes.iter().enumerate() {
        if ix > from && bytes.saturating_add(*size) > BATCH_BYTES {
            batches.push(&paths[from..ix]);
            (from, bytes) = (ix, 0);
        }
        bytes = bytes.saturating_add(*size);
    }
    batches.push(&paths[from..]);
    batches
}

/// Tells day and month apart in a file that cannot do it alone, by the other files of the table.
fn settle_open_dates<P>(
    job: &Job<'_>,
    stated: &Stated,
    parse: &Parse<'_, P>,
    files: &mut [ParsedFile<P>],
    file: usize,
) -> Result<(), IngestError> {
    let mut settled = Stated::new();
    for ix in 0..files[file].columns.len() {
        if !files[file].decisions.get(ix).is_some_and(|decision| decision.is_open) {
            continue;
        }
        let column = &files[file].columns[ix];
        let Some(Evidence::Date(own)) = files[file].evidence.get(ix) else { continue };
        let shape = own.shape().map(|(shape, _)| shape);
        let mut all = DateEvidence::default();
        for other in files.iter() {
            let same = other.columns.iter().zip(&other.evidence).filter(|(c, _)| c.request.name == column.request.name);
            for (_, evidence) in same {
                if let Evidence::Date(dates) = evidence {
                    all.add(dates.of(shape));
                }
            }
        }
        let Some(decision) = readings::settle(column, own, &all) else {
            let [day_first, month_first] = shape.map_or([DateFormat::YearMonthDay; 2], |shape| shape.formats());
            return Err(IngestError::AmbiguousDate {
                table: job.spec.name,
                file: files[file].report.path.clone(),
                column: kebab(&column.request.name),
                header: column.header.clone(),
                day_first: day_first.label(),
                month_first: month_first.label(),
            });
        };
        if decision.reading != files[file].decisions[ix].reading {
            settled.insert(column.request.name.clone(), decision.reading);
        }
        files[file].decisions[ix] = decision;
    }
    if settled.is_empty() { Ok(()) } else { reparse(job, stated, &settled, parse, &mut files[file]) }
}

/// Parses a file once more, with some dates settled; what was decided of its columns stays, and so does its evidence.
fn reparse<P>(
    job: &Job<'_>,
    stated: &Stated,
    settled: &Stated,
    parse: &Parse<'_, P>,
    file: &mut ParsedFile<P>,
) -> Result<(), IngestError> {
    let mut stated = stated.clone();
    stated.extend(settled.clone());
    let again = parse(&Job { progress: None, ..*job }, &file.report.path, &stated)?;
    if again.report.sha256 != file.report.sha256 {
        return Err(IngestError::Changed { file: file.report.path.clone() });
    }
    let decisions = std::mem::take(&mut file.decisions);
    *file = ParsedFile { decisions, ..again };
    Ok(())
}

fn combine(spec: &TableSpec, parsed: Vec<ParsedFile>) -> TypedTable {
    let mut table = TypedTable {
        columns: BTreeMap::new(),
        n_rows: 0,
        file_starts: Vec::new(),
        files: Vec::new(),
        rejects: Vec::new(),
    };
    let mut parts: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
    let requests = spec.columns.iter().filter(|request| {
        parsed.iter().any(|file| file.columns.iter().any(|column| column.request.name == request.name))
    });
    let requests: Vec<_> = requests.collect();
    for file in parsed {
        table.file_starts.push(table.n_rows);
        table.n_rows += file.report.rows;
        table.files.push(file.report);
        table.rejects.extend(file.rejects);
        for part in file.parts {
            let mut built: BTreeMap<&str, _> =
                file.columns.iter().map(|column| &*column.request.name).zip(part.columns).collect();
            for request in &requests {
                let part = match built.remove(&*request.name) {
                    Some(builder) => Part::Built(Box::new(builder)),
                    None => Part::Missing { n_rows: part.n_rows },
                };
                parts.entry(&request.name).or_default().push(part);
            }
        }
    }
    let joined: Vec<_> = requests
        .into_iter()
        .map(|request| (request, parts.remove(&*request.name).unwrap_or_default()))
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(request, parts)| (request.name.clone(), join(request.cell, parts)))
        .collect();
    table.columns.extend(joined);
    table
}
