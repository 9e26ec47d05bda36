//! Which lines count, what marks them, and who bought: everything that must be known before lines become histories.
//!
//! What a single line is worth is told in `worth`, how cancellations are marked in `marks`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::assemble_error::AssembleError;
use super::currency::rates_per_code;
use super::dates_covered::{Covered, cover};
use super::marks::{Marks, ReturnRules};
use super::overlap::{LeftOut, OverlapCounts, count_once};
use super::product_names::product_names;
use super::read::LineTable;
use super::store::Chunk;
use super::terms::Terms;
use super::worth::{Money, Worth};
use super::{Currency, marks::ChunkMarks};
use crate::ingest::packed::{Packed, code};
use crate::ingest::{IngestError, NO_NUMBER, Reject, reject_rows};
use crate::table::Ids;
use crate::units::{Day, NONE_IX};

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
    /// Lines of customers who were erased.
    pub lines_of_erased: u64,
}

/// Lines of which everything is decided, ready for the features.
pub struct Assembled<'a> {
    pub(super) table: LineTable,
    pub(super) left: Left,
    pub(super) worth: WorthRules<'a>,
    pub(super) terms: Terms,
    /// Rank of each customer and product by the number of its id.
    pub(super) customer_rank: Vec<u32>,
    pub(super) product_rank: Vec<u32>,
    /// Lines of each customer.
    pub(super) n_lines_of: Vec<u32>,
    /// Customers with at least one line, ascending.
    pub customer_ids: Ids,
    /// Products of at least one line, ascending.
    pub product_ids: Ids,
    /// Name of each product as it stands most often in the lines; empty where there is none.
    pub product_names: Vec<String>,
    /// Says whether the cost of any line is known.
    pub has_cost: bool,
    /// Channels of the lines, ascending; empty where none is known.
    pub channels: Ids,
    /// Says whether the export tells of discounts.
    pub has_discounts: bool,
    /// Lines that count.
    pub n_lines: u64,
    pub as_of: Day,
    pub counts: LineCounts,
    /// Lines whose date or money cannot be right.
    pub rejects: Vec<Reject>,
    pub notes: Vec<String>,
}

/// Which lines count.
pub(super) struct Left {
    last: i32,
    out: LeftOut,
}

impl Left {
    /// Says of the lines of a chunk whether they count.
    pub fn of<'c>(&'c self, ix: usize, chunk: &'c Chunk) -> impl Fn(usize) -> bool + 'c {
        let ((days, _), out) = (chunk.date(), self.out.of(ix));
        move |row| days.at(row) <= self.last && out.is_none_or(|out| !out[row])
    }
}

/// What turns the cells of a line into money.
pub(super) struct WorthRules<'a> {
    marks: Marks<'a>,
    /// By number of the currency.
    rates: Vec<Option<f64>>,
    /// By number of the product, in millionths.
    listed_costs: Vec<i64>,
    has_quantities: bool,
}

impl WorthRules<'_> {
    /// Works out the lines of a chunk of the table.
    pub fn of_chunk<'c>(&'c self, table: &LineTable, chunk: &'c Chunk) -> impl Fn(usize) -> Worth + use<'c> {
        let (money, marks): (Money<'c>, ChunkMarks<'c>) = (Money::of(chunk), self.marks.of_chunk(table, chunk));
        let (product, currency) = (chunk.codes("product_id"), chunk.codes("currency"));
        move |row| {
            let listed_cost = self.listed_costs.get(code(product, row) as usize).copied().unwrap_or(NO_NUMBER);
            let mut worth = money.line(row, listed_cost, marks.mark(row), self.has_quantities);
            if let Some(rate) = self.rates.get(code(currency, row) as usize).copied().flatten() {
                worth.convert(rate);
            }
            worth
        }
    }
}

