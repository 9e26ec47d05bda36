//! Fit once, score nightly: a run writes its model, a later one scores by it and tells how far the base has drifted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use insta_cmd::assert_cmd_snapshot;
use klientel::diagnostic::Diagnostic;
use klientel::generate::{FilesPer, Params, generate};
use klientel::run::{Job, RunError, Silent, Surroundings, run};
use serde_json::Value;

use super::support::{Project, Run};

const PIPELINE: &str = "version = 1\nas-of = 2026-03-31\nanalyses = [\"abc\", \"rfm\", \"lifetime-value\", \"churn\"]\n\n\
    [input.transactions.csv]\npath = \"base/transactions-*.csv\"\n\n[currency]\ncode = \"EUR\"\n\n\
    [[segment]]\nname = \"good\"\nwhere = \"abc_class = 'A' and clv > 1\"\n\n[output]\ndirectory = \"out\"\n";

/// Two years of 1,500 customers, a file a month.
fn project() -> Project {
    let project = Project::new(&[("pipeline.toml", PIPELINE)]);
    let params = Params { customers: 1_500, products: 60, files: FilesPer::Month, ..Params::default() };
    generate(&params, &project.path("base"), &|_| {}).unwrap();
    project
}

fn later() -> String {
    PIPELINE.replace("2026-03-31", "2026-06-30")
}

fn load(project: &Project, pipeline: &str, model: &Path) -> Result<Job, Vec<Diagnostic>> {
    let mut job = Job::load(pipeline, "pipeline.toml", project.dir.path()).unwrap();
    job.reuse_model(model).map(|()| job)
}

fn reuse(project: &Project, pipeline: &str, model: &Path) -> Result<Run, Box<RunError>> {
    let job = load(project, pipeline, model).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let outcome = run(&job, Surroundings { threads: 1, ..Surroundings::default() }, &Silent).map_err(Box::new)?;
    Ok(Run { directory: outcome.directory, manifest: outcome.manifest })
}

fn model(run: &Run) -> Value {
    serde_json::from_slice(&run.bytes("model.json")).unwrap()
}

/// Rows of `model_drift` by what and part.
fn drift(run: &Run) -> BTreeMap<(String, String), BTreeMap<String, String>> {
    let key = |row: &BTreeMap<String, String>| (row["what"].clone(), row["part"].clone());
    run.table("model_drift.csv").into_iter().map(|row| (key(&row), row)).collect()
}

#[test]
fn the_same_base_gets_the_same_scores_by_the_stored_model() {
    let project = project();
    let fitted = project.run(PIPELINE).unwrap();
    assert_eq!(fitted.manifest["reused_model"], Value::Null);
    let reused = reuse(&project, PIPELINE, &fitted.directory).unwrap();
    // The scores stand on another model file, so it is another run.
    assert_ne!(fitted.manifest["run"]["id"], reused.manifest["run"]["id"]);
    for file in ["scores.csv", "scores.parquet", "segments/good.csv", "abc_products.csv", "model.json"] {
        assert!(fitted.bytes(file) == reused.bytes(file), "{file} differs");
    }
    assert_eq!(reused.manifest["reused_model"]["age_days"], 0);
    let outputs = fitted.manifest["outputs"].as_array().unwrap();
    let listed = outputs.iter().find(|output| output["path"] == "model.json").unwrap();
    assert_eq!(reused.manifest["reused_model"]["sha256"], listed["sha256"]);
    // A refit finds the same parameters, and no score has moved.
    for row in drift(&reused).values() {
        assert!(["", "0"].contains(&row["difference"].trim_end_matches(".0")), "{row:?}");
        assert!(["", "0"].contains(&row["psi"].trim_end_matches(".0")), "{row:?}");
    }
    assert_eq!(reused.manifest["model_drift"]["verdict"], "stable");
    assert_eq!(reused.number("model_drift.purchases.p_value"), 1.0);
    assert_eq!(reused.number("model_drift.spend.p_value"), 1.0);
    assert_eq!(reused.number("model_drift.expected_orders.ratio"), 1.0);
    // Nothing is fitted on a holdout where nothing is chosen.
    assert!(!reused.directory.join("clv_models.csv").exists());
    // The file itself may be named, and a second time it is the same run.
    let again = reuse(&project, PIPELINE, &fitted.directory.join("model.json")).unwrap();
    assert_eq!(again.directory, reused.directory);
}

