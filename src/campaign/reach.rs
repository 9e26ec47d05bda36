//! Who may be reached, and where.
//!
//! | channel           | where                                                | a refusal or objection covers |
//! |-------------------|------------------------------------------------------|-------------------------------|
//! | e-mail, audiences | an address with one `@` and a dotted host            | everybody at the address      |
//! | phone             | a number that is one for sure                        | everybody with the number     |
//! | post              | name or company, street, postal code, place           | the same name at the place    |
//!
//! Who may be reached at all is told by the [legal basis](super::legal). Whoever is in the customer table twice is not reached through the second row.

use std::collections::HashSet;

use rayon::prelude::*;

use super::Campaign;
use super::legal::refuses;
use super::suppression::Suppressed;
use super::target::{Channel, email, phone};
use crate::table::Customers;

/// Whether and where a customer is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contact {
    /// There is no consent, or an objection.
    Forbidden,
    /// The suppression list has the customer or the address.
    Suppressed,
    /// There is no address that the target can use.
    Unreachable,
    /// The one spelling of the address.
    At(String),
}

/// Looks customers up for one campaign.
pub(super) struct Reach<'a> {
    campaign: &'a Campaign,
    customers: &'a Customers,
    suppressed: &'a Suppressed,
    /// Addresses that somebody said no for.
    denied: HashSet<String>,
}

impl<'a> Reach<'a> {
    pub fn of(campaign: &'a Campaign, customers: &'a Customers, suppressed: &'a Suppressed) -> Self {
        let mut reach = Self { campaign, customers, suppressed, denied: HashSet::new() };
        let denying =
            (0..customers.ids.len()).into_par_iter().filter(|ix| refuses(campaign.target.channel, customers, *ix));
        let suppressed: Vec<u32> = suppressed.customers().filter_map(|id| customers.ids.position(id)).collect();
        let denying = denying.chain(suppressed.into_par_iter().map(|ix| ix as usize));
        reach.denied = denying.map(|ix| reach.address(ix)).filter(|address| !address.is_empty()).collect();
        reach
    }

    /// Tells whether and where a customer is reached.
    pub fn contact(&self, id: &str, ix: usize, has_bought: bool) -> Contact {
        let address = self.address(ix);
        let allows = self.campaign.basis.allows(self.campaign.target.channel, self.customers, ix, has_bought);
        if self.suppressed.has_customer(id) || self.is_suppressed(&address) {
            Contact::Suppressed
        } else if !allows || self.denied.contains(&address) {
            Contact::Forbidden
        } else if self.is_usable(ix, &address) {
            Contact::At(address)
        } else {
            Contact::Unreachable
        }
    }

    fn is_suppressed(&self, address: &str) -> bool {
        match self.campaign.target.channel {
            Channel::Email | Channel::Ads => self.suppressed.has_email(address),
            Channel::Phone => self.suppressed.has_phone(address),
            Channel::Post => false,
        }
    }

    /// Returns the one spelling of the address, empty where there is none.
    pub fn address(&self, ix: usize) -> String {
        match self.campaign.target.channel {
            Channel::Email | Channel::Ads => email::normalised(self.text("email", ix)),
            Channel::Phone => {
                let (number, country) = (self.text("phone", ix), self.text("country", ix));
                phone::of_cells(number, country, self.campaign.home).unwrap_or_default()
            }
            Channel::Post => {
                let folded = |name| self.text(name, ix).split_whitespace().collect::<String>().to_lowercase();
                let [street, place] = ["street", "postal_code"].map(folded);
                let person = ["first_name", "last_name", "company"].map(folded);
                // A first name alone is nobody whom a postman finds.
                let is_named = person[1..].iter().any(|name| !name.is_empty());
                let is_whole = is_named && !street.is_empty() && !place.is_empty();
                if is_whole { [&person[..], &[street, place]].concat().join("\n") } else { String::new() }
            }
        }
    }

    fn is_usable(&self, ix: usize, address: &str) -> bool {
        let target = self.campaign.target;
        match target.channel {
            // As it stands in the export: an address with a space around it is one only where the target gets the one spelling.
            Channel::Email | Channel::Ads => {
                let given = if target.normalises { address } else { self.text("email", ix) };
                email::is_address(given) && (!target.ascii_local_part || email::has_ascii_local_part(given))
            }
            Channel::Phone => !address.is_empty(),
            Channel::Post => !address.is_empty() && !self.text("city", ix).trim().is_empty(),
        }
    }

    fn text(&self, name: &str, ix: usize) -> &str {
        self.customers.attributes.get(name).map_or("", |texts| &texts[ix])
    }
}
