//! What the learners read: features by column with missing values, labels, weights.
//!
//! | name       | shape                 | unit                                                              |
//! |------------|-----------------------|-------------------------------------------------------------------|
//! | features   | `(n_columns, n_rows)` | `f32`, each column in its own unit; a cell may be missing         |
//! | label      | `(n_rows)`            | true is the event: lost, cancelled, responded                     |
//! | weight     | `(n_rows)`            | rows a row stands for, at least zero; one each where none is given |
//!
//! No cell is NaN or infinite: such a value is missing from the start, and one past `±1e30` is cut there.
//! 4 bytes a cell, 1 more in columns with missing values.

use rayon::prelude::*;

use crate::table::Nullable;

/// Largest size of a cell: its square, times any number of rows, is still a number.
const LARGEST: f64 = 1e30;
/// Largest weight, for the same reason.
const LARGEST_WEIGHT: f64 = 1e15;

/// Features by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    n_rows: usize,
    columns: Vec<Nullable<f32>>,
}

impl Matrix {
    /// Returns a matrix without columns.
    pub fn new(n_rows: usize) -> Self {
        Self { n_rows, columns: Vec::new() }
    }

    /// Adds a column of one value a row; rows past the end of the values are missing, values past the rows are not read.
    pub fn push(&mut self, values: impl IntoIterator<Item = Option<f64>>) {
        let cell = |value: f64| value.is_finite().then(|| value.clamp(-LARGEST, LARGEST) as f32);
        let known = values.into_iter().map(|value| value.and_then(cell));
        self.columns.push(known.chain(std::iter::repeat(None)).take(self.n_rows).collect());
    }

    /// Keeps some of the columns.
    pub fn retain(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.columns.retain(|_| kept.next().copied().unwrap_or(true));
    }

    /// Returns some of the columns, and copies no others.
    pub fn only(&self, is_wanted: impl Fn(usize) -> bool) -> Self {
        let columns = self.columns.iter().enumerate().filter(|(ix, _)| is_wanted(*ix));
        Self { n_rows: self.n_rows, columns: columns.map(|(_, column)| column.clone()).collect() }
    }

    /// Returns the number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Returns the columns.
    pub fn columns(&self) -> &[Nullable<f32>] {
        &self.columns
    }

    /// Returns the rows at some positions, in their order and as often as they are named.
    pub fn select(&self, rows: &[u32]) -> Self {
        let columns = self.columns.par_iter().map(|column| match column.parts() {
            (values, None) => Nullable::from(rows.iter().map(|row| values[*row as usize]).collect::<Vec<f32>>()),
            _ => rows.iter().map(|row| column.get(*row as usize)).collect(),
        });
        Self { n_rows: rows.len(), columns: columns.collect() }
    }
}

/// Rows to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    pub features: &'a Matrix,
    pub label: &'a [bool],
    pub weight: Option<&'a [f64]>,
}

impl Sample<'_> {
    /// Returns the weight of a row.
    pub fn weight_of(&self, row: usize) -> f64 {
        self.weight.map_or(1.0, |weight| weight[row])
    }

    /// Returns the weights of the rows with the event and of those without it.
    ///
    /// # Errors
    /// Where nothing can be learnt: lengths that differ, weights that are none, a class without weight.
    pub fn masses(&self) -> Result<(f64, f64), FitError> {
        let n_rows = self.features.n_rows();
        if self.label.len() != n_rows || self.weight.is_some_and(|weight| weight.len() != n_rows) {
            return Err(FitError::Lengths { n_rows, n_labels: self.label.len() });
        }
        if self.weight.is_some_and(|weight| weight.iter().any(|w| !(0.0..=LARGEST_WEIGHT).contains(w))) {
            return Err(FitError::Weights);
        }
        let (mut positive, mut negative) = (0.0, 0.0);
        for (row, label) in self.label.iter().enumerate() {
            *(if *label { &mut positive } else { &mut negative }) += self.weight_of(row);
        }
        if positive > 0.0 && negative > 0.0 { Ok((positive, negative)) } else { Err(FitError::OneClass { n_rows }) }
    }
}

/// Why nothing can be learnt from a sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    #[error(
        "all {n_rows} rows have the same label; choose a cut or a horizon at which some customers stay and some leave"
    )]
    OneClass { n_rows: usize },
    #[error("{n_rows} rows of features, but {n_labels} labels or another number of weights; give one of each a row")]
    Lengths { n_rows: usize, n_labels: usize },
    #[error("a weight is negative, not a number or beyond 1e15; weights count rows")]
    Weights,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_missing() {
        let mut matrix = Matrix::new(4);
        matrix.push([Some(1.5), Some(f64::NAN), Some(1e300)]);
        let column: Vec<Option<f32>> = matrix.columns()[0].iter().collect();
        assert_eq!(column, [Some(1.5), None, Some(1e30), None]);
        let some: Vec<Option<f32>> = matrix.select(&[2, 0, 0, 3]).columns()[0].iter().collect();
        assert_eq!(some, [Some(1e30), Some(1.5), Some(1.5), None]);
        matrix.push([Some(7.0)]);
        let second = matrix.only(|ix| ix == 1);
        assert_eq!((second.n_rows(), second.columns()), (4, &matrix.columns()[1..]));
        assert_eq!(matrix.only(|_| false), Matrix::new(4));
    }

    #[test]
    fn what_cannot_be_learnt_from_is_refused() {
        let features = &Matrix::new(2);
        let check = |label: &[bool], weight: Option<&[f64]>| Sample { features, label, weight }.masses();
        assert_eq!(check(&[true, true], None), Err(FitError::OneClass { n_rows: 2 }));
        assert_eq!(check(&[true, false], Some(&[1.0, 0.0])), Err(FitError::OneClass { n_rows: 2 }));
        assert_eq!(check(&[true], None), Err(FitError::Lengths { n_rows: 2, n_labels: 1 }));
        assert_eq!(check(&[true, false], Some(&[1.0, f64::NAN])), Err(FitError::Weights));
        assert_eq!(check(&[true, false], Some(&[3.0, 0.5])), Ok((3.0, 0.5)));
    }
}
