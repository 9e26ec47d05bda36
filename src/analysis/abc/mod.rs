//! ABC analysis: cuts the value ranking of customers and of products by cumulative share.
//!
//! Sort values descending, `v₁ ≥ … ≥ vₙ`; let `sₖ = (v₁ + … + vₖ₋₁) / Σv⁺` be the share *before* rank k, where `Σv⁺` is the total
//! of the positive values. Class A while `sₖ < a`, B while `sₖ < b`, else C: who crosses a cut gets the better class. Equal values
//! share the class and the (competition) rank of the first of them. Values of zero or less are class N.
//!
//! | name               | shape           | unit                                                               |
//! |--------------------|-----------------|--------------------------------------------------------------------|
//! | `value`            | `(n_customers)` | minor currency units, may be negative                              |
//! | `class`            | `(n_customers)` | [`AbcClass`], input order; unknown values have none                |
//! | `rank`             | `(n_customers)` | 1 is the highest value, N is ranked on behind C                    |
//! | `cumulative_share` | `(n_customers)` | share of `Σv⁺` up to and including the tie group; unknown for N     |
//!
//! A run can classify by the [`Thresholds`] of an earlier one instead; rank and share are always those of the base.
//!
//! Sums are `i128` and cuts are whole billionths, so that a share is compared with a cut exactly and no currency unit matters.
//! `O(n log n)` time, `O(n)` memory. Source: Dickie, "ABC inventory analysis shoots for dollars, not pennies", Factory
//! Management and Maintenance, July 1951.

mod thresholds;

use std::sync::Arc;

use rayon::prelude::*;

pub use self::thresholds::{Floors, Thresholds};
use super::{Analysis, AnalysisError, Base, Chosen, Fact, Findings, SideTable};
use crate::features::Dataset;
use crate::table::{Column, ColumnKind, ColumnSpec, Nullable, ProductLabels, Values};
use crate::units::NONE_IX;

/// What a customer or a product is worth relative to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbcClass {
    /// The few that bring most of the value.
    A,
    /// The middle.
    B,
    /// The many that bring little.
    C,
    /// No value: zero or less.
    N,
}

impl AbcClass {
    /// All classes, best first.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::N];

    /// Returns the letter that columns show.
    pub fn label(self) -> &'static str {
        ["A", "B", "C", "N"][self as usize]
    }
}

/// Billionths in the whole: the resolution of a cut.
const WHOLE: i128 = 1_000_000_000;

/// The two shares that part A from B and B from C, to a billionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    a: i128,
    b: i128,
}

impl Cuts {
    /// Checks that `0 < a < b ≤ 1`.
    ///
    /// # Errors
    /// Returns both cuts where they are not ascending shares.
    ///
    /// # Examples
    /// ```
    /// use klientel::analysis::abc::Cuts;
    /// assert!(Cuts::new(0.80, 0.95).is_ok());
    /// assert!(Cuts::new(80.0, 95.0).is_err());
    /// ```
    pub fn new(a: f64, b: f64) -> Result<Self, CutsError> {
        let billionths = |share: f64| (share * WHOLE as f64).round() as i128;
        let cuts = Self { a: billionths(a), b: billionths(b) };
        if a.is_finite() && b.is_finite() && 0 < cuts.a && cuts.a < cuts.b && cuts.b <= WHOLE {
            Ok(cuts)
        } else {
            Err(CutsError { a, b })
        }
    }

    /// Returns the share that parts A from B.
    pub fn a(self) -> f64 {
        self.a as f64 / WHOLE as f64
    }

    /// Returns the share that parts B from C.
    pub fn b(self) -> f64 {
        self.b as f64 / WHOLE as f64
    }

    /// Returns the class of a positive value before which `before` of `total` is cumulated.
    fn class(self, before: i128, total: i128) -> AbcClass {
        // A total below 2⁹⁶, that of 2³³ values, times a billion stays below 2¹²⁶.
        if before * WHOLE < self.a * total {
            AbcClass::A
        } else if before * WHOLE < self.b * total {
            AbcClass::B
        } else {
            AbcClass::C
        }
    }
}

