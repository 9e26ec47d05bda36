//! Nodes and weights for integrals over `[0, 1]`, a beta and a gamma distribution.
//!
//! | function          | integral                        | nodes        | error                                                  |
//! |-------------------|---------------------------------|--------------|--------------------------------------------------------|
//! | [`GAUSS_8`], [`GAUSS_16`] | `∫₀¹ f(v) dv`           | 8, 16        | none up to degree 15, 31                               |
//! | [`beta_nodes`]    | `E[f(p)]`, `p ~ Beta(a, β)`     | 50 to 700    | 1e-12 where `f` is analytic for `|Im ln(p/(1 − p))| < π` |
//! | [`gamma_nodes`]   | `E[f(λ)]`, `λ ~ Gamma(c, 1)`, `c ≥ 1` | 30 to 250 | 1e-12 where `f` is analytic for `|Im ln λ| < π/2`    |
//!
//! The rules of the two distributions are trapezoidal in `ln(p/(1 − p))` and `ln λ`, from the mode outwards: all weights are positive and
//! are divided by their sum, so that no gamma function is needed. Source: Abramowitz and Stegun 25.4.30 and table 25.4; Trefethen and
//! Weideman, "The exponentially convergent trapezoidal rule", SIAM Review 56 (2014).

use super::gamma::trigamma;

/// A weight below `e⁻³⁸` of the largest is nothing.
const NEGLIGIBLE: f64 = -38.0;

/// Where `p` or `1 − p` is below this the rest of a beta distribution is one node.
const NO_CHANCE: f64 = 1e-26;

/// Nodes in `[0, 1]` and weights of Gauss and Legendre's rule, eight of them.
pub const GAUSS_8: [(f64, f64); 8] = unit_interval([
    (0.9602898564975362, 0.10122853629037626),
    (0.7966664774136267, 0.22238103445337448),
    (0.525532409916329, 0.31370664587788727),
    (0.1834346424956498, 0.362683783378362),
]);

/// The same with sixteen nodes.
pub const GAUSS_16: [(f64, f64); 16] = unit_interval([
    (0.9894009349916499, 0.027152459411754096),
    (0.9445750230732326, 0.062253523938647894),
    (0.8656312023878318, 0.09515851168249279),
    (0.755404408355003, 0.12462897125553388),
    (0.6178762444026438, 0.14959598881657674),
    (0.45801677765722737, 0.16915651939500254),
    (0.2816035507792589, 0.18260341504492358),
    (0.09501250983763744, 0.1894506104550685),
]);

/// Mirrors the positive half of a rule on `[−1, 1]` and moves it to `[0, 1]`.
const fn unit_interval<const HALF: usize, const ALL: usize>(half: [(f64, f64); HALF]) -> [(f64, f64); ALL] {
    let mut nodes = [(0.0, 0.0); ALL];
    let mut ix = 0;
    while ix < HALF {
        let (node, weight) = half[ix];
        nodes[ix] = (0.5 - 0.5 * node, 0.5 * weight);
        nodes[ALL - 1 - ix] = (0.5 + 0.5 * node, 0.5 * weight);
        ix += 1;
    }
    nodes
}

/// Returns nodes and weights of `Beta(a, β)`.
///
/// With `m = a/(a + β)`, at a distance `δ` from the mode the log-density of `q = ln(p/(1 − p))` lies below its peak by
/// `a ln(1 + (1 − m)(e^{−δ} − 1)) + β ln(1 + m (e^δ − 1))`, a form that keeps its digits for large `a` and `β`.
pub fn beta_nodes(a: f64, beta: f64) -> Vec<(f64, f64)> {
    let spread = (trigamma(a) + trigamma(beta)).sqrt();
    // Half a spread and a fifth of the strip leave 1e-14 of aliasing at worst, near a = 4 and β → ∞.
    let step = (0.5 * spread).min(0.22);
    let mean = a / (a + beta);
    let height =
        |delta: f64| -a * ((beta / (a + beta)) * (-delta).exp_m1()).ln_1p() - beta * (mean * delta.exp_m1()).ln_1p();
    let node = |delta: f64, height: f64| (1.0 / (1.0 + (beta / a) * (-delta).exp()), height.exp());
    let steps = |sign: f64| (0..).map(move |k| sign * step * f64::from(k)).map(|delta| (delta, height(delta)));
    let mut nodes: Vec<(f64, f64)> = Vec::new();
    for (delta, height) in steps(1.0).take_while(|(_, height)| *height > NEGLIGIBLE) {
        let (p, weight) = node(delta, height);
        if (beta / a) * (-delta).exp() < NO_CHANCE {
            // From here on the weights fall by e^{−β·step} a node: their sum is a geometric series.
            nodes.push((p, weight / -(-beta * step).exp_m1()));
            break;
        }
        nodes.push((p, weight));
    }
    for (delta, height) in steps(-1.0).skip(1) {
        let (p, weight) = node(delta, height);
        if p < NO_CHANCE {
            // The same by e^{−a·step}.
            nodes.push((p.max(f64::MIN_POSITIVE), weight / -(-a * step).exp_m1()));
            break;
        }
        // What lies left of the mode counts by 1/p: it may matter where its weight alone would not.
        if height < 2.0 * NEGLIGIBLE {
            break;
        }
        nodes.push((p, weight));
    }
    normalise(&mut nodes);
    nodes
}

