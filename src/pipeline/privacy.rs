//! The keys of `[privacy]`, and whether anything is learnt from, or handed on, that Art. 9 GDPR protects.
//!
//! | what                                                          | is looked at                             |
//! |---------------------------------------------------------------|------------------------------------------|
//! | `churn.attributes`, `lifetime-value.covariates`               | attribute and its header                 |
//! | `columns`, `split-by`, `stratify-by` of campaigns              | attribute and its header                 |
//! | conditions of segments                                        | attribute and its header                 |
//! | `attributes` of contracts and responses, which models learn from | attribute and its header               |
//!
//! A header is sensitive where a known stem stands in it
//! (`Religionszugehörigkeit`), or one of its words is a known one; of a canonical column the header that the pipeline maps it to counts as well. Source: Art. 9(1) GDPR; 9(2)(a) for the consent that allows it.

use std::collections::BTreeSet;

use super::canonical::attribute_name;
use super::reader::Reader;
use super::settings::{Pipeline, Placed};
use super::shape::key;
use crate::diagnostic::{Diagnostic, codes};
use crate::ingest::TableSource;

/// What the pipeline says of the people whom its data is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrivacySettings {
    /// What the data is processed for.
    pub purpose: Option<String>,
    /// Who is responsible for it.
    pub controller: Option<String>,
    /// File with the key of pseudonyms, relative to the folder of the pipeline file.
    pub pseudonym_key: Option<String>,
    /// Attributes that are sensitive beside those that are known to be.
    pub sensitive: Vec<Placed>,
    /// Attributes that customers have consented to explicitly.
    pub allowed: Vec<Placed>,
}

/// Parts of headers that tell of what Art. 9 names, squeezed to letters and digits, in lower case.
///
/// What mostly means something else is left out: `patent`, `behaelter`, `krankenhaus` (who buys for one), `fingerprint` (of a device).
const STEMS: [&str; 68] = [
    "religi",
    "konfession",
    "bekenntnis",
    "weltanschau",
    "glaubens",
    "kirche",
    "church",
    "muslim",
    "gewerkschaft",
    "tradeunion",
    "gesundheit",
    "health",
    "krankheit",
    "krankenkasse",
    "krankenversich",
    "chronisch",
    "chronicill",
    "erkrank",
    "psychisch",
    "illness",
    "disease",
    "diagnos",
    "diabet",
    "medical",
    "medizin",
    "medikament",
    "medication",
    "prescription",
    "allerg",
    "blutgruppe",
    "bloodgroup",
    "bloodtype",
    "icd10",
    "impfstatus",
    "vaccin",
    "pflegegrad",
    "pflegestufe",
    "behinder",
    "disabil",
    "handicap",
    "schwanger",
    "pregnan",
    "patientin",
    "patienten",
    "patientid",
    "patientnr",
    "ethni",
    "racial",
    "rassisch",
    "hautfarbe",
    "skincolo",
    "volkszugeh",
    "sexual",
    "sexuell",
    "sexlife",
    "lgbt",
    "transgender",
    "genderidentit",
    "geschlechtsidentit",
    "politic",
    "politisch",
    "parteizug",
    "parteimitglied",
    "biometri",
    "fingerabdr",
    "genetic",
    "genetisch",
    "genomdaten",
];

/// Words of headers that do, each as a whole.
const WORDS: [&str; 21] = [
    "race", "rasse", "union", "faith", "creed", "glaube", "partei", "halal", "kosher", "koscher", "hiv", "dna",
    "patient", "voter", "gay", "lesbian", "lesbisch", "schwul", "queer", "disabled", "muslima",
];

/// Words after which `disabled` is not said of a person: `newsletter_disabled`.
const SWITCHES: [&str; 8] = ["newsletter", "email", "mail", "account", "konto", "login", "sms", "tracking"];

