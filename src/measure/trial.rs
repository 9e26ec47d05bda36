//! A campaign as it is measured: its groups, who was drawn into them, and what came of it.
//!
//! Rows stand by group, control groups first and then by name, within a group by customer: every group, all control groups together and all contacted
//! together are slices. Out of responses the outcomes are those of the export; out of assignments they are the purchases of the days after:
//!
//! | outcome      | of a customer                                                                        |
//! |--------------|--------------------------------------------------------------------------------------|
//! | `conversion` | 1 where a purchase of the window was kept, or else 0                                  |
//! | `revenue`    | net of returns, major units                                                          |
//! | `margin`     | revenue less cost; of nobody where the cost of any purchase in the window is unknown |
//!
//! A campaign that was drawn with several control shares is as many trials. The window is `(assigned, assigned + days]`. Customers whose window ends after the data are left out until it is over, whatever their group.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::window::{self, Before, Spend};
use super::{MeasureError, Prior, Request};
use crate::features::Dataset;
use crate::table::{Assignments, Plan, Responses, Values};
use crate::units::{Day, MONEY_SCALE};

/// Millionths are what shares are written in.
const MILLION: f64 = 1e6;

/// One campaign, or the part of it that was drawn with one share.
#[derive(Debug, Clone)]
pub struct Trial {
    pub campaign: String,
    /// Control groups first.
    pub arms: Vec<Arm>,
    pub outcomes: Vec<Measured>,
    /// What was known before of every row, where it was asked for.
    pub known: Option<Vec<f64>>,
    /// Customers whose window is not over, and the day on which the last one will be.
    pub open: Option<(u64, Day)>,
    pub source: Source,
}

/// Where the outcomes come from.
#[derive(Debug, Clone)]
pub enum Source {
    Responses,
    /// Rank of the customer among the assigned, day and what was bought, a row.
    Purchases(Vec<Row>),
}

/// A customer whose window is over.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub customer: u32,
    pub day: i32,
    pub before: Before,
    pub spend: Spend,
}

/// One group of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    pub name: String,
    pub is_control: bool,
    /// Customers who were drawn, whether their window is over or not.
    pub n_assigned: u64,
    /// Customers who were drawn and are no longer among them, where it is known.
    pub n_gone: Option<u64>,
    /// Share of the customers that was planned.
    pub share: Option<f64>,
    pub rows: Range<usize>,
}

/// One outcome of every row.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub name: String,
    pub is_share: bool,
    /// Empty where it cannot be known; `why` says so then.
    pub values: Vec<f64>,
    pub why: Option<&'static str>,
}

impl Trial {
    /// Returns the rows of all control groups, or of all others.
    pub fn rows(&self, is_control: bool) -> Range<usize> {
        let mut own = self.arms.iter().filter(|arm| arm.is_control == is_control).map(|arm| arm.rows.clone());
        let first = own.next().unwrap_or(0..0);
        first.start..own.next_back().map_or(first.end, |last| last.end)
    }

    pub fn has_control(&self) -> bool {
        self.arms.iter().any(|arm| arm.is_control)
    }

    /// Returns the planned share of every group, where all are known.
    pub fn shares(&self) -> Option<Vec<f64>> {
        self.arms.iter().map(|arm| arm.share).collect()
    }
}

/// Returns the campaigns of responses.
///
/// # Errors
/// Fails where what was known before is asked for and not there.
pub fn of_responses(responses: &Responses, data: &Dataset, request: &Request) -> Result<Vec<Trial>, MeasureError> {
    let known = known_of_responses(responses, data, request)?;
    let n = responses.customer.len();
    let is_control = |arm: u32| request.is_control(responses.arms.get(arm), responses.is_control[arm as usize]);
    let trial = |rows: &mut [usize], campaign: u32| {
        let arms = by_arm(rows, |row| responses.arm[row], &|arm| responses.arms.get(arm), &is_control);
        let of_arm = |(arm, range): (u32, Range<usize>)| Arm {
            name: responses.arms.get(arm).to_owned(),
            is_control: is_control(arm),
            n_assigned: range.len() as u64,
            n_gone: None,
            share: request.share(responses.arms.get(arm)),
            rows: range,
        };
        let measured = responses.outcomes.iter().map(|outcome| Measured {
            name: outcome.name.clone(),
            is_share: outcome.is_share,
            values: rows.iter().map(|row| outcome.values[*row]).collect(),
            why: None,
        });
        Trial {
            campaign: responses.campaigns.get(campaign).to_owned(),
            arms: equal_shares(arms.into_iter().map(of_arm).collect(), request),
            outcomes: measured.collect(),
            known: known.as_ref().map(|known| rows.iter().map(|row| known[*row]).collect()),
            open: None,
            source: Source::Responses,
        }
    };
    let mut rows: Vec<usize> = (0..n).collect();
    let campaigns = rows.chunk_by_mut(|a, b| responses.campaign[*a] == responses.campaign[*b]);
    Ok(campaigns
        .map(|rows| {
            let campaign = responses.campaign[rows[0]];
            trial(rows, campaign)
        })
        .collect())
}

