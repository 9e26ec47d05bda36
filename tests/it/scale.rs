//! What makes a run fast or small must not show in what it writes: the ingest cache, the memory limit, keys of orders.

use std::fs;

use klientel::generate::{FilesPer, Params, generate};
use klientel::run::{Job, Silent, Surroundings, run};
use serde_json::Value;

use super::support::Project;

const PIPELINE: &str = "version = 1\n[input.transactions.csv]\npath = 'base/transactions*.csv'\n[output]\ndirectory = 'out'\n\
    [[segment]]\nname = 'good'\nwhere = \"abc_class = 'A' and clv > 1\"\n";

/// A base of monthly files.
fn project(customers: u32) -> Project {
    let project = Project::new(&[]);
    let params = Params { customers, products: 200, days: 120, files: FilesPer::Month, ..Params::default() };
    generate(&params, &project.path("base"), &|_| {}).unwrap();
    project
}

struct Ran {
    hashes: Vec<(String, String)>,
    manifest: Value,
}

impl Ran {
    fn cached(&self) -> u64 {
        self.manifest["run"]["files_from_cache"].as_u64().unwrap()
    }

    fn notes(&self) -> String {
        self.manifest["notes"].to_string()
    }
}

/// Runs as often as it is asked to: what an earlier run published goes away first, what it cached stays.
fn ran(project: &Project, pipeline: &str, surroundings: Surroundings) -> Ran {
    let job = Job::load(pipeline, "pipeline.toml", project.dir.path()).unwrap();
    let outcome = run(&job, surroundings, &Silent).unwrap();
    fs::remove_dir_all(&outcome.directory).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let outputs = outcome.manifest["outputs"].as_array().unwrap();
    let hashes = outputs.iter().map(|output| (text(&output["path"]), text(&output["sha256"]))).collect();
    Ran { hashes, manifest: outcome.manifest }
}

const PLAIN: Surroundings = Surroundings { started_at_unix: 0, threads: 1, memory_limit: None, use_cache: false };
const CACHED: Surroundings = Surroundings { use_cache: true, ..PLAIN };

/// Returns the entries of the cache.
fn entries(project: &Project) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(project.path("out/.cache")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "lines")).collect();
    files.sort();
    files
}

#[test]
fn a_second_night_reads_what_is_new_and_writes_the_same_bytes() {
    let project = project(400);
    let plain = ran(&project, PIPELINE, PLAIN);
    assert!(plain.manifest["run"]["files_from_cache"].is_null());
    let first = ran(&project, PIPELINE, CACHED);
    assert_eq!((first.cached(), &first.hashes), (0, &plain.hashes));
    let n_files = entries(&project).len() as u64;
    assert_eq!(n_files, plain.manifest["inputs"].as_array().unwrap().len() as u64);
    let second = ran(&project, PIPELINE, CACHED);
    assert_eq!((second.cached(), &second.hashes), (n_files, &plain.hashes));
    assert_eq!(second.manifest["inputs"], plain.manifest["inputs"]);

    let new = "customer_id,order_id,date,product_id,quantity,amount,cost,note\nnew,X1,2026-06-30,A1,1,5.00,2.00,\nnew,X1,bad,A1,1,5.00,2.00,for Anna\n";
    project.write("base/transactions-9.csv", new.as_bytes());
    let third = ran(&project, PIPELINE, CACHED);
    assert_eq!(third.cached(), n_files);
    assert_eq!(third.hashes, ran(&project, PIPELINE, PLAIN).hashes);
    // The reject of a file that is not read again is still there.
    let fourth = ran(&project, PIPELINE, CACHED);
    assert_eq!((fourth.cached(), fourth.hashes), (n_files + 1, third.hashes));
    assert_eq!(fourth.manifest["counts"]["lines_rejected"], 1);
    // Its text is read again from the file, because nobody knows what stands in it.
    let is_kept = |path: &std::path::PathBuf| fs::read(path).unwrap().windows(4).any(|bytes| bytes == b"Anna");
    assert_eq!(entries(&project).len() as u64, n_files + 1);
    assert!(!entries(&project).iter().any(is_kept));
    // What is gone is not kept.
    fs::remove_file(project.path("base/transactions-9.csv")).unwrap();
    assert_eq!(ran(&project, PIPELINE, CACHED).hashes, plain.hashes);
    assert_eq!(entries(&project).len() as u64, n_files);
}

#[test]
fn a_damaged_or_missing_entry_is_made_anew() {
    let project = project(200);
    let plain = ran(&project, PIPELINE, PLAIN);
    ran(&project, PIPELINE, CACHED);
    let files = entries(&project);
    let mut bytes = fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&files[0], &bytes).unwrap();
    fs::write(&files[1], b"").unwrap();
    fs::remove_file(&files[2]).unwrap();
    let mended = ran(&project, PIPELINE, CACHED);
    assert_eq!((mended.cached(), &mended.hashes), (files.len() as u64 - 3, &plain.hashes));
    assert!(mended.notes().contains("3 entries of the cache were not whole"), "{}", mended.notes());
    assert_eq!(ran(&project, PIPELINE, CACHED).cached(), files.len() as u64);
    fs::write(project.path("out/.cache/index.json"), "{").unwrap();
    let anew = ran(&project, PIPELINE, CACHED);
    assert_eq!((anew.cached(), &anew.hashes), (0, &plain.hashes));
}

