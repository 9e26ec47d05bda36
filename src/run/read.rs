//! The first stage: every export becomes typed columns, and the lines are put together.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::RunError;
use super::job::Job;
use super::manifest::InputRecord;
use super::observer::{Event, Observer};
use crate::ingest::{
    Assembled, CUSTOMERS, FileReport, PRODUCTS, ProductFindings, ProductList, Reject, TRANSACTIONS, TableSource,
    TableSpec, TypedTable, assemble, customers, describe, read_table, without_detours,
};
use crate::table::{Customers, Ids};

/// Everything that was read.
pub struct Inputs {
    pub assembled: Assembled,
    pub customers: Option<Customers>,
    /// Ids that stand in rows which differ.
    pub customer_conflicts: u64,
    pub products: ProductFindings,
    pub records: Vec<InputRecord>,
    pub rejects: Vec<Reject>,
    /// Rows and rejected rows of each table.
    pub rows: Vec<(&'static str, u64, u64)>,
}

impl Inputs {
    /// Counts the customers with lines who are not in the customer table.
    pub fn n_not_listed(&self, ids: &Ids) -> Option<u64> {
        let customers = self.customers.as_ref()?;
        Some(ids.iter().filter(|id| customers.ids.position(id).is_none()).count() as u64)
    }

    /// What the reader must know about the tables beside the lines.
    fn notes(&self, job: &Job) -> Vec<String> {
        let mut notes = Vec::new();
        let ids = &self.assembled.lines.customer_ids;
        if let Some(n) = self.n_not_listed(ids).filter(|n| *n as f64 > MANY * ids.len() as f64) {
            notes.push(format!(
                "{n} of {} customers are not in the customer table: no consent and no objection is known of them (do the ids \
                 match, with their leading zeros?)",
                ids.len()
            ));
        }
        if let Some(customers) = &self.customers {
            if !job.campaigns.is_empty() && !customers.email_opt_in.contains(&true) {
                notes.push(
                    "nobody consents to e-mail (is `email-opt-in` mapped?), so campaign files are empty".to_owned(),
                );
            }
            if !customers.unreadable.is_empty() {
                notes.push(format!(
                    "{} rows of the customer table were rejected: those customers are treated as objecting to profiling",
                    customers.unreadable.len()
                ));
            }
        }
        for empty in self.records.iter().filter(|record| record.rows + record.rejected == 0) {
            notes.push(format!("`{}` has no rows", empty.path));
        }
        let lines = &self.assembled.lines;
        for id in job.product_rules.not_merchandise.iter().filter(|id| lines.product_ids.position(id).is_none()) {
            notes.push(format!("`{id}`, named as not merchandise, is in no line"));
        }
        notes
    }
}

/// Share of customers that may be missing from the customer table before it is worth a note.
const MANY: f64 = 0.05;

/// Tables as they were read, before the lines are put together.
pub struct Tables {
    transactions: TypedTable,
    customers: Option<TypedTable>,
    products: Option<TypedTable>,
}

/// Reads the tables of a job.
///
/// # Errors
/// Fails where a file cannot be read or understood.
pub fn read_tables(job: &Job, observer: &dyn Observer) -> Result<Tables, RunError> {
    let progress = |bytes: u64| observer.event(Event::Read { bytes });
    let read = |spec: &TableSpec, source: &TableSource| read_table(spec, source, Some(&progress));
    let optional = |spec: &TableSpec, source: &Option<TableSource>| source.as_ref().map(|s| read(spec, s)).transpose();
    Ok(Tables {
        transactions: read(&TRANSACTIONS, &job.transactions)?,
        customers: optional(&CUSTOMERS, &job.customers)?,
        products: optional(&PRODUCTS, &job.products)?,
    })
}

impl Tables {
    /// Returns every table with its name.
    fn named(&self) -> Vec<(&'static str, &TypedTable)> {
        let optional = [("customers", self.customers.as_ref()), ("products", self.products.as_ref())];
        let optional = optional.into_iter().filter_map(|(name, table)| Some((name, table?)));
        std::iter::once(("transactions", &self.transactions)).chain(optional).collect()
    }

    /// Returns the rejected rows of every table.
    pub fn rejects(&self) -> Vec<Reject> {
        self.named().into_iter().flat_map(|(_, table)| table.rejects.iter().cloned()).collect()
    }

    /// Returns name, rows read and rows rejected of every table.
    pub fn rows(&self) -> Vec<(&'static str, u64, u64)> {
        let rows = |(name, table): (&'static str, &TypedTable)| {
            let rejected = table.rejects.len() as u64;
            (name, table.n_rows as u64 + rejected, rejected)
        };
        self.named().into_iter().map(rows).collect()
    }

    /// Puts the lines together.
    ///
    /// # Errors
    /// Fails where currencies cannot be added up or no line is left.
    pub fn assemble(self, job: &Job) -> Result<Inputs, RunError> {
        let (customers, customer_conflicts) = self.customers.as_ref().map(customers).unzip();
        let list = self.products.as_ref().map(ProductList::of);
        let unit_costs = |ids: &_| list.as_ref().map_or_else(Vec::new, |list| list.unit_costs(ids));
        let assembled = assemble(&self.transactions, customers.as_ref(), unit_costs, &job.transaction_rules)?;
        let products =
            describe(&assembled.lines.product_ids, &assembled.product_names, list.as_ref(), &job.product_rules);
        let mut rejects = self.rejects();
        rejects.extend(assembled.rejects.iter().cloned());
        let rows = self.rows();
        let records = self
            .named()
            .into_iter()
            .flat_map(|(name, table)| table.files.iter().map(move |file| record(name, file, job)))
            .collect();
        let mut inputs = Inputs {
            assembled,
            customers,
            customer_conflicts: customer_conflicts.unwrap_or_default(),
            products,
            records,
            rejects,
            rows,
        };
        let notes = inputs.notes(job);
        inputs.assembled.notes.extend(notes);
        Ok(inputs)
    }
}

fn record(table: &'static str, file: &FileReport, job: &Job) -> InputRecord {
    let columns: BTreeMap<String, String> =
        file.mapping.iter().map(|(canonical, header)| ((*canonical).to_owned(), header.clone())).collect();
    InputRecord {
        table,
        path: shown(&job.below(table, &file.path)),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        rows: file.rows as u64,
        rejected: file.rejected as u64,
        columns,
        evidence: file.evidence.clone(),
    }
}

/// Shows a path without detours and with `/` on every platform.
pub fn shown(path: &Path) -> String {
    without_detours(path).to_string_lossy().replace('\\', "/")
}
