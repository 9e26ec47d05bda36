//! A run in the making: files with their hashes, then one rename.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{OutputLock, PublishError};
use crate::scores::frame::Frame;
use crate::table::Fingerprint;

const PARTIAL: &str = ".partial-";
const LATEST: &str = "latest";
const FAILED: &str = "failed";

/// A file of a run, for the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Path below the run's directory, with `/` on every platform.
    pub path: String,
    /// Data rows; nothing where the file is not a table.
    pub rows: Option<usize>,
    pub bytes: u64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
}

/// A hidden directory that becomes a run by [`Staging::publish`], or goes away when dropped.
#[derive(Debug)]
pub struct Staging<'a> {
    lock: &'a OutputLock,
    partial: PathBuf,
    published: bool,
}

impl<'a> Staging<'a> {
    /// Starts an empty directory and removes what interrupted runs left behind.
    ///
    /// # Errors
    /// Fails where the output directory cannot be written.
    pub fn start(lock: &'a OutputLock, run: &str) -> Result<Self, PublishError> {
        let directory = lock.directory();
        for entry in entries(directory)? {
            if entry.starts_with(PARTIAL) {
                let path = directory.join(entry);
                fs::remove_dir_all(&path).map_err(PublishError::io("remove", &path))?;
            }
        }
        let partial = directory.join(format!("{PARTIAL}{run}"));
        fs::create_dir(&partial).map_err(PublishError::io("create", &partial))?;
        Ok(Self { lock, partial, published: false })
    }

    /// Writes a table as `name.parquet` and `name.csv`, side by side.
    ///
    /// # Errors
    /// Fails where a file cannot be written.
    pub fn write_table(&self, name: &str, table: &Frame) -> Result<[OutputFile; 2], PublishError> {
        let (parquet, csv) = rayon::join(
            || self.write_frame(&format!("{name}.parquet"), table, |to| table.write_parquet(to)),
            || self.write_frame(&format!("{name}.csv"), table, |to| table.write_csv(to)),
        );
        Ok([parquet?, csv?])
    }

    /// Writes a table as one Parquet file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_parquet(&self, path: &str, table: &Frame) -> Result<OutputFile, PublishError> {
        self.write_frame(path, table, |to| table.write_parquet(to))
    }

    /// Writes a table as one CSV file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_csv(&self, path: &str, table: &Frame) -> Result<OutputFile, PublishError> {
        self.write_frame(path, table, |to| table.write_csv(to))
    }

    /// Writes a text file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_text(&self, path: &str, text: &str) -> Result<OutputFile, PublishError> {
        let full = self.partial.join(path);
        self.write(path, None, |to| to.write_all(text.as_bytes()).map_err(PublishError::io("write", &full)))
    }

    fn write_frame(
        &self,
        path: &str,
        table: &Frame,
        write: impl FnOnce(&mut Hashing) -> Result<(), crate::scores::frame::FrameError>,
    ) -> Result<OutputFile, PublishError> {
        let full = self.partial.join(path);
        self.write(path, Some(table.height()), |to| {
            write(to).map_err(|source| PublishError::Table { path: full, source })
        })
    }

    fn write(
        &self,
        path: &str,
        rows: Option<usize>,
        write: impl FnOnce(&mut Hashing) -> Result<(), PublishError>,
    ) -> Result<OutputFile, PublishError> {
        let full = self.partial.join(path);
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(PublishError::io("create", parent))?;
        }
        let file = File::create(&full).map_err(PublishError::io("write", &full))?;
        let mut to =
            Hashing { file: BufWriter::with_capacity(1 << 20, file), fingerprint: Fingerprint::default(), bytes: 0 };
        write(&mut to)?;
        let finish = |to: BufWriter<File>| to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data();
        finish(to.file).map_err(PublishError::io("write", &full))?;
        Ok(OutputFile { path: path.to_owned(), rows, bytes: to.bytes, sha256: to.fingerprint.digits() })
    }

    /// Makes the directory a run by one rename and points `latest` at it.
    ///
    /// # Errors
    /// Fails where the rename is refused; nothing is visible then.
    pub fn publish(mut self, run: &str) -> Result<PathBuf, PublishError> {
        let directory = self.lock.directory();
        let published = directory.join(run);
        sync_directory(&self.partial);
        fs::rename(&self.partial, &published).map_err(PublishError::io("publish", &published))?;
        self.published = true;
        point_latest(directory, run)?;
        sync_directory(directory);
        let failed = failed_directory(directory);
        if failed.exists() {
            fs::remove_dir_all(&failed).map_err(PublishError::io("remove", &failed))?;
        }
        Ok(published)
    }

    /// Keeps the directory as the evidence of a failed run, in place of that of the last one.
    ///
    /// # Errors
    /// Fails where the rename is refused.
    pub fn keep_as_failed(mut self) -> Result<PathBuf, PublishError> {
        let failed = failed_directory(self.lock.directory());
        if failed.exists() {
            fs::remove_dir_all(&failed).map_err(PublishError::io("remove", &failed))?;
        }
        fs::rename(&self.partial, &failed).map_err(PublishError::io("write", &failed))?;
        self.published = true;
        Ok(failed)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: what stays is hidden and the next run removes it.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Returns where the evidence of a failed run lies.
pub fn failed_directory(output: &Path) -> PathBuf {
    output.join(FAILED)
}

/// Removes all but the newest `keep` runs by as-of and time of publishing; never the one just published.
///
/// # Errors
/// Fails where a directory cannot be read or removed.
pub fn prune(lock: &OutputLock, keep: usize, just_published: &str) -> Result<usize, PublishError> {
    let directory = lock.directory();
    let mut runs = Vec::new();
    for name in entries(directory)? {
        let manifest = directory.join(&name).join("manifest.json");
        let is_other = name != LATEST && name != FAILED && name != just_published && !name.starts_with('.');
        if let (true, Ok(meta)) = (is_other, fs::metadata(&manifest)) {
            runs.push((meta.modified().ok(), name));
        }
    }
    runs.sort();
    let surplus = (runs.len() + 1).saturating_sub(keep.max(1));
    for (_, name) in &runs[..surplus] {
        let path = directory.join(name);
        fs::remove_dir_all(&path).map_err(PublishError::io("remove", &path))?;
    }
    Ok(surplus)
}

fn entries(directory: &Path) -> Result<Vec<String>, PublishError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(PublishError::io("read", directory))? {
        let entry = entry.map_err(PublishError::io("read", directory))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Replaces the pointer that readers follow.
#[cfg(unix)]
pub fn point_latest(directory: &Path, run: &str) -> Result<(), PublishError> {
    let (next, latest) = (directory.join(".latest"), directory.join(LATEST));
    let _ = fs::remove_file(&next);
    std::os::unix::fs::symlink(run, &next).map_err(PublishError::io("write", &next))?;
    fs::rename(&next, &latest).map_err(PublishError::io("replace", &latest))
}

/// Replaces the pointer that readers follow: a text file where links need privileges.
#[cfg(not(unix))]
pub fn point_latest(directory: &Path, run: &str) -> Result<(), PublishError> {
    let (next, latest) = (directory.join(".latest"), directory.join("latest.txt"));
    fs::write(&next, run).map_err(PublishError::io("write", &next))?;
    fs::rename(&next, &latest).map_err(PublishError::io("replace", &latest))
}

fn sync_directory(path: &Path) {
    // Not every file system can sync a directory; the rename is atomic all the same.
    let _ = File::open(path).and_then(|directory| directory.sync_all());
}

/// A file that hashes what goes into it.
struct Hashing {
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
