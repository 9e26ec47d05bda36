//! What the cache keeps of one file: its packed columns and everything that was found out, as bytes that prove themselves whole.
//!
//! ```text
//! magic · block of the header (JSON) · a block for each part (see `packed_bytes`) · CRC-32 of all before
//! ```
//!
//! A block is its length and its bytes; one is in memory at a time. Paths are left out: the same content under another name is the same
//! entry.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use crc32fast::Hasher;

use serde::{Deserialize, Serialize};

use super::bytes::{Damaged, Fixed, Reader, put_list};
use super::column::{Evidence, Reading};
use super::evidence::DateEvidence;
use super::file::ParsedFile;
use super::headers::{Mapped, key_position};
use super::lines::{PackedPart, TakenOut};
use super::packed::Packed;
use super::packed_bytes;
use super::readings::Decision;
use super::reject::{Reject, RowAgain, rejected_rows};
use super::report::{FileReport, Layout};
use super::spec::{Cell, ColumnRequest, TableSpec};
use crate::table::Key;

const MAGIC: &[u8] = b"klientel lines 4\n";

/// Why an entry cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum EntryError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

#[derive(Serialize, Deserialize)]
struct Header {
    columns: Vec<Column>,
    bytes: u64,
    sha256: String,
    rows: usize,
    evidence: Vec<String>,
    layout: Layout,
    rejects: Vec<Rejected>,
    /// Lines that were taken out, and how many of each customer who objects, by keyed fingerprint of the id.
    taken_out: Vec<u64>,
    objecting: BTreeMap<String, u64>,
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
}

/// Writes a parsed file; `key` keeps who objects from everybody who has the entry alone.
///
/// # Errors
/// Fails where `to` cannot be written.
pub(super) fn write(file: &ParsedFile<PackedPart>, key: &Key, to: impl Write) -> io::Result<()> {
    let mut to = Blocks { inner: to, sum: Hasher::new() };
    to.put(MAGIC)?;
    to.put_block(&serde_json::to_vec(&header(file, key)).expect("a header has text keys only"))?;
    let mut bytes = Vec::new();
    for part in &file.parts {
        bytes.clear();
        (part.n_rows as u64).put(&mut bytes);
        (part.columns.len() as u64).put(&mut bytes);
        for (name, column) in &part.columns {
            put_list(name.as_bytes(), &mut bytes);
            packed_bytes::put(column, &mut bytes);
        }
        to.put_block(&bytes)?;
    }
    let sum = to.sum.finalize();
    to.inner.write_all(&sum.to_le_bytes())
}

/// Writes or reads blocks and sums them up.
struct Blocks<T> {
    inner: T,
    sum: Hasher,
}

impl<W: Write> Blocks<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }

    fn put_block(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(&(bytes.len() as u64).to_le_bytes())?;
        self.put(bytes)
    }
}

impl<R: Read> Blocks<R> {
    /// Reads exactly so many bytes; a length that is not true costs no more memory than there are bytes.
    fn get(&mut self, n: u64) -> Result<Vec<u8>, EntryError> {
        let mut bytes = Vec::new();
        self.inner.by_ref().take(n).read_to_end(&mut bytes)?;
        self.sum.update(&bytes);
        if bytes.len() as u64 == n { Ok(bytes) } else { Err(Damaged.into()) }
    }

    fn get_block(&mut self) -> Result<Vec<u8>, EntryError> {
        let length = self.get(u64::SIZE as u64)?;
        self.get(u64::get(&length))
    }
}

