//! Headers of an export to canonical columns.
//!
//! Names are compared in their normal form: lower case, without what stands in brackets, `ä ö ü ß` as `ae oe ue ss`, nothing but
//! letters and digits. What the pipeline names wins, then the canonical name itself, then synonyms in their order; two headers with
//! the same normal form are an error only where that form is needed.
//!
//! A file without headers begins with somebody's data, so a message shows the first line only where it is sure to hold headers.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{ATTRIBUTES, Headers, OUTCOMES};
use super::outcomes::OUTCOME;
use super::spec::{ColumnRequest, TableSource, TableSpec, kebab};
use super::synonyms::CUSTOMER_ID;
use super::{IngestError, dates, numbers};
use crate::diagnostic::nearest;

/// A column that was found.
#[derive(Debug, Clone)]
pub(super) struct Mapped {
    pub(super) request: ColumnRequest,
    /// Header as in the file.
    pub(super) header: String,
    /// Position among the fields of the file.
    pub(super) position: usize,
    /// Says whether empty cells are allowed in this file.
    pub(super) nullable: bool,
    /// How it was found, in a few words.
    pub(super) why: &'static str,
}

/// Returns where the column stands that says what a row is about.
pub(super) fn key_position(spec: &TableSpec, columns: &[Mapped]) -> Option<usize> {
    columns.iter().find(|column| Some(&*column.request.name) == spec.key()).map(|column| column.position)
}

/// Says whether a text is what exports call the column of customer ids.
pub fn is_customer_header(text: &str) -> bool {
    let text = normalise(text);
    text == normalise("customer_id") || CUSTOMER_ID.iter().any(|known| normalise(known) == text)
}

/// Brings a header into the form in which names are compared.
pub(super) fn normalise(header: &str) -> String {
    let (mut normal, mut depth) = (String::with_capacity(header.len()), 0_u32);
    for c in header.chars().flat_map(char::to_lowercase) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            'ä' => normal.push_str("ae"),
            'ö' => normal.push_str("oe"),
            'ü' => normal.push_str("ue"),
            'ß' => normal.push_str("ss"),
            'a'..='z' | '0'..='9' => normal.push(c),
            _ => {}
        }
    }
    normal
}

/// Finds the columns of a table among the headers of a file, in the order of the table.
///
/// # Errors
/// Fails where a header that the pipeline names is not there, where several could be meant, or where a required column is missing.
pub(super) fn map(
    spec: &TableSpec,
    source: &TableSource,
    file: &Path,
    headers: &[String],
) -> Result<Vec<Mapped>, IngestError> {
    let normal: Vec<String> = headers.iter().map(|header| normalise(header)).collect();
    let mut mapped = Vec::new();
    let mut taken = BTreeSet::new();
    for request in spec.columns.iter() {
        if source.columns.get(&*request.name).is_some_and(|wanted| !wanted.is_empty()) {
            let position = find_named(spec, source, file, request, headers, &normal)?;
            taken.insert(position);
            mapped.push(Mapped::new(request, headers, position, "named in the pipeline"));
        }
    }
    for request in spec.columns.iter().filter(|request| !source.columns.contains_key(&*request.name)) {
        let own_name = normalise(&request.name);
        for (name, why) in std::iter::once((own_name.as_str(), "its own name"))
            .chain(request.synonyms.iter().map(|synonym| (*synonym, "synonym")))
        {
            let found: Vec<usize> =
                (0..headers.len()).filter(|ix| normal[*ix] == name && !taken.contains(ix)).collect();
            match found.as_slice() {
                [] => {}
                [position] => {
                    mapped.push(Mapped::new(request, headers, *position, why));
                    break;
                }
                several => return Err(ambiguous(spec, source, file, request, headers, several)),
            }
        }
    }
    mapped.sort_by_key(|column| spec.columns.iter().position(|request| request.name == column.request.name));
    require(spec, file, shown(spec, source, headers, &normal), &mut mapped)?;
    Ok(mapped)
}

impl Mapped {
    fn new(request: &ColumnRequest, headers: &[String], position: usize, why: &'static str) -> Self {
        let (header, nullable) = (headers[position].clone(), request.nullable);
        Self { request: request.clone(), header, position, nullable, why }
    }
}

