//! Groups too small to be published: where customers are counted by group, the figures of a group below the least size are empty.
//!
//! | where                                   | one total of                                  |
//! |------------------------------------------|-----------------------------------------------|
//! | `clv_equity`                             | the classes of a column; segments of `first-match` |
//! | `segment_migration`                      | each start, each end, and whatever the counts of the manifest tell of |
//! | `segment_changes`                        | who was in a segment, and who is              |
//! | `clv_holdout`                            | the classes by repeats, and by silence        |
//! | `clv_groups`, `clv_frequency`            | all rows                                      |
//! | any other table that counts customers    | nothing: its rows are no parts                |
//! | manifest: segments, migration, RFM, ABC, stages | all RFM segments, ABC classes, stages; segments of `first-match` |
//!
//! Primary suppression empties groups below the least size. Where a total is known, a group that is empty alone, or together with others of fewer customers
//! than the least size, could be subtracted: the next smallest is emptied as well, row by row and column by column until nothing changes
//! (complementary suppression: Willenborg and de Waal, "Elements of Statistical Disclosure Control", 2001, chapter 5; k-anonymity: Sweeney, 2002).
//! Scores, segment and campaign files list customers, and are not touched.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::job::Job;
use super::manifest::SegmentRecord;
use super::migration::{GONE, NEW};
use crate::analysis::SideTable;
use crate::segment::Membership;
use crate::table::{Nullable, Values};

/// Columns that count customers: the one place that says which.
const COUNTS: [&str; 3] = ["customers", "n_customers", "actual_customers"];
/// Columns of numbers that say which group a row is.
const KEYS: [&str; 1] = ["k"];
/// Counts of one segment that can be computed from each other.
const CHANGES: [&str; 3] = ["stayed", "entered", "left"];
/// Facts by class, and the name of the count where a class has several figures.
const FACTS: [([&str; 2], Option<&str>); 4] = [
    (["rfm", "segments"], None),
    (["abc", "customers"], Some("n")),
    (["overview", "stages"], None),
    (["churn", "bands"], None),
];
/// Counts of a migration.
const MIGRATION: [&str; 5] = ["customers_then", "customers_now", "moved", "new", "gone"];

/// What the least size is, and whether segments are parts of a whole.
#[derive(Debug, Clone, Copy)]
pub struct SmallGroups {
    pub min_size: u32,
    pub assignment: Membership,
}

impl SmallGroups {
    /// Reads the rule of a pipeline, where it has one.
    pub fn of(job: &Job) -> Option<Self> {
        let rules = job.settings.segment_rules;
        rules.min_size.map(|min_size| Self { min_size, assignment: rules.membership })
    }

    fn is_small(self, n: i64) -> bool {
        n < i64::from(self.min_size)
    }

