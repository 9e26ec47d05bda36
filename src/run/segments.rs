//! Segments of a run: their members, the columns that tell of them, and what has changed since the last run before this as-of.
//!
//! | column             | meaning                                                                                         |
//! |--------------------|--------------------------------------------------------------------------------------------------|
//! | `segment`          | first segment of the file that holds the customer; null where none does                          |
//! | `segment_previous` | the same of the last run before this as-of; null without one, or where the customer was not in it |
//! | `segment_since`    | as-of of the first run of those in a row that found `segment`; the first run of all counts so     |
//!
//! Every run leaves `memberships`: its own, and those that it compares with. A second run of the same as-of so finds what the first one compared
//! with, not the first one itself. Who objects to profiling meanwhile, or whose row cannot be read, is dropped.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::error::RunError;
use super::job::Job;
use super::migration::{Migration, migration};
use crate::analysis::SideTable;
use crate::features::Dataset;
use crate::ingest::{IngestError, MEMBERSHIPS, TableSource, memberships, read_table};
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::segment::{MEMBERSHIP_COLUMNS, Members, first_of, members};
use crate::table::{Column, Customers, Ids, Memberships, Values};
use crate::units::{Day, NONE_IX};

/// File of a run that the next one reads.
const FILE: &str = "memberships.csv";

/// Members of the segments, and what tells of them.
pub struct Chosen {
    /// Of each segment, in the order of the file.
    pub members: Vec<Members>,
    /// Columns that the scores get; none without segments.
    pub columns: Vec<Column>,
    /// What the next run reads; nothing without segments.
    pub memberships: Option<SideTable>,
    /// Nothing where no run came before.
    pub migration: Option<Migration>,
}

/// Reads what the newest run left of runs before this as-of, where it left something.
///
/// # Errors
/// Fails where the file is there and cannot be read: everybody would be new.
pub fn earlier(newest: &Path, as_of: Day, customers: Option<&Customers>) -> Result<Option<Memberships>, RunError> {
    if !newest.join(FILE).is_file() {
        return Ok(None);
    }
    let source = TableSource { folder: newest.to_owned(), patterns: vec![FILE.to_owned()], ..TableSource::default() };
    match read_table(&MEMBERSHIPS, &source, None) {
        Err(IngestError::NoRows { .. }) => Ok(None),
        table => Ok(memberships(&table?, as_of, customers)),
    }
}

/// Chooses the members of every segment and compares them with those of an earlier run.
///
/// # Errors
/// Fails where a condition does not fit the scores, which checking the pipeline rules out, and where the customer export lacks a column.
pub fn choose(
    job: &Job,
    scores: &Frame<'_>,
    data: &Dataset,
    customers: Option<&Customers>,
    earlier: Option<&Memberships>,
) -> Result<Chosen, RunError> {
    if job.segments.is_empty() {
        return Ok(Chosen { members: vec![], columns: vec![], memberships: None, migration: None });
    }
    let joined = job.segment_attributes(customers, &data.customer_ids)?;
    let mut asked = scores.columns().to_vec();
    asked.extend(joined.iter().map(|of| FrameColumn::new(&of.name, Cells::Values(Cow::Borrowed(&of.values)))));
    let members = members(&Frame::of(asked), &job.segments, job.settings.segment_rules.membership, data.as_of)?;
    let names: Vec<String> = job.segments.iter().map(|segment| segment.name.clone()).collect();
    let now = first_of(&members, data.n_customers());
    let before: Vec<Option<u32>> = match earlier {
        Some(earlier) => data.customer_ids.iter().map(|id| earlier.customer_ids.position(id)).collect(),
        None => vec![None; data.n_customers()],
    };
    let since = since(&now, &before, &names, earlier, data.as_of);
    let columns = columns(&now, &since, &before, &names, earlier);
    let memberships = Some(table(&data.customer_ids, &now, &since, &names, earlier, data.as_of));
    let migration = earlier.and_then(|earlier| migration(&now, &before, &names, earlier));
    Ok(Chosen { members, columns, memberships, migration })
}

