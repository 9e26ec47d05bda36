//! Pure functions of `f64` that know no customers: gamma functions, quantiles, ordered sums, a small Newton maximiser.
//!
//! Every function is deterministic to the bit on any number of threads; domains are stated where they are not all of `f64`.

pub mod gamma;
pub mod newton;
pub mod quantile;
pub mod sum;
