//! Which similarity, how much of it and which half-lives, chosen on the window before the last.
//!
//! Nothing is carried over from another base: every figure that could be set is searched, one after the other, by recall at [`LIST`]; of equal ones what is
//! tried first wins. Half-lives are multiples of the horizon, or the one that the pipeline names.
//!
//! | list    | first                                            | then, at the best half-life                                               |
//! |---------|--------------------------------------------------|---------------------------------------------------------------------------|
//! | new     | every half-life, at the middle of the grid       | from the middle of [`SHRINKS`] or [`LAMBDAS`] as long as a step improves   |
//! | repeats | every half-life with every one of `POPULARITY_DAYS`   |                                                                      |
//!
//! The best of all similarities is used for new products; a list of repeats stands by decayed purchase days plus popularity times its days. Shrinkage and λ
//! are numbers of imagined customers, as the weight of a prior is: what a window of few customers chose is used as it is where more are learnt from,
//! and says less there. Scaling it with the base would leave neighbours alone where every customer stands twice, but another customer is news and not a
//! copy: on subsets of Ta-Feng from 866 to 13,858 customers a shrinkage of 40 to 160 is within 2% of the best recall throughout, and on MovieLens the
//! best λ grows from 200 to 800 where customers grow from 117 to 943, half as fast.
//!
//! Nothing here ever sees the last window. Cost: each similarity is learnt once for every step on its grid, three times at least.

use rayon::prelude::*;

use super::accuracy::measure;
use super::candidates::{Finder, Reach};
use super::ease;
use super::histories::Histories;
use super::past::{Bought, Purchases};
use super::similarity::{Neighbours, Similarity};
use super::window::{Judged, Window};

/// Length of the lists that are compared.
pub const LIST: usize = 10;
/// Half-lives that are tried, in horizons.
const HALF_LIVES: [f64; 6] = [f64::INFINITY, 8.0, 4.0, 2.0, 1.0, 0.5];
/// Shrinkage of the cosine that is tried, in customers.
pub const SHRINKS: [f64; 5] = [0.0, 5.0, 20.0, 80.0, 320.0];
/// λ that are tried for EASE, in customers.
pub const LAMBDAS: [f64; 6] = [50.0, 100.0, 200.0, 400.0, 800.0, 1_600.0];
/// What the best-seller is worth in decayed purchase days, for repeats.
const POPULARITY_DAYS: [f64; 6] = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0];

/// What similarities are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    Pairs(Similarity),
    /// EASE with its λ.
    Ease(f64),
}

impl Source {
    /// Returns the imagined customers that weigh against those of the base, and what they are called; nothing where there are none.
    pub fn prior(self) -> Option<(&'static str, f64)> {
        match self {
            Self::Pairs(Similarity::Cosine(shrink)) => Some(("shrink_customers", shrink)),
            Self::Ease(lambda) => Some(("lambda_customers", lambda)),
            Self::Pairs(_) => None,
        }
    }

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

/// A grid of values and what similarities are made of with each.
type Family = (&'static [f64], fn(f64) -> Source);

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    pub source: Source,
    pub reach: Reach,
    /// Recall of new products on the window of the choice.
    pub recall_new: f64,
    /// Nothing where nothing is offered again.
    pub again: Option<ChosenAgain>,
    /// Everything that was tried for new products: source, half-life in days, recall.
    pub tried: Vec<(Source, f64, f64)>,
}

/// What was chosen for repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChosenAgain {
    pub half_life: f64,
    /// What the best-seller is worth in decayed purchase days.
    pub popularity_days: f64,
    /// Recall on the window of the choice.
    pub recall: f64,
}

/// Goes from the middle of a grid to its better neighbour as long as that is better; returns where that ends, with its score and what came with it.
///
/// Each value is scored once at most. Nothing where the middle has no score.
pub fn climb<T>(grid: &[f64], mut score: impl FnMut(f64) -> Option<(f64, T)>) -> Option<(f64, f64, T)> {
    let middle = grid.len() / 2;
    let mut best = score(*grid.get(middle)?)?;
    let mut at = middle;
    for step in [1, -1] {
        while let Some(next) = at.checked_add_signed(step).filter(|next| *next < grid.len())
            && let Some(found) = score(grid[next])
            && found.0 > best.0
        {
            (at, best) = (next, found);
        }
        if at != middle {
            break;
        }
    }
    Some((grid[at], best.0, best.1))
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
    let mut families: Vec<Family> = vec![
        (&SHRINKS, |shrink| Source::Pairs(Similarity::Cosine(shrink))),
        (&[0.0], |_| Source::Pairs(Similarity::LogLift)),
        (&[0.0], |_| Source::Pairs(Similarity::LogLikelihood)),
    ];
    if window.past.histories.n_bought <= ease::MAX_ITEMS {
        families.push((&LAMBDAS, Source::Ease));
    }
    let (mut tried, mut best) = (Vec::new(), None);
    for (grid, source_of) in families {
        let mut half_life_here = None;
        let found = climb(grid, |value| {
            let source = source_of(value);
            let neighbours = source.learn(&window.past.histories, max_neighbours)?;
            let to_try = half_life_here.map_or_else(|| half_lives.clone(), |one| vec![one]);
            let (half_life, recall) = highest(&to_try, |half_life| {
                let recall = recall_of_new(window, &neighbours, half_life);
                tried.push((source, half_life, recall));
                recall
            })?;
            half_life_here = Some(half_life);
            Some((recall, neighbours))
        });
        if let (Some((value, recall, neighbours)), Some(half_life)) = (found, half_life_here)
            && best.as_ref().is_none_or(|(_, _, so_far, _)| recall > *so_far)
        {
            best = Some((source_of(value), half_life, recall, neighbours));
        }
    }
    let (source, half_life_new, recall_new, neighbours) = best?;
    let again = window.limits().again_after.and_then(|_| choose_again(window, &half_lives));
    let half_life_again = again.map_or(f64::INFINITY, |again| again.half_life);
    let reach = Reach { half_life_new, half_life_again, pool };
    Some((Chosen { source, reach, recall_new, again, tried }, neighbours))
}

