//! Campaigns: the members of a segment with names and e-mail, as far as they consented.
//!
//! Personal data is joined here and nowhere before. Null or unknown consent is no; without an e-mail address there is no contact.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError, Rows};
use crate::table::Customers;

/// Name of the attribute that a contact needs.
const EMAIL: &str = "email";

/// A campaign as the pipeline asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// File name without ending.
    pub name: String,
    /// Segment whose members are addressed.
    pub segment: String,
    /// Customer attributes and score columns beside customer id and e-mail.
    pub columns: Vec<String>,
}

/// How a segment became a list of contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CampaignCounts {
    pub members: usize,
    /// Members without a row in the customer table.
    pub unknown: usize,
    /// Members without consent to e-mail.
    pub without_consent: usize,
    /// Members with consent, but without a usable e-mail address.
    pub without_email: usize,
    pub contacts: usize,
}

/// Joins the members of a segment with their addresses and leaves out whoever must not be written to.
///
/// # Errors
/// Fails where a column does not exist, which checking the pipeline rules out.
pub fn contacts<'a>(
    campaign: &Campaign,
    members: &Frame<'a>,
    customers: &'a Customers,
) -> Result<(Frame<'a>, CampaignCounts), FrameError> {
    let mut counts = CampaignCounts { members: members.height(), ..CampaignCounts::default() };
    let email = customers.attributes.get(EMAIL);
    let denied = denied_addresses(customers);
    // Rows among the members and, for the same contact, among the customers.
    let (mut contacted, mut addressed) = (Vec::new(), Vec::new());
    for (row, id) in members.texts(CUSTOMER_ID)?.enumerate() {
        let Some(customer) = id.and_then(|id| customers.ids.position(id)) else {
            counts.unknown += 1;
            continue;
        };
        let ix = customer as usize;
        let is_denied = email.is_some_and(|email| denied.contains(&normalised(&email[ix])));
        if !customers.email_opt_in[ix] || is_denied {
            counts.without_consent += 1;
        } else if !email.is_some_and(|email| is_address(&email[ix])) {
            counts.without_email += 1;
        } else {
            contacted.push(row as u32);
            addressed.push(customer);
        }
    }
    counts.contacts = contacted.len();

    let contacts = members.pick(contacted);
    let addressed: Rows = addressed.into();
    let mut columns: Vec<FrameColumn<'a>> = Vec::new();
    for name in [CUSTOMER_ID, EMAIL].into_iter().chain(campaign.columns.iter().map(String::as_str)) {
        if columns.iter().any(|column| column.name == name) {
            continue;
        }
        columns.push(match (contacts.column(name), customers.attributes.get_key_value(name)) {
            (Ok(score), _) => score.clone(),
            (_, Some((name, texts))) => FrameColumn::at(name, Cells::Texts(texts), Arc::clone(&addressed)),
            (Err(missing), None) => return Err(missing),
        });
    }
    Ok((Frame::of(columns), counts))
}

/// Returns the addresses that somebody said no for: whoever else has the same address is not written to either.
fn denied_addresses(customers: &Customers) -> BTreeSet<String> {
    let Some(email) = customers.attributes.get(EMAIL) else { return BTreeSet::new() };
    let denied = customers.email_opt_out.iter().zip(&customers.objection).map(|(out, objects)| *out || *objects);
    email
        .iter()
        .zip(denied)
        .filter(|(address, denied)| *denied && !address.is_empty())
        .map(|(a, _)| normalised(a))
        .collect()
}

fn normalised(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Says whether a text can be an e-mail address: one `@`, something before it, a dot after it, no white space.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = domain.split_once('.').is_some_and(|(host, rest)| !host.is_empty() && !rest.is_empty());
    !local.is_empty() && dotted && !domain.contains('@') && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::table::Ids;

    #[test]
    fn only_who_consented_and_can_be_reached_becomes_a_contact() {
        let ids = Ids::from_sorted(["1", "2", "3", "4", "6"]);
        let texts = |texts: [&str; 5]| texts.map(str::to_owned).to_vec();
        let customers = Customers {
            email_opt_in: vec![true, false, true, true, true],
            email_opt_out: vec![false, true, false, false, false],
            objection: vec![false; 5],
            unreadable: vec![],
            attributes: BTreeMap::from([
                ("email".to_owned(), texts(["a@example.com", "b@example.com", "", "d@example.com", "B@example.com "])),
                ("first_name".to_owned(), texts(["Ada", "Bo", "Cy", "", "Di"])),
            ]),
            ids,
        };
        let ids = Ids::from_sorted(["1", "2", "3", "4", "5", "6"]);
        let members = Frame::of_customers(&ids, []);
        let campaign = Campaign { name: "c".into(), segment: "s".into(), columns: vec!["first_name".into()] };
        let (file, counts) = contacts(&campaign, &members, &customers).unwrap();
        assert_eq!(
            file.columns().iter().map(|column| column.name).collect::<Vec<_>>(),
            [CUSTOMER_ID, EMAIL, "first_name"]
        );
        let texts = |name| file.texts(name).unwrap().collect::<Vec<_>>();
        assert_eq!(texts(CUSTOMER_ID), [Some("1"), Some("4")]);
        assert_eq!(texts(EMAIL), [Some("a@example.com"), Some("d@example.com")]);
        assert_eq!(texts("first_name"), [Some("Ada"), None]);
        assert_eq!(
            counts,
            CampaignCounts { members: 6, unknown: 1, without_consent: 2, without_email: 1, contacts: 2 }
        );
    }

    #[test]
    fn an_address_has_one_at_and_a_dotted_host() {
        for (text, expected) in
            [("a@b.de", true), ("a@b", false), ("@b.de", false), ("a b@c.de", false), ("a@b@c.de", false)]
        {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }
}
