//! Text files with delimiters: bytes to typed columns.
//!
//! A file is read whole, decoded, and cut at guessed record boundaries; its parts are parsed in parallel and checked one against the
//! next (see `records`). How numbers and dates are written is guessed from a sample, counted while parsing, and where the whole
//! file says otherwise the file is parsed once more.
//!
//! `O(n)` time over all threads; memory: the file, its columns and the distinct texts of every part.

use std::path::Path;

use rayon::prelude::*;

use super::IngestError;
use super::column::{Builder, Evidence, Fault, Reading};
use super::dialect::{self, Dialect};
use super::encoding::{self, DAMAGE};
use super::file::{self, Job, ParsedFile, ParsedPart};
use super::headers::{self, Mapped};
use super::readings::{self, Stated};
use super::records::{Malformed, Records, Separators, boundary_after, count_lines, guess_boundaries, line_of};
use super::reject::{Reject, key_of};
use super::report::{FileReport, Layout};
use super::spec::kebab;
use crate::table::Fingerprint;

/// Bytes at the start of a file that the first guess rests on.
const SAMPLE_START: usize = 64 * 1024;

/// Further places in the file that it looks at, and bytes at each.
const SAMPLE_PLACES: usize = 8;
const SAMPLE_PLACE: usize = 8 * 1024;

/// Parses a file.
///
/// # Errors
/// Fails where the file as a whole cannot be trusted; single rows are rejected instead.
pub(super) fn parse(job: &Job<'_>, path: &Path, stated: &Stated) -> Result<ParsedFile, IngestError> {
    let bytes = file::read(path)?;
    let (sha256, parsed) = rayon::join(|| Fingerprint::of(&bytes), || parse_bytes(job, path, stated, &bytes));
    let mut parsed = parsed?;
    parsed.report.sha256 = sha256;
    Ok(parsed)
}

fn parse_bytes(job: &Job<'_>, path: &Path, stated: &Stated, bytes: &[u8]) -> Result<ParsedFile, IngestError> {
    let (encoding, why) = match job.source.csv.encoding {
        Some(encoding) => (encoding, "given in the pipeline".to_owned()),
        None => encoding::detect(bytes),
    };
    let decoded = encoding::decode(bytes, encoding);
    let text: &str = &decoded.text;
    let delimiter = job.source.csv.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok());
    let (dialect, delimiter_why) = dialect::detect(text, delimiter);
    let mut report = FileReport {
        table: job.spec.name,
        path: path.to_owned(),
        bytes: bytes.len() as u64,
        sha256: String::new(),
        rows: 0,
        rejected: 0,
        evidence: vec![format!("encoding {encoding} ({why})"), delimiter_why],
        mapping: Vec::new(),
        layout: Layout::Empty,
    };
    let Some((headers, body)) = read_headers(path, text, dialect)? else {
        report.evidence = vec!["the file is empty".to_owned()];
        job.progress(report.bytes);
        return Ok(ParsedFile::without_rows(report));
    };
    let columns = headers::map(job.spec, job.source, path, &headers)?;
    for Mapped { request, header, why, .. } in &columns {
        report.evidence.push(format!("`{header}` read as {} ({why})", kebab(request.name)));
        report.mapping.push((request.name, header.clone()));
    }
    if body >= text.len() {
        report.evidence.push("a header and no rows".to_owned());
        job.progress(report.bytes);
        return Ok(ParsedFile { columns, ..ParsedFile::without_rows(report) });
    }
    let body = Body {
        text,
        separators: dialect.separators,
        start: body,
        n_fields: headers.len(),
        damaged: decoded.damaged,
        columns: &columns,
    };
    let (parsed, decisions, evidence) = body.parse(job, path, stated, report.bytes)?;
    let rejects = body.rejects(job, path, &parsed);
    let mut n_records = 0;
    let mut rejected = Vec::new();
    for part in &parsed {
        rejected.extend(part.rejected.iter().map(|record| n_records + record.ordinal));
        n_records += part.n_records;
    }
    report.layout = Layout::Csv { encoding, separators: dialect.separators, body: body.start, rejected };
    report.rejected = rejects.len();
    let parts: Vec<ParsedPart> =
        parsed.into_iter().map(|part| ParsedPart { n_rows: part.n_rows, columns: part.columns }).collect();
    report.rows = parts.iter().map(|part| part.n_rows).sum();
    Ok(ParsedFile { columns, parts, evidence, decisions, rejects, report })
}

