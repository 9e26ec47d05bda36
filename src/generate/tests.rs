//! Laws of a generated base: same parameters same bytes, shares of a real shop, dirt that can be washed off.

use std::collections::{BTreeMap, BTreeSet};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type};

use super::*;

fn params(customers: u32) -> Params {
    Params { customers, products: 300, days: 420, seed: 11, ..Params::default() }
}

fn files(params: &Params) -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let summary = generate(params, directory.path(), &|_| ()).unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    summary.files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Rows of the transactions as clean text, without headers; clean fields hold no quotes.
fn clean_rows(params: &Params) -> Vec<Vec<String>> {
    let files = files(params);
    let transactions = files.iter().filter(|(name, _)| name.starts_with("transactions"));
    let texts = transactions.map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap());
    let rows = |text: String| text.lines().skip(1).map(fields).collect::<Vec<_>>();
    texts.flat_map(rows).collect()
}

fn fields(row: &str) -> Vec<String> {
    row.split(',').map(str::to_owned).collect()
}

fn house(customers: u32) -> House {
    House {
        seed: 11,
        n_customers: customers,
        calendar: Calendar::new(Day(20_634), 420),
        catalogue: Catalogue::new(11, 300),
        population: Population::new(),
    }
}

fn all_lines(house: &House) -> Vec<Line> {
    draw(house, &house.calendar.months()).concat()
}

#[test]
fn same_parameters_give_the_same_bytes_on_any_number_of_threads() {
    let params = Params { dirt: Dirt::German, ..params(9_000) };
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let many = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
    let expected = single.install(|| files(&params));
    assert!(expected == many.install(|| files(&params)));
    assert!(expected != files(&Params { seed: 12, ..params }));
}

/// Memory decides how many months are drawn at once; it must not decide what is drawn.
#[test]
fn passes_change_no_line() {
    let house = house(1_500);
    let mut together = all_lines(&house);
    let mut apart: Vec<Line> =
        house.calendar.months().chunks(4).flat_map(|months| draw(&house, months).concat()).collect();
    together.sort_unstable();
    apart.sort_unstable();
    assert!(together == apart);
}

#[test]
fn one_file_holds_the_rows_of_all_months() {
    let by_month = clean_rows(&params(800));
    assert_eq!(by_month, clean_rows(&Params { files: FilesPer::One, ..params(800) }));
    let order = |row: &Vec<String>| (row[2].clone(), row[1].clone());
    assert!(by_month.is_sorted_by_key(order), "rows are sorted by date, then document number");
    assert!(by_month.iter().all(|row| ("2025-05-07"..="2026-06-30").contains(&row[2].as_str())));
}

#[test]
fn shares_are_those_of_a_real_shop() {
    let params = Params { customers: 20_000, ..Params::default() };
    let directory = tempfile::tempdir().unwrap();
    let summary = generate(&params, directory.path(), &|_| ()).unwrap();
    let check = |what: &str, share: f64, from: f64, to: f64| {
        assert!((from..to).contains(&share), "{what}: {share}");
    };
    let lines = summary.n_lines as f64;
    check("lines a customer", lines / 20_000.0, 12.0, 14.5);
    check("return lines", summary.n_return_lines as f64 / lines, 0.03, 0.05);
    check("guest lines", summary.n_guest_lines as f64 / lines, 0.02, 0.04);

    let mut orders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, bytes) in files(&params).iter().filter(|(name, _)| name.starts_with("transactions")) {
        for row in std::str::from_utf8(bytes).unwrap().lines().skip(1).map(fields) {
            if !row[0].is_empty() && !row[1].starts_with('G') {
                orders.entry(row[0].clone()).or_default().insert(row[1].clone());
            }
        }
    }
    let share = |holds: &dyn Fn(usize) -> bool| {
        orders.values().filter(|orders| holds(orders.len())).count() as f64 / orders.len() as f64
    };
    check("customers with a purchase", orders.len() as f64 / 20_000.0, 0.8, 0.97);
    check("one order", share(&|n| n == 1), 0.22, 0.38);
    check("one or two orders", share(&|n| n <= 2), 0.40, 0.58);
    check("more than twenty orders", share(&|n| n > 20), 0.01, 0.08);
}

