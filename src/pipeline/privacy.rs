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
//! (`Religionszugehörigkeit`), or one of its words is a known one. Source: Art. 9(1) GDPR; 9(2)(a) for the consent that allows it.

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
const STEMS: [&str; 28] = [
    "religi",
    "konfession",
    "weltanschau",
    "glaubens",
    "kirche",
    "church",
    "gewerkschaft",
    "tradeunion",
    "gesundheit",
    "health",
    "krankheit",
    "illness",
    "disease",
    "diagnos",
    "medical",
    "medizin",
    "behinder",
    "disabil",
    "schwanger",
    "pregnan",
    "ethni",
    "racial",
    "sexual",
    "politic",
    "politisch",
    "parteizug",
    "biometri",
    "genetic",
];

/// Words of headers that do, each as a whole.
const WORDS: [&str; 8] = ["race", "rasse", "union", "faith", "creed", "partei", "genetisch", "allergie"];

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
        let names: BTreeSet<&str> =
            names.filter(|name| input.attributes.iter().any(|known| known.name == **name)).collect();
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
            let attributes = input.attributes.iter().find(|attribute| attribute.name == name.text);
            let header = attributes.map_or(name.text.as_str(), |attribute| attribute.header.text.as_str());
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
    let lower = name.to_lowercase();
    let squeezed: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    !name.is_empty()
        && (STEMS.iter().any(|stem| squeezed.contains(stem))
            || words.any(|word| WORDS.contains(&word))
            || pipeline.privacy.sensitive.iter().any(|sensitive| same(&sensitive.text, name)))
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
