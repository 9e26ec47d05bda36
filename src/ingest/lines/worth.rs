//! What a line is worth: exact money, one sign, one kind.
//!
//! Amount, or quantity × unit price as an exact integer product, rounded half away from zero to the minor unit. Cost comes from the cost
//! column, else from the margin, else from the unit cost of the line or of the product table.

use super::marks::Mark;
use super::store::Chunk;
use crate::ingest::NO_NUMBER;
use crate::ingest::packed::Numbers;
use crate::table::{LineKind, NO_COST};
use crate::units::QUANTITY_SCALE;

/// Millionths in one minor unit of money.
const MILLIONTHS_PER_MINOR: i64 = 10_000;

/// Millionths in one thousandth of a piece.
const MILLIONTHS_PER_THOUSANDTH: i64 = 1_000;

/// Largest amount (ten billion major units) and quantity (a billion pieces) of a line: sums of nine million of them fit 64 bits.
const MOST: i64 = 1_000_000_000_000;

/// The money columns of a chunk, in millionths; empty where not mapped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Money<'a> {
    pub quantity: &'a Numbers,
    pub unit_price: &'a Numbers,
    pub amount: &'a Numbers,
    pub cost: &'a Numbers,
    pub margin: &'a Numbers,
    pub unit_cost: &'a Numbers,
}

/// What one line is worth: thousandths of a piece and minor units, negative for what came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    pub quantity: i64,
    pub amount: i64,
    pub cost: i64,
    pub kind: LineKind,
}

impl Worth {
    /// Turns money into the currency of the results.
    pub fn convert(&mut self, rate: f64) {
        let convert = |minor: i64| (minor as f64 * rate).round() as i64;
        self.amount = convert(self.amount);
        if self.cost != NO_COST {
            self.cost = convert(self.cost);
        }
    }

    /// Says whether the numbers can be those of a line; sums of others could overflow.
    pub fn is_believable(&self) -> bool {
        let small = |value: i64| value == NO_COST || value.unsigned_abs() <= MOST.unsigned_abs();
        small(self.quantity) && small(self.amount) && small(self.cost)
    }
}

impl<'a> Money<'a> {
    pub fn of(chunk: &'a Chunk) -> Self {
        Self {
            quantity: chunk.numbers("quantity"),
            unit_price: chunk.numbers("unit_price"),
            amount: chunk.numbers("amount"),
            cost: chunk.numbers("cost"),
            margin: chunk.numbers("margin"),
            unit_cost: chunk.numbers("unit_cost"),
        }
    }

    /// Says whether a line has a negative quantity or amount.
    pub fn takes_back(&self, row: usize) -> bool {
        [self.quantity, self.amount].into_iter().any(|column| known(column.at(row)).is_some_and(|value| value < 0))
    }

    /// Says whether every line is believable by the largest numbers of the chunk alone; `listed_cost` is the largest unit cost in
    /// millionths.
    pub fn is_surely_believable(&self, listed_cost: u64) -> bool {
        // A line's quantity is rounded to thousandths before it is multiplied.
        let quantity = u128::from(self.quantity.largest().max(1_000_000)) + 500;
        let prices = [self.unit_price.largest(), self.unit_cost.largest(), listed_cost];
        let products = prices.map(|price| u128::from(price) * quantity / 1_000_000);
        let plain = [self.amount, self.cost, self.margin].map(|column| u128::from(column.largest()));
        // A margin is taken from an amount, and money may stand in for pieces.
        let money: u128 = products.iter().chain(&plain).sum();
        let most = u128::from(MOST.unsigned_abs());
        money / u128::from(MILLIONTHS_PER_MINOR.unsigned_abs()) < most
            && quantity / u128::from(MILLIONTHS_PER_THOUSANDTH.unsigned_abs()) < most
    }

    /// Works out one line; `listed_cost` is the product's unit cost in millionths, where a product table knows it, and
    /// `has_quantities` says whether any file has quantities.
    pub fn line(&self, row: usize, listed_cost: i64, mark: Mark, has_quantities: bool) -> Worth {
        let pieces = known(self.quantity.at(row)).map(|millionths| divided(millionths, MILLIONTHS_PER_THOUSANDTH));
        let amount = match known(self.amount.at(row)) {
            Some(millionths) => divided(millionths, MILLIONTHS_PER_MINOR),
            None => times(self.unit_price.at(row), pieces.unwrap_or(QUANTITY_SCALE)).unwrap_or(0),
        };
        let quantity = pieces.unwrap_or(match (!has_quantities, amount) {
            // Where no line has a quantity, the money itself is what a return takes from a sale.
            (true, 0) => 1,
            (true, amount) => amount,
            (false, amount) if amount < 0 => -QUANTITY_SCALE,
            (false, _) => QUANTITY_SCALE,
        });
        let kind = match mark {
            Mark::Return => LineKind::Return,
            Mark::Cancelled if quantity > 0 && amount >= 0 => LineKind::Cancelled,
            Mark::Cancelled => LineKind::Return,
            Mark::None if quantity < 0 => LineKind::Return,
            Mark::None if quantity > 0 && amount >= 0 => LineKind::Sale,
            Mark::None => LineKind::Adjustment,
        };
        let stated = known(self.cost.at(row)).map(|cost| divided(cost, MILLIONTHS_PER_MINOR)).or_else(|| {
            let margin = known(self.margin.at(row))?;
            Some(amount.saturating_sub(divided(margin, MILLIONTHS_PER_MINOR)))
        });
        // Money without goods has no unit that could have a cost.
        let units = pieces.filter(|_| kind != LineKind::Adjustment);
        let cost = stated.or_else(|| times(self.unit_cost.at(row), units?)).or_else(|| times(listed_cost, units?));
        let back = matches!(kind, LineKind::Return | LineKind::Cancelled);
        let signed = |value: i64| if back { -value.saturating_abs() } else { value };
        Worth { quantity: signed(quantity), amount: signed(amount), cost: cost.map_or(NO_COST, signed), kind }
    }
}

