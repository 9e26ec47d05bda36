//! Risk and reasons of every customer as of now, by what was chosen.
//!
//! Who is eligible is scored by the chosen learner, fitted at the latest cut with known labels, or by the chosen rule. Who has been silent for longer than
//! that is scored by the purchase model, calibrated on those who were as silent at that cut where there are enough of them: no learner has
//! seen such customers. Who never bought anything is not scored.
//!
//! Reasons come from the terms of the logistic regression and from the Shapley values of the trees, their mean for a blend. A rule gives the reason that
//! it consists of, where the risk is above that of the base.
//!
//! Customers are scored in blocks of 16,384: 150 bytes each while they are, 60 afterwards. Cost: features, one pass of the models.

use rayon::prelude::*;

use super::attributes::Speaks;
use super::behaviour::Behaviour;
use super::boosting::Explainer;
use super::calibration::Calibration;
use super::evaluation::Scorer;
use super::features::{Feature, Subject};
use super::learners::{Learner, Models};
use super::observed::Question;
use super::reasons::{MOST, Reason, Typical, strongest};
use super::rules::{Rule, Rules};
use super::sample::Matrix;
use crate::units::Day;

/// Customers whose features are held at a time.
const BLOCK: usize = 16_384;

/// What was chosen, ready to score.
#[derive(Debug)]
pub struct Scoring<'a> {
    pub question: Question<'a>,
    pub now: Day,
    pub scorer: Scorer,
    /// Fitted where the scorer is a learner.
    pub models: Option<Models>,
    pub calibration: Calibration,
    /// As of now.
    pub rules: Rules,
    /// For who is silent for too long; the probability of the purchase model as it is where there is none.
    pub silent: Option<Calibration>,
    pub typical: Typical,
    /// Of each attribute, by its position.
    pub speaks: Vec<Speaks>,
    pub base_rate: f64,
}

/// Risk and reasons of a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scored {
    pub risk: Option<f64>,
    pub is_silent: bool,
    pub reasons: [Option<Reason>; MOST],
}

