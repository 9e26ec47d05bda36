//! The suppression list: who must not be contacted, whatever the customer table says.
//!
//! | entry      | keeps away                                        | compared as                                                     |
//! |------------|---------------------------------------------------|-----------------------------------------------------------------|
//! | customer   | the customer, on every channel                    | id                                                              |
//! | e-mail     | everybody with the address, where e-mail is used  | lower case, or its SHA-256 in hexadecimal                       |
//! | phone      | everybody with the number, where it is called     | its last nine digits: of two that end alike both are kept away  |
//!
//! The addresses of a customer on the list are kept away from, too. An entry that says nothing (all cells empty) keeps nobody away. `O(1)` a customer.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::target::email;
use crate::table::Suppressions;

/// The list as it is looked up in.
#[derive(Debug, Default)]
pub struct Suppressed {
    customers: HashSet<String>,
    emails: HashSet<String>,
    hashes: HashSet<[u8; 32]>,
    phones: HashSet<String>,
    /// Entries for addresses and numbers that are neither.
    pub n_unreadable: usize,
}

impl Suppressed {
    /// Takes the entries in.
    pub fn of(list: &Suppressions) -> Self {
        let mut suppressed = Self { customers: list.customers.iter().cloned().collect(), ..Self::default() };
        for entry in list.emails.iter().flat_map(|cell| email::of_cell(cell)) {
            if let Some(hash) = hash(&entry) {
                suppressed.hashes.insert(hash);
            } else {
                suppressed.n_unreadable += usize::from(!email::is_address(&entry));
                suppressed.emails.insert(entry);
            }
        }
        for number in &list.phones {
            match end(number) {
                Some(end) => _ = suppressed.phones.insert(end),
                None => suppressed.n_unreadable += 1,
            }
        }
        suppressed
    }

    /// Returns the ids on the list, in any order.
    pub fn customers(&self) -> impl Iterator<Item = &str> {
        self.customers.iter().map(String::as_str)
    }

    pub fn has_customer(&self, id: &str) -> bool {
        self.customers.contains(id)
    }

    /// Looks an address in its one spelling up.
    pub fn has_email(&self, address: &str) -> bool {
        self.emails.contains(address)
            || (!self.hashes.is_empty() && self.hashes.contains(&<[u8; 32]>::from(Sha256::digest(address))))
    }

    /// Looks a number up.
    pub fn has_phone(&self, number: &str) -> bool {
        !self.phones.is_empty() && end(number).is_some_and(|end| self.phones.contains(&end))
    }
}

/// Returns the last digits of a number, without country and trunk prefix; nothing where it has too few.
fn end(number: &str) -> Option<String> {
    const DIGITS: usize = 9;
    const FEWEST: usize = 6;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (digits.len() >= FEWEST).then(|| digits[digits.len().saturating_sub(DIGITS)..].to_owned())
}

/// Reads a SHA-256 in hexadecimal.
fn hash(entry: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if entry.len() != 64 || !entry.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(entry.get(at..at + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_compared_in_one_spelling() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let digest: String = Sha256::digest("ada@example.com").iter().map(|byte| format!("{byte:02X}")).collect();
        let list = Suppressions {
            customers: texts(&["K7"]),
            emails: texts(&[" Bo@Example.com", &digest, "mailto", "Di <di@example.com>; mailto:ed@example.com"]),
            phones: texts(&["0170 1234567", "+43 664 1234567", "491715555555", "?"]),
        };
        let list = Suppressed::of(&list);
        assert!(list.has_customer("K7") && !list.has_customer("K8"));
        assert!(list.has_email("bo@example.com") && list.has_email("ada@example.com"));
        assert!(list.has_email("di@example.com") && list.has_email("ed@example.com"));
        assert!(!list.has_email("cy@example.com") && !list.has_email(&digest.to_lowercase()));
        for number in ["+491701234567", "+436641234567", "+491715555555"] {
            assert!(list.has_phone(number), "{number}");
        }
        assert!(!list.has_phone("+491701234568"));
        assert_eq!(list.n_unreadable, 2);
    }
}
