//! Synthetic exports of any size: customers, products and transactions of an invented mail-order house.
//!
//! What a customer does is drawn from a stream of its own (seed, customer number), so any set of customers can be drawn on any number of
//! threads. Exports are sorted by date and document number; so that memory stays bounded the period is cut into passes of whole
//! months, each pass draws all customers again and keeps the lines of its months only. The number of passes changes no byte.
//!
//! Every number in a file is an integer that was rounded once; `exp` and `ln` come from the platform, whose last bit could show
//! only where a product of prices lies within 1e-13 of a rounding edge.
//!
//! | file                      | content                                                                  |
//! |---------------------------|--------------------------------------------------------------------------|
//! | `transactions-YYYY-MM.*`  | lines of a month, CSV or Parquet; or all in `transactions.*`             |
//! | `customers.csv`           | all customers, some without a line                                       |
//! | `products.csv`            | all goods, postage and vouchers                                          |
//!
//! Time is `O(lines × passes)` for drawing and `O(lines)` for writing; memory is 32 bytes a line of a pass, at most about 1.5 GB.

mod behaviour;
mod calendar;
mod catalogue;
mod csv;
mod dialect;
mod names;
mod orders;
mod parquet;
mod people;
mod stream;
#[cfg(test)]
mod tests;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::units::Day;
use behaviour::Population;
use calendar::{Calendar, Month};
use catalogue::Catalogue;
use csv::CsvExport;
pub use dialect::Dirt;
use dialect::Scribe;
use orders::{House, Line};
use parquet::ParquetExport;

/// Lines a customer over [`MEAN_DAYS`] days, for estimates.
const MEAN_LINES: u64 = 13;
const MEAN_DAYS: u64 = 730;
/// Lines that a pass should hold at most, by estimate: 32 bytes each.
const LINES_PER_PASS: u64 = 24_000_000;
const CUSTOMERS_PER_CHUNK: u32 = 4_096;
const CHUNKS_AT_ONCE: u32 = 64;
const FEWEST_PRODUCTS: u32 = 24;
const MOST_PRODUCTS: u32 = 1_000_000;
const MOST_DAYS: u32 = 36_500;
const MOST_LINES: u64 = 2_000_000_000;
/// Up to this many lines document numbers have eight digits.
const LINES_WITH_SHORT_NUMBERS: u64 = 80_000_000;

/// File format of the transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Csv,
    Parquet,
}

/// How transactions are split over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilesPer {
    /// `transactions-2026-06.csv` and so on.
    #[default]
    Month,
    /// `transactions.csv`.
    One,
}

/// What to generate; equal parameters give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    pub customers: u32,
    /// Goods, without postage and vouchers.
    pub products: u32,
    /// Length of the covered period.
    pub days: u32,
    /// Last day of the covered period.
    pub as_of: Day,
    pub seed: u64,
    pub format: Format,
    pub dirt: Dirt,
    pub files: FilesPer,
}

impl Default for Params {
    /// Two years of 100,000 customers, about 1.3 million lines.
    fn default() -> Self {
        Self {
            customers: 100_000,
            products: 2_000,
            days: MEAN_DAYS as u32,
            // 2026-06-30
            as_of: Day(20_634),
            seed: 1,
            format: Format::Csv,
            dirt: Dirt::Clean,
            files: FilesPer::Month,
        }
    }
}

impl Params {
    /// Estimates the number of transaction lines, for a progress bar.
    pub fn expected_lines(&self) -> u64 {
        u64::from(self.customers) * MEAN_LINES * u64::from(self.days) / MEAN_DAYS
    }
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// All files, in the order of their writing.
    pub files: Vec<PathBuf>,
    /// Distinct transaction lines, returns included.
    pub n_lines: u64,
    pub n_orders: u64,
    /// Return documents.
    pub n_returns: u64,
    /// Lines on return documents.
    pub n_return_lines: u64,
    /// Lines without a customer number.
    pub n_guest_lines: u64,
    /// Customers in the master data.
    pub n_customers: u64,
    /// Products in the master data, postage and vouchers included.
    pub n_products: u64,
    /// Rows that stand again in the next file.
    pub n_repeated_rows: u64,
    /// Rows that no reader should accept.
    pub n_broken_rows: u64,
    /// Sum of all line amounts, in minor units.
    pub revenue: i128,
}

