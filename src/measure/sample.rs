//! Whether customers were drawn as planned, and how many are needed to see an effect.
//!
//! ```text
//! sample ratio   χ² = Σ (n_a − N q_a)²/(N q_a) over the arms, with arms − 1 degrees of freedom
//! a group        n = (z_{α/2} + z_β)² (s_t² + s_c²)/δ²                     = 2 (z_{α/2} + z_β)² s²/δ² where both vary alike
//! in all         N = (z_{α/2} + z_β)² s²/(δ² q (1 − q))                     with the share q kept as control
//! ```
//!
//! for an interval of 95% and a power of 80%: `(1.960 + 0.842)² = 7.849`. A sample ratio with `p < 0.001` says that somebody was lost or drawn in other
//! shares, and no difference of such groups means anything.
//!
//! Source: Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019; Kohavi, Tang and Xu, Trustworthy Online
//! Controlled Experiments (2020), chapters 17 and 21.

use super::effect::OUTSIDE;
use crate::maths::{chi_squared, normal};

/// Probability below which groups were not drawn as planned.
pub const ALARM: f64 = 0.001;
/// Chance to see an effect that is there.
const POWER: f64 = 0.8;

/// Returns the probability of groups as far from their planned shares as these; nothing where shares are not above zero, nobody was drawn or there is one arm.
pub fn ratio_p(n: &[u64], shares: &[f64]) -> Option<f64> {
    let (total, all_shares) = (n.iter().sum::<u64>() as f64, shares.iter().sum::<f64>());
    let is_plan = n.len() == shares.len() && n.len() > 1 && shares.iter().all(|share| *share > 0.0);
    if !(is_plan && total > 0.0 && all_shares.is_finite()) {
        return None;
    }
    let term = |(n, share): (&u64, &f64)| {
        let expected = total * share / all_shares;
        (*n as f64 - expected).powi(2) / expected
    };
    Some(chi_squared::upper_tail(n.iter().zip(shares).map(term).sum(), n.len() as u32 - 1))
}

/// Returns the probability of groups that lose as unequal parts as these, if all were equally likely to leave (χ² of a 2 × k table, the others known as
/// `stayed`); nothing where nobody or everybody left, or there is one group.
pub fn attrition_p(left: &[u64], stayed: &[u64]) -> Option<f64> {
    let sum = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (all_left, all_stayed) = (sum(left), sum(stayed));
    let groups: Vec<[f64; 2]> = left.iter().zip(stayed).map(|(left, stayed)| [*left as f64, *stayed as f64]).collect();
    let is_table = groups.len() > 1 && groups.iter().all(|group| group[0] + group[1] > 0.0);
    if !(is_table && all_left > 0.0 && all_stayed > 0.0) {
        return None;
    }
    let term = |group: &[f64; 2]| {
        let n = group[0] + group[1];
        let expected = [all_left, all_stayed].map(|all| n * all / (all_left + all_stayed));
        (group[0] - expected[0]).powi(2) / expected[0] + (group[1] - expected[1]).powi(2) / expected[1]
    };
    Some(chi_squared::upper_tail(groups.iter().map(term).sum(), groups.len() as u32 - 1))
}

/// Returns how many customers each of two groups needs; nothing where there is no variance or no effect to see.
pub fn needed_per_group(variances: [f64; 2], effect: f64) -> Option<u64> {
    customers(squared_quantiles()? * (variances[0] + variances[1]) / (effect * effect))
}

/// Returns how many customers are needed in all where a share of them is kept as control.
pub fn needed_in_all(variance: f64, effect: f64, control_share: f64) -> Option<u64> {
    customers(squared_quantiles()? * variance / (effect * effect * control_share * (1.0 - control_share)))
}

fn squared_quantiles() -> Option<f64> {
    // The one-sided quantile at 1 − power is the two-sided one at twice that.
    Some((normal::two_sided_quantile(OUTSIDE)? + normal::two_sided_quantile(2.0 * (1.0 - POWER))?).powi(2))
}

/// Rounds up; more than a quadrillion is no plan.
fn customers(n: f64) -> Option<u64> {
    (n > 0.0 && n < 1e15).then(|| n.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_hillstrom_were_drawn_as_planned() {
        // scipy.stats.chisquare([21306, 21307, 21387])
        let p = ratio_p(&[21_306, 21_307, 21_387], &[1.0, 1.0, 1.0]).unwrap();
        assert!((p - RATIO).abs() < 1e-10, "{p}");
        assert!(ratio_p(&[4_700, 300], &[0.9, 0.1]).unwrap() < ALARM);
        assert!(ratio_p(&[4_520, 480], &[0.9, 0.1]).unwrap() > ALARM);
        for (n, shares) in
            [(&[5_u64][..], &[1.0][..]), (&[0, 0], &[0.5, 0.5]), (&[5, 5], &[1.0, 0.0]), (&[5, 5], &[1.0])]
        {
            assert_eq!(ratio_p(n, shares), None);
        }
    }

    #[test]
    fn unequal_losses_are_found() {
        // scipy.stats.chi2_contingency([[10, 91], [1000, 9000]], correction=False) and ([[2, 91], [1000, 9000]], …)
        assert!((attrition_p(&[10, 91], &[1_000, 9_000]).unwrap() - ALIKE).abs() < 1e-9);
        assert!((attrition_p(&[2, 91], &[1_000, 9_000]).unwrap() - UNLIKE).abs() < 1e-9);
        for (left, stayed) in [(&[0, 0][..], &[5, 5][..]), (&[5, 5], &[0, 0]), (&[1], &[5]), (&[1, 0], &[5, 0])] {
            assert_eq!(attrition_p(left, stayed), None);
        }
    }

    const ALIKE: f64 = 0.973672100544369;
    const UNLIKE: f64 = 0.01174490915396789;
    const RATIO: f64 = 0.9036929575604196;

    #[test]
    fn half_a_euro_of_spend_that_varies_by_16_takes_16_000_a_group() {
        assert_eq!(needed_per_group([256.0; 2], 0.5), Some(16_075));
        // A tenth as control makes the whole 2.8 times as large as two halves would be.
        assert_eq!(needed_in_all(256.0, 0.5, 0.5), Some(32_150));
        assert_eq!(needed_in_all(256.0, 0.5, 0.1), Some(89_303));
        for (variance, effect) in [(0.0, 0.5), (1.0, 0.0), (1.0, f64::NAN), (1e300, 1e-300)] {
            assert_eq!(needed_per_group([variance; 2], effect), None);
        }
    }
}
