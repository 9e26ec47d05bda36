//! Contracts: the chance to cancel in the next period by tenure and features, and from it the chance to cancel within a horizon.
//!
//! The hazard `h(t, x) = P(cancel in period t | not before)` is a logistic regression on one row per contract and period under observation,
//! with an indicator for each bin of tenure. As features stand still within a contract, the periods it survives in a bin are one row with their
//! number as weight: at most `n_bins + 1` rows a contract instead of one a period. The chance to cancel within `H` periods from tenure `t` is
//! `1 − Π_{k=1..H} (1 − h(t + k, x))`. Past the last bin the hazard stays as it is there.
//!
//! A contract seen from the tenure `entered` on (observation began later than the contract) counts only from there: what was lost before
//! nobody could see.
//!
//! | name          | shape         | unit                                                           |
//! |---------------|---------------|----------------------------------------------------------------|
//! | spells        | `(n_rows)`    | periods since the start of the contract                        |
//! | bins          | `(n_bins)`    | last period of each bin, ascending; the last one is open        |
//! | features      | `(n_columns, n_rows)` | as known at the beginning of observation, tenure left out |
//! | probability   | `(n_rows)`    | below 1, above 0 where a period is asked about                 |
//!
//! The fit is that of [`super::logistic`] on the expanded rows. Source: Singer and Willett, "It's About Time: Using Discrete-Time Survival Analysis",
//! Journal of Educational Statistics 18 (1993), equations 2, 6 and 9; delayed entry: Guo, Sociological Methodology 23 (1993).

use rayon::prelude::*;

use super::logistic::{self, FittedLogistic};
use super::sample::{FitError, Matrix, Sample};

/// Bins of tenure: a year by month, then coarser where there are cancellations enough.
const MOST_BINS: usize = 24;
/// Cancellations a bin should hold.
const EVENTS_A_BIN: usize = 30;

/// What was seen of a contract: the periods `entered + 1 ..= left`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// Whole periods before observation began.
    pub entered: u32,
    /// The period of the cancellation, or the last one seen.
    pub left: u32,
    /// Whether it was cancelled in its last period.
    pub cancelled: bool,
}

/// A fitted hazard.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedHazard {
    /// Last period of each bin but the last.
    ends: Vec<u32>,
    logistic: FittedLogistic,
}

/// Fits the hazard; spells without a period under observation count for nothing.
///
/// # Errors
/// Where nobody cancelled or everybody did in the first period seen (see [`Sample::masses`]).
pub fn fit(features: &Matrix, spells: &[Spell], params: logistic::Params) -> Result<FittedHazard, FitError> {
    if spells.len() != features.n_rows() {
        return Err(FitError::Lengths { n_rows: features.n_rows(), n_labels: spells.len() });
    }
    let ends = bin_ends(spells);
    let periods = PersonPeriods::of(spells, &ends);
    let features = with_bins(&features.select(&periods.contract), &periods.bin, ends.len() + 1);
    let sample = Sample { features: &features, label: &periods.cancelled, weight: Some(&periods.weight) };
    Ok(FittedHazard { logistic: logistic::fit(&sample, params)?, ends })
}

impl FittedHazard {
    /// Returns the chance of every contract to be cancelled within some periods after its tenure; rows without a tenure are of tenure 0.
    pub fn cancels_within(&self, features: &Matrix, tenure: &[u32], periods: u32) -> Vec<f64> {
        let n_rows = features.n_rows();
        let tenure_of = |row: usize| tenure.get(row).copied().unwrap_or_default();
        let mut ln_stays = vec![0.0; n_rows];
        for bin in 0..=self.ends.len() {
            let after = bin.checked_sub(1).map_or(0, |before| self.ends[before]);
            let last = self.ends.get(bin).copied().unwrap_or(u32::MAX);
            let in_bin = |row: usize| {
                let (from, to) = (tenure_of(row).max(after), tenure_of(row).saturating_add(periods).min(last));
                to.saturating_sub(from)
            };
            let rows: Vec<u32> = (0..n_rows as u32).filter(|row| in_bin(*row as usize) > 0).collect();
            if rows.is_empty() {
                continue;
            }
            let bins = vec![bin; rows.len()];
            let hazards = self.logistic.probabilities(&with_bins(&features.select(&rows), &bins, self.ends.len() + 1));
            for (row, hazard) in rows.into_iter().zip(hazards) {
                ln_stays[row as usize] += f64::from(in_bin(row as usize)) * (-hazard).ln_1p();
            }
        }
        // Certain to stay only where no period is asked about, and never certain to go.
        ln_stays.into_par_iter().map(|ln| (-f64::exp_m1(ln)).min(1.0 - f64::EPSILON)).collect()
    }

