//! Customers ordered by a score, equal scores together: what every measure of a ranking is computed from.
//!
//! | name   | shape      | unit                                                                        |
//! |--------|------------|-----------------------------------------------------------------------------|
//! | groups | `(n_ties)` | distinct scores, highest first, with the weights of events and non-events   |
//!
//! One sort, `O(n log n)`; the measures are `O(n)` after it. Each needs events and non-events: a ranking without one of them is not made.

use rayon::prelude::*;

/// Rows of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    pub score: f64,
    /// Weight of the rows with the event.
    pub events: f64,
    /// Weight of the rows without it.
    pub others: f64,
}

impl Tie {
    /// Returns the weight of all rows.
    pub fn mass(&self) -> f64 {
        self.events + self.others
    }
}

/// Distinct scores, highest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    ties: Vec<Tie>,
    events: f64,
    others: f64,
}

impl Ranking {
    /// Orders the rows; nothing where a score or weight is not a number, lengths differ, or events or non-events have no weight.
    pub fn new(score: &[f64], label: &[bool], weight: Option<&[f64]>) -> Option<Self> {
        let weight_of = |row: usize| weight.map_or(1.0, |weight| weight[row]);
        if score.len() != label.len() || weight.is_some_and(|weight| weight.len() != score.len()) {
            return None;
        }
        let fair = |row: usize| score[row].is_finite() && weight_of(row).is_finite() && weight_of(row) >= 0.0;
        if !(0..score.len()).all(fair) {
            return None;
        }
        let mut rows: Vec<(f64, bool, f64)> =
            (0..score.len()).map(|row| (score[row] + 0.0, label[row], weight_of(row))).collect();
        // Rows of one score are ordered by weight as well, so that their sums do not depend on the order of the rows.
        rows.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.2.total_cmp(&a.2)).then(b.1.cmp(&a.1)));
        let sum = |run: &[(f64, bool, f64)], of: bool| -> f64 {
            run.iter().filter(|row| row.1 == of).map(|row| row.2).sum::<f64>()
        };
        let tie = |run: &[(f64, bool, f64)]| Tie { score: run[0].0, events: sum(run, true), others: sum(run, false) };
        let ties: Vec<Tie> = rows.chunk_by(|a, b| a.0 == b.0).map(tie).filter(|tie| tie.mass() > 0.0).collect();
        let (events, others) = ties.iter().fold((0.0, 0.0), |sums, tie| (sums.0 + tie.events, sums.1 + tie.others));
        (events > 0.0 && others > 0.0).then_some(Self { ties, events, others })
    }

    /// Returns the distinct scores, highest first.
    pub fn ties(&self) -> &[Tie] {
        &self.ties
    }

    /// Returns the weight of the events.
    pub fn events(&self) -> f64 {
        self.events
    }

    /// Returns the weight of the non-events.
    pub fn others(&self) -> f64 {
        self.others
    }

    /// Returns the share of the events.
    pub fn base_rate(&self) -> f64 {
        self.events / (self.events + self.others)
    }

    /// Cuts the ranking into bins of equal weight, highest scores first; a tie across a cut is divided in proportion.
    pub fn equal_bins(&self, n_bins: u32) -> Vec<Bin> {
        let size = (self.events + self.others) / f64::from(n_bins.max(1));
        let mut bins = vec![Bin::default(); n_bins.max(1) as usize];
        let (mut at, mut room) = (0, size);
        for tie in &self.ties {
            let mut rest = tie.mass();
            while rest > 0.0 {
                let last = at + 1 == bins.len();
                let taken = if last { rest } else { rest.min(room) };
                bins[at].add(tie, taken);
                rest -= taken;
                room -= taken;
                // What rounding leaves of a bin is none.
                if room <= 1e-9 * size && !last {
                    (at, room) = (at + 1, size);
                }
            }
        }
        bins
    }
}

/// A bin of customers next to each other in the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Weight of the rows.
    pub mass: f64,
    /// Weight of the events.
    pub events: f64,
    /// Sum of the scores.
    pub score: f64,
}

impl Bin {
    fn add(&mut self, tie: &Tie, mass: f64) {
        self.mass += mass;
        self.events += mass * (tie.events / tie.mass());
        self.score += mass * tie.score;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_stand_together() {
        let ranking = Ranking::new(
            &[0.1, 0.9, 0.1, -0.0, 0.0],
            &[true, true, false, false, false],
            Some(&[1.0, 2.0, 3.0, 1.0, 0.5]),
        )
        .unwrap();
        let tie = |score, events, others| Tie { score, events, others };
        assert_eq!(ranking.ties(), [tie(0.9, 2.0, 0.0), tie(0.1, 1.0, 3.0), tie(0.0, 0.0, 1.5)]);
        assert_eq!((ranking.events(), ranking.others()), (3.0, 4.5));
    }

    #[test]
    fn a_tie_across_a_cut_is_divided() {
        let ranking = Ranking::new(&[3.0, 2.0, 2.0, 2.0], &[true, true, false, false], None).unwrap();
        let bins = ranking.equal_bins(2);
        assert_eq!(bins[0], Bin { mass: 2.0, events: 1.0 + 1.0 / 3.0, score: 5.0 });
        assert!((bins[1].events - 2.0 / 3.0).abs() < 1e-15 && bins[1].mass == 2.0);
        // More bins than rows.
        let bins = ranking.equal_bins(8);
        assert!(bins.iter().all(|bin| (bin.mass - 0.5).abs() < 1e-12));
    }

    #[test]
    fn what_cannot_be_ranked_is_not() {
        assert_eq!(Ranking::new(&[1.0, 2.0], &[true, true], None), None);
        assert_eq!(Ranking::new(&[1.0, f64::NAN], &[true, false], None), None);
        assert_eq!(Ranking::new(&[1.0], &[true, false], None), None);
        assert_eq!(Ranking::new(&[1.0, 2.0], &[true, false], Some(&[1.0, 0.0])), None);
        assert_eq!(Ranking::new(&[1.0, 2.0], &[true, false], Some(&[1.0, f64::INFINITY])), None);
        assert_eq!(Ranking::new(&[], &[], None), None);
    }
}
