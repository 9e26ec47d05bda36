//! What is written: scores, segments, campaigns, side tables, rejects, the model; files are written side by side.

use rayon::prelude::*;

use super::audiences;
use super::campaigns::{self, Contacted, Selection, Sources};
use super::equity;
use super::error::RunError;
use super::job::Job;
use super::manifest::ArmRecord;
use super::nights::NightRecord;
use super::pseudonyms;
use super::segments::{self, Chosen};
use super::small_groups::SmallGroups;
use crate::analysis::{Base, Fact, Findings, SideTable};
use crate::campaign::target::CellCounts;
use crate::publish::{AUDIENCES, OutputFile, PSEUDONYMS, PublishError, Staging};
use crate::scores::ScoredCustomers;
use crate::scores::frame::Frame;
use crate::segment::{Members, Segment};
use crate::state::MODEL_FILE;
use crate::table::{Column, Memberships};

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
    /// Whose the rows of audience files are.
    pub audiences: Option<Vec<Column>>,
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
    let (members, audiences) = (&chosen.members, audiences::table(&campaigns)?);
    Ok(Selected { scored, segments, members, migration, campaigns, arms, nights, tables, notes, pseudonyms, audiences })
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
    for (name, map) in [(PSEUDONYMS, &selected.pseudonyms), (AUDIENCES, &selected.audiences)] {
        if let Some(columns) = map {
            writes.push(Box::new(move || {
                staging.write_csv_for_owner(name, &Frame::new(columns)).map(|file| (vec![file], None))
            }));
        }
    }
    writes.push(Box::new(|| staging.write_parquet("rejects.parquet", rejects).map(|file| (vec![file], None))));
    writes.push(Box::new(|| staging.write_text(MODEL_FILE, model).map(|file| (vec![file], None))));
    let (files, cells): (Vec<_>, Vec<_>) =
        writes.par_iter().map(|write| write()).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    Ok(Written { files: files.concat(), campaigns: cells.into_iter().flatten().collect() })
}
