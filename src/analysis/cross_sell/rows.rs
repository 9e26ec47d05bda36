//! Compressed rows of small numbers, and how often two of their items stand in the same row.
//!
//! Rows are baskets or customers, items are products. With the rows turned around, item i knows its rows; running through them and
//! counting every other item in one array gives the row `n_i·` of the item × item table, which is never stored as a whole
//! (Gustavson, "Two Fast Algorithms for Sparse Matrices", ACM TOMS 4(3), 1978). `O(Σ k²)` time for rows of k items and no
//! hashing; 8 bytes an item of a row for the turned rows, 8 bytes a product and thread for the counts.

use rayon::prelude::*;

/// Compressed rows: row `r` holds `items[starts[r]..starts[r + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub starts: Vec<usize>,
    pub items: Vec<u32>,
}

impl Rows {
    /// Builds every row by itself, in parallel; `fill` appends the items of one row to an empty buffer.
    pub fn build(n_rows: usize, fill: impl Fn(usize, &mut Vec<u32>) + Sync) -> Self {
        const ROWS_A_CHUNK: usize = 16_384;
        let chunks: Vec<(Vec<usize>, Vec<u32>)> = (0..n_rows.div_ceil(ROWS_A_CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let rows = chunk * ROWS_A_CHUNK..((chunk + 1) * ROWS_A_CHUNK).min(n_rows);
                let (mut ends, mut items, mut row_items) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
                for row in rows {
                    row_items.clear();
                    fill(row, &mut row_items);
                    items.extend_from_slice(&row_items);
                    ends.push(items.len());
                }
                (ends, items)
            })
            .collect();
        let mut built = Self { starts: Vec::with_capacity(n_rows + 1), items: Vec::new() };
        built.items.reserve_exact(chunks.iter().map(|(_, items)| items.len()).sum());
        built.starts.push(0);
        for (ends, items) in chunks {
            let before = built.items.len();
            built.starts.extend(ends.iter().map(|end| before + end));
            built.items.extend_from_slice(&items);
        }
        built
    }

    /// Returns the number of rows.
    pub fn n_rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Returns the items of a row.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.items[self.starts[row]..self.starts[row + 1]]
    }

    /// Returns how many items a row holds.
    pub fn row_len(&self, row: usize) -> usize {
        self.starts[row + 1] - self.starts[row]
    }
}

/// Which part of a row counts as the company of one of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// The whole row, the item itself included: gives whole rows of the item × item table.
    All,
    /// What stands behind the item: in ascending rows every pair once.
    Behind,
}

/// Rows turned around: for each item, where the company stands that it has in each of its rows.
#[derive(Debug)]
pub struct Places {
    pub starts: Vec<usize>,
    /// Position in the items, and in the lowest 24 bits the length. A row of 2²⁴ distinct products is cut there: its pairs
    /// could not be counted in a lifetime.
    place: Vec<u64>,
}

const LEN_BITS: u32 = 24;

impl Places {
    /// Turns rows around, in two passes over them; where an item has no company in a row, nothing is kept of it.
    pub fn of(starts: &[usize], items: &[u32], n_items: usize, company: Company) -> Self {
        // Behind the last item of a row nothing stands.
        let n_alone = usize::from(company == Company::Behind);
        let rows = || starts.windows(2).map(|bounds| (bounds[0], bounds[1]));
        let in_company = |(start, end): (usize, usize)| &items[start..end.saturating_sub(n_alone).max(start)];
        let mut next = vec![0; n_items + 1];
        for item in rows().flat_map(in_company) {
            next[*item as usize + 1] += 1;
        }
        for item in 0..n_items {
            next[item + 1] += next[item];
        }
        let mut place = vec![0; next[n_items]];
        let starts_by_item = next.clone();
        for (start, end) in rows() {
            for (position, item) in (start..).zip(in_company((start, end))) {
                let from = if company == Company::All { start } else { position + 1 };
                let len = (end - from).min((1 << LEN_BITS) - 1);
                let next = &mut next[*item as usize];
                place[*next] = (from as u64) << LEN_BITS | len as u64;
                *next += 1;
            }
        }
        Self { starts: starts_by_item, place }
    }

    /// Returns the number of items.
    pub fn n_items(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns in how many rows an item has company.
    pub fn n_rows(&self, item: usize) -> usize {
        self.starts[item + 1] - self.starts[item]
    }

    /// Goes through the company of an item, row by row; `items` are those of the rows that were turned.
    pub fn company<'a, T>(&'a self, item: usize, items: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        self.spans(item).map(move |span| &items[span])
    }

    /// Says where the company of an item stands, row by row; behind an item it begins one place after it.
    pub fn spans(&self, item: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.place[self.starts[item]..self.starts[item + 1]].iter().map(|place| {
            let (from, len) = ((place >> LEN_BITS) as usize, place & ((1 << LEN_BITS) - 1));
            from..from + len as usize
        })
    }

