//! The suppression list: who must not be contacted, whatever the customer table says.
//!
//! | entry      | keeps away                                        | compared as                                                     |
//! |------------|---------------------------------------------------|-----------------------------------------------------------------|
//! | customer   | the customer, on every channel                    | id                                                              |
//! | e-mail     | everybody with the address, where e-mail is used  | lower case, or its SHA-256 in hexadecimal                       |
//! | phone      | everybody with the number, where it is called     | E.164                                                           |
//!
//! An entry that says nothing (all cells empty) keeps nobody away. `O(1)` a customer.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::target::country::Country;
use super::target::{email, phone};
use crate::table::Suppressions;

/// The list as it is looked up in.
#[derive(Debug, Default)]
pub struct Suppressed {
    customers: HashSet<String>,
    emails: HashSet<String>,
    hashes: HashSet<String>,
    phones: HashSet<String>,
}

impl Suppressed {
    /// Takes the entries in; numbers without a country are of `home`.
    pub fn of(list: &Suppressions, home: &'static Country) -> Self {
        let (hashes, emails): (HashSet<String>, _) =
            list.emails.iter().map(|entry| email::normalised(entry)).partition(|entry| is_hash(entry));
        Self {
            customers: list.customers.iter().cloned().collect(),
            emails,
            hashes,
            phones: list.phones.iter().filter_map(|number| phone::of_cells(number, "", home)).collect(),
        }
    }

    pub fn has_customer(&self, id: &str) -> bool {
        self.customers.contains(id)
    }

    /// Looks an address in its one spelling up.
    pub fn has_email(&self, address: &str) -> bool {
        let digest = || Sha256::digest(address).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.emails.contains(address) || (!self.hashes.is_empty() && self.hashes.contains(&digest()))
    }

    /// Looks a number in E.164 up.
    pub fn has_phone(&self, number: &str) -> bool {
        self.phones.contains(number)
    }
}

fn is_hash(entry: &str) -> bool {
    entry.len() == 64 && entry.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::target::country::COUNTRIES;
    use super::*;

    #[test]
    fn entries_are_compared_in_one_spelling() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let digest: String = Sha256::digest("ada@example.com").iter().map(|byte| format!("{byte:02X}")).collect();
        let list = Suppressions {
            customers: texts(&["K7"]),
            emails: texts(&[" Bo@Example.com", &digest]),
            phones: texts(&["0170 1234567"]),
        };
        let list = Suppressed::of(&list, &COUNTRIES[0]);
        assert!(list.has_customer("K7") && !list.has_customer("K8"));
        assert!(list.has_email("bo@example.com") && list.has_email("ada@example.com"));
        assert!(!list.has_email("cy@example.com") && !list.has_email(&digest.to_lowercase()));
        assert!(list.has_phone("+491701234567"));
    }
}