/// Returns nodes and weights of `Gamma(shape, 1)` for a shape of at least one.
///
/// At a distance `δ` from the mode the log-density of `ln λ` lies below its peak by `shape (e^δ − 1 − δ)`.
pub fn gamma_nodes(shape: f64) -> Vec<(f64, f64)> {
    let step = (0.5 / shape.sqrt()).min(0.2);
    let node = |delta: f64| {
        // A Taylor series for small δ: shapes are large there and e^δ − 1 − δ would lose its digits.
        let bend = if delta.abs() < 1e-3 {
            delta * delta * (0.5 + delta * (1.0 / 6.0 + delta / 24.0 + delta * delta / 120.0))
        } else {
            delta.exp_m1() - delta
        };
        (shape * delta.exp(), -shape * bend)
    };
    let side = |sign: f64, from: u32| {
        (from..)
            .map(move |k| node(sign * step * f64::from(k)))
            .take_while(|(_, height)| *height > NEGLIGIBLE)
            .map(|(at, height)| (at, height.exp()))
    };
    let mut nodes: Vec<(f64, f64)> = side(1.0, 0).chain(side(-1.0, 1)).collect();
    normalise(&mut nodes);
    nodes
}

fn normalise(nodes: &mut [(f64, f64)]) {
    let total: f64 = nodes.iter().map(|(_, weight)| weight).sum();
    nodes.iter_mut().for_each(|(_, weight)| *weight /= total);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(nodes: &[(f64, f64)], n: i32) -> f64 {
        nodes.iter().map(|(at, weight)| weight * at.powi(n)).sum()
    }

    /// `∫₀¹ vⁿ dv = 1/(n + 1)`, up to the degree that makes the rules what they are.
    #[test]
    fn gauss_rules_integrate_powers() {
        for n in 0..32 {
            let expected = 1.0 / f64::from(n + 1);
            assert!((moment(&GAUSS_16, n) - expected).abs() < 1e-15, "{n}");
            assert!(n > 15 || (moment(&GAUSS_8, n) - expected).abs() < 1e-15, "{n}");
        }
        assert!((moment(&GAUSS_8, 16) - 1.0 / 17.0).abs() > 1e-12);
    }

    /// Mean and variance of the beta distribution, `a / (a + β)` and `m (1 − m) / (a + β + 1)`.
    #[test]
    fn beta_nodes_have_the_moments_of_the_distribution() {
        for (a, beta) in [
            (1e-3, 1.04),
            (0.3, 1e-4),
            (1e-5, 1e-5),
            (40.0, 0.01),
            (0.3, 1.5),
            (0.9, 2.6),
            (1.0, 1.0),
            (3.0, 300.0),
            (0.9, 1e4),
            (1e5, 4e5),
            (1e6, 2.0),
        ] {
            let nodes = beta_nodes(a, beta);
            let mean = a / (a + beta);
            let second = mean * (a + 1.0) / (a + beta + 1.0);
            assert!((moment(&nodes, 1) / mean - 1.0).abs() < 1e-12, "{a} {beta}: {}", moment(&nodes, 1) / mean - 1.0);
            assert!((moment(&nodes, 2) / second - 1.0).abs() < 1e-12, "{a} {beta}");
            assert!(nodes.len() < 800, "{a} {beta}: {}", nodes.len());
        }
    }

    /// `E[λ] = c`, `E[λ²] = c (c + 1)`, `E[e^{−λ}] = 2^{−c}`.
    #[test]
    fn gamma_nodes_have_the_moments_of_the_distribution() {
        for shape in [1.0, 1.5, 7.0, 300.0, 1e5] {
            let nodes = gamma_nodes(shape);
            assert!((moment(&nodes, 1) / shape - 1.0).abs() < 1e-12, "{shape}");
            assert!((moment(&nodes, 2) / (shape * (shape + 1.0)) - 1.0).abs() < 1e-12, "{shape}");
            let laplace: f64 = nodes.iter().map(|(at, weight)| weight * (-at / shape).exp()).sum();
            assert!((laplace.ln() / (-shape * (1.0 / shape).ln_1p()) - 1.0).abs() < 1e-12, "{shape}");
            assert!(nodes.len() < 250, "{shape}: {}", nodes.len());
        }
    }
}
