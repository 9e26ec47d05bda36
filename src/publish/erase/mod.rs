//! Erasure (Art. 17 GDPR): some customers are taken out of everything below the output directory, and a search tells whether anything is left.
//!
//! | what                                   | is                                                                          |
//! |----------------------------------------|-----------------------------------------------------------------------------|
//! | runs, `measured-…`, `failed`           | gone through file by file; manifests name the new bytes, rows and hashes, how |
//! |                                        | many rows were erased and when, and nobody's id                              |
//! | `.partial-…` and files beside files    | removed: nobody finishes them any more                                       |
//! | a file of one value of `split-by` without rows | removed: its name may be all that is left of a person                  |
//! | what klientel did not write            | left alone, but searched                                                    |
//!
//! A manifest is written as soon as the files of its directory are, and once more where its maps change, which go last. Every output that is
//! not as its manifest says is measured and hashed anew, so that an erasure that was interrupted leaves one manifest that is wrong, and not for
//! good. The models of archived runs hold no ids and stay: the next run is fitted without the customers. `O(bytes)` of all runs, twice.

mod files;
mod of_customer;
mod records;
mod search;
mod wanted;

use std::fs::{self, FileType};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::staging::{FAILED, PARTIAL, Pointer, entries, is_ours};
use super::{OutputLock, PublishError};
use crate::campaign::target::Target;
use crate::table::Fingerprint;
use crate::units::Day;
use files::{Form, collect, count_rows, erase_csv, erase_parquet, n_rows_of_parquet, replace};

pub use of_customer::{Record, campaign_rows_of, rows_of, rows_of_parquet};
pub use wanted::Wanted;

/// Ends the name of a file in the making.
const BESIDE: &str = ".erasing";

const MANIFEST: &str = "manifest.json";

/// Folder of the campaign files in a run.
const CAMPAIGNS: &str = "campaigns";

/// Tables of a run that say what stands for whom, and whose the rows of audience files are.
pub const PSEUDONYMS: &str = "pseudonyms.csv";
pub const AUDIENCES: &str = "audiences.csv";
const MAPS: [&str; 2] = [PSEUDONYMS, AUDIENCES];

/// What an erasure did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Runs and other directories in which something stood.
    pub directories: usize,
    pub files: usize,
    pub rows: u64,
    /// Runs that there are, whether or not anything stood in them.
    pub runs: usize,
    /// Customers who were found nowhere.
    pub not_found: usize,
    /// Audience files of runs that do not say whose rows they hold: a hash of an earlier address cannot be told from others.
    pub not_attributed: Vec<PathBuf>,
    /// What cannot be looked into: archives, links.
    pub not_searched: Vec<PathBuf>,
}

