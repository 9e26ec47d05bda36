//! Groups too small to be published: in tables that count customers by group, the figures of a group below the least size are empty.
//!
//! | table               | left empty                                                                              |
//! |---------------------|------------------------------------------------------------------------------------------|
//! | `clv_equity`        | count, values and share of the group                                                     |
//! | `segment_migration` | count of the way, and the shares of all ways from there, from which it could be computed  |
//!
//! k-anonymity of single figures (Sweeney, "k-anonymity", 2002), primary suppression: who knows a total and all other parts from elsewhere can
//! still subtract.

use std::collections::BTreeSet;

use crate::analysis::SideTable;
use crate::table::{Nullable, Values};

/// Column that counts customers.
const COUNT: &str = "customers";
/// Figures of a group that are about its customers.
const FIGURES: [&str; 4] = ["clv", "clv_low", "clv_high", "share"];

/// Empties the figures of groups of fewer customers than `min_size`; returns a note where there are any.
pub fn leave_out(tables: &mut [SideTable], min_size: u32) -> Option<String> {
    let mut told = Vec::new();
    for table in tables {
        let Some(Values::Integer(counts)) = table.columns.iter().find(|of| of.name == COUNT).map(|of| &of.values)
        else {
            continue;
        };
        let small: Vec<bool> = counts.iter().map(|n| n.is_some_and(|n| n < i64::from(min_size))).collect();
        let n_small = small.iter().filter(|small| **small).count();
        if n_small == 0 {
            continue;
        }
        told.push(format!("{n_small} in `{}`", table.name));
        let of_same_start = with_start(table, &small);
        for column in &mut table.columns {
            if column.name == "share" {
                empty(&mut column.values, of_same_start.as_ref().unwrap_or(&small));
            } else if column.name == COUNT || FIGURES.contains(&column.name.as_str()) {
                empty(&mut column.values, &small);
            }
        }
    }
    (!told.is_empty()).then(|| {
        format!(
            "groups of fewer than {min_size} customers (`segments.min-size`) are left without figures: {}",
            told.join(", ")
        )
    })
}

/// Marks all rows that start where a marked one does; nothing where rows have no start.
fn with_start(table: &SideTable, marked: &[bool]) -> Option<Vec<bool>> {
    let start = table.columns.iter().find(|column| column.name == "from")?;
    let Values::Text { codes, .. } = &start.values else { return None };
    let starts: BTreeSet<u32> =
        codes.iter().zip(marked).filter(|(_, marked)| **marked).map(|(code, _)| *code).collect();
    Some(codes.iter().map(|code| starts.contains(code)).collect())
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
    use super::*;
    use crate::table::Column;

    fn integers(cells: &[Option<i64>]) -> Values {
        Values::Integer(cells.iter().copied().collect())
    }

    fn shares(cells: &[Option<f64>]) -> Values {
        Values::Number(cells.iter().copied().collect())
    }

    #[test]
    fn small_groups_lose_their_figures_and_large_ones_keep_them() {
        let equity = SideTable {
            name: "clv_equity",
            columns: vec![
                Column::new("class", Values::from_texts([Some("A"), Some("B"), Some("C")])),
                Column::new("customers", integers(&[Some(10), Some(9), Some(0)])),
                Column::new("clv", Values::Money(vec![500, 400, 0].into())),
                Column::new("share", shares(&[Some(0.5), Some(0.4), None])),
            ],
        };
        let ways = [("a", "a"), ("a", "b"), ("b", "b")];
        let migration = SideTable {
            name: "segment_migration",
            columns: vec![
                Column::new("from", Values::from_texts(ways.map(|(from, _)| Some(from)))),
                Column::new("to", Values::from_texts(ways.map(|(_, to)| Some(to)))),
                Column::new("customers", integers(&[Some(98), Some(2), Some(50)])),
                Column::new("share", shares(&[Some(0.98), Some(0.02), Some(1.0)])),
            ],
        };
        let mut tables = [equity, migration];
        let note = leave_out(&mut tables, 10).unwrap();
        assert_eq!(
            note,
            "groups of fewer than 10 customers (`segments.min-size`) are left without figures: 2 in `clv_equity`, 1 in `segment_migration`"
        );
        let values = |table: usize, column: usize| tables[table].columns[column].values.clone();
        assert_eq!(values(0, 1), integers(&[Some(10), None, None]));
        assert_eq!(values(0, 2), Values::Money([Some(500), None, None].into_iter().collect()));
        assert_eq!(values(0, 3), shares(&[Some(0.5), None, None]));
        assert_eq!(values(1, 2), integers(&[Some(98), None, Some(50)]));
        assert_eq!(values(1, 3), shares(&[None, None, Some(1.0)]), "98 of 0.98 would tell the other two");
        assert_eq!(leave_out(&mut tables, 10), None, "what is empty is not small");
    }
}
