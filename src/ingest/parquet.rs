//! Parquet files to typed columns: only the columns that are mapped, every column of every row group on its own.
//!
//! Text goes through the same readers as the cells of a text file, so that a table is the same in either format; numbers, days and
//! timestamps need none. A row with a cell that cannot be read is rejected by its row number, and shown with its mapped columns.
//!
//! `O(values)` time over all threads; memory: one batch of values a column and thread, and the columns.

use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{Encoding, PageType};
use parquet::file::metadata::ColumnChunkMetaData;
use rayon::prelude::*;

use super::IngestError;
use super::column::{Builder, Evidence, Fault, Part, Reading, TypedColumn, join};
use super::file::{self, Job, ParsedFile, ParsedPart, unreadable};
use super::headers::{self, Mapped};
use super::lines::TakenOut;
use super::parquet_texts::ColumnReader;
use super::parquet_values;
use super::readings::{self, Stated};
use super::reject::{Reject, RowAgain};
use super::report::{FileReport, Layout};
use super::spec::{Cell, kebab};
use crate::units::NONE_IX;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 16 * 1024;

/// Rows that room is made for before they are there: the number that a file states may be wrong.
const MOST_ROWS_AT_ONCE: usize = 4 * 1024 * 1024;

/// Parses a file.
///
/// # Errors
/// Fails where the file as a whole cannot be trusted; single rows are rejected instead.
pub(super) fn parse(job: &Job<'_>, path: &Path, stated: &Stated) -> Result<ParsedFile, IngestError> {
    let parse = || guard(path, || parse_file(job, path, stated));
    let (sha256, parsed) = rayon::join(|| file::sha256_of_file(path), parse);
    let mut parsed = parsed?;
    parsed.report.sha256 = sha256?;
    Ok(parsed)
}

fn parse_file(job: &Job<'_>, path: &Path, stated: &Stated) -> Result<ParsedFile, IngestError> {
    let bytes = path.metadata().map_err(|cause| unreadable(path, cause))?.len();
    let mut report = FileReport {
        table: job.spec.name,
        path: path.to_owned(),
        bytes,
        sha256: String::new(),
        rows: 0,
        rejected: 0,
        evidence: Vec::new(),
        mapping: Vec::new(),
        key: None,
        taken_out: TakenOut::default(),
        layout: Layout::Empty,
    };
    if bytes == 0 {
        report.evidence.push("the file is empty".to_owned());
        return Ok(ParsedFile::without_rows(report));
    }
    let table = Table::open(path)?;
    let fields = table.metadata.schema().fields();
    let headers: Vec<String> = fields.iter().map(|field| field.name().trim().to_owned()).collect();
    let columns = headers::map(job.spec, job.source, path, &headers)?;
    report.evidence.push(format!("Parquet ({} rows in {} groups)", table.n_rows(), table.groups.len()));
    for Mapped { request, header, position, why, .. } in &columns {
        let kind = fields[*position].data_type();
        if !parquet_values::can_read(kind, request.cell) {
            return Err(IngestError::UnreadableType {
                file: path.to_owned(),
                column: kebab(&request.name),
                header: header.clone(),
                found: kind.to_string(),
            });
        }
        report.evidence.push(format!("`{header}` read as {} ({why}, type {kind})", kebab(&request.name)));
        report.mapping.push((request.name.clone(), header.clone()));
    }
    report.key = headers::key_position(job.spec, &columns);
    if table.n_rows() == 0 {
        report.evidence.push("a header and no rows".to_owned());
        job.progress(bytes);
        return Ok(ParsedFile { columns, ..ParsedFile::without_rows(report) });
    }
    let nothing: Vec<Evidence> = columns.iter().map(|column| Evidence::new(column.request.cell)).collect();
    let guess = readings::guess(&columns, stated, &nothing, None);
    let mut groups = table.parse(&columns, &guess)?;
    job.progress(bytes);
    let mut evidence = nothing;
    for group in &mut groups {
        for (all, column) in evidence.iter_mut().zip(&mut group.columns) {
            all.add(column.take_evidence());
        }
    }
    let row_of = |at: usize| at as u64 + 1;
    let decisions = readings::decide(job.spec, path, &columns, stated, &evidence, None, &row_of)?;
    let decided: Vec<Reading> = decisions.iter().map(|decision| decision.reading).collect();
    if decided != guess {
        groups = table.parse(&columns, &decided)?;
    }
    let rejected: Vec<u64> =
        groups.iter().flat_map(|group| group.rejected.iter().map(|(row, ..)| *row as u64)).collect();
    let rejects = table.rejects(job, &columns, &groups, &rejected)?;
    let parts: Vec<ParsedPart> =
        groups.into_iter().map(|group| ParsedPart { n_rows: group.n_rows, columns: group.columns }).collect();
    report.rows = parts.iter().map(|part| part.n_rows).sum();
    report.rejected = rejects.len();
    report.layout = Layout::Parquet { rejected };
    Ok(ParsedFile { columns, parts, evidence, decisions, rejects, report })
}

