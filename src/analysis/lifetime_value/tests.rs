//! The analysis on a base written by hand; the formulas are tested beside themselves.

use super::*;
use crate::features::{Baskets, Corrections, Dataset, NEVER, Orders, PurchaseDays};
use crate::table::{Column, Ids, Nullable, Products, Values};
use crate::units::Day;

/// A base in which every tenth customer has no purchase day, and frequency falls off as it does in shops.
pub(crate) struct Example {
    pub(crate) data: Dataset,
    pub(crate) now: CustomerFeatures,
}

/// SplitMix64, uniform on the open unit interval.
pub(crate) struct Uniform(pub(crate) u64);

impl Uniform {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn exponential(&mut self) -> f64 {
        -self.next().ln()
    }
}

impl Example {
    pub(crate) fn new(n: u32) -> Self {
        // 2026-06-30
        let as_of = Day(20_634);
        let irregular = |ix: u32, step: f64| (f64::from(ix) * step).fract();
        let customer = |ix: u32| {
            if ix % 10 == 9 {
                return (0, None, None, 0, 0);
            }
            let age = 30 + (400.0 * irregular(ix, 0.618_033_988_7)) as i32;
            let n_repeats = ((0.4 / (0.05 + irregular(ix, 0.414_213_562_4))) as u32).min(age as u32 / 3);
            let last = (f64::from(age) * irregular(ix, 0.732_050_807_6).sqrt()) as i32;
            let to_last = if n_repeats == 0 { 0 } else { last.max(n_repeats as i32) };
            let mean = 1_000.0 / (0.2 + irregular(ix, 0.236_067_977_5));
            let repeat_revenue = (mean * f64::from(n_repeats)) as i64;
            let first = as_of.0 - age;
            (n_repeats + 1, Some(first), Some(first + to_last), repeat_revenue, repeat_revenue + mean as i64)
        };
        let rows: Vec<_> = (0..n).map(customer).collect();
        let now = CustomerFeatures {
            as_of,
            n_purchase_days: rows.iter().map(|row| row.0).collect(),
            first_day: rows.iter().map(|row| row.1).collect(),
            last_day: rows.iter().map(|row| row.2).collect(),
            n_orders: rows.iter().map(|row| row.0).collect(),
            gross_revenue: rows.iter().map(|row| row.4).collect(),
            revenue: rows.iter().map(|row| row.4).collect(),
            margin: rows.iter().map(|_| None).collect(),
            repeat_revenue: rows.iter().map(|row| row.3).collect(),
        };
        // As many days as the features count, spread evenly.
        let mut purchase_days = PurchaseDays { starts: vec![0], ..PurchaseDays::default() };
        let mut corrections = Corrections { starts: vec![0], ..Corrections::default() };
        for (n_days, first, last, repeat_revenue, revenue) in &rows {
            for k in 0..*n_days as i32 {
                let (first, last) = (first.unwrap(), last.unwrap());
                purchase_days.day.push(first + (last - first) * k / (*n_days as i32 - 1).max(1));
                purchase_days.gone_on.push(NEVER);
                purchase_days.gross.push(if k == 0 {
                    revenue - repeat_revenue
                } else {
                    repeat_revenue / (*n_days as i64 - 1)
                });
            }
            purchase_days.starts.push(purchase_days.day.len());
            corrections.starts.push(0);
        }
        let data = Dataset {
            channels: Ids::default(),
            as_of,
            customer_ids: Ids::default(),
            product_ids: Ids::default(),
            products: Products::default(),
            purchase_days,
            orders: Orders::default(),
            corrections,
            baskets: Baskets::default(),
            product_gross_revenue: vec![],
            product_quantity: vec![],
            product_revenue: vec![],
            product_margin: vec![],
            attributes: vec![],
            contracts: None,
            contacts: crate::table::Contacts::default(),
            invoices: crate::table::Invoices::default(),
            responses: None,
            guest_revenue: 0,
        };
        Self { data, now }
    }

    pub(crate) fn base(&self) -> Base<'_> {
        Base { data: &self.data, now: &self.now }
    }

    fn run(&self, params: Params) -> Findings {
        LifetimeValue(params).run(&self.base(), &[]).unwrap()
    }
}

fn column<'a>(found: &'a Findings, name: &str) -> &'a Column {
    found.columns.iter().find(|column| column.name == name).unwrap()
}

fn numbers<'a>(found: &'a Findings, name: &str) -> &'a Nullable<f64> {
    match &column(found, name).values {
        Values::Number(values) => values,
        _ => panic!("not numbers"),
    }
}

fn money<'a>(found: &'a Findings, name: &str) -> &'a Nullable<i64> {
    match &column(found, name).values {
        Values::Money(values) => values,
        _ => panic!("not money"),
    }
}

