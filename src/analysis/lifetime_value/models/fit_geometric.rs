//! The fit of BG/NBD and MBG/NBD, in days: Poisson purchases, and a chance of dropping out after each.
//!
//! With `e = 1` where the first purchase is followed by such a chance (MBG/NBD) and `e = 0` where only repeats are (BG/NBD), `y = r + x`, and
//! `d = ln(a/(b + x + e − 1)) + y ln((α + T)/(α + t_x))`, which is `−∞` for `x + e = 0`:
//!
//! ```text
//! ln L = Σ_{k<x} ln((r + k)/α) − y ln(1 + T/α) − Σ_{k<x+e} ln(1 + a/(b + k)) + ln(1 + eᵈ)
//! ```
//!
//! It falls apart into sums over the distinct `x`, sums over the distinct `T`, and one term `ln(1 + eᵈ)` a distinct history. With
//! `w = α/(α + t)` and `c = x + e − 1` the derivatives of `d` by the logarithms of the parameters are
//!
//! | by      | first                | second                                     |
//! |---------|----------------------|--------------------------------------------|
//! | `ln r`  | `r Δ`, `Δ = ln((α + T)/(α + t_x))` | `r Δ`; with `ln α`: `r (w_T − w_t)` |
//! | `ln α`  | `y (w_T − w_t)`      | `y (w_T (1 − w_T) − w_t (1 − w_t))`        |
//! | `ln a`  | 1                    | 0                                          |
//! | `ln b`  | `−b/(b + c)`         | `−b c/(b + c)²`                            |
//!
//! so that a pass over the histories costs one `exp` and one `ln` each and gives value, gradient and Hessian together; logarithms of days come
//! from a table. A Newton fit takes 5 to 10 passes a start. A million customers are some 400,000 histories: there the starts are followed in a part of
//! the base, every k-th history, and three or four passes over all of them end the search. Fixed chunks make it equal to the bit on any number
//! of threads.

use super::super::diagnosis::{Diagnosis, FitError};
use super::super::histories::Histories;
use super::sums::{SHAPES, Sums, TIMES, add_first_two, mean};
use super::{DEGENERATE_SHAPE, Fit, NO_EVIDENCE, check};
use crate::maths::newton::Point;
use crate::maths::sum::ordered_sums;

/// Which purchases are followed by a chance of dropping out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chances {
    /// All but the first: BG/NBD.
    Repeats,
    /// All of them: MBG/NBD.
    All,
}

impl Chances {
    /// Returns `e`, the number of chances that the first purchase is followed by.
    pub(super) fn after_first(self) -> f64 {
        match self {
            Self::Repeats => 0.0,
            Self::All => 1.0,
        }
    }

    /// Returns how many customers of a base went through a `k`-th chance, counted from zero.
    pub(super) fn n_through(self, sums: &Sums<'_>, k: usize) -> f64 {
        match self {
            Self::Repeats => sums.n_above[k],
            Self::All if k == 0 => sums.n,
            Self::All => sums.n_above[k - 1],
        }
    }
}

/// Fits the model; `model` builds it of `r`, `α`, `a`, `b`.
pub(super) fn fit<M>(
    histories: &Histories,
    chances: Chances,
    model: impl FnOnce([f64; 4]) -> M,
) -> Result<Fit<M>, FitError> {
    check(histories)?;
    let sums = Sums::of(histories);
    let rate = sums.repeats_per_day();
    let starts = [[1.0, 21.0, 1.0, 3.0], [0.5, 0.25 / rate, 0.5, 1.5], [3.0, 1.5 / rate, 0.3, 3.0]];
    let bounds = [SHAPES, TIMES, SHAPES, SHAPES];
    let found = sums.climb(|sums, at| likelihood(sums, chances, at), &starts, bounds).ok_or(FitError::NotFinite)?;
    let nbd = sums.fit_nbd(1).ok_or(FitError::NotFinite)?;
    let gain_over_nbd = (found.value - nbd.value) * sums.n;
    Ok(Fit::of(model(found.parameters), &found, histories, nbd.value, &oddities(found.parameters, gain_over_nbd)))
}

/// What the parameters of a model with a chance of dropping out show.
pub(super) fn oddities([r, _, a, b]: [f64; 4], gain_over_no_dropout: f64) -> [(bool, Diagnosis); 4] {
    let no_dropout = gain_over_no_dropout < NO_EVIDENCE;
    [
        (no_dropout, Diagnosis::NoDropout),
        (r > DEGENERATE_SHAPE, Diagnosis::OneRate),
        (!no_dropout && a.min(b) > DEGENERATE_SHAPE, Diagnosis::OneDropout),
        (!no_dropout && a.max(b) < 1.0 / DEGENERATE_SHAPE, Diagnosis::AllOrNothing),
    ]
}

