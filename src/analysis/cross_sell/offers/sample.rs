//! Which customers are learnt from and judged, where all of them would be more than is needed.
//!
//! A customer's place in the draw is a hash of its id (FNV-1a, its bits mixed by the finaliser of SplitMix64): the same customer is drawn
//! tonight and tomorrow, in whatever order the lines stand, and who joins the base moves nobody else by more than one place.
//!
//! `O(n)` hashes and a selection. Sources: Fowler, Noll and Vo, IETF draft-eastlake-fnv; Steele, Lea and Flood, "Fast Splittable
//! Pseudorandom Number Generators", OOPSLA 2014.

use crate::features::Baskets;
use crate::table::Ids;
use crate::units::NONE_IX;

/// The customers that were drawn, with their baskets.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Baskets of the drawn customers, who are numbered anew; without guests.
    pub baskets: Baskets,
    /// Place in the draw of each drawn customer, smallest first drawn.
    pub place: Vec<u64>,
}

/// Draws at most `most` of the customers with a basket.
pub fn draw(baskets: &Baskets, ids: &Ids, most: usize) -> Drawn {
    let mut candidates: Vec<u32> = baskets.customer.iter().copied().filter(|customer| *customer != NONE_IX).collect();
    candidates.dedup();
    let mut drawn: Vec<(u64, u32)> =
        candidates.into_iter().map(|customer| (place(ids.get(customer)), customer)).collect();
    if drawn.len() > most {
        drawn.select_nth_unstable(most);
        drawn.truncate(most);
    }
    drawn.sort_unstable_by_key(|(_, customer)| *customer);
    let mut number = vec![NONE_IX; ids.len()];
    for ((_, customer), own) in drawn.iter().zip(0..) {
        number[*customer as usize] = own;
    }
    Drawn { baskets: of_some(baskets, &number), place: drawn.into_iter().map(|(place, _)| place).collect() }
}

/// Returns the place of an id in every draw.
fn place(id: &str) -> u64 {
    let hashed = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    mixed(hashed)
}

/// Spreads the bits of a number over all of it.
pub fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Keeps the baskets of customers that have a new number.
fn of_some(baskets: &Baskets, number: &[u32]) -> Baskets {
    let mut kept = Baskets { starts: vec![0], ..Baskets::default() };
    let mut returned = baskets.returned.iter().peekable();
    for (basket, customer) in baskets.customer.iter().enumerate() {
        let own = number.get(*customer as usize).copied().unwrap_or(NONE_IX);
        let items = baskets.starts[basket]..baskets.starts[basket + 1];
        while let Some((position, on)) = returned.next_if(|(position, _)| *position < items.end) {
            if own != NONE_IX {
                kept.returned.push((position - items.start + kept.product.len(), *on));
            }
        }
        if own != NONE_IX {
            kept.product.extend_from_slice(&baskets.product[items]);
            kept.starts.push(kept.product.len());
            kept.customer.push(own);
            kept.day.push(baskets.day[basket]);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{baskets, dataset};
    use super::*;

    #[test]
    fn everybody_is_drawn_where_there_is_room() {
        let mut all = baskets(&[(0, 1, vec![0, 2]), (2, 1, vec![1]), (2, 4, vec![0]), (NONE_IX, 1, vec![2])]);
        all.returned = vec![(1, 3), (3, 9)];
        let ids = dataset(3, 3, Baskets::default()).customer_ids;
        let drawn = draw(&all, &ids, 9);
        assert_eq!((drawn.baskets.customer, drawn.baskets.product), (vec![0, 1, 1], vec![0, 2, 1, 0]));
        assert_eq!((drawn.baskets.returned, drawn.place.len()), (vec![(1, 3), (3, 9)], 2));
    }

    #[test]
    fn a_draw_is_a_fair_share_of_the_ids_and_does_not_depend_on_who_else_is_there() {
        let of = |n: u32, most: usize| {
            let all = baskets(&(0..n).map(|customer| (customer, 1, vec![customer])).collect::<Vec<_>>());
            draw(&all, &dataset(n as usize, n as usize, Baskets::default()).customer_ids, most).baskets.product
        };
        let (large, small) = (of(4_000, 1_000), of(2_000, 1_000));
        assert_eq!(large.len(), 1_000);
        let low = large.iter().filter(|customer| **customer < 2_000).count();
        assert!((420..580).contains(&low), "{low}");
        assert!(large.iter().filter(|customer| **customer < 2_000).all(|customer| small.contains(customer)));
    }
}
