//! Matches returns to the sales they undo, within one customer.
//!
//! A return goes to sale lines of the same product dated on or before it, newest first, and takes as much of each as it still holds.
//! Returns are taken in the order of their own dates, so what is matched as of a day never depends on later lines.
//!
//! `O(n log n)` for `n` lines of a customer; nothing is done for a customer without returns.

use crate::table::{LineKind, NO_COST};

use super::purchase_days::NEVER;

/// One line of a customer, in the units of [`crate::table::Line`]; the derived order is chronological.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnLine {
    pub day: i32,
    pub millis: u32,
    pub order: u64,
    pub product: u32,
    pub kind: LineKind,
    pub quantity: i64,
    pub amount: i64,
    pub cost: i64,
    pub channel: u16,
    pub is_discounted: bool,
    /// First day on which this sale had been returned in full, or `NEVER`.
    pub gone_on: i32,
}

/// A change of money that a return or adjustment makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Correction {
    pub day: i32,
    pub known_on: i32,
    pub revenue: i64,
    pub cost: i64,
    pub product: u32,
}

/// What a sale line still holds.
#[derive(Debug, Clone, Copy)]
struct Left {
    quantity: i64,
    cost: i64,
}

/// How the returns of the base found their orders, for manifest and summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReturnCounts {
    /// Return lines of identified customers.
    pub lines: u64,
    /// An earlier sale line has the same quantity.
    pub exact: u64,
    /// Earlier sales cover the quantity only in parts or together.
    pub partly: u64,
    /// Earlier sales do not cover the quantity.
    pub no_order: u64,
    /// Lines of which some quantity found no sale that still held it.
    pub not_fully_matched: u64,
    /// Money of what found no order, minor units; it lowers revenue on its own day.
    pub unmatched_revenue: i128,
    /// Lines cancelled within their own order without a sale line beside them: left out altogether.
    pub void: u64,
}

impl ReturnCounts {
    /// Adds the counts of other customers.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.exact += other.exact;
        self.partly += other.partly;
        self.no_order += other.no_order;
        self.not_fully_matched += other.not_fully_matched;
        self.unmatched_revenue += other.unmatched_revenue;
        self.void += other.void;
    }
}

/// Matches the returns among chronologically sorted `lines`, marks the sales they undo, and lists what changes in money.
pub(super) fn match_returns(lines: &mut [OwnLine], corrections: &mut Vec<Correction>, counts: &mut ReturnCounts) {
    if lines.iter().all(|line| line.kind == LineKind::Sale) {
        return;
    }
    let product: Vec<u32> = lines.iter().map(|line| line.product).collect();
    let mut by_product: Vec<u32> = (0..lines.len() as u32).collect();
    by_product.sort_by_key(|ix| product[*ix as usize]);
    let mut left: Vec<Left> = lines.iter().map(|line| Left { quantity: line.quantity, cost: line.cost }).collect();
    for group in by_product.chunk_by(|a, b| product[*a as usize] == product[*b as usize]) {
        for (position, ix) in group.iter().enumerate() {
            let line = lines[*ix as usize];
            match line.kind {
                LineKind::Sale => {}
                LineKind::Adjustment => corrections.push(Correction {
                    day: line.day,
                    known_on: line.day,
                    revenue: line.amount,
                    // Money without goods costs nothing unless the export says so.
                    cost: if line.cost == NO_COST { 0 } else { line.cost },
                    product: line.product,
                }),
                LineKind::Return | LineKind::Cancelled => {
                    // Lines of the same moment stand in an arbitrary order: a sale of that moment counts as earlier.
                    let same_moment = group[position..]
                        .iter()
                        .take_while(|other| moment(&lines[**other as usize]) == moment(&line))
                        .count();
                    let earlier = &group[..position + same_moment];
                    undo(line, earlier, lines, &mut left, corrections, counts);
                }
            }
        }
    }
}

fn moment(line: &OwnLine) -> (i32, u32) {
    (line.day, line.millis)
}

/// Takes one return out of the `earlier` sales of its product, newest first.
fn undo(
    back: OwnLine,
    earlier: &[u32],
    lines: &mut [OwnLine],
    left: &mut [Left],
    corrections: &mut Vec<Correction>,
    counts: &mut ReturnCounts,
) {
    let same_order_only = back.kind == LineKind::Cancelled;
    let fits = |line: &OwnLine| line.kind == LineKind::Sale && (!same_order_only || line.order == back.order);
    let wanted = -back.quantity;
    let (mut exact, mut sold_before) = (false, 0);
    for ix in earlier {
        let sale = &lines[*ix as usize];
        if fits(sale) {
            exact |= sale.quantity == wanted;
            sold_before += sale.quantity;
        }
    }

    let mut open = wanted;
    let mut money_left = back.amount;
    let mut cost_left = back.cost;
    for ix in earlier.iter().rev() {
        let ix = *ix as usize;
        if open == 0 {
            break;
        }
        if !fits(&lines[ix]) || left[ix].quantity == 0 {
            continue;
        }
        let taken = open.min(left[ix].quantity);
        let revenue = share(money_left, taken, open);
        let cost = if cost_left != NO_COST {
            let cost = share(cost_left, taken, open);
            cost_left -= cost;
            cost
        } else if left[ix].cost != NO_COST {
            let cost = share(left[ix].cost, taken, left[ix].quantity);
            left[ix].cost -= cost;
            -cost
        } else {
            NO_COST
        };
        money_left -= revenue;
        open -= taken;
        left[ix].quantity -= taken;
        if left[ix].quantity == 0 {
            lines[ix].gone_on = back.day;
        }
        corrections.push(Correction { day: lines[ix].day, known_on: back.day, revenue, cost, product: back.product });
    }
    if same_order_only && open == wanted {
        counts.void += 1;
        return;
    }
    counts.lines += 1;
    if exact {
        counts.exact += 1;
    } else if sold_before >= wanted {
        counts.partly += 1;
    } else {
        counts.no_order += 1;
    }
    if open > 0 || wanted == 0 {
        counts.not_fully_matched += u64::from(open > 0);
        if !same_order_only {
            counts.unmatched_revenue += i128::from(money_left);
            corrections.push(Correction {
                day: back.day,
                known_on: back.day,
                revenue: money_left,
                cost: cost_left,
                product: back.product,
            });
        }
    }
}

