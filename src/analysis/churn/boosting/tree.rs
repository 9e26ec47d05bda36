//! One regression tree on binned gradients, grown level by level to a limited depth.
//!
//! A node with sums `G`, `H` of slope and curvature has the value `w = −G/(H + λ)`, held inside the bounds that monotone splits above it
//! set; a split gains `s(G_L, H_L) + s(G_R, H_R) − s(G, H)` with `s = −(2 G w + (H + λ) w²)`. Missing cells go to the side where the gain is
//! larger. A split on a monotone column is taken only if the right value is not below the left one, and the middle of the two then
//! bounds everything below. Equal gains: first column, first cut, missing to the left.
//!
//! Slopes and curvatures are whole numbers, so that histograms are the same in any order of rows and for any number of threads. Those of a row
//! are added up in one word: slope above, curvature below. Only the smaller child of a split is counted; its sibling is the difference
//! to the parent.
//!
//! | name      | shape                        | unit                                       |
//! |-----------|------------------------------|--------------------------------------------|
//! | histogram | `(Σ n_bins)`                 | slope and curvature a bin, columns in turn |
//! | chunk     | `(rows)` bins, slopes, logits| rows are reordered only inside a chunk     |
//!
//! About `(1 + depth/2) n n_columns` additions a tree. Source: Chen and Guestrin, "XGBoost", KDD 2016, equations 4 to 7 and algorithm 3;
//! Ke et al., "LightGBM", NIPS 2017 (histogram subtraction).

use rayon::prelude::*;

use super::bins::MISSING;

/// Sums of slope and curvature, in [`UNIT`]s.
pub(super) type Slope = [i64; 2];

/// The whole number that stands for a slope or curvature of one at the largest weight.
pub(super) const UNIT: f64 = (1_u32 << 17) as f64;

/// Rows whose packed sums cannot overflow: `2¹³ · 2¹⁷ = 2³⁰`.
const PIECE: usize = 1 << 13;

/// Bins searched for a split in less time than another thread takes to wake.
const BINS_A_TASK: usize = 4_096;

/// Packs slope and curvature of one row, the latter in the lower half, where it is never negative.
pub(super) fn packed(slope: f64, curvature: f64) -> i64 {
    // Rounds without a call of the library: what is cast is positive.
    let whole = |value: f64| (value * UNIT + (UNIT + 0.5)) as i64 - UNIT as i64;
    (whole(slope) << 32) + whole(curvature)
}

fn unpacked(sum: i64) -> Slope {
    let curvature = sum & i64::from(u32::MAX);
    [(sum - curvature) >> 32, curvature]
}

/// Rows that are worked on together.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunk {
    /// Positions of the rows in the sample.
    pub rows: Vec<u32>,
    /// `(rows, n_columns)`.
    pub bins: Vec<u8>,
    /// Slope and curvature of each row, packed.
    pub slopes: Vec<i64>,
    pub logits: Vec<f64>,
    /// Rows of the chunk, those of a node together.
    pub order: Vec<u32>,
}

/// A node; a leaf where `left` is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub column: u32,
    /// Bins up to this one go left.
    pub last_left: u8,
    pub missing_left: bool,
    /// Position of the left child; the right one follows it.
    pub left: u32,
    /// Change of the logit, learning rate included.
    pub value: f64,
    /// Curvature of the rows that came here.
    pub cover: f64,
}

impl Node {
    /// Returns the child that a bin leads to.
    pub fn child(&self, bin: u8) -> usize {
        // Where missing cells go right, bin 0 wraps around to the last one. One comparison: no branch to guess.
        let shift = u8::from(!self.missing_left);
        self.left as usize + usize::from(bin.wrapping_sub(shift) > self.last_left.wrapping_sub(shift))
    }
}

/// A grown tree; the root comes first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree(pub Vec<Node>);

impl Tree {
    /// Returns the change of the logit for a row of bins.
    pub fn value(&self, bins: &[u8]) -> f64 {
        let mut node = &self.0[0];
        while node.left != 0 {
            node = &self.0[node.child(bins[node.column as usize])];
        }
        node.value
    }
}

/// What limits the trees, the same for all of them.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    /// First entry of each column in a histogram, and the end of the last.
    pub offsets: Vec<usize>,
    pub monotone: &'a [bool],
    pub depth: u32,
    pub learning_rate: f64,
    /// λ and the least curvature of a leaf, both in units of a row of weight one over the largest weight.
    pub l2: f64,
    pub min_leaf: f64,
}

