//! Words of the pipeline: what they stand for declares them itself, here they are paired with it.

use crate::ingest::DateFormat;

/// Pairs each value with its word.
pub(super) fn words<T: Copy, const N: usize>(all: [T; N], label: fn(T) -> &'static str) -> [(&'static str, T); N] {
    all.map(|value| (label(value), value))
}

/// Pairs date formats with their words; one with a two-digit year is the same as that with four: each is read where it stands.
pub(super) fn date_formats() -> Vec<(&'static str, DateFormat)> {
    let full = words(DateFormat::STATED, DateFormat::label);
    let short =
        full.iter().filter(|(word, _)| word.ends_with("yyyy")).map(|(word, format)| (&word[..word.len() - 2], *format));
    full.iter().copied().chain(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_may_have_two_digits_where_they_stand_last() {
        let found: Vec<_> = date_formats().into_iter().skip(DateFormat::STATED.len()).collect();
        let expected = [
            ("dd.mm.yy", DateFormat::DotDayFirst),
            ("dd/mm/yy", DateFormat::SlashDayFirst),
            ("mm/dd/yy", DateFormat::SlashMonthFirst),
            ("dd-mm-yy", DateFormat::DashDayFirst),
            ("mm-dd-yy", DateFormat::DashMonthFirst),
        ];
        assert_eq!(found, expected);
    }
}
