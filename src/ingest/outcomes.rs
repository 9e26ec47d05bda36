//! What came of a contact, out of the columns of responses: yes or no as 0 or 1, money and other numbers as they are.
//!
//! A customer whose row stands in several exports is counted once; rows that differ in their day or in what came of it are several
//! events: their numbers add up, and a yes is a yes if any row says so. An empty cell is zero: nothing came of it. `O(n log n)`.

use super::columns::Columns;
use super::responses::header;
use super::said::{said, shapes};
use super::{IngestError, NO_NUMBER, RESPONSES, TableSource, TypedColumn, TypedTable, attributes};
use crate::table::{Outcome, Values};

/// What the names of columns begin with that the pipeline names as outcomes.
pub const OUTCOME: &str = "outcome_";
/// Outcome of responses without a column of their own.
const CONVERSION: &str = "conversion";
/// Millionths in one.
const MILLION: f64 = 1e6;

/// Lays out the outcomes of each customer and campaign, whose rows are the `groups`.
///
/// # Errors
/// Fails where a column that the pipeline names holds neither numbers nor words that say yes or no.
pub(super) fn outcomes(
    table: &TypedTable,
    source: &TableSource,
    groups: &[&[usize]],
    responded: &[bool],
    yes: Option<&[String]>,
) -> Result<Vec<Outcome>, IngestError> {
    let columns = Columns::of(table);
    let names = source.attributes.iter().filter(|name| name.starts_with(OUTCOME));
    let named: Vec<(&String, &[u32])> =
        names.map(|name| (name, columns.codes(name))).filter(|(_, codes)| !codes.is_empty()).collect();
    let day = match table.columns.get("date") {
        Some(TypedColumn::Date { day, .. }) => &day[..],
        _ => &[],
    };
    let (words, amounts) = (columns.codes("response"), columns.decimals("amount"));
    // What tells two events of a customer apart: nothing that is known of the customer alone.
    let event = |row: usize| {
        let cells: Vec<u32> = named.iter().map(|(_, codes)| codes[row]).collect();
        (day.get(row), words.get(row), amounts.get(row), cells)
    };
    let (mut events, mut starts) = (Vec::with_capacity(groups.len()), Vec::with_capacity(groups.len() + 1));
    for rows in groups {
        starts.push(events.len());
        match rows {
            [row] => events.push(*row),
            rows => {
                let mut rows = rows.to_vec();
                rows.sort_by_cached_key(|row| event(*row));
                rows.dedup_by(|a, b| event(*a) == event(*b));
                events.append(&mut rows);
            }
        }
    }
    starts.push(events.len());
    let of_customers = |of_events: &[f64], is_share: bool| -> Vec<f64> {
        let own = starts.windows(2).map(|ends| of_events[ends[0]..ends[1]].iter());
        own.map(|own| if is_share { own.copied().fold(0.0, f64::max) } else { own.sum() }).collect()
    };
    let of_response = if words.is_empty() { CONVERSION.to_owned() } else { header(table, "response") };
    let values = responded.iter().map(|responded| f64::from(u8::from(*responded))).collect();
    let mut found = vec![Outcome { name: of_response, is_share: true, values }];
    if !amounts.is_empty() {
        let amount = |row: &usize| if amounts[*row] == NO_NUMBER { 0.0 } else { amounts[*row] as f64 / MILLION };
        let of_events: Vec<f64> = events.iter().map(amount).collect();
        let values = of_customers(&of_events, false);
        found.push(Outcome { name: header(table, "amount"), is_share: false, values });
    }
    for (name, _) in &named {
        let header = source.columns.get(*name).unwrap_or(name);
        if found.iter().any(|outcome| outcome.name == *header) {
            continue;
        }
        let cell = |row: usize| columns.text(name, row).filter(|text| !text.is_empty());
        let cells: Vec<Option<&str>> = events.iter().map(|row| cell(*row)).collect();
        let of_events: Vec<f64> = match attributes::as_values(cells.clone()) {
            Values::Number(numbers) => numbers.iter().map(Option::unwrap_or_default).collect(),
            _ => {
                let says =
                    |cell: &Option<&str>| cell.map_or(Some(0.0), |cell| Some(f64::from(u8::from(said(cell, yes)?))));
                let said: Option<Vec<f64>> = cells.iter().map(says).collect();
                said.ok_or_else(|| IngestError::UnknownCells {
                    table: RESPONSES.name,
                    column: "outcomes",
                    header: header.clone(),
                    n_rows: table.n_rows,
                    shapes: shapes(columns.ids(name).iter()),
                    key: "response-values",
                })?
            }
        };
        let is_share = of_events.iter().all(|value| *value == 0.0 || *value == 1.0);
        found.push(Outcome { name: header.clone(), is_share, values: of_customers(&of_events, is_share) });
    }
    Ok(found)
}
