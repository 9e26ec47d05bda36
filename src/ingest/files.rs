//! Which files a table is made of: paths and glob patterns, in ascending order of the file name.
//!
//! The order decides which export is the later one where two disagree, so it must not depend on the file system. A file that
//! is named twice is there twice.

use std::path::{Path, PathBuf};

use super::IngestError;

/// Finds the files of a table.
///
/// # Errors
/// Fails where a pattern is invalid, matches nothing, or matches nothing but directories.
pub(super) fn resolve(table: &'static str, patterns: &[String]) -> Result<Vec<PathBuf>, IngestError> {
    let mut files = Vec::new();
    for pattern in patterns {
        // A name with brackets in it is first of all a name.
        let path = Path::new(pattern);
        if path.is_dir() {
            return Err(IngestError::Directory { file: path.to_owned() });
        }
        if path.exists() {
            files.push(path.to_owned());
        } else {
            files.extend(matches(table, pattern)?);
        }
    }
    if files.is_empty() {
        return Err(IngestError::NoFile { table, pattern: String::new() });
    }
    files.sort_by(|a, b| (a.file_name(), a).cmp(&(b.file_name(), b)));
    Ok(files)
}

fn matches(table: &'static str, pattern: &str) -> Result<Vec<PathBuf>, IngestError> {
    let found = glob::glob(pattern).map_err(|error| IngestError::BadPattern {
        table,
        pattern: pattern.to_owned(),
        message: error.msg.to_owned(),
    })?;
    let (mut files, mut directory) = (Vec::new(), None);
    for path in found {
        let path = path.map_err(|error| IngestError::Unreadable {
            file: error.path().to_owned(),
            cause: std::io::Error::new(error.error().kind(), error.error().to_string()),
        })?;
        if path.is_dir() { directory = Some(path) } else { files.push(path) }
    }
    match (files.is_empty(), directory) {
        (false, _) => Ok(files),
        (true, Some(file)) => Err(IngestError::Directory { file }),
        (true, None) => Err(IngestError::NoFile { table, pattern: pattern.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], patterns: &[&str], expected: Result<&[&str], &str>) {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let patterns: Vec<String> = patterns.iter().map(|p| dir.path().join(p).display().to_string()).collect();
        let found = resolve("transactions", &patterns).map_err(|error| error.code());
        let expected = expected.map(|names| names.iter().map(|name| dir.path().join(name)).collect());
        assert_eq!(found, expected);
    }

    #[test]
    fn files_come_by_name_and_as_often_as_named() {
        check(&["b/1.csv", "a/2.csv"], &["*/*.csv"], Ok(&["b/1.csv", "a/2.csv"]));
        check(&["a.csv"], &["a.csv", "*.csv"], Ok(&["a.csv", "a.csv"]));
        check(&["a[1].csv"], &["a[1].csv"], Ok(&["a[1].csv"]));
        check(&["a.csv"], &["b*.csv"], Err("K0301"));
        check(&["a.csv"], &["a[.csv"], Err("K0301"));
        check(&["a/1.csv"], &["a"], Err("K0302"));
        check(&["a/1.csv"], &["?"], Err("K0302"));
        check(&["a.csv"], &[], Err("K0301"));
    }
}
