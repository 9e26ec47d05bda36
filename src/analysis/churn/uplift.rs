//! Who buys because of the contact: uplift from a past campaign with a control group, and whether it is worth believing.
//!
//! Two logistic regressions, one of the contacted and one of the control group; the uplift of a customer is the difference of the
//! two probabilities. The rival is the response model, the probability of the contacted alone.
//!
//! Customers ordered by a score, let `N_t(φ), N_c(φ)` be the contacted and the controls among the first share φ and `R_t(φ), R_c(φ)` their
//! responses. The Qini curve is `Q(φ) = (R_t(φ) − R_c(φ) N_t(φ)/N_c(φ)) / N_t(1)`, extra responses per contacted customer; the Qini
//! coefficient is the area between it and the straight line to `Q(1)`, what a random order is expected to give. Every customer is scored by
//! models that have not seen the customer. The uplift is believed only if its coefficient is above that of the response model and
//! above 97.5% of random orders.
//!
//! | name      | shape      | unit                                                    |
//! |-----------|------------|---------------------------------------------------------|
//! | contacted | `(n_rows)` | by chance, not by score                                 |
//! | response  | `(n_rows)` | visit, order; whatever the campaign was for             |
//! | uplift    | `(n_rows)` | change of the probability, `−1..1`                      |
//! | Qini      | scalar     | responses per contacted customer                        |
//!
//! Ten fits of [`super::logistic`], then one sort a score and `O(n)` a random order. Source: Radcliffe, "Using Control Groups to Target on
//! Predicted Lift", Direct Marketing Analytics Journal 1 (2007), section 4; two models: Hansotia and Rukstales, Journal of Interactive
//! Marketing 16 (2002).

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::folds::N_FOLDS;
use super::logistic::{self, FittedLogistic};
use super::sample::{FitError, Matrix, Sample};

/// Random orders of the band.
const N_ORDERS: u64 = 200;
/// How many of them reach the band's upper end or exceed it: 2.5%.
const N_ABOVE: usize = 5;

/// A past campaign: who was contacted, by chance, and who responded.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    pub features: &'a Matrix,
    pub contacted: &'a [bool],
    pub response: &'a [bool],
}

/// The two models.
#[derive(Debug, Clone, PartialEq)]
struct TwoLogits {
    contacted: FittedLogistic,
    control: FittedLogistic,
}

/// How the orders by uplift and by response did on customers that their models had not seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Qini coefficient of the uplift.
    pub uplift: f64,
    /// Qini coefficient of the response model.
    pub response: f64,
    /// Qini coefficient that 2.5% of random orders reach.
    pub random: f64,
}

/// What follows from the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The uplift beats both: it may be published.
    Believed,
    /// No better than a random order.
    NoBetterThanChance,
    /// Better than chance, but the response model does as well or better.
    NoBetterThanResponse,
}

impl Evidence {
    /// Returns what follows.
    pub fn verdict(&self) -> Verdict {
        if self.uplift <= self.random {
            Verdict::NoBetterThanChance
        } else if self.uplift <= self.response {
            Verdict::NoBetterThanResponse
        } else {
            Verdict::Believed
        }
    }
}

impl TwoLogits {
    /// Returns the change of the probability to respond by being contacted, for every row.
    fn uplift(&self, features: &Matrix) -> Vec<f64> {
        let control = self.control.probabilities(features);
        self.response(features).into_iter().zip(control).map(|(contacted, control)| contacted - control).collect()
    }

    /// Returns the probability to respond when contacted, for every row.
    fn response(&self, features: &Matrix) -> Vec<f64> {
        self.contacted.probabilities(features)
    }
}

