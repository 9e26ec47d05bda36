//! Campaigns of a run: who is contacted, in which files, and what the manifest and the notes say of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::assigned;
use super::error::RunError;
use super::job::Job;
use super::manifest::{ArmRecord, CampaignRecord};
use super::pseudonyms::pseudonymised;
use crate::analysis::{Base, SideTable};
use crate::campaign::assignments::{Arm, Assignments};
use crate::campaign::legal::LegalBasis;
use crate::campaign::prepare::{Known, Preparation, Prepared, prepare};
use crate::campaign::pressure::History;
use crate::campaign::split::{Share, shares};
use crate::campaign::suppression::Suppressed;
use crate::campaign::target::layout::LAST_CONTACT;
use crate::campaign::target::{CellCounts, Channel, Shape};
use crate::campaign::{Campaign, Reason, file};
use crate::features::Dataset;
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::segment::Segment;
use crate::table::{Column, Customers, Key, Suppressions, Values};
use crate::units::MONEY_SCALE;

/// Probability below which arms do not fit their shares: rare enough for every night of a year.
const MISMATCH: f64 = 1e-4;

/// A campaign with its contacts and the files that they go into.
pub struct Contacted<'a> {
    pub campaign: Campaign,
    pub members: usize,
    pub contacts: Frame<'a>,
    pub prepared: Prepared,
    pub shares: Vec<Share>,
}

/// What all campaigns of a run draw on.
pub struct Sources<'a> {
    pub customers: Option<&'a Customers>,
    pub suppressions: &'a Suppressions,
    /// Assignments of earlier runs by campaign.
    pub earlier: BTreeMap<String, Assignments>,
    /// Key of what stands for customers in the files, where ids must not.
    pub pseudonyms: Option<&'a Key>,
}

/// What campaigns come to.
pub struct Selection<'a> {
    pub contacted: Vec<Contacted<'a>>,
    /// Who is not contacted and why, and who is in which arm.
    pub tables: Vec<SideTable>,
    pub arms: Vec<ArmRecord>,
}

