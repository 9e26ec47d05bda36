//! The proof: what the lists would have been worth in the last window, beside the simplest lists that could replace them.
//!
//! | block  | asks for                                 | baselines                                                       |
//! |--------|------------------------------------------|-----------------------------------------------------------------|
//! | all    | everything that was bought in the window | best-sellers; own products by purchase days, then best-sellers  |
//! | repeat | what the customer had bought before      | the same, own products only                                     |
//! | new    | what it had not                          | best-sellers that it does not own                               |
//!
//! All lists, those of the baselines too, keep to what tonight's keep to, as of the cut ([`super::listing`]): what was given back, the repurchase window and
//! the cap by category cost a list what they cost tonight. Where nothing is offered again only the block `new` is judged.
//! Own products with equal purchase days stand by popularity. The method is used for a block where the 90% interval of the gain in recall over its
//! best baseline, customer by customer, lies above zero; elsewhere the baseline is. The catalogue covered is the share of all products that is in any
//! list. Source of blocks and baselines: Li et al., "A Next Basket Recommendation Reality Check", ACM TOIS 41(4), 2023.

use rayon::prelude::*;

use super::accuracy::{Estimate, bootstrap, measure};
use super::candidates::Finder;
use super::choice::LIST;
use super::figures::Shopper;
use super::listing::Limits;
use super::model::{Hits, Model, best_sellers};
use super::similarity::Neighbours;
use super::window::{Judged, Window};

/// Blocks of the proof, in the order of their results.
pub const BLOCKS: [&str; 3] = ["all", "repeat", "new"];
/// Lists that are compared, in the order of their results.
pub const METHODS: [&str; 3] = ["model", "global_top", "personal_top"];

/// Sums over the lists of one block and method: recall, NDCG, hit at `k`, then at [`LIST`].
const CELLS: usize = 6;
const ALL: usize = 0;
const REPEAT: usize = 1;
const NEW: usize = 2;

/// How one kind of list did in one block.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub block: &'static str,
    pub method: &'static str,
    pub k: usize,
    /// Customers who bought something of the block.
    pub n_customers: usize,
    pub recall: Estimate,
    pub ndcg: Estimate,
    pub hit_rate: Estimate,
    /// Share of the catalogue that is in any list.
    pub coverage: f64,
    /// Share of the offers that nothing but their popularity speaks for; only of the method.
    pub fallback_share: Option<f64>,
}

/// What the last window says.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    pub rows: Vec<Row>,
    /// Gain in recall at [`LIST`] over the best baseline by block, and its name.
    pub gain: [Option<(Estimate, &'static str)>; 3],
    /// Logits and labels of new products and repeats, for calibration; of the baselines likewise.
    pub new: Hits,
    pub again: Hits,
    pub popular: Hits,
    pub personal: Hits,
    pub n_judged: usize,
}

impl Proof {
    /// Says whether the method is used for a block.
    fn wins(&self, block: usize) -> bool {
        self.gain[block].as_ref().is_some_and(|(gain, _)| gain.low > 0.0)
    }

    /// Says whether new products are offered by the method and not by popularity.
    pub fn wins_new(&self) -> bool {
        self.wins(NEW)
    }

    /// Says whether repeats are offered by the method and not by purchase days.
    pub fn wins_repeats(&self) -> bool {
        self.wins(REPEAT)
    }

    /// Returns the row of a block and a method at `k`.
    pub fn row(&self, block: &str, method: &str, k: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.block == block && row.method == method && row.k == k)
    }
}

/// Score of a product in the baseline of best-sellers: its rank alone decides, here and in what is published.
pub fn popularity_score(rank: u32) -> f64 {
    -(1.0 + f64::from(rank)).ln()
}

/// Score of a product in the baseline of purchase days, ties by rank of popularity.
pub fn personal_score(n_days: u32, rank: u32) -> f64 {
    f64::from(n_days) + 1.0 / (2.0 + f64::from(rank))
}

/// What one customer adds.
#[derive(Clone)]
struct Outcome {
    /// By block and method; nothing where the customer bought nothing of the block.
    cells: [Option<[[f64; CELLS]; 3]>; 3],
    /// By block and method, the first [`LIST`] products.
    lists: [[Vec<u32>; 3]; 3],
    /// By block: offers of the method that nothing but popularity speaks for, at `k` and at [`LIST`].
    n_fallback: [[usize; 2]; 3],
}

