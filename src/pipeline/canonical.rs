//! Canonical columns of the input tables, as a pipeline maps them to headers.

use super::shape::{Key, key};
use crate::ingest;

/// How the cells of a column are written; decides whether `formats` may name it, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Plain,
    Number,
    Date,
}

/// A canonical column: its key in `columns` and `formats`, and what its cells hold.
pub(super) struct Canonical {
    pub key: Key,
    pub cell: Cell,
}

const fn plain(name: &'static str, doc: &'static str, header: &'static str) -> Canonical {
    Canonical { key: key(name, doc).example(header), cell: Cell::Plain }
}

const fn number(name: &'static str, doc: &'static str, header: &'static str) -> Canonical {
    Canonical { key: key(name, doc).example(header), cell: Cell::Number }
}

const fn date(name: &'static str, doc: &'static str, header: &'static str) -> Canonical {
    Canonical { key: key(name, doc).example(header), cell: Cell::Date }
}

/// Columns of `[input.transactions]`.
pub(super) const TRANSACTIONS: &[Canonical] = &[
    plain("customer-id", "Customer of the line; without one the line is a guest's", "\"Kundennr\""),
    plain("order-id", "Order, receipt or invoice that the line belongs to", "\"Belegnr\""),
    plain(
        "line-id",
        "Id of the line; replaces the line with the same order and line id in earlier files",
        "\"Position\"",
    ),
    date("date", "Day of the purchase, with or without a time", "\"Datum\""),
    plain("product-id", "Product", "\"Artikelnr\""),
    plain("product-name", "Name of the product", "\"Artikelbezeichnung\""),
    number("quantity", "Pieces; negative where goods came back", "\"Menge\""),
    number("unit-price", "Price of one piece, net of tax; used where there is no amount", "\"Einzelpreis\""),
    number("amount", "Amount of the line, net of tax and discount", "\"Umsatz\""),
    number("cost", "Cost of the goods of the line; switches on margins", "\"Wareneinsatz\""),
    number("margin", "Margin of the line, where there is no cost", "\"Deckungsbeitrag\""),
    number("unit-cost", "Cost of one piece, where there is no cost of the line", "\"Einstandspreis\""),
    plain("discount", "Amount, share or voucher of a discount; that there was one is what counts", "\"Rabatt\""),
    plain("channel", "Way that the order came by", "\"Vertriebsweg\""),
    plain("currency", "Currency code of the line", "\"Währung\""),
    plain("status", "Status of the order; marks cancellations", "\"Status\""),
];

/// Columns of `[input.customers]`.
pub(super) const CUSTOMERS: &[Canonical] = &[
    plain("customer-id", "Customer, as in the transactions", "\"Kundennr\""),
    plain("email", "E-mail address", "\"E-Mail\""),
    plain("phone", "Telephone number", "\"Telefon\""),
    plain("salutation", "Salutation", "\"Anrede\""),
    plain("first-name", "First name", "\"Vorname\""),
    plain("last-name", "Last name", "\"Nachname\""),
    plain("company", "Company", "\"Firma\""),
    plain("industry", "Industry of the company", "\"Branche\""),
    plain("street", "Street and number", "\"Straße\""),
    plain("postal-code", "Postal code", "\"PLZ\""),
    plain("city", "City", "\"Ort\""),
    plain("country", "Country", "\"Land\""),
    plain("language", "Language to write in", "\"Sprache\""),
    plain("email-opt-in", "Consent to e-mail; unknown is no", "\"Newsletter\""),
    plain("phone-opt-in", "Consent to calls; unknown is no", "\"Einwilligung Telefon\""),
    plain("post-opt-out", "Refusal of letters; unknown is no refusal", "\"Postsperre\""),
    plain("ads-opt-in", "Consent to advertising audiences; unknown is no", "\"Einwilligung Werbenetzwerke\""),
    plain("objection", "Objection to profiling; removes the customer before anything is computed", "\"Widerspruch\""),
];

/// Columns of `[input.products]`.
pub(super) const PRODUCTS: &[Canonical] = &[
    plain("product-id", "Product, as in the transactions", "\"Artikelnr\""),
    plain("name", "Name of the product", "\"Bezeichnung\""),
    plain("category", "Group that the product belongs to; rules are found between groups as well", "\"Warengruppe\""),
    number("unit-cost", "Cost of one piece; switches on margins", "\"Einstandspreis\""),
    plain(
        "in-stock",
        "Pieces in stock, or whether it can be had; what cannot is not offered, unknown can",
        "\"Lagerbestand\"",
    ),
];

