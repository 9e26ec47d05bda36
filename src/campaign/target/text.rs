//! Text cells made fit for their reader: characters it cannot hold, length, formulas, words of yes and no.
//!
//! | step        | where a target asks for it                                                                     |
//! |-------------|------------------------------------------------------------------------------------------------|
//! | line breaks | a space instead of each                                                                          |
//! | four bytes  | characters beyond U+FFFF (emoji) are left out                                                    |
//! | formulas    | an apostrophe before a text that a spreadsheet would compute                                     |
//! | length      | cut at the last character that fits, in bytes of UTF-8                                           |
//!
//! A phone number (`+49 170 …`) or a negative number is no formula: only digits, spaces and `()/.,-` follow the sign. Every step counts
//! the cells that it changed. Sources: OWASP, "CSV Injection"; OWASP ASVS 4.0.3, 5.3.10; RFC 3629 (bytes of UTF-8).

use super::Target;

/// Cells that were changed on their way into the files of a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CellCounts {
    /// Cells that were longer than the target takes.
    pub cut: usize,
    /// Cells with characters that the target cannot hold.
    pub replaced: usize,
    /// Cells that a spreadsheet would have computed.
    pub guarded: usize,
    /// Phone numbers that could not be told for sure and are left empty.
    pub refused_phones: usize,
}

impl CellCounts {
    /// Adds the counts of other rows.
    pub fn add(&mut self, other: &Self) {
        self.cut += other.cut;
        self.replaced += other.replaced;
        self.guarded += other.guarded;
        self.refused_phones += other.refused_phones;
    }
}

/// Makes the text from `start` on fit for a target.
pub fn fit(line: &mut String, start: usize, target: &Target, counts: &mut CellCounts) {
    let text = &line[start..];
    if !target.line_breaks && text.contains(['\n', '\r']) || !target.four_byte_characters && has_four_bytes(text) {
        let kept = without_forbidden(text, target);
        line.truncate(start);
        line.push_str(&kept);
        counts.replaced += 1;
    }
    if target.guards_formulas && is_formula(&line[start..]) {
        line.insert(start, '\'');
        counts.guarded += 1;
    }
    if line.len() - start > target.max_cell_bytes {
        line.truncate(line.floor_char_boundary(start + target.max_cell_bytes));
        counts.cut += 1;
    }
}

fn has_four_bytes(text: &str) -> bool {
    text.bytes().any(|byte| byte >= 0xf0)
}

fn without_forbidden(text: &str, target: &Target) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // The two bytes of a Windows line end are one break.
            '\r' if !target.line_breaks && chars.peek() == Some(&'\n') => {}
            '\r' | '\n' if !target.line_breaks => kept.push(' '),
            // What joins emoji or colours them says nothing without them.
            '\u{200d}' | '\u{fe0f}' if !target.four_byte_characters && has_four_bytes(text) => {}
            c if !target.four_byte_characters && c.len_utf8() == 4 => {}
            c => kept.push(c),
        }
    }
    kept.trim().to_owned()
}

/// Says whether a spreadsheet would compute a text.
pub fn is_formula(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        // Full-width signs are signs to a spreadsheet in East Asian settings.
        Some('=' | '@' | '\t' | '\r' | '\n' | '\0' | '\u{ff1d}' | '\u{ff20}' | '\u{ff0b}' | '\u{ff0d}') => true,
        Some('+' | '-') => chars.any(|c| !matches!(c, '0'..='9' | ' ' | '(' | ')' | '/' | '.' | ',' | '-')),
        _ => false,
    }
}

/// Returns what a word of yes or no says; digits and single letters are left alone, they may mean something else.
pub fn yes_or_no(word: &str) -> Option<bool> {
    match word.trim().to_lowercase().as_str() {
        "yes" | "ja" | "true" | "wahr" => Some(true),
        "no" | "nein" | "false" | "falsch" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &Target, text: &str, expected: &str, counts: CellCounts) {
        let (mut line, mut found) = ("before;".to_owned(), CellCounts::default());
        line.push_str(text);
        fit(&mut line, 7, target, &mut found);
        assert_eq!((line.as_str(), found), (format!("before;{expected}").as_str(), counts), "{text:?}");
    }

    #[test]
    fn formulas_are_guarded_and_numbers_are_not() {
        for text in ["=1+1", "@SUM(A1)", "+1+cmd|' /C calc'!A0", "-2+3+cmd|x", "\t=1", "\r=1", "＝1", "- keine -"] {
            assert!(is_formula(text), "{text:?}");
        }
        for text in ["", "-", "-12,50", "+49 (0)170/123-4", "a=b", "'=1", "5 > 3", "−5"] {
            assert!(!is_formula(text), "{text:?}");
        }
        let target = Target::named("generic-de").unwrap();
        check(target, "=1+1", "'=1+1", CellCounts { guarded: 1, ..CellCounts::default() });
    }

    #[test]
    fn cells_are_cut_between_characters() {
        let target = &Target { max_cell_bytes: 5, ..*Target::named("generic-en").unwrap() };
        check(target, "abcde", "abcde", CellCounts::default());
        check(target, "abcdö", "abcd", CellCounts { cut: 1, ..CellCounts::default() });
        check(target, "ab😀c", "ab", CellCounts { cut: 1, ..CellCounts::default() });
        check(target, "=abcde", "'=abc", CellCounts { cut: 1, guarded: 1, ..CellCounts::default() });
    }

    #[test]
    fn characters_that_a_target_cannot_hold_go() {
        let target = Target::named("emarsys").unwrap();
        let replaced = CellCounts { replaced: 1, ..CellCounts::default() };
        check(target, "Grüße 😀!", "Grüße !", replaced);
        check(target, "🎁 Zoë 👩\u{200d}👧", "Zoë", replaced);
        check(target, "a\r\nb\nc", "a b c", replaced);
        check(target, "Ł€", "Ł€", CellCounts::default());
    }
}
