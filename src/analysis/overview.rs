//! The customer at a glance: dates, counts and money, and where in its life with the shop it stands.
//!
//! The stage compares the silence with the customer's own rhythm. Let `g = t_x / x` be its mean gap between purchase days, or for who
//! bought on one day only the median `g` of the base; silence is recency in days.
//!
//! | stage          | rule, the first that fits                                        |
//! |----------------|------------------------------------------------------------------|
//! | `returned-all` | no purchase was kept                                             |
//! | `new`          | one purchase day, at most 90 days ago                            |
//! | `active`       | silence ≤ 2 g or ≤ 90 days                                       |
//! | `declining`    | silence ≤ 3 g or ≤ 180 days                                      |
//! | `lapsed`       | silence ≤ 4 g or ≤ 360 days                                      |
//! | `lost`         | silent for longer                                                |
//!
//! So a rhythm of less than 45 days is given 90 days before anything is said, and a yearly one two years. A base where
//! nobody came twice has no rhythm and is judged by days alone. `O(n log n)` time, `O(n)` memory. The rule
//! is meant to be read and checked by eye; the churn model is the one that is fitted and tested.

use rayon::prelude::*;

use super::{Analysis, AnalysisError, Base, Fact, Findings};
use crate::features::CustomerFeatures;
use crate::maths::quantile::quantile;
use crate::table::{Column, ColumnKind, ColumnSpec, Values};
use crate::units::{Day, MONEY_SCALE};

/// The analysis `overview`; it has no parameters and always runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overview;

/// Where in its life with the shop a customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// One purchase day, at most 90 days ago.
    New,
    /// Within its rhythm.
    Active,
    /// Overdue.
    Declining,
    /// Long overdue.
    Lapsed,
    /// Not to be expected any more.
    Lost,
    /// Nothing bought was kept.
    ReturnedAll,
}

impl Stage {
    /// All stages, in the order of a customer's life.
    pub const ALL: [Self; 6] = [Self::New, Self::Active, Self::Declining, Self::Lapsed, Self::Lost, Self::ReturnedAll];

    /// Returns the word that columns show.
    pub fn label(self) -> &'static str {
        ["new", "active", "declining", "lapsed", "lost", "returned-all"][self as usize]
    }
}

/// Days of silence that say nothing yet, whatever the rhythm; twice and four times as much for the stages after `active`.
const PATIENCE_DAYS: f64 = 90.0;

/// The purchase days of one customer, in days before as-of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    pub n_purchase_days: u32,
    /// Days since the first purchase day.
    pub age_days: u32,
    /// Days since the last purchase day.
    pub recency_days: u32,
}

impl Rhythm {
    /// Returns the mean gap between purchase days, in days; nothing for who bought on one day only.
    pub fn mean_gap(&self) -> Option<f64> {
        let repeats = self.n_purchase_days.checked_sub(1).filter(|repeats| *repeats > 0)?;
        Some(f64::from(self.age_days.saturating_sub(self.recency_days)) / f64::from(repeats))
    }

    /// Judges the silence by the customer's own gap, else by the base's.
    pub fn stage(&self, median_gap: Option<f64>) -> Stage {
        let silence = f64::from(self.recency_days);
        let gap = self.mean_gap().or(median_gap).unwrap_or(0.0);
        let within = |gaps: f64, days: f64| silence <= gaps * gap || silence <= days;
        if self.n_purchase_days <= 1 && silence <= PATIENCE_DAYS {
            Stage::New
        } else if within(2.0, PATIENCE_DAYS) {
            Stage::Active
        } else if within(3.0, 2.0 * PATIENCE_DAYS) {
            Stage::Declining
        } else if within(4.0, 4.0 * PATIENCE_DAYS) {
            Stage::Lapsed
        } else {
            Stage::Lost
        }
    }
}

impl Analysis for Overview {
    fn name(&self) -> &'static str {
        "overview"
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        use ColumnKind::{Date, Integer, Money, Number, Text};
        vec![
            ColumnSpec::new("lifecycle_stage", Text, "new, active, declining, lapsed, lost or returned-all"),
            ColumnSpec::new("first_purchase_date", Date, "first purchase day that was not returned"),
            ColumnSpec::new("last_purchase_date", Date, "last purchase day that was not returned"),
            ColumnSpec::new("n_orders", Integer, "orders not returned in full"),
            ColumnSpec::new("n_purchase_days", Integer, "days with a purchase not returned in full"),
            ColumnSpec::new("gross_revenue", Money, "sales before returns, net of tax as exported"),
            ColumnSpec::new("revenue", Money, "sales net of returns"),
            ColumnSpec::new("returns_share", Number, "share of the gross revenue that was given back, 0 to 1"),
            ColumnSpec::new("margin", Money, "net revenue minus cost"),
            ColumnSpec::new("avg_order_value", Money, "net revenue an order"),
            ColumnSpec::new("avg_days_between_orders", Number, "mean days between purchase days"),
        ]
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let now = base.now;
        let rhythms = rhythms(now);
        let mut gaps: Vec<f64> = rhythms.iter().flatten().filter_map(Rhythm::mean_gap).collect();
        gaps.par_sort_unstable_by(f64::total_cmp);
        let median_gap = quantile(&gaps, 0.5);
        let stages: Vec<Stage> =
            rhythms.iter().map(|rhythm| rhythm.map_or(Stage::ReturnedAll, |r| r.stage(median_gap))).collect();

