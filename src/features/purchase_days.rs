//! Customer × day, customer × order, and the money that came back, each as compressed rows.

/// Marks a day, order or item that was never returned in full.
pub const NEVER: i32 = i32::MAX;

/// Sales of a customer on a day; row `c` is `starts[c]..starts[c + 1]`, ascending by day.
///
/// Holds every day with a sale line. A day is a purchase day as of `d` while `gone_on > d`.
#[derive(Debug, Clone, Default)]
pub struct PurchaseDays {
    pub starts: Vec<usize>,
    /// Days since 1970-01-01.
    pub day: Vec<i32>,
    /// First day on which everything of this day had been returned, or `i32::MAX`.
    pub gone_on: Vec<i32>,
    /// Sale lines before returns, minor units.
    pub gross: Vec<i64>,
    /// Cost of the sale lines, minor units or `NO_COST`; empty where no cost is known at all.
    pub cost: Vec<i64>,
}

/// Orders of a customer; row `c` is `starts[c]..starts[c + 1]`, ascending by day.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    pub starts: Vec<usize>,
    /// Day of the order.
    pub day: Vec<i32>,
    /// First day on which the whole order had been returned, or `i32::MAX`.
    pub gone_on: Vec<i32>,
    /// Rank of the channel or `NO_CHANNEL`; empty where no channel is known at all.
    pub channel: Vec<u16>,
    /// Whether any line was sold at a discount; empty where the export does not tell.
    pub is_discounted: Vec<bool>,
}

/// Money events beside the sale lines; row `c` is `starts[c]..starts[c + 1]`.
#[derive(Debug, Clone, Default)]
pub struct Corrections {
    pub starts: Vec<usize>,
    /// Day whose revenue changes: that of the matched sale, or the event's own day where there is none.
    pub day: Vec<i32>,
    /// Day from which the event is known: its own date.
    pub known_on: Vec<i32>,
    /// Change of revenue, minor units, negative for returns.
    pub revenue: Vec<i64>,
    /// Change of cost, minor units or `NO_COST`; empty where no cost is known at all.
    pub cost: Vec<i64>,
}
