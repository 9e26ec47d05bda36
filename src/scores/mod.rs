//! The scored base: every column of every analysis side by side, one row a customer.
//!
//! Names and types are promised by the analyses before any data is read ([`promised`]); [`ScoredCustomers::assemble`] holds them to it.

pub mod frame;

use crate::analysis::{Analysis, Findings};
use crate::table::{Column, ColumnKind, ColumnSpec, Ids};
use frame::Frame;

/// Name of the first column of every table of customers.
pub const CUSTOMER_ID: &str = "customer_id";

/// Returns the columns that a run of these analyses will write, the id first.
pub fn promised(analyses: &[Box<dyn Analysis>]) -> Vec<ColumnSpec> {
    let id = ColumnSpec::new(CUSTOMER_ID, ColumnKind::Text, "customer id as it stands in the exports");
    std::iter::once(id).chain(analyses.iter().flat_map(|analysis| analysis.columns())).collect()
}

/// All customers with all scores, ascending by customer id; the values stay with the findings.
#[derive(Debug)]
pub struct ScoredCustomers<'a> {
    /// The scores as a frame; the first column is the id.
    pub frame: Frame<'a>,
    /// Column name and number of customers for whom the score cannot be computed, where there are any.
    pub unknown: Vec<(String, usize)>,
}

impl<'a> ScoredCustomers<'a> {
    /// Puts the columns of all findings side by side.
    ///
    /// # Panics
    /// Panics if an analysis did not write what it promised: segments were checked against the promise.
    pub fn assemble(ids: &'a Ids, promised: &[ColumnSpec], findings: &'a [(&'static str, Findings)]) -> Self {
        let columns: Vec<&'a Column> = findings.iter().flat_map(|(_, found)| &found.columns).collect();
        let kept = promised.len() == columns.len() + 1
            && promised[1..].iter().zip(&columns).all(|(spec, column)| {
                spec.name == column.name && spec.kind == column.values.kind() && column.values.len() == ids.len()
            });
        assert!(kept, "an analysis wrote other columns than it promised");
        let unknown = columns
            .iter()
            .map(|column| (column.name.clone(), column.values.n_unknown()))
            .filter(|(_, n)| *n > 0)
            .collect();
        Self { frame: Frame::of_customers(ids, columns), unknown }
    }

    /// Adds columns of the same customers after those of the analyses; that they are unknown for somebody is no failure to compute them.
    ///
    /// # Panics
    /// Panics if a column has not one value a customer.
    #[must_use]
    pub fn with(mut self, columns: &'a [Column]) -> Self {
        self.frame = self.frame.with(columns);
        self
    }
}
