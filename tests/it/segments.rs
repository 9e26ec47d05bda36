//! Segments from exports to the published directory: customer columns, limits, first match, and night after night.

use std::path::Path;

use klientel::run::Job;

use super::support::{Project, Run};

const LINES: &str = "customer_id,order_id,date,product_id,quantity,amount\n\
    1,1,2026-03-01,a,1,100.00\n2,2,2026-03-02,b,2,50.00\n3,3,2025-11-03,a,2,20.00\n4,4,2026-03-01,c,1,5.00\n5,5,2026-03-02,c,1,5.00\n";

const MORE_LINES: &str = "2,6,2026-03-11,a,1,100.00\n6,7,2026-03-11,a,1,7.00\n";

const CUSTOMERS: &str = "customer_id;email;newsletter;Firma;Branche;PLZ;Betreuer;Widerspruch\n\
    1;a@x.de;ja;Lang GmbH;47.1;01067;Ida;\n2;b@x.de;ja;;47.2;01097;Ida;\n3;c@x.de;ja;;62.0;80331;Ole;\n4;d@x.de;ja;;;;;\n\
    5;e@x.de;ja;;47.1;04109;Ole;\n6;f@x.de;ja;;;01099;;\n";

const FIRST_MATCH: &str = "[segments]\nassignment = 'first-match'\n\
    [[segment]]\nname = 'best'\nwhere = 'revenue >= 40'\nlimit = 1\norder-by = 'revenue'\n\
    [[segment]]\nname = 'saxony'\nwhere = \"postal_code starts with '0'\"\n";

fn pipeline(as_of: &str, segments: &str) -> String {
    format!(
        "version = 1\nas-of = {as_of}\nanalyses = ['rfm']\n[input.transactions.csv]\npath = 'lines.csv'\n\
         [input.customers]\nattributes = ['Betreuer']\n[input.customers.csv]\npath = 'customers.csv'\n\
         [output]\ndirectory = 'out'\n{segments}"
    )
}

fn project() -> Project {
    Project::new(&[("lines.csv", LINES), ("customers.csv", CUSTOMERS)])
}

/// Returns what the scores say of the segment of a customer: today, before, since when.
fn told(run: &Run, customer: &str) -> [String; 3] {
    let scores = run.scores();
    ["segment", "segment_previous", "segment_since"].map(|column| scores[customer][column].clone())
}

fn ways(run: &Run) -> Vec<String> {
    let rows = run.table("segment_migration.csv");
    rows.iter().map(|row| format!("{} > {}: {} {}", row["from"], row["to"], row["customers"], row["share"])).collect()
}

#[test]
fn nights_in_a_row_are_compared_with_the_one_before_and_not_with_themselves() {
    let project = project();
    let first = project.run(&pipeline("2026-03-10", FIRST_MATCH)).unwrap();
    assert_eq!(told(&first, "1"), ["best", "", "2026-03-10"]);
    assert_eq!(told(&first, "2"), ["saxony", "", "2026-03-10"], "the segment before is full");
    assert_eq!(told(&first, "5"), ["saxony", "", "2026-03-10"]);
    assert_eq!(told(&first, "3"), ["", "", ""]);
    let best = &first.manifest["segments"][0];
    assert_eq!((&best["customers"], &best["matching"], &best["last_kept"]), (&1.into(), &2.into(), &100.0.into()));
    assert!(first.manifest["segment_migration"].is_null() && !first.directory.join("segment_migration.csv").exists());

    project.write("lines.csv", format!("{LINES}{MORE_LINES}").as_bytes());
    project.write("customers.csv", CUSTOMERS.replace("04109;Ole;", "04109;Ole;ja").as_bytes());
    let moved = |run: &Run| {
        assert_eq!(told(run, "1"), ["saxony", "best", "2026-03-11"]);
        assert_eq!(told(run, "2"), ["best", "saxony", "2026-03-11"]);
        assert_eq!(told(run, "6"), ["saxony", "", "2026-03-11"]);
        let expected = ["best > saxony: 1 1.0", "saxony > best: 1 1.0", "none > none: 2 1.0", "new > saxony: 1 1.0"];
        assert_eq!(ways(run), expected, "who objects is nowhere");
        let facts = &run.manifest["segment_migration"];
        assert_eq!(
            (&facts["previous_as_of"], &facts["moved"], &facts["new"]),
            (&"2026-03-10".into(), &2.into(), &1.into())
        );
        assert!(!run.text("memberships.csv").lines().any(|line| line.starts_with("5,")));
    };
    let second = project.run(&pipeline("2026-03-11", FIRST_MATCH)).unwrap();
    moved(&second);
    let again = project.run(&format!("{}# the same night\n", pipeline("2026-03-11", FIRST_MATCH))).unwrap();
    assert_ne!(again.directory, second.directory);
    moved(&again);

    let third = project.run(&pipeline("2026-03-12", FIRST_MATCH)).unwrap();
    assert_eq!(told(&third, "1"), ["saxony", "saxony", "2026-03-11"]);
    assert_eq!(told(&third, "2"), ["best", "best", "2026-03-11"]);
    assert_eq!(third.manifest["segment_migration"]["previous_as_of"], "2026-03-11");
    assert_eq!(third.number("segment_migration.psi"), 0.0);
    assert_eq!(third.manifest["segment_migration"]["reading"], "stable");

    // An older night, run late, finds nothing before it.
    let late = project.run(&pipeline("2026-03-10", &format!("{FIRST_MATCH}# late\n"))).unwrap();
    assert!(late.manifest["segment_migration"].is_null());
}

