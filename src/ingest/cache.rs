//! The ingest cache: what was read of a transaction file is kept, so that a folder of daily exports costs one new file a night.
//!
//! An entry is found by the content of the file, by how the pipeline says it is to be read, and by the version of this program. A file
//! that has not changed since the last run by size and times (and inode, where there are any) is not even hashed again. Entries
//! prove themselves whole; a damaged one is made anew. The oldest ones go when there are more bytes than allowed, and those of files that
//! are gone.
//!
//! Nothing here can fail a run: what cannot be kept is read again next time. Entries hold what the lines hold, by customer id; rows that
//! were rejected are not among it, and are read again from the file. Lines of customers who object are taken out before a file is kept, and an
//! entry is made anew where somebody has begun or ceased to object: it says who that was by HMAC-SHA-256 with the random key in `key`, which is for its
//! owner alone; without that key no entry counts. A file with lines of somebody who was erased is not kept: it is read every
//! night until the export is clean.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::cache_entry::EntryError;
use super::file::{Job, ParsedFile, sha256_of_file};
use super::lines::{Barred, PackedPart};
use super::read::Parse;
use super::readings::Stated;
use super::{IngestError, cache_entry};
use crate::table::{Fingerprint, Key};

const INDEX: &str = "index.json";
const ENTRY: &str = "lines";
const TEMPORARY: &str = "new";

/// What tells who objects in an entry, beside the entries.
const KEY: &str = "key";
const KEY_BYTES: usize = 32;

/// An empty file whose time is that of the beginning of the last run.
const STARTED: &str = "started";

/// Raised whenever the same bytes would be read differently than before, within one version of the program.
const READING: u32 = 1;

/// A file changed later than this before a run may change again without a sign: clocks of file systems tick in up to two seconds.
const SETTLED_NANOS: u128 = 2_500_000_000;

/// Bytes that are read or written at once.
const BUFFER: usize = 1 << 20;

/// What the cache did in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheReport {
    /// Files that were not read again.
    pub hits: u64,
    /// Entries that were not whole, and were made anew.
    pub damaged: u64,
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
    /// Says whether the file had been left alone long enough when it was hashed that any later change shows in its stamp.
    is_settled: bool,
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
    /// The file that it was last needed for.
    path: String,
}

/// Keeps what was read.
#[derive(Debug)]
pub struct Cache<'a> {
    directory: PathBuf,
    max_bytes: u64,
    /// Who must not be in any entry.
    barred: &'a Barred<'a>,
    /// Nothing where there is none and none can be made.
    key: Option<Key>,
    /// Who objects, by keyed fingerprint, as soon as an entry asks for it.
    objecting: OnceLock<HashMap<String, String>>,
    /// When this run began, by the clock of the file system; nothing where the directory cannot be written.
    started: Option<SystemTime>,
    /// Makes the names of files in the making unique.
    n_written: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    index: Index,
    /// Files of this run, and whether all that was needed of them was kept.
    files: BTreeMap<PathBuf, bool>,
    damaged: u64,
    problem: Option<String>,
}

