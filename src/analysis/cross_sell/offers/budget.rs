//! What a budget buys: the customers who are worth a contact, and for which product.
//!
//! The gain of a contact is the expected margin of the offer less the cost of the contact. Where a cost is named, only contacts with a gain are left.
//! Where a budget is named as well, every customer is contacted once at most, and contacts are taken by gain, the highest first, until the
//! budget is spent. Contacts cost the same, so without a limit to the lists no other choice gains more: the best `n` customers, each with the product of
//! its highest gain. With a limit the choice is greedy, pair by pair.
//!
//! A list of the `n` most likely customers a product holds every pair that can be chosen: who stands behind `n` others for a product is behind
//! them for its own best product, too. `O(pairs · log pairs)`.

use super::ranking::Audience;
use super::tables::six_places;
use super::value::Value;
use crate::analysis::Fact;

/// Customers of a list where neither a limit nor a budget is named.
const DEFAULT_SIZE: usize = 1_000;

/// What an analyst may spend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Customers of a list at most.
    pub size: Option<u32>,
    /// Cost of a contact, in minor units.
    pub contact_cost: Option<i64>,
    /// What all contacts together may cost, in minor units; needs the cost of one.
    pub total: Option<i64>,
}

/// What was spent, and what it is expected to bring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    pub n_contacts: usize,
    /// Contacts that would have gained something, had there been money for them; counted within the lists only.
    pub n_unpaid: usize,
    pub cost: i64,
    pub expected_margin: i64,
    /// The lowest gain that was paid for.
    pub cut: Option<i64>,
}

impl Budget {
    /// Returns how many customers a list needs at most.
    pub fn list_size(&self) -> usize {
        let paid = self.n_contacts();
        match (self.size, paid) {
            // A list may lose customers to another one, so that it needs all that the budget can pay for.
            (_, Some(paid)) => paid,
            (Some(size), None) => size as usize,
            (None, None) => DEFAULT_SIZE,
        }
    }

    /// Returns how many contacts the budget pays for; nothing where there is none.
    fn n_contacts(&self) -> Option<usize> {
        let (total, cost) = (self.total?, self.contact_cost?);
        Some(usize::try_from(total / cost.max(1)).unwrap_or(0))
    }

    /// Leaves the contacts that are worth their cost and within the budget; nothing is spent where no cost is named.
    pub fn spend(&self, lists: &mut [(u32, Audience)], value: &Value) -> Option<Spent> {
        let cost = self.contact_cost?;
        let gain = |product: u32, p: f32| Some(value.expected(product, six_places(p))? - cost).filter(|gain| *gain > 0);
        let mut spent = Spent::default();
        if let Some(n_contacts) = self.n_contacts() {
            self.share_out(lists, n_contacts, gain, &mut spent);
        } else {
            for (product, audience) in lists.iter_mut() {
                audience.retain(|(p, _)| gain(*product, *p).is_some());
            }
        }
        for (product, audience) in lists.iter() {
            for gain in audience.iter().filter_map(|(p, _)| gain(*product, *p)) {
                spent.n_contacts += 1;
                spent.cost += cost;
                spent.expected_margin += gain + cost;
                spent.cut = Some(spent.cut.map_or(gain, |cut| cut.min(gain)));
            }
        }
        Some(spent)
    }

    fn share_out(
        &self,
        lists: &mut [(u32, Audience)],
        n_contacts: usize,
        gain: impl Fn(u32, f32) -> Option<i64>,
        spent: &mut Spent,
    ) {
        let limit = self.size.map_or(usize::MAX, |size| size as usize);
        let mut pairs: Vec<(i64, usize, usize)> = Vec::new();
        for (nth, (product, audience)) in lists.iter().enumerate() {
            let gains =
                audience.iter().enumerate().filter_map(|(place, (p, _))| Some((gain(*product, *p)?, nth, place)));
            pairs.extend(gains);
        }
        // Of equal gains the product that the pipeline names first, then who stands higher in its list.
        pairs.sort_unstable_by_key(|(gain, nth, place)| (std::cmp::Reverse(*gain), *nth, *place));
        let n_customers = lists.iter().flat_map(|(_, audience)| audience).map(|(_, customer)| customer + 1).max();
        let mut is_contacted = vec![false; n_customers.unwrap_or(0) as usize];
        let mut chosen: Vec<Vec<usize>> = vec![Vec::new(); lists.len()];
        let mut n_chosen = 0;
        for (_, nth, place) in pairs {
            let customer = lists[nth].1[place].1 as usize;
            if is_contacted[customer] || chosen[nth].len() == limit {
                continue;
            }
            is_contacted[customer] = true;
            if n_chosen == n_contacts {
                spent.n_unpaid += 1;
            } else {
                n_chosen += 1;
                chosen[nth].push(place);
            }
        }
        for ((_, audience), mut places) in lists.iter_mut().zip(chosen) {
            places.sort_unstable();
            *audience = places.into_iter().map(|place| audience[place]).collect();
        }
    }
}

