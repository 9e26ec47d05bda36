//! Erasure of customers (Art. 17 GDPR): a tombstone first, so that no later run brings them back, then everything that was written, then a search.
//!
//! An erasure that was interrupted is begun again with the same ids and ends where it would have; runs in between leave the customers out all the same.

use std::path::PathBuf;

use super::LINES_ON_DISK;
use super::error::RunError;
use super::job::Job;
use super::pseudonyms;
use crate::ingest::{CUSTOMERS, clear_cache, customers, key_of, read_table};
use crate::publish::{Erased, OutputLock, PublishError, Wanted, add_tombstones, erase as erase_outputs};
use crate::units::Day;

/// Columns of the customer table that campaign files are recognised by.
const ADDRESSES: [&str; 2] = ["email", "phone"];

/// What an erasure did.
#[derive(Debug)]
pub struct Erasure {
    /// Customers who were asked for, each counted once.
    pub customers: usize,
    pub erased: Erased,
    /// Files of the ingest cache that were removed.
    pub cache_files: usize,
    pub directory: PathBuf,
    /// What the reader must know.
    pub notes: Vec<String>,
}

/// Takes customers out of everything below the output directory of a job and keeps them out of its later runs.
///
/// `random` becomes the key of the tombstones where there is none yet; `today` is written down in the manifests.
///
/// # Errors
/// Fails where another run holds the lock, where a file cannot be read or rewritten, and where something is left.
pub fn erase(job: &Job, ids: &[String], random: &[u8; 32], today: Day) -> Result<Erasure, RunError> {
    let mut ids: Vec<String> = ids.iter().filter_map(|id| key_of(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let lock = OutputLock::take(&job.output)?;
    let key = pseudonyms::key(job)?;
    let stands_for = |id: &String| key.as_ref().map(|key| key.pseudonym(id));
    // What stands for the customers may come back as well.
    let buried: Vec<String> = ids.iter().cloned().chain(ids.iter().filter_map(stands_for)).collect();
    add_tombstones(&lock, &buried, random)?;
    let mut notes = Vec::new();
    let mut wanted = Wanted::new(ids.iter().cloned());
    ids.iter().filter_map(stands_for).for_each(|pseudonym| wanted.add_pseudonym(&pseudonym));
    match addresses(job, &ids) {
        Ok(addresses) => {
            let home = job.campaigns.first().map(|campaign| campaign.home);
            addresses.iter().for_each(|address| wanted.add_address(address, home));
        }
        Err(error) => notes.push(format!(
            "the customer export cannot be read ({error}): in campaign files without ids the customers are found by the addresses of other campaign files alone"
        )),
    }
    let mut cache_files = 0;
    let beside_output = job.output.join(".cache");
    // The pipeline may have kept it elsewhere before.
    for directory in job.cache.iter().map(|cache| &cache.directory).chain([&beside_output]) {
        cache_files += clear_cache(directory).map_err(PublishError::io("clear the ingest cache", directory))?;
    }
    let lines = job.output.join(LINES_ON_DISK);
    if lines.exists() {
        std::fs::remove_dir_all(&lines).map_err(PublishError::io("remove", &lines))?;
    }
    let erased = erase_outputs(&lock, wanted, ids.len(), today)?;
    Ok(Erasure { customers: ids.len(), erased, cache_files, directory: job.output.clone(), notes })
}

/// Returns the addresses of customers as the customer export has them.
fn addresses(job: &Job, ids: &[String]) -> Result<Vec<String>, RunError> {
    let Some(source) = &job.customers else { return Ok(Vec::new()) };
    let (customers, _) = customers(&read_table(&CUSTOMERS, source, None)?);
    let positions: Vec<u32> = ids.iter().filter_map(|id| customers.ids.position(id)).collect();
    let columns = ADDRESSES.iter().filter_map(|name| customers.attributes.get(*name));
    let cells = columns.flat_map(|column| positions.iter().map(|ix| column[*ix as usize].clone()));
    Ok(cells.filter(|cell| !cell.is_empty()).collect())
}
