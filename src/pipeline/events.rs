//! The keys of `[input.contacts]`, `[input.invoices]`, `[input.baskets]` and `[input.assignments]`.

use super::canonical::{ASSIGNMENTS, BASKETS, CONTACTS, INVOICES};
use super::definition::source;
use super::reader::Reader;
use super::settings::ContactSource;
use super::shape::key;
use crate::ingest::TableSource;

/// Reads `[input.contacts]`.
pub(super) fn contacts(table: &mut Reader<'_, '_>) -> ContactSource {
    let words = key("complaint-values", "Cells of `kind` that are complaints; without it usual words are known");
    let source = source(table, CONTACTS, r#""exports/contacts.csv""#, r#""exports/contacts.parquet""#);
    ContactSource { source, complaints: table.texts(words.example(r#"["Beschwerde"]"#)) }
}

/// Reads `[input.invoices]`.
pub(super) fn invoices(table: &mut Reader<'_, '_>) -> TableSource {
    source(table, INVOICES, r#""exports/invoices.csv""#, r#""exports/invoices.parquet""#)
}

/// Reads `[input.baskets]`.
pub(super) fn baskets(table: &mut Reader<'_, '_>) -> TableSource {
    source(table, BASKETS, r#""exports/baskets.csv""#, r#""exports/baskets.parquet""#)
}

/// Reads `[input.assignments]`.
pub(super) fn assignments(table: &mut Reader<'_, '_>) -> TableSource {
    source(table, ASSIGNMENTS, r#""../out/*/assignments.csv""#, r#""../out/*/assignments.parquet""#)
}
