//! A stored model beside today's base: does it still fit, and have the scores moved?
//!
//! | what                 | stored beside now                                                                            |
//! |----------------------|----------------------------------------------------------------------------------------------|
//! | purchases, spend     | parameters and the likelihood of today's base, under the stored model and under a refit        |
//! | expected orders      | of today's base within the horizon, by the stored model and by the refit                       |
//! | ABC and RFM          | thresholds, and those that today's base would lead to by itself                                |
//! | scores               | shares of the stored run's classes then and now, and their population stability index (PSI)    |
//!
//! The scores of both runs come from the same formulas and the same parameters, so that what moves them is the base. A score whose settings
//! have changed in between is left out. Reading of the index: below 0.1 stable, to 0.25 moved, above it the model should be fitted anew.
//! Cost: a fit of each model. Source: see [`crate::maths::stability`] and [`crate::analysis::lifetime_value::reuse`].

use super::StoredModel;
use super::drift_table::{Row, table};
use super::model::{scale, thresholds};
use crate::analysis::abc::Floors;
use crate::analysis::lifetime_value::reuse::{Likelihoods, PurchaseRefit, SpendRefit, refit_purchases, refit_spend};
use crate::analysis::{Base, Fact, Findings};
use crate::maths::stability::contributions;
use crate::table::Values;
use crate::units::{Day, MONEY_SCALE};

/// Index from which a score has moved.
const MOVED: f64 = 0.1;

/// Index above which the model should be fitted anew.
const REFIT: f64 = 0.25;

/// Name of the findings, of their key in the manifest and of their table.
pub const NAME: &str = "model_drift";

/// How far today's base is from a stored model.
#[derive(Debug, Clone)]
pub struct Drift {
    pub findings: Findings,
    /// The score that has moved most, and its index.
    pub largest: Option<(&'static str, f64)>,
}

/// Reads an index as credit scoring does.
pub fn verdict(index: f64) -> &'static str {
    if index < MOVED {
        "stable"
    } else if index <= REFIT {
        "moved"
    } else {
        "refit"
    }
}

impl Drift {
    /// Compares a stored model with today's base; `findings` are those of the run that scores by it.
    pub fn of(model: &StoredModel, base: &Base<'_>, findings: &[(&'static str, Findings)]) -> Self {
        let mut drift = Collected { age_days: age_days(model.as_of, base.now.as_of), ..Collected::default() };
        if let Some(lifetime_value) = &model.lifetime_value {
            let stored = &lifetime_value.stored.model;
            let (purchases, spend) = rayon::join(
                || refit_purchases(base, stored, lifetime_value.horizon_months),
                || stored.spend.as_ref().map(|spend| (spend, refit_spend(base, stored, spend))),
            );
            match purchases {
                Ok(refit) => drift.purchases(&stored.purchases.pooled.parameters_weeks(), &refit),
                Err(reason) => {
                    drift.notes.push(format!("drift: the purchase model cannot be fitted to this base: {reason}"))
                }
            }
            match spend {
                Some((stored, Ok(refit))) => drift.spend([stored.p, stored.q, stored.v], &refit),
                Some((_, Err(reason))) => {
                    drift.notes.push(format!("drift: the spend model cannot be fitted to this base: {reason}"));
                }
                None => {}
            }
        }
        drift.thresholds(model, findings);
        drift.scores(model, findings);
        drift.finish(model.as_of)
    }
}

/// Days from the last day of the model's base to that of today's.
pub fn age_days(model: Day, now: Day) -> i64 {
    i64::from(now.0) - i64::from(model.0)
}

