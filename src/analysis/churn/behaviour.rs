//! What is known of a customer on the eve of a cut: counts, money, gaps, in the customer's own figures.
//!
//! A cut at day `C` sees lines dated before `C` only; a return exists from its own date on. Windows are the last 30, 90, 180 and 365 days up to
//! `C − 1`, both ends included. Purchase days are those of [`crate::features`]: a sale line that was not returned in full by then.
//!
//! | figure                 | unit                                                        |
//! |------------------------|-------------------------------------------------------------|
//! | `recency`, `tenure`    | days from the last and the first purchase day to `C − 1`    |
//! | `n_days`, `n_orders`   | purchase days, orders                                       |
//! | `orders_in`            | orders in each window                                       |
//! | `money_in`, `revenue`  | minor units, net of what had come back by then              |
//! | `gross`, `returned`    | minor units, sale lines and what came back of them          |
//! | `gap_*`                | days between purchase days; known from the second one on    |
//! | `n_products`           | distinct products in all baskets, returned or not           |
//! | `activity`             | orders, each `e^(−days since/30)` or `/120`                 |
//! | `last_items`, `last_money` | products of the last basket, money of the last purchase day |
//! | `year_before`          | orders in the days of the horizon, one year earlier         |
//!
//! `O(purchase days + orders + corrections + items log items)` of a customer. Source of the set: Ballings and Van den Poel, "Customer Event History
//! for Churn Prediction", Expert Systems with Applications 39 (2012), table 2.

use crate::analysis::lifetime_value::histories::History;
use crate::features::Dataset;
use crate::units::{Day, NONE_IX};

/// Days of the windows.
pub const WINDOWS: [i32; 4] = [30, 90, 180, 365];

/// Days in which the weight of an order falls to `1/e`.
pub const MEMORIES: [f64; 2] = [30.0, 120.0];

/// Days of a year for looking one back: whole weeks, so that weekends meet weekends.
pub const YEAR: i32 = 364;

/// One customer on the eve of a cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Behaviour {
    pub recency: u32,
    pub tenure: u32,
    pub n_days: u32,
    pub n_orders: u32,
    pub orders_in: [u32; WINDOWS.len()],
    /// Orders in the second last window of 90 days.
    pub orders_before_90: u32,
    pub money_in: [i64; WINDOWS.len()],
    pub revenue: i64,
    pub gross: i64,
    pub returned: i64,
    pub gap_mean: Option<f64>,
    /// Standard deviation; from the third purchase day on.
    pub gap_deviation: Option<f64>,
    pub gap_shortest: u32,
    pub gap_longest: u32,
    pub n_products: u32,
    pub n_items: u32,
    /// Orders that count less the older they are, by each of [`MEMORIES`].
    pub activity: [f64; MEMORIES.len()],
    /// Distinct products in the last basket.
    pub last_items: u32,
    /// Net of what had come back by then, minor units.
    pub last_money: i64,
    /// Unknown where the data do not reach back that far.
    pub year_before: Option<u32>,
}

impl Behaviour {
    /// Returns what a purchase model knows of the customer.
    pub fn history(&self) -> History {
        History {
            n_repeats: self.n_days.saturating_sub(1),
            days_to_last: self.tenure.saturating_sub(self.recency),
            age_days: self.tenure,
        }
    }

    /// Returns recency over the customer's own mean gap.
    pub fn overdue(&self) -> Option<f64> {
        self.gap_mean.map(|gap| f64::from(self.recency) / gap.max(1.0))
    }

    /// Returns net revenue an order, in minor units.
    pub fn order_value(&self) -> f64 {
        self.revenue as f64 / f64::from(self.n_orders.max(1))
    }