#[test]
fn columns_are_as_promised_and_null_without_a_purchase_day() {
    let found = Example::new(600).run(Params::default());
    let promised = LifetimeValue::default().columns();
    assert_eq!(found.columns.len(), promised.len());
    for (column, spec) in found.columns.iter().zip(promised) {
        assert_eq!((&column.name, column.values.kind()), (&spec.name, spec.kind));
        // A date may be too far away, a flag has a reason to be there.
        let may_be_missing = ["clv_next_order_date", "clv_win_back_date", "clv_flag"].contains(&column.name.as_str());
        let n_unknown = column.values.n_unknown();
        assert_eq!(column.values.len(), 600);
        assert!(n_unknown == 60 || may_be_missing && (60..600).contains(&n_unknown), "{} {n_unknown}", column.name);
    }
    assert!(numbers(&found, "clv_p_alive").iter().flatten().all(|p| (0.0..=1.0).contains(&p)));
    assert!(found.valuation.is_some());
}

/// The definition: without interest lifetime value is orders times their value.
#[test]
fn without_interest_value_is_orders_times_order_value() {
    let found = Example::new(600).run(Params { discount_rate_per_year: 0.0, ..Params::default() });
    for ix in (0..600).filter(|ix| ix % 10 != 9) {
        let (orders, each) = (
            numbers(&found, "clv_expected_orders").get(ix).unwrap(),
            money(&found, "clv_expected_order_value").get(ix).unwrap() as f64,
        );
        let value = money(&found, "clv").get(ix).unwrap() as f64;
        assert!((value - orders * each).abs() <= 0.51 + 0.5 * orders, "{value} {orders} {each}");
    }
}

#[test]
fn orders_are_those_of_the_model_in_calendar_days() {
    let example = Example::new(600);
    let found = example.run(Params::default());
    let model = &found.valuation.as_ref().unwrap().model.purchases.pooled;
    for (ix, history) in histories::of_customers(&example.now).into_iter().enumerate() {
        let Some(history) = history else { continue };
        // 2026-06-30 to 2027-06-30.
        let expected = model.expected_purchases(history, 365.0);
        assert!((numbers(&found, "clv_expected_orders").get(ix).unwrap() / expected - 1.0).abs() < 1e-12);
    }
}

/// At a margin of a quarter on everything every order is worth a quarter.
#[test]
fn on_margin_an_order_is_worth_its_margin() {
    let mut example = Example::new(600);
    let on_revenue = example.run(Params::default());
    example.now.margin = example.now.revenue.iter().map(|revenue| Some(revenue / 4)).collect();
    let on_margin = example.run(Params::default());
    for ix in (0..600).filter(|ix| ix % 10 != 9) {
        let (whole, part) = (
            money(&on_revenue, "clv_expected_order_value").get(ix).unwrap(),
            money(&on_margin, "clv_expected_order_value").get(ix).unwrap(),
        );
        assert!((part as f64 - whole as f64 / 4.0).abs() < 1.0, "{whole} {part}");
    }
    assert!(on_margin.facts.contains(&("value_basis", super::super::Fact::Text("margin".to_owned()))));
}

/// Margin rates: own and base weighted by revenue and that of three average days; the base's where the own is unknown.
#[test]
fn margin_rates_shrink_to_the_base() {
    let mut example = Example::new(20);
    example.now.n_purchase_days = vec![1; 20];
    example.now.first_day = vec![20_000; 20].into();
    example.now.last_day = vec![20_000; 20].into();
    example.now.revenue = vec![1_000; 20];
    example.now.revenue[1] = -500;
    example.now.margin = (0..20).map(|ix| if ix == 2 { None } else { Some(if ix == 0 { 900 } else { 200 }) }).collect();
    let customers = histories::of_customers(&example.now);
    let basis = Basis::of(&example.now, &customers);
    // 19 known customers, one day each: revenue 18 × 1000 − 500, margin 900 + 18 × 200.
    let (revenue, margin) = (17_500.0, 4_500.0);
    let (rate, prior) = (margin / revenue, 3.0 * revenue / 19.0);
    assert_eq!(basis, Basis::Margin { base_rate: rate, prior_revenue: prior, n_unknown: 1 });
    let check = |ix: usize, expected: f64| assert!((basis.share_of_revenue(&example.now, ix) - expected).abs() < 1e-15);
    check(0, (900.0 + prior * rate) / (1_000.0 + prior));
    check(1, rate);
    check(2, rate);
}

