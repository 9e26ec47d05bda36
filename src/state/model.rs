//! The model that the scores of a run stand on, as plain data.

use super::distribution::Distribution;
use crate::analysis::churn;
use crate::analysis::lifetime_value::reuse::Stored;
use crate::analysis::{Chosen, Findings, abc, lifetime_value, rfm};
use crate::units::{Day, Period};

/// Everything that a run fitted and chose.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    /// Last day of the base that it was fitted to.
    pub as_of: Day,
    /// Currency of all money, where the pipeline stated it.
    pub currency: Option<String>,
    /// SHA-256 of the pipeline file of the run that fitted it.
    pub pipeline_sha256: String,
    pub abc: Option<abc::Thresholds>,
    pub rfm: Option<rfm::Scale>,
    pub lifetime_value: Option<StoredLifetimeValue>,
    /// How long a customer must buy nothing to count as lost; the risks themselves stand on the purchase model.
    pub churn_horizon: Option<Period>,
    /// How the scores of that run were spread.
    pub distributions: Vec<Distribution>,
}

/// The models of purchases and spend, and the settings that their scores had.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLifetimeValue {
    pub horizon_months: u32,
    pub discount_rate_per_year: f64,
    pub stored: Stored,
}

/// What a run was asked for, as far as scores by its model depend on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings<'a> {
    pub as_of: Day,
    pub currency: Option<&'a str>,
    pub pipeline_sha256: &'a str,
    pub lifetime_value: &'a lifetime_value::Params,
    pub churn: &'a churn::Params,
}

impl StoredModel {
    /// Takes over what the analyses of a run found.
    pub fn of(settings: &Settings<'_>, findings: &[(&'static str, Findings)]) -> Self {
        let found = |wanted: &str| findings.iter().find(|(name, _)| *name == wanted).map(|(_, found)| found);
        let lifetime_value = found("lifetime_value").and_then(|found| found.valuation.as_ref());
        Self {
            as_of: settings.as_of,
            currency: settings.currency.map(str::to_owned),
            pipeline_sha256: settings.pipeline_sha256.to_owned(),
            abc: thresholds(findings),
            rfm: scale(findings),
            lifetime_value: lifetime_value.map(|valuation| StoredLifetimeValue {
                horizon_months: settings.lifetime_value.horizon_months,
                discount_rate_per_year: settings.lifetime_value.discount_rate_per_year,
                stored: Stored::of(&valuation.model),
            }),
            churn_horizon: found("churn").map(|_| settings.churn.horizon),
            distributions: findings.iter().flat_map(|(_, found)| &found.columns).filter_map(Distribution::of).collect(),
        }
    }
}

/// Returns the ABC thresholds that a base leads to.
pub(super) fn thresholds(findings: &[(&'static str, Findings)]) -> Option<abc::Thresholds> {
    findings.iter().find_map(|(_, found)| match found.chosen {
        Some(Chosen::Abc(thresholds)) => Some(thresholds),
        _ => None,
    })
}

/// Returns the RFM cut points that a base leads to.
pub(super) fn scale(findings: &[(&'static str, Findings)]) -> Option<rfm::Scale> {
    findings.iter().find_map(|(_, found)| match found.chosen {
        Some(Chosen::Rfm(scale)) => Some(scale),
        _ => None,
    })
}
