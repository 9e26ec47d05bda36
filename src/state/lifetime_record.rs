//! Record types of the lifetime-value models in `model.json`, and the way there and back.
//!
//! Times are days, the spend model's money is major units, margins' is minor ones. Every float is written with the fewest digits that read
//! back as the same.

use serde::{Deserialize, Serialize};

use super::StoredLifetimeValue;
use crate::analysis::lifetime_value::basis::Basis;
use crate::analysis::lifetime_value::models::{Fit, Parameter};
use crate::analysis::lifetime_value::opportunities::Opportunity;
use crate::analysis::lifetime_value::purchases::Purchases;
use crate::analysis::lifetime_value::reuse::Stored;
use crate::analysis::lifetime_value::{
    Fitted, FittedGammaGamma, MAX_MONTHS, MAX_RATE, Model, PurchaseKind, Purchasing,
};

/// Both models with the settings of their scores.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifetimeValueRecord {
    horizon_months: u32,
    discount_rate_per_year: f64,
    purchases: PurchasesRecord,
    spend: Option<SpendRecord>,
    value_basis: BasisRecord,
    /// Index of the months, January first.
    season: Option<[f64; 12]>,
    /// What `bg-bb` counts.
    opportunity: Option<String>,
    /// What was odd about the fits.
    caveats: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PurchasesRecord {
    model: String,
    time_unit: String,
    parameters: Vec<ParameterRecord>,
    /// Of the log-likelihood, by the logarithms of the free parameters.
    hessian: Vec<Vec<f64>>,
    log_likelihood: f64,
    gain_over_no_dropout: f64,
    n: u64,
    n_repeats: u64,
    n_iterations: u32,
    gradient_norm: f64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterRecord {
    symbol: String,
    value: f64,
    standard_error: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpendRecord {
    model: String,
    parameters: Vec<ParameterRecord>,
    /// Of the log-likelihood, by the logarithms of the parameters.
    hessian: Vec<Vec<f64>>,
    log_likelihood: f64,
    n: u64,
    n_iterations: u32,
    /// Of the number of repeats and the mean spend.
    correlation: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BasisRecord {
    /// `revenue` or `margin`.
    name: String,
    /// Margin over revenue of the base.
    margin_rate: Option<f64>,
    /// Revenue at that rate that every customer is credited with, minor units.
    prior_revenue: Option<f64>,
}

impl LifetimeValueRecord {
    /// Writes the models down.
    pub fn of(lifetime_value: &StoredLifetimeValue) -> Self {
        let StoredLifetimeValue { horizon_months, discount_rate_per_year, stored } = lifetime_value;
        let Stored { model, caveats } = stored;
        let (name, margin_rate, prior_revenue) = match model.basis {
            Basis::Revenue => (REVENUE, None, None),
            Basis::Margin { base_rate, prior_revenue, .. } => (MARGIN, Some(base_rate), Some(prior_revenue)),
        };
        Self {
            horizon_months: *horizon_months,
            discount_rate_per_year: *discount_rate_per_year,
            purchases: PurchasesRecord::of(&model.purchases.pooled),
            spend: model.spend.as_ref().map(SpendRecord::of),
            value_basis: BasisRecord { name: name.to_owned(), margin_rate, prior_revenue },
            season: model.season,
            opportunity: model.opportunity.map(|each| each.label().to_owned()),
            caveats: caveats.clone(),
        }
    }

    /// Reads the models back.
    ///
    /// # Errors
    /// Returns what cannot be.
    pub fn read(self) -> Result<StoredLifetimeValue, String> {
        let is_rate = (0.0..=MAX_RATE).contains(&self.discount_rate_per_year);
        if !is_rate || !(1..=MAX_MONTHS).contains(&self.horizon_months) {
            return Err("no pipeline can ask for the horizon or discount rate of `lifetime_value`".to_owned());
        }
        let BasisRecord { name, margin_rate, prior_revenue } = self.value_basis;
        let basis = match (name.as_str(), margin_rate, prior_revenue) {
            (REVENUE, None, None) => Basis::Revenue,
            (MARGIN, Some(base_rate), Some(prior_revenue)) if prior_revenue > 0.0 => {
                Basis::Margin { base_rate, prior_revenue, n_unknown: 0 }
            }
            _ => return Err("`lifetime_value.value_basis` is neither revenue nor margin with its rate".to_owned()),
        };
        let purchases = self.purchases.read()?;
        let spend = self.spend.map(SpendRecord::read).transpose()?;
        if self.season.is_some_and(|index| index.iter().any(|month| *month <= 0.0)) {
            return Err("the index of a month in `lifetime_value.season` is not above zero".to_owned());
        }
        let known = |label: &str| Opportunity::ALL.into_iter().find(|each| each.label() == label);
        let opportunity = match &self.opportunity {
            Some(label) => {
                Some(known(label).ok_or_else(|| format!("`{label}` is no opportunity that klientel knows"))?)
            }
            None => None,
        };
        if opportunity.is_some() != matches!(purchases.0.model, Purchases::BgBb(_)) {
            return Err("the purchase model and `lifetime_value.opportunity` do not fit each other".to_owned());
        }
        let purchases = Purchasing::pooled(purchases);
        let model = Model { purchases, spend, basis, season: self.season, opportunity };
        Ok(StoredLifetimeValue {
            horizon_months: self.horizon_months,
            discount_rate_per_year: self.discount_rate_per_year,
            stored: Stored { model, caveats: self.caveats },
        })
    }
}

const REVENUE: &str = "revenue";
const MARGIN: &str = "margin";
const DAY: &str = "day";
const GAMMA_GAMMA: &str = "gamma-gamma";

impl PurchasesRecord {
    fn of(fitted: &Fitted) -> Self {
        let fit = &fitted.0;
        let parameters = fitted.formulas().parameters();
        // What is not fitted by slopes, k, stands first and has no error.
        let n_fixed = parameters.len() - fit.standard_errors.len();
        let errors = std::iter::repeat_n(None, n_fixed).chain(fit.standard_errors.iter().copied());
        let record = |(parameter, standard_error): (&Parameter, _)| ParameterRecord {
            symbol: parameter.symbol.to_owned(),
            value: parameter.value,
            standard_error,
        };
        Self {
            model: fitted.formulas().name().to_owned(),
            time_unit: DAY.to_owned(),
            parameters: parameters.iter().zip(errors).map(record).collect(),
            hessian: fit.hessian.clone(),
            log_likelihood: fit.log_likelihood,
            gain_over_no_dropout: fit.gain_over_no_dropout,
            n: fit.n_customers,
            n_repeats: fit.n_repeats,
            n_iterations: fit.n_iterations,
            gradient_norm: fit.gradient_norm,
        }
    }

    fn read(self) -> Result<Fitted, String> {
        let kind = PurchaseKind::named(&self.model)
            .ok_or_else(|| format!("`{}` is no purchase model that klientel knows", self.model))?;
        if self.time_unit != DAY {
            return Err(format!("the time unit of the purchase model is `{}`, not `{DAY}`", self.time_unit));
        }
        let of_symbol = |symbol: &str| self.parameters.iter().find(|one| one.symbol == symbol).map(|one| one.value);
        let model = Purchases::of(kind, of_symbol)
            .map_err(|symbol| format!("`{symbol}` of the purchase model is missing or out of its range"))?;
        let parameters = model.formulas().parameters();
        let is_own = parameters.iter().map(|one| one.symbol).eq(self.parameters.iter().map(|one| one.symbol.as_str()));
        let n_free = parameters.iter().filter(|parameter| parameter.symbol != "k").count();
        let is_square = self.hessian.len() == n_free && self.hessian.iter().all(|row| row.len() == n_free);
        if !is_own || !is_square {
            return Err(format!("the parameters or the Hessian of the purchase model are not those of {}", self.model));
        }
        Ok(Fitted(Fit {
            model,
            standard_errors: self.parameters[parameters.len() - n_free..]
                .iter()
                .map(|one| one.standard_error)
                .collect(),
            hessian: self.hessian,
            log_likelihood: self.log_likelihood,
            gain_over_no_dropout: self.gain_over_no_dropout,
            n_customers: self.n,
            n_repeats: self.n_repeats,
            n_iterations: self.n_iterations,
            gradient_norm: self.gradient_norm,
            diagnoses: vec![],
        }))
    }
}

impl SpendRecord {
    fn of(fitted: &FittedGammaGamma) -> Self {
        let [p, q, v] = fitted.standard_errors;
        let parameters = [("p", fitted.p, p), ("q", fitted.q, q), ("v", fitted.v, v)];
        let record = |(symbol, value, standard_error): (&str, _, _)| ParameterRecord {
            symbol: symbol.to_owned(),
            value,
            standard_error,
        };
        Self {
            model: GAMMA_GAMMA.to_owned(),
            parameters: parameters.map(record).into(),
            hessian: fitted.hessian.clone(),
            log_likelihood: fitted.log_likelihood,
            n: fitted.n_customers,
            n_iterations: fitted.n_iterations,
            correlation: fitted.correlation,
        }
    }

    fn read(self) -> Result<FittedGammaGamma, String> {
        let symbols = self.parameters.iter().map(|one| one.symbol.as_str());
        let all_positive = self.parameters.iter().all(|one| one.value > 0.0);
        let [p, q, v] = &self.parameters[..] else { return Err(not_spend()) };
        if self.model != GAMMA_GAMMA || !all_positive || !symbols.eq(["p", "q", "v"]) {
            return Err(not_spend());
        }
        if self.hessian.len() != 3 || self.hessian.iter().any(|row| row.len() != 3) {
            return Err("the Hessian of the spend model is not three by three".to_owned());
        }
        Ok(FittedGammaGamma {
            hessian: self.hessian,
            p: p.value,
            q: q.value,
            v: v.value,
            standard_errors: [p, q, v].map(|one| one.standard_error),
            log_likelihood: self.log_likelihood,
            n_customers: self.n,
            n_iterations: self.n_iterations,
            correlation: self.correlation,
            diagnoses: vec![],
        })
    }
}

fn not_spend() -> String {
    format!("the spend model is not `{GAMMA_GAMMA}` with `p`, `q` and `v` above zero")
}
