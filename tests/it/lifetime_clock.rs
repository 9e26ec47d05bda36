//! Clocks of the lifetime values: opportunities of the calendar with BG/BB, and the season of a base, through whole runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use klientel::units::Day;

use super::support::{Project, Run, assert_close, data};

fn pipeline(as_of: &str, lifetime_value: &str) -> String {
    format!(
        "version = 1\nas-of = {as_of}\nanalyses = [\"lifetime-value\", \"churn\"]\n[currency]\ncode = \"EUR\"\n\
         [input.transactions.csv]\npath = \"sales.csv\"\n[lifetime-value]\n{lifetime_value}\n[output]\ndirectory = \"out\"\n"
    )
}

/// Returns the folder too: the outputs are read from it.
fn run(sales: &str, as_of: &str, lifetime_value: &str) -> (Project, Run) {
    let project = Project::new(&[("sales.csv", sales)]);
    let run = project.run(&pipeline(as_of, lifetime_value)).unwrap_or_else(|error| panic!("{error:?}"));
    (project, run)
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is `{}`", row[column]))
}

/// Gifts of the donors: won in 1995, `x` of the six years after it, the last of them in `t`, and the totals of five more.
fn gifts(holdout: bool) -> Option<String> {
    let text = fs::read_to_string(data("donations/rf_matrix_cal_with_holdout.csv")?).unwrap();
    let mut lines = "customer_id,date,amount\n".to_owned();
    let mut id = 0;
    for line in text.lines().skip(1) {
        let [x, last, n_years, n, after] =
            line.split(',').map(|cell| cell.parse::<i32>().unwrap()).collect::<Vec<_>>()[..]
        else {
            panic!("{line:?}")
        };
        assert_eq!(n_years, 6);
        for customer in 0..n {
            id += 1;
            // Which of the years before the last were taken does not matter; days are spread, some years see two gifts.
            let years = (1..x).chain((x > 0).then_some(last)).map(|year| 1995 + year);
            let later = if holdout { after / n + i32::from(customer < after % n) } else { 0 };
            let years = [1995].into_iter().chain(years).chain((1..=later).map(|year| 2001 + year));
            for year in years {
                let day = Day::from_ymd(year, 1, 1).unwrap().0 + (id * 37 + year * 101) % 365;
                for gift in [day, day + 9].into_iter().take(1 + (id % 4 == 0) as usize) {
                    if Day(gift).ymd().0 == year {
                        writeln!(lines, "{id},{},{}", Day(gift), 10 + id % 50).unwrap();
                    }
                }
            }
        }
    }
    Some(lines)
}

const YEARS: &str = "model = \"bg-bb\"\nopportunity = \"1 year\"\nhorizon = \"5 years\"\ndiscount-rate-per-year = 0.10";

/// Fader, Hardie and Shang, "Customer-base analysis in a discrete-time noncontractual setting": the parameters and the forecast of five years.
#[test]
fn donors_give_the_published_model_through_a_pipeline() {
    let Some(gifts) = gifts(false) else { return };
    let (_folder, found) = run(&gifts, "2001-12-31", YEARS);
    let model = |name: &str| found.number(&format!("lifetime_value.model.{name}"));
    for (name, printed) in [("alpha", 1.203_522), ("beta", 0.749_716), ("gamma", 0.656_718), ("delta", 2.783_442)] {
        assert!((model(name) / printed - 1.0).abs() < 1e-5, "{name} {}", model(name));
    }
    assert_close(model("log_likelihood"), -33_225.58, 2);
    assert_eq!(model("n"), 11_104.0);
    assert_eq!(found.manifest["lifetime_value"]["model"]["time_unit"], "opportunity");
    assert_eq!(found.manifest["lifetime_value"]["opportunity"], "1 year");
    assert_close(found.number("lifetime_value.expected_orders"), 12_884.16, 2);
    // Alive in 2002, and the share of years that the first donors took: six of six and none.
    let scores = found.scores();
    assert_close(number(&scores["1"], "clv_p_alive"), 0.93, 2);
    assert_close(number(&scores["11104"], "clv_p_alive"), 0.11, 2);
    assert_close(number(&scores["1"], "clv_expected_orders"), 3.752_5, 3);
    assert_close(number(&scores["11104"], "clv_expected_orders"), 0.072_863, 4);
    // A year's forecast is the least: 30, 90 and 365 days are the next year. 365 days of no purchase are what churn asks of 90 days.
    let faithful = &scores["1"];
    assert_eq!(faithful["clv_p_buy_30"], faithful["clv_p_buy_365"]);
    assert_close(number(faithful, "clv_p_buy_30") + number(faithful, "churn_risk"), 1.0, 6);
    assert_eq!(faithful["clv_next_order_date"], "2002-12-31");
    // Silent from 2002 on, with years begun by which they are more likely gone.
    assert!(faithful["clv_win_back_date"].ends_with("-01-01"), "{}", faithful["clv_win_back_date"]);
    assert_eq!(scores["11104"]["clv_win_back_date"], "1998-01-01");
}

