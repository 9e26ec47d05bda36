//! How old the suppression list is: campaigns of a stale one would reach people who have unsubscribed since.

use std::time::UNIX_EPOCH;

use super::error::RunError;
use super::job::Job;
use crate::ingest::SUPPRESSIONS;

const SECONDS_PER_HOUR: u64 = 3_600;

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
