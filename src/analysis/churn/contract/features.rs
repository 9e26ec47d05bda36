//! What the learners read of a contract: tenure and the columns that the pipeline names.
//!
//! Numbers stand as they are, a blank one is missing; texts become indicators of the levels of the rows that are learnt from. Each feature column
//! belongs to a source: 0 is tenure, `1 + k` the attribute `k`. A column that alone all but gives the label away is not told from the future
//! and is left out: an attribute whose AUC, up or down, is above 0.98 (`LEAK`).

use super::super::encoding::{self, Encoding};
use super::super::metrics;
use super::super::ranking::Ranking;
use super::super::sample::Matrix;
use super::windows::Window;
use crate::table::{Column, Values};
use crate::units::NONE_IX;

/// AUC of a single column above which it must have been written after the fact.
const LEAK: f64 = 0.98;

/// Rows a level should have before its rate says something of the whole column.
pub const ROWS_A_LEVEL: usize = 20;

/// Levels of the text attributes as one set of rows has them; nothing for numbers.
pub struct Design<'a> {
    attributes: Vec<&'a Column>,
    encodings: Vec<Option<Encoding>>,
    /// Where each feature column comes from.
    pub sources: Vec<usize>,
}

impl<'a> Design<'a> {
    /// Finds the levels in some customers' rows.
    pub fn new(attributes: &[&'a Column], customers: &[u32]) -> Self {
        let encoding = |column: &&Column| match &column.values {
            Values::Text { .. } => Some(Encoding::new(&texts(column, customers), encoding::Params::default())),
            _ => None,
        };
        let encodings: Vec<Option<Encoding>> = attributes.iter().map(encoding).collect();
        let mut sources = vec![0];
        for (ix, encoding) in encodings.iter().enumerate() {
            let n = encoding.as_ref().map_or(1, |encoding| encoding.indicators().len());
            sources.extend(std::iter::repeat_n(1 + ix, n));
        }
        Self { attributes: attributes.to_vec(), encodings, sources }
    }

    /// Lays out customers at some tenure.
    pub fn matrix(&self, customers: &[u32], tenure: &[u32]) -> Matrix {
        let mut matrix = Matrix::new(customers.len());
        matrix.push(tenure.iter().map(|months| Some(f64::from(*months))));
        self.push(customers, &mut matrix);
        matrix
    }

    /// The same without tenure, which the hazard has by itself.
    pub fn matrix_without_tenure(&self, customers: &[u32]) -> Matrix {
        let mut matrix = Matrix::new(customers.len());
        self.push(customers, &mut matrix);
        matrix
    }

    fn push(&self, customers: &[u32], matrix: &mut Matrix) {
        for (column, encoding) in self.attributes.iter().zip(&self.encodings) {
            match encoding {
                Some(encoding) => encoding.push(&texts(column, customers), matrix),
                None => matrix.push(customers.iter().map(|customer| number(column, *customer))),
            }
        }
    }
}

/// Returns the text of an attribute, empty where it is unknown.
pub fn text(column: &Column, customer: u32) -> &str {
    match &column.values {
        Values::Text { codes, labels } => {
            Some(codes[customer as usize]).filter(|code| *code != NONE_IX).map_or("", |code| &labels[code as usize])
        }
        _ => "",
    }
}

fn texts<'a>(column: &'a Column, customers: &[u32]) -> Vec<&'a str> {
    customers.iter().map(|customer| text(column, *customer)).collect()
}

/// Returns the number of an attribute.
pub fn number(column: &Column, customer: u32) -> Option<f64> {
    match &column.values {
        Values::Number(values) => values.get(customer as usize),
        _ => None,
    }
}

/// Share of events by level, learnt on some rows: the rule that a text column makes alone.
///
/// Rates are drawn to the base rate by the weight of one row; a level that was not there has the base rate.
pub fn level_rates(column: &Column, learning: (&[u32], &[bool]), scored: &[u32]) -> Vec<f64> {
    let Values::Text { codes, labels } = &column.values else { return vec![] };
    let mut counts = vec![(0.0, 0.0); labels.len() + 1];
    let at = |customer: u32| (codes[customer as usize] as usize).min(labels.len());
    let (mut events, mut all) = (0.0, 0.0);
    for (customer, label) in learning.0.iter().zip(learning.1) {
        let (of_events, n) = &mut counts[at(*customer)];
        let event = f64::from(u8::from(*label));
        (*of_events, *n) = (*of_events + event, *n + 1.0);
        (events, all) = (events + event, all + 1.0);
    }
    let base = if all > 0.0 { events / all } else { 0.5 };
    scored.iter().map(|customer| counts[at(*customer)]).map(|(events, n)| (events + base) / (n + 1.0)).collect()
}

