//! Result columns: a name and a type that are known before any data is read, and the values once they are.

use std::sync::Arc;

use crate::units::NONE_IX;

/// What a column holds; decides how it may be compared in a segment and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text from a small or shared set of labels.
    Text,
    /// Whole number.
    Integer,
    /// Real number: a share in `0..=1`, a count in expectation, an index.
    Number,
    /// Minor currency units; written as a decimal with two places.
    Money,
    /// Calendar day.
    Date,
}

/// A column as it is promised: the same name in pipeline, Parquet, documentation and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Name with the analysis as prefix, `snake_case`.
    pub name: String,
    /// Type of the values.
    pub kind: ColumnKind,
    /// One line for the reader: meaning and unit.
    pub meaning: &'static str,
}

impl ColumnSpec {
    /// Describes a column.
    pub fn new(name: impl Into<String>, kind: ColumnKind, meaning: &'static str) -> Self {
        Self { name: name.into(), kind, meaning }
    }
}

/// Values of which some may be unknown; what an unknown entry holds is never read.
#[derive(Debug, Clone, PartialEq)]
pub struct Nullable<T> {
    values: Vec<T>,
    valid: Option<Vec<bool>>,
}

impl<T: Copy + Default> Nullable<T> {
    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Says whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the entry, or nothing where it is unknown.
    pub fn get(&self, ix: usize) -> Option<T> {
        let known = self.valid.as_ref().is_none_or(|valid| valid[ix]);
        known.then(|| self.values[ix])
    }

    /// Counts the unknown entries.
    pub fn n_unknown(&self) -> usize {
        self.valid.as_ref().map_or(0, |valid| valid.iter().filter(|known| !**known).count())
    }

    /// Returns what stands at each entry and, where some are unknown, which are known.
    pub fn parts(&self) -> (&[T], Option<&[bool]>) {
        (&self.values, self.valid.as_deref())
    }

    /// Goes through all entries in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<T>> + '_ {
        (0..self.len()).map(|ix| self.get(ix))
    }
}

impl<T> From<Vec<T>> for Nullable<T> {
    fn from(values: Vec<T>) -> Self {
        Self { values, valid: None }
    }
}

impl<T: Copy + Default> FromIterator<Option<T>> for Nullable<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(entries: I) -> Self {
        let (values, valid): (Vec<T>, Vec<bool>) =
            entries.into_iter().map(|entry| (entry.unwrap_or_default(), entry.is_some())).unzip();
        let valid = if valid.iter().all(|known| *known) { None } else { Some(valid) };
        Self { values, valid }
    }
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Positions in `labels`; `NONE_IX` is unknown.
    Text { codes: Vec<u32>, labels: Arc<[String]> },
    /// Whole numbers.
    Integer(Nullable<i64>),
    /// Real numbers, never NaN or infinite.
    Number(Nullable<f64>),
    /// Minor currency units.
    Money(Nullable<i64>),
    /// Days since 1970-01-01.
    Date(Nullable<i32>),
}

impl Values {
    /// Collects the distinct texts and points at them.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let texts: Vec<Option<&str>> = texts.into_iter().collect();
        let mut labels: Vec<&str> = texts.iter().flatten().copied().collect();
        labels.sort_unstable();
        labels.dedup();
        let code = |text: &Option<&str>| {
            text.and_then(|text| labels.binary_search(&text).ok()).map_or(NONE_IX, |ix| ix as u32)
        };
        Self::Text {
            codes: texts.iter().map(code).collect(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        }
    }

    /// Returns the type of the values.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Text { .. } => ColumnKind::Text,
            Self::Integer(_) => ColumnKind::Integer,
            Self::Number(_) => ColumnKind::Number,
            Self::Money(_) => ColumnKind::Money,
            Self::Date(_) => ColumnKind::Date,
        }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        match self {
            Self::Text { codes, .. } => codes.len(),
            Self::Integer(values) | Self::Money(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Date(values) => values.len(),
        }
    }

    /// Says whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts the unknown entries.
    pub fn n_unknown(&self) -> usize {
        match self {
            Self::Text { codes, .. } => codes.iter().filter(|code| **code == NONE_IX).count(),
            Self::Integer(values) | Self::Money(values) => values.n_unknown(),
            Self::Number(values) => values.n_unknown(),
            Self::Date(values) => values.n_unknown(),
        }
    }
}

/// A finished column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name as promised by its [`ColumnSpec`].
    pub name: String,
    /// One value a row.
    pub values: Values,
}

impl Column {
    /// Names finished values.
    pub fn new(name: impl Into<String>, values: Values) -> Self {
        Self { name: name.into(), values }
    }
}
