//! EASE: every product as a weighted sum of the others, in closed form.
//!
//! With `X` the customer × product table of ones, `P = (XᵀX + λI)⁻¹`: `B_ij = −P_ij/P_jj`, zero on the diagonal, minimises
//! `‖X − XB‖² + λ‖B‖²` among the matrices that do not let a product explain itself. Weights may be negative: who owns `i` is then less
//! likely to buy `j` than its other products say. Of each row the weights of largest size are kept.
//!
//! | name  | shape                | unit                          |
//! |-------|----------------------|-------------------------------|
//! | `B`   | `(n_items, n_items)` | score a purchase; row i, column j |
//!
//! `n³/2` multiplications for `n` products, `16 n²` bytes. Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019,
//! equations 7 and 8.

use super::super::rows::{Company, Counter, Places, Rows};
use super::similarity::Neighbours;
use crate::maths::spd_inverse::inverse;

/// Products above which the inverse would cost more than the rest of a night.
pub const MAX_ITEMS: usize = 2_000;
/// Weights that are kept of each product.
pub const KEPT: usize = 200;

/// Learns the weights of the first `n_items` products from histories; nothing where the matrix cannot be inverted.
pub fn learn(histories: &Rows, n_items: usize, lambda: f64) -> Option<Neighbours> {
    let counts = common_customers(histories, n_items);
    let mut matrix: Vec<f64> = counts.iter().map(|n| f64::from(*n)).collect();
    (0..n_items).for_each(|item| matrix[item * n_items + item] += lambda);
    let p = inverse(matrix, n_items)?;
    let mut found = Neighbours { starts: vec![0], ..Neighbours::default() };
    let mut row: Vec<(u32, f32)> = Vec::new();
    for item in 0..n_items {
        let weight = |other: usize| (-p[item * n_items + other] / p[other * n_items + other]) as f32;
        row.clear();
        row.extend((0..n_items).filter(|other| *other != item).map(|other| (other as u32, weight(other))));
        if row.len() > KEPT {
            row.select_nth_unstable_by(KEPT, larger_first);
            row.truncate(KEPT);
        }
        row.retain(|(_, weight)| *weight != 0.0);
        row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.n_both.extend(row.iter().map(|(other, _)| counts[item * n_items + *other as usize]));
        found.entries.extend_from_slice(&row);
        found.starts.push(found.entries.len());
    }
    Some(found)
}

fn larger_first(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0))
}

/// Counts the customers who own both of two products, and on the diagonal those who own one.
fn common_customers(histories: &Rows, n_items: usize) -> Vec<u32> {
    let by_item = Places::of(&histories.starts, &histories.items, n_items, Company::All);
    let mut counter = Counter::new(n_items);
    let mut counts = vec![0; n_items * n_items];
    for item in 0..n_items {
        by_item.company(item, &histories.items).for_each(|history| counter.add(history));
        counter.drain(|other, n| counts[item * n_items + other as usize] = n);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_closed_form() {
        // XᵀX + I of three customers {0, 1}, {0, 1}, {0, 2} is [[4, 2, 1], [2, 3, 0], [1, 0, 2]], determinant 13; P = adj/13.
        let rows = [&[0_u32, 1][..], &[0, 1], &[0, 2]];
        let histories = Rows::build(3, |row, items| items.extend_from_slice(rows[row]));
        let found = learn(&histories, 3, 1.0).unwrap();
        // P = [[6, −4, −3], [−4, 7, 2], [−3, 2, 8]]/13, and B_0j = −P_0j/P_jj.
        let expected = [(1_u32, 4.0_f32 / 7.0), (2, 3.0 / 8.0)];
        for ((item, weight), (expected_item, expected)) in found.row(0).iter().zip(expected) {
            assert_eq!(*item, expected_item);
            assert!((weight - expected).abs() < 1e-6);
        }
        // A product that is bought instead of another has a weight below zero.
        let (other, weight) = found.row(1)[1];
        assert_eq!(other, 2);
        assert!((weight + 2.0 / 8.0).abs() < 1e-6);
        assert_eq!(found.n_both, [2, 1, 2, 0, 1, 0]);
    }
}