    /// Empties the figures of small groups in tables; returns a note where there are any.
    pub fn leave_out<'t>(self, tables: impl IntoIterator<Item = &'t mut SideTable>) -> Option<String> {
        let told: Vec<String> = tables
            .into_iter()
            .filter_map(|table| {
                let n_left_out = self.leave_out_of(table);
                (n_left_out > 0).then(|| format!("{n_left_out} in `{}`", table.name))
            })
            .collect();
        (!told.is_empty()).then(|| {
            format!(
                "groups of fewer than {} customers (`segments.min-size`), and those that would tell of them, are left without figures: {}",
                self.min_size,
                told.join(", ")
            )
        })
    }

    /// Returns how many rows were left without figures.
    fn leave_out_of(self, table: &mut SideTable) -> usize {
        if table.name == "segment_changes" {
            return self.leave_out_of_changes(table);
        }
        let counted = table.columns.iter().find(|column| COUNTS.contains(&column.name.as_str()));
        let Some(Values::Integer(counts)) = counted.map(|column| &column.values) else { return 0 };
        let counts: Vec<Option<i64>> = counts.iter().collect();
        let hidden = self.hidden(&counts, &self.blocks(table, counts.len()));
        let n_hidden = hidden.iter().filter(|is| **is).count();
        if n_hidden == 0 {
            return 0;
        }
        let mut of_same_start = hidden.clone();
        if table.name == "segment_migration" {
            // Shares are of a start: one count with its share would tell the others.
            let starts = groups(table, "from");
            for block in starts.iter().filter(|block| block.iter().any(|row| hidden[*row])) {
                block.iter().for_each(|row| of_same_start[*row] = true);
            }
        }
        for column in &mut table.columns {
            match column.name.as_str() {
                name if KEYS.contains(&name) => {}
                "share" => empty(&mut column.values, &of_same_start),
                _ => empty(&mut column.values, &hidden),
            }
        }
        n_hidden
    }

    /// Who stayed, entered or left is told altogether or not at all: with the counts of then and now each tells the others.
    fn leave_out_of_changes(self, table: &mut SideTable) -> usize {
        let small = |table: &SideTable, names: &[&str]| -> Vec<bool> {
            let columns = table.columns.iter().filter(|column| names.contains(&column.name.as_str()));
            let mut rows = vec![false; table.columns.first().map_or(0, |column| column.values.len())];
            for column in columns {
                let Values::Integer(cells) = &column.values else { continue };
                rows.iter_mut().zip(cells.iter()).for_each(|(row, n)| *row |= n.is_some_and(|n| self.is_small(n)));
            }
            rows
        };
        let moved = small(table, &CHANGES);
        let [then, now] = ["customers_then", "customers_now"].map(|name| small(table, &[name]));
        let either: Vec<bool> = then.iter().zip(&now).map(|(then, now)| *then || *now).collect();
        for column in &mut table.columns {
            match column.name.as_str() {
                "customers_then" => empty(&mut column.values, &then),
                "customers_now" => empty(&mut column.values, &now),
                "psi" => empty(&mut column.values, &either),
                _ => empty(&mut column.values, &moved),
            }
        }
        moved.iter().zip(&either).filter(|(moved, either)| **moved || **either).count()
    }

    /// Returns the rows that add up to a total that is known.
    fn blocks(self, table: &SideTable, n_rows: usize) -> Vec<Vec<usize>> {
        match table.name {
            "clv_equity" => {
                let overlaps = |block: &Vec<usize>| {
                    self.assignment == Membership::Overlapping
                        && table
                            .columns
                            .iter()
                            .any(|column| column.name == "by" && text(&column.values, block[0]) == Some("segment"))
                };
                groups(table, "by").into_iter().filter(|block| !overlaps(block)).collect()
            }
            "segment_migration" => {
                groups(table, "from").into_iter().chain(groups(table, "to")).chain(of_totals(table)).collect()
            }
            "clv_holdout" => groups(table, "by"),
            "clv_groups" | "clv_frequency" => vec![(0..n_rows).collect()],
            _ => vec![],
        }
    }

    /// Says which groups are hidden: those that are small, and what they could be told from within a block.
    fn hidden(self, counts: &[Option<i64>], blocks: &[Vec<usize>]) -> Vec<bool> {
        let mut hidden: Vec<bool> = counts.iter().map(|n| n.is_some_and(|n| self.is_small(n))).collect();
        let n_of = |hidden: &[bool]| hidden.iter().filter(|is| **is).count();
        // A row that is hidden for one block may be alone in another.
        loop {
            let before = n_of(&hidden);
            blocks.iter().for_each(|block| self.complete(block, counts, &mut hidden));
            if n_of(&hidden) == before {
                return hidden;
            }
        }
    }

    /// Hides the next smallest of a block, as long as what is hidden could be told from its total.
    fn complete(self, block: &[usize], counts: &[Option<i64>], hidden: &mut [bool]) {
        loop {
            let of_hidden: Vec<i64> =
                block.iter().filter(|row| hidden[**row]).map(|row| counts[*row].unwrap_or(0)).collect();
            let is_safe = of_hidden.is_empty() || (of_hidden.len() > 1 && !self.is_small(of_hidden.iter().sum()));
            let shown = block.iter().filter(|row| !hidden[**row]).filter_map(|row| Some((counts[*row]?, *row)));
            let Some((_, next)) = shown.min().filter(|_| !is_safe) else { return };
            hidden[next] = true;
        }
    }

    /// Empties the counts of small segments.
    pub fn leave_out_of_segments(self, segments: &mut [SegmentRecord]) {
        let counts: Vec<Option<i64>> = segments.iter().map(|of| of.customers.map(|n| n as i64)).collect();
        let has_total = self.assignment == Membership::FirstMatch;
        let all: Vec<Vec<usize>> = has_total.then(|| (0..counts.len()).collect()).into_iter().collect();
        let hidden = self.hidden(&counts, &all);
        for (segment, is_hidden) in segments.iter_mut().zip(hidden) {
            if is_hidden {
                segment.customers = None;
                segment.last_kept = None;
            }
            // Without a limit they are the same customers.
            let is_same = segment.limit.is_none() && is_hidden;
            segment.matching = segment.matching.filter(|n| !is_same && !self.is_small(*n as i64));
        }
    }

    /// Empties the counts of small groups among the facts of the manifest.
    pub fn leave_out_of_facts(self, facts: &mut Map<String, Value>) {
        for ([analysis, key], count) in FACTS {
            let classes = facts.get_mut(analysis).and_then(|of| of.get_mut(key)).and_then(Value::as_object_mut);
            let Some(classes) = classes else { continue };
            let n = |of: &Value| count.map_or(of, |count| &of[count]).as_i64();
            // What is unknown is no class, but a part of the whole all the same.
            let names: Vec<String> =
                classes.iter().filter(|(_, of)| n(of).is_some()).map(|(name, _)| name.clone()).collect();
            let counts: Vec<Option<i64>> = names.iter().map(|name| n(&classes[name])).collect();
            let hidden = self.hidden(&counts, &[(0..counts.len()).collect()]);
            for (name, _) in names.iter().zip(&hidden).filter(|(_, is_hidden)| **is_hidden) {
                match classes.get_mut(name) {
                    Some(Value::Object(figures)) => figures.values_mut().for_each(|figure| *figure = Value::Null),
                    Some(figure) => *figure = Value::Null,
                    None => {}
                }
            }
        }
        if let Some(groups) = facts.get_mut("lifetime_value").and_then(groups_of) {
            let counts: Vec<Option<i64>> = groups.iter().map(|group| group["n"].as_i64()).collect();
            let hidden = self.hidden(&counts, &[(0..counts.len()).collect()]);
            let figures = groups.iter_mut().zip(&hidden).filter(|(_, is_hidden)| **is_hidden);
            for (_, figure) in figures.filter_map(|(group, _)| group.as_object_mut()).flatten() {
                if !figure.is_string() {
                    *figure = Value::Null;
                }
            }
        }
        if let Some(migration) = facts.get_mut("segment_migration").and_then(Value::as_object_mut) {
            self.leave_out_of_migration(migration);
        }
    }

    /// Who is gone can be told from who is new, and who stayed where they were from who moved.
    fn leave_out_of_migration(self, facts: &mut Map<String, Value>) {
        let n = |name: &str| facts.get(name).and_then(Value::as_i64);
        let stayed = n("customers_now").zip(n("moved")).zip(n("new")).map(|((now, moved), new)| now - moved - new);
        let is_small = |name: &str| n(name).is_some_and(|n| self.is_small(n));
        let mut hidden: Vec<&str> = MIGRATION.into_iter().filter(|name| is_small(name)).collect();
        if stayed.is_some_and(|n| self.is_small(n)) {
            hidden.push("moved");
        }
        if ["moved", "new", "gone"].iter().any(|name| hidden.contains(name)) {
            hidden.extend(["new", "gone"]);
        }
        for (_, figure) in facts.iter_mut().filter(|(name, _)| hidden.contains(&name.as_str())) {
            *figure = Value::Null;
        }
    }
}

