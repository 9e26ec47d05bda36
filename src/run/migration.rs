//! Who went from which segment to which since the last run before this as-of, and how far the segments have moved: `first-match` alone, where a customer
//! is in one segment at most. [`changes`](super::changes) tells of segments that overlap.
//!
//! | column         | meaning                                       |
//! |----------------|------------------------------------------------|
//! | `from`, `to`   | segment then and now                          |
//! | `customers`    | who went that way                             |
//! | `share`        | of all who were in `from`                     |
//!
//! A customer without a segment is in `none`, one who was not known before comes from `new`, and one who is not among the scores any more went
//! to `gone`; who objects to profiling is in none of these. The index is that of [`stability`](crate::maths::stability) over the shares of the
//! segments and of `none`, then and now.

use super::segments::Compared;
use crate::analysis::{Fact, SideTable};
use crate::maths::stability::contributions;
use crate::table::{Column, Nullable, Values};
use crate::units::NONE_IX;

/// Below the first the shares are stable, above the second they have shifted: Siddiqi, "Credit Risk Scorecards", 2006.
const READINGS: [f64; 2] = [0.1, 0.25];

/// Where customers come from who were not known.
pub const NEW: &str = "new";
/// Where customers went who are not among the scores any more.
pub const GONE: &str = "gone";

/// Reading of an index over segments that are not those of then.
pub const NOT_COMPARABLE: &str = "not comparable";

/// What has changed between two runs.
pub struct Migration {
    pub table: SideTable,
    /// For the manifest.
    pub facts: Vec<(&'static str, Fact)>,
}

impl Migration {
    /// Says that the segments of then were other ones.
    pub fn not_comparable(&mut self) {
        for (_, fact) in self.facts.iter_mut().filter(|(name, _)| *name == "reading") {
            *fact = Fact::Text(NOT_COMPARABLE.to_owned());
        }
    }
}

/// Counts the ways of customers. Returns nothing where nobody is left of then.
pub fn migration(compared: &Compared<'_>) -> Option<Migration> {
    let Compared { names, first: now, before, then: earlier, set_aside, .. } = *compared;
    // Segments of today in the order of the file, those that are no more by name, then who is in none.
    let mut labels: Vec<&str> = names.iter().map(String::as_str).collect();
    labels.extend(earlier.segments.iter().filter(|name| !names.iter().any(|other| other == name)));
    let classes = labels.len() + 1;
    let [none, outside] = [labels.len(), classes];
    let then: Vec<usize> = earlier.segments.iter().filter_map(|name| labels.iter().position(|l| *l == name)).collect();
    let class_then = |row: u32| match earlier.first[row as usize] {
        NONE_IX => none,
        code => then[code as usize],
    };
    let mut counts = vec![vec![0_u64; classes + 1]; classes + 1];
    let mut is_here = vec![false; earlier.customer_ids.len()];
    for (now, before) in now.iter().zip(before) {
        let from = before.map_or(outside, |row| {
            is_here[row as usize] = true;
            class_then(row)
        });
        counts[from][now.map_or(none, |ix| ix as usize)] += 1;
    }
    for row in (0..is_here.len()).filter(|row| !is_here[*row] && !set_aside[*row]) {
        counts[class_then(row as u32)][outside] += 1;
    }
    let was: Vec<u64> = counts[..classes].iter().map(|to| to.iter().sum()).collect();
    let is: Vec<u64> = (0..classes).map(|to| counts.iter().map(|from| from[to]).sum()).collect();
    let index: f64 = contributions(&was, &is)?.iter().sum();
    let stayed: u64 = (0..classes).map(|class| counts[class][class]).sum();
    let known: u64 = counts[..classes].iter().map(|to| to[..classes].iter().sum::<u64>()).sum();
    let sum = |of: &[u64]| Fact::Integer(of.iter().sum::<u64>() as i64);
    let facts = vec![
        ("previous_as_of", Fact::Text(earlier.as_of.to_string())),
        ("customers_then", sum(&was)),
        ("customers_now", sum(&is)),
        ("moved", Fact::Integer((known - stayed) as i64)),
        ("new", sum(&counts[outside])),
        ("gone", Fact::Integer((was.iter().sum::<u64>() - known) as i64)),
        ("psi", Fact::Number(index)),
        ("reading", Fact::Text(reading(index).to_owned())),
    ];
    let name = |class: usize, outside: &'static str| match labels.get(class) {
        Some(label) => (*label).to_owned(),
        None if class == none => "none".to_owned(),
        None => outside.to_owned(),
    };
    let ways = || (0..=classes).flat_map(|from| (0..=classes).map(move |to| (from, to)));
    let ways: Vec<(usize, usize)> = ways().filter(|(from, to)| counts[*from][*to] > 0).collect();
    let from: Vec<String> = ways.iter().map(|(from, _)| name(*from, NEW)).collect();
    let to: Vec<String> = ways.iter().map(|(_, to)| name(*to, GONE)).collect();
    let customers: Nullable<i64> = ways.iter().map(|(from, to)| Some(counts[*from][*to] as i64)).collect();
    let share = |(from, to): &(usize, usize)| counts[*from][*to] as f64 / counts[*from].iter().sum::<u64>() as f64;
    let shares: Nullable<f64> = ways.iter().map(|way| Some(share(way))).collect();
    let columns = vec![
        Column::new("from", Values::from_texts(from.iter().map(|name| Some(name.as_str())))),
        Column::new("to", Values::from_texts(to.iter().map(|name| Some(name.as_str())))),
        Column::new("customers", Values::Integer(customers)),
        Column::new("share", Values::Number(shares)),
    ];
    Some(Migration { table: SideTable { name: "segment_migration", columns }, facts })
}

