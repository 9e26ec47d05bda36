//! Text to records and fields: delimiters, quotes, line ends, and where records begin in the middle of a file.
//!
//! A quote counts only as the first character of a field; inside, it is doubled. Elsewhere it is a character like any other
//! (`5" pipe`). A quoted field may hold delimiters and line ends. Blank lines are no records. After a closing quote only a
//! delimiter or a line end may follow, anything else makes the record faulty.
//!
//! For parallel work a file is cut at *guessed* boundaries: line ends after which a few records have the right number of fields.
//! Whoever parses a part reports where its last record ended; a part is right if the part before it is right and ended where it
//! begins, so a wrong guess costs time and never a record.
//!
//! `O(n)` time, one vector of field positions, no copy. Source: RFC 4180, and what spreadsheets write beside it.

use memchr::memchr;
use serde::{Deserialize, Serialize};

use super::scan::Marks;

const QUOTE: u8 = b'"';

/// Records that must look right before a line end is believed to be a boundary.
const PROBE_RECORDS: usize = 4;

/// How far a probe may read.
const PROBE_BYTES: usize = 256 * 1024;

/// Line ends that are tried for one boundary.
const PROBE_LINES: usize = 512;

/// What separates fields and records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Separators {
    /// ASCII, neither quote nor line end.
    pub(super) delimiter: u8,
    /// `\n`, which a `\r` may precede, or `\r` alone.
    pub(super) newline: u8,
}

/// Where a field lies in the text, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Says whether a doubled quote stands for one.
    pub(super) doubled: bool,
}

impl Field {
    /// Returns the text of the field; `scratch` is used only where doubled quotes become single ones.
    pub(super) fn text<'a>(&self, text: &'a str, scratch: &'a mut String) -> &'a str {
        let raw = &text[self.start..self.end];
        if !self.doubled {
            return raw;
        }
        scratch.clear();
        scratch.push_str(&raw.replace("\"\"", "\""));
        scratch
    }
}

/// The fields of one column in some records that have the same number of fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) text: &'a str,
    /// All fields of all records, from the first one of the column.
    pub(super) fields: &'a [Field],
    /// Fields of a record.
    pub(super) n_fields: usize,
    /// The line of each record.
    pub(super) lines: &'a [usize],
}

impl<'a> Cells<'a> {
    /// Returns the field in a record.
    #[inline(always)]
    pub(super) fn field(&self, record: usize) -> &'a Field {
        &self.fields[record * self.n_fields]
    }
}

/// A field in quotes.
struct Quoted {
    field: Field,
    malformed: Option<Malformed>,
    /// The separator after it, unless the text ends before one.
    stop: Option<usize>,
}

/// What is wrong with the form of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Text between a closing quote and the next delimiter.
    TextAfterQuote,
    /// The text ends inside quotes, which opened in this line, the first is 0.
    OpenQuote { line: usize },
}

/// One record; its fields are the ones that were added last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) start: usize,
    /// End of its text, before the line end.
    pub(super) end: usize,
    /// Line on which it begins, the first that was read is 0.
    pub(super) line: usize,
    pub(super) malformed: Option<Malformed>,
    /// Says whether a line end ended it, and not the text.
    pub(super) is_complete: bool,
}

impl Record {
    /// A record of which not even the start is there.
    pub(super) const UNENDING: Self = Self { start: 0, end: 0, line: 0, malformed: None, is_complete: false };
}

/// Goes through the records of a text.
pub(super) struct Records<'t> {
    text: &'t [u8],
    separators: Separators,
    position: usize,
    /// Delimiters, line ends and quotes from `position` on.
    marks: Marks<'t>,
    n_lines: usize,
    fields: Vec<Field>,
}

impl<'t> Records<'t> {
    /// Starts at a boundary between records.
    pub(super) fn new(text: &'t str, separators: Separators, position: usize) -> Self {
        let text = text.as_bytes();
        let marks = Marks::new(text, [separators.delimiter, separators.newline, QUOTE], position);
        Self { text, separators, position, marks, n_lines: 0, fields: Vec::new() }
    }

