//! Contacts and invoices in the churn risk: as of every cut only what was known then.

use std::fmt::Write;

use klientel::units::Day;

use super::support::Project;

/// A generator of even numbers on the unit interval; the same every time.
struct Even(u64);

impl Even {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 + 0.5) / f64::from(1_u32 << 31)
    }
}

/// Customers who buy every forty days; half of those who complain leave on the spot, and who pays late leaves somewhat sooner.
#[test]
fn complaints_and_payments_are_learnt_from() {
    let mut random = Even(11);
    let (first, last) = (Day::from_ymd(2024, 1, 1).unwrap(), Day::from_ymd(2025, 12, 31).unwrap());
    let mut lines = String::from("Kundennr;Belegnr;Datum;Umsatz\n");
    let mut contacts = String::from("Kundennr;Datum;Kontaktart\n");
    let mut invoices = String::from("Belegnr;Kundennr;Fällig am;Bezahlt am\n");
    let mut number = 0;
    for id in 0..3_000 {
        let pays_late = random.next() < 0.3;
        let mut at = f64::from(first.0) + 690.0 * random.next();
        loop {
            let bought = Day(at as i32);
            number += 1;
            let _ = writeln!(lines, "{id:05};R{number};{bought};{:.2}", 10.0 + 40.0 * random.next());
            let due = Day(bought.0 + 14);
            let paid = due.0 + if pays_late { (20.0 * random.next()) as i32 } else { -5 };
            let paid = if paid <= last.0 { Day(paid).to_string() } else { String::new() };
            let _ = writeln!(invoices, "R{number};{id:05};{due};{paid}");
            let complains = random.next() < 0.12;
            if complains || random.next() < 0.2 {
                let kind = if complains { "Beschwerde" } else { "Anruf" };
                let _ = writeln!(contacts, "{id:05};{};{kind}", Day((bought.0 + 3).min(last.0)));
            }
            let leaves = 0.06 + if complains { 0.5 } else { 0.0 } + if pays_late { 0.1 } else { 0.0 };
            at += 1.0 - 40.0 * random.next().ln();
            if random.next() < leaves || at > f64::from(last.0) {
                break;
            }
        }
    }
    // Who never bought anything is in no base, and no reason to fail.
    contacts.push_str("99999;2025-05-05;Beschwerde\n");
    let project = Project::new(&[("lines.csv", &lines), ("contacts.csv", &contacts), ("invoices.csv", &invoices)]);
    let run = |further: &str| {
        let text = format!(
            "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = 'lines.csv'\n{further}\
             [lifetime-value]\nmodel = 'mbg-nbd'\n[report]\nlanguage = 'de'\n[output]\ndirectory = 'out'\n"
        );
        project.run(&text).unwrap()
    };
    let tables = "[input.contacts.csv]\npath = 'contacts.csv'\n[input.invoices.csv]\npath = 'invoices.csv'\n";
    let (without, with) = (run(""), run(tables));
    let auc = |of: &super::support::Run| of.number("churn.evaluation.models.logistic.auc");
    assert!(auc(&with) > auc(&without) + 0.02, "{} {}", auc(&with), auc(&without));
    let scores = with.scores();
    let said = |what: &str| {
        let of = |nth: u8| format!("churn_reason_{nth}");
        scores.values().filter(|row| (1..=3).any(|nth| row[&of(nth)].contains(what))).count()
    };
    assert!(
        said("Beschwerde vor ") > 100 && said("zahlt Rechnungen ") > 50,
        "{} {}",
        said("Beschwerde"),
        said("zahlt")
    );
    let rows = |table: &str| with.manifest["inputs"].as_array().unwrap().iter().any(|input| input["table"] == table);
    assert!(rows("contacts") && rows("invoices"));
}