/// The five years after 2001, seen from 2006: the forecast is that of the paper, and stands beside the rules.
#[test]
fn the_holdout_counts_opportunities() {
    let Some(gifts) = gifts(true) else { return };
    let (_folder, found) = run(&gifts, "2007-03-15", YEARS);
    let evaluation = |name: &str| found.number(&format!("lifetime_value.evaluation.{name}"));
    assert_eq!(found.manifest["lifetime_value"]["evaluation"]["cut"], "2001-12-31");
    assert_eq!((evaluation("holdout_days"), evaluation("purchases")), (1_826.0, 13_260.0));
    assert_close(evaluation("models.bg-bb.bias"), 12_884.16 / 13_260.0 - 1.0, 6);
    assert!(evaluation("models.bg-bb.rmse") < evaluation("rules.last_period.rmse"));
    assert!(evaluation("models.bg-bb.rmse") < evaluation("rules.recency.rmse"));
    let frequency: Vec<(f64, f64)> = found
        .table("clv_frequency.csv")
        .iter()
        .map(|row| (number(row, "expected_customers"), number(row, "actual_customers")))
        .collect();
    assert_close(frequency[0].0, 3_454.9, 1);
    assert_close(frequency[6].0, 1_253.1, 1);
    assert_eq!((frequency[0].1, frequency[6].1), (3_464.0, 1_203.0));
    let tracking = found.table("clv_tracking.csv");
    let ends: Vec<&str> = tracking.iter().map(|row| row["opportunity_end"].as_str()).collect();
    assert_eq!((ends.len(), ends[0], ends[11]), (12, "1995-12-31", "2006-12-31"));
    assert_close(number(&tracking[1], "expected_repeats"), 5_535.8, 0);
    let silent: Vec<_> = found.table("clv_holdout.csv").into_iter().map(|row| row["by"].clone()).collect();
    assert!(silent.contains(&"opportunities since the last one taken".to_owned()));
    let notes = found.manifest["notes"].to_string();
    assert!(notes.contains("the year from 2007-01-01 is not over on 2007-03-15 and left out"), "{notes}");
}

/// What is earned in an opportunity is one order: two purchases in a month count once, with their money together.
#[test]
fn money_is_counted_by_opportunity() {
    let mut lines = "customer_id,date,amount\n".to_owned();
    for id in 0..80 {
        for month in (0..12).filter(|month| *month == 0 || (id + 7 * month) % 3 == 0) {
            for day in [3, 17] {
                writeln!(lines, "{id},2025-{:02}-{day:02},{}", month + 1, 20 + id % 9).unwrap();
            }
        }
    }
    let setting = "model = \"bg-bb\"\nopportunity = \"1 month\"";
    let (_folder, found) = run(&lines, "2025-12-31", setting);
    for row in found.scores().values() {
        let id: i64 = row["customer_id"].parse().unwrap();
        let months = (1..12).filter(|month| (id + 7 * month) % 3 == 0).count();
        assert!(months > 2);
        // Two purchases of 20 to 28 each, shrunk to the mean of the base.
        let each = 2.0 * (20 + id % 9) as f64;
        assert!((number(row, "clv_expected_order_value") / each - 1.0).abs() < 0.20, "{row:?}");
        assert!(number(row, "clv_expected_orders") <= 12.0);
    }
    // Seen from a day in December, eleven months are complete; as many opportunities end within a year.
    let (_folder, open) = run(&lines, "2025-12-30", setting);
    let notes = open.manifest["notes"].to_string();
    assert!(notes.contains("the month from 2025-12-01 is not over on 2025-12-30"), "{notes}");
    for row in open.scores().values() {
        assert!(number(row, "clv_expected_orders") <= 12.0);
        let ends = Day::parse_iso(&row["clv_next_order_date"]).unwrap();
        assert_eq!(Day(ends.0 + 1).ymd().2, 1, "{ends}");
    }
}

/// Index of the months of the base below.
const INDEX: [f64; 12] = [0.6, 0.7, 0.9, 1.0, 1.1, 0.9, 0.7, 0.7, 1.0, 1.1, 1.4, 1.9];

/// SplitMix64, uniform on the open unit interval.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -self.next().ln()
    }
}

/// Customers won from 2021-12-31 on, who buy by season until they leave, up to an end.
fn seasonal(n: usize, end: Day) -> String {
    let first = Day::from_ymd(2021, 12, 31).unwrap().0;
    let (mut random, mut lines) = (Uniform(5), "customer_id,date,amount\n".to_owned());
    for id in 0..n {
        let start = if id == 0 { first } else { first + (random.next() * f64::from(end.0 - first)) as i32 };
        let gap = 60.0 * random.exponential().max(0.05);
        writeln!(lines, "{id},{},{}", Day(start), 20 + id % 30).unwrap();
        let mut at = f64::from(start);
        while random.next() > 0.08 {
            loop {
                at += random.exponential() * gap / 1.9;
                if random.next() * 1.9 < INDEX[(Day(at as i32).ymd().1 - 1) as usize] {
                    break;
                }
            }
            if at >= f64::from(end.0 + 1) {
                break;
            }
            writeln!(lines, "{id},{},{}", Day(at as i32), 20 + id % 30).unwrap();
        }
    }
    lines
}

