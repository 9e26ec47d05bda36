//! Contracts by customer: how long each has run and whether it was cancelled, with what else is known of it.

use super::{Column, Ids};
use crate::units::Day;

/// One contract a customer; of several, those that follow each other count as one.
#[derive(Debug, Clone)]
pub struct Contracts {
    /// Customers with a contract, ascending; everything below has one entry a customer.
    pub ids: Ids,
    pub terms: Terms,
    /// Further columns as the pipeline names them: text, or numbers.
    pub attributes: Vec<Column>,
}

/// What is known of the course of the contracts.
#[derive(Debug, Clone, PartialEq)]
pub enum Terms {
    /// As they stand on the day of the export: whole months so far, or up to the cancellation.
    Status { tenure_months: Vec<u32>, cancelled: Vec<bool> },
    /// First day, and last day where it has come.
    Dated { start: Vec<Day>, end: Vec<Option<Day>> },
}

impl Contracts {
    /// Says whether a customer's contract has ended.
    pub fn has_ended(&self, customer: usize) -> bool {
        match &self.terms {
            Terms::Status { cancelled, .. } => cancelled[customer],
            Terms::Dated { end, .. } => end[customer].is_some(),
        }
    }
}
