//! Responses to past campaigns out of their typed columns: one row a customer and campaign, whatever the order of the rows.
//!
//! A control group is an arm that the pipeline names, or one that is called so. Rows of one customer in one arm are one, which responded if any did;
//! who stands in several arms of a campaign is in no arm and is left out. A response is a word that says yes or a number above zero, or, where
//! there is no such column, an amount above zero.
//!
//! An empty cell is no response: a campaign is read by everybody who was drawn for it, whatever they did (intention to treat), and exports leave
//! empty what did not happen. Whose row is rejected for it would be missing from the very group that did not respond.
//!
//! | left out and counted                       | why                                      |
//! |--------------------------------------------|------------------------------------------|
//! | customers who object to profiling          | Art. 21 GDPR                             |
//! | rows dated after as-of                     | not known yet                            |
//! | rows without a campaign, where others have one | nobody can tell what they belong to  |
//! | customers in several arms of a campaign    | not drawn by lot into one                |
//!
//! A column of arms with more than 20 different cells in one campaign is none, and an error; so is a column of campaigns with more than 200, which
//! may hold ids. `O(n log n)`.

use super::columns::Columns;
use super::contracts::{content, further, objecting};
use super::outcomes::{OUTCOME, outcomes};
use super::reject::{Reject, reject_rows};
use super::said::{said, shapes};
use super::{IngestError, NO_DAY, NO_NUMBER, RESPONSES, TableSource, TypedColumn, TypedTable};
use crate::table::{Customers, Ids, Responses};
use crate::units::{Day, NONE_IX};

/// Arms that are control groups by their name, in lower case, letters only.
const CONTROL: [&str; 14] = [
    "control",
    "controlgroup",
    "kontrolle",
    "kontrollgruppe",
    "nullgruppe",
    "holdout",
    "none",
    "nocontact",
    "noemail",
    "nomail",
    "nomailing",
    "keine",
    "keinkontakt",
    "unbehandelt",
];
/// Arms of one campaign, at most.
pub(super) const MOST_ARMS: usize = 20;
/// Campaigns, at most: each is an entry of the manifest, under its name.
const MOST_CAMPAIGNS: usize = 200;
/// Name of the one campaign of a table that names none.
const UNNAMED: &str = "campaign";

/// What was read of responses.
#[derive(Debug)]
pub struct ResponseReading {
    pub responses: Responses,
    pub rejects: Vec<Reject>,
    pub notes: Vec<String>,
}

