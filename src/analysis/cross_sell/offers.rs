//! Next best offers: what a customer does not own and what its own products point at.
//!
//! `score(c, j) = Σ sim(i, j)` over the products i of the customer's recent history, for every merchandise j that it never bought and
//! kept. Highest score first, of equal ones the more popular product, then the smaller position. A list that stays too short is
//! filled with the most popular products that the customer does not own, without a score. Who has no history gets no offer: there
//! is nothing that it could be based on.
//!
//! `O(history · K)` a customer, in parallel over customers. Source: Sarwar et al., "Item-Based Collaborative Filtering Recommendation
//! Algorithms", WWW 2001, weighted sum.

use rayon::prelude::*;

use super::histories::Histories;
use super::similarity::{Nearest, Neighbours};
use crate::units::{NONE_IX, ProductIx};

/// One offer: a product, and its score unless it is a best-seller for want of better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    /// The product, or `NONE_IX` where there is nothing to offer.
    pub product: ProductIx,
    /// Sum of similarities, 0 where there is none.
    pub score: f32,
}

/// No offer at all.
const NOTHING: Offer = Offer { product: NONE_IX, score: 0.0 };

/// Lists the `k` best offers of every customer, customer by customer; `offerable` says by rank what may be offered.
pub fn best_offers(histories: &Histories, neighbours: &Neighbours, offerable: &[bool], k: usize) -> Vec<Offer> {
    const CUSTOMERS_A_CHUNK: usize = 4_096;
    let n_customers = histories.owned.n_rows();
    let mut offers = vec![NOTHING; n_customers * k];
    if k > 0 {
        offers.par_chunks_mut(CUSTOMERS_A_CHUNK * k).enumerate().for_each_init(
            || Scorer::new(histories, neighbours, offerable, k),
            |scorer, (chunk, offers)| {
                for (nth, list) in offers.chunks_mut(k).enumerate() {
                    scorer.fill(chunk * CUSTOMERS_A_CHUNK + nth, list);
                }
            },
        );
    }
    offers
}

/// Scores customers one after the other in buffers of its own.
struct Scorer<'a> {
    histories: &'a Histories,
    neighbours: &'a Neighbours,
    offerable: &'a [bool],
    /// What the customer's products point at, one after the other.
    pointers: Vec<(u32, f32)>,
    /// Score of each product, 0 between customers.
    score: Vec<f32>,
    touched: Vec<u32>,
    best: Nearest,
}

impl<'a> Scorer<'a> {
    fn new(histories: &'a Histories, neighbours: &'a Neighbours, offerable: &'a [bool], k: usize) -> Self {
        let n_items = histories.product.len();
        let (score, touched) = (vec![0.0; n_items], vec![0; n_items + 1]);
        Self { histories, neighbours, offerable, pointers: Vec::new(), score, touched, best: Nearest::new(k) }
    }

    fn fill(&mut self, customer: usize, list: &mut [Offer]) {
        let owned = self.histories.owned.row(customer);
        if owned.is_empty() {
            return;
        }
        let Self { neighbours, offerable, pointers, score, touched, best, .. } = self;
        // Copied first and added up from there, for the reason that `Counter` gives.
        pointers.clear();
        for item in self.histories.recent().row(customer) {
            pointers.extend_from_slice(neighbours.row(*item));
        }
        let (score, touched) = (score.as_mut_slice(), touched.as_mut_slice());
        let mut n_touched = 0;
        for (item, similarity) in pointers.iter() {
            let score = &mut score[*item as usize];
            touched[n_touched] = *item;
            n_touched += usize::from(*score == 0.0);
            *score += similarity;
        }
        for item in owned {
            score[*item as usize] = 0.0;
        }
        for item in &touched[..n_touched] {
            let score = std::mem::take(&mut score[*item as usize]);
            if score >= best.floor() && offerable[*item as usize] {
                best.offer(*item, score);
            }
        }
        let best = self.best.finish();
        for (offer, (item, score)) in list.iter_mut().zip(best) {
            *offer = Offer { product: self.histories.product[*item as usize], score: *score };
        }
        if best.len() < list.len() {
            // Ranks are by popularity, and those beyond `n_bought` were never bought by a customer.
            let popular = (0..self.histories.n_bought as u32).filter(|item| {
                self.offerable[*item as usize]
                    && owned.binary_search(item).is_err()
                    && best.iter().all(|(already, _)| already != item)
            });
            for (offer, item) in list[best.len()..].iter_mut().zip(popular) {
                offer.product = self.histories.product[item as usize];
            }
        }
        self.best.clear();
    }
}
