//! Which segments customers were in at one run, and since when.
//!
//! | field         | shape                       | meaning                                                            |
//! |---------------|-----------------------------|---------------------------------------------------------------------|
//! | `first`       | `(n_customers)`             | first segment of the pipeline that held the customer, or `NONE_IX`   |
//! | `first_since` | `(n_customers)`             | as-of of the first run of those in a row that found `first`          |
//! | `within`      | a row a customer and segment | all segments that held the customer, ascending by both               |

use super::{Fingerprint, Ids};
use crate::units::{Day, NONE_IX};

/// What one run found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships {
    /// As-of of the run.
    pub as_of: Day,
    /// Customers, ascending.
    pub customer_ids: Ids,
    /// Names of segments, ascending.
    pub segments: Ids,
    pub first: Vec<u32>,
    pub first_since: Vec<Option<Day>>,
    pub within: Vec<InSegment>,
}

/// One customer in one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InSegment {
    /// Position among the customers.
    pub customer: u32,
    /// Position among the segments.
    pub segment: u32,
    /// As-of of the first run of those in a row that found it.
    pub since: Day,
}

impl Memberships {
    /// Returns the first segment of a customer, where there is one.
    pub fn first(&self, customer: u32) -> Option<&str> {
        Some(self.first[customer as usize]).filter(|code| *code != NONE_IX).map(|code| self.segments.get(code))
    }

    /// Returns all segments of a customer.
    pub fn of(&self, customer: u32) -> &[InSegment] {
        let start = self.within.partition_point(|row| row.customer < customer);
        let len = self.within[start..].partition_point(|row| row.customer == customer);
        &self.within[start..start + len]
    }

    /// Returns since when a customer has been in a segment, where that is so.
    pub fn since(&self, customer: u32, segment: &str) -> Option<Day> {
        let segment = self.segments.position(segment)?;
        self.of(customer).iter().find(|row| row.segment == segment).map(|row| row.since)
    }

    /// Returns a hash of everything, whatever file it was read from.
    pub fn sha256(&self) -> String {
        let mut hash = Fingerprint::default();
        hash.update(format!("{}\n", self.as_of));
        for (ix, id) in (0..).zip(self.customer_ids.iter()) {
            // Lengths keep two texts apart, whatever they hold.
            hash.update(format!("{} {id}", id.len()));
            if let (Some(first), since) = (self.first(ix), self.first_since[ix as usize]) {
                hash.update(format!(" {first} {}", since.map_or(0, |day| day.0)));
            }
            for row in self.of(ix) {
                hash.update(format!(" {} {}", self.segments.get(row.segment), row.since.0));
            }
            hash.update("\n");
        }
        hash.digits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(within: &[(u32, u32)]) -> Memberships {
        let within = within.iter().map(|(customer, segment)| InSegment {
            customer: *customer,
            segment: *segment,
            since: Day(3),
        });
        Memberships {
            as_of: Day(5),
            customer_ids: Ids::from_sorted(["1", "2"]),
            segments: Ids::from_sorted(["a", "b"]),
            first: vec![1, NONE_IX],
            first_since: vec![Some(Day(4)), None],
            within: within.collect(),
        }
    }

    #[test]
    fn segments_are_looked_up_by_customer_and_the_hash_tells_them_apart() {
        let found = of(&[(0, 0), (0, 1)]);
        assert_eq!((found.first(0), found.first(1)), (Some("b"), None));
        assert_eq!((found.since(0, "a"), found.since(1, "a"), found.since(0, "c")), (Some(Day(3)), None, None));
        assert_eq!((found.of(0).len(), found.of(1).len()), (2, 0));
        assert_eq!(found.sha256(), of(&[(0, 0), (0, 1)]).sha256());
        assert_ne!(found.sha256(), of(&[(0, 1)]).sha256());
    }
}
