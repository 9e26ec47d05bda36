//! The analyses: each declares what it needs and writes before data is read, then runs as a pure function of the [`Dataset`].
//!
//! The runner orders them by [`Analysis::after`] and runs what is independent in parallel. An analysis is one file or folder with its
//! `Params`, its maths and its columns.

pub mod abc;
pub mod churn;
pub mod cross_sell;
pub mod lifetime_value;
pub mod overview;
pub mod rfm;

use crate::features::{CustomerFeatures, Dataset};
use crate::table::{Column, ColumnSpec};

/// One analysis: names what it needs and writes before any data is read, then computes.
pub trait Analysis: Send + Sync {
    /// Name in the pipeline, as column prefix and as key in the manifest.
    fn name(&self) -> &'static str;

    /// Analyses whose findings this one reads.
    fn after(&self) -> &'static [&'static str] {
        &[]
    }

    /// Customer attributes that this one reads, by name.
    fn attributes(&self) -> &[String] {
        &[]
    }

    /// Columns that [`Analysis::run`] will write, one value a customer, in this order.
    fn columns(&self) -> Vec<ColumnSpec>;

    /// Computes the columns; pure and deterministic on any number of threads.
    ///
    /// # Errors
    /// Returns what cannot be computed and why, where not even nulls would be an honest answer.
    fn run(&self, base: &Base<'_>, before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError>;
}

/// What every analysis reads: the base, and its features as of the last day, derived once.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    pub data: &'a Dataset,
    pub now: &'a CustomerFeatures,
}

/// What an analysis found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// One value a customer, as promised by [`Analysis::columns`].
    pub columns: Vec<Column>,
    /// Tables beside the scores, such as affinity rules; each is written to a file of its own.
    pub tables: Vec<SideTable>,
    /// Parameters and fit quality for manifest and summary, in a fixed order.
    pub facts: Vec<(&'static str, Fact)>,
    /// The lifetime values, which others build on.
    pub valuation: Option<lifetime_value::Valuation>,
    /// The thresholds that this base leads to, used or not.
    pub chosen: Option<Chosen>,
    /// What the reader of the results must know, in a sentence each.
    pub notes: Vec<String>,
}

/// Thresholds that a base leads to and that a later run can keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    Abc(abc::Thresholds),
    Rfm(rfm::Scale),
}

/// A table beside the scores.
#[derive(Debug, Clone)]
pub struct SideTable {
    /// File name without ending.
    pub name: &'static str,
    pub columns: Vec<Column>,
}

/// A figure for manifest and summary.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Integer(i64),
    Number(f64),
    Text(String),
    Group(Vec<(&'static str, Fact)>),
    List(Vec<Fact>),
}

/// Why an analysis could not run.
#[derive(Debug, thiserror::Error)]
#[error("{analysis}: {reason}")]
pub struct AnalysisError {
    pub analysis: &'static str,
    pub reason: String,
    /// What the user can do about it.
    pub help: String,
}
