//! Folds for cross-fitting: who is scored by a model that has not seen them.
//!
//! A customer's fold follows from the hash of the id and a seed, so that it stays the same whatever the order of the rows, whoever else
//! is in the base, and from one cut to the next. In small tables, where chance would deal one fold more events than another, each class is
//! ordered by the hash and dealt out in turn.
//!
//! | name  | shape      | unit                        |
//! |-------|------------|-----------------------------|
//! | ids   | `(n_rows)` | text, distinct              |
//! | folds | `(n_rows)` | `0..n_folds`                |
//!
//! `O(bytes)`, stratified `O(n log n)`. Source: Kohavi, "A Study of Cross-Validation and Bootstrap", IJCAI 1995 (stratification);
//! FNV-1a: Fowler, Noll and Vo, RFC 9923; the finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014.

/// Folds of cross-fitting.
pub const N_FOLDS: u8 = 5;

/// Returns the fold of each customer by the hash of the id.
pub fn by_id<'a>(ids: impl Iterator<Item = &'a str>, seed: u64) -> Vec<u8> {
    ids.map(|id| (hash(id, seed) % u64::from(N_FOLDS)) as u8).collect()
}

/// Returns folds that hold the same number of rows of each class, give or take one.
pub fn stratified<'a>(ids: impl Iterator<Item = &'a str>, label: &[bool], seed: u64) -> Vec<u8> {
    let mut rows: Vec<(bool, u64, &str, usize)> =
        ids.zip(label).enumerate().map(|(row, (id, label))| (*label, hash(id, seed), id, row)).collect();
    // Equal hashes are ordered by the id: their rows say nothing.
    rows.sort_unstable();
    let mut folds = vec![0; rows.len()];
    for class in rows.chunk_by(|a, b| a.0 == b.0) {
        class.iter().zip((0..N_FOLDS).cycle()).for_each(|((.., row), fold)| folds[*row] = fold);
    }
    folds
}

/// Says which customers are in a sample of some share: those with the smallest hashes of a seed of its own.
pub fn sampled<'a>(ids: impl Iterator<Item = &'a str>, share: f64, seed: u64) -> Vec<bool> {
    // The upper half of the hash as a number in `0..1`.
    let place = |id: &str| (hash(id, seed) >> 32) as f64 / f64::from(u32::MAX);
    ids.map(|id| share >= 1.0 || place(id) < share).collect()
}

/// Hash of an id: FNV-1a, then a finaliser that moves every bit into the low ones.
fn hash(id: &str, seed: u64) -> u64 {
    let basis = 0xcbf2_9ce4_8422_2325;
    let fnv = id.bytes().fold(basis, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mut z = fnv.wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the same formulas in Python.
    const EXPECTED: [u8; 4] = [1, 4, 1, 3];

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|id| format!("K{id:06}")).collect()
    }

    #[test]
    fn the_fold_of_an_id_never_changes() {
        let some = ["12345", "012345", "Müller", ""];
        assert_eq!(by_id(some.into_iter(), 0), EXPECTED);
        // Whatever the order and the others.
        assert_eq!(by_id(some.into_iter().rev().take(2), 0), [EXPECTED[3], EXPECTED[2]]);
    }

    #[test]
    fn folds_are_of_about_equal_size_and_seeds_are_independent() {
        let ids = ids(50_000);
        let [one, two] = [1, 2].map(|seed| by_id(ids.iter().map(String::as_str), seed));
        let mut both = [[0_i32; 5]; 5];
        one.iter().zip(&two).for_each(|(a, b)| both[usize::from(*a)][usize::from(*b)] += 1);
        // 2,000 expected a cell; five standard deviations.
        assert!(both.iter().flatten().all(|n| (n - 2_000).abs() < 220), "{both:?}");
    }

    #[test]
    fn stratified_folds_hold_equal_numbers_of_each_class_in_any_order_of_rows() {
        let ids = ids(1_003);
        let label: Vec<bool> = (0..1_003).map(|row| row % 9 == 0).collect();
        let folds = stratified(ids.iter().map(String::as_str), &label, 3);
        for class in [true, false] {
            let mut counts = [0_u32; 5];
            folds
                .iter()
                .zip(&label)
                .filter(|(_, l)| **l == class)
                .for_each(|(fold, _)| counts[usize::from(*fold)] += 1);
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
        let reversed: Vec<bool> = label.iter().rev().copied().collect();
        let mut backwards = stratified(ids.iter().rev().map(String::as_str), &reversed, 3);
        backwards.reverse();
        assert_eq!(folds, backwards);
    }
}