/// Returns the campaigns of assignments, by what was bought after them.
pub fn of_assignments(assigned: &Assignments, data: &Dataset, request: &Request) -> Vec<Trial> {
    let position: Vec<Option<u32>> = assigned.customer_ids.iter().map(|id| data.customer_ids.position(id)).collect();
    let is_control = |arm: u32| request.is_control(assigned.arms.get(arm), assigned.is_control[arm as usize]);
    let has_costs = window::has_costs(data);
    let trial = |rows: &mut [usize], campaign: u32| {
        let arms = by_arm(rows, |row| assigned.arm[row], &|arm| assigned.arms.get(arm), &is_control);
        let last_day = |row: usize| assigned.day[row].saturating_add(request.days as i32);
        let (mut measured, mut found): (Vec<Row>, Vec<Arm>) = (Vec::new(), Vec::new());
        for (arm, range) in arms {
            let first = measured.len();
            measured.extend(rows[range.clone()].iter().filter(|row| last_day(**row) <= data.as_of.0).map(|row| {
                let (customer, day) = (assigned.customer[*row], assigned.day[*row]);
                let nothing = Spend { cost: has_costs.then_some(0), ..Spend::default() };
                let base = position[customer as usize];
                Row {
                    customer,
                    day,
                    before: base.map_or(Before::default(), |base| window::before(data, base, day)),
                    spend: base.map_or(nothing, |base| window::spend(data, base, day, last_day(*row), data.as_of.0)),
                }
            }));
            found.push(Arm {
                name: assigned.arms.get(arm).to_owned(),
                is_control: is_control(arm),
                n_assigned: range.len() as u64,
                n_gone: gone(assigned, &rows[range.clone()]),
                share: request.share(assigned.arms.get(arm)).or_else(|| one_share(assigned, &rows[range.clone()])),
                rows: first..measured.len(),
            });
        }
        let open = rows.iter().map(|row| last_day(*row)).filter(|day| *day > data.as_of.0);
        let known = |row: &Row| match request.prior {
            Some(Prior::Days(days)) => position[row.customer as usize].map_or(0.0, |base| {
                major(window::spend(data, base, row.day.saturating_sub(days as i32), row.day, row.day).revenue)
            }),
            _ => 0.0,
        };
        Trial {
            campaign: assigned.campaigns.get(campaign).to_owned(),
            arms: equal_shares(found, request),
            outcomes: outcomes(&measured.iter().map(|row| row.spend).collect::<Vec<_>>()),
            known: matches!(request.prior, Some(Prior::Days(_))).then(|| measured.iter().map(known).collect()),
            open: open.clone().max().map(|day| (open.count() as u64, Day(day))),
            source: Source::Purchases(measured),
        }
    };
    // Who was contacted by a campaign without a control group was not drawn.
    let mut rows: Vec<usize> = (0..assigned.customer.len()).filter(|row| assigned.share[*row] < 1.0).collect();
    let campaigns = rows.chunk_by_mut(|a, b| assigned.campaign[*a] == assigned.campaign[*b]);
    let mut trials = Vec::new();
    for rows in campaigns {
        let campaign = assigned.campaign[rows[0]];
        let plans = plans(assigned, rows, &is_control);
        let plan = |row: usize| plans.get(&(assigned.arm[row], assigned.plan(row).millionths)).copied();
        rows.sort_by_key(|row| (plan(*row), *row));
        let mut cells: Vec<&mut [usize]> = rows.chunk_by_mut(|a, b| plan(*a) == plan(*b)).collect();
        let is_one = cells.len() == 1;
        for cell in &mut cells {
            let share = plan(cell[0]).map(|key| f64::from(key) / MILLION).filter(|_| !is_one);
            let mut trial = trial(cell, campaign);
            if let Some(share) = share {
                trial.campaign = part_of(&trial.campaign, share);
            }
            trials.push(trial);
        }
    }
    trials
}

/// Returns the control share, in millionths, that the rows of an arm with a share were drawn by; empty where all were drawn by one, or the campaign has not two arms.
///
/// Customers of nights with different shares must not be thrown together: who came on which night would decide the arm, and the difference between
/// nights would look like an effect.
fn plans(assigned: &Assignments, rows: &[usize], is_control: &dyn Fn(u32) -> bool) -> BTreeMap<(u32, u32), u32> {
    let pairs: BTreeSet<(u32, u32)> =
        rows.iter().map(|row| (assigned.arm[*row], assigned.plan(*row).millionths)).collect();
    let arms: BTreeSet<u32> = pairs.iter().map(|(arm, _)| *arm).collect();
    let is_pair = arms.len() == 2 && arms.iter().filter(|arm| is_control(**arm)).count() == 1;
    if !is_pair || pairs.len() <= 2 || pairs.iter().any(|(_, share)| *share == 0) {
        return BTreeMap::new();
    }
    let whole = MILLION as u32;
    pairs
        .into_iter()
        .map(|(arm, share)| ((arm, share), if is_control(arm) { share } else { whole.saturating_sub(share) }))
        .collect()
}

