//! Contact or control group: who was drawn before keeps the arm, everybody else is drawn tonight, one lot an address.
//!
//! Where a customer may be in one campaign, who is in the control group of one is in no other of the run either. `O(n log n)`.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::assignments::{Arm, Assignment, Assignments};
use super::prepare::{Candidate, Known, Open, Prepared};
use super::profit::Cut;
use super::reach::Reach;
use super::{Campaign, Reason, control};
use crate::scores::frame::{Frame, FrameError};
use crate::table::Customers;

pub(super) fn draw(
    campaign: &Campaign,
    members: &Frame<'_>,
    reach: &Reach<'_>,
    Open { candidates, mut excluded, cut }: Open,
    known: &Known<'_>,
) -> Result<Prepared, FrameError> {
    let none = Assignments::default();
    let earlier = known.earlier.get(&campaign.name).unwrap_or(&none);
    if campaign.control_share == 0.0 && earlier.is_empty() && campaign.repeat_after.is_none() {
        excluded.sort_unstable();
        let contacts = candidates.iter().map(|candidate| (candidate.row, candidate.customer)).collect();
        let mut cut = cut.map(|cut| Cut { lowest: None, expected_profit: 0.0, ..cut });
        if let Some(cut) = &mut cut {
            candidates.iter().filter_map(|candidate| candidate.profit).for_each(|profit| cut.count(profit));
        }
        return Ok(Prepared { contacts, excluded, selected: Assignments::default(), cut, sample_ratio_p: None });
    }
    let ids = |candidate: &Candidate| known.customers.ids.get(candidate.customer);
    let mut of_address = arms_by_address(reach, known.customers, earlier);
    // One lot an address: who shares it with a contact cannot be a control.
    let mut seen: HashSet<&str> = of_address.keys().map(String::as_str).collect();
    let leads = |candidate: &Candidate, seen: &mut HashSet<&str>| {
        earlier.get(ids(candidate)).is_none() && !seen.contains(candidate.address.as_str())
    };
    let mut leaders: Vec<&Candidate> = Vec::new();
    for candidate in &candidates {
        if leads(candidate, &mut seen) {
            seen.insert(&candidate.address);
            leaders.push(candidate);
        }
    }
    let strata = strata(campaign, members, known.customers, &leaders)?;
    let drawing: Vec<(&str, &str)> =
        leaders.iter().zip(&strata).map(|(candidate, stratum)| (ids(candidate), stratum.as_str())).collect();
    let is_stratified = !campaign.stratify_by.is_empty();
    let drawn = control::draw(&campaign.name, campaign.control_share, &drawing, is_stratified, known.as_of);
    let drawn: Vec<(String, Assignment)> =
        leaders.iter().zip(drawn).map(|(leader, assignment)| (leader.address.clone(), assignment)).collect();
    // Who follows somebody at the address was not drawn, and counts for no sample ratio.
    // Who has objected since was drawn all the same.
    let sample_ratio_p = control::sample_ratio_p(earlier.n_drawn(), drawn.iter().map(|(_, it)| *it));
    of_address.extend(drawn);
    let (mut contacts, mut selected) = (Vec::new(), Vec::new());
    let mut cut = cut.map(|cut| Cut { lowest: None, expected_profit: 0.0, ..cut });
    for candidate in &candidates {
        let id = ids(candidate);
        let Some(at_address) = of_address.get(&candidate.address) else { continue };
        // Who comes to an address follows its arm, and is measured from tonight on.
        let follower = Assignment { on: known.as_of, ..*at_address };
        let assignment = earlier.get(id).unwrap_or(follower);
        selected.push((id, Assignment { last: assignment.last.max(known.as_of), ..assignment }));
        // Where both arms have come to one address nobody is written to.
        if assignment.arm == Arm::Contact && at_address.arm == Arm::Contact {
            contacts.push((candidate.row, candidate.customer));
            if let (Some(cut), Some(profit)) = (&mut cut, candidate.profit) {
                cut.count(profit);
            }
        } else {
            excluded.push((candidate.row, Reason::ControlGroup));
        }
    }
    excluded.sort_unstable();
    Ok(Prepared { contacts, excluded, selected: Assignments::of(selected), cut, sample_ratio_p })
}

/// Returns the arms of addresses whose customers have one: the first assignment, to the control group where there is any.
fn arms_by_address(reach: &Reach<'_>, customers: &Customers, earlier: &Assignments) -> HashMap<String, Assignment> {
    let assigned: Vec<(&str, Assignment)> = earlier.iter().collect();
    let addresses: Vec<String> = assigned
        .par_iter()
        .map(|(id, _)| customers.ids.position(id).map(|ix| reach.address(ix as usize)).unwrap_or_default())
        .collect();
    let mut arms: HashMap<String, Assignment> = HashMap::with_capacity(assigned.len());
    let rank = |assignment: &Assignment| (assignment.arm == Arm::Contact, assignment.on);
    for (address, (_, assignment)) in addresses.into_iter().zip(assigned).filter(|(address, _)| !address.is_empty()) {
        let arm = arms.entry(address).or_insert(assignment);
        if rank(&assignment) < rank(arm) {
            *arm = assignment;
        }
    }
    arms
}

/// Returns the stratum of each candidate: the cells of the columns that the campaign names.
fn strata(
    campaign: &Campaign,
    members: &Frame<'_>,
    customers: &Customers,
    candidates: &[&Candidate],
) -> Result<Vec<String>, FrameError> {
    let mut strata = vec![String::new(); candidates.len()];
    for name in &campaign.stratify_by {
        let scores: Option<Vec<Option<&str>>> = match (members.texts(name), customers.attributes.get(name)) {
            (Ok(texts), _) => Some(texts.collect()),
            (Err(_), Some(_)) => None,
            (Err(missing), None) => return Err(missing),
        };
        for (stratum, candidate) in strata.iter_mut().zip(candidates) {
            let cell = match &scores {
                Some(texts) => texts[candidate.row as usize],
                None => customers.attributes.get(name).map(|texts| texts[candidate.customer as usize].as_str()),
            };
            stratum.push('\u{1f}');
            stratum.push_str(cell.unwrap_or_default());
        }
    }
    Ok(strata)
}
