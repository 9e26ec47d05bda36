//! Calibration: from any score to a probability that means what it says.
//!
//! With at least a thousand events and a thousand non-events: isotonic regression, the non-decreasing function of least squared distance, by
//! pooling adjacent violators. Its steps are joined by straight lines between their mean scores, so that customers of different scores
//! keep different risks; a step of rate 0 or 1 and weight `w` becomes `½/(w + 1)` away from it. With fewer: a logistic regression on the
//! logit of the score, or on `asinh` of one that is not inside `0..1`, such as days; a slope below zero becomes the base rate for all.
//!
//! | name        | shape      | unit                                                              |
//! |-------------|------------|-------------------------------------------------------------------|
//! | score       | `(n_rows)` | any, higher for more risk                                         |
//! | probability | `(n_rows)` | strictly inside `0..1`, never falling while the score rises        |
//!
//! One sort, then `O(n)`; applying it `O(log n)` a score. Source: Zadrozny and Elkan, "Transforming Classifier Scores into Accurate Multiclass
//! Probability Estimates", KDD 2002; Ayer et al., Annals of Mathematical Statistics 26 (1955) (pooling); Platt, "Probabilistic
//! Outputs for Support Vector Machines", 1999; the size from which steps win: Niculescu-Mizil and Caruana, ICML 2005, figure 7.

use rayon::prelude::*;

use super::logistic::{self, probability};
use super::ranking::Ranking;
use super::sample::{FitError, Matrix, Sample};

/// Events and non-events from which the shape of the function is left to the data.
const ENOUGH_FOR_STEPS: f64 = 1_000.0;
/// Keeps the slope finite where a score separates the classes; in rows, too little to be seen in the fit.
const PENALTY: f64 = 1e-3;
/// Scores are this far inside `0..1` before their logit is taken.
const CLIP: f64 = 1e-9;

/// A fitted calibration.
#[derive(Debug, Clone, PartialEq)]
pub enum Calibration {
    /// Mean score and rate of each step, both ascending; at least one.
    Isotonic(Vec<(f64, f64)>),
    /// Logit by the transformed score.
    Logistic { of_logit: bool, intercept: f64, slope: f64 },
}

/// Fits a calibration on scores of rows that the model behind them has not seen.
///
/// # Errors
/// Where all rows have the same label, or a score or weight is not a number.
pub fn fit(score: &[f64], label: &[bool], weight: Option<&[f64]>) -> Result<Calibration, FitError> {
    let ranking = Ranking::new(score, label, weight).ok_or(FitError::OneClass { n_rows: label.len() })?;
    if ranking.events().min(ranking.others()) >= ENOUGH_FOR_STEPS {
        return Ok(Calibration::Isotonic(steps(&ranking)));
    }
    let of_logit = score.iter().all(|score| *score > 0.0 && *score < 1.0);
    let mut features = Matrix::new(score.len());
    features.push(score.iter().map(|score| Some(transformed(*score, of_logit))));
    let fitted = logistic::fit(&Sample { features: &features, label, weight }, logistic::Params { penalty: PENALTY })?;
    let flat = Calibration::Logistic { of_logit, intercept: (ranking.events() / ranking.others()).ln(), slope: 0.0 };
    Ok(match &fitted.terms[..] {
        [term] if term.coefficient > 0.0 => {
            let slope = term.coefficient * term.scale;
            Calibration::Logistic { of_logit, intercept: fitted.intercept - slope * term.mean, slope }
        }
        _ => flat,
    })
}

impl Calibration {
    /// Returns the probability at a score.
    pub fn apply(&self, score: f64) -> f64 {
        match self {
            Self::Isotonic(steps) => {
                let above = steps.partition_point(|step| step.0 <= score);
                match (above.checked_sub(1).and_then(|below| steps.get(below)), steps.get(above)) {
                    (Some(below), Some(above)) => {
                        let share = (score - below.0) / (above.0 - below.0);
                        (below.1 + share * (above.1 - below.1)).min(above.1)
                    }
                    (Some(end), None) | (None, Some(end)) => end.1,
                    // Not reached: there is a step at least.
                    (None, None) => 0.5,
                }
            }
            Self::Logistic { of_logit, intercept, slope } => {
                probability(intercept + slope * transformed(score, *of_logit))
            }
        }
    }

    /// Returns the probability at every score.
    pub fn apply_all(&self, scores: &[f64]) -> Vec<f64> {
        scores.par_iter().map(|score| self.apply(*score)).collect()
    }
}

fn transformed(score: f64, of_logit: bool) -> f64 {
    if !of_logit {
        return score.asinh();
    }
    let inside = score.clamp(CLIP, 1.0 - CLIP);
    (inside / (1.0 - inside)).ln()
}

/// A step: weight, weight of events, weight times score.
#[derive(Clone, Copy)]
struct Step {
    mass: f64,
    events: f64,
    score: f64,
}