fn header(file: &ParsedFile<PackedPart>, key: &Key) -> Header {
    let columns = file.columns.iter().enumerate().map(|(ix, mapped)| {
        let decision = file.decisions.get(ix);
        Column {
            name: mapped.request.name.to_string(),
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
    });
    Header {
        columns: columns.collect(),
        bytes: file.report.bytes,
        sha256: file.report.sha256.clone(),
        rows: file.report.rows,
        evidence: file.report.evidence.clone(),
        layout: file.report.layout.clone(),
        rejects: rejects.collect(),
        taken_out: file.report.taken_out.rows.clone(),
        objecting: file.report.taken_out.of_objecting.iter().map(|(id, n)| (key.digits(id), *n)).collect(),
        n_parts: file.parts.len(),
    }
}

/// Reads a file back, under the path that it has now; who objects is still as it was written.
///
/// # Errors
/// Fails where the bytes are not those that were written, or for another version of the table.
pub(super) fn read(from: impl Read, spec: &TableSpec, path: &Path) -> Result<ParsedFile<PackedPart>, EntryError> {
    let mut from = Blocks { inner: from, sum: Hasher::new() };
    if from.get(MAGIC.len() as u64)? != MAGIC {
        return Err(Damaged.into());
    }
    let header: Header = serde_json::from_slice(&from.get_block()?).map_err(|_| Damaged)?;
    let request = |name: &str| spec.columns.iter().find(|request| request.name == name);
    let mut parts = Vec::new();
    for _ in 0..header.n_parts {
        let bytes = from.get_block()?;
        let mut reader = Reader(&bytes);
        let n_rows = usize::try_from(reader.one::<u64>()?).map_err(|_| Damaged)?;
        let n_columns = reader.one::<u64>()?;
        let mut columns = Vec::new();
        for _ in 0..n_columns {
            let name: Vec<u8> = reader.list()?;
            let name =
                std::str::from_utf8(&name).ok().and_then(request).and_then(ColumnRequest::own_name).ok_or(Damaged)?;
            columns.push((name, packed_bytes::get(&mut reader, n_rows)?));
        }
        parts.push(PackedPart { n_rows, columns });
    }
    let sum = from.sum.clone().finalize();
    if from.get(u32::SIZE as u64)? != sum.to_le_bytes() || from.inner.read(&mut [0])? > 0 {
        return Err(Damaged.into());
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
            key: None,
            taken_out: TakenOut { rows: header.taken_out, of_objecting: header.objecting, ..TakenOut::default() },
            layout: header.layout,
        },
    };
    for column in header.columns {
        let request = request(&column.name).ok_or(Damaged)?.clone();
        file.report.mapping.push((request.name.clone(), column.header.clone()));
        file.evidence.push(column.dates.map_or(Evidence::Nothing, |dates| Evidence::Date(Box::new(dates))));
        file.decisions.push(Decision { reading: column.reading, why: column.why, is_open: column.is_open });
        let Column { header, position, nullable, .. } = column;
        file.columns.push(Mapped { request, header, position, nullable, why: "as when it was first read" });
    }
    file.report.key = key_position(spec, &file.columns);
    if !is_sound(&file) {
        return Err(Damaged.into());
    }
    // The rows themselves may hold anything; they stay in the file alone.
    let rows = rejected_rows(&file.report).map_err(|_| Damaged)?;
    if rows.len() != header.rejects.len() {
        return Err(Damaged.into());
    }
    let reject = |(reject, again): (Rejected, RowAgain)| Reject {
        table: spec.name,
        file: path.to_owned(),
        line: reject.line,
        column: reject.column,
        reason: reject.reason,
        row: again.row,
        key: again.key,
    };
    file.rejects.extend(header.rejects.into_iter().zip(rows).map(reject));
    Ok(file)
}

/// Says whether every part has the columns of the file, each of its kind, and all rows are there.
fn is_sound(file: &ParsedFile<PackedPart>) -> bool {
    let fits = |mapped: &Mapped, (name, column): &(&str, Packed)| {
        let kind = match mapped.request.cell {
            Cell::Id | Cell::Text => matches!(column, Packed::Text { .. }),
            Cell::Decimal => matches!(column, Packed::Number(_)),
            Cell::Date => matches!(column, Packed::Date { .. }),
            Cell::Flag => false,
        };
        mapped.request.name == *name && kind
    };
    let is_whole = |part: &PackedPart| {
        part.columns.len() == file.columns.len()
            && file.columns.iter().zip(&part.columns).all(|(mapped, column)| fits(mapped, column))
    };
    let n_rows = file.parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.n_rows));
    n_rows == Some(file.report.rows) && file.parts.iter().all(is_whole)
}