/// Names the part of a campaign that was drawn with a control share.
fn part_of(campaign: &str, share: f64) -> String {
    format!("{campaign} (control {}%)", (share * 1e4).round() / 100.0)
}

/// Says whether a trial is the campaign of that name, or a part of it.
pub fn is_of(trial: &str, campaign: &str) -> bool {
    trial.strip_prefix(campaign).is_some_and(|rest| rest.is_empty() || rest.starts_with(" (control "))
}

/// Lays out what customers bought as outcomes; without any cost there is no margin.
pub fn outcomes(spends: &[Spend]) -> Vec<Measured> {
    let outcome = |name: &str, is_share, value: &dyn Fn(&Spend) -> f64| Measured {
        name: name.to_owned(),
        is_share,
        values: spends.iter().map(value).collect(),
        why: None,
    };
    let mut found = vec![
        outcome("conversion", true, &|spend| f64::from(u8::from(spend.n_purchase_days > 0))),
        outcome("revenue", false, &|spend| major(spend.revenue)),
    ];
    let n_unknown = spends.iter().filter(|spend| spend.cost.is_none()).count();
    if n_unknown < spends.len() {
        let mut of_margin =
            outcome("margin", false, &|spend| spend.cost.map_or(0.0, |cost| major(spend.revenue - cost)));
        if n_unknown > 0 {
            of_margin.values.clear();
            of_margin.why = Some("the cost of some purchases is not known");
        }
        found.push(of_margin);
    }
    found
}

fn major(minor: i64) -> f64 {
    minor as f64 / MONEY_SCALE as f64
}

/// Sorts rows by group, control groups first, and returns where each begins and ends.
fn by_arm<'a>(
    rows: &mut [usize],
    arm: impl Fn(usize) -> u32,
    name: &dyn Fn(u32) -> &'a str,
    is_control: &dyn Fn(u32) -> bool,
) -> Vec<(u32, Range<usize>)> {
    rows.sort_by_key(|row| (!is_control(arm(*row)), name(arm(*row)), *row));
    let mut start = 0;
    rows.chunk_by(|a, b| arm(*a) == arm(*b))
        .map(|own| {
            start += own.len();
            (arm(own[0]), start - own.len()..start)
        })
        .collect()
}

/// Returns the share that all rows of a group name.
fn one_share(assigned: &Assignments, rows: &[usize]) -> Option<f64> {
    let share = assigned.share[*rows.first()?];
    (share > 0.0 && rows.iter().all(|row| assigned.share[*row] == share)).then_some(share)
}

/// Returns how many were drawn as the rows of a group were and are no longer there, where the table says so.
fn gone(assigned: &Assignments, rows: &[usize]) -> Option<u64> {
    let plans: BTreeSet<Plan> = rows.iter().map(|row| assigned.plan(*row)).collect();
    plans.iter().map(|plan| assigned.n_gone.get(plan).copied()).sum()
}

fn equal_shares(mut arms: Vec<Arm>, request: &Request) -> Vec<Arm> {
    if request.equal_shares {
        arms.iter_mut().for_each(|arm| arm.share = Some(1.0));
    }
    arms
}

/// Returns what was known before of every row of responses: a column of theirs, or what was bought before the contact.
fn known_of_responses(
    responses: &Responses,
    data: &Dataset,
    request: &Request,
) -> Result<Option<Vec<f64>>, MeasureError> {
    match &request.prior {
        None => Ok(None),
        Some(Prior::Column(name)) => {
            let column = responses.attributes.iter().find(|column| column.name == *name);
            let Some(Values::Number(values)) = column.map(|column| &column.values) else {
                return Err(MeasureError::NoPrior { asked: name.clone() });
            };
            let known: Vec<f64> = values.iter().flatten().collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            // Who is not known is as everybody is: nothing is taken out.
            Ok(Some(values.iter().map(|value| value.unwrap_or(mean)).collect()))
        }
        Some(Prior::Days(days)) => {
            if responses.day.is_empty() || data.purchase_days.day.is_empty() {
                return Err(MeasureError::NoPrior { asked: format!("{days} days") });
            }
            let known = responses.customer.iter().zip(&responses.day).map(|(customer, day)| {
                let base = data.customer_ids.position(responses.customer_ids.get(*customer));
                // What is bought on the day of the contact may come of it.
                let eve = day.saturating_sub(1);
                base.map_or(0.0, |base| {
                    major(window::spend(data, base, eve.saturating_sub(*days as i32), eve, eve).revenue)
                })
            });
            Ok(Some(known.collect()))
        }
    }
}
