//! Command line arguments; the doc comments are the help texts.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Analytical CRM on one machine: from last night's exports to scored customers and campaign files.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 published (or already there), 1 a quality gate failed, 2 usage, pipeline or input, \
                  3 output could not be written, 75 another run holds the lock, 130/143 interrupted."
)]
pub struct Args {
    /// Threads to use; all processors by default. Results do not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the exports, score every customer, write segments and campaign files
    #[command(after_help = "Example: klientel run pipelines/nightly.toml")]
    Run(RunArgs),
    /// Check a pipeline file without reading any data
    #[command(after_help = "Example: klientel check pipelines/nightly.toml")]
    Check(CheckArgs),
    /// Write a synthetic customer base, for trials and benchmarks
    #[command(after_help = "Example: klientel generate --customers 100000 --out base")]
    Generate(GenerateArgs),
    /// Print the JSON Schema of the pipeline file, or a pipeline with every key
    Schema(SchemaArgs),
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Pipeline file (TOML); paths in it count from its own folder
    pub pipeline: PathBuf,
    /// Print the plan and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the manifest (or the plan, or the errors) as JSON on stdout
    #[arg(long)]
    pub json: bool,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Pipeline file (TOML)
    pub pipeline: PathBuf,
    /// Print the problems as JSON on stdout
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `generate`.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// Customers who have bought at least once
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub customers: u32,
    /// Products in the catalogue
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub products: u32,
    /// Days that the base covers
    #[arg(long, default_value_t = 730, value_name = "N")]
    pub days: u32,
    /// Last day that the base covers (yyyy-mm-dd)
    #[arg(long, default_value = "2026-06-30", value_name = "DAY")]
    pub as_of: String,
    /// Seed: the same seed and sizes give the same bytes
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// File format
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    pub format: FileFormat,
    /// Write German headers, formats and the usual dirt (CSV only)
    #[arg(long)]
    pub german: bool,
    /// Folder to write to; created where it does not exist
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Format of generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// One CSV file a month
    Csv,
    /// Parquet with typed columns
    Parquet,
}

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Print a pipeline with every key, its default and what it means
    #[arg(long)]
    pub reference: bool,
}
