//! Customer attributes as numbers: the vectors `z` of the covariates, few enough of them that customers form groups.
//!
//! | attribute                     | columns of `z`                                                                                   |
//! |-------------------------------|--------------------------------------------------------------------------------------------------|
//! | text                          | 0 or 1 for every level but the most frequent one, the reference                                  |
//! | numbers                       | the value less the mean, in standard deviations, rounded to eighths within ±4; unknown is 0      |
//! | numbers, 30 or more unknown   | one more, 1 where unknown                                                                        |
//!
//! An empty cell is the level `unknown`. Levels with fewer than [`MIN_LEVEL`] customers are `other`, and so are those after the [`MOST_LEVELS`] most
//! frequent ones; if `other` has too few customers itself, they count as the reference. A column that is a sum of multiples of the ones before it
//! says nothing new and is left out. Only customers with a purchase day count. `O(customers · attributes)`; ties go to the level that is first in the alphabet,
//! and the rounding keeps numbers from making a group of every customer.

use std::collections::BTreeMap;

use crate::table::{Column, Values};
use crate::units::NONE_IX;

/// Customers that a level wants at least.
pub const MIN_LEVEL: u64 = 30;

/// Levels of an attribute with an effect of their own.
pub const MOST_LEVELS: usize = 12;

/// Groups at most: each of them costs passes of its own.
pub const MOST_GROUPS: usize = 2_000;

const UNKNOWN: &str = "unknown";
const OTHER: &str = "other";

/// Steps of a standard deviation, and how many of them at most.
const STEPS: f64 = 8.0;
const MOST_STEPS: f64 = 32.0;

/// Share of a column that must be new.
const NEW: f64 = 1e-9;

/// One coordinate of `z`.
#[derive(Debug, Clone, PartialEq)]
pub struct DesignColumn {
    pub attribute: String,
    /// Level whose customers have a one; nothing where the values are numbers.
    pub level: Option<String>,
}

impl DesignColumn {
    /// Returns the second part of a coefficient's symbol, `industry_retail`.
    pub fn symbol(&self) -> String {
        let level = self.level.iter().flat_map(|level| level.chars().flat_map(char::to_lowercase));
        let mut symbol = self.attribute.clone();
        for c in self.level.iter().map(|_| '_').chain(level) {
            let plain = if c.is_alphanumeric() { c } else { '_' };
            if plain != '_' || !symbol.ends_with('_') {
                symbol.push(plain);
            }
        }
        symbol.trim_end_matches('_').to_owned()
    }
}

/// The covariates of a base.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Design {
    pub columns: Vec<DesignColumn>,
    /// One vector a group, distinct.
    pub vectors: Vec<Vec<f64>>,
    /// What the customers of a group have in common.
    pub labels: Vec<String>,
    /// Group of each customer; `NONE_IX` without a purchase day.
    pub group_of: Vec<u32>,
    pub notes: Vec<String>,
}

/// One attribute, coded: a position in `vectors` for each customer.
struct Coded {
    columns: Vec<DesignColumn>,
    vectors: Vec<(String, Vec<f64>)>,
    codes: Vec<u32>,
}

impl Design {
    /// Codes attributes; `counts` says which customers have a purchase day.
    pub fn of(attributes: &[&Column], counts: &[bool]) -> Self {
        let mut design = Self::default();
        let mut coded = Vec::new();
        for attribute in attributes {
            match code(attribute, counts) {
                Some(one) => coded.push(one),
                None => design.notes.push(format!(
                    "covariates: `{}` is left out, all customers have the same value or too few have another one",
                    attribute.name
                )),
            }
        }
        // Attributes together: a group is a distinct tuple of their codes.
        let mut number: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let mut tuples: Vec<Vec<u32>> = Vec::with_capacity(counts.len());
        for (customer, counts) in counts.iter().enumerate() {
            let tuple: Vec<u32> = coded.iter().map(|one| one.codes[customer]).collect();
            if *counts {
                number.entry(tuple.clone()).or_default();
            }
            tuples.push(tuple);
        }
        number.values_mut().zip(0..).for_each(|(number, ix)| *number = ix);
        let group = |(tuple, counts): (&Vec<u32>, &bool)| if *counts { number[tuple] } else { NONE_IX };
        design.group_of = tuples.iter().zip(counts).map(group).collect();
        let chosen = |tuple: &Vec<u32>| -> Vec<&(String, Vec<f64>)> {
            coded.iter().zip(tuple).map(|(one, code)| &one.vectors[*code as usize]).collect()
        };
        for tuple in number.keys() {
            let parts = chosen(tuple);
            design.vectors.push(parts.iter().flat_map(|(_, z)| z.iter().copied()).collect());
            let label =
                |(one, (label, _)): (&Coded, &&(String, Vec<f64>))| format!("{} = {label}", one.columns[0].attribute);
            design.labels.push(coded.iter().zip(&parts).map(label).collect::<Vec<_>>().join(", "));
        }
        design.columns = coded.into_iter().flat_map(|one| one.columns).collect();
        design.leave_out_what_repeats();
        design
    }

