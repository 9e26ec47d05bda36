//! Lines become purchase days, orders, corrections and baskets in one pass over each customer's lines.
//!
//! Lines are brought together by customer with a counting sort, then chunks of customers are worked on in parallel and their rows
//! appended in order: the result is the same on any number of threads and for any order of the lines.
//!
//! `O(n log m)` time for `n` lines and `m` lines a customer; besides the result 8 bytes a line for the sort.

use rayon::prelude::*;

use super::purchase_days::NEVER;
use super::returns::{Correction, Line, ReturnCounts, gone_on, match_returns};
use super::{Baskets, Corrections, Dataset, Orders, PurchaseDays};
use crate::table::{LineKind, NO_COST, Products, Transactions};
use crate::units::{Day, NONE_IX};

/// Customers that one task works on.
const CHUNK: usize = 4_096;

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

/// Builds the dataset; `not_merchandise_in_revenue` keeps postage and fees inside revenue and purchase days, though never in baskets.
pub fn build(
    lines: &Transactions,
    products: Products,
    as_of: Day,
    not_merchandise_in_revenue: bool,
) -> (Dataset, BuildCounts) {
    let n_customers = lines.customer_ids.len();
    let (starts, by_customer) = group_by_customer(lines, n_customers);
    let gather = Gather { lines, products: &products, keep_all: not_merchandise_in_revenue };

    let chunks: Vec<Chunk> = (0..n_customers.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut out = Chunk::new(lines.has_cost());
            for customer in chunk * CHUNK..((chunk + 1) * CHUNK).min(n_customers) {
                let own = gather.lines_of(&by_customer[starts[customer]..starts[customer + 1]], &mut out.counts);
                out.add_customer(customer as u32, own, &products);
            }
            out
        })
        .collect();
    let mut guests = Chunk::new(lines.has_cost());
    let own = gather.lines_of(&by_customer[starts[n_customers]..], &mut guests.counts);
    let guest_revenue = guests.add_guests(own, &products);

    let mut total = Total::new(lines.has_cost(), lines.product_ids.len());
    for chunk in chunks.iter().chain([&guests]) {
        total.append(chunk);
    }
    total.add_product_sales(lines, &gather);
    let counts = BuildCounts {
        lines: lines.len() as u64,
        guest_lines: (by_customer.len() - starts[n_customers]) as u64,
        ..total.counts
    };
    let product_margin = total.product_margins();
    let data = Dataset {
        as_of,
        customer_ids: lines.customer_ids.clone(),
        product_ids: lines.product_ids.clone(),
        products,
        purchase_days: total.purchase_days,
        orders: total.orders,
        corrections: total.corrections,
        baskets: total.baskets,
        product_gross_revenue: total.product_gross,
        product_revenue: total.product_revenue,
        product_margin,
        guest_revenue,
    };
    (data, counts)
}

/// Returns the row starts of every customer, guests last, and the line numbers in that order.
fn group_by_customer(lines: &Transactions, n_customers: usize) -> (Vec<usize>, Vec<u32>) {
    let row = |customer: u32| if customer == NONE_IX { n_customers } else { customer as usize };
    let mut starts = vec![0_usize; n_customers + 2];
    for customer in &lines.customer {
        starts[row(*customer) + 1] += 1;
    }
    for ix in 1..starts.len() {
        starts[ix] += starts[ix - 1];
    }
    let mut next = starts.clone();
    let mut grouped = vec![0_u32; lines.len()];
    for (line, customer) in lines.customer.iter().enumerate() {
        let slot = &mut next[row(*customer)];
        grouped[*slot] = line as u32;
        *slot += 1;
    }
    (starts, grouped)
}

struct Gather<'a> {
    lines: &'a Transactions,
    products: &'a Products,
    keep_all: bool,
}

