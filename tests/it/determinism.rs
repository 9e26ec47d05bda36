//! Same input, pipeline and version: the same bytes on any number of threads and for any order of rows.

use klientel::generate::{FilesPer, Params, generate};

use super::support::Project;

/// A base with returns, guests, ties, several lines a day, costs, and names that are not unique.
fn lines() -> Vec<String> {
    let mut state = 7_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..6_000)
        .map(|n| {
            let customer = if next(20) == 0 { String::new() } else { format!("{:05}", next(400)) };
            let order = 100_000 + n / 3;
            let month = 1 + n / 600;
            let (product, pieces) = (next(60), 1 + next(4));
            let sign = if next(25) == 0 { "-" } else { "" };
            let amount = pieces * (150 + product * 10);
            format!(
                "{customer};{order};2025-{month:02}-{:02};{product};Ware {};{sign}{pieces};{sign}{}.{:02};{sign}{}.00",
                1 + next(28),
                product % 50,
                amount / 100,
                amount % 100,
                amount / 150,
            )
        })
        .collect()
}

fn export(lines: &[String]) -> String {
    format!("customer_id;order_id;date;product_id;product_name;quantity;amount;cost\n{}\n", lines.join("\n"))
}

const PIPELINE: &str = "version = 1\n[input.transactions.csv]\npath = 'lines*.csv'\n[output]\ndirectory = 'out'\n\
    [[segment]]\nname = 'good'\nwhere = \"abc_class = 'A' and clv > 1\"\n";

#[test]
fn the_order_of_lines_changes_no_byte() {
    let mut lines = lines();
    let in_order = Project::new(&[("lines.csv", &export(&lines))]).run(PIPELINE).unwrap().hashes();
    let n = lines.len();
    for ix in 0..n {
        lines.swap(ix, (ix * 7_919 + 13) % n);
    }
    let shuffled = Project::new(&[("lines.csv", &export(&lines))]).run(PIPELINE).unwrap().hashes();
    assert_eq!(in_order, shuffled);
    lines.reverse();
    let (first, second) = lines.split_at(2_500);
    let split = Project::new(&[("lines-1.csv", &export(first)), ("lines-2.csv", &export(second))]);
    // Two files with the same days hold no line twice here, so nothing may be taken for an overlap.
    let split = split.run(PIPELINE).unwrap();
    assert_eq!(split.number("counts.lines_repeated_in_other_files"), 0.0);
    assert_eq!(in_order, split.hashes());
}

/// A base that is cut everywhere: more customers than a task takes, files larger than a part.
#[test]
fn one_thread_and_two_give_the_same_bytes() {
    let project = Project::new(&[]);
    let params = Params { customers: 20_000, products: 300, files: FilesPer::One, ..Params::default() };
    generate(&params, &project.path("base"), &|_| {}).unwrap();
    assert!(project.path("base/transactions.csv").metadata().unwrap().len() > 8 << 20);
    let pipeline = PIPELINE.replace("lines*.csv", "base/transactions.csv");
    project.write("pipeline.toml", pipeline.as_bytes());
    let outputs = |threads: &str| {
        let arguments = ["run", "pipeline.toml", "--json", "--threads", threads];
        let output = project.klientel().args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::remove_dir_all(project.path("out")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(manifest["counts"]["customers"].as_u64().unwrap() > 16_384);
        manifest["outputs"].clone()
    };
    assert_eq!(outputs("1"), outputs("2"));
}