/// Finds the groups of a purchase model among its facts.
fn groups_of(facts: &mut Value) -> Option<&mut Vec<Value>> {
    let facts = facts.as_object_mut()?;
    if facts.get("groups").is_some_and(Value::is_array) {
        return facts.get_mut("groups")?.as_array_mut();
    }
    facts.values_mut().find_map(groups_of)
}

/// Returns the text of a cell.
fn text(values: &Values, row: usize) -> Option<&str> {
    let Values::Text { codes, labels } = values else { return None };
    labels.get(codes[row] as usize).map(String::as_str)
}

/// Returns the rows of every text of a column.
fn groups(table: &SideTable, name: &str) -> Vec<Vec<usize>> {
    let Some(Values::Text { codes, .. }) = table.columns.iter().find(|column| column.name == name).map(|of| &of.values)
    else {
        return vec![];
    };
    let mut rows: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    codes.iter().enumerate().for_each(|(row, code)| rows.entry(*code).or_default().push(row));
    rows.into_values().collect()
}

/// Returns the ways that add up to a count of a migration, or to the difference of two: who moved, who stayed with or without those who are new or gone,
/// and all of now and of then. Who is new and who is gone are a start and an end.
fn of_totals(table: &SideTable) -> Vec<Vec<usize>> {
    let column = |name| table.columns.iter().find(|column| column.name == name).map(|column| &column.values);
    let (Some(from), Some(to)) = (column("from"), column("to")) else { return vec![] };
    let (mut stayed, mut moved, mut new, mut gone) = (vec![], vec![], vec![], vec![]);
    for row in 0..from.len() {
        let of = match (text(from, row), text(to, row)) {
            (Some(NEW), _) => &mut new,
            (_, Some(GONE)) => &mut gone,
            (from, to) if from == to => &mut stayed,
            _ => &mut moved,
        };
        of.push(row);
    }
    let (with_new, with_gone) = ([&stayed[..], &new].concat(), [&stayed[..], &gone].concat());
    let (now, then) = ([&with_new[..], &moved].concat(), [&with_gone[..], &moved].concat());
    vec![stayed, moved, with_new, with_gone, now, then]
}

