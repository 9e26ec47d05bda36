//! Groups too small to be published, in the manifest: what it says of files, campaigns and movement would tell how many customers a hidden segment holds.
//!
//! | where                       | empty where the segment is hidden                                              |
//! |-----------------------------|--------------------------------------------------------------------------------|
//! | `outputs`: `rows`           | of its own files; of `memberships`, and of `excluded` where a campaign is to it |
//! | `campaigns`                 | `members`, and `excluded` that would add up to them with the contacts           |
//! | `segment_migration`: `psi`  | its own index: the largest of the segments that are shown is told              |
//!
//! Which segments are hidden is decided by [`small_groups`](super::small_groups). Files that list customers tell by themselves how many they list.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::manifest::{CampaignRecord, OutputRecord, SegmentRecord};
use super::migration::{NOT_COMPARABLE, reading};
use crate::analysis::SideTable;
use crate::scores::frame::Frame;
use crate::table::Values;

/// Empties what tells of the size of segments without a count.
pub fn leave_out_of_lists(segments: &[SegmentRecord], campaigns: &mut [CampaignRecord], outputs: &mut [OutputRecord]) {
    let hidden: BTreeSet<&str> =
        segments.iter().filter(|of| of.customers.is_none()).map(|of| of.name.as_str()).collect();
    let mut tables: BTreeSet<String> = hidden.iter().map(|name| format!("segments/{name}")).collect();
    if !hidden.is_empty() {
        tables.insert("memberships".to_owned());
    }
    for campaign in campaigns.iter_mut().filter(|campaign| hidden.contains(campaign.segment.as_str())) {
        campaign.members = None;
        campaign.excluded.values_mut().for_each(|n| *n = Value::Null);
        tables.insert("excluded".to_owned());
    }
    for output in outputs {
        if output.path.rsplit_once('.').is_some_and(|(table, _)| tables.contains(table)) {
            output.rows = None;
        }
    }
}

/// Tells the largest index of the overlapping segments that are shown; nothing where there is none.
pub fn leave_out_of_index(facts: &mut Map<String, Value>, tables: &[SideTable]) {
    let Some(changes) = tables.iter().find(|table| table.name == "segment_changes") else { return };
    let Some(facts) = facts.get_mut("segment_migration").and_then(Value::as_object_mut) else { return };
    let index = changes.columns.iter().find(|column| column.name == "psi").map(|column| &column.values);
    let frame = Frame::new(&changes.columns);
    let (Some(Values::Number(index)), Ok(names)) = (index, frame.texts("segment")) else { return };
    let shown = names.zip(index.iter()).filter_map(|(name, psi)| Some((name?, psi?)));
    let most = shown.reduce(|most, other| if other.1 > most.1 { other } else { most });
    let mut say = |name: &str, value: Option<Value>| {
        if let Some(fact) = facts.get_mut(name).filter(|fact| **fact != NOT_COMPARABLE) {
            *fact = value.unwrap_or_default();
        }
    };
    say("psi", most.map(|(_, psi)| psi.into()));
    say("psi_segment", most.map(|(name, _)| name.into()));
    say("reading", most.map(|(_, psi)| reading(psi).into()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::table::{Column, Nullable};

    fn segment(name: &str, customers: Option<usize>) -> SegmentRecord {
        SegmentRecord {
            name: name.to_owned(),
            condition: String::new(),
            sha256: String::new(),
            customers,
            limit: None,
            order_by: None,
            order: None,
            matching: None,
            last_kept: None,
        }
    }

    fn campaign(segment: &str) -> CampaignRecord {
        CampaignRecord {
            name: format!("to-{segment}"),
            segment: segment.to_owned(),
            target: "csv",
            channel: "post",
            legal_basis: "consent",
            members: Some(40),
            contacts: 30,
            excluded: [("without_consent".to_owned(), json!(10)), ("control_group".to_owned(), json!(0))]
                .into_iter()
                .collect(),
            control_share: 0.0,
            sample_ratio_p: None,
            lowest_expected_profit: None,
            expected_profit: None,
            cells_cut: 0,
            cells_with_characters_replaced: 0,
            formulas_guarded: 0,
            phone_numbers_left_out: 0,
        }
    }

    /// Returns the members that campaigns tell of, and the files whose rows are counted.
    fn told(segments: &[SegmentRecord], to: &str) -> (CampaignRecord, Vec<String>) {
        let paths = [
            "scores.csv",
            "segments/few.parquet",
            "segments/few.csv",
            "segments/few-more.csv",
            "excluded.csv",
            "memberships.parquet",
            "campaigns/few.csv",
        ];
        let output =
            |path: &str| OutputRecord { path: path.to_owned(), rows: Some(9), bytes: 90, sha256: String::new() };
        let (mut outputs, mut campaigns) = (paths.map(output), [campaign(to)]);
        leave_out_of_lists(segments, &mut campaigns, &mut outputs);
        assert!(outputs.iter().all(|output| output.bytes == 90));
        let counted = outputs.into_iter().filter(|output| output.rows == Some(9)).map(|output| output.path).collect();
        let [campaign] = campaigns;
        (campaign, counted)
    }

    #[test]
    fn neither_files_nor_campaigns_tell_how_large_a_hidden_segment_is() {
        let segments = [segment("few", None), segment("few-more", Some(50))];
        let (campaign, counted) = told(&segments, "few");
        assert_eq!(counted, ["scores.csv", "segments/few-more.csv", "campaigns/few.csv"]);
        assert_eq!((campaign.members, campaign.contacts), (None, 30));
        assert!(campaign.excluded.values().all(Value::is_null), "30 contacts and 10 others are 40 members");
        let (campaign, counted) = told(&segments, "few-more");
        assert_eq!(counted, ["scores.csv", "segments/few-more.csv", "excluded.csv", "campaigns/few.csv"]);
        assert_eq!((campaign.members, &campaign.excluded["without_consent"]), (Some(40), &json!(10)));
        let (_, counted) = told(&[segment("few", Some(10))], "few");
        assert_eq!(counted.len(), 7);
    }

    #[test]
    fn the_largest_index_is_that_of_a_segment_that_is_shown() {
        let index = |psi: [Option<f64>; 3], reading: &str| {
            let columns = vec![
                Column::new("segment", Values::from_texts(["few", "a", "b"].map(Some))),
                Column::new("psi", Values::Number(psi.into_iter().collect::<Nullable<f64>>())),
            ];
            let facts =
                json!({ "segment_migration": { "moved": 7, "psi": 0.9, "psi_segment": "few", "reading": reading } });
            let Value::Object(mut facts) = facts else { panic!("no object") };
            leave_out_of_index(&mut facts, &[SideTable { name: "segment_changes", columns }]);
            facts["segment_migration"].clone()
        };
        let expected = json!({ "moved": 7, "psi": 0.2, "psi_segment": "b", "reading": "moving" });
        assert_eq!(index([None, Some(0.01), Some(0.2)], "shifted"), expected);
        let expected = json!({ "moved": 7, "psi": 0.9, "psi_segment": "few", "reading": "not comparable" });
        assert_eq!(index([Some(0.9), Some(0.1), None], "not comparable"), expected);
        let expected = json!({ "moved": 7, "psi": null, "psi_segment": null, "reading": null });
        assert_eq!(index([None; 3], "shifted"), expected);
    }
}
