//! Distinct texts of one part of a column, in one buffer, in order of appearance.

/// Texts by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Takes over a buffer and where each text ends in it.
    ///
    /// Returns nothing where the ends do not cut the buffer into texts.
    pub(super) fn from_parts(text: String, ends: Vec<usize>) -> Option<Self> {
        let ascending = ends.is_sorted() && ends.last().copied().unwrap_or(0) == text.len();
        (ascending && ends.iter().all(|end| text.is_char_boundary(*end))).then_some(Self { text, ends })
    }

    /// Returns the buffer and where each text ends in it.
    pub(super) fn parts(&self) -> (&str, &[usize]) {
        (&self.text, &self.ends)
    }

    /// Adds a text and returns its number.
    pub(super) fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.ends.len() as u32 - 1
    }

    /// Returns the text of a number.
    pub(super) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.text[start..self.ends[number]]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len() as u32).map(|number| self.get(number))
    }

    /// Returns the memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}
