//! The base cut in two: what the models may learn from, and what became of the customers after it.
//!
//! With `L` days from the first purchase day of the data to as-of, both included, the holdout is the last `min(horizon, L/2)` days: as long as what the
//! models are asked for, but never more than what they learn from. A customer is in it whose first purchase lies before the cut. Seen from the cut
//! a return exists only from its own date on; what was bought in the holdout is what was kept as of as-of.
//!
//! Large bases are read by a part: every `n`th customer by id, so that [`MOST_CUSTOMERS`] are left at most. The order of the lines does not
//! matter. `O(purchase days)` of those customers.

use rayon::prelude::*;

use super::histories::{Histories, History};
use super::models::Statistics;
use super::opportunities::{Opportunities, Opportunity};
use crate::features::PurchaseDays;
use crate::units::Day;

/// A holdout shorter than this says nothing.
pub const MIN_DAYS: u32 = 28;

/// Customers who must have been there before the cut, and purchase days that the holdout must hold.
pub const MIN_CUSTOMERS: usize = 50;

/// Customers at most: more of them change no choice.
pub const MOST_CUSTOMERS: usize = 100_000;

/// A customer at the cut and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    pub history: History,
    /// Purchase days in the last days before the cut, as many days as the holdout has.
    pub n_lately: u32,
    /// Purchase days in the holdout.
    pub n_after: u32,
}

/// A base cut in two; days are numbers of opportunities where it counts those.
#[derive(Debug, Clone)]
pub struct Split {
    /// What is counted, unless it is days.
    pub opportunity: Option<Opportunity>,
    /// Last day of calibration.
    pub cut: Day,
    /// Days of the holdout.
    pub days: u32,
    pub calibration: Statistics,
    /// Distinct observations, ascending, with the number of customers of each.
    pub observations: Vec<(Observation, u32)>,
    /// First purchase days and how many of these customers started on each, ascending.
    pub starts: Vec<(i32, u32)>,
    /// Days of all repeats, those of the holdout included, and how many on each, ascending.
    pub repeats: Vec<(i32, u64)>,
    pub n_customers: u64,
    /// One in so many customers was read.
    pub one_in: usize,
}

/// Some customers of a split.
#[derive(Debug, Clone)]
pub struct Part {
    pub calibration: Statistics,
    /// Distinct observations, ascending, with the number of customers of each.
    pub observations: Vec<(Observation, u32)>,
}

/// One customer, read.
struct Read {
    observation: Observation,
    first: i32,
    repeats: Vec<i32>,
    gaps: Vec<u32>,
}

impl Split {
    /// Cuts a base; nothing where it is too short or too small.
    pub fn of(days: &PurchaseDays, as_of: Day, horizon_days: u32) -> Option<Self> {
        Self::of_at_least(MIN_DAYS, days, as_of, horizon_days)
    }

    /// Cuts a base whose complete opportunities are counted; one of them is enough for a holdout.
    pub fn of_opportunities(days: &PurchaseDays, opportunities: &Opportunities, horizon: u32) -> Option<Self> {
        let days = opportunities.purchase_days(days);
        let split = Self::of_at_least(1, &days, Day(opportunities.last()), horizon)?;
        Some(Self { opportunity: Some(opportunities.each), ..split })
    }

    /// Returns the day of the calendar on which a day, or opportunity, ends.
    pub fn calendar_day(&self, day: i32) -> Day {
        self.opportunity.map_or(Day(day), |each| each.end(day))
    }

    /// Returns the days of the calendar in the holdout.
    pub fn calendar_days(&self) -> u32 {
        let end = self.cut.0.saturating_add_unsigned(self.days);
        self.calendar_day(end).0.abs_diff(self.calendar_day(self.cut.0).0)
    }

