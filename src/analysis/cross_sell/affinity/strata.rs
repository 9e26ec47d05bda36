//! Baskets of one customer in one season, as strata: what is compared within them differs neither by customer nor by time of year.
//!
//! A stratum holds the baskets that one customer bought within [`SEASON_DAYS`] days, counted in blocks from day 0. Two baskets are needed to compare
//! anything, so smaller strata are left out, and so are guests. Where no basket has a customer, all baskets are one stratum.
//!
//! | name     | shape          | unit                                          |
//! |----------|----------------|-----------------------------------------------|
//! | `rows`   | `(n_baskets)`  | products, ascending and distinct              |
//! | `starts` | `(n_strata + 1)` | first row of each stratum                   |
//!
//! 4 bytes a line and 8 a basket.

use super::super::rows::Rows;
use crate::features::Baskets;
use crate::units::NONE_IX;

/// Days of a season: what is sold in December and what is sold in July do not stand in for each other.
pub const SEASON_DAYS: i32 = 91;

/// Baskets by stratum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strata {
    pub rows: Rows,
    pub starts: Vec<usize>,
}

impl Strata {
    /// Collects the baskets of up to `most` products.
    pub fn of(baskets: &Baskets, most: usize) -> Self {
        let of_guests = baskets.customer.partition_point(|customer| *customer != NONE_IX);
        let counts = |basket: &usize| baskets.starts[basket + 1] - baskets.starts[*basket] <= most;
        let (mut chosen, mut starts) = (Vec::new(), vec![0]);
        if of_guests == 0 {
            chosen.extend((0..baskets.len()).filter(counts));
            starts.push(chosen.len());
        }
        // Baskets stand by customer, then day.
        let season = |basket: usize| (baskets.customer[basket], baskets.day[basket].div_euclid(SEASON_DAYS));
        let mut first = 0;
        while first < of_guests {
            let mut next = first + 1;
            while next < of_guests && season(next) == season(first) {
                next += 1;
            }
            chosen.extend((first..next).filter(counts));
            if chosen.len() - starts[starts.len() - 1] > 1 {
                starts.push(chosen.len());
            } else {
                chosen.truncate(starts[starts.len() - 1]);
            }
            first = next;
        }
        let rows = Rows::build(chosen.len(), |row, items| {
            items.extend_from_slice(&baskets.product[baskets.starts[chosen[row]]..baskets.starts[chosen[row] + 1]]);
        });
        Self { rows, starts }
    }

    /// Returns the same strata with other rows.
    pub fn with(&self, rows: Rows) -> Self {
        Self { rows, starts: self.starts.clone() }
    }

    /// Returns the rows of a stratum.
    pub fn rows_of(&self, stratum: usize) -> std::ops::Range<usize> {
        self.starts[stratum]..self.starts[stratum + 1]
    }

    /// Returns the number of strata.
    pub fn n_strata(&self) -> usize {
        self.starts.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::baskets;
    use super::*;

    #[test]
    fn a_stratum_is_a_customer_in_a_season() {
        let base = baskets(&[
            (0, 1, vec![1]),
            (0, 5, vec![2]),
            (0, 90, vec![0, 1, 2]),
            (0, 200, vec![1]),
            (1, 300, vec![3]),
            (1, 301, vec![3]),
            (NONE_IX, 300, vec![1]),
            (NONE_IX, 301, vec![1]),
        ]);
        let strata = Strata::of(&base, 5);
        assert_eq!((strata.n_strata(), strata.starts.as_slice()), (2, &[0, 3, 5][..]));
        assert_eq!(strata.rows.row(4), [3]);
        // A basket that is too large leaves its stratum, and what is left of it may be one basket.
        assert_eq!(Strata::of(&base, 2).starts, [0, 2, 4]);
        let guests = Strata::of(&baskets(&[(NONE_IX, 3, vec![0, 1]), (NONE_IX, 900, vec![1])]), 5);
        assert_eq!(guests.starts, [0, 2]);
        assert_eq!(Strata::of(&Baskets::default(), 5).rows.n_rows(), 0);
    }
}
