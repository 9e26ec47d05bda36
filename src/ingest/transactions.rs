//! Typed transaction columns become [`Transactions`]: one money, one sign, one kind a line, overlaps counted once, dense ids.
//!
//! Money is exact: quantity × unit price is multiplied as integers and rounded half away from zero to the minor unit, per line.

use std::ops::Range;

use super::assemble_error::AssembleError;
use super::columns::Columns;
use super::currency::{Currency, rates_per_code};
use super::dates_covered::{Covered, cover};
use super::overlap::{LineKey, OverlapCounts, count_once};
use super::{NO_NUMBER, Reject, TypedTable, reject_rows};
use crate::table::{Customers, Ids, LineKind, NO_COST, Transactions};
use crate::units::{Day, NONE_IX, QUANTITY_SCALE};

/// Millionths in one minor unit of money.
const MILLIONTHS_PER_MINOR: i64 = 10_000;

/// Millionths in one thousandth of a piece.
const MILLIONTHS_PER_THOUSANDTH: i64 = 1_000;

/// What the pipeline says about transactions beyond where they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransactionRules {
    /// Last day that the data covers; found in the data where not given.
    pub as_of: Option<Day>,
    pub currency: Currency,
    pub returns: ReturnRules,
}

/// How cancellations are marked; an empty list says that there is no such mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnRules {
    /// Order ids that start so mark a cancellation; recognised where not given.
    pub order_prefixes: Option<Vec<String>>,
    /// Statuses that mark a cancellation; a built-in list where not given.
    pub statuses: Option<Vec<String>>,
}

/// Statuses that mark a cancelled or returned line, in German and English exports; compared without regard to case.
const CANCELLED: [&str; 16] = [
    "storno",
    "storniert",
    "retoure",
    "retourniert",
    "rückgabe",
    "gutschrift",
    "erstattet",
    "widerrufen",
    "cancelled",
    "canceled",
    "returned",
    "return",
    "refunded",
    "refund",
    "credit note",
    "void",
];

/// What became of the lines on the way, for manifest and summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineCounts {
    pub read: u64,
    pub quarantined: u64,
    pub after_as_of: u64,
    pub overlap: OverlapCounts,
    /// Distinct customers left out because they object to profiling, and their lines.
    pub objections: u64,
    pub lines_of_objections: u64,
}

/// Transactions ready for the features.
#[derive(Debug, Clone)]
pub struct Assembled {
    pub lines: Transactions,
    /// Name of each product as it stands most often in the lines; empty where there is none.
    pub product_names: Vec<String>,
    pub as_of: Day,
    pub counts: LineCounts,
    /// Lines quarantined for their date.
    pub rejects: Vec<Reject>,
    pub notes: Vec<String>,
}

