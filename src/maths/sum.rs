//! Sums of floats that are the same to the bit on any number of threads.
//!
//! Items are cut into chunks of a fixed size, each is summed front to back, and the chunk sums are added in their order: threads
//! decide when a chunk is summed, never with what. `O(n)`; the error grows with the chunk size plus the number of chunks, not with `n`.

use rayon::prelude::*;

/// Items a chunk: enough to be worth a task, few enough to keep all cores busy on a hundred thousand items.
const CHUNK: usize = 4_096;

/// Adds up `K` sums over all items in parallel; `term` adds one item to them.
pub fn ordered_sums<T: Sync, const K: usize>(items: &[T], term: impl Fn(&mut [f64; K], &T) + Sync) -> [f64; K] {
    let chunks: Vec<[f64; K]> = items
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut sums = [0.0; K];
            chunk.iter().for_each(|item| term(&mut sums, item));
            sums
        })
        .collect();
    let mut total = [0.0; K];
    for chunk in &chunks {
        for (sum, part) in total.iter_mut().zip(chunk) {
            *sum += part;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_equal_to_the_bit_on_one_and_three_threads() {
        let items: Vec<f64> = (1..100_000).map(|i| 1.0 / f64::from(i)).collect();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                ordered_sums(&items, |sums: &mut [f64; 2], v| {
                    sums[0] += v;
                    sums[1] += v * v;
                })
            })
        };
        assert_eq!(on(1), on(3));
        // Harmonic number: ln n + γ + 1/(2n) − 1/(12n²).
        let n = 99_999_f64;
        let harmonic = n.ln() + 0.577_215_664_901_532_9 + 0.5 / n - 1.0 / (12.0 * n * n);
        assert!((on(2)[0] - harmonic).abs() < 1e-12);
    }

    #[test]
    fn the_sum_of_nothing_is_zero() {
        assert_eq!(ordered_sums(&[], |sums: &mut [f64; 1], v: &f64| sums[0] += v), [0.0]);
    }
}