/// Returns `whole × part / of`, rounded towards zero; the last part of a series takes what is left, so nothing is lost.
fn share(whole: i64, part: i64, of: i64) -> i64 {
    if part == of { whole } else { (i128::from(whole) * i128::from(part) / i128::from(of)) as i64 }
}

/// Returns the first day on which all of `sales` had been returned, or `NEVER`; the latest of their days.
pub(super) fn gone_on<'a>(sales: impl IntoIterator<Item = &'a OwnLine>) -> i32 {
    sales.into_iter().map(|sale| sale.gone_on).max().unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::NO_CHANNEL;

    fn sale(day: i32, quantity: i64, amount: i64) -> OwnLine {
        OwnLine {
            day,
            millis: 0,
            order: day as u64,
            product: 0,
            kind: LineKind::Sale,
            quantity,
            amount,
            cost: amount / 2,
            channel: NO_CHANNEL,
            is_discounted: false,
            gone_on: NEVER,
        }
    }

    fn back(day: i32, quantity: i64, amount: i64) -> OwnLine {
        OwnLine { kind: LineKind::Return, quantity: -quantity, amount: -amount, cost: NO_COST, ..sale(day, 0, 0) }
    }

    fn run(mut lines: Vec<OwnLine>) -> (Vec<i32>, Vec<(i32, i32, i64)>, ReturnCounts) {
        lines.sort_unstable();
        let (mut corrections, mut counts) = (Vec::new(), ReturnCounts::default());
        match_returns(&mut lines, &mut corrections, &mut counts);
        let gone = lines.iter().filter(|l| l.kind == LineKind::Sale).map(|l| l.gone_on).collect();
        (gone, corrections.iter().map(|c| (c.day, c.known_on, c.revenue)).collect(), counts)
    }

    #[test]
    fn a_return_takes_the_newest_order_first_and_splits_over_several() {
        let (gone, money, counts) = run(vec![sale(1, 2, 200), sale(5, 3, 300), back(9, 4, 400)]);
        assert_eq!(gone, [NEVER, 9]);
        assert_eq!(money, [(5, 9, -300), (1, 9, -100)]);
        assert_eq!((counts.exact, counts.partly, counts.no_order), (0, 1, 0));
    }

    #[test]
    fn what_finds_no_order_lowers_revenue_on_its_own_day() {
        let (gone, money, counts) = run(vec![back(3, 1, 100), sale(5, 1, 100)]);
        assert_eq!(gone, [NEVER]);
        assert_eq!(money, [(3, 3, -100)]);
        assert_eq!((counts.no_order, counts.unmatched_revenue), (1, -100));
    }

    #[test]
    fn a_sale_of_the_same_moment_counts_as_earlier() {
        let (gone, _, counts) = run(vec![back(5, 1, 100), sale(5, 1, 100)]);
        assert_eq!(gone, [5]);
        assert_eq!(counts.exact, 1);
    }

    #[test]
    fn a_second_return_finds_only_what_the_first_left() {
        let (gone, money, counts) = run(vec![sale(1, 2, 200), back(2, 1, 100), back(3, 2, 200)]);
        assert_eq!(gone, [3]);
        assert_eq!(money, [(1, 2, -100), (1, 3, -100), (3, 3, -100)]);
        assert_eq!((counts.lines, counts.not_fully_matched), (2, 1));
    }

    #[test]
    fn an_order_cancelled_in_place_is_void_and_never_touches_another_order() {
        let cancelled = OwnLine { kind: LineKind::Cancelled, order: 77, ..back(9, 1, 100) };
        let (gone, money, counts) = run(vec![sale(1, 1, 100), cancelled]);
        assert_eq!(gone, [NEVER]);
        assert!(money.is_empty());
        assert_eq!((counts.lines, counts.void), (0, 1));
    }

    #[test]
    fn returns_without_a_cost_of_their_own_give_back_all_of_the_sale() {
        let mut lines = vec![sale(1, 3, 2_000), back(2, 1, 600), back(3, 1, 700), back(4, 1, 700)];
        let (mut corrections, mut counts) = (Vec::new(), ReturnCounts::default());
        match_returns(&mut lines, &mut corrections, &mut counts);
        assert_eq!(corrections.iter().map(|c| c.cost).sum::<i64>(), -1_000);
    }

    #[test]
    fn no_money_is_lost_when_a_return_is_split() {
        let (_, money, _) = run(vec![sale(1, 1, 100), sale(2, 1, 100), sale(3, 1, 100), back(9, 3, 100)]);
        assert_eq!(money.iter().map(|(_, _, revenue)| revenue).sum::<i64>(), -100);
    }
}
