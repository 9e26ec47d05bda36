//! Tombstones in the output directory: who was erased, as keyed fingerprints, readable by the owner alone.
//!
//! ```text
//! out/.tombstones        HMAC-SHA-256 of each id in hexadecimal, one a line, ascending
//! out/.tombstone-key     32 random bytes, written with the first tombstone
//! ```
//!
//! Whoever copies the one without the other learns nobody's id. A list without its key, and a key without its list, stop every run: nobody
//! could tell any more who was erased. The empty list is written before the key, so that an erasure that was interrupted leaves neither.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::{OutputLock, PublishError, keep_to_owner};
use crate::table::{Key, Tombstones};

/// The list.
pub(super) const LIST: &str = ".tombstones";

/// What it was written with.
pub(super) const KEY: &str = ".tombstone-key";

/// Reads who was erased in an output directory.
///
/// # Errors
/// Fails where there is a list, but no key to read it with, or a key without its list, or where the list is damaged.
pub fn read_tombstones(directory: &Path) -> Result<Tombstones, PublishError> {
    let (path, key) = (directory.join(LIST), directory.join(KEY));
    let lines = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound && key.exists() => {
            return Err(PublishError::TombstoneList { path });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Tombstones::default()),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(PublishError::Tombstones { path }),
        lines => lines.map_err(PublishError::io("read", &path))?,
    };
    if lines.is_empty() && !key.exists() {
        // As an erasure leaves it that was interrupted before it had a key.
        return Ok(Tombstones::default());
    }
    let key = fs::read(&key).ok().filter(|key| key.len() >= Key::SHORTEST);
    let key = key.ok_or_else(|| PublishError::TombstoneKey { path: directory.join(KEY) })?;
    Tombstones::read(Key::new(&key), &lines).ok_or(PublishError::Tombstones { path })
}

/// Adds customers to the list; `random` becomes the key where there is none yet.
///
/// # Errors
/// As [`read_tombstones`], and where the list cannot be written.
pub fn add_tombstones(lock: &OutputLock, ids: &[String], random: &[u8; 32]) -> Result<Tombstones, PublishError> {
    let (list, key) = (lock.directory().join(LIST), lock.directory().join(KEY));
    if !list.exists() && !key.exists() {
        write(&list, b"")?;
    }
    if !key.exists() && fs::metadata(&list).is_ok_and(|list| list.len() == 0) {
        write(&key, random)?;
    }
    let mut tombstones = read_tombstones(lock.directory())?;
    tombstones.add(ids.iter().map(String::as_str));
    write(&list, tombstones.to_text().as_bytes())?;
    Ok(tombstones)
}

/// Takes customers off the list; returns how many were on it.
///
/// # Errors
/// As [`read_tombstones`], and where the list cannot be written.
pub fn lift_tombstones(lock: &OutputLock, ids: &[String]) -> Result<usize, PublishError> {
    let mut tombstones = read_tombstones(lock.directory())?;
    let n_lifted = tombstones.lift(ids.iter().map(String::as_str));
    if n_lifted > 0 {
        write(&lock.directory().join(LIST), tombstones.to_text().as_bytes())?;
    }
    Ok(n_lifted)
}

/// Writes a file for the owner alone, as a whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let beside = path.with_extension("new");
    let written = || -> io::Result<()> {
        // What an interrupted run left may be readable by others.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        keep_to_owner(&mut options, true);
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(PublishError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_erased_stays_erased_and_is_for_the_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let lock = OutputLock::take(directory.path()).unwrap();
        assert!(read_tombstones(directory.path()).unwrap().is_empty());
        add_tombstones(&lock, &["K-1".to_owned()], &[1; 32]).unwrap();
        // The key of the first time stays.
        add_tombstones(&lock, &["K-2".to_owned(), "K-1".to_owned()], &[2; 32]).unwrap();
        let read = read_tombstones(directory.path()).unwrap();
        assert!(read.holds("K-1") && read.holds("K-2") && !read.holds("K-3"));
        assert_eq!(fs::read(directory.path().join(KEY)).unwrap(), [1; 32]);
        #[cfg(unix)]
        for name in [LIST, KEY] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(directory.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_file(directory.path().join(KEY)).unwrap();
        assert!(matches!(read_tombstones(directory.path()), Err(PublishError::TombstoneKey { .. })));
        assert!(matches!(add_tombstones(&lock, &[], &[3; 32]), Err(PublishError::TombstoneKey { .. })));
        fs::write(directory.path().join(KEY), [1; 32]).unwrap();
        fs::write(directory.path().join(LIST), "K-1\n").unwrap();
        assert!(matches!(read_tombstones(directory.path()), Err(PublishError::Tombstones { .. })));
        fs::remove_file(directory.path().join(LIST)).unwrap();
        assert!(matches!(read_tombstones(directory.path()), Err(PublishError::TombstoneList { .. })));
        assert!(matches!(add_tombstones(&lock, &[], &[3; 32]), Err(PublishError::TombstoneList { .. })));
    }

    #[test]
    fn a_first_erasure_that_was_interrupted_is_begun_again() {
        let directory = tempfile::tempdir().unwrap();
        let lock = OutputLock::take(directory.path()).unwrap();
        fs::write(directory.path().join(LIST), "").unwrap();
        assert!(read_tombstones(directory.path()).unwrap().is_empty());
        add_tombstones(&lock, &["K-1".to_owned()], &[1; 32]).unwrap();
        assert!(read_tombstones(directory.path()).unwrap().holds("K-1"));
    }

    #[test]
    fn a_tombstone_that_is_lifted_is_gone_and_the_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let lock = OutputLock::take(directory.path()).unwrap();
        add_tombstones(&lock, &["K-1".to_owned(), "K-2".to_owned()], &[1; 32]).unwrap();
        assert_eq!(lift_tombstones(&lock, &["K-1".to_owned(), "K-3".to_owned()]).unwrap(), 1);
        let read = read_tombstones(directory.path()).unwrap();
        assert!(!read.holds("K-1") && read.holds("K-2"));
    }
}