/// Decides which lines count and what they are.
///
/// # Errors
/// Fails where two currencies meet without rates, where no line is left, and where lines on disk cannot be read.
pub fn assemble<'a>(
    mut whole: LineTable,
    unit_costs: impl Fn(&Ids) -> Vec<i64>,
    rules: &'a TransactionRules,
) -> Result<Assembled<'a>, AssembleError> {
    let table = &whole;
    let mut counts = LineCounts::default();
    let mut notes = Vec::new();
    let nothing_left =
        || AssembleError::NothingLeft { n_lines: table.n_rows + table.n_taken_out() + table.rejects.len() };

    let mut days: BTreeMap<i32, u64> = BTreeMap::new();
    for of_chunk in table.store.map(|_, chunk| chunk.date().0.histogram())? {
        of_chunk.into_iter().for_each(|(day, n)| *days.entry(day).or_default() += n);
    }
    let covered = (!days.is_empty()).then(|| cover(&days, rules.as_of)).ok_or_else(nothing_left)?;
    let Covered { as_of, last, n_beyond } = covered.ok_or_else(|| match rules.as_of {
        Some(as_of) => AssembleError::NothingBefore { as_of },
        None => nothing_left(),
    })?;
    let mut rejects = Vec::new();
    if rules.as_of.is_some() {
        counts.after_as_of = n_beyond;
    } else if n_beyond > 0 {
        let beyond = table.store.map(|_, chunk| {
            let (days, _) = chunk.date();
            let beyond = (0..chunk.n_rows).filter(|row| days.at(*row) > last);
            beyond.map(|row| chunk.first_row + row).collect::<Vec<_>>()
        })?;
        counts.quarantined = n_beyond;
        let reason = format!("dated more than 30 days after all but 0.1% of the lines (as-of found: {as_of})");
        rejects = reject_rows(&table.files, &beyond.concat(), Some("date"), &reason)?;
    }

    let mut left = Left { last, out: LeftOut::default() };
    counts.overlap = count_once(table, last, &mut left.out)?;
    let (objecting, erased) = (table.objecting(), table.erased());
    counts.objections = objecting.len() as u64;
    counts.lines_of_objections = objecting.values().sum();
    counts.lines_of_erased = erased.values().sum();

    let (product_costs, rates) = (listed_costs(table, unit_costs), rates(table, &left, &rules.currency)?);
    let worth = WorthRules {
        marks: Marks::of(table, &rules.returns, &mut notes)?,
        rates,
        has_quantities: table.has("quantity"),
        listed_costs: product_costs,
    };
    let absurd = absurd_rows(table, &left, &worth)?;
    let rows = absurd.concat();
    if !rows.is_empty() {
        let sizes = table.store.map(|_, chunk| (chunk.first_row, chunk.n_rows))?;
        for (ix, (rows, (first, n))) in absurd.iter().zip(sizes).enumerate() {
            rows.iter().for_each(|row| left.out.add(ix, row - first, n));
        }
        counts.quarantined += rows.len() as u64;
        rejects.extend(reject_rows(&table.files, &rows, None, "quantity, amount or cost beyond belief")?);
    }

    let Used { n_lines, n_lines_of, products } = used(table, &left)?;
    if n_lines == 0 {
        return Err(nothing_left());
    }
    let rank = |name: &str, is_used: &dyn Fn(u32) -> bool| match table.interners.get(name) {
        Some(interner) => interner.ranks(is_used),
        None => (Ids::default(), Vec::new()),
    };
    let (customer_ids, customer_rank) = rank("customer_id", &|number| n_lines_of[number as usize] > 0);
    let (product_ids, product_rank) = rank("product_id", &|number| products[number as usize]);
    let mut numbers = vec![0; product_ids.len()];
    for (number, rank) in product_rank.iter().enumerate().filter(|(_, rank)| **rank != NONE_IX) {
        numbers[*rank as usize] = number as u32;
    }
    let mut of_ranks = vec![0; customer_ids.len()];
    for (number, rank) in customer_rank.iter().enumerate().filter(|(_, rank)| **rank != NONE_IX) {
        of_ranks[*rank as usize] = n_lines_of[number];
    }
    let product_names = product_names(table, &numbers, &left)?;
    let is_costed = ["cost", "margin", "unit_cost"].iter().any(|name| table.has(name));
    let has_cost = is_costed || worth.listed_costs.iter().any(|cost| *cost != NO_NUMBER);
    let (terms, channels) = Terms::of(table, &mut notes);
    let has_discounts = table.has("discount");
    whole.store.change_held(|chunk| rank_customers(chunk, &customer_rank));
    // Ranks and names stand for the texts from here on.
    whole.interners.clear();
    Ok(Assembled {
        table: whole,
        left,
        worth,
        terms,
        customer_rank,
        product_rank,
        n_lines_of: of_ranks,
        customer_ids,
        product_ids,
        product_names,
        has_cost,
        channels,
        has_discounts,
        n_lines,
        as_of,
        counts,
        rejects,
        notes,
    })
}

/// The rank of a customer none of whose lines counts; such lines are no guests'.
pub(super) const NO_RANK: u32 = NONE_IX - 1;