/// Columns of `[input.contracts]`.
pub(super) const CONTRACTS: &[Canonical] = &[
    plain("customer-id", "Customer of the contract", "\"Kundennr\""),
    plain("product-id", "What the contract is for", "\"Tarif\""),
    date("start-date", "First day of the contract", "\"Vertragsbeginn\""),
    date("end-date", "Last day of the contract; empty while it runs", "\"Vertragsende\""),
    number(
        "tenure-months",
        "Whole months since the start, or up to the cancellation (months begun where no cancelled contract has 0); used where there is no start",
        "\"tenure\"",
    ),
    plain("cancelled", "Whether the contract was cancelled", "\"Churn\""),
    number("price", "Price of the contract a month; switches on value at risk and contact profit", "\"Monatsbeitrag\""),
];

/// Columns of `[input.responses]`.
pub(super) const RESPONSES: &[Canonical] = &[
    plain("customer-id", "Customer who was contacted, or kept as control", "\"Kundennr\""),
    plain("campaign", "Campaign; without it all rows are of one", "\"Kampagne\""),
    plain("arm", "What the customer got, drawn by lot; one arm is the control group", "\"Gruppe\""),
    date("date", "Day of the contact", "\"Datum\""),
    plain("response", "Whether the customer responded: yes or no, or how often; blank is no", "\"Reaktion\""),
    number("amount", "Money that came of it; above zero it is a response where there is no other", "\"Umsatz\""),
];

/// Columns of `[input.assignments]`.
pub(super) const ASSIGNMENTS: &[Canonical] = &[
    plain("customer-id", "Customer who was drawn into a group", "\"Kundennr\""),
    plain("campaign", "Campaign; without it all rows are of one", "\"Kampagne\""),
    plain("arm", "Group that the customer was drawn into; one is the control group", "\"Gruppe\""),
    date("assigned-on", "Day on which the customer was assigned; the first one counts", "\"Versanddatum\""),
    number(
        "share",
        "Share of the customers that this group was to get; switches on the check of the sample ratio",
        "\"Anteil\"",
    ),
    number(
        "drawn",
        "Customers who were ever drawn into this group with this share; tells `measure` how many have left since",
        "\"Gezogen\"",
    ),
    date(
        "selected-on",
        "Last day on which the customer was contacted, or would have been without the lot",
        "\"Ausgewählt am\"",
    ),
];

/// Columns of `[input.suppressions]`.
pub(super) const SUPPRESSIONS: &[Canonical] = &[
    plain("customer-id", "Customer who must not be contacted at all", "\"Kundennr\""),
    plain("email", "Address that must not be written to, or its SHA-256 in hexadecimal", "\"E-Mail\""),
    plain("phone", "Number that must not be called", "\"Telefon\""),
];

/// Columns of `[input.contacts]`.
pub(super) const CONTACTS: &[Canonical] = &[
    plain("customer-id", "Customer, as in the transactions", "\"Kundennr\""),
    date("date", "Day of the contact", "\"Datum\""),
    plain("kind", "What it was: a call, a visit, a complaint", "\"Kontaktart\""),
    plain("channel", "Way that it came by", "\"Kanal\""),
];

/// Columns of `[input.invoices]`.
pub(super) const INVOICES: &[Canonical] = &[
    plain("customer-id", "Customer, as in the transactions", "\"Kundennr\""),
    plain("invoice-id", "Number of the invoice", "\"Belegnr\""),
    date("due-date", "Day on which it has to be paid", "\"Fällig am\""),
    date("paid-date", "Day on which it was paid; empty while it is not", "\"Bezahlt am\""),
];

/// Columns of `[input.baskets]`.
pub(super) const BASKETS: &[Canonical] = &[
    plain("basket-id", "Basket, receipt or order", "\"Bonnr\""),
    plain("product-id", "Product in the basket", "\"Artikelnr\""),
    plain("customer-id", "Whose basket it is; without one it is a guest's", "\"Kundennr\""),
];

