//! A line of an order as the features read it.

/// Marks a line whose cost is unknown.
pub const NO_COST: i64 = i64::MIN;

/// Marks a line without an order: it is an order of its own.
pub const NO_ORDER: u64 = u64::MAX;

/// Marks a line or order whose channel is unknown.
pub const NO_CHANNEL: u16 = u16::MAX;

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

/// One transaction line; the order of lines carries no meaning. 56 bytes, held for a part of the customers at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Rank of the customer id, or `NONE_IX` for a guest.
    pub customer: u32,
    /// Rank of the product id, or `NONE_IX`.
    pub product: u32,
    /// Number of the order, or [`NO_ORDER`]; ascends like the order id in byte order.
    pub order: u64,
    /// Days since 1970-01-01.
    pub day: i32,
    /// Milliseconds of the day; 0 where the export has no time.
    pub millis: u32,
    /// Thousandths of a piece.
    pub quantity: i64,
    /// Minor units, net of tax.
    pub amount: i64,
    /// Minor units, or [`NO_COST`].
    pub cost: i64,
    pub kind: LineKind,
    /// Rank of the channel, or [`NO_CHANNEL`].
    pub channel: u16,
    /// Says whether it was sold at a discount.
    pub is_discounted: bool,
}
