//! Laws of the search: against counting by hand, on any number of threads, within its budget.

use proptest::prelude::*;

use super::super::fixture::{self, dataset};
use super::itemsets::{Itemsets, Kind, Node};
use super::memory::{TooMany, What};
use super::*;

fn matrix(baskets: &[Vec<u32>], n_products: usize) -> BasketMatrix {
    BasketMatrix::of(Rows::build(baskets.len(), |row, items| items.extend_from_slice(&baskets[row])), n_products)
}

/// Every set of products with its count, by looking at each basket.
fn by_hand(baskets: &[Vec<u32>], n_products: u32, min_count: u32) -> Vec<(u32, u32)> {
    let masks: Vec<u32> = baskets.iter().map(|basket| basket.iter().map(|product| 1 << product).sum()).collect();
    let count = |set: u32| masks.iter().filter(|mask| *mask & set == set).count() as u32;
    (1..1_u32 << n_products).map(|set| (set, count(set))).filter(|(_, n)| *n >= min_count).collect()
}

fn mask(sets: &Itemsets, matrix: &BasketMatrix, node: Node) -> u32 {
    let mut items = Vec::new();
    sets.items(node, &mut items);
    assert!(items.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(sets.find(items.iter().copied()), Some(node));
    items.iter().map(|item| 1 << matrix.product[*item as usize]).sum()
}

fn nodes(sets: &Itemsets) -> impl Iterator<Item = Node> {
    (0..sets.levels.len()).flat_map(|level| sets.nodes(level))
}

#[test]
fn a_set_of_exactly_the_least_support_is_frequent() {
    // Two baskets of one product each at 0.5: arules issue 72.
    let matrix = matrix(&[vec![0], vec![1]], 2);
    let min_count = threshold::Threshold::of(0.5).count(matrix.n_baskets());
    assert_eq!(Itemsets::mine(&matrix, min_count, 5, sets(100)).unwrap().n_by_size(), [2]);
    assert!(Itemsets::mine(&matrix, 2, 5, sets(100)).unwrap().is_empty());
}

#[test]
fn seven_baskets_have_the_rules_of_arules() {
    // tests/testthat of arules: twenty itemsets at 0.1.
    let baskets: [&[u32]; 7] = [&[0, 1, 2], &[0, 1], &[0, 1, 3], &[1, 4], &[0, 2], &[2, 4], &[0, 1, 3, 4]];
    let matrix = matrix(&baskets.map(<[u32]>::to_vec), 5);
    let sets = Itemsets::mine(&matrix, threshold::Threshold::of(0.1).count(7), 10, sets(1_000)).unwrap();
    assert_eq!(sets.len(), 20);
}

#[test]
fn too_many_sets_end_the_search_before_they_are_built() {
    let all: Vec<u32> = (0..40).collect();
    let baskets = matrix(&vec![all; 8], 40);
    // 2^40 sets are in all eight baskets.
    let too_many = |what, most| Err(TooMany { what, most, min_count: 8 });
    assert_eq!(Itemsets::mine(&baskets, 8, 40, sets(5_000)), too_many(What::LargerSets, 5_000));
    assert_eq!(Itemsets::mine(&baskets, 8, 2, sets(700)), too_many(What::Pairs, 700));
    assert_eq!(Itemsets::mine(&baskets, 8, 2, sets(780)).map(|sets| sets.len()), Ok(820));
    assert_eq!(Itemsets::mine(&baskets, 9, 40, sets(1)).map(|sets| sets.len()), Ok(0));
    // With a budget the threshold is raised, that of pairs last.
    let found = Itemsets::mine_within(&baskets, 5, 5, 40, sets(5_000));
    assert_eq!((found.min_count, found.min_count_of_larger, found.n_by_size()), (5, 10, vec![40, 780]));
    let found = Itemsets::mine_within(&baskets, 5, 5, 40, sets(700));
    assert_eq!((found.min_count, found.min_count_of_larger, found.n_by_size()), (10, 10, vec![0]));
}

/// Room for some sets of two items and more.
fn sets(sets: usize) -> Room {
    Room { sets, ..Room::NO_LIMIT }
}

/// A hundred baskets of three products that stand together, beside others: 6 rules of two products and 3 of three.
fn rules_in(rules: usize) -> Level {
    let mut baskets: Vec<Vec<u32>> = (0..900_u32).map(|nth| vec![3 + nth % 30, 33 + nth * 7 % 29]).collect();
    baskets.extend((0..100).map(|_| vec![0, 1, 2]));
    let params = Params { min_confidence: 0.0, ..Params::default() };
    Level::mine(matrix(&baskets, 62), Substitutes::default(), &params, Room { rules, ..Room::NO_LIMIT })
}

#[test]
fn rules_that_do_not_fit_raise_the_threshold() {
    let all = rules_in(1_000);
    let n = all.counts.significant;
    assert!(n > 5, "{n}");
    assert_eq!((all.sets.min_count, rules_in(n).sets.min_count, rules_in(n).counts), (5, 5, all.counts));
    let short = rules_in(n - 1);
    assert!(short.sets.min_count_of_larger > 5 && short.counts.significant < n);
    assert_eq!(rules_in(0).rules, []);
}

#[test]
fn the_note_names_the_threshold_and_what_would_suffice() {
    let baskets: Vec<(u32, i32, Vec<u32>)> =
        (0..300).map(|nth| (nth, 10, if nth % 3 == 0 { vec![0, 1] } else { vec![2 + nth % 5, 7 + nth % 4] })).collect();
    let data = dataset(300, 11, fixture::baskets(&baskets));
    let notes = |params: Params| Affinities::find(&data, &data.baskets, &params).notes(&params);
    let is_short = |note: &String| {
        note.starts_with("rules of products were searched from 160 occurrences on: from 5 on they need more")
    };
    assert!(!notes(Params::default()).iter().any(|note| note.contains("memory-limit")));
    let short = notes(Params { memory_bytes: 200, ..Params::default() });
    let needed = "`cross-sell.memory-limit` (0.0 GiB); raise it, or set `cross-sell.min-support-count = 160`";
    assert!(short.iter().any(|note| is_short(note) && note.ends_with(needed)), "{short:?}");
    // What the note asks for is enough.
    let enough = notes(Params { memory_bytes: 200, min_support_count: 160, ..Params::default() });
    assert!(!enough.iter().any(|note| note.contains("memory-limit")), "{enough:?}");
}

#[test]
fn one_wholesale_basket_makes_no_rule() {
    // Sixty products are bought alone or with their neighbour, and one basket holds them all.
    let mut baskets: Vec<Vec<u32>> = (0..600_u32).map(|nth| vec![nth % 60]).collect();
    baskets.extend((0..60).map(|nth| vec![nth % 2, 2 + nth % 58]));
    baskets.push((0..60).collect());
    let params = Params { min_support_count: 1, min_confidence: 0.0, ..Params::default() };
    let (found, _) = mine(matrix(&baskets, 60), None, &[NONE_IX; 60], &params);
    assert_eq!(found.rules, []);
}

#[test]
fn no_rule_rests_on_one_wholesale_invoice() {
    // Neighbours among 674 products meet four times, once too few, and a fifth time in an invoice that holds them all.
    let mut baskets: Vec<(u32, i32, Vec<u32>)> =
        (0..337 * 4).map(|nth| (nth, 1, vec![nth % 337 * 2, nth % 337 * 2 + 1])).collect();
    baskets.extend(
        (0..4_000)
            .map(|nth| (2_000 + nth, 1, (0..20).map(|place| 674 + place * 50 + nth * (place + 7) % 50).collect())),
    );
    // Two of them go together indeed.
    baskets.extend((0..40).map(|nth| (9_000 + nth, 1, vec![0, 1])));
    let without = dataset(9_999, 1_674, fixture::baskets(&baskets));
    baskets.push((9_998, 1, (0..674).collect()));
    let with = dataset(9_999, 1_674, fixture::baskets(&baskets));
    let pairs = |data: &Dataset, most: usize| -> Vec<(u32, u32)> {
        let params = Params { max_items_per_basket: most, max_items_per_rule: 2, ..Params::default() };
        let found = Affinities::find(data, &data.baskets, &params);
        let Level { rules, sets, matrix, .. } = found.products;
        let of_rule = |rule: &significance::Rule| {
            (rule.candidate.antecedent_products(&sets, &matrix)[0], matrix.product[rule.candidate.consequent as usize])
        };
        rules.iter().map(of_rule).filter(|(first, then)| (*first).max(*then) < 674).collect()
    };
    let (by_default, real) = (pairs(&with, 200), pairs(&without, 200));
    assert_eq!((real.len(), &by_default), (2, &real));
    // Counted as any other basket, it would make each pair of neighbours a rule.
    assert_eq!(pairs(&with, 1_000).len(), 674);
}

#[test]
fn categories_imply_the_rules_of_their_products() {
    // Any of three beers goes with any of three liquors, and beer 0 with liquor 3 in particular; 6 to 19 are bought at random.
    let mut baskets = Vec::new();
    for nth in 0..900_u32 {
        let mut basket = match nth % 9 {
            0 => vec![nth / 9 % 3, 3 + nth / 27 % 3],
            1 if nth % 2 == 0 => vec![0, 3],
            _ => vec![6 + nth % 14],
        };
        basket.push(6 + nth * 7 % 13);
        basket.sort_unstable();
        basket.dedup();
        baskets.push(basket);
    }
    let category: Vec<u32> = (0..20).map(|product| if product < 6 { product / 3 } else { 2 + product % 5 }).collect();
    let params = Params { max_q_value: 0.05, ..Params::default() };
    let (products, categories) = mine(matrix(&baskets, 20), None, &category, &params);
    let pairs = |level: &Level| -> Vec<(u32, u32)> {
        let of_rule = |rule: &significance::Rule| {
            let antecedent = rule.candidate.antecedent_products(&level.sets, &level.matrix);
            (antecedent[0], level.matrix.product[rule.candidate.consequent as usize])
        };
        let mut pairs: Vec<_> = level.rules.iter().map(of_rule).collect();
        pairs.sort_unstable();
        pairs
    };
    let categories = categories.unwrap();
    assert_eq!(pairs(&categories), [(0, 1), (1, 0)]);
    assert_eq!(pairs(&products), [(0, 3), (3, 0)]);
    assert!(products.counts.implied > 0);
}

#[test]
fn the_null_check_is_reported_and_changes_nothing_else() {
    let baskets: Vec<(u32, i32, Vec<u32>)> =
        (0..300).map(|nth| (nth, 10, if nth % 3 == 0 { vec![0, 1] } else { vec![2 + nth % 5, 7 + nth % 4] })).collect();
    let data = dataset(300, 11, fixture::baskets(&baskets));
    let params = Params::default();
    let plain = Affinities::find(&data, &data.baskets, &params);
    let checked = Affinities::find(&data, &data.baskets, &Params { null_check: true, ..params });
    assert_eq!(plain.by_chance, None);
    assert_eq!(
        checked.by_chance,
        Some(Chance { rules: 0, category_rules: 0, substitutes: 0, sequences: 0, up_sells: 0 })
    );
    assert_eq!(checked.products.rules, plain.products.rules);
    assert!(!plain.products.rules.is_empty());
}

fn some_baskets() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let dense = prop::collection::btree_set(0_u32..9, 3..9);
    let sparse = prop::collection::btree_set(0_u32..9, 0..4);
    let basket = prop_oneof![dense, sparse].prop_map(|set| set.into_iter().collect());
    prop::collection::vec(basket, 0..150)
}

