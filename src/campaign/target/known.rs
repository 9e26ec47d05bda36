//! The facts of every target, each with where it is documented.
//!
//! | target                     | rows or bytes a file  | particular                                                           |
//! |----------------------------|-----------------------|----------------------------------------------------------------------|
//! | generic-en                 |                       | plain CSV: comma, point, ISO dates                                   |
//! | generic-de                 | 1,048,575 rows        | what a German spreadsheet opens: semicolon, comma, mark, German heads |
//! | mailchimp                  |                       | cells of 255 bytes, merge tags of 10 characters, ASCII before the @  |
//! | brevo                      | 250 MB                | attributes in upper case, EXT_ID                                     |
//! | cleverreach                |                       | UTF-8, no line breaks in headers                                     |
//! | hubspot                    | 1,048,575 rows, 512 MB | labels of properties                                                |
//! | klaviyo                    | 50 MB                 | e-mail first, once each                                              |
//! | mautic                     | 5,000 rows            | field aliases; yes is `true`                                         |
//! | listmonk                   |                       | `email,name,attributes`, the object whole                            |
//! | salesforce-marketing-cloud |                       | `SubscriberKey`, `EmailAddress`                                      |
//! | emarsys                    | 64 MB                 | no emoji, no line breaks, an address once                            |
//! | inxmail                    |                       | `email`, ISO dates                                                   |
//! | google-customer-match      |                       | hashed, English headers, place and country plain                     |
//! | meta                       |                       | hashed, short headers                                                |
//! | letter-shop                |                       | salutation line, address lines, all quoted                           |
//! | call-list                  | 1,048,575 rows        | E.164, reason, last contact, offer                                   |
//!
//! A megabyte is a million bytes here, the smaller of the two that a tool may mean. Rows of 1,048,576 with the header are what a sheet of
//! Excel holds (support.microsoft.com, "Excel specifications and limits").

use super::hashed::Platform;
use super::{Channel, DateStyle, Naming, NumberStyle, Shape, Target};

const MEGABYTE: u64 = 1_000_000;

/// Rows of a sheet below its header.
const SHEET_ROWS: usize = 1_048_575;

/// A file for programs: what is not said of a tool is as here.
const PLAIN: Target = Target {
    name: "generic-en",
    title: "generic CSV",
    source: "RFC 4180",
    channel: Channel::Email,
    shape: Shape::IdFirst,
    fields: &[],
    only_fields: false,
    naming: Naming::Same,
    delimiter: b',',
    byte_order_mark: false,
    line_end: "\n",
    quotes_all: false,
    dates: DateStyle::Iso,
    numbers: NumberStyle::Shortest,
    yes_no: None,
    max_rows: usize::MAX,
    max_bytes: u64::MAX,
    max_cell_bytes: usize::MAX,
    four_byte_characters: true,
    line_breaks: true,
    guards_formulas: true,
    normalises: false,
    ascii_local_part: false,
    once_an_address: false,
};

/// A mailing tool: a program reads the file, the e-mail address is the key.
const TOOL: Target = Target {
    shape: Shape::AddressFirst,
    numbers: NumberStyle::Point,
    guards_formulas: false,
    normalises: true,
    once_an_address: true,
    ..PLAIN
};

