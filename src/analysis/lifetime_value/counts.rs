//! How many purchases an alive customer will make: the distribution, of which [`super::value`] tabulates the mean.
//!
//! While alive a customer buys at a rate `λ ~ Gamma(y, α + T)`, so that the events in the time `t` are negative binomial, `K ~ NB(y, s)` with mean
//! `y s`, `s = t/(α + T)`. The number of purchases is at least `n` if
//!
//! | model              | condition                                                     | probability                                                     |
//! |--------------------|---------------------------------------------------------------|------------------------------------------------------------------|
//! | NBD                | `K ≥ n`                                                       | `P(K ≥ n)`                                                       |
//! | BG/NBD, MBG/NBD    | and the first `n − 1` of them were no farewell                | `P(K ≥ n) Π_{j<n−1} (β + j)/(a + β + j)`, `β = b + e + x`         |
//! | (M)BG/CNBD-k       | `k n − j` events from phase `j` on, and likewise              | `P(K_j ≥ k n − j) Π …`                                           |
//! | BG/BB              | taken `n` times before leaving, opportunity by opportunity     | products of shares of beta distributions                          |
//! | Pareto/NBD         | `K ≥ n` in the time `min(t, τ)`, the rest of life `τ` is Lomax | `P(τ > t) P(K ≥ n) + ∫₀ᵗ f(u) P(K_u ≥ n) du`                      |
//!
//! Rate and dropout of an alive customer are independent given the history, which is why the probabilities multiply. Negative binomial
//! probabilities come from their ratios, outwards from the mode, and are divided by their sum: no gamma functions. The integral is Gauss's rule in
//! `ln(1 + u/(β + T))`. `O(n)` a customer, times 16 and more for Pareto/NBD; `O(t²)` for BG/BB. Source: Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing
//! Science 24 (2005), appendix; Fader and Hardie, note 018, for the process behind it.

use super::models::bg_bb::BgBb;
use super::models::dropout::Geometric;
use super::models::pareto_nbd::ParetoNbd;
use super::purchases::Purchases;
use crate::maths::quadrature::GAUSS_16;

/// Probability of even more purchases that is left out.
const NEGLIGIBLE: f64 = 1e-10;

/// Logarithmic time that one rule of sixteen nodes is good for.
const PANEL: f64 = 1.5;

/// Purchases at most: a century of days has no more.
const MOST: usize = 36_525;

/// Returns the probabilities of at least one, two, … purchases in the time `t` from now on of an alive customer in a phase between two purchases.
pub fn at_least(model: &Purchases, x: u32, age: f64, t: f64, phase: usize) -> Vec<f64> {
    let repeats = f64::from(x);
    match model {
        Purchases::Nbd(m) => tail(m.r + repeats, t / (m.alpha + age)),
        Purchases::MbgNbd(m) => stays(&m.alive(x), tail(m.r + repeats, t / (m.alpha + age))),
        Purchases::BgNbd(m) => stays(&m.alive(x), tail(m.r + repeats, t / (m.alpha + age))),
        Purchases::BgBb(m) => of_opportunities(m, x, age, t),
        Purchases::ParetoNbd(m) => with_lifetime(m, m.r + repeats, age, t),
        Purchases::MbgCnbd(_) | Purchases::BgCnbd(_) => {
            let Some(renewals) = model.in_phase(x, age, phase) else { return Vec::new() };
            let each = renewals.k as usize;
            let events = tail_up_to(renewals.y + phase as f64, t / renewals.time, each * MOST);
            let bought = events.iter().skip(each - phase - 1).step_by(each).copied().collect();
            stay(renewals.a, renewals.beta, bought)
        }
    }
}

fn stays(group: &Geometric, tail: Vec<f64>) -> Vec<f64> {
    stay(group.a, group.b + group.after_first + group.x, tail)
}

/// Multiplies by the probability that no purchase before was the last.
fn stay(a: f64, beta: f64, mut tail: Vec<f64>) -> Vec<f64> {
    let (mut stays, mut j) = (1.0, 0.0);
    for probability in &mut tail {
        *probability *= stays;
        stays *= (beta + j) / (a + beta + j);
        j += 1.0;
    }
    tail
}

