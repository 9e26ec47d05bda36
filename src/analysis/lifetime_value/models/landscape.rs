//! The log-likelihood of a base as a landscape over the logarithms of a model's free parameters, whatever the model.
//!
//! The fits climb on it with a number of parameters that is known beforehand; who groups customers needs it for any model, at any point, with slopes.
//! Values are means over the customers, without what no parameter changes (the gaps of the CNBD models, [`Landscape::of_gaps`]).
//! Cost of a point: that of the model's own likelihood.

use super::super::purchases::Purchases;
use super::fit_geometric::Chances;
use super::sums::{SHAPES, Sums, TIMES};
use super::{Statistics, fit_cnbd, fit_geometric, fit_pareto_nbd};
use crate::maths::gamma::ln_gamma;
use crate::maths::newton::Surface;

/// Which likelihood it is.
#[derive(Debug, Clone, Copy)]
enum Likelihood {
    Nbd,
    Geometric(Chances),
    MbgCnbd(u32),
    BgCnbd(u32),
    ParetoNbd,
}

/// A base under a model.
pub struct Landscape<'a> {
    sums: Sums<'a>,
    likelihood: Likelihood,
    /// What the gaps add to the log-likelihood of the base.
    pub of_gaps: f64,
}

impl<'a> Landscape<'a> {
    /// Looks at a base, of one customer at least, under a model; its parameters do not matter, but for `k`.
    ///
    /// Nothing where the base is empty, the model counts opportunities, or the gaps are not those of its histories and the model reads them.
    pub fn of(model: &Purchases, base: &'a Statistics) -> Option<Self> {
        let k = model.events_per_purchase();
        let likelihood = match model {
            Purchases::Nbd(_) => Likelihood::Nbd,
            Purchases::MbgNbd(_) => Likelihood::Geometric(Chances::All),
            Purchases::BgNbd(_) => Likelihood::Geometric(Chances::Repeats),
            Purchases::ParetoNbd(_) => Likelihood::ParetoNbd,
            Purchases::MbgCnbd(_) if k == 1 => Likelihood::Geometric(Chances::All),
            Purchases::BgCnbd(_) if k == 1 => Likelihood::Geometric(Chances::Repeats),
            Purchases::MbgCnbd(_) => Likelihood::MbgCnbd(k),
            Purchases::BgCnbd(_) => Likelihood::BgCnbd(k),
            // Opportunities are not days: it is fitted to all customers together.
            Purchases::BgBb(_) => return None,
        };
        let of_gaps = match k {
            1 => 0.0,
            k => f64::from(k - 1) * base.sum_ln_gaps()? - base.histories.n_repeats as f64 * ln_gamma(f64::from(k)),
        };
        (base.histories.n_customers > 0).then(|| Self { sums: Sums::of(&base.histories), likelihood, of_gaps })
    }

    /// Returns the customers.
    pub fn n(&self) -> f64 {
        self.sums.n
    }

    /// Returns mean log-likelihood, slopes and curvatures at the logarithms of the free parameters.
    pub fn at(&self, u: &[f64]) -> Surface {
        let theta: Vec<f64> = u.iter().map(|u| u.exp()).collect();
        let four = || [theta[0], theta[1], theta[2], theta[3]];
        match self.likelihood {
            Likelihood::Nbd => self.sums.nbd(1, [theta[0], theta[1]]).into(),
            Likelihood::Geometric(chances) => fit_geometric::likelihood(&self.sums, chances, four()).into(),
            Likelihood::MbgCnbd(k) => fit_cnbd::likelihood::<true>(&self.sums, k, four()).into(),
            Likelihood::BgCnbd(k) => fit_cnbd::likelihood::<false>(&self.sums, k, four()).into(),
            Likelihood::ParetoNbd => fit_pareto_nbd::likelihood(&self.sums, four()).into(),
        }
    }

    /// Returns the highest log-likelihood of the base without dropout, that of the gaps included.
    pub fn without_dropout(&self) -> Option<f64> {
        let k = match self.likelihood {
            Likelihood::MbgCnbd(k) | Likelihood::BgCnbd(k) => k,
            _ => 1,
        };
        Some(self.sums.fit_nbd(k)?.value * self.sums.n + self.of_gaps)
    }
}

impl Purchases {
    /// Returns the logarithms of the parameters that a fit moves, in the order of the papers.
    pub fn free(&self) -> Vec<f64> {
        self.free_parameters().map(|parameter| parameter.value.ln()).collect()
    }

    /// Returns the same model with other free parameters, given by their logarithms.
    #[must_use]
    pub fn with_free(&self, u: &[f64]) -> Self {
        let mut model = *self;
        let at = |ix: usize| u[ix].exp();
        // The first two are called otherwise in BG/BB.
        let (r, alpha) = (at(0), at(1));
        match &mut model {
            Self::Nbd(model) => (model.r, model.alpha) = (r, alpha),
            Self::MbgNbd(model) => (model.r, model.alpha, model.a, model.b) = (r, alpha, at(2), at(3)),
            Self::BgNbd(model) => (model.r, model.alpha, model.a, model.b) = (r, alpha, at(2), at(3)),
            Self::ParetoNbd(model) => (model.r, model.alpha, model.s, model.beta) = (r, alpha, at(2), at(3)),
            Self::MbgCnbd(model) => (model.r, model.alpha, model.a, model.b) = (r, alpha, at(2), at(3)),
            Self::BgCnbd(model) => (model.r, model.alpha, model.a, model.b) = (r, alpha, at(2), at(3)),
            Self::BgBb(model) => (model.alpha, model.beta, model.gamma, model.delta) = (r, alpha, at(2), at(3)),
        }
        model
    }

    /// Returns the model with the logarithms of its free parameters moved.
    #[must_use]
    pub fn moved(&self, by: &[f64]) -> Self {
        self.with_free(&self.free().iter().zip(by).map(|(u, by)| u + by).collect::<Vec<f64>>())
    }

    /// Returns the ends of the logarithms of the free parameters.
    pub fn free_bounds(&self) -> Vec<(f64, f64)> {
        let ends = |is_time: bool| if is_time { TIMES } else { SHAPES };
        self.free_parameters()
            .map(|parameter| ends(parameter.is_time))
            .map(|(low, high)| (low.ln(), high.ln()))
            .collect()
    }

    /// Returns the symbols of the free parameters.
    pub fn free_symbols(&self) -> Vec<&'static str> {
        self.free_parameters().map(|parameter| parameter.symbol).collect()
    }

    fn free_parameters(&self) -> impl Iterator<Item = super::Parameter> {
        self.formulas().parameters().into_iter().filter(|parameter| parameter.symbol != "k")
    }
}
