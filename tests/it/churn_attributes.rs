//! Customer attributes, channels and discounts in the churn risk: what helps is learnt from and said, what knows the future is left out and named.

use std::fmt::Write;

use klientel::units::Day;

use super::support::{Project, Run};

/// A generator of even numbers on the unit interval; the same every time.
struct Even(u64);

impl Even {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 + 0.5) / f64::from(1_u32 << 31)
    }
}

/// Two years of customers who buy every forty days; who was won at a fair or orders by fax leaves soon, who is young somewhat sooner.
///
/// `Status` and `Letzter Besuch` are those of today, `Zuletzt gemahnt` is blank for who bought in the last ninety days.
fn project() -> Project {
    let mut random = Even(7);
    let (first, last) = (Day::from_ymd(2024, 1, 1).unwrap(), Day::from_ymd(2025, 12, 31).unwrap());
    let mut lines = String::from("Kundennr;Datum;Umsatz;Kanal;Rabatt\n");
    let mut customers = String::from("Kundennr;Herkunft;Geburtstag;Punkte;Status;Letzter Besuch;Notiz\n");
    for id in 0..3_000 {
        let at_fair = random.next() < 0.4;
        let age = 18.0 + 50.0 * random.next();
        let by_fax = random.next() < 0.2;
        let leaves =
            if at_fair { 0.35 } else { 0.06 } + if age < 30.0 { 0.12 } else { 0.0 } + if by_fax { 0.25 } else { 0.0 };
        let mut at = f64::from(first.0) + 690.0 * random.next();
        let mut bought;
        loop {
            bought = at as i32;
            let channel = if by_fax && random.next() < 0.8 { "Fax" } else { ["Web", "App"][id % 2] };
            let discount = ["0 %", "10 %", ""][if random.next() < 0.3 { 1 } else { 2 * (id % 2) }];
            let amount = 10.0 + 40.0 * random.next();
            let _ = writeln!(lines, "{id:05};{};{amount:.2};{channel};{discount}", Day(bought));
            at += 1.0 - 40.0 * random.next().ln();
            if random.next() < leaves || at > f64::from(last.0) {
                break;
            }
        }
        let is_lost = last.0 - bought >= 90;
        let born = Day(last.0 - (365.25 * age) as i32);
        let (year, month, day) = born.ymd();
        let visit = Day(last.0.min(bought + (30.0 * random.next()) as i32));
        let origin = ["Messe", "Empfehlung", ""][if at_fair { 0 } else { 1 + usize::from(random.next() < 0.1) }];
        let points = if random.next() < 0.2 { String::new() } else { format!("{:.1}", 100.0 * random.next()) };
        let _ = writeln!(
            customers,
            "{id:05};{origin};{day:02}.{month:02}.{year};{};{};{visit};{}",
            points.replace('.', ","),
            if is_lost { "inaktiv" } else { "aktiv" },
            if is_lost { "keine Reaktion" } else { "" },
        );
    }
    Project::new(&[("lines.csv", &lines), ("customers.csv", &customers)])
}

const HEADERS: &str = "'Herkunft', 'Geburtstag', 'Punkte', 'Status', 'Letzter Besuch', 'Notiz'";

fn run(project: &Project, attributes: &str) -> Run {
    let text = format!(
        "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = 'lines.csv'\n\
         [input.customers]\nattributes = [{HEADERS}]\n[input.customers.csv]\npath = 'customers.csv'\n\
         [lifetime-value]\nmodel = 'mbg-nbd'\n[churn]\nattributes = [{attributes}]\n[report]\nlanguage = 'de'\n\
         [output]\ndirectory = 'out'\n"
    );
    project.run(&text).unwrap()
}

fn auc(run: &Run) -> f64 {
    run.number("churn.evaluation.models.logistic.auc")
}

#[test]
fn what_helps_is_learnt_and_what_knows_the_future_is_named() {
    let project = project();
    let known = "'herkunft', 'geburtstag', 'punkte'";
    let honest = run(&project, known);
    let without = run(&project, "");
    assert!(auc(&honest) > auc(&without) + 0.01, "{} {}", auc(&honest), auc(&without));
    let all = run(&project, &format!("{known}, 'status', 'letzter_besuch', 'notiz'"));
    // What is left out leaves no trace in any risk.
    assert_eq!(auc(&all), auc(&honest));
    let risks = |run: &Run| -> Vec<String> { run.scores().values().map(|row| row["churn_risk"].clone()).collect() };
    assert_eq!(risks(&all), risks(&honest));

    let notes: Vec<String> =
        all.manifest["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect();
    let left_out = |name: &str, why: &str| {
        let start = format!("churn: `{name}` is left out, it knows the future: ");
        notes.iter().any(|note| note.starts_with(&start) && note.contains(why))
    };
    assert!(left_out("status", "alone it tells who is lost with an AUC of 0.99"), "{notes:#?}");
    assert!(left_out("letzter_besuch", "of its dates lie after the eve of 2025-10-02"), "{notes:#?}");
    assert!(left_out("notiz", "alone it tells who is lost"), "{notes:#?}");
    assert_eq!(notes.iter().filter(|note| note.starts_with("churn: ") && note.contains("is left out")).count(), 3);

    let reasons = |start: &str| {
        let of = |row: &std::collections::BTreeMap<String, String>| {
            (1..=3).any(|nth| row[&format!("churn_reason_{nth}")].contains(start))
        };
        all.scores().values().filter(|row| of(row)).count()
    };
    assert!(reasons("herkunft: Messe") > 500, "{}", reasons("herkunft: Messe"));
    // Who was recommended stays for longer: that is no reason, and nothing left out is one.
    for never in ["herkunft: Empfehlung", "status", "notiz", "letzter_besuch"] {
        assert_eq!(reasons(never), 0, "{never}");
    }
    assert!(reasons("geburtstag: ") > 0);
    let (fax, web) = (reasons(" Bestellungen über Fax"), reasons(" Bestellungen über Web"));
    assert!(fax > 100 && web < fax / 2, "{fax} {web}");
}
