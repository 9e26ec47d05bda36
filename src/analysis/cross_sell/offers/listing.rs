//! What a list must keep to, in a window as tonight: the same rules judge what will be offered.
//!
//! | rule               | of                 | where it comes from                                               |
//! |--------------------|--------------------|-------------------------------------------------------------------|
//! | returned           | new product        | given back by that day and not bought and kept again              |
//! | repurchase window  | repeat             | so many days since it was bought last; without `repeat` there is none |
//! | category full      | list               | `offers-per-category`                                             |
//!
//! A list that candidates leave short is filled with best-sellers, first of the category that the customer bought most often, then of all.

use super::candidates::Finder;
use super::filters::{Categories, Returned};
use super::past::{Bought, Past};

/// What the pipeline asks of a list.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Category of each product.
    pub category: &'a [String],
    /// Days since the last purchase from which a product may be offered again; nothing where it never may.
    pub again_after: Option<i32>,
    /// Offers of one category in a list.
    pub per_category: usize,
}

/// The rules on a day.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    pub past: &'a Past<'a>,
    /// By rank of popularity.
    pub offerable: &'a [bool],
    pub categories: &'a Categories,
    pub returned: &'a Returned,
    pub again_after: Option<i32>,
    pub per_category: usize,
}

impl<'a> Limits<'a> {
    /// Says of new products whether the customer gave them back.
    pub fn refused(self, customer: u32) -> impl Fn(u32) -> bool + Copy + use<'a> {
        let (past, given_back) = (self.past, self.returned.by(customer));
        move |rank| {
            let product = past.histories.product[rank as usize];
            !given_back.is_empty() && given_back.binary_search_by_key(&product, |(_, product)| *product).is_ok()
        }
    }

    /// Says whether a product may be offered again.
    pub fn may_repeat(&self, bought: &Bought) -> bool {
        self.again_after.is_some_and(|days| self.past.today - bought.last >= days)
            && self.offerable[bought.item as usize]
    }

    /// Takes the first products of which a list may have that many; `rank_of` says what stands for an item.
    pub fn cut<T>(&self, items: impl IntoIterator<Item = T>, length: usize, rank_of: impl Fn(&T) -> u32) -> Vec<T> {
        let (mut taken, mut ranks) = (Vec::with_capacity(length), Vec::with_capacity(length));
        for item in items {
            if taken.len() >= length {
                break;
            }
            let rank = rank_of(&item);
            if self.has_room(&ranks, rank) {
                ranks.push(rank);
                taken.push(item);
            }
        }
        taken
    }

    /// Returns the best-sellers that fill up a list of which some are taken, and whether each is of the customer's category.
    pub fn fill_ups(
        &self,
        finder: &Finder<'_>,
        taken: &[u32],
        length: usize,
        refused: impl Fn(u32) -> bool,
    ) -> Vec<(u32, bool)> {
        let (mut all, mut fill_ups) = (taken.to_vec(), Vec::new());
        if all.len() >= length {
            return fill_ups;
        }
        let of_category =
            preferred(finder, self.categories).map_or(&[][..], |code| &self.categories.best_sellers[code]);
        for rank in of_category.iter().copied() {
            if all.len() >= length || !self.has_room(&all, rank) {
                break;
            }
            if !finder.owns(rank) && !refused(rank) && !all.contains(&rank) {
                all.push(rank);
                fill_ups.push((rank, true));
            }
        }
        let mut of_all = finder.best_sellers(&refused);
        // Without the look at the categories a list that they keep short would go through the whole catalogue.
        while all.len() < length
            && !self.is_full(&all)
            && let Some(rank) = of_all.find(|rank| !all.contains(rank) && self.has_room(&all, *rank))
        {
            all.push(rank);
            fill_ups.push((rank, false));
        }
        fill_ups
    }

    fn has_room(&self, taken: &[u32], rank: u32) -> bool {
        if self.per_category == usize::MAX {
            return true;
        }
        let Some(code) = self.categories.code(rank) else { return true };
        taken.iter().filter(|other| self.categories.code(**other) == Some(code)).count() < self.per_category
    }

    /// Says whether the list has all that it may have of every category, so that nothing else fits.
    fn is_full(&self, taken: &[u32]) -> bool {
        let Some(n_categories) = self.categories.n_with_best_sellers else { return false };
        let code = |at: usize| self.categories.code(taken[at]);
        let fills = |at: &usize| (0..=*at).filter(|other| code(*other) == code(*at)).count() == self.per_category;
        (0..taken.len()).filter(fills).count() >= n_categories
    }
}

