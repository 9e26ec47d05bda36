//! Tests of the whole: bases on which the windows can prove something.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::fixture::{AS_OF, baskets, dataset, texts};
use super::*;
use crate::table::{ProductLabels, Values};

const THEMES: u32 = 4;
const OF_A_THEME: u32 = 40;

/// Draws from a linear congruential generator.
fn draws(mut state: u64) -> impl FnMut(u32) -> u32 {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % u64::from(below)) as u32
    }
}

/// Customers who buy two products every 30 days or so over 600 days: of their theme, or of any in `noise` of ten cases.
fn themed(n_customers: u32, noise: u32, seed: u64) -> Dataset {
    let mut draw = draws(seed);
    let mut all = Vec::new();
    for customer in 0..n_customers {
        let mut day = AS_OF - 600 + draw(30) as i32;
        while day <= AS_OF {
            let products: BTreeSet<u32> = (0..2)
                .map(|_| {
                    let theme = if draw(10) < noise { draw(THEMES) } else { customer % THEMES };
                    // Small numbers are bought more often.
                    theme * OF_A_THEME + draw(OF_A_THEME).min(draw(OF_A_THEME))
                })
                .collect();
            all.push((customer, day, products.into_iter().collect()));
            day += 10 + draw(40) as i32;
        }
    }
    let n_products = (THEMES * OF_A_THEME) as usize;
    let mut data = dataset(n_customers as usize, n_products, baskets(&all));
    data.products.category = themes();
    data.product_revenue = (0..n_products as i64).map(|ix| 100_000 + ix).collect();
    data
}

fn themes() -> Vec<String> {
    (0..THEMES * OF_A_THEME).map(|product| format!("theme {}", product / OF_A_THEME)).collect()
}

fn offers(data: &Dataset, params: &Params, k: usize) -> Made {
    let labels = ProductLabels::new(&data.product_ids, &data.products);
    let known = data.baskets.as_of(data.as_of.0);
    make(data, &known, params, k, 50, &labels)
}

fn column<'a>(columns: &'a [Column], name: &str) -> &'a Values {
    &columns.iter().find(|column| column.name == name).unwrap().values
}

fn numbers(values: &Values) -> Vec<Option<f64>> {
    match values {
        Values::Number(values) => values.iter().collect(),
        Values::Money(values) => values.iter().map(|value| value.map(|value| value as f64)).collect(),
        Values::Integer(values) => values.iter().map(|value| value.map(|value| value as f64)).collect(),
        other => panic!("{:?} is no number", other.kind()),
    }
}

fn product(id: &str) -> usize {
    id[1..].parse().unwrap()
}

/// Products that a customer has on a day, with the last day each was bought.
fn last_bought(data: &Dataset, customer: u32, product: usize) -> Option<i32> {
    (0..data.baskets.len())
        .filter(|basket| data.baskets.customer[*basket] == customer)
        .filter(|basket| {
            let items = data.baskets.starts[*basket]..data.baskets.starts[basket + 1];
            data.baskets.product[items].contains(&(product as u32))
        })
        .map(|basket| data.baskets.day[basket])
        .max()
}

