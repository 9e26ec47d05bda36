//! The records of a text file to typed columns: the text of a window cut into parts, and parts parsed side by side.
//!
//! A part collects a few records at a time and then reads them column by column, so that what differs between columns is decided once
//! for many cells. A window is cut at guessed boundaries and its parts are checked one against the next (see `records`); what
//! the last record of a window lacks comes with the next one.
//!
//! `O(n)` time over all threads; memory: the columns and the distinct texts of every part.

use std::path::Path;

use rayon::prelude::*;

use super::IngestError;
use super::column::{Builder, Evidence, Fault, Reading};
use super::encoding::DAMAGE;
use super::headers::Mapped;
use super::readings::{self, Stated};
use super::records::{Cells, Field, Malformed, Record, Records, Separators, boundary_after, guess_boundaries};
use super::reject::{Reject, key_of};

/// Cells that are collected before they are read.
const BATCH_CELLS: usize = 512;

/// Bytes at the start of a file that the first guess rests on.
const SAMPLE_START: usize = 64 * 1024;

/// Further places in the first window that it looks at, and bytes at each.
const SAMPLE_PLACES: usize = 8;
const SAMPLE_PLACE: usize = 8 * 1024;

/// Bytes that a record may have where the file is larger than a window.
pub(super) const MOST_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// What is the same in all records of a file.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) table: &'static str,
    /// Canonical name of the column that says what a row is about.
    pub(super) key: Option<&'a str>,
    pub(super) path: &'a Path,
    pub(super) separators: Separators,
    /// Fields of the header, and of every record.
    pub(super) n_fields: usize,
    /// Says whether bytes that could not be read became [`DAMAGE`].
    pub(super) damaged: bool,
    pub(super) columns: &'a [Mapped],
}

/// Some text of the file that begins with a record.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    /// Where the first record begins.
    pub(super) start: usize,
    /// Line in which it does; the first of the file is 1.
    pub(super) line: u64,
    /// Says whether the file ends where the text does.
    pub(super) is_last: bool,
}

/// Records of one part of the file.
pub(super) struct TextPart {
    start: usize,
    /// Where the next part should begin.
    nominal_end: usize,
    /// Where it does begin, and how many lines later.
    end: usize,
    n_lines: usize,
    pub(super) n_records: u64,
    pub(super) n_rows: usize,
    pub(super) columns: Vec<Builder>,
    rejected: Vec<RejectedRecord>,
    cut: Option<Malformed>,
}

struct RejectedRecord {
    /// Number of the record in its part.
    ordinal: u64,
    record: Record,
    fault: RecordFault,
}

enum RecordFault {
    Fields(usize),
    TextAfterQuote,
    Damage,
    Cell { column: usize, fault: Fault },
}

/// What became of some text.
pub(super) struct Parsed {
    pub(super) parts: Vec<TextPart>,
    /// Where the record begins that the end of the text cuts, and its line.
    pub(super) end: usize,
    pub(super) line: u64,
}

