//! Why a run published nothing, and what its exit code says about it.

use std::ops::Range;
use std::path::PathBuf;

use crate::analysis::AnalysisError;
use crate::campaign::split::SplitError;
use crate::diagnostic::{Diagnostic, codes};
use crate::ingest::{AssembleError, IngestError, kebab};
use crate::publish::PublishError;
use crate::scores::frame::FrameError;

/// What ended a run before it published.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A table could not be read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The lines could not be put together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// More rows were rejected than the pipeline allows.
    #[error("{rejected} of {rows} rows of `{table}` were rejected ({share:.2}%), the pipeline allows {allowed:.2}%")]
    TooManyRejects { table: &'static str, rejected: u64, rows: u64, share: f64, allowed: f64 },
    /// A campaign needs a column that the customer export does not have.
    #[error("campaign `{campaign}` needs `{column}`, which the customer export does not have")]
    NoCampaignColumn { campaign: String, column: String },
    /// A segment asks for a column that the customer export does not have.
    #[error("segment `{segment}` asks for `{column}`, which the customer export does not have")]
    NoSegmentColumn { segment: String, column: String, span: Range<usize> },
    /// A condition asks for numbers or dates, and most cells of the column are none.
    #[error("segment `{segment}` asks for {kind} in `{column}`, and {why}")]
    SegmentCells { segment: String, column: String, kind: &'static str, why: String, span: Range<usize> },
    /// What an earlier run drew cannot be used.
    #[error("cannot go on with the draws of an earlier run: `{}`: {why}", path.display())]
    Assignments { path: PathBuf, why: String },
    /// What an earlier run left of its segments cannot be used.
    #[error("cannot compare with the segments of an earlier run: `{}`: {why}", path.display())]
    Memberships { path: PathBuf, why: String },
    /// The suppression list is older than the pipeline allows.
    #[error("the suppression list is {hours} hours old, the pipeline allows {allowed}")]
    StaleSuppressions { hours: u64, allowed: u64 },
    /// Entries of the suppression list name nobody.
    #[error("{why}: whoever they mean would be contacted")]
    UnreadableSuppressions { why: String },
    /// A campaign takes something else for the probability of a response.
    #[error(
        "campaign `{campaign}` takes `{column}` for the probability of a response, which for {n} customers is not between 0 and 1"
    )]
    NoProbability { campaign: String, column: String, n: usize },
    /// An analysis reads an attribute that the customer export does not have.
    #[error("an analysis reads the attribute `{attribute}`, which the customer export does not have")]
    NoAttribute { attribute: String },
    /// The pipeline asks for pseudonyms, and there is no key.
    #[error("cannot read the key of pseudonyms `{}`: {why}", path.display())]
    PseudonymKey { path: PathBuf, why: String },
    /// What is to be erased is the name of a column.
    #[error("`{header}` is the name of a column and no customer id, so that nobody is erased")]
    HeaderAsId { header: String },
    /// An analysis could not run.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// A table could not be computed.
    #[error("cannot select or join: {0}")]
    Frame(#[from] FrameError),
    /// The contacts of a campaign could not be split into files.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A score has moved further from a reused model than the pipeline allows.
    #[error(
        "`{column}` has drifted from the reused model: population stability index {index:.3}, the pipeline allows {allowed}"
    )]
    TooMuchDrift { column: &'static str, index: f64, allowed: f64 },
    /// Nothing could be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What kind of failure an exit code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A quality gate.
    Gate,
    /// The input or what the pipeline asks of it.
    Input,
    /// The output.
    Output,
    /// Another run holds the lock.
    Locked,
}

