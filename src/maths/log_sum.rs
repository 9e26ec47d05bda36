//! Logarithm of a sum of positive terms with its derivatives, the terms given by their logarithms.
//!
//! With `L = ln Σ eˡ` and the weights `w = eˡ⁻ᴸ`, which add up to one, gradient and Hessian by the parameters of the `l` are
//!
//! ```text
//! ∇L = E_w[∇l],   ∇²L = E_w[∇²l] + E_w[∇l ∇lᵀ] − ∇L ∇Lᵀ
//! ```
//!
//! Terms may be of any size, `−∞` included: sums are kept relative to the largest so far. This is the shape of every likelihood of a
//! customer who may have left at one of several times. `O(N²)` a term.

use super::newton::{Matrix, Point};

/// Sums over the terms so far.
#[derive(Debug, Clone)]
pub struct LogSum<const N: usize> {
    largest: f64,
    sum: f64,
    gradient: [f64; N],
    /// Of `∇²l + ∇l ∇lᵀ`, upper triangle.
    second: Matrix<N>,
}

impl<const N: usize> Default for LogSum<N> {
    fn default() -> Self {
        Self { largest: f64::NEG_INFINITY, sum: 0.0, gradient: [0.0; N], second: [[0.0; N]; N] }
    }
}

impl<const N: usize> LogSum<N> {
    /// Adds a term by its logarithm, the gradient of that and the upper triangle of its Hessian.
    #[inline]
    pub fn add(&mut self, ln: f64, gradient: &[f64; N], hessian: &Matrix<N>) {
        if ln == f64::NEG_INFINITY {
            return;
        }
        if ln > self.largest {
            let shrink = (self.largest - ln).exp();
            self.largest = ln;
            self.sum *= shrink;
            self.gradient.iter_mut().for_each(|g| *g *= shrink);
            self.second.iter_mut().flatten().for_each(|h| *h *= shrink);
        }
        let weight = (ln - self.largest).exp();
        self.sum += weight;
        for i in 0..N {
            let along = weight * gradient[i];
            self.gradient[i] += along;
            for j in i..N {
                self.second[i][j] += weight * hessian[i][j] + along * gradient[j];
            }
        }
    }

    /// Returns the logarithm of the sum, its gradient and its Hessian; without a term the value is `−∞`.
    pub fn finish(&self) -> Point<N> {
        if self.sum <= 0.0 {
            return Point { value: f64::NEG_INFINITY, gradient: [0.0; N], hessian: [[0.0; N]; N] };
        }
        let gradient = self.gradient.map(|g| g / self.sum);
        let hessian = std::array::from_fn(|i| {
            std::array::from_fn(|j| self.second[i.min(j)][i.max(j)] / self.sum - gradient[i] * gradient[j])
        });
        Point { value: self.largest + self.sum.ln(), gradient, hessian }
    }
}

/// Returns `ln(1 + eᵈ)`.
pub fn softplus(d: f64) -> f64 {
    d.max(0.0) + (-d.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ln(eᵘ + e^{2v} + e^{u v})` at a point, against its closed derivatives.
    #[test]
    fn derivatives_are_those_of_the_sum() {
        let (u, v) = (0.7_f64, -0.4_f64);
        let terms = [
            (u, [1.0, 0.0], [[0.0, 0.0], [0.0, 0.0]]),
            (2.0 * v, [0.0, 2.0], [[0.0, 0.0], [0.0, 0.0]]),
            (u * v, [v, u], [[0.0, 1.0], [0.0, 0.0]]),
        ];
        let total = u.exp() + (2.0 * v).exp() + (u * v).exp();
        let by_u = (u.exp() + v * (u * v).exp()) / total;
        let by_v = (2.0 * (2.0 * v).exp() + u * (u * v).exp()) / total;
        let by_uv = (u * v).exp() * (1.0 + u * v) / total - by_u * by_v;
        let by_vv = (4.0 * (2.0 * v).exp() + u * u * (u * v).exp()) / total - by_v * by_v;
        // Shifted far beyond the range of the exponential function, in both orders.
        for (shift, order) in [(0.0, [0, 1, 2]), (5_000.0, [2, 0, 1]), (-5_000.0, [1, 2, 0])] {
            let mut sum = LogSum::<2>::default();
            for ix in order {
                let (ln, gradient, hessian) = &terms[ix];
                sum.add(ln + shift, gradient, hessian);
            }
            sum.add(f64::NEG_INFINITY, &[0.0; 2], &[[0.0; 2]; 2]);
            let found = sum.finish();
            let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-11, "{a} {b}");
            near(found.value - shift, total.ln());
            near(found.gradient[0], by_u);
            near(found.gradient[1], by_v);
            near(found.hessian[0][1], by_uv);
            near(found.hessian[1][0], by_uv);
            near(found.hessian[1][1], by_vv);
        }
    }

    #[test]
    fn nothing_adds_up_to_minus_infinity() {
        assert_eq!(LogSum::<1>::default().finish().value, f64::NEG_INFINITY);
    }
}
