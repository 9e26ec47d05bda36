//! Churn where nobody gives notice: learnt from the base's own transactions, proven on its own past.
//!
//! The label is that nothing is bought in the horizon from a cut on, see [`super::observed`]. What can be learnt is put to the test at the latest cut
//! whose labels are known ([`super::schedule`], [`super::evaluation`]), what is chosen is fitted again at that cut, calibrated by what its models say
//! of customers they have not seen, at that cut or one year before now, and scores everybody as of now ([`super::scoring`]).
//!
//! Cost: a million customers with three years of history take a few seconds; [`super::observed::MOST_CUSTOMERS`] of them at most are learnt from.

use super::Params;
use super::behaviour::{Behaviour, Records, YEAR};
use super::calibration::{self, Calibration};
use super::card::Card;
use super::evaluation::{Basis, Evaluation, Scorer, Seen};
use super::events::EventsKnown;
use super::features::Design;
use super::leaks;
use super::learners::{CrossFitted, Learner, Models};
use super::observed::{Observed, Question, drawn};
use super::profit::Campaign;
use super::reasons::{self, Typical};
use super::rules::{Rule, Rules};
use super::sample::FitError;
use super::schedule::Schedule;
use super::scoring::{Scored, Scoring};
use crate::analysis::lifetime_value::clock::Clock;
use crate::analysis::lifetime_value::{PurchaseKind, Valuation};
use crate::analysis::{Base, Fact, SideTable};
use crate::table::Column;
use crate::units::Day;

/// Customers of either fate from which the silent ones have a calibration of their own.
const LEAST_OF_CLASS: usize = 50;

/// Share of dates after a cut above which an attribute was written after it; fewer are slips.
const MOST_AFTER: f64 = 0.01;

