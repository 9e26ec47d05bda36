//! What a key may hold and what is known of it: the one description that reading, schema and reference share.

use std::borrow::Cow;
use std::fmt;

/// A key before it is read: name, meaning and what stands in for it.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub name: &'static str,
    /// One sentence, no full stop.
    pub doc: &'static str,
    /// Unit of the value, empty where it has none.
    pub unit: &'static str,
    /// Value where the key is absent, as TOML.
    pub default: Option<Cow<'static, str>>,
    /// A value for the reference where there is no default, as TOML.
    pub example: Option<&'static str>,
    pub required: bool,
}

/// Names a key and says what it means.
pub(super) const fn key(name: &'static str, doc: &'static str) -> Key {
    Key { name, doc, unit: "", default: None, example: None, required: false }
}

impl Key {
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub fn default(mut self, toml: impl Into<Cow<'static, str>>) -> Self {
        self.default = Some(toml.into());
        self
    }

    pub const fn example(mut self, toml: &'static str) -> Self {
        self.example = Some(toml);
        self
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Returns a value to show: the default or else the example.
    pub fn shown(&self) -> Option<&str> {
        self.default.as_deref().or(self.example)
    }
}

/// A key with what it may hold.
#[derive(Debug, Clone)]
pub(super) struct KeyDoc {
    pub key: Key,
    pub shape: Shape,
}

/// The keys of a table, in the order in which they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct TableDoc {
    pub keys: Vec<KeyDoc>,
    /// Keys of which exactly one must be there; empty where there is no such rule.
    pub exactly_one: &'static [&'static str],
    /// Keys of which at least one must be there; empty where there is no such rule.
    pub at_least_one: &'static [&'static str],
}

/// What a key may hold.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Version,
    Date,
    Flag,
    Text,
    /// Text that may be empty.
    Header,
    /// Lower case letters and digits, joined by single hyphens: safe in file names.
    Slug,
    Delimiter,
    CurrencyCode,
    /// List of texts; distinct where `unique`.
    Texts {
        unique: bool,
    },
    /// One path or glob, or a list of them.
    Paths,
    Whole {
        min: u32,
        max: u32,
    },
    Number {
        min: f64,
        max: f64,
    },
    /// Two ascending shares.
    Cuts,
    Word(Vec<&'static str>),
    /// Distinct words.
    Words(Vec<&'static str>),
    /// Calendar time; months and years only where `calendar`.
    Period {
        calendar: bool,
    },
    /// Currency code to positive number.
    Rates,
    Table {
        doc: TableDoc,
        optional: bool,
    },
    /// Any number of tables.
    Tables(TableDoc),
}

/// Most letters of a slug, so that it makes a file name everywhere.
pub(super) const MAX_SLUG: usize = 64;
/// Longest period, in months.
pub(super) const MAX_MONTHS: u32 = 600;
/// Longest period, in days: as many as the months.
pub(super) const MAX_DAYS: u32 = 18_262;

impl fmt::Display for Shape {
    /// Completes the sentence "`key` must be …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("1"),
            Self::Date => f.write_str("a date"),
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Text => f.write_str("text"),
            Self::Header => f.write_str("the text of a header, empty to leave the column out"),
            Self::Slug => {
                write!(f, "a name of lower case letters, digits and single hyphens, at most {MAX_SLUG} long")
            }
            Self::Delimiter => f.write_str("a single punctuation mark or tab"),
            Self::CurrencyCode => f.write_str("a currency code of three capital letters"),
            Self::Texts { unique: false } => f.write_str("a list of texts"),
            Self::Texts { unique: true } => f.write_str("a list of distinct texts"),
            Self::Paths => f.write_str("a path or a list of paths"),
            Self::Whole { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Number { min, max } => write!(f, "a number from {min} to {max}"),
            Self::Cuts => f.write_str("two ascending shares between 0 and 1"),
            Self::Word(words) => write!(f, "one of {}", Quoted(words)),
            Self::Words(words) => write!(f, "a list of distinct words from {}", Quoted(words)),
            Self::Period { calendar: true } => f.write_str("a number of months or years, at most 50 years"),
            Self::Period { calendar: false } => {
                f.write_str("a number of days, weeks, months or years, at most 50 years")
            }
            Self::Rates => f.write_str("a table of currency codes and positive numbers"),
            Self::Table { .. } => f.write_str("a table"),
            Self::Tables(_) => f.write_str("a list of tables"),
        }
    }
}

struct Quoted<'a>(&'a [&'static str]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (ix, word) in self.0.iter().enumerate() {
            write!(f, "{}`{word}`", if ix == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
