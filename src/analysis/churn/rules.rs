//! Rules that need nothing to be learnt: what every learnt score must beat.
//!
//! | rule               | score, higher for more risk                                                                    |
//! |--------------------|------------------------------------------------------------------------------------------------|
//! | `recency`          | days since the last purchase day                                                                 |
//! | `frequency`        | purchase days, fewest first                                                                      |
//! | `recency_over_gap` | recency over the customer's own mean gap, after a single purchase over the mean gap of all      |
//! | `purchase_model`   | P(no purchase in the horizon) of the purchase model of the lifetime values, refitted at the cut  |
//!
//! The last one is `1 − P(alive) P(buys in the horizon, if alive)` and never `1 − P(alive)`: by BG/NBD whoever bought once is alive for certain.
//! Only the days before the cut enter any of them. Where the lifetime values have groups or seasons, the rule is the plain model.

use rayon::prelude::*;

use super::behaviour::Behaviour;
use super::observed::Question;
use crate::analysis::lifetime_value::histories::Histories;
use crate::analysis::lifetime_value::models::Statistics;
use crate::analysis::lifetime_value::{Fitted, PurchaseKind};
use crate::units::Day;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Recency,
    Frequency,
    RecencyOverGap,
    PurchaseModel,
}

impl Rule {
    pub const ALL: [Self; 4] = [Self::Recency, Self::Frequency, Self::RecencyOverGap, Self::PurchaseModel];

    /// Returns the name in facts and tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Recency => "recency",
            Self::Frequency => "frequency",
            Self::RecencyOverGap => "recency_over_gap",
            Self::PurchaseModel => "purchase_model",
        }
    }
}

/// What the rules know of a base at a cut.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Mean gap of all customers who came back, in days.
    pub mean_gap: f64,
    /// The purchase model as of the cut; nothing where it could not be fitted.
    pub model: Option<Fitted>,
    /// Days of the label.
    pub horizon: f64,
}

impl Rules {
    /// Fits what the rules need to the customers known before a cut.
    pub fn fit(question: &Question<'_>, cut: Day, customers: &[&Behaviour], kind: PurchaseKind) -> Self {
        let (mut gaps, mut n): (u64, u64) = (0, 0);
        for behaviour in customers {
            let history = behaviour.history();
            gaps += u64::from(history.days_to_last);
            n += u64::from(history.n_repeats);
        }
        let histories = Histories::compress(customers.iter().map(|behaviour| behaviour.history()).collect());
        let statistics =
            Statistics { histories, gaps: if kind.reads_gaps() { gaps_before(question, cut) } else { vec![] } };
        let model = kind.fit(&statistics).ok();
        Self { mean_gap: gaps as f64 / n.max(1) as f64, model, horizon: f64::from(question.horizon) }
    }

    /// Scores customers; nothing where the rule cannot say anything.
    pub fn scores(&self, rule: Rule, customers: &[Behaviour]) -> Option<Vec<f64>> {
        match rule {
            Rule::Recency => Some(customers.iter().map(|b| f64::from(b.recency)).collect()),
            Rule::Frequency => Some(customers.iter().map(|b| -f64::from(b.n_days)).collect()),
            Rule::RecencyOverGap => {
                let gap = |b: &Behaviour| b.gap_mean.unwrap_or(self.mean_gap).max(1.0);
                Some(customers.iter().map(|b| f64::from(b.recency) / gap(b)).collect())
            }
            Rule::PurchaseModel => {
                let model = self.model.as_ref()?;
                let score = |b: &Behaviour| model.probability_no_purchase(b.history(), self.horizon);
                Some(customers.par_iter().with_min_len(256).map(score).collect())
            }
        }
    }
}

/// Days from one purchase day to the next of the customers who are learnt from, and how often.
fn gaps_before(question: &Question<'_>, cut: Day) -> Vec<(u32, u64)> {
    let days = &question.records.data.purchase_days;
    let today = cut.0 - 1;
    let mut gaps: Vec<u32> = Vec::new();
    for (customer, _) in question.customers {
        let customer = *customer as usize;
        let row = days.starts[customer]..days.starts[customer + 1];
        let mut kept = row.filter(|ix| days.day[*ix] <= today && days.gone_on[*ix] > today).map(|ix| days.day[ix]);
        let Some(mut last) = kept.next() else { continue };
        for day in kept {
            gaps.push(day.abs_diff(last));
            last = day;
        }
    }
    gaps.sort_unstable();
    gaps.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64)).collect()
}
