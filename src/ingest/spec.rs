//! What a table may contain and where it comes from: the question that [`read_table`](super::read_table) answers.
//!
//! Names of columns are canonical (`customer_id`) here and kebab-case (`customer-id`) wherever a user reads them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{DateFormat, Encoding, IngestError, NumberFormat, files};

/// Canonical name of a column: the program's own, or one that the pipeline gives to a further column.
pub type ColumnName = Cow<'static, str>;

/// What a table may contain.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Name as in the pipeline, `transactions`.
    pub name: &'static str,
    /// Every column that is looked for; others in the file are ignored.
    pub columns: Cow<'static, [ColumnRequest]>,
    /// Groups of columns of which one must be there in full.
    pub one_of: &'static [&'static [&'static str]],
    /// Says whether the columns of the first such group may hold empty cells.
    pub one_of_may_be_empty: bool,
}

impl TableSpec {
    /// Returns the column whose cells say what a row is about: the first id that must be there.
    pub fn key(&self) -> Option<&str> {
        self.columns.iter().find(|request| request.required && request.cell == Cell::Id).map(|request| &*request.name)
    }

    /// Returns the same table with further columns of text; they are only found where the pipeline names their headers.
    pub(super) fn with_attributes(&self, names: &[String]) -> Self {
        let further = names.iter().map(|name| ColumnRequest {
            name: Cow::Owned(name.clone()),
            cell: Cell::Text,
            required: false,
            nullable: true,
            synonyms: &[],
        });
        Self { columns: self.columns.iter().cloned().chain(further).collect(), ..self.clone() }
    }
}

/// One column that is looked for.
#[derive(Debug, Clone)]
pub struct ColumnRequest {
    /// Canonical name, `customer_id`.
    pub name: ColumnName,
    /// What its cells hold.
    pub cell: Cell,
    /// Says whether a file without this column is an error.
    pub required: bool,
    /// Says whether a cell may be empty; a row with an empty cell elsewhere is rejected.
    pub nullable: bool,
    /// Other names of the column, in normal form (lower-case letters and digits), the surest first.
    pub synonyms: &'static [&'static str],
}

impl ColumnRequest {
    /// Returns the name, unless the pipeline gave it.
    pub fn own_name(&self) -> Option<&'static str> {
        match self.name {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        }
    }
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Key, kept as text: leading zeros stay, `17850.0` is `17850`.
    Id,
    /// Text, trimmed.
    Text,
    /// Day, with the time of day where one is written.
    Date,
    /// Exact decimal number in millionths.
    Decimal,
    /// Yes, no or unknown.
    Flag,
}

/// Format of the files of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Text with delimiters.
    #[default]
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// Where a table comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSource {
    /// Format of all files.
    pub format: Format,
    /// Folder that relative patterns count from; apart from them, because its name is no pattern.
    pub folder: PathBuf,
    /// Paths or glob patterns, as the pipeline writes them.
    pub patterns: Vec<String>,
    /// Canonical name to header in the export; an empty header leaves the column out.
    pub columns: BTreeMap<String, String>,
    /// Canonical names of columns beside those of the table, each with its header in `columns`.
    pub attributes: Vec<String>,
    /// What is known of the text files beforehand.
    pub csv: CsvOptions,
    /// Canonical name to the written form of its cells.
    pub formats: BTreeMap<String, ColumnFormat>,
}

impl TableSource {
    /// Returns the same source with relative patterns counting from a folder.
    #[must_use]
    pub fn below(&self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self.clone() }
    }

    /// Finds the files of the table, in the order in which they are read.
    ///
    /// # Errors
    /// Fails where a path or pattern names no file.
    pub fn files(&self, table: &'static str) -> Result<Vec<PathBuf>, IngestError> {
        files::resolve(table, &self.folder, &self.patterns)
    }
}

/// What the pipeline states about text files; whatever is left open is found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// One ASCII character between fields.
    pub delimiter: Option<char>,
    /// Encoding of the text.
    pub encoding: Option<Encoding>,
    /// Written form of every number that has no form of its own.
    pub number_format: Option<NumberFormat>,
    /// Written form of every date that has no form of its own.
    pub date_format: Option<DateFormat>,
}

/// Written form of the cells of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnFormat {
    /// Of a column of numbers.
    Number(NumberFormat),
    /// Of a column of dates.
    Date(DateFormat),
}

impl ColumnFormat {
    /// Returns the word that pipeline and evidence use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Number(format) => format.label(),
            Self::Date(format) => format.label(),
        }
    }
}

/// Writes a canonical name the way the pipeline does.
pub fn kebab(name: &str) -> String {
    name.replace('_', "-")
}
