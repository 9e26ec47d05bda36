//! The lines of all files in chunks: in memory, and from a limit on in a file beside the output.
//!
//! A chunk is one part of a file, some ten thousand lines. Whatever looks at lines goes over all chunks in parallel and gets its results
//! in the order of the chunks, wherever they are. What is on disk is read anew each time and held by nobody.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::ingest::bytes::Reader;
use crate::ingest::packed::{Days, Numbers, Packed};
use crate::ingest::{IngestError, packed_bytes};

static NO_NUMBERS: Numbers = Numbers::Long(Vec::new());
static NO_DAYS: Days = Days::Long(Vec::new());

/// Lines of one part of a file; a column that the file does not have is empty.
#[derive(Debug, Clone, Default)]
pub(in crate::ingest) struct Chunk {
    /// Position of the file among the files of the table.
    pub file: usize,
    /// Position of the part in the file.
    pub part: usize,
    /// Position of the first line among the accepted lines of the table.
    pub first_row: usize,
    pub n_rows: usize,
    /// Canonical names and values.
    pub columns: Vec<(&'static str, Packed)>,
    /// Says whether customers are ranks already.
    pub is_ranked: bool,
}

impl Chunk {
    pub fn column(&self, name: &str) -> Option<&Packed> {
        self.columns.iter().find(|(column, _)| *column == name).map(|(_, packed)| packed)
    }

    /// Returns the numbers of texts, one a line.
    pub fn codes(&self, name: &str) -> &[u32] {
        match self.column(name) {
            Some(Packed::Interned(codes)) => codes,
            _ => &[],
        }
    }

    pub fn numbers(&self, name: &str) -> &Numbers {
        match self.column(name) {
            Some(Packed::Number(numbers)) => numbers,
            _ => &NO_NUMBERS,
        }
    }

    /// Returns days and milliseconds of the day.
    pub fn date(&self) -> (&Days, &[u32]) {
        match self.column("date") {
            Some(Packed::Date { days, millis }) => (days, millis),
            _ => (&NO_DAYS, &[]),
        }
    }

    /// Returns the number of each line's order among the keys of the chunk, and the keys.
    pub fn orders(&self) -> (&[u32], &[u64]) {
        match self.column("order_id") {
            Some(Packed::Keyed { codes, keys }) => (codes, keys),
            _ => (&[], &[]),
        }
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|(_, column)| column.bytes()).sum()
    }
}

/// Where a chunk is.
#[derive(Debug)]
enum Slot {
    Held(Chunk),
    Written { head: Chunk, names: Vec<&'static str>, at: u64, length: usize },
}

impl Slot {
    /// Returns the chunk, without its columns where it is on disk.
    fn head(&self) -> &Chunk {
        match self {
            Self::Held(chunk) | Self::Written { head: chunk, .. } => chunk,
        }
    }

    fn head_mut(&mut self) -> &mut Chunk {
        match self {
            Self::Held(chunk) | Self::Written { head: chunk, .. } => chunk,
        }
    }
}

/// Where lines go that do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spill {
    /// Lines are held in memory up to this many bytes.
    pub above: u64,
    /// Folder that is made for them, and removed with them.
    pub directory: PathBuf,
}

/// All chunks.
#[derive(Debug)]
pub(in crate::ingest) struct Store {
    slots: Vec<Slot>,
    held: usize,
    spill: Option<Spill>,
    file: Option<File>,
    /// Number of the file that lines are in.
    generation: u32,
}

impl Store {
    pub fn new(spill: Option<Spill>) -> Self {
        Self { slots: Vec::new(), held: 0, spill, file: None, generation: 0 }
    }

    /// Says whether lines are on disk.
    pub fn is_spilled(&self) -> bool {
        self.file.is_some()
    }

    /// Adds a chunk.
    ///
    /// # Errors
    /// Fails where lines do not fit and cannot be written to disk.
    pub fn push(&mut self, chunk: Chunk) -> Result<(), IngestError> {
        self.held += chunk.bytes();
        self.slots.push(Slot::Held(chunk));
        let Some(spill) = self.spill.as_ref().filter(|spill| self.held as u64 > spill.above) else { return Ok(()) };
        let directory = spill.directory.clone();
        for ix in 0..self.slots.len() {
            if matches!(self.slots[ix], Slot::Held(_)) {
                self.write(ix).map_err(|cause| IngestError::Spill { directory: directory.clone(), cause })?;
            }
        }
        self.held = 0;
        Ok(())
    }