/// All targets; the first is the default.
pub static ALL: [Target; 16] = [
    PLAIN,
    Target {
        name: "generic-de",
        title: "generic CSV, German",
        source: "support.microsoft.com, Excel specifications and limits",
        fields: &[
            ("customer_id", "Kundennummer"),
            ("email", "E-Mail"),
            ("phone", "Telefon"),
            ("salutation", "Anrede"),
            ("first_name", "Vorname"),
            ("last_name", "Nachname"),
            ("company", "Firma"),
            ("industry", "Branche"),
            ("street", "Straße"),
            ("postal_code", "PLZ"),
            ("city", "Ort"),
            ("country", "Land"),
            ("language", "Sprache"),
        ],
        delimiter: b';',
        byte_order_mark: true,
        line_end: "\r\n",
        dates: DateStyle::German,
        numbers: NumberStyle::Comma,
        max_rows: SHEET_ROWS,
        ..PLAIN
    },
    // Text of at most 255 bytes; numbers without thousands; only international characters after the @; the type "zip" is American.
    Target {
        name: "mailchimp",
        title: "Mailchimp",
        source: "mailchimp.com/help/format-guidelines-for-your-import-file; mailchimp.com/developer/marketing/docs/merge-fields",
        fields: &[
            ("email", "Email Address"),
            ("first_name", "FNAME"),
            ("last_name", "LNAME"),
            ("phone", "PHONE"),
            ("customer_id", "CUSTOMERID"),
            ("postal_code", "POSTCODE"),
        ],
        naming: Naming::MergeTag,
        max_cell_bytes: 255,
        ascii_local_part: true,
        ..TOOL
    },
    // 250 MB, UTF-8; one of EMAIL, SMS, EXT_ID, … is needed; numbers with + and without marks. Other phones than mobiles are no SMS.
    Target {
        name: "brevo",
        title: "Brevo",
        source: "help.brevo.com/hc/en-us/articles/208729849; developers.brevo.com/reference/importcontacts-1",
        fields: &[
            ("email", "EMAIL"),
            ("customer_id", "EXT_ID"),
            ("first_name", "FIRSTNAME"),
            ("last_name", "LASTNAME"),
            ("phone", "LANDLINE_NUMBER"),
        ],
        naming: Naming::Upper,
        delimiter: b';',
        max_bytes: 250 * MEGABYTE,
        ..TOOL
    },
    Target {
        name: "cleverreach",
        title: "CleverReach",
        source: "support.cleverreach.de/hc/en-us/articles/202372861",
        fields: &[("email", "Email")],
        delimiter: b';',
        ..TOOL
    },
    Target {
        name: "hubspot",
        title: "HubSpot",
        source: "knowledge.hubspot.com/import-and-export/set-up-your-import-file",
        fields: &[
            ("email", "Email"),
            ("first_name", "First Name"),
            ("last_name", "Last Name"),
            ("phone", "Phone Number"),
            ("company", "Company Name"),
            ("street", "Street Address"),
            ("country", "Country/Region"),
            ("language", "Preferred language"),
        ],
        naming: Naming::Label,
        yes_no: Some(["true", "false"]),
        max_rows: SHEET_ROWS,
        max_bytes: 512 * MEGABYTE,
        ..TOOL
    },
    // The first column is the e-mail address or the phone number, no address stands twice; phones in E.164.
    Target {
        name: "klaviyo",
        title: "Klaviyo",
        source: "help.klaviyo.com/hc/en-us/articles/115005078967; help.klaviyo.com/hc/en-us/articles/115005078807",
        fields: &[
            ("email", "Email Address"),
            ("phone", "Phone Number"),
            ("company", "Organization"),
            ("street", "Address"),
            ("postal_code", "Zip Code"),
        ],
        naming: Naming::Label,
        yes_no: Some(["true", "false"]),
        max_bytes: 50 * MEGABYTE,
        ..TOOL
    },
    // "If your CSV contains more than a few thousand Contacts, divide the file"; anything but true, 1, on, yes is no.
    Target {
        name: "mautic",
        title: "Mautic",
        source: "docs.mautic.org/en/contacts/import-contacts",
        fields: &[
            ("email", "email"),
            ("first_name", "firstname"),
            ("last_name", "lastname"),
            ("salutation", "title"),
            ("street", "address1"),
            ("postal_code", "zipcode"),
            ("language", "preferred_locale"),
        ],
        yes_no: Some(["true", "false"]),
        max_rows: 5_000,
        ..TOOL
    },
    // Headers are compared letter by letter, others ignored; an update replaces all attributes, so that the object is whole.
    Target {
        name: "listmonk",
        title: "listmonk",
        source: "github.com/knadh/listmonk, internal/subimporter/importer.go; issues 325 and 2010",
        shape: Shape::Subscriber,
        yes_no: Some(["true", "false"]),
        ..TOOL
    },
    // A contact is known by its subscriber key: the customer id, so that two customers may share an address.
    Target {
        name: "salesforce-marketing-cloud",
        title: "Salesforce Marketing Cloud",
        source: "help.salesforce.com, mc_es_import_file_requirements",
        fields: &[
            ("customer_id", "SubscriberKey"),
            ("email", "EmailAddress"),
            ("first_name", "FirstName"),
            ("last_name", "LastName"),
        ],
        shape: Shape::IdFirst,
        once_an_address: false,
        ..TOOL
    },
    // Comma, decimal point, no characters of four bytes, no line breaks even in quotes; which of two rows with one key wins is open.
    Target {
        name: "emarsys",
        title: "SAP Emarsys",
        source: "help.emarsys.com/hc/de/articles/360010573974-CSV-guidelines; help.emarsys.com/hc/en-us/articles/4408176447377",
        max_bytes: 64 * MEGABYTE,
        four_byte_characters: false,
        line_breaks: false,
        ..TOOL
    },
    Target {
        name: "inxmail",
        title: "Inxmail",
        source: "help.inxmail.com/en/content/xnew/empfaenger-innen/import.htm",
        delimiter: b';',
        ..TOOL
    },
    // Headers in English and no others; names, country and postal code together or not at all.
    Target {
        name: "google-customer-match",
        title: "Google Customer Match",
        source: "support.google.com/google-ads/answer/7476159; g.co/wudy8r",
        channel: Channel::Ads,
        shape: Shape::Audience(Platform::Google),
        fields: &[
            ("email", "Email"),
            ("phone", "Phone"),
            ("first_name", "First Name"),
            ("last_name", "Last Name"),
            ("country", "Country"),
            ("postal_code", "Zip"),
        ],
        only_fields: true,
        ..TOOL
    },
    Target {
        name: "meta",
        title: "Meta custom audience",
        source: "facebook.com/business/help/2082575038703844; developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences",
        channel: Channel::Ads,
        shape: Shape::Audience(Platform::Meta),
        fields: &[
            ("email", "email"),
            ("phone", "phone"),
            ("first_name", "fn"),
            ("last_name", "ln"),
            ("postal_code", "zip"),
            ("city", "ct"),
            ("country", "country"),
            ("clv", "value"),
        ],
        only_fields: true,
        ..TOOL
    },
    // Postal codes are text: every cell is quoted, and 01067 keeps its zero.
    Target {
        name: "letter-shop",
        title: "letter shop",
        source: "DIN 5008:2020, address field; RFC 4180",
        channel: Channel::Post,
        shape: Shape::Letter,
        delimiter: b';',
        byte_order_mark: true,
        line_end: "\r\n",
        quotes_all: true,
        numbers: NumberStyle::Comma,
        dates: DateStyle::German,
        line_breaks: false,
        ..PLAIN
    },
    Target {
        name: "call-list",
        title: "call list",
        source: "ITU-T E.164; support.microsoft.com, Excel specifications and limits",
        channel: Channel::Phone,
        shape: Shape::CallList,
        delimiter: b';',
        byte_order_mark: true,
        line_end: "\r\n",
        numbers: NumberStyle::Comma,
        dates: DateStyle::German,
        max_rows: SHEET_ROWS,
        line_breaks: false,
        normalises: true,
        ..PLAIN
    },
];