impl Body<'_> {
    /// Collects evidence from the start of the text and from a few places further on, and guesses from it.
    pub(super) fn guess(&self, stated: &Stated, text: Text<'_>) -> Vec<Reading> {
        let delimiter = Some(self.separators.delimiter);
        let readings = readings::guess(self.columns, stated, &self.no_evidence(), delimiter);
        let (start, length) = (text.start, text.text.len());
        let mut places = vec![(start, start.saturating_add(SAMPLE_START))];
        let step = (length - start) / SAMPLE_PLACES;
        if step > SAMPLE_START {
            for place in 1..SAMPLE_PLACES {
                let at = boundary_after(text.text, self.separators, start + place * step, self.n_fields);
                places.extend(at.map(|at| (at, at.saturating_add(SAMPLE_PLACE))));
            }
        }
        let mut sample = self.no_evidence();
        for (start, end) in places {
            self.parse_part(text, start, end.min(length), &readings).move_evidence(&mut sample, 0);
        }
        readings::guess(self.columns, stated, &sample, delimiter)
    }

    /// Returns what no cell says.
    pub(super) fn no_evidence(&self) -> Vec<Evidence> {
        self.columns.iter().map(|column| Evidence::new(column.request.cell)).collect()
    }

    /// Parses all records of a text but the one that its end cuts; adds to the evidence.
    ///
    /// # Errors
    /// Fails where a quote does not close, or a record goes on and on.
    pub(super) fn parse(
        &self,
        text: Text<'_>,
        readings: &[Reading],
        part_bytes: usize,
        evidence: &mut [Evidence],
    ) -> Result<Parsed, IngestError> {
        let length = text.text.len();
        let starts = guess_boundaries(text.text, self.separators, text.start, self.n_fields, part_bytes);
        let ends = starts.iter().skip(1).copied().chain([length]);
        let bounds: Vec<(usize, usize)> = starts.iter().copied().zip(ends).collect();
        let mut parts: Vec<TextPart> =
            bounds.into_par_iter().map(|(start, end)| self.parse_part(text, start, end, readings)).collect();
        let (mut end, mut line) = (text.start, text.line);
        for part in &mut parts {
            if part.start != end {
                *part = self.parse_part(text, end, part.nominal_end, readings);
            }
            part.move_evidence(evidence, line);
            if part.cut.is_some() {
                self.check_cut(text, part, line)?;
            }
            end = part.end;
            line += part.n_lines as u64;
        }
        Ok(Parsed { parts, end, line })
    }

    /// Says whether the record that the end of the text cuts may go on; the part begins in a line.
    fn check_cut(&self, text: Text<'_>, part: &TextPart, line: u64) -> Result<(), IngestError> {
        if !text.is_last && text.text.len() - part.end <= MOST_RECORD_BYTES {
            return Ok(());
        }
        let file = self.path.to_owned();
        Err(match part.cut {
            Some(Malformed::OpenQuote { line: opens }) => IngestError::OpenQuote { file, line: line + opens as u64 },
            _ => IngestError::LongRecord { file, line: line + part.n_lines as u64, most_bytes: MOST_RECORD_BYTES },
        })
    }

    /// Parses the records that begin in `start..nominal_end`.
    fn parse_part(&self, text: Text<'_>, start: usize, nominal_end: usize, readings: &[Reading]) -> TextPart {
        let new_builder =
            |(column, reading): (&Mapped, &Reading)| Builder::new(column.request.cell, *reading, column.nullable);
        let mut part = TextPart {
            start,
            nominal_end,
            end: start,
            n_lines: 0,
            n_records: 0,
            n_rows: 0,
            columns: self.columns.iter().zip(readings).map(new_builder).collect(),
            rejected: Vec::new(),
            cut: None,
        };
        let mut records = Records::new(text.text, self.separators, start);
        let mut batch = Batch::new(self.n_fields);
        loop {
            part.end = records.next_start();
            part.n_lines = records.n_lines();
            if part.end == text.text.len() && !text.is_last {
                part.end = records.position();
                break;
            }
            if part.end >= nominal_end {
                break;
            }
            let Some(record) = records.next_into(&mut batch.fields) else { break };
            let n_fields = batch.fields.len() - batch.rows.len() * self.n_fields;
            let open_quote = matches!(record.malformed, Some(Malformed::OpenQuote { .. }));
            if !record.is_complete && (!text.is_last || open_quote) {
                part.cut = Some(record.malformed.unwrap_or(Malformed::TextAfterQuote));
                (part.end, part.n_lines) = (record.start, record.line);
                break;
            }
            let ordinal = part.n_records;
            part.n_records += 1;
            let fault = match record.malformed {
                Some(_) => Some(RecordFault::TextAfterQuote),
                None if n_fields != self.n_fields => Some(RecordFault::Fields(n_fields)),
                None if self.damaged && text.text[record.start..record.end].contains(DAMAGE) => {
                    Some(RecordFault::Damage)
                }
                None => None,
            };
            if let Some(fault) = fault {
                batch.fields.truncate(batch.rows.len() * self.n_fields);
                part.rejected.push(RejectedRecord { ordinal, record, fault });
                continue;
            }
            batch.rows.push((ordinal, record));
            batch.lines.push(record.line);
            if batch.rows.len() == batch.most {
                if part.n_rows == 0 {
                    let bytes_per_row = ((record.end - start) / batch.rows.len()).max(1);
                    let n_rows = (nominal_end - start) / bytes_per_row;
                    part.columns.iter_mut().for_each(|column| column.reserve(n_rows + n_rows / 16));
                }
                part.read(&mut batch, text.text, self);
            }
        }
        part.read(&mut batch, text.text, self);
        part.finish(&batch.faulty_rows);
        part
    }

    /// Writes out what was rejected in some parts, which begin in a line.
    pub(super) fn rejects(&self, text: &str, parts: &[TextPart], line: u64) -> Vec<Reject> {
        let key = self.columns.iter().find(|column| Some(&*column.request.name) == self.key);
        let (mut scratch, mut rejects, mut part_line) = (String::new(), Vec::new(), line);
        for part in parts {
            for RejectedRecord { record, fault, .. } in &part.rejected {
                let (column, reason) = match fault {
                    RecordFault::Fields(n) => (None, format!("{} fields expected, {n} found", self.n_fields)),
                    RecordFault::TextAfterQuote => (None, "text after a closing quote".to_owned()),
                    RecordFault::Damage => (None, "bytes that the encoding does not have".to_owned()),
                    RecordFault::Cell { column, fault } => {
                        (Some(self.columns[*column].header.clone()), fault.to_string())
                    }
                };
                let mut records = Records::new(text, self.separators, record.start);
                records.next_record();
                let key = key.and_then(|column| records.fields().get(column.position));
                let key = key.and_then(|field| key_of(field.text(text, &mut scratch)));
                let row = text[record.start..record.end].to_owned();
                let (file, line) = (self.path.to_owned(), part_line + record.line as u64);
                rejects.push(Reject { table: self.table, file, line, column, reason, row, key });
            }
            part_line += part.n_lines as u64;
        }
        rejects
    }
}

