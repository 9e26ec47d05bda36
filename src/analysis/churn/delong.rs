//! How sure an AUC is, and whether one score ranks the same customers better than another.
//!
//! The placement of an event is the share of non-events it outranks, that of a non-event the share of events that outrank it, a tie
//! counting half. The AUC is the mean placement on either side; with `S₁` and `S₀` the sample variances of the placements of `m` events
//! and `n` non-events its variance is `S₁/m + S₀/n`. For two scores of the same customers the differences of the placements take the
//! place of the placements, which is the covariance formula for the contrast `(1, −1)`.
//!
//! The error is that of the customers drawn, for scores as they are: that another fit of the same model would rank a little differently is
//! not in it.
//!
//! | name           | shape      | unit               |
//! |----------------|------------|--------------------|
//! | score          | `(n_rows)` | any, higher for more risk |
//! | AUC, its error | scalar     | `0..=1`            |
//!
//! Two sorts, `O(n log n)`. Source: DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver
//! Operating Characteristic Curves", Biometrics 44 (1988), equations 4 to 6; by ranks: Sun and Xu, IEEE Signal Processing Letters 21 (2014).

use rayon::prelude::*;

/// Standard errors beyond which a difference is not noise: two sides of 2.5%.
const BEYOND_NOISE: f64 = 1.959_963_984_540_054;

/// An AUC, or the difference of two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub standard_error: f64,
}

impl Estimate {
    /// Says whether a difference is above zero by more than noise.
    pub fn is_gain(&self) -> bool {
        self.value > BEYOND_NOISE * self.standard_error
    }
}

/// Returns the AUC of a score; nothing without two events and two non-events, or where a score is not a number.
pub fn auc(score: &[f64], label: &[bool]) -> Option<Estimate> {
    estimate(&placements(score, label)?, label)
}

/// Returns the AUC of the first score less that of the second, with the error that takes into account that both rank the same customers.
pub fn difference(first: &[f64], second: &[f64], label: &[bool]) -> Option<Estimate> {
    let mut differences = placements(first, label)?;
    let second = placements(second, label)?;
    differences.iter_mut().zip(&second).for_each(|(first, second)| *first -= second);
    estimate(&differences, label)
}

fn placements(score: &[f64], label: &[bool]) -> Option<Vec<f64>> {
    if score.len() != label.len() || score.iter().any(|score| !score.is_finite()) {
        return None;
    }
    let mut order: Vec<u32> = (0..score.len() as u32).collect();
    let at = |row: &u32| score[*row as usize] + 0.0;
    order.par_sort_unstable_by(|a, b| at(a).total_cmp(&at(b)));
    let n_events = label.iter().filter(|label| **label).count() as f64;
    let n_others = label.len() as f64 - n_events;
    let mut placements = vec![0.0; score.len()];
    let (mut events_below, mut others_below) = (0.0, 0.0);
    for tie in order.chunk_by(|a, b| at(a) == at(b)) {
        let events = tie.iter().filter(|row| label[**row as usize]).count() as f64;
        let others = tie.len() as f64 - events;
        for row in tie {
            placements[*row as usize] = if label[*row as usize] {
                (others_below + 0.5 * others) / n_others
            } else {
                (n_events - events_below - 0.5 * events) / n_events
            };
        }
        events_below += events;
        others_below += others;
    }
    (n_events >= 2.0 && n_others >= 2.0).then_some(placements)
}

fn estimate(placements: &[f64], label: &[bool]) -> Option<Estimate> {
    let of_class = |class: bool| {
        let own = || placements.iter().zip(label).filter(move |(_, label)| **label == class).map(|(place, _)| *place);
        let n = own().count() as f64;
        let mean = own().sum::<f64>() / n;
        let squares: f64 = own().map(|place| (place - mean) * (place - mean)).sum();
        (mean, squares / (n - 1.0) / n)
    };
    let ((value, of_events), (_, of_others)) = (of_class(true), of_class(false));
    let standard_error = (of_events + of_others).sqrt();
    standard_error.is_finite().then_some(Estimate { value, standard_error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: [bool; 10] = [true, true, false, true, false, true, false, false, true, false];
    const FIRST: [f64; 10] = [0.9, 0.8, 0.8, 0.6, 0.5, 0.5, 0.2, 0.0, 0.7, 0.3];
    const SECOND: [f64; 10] = [5.0, 2.0, 3.0, 3.0, 4.0, 1.0, 0.0, 1.0, 2.0, 2.0];

    fn check(found: Option<Estimate>, value: f64, standard_error: f64) {
        let found = found.unwrap();
        assert!(
            (found.value - value).abs() < 1e-12 && (found.standard_error - standard_error).abs() < 1e-12,
            "{found:?}"
        );
    }

    /// Expected numbers from the kernel matrix ψ(X, Y) and its row and column means, in NumPy.
    #[test]
    fn errors_are_those_of_the_kernel_matrix() {
        check(auc(&FIRST, &LABEL), 0.84, 0.14560219778561034);
        check(auc(&SECOND, &LABEL), 0.6, 0.197484176581315);
        check(difference(&FIRST, &SECOND, &LABEL), 0.24, 0.15874507866387544);
    }

    #[test]
    fn a_score_does_not_beat_itself() {
        let same = difference(&FIRST, &FIRST.map(|score| 2.0 * score + 1.0), &LABEL).unwrap();
        assert_eq!((same.value, same.standard_error, same.is_gain()), (0.0, 0.0, false));
    }

    #[test]
    fn a_perfect_score_has_no_error_and_beats_a_reversed_one() {
        let perfect: Vec<f64> = LABEL.iter().map(|label| f64::from(u8::from(*label))).collect();
        check(auc(&perfect, &LABEL), 1.0, 0.0);
        let reversed: Vec<f64> = perfect.iter().map(|score| -score).collect();
        assert!(difference(&perfect, &reversed, &LABEL).unwrap().is_gain());
        assert!(!difference(&reversed, &perfect, &LABEL).unwrap().is_gain());
    }

    #[test]
    fn without_two_of_each_there_is_no_error() {
        assert_eq!(auc(&[1.0, 2.0, 3.0], &[true, false, false]), None);
        assert_eq!(auc(&[1.0, 2.0, 3.0, f64::INFINITY], &[true, true, false, false]), None);
        assert_eq!(auc(&[], &[]), None);
    }
}