impl Gather<'_> {
    fn is_merchandise(&self, product: u32) -> bool {
        product == NONE_IX || !self.products.not_merchandise[product as usize]
    }

    fn counts_as_revenue(&self, product: u32) -> bool {
        self.keep_all || self.is_merchandise(product)
    }

    /// Copies one customer's lines together, in chronological order.
    fn lines_of(&self, rows: &[u32], counts: &mut BuildCounts) -> Vec<Line> {
        let t = self.lines;
        let mut own = Vec::with_capacity(rows.len());
        for row in rows {
            let row = *row as usize;
            if !self.counts_as_revenue(t.product[row]) {
                counts.not_merchandise_lines += 1;
                counts.not_merchandise_revenue += i128::from(t.amount[row]);
                continue;
            }
            counts.adjustments += u64::from(t.kind[row] == LineKind::Adjustment);
            own.push(Line {
                day: t.day[row],
                millis: t.millis.get(row).copied().unwrap_or(0),
                order: t.order[row],
                product: t.product[row],
                kind: t.kind[row],
                quantity: t.quantity[row],
                amount: t.amount[row],
                cost: t.cost.get(row).copied().unwrap_or(NO_COST),
                gone_on: NEVER,
            });
        }
        own.sort_unstable();
        own
    }
}

/// The rows of a run of customers.
struct Chunk {
    has_cost: bool,
    purchase_days: PurchaseDays,
    orders: Orders,
    corrections: Corrections,
    baskets: Baskets,
    /// Product, revenue, cost of each correction.
    product_changes: Vec<(u32, i64, i64)>,
    counts: BuildCounts,
}

impl Chunk {
    fn new(has_cost: bool) -> Self {
        Self {
            has_cost,
            purchase_days: PurchaseDays::default(),
            orders: Orders::default(),
            corrections: Corrections::default(),
            baskets: Baskets::default(),
            product_changes: Vec::new(),
            counts: BuildCounts::default(),
        }
    }

    fn add_customer(&mut self, customer: u32, mut lines: Vec<Line>, products: &Products) {
        let mut corrections: Vec<Correction> = Vec::new();
        match_returns(&mut lines, &mut corrections, &mut self.counts.returns);
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
        for correction in &corrections {
            self.corrections.day.push(correction.day);
            self.corrections.known_on.push(correction.known_on);
            self.corrections.revenue.push(correction.revenue);
            if self.has_cost {
                self.corrections.cost.push(correction.cost);
            }
            self.product_changes.push((correction.product, correction.revenue, correction.cost));
        }
        self.corrections.starts.push(self.corrections.day.len());
        self.add_orders(customer, &mut lines, products);
        self.orders.starts.push(self.orders.day.len());
    }

