//! From segments to contacts: everything that stands between a member and a line in a campaign file, in one order for all campaigns.
//!
//! ```text
//! member → customer table → legal basis → suppression list → address → global holdout → quiet period, frequency cap → profit
//!        → one a household or address → one campaign a customer, by expected profit → lot: contact or control group
//! ```
//! The lot comes last, so that contacts and control group differ by nothing but it, and is one for everybody at an address. Where a customer may be in
//! one campaign, who is in the control group of one is in no other of the run either. Of members who share an address, and of campaigns that share a customer, the higher expected profit counts; without one, who stands
//! first. `O(members · log members)`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::assignments::{Arm, Assignment, Assignments};
use super::control;
use super::holdout::Holdout;
use super::pressure::{History, Pressure};
use super::profit::Cut;
use super::reach::{Contact, Reach};
use super::suppression::Suppressed;
use super::{Campaign, ContactRules, Deduplicate, Reason};
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Frame, FrameError};
use crate::table::{Customers, Ids};
use crate::units::Day;

/// What is known about customers when campaigns are prepared.
pub struct Known<'a> {
    pub customers: &'a Customers,
    /// Customers of the base, as `history` and the segments number them.
    pub base: &'a Ids,
    pub history: History<'a>,
    /// Who bought and kept it, by customer of the base.
    pub has_bought: &'a [bool],
    pub suppressed: &'a Suppressed,
    /// Assignments of earlier runs by campaign.
    pub earlier: &'a BTreeMap<String, Assignments>,
    pub as_of: Day,
}

/// What became of the members of one campaign.
#[derive(Debug)]
pub struct Prepared {
    /// Rows among the members and, for the same contact, among the customers; ascending by the first.
    pub contacts: Vec<(u32, u32)>,
    /// Rows among the members that are not contacted, ascending, and why.
    pub excluded: Vec<(u32, Reason)>,
    /// Who came into an arm by this run.
    pub drawn: Assignments,
    /// Where the selection by profit ended; nothing where there was none.
    pub cut: Option<Cut>,
    /// Probability of arms that differ as much from their shares; nothing without a control group.
    pub sample_ratio_p: Option<f64>,
}

/// What became of all campaigns of a run.
#[derive(Debug)]
pub struct Preparation {
    pub campaigns: Vec<Prepared>,
    /// Who came into an arm of the global holdout by this run.
    pub holdout: Assignments,
}

/// A member who may be contacted so far.
struct Candidate {
    row: u32,
    customer: u32,
    address: String,
    profit: Option<f64>,
}