impl Scoring<'_> {
    /// Scores every customer.
    pub fn all(&self) -> Vec<Scored> {
        let n = self.question.records.data.n_customers();
        let features = self.question.design.features();
        let explainer = self.explainer();
        let blocks: Vec<usize> = (0..n).step_by(BLOCK).collect();
        let block = |from: &usize| self.block(*from..(*from + BLOCK).min(n), &features, explainer.as_ref());
        blocks.par_iter().flat_map_iter(block).collect()
    }

    fn block(
        &self,
        customers: std::ops::Range<usize>,
        features: &[&Feature],
        explainer: Option<&Explainer<'_>>,
    ) -> Vec<Scored> {
        let Question { records, horizon, eligible_recency, .. } = self.question;
        let mut found = vec![Scored::default(); customers.len()];
        let (mut ranks, mut eligible) = (Vec::new(), Vec::new());
        for customer in customers.clone() {
            let Some(behaviour) = records.before(self.now, horizon, customer) else { continue };
            if behaviour.recency <= eligible_recency {
                ranks.push(customer as u32);
                eligible.push(behaviour);
            } else {
                found[customer - customers.start] = self.silent(&behaviour);
            }
        }
        let scored = self.block_of(&ranks, &eligible, features, explainer);
        ranks.iter().zip(scored).for_each(|(customer, scored)| found[*customer as usize - customers.start] = scored);
        found
    }

    /// Scores eligible customers whose figures are known; ranks are those of the base.
    pub fn each(&self, customers: &[u32], behaviour: &[Behaviour]) -> Vec<Scored> {
        let features = self.question.design.features();
        let explainer = self.explainer();
        let blocks = customers.par_chunks(BLOCK).zip(behaviour.par_chunks(BLOCK));
        blocks
            .flat_map_iter(|(customers, behaviour)| self.block_of(customers, behaviour, &features, explainer.as_ref()))
            .collect()
    }

    /// The last day that is known.
    fn eve(&self) -> Day {
        Day(self.now.0 - 1)
    }

    fn explainer(&self) -> Option<Explainer<'_>> {
        self.models.as_ref().and_then(|models| models.booster.as_ref()).map(Explainer::new)
    }

    fn block_of(
        &self,
        customers: &[u32],
        behaviour: &[Behaviour],
        features: &[&Feature],
        explainer: Option<&Explainer<'_>>,
    ) -> Vec<Scored> {
        let matrix = self.question.design.matrix(customers, behaviour, self.eve());
        let scores = match (self.scorer, &self.models) {
            (Scorer::Learner(learner), Some(models)) => models.scores(learner, &matrix),
            (Scorer::Rule(rule), _) => self.rules.scores(rule, behaviour),
            _ => None,
        };
        let mut contributions = vec![0.0; features.len()];
        let mut more = vec![0.0; features.len()];
        let mut one = |(row, score): (usize, f64)| {
            let risk = self.calibration.apply(score);
            let subjects = match self.scorer {
                Scorer::Learner(learner) => {
                    self.explain(learner, explainer, &matrix, row, &mut contributions, &mut more);
                    by_subject(features, &contributions)
                }
                Scorer::Rule(rule) if risk > self.base_rate => subjects_of(rule),
                Scorer::Rule(_) => vec![],
            };
            let say = |subject| self.say(subject, customers[row], &behaviour[row]);
            Scored { risk: Some(risk), is_silent: false, reasons: strongest(&subjects, say) }
        };
        scores.map_or_else(
            || vec![Scored::default(); customers.len()],
            |scores| scores.into_iter().enumerate().map(&mut one).collect(),
        )
    }

    fn silent(&self, behaviour: &Behaviour) -> Scored {
        let score = self.rules.scores(Rule::PurchaseModel, std::slice::from_ref(behaviour));
        let score = score.and_then(|scores| scores.first().copied());
        let risk = score.map(|score| self.silent.as_ref().map_or(score, |calibration| calibration.apply(score)));
        let reason = self.typical.reason(Subject::Silence, behaviour, self.question.horizon);
        Scored { risk, is_silent: true, reasons: [reason.filter(|_| risk.is_some()), None, None] }
    }

    fn explain(
        &self,
        learner: Learner,
        explainer: Option<&Explainer<'_>>,
        matrix: &Matrix,
        row: usize,
        contributions: &mut [f64],
        more: &mut [f64],
    ) {
        let logistic = self.models.as_ref().and_then(|models| models.logistic.as_ref());
        contributions.fill(0.0);
        let (by_logistic, by_booster) = match learner {
            Learner::Logistic => (1.0, 0.0),
            Learner::Booster => (0.0, 1.0),
            Learner::Blend => (0.5, 0.5),
        };
        if let (Some(logistic), true) = (logistic, by_logistic > 0.0) {
            logistic.explain(matrix, row, more);
            contributions.iter_mut().zip(&*more).for_each(|(sum, part)| *sum += by_logistic * part);
        }
        if let (Some(explainer), true) = (explainer, by_booster > 0.0) {
            explainer.explain(matrix, row, more);
            contributions.iter_mut().zip(&*more).for_each(|(sum, part)| *sum += by_booster * part);
        }
    }

    fn say(&self, subject: Subject, customer: u32, behaviour: &Behaviour) -> Option<Reason> {
        match subject {
            Subject::Attribute(at) => {
                let attribute = self.question.design.attribute(at)?;
                attribute.reason(at, customer, self.eve(), self.speaks.get(usize::from(at))?)
            }
            _ => self.typical.reason(subject, behaviour, self.question.horizon),
        }
    }
}

/// What the columns of each subject add together.
fn by_subject(features: &[&Feature], contributions: &[f64]) -> Vec<(Subject, f64)> {
    let mut subjects: Vec<(Subject, f64)> = Vec::new();
    for (feature, part) in features.iter().zip(contributions) {
        match subjects.iter_mut().find(|(subject, _)| *subject == feature.subject) {
            Some((_, sum)) => *sum += part,
            None => subjects.push((feature.subject, *part)),
        }
    }
    subjects
}

/// What a rule consists of, the first part first.
fn subjects_of(rule: Rule) -> Vec<(Subject, f64)> {
    match rule {
        Rule::Recency | Rule::RecencyOverGap => vec![(Subject::Silence, 1.0)],
        Rule::Frequency => vec![(Subject::Frequency, 1.0)],
        Rule::PurchaseModel => vec![(Subject::Silence, 2.0), (Subject::Frequency, 1.0)],
    }
}