    fn of_at_least(min_days: u32, days: &PurchaseDays, as_of: Day, horizon_days: u32) -> Option<Self> {
        let first = days.day.iter().min()?;
        let history = u32::try_from(as_of.0.checked_sub(*first)?).ok()?;
        let n_days = horizon_days.min(history.div_ceil(2));
        if n_days < min_days {
            return None;
        }
        let cut = Day(as_of.0 - n_days as i32);
        let n = days.starts.len().saturating_sub(1);
        let one_in = n.div_ceil(MOST_CUSTOMERS).max(1);
        let chosen: Vec<usize> = (0..n).step_by(one_in).collect();
        let read: Vec<Read> =
            chosen.into_par_iter().filter_map(|customer| read(days, customer, cut.0, as_of.0)).collect();
        let n_after: u64 = read.iter().map(|read| u64::from(read.observation.n_after)).sum();
        if read.len() < MIN_CUSTOMERS || n_after < MIN_CUSTOMERS as u64 {
            return None;
        }
        let histories = Histories::compress(read.iter().map(|read| read.observation.history).collect());
        let gaps = counted(read.iter().flat_map(|read| read.gaps.iter().copied()).collect());
        Some(Self {
            opportunity: None,
            cut,
            days: n_days,
            calibration: Statistics { histories, gaps },
            observations: counted(read.iter().map(|read| read.observation).collect())
                .into_iter()
                .map(|(observation, n)| (observation, n as u32))
                .collect(),
            starts: counted(read.iter().map(|read| read.first).collect())
                .into_iter()
                .map(|(day, n)| (day, n as u32))
                .collect(),
            repeats: counted(read.iter().flat_map(|read| read.repeats.iter().copied()).collect()),
            n_customers: read.len() as u64,
            one_in,
        })
    }
}

impl Split {
    /// Cuts the customers of this split apart by their group; who has none stands in a last part.
    pub fn by_group(&self, days: &PurchaseDays, as_of: Day, group_of: &[u32], n_groups: usize) -> Vec<Part> {
        let n = days.starts.len().saturating_sub(1);
        let chosen: Vec<usize> = (0..n).step_by(self.one_in).collect();
        let group = |customer: usize| (group_of[customer] as usize).min(n_groups);
        let read = |customer: usize| Some((group(customer), read(days, customer, self.cut.0, as_of.0)?));
        let mut by_group: Vec<Vec<Read>> = (0..=n_groups).map(|_| Vec::new()).collect();
        let read: Vec<(usize, Read)> = chosen.into_par_iter().filter_map(read).collect();
        read.into_iter().for_each(|(group, read)| by_group[group].push(read));
        let part = |read: Vec<Read>| Part {
            calibration: Statistics {
                histories: Histories::compress(read.iter().map(|read| read.observation.history).collect()),
                gaps: counted(read.iter().flat_map(|read| read.gaps.iter().copied()).collect()),
            },
            observations: counted(read.iter().map(|read| read.observation).collect())
                .into_iter()
                .map(|(observation, n)| (observation, n as u32))
                .collect(),
        };
        by_group.into_iter().map(part).collect()
    }
}

fn read(days: &PurchaseDays, customer: usize, cut: i32, as_of: i32) -> Option<Read> {
    let holdout = as_of - cut;
    let (mut before, mut repeats): (Vec<i32>, Vec<i32>) = (Vec::new(), Vec::new());
    let mut n_after = 0;
    for ix in days.starts[customer]..days.starts[customer + 1] {
        let (day, gone_on) = (days.day[ix], days.gone_on[ix]);
        if day <= cut && gone_on > cut {
            before.push(day);
        } else if day > cut && day <= as_of && gone_on > as_of {
            n_after += 1;
            repeats.push(day);
        }
    }
    let (first, last) = (*before.first()?, *before.last()?);
    repeats.extend(&before[1..]);
    let history = History {
        n_repeats: before.len() as u32 - 1,
        days_to_last: last.abs_diff(first),
        age_days: cut.abs_diff(first),
    };
    let n_lately = before.iter().filter(|day| **day > cut - holdout).count() as u32;
    let gaps = before.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
    Some(Read { observation: Observation { history, n_lately, n_after }, first, repeats, gaps })
}

/// Sorts and counts.
fn counted<T: Ord + Copy + Send>(mut values: Vec<T>) -> Vec<(T, u64)> {
    values.par_sort_unstable();
    values.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64)).collect()
}

/// Days from one purchase day to the next of all customers, and how often, as of a day.
pub fn gaps(days: &PurchaseDays, as_of: Day) -> Vec<(u32, u64)> {
    let n = days.starts.len().saturating_sub(1);
    counted((0..n).into_par_iter().flat_map_iter(|customer| gaps_of(days, as_of, customer)).collect())
}

/// The same for each group of customers.
pub fn gaps_by_group(days: &PurchaseDays, as_of: Day, group_of: &[u32], n_groups: usize) -> Vec<Vec<(u32, u64)>> {
    let of_customer = |customer: usize| gaps_of(days, as_of, customer).map(move |gap| (group_of[customer], gap));
    let all = counted((0..group_of.len()).into_par_iter().flat_map_iter(of_customer).collect());
    let mut by_group = vec![Vec::new(); n_groups];
    for ((group, gap), n) in all {
        if let Some(of_group) = by_group.get_mut(group as usize) {
            of_group.push((gap, n));
        }
    }
    by_group
}

