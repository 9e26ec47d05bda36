//! What could be offered to one customer: what its purchases point at, what it buys again, and best-sellers where that is not enough.
//!
//! `score(c, j) = Σ ln(1 + d(c, i)) · sim(i, j)` over the products i that the customer bought and kept, with `d` its purchase days of i, each
//! decayed by the half-life ([`super::past`]); sensitive products add nothing. The `POOL` highest scores among the products it may be offered are the candidates; of equal
//! scores the more popular product comes first.
//!
//! `O(history · K)` a customer. Source: Sarwar et al., "Item-Based Collaborative Filtering Recommendation Algorithms", WWW 2001, weighted
//! sum; Ding and Li, "Time Weight Collaborative Filtering", CIKM 2005, for the decay.

use super::past::{Bought, Past, Purchases, keep_latest};
use super::similarity::{Nearest, Neighbours};

/// Products a customer has not bought that are looked at closely, where fewer are offered.
pub const POOL: usize = 15;

/// How candidates are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Days in which a purchase loses half of its weight for what is offered new.
    pub half_life_new: f64,
    /// The same for what is bought again.
    pub half_life_again: f64,
    /// New products that are looked at closely.
    pub pool: usize,
}

/// Finds candidates of one customer after the other in buffers of its own.
pub struct Finder<'a> {
    past: &'a Past<'a>,
    neighbours: &'a Neighbours,
    /// By rank of popularity, what may be offered at all.
    offerable: &'a [bool],
    /// By rank of popularity, what may be a reason for an offer.
    may_point: &'a [bool],
    reach: Reach,
    /// What the customer bought.
    pub own: Purchases,
    /// The latest products of it.
    recent: Vec<Bought>,
    /// The new candidates and their scores, highest first.
    pub new: Vec<(u32, f32)>,
    /// Score of each product that was bought.
    pub bought_score: Vec<f32>,
    /// Score of each product that was asked for.
    pub asked_score: Vec<f32>,
    /// What the customer's products point at, one after the other.
    pointers: Vec<(u32, f32)>,
    /// Score of each product, 0 between customers.
    score: Vec<f32>,
    touched: Vec<u32>,
    best: Nearest,
}

/// A purchase that points at an offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pointer {
    pub bought: Bought,
    /// Customers who own both.
    pub n_both: u32,
    part: f32,
}

impl<'a> Finder<'a> {
    /// Makes room.
    pub fn new(
        past: &'a Past<'a>,
        neighbours: &'a Neighbours,
        offerable: &'a [bool],
        may_point: &'a [bool],
        reach: Reach,
    ) -> Self {
        Self {
            past,
            neighbours,
            offerable,
            may_point,
            reach,
            own: Purchases::default(),
            recent: Vec::new(),
            new: Vec::new(),
            bought_score: Vec::new(),
            asked_score: Vec::new(),
            pointers: Vec::new(),
            score: vec![0.0; past.items.len()],
            touched: Vec::new(),
            best: Nearest::new(reach.pool),
        }
    }

    /// Finds the candidates of a customer; those for which `refused` is true are none, and `asked` products get their score said.
    pub fn find(&mut self, customer: usize, asked: &[u32], refused: impl Fn(u32) -> bool) {
        let Reach { half_life_again, half_life_new, .. } = self.reach;
        self.past.purchases(customer, [half_life_again, half_life_new], &mut self.own);
        self.recent.clear();
        self.recent.extend(self.own.bought.iter().filter(|bought| self.may_point[bought.item as usize]));
        keep_latest(&mut self.recent);
        let Self { neighbours, offerable, pointers, score, touched, best, new, .. } = self;
        // Copied first as they are, then weighted and added up from there, for the reason that `Counter` gives.
        pointers.clear();
        for bought in &self.recent {
            pointers.extend_from_slice(neighbours.row(bought.item));
        }
        let mut rest = pointers.as_mut_slice();
        for bought in &self.recent {
            let weight = bought.fresh.ln_1p() as f32;
            let (own, others) = rest.split_at_mut(neighbours.row(bought.item).len());
            own.iter_mut().for_each(|(_, part)| *part *= weight);
            rest = others;
        }
        if touched.len() <= pointers.len() {
            touched.resize(pointers.len() + 1, 0);
        }
        let (sums, touched) = (score.as_mut_slice(), touched.as_mut_slice());
        let mut n_touched = 0;
        for (item, part) in pointers.iter() {
            let sum = &mut sums[*item as usize];
            touched[n_touched] = *item;
            // A sum that returns to zero is noted twice, which does no harm.
            n_touched += usize::from(*sum == 0.0);
            *sum += part;
        }
        self.asked_score.clear();
        self.asked_score.extend(asked.iter().map(|item| sums[*item as usize]));
        self.bought_score.clear();
        for bought in &self.own.bought {
            self.bought_score.push(std::mem::take(&mut sums[bought.item as usize]));
        }
        for item in &touched[..n_touched] {
            let score = std::mem::take(&mut sums[*item as usize]);
            if score >= best.floor() && offerable[*item as usize] && !refused(*item) {
                best.offer(*item, score);
            }
        }
        new.clear();
        new.extend_from_slice(best.finish());
        best.clear();
    }

