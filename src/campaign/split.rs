//! One file for each value of a column, as each sales representative or region gets its own.
//!
//! Files are named by the value in lower case: `Nord` → `nord`, so that values which differ in capitals alone share a file. A value that is more than letters,
//! digits and hyphens is spelled with them and marked by eight digits of its SHA-256, and so is one that looks marked: `Süd West` → `sued-west-` and its mark. A name does
//! not pass to another value, whoever is there tonight: who fetches a file by its name gets the customers of no other. Two values with one name are refused. Whoever has
//! no value is in `none`.

use std::collections::BTreeMap;

use crate::scores::frame::{Frame, FrameError};
use crate::table::Fingerprint;

/// Most files of a campaign: more are a wrong column.
pub const MAX_SHARES: usize = 1_000;

/// Name of the file of those without a value.
const NOBODY: &str = "none";

/// Digits of a mark.
const MARK: usize = 8;

/// Most letters of a value in a file name.
const MAX_LETTERS: usize = 48;

/// The contacts of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What the value is called in the name of the file; nothing where the campaign is not split.
    pub slug: Option<String>,
    /// Rows among the contacts, ascending.
    pub rows: Vec<u32>,
}

/// Why contacts could not be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    #[error("campaign `{campaign}` is split by `{column}`, which has {n} values, into more than {MAX_SHARES} files")]
    TooMany { campaign: String, column: String, n: usize },
    #[error("campaign `{campaign}` is split by `{column}`, two values of which would have the file `{name}`")]
    Alike { campaign: String, column: String, name: String },
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Splits contacts by a text column; without one there is a single share.
///
/// # Errors
/// Fails where the column has more than [`MAX_SHARES`] values.
pub fn shares(campaign: &str, contacts: &Frame<'_>, column: Option<&str>) -> Result<Vec<Share>, SplitError> {
    let Some(column) = column else {
        return Ok(vec![Share { slug: None, rows: (0..contacts.height() as u32).collect() }]);
    };
    let mut by_value: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (row, value) in contacts.texts(column)?.enumerate() {
        by_value.entry(value.unwrap_or_default().trim()).or_default().push(row as u32);
    }
    let mut by_name: BTreeMap<String, (String, Vec<u32>)> = BTreeMap::new();
    for (value, rows) in by_value {
        let name = if value.is_empty() { NOBODY.to_owned() } else { name(value) };
        let (of, all) = by_name.entry(name.clone()).or_insert_with(|| (value.to_lowercase(), Vec::new()));
        if *of != value.to_lowercase() {
            return Err(SplitError::Alike { campaign: campaign.to_owned(), column: column.to_owned(), name });
        }
        all.extend(rows);
    }
    if by_name.len() > MAX_SHARES {
        let (campaign, column) = (campaign.to_owned(), column.to_owned());
        return Err(SplitError::TooMany { campaign, column, n: by_name.len() });
    }
    let shares = by_name.into_iter().map(|(name, (_, mut rows))| {
        rows.sort_unstable();
        Share { slug: Some(name), rows }
    });
    Ok(shares.collect())
}

/// Returns the name of a value, which no other value has.
fn name(value: &str) -> String {
    let (slug, folded) = (slug(value), value.to_lowercase());
    let is_mark = |end: &str| end.len() == MARK && end.bytes().all(|b| b.is_ascii_hexdigit());
    let looks_marked = slug.rsplit_once('-').is_some_and(|(_, end)| is_mark(end));
    if slug == folded && slug != NOBODY && !looks_marked {
        return slug;
    }
    format!("{slug}-{}", &Fingerprint::of(&folded)[..MARK])
}

fn slug(value: &str) -> String {
    let mut slug = String::new();
    for c in value.chars().flat_map(char::to_lowercase) {
        if slug.len() >= MAX_LETTERS {
            break;
        }
        match c {
            'ä' => slug.push_str("ae"),
            'ö' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "value".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::frame::{Cells, FrameColumn};

    fn split(values: &[&str]) -> Result<Vec<(String, Vec<u32>)>, SplitError> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let frame = Frame::of(vec![FrameColumn::new("region", Cells::Texts(&values))]);
        let shares = shares("c", &frame, Some("region"))?;
        Ok(shares.into_iter().map(|share| (share.slug.unwrap(), share.rows)).collect())
    }

    #[test]
    fn every_value_has_a_file_of_its_own() {
        let found = split(&["Nord", "", "../../etc", "Süd West", "Süd-West", "NORD", " nord", "none", "東京"]).unwrap();
        let rows =
            |wanted: &str| found.iter().filter(|(name, _)| name.starts_with(wanted)).cloned().collect::<Vec<_>>();
        assert_eq!(rows("nord"), [("nord".to_owned(), vec![0, 5, 6])]);
        assert_eq!(rows("none")[0], ("none".to_owned(), vec![1]));
        assert_eq!(
            (rows("none-")[0].1.clone(), rows("etc-")[0].1.clone(), rows("value-")[0].1.clone()),
            (vec![7], vec![2], vec![8])
        );
        let [one, other] = &rows("sued-west-")[..] else { panic!("{found:?}") };
        assert!(one.0 != other.0 && one.0.len() == "sued-west-".len() + MARK);
        let copy = split(&[&one.0]).unwrap();
        assert!(copy[0].0 != one.0, "a value that looks marked is marked as well");
        // Who is alone tonight has the name of every night.
        let alone = split(&["Süd-West"]).unwrap();
        assert!([one, other].iter().any(|both| both.0 == alone[0].0 && both.1 == [4]), "{alone:?}");
    }

    #[test]
    fn a_column_with_too_many_values_is_refused() {
        let values: Vec<String> = (0..=MAX_SHARES).map(|n| n.to_string()).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert!(matches!(split(&values), Err(SplitError::TooMany { n: 1_001, .. })));
        assert_eq!(split(&values[1..]).unwrap().len(), MAX_SHARES);
    }
}
