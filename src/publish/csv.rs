//! Tables as CSV: UTF-8, comma, one header line, `\n`, decimal point, nulls empty.
//!
//! | cells          | text                                                                                  |
//! |----------------|---------------------------------------------------------------------------------------|
//! | text           | in double quotes where it is empty or holds comma, quote or line break (RFC 4180)      |
//! | whole number   | decimal digits                                                                        |
//! | number         | the shortest that reads back as the same `f64` (`zmij`); one that is not finite is null |
//! | money          | major units with two decimals                                                         |
//! | date           | `yyyy-mm-dd`                                                                          |
//!
//! Chunks of rows are rendered side by side and written in order; while one batch of chunks is hashed and written, the next one is
//! rendered. `O(cells)` time, no allocation a cell; memory is two batches of chunks and each distinct label once.

use std::io::{self, Write};
use std::ops::Range;

use memchr::{memchr, memchr3};
use rayon::prelude::*;

use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::table::{Nullable, Values};
use crate::units::{Day, MONEY_SCALE};

/// Rows of a chunk: about a megabyte of scores.
const ROWS_PER_CHUNK: usize = 4_096;

/// Chunks a thread renders in one batch: a few, so that no thread waits long for the slowest.
const CHUNKS_PER_THREAD: usize = 2;

/// Writes a table.
///
/// # Errors
/// Fails where `to` cannot be written.
pub fn write(table: &Frame<'_>, to: &mut (impl Write + Send)) -> io::Result<()> {
    let columns: Vec<Rendered<'_>> = table.columns().par_iter().map(|column| Rendered::new(column, table)).collect();
    let rows_per_batch = ROWS_PER_CHUNK * CHUNKS_PER_THREAD * rayon::current_num_threads();
    let render = |from: usize, mut chunks: Vec<Vec<u8>>| {
        let end = (from + rows_per_batch).min(table.height());
        chunks.resize_with(end.saturating_sub(from).div_ceil(ROWS_PER_CHUNK), Vec::new);
        chunks.par_iter_mut().enumerate().for_each(|(ix, chunk)| {
            let start = from + ix * ROWS_PER_CHUNK;
            rows(&columns, start..(start + ROWS_PER_CHUNK).min(end), chunk);
        });
        chunks
    };
    to.write_all(&header(table))?;
    let (mut ready, mut spare) = (render(0, Vec::new()), Vec::new());
    let mut next = rows_per_batch;
    while !ready.is_empty() {
        let (written, rendered) =
            rayon::join(|| ready.iter().try_for_each(|chunk| to.write_all(chunk)), || render(next, spare));
        written?;
        spare = std::mem::replace(&mut ready, rendered);
        next += rows_per_batch;
    }
    Ok(())
}

fn header(table: &Frame<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    for (ix, column) in table.columns().iter().enumerate() {
        if ix > 0 {
            line.push(b',');
        }
        quoted(&mut line, column.name);
    }
    line.push(b'\n');
    line
}

/// A column whose cells are ready to be rendered.
struct Rendered<'f> {
    column: &'f FrameColumn<'f>,
    /// The labels of a coded text, as they stand in the file.
    labels: Option<Labels>,
}

/// Texts one after another and where each ends.
struct Labels {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<'f> Rendered<'f> {
    /// Quotes the labels of a text once, unless that were more work than quoting its rows.
    fn new(column: &'f FrameColumn<'f>, table: &Frame<'_>) -> Self {
        let labels = match &column.cells {
            Cells::Values(values) => match values.as_ref() {
                Values::Text { labels, .. } if labels.len() <= table.height() => Some(Labels::quoted(labels)),
                _ => None,
            },
            _ => None,
        };
        Self { column, labels }
    }

    fn cell(&self, row: usize, line: &mut Vec<u8>) {
        let position = self.column.position(row);
        match &self.column.cells {
            Cells::Values(values) => match (values.as_ref(), &self.labels) {
                (Values::Text { codes, .. }, Some(labels)) => line.extend_from_slice(labels.get(codes[position])),
                (Values::Text { .. }, None) => text(line, self.column.cells.text(position)),
                (Values::Integer(values), _) => known(values, position, |value| integer(line, value)),
                (Values::Number(values), _) => known(values, position, |value| number(line, value)),
                (Values::Money(values), _) => known(values, position, |minor| money(line, minor)),
                (Values::Date(values), _) => known(values, position, |day| date(line, Day(day))),
            },
            cells => text(line, cells.text(position)),
        }
    }
}

impl Labels {
    fn quoted(labels: &[String]) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(labels.len()));
        for label in labels {
            quoted(&mut bytes, label);
            ends.push(bytes.len());
        }
        Self { bytes, ends }
    }

    /// Returns a label; that of an unknown text, which has a code past all labels, is empty.
    fn get(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let Some(end) = self.ends.get(code) else { return &[] };
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.bytes[start..*end]
    }
}

