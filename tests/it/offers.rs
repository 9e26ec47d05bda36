//! Offers through a pipeline: what is out of stock, what a budget buys, and what must change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::support::{Project, Run};

const PRODUCTS: &str = "products.csv";

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-data").join(name)
}

/// A pipeline over the sample transactions and the project's own products.
fn pipeline(keys: &str) -> String {
    format!(
        "version = 1\nas-of = 2026-06-30\nanalyses = ['cross-sell']\n\
         [input.transactions.csv]\npath = '{}'\n[input.transactions.columns]\ncost = 'Wareneinsatz'\n\
         [input.products.csv]\npath = '{PRODUCTS}'\n[cross-sell]\noffers-per-customer = 5\n{keys}\n[output]\ndirectory = 'out'\n",
        sample("transactions-*.csv").display()
    )
}

/// The sample products with a column of stock; products that are not named have 12 pieces.
fn products(stock: &[(&str, &str)]) -> Vec<u8> {
    let text = fs::read(sample(PRODUCTS)).unwrap();
    let mut out = Vec::new();
    for (nth, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let id = String::from_utf8_lossy(line.split(|byte| *byte == b';').next().unwrap()).into_owned();
        let pieces = stock.iter().find(|(other, _)| *other == id).map_or("12", |(_, pieces)| *pieces);
        out.extend_from_slice(line);
        out.extend(format!(";{}\r\n", if nth == 0 { "Lagerbestand" } else { pieces }).bytes());
    }
    out
}

/// Runs in a folder that lives as long as what is read from it.
fn run(stock: &[(&str, &str)], keys: &str) -> (Project, Run) {
    let project = Project::new(&[]);
    project.write(PRODUCTS, &products(stock));
    let run = project.run(&pipeline(keys)).unwrap();
    (project, run)
}

/// How often each product is offered first to fifth.
fn offered(run: &Run) -> BTreeMap<String, usize> {
    let mut offered = BTreeMap::new();
    for row in run.scores().values() {
        for nth in 1..=5 {
            *offered.entry(row[&format!("offer_{nth}")].clone()).or_default() += 1;
        }
    }
    offered
}

#[test]
fn what_is_out_of_stock_is_not_offered_and_everything_else_is() {
    let (_all_files, all) = run(&[], "");
    let by_name = offered(&all);
    let mut most: Vec<(&String, &usize)> = by_name.iter().filter(|(id, _)| !id.is_empty()).collect();
    most.sort_by_key(|(id, n)| (std::cmp::Reverse(**n), *id));
    let (first, second, third) = (most[0].0.as_str(), most[1].0.as_str(), most[2].0.as_str());
    let (_some_files, some) = run(&[(first, "0,00"), (second, "Ausverkauft"), (third, "ab Mai")], "");
    let left = offered(&some);
    assert!(!left.contains_key(first) && !left.contains_key(second), "{first} and {second} are out of stock");
    assert!(left[third] >= by_name[third], "nobody knows whether {third} is in stock");
    assert_eq!(some.number("cross_sell.n_products_out_of_stock"), 2.0);
    // The past is judged without tonight's stock.
    assert_eq!(all.text("offer_proof.csv"), some.text("offer_proof.csv"));
    assert_eq!(left.get(""), by_name.get(""), "lists are as long as before");
    let notes = some.manifest["notes"].as_array().unwrap();
    let note = "products: 1 cells of `in_stock` say neither how many there are nor yes or no (such as `aa aaa`); these products are \
                taken to be in stock";
    assert!(notes.iter().any(|found| found == note), "{notes:?}");
}

