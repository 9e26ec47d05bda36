//! Pure functions of `f64` that know no customers: special functions, the beta, normal and Student distributions, tails of χ², Poisson, binomial and hypergeometric
//! distributions, q-values, p-values of several tests, quadrature, quantiles, ordered sums, the population stability index, a small Newton maximiser, positive definite
//! systems and inverses.
//!
//! Every function is deterministic to the bit on any number of threads; domains are stated where they are not all of `f64`.

pub mod beta;
pub mod binomial;
pub mod chi_squared;
pub mod cholesky;
pub mod exp_integral;
pub mod false_discovery;
pub mod family_wise;
pub mod gamma;
pub mod hypergeometric;
pub mod log_sum;
pub mod newton;
pub mod normal;
pub mod poisson;
pub mod quadrature;
pub mod quantile;
pub mod spd_inverse;
pub mod stability;
pub mod student;
pub mod sum;
