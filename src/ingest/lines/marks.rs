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

/// Lines by what their order ids look like.
#[derive(Debug, Clone, Copy, Default)]
struct Looks {
    with_order: u64,
    plain: u64,
    marked: u64,
    marked_and_back: u64,
}

impl Looks {
    /// Recognises `C` before a number as the mark of a cancellation: where most lines have a plain number for an order id, and most of
    /// the lines so marked take something back by themselves.
    fn say_cancelled(self) -> bool {
        self.marked > 0 && self.plain * 2 >= self.with_order && self.marked_and_back * 2 >= self.marked
    }
}

fn is_recognised(table: &LineTable) -> Result<bool, IngestError> {
    let looks = table.store.map(|_, chunk| {
        let ((codes, keys), money) = (chunk.orders(), Money::of(chunk));
        let mut id = String::new();
        let kinds: Vec<(bool, bool)> = keys
            .iter()
            .map(|key| {
                table.order_id(*key, &mut id);
                (is_number(&id), is_c_before_number(&id))
            })
            .collect();
        let mut looks = Looks::default();
        for (row, code) in codes.iter().enumerate() {
            let Some((plain, marked)) = kinds.get(*code as usize) else { continue };
            looks.with_order += 1;
            looks.plain += u64::from(*plain);
            looks.marked += u64::from(*marked);
            looks.marked_and_back += u64::from(*marked && money.takes_back(row));
        }
        looks
    })?;
    let all = looks.into_iter().fold(Looks::default(), |sum, of_chunk| Looks {
        with_order: sum.with_order + of_chunk.with_order,
        plain: sum.plain + of_chunk.plain,
        marked: sum.marked + of_chunk.marked,
        marked_and_back: sum.marked_and_back + of_chunk.marked_and_back,
    });
    Ok(all.say_cancelled())
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
    fn a_c_before_a_number_is_a_cancellation_where_such_lines_take_back() {
        let looks = |with_order, plain, marked, marked_and_back| Looks { with_order, plain, marked, marked_and_back };
        assert!(looks(3, 2, 1, 1).say_cancelled());
        // Orders of the call centre.
        assert!(!looks(4, 2, 2, 0).say_cancelled());
        // Every id starts so.
        assert!(!looks(2, 0, 2, 2).say_cancelled());
        assert!(!looks(2, 2, 0, 0).say_cancelled());
        assert!(is_c_before_number("C536379") && !is_c_before_number("C") && !is_c_before_number("CA-1"));
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
