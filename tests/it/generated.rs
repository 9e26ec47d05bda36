//! Files that are written from the code: `KLIENTEL_UPDATE=1 cargo test generated` rewrites them, otherwise they must agree.

use std::fs;
use std::path::Path;

fn check(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("KLIENTEL_UPDATE").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is out of date: run `KLIENTEL_UPDATE=1 cargo test generated`", path.display());
}

#[test]
fn the_schema_is_what_the_code_says() {
    check("pipelines/pipeline.schema.json", &klientel::pipeline::schema());
}

#[test]
fn the_reference_is_what_the_code_says() {
    check("pipelines/reference.toml", &klientel::pipeline::reference());
}

#[test]
fn the_reference_is_a_pipeline() {
    klientel::pipeline::parse(&klientel::pipeline::reference()).unwrap();
}

#[test]
fn every_pipeline_that_is_shipped_passes_the_check() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let mut n = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            if let Err(problems) = klientel::run::Job::load(&text, "pipeline.toml", &folder) {
                panic!("{}: {problems:#?}", path.display());
            }
            n += 1;
        }
    }
    assert!(n >= 3);
}