/// Returns number, counted from 1, text and key of rows, by their ascending numbers counted from 0.
///
/// # Errors
/// Fails where the file cannot be read again or is no longer the same.
pub(super) fn rows_as_text(report: &FileReport, rows: &[u64]) -> Result<Vec<RowAgain>, IngestError> {
    if file::sha256_of_file(&report.path)? != report.sha256 {
        return Err(IngestError::Changed { file: report.path.clone() });
    }
    guard(&report.path, || mapped_rows_as_text(report, rows))
}

fn mapped_rows_as_text(report: &FileReport, rows: &[u64]) -> Result<Vec<RowAgain>, IngestError> {
    let table = Table::open(&report.path)?;
    let fields = table.metadata.schema().fields();
    let position = |header: &String| fields.iter().position(|field| field.name().trim() == header);
    let positions: Vec<usize> = report.mapping.iter().filter_map(|(_, header)| position(header)).collect();
    let keys = report.key.map_or_else(|| Ok(vec![None; rows.len()]), |position| table.keys(position, rows))?;
    let texts = table.rows_as_text(&positions, rows)?;
    Ok(texts.into_iter().zip(keys).map(|((line, row), key)| RowAgain { line, row, key }).collect())
}

/// Turns a panic of the decoder into an error: it trusts some numbers of the file that damage may have changed.
fn guard<T>(path: &Path, read: impl FnOnce() -> Result<T, IngestError>) -> Result<T, IngestError> {
    // Nothing that the panic may have left half done outlives the call.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged(path, &"its numbers contradict each other")))
}

/// An open Parquet file.
struct Table<'a> {
    path: &'a Path,
    metadata: ArrowReaderMetadata,
    /// The same with all texts as texts, and with all of them as numbers into the distinct ones.
    texts: ArrowReaderMetadata,
    numbered: ArrowReaderMetadata,
    /// Rows of every row group, numbered through the file.
    groups: Vec<Range<usize>>,
}

/// Rows of one row group.
struct Group {
    n_rows: usize,
    columns: Vec<Builder>,
    /// Row, position among the columns, and what is wrong.
    rejected: Vec<(usize, usize, Fault)>,
}

