//! Reads a campaign file as a strict reader of its target would, and compares it with what was to be written.
//!
//! Strict is: UTF-8 with the mark that the target asks for and no other, quotes only around whole cells, the target's line end after every
//! record and nothing after the last. `O(bytes)` time, one record in memory. Source: RFC 4180.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crc32fast::Hasher;

use super::render::{BYTE_ORDER_MARK, CELL_END};
use crate::campaign::target::Target;
use crate::publish::PublishError;

/// Bytes of a cell of a record, one cell after another.
#[derive(Debug, Default)]
struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    fn checksum(&self) -> u32 {
        let mut hasher = Hasher::new();
        for cell in self.cells() {
            hasher.update(cell);
            hasher.update(&[CELL_END]);
        }
        hasher.finalize()
    }
}

/// Where in a record the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of the cell, or half of a quote.
    QuoteInQuotes,
    /// After the first byte of a line end of two.
    LineEnd,
}

/// Compares a file with its header and the checksums of its rows.
///
/// # Errors
/// Fails where the file cannot be read, or says something else.
pub(super) fn verify(path: &Path, target: &Target, header: &[String], rows: &[u32]) -> Result<(), PublishError> {
    let file = File::open(path).map_err(PublishError::io("read back", path))?;
    let compared = compare(BufReader::with_capacity(1 << 16, file), target, header, rows);
    let (row, what) = match compared.map_err(PublishError::io("read back", path))? {
        Ok(()) => return Ok(()),
        Err(difference) => difference,
    };
    Err(PublishError::ReadBack { path: path.to_owned(), what, row })
}

