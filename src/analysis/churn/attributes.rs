//! Customer attributes as columns: numbers as they are, texts by level, dates as days before the eve of a cut.
//!
//! Attributes stand as they do in the export of today. A date from the cut on was not known then: it is missing, and where that is so of more than
//! one in a hundred the attribute was written after the fact and is not read at all, see [`Attribute::share_after`].
//!
//! | kind   | columns                    | missing                       |
//! |--------|----------------------------|-------------------------------|
//! | number | one                        | no number                     |
//! | text   | see [`super::encoding`]    | a level of its own            |
//! | date   | one, days, from 0          | no date, or one after the eve |
//!
//! An attribute is a reason only where its value goes with more lost customers among those who were learnt from: a level by its own share of them, a
//! number or date by the side of the median on which most of them lie.

use super::encoding::{self, Encoding};
use super::observed::Observed;
use super::reasons::Reason;
use super::sample::Matrix;
use crate::maths::quantile::quantile;
use crate::table::{Nullable, Values};
use crate::units::Day;

/// Values of an attribute, one a customer.
#[derive(Debug)]
pub enum Attribute<'a> {
    Number(&'a Nullable<f64>),
    Date(&'a Nullable<i32>),
    Text { codes: &'a [u32], labels: &'a [String], encoding: Encoding },
}

/// Which values go with more lost customers.
#[derive(Debug, Clone, PartialEq)]
pub enum Speaks {
    Nothing,
    Above(f64),
    Below(f64),
    /// Of each text of the attribute.
    Levels(Vec<bool>),
}

impl<'a> Attribute<'a> {
    /// Reads a column; levels are those of the customers who are learnt from.
    pub fn new(values: &'a Values, customers: &[(u32, u8)]) -> Option<Self> {
        match values {
            Values::Number(values) => Some(Self::Number(values)),
            Values::Date(values) => Some(Self::Date(values)),
            Values::Text { codes, labels } => {
                let cells: Vec<&str> =
                    customers.iter().map(|(customer, _)| text(codes, labels, *customer as usize)).collect();
                Some(Self::Text { codes, labels, encoding: Encoding::new(&cells, encoding::Params::default()) })
            }
            Values::Integer(_) | Values::Money(_) => None,
        }
    }

    /// Returns the number of columns.
    pub fn n_columns(&self) -> usize {
        match self {
            Self::Number(_) | Self::Date(_) => 1,
            Self::Text { encoding, .. } => encoding.indicators().len(),
        }
    }

    /// Adds the columns of some customers on the eve of a cut.
    pub fn push(&self, customers: &[u32], eve: Day, matrix: &mut Matrix) {
        match self {
            Self::Text { codes, labels, encoding } => {
                let cells: Vec<&str> = customers.iter().map(|ix| text(codes, labels, *ix as usize)).collect();
                encoding.push(&cells, matrix);
            }
            _ => matrix.push(customers.iter().map(|customer| self.number(*customer, eve))),
        }
    }

    /// Returns the share of the customers with a date whose date lies on the eve of the cut or later; nothing where none has one.
    ///
    /// The first purchase lies before the cut: what is dated after it of many was written later.
    pub fn share_after(&self, customers: &[u32], eve: Day) -> Option<f64> {
        let Self::Date(days) = self else { return None };
        let known = || customers.iter().filter_map(|customer| days.get(*customer as usize));
        let n = known().count();
        (n > 0).then(|| known().filter(|day| *day > eve.0).count() as f64 / n as f64)
    }

    /// Finds which values go with more lost customers.
    pub fn speaks(&self, observed: &Observed) -> Speaks {
        let rows = || observed.customers.iter().zip(&observed.label);
        let base_rate = observed.base_rate();
        if let Self::Text { codes, labels, .. } = self {
            let mut seen = vec![[0_u32; 2]; labels.len()];
            for (customer, lost) in rows() {
                if let Some(counts) = seen.get_mut(codes[*customer as usize] as usize) {
                    counts[usize::from(*lost)] += 1;
                }
            }
            let is_worse = |[kept, lost]: &[u32; 2]| f64::from(*lost) > base_rate * f64::from(kept + lost);
            return Speaks::Levels(seen.iter().map(is_worse).collect());
        }
        let eve = Day(observed.cut.0 - 1);
        let known = rows().filter_map(|(customer, lost)| Some((self.number(*customer, eve)?, *lost)));
        let mut known: Vec<(f64, bool)> = known.collect();
        known.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let values: Vec<f64> = known.iter().map(|(value, _)| *value).collect();
        let Some(median) = quantile(&values, 0.5) else { return Speaks::Nothing };
        let rate = |side: &dyn Fn(f64) -> bool| {
            let lost: Vec<bool> = known.iter().filter(|(value, _)| side(*value)).map(|(_, lost)| *lost).collect();
            lost.iter().filter(|lost| **lost).count() as f64 / lost.len().max(1) as f64
        };
        let (below, above) = (rate(&|value| value < median), rate(&|value| value > median));
        if above > below { Speaks::Above(median) } else { Speaks::Below(median) }
    }

    /// Returns what the attribute says of a customer, where it speaks for a higher risk; `at` is its position.
    pub fn reason(&self, at: u16, customer: u32, eve: Day, speaks: &Speaks) -> Option<Reason> {
        if let Self::Text { codes, .. } = self {
            let code = *codes.get(customer as usize)?;
            let is_worse = matches!(speaks, Speaks::Levels(levels) if levels.get(code as usize) == Some(&true));
            return is_worse.then_some(Reason::Text { attribute: at, code });
        }
        let value = self.number(customer, eve)?;
        let speaks = match *speaks {
            Speaks::Above(median) => value > median,
            Speaks::Below(median) => value < median,
            Speaks::Nothing | Speaks::Levels(_) => false,
        };
        speaks.then(|| match self {
            Self::Date(_) => Reason::Date { attribute: at, day: eve.0 - value as i32 },
            _ => Reason::Number { attribute: at, hundredths: (100.0 * value).round() as i64 },
        })
    }

    /// Returns the texts of the attribute.
    pub fn labels(&self) -> &'a [String] {
        match self {
            Self::Text { labels, .. } => labels,
            Self::Number(_) | Self::Date(_) => &[],
        }
    }

    fn number(&self, customer: u32, eve: Day) -> Option<f64> {
        match self {
            Self::Number(values) => values.get(customer as usize),
            Self::Date(days) => {
                days.get(customer as usize).filter(|day| *day <= eve.0).map(|day| f64::from(eve.0 - day))
            }
            Self::Text { .. } => None,
        }
    }
}

