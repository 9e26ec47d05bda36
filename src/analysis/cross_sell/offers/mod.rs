//! The next best offers: for every customer the products it most likely buys next, how likely, what that is worth, and why.
//!
//! Two windows of the base's own past, each as long as the horizon, decide what tonight's offers stand on. On the one before the last
//! similarity and half-lives are chosen ([`choice`]) and the chance of a purchase is learnt ([`model`]); on the last, which neither has seen, lists are
//! compared with the simplest ones that could replace them ([`proof`]) and chances are calibrated. Then similarities are learnt again from everything up
//! to as-of, and every customer is ranked ([`ranking`]). Both windows use at most [`MOST_LEARNT`] customers, drawn as [`sample`] says.
//!
//! | column                | meaning                                                                              |
//! |-----------------------|--------------------------------------------------------------------------------------|
//! | `offer_i`             | product id; unknown for who never kept a purchase, or where nothing is left          |
//! | `offer_i_name`        | product name                                                                         |
//! | `offer_i_probability` | that the customer buys it within the horizon; unknown without a proof                |
//! | `offer_i_margin`      | probability × mean margin of a purchase, see [`value`]                               |
//! | `offer_i_reason`      | a sentence, see [`reasons`]                                                          |
//! | `offer_i_fallback`    | `best-seller`, `category-best-seller` where only that speaks for it, otherwise unknown |
//!
//! Tables: `offer_proof`, one row a block, list and length; `offer_audiences`, the best customers for each product that the pipeline names.

pub mod accuracy;
pub mod budget;
pub mod candidates;
pub mod choice;
pub mod ease;
pub mod facts;
pub mod figures;
pub mod filters;
pub mod histories;
pub mod listing;
pub mod model;
pub mod past;
pub mod proof;
pub mod ranking;
pub mod reasons;

pub mod sample;
pub mod similarity;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod value;
pub mod window;

use self::budget::Budget;
use self::candidates::{POOL, Reach};
use self::choice::{Chosen, Source};
use self::filters::{Categories, Permitted, Returned};
use self::listing::Rules;
use self::model::Model;
use self::past::Past;
use self::proof::Proof;
use self::ranking::{Offer, Proven, Ranker};
use self::reasons::Wording;
use self::similarity::Similarity;
use self::value::Value;
use self::window::Window;
use super::super::{Fact, SideTable};
use crate::features::{Baskets, Dataset};
use crate::table::{Column, ProductLabels};
use crate::units::{Language, Period};

/// Customers that the windows are learnt from at most.
pub const MOST_LEARNT: usize = 100_000;
/// What needs no choice, for a base on which none can be made.
const UNPROVEN: Source = Source::Pairs(Similarity::LogLift);
/// Customers with a new product in each window below which nothing is proven.
const FEWEST: usize = 100;

/// What an analyst may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// How long an offer has to be taken up.
    pub horizon: Period,
    /// Time in which a purchase loses half of its weight; nothing where the windows choose.
    pub half_life: Option<Period>,
    /// Whether what the customer has bought may be offered again.
    pub repeat: bool,
    /// How long after a purchase it may not.
    pub repurchase_window: Period,
    /// Offers of one category in a list at most; nothing for no cap.
    pub per_category: Option<u32>,
    /// Categories that are never offered, nor a reason for an offer.
    pub sensitive_categories: Vec<String>,
    /// Products that are never offered, by id.
    pub blocked_products: Vec<String>,
    /// Products whose best customers are listed, by id.
    pub audience_products: Vec<String>,
    /// How long those lists are, and what contacts may cost.
    pub budget: Budget,
    /// Language of the reasons.
    pub language: Language,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            horizon: Period::Days(90),
            half_life: None,
            repeat: false,
            repurchase_window: Period::Days(30),
            per_category: None,
            sensitive_categories: vec![],
            blocked_products: vec![],
            audience_products: vec![],
            budget: Budget::default(),
            language: Language::default(),
        }
    }
}

