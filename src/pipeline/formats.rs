//! Words of the pipeline for encodings and written forms of numbers and dates.

use crate::ingest::{DateFormat, Encoding, NumberFormat};

pub(super) const ENCODINGS: &[(&str, Encoding)] = &[
    ("utf-8", Encoding::Utf8),
    ("windows-1252", Encoding::Windows1252),
    ("iso-8859-15", Encoding::Iso8859_15),
    ("utf-16le", Encoding::Utf16Le),
];

pub(super) const NUMBER_FORMATS: &[(&str, NumberFormat)] = &[
    ("1234.56", NumberFormat::Point),
    ("1,234.56", NumberFormat::PointGroupedByComma),
    ("1234,56", NumberFormat::Comma),
    ("1.234,56", NumberFormat::CommaGroupedByPoint),
    ("1 234,56", NumberFormat::CommaGroupedBySpace),
    ("1'234.56", NumberFormat::PointGroupedByApostrophe),
];

/// A form with a two-digit year is the same as that with four: each is read where it stands.
pub(super) const DATE_FORMATS: &[(&str, DateFormat)] = &[
    ("yyyy-mm-dd", DateFormat::YearMonthDay),
    ("yyyymmdd", DateFormat::Compact),
    ("dd.mm.yyyy", DateFormat::DotDayFirst),
    ("dd/mm/yyyy", DateFormat::SlashDayFirst),
    ("mm/dd/yyyy", DateFormat::SlashMonthFirst),
    ("dd-mm-yyyy", DateFormat::DashDayFirst),
    ("mm-dd-yyyy", DateFormat::DashMonthFirst),
    ("dd.mm.yy", DateFormat::DotDayFirst),
    ("dd/mm/yy", DateFormat::SlashDayFirst),
    ("mm/dd/yy", DateFormat::SlashMonthFirst),
    ("dd-mm-yy", DateFormat::DashDayFirst),
    ("mm-dd-yy", DateFormat::DashMonthFirst),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those that the forms call themselves by, so that evidence and pipeline speak alike.
    #[test]
    fn words_are_the_names_of_the_forms() {
        for (word, encoding) in ENCODINGS {
            assert_eq!(encoding.to_string(), *word);
        }
        for (word, format) in NUMBER_FORMATS {
            assert_eq!(format.to_string(), *word);
        }
        for (word, format) in DATE_FORMATS {
            assert_eq!(format.to_string().replace("yyyy", "yy"), word.replace("yyyy", "yy"));
        }
    }
}