/// Text of a customer; blank where there is none.
fn text<'a>(codes: &[u32], labels: &'a [String], customer: usize) -> &'a str {
    codes.get(customer).and_then(|code| labels.get(*code as usize)).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(label: Vec<bool>) -> Observed {
        let n = label.len();
        Observed {
            cut: Day(101),
            customers: (0..n as u32).collect(),
            behaviour: vec![],
            features: Matrix::new(n),
            fold: vec![0; n],
            label,
            silent: vec![],
        }
    }

    fn everybody(n: u32) -> Vec<(u32, u8)> {
        (0..n).map(|customer| (customer, 0)).collect()
    }

    #[test]
    fn dates_are_days_before_the_cut_and_unknown_after_it() {
        let values = Values::Date([Some(100), Some(40), Some(101), None].into_iter().collect());
        let attribute = Attribute::new(&values, &everybody(4)).unwrap();
        let mut matrix = Matrix::new(4);
        attribute.push(&[0, 1, 2, 3], Day(100), &mut matrix);
        assert_eq!(matrix.columns()[0].iter().collect::<Vec<_>>(), [Some(0.0), Some(60.0), None, None]);
        assert_eq!(attribute.share_after(&[0, 1, 2, 3], Day(100)), Some(1.0 / 3.0));
        assert_eq!(attribute.share_after(&[3], Day(100)), None);
    }

    #[test]
    fn a_value_is_a_reason_where_more_are_lost() {
        let seen = observed(vec![true, true, false, false, false]);
        let number = Values::Number([9.0, 8.0, 5.0, 2.0, 1.0].map(Some).into_iter().collect());
        let attribute = Attribute::new(&number, &everybody(5)).unwrap();
        let speaks = attribute.speaks(&seen);
        assert_eq!(speaks, Speaks::Above(5.0));
        let says = |customer| attribute.reason(3, customer, Day(100), &speaks);
        assert_eq!(says(0), Some(Reason::Number { attribute: 3, hundredths: 900 }));
        assert_eq!((says(2), says(4)), (None, None));

        let date = Values::Date([10, 20, 50, 80, 90].map(Some).into_iter().collect());
        let attribute = Attribute::new(&date, &everybody(5)).unwrap();
        // Long ago is many days.
        assert_eq!(attribute.speaks(&seen), Speaks::Above(50.0));
        let said = attribute.reason(0, 1, Day(100), &Speaks::Above(50.0));
        assert_eq!(said, Some(Reason::Date { attribute: 0, day: 20 }));

        let text = Values::from_texts([Some("x"), Some("y"), Some("y"), Some("y"), None]);
        let attribute = Attribute::new(&text, &everybody(5)).unwrap();
        let speaks = attribute.speaks(&seen);
        assert_eq!(speaks, Speaks::Levels(vec![true, false]));
        assert_eq!(attribute.reason(0, 0, Day(100), &speaks), Some(Reason::Text { attribute: 0, code: 0 }));
        assert_eq!((1..5).filter_map(|ix| attribute.reason(0, ix, Day(100), &speaks)).count(), 0);
    }
}