#[test]
fn what_a_file_holds_decides_and_not_its_name_or_length() {
    let project = Project::new(&[]);
    let export = |amount: &str| {
        let lines: String = (1..10).map(|n| format!("c{n};{n};2025-01-0{n};p{n};1;{amount}\n")).collect();
        format!("customer_id;order_id;date;product_id;quantity;amount\n{lines}")
    };
    project.write("base/transactions.csv", export("10.00").as_bytes());
    let before = ran(&project, PIPELINE, CACHED);
    project.write("base/transactions.csv", export("20.00").as_bytes());
    let after = ran(&project, PIPELINE, CACHED);
    assert_eq!(after.cached(), 0);
    assert_ne!(before.hashes, after.hashes);
    fs::rename(project.path("base/transactions.csv"), project.path("base/transactions-1.csv")).unwrap();
    let renamed = ran(&project, PIPELINE, CACHED);
    assert_eq!((renamed.cached(), renamed.hashes), (1, after.hashes));
    // What the pipeline says about the file is part of what is kept.
    let stated = PIPELINE.replace("csv'\n", "csv'\nnumber-format = \"1234.56\"\n");
    assert_eq!(ran(&project, &stated, CACHED).cached(), 0);
}

#[test]
fn day_and_month_that_other_files_tell_are_kept_too() {
    let project = Project::new(&[]);
    let export = |days: [&str; 2]| {
        let lines: String = days.iter().enumerate().map(|(n, day)| format!("c{n};{n};{day};p;1;5\n")).collect();
        format!("customer_id;order_id;date;product_id;quantity;amount\n{lines}")
    };
    project.write("base/transactions-1.csv", export(["03/04/2025", "05/04/2025"]).as_bytes());
    project.write("base/transactions-2.csv", export(["13/04/2025", "25/04/2025"]).as_bytes());
    let plain = ran(&project, PIPELINE, PLAIN);
    ran(&project, PIPELINE, CACHED);
    let second = ran(&project, PIPELINE, CACHED);
    assert_eq!(second.hashes, plain.hashes);
    assert_eq!(second.manifest["inputs"], plain.manifest["inputs"]);
    assert!(second.cached() >= 2);
}

#[test]
fn a_cache_that_is_too_small_or_cannot_be_written_is_a_note() {
    let project = project(100);
    let tiny = format!("{PIPELINE}[cache]\nmax-size = 0.00001\n");
    let first = ran(&project, &tiny, CACHED);
    assert!(first.notes().contains("the cache is too small"), "{}", first.notes());
    assert_eq!(first.hashes, ran(&project, &tiny, PLAIN).hashes);
    project.write("taken", b"a file");
    let taken = format!("{PIPELINE}[cache]\ndirectory = 'taken'\n");
    assert!(ran(&project, &taken, CACHED).notes().contains("cannot write to the cache"));
    let off = format!("{PIPELINE}[cache]\nenabled = false\n");
    assert!(ran(&project, &off, CACHED).manifest["run"]["files_from_cache"].is_null());
}

#[test]
fn lines_that_do_not_fit_into_memory_give_the_same_bytes() {
    let project = project(3_000);
    // The same days in two files, so that overlaps are looked for on disk as well.
    let month = fs::read(project.path("base/transactions-2026-05.csv")).unwrap();
    project.write("base/transactions-2026-05-again.csv", &month);
    let plain = ran(&project, PIPELINE, PLAIN);
    assert!(plain.manifest["counts"]["lines_repeated_in_other_files"].as_u64().unwrap() > 1_000);
    let limited = ran(&project, PIPELINE, Surroundings { memory_limit: Some(1 << 20), ..PLAIN });
    assert_eq!(limited.manifest["run"]["lines_on_disk"], true);
    assert_eq!(plain.manifest["run"]["lines_on_disk"], false);
    assert_eq!(limited.hashes, plain.hashes);
    assert_eq!(limited.manifest["counts"], plain.manifest["counts"]);
    assert!(!project.path("out/.partial-lines").exists());
}

#[test]
fn order_ids_of_any_form_give_the_same_scores() {
    let short = project(300);
    let long = Project::new(&[]);
    for file in fs::read_dir(short.path("base")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let lengthened: String = text
            .lines()
            .enumerate()
            .map(|(n, line)| {
                let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
                if n > 0 && name.starts_with("transactions") {
                    cells[1] = format!("order of the web shop {}", cells[1]);
                }
                cells.join(",") + "\n"
            })
            .collect();
        long.write(&format!("base/{name}"), lengthened.as_bytes());
    }
    let limit = Surroundings { memory_limit: Some(1 << 20), ..PLAIN };
    let expected = ran(&short, PIPELINE, PLAIN).hashes;
    assert_eq!(ran(&long, PIPELINE, PLAIN).hashes, expected);
    assert_eq!(ran(&long, PIPELINE, limit).hashes, expected);
}

/// Whether `C` before a number marks a cancellation is a question about orders, however many lines they have.
#[test]
fn cancellations_are_recognised_by_orders_and_not_by_lines() {
    let lines = |n_plain: u32, n_named: u32| {
        let plain = (0..n_plain).map(|n| format!("c{n};{};2025-01-02;p;1;5\n", 1_000 + n));
        let named = (0..n_named).flat_map(|n| (0..10).map(move |p| format!("d{n};W-{n};2025-01-03;p{p};1;5\n")));
        let cancelled = ["c0;C1000;2025-02-01;p;-1;-5\n".to_owned(), "c1;C1001;2025-02-01;p;1;5\n".to_owned()];
        let lines: String = plain.chain(named).chain(cancelled).collect();
        Project::new(&[(
            "base/transactions.csv",
            &format!("customer_id;order_id;date;product_id;quantity;amount\n{lines}"),
        )])
    };
    let returns =
        |project: &Project| ran(project, PIPELINE, PLAIN).manifest["counts"]["returns"]["lines"].as_u64().unwrap();
    // Most orders are numbers, though most lines are not theirs: both lines of `C` orders take something back.
    assert_eq!(returns(&lines(100, 30)), 2);
    assert_eq!(returns(&lines(20, 60)), 1);
}
