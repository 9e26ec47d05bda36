//! The rows of the dataset: built for a chunk of customers, appended chunk by chunk, columns in parallel.

use super::build::{BuildCounts, Outline};
use super::product_sums::{ProductSums, sum_known};
use super::purchase_days::NEVER;
use super::returns::{Correction, OwnLine, gone_on, match_returns};
use super::{Baskets, Corrections, Orders, PurchaseDays};
use crate::table::{LineKind, NO_CHANNEL, NO_ORDER, Products};
use crate::units::NONE_IX;

/// The rows of a chunk of customers; row starts hold the ends only.
pub(super) struct Rows {
    has_cost: bool,
    has_channels: bool,
    has_discounts: bool,
    purchase_days: PurchaseDays,
    orders: Orders,
    corrections: Corrections,
    baskets: Baskets,
    pub counts: BuildCounts,
}

impl Rows {
    /// Makes room for what `n_lines` usually become.
    pub fn new(outline: &Outline, n_lines: usize) -> Self {
        let n = n_lines / 2;
        Self {
            has_cost: outline.has_cost,
            has_channels: !outline.channels.is_empty(),
            has_discounts: outline.has_discounts,
            purchase_days: PurchaseDays {
                starts: Vec::new(),
                day: Vec::with_capacity(n),
                gone_on: Vec::with_capacity(n),
                gross: Vec::with_capacity(n),
                cost: Vec::with_capacity(if outline.has_cost { n } else { 0 }),
            },
            orders: Orders {
                starts: Vec::new(),
                day: Vec::with_capacity(n),
                gone_on: Vec::with_capacity(n),
                channel: Vec::with_capacity(if outline.channels.is_empty() { 0 } else { n }),
                is_discounted: Vec::with_capacity(if outline.has_discounts { n } else { 0 }),
            },
            corrections: Corrections::default(),
            baskets: Baskets {
                starts: Vec::with_capacity(n),
                customer: Vec::with_capacity(n),
                day: Vec::with_capacity(n),
                product: Vec::with_capacity(n_lines),
                returned: Vec::new(),
            },
            counts: BuildCounts::default(),
        }
    }

    /// Adds a customer by chronological lines, and leaves in `corrections` what changed in money.
    pub fn add_customer(
        &mut self,
        customer: u32,
        lines: &mut Vec<OwnLine>,
        corrections: &mut Vec<Correction>,
        products: &Products,
    ) {
        corrections.clear();
        match_returns(lines, corrections, &mut self.counts.returns);
        lines.retain(|line| line.kind == LineKind::Sale);

        for day in lines.chunk_by(|a, b| a.day == b.day) {
            let days = &mut self.purchase_days;
            days.day.push(day[0].day);
            days.gone_on.push(gone_on(day));
            days.gross.push(day.iter().map(|line| line.amount).sum());
            if self.has_cost {
                days.cost.push(sum_known(day.iter().map(|line| line.cost)));
            }
        }
        self.purchase_days.starts.push(self.purchase_days.day.len());

        corrections.sort_unstable();
        for correction in corrections.iter() {
            self.corrections.day.push(correction.day);
            self.corrections.known_on.push(correction.known_on);
            self.corrections.revenue.push(correction.revenue);
            if self.has_cost {
                self.corrections.cost.push(correction.cost);
            }
        }
        self.corrections.starts.push(self.corrections.day.len());
        self.add_orders(customer, lines, products);
        self.orders.starts.push(self.orders.day.len());
    }

    /// Adds the baskets of lines without a customer and returns their net revenue.
    pub fn add_guests(&mut self, mut lines: Vec<OwnLine>, products: &Products) -> i128 {
        let revenue =
            lines.iter().filter(|line| line.kind != LineKind::Cancelled).map(|line| i128::from(line.amount)).sum();
        lines.retain(|line| line.kind == LineKind::Sale);
        let orders = std::mem::take(&mut self.orders);
        self.add_orders(NONE_IX, &mut lines, products);
        self.orders = orders;
        revenue
    }

    /// Adds the orders and baskets of one customer's sales.
    ///
    /// A line without an order id is an order of its own; a receipt number that returns on another day is another order.
    fn add_orders(&mut self, customer: u32, lines: &mut [OwnLine], products: &Products) {
        lines.sort_unstable_by_key(|line| (line.day, line.order, line.product, line.gone_on));
        for order in lines.chunk_by(|a, b| (a.day, a.order) == (b.day, b.order) && a.order != NO_ORDER) {
            let day = order[0].day;
            self.orders.day.push(day);
            self.orders.gone_on.push(gone_on(order));
            if self.has_channels {
                // Unknown is the largest.
                self.orders.channel.push(order.iter().map(|line| line.channel).min().unwrap_or(NO_CHANNEL));
            }
            if self.has_discounts {
                self.orders.is_discounted.push(order.iter().any(|line| line.is_discounted));
            }
            let before = self.baskets.product.len();
            for item in order.chunk_by(|a, b| a.product == b.product) {
                let product = item[0].product;
                if product == NONE_IX || products.not_merchandise[product as usize] {
                    continue;
                }
                let gone = gone_on(item);
                if gone != NEVER {
                    self.baskets.returned.push((self.baskets.product.len(), gone));
                }
                self.baskets.product.push(product);
            }
            if self.baskets.product.len() > before {
                self.baskets.customer.push(customer);
                self.baskets.day.push(day);
                self.baskets.starts.push(self.baskets.product.len());
            }
        }
    }
}

