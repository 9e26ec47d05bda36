//! Text files with delimiters: bytes to typed columns.
//!
//! A file is read in windows of some parts each: while the parts of one are parsed in parallel, the next is read, decompressed,
//! fingerprinted and decoded. How numbers and dates are written, and in which encoding, is guessed from the first window and
//! counted while parsing; where the whole file says otherwise it is read once more. A file of one window stays in memory for that.
//!
//! `O(n)` time over all threads; memory: three windows, the columns and the distinct texts of every part.

use std::cell::Cell;
use std::path::Path;

use super::IngestError;
use super::body::{Body, Text, TextPart};
use super::column::{Evidence, Reading};
use super::dialect::{self, Dialect};
use super::file::{Job, ParsedFile, ParsedPart};
use super::headers::{self, Mapped};
use super::lines::TakenOut;
use super::readings::{self, Stated};
use super::records::{Malformed, Record, Records};
use super::reject::Reject;
use super::report::{FileReport, Layout};
use super::spec::kebab;
use super::windows::{Assumed, Next, Window, Windows};

/// Parts of a window: enough to keep some threads busy while the next one is read.
const PARTS_PER_WINDOW: usize = 4;

/// Bytes that a window may have however large its parts are.
const MOST_WINDOW_BYTES: usize = 256 * 1024 * 1024;

/// Bytes of the pieces that a file is read in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Of the first window, which everything is guessed from.
    pub(super) first: usize,
    pub(super) window: usize,
    pub(super) part: usize,
}

/// The least that a guess should rest on.
const LEAST_FIRST_BYTES: usize = 1024 * 1024;

impl Sizes {
    fn of(job: &Job<'_>) -> Self {
        let n_parts = PARTS_PER_WINDOW.max(2 * rayon::current_num_threads().min(8));
        let window = job.part_bytes.saturating_mul(n_parts).min(MOST_WINDOW_BYTES);
        Self { first: window.max(LEAST_FIRST_BYTES), window, part: job.part_bytes }
    }
}

/// Parses a file.
///
/// # Errors
/// Fails where the file as a whole cannot be trusted; single rows are rejected instead.
pub(super) fn parse(job: &Job<'_>, path: &Path, stated: &Stated) -> Result<ParsedFile, IngestError> {
    parse_in(job, path, stated, Sizes::of(job))
}

/// Parses a file in windows and parts of some size.
pub(super) fn parse_in(job: &Job<'_>, path: &Path, stated: &Stated, sizes: Sizes) -> Result<ParsedFile, IngestError> {
    let given = |encoding| Assumed { encoding, why: Some("given in the pipeline".to_owned()), damaged: false };
    let mut assumed = job.source.csv.encoding.map(given);
    let (mut sha256, n_told) = (None, Cell::new(0));
    loop {
        let (windows, first) = Windows::open(path, assumed, sizes.first, sizes.window)?;
        let parsed = match first {
            Next::Window(first) => File { job, path, stated, sizes, n_told: &n_told }.parse(windows, &first)?,
            Next::Mistaken => Outcome::mistaken(windows)?,
        };
        match parsed {
            Outcome::Parsed(parsed) if sha256.as_ref().is_none_or(|before| *before == parsed.report.sha256) => {
                return Ok(*parsed);
            }
            Outcome::Mistaken { is, sha256: now } if sha256.as_ref().is_none_or(|before| *before == now) => {
                assumed = Some(is);
                sha256 = Some(now);
            }
            _ => return Err(IngestError::Changed { file: path.to_owned() }),
        }
    }
}

/// What came of reading a file as what it was taken for.
enum Outcome {
    Parsed(Box<ParsedFile>),
    /// It is something else.
    Mistaken {
        is: Assumed,
        sha256: String,
    },
}

impl Outcome {
    fn mistaken(windows: Windows<'_>) -> Result<Self, IngestError> {
        let (is, _, sha256) = windows.finish()?;
        Ok(Self::Mistaken { is, sha256 })
    }
}

/// A file and how it is read.
#[derive(Clone, Copy)]
struct File<'a> {
    job: &'a Job<'a>,
    path: &'a Path,
    stated: &'a Stated,
    sizes: Sizes,
    /// Bytes of the file that progress knows of.
    n_told: &'a Cell<u64>,
}

/// What one pass over a file brings.
#[derive(Default)]
struct Pass {
    parts: Vec<ParsedPart>,
    evidence: Vec<Evidence>,
    rejects: Vec<Reject>,
    /// Numbers of the rejected records.
    rejected: Vec<u64>,
    n_records: u64,
    /// Says whether the readings proved wrong and only the evidence was kept.
    is_abandoned: bool,
}

