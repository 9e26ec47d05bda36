//! Text columns as indicator columns.
//!
//! Levels are ordered by the number of rows, most first, equal numbers by text. Levels with fewer rows than asked for, and those past the
//! largest number of levels, share one column; cells without text have a column of their own where the sample had any. Where these are
//! two columns in all, the first is the reference and left out, as the other says the same. With more, every one stays: a tree
//! must be able to tell the most frequent level from all others in one split, a ridge penalty has no need of a reference, and the most frequent
//! level can be named as a reason. A level that the sample did not have counts as rare, and as nothing where no level was.
//!
//! | name       | shape                | unit                     |
//! |------------|----------------------|--------------------------|
//! | cells      | `(n_rows)`           | text; blank is missing   |
//! | indicators | `(n_columns, n_rows)`| 0 or 1                   |
//!
//! `O(n log n_levels)`. Source: Harrell, Regression Modeling Strategies, 2nd ed., 2.4.1 and 4.1 (rare levels pooled without looking at
//! the label).

use std::collections::BTreeMap;

use super::sample::Matrix;

/// What limits the levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Rows below which a level is rare.
    pub least_rows: usize,
    /// Most levels that are told apart.
    pub most_levels: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { least_rows: 30, most_levels: 20 }
    }
}

/// What an indicator column stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indicator {
    Level(String),
    /// One of the rare levels, or one that the sample did not have.
    Rare,
    /// No text.
    Missing,
}

/// The levels of one text column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    indicators: Vec<Indicator>,
}

impl Encoding {
    /// Finds the levels.
    pub fn new(cells: &[&str], params: Params) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        cells.iter().for_each(|cell| *counts.entry(cell.trim()).or_default() += 1);
        let any_missing = counts.remove("").is_some();
        let mut levels: Vec<(&str, usize)> = counts.into_iter().collect();
        // Stable: equal numbers stay in the order of the text.
        levels.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let frequent = levels.iter().take(params.most_levels).take_while(|(_, n)| *n >= params.least_rows);
        let n_kept = frequent.count();
        let kept = levels[..n_kept].iter().map(|(level, _)| Indicator::Level((*level).to_owned()));
        let mut indicators: Vec<Indicator> = kept.collect();
        indicators.extend((levels.len() > n_kept).then_some(Indicator::Rare));
        indicators.extend(any_missing.then_some(Indicator::Missing));
        if indicators.len() <= 2 && !indicators.is_empty() {
            indicators.remove(0);
        }
        Self { indicators }
    }

    /// Returns what the columns stand for, in their order.
    pub fn indicators(&self) -> &[Indicator] {
        &self.indicators
    }

    /// Adds the indicator columns of some cells to a matrix.
    pub fn push(&self, cells: &[&str], features: &mut Matrix) {
        let at = |indicator: &Indicator| self.indicators.iter().position(|other| other == indicator);
        let (rare, missing) = (at(&Indicator::Rare), at(&Indicator::Missing));
        let levels: BTreeMap<&str, usize> = self
            .indicators
            .iter()
            .enumerate()
            .filter_map(|(at, indicator)| match indicator {
                Indicator::Level(level) => Some((level.as_str(), at)),
                _ => None,
            })
            .collect();
        let column_of = |cell: &&str| match cell.trim() {
            "" => missing,
            level => levels.get(level).copied().or(rare),
        };
        let columns: Vec<Option<usize>> = cells.iter().map(column_of).collect();
        for at in 0..self.indicators.len() {
            features.push(columns.iter().map(|column| Some(f64::from(u8::from(*column == Some(at))))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(encoding: &Encoding, cells: &[&str]) -> Vec<String> {
        let mut features = Matrix::new(cells.len());
        encoding.push(cells, &mut features);
        let cell = |column: &crate::table::Nullable<f32>, row| column.get(row).unwrap().to_string();
        (0..cells.len()).map(|row| features.columns().iter().map(|column| cell(column, row)).collect()).collect()
    }

    fn level(text: &str) -> Indicator {
        Indicator::Level(text.to_owned())
    }

    #[test]
    fn levels_are_ordered_by_frequency_and_rare_ones_pooled() {
        let cells = ["web", "shop", "web", " shop ", "fax", "", "web", "post", "app", "app"];
        let encoding = Encoding::new(&cells, Params { least_rows: 2, most_levels: 20 });
        // `app` and `shop` have two rows each.
        let expected = [level("web"), level("app"), level("shop"), Indicator::Rare, Indicator::Missing];
        assert_eq!(encoding.indicators(), expected);
        let encoded = rows(&encoding, &["web", "app", "shop", "fax", "telegraph", " "]);
        assert_eq!(encoded, ["10000", "01000", "00100", "00010", "00010", "00001"]);
    }

    #[test]
    fn the_number_of_levels_is_limited() {
        let cells = ["a", "a", "a", "b", "b", "c", "d"];
        let encoding = Encoding::new(&cells, Params { least_rows: 1, most_levels: 2 });
        assert_eq!(encoding.indicators(), [level("a"), level("b"), Indicator::Rare]);
        assert_eq!(rows(&encoding, &["a", "b", "d", ""]), ["100", "010", "001", "000"]);
    }

    #[test]
    fn of_two_the_second_says_it_all() {
        let params = Params { least_rows: 1, most_levels: 20 };
        let encoding = Encoding::new(&["no", "yes", "no"], params);
        assert_eq!(encoding.indicators(), [level("yes")]);
        assert_eq!(rows(&encoding, &["yes", "no", "perhaps"]), ["1", "0", "0"]);
        assert_eq!(Encoding::new(&["yes", ""], params).indicators(), [Indicator::Missing]);
        assert_eq!(Encoding::new(&["a", "a", "b"], Params { least_rows: 2, ..params }).indicators(), [Indicator::Rare]);
    }

    #[test]
    fn one_level_or_none_needs_no_column() {
        for cells in [&["a"; 40][..], &["", " "], &["a", "b"], &[]] {
            assert!(Encoding::new(cells, Params::default()).indicators().is_empty(), "{cells:?}");
        }
    }
}
