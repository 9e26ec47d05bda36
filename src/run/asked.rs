//! Customer columns that the conditions of segments ask for, read before anything is computed: as numbers or dates where conditions compare with such.

use std::collections::BTreeMap;

use super::error::RunError;
use super::job::Job;
use crate::ingest::{AskedColumn, asked_column, by_customer};
use crate::pipeline::{Placed, attribute_kinds};
use crate::segment::{Segment, first_use};
use crate::table::{Column, ColumnKind, Customers, Ids, Values};

/// Columns of the customer table, one value a row of it.
#[derive(Default)]
pub struct Asked {
    columns: Vec<(String, Values)>,
    /// What could not be read, in numbers.
    pub notes: Vec<String>,
}

/// Reads the columns.
///
/// # Errors
/// Fails where the customer export does not have one, and where most of its cells are not what is asked for.
pub fn read(job: &Job, customers: Option<&Customers>) -> Result<Asked, RunError> {
    let is_score = |name: &str| job.promised.iter().any(|spec| spec.name == name);
    let mut wanted: BTreeMap<&str, &Segment> = BTreeMap::new();
    for segment in &job.segments {
        for column in segment.predicate.columns().into_iter().filter(|column| !is_score(column)) {
            wanted.entry(column).or_insert(segment);
        }
    }
    let kinds = attribute_kinds(&job.settings, job.analysed());
    let mut asked = Asked::default();
    for (name, segment) in wanted {
        let kind = kinds.get(name).copied().unwrap_or(ColumnKind::Text);
        let span = || {
            let rule = job.settings.segments.iter().find(|rule| rule.name.text == segment.name);
            let place = |condition: &Placed| condition.locate(&first_use(&condition.text, name).unwrap_or_default());
            rule.map(|rule| place(&rule.condition)).unwrap_or_default()
        };
        let Some(read) = customers.and_then(|customers| asked_column(customers, name, kind)) else {
            let (segment, column) = (segment.name.clone(), name.to_owned());
            return Err(RunError::NoSegmentColumn { segment, column, span: span() });
        };
        let said = if kind == ColumnKind::Date { "dates" } else { "numbers" };
        if let Some(why) = misfit(&read) {
            let (segment, column) = (segment.name.clone(), name.to_owned());
            return Err(RunError::SegmentCells { segment, column, kind: said, why, span: span() });
        }
        if read.n_unread > 0 {
            asked.notes.push(format!(
                "segments ask for {said} in the customer column `{name}`: {} of its {} cells are none and count as unknown",
                read.n_unread, read.n_cells
            ));
        }
        asked.columns.push((name.to_owned(), read.values));
    }
    Ok(asked)
}

/// Says why a column is not what is asked for.
fn misfit(read: &AskedColumn) -> Option<String> {
    if 2 * read.n_unread > read.n_cells {
        return Some(format!("{} of its {} cells are none", read.n_unread, read.n_cells));
    }
    read.open.as_ref().map(|shape| format!("nothing says whether its decimal mark is a point or a comma ({shape})"))
}

impl Asked {
    /// Lays the columns out by customer.
    pub fn by_customer(&self, customers: Option<&Customers>, ids: &Ids) -> Vec<Column> {
        let Some(customers) = customers else { return vec![] };
        let columns = self.columns.iter();
        columns.map(|(name, values)| Column::new(name.clone(), by_customer(customers, ids, values))).collect()
    }
}
