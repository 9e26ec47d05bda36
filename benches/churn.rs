//! Fit, calibration, scores and reasons of the churn risk alone, on simulated customers with 26 features.
//!
//! Without arguments a table of two sizes; with `CUSTOMERS RUNS FILE` one line of JSON a run, and the features for peers to fit: columns of
//! little-endian `f32` one after the other, NaN where missing, then one byte a label. `benches/compare.py churn` uses that.
//!
//! Everything is done with all customers: a run draws 100,000 of them to learn from.

use std::time::Instant;

use klientel::analysis::churn::behaviour::{Behaviour, MEMORIES, Records, WINDOWS};
use klientel::analysis::churn::evaluation::{Scorer, Seen};
use klientel::analysis::churn::events::EventsKnown;
use klientel::analysis::churn::features::Design;
use klientel::analysis::churn::folds;
use klientel::analysis::churn::learners::Learner;
use klientel::analysis::churn::metrics;
use klientel::analysis::churn::non_contractual::final_fit;
use klientel::analysis::churn::observed::{Observed, Question};
use klientel::analysis::churn::ranking::Ranking;
use klientel::analysis::churn::reasons::{self, Typical};
use klientel::analysis::churn::rules::Rules;
use klientel::analysis::churn::scoring::Scoring;
use klientel::features::{Dataset, PurchaseDays};
use klientel::units::{Day, Language};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp, Gamma};
use rand_pcg::Pcg64;

const SIZES: [u32; 2] = [100_000, 1_000_000];
const HORIZON: i32 = 90;
const YEARS: f64 = 1_095.0;

/// A customer who buys at a rate until leaving, as seen today, and whether nothing is bought in the horizon.
fn customer(random: &mut Pcg64) -> (Behaviour, bool) {
    let rates = Gamma::new(0.8, 1.0 / 60.0).expect("positive");
    let rate = Exp::new(rates.sample(random) + 1e-4).expect("positive");
    let age: f64 = random.random_range(1.0..YEARS);
    let stays: f64 = Exp::new(1.0 / 500.0).expect("positive").sample(random);
    let (mut days, mut at): (Vec<f64>, f64) = (vec![0.0], 0.0);
    loop {
        at += f64::max(rate.sample(random), 1.0);
        if at > stays.min(age + f64::from(HORIZON)) {
            break;
        }
        days.push(at);
    }
    let known = days.iter().take_while(|day| **day <= age).count();
    let is_lost = known == days.len();
    let days = &days[..known];
    let since: Vec<i32> = days.iter().map(|day| (age - day) as i32).collect();
    let money: Vec<i64> = days.iter().map(|_| random.random_range(500..20_000)).collect();
    let gaps: Vec<f64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let n_gaps = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n_gaps;
    let squares = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>();
    let orders_of = |window: i32| since.iter().filter(|days| **days < window).count() as u32;
    let money_of =
        |window: i32| since.iter().zip(&money).filter(|(days, _)| **days < window).map(|(_, money)| money).sum();
    let n_items = random.random_range(known as u32..=5 * known as u32);
    let gross: i64 = money.iter().sum();
    let returned = if random.random::<f64>() < 0.1 { gross / 5 } else { 0 };
    let found = Behaviour {
        recency: since[known - 1] as u32,
        tenure: age as u32,
        n_days: known as u32,
        n_orders: known as u32,
        orders_in: WINDOWS.map(orders_of),
        orders_before_90: orders_of(180) - orders_of(90),
        money_in: WINDOWS.map(money_of),
        revenue: gross - returned,
        gross,
        returned,
        gap_mean: (known > 1).then_some(mean),
        gap_deviation: (known > 2).then(|| (squares / (n_gaps - 1.0)).sqrt()),
        gap_shortest: gaps.iter().copied().fold(f64::MAX, f64::min) as u32,
        gap_longest: gaps.iter().copied().fold(0.0, f64::max) as u32,
        n_products: random.random_range(1..=n_items),
        n_items,
        activity: MEMORIES.map(|memory| since.iter().map(|days| (-f64::from(*days) / memory).exp()).sum()),
        last_items: random.random_range(1..6),
        last_money: money[known - 1],
        ..Behaviour::default()
    };
    (found, is_lost)
}