fn rows(columns: &[Rendered<'_>], rows: Range<usize>, lines: &mut Vec<u8>) {
    lines.clear();
    for row in rows {
        for (ix, column) in columns.iter().enumerate() {
            if ix > 0 {
                lines.push(b',');
            }
            column.cell(row, lines);
        }
        lines.push(b'\n');
    }
}

fn known<T: Copy + Default>(values: &Nullable<T>, position: usize, mut render: impl FnMut(T)) {
    if let Some(value) = values.get(position) {
        render(value);
    }
}

fn text(line: &mut Vec<u8>, text: Option<&str>) {
    if let Some(text) = text {
        quoted(line, text);
    }
}

/// Quotes where a reader needs it; an empty text is quoted, because nothing at all is null.
fn quoted(line: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if !bytes.is_empty() && memchr3(b',', b'\n', b'\r', bytes).is_none() && memchr(b'"', bytes).is_none() {
        line.extend_from_slice(bytes);
        return;
    }
    line.push(b'"');
    let mut rest = bytes;
    while let Some(quote) = memchr(b'"', rest) {
        line.extend_from_slice(&rest[..=quote]);
        line.push(b'"');
        rest = &rest[quote + 1..];
    }
    line.extend_from_slice(rest);
    line.push(b'"');
}

fn integer(line: &mut Vec<u8>, value: i64) {
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A score that is not a number is no score: the last guard before anything is written.
fn number(line: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        line.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

fn money(line: &mut Vec<u8>, minor: i64) {
    if minor < 0 {
        line.push(b'-');
    }
    let (minor, scale) = (minor.unsigned_abs(), MONEY_SCALE.unsigned_abs());
    line.extend_from_slice(itoa::Buffer::new().format(minor / scale).as_bytes());
    line.push(b'.');
    line.extend_from_slice(&two_digits((minor % scale) as u32));
}

fn date(line: &mut Vec<u8>, day: Day) {
    let (year, month, day_of_month) = day.ymd();
    if !(0..=9_999).contains(&year) {
        line.extend_from_slice(day.to_string().as_bytes());
        return;
    }
    let ([a, b], [c, d]) = (two_digits(year as u32 / 100), two_digits(year as u32 % 100));
    let ([e, f], [g, h]) = (two_digits(month), two_digits(day_of_month));
    line.extend_from_slice(&[a, b, c, d, b'-', e, f, b'-', g, h]);
}

fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Ids};

    fn check(table: &Frame<'_>, expected: &str) {
        let mut out = Vec::new();
        write(table, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn money_is_written_as_decimals_dates_as_iso_and_nulls_empty() {
        let ids = Ids::from_sorted(["007", "8", "9"]);
        let columns = [
            Column::new("clv", Values::Money([Some(123_456), None, Some(-5)].into_iter().collect())),
            Column::new("first", Values::Date(vec![0, -1, 20_000].into())),
            Column::new("n", Values::Integer([Some(i64::MIN), Some(0), None].into_iter().collect())),
            Column::new("p", Values::Number(vec![1.0, f64::NAN, 1e-7].into())),
        ];
        let expected = "customer_id,clv,first,n,p\n007,1234.56,1970-01-01,-9223372036854775808,1.0\n\
            8,,1969-12-31,0,\n9,-0.05,2024-10-04,,1e-7\n";
        check(&Frame::of_customers(&ids, &columns), expected);
    }

    #[test]
    fn texts_are_quoted_where_a_reader_needs_it() {
        let texts = [Some("a,b"), None, Some(""), Some("say \"hi\""), Some("two\nlines"), Some("plain ö")];
        let column = Column::new("a \"name\"", Values::from_texts(texts));
        let lines = ["\"a,b\"", "", "\"\"", "\"say \"\"hi\"\"\"", "\"two\nlines\"", "plain ö"];
        let table = Frame::new([&column]);
        check(&table, &format!("\"a \"\"name\"\"\"\n{}\n", lines.join("\n")));
        // Fewer rows than labels: quoted one by one.
        check(&table.pick(vec![3, 1, 0]), &format!("\"a \"\"name\"\"\"\n{}\n\n{}\n", lines[3], lines[0]));
    }

    #[test]
    fn chunks_stand_in_the_order_of_their_rows() {
        let n = 10 * ROWS_PER_CHUNK as i64 + 7;
        let column = Column::new("n", Values::Integer((0..n).collect::<Vec<i64>>().into()));
        let expected: String = (0..n).map(|value| format!("{value}\n")).collect();
        check(&Frame::new([&column]), &format!("n\n{expected}"));
    }
}
