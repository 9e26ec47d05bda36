//! A window of the base's own past: what was known at its start, and what customers bought in it.
//!
//! A window of horizon `h` at cut `c` knows the baskets of the days up to `c` as they stood then, and looks at those of the days `c + 1` to `c + h` as
//! they stood at its end. The last window proves; the one before it chooses and fits. The judged are the customers with a history at
//! the cut, at most [`MOST_JUDGED`] of them, drawn as [`super::sample`] says; who bought nothing in the window counts for probabilities and not for
//! lists. What lists must keep to tonight they keep to at the cut: what had come back by then, the repurchase window, the cap by category.

use super::filters::{Categories, Permitted, Returned};
use super::listing::{Limits, Rules};
use super::past::Past;
use crate::features::Baskets;
use crate::units::NONE_IX;

/// Customers that are judged at most.
pub const MOST_JUDGED: usize = 20_000;

/// What was known at a cut and what came after it.
#[derive(Debug)]
pub struct Window<'a> {
    pub past: Past<'a>,
    pub judged: Vec<Judged>,
    /// By rank of popularity, what may be offered.
    pub offerable: Vec<bool>,
    /// By rank of popularity, what may be a reason for an offer.
    pub may_point: Vec<bool>,
    categories: Categories,
    returned: Returned,
    again_after: Option<i32>,
    per_category: usize,
}

/// A customer and what it bought in the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub customer: u32,
    /// Ranks of popularity at the cut, ascending.
    pub bought: Vec<u32>,
}

impl<'a> Window<'a> {
    /// Opens the window after `cut`: `known` are the baskets as of then, `later` those as of the end, `returned` what had come back by the cut.
    pub fn open(
        known: &'a Baskets,
        later: &Baskets,
        cut: i32,
        place: &[u64],
        permitted: &Permitted,
        rules: Rules<'_>,
        returned: Returned,
    ) -> Self {
        let offerable = &permitted.offerable;
        let past = Past::of(known, place.len(), offerable.len(), cut, rules.again_after.is_some());
        let has_history = |customer: &u32| past.histories.owned.row_len(*customer as usize) > 0;
        let mut drawn: Vec<(u64, u32)> =
            (0..place.len() as u32).filter(has_history).map(|customer| (place[customer as usize], customer)).collect();
        if drawn.len() > MOST_JUDGED {
            drawn.select_nth_unstable(MOST_JUDGED);
            drawn.truncate(MOST_JUDGED);
        }
        let mut judged: Vec<Judged> =
            drawn.into_iter().map(|(_, customer)| Judged { customer, bought: Vec::new() }).collect();
        judged.sort_unstable_by_key(|judged| judged.customer);
        let mut position = vec![NONE_IX; place.len()];
        for (judged, ix) in judged.iter().zip(0..) {
            position[judged.customer as usize] = ix;
        }
        for (basket, customer) in later.customer.iter().enumerate() {
            let at = position.get(*customer as usize).copied().unwrap_or(NONE_IX);
            if at != NONE_IX && later.day[basket] > cut {
                let products = &later.product[later.starts[basket]..later.starts[basket + 1]];
                let may_be = products.iter().filter(|product| offerable[**product as usize]);
                judged[at as usize].bought.extend(may_be.map(|product| past.histories.rank[*product as usize]));
            }
        }
        for judged in &mut judged {
            judged.bought.sort_unstable();
            judged.bought.dedup();
        }
        let [offerable, may_point] =
            [offerable, &permitted.may_point].map(|flags| Permitted::by_rank(flags, &past.histories));
        let categories = Categories::of(rules.category, &past.histories, &offerable);
        let Rules { again_after, per_category, .. } = rules;
        Self { past, judged, offerable, may_point, categories, returned, again_after, per_category }
    }

    /// Returns what lists must keep to at the cut.
    pub fn limits(&self) -> Limits<'_> {
        Limits {
            past: &self.past,
            offerable: &self.offerable,
            categories: &self.categories,
            returned: &self.returned,
            again_after: self.again_after,
            per_category: self.per_category,
        }
    }

    /// Counts the judged who bought something new in the window.
    pub fn n_with_new(&self) -> usize {
        let owned = |judged: &Judged| self.past.histories.owned.row(judged.customer as usize);
        self.judged
            .iter()
            .filter(|judged| judged.bought.iter().any(|item| owned(judged).binary_search(item).is_err()))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    #[test]
    fn a_window_knows_only_what_was_known() {
        let mut all =
            baskets(&[(0, 1, vec![0, 1]), (0, 8, vec![2]), (0, 12, vec![1, 3]), (1, 9, vec![0]), (2, 3, vec![1])]);
        // Product 1 of customer 0 came back on day 7, before the cut; product 2 after it.
        all.returned = vec![(1, 7), (2, 11)];
        let known = all.as_of(8);
        let later = all.as_of(14);
        let offerable = vec![true, true, true, false];
        let permitted = Permitted { offerable, may_point: vec![true; 4], ..Permitted::default() };
        let rules = Rules { category: &[], again_after: None, per_category: usize::MAX };
        let window = Window::open(&known, &later, 8, &[5, 1, 9], &permitted, rules, Returned::default());
        let rank = |product: usize| window.past.histories.rank[product];
        // Customer 1 has no history yet; what may not be offered is not asked for.
        assert_eq!(
            window.judged,
            [Judged { customer: 0, bought: vec![rank(1)] }, Judged { customer: 2, bought: vec![] }]
        );
        let owned: Vec<u32> = window.past.histories.owned.row(0).to_vec();
        let mut expected = vec![rank(0), rank(2)];
        expected.sort_unstable();
        assert_eq!((owned, window.n_with_new()), (expected, 1));
    }
}
