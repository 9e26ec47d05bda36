//! Who is worth a contact: the break-even between what a contact costs and what it is expected to bring.
//!
//! ```text
//! expected profit = response × margin − contact cost          contacted while it is above zero
//! ```
//! Response and margin are numbers of the pipeline or columns of the scores, in minor units where they are money. A customer for whom one of them is
//! unknown is not contacted by a campaign that asks for profit: nothing says that the contact pays.

use crate::scores::frame::{Cells, Frame, FrameColumn, FrameError};
use crate::table::Values;
use crate::units::MONEY_SCALE;

/// A number, or the column that holds one for every customer.
#[derive(Debug, Clone, PartialEq)]
pub enum Estimate {
    /// A probability, or major currency units.
    Same(f64),
    Column(String),
}

/// What a campaign says about money.
#[derive(Debug, Clone, PartialEq)]
pub struct Economics {
    /// Cost of a contact, in minor units and parts of them: an e-mail costs less than a cent.
    pub contact_cost: f64,
    /// Probability that a contact leads to a purchase.
    pub response: Estimate,
    /// What a purchase leaves, before the cost of the contact.
    pub margin: Estimate,
}

/// Where the selection of a campaign ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cut {
    /// The lowest expected profit of who is contacted, in minor units.
    pub lowest: Option<f64>,
    /// Sum over who is contacted, in minor units.
    pub expected_profit: f64,
    /// Members whose expected profit is not above zero, or unknown.
    pub n_below: usize,
    pub n_unknown: usize,
}

impl Economics {
    /// Returns the column that stands for the probability of a response, and for how many rows it is none; nothing where it is one for all.
    ///
    /// # Errors
    /// Fails where the column does not exist or holds no numbers, which checking the pipeline rules out.
    pub fn no_probabilities(&self, members: &Frame<'_>) -> Result<Option<(String, usize)>, FrameError> {
        let Estimate::Column(column) = &self.response else { return Ok(None) };
        let response = reader(&self.response, members, 1.0)?;
        let is_none = |row: &usize| response(*row).is_some_and(|value| !(0.0..=1.0).contains(&value));
        let n = (0..members.height()).filter(is_none).count();
        Ok((n > 0).then(|| (column.clone(), n)))
    }

    /// Returns the expected profit of every row in minor units; nothing where an estimate is unknown.
    ///
    /// # Errors
    /// Fails where a column does not exist or holds no numbers, which checking the pipeline rules out.
    pub fn profits(&self, members: &Frame<'_>) -> Result<Vec<Option<f64>>, FrameError> {
        let response = reader(&self.response, members, 1.0)?;
        let margin = reader(&self.margin, members, MONEY_SCALE as f64)?;
        let cost = self.contact_cost;
        Ok((0..members.height()).map(|row| Some(response(row)? * margin(row)? - cost)).collect())
    }
}

type Reader<'f> = Box<dyn Fn(usize) -> Option<f64> + 'f>;

/// Returns what reads an estimate by row; `scale` is what one unit of the pipeline's number is worth.
fn reader<'f>(estimate: &Estimate, members: &'f Frame<'_>, scale: f64) -> Result<Reader<'f>, FrameError> {
    let name = match estimate {
        Estimate::Same(number) => {
            let number = number * scale;
            return Ok(Box::new(move |_| Some(number)));
        }
        Estimate::Column(name) => name,
    };
    let column: &FrameColumn<'_> = members.column(name)?;
    let Cells::Values(values) = &column.cells else { return Err(FrameError::NoColumn(name.clone())) };
    Ok(match values.as_ref() {
        Values::Number(values) => {
            Box::new(move |row| values.get(column.position(row)).filter(|value| value.is_finite()).map(|v| v * scale))
        }
        Values::Money(values) => Box::new(move |row| values.get(column.position(row)).map(|minor| minor as f64)),
        Values::Integer(values) => {
            Box::new(move |row| values.get(column.position(row)).map(|number| number as f64 * scale))
        }
        _ => return Err(FrameError::NoColumn(name.clone())),
    })
}

impl Cut {
    /// Counts the profit of a contact.
    pub fn count(&mut self, profit: f64) {
        self.lowest = Some(self.lowest.map_or(profit, |lowest| lowest.min(profit)));
        self.expected_profit += profit;
    }

    /// Takes a member into account; says whether the contact pays.
    pub fn take(&mut self, profit: Option<f64>) -> bool {
        match profit {
            Some(profit) if profit > 0.0 => {
                self.count(profit);
                true
            }
            Some(_) => {
                self.n_below += 1;
                false
            }
            None => {
                self.n_unknown += 1;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Ids};

    #[test]
    fn a_contact_pays_while_response_times_margin_is_above_its_cost() {
        let ids = Ids::from_sorted(["1", "2", "3", "4"]);
        let columns = [
            Column::new("p", Values::Number([Some(0.1), Some(0.02), None, Some(0.5)].into_iter().collect())),
            Column::new("m", Values::Money([Some(2_000), Some(5_000), Some(900), None].into_iter().collect())),
        ];
        let members = Frame::of_customers(&ids, &columns);
        let economics = |response, margin| Economics { contact_cost: 100.0, response, margin };
        let column = |name: &str| Estimate::Column(name.to_owned());
        let profits = economics(column("p"), column("m")).profits(&members).unwrap();
        assert_eq!(profits, [Some(100.0), Some(0.0), None, None]);
        let mut cut = Cut::default();
        let kept: Vec<bool> = profits.into_iter().map(|profit| cut.take(profit)).collect();
        assert_eq!(kept, [true, false, false, false]);
        assert_eq!(cut, Cut { lowest: Some(100.0), expected_profit: 100.0, n_below: 1, n_unknown: 2 });
        let same = economics(Estimate::Same(0.25), Estimate::Same(12.0)).profits(&members).unwrap();
        assert_eq!(same, [Some(200.0); 4]);
        assert_eq!(economics(column("p"), column("m")).no_probabilities(&members), Ok(None));
        let no_probability = economics(column("m"), column("m")).no_probabilities(&members);
        assert_eq!(no_probability, Ok(Some(("m".to_owned(), 3))));
        assert!(economics(column("nothing"), column("m")).profits(&members).is_err());
        assert!(economics(column("customer_id"), column("m")).profits(&members).is_err());
    }
}
