//! Which columns the file of a campaign has, and what each is made of.
//!
//! | shape        | columns                                                                                             |
//! |--------------|-----------------------------------------------------------------------------------------------------|
//! | IdFirst      | customer id, address, columns of the campaign                                                       |
//! | AddressFirst | address, customer id, columns of the campaign                                                       |
//! | Subscriber   | `email`, `name`, `attributes`                                                                       |
//! | Audience     | e-mail and the columns of the campaign, as hashed identifiers                                       |
//! | Letter       | customer id, `salutation_line`, `address_line_1` to `_5`, postal code, city, country, columns       |
//! | CallList     | customer id, phone, names, company, `reason`, `last_contact`, `offer`, columns                       |

use super::hashed::Platform;
use super::letter::ADDRESS_LINES;
use super::{Shape, headers};
use crate::campaign::Campaign;
use crate::scores::CUSTOMER_ID;

/// Column of the last contact, which only a call list has.
pub const LAST_CONTACT: &str = "last_contact";

/// Score column that says why to call.
pub const REASON: &str = "churn_reason_1";

/// Score column with what to offer.
pub const OFFER: &str = "offer_1_name";

/// What one or more columns of a file are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'c> {
    /// A column of the contacts.
    Column(&'c str),
    /// A column that is empty where the contacts have none of this name.
    IfKnown(&'c str),
    /// An identifier, hashed where the platform says so.
    Identifier(Platform, &'c str),
    /// First and last name.
    Name,
    /// One JSON object of the customer id and the columns of the campaign.
    Attributes(&'c [String]),
    SalutationLine,
    /// As many columns as an address has lines.
    AddressLines,
    /// Why to call: the first reason of the churn risk, else the segment.
    Reason(&'c str),
}

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout<'c> {
    pub header: Vec<String>,
    pub parts: Vec<Part<'c>>,
}

impl<'c> Layout<'c> {
    /// Lays out the file of a campaign.
    pub fn of(campaign: &'c Campaign) -> Self {
        let target = campaign.target;
        let mut layout = Self { header: Vec::new(), parts: Vec::new() };
        let columns = campaign.columns.iter().map(String::as_str);
        let mut add = |header: &str, part: Part<'c>| {
            let n = if part == Part::AddressLines { ADDRESS_LINES } else { 1 };
            for n in 1..=n {
                let name = if part == Part::AddressLines { format!("{header}_{n}") } else { header.to_owned() };
                layout.header.push(headers::header(target, &name, &layout.header));
            }
            layout.parts.push(part);
        };
        let address = target.channel.needs()[0];
        let plain = |name: &'c str| (name, Part::Column(name));
        let before: Vec<(&str, Part<'c>)> = match target.shape {
            Shape::IdFirst => vec![plain(CUSTOMER_ID), plain(address)],
            Shape::AddressFirst => vec![plain(address), plain(CUSTOMER_ID)],
            Shape::Subscriber => {
                vec![plain(address), ("name", Part::Name), ("attributes", Part::Attributes(&campaign.columns))]
            }
            Shape::Audience(platform) => vec![(address, Part::Identifier(platform, address))],
            Shape::Letter => vec![
                plain(CUSTOMER_ID),
                ("salutation_line", Part::SalutationLine),
                ("address_line", Part::AddressLines),
                plain("postal_code"),
                plain("city"),
                ("country", Part::IfKnown("country")),
            ],
            Shape::CallList => vec![
                plain(CUSTOMER_ID),
                plain(address),
                ("salutation", Part::IfKnown("salutation")),
                ("first_name", Part::IfKnown("first_name")),
                ("last_name", Part::IfKnown("last_name")),
                ("company", Part::IfKnown("company")),
                ("reason", Part::Reason(&campaign.segment)),
                (LAST_CONTACT, Part::IfKnown(LAST_CONTACT)),
                ("offer", Part::IfKnown(OFFER)),
            ],
        };
        for (header, part) in &before {
            add(header, *part);
        }
        for column in columns.filter(|column| before.iter().all(|(header, _)| header != column)) {
            match target.shape {
                Shape::Subscriber => {}
                Shape::Audience(platform) if is_identifier(column) => add(column, Part::Identifier(platform, column)),
                _ => add(column, Part::Column(column)),
            }
        }
        layout
    }
}

/// Says whether a column is about who somebody is; the value of a customer is none.
fn is_identifier(column: &str) -> bool {
    ["phone", "first_name", "last_name", "postal_code", "city", "country"].contains(&column)
}
