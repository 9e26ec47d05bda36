//! Exports to typed columns: files of any dialect in, dictionary-encoded columns and a list of rejected rows out.
//!
//! Nothing is assigned by position and no bad cell becomes a silent null: columns are found by their headers, a row with a cell that
//! cannot be read is rejected with line and reason, and every decision about a file comes with its evidence.
//!
//! ```text
//! patterns ─files─▶ bytes ─encoding─▶ text ─dialect, records─▶ fields ─headers─▶ cells ─readings, column─▶ parts ─join─▶ columns
//!                     └────────────────────────── parquet ──────────────────────────────────────────────────▲
//! ```
//!
//! | module                                  | what it decides                                                  |
//! |-----------------------------------------|------------------------------------------------------------------|
//! | `files`                                 | which files, in which order                                      |
//! | `stream`, `windows`                     | what is compressed, how much is in memory                        |
//! | `encoding`, `dialect`                   | characters, line ends, delimiter                                 |
//! | `scan`, `records`, `body`               | where records and fields begin and end                           |
//! | `headers`, `specs`                      | which header is which column                                     |
//! | `numbers`, `dates`, `evidence`, `readings` | how cells are written, over the whole file                    |
//! | `cells`, `column`, `bulk`, `dictionary` | typed values, empty cells, ids to ranks                          |
//! | `csv`, `parquet`, `read`                | one file, all files                                              |
//! | `texts`, `interner`, `packed`           | what is held of a part, and ids that are the same in all parts   |
//! | `cache`, `cache_entry`, `bytes`, `packed_bytes` | what is kept for the next run                            |
//! | `lines`                                 | lines of all files: one money, one sign, counted once, by customer |
//! | `customers`, `attributes`, `products`   | master data: consent, names, what the pipeline names, what is not merchandise |
//! | `suppressions`                          | who must not be contacted                                        |
//! | `contracts`, `responses`, `said`        | contracts by customer, past campaigns, cells that say yes or no |
//! | `outcomes`, `assignments`               | what came of a contact, who was drawn into which group           |
//! | `events`, `baskets`                     | contacts and invoices by customer; baskets without lines         |
//! | `reject`, `report`, `error`             | what the user gets to see                                        |
//!
//! The result does not depend on the number of threads or on how files are cut into windows and parts. Time is `O(bytes)`; memory
//! holds the columns of all files, and of every file that is being read a few windows.

mod assignments;
mod attributes;
mod baskets;
mod body;
mod bulk;
mod bytes;
mod cache;
mod cache_entry;
mod cells;
mod column;
mod columns;
mod contracts;
mod csv;
#[cfg(test)]
mod csv_tests;
mod customers;
mod dates;
mod dialect;
mod dictionary;
mod encoding;
mod erased;
mod error;
mod events;
mod evidence;
mod file;
mod files;
mod headers;
mod interner;
mod lines;
mod memberships;
mod number_format;
mod numbers;
mod outcomes;
mod packed;
mod packed_bytes;
mod parquet;
mod parquet_texts;
mod parquet_values;
mod products;
mod pseudonyms;
mod read;
#[cfg(test)]
mod read_tests;
mod readings;
mod records;
mod reject;
mod report;
mod responses;
mod said;
mod scan;
mod spec;
mod specs;
mod stock;
mod stream;
mod suppressions;
mod synonyms;
mod texts;
mod windows;

pub use assignments::{AssignmentReading, assignments};
pub use attributes::{AskedColumn, asked_column, attributes, by_customer};
pub use baskets::{BasketReading, baskets};
pub use cache::{Cache, CacheReport, clear as clear_cache};
pub use column::{NO_DAY, NO_NUMBER, TypedColumn, UNKNOWN_FLAG};
pub use contracts::{ContractReading, contracts};
pub use customers::customers;
pub use dates::DateFormat;
pub use encoding::Encoding;
pub use erased::erased_of_table;
pub use error::IngestError;
pub use events::{contacts, invoices};
pub use files::without_detours;
pub use headers::is_customer_header;
pub use lines::{
    AssembleError, Assembled, Barred, Currency, LineCounts, LineReading, LineTable, OverlapCounts, ReturnRules, Spill,
    TransactionRules, assemble, read_lines,
};
pub use memberships::{MEMBERSHIPS, memberships};
pub use number_format::NumberFormat;
pub use outcomes::OUTCOME;
pub use products::{ProductFindings, ProductList, ProductRules, describe};
pub use pseudonyms::resolve_pseudonyms;
pub use read::{TypedTable, read_table};
pub use reject::{Reject, key_of, reject_rows};
pub use report::FileReport;
pub use responses::{ResponseReading, responses};
pub use spec::{Cell, ColumnFormat, ColumnName, ColumnRequest, CsvOptions, Format, TableSource, TableSpec, kebab};
pub use specs::{
    ASSIGNMENTS, BASKETS, CONTACTS, CONTRACTS, CUSTOMERS, INVOICES, PRODUCTS, RESPONSES, SUPPRESSIONS, TRANSACTIONS,
};
pub use suppressions::suppressions;
