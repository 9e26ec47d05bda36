//! What manifest and summary say about the offers.

use super::accuracy::Estimate;
use super::choice::LIST;
use super::histories::Histories;
use super::proof::{BLOCKS, METHODS};
use super::ranking::Offer;
use super::value::Value;
use super::{Learnt, Params};
use crate::analysis::Fact;
use crate::units::NONE_IX;

/// What was made.
#[derive(Debug)]
pub struct Ranked<'a> {
    pub histories: &'a Histories,
    pub offers: &'a [Offer],
    pub value: &'a Value,
    pub n_blocked: usize,
    pub n_out_of_stock: usize,
    pub k: usize,
}

/// Collects the facts, and says in notes what was not used and why.
pub fn facts(
    made: &Ranked<'_>,
    learnt: Result<&Learnt, &String>,
    params: &Params,
    notes: &mut Vec<String>,
) -> Vec<(&'static str, Fact)> {
    let count = |n: usize| Fact::Integer(n as i64);
    let n_customers = made.histories.owned.n_rows();
    let n_without = (0..n_customers).filter(|customer| made.histories.owned.row_len(*customer) == 0).count();
    let n_made = made.offers.iter().filter(|offer| offer.product != NONE_IX).count();
    let n_fallback = made.offers.iter().filter(|offer| offer.is_fallback()).count();
    let mut facts = vec![
        ("n_customers_with_history", count(n_customers - n_without)),
        ("n_customers_without_history", count(n_without)),
        ("n_histories_capped", count(made.histories.n_capped)),
        ("n_offers", count(n_made)),
        ("n_products_blocked", count(made.n_blocked)),
        ("n_products_out_of_stock", count(made.n_out_of_stock)),
    ];
    if n_made > 0 {
        facts.push(("best_seller_share", Fact::Number(n_fallback as f64 / n_made as f64)));
    }
    let worth = if made.value.is_margin { "margin" } else { "revenue" };
    facts.push(("expected_margin_is_of", Fact::Text(worth.to_owned())));
    match learnt {
        Ok(learnt) => facts.push(("offer_proof", proof(learnt, params, made.k, notes))),
        Err(reason) if n_made > 0 => notes.push(format!("offers: unproven and without probabilities: {reason}")),
        Err(_) => {}
    }
    facts
}

fn proof(learnt: &Learnt, params: &Params, k: usize, notes: &mut Vec<String>) -> Fact {
    let Learnt { chosen, proof, proven, n_learnt } = learnt;
    let (expected, observed) = proof.new.expected_and_observed();
    let mut facts = vec![
        ("horizon", Fact::Text(params.horizon.to_string())),
        ("similarity", Fact::Text(chosen.source.label().to_owned())),
        ("half_life_days_new", half_life(chosen.reach.half_life_new)),
        ("n_learnt_from", Fact::Integer(*n_learnt as i64)),
        ("n_judged", Fact::Integer(proof.n_judged as i64)),
        ("expected_purchases_of_new", Fact::Number(expected)),
        ("observed_purchases_of_new", Fact::Number(observed)),
        ("new_by", by(proven.by_model_new, "best-sellers")),
    ];
    facts.extend(chosen.source.prior().map(|(name, customers)| (name, Fact::Number(customers))));
    if let Some(again) = chosen.again {
        let (expected, observed) = proof.again.expected_and_observed();
        facts.extend([
            ("half_life_days_repeat", half_life(again.half_life)),
            ("popularity_days_repeat", Fact::Number(again.popularity_days)),
            ("expected_purchases_of_repeats", Fact::Number(expected)),
            ("observed_purchases_of_repeats", Fact::Number(observed)),
            ("repeats_by", by(proven.by_model_again, "purchase-days")),
        ]);
    }
    for (block, name) in BLOCKS.into_iter().enumerate() {
        facts.extend(self::block(learnt, block, name));
    }
    if !proven.by_model_new {
        notes.push(unbeaten(learnt, 2, "new products", "best-sellers that the customer does not own"));
    }
    if params.repeat && !proven.by_model_again {
        notes.push(unbeaten(learnt, 1, "repeats", "the customer's own products by purchase days"));
    }
    facts.push(("list", Fact::Integer(LIST.max(k) as i64)));
    Fact::Group(facts)
}

fn half_life(days: f64) -> Fact {
    if days.is_finite() { Fact::Number(days) } else { Fact::Text("none".to_owned()) }
}

fn by(model: bool, baseline: &str) -> Fact {
    Fact::Text(if model { "model".to_owned() } else { baseline.to_owned() })
}

/// Figures of a block at the length of the comparison.
fn block(learnt: &Learnt, block: usize, name: &'static str) -> Option<(&'static str, Fact)> {
    let (gain, baseline) = learnt.proof.gain[block]?;
    let row = learnt.proof.row(name, METHODS[0], LIST)?;
    let other = learnt.proof.row(name, baseline, LIST)?;
    let interval = |estimate: Estimate| Fact::List(vec![Fact::Number(estimate.low), Fact::Number(estimate.high)]);
    let mut facts = vec![
        ("n_customers", Fact::Integer(row.n_customers as i64)),
        ("recall_at_10", Fact::Number(row.recall.mean)),
        ("recall_interval", interval(row.recall)),
        ("ndcg_at_10", Fact::Number(row.ndcg.mean)),
        ("hit_rate_at_10", Fact::Number(row.hit_rate.mean)),
        ("coverage_at_10", Fact::Number(row.coverage)),
        ("baseline", Fact::Text(baseline.to_owned())),
        ("baseline_recall_at_10", Fact::Number(other.recall.mean)),
        ("gain", Fact::Number(gain.mean)),
        ("gain_interval", interval(gain)),
    ];
    facts.extend(row.fallback_share.map(|share| ("fallback_share", Fact::Number(share))));
    Some((name, Fact::Group(facts)))
}

fn unbeaten(learnt: &Learnt, block: usize, what: &str, baseline: &str) -> String {
    let gain = learnt.proof.gain[block].map_or_else(
        || "nothing of the kind was bought in the last window".to_owned(),
        |(gain, _)| {
            let signed = |x: f64| format!("{:+.4}", x);
            format!(
                "the model's gain in recall in the last window is {} (90% interval {} to {})",
                signed(gain.mean),
                signed(gain.low),
                signed(gain.high)
            )
        },
    );
    format!("offers: {what} are {baseline}, because {gain}")
}
