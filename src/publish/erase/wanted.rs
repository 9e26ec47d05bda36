//! Whom an erasure is about: ids, what stands for them in files that left, and addresses with their hashes.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::campaign::target::country::{COUNTRIES, Country};
use crate::campaign::target::hashed::{Platform, identifier, row_digest};
use crate::campaign::target::{email, phone};
use crate::scores::CUSTOMER_ID;
use crate::table::cells_of_row;

/// What rows are recognised by.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Each with whether it was found.
    ids: BTreeMap<String, Cell<bool>>,
    /// What stands for the ids in campaign files.
    pseudonyms: BTreeSet<String>,
    /// E-mail addresses and phone numbers as campaign files hold them, and their hashes.
    addresses: BTreeSet<String>,
    /// Digests of rows in audience files, which have no ids.
    rows: BTreeSet<String>,
    /// Says whether a header is that of customer ids, in files that klientel did not write.
    is_id_header: Option<fn(&str) -> bool>,
}

impl Wanted {
    /// Starts with ids as they are kept; `is_id_header` knows what exports call the column of ids.
    pub fn new(ids: impl IntoIterator<Item = String>, is_id_header: fn(&str) -> bool) -> Self {
        let ids = ids.into_iter().map(|id| (id, Cell::new(false))).collect();
        Self { ids, is_id_header: Some(is_id_header), ..Self::default() }
    }

    /// Says whether a header of a file that klientel did not write is that of customer ids.
    pub fn is_id_header(&self, header: &str) -> bool {
        self.is_id_header.is_some_and(|is_id_header| is_id_header(header))
    }

    /// Adds what stands for a customer in a campaign file.
    pub fn add_pseudonym(&mut self, pseudonym: &str) {
        if !pseudonym.is_empty() {
            self.pseudonyms.insert(pseudonym.to_owned());
        }
    }

    /// Adds an e-mail address or a phone number, a national one of `home`, in every form that a target takes; other texts are none.
    pub fn add_address(&mut self, text: &str, home: Option<&Country>) {
        let (text, home) = (text.trim(), home.unwrap_or(&COUNTRIES[0]));
        let (column, plain) = if email::is_address(text) {
            ("email", Some(email::normalised(text)))
        } else {
            ("phone", phone::of_cells(text, "", home))
        };
        let Some(plain) = plain else { return };
        let hashes = [Platform::Google, Platform::Meta].map(|platform| identifier(platform, column, &plain, "", home));
        self.addresses.extend(hashes.into_iter().flatten());
        self.addresses.extend([plain, text.to_owned()]);
    }

    /// Adds what a row of an audience file is recognised by.
    pub fn add_row(&mut self, digest: &str) {
        if !digest.is_empty() {
            self.rows.insert(digest.to_owned());
        }
    }

    /// Adds an identifier as an audience file holds it.
    pub fn add_identifier(&mut self, hash: &str) {
        if hash.len() == HASH_DIGITS {
            self.addresses.insert(hash.to_owned());
        }
    }

    /// Says whether a cell of a column of ids is one of them.
    pub fn is_id(&self, cell: &str) -> bool {
        let found = self.ids.get(cell);
        found.inspect(|found| found.set(true)).is_some()
    }

    /// Remembers that an id stands in an export.
    pub fn found(&self, id: &str) {
        self.is_id(id);
    }

    /// Counts the ids that were found nowhere so far.
    pub fn n_not_found(&self) -> usize {
        self.ids.values().filter(|found| !found.get()).count()
    }

    /// Says whether a row of an audience file is one of theirs.
    pub fn is_row(&self, cells: &[&str]) -> bool {
        !self.rows.is_empty() && self.rows.contains(&row_digest(cells.iter().copied()))
    }

    /// Says whether a cell of a column of ids of a campaign file stands for one of them.
    pub fn stands_for_id(&self, cell: &str) -> bool {
        let cell = unguarded(cell);
        self.is_id(cell) || self.pseudonyms.contains(cell)
    }

    /// Says whether a cell is an address of theirs, or the hash of one.
    pub fn is_address(&self, cell: &str) -> bool {
        self.addresses.contains(unguarded(cell))
    }

    /// Says whether a JSON object names one of the customers; no other value is looked at, such as the address of who looks after many.
    pub fn is_named_by(&self, object: &str) -> bool {
        let Ok(Value::Object(object)) = serde_json::from_str(object) else { return false };
        let id = object.get(CUSTOMER_ID).map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        id.is_some_and(|id| self.stands_for_id(&id))
    }

    /// Says whether a row as it stands in an export holds one of the ids, or an address, as a whole cell.
    pub fn hold_a_cell_of(&self, row: &str) -> bool {
        cells_of_row(row).any(|cell| self.ids.contains_key(cell) || self.is_address(cell))
    }

    /// Returns what can be looked for in bytes without taking something else for it: ids that no number or short code reads like, what stands for
    /// ids, addresses.
    pub fn distinctive(&self) -> Vec<&str> {
        let ids = self.ids.keys().filter(|id| is_distinctive(id));
        ids.chain(&self.pseudonyms)
            .chain(self.addresses.iter().filter(|text| is_distinctive(text)))
            .map(String::as_str)
            .collect()
    }

    /// Returns every id.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.keys().map(String::as_str)
    }
}

/// Digits of SHA-256.
const HASH_DIGITS: usize = 64;

/// Shortest id that is looked for in all bytes.
const DISTINCTIVE_BYTES: usize = 4;

/// Says whether a text cannot be a count, an amount or a code of another kind: `4711` may be all of that, `K-4711` is an id.
fn is_distinctive(text: &str) -> bool {
    text.len() >= DISTINCTIVE_BYTES && text.bytes().any(|byte| !byte.is_ascii_digit() && !b".-".contains(&byte))
}

/// Takes off what keeps a spreadsheet from computing a cell.
fn unguarded(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('\'').unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_in_every_form_that_leaves() {
        let mut wanted = Wanted::new(["K-7".to_owned(), "4711".to_owned()], |header| header == CUSTOMER_ID);
        wanted.add_address(" Test@Example.com ", None);
        wanted.add_address("0170 1234567", Country::named("DE"));
        wanted.add_address("Berlin", None);
        wanted.add_pseudonym("00ff");
        let hash = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";
        for cell in ["test@example.com", hash, "+491701234567", "'+491701234567", "0170 1234567"] {
            assert!(wanted.is_address(cell), "{cell}");
        }
        assert!(!wanted.is_address("Berlin") && !wanted.is_address(""));
        assert!(wanted.stands_for_id("00ff") && wanted.stands_for_id("'4711") && !wanted.stands_for_id("471"));
        assert!(wanted.is_named_by(r#"{"customer_id":"4711","plan":"basic"}"#));
        assert!(!wanted.is_named_by(r#"{"customer_id":"47","plan":"4711"}"#));
        assert!(wanted.hold_a_cell_of("x;\"4711\";y") && !wanted.hold_a_cell_of("x;47111"));
        let distinctive = wanted.distinctive();
        assert!(distinctive.contains(&"test@example.com") && !distinctive.contains(&"4711"));
        assert!(!distinctive.contains(&"K-7"), "too short to be told from a code");
    }
}