/// Everything that comes of the offers.
#[derive(Debug, Default)]
pub struct Made {
    pub columns: Vec<Column>,
    pub tables: Vec<SideTable>,
    pub facts: Vec<(&'static str, Fact)>,
    pub notes: Vec<String>,
}

/// What the windows led to.
#[derive(Debug)]
pub struct Learnt {
    pub chosen: Chosen,
    pub proof: Proof,
    pub proven: Proven,
    /// Customers that the windows were learnt from.
    pub n_learnt: usize,
}

/// Days of a period that ends on a day.
fn days_before(period: Period, data: &Dataset) -> i32 {
    period.end_after(data.as_of).0 - data.as_of.0
}

/// What the pipeline asks of every list.
fn rules<'a>(data: &'a Dataset, params: &Params) -> Rules<'a> {
    Rules {
        category: &data.products.category,
        again_after: params.repeat.then(|| days_before(params.repurchase_window, data)),
        per_category: params.per_category.map_or(usize::MAX, |n| n as usize),
    }
}

/// New products that are looked at closely for `k` offers; with a cap some candidates are passed over.
fn pool(params: &Params, k: usize) -> usize {
    let pool = POOL.max(k + k / 2);
    if params.per_category.is_some() { 4 * pool } else { pool }
}

/// Learns and proves on the two windows before as-of.
///
/// # Errors
/// Says why that is not possible.
pub fn learn(
    data: &Dataset,
    permitted: &Permitted,
    params: &Params,
    k: usize,
    max_neighbours: usize,
) -> Result<Learnt, String> {
    let horizon = days_before(params.horizon, data);
    let half_life = params.half_life.map(|period| f64::from(days_before(period, data)));
    let cut = |windows: i32| data.as_of.0.saturating_sub(horizon.saturating_mul(windows));
    let first = data.baskets.day.iter().min().copied().unwrap_or(data.as_of.0);
    if first > cut(2) {
        return Err(format!("the data must begin before the last two windows of {horizon} days"));
    }
    let drawn = sample::draw(&data.baskets, &data.customer_ids, MOST_LEARNT);
    let known = [2, 1, 0].map(|windows| drawn.baskets.as_of(cut(windows)));
    let rules = rules(data, params);
    let open = |nth: usize| {
        let cut = cut(2 - nth as i32);
        let returned = Returned::of(&drawn.baskets, cut);
        Window::open(&known[nth], &known[nth + 1], cut, &drawn.place, permitted, rules, returned)
    };
    let too_few = |window: &Window<'_>| {
        let n = window.n_with_new();
        (n < FEWEST)
            .then(|| format!("{n} customers bought something new in a window of {horizon} days, {FEWEST} are needed"))
    };

    let (chosen, model) = {
        let window = open(0);
        too_few(&window).map_or(Ok(()), Err)?;
        let (chosen, neighbours) = choice::choose(&window, max_neighbours, pool(params, k), horizon, half_life)
            .ok_or("no similarity could be learnt")?;
        let model = Model::fit(&window, &chosen, &neighbours)
            .map_err(|_| "nobody, or everybody, bought a candidate in the window before the last")?;
        (chosen, model)
    };
    let window = open(1);
    too_few(&window).map_or(Ok(()), Err)?;
    let neighbours =
        chosen.source.learn(&window.past.histories, max_neighbours).ok_or("no similarity could be learnt")?;
    let proof = proof::prove(&window, &model, &neighbours, k);
    let proven = Proven::of(model, &proof);
    Ok(Learnt { chosen, proof, proven, n_learnt: drawn.place.len() })
}

