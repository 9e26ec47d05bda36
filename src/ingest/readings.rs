//! How each column of a file is read: as the pipeline states, or as the evidence of the whole file decides.
//!
//! | column  | nothing in it decides                                                                   |
//! |---------|-----------------------------------------------------------------------------------------|
//! | numbers | as most numbers of the other columns, else a decimal comma beside `;`, else a point     |
//! | dates   | as the other dates of the file with the same shape, then as the other files of the table |

use std::collections::BTreeMap;
use std::path::Path;

use super::IngestError;
use super::column::{Evidence, Reading};
use super::dates::DateFormat;
use super::error::Side;
use super::evidence::{DateEvidence, NumberEvidence, Outcome, Seen};
use super::headers::Mapped;
use super::number_format::{Mark, NumberFormat, NumberReading};
use super::spec::{Cell, ColumnFormat, ColumnName, Format, TableSource, TableSpec, kebab};

/// Forms that need no evidence, by canonical name.
pub(super) type Stated = BTreeMap<ColumnName, Reading>;

/// How one column is read, and why.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) reading: Reading,
    /// One sentence for the report, where there is something to say.
    pub(super) why: Option<String>,
    /// Says whether day and month are guessed: another file must tell them apart.
    pub(super) is_open: bool,
}

/// Reads the forms that the pipeline states.
///
/// # Errors
/// Fails where a form does not fit its column, or the delimiter cannot be one.
pub(super) fn stated(spec: &TableSpec, source: &TableSource) -> Result<Stated, IngestError> {
    let bad = |setting: &str, value: &str, accepted: String| IngestError::BadSetting {
        table: spec.name,
        setting: setting.to_owned(),
        value: value.to_owned(),
        accepted,
    };
    for (setting, name) in source
        .columns
        .keys()
        .map(|name| ("column", name))
        .chain(source.formats.keys().map(|name| ("column with a form", name)))
    {
        if !spec.columns.iter().any(|request| request.name == *name) {
            let all: Vec<String> = spec.columns.iter().map(|request| format!("`{}`", kebab(&request.name))).collect();
            return Err(bad(setting, &kebab(name), all.join(", ")));
        }
    }
    if let Some(delimiter) = source.csv.delimiter
        && !u8::try_from(delimiter).is_ok_and(super::dialect::is_delimiter)
    {
        return Err(bad("delimiter", &delimiter.to_string(), "`;`, `,`, a tab, `|`".to_owned()));
    }
    let csv = if source.format == Format::Csv { source.csv } else { Default::default() };
    let mut stated = Stated::new();
    for request in spec.columns.iter() {
        let reading = match (request.cell, source.formats.get(&*request.name)) {
            (Cell::Decimal, Some(ColumnFormat::Number(format))) => Some(Reading::Number(format.reading())),
            (Cell::Date, Some(ColumnFormat::Date(format))) => Some(Reading::Date(*format)),
            (Cell::Decimal, None) => csv.number_format.map(|format| Reading::Number(format.reading())),
            (Cell::Date, None) => csv.date_format.map(Reading::Date),
            (_, None) => None,
            (cell, Some(other)) => {
                let (kind, accepted) = match cell {
                    Cell::Decimal => ("number form", quoted(NumberFormat::ALL.map(NumberFormat::label))),
                    Cell::Date => ("date form", quoted(DateFormat::STATED.map(DateFormat::label))),
                    _ => ("form", "forms of numbers and dates only".to_owned()),
                };
                return Err(bad(&format!("{kind} of `{}`", kebab(&request.name)), other.label(), accepted));
            }
        };
        stated.extend(reading.map(|reading| (request.name.clone(), reading)));
    }
    Ok(stated)
}

fn quoted<const N: usize>(labels: [&str; N]) -> String {
    labels.map(|label| format!("`{label}`")).join(", ")
}

/// Guesses from a sample how the columns are read.
pub(super) fn guess(columns: &[Mapped], stated: &Stated, sample: &[Evidence], delimiter: Option<u8>) -> Vec<Reading> {
    let others = of_other_columns(sample, delimiter);
    columns
        .iter()
        .zip(sample)
        .map(|(column, evidence)| match (stated.get(&*column.request.name), evidence) {
            (Some(reading), _) => *reading,
            (None, Evidence::Number(numbers)) => number_reading(numbers.majority().unwrap_or(others.mark)),
            (None, Evidence::Date(dates)) => Reading::Date(dates.majority().unwrap_or(DateFormat::YearMonthDay)),
            (None, Evidence::Nothing) => plain_reading(column.request.cell),
        })
        .collect()
}

