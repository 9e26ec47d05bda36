//! A job that scores by the model of an earlier run instead of fitting and choosing anew.
//!
//! Whether a model fits the pipeline can be told before any data is read: what the pipeline asks for must be in it, and must have been asked for
//! in the same way, or the scores would not be what the pipeline says. All misfits are told at once. A horizon or a discount rate may differ: it
//! changes scores, not fits, and the spread of those scores is then not compared.

use std::path::Path;

use super::job::{Job, analyses, relative};
use super::manifest::ReusedModelRecord;
use super::read::shown;
use crate::analysis::abc;
use crate::analysis::lifetime_value::opportunities::Opportunity;
use crate::analysis::lifetime_value::{Grouping, ModelChoice};
use crate::diagnostic::{Diagnostic, codes};
use crate::pipeline::{Analyse, Pipeline};
use crate::state::{MODEL_FILE, StateError, StoredModel, drift, read};
use crate::table::Fingerprint;
use crate::units::Day;

/// A model to score by.
#[derive(Debug, Clone)]
pub struct ReusedModel {
    pub model: StoredModel,
    /// Path as the user named it, that of the file where a directory was named.
    pub path: String,
    pub sha256: String,
    /// The file as it was read: the run writes it again, so that the next one can score by it as well.
    pub text: String,
    /// What the reader must know about it.
    pub notes: Vec<String>,
}

impl ReusedModel {
    /// Says for the manifest which model it is.
    pub fn record(&self, as_of: Day, pipeline_directory: &Path) -> ReusedModelRecord {
        ReusedModelRecord {
            path: shown(&relative(Path::new(&self.path), pipeline_directory)),
            sha256: self.sha256.clone(),
            as_of: self.model.as_of.to_string(),
            age_days: drift::age_days(self.model.as_of, as_of),
            pipeline_sha256: self.model.pipeline_sha256.clone(),
        }
    }

    /// Returns the notes, with one about a model of the future.
    pub fn notes(&self, as_of: Day) -> Vec<String> {
        let mut notes = self.notes.clone();
        if self.model.as_of > as_of {
            notes.push(format!(
                "the reused model was fitted up to {}, after as-of: scores of this run know what came later",
                self.model.as_of
            ));
        }
        notes
    }
}

impl Job {
    /// Scores by a stored model: a `model.json`, or the directory of a run that holds one.
    ///
    /// # Errors
    /// Returns why it cannot be read, or everything in which it does not fit the pipeline.
    pub fn reuse_model(&mut self, path: &Path) -> Result<(), Vec<Diagnostic>> {
        let (mut model, text) = read(path)
            .map_err(|error: StateError| vec![Diagnostic::error(error.code(), error.to_string()).help(error.help())])?;
        let path = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_owned() };
        let path = shown(&path);
        let misfits = misfits(&self.settings, &model);
        if !misfits.is_empty() {
            let of = |(what, help): (String, &str)| {
                Diagnostic::error(codes::OTHER_MODEL, format!("model `{path}` does not fit the pipeline: {what}"))
                    .help(help)
            };
            return Err(misfits.into_iter().map(of).collect());
        }
        let notes = leave_out_what_differs(&self.settings, &mut model);
        self.analyses = analyses(&self.settings, Some(&model));
        self.reused = Some(ReusedModel { model, path, sha256: Fingerprint::of(&text), text, notes });
        Ok(())
    }
}