fn fact<'a>(facts: &'a [(&'static str, Fact)], name: &str) -> &'a Fact {
    &facts.iter().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("no fact {name}")).1
}

fn proof(made: &Made) -> &[(&'static str, Fact)] {
    let Fact::Group(proof) = fact(&made.facts, "offer_proof") else { panic!("no proof: {:?}", made.notes) };
    proof
}

#[test]
fn offers_are_proven_likely_and_worth_something() {
    let data = themed(1_200, 2, 7);
    let made = offers(&data, &Params::default(), 3);
    assert_eq!(fact(proof(&made), "new_by"), &Fact::Text("model".to_owned()), "{:?}", made.facts);
    let p: Vec<Vec<Option<f64>>> =
        (1..=3).map(|i| numbers(column(&made.columns, &format!("offer_{i}_probability")))).collect();
    let worth = Value::of(&data, &data.baskets);
    for i in 1..=3 {
        let margin = numbers(column(&made.columns, &format!("offer_{i}_margin")));
        let ids = texts(column(&made.columns, &format!("offer_{i}")));
        for customer in 0..1_200 {
            let p = p[i - 1][customer].unwrap();
            assert!(p > 0.0 && p < 1.0);
            let expected = worth.expected(product(ids[customer].unwrap()) as u32, p).unwrap();
            assert_eq!(margin[customer], Some(expected as f64));
        }
    }
    assert!((0..1_200).all(|customer| p[0][customer] >= p[1][customer] && p[1][customer] >= p[2][customer]));
    // Offers are of the customer's theme, where anything of it is left.
    let first = texts(column(&made.columns, "offer_1"));
    let of_theme = (0..1_200).filter(|c| product(first[*c].unwrap()) as u32 / OF_A_THEME == *c as u32 % THEMES).count();
    assert!(of_theme > 1_000, "{of_theme}");
    assert_eq!(fact(&made.facts, "expected_margin_is_of"), &Fact::Text("revenue".to_owned()));
}

/// Cars, courses, books: what nobody buys twice is offered with a probability as everything else is.
#[test]
fn a_base_without_repeats_has_probabilities() {
    let mut data = themed(1_200, 2, 7);
    let mut bought = BTreeSet::new();
    let all: Vec<(u32, i32, Vec<u32>)> = (0..data.baskets.len())
        .map(|basket| {
            let (of, items) =
                (data.baskets.customer[basket], data.baskets.starts[basket]..data.baskets.starts[basket + 1]);
            let products = data.baskets.product[items].iter().copied();
            (of, data.baskets.day[basket], products.filter(|product| bought.insert((of, *product))).collect())
        })
        .collect();
    data.baskets = baskets(&all.into_iter().filter(|(.., products)| !products.is_empty()).collect::<Vec<_>>());
    for repeat in [false, true] {
        let made = offers(&data, &Params { repeat, ..Params::default() }, 3);
        assert_eq!(fact(proof(&made), "new_by"), &Fact::Text("model".to_owned()));
        let p = numbers(column(&made.columns, "offer_1_probability"));
        assert!(p.iter().all(|p| p.is_some_and(|p| p > 0.0 && p < 1.0)));
    }
}

/// What is bought after as-of is about as much as the probabilities say, of new products and of repeats by themselves.
#[test]
fn probabilities_are_those_of_the_days_to_come() {
    let whole = themed(3_000, 4, 11);
    let horizon = 90;
    let mut data = whole.clone();
    data.as_of = crate::units::Day(AS_OF - horizon);
    for (repeat, k) in [(false, 2), (true, 10)] {
        let made = offers(&data, &Params { repeat, ..Params::default() }, k);
        let (mut expected, mut bought) = ([0.0; 2], [0.0; 2]);
        for i in 1..=k {
            let ids = texts(column(&made.columns, &format!("offer_{i}")));
            let p = numbers(column(&made.columns, &format!("offer_{i}_probability")));
            let reasons = texts(column(&made.columns, &format!("offer_{i}_reason")));
            for customer in 0..3_000 {
                let (Some(id), Some(p), Some(reason)) = (ids[customer], p[customer], reasons[customer]) else {
                    continue;
                };
                let kind = usize::from(reason.ends_with("before"));
                expected[kind] += p;
                let last = last_bought(&whole, customer as u32, product(id));
                bought[kind] += f64::from(u8::from(last.is_some_and(|day| day > AS_OF - horizon)));
            }
        }
        for kind in if repeat { 0..2 } else { 0..1 } {
            let (expected, bought) = (expected[kind], bought[kind]);
            assert!(
                bought > 100.0 && (expected / bought - 1.0).abs() < 0.25,
                "{kind}: {expected} expected, {bought} bought"
            );
        }
        assert!(repeat || expected[1] == 0.0);
    }
}

#[test]
fn the_last_window_chooses_nothing() {
    let data = themed(800, 2, 5);
    let mut scrambled = data.clone();
    let mut draw = draws(1);
    for basket in (0..data.baskets.len()).filter(|basket| data.baskets.day[*basket] > AS_OF - 90) {
        let items = &mut scrambled.baskets.product[data.baskets.starts[basket]..data.baskets.starts[basket + 1]];
        let any = (0..).map(|_| draw(THEMES * OF_A_THEME)).take(50).collect::<BTreeSet<u32>>();
        let from = draw(5) as usize;
        items.iter_mut().zip(any.into_iter().skip(from)).for_each(|(item, other)| *item = other);
    }
    for repeat in [false, true] {
        let params = Params { repeat, per_category: Some(2), ..Params::default() };
        let [own, other] = [&data, &scrambled].map(|data| {
            let permitted = Permitted::of(data, &params);
            learn(data, &permitted, &params, 3, 50).unwrap()
        });
        assert_eq!(own.chosen, other.chosen);
        assert_eq!(own.proven.model, other.proven.model);
        assert_ne!(own.proof.rows, other.proof.rows);
    }
}

#[test]
fn where_nothing_is_to_be_learnt_best_sellers_are_offered_and_said() {
    let made = offers(&themed(1_000, 10, 3), &Params { repeat: true, ..Params::default() }, 3);
    assert_eq!(fact(proof(&made), "new_by"), &Fact::Text("best-sellers".to_owned()));
    assert!(
        made.notes.iter().any(|note| note.starts_with("offers: new products are best-sellers")),
        "{:?}",
        made.notes
    );
    assert!(texts(column(&made.columns, "offer_1")).iter().all(Option::is_some));
    // No list of best-sellers is dressed up as what goes with the customer's own products, and it is the one that was proven: by orders, not owners.
    let data = themed(1_000, 10, 3);
    let made = offers(&data, &Params::default(), 3);
    let histories = histories::Histories::of(&data.baskets, 1_000, data.n_products());
    let lists: Vec<_> = (1..=3).map(|i| texts(column(&made.columns, &format!("offer_{i}")))).collect();
    for customer in 0..1_000 {
        let owned = histories.owned.row(customer);
        let best = (0..histories.n_bought as u32).filter(|rank| owned.binary_search(rank).is_err()).take(3);
        let expected: Vec<usize> = best.map(|rank| histories.product[rank as usize] as usize).collect();
        assert_eq!(lists.iter().map(|list| product(list[customer].unwrap())).collect::<Vec<_>>(), expected);
    }
    for i in 1..=3 {
        let fallback = texts(column(&made.columns, &format!("offer_{i}_fallback")));
        assert!(fallback.iter().all(|fallback| *fallback == Some("best-seller")), "{fallback:?}");
        let reasons = texts(column(&made.columns, &format!("offer_{i}_reason")));
        assert!(reasons.iter().flatten().all(|reason| reason.starts_with("best-seller: ")));
    }
    assert_eq!(fact(&made.facts, "best_seller_share"), &Fact::Number(1.0));
}

#[test]
fn filters_hold_before_the_list_is_cut() {
    let data = themed(800, 2, 5);
    let params = Params {
        sensitive_categories: vec!["Theme 1".to_owned(), "gone".to_owned()],
        blocked_products: vec!["p0000".to_owned(), "x".to_owned()],
        per_category: Some(1),
        ..Params::default()
    };
    let made = offers(&data, &params, 3);
    let lists: Vec<_> = (1..=3).map(|i| texts(column(&made.columns, &format!("offer_{i}")))).collect();
    for customer in 0..800 {
        let list: Vec<usize> = lists.iter().map(|column| product(column[customer].unwrap())).collect();
        let themes: BTreeSet<usize> = list.iter().map(|product| product / OF_A_THEME as usize).collect();
        assert_eq!(themes.len(), 3, "{list:?}");
        assert!(!themes.contains(&1) && !list.contains(&0));
    }
    assert_eq!(fact(&made.facts, "n_products_blocked"), &Fact::Integer(i64::from(OF_A_THEME) + 1));
    assert!(made.notes.contains(&"offers: no product is in the sensitive category `gone`".to_owned()));
    assert!(made.notes.contains(&"offers: the blocked product `x` is not in the data".to_owned()));
}

/// Everything in the columns of a customer's offers is searched: none names what it bought of a sensitive category.
#[test]
fn sensitive_products_are_neither_offered_nor_a_reason() {
    let mut data = themed(800, 2, 5);
    let of_theme = |product: usize| product / OF_A_THEME as usize == 1;
    data.products.name =
        (0..data.n_products()).map(|ix| format!("{} {ix}", if of_theme(ix) { "secret" } else { "open" })).collect();
    let sensitive_categories = vec!["Theme 1".to_owned()];
    let named = |made: &Made| {
        let columns = made.columns.iter().filter(|column| column.name.starts_with("offer_"));
        let texts = columns.flat_map(|column| texts(&column.values)).flatten();
        texts.filter(|text| text.contains("secret") || text.contains("theme 1")).count()
    };
    for repeat in [false, true] {
        let open = Params { repeat, ..Params::default() };
        assert!(named(&offers(&data, &open, 3)) > 100);
        let made = offers(&data, &Params { sensitive_categories: sensitive_categories.clone(), ..open }, 3);
        assert!(texts(column(&made.columns, "offer_1_reason")).iter().all(Option::is_some));
        assert_eq!(named(&made), 0);
    }
    // Nor does it decide which category is bought most: of the others that is theme 2.
    let mut all: Vec<(u32, i32, Vec<u32>)> = (0..9).map(|customer| (customer, 5, vec![0])).collect();
    all[8].2 = vec![2 * OF_A_THEME];
    all.extend([(9, 4, vec![OF_A_THEME]), (9, 5, vec![OF_A_THEME, 2 * OF_A_THEME + 1])]);
    let mut data = dataset(10, (THEMES * OF_A_THEME) as usize, baskets(&all));
    data.products.category = themes();
    let made = offers(&data, &Params { sensitive_categories, ..Params::default() }, 1);
    let of = |name: &str| texts(column(&made.columns, name))[9];
    assert_eq!((of("offer_1"), of("offer_1_fallback")), (Some("p0080"), Some("category-best-seller")));
}

#[test]
fn the_best_customers_of_a_product_are_listed() {
    let data = themed(1_200, 2, 7);
    let params = Params {
        audience_products: ["p0005", "nothing", "p0003"].map(str::to_owned).into(),
        budget: Budget { size: Some(40), ..Budget::default() },
        blocked_products: vec!["p0003".to_owned()],
        ..Params::default()
    };
    let made = offers(&data, &params, 3);
    let table = made.tables.iter().find(|table| table.name == "offer_audiences").unwrap();
    let customers = texts(column(&table.columns, "customer_id"));
    let p = numbers(column(&table.columns, "probability"));
    assert_eq!((customers.len(), texts(column(&table.columns, "product_id"))[39]), (40, Some("p0005")));
    assert_eq!(numbers(column(&table.columns, "rank"))[39], Some(40.0));
    assert!(p.is_sorted_by(|a, b| a >= b));
    let number = |id: &str| id[1..].parse::<u32>().unwrap();
    assert!(customers.iter().flatten().all(|id| last_bought(&data, number(id), 5).is_none()));
    let of_theme = customers.iter().flatten().filter(|id| number(id) % THEMES == 0).count();
    assert!(of_theme >= 36, "{of_theme}");
    // Who is offered the product has the same probability in both tables.
    for i in 1..=3 {
        let ids = texts(column(&made.columns, &format!("offer_{i}")));
        let own = numbers(column(&made.columns, &format!("offer_{i}_probability")));
        for (customer, p) in customers.iter().zip(&p) {
            let customer = number(customer.unwrap()) as usize;
            if ids[customer] == Some("p0005") {
                assert_eq!(own[customer], *p);
            }
        }
    }
    assert!(made.notes.contains(&"offers: no audience for the product `nothing`: it is not in the data".to_owned()));
    assert!(made.notes.contains(&"offers: no audience for the product `p0003`: it may not be offered".to_owned()));
}

#[test]
fn an_audience_needs_a_model_that_won() {
    let params = Params { audience_products: vec!["p0005".to_owned()], ..Params::default() };
    let made = offers(&themed(1_000, 10, 3), &params, 3);
    let table = made.tables.iter().find(|table| table.name == "offer_audiences").unwrap();
    assert!(texts(column(&table.columns, "customer_id")).is_empty());
    let note = "offers: no audience for the product `p0005`: it has none, because the model that tells customers apart did not beat the best-sellers";
    assert!(made.notes.iter().any(|have| have == note), "{:?}", made.notes);
}

/// Who gave a product back and kept it later may be offered it again and belongs to its audience; who only gave it back does not.
#[test]
fn what_came_back_is_refused_unless_it_was_kept_later() {
    let mut data = themed(1_200, 2, 7);
    let positions_of = |data: &Dataset, customer: u32| -> Vec<usize> {
        let of = (0..data.baskets.len()).filter(|basket| data.baskets.customer[*basket] == customer);
        let items = of.flat_map(|basket| data.baskets.starts[basket]..data.baskets.starts[basket + 1]);
        items.filter(|item| data.baskets.product[*item] == 5).collect()
    };
    let with = |data: &Dataset, n: usize| (0..1_200).find(|c| positions_of(data, *c).len() == n).unwrap();
    let (kept, gave_back) = (with(&data, 2), with(&data, 1));
    let mut came_back: Vec<usize> = vec![positions_of(&data, kept)[0], positions_of(&data, gave_back)[0]];
    came_back.sort_unstable();
    data.baskets.returned = came_back.into_iter().map(|item| (item, AS_OF)).collect();
    let params = Params {
        repeat: true,
        repurchase_window: Period::Days(1),
        audience_products: vec!["p0005".to_owned()],
        budget: Budget { size: Some(1_200), ..Budget::default() },
        ..Params::default()
    };
    let made = offers(&data, &params, 3);
    let table = made.tables.iter().find(|table| table.name == "offer_audiences").unwrap();
    let customers = texts(column(&table.columns, "customer_id"));
    let has = |customer: u32| customers.contains(&Some(format!("c{customer:04}").as_str()));
    assert!(has(kept) && !has(gave_back));
}

#[test]
fn a_short_list_is_filled_from_the_category_first() {
    // Nobody owns two products, so that nothing points anywhere; customer 9 bought of theme 1.
    let mut all: Vec<(u32, i32, Vec<u32>)> = (0..9).map(|customer| (customer, 5, vec![0])).collect();
    all[8].2 = vec![OF_A_THEME + 1];
    all.push((9, 5, vec![OF_A_THEME]));
    let mut data = dataset(10, (THEMES * OF_A_THEME) as usize, baskets(&all));
    data.products.category = themes();
    let made = offers(&data, &Params::default(), 2);
    let of = |name: &str| texts(column(&made.columns, name))[9];
    assert_eq!((of("offer_1"), of("offer_1_fallback")), (Some("p0041"), Some("category-best-seller")));
    assert_eq!((of("offer_2"), of("offer_2_fallback")), (Some("p0000"), Some("best-seller")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Nobody is offered what it owns; with repeats nobody what it bought within the repurchase window; nothing twice.
    #[test]
    fn what_is_owned_stays_out(seed in 0_u64..1_000, repeat in any::<bool>(), days in 1_u32..200) {
        let data = themed(500, 2, seed);
        let params = Params { repeat, repurchase_window: Period::Days(days), ..Params::default() };
        let made = offers(&data, &params, 4);
        let mut seen: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); 500];
        for i in 1..=4 {
            for (customer, id) in texts(column(&made.columns, &format!("offer_{i}"))).iter().enumerate() {
                let Some(id) = id else { continue };
                prop_assert!(seen[customer].insert(product(id)), "{}", id);
                let last = last_bought(&data, customer as u32, product(id));
                prop_assert!(last.is_none_or(|day| repeat && AS_OF - day >= days as i32), "{} {:?}", id, last);
            }
        }
    }

    /// Whatever a list is made of, no offer is more likely than the one before it, and only what nothing else speaks for is a fallback.
    #[test]
    fn probabilities_never_rise_along_a_list(
        seed in 0_u64..1_000, noise in 1_u32..11, repeat in any::<bool>(), cap in prop::option::of(1_u32..6)
    ) {
        let mut data = themed(500, noise, seed);
        // Some products have no category, and each points at two others at most: lists are to be filled up.
        data.products.category.iter_mut().skip(20).step_by(7).for_each(String::clear);
        let labels = ProductLabels::new(&data.product_ids, &data.products);
        let params = Params { repeat, per_category: cap, ..Params::default() };
        let made = make(&data, &data.baskets.as_of(data.as_of.0), &params, 40, 2, &labels);
        let column = |i: usize, what: &str| &made.columns.iter().find(|c| c.name == format!("offer_{i}{what}")).unwrap().values;
        let p: Vec<Vec<Option<f64>>> = (1..=40).map(|i| numbers(column(i, "_probability"))).collect();
        for customer in 0..500 {
            let list: Vec<f64> = p.iter().map_while(|column| column[customer]).collect();
            prop_assert!(list.is_sorted_by(|a, b| a >= b), "{:?}", list);
            prop_assert!(!list.is_empty());
        }
        for i in 1..=40 {
            let (reasons, fallbacks) = (texts(column(i, "_reason")), texts(column(i, "_fallback")));
            for (reason, fallback) in reasons.iter().zip(fallbacks) {
                prop_assert_eq!(fallback.is_some(), reason.is_some_and(|reason| reason.starts_with("best-seller")));
            }
        }
    }

    /// Threads and the order of baskets on one day change nothing, where something is proven, too.
    #[test]
    fn threads_change_nothing(seed in 0_u64..1_000) {
        let data = themed(500, 3, seed);
        let params = Params { repeat: true, audience_products: vec!["p0001".to_owned()], ..Params::default() };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| offers(&data, &params, 2))
        };
        let (one, three) = (on(1), on(3));
        prop_assert_eq!(one.columns, three.columns);
        prop_assert_eq!(one.facts, three.facts);
        prop_assert_eq!(one.notes, three.notes);
        for (one, three) in one.tables.iter().zip(&three.tables) {
            prop_assert_eq!(&one.columns, &three.columns);
        }
    }
}
