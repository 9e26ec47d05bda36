//! Contracts through a pipeline without transactions: the status table of Telco, contracts with dates, and input that is wrong.

use std::fmt::Write as _;
use std::fs;

use klientel::run::{Job, RunError};

use super::support::{Project, Run, data};

const STATUS: &str = "version = 1\nas-of = 2026-06-30\n[input.contracts.csv]\npath = 'contracts.csv'\n[input.contracts]\nattributes = ['plan']\n\
                      [output]\ndirectory = 'out'\n";

fn telco(more: &str) -> Option<(Project, Run)> {
    let text = fs::read_to_string(data("telco/Telco-Customer-Churn.csv")?).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let attributes: Vec<&str> =
        header.iter().copied().filter(|name| !["customerID", "tenure", "Churn"].contains(name)).collect();
    let pipeline = format!(
        "version = 1\nas-of = 2026-06-30\n[input.contracts]\nattributes = {attributes:?}\n[input.contracts.csv]\npath = 'telco.csv'\n\
         [churn]\nhorizon = '1 month'\n{more}[output]\ndirectory = 'out'\n"
    );
    let project = Project::new(&[("telco.csv", &text)]);
    let run = project.run(&pipeline).unwrap();
    Some((project, run))
}

#[test]
fn telco_is_learnt_from_its_status_and_beats_the_rules() {
    let Some((_project, run)) = telco("") else { return };
    let card = |path: &str| run.number(&format!("churn.evaluation.{path}"));
    println!("{:#}", run.manifest["churn"]);
    let evaluation = &run.manifest["churn"]["evaluation"];
    assert_eq!((card("n"), evaluation["setting"].as_str()), (7_043.0, Some("contract")));
    assert!((card("base_rate") - 0.26537).abs() < 1e-5);
    assert!(evaluation["label"].as_str().unwrap().contains("status of 2026-06-30"));
    let chosen = evaluation["chosen"].as_str().unwrap();
    assert!(card(&format!("models.{chosen}.auc")) >= 0.847 && card(&format!("models.{chosen}.brier")) <= 0.135);
    assert!(card("models.hazard.auc") >= 0.848 && card("models.hazard.brier") <= 0.1345);
    assert!(card("models.logistic.auc") >= 0.844 && card("models.logistic.brier") <= 0.1365);
    assert!(card(&format!("models.{chosen}.ece")) < 0.03);
    assert_eq!(evaluation["single_attribute"], "Contract");
    for rule in ["tenure", "single_attribute", "base_rate"] {
        assert!(card(&format!("rules.{rule}.auc")) < card(&format!("models.{chosen}.auc")) - 0.05);
    }
    assert!((card("rules.base_rate.auc") - 0.5).abs() < 1e-9);

    let scores = run.scores();
    assert_eq!(scores.len(), 7_043);
    // The 1,869 who left have no risk; everybody else has one, those with a blank `TotalCharges` too.
    assert_eq!(scores.values().filter(|row| row["churn_risk"].is_empty()).count(), 1_869);
    assert_eq!(
        scores.values().next().unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
        ["churn_band", "churn_reason_1", "churn_reason_2", "churn_reason_3", "churn_risk", "customer_id",]
    );
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

    let models = run.table("churn_models.csv");
    assert_eq!(models.iter().map(|row| row["kind"].as_str()).filter(|kind| *kind == "rule").count(), 3);
    assert_eq!((models.len(), run.table("churn_deciles.csv").len()), (7, 70));
    let notes = run.manifest["notes"].to_string();
    assert!(
        notes.contains("1869 of 7043 contracts have ended") && notes.contains("read as the last 1 month"),
        "{notes}"
    );
}

