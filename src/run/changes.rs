//! How the members of each segment have changed since the last run before this as-of, where segments overlap.
//!
//! | column            | meaning                                                                                     |
//! |-------------------|----------------------------------------------------------------------------------------------|
//! | `segment`         | of today in the order of the file, then those that are no more, by name                     |
//! | `customers_then`  | who was in it: `stayed + left`                                                               |
//! | `customers_now`   | who is in it: `stayed + entered`                                                             |
//! | `stayed`          | in it then and now                                                                          |
//! | `entered`, `left` | in it now or then alone; new customers enter, those who are gone leave                       |
//! | `psi`             | index of [`stability`](crate::maths::stability) over the shares in and out of it             |
//!
//! A customer of several segments counts in each. Who objects to profiling, or cannot be read tonight, counts in none. `O(customers × segments of each)`.

use super::migration::{Migration, reading};
use super::segments::Compared;
use crate::analysis::{Fact, SideTable};
use crate::maths::stability::contributions;
use crate::table::{Column, Nullable, Values};

/// What became of one segment.
struct Change {
    stayed: u64,
    entered: u64,
    left: u64,
    psi: f64,
}

/// Counts who stayed, entered and left. Returns nothing where nobody is left of then.
pub fn changes(compared: &Compared<'_>) -> Option<Migration> {
    let Compared { names, members, before, then, set_aside, .. } = *compared;
    let mut labels: Vec<&str> = names.iter().map(String::as_str).collect();
    labels.extend(then.segments.iter().filter(|name| !names.iter().any(|other| other == name)));
    // Rows of then by segment, and the row of today that each is.
    let mut members_then = vec![Vec::new(); then.segments.len()];
    for row in then.within.iter().filter(|row| !set_aside[row.customer as usize]) {
        members_then[row.segment as usize].push(row.customer);
    }
    let mut row_now = vec![None; then.customer_ids.len()];
    for (now, row) in before.iter().enumerate() {
        if let Some(row) = row {
            row_now[*row as usize] = Some(now);
        }
    }
    let n_then = set_aside.iter().filter(|is_aside| !**is_aside).count() as u64;
    let n_now = before.len() as u64;
    let n_known = before.iter().flatten().count() as u64;
    let mut has_moved = vec![false; before.len()];
    let mut was_in = vec![false; before.len()];
    let change = |(ix, name): (usize, &&str)| {
        let now: &[u32] = members.get(ix).map_or(&[], |of| &of.rows);
        let was: &[u32] = then.segments.position(name).map_or(&[], |code| &members_then[code as usize]);
        let known_then = || was.iter().filter_map(|row| row_now[*row as usize]);
        known_then().for_each(|row| was_in[row] = true);
        let mut stayed = 0;
        for row in now.iter().map(|row| *row as usize) {
            stayed += u64::from(was_in[row]);
            has_moved[row] |= !was_in[row];
            // Whoever is still marked after this has left.
            was_in[row] = false;
        }
        for row in known_then() {
            has_moved[row] |= std::mem::take(&mut was_in[row]);
        }
        let [n_was, n_is] = [was.len() as u64, now.len() as u64];
        let psi = contributions(&[n_was, n_then - n_was], &[n_is, n_now - n_is])?.iter().sum();
        Some(Change { stayed, entered: n_is - stayed, left: n_was - stayed, psi })
    };
    let changes: Vec<Change> = labels.iter().enumerate().map(change).collect::<Option<_>>()?;
    let (most, psi) = changes
        .iter()
        .enumerate()
        .fold((0, 0.0), |most, (ix, change)| if change.psi > most.1 { (ix, change.psi) } else { most });
    let n_moved = has_moved.iter().zip(before).filter(|(moved, before)| **moved && before.is_some()).count();
    let whole = |n: u64| Fact::Integer(n as i64);
    let facts = vec![
        ("previous_as_of", Fact::Text(then.as_of.to_string())),
        ("customers_then", whole(n_then)),
        ("customers_now", whole(n_now)),
        ("moved", whole(n_moved as u64)),
        ("new", whole(n_now - n_known)),
        ("gone", whole(n_then - n_known)),
        ("psi", Fact::Number(psi)),
        ("psi_segment", Fact::Text(labels.get(most).copied().unwrap_or_default().to_owned())),
        ("reading", Fact::Text(reading(psi).to_owned())),
    ];
    let counts = |of: fn(&Change) -> u64| {
        Values::Integer(changes.iter().map(|change| Some(of(change) as i64)).collect::<Nullable<i64>>())
    };
    let columns = vec![
        Column::new("segment", Values::from_texts(labels.iter().map(|label| Some(*label)))),
        Column::new("customers_then", counts(|of| of.stayed + of.left)),
        Column::new("customers_now", counts(|of| of.stayed + of.entered)),
        Column::new("stayed", counts(|of| of.stayed)),
        Column::new("entered", counts(|of| of.entered)),
        Column::new("left", counts(|of| of.left)),
        Column::new("psi", Values::Number(changes.iter().map(|change| Some(change.psi)).collect())),
    ];
    Some(Migration { table: SideTable { name: "segment_changes", columns }, facts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Members, first_of};
    use crate::table::{Ids, InSegment, Memberships};
    use crate::units::{Day, NONE_IX};

    #[test]
    fn every_segment_of_a_customer_counts() {
        // Then: a held 1 and 2, b held 1, 2 and 9, old held 8; 9 is gone, and the row of 8 cannot be read.
        let within = [(0, 0), (0, 1), (1, 0), (1, 1), (3, 2), (4, 1)];
        let then = Memberships {
            as_of: Day(3),
            customer_ids: Ids::from_sorted(["1", "2", "3", "8", "9"]),
            segments: Ids::from_sorted(["a", "b", "old"]),
            first: vec![0, 0, NONE_IX, 2, 1],
            first_since: vec![Some(Day(3)); 5],
            within: within.map(|(customer, segment)| InSegment { customer, segment, since: Day(3) }).to_vec(),
        };
        // Now 1, 2, 3 and the new 4: nobody is left in b, though everybody's first segment is as it was.
        let members = [vec![0, 1, 3], vec![]].map(|rows| Members { n_matching: rows.len(), rows, last_kept: None });
        let names = ["a".to_owned(), "b".to_owned()];
        let compared = Compared {
            names: &names,
            first: &first_of(&members, 4),
            members: &members,
            before: &[Some(0), Some(1), Some(2), None],
            then: &then,
            set_aside: &[false, false, false, true, false],
        };
        let found = changes(&compared).unwrap();
        let column = |name: &str| {
            let column = found.table.columns.iter().find(|column| column.name == name).unwrap();
            let Values::Integer(cells) = &column.values else { panic!("no counts") };
            cells.iter().flatten().collect::<Vec<i64>>()
        };
        assert_eq!(column("customers_then"), [2, 3, 0]);
        assert_eq!(column("customers_now"), [3, 0, 0]);
        assert_eq!([column("stayed"), column("entered"), column("left")], [[2, 0, 0], [1, 0, 0], [0, 3, 0]]);
        let fact = |name: &str| found.facts.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        let counts = ["customers_then", "customers_now", "moved", "new", "gone"].map(fact);
        assert_eq!(counts, [4, 4, 2, 1, 1].map(Fact::Integer));
        assert_eq!(
            (fact("psi_segment"), fact("reading")),
            (Fact::Text("b".to_owned()), Fact::Text("shifted".to_owned()))
        );
        // In and out of b: 3 of 4 then, none of 4 now, half a customer more each of 5.
        let exact: f64 = [(3.5_f64, 0.5_f64), (1.5, 4.5)].map(|(p, q)| (q - p) / 5.0 * (q / p).ln()).iter().sum();
        let Fact::Number(psi) = fact("psi") else { panic!("no number") };
        assert!((psi - exact).abs() < 1e-12, "{psi} {exact}");
    }
}
