//! The ingest cache: what was read of a transaction file is kept, so that a folder of daily exports costs one new file a night.
//!
//! An entry is found by the content of the file, by how the pipeline says it is to be read, and by the version of this program. A file
//! that has not changed since the last run by size and times (and inode, where there are any) is not even hashed again. Entries
//! prove themselves whole; a damaged one is made anew. The oldest ones go when there are more bytes than allowed.
//!
//! Nothing here can fail a run: what cannot be kept is read again next time. Entries hold ids of customers and products, never names
//! or addresses.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::file::{Job, ParsedFile, sha256_of_file};
use super::lines::PackedPart;
use super::read::Parse;
use super::readings::Stated;
use super::{IngestError, cache_entry};
use crate::table::Fingerprint;

const INDEX: &str = "index.json";
const ENTRY: &str = "lines";
const TEMPORARY: &str = "new";

/// What the cache did in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheReport {
    /// Files that were not read again.
    pub hits: u64,
    /// Files that were read.
    pub misses: u64,
    /// Entries that were not whole, and were made anew.
    pub damaged: u64,
    /// Bytes of all entries at the end.
    pub bytes: u64,
    /// Why something could not be kept.
    pub problem: Option<String>,
}

/// What is known of files and entries.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    /// Number of the run that wrote this.
    run: u64,
    /// By path.
    files: BTreeMap<String, Known>,
    /// By name of the entry.
    entries: BTreeMap<String, Entry>,
}

/// A file as it was when it was hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    stamp: Stamp,
    sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified: u128,
    changed: i128,
    inode: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    /// Number of the run that last needed it.
    used: u64,
}

/// Keeps what was read.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    max_bytes: u64,
    /// Files that changed since then may have changed unnoticed.
    written: Option<SystemTime>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    index: Index,
    report: CacheReport,
}

impl Cache {
    /// Opens the cache in a directory, or starts one that is made when there is something to keep.
    pub fn open(directory: &Path, max_bytes: u64) -> Self {
        let path = directory.join(INDEX);
        let index = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
        let written = index.as_ref().and_then(|_| path.metadata().ok()?.modified().ok());
        let mut index = index.unwrap_or_default();
        index.run += 1;
        let state = Mutex::new(State { index, report: CacheReport::default() });
        Self { directory: directory.to_owned(), max_bytes, written, state }
    }

    /// Returns what is kept of a file, or reads it and keeps it.
    ///
    /// # Errors
    /// Fails where the file cannot be read as a whole.
    pub(super) fn parse(
        &self,
        job: &Job<'_>,
        path: &Path,
        stated: &Stated,
        parse: &Parse<'_, PackedPart>,
    ) -> Result<ParsedFile<PackedPart>, IngestError> {
        let stamp = stamp(path);
        if let Some(sha256) = self.sha256_of(path, stamp.as_ref())? {
            let name = entry_name(job, stated, &sha256);
            if let Some(file) = self.entry(&name, job, path) {
                job.progress(file.report.bytes);
                self.remember(path, stamp, &sha256);
                return Ok(file);
            }
        }
        let file = parse(job, path, stated)?;
        self.keep(&entry_name(job, stated, &file.report.sha256), &file);
        self.remember(path, stamp, &file.report.sha256);
        self.with(|state| state.report.misses += 1);
        Ok(file)
    }

    /// Returns the hash of a file's content, if there can be an entry for it.
    fn sha256_of(&self, path: &Path, stamp: Option<&Stamp>) -> Result<Option<String>, IngestError> {
        let (known, is_empty) = self
            .with(|state| (state.index.files.get(&*path.to_string_lossy()).cloned(), state.index.entries.is_empty()));
        if is_empty {
            return Ok(None);
        }
        let is_settled = || {
            // A change in the tick in which the index was written could go unnoticed.
            let modified = path.metadata().ok()?.modified().ok()?;
            Some(self.written?.duration_since(modified).is_ok_and(|since| since.as_secs() >= 2))
        };
        match known {
            Some(known) if Some(&known.stamp) == stamp && is_settled() == Some(true) => Ok(Some(known.sha256)),
            _ => sha256_of_file(path).map(Some),
        }
    }