/// Why nothing, or not everything, was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    #[error("{what} is {given}, it must lie between {least} and {most}")]
    OutOfRange { what: &'static str, given: u64, least: u64, most: u64 },
    #[error(
        "the period of {days} days up to `{as_of}` leaves the years 1800 to 9999, choose a later or earlier last day"
    )]
    Period { days: u32, as_of: Day },
    #[error("German exports are a matter of CSV, take the CSV format or leave Parquet clean")]
    GermanParquet,
    #[error("`{}` was not written by these parameters and would be read with the new files, choose an empty directory", path.display())]
    Foreign { path: PathBuf },
    #[error("cannot write `{}`, check that the directory is writable and the disk not full", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{}` as parquet", path.display())]
    Parquet { path: PathBuf, source: ::parquet::errors::ParquetError },
}

enum Export<'a> {
    Csv(CsvExport<'a>),
    Parquet(Box<ParquetExport<'a>>),
}

/// Generates a base into a directory, which is made if need be; `progress` is told how many lines are written so far.
///
/// # Errors
/// Returns which parameter makes no sense, or which file could not be written.
pub fn generate(params: &Params, directory: &Path, progress: &dyn Fn(u64)) -> Result<Summary, GenerateError> {
    check(params)?;
    let house = House {
        seed: params.seed,
        n_customers: params.customers,
        calendar: Calendar::new(params.as_of, params.days),
        catalogue: Catalogue::new(params.seed, params.products),
        population: Population::new(),
    };
    let months = house.calendar.months();
    fs::create_dir_all(directory).map_err(|source| GenerateError::Write { path: directory.to_path_buf(), source })?;
    refuse_foreign_files(params, directory, &months)?;

    let short = params.expected_lines() <= LINES_WITH_SHORT_NUMBERS;
    let scribe = Scribe::new(&house, params.dirt, if short { 10_000_001 } else { 1_000_000_001 });
    let mut export = match params.format {
        Format::Csv => Export::Csv(CsvExport::new(directory, params.dirt, params.files, &scribe)),
        Format::Parquet => Export::Parquet(Box::new(ParquetExport::new(directory, params.files, &house, &scribe))),
    };
    let mut summary = Summary { n_customers: u64::from(params.customers), ..Summary::default() };
    let n_passes = params.expected_lines().div_ceil(LINES_PER_PASS).max(1) as usize;
    for pass in months.chunks(months.len().div_ceil(n_passes)) {
        for (month, mut lines) in pass.iter().zip(draw(&house, pass)) {
            lines.par_sort_unstable();
            number(&mut lines, &mut summary);
            match &mut export {
                Export::Csv(csv) => csv.month(*month, &lines)?,
                Export::Parquet(parquet) => parquet.month(*month, &lines)?,
            }
            progress(summary.n_lines);
        }
    }
    match export {
        Export::Csv(csv) => {
            summary.files = csv.files;
            (summary.n_repeated_rows, summary.n_broken_rows) = (csv.n_repeated, csv.n_broken);
        }
        Export::Parquet(mut parquet) => {
            parquet.finish()?;
            summary.files = parquet.files;
        }
    }
    summary.files.push(write_customers(&scribe, params, directory)?);
    summary.files.push(write_products(&scribe, params, &house, directory)?);
    summary.n_products = house.catalogue.products().len() as u64;
    Ok(summary)
}

fn check(params: &Params) -> Result<(), GenerateError> {
    let between = |what, given: u64, least: u64, most: u64| {
        let inside = (least..=most).contains(&given);
        if inside { Ok(()) } else { Err(GenerateError::OutOfRange { what, given, least, most }) }
    };
    between("the number of customers", params.customers.into(), 1, 200_000_000)?;
    between("the number of products", params.products.into(), FEWEST_PRODUCTS.into(), MOST_PRODUCTS.into())?;
    between("the number of days", params.days.into(), 1, MOST_DAYS.into())?;
    between("the expected number of lines", params.expected_lines(), 0, MOST_LINES)?;
    // Customers from before the period reach as far back as the period is long.
    let first = i64::from(params.as_of.0) - 2 * i64::from(params.days);
    // 1800-01-01 and 9999-12-31.
    if first < -62_091 || params.as_of.0 > 2_932_896 {
        return Err(GenerateError::Period { days: params.days, as_of: params.as_of });
    }
    if params.format == Format::Parquet && params.dirt == Dirt::German {
        return Err(GenerateError::GermanParquet);
    }
    Ok(())
}

/// Refuses a directory with transactions that this run does not replace: a pattern in a pipeline would read both.
fn refuse_foreign_files(params: &Params, directory: &Path, months: &[Month]) -> Result<(), GenerateError> {
    let failed = |source| GenerateError::Write { path: directory.to_path_buf(), source };
    let ending = if params.format == Format::Csv { "csv" } else { "parquet" };
    let own: Vec<String> = months.iter().map(|month| month_file(*month, params.files, ending)).collect();
    let mut foreign = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.starts_with("transactions") && !own.contains(&name) {
            foreign.push(name);
        }
    }
    match foreign.into_iter().min() {
        Some(name) => Err(GenerateError::Foreign { path: directory.join(name) }),
        None => Ok(()),
    }
}

