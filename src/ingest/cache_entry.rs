//! What the cache keeps of one file: its packed columns and everything that was found out, as bytes that prove themselves whole.
//!
//! ```text
//! magic · length of the header · header (JSON) · parts (see `packed_bytes`) · CRC-32 of all before
//! ```
//!
//! Paths are left out: the same content under another name is the same entry.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bytes::{Damaged, Fixed, Reader};
use super::column::{Evidence, Reading};
use super::evidence::DateEvidence;
use super::file::ParsedFile;
use super::headers::Mapped;
use super::lines::PackedPart;
use super::readings::Decision;
use super::reject::Reject;
use super::report::{FileReport, Layout};
use super::spec::TableSpec;
use super::{packed_bytes, spec};

const MAGIC: &[u8] = b"klientel lines 1\n";

#[derive(Serialize, Deserialize)]
struct Header {
    columns: Vec<Column>,
    bytes: u64,
    sha256: String,
    rows: usize,
    evidence: Vec<String>,
    layout: Layout,
    rejects: Vec<Rejected>,
    n_parts: usize,
}

/// A column that was found, and how it is written.
#[derive(Serialize, Deserialize)]
struct Column {
    name: String,
    header: String,
    position: usize,
    nullable: bool,
    reading: Reading,
    why: Option<String>,
    is_open: bool,
    /// What other files may need to tell day and month apart.
    dates: Option<DateEvidence>,
}

#[derive(Serialize, Deserialize)]
struct Rejected {
    line: u64,
    column: Option<String>,
    reason: String,
    row: String,
    key: Option<String>,
}

/// Turns a parsed file into bytes.
pub(super) fn put(file: &ParsedFile<PackedPart>) -> Vec<u8> {
    let columns = file.columns.iter().enumerate().map(|(ix, mapped)| {
        let decision = file.decisions.get(ix);
        Column {
            name: mapped.request.name.to_owned(),
            header: mapped.header.clone(),
            position: mapped.position,
            nullable: mapped.nullable,
            reading: decision.map_or(Reading::Text, |decision| decision.reading),
            why: decision.and_then(|decision| decision.why.clone()),
            is_open: decision.is_some_and(|decision| decision.is_open),
            dates: file.evidence.get(ix).and_then(|evidence| match evidence {
                Evidence::Date(dates) => Some(dates.as_ref().clone()),
                _ => None,
            }),
        }
    });
    let rejects = file.rejects.iter().map(|reject| Rejected {
        line: reject.line,
        column: reject.column.clone(),
        reason: reject.reason.clone(),
        row: reject.row.clone(),
        key: reject.key.clone(),
    });
    let header = Header {
        columns: columns.collect(),
        bytes: file.report.bytes,
        sha256: file.report.sha256.clone(),
        rows: file.report.rows,
        evidence: file.report.evidence.clone(),
        layout: file.report.layout.clone(),
        rejects: rejects.collect(),
        n_parts: file.parts.len(),
    };
    let header = serde_json::to_vec(&header).expect("a header has text keys only");
    let mut bytes = MAGIC.to_vec();
    super::bytes::put_list(&header, &mut bytes);
    for part in &file.parts {
        (part.n_rows as u64).put(&mut bytes);
        (part.columns.len() as u64).put(&mut bytes);
        for (name, column) in &part.columns {
            super::bytes::put_list(name.as_bytes(), &mut bytes);
            packed_bytes::put(column, &mut bytes);
        }
    }
    crc32fast::hash(&bytes).put(&mut bytes);
    bytes
}

/// Reads a file back, under the path that it has now.
///
/// # Errors
/// Fails where the bytes are not those that were written, or for another version of the table.
pub(super) fn get(bytes: &[u8], spec: &TableSpec, path: &Path) -> Result<ParsedFile<PackedPart>, Damaged> {
    let (body, sum) = bytes.split_last_chunk::<4>().ok_or(Damaged)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(Damaged);
    }
    let mut reader = Reader(body.strip_prefix(MAGIC).ok_or(Damaged)?);
    let header: Vec<u8> = reader.list()?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| Damaged)?;
    let request = |name: &str| {
        spec.columns.iter().find(|request| request.name == name).map(|request| request as &'static spec::ColumnRequest)
    };
    let mut parts = Vec::with_capacity(header.n_parts);
    for _ in 0..header.n_parts {
        let n_rows = usize::try_from(reader.one::<u64>()?).map_err(|_| Damaged)?;
        let n_columns = reader.one::<u64>()?;
        let mut columns = Vec::new();
        for _ in 0..n_columns {
            let name: Vec<u8> = reader.list()?;
            let name = std::str::from_utf8(&name).ok().and_then(request).ok_or(Damaged)?.name;
            columns.push((name, packed_bytes::get(&mut reader, n_rows)?));
        }
        parts.push(PackedPart { n_rows, columns });
    }
    let mut file = ParsedFile {
        columns: Vec::new(),
        parts,
        evidence: Vec::new(),
        decisions: Vec::new(),
        rejects: Vec::new(),
        report: FileReport {
            table: spec.name,
            path: path.to_owned(),
            bytes: header.bytes,
            sha256: header.sha256,
            rows: header.rows,
            rejected: header.rejects.len(),
            evidence: header.evidence,
            mapping: Vec::new(),
            layout: header.layout,
        },
    };
    for column in header.columns {
        let request = request(&column.name).ok_or(Damaged)?;
        file.report.mapping.push((request.name, column.header.clone()));
        file.evidence.push(column.dates.map_or(Evidence::Nothing, |dates| Evidence::Date(Box::new(dates))));
        file.decisions.push(Decision { reading: column.reading, why: column.why, is_open: column.is_open });
        let Column { header, position, nullable, .. } = column;
        file.columns.push(Mapped { request, header, position, nullable, why: "as when it was first read" });
    }
    let reject = |reject: Rejected| Reject {
        table: spec.name,
        file: path.to_owned(),
        line: reject.line,
        column: reject.column,
        reason: reject.reason,
        row: reject.row,
        key: reject.key,
    };
    file.rejects.extend(header.rejects.into_iter().map(reject));
    Ok(file)
}