fn gaps_of(days: &PurchaseDays, as_of: Day, customer: usize) -> impl Iterator<Item = u32> + '_ {
    let row = days.starts[customer]..days.starts[customer + 1];
    let kept = row.filter(move |ix| days.day[*ix] <= as_of.0 && days.gone_on[*ix] > as_of.0);
    let kept = kept.map(move |ix| days.day[ix]);
    kept.clone().zip(kept.skip(1)).map(|(one, next)| next.abs_diff(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::NEVER;

    /// Customers by their purchase days, and the day on which each was given back.
    fn base(customers: &[&[(i32, i32)]]) -> PurchaseDays {
        let mut days = PurchaseDays { starts: vec![0], ..PurchaseDays::default() };
        for customer in customers {
            days.day.extend(customer.iter().map(|(day, _)| *day));
            days.gone_on.extend(customer.iter().map(|(_, gone)| *gone));
            days.starts.push(days.day.len());
        }
        days
    }

    #[test]
    fn what_was_known_at_the_cut_is_told_from_what_came_after() {
        let buys: &[(i32, i32)] = &[(0, NEVER), (40, NEVER), (60, NEVER), (110, NEVER)];
        // The second day was given back in the holdout: the cut does not know, as-of does. The last one is no purchase at all.
        let returns: &[(i32, i32)] = &[(10, NEVER), (50, 120), (130, 140)];
        let late: &[(i32, i32)] = &[(101, NEVER)];
        let mut customers = vec![buys; 60];
        customers.extend(vec![returns; 20]);
        customers.push(late);
        let split = Split::of(&base(&customers), Day(200), 100).unwrap();
        assert_eq!((split.cut, split.days, split.n_customers, split.one_in), (Day(100), 100, 80, 1));
        let of = |n_repeats, days_to_last, age_days| History { n_repeats, days_to_last, age_days };
        assert_eq!(
            split.observations,
            [
                (Observation { history: of(1, 40, 90), n_lately: 2, n_after: 0 }, 20),
                (Observation { history: of(2, 60, 100), n_lately: 2, n_after: 1 }, 60),
            ]
        );
        assert_eq!(split.calibration.gaps, [(20, 60), (40, 80)]);
        assert_eq!(split.starts, [(0, 60), (10, 20)]);
        assert_eq!(split.repeats, [(40, 60), (50, 20), (60, 60), (110, 60)]);
        assert_eq!(gaps(&base(&[buys, returns, late]), Day(200)), [(20, 1), (40, 1), (50, 1)]);
        let by_group = gaps_by_group(&base(&[buys, returns, late, buys]), Day(200), &[1, 0, 0, u32::MAX], 2);
        assert_eq!(by_group, [vec![], vec![(20, 1), (40, 1), (50, 1)]]);
    }

    #[test]
    fn parts_are_the_split_apart() {
        let often: &[(i32, i32)] = &[(0, NEVER), (40, NEVER), (60, NEVER), (110, NEVER)];
        let once: &[(i32, i32)] = &[(10, NEVER), (130, NEVER)];
        let data = base(&[vec![often; 60], vec![once; 40]].concat());
        let split = Split::of(&data, Day(200), 100).unwrap();
        // Every other customer of the first kind is in no group.
        let group_of: Vec<u32> = (0..100).map(|ix| if ix >= 60 { 0 } else { [1, u32::MAX][ix % 2] }).collect();
        let parts = split.by_group(&data, Day(200), &group_of, 2);
        let sizes: Vec<u64> = parts.iter().map(|part| part.calibration.histories.n_customers).collect();
        assert_eq!(sizes, [40, 30, 30]);
        assert_eq!(parts[1].calibration.gaps, [(20, 30), (40, 30)]);
        let mut all: Vec<_> = parts[..2].iter().flat_map(|part| part.observations.clone()).collect();
        all.sort_unstable();
        assert_eq!(
            all.iter().map(|(one, _)| *one).collect::<Vec<_>>(),
            split.observations.iter().map(|(one, _)| *one).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_short_or_small_base_is_not_cut() {
        let buys: &[(i32, i32)] = &[(0, NEVER), (40, NEVER), (60, NEVER), (110, NEVER)];
        assert!(Split::of(&base(&vec![buys; 60]), Day(200), 27).is_none());
        assert!(Split::of(&base(&[buys; 20]), Day(200), 100).is_none());
        assert!(Split::of(&base(&[]), Day(200), 100).is_none());
        // Half of the history is the most.
        assert_eq!(Split::of(&base(&vec![buys; 60]), Day(150), 365).unwrap().days, 75);
    }
}
