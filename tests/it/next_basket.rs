//! Offers against published protocols: Ta-Feng (the next basket) and MovieLens-100k (EASE).

use std::collections::BTreeMap;
use std::fs;

use klientel::analysis::cross_sell::offers::accuracy::measure;
use klientel::analysis::cross_sell::offers::filters::Permitted;
use klientel::analysis::cross_sell::offers::sample::mixed;
use klientel::analysis::cross_sell::offers::{Learnt, Params, choice, ease, learn};
use klientel::analysis::cross_sell::rows::Rows;
use klientel::features::{Baskets, Dataset};
use klientel::table::Ids;
use klientel::units::{Day, Period};

use super::support::data;

const AS_OF: i32 = 1_000;

/// 13,858 customers with their baskets in order; the last one is the truth.
///
/// There are no dates: a basket takes a day, and every customer's last one is bought on the last.
fn tafeng() -> Option<Dataset> {
    let text = fs::read_to_string(data("tafeng/tafeng_merged.json")?).unwrap();
    let users: BTreeMap<String, Vec<Vec<u32>>> = serde_json::from_str(&text).unwrap();
    let n_products = users.values().flatten().flatten().max().unwrap() + 1;
    let mut baskets = Baskets { starts: vec![0], ..Baskets::default() };
    for (customer, history) in users.values().enumerate() {
        for (ix, basket) in history.iter().enumerate() {
            let mut products = basket.clone();
            products.sort_unstable();
            products.dedup();
            baskets.product.extend(products);
            baskets.starts.push(baskets.product.len());
            baskets.customer.push(customer as u32);
            baskets.day.push(AS_OF + 1 - (history.len() - ix) as i32);
        }
    }
    let ids = |letter: char, n: usize| {
        let ids: Vec<String> = (0..n).map(|ix| format!("{letter}{ix:06}")).collect();
        Ids::from_sorted(ids.iter().map(String::as_str))
    };
    Some(Dataset {
        as_of: Day(AS_OF),
        customer_ids: ids('c', users.len()),
        product_ids: ids('p', n_products as usize),
        baskets,
        ..Dataset::default()
    })
}

/// Everything may be offered, and at once again.
fn learnt_from(data: &Dataset) -> Learnt {
    let params =
        Params { horizon: Period::Days(1), repeat: true, repurchase_window: Period::Days(0), ..Params::default() };
    let all = || vec![true; data.n_products()];
    let permitted = Permitted { offerable: all(), may_point: all(), ..Permitted::default() };
    learn(data, &permitted, &params, 10, 50).unwrap()
}

/// The targets of the published protocol; everything is chosen and fitted on the second-last basket.
#[test]
fn tafeng_is_beaten_without_a_look_at_the_last_basket() {
    let Some(data) = tafeng() else { return };
    let learnt = learnt_from(&data);
    let row = |block, method| learnt.proof.row(block, method, 10).unwrap();
    let (all, new) = (row("all", "model"), row("new", "model"));
    assert_eq!((all.n_customers, new.n_customers), (13_858, 13_137));
    assert!(all.recall.mean >= 0.158 && all.ndcg.mean >= 0.143, "{all:?}");
    assert!(new.recall.mean >= 0.0745 && new.coverage >= 0.15, "{new:?}");
    // The baselines of the protocol: global top, own products by frequency with ties by popularity, then best-sellers.
    let (global, personal) = (row("all", "global_top"), row("all", "personal_top"));
    assert!((global.recall.mean - 0.0803).abs() < 0.0005 && (global.ndcg.mean - 0.0875).abs() < 0.0005, "{global:?}");
    assert!(
        (personal.recall.mean - 0.1350).abs() < 0.0005 && (personal.ndcg.mean - 0.1236).abs() < 0.0005,
        "{personal:?}"
    );
    assert!((row("new", "global_top").recall.mean - 0.0585).abs() < 0.0005);
    assert!(learnt.proof.wins_new() && learnt.proof.wins_repeats());

    // Other products in the last baskets change what is proven, and nothing of what was chosen and learnt.
    let (mut other, n_products) = (data.clone(), data.n_products() as u32);
    for basket in (0..data.baskets.len()).filter(|basket| data.baskets.day[*basket] == AS_OF) {
        let items = &mut other.baskets.product[data.baskets.starts[basket]..data.baskets.starts[basket + 1]];
        items.iter_mut().for_each(|item| *item = (*item + 4_711) % n_products);
        items.sort_unstable();
    }
    let scrambled = learnt_from(&other);
    assert_eq!(scrambled.chosen, learnt.chosen);
    assert_eq!(scrambled.proven.model, learnt.proven.model);
    assert!(scrambled.proof.row("all", "model", 10).unwrap().recall.mean < 0.5 * all.recall.mean);
}

/// Reads customers and films; numbers start at 1.
fn ratings(name: &str) -> Option<Vec<Vec<u32>>> {
    let text = fs::read_to_string(data(&format!("ml100k/{name}"))?).unwrap();
    let mut rows = vec![Vec::new(); 943];
    for line in text.lines() {
        let mut numbers = line.split('\t').map(|cell| cell.parse::<u32>().unwrap() - 1);
        let (user, film) = (numbers.next().unwrap(), numbers.next().unwrap());
        rows[user as usize].push(film);
    }
    rows.iter_mut().for_each(|row| row.sort_unstable());
    Some(rows)
}

const FILMS: usize = 1_682;

/// Recall at 10 of films that a customer has not rated, by EASE.
fn ease_recall(known: &[Vec<u32>], later: &[Vec<u32>], lambda: f64) -> f64 {
    let histories = Rows::build(known.len(), |row, items| items.extend_from_slice(&known[row]));
    let weights = ease::learn(&histories, FILMS, lambda).unwrap();
    let mut recalls = Vec::new();
    for (own, truth) in known.iter().zip(later) {
        let mut score = vec![0.0_f32; FILMS];
        own.iter().flat_map(|film| weights.row(*film)).for_each(|(film, weight)| score[*film as usize] += weight);
        own.iter().for_each(|film| score[*film as usize] = f32::MIN);
        let mut list: Vec<u32> = (0..FILMS as u32).collect();
        list.sort_by(|a, b| score[*b as usize].total_cmp(&score[*a as usize]));
        recalls.extend(measure(&list, truth, 10).map(|[recall, ..]| recall));
    }
    recalls.iter().sum::<f64>() / recalls.len() as f64
}

/// λ is chosen on a tenth of the films that are known; those of the test are looked at once.
#[test]
fn ease_has_the_published_recall_on_movielens() {
    let (Some(known), Some(later)) = (ratings("ua.base"), ratings("ua.test")) else { return };
    let is_held_out = |user: usize, film: u32| mixed((user * FILMS) as u64 + u64::from(film)).is_multiple_of(10);
    let part = |held_out: bool| -> Vec<Vec<u32>> {
        let of = |(user, films): (usize, &Vec<u32>)| {
            films.iter().copied().filter(|film| is_held_out(user, *film) == held_out).collect()
        };
        known.iter().enumerate().map(of).collect()
    };
    let (learnt_from, chosen_on) = (part(false), part(true));
    let on_held_out = |lambda| Some((ease_recall(&learnt_from, &chosen_on, lambda), ()));
    let (lambda, ..) = choice::climb(&choice::LAMBDAS, on_held_out).unwrap();
    let recall = ease_recall(&known, &later, lambda);
    assert!(recall >= 0.269, "{recall} with λ = {lambda}");
}
