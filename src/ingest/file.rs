//! One file, read and hashed.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::IngestError;
use super::column::{Builder, Evidence};
use super::headers::Mapped;
use super::readings::Decision;
use super::reject::Reject;
use super::report::FileReport;
use super::spec::{TableSource, TableSpec};
use crate::table::Fingerprint;

/// What reading any file of a table needs to know.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) spec: &'a TableSpec,
    pub(super) source: &'a TableSource,
    /// Text files are cut into parts of this size.
    pub(super) part_bytes: usize,
    pub(super) progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl Job<'_> {
    /// Tells that some more bytes are done.
    pub(super) fn progress(&self, bytes: u64) {
        if let Some(progress) = self.progress {
            progress(bytes);
        }
    }
}

/// A file, parsed.
#[derive(Debug)]
pub(super) struct ParsedFile<P = ParsedPart> {
    /// Columns that were found, in the order of the table; one builder each in every part.
    pub(super) columns: Vec<Mapped>,
    pub(super) parts: Vec<P>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) decisions: Vec<Decision>,
    pub(super) rejects: Vec<Reject>,
    pub(super) report: FileReport,
}

/// Consecutive rows of a file.
#[derive(Debug)]
pub(super) struct ParsedPart {
    pub(super) n_rows: usize,
    pub(super) columns: Vec<Builder>,
}

/// Says why a file cannot be read.
pub(super) fn unreadable(path: &Path, cause: std::io::Error) -> IngestError {
    let file = path.to_owned();
    if path.is_dir() { IngestError::Directory { file } } else { IngestError::Unreadable { file, cause } }
}

/// Returns the fingerprint of a file's content without holding it in memory.
///
/// # Errors
/// Fails where the file is a directory or cannot be read.
pub(super) fn sha256_of_file(path: &Path) -> Result<String, IngestError> {
    let mut fingerprint = Fingerprint::default();
    let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
    let mut file = BufReader::with_capacity(1 << 20, file);
    std::io::copy(&mut file, &mut fingerprint).map_err(|cause| unreadable(path, cause))?;
    Ok(fingerprint.digits())
}

impl<P> ParsedFile<P> {
    /// Says whether day and month of a column are guessed: another file must tell them apart.
    pub(super) fn is_open(&self) -> bool {
        self.decisions.iter().any(|decision| decision.is_open)
    }

    /// Turns the parts into something else.
    pub(super) fn map_parts<Q>(self, turn: impl FnOnce(&[Mapped], Vec<P>) -> Vec<Q>) -> ParsedFile<Q> {
        let Self { columns, parts, evidence, decisions, rejects, report } = self;
        let parts = turn(&columns, parts);
        ParsedFile { columns, parts, evidence, decisions, rejects, report }
    }

    /// A file in which there is nothing to parse.
    pub(super) fn without_rows(report: FileReport) -> Self {
        Self {
            columns: Vec::new(),
            parts: Vec::new(),
            evidence: Vec::new(),
            decisions: Vec::new(),
            rejects: Vec::new(),
            report,
        }
    }
}