#[test]
fn small_groups_are_not_told_where_a_least_size_is_asked_for() {
    let project = project();
    project.run(&pipeline("2026-03-10", FIRST_MATCH)).unwrap();
    let text = FIRST_MATCH.replace("[segments]\n", "[segments]\nmin-size = 2\n");
    let run = project.run(&pipeline("2026-03-11", &text)).unwrap();
    assert_eq!(ways(&run), ["best > best:  ", "saxony > saxony:  ", "none > none: 2 1.0"]);
    let notes = run.manifest["notes"].to_string();
    assert!(
        notes.contains("fewer than 2 customers (`segments.min-size`), and those that would tell of them, are left"),
        "{notes}"
    );
    assert!(notes.contains("segment `best` has fewer than 2 customers"), "{notes}");
    // One of two that is hidden takes the other along; 2 of 2 customers fulfil the condition of the first.
    let [best, saxony] = [0, 1].map(|ix| &run.manifest["segments"][ix]);
    assert!(best["customers"].is_null() && best["last_kept"].is_null() && saxony["customers"].is_null());
    assert_eq!((&best["matching"], &saxony["matching"]), (&2.into(), &serde_json::Value::Null));
    let outputs = run.manifest["outputs"].as_array().unwrap();
    let rows = |path: &str| &outputs.iter().find(|output| output["path"] == path).unwrap()["rows"];
    assert!(
        ["segments/best.csv", "segments/saxony.parquet", "memberships.csv"].iter().all(|path| rows(path).is_null())
    );
    assert_eq!(rows("scores.csv"), 5);
    let facts = &run.manifest["segment_migration"];
    assert_eq!((&facts["moved"], &facts["new"], &facts["customers_now"]), (&().into(), &().into(), &5.into()));
    let rfm = run.manifest["rfm"]["segments"].as_object().unwrap();
    assert!(rfm.values().all(|n| n.as_u64().is_none_or(|n| n >= 2)), "{rfm:?}");

    project.write("pipeline.toml", pipeline("2026-03-12", &text).as_bytes());
    let shown = project.klientel().args(["run", "pipeline.toml"]).output().unwrap();
    let shown = String::from_utf8(shown.stderr).unwrap();
    assert!(shown.contains("best                 fewer than 2 customers"), "{shown}");
    assert!(shown.contains("fewer than 2 moved, fewer than 2 new, fewer than 2 gone"), "{shown}");
}

#[test]
fn customer_columns_and_days_before_as_of_select_and_are_not_written() {
    let project = project();
    let text = pipeline(
        "2026-03-10",
        "[[segment]]\nname = 'trade'\nwhere = \"industry starts with '47.' and company is null\"\n\
         [[segment]]\nname = 'of-ole'\nwhere = \"betreuer = 'Ole'\"\n\
         [[segment]]\nname = 'quiet'\nwhere = 'last_purchase_date < as_of - 3 months'\n\
         [[segment]]\nname = 'recent'\nwhere = 'last_purchase_date between as_of - 8 days and as_of'\n",
    );
    let run = project.run(&text).unwrap();
    let ids = |name: &str| -> Vec<String> {
        run.table(&format!("segments/{name}.csv")).iter().map(|row| row["customer_id"].clone()).collect()
    };
    assert_eq!(ids("trade"), ["2", "5"]);
    assert_eq!(ids("of-ole"), ["3", "5"]);
    assert_eq!(ids("quiet"), ["3"]);
    assert_eq!(ids("recent"), ["2", "5"]);
    assert_eq!(told(&run, "5")[0], "trade", "the first of the file that holds the customer");
    let header = run.text("segments/trade.csv").lines().next().unwrap().to_owned();
    assert!(header.ends_with(",segment,segment_previous,segment_since"), "{header}");
    assert!(!["industry", "company", "betreuer"].iter().any(|name| header.contains(name)), "{header}");
}

