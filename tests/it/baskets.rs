//! Baskets alone, without dates, money or customers: rules through a pipeline.

use std::collections::BTreeSet;

use super::support::{Project, data};

const HEAD: &str = "version = 1\nas-of = 2026-06-30\n";
const OUT: &str = "[output]\ndirectory = 'out'\n";

/// The pairs of Groceries that are above chance, at q = 0.01 over all that there could be.
#[test]
fn groceries_has_its_rules_through_a_pipeline() {
    let Some(path) = data("groceries/groceries_long.csv") else { return };
    let project = Project::new(&[]);
    let run = |settings: &str| {
        let path = path.display();
        project
            .run(&format!(
                "{HEAD}[input.baskets.csv]\npath = '{path}'\n[cross-sell]\nmax-q-value = 0.01\n{settings}{OUT}"
            ))
            .unwrap()
    };
    let pairs =
        run("max-items-per-rule = 2\nmin-confidence = 0.0\nrules-per-consequent = 1000\nmin-support-count = 1\n");
    let of = |row: &std::collections::BTreeMap<String, String>| {
        let mut pair = [row["antecedent_1"].clone(), row["consequent"].clone()];
        pair.sort();
        pair
    };
    let found: BTreeSet<[String; 2]> = pairs.table("rules.csv").iter().map(of).collect();
    // 51 pairs are above chance; of two the confidence is no better than the share of the consequent, and they are no rules.
    assert_eq!(found.len(), 49);
    assert!(found.contains(&["bottled beer", "liquor"].map(str::to_owned)));
    assert_eq!(pairs.number("counts.customers"), 0.0);
    assert_eq!((pairs.number("cross_sell.n_baskets"), pairs.scores().len()), (9_835.0, 0));

    let threes = run("min-support-count = 10\n");
    let by_size = &threes.manifest["cross_sell"]["n_itemsets_by_size"];
    assert_eq!(by_size, &serde_json::json!([157, 2_981, 6_831]));
    // As Borgelt's fim counts them.
    for (kind, n) in [("all", 1_001), ("closed", 1_001), ("maximal", 708)] {
        let settings = format!("min-support-count = 50\nmax-items-per-rule = 8\nitemsets = '{kind}'\n");
        let sets = run(&settings).table("itemsets.csv");
        assert_eq!(sets.len(), n, "{kind}");
        assert!(sets.iter().all(|row| row["n_baskets"].parse::<u32>().unwrap() >= 50 && row["level"] == "product"));
    }
}

/// Customers who own a product are offered what its owners own besides; who objects is in nothing.
#[test]
fn baskets_of_customers_lead_to_offers() {
    let mut baskets = String::from("Warenkorb;Artikel;Kundennr\n");
    for id in 0..40 {
        let second = if id < 30 { "Zucker" } else { "Salz" };
        baskets.push_str(&format!("B{id};Mehl;K{id:02}\nB{id};{second};K{id:02}\nB{id};Mehl;K{id:02}\n"));
    }
    baskets.push_str("B90;Mehl;K90\nB91;Mehl;\nB92;Mehl;K92\nB92;Gold;K92\n");
    let project =
        Project::new(&[("baskets.csv", &baskets), ("customers.csv", "Kundennr;Widerspruch\nK92;ja\nK90;nein\n")]);
    let text = format!(
        "{HEAD}[input.baskets.csv]\npath = 'baskets.csv'\n[input.customers.csv]\npath = 'customers.csv'\n{OUT}"
    );
    let run = project.run(&text).unwrap();
    let scores = run.scores();
    assert_eq!(scores.len(), 41);
    assert_eq!((scores["K90"]["offer_1"].as_str(), scores["K00"]["offer_1"].as_str()), ("Zucker", "Salz"));
    assert!(!scores.contains_key("K92") && !run.text("scores.csv").contains("Gold"));
    // Forty-one customers and a guest, one basket each.
    assert_eq!(run.number("cross_sell.n_baskets"), 42.0);
    // Rows in another order, the same bytes.
    let (header, rows) = baskets.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    let turned = Project::new(&[
        ("baskets.csv", &format!("{header}\n{}\n", rows.join("\n"))),
        ("customers.csv", "Kundennr;Widerspruch\nK92;ja\nK90;nein\n"),
    ]);
    let turned = turned.run(&text).unwrap();
    for table in ["scores.csv", "rules.csv"] {
        assert_eq!(run.text(table), turned.text(table));
    }
}

#[test]
fn beside_transactions_baskets_are_not_read() {
    let lines = "Kundennr;Datum;Umsatz;Artikelnr\n1;2026-01-01;5,00;7\n2;2026-01-02;5,00;7\n";
    let project = Project::new(&[("lines.csv", lines)]);
    let text = format!(
        "version = 1\nanalyses = ['cross-sell']\n[input.baskets.csv]\npath = 'nowhere.csv'\n\
         [input.transactions.csv]\npath = 'lines.csv'\n{OUT}"
    );
    let run = project.run(&text).unwrap();
    let notes = run.manifest["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().starts_with("`[input.baskets]` is not read")), "{notes:?}");
}
