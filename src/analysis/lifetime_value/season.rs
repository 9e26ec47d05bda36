//! The season of a base: an index for each month of the year by which the days to come count more or less than others.
//!
//! Over the latest whole years `y` up to as-of, so that every month of the year `m` stands in them equally often, repeats on the days of `(y, m)`
//! are counted, `O_ym`, beside what the fitted model expects of the same customers on these days, with `E(t)` the repeats of a new customer
//! within `t` and `n_d` customers who started on day `d`: `Σ n_d (E(t − d) − E(t − d − 1))`. The level of a year is no season: expectations are scaled
//! to `Σ_m O_ym = Σ_m E_ym`. With sums `O_m`, `E_m` over the `Y` years:
//!
//! ```text
//! φ   = max(1, Σ_ym (O_ym − E_ym O_m/E_m)²/(E_ym O_m/E_m) / (11 (Y − 1)))      noise of a count: months differ from year to year by more than chance
//! 1/κ = Σ_m ((O_m − E_m)² − φ E_m (1 − E_m/ΣE)) / Σ_m E_m²                      variance of the index between months, by moments
//! s_m = (O_m/φ + κ) / (E_m/φ + κ),   se = √(O_m/φ + κ) / (E_m/φ + κ)             index ~ Gamma(κ, κ), counts/φ Poisson
//! ```
//!
//! divided by the mean of the `s_m` over the days of a year. Where `1/κ ≤ 0` months differ by chance alone and all are one. It takes [`MIN_YEARS`]
//! years: one alone cannot tell the month from the year. Source: Greenwood and Yule, JRSS 83 (1920), for gamma-Poisson; Efron and Morris,
//! JASA 70 (1975), for variances by moments; McCullagh and Nelder, "Generalized Linear Models", 1989, chapter 6, for `φ`.
//!
//! The model itself is fitted to plain days: the mean of the index is one, and its rates are those of an average day. What it is asked then runs
//! by season, histories as well as the time to come, see [`super::clock`]. `O(days · start days)`.

use rayon::prelude::*;

use super::accuracy::Accuracy;
use super::choice::{Evidence, forecasts_within};
use super::clock::Season;
use super::holdout::{Observation, Split};
use super::purchases::Fitted;
use crate::features::PurchaseDays;
use crate::units::{DAYS_PER_YEAR, Day};

/// Whole years without which there is no index.
pub const MIN_YEARS: u32 = 2;

/// Mean days of the months of a Gregorian year.
const MONTH_DAYS: [f64; 12] = [31.0, 28.2425, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0];

/// Who started when, and on which days repeats were bought.
#[derive(Debug, Clone, Default)]
pub struct Cohorts {
    /// First purchase days and how many customers started on each, ascending.
    pub starts: Vec<(i32, u64)>,
    /// Days of repeats and how many on each, ascending.
    pub repeats: Vec<(i32, u64)>,
}

impl Cohorts {
    /// Counts all customers as of a day.
    pub fn of(days: &PurchaseDays, as_of: Day) -> Self {
        let Some(first) = days.day.iter().min() else { return Self::default() };
        let n_days = as_of.0.checked_sub(*first).and_then(|n| usize::try_from(n).ok()).map_or(0, |n| n + 1);
        let (mut starts, mut repeats) = (vec![0_u64; n_days], vec![0_u64; n_days]);
        for row in days.starts.windows(2) {
            let kept = (row[0]..row[1]).filter(|ix| days.day[*ix] <= as_of.0 && days.gone_on[*ix] > as_of.0);
            for (nth, ix) in kept.enumerate() {
                let counts = if nth == 0 { &mut starts } else { &mut repeats };
                counts[days.day[ix].abs_diff(*first) as usize] += 1;
            }
        }
        let counted = |counts: Vec<u64>| (*first..).zip(counts).filter(|(_, n)| *n > 0).collect();
        Self { starts: counted(starts), repeats: counted(repeats) }
    }

    /// Takes those of the calibration period.
    pub fn of_calibration(split: &Split) -> Self {
        Self {
            starts: split.starts.iter().map(|(day, n)| (*day, u64::from(*n))).collect(),
            repeats: split.repeats.iter().take_while(|(day, _)| *day <= split.cut.0).copied().collect(),
        }
    }
}

/// A month of the year.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Month {
    /// How much a day of it counts; mean one over a year.
    pub index: f64,
    pub standard_error: f64,
    pub actual: u64,
    /// Repeats to be expected of the model, at the level of each year.
    pub expected: f64,
}

