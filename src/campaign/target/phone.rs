//! Phone numbers in E.164: `+`, country calling code, national number, at most 15 digits.
//!
//! ```text
//! 0170 1234567, DE      → +491701234567     the trunk 0 goes, the country's calling code comes
//! +49 (0)170 1234567    → +491701234567     0049 is the same; no national number of a country with a trunk 0 begins with 0
//! 170 1234567, DE       → refused           without 0, + or 00 nobody knows whether digits were lost
//! 0170/123 oder 089/45  → refused           letters, commas or a second number
//! ```
//!
//! What is ambiguous is refused: a wrong number is a stranger's. Sources: ITU-T E.164 (2010), 6.2; ITU-T E.123.

use super::country::Country;

/// Most digits of an international number.
const MAX_DIGITS: usize = 15;

/// Fewest digits of a number of a country that is not in the list.
const MIN_DIGITS: usize = 8;

/// Marks between digits that mean nothing.
const MARKS: [char; 10] = [' ', '\u{a0}', '\u{202f}', '-', '\u{2010}', '\u{2011}', '\u{2013}', '/', '.', '\t'];

/// Returns the number of a cell beside the cell of its country; `home` is the country where that cell is empty.
///
/// A country that is not in the list says that a national number is none of home.
pub fn of_cells(number: &str, country: &str, home: &Country) -> Option<String> {
    let country = if country.trim().is_empty() { Some(home) } else { Country::named(country) };
    e164(number, country)
}

/// Returns the number in E.164, or nothing where it cannot be told for sure; `country` is where a national number belongs.
///
/// # Examples
/// ```
/// use klientel::campaign::target::country::COUNTRIES;
/// use klientel::campaign::target::phone::e164;
/// assert_eq!(e164("0170 / 123 45 67", Some(&COUNTRIES[0])).as_deref(), Some("+491701234567"));
/// ```
pub fn e164(text: &str, country: Option<&Country>) -> Option<String> {
    let text = text.trim();
    let (rest, has_plus) = text.strip_prefix('+').map_or((text, false), |rest| (rest, true));
    let mut digits = String::with_capacity(MAX_DIGITS + 2);
    for c in rest.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '(' | ')' => {}
            mark if MARKS.contains(&mark) => {}
            _ => return None,
        }
    }
    if has_plus {
        return international(&digits);
    }
    if let Some(digits) = digits.strip_prefix("00") {
        return international(digits);
    }
    let country = country?;
    let national = match (country.has_trunk_zero, digits.strip_prefix('0')) {
        (true, Some(national)) => national,
        (true, None) => return None,
        // Without a trunk 0 only the length tells a national number from one that lacks its `+`.
        (false, _) if international(&digits).is_some_and(|_| digits.starts_with(country.calling)) => return None,
        (false, _) => &digits,
    };
    of_country(national, country)
}

fn international(digits: &str) -> Option<String> {
    let Some(country) = Country::calling(digits) else {
        let is_number = !digits.starts_with('0') && (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len());
        return is_number.then(|| format!("+{digits}"));
    };
    let national = &digits[country.calling.len()..];
    let national = if country.has_trunk_zero { national.strip_prefix('0').unwrap_or(national) } else { national };
    of_country(national, country)
}

fn of_country(national: &str, country: &Country) -> Option<String> {
    let starts_well = !(country.has_trunk_zero && national.starts_with('0'));
    let is_number = starts_well && (country.min_digits..=country.max_digits).contains(&national.len());
    is_number.then(|| format!("+{}{national}", country.calling))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, country: &str, expected: Option<&str>) {
        let found = e164(text, Some(Country::named(country).unwrap()));
        assert_eq!(found.as_deref(), expected, "{text} in {country}");
    }

    #[test]
    fn national_numbers_get_the_calling_code_of_their_country() {
        check("0170 1234567", "DE", Some("+491701234567"));
        check("(089) 12 34 56 - 78", "DE", Some("+498912345678"));
        check("030/12345678", "DE", Some("+493012345678"));
        check("01 58858-0", "AT", Some("+431588580"));
        check("0664/1234567", "AT", Some("+436641234567"));
        check("044 668 18 00", "CH", Some("+41446681800"));
        check("06 12345678", "IT", Some("+390612345678"));
        check("32 12 34 56", "DK", Some("+4532123456"));
    }

    #[test]
    fn international_numbers_need_no_country() {
        for text in ["+49 (0)170 1234567", "0049 170 1234567", "+49 0170-1234567", "+49\u{a0}170\u{2013}1234567"] {
            check(text, "CH", Some("+491701234567"));
        }
        check("+39 06 12345678", "DE", Some("+390612345678"));
        check("+1 212 555 0123", "DE", Some("+12125550123"));
        check("+423 237 18 00", "DE", Some("+4232371800"));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in [
            "1701234567",
            "49 170 1234567",
            "0170 1234567 oder 089 123",
            "0170 1234567, 089 1234567",
            "0170 1234567 089 1234567",
            "0800-KLIENTEL",
            "110",
            "+0170 1234567",
            "+49 00170 1234567",
            "0170+1234567",
            "",
            "-",
        ] {
            check(text, "DE", None);
        }
        check("044 668 18 0", "CH", None);
        check("4532123456", "DK", None);
        check("39061234567", "IT", None);
    }

    #[test]
    fn the_country_of_the_customer_comes_before_that_of_the_pipeline() {
        let home = Country::named("DE").unwrap();
        assert_eq!(of_cells("044 668 18 00", "Schweiz", home).as_deref(), Some("+41446681800"));
        assert_eq!(of_cells("0170 1234567", " ", home).as_deref(), Some("+491701234567"));
        assert_eq!(of_cells("0170 1234567", "Wakanda", home), None);
        assert_eq!(of_cells("+49 170 1234567", "Wakanda", home).as_deref(), Some("+491701234567"));
    }

    proptest! {
        /// Whatever comes out is E.164, and read again it is itself, wherever one stands.
        #[test]
        fn a_number_is_its_own_number(text in "[+0-9 ()/.-]{0,22}") {
            for from in ["DE", "AT", "CH", "IT"] {
                if let Some(number) = e164(&text, Country::named(from)) {
                    prop_assert!(number.starts_with('+') && number.len() <= MAX_DIGITS + 1);
                    prop_assert!(number[1..].bytes().all(|b| b.is_ascii_digit()));
                    prop_assert_eq!(e164(&number, None), Some(number.clone()));
                }
            }
        }
    }
}
