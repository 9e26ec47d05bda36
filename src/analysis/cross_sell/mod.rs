//! Cross-sell: what stands in the same basket, and what to offer each customer next.
//!
//! Two questions with two answers. The table `rules` says which products meet in baskets more often than chance ([`rules`]), for
//! the reader and for bundles; guests count. The columns `offer_1 …` say what a customer should be offered ([`offers`]), from what
//! customers own over time: that predicts the next purchase better than baskets do.
//!
//! Both count on baskets as of as-of: returned items are out, and products that are not merchandise have never been in.

#[cfg(test)]
pub(super) mod fixture;
pub mod offers;
pub mod rows;
pub mod rules;

use self::rules::Rules;
use super::{Analysis, AnalysisError, Base, Fact, Findings, SideTable};
use crate::table::{Column, ColumnSpec, ProductLabels, Values};

/// How many offers, and how much evidence they and the rules need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Offers that each customer gets.
    pub offers_per_customer: usize,
    /// Baskets that two products must share to make a rule.
    pub min_support_count: u32,
    /// Nearest products that each product points at, and rules that are kept for it.
    pub neighbours_per_product: usize,
    /// How offers are made.
    pub offers: offers::Params,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            offers_per_customer: 3,
            min_support_count: 5,
            neighbours_per_product: 50,
            offers: offers::Params::default(),
        }
    }
}

/// The analysis `cross_sell`.
#[derive(Debug, Clone, Default)]
pub struct CrossSell(pub Params);

impl Analysis for CrossSell {
    fn name(&self) -> &'static str {
        "cross_sell"
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        offers::tables::specs(self.0.offers_per_customer)
    }

    fn run(&self, base: &Base<'_>, _: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        let data = base.data;
        let Params { offers_per_customer: k, min_support_count, neighbours_per_product, offers: ref params } = self.0;
        let baskets = data.baskets.as_of(data.as_of.0);
        let labels = ProductLabels::new(&data.product_ids, &data.products);
        let (rules, made) = rayon::join(
            || Rules::mine(&baskets, data.n_products(), min_support_count),
            || offers::make(data, &baskets, params, k, neighbours_per_product, &labels),
        );

        let strongest = rules.strongest(neighbours_per_product);
        let mut facts = vec![
            ("n_baskets", Fact::Integer(rules.n_baskets as i64)),
            ("n_items_in_largest_basket", Fact::Integer(rules.largest_basket as i64)),
            ("n_pairs", Fact::Integer(rules.n_pairs as i64)),
            ("n_supported_pairs", Fact::Integer(rules.rules.len() as i64)),
            ("n_rules", Fact::Integer(strongest.len() as i64)),
        ];
        facts.extend(rules.expected_lift().map(|lift| ("expected_lift", Fact::Number(lift))));
        facts.extend(made.facts);
        let mut notes = Vec::new();
        if baskets.is_empty() {
            notes.push("no basket with merchandise is known, so there are neither rules nor offers".to_owned());
        }
        notes.extend(made.notes);
        let mut tables = vec![rule_table(&rules, &strongest, &labels)];
        tables.extend(made.tables);
        Ok(Findings { columns: made.columns, tables, facts, notes, ..Findings::default() })
    }
}

