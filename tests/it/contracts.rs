//! Contracts through a pipeline without transactions: the status table of Telco, contracts with dates, and input that is wrong.

use std::fmt::Write as _;
use std::fs;

use klientel::run::{Job, RunError};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::support::{Project, Run, data};

const STATUS: &str = "version = 1\nas-of = 2026-06-30\n[input.contracts.csv]\npath = 'contracts.csv'\n[input.contracts]\nattributes = ['plan']\n\
                      [output]\ndirectory = 'out'\n";

/// Telco as it was published, eleven `TotalCharges` of which are blank, by the program.
#[test]
fn telco_is_learnt_from_its_status_and_beats_the_rules() {
    let Some(path) = data("telco/Telco-Customer-Churn.csv") else { return };
    let text = fs::read_to_string(path).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let attributes: Vec<&str> = header
        .iter()
        .copied()
        .filter(|name| !["customerID", "tenure", "Churn", "MonthlyCharges"].contains(name))
        .collect();
    let pipeline = format!(
        "version = 1\nas-of = 2026-06-30\n[input.contracts]\nattributes = {attributes:?}\n[input.contracts.csv]\npath = 'telco.csv'\n\
         [input.contracts.columns]\nprice = 'MonthlyCharges'\n[churn]\nhorizon = '1 month'\n[output]\ndirectory = 'out'\n"
    );
    let project = Project::new(&[("telco.csv", &text), ("pipeline.toml", &pipeline)]);
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    println!("{shown}");
    assert!(output.status.success(), "{shown}");
    // Where an AUC stands, the label stands above it.
    let label = "contract cancelled as the status of 2026-06-30 says, read as within the 1 month before, among those that ran when it began";
    assert!(shown.find(label).unwrap() < shown.find("published hazard: AUC 0.849").unwrap());
    let run = project.run(&pipeline).unwrap();
    let card = |path: &str| run.number(&format!("churn.evaluation.{path}"));
    let evaluation = &run.manifest["churn"]["evaluation"];
    // The eleven that are not a month old have blank charges in all; they cannot have been cancelled in it.
    assert_eq!((card("n"), evaluation["setting"].as_str()), (7_032.0, Some("contract")));
    assert!((card("base_rate") - 1_869.0 / 7_032.0).abs() < 1e-9);
    let chosen = evaluation["chosen"].as_str().unwrap();
    assert!(card(&format!("models.{chosen}.auc")) >= 0.848 && card(&format!("models.{chosen}.brier")) <= 0.1345);
    assert!(card("models.hazard.auc") >= 0.848 && card("models.hazard.brier") <= 0.1345);
    assert!(card("models.logistic.auc") >= 0.844 && card("models.logistic.brier") <= 0.136);
    assert!(card(&format!("models.{chosen}.ece")) < 0.02);
    assert_eq!(
        (evaluation["single_attribute"].as_str(), evaluation["best_rule"].as_str()),
        (Some("Contract"), Some("tenure"))
    );
    for rule in ["tenure", "single_attribute", "base_rate"] {
        assert!(card(&format!("rules.{rule}.auc")) < card(&format!("models.{chosen}.auc")) - 0.05);
    }
    assert!((card("rules.base_rate.auc") - 0.5).abs() < 1e-9);
    assert_eq!((card("campaign.contact_cost"), card("campaign.success_rate")), (1.0, 0.3));

    let scores = run.scores();
    assert_eq!(scores.len(), 7_043);
    // The 1,869 who left have no risk; everybody else has one, those with a blank `TotalCharges` too.
    assert_eq!(scores.values().filter(|row| row["churn_risk"].is_empty()).count(), 1_869);
    let blank = &scores["4472-LVYGI"];
    assert!((0.01..0.5).contains(&blank["churn_risk"].parse::<f64>().unwrap()), "{blank:?}");
    let high: Vec<_> = scores.values().filter(|row| row["churn_band"] == "high").collect();
    assert!(high.len() > 50);
    let monthly = high.iter().filter(|row| {
        ["churn_reason_1", "churn_reason_2", "churn_reason_3"]
            .iter()
            .any(|reason| row[*reason] == "Contract is Month-to-month")
    });
    assert!(monthly.count() * 10 > high.len() * 9);
    // Nobody is worth more than the price of a year, and what is at risk is a share of it.
    let prices: std::collections::BTreeMap<&str, f64> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|row| (row[0], row[18].parse().unwrap()))
        .collect();
    let mut values = Vec::new();
    for (id, row) in scores.iter().filter(|(_, row)| !row["churn_risk"].is_empty()) {
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let value = number("churn_value_at_risk") / number("churn_risk");
        assert!(value < 12.0 * prices[id.as_str()] + 0.5, "{row:?}");
        let gain = number("churn_risk") * 0.3 * (value - 10.0) - (1.0 - number("churn_risk")) * 10.0 - 1.0;
        // A risk of a thousandth leaves little of the value behind two decimals.
        assert!((number("churn_contact_profit") - gain).abs() < 0.02, "{row:?}");
        values.push(value);
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    assert!((mean / card("campaign.mean_value") - 1.0).abs() < 0.01, "{mean}");

    let models = run.table("churn_models.csv");
    assert_eq!(models.iter().map(|row| row["kind"].as_str()).filter(|kind| *kind == "rule").count(), 3);
    assert_eq!((models.len(), run.table("churn_deciles.csv").len()), (7, 70));
    assert!(models.iter().all(|row| row["label"].starts_with(label)));
    let notes = run.manifest["notes"].to_string();
    for said in [
        "1869 of 7043 customers have no running contract",
        "read as the last 1 month, and months as those begun",
        "11 contracts began within that time",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
}

/// Draws between 0 and 1.
fn draws() -> impl FnMut() -> f64 {
    let mut state = 11_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// A contract of the export; `end` is empty while it runs.
struct Row {
    id: String,
    start: String,
    end: String,
    plan: &'static str,
}

/// Monthly plans are cancelled with 6% a month in the first year and 3% after it, yearly ones with a sixth of that; half of who cancelled comes
/// back after three months, to the other plan.
fn dated(n: usize) -> Vec<Row> {
    let mut draw = draws();
    let date = |month: i64, day: i64| format!("{}-{:02}-{day:02}", 2020 + month / 12, month % 12 + 1);
    let mut rows = Vec::new();
    for customer in 0..n {
        let mut monthly = draw() < 0.5;
        let mut start = 40 + (draw() * 32.0) as i64;
        loop {
            let mut end = None;
            for month in start + 1..78 {
                let hazard = if month - start <= 12 { 0.06 } else { 0.03 } / if monthly { 1.0 } else { 6.0 };
                if draw() < hazard {
                    end = Some(month);
                    break;
                }
            }
            rows.push(Row {
                id: format!("K{customer:05}"),
                start: date(start, 12),
                end: end.map_or(String::new(), |month| date(month, 10)),
                plan: if monthly { "monthly" } else { "yearly" },
            });
            match end {
                Some(end) if draw() < 0.5 && end + 3 < 77 => (start, monthly) = (end + 3, !monthly),
                _ => break,
            }
        }
    }
    rows
}

/// The export has a price, and a column that is filled in on leaving.
fn run_dated(rows: impl Iterator<Item = String>) -> (Project, Run) {
    let text = format!("customer,start date,end date,plan,price,exit code\n{}", rows.collect::<String>());
    let project = Project::new(&[("contracts.csv", &text)]);
    let pipeline = STATUS.replace("['plan']", "['plan', 'exit code']").replace(
        "[output]",
        "[input.contracts.columns]\ncustomer-id = 'customer'\nstart-date = 'start date'\nend-date = 'end date'\n[churn]\nhorizon = '3 months'\n[output]",
    );
    let run = project.run(&pipeline).unwrap_or_else(|error| panic!("{error}"));
    (project, run)
}

#[test]
fn contracts_with_dates_are_evaluated_at_a_cut_in_any_order_of_rows() {
    let rows = dated(6_000);
    let line = |row: &Row| {
        let Row { id, start, end, plan } = row;
        let (price, code) =
            (if *plan == "monthly" { "30.00" } else { "20.00" }, if end.is_empty() { "" } else { "X7" });
        format!("{id},{start},{end},{plan},{price},{code}\n")
    };
    let (_first, run) = run_dated(rows.iter().map(line));
    println!("{:#}", run.manifest["churn"]);
    let evaluation = &run.manifest["churn"]["evaluation"];
    assert_eq!(
        (evaluation["cut"].as_str(), evaluation["train_cut"].as_str()),
        (Some("2026-04-01"), Some("2026-01-01"))
    );
    let label = "contract cancelled from 2026-04-01 to 2026-06-30 (3 months), among those running before";
    assert_eq!(evaluation["label"], label);
    // Both cuts count who ran on their eve, also those who were won back later, and every end after it.
    for (cut, eve, last) in [("train_", "2025-12-31", "2026-03-31"), ("", "2026-03-31", "2026-06-30")] {
        let ran: Vec<&Row> =
            rows.iter().filter(|row| *row.start <= *eve && (row.end.is_empty() || *row.end > *eve)).collect();
        let ended = ran.iter().filter(|row| !row.end.is_empty() && *row.end <= *last).count();
        assert_eq!(run.number(&format!("churn.evaluation.{cut}n")), ran.len() as f64);
        let rate = run.number(&format!("churn.evaluation.{cut}base_rate"));
        assert!((rate - ended as f64 / ran.len() as f64).abs() < 1e-9, "{rate} {ended} of {}", ran.len());
    }
    let card = |path: &str| run.number(&format!("churn.evaluation.{path}"));
    assert!(card("models.hazard.auc") > 0.65 && card("models.hazard.ece") < 0.03);
    assert_eq!(evaluation["calibrated_on"], "latest cut");
    assert!(card("gain_over_best_rule").is_finite());
    assert_eq!(run.manifest["churn"]["left_out_as_leaks"].as_array().unwrap(), &["exit code"]);
    let notes = run.manifest["notes"].to_string();
    let n_back = rows.chunk_by(|a, b| a.id == b.id).map(|own| own.len() - 1).sum::<usize>();
    assert!(n_back > 500 && notes.contains(&format!("{n_back} times somebody came back")), "{notes}");
    assert!(notes.contains(&format!("AUC of 1.000 (label: {label})")), "{notes}");

    // Three months of 6% and 3% for monthly plans, a sixth for yearly ones; the plan is that of now, also of who had another one.
    let scores = run.scores();
    let mean = |plan: &str, is_back: bool| {
        let by_customer = rows.chunk_by(|a, b| a.id == b.id).filter(|own| (own.len() > 1) == is_back);
        let running = by_customer.filter_map(|own| own.last()).filter(|row| row.end.is_empty() && row.plan == plan);
        let risks: Vec<f64> = running.map(|row| scores[&row.id]["churn_risk"].parse().unwrap()).collect();
        assert!(risks.len() > 100);
        risks.iter().sum::<f64>() / risks.len() as f64
    };
    println!("{} {} {} {}", mean("monthly", false), mean("yearly", false), mean("monthly", true), mean("yearly", true));
    assert!((0.07..0.16).contains(&mean("monthly", false)) && (0.008..0.03).contains(&mean("yearly", false)));
    assert!((0.10..0.20).contains(&mean("monthly", true)) && (0.008..0.04).contains(&mean("yearly", true)));
    // A plan for 20 that hardly anybody leaves is worth nearly twelve months of it.
    let yearly = rows.iter().filter(|row| row.end.is_empty() && row.plan == "yearly").map(|row| &scores[&row.id]);
    for row in yearly {
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        assert!((190.0..240.0).contains(&((number("churn_value_at_risk") + 0.005) / number("churn_risk"))), "{row:?}");
    }
    let (_second, backwards) = run_dated(rows.iter().rev().map(line));
    assert_eq!(run.hashes(), backwards.hashes());
}

fn error(pipeline: &str, text: &str) -> RunError {
    *Project::new(&[("contracts.csv", text)]).run(pipeline).err().unwrap()
}

fn status(rows: usize, word: impl Fn(usize) -> &'static str, tenure: impl Fn(usize) -> i32) -> String {
    let mut text = "customer_id,tenure,churn,plan\n".to_owned();
    (0..rows).for_each(|row| writeln!(text, "{row},{},{},{}", tenure(row), word(row), ["a", "b"][row % 2]).unwrap());
    text
}

#[test]
fn without_a_column_of_cancellations_the_message_names_it() {
    let found = error(STATUS, "customer_id,tenure,plan\n1,3,a\n").diagnostic();
    assert_eq!(found.code, "K0305");
    assert!(found.title.contains("`start-date` or `tenure-months` with `cancelled`"), "{}", found.title);
    assert!(found.help.unwrap().contains("[input.contracts.columns]"));
}

#[test]
fn words_that_nobody_knows_are_not_guessed() {
    let unknown = status(40, |row| ["Ja klar", "wohl nicht"][row % 2], |row| row as i32);
    let found = error(STATUS, &unknown).diagnostic();
    assert_eq!(found.code, "K0325");
    assert_eq!(
        found.title,
        "table `contracts`: no cell of `churn` says yes or no (40 rows, shapes `aa aaaa`, `aaaa aaaaa`)"
    );
    assert!(
        found
            .help
            .unwrap()
            .starts_with("name the words that mean yes in `[input.contracts]`: `cancelled-values = [\"…\"]`")
    );
    // Where the pipeline says what they mean they are read.
    let named = STATUS.replace("attributes =", "cancelled-values = ['Ja klar']\nattributes =");
    let more = status(400, |row| ["Ja klar", "wohl nicht"][row % 2], |row| row as i32);
    let project = Project::new(&[("contracts.csv", &more)]);
    let run = project.run(&named).unwrap();
    assert_eq!(run.scores().values().filter(|row| row["churn_risk"].is_empty()).count(), 200);
    // A handful of cancellations is not believed.
    let project = Project::new(&[("contracts.csv", &unknown)]);
    let run = project.run(&named).unwrap();
    assert!(run.scores().values().all(|row| row["churn_risk"].is_empty()));
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("no churn risks: 19 contracts were cancelled and 19 stayed"), "{notes}");
    // A few among known ones are rejected; many stop the run.
    let some = status(300, |row| if row < 2 { "vielleicht" } else { ["yes", "no"][row % 2] }, |row| row as i32 % 50);
    let run = Project::new(&[("contracts.csv", &some)]).run(STATUS).unwrap();
    assert_eq!(run.number("counts.rejects_by_reason.contracts.neither yes nor no in a word that is known"), 2.0);
    let many = status(40, |row| if row < 2 { "vielleicht" } else { ["yes", "no"][row % 2] }, |row| row as i32);
    let found = error(STATUS, &many).diagnostic();
    assert_eq!(found.title, "2 of 40 rows of `contracts` were rejected (5.00%), the pipeline allows 1.00%");
}

#[test]
fn a_negative_tenure_is_a_rejected_row() {
    let text = status(300, |row| ["yes", "no"][row % 2], |row| if row == 7 { -3 } else { row as i32 % 50 });
    let project = Project::new(&[("contracts.csv", &text)]);
    let run = project.run(STATUS).unwrap();
    assert_eq!(run.scores().len(), 299);
    assert_eq!(run.number("counts.rejects_by_reason.contracts.a tenure below zero"), 1.0);
}

#[test]
fn a_pipeline_says_what_it_lacks() {
    let problems = |text: &str| -> Vec<(&'static str, String)> {
        let project = Project::new(&[]);
        let found = Job::load(text, "pipeline.toml", project.dir.path()).err().unwrap();
        found.into_iter().map(|problem| (problem.code, problem.title)).collect()
    };
    let undated = STATUS.replace("as-of = 2026-06-30\n", "");
    assert_eq!(problems(&undated), [("K0104", "`as-of` is missing".to_owned())]);
    let asked = format!("analyses = ['rfm', 'churn']\n{STATUS}");
    assert_eq!(problems(&asked), [("K0108", "`rfm` needs the table `[input.transactions]`".to_owned())]);
    let segment = format!("{STATUS}[[segment]]\nname = 'best'\nwhere = \"abc_class = 'A'\"\n");
    assert_eq!(problems(&segment), [("K0203", "segment `best` uses unknown column `abc_class`".to_owned())]);
    let by_contract = "version = 1\n[input.transactions.csv]\npath = 'a.csv'\n[churn]\nsetting = 'contract'\n[output]\ndirectory = 'out'\n";
    assert_eq!(problems(by_contract), [("K0108", "`churn` needs the table `[input.contracts]`".to_owned())]);
}

/// Contracts beside transactions: everything runs, customers without a contract have no risk, objections are respected in both tables.
#[test]
fn contracts_stand_beside_transactions() {
    let contracts = status(400, |row| ["yes", "no", "no"][row % 3], |row| (row as i32 * 7) % 60);
    let mut lines = "customer_id,date,amount\n".to_owned();
    (300..500).for_each(|row| writeln!(lines, "{row},2026-0{}-15,10.00", row % 6 + 1).unwrap());
    let project = Project::new(&[
        ("contracts.csv", &contracts),
        ("lines.csv", &lines),
        ("customers.csv", "customer_id,objection\n301,ja\n7,ja\n"),
    ]);
    let tables =
        "[input.transactions.csv]\npath = 'lines.csv'\n[input.customers.csv]\npath = 'customers.csv'\n[output]";
    let run = project.run(&STATUS.replace("[output]", tables)).unwrap();
    let scores = run.scores();
    assert_eq!(scores.len(), 199);
    let known = |id: &str| !scores[id]["churn_risk"].is_empty();
    // 304 runs, 303 was cancelled, 450 has no contract.
    assert_eq!(["304", "303", "450"].map(known), [true, false, false]);
    assert!(scores["450"].contains_key("abc_class") && !scores.contains_key("301"));
    // Those that are not three months old are left out.
    assert_eq!(run.number("churn.evaluation.n"), 378.0);
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("2 contracts of customers who object to profiling are left out"), "{notes}");
    assert!(notes.contains("299 of 398 customers with a contract have no transaction"), "{notes}");
}

