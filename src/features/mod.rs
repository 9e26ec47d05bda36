//! What the analyses read: purchase days and baskets, built in one pass over the lines.
//!
//! A [`Dataset`] keeps every event with the day from which it is known, so that [`at()`] can look at the base as of any day:
//! a return exists only from its own date on.

mod at;
mod baskets;
mod build;
mod dataset;
mod product_sums;
mod purchase_days;
mod returns;
mod rows;
#[cfg(test)]
mod tests;

pub use at::{CustomerFeatures, at};
pub use baskets::Baskets;
pub use build::{BuildCounts, DatasetBuilder, GROUP_CUSTOMERS, Outline, build};
pub use dataset::Dataset;
pub use purchase_days::{Corrections, NEVER, Orders, PurchaseDays};
pub use returns::ReturnCounts;
