//! The offers of every customer: candidates with their probabilities, best first, within the filters.
//!
//! Where the proof is there and won, new products stand by the model's calibrated probability; where it was lost they are best-sellers; without a
//! proof they stand by score and have no probability. Repeats, where the pipeline wants them, compete with new products on the same scale. A list that
//! stays short is filled with best-sellers, first of the category that the customer bought most often, then of all. Who has no history gets no offer:
//! there is nothing that it could be based on.
//!
//! `O(history · K)` a customer, in parallel over fixed chunks of customers.

use rayon::prelude::*;

use super::candidates::{Finder, Pointer, Reach};
use super::figures::Shopper;
use super::filters::{Categories, Returned};
use super::model::Model;
use super::past::{Bought, Past};
use super::proof::{Proof, personal_score, popularity_score};
use super::similarity::Neighbours;
use crate::analysis::churn::calibration::Calibration;
use crate::units::{NONE_IX, ProductIx};

/// Why a product is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// Nothing is offered.
    Nothing,
    /// Another product was bought on so many days; so many customers own both.
    Owns { product: ProductIx, n_days: u32, n_both: u32 },
    /// It was bought on so many days.
    Again { n_days: u32 },
    /// It sells best in the category that the customer buys most.
    BestOfCategory,
    /// It sells best.
    BestSeller,
}

/// One offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    /// The product, or `NONE_IX` where there is nothing to offer.
    pub product: ProductIx,
    /// Probability that it is bought within the horizon; negative where unknown.
    pub probability: f32,
    pub because: Because,
}

/// No offer at all.
const NOTHING: Offer = Offer { product: NONE_IX, probability: -1.0, because: Because::Nothing };

/// How offers are made.
#[derive(Debug)]
pub struct Ranker<'a> {
    pub past: &'a Past<'a>,
    pub neighbours: &'a Neighbours,
    /// By rank of popularity.
    pub offerable: &'a [bool],
    /// By rank of popularity, what may be a reason for an offer.
    pub may_point: &'a [bool],
    pub categories: &'a Categories,
    pub returned: &'a Returned,
    pub reach: Reach,
    pub proven: Option<&'a Proven>,
    /// Days since the last purchase from which a product may be offered again; nothing where it never may.
    pub again_after: Option<i32>,
    /// Offers of one category in a list.
    pub per_category: usize,
    pub k: usize,
}

/// A model that was proven, and what its scores mean.
#[derive(Debug)]
pub struct Proven {
    pub model: Model,
    pub by_model_new: bool,
    pub by_model_again: bool,
    scale_model_new: Option<Calibration>,
    scale_model_again: Option<Calibration>,
    scale_popular: Option<Calibration>,
    scale_personal: Option<Calibration>,
}

impl Proven {
    /// Calibrates on the window of the proof.
    pub fn of(model: Model, proof: &Proof) -> Self {
        Self {
            by_model_new: proof.wins_new(),
            by_model_again: proof.wins_repeats(),
            scale_model_new: proof.new.calibrate(),
            scale_model_again: proof.again.calibrate(),
            scale_popular: proof.popular.calibrate(),
            scale_personal: proof.personal.calibrate(),
            model,
        }
    }

    fn new_offer(&self, past: &Past<'_>, rank: u32, score: f32, shopper: Shopper) -> Candidate {
        let (order, scale) = if self.by_model_new {
            (self.model.new_logit(score, past.items[rank as usize], shopper), &self.scale_model_new)
        } else {
            (popularity_score(rank), &self.scale_popular)
        };
        Candidate::new(rank, order, scale)
    }

    fn repeat(&self, past: &Past<'_>, bought: Bought, shopper: Shopper) -> Candidate {
        let item = past.items[bought.item as usize];
        let logit = self.model.repeat_logit(bought, item, shopper, past.today).filter(|_| self.by_model_again);
        let (order, scale) = match logit {
            Some(logit) => (logit, &self.scale_model_again),
            None => (personal_score(bought.n_days, bought.item), &self.scale_personal),
        };
        Candidate::new(bought.item, order, scale)
    }
}

/// A product that may end up on the list.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    rank: u32,
    /// Negative where unknown.
    probability: f64,
    /// Order among those of one probability.
    order: f64,
    /// Purchase days of a repeat, 0 for a new product.
    n_days: u32,
}

impl Candidate {
    fn new(rank: u32, order: f64, scale: &Option<Calibration>) -> Self {
        Self { rank, probability: scale.as_ref().map_or(-1.0, |scale| scale.apply(order)), order, n_days: 0 }
    }
}

/// Customers that are most likely to buy a product, most likely first.
pub type Audience = Vec<(f32, u32)>;

