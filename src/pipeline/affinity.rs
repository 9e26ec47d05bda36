//! The keys of `[cross-sell]` about rules, substitutes, sequences and up-sells.

use super::definition::quoted;
use super::reader::Reader;
use super::shape::key;
use super::words::words;
use crate::analysis::cross_sell::affinity::Params;
use crate::analysis::cross_sell::affinity::itemsets::Kind;
use crate::analysis::cross_sell::affinity::matrix::Unit;
use crate::units::Period;

/// Bytes in a GiB.
const GIB: f64 = (1_u64 << 30) as f64;

/// Most products of a rule that anybody reads.
const MOST_ITEMS: u32 = 8;

const DAYS_OF_A_MONTH: f64 = 365.25 / 12.0;

/// Reads the keys.
pub(super) fn affinity(table: &mut Reader<'_, '_>) -> Params {
    let defaults = Params::default();
    let level = key("level", "What the products of a rule were bought in: one basket, or all baskets of a customer")
        .default(quoted(defaults.unit.label()));
    let support = key("min-support-count", "How many baskets or customers must hold all products of a rule")
        .unit("baskets or customers")
        .default(defaults.min_support_count.to_string());
    let basket = key("max-items-per-basket", "Most products of a basket that counts; of a customer ten times as many")
        .unit("products")
        .default(defaults.max_items_per_basket.to_string());
    let items = key("max-items-per-rule", "Most products of a rule, both sides together")
        .unit("products")
        .default(defaults.max_items_per_rule.to_string());
    let confidence = key("min-confidence", "How many baskets with the antecedent of a rule must hold the consequent")
        .unit("share of them")
        .default(format!("{:.2}", defaults.min_confidence));
    let rules = key("rules-per-consequent", "Best rules that are kept of each consequent")
        .unit("rules")
        .default(defaults.rules_per_consequent.to_string());
    let q = key("max-q-value", "How much of what is reported may be chance")
        .unit("share of it")
        .default(format!("{:.2}", defaults.max_q_value));
    let window = key("sequence-window", "How soon one purchase must follow another to count as a sequence")
        .default(quoted(Period::Days(defaults.sequence_days)));
    let ratio = key("up-sell-price-ratio", "How much dearer the second product of an up-sell must be")
        .unit("times the price of the first")
        .default(format!("{:.1}", defaults.up_sell_price_ratio));
    let itemsets = key(
        "itemsets",
        "Which sets of products are listed in the table `itemsets`, up to the size of a rule; without it none",
    )
    .example(r#""closed""#);
    let memory = key("memory-limit", "Memory for what is found; where it is too little, `min-support-count` is raised")
        .unit("GiB")
        .default(format!("{:.1}", defaults.memory_bytes as f64 / GIB));
    Params {
        unit: table.word(level, &words(Unit::ALL, Unit::label)).unwrap_or(defaults.unit),
        min_support_count: table.whole(support, 1, 1_000_000).unwrap_or(defaults.min_support_count),
        max_items_per_basket: table.whole(basket, 2, 1_000_000).map_or(defaults.max_items_per_basket, |n| n as usize),
        max_items_per_rule: table.whole(items, 2, MOST_ITEMS).map_or(defaults.max_items_per_rule, |n| n as usize),
        min_confidence: table.number(confidence, 0.0, 1.0).unwrap_or(defaults.min_confidence),
        rules_per_consequent: table.whole(rules, 1, 1_000).map_or(defaults.rules_per_consequent, |n| n as usize),
        max_q_value: table.number(q, 1e-9, 0.5).unwrap_or(defaults.max_q_value),
        sequence_days: table.period(window, false).map_or(defaults.sequence_days, days_of),
        up_sell_price_ratio: table.number(ratio, 1.0, 100.0).unwrap_or(defaults.up_sell_price_ratio),
        itemsets: table.word(itemsets, &words(Kind::ALL, Kind::label)),
        memory_bytes: table.number(memory, 0.01, 1_000.0).map_or(defaults.memory_bytes, |gib| (gib * GIB) as usize),
        null_check: false,
    }
}

/// Days of a window that begins on any day: months have their mean length.
fn days_of(period: Period) -> u32 {
    match period {
        Period::Days(days) => days,
        Period::Months(months) => (f64::from(months) * DAYS_OF_A_MONTH).round() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_of_their_mean_length() {
        assert_eq!([Period::Days(14), Period::Months(6), Period::Months(12)].map(days_of), [14, 183, 365]);
    }
}
