//! Rows that are not accepted: which, why, and how they read in the file.
//!
//! Clean rows cost nothing: a file keeps only the numbers of its rejected records. Where a later step finds fault with an accepted
//! row, the file is read once more to find its line and text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::records::Records;
use super::report::{FileReport, Layout};
use super::windows::{Assumed, Next, Windows};
use super::{IngestError, cells, parquet};

/// Bytes of a text file that are read again at a time.
const WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// A record that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Table that it belongs to.
    pub table: &'static str,
    /// File as the user gave it.
    pub file: PathBuf,
    /// Physical line on which the record begins, the first is 1; in a Parquet file the row, the first is 1.
    pub line: u64,
    /// Header of the cell at fault, if one is.
    pub column: Option<String>,
    /// What is wrong; shapes only, never what the cell holds.
    pub reason: String,
    /// The record as it reads in the file.
    pub row: String,
    /// What the row is about: its cell in the column [`TableSpec::key`](super::TableSpec::key), as ids are kept. Nothing where the row
    /// does not reach that far, or has none.
    pub key: Option<String>,
}

/// A row that was read once more.
pub(super) struct RowAgain {
    pub line: u64,
    pub row: String,
    pub key: Option<String>,
}

/// Rejects rows that were accepted: finds their files, lines and texts.
///
/// `rows` are positions in the columns of the table whose reports `files` are; `column` is a canonical name.
///
/// # Errors
/// Fails where a file cannot be read again or is no longer the same.
///
/// # Panics
/// Panics if a row is not one of the table.
pub fn reject_rows(
    files: &[FileReport],
    rows: &[usize],
    column: Option<&str>,
    reason: &str,
) -> Result<Vec<Reject>, IngestError> {
    let mut starts = vec![0];
    starts.extend(files.iter().scan(0, |end, file| {
        *end += file.rows;
        Some(*end)
    }));
    let mut by_file: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for row in rows {
        let file = starts.partition_point(|start| start <= row) - 1;
        assert!(file < files.len(), "a row of the table lies in one of its files");
        by_file.entry(file).or_default().push((row - starts[file]) as u64);
    }
    let mut rejects = Vec::new();
    for (ix, mut accepted) in by_file {
        let file = &files[ix];
        accepted.sort_unstable();
        accepted.dedup();
        // Rows that were taken out of the table are still in the file.
        let accepted = ordinals(&accepted, &file.taken_out.rows);
        let header = column.and_then(|name| file.mapping.iter().find(|(mapped, _)| *mapped == name));
        let found = match &file.layout {
            Layout::Empty => Vec::new(),
            Layout::Csv { rejected, .. } => read_csv(file, &ordinals(&accepted, rejected))?,
            Layout::Parquet { rejected } => parquet::rows_as_text(file, &ordinals(&accepted, rejected))?,
        };
        rejects.extend(found.into_iter().map(|RowAgain { line, row, key }| Reject {
            table: file.table,
            file: file.path.clone(),
            line,
            column: header.map(|(_, header)| header.clone()),
            reason: reason.to_owned(),
            row,
            key,
        }));
    }
    Ok(rejects)
}

/// Reads the rejected rows of a file again.
///
/// # Errors
/// Fails where the file cannot be read again or is no longer the same.
pub(super) fn rejected_rows(report: &FileReport) -> Result<Vec<RowAgain>, IngestError> {
    match &report.layout {
        Layout::Csv { rejected, .. } if !rejected.is_empty() => read_csv(report, rejected),
        Layout::Parquet { rejected } if !rejected.is_empty() => parquet::rows_as_text(report, rejected),
        _ => Ok(Vec::new()),
    }
}

/// Returns the cell of an id the way ids are kept, or nothing where it is empty.
pub fn key_of(cell: &str) -> Option<String> {
    let cell = cells::trim(cell);
    (!cells::is_empty(cell)).then(|| cells::id(cell).to_owned())
}

/// Turns ascending numbers of accepted rows into numbers of records, rejected ones counted.
fn ordinals(accepted: &[u64], rejected: &[u64]) -> Vec<u64> {
    let mut n_before = 0;
    let ordinal = |row: &u64| {
        while rejected.get(n_before).is_some_and(|ordinal| *ordinal <= row + n_before as u64) {
            n_before += 1;
        }
        row + n_before as u64
    };
    accepted.iter().map(ordinal).collect()
}

/// Returns records, by their ascending numbers.
fn read_csv(report: &FileReport, ordinals: &[u64]) -> Result<Vec<RowAgain>, IngestError> {
    let Layout::Csv { encoding, separators, body, .. } = &report.layout else { return Ok(Vec::new()) };
    let changed = || IngestError::Changed { file: report.path.clone() };
    // Text that is all right is the same whether damage is expected or not.
    let known = Assumed { encoding: *encoding, why: Some(String::new()), damaged: true };
    let (mut windows, first) = Windows::open(&report.path, Some(known), WINDOW_BYTES, WINDOW_BYTES)?;
    let Next::Window(mut window) = first else { return Err(changed()) };
    let (mut found, mut ordinal, mut line, mut start) = (Vec::new(), 0, 1, *body);
    let mut scratch = String::new();
    let mut wanted = ordinals.iter().peekable();
    loop {
        let text = window.text.as_str();
        let before = &text.as_bytes()[..start.min(text.len())];
        line += memchr::memchr_iter(separators.newline, before).count() as u64;
        let mut records = Records::new(text, *separators, before.len());
        let mut cut = None;
        while let Some(next) = wanted.peek() {
            let Some(record) = records.next_record() else { break };
            if !record.is_complete && !window.is_last {
                cut = Some((record.start, record.line));
                break;
            }
            if ordinal == **next {
                let key = report.key.and_then(|position| records.fields().get(position));
                let key = key.and_then(|field| key_of(field.text(text, &mut scratch)));
                let row = text[record.start..record.end].to_owned();
                found.push(RowAgain { line: line + record.line as u64, row, key });
                wanted.next();
            }
            ordinal += 1;
        }
        if window.is_last || wanted.peek().is_none() {
            break;
        }
        let (end, n_lines) = cut.unwrap_or((records.position(), records.n_lines()));
        line += n_lines as u64;
        start = start.saturating_sub(text.len());
        let Next::Window(mut next) = windows.next(String::new())? else { return Err(changed()) };
        next.prepend(&text[end..]);
        window = next;
    }
    let (_, _, sha256) = windows.finish()?;
    if sha256 == report.sha256 { Ok(found) } else { Err(changed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_rows_are_counted_around_rejected_ones() {
        assert_eq!(ordinals(&[0, 1, 2, 3], &[]), [0, 1, 2, 3]);
        assert_eq!(ordinals(&[0, 1, 2, 3], &[0, 1, 4, 9]), [2, 3, 5, 6]);
        assert_eq!(ordinals(&[5], &[0, 1, 4, 9]), [8]);
        assert_eq!(ordinals(&[6], &[0, 1, 4, 9]), [10]);
    }
}