/// A node that may still be split: its histogram and where its rows stand in each chunk.
struct Open {
    node: usize,
    histogram: Vec<Slope>,
    sums: Slope,
    bounds: (f64, f64),
    ranges: Vec<(u32, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    column: usize,
    last_left: u8,
    missing_left: bool,
    sums: [Slope; 2],
    values: [f64; 2],
}

impl Grower<'_> {
    /// Grows a tree on the slopes of the chunks and adds its values to their logits.
    pub fn grow(&self, chunks: &mut [Chunk]) -> Tree {
        let mut nodes = Vec::new();
        let mut level = vec![self.root(chunks, &mut nodes)];
        for depth in 0..self.depth {
            let splits: Vec<Option<Split>> =
                level.par_iter().with_min_len(self.nodes_a_task()).map(|open| self.best_split(open)).collect();
            let mut parents: Vec<(Open, Split)> = Vec::new();
            for (open, split) in level.into_iter().zip(splits) {
                match split {
                    Some(split) => parents.push((open, split)),
                    None => add_to_logits(chunks, &open.ranges, nodes[open.node].value),
                }
            }
            for (open, split) in &parents {
                let left = nodes.len() as u32;
                let node = &mut nodes[open.node];
                (node.column, node.last_left) = (split.column as u32, split.last_left);
                (node.missing_left, node.left) = (split.missing_left, left);
                (0..2).for_each(|side| nodes.push(self.leaf(split.sums[side], split.values[side])));
            }
            level = self.children(chunks, parents, &nodes, depth + 1 < self.depth);
        }
        level.iter().for_each(|open| add_to_logits(chunks, &open.ranges, nodes[open.node].value));
        Tree(nodes)
    }

    /// Nodes whose histograms are together worth a task.
    fn nodes_a_task(&self) -> usize {
        BINS_A_TASK / self.offsets.last().copied().unwrap_or_default().max(1) + 1
    }

    fn leaf(&self, sums: Slope, value: f64) -> Node {
        let value = self.learning_rate * value;
        Node { column: 0, last_left: 0, missing_left: false, left: 0, value, cover: sums[1] as f64 / UNIT }
    }

    fn root(&self, chunks: &mut [Chunk], nodes: &mut Vec<Node>) -> Open {
        let parts = chunks.par_iter_mut().map(|chunk| {
            let n = chunk.rows.len() as u32;
            chunk.order.clear();
            chunk.order.extend(0..n);
            self.histogram(chunk, (0, n))
        });
        let histogram = parts.reduce(Vec::new, add);
        // Every column counts every row: the first one has the sums of all.
        let first = self.offsets.get(1).copied().unwrap_or_default();
        let sums = sum(&histogram[..first.min(histogram.len())]);
        let bounds = (f64::NEG_INFINITY, f64::INFINITY);
        nodes.push(self.leaf(sums, self.value(sums, bounds)));
        Open { node: 0, histogram, sums, bounds, ranges: chunks.iter().map(|c| (0, c.rows.len() as u32)).collect() }
    }

    fn histogram(&self, chunk: &Chunk, (from, to): (u32, u32)) -> Vec<Slope> {
        let n_columns = self.offsets.len() - 1;
        let mut histogram = vec![[0; 2]; self.offsets[n_columns]];
        // As slices: indexing them is no call, also where little is optimised.
        let (bins, slopes, offsets) = (&chunk.bins[..], &chunk.slopes[..], &self.offsets[..]);
        let sums = &mut vec![0; histogram.len()][..];
        for piece in chunk.order[from as usize..to as usize].chunks(PIECE) {
            for at in piece {
                let at = *at as usize;
                let slope = slopes[at];
                for (bin, offset) in bins[at * n_columns..(at + 1) * n_columns].iter().zip(offsets) {
                    sums[offset + usize::from(*bin)] += slope;
                }
            }
            for (entry, sum) in histogram.iter_mut().zip(sums.iter_mut()) {
                *entry = plus(*entry, unpacked(std::mem::take(sum)));
            }
        }
        histogram
    }

    fn value(&self, [slope, curvature]: Slope, (low, high): (f64, f64)) -> f64 {
        (-(slope as f64) / UNIT / (curvature as f64 / UNIT + self.l2)).clamp(low, high)
    }

    fn score(&self, [slope, curvature]: Slope, value: f64) -> f64 {
        -(2.0 * (slope as f64 / UNIT) + (curvature as f64 / UNIT + self.l2) * value) * value
    }

    fn best_split(&self, open: &Open) -> Option<Split> {
        let whole = self.score(open.sums, self.value(open.sums, open.bounds));
        let mut best: Option<Split> = None;
        let enough = |curvature: i64| curvature as f64 >= self.min_leaf * UNIT;
        for (column, ends) in self.offsets.windows(2).enumerate() {
            let bins = &open.histogram[ends[0]..ends[1]];
            let missing = bins[usize::from(MISSING)];
            let sides: &[bool] = if missing == [0; 2] { &[true] } else { &[true, false] };
            let mut known = [0; 2];
            for (last_left, bin) in bins.iter().enumerate().skip(1) {
                known = plus(known, *bin);
                for missing_left in sides {
                    let left = if *missing_left { plus(known, missing) } else { known };
                    let right = minus(open.sums, left);
                    if !enough(left[1]) || !enough(right[1]) {
                        continue;
                    }
                    let values = [left, right].map(|sums| self.value(sums, open.bounds));
                    if self.monotone.get(column).copied().unwrap_or(false) && values[0] > values[1] {
                        continue;
                    }
                    let gain = self.score(left, values[0]) + self.score(right, values[1]) - whole;
                    // Below this the gain is rounding.
                    if gain > best.map_or(1e-12 * whole.abs(), |best| best.gain) {
                        let (last_left, missing_left) = (last_left as u8, *missing_left);
                        best = Some(Split { gain, column, last_left, missing_left, sums: [left, right], values });
                    }
                }
            }
        }
        best
    }