    /// Returns how many of the next periods every contract is expected to run to their end, `Σ_{k=1..H} Π_{j≤k} (1 − h(t + j, x))`.
    pub fn expected_periods(&self, features: &Matrix, tenure: &[u32], periods: u32) -> Vec<f64> {
        let n_rows = features.n_rows();
        let (mut stays, mut expected) = (vec![1.0; n_rows], vec![0.0; n_rows]);
        for period in 0..periods {
            let tenure: Vec<u32> = tenure.iter().map(|tenure| tenure.saturating_add(period)).collect();
            for (row, lost) in self.cancels_within(features, &tenure, 1).into_iter().enumerate() {
                stays[row] *= 1.0 - lost;
                expected[row] += stays[row];
            }
        }
        expected
    }

    /// Writes how much each column moves the logit of a contract's hazard away from that of the average contract; tenure has no part in it.
    pub fn explain(&self, features: &Matrix, row: usize, contributions: &mut [f64]) {
        self.logistic.explain(features, row, contributions);
    }
}

/// Rows of the regression.
#[derive(Debug, PartialEq)]
struct PersonPeriods {
    contract: Vec<u32>,
    bin: Vec<usize>,
    cancelled: Vec<bool>,
    weight: Vec<f64>,
}

impl PersonPeriods {
    fn of(spells: &[Spell], ends: &[u32]) -> Self {
        let mut all = Self { contract: vec![], bin: vec![], cancelled: vec![], weight: vec![] };
        for (contract, spell) in (0..).zip(spells) {
            let survived_to = spell.left - u32::from(spell.cancelled).min(spell.left);
            let mut push = |bin: usize, cancelled: bool, n: u32| {
                if n > 0 {
                    all.contract.push(contract);
                    all.bin.push(bin);
                    all.cancelled.push(cancelled);
                    all.weight.push(f64::from(n));
                }
            };
            for bin in 0..=ends.len() {
                let after = bin.checked_sub(1).map_or(0, |before| ends[before]);
                let last = ends.get(bin).copied().unwrap_or(u32::MAX);
                push(bin, false, survived_to.min(last).saturating_sub(spell.entered.max(after)));
            }
            let seen = spell.cancelled && spell.left > spell.entered;
            push(bin_of(spell.left, ends), true, u32::from(seen));
        }
        all
    }
}

fn bin_of(period: u32, ends: &[u32]) -> usize {
    ends.partition_point(|end| *end < period)
}

/// Ends of the bins: a new one begins after enough cancellations, never more bins than are wanted.
fn bin_ends(spells: &[Spell]) -> Vec<u32> {
    let cancelled = spells.iter().filter(|spell| spell.cancelled && spell.left > spell.entered);
    let mut periods: Vec<u32> = cancelled.map(|spell| spell.left).collect();
    periods.sort_unstable();
    let in_bin = EVENTS_A_BIN.max(periods.len().div_ceil(MOST_BINS));
    let (mut ends, mut n) = (Vec::new(), 0);
    let mut rest = periods.len();
    for period in periods.chunk_by(|a, b| a == b) {
        n += period.len();
        rest -= period.len();
        // The last bin is open and wants its share as well.
        if n >= in_bin && rest >= in_bin {
            ends.push(period[0]);
            n = 0;
        }
    }
    ends
}

