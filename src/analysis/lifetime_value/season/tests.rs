//! The season on a simulated base whose index is known, and by hand.

use proptest::prelude::*;

use super::super::models::mbg_nbd::MbgNbd;
use super::super::purchases::{PurchaseKind, Purchases};
use super::super::tests::Uniform;
use super::*;
use crate::analysis::lifetime_value::histories::{Histories, History};
use crate::analysis::lifetime_value::models::Statistics;
use crate::features::NEVER;

const INDEX: [f64; 12] = [0.6, 0.7, 0.9, 1.0, 1.1, 0.9, 0.7, 0.7, 1.0, 1.1, 1.4, 1.9];

/// Customers won over three years up to 2025-12-31, who buy at a rate of their own times that of the month and leave at one in nine.
fn base(index: [f64; 12], n: u32) -> (PurchaseDays, Statistics) {
    let (first, last) = (Day::from_ymd(2022, 12, 1).unwrap().0, Day::from_ymd(2025, 12, 31).unwrap().0);
    let mean = index.iter().zip(MONTH_DAYS).map(|(s, days)| s * days).sum::<f64>() / DAYS_PER_YEAR;
    let most = index.iter().copied().fold(0.0, f64::max);
    let mut random = Uniform(11);
    let (mut days, mut histories) = (PurchaseDays { starts: vec![0], ..PurchaseDays::default() }, Vec::new());
    for ix in 0..n {
        let drawn = first + (random.next() * f64::from(last - first)) as i32;
        let start = if ix == 0 { first } else { drawn };
        let rate = (random.exponential() + random.exponential()) / 90.0 / mean;
        let (mut at, mut bought) = (f64::from(start), vec![start]);
        loop {
            at += random.exponential() / (rate * most);
            if at >= f64::from(last + 1) {
                break;
            }
            if random.next() * most >= index[(Day(at as i32).ymd().1 - 1) as usize] {
                continue;
            }
            bought.push(at as i32);
            if random.next() < 1.0 / 9.0 {
                break;
            }
        }
        bought.dedup();
        let latest = bought[bought.len() - 1];
        histories.push(History {
            n_repeats: bought.len() as u32 - 1,
            days_to_last: latest.abs_diff(start),
            age_days: last.abs_diff(start),
        });
        days.gone_on.extend(bought.iter().map(|_| NEVER));
        days.day.extend(bought);
        days.starts.push(days.day.len());
    }
    (days, Statistics { histories: Histories::compress(histories), gaps: vec![] })
}

fn estimated(index: [f64; 12], n: u32) -> SeasonIndex {
    let (days, statistics) = base(index, n);
    let fitted = PurchaseKind::MbgNbd.fit(&statistics).unwrap();
    let until = Day::from_ymd(2025, 12, 31).unwrap();
    SeasonIndex::estimate(&Cohorts::of(&days, until), &fitted, until).unwrap()
}

#[test]
fn a_known_season_is_recovered() {
    let found = estimated(INDEX, 8_000);
    assert_eq!(found.n_years, 3);
    let mean = INDEX.iter().zip(MONTH_DAYS).map(|(s, days)| s * days).sum::<f64>() / DAYS_PER_YEAR;
    let mut n_near = 0;
    for (month, truth) in found.months.iter().zip(INDEX) {
        let error = (month.index - truth / mean) / month.standard_error;
        assert!(
            error.abs() < 3.0 && (month.index / (truth / mean) - 1.0).abs() < 0.06,
            "{} {} {}",
            month.index,
            truth / mean,
            month.standard_error
        );
        n_near += usize::from(error.abs() < 1.0);
    }
    assert!((4..=12).contains(&n_near), "{n_near}");
    // Who leaves after a purchase leaves sooner in a strong month, which the model of plain days cannot know.
    assert!(found.noise < 4.0, "{}", found.noise);
}

/// Without a season months are shrunk to one, from counts that differ by more.
#[test]
fn chance_is_no_season() {
    let found = estimated([1.0; 12], 2_000);
    let (mut shrunk, mut raw) = (0.0_f64, 0.0_f64);
    for month in &found.months {
        shrunk = shrunk.max((month.index - 1.0).abs());
        raw = raw.max((month.actual as f64 / month.expected - 1.0).abs());
    }
    assert!(raw > 0.02 && shrunk < 0.75 * raw && shrunk < 0.04, "{shrunk} {raw}");
}