/// Returns since when each customer is in the segment of today, run by run.
fn since(
    now: &[Option<u32>],
    before: &[Option<u32>],
    names: &[String],
    earlier: Option<&Memberships>,
    as_of: Day,
) -> Vec<Option<Day>> {
    let since = |(now, before): (&Option<u32>, &Option<u32>)| {
        let name = &names[(*now)? as usize];
        let carried = earlier.zip(*before).filter(|(earlier, row)| earlier.segment(*row) == Some(name));
        Some(carried.and_then(|(earlier, row)| earlier.since[row as usize]).unwrap_or(as_of))
    };
    now.iter().zip(before).map(since).collect()
}

fn columns(
    now: &[Option<u32>],
    since: &[Option<Day>],
    before: &[Option<u32>],
    names: &[String],
    earlier: Option<&Memberships>,
) -> Vec<Column> {
    let [segment, previous, since_name] = MEMBERSHIP_COLUMNS;
    let codes = |codes: &mut dyn Iterator<Item = Option<u32>>| codes.map(|code| code.unwrap_or(NONE_IX)).collect();
    let then = |row: &Option<u32>| earlier.zip(*row).map(|(earlier, row)| earlier.segment[row as usize]);
    let labels = |ids: &Ids| -> Arc<[String]> { ids.iter().map(str::to_owned).collect() };
    let earlier_names = earlier.map_or_else(|| Arc::from([]), |earlier| labels(&earlier.segments));
    vec![
        Column::new(
            segment,
            Values::Text { codes: codes(&mut now.iter().copied()), labels: names.iter().cloned().collect() },
        ),
        Column::new(previous, Values::Text { codes: codes(&mut before.iter().map(then)), labels: earlier_names }),
        Column::new(since_name, Values::Date(since.iter().map(|day| day.map(|day| day.0)).collect())),
    ]
}

/// Writes down who is in which segment now, after what an earlier run found.
fn table(
    ids: &Ids,
    now: &[Option<u32>],
    since: &[Option<Day>],
    names: &[String],
    earlier: Option<&Memberships>,
    as_of: Day,
) -> SideTable {
    let n_earlier = earlier.map_or(0, |earlier| earlier.customer_ids.len());
    let earlier_ids = || earlier.into_iter().flat_map(|earlier| earlier.customer_ids.iter());
    let earlier_rows = || earlier.into_iter().flat_map(|earlier| (0..n_earlier as u32).map(move |row| (earlier, row)));
    let mut labels: Vec<&str> = earlier_ids().chain(ids.iter()).collect();
    // Two ascending runs: the stable sort merges them.
    labels.sort();
    labels.dedup();
    let mut codes = ranks(&labels, earlier_ids());
    codes.extend(ranks(&labels, ids.iter()));
    let labels = labels.into_iter().map(str::to_owned).collect();
    let days = earlier.into_iter().flat_map(|earlier| std::iter::repeat_n(earlier.as_of, n_earlier));
    let days = days.chain(std::iter::repeat_n(as_of, ids.len()));
    let segments = earlier_rows().map(|(earlier, row)| earlier.segment(row));
    let segments = segments.chain(now.iter().map(|ix| ix.map(|ix| names[ix as usize].as_str())));
    let sinces = earlier_rows().map(|(earlier, row)| earlier.since[row as usize]).chain(since.iter().copied());
    let columns = vec![
        Column::new(CUSTOMER_ID, Values::Text { codes, labels }),
        Column::new("as_of", Values::Date(days.map(|day| Some(day.0)).collect())),
        Column::new("segment", Values::from_texts(segments)),
        Column::new("since", Values::Date(sinces.map(|day| day.map(|day| day.0)).collect())),
    ];
    SideTable { name: "memberships", columns }
}

/// Returns the position of each text among all; both ascend.
fn ranks<'a>(all: &[&str], texts: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let mut at = 0;
    let rank = |text: &str| {
        while all[at] < text {
            at += 1;
        }
        at as u32
    };
    texts.map(rank).collect()
}