#[test]
fn a_grown_base_is_scored_by_the_old_thresholds_and_its_drift_is_told() {
    let project = project();
    let fitted = project.run(PIPELINE).unwrap();
    let anew = project.run(&later()).unwrap();
    let reused = reuse(&project, &later(), &fitted.directory).unwrap();
    assert_eq!(model(&fitted), model(&reused));
    assert_ne!(model(&fitted), model(&anew));

    // Classes and scores follow the stored thresholds, customer by customer.
    let stored = model(&fitted);
    let [a_from, b_from] = ["a_from", "b_from"].map(|key| stored["abc"]["customers"][key].as_f64().unwrap() / 100.0);
    let days: Vec<f64> =
        stored["rfm"]["recency_fifths_of_days"].as_array().unwrap().iter().map(|f| f.as_f64().unwrap() / 5.0).collect();
    for row in reused.scores().values() {
        let revenue: f64 = row["revenue"].parse().unwrap();
        let class = if revenue <= 0.0 {
            "N"
        } else if revenue >= a_from {
            "A"
        } else if revenue >= b_from {
            "B"
        } else {
            "C"
        };
        assert_eq!(row["abc_class"], class, "{revenue}");
        if let Ok(recency) = row["rfm_recency_days"].parse::<f64>() {
            let above = days.iter().filter(|cut| **cut < recency).count();
            assert_eq!(row["rfm_r"], (5 - above).to_string(), "{recency}");
        }
    }
    let (kept, moved) = (reused.scores(), anew.scores());
    assert!(kept.iter().any(|(id, row)| row["abc_class"] != moved[id]["abc_class"]), "a refit would change no class");
    assert_eq!(reused.manifest["lifetime_value"]["model"]["r"], fitted.manifest["lifetime_value"]["model"]["r"]);

    // The refit is the fit of a run by itself: both find the maximum of one likelihood.
    let of_drift = &reused.manifest["model_drift"];
    assert_eq!(reused.manifest["reused_model"]["age_days"], 91);
    let name = of_drift["purchases"]["name"].as_str().unwrap();
    if anew.manifest["lifetime_value"]["model"]["name"] == name {
        let refit = reused.number("model_drift.purchases.parameters.r.refit");
        assert!((refit / anew.number("lifetime_value.model.r") - 1.0).abs() < 1e-6);
    }
    let refit = reused.number("model_drift.spend.parameters.p.refit");
    assert!((refit / anew.number("lifetime_value.spend.p") - 1.0).abs() < 1e-6);
    let gain = reused.number("model_drift.purchases.log_likelihood_per_customer.refit")
        - reused.number("model_drift.purchases.log_likelihood_per_customer.stored");
    assert!(gain > 0.0);
    assert!(reused.number("model_drift.purchases.p_value") < 1.0);
    let by_stored = reused.number("model_drift.expected_orders.stored");
    assert!((by_stored / reused.number("lifetime_value.expected_orders") - 1.0).abs() < 1e-9);

    // What the table says of a score: shares of both runs that add up, and parts that add up to the index.
    let rows = drift(&reused);
    let psi = |row: &BTreeMap<String, String>| row["psi"].parse::<f64>().unwrap();
    for (column, index) in of_drift["psi"].as_object().unwrap() {
        let classes: Vec<_> =
            rows.iter().filter(|((what, part), _)| what == column && part != "all").map(|(_, row)| row).collect();
        let sum = |of: &dyn Fn(&BTreeMap<String, String>) -> f64| classes.iter().map(|row| of(row)).sum::<f64>();
        assert!((sum(&|row| row["stored"].parse().unwrap()) - 1.0).abs() < 1e-9, "{column}");
        assert!((sum(&|row| row["now"].parse().unwrap()) - 1.0).abs() < 1e-9, "{column}");
        assert!((sum(&psi) - index.as_f64().unwrap()).abs() < 1e-9, "{column}");
    }
    let class_a = reused.count_by("abc_class")["A"] as f64 / reused.number("counts.customers");
    let row = &rows[&("abc_class".to_owned(), "A".to_owned())];
    assert!((row["now"].parse::<f64>().unwrap() - class_a).abs() < 1e-9);
    let row = &rows[&("abc customers".to_owned(), "A from".to_owned())];
    let chosen_anew = model(&anew)["abc"]["customers"]["a_from"].as_f64().unwrap() / 100.0;
    assert_eq!(row["now"].parse::<f64>().unwrap(), chosen_anew);
}