/// Finds the header that the pipeline names: as it is written, or else in its normal form.
fn find_named(
    spec: &TableSpec,
    source: &TableSource,
    file: &Path,
    request: &ColumnRequest,
    headers: &[String],
    normal: &[String],
) -> Result<usize, IngestError> {
    let wanted = source.columns.get(&*request.name).map_or("", String::as_str);
    let positions = |is_it: &dyn Fn(usize) -> bool| (0..headers.len()).filter(|ix| is_it(*ix)).collect::<Vec<_>>();
    let exact = positions(&|ix| headers[ix] == wanted.trim());
    let wanted_normal = normalise(wanted);
    let found = if exact.is_empty() && !wanted_normal.is_empty() {
        positions(&|ix| normal[ix] == wanted_normal)
    } else {
        exact
    };
    match found.as_slice() {
        [position] => Ok(*position),
        [] => {
            let shown = shown(spec, source, headers, normal);
            let similar = shown.as_ref().and_then(|headers| nearest(wanted, headers.iter().map(String::as_str)));
            Err(IngestError::NoSuchHeader {
                table: spec.name,
                file: file.to_owned(),
                column: in_pipeline(source, request),
                header: wanted.to_owned(),
                headers: Box::new(Headers { nearest: similar.map(str::to_owned), shown }),
            })
        }
        several => Err(ambiguous(spec, source, file, request, headers, several)),
    }
}

/// The key under which the pipeline names the header of a column.
fn in_pipeline(source: &TableSource, request: &ColumnRequest) -> String {
    if source.attributes.iter().any(|name| *name == request.name) {
        return if request.name.starts_with(OUTCOME) { OUTCOMES } else { ATTRIBUTES }.to_owned();
    }
    kebab(&request.name)
}

fn ambiguous(
    spec: &TableSpec,
    source: &TableSource,
    file: &Path,
    request: &ColumnRequest,
    headers: &[String],
    found: &[usize],
) -> IngestError {
    IngestError::AmbiguousHeader {
        table: spec.name,
        file: file.to_owned(),
        column: in_pipeline(source, request),
        found: found.iter().map(|ix| headers[*ix].clone()).collect(),
    }
}

/// Checks that everything required is there, and forbids empty cells in the first group of which one must be there
/// unless the table allows them.
fn require(
    spec: &TableSpec,
    file: &Path,
    shown: Option<Vec<String>>,
    mapped: &mut [Mapped],
) -> Result<(), IngestError> {
    let has = |name: &str| mapped.iter().any(|column| column.request.name == name);
    let complete = spec.one_of.iter().find(|group| group.iter().all(|name| has(name)));
    let mut missing: Vec<(&str, String)> = spec
        .columns
        .iter()
        .filter(|request| request.required && !has(&request.name))
        .map(|request| (&*request.name, format!("`{}`", kebab(&request.name))))
        .collect();
    if complete.is_none()
        && let Some(name) = spec.one_of.first().and_then(|group| group.iter().find(|name| !has(name)))
    {
        let in_words = |group: &&[&str]| {
            let names: Vec<String> = group.iter().map(|name| format!("`{}`", kebab(name))).collect();
            names.join(" with ")
        };
        missing.push((name, spec.one_of.iter().map(in_words).collect::<Vec<_>>().join(" or ")));
    }
    let Some((first, _)) = missing.first() else {
        for column in mapped.iter_mut() {
            let in_group = complete.is_some_and(|group| group.contains(&&*column.request.name));
            column.nullable &= spec.one_of_may_be_empty || !in_group;
        }
        return Ok(());
    };
    let request = spec.columns.iter().find(|request| request.name == *first);
    let tried: Vec<String> = std::iter::once((*first).to_owned())
        .chain(request.into_iter().flat_map(|request| request.synonyms.iter().map(|name| (*name).to_owned())))
        .collect();
    let free =
        shown.as_ref().map(|headers| headers.iter().filter(|h| mapped.iter().all(|column| column.header != **h)));
    let nearest = free.and_then(|free| nearest_header(&tried, free));
    Err(IngestError::MissingColumns {
        table: spec.name,
        file: file.to_owned(),
        missing: missing.into_iter().map(|(_, words)| words).collect(),
        tried,
        headers: Box::new(Headers { shown, nearest }),
    })
}

