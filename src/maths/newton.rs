//! Newton's method for the maximum of a smooth function of a few positive parameters, or of any number of coordinates.
//!
//! Works on `u = ln θ` inside a box; [`ascend`] is the search itself, over coordinates of any meaning. At each point the negative Hessian is decomposed, `−H = V diag(λ) Vᵀ`, and its eigenvalues are
//! replaced by `max(|λ|, 1e-8 max|λ|)`, so that the step `V diag(1/λ) Vᵀ g` leads uphill on saddles and flat ridges as well. No parameter moves
//! by more than 1.5 in `u`; a step that does not gain enough is halved. A step ends on the bounds of the box, and a parameter there that would be
//! pushed outward stands still. Done when half of `g · step`, the gain that the parabola promises, is below 1e-18, or below the
//! rounding of the value while the slope no longer halves.
//!
//! | name       | shape    | unit                                                              |
//! |------------|----------|-------------------------------------------------------------------|
//! | `θ`        | `(N)`    | the parameters' own                                               |
//! | value      | scalar   | log-likelihood per observation, so that the tolerance fits any `n` |
//! | gradient   | `(N)`    | value per unit of `ln θ`                                          |
//! | Hessian    | `(N, N)` | value per squared unit of `ln θ`                                  |
//!
//! Cost: one evaluation an iteration, about eight of them from a fair start; the algebra is `O(N³)`. Source: Nocedal and Wright,
//! Numerical Optimization, 2nd ed., 3.4 (modified Hessians) and algorithm 3.1 (backtracking); Golub and Van Loan, 8.5 (Jacobi).

const MAX_STEP: f64 = 1.5;
const MAX_ITERATIONS: u32 = 200;
const MAX_HALVINGS: u32 = 40;
const EIGENVALUE_FLOOR: f64 = 1e-8;
const PROMISED_GAIN: f64 = 1e-18;
/// Rounding of a long sum, relative to its size.
const ROUNDING: f64 = 1e-12;
/// Share of the largest curvature below which there is none.
const FLAT: f64 = 1e-12;
/// Share in a direction that makes a coordinate part of it.
const TAKES_PART: f64 = 1e-4;
/// A logarithm this close to its bound is on it.
const ON_BOUND: f64 = 1e-12;

/// A symmetric matrix of a few rows.
pub type Matrix<const N: usize> = [[f64; N]; N];

/// Value, gradient and Hessian of the objective, derived by the logarithms of the parameters.
#[derive(Debug, Clone, Copy)]
pub struct Point<const N: usize> {
    pub value: f64,
    pub gradient: [f64; N],
    pub hessian: Matrix<N>,
}

/// The same where the number of coordinates is known only when the program runs, derived by the coordinates themselves.
#[derive(Debug, Clone, Default)]
pub struct Surface {
    pub value: f64,
    pub gradient: Vec<f64>,
    pub hessian: Vec<Vec<f64>>,
}

impl<const N: usize> From<Point<N>> for Surface {
    fn from(point: Point<N>) -> Self {
        Self {
            value: point.value,
            gradient: point.gradient.to_vec(),
            hessian: point.hessian.iter().map(|row| row.to_vec()).collect(),
        }
    }
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// No further gain is in sight.
    Converged,
    /// A gain is promised, but no step along the direction has it.
    NoProgress,
    /// The number of iterations ran out.
    IterationLimit,
}

/// The best point found.
#[derive(Debug, Clone)]
pub struct Maximum<const N: usize> {
    pub parameters: [f64; N],
    pub value: f64,
    /// Largest slope by the logarithm of a parameter that is free to move.
    pub gradient_norm: f64,
    /// Iterations from the start that led here.
    pub n_iterations: u32,
    /// Parameters that the box holds back.
    pub at_bound: [bool; N],
    /// Why the search ended.
    pub stop: Stop,
    /// Whether another start converged to a lower maximum.
    pub starts_disagree: bool,
    /// Variance of `ln θ` for one observation; unknown on a bound and where the curvature vanishes.
    pub variance: [Option<f64>; N],
    /// Hessian of the value by the logarithms of the parameters, those on a bound included.
    pub hessian: Matrix<N>,
}

impl<const N: usize> Maximum<N> {
    /// Returns the standard errors of the parameters for the mean of `n` observations, `θ √(−H⁻¹ / n)`.
    pub fn standard_errors(&self, n: f64) -> [Option<f64>; N] {
        std::array::from_fn(|i| self.variance[i].map(|variance| self.parameters[i] * (variance / n).sqrt()))
    }
}

