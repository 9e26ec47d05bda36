//! Frequent itemsets as a tree of levels, and which of them are closed or maximal.
//!
//! An itemset is a path of falling item numbers, from its rarest item to its most frequent: level 0 holds the items, level 1 the pairs,
//! level `l` sets of `l + 1`. Every level stands in the order of its paths, so the children of a node are a range of the next level with
//! ascending items, and a set is looked up by one binary search an item.
//!
//! A set is **closed** where no larger one is in as many baskets, **maximal** where no larger one is frequent; either follows from the
//! sets of one item more. Source: Zaki and Hsiao, "CHARM", SIAM SDM 2002.
//!
//! 12 bytes a set, one flag each while closed or maximal ones are told; a look-up costs `O(l ln c)` for `c` children.

use std::ops::Range;

use super::depth;
use super::matrix::BasketMatrix;
use super::memory::{Room, TooMany};
use super::pairs::Pairs;

/// The sets of one size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// Last item of each path.
    pub item: Vec<u32>,
    /// Baskets that hold the set.
    pub count: Vec<u32>,
    /// Position in the level before; of no meaning in the first.
    pub parent: Vec<u32>,
    /// Where the children of each set start in the next level, and one more; empty in the last.
    pub children: Vec<usize>,
}

/// All itemsets that are in at least `min_count` baskets, up to a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    pub levels: Vec<Level>,
    pub min_count: u32,
    /// The threshold of sets of three and more, where it had to be raised.
    pub min_count_of_larger: u32,
    pub n_baskets: usize,
}

/// Which itemsets are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    All,
    /// No larger set is in as many baskets.
    Closed,
    /// No larger set is frequent.
    Maximal,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::All, Self::Closed, Self::Maximal];

    /// Returns the word in the pipeline.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Closed => "closed",
            Self::Maximal => "maximal",
        }
    }
}

/// A set by its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    pub level: usize,
    pub at: usize,
}

impl Itemsets {
    /// Finds the sets of up to `max_items` items that are in at least `min_count` baskets.
    ///
    /// # Errors
    /// Fails where there are more than there is room for.
    pub fn mine(matrix: &BasketMatrix, min_count: u32, max_items: usize, room: Room) -> Result<Self, TooMany> {
        let mut found = Self::of_items(matrix, min_count.max(1));
        if max_items > 1 && found.levels[0].item.len() > 1 {
            let pairs = Pairs::count(matrix, found.min_count, &room)?;
            let deeper = depth::extend(matrix, &pairs, found.min_count, max_items, &room)?;
            found.add_pairs(pairs);
            found.append(deeper);
        }
        Ok(found)
    }

    /// Finds as much of the same as there is room for: first the threshold of sets of three and more is doubled until they fit, and that of
    /// pairs only where they alone do not.
    pub fn mine_within(
        matrix: &BasketMatrix,
        min_count: u32,
        min_count_of_larger: u32,
        max_items: usize,
        room: Room,
    ) -> Self {
        let mut found = Self::of_items(matrix, min_count.max(1));
        found.min_count_of_larger = min_count_of_larger.max(found.min_count);
        while max_items > 1 && found.levels[0].item.len() > 1 {
            let Ok(pairs) = Pairs::count(matrix, found.min_count, &room) else {
                let larger = found.min_count_of_larger;
                found = Self::of_items(matrix, found.min_count.saturating_mul(2));
                found.min_count_of_larger = larger.max(found.min_count);
                continue;
            };
            let deeper = loop {
                match depth::extend(matrix, &pairs, found.min_count_of_larger, max_items, &room) {
                    Ok(deeper) => break deeper,
                    Err(TooMany { .. }) => found.min_count_of_larger = found.min_count_of_larger.saturating_mul(2),
                }
            };
            found.add_pairs(pairs);
            found.append(deeper);
            break;
        }
        found
    }

    fn of_items(matrix: &BasketMatrix, min_count: u32) -> Self {
        let n_items = matrix.n_frequent(min_count);
        let items = Level {
            item: (0..n_items as u32).collect(),
            count: matrix.n[..n_items].to_vec(),
            parent: vec![0; n_items],
            children: Vec::new(),
        };
        Self { levels: vec![items], min_count, min_count_of_larger: min_count, n_baskets: matrix.n_baskets() }
    }