/// Finds the header whose normal form comes nearest to any of the names.
fn nearest_header<'a>(names: &[String], headers: impl Iterator<Item = &'a String>) -> Option<String> {
    let headers: Vec<(String, &String)> = headers.map(|header| (normalise(header), header)).collect();
    let found = names
        .iter()
        .find_map(|name| nearest(&normalise(name), headers.iter().map(|(normal, _)| normal.as_str())))?
        .to_owned();
    headers.into_iter().find(|(normal, _)| *normal == found).map(|(_, header)| header.clone())
}

/// Returns the headers for a message, unless the first line may be data: none of its cells is a known name, or one cannot be a name.
fn shown(spec: &TableSpec, source: &TableSource, headers: &[String], normal: &[String]) -> Option<Vec<String>> {
    let named: Vec<String> = source.columns.values().map(|header| normalise(header)).collect();
    let is_known = |name: &String| {
        let is_in_table =
            |request: &ColumnRequest| normalise(&request.name) == *name || request.synonyms.contains(&name.as_str());
        !name.is_empty() && (named.contains(name) || spec.columns.iter().any(is_in_table))
    };
    let is_data = |header: &String| {
        header.contains('@')
            || numbers::parse(header, super::number_format::NumberReading::POINT).0.is_ok()
            || numbers::parse(header, super::number_format::NumberReading::COMMA).0.is_ok()
            || dates::WrittenDate::parse(header).is_some()
    };
    (normal.iter().any(is_known) && !headers.iter().any(is_data)).then(|| headers.to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::specs::{CUSTOMERS, PRODUCTS, TRANSACTIONS};
    use super::*;

    fn run(named: &[(&str, &str)], headers: &[&str]) -> Result<Vec<Mapped>, IngestError> {
        let columns = named.iter().map(|(name, header)| ((*name).to_owned(), (*header).to_owned())).collect();
        let source = TableSource { columns, ..TableSource::default() };
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        map(&TRANSACTIONS, &source, Path::new("export.csv"), &headers)
    }

    fn check(named: &[(&str, &str)], headers: &[&str], expected: Result<&[(&str, &str)], &str>) {
        let found = run(named, headers);
        let found = found.as_ref().map_err(IngestError::code).map(|mapped| {
            mapped.iter().map(|column| (&*column.request.name, column.header.as_str())).collect::<Vec<_>>()
        });
        assert_eq!(found, expected.map(<[_]>::to_vec), "{headers:?}");
    }

    #[test]
    fn names_are_compared_by_letters_and_digits() {
        for (header, normal) in [
            ("Kundennr.", "kundennr"),
            ("Einzelpreis (£)", "einzelpreis"),
            ("Stückzahl [ME]", "stueckzahl"),
            ("Customer ID", "customerid"),
            ("STRASSE/Straße", "strassestrasse"),
            ("ÄÖÜ", "aeoeue"),
            ("(alles)", ""),
        ] {
            assert_eq!(normalise(header), normal);
        }
    }

    #[test]
    fn usual_headers_are_found() {
        check(
            &[],
            &[
                "Rechnungsnr.",
                "Artikelnr.",
                "Menge",
                "Rechnungsdatum",
                "Einzelpreis (£)",
                "Kundennr.",
                "Land",
                "Umsatz",
            ],
            Ok(&[
                ("customer_id", "Kundennr."),
                ("order_id", "Rechnungsnr."),
                ("date", "Rechnungsdatum"),
                ("product_id", "Artikelnr."),
                ("quantity", "Menge"),
                ("unit_price", "Einzelpreis (£)"),
                ("amount", "Umsatz"),
            ]),
        );
    }

    #[test]
    fn the_own_name_wins_then_the_earlier_synonym_and_the_pipeline_over_all() {
        let base = ["customer_id", "date"];
        let [customer, date] = [("customer_id", "customer_id"), ("date", "date")];
        check(&[], &["amount", "Umsatz", base[0], base[1]], Ok(&[customer, date, ("amount", "amount")]));
        check(&[], &["Sales", "Umsatz", base[0], base[1]], Ok(&[customer, date, ("amount", "Umsatz")]));
        check(
            &[("amount", "Sales")],
            &["Sales", "Umsatz", base[0], base[1]],
            Ok(&[customer, date, ("amount", "Sales")]),
        );
        check(&[("amount", "sales ")], &["Sales", base[0], base[1]], Ok(&[customer, date, ("amount", "Sales")]));
        check(&[], &["Umsatz (EUR)", "Umsatz (USD)", base[0], base[1]], Err("K0307"));
        check(
            &[("amount", "Umsatz (USD)")],
            &["Umsatz (EUR)", "Umsatz (USD)", base[0], base[1]],
            Ok(&[customer, date, ("amount", "Umsatz (USD)")]),
        );
        check(
            &[("status", "")],
            &["Umsatz", "Status", "status", base[0], base[1]],
            Ok(&[customer, date, ("amount", "Umsatz")]),
        );
    }

    #[test]
    fn a_header_the_pipeline_takes_is_not_found_again() {
        let found = run(&[("amount", "Preis")], &["customer_id", "date", "Preis"]).unwrap();
        assert_eq!(
            found.iter().map(|column| &*column.request.name).collect::<Vec<_>>(),
            ["customer_id", "date", "amount"]
        );
    }

    #[test]
    fn amount_may_be_replaced_by_quantity_and_price() {
        let nullable = |headers: &[&str]| {
            let mapped = run(&[], headers).unwrap();
            let nullable = mapped.iter().filter(|column| column.nullable);
            nullable.filter_map(|column| column.request.own_name()).collect::<Vec<_>>()
        };
        assert_eq!(nullable(&["customer_id", "date", "quantity", "unit_price"]), ["customer_id"]);
        assert_eq!(nullable(&["customer_id", "date", "quantity", "amount"]), ["customer_id", "quantity"]);
        check(&[], &["customer_id", "date", "quantity"], Err("K0305"));
    }

    #[test]
    fn a_missing_column_comes_with_a_way_out() {
        let error = run(&[], &["Kunden-Nr", "Kundenummer", "Datum", "Umsatz"]).err();
        assert!(error.is_none(), "{error:?}");
        let error = run(&[], &["Kundenr", "Datum", "Umsatz"]).unwrap_err();
        assert_eq!(error.to_string(), "`export.csv` has no column for `customer-id`");
        let help = error.help();
        assert!(help.contains("headers are `Kundenr`, `Datum`, `Umsatz`"), "{help}");
        assert!(help.contains("`customer-id = \"Kundenr\"`"), "{help}");
        let error = run(&[], &["Kundennr", "Datum", "Preis"]).unwrap_err();
        assert_eq!(error.to_string(), "`export.csv` has no column for `amount` or `quantity` with `unit-price`");
        let error = run(&[("amount", "Umsaz")], &["Kundennr", "Datum", "Umsatz"]).unwrap_err();
        assert_eq!((error.code(), error.help().contains("`amount = \"Umsatz\"`")), ("K0306", true));
    }

    #[test]
    fn a_first_line_of_data_is_not_shown() {
        let error = run(&[], &["00004", "Müller", "1997-01-01", "29.33"]).unwrap_err();
        assert!(!format!("{error} {}", error.help()).contains("Müller"));
        assert!(error.help().contains("looks like data"));
    }

    #[test]
    fn names_are_shown_only_beside_a_known_header() {
        let check = |named: &[(&str, &str)], first_line: &[&str], is_shown: bool| {
            let error = run(named, first_line).unwrap_err();
            let said = format!("{error}; {}", error.help());
            assert_eq!(said.contains("Haushaltswaren"), is_shown, "{said}");
            assert_eq!(said.contains("looks like data"), !is_shown, "{said}");
        };
        check(&[], &["Kundenn", "Erika Mustermann", "Haushaltswaren"], false);
        check(&[("amount", "Umsaz")], &["Haushaltswaren", "Erika Mustermann"], false);
        check(&[("status", "")], &["Haushaltswaren", ""], false);
        check(&[], &["Datum", "Haushaltswaren"], true);
        check(&[("amount", "Rein netto")], &["rein-netto", "Haushaltswaren"], true);
        check(&[("amount", "Rein netto"), ("date", "Tag")], &["rein-netto", "Haushaltswaren"], true);
    }

    #[test]
    fn no_name_stands_for_two_columns_of_a_table() {
        for spec in [&TRANSACTIONS, &CUSTOMERS, &PRODUCTS] {
            let mut seen = BTreeSet::new();
            for request in spec.columns.iter() {
                assert!(seen.insert(normalise(&request.name)), "{} twice in {}", request.name, spec.name);
                for synonym in request.synonyms {
                    assert_eq!(normalise(synonym), *synonym);
                    assert!(seen.insert((*synonym).to_owned()), "{synonym} twice in {}", spec.name);
                }
            }
        }
    }
}