/// Reads the responses; `yes` are the words that mean a response and `control` the arms that are control groups, where the pipeline names them.
///
/// # Errors
/// Fails where no cell says yes or no, where arms or campaigns are too many to be such, where no row is left, and where a rejected row cannot be read again.
pub fn responses(
    table: &TypedTable,
    source: &TableSource,
    yes: Option<&[String]>,
    control: Option<&[String]>,
    as_of: Day,
    customers: Option<&Customers>,
) -> Result<ResponseReading, IngestError> {
    let columns = Columns::of(table);
    let words = columns.codes("response");
    let said_at: Vec<Option<bool>> = columns.ids("response").iter().map(|cell| responds(cell, yes)).collect();
    if !said_at.is_empty() && said_at.iter().all(Option::is_none) {
        return Err(IngestError::UnknownCells {
            table: RESPONSES.name,
            column: "response",
            header: header(table, "response"),
            n_rows: table.n_rows,
            shapes: shapes(columns.ids("response").iter()),
            key: "response-values",
        });
    }
    let is_known =
        |row: &usize| words.get(*row).is_none_or(|code| *code == NONE_IX || said_at[*code as usize].is_some());
    let objects = objecting(columns.ids("customer_id"), customers);
    let (customer, arm) = (columns.codes("customer_id"), columns.codes("arm"));
    let objects = |row: usize| objects[customer[row] as usize];
    // What is wrong with the row of somebody who objects is nobody's business either.
    let unknown: Vec<usize> = (0..table.n_rows).filter(|row| !is_known(row) && !objects(*row)).collect();
    let rejects = if unknown.is_empty() {
        vec![]
    } else {
        reject_rows(&table.files, &unknown, Some("response"), "neither yes nor no in a word that is known")?
    };
    let amounts = columns.decimals("amount");
    let responded = |row: usize| match words.get(row) {
        Some(code) => said_at.get(*code as usize).copied().flatten().unwrap_or(false),
        None => amounts.get(row).is_some_and(|amount| *amount != NO_NUMBER && *amount > 0),
    };
    let campaigns = columns.ids("campaign");
    let campaign = |row: usize| columns.codes("campaign").get(row).copied().unwrap_or(0);
    let day = match table.columns.get("date") {
        Some(TypedColumn::Date { day, .. }) => &day[..],
        _ => &[],
    };
    let mut left_out = LeftOut::default();
    let mut counts = |row: &usize| {
        let is_later = day.get(*row).is_some_and(|day| *day > as_of.0);
        let is_of_none = !campaigns.is_empty() && campaign(*row) == NONE_IX;
        let objects = objects(*row);
        if !objects && !is_known(row) {
            return false;
        }
        // A row is counted once, for the first thing that stands against it.
        match (objects, is_later, is_of_none) {
            (true, ..) => left_out.objecting += 1,
            (_, true, _) => left_out.later += 1,
            (_, _, true) => left_out.of_no_campaign += 1,
            _ => return true,
        }
        false
    };
    let content = content(table, source);
    let mut rows: Vec<usize> = (0..table.n_rows).filter(|row| counts(row)).collect();
    rows.sort_by_cached_key(|row| {
        let codes: Vec<u32> = content.iter().map(|(_, codes)| codes[*row]).collect();
        (campaign(*row), customer[*row], arm[*row], codes)
    });
    let mut notes = left_out.notes();
    let (mut groups, mut answers, mut n_several) = (Vec::new(), Vec::new(), 0);
    for same in rows.chunk_by(|a, b| (campaign(*a), customer[*a]) == (campaign(*b), customer[*b])) {
        if same.iter().any(|row| arm[*row] != arm[same[0]]) {
            n_several += 1;
            continue;
        }
        groups.push(same);
        answers.push(same.iter().any(|row| responded(*row)));
    }
    let kept: Vec<usize> = groups.iter().map(|same| same[0]).collect();
    if kept.is_empty() {
        return Err(IngestError::NoRowLeft { table: RESPONSES.name, n_rows: table.n_rows });
    }
    if n_several > 0 {
        notes.push(format!("{n_several} customers stand in several arms of one campaign and are left out of it"));
    }
    let arms = columns.ids("arm");
    let n_campaigns = kept.chunk_by(|a, b| campaign(*a) == campaign(*b)).count();
    if n_campaigns > MOST_CAMPAIGNS {
        let header = header(table, "campaign");
        return Err(IngestError::TooManyCampaigns { table: RESPONSES.name, header, n_campaigns, most: MOST_CAMPAIGNS });
    }
    for of_campaign in kept.chunk_by(|a, b| campaign(*a) == campaign(*b)) {
        let mut own: Vec<u32> = of_campaign.iter().map(|row| arm[*row]).collect();
        own.sort_unstable();
        own.dedup();
        if own.len() > MOST_ARMS {
            let header = header(table, "arm");
            return Err(IngestError::TooManyArms { table: RESPONSES.name, header, n_arms: own.len(), most: MOST_ARMS });
        }
    }
    let is_control: Vec<bool> = arms.iter().map(|arm| is_control(arm, control)).collect();
    for name in control.unwrap_or_default().iter().filter(|name| arms.position(name).is_none()) {
        notes.push(format!("`{name}`, named as control group, is no arm of the responses"));
    }
    // Only customers with a row that counts are part of the base.
    let mut present: Vec<u32> = kept.iter().map(|row| customer[*row]).collect();
    present.sort_unstable();
    present.dedup();
    let rank = |code: u32| present.partition_point(|other| *other < code) as u32;
    let ids = columns.ids("customer_id");
    let first_day =
        |same: &&[usize]| same.iter().map(|row| day[*row]).filter(|day| *day != NO_DAY).min().unwrap_or(NO_DAY);
    let day = if day.is_empty() { Vec::new() } else { groups.iter().map(first_day).collect() };
    let outcomes = outcomes(table, source, &groups, &answers, yes)?;
    // What came of the contact is nothing that was known before.
    let mut known_before = source.clone();
    known_before.attributes.retain(|name| !name.starts_with(OUTCOME));
    let responses = Responses {
        customer_ids: Ids::from_sorted(present.iter().map(|code| ids.get(*code))),
        campaigns: if campaigns.is_empty() { Ids::from_sorted([UNNAMED]) } else { campaigns.clone() },
        arms: arms.clone(),
        is_control,
        customer: kept.iter().map(|row| rank(customer[*row])).collect(),
        campaign: kept.iter().map(|row| campaign(*row)).collect(),
        arm: kept.iter().map(|row| arm[*row]).collect(),
        day,
        responded: answers,
        label: label(table, yes),
        attributes: further(table, &known_before, &[], &[], &kept),
        outcomes,
    };
    Ok(ResponseReading { responses, rejects, notes })
}