impl Default for Cuts {
    fn default() -> Self {
        Self { a: WHOLE * 80 / 100, b: WHOLE * 95 / 100 }
    }
}

/// Why two numbers are no cuts.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("abc cuts `{a}` and `{b}` must be ascending shares above 0 and at most 1, such as `[0.80, 0.95]`")]
pub struct CutsError {
    pub a: f64,
    pub b: f64,
}

/// What customers and products are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Value {
    /// Sale lines before returns.
    GrossRevenue,
    /// Net of returns.
    #[default]
    Revenue,
    /// Revenue minus cost.
    Margin,
}

impl Value {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Margin, Self::Revenue, Self::GrossRevenue];

    /// Returns the word that pipeline and manifest use.
    pub fn label(self) -> &'static str {
        match self {
            Self::GrossRevenue => "gross-revenue",
            Self::Revenue => "revenue",
            Self::Margin => "margin",
        }
    }
}

/// How to cut and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params {
    pub cuts: Cuts,
    pub value: Value,
}

/// The analysis `abc`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Abc {
    pub params: Params,
    /// Where the classes start, in place of the cuts.
    pub frozen: Option<Thresholds>,
}

/// Classifies every customer by the share of the positive total that ranks before it; values of zero or less are class N.
///
/// # Examples
/// ```
/// use klientel::analysis::abc::{AbcClass::*, Cuts, classify};
/// assert_eq!(classify(&[5, 80, 0, 15], Cuts::default()), [C, A, N, B]);
/// ```
pub fn classify(value: &[i64], cuts: Cuts) -> Vec<AbcClass> {
    let standing = Standing::of(value.iter().copied().map(Some), cuts, None);
    standing.class.into_iter().flatten().collect()
}

/// Where every value stands among all of them.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    class: Vec<Option<AbcClass>>,
    /// Competition rank, 0 where the value is unknown.
    rank: Vec<u32>,
    cumulative_share: Vec<Option<f64>>,
    /// Positions of the known values, highest value first, equal ones in input order.
    order: Vec<u32>,
    /// Number and sum of the values in each class, in the order of [`AbcClass::ALL`].
    n: [i64; 4],
    sum: [i128; 4],
    /// Where the classes start by the cuts.
    floors: Option<Floors>,
}

