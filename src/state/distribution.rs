//! How the scores of a run are spread: counts by class, to compare those of a later run with.
//!
//! A score with labels or whole numbers is counted by those; a real number or money by the deciles of the run, type-7 quantiles at 0.1 … 0.9 with
//! equal ones merged, each class closed above. Customers without the score are not counted. `O(n log n)` for the deciles,
//! `O(n)` for the counts.
//!
//! | name     | shape         | unit                                     |
//! |----------|---------------|------------------------------------------|
//! | edges    | up to 9       | that of the column, minor units of money |
//! | counts   | edges + 1, or labels | customers                         |

use rayon::prelude::*;

use crate::maths::quantile::quantile;
use crate::table::{Column, Values};
use crate::units::NONE_IX;

/// Columns whose spread is kept and compared.
pub const COLUMNS: [&str; 8] =
    ["abc_class", "rfm_r", "rfm_f", "rfm_m", "clv_p_alive", "clv_expected_orders", "clv", "churn_risk"];

/// Whole numbers that a column of scores holds.
const SCORES: [i64; 5] = [1, 2, 3, 4, 5];

/// What is counted apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Classes {
    /// Ascending upper ends of all classes but the last, which has none.
    Edges(Vec<f64>),
    Labels(Vec<String>),
}

impl Classes {
    /// Returns the number of classes.
    pub fn len(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len() + 1,
            Self::Labels(labels) => labels.len(),
        }
    }

    /// Says whether there is no class.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Counts of the customers with a score, by class.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// One of [`COLUMNS`].
    pub column: &'static str,
    pub classes: Classes,
    pub counts: Vec<u64>,
}

impl Distribution {
    /// Counts a column by its own classes; nothing where it is not one of [`COLUMNS`] or nobody has the score.
    pub fn of(column: &Column) -> Option<Self> {
        let name = COLUMNS.into_iter().find(|name| *name == column.name)?;
        let classes = match &column.values {
            Values::Text { labels, .. } => Classes::Labels(labels.to_vec()),
            Values::Integer(_) => Classes::Labels(SCORES.map(|score| score.to_string()).to_vec()),
            values => Classes::Edges(deciles(numbers(values))),
        };
        let mut counted = Self { column: name, classes, counts: vec![] };
        counted.counts = counted.count(column);
        counted.counts.iter().any(|n| *n > 0).then_some(counted)
    }

    /// Counts another column by these classes; a label that is not among them is not counted.
    pub fn count(&self, column: &Column) -> Vec<u64> {
        let mut counts = vec![0; self.classes.len()];
        match (&self.classes, &column.values) {
            (Classes::Labels(known), Values::Text { codes, labels }) => {
                let class: Vec<Option<usize>> =
                    labels.iter().map(|label| known.iter().position(|one| one == label)).collect();
                for code in codes.iter().filter(|code| **code != NONE_IX) {
                    class[*code as usize].into_iter().for_each(|class| counts[class] += 1);
                }
            }
            (Classes::Labels(known), Values::Integer(scores)) => {
                let known: Vec<Option<i64>> = known.iter().map(|label| label.parse().ok()).collect();
                for score in scores.iter().flatten() {
                    let class = known.iter().position(|one| *one == Some(score));
                    class.into_iter().for_each(|class| counts[class] += 1);
                }
            }
            (Classes::Edges(edges), values) => {
                numbers(values).into_iter().for_each(|value| counts[edges.partition_point(|edge| *edge < value)] += 1);
            }
            _ => {}
        }
        counts
    }

    /// Names each class for a reader; money in major units by `unit`.
    pub fn names(&self, unit: f64) -> Vec<String> {
        match &self.classes {
            Classes::Labels(labels) => labels.clone(),
            Classes::Edges(edges) => {
                let above =
                    edges.last().map_or_else(|| "all".to_owned(), |edge| format!("above {}", rounded(edge / unit)));
                edges.iter().map(|edge| format!("up to {}", rounded(edge / unit))).chain([above]).collect()
            }
        }
    }
}

/// Four digits that say something are enough to recognise a decile.
fn rounded(value: f64) -> String {
    let decimals = if value == 0.0 { 0 } else { (3 - value.abs().log10().floor() as i32).clamp(0, 12) };
    format!("{value:.*}", decimals as usize)
}

fn numbers(values: &Values) -> Vec<f64> {
    match values {
        Values::Number(numbers) => numbers.iter().flatten().collect(),
        Values::Money(minor) => minor.iter().flatten().map(|minor| minor as f64).collect(),
        _ => vec![],
    }
}

fn deciles(mut values: Vec<f64>) -> Vec<f64> {
    values.par_sort_unstable_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..10).filter_map(|tenth| quantile(&values, f64::from(tenth) / 10.0)).collect();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers_of(values: impl IntoIterator<Item = f64>) -> Column {
        Column::new("clv_p_alive", Values::Number(values.into_iter().map(Some).chain([None]).collect()))
    }

    #[test]
    fn numbers_are_counted_by_their_deciles() {
        let first = Distribution::of(&numbers_of((0..=100).map(f64::from))).unwrap();
        assert_eq!(first.classes, Classes::Edges((1..10).map(|tenth| f64::from(tenth) * 10.0).collect()));
        assert_eq!(first.counts, [11, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
        assert_eq!(first.count(&numbers_of([-5.0, 10.0, 10.1, 1e9])), [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(first.names(1.0)[0], "up to 10.00");
        assert_eq!(first.names(1.0)[9], "above 90.00");
    }

    #[test]
    fn equal_deciles_are_one() {
        let one = Distribution::of(&numbers_of([1.0; 20])).unwrap();
        assert_eq!((one.classes.len(), &one.counts[..]), (2, &[20, 0][..]));
        assert_eq!(Distribution::of(&numbers_of([])), None);
    }

    #[test]
    fn labels_and_scores_are_counted_by_name() {
        let text = |texts: &[Option<&str>]| Column::new("abc_class", Values::from_texts(texts.iter().copied()));
        let first = Distribution::of(&text(&[Some("A"), Some("B"), Some("B"), None])).unwrap();
        assert_eq!(first.counts, [1, 2]);
        // The codes of another column mean other labels.
        assert_eq!(first.count(&text(&[Some("B"), Some("C"), Some("A"), Some("B")])), [1, 2]);
        let scores = Column::new("rfm_r", Values::Integer([Some(5), None, Some(1), Some(5)].into_iter().collect()));
        assert_eq!(Distribution::of(&scores).unwrap().counts, [1, 0, 0, 0, 2]);
        assert_eq!(Distribution::of(&Column::new("rfm_segment", Values::from_texts([Some("Lost")]))), None);
    }

    #[test]
    fn edges_are_shown_with_four_digits() {
        assert_eq!([0.0, 0.012_345, 1.5, 12_345.6, -3.0].map(rounded), ["0", "0.01235", "1.500", "12346", "-3.000"]);
    }
}
