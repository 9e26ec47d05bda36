//! Exports that overlap count a line once.
//!
//! Only days that stand in more than one file are looked at, so a folder of clean daily exports costs one pass over the dates.
//! Of equal lines as many are kept as the largest number in any one file: a receipt may hold the same line twice. Where that many
//! lines would take more than [`PASS_BYTES`], customers are looked at in turns.

use std::collections::BTreeMap;

use super::read::LineTable;
use super::store::Chunk;
use super::worth::Money;
use crate::ingest::packed::code;
use crate::ingest::{IngestError, NO_NUMBER};
use crate::table::NO_ORDER;
use crate::units::NONE_IX;

/// Memory for the lines that are compared at a time.
const PASS_BYTES: usize = 512 << 20;

/// Everything that makes two lines the same line; descriptive columns do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    customer: u32,
    order: u64,
    day: i32,
    millis: u32,
    product: u32,
    quantity: i64,
    /// Amount, or unit price where no amount is mapped, in millionths.
    value: i64,
}

/// Where a line is; positions ascend with files and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: u32,
    chunk: u32,
    row: u32,
}

/// How many lines were left out because another file holds them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OverlapCounts {
    /// Equal lines that another file holds too.
    pub repeated: u64,
    /// Lines that a later file replaced under the same line id, with other content.
    pub corrected: u64,
    /// Days that stand in more than one file.
    pub shared_days: u64,
}

/// Lines that are left out, by chunk; a chunk of which none is has no entry.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftOut {
    by_chunk: BTreeMap<usize, Vec<bool>>,
}

impl LeftOut {
    pub fn add(&mut self, chunk: usize, row: usize, n_rows: usize) {
        self.by_chunk.entry(chunk).or_insert_with(|| vec![false; n_rows])[row] = true;
    }

    /// Returns a mark a line, or nothing where all lines of the chunk stay.
    pub fn of(&self, chunk: usize) -> Option<&[bool]> {
        self.by_chunk.get(&chunk).map(Vec::as_slice)
    }
}

/// Leaves out lines up to day `last` that another file holds too.
///
/// # Errors
/// Fails where lines on disk cannot be read.
pub(super) fn count_once(table: &LineTable, last: i32, left_out: &mut LeftOut) -> Result<OverlapCounts, IngestError> {
    let mut counts = OverlapCounts::default();
    if table.files.len() < 2 {
        return Ok(counts);
    }
    let sizes: Vec<usize> = table.store.map(|_, chunk| chunk.n_rows)?;
    let mut leave = |place: Place| left_out.add(place.chunk as usize, place.row as usize, sizes[place.chunk as usize]);
    if table.has("line_id") {
        replace_corrected(table, last, &mut leave, &mut counts)?;
    }
    let shared = shared_days(table, last, left_out)?;
    counts.shared_days = shared.len() as u64;
    if shared.is_empty() {
        return Ok(counts);
    }
    let (first, end) = (shared[0], shared[shared.len() - 1]);
    let mut is_shared = vec![false; (i64::from(end) - i64::from(first)) as usize + 1];
    shared.iter().for_each(|day| is_shared[(i64::from(*day) - i64::from(first)) as usize] = true);
    let on_shared_day = |day: i32| (first..=end).contains(&day) && is_shared[(day - first) as usize];
    let compared = |ix: usize, chunk: &Chunk| -> Vec<(usize, u32)> {
        let (days, _) = chunk.date();
        let (line, customer) = (chunk.codes("line_id"), chunk.codes("customer_id"));
        let out = left_out.of(ix);
        (0..chunk.n_rows)
            .filter(|row| {
                on_shared_day(days.at(*row)) && code(line, *row) == NONE_IX && out.is_none_or(|out| !out[*row])
            })
            .map(|row| (row, code(customer, row)))
            .collect()
    };
    let n: usize = table.store.map(|ix, chunk| compared(ix, chunk).len())?.iter().sum();
    let n_passes = (n * size_of::<(LineKey, Place)>()).div_ceil(PASS_BYTES) as u32;
    let mut repeated = Vec::new();
    for pass in 0..n_passes {
        let lines = table.store.map(|ix, chunk| {
            let key = KeyOf::new(chunk);
            compared(ix, chunk)
                .into_iter()
                .filter(|(_, customer)| customer % n_passes == pass)
                .map(|(row, _)| (key.of(row), place(chunk, ix, row)))
                .collect::<Vec<_>>()
        })?;
        repeated.extend(repeated_lines(lines.concat()));
    }
    counts.repeated += repeated.len() as u64;
    for place in repeated {
        left_out.add(place.chunk as usize, place.row as usize, sizes[place.chunk as usize]);
    }
    Ok(counts)
}

