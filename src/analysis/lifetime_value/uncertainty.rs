//! How far the fitted parameters may be from the true ones: a few points that stand for all of it.
//!
//! The logarithms `u` of the `d` parameters of purchases and spend are normal around the fit, with the negative inverse Hessian as covariance. With its
//! eigenvectors `eᵢ` and standard deviations `σᵢ` along them, the `2 d` points `u ± √d σᵢ eᵢ` of equal weight have the mean, the covariance and
//! all third moments of that distribution: a mean over the points is exact for everything cubic in `u`. No draws, no seed. Purchases and
//! spend are fitted apart and vary apart.
//!
//! Along a ridge `σᵢ` is unbounded and means nothing: no point moves a parameter by more than a factor of ten. Source: Stroud,
//! Approximate Calculation of Multiple Integrals (1971), formula Eₙ^{r²} 3-1; Arasaratnam and Haykin, "Cubature Kalman Filters", IEEE TAC 54 (2009).

use super::gamma_gamma::{FittedGammaGamma, GammaGamma};
use super::purchases::{Fitted, Purchases};
use crate::maths::newton::eigen;

/// Largest factor between a parameter and its fit.
const FARTHEST: f64 = 10.0;

/// Where no parameter moves by more than this share the fit stands for all points: a hundred thousand customers and more.
const NEXT_TO_NOTHING: f64 = 0.05;

/// Parameters of purchases and spend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub purchases: Purchases,
    pub spend: Option<GammaGamma>,
}

/// The fit, and the points around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertainty {
    pub fit: Point,
    /// Two opposite points a direction, `√d` standard deviations away each.
    pub around: Vec<[Point; 2]>,
    /// Whether the points are so near that the fit does for single customers.
    pub is_small: bool,
}

impl Uncertainty {
    /// Lays out the points around a fit.
    pub fn of(purchases: &Fitted, spend: Option<&FittedGammaGamma>) -> Self {
        let fit = Point { purchases: purchases.0.model, spend: spend.map(FittedGammaGamma::parameters) };
        let of_purchases = deviations(&purchases.0.hessian);
        let of_spend = spend.map(|spend| deviations(&spend.hessian)).unwrap_or_default();
        let distance = ((of_purchases.len() + of_spend.len()) as f64).sqrt();
        let far = |deviation: &[f64], sign: f64| -> Vec<f64> {
            let largest = deviation.iter().fold(0.0_f64, |largest, by| largest.max(by.abs()));
            let length = distance.min(FARTHEST.ln() / largest.max(f64::MIN_POSITIVE));
            deviation.iter().map(|by| sign * length * by).collect()
        };
        let purchases_moved =
            |by: &Vec<f64>| [1.0, -1.0].map(|sign| Point { purchases: fit.purchases.moved(&far(by, sign)), ..fit });
        let spend_moved = |by: &Vec<f64>| {
            // A mean that exists goes on to exist: a step that would end it is shortened.
            let has_mean = |by: &[f64]| {
                fit.spend.is_none_or(|spend| spend.q <= 1.0 || spend.moved(by).q - 1.0 >= 0.25 * (spend.q - 1.0))
            };
            let mut by = by.clone();
            while ![1.0, -1.0].iter().all(|sign| has_mean(&far(&by, *sign))) {
                by.iter_mut().for_each(|by| *by *= 0.8);
            }
            [1.0, -1.0].map(|sign| Point { spend: fit.spend.map(|spend| spend.moved(&far(&by, sign))), ..fit })
        };
        let around = of_purchases.iter().map(purchases_moved).chain(of_spend.iter().map(spend_moved)).collect();
        let largest = of_purchases.iter().chain(&of_spend).flatten().fold(0.0_f64, |largest, by| largest.max(by.abs()));
        Self { fit, around, is_small: distance * largest <= NEXT_TO_NOTHING }
    }

    /// Returns points of equal weight that stand for the distribution of the parameters.
    pub fn points(&self) -> Vec<Point> {
        if self.is_small || self.around.is_empty() { vec![self.fit] } else { self.around.as_flattened().to_vec() }
    }
}

/// One standard deviation along each eigenvector of the covariance; along a ridge, a very long way.
fn deviations(hessian: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (curvatures, vectors) = eigen(hessian.iter().map(|row| row.iter().map(|h| -h).collect()).collect());
    let along = |(j, curvature): (usize, &f64)| {
        let deviation = 1.0 / curvature.max(1e-12).sqrt();
        vectors.iter().map(|row| deviation * row[j]).collect()
    };
    curvatures.iter().enumerate().map(along).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean square of the points around the fit is the inverse of the Hessian.
    #[test]
    fn points_have_the_covariance_of_the_fit() {
        let hessian = vec![vec![-40.0, 12.0, 3.0], vec![12.0, -90.0, -8.0], vec![3.0, -8.0, -25.0]];
        let along = deviations(&hessian);
        for (i, row) in (0..3).flat_map(|i| hessian.iter().enumerate().map(move |(j, row)| ((i, j), row))) {
            // Σ covarianceᵢₖ · (−H)ₖⱼ is the unit matrix; H is symmetric.
            let covariance = |k: usize| along.iter().map(|by| by[i.0] * by[k]).sum::<f64>();
            let product: f64 = row.iter().enumerate().map(|(k, h)| covariance(k) * -h).sum();
            assert!((product - f64::from(u8::from(i.0 == i.1))).abs() < 1e-12, "{i:?} {product}");
        }
    }

    #[test]
    fn a_ridge_is_followed_for_a_factor_of_ten() {
        use crate::analysis::lifetime_value::histories::{Histories, History};
        use crate::analysis::lifetime_value::models::Statistics;
        use crate::analysis::lifetime_value::purchases::PurchaseKind;
        // Everybody buys at one rate: only r / alpha is known.
        let one = |k: u32| History { n_repeats: 10 - k % 2, days_to_last: 290 + k % 9, age_days: 300 };
        let histories = Histories::compress((0..400).map(one).collect());
        let fitted = PurchaseKind::Nbd.fit(&Statistics { histories, gaps: vec![] }).unwrap();
        let uncertainty = Uncertainty::of(&fitted, None);
        assert_eq!(uncertainty.points().len(), 4);
        for point in uncertainty.points() {
            let parameters = point.purchases.formulas().parameters();
            let at_fit = fitted.formulas().parameters();
            for (moved, fit) in parameters.iter().zip(&at_fit) {
                assert!((moved.value / fit.value).ln().abs() <= FARTHEST.ln() + 1e-9);
            }
            // The rate itself is known to a few percent.
            let rate = |parameters: &[crate::analysis::lifetime_value::models::Parameter]| {
                parameters[0].value / parameters[1].value
            };
            assert!((rate(&parameters) / rate(&at_fit) - 1.0).abs() < 0.1);
        }
    }
}