    /// Moves the rows of split nodes to their children and, where those may be split again, counts their histograms.
    fn children(&self, chunks: &mut [Chunk], parents: Vec<(Open, Split)>, nodes: &[Node], again: bool) -> Vec<Open> {
        let n_columns = self.offsets.len() - 1;
        // By curvature; which side is counted changes nothing but the time.
        let smaller: Vec<usize> =
            parents.iter().map(|(_, split)| usize::from(split.sums[1][1] < split.sums[0][1])).collect();
        let parts: Vec<(Vec<u32>, Vec<Vec<Slope>>)> = chunks
            .par_iter_mut()
            .enumerate()
            .map(|(at, chunk)| {
                let (mut middles, mut counted) = (Vec::new(), Vec::new());
                for ((open, _), smaller) in parents.iter().zip(&smaller) {
                    let (from, to) = open.ranges[at];
                    let middle = chunk.partition((from, to), &nodes[open.node], n_columns);
                    middles.push(middle);
                    if again {
                        let range = if *smaller == 0 { (from, middle) } else { (middle, to) };
                        counted.push(self.histogram(chunk, range));
                    }
                }
                (middles, counted)
            })
            .collect();
        let mut children = Vec::new();
        for (ix, (open, split)) in parents.into_iter().enumerate() {
            let mut own = Vec::new();
            let mut sibling = open.histogram;
            if again {
                own = vec![[0; 2]; sibling.len()];
                own = parts.iter().fold(own, |sums, (_, counted)| add_to(sums, &counted[ix]));
                sibling.iter_mut().zip(&own).for_each(|(all, own)| *all = minus(*all, *own));
            }
            let histograms = if smaller[ix] == 0 { [own, sibling] } else { [sibling, own] };
            let middle = 0.5 * (split.values[0] + split.values[1]);
            let (low, high) = open.bounds;
            let bounds = if self.monotone.get(split.column).copied().unwrap_or(false) {
                [(low, middle), (middle, high)]
            } else {
                [open.bounds; 2]
            };
            let first = nodes[open.node].left as usize;
            for (side, histogram) in histograms.into_iter().enumerate() {
                let of_side = |((from, to), (middles, _)): (&(u32, u32), &(Vec<u32>, _))| {
                    if side == 0 { (*from, middles[ix]) } else { (middles[ix], *to) }
                };
                let ranges = open.ranges.iter().zip(&parts).map(of_side).collect();
                let (node, sums) = (first + side, split.sums[side]);
                children.push(Open { node, histogram, sums, bounds: bounds[side], ranges });
            }
        }
        children
    }
}

impl Chunk {
    /// Puts the rows of a node that go left before those that go right and returns where the latter begin.
    fn partition(&mut self, (from, to): (u32, u32), node: &Node, n_columns: usize) -> u32 {
        let rows = &mut self.order[from as usize..to as usize];
        let mut right = vec![0; rows.len()];
        // Each row is written to both sides and counted on one: a branch would be guessed wrong half of the time.
        let mut n_left = 0;
        for ix in 0..rows.len() {
            let row = rows[ix];
            let bin = self.bins[row as usize * n_columns + node.column as usize];
            rows[n_left] = row;
            right[ix - n_left] = row;
            n_left += usize::from(node.child(bin) == node.left as usize);
        }
        let n_right = rows.len() - n_left;
        rows[n_left..].copy_from_slice(&right[..n_right]);
        from + n_left as u32
    }
}

fn add_to_logits(chunks: &mut [Chunk], ranges: &[(u32, u32)], value: f64) {
    chunks.par_iter_mut().zip(ranges).for_each(|(chunk, (from, to))| {
        chunk.order[*from as usize..*to as usize].iter().for_each(|row| chunk.logits[*row as usize] += value);
    });
}

fn plus(a: Slope, b: Slope) -> Slope {
    [a[0] + b[0], a[1] + b[1]]
}

fn minus(a: Slope, b: Slope) -> Slope {
    [a[0] - b[0], a[1] - b[1]]
}

fn sum(slopes: &[Slope]) -> Slope {
    slopes.iter().fold([0; 2], |sum, slope| plus(sum, *slope))
}

fn add_to(mut sums: Vec<Slope>, other: &[Slope]) -> Vec<Slope> {
    sums.iter_mut().zip(other).for_each(|(sum, part)| *sum = plus(*sum, *part));
    sums
}

/// Adds histograms, of which an empty one is nothing.
fn add(a: Vec<Slope>, b: Vec<Slope>) -> Vec<Slope> {
    if a.is_empty() { b } else { add_to(a, &b) }
}
