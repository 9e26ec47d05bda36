//! RFM: scores recency, frequency and monetary value from 1 to 5, 5 being best, and names the combination.
//!
//! | column             | unit                                                              |
//! |--------------------|-------------------------------------------------------------------|
//! | `rfm_recency_days` | days from the last purchase day to as-of                          |
//! | `rfm_frequency`    | orders not returned in full                                       |
//! | `rfm_monetary`     | net revenue, minor units                                          |
//! | `rfm_r/_f/_m`      | 1 to 5; few days, many orders and much money are good             |
//! | `rfm_segment`      | name of the three scores by the [`SegmentMap`]                    |
//!
//! Each dimension is cut by itself into five intervals of about equal size ([`cuts`]); equal values stay together, so intervals may
//! be of unequal size or empty, which a note then says. Who has no purchase day is outside the cuts and has no scores.
//! `O(n log n)` time, `O(n)` memory. Source: Hughes, "Strategic Database Marketing", 1994.

pub mod cuts;
pub mod segments;

use std::sync::Arc;

pub use cuts::{CutRule, Cuts};
pub use segments::SegmentMap;

use super::{Analysis, AnalysisError, Base, Chosen, Fact, Findings};
use crate::features::CustomerFeatures;
use crate::table::{Column, ColumnKind, ColumnSpec, Nullable, Values};
use crate::units::{MONEY_SCALE, NONE_IX};

/// How scores and segments come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params {
    pub cuts: CutRule,
    pub segments: SegmentMap,
}

/// The analysis `rfm`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rfm {
    pub params: Params,
    /// Cut points of an earlier base, in place of those of this one.
    pub frozen: Option<Scale>,
}

/// Recency in days, orders and minor units of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    pub recency_days: i64,
    pub frequency: i64,
    pub monetary: i64,
}

/// The cut points of the three dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub recency: Cuts,
    pub frequency: Cuts,
    pub monetary: Cuts,
}

impl Scale {
    /// Cuts a base into fifths; returns nothing for an empty one.
    pub fn of(base: &[Habits], rule: CutRule) -> Option<Self> {
        let dimension = |value: fn(&Habits) -> i64, one| Cuts::of(base.iter().map(value).collect(), rule, one);
        Some(Self {
            recency: dimension(|habits| habits.recency_days, 1)?,
            frequency: dimension(|habits| habits.frequency, 1)?,
            monetary: dimension(|habits| habits.monetary, MONEY_SCALE)?,
        })
    }

    /// Scores recency, frequency and monetary value, each from 1 to 5.
    pub fn score(&self, habits: &Habits) -> [u8; 3] {
        [
            5 - self.recency.level(habits.recency_days),
            1 + self.frequency.level(habits.frequency),
            1 + self.monetary.level(habits.monetary),
        ]
    }
}

impl Analysis for Rfm {
    fn name(&self) -> &'static str {
        "rfm"
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        vec![
            ColumnSpec::new("rfm_recency_days", ColumnKind::Integer, "days since the last purchase day"),
            ColumnSpec::new("rfm_frequency", ColumnKind::Integer, "orders not returned in full"),
            ColumnSpec::new("rfm_monetary", ColumnKind::Money, "net revenue"),
            ColumnSpec::new("rfm_r", ColumnKind::Integer, "recency score, 1 to 5, 5 is most recent"),
            ColumnSpec::new("rfm_f", ColumnKind::Integer, "frequency score, 1 to 5, 5 is most often"),
            ColumnSpec::new("rfm_m", ColumnKind::Integer, "monetary score, 1 to 5, 5 is most money"),
            ColumnSpec::new("rfm_segment", ColumnKind::Text, "name of the three scores"),
        ]
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let Params { cuts, segments } = self.params;
        let habits = habits(base.now);
        let known: Vec<Habits> = habits.iter().copied().flatten().collect();
        let chosen = Scale::of(&known, cuts);
        let scale = self.frozen.or(chosen);
        let table = segments.table();
        // Without any scored customer there is no scale, and `habits` are all unknown.
        let scores: Vec<Option<[u8; 3]>> =
            habits.iter().map(|habits| Some(scale.as_ref()?.score(habits.as_ref()?))).collect();
        let segment: Vec<u32> =
            scores.iter().map(|scores| scores.map_or(NONE_IX, |scores| u32::from(table.segment(scores)))).collect();

