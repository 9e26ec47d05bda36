//! Stages of a run: each is timed, reported as it goes, and recorded for the manifest.

use std::time::Instant;

use super::manifest::StageRecord;
use super::observer::{Event, Observer};
use super::resources::peak_memory_bytes;

/// Times stages and tells the observer.
pub struct Stages<'a> {
    observer: &'a dyn Observer,
    records: Vec<StageRecord>,
}

impl<'a> Stages<'a> {
    /// Starts with no stage.
    pub fn new(observer: &'a dyn Observer) -> Self {
        Self { observer, records: Vec::new() }
    }

    /// Runs one stage; `detail` says in a few words what came of it.
    ///
    /// # Errors
    /// Passes on what the stage returns; a stage that failed is not recorded.
    pub fn run<T, E>(
        &mut self,
        stage: &'static str,
        total_bytes: Option<u64>,
        work: impl FnOnce() -> Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        self.observer.event(Event::Started { stage, total_bytes });
        let start = Instant::now();
        let result = work()?;
        let seconds = start.elapsed().as_secs_f64();
        let detail = detail(&result);
        self.observer.event(Event::Finished { stage, seconds, detail: &detail });
        self.records.push(StageRecord { name: stage, seconds, peak_memory_bytes: peak_memory_bytes() });
        Ok(result)
    }

    /// Gives up the records in the order of the stages.
    pub fn into_records(self) -> Vec<StageRecord> {
        self.records
    }
}
