//! Purchase histories as the models see them, and their compression to distinct ones with counts.
//!
//! | field          | paper | meaning                               | unit |
//! |----------------|-------|---------------------------------------|------|
//! | `n_repeats`    | `x`   | purchase days after the first         | 1    |
//! | `days_to_last` | `t_x` | first to last purchase day            | days |
//! | `age_days`     | `T`   | first purchase day to as-of           | days |
//!
//! Whole days repeat: a million customers over three years have some 400,000 distinct histories, 25,000 distinct `(x, T)`. Compression
//! sorts, `O(n log n)`, 12 bytes a customer, and makes every later sum independent of the order of the customers.

use rayon::prelude::*;

use crate::features::CustomerFeatures;

/// What a purchase model knows of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct History {
    pub n_repeats: u32,
    pub days_to_last: u32,
    pub age_days: u32,
}

impl History {
    /// Orders as the history does, in one comparison.
    fn in_one_number(&self) -> u128 {
        u128::from(self.n_repeats) << 64 | u128::from(self.days_to_last) << 32 | u128::from(self.age_days)
    }
}

/// Distinct histories, ascending, with the number of customers of each.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    /// History and number of customers that have it.
    pub distinct: Vec<(History, u32)>,
    /// Customers in all.
    pub n_customers: u64,
    /// Repeats in all, `Σ x`.
    pub n_repeats: u64,
    /// Customers with at least one repeat.
    pub n_repeaters: u64,
}

/// Reads the history of every customer; customers without a purchase day have none.
pub fn of_customers(now: &CustomerFeatures) -> Vec<Option<History>> {
    let history = |ix: usize| {
        let n_repeats = now.n_purchase_days[ix].checked_sub(1)?;
        let (first, last) = (now.first_day.get(ix)?, now.last_day.get(ix)?);
        Some(History {
            n_repeats,
            days_to_last: u32::try_from(last.checked_sub(first)?).ok()?,
            age_days: u32::try_from(now.as_of.0.checked_sub(first)?).ok()?,
        })
    };
    (0..now.n_purchase_days.len()).into_par_iter().map(history).collect()
}

impl Histories {
    /// Sorts histories and counts equal ones.
    pub fn compress(mut histories: Vec<History>) -> Self {
        histories.par_sort_unstable_by_key(History::in_one_number);
        let mut distinct: Vec<(History, u32)> = Vec::new();
        for history in histories {
            match distinct.last_mut() {
                Some((last, count)) if *last == history => *count += 1,
                _ => distinct.push((history, 1)),
            }
        }
        Self::of_distinct(distinct)
    }

    /// Takes every `step`th distinct history: a base like this one, in which the way to the maximum can be found at little cost.
    pub fn thinned(&self, step: usize) -> Self {
        Self::of_distinct(self.distinct.iter().step_by(step.max(1)).copied().collect())
    }

    fn of_distinct(distinct: Vec<(History, u32)>) -> Self {
        let count = |of: fn(&History) -> u64| distinct.iter().map(|(h, n)| of(h) * u64::from(*n)).sum();
        Self {
            n_customers: count(|_| 1),
            n_repeats: count(|h| u64::from(h.n_repeats)),
            n_repeaters: count(|h| u64::from(h.n_repeats > 0)),
            distinct,
        }
    }

    /// Returns the distinct pairs of repeats and age in days, ascending.
    pub fn cells(&self) -> Vec<(u32, u32)> {
        let mut cells: Vec<(u32, u32)> = self.distinct.iter().map(|(h, _)| (h.n_repeats, h.age_days)).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Day;

    fn history(n_repeats: u32, days_to_last: u32, age_days: u32) -> History {
        History { n_repeats, days_to_last, age_days }
    }

    #[test]
    fn equal_histories_are_counted_whatever_their_order() {
        let sorted = [(history(0, 0, 5), 1), (history(1, 3, 5), 2), (history(1, 4, 9), 1)];
        for rotation in 0..4 {
            let mut rows = vec![history(1, 3, 5), history(1, 4, 9), history(0, 0, 5), history(1, 3, 5)];
            rows.rotate_left(rotation);
            let compressed = Histories::compress(rows);
            assert_eq!(compressed.distinct, sorted);
            assert_eq!((compressed.n_customers, compressed.n_repeats, compressed.n_repeaters), (4, 3, 3));
            assert_eq!(compressed.cells(), [(0, 5), (1, 5), (1, 9)]);
        }
    }

    #[test]
    fn a_thinned_base_keeps_every_other_history_with_its_count() {
        let rows = [vec![history(0, 0, 5); 3], vec![history(1, 3, 5)], vec![history(4, 4, 9); 2]].concat();
        let thinned = Histories::compress(rows).thinned(2);
        assert_eq!(thinned.distinct, [(history(0, 0, 5), 3), (history(4, 4, 9), 2)]);
        assert_eq!((thinned.n_customers, thinned.n_repeats, thinned.n_repeaters), (5, 8, 2));
    }

    #[test]
    fn a_customer_without_purchase_day_has_no_history() {
        let now = CustomerFeatures {
            as_of: Day(100),
            n_purchase_days: vec![3, 0, 1],
            first_day: [Some(40), None, Some(100)].into_iter().collect(),
            last_day: [Some(90), None, Some(100)].into_iter().collect(),
            n_orders: vec![3, 0, 1],
            gross_revenue: vec![0; 3],
            revenue: vec![0; 3],
            margin: vec![None; 3].into_iter().collect(),
            repeat_revenue: vec![0; 3],
        };
        assert_eq!(of_customers(&now), [Some(history(2, 50, 60)), None, Some(history(0, 0, 0))]);
    }
}
