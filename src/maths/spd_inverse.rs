//! The inverse of a symmetric positive definite matrix of some thousands of rows, in blocks and in parallel.
//!
//! `A = L Lᵀ` in place, `L⁻¹` by forward substitution on the identity, `A⁻¹ = L⁻ᵀ L⁻¹`. Rows are worked on four at a time against columns
//! that lie in one run of memory, so that every number that is fetched is used four times.
//!
//! | name    | shape    | unit                                              |
//! |---------|----------|---------------------------------------------------|
//! | `A`     | `(n, n)` | row-major; only the lower triangle is read        |
//! | result  | `(n, n)` | row-major, symmetric to the bit                   |
//!
//! `n³/2` multiplications, `2 n²` numbers of memory. Every sum is taken in one fixed order, whatever the threads. Source: Golub and Van
//! Loan, Matrix Computations, 4th ed., algorithms 4.2.1 and 3.1.3.

use rayon::prelude::*;

/// Rows of a panel.
const BLOCK: usize = 64;
/// A pivot below this share of its diagonal entry is rounding, not curvature.
const PIVOT_FLOOR: f64 = 1e-14;

/// Inverts a matrix, or returns nothing where it is not positive definite to working precision.
///
/// # Examples
/// ```
/// use klientel::maths::spd_inverse::inverse;
/// assert_eq!(inverse(vec![4.0, 0.0, 0.0, 1.0], 2), Some(vec![0.25, 0.0, 0.0, 1.0]));
/// ```
pub fn inverse(mut matrix: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    if matrix.len() != n * n {
        return None;
    }
    if n == 0 {
        return Some(matrix);
    }
    factor(&mut matrix, n)?;
    let inverse_lower = invert_lower(&matrix, n);
    drop(matrix);
    Some(gram(&inverse_lower, n))
}

/// Turns the lower triangle into `L`: each panel of columns is factored, then taken off what lies to its right.
fn factor(a: &mut [f64], n: usize) -> Option<()> {
    let diagonal: Vec<f64> = (0..n).map(|i| a[i * n + i]).collect();
    for from in (0..n).step_by(BLOCK) {
        let to = (from + BLOCK).min(n);
        for j in from..to {
            let rest = a[j * n + j] - dot(&a[j * n + from..j * n + j], &a[j * n + from..j * n + j]);
            if !(rest.is_finite() && rest > PIVOT_FLOOR * diagonal[j]) {
                return None;
            }
            a[j * n + j] = rest.sqrt();
            let (head, tail) = a.split_at_mut((j + 1) * n);
            let (of_j, pivot) = (&head[j * n + from..j * n + j], head[j * n + j]);
            let update = |row: &mut [f64]| row[j] = (row[j] - dot(&row[from..j], of_j)) / pivot;
            tail.par_chunks_mut(n).with_min_len(256).for_each(update);
        }
        // The panel, copied: rows below are changed while it is read.
        let panel: Vec<f64> = (to..n).flat_map(|i| a[i * n + from..i * n + to].iter().copied()).collect();
        let width = to - from;
        a[to * n..].par_chunks_mut(n).enumerate().for_each(|(i, row)| {
            let own = &panel[i * width..(i + 1) * width];
            let columns = &mut row[to..to + i + 1];
            let (fours, rest) = columns.as_chunks_mut::<4>();
            for (four, rows) in fours.iter_mut().zip(panel.chunks(4 * width)) {
                let sums = dot4(own, rows, width);
                four.iter_mut().zip(sums).for_each(|(cell, sum)| *cell -= sum);
            }
            let done = (i + 1) / 4 * 4;
            for (cell, of_column) in rest.iter_mut().zip(panel[done * width..].chunks(width)) {
                *cell -= dot(own, of_column);
            }
        });
    }
    Some(())
}

/// Returns `L⁻¹` by columns: row `j` of the result is column `j`, zero before position `j`.
fn invert_lower(lower: &[f64], n: usize) -> Vec<f64> {
    let mut columns = vec![0.0; n * n];
    columns.par_chunks_mut(4 * n).enumerate().for_each(|(four, columns)| {
        let first = 4 * four;
        let m = columns.len() / n;
        for i in first..n {
            let own = &lower[i * n..(i + 1) * n];
            let mut sums = [0.0; 4];
            if m == 4 {
                sums = dot4_strided(&own[first..i], columns, n, first);
            } else {
                for (sum, column) in sums.iter_mut().zip(columns.chunks(n)) {
                    *sum = dot(&own[first..i], &column[first..i]);
                }
            }
            for (j, column) in columns.chunks_mut(n).enumerate().filter(|(j, _)| first + j <= i) {
                let unit = if first + j == i { 1.0 } else { 0.0 };
                column[i] = (unit - sums[j]) / own[i];
            }
        }
    });
    columns
}

