//! What is learnt: a logistic regression, a booster, and the blend of both, each cross-fitted.
//!
//! Cross-fitted means: five models, each without the customers of one fold, and every customer is scored by the one that has not seen them, at the
//! cut that was learnt from and at any other. The blend is the probability at the mean of the two logits.
//!
//! | name   | shape      | unit                   |
//! |--------|------------|------------------------|
//! | scores | `(n_rows)` | strictly inside `0..1` |
//!
//! Cost: five fits of four fifths of the rows. Source: Chernozhukov et al., "Double/Debiased Machine Learning", Econometrics Journal 21 (2018),
//! section 3 (cross-fitting); the methods: [`super::logistic`], [`super::boosting`].

use rayon::prelude::*;

use super::boosting::{self, FittedBooster};
use super::folds::N_FOLDS;
use super::logistic::{self, FittedLogistic};
use super::observed::Observed;
use super::sample::{FitError, Matrix};

/// Features of one subject say nearly the same, and customers change from one cut to the next: what is learnt is held back more than for a
/// table of contracts. In a large base neither is felt.
const LOGISTIC: logistic::Params = logistic::Params { penalty: 30.0 };
const BOOSTING: boosting::Params =
    boosting::Params { n_trees: 120, depth: 2, learning_rate: 0.05, l2: 10.0, min_leaf: 20.0, patience: 20 };

/// What can be learnt, simpler ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learner {
    Logistic,
    Booster,
    Blend,
}

impl Learner {
    pub const ALL: [Self; 3] = [Self::Logistic, Self::Booster, Self::Blend];

    /// Returns the name in facts and tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Booster => "booster",
            Self::Blend => "blend",
        }
    }

    fn needs_logistic(self) -> bool {
        self != Self::Booster
    }

    fn needs_booster(self) -> bool {
        self != Self::Logistic
    }
}

/// The models behind one or several learners, fitted to the same rows.
#[derive(Debug, Clone)]
pub struct Models {
    pub logistic: Option<FittedLogistic>,
    pub booster: Option<FittedBooster>,
}

impl Models {
    /// Fits what the learners need; `monotone` names the columns in which the risk must not fall.
    ///
    /// # Errors
    /// Where all rows have the same label.
    pub fn fit(observed: &Observed, rows: &[u32], learners: &[Learner], monotone: &[bool]) -> Result<Self, FitError> {
        let features = observed.features.select(rows);
        let label: Vec<bool> = rows.iter().map(|row| observed.label[*row as usize]).collect();
        let sample = super::sample::Sample { features: &features, label: &label, weight: None };
        let needs = |of: fn(Learner) -> bool| learners.iter().any(|learner| of(*learner));
        let (logistic, booster) = rayon::join(
            || {
                let fit = || logistic::fit(&sample, LOGISTIC);
                needs(Learner::needs_logistic).then(fit).transpose()
            },
            || {
                let fit = || boosting::fit(&sample, monotone, &[], BOOSTING);
                needs(Learner::needs_booster).then(fit).transpose()
            },
        );
        Ok(Self { logistic: logistic?, booster: booster? })
    }

    /// Scores rows by a learner; nothing where its models were not fitted.
    pub fn scores(&self, learner: Learner, features: &Matrix) -> Option<Vec<f64>> {
        let logistic = || Some(self.logistic.as_ref()?.probabilities(features));
        let booster = || Some(self.booster.as_ref()?.probabilities(features));
        match learner {
            Learner::Logistic => logistic(),
            Learner::Booster => booster(),
            Learner::Blend => Some(logistic::blend(&logistic()?, &booster()?)),
        }
    }
}

/// One model for each fold, fitted to the customers of the others.
#[derive(Debug, Clone)]
pub struct CrossFitted(Vec<Models>);

impl CrossFitted {
    /// Fits what the learners need.
    ///
    /// # Errors
    /// Where all customers outside of a fold have the same label.
    pub fn fit(observed: &Observed, learners: &[Learner], monotone: &[bool]) -> Result<Self, FitError> {
        let fit = |fold: u8| Models::fit(observed, &observed.rows(fold, false), learners, monotone);
        Ok(Self((0..N_FOLDS).into_par_iter().map(fit).collect::<Result<_, _>>()?))
    }

    /// Scores every customer by the models that have not seen them; nothing where the learner was not fitted.
    pub fn scores(&self, learner: Learner, observed: &Observed) -> Option<Vec<f64>> {
        let mut scores = vec![0.0; observed.n_rows()];
        for (fold, models) in (0..N_FOLDS).zip(&self.0) {
            let rows = observed.rows(fold, true);
            let of_fold = models.scores(learner, &observed.features.select(&rows))?;
            rows.iter().zip(of_fold).for_each(|(row, score)| scores[*row as usize] = score);
        }
        Some(scores)
    }
}