    /// Returns the share of the money that came back.
    pub fn returns_share(&self) -> f64 {
        if self.gross > 0 { (self.returned as f64 / self.gross as f64).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A base that is looked at from cuts.
#[derive(Debug)]
pub struct Records<'a> {
    pub data: &'a Dataset,
    /// First day with a sale line to a customer.
    pub first_day: Day,
    /// Baskets of customer `c` are `basket_starts[c]..basket_starts[c + 1]`.
    basket_starts: Vec<usize>,
}

impl<'a> Records<'a> {
    /// Finds the baskets of each customer; nothing where nobody bought anything.
    pub fn new(data: &'a Dataset) -> Option<Self> {
        let first_day = Day(*data.purchase_days.day.iter().min()?);
        let (mut basket_starts, mut at) = (Vec::with_capacity(data.n_customers() + 1), 0);
        for customer in 0..data.n_customers() as u32 {
            basket_starts.push(at);
            while data.baskets.customer.get(at).is_some_and(|of| *of == customer && *of != NONE_IX) {
                at += 1;
            }
        }
        basket_starts.push(at);
        Some(Self { data, first_day, basket_starts })
    }

    /// Looks at a customer on the eve of a cut; nothing where no purchase day is known by then.
    pub fn before(&self, cut: Day, horizon: i32, customer: usize) -> Option<Behaviour> {
        let today = cut.0 - 1;
        let mut found = Behaviour::default();
        self.days(today, customer, &mut found)?;
        self.orders(today, horizon, customer, &mut found);
        self.products(today, customer, &mut found);
        Some(found)
    }

    /// Says whether a customer buys nothing in the days from `cut` on that is kept by the end of them.
    pub fn is_lost(&self, cut: Day, horizon: i32, customer: usize) -> bool {
        let days = &self.data.purchase_days;
        let end = cut.0 + horizon - 1;
        let row = days.starts[customer]..days.starts[customer + 1];
        let from = row.start + days.day[row.clone()].partition_point(|day| *day < cut.0);
        !(from..row.end).take_while(|ix| days.day[*ix] <= end).any(|ix| days.gone_on[ix] > end)
    }

    fn days(&self, today: i32, customer: usize, found: &mut Behaviour) -> Option<()> {
        let (days, corrections) = (&self.data.purchase_days, &self.data.corrections);
        let (mut first, mut last) = (None, 0);
        let (mut sum, mut squares) = (0.0, 0.0);
        found.gap_shortest = u32::MAX;
        for ix in days.starts[customer]..days.starts[customer + 1] {
            let (day, gone_on) = (days.day[ix], days.gone_on[ix]);
            if day > today {
                break;
            }
            add(found, today, day, days.gross[ix]);
            found.gross += days.gross[ix];
            if gone_on <= today {
                continue;
            }
            if first.is_some() {
                let gap = day.abs_diff(last);
                sum += f64::from(gap);
                squares += f64::from(gap) * f64::from(gap);
                found.gap_shortest = found.gap_shortest.min(gap);
                found.gap_longest = found.gap_longest.max(gap);
            }
            first = first.or(Some(day));
            (last, found.last_money) = (day, days.gross[ix]);
            found.n_days += 1;
        }
        let changes = corrections.starts.get(customer).copied().zip(corrections.starts.get(customer + 1).copied());
        for ix in changes.map_or(0..0, |(from, to)| from..to).filter(|ix| corrections.known_on[*ix] <= today) {
            add(found, today, corrections.day[ix], corrections.revenue[ix]);
            found.last_money += if corrections.day[ix] == last { corrections.revenue[ix] } else { 0 };
            found.returned += (-corrections.revenue[ix]).max(0);
        }
        let first = first?;
        found.recency = today.abs_diff(last);
        found.tenure = today.abs_diff(first);
        let n = f64::from(found.n_days - 1);
        if n > 0.0 {
            let mean = sum / n;
            found.gap_mean = Some(mean);
            found.gap_deviation = (n > 1.0).then(|| ((squares - n * mean * mean).max(0.0) / (n - 1.0)).sqrt());
        }
        Some(())
    }

    fn orders(&self, today: i32, horizon: i32, customer: usize, found: &mut Behaviour) {
        let orders = &self.data.orders;
        let rows = orders.starts.get(customer).copied().zip(orders.starts.get(customer + 1).copied());
        // The days of the horizon, one year earlier; a long horizon ends on the eve of the cut.
        let (from, to) = (today + 1 - YEAR, (today + horizon - YEAR).min(today));
        let mut year_before = 0;
        for ix in rows.map_or(0..0, |(from, to)| from..to) {
            let day = orders.day[ix];
            if day > today || orders.gone_on[ix] <= today {
                continue;
            }
            found.n_orders += 1;
            for (window, n) in WINDOWS.iter().zip(&mut found.orders_in) {
                *n += u32::from(today - day < *window);
            }
            for (memory, sum) in MEMORIES.iter().zip(&mut found.activity) {
                *sum += (-f64::from(today - day) / memory).exp();
            }
            found.orders_before_90 += u32::from((90..180).contains(&(today - day)));
            year_before += u32::from((from..=to).contains(&day));
        }
        found.year_before = (self.first_day.0 <= from).then_some(year_before);
    }

    fn products(&self, today: i32, customer: usize, found: &mut Behaviour) {
        let baskets = &self.data.baskets;
        let own = self.basket_starts[customer]..self.basket_starts[customer + 1];
        let n = own.clone().take_while(|basket| baskets.day[*basket] <= today).count();
        if n == 0 {
            return;
        }
        let last = own.start + n - 1;
        found.last_items = (baskets.starts[last + 1] - baskets.starts[last]) as u32;
        let mut items = baskets.product[baskets.starts[own.start]..baskets.starts[own.start + n]].to_vec();
        found.n_items = items.len() as u32;
        items.sort_unstable();
        items.dedup();
        found.n_products = items.len() as u32;
    }
}

/// Adds money of a day to the total and to the windows that hold it.
fn add(found: &mut Behaviour, today: i32, day: i32, money: i64) {
    found.revenue += money;
    for (window, sum) in WINDOWS.iter().zip(&mut found.money_in) {
        *sum += if today - day < *window { money } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::{Outline, build};
    use crate::table::{Ids, Line, LineKind, NO_COST, Products};

    const HORIZON: i32 = 90;
    const CUT: Day = Day(600);

    fn dataset(lines: &[Line], as_of: i32) -> Dataset {
        let outline = Outline {
            customer_ids: Ids::from_sorted(["a", "b", "c"]),
            product_ids: Ids::from_sorted(["p", "q", "r"]),
            products: Products { name: vec![String::new(); 3], not_merchandise: vec![false; 3], ..Products::default() },
            as_of: Day(as_of),
            n_lines: lines.len() as u64,
            has_cost: false,
            not_merchandise_in_revenue: false,
        };
        build(outline, lines).0
    }

    fn sale(customer: u32, order: u64, day: i32, product: u32, amount: i64) -> Line {
        let kind = LineKind::Sale;
        Line { customer, product, order, day, millis: 0, quantity: 1_000, amount, cost: NO_COST, kind }
    }

    fn lines() -> impl Strategy<Value = Vec<Line>> {
        let line = (0..3_u32, 0..40_u64, 0..700_i32, 0..3_u32, 1..900_i64, prop::bool::weighted(0.25));
        let line = line.prop_map(|(customer, order, day, product, amount, returned)| {
            let line = sale(customer, order, day, product, amount);
            let back = Line { quantity: -1_000, amount: -amount, kind: LineKind::Return, ..line };
            if returned { back } else { line }
        });
        prop::collection::vec(line, 1..60)
    }

    proptest! {
        /// A look from the eve of a cut is the same whether or not anything happened from the cut on: no feature knows the label.
        #[test]
        fn nothing_from_the_cut_on_is_seen(lines in lines()) {
            let whole = dataset(&lines, 699);
            let before: Vec<Line> = lines.iter().copied().filter(|line| line.day < CUT.0).collect();
            let ended = dataset(&before, CUT.0 - 1);
            let look = |data: &Dataset| -> Vec<Option<Behaviour>> {
                let records = Records::new(data);
                (0..3).map(|customer| records.as_ref()?.before(CUT, HORIZON, customer)).collect()
            };
            prop_assert_eq!(look(&whole), look(&ended));
        }
    }

    #[test]
    fn figures_are_those_of_the_days_before_the_cut() {
        let lines = [
            sale(0, 1, 100, 0, 1_000),
            sale(0, 2, 250, 1, 2_000),
            sale(0, 2, 250, 0, 500),
            sale(0, 3, 590, 1, 4_000),
            sale(0, 4, 610, 2, 9_999),
            // Came back before the cut: no purchase, though bought.
            sale(1, 5, 595, 2, 700),
            Line { quantity: -1_000, amount: -700, kind: LineKind::Return, ..sale(1, 6, 598, 2, 700) },
        ];
        let data = dataset(&lines, 699);
        let records = Records::new(&data).unwrap();
        let found = records.before(CUT, HORIZON, 0).unwrap();
        assert_eq!((found.recency, found.tenure, found.n_days, found.n_orders), (9, 499, 3, 3));
        assert_eq!((found.orders_in, found.money_in), ([1, 1, 1, 2], [4_000, 4_000, 4_000, 6_500]));
        assert_eq!((found.gap_mean, found.gap_shortest, found.gap_longest), (Some(245.0), 150, 340));
        assert!((found.gap_deviation.unwrap() - (2.0_f64 * 95.0 * 95.0).sqrt()).abs() < 1e-9);
        assert_eq!((found.n_products, found.n_items, found.last_items, found.last_money), (2, 4, 1, 4_000));
        // Days 236 to 325 are those of the horizon one year earlier.
        assert_eq!(found.year_before, Some(1));
        assert_eq!(found.history(), History { n_repeats: 2, days_to_last: 490, age_days: 499 });
        assert_eq!(records.before(CUT, HORIZON, 1), None);
        assert!(!records.is_lost(CUT, HORIZON, 0) && records.is_lost(CUT, 10, 0) && !records.is_lost(CUT, 11, 0));
    }
}