    /// Returns the fields of the records read since the last [`Records::next_record`].
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Returns where what was not read begins.
    pub(super) fn position(&self) -> usize {
        self.position.min(self.text.len())
    }

    /// Returns how many line ends were passed.
    pub(super) fn n_lines(&self) -> usize {
        self.n_lines
    }

    /// Skips blank lines and returns where the next record begins, or the length of the text.
    #[inline(always)]
    pub(super) fn next_start(&mut self) -> usize {
        match self.text.get(self.position) {
            Some(byte) if *byte != self.separators.newline && *byte != b'\r' => self.position,
            _ => self.skip_blank_lines(),
        }
    }

    fn skip_blank_lines(&mut self) -> usize {
        let newline = self.separators.newline;
        loop {
            self.position += match self.text.get(self.position..) {
                Some([byte, ..]) if *byte == newline => 1,
                Some([b'\r', byte, ..]) if *byte == newline => 2,
                Some([b'\r']) => return self.text.len(),
                _ => return self.position.min(self.text.len()),
            };
            self.n_lines += 1;
            self.marks.next();
        }
    }

    /// Reads the next record, or nothing at the end of the text.
    pub(super) fn next_record(&mut self) -> Option<Record> {
        self.fields.clear();
        let mut fields = std::mem::take(&mut self.fields);
        let record = self.next_into(&mut fields);
        self.fields = fields;
        record
    }

    /// Reads the next record and adds its fields to others, or returns nothing at the end of the text.
    #[inline(always)]
    pub(super) fn next_into(&mut self, fields: &mut Vec<Field>) -> Option<Record> {
        let Separators { delimiter, newline } = self.separators;
        let (start, line) = (self.next_start(), self.n_lines);
        if start >= self.text.len() {
            return None;
        }
        let (mut malformed, mut from, mut is_complete) = (None, start, true);
        let end = loop {
            let mut stop = self.marks.next();
            let opens = stop == Some(from) && self.text[from] == QUOTE;
            if opens {
                let quoted = self.quoted_field(from + 1);
                malformed = malformed.or(quoted.malformed);
                stop = quoted.stop;
                fields.push(quoted.field);
            } else {
                // Inside a field a quote is a character like any other.
                if stop.is_some_and(|stop| self.text[stop] == QUOTE) {
                    stop = self.separator();
                }
                fields.push(Field { start: from, end: stop.unwrap_or(self.text.len()), doubled: false });
            }
            match stop {
                Some(stop) if self.text[stop] == delimiter => from = stop + 1,
                Some(stop) => {
                    self.n_lines += 1;
                    break stop;
                }
                None => {
                    is_complete = false;
                    break self.text.len();
                }
            }
        };
        self.position = end + 1;
        let carriage = newline == b'\n' && end > start && self.text[end - 1] == b'\r';
        let end = if carriage { end - 1 } else { end };
        if carriage && let Some(last) = fields.last_mut() {
            last.end = last.end.min(end).max(last.start);
        }
        Some(Record { start, end, line, malformed, is_complete })
    }

    /// Reads a field after the quote that opens it.
    fn quoted_field(&mut self, start: usize) -> Quoted {
        let (opens_in_line, Separators { delimiter, newline }) = (self.n_lines, self.separators);
        let mut doubled = false;
        let end = loop {
            let Some(mark) = self.marks.next() else {
                let field = Field { start, end: self.text.len(), doubled };
                let malformed = Some(Malformed::OpenQuote { line: opens_in_line });
                return Quoted { field, malformed, stop: None };
            };
            match self.text[mark] {
                QUOTE if self.text.get(mark + 1) == Some(&QUOTE) => {
                    doubled = true;
                    self.marks.next();
                }
                QUOTE => break mark,
                byte => self.n_lines += usize::from(byte == newline),
            }
        };
        let is_well_formed = match self.text.get(end + 1..) {
            None | Some([] | [b'\r']) => true,
            Some([byte, ..]) if *byte == delimiter || *byte == newline => true,
            Some([b'\r', byte, ..]) => *byte == newline,
            Some(_) => false,
        };
        let malformed = (!is_well_formed).then_some(Malformed::TextAfterQuote);
        Quoted { field: Field { start, end, doubled }, malformed, stop: self.separator() }
    }

