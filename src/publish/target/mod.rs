//! Campaign files: the contacts as their target takes them, in as many files as it asks for, each read back before it counts.
//!
//! ```text
//! campaigns/autumn.csv                       one file
//! campaigns/autumn_1.csv, autumn_2.csv       more rows or bytes than a file of the target may have
//! campaigns/autumn_nord.csv, autumn_sued.csv one for each value of `split-by`, readable by the owner alone
//! ```
//!
//! No name of a campaign holds an underscore, so that no two campaigns meet in one file. Chunks of rows are rendered side by side and
//! written in order; every file is then read by a reader that shares nothing with the writer, which compares header, columns,
//! rows, and a checksum of the cells of every row. `O(cells)` time, twice; memory is one batch of chunks and four bytes a row.

mod read_back;
mod render;

use rayon::prelude::*;

use super::staged_file::StagedFile;
use super::{OutputFile, PublishError, Staging};
use crate::campaign::Campaign;
use crate::campaign::split::Share;
use crate::campaign::target::rows::Rows;
use crate::campaign::target::{CellCounts, Target};
use crate::scores::frame::Frame;
use render::Chunk;

/// Rows of a chunk: about a megabyte.
const ROWS_PER_CHUNK: usize = 4_096;

/// Chunks a thread renders in one batch.
const CHUNKS_PER_THREAD: usize = 2;

/// What was written of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignFiles {
    /// Files in the order of their values and parts.
    pub files: Vec<OutputFile>,
    pub cells: CellCounts,
}

impl Staging<'_> {
    /// Writes the files of a campaign and reads them back.
    ///
    /// # Errors
    /// Fails where a file cannot be written, or does not hold what was to be written.
    pub fn write_campaign(
        &self,
        campaign: &Campaign,
        contacts: &Frame<'_>,
        shares: &[Share],
    ) -> Result<CampaignFiles, PublishError> {
        let path = format!("campaigns/{}.csv", campaign.name);
        let rows = Rows::new(campaign, contacts)
            .map_err(|source| PublishError::Contacts { path: self.full(&path), source })?;
        let mut written = CampaignFiles::default();
        for share in shares {
            let stem = match &share.slug {
                Some(slug) => format!("campaigns/{}_{slug}", campaign.name),
                None => format!("campaigns/{}", campaign.name),
            };
            let file = ShareFile { staging: self, target: campaign.target, rows: &rows, stem, share };
            file.write(&mut written)?;
        }
        Ok(written)
    }
}

/// The files of one share in the making.
struct ShareFile<'s> {
    staging: &'s Staging<'s>,
    target: &'s Target,
    rows: &'s Rows<'s>,
    /// Path without part and ending.
    stem: String,
    share: &'s Share,
}

/// A file that is being written, and what its rows must be found to be.
struct Part {
    file: StagedFile,
    checksums: Vec<u32>,
}

impl ShareFile<'_> {
    fn write(&self, written: &mut CampaignFiles) -> Result<(), PublishError> {
        let mut done: Vec<(OutputFile, Vec<u32>)> = Vec::new();
        let header = render::header(self.target, self.rows.header());
        let start = |n_done: usize| -> Result<Part, PublishError> {
            // Names and addresses are for who runs the campaign.
            let mut file = self.staging.start_file(&format!("{}_{}.csv", self.stem, n_done + 1), true)?;
            file.write_all(&header)?;
            Ok(Part { file, checksums: Vec::new() })
        };
        let mut part = start(0)?;
        let rows_per_batch = ROWS_PER_CHUNK * CHUNKS_PER_THREAD * rayon::current_num_threads();
        for batch in self.share.rows.chunks(rows_per_batch) {
            let chunks: Vec<Chunk> =
                batch.par_chunks(ROWS_PER_CHUNK).map(|rows| render::chunk(self.target, self.rows, rows)).collect();
            for chunk in &chunks {
                written.cells.add(&chunk.counts);
                for (line, checksum) in chunk.lines() {
                    if is_full(self.target, &part, line.len()) {
                        done.push(finish(part)?);
                        part = start(done.len())?;
                    }
                    part.file.write_all(line)?;
                    part.checksums.push(checksum);
                }
            }
        }
        done.push(finish(part)?);
        if let [_] = done[..]
            && let Some((file, checksums)) = done.pop()
        {
            done.push((self.staging.rename(file, &format!("{}.csv", self.stem))?, checksums));
        }
        for (file, checksums) in done {
            read_back::verify(&self.staging.full(&file.path), self.target, self.rows.header(), &checksums)?;
            written.files.push(file);
        }
        Ok(())
    }
}

/// Says whether another line goes into another file; a line that is too long for any stands alone.
fn is_full(target: &Target, part: &Part, line_bytes: usize) -> bool {
    let n_rows = part.checksums.len();
    n_rows > 0 && (n_rows >= target.max_rows || part.file.bytes() + line_bytes as u64 > target.max_bytes)
}

fn finish(part: Part) -> Result<(OutputFile, Vec<u32>), PublishError> {
    Ok((part.file.finish(Some(part.checksums.len()))?, part.checksums))
}

#[cfg(test)]
mod tests;
