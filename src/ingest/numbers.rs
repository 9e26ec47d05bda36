//! Decimal numbers as people and machines write them, exactly, in millionths.
//!
//! A cell may have a sign before or after (`12,50-`), a currency before or after, groups of thousands and an exponent. Which of
//! `.` and `,` is the decimal mark is a property of the column; a cell may decide it or leave it open:
//!
//! | cell                        | says                     |
//! |-----------------------------|--------------------------|
//! | `1.234,56`, `9,99`, `0,125` | decimal comma            |
//! | `1.234.567`                 | decimal comma            |
//! | `1,234.56`, `9.99`, `1.2e3` | decimal point            |
//! | `1.234`                     | ambiguous: 1234 or 1.234 |
//! | `1234`, `1'234`, `1 234`    | nothing                  |
//!
//! More than six decimals are rounded half away from zero. `O(length)` a cell, no allocation.

use super::number_format::{Mark, NumberReading};

/// Digits after the decimal mark that are kept.
const DECIMALS: i32 = 6;

/// Digits are read up to this number; what follows only moves the decimal mark.
const MAX_DIGITS: u128 = 10_u128.pow(36);

/// What a cell says of the decimal mark, whatever the column is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberHint {
    /// No mark in it, or only marks that never are decimal.
    Nothing,
    /// One mark that could be either: `1.234`.
    Ambiguous,
    Point,
    Comma,
}

/// Why a cell is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFault {
    /// It is not written as a number, or not in the form of its column.
    Form,
    /// It does not fit into 64 bits of millionths.
    Range,
}

/// Reads a trimmed cell: its value in millionths under a reading, and what it says of the decimal mark.
pub(super) fn parse(cell: &str, reading: NumberReading) -> (Result<i64, NumberFault>, NumberHint) {
    let Some(written) = strip(cell).and_then(|(digits, negative)| Written::scan(digits, negative)) else {
        return (Err(NumberFault::Form), NumberHint::Nothing);
    };
    let Some((hint, decimal)) = written.interpret(reading) else {
        return (Err(NumberFault::Form), NumberHint::Nothing);
    };
    let value = match decimal {
        Some(n_decimals) => written.millionths(n_decimals).ok_or(NumberFault::Range),
        None => Err(NumberFault::Form),
    };
    (value, hint)
}

/// Eight times the character zero.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Reads a cell `start..end` of a text if it is up to eight digits with a sign before them and the decimal mark of its column
/// among them, as machines write numbers; what it returns is what [`parse`] would.
///
/// The cell is taken as one 64-bit word, its last character topmost, and its digits are added up in pairs.
/// Source: Lemire, "Quickly parsing eight digits" (2018).
#[inline(always)]
pub(super) fn parse_short(text: &[u8], start: usize, end: usize, reading: NumberReading) -> Option<(i64, NumberHint)> {
    let mark = match reading.decimal {
        Mark::Point => b'.',
        Mark::Comma => b',',
        Mark::Space | Mark::Apostrophe => return None,
    };
    let negative = *text.get(start)? == b'-';
    let start = start + usize::from(negative);
    let length = end.checked_sub(start).filter(|length| (1..=8).contains(length))?;
    let word = match end.checked_sub(8).and_then(|from| text.get(from..end)?.first_chunk()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes[8 - length..].copy_from_slice(&text[start..end]);
            u64::from_le_bytes(bytes)
        }
    };
    // What stands before the cell becomes leading zeros; every digit becomes its value.
    let digits = (word ^ ZEROS) & (u64::MAX << (64 - 8 * length));
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let (digits, n_decimals, hint) = if others == 0 {
        (digits, 0, NumberHint::Nothing)
    } else {
        let at = others.trailing_zeros() & !7;
        let n_decimals = 7 - at / 8;
        let is_mark = (digits >> at) as u8 == mark ^ b'0' && others & (others - 1) == 0;
        // Three digits after it could as well be a group of thousands.
        if !is_mark || length == 1 || n_decimals == 3 || n_decimals > DECIMALS as u32 {
            return None;
        }
        let before = digits & ((1 << at) - 1);
        let after = digits & (u64::MAX << at) & !(0xFF << at);
        let hint = if mark == b'.' { NumberHint::Point } else { NumberHint::Comma };
        (before << 8 | after, n_decimals, hint)
    };
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    let whole = (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xFFFF_FFFF;
    let millionths = whole as i64 * 10_i64.pow(DECIMALS as u32 - n_decimals);
    Some((if negative { -millionths } else { millionths }, hint))
}