#[test]
fn repeat_buyers_without_money_get_the_mean_and_are_counted() {
    let mut example = Example::new(600);
    let unpaid = (0..600).find(|ix| example.now.n_purchase_days[*ix] == 3).unwrap();
    let once = (0..600).find(|ix| example.now.n_purchase_days[*ix] == 1).unwrap();
    example.now.repeat_revenue[unpaid] = -100;
    let found = example.run(Params::default());
    assert_eq!(
        money(&found, "clv_expected_order_value").get(unpaid),
        money(&found, "clv_expected_order_value").get(once)
    );
    assert!(
        found.notes.iter().any(|note| note.starts_with("1 customers bought again without positive")),
        "{:?}",
        found.notes
    );
}

#[test]
fn a_base_without_repeats_is_null_with_a_reason() {
    let mut example = Example::new(600);
    example.now.n_purchase_days.iter_mut().for_each(|n| *n = (*n).min(1));
    let found = example.run(Params::default());
    assert!(found.columns.iter().all(|column| column.values.n_unknown() == 600));
    assert_eq!(found.notes, ["no lifetime values: no customer bought on a second day"]);
    assert!(found.valuation.is_none());
}

#[test]
fn without_repeat_money_orders_are_known_and_values_are_not() {
    let mut example = Example::new(600);
    example.now.repeat_revenue = vec![0; 600];
    let found = example.run(Params::default());
    assert_eq!(numbers(&found, "clv_expected_orders").n_unknown(), 60);
    assert_eq!(money(&found, "clv").n_unknown(), 600);
    assert!(found.notes.iter().any(|note| note.starts_with("no order values: 0 customers with repeat spend")));
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |horizon_months, discount_rate_per_year| {
        let params = Params { horizon_months, discount_rate_per_year, ..Params::default() };
        assert!(LifetimeValue(params).run(&Example::new(20).base(), &[]).is_err());
    };
    refused(0, 0.1);
    refused(1_201, 0.1);
    refused(12, -0.1);
    refused(12, f64::NAN);
}

#[test]
fn threads_change_no_bit() {
    let example = Example::new(9_000);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| example.run(Params::default()));
        (found.columns, found.facts)
    };
    assert!(on(1) == on(2));
}

/// Money in a year is worth less, the more money costs, and an interval holds no less than it says.
#[test]
fn a_higher_discount_rate_lowers_every_value() {
    let example = Example::new(600);
    let values = |rate: f64| {
        let params = Params { discount_rate_per_year: rate, ..named(PurchaseKind::MbgNbd) };
        let found = example.run(params);
        ["clv", "clv_residual", "clv_low", "clv_high"].map(|name| money(&found, name).iter().collect::<Vec<_>>())
    };
    let by_rate = [0.02, 0.1, 0.5].map(values);
    for pair in by_rate.windows(2) {
        for (lower, higher) in pair[0].iter().flatten().zip(pair[1].iter().flatten()) {
            assert!(higher <= lower, "{higher:?} at the higher rate, {lower:?} at the lower");
        }
    }
    let [clv, _, low, high] = &by_rate[1];
    assert!(low.iter().zip(high).all(|(low, high)| low <= high));
    let is_inside = |ix: &usize| low[*ix] <= clv[*ix] && clv[*ix] <= high[*ix];
    assert!((0..600).filter(is_inside).count() > 300, "a mean lies inside for most");
}

/// Whose repeats brought nothing has the spend of a new customer, interval included, and does not cost the sum its own.
#[test]
fn repeat_buyers_without_money_have_an_interval() {
    let mut example = Example::new(600);
    let unpaid = (0..600).find(|ix| example.now.n_purchase_days[*ix] == 4).unwrap();
    example.now.repeat_revenue[unpaid] = 0;
    let found = example.run(named(PurchaseKind::MbgNbd));
    assert!(money(&found, "clv_high").get(unpaid).unwrap() > 0);
    assert_eq!(money(&found, "clv_low").n_unknown(), 60);
    assert!(found.valuation.unwrap().equity.total().interval.is_some());
}

fn named(kind: PurchaseKind) -> Params {
    let opportunity = (kind == PurchaseKind::BgBb).then_some(Opportunity::Month);
    Params { model: ModelChoice::Named(kind), opportunity, ..Params::default() }
}

