//! What a letter shop prints: the salutation line and the lines of the address.
//!
//! ```text
//! Frau Dr. | Erika | Mustermann        → Sehr geehrte Frau Dr. Mustermann,
//! Mr       | John  | Doe               → Dear Mr Doe,
//! (none)   | Kim   | Lang              → Guten Tag Kim Lang,          nobody's form of address is guessed
//! (none)   |       |                   → Sehr geehrte Damen und Herren,
//!
//! Muster GmbH / Frau Dr. Erika Mustermann / Ringstr. 1 / 01067 Dresden
//! Via Roma 2 / 50123 FIRENZE / ITALIEN                                 abroad: place and country in capitals, no code
//! ```
//!
//! The language is that of the customer, else that of the form of address, else that of the results. Source: DIN 5008:2020,
//! address field without empty lines; country in the language of the sender, in capitals, below the place.

use super::country::Country;
use crate::units::Language;

/// Lines of an address: company, person, street, place, country.
pub const ADDRESS_LINES: usize = 5;

/// What is known of the person and the place; empty is unknown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addressee<'a> {
    pub salutation: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub company: &'a str,
    pub street: &'a str,
    pub postal_code: &'a str,
    pub city: &'a str,
    pub country: &'a str,
    pub language: &'a str,
}

/// A form of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Mr,
    Ms,
    Mrs,
    Miss,
    Family,
    Neutral,
}

/// Form, the language that its word is of, and the academic titles after it.
struct Salutation<'a> {
    form: Form,
    language: Option<Language>,
    titles: Vec<&'a str>,
}

/// Words for a form of address, lower case, without a full stop.
const FORMS: [(&[&str], Form, Option<Language>); 9] = [
    (&["herr", "herrn", "hr"], Form::Mr, Some(Language::German)),
    (&["frau", "fr", "frl"], Form::Ms, Some(Language::German)),
    (&["familie", "fam"], Form::Family, Some(Language::German)),
    (&["mr", "mister"], Form::Mr, Some(Language::English)),
    (&["mrs"], Form::Mrs, Some(Language::English)),
    (&["miss"], Form::Miss, Some(Language::English)),
    (&["ms"], Form::Ms, Some(Language::English)),
    (&["male", "männlich", "maennlich"], Form::Mr, None),
    (&["female", "weiblich"], Form::Ms, None),
];

/// Starts of a line that somebody has written already.
const WRITTEN: [&str; 7] = ["sehr geehrte", "liebe", "hallo", "guten tag", "dear", "hello", "hi "];

/// Starts of an academic title.
const TITLES: [&str; 4] = ["dr", "prof", "dipl", "ing"];

/// Writes the salutation line; `results` is the language where nothing says another.
pub fn salutation_line(to: &Addressee<'_>, results: Language) -> String {
    let given = to.salutation.trim();
    let lower = given.to_lowercase();
    if WRITTEN.iter().any(|start| lower.starts_with(start)) {
        return format!("{},", given.trim_end_matches([',', '!']));
    }
    let salutation = parsed(given);
    let name = |with_first: bool| {
        let first = Some(to.first_name.trim()).filter(|_| with_first);
        joined(salutation.titles.iter().copied().chain(first).chain([to.last_name.trim()]), " ")
    };
    let is_named = !to.last_name.trim().is_empty();
    let form = Some(salutation.form).filter(|_| is_named);
    match (language(to, &salutation, results), form) {
        (Language::German, Some(Form::Mr)) => format!("Sehr geehrter Herr {},", name(false)),
        (Language::German, Some(Form::Ms | Form::Mrs | Form::Miss)) => format!("Sehr geehrte Frau {},", name(false)),
        (Language::German, Some(Form::Family)) => format!("Sehr geehrte Familie {},", name(false)),
        (Language::German, Some(Form::Neutral)) => format!("Guten Tag {},", name(true)),
        (Language::German, None) => "Sehr geehrte Damen und Herren,".to_owned(),
        (Language::English, Some(Form::Family)) => format!("Dear {} family,", name(false)),
        (Language::English, Some(Form::Neutral)) => format!("Dear {},", name(true)),
        (Language::English, Some(form)) => {
            // A title stands in place of the form of address.
            let word = Some(english(form)).filter(|_| salutation.titles.is_empty());
            format!("Dear {},", joined(word.into_iter().chain([name(false).as_str()]), " "))
        }
        (Language::English, None) => "Dear Sir or Madam,".to_owned(),
    }
}

/// Writes the lines of the address, without empty ones between; `sender` is the country that is not named.
pub fn address_lines(to: &Addressee<'_>, results: Language, sender: &Country) -> [String; ADDRESS_LINES] {
    let salutation = parsed(to.salutation.trim());
    let german = language(to, &salutation, results) == Language::German;
    let form = match salutation.form {
        Form::Mr if german => "Herrn",
        Form::Ms | Form::Mrs | Form::Miss if german => "Frau",
        Form::Family if german => "Familie",
        Form::Neutral | Form::Family => "",
        form => english(form),
    };
    let is_named = !to.last_name.trim().is_empty();
    let names = [to.first_name.trim(), to.last_name.trim()];
    let person = [form].into_iter().chain(salutation.titles.iter().copied()).chain(names);
    let person = if is_named { joined(person, " ") } else { String::new() };
    let country = Country::named(to.country);
    let abroad = !to.country.trim().is_empty() && country != Some(sender);
    let place = joined([to.postal_code.trim(), to.city.trim()], " ");
    // The country is for the post of the sender, who writes in the language of the results.
    let name = match (country, results) {
        (Some(country), Language::German) => country.german,
        (Some(country), Language::English) => country.english,
        (None, _) => to.country.trim(),
    };
    let [place, name] = if abroad { [place.to_uppercase(), name.to_uppercase()] } else { [place, String::new()] };
    let all = [to.company.trim().to_owned(), person, to.street.trim().to_owned(), place, name];
    let mut lines: [String; ADDRESS_LINES] = Default::default();
    for (line, text) in lines.iter_mut().zip(all.into_iter().filter(|text| !text.is_empty())) {
        *line = text;
    }
    lines
}

