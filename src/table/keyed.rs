//! Keyed fingerprints: HMAC-SHA-256, so that only the holder of the key can tell whom a fingerprint stands for.
//!
//! A plain hash of a customer id hides nobody: whoever can list the ids can hash them all. `H(K ⊕ opad ‖ H(K ⊕ ipad ‖ text))` needs the key
//! as well. `O(bytes of the text)`, two blocks of SHA-256 for an id; what depends on the key alone is worked out once.
//! Source: RFC 2104, FIPS 198-1 (`hmac`), test vectors of RFC 4231.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A keyed fingerprint.
pub type Sum = [u8; 32];

/// A key that is ready to be used; what it is made of cannot be read again.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// Bytes below which a key can be guessed: 128 bits.
    pub const SHORTEST: usize = 16;

    /// Takes a key of any length; who reads it from somewhere sees to it that it is not shorter than [`Key::SHORTEST`].
    pub fn new(bytes: &[u8]) -> Self {
        Self(Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// Returns the fingerprint of a text.
    pub fn sum(&self, text: &str) -> Sum {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Returns the fingerprint of a text in lower-case hexadecimal digits.
    pub fn digits(&self, text: &str) -> String {
        digits(&self.sum(text))
    }

    /// Returns its first 128 bits: what stands for a customer in a file that leaves, short enough for every tool.
    pub fn pseudonym(&self, id: &str) -> String {
        digits(&self.sum(id)[..16])
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(super) fn digits(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 1, 2 and 6 of RFC 4231, section 4.
    #[test]
    fn fingerprints_are_hmac_sha_256() {
        let long = "Test Using Larger Than Block-Size Key - Hash Key First";
        for (key, text, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (vec![0xaa; 131], long, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        ] {
            let key = Key::new(&key);
            assert_eq!(key.digits(text), expected);
            assert_eq!(key.pseudonym(text), expected[..32]);
        }
    }

    #[test]
    fn a_key_does_not_show_what_it_is_made_of() {
        assert_eq!(format!("{:?}", Key::new(b"secret")), "Key");
    }
}
