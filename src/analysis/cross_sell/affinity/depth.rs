//! Itemsets of three items and more, from the pairs.
//!
//! For item `i` and the more frequent partners that it meets often enough, the baskets with `i` are projected on those partners: what is
//! frequent there, with `i` added, is frequent at all. The projection is small, so the pairs in it are counted by the cheaper of two ways
//! and the same is done again for each item of it:
//!
//! - **sparse**: a triangle over the partners, one addition a pair of a projected basket, as in `pairs`; what each partner meets, one after
//!   the other, where the triangle would be larger than there is room for;
//! - **dense**: one bit a projected basket for each partner, pairs by `and` and counting bits; from there on only bits are carried.
//!
//! Projections shrink quickly on retail baskets, which leaves a tree of prefixes (FP-growth) nothing to save; bits carry the dense cases that
//! would have wanted one, and are kept to the same room.
//!
//! Parallel over the first item; every item yields its part of each level and parts are joined in order, so results are the same on any
//! number of threads. Sources: Zaki, "Scalable Algorithms for Association Mining", IEEE TKDE 12(3), 2000 (Eclat); Uno, Kiyomi and Arimura,
//! "LCM ver. 2", FIMI 2004 (occurrence deliver, database reduction).

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::super::rows::Counter;
use super::bits::Bits;
use super::matrix::BasketMatrix;
use super::memory::{Room, TooMany, What};
use super::pairs::{Occurrences, Pairs, add_pairs};
use crate::units::NONE_IX;

/// Sets of one size in the order of their paths, and how many of them each set above begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// One entry a set of the size before.
    pub n_children: Vec<u32>,
    pub item: Vec<u32>,
    pub count: Vec<u32>,
}

/// Finds all sets of three and more items, one entry a size.
///
/// # Errors
/// Fails where there are more than there is room for beside the pairs.
pub(super) fn extend(
    matrix: &BasketMatrix,
    pairs: &Pairs,
    min_count: u32,
    max_items: usize,
    room: &Room,
) -> Result<Vec<Found>, TooMany> {
    if max_items < 3 || pairs.items.is_empty() {
        return Ok(Vec::new());
    }
    let n_items = pairs.n_items();
    let occurrences = Occurrences::of(matrix, 0..n_items);
    let limits = Limits {
        min_count,
        max_items,
        most: room.sets,
        taken: AtomicUsize::new(pairs.items.len()),
        // One at each step may be in use at a time.
        dense_bytes: room.dense_bytes / max_items,
    };
    let of_items: Vec<Vec<Found>> = (0..n_items)
        .into_par_iter()
        .with_max_len(1)
        .map_init(
            || Projection { local: vec![NONE_IX; n_items], rows: LocalRows::default() },
            |projection, item| {
                let mut tree = Tree { limits: &limits, levels: Vec::new() };
                let (partners, counts) = pairs.row(item);
                // Pairs may have passed a lower threshold.
                let wide: Vec<usize> = (0..partners.len()).filter(|at| counts[*at] >= min_count).collect();
                let names: Vec<u32> = wide.iter().map(|at| partners[*at]).collect();
                if names.len() > 1 {
                    projection.fill(occurrences.before(item, &matrix.rows.items), &names);
                    tree.grow(&projection.rows, &names, 0)?;
                }
                let of_wide = tree.levels.first_mut().map(|found| std::mem::take(&mut found.n_children));
                tree.childless(0, partners.len());
                for (at, n) in wide.iter().zip(of_wide.unwrap_or_default()) {
                    tree.levels[0].n_children[*at] = n;
                }
                Ok(tree.levels)
            },
        )
        .collect::<Result<_, TooMany>>()?;
    Ok(join(of_items))
}

fn join(of_items: Vec<Vec<Found>>) -> Vec<Found> {
    let depth = of_items.iter().map(Vec::len).max().unwrap_or(0);
    let mut all: Vec<Found> = vec![Found::default(); depth];
    for (level, all) in all.iter_mut().enumerate() {
        let parts = || of_items.iter().filter_map(|of_item| of_item.get(level));
        all.n_children.reserve_exact(parts().map(|part| part.n_children.len()).sum());
        all.item.reserve_exact(parts().map(|part| part.item.len()).sum());
        all.count.reserve_exact(parts().map(|part| part.count.len()).sum());
        for part in parts() {
            all.n_children.extend_from_slice(&part.n_children);
            all.item.extend_from_slice(&part.item);
            all.count.extend_from_slice(&part.count);
        }
    }
    all
}