    /// Returns the next delimiter or line end, past any quotes.
    fn separator(&mut self) -> Option<usize> {
        loop {
            let mark = self.marks.next()?;
            if self.text[mark] != QUOTE {
                return Some(mark);
            }
        }
    }
}

/// Cuts `body..` into parts of about `part_bytes` at guessed boundaries; returns where each part begins.
pub(super) fn guess_boundaries(
    text: &str,
    separators: Separators,
    body: usize,
    n_fields: usize,
    part_bytes: usize,
) -> Vec<usize> {
    let mut starts = vec![body];
    let mut nominal = body.saturating_add(part_bytes.max(1));
    while nominal < text.len() {
        if let Some(start) = boundary_after(text, separators, nominal, n_fields)
            && start < text.len()
            && starts.last().is_some_and(|last| *last < start)
        {
            starts.push(start);
        }
        nominal = nominal.max(starts.last().copied().unwrap_or(0)).saturating_add(part_bytes.max(1));
    }
    starts
}

/// Finds a position after `from` at which records seem to begin.
pub(super) fn boundary_after(text: &str, separators: Separators, from: usize, n_fields: usize) -> Option<usize> {
    let mut from = from;
    for _ in 0..PROBE_LINES {
        let line_end = from + memchr(separators.newline, &text.as_bytes()[from..])?;
        let start = Records::new(text, separators, line_end + 1).next_start();
        if looks_like_records(text, separators, start, n_fields) {
            return Some(start);
        }
        from = line_end + 1;
    }
    None
}

