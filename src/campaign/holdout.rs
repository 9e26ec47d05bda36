//! The global holdout: who is kept from every campaign by lot, so that all campaigns together can be measured.
//!
//! It is drawn as a campaign of its own, with everybody whom a campaign could have contacted: consent, address and suppression list are
//! asked of both arms before the lot, contact pressure, profit and other campaigns are not. Who is in an arm stays there, also where the share has changed
//! since, because who was contacted for a year is no control. Another name draws anew, independently of the first.

use super::assignments::{Arm, Assignment, Assignments};
use super::control::lot;
use crate::table::Ids;
use crate::units::Day;

/// Name of the draw, unless the pipeline gives another.
pub const NAME: &str = "global-holdout";

/// What the pipeline says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Share of customers who are kept from every campaign; without one, nobody is.
    pub share: f64,
    pub name: String,
}

impl Default for Rule {
    fn default() -> Self {
        Self { share: 0.0, name: NAME.to_owned() }
    }
}

/// The draw of one run.
pub(super) struct Holdout<'a> {
    rule: &'a Rule,
    earlier: Option<&'a Assignments>,
    /// Customers whom a campaign could have contacted.
    is_met: Vec<bool>,
}

impl<'a> Holdout<'a> {
    pub fn of(rule: &'a Rule, earlier: Option<&'a Assignments>, n_customers: usize) -> Self {
        Self { rule, earlier, is_met: vec![false; if rule.share > 0.0 { n_customers } else { 0 }] }
    }

    /// Says whether anybody may be kept.
    pub fn keeps_some(&self) -> bool {
        self.rule.share > 0.0
    }

    /// Says whether a customer is kept from every campaign.
    pub fn keeps(&self, id: &str) -> bool {
        let arm =
            || self.earlier.and_then(|earlier| earlier.get(id)).unwrap_or_else(|| draw(self.rule, id, Day(0))).arm;
        self.keeps_some() && arm() == Arm::Control
    }

    /// Notes a customer whom a campaign could contact.
    pub fn meet(&mut self, customer: u32) {
        if let Some(is_met) = self.is_met.get_mut(customer as usize) {
            *is_met = true;
        }
    }

    /// Returns who came into an arm by this run.
    pub fn drawn(&self, ids: &Ids, on: Day) -> Assignments {
        let is_known = |id: &str| self.earlier.is_some_and(|earlier| earlier.get(id).is_some());
        let met = ids.iter().zip(&self.is_met).filter(|(id, is_met)| **is_met && !is_known(id));
        Assignments::of(met.map(|(id, _)| (id, draw(self.rule, id, on))))
    }
}

fn draw(rule: &Rule, id: &str, on: Day) -> Assignment {
    let arm = if lot("global-holdout", &rule.name, id) < rule.share { Arm::Control } else { Arm::Contact };
    Assignment { arm, on, share: rule.share, last: on }
}
