//! What can stop the reading of a table: each error says what, where, what to do, and under which stable code.
//!
//! | codes           | about                                             |
//! |-----------------|---------------------------------------------------|
//! | `K0301`–`K0304` | files: none, a directory, unreadable, no rows     |
//! | `K0305`–`K0307` | headers: not found, not there, twice              |
//! | `K0308`–`K0310` | numbers and dates that cannot be told             |
//! | `K0311`–`K0313` | damaged Parquet, open quote, unreadable type      |
//! | `K0314`–`K0315` | a setting that cannot be, a file that changed     |
//! | `K0321`–`K0322` | damaged archive, a record without an end          |
//! | `K0323`         | no room for lines that do not fit into memory     |

use std::fmt;
use std::path::PathBuf;

use crate::diagnostic::{codes, grouped};

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A path or pattern names no file.
    #[error("no file matches `{pattern}` for table `{table}`")]
    NoFile { table: &'static str, pattern: String },
    /// A pattern is not a valid glob.
    #[error("`{pattern}` is not a valid file pattern for table `{table}`: {message}")]
    BadPattern { table: &'static str, pattern: String, message: String },
    /// A path names a directory.
    #[error("`{}` is a directory, not a file", .file.display())]
    Directory { file: PathBuf },
    /// The operating system refuses the file.
    #[error("cannot read `{}`: {cause}", .file.display())]
    Unreadable { file: PathBuf, cause: std::io::Error },
    /// Lines that do not fit into memory cannot be put on disk.
    #[error("cannot use `{}` for lines that do not fit into memory: {cause}", .directory.display())]
    Spill { directory: PathBuf, cause: std::io::Error },
    /// No file of the table has a row.
    #[error("table `{table}` has no rows: {}", match n_files { 1 => format!("`{}` holds {found}", .file.display()), n => format!("none of its {n} files holds any, the first is `{}`", .file.display()) })]
    NoRows { table: &'static str, file: PathBuf, n_files: usize, found: &'static str },
    /// Columns that must be there were not found.
    #[error("`{}` has no column for {}", .file.display(), list(missing, " and "))]
    MissingColumns {
        table: &'static str,
        file: PathBuf,
        /// What is missing, in the pipeline's words.
        missing: Vec<String>,
        /// Names that were tried for the first missing column.
        tried: Vec<String>,
        headers: Box<Headers>,
    },
    /// The pipeline names a header that the file does not have.
    #[error("`{}` has no header `{header}`, which the pipeline names for `{column}`", .file.display())]
    NoSuchHeader { table: &'static str, file: PathBuf, column: String, header: String, headers: Box<Headers> },
    /// Several headers could be the same column.
    #[error("`{}` has {} headers that could be `{column}`: {}", .file.display(), found.len(), list(found, ", "))]
    AmbiguousHeader { table: &'static str, file: PathBuf, column: String, found: Vec<String> },
    /// A column mixes decimal comma and decimal point.
    #[error("`{}`: `{header}` mixes numbers {} and {}", .file.display(), .sides[0], .sides[1])]
    MixedNumbers { table: &'static str, file: PathBuf, column: String, header: String, sides: Box<[Side; 2]> },
    /// A column mixes dates of two forms.
    #[error("`{}`: `{header}` mixes dates {} and {}", .file.display(), .sides[0], .sides[1])]
    MixedDates { table: &'static str, file: PathBuf, column: String, header: String, sides: Box<[Side; 2]> },
    /// Nothing tells day and month apart.
    #[error("`{}`: nothing tells whether `{header}` is {day_first} or {month_first}, no part is above 12", .file.display())]
    AmbiguousDate {
        table: &'static str,
        file: PathBuf,
        column: String,
        header: String,
        day_first: &'static str,
        month_first: &'static str,
    },
    /// A Parquet file is truncated, damaged or something else altogether.
    #[error("`{}` is not a readable Parquet file: {message}", .file.display())]
    DamagedParquet { file: PathBuf, message: String },
    /// A quote opens and the file ends before it closes.
    #[error("`{}`: the quote that opens in line {line} never closes", .file.display())]
    OpenQuote { file: PathBuf, line: u64 },
    /// A compressed file is damaged or not all there.
    #[error("`{}` is a damaged {archive} archive: {message}", .file.display())]
    DamagedArchive { file: PathBuf, archive: &'static str, message: String },
    /// A record goes on for longer than any record does.
    #[error("`{}`: the record that begins in line {line} does not end within {} MiB", .file.display(), most_bytes >> 20)]
    LongRecord { file: PathBuf, line: u64, most_bytes: usize },
    /// A Parquet column has a type that its canonical column cannot be read from.
    #[error("`{}`: `{header}` has type {found}, from which `{column}` cannot be read", .file.display())]
    UnreadableType { file: PathBuf, column: String, header: String, found: String },
    /// A setting of the pipeline cannot be.
    #[error("table `{table}`: `{value}` is no valid {setting}")]
    BadSetting { table: &'static str, setting: String, value: String, accepted: String },
    /// No cell of a column of yes and no is a known word.
    #[error("table `{table}`: no cell of `{header}` says yes or no ({n_rows} rows, shapes {})", list(shapes, ", "))]
    UnknownCells {
        table: &'static str,
        column: &'static str,
        header: String,
        n_rows: usize,
        shapes: Vec<String>,
        key: &'static str,
    },
    /// A column of arms holds something else.
    #[error("table `{table}`: `{header}` holds {n_arms} different arms in one campaign, at most {most} are expected")]
    TooManyArms { table: &'static str, header: String, n_arms: usize, most: usize },
    /// A column of campaigns holds something else.
    #[error("table `{table}`: `{header}` holds {n_campaigns} different campaigns, at most {most} are expected")]
    TooManyCampaigns { table: &'static str, header: String, n_campaigns: usize, most: usize },
    /// Every row was rejected or left out.
    #[error(
        "table `{table}`: no row is left of {n_rows}: all were rejected, lie after as-of, or belong to customers who object to profiling"
    )]
    NoRowLeft { table: &'static str, n_rows: usize },
    /// A file is no longer what was read first.
    #[error("`{}` changed while it was being read", .file.display())]
    Changed { file: PathBuf },
}

/// Key of the pipeline that names further columns by their headers.
pub(super) const ATTRIBUTES: &str = "attributes";

/// Key of the pipeline that names outcomes by their headers.
pub(super) const OUTCOMES: &str = "outcomes";

/// What to do where the first line may not be shown.
const NO_HEADERS: &str = "the first line looks like data and is not shown: the file needs a line with headers";

/// What a message may show of the headers of a file.
#[derive(Debug)]
pub struct Headers {
    /// All of them, or nothing where the first line may be data.
    pub shown: Option<Vec<String>>,
    /// The one that is most likely meant.
    pub nearest: Option<String>,
}

/// One of two forms that a column mixes.
#[derive(Debug)]
pub struct Side {
    /// The form, in words.
    pub form: &'static str,
    /// Cells that have it.
    pub count: u64,
    /// Line of the first of them.
    pub line: u64,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, count, line } = self;
        write!(f, "{form} ({}, the first in line {line})", grouped(*count))
    }
}

impl IngestError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoFile { .. } | Self::BadPattern { .. } => codes::NO_FILE,
            Self::Directory { .. } => codes::DIRECTORY,
            Self::Unreadable { .. } => codes::UNREADABLE_FILE,
            Self::Spill { .. } => codes::SPILL,
            Self::NoRows { .. } => codes::NO_ROWS,
            Self::MissingColumns { .. } => codes::MISSING_COLUMNS,
            Self::NoSuchHeader { .. } => codes::NO_SUCH_HEADER,
            Self::AmbiguousHeader { .. } => codes::AMBIGUOUS_HEADER,
            Self::MixedNumbers { .. } => codes::MIXED_NUMBERS,
            Self::MixedDates { .. } => codes::MIXED_DATES,
            Self::AmbiguousDate { .. } => codes::AMBIGUOUS_DATE,
            Self::DamagedParquet { .. } => codes::DAMAGED_PARQUET,
            Self::OpenQuote { .. } => codes::OPEN_QUOTE,
            Self::DamagedArchive { .. } => codes::DAMAGED_ARCHIVE,
            Self::LongRecord { .. } => codes::LONG_RECORD,
            Self::UnreadableType { .. } => codes::UNREADABLE_TYPE,
            Self::BadSetting { .. } => codes::BAD_SETTING,
            Self::UnknownCells { .. } => codes::UNKNOWN_CELLS,
            Self::NoRowLeft { .. } => codes::NO_ROW_LEFT,
            Self::TooManyArms { .. } | Self::TooManyCampaigns { .. } => codes::TOO_MANY_ARMS,
            Self::Changed { .. } => codes::CHANGED_FILE,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NoFile { .. } => "paths count from the folder of the pipeline file; is the export there".to_owned(),
            Self::BadPattern { .. } => {
                "`*` stands for any text, `?` for one character, `[ab]` for one of several".to_owned()
            }
            Self::Directory { file } => format!("name the files in it, for example `{}/*.csv`", file.display()),
            Self::Spill { .. } => {
                "make room there (lines take about half of what the exports do), or raise `--memory-limit`".to_owned()
            }
            Self::Unreadable { .. } => "the file must exist and be readable for the user that runs this".to_owned(),
            Self::NoRows { .. } => "check the job that writes the export".to_owned(),
            Self::MissingColumns { table, missing, tried, headers, .. } => {
                let column = missing.first().map_or("customer-id", |first| first.split('`').nth(1).unwrap_or(first));
                let example = headers.nearest.as_deref().unwrap_or("its header");
                let how = format!("name it under `[input.{table}.columns]`: `{column} = \"{example}\"`");
                match &headers.shown {
                    None => format!("{NO_HEADERS}, or if these are unknown headers, {how}"),
                    Some(headers) => {
                        format!("the headers are {}; tried {}; {how}", list_some(headers, 40), list_some(tried, 8))
                    }
                }
            }
            Self::NoSuchHeader { table, column, headers: found, .. }
                if (column == ATTRIBUTES || column == OUTCOMES) && found.nearest.is_some() =>
            {
                let nearest = found.nearest.as_deref().unwrap_or_default();
                format!("a similar header exists: name `{nearest}` in `[input.{table}]` `{column}`")
            }
            Self::NoSuchHeader { table, column, headers, .. } => match (&headers.nearest, &headers.shown) {
                (Some(nearest), _) => {
                    format!("a similar header exists: `[input.{table}.columns]` `{column} = \"{nearest}\"`")
                }
                (None, Some(headers)) => format!("the headers are {}", list_some(headers, 40)),
                (None, None) => NO_HEADERS.to_owned(),
            },
            Self::AmbiguousHeader { column, .. } if column == ATTRIBUTES || column == OUTCOMES => {
                "headers must differ in letters and digits: give one of them another name in the export".to_owned()
            }
            Self::AmbiguousHeader { table, column, found, .. } => format!(
                "headers must differ in letters and digits; name one under `[input.{table}.columns]`: `{column} = \"{}\"`, or leave the column out: `{column} = \"\"`",
                found.first().map_or("", String::as_str)
            ),
            Self::MixedNumbers { table, column, .. } => format!(
                "correct the export, or state one form under `[input.{table}.formats]`: `{column} = \"1.234,56\"`; what does not fit is then rejected row by row"
            ),
            Self::MixedDates { table, column, sides, .. } => format!(
                "correct the export, or state one form under `[input.{table}.formats]`: `{column} = \"{}\"`; what does not fit is then rejected row by row",
                sides[0].form
            ),
            Self::AmbiguousDate { table, column, day_first, .. } => format!(
                "state it: `[input.{table}.csv]` `date-format = \"{day_first}\"`, or for this column `[input.{table}.formats]` `{column} = \"{day_first}\"`"
            ),
            Self::DamagedParquet { .. } => {
                "was the export still being written, or is it a text file; export it again".to_owned()
            }
            Self::OpenQuote { .. } => {
                "close the quote in that line, or double it (`\"\"`) where it belongs to the text".to_owned()
            }
            Self::DamagedArchive { .. } => {
                "was the export still being written or copied; export it again, or copy it again".to_owned()
            }
            Self::LongRecord { .. } => "is it a text file with one record a line; export it again".to_owned(),
            Self::UnreadableType { column, .. } => format!("export `{column}` as text, or map another column"),
            Self::BadSetting { accepted, .. } => format!("accepted are {accepted}"),
            Self::UnknownCells { table, column, key, .. } => format!(
                "name the words that mean yes in `[input.{table}]`: `{key} = [\"…\"]`; is `{}` the right column",
                super::kebab(column)
            ),
            Self::TooManyArms { table, .. } => format!(
                "name the column that says what a customer got: `arm = \"…\"` in `[input.{table}.columns]`, and the one that \
                 tells campaigns apart as `campaign`"
            ),
            Self::TooManyCampaigns { table, .. } => format!(
                "name the column that tells campaigns apart: `campaign = \"…\"` in `[input.{table}.columns]`, or export fewer of them"
            ),
            Self::NoRowLeft { .. } => {
                "look at the rejects, at `as-of` and at the objections in the customer export".to_owned()
            }
            Self::Changed { .. } => "start again once the export is complete".to_owned(),
        }
    }
}

/// The first few of many names, and how many more there are.
fn list_some(names: &[String], most: usize) -> String {
    match names.len().saturating_sub(most) {
        0 => list(names, ", "),
        n_more => format!("{} and {n_more} more", list(&names[..most], ", ")),
    }
}

/// Puts every name in backticks, unless it has some already.
fn list(names: &[String], between: &str) -> String {
    let quoted: Vec<String> =
        names.iter().map(|name| if name.contains('`') { name.clone() } else { format!("`{name}`") }).collect();
    quoted.join(between)
}
