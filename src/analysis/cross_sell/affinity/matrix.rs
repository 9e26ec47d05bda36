//! Baskets as compressed rows of items numbered by support.
//!
//! Item 0 is the one in most baskets, equal ones follow their products; a row holds its items ascending. What is frequent is then a
//! prefix of the numbers and of every row, the counts of frequent items lie side by side, and all that an item meets of more frequent
//! ones stands before it in the row.
//!
//! | name        | shape             | unit                                                     |
//! |-------------|-------------------|----------------------------------------------------------|
//! | rows        | `(n_baskets)`     | items, ascending and distinct                            |
//! | `n`         | `(n_items)`       | baskets that hold the item, falling                      |
//! | `co_volume` | `(n_items)`       | `S_i = Σ (k − 1)` over those baskets of `k` items        |
//!
//! Rows of very many products are left out: of `k` products they hold `k(k − 1)/2` pairs, so that the largest hundredth of the baskets of a
//! wholesaler holds 62% of all pairs, and what stands in one says who bought, not what goes together. Without them nothing that is
//! found rests on one of them, and no product costs more than its lines times `most`.
//!
//! 4 bytes a line and 8 a basket. `O(Σ k ln k)` time, in parallel over baskets.

use rayon::prelude::*;

use super::super::rows::Rows;
use crate::features::Baskets;
use crate::units::NONE_IX;

/// What a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// An order; those of guests count.
    #[default]
    Basket,
    /// All that a customer bought and kept; guests are nobody.
    Customer,
}

impl Unit {
    pub const ALL: [Self; 2] = [Self::Basket, Self::Customer];

    /// Returns the word in the pipeline.
    pub fn label(self) -> &'static str {
        match self {
            Self::Basket => "basket",
            Self::Customer => "customer",
        }
    }
}

/// Baskets of items numbered by support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasketMatrix {
    pub rows: Rows,
    /// Product of each item that is in any basket.
    pub product: Vec<u32>,
    /// Baskets that hold each item.
    pub n: Vec<u32>,
    /// `S_i` of each item.
    pub co_volume: Vec<u64>,
    /// Rows that were too large to count.
    pub n_left_out: usize,
}

impl BasketMatrix {
    /// Numbers the products of rows that hold each of theirs once, in any order.
    pub fn of(mut rows: Rows, n_products: usize) -> Self {
        let mut n_of_product = vec![0_u32; n_products];
        for product in &rows.items {
            n_of_product[*product as usize] += 1;
        }
        let mut product: Vec<u32> = (0..n_products as u32).filter(|ix| n_of_product[*ix as usize] > 0).collect();
        product.sort_by_key(|ix| std::cmp::Reverse(n_of_product[*ix as usize]));
        let mut number = vec![NONE_IX; n_products];
        for (ix, item) in product.iter().zip(0..) {
            number[*ix as usize] = item;
        }
        let Rows { starts, items } = &mut rows;
        let (n_rows, mut left) = (starts.len().saturating_sub(1), items.as_mut_slice());
        let mut of_chunks = Vec::with_capacity(n_rows.div_ceil(ROWS_A_CHUNK));
        for first in (0..n_rows).step_by(ROWS_A_CHUNK) {
            let bounds = &starts[first..=(first + ROWS_A_CHUNK).min(n_rows)];
            let (part, rest) = std::mem::take(&mut left).split_at_mut(bounds[bounds.len() - 1] - bounds[0]);
            of_chunks.push((bounds, part));
            left = rest;
        }
        of_chunks.into_par_iter().for_each(|(bounds, part)| {
            part.iter_mut().for_each(|item| *item = number[*item as usize]);
            for row in bounds.windows(2) {
                part[row[0] - bounds[0]..row[1] - bounds[0]].sort_unstable();
            }
        });
        let n = product.iter().map(|ix| n_of_product[*ix as usize]).collect();
        let co_volume = co_volume(&rows, product.len());
        Self { rows, product, n, co_volume, n_left_out: 0 }
    }

    /// Collects the rows of a base, its baskets, or what each customer bought and kept, but those of more than `most` products.
    pub fn of_base(baskets: &Baskets, n_products: usize, unit: Unit, most: usize) -> Self {
        let rows = match unit {
            Unit::Basket => {
                let starts = if baskets.starts.is_empty() { vec![0] } else { baskets.starts.clone() };
                Rows { starts, items: baskets.product.clone() }
            }
            Unit::Customer => of_customers(baskets),
        };
        let n_rows = rows.n_rows();
        let kept: Vec<usize> = (0..n_rows).filter(|row| rows.row_len(*row) <= most).collect();
        if kept.len() == n_rows {
            return Self::of(rows, n_products);
        }
        let kept_rows = Rows::build(kept.len(), |row, items| items.extend_from_slice(rows.row(kept[row])));
        Self { n_left_out: n_rows - kept.len(), ..Self::of(kept_rows, n_products) }
    }

