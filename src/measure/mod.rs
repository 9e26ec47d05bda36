//! What campaigns earned: every group against its control group, by everybody who was drawn into it.
//!
//! ```text
//! responses                    ─▶ outcomes of the export                 ─┐
//! assignments + transactions   ─▶ conversion, revenue, margin of a window ─┴▶ trials ─▶ readings ─▶ table, sentences
//!                                                                        └▶ responses.csv, which the next run learns uplift from
//! ```
//!
//! | module       | what it holds                                                                |
//! |--------------|------------------------------------------------------------------------------|
//! | `trial`      | a campaign: groups, customers, what came of them                             |
//! | `window`     | what a customer bought in a span of days                                     |
//! | `effect`     | Welch's difference, Fieller's lift, CUPED                                    |
//! | `lot`        | the same where few customers decide: Fisher, Newcombe, arms drawn again      |
//! | `sample`     | the sample ratio, how many customers are needed                              |
//! | `reading`    | all comparisons of all campaigns, and their verdicts                         |
//! | `sentence`   | a comparison in words                                                        |
//! | `notes`      | what a reader must know of a campaign                                        |
//! | `plan`       | how many customers the next campaign needs                                   |
//! | `tables`     | what is written                                                              |
//!
//! Nothing of it depends on the order of rows or the number of threads.

pub mod effect;
mod error;
mod lot;
mod notes;
mod plan;
mod reading;
pub mod sample;
mod sentence;
mod tables;
mod trial;
mod window;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::publish::{OutputLock, Pointer, Staging, prune};
use crate::run::{InputRecord, Job, Loaded, Observer, Surroundings, load};
use crate::scores::frame::Frame;
use crate::table::Fingerprint;
use crate::units::{Day, Language};

pub use error::MeasureError;
pub use plan::{Planned, plan};
pub use reading::{Ratio, Reading, Verdict};
pub use sentence::{figure, of_ratio};
pub use trial::{Arm, Source, Trial};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The only campaign that is shown; all where there is none.
    pub campaign: Option<String>,
    /// The only group that is a control group; without it, those of the pipeline or of usual names.
    pub control: Option<String>,
    /// Days after the assignment whose purchases count.
    pub days: u32,
    /// What was known before, to take noise out.
    pub prior: Option<Prior>,
    /// Effect that the needed customers are for.
    pub effect: Effect,
    /// Planned shares by group.
    pub shares: Vec<(String, f64)>,
    /// Says that all groups were to be equally large.
    pub equal_shares: bool,
    /// Language of the sentences.
    pub language: Language,
}

/// What was known of a customer before the assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prior {
    /// Revenue in that many days.
    Days(u32),
    /// An attribute of the responses.
    Column(String),
}

/// An effect to plan for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Share of the control mean.
    Relative(f64),
    /// Money or other units a customer.
    Absolute(f64),
    /// Percentage points of customers.
    Points(f64),
}

impl Default for Effect {
    /// A tenth of the control mean.
    fn default() -> Self {
        Self::Relative(0.1)
    }
}

impl Effect {
    /// Returns the effect in the unit of an outcome; one of another unit stands for the default.
    pub fn of(self, is_share: bool, control: Option<f64>) -> Option<f64> {
        let relative = |share: f64| control.filter(|mean| *mean > 0.0).map(|mean| share * mean);
        match (self, is_share) {
            (Self::Relative(share), _) => relative(share),
            (Self::Absolute(value), false) => Some(value),
            (Self::Points(points), true) => Some(points / 100.0),
            (Self::Absolute(_), true) | (Self::Points(_), false) => Self::default().of(is_share, control),
        }
    }
}

impl Request {
    fn is_control(&self, arm: &str, by_name: bool) -> bool {
        self.control.as_ref().map_or(by_name, |control| control == arm)
    }

    fn share(&self, arm: &str) -> Option<f64> {
        self.shares.iter().find(|(name, _)| name == arm).map(|(_, share)| *share)
    }

    fn shares_by_hand(&self) -> bool {
        self.equal_shares || !self.shares.is_empty()
    }
}

/// What was found.
#[derive(Debug)]
pub struct Measurement {
    /// Where it was written.
    pub directory: PathBuf,
    pub as_of: Day,
    pub trials: Vec<Trial>,
    /// One a trial.
    pub ratios: Vec<Ratio>,
    /// Every group and outcome of the trials in their order.
    pub readings: Vec<Reading>,
    /// One a reading; nothing of control groups.
    pub sentences: Vec<Option<String>>,
    pub notes: Vec<String>,
    /// The same as written down.
    pub manifest: Value,
}