/// The index and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct SeasonIndex {
    /// January first.
    pub months: [Month; 12],
    pub n_years: u32,
    /// `φ`.
    pub noise: f64,
    /// `κ`; none where months differ by chance alone.
    pub kappa: Option<f64>,
}

impl SeasonIndex {
    /// Estimates the index from the whole years up to a day; nothing where they are too few.
    pub fn estimate(cohorts: &Cohorts, fitted: &Fitted, until: Day) -> Option<Self> {
        let (first, _) = *cohorts.starts.first()?;
        let years: Vec<Day> = (0..).map(|n| years_before(until, n)).take_while(|day| day.0 + 1 >= first).collect();
        let n_years = years.len().saturating_sub(1);
        if (n_years as u32) < MIN_YEARS {
            return None;
        }
        let from = years[n_years].0;
        let expected = expected_by_day(cohorts, fitted, from, until.0);
        let mut cells = vec![[(0_u64, 0.0_f64); 12]; n_years];
        let cell_of = |day: i32| (years.partition_point(|end| end.0 >= day) - 1, (Day(day).ymd().1 - 1) as usize);
        for (day, expected) in (from + 1..).zip(&expected) {
            let (year, month) = cell_of(day);
            cells[year][month].1 += expected;
        }
        for (day, n) in cohorts.repeats.iter().filter(|(day, _)| (from + 1..=until.0).contains(day)) {
            let (year, month) = cell_of(*day);
            cells[year][month].0 += n;
        }
        Some(Self::of_counts(&cells))
    }

    /// Estimates the index from actual and expected counts by year and month.
    fn of_counts(cells: &[[(u64, f64); 12]]) -> Self {
        let mut months = [Month::default(); 12];
        let levelled: Vec<[(f64, f64); 12]> = cells
            .iter()
            .map(|year| {
                let actual: u64 = year.iter().map(|(n, _)| n).sum();
                let expected: f64 = year.iter().map(|(_, expected)| expected).sum();
                let level = if expected > 0.0 { actual as f64 / expected } else { 0.0 };
                year.map(|(n, expected)| (n as f64, level * expected))
            })
            .collect();
        for (month, m) in months.iter_mut().zip(0..) {
            month.actual = cells.iter().map(|year| year[m].0).sum();
            month.expected = levelled.iter().map(|year| year[m].1).sum();
        }
        let total: f64 = months.iter().map(|month| month.expected).sum();
        let of_cell = |(month, (n, expected)): (&Month, &(f64, f64))| {
            let mean = if month.expected > 0.0 { expected * month.actual as f64 / month.expected } else { 0.0 };
            if mean > 0.0 { (n - mean).powi(2) / mean } else { 0.0 }
        };
        let chi_squared: f64 = levelled.iter().flat_map(|year| months.iter().zip(year)).map(of_cell).sum();
        let noise = (chi_squared / (11.0 * (cells.len() as f64 - 1.0)).max(1.0)).max(1.0);
        let beyond_chance = |month: &Month| {
            let expected = month.expected;
            (month.actual as f64 - expected).powi(2) - noise * expected * (1.0 - expected / total)
        };
        let squares: f64 = months.iter().map(|month| month.expected.powi(2)).sum();
        let variance = months.iter().map(beyond_chance).sum::<f64>() / squares;
        let kappa = (variance > 0.0 && variance.is_finite()).then(|| 1.0 / variance).filter(|kappa| kappa.is_finite());
        for month in &mut months {
            (month.index, month.standard_error) = match kappa {
                Some(kappa) => {
                    let (o, e) = (month.actual as f64 / noise + kappa, month.expected / noise + kappa);
                    (o / e, o.sqrt() / e)
                }
                None => (1.0, 0.0),
            };
        }
        if kappa.is_some() {
            let mean =
                months.iter().zip(MONTH_DAYS).map(|(month, days)| month.index * days).sum::<f64>() / DAYS_PER_YEAR;
            for month in &mut months {
                month.index /= mean;
                month.standard_error /= mean;
            }
        }
        Self { months, n_years: cells.len() as u32, noise, kappa }
    }

    /// Returns the index alone, January first.
    pub fn index(&self) -> [f64; 12] {
        self.months.map(|month| month.index)
    }
}

