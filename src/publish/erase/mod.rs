//! Erasure (Art. 17 GDPR): some customers are taken out of everything below the output directory, and a search tells whether anything is left.
//!
//! | what                                   | is                                                                          |
//! |----------------------------------------|-----------------------------------------------------------------------------|
//! | runs, `measured-…`, `failed`           | gone through file by file; manifests name the new bytes, rows and hashes, how |
//! |                                        | many rows were erased and when, and nobody's id                              |
//! | `.partial-…` and files beside files    | removed: nobody finishes them any more                                       |
//! | what klientel did not write            | left alone, but searched                                                    |
//!
//! The models of archived runs hold no ids and stay: the next run is fitted without the customers. `O(bytes)` of all runs, twice.

mod files;
mod records;
mod search;
mod wanted;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::staging::{FAILED, PARTIAL, Pointer, entries, is_ours};
use super::{OutputLock, PublishError};
use crate::campaign::target::Target;
use crate::table::Fingerprint;
use crate::units::Day;
use files::{Form, collect, erase_csv, erase_parquet, replace};

pub use files::rows_of;
pub use wanted::Wanted;

/// Ends the name of a file in the making.
const BESIDE: &str = ".erasing";

const MANIFEST: &str = "manifest.json";

/// Folder of the campaign files in a run.
const CAMPAIGNS: &str = "campaigns";

/// Table of a run that says what stands for whom.
const PSEUDONYMS: &str = "pseudonyms.csv";

/// What an erasure did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Runs and other directories in which something stood.
    pub directories: usize,
    pub files: usize,
    pub rows: u64,
}

/// Takes customers out of everything that was written, and searches what is there for what may be left.
///
/// `day` is written down beside the number of rows.
///
/// # Errors
/// Fails where a file cannot be read or rewritten, and where something is left.
pub fn erase(lock: &OutputLock, mut wanted: Wanted, n_customers: usize, day: Day) -> Result<Erased, PublishError> {
    let directories = directories(lock.directory())?;
    let outputs: Vec<Outputs> = directories.iter().map(|directory| Outputs::of(directory)).collect::<Result<_, _>>()?;
    // An address of one run may stand as a hash in another; what stands for an id comes first, because addresses are found by it.
    for is_campaign in [false, true] {
        let all = outputs.iter().flat_map(|outputs| &outputs.files);
        for (path, form) in all.filter_map(|(path, form)| Some((path, (*form)?))) {
            match (form, is_campaign) {
                (Form::Table, false) if path.ends_with(PSEUDONYMS) => collect(path, form, &mut wanted)?,
                (Form::Campaign(_), true) => collect(path, form, &mut wanted)?,
                _ => {}
            }
        }
    }
    let mut erased = Erased::default();
    for outputs in &outputs {
        let mut changed = Vec::new();
        for (path, form) in &outputs.files {
            let n_rows = match form {
                Some(form) => erase_csv(path, *form, &wanted)?,
                None => erase_parquet(path, &wanted)?,
            };
            if n_rows > 0 {
                changed.push((path.clone(), n_rows));
            }
        }
        erased.directories += usize::from(!changed.is_empty());
        erased.files += changed.len();
        erased.rows += changed.iter().map(|(_, rows)| rows).sum::<u64>();
        outputs.write_down(&changed, n_customers, day)?;
    }
    search::nothing_is_left(lock.directory(), &outputs, &wanted)?;
    Ok(erased)
}

