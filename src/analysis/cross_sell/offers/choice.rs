//! Which similarity and which half-lives, chosen on the window before the last.
//!
//! Every similarity is tried with every half-life on the list of new products, every half-life on the list of repeats ordered by decayed
//! purchase days plus twice the popularity; the highest recall wins, of equal ones what is tried first. Half-lives are multiples of the horizon, or the one
//! that the pipeline names. Nothing here ever sees the last window.

use rayon::prelude::*;

use super::accuracy::measure;
use super::candidates::{Finder, POOL, Reach};
use super::ease;
use super::histories::Histories;
use super::past::Purchases;
use super::similarity::{Neighbours, SHRINK, Similarity};
use super::window::{Judged, Window};

/// Length of the lists that are compared.
pub const LIST: usize = 10;
/// Half-lives that are tried, in horizons.
const HALF_LIVES: [f64; 6] = [f64::INFINITY, 8.0, 4.0, 2.0, 1.0, 0.5];
/// λ that are tried for EASE, in customers.
const LAMBDAS: [f64; 2] = [200.0, 500.0];
/// What a best-seller is worth in decayed purchase days, for repeats.
const POPULARITY_DAYS: f64 = 2.0;

/// What similarities are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    Pairs(Similarity),
    /// EASE with its λ.
    Ease(f64),
}

impl Source {
    /// Returns the word for manifest and summary.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pairs(Similarity::Cosine(_)) => "cosine",
            Self::Pairs(Similarity::LogLift) => "log-lift",
            Self::Pairs(Similarity::LogLikelihood) => "log-likelihood",
            Self::Ease(_) => "ease",
        }
    }

    /// Learns the neighbours from all histories; nothing where that is not possible.
    pub fn learn(self, histories: &Histories, max_neighbours: usize) -> Option<Neighbours> {
        let n_items = histories.product.len();
        match self {
            Self::Pairs(similarity) => Some(Neighbours::of(histories.recent(), n_items, max_neighbours, similarity)),
            // Ranks beyond those that somebody bought would only be zeros.
            Self::Ease(lambda) => {
                let mut found = ease::learn(histories.recent(), histories.n_bought, lambda)?;
                found.starts.resize(n_items + 1, found.entries.len());
                Some(found)
            }
        }
    }
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    pub source: Source,
    pub reach: Reach,
    /// Recall of new products on the window of the choice.
    pub recall_new: f64,
    /// Recall of repeats on it.
    pub recall_again: f64,
    /// Everything that was tried for new products: source, half-life in days, recall.
    pub tried: Vec<(Source, f64, f64)>,
}

/// Chooses on a window; returns the neighbours that were learnt for it, too.
pub fn choose(
    window: &Window<'_>,
    max_neighbours: usize,
    pool: usize,
    horizon_days: i32,
    half_life: Option<f64>,
) -> Option<(Chosen, Neighbours)> {
    let horizons = HALF_LIVES.map(|horizons| horizons * f64::from(horizon_days));
    let half_lives = half_life.map_or_else(|| horizons.to_vec(), |one| vec![one]);
    let mut sources = vec![
        Source::Pairs(Similarity::Cosine(SHRINK)),
        Source::Pairs(Similarity::LogLift),
        Source::Pairs(Similarity::LogLikelihood),
    ];
    if window.past.histories.n_bought <= ease::MAX_ITEMS {
        sources.extend(LAMBDAS.map(Source::Ease));
    }
    let (mut tried, mut best) = (Vec::new(), None);
    for source in sources {
        let Some(neighbours) = source.learn(&window.past.histories, max_neighbours) else { continue };
        let mut best_here: Option<(f64, f64)> = None;
        for half_life in &half_lives {
            let recall = recall_of_new(window, &neighbours, *half_life);
            tried.push((source, *half_life, recall));
            if best_here.is_none_or(|(_, so_far)| recall > so_far) {
                best_here = Some((*half_life, recall));
            }
        }
        if let Some((half_life, recall)) = best_here
            && best.as_ref().is_none_or(|(_, _, so_far, _)| recall > *so_far)
        {
            best = Some((source, half_life, recall, neighbours));
        }
    }
    let (source, half_life_new, recall_new, neighbours) = best?;
    let mut again: Option<(f64, f64)> = None;
    for half_life in half_lives {
        let recall = recall_of_repeats(window, half_life);
        if again.is_none_or(|(_, so_far)| recall > so_far) {
            again = Some((half_life, recall));
        }
    }
    let (half_life_again, recall_again) = again?;
    let reach = Reach { half_life_new, half_life_again, pool: pool.max(POOL) };
    Some((Chosen { source, reach, recall_new, recall_again, tried }, neighbours))
}

fn recall_of_new(window: &Window<'_>, neighbours: &Neighbours, half_life: f64) -> f64 {
    let reach = Reach { half_life_new: half_life, half_life_again: half_life, pool: LIST };
    let recalls = window.judged.par_iter().with_min_len(256).map_init(
        || Finder::new(&window.past, neighbours, &window.offerable, &window.may_point, reach),
        |finder, Judged { customer, bought }| {
            let owned = window.past.histories.owned.row(*customer as usize);
            let new: Vec<u32> = bought.iter().copied().filter(|item| owned.binary_search(item).is_err()).collect();
            if new.is_empty() {
                return None;
            }
            finder.find(*customer as usize, &[], |_| false);
            let list: Vec<u32> = finder.new.iter().map(|(item, _)| *item).collect();
            measure(&list, &new, LIST).map(|[recall, ..]| recall)
        },
    );
    mean(&recalls.collect::<Vec<_>>())
}

fn recall_of_repeats(window: &Window<'_>, half_life: f64) -> f64 {
    let recalls =
        window.judged.par_iter().with_min_len(256).map_init(Purchases::default, |own, Judged { customer, bought }| {
            let owned = window.past.histories.owned.row(*customer as usize);
            let again: Vec<u32> = bought.iter().copied().filter(|item| owned.binary_search(item).is_ok()).collect();
            if again.is_empty() {
                return None;
            }
            window.past.purchases(*customer as usize, [half_life; 2], own);
            let worth =
                |item: u32, decayed: f64| decayed + POPULARITY_DAYS * window.past.items[item as usize].popularity;
            let mut list: Vec<(f64, u32)> =
                own.bought.iter().map(|bought| (worth(bought.item, bought.decayed), bought.item)).collect();
            list.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let list: Vec<u32> = list.into_iter().map(|(_, item)| item).collect();
            measure(&list, &again, LIST).map(|[recall, ..]| recall)
        });
    mean(&recalls.collect::<Vec<_>>())
}

fn mean(values: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
}
