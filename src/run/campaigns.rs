//! Campaigns of a run: who is contacted, in which files, and what the manifest and the notes say of it.

use std::borrow::Cow;

use super::error::RunError;
use super::job::Job;
use super::manifest::CampaignRecord;
use crate::campaign::split::{Share, shares};
use crate::campaign::target::layout::LAST_CONTACT;
use crate::campaign::target::{CellCounts, Channel, Shape};
use crate::campaign::{Campaign, CampaignCounts, contacts};
use crate::features::Dataset;
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::segment::Segment;
use crate::table::{Customers, Values};

/// A campaign with its contacts and the files that they go into.
pub struct Contacted<'a> {
    pub campaign: Campaign,
    pub contacts: Frame<'a>,
    pub counts: CampaignCounts,
    pub shares: Vec<Share>,
}

/// Selects the contacts of every campaign.
///
/// # Errors
/// Fails where a campaign would be split into too many files, or does not fit the scores, which checking the pipeline rules out.
pub fn select<'a>(
    job: &Job,
    data: &Dataset,
    segments: &[(Segment, Frame<'a>)],
    customers: Option<&'a Customers>,
) -> Result<Vec<Contacted<'a>>, RunError> {
    let members = |campaign: &Campaign| segments.iter().find(|(segment, _)| segment.name == campaign.segment);
    let contacted = |campaign: &Campaign, members: &Frame<'a>| {
        let needed = campaign.target.channel.needs()[0];
        let customers = customers.ok_or_else(|| FrameError::NoColumn(needed.to_owned()))?;
        let (contacts, counts) = match campaign.target.shape {
            Shape::CallList => contacts(campaign, &with_last_contact(members, data)?, customers)?,
            _ => contacts(campaign, members, customers)?,
        };
        let shares = shares(&campaign.name, &contacts, campaign.split_by.as_deref())?;
        Ok(Contacted { campaign: campaign.clone(), contacts, counts, shares })
    };
    let campaigns = job.campaigns.iter().filter_map(|campaign| Some((campaign, &members(campaign)?.1)));
    campaigns.map(|(campaign, members)| contacted(campaign, members)).collect()
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
    let record = |(Contacted { campaign, counts, .. }, cells): (&Contacted<'_>, &CellCounts)| CampaignRecord {
        name: campaign.name.clone(),
        segment: campaign.segment.clone(),
        target: campaign.target.name,
        channel: campaign.target.channel.label(),
        members: counts.members,
        not_in_customer_table: counts.unknown,
        without_consent: counts.without_consent,
        without_address: counts.unreachable,
        duplicate_addresses: counts.duplicates,
        contacts: counts.contacts,
        cells_cut: cells.cut,
        cells_with_characters_replaced: cells.replaced,
        formulas_guarded: cells.guarded,
        phone_numbers_left_out: cells.refused_phones,
    };
    campaigns.iter().zip(cells).map(record).collect()
}

/// Says what a reader of the files must know.
pub fn notes(campaigns: &[Contacted<'_>], cells: &[CellCounts]) -> Vec<String> {
    let mut notes = Vec::new();
    for (Contacted { campaign, counts, .. }, cells) in campaigns.iter().zip(cells) {
        let (name, target) = (&campaign.name, campaign.target);
        let mut say = |n: usize, what: &str| {
            if n > 0 {
                notes.push(format!("campaign `{name}`: {n} {what}"));
            }
        };
        say(counts.duplicates, "members share the address of another one and are left out");
        say(cells.cut, &format!("cells were longer than {} takes and were cut", target.title));
        say(cells.replaced, &format!("cells held characters that {} cannot hold, which were left out", target.title));
        say(cells.guarded, "cells began as a formula does and got an apostrophe before them");
        say(cells.refused_phones, "phone numbers could not be told for sure and were left out");
        if target.channel == Channel::Phone && counts.contacts > 0 {
            notes.push(format!("campaign `{name}`: no consent to calls is read; call only who gave it"));
        }
    }
    notes
}
