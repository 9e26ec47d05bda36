//! Which segment customers were in at an earlier run, and since when.

use super::Ids;
use crate::units::{Day, NONE_IX};

/// What one run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memberships {
    /// As-of of the run.
    pub as_of: Day,
    /// Customers of its base, ascending; both columns below have one entry a customer.
    pub customer_ids: Ids,
    /// Names of segments, ascending.
    pub segments: Ids,
    /// Position in `segments`, or `NONE_IX`.
    pub segment: Vec<u32>,
    pub since: Vec<Option<Day>>,
}

impl Memberships {
    /// Returns the segment of a customer, where there is one.
    pub fn segment(&self, row: u32) -> Option<&str> {
        Some(self.segment[row as usize]).filter(|code| *code != NONE_IX).map(|code| self.segments.get(code))
    }
}
