//! Campaigns: the members of a segment with what reaches them, as far as they may be reached.
//!
//! Personal data is joined here and nowhere before. Null or unknown consent is no; without an address there is no contact. What a
//! file looks like is told by the [`target`]; a file for each sales representative or region comes from [`split`].

pub mod split;
pub mod target;

mod reach;

use std::collections::HashSet;
use std::sync::Arc;

use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError, Rows};
use crate::table::Customers;
use crate::units::Language;
use reach::{Contact, Reach};
use target::country::Country;
use target::layout::{LAST_CONTACT, OFFER, REASON};
use target::{Shape, Target};

/// A campaign as the pipeline asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// File name without ending.
    pub name: String,
    /// Segment whose members are addressed.
    pub segment: String,
    /// Customer attributes and score columns beside customer id and address.
    pub columns: Vec<String>,
    /// What the file is made for.
    pub target: &'static Target,
    /// Column with a file for each of its values.
    pub split_by: Option<String>,
    /// Country of the sender, and of customers without one.
    pub home: &'static Country,
    /// Language of a salutation where nothing says another.
    pub language: Language,
}

impl Campaign {
    /// Returns the customer columns that the campaign cannot do without, each once.
    pub fn needs(&self) -> Vec<&str> {
        let named = self.columns.iter().chain(&self.split_by).map(String::as_str);
        let mut needs = self.target.channel.needs().to_vec();
        for name in named {
            if !needs.contains(&name) {
                needs.push(name);
            }
        }
        needs
    }
}

