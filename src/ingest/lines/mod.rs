//! Transaction lines: read in chunks, overlaps counted once, objections and erased customers left out, and handed to the features by customer.
//!
//! Lines stay in the chunks in which they were read. [`assemble`] decides in a few passes over single columns which lines count and what
//! they are; [`Assembled::feed`] then works out every line once and brings the lines of a range of customers together at a time,
//! so that besides the chunks only those lines are held (56 bytes each).

mod assemble_error;
mod by_customer;
mod currency;
mod dates_covered;
mod decide;
mod marks;
mod order_key;
mod overlap;
mod product_names;
mod read;
mod store;
mod taken_out;
mod terms;
mod worth;

pub use assemble_error::AssembleError;
pub use currency::Currency;
pub use decide::{Assembled, LineCounts, TransactionRules, assemble};
pub use marks::ReturnRules;
pub use overlap::OverlapCounts;
pub use read::{LineReading, LineTable, read_lines};
pub use store::Spill;
pub use taken_out::Barred;

pub(in crate::ingest) use read::PackedPart;
pub(in crate::ingest) use taken_out::TakenOut;
