//! Campaigns through a pipeline: who is contacted, who is kept from it, night after night, and what stops a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::{Duration, SystemTime};

use super::support::{Project, Run};

pub(super) const N: usize = 600;

pub(super) fn customers(objecting: &[usize]) -> String {
    let mut text = String::from("Kundennr;E-Mail;Nachname;Newsletter;Widerspruch;Region\n");
    for ix in 0..N {
        let objects = if objecting.contains(&ix) { "ja" } else { "nein" };
        let region = if ix % 3 == 0 { "Nord" } else { "Süd" };
        text.push_str(&format!("K{ix:04};k{ix}@example.com;Name{ix};ja;{objects};{region}\n"));
    }
    text
}

/// Everybody buys in January; who stands in `also` buys for 40.00 on a later day.
pub(super) fn lines(also: &[(usize, &str)]) -> String {
    let mut text = String::from("Kundennr;Belegnr;Datum;Artikelnr;Menge;Umsatz\n");
    for ix in 0..N {
        text.push_str(&format!("K{ix:04};B{ix};{:02}.01.2026;A{};1;{},50\n", 1 + ix % 28, ix % 7, 10 + ix % 50));
    }
    for (ix, day) in also {
        text.push_str(&format!("K{ix:04};C{ix};{day};A1;1;40,00\n"));
    }
    text
}

pub(super) fn pipeline(as_of: &str, more: &str) -> String {
    format!(
        "version = 1\nas-of = {as_of}\nanalyses = ['rfm']\n\
         [input.transactions.csv]\npath = 'lines.csv'\n\
         [input.customers]\nattributes = ['Region']\n[input.customers.csv]\npath = 'customers.csv'\n\
         [[segment]]\nname = 'all'\nwhere = 'revenue > 0'\n{more}\n[output]\ndirectory = 'out'\n"
    )
}

pub(super) fn project() -> Project {
    Project::new(&[("lines.csv", &lines(&[])), ("customers.csv", &customers(&[]))])
}

/// Customer id by the value of another column.
pub(super) fn column(run: &Run, table: &str, of: &str) -> BTreeMap<String, String> {
    run.table(table).into_iter().map(|row| (row["customer_id"].clone(), row[of].clone())).collect()
}

pub(super) const DRAWING: &str =
    "[[campaign]]\nname = 'spring'\nsegment = 'all'\ncontrol-share = 0.25\nstratify-by = ['region', 'rfm_segment']\n";

#[test]
fn a_control_group_gets_no_file_and_stays_for_all_nights() {
    let project = project();
    let first = project.run(&pipeline("2026-01-31", DRAWING)).unwrap();
    let arms = column(&first, "assignments.csv", "arm");
    let control: BTreeSet<&String> = arms.iter().filter(|(_, arm)| *arm == "control").map(|(id, _)| id).collect();
    let contacted = column(&first, "campaigns/spring.csv", "email");
    assert_eq!(arms.len(), N);
    assert_eq!(contacted.len() + control.len(), N);
    assert!(control.len().abs_diff(N / 4) <= 12, "strata keep the share: {}", control.len());
    assert!(contacted.keys().all(|id| !control.contains(id)));
    let reasons = column(&first, "excluded.csv", "reason");
    assert_eq!(reasons.keys().collect::<BTreeSet<_>>(), control);
    assert!(reasons.values().all(|reason| reason == "control_group"));
    let record = &first.manifest["campaigns"][0];
    assert_eq!((&record["control_share"], &record["excluded"]["control_group"]), (&0.25.into(), &control.len().into()));
    assert!(record["sample_ratio_p"].as_f64().unwrap() > 0.001);

    // Another night, another share, somebody objects: whoever is left stays where they were.
    let some: Vec<usize> = control.iter().take(2).map(|id| id[1..].parse().unwrap()).collect();
    project.write("customers.csv", customers(&some).as_bytes());
    let later = DRAWING.replace("0.25", "0.5");
    let second = project.run(&pipeline("2026-02-01", &later)).unwrap();
    let after = column(&second, "assignments.csv", "arm");
    assert_eq!(after.len(), N - 2);
    assert!(after.iter().all(|(id, arm)| arms[id] == *arm));
    assert!(column(&second, "assignments.csv", "assigned_on").values().all(|day| day == "2026-01-31"));
    for name in ["assignments.csv", "excluded.csv", "scores.csv", "campaigns/spring.csv"] {
        for ix in &some {
            assert!(!second.text(name).contains(&format!("K{ix:04}")), "{name} holds who objects");
        }
    }
    // A pipeline without the campaign keeps its arms for the next night.
    let third = project.run(&pipeline("2026-02-02", "")).unwrap();
    assert_eq!(column(&third, "assignments.csv", "arm"), after);
}

