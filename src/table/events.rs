//! What happens between customers and company beside purchases, by customer.

/// Contacts; those of customer `c` are `starts[c]..starts[c + 1]`, ascending by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    pub starts: Vec<usize>,
    /// Days since 1970-01-01.
    pub day: Vec<i32>,
    pub is_complaint: Vec<bool>,
}

/// Invoices; those of customer `c` are `starts[c]..starts[c + 1]`, ascending by the day they were due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invoices {
    pub starts: Vec<usize>,
    /// Days since 1970-01-01.
    pub due: Vec<i32>,
    /// Day of the payment, or `i32::MAX` while there is none.
    pub paid: Vec<i32>,
}
