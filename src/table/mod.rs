//! Typed columns, no I/O: what ingest hands to the features, and how analyses hand columns on.
//!
//! Ids are text and become dense ranks once, at the border: `CustomerIx` and `ProductIx` are positions in the sorted [`Ids`],
//! so that the order of the rows can change nothing further on. A [`Fingerprint`] tells bytes apart on the way in and out.

mod column;
mod contracts;
mod customers;
mod events;
mod fingerprint;
mod ids;
mod keyed;
mod labels;
mod line;
mod memberships;
mod products;
mod responses;
mod suppressions;
mod tombstones;

pub use column::{Column, ColumnKind, ColumnSpec, Nullable, Values};
pub use contracts::{ContractSpell, Contracts, Terms, Version};
pub use customers::Customers;
pub use events::{Contacts, Invoices};
pub use fingerprint::Fingerprint;
pub use ids::Ids;
pub use keyed::Key;
pub use labels::ProductLabels;
pub use line::{Line, LineKind, NO_CHANNEL, NO_COST, NO_ORDER};
pub use memberships::{InSegment, Memberships};
pub use products::Products;
pub use responses::{Assignments, Outcome, Plan, Responses};
pub use suppressions::Suppressions;
pub use tombstones::{Tombstones, cells_of_row};
