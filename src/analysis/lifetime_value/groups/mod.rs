//! Groups of customers with purchase parameters of their own, where a pipeline asks for them; without, all customers share one model.
//!
//! | asked for    | a group is                                            | its parameters                                                     |
//! |--------------|-------------------------------------------------------|--------------------------------------------------------------------|
//! | `cohorts`    | who first bought in the same calendar year or quarter | fitted apart and shrunk to the pooled fit, see [`cohorts`]         |
//! | `covariates` | who has the same values of the attributes             | the pooled ones times `exp(± γ'z)`, see [`covariates`] and [`design`] |
//!
//! Both fit every group on its own distinct [`Histories`](super::histories::Histories), through the [`Landscape`]
//! of the model. The pooled fit stays beside: model and holdout are chosen by it, and a grouping has to stand beside it in `clv_models`.
//! Memory: four bytes a customer, some sixty while they are told apart.

pub mod cohorts;
pub mod covariates;
pub mod design;
pub mod facts;
pub mod partition;
#[cfg(test)]
mod tests;

use self::covariates::Effects;
use super::models::landscape::Landscape;
use super::models::{Fit, Statistics};
use super::purchases::Fitted;
use crate::units::NONE_IX;

/// Calendar periods whose new customers make a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cohorts {
    Year,
    Quarter,
}

impl Cohorts {
    pub const ALL: [Self; 2] = [Self::Year, Self::Quarter];

    /// Returns the word in pipelines.
    pub fn label(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
        }
    }
}

/// How customers are grouped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Grouping {
    /// Not at all.
    #[default]
    None,
    /// By the period of the first purchase.
    Cohorts(Cohorts),
    /// By attributes.
    Covariates(Vec<String>),
}

/// A group and its model.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What its customers have in common.
    pub label: String,
    pub fitted: Fitted,
    /// Share of what the parameters are that the group's own customers decide, the rest is pooled; only where groups are shrunk.
    pub own_weight: Option<f64>,
    /// Mean probability of its customers to be alive.
    pub mean_p_alive: f64,
}

impl Fitted {
    /// Returns the model with other free parameters, given by their logarithms, for the customers of a group.
    fn for_group(&self, part: &Statistics, u: &[f64]) -> Self {
        let model = self.0.model.with_free(u);
        let landscape = Landscape::of(&model, part);
        let n = part.histories.n_customers as f64;
        let surface = landscape.as_ref().map(|landscape| landscape.at(u)).unwrap_or_default();
        let log_likelihood = n * surface.value + landscape.as_ref().map_or(0.0, |landscape| landscape.of_gaps);
        let without_dropout = landscape.as_ref().and_then(Landscape::without_dropout);
        Self(Fit {
            model,
            standard_errors: vec![None; u.len()],
            hessian: surface.hessian.iter().map(|row| row.iter().map(|h| n * h).collect()).collect(),
            log_likelihood,
            gain_over_no_dropout: without_dropout.map_or(0.0, |without| log_likelihood - without),
            n_customers: part.histories.n_customers,
            n_repeats: part.histories.n_repeats,
            n_iterations: 0,
            gradient_norm: 0.0,
            diagnoses: vec![],
        })
    }
}

/// How customers buy: by one model, or by that of their group.
#[derive(Debug, Clone, PartialEq)]
pub struct Purchasing {
    /// The model of all customers together.
    pub pooled: Fitted,
    /// Empty where all customers share the pooled model.
    pub groups: Vec<Group>,
    /// What the attributes do, where the groups are made by them.
    pub effects: Option<Effects>,
    /// Standard deviation between groups of the logarithm of each parameter, where they are shrunk.
    pub spread: Vec<(&'static str, f64)>,
    /// Group of each customer; `NONE_IX` for one without. Empty where there are no groups.
    pub group_of: Vec<u32>,
}

impl Purchasing {
    /// One model for all.
    pub fn pooled(fitted: Fitted) -> Self {
        Self { pooled: fitted, groups: vec![], effects: None, spread: vec![], group_of: vec![] }
    }

    /// Returns the customers of each group.
    pub fn members(&self) -> Vec<Vec<u32>> {
        members(&self.group_of, self.groups.len())
    }

    /// Returns the model of a customer.
    pub fn of(&self, customer: usize) -> &Fitted {
        let group = self.group_of.get(customer).filter(|group| **group != NONE_IX);
        group.and_then(|group| self.groups.get(*group as usize)).map_or(&self.pooled, |group| &group.fitted)
    }
}

/// Customers of each of so many groups, ascending.
fn members(group_of: &[u32], n_groups: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); n_groups];
    for (customer, group) in group_of.iter().enumerate().filter(|(_, group)| **group != NONE_IX) {
        members[*group as usize].push(customer as u32);
    }
    members
}
