//! Offers, audiences and the proof as columns.

use super::proof::Row;
use super::ranking::{Audience, Because, Offer};
use super::value::Value;
use crate::analysis::SideTable;
use crate::table::{Column, ColumnKind, ColumnSpec, Ids, Nullable, ProductLabels, Values};
use crate::units::NONE_IX;

/// Returns what the columns of `k` offers are called and mean.
pub fn specs(k: usize) -> Vec<ColumnSpec> {
    use ColumnKind::{Money, Number, Text};
    (1..=k)
        .flat_map(|i| {
            [
                ColumnSpec::new(format!("offer_{i}"), Text, "product to offer next"),
                ColumnSpec::new(format!("offer_{i}_name"), Text, "name of the product to offer"),
                ColumnSpec::new(
                    format!("offer_{i}_probability"),
                    Number,
                    "probability that the customer buys it within the horizon, 0 to 1",
                ),
                ColumnSpec::new(
                    format!("offer_{i}_margin"),
                    Money,
                    "expected margin: probability times the mean margin of a purchase (revenue where no cost is known)",
                ),
                ColumnSpec::new(
                    format!("offer_{i}_reason"),
                    Text,
                    "why it is offered, with the customer's own figures",
                ),
                ColumnSpec::new(
                    format!("offer_{i}_fallback"),
                    Text,
                    "best-seller or category-best-seller, where only that speaks for it",
                ),
            ]
        })
        .collect()
}

/// Writes the columns of [`specs`]; `reasons` is one column a place.
pub fn columns(offers: &[Offer], k: usize, labels: &ProductLabels, value: &Value, reasons: Vec<Values>) -> Vec<Column> {
    let mut columns = Vec::with_capacity(6 * k);
    for (nth, reasons) in reasons.into_iter().enumerate() {
        let of_customers = || offers.chunks_exact(k).map(|list| list[nth]);
        let i = nth + 1;
        columns.extend([
            Column::new(format!("offer_{i}"), labels.ids(of_customers().map(|offer| offer.product))),
            Column::new(format!("offer_{i}_name"), labels.names(of_customers().map(|offer| offer.product))),
            Column::new(format!("offer_{i}_probability"), Values::Number(of_customers().map(probability).collect())),
            Column::new(
                format!("offer_{i}_margin"),
                Values::Money(of_customers().map(|offer| value.expected(offer.product, probability(offer)?)).collect()),
            ),
            Column::new(format!("offer_{i}_reason"), reasons),
            Column::new(format!("offer_{i}_fallback"), fallbacks(of_customers().map(|offer| offer.because))),
        ]);
    }
    columns
}

fn probability(offer: Offer) -> Option<f64> {
    (offer.probability >= 0.0).then(|| six_places(offer.probability))
}

/// Rounds to the decimal places that single precision is good for.
pub fn six_places(probability: f32) -> f64 {
    (f64::from(probability) * 1e6).round() / 1e6
}

fn fallbacks(because: impl Iterator<Item = Because>) -> Values {
    let code = |because| match because {
        Because::BestSeller => 0,
        Because::BestOfCategory => 1,
        _ => NONE_IX,
    };
    let labels = ["best-seller", "category-best-seller"].map(str::to_owned);
    Values::Text { codes: because.map(code).collect(), labels: labels.into() }
}

/// Writes the best customers of each product that the pipeline asks for, in its order; with the cost of a contact, what it gains.
pub fn audiences(
    found: &[(u32, Audience)],
    customers: &Ids,
    labels: &ProductLabels,
    value: &Value,
    contact_cost: Option<i64>,
) -> SideTable {
    let rows = || {
        found.iter().flat_map(|(product, audience)| audience.iter().map(move |(p, customer)| (*product, *p, *customer)))
    };
    let ranks = found.iter().flat_map(|(_, audience)| 1..=audience.len() as i64).collect::<Vec<_>>();
    let ids: Vec<&str> = rows().map(|(.., customer)| customers.get(customer)).collect();
    let margin = || rows().map(|(product, p, _)| value.expected(product, six_places(p)));
    let mut columns = vec![
        Column::new("product_id", labels.ids(rows().map(|(product, ..)| product))),
        Column::new("product_name", labels.names(rows().map(|(product, ..)| product))),
        Column::new("rank", Values::Integer(ranks.into())),
        Column::new("customer_id", Values::from_texts(ids.into_iter().map(Some))),
        Column::new("probability", Values::Number(rows().map(|(_, p, _)| Some(six_places(p))).collect())),
        Column::new("expected_margin", Values::Money(margin().collect())),
    ];
    if let Some(cost) = contact_cost {
        columns
            .push(Column::new("expected_gain", Values::Money(margin().map(|margin| Some(margin? - cost)).collect())));
    }
    SideTable { name: "offer_audiences", columns }
}

/// Writes the proof.
pub fn proof(rows: &[Row]) -> SideTable {
    let number = |of: &dyn Fn(&Row) -> Option<f64>| Values::Number(rows.iter().map(of).collect());
    let integer = |of: &dyn Fn(&Row) -> usize| {
        Values::Integer(Nullable::from(rows.iter().map(|row| of(row) as i64).collect::<Vec<_>>()))
    };
    let mut columns = vec![
        Column::new("block", Values::from_texts(rows.iter().map(|row| Some(row.block)))),
        Column::new("method", Values::from_texts(rows.iter().map(|row| Some(row.method)))),
        Column::new("k", integer(&|row| row.k)),
        Column::new("n_customers", integer(&|row| row.n_customers)),
    ];
    for (ix, name) in ["recall", "ndcg", "hit_rate"].into_iter().enumerate() {
        let of = |row: &Row| [row.recall, row.ndcg, row.hit_rate][ix];
        columns.push(Column::new(name, number(&|row| Some(of(row).mean))));
        columns.push(Column::new(format!("{name}_low"), number(&|row| Some(of(row).low))));
        columns.push(Column::new(format!("{name}_high"), number(&|row| Some(of(row).high))));
    }
    columns.push(Column::new("coverage", number(&|row| Some(row.coverage))));
    columns.push(Column::new("fallback_share", number(&|row| row.fallback_share)));
    SideTable { name: "offer_proof", columns }
}
