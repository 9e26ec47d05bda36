//! Contracts out of their typed columns, whatever the order of the rows.
//!
//! With start dates, contracts of a customer that overlap or follow each other within 30 days are one spell: it runs as long as any of them. Who
//! comes back after a longer gap has another spell, and the end of the first stays a cancellation. Every row of a spell is kept with its own
//! dates, so that what it says of product, price and attributes can be read as of any day. A contract that ends after as-of runs, and so does the
//! one of a customer that ends last where it is said not to be cancelled: of one that others followed, that says only that it was replaced. Without dates, the table is a status: of rows of one customer that differ the one of the last file by name counts,
//! within it the last in the order of its content.
//!
//! An end in the last 30 days before as-of is one, although a renewal could still follow.
//!
//! | rejected                      | why                                          |
//! |-------------------------------|----------------------------------------------|
//! | tenure below 0 or 1,200 months on | no contract is that old                  |
//! | `cancelled` in unknown words  | nobody can tell what it means                |
//! | an end before the start       | one of them is wrong                         |
//! | cancelled without an end date | where the others have dates                  |
//!
//! `O(n log n)`. The 30 days are those of the renewal rule of KKBox (WSDM Cup 2018).

use super::columns::Columns;
use super::reject::{Reject, reject_rows};
use super::said::{said, shapes};
use super::{CONTRACTS, IngestError, NO_DAY, NO_NUMBER, TableSource, TypedColumn, TypedTable, attributes};
use crate::table::{Column, ContractSpell, Contracts, Customers, Ids, Nullable, Terms, Values, Version};
use crate::units::{Day, NONE_IX};

/// Days after which a new contract is not a renewal.
const RENEWAL_DAYS: i32 = 30;
/// Tenure that cannot be.
const MOST_MONTHS: i64 = 1_200;
/// Millionths in one.
const MILLION: i64 = 1_000_000;

/// What was read of contracts.
#[derive(Debug)]
pub struct ContractReading {
    pub contracts: Contracts,
    pub rejects: Vec<Reject>,
    pub notes: Vec<String>,
}

/// A row that counts: rank of the customer, first day (or nothing), last day or months, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    customer: u32,
    start: i32,
    /// Last day, `i32::MAX` while it runs; of a status, months.
    end: i32,
    /// False where it runs, and where it has ended and is said not to be cancelled.
    cancelled: bool,
    row: usize,
}

