//! Keyed pseudonyms: what stands for a customer in campaign files, and who it stands for.
//!
//! The first 128 bits of HMAC-SHA-256 of the id: the same customer has the same pseudonym every night, and without the key nobody can tell whose it
//! is. The key is a file beside the pipeline, not part of it, and no output holds it; `pseudonyms.csv` of a run is for the owner alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::campaigns::Contacted;
use super::error::RunError;
use super::job::Job;
use crate::campaign::target::Shape;
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::table::{Column, Key, Values};

/// Reads the key of a pipeline that asks for pseudonyms.
///
/// # Errors
/// Fails where the file cannot be read, or is too short for a key.
pub fn key(job: &Job) -> Result<Option<Key>, RunError> {
    let Some(path) = &job.pseudonym_key else { return Ok(None) };
    let bytes =
        std::fs::read(path).map_err(|error| RunError::PseudonymKey { path: path.clone(), why: error.to_string() })?;
    // A line end is what an editor adds.
    let key = bytes.trim_ascii_end();
    if key.len() < Key::SHORTEST {
        let why = format!("it has {} bytes, a key has at least {}", key.len(), Key::SHORTEST);
        return Err(RunError::PseudonymKey { path: path.clone(), why });
    }
    Ok(Some(Key::new(key)))
}

/// Checks that there is a key where a pipeline asks for pseudonyms.
///
/// # Errors
/// As the run itself: where the file cannot be read, or is too short for a key.
pub fn check_key(job: &Job) -> Result<(), RunError> {
    key(job).map(drop)
}

/// Puts pseudonyms in place of the ids of contacts.
///
/// # Errors
/// Fails where the contacts have no ids.
pub fn pseudonymised<'a>(contacts: &Frame<'a>, key: &Key) -> Result<Frame<'a>, FrameError> {
    let pseudonyms: Vec<String> =
        contacts.texts(CUSTOMER_ID)?.map(|id| key.pseudonym(id.unwrap_or_default())).collect();
    let values = Values::from_texts(pseudonyms.iter().map(|pseudonym| Some(pseudonym.as_str())));
    let of_column = |column: &FrameColumn<'a>| match column.name {
        CUSTOMER_ID => FrameColumn::new(CUSTOMER_ID, Cells::Values(Cow::Owned(values.clone()))),
        _ => column.clone(),
    };
    Ok(Frame::of(contacts.columns().iter().map(of_column).collect()))
}

/// Lists whom the pseudonyms of all campaigns stand for; `ids` are those of the base.
pub fn table<'i>(
    campaigns: &[Contacted<'_>],
    key: &Key,
    ids: impl Iterator<Item = &'i str>,
) -> Result<Vec<Column>, FrameError> {
    let mut used: BTreeMap<String, Option<&str>> = BTreeMap::new();
    let has_ids = |contacted: &&Contacted<'_>| !matches!(contacted.campaign.target.shape, Shape::Audience(_));
    for contacted in campaigns.iter().filter(has_ids) {
        used.extend(contacted.contacts.texts(CUSTOMER_ID)?.flatten().map(|pseudonym| (pseudonym.to_owned(), None)));
    }
    for id in ids {
        if let Some(own) = used.get_mut(&key.pseudonym(id)) {
            *own = Some(id);
        }
    }
    Ok(vec![
        Column::new("pseudonym", Values::from_texts(used.keys().map(|pseudonym| Some(pseudonym.as_str())))),
        Column::new(CUSTOMER_ID, Values::from_texts(used.values().copied())),
    ])
}