#[test]
fn a_budget_is_spent_on_customers_who_are_worth_it_each_once() {
    let (_unlimited_files, unlimited) =
        run(&[], "audience-products = ['A10013', 'A10021', 'A10045']\naudience-size = 100000\ncontact-cost = 0.05");
    let all = unlimited.table("offer_audiences.csv");
    let gain = |row: &BTreeMap<String, String>| row["expected_gain"].parse::<f64>().unwrap();
    assert!(!all.is_empty() && all.iter().all(|row| gain(row) > 0.0));
    let mut best: BTreeMap<&str, f64> = BTreeMap::new();
    for row in &all {
        let best = best.entry(&row["customer_id"]).or_default();
        *best = best.max(gain(row));
    }
    let mut gains: Vec<f64> = best.into_values().collect();
    gains.sort_by(|a, b| b.total_cmp(a));
    assert!(gains.len() > 60, "only {} customers", gains.len());

    let keys = "audience-products = ['A10013', 'A10021', 'A10045']\ncontact-cost = 0.05\naudience-budget = 3.02";
    let (_budgeted_files, budgeted) = run(&[], keys);
    let rows = budgeted.table("offer_audiences.csv");
    let customers: BTreeSet<&String> = rows.iter().map(|row| &row["customer_id"]).collect();
    assert_eq!((rows.len(), customers.len()), (60, 60));
    let sum: f64 = rows.iter().map(gain).sum();
    assert!((sum - gains[..60].iter().sum::<f64>()).abs() < 0.005, "{sum} is not the best that 60 contacts can gain");
    assert_eq!(budgeted.number("cross_sell.audience_budget.n_contacts"), 60.0);
    assert_eq!(budgeted.number("cross_sell.audience_budget.cost"), 3.0);
    assert!(budgeted.number("cross_sell.audience_budget.n_unpaid") > 0.0);
}

#[test]
fn a_budget_without_the_cost_of_a_contact_is_an_error() {
    let project = Project::new(&[("pipeline.toml", &pipeline("audience-products = ['A10013']\naudience-budget = 10"))]);
    let output = project.klientel().args(["check", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("`cross-sell.audience-budget` needs `cross-sell.contact-cost`"), "{said}");
}

/// Ids that are numbers and ids that are words, lines in any order: the same offers.
#[test]
fn the_kind_of_ids_and_the_order_of_lines_change_nothing() {
    let mut lines = Vec::new();
    for customer in 0..120_u32 {
        for order in 0..3 {
            let theme = customer % 4;
            for product in [theme * 5 + (customer + order) % 5, theme * 5 + (customer * 7 + order * 3) % 5] {
                let day = 1 + (customer * 3 + order * 11) % 28;
                lines.push((1_000 + customer, order, format!("2026-0{}-{day:02}", 1 + order * 2), 100 + product));
            }
        }
    }
    let offers = |prefix: [&str; 2], turned: bool| {
        let mut rows: Vec<String> = lines
            .iter()
            .map(|(customer, order, day, product)| {
                let [c, p] = prefix;
                format!("{c}{customer};{c}{customer}-{order};{day};{p}{product};9,99\n")
            })
            .collect();
        if turned {
            rows.reverse();
        }
        let text = format!("Kundennr;Belegnr;Datum;Artikelnr;Umsatz\n{}", rows.concat());
        let project = Project::new(&[("lines.csv", &text)]);
        let run = project.run(
            "version = 1\nanalyses = ['cross-sell']\n[input.transactions.csv]\npath = 'lines.csv'\n\
             [cross-sell]\noffers-per-customer = 5\nhorizon = '30 days'\n[output]\ndirectory = 'out'\n",
        );
        let run = run.unwrap();
        let bare = |id: &String, prefix: &str| id.strip_prefix(prefix).unwrap_or(id).to_owned();
        let of_customer = |(id, row): (&String, &BTreeMap<String, String>)| {
            let products = (1..=5).map(|nth| bare(&row[&format!("offer_{nth}")], prefix[1]));
            (bare(id, prefix[0]), products.collect::<Vec<_>>())
        };
        run.scores().iter().map(of_customer).collect::<Vec<_>>()
    };
    let numbers = offers(["", ""], false);
    assert_eq!(numbers.len(), 120);
    assert!(numbers.iter().all(|(_, products)| !products[0].is_empty()));
    assert_eq!(numbers, offers(["", ""], true));
    assert_eq!(numbers, offers(["K-", "art."], false));
}
