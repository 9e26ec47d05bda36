//! Future purchases of an alive customer who buys at every `k`-th event of a Poisson process.
//!
//! `j < k` events have passed since the last purchase, with given probabilities; `λ ~ Gamma(y + j, τ)`, and after every purchase the customer
//! drops out with probability `p ~ Beta(a, β)`. The number `N` of events in the time `t` is negative binomial, and with
//! `G(M) = Σ_{i<M} E[(1 − p)ⁱ]` what is bought if the process would bring `M` purchases:
//!
//! ```text
//! E[purchases in t] = E_j E_N[G(⌊(N + j)/k⌋)],   P(none in t) = E_j P(N < k − j)
//! for ever, at the rate δ: E_j E_{λ,p}[φ^{k−j}/(1 − (1 − p) φᵏ)],   φ = λ/(λ + δ)
//! ```
//!
//! The first is a sum of positive terms around the mode of `N`, some dozens of them. Where `t ≫ τ` its tail is long; there `N` is summed in closed
//! form for a given `q = 1 − p` with the `k` roots `z_l = q^{1/k} e^{2πil/k}`,
//!
//! ```text
//! E_N[(1 − q^{⌊(N+j)/k⌋})/p] = Σ_l z_l^{j+1−k}/(k (1 − z_l)) (1 − (1 + s (1 − z_l))^{−y−j}),   s = t/τ
//! ```
//!
//! and `p` is left to the nodes of its distribution; near `q = 0`, where the roots cancel, the sum over powers of `q` is short. The last line is
//! a sum over the nodes of both distributions. The density of `λ` is tilted by `λ`, so that its shape is above one.

use std::f64::consts::TAU;

use crate::maths::quadrature::{beta_nodes, gamma_nodes};

/// Events in the time `t` beyond which the sum is longer than the nodes.
const MAX_EVENTS: f64 = 5_000.0;

/// A weight below this share of the largest is nothing.
const NEGLIGIBLE: f64 = 1e-18;

/// Below this `q` its powers are summed.
const SMALL_STAY: f64 = 0.3;

/// Alive customers with a common history.
#[derive(Debug, Clone)]
pub struct Renewals {
    /// Events a purchase.
    pub k: u32,
    /// Shape of the rate, before the events since the last purchase.
    pub y: f64,
    /// `τ = α + T`.
    pub time: f64,
    pub a: f64,
    pub beta: f64,
    /// Probabilities of `j` events since the last purchase.
    pub phases: Vec<f64>,
}

impl Renewals {
    /// Returns the purchases to be expected in the time `t`.
    pub fn expected(&self, t: f64) -> f64 {
        let s = t / self.time;
        let mean = (self.y + f64::from(self.k)) * s;
        // Ten deviations, and a tail that falls by e⁻¹ every s events.
        if mean + 10.0 * (mean * (1.0 + s)).sqrt() + 45.0 * s > MAX_EVENTS {
            return self.expected_by_nodes(s);
        }
        let mut bought = Bought { a: self.a, beta: self.beta, sums: vec![0.0], stays: 1.0 };
        let of_phase = |(j, weight): (usize, &f64)| weight * self.expected_of_phase(j, s, &mut bought);
        self.phases.iter().enumerate().map(of_phase).sum()
    }

    /// `E_N[G(⌊(N + j)/k⌋)]` around the mode of `N`, with weights relative to it.
    fn expected_of_phase(&self, j: usize, s: f64, bought: &mut Bought) -> f64 {
        let (y, z, k) = (self.y + j as f64, s / (1.0 + s), self.k as usize);
        let mode = ((y - 1.0).max(0.0) * s).floor();
        let (mut weights, mut mean, mut n, mut weight) = (0.0, 0.0, mode, 1.0);
        loop {
            weights += weight;
            mean += weight * bought.of((n as usize + j) / k);
            let ratio = (y + n) / (n + 1.0) * z;
            // What is bought grows with n, at most as n does.
            let rest = weight * (n + 1.0) / ((1.0 - ratio) * (1.0 - ratio));
            if weight == 0.0 || (ratio < 1.0 && rest < NEGLIGIBLE * mean) {
                break;
            }
            weight *= ratio;
            n += 1.0;
        }
        (n, weight) = (mode, 1.0);
        while n > 0.0 && weight > NEGLIGIBLE {
            weight *= n / ((y + n - 1.0) * z);
            n -= 1.0;
            weights += weight;
            mean += weight * bought.of((n as usize + j) / k);
        }
        mean / weights
    }

    fn expected_by_nodes(&self, s: f64) -> f64 {
        let of_phase = |j: usize, p: f64| {
            let q = 1.0 - p;
            if q < SMALL_STAY { self.by_powers(j, q, s) } else { self.by_roots(j, p, s) }
        };
        let of_node = |p: f64| self.phases.iter().enumerate().map(|(j, weight)| weight * of_phase(j, p)).sum::<f64>();
        beta_nodes(self.a, self.beta).iter().map(|(p, weight)| weight * of_node(*p)).sum()
    }

    /// `Σ_{i≥0} qⁱ P(N ≥ k (i + 1) − j)`.
    fn by_powers(&self, j: usize, q: f64, s: f64) -> f64 {
        let (y, z, k) = (self.y + j as f64, s / (1.0 + s), self.k as usize);
        let (mut exactly, mut below, mut n) = ((-y * s.ln_1p()).exp(), 0.0, 0);
        let (mut power, mut sum) = (1.0, 0.0);
        for i in 0..64 {
            while n < k * (i + 1) - j {
                below += exactly;
                exactly *= (y + n as f64) / (n as f64 + 1.0) * z;
                n += 1;
            }
            sum += power * (1.0_f64 - below).max(0.0);
            power *= q;
            if power < NEGLIGIBLE {
                break;
            }
        }
        sum
    }

