//! What is written: scores, segments, campaigns, side tables, rejects, the model; files are written side by side.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rayon::prelude::*;

use super::campaigns::{self, Contacted, Selection, Sources};
use super::equity;
use super::error::RunError;
use super::job::Job;
use super::manifest::ArmRecord;
use super::nights::NightRecord;
use super::pseudonyms;
use super::read::shown;
use super::segments::{self, Chosen};
use super::small_groups::SmallGroups;
use crate::analysis::{Base, Fact, Findings, SideTable};
use crate::campaign::target::CellCounts;
use crate::ingest::{PRODUCTS, Reject, TRANSACTIONS};
use crate::publish::{OutputFile, PublishError, Staging};
use crate::scores::ScoredCustomers;
use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::segment::{Members, Segment};
use crate::state::MODEL_FILE;
use crate::table::{Column, Customers, Memberships, Tombstones, Values, cells_of_row};

/// Everything that is selected from the scores.
pub struct Selected<'a> {
    pub scored: ScoredCustomers<'a>,
    pub segments: Vec<(Segment, Frame<'a>)>,
    /// Of each segment.
    pub members: &'a [Members],
    /// What has changed in the segments since the last run before this as-of.
    pub migration: Option<&'a [(&'static str, Fact)]>,
    pub notes: Vec<String>,
    pub campaigns: Vec<Contacted<'a>>,
    /// Arms of all campaigns that ever had a control group.
    pub arms: Vec<ArmRecord>,
    /// Nights in `memberships`.
    pub nights: Vec<NightRecord>,
    /// Tables over scores and segments.
    pub tables: Vec<SideTable>,
    /// Whom the pseudonyms in campaign files stand for.
    pub pseudonyms: Option<Vec<Column>>,
}