/// Returns everything that klientel made; removes what an interrupted run left.
fn directories(output: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let mut found = Vec::new();
    for name in entries(output)? {
        let path = output.join(&name);
        if name.starts_with(PARTIAL) {
            fs::remove_dir_all(&path).map_err(PublishError::io("remove", &path))?;
        } else if [Pointer::Latest, Pointer::Measured].iter().any(|pointer| is_ours(&name, *pointer))
            || (name == FAILED && path.join(super::REASON).exists())
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// A directory with its tables; a file without a form is Parquet.
struct Outputs {
    directory: PathBuf,
    manifest: Option<Value>,
    files: Vec<(PathBuf, Option<Form>)>,
}

impl Outputs {
    fn of(directory: &Path) -> Result<Self, PublishError> {
        let path = directory.join(MANIFEST);
        let manifest = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            bytes => {
                let bytes = bytes.map_err(PublishError::io("read", &path))?;
                let manifest: Option<Value> = serde_json::from_slice(&bytes).ok().filter(Value::is_object);
                Some(manifest.ok_or(PublishError::Manifest { path })?)
            }
        };
        let mut files = Vec::new();
        for path in files_below(directory)? {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.to_string_lossy().ends_with(BESIDE) {
                fs::remove_file(&path).map_err(PublishError::io("remove", &path))?;
                continue;
            }
            match ending {
                "parquet" => files.push((path, None)),
                "csv" => {
                    let form = form(directory, &path, manifest.as_ref());
                    files.push((path, Some(form)));
                }
                _ => {}
            }
        }
        Ok(Self { directory: directory.to_owned(), manifest, files })
    }

    /// Returns how the rows of a file tell whose they are, where it is a table of this directory.
    fn form_of(&self, path: &Path) -> Option<Form> {
        self.files.iter().find(|(file, _)| file == path).and_then(|(_, form)| *form)
    }

    /// Brings the manifest up to what the files hold now.
    fn write_down(&self, changed: &[(PathBuf, u64)], n_customers: usize, day: Day) -> Result<(), PublishError> {
        let Some(mut manifest) = self.manifest.clone().filter(|_| !changed.is_empty()) else { return Ok(()) };
        for (path, n_rows) in changed {
            let below = path.strip_prefix(&self.directory).unwrap_or(path).to_string_lossy().replace('\\', "/");
            let outputs = manifest["outputs"].as_array_mut().into_iter().flatten();
            for output in outputs.filter(|output| output["path"] == below.as_str()) {
                let mut fingerprint = Fingerprint::default();
                let failed = |error| PublishError::io("read", path)(error);
                let mut file = fs::File::open(path).map_err(failed)?;
                output["bytes"] = std::io::copy(&mut file, &mut fingerprint).map_err(failed)?.into();
                output["sha256"] = fingerprint.digits().into();
                if let Some(before) = output["rows"].as_u64() {
                    output["rows"] = before.saturating_sub(*n_rows).into();
                }
            }
        }
        let rows: u64 = changed.iter().map(|(_, rows)| rows).sum();
        let record = json!({ "on": day.to_string(), "customers": n_customers, "files": changed.len(), "rows": rows });
        match manifest["erasures"].as_array_mut() {
            Some(before) => before.push(record),
            None => manifest["erasures"] = json!([record]),
        }
        let path = self.directory.join(MANIFEST);
        let text = format!("{manifest:#}\n");
        replace(&path, |to| to.write_all(text.as_bytes()).map_err(PublishError::io("write", &path)))
    }
}

/// Tells what a CSV file is: those of campaigns are as their targets take them.
fn form(directory: &Path, path: &Path, manifest: Option<&Value>) -> Form {
    let below = path.strip_prefix(directory).unwrap_or(path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    // No name of a campaign holds an underscore.
    let name = stem.split('_').next().unwrap_or_default();
    let campaigns = manifest.and_then(|manifest| manifest["campaigns"].as_array()).into_iter().flatten();
    let target = campaigns.filter(|campaign| campaign["name"] == name).find_map(|campaign| campaign["target"].as_str());
    match target.and_then(Target::named).filter(|_| below.starts_with(CAMPAIGNS)) {
        Some(target) => Form::Campaign(target),
        None => Form::Table,
    }
}

/// Lists the files below a directory, links apart.
fn files_below(directory: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let (mut found, mut folders) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |error| PublishError::io("read", &folder)(error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(PublishError::io("read", &folder))?;
            let kind = entry.file_type().map_err(PublishError::io("read", &folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
