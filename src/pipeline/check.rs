//! Names in a pipeline that was read: segments and campaigns against each other and against the columns.

use super::campaigns::target_problems;
use super::canonical::{
    CUSTOMERS, analysed_attributes, attribute_name, campaign_attributes, canonical_attribute, snake_case,
};
use super::contact_rules::HOLDOUT_NAME;
use super::in_file_order;
use super::privacy::sensitive_problems;
use super::segments::{attribute_kinds, checked, reserved_names};
use super::settings::{Analyse, Attribute, CampaignRule, Pipeline, Placed};
use crate::campaign::target::Channel;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::segment::{Segment, is_reserved, membership_columns};
use crate::table::ColumnSpec;

/// Finds names that are used twice, campaigns for segments that do not exist, and attributes that nothing reads.
pub(super) fn names(pipeline: &Pipeline) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let segments: Vec<_> = pipeline.segments.iter().map(|segment| &segment.name).collect();
    let campaigns: Vec<_> = pipeline.campaigns.iter().map(|campaign| &campaign.name).collect();
    for (what, names) in [("segment", &segments), ("campaign", &campaigns)] {
        for (ix, name) in names.iter().enumerate() {
            if given(name) && names[..ix].iter().any(|before| before.text == name.text) {
                let title = format!("two {what}s are called `{}`", name.text);
                let problem = Diagnostic::error(codes::DUPLICATE_NAME, title);
                problems.push(problem.at(name.span.clone(), "used again here").help("give each a name of its own"));
            }
        }
    }
    for campaign in &pipeline.campaigns {
        let wanted = &campaign.segment;
        if !given(wanted) || segments.iter().any(|name| name.text == wanted.text) {
            continue;
        }
        let names = || segments.iter().map(|name| name.text.as_str()).filter(|name| !name.is_empty());
        let help = match nearest(&wanted.text, names()) {
            Some(near) => format!("a similar segment exists: `{near}`"),
            None if names().next().is_none() => "this pipeline has no `[[segment]]`".to_owned(),
            None => format!("segments of this pipeline: {}", names().collect::<Vec<_>>().join(", ")),
        };
        let title = format!("{} is for unknown segment `{}`", called("campaign", &campaign.name), wanted.text);
        let problem = Diagnostic::error(codes::UNKNOWN_SEGMENT, title);
        problems.push(problem.at(wanted.span.clone(), "no segment has this name").help(help));
    }
    problems.extend(reserved_names(pipeline));
    let holdout = &pipeline.contact_rules.holdout.name;
    for name in campaigns.iter().filter(|name| name.text == *holdout) {
        let title = format!("campaign `{holdout}` is called as the global holdout");
        let problem = Diagnostic::error(codes::DUPLICATE_NAME, title);
        let help = format!("give it another name, or the holdout by `{HOLDOUT_NAME}` in `[contact-rules]`");
        problems.push(problem.at(name.span.clone(), "the name of another draw").help(help));
    }
    problems.extend(attribute_names(&pipeline.input.attributes));
    for (key, wanted) in
        [("lifetime-value.covariates", &pipeline.covariates), ("churn.attributes", &pipeline.churn_attributes)]
    {
        problems.extend(wanted.iter().filter_map(|wanted| analysed_problem(pipeline, key, wanted)));
    }
    problems.extend(sensitive_problems(pipeline));
    problems
}

/// Finds attributes without a name of their own.
fn attribute_names(attributes: &[Attribute]) -> Vec<Diagnostic> {
    let problem = |(ix, Attribute { name, header }): (usize, &Attribute)| {
        let twin = attributes[..ix].iter().find(|before| before.name == *name && before.header.text != header.text);
        let canonical = canonical_attribute(name);
        let (title, help) = if name.is_empty() {
            ("has no letters or digits to be named by".to_owned(), "give the column another header".to_owned())
        } else if is_reserved(name) {
            let help = "give the column another header: a condition could not ask for it".to_owned();
            (format!("would be called `{name}`, which is a word of conditions"), help)
        } else if let Some(canonical) = canonical {
            let key = canonical.replace('_', "-");
            let help = format!(
                "it is `{canonical}`; another column is named under `[input.customers.columns]`: `{key} = \"…\"`"
            );
            (format!("is the column `{canonical}`, which is found by itself"), help)
        } else {
            let twin = twin?;
            let title = format!("would be called `{name}`, as `{}` is", twin.header.text);
            (title, "headers must differ in letters and digits".to_owned())
        };
        let problem = Diagnostic::error(codes::ATTRIBUTE_NAME, format!("attribute `{}` {title}", header.text));
        Some(problem.at(header.span.clone(), "no name of its own").help(help))
    };
    attributes.iter().enumerate().filter(|(_, attribute)| given(&attribute.header)).filter_map(problem).collect()
}

