//! What a person sees: help, check, plan, streams.

use insta_cmd::assert_cmd_snapshot;

use super::support::Project;

const LINES: &str = "customer_id,order_id,date,product_id,quantity,amount\n\
    1,1,2026-01-01,a,1,10.00\n1,2,2026-02-01,p2,1,12.00\n2,3,2026-02-03,a,2,20.00\n3,4,2026-03-01,c,1,5.00\n";

const PIPELINE: &str = "version = 1\nanalyses = [\"abc\", \"rfm\"]\n\n[input.transactions.csv]\npath = \"lines.csv\"\n\n\
    [[segment]]\nname = \"best\"\nwhere = \"abc_class = 'A'\"\n\n[output]\ndirectory = \"out\"\n";

fn project() -> Project {
    Project::new(&[("pipeline.toml", PIPELINE), ("lines.csv", LINES)])
}

#[test]
fn help_names_commands_and_exit_codes() {
    assert_cmd_snapshot!("help", project().klientel().arg("--help"));
    assert_cmd_snapshot!("help_run", project().klientel().args(["run", "--help"]));
}

#[test]
fn check_needs_no_data() {
    let project = Project::new(&[("pipeline.toml", PIPELINE)]);
    assert_cmd_snapshot!("check", project.klientel().args(["check", "pipeline.toml"]));
}

#[test]
fn check_points_at_an_unknown_column() {
    let pipeline = PIPELINE.replace("abc_class = 'A'", "recency_day > 90");
    let project = Project::new(&[("pipeline.toml", &pipeline)]);
    assert_cmd_snapshot!("check_unknown_column", project.klientel().args(["check", "pipeline.toml"]));
    let output = project.klientel().args(["check", "pipeline.toml", "--json"]).output().unwrap();
    let errors: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(errors["errors"][0]["code"], "K0203");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let project = project();
    assert_cmd_snapshot!("dry_run", project.klientel().args(["run", "pipeline.toml", "--dry-run"]));
    assert!(!project.path("out").exists());
}

#[test]
fn stdout_is_data_only() {
    let project = project();
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    assert!(output.status.success());
    assert!(output.stdout.is_empty());
    assert!(!output.stderr.is_empty());
    let output = project.klientel().args(["run", "pipeline.toml", "--json"]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(manifest["segments"][0]["name"], "best");
}

#[test]
fn quiet_says_nothing_where_nothing_is_wrong() {
    let project = project();
    assert_cmd_snapshot!("quiet", project.klientel().args(["run", "pipeline.toml", "--quiet"]));
}