fn choose_again(window: &Window<'_>, half_lives: &[f64]) -> Option<ChosenAgain> {
    let mut best: Option<ChosenAgain> = None;
    for half_life in half_lives {
        for (popularity_days, recall) in POPULARITY_DAYS.into_iter().zip(recall_of_repeats(window, *half_life)) {
            if best.is_none_or(|best| recall > best.recall) {
                best = Some(ChosenAgain { half_life: *half_life, popularity_days, recall });
            }
        }
    }
    best
}

/// Returns the value with the highest score, of equal ones the first.
fn highest(values: &[f64], mut score: impl FnMut(f64) -> f64) -> Option<(f64, f64)> {
    values.iter().map(|value| (*value, score(*value))).reduce(|best, next| if next.1 > best.1 { next } else { best })
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
            finder.find(*customer as usize, &[], window.limits().refused(*customer));
            let list: Vec<u32> = finder.new.iter().map(|(item, _)| *item).collect();
            measure(&list, &new, LIST).map(|[recall, ..]| recall)
        },
    );
    mean(&recalls.collect::<Vec<_>>())
}

/// Returns the recall of repeats for each weight of popularity.
fn recall_of_repeats(window: &Window<'_>, half_life: f64) -> [f64; POPULARITY_DAYS.len()] {
    let limits = window.limits();
    let recalls: Vec<Option<[f64; POPULARITY_DAYS.len()]>> = window
        .judged
        .par_iter()
        .with_min_len(256)
        .map_init(Purchases::default, |own, Judged { customer, bought }| {
            let owned = window.past.histories.owned.row(*customer as usize);
            let again: Vec<u32> = bought.iter().copied().filter(|item| owned.binary_search(item).is_ok()).collect();
            if again.is_empty() {
                return None;
            }
            window.past.purchases(*customer as usize, [half_life; 2], own);
            Some(POPULARITY_DAYS.map(|days| {
                let worth =
                    |bought: &Bought| bought.decayed + days * window.past.items[bought.item as usize].popularity;
                let may_be = own.bought.iter().filter(|bought| limits.may_repeat(bought));
                let mut list: Vec<(f64, u32)> = may_be.map(|bought| (worth(bought), bought.item)).collect();
                list.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                let list: Vec<u32> = list.into_iter().map(|(_, item)| item).collect();
                measure(&list, &again, LIST).map_or(0.0, |[recall, ..]| recall)
            }))
        })
        .collect();
    std::array::from_fn(|nth| {
        mean(&recalls.iter().map(|recalls| recalls.map(|recalls| recalls[nth])).collect::<Vec<_>>())
    })
}

fn mean(values: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_climb_goes_to_the_better_side_and_stops() {
        let check = |grid: &[f64], top: f64, expected: f64, n_scored: usize| {
            let mut scored = Vec::new();
            let found = climb(grid, |value| {
                scored.push(value);
                Some((-(value - top).abs(), value))
            });
            assert_eq!(found.map(|(value, _, with)| (value, with)), Some((expected, expected)));
            assert_eq!(scored.len(), n_scored, "{scored:?}");
        };
        let grid = [1.0, 2.0, 4.0, 8.0, 16.0];
        check(&grid, 4.1, 4.0, 3);
        check(&grid, 100.0, 16.0, 3);
        check(&grid, 1.9, 2.0, 4);
        check(&grid, 0.0, 1.0, 4);
        check(&[7.0], 0.0, 7.0, 1);
        // A plateau is not climbed, and what cannot be scored is not entered.
        assert_eq!(climb(&grid, |_| Some((1.0, ()))), Some((4.0, 1.0, ())));
        assert_eq!(climb(&grid, |value| (value <= 4.0).then_some((value, ()))), Some((4.0, 4.0, ())));
        assert_eq!(climb::<()>(&[], |_| None), None);
    }

    #[test]
    fn of_equal_values_the_first_is_the_highest() {
        assert_eq!(highest(&[3.0, 1.0, 2.0], |value| if value < 3.0 { 5.0 } else { 0.0 }), Some((1.0, 5.0)));
        assert_eq!(highest(&[], |value| value), None);
    }
}
