//! Uplift on the e-mail test of Hillstrom: 64,000 customers, a third each with an e-mail for men's goods, for women's, and none.
//!
//! Visits within two weeks; each e-mail against no e-mail. The two models find the women's e-mail's extra visitors better than the response
//! model; of the men's e-mail they do not, and that is what is said.

use std::fs;

use klientel::analysis::churn::encoding::{self, Encoding};
use klientel::analysis::churn::folds;
use klientel::analysis::churn::logistic;
use klientel::analysis::churn::sample::Matrix;
use klientel::analysis::churn::uplift::{self, Evidence, Trial, Verdict};

use super::support::data;

fn evidence(e_mail: &str, seed: u64) -> Option<Evidence> {
    let text = fs::read_to_string(data("hillstrom/hillstrom.csv")?).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<&str>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|other| *other == name).unwrap();
    // The file has no id: the number of the line is one.
    let rows: Vec<(String, Vec<&str>)> = lines
        .enumerate()
        .map(|(line, row)| (line.to_string(), row))
        .filter(|(_, row)| [e_mail, "No E-Mail"].contains(&row[at("segment")]))
        .collect();
    let cells = |name: &str| -> Vec<&str> { rows.iter().map(|(_, row)| row[at(name)]).collect() };
    let mut features = Matrix::new(rows.len());
    for name in ["recency", "history", "mens", "womens", "newbie"] {
        features.push(cells(name).iter().map(|cell| cell.parse().ok()));
    }
    for name in ["history_segment", "zip_code", "channel"] {
        Encoding::new(&cells(name), encoding::Params::default()).push(&cells(name), &mut features);
    }
    let contacted: Vec<bool> = cells("segment").iter().map(|cell| *cell == e_mail).collect();
    let response: Vec<bool> = cells("visit").iter().map(|cell| *cell == "1").collect();
    let trial = Trial { features: &features, contacted: &contacted, response: &response };
    let folds = folds::by_id(rows.iter().map(|(id, _)| id.as_str()), seed);
    let found = uplift::evaluate(&trial, &folds, logistic::Params::default(), 1).unwrap();
    println!("{e_mail}, folds {seed}: {found:?}");
    Some(found)
}

#[test]
fn uplift_is_believed_for_womens_e_mail_and_not_for_mens() {
    for seed in 0..2 {
        let Some(womens) = evidence("Womens E-Mail", seed) else { return };
        assert_eq!(womens.verdict(), Verdict::Believed);
        // Of NumPy and scikit-learn on other folds: 0.0073 and 0.0077.
        assert!((womens.uplift - 0.0075).abs() < 0.0006, "{womens:?}");
        let Some(mens) = evidence("Mens E-Mail", seed) else { return };
        assert_ne!(mens.verdict(), Verdict::Believed);
        assert!(mens.uplift < mens.response);
    }
}
