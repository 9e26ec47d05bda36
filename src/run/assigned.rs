//! Arms from night to night: what earlier runs drew, and the table that hands it to the next one and to `measure`.
//!
//! Every run writes `assignments` with all campaigns that ever had a control group here: those of the run that was made last, and its own. That is not
//! what `latest` points at once a run of an older night was asked for again. Customers who object meanwhile, or were erased, are dropped; one whose row cannot be
//! read tonight is not. `drawn` counts everybody who was ever drawn into the arm with the share of the row, so that who was dropped is known as a number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::RunError;
use super::job::Job;
use super::manifest::AssignmentsReadRecord;
use crate::analysis::SideTable;
use crate::campaign::assignments::{Arm, Assignment, Assignments, Plan};
use crate::ingest::{ASSIGNMENTS, IngestError, TableSource, assignments, read_table};
use crate::publish::{Pointer, published};
use crate::table::{Column, Customers, Fingerprint, Tombstones, Values};
use crate::units::Day;

/// File of a run that the next one reads.
const FILE: &str = "assignments.csv";
const MANIFEST: &str = "manifest.json";

/// Finds the run that was made last, by its own clock; `but` is the one that is being made anew.
///
/// # Errors
/// Fails where the output directory cannot be read.
pub fn newest(directory: &Path, but: Option<&str>) -> Result<Option<PathBuf>, RunError> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for path in published(directory, Pointer::Latest)? {
        let is_other = but.is_none_or(|but| path.file_name().is_none_or(|name| name != but));
        if !is_other || !path.join(FILE).is_file() {
            continue;
        }
        let started = std::fs::read_to_string(path.join(MANIFEST)).ok().and_then(|text| {
            let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
            manifest["run"]["started_at_unix"].as_u64()
        });
        let Some(started) = started else {
            let why = "the manifest beside it cannot be read, so that nobody knows whether it is the newest".to_owned();
            return Err(RunError::Assignments { path: path.join(FILE), why });
        };
        newest = newest.max(Some((started, path)));
    }
    Ok(newest.map(|(_, path)| path))
}

/// Says which file of a run is read, as its manifest has it.
pub fn record(run: &Path) -> Option<AssignmentsReadRecord> {
    let manifest: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(run.join(MANIFEST)).ok()?).ok()?;
    let file = manifest["outputs"].as_array()?.iter().find(|output| output["path"] == FILE)?;
    Some(AssignmentsReadRecord {
        run: manifest["run"]["id"].as_str()?.to_owned(),
        sha256: file["sha256"].as_str()?.to_owned(),
    })
}

/// Says which assignments are too old to be kept: those before a day, of campaigns that are no longer in the pipeline.
pub struct Expiry<'a> {
    pub before: Day,
    pub campaigns: Vec<&'a str>,
}

impl<'a> Expiry<'a> {
    /// Reads the rule of a pipeline, where it has one.
    pub fn of(job: &'a Job, as_of: Day) -> Option<Self> {
        let rules = &job.settings.contact_rules;
        let before = rules.keep_assignments?.start_before(as_of);
        let campaigns = job.campaigns.iter().map(|campaign| campaign.name.as_str());
        Some(Self { before, campaigns: campaigns.chain([rules.holdout.name.as_str()]).collect() })
    }

    fn drops(&self, campaign: &str, assignment: &Assignment) -> bool {
        assignment.on < self.before && !self.campaigns.contains(&campaign)
    }
}

