//! Bytes to text: which encoding a file has, told from the whole file, and what it says.
//!
//! | evidence                                                       | encoding                                 |
//! |----------------------------------------------------------------|------------------------------------------|
//! | byte order mark                                                | UTF-8, UTF-16LE, UTF-16BE                |
//! | every second byte of the start is zero                         | UTF-16LE                                 |
//! | the whole file is valid                                        | UTF-8                                    |
//! | at least ten valid sequences for each invalid byte             | UTF-8, damaged: those records are rejected |
//! | bytes `0x80..=0x9F`                                            | Windows-1252                             |
//! | byte `0xA4`, which is `€` there                                | ISO-8859-15                              |
//! | anything else                                                  | Windows-1252, which holds ISO-8859-1     |
//!
//! `O(n)` time; UTF-8 is not copied. Source: WHATWG Encoding Standard for the tables (`encoding_rs`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Stands in decoded text for bytes that say nothing; a record that holds it in a damaged file is rejected.
pub(super) const DAMAGE: char = char::REPLACEMENT_CHARACTER;

/// Encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// Windows-1252, the "ANSI" of western Windows; holds ISO-8859-1.
    Windows1252,
    /// ISO-8859-15, "Latin-9".
    Iso8859_15,
    /// UTF-16 little-endian, Excel's "Unicode text".
    Utf16Le,
    /// UTF-16 big-endian.
    Utf16Be,
}

impl Encoding {
    /// Encodings that a pipeline can state; UTF-16BE is told by its byte order mark alone.
    pub const STATED: [Self; 4] = [Self::Utf8, Self::Windows1252, Self::Iso8859_15, Self::Utf16Le];

    /// Returns the word that pipeline and evidence use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
            Self::Iso8859_15 => "iso-8859-15",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }

    /// Returns what a file of this encoding may begin with.
    pub(super) fn byte_order_mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 => &[0xEF, 0xBB, 0xBF],
            Self::Utf16Le => &[0xFF, 0xFE],
            Self::Utf16Be => &[0xFE, 0xFF],
            Self::Windows1252 | Self::Iso8859_15 => &[],
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Finds the encodings that the start of a file tells for sure, and says what tells it.
pub(super) fn stated_by_start(start: &[u8]) -> Option<(Encoding, String)> {
    for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
        if start.starts_with(encoding.byte_order_mark()) {
            return Some((encoding, "byte order mark".to_owned()));
        }
    }
    looks_like_utf16le(start).then(|| (Encoding::Utf16Le, "every second byte is zero".to_owned()))
}

/// Counts what tells the other encodings, piece by piece over the whole file.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    n_sequences: usize,
    n_invalid: usize,
    /// Says whether any byte is above 0x7F.
    is_beyond_ascii: bool,
    any_0x80_to_0x9f: bool,
    any_0xa4: bool,
    /// A sequence that the end of a piece cut.
    cut: Vec<u8>,
}

impl Survey {
    /// Counts one more piece; wherever the file is cut, the counts are the same.
    pub(super) fn add(&mut self, piece: &[u8]) {
        if self.cut.is_empty() && piece.is_ascii() {
            return;
        }
        self.is_beyond_ascii = true;
        self.any_0x80_to_0x9f = self.any_0x80_to_0x9f || piece.iter().any(|byte| (0x80..=0x9F).contains(byte));
        self.any_0xa4 = self.any_0xa4 || memchr::memchr(0xA4, piece).is_some();
        let mut piece = piece;
        while !self.cut.is_empty()
            && let [first, rest @ ..] = piece
        {
            self.cut.push(*first);
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.n_sequences += 1,
                Err(error) if error.error_len().is_none() => {
                    piece = rest;
                    continue;
                }
                // The sequence ends before this byte.
                Err(_) => {
                    self.n_invalid += 1;
                    self.cut.clear();
                    break;
                }
            }
            piece = rest;
            self.cut.clear();
        }
        loop {
            match std::str::from_utf8(piece) {
                Ok(text) => return self.n_sequences += n_sequences(text.as_bytes()),
                Err(error) => {
                    let (valid, rest) = piece.split_at(error.valid_up_to());
                    self.n_sequences += n_sequences(valid);
                    let Some(length) = error.error_len() else { return self.cut.extend(rest) };
                    self.n_invalid += 1;
                    piece = &rest[length..];
                }
            }
        }
    }

    /// Says whether all of it is UTF-8.
    pub(super) fn is_valid(&self) -> bool {
        self.is_utf8() && self.cut.is_empty()
    }

    /// Says whether all of it so far could be UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        self.n_invalid == 0
    }

    /// Returns the encoding of all that was counted, and what tells it.
    pub(super) fn outcome(&self) -> (Encoding, String) {
        let (n_sequences, n_invalid) = (self.n_sequences, self.n_invalid + usize::from(!self.cut.is_empty()));
        if n_invalid == 0 {
            let why = if self.is_beyond_ascii { "all bytes are valid" } else { "no byte above 0x7F" };
            (Encoding::Utf8, why.to_owned())
        } else if n_sequences >= 10 * n_invalid {
            let why = format!("{n_sequences} valid sequences, {n_invalid} invalid: those rows are rejected");
            (Encoding::Utf8, why)
        } else if self.any_0x80_to_0x9f {
            (Encoding::Windows1252, "bytes 0x80..0x9F present, not valid UTF-8".to_owned())
        } else if self.any_0xa4 {
            (Encoding::Iso8859_15, "byte 0xA4 present, none of 0x80..0x9F, not valid UTF-8".to_owned())
        } else {
            (Encoding::Windows1252, "bytes above 0x9F only, not valid UTF-8".to_owned())
        }
    }
}