fn month_file(month: Month, files_per: FilesPer, ending: &str) -> String {
    match files_per {
        FilesPer::Month => format!("transactions-{:04}-{:02}.{ending}", month.year, month.month),
        FilesPer::One => format!("transactions.{ending}"),
    }
}

/// Draws the lines of consecutive months, in no particular order within a month.
fn draw(house: &House, months: &[Month]) -> Vec<Vec<Line>> {
    let window = months[0].start..months[months.len() - 1].end;
    let mut month_of = Vec::with_capacity((window.end - window.start) as usize);
    for (ix, month) in months.iter().enumerate() {
        month_of.resize((month.end - window.start) as usize, ix);
    }
    let mut by_month = vec![Vec::new(); months.len()];
    let n_chunks = house.n_customers.div_ceil(CUSTOMERS_PER_CHUNK);
    for first_chunk in (0..n_chunks).step_by(CHUNKS_AT_ONCE as usize) {
        let chunks: Vec<Vec<Line>> = (first_chunk..n_chunks.min(first_chunk + CHUNKS_AT_ONCE))
            .into_par_iter()
            .map(|chunk| {
                let start = chunk * CUSTOMERS_PER_CHUNK;
                let mut lines = Vec::new();
                for customer in start..house.n_customers.min(start + CUSTOMERS_PER_CHUNK) {
                    house.buy(customer, window.clone(), &mut lines);
                }
                lines
            })
            .collect();
        for line in chunks.iter().flatten() {
            by_month[month_of[(line.offset() - window.start) as usize]].push(*line);
        }
    }
    by_month
}

/// Gives every document its number, in the order of the sorted lines, and counts.
fn number(lines: &mut [Line], summary: &mut Summary) {
    let mut previous = None;
    for line in lines {
        let count = if line.is_return() { &mut summary.n_returns } else { &mut summary.n_orders };
        if previous != Some((line.key, line.customer)) {
            previous = Some((line.key, line.customer));
            *count += 1;
        }
        line.document = (*count - 1) as u32;
        summary.n_lines += 1;
        summary.n_return_lines += u64::from(line.is_return());
        summary.n_guest_lines += u64::from(line.guest);
        summary.revenue += i128::from(line.amount);
    }
}

fn write_customers(scribe: &Scribe<'_>, params: &Params, directory: &Path) -> Result<PathBuf, GenerateError> {
    use std::io::Write;
    let path = directory.join("customers.csv");
    let n_chunks = params.customers.div_ceil(CUSTOMERS_PER_CHUNK);
    let write = || {
        let mut file = fs::File::create(&path)?;
        file.write_all(params.dirt.customers_header().as_bytes())?;
        for first_chunk in (0..n_chunks).step_by(CHUNKS_AT_ONCE as usize) {
            let chunks: Vec<Vec<u8>> = (first_chunk..n_chunks.min(first_chunk + CHUNKS_AT_ONCE))
                .into_par_iter()
                .map(|chunk| {
                    let start = chunk * CUSTOMERS_PER_CHUNK;
                    let mut rows = Vec::new();
                    for customer in start..params.customers.min(start + CUSTOMERS_PER_CHUNK) {
                        scribe.customer(&mut rows, customer);
                    }
                    rows
                })
                .collect();
            for rows in chunks {
                file.write_all(&rows)?;
            }
        }
        Ok(())
    };
    write().map_err(|source| GenerateError::Write { path: path.clone(), source })?;
    Ok(path)
}

fn write_products(
    scribe: &Scribe<'_>,
    params: &Params,
    house: &House,
    directory: &Path,
) -> Result<PathBuf, GenerateError> {
    let path = directory.join("products.csv");
    let mut rows = params.dirt.products_header().to_vec();
    for product in house.catalogue.products() {
        scribe.product(&mut rows, product);
    }
    fs::write(&path, rows).map_err(|source| GenerateError::Write { path: path.clone(), source })?;
    Ok(path)
}