/// Puts ranks in place of the numbers of customers: later passes read them in order instead of looking each of them up.
fn rank_customers(chunk: &mut Chunk, ranks: &[u32]) {
    if let Some((_, Packed::Interned(codes))) = chunk.columns.iter_mut().find(|(name, _)| *name == "customer_id") {
        for code in codes.iter_mut().filter(|code| **code != NONE_IX) {
            *code = ranks[*code as usize].min(NO_RANK);
        }
        chunk.is_ranked = true;
    }
}

/// Finds the lines that count but hold numbers that no line can have, as positions in the table, by chunk.
fn absurd_rows(table: &LineTable, left: &Left, worth: &WorthRules<'_>) -> Result<Vec<Vec<usize>>, IngestError> {
    let listed = worth.listed_costs.iter().filter(|cost| **cost != NO_NUMBER).map(|cost| cost.unsigned_abs()).max();
    let (listed, converts) = (listed.unwrap_or(0), worth.rates.iter().any(Option::is_some));
    table.store.map(|ix, chunk| {
        if !converts && Money::of(chunk).is_surely_believable(listed) {
            return Vec::new();
        }
        let (counts, worth) = (left.of(ix, chunk), worth.of_chunk(table, chunk));
        let absurd = (0..chunk.n_rows).filter(|row| counts(*row) && !worth(*row).is_believable());
        absurd.map(|row| chunk.first_row + row).collect()
    })
}

/// Looks up the unit cost of each product by its number.
fn listed_costs(table: &LineTable, unit_costs: impl Fn(&Ids) -> Vec<i64>) -> Vec<i64> {
    let Some(products) = table.interners.get("product_id") else { return Vec::new() };
    let (ids, ranks) = products.ranks(|_| true);
    let of_ranks = unit_costs(&ids);
    let cost = |rank: &u32| of_ranks.get(*rank as usize).copied().unwrap_or(NO_NUMBER);
    ranks.iter().map(cost).collect()
}

/// Looks up the rate of each currency by its number, of those that stand in a line that counts.
fn rates(table: &LineTable, left: &Left, currency: &Currency) -> Result<Vec<Option<f64>>, AssembleError> {
    let Some(codes) = table.interners.get("currency") else { return Ok(Vec::new()) };
    let of_chunks = table.store.map(|ix, chunk| {
        let (counts, mut in_use) = (left.of(ix, chunk), vec![false; codes.bound()]);
        for (row, code) in chunk.codes("currency").iter().enumerate().filter(|(_, code)| **code != NONE_IX) {
            in_use[*code as usize] |= counts(row);
        }
        in_use
    })?;
    let is_used = |number: &u32| of_chunks.iter().any(|in_use| in_use[*number as usize]);
    let mut used: Vec<u32> = codes.numbers().filter(is_used).collect();
    used.sort_unstable_by_key(|number| codes.get(*number));
    let texts: Vec<&str> = used.iter().map(|number| codes.get(*number)).collect();
    let mut rates = vec![None; codes.bound()];
    for (number, rate) in used.iter().zip(rates_per_code(&texts, currency)?) {
        rates[*number as usize] = rate;
    }
    Ok(rates)
}

/// Who and what stands in the lines that count.
struct Used {
    n_lines: u64,
    /// By number of the customer.
    n_lines_of: Vec<u32>,
    /// By number of the product.
    products: Vec<bool>,
}

fn used(table: &LineTable, left: &Left) -> Result<Used, IngestError> {
    let bound = |name: &str| table.interners.get(name).map_or(0, |interner| interner.bound());
    // Sums of whole numbers: whichever thread adds first changes nothing.
    let n_lines_of: Vec<AtomicU32> = (0..bound("customer_id")).map(|_| AtomicU32::new(0)).collect();
    let products: Vec<AtomicBool> = (0..bound("product_id")).map(|_| AtomicBool::new(false)).collect();
    let n_lines = table.store.map(|ix, chunk| {
        let counts = left.of(ix, chunk);
        let (customer, product) = (chunk.codes("customer_id"), chunk.codes("product_id"));
        let mut n_lines = 0_u64;
        for row in (0..chunk.n_rows).filter(|row| counts(*row)) {
            n_lines += 1;
            if let Some(n) = n_lines_of.get(code(customer, row) as usize) {
                n.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(is_used) = products.get(code(product, row) as usize) {
                is_used.store(true, Ordering::Relaxed);
            }
        }
        n_lines
    })?;
    Ok(Used {
        n_lines: n_lines.into_iter().sum(),
        n_lines_of: n_lines_of.into_iter().map(AtomicU32::into_inner).collect(),
        products: products.into_iter().map(AtomicBool::into_inner).collect(),
    })
}
