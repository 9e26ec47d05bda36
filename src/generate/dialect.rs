//! How the tables are written down: clean (comma, ISO dates, decimal point, English headers) or as German exports are.
//!
//! | table        | clean       | German                                                                     |
//! |--------------|-------------|----------------------------------------------------------------------------|
//! | transactions | UTF-8, LF   | Windows-1252, CRLF, `;`, `dd.mm.yyyy`, `1.234,56`, with the product's name |
//! | products     | UTF-8, LF   | Windows-1252, CRLF, `;`, `1.234,56`                                         |
//! | customers    | UTF-8, LF   | UTF-8 with BOM, CRLF, `;`, `ja`/`nein`, country names                       |
//!
//! Digits are written by hand from integers, so that no platform's number formatting takes part.

use std::borrow::Cow;

use super::catalogue::Product;
use super::orders::{House, Line};
use super::people::{FIRST_CUSTOMER, Person};
use super::words::DEPARTMENTS;

/// How clean the exports are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dirt {
    /// As klientel itself would write them.
    #[default]
    Clean,
    /// As they come from a German merchandise management system.
    German,
}

/// What is wrong with a row that no reader should accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The 31st of February.
    Date,
    /// Three fields more than the header has.
    Fields,
    /// Text where the amount should be.
    Amount,
}

/// Renders rows of all three tables; holds what repeats in them ready.
pub struct Scribe<'a> {
    house: &'a House,
    dirt: Dirt,
    days: Vec<Vec<u8>>,
    /// Id and, in German, name, with the separator after each.
    products: Vec<Vec<u8>>,
    first_document: u32,
}

impl Dirt {
    fn separator(self) -> u8 {
        if self == Self::German { b';' } else { b',' }
    }

    fn end(self) -> &'static [u8] {
        if self == Self::German { b"\r\n" } else { b"\n" }
    }

    /// Encodes a text of transactions or products.
    fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Clean => Cow::Borrowed(text.as_bytes()),
            Self::German => encoding_rs::WINDOWS_1252.encode(text).0,
        }
    }

    /// Returns the header row of the transactions.
    pub fn transactions_header(self) -> &'static [u8] {
        match self {
            Self::Clean => b"customer_id,order_id,date,product_id,quantity,amount,cost\n",
            Self::German => b"Kundennr;Belegnr;Datum;Artikelnr;Artikelbezeichnung;Menge;Umsatz;Wareneinsatz\r\n",
        }
    }

    /// Returns the header row of the customers, after the byte order mark if there is one.
    pub fn customers_header(self) -> &'static str {
        match self {
            Self::Clean => {
                "customer_id,email,salutation,first_name,last_name,company,street,postal_code,city,country,email_opt_in,objection\n"
            }
            Self::German => {
                "\u{feff}Kundennr;E-Mail;Anrede;Vorname;Nachname;Firma;Strasse;PLZ;Ort;Land;Newsletter;Widerspruch\r\n"
            }
        }
    }

    /// Returns the header row of the products.
    pub fn products_header(self) -> &'static [u8] {
        match self {
            Self::Clean => b"product_id,name,category,list_price,unit_cost\n",
            Self::German => b"Artikelnr;Bezeichnung;Warengruppe;Listenpreis;Einkaufspreis\r\n",
        }
    }

    fn push_money(self, out: &mut Vec<u8>, minor: i64) {
        if minor < 0 {
            out.push(b'-');
        }
        let (major, cents) = (minor.unsigned_abs() / 100, (minor.unsigned_abs() % 100) as u8);
        let (point, thousands) = if self == Self::German { (b',', major >= 1_000) } else { (b'.', false) };
        if thousands {
            push_number(out, major / 1_000, 1);
            out.push(b'.');
            push_number(out, major % 1_000, 3);
        } else {
            push_number(out, major, 1);
        }
        out.extend([point, b'0' + cents / 10, b'0' + cents % 10]);
    }

    fn push_text(self, out: &mut Vec<u8>, text: &[u8]) {
        if !text.iter().any(|byte| matches!(byte, b'"' | b'\n') || *byte == self.separator()) {
            out.extend_from_slice(text);
            return;
        }
        out.push(b'"');
        for &byte in text {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    }
}

impl<'a> Scribe<'a> {
    /// Prepares the texts of days and products; `first_document` is the number of the first order.
    pub fn new(house: &'a House, dirt: Dirt, first_document: u32) -> Self {
        let days = (0..house.calendar.n_days()).map(|offset| {
            let (year, month, day) = house.calendar.day(offset).ymd();
            match dirt {
                Dirt::Clean => format!("{year:04}-{month:02}-{day:02}").into_bytes(),
                Dirt::German => format!("{day:02}.{month:02}.{year:04}").into_bytes(),
            }
        });
        let products = house.catalogue.products().iter().map(|product| {
            let mut fields = product.id.clone().into_bytes();
            fields.push(dirt.separator());
            if dirt == Dirt::German {
                dirt.push_text(&mut fields, &dirt.encode(&product.name));
                fields.push(dirt.separator());
            }
            fields
        });
        Self { house, dirt, days: days.collect(), products: products.collect(), first_document }
    }

    /// Appends a transaction line.
    pub fn line(&self, out: &mut Vec<u8>, line: &Line) {
        self.row(out, line, None);
    }

