//! Rows as lines of CSV, quoted as the target asks, with a checksum of the cells of each.
//!
//! Where not all is quoted a cell is that holds the delimiter, a quote or a line break; quotes inside are doubled (RFC 4180). The
//! checksum is CRC-32 over the cells before quoting, each ended by a byte that no UTF-8 holds.

use crc32fast::Hasher;
use memchr::{memchr, memchr3};

use crate::campaign::target::rows::{RowCells, Rows};
use crate::campaign::target::{CellCounts, Target};

/// Bytes that UTF-8 begins with where it says so.
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Ends a cell in a checksum.
pub(super) const CELL_END: u8 = 0xff;

/// Lines one after another, and what stands in them.
#[derive(Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// End and checksum of each line.
    lines: Vec<(usize, u32)>,
    pub counts: CellCounts,
}

impl Chunk {
    /// Goes through the lines with their checksums.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let starts = std::iter::once(0).chain(self.lines.iter().map(|(end, _)| *end));
        starts.zip(&self.lines).map(|(start, (end, checksum))| (&self.bytes[start..*end], *checksum))
    }
}

/// Renders the header line, after the byte order mark where there is one.
pub(super) fn header(target: &Target, names: &[String]) -> Vec<u8> {
    let mut bytes = if target.byte_order_mark { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
    line(target, names.iter().map(String::as_str), &mut bytes);
    bytes
}

/// Renders some rows.
pub(super) fn chunk(target: &Target, rows: &Rows<'_>, wanted: &[u32]) -> Chunk {
    let (mut chunk, mut cells) = (Chunk::default(), RowCells::default());
    for row in wanted {
        rows.read(*row as usize, &mut cells, &mut chunk.counts);
        line(target, cells.iter(), &mut chunk.bytes);
        chunk.lines.push((chunk.bytes.len(), checksum(cells.iter())));
    }
    chunk
}

fn line<'c>(target: &Target, cells: impl Iterator<Item = &'c str>, bytes: &mut Vec<u8>) {
    for (ix, cell) in cells.enumerate() {
        if ix > 0 {
            bytes.push(target.delimiter);
        }
        push_cell(target, cell.as_bytes(), bytes);
    }
    bytes.extend_from_slice(target.line_end.as_bytes());
}

fn push_cell(target: &Target, cell: &[u8], bytes: &mut Vec<u8>) {
    let needs_quotes = memchr3(target.delimiter, b'\n', b'\r', cell).is_some() || memchr(b'"', cell).is_some();
    if !(needs_quotes || target.quotes_all) {
        bytes.extend_from_slice(cell);
        return;
    }
    bytes.push(b'"');
    let mut rest = cell;
    while let Some(quote) = memchr(b'"', rest) {
        bytes.extend_from_slice(&rest[..=quote]);
        bytes.push(b'"');
        rest = &rest[quote + 1..];
    }
    bytes.extend_from_slice(rest);
    bytes.push(b'"');
}

fn checksum<'c>(cells: impl Iterator<Item = &'c str>) -> u32 {
    let mut hasher = Hasher::new();
    for cell in cells {
        hasher.update(cell.as_bytes());
        hasher.update(&[CELL_END]);
    }
    hasher.finalize()
}
