//! Which files a table is made of: paths and glob patterns, in ascending order of the file name.
//!
//! The order decides which export is the later one where two disagree, so it must not depend on the file system. A file that
//! is named twice is there twice. Only what the pipeline writes is a pattern, never the name of the folder that it counts from.

use std::path::{Component, Path, PathBuf};

use super::IngestError;

/// Finds the files of a table; relative patterns count from `folder`.
///
/// # Errors
/// Fails where a pattern is invalid, matches nothing, or matches nothing but directories.
pub(super) fn resolve(table: &'static str, folder: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, IngestError> {
    let mut files = Vec::new();
    for pattern in patterns {
        // A name with brackets in it is first of all a name.
        let path = folder.join(pattern);
        if path.is_dir() {
            return Err(IngestError::Directory { file: without_detours(&path) });
        }
        if path.exists() {
            files.push(path);
        } else {
            files.extend(matches(table, folder, pattern)?);
        }
    }
    if files.is_empty() {
        return Err(IngestError::NoFile { table, pattern: String::new() });
    }
    files.sort_by(|a, b| (a.file_name(), a).cmp(&(b.file_name(), b)));
    Ok(files.into_iter().map(shortened).collect())
}

fn matches(table: &'static str, folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, IngestError> {
    let below = PathBuf::from(glob::Pattern::escape(&folder.to_string_lossy())).join(pattern);
    let found = glob::glob(&below.to_string_lossy()).map_err(|error| IngestError::BadPattern {
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
        (true, Some(path)) => Err(IngestError::Directory { file: without_detours(&path) }),
        (true, None) => {
            let pattern = without_detours(&folder.join(pattern)).display().to_string();
            Err(IngestError::NoFile { table, pattern })
        }
    }
}

/// Leaves detours out of the path of a file, unless a link among the folders makes it another file.
fn shortened(path: PathBuf) -> PathBuf {
    let short = without_detours(&path);
    let is_same = || matches!((short.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if short != path && is_same() { short } else { path }
}

/// Writes a path without detours: `pipelines/../data` is `data`.
pub fn without_detours(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { PathBuf::from(".") } else { parts.iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and patterns count from `folder`, which is the first part of every name.
    fn check_in(folder: &str, names: &[&str], patterns: &[&str], expected: Result<&[&str], &str>) {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let found = resolve("transactions", &dir.path().join(folder), &patterns).map_err(|error| error.code());
        let expected = expected.map(|names| names.iter().map(|name| dir.path().join(name)).collect());
        assert_eq!(found, expected);
    }

    fn check(names: &[&str], patterns: &[&str], expected: Result<&[&str], &str>) {
        check_in("", names, patterns, expected);
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

    #[test]
    fn the_name_of_the_folder_is_no_pattern() {
        for folder in ["br[1]", "a*", "b?", "c[", "d]"] {
            let [one, two, other] = ["lines1.csv", "lines2.csv", "li[1].csv"]
                .map(|name| Path::new(folder).join(name).display().to_string());
            let names = [one.as_str(), &two, &other, "br1/lines3.csv", "ax/lines4.csv", "data/lines5.csv"];
            check_in(folder, &names, &["lines*.csv"], Ok(&names[..2]));
            check_in(folder, &names, &["li[1].csv"], Ok(&names[2..3]));
            check_in(folder, &names, &["../data/*.csv"], Ok(&names[5..]));
            check_in(folder, &names, &["x*.csv"], Err("K0301"));
        }
    }

    #[test]
    fn a_whole_path_counts_from_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.csv");
        std::fs::write(&file, "x").unwrap();
        for pattern in ["a.csv", "*.csv"] {
            let pattern = dir.path().join(pattern).display().to_string();
            assert_eq!(resolve("transactions", Path::new("elsewhere"), &[pattern]).unwrap(), [file.as_path()]);
        }
    }

    #[test]
    fn paths_are_shown_without_detours() {
        check_in("pipelines", &["pipelines/x", "data/a.csv"], &["../data/a.csv"], Ok(&["data/a.csv"]));
        let error = resolve("transactions", Path::new("pipelines"), &["../data/a*.csv".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("`data/a*.csv`"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_detour_through_a_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        let [home, away] = ["home", "away/inner"].map(|name| dir.path().join(name));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::create_dir_all(&away).unwrap();
        std::os::unix::fs::symlink(&away, home.join("link")).unwrap();
        std::fs::write(dir.path().join("away/a.csv"), "x").unwrap();
        let found = resolve("transactions", &home.join("link"), &["../a.csv".to_owned()]).unwrap();
        assert_eq!(found, [home.join("link/../a.csv")]);
    }
}