/// Takes off sign, currency and the spaces between; returns the rest and whether it is negative.
fn strip(cell: &str) -> Option<(&[u8], bool)> {
    let mut rest = cell.as_bytes();
    let (mut sign, mut currency) = (None, false);
    while let [first, ..] = rest
        && !first.is_ascii_digit()
    {
        if let Some(length) = sign_at_start(rest) {
            if sign.replace(*first != b'+').is_some() {
                return None;
            }
            rest = &rest[length..];
        } else if let Some(after) = CURRENCIES.iter().find_map(|symbol| rest.strip_prefix(*symbol)) {
            if std::mem::replace(&mut currency, true) {
                return None;
            }
            rest = after;
        } else if let Some((Mark::Space, length)) = Mark::at(rest) {
            rest = &rest[length..];
        } else {
            break;
        }
    }
    while let [.., last] = rest
        && !last.is_ascii_digit()
    {
        if let Some(length) = sign_at_end(rest) {
            if sign.replace(*last != b'+').is_some() {
                return None;
            }
            rest = &rest[..rest.len() - length];
        } else if let Some(before) = CURRENCIES.iter().find_map(|symbol| rest.strip_suffix(*symbol)) {
            if std::mem::replace(&mut currency, true) {
                return None;
            }
            rest = before;
        } else if let Some(length) = SPACES.iter().find(|space| rest.ends_with(space)).map(|space| space.len()) {
            rest = &rest[..rest.len() - length];
        } else {
            break;
        }
    }
    Some((rest, sign.unwrap_or(false)))
}

const CURRENCIES: [&[u8]; 7] = ["€".as_bytes(), b"EUR", b"$", b"USD", "£".as_bytes(), b"GBP", b"CHF"];
const SPACES: [&[u8]; 4] = [b" ", "\u{a0}".as_bytes(), "\u{2009}".as_bytes(), "\u{202f}".as_bytes()];
const MINUS: &[u8] = "\u{2212}".as_bytes();

fn sign_at_start(bytes: &[u8]) -> Option<usize> {
    if matches!(bytes, [b'-' | b'+', ..]) { Some(1) } else { bytes.starts_with(MINUS).then_some(MINUS.len()) }
}

fn sign_at_end(bytes: &[u8]) -> Option<usize> {
    if matches!(bytes, [.., b'-' | b'+']) { Some(1) } else { bytes.ends_with(MINUS).then_some(MINUS.len()) }
}

/// The digits and marks of a number, before anything says which mark is decimal.
#[derive(Debug, Clone, Copy)]
struct Written {
    negative: bool,
    /// All digits in a row, up to [`MAX_DIGITS`].
    digits: u128,
    any_digit: bool,
    /// Digits that are not in `digits` any more.
    n_dropped: u32,
    leading_zero: bool,
    /// Marks before the last one, as bits.
    earlier: u8,
    last: Option<Mark>,
    n_before_first: u32,
    n_after_last: u32,
    /// Says whether three digits stand between every two marks.
    regular: bool,
    exponent: Option<i32>,
}

