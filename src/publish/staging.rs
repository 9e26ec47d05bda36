//! A run in the making: files with their hashes, then one rename.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::staged_file::{Hashing, StagedFile};
use super::{OutputLock, PublishError, csv, parquet};
use crate::scores::frame::Frame;
use crate::units::Day;

pub(super) const PARTIAL: &str = ".partial-";
pub(super) const FAILED: &str = "failed";

/// Name of the file under `failed/` that says why.
pub const REASON: &str = "reason.txt";

/// What readers follow to the newest of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    /// Runs.
    Latest,
    /// Measurements of campaigns.
    Measured,
}

impl Pointer {
    /// Returns what follows a directory of this name.
    fn of(run: &str) -> Self {
        if run.starts_with(Self::Measured.prefix()) { Self::Measured } else { Self::Latest }
    }

    /// Returns its name in the output directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Measured => "measured",
        }
    }

    /// Returns what the names of the directories that it points at begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Latest => "",
            Self::Measured => "measured-",
        }
    }
}

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
        check_pointer(&directory.join(Pointer::of(run).name()))?;
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
    pub fn write_table(&self, name: &str, table: &Frame<'_>) -> Result<[OutputFile; 2], PublishError> {
        let (parquet, csv) = rayon::join(
            || self.write_parquet(&format!("{name}.parquet"), table),
            || self.write_csv(&format!("{name}.csv"), table),
        );
        Ok([parquet?, csv?])
    }

    /// Writes a table as one Parquet file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_parquet(&self, path: &str, table: &Frame<'_>) -> Result<OutputFile, PublishError> {
        let full = self.partial.join(path);
        let failed = |error| match parquet::io_error(error) {
            Ok(source) => PublishError::io("write", &full)(source),
            Err(source) => PublishError::Table { path: full.clone(), source },
        };
        self.write(path, Some(table.height()), |to| parquet::write(table, to).map_err(failed))
    }

    /// Writes a table as one CSV file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_csv(&self, path: &str, table: &Frame<'_>) -> Result<OutputFile, PublishError> {
        let full = self.partial.join(path);
        self.write(path, Some(table.height()), |to| csv::write(table, to).map_err(PublishError::io("write", &full)))
    }

    /// Writes a table as one CSV file that nobody but its owner can read.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_csv_for_owner(&self, path: &str, table: &Frame<'_>) -> Result<OutputFile, PublishError> {
        let mut file = self.start_file(path, true)?;
        csv::write(table, &mut file.to).map_err(PublishError::io("write", &file.full))?;
        file.finish(Some(table.height()))
    }

    /// Writes a text file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub fn write_text(&self, path: &str, text: &str) -> Result<OutputFile, PublishError> {
        let full = self.partial.join(path);
        self.write(path, None, |to| to.write_all(text.as_bytes()).map_err(PublishError::io("write", &full)))
    }

    fn write(
        &self,
        path: &str,
        rows: Option<usize>,
        write: impl FnOnce(&mut Hashing) -> Result<(), PublishError>,
    ) -> Result<OutputFile, PublishError> {
        let mut file = self.start_file(path, false)?;
        write(&mut file.to)?;
        file.finish(rows)
    }

    /// Starts a file that is written piece by piece; `owner_only` keeps it from everybody else on the machine.
    ///
    /// # Errors
    /// Fails where the file cannot be created.
    pub(super) fn start_file(&self, path: &str, owner_only: bool) -> Result<StagedFile, PublishError> {
        let full = self.partial.join(path);
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(PublishError::io("create", parent))?;
        }
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        keep_to_owner(&mut options, owner_only);
        StagedFile::create(path, full, &options)
    }

    /// Gives a finished file another name.
    ///
    /// # Errors
    /// Fails where the rename is refused.
    pub(super) fn rename(&self, file: OutputFile, path: &str) -> Result<OutputFile, PublishError> {
        let (from, to) = (self.full(&file.path), self.full(path));
        fs::rename(from, &to).map_err(PublishError::io("write", &to))?;
        Ok(OutputFile { path: path.to_owned(), ..file })
    }

    /// Returns where a file lies until it is published.
    pub(super) fn full(&self, path: &str) -> PathBuf {
        self.partial.join(path)
    }

    /// Makes the directory a run by one rename and points `latest` at it.
    ///
    /// # Errors
    /// Fails where the rename is refused; nothing is visible then. What fails after it says that the run is published.
    pub fn publish(self, run: &str) -> Result<PathBuf, PublishError> {
        let lock = self.lock;
        let published = self.publish_as(run, Pointer::Latest)?;
        let removed = remove_failed(lock.directory());
        removed.map_err(|error| PublishError::AfterPublishing { run: run.to_owned(), source: Box::new(error) })?;
        Ok(published)
    }

    /// Does the same for what another pointer follows; the evidence of a failed run stays. A directory of this name makes way.
    ///
    /// # Errors
    /// As [`Staging::publish`].
    pub fn publish_as(mut self, run: &str, pointer: Pointer) -> Result<PathBuf, PublishError> {
        let directory = self.lock.directory();
        let published = directory.join(run);
        sync_directory(&self.partial);
        let before = published.exists().then(|| set_aside(directory, run)).transpose()?;
        if let Err(error) = fs::rename(&self.partial, &published) {
            // Best effort: what was there is there again.
            let _ = before.map(|before| fs::rename(before, &published));
            return Err(PublishError::io("publish", &published)(error));
        }
        self.published = true;
        point(self.lock, run, pointer)?;
        if let Some(before) = before {
            let removed = fs::remove_dir_all(&before).map_err(PublishError::io("remove", &before));
            removed.map_err(|error| PublishError::AfterPublishing { run: run.to_owned(), source: Box::new(error) })?;
        }
        Ok(published)
    }

    /// Keeps the directory as the evidence of a failed run, in place of that of the last one.
    ///
    /// # Errors
    /// Fails where the rename is refused.
    pub fn keep_as_failed(mut self) -> Result<PathBuf, PublishError> {
        let failed = self.lock.directory().join(FAILED);
        remove_failed(self.lock.directory())?;
        // Evidence is for who runs this, and nobody follows a pointer to it.
        keep_folder_to_owner(&self.partial).map_err(PublishError::io("write", &failed))?;
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

/// Points `latest` at a complete run and removes the evidence of a failed one.
///
/// # Errors
/// Fails where either is refused; the run itself is there.
pub fn make_latest(lock: &OutputLock, run: &str) -> Result<(), PublishError> {
    point(lock, run, Pointer::Latest)?;
    let after = |error: PublishError| PublishError::AfterPublishing { run: run.to_owned(), source: Box::new(error) };
    remove_failed(lock.directory()).map_err(after)
}

fn point(lock: &OutputLock, run: &str, pointer: Pointer) -> Result<(), PublishError> {
    let directory = lock.directory();
    let after = |error: PublishError| PublishError::AfterPublishing { run: run.to_owned(), source: Box::new(error) };
    point_at(directory, run, pointer.name()).map_err(after)?;
    sync_directory(directory);
    Ok(())
}

/// Returns the directory of the newest run in an output directory, whether or not it is there; to read what no run changes, no lock is needed.
pub fn newest_run(output: &Path) -> PathBuf {
    let pointer = Pointer::Latest.name();
    if cfg!(unix) {
        return output.join(pointer);
    }
    let run = fs::read_to_string(output.join(format!("{pointer}.txt")));
    output.join(run.map_or_else(|_| pointer.to_owned(), |run| run.trim().to_owned()))
}

/// Returns what is there of what a pointer follows, the newest first by time of publishing.
///
/// # Errors
/// Fails where the directory cannot be read.
pub fn published(directory: &Path, pointer: Pointer) -> Result<Vec<PathBuf>, PublishError> {
    let names = entries(directory)?.into_iter().filter(|name| is_ours(name, pointer));
    let dated = names.filter_map(|name| {
        let path = directory.join(name);
        let manifest = fs::metadata(path.join("manifest.json")).ok()?;
        Some((manifest.modified().ok(), path))
    });
    let mut dated: Vec<_> = dated.collect();
    dated.sort();
    Ok(dated.into_iter().rev().map(|(_, path)| path).collect())
}

/// Removes all but the newest `keep` of what a pointer follows, by time of publishing; never the one just published, and nothing that is not ours.
///
/// # Errors
/// Fails where a directory cannot be read or removed; the run just published is there.
pub fn prune(lock: &OutputLock, pointer: Pointer, keep: usize, just_published: &str) -> Result<usize, PublishError> {
    let after = |error| PublishError::AfterPublishing { run: just_published.to_owned(), source: Box::new(error) };
    let surplus = surplus(lock, pointer, keep, just_published).map_err(after)?;
    for name in &surplus {
        let aside = set_aside(lock.directory(), name).map_err(after)?;
        fs::remove_dir_all(&aside).map_err(PublishError::io("remove", &aside)).map_err(after)?;
    }
    Ok(surplus.len())
}

/// Hides a directory by one rename, so that nobody takes what is left of it for a run where its removal is interrupted; the next run removes it.
fn set_aside(directory: &Path, name: &str) -> Result<PathBuf, PublishError> {
    let (path, aside) = (directory.join(name), directory.join(format!("{PARTIAL}removed-{name}")));
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(PublishError::io("remove", &aside))?;
    }
    fs::rename(&path, &aside).map_err(PublishError::io("remove", &path))?;
    Ok(aside)
}