impl<'a> Cache<'a> {
    /// Opens the cache in a directory, or starts one.
    pub fn open(directory: &Path, max_bytes: u64, barred: &'a Barred<'a>) -> Self {
        let index =
            || fs::read(directory.join(INDEX)).ok().and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
        let (key, index, problem) = match read_key(directory) {
            Some(key) => (Some(key), index().unwrap_or_default(), None),
            // Entries that were written with another key, or with none, are swept.
            None => match make_key(directory) {
                Ok(key) => (Some(key), Index::default(), None),
                Err(cause) => (None, Index::default(), Some(format!("cannot write to the cache: {cause}"))),
            },
        };
        let mut index = index;
        index.run = index.run.saturating_add(1);
        index.entries.retain(|name, _| is_entry_name(name));
        let mark = directory.join(STARTED);
        let marked = create_for_owner(directory).and_then(|()| fs::write(&mark, b"")).and_then(|()| mark.metadata());
        Self {
            directory: directory.to_owned(),
            max_bytes,
            barred,
            key,
            objecting: OnceLock::new(),
            started: marked.and_then(|meta| meta.modified()).ok(),
            n_written: AtomicU64::new(0),
            state: Mutex::new(State { index, problem, ..State::default() }),
        }
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
                self.with(|state| *state.files.entry(path.to_owned()).or_insert(true));
                return Ok(file);
            }
        }
        let file = parse(job, path, stated)?;
        // What changed while it was read may not be what its hash says.
        if stamp.is_some() && stamp == self::stamp(path) {
            self.keep(&entry_name(job, stated, &file.report.sha256), &file);
            self.remember(path, stamp, &file.report.sha256);
        }
        self.with(|state| state.files.insert(path.to_owned(), false));
        Ok(file)
    }

    /// Returns the hash of a file's content, if there can be an entry for it.
    fn sha256_of(&self, path: &Path, stamp: Option<&Stamp>) -> Result<Option<String>, IngestError> {
        let (known, is_empty) = self
            .with(|state| (state.index.files.get(&*path.to_string_lossy()).cloned(), state.index.entries.is_empty()));
        match known {
            _ if is_empty => Ok(None),
            Some(known) if known.is_settled && Some(&known.stamp) == stamp => Ok(Some(known.sha256)),
            _ => sha256_of_file(path).map(Some),
        }
    }

    /// Returns who objects, by what entries hold of them.
    fn objecting(&self) -> &HashMap<String, String> {
        self.objecting.get_or_init(|| self.key.as_ref().map(|key| self.barred.objecting_by(key)).unwrap_or_default())
    }

    fn entry(&self, name: &str, job: &Job<'_>, path: &Path) -> Option<ParsedFile<PackedPart>> {
        if !self.with(|state| state.index.entries.contains_key(name)) {
            return None;
        }
        let open = || File::open(self.directory.join(name).with_extension(ENTRY)).map_err(EntryError::Io);
        match open().and_then(|entry| cache_entry::read(BufReader::with_capacity(BUFFER, entry), job.spec, path)) {
            Ok(mut file) => {
                let is_of_now = self.barred.agrees_with(&mut file.report, &file.parts, || self.objecting());
                if !is_of_now {
                    self.with(|state| state.index.entries.remove(name));
                    return None;
                }
                self.with(|state| {
                    let (used, path) = (state.index.run, path.to_string_lossy().into_owned());
                    let entry = state.index.entries.entry(name.to_owned());
                    entry.and_modify(|entry| (entry.used, entry.path) = (used, path));
                });
                Some(file)
            }
            Err(_) => {
                self.with(|state| {
                    state.index.entries.remove(name);
                    state.damaged += 1;
                });
                None
            }
        }
    }

    fn keep(&self, name: &str, file: &ParsedFile<PackedPart>) {
        let Some(key) = self.key.as_ref().filter(|_| file.report.taken_out.of_erased.is_empty()) else { return };
        let n_bytes = file.parts.iter().map(PackedPart::bytes).sum::<usize>() as u64;
        let fits = self.with(|state| {
            let run = state.index.run;
            let in_use: u64 = state.index.entries.values().filter(|e| e.used == run).map(|e| e.bytes).sum();
            in_use + n_bytes <= self.max_bytes
        });
        if !fits {
            self.with(|state| {
                state.problem.get_or_insert("the cache is too small for all files of this run".to_owned()).len()
            });
            return;
        }
        match self.write(&self.directory.join(name).with_extension(ENTRY), |to| cache_entry::write(file, key, to)) {
            Ok(bytes) => self.with(|state| {
                let path = file.report.path.to_string_lossy().into_owned();
                let entry = Entry { bytes, used: state.index.run, path };
                state.index.entries.insert(name.to_owned(), entry);
            }),
            Err(cause) => self.with(|state| {
                state.problem.get_or_insert_with(|| format!("cannot write to the cache: {cause}"));
            }),
        }
    }

    fn remember(&self, path: &Path, stamp: Option<Stamp>, sha256: &str) {
        let Some(stamp) = stamp else { return };
        let started = self.started.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let last_change = u128::try_from(stamp.changed).unwrap_or(0).max(stamp.modified);
        let is_settled = started.is_some_and(|started| last_change + SETTLED_NANOS <= started.as_nanos());
        let known = Known { stamp, sha256: sha256.to_owned(), is_settled };
        self.with(|state| state.index.files.insert(path.to_string_lossy().into_owned(), known));
    }

    /// Removes what is too much or belongs to a file that is gone, and writes down what is there.
    pub fn finish(self) -> CacheReport {
        let mut state = std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner));
        // A file that is no longer there needs no memory, and its lines may have been removed for a reason.
        state.index.files.retain(|path, _| Path::new(path).exists());
        let run = state.index.run;
        state.index.entries.retain(|_, entry| entry.used == run || Path::new(&entry.path).exists());
        let mut by_age: Vec<(u64, String, u64)> =
            state.index.entries.iter().map(|(name, entry)| (entry.used, name.clone(), entry.bytes)).collect();
        by_age.sort();
        let mut bytes: u64 = by_age.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, name, entry_bytes) in by_age {
            if bytes <= self.max_bytes {
                break;
            }
            state.index.entries.remove(&name);
            bytes -= entry_bytes;
        }
        self.sweep(&state.index);
        let index = serde_json::to_vec(&state.index).expect("an index has text keys only");
        if let Err(cause) = self.write(&self.directory.join(INDEX), |to| to.write_all(&index)) {
            state.problem.get_or_insert_with(|| format!("cannot write to the cache: {cause}"));
        }
        let hits = state.files.values().filter(|was_kept| **was_kept).count() as u64;
        CacheReport { hits, damaged: state.damaged, problem: state.problem }
    }

    /// Removes the entries that the index does not name, and what was never finished; nothing that is not ours by its name.
    fn sweep(&self, index: &Index) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_surplus = match (path.file_stem().and_then(OsStr::to_str), path.extension().and_then(OsStr::to_str))
            {
                (Some(name), Some(ENTRY)) => is_entry_name(name) && !index.entries.contains_key(name),
                (_, Some(TEMPORARY)) => true,
                _ => false,
            };
            if is_surplus {
                // What cannot be removed is tried again next time.
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Writes a file so that it is there as a whole or not at all; returns its size.
    fn write(&self, path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<u64> {
        create_for_owner(&self.directory)?;
        let number = self.n_written.fetch_add(1, Ordering::Relaxed);
        let temporary = self.directory.join(format!("{}-{number}.{TEMPORARY}", std::process::id()));
        let mut to = BufWriter::with_capacity(BUFFER, File::create(&temporary)?);
        let written = write(&mut to).and_then(|()| to.into_inner().map_err(io::IntoInnerError::into_error)?.metadata());
        let renamed = written.and_then(|meta| fs::rename(&temporary, path).map(|()| meta.len()));
        if renamed.is_err() {
            // Best effort: the next entry of this name overwrites it.
            let _ = fs::remove_file(&temporary);
        }
        renamed
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // A thread that panicked left counts and entries behind that are each right.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Creates the directory where it is not there, for the owner alone: entries say who bought what.
fn create_for_owner(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    directory.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Reads the key of a cache.
fn read_key(directory: &Path) -> Option<Key> {
    fs::read(directory.join(KEY)).ok().filter(|bytes| bytes.len() == KEY_BYTES).map(|bytes| Key::new(&bytes))
}

/// Makes a key of random bytes, for the owner alone.
fn make_key(directory: &Path) -> io::Result<Key> {
    create_for_owner(directory)?;
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let beside = directory.join(format!("{}-{KEY}.{TEMPORARY}", std::process::id()));
    // What an interrupted run left may be readable by others.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&beside, directory.join(KEY))?;
    Ok(Key::new(&bytes))
}

/// Removes everything that a cache keeps in a directory, and nothing that is not its own by its name; returns how many files there were.
///
/// # Errors
/// Fails where the directory cannot be read, or a file in it cannot be removed.
pub fn clear(directory: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut n_removed = 0;
    for entry in entries {
        let path = entry?.path();
        let is_own = match (path.file_stem().and_then(OsStr::to_str), path.extension().and_then(OsStr::to_str)) {
            (Some(name), Some(ENTRY)) => is_entry_name(name),
            (_, Some(TEMPORARY)) => true,
            _ => path.file_name().is_some_and(|name| name == INDEX || name == STARTED || name == KEY),
        };
        if is_own {
            fs::remove_file(&path)?;
            n_removed += 1;
        }
    }
    Ok(n_removed)
}

/// Says whether a name is 32 hexadecimal digits: nothing else in the directory is ours to read or remove.
fn is_entry_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Names an entry by everything that decides what is read of a file.
fn entry_name(job: &Job<'_>, stated: &Stated, sha256: &str) -> String {
    let source = job.source;
    let mut fingerprint = Fingerprint::default();
    let version = env!("CARGO_PKG_VERSION");
    fingerprint.update(format!("{version} {READING}\n{sha256}\n{}\n{}\n", job.spec.name, job.part_bytes));
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
