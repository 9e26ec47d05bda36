//! Churn learnt from real purchases and proven on them: Online Retail by two cuts, CDNOW by one.

use super::support::{Project, Run, assert_close, data};

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

#[test]
fn online_retail_is_learnt_beyond_recency() {
    let Some((_project, run)) =
        run("online_retail/online_retail.csv", "[products]\nrecognise = false\n[lifetime-value]\nmodel = 'mbg-nbd'")
    else {
        return;
    };
    println!("{:#}", run.manifest["churn"]);
    println!("{:#}", run.manifest["notes"]);
    println!("{:#}", run.manifest["analysis_seconds"]);
    for row in run.table("scores.csv").iter().step_by(300) {
        println!(
            "{} {} | {} | {} | {} {}",
            row["churn_risk"],
            row["churn_reason_1"],
            row["churn_reason_2"],
            row["churn_reason_3"],
            row["churn_value_at_risk"],
            row["churn_contact_profit"]
        );
    }
    let of = |key: &str| run.number(&format!("churn.evaluation.{key}"));
    assert_close(of("n"), 3_370.0, 0);
}