#[test]
fn december_is_busier_than_july() {
    let calendar = Calendar::new(Day(20_634), 730);
    let busy = |from: &str, to: &str| {
        let offset = |iso: &str| Day::parse_iso(iso).unwrap().0 - calendar.day(0).0;
        let weeks =
            |days: i32| (0..2_000).map(|n| f64::from(n) / 5.0).find(|t| calendar.offset_at(*t) >= i64::from(days));
        weeks(offset(to)).unwrap() - weeks(offset(from)).unwrap()
    };
    assert!(busy("2025-12-01", "2025-12-21") > 1.5 * busy("2025-07-01", "2025-07-21"));
}

/// What the cross-sell should find: an anchor and its complement stand together far more often than chance.
#[test]
fn planted_pairs_have_lift() {
    let house = house(12_000);
    let mut baskets: BTreeMap<(u64, u32), BTreeSet<u32>> = BTreeMap::new();
    for line in all_lines(&house).iter().filter(|line| !line.is_return()) {
        baskets.entry((line.key, line.customer)).or_default().insert(line.product);
    }
    let n_baskets = baskets.len() as f64;
    let count = |products: &[u32]| {
        baskets.values().filter(|basket| products.iter().all(|product| basket.contains(product))).count() as f64
    };
    let mut n_pairs = 0;
    for anchor in 0..300 {
        for &complement in house.catalogue.complements(anchor) {
            let lift = count(&[anchor, complement]) * n_baskets / (count(&[anchor]) * count(&[complement]));
            assert!(lift > 5.0, "products {anchor} and {complement}: lift {lift}");
            n_pairs += 1;
        }
    }
    assert!(n_pairs >= 30, "{n_pairs}");
}

