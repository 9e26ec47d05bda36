//! Lines become purchase days, orders, corrections and baskets in one pass over each customer's lines.
//!
//! Customers are worked on in chunks and in parallel: a source puts the lines of a chunk together, a counting sort brings them to their
//! customers, and the rows of the chunks are appended in order. The result is the same on any number of threads, for any order of the
//! lines and for any cut into chunks.
//!
//! `O(n log m)` time for `n` lines and `m` lines a customer; besides the result the lines of the chunks that are worked on.

use std::ops::Range;

use rayon::prelude::*;

use super::Dataset;
use super::product_sums::ProductSums;
use super::purchase_days::NEVER;
use super::returns::{OwnLine, ReturnCounts};
use super::rows::{Rows, Total};
use crate::table::{Contacts, Ids, Invoices, Line, LineKind, Products};
use crate::units::{Day, NONE_IX};

/// What was seen on the way, for manifest and summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildCounts {
    pub lines: u64,
    pub guest_lines: u64,
    pub returns: ReturnCounts,
    pub adjustments: u64,
    /// Lines of postage, vouchers and fees that were left out of revenue, and their money.
    pub not_merchandise_lines: u64,
    pub not_merchandise_revenue: i128,
}

/// What the base consists of, known before its lines are looked at one by one.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Customers with at least one line, ascending.
    pub customer_ids: Ids,
    pub product_ids: Ids,
    pub products: Products,
    pub as_of: Day,
    /// Lines of all customers and guests together, for making room.
    pub n_lines: u64,
    /// Says whether the cost of any line is known, so that margins can be computed.
    pub has_cost: bool,
    /// Channels, ascending; empty where none is known.
    pub channels: Ids,
    /// Says whether the export tells of discounts.
    pub has_discounts: bool,
    /// Keeps postage and fees inside revenue and purchase days, though never in baskets.
    pub not_merchandise_in_revenue: bool,
}

/// Builds a dataset from the lines of one range of customers after another.
pub struct DatasetBuilder {
    outline: Outline,
    total: Total,
}

impl DatasetBuilder {
    /// Starts without a line.
    pub fn new(outline: Outline) -> Self {
        let total = Total::new(&outline);
        Self { outline, total }
    }

    /// Adds the customers of `chunks`, which begin where the last ones ended; `lines_of` appends all lines of a chunk.
    pub fn add(&mut self, chunks: &[Range<u32>], lines_of: impl Fn(usize, &mut Vec<Line>) + Sync) {
        let gather = Gather { outline: &self.outline };
        let parts: Vec<Part> = chunks
            .par_iter()
            .enumerate()
            .fold(Part::default, |mut part, (ix, customers)| {
                part.lines.clear();
                lines_of(ix, &mut part.lines);
                let sums = part.sums.get_or_insert_with(|| ProductSums::new(&self.outline));
                part.rows.push(gather.chunk(customers, &part.lines, sums));
                part
            })
            .collect();
        let mut rows = Vec::with_capacity(chunks.len());
        for part in parts {
            part.sums.iter().for_each(|sums| self.total.products.add(sums));
            rows.extend(part.rows);
        }
        // One customer may have most of the lines: what comes is bounded by customers and by lines.
        let n_customers: usize = chunks.iter().map(Range::len).sum();
        let n_lines: u64 = rows.iter().map(|rows| rows.counts.lines).sum();
        let by_customers = self.outline.customer_ids.len() as f64 / n_customers.max(1) as f64;
        let by_lines = self.outline.n_lines as f64 / n_lines.max(1) as f64;
        self.total.append(&rows, by_customers.min(by_lines));
    }

