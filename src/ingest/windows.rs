//! A text file in windows: so much text at a time that its parts keep all threads busy, and never the whole file.
//!
//! A window ends after a line end where it has one. That may lie inside quotes: whoever reads the records says what is left over, and
//! [`Window::prepend`] puts that before the next window. Of a file without a byte order mark only its end tells the encoding;
//! until then the start is believed, and [`Windows::finish`] says what the whole file is.
//!
//! | encoding                | window                                                    |
//! |-------------------------|-----------------------------------------------------------|
//! | UTF-8, all valid so far | the bytes as they were read, checked                      |
//! | anything else           | transcoded; a character may lie across two reads          |
//!
//! `O(bytes)` time; memory: the window that is read, beside those that its reader holds. Buffers are handed back and used again.

use std::path::Path;

use memchr::memrchr2;

use super::IngestError;
use super::encoding::{self, Encoding, Survey, TextDecoder};
use super::stream::Stream;

/// What a file is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assumed {
    pub(super) encoding: Encoding,
    /// What tells the encoding, where that is known for sure.
    pub(super) why: Option<String>,
    /// Says whether some of its bytes are no text.
    pub(super) damaged: bool,
}

/// Some text of a file.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) text: String,
    /// Says whether the file ends here.
    pub(super) is_last: bool,
}

impl Window {
    /// Puts text before it that the window before has left over.
    pub(super) fn prepend(&mut self, rest: &str) {
        if !rest.is_empty() {
            self.text.insert_str(0, rest);
        }
    }
}

/// Reads one file window by window.
pub(super) struct Windows<'p> {
    stream: Stream<'p>,
    /// Bytes of a window.
    size: usize,
    assumed: Assumed,
    survey: Survey,
    /// Nothing while all bytes are valid UTF-8 and need no decoding.
    decoder: Option<TextDecoder>,
    /// Says whether bytes were no UTF-8, although nothing had said so.
    is_mistaken: bool,
    /// What was read of the next window, as bytes or, decoded, as text.
    ahead: Vec<u8>,
    text_ahead: String,
}

/// What reading on brought.
pub(super) enum Next {
    Window(Window),
    /// The file is not what it was taken for, and must be read again.
    Mistaken,
}

impl<'p> Windows<'p> {
    /// Opens a file and reads its first window, of `first` bytes, as what the file is assumed or seems to be.
    ///
    /// # Errors
    /// Fails where the file cannot be read, or is a damaged archive.
    pub(super) fn open(
        path: &'p Path,
        assumed: Option<Assumed>,
        first: usize,
        size: usize,
    ) -> Result<(Self, Next), IngestError> {
        let mut stream = Stream::open(path)?;
        let (mut buffer, mut survey) = (Vec::new(), Survey::default());
        let n = fill(&mut stream, &mut buffer, 0, first, Some(&mut survey))?;
        buffer.truncate(n);
        let is_last = n < first;
        let assumed = assumed.unwrap_or_else(|| {
            let (encoding, why, is_sure) = match encoding::stated_by_start(&buffer) {
                Some((encoding, why)) => (encoding, why, true),
                None => {
                    // A character that the end of the window cuts is no damage.
                    let (encoding, why) =
                        if survey.is_utf8() && !is_last { (Encoding::Utf8, String::new()) } else { survey.outcome() };
                    (encoding, why, is_last)
                }
            };
            Assumed { encoding, why: is_sure.then_some(why), damaged: false }
        });
        let is_valid = if is_last { survey.is_valid() } else { survey.is_utf8() };
        let needs_decoding = assumed.encoding != Encoding::Utf8 || assumed.damaged || !is_valid;
        let decoder = needs_decoding.then(|| TextDecoder::new(assumed.encoding));
        let mark = assumed.encoding.byte_order_mark();
        if buffer.starts_with(mark) {
            buffer.drain(..mark.len());
        }
        let mut windows = Self {
            stream,
            size: size.max(1),
            assumed,
            survey,
            decoder,
            is_mistaken: false,
            ahead: Vec::new(),
            text_ahead: String::new(),
        };
        let window = windows.window(buffer, is_last);
        Ok((windows, window))
    }

    /// Returns what the file is taken for.
    pub(super) fn assumed(&self) -> &Assumed {
        &self.assumed
    }

