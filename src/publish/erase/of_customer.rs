//! What files hold of one customer, for the person (Art. 15 GDPR): rows of tables, of rejects and of campaign files, as they stand.
//!
//! Rows of campaign files are those that an erasure would find by id, by what stands for it, or by `audiences.csv`; by address alone nobody is
//! told of, because somebody else may share it. `O(bytes)`, one record in memory.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::Value;

use super::files::{Form, collect, each_batch, each_record, is_of};
use super::wanted::Wanted;
use super::{Outputs, is_map};
use crate::publish::PublishError;
use crate::scores::CUSTOMER_ID;

/// Cells of a row by column, in the order of the file.
pub type Record = Vec<(String, Value)>;

/// Returns the rows of a customer in one of the program's own tables, by column; a table without customers has none.
///
/// # Errors
/// Fails where the file cannot be read.
pub fn rows_of(path: &Path, customer: &str) -> Result<Vec<Record>, PublishError> {
    let wanted = Wanted::new([customer.to_owned()], |_| false);
    rows(path, Form::Table, &wanted)
}

/// Returns the rows of a customer in a Parquet file, texts and numbers alike as texts.
///
/// # Errors
/// Fails where the file cannot be read.
pub fn rows_of_parquet(path: &Path, customer: &str) -> Result<Vec<Record>, PublishError> {
    let mut found = Vec::new();
    each_batch(path, false, &mut |batch| {
        let Some(ids) = batch.column_by_name(CUSTOMER_ID) else { return Ok(()) };
        let ids = cast(ids, &DataType::Utf8)?;
        let ids = ids.as_string::<i32>();
        let rows: Vec<usize> =
            (0..batch.num_rows()).filter(|at| ids.is_valid(*at) && ids.value(*at) == customer).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut records: Vec<Record> = vec![Vec::new(); rows.len()];
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let texts = cast(column, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            for (record, at) in records.iter_mut().zip(&rows) {
                let value = if texts.is_valid(*at) { Value::from(texts.value(*at)) } else { Value::Null };
                record.push((field.name().clone(), value));
            }
        }
        found.append(&mut records);
        Ok(())
    })?;
    Ok(found)
}

/// Returns the rows of a customer in the campaign files of a run, with the path of each below it.
///
/// # Errors
/// Fails where a file cannot be read.
pub fn campaign_rows_of(run: &Path, customer: &str) -> Result<Vec<(String, Record)>, PublishError> {
    let outputs = Outputs::of(run)?;
    let mut wanted = Wanted::new([customer.to_owned()], |_| false);
    let csv = || outputs.files.iter().filter_map(|(path, form)| Some((path, (*form)?)));
    for (path, form) in csv().filter(|(path, _)| is_map(path)) {
        collect(path, form, &mut wanted)?;
    }
    let mut found = Vec::new();
    for (path, form) in csv().filter(|(_, form)| matches!(form, Form::Campaign(_))) {
        let below = path.strip_prefix(run).unwrap_or(path).to_string_lossy().replace('\\', "/");
        found.extend(rows(path, form, &wanted)?.into_iter().map(|row| (below.clone(), row)));
    }
    Ok(found)
}

fn rows(path: &Path, form: Form, wanted: &Wanted) -> Result<Vec<Record>, PublishError> {
    let (mut found, mut header) = (Vec::new(), Vec::<String>::new());
    each_record(path, form, &mut |_, cells, columns| {
        if header.is_empty() {
            header = cells.iter().map(|name| (*name).to_owned()).collect();
        } else if is_of(form, wanted, cells, columns) {
            let value = |cell: &&str| if cell.is_empty() { Value::Null } else { Value::from(*cell) };
            found.push(header.iter().cloned().zip(cells.iter().map(value)).collect());
        }
        Ok(())
    })?;
    Ok(found)
}
