//! What a file says arrives, and no file makes the reader panic; messages and generated files are tested beside.

mod generated;
mod messages;

use proptest::prelude::*;

use super::*;
use crate::analysis::cross_sell::affinity::{self, matrix::Unit};
use crate::analysis::lifetime_value::{ModelChoice, PurchaseKind};
use crate::analysis::{abc, churn, cross_sell, lifetime_value, rfm};
use crate::ingest::{
    ColumnFormat, CsvOptions, Currency, DateFormat, Encoding, Format, NumberFormat, ProductRules, ReturnRules,
};
use crate::table::ColumnKind;
use crate::units::{Day, Period};

const SMALLEST: &str = "version = 1\n[output]\ndirectory = 'out'\n[input.transactions.csv]\npath = 'sales-*.csv'\n[input.customers.csv]\npath = 'c.csv'\n";
const NIGHTLY: &str = include_str!("../../pipelines/nightly.toml");
const RFM_ONLY: &str = include_str!("../../pipelines/rfm-only.toml");

/// The columns of a pipeline with every analysis, as the analyses declare them.
fn columns(pipeline: &Pipeline) -> Vec<ColumnSpec> {
    use ColumnKind::{Date, Integer, Money, Number, Text};
    let mut columns: Vec<_> = [
        ("customer_id", Text),
        ("lifecycle_stage", Text),
        ("last_purchase_date", Date),
        ("n_purchase_days", Integer),
        ("revenue", Money),
        ("returns_share", Number),
        ("margin", Money),
        ("abc_class", Text),
        ("rfm_recency_days", Integer),
        ("rfm_r", Integer),
        ("rfm_f", Integer),
        ("rfm_m", Integer),
        ("rfm_segment", Text),
        ("clv", Money),
        ("clv_p_alive", Number),
        ("churn_risk", Number),
        ("offer_1_probability", Number),
        ("clv_expected_order_value", Money),
        ("churn_value_at_risk", Money),
    ]
    .into_iter()
    .map(|(name, kind)| ColumnSpec::new(name, kind, ""))
    .collect();
    columns.retain(|column| {
        Analyse::ALL
            .iter()
            .all(|analyse| pipeline.analyses.contains(analyse) || !column.name.starts_with(analyse.column_prefix()))
    });
    let offers = (1..=pipeline.cross_sell.offers_per_customer).map(|k| format!("offer_{k}_name"));
    columns.extend(offers.map(|name| ColumnSpec::new(name, Text, "")));
    columns
}

fn problems(text: &str) -> Vec<Diagnostic> {
    super::check(text, &columns).err().unwrap_or_default()
}

#[test]
fn smallest_pipeline_has_the_defaults() {
    let pipeline = parse(SMALLEST).unwrap();
    assert_eq!(pipeline.as_of, None);
    assert_eq!(pipeline.analyses.len(), Analyse::ALL.len());
    assert_eq!(pipeline.input.max_reject_share, 0.01);
    assert_eq!(pipeline.input.transactions.as_ref().unwrap().patterns, ["sales-*.csv"]);
    assert_eq!(pipeline.input.products, None);
    assert_eq!(pipeline.currency, Currency { code: None, rates: Default::default() });
    let products = ProductRules { not_merchandise: vec![], recognise: true, in_revenue: false };
    assert_eq!(pipeline.products, products);
    assert_eq!(pipeline.returns, ReturnRules { order_prefixes: None, statuses: None });
    assert_eq!(pipeline.abc, abc::Params { cuts: abc::Cuts::new(0.80, 0.95).unwrap(), value: abc::Value::Revenue });
    assert_eq!(pipeline.rfm, rfm::Params { cuts: rfm::CutRule::Quantile, segments: rfm::SegmentMap::Eleven });
    let lifetime_value =
        lifetime_value::Params { horizon_months: 12, discount_rate_per_year: 0.10, ..Default::default() };
    assert_eq!(pipeline.lifetime_value, lifetime_value);
    assert_eq!(pipeline.churn, churn::Params { horizon: Period::Days(90), ..churn::Params::default() });
    let cross_sell = cross_sell::Params { offers_per_customer: 3, ..cross_sell::Params::default() };
    assert_eq!(pipeline.cross_sell, cross_sell);
    assert_eq!(pipeline.output, OutputSettings { directory: "out".to_owned(), keep_runs: 14 });
}