#[derive(Default)]
struct Collected {
    age_days: i64,
    rows: Vec<Row>,
    facts: Vec<(&'static str, Fact)>,
    notes: Vec<String>,
    indices: Vec<(&'static str, f64)>,
}

fn beside(stored: f64, refit: f64) -> Vec<(&'static str, Fact)> {
    vec![("stored", Fact::Number(stored)), ("refit", Fact::Number(refit))]
}

impl Collected {
    fn purchases(&mut self, stored: &[(&'static str, f64, Option<f64>)], refit: &PurchaseRefit) {
        let what = refit.fitted.formulas().name();
        // k is the same in both.
        let parameters: Vec<Parameter> = stored
            .iter()
            .zip(refit.fitted.parameters_weeks())
            .filter(|((symbol, ..), _)| *symbol != "k")
            .map(|((symbol, stored, _), (_, refit, error))| Parameter { symbol, stored: *stored, refit, error })
            .collect();
        let mut facts =
            vec![("name", Fact::Text(what.to_owned())), ("time_unit", Fact::Text(refit.fitted.time_unit().to_owned()))];
        facts.extend(self.fit(what, &parameters, &refit.likelihoods));
        self.facts.push(("purchases", Fact::Group(facts)));
        let [by_stored, by_refit] = refit.expected_orders;
        let mut orders = beside(by_stored, by_refit);
        if by_refit > 0.0 {
            orders.push(("ratio", Fact::Number(by_stored / by_refit)));
        }
        self.facts.push(("expected_orders", Fact::Group(orders)));
        self.rows.push(Row::beside("expected orders", "all customers", by_stored, by_refit));
    }

    fn spend(&mut self, stored: [f64; 3], refit: &SpendRefit) {
        let fitted = &refit.fitted;
        let now = [fitted.p, fitted.q, fitted.v];
        let parameters: Vec<Parameter> = (0..3)
            .map(|ix| Parameter {
                symbol: ["p", "q", "v"][ix],
                stored: stored[ix],
                refit: now[ix],
                error: fitted.standard_errors[ix],
            })
            .collect();
        let facts = self.fit("gamma-gamma", &parameters, &refit.likelihoods);
        self.facts.push(("spend", Fact::Group(facts)));
    }

    /// Sets down the parameters and likelihoods of one model.
    fn fit(&mut self, what: &str, parameters: &[Parameter], likelihoods: &Likelihoods) -> Vec<(&'static str, Fact)> {
        for Parameter { symbol, stored, refit, error } in parameters {
            let verdict = error.map(|error| match (refit - stored).abs() <= 2.0 * error {
                true => "within two standard errors",
                false => "beyond two standard errors",
            });
            self.rows.push(Row { verdict, ..Row::beside(what, symbol, *stored, *refit) });
        }
        let [stored, refit] = likelihoods.per_customer();
        let row = Row::beside(what, "log-likelihood a customer", stored, refit);
        self.rows.push(Row { p_value: Some(likelihoods.p_value()), ..row });
        let of_parameter = |one: &Parameter| (one.symbol, Fact::Group(beside(one.stored, one.refit)));
        vec![
            ("parameters", Fact::Group(parameters.iter().map(of_parameter).collect())),
            ("log_likelihood_per_customer", Fact::Group(beside(stored, refit))),
            ("likelihood_ratio", Fact::Number(likelihoods.ratio())),
            ("degrees_of_freedom", Fact::Integer(i64::from(likelihoods.n_free))),
            ("p_value", Fact::Number(likelihoods.p_value())),
        ]
    }

    /// Sets down where classes start and where today's base would let them start.
    fn thresholds(&mut self, model: &StoredModel, findings: &[(&'static str, Findings)]) {
        let major = |minor: i64| minor as f64 / MONEY_SCALE as f64;
        if let (Some(stored), Some(now)) = (&model.abc, thresholds(findings)) {
            let both =
                [("abc customers", stored.customers, now.customers), ("abc products", stored.products, now.products)];
            for (what, stored, now) in both {
                let (Some(stored), Some(now)) = (stored, now) else { continue };
                let floors = |floors: Floors| [floors.a(), floors.b()].map(major);
                for (part, (stored, now)) in
                    ["A from", "B from"].into_iter().zip(floors(stored).into_iter().zip(floors(now)))
                {
                    self.rows.push(Row::beside(what, part, stored, now));
                }
            }
        }
        if let (Some(stored), Some(now)) = (&model.rfm, scale(findings)) {
            for ((name, stored, unit), (_, now, _)) in stored.dimensions().into_iter().zip(now.dimensions()) {
                for (ix, (stored, now)) in stored.points().into_iter().zip(now.points()).enumerate() {
                    let (what, part) = (format!("rfm {name}"), format!("cut {}", ix + 1));
                    self.rows.push(Row::beside(&what, &part, stored / unit, now / unit));
                }
            }
        }
    }

    /// Sets down how each score is spread, then and now.
    fn scores(&mut self, model: &StoredModel, findings: &[(&'static str, Findings)]) {
        let columns = || findings.iter().flat_map(|(_, found)| &found.columns);
        for stored in &model.distributions {
            let Some(column) = columns().find(|column| column.name == stored.column) else { continue };
            let counts = stored.count(column);
            let Some(parts) = contributions(&stored.counts, &counts) else {
                self.notes.push(format!("drift: nobody has a `{}` in this base", stored.column));
                continue;
            };
            let index: f64 = parts.iter().sum();
            self.indices.push((stored.column, index));
            let mut total = Row::about(stored.column, "all");
            (total.psi, total.verdict) = (Some(index), Some(verdict(index)));
            self.rows.push(total);
            let unit = if matches!(column.values, Values::Money(_)) { MONEY_SCALE as f64 } else { 1.0 };
            let share = |counts: &[u64], ix: usize| counts[ix] as f64 / counts.iter().map(|n| *n as f64).sum::<f64>();
            for (ix, name) in stored.names(unit).iter().enumerate() {
                let row = Row::beside(stored.column, name, share(&stored.counts, ix), share(&counts, ix));
                self.rows.push(Row { psi: Some(parts[ix]), ..row });
            }
        }
    }

    fn finish(mut self, as_of: Day) -> Drift {
        let largest = self.indices.iter().copied().reduce(|most, next| if next.1 > most.1 { next } else { most });
        let mut facts =
            vec![("model_as_of", Fact::Text(as_of.to_string())), ("model_age_days", Fact::Integer(self.age_days))];
        if let Some((column, index)) = largest {
            let said = sentence(column, index);
            if index >= MOVED {
                self.notes.push(format!("reused model of {as_of}: {said}"));
            }
            facts.extend([
                ("largest_psi", Fact::Number(index)),
                ("largest_psi_of", Fact::Text(column.to_owned())),
                ("verdict", Fact::Text(verdict(index).to_owned())),
                ("sentence", Fact::Text(said)),
            ]);
        }
        let psi = self.indices.iter().map(|(column, index)| (*column, Fact::Number(*index)));
        facts.push(("psi", Fact::Group(psi.collect())));
        facts.append(&mut self.facts);
        let findings = Findings { tables: vec![table(&self.rows)], facts, notes: self.notes, ..Findings::default() };
        Drift { findings, largest }
    }
}

/// Says what the largest index means.
fn sentence(column: &str, index: f64) -> String {
    let meaning = match verdict(index) {
        "stable" => "the scores are spread as they were when it was fitted",
        "moved" => "the scores have moved, see model_drift",
        _ => "the scores have moved far, so fit a new model (run without `--reuse-model`); see model_drift",
    };
    format!("{meaning} (largest PSI {index:.3}, {column})")
}

/// One parameter, stored and refitted, with the standard error of the refit.
struct Parameter {
    symbol: &'static str,
    stored: f64,
    refit: f64,
    error: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_read_as_usual() {
        assert_eq!([0.0, 0.099, 0.1, 0.25, 0.251].map(verdict), ["stable", "stable", "moved", "moved", "refit"]);
    }
}
