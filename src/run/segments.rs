//! Segments of a run: their members, the columns that tell of them, and what has changed since the last run before this as-of.
//!
//! | column             | meaning                                                                                         |
//! |--------------------|--------------------------------------------------------------------------------------------------|
//! | `segment`          | first segment of the file that holds the customer; null where none does                          |
//! | `segment_previous` | the same of the last run before this as-of; null without one, or where the customer was not in it |
//! | `segment_since`    | as-of of the first run of those in a row that found `segment`; the first run of all counts so     |
//!
//! Every run leaves `memberships`: its own, and those that it compares with ([`nights`](super::nights)). A customer whose row cannot be read tonight keeps
//! the segments of then; who objects to profiling meanwhile is dropped.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::asked::Asked;
use super::changes::changes;
use super::error::RunError;
use super::job::Job;
use super::migration::{Migration, migration};
use super::nights::Before;
use crate::analysis::SideTable;
use crate::features::Dataset;
use crate::scores::CUSTOMER_ID;
use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::segment::{MEMBERSHIP_COLUMNS, Members, Membership, Segment, first_of, members};
use crate::table::{Column, Customers, Ids, InSegment, Memberships, Values};
use crate::units::{Day, NONE_IX};

/// Members of the segments, and what tells of them.
#[derive(Default)]
pub struct Chosen {
    /// Of each segment, in the order of the file.
    pub members: Vec<Members>,
    /// Columns that the scores get; none without segments.
    pub columns: Vec<Column>,
    /// What later runs compare with; nothing without segments.
    pub own: Option<Memberships>,
    /// Nothing where no run came before.
    pub migration: Option<Migration>,
    pub notes: Vec<String>,
}

/// What is compared: the segments of every customer now, and who they were then.
pub struct Compared<'a> {
    /// Names of the segments of today, in the order of the file.
    pub names: &'a [String],
    /// First segment of each customer.
    pub first: &'a [Option<u32>],
    pub members: &'a [Members],
    /// Row of each customer in `then`.
    pub before: &'a [Option<u32>],
    pub then: &'a Memberships,
    /// Customers of then of whom nothing can be said tonight.
    pub set_aside: &'a [bool],
}

/// Chooses the members of every segment and compares them with those of an earlier run.
///
/// # Errors
/// Fails where a condition does not fit the scores, which checking the pipeline rules out.
pub fn choose(
    job: &Job,
    scores: &Frame<'_>,
    data: &Dataset,
    customers: Option<&Customers>,
    asked: &Asked,
    earlier: Option<&Before>,
) -> Result<Chosen, RunError> {
    if job.segments.is_empty() {
        return Ok(Chosen::default());
    }
    let joined = asked.by_customer(customers, &data.customer_ids);
    let mut asked = scores.columns().to_vec();
    asked.extend(joined.iter().map(|of| FrameColumn::new(&of.name, Cells::Values(Cow::Borrowed(&of.values)))));
    let assignment = job.settings.segment_rules.membership;
    let members = members(&Frame::of(asked), &job.segments, assignment, data.as_of)?;
    let names: Vec<String> = job.segments.iter().map(|segment| segment.name.clone()).collect();
    let first = first_of(&members, data.n_customers());
    let nobody = Memberships::default();
    let then = earlier.map_or(&nobody, |earlier| &earlier.memberships);
    let before: Vec<Option<u32>> = data.customer_ids.iter().map(|id| then.customer_ids.position(id)).collect();
    let unreadable: BTreeSet<&str> =
        customers.into_iter().flat_map(|all| all.unreadable.iter().map(String::as_str)).collect();
    let mut is_here = vec![false; then.customer_ids.len()];
    before.iter().flatten().for_each(|row| is_here[*row as usize] = true);
    let set_aside: Vec<bool> =
        is_here.iter().zip(then.customer_ids.iter()).map(|(is_here, id)| !is_here && unreadable.contains(id)).collect();
    let compared =
        Compared { names: &names, first: &first, members: &members, before: &before, then, set_aside: &set_aside };
    let own = own(&compared, &data.customer_ids, data.as_of);
    let since: Vec<Option<Day>> =
        data.customer_ids.iter().map(|id| own.first_since[own.customer_ids.position(id)? as usize]).collect();
    let columns = columns(&compared, &since);
    let mut notes = Vec::new();
    let mut migration = earlier.and_then(|_| match assignment {
        Membership::FirstMatch => migration(&compared),
        Membership::Overlapping => changes(&compared),
    });
    if let (Some(found), Some(earlier)) = (&mut migration, earlier)
        && let Some(difference) = earlier.difference(&job.segments, assignment)
    {
        found.not_comparable();
        notes.push(format!(
            "the segments are not those of the run of {} that they are compared with: {difference}; who moved may have been moved by that",
            then.as_of
        ));
    }
    notes.extend(few(job, &members));
    Ok(Chosen { members, columns, own: Some(own), migration, notes })
}

/// Tells of segments without customers; where small groups are not counted, of all that are small.
fn few<'a>(job: &'a Job, members: &'a [Members]) -> impl Iterator<Item = String> + 'a {
    let rules = job.settings.segment_rules;
    let note = move |(segment, members): (&Segment, &Members)| match rules.min_size {
        Some(least) => (members.rows.len() < least as usize)
            .then(|| format!("segment `{}` has fewer than {least} customers", segment.name)),
        None if !members.rows.is_empty() => None,
        None => {
            let left = if rules.membership == Membership::FirstMatch { " whom an earlier segment left" } else { "" };
            Some(format!("segment `{}` has no customers: its condition holds for nobody{left}", segment.name))
        }
    };
    job.segments.iter().zip(members).filter_map(note)
}

