//! Churn learnt from purchases and proven on them: Online Retail by two cuts, CDNOW by one, a generated base by the season.

use std::fs;

use klientel::generate::{FilesPer, Params, generate};

use super::support::{Project, Run, assert_close, data, split_csv};

fn notes(run: &Run) -> Vec<&str> {
    run.manifest["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect()
}

/// Sales with a customer alone, as the published figures count them.
fn positive_lines() -> Option<Project> {
    let text = fs::read_to_string(data("online_retail/online_retail.csv")?).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let is_sale = |line: &&str| {
        let cells = split_csv(line);
        !cells[6].is_empty() && !cells[3].starts_with('-') && cells[5].parse::<f64>().unwrap() > 0.0
    };
    let sales: Vec<&str> = lines.lines().filter(is_sale).collect();
    assert_eq!(sales.len(), 397_884);
    Some(Project::new(&[("lines.csv", &format!("{header}\n{}\n", sales.join("\n")))]))
}

const ONLINE_RETAIL: &str = "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = 'lines.csv'\n\
    [products]\nrecognise = false\n[lifetime-value]\nmodel = 'mbg-nbd'\n[output]\ndirectory = 'out'\n";

/// Cuts, label and rules are as counted elsewhere; what is learnt beats all of them.
#[test]
fn online_retail_is_learnt_beyond_the_rules() {
    let Some(project) = positive_lines() else { return };
    let run = project.run(&format!("{ONLINE_RETAIL}[report]\nlanguage = 'de'\n")).unwrap();
    let card = &run.manifest["churn"]["evaluation"];
    assert_eq!((card["train_cut"].as_str(), card["cut"].as_str()), (Some("2011-06-13"), Some("2011-09-11")));
    let of = |key: &str| run.number(&format!("churn.evaluation.{key}"));
    assert_eq!((of("n"), of("horizon_days")), (3_370.0, 90.0));
    assert_close(of("base_rate"), 0.430, 3);
    assert_close(of("rules.recency.auc"), 0.683, 3);
    assert_close(of("rules.frequency.auc"), 0.723, 3);
    let chosen = card["chosen"].as_str().unwrap();
    assert!(of(&format!("models.{chosen}.auc")) >= 0.744, "{card:#}");
    assert!(of("gain_over_best_rule") > 1.96 * of("gain_standard_error"));
    assert!(card["label"].as_str().unwrap().starts_with("no purchase in the 90 days from 2011-09-11 on"));
    // The season cannot be told from one year: risks of the autumn are those of the summer, and the card shows how far off that was.
    assert_eq!(card["calibrated_on"], "latest cut");
    assert!(of(&format!("models.{chosen}.mean_risk")) > of("base_rate") + 0.05);

    let models = run.table("churn_models.csv");
    assert!(models.iter().all(|row| row["label"] == card["label"].as_str().unwrap()));
    assert_eq!(models.iter().filter(|row| row["published"] == "yes").count(), 1);
    let deciles = run.table("churn_deciles.csv");
    let own: Vec<f64> =
        deciles.iter().filter(|row| row["name"] == chosen).map(|row| row["lift"].parse().unwrap()).collect();
    assert!(own.len() == 10 && own[0] > 1.5 && own[9] < 0.5, "{own:?}");

    let scores = run.scores();
    let risk = |id: &str| scores[id]["churn_risk"].parse::<f64>().unwrap();
    assert!(scores.values().all(|row| (0.0..=1.0).contains(&row["churn_risk"].parse::<f64>().unwrap())));
    // 12748 buys every other day, 12346 bought once, in January.
    assert!(risk("12748") < 0.05 && risk("12346") > 0.5, "{} {}", risk("12748"), risk("12346"));
    let reasons = |nth: u8| scores.values().map(move |row| row[&format!("churn_reason_{nth}")].as_str());
    assert!(reasons(1).any(|reason| reason.starts_with("letzte Bestellung vor ") && reason.contains(", sonst alle ")));
    assert!(
        reasons(2).any(|reason| reason == "erst eine Bestellung") || reasons(1).any(|r| r == "erst eine Bestellung")
    );
    let worth = |row: &std::collections::BTreeMap<String, String>, name: &str| row[name].parse::<f64>().unwrap();
    for row in scores.values() {
        let (risk, clv) = (worth(row, "churn_risk"), worth(row, "clv"));
        let gain = risk * 0.3 * (clv - 10.0) - (1.0 - risk) * 10.0 - 1.0;
        assert!((worth(row, "churn_contact_profit") - gain).abs() < 0.02, "{row:?}");
    }
}

/// 39 weeks after 39 weeks: no earlier cut, so each customer is scored by models of other customers.
#[test]
fn cdnow_is_learnt_from_one_cut() {
    let Some(path) = data("cdnow/cdnow_master.csv") else { return };
    let project = Project::new(&[]);
    let text = format!(
        "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = '{}'\n[lifetime-value]\n\
         model = 'mbg-nbd'\n[churn]\nhorizon = '39 weeks'\n[output]\ndirectory = 'out'\n",
        path.display()
    );
    let run = project.run(&text).unwrap();
    let card = &run.manifest["churn"]["evaluation"];
    let of = |key: &str| run.number(&format!("churn.evaluation.{key}"));
    assert_eq!((card["cut"].as_str(), card["calibrated_on"].as_str()), (Some("1997-10-01"), Some("other folds")));
    assert_eq!(of("n"), 23_570.0);
    assert_close(of("base_rate"), 0.7006, 4);
    assert_close(of("rules.recency.auc"), 0.759, 3);
    assert_close(of("rules.frequency.auc"), 0.753, 3);
    assert_close(of("rules.purchase_model.auc"), 0.755, 3);
    let chosen = card["chosen"].as_str().unwrap();
    assert!(of(&format!("models.{chosen}.auc")) >= 0.771 && of(&format!("models.{chosen}.ece")) < 0.02, "{card:#}");
    let loses = "P(no purchase) of the purchase model (AUC 0.755) loses to the rule recency (0.759)";
    assert!(notes(&run).iter().any(|note| note.contains(loses)), "{:?}", notes(&run));
    // By BG/NBD whoever bought once is alive for certain; 1 − P(alive) ranks them as the safest, far below chance, and is no risk.
    let text = text.replace("mbg-nbd", "bg-nbd").replace("analyses", "as-of = 1997-09-30\nanalyses");
    let bg_nbd = project.run(&text).unwrap();
    let scores = bg_nbd.scores();
    let once: Vec<_> = scores.values().filter(|row| row["clv_p_alive"].parse::<f64>().unwrap() == 1.0).collect();
    assert!(once.len() > 10_000);
    assert!(once.iter().all(|row| row["churn_risk"].parse::<f64>().unwrap() > 0.3));
}

/// A generated base of three years: calibrated on the same days of last year, and right on days that nothing was learnt from.
#[test]
fn risks_of_a_generated_base_mean_what_they_say() {
    let project = Project::new(&[]);
    let params = Params { customers: 12_000, products: 200, days: 1_095, files: FilesPer::One, ..Params::default() };
    generate(&params, &project.path("base"), &|_| {}).unwrap();
    let text = "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = 'base/transactions.csv'\n\
        [lifetime-value]\nmodel = 'mbg-nbd'\n[output]\ndirectory = 'out'\n";
    let run = project.run(text).unwrap();
    let card = &run.manifest["churn"]["evaluation"];
    let kind = if card["rules"].get(card["chosen"].as_str().unwrap()).is_some() { "rules" } else { "models" };
    let chosen = format!("churn.evaluation.{kind}.{}", card["chosen"].as_str().unwrap());
    assert!(run.number(&format!("{chosen}.ece")) < 0.03, "{card:#}");
    assert!(card["log_loss_by_season"].is_number());
}
