//! The same 11,898 lines as Windows-1252 with `;`, UTF-8 with BOM, and UTF-16LE with tabs.

use super::support::{Project, assert_close, data};

#[test]
fn three_german_exports_give_the_same_scores_and_the_totals_of_their_source() {
    let names = ["umsaetze_cp1252_semikolon_crlf.csv", "umsaetze_utf8_bom_semikolon.csv", "umsaetze_utf16le_tab.txt"];
    let mut hashes = Vec::new();
    for name in names {
        let Some(path) = data(&format!("german_formats/{name}")) else { return };
        let project = Project::new(&[]);
        let text = format!(
            "version = 1\n[input.transactions.csv]\npath = '{}'\n[products]\nrecognise = false\n[output]\ndirectory = 'out'\n",
            path.display()
        );
        let run = project.run(&text).unwrap();
        assert_close(run.number("counts.lines_used"), 11_898.0, 0);
        assert_close(run.number("counts.lines_rejected"), 0.0, 0);
        assert!(run.scores().keys().all(|id| id.len() == 8 && id.starts_with("000")), "leading zeros are gone");
        if let Some(source) = source_totals() {
            assert_close(run.number("counts.revenue") + run.number("counts.guest_revenue"), source, 2);
        }
        hashes.push(run.hashes());
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[1], hashes[2]);
}

/// Sums quantity × unit price of the rows that the three files were made of, rounded a row.
fn source_totals() -> Option<f64> {
    let text = std::fs::read_to_string(data("online_retail/online_retail.csv")?).ok()?;
    let minor = text.lines().skip(1).filter_map(|line| {
        let country = line.rsplit(',').next()?.trim_matches('"');
        if !["Germany", "Austria", "Switzerland"].contains(&country) {
            return None;
        }
        let mut fields = line.rsplit(',').skip(2);
        let price: f64 = fields.next()?.parse().ok()?;
        let quantity: f64 = fields.nth(1)?.parse().ok()?;
        Some((quantity * price * 100.0).round() as i64)
    });
    Some(minor.sum::<i64>() as f64 / 100.0)
}
