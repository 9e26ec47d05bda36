//! All lines of the transaction files: packed part by part, with ids that are the same in all parts.
//!
//! Ids of customers, products and the rare other texts become numbers of one dictionary each, part after part. Orders become keys
//! straight from their ids where these are short ([`order_key`]), else ranks of all order ids.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::order_key;
use super::store::{Chunk, Spill, Store};
use super::taken_out::Barred;
use crate::ingest::cache::Cache;
use crate::ingest::file::{Job, ParsedFile, ParsedPart};
use crate::ingest::headers::Mapped;
use crate::ingest::interner::Interner;
use crate::ingest::packed::Packed;
use crate::ingest::read::{PART_BYTES, parse_file, read_files};
use crate::ingest::readings::Stated;
use crate::ingest::texts::Texts;
use crate::ingest::{ColumnRequest, FileReport, IngestError, Reject, TRANSACTIONS, TableSource};
use crate::table::Ids;
use crate::units::NONE_IX;

const ORDER: &str = "order_id";

/// Packed columns of one part of a file.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ingest) struct PackedPart {
    pub n_rows: usize,
    pub columns: Vec<(&'static str, Packed)>,
}

impl PackedPart {
    /// Returns the memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(|(_, column)| column.bytes()).sum()
    }
}

/// How lines are read.
#[derive(Default)]
pub struct LineReading<'a> {
    /// Hears how many more bytes are done, from any thread.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
    /// Where what was read of a file is kept for the next run.
    pub cache: Option<&'a Cache<'a>>,
    /// Where lines go that do not fit into memory.
    pub spill: Option<Spill>,
    /// Whose lines count nowhere.
    pub barred: Option<&'a Barred<'a>>,
}

/// Every accepted line of all files.
#[derive(Debug)]
pub struct LineTable {
    pub(super) store: Store,
    /// Distinct texts of each text column, orders apart.
    pub(super) interners: BTreeMap<&'static str, Interner>,
    /// Sorted order ids, where the keys of orders are ranks.
    pub(super) order_ids: Option<Ids>,
    /// Canonical names of the columns that any file has.
    pub(super) mapped: Vec<&'static str>,
    /// Lines that were accepted, without those that were taken out.
    pub n_rows: usize,
    /// What was found out about each file, in order.
    pub files: Vec<FileReport>,
    /// What was not accepted, in order of files and lines.
    pub rejects: Vec<Reject>,
}

/// Reads the transaction files.
///
/// # Errors
/// Fails where a file cannot be read as a whole, where headers or forms cannot be told, and where no file has any row.
pub fn read_lines(source: &TableSource, reading: &LineReading<'_>) -> Result<LineTable, IngestError> {
    let job = Job { spec: &TRANSACTIONS, source, part_bytes: PART_BYTES, progress: reading.progress };
    let parse_packed = |job: &Job<'_>, path: &Path, stated: &Stated| {
        let mut file = parse_packed(job, path, stated)?;
        if let Some(barred) = reading.barred {
            file.parts = barred.leave_out(file.parts, &mut file.report);
        }
        Ok(file)
    };
    let parse = |job: &Job<'_>, path: &Path, stated: &Stated| match reading.cache {
        Some(cache) => cache.parse(job, path, stated, &parse_packed),
        None => parse_packed(job, path, stated),
    };
    let mut taken = Taken { store: Store::new(reading.spill.clone()), interners: BTreeMap::new() };
    let files = read_files(&job, &parse, &mut |parts| taken.take(parts))?;
    let Taken { mut store, interners } = taken;
    store.settle();
    let order_ids = rank_orders(&mut store)?;
    store.settle();
    let is_mapped = |name: &&str| files.iter().any(|file| file.columns.iter().any(|c| c.request.name == *name));
    let mapped = TRANSACTIONS.columns.iter().filter_map(ColumnRequest::own_name).filter(is_mapped).collect();
    let n_rows = files.iter().map(|file| file.report.rows).sum();
    let (files, rejects): (Vec<FileReport>, Vec<Vec<Reject>>) =
        files.into_iter().map(|file| (file.report, file.rejects)).unzip();
    Ok(LineTable { store, interners, order_ids, mapped, n_rows, files, rejects: rejects.concat() })
}

/// Parses a file and packs its parts.
fn parse_packed(job: &Job<'_>, path: &Path, stated: &Stated) -> Result<ParsedFile<PackedPart>, IngestError> {
    Ok(parse_file(job, path, stated)?
        .map_parts(|columns, parts| parts.into_par_iter().map(|part| pack(columns, part)).collect()))
}

fn pack(columns: &[Mapped], part: ParsedPart) -> PackedPart {
    let named = columns.iter().map(|column| column.request.own_name()).zip(part.columns);
    let columns = named.filter_map(|(name, builder)| Some((name?, Packed::of(builder)?))).collect();
    PackedPart { n_rows: part.n_rows, columns }
}

/// What was taken in so far.
struct Taken {
    store: Store,
    interners: BTreeMap<&'static str, Interner>,
}

impl Taken {
    fn take(&mut self, of_files: Vec<(usize, Vec<PackedPart>)>) -> Result<(), IngestError> {
        let mut chunks: Vec<Chunk> = of_files
            .into_iter()
            .flat_map(|(file, parts)| {
                parts.into_iter().enumerate().map(move |(ix, PackedPart { n_rows, columns })| Chunk {
                    file,
                    part: ix,
                    n_rows,
                    columns,
                    ..Chunk::default()
                })
            })
            .collect();
        for name in TRANSACTIONS.columns.iter().filter_map(ColumnRequest::own_name).filter(|name| *name != ORDER) {
            self.intern(name, &mut chunks);
        }
        chunks.par_iter_mut().for_each(|chunk| change_orders(chunk, encoded));
        chunks.into_iter().try_for_each(|chunk| self.store.push(chunk))
    }

