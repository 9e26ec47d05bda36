//! Cross-sell: what stands in the same basket, and what to offer each customer next.
//!
//! Two questions with two answers. The tables `rules`, `substitutes`, `sequences` and `up_sells` say what is bought together, instead of each
//! other and one after the other more often than chance ([`affinity`]), for the reader and for bundles; guests count in baskets. The columns
//! `offer_1 …` say what a customer should be offered ([`offers`]), from what customers own over time: that predicts the next purchase better
//! than baskets do.
//!
//! Both count on baskets as of as-of: returned items are out, and products that are not merchandise have never been in.

pub mod affinity;
#[cfg(test)]
pub(super) mod fixture;
pub mod offers;
pub mod rows;

use self::affinity::Affinities;
use super::{Analysis, AnalysisError, Base, Findings};
use crate::table::{ColumnSpec, ProductLabels};

/// How many offers, and what affinities are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Offers that each customer gets.
    pub offers_per_customer: usize,
    /// Nearest products that each product points at.
    pub neighbours_per_product: usize,
    /// Rules, substitutes, sequences.
    pub affinity: affinity::Params,
    /// How offers are made.
    pub offers: offers::Params,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            offers_per_customer: 3,
            neighbours_per_product: 50,
            affinity: affinity::Params::default(),
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
        let Params { offers_per_customer: k, neighbours_per_product, ref affinity, offers: ref params } = self.0;
        let baskets = data.baskets.as_of(data.as_of.0);
        let labels = ProductLabels::new(&data.product_ids, &data.products);
        let (affinities, made) = rayon::join(
            || Affinities::find(data, &baskets, affinity),
            || offers::make(data, &baskets, params, k, neighbours_per_product, &labels),
        );

        let mut facts = affinities.facts(affinity);
        facts.extend(made.facts);
        let mut notes = affinities.notes(affinity);
        if baskets.is_empty() {
            notes.push("no basket with merchandise is known, so there are neither rules nor offers".to_owned());
        }
        notes.extend(made.notes);
        let mut tables = affinities.tables(&labels, affinity);
        tables.extend(made.tables);
        Ok(Findings { columns: made.columns, tables, facts, notes, ..Findings::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::fixture::{dataset, features, texts};
    use super::*;
    use crate::features::{Baskets, Dataset};
    use crate::table::{Column, Values};
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
        let affinity = affinity::Params { max_q_value: 0.05, ..affinity::Params::default() };
        let found = run(&data, Params { affinity, ..Params::default() });
        let table = &found.tables[0];
        assert_eq!(texts(column(&table.columns, "antecedent_1")), [Some("p0001"), Some("p0000")]);
        assert_eq!(texts(column(&table.columns, "antecedent_2")), [None, None]);
        assert_eq!(texts(column(&table.columns, "consequent_name")), [Some("product 0"), Some("product 1")]);
        let integer = |name| match column(&table.columns, name) {
            Values::Integer(values) => values.get(0).unwrap(),
            other => panic!("{name} is {:?}", other.kind()),
        };
        assert_eq!(["n_both", "n_antecedent", "n_consequent", "n_baskets"].map(integer), [19, 20, 21, 27]);
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

        /// The number of threads, and the order of a customer's baskets on one day, change nothing.
        #[test]
        fn threads_and_order_change_nothing(baskets in histories()) {
            let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            let mut turned = baskets.clone();
            turned.reverse();
            turned.sort_by_key(|(customer, day, _)| (*customer, *day));
            let data = dataset(11, 15, fixture::baskets(&baskets));
            let other = dataset(11, 15, fixture::baskets(&turned));
            let affinity = affinity::Params { min_support_count: 1, max_q_value: 0.5, ..affinity::Params::default() };
            let params = Params { affinity, ..Params::default() };
            let (one, three) = (
                pool(1).install(|| run(&data, params.clone())),
                pool(3).install(|| run(&other, params.clone())),
            );
            prop_assert_eq!(one.columns, three.columns);
            for (one, three) in one.tables.iter().zip(&three.tables) {
                prop_assert_eq!(&one.columns, &three.columns, "{}", one.name);
            }
            prop_assert_eq!(one.facts, three.facts);
        }
    }
}