        let integers = |value: fn(&Habits) -> i64| -> Nullable<i64> {
            habits.iter().map(|habits| habits.as_ref().map(value)).collect()
        };
        let score = |dimension: usize| {
            Values::Integer(scores.iter().map(|scores| scores.map(|scores| i64::from(scores[dimension]))).collect())
        };
        let names = segments.names();
        let mut n_in_segment = vec![0_i64; names.len()];
        for segment in segment.iter().filter(|segment| **segment != NONE_IX) {
            n_in_segment[*segment as usize] += 1;
        }
        let labels: Arc<[String]> = names.iter().map(|name| (*name).to_owned()).collect();
        let columns = vec![
            Column::new("rfm_recency_days", Values::Integer(integers(|habits| habits.recency_days))),
            Column::new("rfm_frequency", Values::Integer(integers(|habits| habits.frequency))),
            Column::new("rfm_monetary", Values::Money(integers(|habits| habits.monetary))),
            Column::new("rfm_r", score(0)),
            Column::new("rfm_f", score(1)),
            Column::new("rfm_m", score(2)),
            Column::new("rfm_segment", Values::Text { codes: segment, labels }),
        ];
        let mut facts = vec![
            ("cuts", Fact::Text(cuts.label().to_owned())),
            ("segment_map", Fact::Text(segments.label().to_owned())),
            ("n_scored", Fact::Integer(known.len() as i64)),
            ("n_without_purchase", Fact::Integer((habits.len() - known.len()) as i64)),
        ];
        let mut notes = Vec::new();
        if let Some(scale) = scale {
            facts.push(("cut_points", Fact::Group(scale.facts())));
            notes.extend(scale.notes());
        }
        let by_segment = names.into_iter().zip(n_in_segment.into_iter().map(Fact::Integer)).collect();
        facts.push(("segments", Fact::Group(by_segment)));
        Ok(Findings { columns, facts, notes, chosen: chosen.map(Chosen::Rfm), ..Findings::default() })
    }
}

