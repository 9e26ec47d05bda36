//! Static covariates: attributes of a customer shift purchase rate and dropout by a factor.
//!
//! A customer with the covariates `z` has the parameters of the pooled model but for
//!
//! | model      | parameters                                                             |
//! |------------|------------------------------------------------------------------------|
//! | `mbg-nbd`  | `α exp(−γ₁'z)`, `a exp(γ₂'z)`, `b exp(γ₃'z)`                           |
//! | `pareto-nbd` | `α exp(−γ₁'z)`, `β exp(−γ₂'z)`                                       |
//!
//! A positive `γ₁` means more purchases; a positive `γ₂` more dropout, and a positive `γ₃` less. The logarithms of a customer's parameters are linear in
//! those of the base and in `γ`: a group of equal `z` has the ordinary likelihood, with slopes and curvatures by its own parameters `φ_g = A_g u`, so that
//!
//! ```text
//! ll(u) = Σ_g ll_g(A_g u),   gradient = Σ_g A_g' gradient_g,   Hessian = Σ_g A_g' Hessian_g A_g
//! ```
//!
//! All of `u = (ln θ, γ)` is fitted together, from the pooled fit with `γ = 0` and from two starts beside it. Whether it was worth it says the likelihood
//! ratio `2 (ll − ll of the pooled fit)`, chi-squared with as many degrees of freedom as there are `γ`. Where nobody
//! of a level came back, or a `γ` met the end of its range, `±10`, there is a separation, and that is said. Errors of `γ` come from the inverse Hessian; those of a group's parameters by the delta method.
//!
//! Cost: a pass over all groups an iteration, some forty of them; in a large base the starts are only followed in a part of it. Source: Fader and Hardie,
//! "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models" (2007), sections 2 and 3.

use rayon::prelude::*;

use super::design::Design;
use super::partition::GroupFits;
use crate::analysis::lifetime_value::diagnosis::Diagnosis;
use crate::analysis::lifetime_value::models::landscape::Landscape;
use crate::analysis::lifetime_value::models::{DEGENERATE_SHAPE, Statistics};
use crate::analysis::lifetime_value::purchases::{Fitted, Purchases};
use crate::maths::chi_squared::upper_tail;
use crate::maths::newton::{Peak, Stop, Surface, ascend, inverse};

/// Range of a coefficient: a factor of twenty thousand either way.
const MOST_EFFECT: f64 = 10.0;

/// Distinct histories in which the starts are followed.
const THINNED: usize = 20_000;

/// How far the other starts are from the pooled fit, in logarithms.
const AWAY: f64 = 0.7;

/// One coefficient.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// `gamma1_industry_retail`.
    pub symbol: String,
    /// Parameter that it shifts.
    pub parameter: &'static str,
    pub attribute: String,
    /// Level, or nothing where the attribute holds numbers and the effect is that of a standard deviation.
    pub level: Option<String>,
    pub value: f64,
    pub standard_error: Option<f64>,
}

impl Effect {
    /// Returns how likely an effect as large as this is by chance.
    pub fn p(&self) -> Option<f64> {
        self.standard_error.map(|error| upper_tail((self.value / error).powi(2), 1))
    }
}

/// What the attributes do.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// Model of a customer whose covariates are all zero.
    pub reference: Fitted,
    pub effects: Vec<Effect>,
    /// Of all effects together against none.
    pub likelihood_ratio: f64,
    pub degrees_of_freedom: u32,
    pub p: f64,
}

/// Which parameters are shifted, in which direction, and the name of the coefficients; nothing for a model that takes no covariates.
fn shifts(model: &Purchases) -> &'static [(usize, f64, &'static str)] {
    match model {
        Purchases::MbgNbd(_) => &[(1, -1.0, "gamma1"), (2, 1.0, "gamma2"), (3, 1.0, "gamma3")],
        Purchases::ParetoNbd(_) => &[(1, -1.0, "gamma1"), (3, -1.0, "gamma2")],
        _ => &[],
    }
}

/// The groups as one likelihood of `u = (ln θ, γ)`.
pub(super) struct Joint<'a> {
    groups: Vec<(usize, Landscape<'a>)>,
    /// `A_g` of every group, also of an empty one: for each entry of `u` the parameter it moves and how far.
    maps: Vec<Vec<(usize, f64)>>,
    n_free: usize,
    n: f64,
}

