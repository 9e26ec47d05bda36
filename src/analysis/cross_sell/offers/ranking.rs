//! The offers of every customer: candidates with their probabilities, best first, within the filters.
//!
//! Where the proof is there and won, new products stand by the model's calibrated probability; where it was lost they are best-sellers; without a
//! proof they stand by score and have no probability. Repeats, where the pipeline wants them, compete with new products on the same scale, and so do the
//! best-sellers that the model was fitted to beside its candidates. A list that stays short is filled up ([`super::listing`]); what fills it is as likely as the
//! same model says and takes its place by that, so that probabilities never rise along a list. Who has no history gets no offer: there is nothing that it
//! could be based on.
//!
//! `O(history · K)` a customer, in parallel over fixed chunks of customers.

use rayon::prelude::*;

use super::candidates::{Finder, Reach};
use super::figures::Shopper;
use super::filters::{Categories, Returned};
use super::listing::Limits;
use super::model::{Model, best_sellers};
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
        Candidate { score, ..Candidate::new(rank, order, scale) }
    }

    fn repeat(&self, past: &Past<'_>, bought: Bought, shopper: Shopper) -> Candidate {
        let item = past.items[bought.item as usize];
        let logit = self.model.repeat_logit(bought, item, shopper, past.today).filter(|_| self.by_model_again);
        let (order, scale) = match logit {
            Some(logit) => (logit, &self.scale_model_again),
            None => (personal_score(bought.n_days, bought.item), &self.scale_personal),
        };
        Candidate { n_days: bought.n_days, ..Candidate::new(bought.item, order, scale) }
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
    /// What the customer's products say for a new product.
    score: f32,
    /// Purchase days of a repeat, 0 for a new product.
    n_days: u32,
    /// Whether it fills the list up from the category that the customer buys most.
    is_of_category: bool,
}

impl Candidate {
    fn new(rank: u32, order: f64, scale: &Option<Calibration>) -> Self {
        let probability = scale.as_ref().map_or(-1.0, |scale| scale.apply(order));
        Self { rank, probability, order, score: 0.0, n_days: 0, is_of_category: false }
    }

    fn best_first(&self, other: &Self) -> std::cmp::Ordering {
        let by_probability = other.probability.total_cmp(&self.probability);
        by_probability.then(other.order.total_cmp(&self.order)).then(self.rank.cmp(&other.rank))
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
        // What is asked about every customer: the audiences, then the best-sellers.
        let mut asked = audience_ranks.to_vec();
        asked.extend(best_sellers(self.offerable, self.past.histories.n_bought));
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
                            self.fill(finder, customer, list, &asked, &mut audiences);
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

    fn limits(&self) -> Limits<'_> {
        Limits {
            past: self.past,
            offerable: self.offerable,
            categories: self.categories,
            returned: self.returned,
            again_after: self.again_after,
            per_category: self.per_category,
        }
    }

    fn fill(
        &self,
        finder: &mut Finder<'_>,
        customer: usize,
        list: &mut [Offer],
        asked: &[u32],
        audiences: &mut [Audience],
    ) {
        let (past, limits) = (self.past, self.limits());
        let refused = limits.refused(customer as u32);
        finder.find(customer, asked, refused);
        let shopper = Shopper::of(&finder.own, past.today);
        let by_popularity = self.proven.is_some_and(|proven| !proven.by_model_new);
        let new = |rank: u32, score: f32| match self.proven {
            Some(proven) => proven.new_offer(past, rank, score, shopper),
            None => Candidate { score, ..Candidate::new(rank, f64::from(score), &None) },
        };
        if by_popularity {
            finder.new.clear();
        }
        let mut candidates: Vec<Candidate> = finder.new.iter().map(|(rank, score)| new(*rank, *score)).collect();
        if let Some(proven) = self.proven {
            if by_popularity {
                candidates.extend(finder.best_sellers(refused).take(self.reach.pool).map(|rank| new(rank, 0.0)));
            } else {
                let beside = asked.iter().zip(&finder.asked_score).skip(audiences.len());
                let beside = beside.filter(|(rank, _)| finder.is_beside(**rank, refused));
                candidates.extend(beside.map(|(rank, score)| new(*rank, *score)));
            }
            let repeats = finder.own.bought.iter().filter(|bought| limits.may_repeat(bought));
            candidates.extend(repeats.map(|bought| proven.repeat(past, *bought, shopper)));
        }
        candidates.sort_unstable_by(Candidate::best_first);

        let mut taken = limits.cut(candidates, list.len(), |candidate| candidate.rank);
        if taken.len() < list.len() {
            let ranks: Vec<u32> = taken.iter().map(|candidate| candidate.rank).collect();
            let fill_ups = limits.fill_ups(finder, &ranks, list.len(), refused);
            let ranks: Vec<u32> = fill_ups.iter().map(|(rank, _)| *rank).collect();
            let scores = finder.scores_of(&ranks);
            let fill_ups = fill_ups.into_iter().zip(scores);
            taken.extend(
                fill_ups.map(|((rank, is_of_category), score)| Candidate { is_of_category, ..new(rank, score) }),
            );
            // Without probabilities what points at a product comes first.
            if self.proven.is_some() {
                taken.sort_by(Candidate::best_first);
            }
        }

        let ranks: Vec<u32> = taken.iter().map(|candidate| candidate.rank).collect();
        let pointers = finder.strongest_pointers(&ranks);
        for (offer, (candidate, pointer)) in list.iter_mut().zip(taken.iter().zip(pointers)) {
            // Where popularity made the list, no other product is the reason.
            let pointer = pointer.filter(|_| !by_popularity && candidate.score > 0.0);
            let because = match (candidate.n_days, pointer) {
                (0, Some(pointer)) => Because::Owns {
                    product: past.histories.product[pointer.bought.item as usize],
                    n_days: pointer.bought.n_days,
                    n_both: pointer.n_both,
                },
                (0, None) if candidate.is_of_category => Because::BestOfCategory,
                (0, None) => Because::BestSeller,
                (n_days, _) => Because::Again { n_days },
            };
            let product = past.histories.product[candidate.rank as usize];
            *offer = Offer { product, probability: candidate.probability as f32, because };
        }
        for ((audience, rank), score) in audiences.iter_mut().zip(asked).zip(&finder.asked_score) {
            let probability = match (self.proven, finder.bought(*rank)) {
                _ if !self.offerable[*rank as usize] => None,
                // As in the list, what came back is refused only where it was not bought and kept again.
                (Some(proven), None) if !refused(*rank) => {
                    Some(proven.new_offer(past, *rank, *score, shopper).probability as f32)
                }
                (Some(proven), Some(bought)) if limits.may_repeat(bought) => {
                    Some(proven.repeat(past, *bought, shopper).probability as f32)
                }
                _ => None,
            };
            audience.extend(probability.filter(|p| *p >= 0.0).map(|p| (p, customer as u32)));
        }
    }
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
