//! Lines of customers who object to profiling or were erased: taken out of every file as soon as it is read, before anything is computed of them.
//!
//! Neither the last day that the data covers nor an overlap of files knows of them, and no line of theirs is in an entry of the cache. How a file
//! is written is settled before, by all its lines: its dialect, the decimal mark, and whether day or month comes first, so that a line of theirs may
//! tell how the others are to be read. An entry keeps how many lines of a file were taken out by a keyed fingerprint of each customer's id, so
//! that it is known to be out of date once somebody takes an objection back. One look a distinct id of a part, and one HMAC where anybody was
//! erased (to remember the answers costs as much: two misses of the processor's cache are no cheaper than two blocks of SHA-256), `O(lines)`
//! where somebody is found, side by side.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::PackedPart;
use crate::ingest::packed::Packed;
use crate::ingest::report::FileReport;
use crate::table::{Customers, Key, Tombstones};
use crate::units::NONE_IX;

/// Whose lines count nowhere.
#[derive(Debug, Default)]
pub struct Barred<'a> {
    objecting: HashSet<&'a str>,
    tombstones: Option<&'a Tombstones>,
}

/// What was taken out of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ingest) struct TakenOut {
    /// Numbers of the lines among those that were accepted, ascending, counted from 0.
    pub rows: Vec<u64>,
    /// Lines of each customer who objects, by id; kept by keyed fingerprint.
    pub of_objecting: BTreeMap<String, u64>,
    /// Lines of each customer who was erased, by id; never kept.
    pub of_erased: BTreeMap<String, u64>,
}

impl<'a> Barred<'a> {
    /// Puts together who objects and who was erased.
    pub fn of(customers: Option<&'a Customers>, tombstones: &'a Tombstones) -> Self {
        let objecting = customers.into_iter().flat_map(Customers::objecting).collect();
        Self { objecting, tombstones: Some(tombstones).filter(|tombstones| !tombstones.is_empty()) }
    }

    /// Returns who objects, by the fingerprint of the id.
    pub(in crate::ingest) fn objecting_by(&self, key: &Key) -> HashMap<String, String> {
        self.objecting.par_iter().map(|id| (key.digits(id), (*id).to_owned())).collect()
    }

    /// Says whether what was taken out of a file before is what must be taken out now, and nothing else; puts ids in place of their fingerprints.
    pub(in crate::ingest) fn agrees_with<'n>(
        &self,
        report: &mut FileReport,
        parts: &[PackedPart],
        objecting: impl FnOnce() -> &'n HashMap<String, String>,
    ) -> bool {
        let kept = std::mem::take(&mut report.taken_out.of_objecting);
        if !kept.is_empty() {
            let objecting = objecting();
            let ids = kept.into_iter().map(|(who, n)| Some((objecting.get(&who)?.clone(), n)));
            let Some(ids) = ids.collect() else { return false };
            report.taken_out.of_objecting = ids;
        }
        !parts.par_iter().any(|part| !self.barred_codes(part).is_empty())
    }

    fn is_nobody(&self) -> bool {
        self.objecting.is_empty() && self.tombstones.is_none()
    }

    /// Takes the lines out of the parts of a file, and writes down how many there were.
    pub(in crate::ingest) fn leave_out(&self, parts: Vec<PackedPart>, report: &mut FileReport) -> Vec<PackedPart> {
        if self.is_nobody() {
            return parts;
        }
        let of_parts: Vec<(PackedPart, Vec<bool>, TakenOut)> =
            parts.into_par_iter().map(|part| self.split(part)).collect();
        let mut first_row = 0;
        let mut kept = Vec::with_capacity(of_parts.len());
        for (part, keeps, taken_out) in of_parts {
            report.taken_out.rows.extend(taken_out.rows.iter().map(|row| row + first_row));
            for (all, own) in [
                (&mut report.taken_out.of_objecting, taken_out.of_objecting),
                (&mut report.taken_out.of_erased, taken_out.of_erased),
            ] {
                own.into_iter().for_each(|(who, n)| *all.entry(who).or_default() += n);
            }
            first_row += if keeps.is_empty() { part.n_rows as u64 } else { keeps.len() as u64 };
            kept.push(part);
        }
        report.rows -= report.taken_out.rows.len();
        kept
    }

    /// Returns a part without the lines, of every line whether it is kept (of none where all are), and what was taken out.
    fn split(&self, part: PackedPart) -> (PackedPart, Vec<bool>, TakenOut) {
        let barred = self.barred_codes(&part);
        let mut taken_out = TakenOut::default();
        let Some(codes) = codes(&part).filter(|_| !barred.is_empty()) else { return (part, Vec::new(), taken_out) };
        let mut keeps = vec![true; part.n_rows];
        let mut n_lines: HashMap<u32, u64> = HashMap::new();
        for (row, code) in codes.iter().enumerate().filter(|(_, code)| barred.contains_key(code)) {
            keeps[row] = false;
            taken_out.rows.push(row as u64);
            *n_lines.entry(*code).or_default() += 1;
        }
        for (code, n) in n_lines {
            match &barred[&code] {
                Whose::Objecting(id) => taken_out.of_objecting.insert(id.clone(), n),
                Whose::Erased(id) => taken_out.of_erased.insert(id.clone(), n),
            };
        }
        let columns = part.columns.iter().map(|(name, column)| (*name, column.kept(&keeps))).collect();
        (PackedPart { n_rows: part.n_rows - taken_out.rows.len(), columns }, keeps, taken_out)
    }

    /// Finds the customers of a part whose lines count nowhere, by number of their ids.
    fn barred_codes(&self, part: &PackedPart) -> HashMap<u32, Whose> {
        let column = part.columns.iter().find(|(name, _)| *name == CUSTOMER_ID).filter(|_| !self.is_nobody());
        let Some((_, Packed::Text { texts, .. })) = column else { return HashMap::new() };
        let whose = |(code, id): (u32, &str)| {
            if self.tombstones.is_some_and(|tombstones| tombstones.holds(id)) {
                return Some((code, Whose::Erased(id.to_owned())));
            }
            self.objecting.contains(id).then(|| (code, Whose::Objecting(id.to_owned())))
        };
        (0..NONE_IX).zip(texts.iter()).filter_map(whose).collect()
    }
}

/// Why somebody's lines count nowhere, with the id.
enum Whose {
    Objecting(String),
    Erased(String),
}

const CUSTOMER_ID: &str = "customer_id";

fn codes(part: &PackedPart) -> Option<&[u32]> {
    part.columns.iter().find(|(name, _)| *name == CUSTOMER_ID).and_then(|(_, column)| match column {
        Packed::Text { codes, .. } => Some(&codes[..]),
        _ => None,
    })
}
