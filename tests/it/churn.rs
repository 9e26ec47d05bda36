//! Churn learnt from real purchases and proven on them: Online Retail by two cuts, CDNOW by one.

use std::fs;

use super::support::{Project, Run, assert_close, data, split_csv};

fn run(file: &str, rest: &str) -> Option<(Project, Run)> {
    let path = data(file)?;
    let project = Project::new(&[]);
    let text = format!(
        "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = '{}'\n{rest}\n[output]\ndirectory = 'out'\n",
        path.display()
    );
    let run = project.run(&text).unwrap_or_else(|error| panic!("{error}"));
    Some((project, run))
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

#[test]
fn online_retail_is_learnt_beyond_recency() {
    let Some(project) = positive_lines() else { return };
    let text = "version = 1\nanalyses = ['lifetime-value', 'churn']\n[input.transactions.csv]\npath = 'lines.csv'\n[products]\nrecognise = false\n\
         [lifetime-value]\nmodel = 'mbg-nbd'\n[output]\ndirectory = 'out'\n";
    let run = project.run(text).unwrap();
    println!("{:#}", run.manifest["churn"]["evaluation"]);
    let of = |key: &str| run.number(&format!("churn.evaluation.{key}"));
    assert_close(of("n"), 3_370.0, 0);
    assert_close(of("base_rate"), 0.430, 3);
    assert_close(of("rules.recency.auc"), 0.683, 3);
    assert_close(of("rules.frequency.auc"), 0.723, 3);
}

/// 39 weeks after 39 weeks: no earlier cut, so each customer is scored by models of other customers.
#[test]
fn cdnow_is_learnt_from_one_cut() {
    let Some((_project, run)) =
        run("cdnow/cdnow_master.csv", "[lifetime-value]\nmodel = 'mbg-nbd'\n[churn]\nhorizon = '39 weeks'")
    else {
        return;
    };
    println!(
        "{:#} {:#} {:#}",
        run.manifest["churn"]["evaluation"], run.manifest["notes"], run.manifest["analysis_seconds"]
    );
    let of = |key: &str| run.number(&format!("churn.evaluation.{key}"));
    assert_close(of("n"), 23_570.0, 0);
}
