//! The keys of `[[campaign]]`, and whether the columns of a campaign fit its target.
//!
//! What the export lacks is found when it is read; here is found what no export could change: columns that the target does not take, an
//! address that the pipeline leaves out, a file for each value of something that is no text.

use super::contact_rules::{estimate_problems, selection};
use super::definition::quoted;
use super::reader::Reader;
use super::settings::{CampaignRule, Pipeline, Placed};
use super::shape::key;
use super::words::words;
use crate::campaign::legal::LegalBasis;
use crate::campaign::target::country::{COUNTRIES, Country};
use crate::campaign::target::hashed::Platform;
use crate::campaign::target::{self, Channel, Shape};
use crate::diagnostic::{Diagnostic, codes};
use crate::table::{ColumnKind, ColumnSpec};

/// What Google matches by name together or not at all.
const BY_NAME: [&str; 4] = ["first_name", "last_name", "country", "postal_code"];

/// Columns that tell of one person: each value would stand in the name of a file, in the manifest, and there after an erasure.
const OF_ONE_PERSON: [&str; 7] = ["customer_id", "first_name", "last_name", "company", "email", "phone", "street"];

/// Reads a campaign.
pub(super) fn campaign(table: &mut Reader<'_, '_>) -> CampaignRule {
    let name =
        key("name", "Name of the campaign and of its file; used once").required().example(r#""autumn-win-back""#);
    let segment = key("segment", "Segment whose customers are written to").required().example(r#""win-back""#);
    let columns = key("columns", "Customer and score columns beside customer_id and address").default("[]");
    let target = key("target", "What the file is made for").default(quoted(target::ALL[0].name));
    let split = key(
        "split-by",
        "Text column with a file for each of its values, readable by its owner alone; without it, one file",
    );
    let repeat = key(
        "repeat-after",
        "Time for which a customer who was selected is not selected again; without it, every run selects anew",
    );
    let home = key(
        "default-country",
        "Country of the sender and of customers without one, for phone numbers and postal addresses",
    );
    let mut campaign = CampaignRule {
        name: table.slug(name).unwrap_or_default(),
        segment: table.placed_text(segment).unwrap_or_default(),
        columns: table.distinct_texts(columns),
        target: table.word(target, &words(target::ALL.each_ref(), |target| target.name)).unwrap_or(&target::ALL[0]),
        target_span: table.raw("target").map(toml::Spanned::span),
        split_by: table.placed_text(split.example(r#""city""#)),
        home: table
            .word(
                home.default(quoted(COUNTRIES[0].code)),
                &words(COUNTRIES.each_ref(), |country: &Country| country.code),
            )
            .unwrap_or(&COUNTRIES[0]),
        basis: LegalBasis::Consent,
        control_share: 0.0,
        stratify_by: vec![],
        repeat_after: table.period(repeat.example(r#""90 days""#), false),
        economics: None,
        estimates: vec![],
    };
    let selection = selection(table, campaign.target);
    campaign.basis = selection.basis;
    campaign.control_share = selection.control_share;
    campaign.stratify_by = selection.stratify_by;
    (campaign.economics, campaign.estimates) = (selection.economics, selection.estimates);
    let by_email = matches!(campaign.target.channel, Channel::Email | Channel::Ads);
    campaign.columns.retain(|column| column.text != "customer_id" && !(by_email && column.text == "email"));
    campaign
}

/// Finds columns that the target of a campaign does not take, or that it lacks; `called` names the campaign.
pub(super) fn target_problems(
    pipeline: &Pipeline,
    campaign: &CampaignRule,
    called: &str,
    columns: &[ColumnSpec],
) -> Vec<Diagnostic> {
    let target = campaign.target;
    let at_target = campaign.target_span.clone().unwrap_or_else(|| campaign.name.span.clone());
    let mut problems = estimate_problems(campaign, called, columns);
    for column in campaign.columns.iter().filter(|column| !target.takes(&column.text)) {
        let taken = target.fields.iter().map(|(field, _)| *field).filter(|field| *field != "email");
        let help = format!("it takes {}", taken.collect::<Vec<_>>().join(", "));
        let title = format!("{called} has column `{}`, which {} does not take", column.text, target.title);
        let problem = Diagnostic::error(codes::CAMPAIGN_COLUMNS, title);
        problems.push(problem.at(column.span.clone(), "no identifier of this target").help(help));
    }
    let names = |name: &&&str| campaign.columns.iter().any(|column| column.text == ***name);
    let n_named = BY_NAME.iter().filter(names).count();
    if target.shape == Shape::Audience(Platform::Google) && n_named % BY_NAME.len() != 0 {
        let missing: Vec<&str> = BY_NAME.iter().filter(|name| !names(name)).copied().collect();
        let title = format!("{called} has a part of the columns that {} finds somebody by name with", target.title);
        let problem = Diagnostic::error(codes::CAMPAIGN_COLUMNS, title);
        let help = format!("add {}, or leave out the others of {}", missing.join(", "), BY_NAME.join(", "));
        problems.push(problem.at(at_target.clone(), "needs all of them or none").help(help));
    }
    if let Some(customers) = &pipeline.input.customers {
        let is_left_out = |name: &&&str| customers.columns.get(**name).is_some_and(String::is_empty);
        for name in target.channel.needs().iter().filter(is_left_out) {
            let title = format!("{called} needs `{name}`, which `[input.customers.columns]` leaves out");
            let problem = Diagnostic::error(codes::UNKNOWN_CAMPAIGN_COLUMN, title);
            let label = format!("goes by {}", target.channel.label());
            let help = format!("give its header there: `{} = \"…\"`, or choose another target", name.replace('_', "-"));
            problems.push(problem.at(at_target.clone(), label).help(help));
        }
    }
    let kind = |column: &Placed| columns.iter().find(|spec| spec.name == column.text).map(|spec| spec.kind);
    if let Some(column) =
        campaign.split_by.as_ref().filter(|column| kind(column).is_some_and(|it| it != ColumnKind::Text))
    {
        let title = format!("{called} is split by `{}`, which is no text", column.text);
        let problem = Diagnostic::error(codes::CAMPAIGN_COLUMNS, title);
        let help = "split by a column with a few values, such as a region or a segment";
        problems.push(problem.at(column.span.clone(), "would be a file for each number or date").help(help));
    }
    if let Some(column) = campaign.split_by.as_ref().filter(|column| OF_ONE_PERSON.contains(&column.text.as_str())) {
        let title = format!("{called} is split by `{}`, which would name persons in file names", column.text);
        let problem = Diagnostic::error(codes::CAMPAIGN_COLUMNS, title);
        let help = "split by a column with a few values that many customers share, such as a region or a segment";
        problems.push(problem.at(column.span.clone(), "would be a file for each person").help(help));
    }
    for column in campaign.stratify_by.iter().filter(|column| kind(column).is_some_and(|it| it != ColumnKind::Text)) {
        let title = format!("{called} is stratified by `{}`, which is no text", column.text);
        let problem = Diagnostic::error(codes::CAMPAIGN_COLUMNS, title);
        let help = "stratify by columns with a few values, such as `abc_class` or `rfm_segment`";
        problems.push(problem.at(column.span.clone(), "would be a stratum for each number or date").help(help));
    }
    problems
}
