//! Everything appears at once or not at all, and nobody waits.

use std::fs;

use klientel::publish::{OutputLock, Pointer, Staging, prune};

use super::support::Project;

const LINES: &str = "customer_id,order_id,date,product_id,quantity,amount\n\
    1,1,2026-01-01,a,1,10.00\n1,2,2026-02-01,p2,1,12.00\n2,3,2026-02-03,a,2,20.00\n3,4,2026-03-01,c,1,5.00\n";

const PIPELINE: &str =
    "version = 1\n[input.transactions.csv]\npath = 'lines.csv'\n[output]\ndirectory = 'out'\nkeep-runs = 2\n";

fn project() -> Project {
    Project::new(&[("lines.csv", LINES), ("pipeline.toml", PIPELINE)])
}

#[test]
fn a_run_is_complete_and_latest_points_at_it() {
    let project = project();
    let run = project.run(PIPELINE).unwrap();
    assert_eq!(run.number("counts.revenue"), 47.0);
    assert_eq!(fs::read(project.path("out/latest/manifest.json")).unwrap(), run.bytes("manifest.json"));
    for (path, hash) in run.hashes() {
        use sha2::Digest;
        let found: String = sha2::Sha256::digest(run.bytes(&path)).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, hash, "{path}");
    }
    let hidden =
        fs::read_dir(project.path("out")).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    assert!(hidden.into_iter().all(|name| !name.starts_with(".partial")));
}

#[test]
fn the_same_run_twice_is_published_once() {
    let project = project();
    let once = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let again = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    assert!(once.status.success() && again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("already published"));
}

#[test]
fn a_second_run_on_the_same_output_waits_for_nobody() {
    let project = project();
    let _held = OutputLock::take(&project.path("out")).unwrap();
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(75));
    assert!(String::from_utf8_lossy(&output.stderr).contains("K0501"));
}

#[test]
fn an_output_that_cannot_be_written_is_exit_code_3() {
    let project = project();
    project.write("out", b"a file where a folder should be");
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("K0502"));
}

#[test]
fn a_repeated_run_is_latest_again_and_a_damaged_one_is_made_anew() {
    let project = project();
    let early = format!("as-of = 2026-02-20\n{PIPELINE}");
    let first = project.run(&early).unwrap();
    project.run(PIPELINE).unwrap();
    let again = project.run(&early).unwrap();
    assert_eq!(again.directory, first.directory);
    let latest = fs::read_link(project.path("out/latest")).unwrap();
    assert_eq!(latest.as_os_str(), first.directory.file_name().unwrap());
    fs::remove_file(first.directory.join("scores.csv")).unwrap();
    let anew = project.run(&early).unwrap();
    assert_eq!(anew.hashes(), first.hashes());
    assert!(anew.directory.join("scores.csv").exists());
}

#[test]
fn nothing_is_removed_that_klientel_did_not_make() {
    let project = project();
    project.write("out/webapp/manifest.json", b"{}");
    project.write("out/failed/mine.txt", b"mine");
    for day in 1..=4 {
        project.run(&format!("as-of = 2026-03-0{day}\n{PIPELINE}")).unwrap();
    }
    assert!(project.path("out/webapp/manifest.json").exists());
    assert!(project.path("out/failed/mine.txt").exists());
}

#[test]
fn a_pointer_that_is_taken_stops_the_run_before_it_publishes() {
    let project = project();
    project.write("out/latest/something", b"not a link");
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let runs = fs::read_dir(project.path("out")).unwrap();
    assert!(
        runs.filter_map(|entry| entry.unwrap().file_name().into_string().ok()).all(|name| !name.starts_with("2026"))
    );
}

#[test]
fn paths_in_the_results_do_not_depend_on_where_the_run_is_started() {
    let bad = format!("{LINES}4,5,2026-02-31,a,1,1.00\n");
    let pipeline = PIPELINE.replace("[input.", "[input]\nmax-reject-share = 0.5\n[input.");
    let pipeline = pipeline.replace("path = 'lines.csv'", "path = ['lines.csv', '../b/more.csv']");
    let files = [("a/lines.csv", bad.as_str()), ("b/more.csv", LINES), ("a/pipeline.toml", &pipeline)];
    let project = Project::new(&files);
    let everywhere = project.path("a/pipeline.toml");
    let from = |folder: &str, path: &str| {
        let mut klientel = project.klientel();
        let output = klientel.current_dir(project.path(folder)).args(["run", path, "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::remove_dir_all(project.path("a/out")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        [manifest["outputs"].clone(), manifest["inputs"].clone(), manifest["pipeline"].clone()]
    };
    assert_eq!(from("a", "pipeline.toml"), from(".", "a/pipeline.toml"));
    assert_eq!(from("a", "pipeline.toml"), from("b", everywhere.to_str().unwrap()));
}

#[test]
fn what_an_interrupted_run_left_is_removed() {
    let project = project();
    project.write("out/.partial-old/scores.csv", b"half");
    project.run(PIPELINE).unwrap();
    assert!(!project.path("out/.partial-old").exists());
}

#[test]
fn only_the_newest_runs_are_kept() {
    let project = project();
    for day in 1..=4 {
        let text = format!("as-of = 2026-03-0{day}\n{PIPELINE}");
        project.run(&text).unwrap();
    }
    let mut runs: Vec<String> = fs::read_dir(project.path("out"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with("2026"))
        .collect();
    runs.sort();
    assert_eq!(runs.iter().map(|run| &run[..10]).collect::<Vec<_>>(), ["2026-03-03", "2026-03-04"]);
}

#[test]
fn too_many_rejects_fail_the_run_and_leave_their_evidence() {
    let project = project();
    let bad = LINES.replace("2026-02-03", "2026-02-31");
    project.write("lines.csv", bad.as_bytes());
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("1 of 4 rows of `transactions` were rejected (25.00%)"), "{stderr}");
    assert!(!project.path("out/latest").exists());
    assert!(project.path("out/failed/rejects.parquet").exists());
    assert!(fs::read_to_string(project.path("out/failed/reason.txt")).unwrap().contains("K0319"));

    let tolerant = PIPELINE.replace("[input.", "[input]\nmax-reject-share = 0.5\n[input.");
    let run = project.run(&tolerant).unwrap();
    assert_eq!(run.number("counts.lines_rejected"), 1.0);
    assert!(!project.path("out/failed").exists());
}

/// What is removed or replaced is hidden first, so that no half of it is taken for a run.
#[test]
fn what_an_interrupted_removal_left_is_no_run_and_in_nobodys_way() {
    let project = project();
    let lock = OutputLock::take(&project.path("out")).unwrap();
    let names = || -> Vec<String> {
        let entries = fs::read_dir(project.path("out")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|name| name.starts_with(".partial") || name.starts_with("2026")).collect();
        names.sort();
        names
    };
    let (old, new) = ("2026-06-29-00000000", "2026-06-30-00000000");
    let leave = |run: &str| project.write(&format!("out/.partial-removed-{run}/scores.csv"), b"");
    for text in ["first", "second"] {
        for run in [old, new] {
            let staging = Staging::start(&lock, run).unwrap();
            assert_eq!(names().iter().filter(|name| name.starts_with(".partial")).count(), 1);
            staging.write_text("manifest.json", text).unwrap();
            leave(run);
            // The one of the first time makes way.
            let published = staging.publish(run).unwrap();
            assert_eq!(fs::read_to_string(published.join("manifest.json")).unwrap(), text);
        }
    }
    leave(old);
    assert_eq!(prune(&lock, Pointer::Latest, 1, new).unwrap(), 1);
    assert_eq!(names(), [new]);
}
