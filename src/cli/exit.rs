//! Exit codes: part of the interface, listed in the README.

use std::process::ExitCode;

use klientel::run::FailureKind;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Published, already there, or nothing to object to.
    Ok = 0,
    /// A quality gate failed; nothing was published.
    Gate = 1,
    /// Usage, pipeline or input.
    Input = 2,
    /// The output could not be written.
    Output = 3,
    /// Another run holds the lock.
    Locked = 75,
}

impl Exit {
    /// Returns the code of a failure.
    pub fn of(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Gate => Self::Gate,
            FailureKind::Input => Self::Input,
            FailureKind::Output => Self::Output,
            FailureKind::Locked => Self::Locked,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