impl<'a> Joint<'a> {
    /// Puts groups together; nothing where all are empty.
    pub(super) fn of(vectors: &[Vec<f64>], model: &Purchases, parts: &'a [Statistics]) -> Option<Self> {
        let n_free = model.free().len();
        let map = |z: &Vec<f64>| {
            let own = (0..n_free).map(|j| (j, 1.0));
            own.chain(shifts(model).iter().flat_map(|(j, sign, _)| z.iter().map(move |z| (*j, sign * z)))).collect()
        };
        let groups: Vec<(usize, Landscape<'a>)> =
            parts.iter().enumerate().filter_map(|(g, part)| Some((g, Landscape::of(model, part)?))).collect();
        let n: f64 = groups.iter().map(|(_, landscape)| landscape.n()).sum();
        (n > 0.0).then(|| Self { groups, maps: vectors.iter().map(map).collect(), n_free, n })
    }

    /// Returns the logarithms of a group's parameters.
    pub(super) fn of_group(&self, g: usize, u: &[f64]) -> Vec<f64> {
        let mut own = vec![0.0; self.n_free];
        self.maps[g].iter().zip(u).for_each(|((j, by), u)| own[*j] += by * u);
        own
    }

    /// Returns the Hessian by a group's own parameters that stands for what all groups together say of them: the negative inverse of their
    /// covariance.
    fn hessian_of(&self, g: usize, peak: &Peak) -> Vec<Vec<f64>> {
        let along = |j: usize| self.maps[g].iter().enumerate().filter(move |(_, (k, by))| *k == j && *by != 0.0);
        let of = |i: usize, j: usize| -> f64 {
            let each = along(i).flat_map(|(p, (_, by))| along(j).map(move |(q, (_, on))| (p, q, by * on)));
            each.map(|(p, q, weight)| weight * peak.covariance[p][q] / self.n).sum()
        };
        let covariance = (0..self.n_free).map(|i| (0..self.n_free).map(|j| of(i, j)).collect()).collect();
        inverse(covariance).into_iter().map(|row| row.into_iter().map(|h| -h).collect()).collect()
    }

    /// Returns the mean log-likelihood of all groups.
    pub(super) fn at(&self, u: &[f64]) -> Surface {
        let of_group = |(g, landscape): &(usize, Landscape<'_>)| landscape.at(&self.of_group(*g, u));
        let surfaces: Vec<Surface> = self.groups.par_iter().map(of_group).collect();
        let mut sum = Surface { value: 0.0, gradient: vec![0.0; u.len()], hessian: vec![vec![0.0; u.len()]; u.len()] };
        for ((g, landscape), surface) in self.groups.iter().zip(&surfaces) {
            let (map, share) = (&self.maps[*g], landscape.n() / self.n);
            sum.value += share * surface.value;
            for (p, (j, by)) in map.iter().enumerate().filter(|(_, (_, by))| *by != 0.0) {
                sum.gradient[p] += share * by * surface.gradient[*j];
                for (q, (k, along)) in map.iter().enumerate().filter(|(_, (_, along))| *along != 0.0) {
                    sum.hessian[p][q] += share * by * along * surface.hessian[*j][*k];
                }
            }
        }
        sum
    }
}

/// Fits parameters and effects to all groups; nothing where the model takes no covariates or the likelihood is finite nowhere.
pub(super) fn fit(design: &Design, pooled: &Fitted, parts: &[Statistics]) -> Option<GroupFits> {
    let model = &pooled.0.model;
    let joint = Joint::of(&design.vectors, model, parts)?;
    let n_effects = shifts(model).len() * design.columns.len();
    if n_effects == 0 {
        return None;
    }
    let peak = search(&joint, design, model, parts, n_effects)?;
    let n = joint.n;
    let log_likelihood = peak.value * n;
    let ratio = (2.0 * (log_likelihood - pooled.0.log_likelihood)).max(0.0);
    let effects = effects(design, model, &peak, n);
    let of_group = |(g, part): (usize, &Statistics)| {
        let mut fitted = pooled.for_group(part, &joint.of_group(g, &peak.at));
        fitted.0.standard_errors = (0..joint.n_free).map(|j| error_of(&joint.maps[g], &peak, n, j)).collect();
        fitted.0.hessian = joint.hessian_of(g, &peak);
        (fitted.0.n_iterations, fitted.0.gradient_norm) = (peak.n_iterations, peak.gradient_norm);
        (fitted, None)
    };
    let notes = oddities(design, &silent(design, parts), model, &peak, &effects);
    let nothing = Statistics::default();
    let mut reference = pooled.for_group(&nothing, &peak.at[..joint.n_free]);
    reference.0.standard_errors =
        (0..joint.n_free).map(|j| peak.variance(j).map(|variance| peak.at[j].exp() * (variance / n).sqrt())).collect();
    let degrees_of_freedom = n_effects as u32;
    Some(GroupFits {
        groups: parts.par_iter().enumerate().map(of_group).collect(),
        effects: Some(Effects {
            reference,
            effects,
            likelihood_ratio: ratio,
            degrees_of_freedom,
            p: upper_tail(ratio, degrees_of_freedom),
        }),
        n_parameters: (joint.n_free + n_effects) as f64,
        spread: vec![],
        notes,
    })
}

fn search(
    joint: &Joint<'_>,
    design: &Design,
    model: &Purchases,
    parts: &[Statistics],
    n_effects: usize,
) -> Option<Peak> {
    let free = model.free();
    let start = |away: f64| {
        let shifted = free.iter().zip([1.0, -1.0].into_iter().cycle()).map(|(u, sign)| u + away * sign);
        shifted.chain(std::iter::repeat_n(0.0, n_effects)).collect::<Vec<f64>>()
    };
    let starts = [0.0, AWAY, -AWAY].map(start);
    let mut bounds = model.free_bounds();
    bounds.extend(std::iter::repeat_n((-MOST_EFFECT, MOST_EFFECT), n_effects));
    let n_distinct: usize = parts.iter().map(|part| part.histories.distinct.len()).sum();
    let step = n_distinct / THINNED;
    if step < 2 {
        return ascend(|u| joint.at(u), &starts, &bounds);
    }
    let thin = |part: &Statistics| Statistics { histories: part.histories.thinned(step), gaps: vec![] };
    let thinned: Vec<Statistics> = parts.iter().map(thin).collect();
    let small = Joint::of(&design.vectors, model, &thinned)?;
    let near = ascend(|u| small.at(u), &starts, &bounds)?;
    let found = ascend(|u| joint.at(u), std::slice::from_ref(&near.at), &bounds)?;
    Some(Peak { starts_disagree: near.starts_disagree, ..found })
}

fn effects(design: &Design, model: &Purchases, peak: &Peak, n: f64) -> Vec<Effect> {
    let (symbols, n_free) = (model.free_symbols(), model.free().len());
    let each = shifts(model).iter().flat_map(|shift| design.columns.iter().map(move |column| (shift, column)));
    each.enumerate()
        .map(|(ix, ((parameter, _, gamma), column))| Effect {
            symbol: format!("{gamma}_{}", column.symbol()),
            parameter: symbols[*parameter],
            attribute: column.attribute.clone(),
            level: column.level.clone(),
            value: peak.at[n_free + ix],
            standard_error: peak.variance(n_free + ix).map(|variance| (variance / n).sqrt()),
        })
        .collect()
}

/// The standard error of parameter `j` of a group, unknown where it depends on something on a bound or a ridge.
fn error_of(map: &[(usize, f64)], peak: &Peak, n: f64, j: usize) -> Option<f64> {
    let parts: Vec<(usize, f64)> =
        map.iter().enumerate().filter(|(_, (k, by))| *k == j && *by != 0.0).map(|(p, (_, by))| (p, *by)).collect();
    if parts.iter().any(|(p, _)| peak.variance(*p).is_none()) {
        return None;
    }
    let each = parts.iter().flat_map(|(p, by)| parts.iter().map(move |(q, on)| by * on * peak.covariance[*p][*q]));
    let variance: f64 = each.sum();
    let ln: f64 = parts.iter().map(|(p, by)| by * peak.at[*p]).sum();
    (variance >= 0.0).then(|| ln.exp() * (variance / n).sqrt())
}

/// Says for every column of the design whether it is a level of which nobody came back.
fn silent(design: &Design, parts: &[Statistics]) -> Vec<bool> {
    let n_repeaters = |k: usize| -> u64 {
        let of_level = design.vectors.iter().zip(parts).filter(|(z, _)| z[k] != 0.0);
        of_level.map(|(_, part)| part.histories.n_repeaters).sum()
    };
    (0..design.columns.len()).map(|k| design.columns[k].level.is_some() && n_repeaters(k) == 0).collect()
}

/// What is odd about the fit, in words.
fn oddities(design: &Design, silent: &[bool], model: &Purchases, peak: &Peak, effects: &[Effect]) -> Vec<String> {
    let n_free = peak.at.len() - effects.len();
    let at = |j: usize| peak.at[j].exp();
    let one_end = match model {
        Purchases::ParetoNbd(_) => (at(2) > DEGENERATE_SHAPE, Diagnosis::OneLifetime),
        _ => (at(2).min(at(n_free - 1)) > DEGENERATE_SHAPE, Diagnosis::OneDropout),
    };
    let odd = [
        (at(0) > DEGENERATE_SHAPE, Diagnosis::OneRate),
        one_end,
        (peak.held[..n_free].contains(&true), Diagnosis::AtBound),
        (peak.starts_disagree, Diagnosis::StartsDisagree),
        (peak.stop != Stop::Converged, Diagnosis::NotConverged),
    ];
    let mut notes: Vec<String> =
        odd.iter().filter(|(holds, _)| *holds).map(|(_, diagnosis)| format!("covariates: {diagnosis}")).collect();
    for (column, _) in design.columns.iter().zip(silent).filter(|(_, silent)| **silent) {
        notes.push(format!(
            "covariates: nobody with {} came back (separation): their effects are only known to be large",
            column.symbol()
        ));
    }
    let silent_ones = silent.iter().cycle();
    for ((ix, effect), _) in effects.iter().enumerate().zip(silent_ones).filter(|(_, silent)| !**silent) {
        if peak.held[n_free + ix] {
            notes.push(format!(
                "covariates: {} met the end of its range (separation): only its direction is known",
                effect.symbol
            ));
        } else if effect.standard_error.is_none() {
            notes.push(format!(
                "covariates: {} cannot be told on this base (a ridge): it has no standard error",
                effect.symbol
            ));
        }
    }
    notes
}
