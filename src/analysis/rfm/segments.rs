//! Names for the 125 combinations of recency, frequency and monetary scores, 5 being best.
//!
//! [`SegmentMap::Eleven`] names each of the 125 codes once; it is the list that Putler, Mindbox and Squeezely use.
//! [`SegmentMap::RPackage`] is that of the R package rfm 0.3.0: ten boxes of scores, the first that fits gives the name,
//! and what fits none is "Others".
//! [`SegmentMap::Grid`] is the grid of recency and frequency that the Python tutorials use: ten boxes, monetary value does not matter.

/// Which names the scores are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentMap {
    /// Eleven segments, each code in exactly one.
    #[default]
    Eleven,
    /// Ten segments and "Others".
    RPackage,
    /// Ten segments by recency and frequency alone.
    Grid,
}

/// The 125 codes, each with the digits of R, F and M.
const ELEVEN: [(&str, &[u16]); 11] = [
    ("Champions", &[555, 554, 544, 545, 454, 455, 445]),
    ("Loyal", &[543, 444, 435, 355, 354, 345, 344, 335]),
    (
        "Potential Loyalist",
        &[
            553, 551, 552, 541, 542, 533, 532, 531, 452, 451, 442, 441, 431, 453, 433, 432, 423, 353, 352, 351, 342,
            341, 333, 323,
        ],
    ),
    ("New Customers", &[512, 511, 422, 421, 412, 411, 311]),
    ("Promising", &[525, 524, 523, 522, 521, 515, 514, 513, 425, 424, 413, 414, 415, 315, 314, 313]),
    ("Need Attention", &[535, 534, 443, 434, 343, 334, 325, 324]),
    ("About To Sleep", &[331, 321, 312, 221, 213, 231, 241, 251]),
    (
        "At Risk",
        &[255, 254, 245, 244, 253, 252, 243, 242, 235, 234, 225, 224, 153, 152, 145, 143, 142, 135, 134, 133, 125, 124],
    ),
    ("Cannot Lose Them", &[155, 154, 144, 214, 215, 115, 114, 113]),
    ("Hibernating", &[332, 322, 233, 232, 223, 222, 132, 123, 122, 212, 211]),
    ("Lost", &[111, 112, 121, 131, 141, 151]),
];

/// Name and inclusive ranges of R, F and M, in order of precedence.
const R_PACKAGE: [(&str, [[u8; 2]; 3]); 11] = [
    ("Champions", [[5, 5], [5, 5], [5, 5]]),
    ("Potential Loyalist", [[3, 5], [3, 5], [2, 5]]),
    ("Loyal Customers", [[2, 4], [2, 4], [2, 4]]),
    ("Promising", [[3, 4], [1, 3], [3, 5]]),
    ("New Customers", [[4, 5], [1, 3], [1, 5]]),
    ("Can't Lose Them", [[1, 2], [3, 4], [4, 5]]),
    ("At Risk", [[1, 2], [2, 5], [4, 5]]),
    ("Need Attention", [[1, 3], [3, 5], [3, 5]]),
    ("About To Sleep", [[2, 3], [1, 3], [1, 4]]),
    ("Lost", [[1, 1], [1, 5], [1, 5]]),
    ("Others", [[1, 5], [1, 5], [1, 5]]),
];

/// Name and inclusive ranges of R and F; no two boxes overlap.
const GRID: [(&str, [[u8; 2]; 2]); 10] = [
    ("Champions", [[5, 5], [4, 5]]),
    ("Loyal", [[3, 4], [4, 5]]),
    ("Potential Loyalist", [[4, 5], [2, 3]]),
    ("New Customers", [[5, 5], [1, 1]]),
    ("Promising", [[4, 4], [1, 1]]),
    ("Need Attention", [[3, 3], [3, 3]]),
    ("About To Sleep", [[3, 3], [1, 2]]),
    ("At Risk", [[1, 2], [3, 4]]),
    ("Cannot Lose Them", [[1, 2], [5, 5]]),
    ("Hibernating", [[1, 2], [1, 2]]),
];

impl SegmentMap {
    /// All maps, the default first.
    pub const ALL: [Self; 3] = [Self::Eleven, Self::RPackage, Self::Grid];