/// Takes customers out of everything that was written, and searches what is there for what may be left.
///
/// `day` is written down beside the number of rows. A run whose manifest is damaged is gone through all the same, and the others are as well.
///
/// # Errors
/// Fails where a file cannot be read or rewritten, where something is left, and where a manifest is none.
pub fn erase(lock: &OutputLock, mut wanted: Wanted, n_customers: usize, day: Day) -> Result<Erased, PublishError> {
    let directories = directories(lock.directory())?;
    let mut outputs: Vec<Outputs> =
        directories.iter().map(|directory| Outputs::of(directory)).collect::<Result<_, _>>()?;
    // An address of one run may stand as a hash in another; what stands for an id comes first, because addresses are found by it.
    for is_campaign in [false, true] {
        let all = outputs.iter().flat_map(|outputs| &outputs.files);
        for (path, form) in all.filter_map(|(path, form)| Some((path, (*form)?))) {
            match (form, is_campaign) {
                (Form::Table, false) if is_map(path) => collect(path, form, &mut wanted)?,
                (Form::Campaign(_), true) => collect(path, form, &mut wanted)?,
                _ => {}
            }
        }
    }
    let mut changed: Vec<Vec<(PathBuf, u64)>> = vec![Vec::new(); outputs.len()];
    // Maps last: what they tell must still be there where an erasure is begun again.
    for of_maps in [false, true] {
        for (outputs, changed) in outputs.iter_mut().zip(&mut changed) {
            for (path, form) in outputs.files.iter().filter(|(path, _)| is_map(path) == of_maps) {
                let n_rows = match form {
                    Some(form) => erase_csv(path, *form, &wanted)?,
                    None => erase_parquet(path, &wanted)?,
                };
                if n_rows > 0 {
                    changed.push((path.clone(), n_rows));
                }
            }
            if !of_maps {
                outputs.remove_empty_shares()?;
            }
            // The next run compares itself with files that are as their manifest says: until then it stops.
            outputs.write_down(changed, of_maps, n_customers, day)?;
        }
    }
    let mut erased = Erased { runs: directories.len(), ..Erased::default() };
    for (outputs, changed) in outputs.iter().zip(&changed) {
        erased.directories += usize::from(!changed.is_empty());
        erased.files += changed.len();
        erased.rows += changed.iter().map(|(_, rows)| rows).sum::<u64>();
        erased.not_attributed.extend(outputs.without_map());
    }
    erased.not_searched = search::nothing_is_left(lock.directory(), &outputs, &wanted)?;
    erased.not_found = wanted.n_not_found();
    match outputs.into_iter().find(|outputs| outputs.is_damaged) {
        Some(outputs) => Err(PublishError::Manifest { path: outputs.directory.join(MANIFEST) }),
        None => Ok(erased),
    }
}

/// Says whether a file says what stands for whom.
fn is_map(path: &Path) -> bool {
    MAPS.iter().any(|map| path.ends_with(map))
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
            for path in files_below(&path)?.iter().filter(|path| path.to_string_lossy().ends_with(BESIDE)) {
                fs::remove_file(path).map_err(PublishError::io("remove", path))?;
            }
            found.push(path);
        }
    }
    Ok(found)
}

/// A directory with its tables; a file without a form is Parquet.
struct Outputs {
    directory: PathBuf,
    manifest: Option<Value>,
    /// Says whether there is a manifest that is none.
    is_damaged: bool,
    /// Erasures before this one.
    n_erasures: usize,
    files: Vec<(PathBuf, Option<Form>)>,
}

