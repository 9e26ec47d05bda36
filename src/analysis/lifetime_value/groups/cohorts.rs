//! Cohorts fitted apart and shrunk to the fit of all customers: empirical Bayes on the logarithms of the parameters.
//!
//! With the pooled fit `θ₀`, each cohort `g` that can be fitted alone has `θ_g` with variances `v_gj`, of the logarithms, from its own Hessian. How much cohorts
//! differ in parameter `j` beyond chance is their variance by moments, with `w = 1/v_gj`:
//!
//! ```text
//! τ²_j = max(0, (Q − (G − 1)) / (Σ w − Σ w²/Σ w)),   Q = Σ w (ln θ_gj − Σ w ln θ_gj / Σ w)²
//! ```
//!
//! Every cohort's parameters then are the maximum of `ll_g(θ) − ½ Σ_j (ln θ_j − ln θ₀_j)²/τ²_j`. A parameter with `τ² = 0` stays the pooled one. On a ridge
//! of a small cohort the second term decides, so that there is always an answer; a cohort in which nobody came back has the pooled
//! parameters. The weight of a cohort's own customers is the mean over the parameters of `1 − c_gj/τ²_j`, `c` the inverse of the penalised curvature.
//!
//! Cost: a fit a cohort, all together about three of the whole base. Source: DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical
//! Trials 7 (1986), equation 6; Morris, "Parametric empirical Bayes inference", JASA 78 (1983).

use rayon::prelude::*;

use super::Cohorts;
use super::partition::GroupFits;
use crate::analysis::lifetime_value::diagnosis::Diagnosis;
use crate::analysis::lifetime_value::models::Statistics;
use crate::analysis::lifetime_value::models::landscape::Landscape;
use crate::analysis::lifetime_value::purchases::{Fitted, PurchaseKind};
use crate::maths::newton::{Peak, Surface, ascend, inverse};
use crate::units::Day;

/// Names the cohort of a first purchase day, `2024` or `2024-Q3`; names ascend as the days do.
pub fn label(period: Cohorts, day: Day) -> String {
    let (year, month, _) = day.ymd();
    match period {
        Cohorts::Year => format!("{year:04}"),
        Cohorts::Quarter => format!("{year:04}-Q{}", month.div_ceil(3)),
    }
}

/// Fits every cohort and shrinks it.
pub(super) fn fit(kind: PurchaseKind, pooled: &Fitted, parts: &[Statistics]) -> GroupFits {
    let centre = pooled.0.model.free();
    let alone: Vec<Option<Fitted>> = parts.par_iter().map(|part| pooled.refit(kind, part).ok()).collect();
    let spread: Vec<f64> = (0..centre.len()).map(|j| between(&estimates(&alone, j))).collect();
    let found: Vec<(Fitted, Vec<f64>)> = parts
        .par_iter()
        .zip(&alone)
        .map(|(part, alone)| {
            shrunk(pooled, part, alone.as_ref(), &centre, &spread).unwrap_or_else(|| {
                let mut fitted = pooled.for_group(part, &centre);
                let nothing = vec![vec![0.0; centre.len()]; centre.len()];
                fitted.0.hessian = informed(&nothing, &pooled.0.hessian, &spread);
                (fitted, vec![0.0; centre.len()])
            })
        })
        .collect();
    let of_parameter = |j: usize| found.iter().map(|(_, weights)| weights[j]).sum::<f64>().max(1.0);
    let mean = |weights: &[f64]| weights.iter().sum::<f64>() / weights.len() as f64;
    let symbols = pooled.0.model.free_symbols();
    let notes = match spread.iter().all(|spread| *spread == 0.0) {
        true => vec!["cohorts: they differ no more than by chance, all have the pooled parameters".to_owned()],
        false => vec![],
    };
    GroupFits {
        n_parameters: (0..centre.len()).map(of_parameter).sum(),
        groups: found.into_iter().map(|(fitted, weights)| (fitted, Some(mean(&weights)))).collect(),
        effects: None,
        spread: symbols.into_iter().zip(spread.iter().map(|variance| variance.sqrt())).collect(),
        notes,
    }
}

/// Logarithm of a parameter and its variance in every cohort where both are known.
fn estimates(alone: &[Option<Fitted>], j: usize) -> Vec<(f64, f64)> {
    let estimate = |fitted: &Fitted| {
        let fit = &fitted.0;
        let u = *fit.model.free().get(j)?;
        let error = (*fit.standard_errors.get(j)?)? / u.exp();
        let is_sound = error > 0.0 && !fit.diagnoses.contains(&Diagnosis::NotConverged);
        (is_sound && u.is_finite() && (error * error).is_normal()).then_some((u, error * error))
    };
    alone.iter().flatten().filter_map(estimate).collect()
}

