//! Segments night after night: which run is compared with, what is carried on, and what a run refuses to compare with.

use std::fs;

use klientel::run::{Job, RunError, Silent, Surroundings, run};

use super::support::{Project, Run};

const LINES: &str = "customer_id,order_id,date,product_id,quantity,amount\n\
    1,1,2026-03-01,a,1,100.00\n2,2,2026-03-02,b,2,50.00\n3,3,2025-11-03,a,2,20.00\n4,4,2026-03-01,c,1,5.00\n";

const CUSTOMERS: &str = "customer_id;newsletter\n1;ja\n2;ja\n3;ja\n4;ja\n";

const FIRST_MATCH: &str = "[segments]\nassignment = 'first-match'\n\
    [[segment]]\nname = 'best'\nwhere = 'revenue >= 40'\n[[segment]]\nname = 'rest'\nwhere = 'revenue > 0'\n";

const OVERLAPPING: &str = "[[segment]]\nname = 'all'\nwhere = 'revenue > 0'\n\
    [[segment]]\nname = 'best'\nwhere = 'revenue >= 40'\n";

fn pipeline(day: u32, segments: &str) -> String {
    keeping(30, day, segments)
}

fn keeping(runs: u32, day: u32, segments: &str) -> String {
    format!(
        "version = 1\nas-of = 2026-03-{day}\nanalyses = ['rfm']\n[input.transactions.csv]\npath = 'lines.csv'\n\
         [input.customers.csv]\npath = 'customers.csv'\n[output]\ndirectory = 'out'\nkeep-runs = {runs}\n{segments}"
    )
}

/// Nights that are run one after the other, by a clock of their own.
struct Nights {
    project: Project,
    clock: u64,
}

impl Nights {
    fn new() -> Self {
        Self { project: Project::new(&[("lines.csv", LINES), ("customers.csv", CUSTOMERS)]), clock: 0 }
    }

    fn try_run(&mut self, text: &str) -> Result<(Run, bool), Box<RunError>> {
        self.clock += 1;
        let job = Job::load(text, "pipeline.toml", self.project.dir.path()).unwrap();
        let surroundings = Surroundings { threads: 1, started_at_unix: self.clock, ..Surroundings::default() };
        let outcome = run(&job, surroundings, &Silent).map_err(Box::new)?;
        let already_there = outcome.already_there;
        Ok((Run { directory: outcome.directory, manifest: outcome.manifest }, already_there))
    }

    fn run(&mut self, text: &str) -> Run {
        self.try_run(text).unwrap().0
    }
}

/// Returns what the scores say of customer 1, and the as-of that is compared with.
fn told(run: &Run) -> [String; 4] {
    let scores = run.scores();
    let of = |column: &str| scores["1"][column].clone();
    let then = run.manifest["segment_migration"]["previous_as_of"].as_str().unwrap_or_default().to_owned();
    [of("segment"), of("segment_previous"), of("segment_since"), then]
}

#[test]
fn the_night_before_is_compared_with_whatever_ran_last() {
    let mut nights = Nights::new();
    let first = "2026-03-10";
    for (day, then) in [(10, ""), (11, "2026-03-10"), (12, "2026-03-11"), (13, "2026-03-12")] {
        let previous = if then.is_empty() { "" } else { "best" };
        assert_eq!(told(&nights.run(&pipeline(day, FIRST_MATCH))), ["best", previous, first, then]);
    }
    let changed = pipeline(11, &format!("{FIRST_MATCH}# again\n"));
    assert_eq!(told(&nights.run(&changed)), ["best", "best", first, first]);
    assert!(nights.try_run(&changed).unwrap().1, "it has read what it read before");
    assert!(nights.try_run(&pipeline(11, FIRST_MATCH)).unwrap().1);
    assert_eq!(told(&nights.run(&pipeline(14, FIRST_MATCH))), ["best", "best", first, "2026-03-13"]);
    let without = nights.run(&pipeline(15, ""));
    assert!(!without.directory.join("memberships.csv").exists(), "nothing is about to be lost");
    assert_eq!(told(&nights.run(&pipeline(16, FIRST_MATCH))), ["best", "best", first, "2026-03-14"]);
}

