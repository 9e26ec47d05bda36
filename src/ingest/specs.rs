//! The tables of an export: their columns and the names that shops, ledgers and ERP systems give them in English and German.
//!
//! Synonyms are in normal form (see `headers`), the surest first; the long lists are in `synonyms`.

use std::borrow::Cow;

use super::spec::{Cell, ColumnRequest, TableSpec};
use super::synonyms::{
    AMOUNT, CATEGORY, COUNTRY, CUSTOMER_ID, DATE, EMAIL, LINE_ID, NAME, ORDER_ID, PHONE, PRODUCT_ID, PRODUCT_NAME,
    QUANTITY, UNIT_COST, UNIT_PRICE,
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
        optional(
            "discount",
            Cell::Text,
            &[
                "rabatt",
                "rabattbetrag",
                "rabattprozent",
                "rabattsatz",
                "nachlass",
                "preisnachlass",
                "gutschein",
                "gutscheincode",
                "discountamount",
                "discountpercent",
                "discountrate",
                "discountcode",
                "coupon",
                "couponcode",
                "voucher",
                "vouchercode",
            ],
        ),
        optional(
            "channel",
            Cell::Text,
            &[
                "kanal",
                "verkaufskanal",
                "vertriebskanal",
                "vertriebsweg",
                "bestellweg",
                "bestellkanal",
                "absatzkanal",
                "saleschannel",
                "orderchannel",
            ],
        ),
        optional("currency", Cell::Text, &["waehrung", "waehrungscode", "whrg", "currencycode"]),
        optional(
            "status",
            Cell::Text,
            &["belegart", "belegtyp", "auftragsart", "auftragsstatus", "bestellstatus", "orderstatus", "documenttype"],
        ),
    ]),
    one_of: &[&["amount"], &["quantity", "unit_price"]],
    one_of_may_be_empty: false,
};

/// Customer master data.
pub static CUSTOMERS: TableSpec = TableSpec {
    name: "customers",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        optional("email", Cell::Text, EMAIL),
        optional("phone", Cell::Text, PHONE),
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
            "phone_opt_in",
            Cell::Flag,
            &[
                "einwilligungtelefon",
                "telefoneinwilligung",
                "anruferlaubt",
                "phoneconsent",
                "telefonoptin",
                "calloptin",
            ],
        ),
        optional(
            "post_opt_out",
            Cell::Flag,
            &["postsperre", "briefsperre", "keinepost", "robinsonliste", "widerspruchpost", "nomail", "donotmail"],
        ),
        optional(
            "ads_opt_in",
            Cell::Flag,
            &[
                "einwilligungwerbung",
                "werbenetzwerke",
                "adsconsent",
                "adpersonalization",
                "aduserdata",
                "einwilligungads",
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
                "werbesperrkennzeichen",
                "werbesperrkz",
                "sperrkennzeichen",
                "werbeverbot",
                "werbestopp",
                "werbesperrvermerk",
                "keinewerbung",
                "profilingsperre",
                "hasobjected",
                "optedout",
                "donotcontact",
                "nomarketing",
                "marketingoptout",
            ],
        ),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Product master data.
pub static PRODUCTS: TableSpec = TableSpec {
    name: "products",
    columns: Cow::Borrowed(&[
        required("product_id", Cell::Id, false, PRODUCT_ID),
        optional("name", Cell::Text, NAME),
        optional("category", Cell::Text, CATEGORY),
        optional("unit_cost", Cell::Decimal, UNIT_COST),
        optional(
            "in_stock",
            Cell::Text,
            &[
                "bestand",
                "lagerbestand",
                "lagermenge",
                "auflager",
                "lieferbar",
                "verfuegbar",
                "verfuegbarkeit",
                "stock",
                "stockqty",
                "stockquantity",
                "stocklevel",
                "stockstatus",
                "quantityonhand",
                "available",
                "availability",
                "inventory",
            ],
        ),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Contracts: one row a contract with its dates, or one row a customer with tenure and status.
pub static CONTRACTS: TableSpec = TableSpec {
    name: "contracts",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        optional("product_id", Cell::Id, PRODUCT_ID),
        optional(
            "start_date",
            Cell::Date,
            &["vertragsbeginn", "vertragsstart", "laufzeitbeginn", "contractstart", "startdatum", "beginn", "start"],
        ),
        optional(
            "end_date",
            Cell::Date,
            &["vertragsende", "laufzeitende", "contractend", "enddatum", "kuendigungzum", "ende", "end"],
        ),
        optional(
            "tenure_months",
            Cell::Decimal,
            &["tenure", "tenureinmonths", "monthsactive", "monateaktiv", "vertragsdauermonate", "kundeseitmonaten"],
        ),
        optional(
            "cancelled",
            Cell::Text,
            &["canceled", "churn", "churned", "iscancelled", "ischurned", "gekuendigt", "exited", "attrition"],
        ),
        optional("price", Cell::Decimal, &["preis", "beitrag", "monatsbeitrag", "monthlyprice", "premium"]),
    ]),
    one_of: &[&["start_date"], &["tenure_months", "cancelled"]],
    one_of_may_be_empty: false,
};

/// Responses to past campaigns.
pub static RESPONSES: TableSpec = TableSpec {
    name: "responses",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        optional("campaign", Cell::Text, &["kampagne", "campaignname", "aktion", "mailing"]),
        required("arm", Cell::Text, false, &["gruppe", "group", "variante", "variant", "treatment", "testgruppe"]),
        optional("date", Cell::Date, DATE),
        optional("response", Cell::Text, &["reaktion", "responded", "antwort", "reagiert"]),
        optional("amount", Cell::Decimal, AMOUNT),
    ]),
    one_of: &[&["response"], &["amount"]],
    // Everybody who was drawn counts, and who did not answer has nothing to export.
    one_of_may_be_empty: true,
};