    fn write(&mut self, ix: usize) -> io::Result<()> {
        let (Some(spill), Slot::Held(chunk)) = (&self.spill, &mut self.slots[ix]) else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                fs::create_dir_all(&spill.directory)?;
                none.insert(File::create(spill_file(&spill.directory, self.generation))?)
            }
        };
        let mut bytes = Vec::with_capacity(chunk.bytes() + 64 * chunk.columns.len());
        chunk.columns.iter().for_each(|(_, column)| packed_bytes::put(column, &mut bytes));
        let at = file.seek(SeekFrom::End(0))?;
        file.write_all(&bytes)?;
        let columns = std::mem::take(&mut chunk.columns);
        let names = columns.iter().map(|(name, _)| *name).collect();
        self.slots[ix] = Slot::Written { head: std::mem::take(chunk), names, at, length: bytes.len() };
        Ok(())
    }

    /// Brings the chunks into the order of files and parts, and tells each where its lines begin.
    pub fn settle(&mut self) {
        self.slots.sort_by_key(|slot| (slot.head().file, slot.head().part));
        let mut first_row = 0;
        for slot in &mut self.slots {
            let head = slot.head_mut();
            head.first_row = first_row;
            first_row += head.n_rows;
        }
    }

    /// Goes over all chunks in parallel; results stand in the order of the chunks.
    ///
    /// # Errors
    /// Fails where lines on disk cannot be read.
    pub fn map<T: Send>(&self, work: impl Fn(usize, &Chunk) -> T + Sync) -> Result<Vec<T>, IngestError> {
        self.slots
            .par_iter()
            .enumerate()
            .map(|(ix, slot)| self.with(slot, self.generation, |chunk| work(ix, chunk)))
            .collect()
    }

    /// Changes the chunks that are in memory, in parallel.
    pub fn change_held(&mut self, work: impl Fn(&mut Chunk) + Sync) {
        self.slots.par_iter_mut().for_each(|slot| {
            if let Slot::Held(chunk) = slot {
                work(chunk);
            }
        });
    }

    /// Goes over all chunks, one after the other.
    ///
    /// # Errors
    /// Fails where lines on disk cannot be read.
    pub fn visit(&self, mut work: impl FnMut(&Chunk)) -> Result<(), IngestError> {
        self.slots.iter().try_for_each(|slot| self.with(slot, self.generation, &mut work))
    }

    /// Changes every chunk, one after the other; lines on disk go to a new file, which takes the place of the old one.
    ///
    /// # Errors
    /// Fails where lines on disk cannot be read or written.
    pub fn change(&mut self, mut work: impl FnMut(&mut Chunk)) -> Result<(), IngestError> {
        let (before, old) = (self.generation, self.file.take());
        self.held = 0;
        self.generation += 1;
        for slot in std::mem::take(&mut self.slots) {
            let mut chunk = match slot {
                Slot::Held(chunk) => chunk,
                written => self.with(&written, before, Chunk::clone)?,
            };
            work(&mut chunk);
            self.push(chunk)?;
        }
        if let (Some(_), Some(spill)) = (old, &self.spill) {
            // Best effort: what stays goes with the folder.
            let _ = fs::remove_file(spill_file(&spill.directory, before));
        }
        Ok(())
    }

    fn with<T>(&self, slot: &Slot, generation: u32, work: impl FnOnce(&Chunk) -> T) -> Result<T, IngestError> {
        match slot {
            Slot::Held(chunk) => Ok(work(chunk)),
            Slot::Written { head, names, at, length } => {
                let directory = self.spill.as_ref().map(|spill| spill.directory.clone()).unwrap_or_default();
                let chunk = read(&spill_file(&directory, generation), head, names, *at, *length)
                    .map_err(|cause| IngestError::Spill { directory, cause })?;
                Ok(work(&chunk))
            }
        }
    }
}

fn spill_file(directory: &Path, generation: u32) -> PathBuf {
    directory.join(format!("lines-{generation}"))
}

fn read(path: &Path, head: &Chunk, names: &[&'static str], at: u64, length: usize) -> io::Result<Chunk> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    let mut reader = Reader(&bytes);
    let columns = names
        .iter()
        .map(|name| Ok((*name, packed_bytes::get(&mut reader, head.n_rows)?)))
        .collect::<Result<_, crate::ingest::bytes::Damaged>>()
        .map_err(io::Error::other)?;
    Ok(Chunk { columns, ..*head })
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(spill) = self.spill.as_ref().filter(|_| self.file.is_some() || self.generation > 0) {
            // Best effort: what stays is hidden and the next run removes it.
            let _ = fs::remove_dir_all(&spill.directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(part: usize, value: i64) -> Chunk {
        let columns = vec![("quantity", Packed::Number(Numbers::pack(vec![value; 3])))];
        Chunk { part, n_rows: 3, columns, ..Chunk::default() }
    }

    #[test]
    fn chunks_read_the_same_in_memory_and_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        for above in [u64::MAX, 20, 0] {
            let spill = Spill { above, directory: directory.path().join("spill") };
            let mut store = Store::new(Some(spill.clone()));
            for part in [2, 0, 1] {
                store.push(chunk(part, part as i64)).unwrap();
            }
            store.settle();
            assert_eq!(store.is_spilled(), above < 36);
            store.change(|chunk| chunk.file = chunk.part).unwrap();
            let seen =
                store.map(|ix, chunk| (ix, chunk.file, chunk.first_row, chunk.numbers("quantity").at(2))).unwrap();
            assert_eq!(seen, [(0, 0, 0, 0), (1, 1, 3, 1), (2, 2, 6, 2)]);
            drop(store);
            assert!(!spill.directory.exists());
        }
    }
}
