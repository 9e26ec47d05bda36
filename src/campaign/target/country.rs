//! Countries as addresses name them, with the numbering plan that a national phone number is read by.
//!
//! | fact    | meaning                                                                              |
//! |---------|--------------------------------------------------------------------------------------|
//! | calling | country calling code (ITU-T E.164)                                                   |
//! | trunk   | whether a national number is written with a leading `0` that is not part of it       |
//! | digits  | fewest and most digits of a national number without that `0`                         |
//!
//! Where a number keeps its first `0` abroad (Italy) there is no trunk `0`. Sources: ITU-T E.164 and its list of codes; lengths as in the
//! metadata of libphonenumber, the shortest left out where they are no subscriber's.

/// A country that addresses and phone numbers are known of.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2, upper case.
    pub code: &'static str,
    pub german: &'static str,
    pub english: &'static str,
    /// Names in exports, lower case.
    names: &'static [&'static str],
    pub calling: &'static str,
    pub has_trunk_zero: bool,
    pub min_digits: usize,
    pub max_digits: usize,
}

const fn country(
    code: &'static str,
    [german, english]: [&'static str; 2],
    names: &'static [&'static str],
    calling: &'static str,
    has_trunk_zero: bool,
    [min_digits, max_digits]: [usize; 2],
) -> Country {
    Country { code, german, english, names, calling, has_trunk_zero, min_digits, max_digits }
}

/// All known countries; the first is the default.
pub static COUNTRIES: [Country; 15] = [
    country(
        "DE",
        ["Deutschland", "Germany"],
        &["deutschland", "germany", "d", "deu", "ger", "brd"],
        "49",
        true,
        [6, 13],
    ),
    country(
        "AT",
        ["Österreich", "Austria"],
        &["österreich", "austria", "a", "aut", "oesterreich"],
        "43",
        true,
        [5, 13],
    ),
    country(
        "CH",
        ["Schweiz", "Switzerland"],
        &["schweiz", "switzerland", "che", "suisse", "svizzera"],
        "41",
        true,
        [9, 9],
    ),
    country("LI", ["Liechtenstein", "Liechtenstein"], &["liechtenstein", "fl", "lie"], "423", false, [7, 7]),
    country("LU", ["Luxemburg", "Luxembourg"], &["luxemburg", "luxembourg", "l", "lux"], "352", false, [6, 11]),
    country("FR", ["Frankreich", "France"], &["frankreich", "france", "f", "fra"], "33", true, [9, 9]),
    country(
        "NL",
        ["Niederlande", "Netherlands"],
        &["niederlande", "netherlands", "nld", "holland", "nederland"],
        "31",
        true,
        [9, 9],
    ),
    country("BE", ["Belgien", "Belgium"], &["belgien", "belgium", "b", "bel", "belgique"], "32", true, [8, 9]),
    country("IT", ["Italien", "Italy"], &["italien", "italy", "i", "ita", "italia"], "39", false, [6, 11]),
    country("ES", ["Spanien", "Spain"], &["spanien", "spain", "e", "esp"], "34", false, [9, 9]),
    country("DK", ["Dänemark", "Denmark"], &["dänemark", "denmark", "dnk", "daenemark"], "45", false, [8, 8]),
    country("PL", ["Polen", "Poland"], &["polen", "poland", "pol", "polska"], "48", false, [9, 9]),
    country(
        "CZ",
        ["Tschechien", "Czechia"],
        &["tschechien", "czechia", "cze", "czech republic", "tschechische republik"],
        "420",
        false,
        [9, 9],
    ),
    country(
        "GB",
        ["Vereinigtes Königreich", "United Kingdom"],
        &["vereinigtes königreich", "united kingdom", "uk", "gbr", "england", "großbritannien", "great britain"],
        "44",
        true,
        [9, 10],
    ),
    country("SE", ["Schweden", "Sweden"], &["schweden", "sweden", "s", "swe", "sverige"], "46", true, [7, 9]),
];

impl Country {
    /// Finds a country by its code or name as it stands in an export.
    pub fn named(text: &str) -> Option<&'static Self> {
        let name = text.trim().to_lowercase();
        COUNTRIES
            .iter()
            .find(|country| country.code.eq_ignore_ascii_case(&name) || country.names.contains(&name.as_str()))
    }

    /// Finds the country that a number without `+` belongs to by its calling code; none of these codes begins another.
    pub fn calling(digits: &str) -> Option<&'static Self> {
        COUNTRIES.iter().find(|country| digits.starts_with(country.calling))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_known_by_code_and_name() {
        for (text, expected) in [
            ("de", Some("DE")),
            (" D ", Some("DE")),
            ("ÖSTERREICH", Some("AT")),
            ("Switzerland", Some("CH")),
            ("Vereinigtes Königreich", Some("GB")),
            ("Wakanda", None),
            ("", None),
        ] {
            assert_eq!(Country::named(text).map(|country| country.code), expected, "{text}");
        }
    }

    #[test]
    fn names_and_calling_codes_are_of_one_country() {
        for (ix, country) in COUNTRIES.iter().enumerate() {
            for other in &COUNTRIES[..ix] {
                assert!(!country.calling.starts_with(other.calling) && !other.calling.starts_with(country.calling));
                assert!(country.names.iter().all(|name| !other.names.contains(name)));
            }
            assert_eq!(Country::calling(country.calling), Some(country));
        }
    }
}