/// Who was drawn into which group of a campaign.
pub static ASSIGNMENTS: TableSpec = TableSpec {
    name: "assignments",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        optional("campaign", Cell::Text, &["kampagne", "campaignname", "aktion", "mailing"]),
        required("arm", Cell::Text, false, &["gruppe", "group", "variante", "variant", "treatment", "testgruppe"]),
        required("assigned_on", Cell::Date, false, &["assignedat", "zugewiesenam", "versanddatum", "datum", "date"]),
        optional("share", Cell::Decimal, &["plannedshare", "anteil"]),
        optional("drawn", Cell::Decimal, &["gezogen"]),
        optional("selected_on", Cell::Date, &["ausgewaehltam"]),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Contacts beside the orders: calls, visits, complaints.
pub static CONTACTS: TableSpec = TableSpec {
    name: "contacts",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        required(
            "date",
            Cell::Date,
            false,
            &["kontaktdatum", "contactdate", "datum", "day", "tag", "timestamp", "createdat"],
        ),
        optional(
            "kind",
            Cell::Text,
            &["art", "kontaktart", "typ", "anlass", "grund", "type", "contacttype", "reason", "category"],
        ),
        optional("channel", Cell::Text, &["kanal", "kontaktkanal", "medium", "contactchannel"]),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Who must not be contacted: by customer, by address or by number.
pub static SUPPRESSIONS: TableSpec = TableSpec {
    name: "suppressions",
    columns: Cow::Borrowed(&[
        optional("customer_id", Cell::Id, CUSTOMER_ID),
        optional("email", Cell::Text, EMAIL),
        optional("phone", Cell::Text, PHONE),
    ]),
    one_of: &[&["customer_id"], &["email"], &["phone"]],
    // Each row names what it knows.
    one_of_may_be_empty: true,
};

/// Invoices, and when they were paid.
pub static INVOICES: TableSpec = TableSpec {
    name: "invoices",
    columns: Cow::Borrowed(&[
        required("customer_id", Cell::Id, false, CUSTOMER_ID),
        optional("invoice_id", Cell::Id, ORDER_ID),
        required(
            "due_date",
            Cell::Date,
            false,
            &[
                "faellig",
                "faelligam",
                "faelligkeit",
                "faelligkeitsdatum",
                "zahlbarbis",
                "nettofaelligkeit",
                "due",
                "dueon",
            ],
        ),
        required(
            "paid_date",
            Cell::Date,
            true,
            &[
                "bezahlt",
                "bezahltam",
                "zahldatum",
                "zahlungsdatum",
                "zahlungseingang",
                "ausgleichsdatum",
                "settleddate",
                "settledon",
                "paymentdate",
                "paidon",
                "paid",
            ],
        ),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

/// Baskets: one row a product.
pub static BASKETS: TableSpec = TableSpec {
    name: "baskets",
    columns: Cow::Borrowed(&[
        required(
            "basket_id",
            Cell::Id,
            false,
            &[
                "warenkorb",
                "warenkorbnr",
                "korb",
                "basket",
                "basketno",
                "cart",
                "cartid",
                "transaction",
                "transactionid",
            ],
        ),
        required("product_id", Cell::Id, false, PRODUCT_ID),
        optional("customer_id", Cell::Id, CUSTOMER_ID),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};
