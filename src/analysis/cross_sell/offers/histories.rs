//! What each customer bought and kept, as compressed rows of products numbered by popularity.
//!
//! Products are renumbered by falling number of the customers' orders that hold them, equal ones by position: rank 0 is the best-seller. A
//! smaller rank is then the answer to every tie, the list of ranks is the list of best-sellers, and the counts of what is bought
//! most lie side by side in the cache.

use rayon::prelude::*;

use super::super::rows::Rows;
use crate::features::Baskets;
use crate::units::{NONE_IX, ProductIx};

/// Latest distinct products of a customer that similarities are learnt and offers are made from; a reseller owns everything.
pub const MAX_HISTORY: usize = 200;

/// What customers own, by rank of popularity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histories {
    /// Distinct products of each customer, ascending ranks.
    pub owned: Rows,
    /// The same with the latest [`MAX_HISTORY`] only, where any customer owns more.
    latest: Option<Rows>,
    /// The product of each rank.
    pub product: Vec<ProductIx>,
    /// The rank of each product.
    pub rank: Vec<u32>,
    /// Customers who own the product of each rank.
    pub n_owners: Vec<u32>,
    /// Position of each customer's first basket, and one past the last.
    first_basket: Vec<usize>,
    /// Ranks below this one are owned by somebody.
    pub n_bought: usize,
    /// Customers who own more than [`MAX_HISTORY`] products.
    pub n_capped: usize,
}

impl Histories {
    /// Collects the products of every customer's baskets; those of guests are nobody's.
    ///
    /// Expects baskets by customer, then day, as [`Baskets`] promises.
    pub fn of(baskets: &Baskets, n_customers: usize, n_products: usize) -> Self {
        let first_basket = first_baskets(baskets, n_customers);
        let items_of = |customer: usize| {
            let (from, to) = (first_basket[customer], first_basket[customer + 1]);
            if from == to { &[] } else { &baskets.product[baskets.starts[from]..baskets.starts[to]] }
        };
        let (n_owners, n_orders) = count_owners_and_orders(n_customers, n_products, items_of);
        let mut product: Vec<ProductIx> = (0..n_products as u32).collect();
        product.sort_by_key(|ix| std::cmp::Reverse(n_orders[*ix as usize]));
        let mut rank = vec![0_u32; n_products];
        for (ix, of_rank) in product.iter().zip(0..) {
            rank[*ix as usize] = of_rank;
        }
        let owned = Rows::build(n_customers, |customer, items| {
            items.extend(items_of(customer).iter().map(|ix| rank[*ix as usize]));
            items.sort_unstable();
            items.dedup();
        });

        let n_capped = (0..n_customers).filter(|customer| owned.row_len(*customer) > MAX_HISTORY).count();
        let latest = (n_capped > 0).then(|| {
            Rows::build(n_customers, |customer, items| {
                if owned.row_len(customer) <= MAX_HISTORY {
                    items.extend_from_slice(owned.row(customer));
                } else {
                    latest_items(baskets, first_basket[customer]..first_basket[customer + 1], &rank, items);
                }
            })
        });
        let n_bought = n_owners.iter().filter(|n| **n > 0).count();
        let n_owners = product.iter().map(|ix| n_owners[*ix as usize]).collect();
        Self { owned, latest, product, rank, n_owners, first_basket, n_bought, n_capped }
    }

    /// Returns the positions of a customer's baskets.
    pub fn baskets_of(&self, customer: usize) -> std::ops::Range<usize> {
        self.first_basket[customer]..self.first_basket[customer + 1]
    }

    /// Returns what similarities are learnt and offers are made from.
    pub fn recent(&self) -> &Rows {
        self.latest.as_ref().unwrap_or(&self.owned)
    }
}

