//! Intervals of 80%: the orders and the spend of each customer within the horizon, by what is unknown of the customer and of the parameters.
//!
//! Spend of one order is `Gamma(p, ν)`, `ν ~ Gamma(p x + q, v + S)` given `x` repeats that brought `S`. What `n` orders bring, `Z`, is then a ratio of
//! two gamma variables, so that `w = ln(Z/(v + S))` are the log-odds of a beta variable:
//!
//! ```text
//! P(Z ≤ z) = 1 − P(alive) + P(alive) (P(N = 0) + Σₙ P(N = n) I_u(p n, p x + q)),   u = 1/(1 + e^{−w})
//! ```
//!
//! with `N` the orders of an alive customer ([`counts`](super::counts)). The predictive distribution is the mean of this over the points of the
//! parameters ([`Uncertainty`]); its 10% and 90% points are the interval, zero where the customer more likely than that buys nothing. In `w` the
//! answer depends on the history alone but for the scale `v + S`, which is exact at the fit and taken at the typical `S = x p v/q` for the
//! points around it. Discounting and margin rate are factors of the customer: a purchase counts with the mean discount of the horizon.
//!
//! | result   | shape                  | unit                        |
//! |----------|------------------------|-----------------------------|
//! | `orders` | one a distinct history | orders, 10% and 90%         |
//! | `spend`  | one a distinct history | multiples of `v + S`        |
//!
//! Histories are taken by their repeats: the beta functions of a number of orders are tabulated once for all of them, on a grid of 4% in `w`, between whose
//! points the quantile is found in a straight line. Counts above 64 share a class of 2%. About 2 µs a distinct history in a large
//! base, ten times that where parameters are uncertain. Source: Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", note 025, (2) and
//! (4), for the distributions given the parameters.

use rayon::prelude::*;

use super::counts::at_least;
use super::gamma_gamma::GammaGamma;
use super::histories::{Histories, History};
use super::uncertainty::{Point, Uncertainty};
use crate::maths::beta::Beta;
use crate::maths::gamma::{digamma, trigamma};

/// Probabilities below and above which an interval of 80% leaves a tenth each.
pub const TAILS: [f64; 2] = [0.1, 0.9];

/// Grid of the logarithm of spend: 4%.
const STEP: f64 = 0.04;

/// Standard deviations beyond which a beta function is nought or one.
const FAR: f64 = 9.0;

/// Orders up to which every number is a class of its own.
const EXACT: usize = 64;

/// Classes grow by this share from there on.
const GROWTH: f64 = 0.02;

/// The interval of one history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub orders: [u32; 2],
    /// Multiples of `v + S`; none without a spend model.
    pub spend: Option<[f64; 2]>,
}

/// Intervals by history.
#[derive(Debug, Clone)]
pub struct Intervals {
    /// Ascending.
    histories: Vec<History>,
    bounds: Vec<Bounds>,
}

impl Intervals {
    /// Computes the intervals of all histories of a base over the `days` after as-of.
    ///
    /// `is_unpaid` says that their repeats brought no money: their spend is that of new customers.
    pub fn tabulate(uncertainty: &Uncertainty, base: &Histories, days: f64, is_unpaid: bool) -> Self {
        let points = uncertainty.points();
        let histories: Vec<History> = base.distinct.iter().map(|(history, _)| *history).collect();
        let groups: Vec<&[History]> = histories.chunk_by(|a, b| a.n_repeats == b.n_repeats).collect();
        let of_group = |group: &&[History]| {
            let predictive = Predictive::of(uncertainty, &points, group, days, is_unpaid);
            group.par_iter().with_min_len(256).map(|history| predictive.mixture(*history).bounds()).collect::<Vec<_>>()
        };
        let bounds = groups.par_iter().map(of_group).collect::<Vec<_>>().concat();
        Self { histories, bounds }
    }

    /// Returns the interval of a history, or nothing where it was not among those of the base.
    pub fn get(&self, history: History) -> Option<&Bounds> {
        Some(&self.bounds[self.histories.binary_search(&history).ok()?])
    }
}