/// Defaults are rounded where they are written into the reference; they must not change by that.
#[test]
fn defaults_are_those_of_the_analyses() {
    let Pipeline { abc, rfm, lifetime_value, churn, cross_sell, products, .. } = parse(SMALLEST).unwrap();
    assert_eq!((abc, rfm), Default::default());
    assert_eq!((lifetime_value, churn, cross_sell), Default::default());
    assert_eq!(products, ProductRules::default());
}

#[test]
fn every_value_arrives_where_it_belongs() {
    let text = r#"
version = 1
as-of = 2026-02-28
analyses = ["churn", "lifetime-value"]
[input]
max-reject-share = 1
[input.transactions.csv]
path = ["a.csv", "b/*.csv"]
delimiter = "\t"
encoding = "windows-1252"
number-format = "1 234,56"
date-format = "dd.mm.yy"
[input.transactions.columns]
customer-id = "Kunde"
status = ""
unit-price = "Preis je Stück"
[input.transactions.formats]
unit-price = "1'234.56"
date = "yyyymmdd"
[input.products.parquet]
path = "p.parquet"
[currency]
code = "CHF"
[currency.rates]
EUR = 0.95
USD = 1
[products]
not-merchandise = ["POST", "DOT"]
recognise = false
in-revenue = true
[returns]
order-prefixes = []
statuses = ["storniert"]
[abc]
cuts = [0.5, 0.9]
value = "gross-revenue"
[rfm]
cuts = "r-package"
segments = "r-package"
[lifetime-value]
horizon = "18 months"
discount-rate-per-year = 0
model = "pareto-nbd"
season = true
[churn]
horizon = "6 months"
[cross-sell]
offers-per-customer = 20
level = "customer"
min-support-count = 1
max-items-per-rule = 4
min-confidence = 0.25
rules-per-consequent = 3
max-q-value = 0.05
max-items-per-basket = 90
memory-limit = 0.25
sequence-window = "2 weeks"
up-sell-price-ratio = 1.5
neighbours-per-product = 10
[[segment]]
name = "a-1"
where = "clv > 0"
[output]
directory = "o"
keep-runs = 1
"#;
    let pipeline = parse(text).unwrap();
    assert_eq!(pipeline.as_of, Day::from_ymd(2026, 2, 28));
    assert_eq!(pipeline.analyses, [Analyse::LifetimeValue, Analyse::Churn]);
    assert_eq!(pipeline.input.max_reject_share, 1.0);
    let transactions = pipeline.input.transactions.as_ref().unwrap();
    let csv = CsvOptions {
        delimiter: Some('\t'),
        encoding: Some(Encoding::Windows1252),
        number_format: Some(NumberFormat::CommaGroupedBySpace),
        date_format: Some(DateFormat::DotDayFirst),
    };
    assert_eq!((transactions.format, transactions.csv), (Format::Csv, csv));
    assert_eq!(transactions.patterns, ["a.csv", "b/*.csv"]);
    let columns: Vec<_> = transactions.columns.iter().map(|(name, header)| (name.as_str(), header.as_str())).collect();
    assert_eq!(columns, [("customer_id", "Kunde"), ("status", ""), ("unit_price", "Preis je Stück")]);
    let price = ColumnFormat::Number(NumberFormat::PointGroupedByApostrophe);
    assert_eq!(transactions.formats.get("unit_price"), Some(&price));
    assert_eq!(transactions.formats.get("date"), Some(&ColumnFormat::Date(DateFormat::Compact)));
    assert_eq!(pipeline.input.customers, None);
    let products = pipeline.input.products.unwrap();
    assert_eq!((products.format, products.patterns), (Format::Parquet, vec!["p.parquet".to_owned()]));
    assert_eq!(pipeline.currency.code.as_deref(), Some("CHF"));
    assert_eq!(pipeline.currency.rates.into_iter().collect::<Vec<_>>(), [("EUR".into(), 0.95), ("USD".into(), 1.0)]);
    let rules = ProductRules { not_merchandise: vec!["POST".into(), "DOT".into()], recognise: false, in_revenue: true };
    assert_eq!(pipeline.products, rules);
    let returns = ReturnRules { order_prefixes: Some(vec![]), statuses: Some(vec!["storniert".into()]) };
    assert_eq!(pipeline.returns, returns);
    assert_eq!(pipeline.abc, abc::Params { cuts: abc::Cuts::new(0.5, 0.9).unwrap(), value: abc::Value::GrossRevenue });
    assert_eq!(pipeline.rfm, rfm::Params { cuts: rfm::CutRule::RPackage, segments: rfm::SegmentMap::RPackage });
    let lifetime_value = lifetime_value::Params {
        horizon_months: 18,
        discount_rate_per_year: 0.0,
        model: ModelChoice::Named(PurchaseKind::ParetoNbd),
        season: true,
        ..Default::default()
    };
    assert_eq!(pipeline.lifetime_value, lifetime_value);
    assert_eq!(pipeline.churn.horizon, Period::Months(6));
    let affinity = affinity::Params {
        unit: Unit::Customer,
        min_support_count: 1,
        max_items_per_basket: 90,
        max_items_per_rule: 4,
        min_confidence: 0.25,
        rules_per_consequent: 3,
        max_q_value: 0.05,
        sequence_days: 14,
        up_sell_price_ratio: 1.5,
        itemsets: None,
        memory_bytes: 1 << 28,
        null_check: false,
    };
    let cross_sell = cross_sell::Params {
        offers_per_customer: 20,
        neighbours_per_product: 10,
        affinity,
        ..cross_sell::Params::default()
    };
    assert_eq!(pipeline.cross_sell, cross_sell);
    assert_eq!(pipeline.segments[0].name.text, "a-1");
    assert_eq!(pipeline.segments[0].condition.text, "clv > 0");
    assert_eq!(pipeline.output, OutputSettings { directory: "o".to_owned(), keep_runs: 1 });
}