/// Personal price levels exist: the mean order values of a customer's odd and even orders agree better than chance.
#[test]
fn customers_keep_their_price_level() {
    let mut orders: BTreeMap<u32, BTreeMap<u64, i64>> = BTreeMap::new();
    for line in all_lines(&house(8_000)).iter().filter(|line| !line.is_return()) {
        *orders.entry(line.customer).or_default().entry(line.key).or_default() += i64::from(line.amount);
    }
    let log_mean = |values: &[i64]| (values.iter().sum::<i64>() as f64 / values.len() as f64).max(1.0).ln();
    let halves: Vec<(f64, f64)> = orders
        .values()
        .filter(|orders| orders.len() >= 8)
        .map(|orders| {
            let values: Vec<i64> = orders.values().copied().collect();
            let half = |start: usize| values.iter().copied().skip(start).step_by(2).collect::<Vec<_>>();
            (log_mean(&half(0)), log_mean(&half(1)))
        })
        .collect();
    let n = halves.len() as f64;
    let (mean_a, mean_b) = (halves.iter().map(|h| h.0).sum::<f64>() / n, halves.iter().map(|h| h.1).sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| halves.iter().map(|h| f(h.0 - mean_a, h.1 - mean_b)).sum::<f64>();
    let correlation = sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    assert!(correlation > 0.4, "{correlation}");
}

/// Splits a German row, honouring quotes.
fn german_fields(row: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for letter in row.chars() {
        match letter {
            '"' => quoted = !quoted,
            ';' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(letter),
        }
    }
    fields
}

/// Washing the German exports (decode, drop broken rows, count overlaps once) leaves exactly the clean lines.
#[test]
fn german_files_decode_back_to_the_clean_lines() {
    let german = Params { dirt: Dirt::German, ..params(3_000) };
    let directory = tempfile::tempdir().unwrap();
    let summary = generate(&german, directory.path(), &|_| ()).unwrap();
    let iso = |date: &str| format!("{}-{}-{}", &date[6..], &date[3..5], &date[..2]);
    let plain = |number: &str| number.replace('.', "").replace(',', ".");
    let (mut washed, mut n_rows, mut n_broken) = (BTreeSet::new(), 0_u64, 0_u64);
    for path in summary.files.iter().filter(|path| path.to_string_lossy().contains("transactions-")) {
        let bytes = fs::read(path).unwrap();
        let (text, _, malformed) = encoding_rs::WINDOWS_1252.decode(&bytes);
        assert!(!malformed);
        let mut rows = text.split("\r\n");
        assert_eq!(rows.next(), Some("Kundennr;Belegnr;Datum;Artikelnr;Artikelbezeichnung;Menge;Umsatz;Wareneinsatz"));
        let mut place = BTreeMap::new();
        for row in rows.filter(|row| !row.is_empty()) {
            n_rows += 1;
            let f = german_fields(row);
            if f.len() != 8 || Day::parse_iso(&iso(&f[2])).is_none() || !f[6].ends_with(|c: char| c.is_ascii_digit()) {
                n_broken += 1;
                continue;
            }
            let clean = [&f[0], &f[1], &iso(&f[2]), &f[3], &f[5], &plain(&f[6]), &plain(&f[7])].map(String::clone);
            let copy = place.entry(clean.clone()).and_modify(|copy| *copy += 1).or_insert(0);
            washed.insert((clean, *copy));
        }
    }
    assert!(summary.n_repeated_rows > 0 && n_broken > 0);
    assert_eq!(n_broken, summary.n_broken_rows);
    assert_eq!(n_rows, summary.n_lines + summary.n_repeated_rows + n_broken);
    assert!((n_broken as f64) < 0.002 * n_rows as f64);
    let mut washed: Vec<Vec<String>> = washed.into_iter().map(|(row, _)| row.to_vec()).collect();
    let mut clean = clean_rows(&params(3_000));
    washed.sort_unstable();
    clean.sort_unstable();
    assert!(washed == clean);

    let customers = fs::read(directory.path().join("customers.csv")).unwrap();
    let customers = String::from_utf8(customers).unwrap();
    let mut rows = customers.split("\r\n");
    let header = "\u{feff}Kundennr;E-Mail;Anrede;Vorname;Nachname;Firma;Strasse;PLZ;Ort;Land;Newsletter;Widerspruch";
    assert_eq!(rows.next(), Some(header));
    let rows: Vec<Vec<String>> = rows.filter(|row| !row.is_empty()).map(german_fields).collect();
    assert_eq!(rows.len(), 3_000);
    assert!(rows.iter().all(|row| row.len() == 12 && ["ja", "nein", ""].contains(&row[10].as_str())));
}

#[test]
fn parquet_holds_the_same_lines_as_csv() {
    let directory = tempfile::tempdir().unwrap();
    let parquet = Params { format: Format::Parquet, files: FilesPer::One, ..params(900) };
    generate(&parquet, directory.path(), &|_| ()).unwrap();
    let file = fs::File::open(directory.path().join("transactions.parquet")).unwrap();
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let (customer, order, product) = (text("customer_id"), text("order_id"), text("product_id"));
        let date = batch.column_by_name("date").unwrap().as_primitive::<Date32Type>();
        let quantity = batch.column_by_name("quantity").unwrap().as_primitive::<Int32Type>();
        let money = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Decimal128Type>().clone();
        let (amount, cost) = (money("amount"), money("cost"));
        for row in 0..batch.num_rows() {
            let customer = if customer.is_null(row) { "" } else { customer.as_string::<i32>().value(row) };
            rows.push(vec![
                customer.to_owned(),
                order.as_string::<i32>().value(row).to_owned(),
                Day(date.value(row)).to_string(),
                product.as_string::<i32>().value(row).to_owned(),
                quantity.value(row).to_string(),
                amount.value_as_string(row),
                cost.value_as_string(row),
            ]);
        }
    }
    assert_eq!(rows, clean_rows(&params(900)));
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let check = |params: Params, expected: &str| {
        let directory = tempfile::tempdir().unwrap();
        let error = generate(&params, directory.path(), &|_| ()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(params(0), "the number of customers is 0");
    check(Params { products: 5, ..params(10) }, "the number of products is 5");
    check(Params { days: 0, ..params(10) }, "the number of days is 0");
    check(Params { as_of: Day(i32::MIN), ..params(10) }, "leaves the years");
    check(Params { as_of: Day(i32::MAX), ..params(10) }, "leaves the years");
    check(Params { dirt: Dirt::German, format: Format::Parquet, ..params(10) }, "matter of CSV");
}

#[test]
fn files_of_other_parameters_are_not_mixed_with() {
    let directory = tempfile::tempdir().unwrap();
    generate(&params(10), directory.path(), &|_| ()).unwrap();
    assert!(generate(&params(20), directory.path(), &|_| ()).is_ok(), "the same months are replaced");
    let error = generate(&Params { days: 30, ..params(10) }, directory.path(), &|_| ()).unwrap_err();
    assert!(matches!(error, GenerateError::Foreign { .. }), "{error}");
}

#[test]
fn the_smallest_base_is_written() {
    let params = Params { customers: 1, products: 24, days: 1, ..Params::default() };
    assert_eq!(files(&params).len(), 3);
}