impl Outputs {
    /// Looks into a directory, and changes nothing in it.
    fn of(directory: &Path) -> Result<Self, PublishError> {
        let path = directory.join(MANIFEST);
        let (manifest, is_damaged) = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => (None, false),
            bytes => {
                let bytes = bytes.map_err(PublishError::io("read", &path))?;
                let manifest: Option<Value> = serde_json::from_slice(&bytes).ok().filter(Value::is_object);
                let is_damaged = manifest.is_none();
                (manifest, is_damaged)
            }
        };
        let mut files = Vec::new();
        for path in files_below(directory)? {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            match ending {
                "parquet" => files.push((path, None)),
                "csv" => {
                    let form = form(directory, &path, manifest.as_ref());
                    files.push((path, Some(form)));
                }
                _ => {}
            }
        }
        let n_erasures = manifest.as_ref().and_then(|manifest| manifest["erasures"].as_array()).map_or(0, Vec::len);
        Ok(Self { directory: directory.to_owned(), manifest, is_damaged, n_erasures, files })
    }

    /// Returns how the rows of a file tell whose they are, where it is a table of this directory.
    fn form_of(&self, path: &Path) -> Option<Form> {
        self.files.iter().find(|(file, _)| file == path).and_then(|(_, form)| *form)
    }

    /// Returns the audience files of a run that does not say whose their rows are.
    fn without_map(&self) -> Vec<PathBuf> {
        if self.directory.join(AUDIENCES).is_file() {
            return Vec::new();
        }
        let has_no_ids = |form: &Option<Form>| matches!(form, Some(form) if form.has_no_ids());
        self.files.iter().filter(|(_, form)| has_no_ids(form)).map(|(path, _)| path.clone()).collect()
    }

    /// Removes the files of single values of `split-by` that have no rows left.
    fn remove_empty_shares(&self) -> Result<(), PublishError> {
        for (path, form) in &self.files {
            let Some(form @ Form::Campaign(_)) = form else { continue };
            let below = path.strip_prefix(&self.directory).unwrap_or(path);
            if is_share(&below.to_string_lossy()) && count_rows(path, *form)? == 0 {
                fs::remove_file(path).map_err(PublishError::io("remove", path))?;
            }
        }
        Ok(())
    }

    /// Brings the manifest up to what the files hold now, the maps or all others; `changed` are all files so far.
    fn write_down(
        &mut self,
        changed: &[(PathBuf, u64)],
        of_maps: bool,
        n_customers: usize,
        day: Day,
    ) -> Result<(), PublishError> {
        let Some(mut manifest) = self.manifest.clone() else { return Ok(()) };
        let mut is_changed = changed.iter().any(|(path, _)| is_map(path) == of_maps);
        if let Some(outputs) = manifest["outputs"].as_array_mut() {
            let before = outputs.len();
            let is_there = |path: &str| self.directory.join(path).exists();
            outputs.retain(|output| output["path"].as_str().is_none_or(|path| is_there(path) || !is_share(path)));
            is_changed |= outputs.len() < before;
            for output in outputs {
                let path = output["path"].as_str().map(|path| self.directory.join(path));
                let Some(path) = path.filter(|path| is_map(path) == of_maps) else { continue };
                let mut fingerprint = Fingerprint::default();
                let failed = |error| PublishError::io("read", &path)(error);
                let mut file = match fs::File::open(&path) {
                    // A run that lacks one of its outputs is made anew; here is nothing to erase.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    file => file.map_err(failed)?,
                };
                let bytes = Value::from(std::io::copy(&mut file, &mut fingerprint).map_err(failed)?);
                let sha256 = Value::from(fingerprint.digits());
                if (&output["bytes"], &output["sha256"]) == (&bytes, &sha256) {
                    continue;
                }
                (output["bytes"], output["sha256"], is_changed) = (bytes, sha256, true);
                if output["rows"].is_u64()
                    && let Some((_, form)) = self.files.iter().find(|(file, _)| *file == path)
                {
                    let n_rows = form.map_or_else(|| n_rows_of_parquet(&path), |form| count_rows(&path, form))?;
                    output["rows"] = n_rows.into();
                }
            }
        }
        if !is_changed {
            return Ok(());
        }
        let rows: u64 = changed.iter().map(|(_, rows)| rows).sum();
        let record = json!({ "on": day.to_string(), "customers": n_customers, "files": changed.len(), "rows": rows });
        match manifest["erasures"].as_array_mut() {
            Some(before) => {
                before.truncate(self.n_erasures);
                before.push(record);
            }
            None => manifest["erasures"] = json!([record]),
        }
        let path = self.directory.join(MANIFEST);
        let text = format!("{manifest:#}\n");
        replace(&path, |to| to.write_all(text.as_bytes()).map_err(PublishError::io("write", &path)))?;
        self.manifest = Some(manifest);
        Ok(())
    }
}

/// Says whether a path below a run is that of a part of a campaign, such as that of one value of `split-by`.
fn is_share(below: &str) -> bool {
    // No name of a campaign holds an underscore.
    below.strip_prefix(CAMPAIGNS).is_some_and(|name| name.contains('_'))
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
    let files = below(directory)?.into_iter().filter(|(_, kind)| kind.is_file());
    Ok(files.map(|(path, _)| path).collect())
}

/// Lists everything below a directory, ascending; links are not followed.
fn below(directory: &Path) -> Result<Vec<(PathBuf, FileType)>, PublishError> {
    let (mut found, mut folders) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(PublishError::io("read", &folder))? {
            let entry = entry.map_err(PublishError::io("read", &folder))?;
            let kind = entry.file_type().map_err(PublishError::io("read", &folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), kind));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}