/// Reads the contracts; `yes` are the words that mean cancelled, where the pipeline names them.
///
/// # Errors
/// Fails where no cell says yes or no, where no row is left, and where a rejected row cannot be read again.
pub fn contracts(
    table: &TypedTable,
    source: &TableSource,
    yes: Option<&[String]>,
    as_of: Day,
    customers: Option<&Customers>,
) -> Result<ContractReading, IngestError> {
    let columns = Columns::of(table);
    let start = days(table, "start_date");
    let words = columns.codes("cancelled");
    let said_at: Vec<Option<bool>> = columns.ids("cancelled").iter().map(|word| said(word, yes)).collect();
    let said_in = |row: usize| words.get(row).and_then(|code| said_at.get(*code as usize).copied().flatten());
    if !words.is_empty() && said_at.iter().all(Option::is_none) && said_at.iter().len() > 0 {
        return Err(unknown_words(table, &columns));
    }
    let mut reading = Reading { faults: Default::default(), objecting: 0, later: 0 };
    let objects = objecting(columns.ids("customer_id"), customers);
    let mut rows = Vec::with_capacity(table.n_rows);
    for row in 0..table.n_rows {
        let customer = columns.codes("customer_id")[row];
        // Before anything else is asked: what is wrong with such a row is nobody's business either.
        if customer == NONE_IX || objects[customer as usize] {
            reading.objecting += 1;
            continue;
        }
        let word = words.get(row).filter(|code| **code != NONE_IX);
        if word.is_some() && said_in(row).is_none() {
            reading.faults[Fault::Word as usize].push(row);
            continue;
        }
        let found = match start {
            Some(start) => {
                reading.dated(start[row], days(table, "end_date").map(|end| end[row]), said_in(row), as_of, row)
            }
            None => reading.status(columns.decimals("tenure_months")[row], said_in(row), row),
        };
        let Some((start, end, cancelled)) = found else { continue };
        rows.push(Row { customer, start, end, cancelled, row });
    }
    let rejects = reading.rejects(table)?;
    if rows.is_empty() {
        return Err(IngestError::NoRowLeft { table: CONTRACTS.name, n_rows: table.n_rows });
    }
    let mut notes = reading.notes();
    let content = content(table, source);
    let prices = columns.decimals("price");
    let file = |row: usize| table.file_starts.partition_point(|start| *start <= row);
    // Within a customer the row that decides comes last; rows of equal content say the same.
    rows.sort_by_cached_key(|found| {
        let order = if start.is_some() { 0 } else { file(found.row) };
        let codes: Vec<u32> = content.iter().map(|(_, codes)| codes[found.row]).collect();
        (found.customer, order, found.start, found.end, found.cancelled, prices.get(found.row), codes)
    });
    if start.is_some() {
        rows.chunk_by_mut(|a, b| a.customer == b.customer).for_each(run_on);
    }
    let by_customer: Vec<&[Row]> = rows.chunk_by(|a, b| a.customer == b.customer).collect();
    let ids = columns.ids("customer_id");
    let ids = Ids::from_sorted(by_customer.iter().map(|rows| ids.get(rows[0].customer)));
    let (terms, kept) = if start.is_some() {
        let spells: Vec<ContractSpell> = spells(&rows);
        let n_back = spells.len() - by_customer.len();
        if n_back > 0 {
            notes.push(format!(
                "contracts: {n_back} times somebody came back more than {RENEWAL_DAYS} days after the end: the end before counts as a cancellation"
            ));
        }
        let version = |row: &Row| Version { start: Day(row.start), end: row.last_day() };
        let terms = Terms::Dated { spells, versions: rows.iter().map(version).collect() };
        (terms, rows.iter().map(|row| row.row).collect::<Vec<usize>>())
    } else {
        let last: Vec<Row> = by_customer.iter().map(|rows| rows[rows.len() - 1]).collect();
        let n_several = by_customer.iter().filter(|rows| rows.len() > 1).count();
        if n_several > 0 {
            notes.push(format!("{n_several} customers stand in several rows of the contracts: the last one counts (add `start-date`, and they are joined)"));
        }
        let terms = Terms::Status {
            tenure_months: last.iter().map(|row| row.end.unsigned_abs()).collect(),
            cancelled: last.iter().map(|row| row.cancelled).collect(),
        };
        (terms, last.iter().map(|row| row.row).collect())
    };
    let price = |row: &usize| Some(prices[*row]).filter(|price| *price != NO_NUMBER && *price >= 0);
    let price = |row: &usize| price(row).map(|price| price as f64 / MILLION as f64);
    let contracts = Contracts {
        ids,
        terms,
        price: (!prices.is_empty()).then(|| kept.iter().map(price).collect::<Nullable<f64>>()),
        attributes: further(table, source, &["product_id"], &["price"], &kept),
    };
    Ok(ContractReading { contracts, rejects, notes })
}

/// Why a row is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Word,
    Negative,
    TooLong,
    EndFirst,
    NoEnd,
    NoStart,
}

const FAULTS: [(Fault, &str, &str); 6] = [
    (Fault::Word, "cancelled", "neither yes nor no in a word that is known"),
    (Fault::Negative, "tenure_months", "a tenure below zero"),
    (Fault::TooLong, "tenure_months", "a tenure of a hundred years or more"),
    (Fault::EndFirst, "end_date", "an end before the start"),
    (Fault::NoEnd, "end_date", "cancelled, but without an end date"),
    (Fault::NoStart, "start_date", "empty, but every row needs it"),
];

/// What was found on the way through the rows.
struct Reading {
    faults: [Vec<usize>; FAULTS.len()],
    objecting: usize,
    later: usize,
}