    fn entry(&self, name: &str, job: &Job<'_>, path: &Path) -> Option<ParsedFile<PackedPart>> {
        if !self.with(|state| state.index.entries.contains_key(name)) {
            return None;
        }
        let bytes = fs::read(self.directory.join(name).with_extension(ENTRY)).unwrap_or_default();
        match cache_entry::get(&bytes, job.spec, path) {
            Ok(file) => {
                self.with(|state| {
                    let run = state.index.run;
                    state.index.entries.entry(name.to_owned()).and_modify(|entry| entry.used = run);
                    state.report.hits += 1;
                });
                Some(file)
            }
            Err(_) => {
                self.with(|state| {
                    state.index.entries.remove(name);
                    state.report.damaged += 1;
                });
                None
            }
        }
    }

    fn keep(&self, name: &str, file: &ParsedFile<PackedPart>) {
        let bytes = cache_entry::put(file);
        let n_bytes = bytes.len() as u64;
        let fits = self.with(|state| {
            let run = state.index.run;
            let in_use: u64 = state.index.entries.values().filter(|e| e.used == run).map(|e| e.bytes).sum();
            in_use + n_bytes <= self.max_bytes
        });
        if !fits {
            let problem = "the cache is too small for all files of this run".to_owned();
            self.with(|state| state.report.problem.get_or_insert(problem).truncate(200));
            return;
        }
        match self.write(&self.directory.join(name).with_extension(ENTRY), &bytes) {
            Ok(()) => self.with(|state| {
                let entry = Entry { bytes: n_bytes, used: state.index.run };
                state.index.entries.insert(name.to_owned(), entry);
            }),
            Err(cause) => self.with(|state| {
                state.report.problem.get_or_insert_with(|| format!("cannot write to the cache: {cause}"));
            }),
        }
    }

    fn remember(&self, path: &Path, stamp: Option<Stamp>, sha256: &str) {
        if let Some(stamp) = stamp {
            let known = Known { stamp, sha256: sha256.to_owned() };
            self.with(|state| state.index.files.insert(path.to_string_lossy().into_owned(), known));
        }
    }

    /// Removes what is too much and not needed by this run, and writes down what is there.
    pub fn finish(self) -> CacheReport {
        let mut state = std::mem::take(&mut *self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let mut by_age: Vec<(u64, String, u64)> =
            state.index.entries.iter().map(|(name, entry)| (entry.used, name.clone(), entry.bytes)).collect();
        by_age.sort();
        let mut bytes: u64 = by_age.iter().map(|(_, _, bytes)| bytes).sum();
        for (used, name, entry_bytes) in by_age {
            if bytes <= self.max_bytes || used == state.index.run {
                break;
            }
            // What cannot be removed is no entry any more, and tried again by nobody: a file of the user's to see.
            let _ = fs::remove_file(self.directory.join(&name).with_extension(ENTRY));
            state.index.entries.remove(&name);
            bytes -= entry_bytes;
        }
        state.report.bytes = bytes;
        // A file that is no longer there needs no memory.
        state.index.files.retain(|path, _| Path::new(path).exists());
        let index = serde_json::to_vec(&state.index).expect("an index has text keys only");
        let is_new = !state.index.entries.is_empty() || self.directory.exists();
        if let Some(cause) = is_new.then(|| self.write(&self.directory.join(INDEX), &index).err()).flatten() {
            state.report.problem.get_or_insert_with(|| format!("cannot write to the cache: {cause}"));
        }
        state.report
    }

    /// Writes a file so that it is there as a whole or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let temporary = path.with_extension(TEMPORARY);
        fs::write(&temporary, bytes)?;
        fs::rename(&temporary, path)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // A thread that panicked left counts and entries behind that are each right.
        work(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Names an entry by everything that decides what is read of a file.
fn entry_name(job: &Job<'_>, stated: &Stated, sha256: &str) -> String {
    let source = job.source;
    let mut fingerprint = Fingerprint::default();
    fingerprint.update(format!("{}\n{sha256}\n{}\n{}\n", env!("CARGO_PKG_VERSION"), job.spec.name, job.part_bytes));
    fingerprint
        .update(format!("{:?} {:?} {:?} {:?}\n{stated:?}", source.format, source.columns, source.csv, source.formats));
    fingerprint.digits()[..32].to_owned()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = path.metadata().ok()?;
    let modified = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
    let (changed, inode) = change_and_inode(&meta);
    Some(Stamp { bytes: meta.len(), modified, changed, inode })
}

#[cfg(unix)]
fn change_and_inode(meta: &fs::Metadata) -> (i128, u64) {
    use std::os::unix::fs::MetadataExt;
    (i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()), meta.ino())
}

#[cfg(not(unix))]
fn change_and_inode(_meta: &fs::Metadata) -> (i128, u64) {
    (0, 0)
}
