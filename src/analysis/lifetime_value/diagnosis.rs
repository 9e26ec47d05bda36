//! Why a model could not be fitted, and what is odd about a fit that could.

use std::fmt;

/// Customers that a fit wants at least; below, four parameters say nothing.
pub const MIN_CUSTOMERS: u64 = 10;

/// Customers with a repeat purchase that a fit wants at least.
pub const MIN_REPEATERS: u64 = 5;

/// Why there is no fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There is nobody to learn from.
    #[error("no customer has a purchase day up to as-of")]
    Empty,
    /// Nobody came back: neither rate nor dropout can be learned.
    #[error("no customer bought on a second day")]
    NoRepeat,
    /// Too few came back.
    #[error(
        "{n_customers} customers of whom {n_repeaters} bought again are too few, at least {MIN_CUSTOMERS} and {MIN_REPEATERS} are wanted"
    )]
    TooFew { n_customers: u64, n_repeaters: u64 },
    /// Too few customers whose repeat purchases brought money.
    #[error("{n_customers} customers with repeat spend are too few, at least {MIN_REPEATERS} are wanted")]
    TooFewSpenders { n_customers: u64 },
    /// A model of regular purchases reads the gaps between them.
    #[error("the gaps between purchases are not those of the histories")]
    NoGaps,
    /// The likelihood is finite at no start.
    #[error("the likelihood cannot be computed on this base")]
    NotFinite,
}

/// What is odd about a fit; the fit is usable all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnosis {
    /// A model without dropout fits as well.
    NoDropout,
    /// All customers seem to buy at one rate.
    OneRate,
    /// All customers seem to drop out with one probability.
    OneDropout,
    /// All customers seem to have one expectation of life.
    OneLifetime,
    /// All customers seem to take an opportunity with one probability.
    OneChance,
    /// All customers seem to drop out before an opportunity with one probability.
    OneEnd,
    /// Customers seem to drop out at once or never.
    AllOrNothing,
    /// Customers seem to have left at once or to live for ever.
    ShortOrEndless,
    /// Spend per order does not vary within a customer.
    SpendFixedWithin,
    /// Spend per order does not vary between customers.
    SpendEqualBetween,
    /// The mean of the spend distribution does not exist, `q ≤ 1`.
    InfiniteMeanSpend,
    /// A parameter met the end of its range.
    AtBound,
    /// Another start led to another, lower maximum.
    StartsDisagree,
    /// The search ended before the gradient vanished.
    NotConverged,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDropout => "no dropout can be identified: a model without dropout fits as well, so read p_alive with care",
            Self::OneRate => "no difference of purchase rates between customers can be identified: only r / alpha is determined",
            Self::OneDropout => {
                "no difference of dropout between customers can be identified: only a / (a + b) is determined"
            }
            Self::OneLifetime => {
                "no difference of lifetimes between customers can be identified: only s / beta is determined"
            }
            Self::OneChance => {
                "no difference between customers in taking an opportunity can be identified: only alpha / (alpha + beta) is determined"
            }
            Self::OneEnd => {
                "no difference of dropout between customers can be identified: only gamma / (gamma + delta) is determined"
            }
            Self::ShortOrEndless => "customers seem to leave at once or never: s is near zero",
            Self::AllOrNothing => "customers seem to drop out at once or never: a and b are near zero",
            Self::SpendFixedWithin => "spend per order does not vary within a customer: p and v are only known by their ratio",
            Self::SpendEqualBetween => "spend per order does not differ between customers: q and v are only known by their ratio",
            Self::InfiniteMeanSpend => {
                "the mean spend of the base does not exist (q is 1 or less): customers without a repeat purchase get no order value"
            }
            Self::AtBound => "a parameter met the end of its range: the fit is usable, the parameter itself means little",
            Self::StartsDisagree => "the likelihood has several maxima: the highest one found is used",
            Self::NotConverged => "the search ended before the gradient vanished: parameters are approximate",
        })
    }
}
