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
use crate::table::Values;
use crate::units::{Day, MONEY_SCALE, NONE_IX};

/// Rows of a chunk: about a megabyte of scores.
const ROWS_PER_CHUNK: usize = 4_096;

/// Rows of a block: its cells fit the first-level cache, and a column is read a few lines of memory at a time. Reading row by row would
/// need as many lines at once as there are columns, most of them of one cache set.
const ROWS_PER_BLOCK: usize = 64;

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

/// A column and what is needed to render its cells.
struct Rendered<'f> {
    column: &'f FrameColumn<'f>,
    kind: Kind,
}

/// How a cell is rendered.
enum Kind {
    /// The text at a position.
    Text,
    /// The text of a code.
    Label(Labels),
    Integer,
    /// The bits of an `f64`.
    Number,
    Money,
    Date,
}

/// Texts as they stand in the file, one after another, and where each ends.
struct Labels {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<'f> Rendered<'f> {
    fn new(column: &'f FrameColumn<'f>, table: &Frame<'_>) -> Self {
        let kind = match &column.cells {
            Cells::Ids(_) | Cells::Texts(_) => Kind::Text,
            Cells::Values(values) => match values.as_ref() {
                // More labels than rows: quoting the rows is less work.
                Values::Text { labels, .. } if labels.len() > table.height() => Kind::Text,
                Values::Text { labels, .. } => Kind::Label(Labels::quoted(labels)),
                Values::Integer(_) => Kind::Integer,
                Values::Number(_) => Kind::Number,
                Values::Money(_) => Kind::Money,
                Values::Date(_) => Kind::Date,
            },
        };
        Self { column, kind }
    }

    /// Reads the cells of some rows into their places.
    fn read<'c>(&self, rows: Range<usize>, places: impl Iterator<Item = &'c mut Option<i64>>) {
        let places = places.zip(rows.map(|row| self.column.position(row)));
        match (&self.column.cells, &self.kind) {
            (_, Kind::Text) => places.for_each(|(place, position)| *place = Some(position as i64)),
            (Cells::Values(values), _) => match values.as_ref() {
                Values::Text { codes, .. } => places.for_each(|(place, position)| {
                    *place = Some(codes[position]).filter(|code| *code != NONE_IX).map(i64::from);
                }),
                Values::Integer(values) | Values::Money(values) => {
                    places.for_each(|(place, position)| *place = values.get(position));
                }
                // A score that is not a number is no score: the last guard before anything is written.
                Values::Number(values) => places.for_each(|(place, position)| {
                    *place = values.get(position).filter(|value| value.is_finite()).map(|value| value.to_bits() as i64);
                }),
                Values::Date(values) => {
                    places.for_each(|(place, position)| *place = values.get(position).map(i64::from));
                }
            },
            _ => places.for_each(|(place, _)| *place = None),
        }
    }

    fn render(&self, cell: i64, line: &mut Vec<u8>) {
        match &self.kind {
            Kind::Text => {
                if let Some(text) = self.column.cells.text(cell as usize) {
                    quoted(line, text);
                }
            }
            Kind::Label(labels) => line.extend_from_slice(labels.get(cell as usize)),
            Kind::Integer => line.extend_from_slice(itoa::Buffer::new().format(cell).as_bytes()),
            Kind::Number => {
                line.extend_from_slice(zmij::Buffer::new().format_finite(f64::from_bits(cell as u64)).as_bytes());
            }
            Kind::Money => money(line, cell),
            Kind::Date => date(line, Day(cell as i32)),
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

    fn get(&self, code: usize) -> &[u8] {
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.bytes[start..self.ends[code]]
    }
}

/// Renders rows a block at a time: column by column the cells come together, row by row they are written.
fn rows(columns: &[Rendered<'_>], rows: Range<usize>, lines: &mut Vec<u8>) {
    lines.clear();
    let mut cells = vec![None; columns.len() * ROWS_PER_BLOCK];
    let (mut start, end) = (rows.start, rows.end);
    while start < end {
        let block = start..(start + ROWS_PER_BLOCK).min(end);
        for (ix, column) in columns.iter().enumerate() {
            column.read(block.clone(), cells[ix..].iter_mut().step_by(columns.len()));
        }
        for row in cells.chunks_exact(columns.len().max(1)).take(block.len()) {
            for (ix, (cell, column)) in row.iter().zip(columns).enumerate() {
                if ix > 0 {
                    lines.push(b',');
                }
                if let Some(cell) = cell {
                    column.render(*cell, lines);
                }
            }
            lines.push(b'\n');
        }
        start = block.end;
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
