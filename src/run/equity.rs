//! Customer equity by class and segment: the value of all customers, of each class, and of each segment of the pipeline, with its interval.
//!
//! | column                | meaning                                                                             |
//! |-----------------------|--------------------------------------------------------------------------------------|
//! | `by`, `class`         | `all`, or a column with its class, or `segment` with its name                         |
//! | `customers`           | customers who have a value                                                           |
//! | `clv`                 | sum of their lifetime values                                                         |
//! | `clv_low`, `clv_high` | interval of 80% of the sum, not the sums of the intervals; none without a variance   |
//! | `share`               | of the value of all; none where that is not positive                                 |
//!
//! Segments may overlap, and need not add up to all.

use std::collections::BTreeMap;

use crate::analysis::lifetime_value::equity::{Equity, Sum};
use crate::analysis::{Findings, SideTable};
use crate::scores::frame::Frame;
use crate::segment::Segment;
use crate::table::{Column, Nullable, Values};
use crate::units::Money;

/// Columns of classes by which equity is told, where the run has them.
const CLASSES: [&str; 2] = ["abc_class", "rfm_segment"];

/// Makes the table, where lifetime values have been computed.
pub fn table(
    scores: &Frame<'_>,
    segments: &[(Segment, Frame<'_>)],
    findings: &[(&'static str, Findings)],
) -> Option<SideTable> {
    let valued =
        findings.iter().find_map(|(_, found)| found.valuation.as_ref()).filter(|of| of.model.spend.is_some())?;
    let mut rows: Vec<(&str, String, Sum)> = vec![("all", String::new(), valued.equity.total())];
    for by in CLASSES {
        let classes = of_classes(scores, by, &valued.equity);
        rows.extend(classes.into_iter().map(|(class, sum)| (by, class, sum)));
    }
    for (segment, members) in segments {
        let members =
            members.columns().first().into_iter().flat_map(|ids| (0..members.height()).map(|row| ids.position(row)));
        rows.push(("segment", segment.name.clone(), valued.equity.sum(members)));
    }
    let total = rows[0].2.value;
    let money = |of: &dyn Fn(&Sum) -> Option<f64>| {
        Values::Money(rows.iter().map(|(_, _, sum)| of(sum).map(|major| Money::from_major(major).0)).collect())
    };
    let class = |class: &str| (!class.is_empty()).then(|| class.to_owned());
    let classes: Vec<Option<String>> = rows.iter().map(|(_, name, _)| class(name)).collect();
    let customers: Nullable<i64> = rows.iter().map(|(_, _, sum)| Some(sum.n_customers as i64)).collect();
    let share: Nullable<f64> = rows.iter().map(|(_, _, sum)| (total > 0.0).then_some(sum.value / total)).collect();
    Some(SideTable {
        name: "clv_equity",
        columns: vec![
            Column::new("by", Values::from_texts(rows.iter().map(|(by, _, _)| Some(*by)))),
            Column::new("class", Values::from_texts(classes.iter().map(Option::as_deref))),
            Column::new("customers", Values::Integer(customers)),
            Column::new("clv", money(&|sum| Some(sum.value))),
            Column::new("clv_low", money(&|sum| sum.interval.map(|ends| ends[0]))),
            Column::new("clv_high", money(&|sum| sum.interval.map(|ends| ends[1]))),
            Column::new("share", Values::Number(share)),
        ],
    })
}

/// Sums by the classes of a column, in the order of their names.
fn of_classes(scores: &Frame<'_>, by: &str, equity: &Equity) -> BTreeMap<String, Sum> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let Ok(classes) = scores.texts(by) else { return BTreeMap::new() };
    for (ix, class) in classes.enumerate() {
        if let Some(class) = class {
            members.entry(class).or_default().push(ix);
        }
    }
    members.into_iter().map(|(class, members)| (class.to_owned(), equity.sum(members.into_iter()))).collect()
}