/// What is known of all customers with the same number of repeats.
pub struct Predictive<'a> {
    points: &'a [Point],
    /// Which of `spends` a point has.
    spend_of: Vec<usize>,
    n_phases: usize,
    ages: Vec<u32>,
    /// By age, point and phase: the probabilities of each class of orders if alive.
    counts: Vec<Vec<f64>>,
    /// Orders that stand for each class.
    classes: Vec<f64>,
    spends: Vec<SpendTable>,
}

impl<'a> Predictive<'a> {
    /// Tabulates what histories with the same number of repeats have in common.
    pub fn of(uncertainty: &Uncertainty, points: &'a [Point], group: &[History], days: f64, is_unpaid: bool) -> Self {
        let x = group.first().map_or(0, |history| history.n_repeats);
        let paid = if is_unpaid { 0 } else { x };
        let mut ages: Vec<u32> = group.iter().map(|history| history.age_days).collect();
        ages.sort_unstable();
        ages.dedup();
        let n_phases = uncertainty.fit.purchases.events_per_purchase() as usize;
        let of_age = |age: &u32| -> Vec<Vec<f64>> {
            let of_phase =
                |point: &Point, phase: usize| in_classes(&at_least(&point.purchases, x, f64::from(*age), days, phase));
            // Points that differ in spend alone have the same counts.
            let mut counts: Vec<Vec<f64>> = Vec::with_capacity(points.len() * n_phases);
            for (ix, point) in points.iter().enumerate() {
                match points[..ix].iter().position(|before| before.purchases == point.purchases) {
                    Some(same) => (0..n_phases).for_each(|phase| counts.push(counts[same * n_phases + phase].clone())),
                    None => (0..n_phases).for_each(|phase| counts.push(of_phase(point, phase))),
                }
            }
            counts
        };
        let counts: Vec<Vec<f64>> =
            ages.par_iter().with_min_len(16).map(of_age).collect::<Vec<_>>().into_iter().flatten().collect();
        let n_classes = counts.iter().map(Vec::len).max().unwrap_or_default();
        let classes: Vec<f64> = (0..n_classes).map(orders_of_class).collect();
        let mut distinct: Vec<GammaGamma> = Vec::new();
        let mut position = |spend: GammaGamma| {
            distinct.iter().position(|known| *known == spend).unwrap_or_else(|| {
                distinct.push(spend);
                distinct.len() - 1
            })
        };
        let spend_of = points.iter().filter_map(|point| Some(position(point.spend?))).collect();
        let typical = |spend: &GammaGamma| spend.v + uncertainty.fit.spend.map_or(0.0, |fit| fit.typical_spend(paid));
        let grid = Grid::of(&distinct, paid, &classes);
        let table = |spend: &GammaGamma| {
            let shift = uncertainty.fit.spend.map_or(0.0, |fit| (typical(&fit) / typical(spend)).ln());
            SpendTable::of(spend, paid, &classes, &grid, shift)
        };
        let spends = distinct.iter().map(table).collect();
        Self { points, spend_of, n_phases, ages, counts, classes, spends }
    }

    /// Puts together what is unknown of one customer.
    pub fn mixture(&self, history: History) -> Mixture<'_> {
        let History { n_repeats: x, days_to_last, age_days } = history;
        let (t_x, age) = (f64::from(days_to_last), f64::from(age_days));
        let age_ix = self.ages.partition_point(|listed| *listed < age_days);
        let n_classes = self.classes.len();
        let mut masses = vec![vec![0.0; n_classes]; self.spends.len().max(1)];
        let each = 1.0 / self.points.len() as f64;
        for (ix, point) in self.points.iter().enumerate() {
            let alive = each * point.purchases.formulas().p_alive(x, t_x, age);
            let phases = if self.n_phases == 1 { vec![1.0] } else { point.purchases.phases(x, t_x, age) };
            let masses = &mut masses[self.spend_of.get(ix).copied().unwrap_or_default()];
            for (phase, weight) in phases.iter().enumerate() {
                let counts = &self.counts[(age_ix * self.points.len() + ix) * self.n_phases + phase];
                for (mass, count) in masses.iter_mut().zip(counts) {
                    *mass += alive * weight * count;
                }
            }
        }
        let bought: f64 = masses.iter().flatten().sum();
        Mixture { predictive: self, none: (1.0 - bought).max(0.0), masses }
    }
}

