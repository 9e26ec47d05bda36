//! How much memory the search for itemsets may take, and what to do where it does not suffice.
//!
//! | what                    | bytes                                                                      |
//! |-------------------------|----------------------------------------------------------------------------|
//! | baskets                 | 4 a line, 8 a basket; with the rows they are made from, twice              |
//! | occurrences             | 8 a line                                                                   |
//! | triangle, accumulators  | 8 MiB and 8 an item, a thread                                              |
//! | itemsets                | [`ITEMSET_BYTES`] each, of all lengths together                            |
//!
//! All but the last grows with the input; the last with the threshold, and without bound. It has a budget that does not depend on the
//! machine, so that results do not: what needs more fails with [`TooMany`] before it is built, and the analysis raises the threshold
//! until it fits and says so, that of pairs last.

/// Bytes of an itemset: item, count, parent and first child while it is built and where it is kept.
pub const ITEMSET_BYTES: usize = 32;

/// Bytes that all itemsets of a search may take: 128 MiB, four million sets.
pub const BUDGET_BYTES: usize = 128 << 20;

/// Itemsets that fit into the budget.
pub const MOST_ITEMSETS: usize = BUDGET_BYTES / ITEMSET_BYTES;

/// More itemsets are frequent than fit into the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} sets of products are in at least {min_count} baskets: raise `cross-sell.min-support-count`")]
pub struct TooMany {
    /// Itemsets that would have fitted.
    pub most: usize,
    /// Threshold that lets too many pass.
    pub min_count: u32,
}
