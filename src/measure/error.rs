//! Why nothing was measured, and what to do about it.

use crate::diagnostic::{Diagnostic, codes};
use crate::publish::PublishError;
use crate::run::{FailureKind, RunError};

/// Names in a message, at most.
const MOST_NAMES: usize = 20;

/// What ended a measurement before it was written.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The pipeline reads nothing that a campaign left behind.
    #[error("the pipeline reads neither responses nor assignments, so that there is nothing to measure")]
    Nothing,
    /// Assignments say who was drawn, and not what came of it.
    #[error("the pipeline reads no transactions, so that nobody knows what was bought")]
    NoTransactions,
    /// No campaign has the name that is asked for.
    #[error("there is no campaign `{asked}`")]
    UnknownCampaign { asked: String, known: Vec<String> },
    /// `--shares` names a group that no campaign has.
    #[error("`--shares {asked}=…` names no group of any campaign that is measured")]
    UnknownArm { asked: String, arms: Vec<String> },
    /// No campaign has a control group.
    #[error("{}", match asked { Some(asked) => format!("`{asked}` is no group of any campaign that is measured"), None => "no campaign that is measured has a control group".to_owned() })]
    NoControl { asked: Option<String>, arms: Vec<String> },
    /// What was known before is not there.
    #[error("`--cuped {asked}` asks for what the responses do not say")]
    NoPrior { asked: String },
    /// A plan needs purchases of the past, by enough customers.
    #[error(
        "the base has fewer than two customers who bought before the last {days} days, so that nothing can be planned"
    )]
    NoPast { days: u32 },
    /// The tables could not be read.
    #[error(transparent)]
    Run(Box<RunError>),
}

impl From<RunError> for MeasureError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<PublishError> for MeasureError {
    fn from(error: PublishError) -> Self {
        RunError::from(error).into()
    }
}

impl MeasureError {
    /// Returns the kind that the exit code tells.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Run(error) => error.kind(),
            _ => FailureKind::Input,
        }
    }

    /// Turns the error into what a user reads.
    pub fn diagnostic(&self) -> Diagnostic {
        let help = match self {
            Self::Run(error) => return error.diagnostic(),
            Self::Nothing => {
                "add `[input.assignments.csv]` with the assignments that a run left, or `[input.responses.csv]` with what came of a campaign"
                    .to_owned()
            }
            Self::NoTransactions => "add `[input.transactions.csv]` with `path = \"…\"`".to_owned(),
            Self::UnknownCampaign { known, .. } => format!("the campaigns are {}", names(known)),
            Self::UnknownArm { arms, .. } | Self::NoControl { asked: Some(_), arms } => format!("the groups are {}", names(arms)),
            Self::NoControl { asked: None, arms } => {
                format!("name the group that was not contacted with `--control GROUP`; the groups are {}", names(arms))
            }
            Self::NoPrior { .. } => {
                "name a column of numbers among the `attributes` of `[input.responses]`, or a number of days where the responses have dates and the \
                 pipeline reads transactions"
                    .to_owned()
            }
            Self::NoPast { .. } => "ask for fewer `--days`, or read transactions of a longer time".to_owned(),
        };
        Diagnostic::error(codes::MEASURE, self.to_string()).help(help)
    }
}

fn names(all: &[String]) -> String {
    let shown: Vec<String> = all.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    match all.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
