//! Columns as bytes: little-endian, every list behind its length; what is read back is checked, never trusted.

/// Something that is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes that were not written this way")]
pub(super) struct Damaged;

/// A type of fixed size.
pub(super) trait Fixed: Copy {
    const SIZE: usize;
    fn put(self, to: &mut Vec<u8>);
    fn get(from: &[u8]) -> Self;
}

macro_rules! fixed {
    ($($type:ty),*) => {$(
        impl Fixed for $type {
            const SIZE: usize = size_of::<$type>();
            fn put(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
            fn get(from: &[u8]) -> Self {
                let mut bytes = [0; size_of::<$type>()];
                bytes.copy_from_slice(from);
                Self::from_le_bytes(bytes)
            }
        }
    )*};
}
fixed!(u8, u16, u32, u64, i32, i64);

/// Appends a list.
pub(super) fn put_list<T: Fixed>(values: &[T], to: &mut Vec<u8>) {
    (values.len() as u64).put(to);
    to.reserve(values.len() * T::SIZE);
    values.iter().for_each(|value| value.put(to));
}

/// Reads what was appended, in the same order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Fails where there are fewer.
    pub(super) fn bytes(&mut self, n: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads one value.
    ///
    /// # Errors
    /// Fails where the bytes end.
    pub(super) fn one<T: Fixed>(&mut self) -> Result<T, Damaged> {
        Ok(T::get(self.bytes(T::SIZE)?))
    }

    /// Reads a list.
    ///
    /// # Errors
    /// Fails where the bytes end before the list does.
    pub(super) fn list<T: Fixed>(&mut self) -> Result<Vec<T>, Damaged> {
        let n = usize::try_from(self.one::<u64>()?).map_err(|_| Damaged)?;
        let bytes = self.bytes(n.checked_mul(T::SIZE).ok_or(Damaged)?)?;
        Ok(bytes.chunks_exact(T::SIZE).map(T::get).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_back_and_a_short_one_is_noticed() {
        let mut bytes = Vec::new();
        put_list(&[1_u32, 2, u32::MAX], &mut bytes);
        put_list::<i64>(&[], &mut bytes);
        put_list(&[-5_i64], &mut bytes);
        let mut reader = Reader(&bytes);
        assert_eq!(reader.list::<u32>(), Ok(vec![1, 2, u32::MAX]));
        assert_eq!(reader.list::<i64>(), Ok(vec![]));
        assert_eq!(reader.list::<i64>(), Ok(vec![-5]));
        assert_eq!(reader.one::<u8>(), Err(Damaged));
        assert_eq!(Reader(&bytes[..10]).list::<u32>(), Err(Damaged));
        // A length that no memory holds.
        assert_eq!(Reader(&u64::MAX.to_le_bytes()).list::<u64>(), Err(Damaged));
    }
}
