//! Frozen ABC classes: the value from which a customer was A or B on one base, for every base after it.
//!
//! A cut is a share of the total, so a class depends on everybody else. Frozen is the lowest value in the class, in minor units: on the base it
//! was taken from each value keeps its class, ties included; on another one nobody's class moves unless the own value does. Values of
//! zero or less are class N as ever. A class without members starts where the next better one does.

use super::{AbcClass, Cuts, Value};

/// Lowest values of the classes A and B, minor units, `a ≥ b > 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors {
    a: i64,
    b: i64,
}

impl Floors {
    /// Returns nothing unless `a ≥ b > 0`.
    pub fn new(a: i64, b: i64) -> Option<Self> {
        (a >= b && b > 0).then_some(Self { a, b })
    }

    /// Returns the lowest value of class A.
    pub fn a(self) -> i64 {
        self.a
    }

    /// Returns the lowest value of class B.
    pub fn b(self) -> i64 {
        self.b
    }

    /// Returns the class of a value.
    pub fn class(self, value: i64) -> AbcClass {
        if value <= 0 {
            AbcClass::N
        } else if value >= self.a {
            AbcClass::A
        } else if value >= self.b {
            AbcClass::B
        } else {
            AbcClass::C
        }
    }
}

/// Where the classes of a base start, and how that came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// What the floors are values of.
    pub value: Value,
    pub cuts: Cuts,
    /// Missing where no customer had a value.
    pub customers: Option<Floors>,
    /// Missing where no product had one.
    pub products: Option<Floors>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Standing, classify};
    use super::*;

    fn floors(value: &[i64]) -> Option<Floors> {
        Standing::of(value.iter().copied().map(Some), Cuts::default(), None).floors
    }

    #[test]
    fn floors_are_the_lowest_values_of_their_classes() {
        assert_eq!(floors(&[80, 15, 5, 0, -7]), Floors::new(80, 15));
        // A takes everything: B starts where A does.
        assert_eq!(floors(&[10; 10]), Floors::new(10, 10));
        assert_eq!(floors(&[0, -1]), None);
        assert_eq!([Floors::new(1, 2), Floors::new(1, 0)], [None, None]);
    }

    #[test]
    fn a_richer_neighbour_moves_nobody() {
        let frozen = floors(&[80, 15, 5]);
        let standing = Standing::of([1_000, 80, 15, 5].into_iter().map(Some), Cuts::default(), frozen);
        assert_eq!(standing.class, [AbcClass::A, AbcClass::A, AbcClass::B, AbcClass::C].map(Some));
        assert_eq!(classify(&[1_000, 80, 15, 5], Cuts::default())[1], AbcClass::B);
        // What this base would choose by itself is told all the same.
        assert_eq!(standing.floors, Floors::new(1_000, 80));
    }

    proptest! {
        /// On the base that they were taken from, frozen classes are the classes.
        #[test]
        fn nothing_changes_on_the_same_base(value in prop::collection::vec(-100_i64..1_000, 0..100)) {
            let chosen = Standing::of(value.iter().copied().map(Some), Cuts::default(), None);
            let frozen = Standing::of(value.iter().copied().map(Some), Cuts::default(), chosen.floors);
            prop_assert_eq!(chosen, frozen);
        }
    }
}
