//! Erasure of customers (Art. 17 GDPR): a tombstone first, so that no later run brings them back, then everything that was written, then a search.
//!
//! An erasure that was interrupted is begun again with the same ids and ends where it would have; runs in between leave the customers out all the same.

use std::path::PathBuf;

use super::LINES_ON_DISK;
use super::error::RunError;
use super::job::Job;
use super::pseudonyms;
use super::read::shown;
use crate::ingest::{CUSTOMERS, clear_cache, customers, is_customer_header, key_of, read_table};
use crate::publish::{
    Erased, OutputLock, PublishError, Wanted, add_tombstones, erase as erase_outputs, lift_tombstones,
};
use crate::table::Key;
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
    let ids = distinct(ids)?;
    let lock = OutputLock::take(&job.output)?;
    let key = pseudonyms::key(job)?;
    let stands_for = |id: &String| key.as_ref().map(|key| key.pseudonym(id));
    add_tombstones(&lock, &buried(&ids, key.as_ref()), random)?;
    let mut notes = Vec::new();
    let mut wanted = Wanted::new(ids.iter().cloned(), is_customer_header);
    ids.iter().filter_map(stands_for).for_each(|pseudonym| wanted.add_pseudonym(&pseudonym));
    match addresses(job, &ids) {
        Ok(Listed { addresses, present }) => {
            let home = job.campaigns.first().map(|campaign| campaign.home);
            addresses.iter().for_each(|address| wanted.add_address(address, home));
            present.iter().for_each(|id| wanted.found(id));
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
    if erased.not_found > 0 {
        notes.push(format!(
            "{} of {} was found nowhere: is it spelled as in the export (case, leading zeros)? it is kept out of later runs all the same \
             (`--lift` takes that back)",
            erased.not_found,
            if ids.len() == 1 { "1 id".to_owned() } else { format!("{} ids", ids.len()) },
        ));
    }
    if erased.runs == 0 {
        notes.push("the output directory holds no run: is it that of the right pipeline?".to_owned());
    }
    let named = |paths: &[PathBuf]| paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ");
    if !erased.not_attributed.is_empty() {
        notes.push(format!(
            "audience files of runs without `audiences.csv` hold hashes alone, and may hold one of an earlier address, which nobody can tell from the \
             others: {}",
            named(&erased.not_attributed)
        ));
    }
    if !erased.not_searched.is_empty() {
        notes.push(format!("archives and links were not looked into: {}", named(&erased.not_searched)));
    }
    Ok(Erasure { customers: ids.len(), erased, cache_files, directory: job.output.clone(), notes })
}

/// Takes the tombstones of customers away, so that a mistyped id is no longer kept out; what was erased stays erased. Returns how many there were.
///
/// # Errors
/// Fails where another run holds the lock, and where the tombstones cannot be read or written.
pub fn lift(job: &Job, ids: &[String]) -> Result<usize, RunError> {
    let ids = distinct(ids)?;
    let lock = OutputLock::take(&job.output)?;
    let key = pseudonyms::key(job)?;
    let n_lifted = lift_tombstones(&lock, &ids)?;
    lift_tombstones(&lock, &buried(&ids, key.as_ref()))?;
    Ok(n_lifted)
}

/// Returns ids as they are kept, each once.
fn distinct(ids: &[String]) -> Result<Vec<String>, RunError> {
    if let Some(header) = ids.iter().find(|id| is_customer_header(id)) {
        return Err(RunError::HeaderAsId { header: header.clone() });
    }
    let mut ids: Vec<String> = ids.iter().filter_map(|id| key_of(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Returns what is on the list of customers: what stands for them may come back as well.
fn buried(ids: &[String], key: Option<&Key>) -> Vec<String> {
    let stands_for = ids.iter().filter_map(|id| key.map(|key| key.pseudonym(id)));
    ids.iter().cloned().chain(stands_for).collect()
}

/// What the customer export has of customers.
#[derive(Default)]
struct Listed {
    addresses: Vec<String>,
    /// Ids that stand in it.
    present: Vec<String>,
}

/// Looks customers up in the customer export.
fn addresses(job: &Job, ids: &[String]) -> Result<Listed, RunError> {
    let Some(source) = &job.customers else { return Ok(Listed::default()) };
    let (customers, _) = customers(&read_table(&CUSTOMERS, source, None)?);
    let listed = ids.iter().filter_map(|id| Some((id, customers.ids.position(id)?)));
    let (present, positions): (Vec<String>, Vec<u32>) = listed.map(|(id, ix)| (id.clone(), ix)).unzip();
    let columns = ADDRESSES.iter().filter_map(|name| customers.attributes.get(*name));
    let cells = columns.flat_map(|column| positions.iter().map(|ix| column[*ix as usize].clone()));
    Ok(Listed { addresses: cells.filter(|cell| !cell.is_empty()).collect(), present })
}
