//! What is known of a customer on the eve of a cut: counts, money, gaps, in the customer's own figures.
//!
//! Sums stop at the largest amount there is. A cut at day `C` sees lines dated before `C` only; a return exists from its own date on. Windows are the last 30, 90, 180 and 365 days up to
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
//! | `n_discounted`         | orders at a discount; unknown where the export does not tell |
//! | `by_channel`           | orders by each of the main channels of the base             |
//! | `n_contacts`, `n_complaints` | in the last 365 days, with `days_since_complaint`     |
//! | `days_late`, `n_overdue` | mean delay of payment in days; open invoices that were due |
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

/// Channels that are told apart: those with most orders.
pub const MAIN_CHANNELS: usize = 6;

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
    /// Orders with a line at a discount; unknown where the export does not tell.
    pub n_discounted: Option<u32>,
    /// Orders by each of the main channels.
    pub by_channel: [u32; MAIN_CHANNELS],
    /// In the last 365 days; unknown where no contacts are read.
    pub n_contacts: Option<u32>,
    pub n_complaints: Option<u32>,
    /// Days from the last complaint to `C − 1`.
    pub days_since_complaint: Option<u32>,
    /// Mean days of delay of the invoices due in the last 365 days, those that were still open by then included.
    pub days_late: Option<f64>,
    /// Invoices due by then and still open; unknown where no invoices are read.
    pub n_overdue: Option<u32>,
    /// Unknown where the data do not reach back that far, or the customer came later.
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

    /// Returns the share of the orders that were made at a discount.
    pub fn discount_share(&self) -> Option<f64> {
        (self.n_orders > 0).then_some(f64::from(self.n_discounted?) / f64::from(self.n_orders))
    }

    /// Returns the share of the orders that came by a main channel.
    pub fn channel_share(&self, channel: usize) -> f64 {
        f64::from(self.by_channel[channel]) / f64::from(self.n_orders.max(1))
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
    /// Ranks of the channels with most orders, most first; empty where there are not two.
    pub main_channels: Vec<u16>,
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
        Some(Self { data, first_day, main_channels: main_channels(data), basket_starts })
    }

    /// Looks at a customer on the eve of a cut; nothing where no purchase day is known by then.
    pub fn before(&self, cut: Day, horizon: i32, customer: usize) -> Option<Behaviour> {
        let today = cut.0 - 1;
        let mut found = Behaviour::default();
        self.days(today, customer, &mut found)?;
        self.orders(today, horizon, customer, &mut found);
        self.products(today, customer, &mut found);
        self.contacts(today, customer, &mut found);
        self.invoices(today, customer, &mut found);
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
            found.gross = found.gross.saturating_add(days.gross[ix]);
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
            let of_last = if corrections.day[ix] == last { corrections.revenue[ix] } else { 0 };
            found.last_money = found.last_money.saturating_add(of_last);
            found.returned = found.returned.saturating_add(corrections.revenue[ix].saturating_neg().max(0));
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
            if let Some(is_discounted) = orders.is_discounted.get(ix) {
                *found.n_discounted.get_or_insert(0) += u32::from(*is_discounted);
            }
            if let Some(channel) = orders.channel.get(ix)
                && let Some(at) = self.main_channels.iter().position(|main| main == channel)
            {
                found.by_channel[at] += 1;
            }
            for (window, n) in WINDOWS.iter().zip(&mut found.orders_in) {
                *n += u32::from(today - day < *window);
            }
            for (memory, sum) in MEMORIES.iter().zip(&mut found.activity) {
                *sum += (-f64::from(today - day) / memory).exp();
            }
            found.orders_before_90 += u32::from((90..180).contains(&(today - day)));
            year_before += u32::from((from..=to).contains(&day));
        }
        let was_there = found.tenure >= today.abs_diff(to);
        found.year_before = (self.first_day.0 <= from && was_there).then_some(year_before);
    }

    fn contacts(&self, today: i32, customer: usize, found: &mut Behaviour) {
        let contacts = &self.data.contacts;
        let Some([from, to]) = contacts.starts.get(customer..customer + 2) else { return };
        let (mut n_contacts, mut n_complaints) = (0, 0);
        for ix in (*from..*to).take_while(|ix| contacts.day[*ix] <= today) {
            let ago = today.abs_diff(contacts.day[ix]);
            let is_recent = u32::from(ago < WINDOWS[3] as u32);
            n_contacts += is_recent;
            if contacts.is_complaint[ix] {
                n_complaints += is_recent;
                found.days_since_complaint = Some(ago);
            }
        }
        (found.n_contacts, found.n_complaints) = (Some(n_contacts), Some(n_complaints));
    }

    fn invoices(&self, today: i32, customer: usize, found: &mut Behaviour) {
        let invoices = &self.data.invoices;
        let Some([from, to]) = invoices.starts.get(customer..customer + 2) else { return };
        let (mut n, mut late, mut n_overdue) = (0_u32, 0.0, 0);
        for ix in (*from..*to).take_while(|ix| invoices.due[*ix] <= today) {
            let (due, paid) = (invoices.due[ix], invoices.paid[ix]);
            n_overdue += u32::from(paid > today && due < today);
            if today.abs_diff(due) < WINDOWS[3] as u32 {
                n += 1;
                late += f64::from((paid.min(today) - due).max(0));
            }
        }
        found.days_late = (n > 0).then(|| late / f64::from(n));
        found.n_overdue = Some(n_overdue);
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

/// Finds the channels with most orders, the first name first among equals.
fn main_channels(data: &Dataset) -> Vec<u16> {
    let mut n_orders = vec![0_u64; data.channels.len()];
    for channel in &data.orders.channel {
        if let Some(n) = n_orders.get_mut(usize::from(*channel)) {
            *n += 1;
        }
    }
    let mut ranks: Vec<usize> = (0..n_orders.len()).filter(|rank| n_orders[*rank] > 0).collect();
    ranks.sort_by_key(|rank| std::cmp::Reverse(n_orders[*rank]));
    ranks.truncate(MAIN_CHANNELS);
    if ranks.len() < 2 { vec![] } else { ranks.into_iter().map(|rank| rank as u16).collect() }
}

/// Adds money of a day to the total and to the windows that hold it.
fn add(found: &mut Behaviour, today: i32, day: i32, money: i64) {
    found.revenue = found.revenue.saturating_add(money);
    for (window, sum) in WINDOWS.iter().zip(&mut found.money_in) {
        *sum = sum.saturating_add(if today - day < *window { money } else { 0 });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::{Outline, build};
    use crate::table::{Contacts, Ids, Invoices, Line, LineKind, NO_CHANNEL, NO_COST, Products};

    const HORIZON: i32 = 90;
    const CUT: Day = Day(600);

    fn dataset(lines: &[Line], as_of: i32) -> Dataset {
        let outline = Outline {
            customer_ids: Ids::from_sorted(["a", "b", "c"]),
            product_ids: Ids::from_sorted(["p", "q", "r"]),
            products: Products { name: vec![String::new(); 3], not_merchandise: vec![false; 3], ..Products::default() },
            as_of: Day(as_of),
            n_lines: lines.len() as u64,
            channels: Ids::default(),
            has_discounts: true,
            has_cost: false,
            not_merchandise_in_revenue: false,
        };
        build(outline, lines).0
    }

    fn sale(customer: u32, order: u64, day: i32, product: u32, amount: i64) -> Line {
        let kind = LineKind::Sale;
        Line {
            customer,
            product,
            order,
            day,
            millis: 0,
            quantity: 1_000,
            amount,
            cost: NO_COST,
            kind,
            channel: NO_CHANNEL,
            is_discounted: amount % 2 == 0,
        }
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

    /// Customer, day, days to the payment, complaint: a contact and an invoice that is due on that day.
    fn events() -> impl Strategy<Value = Vec<(u32, i32, i32, bool)>> {
        prop::collection::vec((0..3_u32, 0..700_i32, -20..200_i32, prop::bool::ANY), 0..40)
    }

    fn laid_out(events: &[(u32, i32, i32, bool)]) -> (Contacts, Invoices) {
        let starts: Vec<usize> = (0..4).map(|customer| events.partition_point(|event| event.0 < customer)).collect();
        let day: Vec<i32> = events.iter().map(|event| event.1).collect();
        let is_complaint = events.iter().map(|event| event.3).collect();
        let paid = events.iter().map(|event| event.1 + event.2).collect();
        (Contacts { starts: starts.clone(), day: day.clone(), is_complaint }, Invoices { starts, due: day, paid })
    }

    proptest! {
        /// A look from the eve of a cut is the same whether or not anything happened from the cut on: no feature knows the label.
        #[test]
        fn nothing_from_the_cut_on_is_seen(lines in lines(), mut events in events()) {
            events.sort_unstable();
            let mut whole = dataset(&lines, 699);
            (whole.contacts, whole.invoices) = laid_out(&events);
            let before: Vec<Line> = lines.iter().copied().filter(|line| line.day < CUT.0).collect();
            let mut ended = dataset(&before, CUT.0 - 1);
            // Who pays from the cut on has not paid on its eve.
            events.retain(|event| event.1 < CUT.0);
            events.iter_mut().filter(|event| event.1 + event.2 >= CUT.0).for_each(|event| event.2 = i32::MAX / 2);
            (ended.contacts, ended.invoices) = laid_out(&events);
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