/// How a segment became a list of contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CampaignCounts {
    pub members: usize,
    /// Members without a row in the customer table.
    pub unknown: usize,
    /// Members without consent to e-mail, or who object.
    pub without_consent: usize,
    /// Members who may be reached, but without an address that the target can use.
    pub unreachable: usize,
    /// Members whose address an earlier member has, where the target takes it once.
    pub duplicates: usize,
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
    let reach = Reach::of(campaign, customers);
    let mut seen = HashSet::new();
    // Rows among the members and, for the same contact, among the customers.
    let (mut contacted, mut addressed) = (Vec::new(), Vec::new());
    for (row, id) in members.texts(CUSTOMER_ID)?.enumerate() {
        let Some(customer) = id.and_then(|id| customers.ids.position(id)) else {
            counts.unknown += 1;
            continue;
        };
        match reach.contact(customer as usize) {
            Contact::Forbidden => counts.without_consent += 1,
            Contact::Unreachable => counts.unreachable += 1,
            Contact::At(address) => {
                if campaign.target.once_an_address && !seen.insert(address) {
                    counts.duplicates += 1;
                    continue;
                }
                contacted.push(row as u32);
                addressed.push(customer);
            }
        }
    }
    counts.contacts = contacted.len();

    let contacts = members.pick(contacted);
    let addressed: Rows = addressed.into();
    let mut columns: Vec<FrameColumn<'a>> = Vec::new();
    let scores = if campaign.target.shape == Shape::CallList { &[REASON, LAST_CONTACT, OFFER][..] } else { &[] };
    let needs = [CUSTOMER_ID].into_iter().chain(campaign.needs()).map(|name| (name, true));
    let wishes = campaign.target.wishes().iter().chain(scores).map(|name| (*name, false));
    for (name, is_needed) in needs.chain(wishes) {
        if columns.iter().any(|column| column.name == name) {
            continue;
        }
        columns.push(match (contacts.column(name), customers.attributes.get_key_value(name)) {
            (Ok(score), _) => score.clone(),
            (_, Some((name, texts))) => FrameColumn::at(name, Cells::Texts(texts), Arc::clone(&addressed)),
            (Err(missing), None) if is_needed => return Err(missing),
            (Err(_), None) => continue,
        });
    }
    Ok((Frame::of(columns), counts))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::target::country::COUNTRIES;
    use super::*;
    use crate::table::Ids;

    fn campaign(target: &str, columns: &[&str]) -> Campaign {
        Campaign {
            name: "c".into(),
            segment: "s".into(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            target: Target::named(target).unwrap(),
            split_by: None,
            home: &COUNTRIES[0],
            language: Language::German,
        }
    }

    /// Customers of which everybody consents and nobody objects.
    fn customers<const N: usize>(ids: [&str; N], attributes: &[(&str, [&str; N])]) -> Customers {
        Customers {
            ids: Ids::from_sorted(ids),
            email_opt_in: vec![true; N],
            email_opt_out: vec![false; N],
            objection: vec![false; N],
            unreadable: vec![],
            attributes: attributes
                .iter()
                .map(|(name, texts)| ((*name).to_owned(), texts.map(str::to_owned).to_vec()))
                .collect(),
        }
    }

    #[test]
    fn a_tool_that_knows_contacts_by_address_gets_each_once_and_none_that_it_rejects() {
        let emails = ["a@x.de", "A@x.de ", "jörg@x.de", "c@x.de"];
        let customers = customers(["1", "2", "3", "4"], &[("email", emails)]);
        let ids = customers.ids.clone();
        let members = Frame::of_customers(&ids, []);
        let (_, counts) = contacts(&campaign("mailchimp", &[]), &members, &customers).unwrap();
        assert_eq!((counts.contacts, counts.duplicates, counts.unreachable), (2, 1, 1));
        let (_, counts) = contacts(&campaign("generic-en", &[]), &members, &customers).unwrap();
        // One with white space around it is no address as it stands.
        assert_eq!(counts.contacts, 3);
    }

    #[test]
    fn letters_need_a_place_and_reach_nobody_who_objects_there() {
        let mut customers = customers(
            ["1", "2", "3", "4"],
            &[
                ("last_name", ["Lang", "LANG", "Kurz", "Breit"]),
                ("first_name", ["Kim", "Kim", "Al", "Bo"]),
                ("street", ["Ringstr. 1", "ringstr. 1 ", "Ringstr. 1", ""]),
                ("postal_code", ["01067", "01067", "01067", "01067"]),
                ("city", ["Dresden", "Dresden", "Dresden", "Dresden"]),
            ],
        );
        customers.email_opt_in = vec![false; 4];
        customers.objection[0] = true;
        let ids = customers.ids.clone();
        let (file, counts) =
            contacts(&campaign("letter-shop", &[]), &Frame::of_customers(&ids, []), &customers).unwrap();
        assert_eq!((counts.without_consent, counts.unreachable, counts.contacts), (2, 1, 1));
        assert_eq!(file.texts("last_name").unwrap().collect::<Vec<_>>(), [Some("Kurz")]);
        assert!(file.column("company").is_err() && file.column("first_name").is_ok());
    }

    #[test]
    fn calls_need_a_number_that_is_sure() {
        let customers = customers(
            ["1", "2", "3"],
            &[("phone", ["0170 1234567", "170 1234567", "044 668 18 00"]), ("country", ["", "", "CH"])],
        );
        let ids = customers.ids.clone();
        let (file, counts) = contacts(&campaign("call-list", &[]), &Frame::of_customers(&ids, []), &customers).unwrap();
        assert_eq!((counts.unreachable, counts.contacts), (1, 2));
        assert_eq!(file.texts(CUSTOMER_ID).unwrap().collect::<Vec<_>>(), [Some("1"), Some("3")]);
    }

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
        let campaign = campaign("generic-en", &["first_name"]);
        let (file, counts) = contacts(&campaign, &members, &customers).unwrap();
        assert_eq!(
            file.columns().iter().map(|column| column.name).collect::<Vec<_>>(),
            [CUSTOMER_ID, "email", "first_name"]
        );
        let texts = |name| file.texts(name).unwrap().collect::<Vec<_>>();
        assert_eq!(texts(CUSTOMER_ID), [Some("1"), Some("4")]);
        assert_eq!(texts("email"), [Some("a@example.com"), Some("d@example.com")]);
        assert_eq!(texts("first_name"), [Some("Ada"), None]);
        assert_eq!(
            counts,
            CampaignCounts { members: 6, unknown: 1, without_consent: 2, unreachable: 1, duplicates: 0, contacts: 2 }
        );
    }
}
