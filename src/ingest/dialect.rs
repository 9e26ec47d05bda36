//! The dialect of a text file: line end, delimiter, and where its header begins.
//!
//! The line end is the first one outside quotes. A first line `sep=;` states the delimiter; otherwise each of `;`, tab, `,` and
//! `|` splits a sample, and the best is the one for which `share × (fields − 1)` is largest, where share is the part of the sampled
//! records that have as many fields as the header. A decimal comma splits records, but not the header, and so never wins.
//!
//! `O(sample)` time.

use super::records::{Records, Separators};

/// Records that are split to find the delimiter.
const SAMPLE_RECORDS: usize = 200;

/// Bytes that are looked at for them.
const SAMPLE_BYTES: usize = 512 * 1024;

/// How a text file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) separators: Separators,
    /// Where the header begins.
    pub(super) header: usize,
}

/// Finds the dialect and says what tells it.
pub(super) fn detect(text: &str, given: Option<u8>) -> (Dialect, String) {
    let newline = newline(text);
    let (stated, header) = stated_delimiter(text, newline);
    let dialect = |delimiter| Dialect { separators: Separators { delimiter, newline }, header };
    if let Some(delimiter) = given {
        return (dialect(delimiter), format!("delimiter {} (given in the pipeline)", shown(delimiter)));
    }
    if let Some(delimiter) = stated {
        return (dialect(delimiter), format!("delimiter {} (stated in the first line)", shown(delimiter)));
    }
    let window = text.floor_char_boundary(header.saturating_add(SAMPLE_BYTES));
    let mut best: Option<(f64, u8, Split)> = None;
    for delimiter in [b';', b'\t', b',', b'|'] {
        let separators = Separators { delimiter, newline };
        let split = Split::new(&text[..window], separators, header, window < text.len());
        let score = split.score();
        if best.as_ref().is_none_or(|(best_score, ..)| score > *best_score) {
            best = Some((score, delimiter, split));
        }
    }
    match best {
        Some((score, delimiter, split)) if score > 0.0 => (dialect(delimiter), split.evidence(delimiter)),
        _ => (dialect(b','), "delimiter `,` (none found: one column)".to_owned()),
    }
}

/// Writes a delimiter so that it can be seen.
fn shown(delimiter: u8) -> String {
    if delimiter == b'\t' { "tab".to_owned() } else { format!("`{}`", char::from(delimiter)) }
}

/// What a delimiter makes of the sample.
struct Split {
    n_fields: usize,
    n_records: usize,
    n_alike: usize,
}

impl Split {
    fn new(text: &str, separators: Separators, header: usize, is_cut: bool) -> Self {
        let mut records = Records::new(text, separators, header);
        records.next_record();
        let mut split = Self { n_fields: records.fields().len(), n_records: 0, n_alike: 0 };
        while split.n_records < SAMPLE_RECORDS {
            let Some(record) = records.next_record() else { break };
            // The end of the sample may cut its last record short.
            if is_cut && record.end == text.len() {
                break;
            }
            split.n_records += 1;
            split.n_alike += usize::from(record.malformed.is_none() && records.fields().len() == split.n_fields);
        }
        split
    }

    fn score(&self) -> f64 {
        let share = if self.n_records == 0 { 1.0 } else { self.n_alike as f64 / self.n_records as f64 };
        share * self.n_fields.saturating_sub(1) as f64
    }

    fn evidence(&self, delimiter: u8) -> String {
        let Self { n_fields, n_records, n_alike } = self;
        let shown = shown(delimiter);
        match n_records {
            0 => format!("delimiter {shown} (the header splits into {n_fields} fields)"),
            _ => format!("delimiter {shown} ({n_alike} of {n_records} sampled records split into {n_fields} fields)"),
        }
    }
}

/// Finds the first line end outside quotes; an odd quote in the header must not hide all of them.
fn newline(text: &str) -> u8 {
    let first = |respect_quotes: bool| {
        let mut quoted = false;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'"' => quoted = respect_quotes && !quoted,
                b'\n' if !quoted => return Some(b'\n'),
                b'\r' if !quoted => {
                    return Some(if text.as_bytes().get(at + 1) == Some(&b'\n') { b'\n' } else { b'\r' });
                }
                _ => {}
            }
        }
        None
    };
    first(true).or_else(|| first(false)).unwrap_or(b'\n')
}

/// Reads a first line `sep=;`; returns the delimiter and where the next line begins.
fn stated_delimiter(text: &str, newline: u8) -> (Option<u8>, usize) {
    let line = text.as_bytes().split(|byte| *byte == newline).next().unwrap_or_default();
    let bare = line.strip_suffix(b"\r").unwrap_or(line);
    let bare = bare.strip_prefix(b"\"").map_or(bare, |inner| inner.strip_suffix(b"\"").unwrap_or(inner));
    match bare {
        [s, e, p, b'=', delimiter] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && is_delimiter(*delimiter) => {
            (Some(*delimiter), (line.len() + 1).min(text.len()))
        }
        _ => (None, 0),
    }
}

/// Says whether a byte can separate fields at all.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiter: char, newline: char, header: usize) {
        let (found, _) = detect(text, None);
        let separators = Separators { delimiter: delimiter as u8, newline: newline as u8 };
        assert_eq!(found, Dialect { separators, header }, "{text:?}");
    }

    #[test]
    fn the_delimiter_is_the_one_that_splits_header_and_records_alike() {
        check("id;amount\n1;2,50\n2;3,50\n", ';', '\n', 0);
        check("id,amount\n1,2.50\n2,3.50\n", ',', '\n', 0);
        check("id\tname\n1\tMüller, Hans; Berlin\n", '\t', '\n', 0);
        check("id|name, first|town\r\n1|Müller, Hans|Berlin\r\n", '|', '\n', 0);
        check("id;name, first;town\n1;a, b;c\n2;d, e;f\n", ';', '\n', 0);
        check("id,note\n1,\"a;b;c\"\n2,\"d;e;f\"\n", ',', '\n', 0);
        check("id;amount\r1;2,50\r2;3,50\r", ';', '\r', 0);
        check("id;amount", ';', '\n', 0);
        check("id\n1\n2\n", ',', '\n', 0);
        check("", ',', '\n', 0);
    }

    #[test]
    fn a_first_line_may_state_the_delimiter() {
        check("sep=,\na;b;c,d\n1,2\n", ',', '\n', 6);
        check("SEP=\t\r\na\tb\r\n1\t2\r\n", '\t', '\n', 7);
        check("\"sep=;\"\na;b\n1;2\n", ';', '\n', 8);
        check("sep=;", ';', '\n', 5);
    }

    #[test]
    fn line_ends_inside_quotes_do_not_count() {
        check("\"a\nb\";c\r1;2\r", ';', '\r', 0);
        check("a\"b;c\n1;2\n", ';', '\n', 0);
    }

    #[test]
    fn evidence_counts_what_it_saw() {
        assert_eq!(detect("a;b\n1;2\n3\n4;5\n", None).1, "delimiter `;` (2 of 3 sampled records split into 2 fields)");
        assert_eq!(detect("a;b\n", Some(b'\t')).1, "delimiter tab (given in the pipeline)");
    }
}