fn known(value: i64) -> Option<i64> {
    (value != NO_NUMBER).then_some(value)
}

/// Returns millionths × thousandths in minor units, where the price is known.
fn times(price: i64, thousandths: i64) -> Option<i64> {
    let price = known(price)?;
    Some(match price.checked_mul(thousandths) {
        Some(product) => divided(product, MILLIONTHS_PER_MINOR * QUANTITY_SCALE),
        None => {
            let product = i128::from(price) * i128::from(thousandths);
            let by = u128::from((MILLIONTHS_PER_MINOR * QUANTITY_SCALE).unsigned_abs());
            // What does not fit becomes too large to be believed.
            let quotient = i64::try_from((product.unsigned_abs() + by / 2) / by).unwrap_or(i64::MAX);
            if product < 0 { -quotient } else { quotient }
        }
    })
}

/// Divides and rounds half away from zero.
fn divided(value: i64, by: i64) -> i64 {
    let (magnitude, by) = (value.unsigned_abs(), by.unsigned_abs());
    let quotient = ((magnitude / by) + u64::from(magnitude % by >= by.div_ceil(2))) as i64;
    if value < 0 { -quotient } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Line {
        quantity: Option<f64>,
        unit_price: Option<f64>,
        amount: Option<f64>,
        margin: Option<f64>,
    }

    fn worth(line: &Line, mark: Mark, quantities: bool) -> Worth {
        let column =
            |value: Option<f64>| Numbers::pack(vec![value.map_or(NO_NUMBER, |value| (value * 1e6).round() as i64)]);
        let [quantity, unit_price, amount, margin] =
            [line.quantity, line.unit_price, line.amount, line.margin].map(column);
        let none = Numbers::pack(vec![]);
        let columns = Money {
            quantity: &quantity,
            unit_price: &unit_price,
            amount: &amount,
            margin: &margin,
            cost: &none,
            unit_cost: &none,
        };
        // A product that costs 4.00 a piece.
        columns.line(0, 4_000_000, mark, quantities)
    }

    fn check(line: &Line, mark: Mark, expected: (i64, i64, i64, LineKind)) {
        let worth = worth(line, mark, true);
        assert_eq!((worth.quantity, worth.amount, worth.cost, worth.kind), expected);
    }

    #[test]
    fn money_is_the_exact_product_rounded_half_away_from_zero() {
        let line =
            |quantity, unit_price| Line { quantity: Some(quantity), unit_price: Some(unit_price), ..Line::default() };
        check(&line(3.0, 0.115), Mark::None, (3_000, 35, 1_200, LineKind::Sale));
        check(&line(-3.0, 0.115), Mark::None, (-3_000, -35, -1_200, LineKind::Return));
        check(&line(1.0, 0.001), Mark::None, (1_000, 0, 400, LineKind::Sale));
    }

    #[test]
    fn a_mark_makes_a_return_whatever_the_sign() {
        let line = |amount| Line { quantity: Some(2.0), amount: Some(amount), margin: Some(4.0), ..Line::default() };
        check(&line(10.0), Mark::Return, (-2_000, -1_000, -600, LineKind::Return));
        check(&line(10.0), Mark::Cancelled, (-2_000, -1_000, -600, LineKind::Cancelled));
        check(&line(10.0), Mark::None, (2_000, 1_000, 600, LineKind::Sale));
        // Money that went back is never void.
        assert_eq!(worth(&line(-10.0), Mark::Cancelled, true).kind, LineKind::Return);
    }

    #[test]
    fn money_without_goods_is_an_adjustment_without_a_cost_of_goods() {
        let credit = Line { quantity: Some(1.0), amount: Some(-5.0), ..Line::default() };
        check(&credit, Mark::None, (1_000, -500, NO_COST, LineKind::Adjustment));
    }

    #[test]
    fn an_empty_quantity_is_one_piece_and_without_any_quantities_money_is_matched() {
        let line = |amount| Line { amount: Some(amount), ..Line::default() };
        check(&line(5.0), Mark::None, (1_000, 500, NO_COST, LineKind::Sale));
        check(&line(-5.0), Mark::None, (-1_000, -500, NO_COST, LineKind::Return));
        let without = |amount| worth(&line(amount), Mark::None, false);
        assert_eq!((without(5.0).quantity, without(5.0).kind), (500, LineKind::Sale));
        assert_eq!((without(-5.0).quantity, without(-5.0).kind), (-500, LineKind::Return));
        assert_eq!((without(0.0).quantity, without(0.0).kind), (1, LineKind::Sale));
    }

    #[test]
    fn what_cannot_be_a_line_is_not_believed() {
        let line = |quantity, price| Line { quantity: Some(quantity), unit_price: Some(price), ..Line::default() };
        assert!(worth(&line(1_000_000.0, 1_000.0), Mark::None, true).is_believable());
        assert!(!worth(&line(9_999_999.0, 9_999_999.0), Mark::None, true).is_believable());
        // A product beyond 64 bits is still rounded exactly.
        assert_eq!(worth(&line(999_999.0, 999_999.99), Mark::None, true).amount, 99_999_899_000_001);
    }
}
