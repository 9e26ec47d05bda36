//! The purchase model of a base: chosen on a holdout as far as the choice is free, fitted to the whole base, by groups and season where asked for.

use super::LifetimeValue;
use super::choice::{self, Evidence};
use super::clock::Clock;
use super::diagnosis::FitError;
use super::facts;
use super::groups::Purchasing;
use super::groups::partition::Partition;
use super::histories::{Histories, History};
use super::holdout;
use super::models::Statistics;
use super::purchases::{Fitted, PurchaseKind};
use super::reuse::Stored;
use super::season::{self, SeasonIndex, SeasonProof};
use crate::analysis::{Analysis, Base};

/// The purchase model, and why it is this one.
pub(super) struct Found {
    pub evidence: Option<Evidence>,
    pub purchases: Purchasing,
    pub notes: Vec<String>,
}

impl Found {
    /// Takes a stored model as it is.
    pub fn stored(stored: &Stored) -> Self {
        let Stored { model, caveats } = stored;
        Self { evidence: None, purchases: model.purchases.clone(), notes: caveats.clone() }
    }
}

impl LifetimeValue {
    /// Chooses a model, as far as the choice is free, and fits it to the whole base.
    pub(super) fn purchases(
        &self,
        base: &Base<'_>,
        customers: &[Option<History>],
        clock: &Clock,
    ) -> Result<Found, FitError> {
        let (days, as_of) = (&base.data.purchase_days, base.now.as_of);
        let choice = self.0.model;
        let histories = Histories::compress(customers.iter().flatten().copied().collect());
        let (partition, mut notes) = Partition::of(&self.0.grouping, base, customers);
        let kinds = choice::candidates(choice, !self.attributes().is_empty());
        let horizon_end = as_of.add_months(self.0.horizon_months);
        let split = clock.split(base, horizon_end);
        let unproven = if split.is_some() {
            "no model can be fitted to the part of the base before the holdout"
        } else {
            "the base is too short or too small for a holdout"
        };
        let mut evidence = split.and_then(|split| Evidence::of(split, kinds));
        if let (Some(partition), Some(evidence)) = (&partition, &mut evidence) {
            let pooled = evidence.chosen();
            evidence.grouped = partition.candidate(base, &evidence.split, pooled.kind, &pooled.fitted);
        }
        let mut kind = choice::kind(choice, evidence.as_ref());
        notes.extend(match &evidence {
            Some(evidence) => evidence.notes(),
            None => vec![format!("purchase model: {unproven}, {} is used unproven", kind.label())],
        });
        let mut statistics = Statistics { histories, gaps: vec![] };
        let fitted = loop {
            if kind.reads_gaps() {
                statistics.gaps = holdout::gaps(days, as_of);
            }
            let calibrated = evidence.as_ref().map(Evidence::chosen).filter(|chosen| chosen.kind == kind);
            match calibrated.map_or_else(|| kind.fit(&statistics), |chosen| chosen.fitted.refit(kind, &statistics)) {
                Ok(fitted) => break fitted,
                Err(reason) if matches!(kind, PurchaseKind::MbgNbd | PurchaseKind::BgBb) => return Err(reason),
                Err(reason) => {
                    notes.push(format!("purchase model: {} cannot be fitted, mbg-nbd is used: {reason}", kind.label()));
                    kind = PurchaseKind::MbgNbd;
                }
            }
        };
        notes.extend(fitted.0.diagnoses.iter().map(|diagnosis| format!("purchase model: {diagnosis}")));
        let Some(partition) = partition else {
            return Ok(Found { evidence, purchases: Purchasing::pooled(fitted), notes });
        };
        let parts = partition.statistics(base, customers, kind.reads_gaps());
        let Some(mut fits) = partition.fit(kind, &fitted, &parts) else {
            let words = partition.words();
            notes.push(format!("{} {words} cannot be fitted: all customers share one model", kind.label()));
            return Ok(Found { evidence, purchases: Purchasing::pooled(fitted), notes });
        };
        notes.append(&mut fits.notes);
        Ok(Found { evidence, purchases: partition.purchasing(fitted, fits, &parts), notes })
    }

    /// Estimates the season on the whole base, and on the calibration period what it is worth.
    pub(super) fn season(
        &self,
        base: &Base<'_>,
        fitted: &Fitted,
        evidence: Option<&mut Evidence>,
        notes: &mut Vec<String>,
    ) -> Option<SeasonIndex> {
        if !self.0.season {
            return None;
        }
        let as_of = base.now.as_of;
        let found = SeasonIndex::estimate(&season::Cohorts::of(&base.data.purchase_days, as_of), fitted, as_of);
        let proof = evidence.and_then(|evidence| {
            evidence.season = SeasonProof::of(evidence);
            evidence.season.as_ref()
        });
        notes.extend(facts::season_notes(found.as_ref(), proof));
        found
    }
}