/// Repeats to be expected on each day after `from` up to `until`.
fn expected_by_day(cohorts: &Cohorts, fitted: &Fitted, from: i32, until: i32) -> Vec<f64> {
    let first = cohorts.starts.first().map_or(until, |(day, _)| *day);
    let formulas = fitted.formulas();
    let of_new: Vec<f64> =
        (0..=until.abs_diff(first)).into_par_iter().map(|days| formulas.expected_of_new(f64::from(days))).collect();
    let on_day = |day: i32| {
        let started = cohorts.starts.iter().take_while(|(start, _)| *start < day);
        let each = |(start, n): &(i32, u64)| {
            let age = day.abs_diff(*start) as usize;
            *n as f64 * (of_new[age] - of_new[age - 1])
        };
        started.map(each).sum::<f64>()
    };
    (from + 1..until + 1).into_par_iter().map(on_day).collect()
}

/// The same day of the year some years before; February 28 for the 29th.
fn years_before(day: Day, n_years: i32) -> Day {
    let (year, month, of_month) = day.ymd();
    let same = Day::from_ymd(year - n_years, month, of_month);
    same.or_else(|| Day::from_ymd(year - n_years, month, 28)).unwrap_or(Day(i32::MIN / 2))
}

/// What the index of the calibration period is worth on the holdout.
#[derive(Debug, Clone)]
pub struct SeasonProof {
    /// The clock set to the cut.
    pub clock: Season,
    /// Of the chosen model with the season.
    pub accuracy: Accuracy,
    /// Months of the holdout, the first and the last in part.
    pub months: Vec<HoldoutMonth>,
}

/// A month of the holdout.
#[derive(Debug, Clone, Copy)]
pub struct HoldoutMonth {
    /// Last day of it that lies in the holdout.
    pub end: Day,
    pub actual: u64,
    /// Without and with the season.
    pub expected: [f64; 2],
}

impl SeasonProof {
    /// Estimates the index on the calibration period and forecasts the holdout by month; nothing where that period is too short.
    pub fn of(evidence: &Evidence) -> Option<Self> {
        let (split, fitted) = (&evidence.split, &evidence.chosen().fitted);
        let index = SeasonIndex::estimate(&Cohorts::of_calibration(split), fitted, split.cut)?;
        let clock = Season::new(&index.index(), split.cut);
        let by_season = |(observation, n): &(Observation, u32)| {
            (Observation { history: clock.history(observation.history), ..*observation }, *n)
        };
        let seasonal = Split { observations: split.observations.iter().map(by_season).collect(), ..split.clone() };
        let accuracy = Accuracy::of(&forecasts_within(fitted, &seasonal, clock.time(split.days)));
        let mut ends: Vec<u32> =
            (1..split.days).filter(|days| Day(split.cut.0 + *days as i32 + 1).ymd().2 == 1).collect();
        ends.push(split.days);
        let plain = expected_until(fitted, split, &ends.iter().map(|days| f64::from(*days)).collect::<Vec<_>>());
        let weighed = expected_until(fitted, &seasonal, &ends.iter().map(|days| clock.time(*days)).collect::<Vec<_>>());
        let until = |days: u32| split.repeats.partition_point(|(day, _)| *day <= split.cut.0 + days as i32);
        let month = |ix: usize| {
            let before = ix.checked_sub(1);
            let actual = &split.repeats[until(before.map_or(0, |before| ends[before]))..until(ends[ix])];
            HoldoutMonth {
                end: Day(split.cut.0 + ends[ix] as i32),
                actual: actual.iter().map(|(_, n)| n).sum(),
                expected: [&plain, &weighed].map(|sums| sums[ix] - before.map_or(0.0, |before| sums[before])),
            }
        };
        let months = (0..ends.len()).map(month).collect();
        Some(Self { clock, accuracy, months })
    }

    /// Returns the mean distance of expected from actual repeats by month, as a share of the actual ones, without and with the season.
    pub fn error_by_month(&self) -> Option<[f64; 2]> {
        let actual: u64 = self.months.iter().map(|month| month.actual).sum();
        let error = |ix: usize| {
            let distances = self.months.iter().map(|month| (month.expected[ix] - month.actual as f64).abs());
            distances.sum::<f64>() / actual as f64
        };
        (actual > 0).then(|| [error(0), error(1)])
    }
}

/// Repeats to be expected of all customers of the calibration period until each model time after the cut.
fn expected_until(fitted: &Fitted, split: &Split, times: &[f64]) -> Vec<f64> {
    let one = |time: &f64| forecasts_within(fitted, split, *time).iter().map(|f| f.n * f.expected).sum::<f64>();
    times.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