/// What bounds the search.
pub(super) struct Limits {
    pub min_count: u32,
    max_items: usize,
    most: usize,
    taken: AtomicUsize,
    /// Bytes of one triangle, or of the bits of one projection.
    dense_bytes: usize,
}

/// The part of the result below one item; entry 0 holds sets of three.
pub(super) struct Tree<'a> {
    pub limits: &'a Limits,
    levels: Vec<Found>,
}

impl Tree<'_> {
    /// Notes that some sets of a size begin no larger one; `level` counts from the pairs.
    pub fn childless(&mut self, level: usize, n: usize) {
        let found = self.level(level);
        found.n_children.resize(found.n_children.len() + n, 0);
    }

    /// Notes the sets that begin with the next one of a size.
    pub fn children(&mut self, level: usize, sets: impl Iterator<Item = (u32, u32)>) -> Result<usize, TooMany> {
        let found = self.level(level);
        let before = found.item.len();
        for (item, count) in sets {
            found.item.push(item);
            found.count.push(count);
        }
        let n = found.item.len() - before;
        found.n_children.push(n as u32);
        let taken = self.limits.taken.fetch_add(n, Ordering::Relaxed) + n;
        if taken > self.limits.most {
            let Limits { most, min_count, .. } = *self.limits;
            return Err(TooMany { what: What::LargerSets, most, min_count });
        }
        Ok(n)
    }

    /// Says whether sets below this level are wanted.
    pub fn goes_deeper(&self, level: usize) -> bool {
        level + 4 <= self.limits.max_items
    }

    fn level(&mut self, level: usize) -> &mut Found {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Found::default);
        }
        &mut self.levels[level]
    }

    /// Counts the pairs of a projection and goes on with each of its items; `items` names them.
    fn grow(&mut self, rows: &LocalRows, items: &[u32], level: usize) -> Result<(), TooMany> {
        let n_items = items.len();
        let dense_bytes = self.limits.dense_bytes;
        if rows.is_dense(n_items) && rows.n_rows().div_ceil(64) * n_items * size_of::<u64>() <= dense_bytes {
            return Bits::of(rows, items).grow(self, level);
        }
        let mut counts = Counts::of(rows, n_items, dense_bytes);
        let min_count = self.limits.min_count;
        let (mut projection, mut partners, mut found) = (None, Vec::new(), Vec::new());
        for item in 0..n_items {
            counts.frequent(rows, item, min_count, &mut found);
            partners.clear();
            partners.extend(found.iter().map(|(other, _)| *other));
            let n = self.children(level, found.iter().map(|(other, count)| (items[*other as usize], *count)))?;
            if !self.goes_deeper(level) {
                continue;
            }
            if n < 2 {
                self.childless(level + 1, n);
                continue;
            }
            let (by_item, projection) = projection.get_or_insert_with(|| {
                let empty = Projection { local: vec![NONE_IX; n_items], rows: LocalRows::default() };
                (rows.by_item(n_items), empty)
            });
            projection.fill(by_item.before(item, rows), &partners);
            let names: Vec<u32> = partners.iter().map(|other| items[*other as usize]).collect();
            self.grow(&projection.rows, &names, level + 1)?;
        }
        Ok(())
    }
}

/// How often the items of a projection meet: a triangle, or where that is too large what each item meets, one after the other.
enum Counts {
    Triangle(Vec<u32>),
    Rows(ByItem, Counter<u32>),
}

impl Counts {
    fn of(rows: &LocalRows, n_items: usize, most_bytes: usize) -> Self {
        let n_pairs = n_items * n_items.saturating_sub(1) / 2;
        if n_pairs.saturating_mul(size_of::<u32>()) > most_bytes {
            return Self::Rows(rows.by_item(n_items), Counter::new(n_items));
        }
        let mut triangle = vec![0; n_pairs];
        for row in rows.iter() {
            add_pairs(&mut triangle, row);
        }
        Self::Triangle(triangle)
    }