impl Spent {
    /// Returns what manifest and summary say.
    pub fn facts(&self, budget: &Budget) -> Fact {
        let money = |minor: i64| Fact::Number(minor as f64 / crate::units::MONEY_SCALE as f64);
        let mut facts = vec![
            ("n_contacts", Fact::Integer(self.n_contacts as i64)),
            ("cost", money(self.cost)),
            ("expected_margin", money(self.expected_margin)),
            ("expected_gain", money(self.expected_margin - self.cost)),
        ];
        facts.extend(self.cut.map(|cut| ("lowest_gain", money(cut))));
        if let Some(total) = budget.total {
            facts.push(("budget", money(total)));
            facts.push(("n_unpaid", Fact::Integer(self.n_unpaid as i64)));
        }
        Fact::Group(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{baskets, dataset};
    use super::*;

    /// Products 0 and 1 with a mean worth of 10.00 and 4.00.
    fn value() -> Value {
        let mut data = dataset(2, 2, baskets(&[(0, 1, vec![0, 1])]));
        data.product_revenue = vec![1_000, 400];
        Value::of(&data, &data.baskets)
    }

    fn lists() -> Vec<(u32, Audience)> {
        vec![(1, vec![(0.9, 3), (0.5, 0), (0.3, 1)]), (0, vec![(0.5, 0), (0.4, 1), (0.3, 3), (0.01, 2)])]
    }

    #[test]
    fn a_contact_that_costs_more_than_it_brings_is_left_out() {
        let mut found = lists();
        let budget = Budget { contact_cost: Some(150), ..Budget::default() };
        let spent = budget.spend(&mut found, &value()).unwrap();
        assert_eq!(found, [(1, vec![(0.9, 3), (0.5, 0)]), (0, vec![(0.5, 0), (0.4, 1), (0.3, 3)])]);
        assert_eq!((spent.n_contacts, spent.cost, spent.expected_margin), (5, 750, 360 + 200 + 500 + 400 + 300));
        assert_eq!(spent.cut, Some(50));
        let mut untouched = lists();
        assert_eq!(Budget::default().spend(&mut untouched, &value()), None);
        assert_eq!(untouched, lists());
    }

    #[test]
    fn a_budget_contacts_everybody_once_for_the_product_of_the_highest_gain() {
        let mut found = lists();
        let budget = Budget { contact_cost: Some(100), total: Some(250), ..Budget::default() };
        assert_eq!(budget.list_size(), 2);
        let spent = budget.spend(&mut found, &value()).unwrap();
        // Gains: 0 → 4.00 for product 0, 1 → 3.00 for product 0, 3 → 2.60 for product 1: the last is not paid for.
        assert_eq!(found, [(1, vec![]), (0, vec![(0.5, 0), (0.4, 1)])]);
        assert_eq!((spent.n_contacts, spent.n_unpaid, spent.cost, spent.cut), (2, 1, 200, Some(300)));
        let mut limited = lists();
        let budget = Budget { size: Some(1), ..budget };
        budget.spend(&mut limited, &value());
        assert_eq!(limited, [(1, vec![(0.9, 3)]), (0, vec![(0.5, 0)])]);
    }

    proptest::proptest! {
        /// Against every way to give each customer one product or none.
        #[test]
        fn no_other_choice_within_the_budget_gains_more(
            odds in proptest::collection::vec((0_u32..100, 0_u32..100), 1..6), n in 0_i64..5,
        ) {
            let value = value();
            let list = |of: &dyn Fn(&(u32, u32)) -> u32| {
                let mut list: Audience = odds.iter().zip(0..).map(|(odds, ix)| (of(odds) as f32 / 100.0, ix)).collect();
                list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                list.truncate(n as usize);
                list
            };
            let mut found = vec![(0, list(&|odds| odds.0)), (1, list(&|odds| odds.1))];
            let budget = Budget { contact_cost: Some(100), total: Some(n * 100), ..Budget::default() };
            let spent = budget.spend(&mut found, &value).unwrap();
            let gains = odds.iter().map(|odds| (i64::from(odds.0) * 10 - 100).max(i64::from(odds.1) * 4 - 100).max(0));
            let mut gains: Vec<i64> = gains.collect();
            gains.sort_unstable_by_key(|gain| std::cmp::Reverse(*gain));
            let best: i64 = gains.iter().take(n as usize).sum();
            proptest::prop_assert_eq!(spent.expected_margin - spent.cost, best);
        }
    }
}