impl File<'_> {
    fn parse(&self, mut windows: Windows<'_>, first: &Window) -> Result<Outcome, IngestError> {
        let job = self.job;
        let (taken_for, damaged) = (windows.assumed().clone(), windows.is_damaged());
        let text = first.text.as_str();
        let delimiter = job.source.csv.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok());
        let (dialect, delimiter_why) = dialect::detect(text, delimiter);
        let mut report = FileReport {
            table: job.spec.name,
            path: self.path.to_owned(),
            bytes: 0,
            sha256: String::new(),
            rows: 0,
            rejected: 0,
            evidence: vec![delimiter_why],
            mapping: Vec::new(),
            key: None,
            taken_out: TakenOut::default(),
            layout: Layout::Empty,
        };
        let Some(head) = self.head(first, dialect)? else {
            let (_, bytes, sha256) = windows.finish()?;
            self.tell(bytes);
            let report = FileReport { bytes, sha256, evidence: vec!["the file is empty".to_owned()], ..report };
            return Ok(Outcome::Parsed(Box::new(ParsedFile::without_rows(report))));
        };
        let columns = headers::map(job.spec, job.source, self.path, &head.headers)?;
        for Mapped { request, header, why, .. } in &columns {
            report.evidence.push(format!("`{header}` read as {} ({why})", kebab(&request.name)));
            report.mapping.push((request.name.clone(), header.clone()));
        }
        report.key = headers::key_position(job.spec, &columns);
        let body = Body {
            table: job.spec.name,
            key: job.spec.key(),
            path: self.path,
            separators: dialect.separators,
            n_fields: head.headers.len(),
            damaged,
            columns: &columns,
        };
        let has_rows = !(first.is_last && head.body >= text.len());
        let start = Text { text, start: head.body, line: head.line, is_last: first.is_last };
        let guess = body.guess(self.stated, start);
        let Some(mut pass) = self.pass(&body, start, &mut windows, &guess, true)? else {
            return Outcome::mistaken(windows);
        };
        let (is, bytes, sha256) = windows.finish()?;
        if (is.encoding, is.damaged) != (taken_for.encoding, damaged) {
            return Ok(Outcome::Mistaken { is, sha256 });
        }
        self.tell(bytes);
        let why = is.why.unwrap_or_default();
        report.evidence.insert(0, format!("encoding {} ({why})", is.encoding));
        (report.bytes, report.sha256) = (bytes, sha256);
        if !has_rows {
            report.evidence.push("a header and no rows".to_owned());
            return Ok(Outcome::Parsed(Box::new(ParsedFile { columns, ..ParsedFile::without_rows(report) })));
        }
        let delimiter = Some(dialect.separators.delimiter);
        let line_of = |line: usize| line as u64;
        let decisions =
            readings::decide(job.spec, self.path, &columns, self.stated, &pass.evidence, delimiter, &line_of)?;
        let decided: Vec<Reading> = decisions.iter().map(|decision| decision.reading).collect();
        if decided != guess || pass.is_abandoned {
            let evidence = std::mem::take(&mut pass.evidence);
            drop(pass);
            let known = Assumed { encoding: is.encoding, why: Some(why), damaged };
            pass = Pass { evidence, ..self.pass_again(&body, start, known, &decided, &report.sha256)? };
        }
        let Pass { parts, evidence, rejects, rejected, .. } = pass;
        report.layout =
            Layout::Csv { encoding: is.encoding, separators: dialect.separators, body: head.body, rejected };
        report.rejected = rejects.len();
        report.rows = parts.iter().map(|part| part.n_rows).sum();
        Ok(Outcome::Parsed(Box::new(ParsedFile { columns, parts, evidence, decisions, rejects, report })))
    }

    /// Reads the headers, or nothing where the text is blank.
    fn head(&self, first: &Window, dialect: Dialect) -> Result<Option<Head>, IngestError> {
        let text = first.text.as_str();
        let mut records = Records::new(text, dialect.separators, dialect.header);
        // A line before the header states the delimiter.
        let before = u64::from(dialect.header > 0) + 1;
        let Some(record) = records.next_record().or_else(|| (!first.is_last).then_some(Record::UNENDING)) else {
            return Ok(None);
        };
        let file = self.path.to_owned();
        if let Some(Malformed::OpenQuote { line }) = record.malformed {
            return Err(IngestError::OpenQuote { file, line: before + line as u64 });
        }
        if !record.is_complete && !first.is_last {
            let line = before + record.line as u64;
            return Err(IngestError::LongRecord { file, line, most_bytes: text.len() });
        }
        let mut scratch = String::new();
        let headers: Vec<String> =
            records.fields().iter().map(|field| field.text(text, &mut scratch).trim().to_owned()).collect();
        let is_blank = headers.iter().all(String::is_empty);
        let body = records.next_start();
        let line = before + records.n_lines() as u64;
        Ok((!is_blank || body < text.len() || !first.is_last).then_some(Head { headers, body, line }))
    }

    /// Parses all windows, each while the next one is read; nothing where the file is not what it was taken for.
    ///
    /// Where the readings may be wrong and prove to be, the rest of the file is only counted.
    fn pass(
        &self,
        body: &Body<'_>,
        first: Text<'_>,
        windows: &mut Windows<'_>,
        readings: &[Reading],
        may_be_wrong: bool,
    ) -> Result<Option<Pass>, IngestError> {
        let (delimiter, part_bytes) = (Some(body.separators.delimiter), self.sizes.part);
        let mut pass = Pass { evidence: body.no_evidence(), ..Pass::default() };
        let mut n_bytes = windows.n_bytes();
        let (mut text, mut spare, mut window) = (first, String::new(), Window::default());
        loop {
            let evidence = &mut pass.evidence;
            let (next, parsed) = rayon::join(
                || if text.is_last { None } else { Some(windows.next(spare)) },
                || body.parse(text, readings, part_bytes, evidence),
            );
            let parsed = parsed?;
            if !pass.is_abandoned {
                pass.add(body.rejects(text.text, &parsed.parts, text.line), parsed.parts);
            }
            self.tell(n_bytes);
            let Some(next) = next else { return Ok(Some(pass)) };
            let Next::Window(mut next) = next? else { return Ok(None) };
            if may_be_wrong && readings::guess(body.columns, self.stated, &pass.evidence, delimiter) != readings {
                pass.abandon();
            }
            n_bytes = windows.n_bytes();
            next.prepend(&text.text[parsed.end..]);
            spare = std::mem::replace(&mut window, next).text;
            text = Text { text: &window.text, start: 0, line: parsed.line, is_last: window.is_last };
        }
    }

    /// Parses the file once more, as its evidence decides; from memory where it is one window.
    fn pass_again(
        &self,
        body: &Body<'_>,
        first: Text<'_>,
        known: Assumed,
        decided: &[Reading],
        sha256: &str,
    ) -> Result<Pass, IngestError> {
        let changed = || IngestError::Changed { file: self.path.to_owned() };
        if first.is_last {
            let parsed = body.parse(first, decided, self.sizes.part, &mut body.no_evidence())?;
            let mut pass = Pass::default();
            pass.add(body.rejects(first.text, &parsed.parts, first.line), parsed.parts);
            return Ok(pass);
        }
        let (mut windows, again) = Windows::open(self.path, Some(known), self.sizes.first, self.sizes.window)?;
        let Next::Window(again) = again else { return Err(changed()) };
        if again.text != first.text {
            return Err(changed());
        }
        let pass = self.pass(body, first, &mut windows, decided, false)?.ok_or_else(changed)?;
        let (_, _, now) = windows.finish()?;
        if now == sha256 { Ok(pass) } else { Err(changed()) }
    }

    /// Tells that the file is read so far, which a second pass says again.
    fn tell(&self, n_bytes: u64) {
        let n_more = n_bytes.saturating_sub(self.n_told.get());
        if n_more > 0 {
            self.n_told.set(n_bytes);
            self.job.progress(n_more);
        }
    }
}

impl Pass {
    /// Adds the parts of one more window.
    fn add(&mut self, rejects: Vec<Reject>, parts: Vec<TextPart>) {
        self.rejects.extend(rejects);
        for part in parts {
            self.rejected.extend(part.rejected().map(|ordinal| self.n_records + ordinal));
            self.n_records += part.n_records;
            self.parts.push(ParsedPart { n_rows: part.n_rows, columns: part.columns });
        }
    }

    /// Keeps nothing but the evidence.
    fn abandon(&mut self) {
        self.is_abandoned = true;
        (self.parts, self.rejects, self.rejected) = (Vec::new(), Vec::new(), Vec::new());
    }
}

/// What the start of a file says.
struct Head {
    headers: Vec<String>,
    /// Where the first record begins, and in which line.
    body: usize,
    line: u64,
}
