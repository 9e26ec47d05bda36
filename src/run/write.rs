//! What is written: scores, segments, campaigns, side tables, rejects, the model; files are written side by side.

use std::borrow::Cow;

use rayon::prelude::*;

use super::equity;
use super::error::RunError;
use super::job::Job;
use super::read::shown;
use crate::analysis::{Findings, SideTable};
use crate::campaign::{Campaign, CampaignCounts, contacts};
use crate::ingest::{PRODUCTS, Reject, TRANSACTIONS};
use crate::publish::{OutputFile, PublishError, Staging};
use crate::scores::ScoredCustomers;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::segment::{Segment, select as select_members};
use crate::state::MODEL_FILE;
use crate::table::{Customers, Values};

/// Everything that is selected from the scores.
pub struct Selected<'a> {
    pub scored: ScoredCustomers<'a>,
    pub segments: Vec<(Segment, Frame<'a>)>,
    pub campaigns: Vec<(Campaign, Frame<'a>, CampaignCounts)>,
    /// Tables over scores and segments.
    pub tables: Vec<SideTable>,
}

/// Selects the members of every segment and the contacts of every campaign.
///
/// # Errors
/// Fails where a condition does not fit the scores, which checking the pipeline rules out.
pub fn select<'a>(
    job: &Job,
    scored: ScoredCustomers<'a>,
    findings: &[(&'static str, Findings)],
    customers: Option<&'a Customers>,
) -> Result<Selected<'a>, RunError> {
    let members = |segment: &Segment| Ok((segment.clone(), select_members(&scored.frame, &segment.predicate)?));
    let segments: Vec<(Segment, Frame<'a>)> = job.segments.iter().map(members).collect::<Result<_, RunError>>()?;
    let campaigns = job.campaigns.iter().filter_map(|campaign| {
        let (_, members) = segments.iter().find(|(segment, _)| segment.name == campaign.segment)?;
        let customers = customers.ok_or_else(|| FrameError::NoColumn("email".to_owned()));
        let contacts = customers.and_then(|customers| contacts(campaign, members, customers));
        Some(contacts.map(|(file, counts)| (campaign.clone(), file, counts)))
    });
    let campaigns = campaigns.collect::<Result<_, _>>()?;
    let tables = equity::table(&scored.frame, &segments, findings).into_iter().collect();
    Ok(Selected { scored, segments, campaigns, tables })
}

/// Writes every table and returns the files in a fixed order.
///
/// # Errors
/// Fails where a file cannot be written.
pub fn write_all(
    staging: &Staging<'_>,
    selected: &Selected<'_>,
    findings: &[(&'static str, Findings)],
    rejects: &Frame<'_>,
    model: &str,
) -> Result<Vec<OutputFile>, PublishError> {
    let side_tables: Vec<(&str, Frame<'_>)> = findings
        .iter()
        .flat_map(|(_, found)| &found.tables)
        .chain(&selected.tables)
        .map(|table| (table.name, Frame::new(&table.columns)))
        .collect();
    let both = |name: String, table: &Frame<'_>| staging.write_table(&name, table).map(Vec::from);

    type Write<'a> = Box<dyn Fn() -> Result<Vec<OutputFile>, PublishError> + Sync + Send + 'a>;
    let mut writes: Vec<Write<'_>> = vec![Box::new(|| both("scores".into(), &selected.scored.frame))];
    for (segment, members) in &selected.segments {
        writes.push(Box::new(|| both(format!("segments/{}", segment.name), members)));
    }
    for (campaign, contacts, _) in &selected.campaigns {
        let path = format!("campaigns/{}.csv", campaign.name);
        writes.push(Box::new(move || staging.write_csv(&path, contacts).map(|file| vec![file])));
    }
    for (name, table) in &side_tables {
        writes.push(Box::new(|| both((*name).to_owned(), table)));
    }
    writes.push(Box::new(|| staging.write_parquet("rejects.parquet", rejects).map(|file| vec![file])));
    writes.push(Box::new(|| staging.write_text(MODEL_FILE, model).map(|file| vec![file])));
    let files = writes.par_iter().map(|write| write()).collect::<Result<Vec<_>, _>>()?;
    Ok(files.concat())
}

/// Turns rejected rows into a table: where they stood, why, and of lines and products the row itself.
///
/// Rows of the other tables may hold addresses, or be of customers who object to profiling.
pub fn rejects_table(job: &Job, rejects: &[Reject]) -> Frame<'static> {
    let files: Vec<String> = rejects.iter().map(|reject| shown(&job.below(reject.table, &reject.file))).collect();
    let lines: Vec<i64> = rejects.iter().map(|reject| reject.line as i64).collect();
    let kept_as_they_read = [TRANSACTIONS.name, PRODUCTS.name];
    let columns = [
        ("table", Values::from_texts(rejects.iter().map(|reject| Some(reject.table)))),
        ("file", Values::from_texts(files.iter().map(|file| Some(file.as_str())))),
        ("line", Values::Integer(lines.into())),
        ("column", Values::from_texts(rejects.iter().map(|reject| reject.column.as_deref()))),
        ("reason", Values::from_texts(rejects.iter().map(|reject| Some(reject.reason.as_str())))),
        (
            "row",
            Values::from_texts(
                rejects
                    .iter()
                    .map(|reject| Some(reject.row.as_str()).filter(|_| kept_as_they_read.contains(&reject.table))),
            ),
        ),
    ];
    Frame::of(
        columns.into_iter().map(|(name, values)| FrameColumn::new(name, Cells::Values(Cow::Owned(values)))).collect(),
    )
}
