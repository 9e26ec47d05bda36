//! Exports that overlap count a line once.
//!
//! Only days that stand in more than one file are looked at, so a folder of clean daily exports costs one pass over the dates.
//! Of equal lines as many are kept as the largest number in any one file: a receipt may hold the same line twice.

use std::ops::Range;

/// Everything that makes two lines the same line; descriptive columns do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub customer: u32,
    pub order: u32,
    pub day: i32,
    pub millis: u32,
    pub product: u32,
    pub quantity: i64,
    /// Amount, or unit price where no amount is mapped, in millionths.
    pub value: i64,
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

/// Clears `keep` for lines that another file holds too; `files` are the row ranges of the files in order of name.
pub(super) fn count_once(
    files: &[Range<usize>],
    day: &[i32],
    key: impl Fn(usize) -> LineKey,
    line_id: Option<&dyn Fn(usize) -> Option<(u32, u32)>>,
    keep: &mut [bool],
) -> OverlapCounts {
    let mut counts = OverlapCounts::default();
    if files.len() < 2 {
        return counts;
    }
    if let Some(line_id) = line_id {
        replace_corrected(files, &key, line_id, keep, &mut counts);
    }
    let shared = shared_days(files, day, keep);
    counts.shared_days = shared.n_days;
    let mut candidates: Vec<(LineKey, u32, usize)> = Vec::new();
    for (file, rows) in files.iter().enumerate() {
        for row in rows.clone() {
            let identified = line_id.is_some_and(|id| id(row).is_some());
            if keep[row] && !identified && shared.contains(day[row]) {
                candidates.push((key(row), file as u32, row));
            }
        }
    }
    candidates.sort_unstable();
    for equal in candidates.chunk_by(|a, b| a.0 == b.0) {
        // The later file wins a draw, so that its descriptive columns are the ones kept.
        let kept = equal.chunk_by(|a, b| a.1 == b.1).max_by_key(|lines| (lines.len(), lines[0].1));
        let kept_file = kept.map(|lines| lines[0].1);
        for (_, file, row) in equal {
            if Some(*file) != kept_file {
                keep[*row] = false;
                counts.repeated += 1;
            }
        }
    }
    counts
}

/// Keeps, of the lines with one line id, those of the last file that holds it.
fn replace_corrected(
    files: &[Range<usize>],
    key: &impl Fn(usize) -> LineKey,
    line_id: &dyn Fn(usize) -> Option<(u32, u32)>,
    keep: &mut [bool],
    counts: &mut OverlapCounts,
) {
    let mut lines: Vec<((u32, u32), u32, usize)> = Vec::new();
    for (file, rows) in files.iter().enumerate() {
        lines.extend(rows.clone().filter(|row| keep[*row]).filter_map(|row| Some((line_id(row)?, file as u32, row))));
    }
    lines.sort_unstable();
    for same in lines.chunk_by(|a, b| a.0 == b.0) {
        let Some((_, last_file, _)) = same.last() else { continue };
        let newest: Vec<LineKey> = same.iter().filter(|line| line.1 == *last_file).map(|line| key(line.2)).collect();
        for (_, _, row) in same.iter().filter(|line| line.1 != *last_file) {
            keep[*row] = false;
            if newest.contains(&key(*row)) {
                counts.repeated += 1;
            } else {
                counts.corrected += 1;
            }
        }
    }
}

/// Days that stand in more than one file.
struct SharedDays {
    first: i32,
    shared: Vec<bool>,
    n_days: u64,
}

impl SharedDays {
    fn contains(&self, day: i32) -> bool {
        self.shared.get((day - self.first) as usize).copied().unwrap_or(false)
    }
}

fn shared_days(files: &[Range<usize>], day: &[i32], keep: &[bool]) -> SharedDays {
    let kept = || day.iter().zip(keep).filter(|(_, keep)| **keep).map(|(day, _)| *day);
    let (Some(first), Some(last)) = (kept().min(), kept().max()) else {
        return SharedDays { first: 0, shared: vec![], n_days: 0 };
    };
    const NO_FILE: u32 = u32::MAX;
    let mut seen_in = vec![NO_FILE; (last - first) as usize + 1];
    let mut shared = vec![false; seen_in.len()];
    for (file, rows) in files.iter().enumerate() {
        for row in rows.clone().filter(|row| keep[*row]) {
            let ix = (day[row] - first) as usize;
            shared[ix] |= seen_in[ix] != NO_FILE && seen_in[ix] != file as u32;
            seen_in[ix] = file as u32;
        }
    }
    let n_days = shared.iter().filter(|shared| **shared).count() as u64;
    SharedDays { first, shared, n_days }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each file is a list of (day, product); returns what is kept, file by file.
    fn check(files: &[&[(i32, u32)]], expected: &[&[(i32, u32)]]) {
        let lines: Vec<(i32, u32)> = files.concat();
        let day: Vec<i32> = lines.iter().map(|line| line.0).collect();
        let key = |row: usize| LineKey {
            customer: 1,
            order: 1,
            day: lines[row].0,
            millis: 0,
            product: lines[row].1,
            quantity: 1,
            value: 1,
        };
        let mut start = 0;
        let ranges: Vec<Range<usize>> = files
            .iter()
            .map(|file| {
                start += file.len();
                start - file.len()..start
            })
            .collect();
        let mut keep = vec![true; lines.len()];
        count_once(&ranges, &day, key, None, &mut keep);
        for (range, expected) in ranges.iter().zip(expected) {
            let kept: Vec<_> = range.clone().filter(|row| keep[*row]).map(|row| lines[row]).collect();
            assert_eq!(kept, *expected);
        }
    }

    #[test]
    fn the_same_file_twice_counts_once() {
        check(&[&[(1, 7), (2, 8)], &[(1, 7), (2, 8)]], &[&[], &[(1, 7), (2, 8)]]);
    }

    #[test]
    fn a_receipt_may_hold_the_same_line_twice() {
        check(&[&[(1, 7), (1, 7)], &[(1, 7)]], &[&[(1, 7), (1, 7)], &[]]);
        check(&[&[(1, 7), (1, 7)]], &[&[(1, 7), (1, 7)]]);
    }

    #[test]
    fn days_of_one_file_are_left_alone() {
        check(&[&[(1, 7), (2, 7)], &[(2, 7), (3, 7)]], &[&[(1, 7)], &[(2, 7), (3, 7)]]);
    }

    #[test]
    fn a_later_file_replaces_a_line_by_its_id() {
        let value = [10, 20, 25, 30];
        let key = |row: usize| LineKey {
            customer: 1,
            order: 1,
            day: row as i32,
            millis: 0,
            product: 1,
            quantity: 1,
            value: value[row],
        };
        let id = |row: usize| Some((1, [1, 2, 2, 3][row]));
        let mut keep = vec![true; 4];
        let counts = count_once(&[0..2, 2..4], &[0, 1, 2, 3], key, Some(&id), &mut keep);
        assert_eq!(keep, [true, false, true, true]);
        assert_eq!((counts.corrected, counts.repeated), (1, 0));
    }
}