/// Returns the products of all pairs of columns.
fn gram(columns: &[f64], n: usize) -> Vec<f64> {
    let mut product = vec![0.0; n * n];
    product.par_chunks_mut(n).enumerate().for_each(|(i, row)| {
        // Column i is zero before position i, and so is every product.
        let own = &columns[i * n + i..(i + 1) * n];
        for (four, cells) in row[..=i].chunks_mut(4).enumerate() {
            let from = 4 * four;
            if cells.len() == 4 {
                cells.copy_from_slice(&dot4_strided(own, &columns[from * n..(from + 4) * n], n, i));
            } else {
                for (cell, column) in cells.iter_mut().zip(columns[from * n..].chunks(n)) {
                    *cell = dot(own, &column[i..]);
                }
            }
        }
    });
    for i in 0..n {
        for j in 0..i {
            product[j * n + i] = product[i * n + j];
        }
    }
    product
}

/// Sums a product in two lanes that are added last.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<4>();
    let (b, b_rest) = b.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..4 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// Products with four rows of a panel.
fn dot4(own: &[f64], rows: &[f64], width: usize) -> [f64; 4] {
    dot4_strided(own, rows, width, 0)
}

/// Products with four rows that are `stride` apart, each from position `from`.
fn dot4_strided(own: &[f64], rows: &[f64], stride: usize, from: usize) -> [f64; 4] {
    let len = own.len();
    let row = |nth: usize| rows[nth * stride + from..nth * stride + from + len].as_chunks::<4>();
    let ((r0, t0), (r1, t1), (r2, t2), (r3, t3)) = (row(0), row(1), row(2), row(3));
    let (chunks, rest) = own.as_chunks::<4>();
    let mut lanes = [[0.0; 4]; 4];
    for ((((x, a), b), c), d) in chunks.iter().zip(r0).zip(r1).zip(r2).zip(r3) {
        for lane in 0..4 {
            lanes[0][lane] += x[lane] * a[lane];
            lanes[1][lane] += x[lane] * b[lane];
            lanes[2][lane] += x[lane] * c[lane];
            lanes[3][lane] += x[lane] * d[lane];
        }
    }
    let tails = [t0, t1, t2, t3];
    let mut sums = [0.0; 4];
    for nth in 0..4 {
        let tail: f64 = rest.iter().zip(tails[nth]).map(|(a, b)| a * b).sum();
        let lanes = lanes[nth];
        sums[nth] = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(|i − j| + 1)⁻¹` plus one on the diagonal: positive definite.
    fn example(n: usize) -> Vec<f64> {
        let cell = |at: usize| {
            let (i, j) = (at / n, at % n);
            1.0 / (i.abs_diff(j) + 1) as f64 + if i == j { 1.0 } else { 0.0 }
        };
        (0..n * n).map(cell).collect()
    }

    #[test]
    fn the_product_with_the_inverse_is_the_identity() {
        for n in [1, 2, 3, 4, 7, 63, 64, 65, 130, 201] {
            let a = example(n);
            let inverse = inverse(a.clone(), n).unwrap();
            for i in 0..n {
                for j in 0..n {
                    let cell: f64 = (0..n).map(|k| a[i * n + k] * inverse[k * n + j]).sum();
                    let unit = if i == j { 1.0 } else { 0.0 };
                    assert!((cell - unit).abs() < 1e-12, "{n}: {i}, {j} is {cell}");
                    assert_eq!(inverse[i * n + j].to_bits(), inverse[j * n + i].to_bits());
                }
            }
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| inverse(example(150), 150))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn what_is_not_positive_definite_has_no_inverse() {
        assert_eq!(inverse(vec![1.0, 2.0, 2.0, 1.0], 2), None);
        assert_eq!(inverse(vec![f64::NAN], 1), None);
        assert_eq!(inverse(vec![1.0], 2), None);
        assert_eq!(inverse(vec![], 0), Some(vec![]));
    }
}
