//! How good lists of offers are, and how sure that is.
//!
//! For a list of k products and the products `T` that the customer bought in the window:
//!
//! | measure  | formula                                                                                         |
//! |----------|-------------------------------------------------------------------------------------------------|
//! | recall   | hits / `|T|`                                                                                    |
//! | NDCG     | `Σ 1/log₂(1 + place)` over the hits, over the same sum of a perfect list of `min(k, |T|)` products |
//! | hit rate | 1 with at least one hit                                                                         |
//!
//! Means over the customers whose `T` is not empty; the whole catalogue is ranked, nothing is sampled. The perfect list is cut at k: codes
//! that do not cut it give a lower NDCG. Intervals are the 5% and 95% points of means of [`DRAWS`] bootstrap samples of customers, drawn by a fixed seed.
//! Sources: Järvelin and Kekäläinen, ACM TOIS 20(4), 2002; Efron, Annals of Statistics 7 (1979); Krichene and Rendle, KDD 2020, against sampled
//! metrics.

use rayon::prelude::*;

use super::sample::mixed;
use crate::maths::quantile::quantile;

/// Bootstrap samples.
pub const DRAWS: usize = 500;

/// Recall, NDCG and hit.
pub type Measures = [f64; 3];

/// Measures the first `k` of a list against what was bought, ascending; nothing where nothing was.
pub fn measure(list: &[u32], bought: &[u32], k: usize) -> Option<Measures> {
    if bought.is_empty() || k == 0 {
        return None;
    }
    let discount = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let (mut hits, mut gain) = (0, 0.0);
    for (place, item) in list.iter().take(k).enumerate() {
        if bought.binary_search(item).is_ok() {
            hits += 1;
            gain += discount(place);
        }
    }
    let ideal: f64 = (0..k.min(bought.len())).map(discount).sum();
    Some([f64::from(hits) / bought.len() as f64, gain / ideal, f64::from(u8::from(hits > 0))])
}

/// A mean and its 90% interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Estimates the mean of each column over rows, one a customer; nothing without a row.
pub fn bootstrap<const N: usize>(rows: &[[f64; N]]) -> Option<[Estimate; N]> {
    if rows.is_empty() {
        return None;
    }
    let n = rows.len() as u64;
    let means: Vec<[f64; N]> = (0..DRAWS as u64)
        .into_par_iter()
        .map(|draw| {
            let mut state = mixed(draw);
            let mut sums = [0.0; N];
            for _ in 0..n {
                state = mixed(state);
                // The high half of the product is uniform over the rows.
                let row = &rows[((u128::from(state) * u128::from(n)) >> 64) as usize];
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            sums.map(|sum| sum / n as f64)
        })
        .collect();
    let mut estimates = [Estimate::default(); N];
    for (column, estimate) in estimates.iter_mut().enumerate() {
        let mut drawn: Vec<f64> = means.iter().map(|means| means[column]).collect();
        drawn.sort_unstable_by(f64::total_cmp);
        *estimate = Estimate {
            mean: rows.iter().map(|row| row[column]).sum::<f64>() / n as f64,
            low: quantile(&drawn, 0.05).unwrap_or_default(),
            high: quantile(&drawn, 0.95).unwrap_or_default(),
        };
    }
    Some(estimates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_by_hand() {
        // Hits on places 1 and 3 of three that were bought.
        let [recall, ndcg, hit] = measure(&[7, 1, 9, 2], &[2, 7, 9], 3).unwrap();
        let ideal = 1.0 + 1.0 / 3_f64.log2() + 0.5;
        assert!((recall - 2.0 / 3.0).abs() < 1e-15 && (ndcg - 1.5 / ideal).abs() < 1e-15);
        assert_eq!(hit, 1.0);
        // A list of two can find no more than two of three.
        assert_eq!(measure(&[7, 2, 9], &[2, 7, 9], 2).unwrap()[1], 1.0);
        assert_eq!(measure(&[], &[2], 5), Some([0.0; 3]));
        assert_eq!(measure(&[2], &[], 5), None);
    }

    #[test]
    fn intervals_are_those_of_the_mean() {
        let rows: Vec<[f64; 2]> = (0..1_000).map(|i| [f64::from(i % 10), 3.0]).collect();
        let [spread, constant] = bootstrap(&rows).unwrap();
        assert_eq!(constant, Estimate { mean: 3.0, low: 3.0, high: 3.0 });
        // Standard error √8.25/√1000 = 0.0908; 90% is 1.645 of it to either side.
        assert!(
            (spread.low - (4.5 - 0.1494)).abs() < 0.03 && (spread.high - (4.5 + 0.1494)).abs() < 0.03,
            "{spread:?}"
        );
        assert_eq!(bootstrap(&rows), bootstrap(&rows));
        assert_eq!(bootstrap::<1>(&[]), None);
    }
}
