//! Why a stored model cannot be read.

use std::io;
use std::path::PathBuf;

use super::FORMAT;
use crate::diagnostic::codes;

/// What is wrong with a model file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The operating system refused.
    #[error("cannot read model `{path}`: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// The text is no JSON, or not that of a model.
    #[error("`{path}` is not a model that a run wrote: {reason}")]
    Syntax { path: PathBuf, reason: serde_json::Error },
    /// A later version of the program wrote it.
    #[error("model `{path}` has format {found}, this version of klientel knows formats up to {FORMAT}")]
    Newer { path: PathBuf, found: u64 },
    /// The text is that of a model, but what it says cannot be.
    #[error("model `{path}` is damaged: {reason}")]
    Damaged { path: PathBuf, reason: String },
}

impl StateError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => codes::UNREADABLE_MODEL,
            Self::Syntax { .. } | Self::Damaged { .. } => codes::DAMAGED_MODEL,
            Self::Newer { .. } => codes::NEWER_MODEL,
        }
    }

    /// Returns what the user can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "name a `model.json`, or the directory of a run that holds one, such as `out/latest`",
            Self::Syntax { .. } | Self::Damaged { .. } => {
                "take the file of another run, or run without `--reuse-model` to fit a new one; nothing in it is meant to be edited"
            }
            Self::Newer { .. } => "use the version that wrote it, or run without `--reuse-model` to fit a new one",
        }
    }
}