/// Puts the lines together.
///
/// # Errors
/// Fails where two currencies meet without rates, or where no line is left.
pub fn assemble(
    table: &TypedTable,
    customers: Option<&Customers>,
    unit_costs: impl Fn(&Ids) -> Vec<i64>,
    rules: &TransactionRules,
) -> Result<Assembled, AssembleError> {
    let columns = Columns::of(table);
    let n = table.n_rows;
    let mut counts = LineCounts { read: n as u64, ..LineCounts::default() };
    let mut notes = Vec::new();
    let (day, millis) = columns.date("date").ok_or(AssembleError::NothingLeft { n_lines: 0 })?;

    let mut keep = vec![true; n];
    let Covered { as_of, too_late, quarantined } = cover(day, rules.as_of).ok_or(match rules.as_of {
        Some(as_of) => AssembleError::NothingBefore { as_of },
        None => AssembleError::NothingLeft { n_lines: n as u64 },
    })?;
    for row in too_late.iter().chain(&quarantined) {
        keep[*row] = false;
    }
    counts.after_as_of = too_late.len() as u64;
    counts.quarantined = quarantined.len() as u64;
    let reason = format!("more than 30 days after all but 0.1% of the lines (as-of found: {as_of})");
    let rejects = reject_rows(&table.files, &quarantined, Some("date"), &reason)?;

    let customer = columns.codes("customer_id");
    let order = columns.codes("order_id");
    let product = columns.codes("product_id");
    let code = |codes: &[u32], row: usize| codes.get(row).copied().unwrap_or(NONE_IX);
    let money = Money::of(&columns);
    let key = |row: usize| LineKey {
        customer: code(customer, row),
        order: code(order, row),
        day: day[row],
        millis: millis.get(row).copied().unwrap_or(0),
        product: code(product, row),
        quantity: Money::at(money.quantity, row),
        value: if money.amount.is_empty() { Money::at(money.unit_price, row) } else { money.amount[row] },
    };
    let line = columns.codes("line_id");
    let line_id = |row: usize| Some((code(order, row), line[row])).filter(|(_, line)| *line != NONE_IX);
    let by_line_id: Option<&dyn Fn(usize) -> Option<(u32, u32)>> = if line.is_empty() { None } else { Some(&line_id) };
    counts.overlap = count_once(&file_rows(table), day, key, by_line_id, &mut keep);

    let customer_ids = columns.ids("customer_id");
    let objects = objecting(customers, customer_ids);
    if objects.contains(&true) {
        counts.objections = objects.iter().filter(|objects| **objects).count() as u64;
        for (row, keep) in keep.iter_mut().enumerate() {
            let objects = objects.get(code(customer, row) as usize).copied().unwrap_or(false);
            counts.lines_of_objections += u64::from(objects && *keep);
            *keep &= !objects;
        }
    }

    let rates = rates_per_code(columns.ids("currency"), &rules.currency)?;
    let currency = columns.codes("currency");
    let marks = Marks::of(&columns, &rules.returns, &mut notes);
    let product_ids = columns.ids("product_id");
    let product_cost = unit_costs(product_ids);
    let has_cost = money.knows_cost() || product_cost.iter().any(|cost| *cost != NO_NUMBER);

    let mut lines = Transactions { n_orders: columns.ids("order_id").len(), ..Transactions::default() };
    for row in (0..n).filter(|row| keep[*row]) {
        let listed_cost = product_cost.get(code(product, row) as usize).copied().unwrap_or(NO_NUMBER);
        let mut worth = money.line(row, listed_cost, marks.mark(row));
        if let Some(rate) = rates.get(code(currency, row) as usize).copied().flatten() {
            worth.convert(rate);
        }
        lines.customer.push(code(customer, row));
        lines.order.push(code(order, row));
        lines.product.push(code(product, row));
        lines.day.push(day[row]);
        if !millis.is_empty() {
            lines.millis.push(millis[row]);
        }
        lines.quantity.push(worth.quantity);
        lines.amount.push(worth.amount);
        lines.kind.push(worth.kind);
        if has_cost {
            lines.cost.push(worth.cost);
        }
    }
    if lines.is_empty() {
        return Err(AssembleError::NothingLeft { n_lines: n as u64 });
    }
    let names = product_names(&columns, &keep);
    let used_products = used(&mut lines.product, product_ids);
    let product_names = used_products.iter().map(|ix| names.get(*ix as usize).cloned().unwrap_or_default()).collect();
    lines.product_ids = subset(product_ids, &used_products);
    let used_customers = used(&mut lines.customer, customer_ids);
    lines.customer_ids = subset(customer_ids, &used_customers);
    Ok(Assembled { lines, product_names, as_of, counts, rejects, notes })
}

