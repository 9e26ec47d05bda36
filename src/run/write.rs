//! What is written: scores, segments, campaigns, side tables, rejects; files are written side by side.

use rayon::prelude::*;

use super::error::RunError;
use super::job::Job;
use super::read::shown;
use crate::analysis::Findings;
use crate::campaign::{Campaign, CampaignCounts, contacts};
use crate::ingest::{CUSTOMERS, Reject};
use crate::publish::{OutputFile, PublishError, Staging};
use crate::scores::ScoredCustomers;
use crate::scores::frame::Frame;
use crate::segment::{Segment, select as select_members};
use crate::table::{Column, Customers, Nullable, Values};

/// Everything that is selected from the scores.
pub struct Selected {
    pub scored: ScoredCustomers,
    pub segments: Vec<(Segment, Frame)>,
    pub campaigns: Vec<(Campaign, Frame, CampaignCounts)>,
}

/// Selects the members of every segment and the contacts of every campaign.
///
/// # Errors
/// Fails where a condition does not fit the scores, which checking the pipeline rules out.
pub fn select(job: &Job, scored: ScoredCustomers, customers: Option<&Customers>) -> Result<Selected, RunError> {
    let members = |segment: &Segment| Ok((segment.clone(), select_members(&scored.frame, &segment.predicate)?));
    let segments: Vec<(Segment, Frame)> = job.segments.iter().map(members).collect::<Result<_, RunError>>()?;
    let nobody = Customers::default();
    let customers = customers.unwrap_or(&nobody);
    let campaigns = job.campaigns.iter().filter_map(|campaign| {
        let (_, members) = segments.iter().find(|(segment, _)| segment.name == campaign.segment)?;
        Some(contacts(campaign, members, customers).map(|(file, counts)| (campaign.clone(), file, counts)))
    });
    let campaigns = campaigns.collect::<Result<_, _>>()?;
    Ok(Selected { scored, segments, campaigns })
}

/// Writes every table and returns the files in a fixed order.
///
/// # Errors
/// Fails where a file cannot be written.
pub fn write_all(
    staging: &Staging<'_>,
    selected: &Selected,
    findings: &[(&'static str, Findings)],
    rejects: &Frame,
) -> Result<Vec<OutputFile>, PublishError> {
    let side_tables: Vec<(&str, Frame)> = findings
        .iter()
        .flat_map(|(_, found)| &found.tables)
        .map(|table| (table.name, Frame::new(&table.columns)))
        .collect();
    let both = |name: String, table: &Frame| staging.write_table(&name, table).map(Vec::from);

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
    let files = writes.par_iter().map(|write| write()).collect::<Result<Vec<_>, _>>()?;
    Ok(files.concat())
}

/// Turns rejected rows into a table: where they stood, why, and the row itself, but for customers: a run keeps no addresses.
pub fn rejects_table(job: &Job, rejects: &[Reject]) -> Frame {
    let files: Vec<String> = rejects.iter().map(|reject| shown(&job.below(reject.table, &reject.file))).collect();
    let texts = Frame::of_texts([
        ("table", rejects.iter().map(|reject| Some(reject.table)).collect()),
        ("file", files.iter().map(|file| Some(file.as_str())).collect()),
        ("column", rejects.iter().map(|reject| reject.column.as_deref()).collect()),
        ("reason", rejects.iter().map(|reject| Some(reject.reason.as_str())).collect()),
        (
            "row",
            rejects.iter().map(|reject| Some(reject.row.as_str()).filter(|_| reject.table != CUSTOMERS.name)).collect(),
        ),
    ]);
    let lines: Vec<i64> = rejects.iter().map(|reject| reject.line as i64).collect();
    let lines = Frame::new([&Column::new("line", Values::Integer(Nullable::from(lines)))]);
    let columns = ["table", "file", "line", "column", "reason", "row"];
    texts.beside(&lines).and_then(|both| both.select(&columns)).expect("both tables have one row a reject")
}
