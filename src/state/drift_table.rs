//! The table `model_drift`: one line a parameter, threshold, score and class of a score.
//!
//! | column       | unit                                                                                       |
//! |--------------|--------------------------------------------------------------------------------------------|
//! | `what`       | a model, thresholds, or a score                                                            |
//! | `part`       | parameter, threshold or class                                                              |
//! | `stored`     | as stored: parameters in weeks and major units, shares `0..=1`, log-likelihood a customer  |
//! | `now`        | by a refit, or in today's base                                                             |
//! | `difference` | `now − stored`                                                                             |
//! | `psi`        | population stability index of a score, and what each of its classes adds                   |
//! | `p_value`    | of the likelihood ratio, where the stored parameters are those of the base                 |
//! | `verdict`    | what to make of it                                                                         |

use super::drift::NAME;
use crate::analysis::SideTable;
use crate::table::{Column, Values};

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub what: String,
    pub part: String,
    pub stored: Option<f64>,
    pub now: Option<f64>,
    pub psi: Option<f64>,
    pub p_value: Option<f64>,
    pub verdict: Option<&'static str>,
}

impl Row {
    /// Starts a line without figures.
    pub fn about(what: &str, part: &str) -> Self {
        let (what, part) = (what.to_owned(), part.to_owned());
        Self { what, part, stored: None, now: None, psi: None, p_value: None, verdict: None }
    }

    /// Starts a line with a figure then and now.
    pub fn beside(what: &str, part: &str, stored: f64, now: f64) -> Self {
        Self { stored: Some(stored), now: Some(now), ..Self::about(what, part) }
    }
}

/// Lays the lines out in columns.
pub fn table(rows: &[Row]) -> SideTable {
    let numbers = |of: fn(&Row) -> Option<f64>| Values::Number(rows.iter().map(of).collect());
    let texts = |of: fn(&Row) -> Option<&str>| Values::from_texts(rows.iter().map(of));
    let columns = vec![
        Column::new("what", texts(|row| Some(&row.what))),
        Column::new("part", texts(|row| Some(&row.part))),
        Column::new("stored", numbers(|row| row.stored)),
        Column::new("now", numbers(|row| row.now)),
        Column::new("difference", numbers(|row| Some(row.now? - row.stored?))),
        Column::new("psi", numbers(|row| row.psi)),
        Column::new("p_value", numbers(|row| row.p_value)),
        Column::new("verdict", texts(|row| row.verdict)),
    ];
    SideTable { name: NAME, columns }
}