/// Risks that were learnt, and their proof.
#[derive(Debug)]
pub struct Assessed {
    pub scored: Vec<Scored>,
    /// The columns of the reasons.
    pub reasons: Vec<Column>,
    pub facts: Vec<(&'static str, Fact)>,
    pub tables: Vec<SideTable>,
    pub notes: Vec<String>,
}

/// Learns, proves and scores.
///
/// # Errors
/// Returns why nothing can be learnt, as a clause.
pub fn assess(
    params: &Params,
    base: &Base<'_>,
    horizon: i32,
    valuation: Option<&Valuation>,
    mean_value: Option<f64>,
) -> Result<Assessed, String> {
    if valuation.is_some_and(|valuation| matches!(valuation.clock, Clock::Opportunities(_))) {
        return Err("bg-bb counts opportunities and no days".to_owned());
    }
    let records = Records::new(base.data).ok_or("nobody bought anything")?;
    let too_short = || format!("the history is too short for a horizon of {horizon} days");
    let schedule = Schedule::new(records.first_day, base.now.as_of, horizon).ok_or_else(too_short)?;
    let customers = drawn(&records);
    let reaches_back = |cut: Option<Day>| cut.is_none_or(|cut| cut.0 - YEAR >= records.first_day.0);
    let cuts = [schedule.train.or(Some(schedule.test)), schedule.season_of_test, schedule.season_of_now];
    let mut notes = Vec::new();
    let events = EventsKnown::at(&records, &cuts, &mut notes);
    let mut design = Design::new(&records, &params.attributes, &customers, cuts.into_iter().all(reaches_back), events);
    let label = label(horizon, schedule.test, params.eligible_recency);
    if design.attributes().next().is_some() {
        notes.push(
            "churn: attributes are read as they stand in the export today, also for the past that is learnt from"
                .to_owned(),
        );
    }
    for leak in guard(params, &records, horizon, &customers, &design, &schedule) {
        notes.push(format!("churn: `{}` is left out, it knows the future: {} (label: {label})", leak.name, leak.why));
        design.drop(&[leak.name]);
    }
    let question = Question {
        records: &records,
        horizon,
        eligible_recency: params.eligible_recency,
        customers: &customers,
        design: &design,
    };
    let kind = valuation.and_then(kind_of).unwrap_or(PurchaseKind::MbgNbd);
    let seen = |cut: Day| {
        let observed = Observed::at(&question, cut);
        let rules = Rules::fit(&question, cut, &known(&observed), kind);
        Seen { observed, rules }
    };
    let enough = |cut: Option<Day>| cut.map(seen).filter(|seen| seen.observed.is_enough());
    let test = seen(schedule.test);
    if !test.observed.is_enough() {
        return Err(format!("too few customers were lost or stayed in the {horizon} days from {} on", schedule.test));
    }
    let train = enough(schedule.train);
    let campaign: Option<Campaign> = mean_value.map(|value| params.costs.campaign(value));
    let refused = |error: FitError| error.to_string();
    let monotone = design.monotone();
    let season_of_test = enough(schedule.season_of_test);
    let evaluation = Evaluation::of(train.as_ref(), &test, season_of_test.as_ref(), &monotone, campaign.as_ref())
        .map_err(refused)?;

    let scorer = evaluation.chosen().scorer;
    let season = enough(schedule.season_of_now)
        .filter(|_| evaluation.season_proof.is_some_and(|[latest, season]| season < latest));
    let (models, calibration) = final_fit(scorer, &test, season.as_ref(), &monotone).map_err(refused)?;
    let scoring = Scoring {
        question,
        now: schedule.now,
        scorer,
        models,
        calibration,
        rules: rules_now(&question, schedule.now, kind),
        silent: silent_calibration(&test),
        typical: Typical::of(&test.observed.behaviour),
        speaks: design.speaks(&test.observed),
        base_rate: test.observed.base_rate(),
    };
    let scored = scoring.all();

    notes.extend(evaluation_notes(&evaluation, train.is_some(), &label));
    let n_silent = scored.iter().filter(|scored| scored.is_silent && scored.risk.is_some()).count();
    let n_unknown = scored.iter().filter(|scored| scored.is_silent && scored.risk.is_none()).count();
    if n_unknown > 0 {
        notes.push(format!(
            "churn: {n_unknown} customers are silent for more than {} days and have no risk: the purchase model cannot be fitted",
            params.eligible_recency
        ));
    }
    if n_silent > 0 {
        notes.push(format!(
            "churn: {n_silent} customers are silent for more than {} days: their risk is that of the purchase model{}",
            params.eligible_recency,
            if scoring.silent.is_some() { ", calibrated on those who were so a horizon ago" } else { "" }
        ));
    }
    let card = Card {
        evaluation: &evaluation,
        test: &test.observed,
        train: train.as_ref().map(|train| &train.observed),
        horizon,
        label: &label,
    };
    let basis = if season.is_some() { Basis::SeasonCut } else { Basis::LatestCut };
    let facts = vec![
        ("evaluation", card.fact()),
        ("eligible_recency_days", Fact::Integer(i64::from(params.eligible_recency))),
        ("n_learnt_from", Fact::Integer(test.observed.n_rows() as i64)),
        ("n_drawn", Fact::Integer(customers.len() as i64)),
        ("n_silent", Fact::Integer(n_silent as i64)),
        ("risk_by", Fact::Text(scorer.label().to_owned())),
        ("calibrated_on", Fact::Text(basis.label().to_owned())),
    ];
    let sentences: Vec<_> = scored.iter().map(|scored| scored.reasons).collect();
    let reasons = reasons::columns(&sentences, params.language, &design.words());
    Ok(Assessed { scored, reasons, facts, tables: card.tables(), notes })
}

/// An attribute that is not learnt from.
struct LeftOut {
    name: String,
    /// A clause.
    why: String,
}

/// Finds attributes that know the future at the cuts that are learnt from.
fn guard(
    params: &Params,
    records: &Records<'_>,
    horizon: i32,
    customers: &[(u32, u8)],
    design: &Design<'_>,
    schedule: &Schedule,
) -> Vec<LeftOut> {
    let mut found: Vec<LeftOut> = Vec::new();
    if design.attributes().next().is_none() {
        return found;
    }
    let question = Question { records, horizon, eligible_recency: params.eligible_recency, customers, design };
    for cut in [Some(schedule.test), schedule.train].into_iter().flatten() {
        let observed = Observed::at(&question, cut);
        let late = design.attributes().filter_map(|(_, name, attribute)| {
            let share = attribute.share_after(&observed.customers, Day(cut.0 - 1))?;
            let percent = (100.0 * share).round();
            let why = format!("{percent}% of its dates lie after the eve of {cut}, of customers who bought before");
            (share > MOST_AFTER).then(|| LeftOut { name: name.to_owned(), why })
        });
        let late: Vec<LeftOut> = late.collect();
        let telling = if observed.is_enough() {
            leaks::find(&design.features(), &observed.features, &observed.label)
        } else {
            vec![]
        };
        let telling = telling.into_iter().map(|leak| LeftOut {
            why: format!("alone it tells who is lost with an AUC of {:.3}", leak.auc),
            name: leak.name,
        });
        for leak in late.into_iter().chain(telling) {
            if found.iter().all(|other| other.name != leak.name) {
                found.push(leak);
            }
        }
    }
    found
}

/// The model of the lifetime values, where it counts days.
fn kind_of(valuation: &Valuation) -> Option<PurchaseKind> {
    let name = valuation.model.purchases.pooled.formulas().name();
    PurchaseKind::ALL.into_iter().find(|kind| kind.label() == name && *kind != PurchaseKind::BgBb)
}

/// Everybody with a purchase day before a cut.
fn known(observed: &Observed) -> Vec<&Behaviour> {
    observed.behaviour.iter().chain(observed.silent.iter().map(|(behaviour, _)| behaviour)).collect()
}

fn rules_now(question: &Question<'_>, now: Day, kind: PurchaseKind) -> Rules {
    let read = |(customer, _): &(u32, u8)| question.records.before(now, question.horizon, *customer as usize);
    let customers: Vec<Behaviour> = question.customers.iter().filter_map(read).collect();
    Rules::fit(question, now, &customers.iter().collect::<Vec<_>>(), kind)
}

/// Fits what is published at the latest cut, and calibrates it on customers its models have not seen.
///
/// # Errors
/// Where all customers outside of a fold have the same label.
pub fn final_fit(
    scorer: Scorer,
    latest: &Seen,
    season: Option<&Seen>,
    monotone: &[bool],
) -> Result<(Option<Models>, Calibration), FitError> {
    let one_class = || FitError::OneClass { n_rows: latest.observed.n_rows() };
    let at = season.unwrap_or(latest);
    let learners: &[Learner] = match &scorer {
        Scorer::Learner(learner) => std::slice::from_ref(learner),
        Scorer::Rule(_) => &[],
    };
    let all: Vec<u32> = (0..latest.observed.n_rows() as u32).collect();
    let (cross_fitted, models) = rayon::join(
        || CrossFitted::fit(&latest.observed, learners, monotone),
        || Models::fit(&latest.observed, &all, learners, monotone),
    );
    let scores = at.scores(scorer, &cross_fitted?).ok_or_else(one_class)?;
    let calibration = calibration::fit(&scores, &at.observed.label, None)?;
    Ok(((!learners.is_empty()).then_some(models?), calibration))
}

/// What became of the silent customers by the purchase model's word, where there are enough of them.
fn silent_calibration(latest: &Seen) -> Option<Calibration> {
    let (behaviour, label): (Vec<Behaviour>, Vec<bool>) = latest.observed.silent.iter().cloned().unzip();
    let n_lost = label.iter().filter(|lost| **lost).count();
    let is_enough = n_lost.min(label.len() - n_lost) >= LEAST_OF_CLASS;
    let scores = latest.rules.scores(Rule::PurchaseModel, &behaviour).filter(|_| is_enough)?;
    calibration::fit(&scores, &label, None).ok()
}

/// What was measured, in words.
fn label(horizon: i32, cut: Day, eligible_recency: u32) -> String {
    format!(
        "no purchase in the {horizon} days from {cut} on, of customers whose last purchase lay at most {eligible_recency} days before its eve"
    )
}

fn evaluation_notes(evaluation: &Evaluation, has_train: bool, label: &str) -> Vec<String> {
    let (learner, rule) = (&evaluation.entries[evaluation.learner], evaluation.best_rule());
    let mut notes = Vec::new();
    if !evaluation.gain.is_gain() {
        notes.push(format!(
            "churn: {} (AUC {:.3}) is no better than the rule {} ({:.3}) beyond noise, so the calibrated rule is published (label: {label})",
            learner.scorer.label(),
            learner.figures.auc,
            rule.scorer.label().replace('_', "-"),
            rule.figures.auc,
        ));
    }
    let by_model = evaluation.entries.iter().find(|entry| entry.scorer == Scorer::Rule(Rule::PurchaseModel));
    if let Some(model) = by_model
        && model.figures.auc < rule.figures.auc
    {
        notes.push(format!(
            "churn: P(no purchase) of the purchase model (AUC {:.3}) loses to the rule {} ({:.3}) (label: {label})",
            model.figures.auc,
            rule.scorer.label().replace('_', "-"),
            rule.figures.auc,
        ));
    }
    if !has_train {
        notes.push(
            "churn: the history holds one cut only, so scores are proven on other customers of the same days and not on later days"
                .to_owned(),
        );
    }
    notes
}