fn empty(values: &mut Values, rows: &[bool]) {
    fn kept<T: Copy + Default>(cells: &Nullable<T>, rows: &[bool]) -> Nullable<T> {
        cells.iter().zip(rows).map(|(cell, left_out)| cell.filter(|_| !left_out)).collect()
    }
    match values {
        Values::Text { .. } | Values::Date(_) => {}
        Values::Integer(cells) | Values::Money(cells) => *cells = kept(cells, rows),
        Values::Number(cells) => *cells = kept(cells, rows),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::table::Column;

    const TEN: SmallGroups = SmallGroups { min_size: 10, assignment: Membership::FirstMatch };

    fn table(name: &'static str, keys: &[(&str, &[&str])], counts: &[i64]) -> SideTable {
        let mut columns: Vec<Column> = keys
            .iter()
            .map(|(key, cells)| Column::new(*key, Values::from_texts(cells.iter().map(|cell| Some(*cell)))))
            .collect();
        columns.push(Column::new("customers", Values::Integer(counts.to_vec().into())));
        columns.push(Column::new("share", Values::Number(counts.iter().map(|n| *n as f64).collect::<Vec<_>>().into())));
        SideTable { name, columns }
    }

    fn shown(table: &SideTable, name: &str) -> Vec<Option<i64>> {
        let column = table.columns.iter().find(|column| column.name == name).unwrap();
        match &column.values {
            Values::Integer(cells) => cells.iter().collect(),
            Values::Number(cells) => cells.iter().map(|cell| cell.map(|n| n as i64)).collect(),
            _ => panic!("no numbers"),
        }
    }

    #[test]
    fn who_is_hidden_alone_takes_the_next_smallest_along() {
        let by = ["all", "abc_class", "abc_class", "abc_class", "segment", "segment"];
        let mut equity = table("clv_equity", &[("by", &by)], &[100, 9, 30, 61, 50, 3]);
        let note = TEN.leave_out([&mut equity]).unwrap();
        assert_eq!(shown(&equity, "customers"), [Some(100), None, None, Some(61), None, None]);
        assert_eq!(shown(&equity, "share"), shown(&equity, "customers"));
        assert!(note.ends_with("are left without figures: 4 in `clv_equity`"), "{note}");
        assert_eq!(TEN.leave_out([&mut equity]), None, "what is empty is not small");
        let overlapping = SmallGroups { assignment: Membership::Overlapping, ..TEN };
        let mut equity = table("clv_equity", &[("by", &by)], &[100, 9, 30, 61, 50, 3]);
        overlapping.leave_out([&mut equity]).unwrap();
        assert_eq!(shown(&equity, "customers")[4..], [Some(50), None], "overlapping segments have no total");
        // Two that are hidden may still be too few together.
        let mut groups = table("clv_groups", &[("group", &["a", "b", "c", "d"])], &[4, 5, 40, 30]);
        TEN.leave_out([&mut groups]).unwrap();
        assert_eq!(shown(&groups, "customers"), [None, None, Some(40), None]);
    }

    #[test]
    fn a_migration_is_closed_by_rows_and_columns() {
        let from: [&str; 9] = ["a", "a", "a", "b", "b", "b", "c", "c", "c"];
        let to: [&str; 9] = ["a", "b", "c", "a", "b", "c", "a", "b", "c"];
        let mut ways =
            table("segment_migration", &[("from", &from), ("to", &to)], &[80, 3, 20, 30, 70, 40, 50, 60, 90]);
        TEN.leave_out([&mut ways]).unwrap();
        let found = shown(&ways, "customers");
        assert_eq!(found[1], None);
        for line in [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8]] {
            let n_hidden = line.iter().filter(|row| found[**row].is_none()).count();
            assert!(n_hidden != 1, "{line:?} {found:?}");
        }
        assert!(found.iter().flatten().count() >= 3, "{found:?}");
        assert_eq!(shown(&ways, "share")[..3], [None; 3], "80 with its share tells the start");
    }

    #[test]
    fn changes_are_told_altogether_or_not_at_all() {
        let mut changes = table("segment_changes", &[("segment", &["a", "b", "c"])], &[0; 3]);
        changes.columns.truncate(1);
        let columns = [
            ("customers_then", [100, 60, 9]),
            ("customers_now", [95, 70, 30]),
            ("stayed", [90, 45, 5]),
            ("entered", [5, 25, 25]),
            ("left", [10, 15, 4]),
        ];
        changes.columns.extend(columns.map(|(name, n)| Column::new(name, Values::Integer(n.to_vec().into()))));
        changes.columns.push(Column::new("psi", Values::Number(vec![1.0; 3].into())));
        assert!(TEN.leave_out([&mut changes]).unwrap().ends_with("2 in `segment_changes`"));
        assert_eq!(shown(&changes, "customers_then"), [Some(100), Some(60), None]);
        assert_eq!(shown(&changes, "customers_now"), [Some(95), Some(70), Some(30)]);
        for name in CHANGES {
            let found = shown(&changes, name);
            assert_eq!((found[0], found[1].is_some(), found[2]), (None, true, None), "{name}");
        }
        assert_eq!(shown(&changes, "psi"), [Some(1), Some(1), None]);
    }

    #[test]
    fn facts_of_small_groups_are_null() {
        let Value::Object(mut facts) = json!({
            "rfm": { "segments": { "champions": 50, "lost": 3, "new": 20 } },
            "abc": { "customers": { "a": { "n": 12, "value_share": 0.8 }, "b": { "n": 30, "value_share": 0.2 }, "c": { "n": 40 }, "n_unknown": 0 } },
            "lifetime_value": { "model": { "groups": [{ "label": "x", "n": 4, "parameters": { "r": 1.0 } }, { "label": "y", "n": 90, "parameters": {} }, { "label": "z", "n": 95 }] } },
            "segment_migration": { "moved": 2, "new": 15, "gone": 10, "psi": 0.5 },
        }) else {
            panic!("no object")
        };
        TEN.leave_out_of_facts(&mut facts);
        assert_eq!(facts["rfm"]["segments"], json!({ "champions": 50, "lost": null, "new": null }));
        assert_eq!(facts["abc"]["customers"]["a"]["n"], 12);
        let groups = &facts["lifetime_value"]["model"]["groups"];
        assert_eq!(groups[0], json!({ "label": "x", "n": null, "parameters": null }));
        assert_eq!((&groups[1]["n"], &groups[2]["n"]), (&Value::Null, &json!(95)));
        let expected = json!({ "moved": null, "new": null, "gone": null, "psi": 0.5 });
        assert_eq!(facts["segment_migration"], expected, "who moved is now less new, less who stayed");
    }

    #[test]
    fn counts_of_a_migration_cannot_be_subtracted_from_each_other() {
        let left_out = |[then, now, moved, new, gone]: [i64; 5]| -> [Option<i64>; 5] {
            let counts =
                json!({ "customers_then": then, "customers_now": now, "moved": moved, "new": new, "gone": gone });
            let Value::Object(mut facts) = json!({ "segment_migration": counts }) else { panic!("no object") };
            TEN.leave_out_of_facts(&mut facts);
            MIGRATION.map(|name| facts["segment_migration"][name].as_i64())
        };
        assert_eq!(left_out([100, 110, 20, 25, 15]), [100, 110, 20, 25, 15].map(Some));
        // 3 = 100 - 117 + 20.
        assert_eq!(left_out([100, 117, 20, 20, 3]), [Some(100), Some(117), Some(20), None, None]);
        assert_eq!(left_out([100, 100, 2, 20, 20]), [Some(100), Some(100), None, None, None]);
        // 4 = 60 - 36 - 20 stayed.
        assert_eq!(left_out([56, 60, 36, 20, 16]), [Some(56), Some(60), None, None, None]);
    }

    #[test]
    fn a_migration_without_moves_is_closed_by_all_of_now() {
        let mut ways =
            table("segment_migration", &[("from", &["a", "b", "c"]), ("to", &["a", "b", "c"])], &[4, 50, 60]);
        TEN.leave_out([&mut ways]).unwrap();
        assert_eq!(shown(&ways, "customers"), [None, None, Some(60)], "4 = 114 - 110");
        // All who moved are 23: one of two ways would be the rest.
        let (from, to) = (["a", "a", "b", "b", "c"], ["a", "b", "b", "c", "c"]);
        let mut ways = table("segment_migration", &[("from", &from), ("to", &to)], &[80, 3, 70, 20, 90]);
        TEN.leave_out([&mut ways]).unwrap();
        let found = shown(&ways, "customers");
        assert_eq!((found[1], found[3]), (None, None), "{found:?}");
        // Now less who moved are 84 who stayed and 5 who are new, then less who moved the same with 6 who are gone.
        let (from, to) = (["a", "b", "a", "b", "new", "a"], ["a", "b", "b", "a", "a", "gone"]);
        let mut ways = table("segment_migration", &[("from", &from), ("to", &to)], &[40, 44, 20, 25, 5, 6]);
        TEN.leave_out([&mut ways]).unwrap();
        let found = shown(&ways, "customers");
        assert_eq!((found[4], found[5]), (None, None), "{found:?}");
        assert!(found[0].is_none() || found[1].is_none(), "{found:?}");
    }
}