/// Counts the customers who own each product, and their orders that hold it.
fn count_owners_and_orders<'a>(
    n_customers: usize,
    n_products: usize,
    items_of: impl Fn(usize) -> &'a [u32] + Sync,
) -> (Vec<u32>, Vec<u32>) {
    const CUSTOMERS_A_CHUNK: usize = 65_536;
    let zeros = || (vec![0_u32; n_products], vec![0_u32; n_products]);
    let count = |((mut n_owners, mut n_orders), mut latest_owner): ((Vec<u32>, Vec<u32>), Vec<usize>),
                 customer: usize| {
        for product in items_of(customer) {
            let product = *product as usize;
            n_orders[product] += 1;
            n_owners[product] += u32::from(latest_owner[product] != customer);
            latest_owner[product] = customer;
        }
        ((n_owners, n_orders), latest_owner)
    };
    let add = |sum: &mut Vec<u32>, part: Vec<u32>| sum.iter_mut().zip(part).for_each(|(sum, n)| *sum += n);
    (0..n_customers)
        .into_par_iter()
        .with_min_len(CUSTOMERS_A_CHUNK)
        .fold(|| (zeros(), vec![usize::MAX; n_products]), count)
        .map(|(counts, _)| counts)
        .reduce(zeros, |mut sum, part| {
            add(&mut sum.0, part.0);
            add(&mut sum.1, part.1);
            sum
        })
}

/// Returns, for each customer and one more, the position of the first basket that is not of an earlier one.
fn first_baskets(baskets: &Baskets, n_customers: usize) -> Vec<usize> {
    let mut first = vec![0; n_customers + 1];
    for customer in baskets.customer.iter().filter(|customer| **customer != NONE_IX) {
        first[*customer as usize + 1] += 1;
    }
    for customer in 0..n_customers {
        first[customer + 1] += first[customer];
    }
    first
}

/// Appends the ranks of the latest distinct products, ascending; of equally late ones the more popular.
fn latest_items(baskets: &Baskets, of_customer: std::ops::Range<usize>, rank: &[u32], items: &mut Vec<u32>) {
    let mut bought: Vec<(u32, i32)> = of_customer
        .flat_map(|basket| {
            let products = &baskets.product[baskets.starts[basket]..baskets.starts[basket + 1]];
            products.iter().map(move |ix| (rank[*ix as usize], baskets.day[basket]))
        })
        .collect();
    bought.sort_unstable_by_key(|(rank, day)| (*rank, std::cmp::Reverse(*day)));
    bought.dedup_by_key(|(rank, _)| *rank);
    bought.sort_by_key(|(_, day)| std::cmp::Reverse(*day));
    items.extend(bought.iter().take(MAX_HISTORY).map(|(rank, _)| *rank));
    items.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    #[test]
    fn products_are_numbered_by_their_orders() {
        let baskets =
            baskets(&[(0, 1, vec![1, 3]), (0, 2, vec![1]), (2, 1, vec![3]), (3, 5, vec![0, 3]), (NONE_IX, 1, vec![2])]);
        let histories = Histories::of(&baskets, 4, 4);
        assert_eq!((&histories.product[..], &histories.rank[..]), (&[3, 1, 0, 2][..], &[2, 1, 3, 0][..]));
        assert_eq!((histories.n_bought, &histories.n_owners[..]), (3, &[3, 1, 1, 0][..]));
        let owned: Vec<_> = (0..4).map(|customer| histories.owned.row(customer).to_vec()).collect();
        assert_eq!(owned, [vec![0, 1], vec![], vec![0], vec![0, 2]]);
        assert_eq!(histories.recent(), &histories.owned);
    }

    #[test]
    fn a_long_history_keeps_what_was_bought_last() {
        // Day 1 brings 0 to 149, day 2 brings 100 to 249: 250 in all, of which day 2 is kept and the 50 most popular of day 1.
        let days = [(0, 1, (0..150).collect()), (0, 2, (100..250).collect()), (1, 1, vec![7])];
        let histories = Histories::of(&baskets(&days), 2, 300);
        assert_eq!(histories.n_capped, 1);
        assert_eq!(histories.owned.row_len(0), 250);
        let mut kept: Vec<u32> =
            histories.recent().row(0).iter().map(|rank| histories.product[*rank as usize]).collect();
        kept.sort_unstable();
        assert_eq!(kept, (0..50).chain(100..250).collect::<Vec<_>>());
        assert_eq!(histories.recent().row(1), histories.owned.row(1));
    }
}
