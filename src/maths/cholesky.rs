//! Symmetric positive definite systems of some dozens of rows: factor, solve, invert.
//!
//! `A = L Lᵀ` with `L` lower triangular; `A x = b` is then two triangular solves.
//!
//! | name   | shape    | unit                                             |
//! |--------|----------|--------------------------------------------------|
//! | `A`    | `(n, n)` | row-major; only the lower triangle is read       |
//! | `b, x` | `(n)`    |                                                  |
//!
//! `n³/6` multiplications to factor, `n²` to solve. Source: Golub and Van Loan, Matrix Computations, 4th ed., algorithm 4.2.1.

/// A pivot below this share of its diagonal entry is rounding, not curvature.
const PIVOT_FLOOR: f64 = 1e-14;

/// The factor of a positive definite matrix.
#[derive(Debug, Clone)]
pub struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors a matrix, or returns nothing where it is not positive definite to working precision.
    pub fn new(matrix: &[f64], n: usize) -> Option<Self> {
        let mut lower = matrix.get(..n * n)?.to_vec();
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                let rest = lower[i * n + j] - dot;
                if j < i {
                    lower[i * n + j] = rest / lower[j * n + j];
                } else if rest.is_finite() && rest > PIVOT_FLOOR * lower[i * n + i] {
                    lower[i * n + i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Self { n, lower })
    }

    /// Returns `A⁻¹ b`; a right side of another length is cut or filled with zeros.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let (n, lower) = (self.n, &self.lower);
        let mut x = b.to_vec();
        x.resize(n, 0.0);
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| lower[i * n + k] * x[k]).sum();
            x[i] = (x[i] - dot) / lower[i * n + i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| lower[k * n + i] * x[k]).sum();
            x[i] = (x[i] - dot) / lower[i * n + i];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hilbert_matrix_is_solved() {
        let n = 6;
        let hilbert: Vec<f64> = (0..n * n).map(|at| 1.0 / (at / n + at % n + 1) as f64).collect();
        let b: Vec<f64> = (0..n).map(|i| hilbert[i * n..(i + 1) * n].iter().sum()).collect();
        let x = Cholesky::new(&hilbert, n).unwrap().solve(&b);
        x.iter().for_each(|x| assert!((x - 1.0).abs() < 1e-8, "{x}"));
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Cholesky::new(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[1.0, 1.0, 1.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[f64::NAN], 1).is_none());
        assert!(Cholesky::new(&[1.0], 2).is_none());
    }
}