impl Written {
    fn scan(bytes: &[u8], negative: bool) -> Option<Self> {
        let mut written = Self {
            negative,
            digits: 0,
            any_digit: false,
            n_dropped: 0,
            leading_zero: bytes.first() == Some(&b'0'),
            earlier: 0,
            last: None,
            n_before_first: 0,
            n_after_last: 0,
            regular: true,
            exponent: None,
        };
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if byte.is_ascii_digit() {
                if written.digits < MAX_DIGITS {
                    written.digits = written.digits * 10 + u128::from(byte - b'0');
                } else {
                    written.n_dropped += 1;
                }
                written.any_digit = true;
                written.n_after_last += 1;
                at += 1;
            } else if let Some((mark, length)) = Mark::at(&bytes[at..]) {
                written.mark(mark);
                at += length;
            } else if matches!(byte, b'e' | b'E') && written.any_digit {
                // Four digits of exponent are far past every number that fits.
                let exponent = std::str::from_utf8(&bytes[at + 1..]).ok().filter(|text| text.len() <= 5)?;
                written.exponent = Some(exponent.parse().ok()?);
                break;
            } else {
                return None;
            }
        }
        written.any_digit.then_some(written)
    }

    fn mark(&mut self, mark: Mark) {
        match self.last {
            None => self.n_before_first = self.n_after_last,
            Some(last) => {
                self.regular &= self.n_after_last == 3;
                self.earlier |= last.bit();
            }
        }
        self.last = Some(mark);
        self.n_after_last = 0;
    }

    /// Returns what the cell says of the decimal mark, and how many decimals it has if the reading allows its form; nothing
    /// where no reading does.
    fn interpret(&self, reading: NumberReading) -> Option<(NumberHint, Option<u32>)> {
        let Some(last) = self.last else { return Some((NumberHint::Nothing, Some(0))) };
        let can_group =
            (1..=3).contains(&self.n_before_first) && !self.leading_zero && self.regular && self.exponent.is_none();
        let grouped = can_group && self.n_after_last == 3;
        let whole = reading.groups_by(last).then_some(0);
        let decimals = (reading.decimal == last).then_some(self.n_after_last);
        let (if_decimal, if_grouping) = match last {
            Mark::Point => (NumberHint::Point, NumberHint::Comma),
            Mark::Comma => (NumberHint::Comma, NumberHint::Point),
            // These only ever group.
            Mark::Space | Mark::Apostrophe => {
                let alike = self.earlier == 0 || self.earlier == last.bit();
                return (grouped && alike).then_some((NumberHint::Nothing, whole));
            }
        };
        if self.earlier == 0 {
            return Some(if grouped { (NumberHint::Ambiguous, decimals.or(whole)) } else { (if_decimal, decimals) });
        }
        if self.earlier == last.bit() {
            return grouped.then_some((if_grouping, whole));
        }
        // Groups of one kind, then the decimal mark.
        let marks = [Mark::Point, Mark::Comma, Mark::Space, Mark::Apostrophe];
        let group = marks.into_iter().find(|mark| mark.bit() == self.earlier)?;
        can_group.then(|| (if_decimal, decimals.filter(|_| reading.groups_by(group))))
    }

    /// Returns the value, or nothing where it does not fit.
    fn millionths(&self, n_decimals: u32) -> Option<i64> {
        let exponent = i64::from(self.exponent.unwrap_or(0)) + i64::from(self.n_dropped) - i64::from(n_decimals);
        let shift = i64::from(DECIMALS) + exponent;
        let magnitude = if self.digits == 0 {
            0
        } else if shift >= 0 {
            self.digits.checked_mul(10_u128.checked_pow(u32::try_from(shift).ok()?)?)?
        } else {
            match u32::try_from(-shift).ok().and_then(|shift| 10_u128.checked_pow(shift)) {
                Some(divisor) => (self.digits + divisor / 2) / divisor,
                None => 0,
            }
        };
        let magnitude = i64::try_from(magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::super::NumberFormat;
    use super::*;
    use proptest::prelude::*;

    const EITHER: [NumberReading; 2] = [NumberReading::POINT, NumberReading::COMMA];

    /// `expected` is the value read with decimal point and with decimal comma, in major units; nothing where it is rejected.
    fn check(cell: &str, hint: NumberHint, expected: [Option<f64>; 2]) {
        for (reading, expected) in EITHER.into_iter().zip(expected) {
            let (value, found) = parse(cell, reading);
            assert_eq!(found, hint, "{cell:?}");
            assert_eq!(value.ok(), expected.map(|major| (major * 1e6).round() as i64), "{cell:?} as {reading:?}");
        }
    }

    #[test]
    fn marks_decide_where_they_can() {
        let (point, comma) = (NumberHint::Point, NumberHint::Comma);
        check("1.234,56", comma, [None, Some(1234.56)]);
        check("1,234.56", point, [Some(1234.56), None]);
        check("9,99", comma, [None, Some(9.99)]);
        check("9.99", point, [Some(9.99), None]);
        check("0,125", comma, [None, Some(0.125)]);
        check("0.125", point, [Some(0.125), None]);
        check(",5", comma, [None, Some(0.5)]);
        check(".125", point, [Some(0.125), None]);
        check("12.", point, [Some(12.0), None]);
        check("1234,567", comma, [None, Some(1234.567)]);
        check("1.234.567", comma, [None, Some(1_234_567.0)]);
        check("1,234,567", point, [Some(1_234_567.0), None]);
        check("1.234.567,8", comma, [None, Some(1_234_567.8)]);
        check("1'234.50", point, [Some(1234.5), None]);
        check("1’234,5", comma, [None, Some(1234.5)]);
        check("1 234 567,125", comma, [None, Some(1_234_567.125)]);
        check("1\u{202f}234,5", comma, [None, Some(1234.5)]);
        check("1.234e3", point, [Some(1234.0), None]);
    }

    #[test]
    fn some_cells_leave_the_mark_open() {
        check("1.234", NumberHint::Ambiguous, [Some(1.234), Some(1234.0)]);
        check("12,345", NumberHint::Ambiguous, [Some(12345.0), Some(12.345)]);
        check("-999.000", NumberHint::Ambiguous, [Some(-999.0), Some(-999_000.0)]);
        let plain = [("1234", 1234.0), ("0", 0.0), ("1'234", 1234.0), ("1 234", 1234.0), ("007", 7.0), ("1e3", 1000.0)];
        for (cell, value) in plain {
            check(cell, NumberHint::Nothing, [Some(value), Some(value)]);
        }
    }

    #[test]
    fn signs_and_currencies_are_taken_off() {
        let cells = [
            "-12",
            "12-",
            "- 12",
            "\u{2212}12",
            "-12 €",
            "-€12",
            "€ -12",
            "EUR 12-",
            "-12 CHF",
            "-$12",
            "12- GBP",
            "-12\u{a0}€",
        ];
        for cell in cells {
            check(cell, NumberHint::Nothing, [Some(-12.0), Some(-12.0)]);
        }
        check("+12,50 EUR", NumberHint::Comma, [None, Some(12.5)]);
        check("1.234,50-", NumberHint::Comma, [None, Some(-1234.5)]);
    }

    #[test]
    fn what_is_no_number_is_rejected() {
        let cells = [
            "",
            "-",
            "€",
            ".",
            ",",
            "a",
            "12a",
            "--12",
            "-12-",
            "€12€",
            "1..2",
            "1.23.456",
            "1,23,456",
            "0.123.456",
            "1.2345.678",
            "1 23",
            "1'234 567",
            "1.234,567.8",
            "1,234.567,8",
            "12%",
            "(12)",
            "1e",
            "1e+",
            "1e99999",
            "01.12.2010",
            "1.234.567e2",
            "e5",
        ];
        for cell in cells {
            check(cell, NumberHint::Nothing, [None, None]);
        }
    }

    #[test]
    fn millionths_are_exact_and_rounded_half_away_from_zero() {
        let value = |cell: &str| parse(cell, NumberReading::POINT).0;
        assert_eq!(value("0.0000005"), Ok(1));
        assert_eq!(value("-0.0000005"), Ok(-1));
        assert_eq!(value("0.00000049999999999999999999999999999999999999"), Ok(0));
        assert_eq!(value("17.699999999999999289457264239899814128875732421875"), Ok(17_700_000));
        assert_eq!(value("9223372036854.775807"), Ok(i64::MAX));
        assert_eq!(value("9223372036854.775808"), Err(NumberFault::Range));
        assert_eq!(value("1e13"), Err(NumberFault::Range));
        assert_eq!(value("1E-3"), Ok(1_000));
        assert_eq!(value("5e-7"), Ok(1));
        assert_eq!(value("1e-9999"), Ok(0));
        assert_eq!(value("0e9999"), Ok(0));
        assert_eq!(value(&"9".repeat(60)), Err(NumberFault::Range));
        assert_eq!(value(&format!("{}1.5", "0".repeat(50))), Ok(1_500_000));
    }

    proptest! {
        /// The short way comes to what the long one does, wherever the cell stands.
        #[test]
        fn the_short_way_is_the_long_way(
            before in "[0-9,.-]{0,9}",
            cell in prop_oneof!["-?[0-9]{1,9}", "-?[0-9]{0,6}[.,][0-9]{0,7}", "[0-9.,e€ -]{0,10}"],
        ) {
            let text = format!("{before}{cell}");
            for reading in EITHER {
                if let Some((value, hint)) = parse_short(text.as_bytes(), before.len(), text.len(), reading) {
                    prop_assert_eq!(parse(&cell, reading), (Ok(value), hint));
                }
            }
        }
    }

    #[test]
    fn cells_of_machines_go_the_short_way() {
        for cell in ["0", "-5", "12345678", "65.95", "-0.5", ".25", "12.", "1.2345"] {
            assert!(parse_short(cell.as_bytes(), 0, cell.len(), NumberReading::POINT).is_some(), "{cell}");
        }
        for cell in ["", "-", ".", "1.234", "1,5", "123456789", "1.2.3", "0.1234567", "1e3", "+1"] {
            assert_eq!(parse_short(cell.as_bytes(), 0, cell.len(), NumberReading::POINT), None, "{cell}");
        }
    }

    #[test]
    fn a_stated_form_allows_its_own_groups_only() {
        let value = |cell: &str, form: &str| {
            let form = NumberFormat::ALL.into_iter().find(|known| known.label() == form).unwrap();
            parse(cell, form.reading()).0.ok()
        };
        assert_eq!(value("1.234,5", "1.234,56"), Some(1_234_500_000));
        assert_eq!(value("1.234", "1.234,56"), Some(1_234_000_000));
        assert_eq!(value("1.234", "1234,56"), None);
        assert_eq!(value("1.234", "1234.56"), Some(1_234_000));
        assert_eq!(value("1 234,5", "1.234,56"), None);
        assert_eq!(value("1 234,5", "1 234,56"), Some(1_234_500_000));
        assert_eq!(value("1'234.5", "1'234.56"), Some(1_234_500_000));
    }
}
