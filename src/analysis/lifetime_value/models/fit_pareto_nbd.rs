//! The fit of Pareto/NBD, in days, see [`super::pareto_nbd`] for the likelihood.
//!
//! Beside the NBD part and `−s ln(1 + T/β)`, sums over `x` and `T`, a distinct history costs `ln(1 + I/S)`: a sum over the moments `u` at which the
//! customer may have left. Its derivatives go under the integral, whose integrand `f`, relative to `S`, has, with `w = α/(α + t)`, `ω = β/(β + t)`, by the
//! logarithms of the parameters:
//!
//! | by     | `ln f`                     | twice                                          | with the one before   |
//! |--------|----------------------------|------------------------------------------------|-----------------------|
//! | `ln r` | `r A`, `A = ln((α + T)/(α + u))` | `r A`                                    |                       |
//! | `ln α` | `y (w_T − w_u)`            | `y (w_T (1 − w_T) − w_u (1 − w_u))`            | `r (w_T − w_u)`       |
//! | `ln s` | `1 + s B`, `B = ln((β + T)/(β + u))` | `s B`                                |                       |
//! | `ln β` | `s (ω_T − ω_u) − ω_u`      | `s (ω_T (1 − ω_T) − ω_u (1 − ω_u)) − ω_u (1 − ω_u)` | `s (ω_T − ω_u)`  |
//!
//! Some 16 nodes a history: an evaluation costs a few microseconds for each.

use super::super::diagnosis::{Diagnosis, FitError};
use super::super::histories::Histories;
use super::pareto_nbd::{Leaving, ParetoNbd};
use super::sums::{SHAPES, Sums, TIMES, add_first_two, add_point, mean_point};
use super::{DEGENERATE_SHAPE, Fit, NO_EVIDENCE, check};
use crate::maths::log_sum::LogSum;
use crate::maths::newton::Point;
use crate::maths::sum::ordered_sums;

/// Fits the model.
pub(super) fn fit(histories: &Histories) -> Result<Fit<ParetoNbd>, FitError> {
    check(histories)?;
    let sums = Sums::of(histories);
    let rate = sums.repeats_per_day();
    let days: f64 = sums.ages.iter().map(|group| group.n_customers * group.age_days).sum();
    let age = (days / sums.n).max(1.0);
    let starts = [[1.0, 21.0, 1.0, age], [0.5, 0.25 / rate, 0.5, 0.3 * age], [1.0, 0.5 / rate, 3.0, 10.0 * age]];
    let found = sums.climb(likelihood, &starts, [SHAPES, TIMES, SHAPES, TIMES]).ok_or(FitError::NotFinite)?;
    let nbd = sums.fit_nbd(1).ok_or(FitError::NotFinite)?;
    let [r, alpha, s, beta] = found.parameters;
    let no_dropout = (found.value - nbd.value) * sums.n < NO_EVIDENCE;
    let odd = [
        (no_dropout, Diagnosis::NoDropout),
        (r > DEGENERATE_SHAPE, Diagnosis::OneRate),
        (!no_dropout && s > DEGENERATE_SHAPE, Diagnosis::OneLifetime),
        (!no_dropout && s < 1.0 / DEGENERATE_SHAPE, Diagnosis::ShortOrEndless),
    ];
    Ok(Fit::of(ParetoNbd { r, alpha, s, beta }, &found, histories, nbd.value, &odd))
}

/// Mean log-likelihood with gradient and Hessian by the logarithms of `r`, `α`, `s`, `β`.
pub(super) fn likelihood(sums: &Sums<'_>, [r, alpha, s, beta]: [f64; 4]) -> Point<4> {
    let model = ParetoNbd { r, alpha, s, beta };
    let totals = ordered_sums(&sums.histories.distinct, |totals: &mut [f64; 15], (history, n)| {
        let (t_x, age) = (f64::from(history.days_to_last), f64::from(history.age_days));
        let y = r + f64::from(history.n_repeats);
        let (w_age, omega_age) = (alpha / (alpha + age), beta / (beta + age));
        let ln_age = [((age - t_x) / (alpha + t_x)).ln_1p(), ((age - t_x) / (beta + t_x)).ln_1p()];
        let ln_silent = -y * ln_age[0] - s * ln_age[1];
        // Alive is the first term, relative to which the others stand.
        let mut sum = LogSum::<4>::default();
        sum.add(0.0, &[0.0; 4], &[[0.0; 4]; 4]);
        model.leavings(y, t_x, age, |Leaving { at, ln_alpha, ln_beta, ln }| {
            let (w, omega) = (alpha / (alpha + at), beta / (beta + at));
            let (ln_alpha, ln_beta) = (ln_age[0] - ln_alpha, ln_age[1] - ln_beta);
            let gradient = [r * ln_alpha, y * (w_age - w), 1.0 + s * ln_beta, s * (omega_age - omega) - omega];
            let mut hessian = [[0.0; 4]; 4];
            hessian[0][0] = gradient[0];
            hessian[0][1] = r * (w_age - w);
            hessian[1][1] = y * (w_age * (1.0 - w_age) - w * (1.0 - w));
            hessian[2][2] = s * ln_beta;
            hessian[2][3] = s * (omega_age - omega);
            hessian[3][3] = s * omega_age * (1.0 - omega_age) - (s + 1.0) * omega * (1.0 - omega);
            sum.add(ln - ln_silent, &gradient, &hessian);
        });
        add_point(totals, f64::from(*n), &sum.finish());
    });
    let mut point = mean_point(&totals, sums.n);
    for group in &sums.ages {
        let n = group.n_customers / sums.n;
        let (ln, omega) = ((group.age_days / beta).ln_1p(), beta / (beta + group.age_days));
        point.value -= n * s * ln;
        point.gradient[2] -= n * s * ln;
        point.hessian[2][2] -= n * s * ln;
        point.gradient[3] += n * s * (1.0 - omega);
        point.hessian[2][3] += n * s * (1.0 - omega);
        point.hessian[3][2] += n * s * (1.0 - omega);
        point.hessian[3][3] -= n * s * omega * (1.0 - omega);
    }
    add_first_two(&mut point, &sums.nbd(1, [r, alpha]));
    point
}