/// Every model scores in the same terms: chances grow with the window, and what is to come for ever is more than what comes in a year.
#[test]
fn every_model_fills_every_column() {
    let example = Example::new(600);
    for kind in PurchaseKind::ALL {
        let found = example.run(named(kind));
        assert_eq!(found.valuation.as_ref().unwrap().model.purchases.pooled.formulas().name(), kind.label());
        for ix in (0..600).filter(|ix| ix % 10 != 9) {
            let [in_30, in_90, in_365] =
                ["clv_p_buy_30", "clv_p_buy_90", "clv_p_buy_365"].map(|name| numbers(&found, name).get(ix).unwrap());
            assert!(0.0 <= in_30 && in_30 <= in_90 && in_90 <= in_365 && in_365 <= 1.0, "{kind:?} {in_30} {in_365}");
            assert!(in_365 <= numbers(&found, "clv_p_alive").get(ix).unwrap() + 1e-9, "who buys is alive");
            assert!(
                numbers(&found, "clv_expected_orders").get(ix).unwrap() >= in_365 - 1e-9,
                "who buys buys at least once"
            );
            assert!(
                money(&found, "clv_residual").get(ix).unwrap() >= money(&found, "clv").get(ix).unwrap(),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn dates_are_those_of_the_model() {
    let example = Example::new(600);
    let found = example.run(named(PurchaseKind::MbgNbd));
    let model = &found.valuation.as_ref().unwrap().model.purchases.pooled;
    let (Values::Date(next), Values::Date(win_back)) =
        (&column(&found, "clv_next_order_date").values, &column(&found, "clv_win_back_date").values)
    else {
        panic!("columns are not of the promised kinds")
    };
    let mut n_dated = 0;
    for (ix, history) in histories::of_customers(&example.now).into_iter().enumerate() {
        let Some(history) = history else { continue };
        if let Some(day) = next.get(ix) {
            n_dated += 1;
            let bought = 1.0 - model.probability_no_purchase(history, f64::from(day - example.now.as_of.0));
            assert!(bought >= 0.5 - 1e-9, "{bought}");
        }
        if let Some(day) = win_back.get(ix) {
            n_dated += 1;
            assert!(day >= example.now.last_day.get(ix).unwrap());
            assert_eq!(model.p_alive(history) < 0.5, day <= example.now.as_of.0);
        }
    }
    assert!(n_dated > 100, "{n_dated}");
}

#[test]
fn flags_say_why() {
    let mut example = Example::new(600);
    let again = (0..600).find(|ix| example.now.n_purchase_days[*ix] == 4).unwrap();
    let unpaid = (again + 1..600).find(|ix| example.now.n_purchase_days[*ix] == 4).unwrap();
    let once = (0..600).find(|ix| example.now.n_purchase_days[*ix] == 1).unwrap();
    example.now.repeat_revenue[unpaid] = 0;
    example.now.revenue[once] = example.now.gross_revenue[once] / 2;
    let found = example.run(named(PurchaseKind::MbgNbd));
    let Values::Text { codes, labels } = &column(&found, "clv_flag").values else { panic!("no text") };
    let flag = |ix: usize| labels.get(codes[ix] as usize).map(String::as_str);
    let of_base = found.facts.iter().any(|(name, fact)| {
        *name == "repeats_spend_correlation" && matches!(fact, super::super::Fact::Number(c) if c.abs() > 0.3)
    });
    assert!(!of_base, "the example is drawn without a correlation");
    assert_eq!(flag(again), None);
    assert_eq!(flag(unpaid), Some("no repeat revenue"));
    assert_eq!(flag(once), Some("one purchase day, refunds dominate"));
    assert_eq!(flag(9), None, "without a purchase day nothing is said");
}

/// At no interest a residual has no end; all else is there.
#[test]
fn without_interest_there_is_no_residual() {
    let found = Example::new(600).run(Params { discount_rate_per_year: 0.0, ..named(PurchaseKind::MbgNbd) });
    assert_eq!(column(&found, "clv_residual").values.n_unknown(), 600);
    assert!(found.notes.iter().any(|note| note.starts_with("no residual values")), "{:?}", found.notes);
}

#[test]
fn evidence_stands_in_facts_and_tables() {
    let found = Example::new(600).run(Params::default());
    let names: Vec<&str> = found.tables.iter().map(|table| table.name).collect();
    assert_eq!(names, ["clv_models", "clv_tracking", "clv_frequency", "clv_holdout"]);
    let evaluation = found.facts.iter().find(|(name, _)| *name == "evaluation");
    let Some((_, super::super::Fact::Group(evaluation))) = evaluation else { panic!("no evaluation") };
    assert_eq!(evaluation[1], ("holdout_days", super::super::Fact::Integer(215)));
    let mut short = Example::new(600);
    short.data.purchase_days = PurchaseDays { starts: vec![0; 601], ..PurchaseDays::default() };
    let found = short.run(Params::default());
    assert!(found.tables.is_empty());
    assert_eq!(found.valuation.unwrap().model.purchases.pooled.formulas().name(), "mbg-nbd");
    assert!(found.notes[0].contains("too short or too small for a holdout, mbg-nbd is used unproven"));
}
