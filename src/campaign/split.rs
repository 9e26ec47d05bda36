//! One file for each value of a column, as each sales representative or region gets its own.
//!
//! Files are named by the value: lower-case letters and digits joined by hyphens, `Süd-West` → `sued-west`. Values that would be named
//! alike are numbered in their order, whoever has no value is in `none`. The order of the rows does not matter for the names.

use std::collections::{BTreeMap, BTreeSet};

use crate::scores::frame::{Frame, FrameError};

/// Most files of a campaign: more are a wrong column.
pub const MAX_SHARES: usize = 1_000;

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
    let mut by_value: BTreeMap<Option<&str>, Vec<u32>> = BTreeMap::new();
    for (row, value) in contacts.texts(column)?.enumerate() {
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        by_value.entry(value).or_default().push(row as u32);
    }
    if by_value.len() > MAX_SHARES {
        let (campaign, column) = (campaign.to_owned(), column.to_owned());
        return Err(SplitError::TooMany { campaign, column, n: by_value.len() });
    }
    let mut taken = BTreeSet::new();
    let shares = by_value.into_iter().map(|(value, rows)| {
        let name = value.map_or_else(|| "none".to_owned(), slug);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| !taken.contains(name)).unwrap_or(name);
        taken.insert(free.clone());
        Share { slug: Some(free), rows }
    });
    Ok(shares.collect())
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
        let found = split(&["Süd-West", "", "../../etc", "süd west", "東京", "Süd-West", " Süd-West", "none"]).unwrap();
        let expected: Vec<(String, Vec<u32>)> = [
            ("none", vec![1]),
            ("etc", vec![2]),
            ("sued-west", vec![0, 5, 6]),
            ("none-2", vec![7]),
            ("sued-west-2", vec![3]),
            ("value", vec![4]),
        ]
        .map(|(slug, rows)| (slug.to_owned(), rows))
        .to_vec();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_column_with_too_many_values_is_refused() {
        let values: Vec<String> = (0..=MAX_SHARES).map(|n| n.to_string()).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert!(matches!(split(&values), Err(SplitError::TooMany { n: 1_001, .. })));
        assert_eq!(split(&values[1..]).unwrap().len(), MAX_SHARES);
    }
}