/// Puts down who is in which segment now and since when, with those of whom nothing can be said tonight as they were.
fn own(compared: &Compared<'_>, ids: &Ids, as_of: Day) -> Memberships {
    let Compared { names, first, members, before, then, set_aside } = compared;
    let mut of_customer: Vec<(u32, u32)> =
        (0..).zip(*members).flat_map(|(ix, members)| members.rows.iter().map(move |row| (*row, ix))).collect();
    of_customer.sort_unstable();
    let kept = (0_u32..).zip(set_aside.iter()).filter(|(_, is_kept)| **is_kept).map(|(row, _)| row);
    // Customers of tonight by their row, others by that of then.
    let mut all: Vec<(&str, Result<u32, u32>)> = (0..).zip(ids.iter()).map(|(row, id)| (id, Ok(row))).collect();
    all.extend(kept.map(|row| (then.customer_ids.get(row), Err(row))));
    all.sort_unstable_by_key(|(id, _)| *id);
    let mut labels: Vec<&str> = names.iter().map(String::as_str).chain(then.segments.iter()).collect();
    labels.sort_unstable();
    labels.dedup();
    let segments = Ids::from_sorted(labels);
    let code = |name: &str| segments.position(name).unwrap_or(NONE_IX);
    let mut found = Memberships { as_of, ..Memberships::default() };
    let mut at = 0;
    for (ix, (_, row)) in (0..).zip(&all) {
        let start = found.within.len();
        match *row {
            Ok(row) => {
                let earlier = before[row as usize];
                let name = first[row as usize].map(|ix| names[ix as usize].as_str());
                let carried = earlier.filter(|row| name.is_some() && then.first(*row) == name);
                let since = carried.and_then(|row| then.first_since[row as usize]).unwrap_or(as_of);
                found.first.push(name.map_or(NONE_IX, code));
                found.first_since.push(name.map(|_| since));
                while let Some((_, segment)) = of_customer.get(at).filter(|(of, _)| *of == row) {
                    let name = &names[*segment as usize];
                    let since = earlier.and_then(|row| then.since(row, name)).unwrap_or(as_of);
                    found.within.push(InSegment { customer: ix, segment: code(name), since });
                    at += 1;
                }
            }
            Err(row) => {
                found.first.push(then.first(row).map_or(NONE_IX, code));
                found.first_since.push(then.first_since[row as usize]);
                let rows = then.of(row).iter();
                let of_then = |of: &InSegment| InSegment {
                    customer: ix,
                    segment: code(then.segments.get(of.segment)),
                    since: of.since,
                };
                found.within.extend(rows.map(of_then));
            }
        }
        found.within[start..].sort_unstable();
    }
    found.customer_ids = Ids::from_sorted(all.iter().map(|(id, _)| *id));
    found.segments = segments;
    found
}

fn columns(compared: &Compared<'_>, since: &[Option<Day>]) -> Vec<Column> {
    let Compared { names, first, before, then, .. } = compared;
    let [segment, previous, since_name] = MEMBERSHIP_COLUMNS;
    let labels = |ids: &Ids| -> Arc<[String]> { ids.iter().map(str::to_owned).collect() };
    let now = first.iter().map(|code| code.unwrap_or(NONE_IX)).collect();
    let earlier = before.iter().map(|row| row.map_or(NONE_IX, |row| then.first[row as usize])).collect();
    vec![
        Column::new(segment, Values::Text { codes: now, labels: names.iter().cloned().collect() }),
        Column::new(previous, Values::Text { codes: earlier, labels: labels(&then.segments) }),
        Column::new(since_name, Values::Date(since.iter().map(|day| day.map(|day| day.0)).collect())),
    ]
}

/// Writes nights down, one row a customer and segment, or one of a customer in none.
pub fn table(nights: &[&Memberships]) -> Option<SideTable> {
    let mut labels: Vec<&str> = nights.iter().flat_map(|night| night.customer_ids.iter()).collect();
    // Ascending runs: the stable sort merges them.
    labels.sort();
    labels.dedup();
    let (mut codes, mut days, mut segments) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sinces, mut first_sinces) = (Vec::new(), Vec::new());
    for night in nights {
        let mut at = 0;
        for (ix, id) in (0..).zip(night.customer_ids.iter()) {
            while labels[at] < id {
                at += 1;
            }
            let of = night.of(ix);
            let none = of.is_empty().then_some((None, None, None));
            let (first, first_since) = (night.first[ix as usize], night.first_since[ix as usize]);
            let some = of.iter().map(|row| {
                let since_first = first_since.filter(|_| row.segment == first);
                (Some(night.segments.get(row.segment)), Some(row.since.0), since_first.map(|day| day.0))
            });
            for (segment, since, first_since) in none.into_iter().chain(some) {
                codes.push(at as u32);
                days.push(Some(night.as_of.0));
                segments.push(segment);
                sinces.push(since);
                first_sinces.push(first_since);
            }
        }
    }
    let columns = vec![
        Column::new(CUSTOMER_ID, Values::Text { codes, labels: labels.into_iter().map(str::to_owned).collect() }),
        Column::new("as_of", Values::Date(days.into_iter().collect())),
        Column::new("segment", Values::from_texts(segments.into_iter())),
        Column::new("since", Values::Date(sinces.into_iter().collect())),
        Column::new("first_since", Values::Date(first_sinces.into_iter().collect())),
    ];
    (!nights.is_empty()).then_some(SideTable { name: "memberships", columns })
}
