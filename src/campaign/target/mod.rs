//! Targets of campaign files: one table of facts a tool, and what makes cells fit it.
//!
//! | file          | what                                                                    |
//! |---------------|-------------------------------------------------------------------------|
//! | `known`       | the facts of every tool, each with where it is documented                |
//! | `headers`     | what columns are called in a tool                                        |
//! | `layout`      | which columns a file has, and what each is made of                       |
//! | `rows`        | the cells of every row, made one after another                           |
//! | `text`        | characters, length, formulas                                             |
//! | `email`, `phone`, `country`, `hashed`, `letter` | one normalisation each                 |
//!
//! All tools take UTF-8, so that there is no fact for the encoding but the byte order mark, which tells it to a spreadsheet. What a tool's
//! documentation leaves open is as it is in a plain file.

pub mod country;
pub mod email;
pub mod hashed;
mod headers;
mod known;
pub mod layout;
pub mod letter;
pub mod phone;
pub mod rows;
pub mod text;

pub use known::ALL;
pub use text::CellCounts;

use hashed::Platform;

/// The way to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    Email,
    Phone,
    Post,
    /// Audiences of advertising networks.
    Ads,
}

impl Channel {
    /// Returns the word in manifest and summary.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "e-mail",
            Self::Phone => "phone",
            Self::Post => "post",
            Self::Ads => "ads",
        }
    }

    /// Returns the customer columns without which nobody can be reached.
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Email | Self::Ads => &["email"],
            Self::Phone => &["phone"],
            Self::Post => &["street", "postal_code", "city"],
        }
    }
}

/// What a row of a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Customer id, then the address, then the columns of the campaign.
    IdFirst,
    /// Address, then customer id, then the columns of the campaign: tools that know a contact by the first column.
    AddressFirst,
    /// Address, name, and one JSON object of everything else.
    Subscriber,
    /// Hashed identifiers and nothing else.
    Audience(Platform),
    /// Customer id, salutation line, address lines, then the columns of the campaign.
    Letter,
    /// Customer id, number, names, reason, last contact, offer, then the columns of the campaign.
    CallList,
}

/// How columns that a tool has no field for are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As in the scores, `offer_1_name`.
    Same,
    /// Upper case, `OFFER_1_NAME`.
    Upper,
    /// Upper case, at most ten characters, `OFFER_NAME`.
    MergeTag,
    /// Words with capitals, `Offer 1 Name`.
    Label,
}

/// How a day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateStyle {
    /// `2026-06-30`.
    Iso,
    /// `30.06.2026`.
    German,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberStyle {
    /// The shortest text that a program reads back as the same number, `1.0`, `1e-7`.
    Shortest,
    /// Without exponent, with a point, `1`, `0.0000001`.
    Point,
    /// Without exponent, with a comma, `1`, `0,0000001`.
    Comma,
}

/// A tool that takes campaign files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Name in the pipeline.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where its format is documented.
    pub source: &'static str,
    pub channel: Channel,
    pub shape: Shape,
    /// Fields that the tool has of its own, by canonical column.
    pub fields: &'static [(&'static str, &'static str)],
    /// Says whether a file may have those fields only.
    pub only_fields: bool,
    pub naming: Naming,
    pub delimiter: u8,
    /// Says whether the file begins with the byte order mark of UTF-8.
    pub byte_order_mark: bool,
    pub line_end: &'static str,
    /// Says whether every cell is quoted, not only where a reader needs it.
    pub quotes_all: bool,
    pub dates: DateStyle,
    pub numbers: NumberStyle,
    /// Words for yes and no, where the tool knows only those: a column that holds nothing but such words is written in them.
    pub yes_no: Option<[&'static str; 2]>,
    /// Most rows of a file, without the header.
    pub max_rows: usize,
    /// Most bytes of a file.
    pub max_bytes: u64,
    /// Most bytes of a cell.
    pub max_cell_bytes: usize,
    /// Says whether characters of four bytes in UTF-8 (emoji) are taken.
    pub four_byte_characters: bool,
    /// Says whether a quoted cell may hold line breaks.
    pub line_breaks: bool,
    /// Says whether a spreadsheet reads the file, so that formulas must not stand in it.
    pub guards_formulas: bool,
    /// Says whether addresses are written in one spelling and phone numbers in E.164.
    pub normalises: bool,
    /// Says whether only ASCII may stand before the `@`.
    pub ascii_local_part: bool,
    /// Says whether an address may stand in a file once only.
    pub once_an_address: bool,
}

impl Target {
    /// Finds a target by its name in the pipeline.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|target| target.name == name)
    }

    /// Returns the customer columns that a file is made of beside those that the campaign names, where the export has them.
    pub fn wishes(&self) -> &'static [&'static str] {
        match self.shape {
            Shape::Letter => &["salutation", "first_name", "last_name", "company", "country", "language"],
            Shape::CallList => &["salutation", "first_name", "last_name", "company", "country"],
            // A national number is one of the customer's country.
            _ if self.normalises => &["country"],
            _ => &[],
        }
    }

    /// Says whether a file may hold a column.
    pub fn takes(&self, column: &str) -> bool {
        !self.only_fields || self.fields.iter().any(|(field, _)| *field == column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_known_by_distinct_names_and_say_where_they_are_documented() {
        for (ix, target) in ALL.iter().enumerate() {
            assert!(ALL[..ix].iter().all(|other| other.name != target.name), "{}", target.name);
            assert!(target.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", target.name);
            assert!(!target.source.is_empty() && target.max_rows > 0 && target.max_cell_bytes >= 254);
            assert_eq!(Target::named(target.name), Some(target));
            for needed in target.channel.needs().iter().filter(|_| target.only_fields) {
                assert!(target.takes(needed), "{}: {needed}", target.name);
            }
        }
        assert_eq!(Target::named("pigeon"), None);
    }
}