impl<'a> Table<'a> {
    fn open(path: &'a Path) -> Result<Self, IngestError> {
        let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
        let metadata =
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| damaged(path, &error))?;
        let mut groups = Vec::new();
        let mut start = 0_usize;
        for group in metadata.metadata().row_groups() {
            let is_negative = |column: &ColumnChunkMetaData| {
                column.data_page_offset() < 0
                    || column.dictionary_page_offset().is_some_and(|offset| offset < 0)
                    || column.compressed_size() < 0
            };
            if group.columns().iter().any(is_negative) {
                return Err(damaged(path, &"a column has a negative place or length"));
            }
            let n_rows = usize::try_from(group.num_rows()).map_err(|error| damaged(path, &error))?;
            let end = start.checked_add(n_rows).ok_or_else(|| damaged(path, &"more rows than can be"))?;
            groups.push(start..end);
            start = end;
        }
        let numbers = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let texts = with_texts_as(&metadata, &DataType::Utf8);
        let numbered = with_texts_as(&metadata, &numbers);
        Ok(Self { path, metadata, texts, numbered, groups })
    }

    fn n_rows(&self) -> usize {
        self.groups.last().map_or(0, |group| group.end)
    }

    /// Starts reading some columns as the types that the file states.
    fn builder(&self, positions: &[usize]) -> Result<ParquetRecordBatchReaderBuilder<File>, IngestError> {
        self.builder_of(&self.metadata, positions)
    }

    /// Starts reading a column for one row group: texts as numbers where all of them are numbered there, else as texts.
    fn column(&self, position: usize, group: usize) -> Result<ParquetRecordBatchReaderBuilder<File>, IngestError> {
        let leaves = self.metadata.parquet_schema().columns();
        let name = self.metadata.schema().field(position).name();
        let mut own = (0..leaves.len()).filter(|leaf| leaves[*leaf].path().parts().first() == Some(name));
        let chunk = own.next().map(|leaf| self.metadata.metadata().row_group(group).column(leaf));
        let metadata = if chunk.is_some_and(is_numbered) { &self.numbered } else { &self.texts };
        self.builder_of(metadata, &[position])
    }

    /// Every reader has a file of its own, because files share their position.
    fn builder_of(
        &self,
        metadata: &ArrowReaderMetadata,
        positions: &[usize],
    ) -> Result<ParquetRecordBatchReaderBuilder<File>, IngestError> {
        let file = File::open(self.path).map_err(|cause| unreadable(self.path, cause))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), positions.iter().copied());
        Ok(builder.with_projection(mask).with_batch_size(BATCH_ROWS))
    }

    fn parse(&self, columns: &[Mapped], readings: &[Reading]) -> Result<Vec<Group>, IngestError> {
        let units: Vec<(usize, usize)> =
            (0..self.groups.len()).flat_map(|group| (0..columns.len()).map(move |column| (group, column))).collect();
        let parsed: Vec<Result<_, IngestError>> = units
            .into_par_iter()
            .map(|(group, column)| self.parse_column(group, &columns[column], readings[column]))
            .collect();
        let mut parsed = parsed.into_iter();
        let mut groups = Vec::with_capacity(self.groups.len());
        for rows in &self.groups {
            let mut group = Group { n_rows: rows.len(), columns: Vec::new(), rejected: Vec::new() };
            for (ix, unit) in parsed.by_ref().take(columns.len()).enumerate() {
                let (builder, faults) = unit?;
                group.columns.push(builder);
                group.rejected.extend(faults.into_iter().map(|(row, fault)| (row, ix, fault)));
            }
            group.reject(rows.start);
            groups.push(group);
        }
        Ok(groups)
    }

    fn parse_column(
        &self,
        group: usize,
        column: &Mapped,
        reading: Reading,
    ) -> Result<(Builder, Vec<(usize, Fault)>), IngestError> {
        let cell = column.request.cell;
        let (mut builder, mut faults) = (Builder::new(cell, reading, column.nullable), Vec::new());
        let reader = self.column(column.position, group)?.with_row_groups(vec![group]).build();
        let rows = self.groups[group].clone();
        builder.reserve(rows.len().min(MOST_ROWS_AT_ONCE));
        let mut values = ColumnReader::new(cell, rows.start);
        for batch in reader.map_err(|error| damaged(self.path, &error))? {
            let batch = batch.map_err(|error| damaged(self.path, &error))?;
            let array = batch.columns().first().ok_or_else(|| damaged(self.path, &"a column is missing"))?;
            values.push(&mut builder, array, &mut faults).map_err(|error| damaged(self.path, &error))?;
        }
        builder.close();
        if values.row() == rows.end {
            Ok((builder, faults))
        } else {
            Err(damaged(self.path, &"a column has not as many values as rows"))
        }
    }

    fn rejects(
        &self,
        job: &Job<'_>,
        columns: &[Mapped],
        groups: &[Group],
        rows: &[u64],
    ) -> Result<Vec<Reject>, IngestError> {
        let positions: Vec<usize> = columns.iter().map(|column| column.position).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.rows_as_text(&positions, rows)?;
        let key = headers::key_position(job.spec, columns);
        let keys = key.map_or_else(|| Ok(vec![None; rows.len()]), |position| self.keys(position, rows))?;
        let faults = groups.iter().flat_map(|group| &group.rejected);
        let rejects = faults.zip(texts).zip(keys).map(|(((_, column, fault), (line, row)), key)| Reject {
            table: job.spec.name,
            file: self.path.to_owned(),
            line,
            column: Some(columns[*column].header.clone()),
            reason: fault.to_string(),
            row,
            key,
        });
        Ok(rejects.collect())
    }

    /// Reads the ids in some rows of a column; one that is empty or unreadable is nothing.
    fn keys(&self, position: usize, rows: &[u64]) -> Result<Vec<Option<String>>, IngestError> {
        let mut builder = Builder::new(Cell::Id, Reading::Id, true);
        let mut values = ColumnReader::new(Cell::Id, 0);
        for batch in self.read_rows(&[position], rows)? {
            let batch = batch.map_err(|error| damaged(self.path, &error))?;
            let array = batch.columns().first().ok_or_else(|| damaged(self.path, &"a column is missing"))?;
            values.push(&mut builder, array, &mut Vec::new()).map_err(|error| damaged(self.path, &error))?;
        }
        let TypedColumn::Text { codes, values } = join(Cell::Id, vec![Part::Built(Box::new(builder))]) else {
            return Ok(vec![None; rows.len()]);
        };
        Ok(codes.into_iter().map(|code| (code != NONE_IX).then(|| values.get(code).to_owned())).collect())
    }

    /// Starts reading some columns of some rows, which may be none.
    fn read_rows(&self, positions: &[usize], rows: &[u64]) -> Result<ParquetRecordBatchReader, IngestError> {
        let single = rows.iter().map(|row| *row as usize..*row as usize + 1);
        let selection = RowSelection::from_consecutive_ranges(single, self.n_rows());
        let reader = self.builder(positions)?.with_row_selection(selection).build();
        reader.map_err(|error| damaged(self.path, &error))
    }

    /// Writes some columns of some rows as a text file would.
    fn rows_as_text(&self, positions: &[usize], rows: &[u64]) -> Result<Vec<(u64, String)>, IngestError> {
        let mut texts = Vec::with_capacity(rows.len());
        for batch in self.read_rows(positions, rows)? {
            let batch = batch.map_err(|error| damaged(self.path, &error))?;
            for row in 0..batch.num_rows() {
                let cells: Vec<String> = batch.columns().iter().map(|column| cell_as_text(column, row)).collect();
                texts.push(cells.join(","));
            }
        }
        Ok(rows.iter().map(|row| row + 1).zip(texts).collect())
    }
}