#[test]
fn too_much_drift_is_a_quality_gate() {
    let project = project();
    let fitted = project.run(PIPELINE).unwrap();
    let gate = |most: f64| format!("{}\n[quality]\nmax-drift-psi = {most}\n", later());
    let error = reuse(&project, &gate(0.0), &fitted.directory).err().unwrap();
    assert!(matches!(*error, RunError::TooMuchDrift { .. }), "{error}");
    let reason = fs::read_to_string(project.path("out/failed/reason.txt")).unwrap();
    assert!(reason.starts_with("error[K0407]: `") && reason.contains("has drifted from the reused model"), "{reason}");
    assert!(reuse(&project, &gate(100.0), &fitted.directory).is_ok());
    project.write("gate.toml", gate(0.0).as_bytes());
    let code =
        project.klientel().args(["run", "gate.toml", "--quiet", "--reuse-model", "out/latest"]).status().unwrap();
    assert_eq!(code.code(), Some(1));
}

#[test]
fn a_model_that_does_not_fit_says_everything_at_once() {
    let project = project();
    let fitted = project.run(&PIPELINE.replace("\"rfm\", ", "")).unwrap();
    let other = format!(
        "{}[abc]\ncuts = [0.5, 0.9]\nvalue = \"gross-revenue\"\n[lifetime-value]\nmodel = \"pareto-nbd\"\n",
        PIPELINE.replace("\"EUR\"", "\"CHF\"")
    );
    let problems = load(&project, &other, &fitted.directory).err().unwrap();
    let said: Vec<&str> = problems.iter().map(|one| one.title.split_once("pipeline: ").unwrap().1).collect();
    let model = fitted.manifest["lifetime_value"]["model"]["name"].as_str().unwrap();
    assert_eq!(
        said,
        [
            "its money is EUR, `currency.code` is CHF",
            "it holds nothing of the analysis `rfm`, which the pipeline asks for",
            "its classes are of revenue, `abc.value` is gross-revenue",
            "its classes were cut at [0.8, 0.95], `abc.cuts` is [0.5, 0.9]",
            &format!("its purchase model is {model}, `lifetime-value.model` is pareto-nbd"),
        ]
    );
    assert!(problems.iter().all(|problem| problem.code == "K0406" && problem.help.is_some()));
}

#[test]
fn other_horizons_are_scored_and_not_compared() {
    let project = project();
    let fitted = project.run(PIPELINE).unwrap();
    let other = format!("{PIPELINE}[lifetime-value]\nhorizon = \"6 months\"\n[churn]\nhorizon = \"30 days\"\n");
    let reused = reuse(&project, &other, &fitted.directory).unwrap();
    let compared: Vec<&String> = reused.manifest["model_drift"]["psi"].as_object().unwrap().keys().collect();
    assert_eq!(compared, ["abc_class", "clv_p_alive", "rfm_f", "rfm_m", "rfm_r"]);
    let notes = reused.manifest["notes"].to_string();
    assert!(notes.contains("drift of clv_expected_orders and clv is not measured"), "{notes}");
    assert!(notes.contains("drift of churn_risk is not measured"), "{notes}");
    assert!(reused.number("lifetime_value.expected_orders") < fitted.number("lifetime_value.expected_orders"));
}

/// Runs the program with a model file and compares streams and exit code; nothing may have been published.
fn check_bad(name: &str, model: Option<&str>, pipeline: &str) {
    let project = Project::new(&[
        ("pipeline.toml", pipeline),
        ("base/transactions-1.csv", "customer_id,date,amount\n1,2026-01-01,1.00\n"),
    ]);
    model.into_iter().for_each(|text| project.write("model.json", text.as_bytes()));
    assert_cmd_snapshot!(name, project.klientel().args(["run", "pipeline.toml", "--reuse-model", "model.json"]));
    assert!(!project.path("out").exists(), "something was written");
}

#[test]
fn bad_model_files_say_what_where_and_what_to_do() {
    let text = {
        let project = project();
        project.run(PIPELINE).unwrap().text("model.json")
    };
    check_bad("model_missing", None, PIPELINE);
    let half = &text[..text.find("\"hessian\"").unwrap()];
    check_bad("model_truncated", Some(half), PIPELINE);
    check_bad("model_damaged", Some(&text.replace("\"symbol\": \"r\"", "\"symbol\": \"rr\"")), PIPELINE);
    check_bad("model_newer", Some(&text.replace("\"format\": 1", "\"format\": 9")), PIPELINE);
    check_bad("model_other_currency", Some(&text), &PIPELINE.replace("\"EUR\"", "\"CHF\""));
}

#[test]
fn a_model_holds_nothing_about_single_customers() {
    let project = project();
    let fitted = project.run(PIPELINE).unwrap();
    let text = fitted.text("model.json");
    assert!(text.len() < 20_000, "{} bytes", text.len());
    for id in fitted.scores().keys() {
        assert!(!text.contains(&format!("\"{id}\"")), "{id}");
    }
}