/// Scores every customer by models of the other folds and compares the orders; the random orders follow from the seed.
///
/// Returns the evidence and the uplift of every row that it is about.
///
/// # Errors
/// Where lengths differ, or one of the groups has nobody who responded or nobody who did not among the customers of four folds.
pub fn evaluate(
    trial: &Trial<'_>,
    folds: &[u8],
    params: logistic::Params,
    seed: u64,
) -> Result<(Evidence, Vec<f64>), FitError> {
    let n_rows = trial.features.n_rows();
    if folds.len() != n_rows {
        return Err(FitError::Lengths { n_rows, n_labels: folds.len() });
    }
    let (mut uplift, mut response) = (vec![0.0; n_rows], vec![0.0; n_rows]);
    for fold in 0..N_FOLDS {
        let scored: Vec<u32> = (0..n_rows as u32).filter(|row| folds[*row as usize] == fold).collect();
        if scored.is_empty() {
            continue;
        }
        let models = fit_on(trial, params, |row| folds[row] != fold)?;
        let features = trial.features.select(&scored);
        let scores = models.uplift(&features).into_iter().zip(models.response(&features));
        for (row, scores) in scored.into_iter().zip(scores) {
            (uplift[row as usize], response[row as usize]) = scores;
        }
    }
    let mut random: Vec<f64> = (0..N_ORDERS).into_par_iter().map(|order| random_qini(trial, seed, order)).collect();
    random.sort_unstable_by(|a, b| b.total_cmp(a));
    let evidence =
        Evidence { uplift: qini(trial, &uplift), response: qini(trial, &response), random: random[N_ABOVE - 1] };
    Ok((evidence, uplift))
}

/// Fits the two models to the rows that may be seen.
fn fit_on(trial: &Trial<'_>, params: logistic::Params, seen: impl Fn(usize) -> bool) -> Result<TwoLogits, FitError> {
    let n_rows = trial.features.n_rows();
    for lengths in [trial.contacted.len(), trial.response.len()] {
        if lengths != n_rows {
            return Err(FitError::Lengths { n_rows, n_labels: lengths });
        }
    }
    let of_group = |contacted: bool| {
        let rows: Vec<u32> = (0..n_rows as u32)
            .filter(|row| seen(*row as usize) && trial.contacted[*row as usize] == contacted)
            .collect();
        let label: Vec<bool> = rows.iter().map(|row| trial.response[*row as usize]).collect();
        logistic::fit(&Sample { features: &trial.features.select(&rows), label: &label, weight: None }, params)
    };
    Ok(TwoLogits { contacted: of_group(true)?, control: of_group(false)? })
}

/// Returns the Qini coefficient of a score; rows of equal score are reached together.
fn qini(trial: &Trial<'_>, score: &[f64]) -> f64 {
    let mut order: Vec<u32> = (0..score.len() as u32).collect();
    let at = |row: &u32| score[*row as usize];
    order.par_sort_unstable_by(|a, b| at(b).total_cmp(&at(a)));
    area(trial, order.chunk_by(|a, b| at(a) == at(b)))
}

fn random_qini(trial: &Trial<'_>, seed: u64, order: u64) -> f64 {
    let mut rows: Vec<u32> = (0..trial.response.len() as u32).collect();
    rows.shuffle(&mut Pcg64::seed_from_u64(seed.wrapping_add(order)));
    area(trial, rows.chunks(1))
}