/// Features and, behind them, an indicator for each bin.
fn with_bins(features: &Matrix, bins: &[usize], n_bins: usize) -> Matrix {
    let mut all = features.clone();
    if n_bins > 1 {
        (0..n_bins).for_each(|bin| all.push(bins.iter().map(|own| Some(f64::from(u8::from(*own == bin))))));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARDLY: logistic::Params = logistic::Params { penalty: 1e-6 };

    fn spell(entered: u32, left: u32, cancelled: bool) -> Spell {
        Spell { entered, left, cancelled }
    }

    #[test]
    fn periods_are_counted_once_and_cancellations_in_their_bin() {
        let periods = PersonPeriods::of(&[spell(0, 5, true), spell(3, 9, false), spell(2, 2, true)], &[2, 4]);
        let rows: Vec<(u32, usize, bool, f64)> = (0..periods.contract.len())
            .map(|at| (periods.contract[at], periods.bin[at], periods.cancelled[at], periods.weight[at]))
            .collect();
        let expected =
            [(0, 0, false, 2.0), (0, 1, false, 2.0), (0, 2, true, 1.0), (1, 1, false, 1.0), (1, 2, false, 5.0)];
        assert_eq!(rows, expected);
    }

    /// Four hundred contracts, some seen from the second year on: more than enough for bins of single periods at first.
    fn contracts() -> Vec<Spell> {
        let contract = |ix: u32| match ix % 8 {
            0..3 => spell(0, 1 + ix % 3, true),
            3 => spell(0, 5 + ix % 6, true),
            4..7 => spell(0, 12, false),
            _ => spell(6, 10 + ix % 2, ix % 16 == 7),
        };
        (0..400).map(contract).collect()
    }

    /// Without features and penalty the chance to cancel is one minus the product-limit estimate, period by period within each bin.
    #[test]
    fn without_features_it_is_the_product_limit_estimate() {
        let spells = contracts();
        let features = Matrix::new(400);
        let fitted = fit(&features, &spells, HARDLY).unwrap();
        assert_eq!(fitted.ends[..2], [1, 2]);
        let at_risk = |period: u32| spells.iter().filter(|s| s.entered < period && period <= s.left).count() as f64;
        let lost = |period: u32| spells.iter().filter(|s| s.cancelled && s.left == period).count() as f64;
        let hazard = |period: u32| {
            let bin = bin_of(period, &fitted.ends);
            let own = || (1..=12).filter(|other| bin_of(*other, &fitted.ends) == bin);
            own().map(lost).sum::<f64>() / own().map(at_risk).sum::<f64>()
        };
        for (tenure, periods) in [(0, 1), (0, 3), (2, 6), (0, 12), (11, 1)] {
            let stays: f64 = (tenure + 1..=tenure + periods).map(|period| 1.0 - hazard(period)).product();
            let found = fitted.cancels_within(&Matrix::new(1), &[tenure], periods)[0];
            assert!((found - (1.0 - stays)).abs() < 1e-5, "{found} is not {}", 1.0 - stays);
        }
    }

    #[test]
    fn tenure_and_features_both_matter_and_longer_horizons_lose_more() {
        let spells = contracts();
        let mut features = Matrix::new(400);
        // Those who stay mostly pay by debit.
        features.push(spells.iter().map(|s| Some(f64::from(u8::from(!s.cancelled || s.left % 4 == 0)))));
        let fitted = fit(&features, &spells, logistic::Params::default()).unwrap();
        let mut two = Matrix::new(2);
        two.push([Some(0.0), Some(1.0)]);
        let [others, debit] = fitted.cancels_within(&two, &[0, 0], 3)[..] else { panic!("two rows") };
        assert!(others > 2.0 * debit);
        let later = fitted.cancels_within(&two, &[4, 4], 3);
        assert!(later[0] < others && later[1] < debit);
        let longer = fitted.cancels_within(&two, &[0, 0], 6);
        assert!(longer[0] > others && longer[0] < 1.0);
        let mut parts = [0.0];
        fitted.explain(&two, 0, &mut parts);
        assert!(parts[0] > 0.0);
        assert_eq!(fitted.cancels_within(&two, &[0, 0], 0), [0.0, 0.0]);
        // Expected periods are the sum of the chances to stay so long.
        let expected: f64 = (1..=12).map(|periods| 1.0 - fitted.cancels_within(&two, &[2, 2], periods)[1]).sum();
        assert!((fitted.expected_periods(&two, &[2, 2], 12)[1] - expected).abs() < 1e-9);
        assert!(fitted.cancels_within(&two, &[u32::MAX], u32::MAX).iter().all(|p| (0.0..1.0).contains(p)));
    }

    #[test]
    fn contracts_that_nobody_cancelled_are_refused() {
        let spells = vec![spell(0, 9, false); 50];
        let refused = fit(&Matrix::new(50), &spells, HARDLY).unwrap_err();
        assert_eq!(refused, FitError::OneClass { n_rows: 50 });
        assert_eq!(fit(&Matrix::new(1), &[], HARDLY).unwrap_err(), FitError::Lengths { n_rows: 1, n_labels: 0 });
        // Left before it was seen, or never seen at all.
        assert!(fit(&Matrix::new(2), &[spell(3, 2, true), spell(0, 0, true)], HARDLY).is_err());
    }
}