    /// Leaves out columns that depend on others, by Gram and Schmidt, weighted by customers.
    fn leave_out_what_repeats(&mut self) {
        let mut weights = vec![0.0; self.vectors.len()];
        self.group_of.iter().filter(|group| **group != NONE_IX).for_each(|group| weights[*group as usize] += 1.0);
        let product =
            |one: &[f64], other: &[f64]| (0..weights.len()).map(|g| weights[g] * one[g] * other[g]).sum::<f64>();
        // The constant is there already: it is the parameter itself.
        let mut basis: Vec<Vec<f64>> = vec![vec![1.0; weights.len()]];
        let mut keep = Vec::new();
        for k in 0..self.columns.len() {
            let column: Vec<f64> = self.vectors.iter().map(|z| z[k]).collect();
            let size = product(&column, &column);
            let mut rest = column;
            for _ in 0..2 {
                for one in &basis {
                    let share = product(&rest, one) / product(one, one);
                    rest.iter_mut().zip(one).for_each(|(rest, one)| *rest -= share * one);
                }
            }
            let is_new = product(&rest, &rest) > NEW * size;
            keep.push(is_new);
            if is_new {
                basis.push(rest);
            } else {
                let name = self.columns[k].symbol();
                self.notes.push(format!("covariates: `{name}` is left out, it follows from the ones before it"));
            }
        }
        let kept = |ix: &usize| keep[*ix];
        self.columns = (0..keep.len()).filter(kept).map(|ix| self.columns[ix].clone()).collect();
        for z in &mut self.vectors {
            *z = (0..keep.len()).filter(kept).map(|ix| z[ix]).collect();
        }
    }
}

fn code(attribute: &Column, counts: &[bool]) -> Option<Coded> {
    match &attribute.values {
        Values::Text { codes, labels } => levels(&attribute.name, codes, labels, counts),
        Values::Number(values) => numbers(&attribute.name, &values.iter().collect::<Vec<_>>(), counts),
        Values::Date(days) => {
            numbers(&attribute.name, &days.iter().map(|day| day.map(f64::from)).collect::<Vec<_>>(), counts)
        }
        Values::Integer(_) | Values::Money(_) => None,
    }
}

fn levels(name: &str, codes: &[u32], labels: &[String], counts: &[bool]) -> Option<Coded> {
    let level = |code: u32| if code == NONE_IX { UNKNOWN } else { labels[code as usize].as_str() };
    let mut n_of: BTreeMap<&str, u64> = BTreeMap::new();
    codes
        .iter()
        .zip(counts)
        .filter(|(_, counts)| **counts)
        .for_each(|(code, _)| *n_of.entry(level(*code)).or_default() += 1);
    let mut ranked: Vec<(&str, u64)> = n_of.into_iter().collect();
    ranked.sort_by_key(|(label, n)| (std::cmp::Reverse(*n), *label));
    let (reference, _) = *ranked.first()?;
    let own: Vec<&str> =
        ranked.iter().skip(1).take(MOST_LEVELS).filter(|(_, n)| *n >= MIN_LEVEL).map(|(l, _)| *l).collect();
    let n_rest: u64 = ranked.iter().skip(1 + own.len()).map(|(_, n)| n).sum();
    let mut columns: Vec<String> = own.iter().map(|label| (*label).to_owned()).collect();
    if n_rest >= MIN_LEVEL {
        // A level may be called `other` in the export, too.
        match own.iter().position(|label| *label == OTHER) {
            Some(_) => columns.push(format!("{OTHER} (rare)")),
            None => columns.push(OTHER.to_owned()),
        }
    }
    let n_columns = columns.len();
    let position = |label: &str| match own.iter().position(|own| *own == label) {
        _ if label == reference => 0,
        Some(ix) => ix + 1,
        None if n_rest >= MIN_LEVEL => n_columns,
        None => 0,
    };
    let unit = |at: usize| (0..n_columns).map(|k| f64::from(u8::from(k + 1 == at))).collect();
    let named = std::iter::once(reference.to_owned()).chain(columns.iter().cloned()).enumerate();
    let vectors = named.map(|(at, label)| (label, unit(at))).collect();
    (n_columns > 0).then(|| Coded {
        vectors,
        codes: codes.iter().map(|code| position(level(*code)) as u32).collect(),
        columns: columns
            .into_iter()
            .map(|label| DesignColumn { attribute: name.to_owned(), level: Some(label) })
            .collect(),
    })
}