/// Measures the campaigns of a pipeline and writes table and responses beside the runs.
///
/// # Errors
/// Returns why nothing was measured or written.
pub fn measure(
    mut job: Job,
    request: &Request,
    surroundings: Surroundings,
    observer: &dyn Observer,
) -> Result<Measurement, MeasureError> {
    if job.responses.is_none() && job.assignments.is_none() {
        return Err(MeasureError::Nothing);
    }
    if job.assignments.is_some() && job.transactions.is_none() {
        return Err(MeasureError::NoTransactions);
    }
    leave_out(&mut job);
    let lock = OutputLock::take(&job.output)?;
    let loaded = load(&job, surroundings, observer)?;
    let mut notes = loaded.notes.clone();
    let all = trials(&loaded, request, &mut notes)?;
    let responses = loaded.assignments.as_ref().and_then(|assigned| tables::responses(&all, assigned));
    let shown = shown(all, request)?;
    notes.extend(shown.iter().filter_map(|trial| notes::open(trial, request, loaded.data.as_of)));
    notes.extend(shown.iter().filter_map(notes::gone));
    notes.extend(shown.iter().filter_map(|trial| notes::cost(trial, &job.settings.campaigns)));
    let ratios: Vec<Ratio> = shown.iter().map(|trial| Ratio::of(trial, request.shares_by_hand())).collect();
    notes.extend(shown.iter().zip(&ratios).filter_map(|(trial, ratio)| notes::ratio(trial, *ratio)));
    let readings = reading::read(&shown, &ratios, request.effect);
    let n_compared =
        |trial: usize| readings.iter().filter(|reading| reading.trial == trial && reading.decisive().is_some()).count();
    let most = (0..shown.len()).map(n_compared).max().unwrap_or(0);
    if most > 1 {
        notes.push(format!(
            "up to {most} comparisons of a campaign were made at once: `p_adjusted` is the p-value after Holm's correction for those of its campaign"
        ));
    }
    if request.prior.is_some() && readings.iter().all(|reading| reading.cuped.is_none()) {
        notes.push("what was known before tells no customer from another: nothing is taken out".to_owned());
    }
    let sentences: Vec<Option<String>> = readings
        .iter()
        .map(|reading| sentence::sentence(reading, n_compared(reading.trial), request.language))
        .collect();
    let table = tables::measure(&shown, &ratios, &readings, &sentences, request);

    let id = id(&job, request, &loaded);
    let staging = Staging::start(&lock, &id)?;
    let mut files = staging.write_table("measure", &Frame::new(&table))?.to_vec();
    if let Some(responses) = &responses {
        files.extend(staging.write_table("responses", &Frame::new(responses))?);
    }
    let manifest = json!({
        "klientel_version": env!("CARGO_PKG_VERSION"),
        "pipeline_sha256": job.pipeline_sha256,
        "as_of": loaded.data.as_of.to_string(),
        "request": tables::request(request),
        "inputs": loaded.inputs.iter().map(input).collect::<Vec<_>>(),
        "readings": tables::readings(&table),
        "outputs": files.iter().map(|file| json!({ "path": file.path, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256 })).collect::<Vec<_>>(),
        "notes": notes,
    });
    staging.write_text("manifest.json", &format!("{manifest:#}\n"))?;
    let directory = staging.publish_as(&id, Pointer::Measured)?;
    prune(&lock, Pointer::Measured, job.keep_runs, &id)?;
    Ok(Measurement { directory, as_of: loaded.data.as_of, trials: shown, ratios, readings, sentences, notes, manifest })
}

/// Takes out of a job what is not measured.
fn leave_out(job: &mut Job) {
    job.contracts = None;
    job.baskets = None;
    job.contacts = None;
    job.invoices = None;
    job.campaigns.clear();
}

/// Returns all campaigns, those of assignments first.
fn trials(loaded: &Loaded, request: &Request, notes: &mut Vec<String>) -> Result<Vec<Trial>, MeasureError> {
    let assigned = loaded.assignments.as_ref();
    let mut trials = assigned.map_or_else(Vec::new, |assigned| trial::of_assignments(assigned, &loaded.data, request));
    let Some(responses) = &loaded.data.responses else { return Ok(trials) };
    for trial in trial::of_responses(responses, &loaded.data, request)? {
        if trials.iter().any(|other| trial::is_of(&other.campaign, &trial.campaign)) {
            notes.push(format!(
                "campaign `{}` stands in assignments and responses: it is measured by the purchases after the assignment",
                trial.campaign
            ));
        } else {
            trials.push(trial);
        }
    }
    Ok(trials)
}

/// Returns the campaigns that are asked for.
fn shown(mut shown: Vec<Trial>, request: &Request) -> Result<Vec<Trial>, MeasureError> {
    let known: Vec<String> = shown.iter().map(|trial| trial.campaign.clone()).collect();
    shown.retain(|trial| request.campaign.as_ref().is_none_or(|name| trial::is_of(&trial.campaign, name)));
    if let (true, Some(asked)) = (shown.is_empty(), &request.campaign) {
        return Err(MeasureError::UnknownCampaign { asked: asked.clone(), known });
    }
    let mut arms: Vec<String> = shown.iter().flat_map(|trial| &trial.arms).map(|arm| arm.name.clone()).collect();
    arms.sort_unstable();
    arms.dedup();
    if let Some((asked, _)) = request.shares.iter().find(|(name, _)| !arms.contains(name)) {
        return Err(MeasureError::UnknownArm { asked: asked.clone(), arms });
    }
    if !shown.iter().any(Trial::has_control) {
        return Err(MeasureError::NoControl { asked: request.control.clone(), arms });
    }
    Ok(shown)
}

/// Names a measurement by what decides it.
fn id(job: &Job, request: &Request, loaded: &Loaded) -> String {
    let mut hash = Fingerprint::default();
    hash.update(format!("{}\n{}\n{request:?}\n", env!("CARGO_PKG_VERSION"), job.pipeline_sha256));
    for record in &loaded.inputs {
        hash.update(format!("{} {}\n", record.table, record.sha256));
    }
    format!("{}{}-{}", Pointer::Measured.prefix(), loaded.data.as_of, &hash.digits()[..8])
}

fn input(record: &InputRecord) -> Value {
    json!({ "table": record.table, "path": record.path, "rows": record.rows, "rejected": record.rejected, "sha256": record.sha256 })
}