    /// Returns the number of baskets.
    pub fn n_baskets(&self) -> usize {
        self.rows.n_rows()
    }

    /// Returns the number of items that are in any basket.
    pub fn n_items(&self) -> usize {
        self.n.len()
    }

    /// Returns how many items are in at least `min_count` baskets: the first ones.
    pub fn n_frequent(&self, min_count: u32) -> usize {
        self.n.partition_point(|n| *n >= min_count)
    }

    /// Returns `ΣS`, twice the number of pairs in all baskets.
    pub fn total_co_volume(&self) -> u64 {
        self.co_volume.iter().sum()
    }

    /// Returns the pairs of different items that there could be.
    pub fn n_possible_pairs(&self) -> f64 {
        let n = self.n_items() as f64;
        n * (n - 1.0) / 2.0
    }

    /// Returns `e_ij = S_i·S_j / ΣS`, how often two items would meet in random baskets of the same sizes.
    pub fn expected(&self, a: u32, b: u32) -> f64 {
        let total = self.total_co_volume().max(1) as f64;
        self.co_volume[a as usize] as f64 * self.co_volume[b as usize] as f64 / total
    }

    /// Returns `h = n·Σk(k − 1) / (Σk)²`, the raw lift that unrelated items have on average; nothing without baskets.
    pub fn expected_lift(&self) -> Option<f64> {
        let items = self.rows.items.len() as f64;
        (items > 0.0).then(|| self.n_baskets() as f64 * self.total_co_volume() as f64 / (items * items))
    }
}

const ROWS_A_CHUNK: usize = 16_384;

fn co_volume(rows: &Rows, n_items: usize) -> Vec<u64> {
    let mut volume = vec![0; n_items];
    for bounds in rows.starts.windows(2) {
        let others = (bounds[1] - bounds[0]).saturating_sub(1) as u64;
        for item in &rows.items[bounds[0]..bounds[1]] {
            volume[*item as usize] += others;
        }
    }
    volume
}

/// Returns the distinct products of each customer with a basket; [`Baskets`] stand by customer, guests last.
fn of_customers(baskets: &Baskets) -> Rows {
    let of_guests = baskets.customer.partition_point(|customer| *customer != NONE_IX);
    let mut first: Vec<usize> = (0..of_guests)
        .filter(|basket| *basket == 0 || baskets.customer[*basket] != baskets.customer[basket - 1])
        .collect();
    let n_customers = first.len();
    first.push(of_guests);
    Rows::build(n_customers, |customer, items| {
        items.extend_from_slice(&baskets.product[baskets.starts[first[customer]]..baskets.starts[first[customer + 1]]]);
        items.sort_unstable();
        items.dedup();
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    #[test]
    fn items_are_numbered_by_support_then_product() {
        let base = baskets(&[
            (0, 1, vec![1, 3]),
            (0, 2, vec![1]),
            (2, 1, vec![3]),
            (3, 5, vec![0, 3]),
            (NONE_IX, 1, vec![2, 3]),
        ]);
        let matrix = BasketMatrix::of_base(&base, 6, Unit::Basket, 10);
        assert_eq!(matrix.product, [3, 1, 0, 2]);
        assert_eq!(matrix.n, [4, 2, 1, 1]);
        assert_eq!(matrix.co_volume, [3, 1, 1, 1]);
        assert_eq!(matrix.rows.items, [0, 1, 1, 0, 0, 2, 0, 3]);
        assert_eq!((matrix.n_frequent(1), matrix.n_frequent(2), matrix.n_frequent(5)), (4, 2, 0));
        assert!((matrix.expected(0, 1) - 3.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_customer_is_one_row_and_guests_are_none() {
        let base = baskets(&[(0, 1, vec![1, 3]), (0, 2, vec![1, 2]), (4, 1, vec![3]), (NONE_IX, 1, vec![0, 3])]);
        let matrix = BasketMatrix::of_base(&base, 4, Unit::Customer, 3);
        assert_eq!((matrix.n_baskets(), matrix.n_left_out), (2, 0));
        assert_eq!(matrix.product, [3, 1, 2]);
        assert_eq!((matrix.rows.row(0), matrix.rows.row(1)), (&[0, 1, 2][..], &[0][..]));
        let without = BasketMatrix::of_base(&base, 4, Unit::Customer, 2);
        assert_eq!((without.n_baskets(), without.n_left_out, without.product.as_slice()), (1, 1, &[3][..]));
    }

    #[test]
    fn no_basket_is_an_empty_matrix() {
        for unit in Unit::ALL {
            let matrix = BasketMatrix::of_base(&Baskets::default(), 3, unit, 10);
            assert_eq!((matrix.n_baskets(), matrix.n_items(), matrix.expected_lift()), (0, 0, None));
        }
    }
}
