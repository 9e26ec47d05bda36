//! What the learners read of a contract: tenure and the columns that the pipeline names.
//!
//! Numbers stand as they are, a blank one is missing; texts become indicators of the levels of the rows that are learnt from. Each feature column
//! belongs to a source: 0 is tenure, `1 + k` the attribute `k`. Attributes are read from the entry that covers the eve of the cut; those that know
//! the label nevertheless are found by [`super::super::leaks`].

use super::super::encoding::{self, Encoding};
use super::super::sample::Matrix;
use crate::table::{Column, Values};
use crate::units::NONE_IX;

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
    /// Finds the levels in some entries.
    pub fn new(attributes: &[&'a Column], entries: &[u32]) -> Self {
        let encoding = |column: &&Column| match &column.values {
            Values::Text { .. } => Some(Encoding::new(&texts(column, entries), encoding::Params::default())),
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

    /// Lays out entries at some tenure.
    pub fn matrix(&self, entries: &[u32], tenure: &[u32]) -> Matrix {
        let mut matrix = Matrix::new(entries.len());
        matrix.push(tenure.iter().map(|months| Some(f64::from(*months))));
        self.push(entries, &mut matrix);
        matrix
    }

    /// The same without tenure, which the hazard has by itself.
    pub fn matrix_without_tenure(&self, entries: &[u32]) -> Matrix {
        let mut matrix = Matrix::new(entries.len());
        self.push(entries, &mut matrix);
        matrix
    }

    fn push(&self, entries: &[u32], matrix: &mut Matrix) {
        for (column, encoding) in self.attributes.iter().zip(&self.encodings) {
            match encoding {
                Some(encoding) => encoding.push(&texts(column, entries), matrix),
                None => matrix.push(entries.iter().map(|entry| number(column, *entry))),
            }
        }
    }
}

/// Returns the text of an attribute, empty where it is unknown.
pub fn text(column: &Column, entry: u32) -> &str {
    match &column.values {
        Values::Text { codes, labels } => {
            Some(codes[entry as usize]).filter(|code| *code != NONE_IX).map_or("", |code| &labels[code as usize])
        }
        _ => "",
    }
}

fn texts<'a>(column: &'a Column, entries: &[u32]) -> Vec<&'a str> {
    entries.iter().map(|entry| text(column, *entry)).collect()
}

/// Returns the number of an attribute.
pub fn number(column: &Column, entry: u32) -> Option<f64> {
    match &column.values {
        Values::Number(values) => values.get(entry as usize),
        _ => None,
    }
}

/// Share of events by level, learnt on some rows: the rule that a text column makes alone.
///
/// Rates are drawn to the base rate by the weight of one row; a level that was not there has the base rate.
pub fn level_rates(column: &Column, learning: (&[u32], &[bool]), scored: &[u32]) -> Vec<f64> {
    let Values::Text { codes, labels } = &column.values else { return vec![] };
    let mut counts = vec![(0.0, 0.0); labels.len() + 1];
    let at = |entry: u32| (codes[entry as usize] as usize).min(labels.len());
    let (mut events, mut all) = (0.0, 0.0);
    for (entry, label) in learning.0.iter().zip(learning.1) {
        let (of_events, n) = &mut counts[at(*entry)];
        let event = f64::from(u8::from(*label));
        (*of_events, *n) = (*of_events + event, *n + 1.0);
        (events, all) = (events + event, all + 1.0);
    }
    let base = if all > 0.0 { events / all } else { 0.5 };
    scored.iter().map(|entry| counts[at(*entry)]).map(|(events, n)| (events + base) / (n + 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_apart_by_their_source() {
        let plans: Vec<Option<&str>> = (0..120).map(|row| Some(["a", "b", "c"][row % 3])).collect();
        let columns = [
            Column::new("plan", Values::from_texts(plans)),
            Column::new("price", Values::Number((0..120).map(|row| (row != 5).then_some(f64::from(row))).collect())),
        ];
        let all: Vec<&Column> = columns.iter().collect();
        let entries: Vec<u32> = (0..120).collect();
        let design = Design::new(&all, &entries);
        assert_eq!(design.sources, [0, 1, 1, 1, 2]);
        let matrix = design.matrix(&[4, 5], &[7, 8]);
        let row = |at: usize| matrix.columns().iter().map(|column| column.get(at)).collect::<Vec<_>>();
        assert_eq!(row(0), [Some(7.0), Some(0.0), Some(1.0), Some(0.0), Some(4.0)]);
        assert_eq!(row(1)[4], None);
        assert_eq!(design.matrix_without_tenure(&[4]).columns().len(), 4);
    }

    #[test]
    fn levels_that_were_not_learnt_have_the_base_rate() {
        let column =
            Column::new("city", Values::from_texts([Some("Ulm"), Some("Ulm"), Some("Jena"), None, Some("Gera")]));
        let rates = level_rates(&column, (&[0, 1, 2, 3], &[true, true, false, false]), &[0, 2, 3, 4]);
        assert_eq!(rates, [2.5 / 3.0, 0.25, 0.25, 0.5]);
    }
}