/// Rows that do not count, and why.
#[derive(Default)]
struct LeftOut {
    objecting: usize,
    later: usize,
    of_no_campaign: usize,
}

impl LeftOut {
    fn notes(&self) -> Vec<String> {
        let all = [
            (self.objecting, "of customers who object to profiling"),
            (self.later, "dated after as-of"),
            (self.of_no_campaign, "without a campaign"),
        ];
        let said = all.into_iter().filter(|(n, _)| *n > 0);
        said.map(|(n, why)| format!("{n} rows of the responses {why} are left out")).collect()
    }
}

/// Returns how the export calls a column.
pub(super) fn header(table: &TypedTable, column: &str) -> String {
    let mut mapped = table.files.iter().flat_map(|file| &file.mapping);
    mapped.find(|(name, _)| name == column).map_or_else(|| column.to_owned(), |(_, header)| header.clone())
}

/// Says what counts as a response.
fn label(table: &TypedTable, yes: Option<&[String]>) -> String {
    match (table.columns.contains_key("response"), yes) {
        (true, None) => format!("`{}` says yes or is above zero", header(table, "response")),
        (true, Some(_)) => format!("`{}` is one of `response-values`", header(table, "response")),
        (false, _) => format!("`{}` is above zero", header(table, "amount")),
    }
}

/// Returns whether a cell says that somebody responded: a word, or how often.
fn responds(cell: &str, yes: Option<&[String]>) -> Option<bool> {
    said(cell, yes).or_else(|| cell.trim().parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n > 0.0))
}

/// Returns whether an arm is a control group: one that somebody names, or one that is called so.
pub(super) fn is_control(arm: &str, control: Option<&[String]>) -> bool {
    match control {
        Some(names) => names.iter().any(|name| name == arm),
        None => {
            let letters: String = arm.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
            CONTROL.contains(&letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_groups_are_named_or_known() {
        for (arm, expected) in
            [("No E-Mail", true), ("Kontrollgruppe", true), ("control_group", true), ("Mens E-Mail", false)]
        {
            assert_eq!(is_control(arm, None), expected, "{arm}");
        }
        let named = ["B".to_owned()];
        assert_eq!(["A", "B", "control"].map(|arm| is_control(arm, Some(&named))), [false, true, false]);
    }

    #[test]
    fn responses_are_words_or_numbers() {
        let found = ["1", "ja", "0", "3", "2.5", "-1", "vielleicht", "NaN"].map(|cell| responds(cell, None));
        assert_eq!(found, [Some(true), Some(true), Some(false), Some(true), Some(true), Some(false), None, None]);
    }
}