fn file_rows(table: &TypedTable) -> Vec<Range<usize>> {
    let ends = table.file_starts.iter().skip(1).copied().chain([table.n_rows]);
    table.file_starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// Marks the customer ids that object to profiling.
fn objecting(customers: Option<&Customers>, ids: &Ids) -> Vec<bool> {
    let mut objects = vec![false; ids.len()];
    if let Some(customers) = customers {
        for (_, id) in customers.ids.iter().enumerate().filter(|(ix, _)| customers.objection[*ix]) {
            if let Some(position) = ids.position(id) {
                objects[position as usize] = true;
            }
        }
    }
    objects
}

/// Replaces codes by their rank among those that occur, and returns the old codes in that order.
fn used(codes: &mut [u32], ids: &Ids) -> Vec<u32> {
    let mut rank = vec![NONE_IX; ids.len()];
    for code in codes.iter().filter(|code| **code != NONE_IX) {
        rank[*code as usize] = 0;
    }
    let used: Vec<u32> = (0..ids.len() as u32).filter(|code| rank[*code as usize] == 0).collect();
    for (new, old) in used.iter().enumerate() {
        rank[*old as usize] = new as u32;
    }
    for code in codes.iter_mut().filter(|code| **code != NONE_IX) {
        *code = rank[*code as usize];
    }
    used
}

fn subset(ids: &Ids, used: &[u32]) -> Ids {
    Ids::from_sorted(used.iter().map(|ix| ids.get(*ix)))
}

/// Finds the name that stands most often beside each product; of equally frequent ones the first in byte order.
fn product_names(columns: &Columns<'_>, keep: &[bool]) -> Vec<String> {
    let (names, ids) = (columns.codes("product_name"), columns.ids("product_name"));
    let products = columns.codes("product_id");
    if names.is_empty() || products.is_empty() {
        return Vec::new();
    }
    let mut n_seen = hashbrown::HashMap::<(u32, u32), u32, foldhash::fast::FixedState>::default();
    for row in (0..keep.len()).filter(|row| keep[*row]) {
        if products[row] != NONE_IX && names[row] != NONE_IX {
            *n_seen.entry((products[row], names[row])).or_default() += 1;
        }
    }
    let mut best = vec![(0_u32, NONE_IX); columns.ids("product_id").len()];
    for ((product, name), n) in n_seen {
        let so_far = &mut best[product as usize];
        if n > so_far.0 || (n == so_far.0 && name < so_far.1) {
            *so_far = (n, name);
        }
    }
    best.into_iter().map(|(_, name)| if name == NONE_IX { String::new() } else { ids.get(name).to_owned() }).collect()
}

/// How a line is marked as cancelled, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    ByOrder,
    ByStatus,
}

/// Which orders and statuses mark a cancellation.
struct Marks<'a> {
    order: &'a [u32],
    cancelled_orders: Vec<bool>,
    status: &'a [u32],
    cancelled_statuses: Vec<bool>,
}

impl<'a> Marks<'a> {
    fn of(columns: &Columns<'a>, rules: &ReturnRules, notes: &mut Vec<String>) -> Self {
        let orders = columns.ids("order_id");
        let prefixes = rules.order_prefixes.clone().unwrap_or_else(|| recognised_prefixes(orders));
        if rules.order_prefixes.is_none() && !prefixes.is_empty() {
            notes.push(format!(
                "order ids with `{}` before a number are taken as cancellations; `[returns] order-prefixes` overrides this",
                prefixes.join("`, `")
            ));
        }
        let cancelled_orders = orders.iter().map(|id| prefixes.iter().any(|prefix| marked(id, prefix))).collect();
        let is_cancelled = |status: &str| {
            let status = status.to_lowercase();
            match &rules.statuses {
                Some(statuses) => statuses.iter().any(|cancelled| cancelled.to_lowercase() == status),
                None => CANCELLED.contains(&status.as_str()),
            }
        };
        let cancelled_statuses = columns.ids("status").iter().map(is_cancelled).collect();
        Self { order: columns.codes("order_id"), cancelled_orders, status: columns.codes("status"), cancelled_statuses }
    }

