//! Cells that say whether a product can be had: how many there are, or a word.
//!
//! | cell                                   | can be had |
//! |----------------------------------------|------------|
//! | a number above zero, in any notation   | yes        |
//! | zero, or a negative number             | no         |
//! | `yes`, `available`, `lieferbar`, …      | yes        |
//! | `no`, `sold out`, `nicht lieferbar`, …  | no         |
//! | everything else                        | unknown    |

use super::cells::{self, FlagWord};

/// Words for what can be had, beside those of any flag.
const IN_STOCK: [&str; 12] = [
    "in stock",
    "instock",
    "in_stock",
    "available",
    "lieferbar",
    "sofort lieferbar",
    "verfügbar",
    "verfuegbar",
    "auf lager",
    "vorrätig",
    "vorraetig",
    "low stock",
];
/// Words for what cannot.
const OUT_OF_STOCK: [&str; 16] = [
    "out of stock",
    "outofstock",
    "out_of_stock",
    "sold out",
    "soldout",
    "unavailable",
    "not available",
    "discontinued",
    "nicht lieferbar",
    "nicht verfügbar",
    "nicht verfuegbar",
    "nicht auf lager",
    "nicht vorrätig",
    "nicht vorraetig",
    "ausverkauft",
    "vergriffen",
];

/// Returns whether a cell says that the product can be had, or nothing.
pub(super) fn in_stock(cell: &str) -> Option<bool> {
    let cell = cells::trim(cell);
    if let Some(is_positive) = is_positive(cell) {
        return Some(is_positive);
    }
    let lower = cell.to_lowercase();
    match cells::flag(cell) {
        FlagWord::Yes | FlagWord::Cross => Some(true),
        FlagWord::No => Some(false),
        FlagWord::Unknown if IN_STOCK.contains(&lower.as_str()) => Some(true),
        FlagWord::Unknown if OUT_OF_STOCK.contains(&lower.as_str()) => Some(false),
        FlagWord::Unknown => None,
    }
}

/// Returns the sign of a number; whether its points and commas are decimal or not makes no difference to that.
fn is_positive(cell: &str) -> Option<bool> {
    let unsigned = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let digits = unsigned.strip_suffix('-').unwrap_or(unsigned);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'\'' | b' '));
    let is_negative = cell.starts_with('-') || cell.ends_with('-');
    is_number.then(|| !is_negative && digits.bytes().any(|byte| matches!(byte, b'1'..=b'9')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_how_many_or_yes_or_no_or_nothing() {
        for (cell, expected) in [
            ("12", Some(true)),
            ("1.250,00", Some(true)),
            ("+0,5", Some(true)),
            ("0", Some(false)),
            (" 0,000 ", Some(false)),
            ("-3", Some(false)),
            ("3-", Some(false)),
            ("Ja", Some(true)),
            ("x", Some(true)),
            ("Lieferbar", Some(true)),
            ("Ausverkauft", Some(false)),
            ("out of stock", Some(false)),
            ("-", Some(false)),
            ("", None),
            ("2026-12-01", None),
            ("ab Mai", None),
        ] {
            assert_eq!(in_stock(cell), expected, "{cell}");
        }
    }
}