/// What is wrong with a model for this pipeline, and what to do about it.
fn misfits(pipeline: &Pipeline, model: &StoredModel) -> Vec<(String, &'static str)> {
    const FIT_ANEW: &str = "run once without `--reuse-model`, and reuse the model of that run";
    const SET_BACK: &str = "set the key back, or run once without `--reuse-model` and reuse the model of that run";
    let mut misfits = Vec::new();
    if let (Some(stored), Some(stated)) = (&model.currency, &pipeline.currency.code)
        && stored != stated
    {
        misfits.push((format!("its money is {stored}, `currency.code` is {stated}"), FIT_ANEW));
    }
    for analyse in &pipeline.analyses {
        let label = analyse.label();
        let is_there = match analyse {
            Analyse::Abc => model.abc.is_some(),
            Analyse::Rfm => model.rfm.is_some(),
            Analyse::LifetimeValue => model.lifetime_value.is_some(),
            // Risks stand on the purchase model, offers on the baskets of the day.
            Analyse::Churn | Analyse::CrossSell => true,
        };
        if !is_there {
            misfits
                .push((format!("it holds nothing of the analysis `{label}`, which the pipeline asks for"), FIT_ANEW));
        }
    }
    let asked = |analyse| pipeline.analyses.contains(&analyse);
    if let Some(stored) = model.abc.filter(|_| asked(Analyse::Abc)) {
        let (was, is) = (stored.value.label(), pipeline.abc.value);
        // Thresholds of revenue may stand in for a margin that no line had.
        let fell_back = is == abc::Value::Margin && stored.value == abc::Value::Revenue;
        if stored.value != is && !fell_back {
            misfits.push((format!("its classes are of {was}, `abc.value` is {}", is.label()), SET_BACK));
        }
        let (was, is) = (stored.cuts, pipeline.abc.cuts);
        if was != is {
            let cuts = |cuts: abc::Cuts| format!("[{}, {}]", cuts.a(), cuts.b());
            misfits.push((format!("its classes were cut at {}, `abc.cuts` is {}", cuts(was), cuts(is)), SET_BACK));
        }
    }
    if let Some(stored) = model.rfm.filter(|_| asked(Analyse::Rfm)) {
        let (was, is) = (stored.recency.rule(), pipeline.rfm.cuts);
        if was != is {
            misfits.push((format!("its cuts are `{}`, `rfm.cuts` is `{}`", was.label(), is.label()), SET_BACK));
        }
    }
    if let Some(stored) = model.lifetime_value.as_ref().filter(|_| asked(Analyse::LifetimeValue)) {
        let was = stored.stored.model.purchases.pooled.formulas().name();
        if let ModelChoice::Named(is) = pipeline.lifetime_value.model
            && was != is.label()
        {
            misfits.push((
                format!("its purchase model is {was}, `lifetime-value.model` is {}", is.label()),
                "set the key to \"auto\" or back, or run once without `--reuse-model` and reuse the model of that run",
            ));
        }
        let asked = &pipeline.lifetime_value;
        if asked.grouping != Grouping::None {
            misfits.push((
                "it holds one purchase model, `lifetime-value` asks for cohorts or covariates".to_owned(),
                "remove `cohorts` and `covariates`, or run without `--reuse-model`: groups are those of a base",
            ));
        }
        if !asked.season && stored.stored.model.season.is_some() {
            misfits.push(("it reads days by season, `lifetime-value.season` is false".to_owned(), SET_BACK));
        }
        if asked.opportunity != stored.stored.model.opportunity {
            let length = |each: Option<Opportunity>| each.map_or("none", Opportunity::label);
            misfits.push((
                format!(
                    "its opportunity is {}, `lifetime-value.opportunity` is {}",
                    length(stored.stored.model.opportunity),
                    length(asked.opportunity)
                ),
                SET_BACK,
            ));
        }
    }
    misfits
}

/// Takes the spread of scores with other settings out of a model, and what the pipeline does not ask for; says what cannot be compared.
fn leave_out_what_differs(pipeline: &Pipeline, model: &mut StoredModel) -> Vec<String> {
    let mut notes = Vec::new();
    let asked = |analyse| pipeline.analyses.contains(&analyse);
    if let (Some(currency), None) = (&model.currency, &pipeline.currency.code) {
        notes.push(format!(
            "the reused model is in {currency}, the pipeline states no currency: take care that they are the same"
        ));
    }
    if !asked(Analyse::LifetimeValue) {
        model.lifetime_value = None;
    }
    let params = &pipeline.lifetime_value;
    let stored = model.lifetime_value.as_mut();
    let stored = stored.map(|stored| {
        let was = (stored.horizon_months, stored.discount_rate_per_year);
        // The refit looks as far ahead as this run does.
        stored.horizon_months = params.horizon_months;
        was
    });
    let mut leave_out = |columns: &[&str], why: &str| {
        model.distributions.retain(|one| !columns.contains(&one.column));
        notes.push(format!("drift of {} is not measured: {why} than that of the reused model", columns.join(" and ")));
    };
    match stored {
        Some((months, _)) if months != params.horizon_months => {
            leave_out(&["clv_expected_orders", "clv"], "`lifetime-value.horizon` is another");
        }
        Some((_, rate)) if rate != params.discount_rate_per_year => {
            leave_out(&["clv"], "`lifetime-value.discount-rate-per-year` is another");
        }
        _ => {}
    }
    if asked(Analyse::Churn) && model.churn_horizon.is_some_and(|horizon| horizon != pipeline.churn.horizon) {
        leave_out(&["churn_risk"], "`churn.horizon` is another");
    }
    notes
}