        let counts = |count: &[u32]| Values::Integer(count.iter().map(|n| i64::from(*n)).collect::<Vec<_>>().into());
        let returned = now.gross_revenue.iter().zip(&now.revenue).map(|(gross, net)| returns_share(*gross, *net));
        let order_value = now.revenue.iter().zip(&now.n_orders).map(|(net, n)| mean_money(*net, *n));
        let gaps = rhythms.iter().map(|rhythm| rhythm.as_ref().and_then(Rhythm::mean_gap));
        let stage = Values::Text {
            codes: stages.iter().map(|stage| *stage as u32).collect(),
            labels: Stage::ALL.map(|stage| stage.label().to_owned()).into(),
        };
        let columns = vec![
            Column::new("lifecycle_stage", stage),
            Column::new("first_purchase_date", Values::Date(now.first_day.clone())),
            Column::new("last_purchase_date", Values::Date(now.last_day.clone())),
            Column::new("n_orders", counts(&now.n_orders)),
            Column::new("n_purchase_days", counts(&now.n_purchase_days)),
            Column::new("gross_revenue", Values::Money(now.gross_revenue.clone().into())),
            Column::new("revenue", Values::Money(now.revenue.clone().into())),
            Column::new("returns_share", Values::Number(returned.collect())),
            Column::new("margin", Values::Money(now.margin.clone())),
            Column::new("avg_order_value", Values::Money(order_value.collect())),
            Column::new("avg_days_between_orders", Values::Number(gaps.collect())),
        ];
        let mut facts = totals(base);
        facts.push(("stages", count_stages(&stages)));
        facts.extend(median_gap.map(|gap| ("median_days_between_purchase_days", Fact::Number(gap))));
        Ok(Findings { columns, facts, ..Findings::default() })
    }
}

fn rhythms(now: &CustomerFeatures) -> Vec<Option<Rhythm>> {
    let since = |day: i32| u32::try_from(i64::from(now.as_of.0) - i64::from(day)).unwrap_or(0);
    let days = now.first_day.iter().zip(now.last_day.iter()).zip(&now.n_purchase_days);
    days.map(|((first, last), n)| {
        Some(Rhythm { n_purchase_days: *n, age_days: since(first?), recency_days: since(last?) })
    })
    .collect()
}

/// Returns the share of the gross revenue that was given back; more than everything counts as everything.
fn returns_share(gross: i64, net: i64) -> Option<f64> {
    let back = i128::from(gross) - i128::from(net);
    (gross > 0).then(|| (back as f64 / gross as f64).clamp(0.0, 1.0))
}

/// Divides money, rounding half away from zero.
fn mean_money(sum: i64, n: u32) -> Option<i64> {
    let (sum, n) = (i128::from(sum), i128::from(n));
    (n > 0).then(|| ((2 * sum + sum.signum() * n) / (2 * n)) as i64)
}

fn totals(base: &Base<'_>) -> Vec<(&'static str, Fact)> {
    let now = base.now;
    let major = |minor: i128| Fact::Number(minor as f64 / MONEY_SCALE as f64);
    let sum = |values: &[i64]| -> i128 { values.iter().map(|value| i128::from(*value)).sum() };
    let count = |counts: &[u32]| Fact::Integer(counts.iter().map(|n| i64::from(*n)).sum());
    let day = |days: Option<i32>| days.map(|day| Fact::Text(Day(day).to_string()));
    let mut facts = vec![
        ("n_customers", Fact::Integer(base.data.n_customers() as i64)),
        ("n_orders", count(&now.n_orders)),
        ("n_purchase_days", count(&now.n_purchase_days)),
        ("gross_revenue", major(sum(&now.gross_revenue))),
        ("revenue", major(sum(&now.revenue))),
        ("guest_revenue", major(base.data.guest_revenue)),
        ("n_margin_unknown", Fact::Integer(now.margin.n_unknown() as i64)),
    ];
    if now.margin.n_unknown() < now.margin.len() {
        facts.push(("known_margin", major(now.margin.iter().flatten().map(i128::from).sum())));
    }
    facts.extend(day(now.first_day.iter().flatten().min()).map(|day| ("first_purchase_date", day)));
    facts.extend(day(now.last_day.iter().flatten().max()).map(|day| ("last_purchase_date", day)));
    facts
}

