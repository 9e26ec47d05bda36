//! What came of past campaigns: who was written to or kept as control, and who responded.

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
    pub responded: Vec<bool>,
    /// What a response is, in words: which cells of which column.
    pub label: String,
    /// Further columns as the pipeline names them, one entry a row: text, or numbers.
    pub attributes: Vec<Column>,
}