impl RunError {
    /// Returns the kind that the exit code tells.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::TooManyRejects { .. }
            | Self::TooMuchDrift { .. }
            | Self::StaleSuppressions { .. }
            | Self::UnreadableSuppressions { .. } => FailureKind::Gate,
            Self::Publish(PublishError::Locked(_)) => FailureKind::Locked,
            Self::Publish(_) => FailureKind::Output,
            Self::Ingest(IngestError::Spill { .. })
            | Self::Assemble(AssembleError::Ingest(IngestError::Spill { .. })) => FailureKind::Output,
            _ => FailureKind::Input,
        }
    }

    /// Turns the error into what a user reads.
    pub fn diagnostic(&self) -> Diagnostic {
        let (code, help) = match self {
            Self::Ingest(error) => (error.code(), error.help()),
            Self::Assemble(error) => (error.code(), error.help()),
            Self::TooManyRejects { .. } => (
                codes::TOO_MANY_REJECTS,
                "look at `failed/rejects.parquet` in the output directory; mend the export, or raise `[input] max-reject-share`"
                    .to_owned(),
            ),
            Self::TooMuchDrift { .. } => (
                codes::DRIFT,
                "look at the base; if it is right, run once without `--reuse-model` and reuse the model of that run, or raise \
                 `[quality] max-drift-psi`"
                    .to_owned(),
            ),
            Self::NoCampaignColumn { column, .. } => (
                codes::NO_CAMPAIGN_COLUMN,
                format!(
                    "name its header under `[input.customers.columns]`: `{} = \"…\"`, or leave it out of the campaign",
                    kebab(column)
                ),
            ),
            Self::NoSegmentColumn { column, .. } => (
                codes::NO_SEGMENT_COLUMN,
                format!(
                    "name its header under `[input.customers.columns]`: `{} = \"…\"`, or leave it out of the condition",
                    kebab(column)
                ),
            ),
            Self::Assignments { .. } => (
                codes::ASSIGNMENTS,
                "put the file back as its run wrote it; where an erasure was interrupted, run `klientel erase` again; a new draw would put customers \
                 into the other arm"
                    .to_owned(),
            ),
            Self::Memberships { .. } => (
                codes::MEMBERSHIPS,
                "an erasure that was interrupted leaves it so: begin `klientel erase` again; else put the file back as its run wrote it, or remove the folder of that run: the run is then compared with the one before it".to_owned(),
            ),
            Self::SegmentCells { column, .. } => (
                codes::SEGMENT_CELLS,
                format!("mend the column in the export (decimals such as `1234.50` or `1234,50`, days such as `2026-06-30`), or compare `{column}` with texts"),
            ),
            Self::StaleSuppressions { .. } => (
                codes::STALE_SUPPRESSIONS,
                "export it anew, so that nobody is contacted who has unsubscribed since, or raise `[input.suppressions] max-age`".to_owned(),
            ),
            Self::UnreadableSuppressions { .. } => (
                codes::UNREADABLE_SUPPRESSIONS,
                "mend the list: an address, its SHA-256, a number or a customer id a cell, ids as they stand in the customer export; a column that is none of \
                 them is left out under `[input.suppressions.columns]`"
                    .to_owned(),
            ),
            Self::NoProbability { .. } => (
                codes::NO_PROBABILITY,
                "name a column of probabilities, such as `offer_1_probability`, or the share of all contacts: `response-rate = 0.03`".to_owned(),
            ),
            Self::NoAttribute { attribute } => (
                codes::NO_ATTRIBUTE,
                format!("name its header under `[input.customers.columns]`: `{} = \"…\"`, or leave the attribute out", kebab(attribute)),
            ),
            Self::PseudonymKey { .. } => (
                codes::PSEUDONYM_KEY,
                "name a file with a secret of at least 16 bytes under `[privacy] pseudonym-key`, such as from `openssl rand -hex 32`, and keep it: \
                 with another one no response finds its customer"
                    .to_owned(),
            ),
            Self::HeaderAsId { .. } => (
                codes::ERASURE,
                "leave the header out of the list, and name customer ids as they stand in the exports".to_owned(),
            ),
            Self::Analysis(error) => (codes::ANALYSIS, error.help.clone()),
            Self::Frame(_) => (codes::FRAME, "please report this with the pipeline file: a checked condition must fit".to_owned()),
            Self::Split(_) => (
                codes::TOO_MANY_FILES,
                "split by a column with fewer values, or leave `split-by` out".to_owned(),
            ),
            Self::Publish(error @ PublishError::Locked(_)) => (codes::LOCKED, error.help()),
            Self::Publish(error @ PublishError::AfterPublishing { .. }) => (codes::AFTER_PUBLISHING, error.help()),
            Self::Publish(error @ (PublishError::NotErased { .. } | PublishError::Manifest { .. })) => {
                (codes::ERASURE, error.help())
            }
            Self::Publish(error) => (codes::OUTPUT, error.help()),
        };
        let diagnostic = Diagnostic::error(code, self.to_string()).help(help);
        match self {
            Self::NoSegmentColumn { span, .. } => diagnostic.at(span.clone(), "no column of the customer export"),
            Self::SegmentCells { span, .. } => diagnostic.at(span.clone(), "its cells are something else"),
            _ => diagnostic,
        }
    }
}
