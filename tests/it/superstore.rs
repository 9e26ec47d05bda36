//! Superstore: UTF-8 with BOM, dd/mm/yy, a profit column with negative margins.

use super::support::{Project, assert_close, data};

#[test]
fn margin_ranks_who_loses_money_in_class_n() {
    let Some(path) = data("superstore/superstore.csv") else { return };
    let project = Project::new(&[]);
    let text = format!(
        "version = 1\nanalyses = ['abc']\n[input.transactions.csv]\npath = '{}'\n[abc]\nvalue = 'margin'\n[output]\ndirectory = 'out'\n",
        path.display()
    );
    let run = project.run(&text).unwrap();
    assert_close(run.number("counts.customers"), 804.0, 0);
    let counts = run.count_by("abc_class");
    assert_eq!(counts["N"], 159);
    assert_eq!(run.manifest["abc"]["value"], "margin");
}