/// Shows the members of every segment and selects the contacts of every campaign.
///
/// # Errors
/// Fails where a campaign cannot be prepared.
pub fn select<'a>(
    job: &Job,
    scored: ScoredCustomers<'a>,
    chosen: &'a Chosen,
    findings: &[(&'static str, Findings)],
    base: &Base<'a>,
    sources: Sources<'a>,
    memberships: Vec<(NightRecord, &Memberships)>,
) -> Result<Selected<'a>, RunError> {
    let scored = scored.with(&chosen.columns);
    let members = job.segments.iter().cloned().zip(&chosen.members);
    let segments: Vec<(Segment, Frame<'a>)> =
        members.map(|(segment, members)| (segment, scored.frame.pick(members.rows.clone()))).collect();
    let pseudonyms_key = sources.pseudonyms;
    let Selection { contacted: campaigns, tables: of_campaigns, arms } =
        campaigns::select(job, base, &segments, sources)?;
    let equity = equity::table(&scored.frame, &segments, findings);
    let migration = chosen.migration.as_ref();
    let mut counted: Vec<SideTable> = equity.into_iter().chain(migration.map(|found| found.table.clone())).collect();
    let notes = SmallGroups::of(job).and_then(|small| small.leave_out(&mut counted));
    let notes = chosen.notes.iter().cloned().chain(notes).collect();
    let (nights, found): (Vec<NightRecord>, Vec<&Memberships>) = memberships.into_iter().unzip();
    let tables = counted.into_iter().chain(segments::table(&found)).chain(of_campaigns).collect();
    let migration = migration.map(|found| &found.facts[..]);
    let pseudonyms = pseudonyms_key.filter(|_| !campaigns.is_empty());
    let pseudonyms =
        pseudonyms.map(|key| pseudonyms::table(&campaigns, key, base.data.customer_ids.iter())).transpose()?;
    let members = &chosen.members;
    Ok(Selected { scored, segments, members, migration, campaigns, arms, nights, tables, notes, pseudonyms })
}

/// What was written.
pub struct Written {
    /// Files in a fixed order.
    pub files: Vec<OutputFile>,
    /// What became of the cells of each campaign.
    pub campaigns: Vec<CellCounts>,
}

/// Writes every table.
///
/// # Errors
/// Fails where a file cannot be written.
pub fn write_all(
    staging: &Staging<'_>,
    selected: &Selected<'_>,
    findings: &[(&'static str, Findings)],
    rejects: &Frame<'_>,
    model: &str,
) -> Result<Written, PublishError> {
    let side_tables: Vec<(&str, Frame<'_>)> = findings
        .iter()
        .flat_map(|(_, found)| &found.tables)
        .chain(&selected.tables)
        .map(|table| (table.name, Frame::new(&table.columns)))
        .collect();
    let both =
        |name: String, table: &Frame<'_>| staging.write_table(&name, table).map(|files| (Vec::from(files), None));

    type Write<'a> = Box<dyn Fn() -> Result<(Vec<OutputFile>, Option<CellCounts>), PublishError> + Sync + Send + 'a>;
    let mut writes: Vec<Write<'_>> = vec![Box::new(|| both("scores".into(), &selected.scored.frame))];
    for (segment, members) in &selected.segments {
        writes.push(Box::new(|| both(format!("segments/{}", segment.name), members)));
    }
    for Contacted { campaign, contacts, shares, .. } in &selected.campaigns {
        writes.push(Box::new(move || {
            staging.write_campaign(campaign, contacts, shares).map(|written| (written.files, Some(written.cells)))
        }));
    }
    for (name, table) in &side_tables {
        writes.push(Box::new(|| both((*name).to_owned(), table)));
    }
    if let Some(pseudonyms) = &selected.pseudonyms {
        writes.push(Box::new(move || {
            staging.write_csv_for_owner("pseudonyms.csv", &Frame::new(pseudonyms)).map(|file| (vec![file], None))
        }));
    }
    writes.push(Box::new(|| staging.write_parquet("rejects.parquet", rejects).map(|file| (vec![file], None))));
    writes.push(Box::new(|| staging.write_text(MODEL_FILE, model).map(|file| (vec![file], None))));
    let (files, cells): (Vec<_>, Vec<_>) =
        writes.par_iter().map(|write| write()).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    Ok(Written { files: files.concat(), campaigns: cells.into_iter().flatten().collect() })
}

/// Turns rejected rows into a table: where they stood, why, and of lines and products the row itself.
///
/// Rows of the other tables may hold addresses, or be of customers who object to profiling. Rows with the id of somebody who was erased are not
/// among them; of who is known to object it is told where a row stood, and not what it says.
pub fn rejects_table(
    job: &Job,
    rejects: &[Reject],
    customers: Option<&Customers>,
    tombstones: &Tombstones,
) -> Frame<'static> {
    let objecting: BTreeSet<&str> = customers.into_iter().flat_map(Customers::objecting).collect();
    let is_shown = |reject: &Reject| match reject.table {
        table if table == PRODUCTS.name => true,
        table if table == TRANSACTIONS.name => {
            objecting.is_empty() || !cells_of_row(&reject.row).any(|cell| objecting.contains(cell))
        }
        _ => false,
    };
    let is_theirs = |reject: &Reject| {
        reject.table != PRODUCTS.name
            && (reject.key.as_deref().is_some_and(|id| tombstones.holds(id)) || tombstones.hold_a_cell_of(&reject.row))
    };
    let rejects: Vec<&Reject> = rejects.par_iter().filter(|reject| !is_theirs(reject)).collect();
    let files: Vec<String> = rejects.iter().map(|reject| shown(&job.below(reject.table, &reject.file))).collect();
    let lines: Vec<i64> = rejects.iter().map(|reject| reject.line as i64).collect();
    let columns = [
        ("table", Values::from_texts(rejects.iter().map(|reject| Some(reject.table)))),
        ("file", Values::from_texts(files.iter().map(|file| Some(file.as_str())))),
        ("line", Values::Integer(lines.into())),
        ("column", Values::from_texts(rejects.iter().map(|reject| reject.column.as_deref()))),
        ("reason", Values::from_texts(rejects.iter().map(|reject| Some(reject.reason.as_str())))),
        (
            "row",
            Values::from_texts(rejects.iter().map(|reject| Some(reject.row.as_str()).filter(|_| is_shown(reject)))),
        ),
    ];
    Frame::of(
        columns.into_iter().map(|(name, values)| FrameColumn::new(name, Cells::Values(Cow::Owned(values)))).collect(),
    )
}