/// The best point found among any number of coordinates.
#[derive(Debug, Clone)]
pub struct Peak {
    pub at: Vec<f64>,
    pub value: f64,
    /// Largest slope by a coordinate that is free to move.
    pub gradient_norm: f64,
    /// Iterations from the start that led here.
    pub n_iterations: u32,
    /// Coordinates that the box holds back.
    pub held: Vec<bool>,
    /// Why the search ended.
    pub stop: Stop,
    /// Whether another start converged to a lower maximum.
    pub starts_disagree: bool,
    /// Coordinates along which the curvature vanishes.
    pub flat: Vec<bool>,
    /// Inverse of the negative Hessian, for one observation; rows of held coordinates are zero, those of flat ones mean nothing.
    pub covariance: Vec<Vec<f64>>,
    /// Hessian of the value, held coordinates included.
    pub hessian: Vec<Vec<f64>>,
}

impl Peak {
    /// Returns the variance of a coordinate for one observation; unknown on a bound and along a ridge.
    pub fn variance(&self, i: usize) -> Option<f64> {
        (!self.held[i] && !self.flat[i]).then(|| self.covariance[i][i])
    }
}

/// Searches from every start and returns the highest maximum, or nothing where the objective is finite at no start.
///
/// `objective` receives the parameters themselves, inside `bounds`. A point whose value is not finite counts as infinitely low.
pub fn maximise<const N: usize>(
    objective: impl Fn([f64; N]) -> Point<N>,
    starts: &[[f64; N]],
    bounds: [(f64, f64); N],
) -> Option<Maximum<N>> {
    let parameters = |u: &[f64]| -> [f64; N] { std::array::from_fn(|i| u[i].exp()) };
    let starts: Vec<Vec<f64>> = starts.iter().map(|start| start.map(f64::ln).to_vec()).collect();
    let bounds = bounds.map(|(low, high)| (low.ln(), high.ln()));
    let peak = ascend(|u| objective(parameters(u)).into(), &starts, &bounds)?;
    Some(Maximum {
        parameters: parameters(&peak.at),
        value: peak.value,
        gradient_norm: peak.gradient_norm,
        n_iterations: peak.n_iterations,
        at_bound: std::array::from_fn(|i| peak.held[i]),
        stop: peak.stop,
        starts_disagree: peak.starts_disagree,
        // Of a few parameters on a ridge hardly one is known for sure.
        variance: std::array::from_fn(|i| peak.variance(i).filter(|_| !peak.flat.contains(&true))),
        hessian: std::array::from_fn(|i| std::array::from_fn(|j| peak.hessian[i][j])),
    })
}

/// Searches as [`maximise`] does, over coordinates that need be no logarithms and that `objective` receives as they are.
///
/// Every start and `bounds` have one entry a coordinate; one whose bounds are equal stands still.
pub fn ascend(objective: impl Fn(&[f64]) -> Surface, starts: &[Vec<f64>], bounds: &[(f64, f64)]) -> Option<Peak> {
    let mut found: Vec<Peak> = starts.iter().filter_map(|start| climb(&objective, start, bounds)).collect();
    let best_ix = (0..found.len()).reduce(|best, ix| if found[ix].value > found[best].value { ix } else { best })?;
    let lower = found[best_ix].value - 1e-8 * (1.0 + found[best_ix].value.abs());
    let disagree = found.iter().any(|other| other.stop == Stop::Converged && other.value < lower);
    let mut best = found.swap_remove(best_ix);
    best.starts_disagree = disagree;
    Some(best)
}

fn climb(objective: &impl Fn(&[f64]) -> Surface, start: &[f64], bounds: &[(f64, f64)]) -> Option<Peak> {
    let at = |u: &[f64]| Some(objective(u)).filter(is_finite);
    let mut u = within(start.to_vec(), bounds);
    let mut point = at(&u)?;
    let mut n_iterations = 0;
    loop {
        let direction = Direction::at(&u, &point, bounds);
        let rounding = ROUNDING * (1.0 + point.value.abs());
        let next = if n_iterations < MAX_ITERATIONS && direction.promised > PROMISED_GAIN {
            let mut length = direction.longest(&u, bounds);
            let tries = (0..MAX_HALVINGS).map(|_| {
                let next = u.iter().zip(&direction.step).map(|(u, step)| u + length * step).collect();
                let enough = point.value + 2e-4 * length * direction.promised;
                length *= 0.5;
                let next = within(next, bounds);
                at(&next).map(|reached| (next, reached, enough))
            });
            if direction.promised > rounding {
                tries.flatten().find(|(_, reached, enough)| reached.value >= *enough)
            } else {
                // The value is blind to gains below its rounding, the slope is not: it must at least halve.
                let norm = |next: &[f64], reached: &Surface| Direction::at(next, reached, bounds).norm();
                tries.take(1).flatten().find(|(next, reached, _)| norm(next, reached) <= 0.5 * direction.norm())
            }
        } else {
            None
        };
        if let Some((next, reached, _)) = next {
            (u, point) = (next, reached);
            n_iterations += 1;
            continue;
        }
        let stop = if direction.promised <= rounding.max(PROMISED_GAIN) {
            Stop::Converged
        } else if n_iterations == MAX_ITERATIONS {
            Stop::IterationLimit
        } else {
            Stop::NoProgress
        };
        return Some(Peak {
            value: point.value,
            gradient_norm: direction.norm(),
            n_iterations,
            stop,
            starts_disagree: false,
            flat: direction.flat(),
            covariance: direction.covariance(),
            held: direction.held,
            hessian: point.hessian,
            at: u,
        });
    }
}