#[test]
fn a_night_that_changed_makes_the_ones_after_it_other_runs() {
    let mut nights = Nights::new();
    let first = nights.run(&pipeline(10, FIRST_MATCH));
    let second = nights.run(&pipeline(11, FIRST_MATCH));
    let compared = &second.manifest["memberships"][1];
    assert_eq!((&compared["role"], &compared["run"]), (&"compared".into(), &first.manifest["run"]["id"]));
    assert_eq!(compared["sha256"], first.manifest["memberships"][0]["sha256"]);
    nights.run(&pipeline(10, &FIRST_MATCH.replace("40", "60")));
    let again = nights.run(&pipeline(11, FIRST_MATCH));
    assert_ne!(again.manifest["run"]["fingerprint"], second.manifest["run"]["fingerprint"]);
    assert_eq!(again.scores()["2"]["segment_previous"], "rest");
}

#[test]
fn runs_without_segments_do_not_remove_the_last_night() {
    let mut nights = Nights::new();
    nights.run(&keeping(1, 10, FIRST_MATCH));
    nights.run(&keeping(1, 11, FIRST_MATCH));
    for day in [12, 13] {
        let run = nights.run(&keeping(1, day, ""));
        assert_eq!(run.manifest["memberships"][0]["role"], "kept");
    }
    let run = nights.run(&keeping(1, 14, FIRST_MATCH));
    assert_eq!(told(&run), ["best", "best", "2026-03-10", "2026-03-11"]);
    // The one before is gone, so the run holds it.
    assert!(nights.try_run(&keeping(1, 14, FIRST_MATCH)).unwrap().1);
    let again = nights.run(&keeping(1, 14, &format!("{FIRST_MATCH}# again\n")));
    assert_eq!(told(&again), ["best", "best", "2026-03-10", "2026-03-11"]);
}

#[test]
fn overlapping_segments_are_compared_one_by_one() {
    let mut nights = Nights::new();
    nights.run(&pipeline(10, OVERLAPPING));
    nights.project.write("lines.csv", LINES.replace("100.00", "10.00").replace("50.00", "9.00").as_bytes());
    let run = nights.run(&pipeline(11, OVERLAPPING));
    assert_eq!(told(&run), ["all", "all", "2026-03-10", "2026-03-10"]);
    let changes = run.table("segment_changes.csv");
    let of = |name: &str| -> Vec<&str> {
        let row = changes.iter().find(|row| row["segment"] == name).unwrap();
        ["customers_then", "customers_now", "stayed", "entered", "left"].map(|column| row[column].as_str()).to_vec()
    };
    assert_eq!((of("all"), of("best")), (vec!["4", "4", "4", "0", "0"], vec!["2", "0", "0", "0", "2"]));
    let facts = &run.manifest["segment_migration"];
    assert_eq!((&facts["psi_segment"], &facts["reading"]), (&"best".into(), &"shifted".into()));
    assert_eq!(facts["moved"], 2);
    let rows = run.table("memberships.csv");
    let then: Vec<[&str; 4]> = rows
        .iter()
        .filter(|row| row["customer_id"] == "1" && row["as_of"] == "2026-03-10")
        .map(|row| ["segment", "since", "first_since", "as_of"].map(|column| row[column].as_str()))
        .collect();
    let day = "2026-03-10";
    assert_eq!(then, [["all", day, day, day], ["best", day, "", day]]);
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("segment `best` has no customers: its condition holds for nobody"), "{notes}");
}

#[test]
fn other_segments_are_said_and_not_read_as_movement() {
    let mut nights = Nights::new();
    nights.run(&pipeline(10, FIRST_MATCH));
    let spelled = FIRST_MATCH.replace("revenue >= 40", "revenue>=40.00");
    let same = nights.run(&pipeline(11, &spelled));
    assert_eq!(same.manifest["segment_migration"]["reading"], "stable");
    let changed = FIRST_MATCH.replace("'rest'", "'others'").replace("40", "60");
    let run = nights.run(&pipeline(12, &changed));
    assert_eq!(run.manifest["segment_migration"]["reading"], "not comparable");
    assert!(run.number("segment_migration.psi") > 0.25);
    let notes = run.manifest["notes"].to_string();
    assert!(
        notes.contains("of 2026-03-11 that they are compared with: `others` added, `rest` gone, `best` changed"),
        "{notes}"
    );
    let overlapping = nights.run(&pipeline(13, &changed.replace("first-match", "overlapping")));
    let notes = overlapping.manifest["notes"].to_string();
    assert!(notes.contains("`assignment` was `first-match`"), "{notes}");
}