fn base(customers: u32, design: &Design<'_>) -> Seen {
    let mut random = Pcg64::seed_from_u64(11);
    let (behaviour, label): (Vec<_>, Vec<_>) = (0..customers).map(|_| customer(&mut random)).unzip();
    let ids: Vec<String> = (0..customers).map(|id| format!("K{id:08}")).collect();
    let customers: Vec<u32> = (0..customers).collect();
    let observed = Observed {
        cut: Day(20_000),
        features: design.matrix(&customers, &behaviour, Day(19_999)),
        fold: folds::by_id(ids.iter().map(String::as_str), 1),
        customers,
        behaviour,
        label,
        silent: vec![],
    };
    Seen { observed, rules: Rules { mean_gap: 30.0, model: None, horizon: f64::from(HORIZON) } }
}

/// Seconds of everything, and AUC and Brier score of the risks on the rows themselves.
fn measure(seen: &Seen, design: &Design<'_>, records: &Records<'_>) -> (f64, f64, f64) {
    let start = Instant::now();
    let scorer = Scorer::Learner(Learner::Logistic);
    let (models, calibration) = final_fit(scorer, seen, None, &design.monotone()).expect("both classes");
    let question = Question { records, horizon: HORIZON, eligible_recency: 1_095, customers: &[], design };
    let scoring = Scoring {
        question,
        now: Day(20_000),
        scorer,
        models,
        calibration,
        rules: Rules { mean_gap: 30.0, model: None, horizon: f64::from(HORIZON) },
        silent: None,
        typical: Typical::of(&seen.observed.behaviour),
        speaks: vec![],
        base_rate: seen.observed.base_rate(),
    };
    let scored = scoring.each(&seen.observed.customers, &seen.observed.behaviour);
    let said: Vec<_> = scored.iter().map(|scored| scored.reasons).collect();
    let columns = reasons::columns(&said, Language::English, &design.words());
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(columns[0].values.len(), scored.len());
    let risk: Vec<f64> = scored.iter().filter_map(|scored| scored.risk).collect();
    let ranking = Ranking::new(&risk, &seen.observed.label, None).expect("both classes");
    (seconds, metrics::auc(&ranking), metrics::brier(&ranking))
}

fn main() {
    let data = Dataset {
        purchase_days: PurchaseDays { starts: vec![0, 1], day: vec![0], ..PurchaseDays::default() },
        ..Dataset::default()
    };
    let records = Records::new(&data).expect("one day");
    let design = Design::new(&records, &[], &[], false, EventsKnown::default());
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [customers, runs, file] = arguments.as_slice() else {
        println!("| customers | fit, calibration, scores, reasons s | AUC |");
        println!("|---:|---:|---:|");
        for customers in SIZES {
            let (seconds, auc, _) = measure(&base(customers, &design), &design, &records);
            println!("| {customers} | {seconds:.2} | {auc:.4} |");
        }
        return;
    };
    let seen = base(customers.parse().expect("a number of customers"), &design);
    let mut bytes = Vec::new();
    for column in seen.observed.features.columns() {
        column.iter().for_each(|cell| bytes.extend(cell.unwrap_or(f32::NAN).to_le_bytes()));
    }
    bytes.extend(seen.observed.label.iter().map(|lost| u8::from(*lost)));
    std::fs::write(file, bytes).expect("a file that can be written");
    for _ in 0..runs.parse().expect("a number of runs") {
        let (all, auc, brier) = measure(&seen, &design, &records);
        println!("{{\"all\": {all}, \"auc\": {auc}, \"brier\": {brier}}}");
    }
}
