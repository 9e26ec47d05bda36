//! The global holdout: who is kept from every campaign by lot, so that all campaigns together can be measured.
//!
//! It is drawn as a campaign of its own, with everybody whom a campaign could have contacted: consent, address and suppression list are
//! asked of both arms before the lot, contact pressure, profit and other campaigns are not. Who is in an arm stays there, also where the share has changed
//! since, because who was contacted for a year is no control. Another name draws anew, independently of the first. The lot is of the customer: whoever shares an address with
//! somebody who is held out stays in the arm of the own lot and is not written to there, which makes an effect smaller, never larger.

use rayon::prelude::*;

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

/// The draw of one run, by position in the customer table; empty without a share.
pub(super) struct Holdout {
    /// Arm of every customer, drawn by this run or an earlier one.
    arms: Vec<Assignment>,
    /// Says who has an arm from an earlier run, or comes into one because a campaign could contact them.
    is_known: Vec<bool>,
    is_met: Vec<bool>,
}

impl Holdout {
    pub fn of(rule: &Rule, earlier: Option<&Assignments>, ids: &Ids, on: Day) -> Self {
        let n = if rule.share > 0.0 { ids.len() } else { 0 };
        let of = |ix: u32| {
            let id = ids.get(ix);
            match earlier.and_then(|earlier| earlier.get(id)) {
                Some(known) => (known, true),
                None => (draw(rule, id, on), false),
            }
        };
        let (arms, is_known) = (0..n as u32).into_par_iter().map(of).unzip();
        Self { arms, is_known, is_met: vec![false; n] }
    }

    /// Says whether anybody may be kept.
    pub fn keeps_some(&self) -> bool {
        !self.arms.is_empty()
    }

    /// Says whether a customer is kept from every campaign.
    pub fn keeps(&self, customer: u32) -> bool {
        self.arms.get(customer as usize).is_some_and(|assignment| assignment.arm == Arm::Control)
    }

    /// Notes a customer whom a campaign could contact.
    pub fn meet(&mut self, customer: u32) {
        if let Some(is_met) = self.is_met.get_mut(customer as usize) {
            *is_met = true;
        }
    }

    /// Returns who came into an arm by this run.
    pub fn drawn(&self, ids: &Ids) -> Assignments {
        let is_new = |ix: &usize| self.is_met[*ix] && !self.is_known[*ix];
        Assignments::of((0..self.arms.len()).filter(is_new).map(|ix| (ids.get(ix as u32), self.arms[ix])))
    }
}

fn draw(rule: &Rule, id: &str, on: Day) -> Assignment {
    let arm = if lot("global-holdout", &rule.name, id) < rule.share { Arm::Control } else { Arm::Contact };
    Assignment { arm, on, share: rule.share, last: on }
}
