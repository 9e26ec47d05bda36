//! Which lines an order id or a status marks as cancelled.
//!
//! A status can say two things. The name of a document (`Gutschrift`, `credit note`) makes the line a return of something sold before. The
//! state of an order (`storniert`, `refunded`) says of the line itself that it did not last: it takes back its own order's sale, and
//! where the order has none beside it, nothing was sold.

use super::read::LineTable;
use super::store::Chunk;
use super::worth::Money;
use crate::ingest::IngestError;
use crate::ingest::packed::code;

/// How the pipeline says that cancellations are marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnRules {
    /// Starts of order ids that mark a cancellation; recognised where not given.
    pub order_prefixes: Option<Vec<String>>,
    /// Statuses that mark a cancellation; a built-in list where not given.
    pub statuses: Option<Vec<String>>,
}

/// What marks a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    /// The line is a return of an earlier sale.
    Return,
    /// The line's own order was cancelled.
    Cancelled,
}

/// Documents that take goods or money back, in German and English exports, in lower case.
const DOCUMENTS: [&str; 8] =
    ["gutschrift", "storno", "stornorechnung", "retoure", "rückgabe", "return", "refund", "credit note"];

/// States of an order that did not last.
const STATES: [&str; 9] =
    ["storniert", "retourniert", "erstattet", "widerrufen", "cancelled", "canceled", "returned", "refunded", "void"];

/// Which orders and statuses mark a line.
pub(super) struct Marks<'a> {
    prefixes: Prefixes<'a>,
    /// By number of the status.
    statuses: Vec<Mark>,
}

/// Starts of order ids that mark a cancellation.
enum Prefixes<'a> {
    None,
    Stated(&'a [String]),
    /// `C` before a number.
    Recognised,
}

impl<'a> Marks<'a> {
    /// Finds the marks.
    ///
    /// # Errors
    /// Fails where lines on disk cannot be read.
    pub fn of(table: &LineTable, rules: &'a ReturnRules, notes: &mut Vec<String>) -> Result<Self, IngestError> {
        let prefixes = match &rules.order_prefixes {
            Some(prefixes) if prefixes.is_empty() => Prefixes::None,
            Some(prefixes) => Prefixes::Stated(prefixes),
            None if is_recognised(table)? => {
                notes.push(
                    "order ids with `C` before a number are taken as cancellations; `[returns] order-prefixes` overrides this"
                        .to_owned(),
                );
                Prefixes::Recognised
            }
            None => Prefixes::None,
        };
        let statuses = table.interners.get("status").map_or_else(Vec::new, |statuses| {
            let mut marks = vec![Mark::None; statuses.bound()];
            for number in statuses.numbers() {
                marks[number as usize] = mark_of(statuses.get(number), rules.statuses.as_deref());
            }
            marks
        });
        Ok(Self { prefixes, statuses })
    }

    /// Looks up the marks of a chunk of the table.
    pub fn of_chunk<'c>(&'c self, table: &LineTable, chunk: &'c Chunk) -> ChunkMarks<'c> {
        let (order, keys) = chunk.orders();
        let mut id = String::new();
        let mut is_marked = |key: &u64, marks: &dyn Fn(&str) -> bool| {
            table.order_id(*key, &mut id);
            marks(&id)
        };
        let cancelled = match self.prefixes {
            Prefixes::None => Vec::new(),
            Prefixes::Stated(prefixes) => {
                let marks = |id: &str| prefixes.iter().any(|prefix| id.starts_with(prefix));
                keys.iter().map(|key| is_marked(key, &marks)).collect()
            }
            Prefixes::Recognised => keys.iter().map(|key| is_marked(key, &is_c_before_number)).collect(),
        };
        ChunkMarks { order, cancelled, status: chunk.codes("status"), statuses: &self.statuses }
    }
}

/// What marks the lines of one chunk.
pub(super) struct ChunkMarks<'a> {
    order: &'a [u32],
    /// By number of the order in the chunk; empty where no order id marks anything.
    cancelled: Vec<bool>,
    status: &'a [u32],
    statuses: &'a [Mark],
}

impl ChunkMarks<'_> {
    /// Returns what marks a line; the order id speaks first.
    pub fn mark(&self, row: usize) -> Mark {
        let order = self.cancelled.get(code(self.order, row) as usize);
        let status = self.statuses.get(code(self.status, row) as usize);
        match (order, status) {
            (Some(true), _) => Mark::Return,
            (_, Some(mark)) => *mark,
            _ => Mark::None,
        }
    }
}

fn mark_of(status: &str, stated: Option<&[String]>) -> Mark {
    let status = status.to_lowercase();
    let is_stated = stated.map(|stated| stated.iter().any(|word| word.to_lowercase() == status));
    if is_stated == Some(false) {
        Mark::None
    } else if STATES.contains(&status.as_str()) {
        Mark::Cancelled
    } else if is_stated == Some(true) || DOCUMENTS.contains(&status.as_str()) {
        Mark::Return
    } else {
        Mark::None
    }
}

/// Recognises `C` before a number as the mark of a cancellation: where most order ids are plain numbers, and most of the lines so
/// marked take something back by themselves.
fn is_recognised(table: &LineTable) -> Result<bool, IngestError> {
    let lines = table.store.map(|_, chunk| {
        let ((codes, keys), money) = (chunk.orders(), Money::of(chunk));
        let mut id = String::new();
        let mut is_marked = |key: &u64| {
            table.order_id(*key, &mut id);
            is_c_before_number(&id)
        };
        let marked: Vec<bool> = keys.iter().map(&mut is_marked).collect();
        let rows = (0..codes.len()).filter(|row| marked.get(codes[*row] as usize).copied().unwrap_or(false));
        rows.fold((0_u64, 0_u64), |(n, back), row| (n + 1, back + u64::from(money.takes_back(row))))
    })?;
    let (n_marked, n_back) = lines.into_iter().fold((0, 0), |sum, of_chunk| (sum.0 + of_chunk.0, sum.1 + of_chunk.1));
    // Orders are only counted where it depends on them.
    if n_marked == 0 || n_back * 2 < n_marked {
        return Ok(false);
    }
    let mut keys = table.store.map(|_, chunk| chunk.orders().1.to_vec())?.concat();
    keys.sort_unstable();
    keys.dedup();
    let mut id = String::new();
    let is_plain = |key: &&u64| {
        table.order_id(**key, &mut id);
        is_number(&id)
    };
    let n_orders = keys.len();
    Ok(keys.iter().filter(is_plain).count() * 2 >= n_orders)
}

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_c_before_number(id: &str) -> bool {
    id.strip_prefix('C').is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_c_stands_before_a_number_and_nothing_else() {
        for (id, expected) in [("C536379", true), ("C", false), ("CA-1", false), ("c1", false), ("1C", false)] {
            assert_eq!(is_c_before_number(id), expected, "{id}");
        }
    }

    #[test]
    fn documents_are_returns_and_states_cancel_their_own_order() {
        for (status, stated, expected) in [
            ("Gutschrift", None, Mark::Return),
            ("Storniert", None, Mark::Cancelled),
            ("bezahlt", None, Mark::None),
            ("ungültig", Some(["Ungültig".to_owned()]), Mark::Return),
            ("storniert", Some(["Storniert".to_owned()]), Mark::Cancelled),
            ("storniert", Some(["ungültig".to_owned()]), Mark::None),
        ] {
            assert_eq!(mark_of(status, stated.as_ref().map(|words| words.as_slice())), expected, "{status}");
        }
    }
}
