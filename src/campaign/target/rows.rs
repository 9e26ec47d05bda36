//! The cells of every row of a campaign file, one row after another.
//!
//! A row is one text with the end of every cell, which a reader of rows keeps and fills again: no allocation a cell but for what is
//! normalised. `O(cells)` time.

use std::fmt::Write;

use super::hashed::{self, Platform};
use super::layout::{Layout, Part, REASON};
use super::letter::{self, Addressee};
use super::text::{CellCounts, fit, yes_or_no};
use super::{DateStyle, NumberStyle, Target, email, phone};
use crate::campaign::Campaign;
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::table::{ColumnKind, Values};
use crate::units::{Day, Money};

/// The cells of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowCells {
    text: String,
    ends: Vec<usize>,
}

impl RowCells {
    /// Goes through the cells; an empty one is unknown.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|ix| &self.text[self.start(ix)..self.ends[ix]])
    }

    fn start(&self, ix: usize) -> usize {
        if ix == 0 { 0 } else { self.ends[ix - 1] }
    }
}

/// The rows of a file before they are written.
pub struct Rows<'f> {
    campaign: &'f Campaign,
    header: Vec<String>,
    parts: Vec<Source<'f>>,
}

/// Where the cells of a part come from.
enum Source<'f> {
    Nothing,
    Value(&'f FrameColumn<'f>),
    /// Texts of yes and no alone, in the words of the target.
    YesNo(&'f FrameColumn<'f>, [&'static str; 2]),
    Email(&'f FrameColumn<'f>),
    Phone(&'f FrameColumn<'f>, Option<&'f FrameColumn<'f>>),
    Identifier(Platform, &'f str, &'f FrameColumn<'f>, Option<&'f FrameColumn<'f>>),
    Name([Option<&'f FrameColumn<'f>>; 2]),
    Attributes(Vec<(&'f str, Source<'f>)>),
    SalutationLine(Box<Person<'f>>),
    AddressLines(Box<Person<'f>>),
    Reason(Option<&'f FrameColumn<'f>>, &'f str),
}

/// The columns of an addressee, where they are known.
struct Person<'f>([Option<&'f FrameColumn<'f>>; 9]);

impl<'f> Rows<'f> {
    /// Finds the columns of a campaign file among its contacts.
    ///
    /// # Errors
    /// Fails where a column is missing, which checking the pipeline and the export rules out.
    pub fn new(campaign: &'f Campaign, contacts: &'f Frame<'f>) -> Result<Self, FrameError> {
        let Layout { header, parts } = Layout::of(campaign);
        let parts = parts.into_iter().map(|part| Source::of(part, campaign.target, contacts));
        Ok(Self { campaign, header, parts: parts.collect::<Result<_, _>>()? })
    }

    /// Returns the names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Makes the cells of a row.
    pub fn read(&self, row: usize, cells: &mut RowCells, counts: &mut CellCounts) {
        cells.text.clear();
        cells.ends.clear();
        for part in &self.parts {
            self.push(part, row, cells, counts);
        }
    }

    fn push(&self, source: &Source<'_>, row: usize, cells: &mut RowCells, counts: &mut CellCounts) {
        let (target, home) = (self.campaign.target, self.campaign.home);
        let start = cells.text.len();
        let mut is_text = true;
        match source {
            Source::Nothing => {}
            Source::Value(column) => is_text = push_value(column, row, target, &mut cells.text),
            Source::YesNo(column, [yes, no]) => {
                let said = yes_or_no(text(Some(column), row));
                cells.text.push_str(said.map_or("", |said| if said { yes } else { no }));
            }
            Source::Email(column) => cells.text.push_str(&email::normalised(text(Some(column), row))),
            Source::Phone(column, country) => {
                let given = text(Some(column), row);
                match phone::of_cells(given, text(*country, row), home) {
                    Some(number) => cells.text.push_str(&number),
                    None => counts.refused_phones += usize::from(!given.is_empty()),
                }
            }
            Source::Identifier(platform, name, column, country) => {
                let given = text(Some(column), row);
                let found = hashed::identifier(*platform, name, given, text(*country, row), home);
                let is_refused = found.is_none() && *name == "phone" && !given.is_empty();
                counts.refused_phones += usize::from(is_refused);
                cells.text.push_str(&found.unwrap_or_default());
            }
            Source::Name(names) => {
                cells.text.push_str(&letter::joined(names.map(|name| text(name, row).trim()), " "));
            }
            Source::Attributes(attributes) => {
                is_text = false;
                self.push_object(attributes, row, cells, counts);
            }
            Source::SalutationLine(person) => {
                cells.text.push_str(&letter::salutation_line(&person.addressee(row), self.campaign.language));
            }
            Source::AddressLines(person) => {
                let lines = letter::address_lines(&person.addressee(row), self.campaign.language, home);
                for line in &lines {
                    let start = cells.text.len();
                    cells.text.push_str(line);
                    fit(&mut cells.text, start, target, counts);
                    cells.ends.push(cells.text.len());
                }
                return;
            }
            Source::Reason(reason, segment) => {
                let reason = Some(text(*reason, row)).filter(|reason| !reason.is_empty());
                cells.text.push_str(reason.unwrap_or(segment));
            }
        }
        if is_text {
            fit(&mut cells.text, start, target, counts);
        }
        cells.ends.push(cells.text.len());
    }

    /// Writes one JSON object; what is unknown is null, so that every object has every key.
    fn push_object(
        &self,
        attributes: &[(&str, Source<'_>)],
        row: usize,
        cells: &mut RowCells,
        counts: &mut CellCounts,
    ) {
        let mut value = RowCells::default();
        cells.text.push('{');
        for (ix, (name, source)) in attributes.iter().enumerate() {
            value.text.clear();
            value.ends.clear();
            self.push(source, row, &mut value, counts);
            let separator = if ix == 0 { "" } else { "," };
            let is_number = matches!(source, Source::Value(column) if is_number(column.kind()));
            let is_yes_no = matches!(source, Source::YesNo(..));
            let text = match value.text.as_str() {
                "" => "null".to_owned(),
                text if is_number || is_yes_no => text.to_owned(),
                text => serde_json::Value::from(text).to_string(),
            };
            let _ = write!(cells.text, "{separator}{}:{text}", serde_json::Value::from(*name));
        }
        cells.text.push('}');
    }
}

impl<'f> Source<'f> {
    fn of(part: Part<'f>, target: &Target, contacts: &'f Frame<'f>) -> Result<Self, FrameError> {
        let known = |name: &str| contacts.columns().iter().find(|column| column.name == name);
        let country = || known("country");
        Ok(match part {
            Part::Column(name) => {
                let column = contacts.column(name)?;
                match (name, target.yes_no) {
                    ("email", _) if target.normalises => Self::Email(column),
                    ("phone", _) if target.normalises => Self::Phone(column, country()),
                    (_, Some(words)) if is_yes_or_no(column, contacts.height()) => Self::YesNo(column, words),
                    _ => Self::Value(column),
                }
            }
            Part::IfKnown(name) => known(name).map_or(Self::Nothing, Self::Value),
            Part::Identifier(platform, name) => Self::Identifier(platform, name, contacts.column(name)?, country()),
            Part::Name => Self::Name(["first_name", "last_name"].map(known)),
            Part::Attributes(columns) => {
                let all = [CUSTOMER_ID].into_iter().chain(columns.iter().map(String::as_str));
                let sources = all.map(|name| Ok((name, Self::of(Part::Column(name), target, contacts)?)));
                Self::Attributes(sources.collect::<Result<_, FrameError>>()?)
            }
            Part::SalutationLine => Self::SalutationLine(Box::new(Person::of(known))),
            Part::AddressLines => Self::AddressLines(Box::new(Person::of(known))),
            Part::Reason(segment) => Self::Reason(known(REASON), segment),
        })
    }
}

impl<'f> Person<'f> {
    fn of(known: impl Fn(&str) -> Option<&'f FrameColumn<'f>>) -> Self {
        let names = [
            "salutation",
            "first_name",
            "last_name",
            "company",
            "street",
            "postal_code",
            "city",
            "country",
            "language",
        ];
        Self(names.map(known))
    }

    fn addressee(&self, row: usize) -> Addressee<'_> {
        let [salutation, first_name, last_name, company, street, postal_code, city, country, language] =
            self.0.map(|column| text(column, row));
        Addressee { salutation, first_name, last_name, company, street, postal_code, city, country, language }
    }
}

/// Returns the text of a row; what is unknown is empty.
fn text<'f>(column: Option<&'f FrameColumn<'_>>, row: usize) -> &'f str {
    column.and_then(|column| column.cells.text(column.position(row))).unwrap_or_default()
}

/// Says whether a text column holds words of yes and no and nothing else.
fn is_yes_or_no(column: &FrameColumn<'_>, height: usize) -> bool {
    let words = || (0..height).map(|row| text(Some(column), row)).filter(|word| !word.is_empty());
    column.kind() == ColumnKind::Text && words().next().is_some() && words().all(|word| yes_or_no(word).is_some())
}

fn is_number(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Integer | ColumnKind::Number | ColumnKind::Money)
}

/// Writes the value of a row as the target writes it and says whether it is a text.
fn push_value(column: &FrameColumn<'_>, row: usize, target: &Target, out: &mut String) -> bool {
    let position = column.position(row);
    let start = out.len();
    let Cells::Values(values) = &column.cells else {
        out.push_str(column.cells.text(position).unwrap_or_default());
        return true;
    };
    match values.as_ref() {
        Values::Text { .. } => {
            out.push_str(column.cells.text(position).unwrap_or_default());
            return true;
        }
        Values::Integer(values) => {
            if let Some(value) = values.get(position) {
                out.push_str(itoa::Buffer::new().format(value));
            }
        }
        Values::Money(values) => {
            if let Some(minor) = values.get(position) {
                let _ = write!(out, "{}", Money(minor));
            }
        }
        Values::Number(values) => match (values.get(position).filter(|value| value.is_finite()), target.numbers) {
            (Some(value), NumberStyle::Shortest) => out.push_str(zmij::Buffer::new().format_finite(value)),
            (Some(value), _) => {
                let _ = write!(out, "{value}");
            }
            (None, _) => {}
        },
        Values::Date(values) => {
            if let Some(day) = values.get(position) {
                push_day(Day(day), target.dates, out);
            }
            return false;
        }
    }
    if target.numbers == NumberStyle::Comma
        && let Some(point) = out[start..].find('.')
    {
        out.replace_range(start + point..=start + point, ",");
    }
    false
}

fn push_day(day: Day, style: DateStyle, out: &mut String) {
    let (year, month, day_of_month) = day.ymd();
    let _ = match style {
        DateStyle::Iso => write!(out, "{year:04}-{month:02}-{day_of_month:02}"),
        DateStyle::German => write!(out, "{day_of_month:02}.{month:02}.{year:04}"),
    };
}