#[test]
fn what_a_run_assigned_is_what_measure_compares() {
    let project = project();
    let first = project.run(&pipeline("2026-01-31", DRAWING)).unwrap();
    let arms = column(&first, "assignments.csv", "arm");
    // Three of four contacts come back, of the control group one of four.
    let comes_back = |ix: usize| (arms[&format!("K{ix:04}")] == "contact") != ix.is_multiple_of(4);
    let back: Vec<(usize, &str)> = (0..N).filter(|ix| comes_back(*ix)).map(|ix| (ix, "10.02.2026")).collect();
    project.write("lines.csv", lines(&back).as_bytes());
    let more = "[input.assignments.csv]\npath = 'out/latest/assignments.csv'\n";
    project.write("pipeline.toml", pipeline("2026-03-15", more).as_bytes());
    let output = project.klientel().args(["measure", "pipeline.toml", "--days", "30"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("it worked") && said.contains("as large as planned"), "{said}");
}

/// The holdout is measured as a campaign of its own, by who could be contacted, and whoever objects meanwhile is counted by arm.
#[test]
fn the_global_holdout_is_measured_and_who_has_left_is_counted() {
    let project = project();
    let rules = "[contact-rules]\nglobal-holdout-share = 0.4\n[[campaign]]\nname = 'spring'\nsegment = 'all'\n";
    let first = project.run(&pipeline("2026-01-31", rules)).unwrap();
    let arms = column(&first, "assignments.csv", "arm");
    let contacted = column(&first, "campaigns/spring.csv", "email");
    assert_eq!(arms.len(), N, "everybody who could be contacted is in an arm");
    assert!(arms.iter().all(|(id, arm)| contacted.contains_key(id) == (arm == "contact")));
    let ix_of = |wanted: &str| -> Vec<usize> {
        arms.iter().filter(|(_, arm)| *arm == wanted).map(|(id, _)| id[1..].parse().unwrap()).collect()
    };
    let n_control = ix_of("control").len();

    // Thirty contacts object; the next night has another share, and nobody changes sides.
    project.write("customers.csv", customers(&ix_of("contact")[..30]).as_bytes());
    let second = project.run(&pipeline("2026-02-01", &rules.replace("0.4", "0.1"))).unwrap();
    let after = column(&second, "assignments.csv", "arm");
    assert_eq!(after.len(), N - 30);
    assert!(after.iter().all(|(id, arm)| arms[id] == *arm));
    let drawn = |arm: &str, customers: usize, drawn: usize| serde_json::json!({ "campaign": "global-holdout", "arm": arm, "customers": customers, "drawn": drawn });
    let expected = [drawn("contact", N - n_control - 30, N - n_control), drawn("control", n_control, n_control)];
    assert_eq!(second.manifest["arms"], serde_json::Value::from(expected.to_vec()));

    // Of the contacts all but every fifth come back, of the held out nobody.
    let back = ix_of("contact").into_iter().filter(|ix| !ix.is_multiple_of(5));
    let back: Vec<(usize, &str)> = back.map(|ix| (ix, "10.02.2026")).collect();
    project.write("lines.csv", lines(&back).as_bytes());
    let more = "[input.assignments.csv]\npath = 'out/latest/assignments.csv'\n";
    project.write("pipeline.toml", pipeline("2026-03-15", more).as_bytes());
    let output =
        project.klientel().args(["measure", "pipeline.toml", "--campaign", "global-holdout"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("it worked"), "{said}");
    let left =
        format!("0 of {n_control} customers of `control` (0.00%) and 30 of {} customers of `contact`", N - n_control);
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(notes.contains(&left), "{left}: {notes}");
    let table = std::fs::read_to_string(project.dir.path().join("out/measured/measure.csv")).unwrap();
    assert!(table.lines().next().unwrap().contains("customers_gone"));

    // Whoever is called as the holdout is refused.
    let text = pipeline("2026-01-31", "[[campaign]]\nname = 'global-holdout'\nsegment = 'all'\n");
    project.write("pipeline.toml", text.as_bytes());
    let output = project.klientel().args(["check", "pipeline.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("campaign `global-holdout` is called as the global holdout"), "{said}");
}

#[test]
fn who_is_left_out_is_told_with_the_reason() {
    let project = project();
    project.write("unsubscribed.csv", b"email\nk1@example.com\nK2@Example.com\n");
    project.write(
        "contacts.csv",
        b"customer_id;date;kind\nK0003;28.01.2026;Mailing\nK0004;30.01.2026;Beschwerde\nK0005;01.01.2026;Mailing\n",
    );
    let more = "[input.suppressions.csv]\npath = 'unsubscribed.csv'\n[input.contacts.csv]\npath = 'contacts.csv'\n\
        [contact-rules]\nfrequency-cap = 1\nfrequency-window = '7 days'\nquiet-period = '14 days'\ncampaigns-per-customer = 1\n\
        [[campaign]]\nname = 'plain'\nsegment = 'all'\n\
        [[campaign]]\nname = 'dear'\nsegment = 'all'\ncontact-cost = 1.00\nresponse-rate = 0.02\nmargin-column = 'avg_order_value'\n";
    let run = project.run(&pipeline("2026-01-31", more)).unwrap();
    let reasons = |campaign: &str| -> BTreeMap<String, String> {
        let rows = run.table("excluded.csv").into_iter().filter(|row| row["campaign"] == campaign);
        rows.map(|row| (row["customer_id"].clone(), row["reason"].clone())).collect()
    };
    let (plain, dear) = (reasons("plain"), reasons("dear"));
    for (id, reason) in [("K0001", "suppressed"), ("K0002", "suppressed"), ("K0003", "frequency_cap")] {
        assert_eq!((plain[id].as_str(), dear[id].as_str()), (reason, reason));
    }
    assert_eq!(plain["K0004"], "quiet_after_complaint");
    // 0.02 × 50.50 is above 1.00, 0.02 × 49.50 is not; who is worth a contact is not in the campaign of unknown profit.
    assert_eq!((dear["K0005"].as_str(), plain.get("K0005")), ("not_profitable", None));
    assert_eq!((dear.get("K0040"), plain["K0040"].as_str()), (None, "other_campaign"));
    let record = &run.manifest["campaigns"][1];
    assert_eq!(record["lowest_expected_profit"], 0.01);
    // Each reason is in the summary that people read, and the age of the list by the clock of the program in the manifest.
    project.write("pipeline.toml", pipeline("2026-02-01", more).as_bytes());
    let hours_ago = SystemTime::now() - Duration::from_secs(5 * 3_600 + 60);
    File::options().write(true).open(project.path("unsubscribed.csv")).unwrap().set_modified(hours_ago).unwrap();
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("2 suppressed, 1 left alone after a complaint"), "{said}");
    let manifest = std::fs::read_to_string(project.path("out/latest/manifest.json")).unwrap();
    assert!(manifest.contains("\"suppression_list_hours\": 5"), "{manifest}");
}

#[test]
fn a_stale_suppression_list_stops_the_run_before_anything_is_written() {
    let project = project();
    project.write("unsubscribed.csv", b"email\nk1@example.com\n");
    let days_ago = |days: u64| SystemTime::now() - Duration::from_secs(days * 86_400);
    File::options().write(true).open(project.path("unsubscribed.csv")).unwrap().set_modified(days_ago(3)).unwrap();
    let list = "[input.suppressions.csv]\npath = 'unsubscribed.csv'\n";
    project.write("pipeline.toml", pipeline("2026-01-31", &format!("{list}{DRAWING}")).as_bytes());
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the suppression list is 72 hours old, the pipeline allows 48"), "{said}");
    assert!(!project.path("out/latest").exists());
    // Without campaigns nobody is contacted, and with a longer age it is as the pipeline wants it.
    for more in [list.to_owned(), format!("[input.suppressions]\nmax-age = 100\n{list}{DRAWING}")] {
        project.write("pipeline.toml", pipeline("2026-01-31", &more).as_bytes());
        let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A list whose entries name nobody would be as good as none.
#[test]
fn a_suppression_list_that_names_nobody_stops_the_run() {
    let project = project();
    let list = "[input.suppressions.csv]\npath = 'unsubscribed.csv'\n";
    let text = pipeline("2026-01-31", &format!("{list}{DRAWING}"));
    let said = |entries: &str| {
        project.write("unsubscribed.csv", entries.as_bytes());
        project.write("pipeline.toml", text.as_bytes());
        let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, message) = said("email\nk1@example.com\nunsubscribed by phone\n");
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("error[K0332]: 1 entries of the suppression list are neither"), "{message}");
    // Ids that a spreadsheet has shortened.
    let ids: String = (0..12).map(|ix| format!("{ix}\n")).collect();
    let (code, message) = said(&format!("customer_id\n{ids}"));
    assert_eq!(
        (code, message.contains("none of the 12 ids on the suppression list is in the customer export")),
        (Some(1), true),
        "{message}"
    );
    assert!(!project.dir.path().join("out/latest").exists(), "nothing is published");
    let (code, message) = said("email\nKim <k1@example.com>\nmailto:K2@example.com\n");
    assert_eq!(code, Some(0), "{message}");
    let excluded = std::fs::read_to_string(project.dir.path().join("out/latest/excluded.csv")).unwrap();
    assert_eq!(excluded.matches("suppressed").count(), 2, "{excluded}");
}

#[test]
fn an_estimate_that_is_no_probability_is_refused() {
    let project = project();
    let keys = "contact-cost = 1.0\nresponse-column = 'avg_days_between_orders'\norder-margin = 5\n";
    let campaign = |keys: &str| pipeline("2026-01-31", &format!("[[campaign]]\nname = 'c'\nsegment = 'all'\n{keys}"));
    let lines = lines(&[(1, "30.01.2026"), (2, "31.01.2026"), (3, "31.01.2026")]);
    project.write("lines.csv", lines.as_bytes());
    project.write("pipeline.toml", campaign(keys).as_bytes());
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error[K0333]") && said.contains("which for 3 customers is not between 0 and 1"), "{said}");
}

#[test]
fn a_campaign_that_cannot_be_is_told_at_its_line() {
    for (keys, expected) in [
        ("contact-cost = 1.0", "`contact-cost` needs `order-margin` or `margin-column`"),
        ("response-rate = 0.1", "`response-rate` and `response-column` need `contact-cost`"),
        (
            "contact-cost = 1.0\nresponse-rate = 0.1\nmargin-column = 'rfm_segment'",
            "campaign `c` estimates by `rfm_segment`, which is no number",
        ),
        (
            "contact-cost = 1.0\nresponse-column = 'luck'\norder-margin = 5",
            "campaign `c` estimates by unknown column `luck`",
        ),
        ("legal-basis = 'legitimate-interest'", "`legitimate-interest` is no ground for contacts by e-mail"),
        ("control-share = 1.0", "`campaign.control-share` must be a number from 0 to 0.9"),
        ("stratify-by = ['rfm_r']", "campaign `c` is stratified by `rfm_r`, which is no text"),
        ("stratify-by = ['luck']", "campaign `c` uses unknown column `luck`"),
    ] {
        let text = pipeline("2026-01-31", &format!("[[campaign]]\nname = 'c'\nsegment = 'all'\n{keys}\n"));
        let project = Project::new(&[("pipeline.toml", &text)]);
        let output = project.klientel().args(["check", "pipeline.toml"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{keys}: {said}");
        assert!(said.contains(expected), "{keys}: {said}");
    }
}

#[test]
fn a_segment_of_nobody_and_an_audience_without_consent_are_told() {
    let project = project();
    let more = "[[segment]]\nname = 'nobody'\nwhere = 'revenue > 100000'\n\
        [[campaign]]\nname = 'empty'\nsegment = 'nobody'\n[[campaign]]\nname = 'ads'\nsegment = 'all'\ntarget = 'meta'\n";
    let run = project.run(&pipeline("2026-01-31", more)).unwrap();
    let notes: Vec<String> =
        run.manifest["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect();
    assert!(
        notes.contains(&"campaign `empty`: segment `nobody` has no customers, so the file has no rows".to_owned()),
        "{notes:?}"
    );
    let note = "campaign `ads`: nobody is contacted, because the customer export has no column `ads_opt_in` that says who consented";
    assert!(notes.contains(&note.to_owned()), "{notes:?}");
    assert_eq!(run.table("campaigns/empty.csv").len(), 0);
}

/// Two nights with different shares and different customers: each is compared with its own control group, and nothing is found where nothing is.
#[test]
fn nights_of_different_shares_are_measured_apart() {
    let mut assigned = String::from("campaign,customer_id,arm,assigned_on,share\n");
    let mut lines = String::from("Kundennr;Belegnr;Datum;Artikelnr;Menge;Umsatz\n");
    // (customers, one control in so many, one buyer in so many): buyers are spread evenly over the arms.
    for (night, (n, control, buyers)) in [(4_000, 10, 3), (4_000, 2, 21)].into_iter().enumerate() {
        for ix in 0..n {
            let id = format!("N{night}-{ix:05}");
            let (arm, share) = if ix % control == 0 {
                ("control", 1.0 / control as f64)
            } else {
                ("contact", 1.0 - 1.0 / control as f64)
            };
            assigned.push_str(&format!("c,{id},{arm},2026-01-31,{share}\n"));
            lines.push_str(&format!("{id};B{night}{ix};10.01.2026;A;1;5,00\n"));
            if (ix / control) % buyers == 0 {
                lines.push_str(&format!("{id};C{night}{ix};10.02.2026;A;1;5,00\n"));
            }
        }
    }
    let project = Project::new(&[("lines.csv", &lines), ("assigned.csv", &assigned)]);
    let text = "version = 1\nas-of = 2026-03-15\nanalyses = []\n[input.transactions.csv]\npath = 'lines.csv'\n\
        [input.assignments.csv]\npath = 'assigned.csv'\n[output]\ndirectory = 'out'\n";
    project.write("pipeline.toml", text.as_bytes());
    let output = project.klientel().args(["measure", "pipeline.toml", "--campaign", "c"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("c (control 10%)") && said.contains("c (control 50%)"), "{said}");
    assert_eq!(said.matches("as large as planned").count(), 2, "{said}");
    assert!(!said.contains("it worked"), "{said}");
}

#[test]
fn everybody_at_an_address_has_one_arm_and_older_nights_change_nothing() {
    let project = project();
    let pairs = customers(&[]).lines().enumerate().fold(String::new(), |text, (nth, line)| {
        let line = if nth == 0 {
            line.to_owned()
        } else {
            line.replace(&format!("k{}@", nth - 1), &format!("k{}@", (nth - 1) / 2))
        };
        text + &line + "\n"
    });
    project.write("customers.csv", pairs.as_bytes());
    let plain = "[[campaign]]\nname = 'spring'\nsegment = 'all'\ncontrol-share = 0.25\n";
    let first = project.run(&pipeline("2026-01-31", plain)).unwrap();
    let arms = column(&first, "assignments.csv", "arm");
    let arm = |ix: usize| &arms[&format!("K{ix:04}")];
    assert!((0..N / 2).all(|pair| arm(2 * pair) == arm(2 * pair + 1)));
    let n_control = arms.values().filter(|arm| *arm == "control").count();
    assert!(n_control.abs_diff(N / 4) < 60, "{n_control}");
    // Half of the customers are new on the second night; then an older night is made up for.
    let second = project.run(&pipeline("2026-02-01", plain)).unwrap();
    let older = project.run(&pipeline("2026-01-20", &plain.replace("0.25", "0.6"))).unwrap();
    for later in [second, older] {
        assert_eq!(column(&later, "assignments.csv", "arm"), arms);
        assert!(column(&later, "assignments.csv", "assigned_on").values().all(|day| day == "2026-01-31"));
    }
}

/// A contact log keeps yesterday's contacts away tonight; that is no mismatch of the arms.
#[test]
fn a_frequency_cap_is_no_sample_ratio_mismatch() {
    let project = project();
    let keys = "control-share = 0.25\n";
    let campaign = format!("[[campaign]]\nname = 'spring'\nsegment = 'all'\n{keys}");
    let first = project.run(&pipeline("2026-01-31", &campaign)).unwrap();
    let log: String = first
        .table("campaigns/spring.csv")
        .iter()
        .map(|row| format!("{};2026-02-01;Mailing\n", row["customer_id"]))
        .collect();
    project.write("contacts.csv", format!("customer_id;date;kind\n{log}").as_bytes());
    let more = format!(
        "[input.contacts.csv]\npath = 'contacts.csv'\n[contact-rules]\nfrequency-cap = 1\nfrequency-window = '7 days'\n{campaign}"
    );
    let second = project.run(&pipeline("2026-02-02", &more)).unwrap();
    let record = &second.manifest["campaigns"][0];
    assert_eq!(record["contacts"], 0);
    assert!(record["sample_ratio_p"].as_f64().unwrap() > 0.001, "{record}");
    // A week after the mailing everybody may be written to again.
    let third = project.run(&pipeline("2026-02-08", &more)).unwrap();
    assert_eq!(third.manifest["campaigns"][0]["contacts"], first.manifest["campaigns"][0]["contacts"]);
}

#[test]
fn a_column_of_addresses_is_no_column_of_campaigns() {
    let rows: String = (0..60).map(|ix| format!("K{ix:04};person{ix}@example.com;contact;2026-01-31\n")).collect();
    let project = Project::new(&[
        ("lines.csv", &lines(&[])),
        ("assigned.csv", &format!("customer_id;campaign;arm;assigned_on\n{rows}")),
    ]);
    let text = "version = 1\nas-of = 2026-03-15\nanalyses = []\n[input.transactions.csv]\npath = 'lines.csv'\n\
        [input.assignments.csv]\npath = 'assigned.csv'\n[output]\ndirectory = 'out'\n";
    project.write("pipeline.toml", text.as_bytes());
    let output = project.klientel().args(["measure", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`campaign` holds 60 different campaigns, at most 30 are expected"), "{said}");
    assert!(!said.contains("person") && output.stdout.is_empty(), "{said}");
}
