//! Who was drawn into which group of a campaign, out of typed columns: one row a customer and campaign, whatever the order of the rows.
//!
//! Whoever stands in several rows of a campaign, because every night assigns those who are new, was assigned on the first of their days. Left out and
//! counted are customers who object to profiling, who were assigned after as-of, and who stand in several groups of one campaign: nobody drew them into
//! one. The share is that of the customers which the group of the row was to get; where the table says how many were ever drawn, who is
//! gone is counted. `O(n log n)`.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::Columns;
use super::contracts::objecting;
use super::responses::{MOST_ARMS, header, is_control};
use super::{ASSIGNMENTS, IngestError, NO_NUMBER, TypedColumn, TypedTable};
use crate::table::{Assignments, Customers, Ids, Plan};
use crate::units::{Day, NONE_IX};

/// Name of the one campaign of a table that names none.
const UNNAMED: &str = "campaign";
/// Campaigns that may be as small as they like.
const MANY_CAMPAIGNS: usize = 20;
/// Customers of a campaign on average, at least, where there are more.
const FEWEST_A_CAMPAIGN: usize = 2;
/// Millionths in one.
const MILLION: f64 = 1e6;

/// What was read of assignments.
#[derive(Debug)]
pub struct AssignmentReading {
    pub assignments: Assignments,
    pub notes: Vec<String>,
}

/// Reads the assignments; `control` are the groups that are control groups, where somebody names them.
///
/// # Errors
/// Fails where no row is left, and where groups are too many to be such.
pub fn assignments(
    table: &TypedTable,
    control: Option<&[String]>,
    as_of: Day,
    customers: Option<&Customers>,
) -> Result<AssignmentReading, IngestError> {
    let columns = Columns::of(table);
    let objects = objecting(columns.ids("customer_id"), customers);
    let (customer, arm) = (columns.codes("customer_id"), columns.codes("arm"));
    let campaigns = columns.ids("campaign");
    let of_campaign = columns.codes("campaign");
    let campaign = |row: usize| of_campaign.get(row).copied().unwrap_or(0);
    let days = |name: &str| match table.columns.get(name) {
        Some(TypedColumn::Date { day, .. }) => &day[..],
        _ => &[],
    };
    let (day, selected) = (days("assigned_on"), days("selected_on"));
    let (mut n_objecting, mut n_later, mut n_unnamed) = (0_usize, 0_usize, 0_usize);
    let (shares, drawn) = (columns.decimals("share"), columns.decimals("drawn"));
    let number = |numbers: &[i64], row: usize| numbers.get(row).copied().filter(|it| *it != NO_NUMBER).unwrap_or(0);
    let share = |row: usize| number(shares, row);
    let plan = |row: usize| Plan {
        campaign: campaign(row),
        arm: arm[row],
        millionths: u32::try_from(share(row)).unwrap_or_default(),
    };
    let mut n_drawn: BTreeMap<Plan, u64> = BTreeMap::new();
    let mut rows: Vec<usize> = Vec::with_capacity(table.n_rows);
    for row in 0..table.n_rows {
        // A row is counted once, for the first thing that stands against it.
        if campaign(row) == NONE_IX {
            n_unnamed += 1;
            continue;
        }
        if !drawn.is_empty() {
            let most = n_drawn.entry(plan(row)).or_default();
            *most = (number(drawn, row).max(0) as u64 / MILLION as u64).max(*most);
        }
        if objects[customer[row] as usize] {
            n_objecting += 1;
        } else {
            rows.push(row);
        }
    }
    rows.sort_unstable_by_key(|row| (campaign(*row), customer[*row], day[*row], arm[*row], share(*row)));
    let mut n_gone = n_drawn.clone();
    let (mut kept, mut n_several) = (Vec::with_capacity(rows.len()), 0_usize);
    for same in rows.chunk_by(|a, b| (campaign(*a), customer[*a]) == (campaign(*b), customer[*b])) {
        if let Some(n) = n_gone.get_mut(&plan(same[0])) {
            *n = n.saturating_sub(1);
        }
        let same = &same[..same.partition_point(|row| day[*row] <= as_of.0)];
        n_later += usize::from(same.is_empty());
        if same.iter().any(|row| arm[*row] != arm[same[0]]) {
            n_several += 1;
        } else {
            kept.extend(same.first());
        }
    }
    if kept.is_empty() {
        return Err(IngestError::NoRowLeft { table: ASSIGNMENTS.name, n_rows: table.n_rows });
    }
    let counts = [
        (n_objecting, "rows of the assignments of customers who object to profiling are left out"),
        (n_later, "customers of the assignments were drawn after as-of and are left out"),
        (n_unnamed, "rows of the assignments without a campaign are left out"),
        (n_several, "customers were assigned to several groups of one campaign and are left out of it"),
    ];
    let notes = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    let arms = columns.ids("arm");
    for of_campaign in kept.chunk_by(|a, b| campaign(*a) == campaign(*b)) {
        let n_arms = of_campaign.iter().map(|row| arm[*row]).collect::<BTreeSet<u32>>().len();
        if n_arms > MOST_ARMS {
            let header = header(table, "arm");
            return Err(IngestError::TooManyArms { table: ASSIGNMENTS.name, header, n_arms, most: MOST_ARMS });
        }
    }
    // Names of campaigns are shown: a column of customers or addresses must not be.
    let n_campaigns = kept.chunk_by(|a, b| campaign(*a) == campaign(*b)).count();
    if n_campaigns > MANY_CAMPAIGNS && n_campaigns * FEWEST_A_CAMPAIGN > kept.len() {
        let (header, most) = (header(table, "campaign"), kept.len() / FEWEST_A_CAMPAIGN);
        return Err(IngestError::TooManyCampaigns { table: ASSIGNMENTS.name, header, n_campaigns, most });
    }
    let mut present: Vec<u32> = kept.iter().map(|row| customer[*row]).collect();
    present.sort_unstable();
    present.dedup();
    let ids = columns.ids("customer_id");
    let assignments = Assignments {
        customer_ids: Ids::from_sorted(present.iter().map(|code| ids.get(*code))),
        campaigns: if campaigns.is_empty() { Ids::from_sorted([UNNAMED]) } else { campaigns.clone() },
        is_control: arms.iter().map(|arm| is_control(arm, control)).collect(),
        arms: arms.clone(),
        customer: kept.iter().map(|row| present.partition_point(|other| *other < customer[*row]) as u32).collect(),
        campaign: kept.iter().map(|row| campaign(*row)).collect(),
        arm: kept.iter().map(|row| arm[*row]).collect(),
        day: kept.iter().map(|row| day[*row]).collect(),
        last_day: kept.iter().map(|row| selected.get(*row).map_or(day[*row], |last| day[*row].max(*last))).collect(),
        share: kept.iter().map(|row| share(*row) as f64 / MILLION).collect(),
        n_drawn,
        n_gone,
    };
    Ok(AssignmentReading { assignments, notes: notes.collect() })
}