/// Decides from the whole file how the columns are read.
///
/// # Errors
/// Fails where a column contradicts itself.
pub(super) fn decide(
    spec: &TableSpec,
    file: &Path,
    columns: &[Mapped],
    stated: &Stated,
    evidence: &[Evidence],
    delimiter: Option<u8>,
    line_of: &dyn Fn(usize) -> u64,
) -> Result<Vec<Decision>, IngestError> {
    let others = of_other_columns(evidence, delimiter);
    let decide = |(column, evidence): (&Mapped, &Evidence)| {
        let (table, column_name, header) = (spec.name, kebab(&column.request.name), column.header.clone());
        match (stated.get(&*column.request.name), evidence) {
            (Some(reading), _) => Ok(decision(*reading, stated_words(column, *reading))),
            (None, Evidence::Nothing) => Ok(decision(plain_reading(column.request.cell), None)),
            (None, Evidence::Number(numbers)) => number_decision(column, numbers, &others).ok_or_else(|| {
                let side = |form, seen: &Seen| Side { form, count: seen.count, line: line_of(seen.first) };
                let comma = side("with a decimal comma", &numbers.comma);
                let sides = Box::new([comma, side("with a decimal point", &numbers.point)]);
                IngestError::MixedNumbers { table, file: file.to_owned(), column: column_name, header, sides }
            }),
            (None, Evidence::Date(dates)) => match dates.outcome() {
                Outcome::Decided(format, why) => Ok(date_decision(column, dates, format, &why)),
                Outcome::Idle => Ok(decision(Reading::Date(DateFormat::YearMonthDay), None)),
                Outcome::Open => Ok(open_date(column, dates, &others.dates)),
                Outcome::Contradiction => {
                    let side = |(format, count, first): (DateFormat, u64, usize)| Side {
                        form: format.label(),
                        count,
                        line: line_of(first),
                    };
                    let sides = Box::new(dates.two_sides().map(side));
                    Err(IngestError::MixedDates { table, file: file.to_owned(), column: column_name, header, sides })
                }
            },
        }
    };
    columns.iter().zip(evidence).map(decide).collect()
}

/// Decides a date column by the dates of other files; nothing where these do not tell either.
pub(super) fn settle(column: &Mapped, own: &DateEvidence, all: &DateEvidence) -> Option<Decision> {
    match all.outcome() {
        Outcome::Decided(format, _) if own.shape().is_some_and(|(shape, _)| shape.formats().contains(&format)) => {
            Some(date_decision(column, own, format, "as in the other files of the table; nothing in this one decides"))
        }
        _ => None,
    }
}

fn decision(reading: Reading, why: Option<String>) -> Decision {
    Decision { reading, why, is_open: false }
}

fn date_decision(column: &Mapped, dates: &DateEvidence, format: DateFormat, why: &str) -> Decision {
    let time = if dates.has_times() { " hh:mm" } else { "" };
    decision(Reading::Date(format), Some(format!("`{}`: {format}{time} ({why})", column.header)))
}

/// Decides the decimal mark of a column; nothing where it contradicts itself.
fn number_decision(column: &Mapped, numbers: &NumberEvidence, others: &Together) -> Option<Decision> {
    match numbers.outcome() {
        Outcome::Decided(mark, why) => {
            let why = format!("`{}`: decimal {} ({why})", column.header, mark_name(mark));
            Some(decision(number_reading(mark), Some(why)))
        }
        Outcome::Idle => Some(decision(number_reading(others.mark), None)),
        Outcome::Open => {
            let (name, ambiguity) = (mark_name(others.mark), numbers.ambiguity());
            let why = format!("`{}`: decimal {name} ({ambiguity}; {})", column.header, others.why);
            Some(decision(number_reading(others.mark), Some(why)))
        }
        Outcome::Contradiction => None,
    }
}

/// Decides by the other dates of the file, or leaves it open.
fn open_date(column: &Mapped, dates: &DateEvidence, others: &DateEvidence) -> Decision {
    let shape = dates.shape().map(|(shape, _)| shape);
    match others.of(shape).outcome() {
        Outcome::Decided(format, _) => date_decision(column, dates, format, "as the other dates of the file"),
        _ => {
            let format = dates.majority().unwrap_or(DateFormat::YearMonthDay);
            Decision { reading: Reading::Date(format), why: None, is_open: true }
        }
    }
}

fn stated_words(column: &Mapped, reading: Reading) -> Option<String> {
    let what = match reading {
        Reading::Date(format) => format.to_string(),
        Reading::Number(reading) => format!("decimal {}", mark_name(reading.decimal)),
        Reading::Id | Reading::Text | Reading::Flag => return None,
    };
    Some(format!("`{}`: {what} (stated in the pipeline)", column.header))
}

fn plain_reading(cell: Cell) -> Reading {
    match cell {
        Cell::Id => Reading::Id,
        Cell::Flag => Reading::Flag,
        Cell::Text => Reading::Text,
        Cell::Decimal => Reading::Number(NumberReading::POINT),
        Cell::Date => Reading::Date(DateFormat::YearMonthDay),
    }
}

fn number_reading(mark: Mark) -> Reading {
    Reading::Number(if mark == Mark::Comma { NumberReading::COMMA } else { NumberReading::POINT })
}

fn mark_name(mark: Mark) -> &'static str {
    if mark == Mark::Comma { "comma" } else { "point" }
}

/// What the columns of a file say together.
struct Together {
    mark: Mark,
    why: &'static str,
    dates: DateEvidence,
}

fn of_other_columns(evidence: &[Evidence], delimiter: Option<u8>) -> Together {
    let (mut numbers, mut dates) = (NumberEvidence::default(), DateEvidence::default());
    for column in evidence {
        match column {
            Evidence::Number(column) => numbers.add(column.clone()),
            Evidence::Date(column) => dates.add(column.as_ref().clone()),
            Evidence::Nothing => {}
        }
    }
    let (mark, why) = match (numbers.majority(), delimiter) {
        (Some(mark), _) => (mark, "as the other columns of the file"),
        (None, Some(b';')) => (Mark::Comma, "no column decides, and `;` between fields goes with a decimal comma"),
        (None, _) => (Mark::Point, "no column decides, and without `;` between fields a point is usual"),
    };
    Together { mark, why, dates }
}