#[test]
fn what_the_export_lacks_stops_the_run_with_a_name() {
    let project = project();
    let text = pipeline("2026-03-10", "[[segment]]\nname = 'french'\nwhere = \"language = 'fr'\"\n");
    let error = project.run(&text).err().unwrap();
    assert_eq!(error.to_string(), "segment `french` asks for `language`, which the customer export does not have");
    let diagnostic = error.diagnostic();
    assert_eq!((diagnostic.code, diagnostic.span.map(|span| &text[span])), ("K0330", Some("language")));
    assert!(!project.path("out/latest").exists());
}

#[test]
fn customer_columns_are_read_as_what_conditions_compare_with() {
    let limits = ["900", "1000", "12.000,50", "", "none", "80"];
    let since = ["01.02.2020", "15.02.2026", "", "31.12.9999", "later", "09.03.2026"];
    let mut customers = String::from("customer_id;newsletter;Limit;Kunde seit\n");
    for (ix, (limit, since)) in limits.iter().zip(since).enumerate() {
        customers.push_str(&format!("{};ja;{limit};{since}\n", ix + 1));
    }
    let project = Project::new(&[("lines.csv", LINES), ("customers.csv", &customers)]);
    let text = |condition: &str| {
        let segment = format!("[[segment]]\nname = 's'\nwhere = \"{condition}\"\n");
        pipeline("2026-03-10", &segment).replace("'Betreuer'", "'Limit', 'Kunde seit'")
    };
    let ids = |condition: &str| -> Vec<String> {
        let run = project.run(&text(condition)).unwrap();
        run.table("segments/s.csv").iter().map(|row| row["customer_id"].clone()).collect()
    };
    assert_eq!(ids("limit >= 1000"), ["2", "3"]);
    assert_eq!(ids("limit between 900 and 1000 and kunde_seit < as_of - 90 days"), ["1"]);
    assert_eq!(ids("kunde_seit > '2026-01-31'"), ["2"]);
    assert_eq!(ids("limit is null"), ["4"], "a text that is none is known");
    assert_eq!(ids("limit = '1000'"), ["2"]);
    let run = project.run(&text("limit > rfm_recency_days")).unwrap();
    let notes = run.manifest["notes"].to_string();
    assert!(notes.contains("ask for numbers in the customer column `limit`: 1 of its 5 cells are none"), "{notes}");
    assert!(!notes.contains("none,"), "{notes}");

    let refused = problems(&text("limit >= '1000'"));
    assert_eq!(
        (refused.len(), refused[0].0, refused[0].1.as_str()),
        (1, "K0205", "segment `s` puts `limit` in the order of texts")
    );
    assert!(refused[0].2.contains("leave out the quotes to compare numbers, `limit >= 1000`"), "{}", refused[0].2);
    assert!(problems(&text("postal_code between '01000' and '01999' and limit = '9'")).is_empty());

    project.write(
        "customers.csv",
        customers.replace(";1000;", ";viel;").replace(";900;", ";wenig;").replace(";80;", ";?;").as_bytes(),
    );
    let text = text("revenue > 0 and limit >= 1000");
    let error = project.run(&text).err().unwrap();
    let diagnostic = error.diagnostic();
    assert_eq!(error.to_string(), "segment `s` asks for numbers in `limit`, and 4 of its 5 cells are none");
    assert_eq!((diagnostic.code, diagnostic.span.map(|span| &text[span])), ("K0341", Some("limit")));
}

/// Returns code, title and help of every problem of a pipeline with these segments.
fn problems(text: &str) -> Vec<(&'static str, String, String)> {
    let found = Job::load(text, "pipeline.toml", Path::new("")).err().unwrap_or_default();
    found.into_iter().map(|problem| (problem.code, problem.title, problem.help.unwrap_or_default())).collect()
}

fn check(segment: &str, code: &str, title: &str, help: &str) {
    let found = problems(&pipeline("2026-03-10", &format!("[[segment]]\nname = 's'\n{segment}\n")));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].0, found[0].1.as_str()), (code, title), "{segment}");
    assert!(found[0].2.contains(help), "{}", found[0].2);
}