    /// Turns a text column of some chunks into numbers of the common dictionary.
    fn intern(&mut self, name: &'static str, chunks: &mut [Chunk]) {
        let of_chunk = |chunk: &mut Chunk| {
            let column = chunk.columns.iter_mut().find(|(column, _)| *column == name)?;
            match std::mem::replace(&mut column.1, Packed::Interned(Vec::new())) {
                Packed::Text { codes, texts } => Some((codes, texts)),
                other => {
                    column.1 = other;
                    None
                }
            }
        };
        let found: Vec<Option<(Vec<u32>, Texts)>> = chunks.iter_mut().map(of_chunk).collect();
        let texts: Vec<&Texts> = found.iter().flatten().map(|(_, texts)| texts).collect();
        if texts.is_empty() {
            return;
        }
        let mut numbers = self.interners.entry(name).or_default().intern(&texts).into_iter();
        let with_numbers: Vec<(&mut Chunk, Vec<u32>, Vec<u32>)> = chunks
            .iter_mut()
            .zip(found)
            .filter_map(|(chunk, found)| found.map(|(codes, _)| (chunk, codes)))
            .filter_map(|(chunk, codes)| Some((chunk, codes, numbers.next()?)))
            .collect();
        with_numbers.into_par_iter().for_each(|(chunk, mut codes, numbers)| {
            for code in codes.iter_mut().filter(|code| **code != NONE_IX) {
                *code = numbers[*code as usize];
            }
            chunk.columns.iter_mut().filter(|(column, _)| *column == name).for_each(|(_, column)| {
                *column = Packed::Interned(std::mem::take(&mut codes));
            });
        });
    }
}

/// Returns the keys of order ids, if each has one.
fn encoded(texts: &Texts) -> Option<Vec<u64>> {
    texts.iter().map(order_key::encode).collect()
}

/// Replaces the order ids of a chunk by keys, where there are any for it.
fn change_orders(chunk: &mut Chunk, keys: impl FnOnce(&Texts) -> Option<Vec<u64>>) {
    let Some((_, column)) = chunk.columns.iter_mut().find(|(name, _)| *name == ORDER) else { return };
    if let Packed::Text { codes, texts } = column
        && let Some(keys) = keys(texts)
    {
        *column = Packed::Keyed { codes: std::mem::take(codes), keys };
    }
}

/// Ranks all order ids where some have no key of their own; returns them sorted.
fn rank_orders(store: &mut Store) -> Result<Option<Ids>, IngestError> {
    let all_keyed = store.map(|_, chunk| !matches!(chunk.column(ORDER), Some(Packed::Text { .. })))?;
    if all_keyed.iter().all(|keyed| *keyed) {
        return Ok(None);
    }
    let (mut interner, mut numbers) = (Interner::default(), Vec::new());
    store.visit(|chunk| {
        let texts = match chunk.column(ORDER) {
            Some(Packed::Text { texts, .. }) => texts.clone(),
            Some(Packed::Keyed { keys, .. }) => decoded(keys),
            _ => Texts::default(),
        };
        numbers.extend(interner.intern(&[&texts]));
    })?;
    let (ids, ranks) = interner.ranks(|_| true);
    let mut numbers = numbers.into_iter();
    store.change(|chunk| {
        let keys: Vec<u64> =
            numbers.next().unwrap_or_default().iter().map(|number| u64::from(ranks[*number as usize])).collect();
        if let Some((_, column)) = chunk.columns.iter_mut().find(|(name, _)| *name == ORDER)
            && let Packed::Text { codes, .. } | Packed::Keyed { codes, .. } = column
        {
            *column = Packed::Keyed { codes: std::mem::take(codes), keys };
        }
    })?;
    Ok(Some(ids))
}

fn decoded(keys: &[u64]) -> Texts {
    let (mut texts, mut id) = (Texts::default(), String::new());
    for key in keys {
        order_key::decode(*key, &mut id);
        texts.push(&id);
    }
    texts
}

impl LineTable {
    /// Returns the distinct customers, rows without one apart.
    pub(in crate::ingest) fn customers(&self) -> Option<&Interner> {
        self.interners.get("customer_id")
    }

    /// Counts the lines that were taken out.
    pub fn n_taken_out(&self) -> usize {
        self.files.iter().map(FileReport::n_taken_out).sum()
    }

    /// Returns the customers with lines who were erased, and counts the lines of each.
    pub fn erased(&self) -> BTreeMap<&str, u64> {
        added_up(self.files.iter().map(|file| &file.taken_out.of_erased))
    }

    /// Does the same for those who object.
    pub(super) fn objecting(&self) -> BTreeMap<&str, u64> {
        added_up(self.files.iter().map(|file| &file.taken_out.of_objecting))
    }

    /// Says whether any file has a column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.mapped.contains(&name)
    }

    /// Writes the id of an order key.
    pub(super) fn order_id(&self, key: u64, id: &mut String) {
        match &self.order_ids {
            None => order_key::decode(key, id),
            Some(ids) => {
                id.clear();
                id.push_str(ids.get(key as u32));
            }
        }
    }

    /// Says whether lines had to be put on disk.
    pub fn is_spilled(&self) -> bool {
        self.store.is_spilled()
    }
}

fn added_up<'f>(of_files: impl Iterator<Item = &'f BTreeMap<String, u64>>) -> BTreeMap<&'f str, u64> {
    let mut all = BTreeMap::new();
    of_files.flatten().for_each(|(who, n)| *all.entry(who.as_str()).or_default() += n);
    all
}
