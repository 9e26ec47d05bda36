//! Draws from night to night: contact rules that hold for both arms and for everybody at an address, campaigns that come once, and what an
//! earlier run left behind.

use std::collections::BTreeSet;
use std::fs;

use super::campaigns::{DRAWING, N, column, customers, pipeline, project};
use super::support::Run;

/// The customers of `customers`, two and two with one address.
fn pairs() -> String {
    customers(&[]).lines().enumerate().fold(String::new(), |text, (nth, line)| {
        let shared = |line: &str| line.replace(&format!("k{}@", nth - 1), &format!("k{}@", (nth - 1) / 2));
        text + &if nth == 0 { line.to_owned() } else { shared(line) } + "\n"
    })
}

/// A contact log keeps yesterday's contacts from tonight's campaign, and yesterday's control group is kept from it as well: the two differ by
/// the lot of yesterday alone.
#[test]
fn the_next_campaign_does_not_go_to_the_control_group_of_the_last() {
    let project = project();
    let campaign = |name: &str| format!("[[campaign]]\nname = '{name}'\nsegment = 'all'\ncontrol-share = 0.3\n");
    let first = project.run(&pipeline("2026-01-31", &campaign("spring"))).unwrap();
    let contacts = first.table("campaigns/spring.csv");
    let log: String = contacts.iter().map(|row| format!("{};2026-01-31;Mailing\n", row["customer_id"])).collect();
    project.write("contacts.csv", format!("customer_id;date;kind\n{log}").as_bytes());
    let rules = "[input.contacts.csv]\npath = 'contacts.csv'\n[contact-rules]\nfrequency-cap = 1\nfrequency-window = '7 days'\n";
    let both = format!("{rules}{}", campaign("summer"));
    let second = project.run(&pipeline("2026-02-03", &both)).unwrap();
    assert_eq!(second.manifest["campaigns"][0]["excluded"]["frequency_cap"], N, "contacts and control group alike");
    let third = project.run(&pipeline("2026-02-10", &both)).unwrap();
    assert_eq!(third.manifest["campaigns"][0]["excluded"]["frequency_cap"], 0);
}