impl Scale {
    /// Returns name, cuts and unit of each dimension.
    pub fn dimensions(&self) -> [(&'static str, Cuts, f64); 3] {
        [
            ("recency_days", self.recency, 1.0),
            ("frequency", self.frequency, 1.0),
            ("monetary", self.monetary, MONEY_SCALE as f64),
        ]
    }

    /// Lists the cut points in days, orders and major currency units.
    fn facts(&self) -> Vec<(&'static str, Fact)> {
        let points = |cuts: Cuts, unit: f64| cuts.points().map(|point| Fact::Number(point / unit)).to_vec();
        self.dimensions().map(|(name, cuts, unit)| (name, Fact::List(points(cuts, unit)))).to_vec()
    }

    /// Tells of dimensions whose values are too much alike for five scores.
    fn notes(&self) -> Vec<String> {
        let few = self.dimensions().into_iter().filter(|(_, cuts, _)| cuts.n_intervals() < 5);
        few.map(|(name, cuts, _)| {
            let n = cuts.n_intervals();
            format!("cut points of rfm {name} coincide: at most {n} of 5 scores are given, because many customers share a value")
        })
        .collect()
    }
}

fn habits(now: &CustomerFeatures) -> Vec<Option<Habits>> {
    let recency = now.last_day.iter().map(|last| Some(i64::from(now.as_of.0) - i64::from(last?)));
    recency
        .zip(now.n_orders.iter().zip(&now.revenue))
        .map(|(recency_days, (n_orders, revenue))| {
            let recency_days = recency_days?;
            Some(Habits { recency_days, frequency: i64::from(*n_orders), monetary: *revenue })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::cross_sell::fixture::{dataset, features, texts};
    use super::*;
    use crate::features::Baskets;

    #[test]
    fn five_is_recent_often_and_much() {
        let now = features(&[
            (Some(0), 9, 90_000),
            (Some(10), 7, 70_000),
            (Some(20), 5, 50_000),
            (Some(30), 3, 30_000),
            (Some(40), 1, 10_000),
        ]);
        let habits: Vec<Habits> = habits(&now).into_iter().map(Option::unwrap).collect();
        let scale = Scale::of(&habits, CutRule::Quantile).unwrap();
        let scores: Vec<_> = habits.iter().map(|habits| scale.score(habits)).collect();
        assert_eq!(scores, [[5, 5, 5], [4, 4, 4], [3, 3, 3], [2, 2, 2], [1, 1, 1]]);
    }

    #[test]
    fn who_has_no_purchase_day_moves_no_cut() {
        let bought = [(Some(0), 2, 500), (Some(50), 1, 300), (Some(90), 4, 900)];
        let mut with_returned = bought.to_vec();
        with_returned.insert(1, (None, 0, -700));
        let without = habits(&features(&bought));
        let mut with = habits(&features(&with_returned));
        assert_eq!(with.remove(1), None);
        assert_eq!(with, without);
    }
    fn run(params: Params, customers: &[(Option<i32>, u32, i64)]) -> Findings {
        let (data, now) = (dataset(customers.len(), 0, Baskets::default()), features(customers));
        Rfm { params, frozen: None }.run(&Base { data: &data, now: &now }, &[]).unwrap()
    }

    #[test]
    fn columns_are_as_promised_and_unknown_without_a_purchase() {
        let found = run(Params::default(), &[(Some(3), 2, 500), (None, 0, -100), (Some(90), 1, 300)]);
        let promised: Vec<_> = Rfm::default().columns().into_iter().map(|spec| (spec.name, spec.kind)).collect();
        let written: Vec<_> = found.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
        assert_eq!(promised, written);
        assert!(found.columns.iter().all(|column| column.values.len() == 3 && column.values.n_unknown() == 1));
        assert_eq!(found.columns[0].values, Values::Integer([Some(3), None, Some(90)].into_iter().collect()));
        assert_eq!(texts(&found.columns[6].values), [Some("Champions"), None, Some("Lost")]);
    }

    #[test]
    fn an_empty_base_has_no_scores() {
        let found = run(Params { cuts: CutRule::RPackage, segments: SegmentMap::RPackage }, &[(None, 0, 0)]);
        assert!(found.columns.iter().all(|column| column.values.n_unknown() == 1));
        assert!(found.facts.iter().all(|(name, _)| *name != "cut_points"));
    }

    #[test]
    fn frozen_cut_points_score_another_base() {
        let customers: Vec<_> = (0..10).map(|i| (Some(10 * i), 1 + i as u32, i64::from(i) * 100)).collect();
        let Some(Chosen::Rfm(scale)) = run(Params::default(), &customers).chosen else { panic!("nothing was chosen") };
        let later = [(Some(45), 5, 450), (Some(1_000), 90, 90_000)];
        let (data, now) = (dataset(2, 0, Baskets::default()), features(&later));
        let frozen = Rfm { params: Params::default(), frozen: Some(scale) };
        let found = frozen.run(&Base { data: &data, now: &now }, &[]).unwrap();
        let scores = |ix: usize| match &found.columns[ix].values {
            Values::Integer(scores) => [scores.get(0), scores.get(1)],
            _ => panic!("scores are whole numbers"),
        };
        assert_eq!([3, 4, 5].map(scores), [[Some(3), Some(1)], [Some(3), Some(5)], [Some(3), Some(5)]]);
        // By themselves the two would share the ends.
        assert_ne!(found.chosen, Some(Chosen::Rfm(scale)));
    }

    #[test]
    fn a_note_tells_of_coinciding_cut_points() {
        let alike: Vec<_> = (0..10).map(|i| (Some(i), 1, i64::from(i) * 100)).collect();
        let notes = run(Params::default(), &alike).notes;
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("rfm frequency coincide: at most 2 of 5"), "{}", notes[0]);
    }
}