/// Judges lists of `k` and of [`LIST`] products on a window.
pub fn prove(window: &Window<'_>, model: &Model, neighbours: &Neighbours, k: usize) -> Proof {
    const CUSTOMERS_A_CHUNK: usize = 512;
    let asked = best_sellers(&window.offerable, window.past.histories.n_bought);
    let parts: Vec<(Vec<Outcome>, Proof)> = window
        .judged
        .par_chunks(CUSTOMERS_A_CHUNK)
        .map(|judged| {
            let mut finder = Finder::new(&window.past, neighbours, &window.offerable, &window.may_point, model.reach);
            let mut part = Proof::default();
            let outcomes = judged.iter().map(|judged| {
                finder.find(judged.customer as usize, &asked, window.limits().refused(judged.customer));
                outcome(&mut finder, model, judged, &asked, window.limits(), k, &mut part)
            });
            (outcomes.collect(), part)
        })
        .collect();
    let mut proof = Proof { n_judged: window.judged.len(), ..Proof::default() };
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(window.judged.len());
    for (of_chunk, part) in parts {
        outcomes.extend(of_chunk);
        proof.new.append(&part.new);
        proof.again.append(&part.again);
        proof.popular.append(&part.popular);
        proof.personal.append(&part.personal);
    }
    for block in [ALL, REPEAT, NEW] {
        summarise(&outcomes, block, k, window.past.items.len(), &mut proof);
    }
    proof
}

/// A product that may be on a list of the method.
#[derive(Clone, Copy)]
struct Scored {
    logit: f64,
    rank: u32,
    /// Whether anything but its popularity speaks for it.
    is_spoken_for: bool,
}

fn outcome(
    finder: &mut Finder<'_>,
    model: &Model,
    judged: &Judged,
    asked: &[u32],
    limits: Limits<'_>,
    k: usize,
    hits: &mut Proof,
) -> Outcome {
    let past = finder.past();
    let shopper = Shopper::of(&finder.own, past.today);
    let is_bought = |item: u32| judged.bought.binary_search(&item).is_ok();
    let item = |rank: u32| past.items[rank as usize];
    let length = LIST.max(k);
    let refused = limits.refused(judged.customer);
    let scored = |rank: u32, score: f32| Scored {
        logit: model.new_logit(score, item(rank), shopper),
        rank,
        is_spoken_for: score > 0.0,
    };

    let mut new: Vec<Scored> = finder.new.iter().map(|(rank, score)| scored(*rank, *score)).collect();
    for (rank, score) in asked.iter().zip(&finder.asked_score) {
        if !finder.owns(*rank) && !refused(*rank) {
            hits.popular.push(popularity_score(*rank), is_bought(*rank));
        }
        if finder.is_beside(*rank, refused) {
            new.push(scored(*rank, *score));
        }
    }
    new.iter().for_each(|scored| hits.new.push(scored.logit, is_bought(scored.rank)));
    let (mut again, mut personal) = (Vec::new(), Vec::new());
    for bought in finder.own.bought.iter().filter(|bought| limits.may_repeat(bought)) {
        if let Some(logit) = model.repeat_logit(*bought, item(bought.item), shopper, past.today) {
            hits.again.push(logit, is_bought(bought.item));
            again.push(Scored { logit, rank: bought.item, is_spoken_for: true });
        }
        let score = personal_score(bought.n_days, bought.item);
        hits.personal.push(score, is_bought(bought.item));
        personal.push((score, bought.item));
    }
    personal.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));

    let mut method = |mut list: Vec<Scored>, fills_up: bool| {
        list.sort_unstable_by(best_first);
        let mut list = limits.cut(list, length, |scored| scored.rank);
        if fills_up && list.len() < length {
            let taken: Vec<u32> = list.iter().map(|scored| scored.rank).collect();
            let fill_ups: Vec<u32> =
                limits.fill_ups(finder, &taken, length, refused).into_iter().map(|(rank, _)| rank).collect();
            let scores = finder.scores_of(&fill_ups);
            list.extend(fill_ups.into_iter().zip(scores).map(|(rank, score)| scored(rank, score)));
            list.sort_unstable_by(best_first);
        }
        list
    };
    let everything = method(new.iter().chain(&again).copied().collect(), true);
    let (new, again) = (method(new, true), method(again, false));
    let cut = |ranks: &mut dyn Iterator<Item = u32>| limits.cut(ranks, length, |rank| *rank);
    let is_open = |rank: &u32| match finder.bought(*rank) {
        Some(bought) => limits.may_repeat(bought),
        None => limits.offerable[*rank as usize] && !refused(*rank),
    };
    let by_popularity = || (0..past.histories.n_bought as u32).filter(is_open);
    let top = cut(&mut by_popularity());
    let top_new = cut(&mut by_popularity().filter(|rank| !finder.owns(*rank)));
    let top_again = cut(&mut finder.own.bought.iter().filter(|bought| limits.may_repeat(bought)).map(|own| own.item));
    let own = || personal.iter().map(|(_, rank)| *rank);
    let personal_all = cut(&mut own().chain(by_popularity().filter(|rank| !finder.owns(*rank))));
    let personal = cut(&mut own());

    let by_method = [&everything, &again, &new];
    let n_fallback =
        by_method.map(|list| [k, LIST].map(|k| list.iter().take(k).filter(|scored| !scored.is_spoken_for).count()));
    let [everything, again, new] = by_method.map(|list| list.iter().map(|scored| scored.rank).collect());
    let lists = [[everything, top, personal_all], [again, top_again, personal], [new, top_new.clone(), top_new]];
    let (repeats, news): (Vec<u32>, Vec<u32>) = judged.bought.iter().partition(|rank| finder.owns(**rank));
    let asked_for = [&judged.bought, &repeats, &news];
    let cells = [ALL, REPEAT, NEW].map(|block| {
        if asked_for[block].is_empty() || (block != NEW && limits.again_after.is_none()) {
            return None;
        }
        Some([0, 1, 2].map(|method| {
            let list = &lists[block][method];
            let [short, long] = [k, LIST].map(|k| measure(list, asked_for[block], k).unwrap_or_default());
            [short[0], short[1], short[2], long[0], long[1], long[2]]
        }))
    });
    Outcome { cells, lists, n_fallback }
}