    fn add_pairs(&mut self, pairs: Pairs) {
        let parent = (0..pairs.n_items())
            .flat_map(|item| std::iter::repeat_n(item as u32, pairs.starts[item + 1] - pairs.starts[item]));
        let parent = parent.collect();
        self.levels[0].children = pairs.starts;
        self.levels.push(Level { item: pairs.items, count: pairs.count, parent, children: Vec::new() });
    }

    /// Appends the levels below the pairs; `children` of each node tells how many it has.
    fn append(&mut self, deeper: Vec<depth::Found>) {
        for found in deeper {
            let above = self.levels.last_mut().expect("there are items and pairs");
            let (mut start, mut parent) = (0, Vec::with_capacity(found.item.len()));
            above.children = Vec::with_capacity(found.n_children.len() + 1);
            above.children.push(0);
            for (at, n) in found.n_children.iter().enumerate() {
                start += *n as usize;
                above.children.push(start);
                parent.extend(std::iter::repeat_n(at as u32, *n as usize));
            }
            if found.item.is_empty() {
                above.children.clear();
                break;
            }
            self.levels.push(Level { item: found.item, count: found.count, parent, children: Vec::new() });
        }
        if self.levels.len() > 1 && self.levels.last().is_some_and(|level| level.item.is_empty()) {
            self.levels.pop();
            if let Some(last) = self.levels.last_mut() {
                last.children.clear();
            }
        }
    }

    /// Returns the number of sets of all sizes; the empty one is none.
    pub fn len(&self) -> usize {
        self.levels.iter().map(|level| level.item.len()).sum()
    }

    /// Says whether there is no set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many sets have one item, two items and so on.
    pub fn n_by_size(&self) -> Vec<usize> {
        self.levels.iter().map(|level| level.item.len()).collect()
    }

    /// Goes through the sets of a size, by their place.
    pub fn nodes(&self, level: usize) -> impl Iterator<Item = Node> + use<> {
        let n = self.levels.get(level).map_or(0, |level| level.item.len());
        (0..n).map(move |at| Node { level, at })
    }

    /// Returns in how many baskets a set is.
    pub fn count(&self, node: Node) -> u32 {
        self.levels[node.level].count[node.at]
    }

    /// Writes the items of a set, falling.
    pub fn items(&self, node: Node, items: &mut Vec<u32>) {
        items.clear();
        let mut at = node.at;
        for level in self.levels[..=node.level].iter().rev() {
            items.push(level.item[at]);
            at = level.parent[at] as usize;
        }
        items.reverse();
    }

    /// Finds a set by its items, falling and at least one.
    pub fn find(&self, items: impl IntoIterator<Item = u32>) -> Option<Node> {
        let mut items = items.into_iter();
        let first = items.next()? as usize;
        let mut node = (first < self.levels[0].item.len()).then_some(Node { level: 0, at: first })?;
        for item in items {
            let range = self.children(node);
            let start = range.start;
            let found = self.levels.get(node.level + 1)?.item[range].binary_search(&item).ok()?;
            node = Node { level: node.level + 1, at: start + found };
        }
        Some(node)
    }

    /// Returns which sets of the next size begin with this one.
    pub fn children(&self, node: Node) -> Range<usize> {
        match self.levels[node.level].children.get(node.at..node.at + 2) {
            Some(bounds) => bounds[0]..bounds[1],
            None => 0..0,
        }
    }

    /// Says of every set of each level whether it is of a kind.
    pub fn of_kind(&self, kind: Kind) -> Vec<Vec<bool>> {
        let mut is_kind: Vec<Vec<bool>> = self.levels.iter().map(|level| vec![true; level.item.len()]).collect();
        if kind == Kind::All {
            return is_kind;
        }
        let mut items = Vec::new();
        for level in 1..self.levels.len() {
            for node in self.nodes(level) {
                self.items(node, &mut items);
                let count = self.count(node);
                for without in 0..items.len() {
                    let rest = items.iter().enumerate().filter(|(nth, _)| *nth != without).map(|(_, item)| *item);
                    // Every part of a frequent set is frequent.
                    let Some(part) = self.find(rest) else { continue };
                    is_kind[part.level][part.at] &= kind == Kind::Closed && self.count(part) > count;
                }
            }
        }
        is_kind
    }
}