/// Mixes over the rest of the customer's life, `τ = (β + T)(e^l − 1)`, where `l` is exponential at the rate `s`.
fn with_lifetime(model: &ParetoNbd, y: f64, age: f64, t: f64) -> Vec<f64> {
    let (rest, s) = (model.beta + age, model.s);
    let end = (t / rest).ln_1p();
    let mut mixed = tail(y, t / (model.alpha + age));
    mixed.iter_mut().for_each(|probability| *probability *= (-s * end).exp());
    let end = end.min(-NEGLIGIBLE.ln() / s);
    // Whoever buys often is sure to buy soon: the first panels are as short as the wait for a purchase.
    let longest = PANEL.min(2.0 * PANEL / s);
    let mut length = (2.0 * (model.alpha + age) / (y * rest)).min(longest);
    let mut from = 0.0;
    while from < end {
        length = length.min(end - from);
        for (node, weight) in GAUSS_16 {
            let l = from + length * node;
            let density = weight * length * s * (-s * l).exp();
            for (mixed, probability) in mixed.iter_mut().zip(tail(y, rest * l.exp_m1() / (model.alpha + age))) {
                *mixed += density * probability;
            }
        }
        from += length;
        length = (4.0 * length).min(longest);
    }
    mixed
}

/// Takes the next opportunities one by one: an alive customer is there for the first, and before each later one may leave.
///
/// With `l` lived through, the number taken is beta-binomial; `E[θ]` and `E[p]` given what has passed make every step a product.
fn of_opportunities(model: &BgBb, x: u32, age: f64, t: f64) -> Vec<f64> {
    let n = age.round();
    let most = (t.floor().max(0.0) as usize).min(MOST);
    // Probabilities of 0, 1, … taken, if alive through the opportunities so far; those of customers who have left are settled.
    let (mut taken, mut settled) = (vec![1.0], vec![0.0; most + 1]);
    for l in 0..most {
        if l > 0 {
            let leaves = model.gamma / (model.gamma + model.delta + n + l as f64);
            for (settled, taken) in settled.iter_mut().zip(&mut taken) {
                *settled += leaves * *taken;
                *taken *= 1.0 - leaves;
            }
        }
        let mut next = vec![0.0; taken.len() + 1];
        // What is next to impossible stays so: the rest is a band around the mean.
        for (k, probability) in taken.iter().enumerate().filter(|(_, probability)| **probability > 1e-3 * NEGLIGIBLE) {
            let takes = (model.alpha + f64::from(x) + k as f64) / (model.alpha + model.beta + n + l as f64);
            next[k + 1] += probability * takes;
            next[k] += probability * (1.0 - takes);
        }
        taken = next;
    }
    let mut at_least = 0.0;
    let mut tail: Vec<f64> = settled
        .iter()
        .zip(&taken)
        .rev()
        .map(|(settled, taken)| {
            at_least += settled + taken;
            at_least
        })
        .collect();
    // The last one is P(N ≥ 0).
    tail.pop();
    tail.reverse();
    tail
}

/// Returns `P(K ≥ 1), P(K ≥ 2), …` of a negative binomial number with shape `y` and mean `y s`.
fn tail(y: f64, s: f64) -> Vec<f64> {
    tail_up_to(y, s, MOST)
}

