//! What was found out about each file and how: for the report, the manifest, and for finding a row again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::lines::TakenOut;
use super::records::Separators;
use super::spec::ColumnName;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// Table that it belongs to.
    pub table: &'static str,
    /// Path as the user gave it.
    pub path: PathBuf,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Rows that were accepted, without those that were taken out.
    pub rows: usize,
    /// Records that were rejected.
    pub rejected: usize,
    /// One sentence for every decision; shapes and counts, never what a cell holds.
    pub evidence: Vec<String>,
    /// Canonical name and header of every column that was read.
    pub mapping: Vec<(ColumnName, String)>,
    /// Position in the file of the column that says what a row is about.
    pub(super) key: Option<usize>,
    /// Lines that were taken out after they were accepted.
    pub(super) taken_out: TakenOut,
    /// How a row is found again.
    pub(super) layout: Layout,
}

impl FileReport {
    /// Counts the lines that were taken out, because their customers object or were erased.
    pub fn n_taken_out(&self) -> usize {
        self.taken_out.rows.len()
    }
}

/// How the records of a file lie in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Layout {
    /// No records.
    Empty,
    /// Text with delimiters.
    Csv {
        encoding: Encoding,
        separators: Separators,
        /// Where the first record begins, in the text.
        body: usize,
        /// Numbers of the rejected records, ascending, counted from 0.
        rejected: Vec<u64>,
    },
    /// Parquet; the same numbers.
    Parquet { rejected: Vec<u64> },
}