/// Finds the lines beyond the largest number of equal ones in any one file.
fn repeated_lines(mut lines: Vec<(LineKey, Place)>) -> Vec<Place> {
    let mut repeated = Vec::new();
    lines.sort_unstable();
    for equal in lines.chunk_by(|a, b| a.0 == b.0) {
        // The later file wins a draw, so that its descriptive columns are the ones kept.
        let kept = equal.chunk_by(|a, b| a.1.file == b.1.file).max_by_key(|lines| (lines.len(), lines[0].1.file));
        let kept_file = kept.map(|lines| lines[0].1.file);
        repeated.extend(equal.iter().map(|(_, place)| *place).filter(|place| Some(place.file) != kept_file));
    }
    repeated
}

/// Keeps, of the lines with one line id, those of the last file that holds it.
fn replace_corrected(
    table: &LineTable,
    last: i32,
    leave: &mut impl FnMut(Place),
    counts: &mut OverlapCounts,
) -> Result<(), IngestError> {
    let lines = table.store.map(|ix, chunk| {
        let (key, (days, _)) = (KeyOf::new(chunk), chunk.date());
        let line = chunk.codes("line_id");
        (0..chunk.n_rows)
            .filter(|row| days.at(*row) <= last && code(line, *row) != NONE_IX)
            .map(|row| ((key.order(row), line[row]), place(chunk, ix, row), key.of(row)))
            .collect::<Vec<_>>()
    })?;
    let mut lines = lines.concat();
    lines.sort_unstable();
    for same in lines.chunk_by(|a, b| a.0 == b.0) {
        let Some((_, Place { file: newest, .. }, _)) = same.last() else { continue };
        let replaced = same.partition_point(|line| line.1.file < *newest);
        for (_, place, key) in &same[..replaced] {
            leave(*place);
            if same[replaced..].iter().any(|line| line.2 == *key) {
                counts.repeated += 1;
            } else {
                counts.corrected += 1;
            }
        }
    }
    Ok(())
}

/// Returns the days that stand in more than one file, ascending.
fn shared_days(table: &LineTable, last: i32, left_out: &LeftOut) -> Result<Vec<i32>, IngestError> {
    let days = table.store.map(|ix, chunk| {
        let (days, _) = chunk.date();
        let days: Vec<i32> = match left_out.of(ix) {
            None => days.histogram().into_iter().map(|(day, _)| day).collect(),
            Some(out) => {
                let mut days: Vec<i32> = (0..chunk.n_rows).filter(|row| !out[*row]).map(|row| days.at(row)).collect();
                days.sort_unstable();
                days.dedup();
                days
            }
        };
        (chunk.file, days)
    })?;
    let mut files: BTreeMap<i32, (usize, bool)> = BTreeMap::new();
    for (file, days) in days {
        for day in days.into_iter().filter(|day| *day <= last) {
            let (first, shared) = files.entry(day).or_insert((file, false));
            *shared |= *first != file;
        }
    }
    Ok(files.into_iter().filter(|(_, (_, shared))| *shared).map(|(day, _)| day).collect())
}

fn place(chunk: &Chunk, ix: usize, row: usize) -> Place {
    Place { file: chunk.file as u32, chunk: ix as u32, row: row as u32 }
}

/// Puts the keys of a chunk's lines together.
struct KeyOf<'a> {
    chunk: &'a Chunk,
    money: Money<'a>,
}

impl<'a> KeyOf<'a> {
    fn new(chunk: &'a Chunk) -> Self {
        Self { chunk, money: Money::of(chunk) }
    }

    fn order(&self, row: usize) -> u64 {
        let (codes, keys) = self.chunk.orders();
        keys.get(code(codes, row) as usize).copied().unwrap_or(NO_ORDER)
    }

    fn of(&self, row: usize) -> LineKey {
        let (days, millis) = self.chunk.date();
        LineKey {
            customer: code(self.chunk.codes("customer_id"), row),
            order: self.order(row),
            day: days.at(row),
            millis: millis.get(row).copied().unwrap_or(0),
            product: code(self.chunk.codes("product_id"), row),
            quantity: self.money.quantity.at(row),
            value: match self.money.amount.at(row) {
                NO_NUMBER => self.money.unit_price.at(row),
                amount => amount,
            },
        }
    }
}