proptest! {
    /// A higher threshold of larger sets leaves out what is below it, and nothing else.
    #[test]
    fn a_raised_threshold_keeps_what_is_above_it(baskets in some_baskets(), most in 40_usize..300) {
        let matrix = matrix(&baskets, 9);
        let all = Itemsets::mine(&matrix, 1, 9, Room::NO_LIMIT).unwrap();
        let some = Itemsets::mine_within(&matrix, 1, 1, 9, sets(most));
        prop_assert_eq!(some.min_count, 1);
        prop_assert!(some.len() <= most + 9);
        let is_in = |node: &Node| node.level < 2 || all.count(*node) >= some.min_count_of_larger;
        let expected: Vec<u32> = nodes(&all).filter(is_in).map(|node| mask(&all, &matrix, node)).collect();
        prop_assert_eq!(nodes(&some).map(|node| mask(&some, &matrix, node)).collect::<Vec<_>>(), expected);
    }

    /// Every frequent set is found once, with its count, whatever room there is for triangles and bits; closed and maximal ones are what they should be.
    #[test]
    fn sets_are_those_counted_by_hand(baskets in some_baskets(), min_count in 1_u32..20, max_items in 1_usize..10, dense_bytes in 0_usize..2_000) {
        let matrix = matrix(&baskets, 9);
        let sets = Itemsets::mine(&matrix, min_count, max_items, Room { dense_bytes, ..Room::NO_LIMIT }).unwrap();
        let expected = by_hand(&baskets, 9, min_count);
        let mut found: Vec<(u32, u32)> = nodes(&sets).map(|node| (mask(&sets, &matrix, node), sets.count(node))).collect();
        found.sort_unstable();
        let short: Vec<_> = expected.iter().copied().filter(|(set, _)| set.count_ones() as usize <= max_items).collect();
        prop_assert_eq!(&found, &short);
        if max_items < 9 {
            return Ok(());
        }
        for (kind, keeps) in [(Kind::Closed, true), (Kind::Maximal, false)] {
            let larger = |(set, n): (u32, u32)| {
                expected.iter().any(|(other, m)| other & set == set && *other != set && (!keeps || *m == n))
            };
            let mut wanted: Vec<u32> = expected.iter().filter(|set| !larger(**set)).map(|(set, _)| *set).collect();
            let is_kind = sets.of_kind(kind);
            let mut given: Vec<u32> =
                nodes(&sets).filter(|node| is_kind[node.level][node.at]).map(|node| mask(&sets, &matrix, node)).collect();
            given.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(given, wanted);
        }
    }

    /// No measure of any rule is infinite or no number, and q is never below p.
    #[test]
    fn every_number_is_one(baskets in some_baskets()) {
        let params = Params { min_support_count: 1, max_items_per_rule: 5, min_confidence: 0.0, max_q_value: 0.5, ..Params::default() };
        let (found, _) = mine(matrix(&baskets, 9), None, &[NONE_IX; 9], &params);
        for rule in &found.rules {
            let counts = rule.candidate.counts;
            let sure = [rule.lift_adjusted(), rule.expected, rule.p, rule.q, rule.improvement, counts.lift(), counts.leverage(),
                counts.cosine(), counts.jaccard(), counts.kulczynski(), counts.fisher()];
            let unsure = [counts.conviction(), counts.zhang(), counts.chi_squared()];
            prop_assert!(sure.iter().chain(unsure.iter().flatten()).all(|number| number.is_finite()));
            prop_assert!(rule.p <= rule.q && rule.q <= 0.5 && rule.improvement > 0.0 && rule.lift_adjusted() > 1.0);
        }
        let strata = Strata { rows: Rows::build(baskets.len(), |row, items| items.extend_from_slice(&baskets[row])), starts: vec![0, baskets.len()] };
        for pair in &substitutes(&strata, &[0; 9], 1, 0.5, 100).pairs {
            prop_assert!(f64::from(pair.n_both) < pair.expected && pair.expected.is_finite() && pair.p <= pair.q && pair.a < pair.b);
        }
    }
}
