//! What the tests of the models share.

/// Whether two numbers agree to ten digits, or to thirteen places where they are small.
pub(super) fn close(actual: f64, expected: f64) -> bool {
    (actual - expected).abs() <= 1e-13_f64.max(1e-10 * expected.abs())
}