/// Reads what a run left.
///
/// # Errors
/// Fails where the file cannot be read, or is not what its run wrote: a new draw would put customers into the other arm.
pub fn earlier(
    newest: Option<&Path>,
    customers: Option<&Customers>,
    tombstones: &Tombstones,
    expiry: Option<&Expiry<'_>>,
) -> Result<BTreeMap<String, Assignments>, RunError> {
    let Some(newest) = newest else { return Ok(BTreeMap::new()) };
    let objects =
        |id: &str| customers.is_some_and(|all| all.ids.position(id).is_some_and(|ix| all.objection[ix as usize]));
    let source = TableSource { folder: newest.to_owned(), patterns: vec![FILE.to_owned()], ..TableSource::default() };
    check(newest)?;
    let table = match read_table(&ASSIGNMENTS, &source, None) {
        // Everybody who was drawn has been erased.
        Err(IngestError::NoRows { .. }) => return Ok(BTreeMap::new()),
        table => table?,
    };
    // Nights are made up for in any order: rows after this as-of go on as they are.
    let reading = match assignments(&table, None, Day(i32::MAX), None) {
        Err(IngestError::NoRowLeft { .. }) => return Ok(BTreeMap::new()),
        reading => reading?.assignments,
    };
    // An erasure that was interrupted may not have come to this file.
    let ids: Vec<&str> = reading.customer_ids.iter().collect();
    let has_left: Vec<bool> = ids.par_iter().map(|id| objects(id) || tombstones.holds(id)).collect();
    let arms: Vec<Option<Arm>> = reading.arms.iter().map(Arm::named).collect();
    let control_share = |arm: Arm, share: f64| {
        in_millionths(match arm {
            Arm::Contact => 1.0 - share,
            Arm::Control => share,
        })
    };
    let rows: Vec<usize> = (0..reading.customer.len()).collect();
    let of_campaign = |rows: &[usize]| {
        let of = reading.campaign[rows[0]];
        let campaign = reading.campaigns.get(of);
        let mut n_drawn: BTreeMap<Plan, u64> = BTreeMap::new();
        for (plan, n) in reading.n_drawn.iter().filter(|(plan, _)| plan.campaign == of) {
            let Some(arm) = arms[plan.arm as usize] else { continue };
            let share = control_share(arm, plan.share());
            n_drawn.insert(Assignment { arm, on: Day(0), share, last: Day(0) }.plan(), *n);
        }
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            let customer = reading.customer[*row];
            let Some(arm) = arms[reading.arm[*row] as usize].filter(|_| !has_left[customer as usize]) else { continue };
            let share = control_share(arm, reading.share[*row]);
            let (on, last) = (Day(reading.day[*row]), Day(reading.last_day[*row]));
            let assignment = Assignment { arm, on, share, last };
            if !expiry.is_some_and(|expiry| expiry.drops(campaign, &assignment)) {
                kept.push((reading.customer_ids.get(customer), assignment));
            } else if let Some(n) = n_drawn.get_mut(&assignment.plan()) {
                // Nobody has left: the time is over.
                *n = n.saturating_sub(1);
            }
        }
        (campaign.to_owned(), Assignments::from_sorted(kept, n_drawn))
    };
    let campaigns = rows.chunk_by(|a, b| reading.campaign[*a] == reading.campaign[*b]).map(of_campaign);
    Ok(campaigns.filter(|(_, assignments)| !assignments.is_empty()).collect())
}

/// Compares the file with what its manifest says of it.
fn check(run: &Path) -> Result<(), RunError> {
    let path = run.join(FILE);
    let damaged = |why: String| RunError::Assignments { path: path.clone(), why };
    let mut file = std::fs::File::open(&path).map_err(|error| damaged(error.to_string()))?;
    let mut hash = Fingerprint::default();
    std::io::copy(&mut file, &mut hash).map_err(|error| damaged(error.to_string()))?;
    let is_its = record(run).is_none_or(|record| record.sha256 == hash.digits());
    if is_its { Ok(()) } else { Err(damaged("it is not what its run wrote".to_owned())) }
}

/// Rounds to what a share is read back in.
fn in_millionths(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

/// Adds who came to the lot by this run to who was drawn before.
pub fn all<'a>(
    mut earlier: BTreeMap<String, Assignments>,
    drawn: impl Iterator<Item = (&'a str, &'a Assignments)>,
) -> BTreeMap<String, Assignments> {
    for (campaign, drawn) in drawn.filter(|(_, drawn)| !drawn.is_empty()) {
        let of_campaign = earlier.entry(campaign.to_owned()).or_default();
        *of_campaign = of_campaign.and(drawn);
    }
    earlier
}