/// Reads `[privacy]`.
pub(super) fn privacy(table: &mut Reader<'_, '_>) -> PrivacySettings {
    let purpose = key("purpose", "What the data is processed for, for the record of processing in the manifest");
    let controller = key("controller", "Who is responsible for the processing, for the same record");
    let pseudonym = key(
        "pseudonym-key",
        "File with a secret of at least 16 bytes; campaign files then hold keyed pseudonyms in place of customer ids",
    );
    let sensitive =
        key("sensitive-attributes", "Attributes that are sensitive beside those that are known by their headers");
    let allowed = key(
        "allow-sensitive",
        "Sensitive attributes whose use every customer has consented to explicitly (Art. 9 GDPR)",
    );
    PrivacySettings {
        purpose: table.text(purpose.example(r#""advertising to existing customers""#)),
        controller: table.text(controller.example(r#""Example GmbH, Example Street 1, 10115 Berlin""#)),
        pseudonym_key: table.text(pseudonym.example(r#""../pseudonym.key""#)),
        sensitive: table.distinct_texts(sensitive.default("[]")),
        allowed: table.distinct_texts(allowed.default("[]")),
    }
}

/// Finds sensitive attributes that are used without consent.
pub(super) fn sensitive_problems(pipeline: &Pipeline) -> Vec<Diagnostic> {
    let placed = |key: &'static str, names: &[Placed]| -> Vec<(String, Placed)> {
        names.iter().map(|name| (format!("`{key}`"), name.clone())).collect()
    };
    let mut used = placed("lifetime-value.covariates", &pipeline.covariates);
    used.extend(placed("churn.attributes", &pipeline.churn_attributes));
    for campaign in &pipeline.campaigns {
        let columns = campaign.columns.iter().chain(&campaign.split_by).chain(&campaign.stratify_by);
        used.extend(columns.map(|column| (format!("campaign `{}`", campaign.name.text), column.clone())));
    }
    let input = &pipeline.input;
    for segment in &pipeline.segments {
        // What stands between quotes is a text, not a column.
        let names = segment
            .condition
            .text
            .split('\'')
            .step_by(2)
            .flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_'));
        let is_mapped =
            |name: &str| input.customers.as_ref().is_some_and(|customers| customers.columns.contains_key(name));
        let names: BTreeSet<&str> =
            names.filter(|name| input.attributes.iter().any(|known| known.name == **name) || is_mapped(name)).collect();
        let placed = |name: &str| Placed { text: name.to_owned(), ..segment.condition.clone() };
        used.extend(names.into_iter().map(|name| (format!("segment `{}`", segment.name.text), placed(name))));
    }
    let of_contracts = input.contracts.as_ref().map(|contracts| ("`input.contracts.attributes`", &contracts.source));
    let of_responses = input.responses.as_ref().map(|trials| ("`input.responses.attributes`", &trials.source));
    let problem = |who: &str, name: &str, header: &str| {
        let title = format!("{who} names `{name}`, which tells of what Art. 9 GDPR protects");
        let help = format!(
            "leave it out; where every customer has explicitly consented to this use: `[privacy]` `allow-sensitive = [\"{name}\"]`"
        );
        let is_used = is_sensitive(pipeline, name) || is_sensitive(pipeline, header);
        let is_allowed =
            pipeline.privacy.allowed.iter().any(|allowed| same(&allowed.text, name) || same(&allowed.text, header));
        (is_used && !is_allowed).then(|| Diagnostic::error(codes::SENSITIVE, title).help(help))
    };
    let mut problems: Vec<Diagnostic> = used
        .iter()
        .filter_map(|(who, name)| {
            let attribute = input.attributes.iter().find(|attribute| attribute.name == name.text);
            let mapped = input.customers.as_ref().and_then(|customers| customers.columns.get(&name.text));
            let header = attribute.map(|attribute| attribute.header.text.as_str()).or(mapped.map(String::as_str));
            let header = header.unwrap_or(&name.text);
            Some(problem(who, &name.text, header)?.at(name.span.clone(), "needs explicit consent"))
        })
        .collect();
    let sources: Vec<(&str, &TableSource)> = of_contracts.into_iter().chain(of_responses).collect();
    for (who, source) in sources {
        let header = |name: &String| source.columns.get(name).cloned().unwrap_or_default();
        problems.extend(source.attributes.iter().filter_map(|name| problem(who, name, &header(name))));
    }
    problems
}

fn same(one: &str, other: &str) -> bool {
    attribute_name(one) == attribute_name(other)
}

/// Says whether a name or header tells of what is protected.
fn is_sensitive(pipeline: &Pipeline, name: &str) -> bool {
    tells_of_protected(name) || pipeline.privacy.sensitive.iter().any(|sensitive| same(&sensitive.text, name))
}

/// Says whether a text names what Art. 9 GDPR protects.
pub fn tells_of_protected(name: &str) -> bool {
    let lower = name.to_lowercase();
    let squeezed: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let is_switch = words.iter().any(|word| SWITCHES.contains(word));
    STEMS.iter().any(|stem| squeezed.contains(stem))
        || words.iter().any(|word| WORDS.contains(word) && !(is_switch && *word == "disabled"))
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn check(privacy: &str, attribute: &str, expected: bool) {
        let name = super::attribute_name(attribute);
        let text = format!(
            "version = 1\n[input.transactions.csv]\npath = 'a.csv'\n[input.customers]\nattributes = ['{attribute}']\n\
             [input.customers.csv]\npath = 'c.csv'\n[churn]\nattributes = ['{name}']\n[output]\ndirectory = 'out'\n[privacy]\n{privacy}"
        );
        let problems = parse(&text).err().unwrap_or_default();
        let found: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(found, if expected { vec!["K0212"] } else { vec![] }, "{attribute}: {problems:?}");
    }

    #[test]
    fn sensitive_attributes_need_consent_that_the_pipeline_names() {
        for (attribute, expected) in [
            ("Religionszugehörigkeit", true),
            ("Trade Union", true),
            ("union", true),
            ("reunion", false),
            ("Grad der Behinderung", true),
            ("sexual_orientation", true),
            ("sexuelle Orientierung", true),
            ("Glaube", true),
            ("Bekenntnis", true),
            ("disabled", true),
            ("is_disabled", true),
            ("newsletter_disabled", false),
            ("handicap", true),
            ("Parteimitgliedschaft", true),
            ("Allergien", true),
            ("allergies", true),
            ("Krankenkasse", true),
            ("chronisch krank", true),
            ("psychische Erkrankung", true),
            ("Suchterkrankung", true),
            ("Medikamente", true),
            ("medication", true),
            ("prescription", true),
            ("subscription", false),
            ("Blutgruppe", true),
            ("HIV", true),
            ("HIV-Status", true),
            ("Archiv", false),
            ("Diabetiker", true),
            ("ICD10", true),
            ("ICD-10-Code", true),
            ("Impfstatus", true),
            ("Pflegegrad", true),
            ("Hautfarbe", true),
            ("skin_color", true),
            ("rassische Herkunft", true),
            ("Volkszugehörigkeit", true),
            ("genetische Daten", true),
            ("DNA", true),
            ("Fingerabdruck", true),
            ("device fingerprint", false),
            ("sex life", true),
            ("LGBT", true),
            ("gay", true),
            ("gayle", false),
            ("transgender", true),
            ("gender identity", true),
            ("Muslim", true),
            ("halal", true),
            ("kosher", true),
            ("patient", true),
            ("Patent", false),
            ("Behälter", false),
            ("Krankenhausbedarf", false),
            ("voter", true),
            ("Geschlecht", false),
            ("Tarif", false),
            ("trace", false),
        ] {
            check("", attribute, expected);
        }
        check("allow-sensitive = ['Trade Union']", "Trade Union", false);
        check("allow-sensitive = ['trade_union']", "Trade Union", false);
        check("sensitive-attributes = ['Haushaltseinkommen']", "Haushaltseinkommen", true);
        check(
            "sensitive-attributes = ['Haushaltseinkommen']\nallow-sensitive = ['haushaltseinkommen']",
            "Haushaltseinkommen",
            false,
        );
    }

    #[test]
    fn a_condition_over_a_sensitive_attribute_needs_consent_too() {
        let text = |condition: &str| {
            format!(
                "version = 1\n[input.transactions.csv]\npath = 'a.csv'\n[input.customers]\nattributes = ['Konfession']\n\
                 [input.customers.csv]\npath = 'c.csv'\n[[segment]]\nname = 's'\nwhere = \"{condition}\"\n[output]\ndirectory = 'out'\n"
            )
        };
        let problems = parse(&text("konfession = 'rk'")).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["K0212"]);
        assert!(parse(&text("city = 'konfession'")).is_ok());
    }

    /// What a column is called here hides nothing: its header counts.
    #[test]
    fn a_canonical_column_with_a_sensitive_header_needs_consent_too() {
        let text = |header: &str, used: &str| {
            format!(
                "version = 1\n[input.transactions.csv]\npath = 'a.csv'\n[input.customers.columns]\nindustry = '{header}'\n\
                 [input.customers.csv]\npath = 'c.csv'\n{used}\n[output]\ndirectory = 'out'\n"
            )
        };
        let segment = "[[segment]]\nname = 's'\nwhere = \"industry = 'rk'\"";
        for used in ["[churn]\nattributes = ['industry']", "[lifetime-value]\ncovariates = ['industry']", segment] {
            let problems = parse(&text("Konfession", used)).unwrap_err();
            assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["K0212"], "{used}");
            assert!(parse(&text("Branche", used)).is_ok(), "{used}");
        }
    }

    #[test]
    fn the_message_points_at_the_column_of_a_campaign() {
        let text = "version = 1\n[input.transactions.csv]\npath = 'a.csv'\n[input.customers]\nattributes = ['Konfession']\n\
             [input.customers.csv]\npath = 'c.csv'\n[[segment]]\nname = 's'\nwhere = 'n_orders > 0'\n\
             [[campaign]]\nname = 'c'\nsegment = 's'\ncolumns = ['konfession']\n[output]\ndirectory = 'out'\n";
        let problems = parse(text).unwrap_err();
        assert_eq!(problems.len(), 1);
        let span = problems[0].span.clone().unwrap();
        assert_eq!((&text[span], problems[0].code), ("'konfession'", "K0212"));
        assert!(problems[0].help.as_ref().unwrap().contains("explicitly consented"));
    }
}
