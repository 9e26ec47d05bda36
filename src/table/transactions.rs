//! Transaction lines as columns.

use super::Ids;

/// Marks a line whose cost is unknown.
pub const NO_COST: i64 = i64::MIN;

/// What a line is for the customer's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LineKind {
    /// Goods sold: positive quantity. Only these can make a purchase day.
    Sale,
    /// Goods that came back, to be matched to an earlier sale; quantity and amount are stored as zero or negative.
    Return,
    /// A cancelled order that its own status marks: matched only within its order, and void (no money) where nothing is found.
    Cancelled,
    /// Money without goods (credits, corrections): counts for revenue on its day, never for a purchase day.
    Adjustment,
}

/// Transaction lines, one entry a line in every non-empty column; the order of lines carries no meaning.
///
/// | column     | unit                                                            |
/// |------------|-----------------------------------------------------------------|
/// | `customer` | rank in `customer_ids`, or `NONE_IX` for a guest                |
/// | `order`    | dense number of the order, or `NONE_IX`: an order of its own     |
/// | `product`  | rank in `product_ids`, or `NONE_IX`                             |
/// | `day`      | days since 1970-01-01                                           |
/// | `millis`   | milliseconds of the day; empty where no export has a time       |
/// | `quantity` | thousandths of a piece                                          |
/// | `amount`   | minor units, net of tax                                         |
/// | `cost`     | minor units, or [`NO_COST`]; empty where no cost is known at all |
#[derive(Debug, Clone, Default)]
pub struct Transactions {
    pub customer: Vec<u32>,
    pub order: Vec<u32>,
    pub product: Vec<u32>,
    pub day: Vec<i32>,
    pub millis: Vec<u32>,
    pub quantity: Vec<i64>,
    pub amount: Vec<i64>,
    pub cost: Vec<i64>,
    pub kind: Vec<LineKind>,
    pub customer_ids: Ids,
    pub product_ids: Ids,
}

impl Transactions {
    /// Puts the lines of several parts behind each other, columns in parallel; ids are left for the caller to fill.
    pub fn concat(parts: &[Self]) -> Self {
        let mut all = Self::default();
        rayon::scope(|scope| {
            scope.spawn(|_| all.customer = gathered(parts, |part| &part.customer));
            scope.spawn(|_| all.order = gathered(parts, |part| &part.order));
            scope.spawn(|_| all.product = gathered(parts, |part| &part.product));
            scope.spawn(|_| all.day = gathered(parts, |part| &part.day));
            scope.spawn(|_| all.millis = gathered(parts, |part| &part.millis));
            scope.spawn(|_| all.quantity = gathered(parts, |part| &part.quantity));
            scope.spawn(|_| all.amount = gathered(parts, |part| &part.amount));
            scope.spawn(|_| all.cost = gathered(parts, |part| &part.cost));
            scope.spawn(|_| all.kind = gathered(parts, |part| &part.kind));
        });
        all
    }

    /// Returns the number of lines.
    pub fn len(&self) -> usize {
        self.day.len()
    }

    /// Says whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.day.is_empty()
    }

    /// Says whether costs are known for any line, so that margins can be computed.
    pub fn has_cost(&self) -> bool {
        !self.cost.is_empty()
    }
}

fn gathered<T: Copy>(parts: &[Transactions], column: impl Fn(&Transactions) -> &Vec<T>) -> Vec<T> {
    let mut all = Vec::with_capacity(parts.iter().map(|part| column(part).len()).sum());
    parts.iter().for_each(|part| all.extend_from_slice(column(part)));
    all
}
