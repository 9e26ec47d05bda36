//! The written form of numbers: which mark is decimal, which may group thousands, and how a pipeline states it by example.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Written form of numbers, as a pipeline gives it by example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// `1234.56`
    Point,
    /// `1,234.56`
    PointGroupedByComma,
    /// `1234,56`
    Comma,
    /// `1.234,56`
    CommaGroupedByPoint,
    /// `1 234,56`, with any kind of space
    CommaGroupedBySpace,
    /// `1'234.56`
    PointGroupedByApostrophe,
}

impl NumberFormat {
    /// All forms.
    pub const ALL: [Self; 6] = [
        Self::Point,
        Self::PointGroupedByComma,
        Self::Comma,
        Self::CommaGroupedByPoint,
        Self::CommaGroupedBySpace,
        Self::PointGroupedByApostrophe,
    ];

    /// Returns the example that a pipeline states the form by.
    pub fn label(self) -> &'static str {
        match self {
            Self::Point => "1234.56",
            Self::PointGroupedByComma => "1,234.56",
            Self::Comma => "1234,56",
            Self::CommaGroupedByPoint => "1.234,56",
            Self::CommaGroupedBySpace => "1 234,56",
            Self::PointGroupedByApostrophe => "1'234.56",
        }
    }

    /// Returns how cells of this form are read.
    pub(super) fn reading(self) -> NumberReading {
        let (decimal, groups) = match self {
            Self::Point => (Mark::Point, 0),
            Self::PointGroupedByComma => (Mark::Point, Mark::Comma.bit()),
            Self::Comma => (Mark::Comma, 0),
            Self::CommaGroupedByPoint => (Mark::Comma, Mark::Point.bit()),
            Self::CommaGroupedBySpace => (Mark::Comma, Mark::Space.bit()),
            Self::PointGroupedByApostrophe => (Mark::Point, Mark::Apostrophe.bit()),
        };
        NumberReading { decimal, groups }
    }
}

impl fmt::Display for NumberFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A character inside a number that is no digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mark {
    Point,
    Comma,
    Space,
    Apostrophe,
}

impl Mark {
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Returns the mark at the start of a text and its length in bytes.
    pub(super) fn at(bytes: &[u8]) -> Option<(Self, usize)> {
        match bytes {
            [b'.', ..] => Some((Self::Point, 1)),
            [b',', ..] => Some((Self::Comma, 1)),
            [b' ', ..] => Some((Self::Space, 1)),
            [b'\'', ..] => Some((Self::Apostrophe, 1)),
            // U+00A0 no-break space; U+2009 thin space, U+202F narrow no-break space; U+2019 right quotation mark.
            [0xC2, 0xA0, ..] => Some((Self::Space, 2)),
            [0xE2, 0x80, 0x89 | 0xAF, ..] => Some((Self::Space, 3)),
            [0xE2, 0x80, 0x99, ..] => Some((Self::Apostrophe, 3)),
            _ => None,
        }
    }
}

/// How the numbers of a column are read: the decimal mark, and the marks that may group thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NumberReading {
    pub(super) decimal: Mark,
    groups: u8,
}

impl NumberReading {
    /// Decimal point, thousands grouped by anything else.
    pub(super) const POINT: Self = Self { decimal: Mark::Point, groups: !Mark::Point.bit() };
    /// Decimal comma, thousands grouped by anything else.
    pub(super) const COMMA: Self = Self { decimal: Mark::Comma, groups: !Mark::Comma.bit() };

    /// Says whether a mark may group thousands.
    pub(super) fn groups_by(self, mark: Mark) -> bool {
        self.groups & mark.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_its_own_example() {
        for format in NumberFormat::ALL {
            let (read, _) = super::super::numbers::parse(format.label(), format.reading());
            assert_eq!(read, Ok(1_234_560_000), "{format}");
        }
    }
}
