//! Lifetime values by the model of an earlier run, and what a fit to today's base says of that model.
//!
//! Scoring by a stored model needs no holdout and no fit. Whether the model still fits is told by fitting the same one, with the same `k`, to the
//! base of today and comparing how likely that base is under both. The stored parameters are fixed, those of the refit are free, so
//! `2 (ln L_refit − ln L_stored)` is `χ²` with as many degrees of freedom as there are free parameters where nothing has changed. Both bases share
//! customers and the stored parameters are estimates themselves, so this is a yardstick and no test to the letter; in a large base it
//! sees differences that move no score.
//!
//! | name          | unit                                                                      |
//! |---------------|---------------------------------------------------------------------------|
//! | likelihoods   | natural logarithm, of the whole base; times in days, money in major units |
//! | orders        | purchase days within the horizon, of the whole base                       |
//!
//! For regular purchases the density of the gaps is left out: it depends on `k` alone, which both have in common. Cost: a fit and a table of
//! expectations. Source: Wilks, "The large-sample distribution of the likelihood ratio", Ann. Math. Statist. 9 (1938).

use super::basis::Basis;
use super::clock::Clock;
use super::diagnosis::FitError;
use super::gamma_gamma::FittedGammaGamma;
use super::groups::Purchasing;
use super::histories::{Histories, History};
use super::models::Statistics;
use super::opportunities::Opportunities;
use super::purchases::{Fitted, PurchaseKind};
use super::value::{ExpectationTable, Horizon};
use super::{LifetimeValue, Model, holdout, repeat_spend};
use crate::analysis::{Analysis, AnalysisError, Base, Findings};
use crate::features::CustomerFeatures;
use crate::maths::chi_squared::upper_tail;
use crate::maths::sum::ordered_sums;
use crate::table::ColumnSpec;
use crate::units::Money;

/// What an earlier run fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub model: Model,
    /// What was odd about the fits, in a sentence each.
    pub caveats: Vec<String>,
}

/// Lifetime values by a stored model.
#[derive(Debug, Clone)]
pub struct Reused {
    pub analysis: LifetimeValue,
    pub stored: Stored,
}

impl Analysis for Reused {
    fn name(&self) -> &'static str {
        self.analysis.name()
    }

    fn columns(&self) -> Vec<ColumnSpec> {
        self.analysis.columns()
    }

    fn run(&self, base: &Base<'_>, _before: &[(&'static str, Findings)]) -> Result<Findings, AnalysisError> {
        self.analysis.score(base, Some(&self.stored))
    }
}

impl Stored {
    /// Takes over what a run fitted.
    pub fn of(model: &Model) -> Self {
        let purchases = model.purchases.pooled.0.diagnoses.iter().map(|odd| format!("purchase model: {odd}"));
        let spend = model.spend.iter().flat_map(|spend| &spend.diagnoses).map(|odd| format!("spend model: {odd}"));
        let caveats = purchases.chain(spend).collect();
        // Groups are those of a base: what a later run can take over is the fit to all.
        let model = Model { purchases: Purchasing::pooled(model.purchases.pooled.clone()), ..model.clone() };
        Self { model, caveats }
    }

    /// Returns the stored basis with the count of today's customers whose margin is unknown.
    pub(super) fn basis(&self, now: &CustomerFeatures, customers: &[Option<History>]) -> Basis {
        match self.model.basis {
            Basis::Revenue => Basis::Revenue,
            Basis::Margin { base_rate, prior_revenue, .. } => {
                let is_unknown = |ix: &usize| customers[*ix].is_some() && now.margin.get(*ix).is_none();
                let n_unknown = (0..customers.len()).filter(is_unknown).count();
                Basis::Margin { base_rate, prior_revenue, n_unknown }
            }
        }
    }
}

/// How likely one base is under a stored and a refitted model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likelihoods {
    pub stored: f64,
    pub refit: f64,
    pub n_customers: u64,
    /// Free parameters of the refit.
    pub n_free: u32,
}

impl Likelihoods {
    /// Returns both for a customer.
    pub fn per_customer(&self) -> [f64; 2] {
        [self.stored, self.refit].map(|ln| ln / self.n_customers.max(1) as f64)
    }

    /// Returns `2 (ln L_refit − ln L_stored)`, zero where the refit is no better.
    pub fn ratio(&self) -> f64 {
        (2.0 * (self.refit - self.stored)).max(0.0)
    }

    /// Returns the probability of such a ratio where the stored parameters are those of the base.
    pub fn p_value(&self) -> f64 {
        upper_tail(self.ratio(), self.n_free)
    }
}

/// The purchase model fitted to today's base.
#[derive(Debug, Clone, PartialEq)]
pub struct PurchaseRefit {
    pub fitted: Fitted,
    pub likelihoods: Likelihoods,
    /// Orders to be expected within the horizon by the stored model and by the refit.
    pub expected_orders: [f64; 2],
}

