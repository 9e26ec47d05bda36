//! CSV as it stands in a file: record by record with every byte, whatever dialect it was written in.
//!
//! A record ends at a line feed outside quotes; its bytes are handed on as they are, so that what is kept is kept to the byte. `O(bytes)`,
//! one record in memory. Source: RFC 4180.

use std::borrow::Cow;
use std::io::{self, BufRead};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads the next record with its line end; nothing at the end of the file.
pub(super) fn next<'r>(from: &mut impl BufRead, record: &'r mut Vec<u8>) -> io::Result<Option<&'r [u8]>> {
    record.clear();
    let (mut n_quotes, mut looked_at) = (0, 0);
    loop {
        if from.read_until(b'\n', record)? == 0 {
            break;
        }
        n_quotes += memchr::memchr_iter(b'"', &record[looked_at..]).count();
        looked_at = record.len();
        // A quote inside quotes is two of them.
        if n_quotes % 2 == 0 {
            break;
        }
    }
    Ok((!record.is_empty()).then_some(&record[..]))
}

/// Returns the cells of a record without their quotes.
pub(super) fn cells(record: &[u8], delimiter: u8) -> Vec<Cow<'_, str>> {
    let record = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let record = record.strip_suffix(b"\r").unwrap_or(record);
    let (mut cells, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, byte) in record.iter().enumerate() {
        if *byte == b'"' {
            is_quoted = !is_quoted;
        } else if *byte == delimiter && !is_quoted {
            cells.push(cell(&record[start..at]));
            start = at + 1;
        }
    }
    cells.push(cell(&record[start..]));
    cells
}

fn cell(bytes: &[u8]) -> Cow<'_, str> {
    let inner = bytes.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    match (inner, String::from_utf8_lossy(inner.unwrap_or(bytes))) {
        (Some(_), text) if text.contains("\"\"") => Cow::Owned(text.replace("\"\"", "\"")),
        (_, text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_outside_quotes_and_keep_their_bytes() {
        let text = "\u{feff}a;\"b\"\r\n1;\"x;\n\"\"y\"\"\"\r\n;last";
        let (mut from, mut record, mut all) = (text.as_bytes(), Vec::new(), Vec::new());
        let mut found: Vec<Vec<String>> = Vec::new();
        while let Some(bytes) = next(&mut from, &mut record).unwrap() {
            all.extend_from_slice(bytes);
            found.push(cells(bytes, b';').into_iter().map(Cow::into_owned).collect());
        }
        assert_eq!(all, text.as_bytes());
        assert_eq!(found, [vec!["a", "b"], vec!["1", "x;\n\"y\""], vec!["", "last"]]);
    }
}
