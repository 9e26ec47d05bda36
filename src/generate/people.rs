//! Customer master data of invented people: name, address at an example domain, postal address, consent.
//!
//! Consent is yes for 55%, no for 40%, unknown for 5%; 1% object to profiling; 4% have no e-mail address. Nothing here depends on what
//! somebody buys except whether it is a company.

use rand::Rng;

use super::names::{LAST, MEN, STREETS, TOWNS, WOMEN};
use super::orders::House;
use super::stream::{Purpose, chance, pick, stream};

/// Number of the first customer; written with eight digits.
pub const FIRST_CUSTOMER: u32 = 10_001;
const DOMAINS: [&str; 4] = ["example.de", "example.at", "example.ch", "example.com"];
const LEGAL_FORMS: [&str; 5] = ["GmbH", "GmbH & Co. KG", "e.K.", "KG", "AG"];

/// One customer of the master data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub email: String,
    /// `Frau`, `Herr`, or empty.
    pub salutation: &'static str,
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub company: String,
    pub street: String,
    pub postal_code: String,
    pub city: &'static str,
    /// `DE`, `AT` or `CH`.
    pub country: &'static str,
    pub email_opt_in: Option<bool>,
    pub objection: bool,
}

impl Person {
    /// Draws the master data of a customer.
    pub fn draw(house: &House, customer: u32) -> Self {
        let mut rng = stream(house.seed, Purpose::Master, customer);
        let (salutation, first_names) = if chance(&mut rng, 0.58) { ("Frau", &WOMEN) } else { ("Herr", &MEN) };
        let salutation = if chance(&mut rng, 0.03) { "" } else { salutation };
        let (first_name, last_name) = (*pick(&mut rng, first_names), *pick(&mut rng, &LAST));
        let (partner, legal_form) = (*pick(&mut rng, &LAST), *pick(&mut rng, &LEGAL_FORMS));
        let company = match (house.customer(customer).0.company, chance(&mut rng, 0.3)) {
            (false, _) => String::new(),
            (true, false) => format!("{last_name} {legal_form}"),
            (true, true) => format!("{last_name}, {partner} & Söhne {legal_form}"),
        };
        let street = format!("{} {}", pick(&mut rng, &STREETS), rng.random_range(1..150_u32));
        let town = pick(&mut rng, &TOWNS);
        let postal_code = match town.country {
            "DE" => format!("{:05}", town.postal_code + 2 * rng.random_range(0..10_u32)),
            _ => format!("{:04}", town.postal_code),
        };
        let domain = match (chance(&mut rng, 0.3), town.country) {
            (true, _) => DOMAINS[3],
            (false, "AT") => DOMAINS[1],
            (false, "CH") => DOMAINS[2],
            (false, _) => DOMAINS[0],
        };
        // The number keeps addresses distinct.
        let local = format!("{}.{}.{}", ascii(first_name), ascii(last_name), FIRST_CUSTOMER + customer);
        let email = if chance(&mut rng, 0.04) { String::new() } else { format!("{local}@{domain}") };
        let consent = rng.random::<f64>();
        let email_opt_in = if consent < 0.05 { None } else { Some(consent < 0.60) };
        Self {
            email,
            salutation,
            first_name,
            last_name,
            company,
            street,
            postal_code,
            city: town.name,
            country: town.country,
            email_opt_in,
            objection: chance(&mut rng, 0.01),
        }
    }
}

/// Writes a name as addresses have it: lower case, umlauts spelt out, no blanks.
fn ascii(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        match letter {
            'ä' => plain.push_str("ae"),
            'ö' | 'Ö' => plain.push_str("oe"),
            'ü' | 'Ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'é' | 'ë' => plain.push('e'),
            ' ' => plain.push('-'),
            _ => plain.push(letter.to_ascii_lowercase()),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_have_a_plain_spelling() {
        for name in WOMEN.iter().chain(&MEN).chain(&LAST) {
            let plain = ascii(name);
            assert!(plain.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}: {plain}");
        }
    }

    #[test]
    fn consent_and_addresses_have_their_shares() {
        let house = House {
            seed: 5,
            n_customers: 20_000,
            calendar: super::super::calendar::Calendar::new(crate::units::Day(20_634), 365),
            catalogue: super::super::catalogue::Catalogue::new(5, 100),
            population: super::super::behaviour::Population::new(),
        };
        let people: Vec<Person> = (0..20_000).map(|customer| Person::draw(&house, customer)).collect();
        let share = |holds: &dyn Fn(&Person) -> bool| people.iter().filter(|p| holds(p)).count() as f64 / 20_000.0;
        assert!((0.53..0.57).contains(&share(&|p| p.email_opt_in == Some(true))));
        assert!((0.38..0.42).contains(&share(&|p| p.email_opt_in == Some(false))));
        assert!((0.007..0.013).contains(&share(&|p| p.objection)));
        assert!((0.05..0.09).contains(&share(&|p| !p.company.is_empty())));
        assert!(people.iter().any(|p| p.postal_code.starts_with('0') && p.postal_code.len() == 5));
        let mut emails: Vec<&str> = people.iter().map(|p| p.email.as_str()).filter(|e| !e.is_empty()).collect();
        let n_emails = emails.len();
        emails.sort_unstable();
        emails.dedup();
        assert_eq!(emails.len(), n_emails);
    }
}
