//! p-values adjusted by Holm: of all comparisons called at a level, the chance that even one of them is nothing.
//!
//! With `m` tests and p-values `p₍₁₎ ≤ p₍₂₎ ≤ …`, the adjusted value is `max over j ≤ i of (m − j + 1)·p₍ⱼ₎`, at most 1. Holds however the tests depend
//! on each other; where only the share of false calls matters there are q-values ([`super::false_discovery`]).
//!
//! `O(m ln m)`. Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).

/// Returns the adjusted value of each p-value.
///
/// # Examples
/// ```
/// use klientel::maths::family_wise::adjusted;
/// assert_eq!(adjusted(&[0.03, 0.01, 0.5]), [0.06, 0.03, 0.5]);
/// ```
pub fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..p.len() as u32).collect();
    order.sort_unstable_by(|a, b| p[*a as usize].total_cmp(&p[*b as usize]));
    let (mut adjusted, mut largest) = (vec![1.0; p.len()], 0.0_f64);
    for (rank, ix) in order.iter().enumerate() {
        largest = largest.max(p[*ix as usize] * (p.len() - rank) as f64).min(1.0);
        adjusted[*ix as usize] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_are_those_of_r() {
        // R: p.adjust(c(.01, .04, .03, .005, .2), "holm")
        for (found, expected) in
            adjusted(&[0.01, 0.04, 0.03, 0.005, 0.2]).into_iter().zip([0.04, 0.09, 0.09, 0.025, 0.2])
        {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(adjusted(&[0.6, 0.7]), [1.0, 1.0]);
        assert!(adjusted(&[]).is_empty());
    }
}