/// Higher first, of equal ones the more popular.
fn best_first(a: &Scored, b: &Scored) -> std::cmp::Ordering {
    b.logit.total_cmp(&a.logit).then(a.rank.cmp(&b.rank))
}

fn summarise(outcomes: &[Outcome], block: usize, k: usize, n_items: usize, proof: &mut Proof) {
    let asked: Vec<(&Outcome, &[[f64; CELLS]; 3])> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.cells[block].as_ref()?))).collect();
    // Recall of the two baselines at LIST decides which one is to be beaten.
    let mean = |method: usize| asked.iter().map(|(_, cells)| cells[method][3]).sum::<f64>();
    let best = if mean(2) > mean(1) { 2 } else { 1 };
    let columns: Vec<[f64; 3 * CELLS + 1]> = asked
        .iter()
        .map(|(_, cells)| {
            let mut row = [0.0; 3 * CELLS + 1];
            row.iter_mut().zip(cells.iter().flatten()).for_each(|(cell, x)| *cell = *x);
            row[3 * CELLS] = cells[0][3] - cells[best][3];
            row
        })
        .collect();
    let Some(estimates) = bootstrap(&columns) else { return };
    proof.gain[block] = Some((estimates[3 * CELLS], METHODS[best]));
    for (which, k) in [k, LIST].into_iter().enumerate() {
        if which == 1 && proof.row(BLOCKS[block], METHODS[0], LIST).is_some() {
            continue;
        }
        for (method, name) in METHODS.into_iter().enumerate() {
            // There is nothing personal about what the customer does not own.
            if block == NEW && method == 2 {
                continue;
            }
            let mut covered = vec![false; n_items];
            let (mut n_offers, mut n_fallback) = (0, 0);
            for (outcome, _) in &asked {
                let list = &outcome.lists[block][method];
                list.iter().take(k).for_each(|item| covered[*item as usize] = true);
                n_offers += list.len().min(k);
                n_fallback += outcome.n_fallback[block][which];
            }
            let at = method * CELLS + which * 3;
            proof.rows.push(Row {
                block: BLOCKS[block],
                method: name,
                k,
                n_customers: asked.len(),
                recall: estimates[at],
                ndcg: estimates[at + 1],
                hit_rate: estimates[at + 2],
                coverage: covered.iter().filter(|covered| **covered).count() as f64 / n_items.max(1) as f64,
                fallback_share: (method == 0 && n_offers > 0).then(|| n_fallback as f64 / n_offers as f64),
            });
        }
    }
}
