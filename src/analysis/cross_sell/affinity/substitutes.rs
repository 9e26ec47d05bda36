//! Pairs that stand in the same basket less often than chance: who buys one does without the other.
//!
//! `e = S_i·S_j/ΣS` as for rules, `p = P(N ≤ n_ij)`, q by Benjamini and Hochberg over every pair of items that there could be. A pair that never
//! met has `p = e^{−e}`: only pairs with `e ≥ −ln q_max` can be found, which is decided before anything is counted and leaves the items that
//! are bought most. `e` lies a few percent too low for those, which fill a place in a basket once only, so what is found is below chance.
//!
//! Two milks are substitutes; two products of different kinds of customers look the same to this test.

use rayon::prelude::*;

use super::super::rows::Counter;
use super::matrix::BasketMatrix;
use super::pairs::Occurrences;
use crate::maths::false_discovery::q_values;
use crate::maths::poisson;

/// Two items that avoid each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Substitute {
    /// The item in fewer baskets.
    pub a: u32,
    pub b: u32,
    /// Baskets with both.
    pub n_both: u32,
    pub expected: f64,
    pub p: f64,
    pub q: f64,
}

/// Finds the pairs below chance at a level of q, by items.
pub fn substitutes(matrix: &BasketMatrix, max_q: f64) -> Vec<Substitute> {
    let total = matrix.total_co_volume().max(1) as f64;
    let volume = |item: u32| matrix.co_volume[item as usize] as f64;
    let least = -max_q.ln() * total;
    let mut by_volume: Vec<u32> = (0..matrix.n_items() as u32).collect();
    by_volume.sort_by_key(|item| std::cmp::Reverse(matrix.co_volume[*item as usize]));
    // What could be tested against an item: a prefix by volume.
    let partners = |item: u32| &by_volume[..by_volume.partition_point(|other| volume(*other) * volume(item) >= least)];
    let Some(last) = (0..matrix.n_items() as u32).rev().find(|item| partners(*item).iter().any(|other| other < item))
    else {
        return Vec::new();
    };
    let n_items = last as usize + 1;
    let occurrences = Occurrences::of(matrix, 0..n_items);
    let found: Vec<Vec<Substitute>> = (0..n_items)
        .into_par_iter()
        .with_max_len(1)
        .map_init(
            || (Counter::new(n_items), vec![0_u32; n_items]),
            |(counter, met), a| {
                let mut found = Vec::new();
                let partners: Vec<u32> = partners(a as u32).iter().copied().filter(|b| (*b as usize) < a).collect();
                if partners.is_empty() {
                    return found;
                }
                occurrences.before(a, &matrix.rows.items).for_each(|before| counter.add(before));
                counter.drain(|b, n| met[b as usize] = n);
                for b in partners {
                    let (n_both, expected) = (met[b as usize], volume(a as u32) * volume(b) / total);
                    if f64::from(n_both) < expected {
                        let p = poisson::at_most(n_both.into(), expected);
                        if p <= max_q {
                            found.push(Substitute { a: a as u32, b, n_both, expected, p, q: 1.0 });
                        }
                    }
                }
                met.fill(0);
                found.sort_unstable_by_key(|pair| pair.b);
                found
            },
        )
        .collect();
    let mut found = found.concat();
    let p: Vec<f64> = found.iter().map(|pair| pair.p).collect();
    for (pair, q) in found.iter_mut().zip(q_values(&p, matrix.n_possible_pairs())) {
        pair.q = q;
    }
    found.retain(|pair| pair.q <= max_q);
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::rows::Rows;
    use super::*;

    #[test]
    fn products_that_never_meet_are_substitutes_only_where_they_should_have() {
        // Either of 0 and 1 in every basket, 2 beside both; 3 is too rare to tell.
        let rows = Rows::build(400, |row, items| {
            items.extend([row as u32 % 2, 2, 4 + row as u32 % 7]);
            if row == 0 {
                items.push(3);
            }
        });
        let matrix = BasketMatrix::of(rows, 11);
        let found = substitutes(&matrix, 0.01);
        let products: Vec<[u32; 2]> = found
            .iter()
            .map(|pair| {
                let mut pair = [pair.a, pair.b].map(|item| matrix.product[item as usize]);
                pair.sort_unstable();
                pair
            })
            .collect();
        assert!(products.contains(&[0, 1]));
        assert!(products.iter().all(|pair| !pair.contains(&2) && !pair.contains(&3)), "{products:?}");
        assert!(found.iter().all(|pair| pair.n_both == 0 && pair.q <= 0.01));
    }
}