impl Group {
    /// Takes out the rows with a fault, whose numbers start at `start`; the first column at fault is named.
    fn reject(&mut self, start: usize) {
        if self.rejected.is_empty() {
            return;
        }
        self.rejected.sort_by_key(|(row, column, _)| (*row, *column));
        self.rejected.dedup_by_key(|(row, ..)| *row);
        let mut keep = vec![true; self.n_rows];
        self.rejected.iter().for_each(|(row, ..)| keep[row - start] = false);
        self.columns.iter_mut().for_each(|column| column.retain(&keep));
        self.n_rows -= self.rejected.len();
    }
}

/// Returns the same metadata with another type for every column of texts; where that cannot be, as they are.
fn with_texts_as(metadata: &ArrowReaderMetadata, kind: &DataType) -> ArrowReaderMetadata {
    let as_kind = |field: &FieldRef| {
        let is_text = match field.data_type() {
            DataType::Dictionary(_, values) => **values == DataType::Utf8,
            found => *found == DataType::Utf8,
        };
        if is_text { Arc::new(field.as_ref().clone().with_data_type(kind.clone())) } else { field.clone() }
    };
    let schema = metadata.schema();
    let fields: Vec<FieldRef> = schema.fields().iter().map(as_kind).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).unwrap_or_else(|_| metadata.clone())
}

/// Says whether every page of a column holds numbers into its distinct values.
fn is_numbered(column: &ColumnChunkMetaData) -> bool {
    let is_dictionary = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    if let Some(stats) = column.page_encoding_stats() {
        let is_data = |kind| matches!(kind, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
        return stats.iter().filter(|pages| is_data(pages.page_type)).all(|pages| is_dictionary(pages.encoding));
    }
    column.page_encoding_stats_mask().is_some_and(|mask| mask.encodings().all(is_dictionary))
}

/// Writes one value, quoted where it would not stay one field.
fn cell_as_text(column: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(column.as_ref(), &options)
        .and_then(|formatter| formatter.value(row).try_to_string())
        .unwrap_or_default();
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> IngestError {
    let message = error.to_string();
    let message = message.strip_prefix("Parquet error: ").unwrap_or(&message).to_owned();
    IngestError::DamagedParquet { file: path.to_owned(), message }
}
