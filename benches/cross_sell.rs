//! Itemsets and pair counts alone.
//!
//! Without arguments a table on generated baskets. `retail FILE` and `lines N FILE` write baskets for peers; `itemsets FILE SUPPORT RUNS` and
//! `pairs FILE COUNT RUNS` read one and print one line of JSON a run: `benches/compare.py cross-sell` uses that.
//!
//! | file       | rows                                              |
//! |------------|---------------------------------------------------|
//! | `retail`   | one basket a line, items apart by spaces          |
//! | `lines`    | `basket,item`, one a line, baskets together       |

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::Instant;

use klientel::analysis::cross_sell::affinity::itemsets::Itemsets;
use klientel::analysis::cross_sell::affinity::matrix::BasketMatrix;
use klientel::analysis::cross_sell::affinity::memory::Room;
use klientel::analysis::cross_sell::affinity::pairs::Pairs;
use klientel::analysis::cross_sell::affinity::threshold::Threshold;
use klientel::analysis::cross_sell::rows::Rows;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Geometric, Zipf};
use rand_pcg::Pcg64;

/// Baskets of geometric sizes of items by Zipf's law, numbered in no order; a basket of one in a hundred thousand is a wholesaler's.
fn baskets(n_baskets: usize, n_items: u32, mean_size: f64, exponent: f64) -> Rows {
    let mut random = Pcg64::seed_from_u64(11);
    let (sizes, ranks) = (
        Geometric::new(1.0 / mean_size).expect("a share"),
        Zipf::new(f64::from(n_items), exponent).expect("a positive exponent"),
    );
    let mut rows = Rows { starts: vec![0], items: Vec::new() };
    let mut row = Vec::new();
    for nth in 0..n_baskets {
        let size = if nth % 100_000 == 50_000 { 674 } else { sizes.sample(&mut random) as usize + 1 };
        row.clear();
        // Some items are drawn twice, and a basket shares the taste of its first one.
        let taste: u32 = random.random_range(0..64);
        for _ in 0..size {
            let rank: f64 = ranks.sample(&mut random);
            let rank = rank as u64 - 1;
            let related = random.random_range(0..4_u32) == 0;
            let rank = if related { rank / 64 * 64 + u64::from(taste) } else { rank };
            row.push((rank * 7_919 % u64::from(n_items)) as u32);
        }
        row.sort_unstable();
        row.dedup();
        rows.items.extend_from_slice(&row);
        rows.starts.push(rows.items.len());
    }
    rows
}

/// A base of the shape of the retail set of FIMI: 88,162 baskets, 16,470 items, some ten a basket.
fn retail() -> Rows {
    baskets(88_162, 16_470, 11.5, 0.95)
}

fn lines(n_lines: usize) -> Rows {
    baskets(n_lines / 5, 20_000, 5.3, 0.9)
}

fn n_items(rows: &Rows) -> usize {
    rows.items.iter().max().map_or(0, |item| *item as usize + 1)
}

/// Reads baskets of a line each, or of `basket,item` lines.
fn read(path: &str) -> Rows {
    let mut file = BufReader::new(File::open(path).expect("a file of baskets"));
    let (mut rows, mut line, mut basket, mut row) =
        (Rows { starts: vec![0], items: vec![] }, String::new(), None, vec![]);
    let mut end = |row: &mut Vec<u32>| {
        row.sort_unstable();
        row.dedup();
        rows.items.append(row);
        rows.starts.push(rows.items.len());
    };
    let number = |text: &str| text.parse::<u32>().expect("a whole number");
    loop {
        line.clear();
        if file.read_line(&mut line).expect("lines of text") == 0 {
            break;
        }
        match line.trim_end().split_once(',') {
            Some((of, item)) => {
                if basket.replace(number(of)).is_some_and(|before| before != number(of)) {
                    end(&mut row);
                }
                row.push(number(item));
            }
            None => {
                row.extend(line.split_ascii_whitespace().map(number));
                end(&mut row);
            }
        }
    }
    if basket.is_some() {
        end(&mut row);
    }
    rows
}

fn itemsets(rows: Rows, support: f64) -> (f64, Vec<usize>) {
    let n_items = n_items(&rows);
    let start = Instant::now();
    let matrix = BasketMatrix::of(rows, n_items);
    let min_count = Threshold::of(support).count(matrix.n_baskets());
    let sets = Itemsets::mine(&matrix, min_count, 64, Room::NO_LIMIT).expect("there is no limit");
    (start.elapsed().as_secs_f64(), sets.n_by_size())
}

fn pairs(rows: Rows, min_count: u32) -> (f64, usize) {
    let n_items = n_items(&rows);
    let start = Instant::now();
    let matrix = BasketMatrix::of(rows, n_items);
    let pairs = Pairs::count(&matrix, min_count, &Room::NO_LIMIT).expect("there is no limit");
    (start.elapsed().as_secs_f64(), pairs.items.len())
}

/// Largest resident memory of this process so far, in MiB, where the system tells.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn write(path: &str, each: impl Fn(&mut BufWriter<File>) -> std::io::Result<()>) {
    let mut out = BufWriter::new(File::create(path).expect("a file that can be written"));
    each(&mut out).and_then(|()| out.flush()).expect("a file that can be written");
}

fn table() {
    println!("| baskets | lines | task | s | found |");
    println!("|---:|---:|---|---:|---:|");
    let retail = retail();
    let (n, n_lines) = (retail.n_rows(), retail.items.len());
    for support in [0.01, 0.001, 0.0005] {
        let (seconds, by_size) = itemsets(retail.clone(), support);
        println!("| {n} | {n_lines} | itemsets at {support} | {seconds:.3} | {by_size:?} |");
    }
    for wanted in [1_000_000, 10_000_000] {
        let rows = lines(wanted);
        let (n, n_lines) = (rows.n_rows(), rows.items.len());
        for min_count in [5, 100] {
            let (seconds, found) = pairs(rows.clone(), min_count);
            println!("| {n} | {n_lines} | pairs of {min_count} baskets | {seconds:.3} | {found} |");
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let number = |text: &str| text.parse::<f64>().expect("a number");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["retail", path] => write(path, |out| {
            let rows = retail();
            (0..rows.n_rows()).try_for_each(|row| {
                let items: Vec<String> = rows.row(row).iter().map(u32::to_string).collect();
                writeln!(out, "{}", items.join(" "))
            })
        }),
        ["lines", n_lines, path] => write(path, |out| {
            let rows = lines(number(n_lines) as usize);
            (0..rows.n_rows())
                .try_for_each(|row| rows.row(row).iter().try_for_each(|item| writeln!(out, "{row},{item}")))
        }),
        ["itemsets", path, support, runs] => {
            for _ in 0..number(runs) as usize {
                let (seconds, by_size) = itemsets(read(path), number(support));
                let found: usize = by_size.iter().sum();
                println!("{{\"seconds\": {seconds}, \"found\": {found}, \"peak_mib\": {}}}", peak_mib());
            }
        }
        ["pairs", path, min_count, runs] => {
            for _ in 0..number(runs) as usize {
                let (seconds, found) = pairs(read(path), number(min_count) as u32);
                println!("{{\"seconds\": {seconds}, \"found\": {found}, \"peak_mib\": {}}}", peak_mib());
            }
        }
        _ => table(),
    }
}
