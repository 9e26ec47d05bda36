//! How often every two items meet: a dense triangle for the items in most baskets, row accumulators for the rest.
//!
//! Items are numbered by support, so that of a basket the head stands first. Pairs within the head are counted in a triangle that stays in the
//! cache; every later item collects the items before it, basket by basket, in one array of counts (`rows::Counter`; Gustavson,
//! ACM TOMS 4(3), 1978). Nothing is hashed, and of a row only what met often enough is kept.
//!
//! | part        | work                            | memory                                  |
//! |-------------|---------------------------------|-----------------------------------------|
//! | triangle    | one addition a pair             | `4·h²/2` bytes a thread for `h` items, as many as there is room for |
//! | accumulators | one addition and one copy a pair | 8 bytes a line behind the head, 8 bytes an item and thread |
//! | result      |                                 | 8 bytes a frequent pair                 |
//!
//! A basket of `k` items costs `k²/2` additions: 674 items are 0.2 million, less than a millisecond.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::super::rows::Counter;
use super::matrix::BasketMatrix;
use super::memory::{Room, TooMany, What};

/// Pairs that meet often enough: item `a` with the more frequent `items[starts[a]..starts[a + 1]]`, ascending, and their counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    pub starts: Vec<usize>,
    pub items: Vec<u32>,
    pub count: Vec<u32>,
}

/// Most items of the head: the triangle takes 8 MiB a thread, and larger ones leave the cache.
const MOST_HEAD: usize = 2_048;

impl Pairs {
    /// Counts all pairs of frequent items and keeps those that meet at least `min_count` times.
    ///
    /// # Errors
    /// Fails where more pairs meet that often than there is room for.
    pub fn count(matrix: &BasketMatrix, min_count: u32, room: &Room) -> Result<Self, TooMany> {
        let n_items = matrix.n_frequent(min_count);
        // A triangle of h items takes 2h² bytes.
        let n_head = n_items.min(MOST_HEAD).min((room.dense_bytes / 2).isqrt());
        let room = Taken { most: room.sets, taken: AtomicUsize::new(0), min_count };
        let of_head = head(matrix, n_head, min_count, &room)?;
        let of_tail = tail(matrix, n_head..n_items, min_count, &room)?;
        let n_pairs = of_head.iter().chain(&of_tail).map(|part| part.items.len()).sum();
        let mut all = Self {
            starts: Vec::with_capacity(n_items + 1),
            items: Vec::with_capacity(n_pairs),
            count: Vec::with_capacity(n_pairs),
        };
        all.starts.push(0);
        for part in of_head.into_iter().chain(of_tail) {
            let before = all.items.len();
            all.starts.extend(part.starts.iter().map(|end| before + end));
            all.items.extend_from_slice(&part.items);
            all.count.extend_from_slice(&part.count);
        }
        Ok(all)
    }

    /// Returns the frequent partners of an item among the more frequent ones, and how often they meet.
    pub fn row(&self, item: usize) -> (&[u32], &[u32]) {
        let range = self.starts[item]..self.starts[item + 1];
        (&self.items[range.clone()], &self.count[range])
    }

    /// Returns the number of items.
    pub fn n_items(&self) -> usize {
        self.starts.len() - 1
    }
}

/// How many results may be kept, and how many are; whether it suffices does not depend on who asks first.
struct Taken {
    most: usize,
    taken: AtomicUsize,
    min_count: u32,
}

impl Taken {
    fn take(&self, n: usize) -> Result<(), TooMany> {
        let taken = self.taken.fetch_add(n, Ordering::Relaxed) + n;
        let Self { most, min_count, .. } = *self;
        if taken > most { Err(TooMany { what: What::Pairs, most, min_count }) } else { Ok(()) }
    }
}

/// Rows of a range of items; `starts` holds their ends.
fn part() -> Pairs {
    Pairs { starts: Vec::new(), items: Vec::new(), count: Vec::new() }
}

/// Counts the pairs within the head.
fn head(matrix: &BasketMatrix, n_head: usize, min_count: u32, room: &Taken) -> Result<Vec<Pairs>, TooMany> {
    let n_pairs = n_head * n_head.saturating_sub(1) / 2;
    let n_rows = matrix.n_baskets();
    let n_chunks = rayon::current_num_threads().max(1);
    let a_chunk = n_rows.div_ceil(n_chunks).max(1);
    let count_rows = |chunk: usize| {
        let mut triangle = vec![0_u32; n_pairs];
        for row in (chunk * a_chunk).min(n_rows)..((chunk + 1) * a_chunk).min(n_rows) {
            let items = matrix.rows.row(row);
            let items = &items[..items.partition_point(|item| (*item as usize) < n_head)];
            add_pairs(&mut triangle, items);
        }
        triangle
    };
    let sum = |mut all: Vec<u32>, part: Vec<u32>| {
        all.iter_mut().zip(part).for_each(|(all, part)| *all += part);
        all
    };
    // Whole numbers: the sum is the same for any number of chunks.
    let triangle = (0..n_chunks).into_par_iter().map(count_rows).reduce_with(sum).unwrap_or_default();
    let mut found = part();
    for item in 0..n_head {
        let first = item * item.saturating_sub(1) / 2;
        for (other, count) in triangle[first..first + item].iter().enumerate().filter(|(_, count)| **count >= min_count)
        {
            found.items.push(other as u32);
            found.count.push(*count);
        }
        found.starts.push(found.items.len());
    }
    room.take(found.items.len())?;
    Ok(vec![found])
}

