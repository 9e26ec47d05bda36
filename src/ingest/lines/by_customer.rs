//! Lines by customer: each line is worked out once, and the lines of a range of customers stand together at a time.
//!
//! Customers are cut into groups of about [`GROUP_LINES`] lines, and groups into a few passes. A pass goes over all chunks in parallel and
//! sorts the lines of each by group; a group is then a slice of every chunk. Memory that is used again is cheap, memory that must be
//! cleared first is not: several small passes are faster than one.
//!
//! `O(lines)`, and a look at the customer of every line for each pass; 56 bytes a line of the pass.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::decide::{Assembled, NO_RANK};
use super::store::Chunk;
use crate::features::{DatasetBuilder, GROUP_CUSTOMERS};
use crate::ingest::IngestError;
use crate::ingest::packed::code;
use crate::table::{Line, LineKind, NO_CHANNEL, NO_COST, NO_ORDER};
use crate::units::NONE_IX;

/// Lines of a group, about: what a core's cache holds.
const GROUP_LINES: u64 = 32_768;

/// Passes over a large base, unless memory is limited.
const PASSES: u64 = 8;

/// Lines of one pass over a small base.
const PASS_LINES: u64 = 1_000_000;

/// Lines of one chunk, sorted by group of customers.
#[derive(Default)]
struct Sorted {
    /// Rows of the chunk and their groups.
    rows: Vec<(u32, u32)>,
    lines: Vec<Line>,
    /// Where each group begins, and the end.
    starts: Vec<u32>,
}

/// Groups of customers that are worked on in one pass.
struct Pass {
    groups: Vec<Range<u32>>,
    n_lines: u64,
}

impl Assembled<'_> {
    /// Adds every line of an identified customer to the dataset, returns those of guests, and lets go of all; at most `lines_at_once`
    /// lines are worked on at a time.
    ///
    /// # Errors
    /// Fails where lines on disk cannot be read.
    pub fn feed(self, builder: &mut DatasetBuilder, lines_at_once: u64) -> Result<Vec<Line>, IngestError> {
        let passes = self.passes(lines_at_once.min(PASS_LINES.max(self.n_lines / PASSES)));
        let mut sorted: Vec<Mutex<Sorted>> = self.table.store.map(|_, _| Mutex::default())?;
        for pass in passes {
            self.table.store.map(|ix, chunk| {
                // Each chunk has a buffer of its own; nobody waits.
                let mut sorted = sorted[ix].lock().unwrap_or_else(PoisonError::into_inner);
                self.sort(ix, chunk, &pass.groups, &mut sorted);
            })?;
            let of_chunks: Vec<&Sorted> =
                sorted.iter_mut().map(|sorted| &*sorted.get_mut().unwrap_or_else(PoisonError::into_inner)).collect();
            builder.add(&pass.groups, |group, lines| {
                for Sorted { lines: of_chunk, starts, .. } in &of_chunks {
                    lines.extend_from_slice(&of_chunk[starts[group] as usize..starts[group + 1] as usize]);
                }
            });
        }
        drop(sorted);
        let of_chunks = self.table.store.map(|ix, chunk| {
            let (counts, line) = (self.left.of(ix, chunk), self.line_of(chunk));
            let customer = chunk.codes("customer_id");
            (0..chunk.n_rows)
                .filter(|row| code(customer, *row) == NONE_IX && counts(*row))
                .map(line)
                .collect::<Vec<_>>()
        })?;
        drop(self);
        let mut guests = Vec::with_capacity(of_chunks.iter().map(Vec::len).sum());
        of_chunks.into_iter().for_each(|lines| guests.extend_from_slice(&lines));
        Ok(guests)
    }

    fn passes(&self, lines_at_once: u64) -> Vec<Pass> {
        let n_customers = self.n_lines_of.len() as u64;
        let n_lines: u64 = self.n_lines_of.iter().map(|n| u64::from(*n)).sum();
        let per_group = (n_customers * GROUP_LINES / n_lines.max(1)).clamp(1, u64::from(GROUP_CUSTOMERS)) as u32;
        let mut passes: Vec<Pass> = Vec::new();
        for from in (0..n_customers as u32).step_by(per_group as usize) {
            let group = from..from.saturating_add(per_group).min(n_customers as u32);
            let lines: u64 =
                self.n_lines_of[group.start as usize..group.end as usize].iter().map(|n| u64::from(*n)).sum();
            match passes.last_mut() {
                Some(pass) if pass.n_lines + lines <= lines_at_once => {
                    pass.groups.push(group);
                    pass.n_lines += lines;
                }
                _ => passes.push(Pass { groups: vec![group], n_lines: lines }),
            }
        }
        passes
    }

    /// Works out the lines of the customers of a pass and sorts them by group, into `sorted`.
    fn sort(&self, ix: usize, chunk: &Chunk, groups: &[Range<u32>], sorted: &mut Sorted) {
        let Sorted { rows, lines, starts } = sorted;
        let counts = self.left.of(ix, chunk);
        let (first, per_group) = (groups[0].start, groups[0].len() as u32);
        let n_customers = groups[groups.len() - 1].end - first;
        let customer = chunk.codes("customer_id");
        starts.clear();
        starts.resize(groups.len() + 1, 0);
        rows.clear();
        for (row, customer) in customer.iter().enumerate() {
            let offset = self.rank_of(chunk, *customer).wrapping_sub(first);
            if offset < n_customers && counts(row) {
                let group = offset / per_group;
                rows.push((row as u32, group));
                starts[group as usize + 1] += 1;
            }
        }
        for group in 1..starts.len() {
            starts[group] += starts[group - 1];
        }
        let mut next = starts.clone();
        let line = self.line_of(chunk);
        lines.clear();
        lines.resize(rows.len(), NO_LINE);
        for (row, group) in rows {
            let slot = &mut next[*group as usize];
            lines[*slot as usize] = line(*row as usize);
            *slot += 1;
        }
    }

    /// Returns the rank of a customer; at least [`NO_RANK`] for guests and for those none of whose lines counts.
    fn rank_of(&self, chunk: &Chunk, customer: u32) -> u32 {
        if chunk.is_ranked || customer == NONE_IX {
            customer
        } else {
            self.customer_rank[customer as usize].min(NO_RANK)
        }
    }

    fn line_of<'c>(&'c self, chunk: &'c Chunk) -> impl Fn(usize) -> Line + 'c {
        let ((days, millis), (order, keys)) = (chunk.date(), chunk.orders());
        let (customer, product) = (chunk.codes("customer_id"), chunk.codes("product_id"));
        let (worth_of, terms_of) = (self.worth.of_chunk(&self.table, chunk), self.terms.of_chunk(chunk));
        move |row| {
            let (worth, (channel, is_discounted)) = (worth_of(row), terms_of(row));
            Line {
                customer: self.rank_of(chunk, code(customer, row)),
                product: self.product_rank.get(code(product, row) as usize).copied().unwrap_or(NONE_IX),
                order: keys.get(code(order, row) as usize).copied().unwrap_or(NO_ORDER),
                day: days.at(row),
                millis: millis.get(row).copied().unwrap_or(0),
                quantity: worth.quantity,
                amount: worth.amount,
                cost: worth.cost,
                kind: worth.kind,
                channel,
                is_discounted,
            }
        }
    }
}

const NO_LINE: Line = Line {
    customer: NONE_IX,
    product: NONE_IX,
    order: NO_ORDER,
    day: 0,
    millis: 0,
    quantity: 0,
    amount: 0,
    cost: NO_COST,
    kind: LineKind::Sale,
    channel: NO_CHANNEL,
    is_discounted: false,
};