    /// Splits items into runs of about equal work, where an item works in proportion to its rows; results do not depend on it.
    pub fn balanced(&self) -> Vec<std::ops::Range<usize>> {
        const RUNS: usize = 256;
        let a_run = self.place.len() / RUNS + 1;
        let (mut runs, mut start) = (Vec::with_capacity(2 * RUNS), 0);
        for item in 0..self.n_items() {
            let work = self.starts[item + 1] - self.starts[start];
            if work >= a_run || item + 1 == self.n_items() {
                runs.push(start..item + 1);
                start = item + 1;
            }
        }
        runs
    }
}

/// Counts of one item's company, kept clean between items.
///
/// Rows lie anywhere in memory, and a count cannot start before the item it belongs to has arrived. Rows are therefore copied
/// into a small buffer first, which the processor does for many of them at once, and counted from there: three times as fast.
#[derive(Debug)]
pub struct Counter<T> {
    waiting: Vec<T>,
    count: Vec<u32>,
    /// Items with a count, in the first `n_touched` places; one place more than items, for a write that does not stay.
    touched: Vec<u32>,
    n_touched: usize,
}

impl<T: Copy + Into<u32>> Counter<T> {
    /// Items that wait before they are counted; they stay in the first-level cache.
    const BUFFER: usize = 1_024;

    /// Makes a counter for `n_items` items.
    pub fn new(n_items: usize) -> Self {
        let waiting = Vec::with_capacity(2 * Self::BUFFER);
        Self { waiting, count: vec![0; n_items], touched: vec![0; n_items + 1], n_touched: 0 }
    }

    /// Counts one meeting with each of the items.
    #[inline]
    pub fn add(&mut self, items: &[T]) {
        self.waiting.extend_from_slice(items);
        if self.waiting.len() >= Self::BUFFER {
            self.count_waiting();
        }
    }

    /// Gives every item met and its count, in order of first meeting, and forgets them.
    #[inline]
    pub fn drain(&mut self, mut each: impl FnMut(u32, u32)) {
        self.count_waiting();
        for item in &self.touched[..self.n_touched] {
            each(*item, std::mem::take(&mut self.count[*item as usize]));
        }
        self.n_touched = 0;
    }

    fn count_waiting(&mut self) {
        let (count, touched) = (self.count.as_mut_slice(), self.touched.as_mut_slice());
        let mut n_touched = self.n_touched;
        for item in &self.waiting {
            // Writing always and keeping sometimes spares a branch that nothing could predict.
            let item: u32 = (*item).into();
            let count = &mut count[item as usize];
            touched[n_touched] = item;
            n_touched += usize::from(*count == 0);
            *count += 1;
        }
        self.n_touched = n_touched;
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[u32]]) -> Rows {
        Rows::build(rows.len(), |row, items| items.extend_from_slice(rows[row]))
    }

    #[test]
    fn items_know_their_company() {
        let some = rows(&[&[0, 2], &[], &[1, 2, 3], &[2]]);
        let check = |company, expected: [&[&[u32]]; 5]| {
            let places = Places::of(&some.starts, &some.items, 5, company);
            for (item, expected) in expected.into_iter().enumerate() {
                assert_eq!(places.company(item, &some.items).collect::<Vec<_>>(), expected, "{item}");
                assert_eq!(places.n_rows(item), expected.len());
            }
        };
        check(Company::All, [&[&[0, 2]], &[&[1, 2, 3]], &[&[0, 2], &[1, 2, 3], &[2]], &[&[1, 2, 3]], &[]]);
        check(Company::Behind, [&[&[2]], &[&[2, 3]], &[&[3]], &[], &[]]);
    }

    #[test]
    fn rows_keep_their_order_over_many_chunks() {
        let many = Rows::build(40_000, |row, items| items.extend((0..row as u32 % 3).map(|i| row as u32 + i)));
        assert_eq!(many.n_rows(), 40_000);
        for row in 0..40_000 {
            assert_eq!(many.row(row), (0..row as u32 % 3).map(|i| row as u32 + i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_counter_forgets_what_it_gave() {
        let mut counter = Counter::new(2);
        for _ in 0..2 {
            counter.add(&[1_u32, 0]);
            counter.add(&[1]);
            let mut given = vec![];
            counter.drain(|item, n| given.push((item, n)));
            assert_eq!(given, [(1, 2), (0, 1)]);
        }
    }

    #[test]
    fn runs_cover_every_item_once() {
        for n_items in [0, 1, 300, 5_000] {
            let rows = Rows::build(n_items, |item, items| items.extend(item as u32..n_items.min(item + 3) as u32));
            let places = Places::of(&rows.starts, &rows.items, n_items, Company::All);
            let covered: Vec<usize> = places.balanced().into_iter().flatten().collect();
            assert_eq!(covered, (0..n_items).collect::<Vec<_>>());
        }
    }
}
