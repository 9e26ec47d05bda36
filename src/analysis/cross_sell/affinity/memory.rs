//! How much memory the search for affinities may take, and what to do where it does not suffice.
//!
//! | what                      | bytes                                                             | share of the budget      |
//! |---------------------------|-------------------------------------------------------------------|--------------------------|
//! | itemsets of products      | [`ITEMSET_BYTES`] each, of all lengths together                   | [`PRODUCTS`], half of it |
//! | rules of products         | [`RULE_BYTES`] each, those above chance before any is left out    | the other half           |
//! | the same of categories    |                                                                   | [`CATEGORIES`]           |
//! | substitutes               | [`SUBSTITUTE_BYTES`] each                                         | [`SUBSTITUTES`]          |
//! | sequences and up-sells    | [`SEQUENCE_BYTES`] each                                           | [`SEQUENCES`]            |
//! | triangles and bits        | of all threads together                                           | [`DENSE`]                |
//! | baskets, occurrences      | 4 to 40 a line                                                    | none: grows with the input |
//!
//! What is found grows with the threshold, and without bound. It has a budget that the pipeline gives and that does not depend on the machine,
//! so that results do not: what needs more fails with [`TooMany`] before it is built, and the analysis doubles the threshold until it fits and
//! says so. Triangles and bits are ways to count: where their share is too small for them, the same counts come from accumulators.

use super::orders::Sequence;
use super::significance::Rule;
use super::substitutes::Substitute;

/// Bytes of an itemset: item, count, parent, first child and co-volume, while it is built and where it is kept.
pub const ITEMSET_BYTES: usize = 40;

/// Bytes of a rule: in the part that was found by one task, and in the list of all.
pub const RULE_BYTES: usize = 2 * size_of::<Rule>();

/// Bytes of a pair of substitutes, kept in the same two places.
pub const SUBSTITUTE_BYTES: usize = 2 * size_of::<Substitute>();

/// Bytes of a sequence, kept in the same two places.
pub const SEQUENCE_BYTES: usize = 2 * size_of::<Sequence>();

/// Bytes that are planned for where the pipeline gives none: 512 MiB, which is four million sets of products.
pub const DEFAULT_BYTES: usize = 512 << 20;

/// Sixteenths of the budget.
pub const PRODUCTS: usize = 10;
pub const CATEGORIES: usize = 2;
pub const SUBSTITUTES: usize = 1;
pub const SEQUENCES: usize = 2;
pub const DENSE: usize = 1;

/// More was found than the budget holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} {what} at a threshold of {min_count}: raise `cross-sell.min-support-count`")]
pub struct TooMany {
    pub what: What,
    /// How many would have fitted.
    pub most: usize,
    /// Threshold that lets too many pass.
    pub min_count: u32,
}

/// What there was no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Pairs,
    LargerSets,
    Rules,
    LongerRules,
    Substitutes,
    Sequences,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pairs => "pairs",
            Self::LargerSets => "larger sets",
            Self::Rules => "rules of two products",
            Self::LongerRules => "rules of more than two products",
            Self::Substitutes => "pairs of substitutes",
            Self::Sequences => "sequences",
        })
    }
}

/// What one search may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Itemsets of two items and more.
    pub sets: usize,
    pub rules: usize,
    /// Bytes of a triangle, or of bits, on one thread; results do not depend on it.
    pub dense_bytes: usize,
}

impl Room {
    /// For bases whose results are known to be few.
    pub const NO_LIMIT: Self = Self { sets: usize::MAX, rules: usize::MAX, dense_bytes: usize::MAX };

    /// Divides the share that products or categories have of a budget.
    pub fn of(budget: usize, sixteenths: usize) -> Self {
        let half = budget / 32 * sixteenths;
        let dense_bytes = budget / 16 * DENSE / rayon::current_num_threads().max(1);
        Self { sets: half / ITEMSET_BYTES, rules: half / RULE_BYTES, dense_bytes }
    }
}

/// Returns how many of something fit into some sixteenths of a budget.
pub fn most(budget: usize, sixteenths: usize, bytes_each: usize) -> usize {
    budget / 16 * sixteenths / bytes_each
}