fn numbers(name: &str, values: &[Option<f64>], counts: &[bool]) -> Option<Coded> {
    let known: Vec<f64> =
        values.iter().zip(counts).filter(|(_, counts)| **counts).filter_map(|(value, _)| *value).collect();
    let n = known.len() as f64;
    let mean = known.iter().sum::<f64>() / n.max(1.0);
    let deviation = (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n.max(1.0)).sqrt();
    if deviation <= 1e-12 * mean.abs() || deviation == 0.0 || !deviation.is_finite() {
        return None;
    }
    let n_unknown = values.iter().zip(counts).filter(|(value, counts)| **counts && value.is_none()).count() as u64;
    let steps = |value: f64| ((value - mean) / deviation * STEPS).round().clamp(-MOST_STEPS, MOST_STEPS) as i32;
    let has_unknown = n_unknown >= MIN_LEVEL;
    // Ascending, the unknown last; without an indicator they are as the mean is.
    let key = |value: &Option<f64>| match value {
        Some(value) => steps(*value),
        None if has_unknown => i32::MAX,
        None => 0,
    };
    let mut distinct: Vec<i32> = values.iter().map(key).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let vector = |key: &i32| {
        let z = f64::from(*key) / STEPS;
        match (*key == i32::MAX, has_unknown) {
            (true, _) => (UNKNOWN.to_owned(), vec![0.0, 1.0]),
            (false, true) => (format!("{z:+.3} sd"), vec![z, 0.0]),
            (false, false) => (format!("{z:+.3} sd"), vec![z]),
        }
    };
    let indicator = has_unknown.then(|| Some(UNKNOWN.to_owned()));
    let column = |level: Option<String>| DesignColumn { attribute: name.to_owned(), level };
    Some(Coded {
        vectors: distinct.iter().map(vector).collect(),
        codes: values.iter().map(|value| distinct.partition_point(|one| *one < key(value)) as u32).collect(),
        columns: std::iter::once(None).chain(indicator).map(column).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(name: &str, of: impl Fn(usize) -> Option<&'static str>, n: usize) -> Column {
        Column::new(name, Values::from_texts((0..n).map(of)))
    }

    #[test]
    fn rare_levels_are_other_and_the_most_frequent_one_is_the_reference() {
        let plan = |ix: usize| match ix {
            0..100 => Some("basic"),
            100..160 => Some("pro"),
            160..190 => None,
            190..210 => Some("gold"),
            210..229 => Some("lead"),
            // Without a purchase day.
            _ => Some("pro"),
        };
        let counts: Vec<bool> = (0..400).map(|ix| ix < 229).collect();
        let design = Design::of(&[&texts("plan", plan, 400)], &counts);
        let symbols: Vec<String> = design.columns.iter().map(DesignColumn::symbol).collect();
        assert_eq!(symbols, ["plan_pro", "plan_unknown", "plan_other"]);
        assert_eq!(design.labels, ["plan = basic", "plan = pro", "plan = unknown", "plan = other"]);
        assert_eq!(design.vectors, [[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_eq!([0, 100, 160, 190, 228, 229].map(|ix| design.group_of[ix]), [0, 1, 2, 3, 3, NONE_IX]);
        // Too few others are like most.
        let few = Design::of(&[&texts("plan", plan, 205)], &counts[..205]);
        assert_eq!(few.labels, ["plan = basic", "plan = pro", "plan = unknown"]);
        assert_eq!(few.group_of[200], 0);
    }

    #[test]
    fn numbers_are_rounded_to_eighths_of_a_deviation() {
        let values = |unknown: usize| {
            let value = |ix: usize| if ix < unknown { None } else { Some((ix % 2) as f64 * 10.0) };
            Column::new("seats", Values::Number((0..200).map(value).collect()))
        };
        let design = Design::of(&[&values(10)], &[true; 200]);
        assert_eq!((design.columns.len(), &design.vectors[..]), (1, &[vec![-1.0], vec![0.0], vec![1.0]][..]));
        let design = Design::of(&[&values(40)], &[true; 200]);
        assert_eq!(design.vectors, [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(design.columns[1].symbol(), "seats_unknown");
        // An outlier is far away, and no further than four deviations.
        let one = |ix: usize| Some(if ix == 0 { 1e9 } else { (ix % 2) as f64 });
        let outlier = Design::of(&[&Column::new("x", Values::Number((0..200).map(one).collect()))], &[true; 200]);
        assert_eq!(outlier.vectors.last(), Some(&vec![4.0]));
    }

    #[test]
    fn what_says_nothing_is_left_out_and_said() {
        let region = |ix: usize| Some(if ix.is_multiple_of(3) { "north" } else { "south" });
        let office = |ix: usize| Some(if ix.is_multiple_of(3) { "Kiel" } else { "Ulm" });
        let (region, office) = (texts("region", region, 300), texts("office", office, 300));
        let same = texts("same", |_| Some("x"), 300);
        let design = Design::of(&[&region, &office, &same], &[true; 300]);
        assert_eq!(design.columns.len(), 1);
        assert_eq!(design.vectors, [[0.0], [1.0]]);
        assert_eq!(design.notes.len(), 2);
        assert!(design.notes[1].contains("`office_kiel` is left out"), "{:?}", design.notes);
    }
}