    /// Appends a copy of a transaction line that no reader should accept.
    pub fn broken_line(&self, out: &mut Vec<u8>, line: &Line, broken: Broken) {
        self.row(out, line, Some(broken));
    }

    /// Appends the customer number of a line, nothing for a guest.
    pub fn push_customer(&self, out: &mut Vec<u8>, line: &Line) {
        if !line.guest {
            push_number(out, u64::from(FIRST_CUSTOMER) + u64::from(line.customer), 8);
        }
    }

    /// Appends the document number of a line.
    pub fn push_document(&self, out: &mut Vec<u8>, line: &Line) {
        if line.is_return() {
            out.push(b'G');
        }
        push_number(out, u64::from(self.first_document) + u64::from(line.document), 8);
    }

    /// Appends the master data of a customer.
    pub fn customer(&self, out: &mut Vec<u8>, customer: u32) {
        let Person {
            email,
            salutation,
            first_name,
            last_name,
            company,
            street,
            postal_code,
            city,
            country,
            email_opt_in,
            objection,
        } = Person::draw(self.house, customer);
        let (country, yes, no) = match (self.dirt, country) {
            (Dirt::Clean, code) => (code, "true", "false"),
            (Dirt::German, "AT") => ("Österreich", "ja", "nein"),
            (Dirt::German, "CH") => ("Schweiz", "ja", "nein"),
            (Dirt::German, _) => ("Deutschland", "ja", "nein"),
        };
        let consent = email_opt_in.map_or("", |given| if given { yes } else { no });
        push_number(out, u64::from(FIRST_CUSTOMER) + u64::from(customer), 8);
        let texts =
            [&email, salutation, first_name, last_name, &company, &street, &postal_code, city, country, consent];
        for text in texts.into_iter().chain([if objection { yes } else { no }]) {
            out.push(self.dirt.separator());
            self.dirt.push_text(out, text.as_bytes());
        }
        out.extend_from_slice(self.dirt.end());
    }

    /// Appends an article.
    pub fn product(&self, out: &mut Vec<u8>, product: &Product) {
        let category = product.department.map_or("", |ix| DEPARTMENTS[ix].name);
        self.dirt.push_text(out, &self.dirt.encode(&product.id));
        for text in [product.name.as_str(), category] {
            out.push(self.dirt.separator());
            self.dirt.push_text(out, &self.dirt.encode(text));
        }
        for money in [product.list_price, product.unit_cost] {
            out.push(self.dirt.separator());
            if money != 0 {
                self.dirt.push_money(out, money);
            }
        }
        out.extend_from_slice(self.dirt.end());
    }

    fn row(&self, out: &mut Vec<u8>, line: &Line, broken: Option<Broken>) {
        let separator = self.dirt.separator();
        self.push_customer(out, line);
        out.push(separator);
        self.push_document(out, line);
        out.push(separator);
        match (broken, &self.days[line.offset() as usize]) {
            (Some(Broken::Date), day) if self.dirt == Dirt::German => {
                out.extend_from_slice(b"31.02.");
                out.extend_from_slice(&day[6..]);
            }
            (_, day) => out.extend_from_slice(day),
        }
        out.push(separator);
        out.extend_from_slice(&self.products[line.product as usize]);
        if line.pieces < 0 {
            out.push(b'-');
        }
        push_number(out, u64::from(line.pieces.unsigned_abs()), 1);
        out.push(separator);
        if broken == Some(Broken::Amount) {
            out.extend_from_slice(b"siehe Beleg");
        } else {
            self.dirt.push_money(out, i64::from(line.amount));
        }
        out.push(separator);
        self.dirt.push_money(out, i64::from(line.cost));
        if broken == Some(Broken::Fields) {
            out.extend([separator, separator, separator]);
        }
        out.extend_from_slice(self.dirt.end());
    }
}

/// Appends a number with at least `width` digits.
fn push_number(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[start.min(digits.len() - width)..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_each_dialect_has_it() {
        let check = |dirt: Dirt, minor, expected: &str| {
            let mut out = Vec::new();
            dirt.push_money(&mut out, minor);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(Dirt::Clean, -1_234_505, "-12345.05");
        check(Dirt::Clean, 7, "0.07");
        check(Dirt::German, -1_234_505, "-12.345,05");
        check(Dirt::German, 99_999, "999,99");
        check(Dirt::German, 100_000, "1.000,00");
    }

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        let check = |dirt: Dirt, text: &str, expected: &str| {
            let mut out = Vec::new();
            dirt.push_text(&mut out, text.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(Dirt::German, "Monitor 24\"", "\"Monitor 24\"\"\"");
        check(Dirt::German, "Näpfe; 2er-Set", "\"Näpfe; 2er-Set\"");
        check(Dirt::German, "Heringe, 10 Stück", "Heringe, 10 Stück");
        check(Dirt::Clean, "Heringe, 10 Stück", "\"Heringe, 10 Stück\"");
    }

    #[test]
    fn numbers_keep_their_width() {
        let check = |number, width, expected: &str| {
            let mut out = Vec::new();
            push_number(&mut out, number, width);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(0, 1, "0");
        check(42, 8, "00000042");
        check(123_456_789, 8, "123456789");
    }
}