/// Labels by lot: nothing can be learnt, and the output says so. A column that was filled in on leaving is found and named.
#[test]
fn what_cannot_be_learnt_and_what_knows_too_much_is_said() {
    let mut draw = draws();
    let mut text = "customer_id,tenure,churn,plan,age,exit code,last words\n".to_owned();
    for row in 0..1_500 {
        let (tenure, plan, age) =
            ((draw() * 60.0) as u32, ["a", "b", "c"][(draw() * 3.0) as usize], (draw() * 50.0) as u32);
        let lost = draw() < 0.3;
        // Everybody leaves in other words: only that there are some gives them away.
        let words = if lost { format!("moved to house {row}") } else { String::new() };
        writeln!(text, "{row},{tenure},{},{plan},{age},{},{words}", u8::from(lost), if lost { "X7" } else { "" })
            .unwrap();
    }
    let pipeline = STATUS.replace("['plan']", "['plan', 'age', 'exit code', 'last words']");
    let project = Project::new(&[("contracts.csv", &text)]);
    let run = project.run(&pipeline).unwrap();
    let evaluation = &run.manifest["churn"]["evaluation"];
    let chosen = evaluation["chosen"].as_str().unwrap();
    assert!(["tenure", "single_attribute", "base_rate"].contains(&chosen), "{chosen}");
    for model in ["hazard", "logistic", "boosting", "blend"] {
        let auc = run.number(&format!("churn.evaluation.models.{model}.auc"));
        assert!((auc - 0.5).abs() < 0.06, "{model}: {auc}");
    }
    assert_eq!(run.manifest["churn"]["left_out_as_leaks"].as_array().unwrap(), &["exit code", "last words"]);
    let base_rate = run.number("churn.evaluation.base_rate");
    for row in run.scores().values().filter(|row| !row["churn_risk"].is_empty()) {
        // What a rule consists of is a reason for who is above the others.
        assert_eq!(row["churn_reason_1"].is_empty(), row["churn_risk"].parse::<f64>().unwrap() <= base_rate, "{row:?}");
    }
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("beyond noise, so the calibrated rule is published (label: contract cancelled"), "{notes}");
    assert!(notes.contains("`exit code` is left out, it knows the future"), "{notes}");
}

/// What is wrong with the row of somebody who objects is not kept either, and of others only where it stands.
#[test]
fn rejected_rows_of_contracts_are_not_kept_and_those_of_who_objects_not_even_named() {
    let word = |row| if [7, 8].contains(&row) { "vielleicht" } else { ["yes", "no", "no"][row % 3] };
    let contracts = status(600, word, |row| if [9, 10].contains(&row) { -3 } else { row as i32 % 50 });
    let project = Project::new(&[
        ("contracts.csv", &contracts),
        ("customers.csv", "customer_id,objection\n7,ja\n8,nein\n9,ja\n10,nein\n"),
    ]);
    let run =
        project.run(&STATUS.replace("[output]", "[input.customers.csv]\npath = 'customers.csv'\n[output]")).unwrap();
    let file = fs::File::open(run.directory.join("rejects.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rejects: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rejects.len(), 2, "{rejects:?}");
    for (reject, line) in rejects.iter().zip([10, 12]) {
        assert!(reject.contains(&format!("line: {line},")) && reject.ends_with("row: null}"), "{reject}");
    }
    assert!(
        run.manifest["notes"].to_string().contains("2 contracts of customers who object to profiling are left out")
    );
}
