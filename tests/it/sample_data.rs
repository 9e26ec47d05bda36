//! The sample data and the nightly pipeline: what the README shows must work and must be what the generator writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use klientel::run::{Job, Silent, Surroundings, run};

use super::support::Project;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn exports(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".csv")).collect()
}

#[test]
fn the_sample_data_is_what_its_readme_says_the_generator_writes() {
    let readme = fs::read_to_string(root().join("sample-data/README.md")).unwrap();
    let command = readme.lines().find_map(|line| line.trim().strip_prefix("cargo run --release -- generate ")).unwrap();
    let project = Project::new(&[]);
    let words: Vec<&str> = command.split_whitespace().collect();
    let out = words.iter().position(|word| *word == "--out").unwrap();
    let mut klientel = project.klientel();
    klientel.arg("generate").args(&words[..out]).args(["--out", "sample"]).args(&words[out + 2..]);
    let output = klientel.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shipped = root().join("sample-data");
    assert_eq!(exports(&project.path("sample")), exports(&shipped));
    for name in exports(&shipped) {
        let (generated, committed) = (fs::read(project.path("sample").join(&name)), fs::read(shipped.join(&name)));
        assert!(generated.unwrap() == committed.unwrap(), "{name} is not what the generator writes");
    }
}

#[test]
fn the_nightly_pipeline_runs_on_the_sample_data() {
    let text = fs::read_to_string(root().join("pipelines/nightly.toml")).unwrap();
    let mut job = Job::load(&text, "nightly.toml", &root().join("pipelines")).unwrap();
    let project = Project::new(&[]);
    job.output = project.path("out");
    let outcome = run(&job, Surroundings { threads: 1, ..Surroundings::default() }, &Silent).unwrap();
    let counts = &outcome.manifest["counts"];
    assert!(counts["lines_rejected"].as_u64().unwrap() > 0, "the broken rows were not found");
    assert!(counts["lines_repeated_in_other_files"].as_u64().unwrap() > 0, "the overlaps were not found");
    assert!(counts["returns"]["exact"].as_u64().unwrap() > 0);
    assert!(counts["objections"].as_u64().unwrap() > 0);
    assert!(counts["guest_lines"].as_u64().unwrap() > 0);
    assert_eq!(counts["not_merchandise"]["recognised"], serde_json::json!(["GUTSCHEIN", "VERSAND"]));
    for segment in outcome.manifest["segments"].as_array().unwrap() {
        assert!(segment["customers"].as_u64().unwrap() > 0, "segment {} is empty", segment["name"]);
    }
    for campaign in outcome.manifest["campaigns"].as_array().unwrap() {
        let contacts = campaign["contacts"].as_u64().unwrap();
        assert!(contacts > 0 && contacts < campaign["members"].as_u64().unwrap());
    }
    let (spend, model) = (&outcome.manifest["lifetime_value"]["spend"], &outcome.manifest["lifetime_value"]["model"]);
    assert!(spend["p"].as_f64().unwrap() > 0.0 && model["alpha"].as_f64().unwrap() > 0.0);
}

#[test]
fn who_objects_to_profiling_is_in_no_output() {
    let text = fs::read_to_string(root().join("pipelines/nightly.toml")).unwrap();
    let mut job = Job::load(&text, "nightly.toml", &root().join("pipelines")).unwrap();
    let project = Project::new(&[]);
    job.output = project.path("out");
    let outcome = run(&job, Surroundings { threads: 1, ..Surroundings::default() }, &Silent).unwrap();
    let customers = fs::read_to_string(root().join("sample-data/customers.csv")).unwrap();
    let mut lines = customers.lines();
    let column = lines.next().unwrap().split(';').position(|header| header == "Widerspruch").unwrap();
    let objecting: Vec<&str> = lines
        .filter(|line| line.split(';').nth(column).is_some_and(|cell| cell == "ja"))
        .filter_map(|line| line.split(';').next())
        .collect();
    assert!(!objecting.is_empty());
    let outputs = outcome.manifest["outputs"].as_array().unwrap();
    for path in outputs.iter().map(|output| output["path"].as_str().unwrap()) {
        // Ids are short enough to stand in Parquet as they are, but pages are compressed: the CSV beside each says the same.
        let bytes = fs::read(outcome.directory.join(path)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for id in &objecting {
            assert!(!text.contains(id), "a customer who objects is in {path}");
        }
    }
}