fn within(mut u: Vec<f64>, bounds: &[(f64, f64)]) -> Vec<f64> {
    u.iter_mut().zip(bounds).for_each(|(u, (low, high))| *u = u.clamp(*low, *high));
    u
}

/// Where to go from a point.
struct Direction {
    step: Vec<f64>,
    /// Half of `gradient · step`.
    promised: f64,
    /// Coordinates that lie on a bound and would leave the box.
    held: Vec<bool>,
    /// Slope of the coordinates that are not held.
    gradient: Vec<f64>,
    eigenvalues: Vec<f64>,
    eigenvectors: Vec<Vec<f64>>,
}

impl Direction {
    fn at(u: &[f64], point: &Surface, bounds: &[(f64, f64)]) -> Self {
        let n = u.len();
        let mut held: Vec<bool> = bounds.iter().map(|(low, high)| low >= high).collect();
        loop {
            let gradient: Vec<f64> = (0..n).map(|i| if held[i] { 0.0 } else { point.gradient[i] }).collect();
            let (eigenvalues, eigenvectors) = eigen(curvature(&point.hessian, &held));
            let step = newton_step(&eigenvalues, &eigenvectors, &gradient);
            let leaves = |i: usize| {
                (step[i] < 0.0 && u[i] <= bounds[i].0 + ON_BOUND) || (step[i] > 0.0 && u[i] >= bounds[i].1 - ON_BOUND)
            };
            let more: Vec<bool> = (0..n).map(|i| held[i] || leaves(i)).collect();
            if more == held {
                let promised = 0.5 * (0..n).map(|i| gradient[i] * step[i]).sum::<f64>();
                return Self { step, promised, held, gradient, eigenvalues, eigenvectors };
            }
            held = more;
        }
    }

    /// The longest part of the step that neither goes too far nor leaves the box; clipping single coordinates would leave a ridge.
    fn longest(&self, u: &[f64], bounds: &[(f64, f64)]) -> f64 {
        let room = |i: usize| {
            let to_bound = if self.step[i] < 0.0 { u[i] - bounds[i].0 } else { bounds[i].1 - u[i] };
            to_bound.min(MAX_STEP) / self.step[i].abs()
        };
        (0..u.len()).filter(|i| self.step[*i] != 0.0).map(room).fold(1.0, f64::min)
    }

    fn norm(&self) -> f64 {
        self.gradient.iter().fold(0.0, |max: f64, slope| max.max(slope.abs()))
    }

    fn is_curved(&self) -> Vec<bool> {
        let largest = self.eigenvalues.iter().fold(0.0, |max: f64, value| max.max(*value));
        self.eigenvalues.iter().map(|value| *value > FLAT * largest).collect()
    }

    /// Coordinates that take part in a direction without curvature.
    fn flat(&self) -> Vec<bool> {
        let curved = self.is_curved();
        let takes_part = |row: &Vec<f64>| row.iter().zip(&curved).any(|(v, curved)| !curved && v.abs() > TAKES_PART);
        self.eigenvectors.iter().map(takes_part).collect()
    }

    /// The inverse of `−H` among the coordinates that are not held, in the directions that have a curvature.
    fn covariance(&self) -> Vec<Vec<f64>> {
        let n = self.eigenvalues.len();
        let curved = self.is_curved();
        let v = &self.eigenvectors;
        let inverse = |i: usize, j: usize| match self.held[i] || self.held[j] {
            true => 0.0,
            false => (0..n).filter(|k| curved[*k]).map(|k| v[i][k] * v[j][k] / self.eigenvalues[k]).sum(),
        };
        (0..n).map(|i| (0..n).map(|j| inverse(i, j)).collect()).collect()
    }
}

