//! Revenue, pieces and cost of each product; integer sums, so that they can be added in any order.

use super::build::Outline;
use super::returns::{Correction, OwnLine};
use crate::table::{LineKind, NO_COST};
use crate::units::NONE_IX;

/// One entry a product, minor units.
#[derive(Debug, Clone)]
pub(super) struct ProductSums {
    /// Sale lines before returns.
    pub gross: Vec<i64>,
    /// Thousandths of a piece on those lines.
    pub quantity: Vec<i64>,
    pub revenue: Vec<i64>,
    /// Empty where no cost is known at all.
    cost: Vec<i64>,
}

impl ProductSums {
    pub fn new(outline: &Outline) -> Self {
        let n = outline.product_ids.len();
        let cost = vec![0; if outline.has_cost { n } else { 0 }];
        Self { gross: vec![0; n], quantity: vec![0; n], revenue: vec![0; n], cost }
    }

    /// Adds the sales among the lines of a customer.
    pub fn add_sales(&mut self, lines: &[OwnLine]) {
        for line in lines.iter().filter(|line| line.kind == LineKind::Sale && line.product != NONE_IX) {
            self.gross[line.product as usize] += line.amount;
            self.quantity[line.product as usize] += line.quantity;
            self.change(line.product as usize, line.amount, line.cost);
        }
    }

    /// Adds what returns and adjustments changed.
    pub fn add_corrections(&mut self, corrections: &[Correction]) {
        for correction in corrections.iter().filter(|correction| correction.product != NONE_IX) {
            self.change(correction.product as usize, correction.revenue, correction.cost);
        }
    }

    /// Adds the sums of other customers.
    pub fn add(&mut self, other: &Self) {
        let add = |(mine, theirs): (&mut i64, &i64)| *mine += theirs;
        self.gross.iter_mut().zip(&other.gross).for_each(add);
        self.quantity.iter_mut().zip(&other.quantity).for_each(add);
        self.revenue.iter_mut().zip(&other.revenue).for_each(add);
        self.cost.iter_mut().zip(&other.cost).for_each(|(mine, theirs)| *mine = sum_known([*mine, *theirs]));
    }

    /// Returns revenue minus cost where every cost is known; empty where none is.
    pub fn margins(&self) -> Vec<Option<i64>> {
        let margin = |(revenue, cost): (&i64, &i64)| (*cost != NO_COST).then(|| revenue - cost);
        self.revenue.iter().zip(&self.cost).map(margin).collect()
    }

    fn change(&mut self, product: usize, revenue: i64, cost: i64) {
        self.revenue[product] += revenue;
        if let Some(sum) = self.cost.get_mut(product) {
            *sum = sum_known([*sum, cost]);
        }
    }
}

/// Sums costs; one unknown cost makes the sum unknown.
pub(super) fn sum_known(costs: impl IntoIterator<Item = i64>) -> i64 {
    costs.into_iter().fold(0, |sum, cost| if sum == NO_COST || cost == NO_COST { NO_COST } else { sum + cost })
}