fn rule_table(rules: &Rules, list: &[rules::Rule], labels: &ProductLabels) -> SideTable {
    let (a, b) = (|| list.iter().map(|rule| rule.a), || list.iter().map(|rule| rule.b));
    let integer = |value: &dyn Fn(&rules::Rule) -> u32| {
        Values::Integer(list.iter().map(|rule| i64::from(value(rule))).collect::<Vec<_>>().into())
    };
    let number =
        |value: &dyn Fn(&rules::Rule) -> f64| Values::Number(list.iter().map(value).collect::<Vec<_>>().into());
    let columns = vec![
        Column::new("product_a", labels.ids(a())),
        Column::new("product_a_name", labels.names(a())),
        Column::new("product_b", labels.ids(b())),
        Column::new("product_b_name", labels.names(b())),
        Column::new("n_baskets", integer(&|rule| rule.n_both)),
        Column::new("n_a", integer(&|rule| rules.n(rule.a))),
        Column::new("n_b", integer(&|rule| rules.n(rule.b))),
        Column::new("support", number(&|rule| rules.support(rule))),
        Column::new("confidence", number(&|rule| rules.confidence(rule))),
        Column::new("confidence_reverse", number(&|rule| f64::from(rule.n_both) / f64::from(rules.n(rule.b)))),
        Column::new("lift", number(&|rule| rules.lift(rule))),
        Column::new("lift_adjusted", number(&|rule| rules.lift_adjusted(rule))),
        Column::new("evidence", number(&|rule| rule.evidence)),
    ];
    SideTable { name: "rules", columns }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::fixture::{dataset, features, texts};
    use super::*;
    use crate::features::{Baskets, Dataset};
    use crate::units::NONE_IX;

    fn run(data: &Dataset, params: Params) -> Findings {
        let now = features(&vec![(Some(1), 1, 100); data.n_customers()]);
        CrossSell(params).run(&Base { data, now: &now }, &[]).unwrap()
    }

    fn column<'a>(columns: &'a [Column], name: &str) -> &'a Values {
        &columns.iter().find(|column| column.name == name).unwrap().values
    }

    /// Twenty customers own products 0 and 1, five own 3; customer 25 owns only 0, customer 26 nothing; a guest bought 4.
    fn shop() -> Dataset {
        let mut orders: Vec<(u32, i32, Vec<u32>)> = (0..20).map(|customer| (customer, 10, vec![0, 1])).collect();
        orders.extend((20..25).map(|customer| (customer, 10, vec![3])));
        orders.extend([(25, 10, vec![0]), (NONE_IX, 10, vec![1, 4])]);
        dataset(27, 5, fixture::baskets(&orders))
    }

    #[test]
    fn offers_follow_similarity_then_popularity() {
        let params = Params { offers_per_customer: 2, ..Params::default() };
        let found = run(&shop(), params.clone());
        let first = texts(column(&found.columns, "offer_1"));
        let second = texts(column(&found.columns, "offer_2"));
        // Who owns 0 is offered 1, and after it only what sells; product 4 was bought by a guest alone.
        assert_eq!((first[25], second[25]), (Some("p0001"), Some("p0003")));
        assert_eq!((first[0], second[0]), (Some("p0003"), None));
        assert_eq!((first[20], second[20]), (Some("p0000"), Some("p0001")));
        assert_eq!((first[26], second[26]), (None, None));
        assert_eq!(texts(column(&found.columns, "offer_1_name"))[25], Some("product 1"));
        assert_eq!(
            texts(column(&found.columns, "offer_1_reason"))[25],
            Some("bought product 0 once; 95% of product 0 buyers also buy product 1, 2.0 times more than expected")
        );
        let fallback = |i: usize| texts(column(&found.columns, &format!("offer_{i}_fallback")))[25];
        assert_eq!((fallback(1), fallback(2)), (None, Some("best-seller")));
        // Nothing is proven on a base this small.
        assert_eq!(column(&found.columns, "offer_1_probability").n_unknown(), 27);
        assert!(found.notes[0].starts_with("offers: unproven"), "{:?}", found.notes);
        let promised: Vec<_> = CrossSell(params).columns().into_iter().map(|spec| (spec.name, spec.kind)).collect();
        let written: Vec<_> = found.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
        assert_eq!(promised, written);
    }

    #[test]
    fn rules_count_guests_and_leave_out_what_was_returned() {
        let mut data = shop();
        // Customer 0 gave product 1 back on day 20, customer 1 after as-of.
        data.baskets.returned = vec![(1, 20), (3, fixture::AS_OF + 1)];
        let found = run(&data, Params::default());
        let table = &found.tables[0];
        assert_eq!(texts(column(&table.columns, "product_a")), [Some("p0000")]);
        assert_eq!(texts(column(&table.columns, "product_b")), [Some("p0001")]);
        let integer = |name| match column(&table.columns, name) {
            Values::Integer(values) => values.get(0).unwrap(),
            other => panic!("{name} is {:?}", other.kind()),
        };
        assert_eq!(["n_baskets", "n_a", "n_b"].map(integer), [19, 21, 20]);
        // What was given back is not owned, and not offered either.
        for i in 1..=3 {
            assert_ne!(texts(column(&found.columns, &format!("offer_{i}")))[0], Some("p0001"));
        }
        assert_eq!(texts(column(&found.columns, "offer_1"))[0], Some("p0003"));
    }

    #[test]
    fn what_is_not_merchandise_is_never_offered() {
        let mut data = shop();
        data.products.not_merchandise[1] = true;
        let found = run(&data, Params::default());
        for i in 1..=3 {
            assert!(!texts(column(&found.columns, &format!("offer_{i}"))).contains(&Some("p0001")));
        }
    }

    #[test]
    fn an_empty_shop_is_an_honest_nothing() {
        let found = run(&dataset(3, 0, Baskets::default()), Params::default());
        assert!(found.columns.iter().all(|column| column.values.n_unknown() == 3));
        assert_eq!(found.notes.len(), 1);
        let none = Params { offers_per_customer: 0, ..Params::default() };
        assert!(run(&shop(), none).columns.is_empty());
        let no_neighbours = run(&shop(), Params { neighbours_per_product: 0, ..Params::default() });
        assert_eq!(texts(column(&no_neighbours.columns, "offer_1"))[25], Some("p0001"));
    }

    /// Baskets of up to 12 customers, the last of whom is a guest, by customer, then day.
    fn histories() -> impl Strategy<Value = Vec<(u32, i32, Vec<u32>)>> {
        let basket = (0_u32..12, 0_i32..900, prop::collection::btree_set(0_u32..15, 1..6));
        prop::collection::vec(basket, 0..60).prop_map(|mut baskets| {
            baskets.sort_by_key(|(customer, day, _)| (*customer, *day));
            let guest = |customer| if customer == 11 { NONE_IX } else { customer };
            baskets.into_iter().map(|(customer, day, set)| (guest(customer), day, set.into_iter().collect())).collect()
        })
    }

    proptest! {
        /// Nobody is offered what it owns, or the same product twice.
        #[test]
        fn owned_products_are_never_offered(baskets in histories(), k in 1_usize..16) {
            let data = dataset(11, 15, fixture::baskets(&baskets));
            let found = run(&data, Params { offers_per_customer: k, ..Params::default() });
            for customer in 0..11 {
                let mut seen: BTreeSet<String> = baskets
                    .iter()
                    .filter(|basket| basket.0 == customer)
                    .flat_map(|basket| basket.2.iter().map(|product| format!("p{product:04}")))
                    .collect();
                for i in 1..=k {
                    if let Some(offer) = texts(column(&found.columns, &format!("offer_{i}")))[customer as usize] {
                        prop_assert!(seen.insert(offer.to_owned()), "{}", offer);
                    }
                }
            }
        }

        /// Every pair is counted as by looking at each basket in turn.
        #[test]
        fn pairs_are_counted_exactly(baskets in histories()) {
            let mined = Rules::mine(&fixture::baskets(&baskets), 15, 1);
            let n = |a: u32, b: u32| baskets.iter().filter(|basket| basket.2.contains(&a) && basket.2.contains(&b)).count();
            for rule in &mined.rules {
                prop_assert_eq!(rule.n_both as usize, n(rule.a, rule.b));
            }
            let all: usize = (0..15).flat_map(|a| (a + 1..15).map(move |b| (a, b))).map(|(a, b)| n(a, b)).sum();
            prop_assert_eq!(mined.rules.iter().map(|rule| rule.n_both as usize).sum::<usize>(), all);
            prop_assert_eq!(mined.n_pairs, all as u64);
        }

        /// The number of threads, and the order of a customer's baskets on one day, change nothing.
        #[test]
        fn threads_and_order_change_nothing(baskets in histories()) {
            let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            let mut turned = baskets.clone();
            turned.reverse();
            turned.sort_by_key(|(customer, day, _)| (*customer, *day));
            let data = dataset(11, 15, fixture::baskets(&baskets));
            let other = dataset(11, 15, fixture::baskets(&turned));
            let params = Params { min_support_count: 1, ..Params::default() };
            let (one, three) = (
                pool(1).install(|| run(&data, params.clone())),
                pool(3).install(|| run(&other, params.clone())),
            );
            prop_assert_eq!(one.columns, three.columns);
            prop_assert_eq!(&one.tables[0].columns, &three.tables[0].columns);
            prop_assert_eq!(one.facts, three.facts);
        }
    }
}
