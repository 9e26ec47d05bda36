//! What columns are called in a tool: its own fields by their names, everything else by its rule, no name twice.
//!
//! ```text
//! Same      offer_1_name   → offer_1_name
//! Upper     offer_1_name   → OFFER_1_NAME
//! MergeTag  churn_reason_1 → CHURN_RE_1       ten characters, a number at the end stays
//! Label     offer_1_name   → Offer 1 Name
//! ```
//!
//! Two columns that would be called alike are numbered in the order of the campaign, so that a file has the same headers every night.

use super::{Naming, Target};

/// Most characters of a merge tag: mailchimp.com/developer/marketing/docs/merge-fields.
const MERGE_TAG: usize = 10;

/// Names a column in a tool; `taken` are the names before it, which are compared without regard to case.
pub fn header(target: &Target, column: &str, taken: &[String]) -> String {
    let own = target.fields.iter().find(|(field, _)| *field == column).map(|(_, header)| (*header).to_owned());
    let name = own.unwrap_or_else(|| match target.naming {
        Naming::Same => column.to_owned(),
        Naming::Upper => column.to_uppercase(),
        Naming::MergeTag => merge_tag(column),
        Naming::Label => label(column),
    });
    let is_free = |name: &str| taken.iter().all(|before| !before.eq_ignore_ascii_case(name));
    if is_free(&name) {
        return name;
    }
    let numbered = |n: usize| {
        let n = format!("_{n}");
        let room = if target.naming == Naming::MergeTag { MERGE_TAG - n.len() } else { name.len() };
        format!("{}{n}", &name[..name.floor_char_boundary(room)])
    };
    // As many numbers as there are names before it, and one more: one of them is free.
    (2..=taken.len() + 2).map(numbered).find(|name| is_free(name)).unwrap_or(name)
}

fn merge_tag(column: &str) -> String {
    let name = column.to_uppercase();
    if name.len() <= MERGE_TAG {
        return name;
    }
    let number = name
        .rsplit_once('_')
        .map(|(_, last)| last)
        .filter(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
    let end = number.map_or_else(String::new, |number| format!("_{number}"));
    let head = &name[..name.floor_char_boundary(MERGE_TAG.saturating_sub(end.len()))];
    format!("{}{end}", head.trim_end_matches('_'))
}

fn label(column: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    column.split('_').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, columns: &[&str], expected: &[&str]) {
        let target = Target::named(target).unwrap();
        let mut found: Vec<String> = Vec::new();
        for column in columns {
            found.push(header(target, column, &found));
        }
        assert_eq!(found, expected, "{}", target.name);
    }

    #[test]
    fn columns_are_called_as_the_tool_calls_them() {
        let columns = ["email", "customer_id", "first_name", "offer_1_name", "plan"];
        check("generic-en", &columns, &columns);
        check("mailchimp", &columns, &["Email Address", "CUSTOMERID", "FNAME", "OFFER_1_NA", "PLAN"]);
        check("brevo", &columns, &["EMAIL", "EXT_ID", "FIRSTNAME", "OFFER_1_NAME", "PLAN"]);
        check("hubspot", &columns, &["Email", "Customer Id", "First Name", "Offer 1 Name", "Plan"]);
        check("generic-de", &columns, &["E-Mail", "Kundennummer", "Vorname", "offer_1_name", "plan"]);
    }

    #[test]
    fn merge_tags_stay_distinct() {
        // One is cut, one is cut before its number, one has to be numbered.
        let columns = ["churn_reason_1", "churn_reason_2", "offer_1_name", "offer_1_name_2", "offer_1_nature", "clv"];
        let tags = ["CHURN_RE_1", "CHURN_RE_2", "OFFER_1_NA", "OFFER_1_2", "OFFER_1__2", "CLV"];
        check("mailchimp", &columns, &tags);
    }

    #[test]
    fn names_that_differ_in_case_only_are_numbered() {
        check("brevo", &["first_name", "firstname", "FirstName"], &["FIRSTNAME", "FIRSTNAME_2", "FIRSTNAME_3"]);
    }
}
