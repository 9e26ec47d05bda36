//! One of several: who at an address or in a household is contacted, and by which of the campaigns that want the same customer.
//!
//! The higher expected profit counts; without one, who or what stands first. Customers who share an address of a channel are one customer between
//! campaigns, so that no inbox gets more of them than it may. `O(n log n)`.

use std::borrow::Cow;
use std::collections::HashMap;

use rayon::prelude::*;

use super::prepare::{Candidate, Open};
use super::target::Channel;
use super::{Campaign, ContactRules, Deduplicate, Reason};
use crate::table::Customers;

/// Leaves one candidate for each address or household.
pub(super) fn keep_one_an_address(
    campaign: &Campaign,
    rules: &ContactRules,
    customers: &Customers,
    Open { candidates, excluded, .. }: &mut Open,
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
pub(super) fn compete(open: &mut [Open], channels: &[Channel], most: usize) {
    let one = SharedAddresses::of(open, channels);
    // Who wants whom; of everybody who counts as one the best.
    let mut wanted: Vec<(u32, usize, Option<f64>)> =
        Vec::with_capacity(open.iter().map(|own| own.candidates.len()).sum());
    for (nth, own) in open.iter().enumerate() {
        wanted.extend(
            own.candidates.iter().map(|candidate| (one.of_customer(candidate.customer), nth, candidate.profit)),
        );
    }
    let worth = |profit: Option<f64>| profit.unwrap_or(f64::NEG_INFINITY);
    wanted.par_sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(worth(b.2).total_cmp(&worth(a.2))));
    wanted.dedup_by_key(|(customer, nth, _)| (*customer, *nth));
    let mut chosen: HashMap<u32, Vec<usize>> = HashMap::new();
    for of_customer in wanted.chunk_by_mut(|a, b| a.0 == b.0).filter(|campaigns| campaigns.len() > most) {
        of_customer.sort_by(|a, b| worth(b.2).total_cmp(&worth(a.2)).then(a.1.cmp(&b.1)));
        chosen.insert(of_customer[0].0, of_customer[..most].iter().map(|(_, nth, _)| *nth).collect());
    }
    for (nth, Open { candidates, excluded, .. }) in open.iter_mut().enumerate() {
        candidates.retain(|candidate| {
            let lost = chosen.get(&one.of_customer(candidate.customer)).is_some_and(|chosen| !chosen.contains(&nth));
            if lost {
                excluded.push((candidate.row, Reason::OtherCampaign));
            }
            !lost
        });
    }
}

/// Customers who share an address with others, and who stands for all of them.
struct SharedAddresses(HashMap<u32, u32>);

impl SharedAddresses {
    fn of(open: &[Open], channels: &[Channel]) -> Self {
        let mut shared = Self(HashMap::new());
        let mut first: HashMap<(Channel, &str), u32> = HashMap::new();
        for (own, channel) in open.iter().zip(channels) {
            // Audiences are found by the same address as an e-mail.
            let channel = if *channel == Channel::Ads { Channel::Email } else { *channel };
            for candidate in &own.candidates {
                let at = *first.entry((channel, &candidate.address)).or_insert(candidate.customer);
                let (a, b) = (shared.of_customer(at), shared.of_customer(candidate.customer));
                if a != b {
                    shared.0.insert(a.max(b), a.min(b));
                }
            }
        }
        shared
    }

    /// Returns who stands for a customer: the first of all who are tied by addresses.
    fn of_customer(&self, mut customer: u32) -> u32 {
        while let Some(first) = self.0.get(&customer) {
            customer = *first;
        }
        customer
    }
}
