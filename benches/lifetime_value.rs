//! Fit and scores of the lifetime values alone, on simulated histories of three years.
//!
//! Without arguments a table of three sizes; with `CUSTOMERS RUNS FILE` one line of JSON a run, and the histories as CSV
//! (`frequency,recency,T` in days) for peers to fit: `benches/compare.py lifetime` uses that. Ten million customers want 8 GiB.

use std::fmt::Write;
use std::time::Instant;

use klientel::analysis::lifetime_value::histories::{self, Histories};
use klientel::analysis::lifetime_value::models::Statistics;
use klientel::analysis::lifetime_value::{LifetimeValue, ModelChoice, Params, PurchaseKind};
use klientel::analysis::{Analysis, Base};
use klientel::features::{CustomerFeatures, Dataset, PurchaseDays};
use klientel::table::Nullable;
use klientel::units::Day;
use rand::{Rng, SeedableRng};
use rand_distr::{Beta, Distribution, Exp1, Gamma};
use rand_pcg::Pcg64;

const SIZES: [u32; 3] = [23_570, 1_000_000, 10_000_000];

/// Customers who buy as MBG/NBD and Gamma-Gamma say, first seen on any day of three years.
fn base(customers: u32) -> (Dataset, CustomerFeatures) {
    let as_of = Day(20_634);
    let mut random = Pcg64::seed_from_u64(7);
    let (rates, dropouts) = (Gamma::new(0.8, 1.0 / 60.0).expect("positive"), Beta::new(0.8, 2.5).expect("positive"));
    let scales = Gamma::new(4.0, 1.0 / 6_000.0).expect("positive");
    let mut days = PurchaseDays { starts: vec![0], ..PurchaseDays::default() };
    let (mut first, mut last, mut repeat_revenue, mut revenue) = (vec![], vec![], vec![], vec![]);
    for _ in 0..customers {
        let age: u32 = random.random_range(1..1_096);
        let (rate, leaves) = (rates.sample(&mut random), dropouts.sample(&mut random));
        let each = Gamma::new(2.5, 1.0 / scales.sample(&mut random)).expect("positive");
        let start = days.day.len();
        let mut at = 0.0_f64;
        days.day.push(as_of.0 - age as i32);
        while random.random::<f64>() >= leaves {
            let gap: f64 = Exp1.sample(&mut random);
            at += gap / rate;
            if at > f64::from(age) {
                break;
            }
            let day = as_of.0 - age as i32 + at as i32;
            if days.day[days.day.len() - 1] < day {
                days.day.push(day);
            }
        }
        let mut spent = || -> f64 { each.sample(&mut random) };
        let bought: Vec<i64> = days.day[start..].iter().map(|_| spent().max(1.0) as i64).collect();
        first.push(Some(days.day[start]));
        last.push(Some(days.day[days.day.len() - 1]));
        repeat_revenue.push(bought[1..].iter().sum());
        revenue.push(bought.iter().sum::<i64>());
        days.starts.push(days.day.len());
    }
    days.gone_on = vec![i32::MAX; days.day.len()];
    let n_purchase_days: Vec<u32> = days.starts.windows(2).map(|pair| (pair[1] - pair[0]) as u32).collect();
    let now = CustomerFeatures {
        as_of,
        n_orders: n_purchase_days.clone(),
        n_purchase_days,
        first_day: first.into_iter().collect(),
        last_day: last.into_iter().collect(),
        gross_revenue: revenue.clone(),
        revenue,
        margin: (0..customers).map(|_| None).collect::<Nullable<i64>>(),
        repeat_revenue,
    };
    (Dataset { as_of, purchase_days: days, ..Dataset::default() }, now)
}

/// Seconds of the fit of MBG/NBD, histories compressed included, and of the whole analysis: evidence, both fits, all columns.
fn measure(data: &Dataset, now: &CustomerFeatures, model: ModelChoice) -> (f64, f64) {
    let customers = histories::of_customers(now);
    let start = Instant::now();
    let histories = Histories::compress(customers.iter().flatten().copied().collect());
    let fitted = PurchaseKind::MbgNbd.fit(&Statistics { histories, gaps: vec![] });
    let fit = start.elapsed().as_secs_f64();
    assert!(fitted.is_ok(), "a base like this can be fitted");
    let start = Instant::now();
    let found = LifetimeValue(Params { model, ..Params::default() }).run(&Base { data, now }, &[]);
    let all = start.elapsed().as_secs_f64();
    assert!(found.is_ok_and(|found| found.valuation.is_some()), "a base like this has values");
    (fit, all)
}

fn table() {
    println!("| customers | fit MBG/NBD s | all of mbg-nbd s | all of auto s |");
    println!("|---:|---:|---:|---:|");
    for customers in SIZES {
        let (data, now) = base(customers);
        let (fit, all) = measure(&data, &now, ModelChoice::Named(PurchaseKind::MbgNbd));
        let (_, auto) = measure(&data, &now, ModelChoice::Auto);
        println!("| {customers} | {fit:.3} | {all:.2} | {auto:.2} |");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [customers, runs, file] = arguments.as_slice() else { return table() };
    let customers: u32 = customers.parse().expect("a number of customers");
    let runs: u32 = runs.parse().expect("a number of runs");
    let (data, now) = base(customers);
    let mut csv = String::from("frequency,recency,T\n");
    for history in histories::of_customers(&now).into_iter().flatten() {
        let _ = writeln!(csv, "{},{},{}", history.n_repeats, history.days_to_last, history.age_days);
    }
    std::fs::write(file, csv).expect("a file that can be written");
    for _ in 0..runs {
        let (fit, all) = measure(&data, &now, ModelChoice::Named(PurchaseKind::MbgNbd));
        println!("{{\"fit\": {fit}, \"all\": {all}}}");
    }
}