/// Adds up `−Σ_{k<x+e} ln(1 + a/(b + k))` over a base: the value and its slopes by `ln a`, `ln b`, `aa`, `ab`, `bb`.
pub(super) fn stays(sums: &Sums<'_>, chances: Chances, a: f64, b: f64) -> [f64; 6] {
    let mut stays = [0.0; 6];
    for (k, _) in sums.n_above.iter().enumerate() {
        let n = chances.n_through(sums, k);
        let (bk, abk) = (b + k as f64, a + b + k as f64);
        let slope_b = (b / bk) * (a / abk);
        let cross = (a / abk) * (b / abk);
        stays[0] -= n * (a / bk).ln_1p();
        stays[1] -= n * (a / abk);
        stays[2] += n * slope_b;
        stays[3] -= n * (a / abk) * (bk / abk);
        stays[4] += n * cross;
        stays[5] += n * (slope_b - slope_b * (b / bk + b / abk));
    }
    stays
}

/// Mean log-likelihood with gradient and Hessian by the logarithms of `r`, `α`, `a`, `b`.
pub fn likelihood(sums: &Sums<'_>, chances: Chances, [r, alpha, a, b]: [f64; 4]) -> Point<4> {
    let nbd = sums.nbd(1, [r, alpha]);
    let stays = stays(sums, chances, a, b);
    let days: Vec<(f64, f64)> =
        (0..=sums.last_day).map(|day| ((f64::from(day) / alpha).ln_1p(), alpha / (alpha + f64::from(day)))).collect();
    let repeats: Vec<(f64, f64)> = (0..sums.n_above.len()).map(|x| chance(chances, a, b, x)).collect();
    let [s, sr, sm, sb, qrr, qrm, qra, qrb, qmm, qma, qmb, qaa, qab, qbb, value] =
        ordered_sums(&sums.histories.distinct, |terms_of: &mut [f64; 15], (history, n)| {
            let (ln_age, w_age) = days[history.age_days as usize];
            let (ln_last, w_last) = days[history.days_to_last as usize];
            let (c, b_share) = repeats[history.n_repeats as usize];
            let y = r + f64::from(history.n_repeats);
            let delta = ln_age - ln_last;
            let d = c + y * delta;
            // e⁻⁴⁰ is below the last bit of one.
            if d < -40.0 {
                return;
            }
            let n = f64::from(*n);
            let e = (-d.abs()).exp();
            let dead = if d >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
            let (s, q) = (n * dead, n * e / ((1.0 + e) * (1.0 + e)));
            let by_r = r * delta;
            let by_alpha = y * (w_age - w_last);
            let by_b = -b_share;
            let by_alpha_twice = y * (w_age * (1.0 - w_age) - w_last * (1.0 - w_last));
            let terms = [
                s,
                s * by_r,
                s * by_alpha,
                s * by_b,
                q * by_r * by_r + s * by_r,
                q * by_r * by_alpha + s * r * (w_age - w_last),
                q * by_r,
                q * by_r * by_b,
                q * by_alpha * by_alpha + s * by_alpha_twice,
                q * by_alpha,
                q * by_alpha * by_b,
                q,
                q * by_b,
                q * by_b * by_b - s * b_share * (1.0 - b_share),
                n * (d.max(0.0) + e.ln_1p()),
            ];
            terms_of.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        });
    let mut point = mean(
        value + stays[0],
        [sr, sm, s + stays[1], sb + stays[2]],
        [
            [qrr, qrm, qra, qrb],
            [qrm, qmm, qma, qmb],
            [qra, qma, qaa + stays[3], qab + stays[4]],
            [qrb, qmb, qab + stays[4], qbb + stays[5]],
        ],
        sums.n,
    );
    add_first_two(&mut point, &nbd);
    point
}

/// Returns `ln(a/(b + c))` and `b/(b + c)` after `x` repeats; where there was no chance to drop out `−∞` and nothing.
fn chance(chances: Chances, a: f64, b: f64, x: usize) -> (f64, f64) {
    let passed = match (chances, x) {
        (Chances::Repeats, 0) => return (f64::NEG_INFINITY, 0.0),
        (Chances::Repeats, x) => (x - 1) as f64,
        (Chances::All, x) => x as f64,
    };
    ((a / (b + passed)).ln(), b / (b + passed))
}
