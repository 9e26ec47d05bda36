//! klientel: analytical CRM on one machine.
//!
//! One batch program reads a company's exported customers and transactions, computes ABC, RFM, lifetime value, churn risk and
//! cross-sell affinities in parallel, and writes scored customers, segments and campaign files.
//!
//! # The path of the data
//!
//! ```text
//! exports (CSV, Parquet)
//!    │ ingest     dialect found with evidence, columns mapped, bad rows kept apart with line and reason, overlaps counted once,
//!    │            ids encoded once as dense ranks; lines stay in packed chunks, in memory, in the cache or on disk
//!    ▼
//! table           lines of a range of customers at a time, customers, products; contracts and responses, which need no lines
//!    │ features   returns matched to their orders, purchase days and baskets in one pass
//!    ▼
//! Dataset         every event with the day from which it is known; features::at(day) looks at the base as of any day; without
//!    │            transactions, the customers of contracts and responses and whatever needs no more
//!    │ analysis   overview · abc · rfm · lifetime value ─▶ churn · cross-sell · uplift; a small graph, run in parallel, each pure
//!    ▼
//! scores          every column of every analysis side by side by reference, names and types promised before any data is read
//!    │ segment    conditions over those columns select positions of rows; no cell is copied
//!    ▼
//! campaign        addresses joined by position, consent respected, cells as the tool takes them
//!    │ publish    CSV and Parquet, rows and columns side by side, into a hidden directory, then one rename
//!    ▼
//! out/latest/     scores, segments, campaigns, rules, rejects, model.json, manifest.json
//!    │ state      what was fitted and chosen, for a later run to score by; how far its base has drifted from it
//!    ▼
//! the next run
//!
//! responses, assignments ─ measure ─▶ out/measured/: what every campaign earned beside its control group, and responses that uplift learns from
//! ```
//!
//! # Rooms
//!
//! Each room uses only rooms to its left; `tests/it/architecture.rs` holds the list and fails on any other import.
//!
//! `units, diagnostic ‹ maths ‹ table ‹ features ‹ analysis ‹ scores ‹ segment ‹ campaign ‹ ingest, state, publish ‹ pipeline ‹ run, generate ‹ measure ‹ cli`
//!
//! `ingest`, `state`, `publish` and `generate` are the only rooms with files in their hands; `cli` lives in the program, not in the library.
//!
//! # Invariants
//!
//! 1. The library does not touch terminal, environment, clock, working directory or exit; `run` alone measures its own time and memory.
//! 2. Output columns are known before data is read; checking a pipeline needs no data.
//! 3. Below `ingest` nothing does I/O; analyses are pure functions of the dataset and their parameters.
//! 4. Same input, pipeline and version give the same bytes, on any number of threads and for any order of rows.
//! 5. A published directory is complete or absent.
//! 6. No personal data in messages, logs or manifest: rows and counts only.
//! 7. A score that cannot be computed is null and counted; never NaN, never a silent zero.
//! 8. What stands in a file is known only to the rooms with files in their hands: `arrow` and `parquet` to [`ingest`], [`publish`]
//!    and [`generate`].

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit, clippy::dbg_macro)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod analysis;
pub mod campaign;
pub mod diagnostic;
pub mod features;
pub mod generate;
pub mod ingest;
pub mod maths;
pub mod measure;
pub mod pipeline;
pub mod publish;
pub mod run;
pub mod scores;
pub mod segment;
pub mod state;
pub mod table;
pub mod units;