/// Reads the headers; returns them and where the first record begins, or nothing where the text is blank.
fn read_headers(path: &Path, text: &str, dialect: Dialect) -> Result<Option<(Vec<String>, usize)>, IngestError> {
    let mut records = Records::new(text, dialect.separators, dialect.header);
    let Some(record) = records.next_record() else { return Ok(None) };
    if let Some(Malformed::OpenQuote { at }) = record.malformed {
        return Err(IngestError::OpenQuote { file: path.to_owned(), line: line_of(text, dialect.separators, at) });
    }
    let mut scratch = String::new();
    let headers: Vec<String> =
        records.fields().iter().map(|field| field.text(text, &mut scratch).trim().to_owned()).collect();
    let is_blank = headers.iter().all(String::is_empty);
    let body = records.next_start();
    Ok((!is_blank || body < text.len()).then_some((headers, body)))
}

/// The records of a file and what they are parsed into.
struct Body<'a> {
    text: &'a str,
    separators: Separators,
    /// Where the first record begins.
    start: usize,
    /// Fields of the header, and of every record.
    n_fields: usize,
    /// Says whether bytes that could not be read became [`DAMAGE`].
    damaged: bool,
    columns: &'a [Mapped],
}

/// Records of one part of the file.
struct TextPart {
    start: usize,
    /// Where the next part should begin.
    nominal_end: usize,
    /// Where it does begin.
    end: usize,
    n_records: u64,
    n_rows: usize,
    columns: Vec<Builder>,
    rejected: Vec<RejectedRecord>,
    open_quote: Option<usize>,
}

struct RejectedRecord {
    /// Number of the record in its part.
    ordinal: u64,
    start: usize,
    end: usize,
    fault: RecordFault,
}

enum RecordFault {
    Fields(usize),
    TextAfterQuote,
    Damage,
    Cell { column: usize, fault: Fault },
}

type Parsed = (Vec<TextPart>, Vec<readings::Decision>, Vec<Evidence>);

