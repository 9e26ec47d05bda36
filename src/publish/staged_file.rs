//! A file of a run in the making, hashed while it is written, so that the manifest says what stands in it. `O(bytes)`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::PublishError;
use super::staging::OutputFile;
use crate::table::Fingerprint;

/// A file in the making.
pub(super) struct StagedFile {
    path: String,
    pub full: PathBuf,
    pub to: Hashing,
}

impl StagedFile {
    /// Starts a file; `path` is what the manifest calls it.
    ///
    /// # Errors
    /// Fails where it cannot be created.
    pub fn create(path: &str, full: PathBuf, options: &OpenOptions) -> Result<Self, PublishError> {
        let file = options.open(&full).map_err(PublishError::io("write", &full))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let to = Hashing { file, fingerprint: Fingerprint::default(), bytes: 0 };
        Ok(Self { path: path.to_owned(), full, to })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Fails where they cannot be written.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        self.to.write_all(bytes).map_err(PublishError::io("write", &self.full))
    }

    /// Returns how many bytes were added.
    pub fn bytes(&self) -> u64 {
        self.to.bytes
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// Fails where it cannot be written.
    pub fn finish(self, rows: Option<usize>) -> Result<OutputFile, PublishError> {
        let finish = |to: BufWriter<File>| to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data();
        finish(self.to.file).map_err(PublishError::io("write", &self.full))?;
        Ok(OutputFile { path: self.path, rows, bytes: self.to.bytes, sha256: self.to.fingerprint.digits() })
    }
}

/// A file that hashes what goes into it.
pub(super) struct Hashing {
    file: BufWriter<File>,
    fingerprint: Fingerprint,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.fingerprint.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
