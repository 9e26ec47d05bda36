//! What came of past campaigns: who was written to or kept as control, and who responded; and who was drawn into which group, before anything came of it.

use std::collections::BTreeMap;

use super::{Column, Ids};

/// One row a customer and campaign, ordered by campaign and customer.
#[derive(Debug, Clone)]
pub struct Responses {
    pub customer_ids: Ids,
    pub campaigns: Ids,
    pub arms: Ids,
    /// Says of each arm whether it is a control group.
    pub is_control: Vec<bool>,
    /// Rank of the customer, of the campaign and of the arm of each row.
    pub customer: Vec<u32>,
    pub campaign: Vec<u32>,
    pub arm: Vec<u32>,
    /// First day of the contact, days since 1970-01-01, or `i32::MIN`; empty where the export has none.
    pub day: Vec<i32>,
    pub responded: Vec<bool>,
    /// What a response is, in words: which cells of which column.
    pub label: String,
    /// Further columns as the pipeline names them, one entry a row: text, or numbers.
    pub attributes: Vec<Column>,
    /// What came of the contact: the response, the money, and further columns that the pipeline names; nothing learns from them.
    pub outcomes: Vec<Outcome>,
}

/// One thing that came of a contact, one value a row; what did not happen is zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// As the export calls it.
    pub name: String,
    /// Says whether every value is 0 or 1, so that the mean is a share of the customers.
    pub is_share: bool,
    /// Money in major units, 0 or 1, or a number.
    pub values: Vec<f64>,
}

/// Who was drawn into which group of a campaign: one row a customer and campaign, ordered by campaign and customer.
#[derive(Debug, Clone)]
pub struct Assignments {
    pub customer_ids: Ids,
    pub campaigns: Ids,
    pub arms: Ids,
    /// Says of each arm whether it is a control group.
    pub is_control: Vec<bool>,
    /// Rank of the customer, of the campaign and of the arm of each row.
    pub customer: Vec<u32>,
    pub campaign: Vec<u32>,
    pub arm: Vec<u32>,
    /// First day on which the customer was assigned, days since 1970-01-01.
    pub day: Vec<i32>,
    /// Last day on which the customer was contacted, or would have been without the lot; not before the first.
    pub last_day: Vec<i32>,
    /// Share of the customers that the arm of the row was to get, or zero where it is not known.
    pub share: Vec<f64>,
    /// Customers who were ever drawn into an arm with a share, where the table says so.
    pub n_drawn: BTreeMap<Plan, u64>,
    /// Those of them who are no longer in the table, or object.
    pub n_gone: BTreeMap<Plan, u64>,
}

/// What a customer was drawn by: ranks of campaign and arm, and the share of the arm in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plan {
    pub campaign: u32,
    pub arm: u32,
    pub millionths: u32,
}

impl Plan {
    /// Returns the share of the arm, `0..=1`.
    pub fn share(self) -> f64 {
        f64::from(self.millionths) / 1e6
    }
}

impl Assignments {
    /// Returns what the customer of a row was drawn by.
    pub fn plan(&self, row: usize) -> Plan {
        let millionths = (self.share[row] * 1e6).round() as u32;
        Plan { campaign: self.campaign[row], arm: self.arm[row], millionths }
    }
}