/// Records that wait to be read, column by column.
struct Batch {
    most: usize,
    fields: Vec<Field>,
    rows: Vec<(u64, Record)>,
    lines: Vec<usize>,
    faulty_rows: Vec<usize>,
}

impl Batch {
    fn new(n_fields: usize) -> Self {
        let most = (BATCH_CELLS / n_fields.max(1)).max(1);
        Self {
            most,
            fields: Vec::with_capacity((most + 1) * n_fields),
            rows: Vec::with_capacity(most),
            lines: Vec::with_capacity(most),
            faulty_rows: Vec::new(),
        }
    }
}

impl TextPart {
    /// Returns the numbers of the rejected records in their part.
    pub(super) fn rejected(&self) -> impl Iterator<Item = u64> {
        self.rejected.iter().map(|rejected| rejected.ordinal)
    }

    /// Reads the cells of a batch; every cell is read even after a fault, so that the evidence is whole.
    fn read(&mut self, batch: &mut Batch, text: &str, body: &Body<'_>) {
        let mut faults = Vec::new();
        for (ix, (column, builder)) in body.columns.iter().zip(&mut self.columns).enumerate() {
            let fields = batch.fields.get(column.position..).unwrap_or_default();
            let cells = Cells { text, fields, n_fields: body.n_fields, lines: &batch.lines };
            builder.push_cells(cells, &mut |row, fault| faults.push((row, ix, fault)));
        }
        if !faults.is_empty() {
            faults.sort_by_key(|(row, column, _)| (*row, *column));
            faults.dedup_by_key(|(row, ..)| *row);
            for (row, column, fault) in faults {
                batch.faulty_rows.push(self.n_rows + row);
                let (ordinal, record) = batch.rows[row];
                let fault = RecordFault::Cell { column, fault };
                self.rejected.push(RejectedRecord { ordinal, record, fault });
            }
        }
        self.n_rows += batch.rows.len();
        batch.rows.clear();
        batch.lines.clear();
        batch.fields.clear();
    }

    /// Takes out the rows with a fault, and brings the rejected records into their order.
    fn finish(&mut self, faulty_rows: &[usize]) {
        if !faulty_rows.is_empty() {
            let mut keep = vec![true; self.n_rows];
            faulty_rows.iter().for_each(|row| keep[*row] = false);
            self.columns.iter_mut().for_each(|column| column.retain(&keep));
            self.n_rows -= faulty_rows.len();
            self.rejected.sort_by_key(|rejected| rejected.ordinal);
        }
        self.columns.iter_mut().for_each(Builder::close);
    }

    /// Moves the evidence of a part that begins in a line to that of the parts before.
    fn move_evidence(&mut self, all: &mut [Evidence], line: u64) {
        for (all, column) in all.iter_mut().zip(&mut self.columns) {
            let mut evidence = column.take_evidence();
            evidence.move_on(line as usize);
            all.add(evidence);
        }
    }
}