/// Fits the stored purchase model anew.
///
/// # Errors
/// As [`PurchaseKind::fit`], and where this base is impossible under the stored model.
pub fn refit_purchases(base: &Base<'_>, stored: &Model, horizon_months: u32) -> Result<PurchaseRefit, FitError> {
    let clock = clock_of_fit(base, stored);
    let stored = &stored.purchases.pooled;
    let customers: Vec<History> = clock.histories(base).into_iter().flatten().collect();
    let mut statistics = Statistics { histories: Histories::compress(customers), gaps: vec![] };
    let kind = PurchaseKind::named(stored.formulas().name()).ok_or(FitError::NotFinite)?;
    if kind.reads_gaps() {
        statistics.gaps = holdout::gaps(&base.data.purchase_days, base.now.as_of);
    }
    let fitted = stored.refit(kind, &statistics)?;
    let histories = &statistics.histories;
    let [ln_stored, ln_refit] = ordered_sums(&histories.distinct, |sums: &mut [f64; 2], (history, n)| {
        let (x, t_x, age) = (history.n_repeats, f64::from(history.days_to_last), f64::from(history.age_days));
        sums[0] += f64::from(*n) * stored.formulas().log_likelihood(x, t_x, age);
        sums[1] += f64::from(*n) * fitted.formulas().log_likelihood(x, t_x, age);
    });
    if !(ln_stored + ln_refit).is_finite() {
        return Err(FitError::NotFinite);
    }
    let likelihoods = Likelihoods {
        stored: ln_stored,
        refit: ln_refit,
        n_customers: histories.n_customers,
        n_free: fitted.0.standard_errors.len() as u32,
    };
    let horizon = Horizon::months(&clock, horizon_months, 0.0);
    let expected_orders = [stored, &fitted].map(|fitted| expected_orders(fitted, histories, &horizon));
    Ok(PurchaseRefit { fitted, likelihoods, expected_orders })
}

fn expected_orders(fitted: &Fitted, histories: &Histories, horizon: &Horizon) -> f64 {
    let table = ExpectationTable::tabulate(fitted.0.model, histories, horizon);
    let [orders] = ordered_sums(&histories.distinct, |sums: &mut [f64; 1], (history, n)| {
        let if_alive = table.get(*history).map_or(0.0, |if_alive| if_alive.expected);
        sums[0] += f64::from(*n) * fitted.p_alive(*history) * if_alive;
    });
    orders
}

/// The spend model fitted to today's base.
#[derive(Debug, Clone, PartialEq)]
pub struct SpendRefit {
    pub fitted: FittedGammaGamma,
    pub likelihoods: Likelihoods,
}

/// The clock of the fit: plain days whatever the season.
fn clock_of_fit(base: &Base<'_>, stored: &Model) -> Clock {
    let as_of = base.now.as_of;
    match stored.opportunity {
        Some(each) => Clock::Opportunities(Opportunities::new(each, as_of)),
        None => Clock::Days(as_of),
    }
}

/// Fits the stored spend model anew; `model` is the stored model that it is a part of.
///
/// # Errors
/// As [`FittedGammaGamma::fit`], and where this base is impossible under the stored model.
pub fn refit_spend(base: &Base<'_>, model: &Model, stored: &FittedGammaGamma) -> Result<SpendRefit, FitError> {
    let clock = clock_of_fit(base, model);
    let spenders = repeat_spend(&clock.customers(base), &clock.histories(base));
    let fitted = FittedGammaGamma::fit(spenders.clone())?;
    let models = [stored.parameters(), fitted.parameters()];
    let [ln_stored, ln_refit] = ordered_sums(&spenders, |sums: &mut [f64; 2], (x, spend)| {
        if *spend > 0 {
            let mean = Money(*spend).major() / f64::from(*x);
            sums.iter_mut().zip(&models).for_each(|(sum, model)| *sum += model.log_likelihood(*x, mean));
        }
    });
    if !(ln_stored + ln_refit).is_finite() {
        return Err(FitError::NotFinite);
    }
    let likelihoods = Likelihoods { stored: ln_stored, refit: ln_refit, n_customers: fitted.n_customers, n_free: 3 };
    Ok(SpendRefit { fitted, likelihoods })
}

#[cfg(test)]
mod tests {
    use super::super::tests::Example;
    use super::*;

    #[test]
    fn a_stored_model_scores_the_same_base_the_same() {
        let example = Example::new(600);
        let fitted = LifetimeValue::default().run(&example.base(), &[]).unwrap();
        let stored = Stored::of(&fitted.valuation.as_ref().unwrap().model);
        let reused = Reused { analysis: LifetimeValue::default(), stored };
        let found = reused.run(&example.base(), &[]).unwrap();
        assert_eq!(found.columns, fitted.columns);
        assert_eq!(found.valuation, fitted.valuation);
    }

    #[test]
    fn a_refit_to_the_same_base_finds_the_same_and_to_another_something_better() {
        let (first, other) = (Example::new(600), Example::new(1_500));
        let fitted = LifetimeValue::default().run(&first.base(), &[]).unwrap().valuation.unwrap().model;
        let same = refit_purchases(&first.base(), &fitted, 12).unwrap();
        assert_eq!(same.fitted.0.model, fitted.purchases.pooled.0.model);
        assert_eq!((same.likelihoods.ratio(), same.likelihoods.p_value()), (0.0, 1.0));
        assert_eq!(same.expected_orders[0], same.expected_orders[1]);
        let spend = fitted.spend.clone().unwrap();
        assert_eq!(refit_spend(&first.base(), &fitted, &spend).unwrap().likelihoods.ratio(), 0.0);

        let moved = refit_purchases(&other.base(), &fitted, 12).unwrap();
        assert!(moved.likelihoods.ratio() > 0.0 && moved.likelihoods.p_value() < 1.0);
        assert_ne!(moved.expected_orders[0], moved.expected_orders[1]);
        assert!(refit_spend(&other.base(), &fitted, &spend).unwrap().likelihoods.ratio() > 0.0);
    }

    #[test]
    fn a_base_too_small_for_a_fit_says_so() {
        let fitted = LifetimeValue::default().run(&Example::new(600).base(), &[]).unwrap().valuation.unwrap().model;
        assert!(refit_purchases(&Example::new(5).base(), &fitted, 12).is_err());
    }
}
