//! Quantile bins: every column as whole numbers `0..=254`, 0 for a missing cell.
//!
//! Up to 254 distinct values have a bin each; more are closed into bins of about equal numbers of rows, equal values always
//! together. A cut is the middle between neighbouring values; bin `k` holds what lies above cut `k − 2` and at or below cut `k − 1`.
//!
//! | name | shape                  | unit                   |
//! |------|------------------------|------------------------|
//! | cuts | `(n_bins − 1)` ascending | that of the column   |
//! | bins | `(n_rows, n_columns)`  | bin, row by row        |
//!
//! One sort a column; 1 byte a cell. Source: Ke et al., "LightGBM", NIPS 2017, section 2.1.

use rayon::prelude::*;

use crate::analysis::churn::sample::Matrix;

/// The bin of a missing cell.
pub(super) const MISSING: u8 = 0;
const MAX_BINS: usize = 254;

/// Upper ends of the bins of one column but the last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cuts(Vec<f32>);

impl Cuts {
    /// Returns the cuts of every column.
    pub fn of_columns(features: &Matrix) -> Vec<Self> {
        let of_column = |column: usize| {
            // Adding zero makes the negative zero a positive one.
            let mut known: Vec<f32> = features.columns()[column].iter().flatten().map(|value| value + 0.0).collect();
            known.par_sort_unstable_by(f32::total_cmp);
            Self::of_sorted(&known)
        };
        (0..features.columns().len()).into_par_iter().map(of_column).collect()
    }

    fn of_sorted(sorted: &[f32]) -> Self {
        let runs = || sorted.chunk_by(|a, b| a == b);
        let all_fit = runs().take(MAX_BINS + 1).count() <= MAX_BINS;
        let (mut cuts, mut in_bin, mut rest) = (Vec::new(), 0, sorted.len());
        let mut lower: Option<f32> = None;
        for run in runs() {
            if let Some(lower) = lower {
                let bins_left = MAX_BINS - cuts.len();
                if all_fit || (bins_left > 1 && in_bin * bins_left >= rest) {
                    let middle = (0.5 * (f64::from(lower) + f64::from(run[0]))) as f32;
                    cuts.push(if middle < run[0] { middle } else { lower });
                    rest -= in_bin;
                    in_bin = 0;
                }
            }
            in_bin += run.len();
            lower = Some(run[0]);
        }
        Self(cuts)
    }

    /// Returns the bin of a cell.
    pub fn bin(&self, cell: Option<f32>) -> u8 {
        match cell {
            // At most 253 cuts: the number fits.
            Some(value) => 1 + self.0.partition_point(|cut| *cut < value) as u8,
            None => MISSING,
        }
    }

    /// Returns the number of bins, that of missing cells included.
    pub fn n_bins(&self) -> usize {
        self.0.len() + 2
    }
}

/// Writes the bins of some rows, row by row.
pub(super) fn bin_rows(
    cuts: &[Cuts],
    features: &Matrix,
    rows: impl Iterator<Item = usize> + Clone,
    bins: &mut Vec<u8>,
) {
    let n_columns = cuts.len();
    bins.clear();
    bins.resize(rows.clone().count() * n_columns, MISSING);
    for (at, (cuts, column)) in cuts.iter().zip(features.columns()).enumerate() {
        let cells = bins.iter_mut().skip(at).step_by(n_columns);
        cells.zip(rows.clone()).for_each(|(bin, row)| *bin = cuts.bin(column.get(row)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each() {
        let cuts = Cuts::of_sorted(&[-1.0, 0.0, 0.0, 2.0, f32::MAX]);
        assert_eq!(cuts.0[..2], [-0.5, 1.0]);
        let bins = [None, Some(-9.0), Some(-0.5), Some(-0.0), Some(2.0), Some(1e30)].map(|cell| cuts.bin(cell));
        assert_eq!(bins, [MISSING, 1, 1, 2, 3, 3]);
        assert_eq!(cuts.bin(Some(f32::MAX)), 4);
        assert_eq!(Cuts::of_sorted(&[]).n_bins(), 2);
    }

    #[test]
    fn neighbours_in_the_number_format_are_told_apart() {
        let cuts = Cuts::of_sorted(&[1.0, 1.0 + f32::EPSILON]);
        assert_eq!([1.0, 1.0 + f32::EPSILON].map(|value| cuts.bin(Some(value))), [1, 2]);
    }

    #[test]
    fn many_values_share_bins_of_about_equal_size() {
        // Half of the rows are zero, as spend in a window is.
        let mut values = vec![0.0; 10_000];
        values.extend((1..=10_000).map(|i| i as f32));
        let cuts = Cuts::of_sorted(&values);
        assert_eq!(cuts.n_bins(), MAX_BINS + 1);
        let mut sizes = [0; MAX_BINS + 1];
        values.iter().for_each(|value| sizes[usize::from(cuts.bin(Some(*value)))] += 1);
        assert_eq!(sizes[1], 10_000);
        assert!(sizes[2..].iter().all(|size| (39..=40).contains(size)), "{sizes:?}");
    }
}
