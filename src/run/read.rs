//! The first stage: every export becomes typed columns, and the lines are put together.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::RunError;
use super::further::{self, Further};
use super::job::Job;
use super::manifest::InputRecord;
use super::observer::{Event, Observer};
use super::{LINES_ON_DISK, Surroundings};
use crate::campaign::legal::LegalBasis;
use crate::campaign::target::Channel;
use crate::ingest::{
    Assembled, BASKETS, Barred, BasketReading, CONTACTS, CONTRACTS, CUSTOMERS, Cache, CacheReport, FileReport,
    INVOICES, LineCounts, LineReading, LineTable, PRODUCTS, ProductFindings, ProductList, RESPONSES, Reject,
    SUPPRESSIONS, Spill, TRANSACTIONS, TableSource, TableSpec, TypedTable, assemble, baskets, customers, describe,
    erased_of_table, read_lines, read_table, resolve_pseudonyms, suppressions, without_detours,
};
use crate::table::{Contracts, Customers, Ids, Key, Responses, Suppressions, Tombstones};
use crate::units::Day;

/// Everything that was read, but for the lines themselves.
pub struct Inputs {
    pub as_of: Day,
    /// What became of the lines on the way.
    pub counts: LineCounts,
    pub notes: Vec<String>,
    pub customers: Option<Customers>,
    /// Customers who were erased and stand in an export all the same, where there is no customer table to remember them.
    pub only_erased: Option<Customers>,
    /// Ids that stand in rows which differ.
    pub customer_conflicts: u64,
    pub products: ProductFindings,
    pub contracts: Option<Contracts>,
    pub responses: Option<Responses>,
    pub baskets: Option<BasketReading>,
    pub suppressions: Suppressions,
    pub contacts: Option<TypedTable>,
    pub invoices: Option<TypedTable>,
    pub records: Vec<InputRecord>,
    pub rejects: Vec<Reject>,
    /// Rows and rejected rows of each table.
    pub rows: Vec<(&'static str, u64, u64)>,
    /// What the cache did, where there is one.
    pub cache: Option<CacheReport>,
    /// Says whether lines did not fit into the memory limit.
    pub lines_on_disk: bool,
}

impl Inputs {
    /// Returns who must not be among the rows of a table: those who object, and those who were erased.
    pub fn leaving(&self) -> Option<&Customers> {
        self.customers.as_ref().or(self.only_erased.as_ref())
    }

    /// Counts the customers who were erased and stand in an export all the same.
    pub fn n_erased(&self) -> usize {
        self.leaving().map_or(0, |leaving| leaving.erased.len())
    }

    /// Counts the customers with lines who are not in the customer table.
    pub fn n_not_listed(&self, ids: &Ids) -> Option<u64> {
        let customers = self.customers.as_ref()?;
        Some(ids.iter().filter(|id| customers.ids.position(id).is_none()).count() as u64)
    }

