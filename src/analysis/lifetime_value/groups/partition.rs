//! Who is in which group, and what each group is learned from.

use super::cohorts;
use super::covariates;
use super::design::{Design, MOST_GROUPS};
use super::{Cohorts, Group, Grouping, Purchasing, members};
use crate::analysis::Base;
use crate::analysis::lifetime_value::accuracy::Accuracy;
use crate::analysis::lifetime_value::choice::{GroupedCandidate, forecasts_of};
use crate::analysis::lifetime_value::histories::{Histories, History};
use crate::analysis::lifetime_value::holdout::{self, Split};
use crate::analysis::lifetime_value::models::Statistics;
use crate::analysis::lifetime_value::purchases::{Fitted, PurchaseKind};
use crate::units::{Day, NONE_IX};

/// The groups of a base before anything is fitted.
#[derive(Debug, Clone)]
pub struct Partition {
    pub labels: Vec<String>,
    /// Group of each customer; `NONE_IX` without a purchase day.
    pub group_of: Vec<u32>,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Cohorts(Cohorts),
    Covariates(Design),
}

/// Every group, fitted.
pub struct GroupFits {
    /// One a group, and the share that its own customers decide.
    pub groups: Vec<(Fitted, Option<f64>)>,
    pub effects: Option<covariates::Effects>,
    /// Standard deviation between groups of the logarithm of each parameter; only where groups are shrunk.
    pub spread: Vec<(&'static str, f64)>,
    /// Parameters in all; a share of one where a group is shrunk.
    pub n_parameters: f64,
    pub notes: Vec<String>,
}

impl Partition {
    /// Groups the customers of a base as asked; nothing where nothing was asked for or there is nothing to group by, with the reasons.
    pub fn of(grouping: &Grouping, base: &Base<'_>, customers: &[Option<History>]) -> (Option<Self>, Vec<String>) {
        match grouping {
            Grouping::None => (None, vec![]),
            Grouping::Cohorts(period) => {
                let label = |ix: usize| Some(cohorts::label(*period, Day(base.now.first_day.get(ix)?)));
                let label_of = |ix: usize| customers[ix].and_then(|_| label(ix));
                let of_customer: Vec<Option<String>> = (0..customers.len()).map(label_of).collect();
                let mut labels: Vec<String> = of_customer.iter().flatten().cloned().collect();
                labels.sort_unstable();
                labels.dedup();
                let position = |label: &String| labels.partition_point(|one| one < label) as u32;
                let group_of = of_customer.iter().map(|label| label.as_ref().map_or(NONE_IX, position)).collect();
                (Some(Self { labels, group_of, way: Way::Cohorts(*period) }), vec![])
            }
            Grouping::Covariates(names) => {
                let attributes: Vec<_> = names
                    .iter()
                    .filter_map(|name| base.data.attributes.iter().find(|column| column.name == *name))
                    .collect();
                let counts: Vec<bool> = customers.iter().map(Option::is_some).collect();
                let mut design = Design::of(&attributes, &counts);
                let mut notes = std::mem::take(&mut design.notes);
                let n_groups = design.labels.len();
                if n_groups > MOST_GROUPS {
                    notes.push(format!(
                        "covariates are left out: they tell {n_groups} groups of customers apart, at most {MOST_GROUPS} are fitted; name fewer of them, or coarser ones"
                    ));
                    return (None, notes);
                }
                if design.columns.is_empty() {
                    return (None, notes);
                }
                let labels = std::mem::take(&mut design.labels);
                let group_of = std::mem::take(&mut design.group_of);
                (Some(Self { labels, group_of, way: Way::Covariates(design) }), notes)
            }
        }
    }

    /// Returns what is said after the name of a model.
    pub fn words(&self) -> String {
        match &self.way {
            Way::Cohorts(period) => format!("by {} cohort", period.label()),
            Way::Covariates(_) => "with covariates".to_owned(),
        }
    }

    /// Returns what each group is learned from.
    pub fn statistics(&self, base: &Base<'_>, customers: &[Option<History>], reads_gaps: bool) -> Vec<Statistics> {
        let gaps = reads_gaps.then(|| {
            holdout::gaps_by_group(&base.data.purchase_days, base.now.as_of, &self.group_of, self.labels.len())
        });
        let mut gaps = gaps.unwrap_or_default().into_iter();
        let of_group = |members: Vec<u32>| Statistics {
            histories: Histories::compress(members.iter().filter_map(|ix| customers[*ix as usize]).collect()),
            gaps: gaps.next().unwrap_or_default(),
        };
        members(&self.group_of, self.labels.len()).into_iter().map(of_group).collect()
    }

    /// Fits every group; `pooled` is the fit to all of them together. Nothing where the likelihood cannot be computed.
    pub fn fit(&self, kind: PurchaseKind, pooled: &Fitted, parts: &[Statistics]) -> Option<GroupFits> {
        match &self.way {
            Way::Cohorts(_) => Some(cohorts::fit(kind, pooled, parts)),
            Way::Covariates(design) => covariates::fit(design, pooled, parts),
        }
    }

    /// Fits the groups as of the cut of a holdout and forecasts it.
    pub fn candidate(
        &self,
        base: &Base<'_>,
        split: &Split,
        kind: PurchaseKind,
        pooled: &Fitted,
    ) -> Option<GroupedCandidate> {
        let parts = split.by_group(&base.data.purchase_days, base.now.as_of, &self.group_of, self.labels.len());
        let (statistics, observations): (Vec<Statistics>, Vec<_>) =
            parts.into_iter().map(|part| (part.calibration, part.observations)).unzip();
        // Whoever is in no group stands last.
        let fits = self.fit(kind, pooled, &statistics[..self.labels.len()])?;
        let fitted = fits.groups.iter().map(|(fitted, _)| fitted).chain(std::iter::once(pooled));
        let forecasts: Vec<_> = fitted
            .zip(&observations)
            .flat_map(|(fitted, observations)| forecasts_of(fitted, f64::from(split.days), observations))
            .collect();
        let of_weeks = fits.groups.iter().filter(|(fitted, _)| fitted.0.n_customers > 0);
        Some(GroupedCandidate {
            name: format!("{} {}", kind.label(), self.words()),
            n_parameters: fits.n_parameters,
            log_likelihood_weeks: of_weeks.map(|(fitted, _)| fitted.log_likelihood_weeks()).sum(),
            accuracy: Accuracy::of(&forecasts),
        })
    }

    /// Puts the groups together.
    pub fn purchasing(self, pooled: Fitted, fits: GroupFits, parts: &[Statistics]) -> Purchasing {
        let group = |((label, (fitted, own_weight)), part): ((String, (Fitted, Option<f64>)), &Statistics)| {
            let alive = |(history, n): &(History, u32)| f64::from(*n) * fitted.p_alive(*history);
            let alive: f64 = part.histories.distinct.iter().map(alive).sum();
            let mean_p_alive = alive / (part.histories.n_customers as f64).max(1.0);
            Group { label, fitted, own_weight, mean_p_alive }
        };
        let groups = self.labels.into_iter().zip(fits.groups).zip(parts).map(group).collect();
        Purchasing { pooled, groups, effects: fits.effects, spread: fits.spread, group_of: self.group_of }
    }
}