/// Adds one to every pair of ascending items in a triangle whose row `i` starts at `i(i − 1)/2`.
#[inline]
pub(super) fn add_pairs(triangle: &mut [u32], items: &[u32]) {
    for (nth, item) in items.iter().enumerate().skip(1) {
        let item = *item as usize;
        let row = &mut triangle[item * (item - 1) / 2..][..item];
        for other in &items[..nth] {
            row[*other as usize] += 1;
        }
    }
}

/// Counts what stands before each item of a range.
fn tail(matrix: &BasketMatrix, items: Range<usize>, min_count: u32, room: &Taken) -> Result<Vec<Pairs>, TooMany> {
    let occurrences = Occurrences::of(matrix, items.clone());
    let count_run = |counter: &mut Counter<u32>, run: Range<usize>| {
        let (mut found, mut frequent) = (part(), Vec::new());
        for item in run {
            occurrences.before(item, &matrix.rows.items).for_each(|before| counter.add(before));
            counter.drain(|other, count| {
                if count >= min_count {
                    frequent.push((other, count));
                }
            });
            frequent.sort_unstable();
            found.items.extend(frequent.iter().map(|(other, _)| *other));
            found.count.extend(frequent.drain(..).map(|(_, count)| count));
            found.starts.push(found.items.len());
        }
        room.take(found.items.len())?;
        Ok(found)
    };
    let new_counter = || Counter::new(items.end);
    occurrences.runs().into_par_iter().with_max_len(1).map_init(new_counter, count_run).collect()
}

/// Where items of a range stand in the baskets: position in all items, and how many stand before it in its basket.
#[derive(Debug)]
pub(super) struct Occurrences {
    first_item: usize,
    starts: Vec<usize>,
    /// Position, and in the lowest 24 bits the number before; a basket of 2²⁴ distinct products is cut there.
    place: Vec<u64>,
}

const BEFORE_BITS: u32 = 24;

impl Occurrences {
    pub fn of(matrix: &BasketMatrix, items: Range<usize>) -> Self {
        let mut next = vec![0; items.len() + 1];
        if items.is_empty() {
            return Self { first_item: items.start, starts: next, place: Vec::new() };
        }
        let in_range = |item: u32| items.contains(&(item as usize)).then(|| item as usize - items.start);
        for ix in matrix.rows.items.iter().filter_map(|item| in_range(*item)) {
            next[ix + 1] += 1;
        }
        for ix in 0..items.len() {
            next[ix + 1] += next[ix];
        }
        let starts = next.clone();
        let mut place = vec![0; starts[items.len()]];
        for bounds in matrix.rows.starts.windows(2) {
            let row = &matrix.rows.items[bounds[0]..bounds[1]];
            let skipped = row.partition_point(|item| (*item as usize) < items.start);
            for (nth, item) in row.iter().enumerate().skip(skipped) {
                let Some(ix) = in_range(*item) else { break };
                let before = nth.min((1 << BEFORE_BITS) - 1);
                place[next[ix]] = ((bounds[0] + nth) as u64) << BEFORE_BITS | before as u64;
                next[ix] += 1;
            }
        }
        Self { first_item: items.start, starts, place }
    }

    /// Goes through what stands before an item, basket by basket.
    pub fn before<'a>(&'a self, item: usize, items: &'a [u32]) -> impl Iterator<Item = &'a [u32]> {
        let ix = item - self.first_item;
        self.place[self.starts[ix]..self.starts[ix + 1]].iter().map(move |place| {
            let (position, before) = ((place >> BEFORE_BITS) as usize, (place & ((1 << BEFORE_BITS) - 1)) as usize);
            &items[position - before..position]
        })
    }

    /// Splits the items into runs of about equal work; results do not depend on it.
    fn runs(&self) -> Vec<Range<usize>> {
        const RUNS: usize = 256;
        let a_run = self.place.len() / RUNS + 1;
        let n_items = self.starts.len() - 1;
        let (mut runs, mut start) = (Vec::with_capacity(2 * RUNS), 0);
        for ix in 0..n_items {
            if self.starts[ix + 1] - self.starts[start] >= a_run || ix + 1 == n_items {
                runs.push(self.first_item + start..self.first_item + ix + 1);
                start = ix + 1;
            }
        }
        runs
    }
}