    /// Adds the baskets of lines without a customer and returns their net revenue.
    fn add_guests(&mut self, mut lines: Vec<Line>, products: &Products) -> i128 {
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
    fn add_orders(&mut self, customer: u32, lines: &mut [Line], products: &Products) {
        lines.sort_unstable_by_key(|line| (line.day, line.order, line.product, line.gone_on));
        for order in lines.chunk_by(|a, b| (a.day, a.order) == (b.day, b.order) && a.order != NONE_IX) {
            let day = order[0].day;
            self.orders.day.push(day);
            self.orders.gone_on.push(gone_on(order));
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

/// Sums costs; one unknown cost makes the sum unknown.
fn sum_known(costs: impl Iterator<Item = i64>) -> i64 {
    costs.into_iter().fold(0, |sum, cost| if sum == NO_COST || cost == NO_COST { NO_COST } else { sum + cost })
}

/// All chunks, appended in order.
struct Total {
    purchase_days: PurchaseDays,
    orders: Orders,
    corrections: Corrections,
    baskets: Baskets,
    product_gross: Vec<i64>,
    product_revenue: Vec<i64>,
    product_cost: Vec<i64>,
    counts: BuildCounts,
}

impl Total {
    fn new(has_cost: bool, n_products: usize) -> Self {
        Self {
            purchase_days: PurchaseDays { starts: vec![0], ..PurchaseDays::default() },
            orders: Orders { starts: vec![0], ..Orders::default() },
            corrections: Corrections { starts: vec![0], ..Corrections::default() },
            baskets: Baskets { starts: vec![0], ..Baskets::default() },
            product_gross: vec![0; n_products],
            product_revenue: vec![0; n_products],
            product_cost: if has_cost { vec![0; n_products] } else { Vec::new() },
            counts: BuildCounts::default(),
        }
    }

    fn append(&mut self, chunk: &Chunk) {
        let shifted = |starts: &mut Vec<usize>, more: &[usize]| {
            let by = *starts.last().expect("a row table starts with 0");
            starts.extend(more.iter().map(|start| start + by));
        };
        let items = self.baskets.product.len();
        shifted(&mut self.purchase_days.starts, &chunk.purchase_days.starts);
        self.purchase_days.day.extend_from_slice(&chunk.purchase_days.day);
        self.purchase_days.gone_on.extend_from_slice(&chunk.purchase_days.gone_on);
        self.purchase_days.gross.extend_from_slice(&chunk.purchase_days.gross);
        self.purchase_days.cost.extend_from_slice(&chunk.purchase_days.cost);
        shifted(&mut self.orders.starts, &chunk.orders.starts);
        self.orders.day.extend_from_slice(&chunk.orders.day);
        self.orders.gone_on.extend_from_slice(&chunk.orders.gone_on);
        shifted(&mut self.corrections.starts, &chunk.corrections.starts);
        self.corrections.day.extend_from_slice(&chunk.corrections.day);
        self.corrections.known_on.extend_from_slice(&chunk.corrections.known_on);
        self.corrections.revenue.extend_from_slice(&chunk.corrections.revenue);
        self.corrections.cost.extend_from_slice(&chunk.corrections.cost);
        shifted(&mut self.baskets.starts, &chunk.baskets.starts);
        self.baskets.customer.extend_from_slice(&chunk.baskets.customer);
        self.baskets.day.extend_from_slice(&chunk.baskets.day);
        self.baskets.product.extend_from_slice(&chunk.baskets.product);
        self.baskets.returned.extend(chunk.baskets.returned.iter().map(|(item, on)| (item + items, *on)));
        for (product, revenue, cost) in &chunk.product_changes {
            if *product != NONE_IX {
                self.product_revenue[*product as usize] += revenue;
                if let Some(sum) = self.product_cost.get_mut(*product as usize) {
                    *sum = sum_known([*sum, *cost].into_iter());
                }
            }
        }
        self.counts.returns.add(&chunk.counts.returns);
        self.counts.adjustments += chunk.counts.adjustments;
        self.counts.not_merchandise_lines += chunk.counts.not_merchandise_lines;
        self.counts.not_merchandise_revenue += chunk.counts.not_merchandise_revenue;
    }

    /// Adds the sale lines of identified customers to the sums of their products.
    fn add_product_sales(&mut self, lines: &Transactions, gather: &Gather<'_>) {
        for row in 0..lines.len() {
            let product = lines.product[row];
            let counted = lines.kind[row] == LineKind::Sale
                && lines.customer[row] != NONE_IX
                && product != NONE_IX
                && gather.counts_as_revenue(product);
            if counted {
                let product = product as usize;
                self.product_gross[product] += lines.amount[row];
                self.product_revenue[product] += lines.amount[row];
                if let Some(sum) = self.product_cost.get_mut(product) {
                    *sum = sum_known([*sum, lines.cost[row]].into_iter());
                }
            }
        }
    }

    fn product_margins(&self) -> Vec<Option<i64>> {
        let margin = |(revenue, cost): (&i64, &i64)| (*cost != NO_COST).then(|| revenue - cost);
        self.product_revenue.iter().zip(&self.product_cost).map(margin).collect()
    }
}