/// Puts an index into a word.
pub fn reading(index: f64) -> &'static str {
    match READINGS {
        [stable, _] if index < stable => "stable",
        [_, shifted] if index <= shifted => "moving",
        _ => "shifted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Ids, Memberships};
    use crate::units::Day;

    #[test]
    fn ways_are_counted_and_shares_are_of_those_who_started_there() {
        let earlier = Memberships {
            as_of: Day(20_000),
            customer_ids: Ids::from_sorted(["1", "2", "3", "4", "6", "7"]),
            segments: Ids::from_sorted(["lost", "old", "vip"]),
            first: vec![2, 2, 1, NONE_IX, 2, 0],
            first_since: vec![Some(Day(1)); 6],
            within: vec![],
        };
        // Customer 5 is new, 6 is gone, and the row of 7 cannot be read.
        let names = ["vip".to_owned(), "rest".to_owned()];
        let now = [Some(0), Some(1), Some(1), None, Some(0)];
        let before = [Some(0), Some(1), Some(2), Some(3), None];
        let set_aside = [false, false, false, false, false, true];
        let compared = Compared {
            names: &names,
            first: &now,
            members: &[],
            before: &before,
            then: &earlier,
            set_aside: &set_aside,
        };
        let mut found = migration(&compared).unwrap();
        let frame = crate::scores::frame::Frame::new(&found.table.columns);
        let texts = |name: &str| -> Vec<String> { frame.texts(name).unwrap().flatten().map(str::to_owned).collect() };
        let ways: Vec<String> =
            texts("from").iter().zip(texts("to")).map(|(from, to)| format!("{from}>{to}")).collect();
        assert_eq!(ways, ["vip>vip", "vip>rest", "vip>gone", "old>rest", "none>none", "new>vip"]);
        let third = Some(1.0 / 3.0);
        assert_eq!(found.table.columns[2].values, Values::Integer(vec![1; 6].into()));
        let shares = [third, third, third, Some(1.0), Some(1.0), Some(1.0)];
        assert_eq!(found.table.columns[3].values, Values::Number(shares.into_iter().collect()));
        let fact = |name: &str| found.facts.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        assert_eq!([fact("moved"), fact("new"), fact("gone")], [2, 1, 1].map(Fact::Integer));
        // vip, rest, lost, old, none: 3 0 0 1 1 then, 2 2 0 0 1 now, half a customer more each of 7.5.
        let exact: f64 =
            [(3.5_f64, 2.5_f64), (0.5, 2.5), (1.5, 0.5)].map(|(p, q)| (q - p) / 7.5 * (q / p).ln()).iter().sum();
        let Fact::Number(psi) = fact("psi") else { panic!("no number") };
        assert!((psi - exact).abs() < 1e-12, "{psi} {exact}");
        assert_eq!(fact("reading"), Fact::Text("shifted".to_owned()));
        found.not_comparable();
        assert!(found.facts.contains(&("reading", Fact::Text("not comparable".to_owned()))));
    }

    #[test]
    fn the_index_is_read_as_the_field_does() {
        assert_eq!([0.0, 0.099, 0.1, 0.25, 0.26].map(reading), ["stable", "stable", "moving", "moving", "shifted"]);
    }

    #[test]
    fn nobody_then_is_no_comparison() {
        let then = crate::table::Memberships::default();
        let compared =
            Compared { names: &[], first: &[None], members: &[], before: &[None], then: &then, set_aside: &[] };
        assert!(migration(&compared).is_none());
    }
}