/// Returns what [`prune`] removes once a run is published, or would remove before it is.
///
/// # Errors
/// Fails where a directory cannot be read.
pub fn surplus(lock: &OutputLock, pointer: Pointer, keep: usize, published: &str) -> Result<Vec<String>, PublishError> {
    let directory = lock.directory();
    let mut runs = Vec::new();
    for name in entries(directory)? {
        let manifest = directory.join(&name).join("manifest.json");
        if let (true, Ok(meta)) = (name != published && is_ours(&name, pointer), fs::metadata(&manifest)) {
            runs.push((meta.modified().ok(), name));
        }
    }
    runs.sort();
    runs.truncate((runs.len() + 1).saturating_sub(keep.max(1)));
    Ok(runs.into_iter().map(|(_, name)| name).collect())
}

/// Says whether a name is that of a kind, as-of, hyphen and eight hexadecimal digits: nothing else in the directory is ours to remove.
pub(super) fn is_ours(name: &str, pointer: Pointer) -> bool {
    let Some(name) = name.strip_prefix(pointer.prefix()) else { return false };
    name.split_at_checked(10).is_some_and(|(day, rest)| {
        let fingerprint = rest.strip_prefix('-').unwrap_or_default();
        Day::parse_iso(day).is_some() && fingerprint.len() == 8 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// Removes `failed/` where it is ours: it then holds a reason.
fn remove_failed(directory: &Path) -> Result<(), PublishError> {
    let failed = directory.join(FAILED);
    if failed.join(REASON).exists() {
        fs::remove_dir_all(&failed).map_err(PublishError::io("remove", &failed))?;
    }
    Ok(())
}

/// Checks before anything is written that a pointer is free or ours.
#[cfg(unix)]
fn check_pointer(path: &Path) -> Result<(), PublishError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_symlink() => Err(PublishError::PointerTaken(path.to_owned())),
        _ => Ok(()),
    }
}

/// Checks nothing: the pointer is a file of its own name.
#[cfg(not(unix))]
fn check_pointer(_path: &Path) -> Result<(), PublishError> {
    Ok(())
}

pub(super) fn entries(directory: &Path) -> Result<Vec<String>, PublishError> {
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
fn point_at(directory: &Path, run: &str, name: &str) -> Result<(), PublishError> {
    let (next, latest) = (directory.join(format!(".{name}")), directory.join(name));
    let _ = fs::remove_file(&next);
    std::os::unix::fs::symlink(run, &next).map_err(PublishError::io("write", &next))?;
    fs::rename(&next, &latest).map_err(PublishError::io("replace", &latest))
}

/// Replaces the pointer that readers follow: a text file where links need privileges.
#[cfg(not(unix))]
fn point_at(directory: &Path, run: &str, name: &str) -> Result<(), PublishError> {
    let (next, latest) = (directory.join(format!(".{name}")), directory.join(format!("{name}.txt")));
    fs::write(&next, run).map_err(PublishError::io("write", &next))?;
    fs::rename(&next, &latest).map_err(PublishError::io("replace", &latest))
}

fn sync_directory(path: &Path) {
    // Not every file system can sync a directory; the rename is atomic all the same.
    let _ = File::open(path).and_then(|directory| directory.sync_all());
}

/// Lets nobody but the owner read or write a new file.
#[cfg(unix)]
pub(super) fn keep_to_owner(options: &mut fs::OpenOptions, owner_only: bool) {
    use std::os::unix::fs::OpenOptionsExt;
    if owner_only {
        options.mode(0o600);
    }
}

/// Does nothing: who may read a file is inherited from its folder.
#[cfg(not(unix))]
pub(super) fn keep_to_owner(_options: &mut fs::OpenOptions, _owner_only: bool) {}

/// Lets nobody but the owner look into a folder.
#[cfg(unix)]
fn keep_folder_to_owner(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Does nothing: who may look into a folder is inherited from its own.
#[cfg(not(unix))]
fn keep_folder_to_owner(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runs_are_taken_for_runs() {
        for (name, expected) in [
            ("2026-06-30-1f2e3d4c", true),
            ("2026-06-31-1f2e3d4c", false),
            ("2026-06-30-notes", false),
            ("webapp", false),
            ("latest", false),
            ("äöüäöüäöü", false),
        ] {
            assert_eq!(is_ours(name, Pointer::Latest), expected, "{name}");
            assert_eq!(is_ours(&format!("measured-{name}"), Pointer::Measured), expected, "{name}");
            assert!(!is_ours(name, Pointer::Measured) && !is_ours(&format!("measured-{name}"), Pointer::Latest));
        }
    }
}