#[test]
fn a_year_alone_has_no_season() {
    let (days, statistics) = base(INDEX, 500);
    let fitted = PurchaseKind::MbgNbd.fit(&statistics).unwrap();
    let early = Day::from_ymd(2024, 11, 29).unwrap();
    assert_eq!(SeasonIndex::estimate(&Cohorts::of(&days, early), &fitted, early), None);
    let enough = Day::from_ymd(2024, 11, 30).unwrap();
    assert!(SeasonIndex::estimate(&Cohorts::of(&days, enough), &fitted, enough).is_some());
    assert_eq!(SeasonIndex::estimate(&Cohorts::default(), &fitted, early), None);
}

/// By hand: two years alike, half the purchases of the year in one month.
#[test]
fn counts_are_shrunk_by_what_lies_between_months() {
    let mut year = [(20_u64, 20.0); 12];
    year[3] = (60, 20.0);
    year[4] = (0, 20.0);
    year[5] = (0, 20.0);
    let found = SeasonIndex::of_counts(&[year, year]);
    // O − E: 80, −40, −40 of 40 each; noise has its floor.
    let variance = (6_400.0 + 2.0 * 1_600.0 - 480.0 * (1.0 - 1.0 / 12.0)) / (12.0 * 1_600.0);
    assert_eq!(found.noise, 1.0);
    assert!((found.kappa.unwrap() * variance - 1.0).abs() < 1e-12);
    let kappa = 1.0 / variance;
    let expected = [(120.0 + kappa) / (40.0 + kappa), kappa / (40.0 + kappa)];
    assert!((found.months[3].index / found.months[4].index - expected[0] / expected[1]).abs() < 1e-9);
    assert_eq!((found.months[3].actual, found.months[3].expected), (120, 40.0));
    // A month of one year only is the year's, not the month's.
    let mut odd = [(20_u64, 20.0); 12];
    odd[3] = (60, 20.0);
    let once = SeasonIndex::of_counts(&[odd, [(20, 20.0); 12], [(20, 20.0); 12]]);
    assert!(once.noise > 1.0);
    assert!(once.months[3].index - 1.0 < 0.8 * (100.0 / 60.0 - 1.0), "{once:?}");
}

#[test]
fn the_29th_of_february_has_a_day_before_it() {
    let leap = Day::from_ymd(2024, 2, 29).unwrap();
    assert_eq!([1, 4].map(|n| years_before(leap, n).to_string()), ["2023-02-28", "2020-02-29"]);
}

proptest! {
    /// The mean over the days of a year is one, and every index is finite and not below zero.
    #[test]
    fn the_mean_is_one(
        counts in proptest::collection::vec((0..5_000_u64, 0.0..900.0_f64), 24..61),
    ) {
        let cells: Vec<[(u64, f64); 12]> =
            counts.chunks_exact(12).map(|year| std::array::from_fn(|m| year[m])).collect();
        let found = SeasonIndex::of_counts(&cells);
        let mean = found.index().iter().zip(MONTH_DAYS).map(|(s, days)| s * days).sum::<f64>() / DAYS_PER_YEAR;
        prop_assert!((mean - 1.0).abs() < 1e-12, "{mean}");
        prop_assert!(found.months.iter().all(|m| m.index >= 0.0 && m.index.is_finite() && m.standard_error.is_finite()));
    }
}

/// All that a model expects of a base is spread over its days.
#[test]
fn days_add_up_to_the_expectation() {
    let model = MbgNbd { r: 0.9, alpha: 40.0, a: 0.8, b: 2.4 };
    let (_, statistics) = base(INDEX, 200);
    let mut fitted = PurchaseKind::MbgNbd.fit(&statistics).unwrap();
    fitted.0.model = Purchases::MbgNbd(model);
    let cohorts = Cohorts { starts: vec![(10, 3), (40, 2)], repeats: vec![] };
    let sum: f64 = expected_by_day(&cohorts, &fitted, 5, 100).iter().sum();
    let formulas = fitted.formulas();
    let expected = 3.0 * formulas.expected_of_new(90.0) + 2.0 * formulas.expected_of_new(60.0);
    assert!((sum / expected - 1.0).abs() < 1e-12);
}