fn looks_like_records(text: &str, separators: Separators, start: usize, n_fields: usize) -> bool {
    let window = text.floor_char_boundary(start.saturating_add(PROBE_BYTES));
    let mut records = Records::new(&text[..window], separators, start);
    for _ in 0..PROBE_RECORDS {
        match records.next_record() {
            None => return true,
            Some(record) if record.malformed.is_some() || records.fields().len() != n_fields => return false,
            Some(_) => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Separators = Separators { delimiter: b',', newline: b'\n' };

    fn read(text: &str, separators: Separators) -> Vec<(Vec<String>, Option<Malformed>)> {
        let (mut records, mut scratch, mut read) = (Records::new(text, separators, 0), String::new(), Vec::new());
        while let Some(record) = records.next_record() {
            let fields = records.fields().iter().map(|field| field.text(text, &mut scratch).to_owned()).collect();
            read.push((fields, record.malformed));
        }
        read
    }

    fn check(text: &str, separators: Separators, expected: &[&[&str]]) {
        let found: Vec<Vec<String>> = read(text, separators).into_iter().map(|(fields, _)| fields).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn records_end_at_every_kind_of_line_end() {
        let expected: &[&[&str]] = &[&["a", "b"], &["1", ""], &["", "2"]];
        check("a,b\n1,\n,2", COMMA, expected);
        check("a,b\r\n1,\r\n,2\r\n", COMMA, expected);
        check("a,b\r1,\r,2\r", Separators { delimiter: b',', newline: b'\r' }, expected);
        check("\n\na,b\n\r\n1,\n\n,2\n\n\n", COMMA, expected);
        check("\"a\",\"b\"\r\n\"1\",\"\"\r\n\"\",\"2\"\r\n", COMMA, expected);
        check("\r", COMMA, &[]);
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        check("\"a,\nb\",c\nd,e", COMMA, &[&["a,\nb", "c"], &["d", "e"]]);
        check("\"5\"\" pipe\",\"\"\"\"", COMMA, &[&["5\" pipe", "\""]]);
        check("5\" pipe,a\"b\"c", COMMA, &[&["5\" pipe", "a\"b\"c"]]);
    }

    #[test]
    fn faults_stay_in_their_record() {
        let found = read("\"a\"b,c\nd,e\n\"f,g\nh", COMMA);
        assert_eq!(found[0].1, Some(Malformed::TextAfterQuote));
        assert_eq!(found[1], (vec!["d".to_owned(), "e".to_owned()], None));
        assert_eq!(found[2].1, Some(Malformed::OpenQuote { line: 2 }));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn lines_are_physical() {
        let lines = |text: &str, newline: u8| -> Vec<usize> {
            let mut records = Records::new(text, Separators { delimiter: b',', newline }, 0);
            let mut lines: Vec<usize> =
                std::iter::from_fn(|| records.next_record()).map(|record| record.line).collect();
            lines.push(records.n_lines());
            lines
        };
        let text = "a\n\n\n\"b\nc\",\"\n\"\n\"d\"\"\n\"\"\"x\"\ne\n";
        assert_eq!(lines(text, b'\n'), [0, 3, 6, 8, 9]);
        assert_eq!(lines(&text.replace('\n', "\r\n"), b'\n'), [0, 3, 6, 8, 9]);
        assert_eq!(lines(&text.replace('\n', "\r"), b'\r'), [0, 3, 6, 8, 9]);
    }

    /// Splits one character after the other, as slowly and plainly as can be.
    fn naive(text: &str, delimiter: char, newline: char) -> Vec<Vec<String>> {
        let chars: Vec<char> = text.chars().collect();
        let (mut records, mut record, mut field, mut at) = (Vec::new(), Vec::new(), String::new(), 0);
        let mut line_start = true;
        while at < chars.len() {
            if line_start
                && (chars[at] == newline || (chars[at] == '\r' && chars.get(at + 1).is_none_or(|c| *c == newline)))
            {
                at += 1;
                continue;
            }
            line_start = false;
            if field.is_empty() && chars[at] == '"' {
                at += 1;
                while at < chars.len() {
                    if chars[at] == '"' && chars.get(at + 1) == Some(&'"') {
                        field.push('"');
                        at += 2;
                    } else if chars[at] == '"' {
                        break;
                    } else {
                        field.push(chars[at]);
                        at += 1;
                    }
                }
                at += 1;
            }
            while at < chars.len() && chars[at] != delimiter && chars[at] != newline {
                field.push(chars[at]);
                at += 1;
            }
            let ends = at >= chars.len() || chars[at] == newline;
            if ends && newline == '\n' && field.ends_with('\r') {
                field.pop();
            }
            record.push(std::mem::take(&mut field));
            if ends {
                records.push(std::mem::take(&mut record));
                line_start = true;
            } else if at + 1 == chars.len() {
                record.push(String::new());
                records.push(std::mem::take(&mut record));
            }
            at += 1;
        }
        records
    }

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => "[a-zä0-9.]{0,6}",
            1 => "[a-z]{1,3}\"[a-z\"]{0,3}",
            2 => "[a-z,;\n\"]{0,20}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        ]
    }

    fn table() -> impl Strategy<Value = String> {
        (1..5_usize).prop_flat_map(|width| {
            let row = proptest::collection::vec(cell(), width).prop_map(|cells| cells.join(","));
            proptest::collection::vec(row, 0..40).prop_map(|rows| rows.join("\n"))
        })
    }

    proptest! {
        /// Well-formed or not, records are what the plain reading says.
        #[test]
        fn records_are_what_the_plain_reading_says(text in table()) {
            let found: Vec<Vec<String>> = read(&text, COMMA).into_iter().map(|(fields, _)| fields).collect();
            prop_assert_eq!(found, naive(&text, ',', '\n'));
        }

        /// No text whatsoever panics or loses its place.
        #[test]
        fn any_text_is_read_to_its_end(text in "[ab\",;\r\n]{0,60}", part_bytes in 1..20_usize) {
            for newline in [b'\n', b'\r'] {
                let separators = Separators { delimiter: b',', newline };
                let mut records = Records::new(&text, separators, 0);
                while let Some(record) = records.next_record() {
                    prop_assert!(record.start < record.end || record.start < text.len());
                    prop_assert!(record.end <= text.len());
                }
                let starts = guess_boundaries(&text, separators, 0, 2, part_bytes);
                prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
    }
}
