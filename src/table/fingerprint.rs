//! Fingerprints of what is read and written: SHA-256 in lower-case hexadecimal digits.
//!
//! `O(bytes)` time; bytes are hashed as they come and not kept. Source: FIPS 180-4 (`sha2`).

use std::io::{self, Write};

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The fingerprint of everything written into it.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Returns the digits of some bytes.
    ///
    /// # Examples
    /// ```
    /// use klientel::table::Fingerprint;
    /// assert!(Fingerprint::of("abc").starts_with("ba7816bf"));
    /// ```
    pub fn of(bytes: impl AsRef<[u8]>) -> String {
        let mut fingerprint = Self::default();
        fingerprint.update(bytes);
        fingerprint.digits()
    }

    /// Adds some bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// Returns the digits of everything that was added.
    pub fn digits(self) -> String {
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        self.0.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

impl Write for Fingerprint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Fingerprint::of(text), expected);
        let mut in_parts = Fingerprint::default();
        for byte in text.as_bytes() {
            in_parts.write_all(&[*byte]).unwrap();
        }
        assert_eq!(in_parts.digits(), expected);
    }

    /// The examples of FIPS 180-4, as published by NIST.
    #[test]
    fn fingerprints_are_sha_256() {
        check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check(
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        );
    }
}
