//! Command line arguments; the doc comments are the help texts.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use klientel::measure::Effect;
use klientel::units::Language;

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
    /// Tell what campaigns earned beside their control groups, or how many customers the next one needs
    #[command(
        after_help = "Examples: klientel measure pipelines/nightly.toml --days 30 --cuped 365\n          klientel measure pipelines/nightly.toml --plan --effect 0.5"
    )]
    Measure(MeasureArgs),
    /// Print everything that the newest run holds of one customer
    #[command(after_help = "Example: klientel explain pipelines/nightly.toml 4711")]
    Explain(ExplainArgs),
    /// Erase customers from everything below the output directory, and keep tomorrow's exports from bringing them back
    #[command(
        after_help = "Examples: klientel erase pipelines/nightly.toml 4711\n          klientel erase pipelines/nightly.toml --ids-from erase.txt"
    )]
    Erase(EraseArgs),
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
    /// Memory for the run, such as 3GiB: lines that do not fit are put on disk beside the output. Results do not depend on it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
    /// Score by the model of an earlier run instead of fitting one, and tell how far the base has drifted from it: its model.json or its directory, such as out/latest
    #[arg(long, value_name = "PATH")]
    pub reuse_model: Option<PathBuf>,
    /// Search swapped baskets and shuffled days as well, and tell what chance alone gives
    #[arg(long)]
    pub null_check: bool,
    /// Read every file anew and keep nothing of it for the next run
    #[arg(long)]
    pub no_cache: bool,
    /// Print the manifest (or the plan, or the errors) as JSON on stdout
    #[arg(long)]
    pub json: bool,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `measure`.
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    /// Pipeline file (TOML) that reads `[input.responses]`, or `[input.assignments]` and transactions
    pub pipeline: PathBuf,
    /// Show this campaign only
    #[arg(long, value_name = "NAME")]
    pub campaign: Option<String>,
    /// Group that was not contacted, where its name does not say so
    #[arg(long, value_name = "GROUP")]
    pub control: Option<String>,
    /// Days after the assignment whose purchases count; with --plan, the last days of the base
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Take out noise by what was known before: revenue in so many days before, or a column of numbers among the attributes of the responses
    #[arg(long, value_name = "DAYS|COLUMN")]
    pub cuped: Option<String>,
    /// Effect that the needed customers are for: 0.5 (money a customer), 10% (of the control mean) or 1pp (percentage points) [default: 10%]
    #[arg(long, value_name = "EFFECT", value_parser = effect)]
    pub effect: Option<Effect>,
    /// Shares of the groups that were planned, where the assignments do not say so: `equal`, or such as control=0.1,contact=0.9
    #[arg(long, value_name = "SHARES", value_parser = shares)]
    pub shares: Option<Shares>,
    /// Tell how many customers the next campaign needs, by the last days of the base, and write nothing
    #[arg(long)]
    pub plan: bool,
    /// Memory for reading, such as 3GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
    /// Read every file anew and keep nothing of it for the next run
    #[arg(long)]
    pub no_cache: bool,
    /// Print what is written down as JSON on stdout
    #[arg(long)]
    pub json: bool,
    /// Print the table and errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Pipeline file (TOML), all of whose runs and measurements are looked into, or the directory of one run
    pub pipeline: PathBuf,
    /// Customer id as it stands in the exports; everybody on the machine may see the arguments of a program
    #[arg(required_unless_present = "id_from", conflicts_with = "id_from")]
    pub customer: Option<String>,
    /// File with the customer id, `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub id_from: Option<PathBuf>,
    /// Language of the headings for the directory of a run; a pipeline says it itself
    #[arg(long, value_name = "en|de", value_parser = language)]
    pub language: Option<Language>,
    /// Print the record as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `erase`.