/// Row and kind of the first difference; row 0 is the header.
type Difference = (usize, &'static str);

fn compare(
    mut from: impl BufRead,
    target: &Target,
    header: &[String],
    rows: &[u32],
) -> io::Result<Result<(), Difference>> {
    if target.byte_order_mark {
        let mut mark = [0; BYTE_ORDER_MARK.len()];
        if from.read_exact(&mut mark).is_err() || mark != BYTE_ORDER_MARK {
            return Ok(Err((0, "no byte order mark")));
        }
    }
    let mut record = Record::default();
    for row in 0..=rows.len() {
        match next(&mut from, target, &mut record)? {
            Err(what) => return Ok(Err((row, what))),
            Ok(false) => return Ok(Err((row, "the end of the file"))),
            Ok(true) => {}
        }
        let difference = if record.ends.len() != header.len() {
            Some("another number of columns")
        } else if std::str::from_utf8(&record.bytes).is_err() {
            Some("broken characters")
        } else if row == 0 {
            (!record.cells().eq(header.iter().map(String::as_bytes))).then_some("another header")
        } else {
            (record.checksum() != rows[row - 1]).then_some("another value")
        };
        if let Some(what) = difference {
            return Ok(Err((row, what)));
        }
    }
    let is_over = from.fill_buf()?.is_empty();
    Ok(if is_over { Ok(()) } else { Err((rows.len() + 1, "more than was written")) })
}

/// Reads a record; `Ok(false)` is the end of the file, an error what is wrong with the record.
fn next(from: &mut impl BufRead, target: &Target, record: &mut Record) -> io::Result<Result<bool, &'static str>> {
    record.bytes.clear();
    record.ends.clear();
    let line_end = target.line_end.as_bytes();
    let (mut state, mut is_empty) = (State::CellStart, true);
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok(if is_empty { Ok(false) } else { Err("an unfinished record") });
        }
        is_empty = false;
        let mut used = 0;
        let mut outcome = None;
        for byte in buffer {
            used += 1;
            let is_end = *byte == line_end[0];
            state = match (state, *byte) {
                (State::Quoted, b'"') => State::QuoteInQuotes,
                (State::QuoteInQuotes, b'"') | (State::Quoted, _) => {
                    record.bytes.push(*byte);
                    State::Quoted
                }
                (State::CellStart, b'"') => State::Quoted,
                (State::LineEnd, byte) => {
                    outcome = Some(if byte == line_end[1] { Ok(true) } else { Err("another line end") });
                    break;
                }
                (_, byte) if byte == target.delimiter => {
                    record.ends.push(record.bytes.len());
                    State::CellStart
                }
                (_, _) if is_end => {
                    record.ends.push(record.bytes.len());
                    if line_end.len() == 1 {
                        outcome = Some(Ok(true));
                        break;
                    }
                    State::LineEnd
                }
                (State::QuoteInQuotes, _) => {
                    outcome = Some(Err("text after a closing quote"));
                    break;
                }
                (_, b'"' | b'\n' | b'\r') => {
                    outcome = Some(Err("a mark outside quotes"));
                    break;
                }
                (_, byte) => {
                    record.bytes.push(byte);
                    State::Plain
                }
            };
        }
        from.consume(used);
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksums(rows: &[&[&str]]) -> Vec<u32> {
        let checksum = |row: &&[&str]| {
            let mut record = Record::default();
            for cell in *row {
                record.bytes.extend_from_slice(cell.as_bytes());
                record.ends.push(record.bytes.len());
            }
            record.checksum()
        };
        rows.iter().map(checksum).collect()
    }

    fn check(target: &str, text: &str, expected: Result<(), Difference>) {
        let target = Target::named(target).unwrap();
        let header = ["a", "b"].map(str::to_owned);
        let rows = checksums(&[&["1", "x,\"y\"\n"], &["", "ö"]]);
        // However the file comes in pieces.
        for capacity in [1, 2, 3, 1_000] {
            let from = BufReader::with_capacity(capacity, text.as_bytes());
            assert_eq!(compare(from, target, &header, &rows).unwrap(), expected, "{text:?} by {capacity}");
        }
    }

    #[test]
    fn a_file_that_says_what_was_written_is_right() {
        check("generic-en", "a,b\n1,\"x,\"\"y\"\"\n\"\n,ö\n", Ok(()));
        check("generic-en", "\"a\",b\n\"1\",\"x,\"\"y\"\"\n\"\n\"\",ö\n", Ok(()));
        check("generic-de", "\u{feff}a;b\r\n1;\"x,\"\"y\"\"\n\"\r\n;ö\r\n", Ok(()));
    }

    #[test]
    fn every_other_file_is_wrong() {
        for (text, row, what) in [
            ("", 0, "the end of the file"),
            ("a,c\n1,\"x,\"\"y\"\"\n\"\n,ö\n", 0, "another header"),
            ("\u{feff}a,b\n1,\"x,\"\"y\"\"\n\"\n,ö\n", 0, "another header"),
            ("a,b\n1,\"x,\"\"y\"\" \"\n,ö\n", 1, "another value"),
            ("a,b\n1x,\",\"\"y\"\"\n\"\n,ö\n", 1, "another value"),
            ("a,b\n1,\"x\",\"\"\"y\"\"\n\"\n,ö\n", 1, "another number of columns"),
            ("a,b\n1,x,\"\"y\"\"\n\n,ö\n", 1, "text after a closing quote"),
            ("a,b\n1,x\"y\n,ö\n", 1, "a mark outside quotes"),
            ("a,b\n1,\"x,\"\"y\"\"\n\"\n", 2, "the end of the file"),
            ("a,b\n1,\"x,\"\"y\"\"\n\"\n,ö", 2, "an unfinished record"),
            ("a,b\n1,\"x,\"\"y\"\"\n\"\n,ö\n\n", 3, "more than was written"),
            ("a,b\r\n1,\"x,\"\"y\"\"\n\"\n,ö\n", 0, "a mark outside quotes"),
        ] {
            check("generic-en", text, Err((row, what)));
        }
        check("generic-de", "a;b\r\n", Err((0, "no byte order mark")));
        check("generic-de", "\u{feff}a;b\n", Err((0, "a mark outside quotes")));
    }
}
