//! Whether the suppression list can be relied on: campaigns of a stale or broken one would reach people who have unsubscribed.

use std::time::UNIX_EPOCH;

use super::error::RunError;
use super::job::Job;
use crate::campaign::suppression::Suppressed;
use crate::ingest::SUPPRESSIONS;
use crate::table::{Customers, Suppressions};

const SECONDS_PER_HOUR: u64 = 3_600;
/// Ids of which at least one must be that of a customer: so many former customers alone are on no list.
const MANY_IDS: usize = 10;

/// Returns the age of the oldest file of the list in full hours by the clock of the program; nothing without a list, or campaigns.
///
/// The age of a file is that of its last change: what exports or copies it must make it anew.
///
/// # Errors
/// Fails where a file is older than the pipeline allows, or the file system does not say.
pub fn hours(job: &Job, now_unix: u64) -> Result<Option<u64>, RunError> {
    let (Some(source), Some(settings)) = (&job.suppressions, &job.settings.input.suppressions) else { return Ok(None) };
    if job.campaigns.is_empty() {
        return Ok(None);
    }
    let mut oldest = 0;
    for file in source.files(SUPPRESSIONS.name)? {
        let changed = file.metadata().and_then(|meta| meta.modified()).ok();
        let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
        oldest = oldest.max(now_unix.saturating_sub(changed) / SECONDS_PER_HOUR);
    }
    let allowed = u64::from(settings.max_age_hours);
    if oldest >= allowed { Err(RunError::StaleSuppressions { hours: oldest, allowed }) } else { Ok(Some(oldest)) }
}

/// Checks that the entries of the list name somebody; returns a note where half of the ids are unknown.
///
/// # Errors
/// Fails where a cell is neither an address nor a number, or none of many ids is that of a customer.
pub fn check(job: &Job, list: &Suppressions, customers: Option<&Customers>) -> Result<Option<String>, RunError> {
    if job.campaigns.is_empty() {
        return Ok(None);
    }
    let n_unreadable = Suppressed::of(list).n_unreadable;
    if n_unreadable > 0 {
        let why = format!("{n_unreadable} entries of the suppression list are neither an address nor a number");
        return Err(RunError::UnreadableSuppressions { why });
    }
    let Some(customers) = customers else { return Ok(None) };
    let (n, unreadable) = (list.customers.len(), &customers.unreadable);
    let is_known = |id: &&String| customers.ids.position(id).is_some() || unreadable.binary_search(id).is_ok();
    let n_known = list.customers.iter().filter(is_known).count();
    if n_known == 0 && n >= MANY_IDS {
        let why = format!("none of the {n} ids on the suppression list is in the customer export");
        return Err(RunError::UnreadableSuppressions { why });
    }
    Ok((n > 1 && 2 * n_known <= n).then(|| {
        format!(
            "{} of {n} ids on the suppression list are not in the customer export (do they match, with their leading zeros?)",
            n - n_known
        )
    }))
}
