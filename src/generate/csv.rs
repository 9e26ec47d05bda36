//! Writes transaction lines as CSV, one file a month or one in all, with the dirt of real exports where it is asked for.
//!
//! German exports by month overlap: after every third month its last three days stand again at the head of the next file, row for row.
//! After one line in 2000 follows a broken copy of it, in turn with an impossible date, too many fields, a text as amount.
//! So clean and German exports of the same parameters hold the same valid lines.
//!
//! Rows are rendered in fixed slices on all threads and written in order.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::calendar::Month;
use super::dialect::{Broken, Dirt, Scribe};
use super::orders::Line;
use super::{FilesPer, GenerateError, month_file};

const ROWS_PER_SLICE: usize = 16_384;
const SLICES_AT_ONCE: usize = 64;
const OVERLAP_EVERY_MONTHS: u32 = 3;
const OVERLAP_DAYS: u32 = 3;
const LINES_PER_BROKEN: u64 = 2_000;
const FIRST_BROKEN: u64 = 999;

/// The CSV files of the transactions.
pub struct CsvExport<'a> {
    directory: &'a Path,
    dirt: Dirt,
    files_per: FilesPer,
    scribe: &'a Scribe<'a>,
    open: Option<(PathBuf, File)>,
    n_months: u32,
    n_lines: u64,
    repeated: Vec<Line>,
    /// Files written so far.
    pub files: Vec<PathBuf>,
    /// Rows that stand in two files.
    pub n_repeated: u64,
    /// Rows that no reader should accept.
    pub n_broken: u64,
}

impl<'a> CsvExport<'a> {
    /// Starts an export into a directory that exists.
    pub fn new(directory: &'a Path, dirt: Dirt, files_per: FilesPer, scribe: &'a Scribe<'a>) -> Self {
        Self {
            directory,
            dirt,
            files_per,
            scribe,
            open: None,
            n_months: 0,
            n_lines: 0,
            repeated: Vec::new(),
            files: Vec::new(),
            n_repeated: 0,
            n_broken: 0,
        }
    }

    /// Writes the lines of a month, sorted and numbered.
    pub fn month(&mut self, month: Month, lines: &[Line]) -> Result<(), GenerateError> {
        let (path, mut file) = match self.open.take() {
            Some(open) => open,
            None => self.create(month)?,
        };
        let mut head = Vec::new();
        for line in &self.repeated {
            self.scribe.line(&mut head, line);
        }
        self.n_repeated += self.repeated.len() as u64;
        self.repeated.clear();
        file.write_all(&head).map_err(|source| GenerateError::Write { path: path.clone(), source })?;
        for group in lines.chunks(ROWS_PER_SLICE * SLICES_AT_ONCE) {
            let first = self.n_lines;
            let slices: Vec<(Vec<u8>, u64)> = group
                .par_chunks(ROWS_PER_SLICE)
                .enumerate()
                .map(|(ix, slice)| self.render(slice, first + (ix * ROWS_PER_SLICE) as u64))
                .collect();
            for (rows, n_broken) in slices {
                self.n_broken += n_broken;
                file.write_all(&rows).map_err(|source| GenerateError::Write { path: path.clone(), source })?;
            }
            self.n_lines += group.len() as u64;
        }
        if self.files_per == FilesPer::One {
            self.open = Some((path, file));
        } else if self.dirt == Dirt::German && self.n_months % OVERLAP_EVERY_MONTHS == 1 {
            let overlap_start = month.end.saturating_sub(OVERLAP_DAYS);
            self.repeated.extend_from_slice(&lines[lines.partition_point(|line| line.offset() < overlap_start)..]);
        }
        self.n_months += 1;
        Ok(())
    }

    fn create(&mut self, month: Month) -> Result<(PathBuf, File), GenerateError> {
        let path = self.directory.join(month_file(month, self.files_per, "csv"));
        let create = || {
            let mut file = File::create(&path)?;
            file.write_all(self.dirt.transactions_header())?;
            Ok(file)
        };
        let file = create().map_err(|source| GenerateError::Write { path: path.clone(), source })?;
        self.files.push(path.clone());
        Ok((path, file))
    }

    /// Renders a slice whose first line is the `first`-th of the export; also counts the broken rows in it.
    fn render(&self, slice: &[Line], first: u64) -> (Vec<u8>, u64) {
        let mut rows = Vec::with_capacity(slice.len() * 96);
        let mut n_broken = 0;
        for (number, line) in (first..).zip(slice) {
            self.scribe.line(&mut rows, line);
            if self.dirt == Dirt::German && number % LINES_PER_BROKEN == FIRST_BROKEN {
                let broken = match number / LINES_PER_BROKEN % 3 {
                    0 => Broken::Date,
                    1 => Broken::Fields,
                    _ => Broken::Amount,
                };
                self.scribe.broken_line(&mut rows, line, broken);
                n_broken += 1;
            }
        }
        (rows, n_broken)
    }
}
