//! Which lines an order id or a status marks as cancelled.
//!
//! A status can say two things. The name of a document (`Gutschrift`, `credit note`) makes the line a return of something sold before. The
//! state of an order (`storniert`, `refunded`) says of the line itself that it did not last: it takes back its own order's sale, and
//! where the order has none beside it, nothing was sold.

use super::columns::Columns;
use crate::table::Ids;

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

/// Marks by order and by status.
pub(super) struct Marks<'a> {
    order: &'a [u32],
    cancelled_orders: Vec<bool>,
    status: &'a [u32],
    statuses: Vec<Mark>,
}

impl<'a> Marks<'a> {
    /// Finds the marks; `takes_back` says of a line whether its quantity or amount is negative.
    pub fn of(
        columns: &Columns<'a>,
        rules: &ReturnRules,
        takes_back: impl Fn(usize) -> bool,
        notes: &mut Vec<String>,
    ) -> Self {
        let (order, orders) = (columns.codes("order_id"), columns.ids("order_id"));
        let cancelled_orders = match &rules.order_prefixes {
            Some(prefixes) => orders.iter().map(|id| prefixes.iter().any(|prefix| id.starts_with(prefix))).collect(),
            None => recognised(order, orders, takes_back, notes),
        };
        let statuses = columns.ids("status").iter().map(|status| mark_of(status, rules.statuses.as_deref())).collect();
        Self { order, cancelled_orders, status: columns.codes("status"), statuses }
    }

    /// Returns what marks a row; the order id speaks first.
    pub fn mark(&self, row: usize) -> Mark {
        let order = self.order.get(row).and_then(|code| self.cancelled_orders.get(*code as usize));
        let status = self.status.get(row).and_then(|code| self.statuses.get(*code as usize));
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
fn recognised(order: &[u32], orders: &Ids, takes_back: impl Fn(usize) -> bool, notes: &mut Vec<String>) -> Vec<bool> {
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let marked: Vec<bool> = orders.iter().map(|id| id.strip_prefix('C').is_some_and(is_number)).collect();
    let n_plain = orders.iter().filter(|id| is_number(id)).count();
    let rows = || (0..order.len()).filter(|row| marked.get(order[*row] as usize).copied().unwrap_or(false));
    let n_marked = rows().count();
    if n_marked == 0 || n_plain * 2 < orders.len() || rows().filter(|row| takes_back(*row)).count() * 2 < n_marked {
        return vec![false; orders.len()];
    }
    notes.push(
        "order ids with `C` before a number are taken as cancellations; `[returns] order-prefixes` overrides this"
            .to_owned(),
    );
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_recognised(lines: &[(&str, bool)], expected: &[bool]) {
        let mut ids: Vec<&str> = lines.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let ids = Ids::from_sorted(ids);
        let order: Vec<u32> = lines.iter().map(|(id, _)| ids.position(id).unwrap()).collect();
        let marked = recognised(&order, &ids, |row| lines[row].1, &mut Vec::new());
        let found: Vec<bool> = order.iter().map(|code| marked[*code as usize]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_c_before_a_number_is_a_cancellation_where_such_lines_take_back() {
        check_recognised(&[("1", false), ("2", false), ("C3", true)], &[false, false, true]);
        // Orders of the call centre.
        check_recognised(&[("1", false), ("2", false), ("C3", false), ("C4", false)], &[false; 4]);
        // Every id starts so.
        check_recognised(&[("C1", true), ("C2", true)], &[false; 2]);
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
