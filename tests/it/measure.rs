//! What campaigns earned: the e-mail test of Hillstrom beside NumPy and SciPy, purchases after an assignment, and what cannot be measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use insta_cmd::assert_cmd_snapshot;
use klientel::diagnostic::Diagnostic;
use klientel::measure::{Effect, MeasureError, Measurement, Prior, Request, measure, plan};
use klientel::run::{Job, Silent, Surroundings};
use klientel::units::Language;
use serde_json::Value;

use super::support::{Project, assert_close, data, split_csv};

fn request() -> Request {
    Request {
        campaign: None,
        control: None,
        days: 30,
        prior: None,
        effect: Effect::default(),
        shares: vec![],
        equal_shares: false,
        language: Language::English,
    }
}

fn job(project: &Project, pipeline: &str) -> Job {
    Job::load(pipeline, "pipeline.toml", project.dir.path()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn measured(project: &Project, pipeline: &str, request: &Request) -> Result<Measurement, MeasureError> {
    measure(job(project, pipeline), request, Surroundings::default(), &Silent)
}

/// Rows of `measure.csv` by campaign, group (`any` where all contacted are taken together) and outcome.
fn table(found: &Measurement) -> BTreeMap<(String, String, String), BTreeMap<String, String>> {
    rows(found, "measure.csv")
        .into_iter()
        .map(|row| {
            let arm = if row["role"] == "any" { "any" } else { &row["arm"] };
            ((row["campaign"].clone(), arm.to_owned(), row["outcome"].clone()), row)
        })
        .collect()
}

fn rows(found: &Measurement, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(found.directory.join(name)).unwrap();
    let mut lines = text.lines().map(split_csv);
    let header = lines.next().unwrap();
    lines.map(|row| header.iter().cloned().zip(row).collect()).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is `{}`", row[column]))
}

fn has_note(found: &Measurement, part: &str) {
    assert!(found.notes.iter().any(|note| note.contains(part)), "{part}: {:#?}", found.notes);
}

const HILLSTROM: &str = "version = 1\nas-of = 2008-03-20\n[input.responses]\nattributes = ['history', 'recency']\n\
    outcomes = ['visit', 'conversion', 'spend']\n[input.responses.csv]\npath = 'hillstrom.csv'\n\
    [input.responses.columns]\ncustomer-id = 'customer'\narm = 'segment'\nresponse = 'visit'\namount = 'spend'\n\
    [output]\ndirectory = 'out'\n";

fn hillstrom() -> Option<Project> {
    let text = fs::read_to_string(data("hillstrom/hillstrom.csv")?).unwrap();
    let mut with_ids = String::new();
    for (line, row) in text.lines().enumerate() {
        let id = if line == 0 { "customer".to_owned() } else { format!("H{line:05}") };
        writeln!(with_ids, "{id},{row}").unwrap();
    }
    Some(Project::new(&[("hillstrom.csv", &with_ids)]))
}

/// Every figure of the e-mail test, as NumPy and SciPy have it.
#[test]
fn the_e_mail_test_of_hillstrom_is_read_as_scipy_reads_it() {
    let Some(project) = hillstrom() else { return };
    let asked = Request { equal_shares: true, effect: Effect::Absolute(0.5), ..request() };
    let found = measured(&project, HILLSTROM, &asked).unwrap();
    let table = table(&found);
    let of = |arm: &str, outcome: &str| &table[&("campaign".to_owned(), arm.to_owned(), outcome.to_owned())];
    // Customers, share of visits and conversions in percent, mean spend and its spread.
    for (arm, n, visits, conversions, spend, sd) in [
        ("No E-Mail", 21_306.0, 10.6167, 0.5726, 0.652_789, 11.588),
        ("Mens E-Mail", 21_307.0, 18.2757, 1.2531, 1.422_617, 17.754),
        ("Womens E-Mail", 21_387.0, 15.1400, 0.8837, 1.077_202, 15.116),
    ] {
        assert_close(number(of(arm, "visit"), "customers"), n, 0);
        assert_close(100.0 * number(of(arm, "visit"), "mean"), visits, 4);
        assert_close(100.0 * number(of(arm, "conversion"), "mean"), conversions, 4);
        assert_close(number(of(arm, "spend"), "mean"), spend, 6);
        assert_close(number(of(arm, "spend"), "sd"), sd, 3);
    }
    for (arm, outcome, sum) in [
        ("No E-Mail", "visit", 2_262.0),
        ("Mens E-Mail", "visit", 3_894.0),
        ("Womens E-Mail", "visit", 3_238.0),
        ("No E-Mail", "conversion", 122.0),
        ("Mens E-Mail", "conversion", 267.0),
        ("Womens E-Mail", "conversion", 189.0),
        ("No E-Mail", "spend", 13_908.33),
        ("Mens E-Mail", "spend", 30_311.69),
        ("Womens E-Mail", "spend", 23_038.11),
    ] {
        let row = of(arm, outcome);
        assert_close(number(row, "mean") * number(row, "customers"), sum, 2);
    }
    // Differences with their intervals, shares in percentage points; digits as printed.
    for (arm, outcome, scale, digits, difference, low, high) in [
        ("Mens E-Mail", "visit", 100.0, 3, 7.659, 6.995, 8.323),
        ("Mens E-Mail", "conversion", 100.0, 3, 0.6805, 0.500, 0.861),
        ("Mens E-Mail", "spend", 1.0, 4, 0.7698, 0.4851, 1.0545),
        ("Womens E-Mail", "visit", 100.0, 3, 4.523, 3.889, 5.157),
        ("Womens E-Mail", "conversion", 100.0, 3, 0.3111, 0.150, 0.472),
        ("Womens E-Mail", "spend", 1.0, 4, 0.4244, 0.1690, 0.6799),
        ("any", "visit", 100.0, 3, 6.088, 5.544, 6.633),
        ("any", "conversion", 100.0, 3, 0.4955, 0.355, 0.636),
        ("any", "spend", 1.0, 4, 0.5968, 0.3762, 0.8174),
    ] {
        let row = of(arm, outcome);
        let digits_of_difference = if outcome == "conversion" { 4 } else { digits };
        assert_close(scale * number(row, "difference"), difference, digits_of_difference);
        assert_close(scale * number(row, "difference_low"), low, digits);
        assert_close(scale * number(row, "difference_high"), high, digits);
        assert_eq!(row["verdict"], "worked");
    }
    for (arm, lift) in [("Mens E-Mail", 117.9), ("Womens E-Mail", 65.0)] {
        let row = of(arm, "spend");
        assert_close(100.0 * number(row, "lift"), lift, 1);
        assert!(number(row, "lift_low") > 0.0 && number(row, "lift_high") > number(row, "lift"));
    }
    // The groups were drawn as planned: scipy.stats.chisquare.
    assert_close(number(of("any", "visit"), "sample_ratio_p"), 0.903_692_957_6, 9);
    // With the spread of both groups, 14,113 a group for half a dollar.
    assert_close(number(of("Mens E-Mail", "spend"), "needed_per_group"), 14_113.0, 0);
    assert_eq!(
        of("Mens E-Mail", "spend")["sentence"],
        "Mens E-Mail: 0.77 more spend per customer than without (95% between 0.49 and 1.05): it worked, in all 16,403 (10,337 to 22,469)"
    );
    has_note(&found, "9 comparisons of a campaign were made at once");
    // Holm: the largest p-value stands alone, the next two times.
    let mut p: Vec<(f64, f64)> = table
        .values()
        .filter(|row| row["role"] != "control")
        .map(|row| (number(row, "p_value"), number(row, "p_adjusted")))
        .collect();
    p.sort_by(|a, b| b.0.total_cmp(&a.0));
    assert_eq!((p.len(), p[0].1, p[1].1), (9, p[0].0.max(2.0 * p[1].0).max(3.0 * p[2].0), p[1].1));
}

/// Spend of the past year explains little of what was spent in two weeks, and recency nothing of who was drawn.
#[test]
fn what_was_known_before_is_taken_out_on_request() {
    let Some(project) = hillstrom() else { return };
    let asked = Request { prior: Some(Prior::Column("history".to_owned())), equal_shares: true, ..request() };
    let table = table(&measured(&project, HILLSTROM, &asked).unwrap());
    let row = &table[&("campaign".to_owned(), "Mens E-Mail".to_owned(), "spend".to_owned())];
    // NumPy: slope within groups, Welch on what is left.
    for (column, expected) in CUPED {
        assert_close(number(row, column), expected, 6);
    }
    assert_close(number(row, "difference"), 0.7698, 4);
    let asked = Request { prior: Some(Prior::Column("segment".to_owned())), ..request() };
    let problem = refused(&project, HILLSTROM, &asked);
    assert_eq!(
        (problem.code, problem.title.as_str()),
        ("K0410", "`--cuped segment` asks for what the responses do not say")
    );
}

const CUPED: [(&str, f64); 4] = [
    ("cuped_difference", 0.767343376),
    ("cuped_low", 0.482717608),
    ("cuped_high", 1.051969143),
    ("cuped_variance_share", 0.999530527),
];

const PIPELINE: &str = "version = 1\nas-of = 2026-03-31\n[input.transactions.csv]\npath = 'lines.csv'\n\
    [input.customers.csv]\npath = 'customers.csv'\n[input.assignments.csv]\npath = 'assignments.csv'\n[output]\ndirectory = 'out'\n";

/// Window from 2 February to 3 March.
const LINES: &str = "customer_id,order_id,date,product_id,quantity,amount,cost\n\
    ann,1,2026-02-02,p,1,100.00,60.00\n\
    bob,2,2026-03-03,p,1,50.00,30.00\nbob,3,2026-03-04,p,1,70.00,40.00\n\
    cay,4,2026-02-01,p,1,80.00,50.00\n\
    eve,5,2026-02-10,p,1,40.00,20.00\neve,6,2026-03-20,p,-1,-40.00,\n\
    fay,7,2026-02-15,p,2,30.00,20.00\nfay,8,2026-03-25,p,-1,-15.00,\n\
    gus,9,2026-01-20,p,1,10.00,5.00\nhal,10,2026-03-20,p,1,999.00,5.00\nian,11,2026-02-20,p,1,999.00,5.00\n";

const ASSIGNMENTS: &str = "campaign,customer_id,arm,assigned_on,share\n\
    spring,ann,contact,2026-02-01,0.7\nspring,bob,contact,2026-02-01,0.7\nspring,cay,contact,2026-02-01,0.7\n\
    spring,dan,contact,2026-02-01,0.7\nspring,eve,contact,2026-02-01,0.7\nspring,ann,contact,2026-03-15,0.7\n\
    spring,fay,control,2026-02-01,0.3\nspring,gus,control,2026-02-01,0.3\nspring,hal,control,2026-03-10,0.3\n\
    spring,ian,control,2026-02-01,0.3\nspring,joe,control,2026-02-01,0.3\nspring,joe,contact,2026-02-01,0.7\n";

fn project(assignments: &str) -> Project {
    let customers = "customer_id,objection\nian,yes\nann,no\n";
    Project::new(&[("lines.csv", LINES), ("assignments.csv", assignments), ("customers.csv", customers)])
}

/// Everybody who was assigned counts, whatever they bought; purchases of the window count net of returns; expected by hand, by NumPy and by SciPy.
#[test]
fn purchases_after_the_assignment_are_what_a_campaign_earned() {
    let project = project(ASSIGNMENTS);
    let found = measured(&project, PIPELINE, &request()).unwrap();
    let table = table(&found);
    let of = |arm: &str, outcome: &str| &table[&("spring".to_owned(), arm.to_owned(), outcome.to_owned())];
    for (outcome, mean, of_control, difference, low, high, p) in [
        // Newcombe and Fisher; the 21 ways in which 2 of these 7 customers can be the control group.
        ("conversion", 0.4, 0.5, -0.1, -0.594_108_257_6, 0.448_424_561_4, 1.0),
        ("revenue", 30.0, 7.5, 22.5, -14.445766981, 83.578632672, 20.0 / 21.0),
        ("margin", 12.0, 2.5, 9.5, -4.685364862, 33.685801006, 20.0 / 21.0),
    ] {
        let row = of("contact", outcome);
        assert_eq!((row["customers"].as_str(), row["control_customers"].as_str()), ("5", "2"), "{outcome}");
        assert_eq!((row["verdict"].as_str(), row["window_days"].as_str()), ("not shown", "30"));
        for (column, expected) in [
            ("mean", mean),
            ("control_mean", of_control),
            ("difference", difference),
            ("difference_low", low),
            ("difference_high", high),
        ] {
            assert!((number(row, column) - expected).abs() < 1e-7, "{outcome} {column}: {}", row[column]);
        }
        // Of 9,999 redraws, whose standard error is below 0.005.
        assert!((number(row, "p_value") - p).abs() < 0.02, "{outcome}: {}", row["p_value"]);
        assert!((number(row, "total") - 5.0 * difference).abs() < 1e-9);
        // Of 5 and 3 who were assigned, the one whose window is not over included: scipy.stats.chisquare([5, 3], [5.6, 2.4]).
        assert_close(number(row, "sample_ratio_p"), 0.643_428_843_6, 9);
    }
    has_note(
        &found,
        "the 30 days of 1 of 8 customers are not over, the last ones end on 2026-04-09 and the data on 2026-03-31",
    );
    has_note(&found, "1 rows of the assignments of customers who object to profiling are left out");
    has_note(&found, "1 customers were assigned to several groups of one campaign");
    // The other order of the rows, and any number of threads: the same bytes.
    let bytes = |found: &Measurement| {
        ["measure.csv", "responses.csv", "measure.parquet"].map(|name| fs::read(found.directory.join(name)).unwrap())
    };
    let (first, mut reversed) = (bytes(&found), ASSIGNMENTS.lines().collect::<Vec<_>>());
    reversed[1..].reverse();
    project.write("assignments.csv", (reversed.join("\n") + "\n").as_bytes());
    let pool = rayon_pool(3);
    assert_eq!(pool.install(|| bytes(&measured(&project, PIPELINE, &request()).unwrap())), first);
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn a_purchase_without_cost_leaves_no_margin_and_says_so() {
    let project = project(ASSIGNMENTS);
    project.write("lines.csv", LINES.replace("100.00,60.00", "100.00,").as_bytes());
    let found = measured(&project, PIPELINE, &request()).unwrap();
    let table = table(&found);
    let row = &table[&("spring".to_owned(), "contact".to_owned(), "margin".to_owned())];
    assert_eq!((row["mean"].as_str(), row["verdict"].as_str(), row["difference"].as_str()), ("", "unknown", ""));
    assert_eq!(row["sentence"], "contact: no effect on margin can be told: the cost of some purchases is not known");
    project.write("lines.csv", LINES.replace(",cost", ",x").as_bytes());
    let without = measured(&project, PIPELINE, &request()).unwrap();
    assert!(without.readings.iter().all(|reading| reading.outcome != "margin"));
}

/// Nothing is known before the window is over, and the note says which part of it is.
#[test]
fn a_window_that_is_not_over_is_said() {
    let project = project(ASSIGNMENTS);
    let asked = Request { days: 90, ..request() };
    let found = measured(&project, PIPELINE, &asked).unwrap();
    has_note(
        &found,
        "no customer's 90 days are over yet, the last ones end on 2026-06-08 and the data on 2026-03-31; `--days 21` measures what there is",
    );
    assert!(found.readings.iter().all(|reading| reading.difference.is_none() && reading.own.n == 0));
    assert_eq!(found.readings[1].why, Some("no customer of one of the groups has come to the end of the window"));
    assert!(!found.directory.join("responses.csv").exists());
}

/// Two thousand customers of whom those who bought before buy more often where they are contacted.
fn trial() -> Project {
    let mut lines = "customer_id,order_id,date,product_id,quantity,amount\n".to_owned();
    let mut assignments = "campaign,customer_id,arm,assigned_on,share\n".to_owned();
    let mut state = 7_u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    for customer in 0..2_000 {
        let (loyal, contact) = (draw() < 0.5, draw() < 0.5);
        let n_before = if loyal { 4 } else { 1 };
        for order in 0..n_before {
            let amount = 10.0 + 5.0 * f64::from(n_before) + 10.0 * draw();
            writeln!(lines, "C{customer:04},{customer}-{order},2025-{:02}-10,p,1,{amount:.2}", 12 - 2 * order).unwrap();
        }
        let arm = if contact { "contact" } else { "control" };
        writeln!(assignments, "spring,C{customer:04},{arm},2026-02-01,0.5").unwrap();
        // Those who buy anyway are others than those who buy because of the contact.
        let chance = if loyal { 0.1 + if contact { 0.2 } else { 0.0 } } else { 0.35 };
        if draw() < chance {
            let amount = 20.0 * f64::from(n_before);
            writeln!(lines, "C{customer:04},{customer}-x,2026-02-15,p,1,{amount:.2}").unwrap();
        }
    }
    Project::new(&[("lines.csv", &lines), ("assignments.csv", &assignments)])
}

const TRIAL: &str = "version = 1\nas-of = 2026-03-31\nanalyses = ['abc']\n[input.transactions.csv]\npath = 'lines.csv'\n\
    [input.assignments.csv]\npath = 'assignments.csv'\n[output]\ndirectory = 'out'\n";

/// What was measured is what the next run learns uplift from; campaigns that stand in both tables are measured once.
#[test]
fn the_next_run_learns_uplift_from_what_was_measured() {
    let project = trial();
    let before = project.run(TRIAL).unwrap();
    let found = measured(&project, TRIAL, &request()).unwrap();
    let table = table(&found);
    let row = &table[&("spring".to_owned(), "contact".to_owned(), "conversion".to_owned())];
    assert_eq!(row["verdict"], "worked");
    // Nothing of the runs is touched.
    let latest = fs::read_link(project.path("out/latest")).unwrap();
    assert_eq!(project.path("out").join(latest), before.directory);
    assert_eq!(project.path("out").join(fs::read_link(project.path("out/measured")).unwrap()), found.directory);

    let pipeline = TRIAL.replace(
        "[input.assignments.csv]",
        "[input.responses]\nattributes = ['days_since_last_before', 'purchase_days_before', 'revenue_before']\n\
         [input.responses.csv]\npath = 'out/measured/responses.csv'\n[input.assignments.csv]",
    );
    let run = project.run(&pipeline).unwrap();
    let uplift = &run.manifest["uplift"]["trials"][0];
    assert_eq!((uplift["campaign"].as_str(), uplift["arm"].as_str()), (Some("spring"), Some("contact")));
    assert_eq!(uplift["contacted"], number(row, "customers") as u64);
    assert_eq!(uplift["controls"], number(row, "control_customers") as u64);
    assert_close(uplift["response_rate_contacted"].as_f64().unwrap(), number(row, "mean"), 12);
    assert_eq!(uplift["verdict"], "believed", "{uplift:#}");
    let published = run.table("uplift.csv");
    assert_eq!(published.len(), 2_000);

    let again = measured(&project, &pipeline, &request()).unwrap();
    has_note(
        &again,
        "campaign `spring` stands in assignments and responses: it is measured by the purchases after the assignment",
    );
    assert_eq!(again.readings, found.readings);
    // By the responses alone the figures are the same.
    let alone = pipeline.replace("[input.assignments.csv]\npath = 'assignments.csv'\n", "");
    let of_responses = measured(&project, &alone, &request()).unwrap();
    for (outcome, other) in [("conversion", "response"), ("revenue", "amount")] {
        let of = |found: &Measurement, name: &str| {
            let reading = found.readings.iter().find(|reading| reading.outcome == name && !reading.is_control);
            reading.unwrap().difference.unwrap()
        };
        assert_eq!(of(&found, outcome), of(&of_responses, other));
    }
}

/// Spend before the assignment takes noise out of the revenue, in the measurement and in the plan.
#[test]
fn revenue_before_takes_noise_out() {
    let project = trial();
    let asked = Request { prior: Some(Prior::Days(365)), ..request() };
    let found = measured(&project, TRIAL, &asked).unwrap();
    let reading = found.readings.iter().find(|reading| reading.outcome == "revenue" && !reading.is_control).unwrap();
    let (cuped, left) = reading.cuped.unwrap();
    let plain = reading.difference.unwrap();
    assert!(left < 0.99, "{left}");
    assert!((cuped.standard_error / plain.standard_error - left.sqrt()).abs() < 0.005);
    assert_eq!(reading.decisive(), Some(&cuped));

    let days = Request { days: 50, ..asked };
    let of = |request: &Request| plan(job(&project, TRIAL), request, Surroundings::default(), &Silent).unwrap();
    let (noisy, quiet) = (of(&Request { prior: None, ..days.clone() }), of(&days));
    assert_eq!(noisy.iter().map(|own| own.outcome.as_str()).collect::<Vec<_>>(), ["conversion", "revenue"]);
    assert_eq!(noisy[1].past.n, 2_000);
    assert!(quiet[1].variance_left < 0.99 && noisy[1].variance_left == 1.0);
    let in_all = |own: &klientel::measure::Planned| own.needed[0].1.unwrap() as f64;
    assert!((in_all(&quiet[1]) / in_all(&noisy[1]) - quiet[1].variance_left).abs() < 0.01);
    // Halves: N = 4 z² s²/δ², and a tenth as control takes 2.8 times as many.
    let (variance, effect) = (noisy[1].past.variance.unwrap(), noisy[1].effect.unwrap());
    assert!((in_all(&noisy[1]) / (4.0 * 7.848_879_734 * variance / (effect * effect)) - 1.0).abs() < 0.01);
    assert!((noisy[1].needed[2].1.unwrap() as f64 / in_all(&noisy[1]) - 0.25 / 0.09).abs() < 0.01);
}

fn refused(project: &Project, pipeline: &str, request: &Request) -> Diagnostic {
    measured(project, pipeline, request).err().unwrap().diagnostic()
}

#[test]
fn what_cannot_be_measured_says_why_and_what_to_do() {
    let project = project(ASSIGNMENTS);
    let says = |pipeline: &str, request: &Request, title: &str, help: &str| {
        let found = refused(&project, pipeline, request);
        assert_eq!((found.code, found.title.as_str(), found.help.as_deref()), ("K0410", title, Some(help)));
    };
    let asked = Request { campaign: Some("summer".to_owned()), ..request() };
    says(PIPELINE, &asked, "there is no campaign `summer`", "the campaigns are `spring`");
    let asked = Request { control: Some("nobody".to_owned()), ..request() };
    says(
        PIPELINE,
        &asked,
        "`nobody` is no group of any campaign that is measured",
        "the groups are `contact`, `control`",
    );
    let asked = Request { shares: vec![("contacts".to_owned(), 0.9), ("control".to_owned(), 0.1)], ..request() };
    says(
        PIPELINE,
        &asked,
        "`--shares contacts=…` names no group of any campaign that is measured",
        "the groups are `contact`, `control`",
    );
    says(
        &PIPELINE.replace("[input.assignments.csv]\npath = 'assignments.csv'\n", ""),
        &request(),
        "the pipeline reads neither responses nor assignments, so that there is nothing to measure",
        "add `[input.assignments.csv]` with the assignments that a run left, or `[input.responses.csv]` with what came of a campaign",
    );
    project.write("responses.csv", b"customer_id,arm,response\n1,A,yes\n2,B,no\n3,B,yes\n");
    let of_responses =
        "version = 1\nas-of = 2026-03-31\n[input.responses.csv]\npath = 'responses.csv'\n[output]\ndirectory = 'out'\n";
    says(
        of_responses,
        &request(),
        "no campaign that is measured has a control group",
        "name the group that was not contacted with `--control GROUP`; the groups are `A`, `B`",
    );
    says(
        &of_responses.replace("[output]", "[input.assignments.csv]\npath = 'assignments.csv'\n[output]"),
        &request(),
        "the pipeline reads no transactions, so that nobody knows what was bought",
        "add `[input.transactions.csv]` with `path = \"…\"`",
    );
    // A group of one leaves nothing to compare, and no NaN.
    let asked = Request { control: Some("A".to_owned()), ..request() };
    let found = measured(&project, of_responses, &asked).unwrap();
    assert_eq!(found.readings[1].why, Some("one of the groups has one customer"));
    has_note(&found, "the planned shares of its groups are not known");
    let text = fs::read_to_string(found.directory.join("measure.csv")).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

/// An outcome is a number, yes or no, or nothing that can be read; rows that stand twice count once, other days add up.
#[test]
fn outcomes_are_read_as_they_are_written() {
    let rows = "customer_id,arm,date,response,amount,club,points\n\
        1,A,2026-02-01,yes,10.00,ja,3\n1,A,2026-02-01,yes,10.00,ja,3\n1,A,2026-02-05,yes,5.00,nein,4\n\
        2,A,2026-02-01,,,nein,\n3,control,2026-02-01,no,,ja,1\n4,control,2026-02-01,no,,,2\n";
    let project = Project::new(&[("responses.csv", rows)]);
    let pipeline = "version = 1\nas-of = 2026-03-31\n[input.responses]\noutcomes = ['club', 'points']\n[input.responses.csv]\n\
        path = 'responses.csv'\n[output]\ndirectory = 'out'\n";
    let table = table(&measured(&project, pipeline, &request()).unwrap());
    for (outcome, unit, of_arm, of_control) in [
        ("response", "share", 0.5, 0.0),
        ("amount", "number", 7.5, 0.0),
        ("club", "share", 0.5, 0.5),
        ("points", "number", 3.5, 1.5),
    ] {
        let row = &table[&("campaign".to_owned(), "A".to_owned(), outcome.to_owned())];
        assert_eq!(
            (number(row, "mean"), number(row, "control_mean"), row["unit"].as_str()),
            (of_arm, of_control, unit),
            "{outcome}"
        );
    }
    project.write("responses.csv", rows.replace("nein", "vielleicht").as_bytes());
    let found = refused(&project, pipeline, &request());
    assert_eq!(found.code, "K0325");
    assert!(found.title.contains("`club`") && !found.title.contains("vielleicht"), "{}", found.title);
    let found = refused(&project, &pipeline.replace("'points'", "'point'"), &request());
    assert_eq!(found.help.as_deref(), Some("a similar header exists: name `points` in `[input.responses]` `outcomes`"));
}

/// The table is what stands on stdout, in the language of the report; nobody's id is printed.
#[test]
fn a_campaign_manager_reads_a_table_and_a_sentence() {
    let project = trial();
    project.write("pipeline.toml", TRIAL.as_bytes());
    assert_cmd_snapshot!("measure", project.klientel().args(["measure", "pipeline.toml", "--quiet"]));
    project.write("pipeline.toml", format!("{TRIAL}[report]\nlanguage = 'de'\n").as_bytes());
    assert_cmd_snapshot!(
        "measure_german",
        project.klientel().args(["measure", "pipeline.toml", "--quiet", "--campaign", "spring", "--days", "50"])
    );
    assert_cmd_snapshot!(
        "measure_plan",
        project.klientel().args(["measure", "pipeline.toml", "--quiet", "--plan", "--effect", "2.5", "--days", "50"])
    );
    assert_cmd_snapshot!("help_measure", project.klientel().args(["measure", "--help"]));
    let output = project.klientel().args(["measure", "pipeline.toml", "--json"]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["readings"][1]["verdict"], "worked");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("C0001"));
    let output = project.klientel().args(["measure", "pipeline.toml", "--campaign", "x"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
}

/// One at a time in an output directory; only the newest measurements are kept, and no run is touched.
#[test]
fn measurements_are_written_under_the_lock_and_pruned_by_themselves() {
    let project = trial();
    let pipeline = TRIAL.replace("directory = 'out'", "directory = 'out'\nkeep-runs = 2");
    let run = project.run(&pipeline).unwrap();
    for days in [10, 20, 30] {
        measured(&project, &pipeline, &Request { days, ..request() }).unwrap();
    }
    let names: Vec<String> = fs::read_dir(project.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("measured-")).count(), 2, "{names:?}");
    assert!(run.directory.join("manifest.json").exists());
    let held = fs::File::create(project.path("out/.lock")).unwrap();
    held.try_lock().unwrap();
    let found = refused(&project, &pipeline, &request());
    assert_eq!(found.code, "K0501");
}