/// What came of a chunk of customers: its offers stand elsewhere already.
type Audiences = Vec<Audience>;

impl Ranker<'_> {
    /// Lists the `k` offers of every customer, customer by customer, and the `size` best customers for each of some products.
    pub fn rank(&self, audience_ranks: &[u32], size: usize) -> (Vec<Offer>, Audiences) {
        const CUSTOMERS_A_CHUNK: usize = 4_096;
        let n_customers = self.past.histories.owned.n_rows();
        let mut offers = vec![NOTHING; n_customers * self.k];
        if self.k == 0 {
            return (offers, vec![Vec::new(); audience_ranks.len()]);
        }
        let chunks: Vec<Audiences> = offers
            .par_chunks_mut(CUSTOMERS_A_CHUNK * self.k)
            .enumerate()
            .map_init(
                || Finder::new(self.past, self.neighbours, self.offerable, self.may_point, self.reach),
                |finder, (chunk, offers)| {
                    let mut audiences = vec![Vec::new(); audience_ranks.len()];
                    for (nth, list) in offers.chunks_mut(self.k).enumerate() {
                        let customer = chunk * CUSTOMERS_A_CHUNK + nth;
                        if self.past.histories.owned.row_len(customer) > 0 {
                            self.fill(finder, customer, list, audience_ranks, &mut audiences);
                        }
                    }
                    audiences.iter_mut().for_each(|audience| keep_best(audience, size));
                    audiences
                },
            )
            .collect();
        let mut audiences = vec![Vec::new(); audience_ranks.len()];
        for chunk in chunks {
            audiences.iter_mut().zip(chunk).for_each(|(all, part)| all.extend(part));
        }
        audiences.iter_mut().for_each(|audience| keep_best(audience, size));
        (offers, audiences)
    }

    fn fill(
        &self,
        finder: &mut Finder<'_>,
        customer: usize,
        list: &mut [Offer],
        audience_ranks: &[u32],
        audiences: &mut [Audience],
    ) {
        let past = self.past;
        let given_back = self.returned.by(customer as u32);
        let refused = |rank: u32| {
            let product = past.histories.product[rank as usize];
            !given_back.is_empty() && given_back.binary_search_by_key(&product, |(_, product)| *product).is_ok()
        };
        finder.find(customer, audience_ranks, refused);
        let shopper = Shopper::of(&finder.own, past.today);

        let mut candidates: Vec<Candidate> = Vec::with_capacity(finder.new.len());
        let by_popularity = self.proven.is_some_and(|proven| !proven.by_model_new);
        match self.proven {
            None => candidates.extend(finder.new.iter().map(|(rank, score)| Candidate {
                rank: *rank,
                probability: -1.0,
                order: f64::from(*score),
                n_days: 0,
            })),
            Some(proven) => {
                if !by_popularity {
                    let new = finder.new.iter();
                    candidates.extend(new.map(|(rank, score)| proven.new_offer(past, *rank, *score, shopper)));
                }
                for bought in finder.own.bought.iter().filter(|bought| self.may_repeat(bought)) {
                    let candidate = proven.repeat(past, *bought, shopper);
                    candidates.push(Candidate { n_days: bought.n_days, ..candidate });
                }
            }
        }
        if by_popularity {
            finder.new.clear();
            let popular = finder.best_sellers(refused).take(self.reach.pool);
            candidates.extend(popular.filter_map(|rank| Some(self.proven?.new_offer(past, rank, 0.0, shopper))));
        }
        candidates.sort_unstable_by(|a, b| {
            b.probability.total_cmp(&a.probability).then(b.order.total_cmp(&a.order)).then(a.rank.cmp(&b.rank))
        });

        let mut taken: Vec<(u32, f64, Because)> = Vec::with_capacity(list.len());
        for candidate in &candidates {
            if taken.len() < list.len() && self.has_room(&taken, candidate.rank) {
                let because = match candidate.n_days {
                    0 => Because::BestSeller,
                    n_days => Because::Again { n_days },
                };
                taken.push((candidate.rank, candidate.probability, because));
            }
        }
        self.fill_up(finder, &mut taken, list.len(), refused, shopper);

        let ranks: Vec<u32> = taken.iter().map(|(rank, ..)| *rank).collect();
        let pointers: Vec<Option<Pointer>> = finder.strongest_pointers(&ranks);
        for (offer, ((rank, probability, because), pointer)) in list.iter_mut().zip(taken.iter().zip(pointers)) {
            let because = match (because, pointer) {
                // Where popularity made the list, no other product is the reason.
                (Because::BestSeller, Some(Pointer { bought, n_both, .. })) if !by_popularity => Because::Owns {
                    product: past.histories.product[bought.item as usize],
                    n_days: bought.n_days,
                    n_both,
                },
                _ => *because,
            };
            let product = past.histories.product[*rank as usize];
            *offer = Offer { product, probability: *probability as f32, because };
        }
        for ((audience, rank), score) in audiences.iter_mut().zip(audience_ranks).zip(&finder.asked_score) {
            let probability = match (self.proven, finder.bought(*rank)) {
                _ if !self.offerable[*rank as usize] => None,
                // As in the list, what came back is refused only where it was not bought and kept again.
                (Some(proven), None) if !refused(*rank) => {
                    Some(proven.new_offer(past, *rank, *score, shopper).probability as f32)
                }
                (Some(proven), Some(bought)) if self.may_repeat(bought) => {
                    Some(proven.repeat(past, *bought, shopper).probability as f32)
                }
                _ => None,
            };
            audience.extend(probability.filter(|p| *p >= 0.0).map(|p| (p, customer as u32)));
        }
    }

    fn may_repeat(&self, bought: &Bought) -> bool {
        self.again_after.is_some_and(|days| self.past.today - bought.last >= days)
            && self.offerable[bought.item as usize]
    }

    fn has_room(&self, taken: &[(u32, f64, Because)], rank: u32) -> bool {
        let Some(code) = self.categories.code(rank) else { return true };
        taken.iter().filter(|(other, ..)| self.categories.code(*other) == Some(code)).count() < self.per_category
    }

    /// Says whether the list has all that it may have of every category, so that nothing else fits.
    fn is_full(&self, taken: &[(u32, f64, Because)]) -> bool {
        let Some(n_categories) = self.categories.n_with_best_sellers else { return false };
        let code = |at: usize| self.categories.code(taken[at].0);
        let fills = |at: &usize| (0..=*at).filter(|other| code(*other) == code(*at)).count() == self.per_category;
        (0..taken.len()).filter(fills).count() >= n_categories
    }

    /// Adds best-sellers until the list is full: of the customer's category, then of all.
    fn fill_up(
        &self,
        finder: &Finder<'_>,
        taken: &mut Vec<(u32, f64, Because)>,
        length: usize,
        refused: impl Fn(u32) -> bool,
        shopper: Shopper,
    ) {
        if taken.len() >= length {
            return;
        }
        let probability = |rank: u32| match self.proven {
            Some(proven) => proven.new_offer(self.past, rank, 0.0, shopper).probability,
            None => -1.0,
        };
        let of_category =
            preferred(finder, self.categories).map_or(&[][..], |code| &self.categories.best_sellers[code]);
        let is_taken = |taken: &[(u32, f64, Because)], rank| taken.iter().any(|(other, ..)| *other == rank);
        for rank in of_category.iter().copied() {
            if taken.len() >= length || !self.has_room(taken, rank) {
                break;
            }
            if !finder.owns(rank) && !refused(rank) && !is_taken(taken, rank) {
                taken.push((rank, probability(rank), Because::BestOfCategory));
            }
        }
        let mut of_all = finder.best_sellers(&refused);
        // Without the look at the categories a list that they keep short would go through the whole catalogue.
        while taken.len() < length
            && !self.is_full(taken)
            && let Some(rank) = of_all.find(|rank| !is_taken(taken, *rank) && self.has_room(taken, *rank))
        {
            taken.push((rank, probability(rank), Because::BestSeller));
        }
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

/// Keeps the most likely customers, of equal ones the first.
fn keep_best(audience: &mut Audience, size: usize) {
    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if audience.len() > size {
        audience.select_nth_unstable_by(size, order);
        audience.truncate(size);
    }
    audience.sort_unstable_by(order);
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::super::fixture::baskets;
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
        let ranker = Ranker {
            past: &past,
            neighbours: &neighbours,
            offerable: &flags,
            may_point: &flags,
            categories: &Categories::of(&category, &past.histories, &flags),
            returned: &Returned::default(),
            reach,
            proven: None,
            again_after: None,
            per_category: 2,
            k: 10,
        };
        let mut finder = Finder::new(&past, &neighbours, &flags, &flags, reach);
        finder.find(0, &[], |_| false);
        let (n_looked_at, mut taken) = (Cell::new(0), vec![]);
        let refused = |_| {
            n_looked_at.set(n_looked_at.get() + 1);
            false
        };
        ranker.fill_up(&finder, &mut taken, 10, refused, Shopper::of(&finder.own, 2));
        let list: Vec<u32> = taken.iter().map(|(rank, ..)| *rank).collect();
        assert_eq!(list, [2, 4, 1, 3]);
        assert!(n_looked_at.get() < 10, "{}", n_looked_at.get());
    }
}
