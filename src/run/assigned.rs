//! Arms from night to night: what earlier runs drew, and the table that hands it to the next one and to `measure`.
//!
//! Every run writes `assignments` with all campaigns that ever had a control group here: those of the run that was made last, and its own. That is not
//! what `latest` points at once a run of an older night was asked for again. Customers who object meanwhile, or were erased, are dropped; one whose row cannot be
//! read tonight is not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::RunError;
use crate::analysis::SideTable;
use crate::campaign::control::{Arm, Assignment, Assignments};
use crate::ingest::{ASSIGNMENTS, IngestError, TableSource, assignments, read_table};
use crate::table::{Column, Customers, Tombstones, Values};
use crate::units::Day;

/// File of a run that the next one reads.
const FILE: &str = "assignments.csv";
const MANIFEST: &str = "manifest.json";

/// Finds the run that was made last, by its own clock.
pub fn newest(directory: &Path) -> Option<PathBuf> {
    let runs = std::fs::read_dir(directory).ok()?.filter_map(|entry| {
        let path = entry.ok()?.path();
        // The pointer is one of them a second time.
        let is_run = path.join(FILE).is_file() && !path.is_symlink();
        let text = std::fs::read_to_string(path.join(MANIFEST)).ok().filter(|_| is_run)?;
        let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some((manifest["run"]["started_at_unix"].as_u64()?, path))
    });
    runs.max().map(|(_, path)| path)
}

/// Reads what a run left.
///
/// # Errors
/// Fails where the file cannot be read: a new draw would put customers into the other arm.
pub fn earlier(
    newest: Option<&Path>,
    customers: Option<&Customers>,
    tombstones: &Tombstones,
) -> Result<BTreeMap<String, Assignments>, RunError> {
    let mut found: BTreeMap<String, Assignments> = BTreeMap::new();
    let Some(newest) = newest else { return Ok(found) };
    let objects =
        |id: &str| customers.is_some_and(|all| all.ids.position(id).is_some_and(|ix| all.objection[ix as usize]));
    let source = TableSource { folder: newest.to_owned(), patterns: vec![FILE.to_owned()], ..TableSource::default() };
    let table = read_table(&ASSIGNMENTS, &source, None)?;
    // Nights are made up for in any order: rows after this as-of go on as they are.
    let reading = match assignments(&table, None, Day(i32::MAX), None) {
        Err(IngestError::NoRowLeft { .. }) => return Ok(found),
        reading => reading?.assignments,
    };
    for row in 0..reading.customer.len() {
        let Some(arm) = Arm::named(reading.arms.get(reading.arm[row])) else { continue };
        let share = in_millionths(match arm {
            Arm::Contact => 1.0 - reading.share[row],
            Arm::Control => reading.share[row],
        });
        let assignment = Assignment { arm, on: Day(reading.day[row]), share };
        let customer = reading.customer_ids.get(reading.customer[row]);
        // An erasure that was interrupted may not have come to this file.
        if objects(customer) || tombstones.holds(customer) {
            continue;
        }
        let campaign = reading.campaigns.get(reading.campaign[row]).to_owned();
        found.entry(campaign).or_default().insert(customer.to_owned(), assignment);
    }
    Ok(found)
}

/// Rounds to what a share is read back in.
fn in_millionths(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

/// Writes the assignments of earlier runs and of this one, by campaign and customer; nothing where there is none.
pub fn table<'a>(
    earlier: &'a BTreeMap<String, Assignments>,
    drawn: impl Iterator<Item = (&'a str, &'a Assignments)>,
) -> Option<SideTable> {
    let mut all: BTreeMap<&str, BTreeMap<&str, Assignment>> = BTreeMap::new();
    let earlier = earlier.iter().map(|(campaign, assignments)| (campaign.as_str(), assignments));
    for (campaign, assignments) in earlier.chain(drawn) {
        let of_campaign = all.entry(campaign).or_default();
        of_campaign.extend(assignments.iter().map(|(customer, assignment)| (customer.as_str(), *assignment)));
    }
    let rows =
        || all.iter().flat_map(|(campaign, of)| of.iter().map(move |(customer, it)| (*campaign, *customer, *it)));
    rows().next()?;
    let share = |assignment: Assignment| match assignment.arm {
        Arm::Contact => 1.0 - assignment.share,
        Arm::Control => assignment.share,
    };
    let columns = vec![
        Column::new("campaign", Values::from_texts(rows().map(|(campaign, ..)| Some(campaign)))),
        Column::new("customer_id", Values::from_texts(rows().map(|(_, customer, _)| Some(customer)))),
        Column::new("arm", Values::from_texts(rows().map(|(.., it)| Some(it.arm.label())))),
        Column::new("assigned_on", Values::Date(rows().map(|(.., it)| Some(it.on.0)).collect())),
        Column::new("share", Values::Number(rows().map(|(.., it)| Some(in_millionths(share(it)))).collect())),
    ];
    Some(SideTable { name: "assignments", columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_night_drew_the_next_one_reads() {
        let assignment = |arm, on| Assignment { arm, on: Day(on), share: 0.1 };
        let spring = Assignments::from([
            ("007".to_owned(), assignment(Arm::Control, 20_000)),
            ("a;\"b\"".to_owned(), assignment(Arm::Contact, 20_001)),
        ]);
        let known = BTreeMap::from([("spring".to_owned(), spring)]);
        let autumn = Assignments::from([("007".to_owned(), assignment(Arm::Contact, 20_002))]);
        let table = table(&known, [("autumn", &autumn)].into_iter()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let lock = crate::publish::OutputLock::take(directory.path()).unwrap();
        let staging = crate::publish::Staging::start(&lock, "2026-01-01-00000000").unwrap();
        staging.write_table("assignments", &crate::scores::frame::Frame::new(&table.columns)).unwrap();
        let published = staging.publish("2026-01-01-00000000").unwrap();
        assert_eq!(published, directory.path().join("2026-01-01-00000000"));
        let nobody = Tombstones::default();
        let mut read = earlier(Some(&published), None, &nobody).unwrap();
        assert_eq!(read.remove("autumn").unwrap(), autumn);
        assert_eq!(read, known);
        assert!(earlier(None, None, &nobody).unwrap().is_empty());
        // Objections drop a customer, an unreadable row does not.
        let customers = |objects| Customers {
            ids: crate::table::Ids::from_sorted(["007"]),
            objection: vec![objects],
            unreadable: vec!["007".to_owned()],
            ..Customers::default()
        };
        assert_eq!(earlier(Some(&published), Some(&customers(true)), &nobody).unwrap()["spring"].len(), 1);
        assert_eq!(earlier(Some(&published), Some(&customers(false)), &nobody).unwrap()["spring"].len(), 2);
    }
}