/// Makes the offers; `baskets` are those of the data as of as-of.
pub fn make(
    data: &Dataset,
    baskets: &Baskets,
    params: &Params,
    k: usize,
    max_neighbours: usize,
    labels: &ProductLabels,
) -> Made {
    let permitted = Permitted::of(data, params);
    let learnt = learn(data, &permitted, params, k.max(1), max_neighbours);
    let past = Past::of(baskets, data.n_customers(), data.n_products(), data.as_of.0, params.repeat);
    let (source, reach) = match &learnt {
        Ok(learnt) => (learnt.chosen.source, learnt.chosen.reach),
        Err(_) => {
            let reach = Reach { half_life_new: f64::INFINITY, half_life_again: f64::INFINITY, pool: pool(params, k) };
            (UNPROVEN, reach)
        }
    };
    let [by_rank, may_point] =
        [&permitted.in_stock(data), &permitted.may_point].map(|flags| Permitted::by_rank(flags, &past.histories));
    let Permitted { n_blocked, n_out_of_stock, mut notes, .. } = permitted;
    let learnt_tonight = [source, UNPROVEN].into_iter().find_map(|from| from.learn(&past.histories, max_neighbours));
    let neighbours = learnt_tonight.unwrap_or_default();
    let Rules { category, again_after, per_category } = rules(data, params);
    let categories = Categories::of(category, &past.histories, &by_rank);
    let returned = Returned::of(&data.baskets, data.as_of.0);
    let ranker = Ranker {
        past: &past,
        neighbours: &neighbours,
        offerable: &by_rank,
        may_point: &may_point,
        categories: &categories,
        returned: &returned,
        reach,
        proven: learnt.as_ref().ok().map(|learnt| &learnt.proven),
        again_after,
        per_category,
        k,
    };
    let by_model = learnt.as_ref().ok().map(|learnt| learnt.proven.by_model_new);
    let audience = audience(data, params, &past, &by_rank, by_model, &mut notes);
    let ranks: Vec<u32> = audience.iter().map(|product| past.histories.rank[*product as usize]).collect();
    let (offers, audiences) = ranker.rank(&ranks, params.budget.list_size());

    let value = Value::of(data, baskets);
    let reasons = if k > 0 { Wording::new(data, &past.histories, params.language).columns(&offers, k) } else { vec![] };
    let columns = tables::columns(&offers, k, labels, &value, reasons);
    let (mut tables, mut spent) = (Vec::new(), None);
    if let Ok(learnt) = &learnt {
        tables.push(tables::proof(&learnt.proof.rows));
    }
    if !params.audience_products.is_empty() {
        let mut found: Vec<_> = audience.into_iter().zip(audiences).collect();
        spent = params.budget.spend(&mut found, &value);
        tables.push(tables::audiences(&found, &data.customer_ids, labels, &value, params.budget.contact_cost));
    }
    let made =
        facts::Ranked { histories: &past.histories, offers: &offers, value: &value, n_blocked, n_out_of_stock, k };
    let mut facts = facts::facts(&made, learnt.as_ref(), params, &mut notes);
    facts.extend(spent.map(|spent| ("audience_budget", spent.facts(&params.budget))));
    Made { columns, tables, facts, notes }
}

/// Returns the products whose best customers are asked for and may be given; `by_model` says whether the model won, nothing without a proof.
///
/// Popularity is the same for every customer and says nothing about who is best.
fn audience(
    data: &Dataset,
    params: &Params,
    past: &Past<'_>,
    by_rank: &[bool],
    by_model: Option<bool>,
    notes: &mut Vec<String>,
) -> Vec<u32> {
    let mut products = Vec::new();
    for id in &params.audience_products {
        let reason = match data.product_ids.position(id) {
            None => "is not in the data",
            Some(_) if by_model.is_none() => "has none, because no probability is known",
            Some(_) if by_model == Some(false) => {
                "has none, because the model that tells customers apart did not beat the best-sellers"
            }
            Some(product) if data.products.out_of_stock.get(product as usize) == Some(&true) => "is out of stock",
            Some(product) if !by_rank[past.histories.rank[product as usize] as usize] => "may not be offered",
            Some(product) => {
                products.push(product);
                continue;
            }
        };
        notes.push(format!("offers: no audience for the product `{id}`: it {reason}"));
    }
    products
}

impl Offer {
    /// Says whether nothing but its popularity speaks for an offer.
    pub fn is_fallback(&self) -> bool {
        matches!(self.because, ranking::Because::BestSeller | ranking::Because::BestOfCategory)
    }
}
