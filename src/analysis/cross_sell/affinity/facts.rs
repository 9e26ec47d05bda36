//! Affinities as figures, and what the reader must know about them.

use super::super::super::Fact;
use super::levels::Level;
use super::{Affinities, Params};

/// Returns the figures for manifest and summary.
pub(super) fn facts(found: &Affinities, params: &Params) -> Vec<(&'static str, Fact)> {
    let integer = |n: usize| Fact::Integer(n as i64);
    let Affinities { products, categories, .. } = found;
    let sizes = || products.matrix.rows.starts.windows(2).map(|bounds| bounds[1] - bounds[0]);
    let n_pairs = products.matrix.total_co_volume() / 2;
    let by_size = products.sets.n_by_size().into_iter().map(integer).collect();
    let of_categories = |n: fn(&Level) -> usize| integer(categories.as_ref().map_or(0, n));
    let mut facts = vec![
        ("level", Fact::Text(params.unit.label().to_owned())),
        ("n_baskets", integer(products.matrix.n_baskets())),
        ("n_baskets_too_large", integer(products.matrix.n_left_out)),
        ("n_customers_too_large", integer(found.orders.n_left_out)),
        ("n_items_in_largest_basket", integer(sizes().max().unwrap_or(0))),
        ("n_pairs", Fact::Integer(n_pairs as i64)),
        ("min_support_count", Fact::Integer(products.sets.min_count.into())),
        ("min_support_count_of_larger_sets", Fact::Integer(products.sets.min_count_of_larger.into())),
        ("n_itemsets_by_size", Fact::List(by_size)),
        ("n_significant_rules", integer(products.counts.significant)),
        ("n_rules_with_substitutes", integer(products.counts.with_substitutes)),
        ("n_rules_implied_by_categories", integer(products.counts.implied)),
        ("n_rules", integer(products.rules.len())),
        ("n_category_rules", of_categories(|level| level.rules.len())),
        ("n_substitutes", integer(products.substitutes.pairs.len())),
        ("n_category_substitutes", of_categories(|level| level.substitutes.pairs.len())),
        ("n_substitute_tests", Fact::Integer(products.substitutes.n_tests as i64)),
        ("n_sequences", integer(found.orders.sequences.len())),
        ("n_sequence_tests", Fact::Integer(found.orders.n_tests as i64)),
        ("n_up_sells", integer(found.up_sells.len())),
        ("n_up_sell_tests", Fact::Integer(found.orders.n_step_tests as i64)),
    ];
    facts.extend(products.matrix.expected_lift().map(|lift| ("expected_lift", Fact::Number(lift))));
    facts.extend(found.by_chance.map(|chance| {
        let group = vec![
            ("n_rules", integer(chance.rules)),
            ("n_category_rules", integer(chance.category_rules)),
            ("n_substitutes", integer(chance.substitutes)),
            ("n_sequences", integer(chance.sequences)),
            ("n_up_sells", integer(chance.up_sells)),
        ];
        ("by_chance", Fact::Group(group))
    }));
    facts
}

/// Returns what the reader must know: what was too large to count, and which thresholds had to be raised.
pub(super) fn notes(found: &Affinities, params: &Params) -> Vec<String> {
    let asked = params.min_support_count;
    let short = |what: &str, needed: u32| {
        let gib = params.memory_bytes as f64 / (1_u64 << 30) as f64;
        format!(
            "{what} were searched from {needed} occurrences on: from {asked} on they need more than `cross-sell.memory-limit` ({gib:.1} GiB); raise it, or set \
             `cross-sell.min-support-count = {needed}`"
        )
    };
    let raised = |level: &Level, what: &str| {
        let (pairs, larger) = (level.sets.min_count, level.sets.min_count_of_larger);
        let substitutes = level.substitutes.min_count;
        let of_rules = match () {
            () if pairs > asked => Some(short(&format!("rules of {what}"), pairs)),
            () if larger > asked => Some(format!(
                "{}, or lower `cross-sell.max-items-per-rule`",
                short(&format!("rules of more than two {what}"), larger)
            )),
            () => None,
        };
        let of_pairs = || short(&format!("substitutes among {what}"), substitutes);
        of_rules.into_iter().chain((substitutes > asked).then(of_pairs)).collect::<Vec<_>>()
    };
    let mut notes = raised(&found.products, "products");
    notes.extend(found.categories.iter().flat_map(|level| raised(level, "categories")));
    if found.orders.min_count > asked {
        notes.push(short("sequences", found.orders.min_count));
    }
    let matrix = &found.products.matrix;
    if matrix.n_left_out > 0 {
        notes.push(format!(
            "{} of {} {}s hold more than {} products (`cross-sell.max-items-per-basket`) and count for no rule",
            matrix.n_left_out,
            matrix.n_left_out + matrix.n_baskets(),
            params.unit.label(),
            params.max_items_per_row(),
        ));
    }
    if found.orders.n_left_out > 0 {
        notes.push(format!(
            "{} customers bought more than {} products (ten times `cross-sell.max-items-per-basket`) and count for no sequence",
            found.orders.n_left_out,
            params.max_items_per_customer(),
        ));
    }
    notes
}
