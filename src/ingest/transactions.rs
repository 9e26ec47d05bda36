//! Typed transaction columns become [`Transactions`]: overlaps counted once, objections left out, dense ids.
//!
//! What a single line is worth is told in `worth`, how cancellations are marked in `marks`.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::assemble_error::AssembleError;
use super::columns::Columns;
use super::currency::{Currency, rates_per_code};
use super::dates_covered::{Covered, cover};
use super::marks::{Marks, ReturnRules};
use super::overlap::{LineKey, OverlapCounts, count_once};
use super::worth::{MoneyColumns, Worth};
use super::{NO_NUMBER, Reject, TypedTable, reject_rows};
use crate::table::{Customers, Ids, Transactions};
use crate::units::{Day, NONE_IX};

/// Rows that one task works on.
const RUN: usize = 65_536;

/// What the pipeline says about transactions beyond where they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransactionRules {
    /// Last day that the data covers; found in the data where not given.
    pub as_of: Option<Day>,
    pub currency: Currency,
    pub returns: ReturnRules,
}

/// What became of the lines on the way, for manifest and summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineCounts {
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
    /// Lines whose date or money cannot be right.
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
    let mut counts = LineCounts::default();
    let mut notes = Vec::new();
    let nothing_left = || AssembleError::NothingLeft { n_lines: n + table.rejects.len() };
    let (day, millis) = columns.date("date").filter(|_| n > 0).ok_or_else(nothing_left)?;

    let mut keep = vec![true; n];
    let Covered { as_of, too_late, quarantined } = cover(day, rules.as_of).ok_or_else(|| match rules.as_of {
        Some(as_of) => AssembleError::NothingBefore { as_of },
        None => nothing_left(),
    })?;
    for row in too_late.iter().chain(&quarantined) {
        keep[*row] = false;
    }
    counts.after_as_of = too_late.len() as u64;
    counts.quarantined = quarantined.len() as u64;
    let reason = format!("dated more than 30 days after all but 0.1% of the lines (as-of found: {as_of})");
    let mut rejects = reject_rows(&table.files, &quarantined, Some("date"), &reason)?;

    let money = MoneyColumns::of(&columns);
    counts.overlap = leave_out_overlaps(table, &columns, &money, &mut keep);
    leave_out_objections(&columns, customers, &mut keep, &mut counts);

    let marks = Marks::of(&columns, &rules.returns, |row| money.takes_back(row), &mut notes);
    let (product, currency) = (columns.codes("product_id"), columns.codes("currency"));
    let product_cost = unit_costs(columns.ids("product_id"));
    let rates = rates_per_code(columns.ids("currency"), &codes_in_use(&columns, "currency", &keep), &rules.currency)?;
    let worth_of = |row: usize| {
        let listed_cost = product_cost.get(code(product, row) as usize).copied().unwrap_or(NO_NUMBER);
        let mut line = money.line(row, listed_cost, marks.mark(row));
        if let Some(rate) = rates.get(code(currency, row) as usize).copied().flatten() {
            line.convert(rate);
        }
        line
    };
    let has_cost = money.knows_cost() || product_cost.iter().any(|cost| *cost != NO_NUMBER);
    let (mut lines, absurd) = fill(&columns, &keep, worth_of, (day, millis), has_cost);
    absurd.iter().for_each(|row| keep[*row] = false);
    counts.quarantined += absurd.len() as u64;
    rejects.extend(reject_rows(&table.files, &absurd, None, "quantity, amount or cost beyond belief")?);
    if lines.is_empty() {
        return Err(nothing_left());
    }
    let product_names = make_dense(&columns, &keep, &mut lines);
    Ok(Assembled { lines, product_names, as_of, counts, rejects, notes })
}

/// Returns the code of a row, or that of nothing where the export has no such column.
fn code(codes: &[u32], row: usize) -> u32 {
    codes.get(row).copied().unwrap_or(NONE_IX)
}

fn leave_out_overlaps(
    table: &TypedTable,
    columns: &Columns<'_>,
    money: &MoneyColumns<'_>,
    keep: &mut [bool],
) -> OverlapCounts {
    let Some((day, millis)) = columns.date("date") else { return OverlapCounts::default() };
    let (customer, order) = (columns.codes("customer_id"), columns.codes("order_id"));
    let product = columns.codes("product_id");
    let key = |row: usize| LineKey {
        customer: code(customer, row),
        order: code(order, row),
        day: day[row],
        millis: millis.get(row).copied().unwrap_or(0),
        product: code(product, row),
        quantity: MoneyColumns::at(money.quantity, row),
        value: match MoneyColumns::at(money.amount, row) {
            NO_NUMBER => MoneyColumns::at(money.unit_price, row),
            amount => amount,
        },
    };
    let line = columns.codes("line_id");
    let line_id = |row: usize| Some((code(order, row), line[row])).filter(|(_, line)| *line != NONE_IX);
    let by_line_id: Option<&dyn Fn(usize) -> Option<(u32, u32)>> = if line.is_empty() { None } else { Some(&line_id) };
    count_once(&file_rows(table), day, key, by_line_id, keep)
}

