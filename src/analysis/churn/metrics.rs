//! How good a score is: ranking, probabilities, lift.
//!
//! | measure            | formula                                                                                           |
//! |--------------------|---------------------------------------------------------------------------------------------------|
//! | AUC                | chance that an event outranks a non-event, a tie counting half                                    |
//! | average precision  | `Σ_k (R_k − R_{k−1}) P_k` over distinct scores, highest first                                      |
//! | Brier              | mean of `(p − y)²`                                                                                |
//! | log-loss           | mean of `−ln p` of what happened, `p` cut to `1e-15 ..= 1 − 1e-15`                                 |
//! | ECE                | mean over ten bins of equal weight of `|mean p − share of events|`; a tie across a cut is divided |
//! | decile table       | the same ten bins: share of events, lift over the base rate, share of all events so far           |
//!
//! Scores that are probabilities lie in `0..=1`; AUC, average precision and deciles read any score, higher for more risk. `O(n)` on a
//! [`Ranking`]. Source: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), algorithm 2;
//! Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities", AAAI 2015 (ECE).

use super::ranking::Ranking;

/// Bins of the decile table and of the calibration error.
const BINS: u32 = 10;
const CLIP: f64 = 1e-15;

/// Returns the area under the ROC curve.
pub fn auc(ranking: &Ranking) -> f64 {
    let (mut above, mut won) = (0.0, 0.0);
    for tie in ranking.ties() {
        won += tie.others * (above + 0.5 * tie.events);
        above += tie.events;
    }
    won / (ranking.events() * ranking.others())
}

/// Returns the average precision.
pub fn average_precision(ranking: &Ranking) -> f64 {
    let (mut events, mut mass, mut sum) = (0.0, 0.0, 0.0);
    for tie in ranking.ties() {
        events += tie.events;
        mass += tie.mass();
        sum += tie.events * events / mass;
    }
    sum / ranking.events()
}

/// Returns the Brier score of probabilities.
pub fn brier(ranking: &Ranking) -> f64 {
    mean(ranking, |p| [(1.0 - p) * (1.0 - p), p * p])
}

/// Returns the log-loss of probabilities.
pub fn log_loss(ranking: &Ranking) -> f64 {
    mean(ranking, |p| {
        let p = p.clamp(CLIP, 1.0 - CLIP);
        [-p.ln(), -(-p).ln_1p()]
    })
}

/// Returns the expected calibration error of probabilities.
pub fn calibration_error(ranking: &Ranking) -> f64 {
    let bins = ranking.equal_bins(BINS);
    let distances = bins.iter().map(|bin| (bin.score - bin.events).abs());
    distances.sum::<f64>() / (ranking.events() + ranking.others())
}

/// A tenth of the customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decile {
    /// Mean score.
    pub score: f64,
    /// Share of events.
    pub rate: f64,
    /// Share of events over the base rate.
    pub lift: f64,
    /// Share of all events in this decile and those above it.
    pub captured: f64,
}

/// Returns the deciles, highest scores first.
pub fn deciles(ranking: &Ranking) -> Vec<Decile> {
    let mut events = 0.0;
    let decile = |bin: super::ranking::Bin| {
        events += bin.events;
        let rate = bin.events / bin.mass;
        Decile {
            score: bin.score / bin.mass,
            rate,
            lift: rate / ranking.base_rate(),
            captured: (events / ranking.events()).min(1.0),
        }
    };
    ranking.equal_bins(BINS).into_iter().map(decile).collect()
}

/// Mean of a loss with and without the event.
fn mean(ranking: &Ranking, loss: impl Fn(f64) -> [f64; 2]) -> f64 {
    let of_tie = |tie: &super::ranking::Tie| {
        let [event, other] = loss(tie.score);
        tie.events * event + tie.others * other
    };
    ranking.ties().iter().map(of_tie).sum::<f64>() / (ranking.events() + ranking.others())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORE: [f64; 8] = [0.9, 0.8, 0.8, 0.6, 0.5, 0.5, 0.2, 0.0];
    const LABEL: [bool; 8] = [true, true, false, true, false, true, false, false];
    const WEIGHT: [f64; 8] = [1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 2.0, 1.0];

    const AUC: [f64; 2] = [0.8125, 0.8428571428571429];
    const AP: [f64; 2] = [0.7708333333333333, 0.8356009070294785];
    const BRIER: [f64; 2] = [0.17375000000000002, 0.14916666666666667];
    const LOG_LOSS: [f64; 2] = [0.5072756894507784, 0.4605119888138858];

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    /// Expected numbers by scikit-learn 1.9.1.
    #[test]
    fn measures_agree_with_scikit_learn() {
        let plain = Ranking::new(&SCORE, &LABEL, None).unwrap();
        let weighted = Ranking::new(&SCORE, &LABEL, Some(&WEIGHT)).unwrap();
        check(auc(&plain), AUC[0]);
        check(auc(&weighted), AUC[1]);
        check(average_precision(&plain), AP[0]);
        check(average_precision(&weighted), AP[1]);
        check(brier(&plain), BRIER[0]);
        check(brier(&weighted), BRIER[1]);
        check(log_loss(&plain), LOG_LOSS[0]);
        check(log_loss(&weighted), LOG_LOSS[1]);
    }

    #[test]
    fn a_certain_mistake_costs_much_but_not_everything() {
        let ranking = Ranking::new(&[1.0, 0.0], &[false, true], None).unwrap();
        assert!((log_loss(&ranking) / -CLIP.ln() - 1.0).abs() < 0.01);
        check(auc(&ranking), 0.0);
    }

    #[test]
    fn equal_scores_tell_nothing() {
        let ranking = Ranking::new(&[0.25; 8], &[true, false, false, true, false, false, false, false], None).unwrap();
        check(auc(&ranking), 0.5);
        check(calibration_error(&ranking), 0.0);
        for decile in deciles(&ranking) {
            check(decile.lift, 1.0);
            check(decile.rate, 0.25);
        }
    }

    #[test]
    fn the_calibration_error_is_the_mean_distance_of_the_bins() {
        // Twenty rows, two a bin: sure of nothing, half right in the upper bins.
        let score: Vec<f64> = (0..20).map(|row| if row < 10 { 0.8 } else { 0.1 }).collect();
        let label: Vec<bool> = (0..20).map(|row| row % 2 == 0 && row < 10).collect();
        let ranking = Ranking::new(&score, &label, None).unwrap();
        check(calibration_error(&ranking), 0.5 * (0.8 - 0.5) + 0.5 * 0.1);
        let table = deciles(&ranking);
        check(table[4].captured, 1.0);
        check(table[0].lift, 2.0);
        check(table[9].rate, 0.0);
    }
}