#[test]
fn windows_line_ends_and_byte_order_mark_are_read() {
    let text = format!("\u{feff}{}", SMALLEST.replace('\n', "\r\n"));
    assert_eq!(problems(&text), []);
}

#[test]
fn shipped_pipelines_are_valid() {
    let (nightly, segments) = super::check(NIGHTLY, &columns).unwrap();
    assert_eq!((segments.len(), nightly.campaigns.len()), (5, 2));
    let (rfm_only, _) = super::check(RFM_ONLY, &columns).unwrap();
    assert_eq!(rfm_only.analyses, [Analyse::Rfm]);
}

proptest! {
    /// A pipeline with a piece cut out and any text put in gives an answer, and every problem lies inside the file.
    #[test]
    fn any_damage_is_answered(start in any::<prop::sample::Index>(), len in 0..40_usize, text in "[\\PC\n]{0,12}") {
        let borders: Vec<_> = NIGHTLY.char_indices().map(|(at, _)| at).collect();
        let first = start.index(borders.len());
        let last = (first + len).min(borders.len() - 1);
        let damaged = format!("{}{text}{}", &NIGHTLY[..borders[first]], &NIGHTLY[borders[last]..]);
        for problem in problems(&damaged) {
            prop_assert!(problem.span.is_none_or(|span| damaged.get(span).is_some()));
        }
    }
}
