//! Cells before they have a type: trimming, what counts as empty, ids, flags, and shapes that may be shown.

/// Characters of a shape that are shown.
const SHAPE_CHARS: usize = 24;

/// Trims white space of every kind from both ends; cells without any, nearly all, cost two comparisons.
pub(super) fn trim(cell: &str) -> &str {
    match cell.as_bytes() {
        [] => cell,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => cell.trim(),
    }
}

/// Says whether a trimmed cell is empty or holds a word that databases and spreadsheets write for it.
pub(super) fn is_empty(cell: &str) -> bool {
    match cell.as_bytes().first() {
        None => true,
        Some(b'N' | b'n' | b'\\' | b'#' | b'<') => matches!(
            cell,
            "NULL" | "null" | "NaN" | "nan" | "NaT" | "None" | "n/a" | "N/A" | "#N/A" | "#NV" | "\\N" | "<NA>"
        ),
        _ => false,
    }
}

/// Says whether a cell has nothing to trim and is sure not to be empty.
#[inline(always)]
pub(super) fn is_plain(cell: &[u8]) -> bool {
    match cell {
        [] => false,
        [b'N' | b'n' | b'\\' | b'#' | b'<', ..] => false,
        [first, ..] => first.is_ascii_graphic() && cell.last().is_some_and(u8::is_ascii_graphic),
    }
}

/// Returns an id as it is kept: an integral float loses its `.0`, everything else stays.
pub(super) fn id(cell: &str) -> &str {
    match cell.strip_suffix(".0") {
        Some(whole) if is_plain_integer(whole) => whole,
        _ => cell,
    }
}

/// Says whether a text is an integer as a machine prints it, without leading zeros.
fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// What a cell of a flag column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlagWord {
    No,
    Yes,
    /// A cross, beside which an empty cell means no.
    Cross,
    Unknown,
}

/// Reads a trimmed, non-empty cell of a flag column.
pub(super) fn flag(cell: &str) -> FlagWord {
    const YES: [&str; 10] = ["1", "yes", "ja", "true", "y", "j", "t", "wahr", "subscribed", "1.0"];
    const NO: [&str; 10] = ["0", "no", "nein", "false", "n", "f", "falsch", "unsubscribed", "0.0", "-"];
    let is_one_of = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    if cell.eq_ignore_ascii_case("x") {
        FlagWord::Cross
    } else if is_one_of(&YES) {
        FlagWord::Yes
    } else if is_one_of(&NO) {
        FlagWord::No
    } else {
        FlagWord::Unknown
    }
}

/// Returns the shape of a cell, which may be shown where the cell may not: digits become `9`, letters `a`.
pub(super) fn shape(cell: &str) -> String {
    let shown = |c: char| match c {
        _ if c.is_numeric() => '9',
        _ if c.is_alphabetic() => 'a',
        _ if c.is_whitespace() => ' ',
        _ if c.is_control() || c == '`' => '?',
        _ => c,
    };
    let mut shape: String = cell.chars().take(SHAPE_CHARS).map(shown).collect();
    if cell.chars().nth(SHAPE_CHARS).is_some() {
        shape.push('…');
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_of_every_kind_is_trimmed() {
        for cell in ["ab", " ab", "ab\t", "\u{a0}ab\u{202f}", "  ab  "] {
            assert_eq!(trim(cell), "ab");
        }
        assert_eq!(trim("ä"), "ä");
        assert_eq!(trim(" "), "");
    }

    #[test]
    fn a_plain_cell_is_neither_trimmed_nor_empty() {
        for cell in ["", " a", "a ", "ä", "NULL", "\\N", "#NV", "<NA>", "nan", "\ta", "\u{a0}a"] {
            assert!(!is_plain(cell.as_bytes()), "{cell:?}");
        }
        for cell in ["0", "a", "7 8", "-"] {
            assert!(is_plain(cell.as_bytes()) && trim(cell) == cell && !is_empty(cell), "{cell:?}");
        }
    }

    #[test]
    fn words_for_nothing_are_empty() {
        for cell in ["", "NULL", "NaN", "nan", "None", "n/a", "\\N"] {
            assert!(is_empty(cell), "{cell:?}");
        }
        for cell in ["0", "Nan", "NA", "N", "Null & Nichtig"] {
            assert!(!is_empty(cell), "{cell:?}");
        }
    }

    #[test]
    fn ids_lose_the_zero_of_a_float_and_nothing_else() {
        for (cell, expected) in [
            ("17850.0", "17850"),
            ("-5.0", "-5"),
            ("0.0", "0"),
            ("00012.0", "00012.0"),
            ("00012", "00012"),
            ("1.00", "1.00"),
            ("a.0", "a.0"),
            (".0", ".0"),
        ] {
            assert_eq!(id(cell), expected);
        }
    }

    #[test]
    fn flags_are_read_in_english_and_german() {
        for cell in ["1", "yes", "JA", "True", "wahr", "y", "J", "subscribed"] {
            assert_eq!(flag(cell), FlagWord::Yes, "{cell:?}");
        }
        for cell in ["0", "No", "nein", "FALSE", "Falsch", "n", "Unsubscribed"] {
            assert_eq!(flag(cell), FlagWord::No, "{cell:?}");
        }
        assert_eq!(flag("X"), FlagWord::Cross);
        assert_eq!(flag("pending"), FlagWord::Unknown);
    }

    #[test]
    fn shapes_hide_what_is_written() {
        assert_eq!(shape("1.234,56 €"), "9.999,99 €");
        assert_eq!(shape("Müller, Hans"), "aaaaaa, aaaa");
        assert_eq!(shape(&"1".repeat(30)), format!("{}…", "9".repeat(24)));
    }
}