fn leave_out_objections(
    columns: &Columns<'_>,
    customers: Option<&Customers>,
    keep: &mut [bool],
    counts: &mut LineCounts,
) {
    let objects = objecting(customers, columns.ids("customer_id"));
    counts.objections = objects.iter().filter(|objects| **objects).count() as u64;
    if counts.objections > 0 {
        let customer = columns.codes("customer_id");
        for (row, keep) in keep.iter_mut().enumerate() {
            let objects = objects.get(code(customer, row) as usize).copied().unwrap_or(false);
            counts.lines_of_objections += u64::from(objects && *keep);
            *keep &= !objects;
        }
    }
}

/// Marks the codes of a text column that stand in a line which is kept.
fn codes_in_use(columns: &Columns<'_>, name: &str, keep: &[bool]) -> Vec<bool> {
    let mut in_use = vec![false; columns.ids(name).len()];
    for (code, _) in columns.codes(name).iter().zip(keep).filter(|(code, keep)| **keep && **code != NONE_IX) {
        in_use[*code as usize] = true;
    }
    in_use
}

/// Puts the lines that are kept into columns, in parallel over runs of rows; returns the rows beyond belief apart.
fn fill(
    columns: &Columns<'_>,
    keep: &[bool],
    worth_of: impl Fn(usize) -> Worth + Sync,
    (day, millis): (&[i32], &[u32]),
    has_cost: bool,
) -> (Transactions, Vec<usize>) {
    let codes = ["customer_id", "order_id", "product_id"].map(|name| columns.codes(name));
    let (pieces, absurd): (Vec<Transactions>, Vec<Vec<usize>>) = (0..keep.len().div_ceil(RUN))
        .into_par_iter()
        .map(|run| {
            let (mut lines, mut absurd) = (Transactions::default(), Vec::new());
            for row in (run * RUN..((run + 1) * RUN).min(keep.len())).filter(|row| keep[*row]) {
                let worth = worth_of(row);
                if !worth.is_believable() {
                    absurd.push(row);
                    continue;
                }
                let [customer, order, product] = codes.map(|codes| code(codes, row));
                lines.customer.push(customer);
                lines.order.push(order);
                lines.product.push(product);
                lines.day.push(day[row]);
                lines.millis.extend(millis.get(row));
                lines.quantity.push(worth.quantity);
                lines.amount.push(worth.amount);
                lines.kind.push(worth.kind);
                lines.cost.extend(Some(worth.cost).filter(|_| has_cost));
            }
            (lines, absurd)
        })
        .unzip();
    (Transactions::concat(&pieces), absurd.concat())
}

/// Replaces codes by ranks among the ids in use; returns the name of each product.
fn make_dense(columns: &Columns<'_>, keep: &[bool], lines: &mut Transactions) -> Vec<String> {
    let names = product_names(columns, keep);
    let used_products = used(&mut lines.product, columns.ids("product_id"));
    lines.product_ids = subset(columns.ids("product_id"), &used_products);
    let used_customers = used(&mut lines.customer, columns.ids("customer_id"));
    lines.customer_ids = subset(columns.ids("customer_id"), &used_customers);
    used_products.iter().map(|ix| names.get(*ix as usize).cloned().unwrap_or_default()).collect()
}

fn file_rows(table: &TypedTable) -> Vec<Range<usize>> {
    let ends = table.file_starts.iter().skip(1).copied().chain([table.n_rows]);
    table.file_starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// Marks the customer ids that object to profiling, or may have.
fn objecting(customers: Option<&Customers>, ids: &Ids) -> Vec<bool> {
    let mut objects = vec![false; ids.len()];
    if let Some(customers) = customers {
        let listed = customers.ids.iter().zip(&customers.objection).filter(|(_, objects)| **objects).map(|(id, _)| id);
        for id in listed.chain(customers.unreadable.iter().map(String::as_str)) {
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
    // Nearly every product has one name: the first one met is counted beside the product, and only others are looked up.
    let mut first = vec![(0_u32, NONE_IX); columns.ids("product_id").len()];
    let mut others = BTreeMap::<(u32, u32), u32>::new();
    for ((product, name), _) in products.iter().zip(names).zip(keep).filter(|(_, keep)| **keep) {
        if *product == NONE_IX || *name == NONE_IX {
            continue;
        }
        let first = &mut first[*product as usize];
        if first.1 == NONE_IX || first.1 == *name {
            *first = (first.0 + 1, *name);
        } else {
            *others.entry((*product, *name)).or_default() += 1;
        }
    }
    for ((product, name), n) in others {
        let best = &mut first[product as usize];
        if n > best.0 || (n == best.0 && name < best.1) {
            *best = (n, name);
        }
    }
    first.into_iter().map(|(_, name)| if name == NONE_IX { String::new() } else { ids.get(name).to_owned() }).collect()
}