/// Selects the contacts of every campaign.
///
/// # Errors
/// Fails where a campaign would be split into too many files, or does not fit the scores, which checking the pipeline rules out.
pub fn select<'a>(
    job: &Job,
    base: &Base<'_>,
    segments: &[(Segment, Frame<'a>)],
    sources: Sources<'a>,
) -> Result<Selection<'a>, RunError> {
    let data = base.data;
    let mut asked: Vec<(&Campaign, Frame<'a>)> = Vec::with_capacity(job.campaigns.len());
    for campaign in &job.campaigns {
        let Some((_, members)) = segments.iter().find(|(segment, _)| segment.name == campaign.segment) else {
            continue;
        };
        asked.push((
            campaign,
            match campaign.target.shape {
                Shape::CallList => with_last_contact(members, data)?,
                _ => members.clone(),
            },
        ));
    }
    for (campaign, members) in &asked {
        let Some((column, n)) =
            campaign.economics.as_ref().map(|own| own.no_probabilities(members)).transpose()?.flatten()
        else {
            continue;
        };
        return Err(RunError::NoProbability { campaign: campaign.name.clone(), column, n });
    }
    let Some((first, _)) = asked.first() else {
        // Arms of campaigns that rest tonight are kept for their next night.
        let tables = assigned::table(&sources.earlier).into_iter().collect();
        return Ok(Selection { contacted: Vec::new(), tables, arms: arms(&sources.earlier) });
    };
    let needed = first.target.channel.needs()[0];
    let customers = sources.customers.ok_or_else(|| FrameError::NoColumn(needed.to_owned()))?;
    let rules = &job.settings.contact_rules;
    let has_bought: Vec<bool> = base.now.n_purchase_days.iter().map(|days| *days > 0).collect();
    let suppressed = Suppressed::of(sources.suppressions);
    let draws = sources.earlier.iter().filter(|(name, _)| **name != rules.holdout.name).map(|(_, draw)| draw);
    let known = Known {
        customers,
        base: &data.customer_ids,
        history: History::of(data, &rules.limits).and_control_groups(&data.customer_ids, draws, data.as_of),
        has_bought: &has_bought,
        suppressed: &suppressed,
        earlier: &sources.earlier,
        as_of: data.as_of,
    };
    let of_members: Vec<(&Campaign, &Frame<'_>)> =
        asked.iter().map(|(campaign, members)| (*campaign, members)).collect();
    let Preparation { campaigns: prepared, holdout } = prepare(&of_members, rules, &known)?;
    let excluded = excluded(&asked, &prepared)?;
    let mut contacted = Vec::with_capacity(asked.len());
    for ((campaign, members), prepared) in asked.into_iter().zip(prepared) {
        let contacts = file(campaign, &members, customers, &prepared)?;
        // Audience files hold no ids; the map of their rows needs them.
        let key = sources.pseudonyms.filter(|_| !matches!(campaign.target.shape, Shape::Audience(_)));
        let contacts = key.map_or(Ok(contacts.clone()), |key| pseudonymised(&contacts, key))?;
        let shares = shares(&campaign.name, &contacts, campaign.split_by.as_deref())?;
        contacted.push(Contacted { campaign: campaign.clone(), members: members.height(), contacts, prepared, shares });
    }
    let selected = contacted.iter().map(|own| (own.campaign.name.as_str(), &own.prepared.selected));
    let all = assigned::all(sources.earlier, selected.chain([(rules.holdout.name.as_str(), &holdout)]));
    let tables = [excluded].into_iter().chain(assigned::table(&all)).collect();
    Ok(Selection { contacted, tables, arms: arms(&all) })
}

/// Counts who is in every arm, and who was ever drawn into it.
fn arms(all: &BTreeMap<String, Assignments>) -> Vec<ArmRecord> {
    let mut records = Vec::new();
    for (campaign, assignments) in all {
        for arm in [Arm::Contact, Arm::Control] {
            let n_drawn = assignments.n_drawn().iter().filter(|((of, _), _)| *of == arm).map(|(_, n)| n).sum();
            let customers = assignments.iter().filter(|(_, assignment)| assignment.arm == arm).count() as u64;
            records.push(ArmRecord { campaign: campaign.clone(), arm: arm.label(), customers, drawn: n_drawn });
        }
    }
    records
}

/// Lists who is not contacted, and why.
fn excluded(asked: &[(&Campaign, Frame<'_>)], prepared: &[Prepared]) -> Result<SideTable, FrameError> {
    let (mut campaigns, mut customers, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for ((campaign, members), prepared) in asked.iter().zip(prepared) {
        let ids: Vec<Option<&str>> = members.texts(CUSTOMER_ID)?.collect();
        for (row, reason) in &prepared.excluded {
            campaigns.push(Some(campaign.name.as_str()));
            customers.push(ids[*row as usize]);
            reasons.push(Some(reason.label()));
        }
    }
    let columns = vec![
        Column::new("campaign", Values::from_texts(campaigns)),
        Column::new(CUSTOMER_ID, Values::from_texts(customers)),
        Column::new("reason", Values::from_texts(reasons)),
    ];
    Ok(SideTable { name: "excluded", columns })
}

/// Adds the day of the last contact up to as-of, where contacts are read.
fn with_last_contact<'a>(members: &Frame<'a>, data: &Dataset) -> Result<Frame<'a>, FrameError> {
    let events = &data.contacts;
    if events.day.is_empty() {
        return Ok(members.clone());
    }
    let last = events.starts.windows(2).map(|ends| {
        let days = &events.day[ends[0]..ends[1]];
        // Days ascend; what is later is an appointment.
        days[..days.partition_point(|day| *day <= data.as_of.0)].last().copied()
    });
    let last = Cells::Values(Cow::Owned(Values::Date(last.collect())));
    let id = members.column(CUSTOMER_ID)?;
    let customers = (0..members.height()).map(|row| id.position(row) as u32).collect();
    let mut columns = members.columns().to_vec();
    columns.push(FrameColumn::at(LAST_CONTACT, last, customers));
    Ok(Frame::of(columns))
}

/// Writes campaigns down for the manifest; `cells` are those of each.
pub fn records(campaigns: &[Contacted<'_>], cells: &[CellCounts]) -> Vec<CampaignRecord> {
    let record = |(contacted, cells): (&Contacted<'_>, &CellCounts)| {
        let Contacted { campaign, prepared, .. } = contacted;
        let major = |minor: f64| (minor.round() as i64) as f64 / MONEY_SCALE as f64;
        let mut excluded: Map<String, Value> =
            Reason::ALL.iter().map(|reason| (reason.label().to_owned(), 0.into())).collect();
        for (_, reason) in &prepared.excluded {
            let n = excluded[reason.label()].as_u64().unwrap_or(0);
            excluded[reason.label()] = (n + 1).into();
        }
        CampaignRecord {
            name: campaign.name.clone(),
            segment: campaign.segment.clone(),
            target: campaign.target.name,
            channel: campaign.target.channel.label(),
            legal_basis: campaign.basis.label(),
            members: Some(contacted.members),
            contacts: prepared.contacts.len(),
            excluded,
            control_share: campaign.control_share,
            sample_ratio_p: prepared.sample_ratio_p,
            lowest_expected_profit: prepared.cut.and_then(|cut| cut.lowest).map(major),
            expected_profit: prepared.cut.map(|cut| major(cut.expected_profit)),
            cells_cut: cells.cut,
            cells_with_characters_replaced: cells.replaced,
            formulas_guarded: cells.guarded,
            phone_numbers_left_out: cells.refused_phones,
        }
    };
    campaigns.iter().zip(cells).map(record).collect()
}

/// Says what a reader of the files must know.
pub fn notes(campaigns: &[Contacted<'_>], cells: &[CellCounts], customers: Option<&Customers>) -> Vec<String> {
    let mut notes = Vec::new();
    for (Contacted { campaign, members, prepared, .. }, cells) in campaigns.iter().zip(cells) {
        let (name, target) = (&campaign.name, campaign.target);
        let n_of = |reason| prepared.excluded.iter().filter(|(_, other)| *other == reason).count();
        if *members == 0 {
            notes.push(format!(
                "campaign `{name}`: segment `{}` has no customers, so the file has no rows",
                campaign.segment
            ));
        }
        if let Some(column) = customers.and_then(|customers| campaign.basis.missing_column(target.channel, customers)) {
            notes.push(format!(
                "campaign `{name}`: nobody is contacted, because the customer export has no column `{column}` that says who consented"
            ));
        }
        if let Some(p) = prepared.sample_ratio_p.filter(|p| *p < MISMATCH) {
            notes.push(format!(
                "campaign `{name}`: contacts and control group do not have the shares that they were drawn with (p = {p:.1e}): what \
                 `measure` tells of it cannot be trusted"
            ));
        }
        let mut say = |n: usize, what: &str| {
            if n > 0 {
                notes.push(format!("campaign `{name}`: {n} {what}"));
            }
        };
        if campaign.control_share == 0.0 {
            let what = "customers stay in its control group, though it has no `control-share` any more: under another name it would contact them";
            say(n_of(Reason::ControlGroup), what);
        }
        say(n_of(Reason::DuplicateAddress), "members share the address of another one and are left out");
        say(cells.cut, &format!("cells were longer than {} takes and were cut", target.title));
        say(cells.replaced, &format!("cells held characters that {} cannot hold, which were left out", target.title));
        say(cells.guarded, "cells began as a formula does and got an apostrophe before them");
        say(cells.refused_phones, "phone numbers could not be told for sure and were left out");
        if target.channel == Channel::Phone
            && campaign.basis == LegalBasis::LegitimateInterest
            && !prepared.contacts.is_empty()
        {
            notes.push(format!(
                "campaign `{name}`: no consent to calls is asked for; call companies only, or who gave it"
            ));
        }
    }
    notes
}
