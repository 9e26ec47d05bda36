//! Quantiles of sorted values by linear interpolation, type 7.
//!
//! Of `n` ascending values the quantile at share `p` stands at position `h = (n − 1) p`: `v[⌊h⌋] + (h − ⌊h⌋) (v[⌊h⌋ + 1] − v[⌊h⌋])`.
//! `O(1)`. Source: Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996), definition 7;
//! the default of R and NumPy.

/// Returns the quantile of ascending values at a share in `0..=1`, or nothing where there is no value or no such share.
///
/// # Examples
/// ```
/// use klientel::maths::quantile::quantile;
/// assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
/// ```
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let (low, fraction) = position(sorted.len(), share)?;
    let value = sorted[low];
    Some(if fraction == 0.0 { value } else { value + fraction * (sorted[low + 1] - value) })
}

/// Returns the same of ascending integers, money or days: exact where it meets a value, rounded once otherwise.
pub fn quantile_of_integers(sorted: &[i64], share: f64) -> Option<f64> {
    let (low, fraction) = position(sorted.len(), share)?;
    let value = sorted[low];
    if fraction == 0.0 {
        return Some(value as f64);
    }
    let gap = i128::from(sorted[low + 1]) - i128::from(value);
    Some(value as f64 + fraction * gap as f64)
}

/// Position below the quantile and the fraction of the way to the next one; a fraction above zero has a next one.
fn position(n: usize, share: f64) -> Option<(usize, f64)> {
    let last = n.checked_sub(1)?;
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let exact = last as f64 * share;
    // 0.7 × 10 must be 7 and not a hair below it: a cut that misses its value by one bit tears ties apart.
    let whole = exact.round();
    if (exact - whole).abs() <= 4.0 * f64::EPSILON * whole {
        return Some((whole as usize, 0.0));
    }
    Some((exact.floor() as usize, exact - exact.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sorted: &[i64], share: f64, expected: Option<f64>) {
        assert_eq!(quantile_of_integers(sorted, share), expected);
        let floats: Vec<f64> = sorted.iter().map(|v| *v as f64).collect();
        assert_eq!(quantile(&floats, share), expected);
    }

    #[test]
    fn interpolates_as_r_does() {
        check(&[1, 2, 3, 4], 0.0, Some(1.0));
        check(&[1, 2, 3, 4], 0.25, Some(1.75));
        check(&[1, 2, 3, 4], 0.5, Some(2.5));
        check(&[1, 2, 3, 4], 1.0, Some(4.0));
        check(&[7], 0.3, Some(7.0));
        check(&[-5, 5], 0.5, Some(0.0));
    }

    #[test]
    fn meets_a_value_exactly_where_the_position_is_whole() {
        let values: Vec<i64> = (0..=10).map(|v| v * 1_000_003).collect();
        for tenth in 0..=10 {
            check(&values, f64::from(tenth) / 10.0, Some(f64::from(tenth) * 1_000_003.0));
        }
    }

    #[test]
    fn has_no_answer_without_values_or_outside_of_shares() {
        check(&[], 0.5, None);
        check(&[1, 2], -0.1, None);
        check(&[1, 2], 1.1, None);
        check(&[1, 2], f64::NAN, None);
    }

    #[test]
    fn spans_the_whole_range_of_integers() {
        assert_eq!(quantile_of_integers(&[i64::MIN, i64::MAX], 0.5), Some(0.0));
    }
}