/// The predictive distribution of one customer.
pub struct Mixture<'a> {
    predictive: &'a Predictive<'a>,
    /// Probability of no order.
    pub none: f64,
    /// By spend model: the probabilities of each class of orders.
    masses: Vec<Vec<f64>>,
}

impl Mixture<'_> {
    /// Returns the probability of at most so many orders.
    pub fn orders_at_most(&self, n: u32) -> f64 {
        let until = self.predictive.classes.partition_point(|orders| *orders <= f64::from(n));
        self.none + self.masses.iter().map(|masses| masses[..until].iter().sum::<f64>()).sum::<f64>()
    }

    /// Returns the probability of at most so much spend, a multiple of `v + S`.
    pub fn spend_at_most(&self, multiple: f64) -> f64 {
        let Some(table) = self.predictive.spends.first() else { return 1.0 };
        let at = ((multiple.ln() - table.from) / STEP).clamp(0.0, (table.n_points() - 1) as f64);
        let (point, part) = (at.floor() as usize, at.fract());
        let next = (point + 1).min(table.n_points() - 1);
        self.below(point) * (1.0 - part) + self.below(next) * part
    }

    /// Probability of at most the spend of a point of the grid.
    fn below(&self, point: usize) -> f64 {
        let by_model = self.predictive.spends.iter().zip(&self.masses);
        let sum = |(table, masses): (&SpendTable, &Vec<f64>)| -> f64 {
            table.row(point).iter().zip(masses).map(|(below, mass)| below * mass).sum()
        };
        self.none + by_model.map(sum).sum::<f64>()
    }

    fn bounds(&self) -> Bounds {
        let has_spend = !self.predictive.spends.is_empty();
        Bounds {
            orders: TAILS.map(|share| self.orders_quantile(share)),
            spend: has_spend.then(|| TAILS.map(|share| self.spend_quantile(share))),
        }
    }

    fn orders_quantile(&self, share: f64) -> u32 {
        let mut below = self.none;
        let classes = self.predictive.classes.iter().enumerate();
        let mut last = 0.0;
        for (class, orders) in classes {
            if below >= share {
                break;
            }
            below += self.masses.iter().map(|masses| masses[class]).sum::<f64>();
            last = *orders;
        }
        last.round() as u32
    }

    fn spend_quantile(&self, share: f64) -> f64 {
        let Some(table) = self.predictive.spends.first().filter(|_| self.none < share) else { return 0.0 };
        let (mut low, mut high) = (0, table.n_points() - 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.below(middle) < share { low = middle } else { high = middle }
        }
        let (from, to) = (self.below(low), self.below(high));
        let part = if to > from { ((share - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
        (table.from + STEP * (low as f64 + part)).exp()
    }
}

/// Points in `w`, the same for all spend models of a group.
struct Grid {
    from: f64,
    n_points: usize,
}

impl Grid {
    fn of(spends: &[GammaGamma], x: u32, classes: &[f64]) -> Self {
        let most = classes.last().copied().unwrap_or(1.0);
        let end = |orders: f64, sign: f64| {
            move |spend: &GammaGamma| {
                let (mean, deviation) = spend.log_moments(x, orders);
                mean + sign * FAR * deviation
            }
        };
        // Where a tenth lies is not as far out as where the beta functions end.
        let from = spends.iter().map(end(1.0, -1.0)).fold(f64::INFINITY, f64::min).max(-60.0);
        let to = spends.iter().map(end(most, 1.0)).fold(f64::NEG_INFINITY, f64::max).min(60.0);
        Self { from, n_points: ((to - from) / STEP).max(1.0).ceil() as usize + 1 }
    }
}

/// The beta functions of a spend model.
struct SpendTable {
    from: f64,
    n_classes: usize,
    /// By point, then class.
    below: Vec<f64>,
}

impl SpendTable {
    fn of(spend: &GammaGamma, x: u32, classes: &[f64], grid: &Grid, shift: f64) -> Self {
        let n_classes = classes.len();
        let own = spend.p * f64::from(x) + spend.q;
        let of_class = |orders: &f64| {
            let beta = Beta::new(spend.p * orders, own);
            let (mean, deviation) = spend.log_moments(x, *orders);
            let below = |point: usize| {
                let w = grid.from + STEP * point as f64 + shift;
                match (w - mean) / deviation {
                    far if far > FAR => 1.0,
                    _ => beta.below(w),
                }
            };
            (0..grid.n_points).map(below).collect::<Vec<f64>>()
        };
        let columns: Vec<Vec<f64>> = classes.par_iter().map(of_class).collect();
        let rows = (0..grid.n_points).flat_map(|point| columns.iter().map(move |column| column[point]));
        Self { from: grid.from, n_classes, below: rows.collect() }
    }

    fn n_points(&self) -> usize {
        self.below.len() / self.n_classes.max(1)
    }

    fn row(&self, point: usize) -> &[f64] {
        &self.below[point * self.n_classes..(point + 1) * self.n_classes]
    }
}

impl GammaGamma {
    /// What the repeats of a customer with an ordinary rate have brought.
    fn typical_spend(&self, x: u32) -> f64 {
        f64::from(x) * self.p * self.v / self.q
    }

    /// Mean and standard deviation of `w` for a number of orders.
    fn log_moments(&self, x: u32, orders: f64) -> (f64, f64) {
        let (bought, own) = (self.p * orders, self.p * f64::from(x) + self.q);
        (digamma(bought) - digamma(own), (trigamma(bought) + trigamma(own)).sqrt())
    }
}

/// Orders that stand for a class: one to [`EXACT`], then the middle of ever longer runs.
fn orders_of_class(class: usize) -> f64 {
    let (first, end) = (first_of_class(class), first_of_class(class + 1));
    0.5 * (first + end - 1) as f64
}

/// The smallest number of orders of a class.
fn first_of_class(class: usize) -> usize {
    let later = class.saturating_sub(EXACT);
    if later == 0 { class + 1 } else { EXACT + 1 + (EXACT as f64 * ((GROWTH * later as f64).exp_m1())) as usize }
}

/// Probabilities of the classes by those of at least one, two, … orders.
fn in_classes(at_least: &[f64]) -> Vec<f64> {
    let from = |n: usize| at_least.get(n - 1).copied().unwrap_or_default();
    let firsts = (0..).map(first_of_class).take_while(|first| *first <= at_least.len());
    firsts.enumerate().map(|(class, first)| (from(first) - from(first_of_class(class + 1))).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::models::mbg_nbd::MbgNbd;
    use crate::analysis::lifetime_value::models::nbd::Nbd;
    use crate::analysis::lifetime_value::purchases::Purchases;

    fn certain(purchases: Purchases, spend: Option<GammaGamma>) -> Uncertainty {
        Uncertainty { fit: Point { purchases, spend }, around: Vec::new(), is_small: true }
    }

    fn history(n_repeats: u32, days_to_last: u32, age_days: u32) -> History {
        History { n_repeats, days_to_last, age_days }
    }

    fn bounds(uncertainty: &Uncertainty, history: History, days: f64) -> Bounds {
        *Intervals::tabulate(uncertainty, &Histories::compress(vec![history]), days, false).get(history).unwrap()
    }

    /// `NB(1, s)` is geometric: the smallest `n` with `1 − z^{n+1} ≥ share`, `z = s/(1 + s)`.
    #[test]
    fn orders_meet_the_quantiles_of_a_geometric_number() {
        let found = bounds(&certain(Purchases::Nbd(Nbd { r: 1.0, alpha: 100.0 }), None), history(0, 0, 0), 300.0);
        let quantile = |share: f64| ((1.0 - share).ln() / 0.75_f64.ln() - 1.0).ceil() as u32;
        assert_eq!(found, Bounds { orders: [quantile(0.1), quantile(0.9)], spend: None });
        assert_eq!(found.orders, [0, 8]);
    }

    /// Where every order brings the same, spend is orders times that.
    #[test]
    fn without_differences_of_spend_the_interval_is_that_of_the_orders() {
        let spend = GammaGamma { p: 4e4, q: 4e4, v: 20.0 };
        let purchases = Purchases::MbgNbd(MbgNbd { r: 3.0, alpha: 40.0, a: 0.5, b: 4.0 });
        for one in [history(0, 0, 100), history(6, 190, 200), history(150, 998, 1_000)] {
            let found = bounds(&certain(purchases, Some(spend)), one, 365.0);
            let [low, high] = found.spend.unwrap();
            // v + S with S = 20 x, an order brings 20: a multiple is 20 n / (v + S).
            let scale = (spend.v + 20.0 * f64::from(one.n_repeats)) / 20.0 * (4e4 * f64::from(one.n_repeats) + 4e4)
                / 4e4
                / f64::from(one.n_repeats + 1);
            for (multiple, orders) in [(low, found.orders[0]), (high, found.orders[1])] {
                assert!(
                    (multiple * scale - f64::from(orders)).abs() <= 0.04 * f64::from(orders) + 1e-9,
                    "{one:?} {found:?}"
                );
            }
        }
    }

    /// Who is gone for sure, or all but, will bring nothing.
    #[test]
    fn a_lost_customer_has_an_interval_of_nought() {
        let purchases = Purchases::MbgNbd(MbgNbd { r: 3.0, alpha: 40.0, a: 0.5, b: 4.0 });
        let found =
            bounds(&certain(purchases, Some(GammaGamma { p: 2.0, q: 3.0, v: 20.0 })), history(30, 200, 900), 365.0);
        assert_eq!(found, Bounds { orders: [0, 0], spend: Some([0.0, 0.0]) });
    }

    /// What is unknown of the parameters makes intervals wider.
    #[test]
    fn uncertain_parameters_widen() {
        let model = Nbd { r: 6.0, alpha: 40.0 };
        let spend = GammaGamma { p: 6.0, q: 6.0, v: 20.0 };
        let fit = Point { purchases: Purchases::Nbd(model), spend: Some(spend) };
        let around = vec![
            [-1.0, 1.0].map(|by| Point { purchases: fit.purchases.moved(&[by, 0.0]), ..fit }),
            [-0.5, 0.5].map(|by| Point { spend: Some(spend.moved(&[by, 0.0, 0.0])), ..fit }),
        ];
        let one = history(4, 90, 100);
        let sure = bounds(&certain(fit.purchases, fit.spend), one, 365.0);
        let unsure = bounds(&Uncertainty { fit, around, is_small: false }, one, 365.0);
        assert!(unsure.orders[0] < sure.orders[0] && unsure.orders[1] > sure.orders[1], "{sure:?} {unsure:?}");
        let (sure, unsure) = (sure.spend.unwrap(), unsure.spend.unwrap());
        assert!(unsure[0] < sure[0] && unsure[1] > sure[1], "{sure:?} {unsure:?}");
    }

    #[test]
    fn classes_are_every_number_once() {
        let firsts: Vec<usize> = (0..400).map(first_of_class).collect();
        assert_eq!(firsts[..66], (1..=66).collect::<Vec<_>>());
        assert!(firsts.windows(2).all(|pair| pair[0] < pair[1]));
        let at_least: Vec<f64> = (0..500).map(|n| 0.99_f64.powi(n + 1)).collect();
        let classes = in_classes(&at_least);
        assert!((classes.iter().sum::<f64>() - 0.99).abs() < 1e-12);
    }
}
