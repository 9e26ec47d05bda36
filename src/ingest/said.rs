//! Cells that say yes or no: by the words of the pipeline, or by those that exports use.
//!
//! | words of the pipeline | yes                    | no                      | neither         |
//! |-----------------------|------------------------|-------------------------|-----------------|
//! | given                 | one of them            | every other             | empty           |
//! | not given             | `1`, `yes`, `gekündigt`| `0`, `no`, `aktiv`      | everything else |

use super::cells::{self, FlagWord};

/// Words for a cancelled contract beside those of any flag.
const ENDED: [&str; 12] = [
    "cancelled",
    "canceled",
    "gekündigt",
    "gekuendigt",
    "churned",
    "churn",
    "terminated",
    "exited",
    "left",
    "expired",
    "beendet",
    "storniert",
];
/// Words for a running contract beside those of any flag.
const RUNS: [&str; 8] = ["active", "aktiv", "running", "laufend", "current", "retained", "stayed", "ungekündigt"];

/// Returns what a cell says, or nothing.
pub(super) fn said(cell: &str, yes: Option<&[String]>) -> Option<bool> {
    let cell = cells::trim(cell);
    if cell.is_empty() {
        return None;
    }
    if let Some(yes) = yes {
        return Some(yes.iter().any(|word| word == cell));
    }
    let lower = cell.to_lowercase();
    match cells::flag(cell) {
        FlagWord::Yes | FlagWord::Cross => Some(true),
        FlagWord::No => Some(false),
        FlagWord::Unknown if ENDED.contains(&lower.as_str()) => Some(true),
        FlagWord::Unknown if RUNS.contains(&lower.as_str()) => Some(false),
        FlagWord::Unknown => None,
    }
}

/// Returns the shapes of the first few different cells, for a message.
pub(super) fn shapes<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut shapes: Vec<String> = cells.take(1_000).map(cells::shape).collect();
    shapes.sort_unstable();
    shapes.dedup();
    shapes.truncate(3);
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_yes_or_no_or_nothing() {
        for (cell, expected) in [
            ("Yes", Some(true)),
            ("Gekündigt", Some(true)),
            (" aktiv", Some(false)),
            ("0", Some(false)),
            ("maybe", None),
            ("", None),
        ] {
            assert_eq!(said(cell, None), expected, "{cell}");
        }
        let yes = ["weg".to_owned()];
        assert_eq!(["weg", "da", ""].map(|cell| said(cell, Some(&yes))), [Some(true), Some(false), None]);
        assert_eq!(shapes(["no idea", "weg", "da!"].into_iter()), ["aa aaaa", "aa!", "aaa"]);
    }
}
