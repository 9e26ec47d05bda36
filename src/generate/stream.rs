//! Random streams: one per customer and purpose, so that customers can be drawn in any order on any number of threads.
//!
//! A stream is `Pcg64Mcg` started from a splitmix64 hash of (seed, purpose, number). Numbers of a stream never depend on another
//! stream, so more first names change no transaction.
//!
//! Source: O'Neill, "PCG: A family of simple fast space-efficient statistically good algorithms for random number generation",
//! 2014; Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (splitmix64).

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// What the numbers of a stream are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Names, prices and families of the products.
    Catalogue,
    /// When and what one customer buys.
    Behaviour,
    /// Name, address and consent of one customer.
    Master,
}

/// Starts the stream of one purpose and number.
pub fn stream(seed: u64, purpose: Purpose, number: u32) -> Pcg64Mcg {
    let start = splitmix(seed ^ splitmix(((purpose as u64 + 1) << 32) | u64::from(number)));
    let high = splitmix(start);
    Pcg64Mcg::new((u128::from(high) << 64) | u128::from(splitmix(high ^ start)))
}

/// Says whether an event of this probability happens.
pub fn chance(rng: &mut Pcg64Mcg, probability: f64) -> bool {
    rng.random::<f64>() < probability
}

/// Counts successes before the first failure, with the given mean and at most `most`.
pub fn geometric(rng: &mut Pcg64Mcg, mean: f64, most: u32) -> u32 {
    let again = mean / (1.0 + mean);
    let mut count = 0;
    while count < most && chance(rng, again) {
        count += 1;
    }
    count
}

/// Picks one entry, each with the same probability.
///
/// # Panics
/// Panics on an empty slice: every list here is a constant or was checked with the parameters.
pub fn pick<'a, T>(rng: &mut Pcg64Mcg, entries: &'a [T]) -> &'a T {
    &entries[rng.random_range(0..entries.len() as u32) as usize]
}

fn splitmix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_customers_and_purposes_share_nothing() {
        let first = |purpose, number| stream(7, purpose, number).random::<u64>();
        let mut seen: Vec<u64> = (0..10_000).map(|number| first(Purpose::Behaviour, number)).collect();
        seen.extend((0..10_000).map(|number| first(Purpose::Master, number)));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 20_000);
    }

    /// The first number of a stream is fixed for good: a change here changes every generated base.
    #[test]
    fn a_stream_is_the_same_on_every_platform() {
        assert_eq!(splitmix(0), 0xE220_A839_7B1D_CDAF, "first output of the published splitmix64 with seed 0");
        assert_eq!(stream(1, Purpose::Behaviour, 0).random::<u64>(), 0x27B2_5225_A9DB_C44F);
    }

    #[test]
    fn geometric_has_its_mean() {
        let mut rng = stream(3, Purpose::Catalogue, 0);
        let total: u32 = (0..100_000).map(|_| geometric(&mut rng, 1.5, 1_000)).sum();
        assert!((140_000..160_000).contains(&total), "{total}");
    }
}
