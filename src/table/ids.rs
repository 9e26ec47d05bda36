//! Sorted, distinct texts in one arena; the position of a text is its rank.

/// Distinct texts in ascending byte order, held in one buffer; `O(log n)` to find, `O(1)` to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    text: String,
    ends: Vec<usize>,
}

impl Ids {
    /// Keeps texts that are already distinct and ascending.
    ///
    /// # Panics
    /// Panics if they are not, because every dense column would then point at the wrong text.
    pub fn from_sorted<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ids = Self::default();
        for text in texts {
            if let Some(last) = ids.len().checked_sub(1) {
                assert!(ids.get(last as u32) < text, "ids must be distinct and ascending");
            }
            ids.text.push_str(text);
            ids.ends.push(ids.text.len());
        }
        ids
    }

    /// Returns how many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Says whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the text of a rank.
    pub fn get(&self, ix: u32) -> &str {
        let ix = ix as usize;
        let start = if ix == 0 { 0 } else { self.ends[ix - 1] };
        &self.text[start..self.ends[ix]]
    }

    /// Returns the rank of a text.
    pub fn position(&self, text: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle as u32).cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle as u32),
            }
        }
        None
    }

    /// Goes through all texts in order of rank.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len() as u32).map(|ix| self.get(ix))
    }
}