#[test]
fn damaged_memberships_end_the_run() {
    let mut nights = Nights::new();
    let first = nights.run(&pipeline(10, FIRST_MATCH));
    let path = first.directory.join("memberships.csv");
    let whole = fs::read_to_string(&path).unwrap();
    let cut = &whole[..whole.len() / 2];
    for damaged in [cut.to_owned(), whole.replace("best", "rest"), String::new()] {
        fs::write(&path, damaged).unwrap();
        let error = nights.try_run(&pipeline(11, FIRST_MATCH)).err().unwrap();
        assert_eq!(error.diagnostic().code, "K0340", "{error}");
        assert!(error.to_string().ends_with("it is not what its run wrote"), "{error}");
    }
    fs::write(&path, &whole).unwrap();
    nights.run(&pipeline(11, FIRST_MATCH));
}

#[test]
fn erased_customers_are_gone_from_the_night_before_and_the_next_run_compares_with_it() {
    let mut nights = Nights::new();
    nights.run(&pipeline(10, FIRST_MATCH));
    let text = pipeline(11, FIRST_MATCH);
    let job = Job::load(&text, "pipeline.toml", nights.project.dir.path()).unwrap();
    klientel::run::erase(&job, &["2".to_owned()], &[7; 32], klientel::units::Day(20_600)).unwrap();
    let run = nights.run(&text);
    assert_eq!(told(&run), ["best", "best", "2026-03-10", "2026-03-10"]);
    assert_eq!(
        (&run.manifest["segment_migration"]["gone"], run.number("segment_migration.customers_then")),
        (&0.into(), 3.0)
    );
}

#[test]
fn who_cannot_be_read_for_a_night_keeps_the_segments() {
    let mut nights = Nights::new();
    for text in [FIRST_MATCH, OVERLAPPING] {
        let lenient = |day: u32| {
            pipeline(day, text)
                .replace("[input.transactions.csv]", "[input]\nmax-reject-share = 0.5\n[input.transactions.csv]")
        };
        nights.run(&lenient(10));
        nights.project.write("customers.csv", CUSTOMERS.replace("1;ja", "1;\u{fffd}ja;zu;viel").as_bytes());
        let without = nights.run(&lenient(11));
        assert!(!without.scores().contains_key("1"));
        assert_eq!(without.manifest["segment_migration"]["gone"], 0, "nobody knows");
        nights.project.write("customers.csv", CUSTOMERS.as_bytes());
        let back = nights.run(&lenient(12));
        assert_eq!(told(&back)[1..], [told(&back)[0].clone(), "2026-03-10".to_owned(), "2026-03-11".to_owned()]);
        assert_eq!(back.manifest["segment_migration"]["new"], 0);
        nights = Nights::new();
    }
}

#[test]
fn what_was_drawn_before_is_part_of_a_run_and_its_own_draw_is_not() {
    let mut nights = Nights::new();
    let customers: String = (1..=4).map(|ix| format!("{ix};k{ix}@example.com;ja\n")).collect();
    nights.project.write("customers.csv", format!("customer_id;email;newsletter\n{customers}").as_bytes());
    let text = |day: u32| {
        let campaign = "[[campaign]]\nname = 'spring'\nsegment = 'all'\ncontrol-share = 0.5\n";
        pipeline(day, &format!("{OVERLAPPING}{campaign}"))
    };
    let first = nights.run(&text(10));
    assert!(first.manifest["assignments_read"].is_null());
    let second = nights.run(&text(11));
    let read = &second.manifest["assignments_read"];
    let outputs = first.manifest["outputs"].as_array().unwrap();
    let file = outputs.iter().find(|output| output["path"] == "assignments.csv").unwrap();
    assert_eq!((&read["run"], &read["sha256"]), (&first.manifest["run"]["id"], &file["sha256"]));
    for day in [10, 11, 11, 10] {
        assert!(nights.try_run(&text(day)).unwrap().1, "{day}");
    }
    // The same night without what was drawn before is another run, though pipeline and exports are the same.
    fs::remove_dir_all(nights.project.path("out")).unwrap();
    let alone = nights.run(&text(11));
    assert_ne!(alone.manifest["run"]["fingerprint"], second.manifest["run"]["fingerprint"]);
}