    /// What the reader must know about the tables beside the lines.
    fn note_tables(&mut self, job: &Job, ids: &Ids, product_ids: &Ids) {
        let mut notes = Vec::new();
        if job.settings.input.baskets.is_some() && job.baskets.is_none() {
            notes.push("`[input.baskets]` is not read: the orders of the transactions are the baskets".to_owned());
        }
        if let Some(n) = self.n_not_listed(ids).filter(|n| *n as f64 > MANY * ids.len() as f64) {
            notes.push(format!(
                "{n} of {} customers are not in the customer table: no consent and no objection is known of them (do the ids \
                 match, with their leading zeros?)",
                ids.len()
            ));
        }
        if let Some(customers) = &self.customers {
            let by_email = job
                .campaigns
                .iter()
                .any(|campaign| campaign.target.channel == Channel::Email && campaign.basis == LegalBasis::Consent);
            if by_email && !customers.email_opt_in.contains(&true) {
                notes.push(
                    "nobody consents to e-mail (is `email-opt-in` mapped?), so campaigns on consent have no contacts by e-mail"
                        .to_owned(),
                );
            }
            if !customers.unreadable.is_empty() {
                notes.push(format!(
                    "{} rows of the customer table were rejected: those customers are treated as objecting to profiling",
                    customers.unreadable.len()
                ));
            }
        }
        let rules = &job.settings.contact_rules;
        let is_blind = job.contacts.is_none() && !job.campaigns.is_empty();
        if is_blind && rules.limits.cap.is_some() {
            notes.push(
                "`[contact-rules] frequency-cap` keeps nobody away: there is no `[input.contacts]` to count".to_owned(),
            );
        }
        if is_blind && rules.limits.quiet.is_some() {
            notes.push(
                "`[contact-rules] quiet-period` sees returns only: without `[input.contacts]` no complaint is known"
                    .to_owned(),
            );
        }
        let n_erased = self.n_erased();
        if n_erased > 0 {
            notes.push(format!(
                "{n_erased} of the customers in the exports have been erased: they are left out of everything, and files with lines of theirs \
                 are not kept in the cache (erase them where the exports come from as well)"
            ));
        }
        for empty in self.records.iter().filter(|record| record.rows + record.rejected == 0) {
            notes.push(format!("`{}` has no rows", empty.path));
        }
        for id in job.product_rules.not_merchandise.iter().filter(|id| product_ids.position(id).is_none()) {
            notes.push(format!("`{id}`, named as not merchandise, is in no line"));
        }
        notes.extend(self.privacy_notes(job));
        if let Some(problem) = self.cache.as_ref().and_then(|cache| cache.problem.as_ref()) {
            notes.push(format!("{problem}; the next run reads those files again"));
        }
        if let Some(n) = self.cache.as_ref().map(|cache| cache.damaged).filter(|n| *n > 0) {
            notes.push(format!("{n} entries of the cache were not whole and were made anew (is the disk all right?)"));
        }
        self.notes.extend(notes);
    }
}

/// Share of customers that may be missing from the customer table before it is worth a note.
const MANY: f64 = 0.05;

/// Share of the memory limit that lines may take before they are put on disk.
const LINES_SHARE: u64 = 4;

/// Tables as they were read, before it is decided which lines count.
pub struct Tables {
    transactions: Option<LineTable>,
    customers: Option<TypedTable>,
    /// The customers themselves, and how many of their ids stand in rows that differ.
    listed: Option<(Customers, u64)>,
    products: Option<TypedTable>,
    contracts: Option<TypedTable>,
    responses: Option<TypedTable>,
    suppressions: Option<TypedTable>,
    baskets: Option<TypedTable>,
    contacts: Option<TypedTable>,
    invoices: Option<TypedTable>,
    cache: Option<CacheReport>,
}

/// Reads the tables of a job.
///
/// # Errors
/// Fails where a file cannot be read or understood.
pub fn read_tables(
    job: &Job,
    surroundings: &Surroundings,
    tombstones: &Tombstones,
    observer: &dyn Observer,
) -> Result<Tables, RunError> {
    let progress = |bytes: u64| observer.event(Event::Read { bytes });
    let optional = |spec: &TableSpec, source: &Option<TableSource>| {
        source.as_ref().map(|source| read_table(spec, source, Some(&progress))).transpose()
    };
    // Who objects must be known before lines are kept.
    let of_customers = optional(&CUSTOMERS, &job.customers)?;
    let listed = of_customers.as_ref().map(customers);
    let barred = Barred::of(listed.as_ref().map(|(customers, _)| customers), tombstones);
    let cache = job.cache.as_ref().filter(|_| surroundings.use_cache);
    let cache = cache.map(|rules| Cache::open(&rules.directory, rules.max_bytes, &barred));
    let spill = surroundings
        .memory_limit
        .map(|limit| Spill { above: limit / LINES_SHARE, directory: job.output.join(LINES_ON_DISK) });
    let reading = LineReading { progress: Some(&progress), cache: cache.as_ref(), spill, barred: Some(&barred) };
    let transactions = job.transactions.as_ref().map(|source| read_lines(source, &reading)).transpose();
    // What was read is kept even where another file ends the run.
    let cache = cache.map(Cache::finish);
    Ok(Tables {
        transactions: transactions?,
        customers: of_customers,
        listed,
        products: optional(&PRODUCTS, &job.products)?,
        contracts: optional(&CONTRACTS, &job.contracts)?,
        responses: optional(&RESPONSES, &job.responses)?,
        suppressions: optional(&SUPPRESSIONS, &job.suppressions)?,
        baskets: optional(&BASKETS, &job.baskets)?,
        contacts: optional(&CONTACTS, &job.contacts)?,
        invoices: optional(&INVOICES, &job.invoices)?,
        cache,
    })
}

/// A table: its name, its files, accepted rows, and rejected ones.
type Part<'a> = (&'static str, &'a [FileReport], usize, &'a [Reject]);