/// Draws between 0 and 1.
fn draws() -> impl FnMut() -> f64 {
    let mut state = 11_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// Monthly plans are cancelled with 6% a month in the first year and 3% after it, yearly ones with a sixth of that.
fn dated(n: usize) -> Vec<String> {
    let mut draw = draws();
    let row = |customer: usize| {
        let monthly = draw() < 0.5;
        let start = 40 + (draw() * 32.0) as i64;
        let mut end = None;
        for month in start + 1..78 {
            let hazard = if month - start <= 12 { 0.06 } else { 0.03 } / if monthly { 1.0 } else { 6.0 };
            if draw() < hazard {
                end = Some(month);
                break;
            }
        }
        let date = |month: i64, day: i64| format!("{}-{:02}-{day:02}", 2020 + month / 12, month % 12 + 1);
        let end = end.map_or(String::new(), |month| date(month, 10));
        format!("K{customer:05},{},{end},{}\n", date(start, 12), if monthly { "monthly" } else { "yearly" })
    };
    (0..n).map(row).collect()
}

fn run_dated(rows: &[String]) -> (Project, Run) {
    let text = format!("customer,start date,end date,plan\n{}", rows.concat());
    let project = Project::new(&[("contracts.csv", &text)]);
    let pipeline = STATUS.replace(
        "[output]",
        "[input.contracts.columns]\ncustomer-id = 'customer'\nstart-date = 'start date'\nend-date = 'end date'\n[churn]\nhorizon = '3 months'\n[output]",
    );
    let run = project.run(&pipeline).unwrap_or_else(|error| panic!("{error}"));
    (project, run)
}

#[test]
fn contracts_with_dates_are_evaluated_at_a_cut_in_any_order_of_rows() {
    let mut rows = dated(6_000);
    let (_first, run) = run_dated(&rows);
    println!("{:#}", run.manifest["churn"]);
    let evaluation = &run.manifest["churn"]["evaluation"];
    assert_eq!(
        (evaluation["cut"].as_str(), evaluation["train_cut"].as_str()),
        (Some("2026-04-01"), Some("2026-01-01"))
    );
    assert_eq!(
        evaluation["label"],
        "contract cancelled from 2026-04-01 to 2026-06-30 (3 months), among those running before"
    );
    assert!(run.number("churn.evaluation.models.hazard.auc") > 0.65);
    assert!(run.number("churn.evaluation.models.hazard.ece") < 0.03);
    // Three months of 6% and 3% for monthly plans, a sixth for yearly ones.
    let scores = run.scores();
    let mean = |plan: &str| {
        let ids: Vec<&str> =
            rows.iter().filter(|row| row.contains(plan) && row.contains(",,")).map(|row| &row[..6]).collect();
        ids.iter().map(|id| scores[*id]["churn_risk"].parse::<f64>().unwrap()).sum::<f64>() / ids.len() as f64
    };
    println!("{} {}", mean("monthly"), mean("yearly"));
    assert!((0.07..0.15).contains(&mean("monthly")) && (0.008..0.03).contains(&mean("yearly")));
    rows.reverse();
    let (_second, backwards) = run_dated(&rows);
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
    assert!(found.title.contains("`tenure-months` with `cancelled` or `start-date`"), "{}", found.title);
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
    let project = Project::new(&[("contracts.csv", &unknown)]);
    let run = project.run(&named).unwrap();
    assert_eq!(run.scores().values().filter(|row| row["churn_risk"].is_empty()).count(), 20);
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
    assert_eq!(run.number("churn.evaluation.n"), 398.0);
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("2 contracts of customers who object to profiling are left out"), "{notes}");
    assert!(notes.contains("299 of 398 customers with a contract have no transaction"), "{notes}");
}

/// Labels by lot: nothing can be learnt, and the output says so. A column that was filled in on leaving is found and named.
#[test]
fn what_cannot_be_learnt_and_what_knows_too_much_is_said() {
    let mut draw = draws();
    let mut text = "customer_id,tenure,churn,plan,age,exit code\n".to_owned();
    for row in 0..1_500 {
        let (tenure, plan, age) =
            ((draw() * 60.0) as u32, ["a", "b", "c"][(draw() * 3.0) as usize], (draw() * 50.0) as u32);
        let lost = draw() < 0.3;
        writeln!(text, "{row},{tenure},{},{plan},{age},{}", u8::from(lost), if lost { "X7" } else { "" }).unwrap();
    }
    let pipeline = STATUS.replace("['plan']", "['plan', 'age', 'exit code']");
    let run = Project::new(&[("contracts.csv", &text)]).run(&pipeline).unwrap();
    let evaluation = &run.manifest["churn"]["evaluation"];
    let chosen = evaluation["chosen"].as_str().unwrap();
    assert!(["tenure", "single_attribute", "base_rate"].contains(&chosen), "{chosen}");
    for model in ["hazard", "logistic", "boosting", "blend"] {
        let auc = run.number(&format!("churn.evaluation.models.{model}.auc"));
        assert!((auc - 0.5).abs() < 0.06, "{model}: {auc}");
    }
    assert_eq!(run.manifest["churn"]["left_out_as_leaks"].as_array().unwrap(), &["exit code"]);
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("no model ranks better than the best simple rule by more than noise"), "{notes}");
    assert!(notes.contains("`exit code` alone tells who cancelled"), "{notes}");
}
