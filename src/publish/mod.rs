//! Publishing: everything is written into a hidden directory, then appears at once by one rename.
//!
//! ```text
//! out/
//!   2026-06-30-1f2e3d4c/     a complete run: as-of and fingerprint; nothing but an erasure changes it afterwards
//!   latest -> 2026-06-30-…   what readers follow; replaced by rename
//!   measured-2026-06-30-…/   what campaigns earned; `measured` points at the newest
//!   failed/                  reason and rejects of the last run that published nothing
//!   .lock                    held while a run works on this directory
//!   .partial-…/              a run in the making, or one that is being removed; a crash leaves it, the next run removes it
//!   .tombstones              who was erased, as keyed fingerprints, and .tombstone-key
//! ```

mod csv;
mod erase;
mod error;
mod lock;
mod parquet;
mod staged_file;
mod staging;
mod target;
mod tombstones;

pub use erase::{AUDIENCES, Erased, PSEUDONYMS, Record, Wanted, campaign_rows_of, erase, rows_of, rows_of_parquet};
pub use error::PublishError;
pub use lock::OutputLock;
pub use staging::{OutputFile, Pointer, REASON, Staging, make_latest, newest_run, prune, published, surplus};
pub use target::CampaignFiles;
pub use tombstones::{add_tombstones, lift_tombstones, read_tombstones};

use staging::keep_to_owner;