    /// Returns the word that pipeline and manifest use.
    pub fn label(self) -> &'static str {
        match self {
            Self::Eleven => "eleven",
            Self::RPackage => "r-package",
            Self::Grid => "grid",
        }
    }

    /// Returns the names of the segments, in the order of the positions that [`SegmentMap::table`] holds.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::Eleven => ELEVEN.map(|(name, _)| name).to_vec(),
            Self::RPackage => R_PACKAGE.map(|(name, _)| name).to_vec(),
            Self::Grid => GRID.map(|(name, _)| name).to_vec(),
        }
    }

    /// Returns the segment of every combination of scores.
    pub fn table(self) -> SegmentTable {
        let mut segment = [0; 125];
        for (code, entry) in segment.iter_mut().enumerate() {
            let scores = [code / 25 + 1, code / 5 % 5 + 1, code % 5 + 1].map(|score| score as u8);
            *entry = self.find(scores);
        }
        SegmentTable { segment }
    }

    fn find(self, scores: [u8; 3]) -> u8 {
        let [r, f, m] = scores.map(u16::from);
        let fits = |ranges: &[[u8; 2]]| ranges.iter().zip(scores).all(|([low, high], s)| (*low..=*high).contains(&s));
        let found = match self {
            Self::Eleven => ELEVEN.iter().position(|(_, codes)| codes.contains(&(100 * r + 10 * f + m))),
            Self::RPackage => R_PACKAGE.iter().position(|(_, ranges)| fits(ranges)),
            Self::Grid => GRID.iter().position(|(_, ranges)| fits(ranges)),
        };
        found.expect("each map covers all 125 combinations, as its tests show") as u8
    }
}

/// The segment of each of the 125 combinations of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentTable {
    segment: [u8; 125],
}

impl SegmentTable {
    /// Returns the position of the segment's name in [`SegmentMap::names`]; scores are 1 to 5.
    pub fn segment(&self, [r, f, m]: [u8; 3]) -> u8 {
        let digit = |score: u8| usize::from(score.clamp(1, 5) - 1);
        self.segment[25 * digit(r) + 5 * digit(f) + digit(m)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(map: SegmentMap, scores: [u8; 3], expected: &str) {
        assert_eq!(map.names()[usize::from(map.table().segment(scores))], expected, "{scores:?}");
    }

    #[test]
    fn the_eleven_name_every_code_exactly_once() {
        let mut codes: Vec<u16> = ELEVEN.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        codes.sort_unstable();
        let all: Vec<u16> =
            (1..=5).flat_map(|r| (1..=5).flat_map(move |f| (1..=5).map(move |m| 100 * r + 10 * f + m))).collect();
        assert_eq!(codes, all);
    }

    #[test]
    fn codes_have_their_names() {
        check(SegmentMap::Eleven, [5, 5, 5], "Champions");
        check(SegmentMap::Eleven, [1, 1, 3], "Cannot Lose Them");
        check(SegmentMap::Eleven, [1, 5, 1], "Lost");
    }

    #[test]
    fn the_first_box_that_fits_gives_the_name() {
        check(SegmentMap::RPackage, [5, 5, 5], "Champions");
        check(SegmentMap::RPackage, [4, 4, 4], "Potential Loyalist");
        check(SegmentMap::RPackage, [1, 4, 5], "Can't Lose Them");
        check(SegmentMap::RPackage, [1, 5, 5], "At Risk");
        check(SegmentMap::RPackage, [1, 1, 1], "Lost");
        check(SegmentMap::RPackage, [5, 4, 1], "Others");
    }

    #[test]
    fn the_grid_goes_by_recency_and_frequency_and_no_two_boxes_overlap() {
        check(SegmentMap::Grid, [5, 4, 1], "Champions");
        check(SegmentMap::Grid, [3, 3, 5], "Need Attention");
        check(SegmentMap::Grid, [2, 5, 5], "Cannot Lose Them");
        check(SegmentMap::Grid, [4, 1, 5], "Promising");
        let area = |[[a, b], [c, d]]: [[u8; 2]; 2]| u32::from((b - a + 1) * (d - c + 1));
        // Every one of 25 cells has a box, so boxes of 25 cells together do not overlap.
        assert_eq!(GRID.map(|(_, ranges)| area(ranges)).iter().sum::<u32>(), 25);
    }

    #[test]
    fn every_combination_has_a_segment_in_all_maps() {
        for map in SegmentMap::ALL {
            let table = map.table();
            assert!(table.segment.iter().all(|segment| usize::from(*segment) < map.names().len()));
        }
    }
}