impl Reading {
    fn dated(
        &mut self,
        start: i32,
        end: Option<i32>,
        said: Option<bool>,
        as_of: Day,
        row: usize,
    ) -> Option<(i32, i32, bool)> {
        let end = end.filter(|day| *day != NO_DAY);
        let fault = match (start, end, said) {
            (NO_DAY, ..) => Some(Fault::NoStart),
            (_, Some(end), _) if end < start => Some(Fault::EndFirst),
            (_, None, Some(true)) => Some(Fault::NoEnd),
            _ => None,
        };
        if let Some(fault) = fault {
            self.faults[fault as usize].push(row);
            return None;
        }
        if start > as_of.0 {
            self.later += 1;
            return None;
        }
        let over = end.filter(|end| *end <= as_of.0);
        Some((start, over.unwrap_or(i32::MAX), over.is_some() && said != Some(false)))
    }

    fn status(&mut self, tenure: i64, said: Option<bool>, row: usize) -> Option<(i32, i32, bool)> {
        let fault = match tenure {
            ..0 => Some(Fault::Negative),
            _ if tenure / MILLION >= MOST_MONTHS => Some(Fault::TooLong),
            _ => None,
        };
        if let Some(fault) = fault {
            self.faults[fault as usize].push(row);
            return None;
        }
        Some((0, (tenure / MILLION) as i32, said?))
    }

    fn rejects(&self, table: &TypedTable) -> Result<Vec<Reject>, IngestError> {
        let mut rejects = Vec::new();
        for (fault, column, reason) in FAULTS {
            let rows = &self.faults[fault as usize];
            if !rows.is_empty() {
                rejects.extend(reject_rows(&table.files, rows, Some(column), reason)?);
            }
        }
        Ok(rejects)
    }

    fn notes(&self) -> Vec<String> {
        let later = (self.later > 0).then(|| format!("{} contracts begin after as-of and are left out", self.later));
        let objecting = (self.objecting > 0)
            .then(|| format!("{} contracts of customers who object to profiling are left out", self.objecting));
        later.into_iter().chain(objecting).collect()
    }
}

fn unknown_words(table: &TypedTable, columns: &Columns<'_>) -> IngestError {
    let header = table.files.iter().flat_map(|file| &file.mapping).find(|(name, _)| name == "cancelled");
    IngestError::UnknownCells {
        table: CONTRACTS.name,
        column: "cancelled",
        header: header.map_or_else(|| "cancelled".to_owned(), |(_, header)| header.clone()),
        n_rows: table.n_rows,
        shapes: shapes(columns.ids("cancelled").iter()),
        key: "cancelled-values",
    }
}

impl Row {
    fn last_day(&self) -> Option<Day> {
        (self.end != i32::MAX).then_some(Day(self.end))
    }
}

/// Lets the contract of one customer that ends last run on where it is said not to be cancelled; the others were replaced.
fn run_on(own: &mut [Row]) {
    let last = own.iter().map(|row| row.end).max();
    for row in own.iter_mut().filter(|row| Some(row.end) == last && !row.cancelled) {
        row.end = i32::MAX;
    }
}

/// Joins the contracts of each customer; rows ascend by customer and start.
fn spells(rows: &[Row]) -> Vec<ContractSpell> {
    let mut spells: Vec<ContractSpell> = Vec::new();
    let mut customers = 0;
    for (ix, row) in (0..).zip(rows) {
        let is_other = ix > 0 && rows[ix as usize - 1].customer != row.customer;
        customers += u32::from(is_other);
        match spells.last_mut().filter(|spell| spell.customer == customers) {
            Some(spell) if spell.end.is_none_or(|end| row.start - RENEWAL_DAYS <= end.0 + 1) => {
                spell.end = spell.end.zip(row.last_day()).map(|(own, other)| own.max(other));
                spell.versions.end = ix + 1;
            }
            _ => spells.push(ContractSpell {
                customer: customers,
                start: Day(row.start),
                end: row.last_day(),
                versions: ix..ix + 1,
            }),
        }
    }
    spells
}