/// Counts the characters beyond ASCII in valid text.
fn n_sequences(valid: &[u8]) -> usize {
    valid.iter().filter(|byte| **byte >= 0xC0).count()
}

/// Turns the bytes of one file into text, piece by piece.
pub(super) struct TextDecoder {
    decoder: encoding_rs::Decoder,
    /// Says whether [`DAMAGE`] stands for bytes that could not be read.
    pub(super) damaged: bool,
}

impl TextDecoder {
    /// Starts after the byte order mark.
    pub(super) fn new(encoding: Encoding) -> Self {
        let table = match encoding {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
            Encoding::Iso8859_15 => encoding_rs::ISO_8859_15,
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
        };
        Self { decoder: table.new_decoder_without_bom_handling(), damaged: false }
    }

    /// Appends the text of one more piece; `is_last` says that no more will come.
    pub(super) fn decode(&mut self, piece: &[u8], is_last: bool, text: &mut String) {
        let mut piece = piece;
        loop {
            let room = self.decoder.max_utf8_buffer_length(piece.len()).unwrap_or(piece.len());
            text.reserve(room);
            let (result, n_read, replaced) = self.decoder.decode_to_string(piece, text, is_last);
            self.damaged |= replaced;
            piece = &piece[n_read..];
            if result == encoding_rs::CoderResult::InputEmpty {
                return;
            }
        }
    }
}

/// Western text in UTF-16LE has a zero in every second byte; no other encoding here has zeros at all.
fn looks_like_utf16le(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4_096) & !1];
    let (mut n_low, mut n_high) = (0, 0);
    for pair in start.as_chunks::<2>().0 {
        n_low += usize::from(pair[0] == 0);
        n_high += usize::from(pair[1] == 0);
    }
    n_low == 0 && start.len() >= 8 && n_high * 2 > start.len() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn detect(bytes: &[u8]) -> (Encoding, String) {
        stated_by_start(bytes).unwrap_or_else(|| {
            let mut survey = Survey::default();
            survey.add(bytes);
            survey.outcome()
        })
    }

    struct Decoded {
        text: String,
        damaged: bool,
    }

    fn decode(bytes: &[u8], encoding: Encoding) -> Decoded {
        let bytes = bytes.strip_prefix(encoding.byte_order_mark()).unwrap_or(bytes);
        let (mut decoder, mut text) = (TextDecoder::new(encoding), String::new());
        for byte in bytes {
            decoder.decode(&[*byte], false, &mut text);
        }
        decoder.decode(&[], true, &mut text);
        Decoded { text, damaged: decoder.damaged }
    }

    fn check(bytes: &[u8], expected: Encoding, text: &str) {
        let (encoding, _) = detect(bytes);
        assert_eq!(encoding, expected);
        let decoded = decode(bytes, encoding);
        assert_eq!(decoded.text, text);
        assert!(!decoded.damaged);
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn encodings_are_told_by_what_only_they_can_hold() {
        check(b"a;b", Encoding::Utf8, "a;b");
        check("Stückzahl".as_bytes(), Encoding::Utf8, "Stückzahl");
        check("\u{feff}Stückzahl".as_bytes(), Encoding::Utf8, "Stückzahl");
        check(b"St\xFCck f\xFCr 5 \x80", Encoding::Windows1252, "Stück für 5 €");
        check(b"St\xFCck f\xFCr 5 \xA4", Encoding::Iso8859_15, "Stück für 5 €");
        check(b"St\xFCckzahl", Encoding::Windows1252, "Stückzahl");
        check(&utf16("\u{feff}Stück;€", u16::to_le_bytes), Encoding::Utf16Le, "Stück;€");
        check(&utf16("Stück;Preis", u16::to_le_bytes), Encoding::Utf16Le, "Stück;Preis");
        check(&utf16("\u{feff}Stück;€", u16::to_be_bytes), Encoding::Utf16Be, "Stück;€");
        check(b"", Encoding::Utf8, "");
    }

    #[test]
    fn one_broken_byte_among_many_good_ones_is_damage() {
        let mut bytes = "ü".repeat(10).into_bytes();
        bytes.push(0xE4);
        let (encoding, _) = detect(&bytes);
        let decoded = decode(&bytes, encoding);
        assert_eq!((encoding, decoded.damaged), (Encoding::Utf8, true));
        assert!(decoded.text.ends_with(DAMAGE));
        bytes.push(0xE4);
        assert_eq!(detect(&bytes).0, Encoding::Windows1252);
    }

    #[test]
    fn labels_are_those_of_the_standard() {
        for encoding in Encoding::STATED {
            let standard = encoding_rs::Encoding::for_label(encoding.label().as_bytes()).unwrap();
            assert!(standard.name().eq_ignore_ascii_case(encoding.label()), "{encoding}");
        }
    }

    proptest! {
        /// The counts do not depend on where the file is cut.
        #[test]
        fn a_survey_is_the_same_wherever_the_file_is_cut(
            bytes in proptest::collection::vec(prop_oneof![2 => any::<u8>(), 2 => Just(0xC3), 1 => Just(0xE2), 2 => Just(0x82), 1 => Just(0xF0)], 0..40),
            size in 1..5_usize,
        ) {
            let (mut n_sequences, mut n_invalid) = (0, 0);
            for chunk in bytes.utf8_chunks() {
                n_sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
                n_invalid += usize::from(!chunk.invalid().is_empty());
            }
            let mut survey = Survey::default();
            bytes.chunks(size).for_each(|piece| survey.add(piece));
            prop_assert_eq!((survey.n_sequences, survey.n_invalid + usize::from(!survey.cut.is_empty())), (n_sequences, n_invalid));
            prop_assert_eq!(survey.outcome(), {
                let mut whole = Survey::default();
                whole.add(&bytes);
                whole.outcome()
            });
        }
    }
}
