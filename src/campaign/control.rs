//! Control groups: who is kept from a campaign by lot, so that its effect can be measured.
//!
//! The lot of a customer in a campaign is a number in `[0, 1)` that follows from both names alone: the first 8 bytes of SHA-256 over the scope, the
//! campaign and the customer id. It is the same in every rerun and every night, whatever the order of rows or the number of threads, and independent
//! between campaigns. A stratified arm depends on the newcomers of its night as well. Who was assigned on an earlier night is not drawn again, also where
//! the share has changed since.
//!
//! | draw        | control group                                                                                                |
//! |-------------|--------------------------------------------------------------------------------------------------------------|
//! | simple      | lots below the share: its size is binomial                                                                   |
//! | stratified  | in every stratum the `share · n` lowest lots of its newcomers, the fraction rounded by a lot of the stratum   |
//! | global      | lots below the share in a scope of its own, see [`holdout`](super::holdout)                                  |
//!
//! The sample-ratio check compares the arms with the share that they were drawn with: χ² with one degree of freedom (Fabijan et al. 2019, "Diagnosing
//! sample ratio mismatch"). `O(n log n)`.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::assignments::{Arm, Assignment, Plan};
use crate::maths::chi_squared;
use crate::units::Day;

/// Returns the lot of a name in a scope, in `[0, 1)`.
pub fn lot(scope: &str, campaign: &str, name: &str) -> f64 {
    let mut hash = Sha256::new();
    for part in [scope, campaign, name] {
        // Lengths keep ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    // 53 bits are what a float holds without rounding up to one.
    (u64::from_be_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Draws the arms of customers who have none yet, each with its stratum, in their order.
pub fn draw(campaign: &str, share: f64, customers: &[(&str, &str)], is_stratified: bool, on: Day) -> Vec<Assignment> {
    let new = |arm| Assignment { arm, on, share, last: on };
    let lot = |customer: &str| lot("control", campaign, customer);
    let mut drawn: Vec<Assignment> = customers
        .iter()
        .map(|(customer, _)| new(if lot(customer) < share { Arm::Control } else { Arm::Contact }))
        .collect();
    if is_stratified {
        let mut strata: BTreeMap<&str, Vec<(f64, &str, usize)>> = BTreeMap::new();
        for (ix, (customer, stratum)) in customers.iter().enumerate() {
            strata.entry(stratum).or_default().push((lot(customer), customer, ix));
        }
        for (stratum, mut newcomers) in strata {
            newcomers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
            let wanted = share * newcomers.len() as f64;
            // A new lot every night, or small strata of newcomers would always be rounded the same way.
            let fraction = self::lot("stratum", &format!("{campaign} {on}"), stratum);
            let n_control = wanted.floor() as usize + usize::from(fraction < wanted.fract());
            for (place, (.., ix)) in newcomers.into_iter().enumerate() {
                drawn[ix] = new(if place < n_control { Arm::Control } else { Arm::Contact });
            }
        }
    }
    drawn
}

/// Returns the probability of arms that differ from their shares as much as these: who was drawn before, by plan, and now; nothing where nobody could be in
/// one of them.
pub fn sample_ratio_p(before: &BTreeMap<Plan, u64>, now: impl Iterator<Item = Assignment>) -> Option<f64> {
    let mut drawn = before.clone();
    for assignment in now {
        *drawn.entry(assignment.plan()).or_default() += 1;
    }
    let (mut n, mut n_control, mut expected) = (0.0, 0.0, 0.0);
    for ((arm, millionths), count) in drawn {
        n += count as f64;
        n_control += if arm == Arm::Control { count as f64 } else { 0.0 };
        expected += count as f64 * f64::from(millionths) / 1e6;
    }
    let square = |observed: f64, expected: f64| (observed - expected).powi(2) / expected;
    (expected > 0.0 && expected < n)
        .then(|| chi_squared::upper_tail(square(n_control, expected) + square(n - n_control, n - expected), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day(20_000);

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|ix| format!("K{ix:06}")).collect()
    }

    fn arms(campaign: &str, share: f64, ids: &[String]) -> Vec<Assignment> {
        let customers: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "")).collect();
        draw(campaign, share, &customers, false, TODAY)
    }

    fn n_control(drawn: &[Assignment]) -> usize {
        drawn.iter().filter(|assignment| assignment.arm == Arm::Control).count()
    }

    #[test]
    fn arms_have_their_share_and_are_independent_between_campaigns() {
        let ids = ids(100_000);
        let [spring, autumn] = ["spring", "autumn"].map(|campaign| arms(campaign, 0.1, &ids));
        for drawn in [&spring, &autumn] {
            // Five standard deviations: √(100,000 · 0.1 · 0.9) = 95.
            assert!(n_control(drawn).abs_diff(10_000) < 475, "{}", n_control(drawn));
            assert!(sample_ratio_p(&BTreeMap::new(), drawn.iter().copied()).unwrap() > 1e-6);
        }
        let both = spring.iter().zip(&autumn).filter(|(a, b)| a.arm == Arm::Control && b.arm == Arm::Control).count();
        let (p, q) = (n_control(&spring) as f64 / 1e5, n_control(&autumn) as f64 / 1e5);
        let correlation = (both as f64 / 1e5 - p * q) / (p * (1.0 - p) * q * (1.0 - q)).sqrt();
        assert!(correlation.abs() < 5.0 / 1e5_f64.sqrt(), "{correlation}");
    }

    #[test]
    fn strata_have_their_share_each() {
        let ids = ids(1_003);
        let stratum = |ix: usize| if ix < 100 { "A" } else { "B" };
        let customers: Vec<(&str, &str)> = ids.iter().enumerate().map(|(ix, id)| (id.as_str(), stratum(ix))).collect();
        let drawn = draw("c", 0.1, &customers, true, TODAY);
        assert_eq!(n_control(&drawn[..100]), 10);
        assert!([90, 91].contains(&n_control(&drawn[100..])));
        // Newcomers one a night: over the nights their share is kept as well.
        let alone = (0..400).filter(|night| {
            let on = Day(TODAY.0 + night);
            draw("c", 0.25, &[("K", "A")], true, on)[0].arm == Arm::Control
        });
        assert!(alone.count().abs_diff(100) < 44);
    }

    #[test]
    fn arms_that_do_not_fit_their_share_are_found() {
        let of = |n_control: usize, n: usize| {
            let arm = move |ix| if ix < n_control { Arm::Control } else { Arm::Contact };
            (0..n).map(move |ix| Assignment { arm: arm(ix), on: TODAY, share: 0.1, last: TODAY })
        };
        // χ² = 40²/1,000 + 40²/9,000 = 1.7778, p = 0.18242 (scipy.stats.chi2.sf).
        assert!((sample_ratio_p(&BTreeMap::new(), of(1_040, 10_000)).unwrap() - 0.182_422_439_5).abs() < 1e-9);
        assert!(sample_ratio_p(&BTreeMap::new(), of(1_200, 10_000)).unwrap() < 1e-10);
        assert_eq!(sample_ratio_p(&BTreeMap::new(), of(0, 0)), None);
        let before = BTreeMap::from([((Arm::Contact, 100_000), 8_900), ((Arm::Control, 100_000), 1_020)]);
        let now = of(20, 80);
        assert_eq!(sample_ratio_p(&before, now), sample_ratio_p(&BTreeMap::new(), of(1_040, 10_000)));
    }
}