fn parsed(text: &str) -> Salutation<'_> {
    let mut salutation = Salutation { form: Form::Neutral, language: None, titles: Vec::new() };
    let several = ["und", "and", "&", "u.", "+"];
    let words: Vec<&str> = text.split_whitespace().collect();
    // A couple, or a choice that nobody made.
    if words.iter().any(|word| several.contains(word)) || text.contains('/') {
        return salutation;
    }
    for word in words {
        let plain = word.trim_end_matches('.').to_lowercase();
        if TITLES.iter().any(|title| plain.starts_with(title)) {
            salutation.titles.push(word);
        } else if let Some((_, form, language)) = FORMS.iter().find(|(words, ..)| words.contains(&plain.as_str())) {
            (salutation.form, salutation.language) = (*form, *language);
        }
    }
    salutation
}

fn language(to: &Addressee<'_>, salutation: &Salutation<'_>, results: Language) -> Language {
    let stated = match to.language.trim().to_lowercase() {
        text if text.starts_with("de") || text.starts_with("ger") => Some(Language::German),
        text if text.starts_with("en") => Some(Language::English),
        _ => None,
    };
    stated.or(salutation.language).unwrap_or(results)
}

fn english(form: Form) -> &'static str {
    match form {
        Form::Mr => "Mr",
        Form::Ms => "Ms",
        Form::Mrs => "Mrs",
        Form::Miss => "Miss",
        Form::Family | Form::Neutral => "",
    }
}

/// Joins what is not empty.
pub fn joined<'a>(parts: impl IntoIterator<Item = &'a str>, between: &str) -> String {
    let mut text = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(salutation: &str, first_name: &str, last_name: &str, language: &str, expected: [&str; 2]) {
        let to = Addressee { salutation, first_name, last_name, language, ..Addressee::default() };
        for (results, expected) in [Language::German, Language::English].into_iter().zip(expected) {
            assert_eq!(salutation_line(&to, results), expected, "{salutation} {last_name} {results:?}");
        }
    }

    #[test]
    fn salutations_fit_the_word_the_language_and_the_title() {
        let german = "Sehr geehrte Frau Dr. Mustermann,";
        check("Frau Dr.", "Erika", "Mustermann", "", [german, german]);
        check("Herr Prof. Dr.", "Max", "Muster", "", ["Sehr geehrter Herr Prof. Dr. Muster,"; 2]);
        check("Herr", "Max", "Muster", "EN", ["Dear Mr Muster,"; 2]);
        check("Mrs.", "Jane", "Doe", "", ["Dear Mrs Doe,"; 2]);
        check("Mr", "John", "Doe", "de-DE", ["Sehr geehrter Herr Doe,"; 2]);
        check("female", "Kim", "Lang", "", ["Sehr geehrte Frau Lang,", "Dear Ms Lang,"]);
        check("Familie", "", "Öztürk", "", ["Sehr geehrte Familie Öztürk,"; 2]);
        check("", "Kim", "Lang", "", ["Guten Tag Kim Lang,", "Dear Kim Lang,"]);
        check("Dr.", "Kim", "Lang", "", ["Guten Tag Dr. Kim Lang,", "Dear Dr. Kim Lang,"]);
        check("Mr Dr.", "Max", "Muster", "", ["Dear Dr. Muster,"; 2]);
        check("Herr und Frau", "", "Lang", "", ["Guten Tag Lang,", "Dear Lang,"]);
        check("Frau", "Erika", "", "", ["Sehr geehrte Damen und Herren,"; 2]);
        check("", "", "", "", ["Sehr geehrte Damen und Herren,", "Dear Sir or Madam,"]);
        check("Liebe Erika!", "Erika", "Mustermann", "", ["Liebe Erika,"; 2]);
    }

    #[test]
    fn address_lines_stand_without_gaps_and_name_only_foreign_countries() {
        let home = Country::named("DE").unwrap();
        let to = Addressee {
            salutation: "Herr Dr.",
            first_name: "Max",
            last_name: "Muster",
            company: "Muster GmbH",
            street: "Ringstraße 1",
            postal_code: "01067",
            city: "Dresden",
            country: "Deutschland",
            ..Addressee::default()
        };
        let lines = address_lines(&to, Language::German, home);
        assert_eq!(lines, ["Muster GmbH", "Herrn Dr. Max Muster", "Ringstraße 1", "01067 Dresden", ""]);
        let abroad = Addressee { salutation: "", company: "", country: "it", city: "Firenze", ..to };
        let lines = address_lines(&abroad, Language::German, home);
        assert_eq!(lines, ["Max Muster", "Ringstraße 1", "01067 FIRENZE", "ITALIEN", ""]);
        let lines = address_lines(&Addressee { country: "Japan", ..abroad }, Language::English, home);
        assert_eq!(lines, ["Max Muster", "Ringstraße 1", "01067 FIRENZE", "JAPAN", ""]);
    }
}