impl Standing {
    /// Ranks values and classifies them, by frozen floors where there are any.
    fn of(value: impl Iterator<Item = Option<i64>>, cuts: Cuts, frozen: Option<Floors>) -> Self {
        let mut n_values = 0;
        let mut ranked: Vec<(i64, u32)> =
            value.zip(0..).inspect(|_| n_values += 1).filter_map(|(value, ix)| Some((value?, ix))).collect();
        ranked.par_sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let total: i128 = ranked.iter().map(|(value, _)| i128::from(*value).max(0)).sum();

        let mut standing = Self {
            class: vec![None; n_values],
            rank: vec![0; n_values],
            cumulative_share: vec![None; n_values],
            order: ranked.iter().map(|(_, ix)| *ix).collect(),
            n: [0; 4],
            sum: [0; 4],
            floors: None,
        };
        let (mut rank, mut before) = (1, 0_i128);
        for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
            let value = i128::from(ties[0].0);
            let sum = value * ties.len() as i128;
            let by_cuts = if value > 0 { cuts.class(before, total) } else { AbcClass::N };
            let class = frozen.map_or(by_cuts, |floors| floors.class(ties[0].0));
            standing.floors = match by_cuts {
                AbcClass::A => Floors::new(ties[0].0, ties[0].0),
                AbcClass::B => standing.floors.and_then(|floors| Floors::new(floors.a(), ties[0].0)),
                AbcClass::C | AbcClass::N => standing.floors,
            };
            let share = (value > 0).then(|| (before + sum) as f64 / total as f64);
            for (_, ix) in ties {
                standing.class[*ix as usize] = Some(class);
                standing.rank[*ix as usize] = rank;
                standing.cumulative_share[*ix as usize] = share;
            }
            standing.n[class as usize] += ties.len() as i64;
            standing.sum[class as usize] += sum;
            rank += ties.len() as u32;
            before += sum;
        }
        standing
    }

    /// Summarises the classes: how many, and their share of the positive total.
    fn facts(&self) -> Fact {
        let positive: i128 = self.sum[..3].iter().sum();
        let mut facts: Vec<_> = ["a", "b", "c", "n"]
            .into_iter()
            .zip(AbcClass::ALL)
            .map(|(name, class)| {
                let mut class_facts = vec![("n", Fact::Integer(self.n[class as usize]))];
                if class != AbcClass::N && positive > 0 {
                    let share = self.sum[class as usize] as f64 / positive as f64;
                    class_facts.push(("value_share", Fact::Number(share)));
                }
                (name, Fact::Group(class_facts))
            })
            .collect();
        let n_unknown = self.class.len() - self.order.len();
        facts.push(("n_unknown", Fact::Integer(n_unknown as i64)));
        Fact::Group(facts)
    }

    /// Returns class, rank and cumulative share of the given rows.
    fn columns(&self, rows: impl Iterator<Item = usize> + Clone) -> Vec<Column> {
        let class = Values::Text {
            codes: rows.clone().map(|ix| self.class[ix].map_or(NONE_IX, |class| class as u32)).collect(),
            labels: AbcClass::ALL.iter().map(|class| class.label().to_owned()).collect::<Arc<[String]>>(),
        };
        let rank = rows.clone().map(|ix| (self.rank[ix] > 0).then(|| i64::from(self.rank[ix]))).collect();
        let share = rows.map(|ix| self.cumulative_share[ix]).collect();
        vec![
            Column::new("abc_class", class),
            Column::new("abc_rank", Values::Integer(rank)),
            Column::new("abc_cumulative_share", Values::Number(share)),
        ]
    }
}

impl Analysis for Abc {
    fn name(&self) -> &'static str {
        "abc"
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        vec![
            ColumnSpec::new("abc_class", ColumnKind::Text, "value class: A, B, C, or N for no value"),
            ColumnSpec::new("abc_rank", ColumnKind::Integer, "rank by value, 1 is the highest; equal values share it"),
            ColumnSpec::new("abc_cumulative_share", ColumnKind::Number, "share of all value down to this rank, 0 to 1"),
        ]
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let Params { cuts, value: asked } = self.params;
        let margin_known = base.now.margin.n_unknown() < base.now.margin.len();
        let mut notes = Vec::new();
        let value = match self.frozen.map(|frozen| frozen.value) {
            Some(Value::Margin) if !margin_known => return Err(no_margin()),
            Some(value) => value,
            None if asked == Value::Margin && !margin_known => {
                notes.push("no margin is known, so customers and products are ranked by revenue".to_owned());
                Value::Revenue
            }
            None => asked,
        };
        let floors = self.frozen.and_then(|frozen| frozen.customers);
        let customers = match value {
            Value::GrossRevenue => Standing::of(base.now.gross_revenue.iter().copied().map(Some), cuts, floors),
            Value::Revenue => Standing::of(base.now.revenue.iter().copied().map(Some), cuts, floors),
            Value::Margin => Standing::of(base.now.margin.iter(), cuts, floors),
        };
        let floors = self.frozen.and_then(|frozen| frozen.products);
        let (products, product_facts, product_floors) = product_table(base.data, value, cuts, floors);
        let chosen = Thresholds { value, cuts, customers: customers.floors, products: product_floors };
        let facts = vec![
            ("value", Fact::Text(value.label().to_owned())),
            ("cuts", Fact::List(vec![Fact::Number(cuts.a()), Fact::Number(cuts.b())])),
            ("customers", customers.facts()),
            ("products", product_facts),
        ];
        let columns = customers.columns(0..customers.class.len());
        let chosen = Some(Chosen::Abc(chosen));
        Ok(Findings { columns, tables: vec![products], facts, notes, chosen, ..Findings::default() })
    }
}

