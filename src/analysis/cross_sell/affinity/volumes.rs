//! The co-volume of itemsets: how much room the baskets with a set have for anything else.
//!
//! `S_X = Σ (k − |X|)` over the baskets of `k` items that hold all of `X`; for one item it is `S_i` of the matrix. A second look at the
//! baskets that adds sizes where the search added ones: for each item the baskets that hold it are run through, and from the item's node in the
//! tree the branches that lie in the basket are followed. `O(Σ k²)` for pairs; 8 bytes a set, 4 bytes a line.

use std::ops::Range;

use rayon::prelude::*;

use super::itemsets::{Itemsets, Node};
use super::matrix::BasketMatrix;

/// Co-volumes by the places of the sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volumes {
    by_level: Vec<Vec<u64>>,
}

impl Volumes {
    /// Adds up the co-volumes of the sets of up to `max_items` items.
    pub fn of(matrix: &BasketMatrix, sets: &Itemsets, max_items: usize) -> Self {
        let n_items = sets.levels[0].item.len();
        let mut by_level = vec![matrix.co_volume[..n_items].to_vec()];
        let n_levels = max_items.min(sets.levels.len());
        if n_levels > 1 {
            let baskets = BasketsOf::new(matrix, n_items);
            let of_items: Vec<Vec<Vec<u64>>> = (0..n_items)
                .into_par_iter()
                .with_max_len(64)
                .map_init(
                    || vec![0_u32; n_items],
                    |slot, item| Walk::new(sets, item, n_levels).run(matrix, baskets.of(item), slot),
                )
                .collect();
            for level in 1..n_levels {
                by_level.push(of_items.iter().flat_map(|of_item| &of_item[level - 1]).copied().collect());
            }
        }
        Self { by_level }
    }

    /// Returns `S_X`; 0 for a set larger than was asked for.
    pub fn get(&self, node: Node) -> u64 {
        self.by_level.get(node.level).map_or(0, |level| level[node.at])
    }
}

/// Which baskets hold each item.
struct BasketsOf {
    starts: Vec<usize>,
    basket: Vec<u32>,
}

impl BasketsOf {
    fn new(matrix: &BasketMatrix, n_items: usize) -> Self {
        let mut starts = vec![0; n_items + 1];
        for item in 0..n_items {
            starts[item + 1] = starts[item] + matrix.n[item] as usize;
        }
        let (mut next, mut basket) = (starts.clone(), vec![0; starts[n_items]]);
        for row in 0..matrix.n_baskets() {
            for item in matrix.rows.row(row).iter().take_while(|item| (**item as usize) < n_items) {
                let slot = &mut next[*item as usize];
                basket[*slot] = row as u32;
                *slot += 1;
            }
        }
        Self { starts, basket }
    }

    fn of(&self, item: usize) -> &[u32] {
        &self.basket[self.starts[item]..self.starts[item + 1]]
    }
}

/// The sets that begin with one item, and what was added up for them.
struct Walk<'a> {
    sets: &'a Itemsets,
    item: usize,
    /// Where those sets stand in the levels from the pairs on.
    ranges: Vec<Range<usize>>,
    volume: Vec<Vec<u64>>,
}

impl<'a> Walk<'a> {
    fn new(sets: &'a Itemsets, item: usize, n_levels: usize) -> Self {
        let mut ranges = vec![sets.children(Node { level: 0, at: item })];
        for level in 1..n_levels - 1 {
            let above = ranges[level - 1].clone();
            let start = |at| sets.levels[level].children.get(at).copied().unwrap_or(0);
            ranges.push(start(above.start)..start(above.end));
        }
        let volume = ranges.iter().map(|range| vec![0; range.len()]).collect();
        Self { sets, item, ranges, volume }
    }

    /// Adds up all baskets of the item; `slot` is all zero between items.
    fn run(mut self, matrix: &BasketMatrix, baskets: &[u32], slot: &mut [u32]) -> Vec<Vec<u64>> {
        let children = self.ranges[0].clone();
        let items = &self.sets.levels[1].item[children.clone()];
        for (item, place) in items.iter().zip(1..) {
            slot[*item as usize] = place;
        }
        let goes_deeper = self.ranges.len() > 1;
        for basket in baskets.iter().filter(|_| !items.is_empty()) {
            let row = matrix.rows.row(*basket as usize);
            let before = &row[..row.partition_point(|item| (*item as usize) < self.item)];
            let k = row.len() as u64;
            for (nth, item) in before.iter().enumerate() {
                let place = slot[*item as usize] as usize;
                if place > 0 {
                    self.volume[0][place - 1] += k - 2;
                    if goes_deeper {
                        self.visit(Node { level: 1, at: children.start + place - 1 }, &before[..nth], k);
                    }
                }
            }
        }
        for item in items {
            slot[*item as usize] = 0;
        }
        self.volume
    }

    /// Adds a basket to every set below a node that it holds.
    fn visit(&mut self, node: Node, before: &[u32], k: u64) {
        let Some(first) = self.ranges.get(node.level).map(|range| range.start) else { return };
        let children = self.sets.children(node);
        let level = node.level + 1;
        let items = &self.sets.levels[level].item[children.clone()];
        let mut from = 0;
        for (nth, item) in before.iter().enumerate() {
            let Ok(found) = items[from..].binary_search(item) else { continue };
            from += found;
            let at = children.start + from;
            self.volume[level - 1][at - first] += k - level as u64 - 1;
            self.visit(Node { level, at }, &before[..nth], k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::rows::Rows;
    use super::super::memory::Room;
    use super::*;

    #[test]
    fn volumes_are_the_room_that_is_left() {
        let baskets: [&[u32]; 5] = [&[0, 1, 2, 3], &[0, 1, 2], &[0, 1], &[0, 2, 3, 4], &[0]];
        let rows = Rows::build(5, |row, items| items.extend_from_slice(baskets[row]));
        let matrix = BasketMatrix::of(rows, 5);
        let sets = Itemsets::mine(&matrix, 1, 4, Room::NO_LIMIT).unwrap();
        let volumes = Volumes::of(&matrix, &sets, 4);
        let mut items = Vec::new();
        for level in 0..4 {
            for node in sets.nodes(level) {
                sets.items(node, &mut items);
                let holds =
                    |basket: &&&[u32]| items.iter().all(|item| basket.contains(&matrix.product[*item as usize]));
                let expected: usize = baskets.iter().filter(holds).map(|basket| basket.len() - items.len()).sum();
                assert_eq!(volumes.get(node), expected as u64, "{items:?}");
            }
        }
        assert_eq!(sets.n_by_size(), [5, 9, 7, 2]);
    }
}