fn is_finite(point: &Surface) -> bool {
    point.value.is_finite()
        && point.gradient.iter().all(|g| g.is_finite())
        && point.hessian.iter().flatten().all(|h| h.is_finite())
}

/// `−H`, with held coordinates cut out: their rows are those of a scaled identity, which leaves the others alone.
fn curvature(hessian: &[Vec<f64>], held: &[bool]) -> Vec<Vec<f64>> {
    let n = held.len();
    let scale = (0..n).filter(|i| !held[*i]).fold(0.0, |max: f64, i| max.max(hessian[i][i].abs()));
    let entry = |i: usize, j: usize| match (held[i] || held[j], i == j) {
        (false, _) => -hessian[i][j],
        (true, true) => scale,
        (true, false) => 0.0,
    };
    (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
}

fn newton_step(values: &[f64], vectors: &[Vec<f64>], gradient: &[f64]) -> Vec<f64> {
    let n = values.len();
    let floor = EIGENVALUE_FLOOR * values.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    let mut step = vec![0.0; n];
    for k in 0..n {
        let along: f64 = (0..n).map(|i| vectors[i][k] * gradient[i]).sum();
        // A function without any curvature has no parabola: its slope decides the direction.
        let size = values[k].abs().max(floor).max(f64::MIN_POSITIVE);
        for i in 0..n {
            step[i] += vectors[i][k] * along / size;
        }
    }
    if step.iter().all(|s| s.is_finite()) { step } else { gradient.to_vec() }
}

/// Returns the inverse of a symmetric matrix that should be positive definite; a direction in which it is not counts as next to nought.
pub(crate) fn inverse(matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let (values, vectors) = eigen(matrix);
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let least = (1e-14 * largest).max(1e-150);
    let entry = |row: &[f64], column: &[f64]| -> f64 {
        values.iter().zip(row.iter().zip(column)).map(|(value, (a, b))| a * b / value.max(least)).sum()
    };
    vectors.iter().map(|row| vectors.iter().map(|column| entry(row, column)).collect()).collect()
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric matrix by cyclic Jacobi rotations.
pub(crate) fn eigen(mut m: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = m.len();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _sweep in 0..50 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                if m[p][q].abs() <= 1e-17 * (m[p][p].abs() * m[q][q].abs()).sqrt() || m[p][q] == 0.0 {
                    continue;
                }
                rotated = true;
                let theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
                let t = if theta >= 0.0 { 1.0 } else { -1.0 } / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                let turn = |one: f64, other: f64| (c * one - s * other, s * one + c * other);
                for row in m.iter_mut().chain(&mut vectors) {
                    (row[p], row[q]) = turn(row[p], row[q]);
                }
                let (above, below) = m.split_at_mut(q);
                for (one, other) in above[p].iter_mut().zip(&mut below[0]) {
                    (*one, *other) = turn(*one, *other);
                }
                (m[p][q], m[q][p]) = (0.0, 0.0);
            }
        }
        if !rotated {
            break;
        }
    }
    ((0..n).map(|i| m[i][i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maths::gamma::{digamma, ln_gamma, trigamma};

    /// Mean log-likelihood of the gamma distribution with shape `k` and rate `c`, of data with the given means of `y` and `ln y`.
    fn gamma_likelihood(mean: f64, mean_ln: f64) -> impl Fn([f64; 2]) -> Point<2> {
        move |[k, c]| {
            let by_k = k * (c.ln() - digamma(k) + mean_ln);
            Point {
                value: k * c.ln() - ln_gamma(k) + (k - 1.0) * mean_ln - c * mean,
                gradient: [by_k, k - c * mean],
                hessian: [[by_k - k * k * trigamma(k), k], [k, -c * mean]],
            }
        }
    }

    const WIDE: [(f64, f64); 2] = [(1e-6, 1e6); 2];

    #[test]
    fn finds_the_gamma_distribution_from_far_away() {
        let (k, c) = (2.5, 0.4);
        let objective = gamma_likelihood(k / c, digamma(k) - f64::ln(c));
        let found = maximise(objective, &[[1e-3, 1e3], [1e3, 1e-3], [1.0, 1.0]], WIDE).unwrap();
        assert_eq!(found.stop, Stop::Converged);
        assert!(!found.starts_disagree);
        assert!((found.parameters[0] / k - 1.0).abs() < 1e-8 && (found.parameters[1] / c - 1.0).abs() < 1e-8);
        // Fisher information of the shape alone: 1 / (n (ψ′(k) − 1/k)).
        assert!((found.hessian[1][1] + k).abs() < 1e-7);
        let error = found.standard_errors(400.0)[0].unwrap();
        assert!((error - (1.0 / (400.0 * (trigamma(k) - 1.0 / k))).sqrt()).abs() < 1e-8);
    }

    #[test]
    fn a_ridge_ends_on_the_bound_and_says_so() {
        // Data without any spread: the shape runs away, the mean k / c stays.
        let found = maximise(gamma_likelihood(3.0, f64::ln(3.0)), &[[1.0, 1.0]], [(1e-6, 1e4); 2]).unwrap();
        assert!(found.at_bound[0]);
        assert_eq!(found.standard_errors(10.0)[0], None);
        assert!((found.parameters[0] / found.parameters[1] / 3.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn two_maxima_are_told_apart() {
        // −(u² − 1)² + u/4 has a lower maximum near u = −1 and a higher one near u = 1.
        let objective = |[theta]: [f64; 1]| {
            let u = theta.ln();
            let square = u * u - 1.0;
            Point {
                value: -square * square + 0.25 * u,
                gradient: [-4.0 * u * square + 0.25],
                hessian: [[-12.0 * u * u + 4.0]],
            }
        };
        let found = maximise(objective, &[[0.3], [3.0]], [(1e-3, 1e3)]).unwrap();
        assert!(found.starts_disagree);
        assert!(found.parameters[0] > 1.0 && found.gradient_norm < 1e-7);
    }

    /// A ridge takes the errors of the coordinates that lie along it, and of no other.
    #[test]
    fn a_ridge_leaves_the_other_errors_alone() {
        let ridge = |u: &[f64]| {
            let (along, other) = (u[0] + u[1] - 1.0, u[2] - 0.5);
            let hessian = [[-2.0, -2.0, 0.0], [-2.0, -2.0, 0.0], [0.0, 0.0, -8.0]];
            Surface {
                value: -along * along - 4.0 * other * other,
                gradient: vec![-2.0 * along, -2.0 * along, -8.0 * other],
                hessian: hessian.map(|row| row.to_vec()).to_vec(),
            }
        };
        let found = ascend(ridge, &[vec![3.0, 0.0, 0.0]], &[(-9.0, 9.0); 3]).unwrap();
        assert_eq!(found.flat, [true, true, false]);
        assert_eq!((found.variance(0), found.variance(1)), (None, None));
        assert!((found.variance(2).unwrap() - 0.125).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_found_where_nothing_is_finite() {
        let nowhere = |_: [f64; 1]| Point { value: f64::NAN, gradient: [0.0], hessian: [[0.0]] };
        assert!(maximise(nowhere, &[[1.0]], [(0.1, 10.0)]).is_none());
    }

    /// A parabola over four coordinates, one of which stands still: the maximum and its covariance are known.
    #[test]
    fn coordinates_may_be_negative_and_stand_still() {
        let parabola = |u: &[f64]| {
            let d = [u[0] + 2.0, u[1] - 0.5, u[2] - 3.0, u[3] - 9.0];
            let value = -d[0] * d[0] - d[0] * d[1] - d[1] * d[1] - 2.0 * d[2] * d[2] - d[3] * d[3];
            let mut surface = Surface { value, ..Surface::default() };
            surface.gradient = vec![-2.0 * d[0] - d[1], -d[0] - 2.0 * d[1], -4.0 * d[2], -2.0 * d[3]];
            surface.hessian =
                [[-2.0, -1.0, 0.0, 0.0], [-1.0, -2.0, 0.0, 0.0], [0.0, 0.0, -4.0, 0.0], [0.0, 0.0, 0.0, -2.0]]
                    .map(|row| row.to_vec())
                    .to_vec();
            surface
        };
        let bounds = [(-10.0, 10.0), (-10.0, 10.0), (-10.0, 1.0), (4.0, 4.0)];
        let found = ascend(parabola, &[vec![0.0; 4]], &bounds).unwrap();
        for (found, expected) in found.at.iter().zip([-2.0, 0.5, 1.0, 4.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert_eq!(found.held, [false, false, true, true]);
        let covariance = &found.covariance;
        assert!((covariance[0][0] - 2.0 / 3.0).abs() < 1e-12 && (covariance[0][1] + 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((found.variance(2), found.variance(3)), (None, None));
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let m = [[4.0, 1.0, -2.0], [1.0, -3.0, 0.5], [-2.0, 0.5, 1e-3]];
        let (values, v) = eigen(m.iter().map(|row| row.to_vec()).collect());
        for i in 0..3 {
            for j in 0..3 {
                let rebuilt: f64 = (0..3).map(|k| v[i][k] * values[k] * v[j][k]).sum();
                assert!((rebuilt - m[i][j]).abs() < 1e-14);
            }
        }
    }
}
