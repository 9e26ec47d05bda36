//! What a summary says of segments and campaigns.

use std::fmt::Write;

use klientel::campaign::Reason;
use serde_json::Value;

use super::super::text::{count, money, told};
use super::Page;

impl Page<'_> {
    /// Says what has changed in the segments since the last run before this as-of.
    fn migration(&mut self, found: &Value) {
        let Some(before) = found["previous_as_of"].as_str() else { return };
        let n = |key: &str| told(&found[key], self.least);
        let shares = found["psi"].as_f64().map(|psi| {
            let of = found["psi_segment"].as_str().filter(|_| psi > 0.0);
            let of = of.map(|segment| format!(" of `{segment}`")).unwrap_or_default();
            format!("; shares {} (PSI {psi:.3}{of})", found["reading"].as_str().unwrap_or_default())
        });
        let _ = writeln!(
            self.out,
            "  since {before}: {} moved, {} new, {} gone{}",
            n("moved"),
            n("new"),
            n("gone"),
            shares.unwrap_or_default(),
        );
    }

    pub(super) fn segments(&mut self, manifest: &Value) {
        let rows = |key: &str| manifest[key].as_array().cloned().unwrap_or_default();
        let name = |row: &Value| row["name"].as_str().unwrap_or_default().to_owned();
        let (segments, campaigns) = (rows("segments"), rows("campaigns"));
        if !segments.is_empty() {
            self.title("segments");
        }
        for row in &segments {
            let customers = told(&row["customers"], self.least);
            let _ = writeln!(self.out, "  {:20} {customers:>10} customers{}", name(row), cut(row));
        }
        self.migration(&manifest["segment_migration"]);
        if !campaigns.is_empty() {
            self.title("campaigns");
        }
        for row in &campaigns {
            let (contacts, members) = (count(row["contacts"].as_u64().unwrap_or(0)), told(&row["members"], self.least));
            let said = format!("{contacts:>10} contacts of {members} members{}", left_out(row));
            let _ = writeln!(self.out, "  {:20} {said}", name(row));
            if let Some(profit) = row["expected_profit"].as_f64() {
                let mut said = format!("expected to earn {}", money(profit));
                if let Some(lowest) = row["lowest_expected_profit"].as_f64() {
                    let _ = write!(said, ", from the least promising contact {}", money(lowest));
                }
                let _ = writeln!(self.out, "  {:20} {:>10} {said}", "", "");
            }
        }
    }
}

/// Lists why members are not contacted, as far as there are any.
fn left_out(campaign: &Value) -> String {
    let of = |reason: &Reason| campaign["excluded"][reason.label()].as_u64().unwrap_or(0);
    let parts: Vec<String> = Reason::ALL
        .iter()
        .filter(|reason| of(reason) > 0)
        .map(|reason| match reason {
            Reason::WithoutAddress => format!("{} without {}", count(of(reason)), address(campaign)),
            _ => format!("{} {}", count(of(reason)), reason.said()),
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// Names the address of a channel.
fn address(campaign: &Value) -> &str {
    match campaign["channel"].as_str().unwrap_or_default() {
        "post" => "postal address",
        "ads" => "e-mail",
        channel => channel,
    }
}

/// Says where a limit ended a segment, where it left somebody out.
fn cut(row: &Value) -> String {
    let (Some(by), n) = (row["order_by"].as_str(), |key: &str| row[key].as_u64().unwrap_or(0)) else {
        return String::new();
    };
    if n("matching") == n("customers") || row["customers"].is_null() {
        return String::new();
    }
    let last = match &row["last_kept"] {
        Value::Null => "unknown".to_owned(),
        Value::String(day) => day.clone(),
        number => number.to_string(),
    };
    let (end, way) = if row["order"] == "ascending" { ("smallest", "up") } else { ("largest", "down") };
    format!(" of {}, the {end} {by} {way} to {last}", count(n("matching")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_hidden_is_said_to_be_less_than_the_least_size() {
        let mut out = String::new();
        let manifest = json!({
            "campaigns": [{ "name": "c", "members": null, "contacts": 3, "excluded": { "without_consent": null } }],
            "segment_migration": { "previous_as_of": "2026-03-10", "moved": 20, "new": null, "gone": null, "psi": null, "reading": null },
        });
        Page { out: &mut out, least: Some(10) }.segments(&manifest);
        assert!(out.contains("since 2026-03-10: 20 moved, fewer than 10 new, fewer than 10 gone\n"), "{out}");
        assert!(out.contains(" 3 contacts of fewer than 10 members\n"), "{out}");
    }

    #[test]
    fn a_limit_is_told_where_it_left_somebody_out() {
        let row = |order: &str, matching: u64, last: Value| json!({ "customers": 20, "matching": matching, "order_by": "clv", "order": order, "last_kept": last });
        assert_eq!(cut(&row("descending", 1_770, 41.5.into())), " of 1,770, the largest clv down to 41.5");
        assert_eq!(cut(&row("ascending", 21, "2026-01-01".into())), " of 21, the smallest clv up to 2026-01-01");
        assert_eq!(cut(&row("ascending", 21, Value::Null)), " of 21, the smallest clv up to unknown");
        assert_eq!(cut(&row("descending", 20, Value::Null)), "");
        assert_eq!(cut(&json!({ "customers": 20, "matching": 30, "order_by": null })), "");
    }
}