/// Says why an attribute that an analysis asks for cannot be read, where it cannot.
fn analysed_problem(pipeline: &Pipeline, key: &str, covariate: &Placed) -> Option<Diagnostic> {
    let wanted = covariate.text.as_str();
    let named = pipeline.input.attributes.iter().map(|attribute| attribute.name.as_str());
    let known: Vec<&str> = analysed_attributes().into_iter().chain(named).collect();
    let has_table = pipeline.input.customers.is_some();
    if !given(covariate) || (known.contains(&wanted) && has_table) {
        return None;
    }
    let help = if !has_table {
        "attributes come from the customers: add a table `[input.customers.csv]` with `path = \"…\"`".to_owned()
    } else if CUSTOMERS.iter().any(|column| snake_case(column.key.name) == wanted) {
        format!("`{wanted}` is for campaigns alone: it tells nothing of a group; known are {}", known.join(", "))
    } else if let Some(near) = nearest(&attribute_name(wanted), known.iter().copied()) {
        format!("a similar attribute exists: `{near}`")
    } else {
        format!("name its header in `[input.customers]` `attributes`; known are {}", known.join(", "))
    };
    let title = format!("`{key}` names unknown attribute `{wanted}`");
    let problem = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, title);
    Some(problem.at(covariate.span.clone(), "no customer attribute has this name").help(help))
}

/// Checks segment expressions and campaign columns against the columns that the analyses will write.
///
/// # Errors
/// Returns every problem, in the order of the file.
pub fn check_segments(pipeline: &Pipeline, columns: &[ColumnSpec]) -> Result<Vec<Segment>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut segments = Vec::new();
    let kinds = attribute_kinds(pipeline, columns);
    for rule in &pipeline.segments {
        match checked(pipeline, rule, columns, &kinds) {
            Ok(segment) => segments.extend(segment),
            Err(found) => problems.extend(found),
        }
    }
    let mut columns = columns.to_vec();
    if !pipeline.segments.is_empty() {
        columns.extend(membership_columns());
    }
    let columns = &columns[..];
    for Attribute { name, header } in &pipeline.input.attributes {
        if columns.iter().any(|column| column.name == *name) {
            let title = format!("attribute `{}` would be called `{name}`, as a column of the scores", header.text);
            let problem = Diagnostic::error(codes::ATTRIBUTE_NAME, title);
            problems.push(problem.at(header.span.clone(), "no name of its own").help("give the column another header"));
        }
    }
    for campaign in &pipeline.campaigns {
        problems.extend(campaign_problems(pipeline, campaign, columns));
    }
    if problems.is_empty() { Ok(segments) } else { Err(in_file_order(problems)) }
}

/// Names a segment or campaign in a message, even where the file gives it no name.
pub(super) fn called(what: &str, name: &Placed) -> String {
    if given(name) { format!("{what} `{}`", name.text) } else { format!("a {what} without a name") }
}

/// Says whether the file has a value here; what stands in for a missing or wrong one is empty.
pub(super) fn given(placed: &Placed) -> bool {
    !placed.text.is_empty()
}

/// Names the analysis that a missing column would come from, if the pipeline leaves it out.
pub(super) fn switched_off(pipeline: &Pipeline, column: &str) -> Option<String> {
    let mut left_out = Analyse::ALL.into_iter().filter(|analyse| !pipeline.analyses.contains(analyse));
    let writer = left_out.find(|analyse| column.starts_with(analyse.column_prefix()))?;
    if pipeline.input.transactions.is_none() && (writer != Analyse::Churn || pipeline.input.contracts.is_none()) {
        return Some(format!("`{}`, which writes such columns, needs `[input.transactions]`", writer.label()));
    }
    Some(format!("`analyses` leaves out `{}`, which writes such columns", writer.label()))
}

fn campaign_problems(pipeline: &Pipeline, campaign: &CampaignRule, columns: &[ColumnSpec]) -> Vec<Diagnostic> {
    let mut attributes = campaign_attributes();
    attributes.extend(pipeline.input.attributes.iter().map(|attribute| attribute.name.as_str()));
    // Where it is not the address it is a column like any other.
    attributes.extend(["email"].iter().filter(|_| campaign.target.channel != Channel::Email));
    let name = &campaign.name;
    let mut problems = Vec::new();
    if pipeline.input.customers.is_none() && given(name) {
        let title = format!("campaign `{}` has nobody to write to", name.text);
        problems.push(
            Diagnostic::error(codes::MISSING_TABLE, title)
                .at(name.span.clone(), "addresses and consent come from the customers, which are not read")
                .help("add a table `[input.customers.csv]` with `path = \"…\"`"),
        );
    }
    for column in campaign.columns.iter().chain(&campaign.split_by).chain(&campaign.stratify_by) {
        let wanted = column.text.as_str();
        let names = || columns.iter().map(|spec| spec.name.as_str()).chain(attributes.iter().copied());
        if names().any(|known| known == wanted) {
            continue;
        }
        let near = || nearest(wanted, names()).map(|near| format!("a similar column exists: `{near}`"));
        let all = || format!("customer columns are {}; the others are those of the scores", attributes.join(", "));
        let help = switched_off(pipeline, wanted).or_else(near).unwrap_or_else(all);
        let title = format!("{} uses unknown column `{wanted}`", called("campaign", name));
        let problem = Diagnostic::error(codes::UNKNOWN_CAMPAIGN_COLUMN, title);
        let label = "neither a customer column nor written by an analysis";
        problems.push(problem.at(column.span.clone(), label).help(help));
    }
    problems.extend(target_problems(pipeline, campaign, &called("campaign", name), columns));
    problems
}