    /// Writes what an item meets often enough of those before it, ascending, with the counts.
    fn frequent(&mut self, rows: &LocalRows, item: usize, min_count: u32, found: &mut Vec<(u32, u32)>) {
        found.clear();
        match self {
            Self::Triangle(triangle) => {
                let counts = &triangle[item * item.saturating_sub(1) / 2..][..item];
                found.extend((0..).zip(counts.iter().copied()).filter(|(_, count)| *count >= min_count));
            }
            Self::Rows(by_item, counter) => {
                by_item.before(item, rows).for_each(|before| counter.add(before));
                counter.drain(|other, count| {
                    if count >= min_count {
                        found.push((other, count));
                    }
                });
                found.sort_unstable();
            }
        }
    }
}

/// Rows of a projection, items numbered anew from 0 and ascending; rows of fewer than two are left out.
#[derive(Debug, Default)]
pub(super) struct LocalRows {
    /// Ends of the rows.
    ends: Vec<u32>,
    items: Vec<u32>,
    /// Pairs in all rows.
    n_pairs: u64,
}

impl LocalRows {
    pub fn n_rows(&self) -> usize {
        self.ends.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.items[start as usize..*end as usize])
    }

    /// Says whether counting bits costs less than counting pairs one by one, or a triangle would be too large.
    fn is_dense(&self, n_items: usize) -> bool {
        /// Additions that take as long as the bits of one word.
        const WORD: u64 = 3;
        let n_pairs = n_items as u64 * (n_items as u64 - 1) / 2;
        n_pairs * (self.n_rows().div_ceil(64) as u64 * WORD + 1) <= self.n_pairs
    }

    fn by_item(&self, n_items: usize) -> ByItem {
        let mut next = vec![0_u32; n_items + 1];
        for item in &self.items {
            next[*item as usize + 1] += 1;
        }
        for item in 0..n_items {
            next[item + 1] += next[item];
        }
        let starts = next.clone();
        let mut place = vec![(0, 0); self.items.len()];
        let mut start = 0;
        for end in &self.ends {
            for at in start..*end {
                let slot = &mut next[self.items[at as usize] as usize];
                place[*slot as usize] = (start, at);
                *slot += 1;
            }
            start = *end;
        }
        ByItem { starts, place }
    }
}

/// Where each item of a projection stands: start of its row and position.
struct ByItem {
    starts: Vec<u32>,
    place: Vec<(u32, u32)>,
}

impl ByItem {
    fn before<'a>(&'a self, item: usize, rows: &'a LocalRows) -> impl Iterator<Item = &'a [u32]> {
        let places = &self.place[self.starts[item] as usize..self.starts[item + 1] as usize];
        places.iter().map(|(start, at)| &rows.items[*start as usize..*at as usize])
    }
}

/// Makes projections, in buffers of its own.
struct Projection {
    /// Number of each item in the projection, or `NONE_IX`.
    local: Vec<u32>,
    rows: LocalRows,
}

impl Projection {
    /// Keeps of each row what is among `kept`, which ascend.
    fn fill<'a>(&mut self, rows: impl Iterator<Item = &'a [u32]>, kept: &[u32]) {
        for (item, number) in kept.iter().zip(0..) {
            self.local[*item as usize] = number;
        }
        let projected = &mut self.rows;
        projected.ends.clear();
        projected.items.clear();
        projected.n_pairs = 0;
        for row in rows {
            let before = projected.items.len();
            projected.items.extend(row.iter().map(|item| self.local[*item as usize]).filter(|item| *item != NONE_IX));
            let len = projected.items.len() - before;
            if len < 2 {
                projected.items.truncate(before);
            } else {
                projected.ends.push(projected.items.len() as u32);
                projected.n_pairs += len as u64 * (len as u64 - 1) / 2;
            }
        }
        for item in kept {
            self.local[*item as usize] = NONE_IX;
        }
    }
}