/// Who is in no log after as-of was contacted all the same.
#[test]
fn contacts_after_as_of_count_and_a_campaign_can_come_once() {
    let project = project();
    project.write("contacts.csv", b"customer_id;date;kind\nK0003;02.02.2026;Mailing\n");
    let more = "[input.contacts.csv]\npath = 'contacts.csv'\n[contact-rules]\nfrequency-cap = 1\nfrequency-window = '7 days'\n\
        [[campaign]]\nname = 'letters'\nsegment = 'all'\nrepeat-after = '60 days'\ncontrol-share = 0.2\n\
        [[campaign]]\nname = 'once'\nsegment = 'all'\nrepeat-after = '60 days'\n";
    let first = project.run(&pipeline("2026-01-31", more)).unwrap();
    assert_eq!(column(&first, "excluded.csv", "reason")["K0003"], "frequency_cap");
    let n = |run: &Run, campaign: usize| run.manifest["campaigns"][campaign]["contacts"].as_u64().unwrap();
    assert!(n(&first, 0) > 400 && n(&first, 1) == N as u64 - 1);
    // The next night nobody comes again, neither to a file nor to the lot; who is free now comes for the first time.
    let second = project.run(&pipeline("2026-02-10", more)).unwrap();
    assert_eq!((n(&second, 0) <= 1, n(&second, 1)), (true, 1));
    assert_eq!(second.manifest["campaigns"][0]["excluded"]["contacted_before"], N - 1);
    assert_eq!(second.manifest["campaigns"][1]["excluded"]["contacted_before"], N - 1);
    // After the time everybody comes again, in the same arm as before; a campaign without control group is not measured.
    let third = project.run(&pipeline("2026-04-02", more)).unwrap();
    assert_eq!((n(&third, 0).abs_diff(n(&first, 0)) <= 1, n(&third, 1)), (true, N as u64 - 1));
    project.write(
        "pipeline.toml",
        pipeline("2026-05-15", "[input.assignments.csv]\npath = 'out/latest/assignments.csv'\n").as_bytes(),
    );
    let output = project.klientel().args(["measure", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("letters: control") && !said.contains("once"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Two customers with one address: one is held out, in another campaign or contacted enough, and nothing goes to the inbox of both.
#[test]
fn rules_hold_for_everybody_at_an_address() {
    let project = project();
    project.write("customers.csv", pairs().as_bytes());
    project.write("contacts.csv", b"customer_id;date;kind\nK0006;28.01.2026;Mailing\nK0009;28.01.2026;Beschwerde\n");
    let more = "[[segment]]\nname = 'even'\nwhere = 'avg_order_value < 30'\n[[segment]]\nname = 'odd'\nwhere = 'avg_order_value >= 30'\n\
        [input.contacts.csv]\npath = 'contacts.csv'\n\
        [contact-rules]\nfrequency-cap = 1\nfrequency-window = '7 days'\nquiet-period = '7 days'\ncampaigns-per-customer = 1\nglobal-holdout-share = 0.2\n\
        [[campaign]]\nname = 'a'\nsegment = 'even'\n[[campaign]]\nname = 'b'\nsegment = 'odd'\n";
    let run = project.run(&pipeline("2026-01-31", more)).unwrap();
    let [a, b] = ["campaigns/a.csv", "campaigns/b.csv"].map(|file| column(&run, file, "email"));
    let [in_a, in_b]: [BTreeSet<&String>; 2] = [a.values().collect(), b.values().collect()];
    assert!(in_a.is_disjoint(&in_b), "an inbox gets one campaign");
    assert!(in_a.len() > 50 && in_b.len() > 20);
    let arms = column(&run, "assignments.csv", "arm");
    for (id, arm) in &arms {
        let address = format!("k{}@example.com", id[1..].parse::<usize>().unwrap() / 2);
        assert!(arm == "contact" || !(in_a.contains(&address) || in_b.contains(&address)), "{id} is held out");
    }
    let reasons = column(&run, "excluded.csv", "reason");
    let of_pair = |first: &str, second: &str| [first, second].map(|id| reasons[id].clone());
    assert!(
        of_pair("K0006", "K0007").iter().all(|reason| ["frequency_cap", "global_holdout"].contains(&reason.as_str()))
    );
    assert!(
        of_pair("K0008", "K0009")
            .iter()
            .all(|reason| ["quiet_after_complaint", "global_holdout"].contains(&reason.as_str()))
    );
}

/// One of the two at an address gets a letter; the other one must not get it the next night.
#[test]
fn a_campaign_that_comes_once_comes_to_an_address_once() {
    let project = project();
    project.write("customers.csv", pairs().as_bytes());
    let once = "[contact-rules]\ndeduplicate-by = 'address'\n[[campaign]]\nname = 'once'\nsegment = 'all'\nrepeat-after = '60 days'\n";
    let first = project.run(&pipeline("2026-01-31", once)).unwrap();
    assert_eq!(first.table("campaigns/once.csv").len(), N / 2);
    let second = project.run(&pipeline("2026-02-01", once)).unwrap();
    assert_eq!(second.table("campaigns/once.csv").len(), 0);
    assert_eq!(second.manifest["campaigns"][0]["excluded"]["contacted_before"], N);
    // The same night once more, with another pipeline: it has not contacted anybody yet.
    let again = project.run(&pipeline("2026-02-01", &format!("{once}# again\n"))).unwrap();
    assert_eq!(again.table("campaigns/once.csv").len(), 0);
}

/// What was never published, or is no longer what its run wrote, decides no arm.
#[test]
fn only_whole_runs_hand_their_draws_on() {
    let project = project();
    let first = project.run(&pipeline("2026-01-31", DRAWING)).unwrap();
    let arms = column(&first, "assignments.csv", "arm");
    // A run that was killed before it was published, made later than all others.
    let left = project.path("out/.partial-2026-02-01-00000000");
    fs::create_dir(&left).unwrap();
    fs::copy(first.directory.join("assignments.parquet"), left.join("assignments.parquet")).unwrap();
    let swapped = first
        .text("assignments.csv")
        .replace(",contact,", ",x,")
        .replace(",control,", ",contact,")
        .replace(",x,", ",control,");
    fs::write(left.join("assignments.csv"), swapped).unwrap();
    fs::write(left.join("manifest.json"), r#"{"run":{"id":"x","started_at_unix":9999999999}}"#).unwrap();
    let second = project.run(&pipeline("2026-02-01", DRAWING)).unwrap();
    assert_eq!(column(&second, "assignments.csv", "arm"), arms);
    // Somebody has saved the file from a spreadsheet.
    let path = second.directory.join("assignments.csv");
    fs::write(&path, second.text("assignments.csv").replace(",contact,", ",control,") + "\n").unwrap();
    project.write("pipeline.toml", pipeline("2026-02-02", DRAWING).as_bytes());
    let output = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("error[K0342]") && said.contains("not what its run wrote"),
        "{said}"
    );
    // That very night is made anew from the one before.
    let anew = project.run(&pipeline("2026-02-01", DRAWING)).unwrap();
    assert_eq!(column(&anew, "assignments.csv", "arm"), arms);
}

/// Whoever was the only one in a campaign is erased: the next run draws, and does not stop.
#[test]
fn draws_of_nobody_are_no_draws() {
    let project = project();
    let one = "[[segment]]\nname = 'one'\nwhere = \"revenue = 10.5\"\nlimit = 1\norder-by = 'revenue'\n[[campaign]]\nname = 'c'\nsegment = 'one'\ncontrol-share = 0.5\n";
    let text = pipeline("2026-01-31", one);
    let first = project.run(&text).unwrap();
    let rows = first.table("assignments.csv");
    assert_eq!(rows.len(), 1);
    project.write("pipeline.toml", text.as_bytes());
    let output = project.klientel().args(["erase", "pipeline.toml", &rows[0]["customer_id"]]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let second = project.run(&pipeline("2026-02-01", one)).unwrap();
    assert!(second.table("assignments.csv").iter().all(|row| row["customer_id"] != rows[0]["customer_id"]));
}

/// The refusal of somebody who was erased still covers the address that others share.
#[test]
fn a_refusal_is_not_erased_with_the_person() {
    let project = project();
    let refusing = pairs().replace("K0008;k4@example.com;Name8;ja;", "K0008;k4@example.com;Name8;nein;");
    project.write("customers.csv", refusing.as_bytes());
    // No mailing yet.
    project.write("contacts.csv", b"customer_id;date;kind\n");
    let more = "[input.contacts.csv]\npath = 'contacts.csv'\n[contact-rules]\nfrequency-cap = 1\n[[campaign]]\nname = 'c'\nsegment = 'all'\n";
    let text = pipeline("2026-01-31", more);
    let first = project.run(&text).unwrap();
    assert_eq!(column(&first, "excluded.csv", "reason")["K0009"], "without_consent");
    project.write("pipeline.toml", text.as_bytes());
    let output = project.klientel().args(["erase", "pipeline.toml", "K0008"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let second = project.run(&pipeline("2026-02-01", more)).unwrap();
    assert_eq!(column(&second, "excluded.csv", "reason")["K0009"], "suppressed");
    assert!(!column(&second, "campaigns/c.csv", "email").contains_key("K0009"));
}
