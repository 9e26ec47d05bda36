//! The lock of an output directory: the kernel releases it when the process ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::PublishError;

/// Holds the output directory for one run; dropping it lets the next one in.
#[derive(Debug)]
pub struct OutputLock {
    directory: PathBuf,
    file: File,
}

impl OutputLock {
    /// Creates the directory if need be and takes its lock without waiting.
    ///
    /// # Errors
    /// Fails with [`PublishError::Locked`] where another run holds it, or where the directory cannot be written.
    pub fn take(directory: &Path) -> Result<Self, PublishError> {
        fs::create_dir_all(directory).map_err(PublishError::io("create output directory", directory))?;
        let path = directory.join(".lock");
        let file = File::create(&path).map_err(PublishError::io("write", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), file }),
            Err(TryLockError::WouldBlock) => Err(PublishError::Locked(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(PublishError::io("lock", &path)(source)),
        }
    }

    /// Returns the locked directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for OutputLock {
    fn drop(&mut self) {
        // Closing the file alone leaves the lock to a process that was forked in this moment and has not yet started its program.
        let _ = self.file.unlock();
    }
}