/// Customer columns that a campaign file may hold beside the e-mail address: what is kept as text, but nobody's objection.
pub(super) fn campaign_attributes() -> Vec<&'static str> {
    let texts = ingest::CUSTOMERS.columns.iter().filter(|column| column.cell == ingest::Cell::Text);
    let names = texts.filter_map(ingest::ColumnRequest::own_name);
    names.filter(|name| !["email", "objection"].contains(name)).collect()
}

/// Customer columns that say who somebody is or where to find them: no analysis reads them.
const PERSONAL: [&str; 5] = ["phone", "first_name", "last_name", "company", "street"];

/// Canonical customer columns that an analysis may read.
pub(super) fn analysed_attributes() -> Vec<&'static str> {
    campaign_attributes().into_iter().filter(|name| !PERSONAL.contains(name)).collect()
}

/// Canonical customer columns that a segment may ask for: nothing that says who somebody is. That a company is named tells of a business.
pub(super) fn segment_attributes() -> Vec<&'static str> {
    analysed_attributes().into_iter().chain(["company"]).collect()
}

/// Returns the canonical customer column that an attribute of this name is, whatever it is called in the export.
pub(super) fn canonical_attribute(name: &str) -> Option<&'static str> {
    let normal = name.replace('_', "");
    let is_it = |column: &&'static ingest::ColumnRequest| {
        column.name.replace('_', "") == normal || column.synonyms.contains(&normal.as_str())
    };
    ingest::CUSTOMERS.columns.iter().find(is_it).and_then(ingest::ColumnRequest::own_name)
}

/// Names an attribute by its header: lower-case letters, digits and single underscores.
pub(super) fn attribute_name(header: &str) -> String {
    let mut name = String::new();
    for c in header.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => name.push_str("ae"),
            'ö' => name.push_str("oe"),
            'ü' => name.push_str("ue"),
            'ß' => name.push_str("ss"),
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.is_empty() || name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// Turns a key into the name of the column.
pub(super) fn snake_case(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What a pipeline can map is what the reader of the table looks for, with the same kind of cell.
    #[test]
    fn columns_are_those_that_are_read() {
        for (canonical, spec) in [
            (TRANSACTIONS, &ingest::TRANSACTIONS),
            (CUSTOMERS, &ingest::CUSTOMERS),
            (PRODUCTS, &ingest::PRODUCTS),
            (CONTRACTS, &ingest::CONTRACTS),
            (RESPONSES, &ingest::RESPONSES),
            (ASSIGNMENTS, &ingest::ASSIGNMENTS),
            (SUPPRESSIONS, &ingest::SUPPRESSIONS),
            (CONTACTS, &ingest::CONTACTS),
            (BASKETS, &ingest::BASKETS),
            (INVOICES, &ingest::INVOICES),
        ] {
            let mapped = canonical.iter().map(|column| (snake_case(column.key.name), column.cell));
            let read = spec.columns.iter().map(|column| {
                let cell = match column.cell {
                    ingest::Cell::Decimal => Cell::Number,
                    ingest::Cell::Date => Cell::Date,
                    _ => Cell::Plain,
                };
                (column.name.to_string(), cell)
            });
            assert_eq!(mapped.collect::<BTreeMap<_, _>>(), read.collect::<BTreeMap<_, _>>(), "{}", spec.name);
        }
    }

    #[test]
    fn attributes_are_named_by_their_headers() {
        for (header, name) in [
            ("Plan", "plan"),
            ("Größe (Mitarbeiter)", "groesse_mitarbeiter"),
            ("ABC-Kunde?", "abc_kunde"),
            ("  X  ", "x"),
            ("%", ""),
        ] {
            assert_eq!(attribute_name(header), name);
        }
        assert_eq!(
            ["e_mail_adresse", "vorname", "plan"].map(canonical_attribute),
            [Some("email"), Some("first_name"), None]
        );
        assert_eq!(analysed_attributes(), ["salutation", "industry", "postal_code", "city", "country", "language"]);
    }

    #[test]
    fn campaigns_take_texts_and_neither_consent_nor_objections() {
        let attributes = campaign_attributes();
        assert!(attributes.contains(&"first_name") && attributes.contains(&"company"));
        assert!(!attributes.contains(&"email_opt_in") && !attributes.contains(&"objection"));
    }
}