fn tail_up_to(y: f64, s: f64, most: usize) -> Vec<f64> {
    let z = s / (1.0 + s);
    let mode = (((y - 1.0).max(0.0) * s).floor() as usize).min(most);
    let mut above = vec![1.0];
    loop {
        let n = (mode + above.len() - 1) as f64;
        let weight = above[above.len() - 1];
        let ratio = (y + n) / (n + 1.0) * z;
        if (ratio < 1.0 && weight * ratio < NEGLIGIBLE * (1.0 - ratio)) || n >= most as f64 {
            break;
        }
        above.push(weight * ratio);
    }
    let (mut below, mut n, mut weight) = (0.0, mode as f64, 1.0);
    let mut weights = vec![0.0; mode];
    while n > 0.0 && weight > 1e-3 * NEGLIGIBLE {
        weight *= n / ((y + n - 1.0) * z);
        n -= 1.0;
        weights[n as usize] = weight;
        below += weight;
    }
    let total = below + above.iter().rev().sum::<f64>();
    weights.extend(above);
    let mut tail = 0.0;
    for weight in weights.iter_mut().rev() {
        tail += *weight;
        *weight = (tail / total).min(1.0);
    }
    // The first one is P(K ≥ 0).
    weights.remove(0);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lifetime_value::models::bg_nbd::BgNbd;
    use crate::analysis::lifetime_value::models::cnbd::{BgCnbd, MbgCnbd};
    use crate::analysis::lifetime_value::models::mbg_nbd::MbgNbd;
    use crate::analysis::lifetime_value::models::nbd::Nbd;
    use proptest::prelude::*;

    /// A geometric number, and a Poisson one in the limit.
    #[test]
    fn tails_meet_closed_forms() {
        for (n, found) in (1..).zip(tail(1.0, 3.0)) {
            assert!((found - 0.75_f64.powi(n)).abs() < 1e-9);
        }
        let poisson = tail(1e9, 2e-9);
        assert!((poisson[0] - (1.0 - (-2.0_f64).exp())).abs() < 1e-8);
        assert!((poisson[1] - (1.0 - 3.0 * (-2.0_f64).exp())).abs() < 1e-8);
        assert!(tail(0.5, 0.0).iter().all(|p| *p < 1e-9));
        assert!((tail(3_000.0, 0.5)[1_499] - 0.5).abs() < 0.02, "heavy buyers do not underflow");
    }

    proptest! {
        /// What the counts expect is what the model expects, one purchase at least is the chance to buy.
        #[test]
        fn counts_have_the_mean_and_the_chance_of_the_model(
            r in 0.1..5.0_f64, alpha in 2.0..100.0_f64, a in 0.1..5.0_f64, b in 0.1..5.0_f64, k in 1..5_u32,
            x in 0..60_u32, age in 1.0..900.0_f64, t in 1.0..900.0_f64,
        ) {
            for model in [
                Purchases::Nbd(Nbd { r, alpha }),
                Purchases::MbgNbd(MbgNbd { r, alpha, a, b }),
                Purchases::BgNbd(BgNbd { r, alpha, a, b }),
                Purchases::ParetoNbd(ParetoNbd { r, alpha, s: a, beta: 20.0 * b }),
                Purchases::MbgCnbd(MbgCnbd { k, r, alpha: alpha / f64::from(k), a, b }),
                Purchases::BgCnbd(BgCnbd { k, r, alpha: alpha / f64::from(k), a, b }),
                Purchases::BgBb(BgBb { alpha: r, beta: b, gamma: a, delta: alpha }),
            ] {
                let (x, age, t) = match model {
                    // Opportunities are whole, and no more can be taken than there were.
                    Purchases::BgBb(_) => (x.min(age as u32 / 10), (age / 10.0).floor(), (t / 10.0).ceil()),
                    _ => (x, age, t),
                };
                // Any history with these repeats and this age has the same expectations in the first phase.
                let formulas = model.formulas();
                let (expected, buys) = match model.in_phase(x, age, 0) {
                    Some(renewals) => (renewals.expected(t), 1.0 - renewals.probability_of_none(t)),
                    None => (formulas.expected_if_alive(x, 0.0, age, t), formulas.buys_if_alive(x, 0.0, age, t)),
                };
                let found = at_least(&model, x, age, t, 0);
                prop_assert!(found.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12));
                let mean: f64 = found.iter().sum();
                prop_assert!((mean / expected - 1.0).abs() < 2e-4, "{model:?} {mean} {expected}");
                prop_assert!((found.first().unwrap_or(&0.0) - buys).abs() < 2e-4, "{model:?} {buys}");
            }
        }
    }
}
