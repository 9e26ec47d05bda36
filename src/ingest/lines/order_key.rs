//! Order ids as numbers: up to twelve digits, capital letters and `-`, `.`, `/` are the digits of a number to the base 40.
//!
//! Numbers ascend like the ids in byte order and are equal only where the ids are, so that ids need no dictionary over all files.
//! Anything else (lower case, longer ids) has no number.

use crate::table::NO_ORDER;

const LENGTH: usize = 12;
const BASE: u64 = 40;

/// What stands for the end of an id and, from 1 on, for each character.
const SYMBOLS: [u8; BASE as usize] = *b"\0-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Digit of each byte; 0 where there is none.
const DIGITS: [u8; 256] = {
    let mut digits = [0; 256];
    let mut digit = 1;
    while digit < SYMBOLS.len() {
        digits[SYMBOLS[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// Returns the number of an id, if it has one.
pub(super) fn encode(id: &str) -> Option<u64> {
    if id.is_empty() || id.len() > LENGTH {
        return None;
    }
    let mut key = 0;
    for byte in id.bytes() {
        let digit = DIGITS[usize::from(byte)];
        if digit == 0 {
            return None;
        }
        key = key * BASE + u64::from(digit);
    }
    Some((id.len()..LENGTH).fold(key, |key, _| key * BASE))
}

/// Writes the id of a number.
pub(super) fn decode(key: u64, id: &mut String) {
    id.clear();
    debug_assert!(key != NO_ORDER, "the largest number is no id");
    let (mut key, mut digits) = (key, [0_u8; LENGTH]);
    for digit in digits.iter_mut().rev() {
        *digit = SYMBOLS[(key % BASE) as usize];
        key /= BASE;
    }
    id.extend(digits.iter().filter(|digit| **digit != 0).map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_has_no_number() {
        for id in ["", "a1", "1 2", "RE_1", "1234567890123", "Ä", "5\0"] {
            assert_eq!(encode(id), None, "{id:?}");
        }
        assert!(encode("ZZZZZZZZZZZZ").is_some_and(|key| key < NO_ORDER));
    }

    proptest! {
        #[test]
        fn numbers_ascend_like_ids_and_read_back(a in "[-./0-9A-Z]{1,12}", b in "[-./0-9A-Z]{1,12}") {
            let (key_a, key_b) = (encode(&a).unwrap(), encode(&b).unwrap());
            prop_assert_eq!(key_a.cmp(&key_b), a.cmp(&b));
            let mut id = String::new();
            decode(key_a, &mut id);
            prop_assert_eq!(id, a);
        }
    }
}
