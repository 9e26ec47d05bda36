//! The content of a file as it is read, piece by piece: decompressed where it is compressed, fingerprinted as it lies on the disk.
//!
//! | first bytes             | content                                                       |
//! |-------------------------|---------------------------------------------------------------|
//! | `1f 8b 08`              | gzip (RFC 1952), any number of members one after the other    |
//! | `28 b5 2f fd`           | Zstandard (RFC 8878), any number of frames                    |
//! | `5? 2a 4d 18`           | the same, beginning with a frame to skip                      |
//! | anything else           | as it is                                                      |
//!
//! The name of the file says nothing. An archive that ends too early or fails its checksum is an error, never a short file.
//! `O(bytes)` time; memory: one buffer.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

use super::IngestError;
use super::file::unreadable;
use crate::table::Fingerprint;

/// Bytes that are read, and fingerprinted while they are near, at a time.
const PIECE: usize = 256 * 1024;

/// Bytes that tell an archive.
const MAGIC: usize = 4;

/// The content of one file.
pub(super) struct Stream<'p> {
    path: &'p Path,
    content: Content,
}

enum Content {
    Plain(OnDisk),
    Gzip(Box<MultiGzDecoder<BufReader<OnDisk>>>),
    Zstandard(Box<Decoder<'static, BufReader<OnDisk>>>),
}

/// A file, fingerprinted and counted as it is read.
struct OnDisk {
    file: Chain<Cursor<Vec<u8>>, File>,
    fingerprint: Fingerprint,
    n_bytes: u64,
}

impl Read for OnDisk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.fingerprint.update(&buffer[..n]);
        self.n_bytes += n as u64;
        Ok(n)
    }
}

impl<'p> Stream<'p> {
    /// Opens a file.
    ///
    /// # Errors
    /// Fails where the file is a directory or cannot be read.
    pub(super) fn open(path: &'p Path) -> Result<Self, IngestError> {
        let failed = |cause| unreadable(path, cause);
        let mut file = File::open(path).map_err(failed)?;
        let mut start = Vec::with_capacity(MAGIC);
        (&mut file).take(MAGIC as u64).read_to_end(&mut start).map_err(failed)?;
        let magic: [u8; MAGIC] = start.first_chunk().copied().unwrap_or_default();
        let on_disk = OnDisk { file: Cursor::new(start).chain(file), fingerprint: Fingerprint::default(), n_bytes: 0 };
        let buffered = |on_disk| BufReader::with_capacity(PIECE, on_disk);
        let content = match magic {
            [0x1f, 0x8b, 0x08, _] => Content::Gzip(Box::new(MultiGzDecoder::new(buffered(on_disk)))),
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                Content::Zstandard(Box::new(Decoder::with_buffer(buffered(on_disk)).map_err(failed)?))
            }
            _ => Content::Plain(on_disk),
        };
        Ok(Self { path, content })
    }

    /// Reads into the start of a buffer what fits; returns how many bytes it was, nothing at the end.
    ///
    /// # Errors
    /// Fails where the file cannot be read, or is a damaged archive.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, IngestError> {
        let most = buffer.len().min(PIECE);
        let read = match &mut self.content {
            Content::Plain(on_disk) => retry(on_disk, &mut buffer[..most]),
            Content::Gzip(archive) => retry(archive, &mut buffer[..most]),
            Content::Zstandard(archive) => retry(archive, &mut buffer[..most]),
        };
        read.map_err(|cause| self.failed(cause))
    }

    /// Returns how many bytes of the file were read.
    pub(super) fn n_bytes(&self) -> u64 {
        self.on_disk().n_bytes
    }

    /// Returns size and fingerprint of the file, all of which is read.
    ///
    /// # Errors
    /// Fails where the rest cannot be read.
    pub(super) fn finish(mut self) -> Result<(u64, String), IngestError> {
        let path = self.path;
        let on_disk = match &mut self.content {
            Content::Plain(on_disk) => on_disk,
            Content::Gzip(archive) => archive.get_mut().get_mut(),
            Content::Zstandard(archive) => archive.get_mut().get_mut(),
        };
        let mut rest = [0; 8 * 1024];
        while retry(on_disk, &mut rest).map_err(|cause| unreadable(path, cause))? > 0 {}
        Ok((on_disk.n_bytes, std::mem::take(&mut on_disk.fingerprint).digits()))
    }

    fn on_disk(&self) -> &OnDisk {
        match &self.content {
            Content::Plain(on_disk) => on_disk,
            Content::Gzip(archive) => archive.get_ref().get_ref(),
            Content::Zstandard(archive) => archive.get_ref().get_ref(),
        }
    }

    fn failed(&self, cause: io::Error) -> IngestError {
        let archive = match &self.content {
            Content::Gzip(_) => "gzip",
            Content::Zstandard(_) => "Zstandard",
            Content::Plain(_) => return unreadable(self.path, cause),
        };
        // What the operating system refuses has a number; what the archive says has none.
        if cause.raw_os_error().is_some() {
            return unreadable(self.path, cause);
        }
        let message = match cause.kind() {
            io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
            _ => cause.to_string(),
        };
        IngestError::DamagedArchive { file: self.path.to_owned(), archive, message }
    }
}

fn retry(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstandard(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, u64, String), IngestError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, bytes).unwrap();
        let mut stream = Stream::open(&path)?;
        let (mut content, mut buffer) = (Vec::new(), [0; 1000]);
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                n => content.extend(&buffer[..n]),
            }
        }
        let (n_bytes, sha256) = stream.finish()?;
        Ok((content, n_bytes, sha256))
    }

    fn sample() -> Vec<u8> {
        (0..5_000_u32).flat_map(|n| format!("{n},{}\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect()
    }

    #[test]
    fn archives_are_read_whatever_they_are_made_of() {
        let text = sample();
        let (first, second) = text.split_at(1_234);
        let skipped = [b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec(), zstandard(&text)].concat();
        for bytes in [
            text.clone(),
            gzip(&text),
            [gzip(first), gzip(b""), gzip(second)].concat(),
            zstandard(&text),
            [zstandard(first), zstandard(second)].concat(),
            skipped,
        ] {
            let expected = (text.clone(), bytes.len() as u64, Fingerprint::of(&bytes));
            assert!(read(&bytes).unwrap() == expected);
        }
        assert_eq!(read(b"").unwrap().0, b"");
        assert_eq!(read(b"\x1f\x8b").unwrap().0, b"\x1f\x8b");
    }

    #[test]
    fn an_archive_that_is_cut_or_damaged_is_an_error() {
        for whole in [gzip(&sample()), zstandard(&sample())] {
            for length in [5, 20, whole.len() / 2, whole.len() - 1] {
                let error = read(&whole[..length]).unwrap_err();
                assert_eq!(error.code(), "K0321", "{error}");
            }
            let mut damaged = whole.clone();
            let middle = damaged.len() / 2;
            damaged[middle] ^= 0x55;
            let error = read(&damaged).unwrap_err();
            assert_eq!(error.code(), "K0321", "{error}");
        }
    }
}