impl Tables {
    /// Returns every table with its name.
    fn named(&self) -> Vec<Part<'_>> {
        let lines = self.transactions.as_ref();
        let lines = lines
            .map(|lines| (TRANSACTIONS.name, &lines.files[..], lines.n_rows + lines.n_taken_out(), &lines.rejects[..]));
        let others = [
            (CUSTOMERS.name, self.customers.as_ref()),
            (PRODUCTS.name, self.products.as_ref()),
            (CONTRACTS.name, self.contracts.as_ref()),
            (RESPONSES.name, self.responses.as_ref()),
            (SUPPRESSIONS.name, self.suppressions.as_ref()),
            (BASKETS.name, self.baskets.as_ref()),
            (CONTACTS.name, self.contacts.as_ref()),
            (INVOICES.name, self.invoices.as_ref()),
        ];
        let others = others
            .into_iter()
            .filter_map(|(name, table)| table.map(|table| (name, &table.files[..], table.n_rows, &table.rejects[..])));
        lines.into_iter().chain(others).collect()
    }

    /// Returns the customers, those who were erased among them.
    pub fn customers(&self) -> Option<&Customers> {
        self.listed.as_ref().map(|(customers, _)| customers)
    }

    /// Returns the rejected rows of every table.
    pub fn rejects(&self) -> Vec<Reject> {
        self.named().into_iter().flat_map(|(.., rejects)| rejects.iter().cloned()).collect()
    }

    /// Returns name, rows read and rows rejected of every table.
    pub fn rows(&self) -> Vec<(&'static str, u64, u64)> {
        let rows = |(name, _, n_rows, rejects): Part<'_>| {
            let rejected = rejects.len() as u64;
            (name, n_rows as u64 + rejected, rejected)
        };
        self.named().into_iter().map(rows).collect()
    }

    /// Returns what the cache did, and whether lines are on disk, in a few words.
    pub fn remarks(&self) -> String {
        let cache = self.cache.as_ref().filter(|cache| cache.hits > 0);
        let cache = cache.map_or_else(String::new, |cache| {
            let n_files = self.transactions.as_ref().map_or(0, |lines| lines.files.len());
            format!(", from the cache: {} of {n_files} files", cache.hits)
        });
        let disk = if self.is_spilled() { ", lines on disk (memory limit)" } else { "" };
        format!("{cache}{disk}")
    }

    /// Puts ids in place of pseudonyms that came back.
    fn resolve(&mut self, key: &Key) {
        let known: Vec<&TypedTable> = self.customers.iter().chain(&self.contracts).collect();
        for table in [&mut self.responses, &mut self.suppressions, &mut self.contacts].into_iter().flatten() {
            resolve_pseudonyms(table, key, &known, self.transactions.as_ref());
        }
    }

    /// Takes those who were erased out of the customers; where there is no customer table, returns who they are. Where they had refused something, their addresses
    /// come with it.
    fn take_out_erased(
        &self,
        customers: Option<&mut Customers>,
        tombstones: &Tombstones,
    ) -> (Option<Customers>, Suppressions) {
        let with_customers = [
            self.customers.as_ref(),
            self.contracts.as_ref(),
            self.responses.as_ref(),
            self.baskets.as_ref(),
            self.contacts.as_ref(),
            self.invoices.as_ref(),
        ];
        let of_tables = with_customers.into_iter().flatten().flat_map(|table| erased_of_table(table, tombstones));
        let of_lines = self.transactions.iter().flat_map(LineTable::erased).map(|(id, _)| id.to_owned());
        let mut erased: Vec<String> = of_tables.chain(of_lines).collect();
        erased.sort_unstable();
        erased.dedup();
        match customers {
            _ if erased.is_empty() => (None, Suppressions::default()),
            Some(customers) => (None, customers.erase(erased)),
            None => (Some(Customers { erased, ..Customers::default() }), Suppressions::default()),
        }
    }

    fn is_spilled(&self) -> bool {
        self.transactions.as_ref().is_some_and(LineTable::is_spilled)
    }

    /// Decides which lines count; without transactions there is nothing to decide.
    ///
    /// # Errors
    /// Fails where currencies cannot be added up or no line is left.
    pub fn assemble<'a>(
        mut self,
        job: &'a Job,
        tombstones: &Tombstones,
        pseudonyms: Option<&Key>,
    ) -> Result<(Inputs, Option<Assembled<'a>>), RunError> {
        if let Some(key) = pseudonyms {
            self.resolve(key);
        }
        let (mut customers, customer_conflicts) = self.listed.take().unzip();
        let (only_erased, refused) = self.take_out_erased(customers.as_mut(), tombstones);
        let mut on_list = self.suppressions.as_ref().map(suppressions).unwrap_or_default();
        on_list.emails.extend(refused.emails);
        on_list.phones.extend(refused.phones);
        let leaving = customers.as_ref().or(only_erased.as_ref());
        let list = self.products.as_ref().map(ProductList::of);
        let unit_costs = |ids: &_| list.as_ref().map_or_else(Vec::new, |list| list.unit_costs(ids));
        let mut rejects = self.rejects();
        let records = self
            .named()
            .into_iter()
            .flat_map(|(name, files, ..)| files.iter().map(move |file| record(name, file, job)))
            .collect();
        let (mut rows, lines_on_disk) = (self.rows(), self.is_spilled());
        let lines = |table| assemble(table, unit_costs, &job.transaction_rules);
        let mut assembled = self.transactions.map(lines).transpose()?;
        // Checking the pipeline has seen to it that one of the two is there.
        let as_of = assembled.as_ref().map(|lines| lines.as_of).or(job.transaction_rules.as_of).unwrap_or_default();
        let further = Further::of(self.contracts.as_ref(), self.responses.as_ref(), job, as_of, leaving)?;
        for (table, _, rejected) in &mut rows {
            *rejected += further.rejects.iter().filter(|reject| reject.table == *table).count() as u64;
        }
        rejects.extend(further.rejects);
        let of_baskets = self.baskets.as_ref().map(|table| baskets(table, leaving)).transpose()?;
        let (no_ids, mut names) = (Ids::default(), Vec::new());
        let product_ids = match (&mut assembled, &of_baskets) {
            (Some(lines), _) => {
                names = std::mem::take(&mut lines.product_names);
                &lines.product_ids
            }
            (None, Some(baskets)) => {
                names.resize(baskets.product_ids.len(), String::new());
                &baskets.product_ids
            }
            (None, None) => &no_ids,
        };
        let mut products = describe(product_ids, &names, list.as_ref(), &job.product_rules);
        let mut notes = further.notes;
        notes.append(&mut products.notes);
        if let Some(lines) = &mut assembled {
            rejects.append(&mut lines.rejects);
            notes.splice(0..0, std::mem::take(&mut lines.notes));
        }
        let mut inputs = Inputs {
            as_of,
            counts: assembled.as_ref().map(|lines| lines.counts).unwrap_or_default(),
            notes,
            customers,
            only_erased,
            customer_conflicts: customer_conflicts.unwrap_or_default(),
            products,
            contracts: further.contracts,
            responses: further.responses,
            baskets: of_baskets,
            suppressions: on_list,
            contacts: self.contacts,
            invoices: self.invoices,
            records,
            rejects,
            rows,
            cache: self.cache,
            lines_on_disk,
        };
        let without_lines = further::customers_of(&inputs);
        let ids = assembled.as_ref().map_or(&without_lines, |lines| &lines.customer_ids);
        inputs.note_tables(job, ids, assembled.as_ref().map_or(&no_ids, |lines| &lines.product_ids));
        Ok((inputs, assembled))
    }
}

/// Writes down how a file was read.
pub fn record(table: &'static str, file: &FileReport, job: &Job) -> InputRecord {
    let columns: BTreeMap<String, String> =
        file.mapping.iter().map(|(canonical, header)| (canonical.to_string(), header.clone())).collect();
    InputRecord {
        table,
        path: shown(&job.below(table, &file.path)),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        rows: (file.rows + file.n_taken_out()) as u64,
        rejected: file.rejected as u64,
        columns,
        evidence: file.evidence.clone(),
    }
}

/// Shows a path without detours and with `/` on every platform.
pub fn shown(path: &Path) -> String {
    without_detours(path).to_string_lossy().replace('\\', "/")
}