/// Says of each customer whether profiling is objected to, or may be, an unreadable row could have said so, and whether the customer was erased.
pub(super) fn objecting(ids: &Ids, customers: Option<&Customers>) -> Vec<bool> {
    let mut objects = vec![false; ids.len()];
    let Some(customers) = customers else { return objects };
    for id in customers.objecting().chain(customers.erased.iter().map(String::as_str)) {
        if let Some(ix) = ids.position(id) {
            objects[ix as usize] = true;
        }
    }
    objects
}

/// Returns the codes of the text columns that a row's content consists of.
pub(super) fn content<'a>(table: &'a TypedTable, source: &TableSource) -> Vec<(&'a str, &'a [u32])> {
    let wanted = |name: &str| name == "product_id" || source.attributes.iter().any(|attribute| attribute == name);
    let codes = |(name, column): (&'a super::ColumnName, &'a TypedColumn)| match column {
        TypedColumn::Text { codes, .. } if wanted(name) => Some((&**name, &codes[..])),
        _ => None,
    };
    table.columns.iter().filter_map(codes).collect()
}

/// Lays out columns of some rows: those that the pipeline names by their headers, and of the table's own some texts and numbers.
pub(super) fn further(
    table: &TypedTable,
    source: &TableSource,
    own_texts: &[&str],
    own_numbers: &[&str],
    rows: &[usize],
) -> Vec<Column> {
    let columns = Columns::of(table);
    let number = |name: &str| {
        let values = columns.decimals(name);
        let value = |row: &usize| Some(values[*row]).filter(|v| *v != NO_NUMBER).map(|v| v as f64 / MILLION as f64);
        (!values.is_empty()).then(|| Column::new(name, Values::Number(rows.iter().map(value).collect())))
    };
    let text = |name: &str| {
        let cells = || rows.iter().map(|row| columns.text(name, *row).filter(|text| !text.is_empty()));
        table.columns.contains_key(name).then(|| Values::from_texts(cells()))
    };
    let attribute = |name: &String| {
        let cells = rows.iter().map(|row| columns.text(name, *row).filter(|text| !text.is_empty())).collect();
        let header = source.columns.get(name).unwrap_or(name);
        table.columns.contains_key(name.as_str()).then(|| Column::new(header, attributes::as_values(cells)))
    };
    let own = own_texts.iter().filter_map(|name| Some(Column::new(*name, text(name)?)));
    own.chain(own_numbers.iter().filter_map(|name| number(name)))
        .chain(source.attributes.iter().filter_map(attribute))
        .collect()
}