#[test]
fn what_a_segment_cannot_ask_for_is_said_before_anything_is_read() {
    let all = "where = 'revenue > 0'";
    let of = "segment `s`";
    let cases = [
        ("where = \"email starts with 'a'\"", "K0203", "uses `email`, which says who somebody is", "postal_code, city"),
        ("where = 'last_name is null'", "K0203", "uses `last_name`, which says who somebody is", "postal_code, city"),
        ("where = 'objection is null'", "K0203", "uses `objection`, which says what somebody consents to", "industry"),
        ("where = \"plz = '1'\"", "K0203", "uses unknown column `plz`", "this customer column is called `postal_code`"),
        ("where = \"segment = 'x'\"", "K0203", "uses unknown column `segment`", "a campaign or a report can use it"),
        ("where = 'postal_code > 8000'", "K0205", "compares `postal_code` with what it cannot be", "write `'8000'`"),
        (&format!("{all}\nlimit = 5"), "K0108", "has `limit` without `order-by`", "order-by = "),
        (&format!("{all}\norder-by = 'revenue'"), "K0108", "has `order-by` without `limit`", "add `limit = "),
        (
            &format!("{all}\nlimit = 5\norder-by = 'rfm_segment'"),
            "K0205",
            "is ordered by `rfm_segment`, which is a text",
            "",
        ),
        (
            &format!("{all}\nlimit = 5\norder-by = 'revenu'"),
            "K0203",
            "is ordered by unknown column `revenu`",
            "`revenue`",
        ),
    ];
    for (segment, code, title, help) in cases {
        check(segment, code, &format!("{of} {title}"), help);
    }
    let none = problems(&pipeline("2026-03-10", "[[segment]]\nname = 'new'\nwhere = 'revenue > 0'\n"));
    assert_eq!((none[0].0, none[0].1.as_str()), ("K0211", "a segment cannot be called `new`"));
    let text = pipeline("2026-03-10", "[[segment]]\nname = 's'\nwhere = \"city = 'Ulm'\"\n");
    let without = text
        .replace("[input.customers]\nattributes = ['Betreuer']\n[input.customers.csv]\npath = 'customers.csv'\n", "");
    assert!(problems(&text).is_empty());
    assert!(problems(&without)[0].2.contains("add a table `[input.customers.csv]`"));
    let left_out = text.replace("[output]", "[input.customers.columns]\ncity = ''\n[output]");
    assert!(problems(&left_out)[0].2.contains("city = "));
}

#[test]
fn words_that_a_column_never_holds_and_empty_ranges_are_said() {
    let cases = [
        (
            "where = \"rfm_segment = 'champion'\"",
            "K0205",
            "asks `rfm_segment` for a word that it never holds",
            "did you mean `'Champions'`",
        ),
        (
            "where = \"rfm_segment not in ('lost', 'Loyal')\"",
            "K0205",
            "asks `rfm_segment` for a word that it never holds",
            "did you mean `'Lost'`",
        ),
        (
            "where = \"lifecycle_stage != 'inactive'\"",
            "K0205",
            "asks `lifecycle_stage` for a word that it never holds",
            "did you mean `'active'`",
        ),
        (
            "where = 'revenue between 100 and 50'",
            "K0205",
            "asks `revenue` for values between two that are the wrong way round",
            "between 50.00 and 100.00",
        ),
        (
            "where = 'last_purchase_date between as_of and as_of - 90 days'",
            "K0205",
            "asks `last_purchase_date` for values between two that are the wrong way round",
            "between as_of - 90 days and as_of",
        ),
    ];
    for (segment, code, title, help) in cases {
        check(segment, code, &format!("segment `s` {title}"), help);
    }
}

#[test]
fn habits_from_elsewhere_are_answered_with_the_right_spelling() {
    let cases = [
        ("last_purchase_date > 2026-03-01", "K0204", "has a day without quotes", "`'2026-03-01'`"),
        ("last_purchase_date > 01.03.2026", "K0204", "has a day without quotes", "`'2026-03-01'`"),
        ("revenue > 1,50", "K0204", "cannot be read", "`1.50`"),
        ("city like 'B%'", "K0204", "cannot be read", "`city starts with 'B'`"),
        ("last_purchase_date > today", "K0203", "uses unknown column `today`", "`as_of`"),
        ("last_purchase_date > NOW", "K0203", "uses unknown column `NOW`", "`as_of`"),
        ("revenue / n_orders > 50", "K0204", "cannot be read at `/`", "nothing is computed in a condition"),
        ("revenue * 2 > 50", "K0204", "cannot be read at `*`", "nothing is computed in a condition"),
        ("revenue + 2 > 50", "K0204", "cannot be read at `+`", "nothing is computed in a condition"),
        ("revenue -2 > 50", "K0204", "cannot be read", "nothing is computed in a condition"),
        ("revenue - 2 > 50", "K0204", "has a number that cannot be read", "nothing is computed in a condition"),
    ];
    for (condition, code, title, help) in cases {
        check(&format!("where = \"{condition}\""), code, &format!("segment `s` {title}"), help);
    }
    for header in ["In", "As of", "NULL"] {
        let text = pipeline("2026-03-10", "").replace("'Betreuer'", &format!("'{header}'"));
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains("is a word of conditions"), "{}", found[0].1);
    }
}