    /// Says what points at each of some new products most strongly; nothing where nothing does.
    ///
    /// EASE also joins products that nobody owns both of: such a pair is no reason that could be told.
    pub fn strongest_pointers(&mut self, offered: &[u32]) -> Vec<Option<Pointer>> {
        let mut strongest: Vec<Option<Pointer>> = vec![None; offered.len()];
        for (slot, item) in offered.iter().enumerate() {
            self.score[*item as usize] = (slot + 1) as f32;
        }
        let mut at = 0;
        for bought in &self.recent {
            let entries =
                self.neighbours.starts[bought.item as usize]..self.neighbours.starts[bought.item as usize + 1];
            for entry in entries {
                let (item, part) = self.pointers[at];
                at += 1;
                let slot = self.score[item as usize];
                let n_both = self.neighbours.n_both[entry];
                if slot > 0.0 && part > 0.0 && n_both > 0 {
                    let so_far = &mut strongest[slot as usize - 1];
                    if so_far.is_none_or(|pointer| part > pointer.part) {
                        *so_far = Some(Pointer { bought: *bought, n_both, part });
                    }
                }
            }
        }
        offered.iter().for_each(|item| self.score[*item as usize] = 0.0);
        strongest
    }

    /// Returns the score of each of some products, as [`Self::find`] added it up.
    pub fn scores_of(&mut self, items: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0_f32; items.len()];
        for (slot, item) in items.iter().enumerate() {
            self.score[*item as usize] = (slot + 1) as f32;
        }
        for (item, part) in &self.pointers {
            if let Some(sum) = (self.score[*item as usize] as usize).checked_sub(1).and_then(|slot| sums.get_mut(slot))
            {
                *sum += part;
            }
        }
        items.iter().for_each(|item| self.score[*item as usize] = 0.0);
        sums
    }

    /// Says whether the customer bought and kept a product.
    pub fn owns(&self, item: u32) -> bool {
        self.bought(item).is_some()
    }

    /// Returns what the customer bought of a product.
    pub fn bought(&self, item: u32) -> Option<&Bought> {
        let at = self.own.bought.binary_search_by_key(&item, |bought| bought.item).ok()?;
        self.own.bought.get(at)
    }

    /// Goes through the best-sellers that may be offered and are not bought, refused or candidates already.
    pub fn best_sellers(&self, refused: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> {
        // Ranks are by popularity, and those beyond `n_bought` were never bought by a customer.
        (0..self.past.histories.n_bought as u32)
            .filter(move |item| self.offerable[*item as usize] && self.is_beside(*item, &refused))
    }

    /// Says whether a product is not bought, refused or a candidate already.
    pub fn is_beside(&self, item: u32, refused: impl Fn(u32) -> bool) -> bool {
        !self.owns(item) && !refused(item) && self.new.iter().all(|(already, _)| *already != item)
    }

    /// Says whether a purchase of a product may be a reason for an offer.
    pub fn may_point(&self, item: u32) -> bool {
        self.may_point[item as usize]
    }

    /// Returns what is known of the base.
    pub fn past(&self) -> &'a Past<'a> {
        self.past
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    #[test]
    fn a_product_that_no_owner_of_the_other_has_is_no_reason() {
        // Customer 0 owns 0 and 1; 0 points at 2 and 3 more strongly than 1 does, but nobody owns it with either.
        let all = baskets(&[(0, 1, vec![0, 1]), (1, 1, vec![1, 2]), (2, 1, vec![3])]);
        let past = Past::of(&all, 3, 4, 2, false);
        let rank = |product: usize| past.histories.rank[product];
        let mut neighbours = Neighbours { starts: vec![0], ..Neighbours::default() };
        for product in &past.histories.product {
            let (entries, n_both) = match product {
                0 => (vec![(rank(2), 0.5), (rank(3), 0.4)], vec![0, 0]),
                1 => (vec![(rank(2), 0.2)], vec![1]),
                _ => (vec![], vec![]),
            };
            neighbours.entries.extend(entries);
            neighbours.n_both.extend(n_both);
            neighbours.starts.push(neighbours.entries.len());
        }
        let reach = Reach { half_life_new: f64::INFINITY, half_life_again: f64::INFINITY, pool: POOL };
        let mut finder = Finder::new(&past, &neighbours, &[true; 4], &[true; 4], reach);
        finder.find(0, &[], |_| false);
        assert_eq!(finder.new.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [rank(2), rank(3)]);
        let [of_2, of_3] = finder.strongest_pointers(&[rank(2), rank(3)])[..] else { panic!("two were asked for") };
        assert_eq!(finder.scores_of(&[rank(3), rank(1), rank(2)]), [finder.new[1].1, 0.0, finder.new[0].1]);
        assert_eq!(of_2.map(|pointer| (pointer.bought.item, pointer.n_both)), Some((rank(1), 1)));
        assert_eq!(of_3, None);
    }
}
