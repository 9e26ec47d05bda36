//! q-values of Benjamini and Hochberg: of all tests called at this level, which share is expected to be chance.
//!
//! With `m` tests and p-values `p₍₁₎ ≤ p₍₂₎ ≤ …`, `q₍ᵢ₎ = min over j ≥ i of p₍ⱼ₎·m/j`, at most 1. `m` may be larger than the number of
//! p-values given: those left out count as tests that found nothing, which is exact as long as each of them has a p-value above the largest
//! level asked for.
//!
//! `O(k ln k)` time for `k` p-values. Source: Benjamini and Hochberg, "Controlling the False Discovery Rate", JRSS B 57(1), 1995.

/// Returns the q-value of each p-value, where `n_tests` were made in all.
///
/// # Examples
/// ```
/// use klientel::maths::false_discovery::q_values;
/// assert_eq!(q_values(&[0.02, 0.01, 0.5], 4.0), [0.04, 0.04, 2.0 / 3.0]);
/// ```
pub fn q_values(p: &[f64], n_tests: f64) -> Vec<f64> {
    let n_tests = n_tests.max(p.len() as f64);
    let mut order: Vec<u32> = (0..p.len() as u32).collect();
    order.sort_unstable_by(|a, b| p[*a as usize].total_cmp(&p[*b as usize]));
    let (mut q, mut smallest) = (vec![1.0; p.len()], 1.0_f64);
    for (rank, ix) in order.iter().enumerate().rev() {
        smallest = smallest.min(p[*ix as usize] * n_tests / (rank + 1) as f64);
        q[*ix as usize] = smallest;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_values_never_fall_with_p_and_equal_ones_share_theirs() {
        // R: p.adjust(c(.001, .008, .039, .041, .042, .06, .074, .205), "BH", 15)
        let p = [0.074, 0.001, 0.041, 0.008, 0.205, 0.039, 0.06, 0.042];
        let expected = [0.158_571_428, 0.015, 0.126, 0.06, 0.384_375, 0.126, 0.15, 0.126];
        for (q, expected) in q_values(&p, 15.0).into_iter().zip(expected) {
            assert!((q - expected).abs() < 1e-8, "{q} {expected}");
        }
        assert_eq!(q_values(&[0.01, 0.01], 2.0), [0.01, 0.01]);
        assert!(q_values(&[], 5.0).is_empty());
    }
}
