//! Bad input: every message says what, where and what to do, nothing is published, and the exit code is 2.
//!
//! The messages stand in `snapshots/`; `INSTA_UPDATE=always cargo test bad_input` writes them anew.

use insta_cmd::assert_cmd_snapshot;

use super::support::{Project, data};

const PIPELINE: &str =
    "version = 1\n\n[input.transactions.csv]\npath = \"lines.csv\"\n\n[output]\ndirectory = \"out\"\n";

/// Runs the program on a project and compares streams and exit code; nothing may have been published.
fn check(name: &str, project: &Project) {
    let mut klientel = project.klientel();
    assert_cmd_snapshot!(name, klientel.args(["run", "pipeline.toml", "--quiet"]));
    assert!(!project.path("out/latest").exists(), "something was published");
}

fn with_lines(lines: &str) -> Project {
    Project::new(&[("pipeline.toml", PIPELINE), ("lines.csv", lines)])
}

#[test]
fn a_missing_file() {
    check("missing_file", &Project::new(&[("pipeline.toml", PIPELINE)]));
}

#[test]
fn an_empty_file() {
    check("empty_file", &with_lines(""));
}

#[test]
fn a_header_only() {
    check("header_only", &with_lines("customer_id,date,amount\n"));
}

#[test]
fn a_wrong_column_name() {
    check("wrong_column", &with_lines("customer_id,date,amuont\n1,2026-01-01,10.00\n"));
    let mapped = format!("{PIPELINE}[input.transactions.columns]\namount = \"Umsatz\"\n");
    check(
        "wrong_mapped_column",
        &Project::new(&[("pipeline.toml", &mapped), ("lines.csv", "customer_id,date,Umsaetze\n1,2026-01-01,10.00\n")]),
    );
}

#[test]
fn a_directory_where_a_file_is_expected() {
    check("directory", &Project::new(&[("pipeline.toml", PIPELINE), ("lines.csv/inside.txt", "")]));
}

#[test]
fn a_quote_that_never_closes() {
    check("open_quote", &with_lines("customer_id,date,amount\n1,2026-01-01,10.00\n\"2,2026-01-01,10.00\n"));
}

#[test]
fn dates_that_can_be_read_two_ways() {
    check("ambiguous_date", &with_lines("customer_id,date,amount\n1,01/02/2026,10.00\n2,03/04/2026,10.00\n"));
}

#[test]
fn two_currencies_without_a_rate() {
    check(
        "two_currencies",
        &with_lines("customer_id,date,amount,currency\n1,2026-01-01,10.00,EUR\n2,2026-01-02,10.00,USD\n"),
    );
}

#[test]
fn a_pipeline_with_three_mistakes_shows_all_three() {
    let pipeline = "version = 1\nas-of = 2026-06-30\n\n[input.transactions.csv]\npath = \"lines.csv\"\n\n[abc]\ncut = [0.8, 0.95]\n\n\
                    [lifetime-value]\nzzzzz = \"auto\"\n\n[[segment]]\nname = \"win-back\"\nwhere = 'recency_day > 90'\n\n\
                    [output]\ndirectory = \"out\"\n";
    check("three_mistakes", &Project::new(&[("pipeline.toml", pipeline)]));
}

#[test]
fn a_pipeline_that_is_not_there() {
    let project = Project::new(&[]);
    check("no_pipeline", &project);
}

#[test]
fn a_truncated_parquet_file() {
    let Some(path) = data("online_retail/online_retail.parquet") else { return };
    let whole = std::fs::read(path).unwrap();
    let pipeline = PIPELINE.replace("csv", "parquet");
    let project = Project::new(&[("pipeline.toml", &pipeline)]);
    project.write("lines.parquet", &whole[..whole.len() / 2]);
    check("truncated_parquet", &project);
}

#[test]
fn personal_data_is_in_no_message() {
    let lines = "customer_id,date,amount\nMarker-4711,2026-01-01,Marker-0815\nMarker-4712,Marker-0816,10.00\n1,2026-01-01,1.00\n";
    let project = with_lines(lines);
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("Marker"), "{said}");
}
