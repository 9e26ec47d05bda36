//! `model.json`: what a run fitted and chose, for a later run to score by.
//!
//! Record types of their own, so that a change inside klientel cannot change the file by accident. The same model gives the same bytes; floats
//! are written with the fewest digits that read back as the same, money is whole minor units, RFM cut points are whole fifths of their unit,
//! times are days. A file of a later format is refused before anything else of it is looked at; an unknown or missing key is damage.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::distribution::{COLUMNS, Classes, Distribution};
use super::lifetime_record::LifetimeValueRecord;
use super::{StateError, StoredModel};
use crate::analysis::abc::{self, Floors, Thresholds};
use crate::analysis::rfm::{CutRule, Cuts, Scale};
use crate::units::{Day, MONEY_SCALE, Period};

/// Version of the file's own shape.
pub const FORMAT: u64 = 1;

/// Name of the file in the directory of a run.
pub const MODEL_FILE: &str = "model.json";

/// The only key that every format has.
#[derive(Debug, Deserialize)]
struct FormatRecord {
    format: u64,
}

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRecord {
    format: u64,
    klientel_version: String,
    as_of: String,
    pipeline_sha256: String,
    currency: Option<String>,
    minor_units_in_major: i64,
    abc: Option<AbcRecord>,
    rfm: Option<RfmRecord>,
    lifetime_value: Option<LifetimeValueRecord>,
    churn: Option<ChurnRecord>,
    distributions: DistributionsRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AbcRecord {
    value: String,
    /// Shares of the total that the classes were cut at.
    cuts: [f64; 2],
    customers: Option<FloorsRecord>,
    products: Option<FloorsRecord>,
}

/// Lowest values in a class, minor units.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FloorsRecord {
    a_from: i64,
    b_from: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RfmRecord {
    cuts: String,
    recency_fifths_of_days: [i128; 4],
    frequency_fifths_of_orders: [i128; 4],
    monetary_fifths_of_minor_units: [i128; 4],
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChurnRecord {
    horizon: String,
}

/// How the scores were spread, apart by what their classes are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DistributionsRecord {
    labels: Vec<LabelsRecord>,
    deciles: Vec<DecilesRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelsRecord {
    column: String,
    labels: Vec<String>,
    counts: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecilesRecord {
    column: String,
    /// Upper ends of all classes but the last; money in minor units.
    edges: Vec<f64>,
    counts: Vec<u64>,
}

/// Writes a model as the text of its file.
///
/// # Panics
/// Panics if the model cannot be JSON, which has text keys only.
pub fn to_text(model: &StoredModel) -> String {
    let text = serde_json::to_string_pretty(&ModelRecord::of(model)).expect("records have text keys only");
    format!("{text}\n")
}

/// Reads a model file, or that of a run's directory; returns the model and the text it was read from.
///
/// # Errors
/// Fails where there is no such file, or where it is not a model of this version or an earlier one.
pub fn read(path: &Path) -> Result<(StoredModel, String), StateError> {
    let file = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_owned() };
    let text = std::fs::read_to_string(&file).map_err(|source| StateError::Io { path: file.clone(), source })?;
    let model = from_text(&text, &file)?;
    Ok((model, text))
}

fn from_text(text: &str, path: &Path) -> Result<StoredModel, StateError> {
    let syntax = |reason| StateError::Syntax { path: path.to_owned(), reason };
    let FormatRecord { format } = serde_json::from_str(text).map_err(syntax)?;
    let damaged = |reason| StateError::Damaged { path: path.to_owned(), reason };
    match format {
        0 => return Err(damaged("formats count from 1".to_owned())),
        1..=FORMAT => {}
        found => return Err(StateError::Newer { path: path.to_owned(), found }),
    }
    let record: ModelRecord = serde_json::from_str(text).map_err(syntax)?;
    record.read().map_err(damaged)
}

impl ModelRecord {
    fn of(model: &StoredModel) -> Self {
        Self {
            format: FORMAT,
            klientel_version: env!("CARGO_PKG_VERSION").to_owned(),
            as_of: model.as_of.to_string(),
            pipeline_sha256: model.pipeline_sha256.clone(),
            currency: model.currency.clone(),
            minor_units_in_major: MONEY_SCALE,
            abc: model.abc.map(AbcRecord::of),
            rfm: model.rfm.map(RfmRecord::of),
            lifetime_value: model.lifetime_value.as_ref().map(LifetimeValueRecord::of),
            churn: model.churn_horizon.map(|horizon| ChurnRecord { horizon: horizon.to_string() }),
            distributions: DistributionsRecord::of(&model.distributions),
        }
    }

    fn read(self) -> Result<StoredModel, String> {
        if self.minor_units_in_major != MONEY_SCALE {
            return Err(format!("its money has {} minor units, not {MONEY_SCALE}", self.minor_units_in_major));
        }
        let horizon = |churn: ChurnRecord| {
            Period::parse(&churn.horizon).ok_or_else(|| format!("`{}` is no horizon of `churn`", churn.horizon))
        };
        Ok(StoredModel {
            as_of: Day::parse_iso(&self.as_of).ok_or_else(|| format!("`as_of` is no day: `{}`", self.as_of))?,
            currency: self.currency,
            pipeline_sha256: self.pipeline_sha256,
            abc: self.abc.map(AbcRecord::read).transpose()?,
            rfm: self.rfm.map(RfmRecord::read).transpose()?,
            lifetime_value: self.lifetime_value.map(LifetimeValueRecord::read).transpose()?,
            churn_horizon: self.churn.map(horizon).transpose()?,
            distributions: self.distributions.read()?,
        })
    }
}

impl AbcRecord {
    fn of(thresholds: Thresholds) -> Self {
        let floors = |floors: Floors| FloorsRecord { a_from: floors.a(), b_from: floors.b() };
        Self {
            value: thresholds.value.label().to_owned(),
            cuts: [thresholds.cuts.a(), thresholds.cuts.b()],
            customers: thresholds.customers.map(floors),
            products: thresholds.products.map(floors),
        }
    }

    fn read(self) -> Result<Thresholds, String> {
        let floors = |floors: FloorsRecord| {
            Floors::new(floors.a_from, floors.b_from).ok_or_else(|| "the thresholds of `abc` do not descend".to_owned())
        };
        let value = abc::Value::ALL.into_iter().find(|value| value.label() == self.value);
        Ok(Thresholds {
            value: value.ok_or_else(|| format!("`{}` is no value of `abc`", self.value))?,
            cuts: abc::Cuts::new(self.cuts[0], self.cuts[1]).map_err(|error| error.to_string())?,
            customers: self.customers.map(floors).transpose()?,
            products: self.products.map(floors).transpose()?,
        })
    }
}

impl RfmRecord {
    fn of(scale: Scale) -> Self {
        Self {
            cuts: scale.recency.rule().label().to_owned(),
            recency_fifths_of_days: scale.recency.fifths(),
            frequency_fifths_of_orders: scale.frequency.fifths(),
            monetary_fifths_of_minor_units: scale.monetary.fifths(),
        }
    }

    fn read(self) -> Result<Scale, String> {
        let rule = CutRule::ALL.into_iter().find(|rule| rule.label() == self.cuts);
        let rule = rule.ok_or_else(|| format!("`{}` is no rule of `rfm` cuts", self.cuts))?;
        let cuts = |fifths| Cuts::from_fifths(rule, fifths).ok_or_else(|| "the cuts of `rfm` do not ascend".to_owned());
        Ok(Scale {
            recency: cuts(self.recency_fifths_of_days)?,
            frequency: cuts(self.frequency_fifths_of_orders)?,
            monetary: cuts(self.monetary_fifths_of_minor_units)?,
        })
    }
}

impl DistributionsRecord {
    fn of(distributions: &[Distribution]) -> Self {
        let (mut by_label, mut by_decile) = (Vec::new(), Vec::new());
        for Distribution { column, classes, counts } in distributions {
            let (column, counts) = ((*column).to_owned(), counts.clone());
            match classes {
                Classes::Labels(labels) => by_label.push(LabelsRecord { column, labels: labels.clone(), counts }),
                Classes::Edges(edges) => by_decile.push(DecilesRecord { column, edges: edges.clone(), counts }),
            }
        }
        Self { labels: by_label, deciles: by_decile }
    }

    fn read(self) -> Result<Vec<Distribution>, String> {
        let by_label = self.labels.into_iter().map(|one| (one.column, Classes::Labels(one.labels), one.counts));
        let by_decile = self.deciles.into_iter().map(|one| (one.column, Classes::Edges(one.edges), one.counts));
        by_label
            .chain(by_decile)
            .map(|(name, classes, counts)| {
                let column = COLUMNS.into_iter().find(|column| *column == name);
                let column = column.ok_or_else(|| format!("`{name}` is no score whose distribution is kept"))?;
                let ascends = !matches!(&classes, Classes::Edges(edges) if !edges.is_sorted_by(|a, b| a < b));
                if classes.len() != counts.len() || !ascends {
                    return Err(format!("classes and counts of the distribution of `{column}` do not fit"));
                }
                Ok(Distribution { column, classes, counts })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
