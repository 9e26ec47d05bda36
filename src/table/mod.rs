//! Typed columns, no I/O: what ingest hands to the features.
//!
//! Ids are text and become dense ranks once, at the border: `CustomerIx` and `ProductIx` are positions in the sorted [`Ids`],
//! so that the order of the rows can change nothing further on.

mod column;
mod customers;
mod ids;
mod products;
mod transactions;

pub use column::{Column, ColumnKind, ColumnSpec, Nullable, Values};
pub use customers::Customers;
pub use ids::Ids;
pub use products::Products;
pub use transactions::{LineKind, NO_COST, Transactions};