    /// Adds the lines without a customer, after those of all customers, and returns the base.
    pub fn finish(self, guests: Vec<Line>) -> (Dataset, BuildCounts) {
        let mut chunk = Rows::new(&self.outline, guests.len());
        let gather = Gather { outline: &self.outline };
        let n_guests = guests.len() as u64;
        let mut own: Vec<OwnLine> = guests.iter().filter_map(|line| gather.own(line, &mut chunk.counts)).collect();
        drop(guests);
        own.sort_unstable();
        let guest_revenue = chunk.add_guests(own, &self.outline.products);
        chunk.counts.lines = n_guests;
        chunk.counts.guest_lines = n_guests;
        let mut total = self.total;
        total.append(std::slice::from_ref(&chunk), 1.0);
        let data = Dataset {
            as_of: self.outline.as_of,
            customer_ids: self.outline.customer_ids,
            attributes: Vec::new(),
            contracts: None,
            contacts: Contacts::default(),
            invoices: Invoices::default(),
            responses: None,
            channels: self.outline.channels,
            product_ids: self.outline.product_ids,
            products: self.outline.products,
            purchase_days: total.purchase_days,
            orders: total.orders,
            corrections: total.corrections,
            baskets: total.baskets,
            product_margin: total.products.margins(),
            product_gross_revenue: total.products.gross,
            product_quantity: total.products.quantity,
            product_revenue: total.products.revenue,
            guest_revenue,
        };
        (data, total.counts)
    }
}

/// Consecutive chunks that one task worked on.
#[derive(Default)]
struct Part {
    rows: Vec<Rows>,
    sums: Option<ProductSums>,
    /// Lines of the chunk at work.
    lines: Vec<Line>,
}

/// Most customers of a chunk.
pub const GROUP_CUSTOMERS: u32 = 4_096;

/// Builds the dataset of lines that are all in memory, in any order.
pub fn build(outline: Outline, lines: &[Line]) -> (Dataset, BuildCounts) {
    let n_customers = outline.customer_ids.len() as u32;
    let chunks: Vec<Range<u32>> = (0..n_customers)
        .step_by(GROUP_CUSTOMERS as usize)
        .map(|from| from..(from + GROUP_CUSTOMERS).min(n_customers))
        .collect();
    let mut builder = DatasetBuilder::new(outline);
    builder.add(&chunks, |ix, of_chunk| {
        of_chunk.extend(lines.iter().filter(|line| chunks[ix].contains(&line.customer)));
    });
    let guests: Vec<Line> = lines.iter().filter(|line| line.customer == NONE_IX).copied().collect();
    builder.finish(guests)
}

/// Turns the lines of a chunk into rows.
struct Gather<'a> {
    outline: &'a Outline,
}

impl Gather<'_> {
    fn counts_as_revenue(&self, product: u32) -> bool {
        self.outline.not_merchandise_in_revenue
            || product == NONE_IX
            || !self.outline.products.not_merchandise[product as usize]
    }

    fn chunk(&self, customers: &Range<u32>, lines: &[Line], sums: &mut ProductSums) -> Rows {
        let mut out = Rows::new(self.outline, lines.len());
        out.counts.lines = lines.len() as u64;
        let row = |line: &Line| (line.customer - customers.start) as usize;
        let mut starts = vec![0_u32; customers.len() + 1];
        for line in lines {
            starts[row(line) + 1] += 1;
        }
        for ix in 1..starts.len() {
            starts[ix] += starts[ix - 1];
        }
        let mut next = starts.clone();
        let mut by_customer = vec![0_u32; lines.len()];
        for (ix, line) in lines.iter().enumerate() {
            let slot = &mut next[row(line)];
            by_customer[*slot as usize] = ix as u32;
            *slot += 1;
        }
        let (mut own, mut corrections) = (Vec::new(), Vec::new());
        for customer in 0..customers.len() {
            own.clear();
            for ix in &by_customer[starts[customer] as usize..starts[customer + 1] as usize] {
                own.extend(self.own(&lines[*ix as usize], &mut out.counts));
            }
            own.sort_unstable();
            sums.add_sales(&own);
            out.add_customer(customers.start + customer as u32, &mut own, &mut corrections, &self.outline.products);
            sums.add_corrections(&corrections);
        }
        out
    }

    /// Returns a line as its customer's history needs it, or nothing where it is left out of revenue.
    fn own(&self, line: &Line, counts: &mut BuildCounts) -> Option<OwnLine> {
        if !self.counts_as_revenue(line.product) {
            counts.not_merchandise_lines += 1;
            counts.not_merchandise_revenue += i128::from(line.amount);
            return None;
        }
        counts.adjustments += u64::from(line.kind == LineKind::Adjustment);
        Some(OwnLine {
            day: line.day,
            millis: line.millis,
            order: line.order,
            product: line.product,
            kind: line.kind,
            quantity: line.quantity,
            amount: line.amount,
            cost: line.cost,
            channel: line.channel,
            is_discounted: line.is_discounted,
            gone_on: NEVER,
        })
    }
}
