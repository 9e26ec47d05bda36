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

use std::borrow::Cow;
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

    fn byte_order_mark(self) -> &'static [u8] {
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

/// Text of a file.
pub(super) struct Decoded<'a> {
    /// The text, without byte order mark.
    pub(super) text: Cow<'a, str>,
    /// Says whether [`DAMAGE`] stands for bytes that could not be read.
    pub(super) damaged: bool,
}

/// Finds the encoding and says what tells it.
pub(super) fn detect(bytes: &[u8]) -> (Encoding, String) {
    for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
        if bytes.starts_with(encoding.byte_order_mark()) {
            return (encoding, "byte order mark".to_owned());
        }
    }
    if looks_like_utf16le(bytes) {
        return (Encoding::Utf16Le, "every second byte is zero".to_owned());
    }
    if std::str::from_utf8(bytes).is_ok() {
        let why = if bytes.is_ascii() { "no byte above 0x7F" } else { "all bytes are valid" };
        return (Encoding::Utf8, why.to_owned());
    }
    let (mut n_sequences, mut n_invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        n_sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        n_invalid += usize::from(!chunk.invalid().is_empty());
    }
    if n_sequences >= 10 * n_invalid {
        let why = format!("{n_sequences} valid sequences, {n_invalid} invalid: those rows are rejected");
        (Encoding::Utf8, why)
    } else if bytes.iter().any(|byte| (0x80..=0x9F).contains(byte)) {
        (Encoding::Windows1252, "bytes 0x80..0x9F present, not valid UTF-8".to_owned())
    } else if memchr::memchr(0xA4, bytes).is_some() {
        (Encoding::Iso8859_15, "byte 0xA4 present, none of 0x80..0x9F, not valid UTF-8".to_owned())
    } else {
        (Encoding::Windows1252, "bytes above 0x9F only, not valid UTF-8".to_owned())
    }
}

/// Decodes a file, which for valid UTF-8 copies nothing.
pub(super) fn decode(bytes: &[u8], encoding: Encoding) -> Decoded<'_> {
    let bytes = bytes.strip_prefix(encoding.byte_order_mark()).unwrap_or(bytes);
    let table = match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
        Encoding::Iso8859_15 => encoding_rs::ISO_8859_15,
        Encoding::Utf16Le => encoding_rs::UTF_16LE,
        Encoding::Utf16Be => encoding_rs::UTF_16BE,
    };
    let (text, damaged) = table.decode_without_bom_handling(bytes);
    Decoded { text, damaged }
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
}
