//! The bytes that can end something, delimiter, line end and quote, found 64 at a time.
//!
//! Fields are a few bytes long, so a search that starts anew at each of them spends its time starting. Here a block of 64 bytes is
//! compared as a whole and becomes one bit a byte; what follows goes from bit to bit.
//!
//! | step                | per 64 bytes                                                        |
//! |---------------------|---------------------------------------------------------------------|
//! | compare             | three comparisons a byte, which compile to vector instructions      |
//! | gather              | one multiplication for eight bytes moves their top bits together    |
//! | go through          | two instructions a bit that is set                                  |
//!
//! `O(n)` time, no memory. Source: Mula, Langdale, Lemire, "Parsing gigabytes of JSON per second" (2019), without its intrinsics.

const BLOCK: usize = 64;

/// Goes through the positions of three bytes in ascending order.
pub(super) struct Marks<'t> {
    text: &'t [u8],
    wanted: [u8; 3],
    /// Where the block of `bits` begins.
    block: usize,
    /// Positions in the block that were not returned yet.
    bits: u64,
}

impl<'t> Marks<'t> {
    /// Starts at a position.
    pub(super) fn new(text: &'t [u8], wanted: [u8; 3], from: usize) -> Self {
        let block = from.min(text.len()) / BLOCK * BLOCK;
        let mut marks = Self { text, wanted, block, bits: 0 };
        marks.bits = marks.bits_of(block) & (u64::MAX << (from.min(text.len()) - block));
        marks
    }

    /// Returns the next position, or nothing at the end of the text.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            let next = self.block + BLOCK;
            if next >= self.text.len() {
                return None;
            }
            self.block = next;
            self.bits = self.bits_of(next);
        }
        let position = self.block + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(position)
    }

    #[inline(always)]
    fn bits_of(&self, block: usize) -> u64 {
        match self.text.get(block..block + BLOCK).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => bits(bytes, self.wanted),
            None => self.last_bits(block),
        }
    }

    #[cold]
    fn last_bits(&self, block: usize) -> u64 {
        let rest = self.text.get(block..).unwrap_or_default();
        let mut bytes = [0; BLOCK];
        bytes[..rest.len()].copy_from_slice(rest);
        bits(&bytes, self.wanted) & !(u64::MAX << rest.len())
    }
}

/// Returns a bit for every byte that is one of three.
#[inline(always)]
fn bits(bytes: &[u8; BLOCK], [a, b, c]: [u8; 3]) -> u64 {
    let mut hits = [0_u8; BLOCK];
    for (hit, byte) in hits.iter_mut().zip(bytes) {
        *hit = u8::from(*byte == a) | u8::from(*byte == b) | u8::from(*byte == c);
    }
    let mut bits = 0;
    for (ix, eight) in hits.as_chunks::<8>().0.iter().enumerate() {
        // Moves the lowest bit of every byte into the topmost byte, the first byte lowest.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= gathered << (8 * ix);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every position of a wanted byte comes, in order, from wherever it starts, and no other.
        #[test]
        fn marks_are_where_the_bytes_are(text in proptest::collection::vec(prop_oneof![9 => any::<u8>(), 1 => Just(b',')], 0..300), from in 0..300_usize) {
            let wanted = [b',', b'\n', 0];
            let mut marks = Marks::new(&text, wanted, from);
            let found: Vec<usize> = std::iter::from_fn(|| marks.next()).collect();
            let expected: Vec<usize> = (from..text.len()).filter(|at| wanted.contains(&text[*at])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