/// Parts the attributes into those that may be learnt from and those that know the label, by name.
pub fn without_leaks<'a>(attributes: &'a [Column], window: &Window) -> (Vec<&'a Column>, Vec<&'a str>) {
    let leaks = |column: &Column| {
        let score: Vec<f64> = match &column.values {
            Values::Text { labels, .. } if labels.len() < window.customer.len() / ROWS_A_LEVEL => {
                level_rates(column, (&window.customer, &window.label), &window.customer)
            }
            Values::Number(_) => {
                // A missing number ranks below all others: that something is blank may tell as well.
                window.customer.iter().map(|customer| number(column, *customer).unwrap_or(f64::MIN)).collect()
            }
            _ => return false,
        };
        let auc = Ranking::new(&score, &window.label, None).map_or(0.5, |ranking| metrics::auc(&ranking));
        auc.max(1.0 - auc) > LEAK
    };
    let (bad, good): (Vec<&Column>, Vec<&Column>) = attributes.iter().partition(|column| leaks(column));
    (good, bad.into_iter().map(|column| column.name.as_str()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(label: &[bool]) -> Window {
        Window {
            customer: (0..label.len() as u32).collect(),
            tenure: vec![1; label.len()],
            label: label.to_vec(),
            spells: vec![],
        }
    }

    #[test]
    fn columns_are_told_apart_by_their_source() {
        let plans: Vec<Option<&str>> = (0..120).map(|row| Some(["a", "b", "c"][row % 3])).collect();
        let columns = [
            Column::new("plan", Values::from_texts(plans)),
            Column::new("price", Values::Number((0..120).map(|row| (row != 5).then_some(f64::from(row))).collect())),
        ];
        let all: Vec<&Column> = columns.iter().collect();
        let customers: Vec<u32> = (0..120).collect();
        let design = Design::new(&all, &customers);
        assert_eq!(design.sources, [0, 1, 1, 1, 2]);
        let matrix = design.matrix(&[4, 5], &[7, 8]);
        let row = |at: usize| matrix.columns().iter().map(|column| column.get(at)).collect::<Vec<_>>();
        assert_eq!(row(0), [Some(7.0), Some(0.0), Some(1.0), Some(0.0), Some(4.0)]);
        assert_eq!(row(1)[4], None);
        assert_eq!(design.matrix_without_tenure(&[4]).columns().len(), 4);
    }

    #[test]
    fn a_column_that_knows_the_label_is_left_out() {
        let label: Vec<bool> = (0..200).map(|row| row % 4 == 0).collect();
        let reason: Vec<Option<&str>> = label.iter().map(|lost| lost.then_some("moved away")).collect();
        let city: Vec<Option<&str>> = (0..200).map(|row| Some(if row % 3 == 0 { "Ulm" } else { "Jena" })).collect();
        let columns = [
            Column::new("reason", Values::from_texts(reason)),
            Column::new("city", Values::from_texts(city)),
            Column::new("balance", Values::Number(label.iter().map(|lost| (!lost).then_some(3.0)).collect())),
        ];
        let (good, bad) = without_leaks(&columns, &window(&label));
        assert_eq!((good.len(), good[0].name.as_str(), bad), (1, "city", vec!["reason", "balance"]));
    }

    #[test]
    fn levels_that_were_not_learnt_have_the_base_rate() {
        let column =
            Column::new("city", Values::from_texts([Some("Ulm"), Some("Ulm"), Some("Jena"), None, Some("Gera")]));
        let rates = level_rates(&column, (&[0, 1, 2, 3], &[true, true, false, false]), &[0, 2, 3, 4]);
        assert_eq!(rates, [2.5 / 3.0, 0.25, 0.25, 0.5]);
    }
}