    /// Returns how many bytes of the file were read.
    pub(super) fn n_bytes(&self) -> u64 {
        self.stream.n_bytes()
    }

    /// Says whether bytes so far were no text.
    pub(super) fn is_damaged(&self) -> bool {
        self.assumed.damaged || self.decoder.as_ref().is_some_and(|decoder| decoder.damaged)
    }

    /// Reads the next window into a buffer that is used again.
    ///
    /// # Errors
    /// Fails where the file cannot be read, or is a damaged archive.
    pub(super) fn next(&mut self, buffer: String) -> Result<Next, IngestError> {
        let mut buffer = buffer.into_bytes();
        let n_ahead = self.ahead.len();
        if buffer.len() < n_ahead {
            buffer.resize(n_ahead, 0);
        }
        buffer[..n_ahead].copy_from_slice(&self.ahead);
        self.ahead.clear();
        let survey = self.assumed.why.is_none().then_some(&mut self.survey);
        let full = n_ahead + self.size;
        let n = fill(&mut self.stream, &mut buffer, n_ahead, full, survey)?;
        buffer.truncate(n);
        Ok(self.window(buffer, n < full))
    }

    /// Reads the file to its end; returns what it is, its size and its fingerprint.
    ///
    /// # Errors
    /// Fails where the rest cannot be read.
    pub(super) fn finish(mut self) -> Result<(Assumed, u64, String), IngestError> {
        let mut buffer = Vec::new();
        let mut survey = self.assumed.why.is_none().then_some(&mut self.survey);
        let size = self.size.max(1 << 16);
        while fill(&mut self.stream, &mut buffer, 0, size, survey.as_deref_mut())? == size {}
        let damaged = self.is_damaged() || self.is_mistaken;
        let (n_bytes, sha256) = self.stream.finish()?;
        let assumed = match self.assumed.why {
            Some(_) => Assumed { damaged, ..self.assumed },
            None => {
                let (encoding, why) = self.survey.outcome();
                let damaged = encoding == Encoding::Utf8 && !self.survey.is_valid();
                Assumed { encoding, why: Some(why), damaged }
            }
        };
        Ok((assumed, n_bytes, sha256))
    }

    /// Makes text of bytes and keeps back what follows the last line end.
    fn window(&mut self, mut bytes: Vec<u8>, is_last: bool) -> Next {
        let text = match &mut self.decoder {
            Some(decoder) => {
                let mut text = std::mem::take(&mut self.text_ahead);
                decoder.decode(&bytes, is_last, &mut text);
                if !is_last {
                    self.text_ahead = text.split_off(cut(text.as_bytes()));
                }
                text
            }
            None => {
                let cut = if is_last { bytes.len() } else { cut(&bytes) };
                self.ahead.extend_from_slice(&bytes[cut..]);
                bytes.truncate(cut);
                match String::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(_) => {
                        self.is_mistaken = true;
                        return Next::Mistaken;
                    }
                }
            }
        };
        Next::Window(Window { text, is_last })
    }
}

/// Returns where the text after the last line end begins; without one, where a character begins.
fn cut(bytes: &[u8]) -> usize {
    if let Some(at) = memrchr2(b'\n', b'\r', bytes) {
        return at + 1;
    }
    let begins_one = |byte: &u8| !(0x80..0xC0).contains(byte);
    bytes.iter().rposition(begins_one).unwrap_or(bytes.len())
}

/// Reads on until a buffer is filled up to `full`; returns up to where, which is less only at the end of the file.
fn fill(
    stream: &mut Stream<'_>,
    buffer: &mut Vec<u8>,
    from: usize,
    full: usize,
    mut survey: Option<&mut Survey>,
) -> Result<usize, IngestError> {
    if buffer.len() < full {
        // A fresh buffer is zero without being written to.
        if buffer.is_empty() { *buffer = vec![0; full] } else { buffer.resize(full, 0) }
    }
    let mut filled = from;
    while filled < full {
        let n = stream.read(&mut buffer[filled..full])?;
        if n == 0 {
            break;
        }
        if let Some(survey) = survey.as_deref_mut() {
            survey.add(&buffer[filled..filled + n]);
        }
        filled += n;
    }
    Ok(filled)
}