fn steps(ranking: &Ranking) -> Vec<(f64, f64)> {
    let mut steps: Vec<Step> = Vec::new();
    for tie in ranking.ties().iter().rev() {
        let mut step = Step { mass: tie.mass(), events: tie.events, score: tie.mass() * tie.score };
        while let Some(below) = steps.last().filter(|below| below.events * step.mass >= step.events * below.mass) {
            step.mass += below.mass;
            step.events += below.events;
            step.score += below.score;
            steps.pop();
        }
        steps.push(step);
    }
    let (lowest, highest) = (0.0, 1.0);
    let rates = steps.iter().map(|step| {
        let rate = step.events / step.mass;
        let margin = 0.5 / (step.mass + 1.0);
        let rate = if rate <= lowest {
            margin
        } else if rate >= highest {
            1.0 - margin
        } else {
            rate
        };
        (step.score / step.mass, rate)
    });
    let mut rates: Vec<(f64, f64)> = rates.collect();
    // The margins of the ends may reach past their neighbours.
    if let [first, second, ..] = &mut rates[..] {
        first.1 = first.1.min(second.1);
    }
    if let [.., before, last] = &mut rates[..] {
        last.1 = last.1.max(before.1);
    }
    rates
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking(score: &[f64], label: &[bool]) -> Ranking {
        Ranking::new(score, label, None).unwrap()
    }

    #[test]
    fn violators_are_pooled() {
        // Rates by score: 0, 1/2 (tie), 0, 1, 1: the middle pools to 1/3.
        let steps = steps(&ranking(&[1.0, 2.0, 2.0, 3.0, 4.0, 5.0], &[false, true, false, false, true, true]));
        let expected = [(1.0, 0.25), (7.0 / 3.0, 1.0 / 3.0), (4.5, 1.0 - 0.5 / 3.0)];
        assert_eq!(steps.len(), 3);
        for (found, expected) in steps.iter().zip(expected) {
            assert!((found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12, "{steps:?}");
        }
    }

    #[test]
    fn between_steps_runs_a_straight_line() {
        let steps = Calibration::Isotonic(vec![(1.0, 0.2), (3.0, 0.6)]);
        assert_eq!([0.0, 1.0, 3.0, 9.0].map(|score| steps.apply(score)), [0.2, 0.2, 0.6, 0.6]);
        assert!((steps.apply(2.0) - 0.4).abs() < 1e-15);
    }

    /// Draws events with the square of the score as their chance.
    fn squares(n: usize) -> (Vec<f64>, Vec<bool>) {
        let mut state = 11_u64;
        let mut draw = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let score: Vec<f64> = (0..n).map(|_| 0.05 + 0.9 * draw()).collect();
        let label = score.iter().map(|score| draw() < score * score).collect();
        (score, label)
    }

    fn worst(calibration: &Calibration) -> f64 {
        (10..90).map(|score| f64::from(score) / 100.0).map(|s| (calibration.apply(s) - s * s).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn the_size_decides_and_both_find_the_truth() {
        let (score, label) = squares(10_000);
        let isotonic = fit(&score, &label, None).unwrap();
        assert!(matches!(isotonic, Calibration::Isotonic(_)));
        assert!(worst(&isotonic) < 0.06, "{}", worst(&isotonic));
        let (score, label) = squares(2_000);
        let logistic = fit(&score, &label, None).unwrap();
        assert!(matches!(logistic, Calibration::Logistic { of_logit: true, .. }));
        assert!(worst(&logistic) < 0.08, "{}", worst(&logistic));
    }

    #[test]
    fn a_score_that_points_the_wrong_way_becomes_the_base_rate() {
        let score: Vec<f64> = (0..100).map(f64::from).collect();
        let label: Vec<bool> = (0..100).map(|row| row < 40).collect();
        let flat = fit(&score, &label, None).unwrap();
        assert!((flat.apply(3.0) - 0.4).abs() < 1e-12 && (flat.apply(77.0) - 0.4).abs() < 1e-12);
        // So does one that says nothing.
        let flat = fit(&[0.5; 100], &label, None).unwrap();
        assert!((flat.apply(0.9) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn one_class_is_refused() {
        assert_eq!(fit(&[0.1, 0.2], &[true, true], None), Err(FitError::OneClass { n_rows: 2 }));
    }

    proptest! {
        /// A higher score never has a lower risk, and no risk is certain.
        #[test]
        fn risks_rise_with_scores_and_stay_inside(
            rows in prop::collection::vec((-50_i32..50, any::<bool>(), 0_u32..4), 2..60), small in any::<bool>()
        ) {
            let score: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let label: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let size = if small { 1.0 } else { 1_000.0 };
            let weight: Vec<f64> = rows.iter().map(|row| size * f64::from(row.2)).collect();
            if let Ok(fitted) = fit(&score, &label, Some(&weight)) {
                prop_assert_eq!(matches!(fitted, Calibration::Isotonic(_)), !small);
                let risks: Vec<f64> = (-130..130).map(|score| fitted.apply(f64::from(score) / 2.0)).collect();
                prop_assert!(risks.is_sorted() && risks.iter().all(|risk| *risk > 0.0 && *risk < 1.0), "{:?}", risks);
            }
        }
    }
}