/// All chunks, appended in order.
pub(super) struct Total {
    pub purchase_days: PurchaseDays,
    pub orders: Orders,
    pub corrections: Corrections,
    pub baskets: Baskets,
    pub products: ProductSums,
    pub counts: BuildCounts,
}

impl Total {
    pub fn new(outline: &Outline) -> Self {
        Self {
            purchase_days: PurchaseDays { starts: vec![0], ..PurchaseDays::default() },
            orders: Orders { starts: vec![0], ..Orders::default() },
            corrections: Corrections { starts: vec![0], ..Corrections::default() },
            baskets: Baskets { starts: vec![0], ..Baskets::default() },
            products: ProductSums::new(outline),
            counts: BuildCounts::default(),
        }
    }

    /// Appends the rows of further chunks, columns in parallel; the first time `expected` times their rows are made room for, because
    /// to grow is to copy.
    pub fn append(&mut self, chunks: &[Rows], expected: f64) {
        let Self { purchase_days: days, orders, corrections, baskets, products: _, counts } = self;
        rayon::scope(|scope| {
            scope.spawn(|_| extend_ends(&mut days.starts, chunks, expected, |rows| &rows.purchase_days.starts));
            scope.spawn(|_| extend(&mut days.day, chunks, expected, |rows| &rows.purchase_days.day));
            scope.spawn(|_| extend(&mut days.gone_on, chunks, expected, |rows| &rows.purchase_days.gone_on));
            scope.spawn(|_| extend(&mut days.gross, chunks, expected, |rows| &rows.purchase_days.gross));
            scope.spawn(|_| extend(&mut days.cost, chunks, expected, |rows| &rows.purchase_days.cost));
            scope.spawn(|_| extend_ends(&mut orders.starts, chunks, expected, |rows| &rows.orders.starts));
            scope.spawn(|_| extend(&mut orders.day, chunks, expected, |rows| &rows.orders.day));
            scope.spawn(|_| extend(&mut orders.gone_on, chunks, expected, |rows| &rows.orders.gone_on));
            scope.spawn(|_| extend(&mut orders.channel, chunks, expected, |rows| &rows.orders.channel));
            scope.spawn(|_| extend(&mut orders.is_discounted, chunks, expected, |rows| &rows.orders.is_discounted));
            scope.spawn(|_| extend_ends(&mut corrections.starts, chunks, expected, |rows| &rows.corrections.starts));
            scope.spawn(|_| extend(&mut corrections.day, chunks, expected, |rows| &rows.corrections.day));
            scope.spawn(|_| extend(&mut corrections.known_on, chunks, expected, |rows| &rows.corrections.known_on));
            scope.spawn(|_| extend(&mut corrections.revenue, chunks, expected, |rows| &rows.corrections.revenue));
            scope.spawn(|_| extend(&mut corrections.cost, chunks, expected, |rows| &rows.corrections.cost));
            scope.spawn(|_| extend_ends(&mut baskets.starts, chunks, expected, |rows| &rows.baskets.starts));
            scope.spawn(|_| extend(&mut baskets.customer, chunks, expected, |rows| &rows.baskets.customer));
            scope.spawn(|_| extend(&mut baskets.day, chunks, expected, |rows| &rows.baskets.day));
            scope.spawn(|_| {
                make_room(&mut baskets.product, chunks.iter().map(|rows| rows.baskets.product.len()).sum(), expected);
                for rows in chunks {
                    let items = baskets.product.len();
                    baskets.returned.extend(rows.baskets.returned.iter().map(|(item, on)| (item + items, *on)));
                    baskets.product.extend_from_slice(&rows.baskets.product);
                }
            });
        });
        for rows in chunks {
            counts.lines += rows.counts.lines;
            counts.guest_lines += rows.counts.guest_lines;
            counts.returns.add(&rows.counts.returns);
            counts.adjustments += rows.counts.adjustments;
            counts.not_merchandise_lines += rows.counts.not_merchandise_lines;
            counts.not_merchandise_revenue += rows.counts.not_merchandise_revenue;
        }
    }
}

/// Share by which the rest of a base may be larger than its first part lets expect.
const ROOM: f64 = 1.03;

fn make_room<T>(all: &mut Vec<T>, n_more: usize, expected: f64) {
    if all.len() < 2 {
        all.reserve_exact((n_more as f64 * expected.max(1.0) * ROOM) as usize);
    } else {
        all.reserve(n_more);
    }
}

fn extend<T: Copy>(all: &mut Vec<T>, chunks: &[Rows], expected: f64, column: impl Fn(&Rows) -> &Vec<T>) {
    make_room(all, chunks.iter().map(|rows| column(rows).len()).sum(), expected);
    chunks.iter().for_each(|rows| all.extend_from_slice(column(rows)));
}

/// Appends row ends, counted on from the last one.
fn extend_ends(all: &mut Vec<usize>, chunks: &[Rows], expected: f64, ends: impl Fn(&Rows) -> &Vec<usize>) {
    make_room(all, chunks.iter().map(|rows| ends(rows).len()).sum(), expected);
    for rows in chunks {
        let by = *all.last().expect("a row table starts with 0");
        all.extend(ends(rows).iter().map(|end| end + by));
    }
}
