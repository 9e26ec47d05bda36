//! Contact pressure: how often a customer may be contacted, and when not at all.
//!
//! | rule           | a customer is left alone                                                        | counted from                     |
//! |----------------|---------------------------------------------------------------------------------|----------------------------------|
//! | frequency cap  | with `n` contacts on different days within the window                            | the contact log, complaints aside; last night of a control group |
//! | quiet period   | for a time after a complaint, and after goods came back                          | the contact log, returns         |
//!
//! Windows begin so long before as-of: the 7 days of a Sunday are those from Monday on. What the log has after as-of counts as well: the file goes out after it, whatever day
//! the last order is of. A control group counts as contacted on the last night on which it would have been. Otherwise the next campaign would go to the
//! control group of this one and not to its contacts, and the two would differ by more than the lot.

use super::assignments::{Arm, Assignments};
use crate::features::Dataset;
use crate::table::{Contacts, Ids};
use crate::units::{Day, NONE_IX, Period};

/// What the pipeline allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Contacts at most, and the time they are counted in.
    pub cap: Option<(u32, Period)>,
    /// Time after a complaint or a return in which nobody is contacted.
    pub quiet: Option<Period>,
}

/// Why a customer is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    FrequencyCap,
    QuietAfterComplaint,
    QuietAfterReturn,
}

/// Contacts and returns as far as the limits look back.
#[derive(Debug)]
pub struct History<'a> {
    contacts: &'a Contacts,
    /// Day of the last return by customer, or `i32::MIN`; empty without a quiet period.
    last_return: Vec<i32>,
    /// Days on which control groups would have been contacted, by customer of the base, ascending.
    not_contacted: Vec<(u32, i32)>,
    cap: Option<(u32, i32)>,
    quiet_from: Option<i32>,
}

impl<'a> History<'a> {
    /// Looks returns up once for all campaigns.
    pub fn of(data: &'a Dataset, limits: &Limits) -> Self {
        let as_of = data.as_of.0;
        let from = |period: Period| period.start_before(data.as_of).0 + 1;
        let mut last_return = Vec::new();
        if limits.quiet.is_some() {
            last_return = vec![i32::MIN; data.n_customers()];
            let mut basket = 0;
            for (position, on) in data.baskets.returned.iter().filter(|(_, on)| *on <= as_of) {
                while data.baskets.starts[basket + 1] <= *position {
                    basket += 1;
                }
                let customer = data.baskets.customer[basket];
                if customer != NONE_IX {
                    let last = &mut last_return[customer as usize];
                    *last = (*last).max(*on);
                }
            }
        }
        Self {
            contacts: &data.contacts,
            last_return,
            not_contacted: Vec::new(),
            cap: limits.cap.map(|(n, within)| (n, from(within))),
            quiet_from: limits.quiet.map(from),
        }
    }

    /// Counts control groups of these campaigns as contacted, where a log counts the contacts.
    #[must_use]
    pub fn and_control_groups<'c>(
        mut self,
        base: &Ids,
        campaigns: impl Iterator<Item = &'c Assignments>,
        as_of: Day,
    ) -> Self {
        let Some((_, from)) = self.cap.filter(|_| !self.contacts.day.is_empty()) else { return self };
        for campaign in campaigns {
            // A night that is run again has not contacted its contacts yet, either.
            let is_recent = |last: Day| last.0 >= from && last != as_of;
            let kept = campaign.iter().filter(|(_, it)| it.arm == Arm::Control && is_recent(it.last));
            self.not_contacted.extend(kept.filter_map(|(id, it)| Some((base.position(id)?, it.last.0))));
        }
        self.not_contacted.sort_unstable();
        self
    }

    /// Says whether anybody may be left alone.
    pub fn limits_some(&self) -> bool {
        self.cap.is_some() || self.quiet_from.is_some()
    }

    /// Tells why a customer of the base is left alone; a complaint weighs more than a return, and that more than a full window.
    pub fn of_customer(&self, customer: usize) -> Option<Pressure> {
        let rows = match self.contacts.starts.get(customer..customer + 2) {
            Some(&[from, to]) => from..to,
            _ => 0..0,
        };
        let recent = |from: i32, is_complaint: bool| {
            let days = rows.clone().filter(move |row| {
                let day = self.contacts.day[*row];
                self.contacts.is_complaint[*row] == is_complaint && day >= from
            });
            days.map(|row| self.contacts.day[row])
        };
        if let Some(from) = self.quiet_from {
            if recent(from, true).next().is_some() {
                return Some(Pressure::QuietAfterComplaint);
            }
            if self.last_return.get(customer).is_some_and(|day| *day >= from) {
                return Some(Pressure::QuietAfterReturn);
            }
        }
        let (n, from) = self.cap?;
        let mut days: Vec<i32> = recent(from, false).collect();
        let own = self.not_contacted.partition_point(|(other, _)| (*other as usize) < customer);
        let own = self.not_contacted[own..].iter().take_while(|(other, _)| *other as usize == customer);
        days.extend(own.map(|(_, day)| *day));
        days.sort_unstable();
        days.dedup();
        (days.len() >= n as usize).then_some(Pressure::FrequencyCap)
    }
}

#[cfg(test)]
mod tests {
    use super::super::assignments::Assignment;
    use super::*;
    use crate::features::Baskets;

    #[test]
    fn contacts_complaints_and_returns_are_counted_back_from_as_of() {
        let mut data = Dataset {
            as_of: Day(100),
            baskets: Baskets {
                starts: vec![0, 1, 2],
                product: vec![0, 0],
                customer: vec![2, NONE_IX],
                day: vec![50, 60],
                returned: vec![(0, 91), (1, 99)],
            },
            ..Dataset::default()
        };
        data.customer_ids = crate::table::Ids::from_sorted(["a", "b", "c", "d"]);
        data.contacts = Contacts {
            starts: vec![0, 3, 6, 6, 8],
            // Two contacts of one day are one day; what lies after as-of counts.
            day: vec![70, 95, 95, 88, 93, 101, 90, 92],
            is_complaint: vec![false, false, false, false, false, false, false, true],
        };
        let limits = Limits { cap: Some((2, Period::Days(12))), quiet: Some(Period::Days(10)) };
        let history = History::of(&data, &limits);
        let found: Vec<Option<Pressure>> = (0..4).map(|customer| history.of_customer(customer)).collect();
        assert_eq!(
            found,
            [None, Some(Pressure::FrequencyCap), Some(Pressure::QuietAfterReturn), Some(Pressure::QuietAfterComplaint)]
        );
        // `a` was contacted on one day, and on another would have been but for the lot.
        let kept = |arm, on| Assignments::of([("a", Assignment { arm, on: Day(10), share: 0.1, last: Day(on) })]);
        for (arm, on, expected) in [
            (Arm::Control, 97, Some(Pressure::FrequencyCap)),
            (Arm::Control, 95, None),
            (Arm::Control, 100, None),
            (Arm::Control, 80, None),
            (Arm::Contact, 97, None),
        ] {
            let history = History::of(&data, &limits).and_control_groups(
                &data.customer_ids,
                [&kept(arm, on)].into_iter(),
                data.as_of,
            );
            assert_eq!(history.of_customer(0), expected, "{arm:?} {on}");
        }
        assert!((0..4).all(|customer| History::of(&data, &Limits::default()).of_customer(customer).is_none()));
    }
}
