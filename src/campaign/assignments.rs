//! Who is in which arm of a campaign, since when, and how many were ever drawn.
//!
//! Customers stand in ascending order in one arena: ten million of them take 16 bytes each beside their ids. Who was drawn and is gone,
//! because of an objection or an erasure, is no longer among them; the number of all who were drawn into an arm stays, so that
//! `measure` can tell how many have left it.

use std::collections::BTreeMap;

use crate::table::Ids;
use crate::units::Day;

/// What a customer of a campaign gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arm {
    Contact,
    Control,
}

impl Arm {
    /// Returns the word in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Control => "control",
        }
    }

    /// Returns the arm of a word in a table.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Contact, Self::Control].into_iter().find(|arm| arm.label() == word)
    }
}

/// When and how a customer came into an arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    pub arm: Arm,
    /// As-of of the run that drew.
    pub on: Day,
    /// Share of the control group at that draw.
    pub share: f64,
    /// As-of of the last run that contacted the customer, or would have without the lot.
    pub last: Day,
}

/// An arm with the share of its control group in millionths.
pub type Plan = (Arm, u32);

impl Assignment {
    /// Returns what the customer was drawn by.
    pub fn plan(&self) -> Plan {
        (self.arm, (self.share * 1e6).round() as u32)
    }
}

/// Assignments of one campaign by customer id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assignments {
    ids: Ids,
    assignments: Vec<Assignment>,
    /// Everybody who was ever drawn.
    n_drawn: BTreeMap<Plan, u64>,
}

impl Assignments {
    /// Keeps assignments of distinct customers, in any order, nobody of whom has left.
    pub fn of<'a>(drawn: impl IntoIterator<Item = (&'a str, Assignment)>) -> Self {
        let mut drawn: Vec<(&str, Assignment)> = drawn.into_iter().collect();
        drawn.sort_unstable_by_key(|(id, _)| *id);
        Self::from_sorted(drawn, BTreeMap::new())
    }

    /// Keeps assignments of distinct customers in ascending order; `n_drawn` are those who were ever drawn, where it is known.
    pub fn from_sorted<'a>(
        rows: impl IntoIterator<Item = (&'a str, Assignment)>,
        mut n_drawn: BTreeMap<Plan, u64>,
    ) -> Self {
        let mut assignments = Vec::new();
        let ids = Ids::from_sorted(rows.into_iter().map(|(id, assignment)| {
            assignments.push(assignment);
            id
        }));
        let mut present: BTreeMap<Plan, u64> = BTreeMap::new();
        for assignment in &assignments {
            *present.entry(assignment.plan()).or_default() += 1;
        }
        for (plan, n) in present {
            let all = n_drawn.entry(plan).or_default();
            *all = n.max(*all);
        }
        Self { ids, assignments, n_drawn }
    }

    /// Adds who came to the lot now to who was drawn before; whoever is in both goes on as before, but for the last day.
    #[must_use]
    pub fn and(&self, selected: &Self) -> Self {
        let mut n_drawn = self.n_drawn.clone();
        let (mut before, mut now) = (self.iter().peekable(), selected.iter().peekable());
        let merged: Vec<(&str, Assignment)> = std::iter::from_fn(|| {
            let (earlier, later) = (before.peek().map(|(id, _)| *id), now.peek().map(|(id, _)| *id));
            if later.is_some() && later == earlier {
                let ((id, assignment), (_, again)) = (before.next()?, now.next()?);
                return Some((id, Assignment { last: assignment.last.max(again.last), ..assignment }));
            }
            if later.is_none() || earlier.is_some_and(|earlier| Some(earlier) < later) {
                return before.next();
            }
            let (id, assignment) = now.next()?;
            *n_drawn.entry(assignment.plan()).or_default() += 1;
            Some((id, assignment))
        })
        .collect();
        Self::from_sorted(merged, n_drawn)
    }

    /// Returns the assignment of a customer.
    pub fn get(&self, id: &str) -> Option<Assignment> {
        self.ids.position(id).map(|ix| self.assignments[ix as usize])
    }

    /// Goes through all customers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Assignment)> {
        self.ids.iter().zip(self.assignments.iter().copied())
    }

    pub fn len(&self) -> usize {
        self.assignments.len()
    }

    pub fn is_empty(&self) -> bool {
        self.assignments.is_empty()
    }

    /// Returns how many were ever drawn by each plan.
    pub fn n_drawn(&self) -> &BTreeMap<Plan, u64> {
        &self.n_drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_left_is_counted_and_no_longer_there() {
        let it = |arm, share| Assignment { arm, on: Day(20_000), share, last: Day(20_000) };
        let first = Assignments::from_sorted(
            [("b", it(Arm::Contact, 0.1)), ("d", it(Arm::Control, 0.1))],
            BTreeMap::from([((Arm::Contact, 100_000), 9)]),
        );
        let second = Assignments::of([("c", it(Arm::Contact, 0.1)), ("a", it(Arm::Control, 0.2))]);
        let all = first.and(&second);
        assert_eq!(all.iter().map(|(id, _)| id).collect::<String>(), "abcd");
        assert_eq!((all.get("c"), all.get("d"), all.get("e")), (second.get("c"), first.get("d"), None));
        let n_drawn = [((Arm::Contact, 100_000), 10), ((Arm::Control, 100_000), 1), ((Arm::Control, 200_000), 1)];
        assert_eq!(*all.n_drawn(), BTreeMap::from(n_drawn));
        // Who comes again is not drawn again.
        let again =
            Assignments::of([("b", Assignment { last: Day(20_007), on: Day(20_007), ..it(Arm::Control, 0.5) })]);
        let later = all.and(&again);
        assert_eq!(later.get("b"), Some(Assignment { last: Day(20_007), ..it(Arm::Contact, 0.1) }));
        assert_eq!((later.len(), later.n_drawn()), (4, all.n_drawn()));
    }
}