fn days<'a>(table: &'a TypedTable, name: &str) -> Option<&'a [i32]> {
    match table.columns.get(name) {
        Some(TypedColumn::Date { day, .. }) => Some(day),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_that_follow_each_other_are_one_and_who_comes_back_has_two() {
        let check = |rows: &[(u32, i32, i32)], expected: &[(u32, i32, i32, std::ops::Range<u32>)]| {
            let row = |(ix, (customer, start, end)): (usize, &(u32, i32, i32))| Row {
                customer: *customer,
                start: *start,
                end: *end,
                cancelled: *end != i32::MAX,
                row: ix,
            };
            let rows: Vec<Row> = rows.iter().enumerate().map(row).collect();
            let found: Vec<_> = spells(&rows)
                .into_iter()
                .map(|own| (own.customer, own.start.0, own.end.map_or(i32::MAX, |end| end.0), own.versions))
                .collect();
            assert_eq!(found, expected);
        };
        check(&[(7, 10, 20)], &[(0, 10, 20, 0..1)]);
        // Renewed 30 days after the last day, overlapping, and won back later.
        check(&[(7, 10, 20), (7, 51, 60)], &[(0, 10, 60, 0..2)]);
        check(&[(7, 10, i32::MAX), (7, 15, 30)], &[(0, 10, i32::MAX, 0..2)]);
        check(&[(7, 10, 20), (7, 52, i32::MAX)], &[(0, 10, 20, 0..1), (0, 52, i32::MAX, 1..2)]);
        // The contract of another customer is not a renewal.
        check(&[(7, 10, 20), (9, 21, 30)], &[(0, 10, 20, 0..1), (1, 21, 30, 1..2)]);
    }

    /// The word of a contract that was replaced does not keep the customer for ever.
    #[test]
    fn the_contract_that_ends_last_says_whether_the_customer_left() {
        let check = |rows: &[(i32, i32, bool)], expected: &[(i32, Option<i32>)]| {
            let row = |(ix, (start, end, cancelled)): (usize, &(i32, i32, bool))| Row {
                customer: 7,
                start: *start,
                end: *end,
                cancelled: *cancelled,
                row: ix,
            };
            let mut rows: Vec<Row> = rows.iter().enumerate().map(row).collect();
            run_on(&mut rows);
            let found: Vec<_> = spells(&rows).into_iter().map(|own| (own.start.0, own.end.map(|end| end.0))).collect();
            assert_eq!(found, expected);
        };
        let (yes, no) = (true, false);
        check(&[(10, 20, no), (21, 60, yes)], &[(10, Some(60))]);
        check(&[(10, 20, yes), (21, 60, no)], &[(10, None)]);
        // One within the other, and both to the same day.
        check(&[(10, 60, yes), (15, 30, no)], &[(10, Some(60))]);
        check(&[(10, 60, no), (15, 60, yes)], &[(10, None)]);
        // A gap is one, whatever the first is said to be.
        check(&[(10, 20, no), (80, 90, yes)], &[(10, Some(20)), (80, Some(90))]);
        check(&[(10, 20, no), (80, i32::MAX, no)], &[(10, Some(20)), (80, None)]);
    }

    #[test]
    fn a_spell_tells_what_it_said_on_a_day() {
        let version = |start, end: i32| Version { start: Day(start), end: (end != i32::MAX).then_some(Day(end)) };
        let versions = [version(10, 20), version(15, 40), version(50, i32::MAX)];
        let spell = ContractSpell { customer: 0, start: Day(10), end: None, versions: 0..3 };
        let on = |day| spell.entry_on(&versions, Day(day));
        assert_eq!([9, 10, 20, 40, 45, 50].map(on), [None, Some(0), Some(1), Some(1), None, Some(2)]);
    }

    #[test]
    fn what_cannot_be_is_rejected_and_the_future_is_not_known() {
        let mut reading = Reading { faults: Default::default(), objecting: 0, later: 0 };
        let as_of = Day(100);
        assert_eq!(reading.dated(10, Some(50), None, as_of, 0), Some((10, 50, true)));
        assert_eq!(reading.dated(10, Some(150), None, as_of, 1), Some((10, i32::MAX, false)));
        assert_eq!(reading.dated(10, Some(50), Some(false), as_of, 2), Some((10, 50, false)));
        assert_eq!(reading.dated(101, None, None, as_of, 3), None);
        assert_eq!(reading.dated(10, Some(9), None, as_of, 4), None);
        assert_eq!(reading.dated(10, None, Some(true), as_of, 5), None);
        assert_eq!(reading.status(7_900_000, Some(true), 6), Some((0, 7, true)));
        assert_eq!(reading.status(-1_000_000, Some(false), 7), None);
        assert_eq!(reading.status(1_200_000_000, Some(false), 8), None);
        let faults: Vec<(Fault, &Vec<usize>)> = FAULTS
            .iter()
            .map(|(fault, ..)| (*fault, &reading.faults[*fault as usize]))
            .filter(|(_, rows)| !rows.is_empty())
            .collect();
        let expected = [
            (Fault::Negative, &vec![7]),
            (Fault::TooLong, &vec![8]),
            (Fault::EndFirst, &vec![4]),
            (Fault::NoEnd, &vec![5]),
        ];
        assert_eq!((faults, reading.later), (expected.to_vec(), 1));
    }
}