/// Area between the Qini curve and the straight line to its end; the groups of rows are reached one after the other.
fn area<'a>(trial: &Trial<'_>, groups: impl Iterator<Item = &'a [u32]>) -> f64 {
    let (mut contacted, mut controls) = ([0.0; 2], [0.0; 2]);
    let (mut reached, mut height, mut area) = (0.0, 0.0, 0.0);
    for group in groups {
        for row in group {
            let row = *row as usize;
            let of_arm = if trial.contacted[row] { &mut contacted } else { &mut controls };
            of_arm[0] += 1.0;
            of_arm[1] += f64::from(u8::from(trial.response[row]));
        }
        // Before the first control there is nothing to compare with.
        let expected = if controls[0] > 0.0 { controls[1] * contacted[0] / controls[0] } else { contacted[1] };
        let next = contacted[1] - expected;
        area += group.len() as f64 * 0.5 * (height + next);
        height = next;
        reached += group.len() as f64;
    }
    if contacted[0] > 0.0 && controls[0] > 0.0 { (area / reached - 0.5 * height) / contacted[0] } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coefficient_by_hand() {
        let features = Matrix::new(4);
        let (contacted, response) = ([true, false, true, false], [true, false, false, true]);
        let trial = Trial { features: &features, contacted: &contacted, response: &response };
        // Heights 0, 0 (no control yet), 1, 2 − …: after two rows 1 − 0, after three 1 − 0, after four 1 − 1·2/2 = 0.
        assert!((qini(&trial, &[4.0, 3.0, 2.0, 1.0]) - 0.25 * (0.5 + 1.0 + 0.5) / 2.0).abs() < 1e-15);
        // The other way round: −1·1/1 after two rows.
        assert!(qini(&trial, &[1.0, 2.0, 3.0, 4.0]) < 0.0);
        // Everybody at once is the straight line.
        assert_eq!(qini(&trial, &[1.0; 4]), 0.0);
    }

    /// Customers of whom some respond only if contacted, some always, by columns of their own.
    fn campaign(persuadable: f64) -> (Matrix, Vec<bool>, Vec<bool>, Vec<u8>) {
        let mut state = 3_u64;
        let mut draw = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let n = 8_000;
        let (mut columns, mut contacted, mut response) = ([vec![], vec![]], vec![], vec![]);
        for _ in 0..n {
            let (loyal, moved, mail) = (draw() < 0.3, draw() < 0.3, draw() < 0.5);
            let chance = 0.1 + 0.4 * f64::from(u8::from(loyal)) + persuadable * f64::from(u8::from(moved && mail));
            columns[0].push(Some(f64::from(u8::from(loyal))));
            columns[1].push(Some(f64::from(u8::from(moved))));
            contacted.push(mail);
            response.push(draw() < chance);
        }
        let mut features = Matrix::new(n);
        columns.into_iter().for_each(|column| features.push(column));
        (features, contacted, response, (0..n).map(|row| (row % 5) as u8).collect())
    }

    fn evidence(persuadable: f64) -> Evidence {
        let (features, contacted, response, folds) = campaign(persuadable);
        let trial = Trial { features: &features, contacted: &contacted, response: &response };
        evaluate(&trial, &folds, logistic::Params::default(), 1).unwrap().0
    }

    #[test]
    fn uplift_that_is_there_is_believed_and_found() {
        let found = evidence(0.3);
        assert_eq!(found.verdict(), Verdict::Believed, "{found:?}");
        let (features, contacted, response, _) = campaign(0.3);
        let trial = Trial { features: &features, contacted: &contacted, response: &response };
        let uplift = fit_on(&trial, logistic::Params::default(), |_| true).unwrap().uplift(&features);
        let mean = |of: f32| {
            let own = (0..8_000).filter(|row| features.columns()[1].get(*row) == Some(of)).map(|row| uplift[row]);
            own.clone().sum::<f64>() / own.count() as f64
        };
        assert!((mean(1.0) - 0.3).abs() < 0.05 && mean(0.0).abs() < 0.05, "{} {}", mean(1.0), mean(0.0));
    }

    #[test]
    fn without_effect_nothing_is_believed() {
        assert_ne!(evidence(0.0).verdict(), Verdict::Believed);
    }

    #[test]
    fn the_verdict_names_what_was_not_beaten() {
        let verdict = |uplift, response| Evidence { uplift, response, random: 0.1 }.verdict();
        assert_eq!(verdict(0.1, 0.0), Verdict::NoBetterThanChance);
        assert_eq!(verdict(0.2, 0.2), Verdict::NoBetterThanResponse);
        assert_eq!(verdict(0.2, 0.1), Verdict::Believed);
    }

    #[test]
    fn a_campaign_without_control_group_is_refused() {
        let refused = |trial: &Trial<'_>| fit_on(trial, logistic::Params::default(), |_| true).unwrap_err();
        let features = Matrix::new(3);
        let trial = Trial { features: &features, contacted: &[true; 3], response: &[true, false, true] };
        assert_eq!(refused(&trial), FitError::OneClass { n_rows: 0 });
        let trial = Trial { response: &[true], ..trial };
        assert_eq!(refused(&trial), FitError::Lengths { n_rows: 3, n_labels: 1 });
    }
}
