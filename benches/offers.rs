//! Offers alone, on simulated baskets of two years: neighbours, lists of three, and the whole step with its windows and proof.
//!
//! Without arguments a table of two sizes; with `CUSTOMERS RUNS FILE` one line of JSON a run, and what customers own as pairs of
//! little-endian `u32` (customer, product) for peers to work on: `benches/compare.py offers` uses that.

use std::io::Write;
use std::time::Instant;

use klientel::analysis::cross_sell::offers::candidates::{POOL, Reach};
use klientel::analysis::cross_sell::offers::filters::{Categories, Returned};
use klientel::analysis::cross_sell::offers::past::Past;
use klientel::analysis::cross_sell::offers::ranking::Ranker;
use klientel::analysis::cross_sell::offers::similarity::{Neighbours, Similarity};
use klientel::analysis::cross_sell::offers::{Params, make};
use klientel::features::{Baskets, Dataset};
use klientel::table::{Ids, ProductLabels, Products};
use klientel::units::Day;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

const SIZES: [u32; 2] = [100_000, 1_000_000];
const PRODUCTS: u32 = 20_000;
const NEIGHBOURS: usize = 50;
const OFFERS: usize = 3;

/// Customers with five orders in the mean, of three products each: half of them from their own corner of the assortment.
fn base(customers: u32) -> Dataset {
    let as_of = Day(20_634);
    let mut random = Pcg64::seed_from_u64(7);
    let mut baskets = Baskets { starts: vec![0], ..Baskets::default() };
    for customer in 0..customers {
        let n_orders = 1 + (-5.0 * random.random::<f64>().ln()) as u32;
        let mut days: Vec<i32> = (0..n_orders).map(|_| as_of.0 - random.random_range(0..730)).collect();
        days.sort_unstable();
        let corner = customer % 200 * (PRODUCTS / 200);
        for day in days {
            let mut products: Vec<u32> = (0..random.random_range(1..6))
                .map(|_| {
                    // Small numbers are bought most, over the whole and in each corner.
                    let share = random.random::<f64>().powi(4);
                    if random.random() {
                        (share * f64::from(PRODUCTS)) as u32
                    } else {
                        corner + (share * f64::from(PRODUCTS / 200)) as u32
                    }
                })
                .collect();
            products.sort_unstable();
            products.dedup();
            baskets.product.extend(products);
            baskets.starts.push(baskets.product.len());
            baskets.customer.push(customer);
            baskets.day.push(day);
        }
    }
    let ids = |n: u32| {
        let ids: Vec<String> = (0..n).map(|ix| format!("{ix:08}")).collect();
        Ids::from_sorted(ids.iter().map(String::as_str))
    };
    let n = PRODUCTS as usize;
    Dataset {
        as_of,
        customer_ids: ids(customers),
        product_ids: ids(PRODUCTS),
        products: Products {
            name: (0..PRODUCTS).map(|ix| format!("product {ix}")).collect(),
            not_merchandise: vec![false; n],
            ..Products::default()
        },
        baskets,
        product_gross_revenue: vec![1_000_000; n],
        product_revenue: vec![1_000_000; n],
        ..Dataset::default()
    }
}

/// Seconds for neighbours, for lists, for everything.
fn time(data: &Dataset) -> [f64; 3] {
    let (customers, products) = (data.n_customers(), data.n_products());
    let past = Past::of(&data.baskets, customers, products, data.as_of.0, false);
    let start = Instant::now();
    let neighbours = Neighbours::of(past.histories.recent(), products, NEIGHBOURS, Similarity::Cosine(20.0));
    let learnt = start.elapsed().as_secs_f64();
    let (categories, returned, offerable) = (Categories::default(), Returned::default(), vec![true; products]);
    let ranker = Ranker {
        past: &past,
        neighbours: &neighbours,
        offerable: &offerable,
        may_point: &offerable,
        categories: &categories,
        returned: &returned,
        reach: Reach { half_life_new: f64::INFINITY, half_life_again: f64::INFINITY, pool: POOL },
        proven: None,
        again_after: None,
        per_category: usize::MAX,
        k: OFFERS,
    };
    let start = Instant::now();
    assert_eq!(ranker.rank(&[], 0).0.len(), customers * OFFERS);
    let listed = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let labels = ProductLabels::new(&data.product_ids, &data.products);
    let made = make(data, &data.baskets, &Params::default(), OFFERS, NEIGHBOURS, &labels);
    assert_eq!(made.columns.len(), 6 * OFFERS);
    [learnt, listed, start.elapsed().as_secs_f64()]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [customers, runs, file] = &arguments[..] {
        let data = base(customers.parse().expect("a number of customers"));
        let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("a file to write to"));
        for (basket, customer) in data.baskets.customer.iter().enumerate() {
            for product in &data.baskets.product[data.baskets.starts[basket]..data.baskets.starts[basket + 1]] {
                out.write_all(&customer.to_le_bytes()).expect("room on the disk");
                out.write_all(&product.to_le_bytes()).expect("room on the disk");
            }
        }
        out.flush().expect("room on the disk");
        for _ in 0..runs.parse().expect("a number of runs") {
            let [learnt, listed, whole] = time(&data);
            println!(r#"{{"neighbours": {learnt}, "lists": {listed}, "whole": {whole}}}"#);
        }
        return;
    }
    println!("| customers | neighbours s | lists s | whole step s |\n|---:|---:|---:|---:|");
    for customers in SIZES {
        let [learnt, listed, whole] = time(&base(customers));
        println!("| {customers} | {learnt:.2} | {listed:.2} | {whole:.2} |");
    }
}
