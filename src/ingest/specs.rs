//! The tables of an export: their columns and the names that shops, ledgers and ERP systems give them in English and German.
//!
//! Synonyms are in normal form (see `headers`), the surest first; the long lists are in `synonyms`.

use std::borrow::Cow;

use super::spec::{Cell, ColumnRequest, TableSpec};
use super::synonyms::{
    AMOUNT, CATEGORY, COUNTRY, CUSTOMER_ID, DATE, LINE_ID, NAME, ORDER_ID, PRODUCT_ID, PRODUCT_NAME, QUANTITY,
    UNIT_COST, UNIT_PRICE,
};

/// A column that need not be there and may hold empty cells.
pub(super) const fn optional(name: &'static str, cell: Cell, synonyms: &'static [&'static str]) -> ColumnRequest {
    ColumnRequest { name: Cow::Borrowed(name), cell, required: false, nullable: true, synonyms }
}

/// A column that must be there.
pub(super) const fn required(
    name: &'static str,
    cell: Cell,
    nullable: bool,
    synonyms: &'static [&'static str],
) -> ColumnRequest {
    ColumnRequest { name: Cow::Borrowed(name), cell, required: true, nullable, synonyms }
}

/// Lines of orders or invoices.
pub static TRANSACTIONS: TableSpec = TableSpec {
    name: "transactions",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, true, CUSTOMER_ID),
        optional("order_id", Cell::Id, ORDER_ID),
        optional("line_id", Cell::Id, LINE_ID),
        required("date", Cell::Date, false, DATE),
        optional("product_id", Cell::Id, PRODUCT_ID),
        optional("product_name", Cell::Text, PRODUCT_NAME),
        optional("quantity", Cell::Decimal, QUANTITY),
        optional("unit_price", Cell::Decimal, UNIT_PRICE),
        optional("amount", Cell::Decimal, AMOUNT),
        optional(
            "cost",
            Cell::Decimal,
            &[
                "wareneinsatz",
                "einstandswert",
                "ekgesamt",
                "ekwert",
                "kosten",
                "cogs",
                "costofgoodssold",
                "totalcost",
                "costs",
                "costamount",
            ],
        ),
        optional(
            "margin",
            Cell::Decimal,
            &[
                "deckungsbeitrag",
                "db",
                "db1",
                "rohertrag",
                "rohgewinn",
                "marge",
                "gewinn",
                "profit",
                "grossprofit",
                "grossmargin",
            ],
        ),
        optional("unit_cost", Cell::Decimal, UNIT_COST),
        optional("currency", Cell::Text, &["waehrung", "waehrungscode", "whrg", "currencycode"]),
        optional(
            "status",
            Cell::Text,
            &["belegart", "belegtyp", "auftragsart", "auftragsstatus", "bestellstatus", "orderstatus", "documenttype"],
        ),
    ]),
    one_of: &[&["amount"], &["quantity", "unit_price"]],
};

/// Customer master data.
pub static CUSTOMERS: TableSpec = TableSpec {
    name: "customers",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        optional(
            "email",
            Cell::Text,
            &["emailadresse", "emailaddress", "mail", "mailadresse", "mailaddress", "kundenemail", "customeremail"],
        ),
        optional(
            "phone",
            Cell::Text,
            &[
                "telefon",
                "telefonnr",
                "telefonnummer",
                "tel",
                "telnr",
                "rufnummer",
                "mobil",
                "mobiltelefon",
                "handy",
                "phonenumber",
                "telephone",
                "mobile",
            ],
        ),
        optional("salutation", Cell::Text, &["anrede", "briefanrede", "title"]),
        optional("first_name", Cell::Text, &["vorname", "givenname", "forename"]),
        optional("last_name", Cell::Text, &["nachname", "familienname", "zuname", "surname", "familyname"]),
        optional(
            "company",
            Cell::Text,
            &["firma", "firmenname", "unternehmen", "name1", "companyname", "organisation", "organization"],
        ),
        optional("industry", Cell::Text, &["branche", "branchencode", "sector"]),
        optional(
            "street",
            Cell::Text,
            &[
                "strasse",
                "strassehausnr",
                "strasseundhausnummer",
                "adresse",
                "anschrift",
                "address",
                "address1",
                "addressline1",
                "streetaddress",
            ],
        ),
        optional("postal_code", Cell::Text, &["plz", "postleitzahl", "postcode", "zip", "zipcode"]),
        optional("city", Cell::Text, &["ort", "stadt", "wohnort", "town"]),
        optional("country", Cell::Text, COUNTRY),
        optional("language", Cell::Text, &["sprache", "sprachcode", "lang", "languagecode", "locale"]),
        optional(
            "email_opt_in",
            Cell::Flag,
            &[
                "newsletter",
                "einwilligung",
                "werbeeinwilligung",
                "einwilligungemail",
                "emaileinwilligung",
                "newsletteroptin",
                "newsletteranmeldung",
                "optin",
                "emailconsent",
                "marketingconsent",
                "acceptsmarketing",
                "acceptsemailmarketing",
                "consent",
                "subscribed",
                "emailstatus",
            ],
        ),
        optional(
            "objection",
            Cell::Text,
            &[
                "widerspruch",
                "werbewiderspruch",
                "profilingwiderspruch",
                "widerspruchprofiling",
                "werbesperre",
                "optout",
                "donotprofile",
            ],
        ),
    ]),
    one_of: &[],
};

/// Product master data.
pub static PRODUCTS: TableSpec = TableSpec {
    name: "products",
    columns: Cow::Borrowed(&[
        required("product_id", Cell::Id, false, PRODUCT_ID),
        optional("name", Cell::Text, NAME),
        optional("category", Cell::Text, CATEGORY),
        optional("unit_cost", Cell::Decimal, UNIT_COST),
    ]),
    one_of: &[],
};
