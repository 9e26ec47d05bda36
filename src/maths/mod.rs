//! Pure functions of `f64` that know no customers: special functions, the beta distribution, tails of χ², Poisson, binomial and hypergeometric
//! distributions, q-values, quadrature, quantiles, ordered sums, the population stability index, a small Newton maximiser, positive definite
//! systems and inverses.
//!
//! Every function is deterministic to the bit on any number of threads; domains are stated where they are not all of `f64`.

pub mod beta;
pub mod binomial;
pub mod chi_squared;
pub mod cholesky;
pub mod exp_integral;
pub mod false_discovery;
pub mod gamma;
pub mod hypergeometric;
pub mod log_sum;
pub mod newton;
pub mod poisson;
pub mod quadrature;
pub mod quantile;
pub mod spd_inverse;
pub mod stability;
pub mod sum;
