//! Parquet.
use super::IngestError;
use super::file::{Job, ParsedFile};
use super::readings::Stated;
use super::report::FileReport;
use std::path::Path;
pub(super) fn parse(_: &Job<'_>, path: &Path, _: &Stated) -> Result<ParsedFile, IngestError> {
    Err(IngestError::DamagedParquet { file: path.to_owned(), message: String::new() })
}
pub(super) fn rows_as_text(report: &FileReport, _: &[u64]) -> Result<Vec<(u64, String)>, IngestError> {
    Err(IngestError::DamagedParquet { file: report.path.clone(), message: String::new() })
}