/// Prepares campaigns, each with the members of its segment.
///
/// # Errors
/// Fails where a column does not exist, which checking the pipeline rules out.
pub fn prepare(
    campaigns: &[(&Campaign, &Frame<'_>)],
    rules: &ContactRules,
    known: &Known<'_>,
) -> Result<Preparation, FrameError> {
    let reaches: Vec<Reach<'_>> =
        campaigns.iter().map(|(campaign, _)| Reach::of(campaign, known.customers, known.suppressed)).collect();
    let mut holdout = Holdout::of(&rules.holdout, known.earlier.get(&rules.holdout.name), known.customers.ids.len());
    let mut open = Vec::with_capacity(campaigns.len());
    for ((campaign, members), reach) in campaigns.iter().zip(&reaches) {
        let (mut candidates, mut excluded, cut) = eligible(campaign, members, reach, &mut holdout, known)?;
        keep_one_an_address(campaign, rules, known.customers, &mut candidates, &mut excluded);
        open.push((candidates, excluded, cut));
    }
    if let Some(most) = rules.campaigns_per_customer {
        compete(&mut open, most as usize);
    }
    let campaigns = campaigns.iter().zip(&reaches).zip(open);
    let campaigns: Result<Vec<Prepared>, FrameError> =
        campaigns.map(|(((campaign, members), reach), open)| draw(campaign, members, reach, open, known)).collect();
    Ok(Preparation { campaigns: campaigns?, holdout: holdout.drawn(&known.customers.ids, known.as_of) })
}

type Open = (Vec<Candidate>, Vec<(u32, Reason)>, Option<Cut>);

fn eligible(
    campaign: &Campaign,
    members: &Frame<'_>,
    reach: &Reach<'_>,
    holdout: &mut Holdout<'_>,
    known: &Known<'_>,
) -> Result<Open, FrameError> {
    let profits = campaign.economics.as_ref().map(|economics| economics.profits(members)).transpose()?;
    let mut cut = profits.as_ref().map(|_| Cut::default());
    let ids: Vec<Option<&str>> = members.texts(CUSTOMER_ID)?.collect();
    // Looking up and spelling addresses takes the time; what follows depends on the order of rows.
    let reached: Vec<Result<Reached, Reason>> =
        ids.par_iter().map(|id| reached(id.unwrap_or_default(), reach, known)).collect();
    let (mut candidates, mut excluded) = (Vec::with_capacity(ids.len()), Vec::new());
    for (row, (id, reached)) in ids.into_iter().zip(reached).enumerate() {
        let row = row as u32;
        let met = reached.and_then(|(customer, in_base, address)| {
            if holdout.keeps(id.unwrap_or_default(), customer) {
                return Err(Reason::GlobalHoldout);
            }
            match in_base.and_then(|ix| known.history.of_customer(ix)) {
                Some(Pressure::QuietAfterComplaint) => Err(Reason::QuietAfterComplaint),
                Some(Pressure::QuietAfterReturn) => Err(Reason::QuietAfterReturn),
                Some(Pressure::FrequencyCap) => Err(Reason::FrequencyCap),
                None => Ok((customer, address)),
            }
        });
        let profit = profits.as_ref().and_then(|profits| profits[row as usize]);
        match met {
            Err(reason) => excluded.push((row, reason)),
            Ok((customer, address)) if cut.as_mut().is_none_or(|cut| cut.take(profit)) => {
                candidates.push(Candidate { row, customer, address, profit });
            }
            Ok(_) => excluded.push((row, if profit.is_some() { Reason::NotProfitable } else { Reason::ProfitUnknown })),
        }
    }
    Ok((candidates, excluded, cut))
}

/// Positions among the customers and in the base, and the address.
type Reached = (u32, Option<usize>, String);

/// Returns the positions of a member among the customers and in the base, and the address, or why the member is out of reach.
fn reached(id: &str, reach: &Reach<'_>, known: &Known<'_>) -> Result<Reached, Reason> {
    let customer = known.customers.ids.position(id).ok_or(Reason::NotInCustomerTable)?;
    let in_base = known.base.position(id).map(|ix| ix as usize);
    let has_bought = in_base.is_some_and(|ix| known.has_bought.get(ix) == Some(&true));
    match reach.contact(id, customer as usize, has_bought) {
        Contact::Forbidden => Err(Reason::WithoutConsent),
        Contact::Suppressed => Err(Reason::Suppressed),
        Contact::Unreachable => Err(Reason::WithoutAddress),
        Contact::At(address) => Ok((customer, in_base, address)),
    }
}

/// Leaves one candidate for each address or household.
fn keep_one_an_address(
    campaign: &Campaign,
    rules: &ContactRules,
    customers: &Customers,
    candidates: &mut Vec<Candidate>,
    excluded: &mut Vec<(u32, Reason)>,
) {
    let (by_household, by_address) = (
        rules.deduplicate_by == Deduplicate::Household,
        campaign.target.once_an_address || rules.deduplicate_by == Deduplicate::Address,
    );
    if by_address {
        keep_best(candidates, excluded, Reason::DuplicateAddress, |candidate| Some(Cow::Borrowed(&candidate.address)));
    }
    if by_household {
        keep_best(candidates, excluded, Reason::SameHousehold, |candidate| {
            household(customers, candidate.customer).map(Cow::Owned)
        });
    }
}

/// Returns last name, street and postal code, folded; nothing where one of them is unknown.
fn household(customers: &Customers, customer: u32) -> Option<String> {
    let folded = |name: &str| {
        let text = customers.attributes.get(name).map_or("", |texts| &texts[customer as usize]);
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let parts = ["last_name", "street", "postal_code"].map(folded);
    parts.iter().all(|part| !part.is_empty()).then(|| parts.join("\n"))
}

fn keep_best(
    candidates: &mut Vec<Candidate>,
    excluded: &mut Vec<(u32, Reason)>,
    reason: Reason,
    key: impl Fn(&Candidate) -> Option<Cow<'_, str>>,
) {
    let keys: Vec<Option<Cow<'_, str>>> = candidates.iter().map(key).collect();
    let mut best: HashMap<&str, usize> = HashMap::new();
    for (ix, key) in keys.iter().enumerate().filter_map(|(ix, key)| Some((ix, key.as_deref()?))) {
        let kept = best.entry(key).or_insert(ix);
        if candidates[ix].profit > candidates[*kept].profit {
            *kept = ix;
        }
    }
    let is_kept: Vec<bool> =
        keys.iter().enumerate().map(|(ix, key)| key.as_deref().is_none_or(|key| best.get(key) == Some(&ix))).collect();
    drop(best);
    drop(keys);
    let mut is_kept = is_kept.into_iter();
    candidates.retain(|candidate| {
        let kept = is_kept.next().unwrap_or(true);
        if !kept {
            excluded.push((candidate.row, reason));
        }
        kept
    });
}

/// Leaves every customer in the campaigns of the highest expected profit; campaigns without an estimate come last, in their order.
fn compete(open: &mut [Open], most: usize) {
    let mut of_customer: HashMap<u32, Vec<(Option<f64>, usize)>> = HashMap::new();
    for (nth, (candidates, ..)) in open.iter().enumerate() {
        for candidate in candidates {
            of_customer.entry(candidate.customer).or_default().push((candidate.profit, nth));
        }
    }
    of_customer.retain(|_, campaigns| campaigns.len() > most);
    for campaigns in of_customer.values_mut() {
        let worth = |profit: Option<f64>| profit.unwrap_or(f64::NEG_INFINITY);
        campaigns.sort_by(|a, b| worth(b.0).total_cmp(&worth(a.0)).then(a.1.cmp(&b.1)));
    }
    for (nth, (candidates, excluded, _)) in open.iter_mut().enumerate() {
        candidates.retain(|candidate| {
            let lost = of_customer
                .get(&candidate.customer)
                .is_some_and(|campaigns| !campaigns[..most].iter().any(|(_, other)| *other == nth));
            if lost {
                excluded.push((candidate.row, Reason::OtherCampaign));
            }
            !lost
        });
    }
}

fn draw(
    campaign: &Campaign,
    members: &Frame<'_>,
    reach: &Reach<'_>,
    (candidates, mut excluded, cut): Open,
    known: &Known<'_>,
) -> Result<Prepared, FrameError> {
    let none = Assignments::default();
    let earlier = known.earlier.get(&campaign.name).unwrap_or(&none);
    if campaign.control_share == 0.0 && earlier.is_empty() {
        excluded.sort_unstable();
        let contacts = candidates.iter().map(|candidate| (candidate.row, candidate.customer)).collect();
        let mut cut = cut.map(|cut| Cut { lowest: None, expected_profit: 0.0, ..cut });
        if let Some(cut) = &mut cut {
            candidates.iter().filter_map(|candidate| candidate.profit).for_each(|profit| cut.count(profit));
        }
        return Ok(Prepared { contacts, excluded, drawn: Assignments::default(), cut, sample_ratio_p: None });
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
    let sample_ratio_p =
        control::sample_ratio_p(earlier.iter().map(|(_, it)| it).chain(drawn.iter().map(|(_, it)| *it)));
    of_address.extend(drawn);
    let (mut contacts, mut newcomers) = (Vec::new(), Vec::new());
    let mut cut = cut.map(|cut| Cut { lowest: None, expected_profit: 0.0, ..cut });
    for candidate in &candidates {
        let id = ids(candidate);
        let before = earlier.get(id);
        let Some(assignment) = before.or_else(|| of_address.get(&candidate.address).copied()) else { continue };
        if before.is_none() {
            newcomers.push((id, assignment));
        }
        match assignment.arm {
            Arm::Contact => {
                contacts.push((candidate.row, candidate.customer));
                if let (Some(cut), Some(profit)) = (&mut cut, candidate.profit) {
                    cut.count(profit);
                }
            }
            Arm::Control => excluded.push((candidate.row, Reason::ControlGroup)),
        }
    }
    excluded.sort_unstable();
    Ok(Prepared { contacts, excluded, drawn: Assignments::of(newcomers), cut, sample_ratio_p })
}

/// Returns the arms of addresses whose customers have one; the first assignment counts, of one day that to the control group.
fn arms_by_address(reach: &Reach<'_>, customers: &Customers, earlier: &Assignments) -> HashMap<String, Assignment> {
    let mut arms: HashMap<String, Assignment> = HashMap::new();
    for (id, assignment) in earlier.iter() {
        let address = customers.ids.position(id).map(|ix| reach.address(ix as usize)).unwrap_or_default();
        if address.is_empty() {
            continue;
        }
        let arm = arms.entry(address).or_insert(assignment);
        if (assignment.on, assignment.arm == Arm::Contact) < (arm.on, arm.arm == Arm::Contact) {
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
