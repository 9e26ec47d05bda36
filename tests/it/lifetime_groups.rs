//! Groups of customers with purchase parameters of their own, through a pipeline: covariates from the customer export, and cohorts.

use std::fmt::Write;

use klientel::run::Job;
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

/// Lines and customers: every third customer has the plan `pro` and buys twice as often; customers 1 and 2 bought on the same days.
fn base() -> (Vec<String>, Vec<String>) {
    let mut random = Even(42);
    let (mut lines, mut customers) = (vec![], vec![]);
    let (first, last) = (Day::from_ymd(2024, 1, 1).unwrap(), Day::from_ymd(2025, 12, 31).unwrap());
    let mut twin = None;
    for id in 1..=900_u32 {
        let is_pro = id % 3 == 1;
        let gap = if is_pro { 25.0 } else { 60.0 } / -random.next().ln();
        let mut at = first.0 as f64 + 500.0 * random.next();
        let mut days = vec![at as i32];
        while random.next() > 0.15 {
            at -= gap * random.next().ln();
            if at >= f64::from(last.0) {
                break;
            }
            days.push(at as i32);
        }
        days.dedup();
        match id {
            1 => twin = Some(days.clone()),
            2 => days = twin.clone().unwrap(),
            _ => {}
        }
        for day in days {
            lines.push(format!("{id:04};{};{:.2}", Day(day), 10.0 + 30.0 * random.next()));
        }
        let plan = if is_pro { "Pro" } else { "Basic" };
        let seats = if is_pro { 8.0 } else { 3.5 } + 2.0 * random.next();
        // The last hundred have no row; the first of all have one too many. Every tenth has no branch.
        let branch = ["Handel", "Handwerk", ""][if id % 10 == 0 { 2 } else { id as usize % 2 }];
        if id <= 800 {
            customers.push(format!("{id:04};{branch};{plan};{seats:.1};x").replace('.', ","));
        }
    }
    lines.push(format!("0001;{last};20.00"));
    lines.push(format!("0002;{last};20.00"));
    customers.push("9999;Handel;Basic;4,0;x".to_owned());
    (lines, customers)
}

fn project(lines: &[String], customers: &[String]) -> Project {
    let file = |header: &str, rows: &[String]| {
        rows.iter().fold(format!("{header}\n"), |mut text, row| {
            let _ = writeln!(text, "{row}");
            text
        })
    };
    let lines = file("Kundennr;Datum;Umsatz", lines);
    let customers = file("Kundennr;Branche;Tarif;Plätze (Anzahl);Bemerkung", customers);
    Project::new(&[("lines.csv", &lines), ("customers.csv", &customers)])
}

fn pipeline(customers: &str, lifetime_value: &str) -> String {
    format!(
        "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = 'lines.csv'\ndate-format = 'yyyy-mm-dd'\n\
         number-format = '1234.56'\n{customers}\n[lifetime-value]\n{lifetime_value}\n[output]\ndirectory = 'out'\n"
    )
}

const CUSTOMERS: &str =
    "[input.customers]\nattributes = ['Tarif', 'Plätze (Anzahl)']\n[input.customers.csv]\npath = 'customers.csv'";
const COVARIATES: &str = "model = 'mbg-nbd'\ncovariates = ['industry', 'tarif']";

/// The run, and the folder that it lies in.
fn run(lifetime_value: &str) -> (Project, Run) {
    let (lines, customers) = base();
    let project = project(&lines, &customers);
    let run = project.run(&pipeline(CUSTOMERS, lifetime_value)).unwrap_or_else(|error| panic!("{error}"));
    (project, run)
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("`{cell}` is no number"))
}