/// Returns the category of the most purchase days, of equal ones the first by name.
fn preferred(finder: &Finder<'_>, categories: &Categories) -> Option<usize> {
    let mut days: Vec<(u32, u32)> = Vec::new();
    for bought in finder.own.bought.iter().filter(|bought| finder.may_point(bought.item)) {
        if let Some(code) = categories.code(bought.item) {
            match days.iter_mut().find(|(other, _)| *other == code) {
                Some((_, n)) => *n += bought.n_days,
                None => days.push((code, bought.n_days)),
            }
        }
    }
    days.into_iter().max_by_key(|(code, n)| (*n, std::cmp::Reverse(*code))).map(|(code, _)| code as usize)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::super::fixture::baskets;
    use super::super::candidates::Reach;
    use super::super::similarity::Neighbours;
    use super::*;

    #[test]
    fn a_list_that_categories_keep_short_does_not_go_through_the_catalogue() {
        const PRODUCTS: u32 = 1_000;
        let all = baskets(&[(0, 1, vec![0]), (1, 1, (0..PRODUCTS).collect())]);
        let past = Past::of(&all, 2, PRODUCTS as usize, 2, false);
        let flags = vec![true; PRODUCTS as usize];
        let category: Vec<String> = (0..PRODUCTS).map(|product| format!("category {}", product % 2)).collect();
        let neighbours = Neighbours { starts: vec![0; PRODUCTS as usize + 1], ..Neighbours::default() };
        let reach = Reach { half_life_new: 1.0, half_life_again: 1.0, pool: 5 };
        let limits = Limits {
            past: &past,
            offerable: &flags,
            categories: &Categories::of(&category, &past.histories, &flags),
            returned: &Returned::default(),
            again_after: None,
            per_category: 2,
        };
        let mut finder = Finder::new(&past, &neighbours, &flags, &flags, reach);
        finder.find(0, &[], |_| false);
        let n_looked_at = Cell::new(0);
        let refused = |_| {
            n_looked_at.set(n_looked_at.get() + 1);
            false
        };
        let fill_ups = limits.fill_ups(&finder, &[], 10, refused);
        assert_eq!(fill_ups, [(2, true), (4, true), (1, false), (3, false)]);
        assert!(n_looked_at.get() < 10, "{}", n_looked_at.get());
    }

    #[test]
    fn what_came_back_or_was_bought_just_now_is_out() {
        let mut all = baskets(&[(0, 1, vec![0]), (0, 5, vec![1]), (0, 6, vec![2]), (1, 2, vec![0, 1, 2])]);
        all.returned = vec![(2, 8), (3, 20)];
        let known = all.as_of(9);
        let past = Past::of(&known, 2, 3, 9, true);
        let rank = |product: usize| past.histories.rank[product];
        let (returned, categories) = (Returned::of(&all, 9), Categories::default());
        let limits = Limits {
            past: &past,
            offerable: &[true; 3],
            categories: &categories,
            returned: &returned,
            again_after: Some(5),
            per_category: usize::MAX,
        };
        assert_eq!([0, 1, 2].map(|product| limits.refused(0)(rank(product))), [false, false, true]);
        // What comes back on day 20 is not known to come back yet.
        assert!(!limits.refused(1)(rank(0)));
        let bought = |last| Bought { item: 0, n_days: 1, first: 1, last, decayed: 1.0, fresh: 1.0 };
        assert_eq!([4, 5].map(|last| limits.may_repeat(&bought(last))), [true, false]);
        assert!(!Limits { again_after: None, ..limits }.may_repeat(&bought(1)));
    }
}