    fn mark(&self, row: usize) -> Mark {
        let holds = |codes: &[u32], marked: &[bool]| {
            codes.get(row).and_then(|code| marked.get(*code as usize)).copied().unwrap_or(false)
        };
        if holds(self.order, &self.cancelled_orders) {
            Mark::ByOrder
        } else if holds(self.status, &self.cancelled_statuses) {
            Mark::ByStatus
        } else {
            Mark::None
        }
    }
}

fn marked(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Recognises `C` before a number as the mark of a cancellation where most order ids are plain numbers.
fn recognised_prefixes(orders: &Ids) -> Vec<String> {
    let n_plain = orders.iter().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())).count();
    let found = n_plain * 2 >= orders.len().max(1) && orders.iter().any(|id| marked(id, "C"));
    if found { vec!["C".to_owned()] } else { vec![] }
}

/// The money columns of the export, in millionths; empty where not mapped.
struct Money<'a> {
    quantity: &'a [i64],
    unit_price: &'a [i64],
    amount: &'a [i64],
    cost: &'a [i64],
    margin: &'a [i64],
    unit_cost: &'a [i64],
}

/// What one line is worth: thousandths of a piece and minor units, signs made uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Worth {
    quantity: i64,
    amount: i64,
    cost: i64,
    kind: LineKind,
}

impl Worth {
    fn convert(&mut self, rate: f64) {
        let convert = |minor: i64| (minor as f64 * rate).round() as i64;
        self.amount = convert(self.amount);
        if self.cost != NO_COST {
            self.cost = convert(self.cost);
        }
    }
}

impl<'a> Money<'a> {
    fn of(columns: &Columns<'a>) -> Self {
        Self {
            quantity: columns.decimals("quantity"),
            unit_price: columns.decimals("unit_price"),
            amount: columns.decimals("amount"),
            cost: columns.decimals("cost"),
            margin: columns.decimals("margin"),
            unit_cost: columns.decimals("unit_cost"),
        }
    }

    fn at(column: &[i64], row: usize) -> i64 {
        column.get(row).copied().unwrap_or(NO_NUMBER)
    }

    fn knows_cost(&self) -> bool {
        !(self.cost.is_empty() && self.margin.is_empty() && self.unit_cost.is_empty())
    }

    /// Works out one line; `listed_cost` is the product's unit cost in millionths, where a product table knows it.
    fn line(&self, row: usize, listed_cost: i64, mark: Mark) -> Worth {
        let pieces =
            known(Self::at(self.quantity, row)).map(|millionths| rounded(millionths.into(), MILLIONTHS_PER_THOUSANDTH));
        let amount = match known(Self::at(self.amount, row)) {
            Some(millionths) => rounded(millionths.into(), MILLIONTHS_PER_MINOR),
            None => times(Self::at(self.unit_price, row), pieces.unwrap_or(QUANTITY_SCALE)).unwrap_or(0),
        };
        // Without a quantity the money itself is what a return takes from a sale.
        let quantity = pieces.unwrap_or(if amount == 0 { 1 } else { amount });
        let cost = known(Self::at(self.cost, row))
            .map(|millionths| rounded(millionths.into(), MILLIONTHS_PER_MINOR))
            .or_else(|| {
                let margin = known(Self::at(self.margin, row))?;
                Some(amount - rounded(margin.into(), MILLIONTHS_PER_MINOR))
            })
            .or_else(|| times(Self::at(self.unit_cost, row), pieces?))
            .or_else(|| times(listed_cost, pieces?));
        let kind = match mark {
            Mark::ByOrder => LineKind::Return,
            Mark::ByStatus if quantity > 0 => LineKind::Cancelled,
            _ if quantity < 0 => LineKind::Return,
            _ if quantity > 0 && amount >= 0 => LineKind::Sale,
            _ => LineKind::Adjustment,
        };
        let back = matches!(kind, LineKind::Return | LineKind::Cancelled);
        let signed = |value: i64| if back { -value.saturating_abs() } else { value };
        Worth { quantity: signed(quantity), amount: signed(amount), cost: cost.map_or(NO_COST, signed), kind }
    }
}