/// The variance between estimates beyond their own variances, by moments.
fn between(estimates: &[(f64, f64)]) -> f64 {
    let sum = |of: &dyn Fn(f64, f64) -> f64| estimates.iter().map(|(u, v)| of(*u, 1.0 / v)).sum::<f64>();
    let (total, squares) = (sum(&|_, w| w), sum(&|_, w| w * w));
    let mean = sum(&|u, w| w * u) / total;
    let q = sum(&|u, w| w * (u - mean).powi(2));
    let variance = (q - (estimates.len() as f64 - 1.0)) / (total - squares / total);
    if estimates.len() < 2 || !variance.is_finite() { 0.0 } else { variance.max(0.0) }
}

/// The penalised maximum of a cohort and, for each parameter, the share that its own customers decide; nothing where nobody came back.
fn shrunk(
    pooled: &Fitted,
    part: &Statistics,
    alone: Option<&Fitted>,
    centre: &[f64],
    spread: &[f64],
) -> Option<(Fitted, Vec<f64>)> {
    if part.histories.n_repeaters == 0 {
        return None;
    }
    let landscape = Landscape::of(&pooled.0.model, part)?;
    let n = landscape.n();
    let bounds: Vec<(f64, f64)> = (pooled.0.model.free_bounds().into_iter().zip(centre).zip(spread))
        .map(|((bounds, centre), spread)| if *spread > 0.0 { bounds } else { (*centre, *centre) })
        .collect();
    let starts: Vec<Vec<f64>> =
        std::iter::once(centre.to_vec()).chain(alone.map(|fitted| fitted.0.model.free())).collect();
    let peak = ascend(|u| penalised(&landscape, u, centre, spread), &starts, &bounds)?;
    let own = |j: usize| match (spread[j] > 0.0).then(|| peak.variance(j)).flatten() {
        Some(variance) => (1.0 - variance / (n * spread[j])).clamp(0.0, 1.0),
        None => 0.0,
    };
    let weights = (0..centre.len()).map(own).collect();
    let mut fitted = with_errors(pooled.for_group(part, &peak.at), &peak, n);
    fitted.0.hessian = informed(&fitted.0.hessian, &pooled.0.hessian, spread);
    Some((fitted, weights))
}

/// The Hessian that stands for all that is known of a cohort's parameters: what its customers say, `H`, and what the others do,
/// `−((H₀ − H)⁻¹ − T)⁻¹`, with the pooled Hessian `H₀` and the variances `T` between cohorts. Without such variance it is the pooled one.
fn informed(own: &[Vec<f64>], pooled: &[Vec<f64>], spread: &[f64]) -> Vec<Vec<f64>> {
    let of_others = |i: usize, j: usize| own[i][j] - pooled[i][j];
    let n = spread.len();
    let mut covariance = inverse((0..n).map(|i| (0..n).map(|j| of_others(i, j)).collect()).collect());
    (0..n).for_each(|j| covariance[j][j] += spread[j]);
    let prior = inverse(covariance);
    (0..n).map(|i| (0..n).map(|j| own[i][j] - prior[i][j]).collect()).collect()
}

fn with_errors(mut fitted: Fitted, peak: &Peak, n: f64) -> Fitted {
    let error = |j: usize| peak.variance(j).map(|variance| peak.at[j].exp() * (variance / n).sqrt());
    fitted.0.standard_errors = (0..peak.at.len()).map(error).collect();
    (fitted.0.n_iterations, fitted.0.gradient_norm) = (peak.n_iterations, peak.gradient_norm);
    fitted
}

/// Mean log-likelihood of a cohort less its distance from the pooled fit.
pub(super) fn penalised(landscape: &Landscape<'_>, u: &[f64], centre: &[f64], spread: &[f64]) -> Surface {
    let mut surface = landscape.at(u);
    for j in (0..u.len()).filter(|j| spread[*j] > 0.0) {
        let (away, weight) = (u[j] - centre[j], 1.0 / (spread[j] * landscape.n()));
        surface.value -= 0.5 * weight * away * away;
        surface.gradient[j] -= weight * away;
        surface.hessian[j][j] -= weight;
    }
    surface
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cohorts_are_named_by_the_calendar() {
        let day = Day::from_ymd(2024, 9, 30).unwrap();
        assert_eq!([Cohorts::Year, Cohorts::Quarter].map(|period| label(period, day)), ["2024", "2024-Q3"]);
        assert_eq!(label(Cohorts::Quarter, Day::from_ymd(2024, 10, 1).unwrap()), "2024-Q4");
    }

    /// The example of DerSimonian and Laird's method by hand: two estimates of equal variance.
    #[test]
    fn variance_between_is_what_chance_does_not_explain() {
        // Q = 2²/2/v, τ² = (Q − 1)/(2/v − 1/v) = 2 − v.
        assert!((between(&[(1.0, 0.5), (3.0, 0.5)]) - 1.5).abs() < 1e-12);
        assert_eq!(between(&[(1.0, 4.0), (3.0, 4.0)]), 0.0);
        assert_eq!(between(&[(1.0, 0.5)]), 0.0);
        assert_eq!(between(&[]), 0.0);
    }
}
