//! Runs the analyses as a small graph: whatever waits for nothing runs side by side.

use std::time::Instant;

use rayon::prelude::*;

use crate::analysis::{Analysis, AnalysisError, Base, Findings};

/// Findings of one analysis and the seconds it took.
pub type Timed = (&'static str, f64);

/// Findings of each analysis by its name.
pub type Found = Vec<(&'static str, Findings)>;

/// Runs all analyses, each after those it builds on; returns their findings in the order given.
///
/// # Errors
/// Returns the first error in the order given.
///
/// # Panics
/// Panics if analyses wait for each other in a circle or for one that is not there: the pipeline check rules both out.
pub fn run_all(analyses: &[Box<dyn Analysis>], base: &Base<'_>) -> Result<(Found, Vec<Timed>), AnalysisError> {
    let mut done: Found = Vec::new();
    let mut timings: Vec<Timed> = Vec::new();
    let mut waiting: Vec<&dyn Analysis> = analyses.iter().map(Box::as_ref).collect();
    while !waiting.is_empty() {
        let is_done = |name: &&'static str| done.iter().any(|(finished, _)| finished == name);
        let (ready, later): (Vec<&dyn Analysis>, Vec<&dyn Analysis>) =
            waiting.into_iter().partition(|analysis| analysis.after().iter().all(is_done));
        assert!(!ready.is_empty(), "analyses wait for each other or for one that does not run");
        let results: Vec<(&'static str, f64, Result<Findings, AnalysisError>)> = ready
            .into_par_iter()
            .map(|analysis| {
                let start = Instant::now();
                let findings = analysis.run(base, &done);
                (analysis.name(), start.elapsed().as_secs_f64(), findings)
            })
            .collect();
        for (name, seconds, findings) in results {
            timings.push((name, seconds));
            done.push((name, findings?));
        }
        waiting = later;
    }
    let order = |name: &str| analyses.iter().position(|analysis| analysis.name() == name);
    done.sort_by_key(|(name, _)| order(name));
    timings.sort_by_key(|(name, _)| order(name));
    Ok((done, timings))
}