#[test]
fn covariates_tell_twins_apart() {
    let (_project, run) = run(COVARIATES);
    let covariates = &run.manifest["lifetime_value"]["covariates"];
    let effects = covariates["effects"].as_array().unwrap();
    let symbols: Vec<&str> = effects.iter().map(|effect| effect["symbol"].as_str().unwrap()).collect();
    let attributes = ["industry_handel", "industry_unknown", "tarif_pro", "tarif_unknown"];
    let expected: Vec<String> =
        ["gamma1", "gamma2", "gamma3"].iter().flat_map(|g| attributes.map(|a| format!("{g}_{a}"))).collect();
    assert!(symbols.len() >= 9, "{symbols:?}");
    assert!(symbols.iter().all(|symbol| expected.contains(&(*symbol).to_owned())), "{symbols:?}");
    let of = |symbol: &str| effects.iter().find(|effect| effect["symbol"] == symbol).unwrap();
    let plan = of("gamma1_tarif_pro");
    let (value, error) = (plan["value"].as_f64().unwrap(), plan["standard_error"].as_f64().unwrap());
    assert!((value - (60_f64 / 25.0).ln()).abs() < 3.0 * error && error < 0.4, "{plan}");
    assert!(covariates["p"].as_f64().unwrap() < 1e-6, "{covariates}");
    assert_eq!(covariates["degrees_of_freedom"].as_u64().unwrap() as usize, symbols.len());

    // Same days, another plan: another probability to be alive, another value.
    let scores = run.scores();
    for column in ["clv_p_alive", "clv_expected_orders"] {
        assert!(number(&scores["0001"][column]) != number(&scores["0002"][column]), "{column}");
    }
    assert!(number(&scores["0001"]["clv_expected_orders"]) > number(&scores["0002"]["clv_expected_orders"]));
    // Without a row in the customer export customers are scored all the same.
    assert_eq!(scores.len(), 900);
    assert!(number(&scores["0900"]["clv_p_alive"]) > 0.0);

    let groups = run.table("clv_groups.csv");
    let customers: f64 = groups.iter().map(|group| number(&group["customers"])).sum();
    assert!(customers <= 900.0 && groups.len() >= 5, "{groups:?}");
    let pro = groups.iter().find(|group| group["group"] == "industry = Handel, tarif = Pro").unwrap();
    let basic = groups.iter().find(|group| group["group"] == "industry = Handel, tarif = Basic").unwrap();
    assert!(number(&pro["mean_purchases_per_year"]) > 1.5 * number(&basic["mean_purchases_per_year"]));
    assert_eq!(run.manifest["lifetime_value"]["groups"].as_array().unwrap().len(), groups.len());

    let models = run.table("clv_models.csv");
    let kinds: Vec<(&str, &str)> = models.iter().map(|row| (row["forecast"].as_str(), row["kind"].as_str())).collect();
    assert_eq!(kinds[..2], [("mbg-nbd", "pooled"), ("mbg-nbd with covariates", "chosen")]);
    assert!(number(&models[1]["deviance"]) < number(&models[0]["deviance"]), "{models:?}");
}

#[test]
fn numbers_are_one_effect_a_deviation() {
    let (_project, run) = run("model = 'pareto-nbd'\ncovariates = ['plaetze_anzahl']");
    let effects = run.manifest["lifetime_value"]["covariates"]["effects"].as_array().unwrap();
    let symbols: Vec<&str> = effects.iter().map(|effect| effect["symbol"].as_str().unwrap()).collect();
    let expected = [
        "gamma1_plaetze_anzahl",
        "gamma1_plaetze_anzahl_unknown",
        "gamma2_plaetze_anzahl",
        "gamma2_plaetze_anzahl_unknown",
    ];
    assert_eq!(symbols, expected);
    assert!(effects[0]["value"].as_f64().unwrap() > 0.2 && effects[0]["p"].as_f64().unwrap() < 1e-3, "{}", effects[0]);
}