fn known(value: i64) -> Option<i64> {
    (value != NO_NUMBER).then_some(value)
}

/// Returns millionths × thousandths in minor units, where the price is known.
fn times(price: i64, thousandths: i64) -> Option<i64> {
    let product = i128::from(known(price)?) * i128::from(thousandths);
    Some(rounded(product, MILLIONTHS_PER_MINOR * QUANTITY_SCALE))
}

/// Divides and rounds half away from zero.
fn rounded(value: i128, by: i64) -> i64 {
    let (magnitude, by) = (value.unsigned_abs(), u128::from(by.unsigned_abs()));
    let quotient = i64::try_from((magnitude + by / 2) / by).unwrap_or(i64::MAX);
    if value < 0 { -quotient } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Line {
        quantity: Option<f64>,
        unit_price: Option<f64>,
        amount: Option<f64>,
        margin: Option<f64>,
    }

    fn check(line: &Line, mark: Mark, expected: (i64, i64, i64, LineKind)) {
        let column = |value: Option<f64>| vec![value.map_or(NO_NUMBER, |value| (value * 1e6).round() as i64)];
        let [quantity, unit_price, amount, margin] =
            [line.quantity, line.unit_price, line.amount, line.margin].map(column);
        let money = Money {
            quantity: &quantity,
            unit_price: &unit_price,
            amount: &amount,
            margin: &margin,
            cost: &[],
            unit_cost: &[],
        };
        let worth = money.line(0, NO_NUMBER, mark);
        assert_eq!((worth.quantity, worth.amount, worth.cost, worth.kind), expected);
    }

    #[test]
    fn money_is_the_exact_product_rounded_half_away_from_zero() {
        let line = Line { quantity: Some(3.0), unit_price: Some(0.115), ..Line::default() };
        check(&line, Mark::None, (3_000, 35, NO_COST, LineKind::Sale));
        let line = Line { quantity: Some(-3.0), unit_price: Some(0.115), ..Line::default() };
        check(&line, Mark::None, (-3_000, -35, NO_COST, LineKind::Return));
        let line = Line { quantity: Some(1.0), unit_price: Some(0.001), ..Line::default() };
        check(&line, Mark::None, (1_000, 0, NO_COST, LineKind::Sale));
    }

    #[test]
    fn a_mark_makes_a_return_whatever_the_sign() {
        let line = || Line { quantity: Some(2.0), amount: Some(10.0), margin: Some(4.0), ..Line::default() };
        check(&line(), Mark::ByOrder, (-2_000, -1_000, -600, LineKind::Return));
        check(&line(), Mark::ByStatus, (-2_000, -1_000, -600, LineKind::Cancelled));
        check(&line(), Mark::None, (2_000, 1_000, 600, LineKind::Sale));
    }

    #[test]
    fn money_without_goods_is_an_adjustment_and_without_quantities_money_is_matched() {
        let credit = Line { quantity: Some(1.0), amount: Some(-5.0), ..Line::default() };
        check(&credit, Mark::None, (1_000, -500, NO_COST, LineKind::Adjustment));
        check(&Line { amount: Some(5.0), ..Line::default() }, Mark::None, (500, 500, NO_COST, LineKind::Sale));
        check(&Line { amount: Some(-5.0), ..Line::default() }, Mark::None, (-500, -500, NO_COST, LineKind::Return));
        check(&Line { amount: Some(0.0), ..Line::default() }, Mark::None, (1, 0, NO_COST, LineKind::Sale));
    }

    #[test]
    fn a_c_before_a_number_is_a_cancellation_only_among_plain_numbers() {
        assert_eq!(recognised_prefixes(&Ids::from_sorted(["536365", "536366", "C536367"])), ["C"]);
        assert!(recognised_prefixes(&Ids::from_sorted(["C1", "C2", "C3"])).is_empty());
    }
}
