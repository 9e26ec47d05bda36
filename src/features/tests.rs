//! Laws of the dataset: a look at the base as of a day sees what was known on that day, and nothing depends on the order of lines.

use proptest::prelude::*;

use super::{Baskets, CustomerFeatures, Dataset, Outline, at, build};
use crate::table::{self, Ids, LineKind, NO_COST, NO_ORDER, Nullable, Products};
use crate::units::{Day, NONE_IX};

/// Customer (3 is a guest), order, day, product, kind, pieces, amount; cost is half the amount or unknown.
type Line = (u32, u32, i32, u32, u8, i64, i64, bool);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (0..4_u32, 0..5_u32, 0..12_i32, 0..4_u32, 0..8_u8, 1..4_i64, 0..500_i64, prop::bool::weighted(0.9));
    prop::collection::vec(line, 1..60)
}

fn as_table(lines: &[Line]) -> Vec<table::Line> {
    lines
        .iter()
        .map(|(customer, order, day, product, kind, pieces, amount, cost_known)| {
            let (kind, sign) = match kind {
                0 => (LineKind::Return, -1),
                1 => (LineKind::Cancelled, -1),
                2 => (LineKind::Adjustment, -1),
                _ => (LineKind::Sale, 1),
            };
            table::Line {
                customer: if *customer == 3 { NONE_IX } else { *customer },
                product: *product,
                order: if *order == 4 { NO_ORDER } else { u64::from(*order) },
                day: *day,
                millis: 0,
                quantity: sign * pieces * 1_000,
                amount: sign * amount,
                cost: if *cost_known { sign * amount / 2 } else { NO_COST },
                kind,
            }
        })
        .collect()
}

fn dataset(lines: &[Line], as_of: i32) -> Dataset {
    let outline = Outline {
        customer_ids: Ids::from_sorted(["a", "b", "c"]),
        product_ids: Ids::from_sorted(["p", "q", "r", "s"]),
        products: Products {
            name: vec![String::new(); 4],
            not_merchandise: vec![false, false, false, true],
            ..Products::default()
        },
        as_of: Day(as_of),
        n_lines: lines.len() as u64,
        has_cost: true,
        not_merchandise_in_revenue: false,
    };
    build(outline, &as_table(lines)).0
}

fn known(column: &Nullable<i32>) -> Vec<Option<i32>> {
    column.iter().collect()
}

fn assert_same(a: &CustomerFeatures, b: &CustomerFeatures) -> Result<(), TestCaseError> {
    prop_assert_eq!(&a.n_purchase_days, &b.n_purchase_days);
    prop_assert_eq!(known(&a.first_day), known(&b.first_day));
    prop_assert_eq!(known(&a.last_day), known(&b.last_day));
    prop_assert_eq!(&a.n_orders, &b.n_orders);
    prop_assert_eq!(&a.gross_revenue, &b.gross_revenue);
    prop_assert_eq!(&a.revenue, &b.revenue);
    prop_assert_eq!(a.margin.iter().collect::<Vec<_>>(), b.margin.iter().collect::<Vec<_>>());
    prop_assert_eq!(&a.repeat_revenue, &b.repeat_revenue);
    Ok(())
}

fn contents(baskets: &Baskets) -> Vec<(u32, i32, Vec<u32>)> {
    let items = |basket: usize| baskets.product[baskets.starts[basket]..baskets.starts[basket + 1]].to_vec();
    (0..baskets.len()).map(|basket| (baskets.customer[basket], baskets.day[basket], items(basket))).collect()
}

proptest! {
    /// What is seen as of a day is what would be seen had the data ended there: a return exists only from its own date on.
    #[test]
    fn a_look_back_sees_only_what_was_known(lines in lines(), day in 0..12_i32) {
        let whole = dataset(&lines, 11);
        let until: Vec<Line> = lines.iter().copied().filter(|line| line.2 <= day).collect();
        // Without a sale to any customer nobody knows whether costs would be mapped.
        if !until.iter().any(|line| line.0 != 3 && line.3 != 3 && line.4 > 2) {
            return Ok(());
        }
        let ended = dataset(&until, day);
        assert_same(&at(&whole, Day(day)), &at(&ended, Day(day)))?;
        prop_assert_eq!(contents(&whole.baskets.as_of(day)), contents(&ended.baskets.as_of(day)));
    }

    /// The order of lines carries no meaning.
    #[test]
    fn shuffled_lines_give_the_same_dataset(lines in lines(), turn in 0..60_usize) {
        let mut shuffled = lines.clone();
        let n = shuffled.len();
        shuffled.rotate_left(turn % n);
        shuffled.reverse();
        let (a, b) = (dataset(&lines, 11), dataset(&shuffled, 11));
        assert_same(&at(&a, Day(11)), &at(&b, Day(11)))?;
        prop_assert_eq!(contents(&a.baskets), contents(&b.baskets));
        prop_assert_eq!(&a.baskets.returned, &b.baskets.returned);
        prop_assert_eq!(&a.product_revenue, &b.product_revenue);
        prop_assert_eq!(a.guest_revenue, b.guest_revenue);
    }

    /// Every cent that is not void or postage is somebody's: customers' net revenue is the sum of their lines.
    #[test]
    fn no_money_is_lost(lines in lines()) {
        let data = dataset(&lines, 11);
        let now = at(&data, Day(11));
        let all = as_table(&lines);
        let counted = all.iter().filter(|line| line.customer != NONE_IX && line.product != 3);
        let (cancelled, booked): (Vec<&table::Line>, Vec<&table::Line>) =
            counted.partition(|line| line.kind == LineKind::Cancelled);
        let sum = |lines: &[&table::Line]| lines.iter().map(|line| line.amount).sum::<i64>();
        let of_cancelled = now.revenue.iter().sum::<i64>() - sum(&booked);
        let most = sum(&cancelled);
        prop_assert!((most..=0).contains(&of_cancelled));
    }
}

#[test]
fn a_day_that_nets_to_nothing_still_counts_and_a_returned_one_does_not() {
    // Bought on days 0, 5 and 8; the second purchase is free, the third comes back whole on day 9.
    let lines = [
        (0, 0, 0, 0, 7, 1, 100, true),
        (0, 1, 5, 1, 7, 1, 0, true),
        (0, 2, 8, 2, 7, 2, 300, true),
        (0, 3, 9, 2, 0, 2, 300, true),
    ];
    let data = dataset(&lines, 11);
    let (before, now) = (at(&data, Day(8)), at(&data, Day(11)));
    assert_eq!((before.n_purchase_days[0], before.last_day.get(0), before.repeat_revenue[0]), (3, Some(8), 300));
    assert_eq!((now.n_purchase_days[0], now.last_day.get(0), now.repeat_revenue[0]), (2, Some(5), 0));
    assert_eq!((now.n_orders[0], now.gross_revenue[0], now.revenue[0], now.margin.get(0)), (2, 400, 100, Some(50)));
}