fn no_margin() -> AnalysisError {
    AnalysisError {
        analysis: "abc",
        reason: "the reused model has thresholds of margin, and no margin is known in this base".to_owned(),
        help: "map `cost` or `margin`, or run without `--reuse-model` to choose thresholds of revenue".to_owned(),
    }
}

/// Ranks merchandise, highest value first; products of unknown value come last, in order of their ids.
fn product_table(
    data: &Dataset,
    value: Value,
    cuts: Cuts,
    frozen: Option<Floors>,
) -> (SideTable, Fact, Option<Floors>) {
    let not_merchandise = |ix: usize| data.products.not_merchandise.get(ix).copied().unwrap_or(false);
    let merchandise: Vec<u32> = (0..data.n_products()).filter(|ix| !not_merchandise(*ix)).map(|ix| ix as u32).collect();
    let value_of = |product: &u32| {
        let product = *product as usize;
        match value {
            Value::GrossRevenue => data.product_gross_revenue.get(product).copied(),
            Value::Revenue => data.product_revenue.get(product).copied(),
            Value::Margin => data.product_margin.get(product).copied().flatten(),
        }
    };
    let standing = Standing::of(merchandise.iter().map(value_of), cuts, frozen);
    let unknown = (0..merchandise.len()).filter(|ix| standing.class[*ix].is_none());
    let rows: Vec<usize> = standing.order.iter().map(|ix| *ix as usize).chain(unknown).collect();

    let ranked: Vec<u32> = rows.iter().map(|ix| merchandise[*ix]).collect();
    let values: Nullable<i64> = ranked.iter().map(value_of).collect();
    let labels = ProductLabels::new(&data.product_ids, &data.products);
    let mut columns = vec![
        Column::new("product_id", labels.ids(ranked.iter().copied())),
        Column::new("product_name", labels.names(ranked.iter().copied())),
        Column::new("value", Values::Money(values)),
    ];
    columns.extend(standing.columns(rows.iter().copied()));
    (SideTable { name: "abc_products", columns }, standing.facts(), standing.floors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cross_sell::fixture::{dataset, features, texts};
    use super::AbcClass::{A, B, C, N};
    use super::*;
    use crate::features::Baskets;

    fn check(value: &[i64], expected: &[AbcClass]) {
        assert_eq!(classify(value, Cuts::default()), expected);
    }

    #[test]
    fn who_crosses_a_cut_gets_the_better_class() {
        check(&[79, 2, 19], &[A, C, A]);
        check(&[80, 15, 5], &[A, B, C]);
        check(&[100], &[A]);
    }

    #[test]
    fn equal_values_share_the_class_of_the_first() {
        check(&[10; 10], &[A; 10]);
        check(&[80, 10, 10], &[A, B, B]);
    }

    #[test]
    fn zero_and_negative_values_are_n_and_lower_no_share() {
        check(&[0, 80, -1_000, 20], &[N, A, N, B]);
        check(&[0, -1], &[N, N]);
        check(&[], &[]);
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        check(&[i64::MAX, i64::MAX, i64::MIN, 1], &[A, A, N, C]);
    }

    #[test]
    fn ranks_are_competition_ranks_and_shares_include_the_tie_group() {
        let value = [Some(-5), Some(20), None, Some(60), Some(20)];
        let standing = Standing::of(value.into_iter(), Cuts::default(), None);
        assert_eq!(standing.rank, [4, 2, 0, 1, 2]);
        assert_eq!(standing.cumulative_share, [None, Some(1.0), None, Some(0.6), Some(1.0)]);
        assert_eq!(standing.class, [Some(N), Some(A), None, Some(A), Some(A)]);
        assert_eq!(standing.order, [3, 1, 4, 0]);
    }

    #[test]
    fn cuts_are_ascending_shares() {
        for (a, b) in [(0.0, 0.5), (0.9, 0.9), (0.95, 0.8), (0.8, 1.1), (f64::NAN, 0.9), (0.5, f64::INFINITY)] {
            assert!(Cuts::new(a, b).is_err(), "{a} {b}");
        }
        assert_eq!(Cuts::new(0.80, 0.95), Ok(Cuts::default()));
    }

    /// Three customers and four products, the last of which is postage.
    fn run(value: Value, margin: [Option<i64>; 3]) -> Findings {
        let mut data = dataset(3, 4, Baskets::default());
        data.product_revenue = vec![10, 80, 10, 500];
        data.product_margin = vec![None, Some(5), Some(9), None];
        data.products.not_merchandise[3] = true;
        let mut now = features(&[(Some(1), 1, 80), (Some(1), 1, 20), (None, 0, -5)]);
        now.margin = margin.into_iter().collect();
        let abc = Abc { params: Params { value, ..Params::default() }, frozen: None };
        abc.run(&Base { data: &data, now: &now }, &[]).unwrap()
    }

    #[test]
    fn products_stand_by_value_then_id_without_postage() {
        let found = run(Value::Revenue, [None; 3]);
        assert_eq!(texts(&found.columns[0].values), [Some("A"), Some("B"), Some("N")]);
        let table = &found.tables[0];
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names[..3], ["product_id", "product_name", "value"]);
        assert_eq!(names[3..], ["abc_class", "abc_rank", "abc_cumulative_share"]);
        assert_eq!(texts(&table.columns[0].values), [Some("p0001"), Some("p0000"), Some("p0002")]);
        assert_eq!(texts(&table.columns[3].values), [Some("A"), Some("B"), Some("B")]);
        assert_eq!(table.columns[4].values, Values::Integer(vec![1, 2, 2].into()));
    }

    #[test]
    fn unknown_margin_has_no_class() {
        let found = run(Value::Margin, [None, Some(7), Some(1)]);
        assert_eq!(texts(&found.columns[0].values), [None, Some("A"), Some("B")]);
        let products = &found.tables[0].columns;
        assert_eq!(texts(&products[0].values), [Some("p0002"), Some("p0001"), Some("p0000")]);
        assert_eq!(texts(&products[3].values), [Some("A"), Some("A"), None]);
        assert_eq!(products[2].values.n_unknown(), 1);
        assert!(found.notes.is_empty());
    }

    #[test]
    fn margin_falls_back_to_revenue_where_none_is_known() {
        let (found, revenue) = (run(Value::Margin, [None; 3]), run(Value::Revenue, [None; 3]));
        assert_eq!(found.columns, revenue.columns);
        assert_eq!(found.facts, revenue.facts);
        assert_eq!(found.notes.len(), 1);
        let promised: Vec<_> = Abc::default().columns().into_iter().map(|spec| (spec.name, spec.kind)).collect();
        let written: Vec<_> = found.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
        assert_eq!(promised, written);
    }

    fn values() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-1_000_i64..1_000_000_000_000, 0..200)
    }

    proptest! {
        /// Changing the currency (scaling every value) changes no class.
        #[test]
        fn class_is_scale_invariant(value in values(), factor in 1..1_000_i64) {
            let cuts = Cuts::new(0.80, 0.95).unwrap();
            let scaled: Vec<i64> = value.iter().map(|v| v * factor).collect();
            prop_assert_eq!(classify(&value, cuts), classify(&scaled, cuts));
        }

        /// Shuffling the customers moves their classes with them.
        #[test]
        fn class_does_not_depend_on_the_order(value in values(), by in 0..200_usize) {
            let by = by.min(value.len());
            let mut expected = classify(&value, Cuts::default());
            let mut turned = value;
            turned.rotate_left(by);
            expected.rotate_left(by);
            prop_assert_eq!(classify(&turned, Cuts::default()), expected);
        }

        /// More value never means a worse class.
        #[test]
        fn class_is_monotone_in_value(mut value in values()) {
            value.sort_unstable_by(|a, b| b.cmp(a));
            prop_assert!(classify(&value, Cuts::default()).is_sorted());
        }
    }
}