impl Body<'_> {
    /// Parses all records as the evidence of the whole file decides.
    fn parse(&self, job: &Job<'_>, path: &Path, stated: &Stated, bytes: u64) -> Result<Parsed, IngestError> {
        let delimiter = Some(self.separators.delimiter);
        let guess = readings::guess(self.columns, stated, &self.sample(stated), delimiter);
        // Progress counts bytes of the file, which in UTF-16 are not those of the text.
        let in_file = |at: usize| (at as u128 * u128::from(bytes) / self.text.len().max(1) as u128) as u64;
        job.progress(in_file(self.start));
        let done = |part: &TextPart| job.progress(in_file(part.nominal_end) - in_file(part.start));
        let mut parts = self.parse_parts(&guess, job.part_bytes, &done);
        if let Some(at) = parts.iter().find_map(|part| part.open_quote) {
            return Err(IngestError::OpenQuote { file: path.to_owned(), line: self.line_of(at) });
        }
        let evidence = self.take_evidence(&mut parts);
        let line_of = |at| self.line_of(at);
        let decisions = readings::decide(job.spec, path, self.columns, stated, &evidence, delimiter, &line_of)?;
        let decided: Vec<Reading> = decisions.iter().map(|decision| decision.reading).collect();
        if decided != guess {
            drop(parts);
            parts = self.parse_parts(&decided, job.part_bytes, &|_| {});
        }
        Ok((parts, decisions, evidence))
    }

    /// Collects evidence from the start of the file and from a few places further on.
    fn sample(&self, stated: &Stated) -> Vec<Evidence> {
        let nothing: Vec<Evidence> = self.columns.iter().map(|column| Evidence::new(column.request.cell)).collect();
        let readings = readings::guess(self.columns, stated, &nothing, Some(self.separators.delimiter));
        let mut places = vec![(self.start, self.start.saturating_add(SAMPLE_START))];
        let step = (self.text.len() - self.start) / SAMPLE_PLACES;
        if step > SAMPLE_START {
            for place in 1..SAMPLE_PLACES {
                let at = boundary_after(self.text, self.separators, self.start + place * step, self.n_fields);
                places.extend(at.map(|at| (at, at.saturating_add(SAMPLE_PLACE))));
            }
        }
        let mut parts: Vec<TextPart> = places
            .into_iter()
            .map(|(start, end)| self.parse_part(start, end.min(self.text.len()), &readings))
            .collect();
        self.take_evidence(&mut parts)
    }

    fn take_evidence(&self, parts: &mut [TextPart]) -> Vec<Evidence> {
        let mut all: Vec<Evidence> = self.columns.iter().map(|column| Evidence::new(column.request.cell)).collect();
        for part in parts {
            for (all, column) in all.iter_mut().zip(&mut part.columns) {
                all.add(column.take_evidence());
            }
        }
        all
    }

    fn parse_parts(&self, readings: &[Reading], part_bytes: usize, done: &(dyn Fn(&TextPart) + Sync)) -> Vec<TextPart> {
        let starts = guess_boundaries(self.text, self.separators, self.start, self.n_fields, part_bytes);
        let ends = starts.iter().skip(1).copied().chain([self.text.len()]);
        let bounds: Vec<(usize, usize)> = starts.iter().copied().zip(ends).collect();
        let mut parts: Vec<TextPart> = bounds
            .into_par_iter()
            .map(|(start, end)| {
                let part = self.parse_part(start, end, readings);
                done(&part);
                part
            })
            .collect();
        let mut start = self.start;
        for part in &mut parts {
            if part.start != start {
                *part = self.parse_part(start, part.nominal_end, readings);
            }
            start = part.end;
        }
        parts
    }

    /// Parses the records that begin in `start..nominal_end`.
    fn parse_part(&self, start: usize, nominal_end: usize, readings: &[Reading]) -> TextPart {
        let new_builder =
            |(column, reading): (&Mapped, &Reading)| Builder::new(column.request.cell, *reading, column.nullable);
        let mut part = TextPart {
            start,
            nominal_end,
            end: start,
            n_records: 0,
            n_rows: 0,
            columns: self.columns.iter().zip(readings).map(new_builder).collect(),
            rejected: Vec::new(),
            open_quote: None,
        };
        let mut records = Records::new(self.text, self.separators, start);
        let (mut scratch, mut faulty_rows) = (String::new(), Vec::new());
        loop {
            part.end = records.next_start();
            if part.end >= nominal_end {
                break;
            }
            let Some(record) = records.next_record() else { break };
            let ordinal = part.n_records;
            part.n_records += 1;
            let raw = &self.text[record.start..record.end];
            let fields = records.fields();
            let fault = match record.malformed {
                Some(Malformed::OpenQuote { at }) => {
                    part.open_quote.get_or_insert(at);
                    Some(RecordFault::TextAfterQuote)
                }
                Some(Malformed::TextAfterQuote) => Some(RecordFault::TextAfterQuote),
                None if fields.len() != self.n_fields => Some(RecordFault::Fields(fields.len())),
                None if self.damaged && raw.contains(DAMAGE) => Some(RecordFault::Damage),
                None => {
                    // Every cell is read even after a fault, so that the evidence is whole.
                    let mut first = None;
                    for (ix, (column, builder)) in self.columns.iter().zip(&mut part.columns).enumerate() {
                        let cell = fields[column.position].text(self.text, &mut scratch);
                        if let Err(fault) = builder.push(cell, record.start) {
                            first.get_or_insert(RecordFault::Cell { column: ix, fault });
                        }
                    }
                    if first.is_some() {
                        faulty_rows.push(part.n_rows);
                    }
                    part.n_rows += 1;
                    first
                }
            };
            if let Some(fault) = fault {
                part.rejected.push(RejectedRecord { ordinal, start: record.start, end: record.end, fault });
            }
        }
        if !faulty_rows.is_empty() {
            let mut keep = vec![true; part.n_rows];
            faulty_rows.iter().for_each(|row| keep[*row] = false);
            part.columns.iter_mut().for_each(|column| column.retain(&keep));
            part.n_rows -= faulty_rows.len();
        }
        part
    }

    /// Writes out what was rejected; lines are counted only as far as that needs.
    fn rejects(&self, job: &Job<'_>, path: &Path, parts: &[TextPart]) -> Vec<Reject> {
        let key = self.columns.iter().find(|column| Some(column.request.name) == job.spec.key());
        let (mut line, mut counted, mut scratch) = (1, 0, String::new());
        let mut rejects = Vec::new();
        for record in parts.iter().flat_map(|part| &part.rejected) {
            line += count_lines(&self.text.as_bytes()[counted..record.start], self.separators.newline);
            counted = record.start;
            let (column, reason) = match &record.fault {
                RecordFault::Fields(n) => (None, format!("{} fields expected, {n} found", self.n_fields)),
                RecordFault::TextAfterQuote => (None, "text after a closing quote".to_owned()),
                RecordFault::Damage => (None, "bytes that the encoding does not have".to_owned()),
                RecordFault::Cell { column, fault } => (Some(self.columns[*column].header.clone()), fault.to_string()),
            };
            let mut records = Records::new(self.text, self.separators, record.start);
            records.next_record();
            let key = key.and_then(|column| records.fields().get(column.position));
            let key = key.and_then(|field| key_of(field.text(self.text, &mut scratch)));
            let row = self.text[record.start..record.end].to_owned();
            rejects.push(Reject { table: job.spec.name, file: path.to_owned(), line, column, reason, row, key });
        }
        rejects
    }

    fn line_of(&self, at: usize) -> u64 {
        line_of(self.text, self.separators, at)
    }
}
