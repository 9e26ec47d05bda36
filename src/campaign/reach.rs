//! Who may be reached, and where.
//!
//! | channel | may be reached                            | where                                                | an objection covers        |
//! |---------|-------------------------------------------|------------------------------------------------------|----------------------------|
//! | e-mail  | who consented to e-mail                   | an address with one `@` and a dotted host            | everybody at the address   |
//! | phone   | who does not object                       | a number that is one for sure                        | everybody with the number  |
//! | post    | who does not object                       | name or company, street, postal code, place           | the same name at the place |
//!
//! An explicit no to e-mail covers its address as an objection does. Whoever is in the customer table twice is not reached through
//! the second row. No consent to calls is read: who calls has to know it (in Germany § 7 UWG asks consumers for theirs beforehand).

use std::collections::BTreeSet;

use super::Campaign;
use super::target::{Channel, email, phone};
use crate::table::Customers;

/// Whether and where a customer is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contact {
    /// There is no consent, or an objection.
    Forbidden,
    /// There is no address that the target can use.
    Unreachable,
    /// The one spelling of the address.
    At(String),
}

/// Looks customers up for one campaign.
pub(super) struct Reach<'a> {
    campaign: &'a Campaign,
    customers: &'a Customers,
    /// Addresses that somebody said no for.
    denied: BTreeSet<String>,
}

impl<'a> Reach<'a> {
    pub fn of(campaign: &'a Campaign, customers: &'a Customers) -> Self {
        let mut reach = Self { campaign, customers, denied: BTreeSet::new() };
        let denying = (0..customers.ids.len()).filter(|ix| reach.denies(*ix));
        reach.denied = denying.map(|ix| reach.address(ix)).filter(|address| !address.is_empty()).collect();
        reach
    }

    /// Tells whether and where a customer is reached.
    pub fn contact(&self, ix: usize) -> Contact {
        let address = self.address(ix);
        if !self.consents(ix) || self.denied.contains(&address) {
            Contact::Forbidden
        } else if self.is_usable(ix, &address) {
            Contact::At(address)
        } else {
            Contact::Unreachable
        }
    }

    /// Says whether the customer agrees to this channel: the place for the legal bases of each.
    fn consents(&self, ix: usize) -> bool {
        match self.campaign.target.channel {
            Channel::Email => self.customers.email_opt_in[ix],
            Channel::Phone | Channel::Post => !self.customers.objection[ix],
        }
    }

    /// Says whether the customer said no to this channel, or to all.
    fn denies(&self, ix: usize) -> bool {
        let to_email = self.campaign.target.channel == Channel::Email && self.customers.email_opt_out[ix];
        to_email || self.customers.objection[ix]
    }

    /// Returns the one spelling of the address, empty where there is none.
    fn address(&self, ix: usize) -> String {
        match self.campaign.target.channel {
            Channel::Email => email::normalised(self.text("email", ix)),
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
            Channel::Email => {
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