#[test]
fn a_season_is_found_proven_and_used() {
    let end = Day::from_ymd(2025, 6, 30).unwrap();
    let sales = seasonal(3_000, end);
    let setting = "model = \"mbg-nbd\"\nseason = true\nhorizon = \"6 months\"";
    let ((_one, with), (_other, without)) =
        (run(&sales, "2025-06-30", setting), run(&sales, "2025-06-30", &setting.replace("true", "false")));
    let mean = INDEX.iter().sum::<f64>() / 12.0;
    let months = with.table("clv_season.csv");
    for (row, truth) in months.iter().zip(INDEX) {
        let error = number(row, "index") - truth / mean;
        assert!(error.abs() < 0.20 && error.abs() < 4.0 * number(row, "standard_error"), "{row:?}");
    }
    // The holdout is the first half of 2025; by month the season is nearer.
    let notes = with.manifest["notes"].to_string();
    assert!(notes.contains("season: on the holdout forecasts by month miss by"), "{notes}");
    assert!(!notes.contains("it does not help"), "{notes}");
    let proof = with.table("clv_season_holdout.csv");
    let miss =
        |column: &str| proof.iter().map(|row| (number(row, column) - number(row, "actual_repeats")).abs()).sum::<f64>();
    assert!(miss("expected_repeats_season") < 0.5 * miss("expected_repeats"), "{proof:?}");
    let models = with.table("clv_models.csv");
    let bias = |name: &str| number(models.iter().find(|row| row["forecast"] == name).unwrap(), "bias").abs();
    assert!(bias("season") < bias("mbg-nbd"));
    let tracking = with.table("clv_tracking.csv");
    let off = |column: &str| {
        let of_week = |pair: &[BTreeMap<String, String>]| {
            let gained = |column: &str| number(&pair[1], column) - number(&pair[0], column);
            (gained(column) - gained("actual_repeats")).abs()
        };
        tracking.windows(2).map(of_week).sum::<f64>()
    };
    assert!(off("expected_repeats_season") < 0.75 * off("expected_repeats"), "{}", off("expected_repeats_season"));
    assert_eq!(without.table("clv_models.csv").len() + 1, models.len());
    assert!(!without.table("clv_tracking.csv")[0].contains_key("expected_repeats_season"));
    // July to December count more than an average half-year, July and August less than average months.
    let counts = |of: std::ops::Range<usize>| {
        let days = [31.0, 28.0, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0];
        of.map(|month| number(&months[month], "index") * days[month]).sum::<f64>()
    };
    assert!(counts(6..12) > 184.0 && counts(6..8) < 50.0);
    let (scores, plain) = (with.scores(), without.scores());
    let (mut n_later, mut n_less, mut n_more) = (0, 0, 0);
    for (id, row) in &scores {
        let plain = &plain[id];
        n_later += usize::from(row["clv_next_order_date"] > plain["clv_next_order_date"]);
        n_less += usize::from(number(row, "clv_p_buy_30") < number(plain, "clv_p_buy_30"));
        n_more += usize::from(number(row, "clv_expected_orders") > number(plain, "clv_expected_orders"));
    }
    let most = scores.len() * 3 / 4;
    assert!(n_later > 300 && n_less > most && n_more > most, "{n_later} {n_less} {n_more}");
}

/// Where the base is too short for an index all scores are those without one, to the byte.
#[test]
fn without_two_years_there_is_no_season() {
    let end = Day::from_ymd(2023, 12, 29).unwrap();
    let sales = seasonal(1_000, end);
    let setting = "model = \"mbg-nbd\"\nseason = true";
    let ((_one, with), (_other, without)) =
        (run(&sales, "2023-12-29", setting), run(&sales, "2023-12-29", "model = \"mbg-nbd\""));
    assert!(with.manifest["notes"].to_string().contains("season: fewer than 24 months of data"));
    assert_eq!(with.bytes("scores.csv"), without.bytes("scores.csv"));
    assert!(!with.directory.join("clv_season.csv").exists());
    // Two years in all, but not before the holdout.
    let (_folder, longer) = run(&seasonal(1_000, Day::from_ymd(2024, 6, 30).unwrap()), "2024-06-30", setting);
    let notes = longer.manifest["notes"].to_string();
    assert!(
        notes.contains("season: not provable, there are fewer than 24 months of data before the holdout"),
        "{notes}"
    );
    assert_eq!(longer.table("clv_season.csv").len(), 12);
}
