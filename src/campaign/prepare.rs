//! From segments to contacts: everything that stands between a member and a line in a campaign file, in one order for all campaigns.
//!
//! ```text
//! member → customer table → legal basis → suppression list → address → global holdout → quiet period, frequency cap → profit
//!        → one a household or address → one campaign a customer, by expected profit → lot: contact or control group
//! ```
//! The lot comes last, so that contacts and control group differ by nothing but it. Whoever shares an address with somebody who is held out or left alone is
//! not written to there either, and who shares one counts as one customer between campaigns. `O(members · log members)`.
//!
//! | module    | what it decides                                                                    |
//! |-----------|-------------------------------------------------------------------------------------|
//! | `reach`   | whether and where a customer may be contacted                                       |
//! | `unique`  | who of several at an address, and which of several campaigns                        |
//! | `draw`    | contact or control group                                                            |

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::assignments::Assignments;
use super::draw::draw;
use super::holdout::Holdout;
use super::pressure::{History, Pressure};
use super::profit::Cut;
use super::reach::{Contact, Reach};
use super::suppression::Suppressed;
use super::unique::{compete, keep_one_an_address};
use super::{Campaign, ContactRules, Reason};
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
    /// Who came to the lot by this run, with their arms; nothing where nobody has to be remembered.
    pub selected: Assignments,
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
pub(super) struct Candidate {
    pub row: u32,
    pub customer: u32,
    pub address: String,
    pub profit: Option<f64>,
}

/// Where the selection of one campaign stands.
#[derive(Default)]
pub(super) struct Open {
    pub candidates: Vec<Candidate>,
    pub excluded: Vec<(u32, Reason)>,
    pub cut: Option<Cut>,
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
    let ids = &known.customers.ids;
    let mut holdout = Holdout::of(&rules.holdout, known.earlier.get(&rules.holdout.name), ids, known.as_of);
    let mut open = Vec::with_capacity(campaigns.len());
    for ((campaign, members), reach) in campaigns.iter().zip(&reaches) {
        let mut own = eligible(campaign, members, reach, &mut holdout, known)?;
        keep_one_an_address(campaign, rules, known.customers, &mut own);
        open.push(own);
    }
    if let Some(most) = rules.campaigns_per_customer {
        let channels: Vec<_> = campaigns.iter().map(|(campaign, _)| campaign.target.channel).collect();
        compete(&mut open, &channels, most as usize);
    }
    let campaigns = campaigns.iter().zip(&reaches).zip(open);
    let campaigns: Result<Vec<Prepared>, FrameError> =
        campaigns.map(|(((campaign, members), reach), open)| draw(campaign, members, reach, open, known)).collect();
    Ok(Preparation { campaigns: campaigns?, holdout: holdout.drawn(ids) })
}

fn eligible(
    campaign: &Campaign,
    members: &Frame<'_>,
    reach: &Reach<'_>,
    holdout: &mut Holdout,
    known: &Known<'_>,
) -> Result<Open, FrameError> {
    let profits = campaign.economics.as_ref().map(|economics| economics.profits(members)).transpose()?;
    let mut cut = profits.as_ref().map(|_| Cut::default());
    let ids: Vec<Option<&str>> = members.texts(CUSTOMER_ID)?.collect();
    // Looking up and spelling addresses takes the time; what follows depends on the order of rows.
    let reached: Vec<Result<Reached, Reason>> =
        ids.par_iter().map(|id| reached(id.unwrap_or_default(), reach, known)).collect();
    let earlier = known.earlier.get(&campaign.name);
    let mut left_alone = left_alone(reach, holdout, known);
    for address in recently(campaign, reach, known) {
        left_alone.entry(address).or_insert(Reason::ContactedBefore);
    }
    let (mut candidates, mut excluded) = (Vec::with_capacity(ids.len()), Vec::new());
    for (row, (id, reached)) in ids.into_iter().zip(reached).enumerate() {
        let (row, id) = (row as u32, id.unwrap_or_default());
        let met = reached.and_then(|(customer, address)| {
            holdout.meet(customer);
            let before = || earlier.and_then(|earlier| earlier.get(id)).map(|assignment| assignment.last);
            match left_alone.get(&address) {
                Some(reason) => Err(*reason),
                None if campaign.has_had_enough(before, known.as_of) => Err(Reason::ContactedBefore),
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
    Ok(Open { candidates, excluded, cut })
}

/// Returns the addresses of customers whom the campaign has selected shorter ago than it repeats itself.
fn recently(campaign: &Campaign, reach: &Reach<'_>, known: &Known<'_>) -> Vec<String> {
    let Some(earlier) = known.earlier.get(&campaign.name).filter(|_| campaign.repeat_after.is_some()) else {
        return Vec::new();
    };
    let recent = earlier.iter().filter(|(_, it)| campaign.has_had_enough(|| Some(it.last), known.as_of));
    let recent: Vec<u32> = recent.filter_map(|(id, _)| known.customers.ids.position(id)).collect();
    let addresses = recent.into_par_iter().map(|customer| reach.address(customer as usize));
    addresses.filter(|address| !address.is_empty()).collect()
}

/// Returns the addresses of customers who are held out of all campaigns, or left alone tonight, and why.
fn left_alone(reach: &Reach<'_>, holdout: &Holdout, known: &Known<'_>) -> HashMap<String, Reason> {
    if !holdout.keeps_some() && !known.history.limits_some() {
        return HashMap::new();
    }
    let ids = &known.customers.ids;
    let found: Vec<(String, Reason)> = (0..ids.len() as u32)
        .into_par_iter()
        .filter_map(|customer| {
            let pressure =
                || known.base.position(ids.get(customer)).and_then(|ix| known.history.of_customer(ix as usize));
            let reason = if holdout.keeps(customer) {
                Reason::GlobalHoldout
            } else {
                match pressure()? {
                    Pressure::QuietAfterComplaint => Reason::QuietAfterComplaint,
                    Pressure::QuietAfterReturn => Reason::QuietAfterReturn,
                    Pressure::FrequencyCap => Reason::FrequencyCap,
                }
            };
            let address = reach.address(customer as usize);
            (!address.is_empty()).then_some((address, reason))
        })
        .collect();
    let mut reasons = HashMap::with_capacity(found.len());
    for (address, reason) in found {
        let first = reasons.entry(address).or_insert(reason);
        *first = reason.min(*first);
    }
    reasons
}

/// Position among the customers, and the address.
type Reached = (u32, String);

/// Returns where a member is reached, or why nowhere.
fn reached(id: &str, reach: &Reach<'_>, known: &Known<'_>) -> Result<Reached, Reason> {
    let customer = known.customers.ids.position(id).ok_or(Reason::NotInCustomerTable)?;
    let in_base = known.base.position(id).map(|ix| ix as usize);
    let has_bought = in_base.is_some_and(|ix| known.has_bought.get(ix) == Some(&true));
    match reach.contact(id, customer as usize, has_bought) {
        Contact::Forbidden => Err(Reason::WithoutConsent),
        Contact::Suppressed => Err(Reason::Suppressed),
        Contact::Unreachable => Err(Reason::WithoutAddress),
        Contact::At(address) => Ok((customer, address)),
    }
}
