//! Contracts by customer: how long each has run and whether it was cancelled, with what else is known of it.

use super::{Column, Ids, Nullable};
use crate::units::Day;

/// What is known of the contracts of some customers.
#[derive(Debug, Clone)]
pub struct Contracts {
    /// Customers with a contract, ascending.
    pub ids: Ids,
    pub terms: Terms,
    /// Price a month in major currency units, one value an entry, where the export has one.
    pub price: Option<Nullable<f64>>,
    /// What is learnt from: product, price and what the pipeline names, one value an entry: text, or numbers.
    pub attributes: Vec<Column>,
}

/// What is known of the course of the contracts.
#[derive(Debug, Clone, PartialEq)]
pub enum Terms {
    /// As they stand on the day of the export, an entry a customer: whole months so far, or up to the cancellation.
    Status { tenure_months: Vec<u32>, cancelled: Vec<bool> },
    /// Times without a gap, by customer and start, and the rows that they consist of, an entry each.
    Dated { spells: Vec<ContractSpell>, versions: Vec<Version> },
}

/// A time in which a customer had contracts that overlap or follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractSpell {
    /// Rank of the customer.
    pub customer: u32,
    pub start: Day,
    /// Last day, where it has come.
    pub end: Option<Day>,
    /// Its entries, ascending by start.
    pub versions: std::ops::Range<u32>,
}

/// One row of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub start: Day,
    /// Last day, where it has come.
    pub end: Option<Day>,
}

impl ContractSpell {
    /// Returns the entry that covers a day, of several the one begun last; nothing before, after and in a gap.
    pub fn entry_on(&self, versions: &[Version], day: Day) -> Option<u32> {
        let covers = |entry: &u32| {
            let version = versions[*entry as usize];
            version.start <= day && version.end.is_none_or(|end| day <= end)
        };
        self.versions.clone().rev().find(covers)
    }
}

impl Contracts {
    /// Returns how many customers have no running contract.
    pub fn n_ended(&self) -> usize {
        match &self.terms {
            Terms::Status { cancelled, .. } => cancelled.iter().filter(|cancelled| **cancelled).count(),
            Terms::Dated { spells, .. } => {
                // The last spell of a customer is the latest.
                let by_customer = spells.chunk_by(|a, b| a.customer == b.customer);
                by_customer.filter(|own| own.last().is_some_and(|last| last.end.is_some())).count()
            }
        }
    }
}