    fn by_roots(&self, j: usize, p: f64, s: f64) -> f64 {
        let (y, k) = (self.y + j as f64, f64::from(self.k));
        let ln_root = (-p).ln_1p() / k;
        let power = j as f64 + 1.0 - k;
        // The root on the real axis; 1 − z₀ keeps its digits where p is small.
        let lack = -ln_root.exp_m1();
        let mut sum = (power * ln_root).exp() * one_less_power(y, lack, s) / k;
        for l in 1..self.k {
            let angle = TAU * f64::from(l) / k;
            let size = ln_root.exp();
            let (re, im) = (1.0 - size * angle.cos(), -size * angle.sin());
            // 1 − (1 + s (1 − z))^{−y}
            let (base_re, base_im) = (1.0 + s * re, s * im);
            let (ln, turn) = (-y * base_re.hypot(base_im).ln(), -y * base_im.atan2(base_re));
            let (grown_re, grown_im) = (1.0 - ln.exp() * turn.cos(), -ln.exp() * turn.sin());
            // z^{j+1−k}/(1 − z)
            let (scale, phase) = ((power * ln_root).exp() / (re * re + im * im), power * angle);
            let (front_re, front_im) =
                (scale * (phase.cos() * re + phase.sin() * im), scale * (phase.sin() * re - phase.cos() * im));
            sum += (front_re * grown_re - front_im * grown_im) / k;
        }
        sum
    }

    /// Returns the probability that nothing is bought in the time `t`.
    pub fn probability_of_none(&self, t: f64) -> f64 {
        let s = t / self.time;
        let z = s / (1.0 + s);
        let of_phase = |(j, weight): (usize, &f64)| {
            let y = self.y + j as f64;
            let (mut exactly, mut below) = ((-y * s.ln_1p()).exp(), 0.0);
            for n in 0..self.k as usize - j {
                below += exactly;
                exactly *= (y + n as f64) / (n as f64 + 1.0) * z;
            }
            weight * below
        };
        self.phases.iter().enumerate().map(of_phase).sum::<f64>().clamp(0.0, 1.0)
    }

    /// Returns all future purchases, discounted continuously; defined for a positive rate.
    pub fn discounted(&self, rate: f64) -> Option<f64> {
        let chances = beta_nodes(self.a, self.beta);
        let (k, waiting) = (f64::from(self.k), rate * self.time);
        let of_phase = |(j, weight): (usize, &f64)| {
            let (j, shape) = (j as f64, self.y + j as f64);
            let of_rate = |(lambda, density): &(f64, f64)| {
                // φ = λ/(λ + δ τ), ln φ without cancellation, 1 − φᵏ likewise.
                let ln_phi = -(waiting / lambda).ln_1p();
                let (all, short) = ((k * ln_phi).exp(), -(k * ln_phi).exp_m1());
                let renewed: f64 = chances.iter().map(|(p, weight)| weight / (short + p * all)).sum();
                // E[f(λ)] = shape E[f(λ)/λ] with one more in the shape; φ/λ = 1/(λ + δ τ).
                density * ((k - j - 1.0) * ln_phi).exp() / (lambda + waiting) * renewed
            };
            weight * shape * gamma_nodes(shape + 1.0).iter().map(of_rate).sum::<f64>()
        };
        let purchases: f64 = self.phases.iter().enumerate().map(of_phase).sum();
        Some(purchases).filter(|purchases| rate > 0.0 && purchases.is_finite())
    }
}

/// `(1 − (1 + s c)^{−y})/c` for `c > 0`, with its limit `y s` at zero.
fn one_less_power(y: f64, c: f64, s: f64) -> f64 {
    if c == 0.0 { y * s } else { -(-y * (s * c).ln_1p()).exp_m1() / c }
}

/// Purchases of a customer to whom the process would bring `M`, by `M`.
struct Bought {
    a: f64,
    beta: f64,
    sums: Vec<f64>,
    /// `E[(1 − p)ⁱ]` of the last of them.
    stays: f64,
}

impl Bought {
    fn of(&mut self, m: usize) -> f64 {
        while self.sums.len() <= m {
            let i = (self.sums.len() - 1) as f64;
            self.sums.push(self.sums[self.sums.len() - 1] + self.stays);
            self.stays *= (self.beta + i) / (self.a + self.beta + i);
        }
        self.sums[m]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The sum over events and the nodes with roots agree wherever the former is short.
        #[test]
        fn both_ways_agree(
            k in 1..6_u32, y in 0.02..80.0_f64, a in 0.02..20.0_f64, beta in 0.02..20.0_f64, s in 0.01..20.0_f64, late in 0.0..1.0_f64,
        ) {
            let mut phases = vec![0.0; k as usize];
            phases[0] = 1.0 - late;
            phases[k as usize - 1] += late;
            let renewals = Renewals { k, y, time: 1.0, a, beta, phases };
            let (sum, nodes) = (renewals.expected(s), renewals.expected_by_nodes(s));
            prop_assert!((sum / nodes - 1.0).abs() < 1e-9 || (sum - nodes).abs() < 1e-13, "{sum} {nodes}");
        }
    }
}
