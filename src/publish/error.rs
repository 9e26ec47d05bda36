//! Why a run could not be published.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::scores::frame::FrameError;

/// What went wrong while locking, writing or renaming.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another run works on the same output directory.
    #[error("another run holds the lock of output directory `{0}`")]
    Locked(PathBuf),
    /// The operating system refused.
    #[error("cannot {action} `{path}`: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// Something that is not ours stands where the pointer to the newest run belongs.
    #[error("`{0}` is not a link that klientel made")]
    PointerTaken(PathBuf),
    /// The run is there, but what comes after publishing failed.
    #[error("run `{run}` is published, but {source}")]
    AfterPublishing { run: String, source: Box<PublishError> },
    /// What stands in a campaign file is not what was to be written.
    #[error("`{path}` does not read back as it was written: {what} in row {row}")]
    ReadBack { path: PathBuf, what: &'static str, row: usize },
    /// A campaign has a column that its contacts lack.
    #[error("cannot write `{path}`: {source}")]
    Contacts { path: PathBuf, source: FrameError },
    /// Nobody can tell any more who was erased.
    #[error("`{path}` is missing or shorter than 16 bytes, so that nobody can tell who was erased")]
    TombstoneKey { path: PathBuf },
    /// The list of who was erased is gone.
    #[error("`{path}` is missing, though its key is there, so that nobody can tell who was erased")]
    TombstoneList { path: PathBuf },
    /// The list of who was erased is not one.
    #[error("`{path}` is damaged, so that nobody can tell who was erased")]
    Tombstones { path: PathBuf },
    /// A manifest that an erasure has to change is none.
    #[error("`{path}` is no manifest, so that what is erased beside it cannot be written down")]
    Manifest { path: PathBuf },
    /// Something of a customer is left.
    #[error("an erasure left something behind in {n_files} file{}, the first is `{path}`", if *n_files == 1 { "" } else { "s" })]
    NotErased { path: PathBuf, n_files: usize },
    /// A table could not be turned into a file.
    #[error("cannot write `{path}`: {source}")]
    Table { path: PathBuf, source: ParquetError },
}

impl PublishError {
    /// Returns what the user can do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Locked(_) => "wait for the other run to end, or give this one another `[output] directory`".into(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space or give `[output] directory` on another disk; nothing was published".into()
            }
            Self::PointerTaken(_) => {
                "move it away, or give `[output] directory` a folder of its own; nothing was published".into()
            }
            Self::ReadBack { .. } => {
                "run again; if it stays, check the disk, and report this with the pipeline file; nothing was published"
                    .into()
            }
            Self::Contacts { .. } => {
                "please report this with the pipeline file: a checked campaign must fit; nothing was published".into()
            }
            Self::TombstoneKey { .. } | Self::TombstoneList { .. } | Self::Tombstones { .. } => {
                "bring it back from a backup of the output directory; without it the next export may bring back who was erased; nothing was published"
                    .into()
            }
            Self::Manifest { .. } => "remove the damaged run from the output directory, and erase again".into(),
            Self::NotErased { .. } => {
                "the customers are in no output of a later run; look at the file (klientel removes nothing that it did not write), remove it, and erase again".into()
            }
            Self::AfterPublishing { .. } => "the results are complete; mend this before the next run".into(),
            Self::Io { .. } | Self::Table { .. } => {
                "check that `[output] directory` can be written by this user; nothing was published".into()
            }
        }
    }

    /// Returns a function that wraps an error of the operating system.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