#[test]
fn cohorts_are_shrunk_and_shown() {
    let (_project, run) = run("model = 'pareto-nbd'\ncohorts = 'quarter'");
    assert!(run.manifest["lifetime_value"]["groups"].is_array(), "{}", run.manifest["notes"]);
    let groups = run.table("clv_groups.csv");
    let labels: Vec<&str> = groups.iter().map(|group| group["group"].as_str()).collect();
    assert_eq!(labels, ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2"]);
    assert!(groups.iter().all(|group| (0.0..=1.0).contains(&number(&group["own_weight"]))));
    assert!(run.manifest["lifetime_value"]["spread_between_groups"]["alpha"].as_f64().unwrap() >= 0.0);
    assert_eq!(run.manifest["lifetime_value"]["evaluation"]["grouped"]["name"], "pareto-nbd by quarter cohort");
    assert_eq!(run.scores().len(), 900);
}

/// Rows in another order give the same files.
#[test]
fn the_order_of_the_rows_changes_nothing() {
    let (mut lines, mut customers) = base();
    let text = pipeline(CUSTOMERS, "covariates = ['tarif', 'plaetze_anzahl']");
    let hashes = |lines: &[String], customers: &[String]| {
        project(lines, customers).run(&text).unwrap_or_else(|error| panic!("{error}")).hashes()
    };
    let before = hashes(&lines, &customers);
    lines.reverse();
    customers.reverse();
    assert_eq!(hashes(&lines, &customers), before);
    assert!(before.iter().any(|(path, _)| path == "clv_groups.parquet"));
}

/// Code, title and help of the only problem of a pipeline.
fn problem(customers: &str, lifetime_value: &str) -> (String, String, String) {
    let project = project(&[], &[]);
    let text = pipeline(customers, lifetime_value);
    let problems = Job::load(&text, "pipeline.toml", project.dir.path()).err().expect("the pipeline is wrong");
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert!(problem.span.is_some());
    (problem.code.to_owned(), problem.title.clone(), problem.help.clone().unwrap_or_default())
}

#[test]
fn wrong_names_are_pointed_at() {
    let check = |customers: &str, lifetime_value: &str, code: &str, title: &str, help: &str| {
        let (found, said, advised) = problem(customers, lifetime_value);
        assert_eq!(found, code, "{said}");
        assert!(said.contains(title) && advised.contains(help), "{said}; {advised}");
    };
    check(
        CUSTOMERS,
        "covariates = ['Tarife']",
        "K0208",
        "unknown attribute `Tarife`",
        "a similar attribute exists: `tarif`",
    );
    check(
        CUSTOMERS,
        "covariates = ['bemerkung']",
        "K0208",
        "unknown attribute `bemerkung`",
        "known are salutation, industry",
    );
    check(CUSTOMERS, "covariates = ['last_name']", "K0208", "unknown attribute", "`last_name` is for campaigns alone");
    check("", "covariates = ['industry']", "K0208", "unknown attribute", "add a table `[input.customers.csv]`");
    let both = "covariates = ['tarif']\ncohorts = 'year'";
    check(CUSTOMERS, both, "K0108", "exclude each other", "remove one of them");
    check(
        CUSTOMERS,
        "covariates = ['tarif']\nmodel = 'nbd'",
        "K0108",
        "cannot go with the model `nbd`",
        "`pareto-nbd`",
    );
    check(CUSTOMERS, "cohorts = 'month'", "K0107", "`lifetime-value.cohorts` must be one of `year`, `quarter`", "");
    let named = |attributes: &str| CUSTOMERS.replace("'Tarif', 'Plätze (Anzahl)'", attributes);
    check(&named("'E-Mail'"), "", "K0209", "`E-Mail` is the column `email`", "`email = \"…\"`");
    check(&named("'Vorname'"), "", "K0209", "is the column `first_name`", "it is `first_name`");
    check(&named("'Tarif', 'TARIF!'"), "", "K0209", "attribute `TARIF!` would be called `tarif`, as `Tarif` is", "");
    check(&named("'%'"), "", "K0209", "no letters or digits", "another header");
    check(&named("'CLV'"), "", "K0209", "would be called `clv`, as a column of the scores", "another header");
}

#[test]
fn a_column_that_is_not_in_the_export_is_an_error() {
    let (lines, customers) = base();
    let failed = |customers_table: &str, lifetime_value: &str| {
        let project = project(&lines, &customers);
        let error = project.run(&pipeline(customers_table, lifetime_value)).err().expect("the export lacks a column");
        let diagnostic = error.diagnostic();
        (diagnostic.code, diagnostic.title, diagnostic.help.unwrap_or_default())
    };
    let (code, title, help) = failed(&CUSTOMERS.replace("'Tarif'", "'Tarifs'"), "covariates = ['tarifs']");
    assert_eq!(code, "K0306");
    assert!(title.contains("no header `Tarifs`"), "{title}");
    assert!(help.contains("name `Tarif` in `[input.customers]` `attributes`"), "{help}");
    let (code, title, help) = failed(CUSTOMERS, "covariates = ['country']");
    assert_eq!((code, title.contains("the attribute `country`")), ("K0324", true));
    assert!(help.contains("`country = \"…\"`"), "{help}");
}

/// A campaign may show what the pipeline names, and columns nobody names are not read.
#[test]
fn attributes_are_for_campaigns_too() {
    let (lines, mut customers) = base();
    customers.iter_mut().for_each(|row| *row = row.replace(";x", ";ja"));
    let project = project(&lines, &customers);
    let mail: String = customers.iter().map(|row| format!("{};{}@example.com\n", row, &row[..4])).collect();
    project.write("customers.csv", format!("Kundennr;Branche;Tarif;Sitze;Newsletter;E-Mail\n{mail}").as_bytes());
    let text = pipeline(&CUSTOMERS.replace(", 'Plätze (Anzahl)'", ""), "")
        + "[[segment]]\nname = 'all'\nwhere = 'n_orders >= 1'\n[[campaign]]\nname = 'news'\nsegment = 'all'\ncolumns = ['tarif']\n";
    let run = project.run(&text).unwrap_or_else(|error| panic!("{error}"));
    let contacts = run.table("campaigns/news.csv");
    assert_eq!((contacts[0]["tarif"].as_str(), contacts.len()), ("Pro", 800));
    let inputs = run.manifest["inputs"].as_array().unwrap();
    let columns = inputs.iter().find(|input| input["table"] == "customers").unwrap()["columns"].as_object().unwrap();
    assert_eq!(columns["tarif"], "Tarif");
    assert!(!columns.values().any(|header| header == "Sitze"));
}
