//! Which rules are real: more often than baskets of these sizes would bring together, and more often than any part of the antecedent.
//!
//! In random baskets of the same sizes every place beside item `i` is item `y` with probability `S_y/ΣS`, so that a set `X` whose baskets have
//! room for `S_X` more meets `y` about `e = S_X·S_y/ΣS` times; for one item this is `S_i·S_j/ΣS`, the modularity null. `lift_adjusted = n_xy/e`.
//! Raw lift is no such measure: unrelated items have a raw lift of `n·Σk(k − 1)/(Σk)²`, 1.4 in a supermarket and 4.6 at a wholesaler.
//!
//! **Pairs**: `p = P(N ≥ n_xy)` for a Poisson count of mean `e`; q by Benjamini and Hochberg over every pair of items that there could be.
//!
//! **Longer antecedents**: that `bread, butter → jam` is above `e` says nothing where `butter → jam` is. The question is whether the whole does
//! more than its strongest part, so the mean is `S_X · max n_x′y/S_x′` over the parts `X′ ⊂ X`, the empty one with rate `S_y/ΣS` included. One test for
//! every frequent antecedent with every other item; q by Benjamini and Hochberg for each length.
//!
//! What cannot reach the level (`p > q_max`) is dropped at once: q is never below p, and the number of tests counts it all the same.
//!
//! Sources: Newman, "Modularity and community structure in networks", PNAS 103(23), 2006; Webb, "Discovering Significant Patterns", Machine
//! Learning 68(1), 2007 (productive rules); Bourgon, Gentleman and Huber, "Independent filtering", PNAS 107(21), 2010 (tests chosen by support
//! of the antecedent alone).

use std::sync::atomic::{AtomicUsize, Ordering};

use super::itemsets::{Itemsets, Node};
use super::matrix::BasketMatrix;
use super::memory::{TooMany, What};
use super::rules::Candidate;
use super::threshold::Threshold;
use super::volumes::Volumes;
use crate::maths::false_discovery::q_values;
use crate::maths::poisson;

/// A rule that is above chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    pub candidate: Candidate,
    /// `e`, how often the two sides would meet in random baskets of the same sizes.
    pub expected: f64,
    pub improvement: f64,
    pub p: f64,
    pub q: f64,
}

impl Rule {
    /// Returns the lift against random baskets of the same sizes.
    pub fn lift_adjusted(&self) -> f64 {
        f64::from(self.candidate.counts.n_both) / self.expected
    }
}

/// A pair that meets more often than chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RealPair {
    pub set: Node,
    pub expected: f64,
    pub p: f64,
    pub q: f64,
}

/// Finds the pairs above chance at a level of q, in the order of the sets.
pub fn pairs(matrix: &BasketMatrix, sets: &Itemsets, max_q: f64) -> Vec<RealPair> {
    let mut found: Vec<RealPair> = Vec::new();
    let total = matrix.total_co_volume().max(1) as f64;
    let volume = |item: u32| matrix.co_volume[item as usize] as f64;
    for a in 0..sets.levels[0].item.len() {
        for at in sets.children(Node { level: 0, at: a }) {
            let set = Node { level: 1, at };
            // Items that met have room beside them in a basket, so the mean is above 0.
            let expected = volume(a as u32) * volume(sets.levels[1].item[at]) / total;
            let n = sets.count(set);
            if f64::from(n) > expected {
                let p = poisson::at_least(n.into(), expected);
                if p <= max_q {
                    found.push(RealPair { set, expected, p, q: 1.0 });
                }
            }
        }
    }
    let p: Vec<f64> = found.iter().map(|pair| pair.p).collect();
    for (pair, q) in found.iter_mut().zip(q_values(&p, matrix.n_possible_pairs())) {
        pair.q = q;
    }
    found.retain(|pair| pair.q <= max_q);
    found
}

/// Finds the rules above chance of all sizes that are confident enough and do more than any part of their antecedent.
///
/// # Errors
/// Fails where more than `most` may be above chance.
pub fn rules(
    matrix: &BasketMatrix,
    sets: &Itemsets,
    volumes: &Volumes,
    min_confidence: Threshold,
    max_q: f64,
    most: usize,
) -> Result<Vec<Rule>, TooMany> {
    let pairs = pairs(matrix, sets, max_q);
    let taken = AtomicUsize::new(0);
    // Whether all fit does not depend on which is found first; what no longer fits is not kept.
    let fits = |rule: Rule| (taken.fetch_add(1, Ordering::Relaxed) < most).then_some(rule);
    let check = |what, min_count| {
        if taken.load(Ordering::Relaxed) > most { Err(TooMany { what, most, min_count }) } else { Ok(()) }
    };
    let mut rules = Candidate::of_level(sets, 1, min_confidence, |candidate, antecedent| {
        let pair = pairs.binary_search_by_key(&candidate.set, |pair| pair.set).ok().map(|at| pairs[at])?;
        let RealPair { expected, p, q, .. } = pair;
        let improvement = candidate.improvement(antecedent);
        if candidate.is_redundant(antecedent) {
            return None;
        }
        fits(Rule { candidate, expected, improvement, p, q })
    });
    check(What::Rules, sets.min_count)?;
    let total = matrix.total_co_volume().max(1) as f64;
    for level in 2..sets.levels.len() {
        let mut longer = Candidate::of_level(sets, level, min_confidence, |candidate, antecedent| {
            let room = volumes.get(candidate.antecedent) as f64;
            let rate = matrix.co_volume[candidate.consequent as usize] as f64 / total;
            let n = candidate.counts.n_both;
            if f64::from(n) <= room * rate {
                return None;
            }
            let of_part = |(part, with): (Node, Node)| f64::from(sets.count(with)) / volumes.get(part) as f64;
            let mean = room * antecedent.parts(candidate.consequent).map(of_part).fold(rate, f64::max);
            // Most sets say no more than a part of them: they need no tail.
            if f64::from(n) <= mean || candidate.is_redundant(antecedent) {
                return None;
            }
            let p = poisson::at_least(n.into(), mean);
            let improvement = candidate.improvement(antecedent);
            if p > max_q {
                return None;
            }
            fits(Rule { candidate, expected: room * rate, improvement, p, q: 1.0 })
        });
        check(What::LongerRules, sets.min_count_of_larger)?;
        let antecedents = sets.levels[level - 1].item.len() as f64;
        let p: Vec<f64> = longer.iter().map(|rule| rule.p).collect();
        let others = (matrix.n_items() - level) as f64;
        for (rule, q) in longer.iter_mut().zip(q_values(&p, antecedents * others)) {
            rule.q = q;
        }
        rules.extend(longer.into_iter().filter(|rule| rule.q <= max_q));
    }
    Ok(rules)
}