#[derive(Debug, clap::Args)]
pub struct EraseArgs {
    /// Pipeline file (TOML) whose output directory is meant
    pub pipeline: PathBuf,
    /// Customer ids as they stand in the exports; everybody on the machine may see the arguments of a program
    #[arg(required_unless_present = "ids_from", value_name = "CUSTOMER")]
    pub customers: Vec<String>,
    /// File with one customer id a line, `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub ids_from: Option<PathBuf>,
    /// Take the tombstones of these customers away instead, such as after a mistyped id; what was erased does not come back by it
    #[arg(long)]
    pub lift: bool,
    /// Print what was erased as JSON on stdout
    #[arg(long)]
    pub json: bool,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Planned shares by group; none where all are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(pub Vec<(String, f64)>);

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

/// Reads a language.
fn language(text: &str) -> Result<Language, String> {
    let found = Language::ALL.into_iter().find(|language| language.label() == text);
    found.ok_or_else(|| "write `en` or `de`".to_owned())
}

/// Reads an effect: a number, percent of the control mean, or percentage points.
fn effect(text: &str) -> Result<Effect, String> {
    let text = text.trim();
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    let found = if let Some(points) = text.strip_suffix("pp") {
        number(points).map(Effect::Points)
    } else if let Some(percent) = text.strip_suffix('%') {
        number(percent).map(|percent| Effect::Relative(percent / 100.0))
    } else {
        number(text).map(Effect::Absolute)
    };
    found.ok_or_else(|| "write a number above zero: 0.5, 10% or 1pp".to_owned())
}

/// Reads planned shares.
fn shares(text: &str) -> Result<Shares, String> {
    if text.trim() == "equal" {
        return Ok(Shares(vec![]));
    }
    let one = |part: &str| {
        let (group, share) = part.rsplit_once('=')?;
        let share = share.trim().parse::<f64>().ok().filter(|share| *share > 0.0 && share.is_finite())?;
        Some((group.trim().to_owned(), share))
    };
    let shares: Option<Vec<(String, f64)>> = text.split(',').map(one).collect();
    shares.map(Shares).ok_or_else(|| "write `equal`, or groups with their shares: control=0.1,contact=0.9".to_owned())
}

/// Reads a size: a number and a unit, `B` if none.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("", 1),
        ("b", 1),
        ("k", 1 << 10),
        ("m", 1 << 20),
        ("g", 1 << 30),
        ("t", 1 << 40),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
    ];
    let text = text.trim().to_ascii_lowercase();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[number.len()..].replace("ib", "");
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let number: Option<f64> = number.trim_end().parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
    match (number, factor) {
        (Some(number), Some(factor)) if number * factor as f64 >= SMALLEST_LIMIT => Ok((number * factor as f64) as u64),
        (Some(_), Some(_)) => Err("no run fits into less than 64MiB".to_owned()),
        _ => Err("write a number and a unit, such as 3GiB or 500MB".to_owned()),
    }
}

/// Bytes below which a limit cannot be meant.
const SMALLEST_LIMIT: f64 = 67_108_864.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_and_shares_are_read() {
        for (text, expected) in [
            ("0.5", Some(Effect::Absolute(0.5))),
            ("10%", Some(Effect::Relative(0.1))),
            ("1.5 pp", Some(Effect::Points(1.5))),
            ("0", None),
            ("-1%", None),
            ("much", None),
        ] {
            assert_eq!(effect(text).ok(), expected, "{text}");
        }
        assert_eq!(shares("equal"), Ok(Shares(vec![])));
        let read = shares("No E-Mail=0.2, A=B=0.8");
        assert_eq!(read, Ok(Shares(vec![("No E-Mail".to_owned(), 0.2), ("A=B".to_owned(), 0.8)])));
        assert!(shares("a=0").is_err() && shares("a").is_err());
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, expected) in [
            ("3GiB", Some(3 << 30)),
            ("3g", Some(3 << 30)),
            ("500 MB", Some(500_000_000)),
            ("1.5GiB", Some(3 << 29)),
            ("100000000", Some(100_000_000)),
            ("3", None),
            ("GiB", None),
            ("-3GiB", None),
            ("3 apples", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
