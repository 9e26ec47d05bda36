//! The keys of `[input.contacts]`, `[input.invoices]`, `[input.baskets]` and `[input.assignments]`.

use super::canonical::{ASSIGNMENTS, BASKETS, CONTACTS, INVOICES, SUPPRESSIONS};
use super::definition::source;
use super::reader::Reader;
use super::settings::{ContactSource, SuppressionSource};
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

/// Reads `[input.suppressions]`.
pub(super) fn suppressions(table: &mut Reader<'_, '_>) -> SuppressionSource {
    let age = key("max-age", "Age of the oldest of these files at which nothing is published any more").unit("hours");
    let source = source(table, SUPPRESSIONS, r#""exports/unsubscribed.csv""#, r#""exports/unsubscribed.parquet""#);
    let max_age_hours = table.whole(age.default("48"), 1, 24 * 365).unwrap_or(48);
    SuppressionSource { source, max_age_hours }
}

/// Reads `[input.assignments]`.
pub(super) fn assignments(table: &mut Reader<'_, '_>) -> TableSource {
    source(table, ASSIGNMENTS, r#""../out/*/assignments.csv""#, r#""../out/*/assignments.parquet""#)
}