fn count_stages(stages: &[Stage]) -> Fact {
    let mut n = [0; Stage::ALL.len()];
    for stage in stages {
        n[*stage as usize] += 1;
    }
    // Fact names are keys in the manifest and written with underscores.
    let names = ["new", "active", "declining", "lapsed", "lost", "returned_all"];
    Fact::Group(names.into_iter().zip(n.map(Fact::Integer)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cross_sell::fixture::{AS_OF, dataset, features, texts};
    use super::*;
    use crate::features::Baskets;

    fn check_stage(n_purchase_days: u32, age_days: u32, recency_days: u32, expected: Stage) {
        let rhythm = Rhythm { n_purchase_days, age_days, recency_days };
        assert_eq!(rhythm.stage(Some(60.0)), expected, "{rhythm:?}");
    }

    #[test]
    fn silence_is_judged_by_the_own_rhythm() {
        // Ten days between purchases: only the days count.
        check_stage(11, 190, 90, Stage::Active);
        check_stage(11, 191, 91, Stage::Declining);
        check_stage(11, 281, 181, Stage::Lapsed);
        check_stage(11, 461, 361, Stage::Lost);
        // A yearly buyer.
        check_stage(3, 730 + 700, 700, Stage::Active);
        check_stage(3, 730 + 731, 731, Stage::Declining);
        check_stage(3, 730 + 1_461, 1_461, Stage::Lost);
    }

    #[test]
    fn one_time_buyers_are_new_then_judged_by_the_median_gap() {
        check_stage(1, 90, 90, Stage::New);
        check_stage(1, 120, 120, Stage::Active);
        check_stage(1, 121, 121, Stage::Declining);
        check_stage(2, 0, 0, Stage::Active);
        let rhythm = Rhythm { n_purchase_days: 1, age_days: 400, recency_days: 400 };
        assert_eq!(rhythm.stage(None), Stage::Lost);
    }

    #[test]
    fn money_is_divided_half_away_from_zero() {
        assert_eq!(mean_money(5, 2), Some(3));
        assert_eq!(mean_money(-5, 2), Some(-3));
        assert_eq!(mean_money(4, 3), Some(1));
        assert_eq!(mean_money(i64::MIN, 1), Some(i64::MIN));
        assert_eq!(mean_money(5, 0), None);
    }

    #[test]
    fn returns_are_a_share_of_the_gross_revenue() {
        assert_eq!(returns_share(200, 150), Some(0.25));
        assert_eq!(returns_share(200, 230), Some(0.0));
        assert_eq!(returns_share(200, -50), Some(1.0));
        assert_eq!(returns_share(0, -50), None);
    }

    #[test]
    fn columns_are_as_promised() {
        let customers = [(Some(200), 2, 501), (None, 0, -100), (Some(3), 1, 700)];
        let (data, mut now) = (dataset(3, 0, Baskets::default()), features(&customers));
        now.n_purchase_days[0] = 5;
        now.first_day = [Some(AS_OF - 600), None, Some(AS_OF - 3)].into_iter().collect();
        now.gross_revenue[0] = 1_002;
        let found = Overview.run(&Base { data: &data, now: &now }, &[]).unwrap();
        let promised: Vec<_> = Overview.columns().into_iter().map(|spec| (spec.name, spec.kind)).collect();
        let written: Vec<_> = found.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
        assert_eq!(promised, written);
        assert!(found.columns.iter().all(|column| column.values.len() == 3));
        let value = |name: &str| &found.columns.iter().find(|column| column.name == name).unwrap().values;
        assert_eq!(texts(value("lifecycle_stage")), [Some("active"), Some("returned-all"), Some("new")]);
        assert_eq!(value("returns_share"), &Values::Number([Some(0.5), None, Some(0.0)].into_iter().collect()));
        assert_eq!(value("avg_order_value"), &Values::Money([Some(251), None, Some(700)].into_iter().collect()));
        assert_eq!(value("avg_days_between_orders"), &Values::Number([Some(100.0), None, None].into_iter().collect()));
        assert_eq!(found.facts.last(), Some(&("median_days_between_purchase_days", Fact::Number(100.0))));
    }

    proptest! {
        /// Longer silence never brings a customer back to an earlier stage.
        #[test]
        fn stage_is_monotone_in_silence(n in 1..20_u32, span in 0..2_000_u32, silence in 0..3_000_u32, more in 0..500_u32) {
            let stage = |recency_days| {
                Rhythm { n_purchase_days: n, age_days: span + recency_days, recency_days }.stage(Some(45.0))
            };
            prop_assert!(stage(silence) <= stage(silence + more));
        }
    }
}
