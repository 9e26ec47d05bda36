//! How a line was sold: through which channel, and whether at a discount.
//!
//! A discount may be an amount, a share, a percentage or the name of a voucher: what matters is that there is one. A cell says so where it holds a
//! digit other than nought, or a word that is no denial. Channels are ranked by their names; a column with more than
//! [`MOST_CHANNELS`] of them is something else and is not read.

use super::read::LineTable;
use super::store::Chunk;
use crate::ingest::packed::code;
use crate::table::{Ids, NO_CHANNEL};

/// More distinct texts than a company has channels.
pub(super) const MOST_CHANNELS: usize = 1_000;

const DENIALS: [&str; 11] = ["no", "none", "nein", "kein", "keiner", "keine", "ohne", "false", "n/a", "null", "nan"];

/// What the texts of the two columns mean, by their numbers.
pub(super) struct Terms {
    channel_rank: Vec<u16>,
    is_discount: Vec<bool>,
}

impl Terms {
    /// Looks at the texts; returns the names of the channels as well.
    pub fn of(table: &LineTable, notes: &mut Vec<String>) -> (Self, Ids) {
        let mut found = Self { channel_rank: Vec::new(), is_discount: Vec::new() };
        let mut channels = Ids::default();
        if let Some(texts) = table.interners.get("channel") {
            let n = texts.numbers().count();
            if n > MOST_CHANNELS {
                notes.push(format!("channel: {n} different texts are no channels; the column is not read"));
            } else {
                let (ids, ranks) = texts.ranks(|_| true);
                found.channel_rank = ranks.iter().map(|rank| u16::try_from(*rank).unwrap_or(NO_CHANNEL)).collect();
                channels = ids;
            }
        }
        if let Some(texts) = table.interners.get("discount") {
            found.is_discount = vec![false; texts.bound()];
            texts.numbers().for_each(|number| found.is_discount[number as usize] = is_discount(texts.get(number)));
        }
        (found, channels)
    }

    /// Returns channel and discount of the lines of a chunk.
    pub fn of_chunk<'c>(&'c self, chunk: &'c Chunk) -> impl Fn(usize) -> (u16, bool) + use<'c> {
        let (channel, discount) = (chunk.codes("channel"), chunk.codes("discount"));
        move |row| {
            let rank = self.channel_rank.get(code(channel, row) as usize).copied();
            let is_discounted = self.is_discount.get(code(discount, row) as usize).copied();
            (rank.unwrap_or(NO_CHANNEL), is_discounted.unwrap_or(false))
        }
    }
}

/// Says whether a text means that there was a discount.
fn is_discount(text: &str) -> bool {
    let text = text.trim();
    if text.bytes().any(|byte| byte.is_ascii_digit()) {
        return text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    }
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    text.chars().any(char::is_alphabetic) && !DENIALS.contains(&first.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discount_is_a_number_or_a_word_that_says_so() {
        for some in ["10%", "0.2", "-4,50", "15 %", "ja", "SOMMER", "Rabatt 0 auf 5"] {
            assert!(is_discount(some), "{some}");
        }
        for none in ["", "0", "0,00 €", "0%", "-", "nein", "None", "0.0", "kein Rabatt", "no discount", "NaN"] {
            assert!(!is_discount(none), "{none}");
        }
    }
}