/// Lays out assignments by campaign and customer; nothing where there is none.
pub fn table(all: &BTreeMap<String, Assignments>) -> Option<SideTable> {
    let rows = || all.iter().flat_map(|(campaign, of)| of.iter().map(move |(id, it)| (campaign.as_str(), of, id, it)));
    rows().next()?;
    let share = |assignment: Assignment| match assignment.arm {
        Arm::Contact => 1.0 - assignment.share,
        Arm::Control => assignment.share,
    };
    let n_drawn = |of: &Assignments, it: Assignment| of.n_drawn().get(&it.plan()).map(|n| *n as i64);
    let columns = vec![
        Column::new("campaign", Values::from_texts(rows().map(|(campaign, ..)| Some(campaign)))),
        Column::new("customer_id", Values::from_texts(rows().map(|(_, _, id, _)| Some(id)))),
        Column::new("arm", Values::from_texts(rows().map(|(.., it)| Some(it.arm.label())))),
        Column::new("assigned_on", Values::Date(rows().map(|(.., it)| Some(it.on.0)).collect())),
        Column::new("selected_on", Values::Date(rows().map(|(.., it)| Some(it.last.0)).collect())),
        Column::new("share", Values::Number(rows().map(|(.., it)| Some(in_millionths(share(it)))).collect())),
        Column::new("drawn", Values::Integer(rows().map(|(_, of, _, it)| n_drawn(of, it)).collect())),
    ];
    Some(SideTable { name: "assignments", columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_night_drew_the_next_one_reads() {
        let assignment = |arm, on| Assignment { arm, on: Day(on), share: 0.1, last: Day(on + 5) };
        let spring =
            Assignments::of([("007", assignment(Arm::Control, 20_000)), ("a;\"b\"", assignment(Arm::Contact, 20_001))]);
        let known = BTreeMap::from([("spring".to_owned(), spring)]);
        let autumn = Assignments::of([("007", assignment(Arm::Contact, 20_002))]);
        let table = table(&all(known.clone(), [("autumn", &autumn)].into_iter())).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let lock = crate::publish::OutputLock::take(directory.path()).unwrap();
        let staging = crate::publish::Staging::start(&lock, "2026-01-01-00000000").unwrap();
        staging.write_table("assignments", &crate::scores::frame::Frame::new(&table.columns)).unwrap();
        let published = staging.publish("2026-01-01-00000000").unwrap();
        assert_eq!(published, directory.path().join("2026-01-01-00000000"));
        let nobody = Tombstones::default();
        let mut read = earlier(Some(&published), None, &nobody, None).unwrap();
        assert_eq!(read.remove("autumn").unwrap(), autumn);
        assert_eq!(read, known);
        assert!(earlier(None, None, &nobody, None).unwrap().is_empty());
        // What the pipeline no longer has is kept as long as it says.
        let expiry = |before| Expiry { before: Day(before), campaigns: vec!["autumn"] };
        let n_left = |before| {
            let left = earlier(Some(&published), None, &nobody, Some(&expiry(before))).unwrap();
            ["spring", "autumn"].map(|campaign| left.get(campaign).map_or(0, Assignments::len))
        };
        assert_eq!([20_000, 20_001, 20_003].map(n_left), [[2, 1], [1, 1], [0, 1]]);
        // Objections drop a customer, an unreadable row does not.
        let customers = |objects| Customers {
            ids: crate::table::Ids::from_sorted(["007"]),
            objection: vec![objects],
            unreadable: vec!["007".to_owned()],
            ..Customers::default()
        };
        let spring = |objects| {
            earlier(Some(&published), Some(&customers(objects)), &nobody, None).unwrap().remove("spring").unwrap()
        };
        assert_eq!((spring(true).len(), spring(false).len()), (1, 2));
        assert_eq!(spring(true).n_drawn(), spring(false).n_drawn(), "who has left is still counted");
    }
}
