//! What a line is worth: exact money, one sign, one kind.
//!
//! Amount, or quantity × unit price as an exact integer product, rounded half away from zero to the minor unit. Cost comes from the cost
//! column, else from the margin, else from the unit cost of the line or of the product table.

use super::NO_NUMBER;
use super::columns::Columns;
use super::marks::Mark;
use crate::table::{LineKind, NO_COST};
use crate::units::QUANTITY_SCALE;

/// Millionths in one minor unit of money.
const MILLIONTHS_PER_MINOR: i64 = 10_000;

/// Millionths in one thousandth of a piece.
const MILLIONTHS_PER_THOUSANDTH: i64 = 1_000;

/// Largest amount (ten billion major units) and quantity (a billion pieces) of a line: sums of nine million of them fit 64 bits.
const MOST: i64 = 1_000_000_000_000;

/// The money columns of the export, in millionths; empty where not mapped.
pub(super) struct MoneyColumns<'a> {
    pub quantity: &'a [i64],
    pub unit_price: &'a [i64],
    pub amount: &'a [i64],
    pub cost: &'a [i64],
    pub margin: &'a [i64],
    pub unit_cost: &'a [i64],
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

impl<'a> MoneyColumns<'a> {
    pub fn of(columns: &Columns<'a>) -> Self {
        Self {
            quantity: columns.decimals("quantity"),
            unit_price: columns.decimals("unit_price"),
            amount: columns.decimals("amount"),
            cost: columns.decimals("cost"),
            margin: columns.decimals("margin"),
            unit_cost: columns.decimals("unit_cost"),
        }
    }

    /// Returns a number of a row, or [`NO_NUMBER`].
    pub fn at(column: &[i64], row: usize) -> i64 {
        column.get(row).copied().unwrap_or(NO_NUMBER)
    }

    /// Says whether any line may know its cost.
    pub fn knows_cost(&self) -> bool {
        !(self.cost.is_empty() && self.margin.is_empty() && self.unit_cost.is_empty())
    }

    /// Says whether a line has a negative quantity or amount.
    pub fn takes_back(&self, row: usize) -> bool {
        [self.quantity, self.amount]
            .into_iter()
            .any(|column| known(Self::at(column, row)).is_some_and(|value| value < 0))
    }

    /// Works out one line; `listed_cost` is the product's unit cost in millionths, where a product table knows it.
    pub fn line(&self, row: usize, listed_cost: i64, mark: Mark) -> Worth {
        let pieces =
            known(Self::at(self.quantity, row)).map(|millionths| rounded(millionths.into(), MILLIONTHS_PER_THOUSANDTH));
        let amount = match known(Self::at(self.amount, row)) {
            Some(millionths) => rounded(millionths.into(), MILLIONTHS_PER_MINOR),
            None => times(Self::at(self.unit_price, row), pieces.unwrap_or(QUANTITY_SCALE)).unwrap_or(0),
        };
        let quantity = pieces.unwrap_or(match (self.quantity.is_empty(), amount) {
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
        let stated =
            known(Self::at(self.cost, row)).map(|cost| rounded(cost.into(), MILLIONTHS_PER_MINOR)).or_else(|| {
                let margin = known(Self::at(self.margin, row))?;
                Some(amount.saturating_sub(rounded(margin.into(), MILLIONTHS_PER_MINOR)))
            });
        // Money without goods has no unit that could have a cost.
        let units = pieces.filter(|_| kind != LineKind::Adjustment);
        let cost =
            stated.or_else(|| times(Self::at(self.unit_cost, row), units?)).or_else(|| times(listed_cost, units?));
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
    let product = i128::from(known(price)?) * i128::from(thousandths);
    Some(rounded(product, MILLIONTHS_PER_MINOR * QUANTITY_SCALE))
}

/// Divides and rounds half away from zero; what does not fit becomes too large to be believed.
fn rounded(value: i128, by: i64) -> i64 {
    let (magnitude, by) = (value.unsigned_abs(), u128::from(by.unsigned_abs()));
    let quotient = i64::try_from((magnitude + by / 2) / by).unwrap_or(i64::MAX);
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
        let column = |value: Option<f64>| vec![value.map_or(NO_NUMBER, |value| (value * 1e6).round() as i64)];
        let [quantity, unit_price, amount, margin] =
            [line.quantity, line.unit_price, line.amount, line.margin].map(column);
        let columns = MoneyColumns {
            quantity: if quantities { &quantity } else { &[] },
            unit_price: &unit_price,
            amount: &amount,
            margin: &margin,
            cost: &[],
            unit_cost: &[],
        };
        // A product that costs 4.00 a piece.
        columns.line(0, 4_000_000, mark)
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
    }
}
