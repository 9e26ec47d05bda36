//! Identifiers for advertising audiences: normalised as the platform says, then hashed with SHA-256 (lower-case hexadecimal digits).
//!
//! | identifier  | Google Customer Match                     | Meta custom audience                                |
//! |-------------|-------------------------------------------|-----------------------------------------------------|
//! | e-mail      | trimmed, lower case; hashed               | the same; hashed                                    |
//! | phone       | E.164 with `+`; hashed                    | E.164 without `+`; hashed                           |
//! | names       | lower case, no white space; hashed        | lower case, no white space or punctuation; hashed   |
//! | city        | not taken                                 | the same; hashed                                    |
//! | postal code | as it is, trimmed; **not hashed**         | lower case, no white space or hyphen; hashed        |
//! | country     | ISO code of two letters; **not hashed**   | the same in lower case; hashed                      |
//!
//! A hash is a pseudonym and no anonymity: whoever holds the same list recognises everybody, so that consent is needed as for the address
//! itself. Sources: support.google.com/google-ads/answer/7476159 and its template (g.co/wudy8r);
//! developers.google.com/display-video/api/guides/tasks/upload-customer-match-audience/prepare-data;
//! developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences, "Hashing and Normalizing Data";
//! help.salesforce.com/s/articleView?id=000391108 (a number hashed with its `+` matches nobody at Meta).

use super::country::Country;
use super::{email, phone};
use crate::table::Fingerprint;

/// A platform with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Google,
    Meta,
}

/// Returns the identifier as the platform compares it, or nothing where it cannot be told; `column` is its canonical name.
///
/// A national phone number is one of `country`, or of `home` where that is empty.
pub fn identifier(platform: Platform, column: &str, text: &str, country: &str, home: &Country) -> Option<String> {
    let normal = normalised(platform, column, text, country, home).filter(|normal| !normal.is_empty())?;
    let is_plain = platform == Platform::Google && ["postal_code", "country"].contains(&column);
    Some(if is_plain { normal } else { Fingerprint::of(normal) })
}

fn normalised(platform: Platform, column: &str, text: &str, country: &str, home: &Country) -> Option<String> {
    let squeezed = |unwanted: fn(char) -> bool| -> Option<String> {
        Some(text.to_lowercase().chars().filter(|c| !c.is_whitespace() && !unwanted(*c)).collect())
    };
    match (column, platform) {
        ("email", _) => Some(email::normalised(text)),
        ("phone", Platform::Google) => phone::of_cells(text, country, home),
        ("phone", Platform::Meta) => phone::of_cells(text, country, home).map(|number| number[1..].to_owned()),
        ("postal_code", Platform::Google) => Some(text.trim().to_owned()),
        ("postal_code", Platform::Meta) => squeezed(|c| c == '-'),
        ("country", Platform::Google) => Country::named(text).map(|country| country.code.to_owned()),
        ("country", Platform::Meta) => Country::named(text).map(|country| country.code.to_lowercase()),
        (_, Platform::Google) => Some(text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")),
        (_, Platform::Meta) => squeezed(|c| !c.is_alphanumeric()),
    }
}

/// Separates cells in what a row is recognised by.
const CELL_END: &str = "\u{1f}";

/// Digits of the fingerprint of a row that are kept: enough for any number of rows.
const ROW_DIGITS: usize = 32;

/// Returns what a row of an audience file is recognised by, which has no id.
pub fn row_digest<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let mut fingerprint = Fingerprint::default();
    for cell in cells {
        fingerprint.update(cell);
        fingerprint.update(CELL_END);
    }
    let mut digits = fingerprint.digits();
    digits.truncate(ROW_DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(platform: Platform, column: &str, text: &str, expected: Option<&str>) {
        let home = Country::named("DE").unwrap();
        assert_eq!(normalised(platform, column, text, "", home).as_deref(), expected, "{platform:?} {column} {text}");
    }

    #[test]
    fn identifiers_are_normalised_as_the_platforms_say() {
        use Platform::{Google, Meta};
        check(Google, "email", " J.Doe@Gmail.com ", Some("j.doe@gmail.com"));
        check(Google, "phone", "0170 1234567", Some("+491701234567"));
        check(Meta, "phone", "0170 1234567", Some("491701234567"));
        check(Google, "phone", "170 1234567", None);
        check(Google, "last_name", " von der  Au-Weiß", Some("von der au-weiß"));
        check(Meta, "last_name", " von der  Au-Weiß", Some("vonderauweiß"));
        check(Google, "postal_code", " 01067", Some("01067"));
        check(Meta, "postal_code", "SW1A-1AA ", Some("sw1a1aa"));
        check(Google, "country", "Österreich", Some("AT"));
        check(Meta, "country", "Österreich", Some("at"));
        check(Meta, "country", "Wakanda", None);
    }

    /// The digits are those of `printf 'test@example.com' | sha256sum`.
    #[test]
    fn identifiers_are_hashed_but_for_place_and_country_at_google() {
        let home = Country::named("DE").unwrap();
        let hashed = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";
        for platform in [Platform::Google, Platform::Meta] {
            let found = identifier(platform, "email", "Test@Example.com ", "", home);
            assert_eq!(found.as_deref(), Some(hashed));
        }
        assert_eq!(identifier(Platform::Google, "postal_code", "01067", "", home).as_deref(), Some("01067"));
        assert_eq!(identifier(Platform::Google, "country", "D", "", home).as_deref(), Some("DE"));
        let hash = identifier(Platform::Meta, "country", "D", "", home).unwrap();
        assert_eq!(hash, Fingerprint::of("de"));
        assert_eq!(identifier(Platform::Meta, "city", " - ", "", home), None);
    }
}
