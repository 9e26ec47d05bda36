//! Packed columns as bytes, for the cache and for lines that do not fit into memory.

use super::bytes::{Damaged, Fixed, Reader, put_list};
use super::packed::{Days, Numbers, Packed};
use super::texts::Texts;

const TEXT: u8 = 0;
const INTERNED: u8 = 1;
const KEYED: u8 = 2;
const SHORT_NUMBERS: u8 = 3;
const LONG_NUMBERS: u8 = 4;
const SHORT_DAYS: u8 = 5;
const LONG_DAYS: u8 = 6;

/// Units that numbers are packed in.
const UNITS: [i64; 4] = [1, 100, 10_000, 1_000_000];

/// No day of the years 1 to 9999 lies farther from 1970.
const FARTHEST_DAY: u32 = 3_000_000;

/// Appends a column.
pub(super) fn put(column: &Packed, to: &mut Vec<u8>) {
    match column {
        Packed::Text { codes, texts } => {
            to.push(TEXT);
            put_list(codes, to);
            let (text, ends) = texts.parts();
            put_list(text.as_bytes(), to);
            let ends: Vec<u64> = ends.iter().map(|end| *end as u64).collect();
            put_list(&ends, to);
        }
        Packed::Interned(codes) => {
            to.push(INTERNED);
            put_list(codes, to);
        }
        Packed::Keyed { codes, keys } => {
            to.push(KEYED);
            put_list(codes, to);
            put_list(keys, to);
        }
        Packed::Number(Numbers::Short { unit, values }) => {
            to.push(SHORT_NUMBERS);
            unit.put(to);
            put_list(values, to);
        }
        Packed::Number(Numbers::Long(values)) => {
            to.push(LONG_NUMBERS);
            put_list(values, to);
        }
        Packed::Date { days, millis } => {
            match days {
                Days::Short { first, offsets } => {
                    to.push(SHORT_DAYS);
                    first.put(to);
                    put_list(offsets, to);
                }
                Days::Long(days) => {
                    to.push(LONG_DAYS);
                    put_list(days, to);
                }
            }
            put_list(millis, to);
        }
    }
}

/// Reads a column of `n_rows`.
///
/// # Errors
/// Fails where the bytes are not those of a column of this length.
pub(super) fn get(from: &mut Reader<'_>, n_rows: usize) -> Result<Packed, Damaged> {
    let column = match from.one::<u8>()? {
        TEXT => {
            let codes = from.list()?;
            let text = String::from_utf8(from.list()?).map_err(|_| Damaged)?;
            let ends: Vec<u64> = from.list()?;
            let ends = ends.into_iter().map(|end| end as usize).collect();
            Packed::Text { codes, texts: Texts::from_parts(text, ends).ok_or(Damaged)? }
        }
        INTERNED => Packed::Interned(from.list()?),
        KEYED => Packed::Keyed { codes: from.list()?, keys: from.list()? },
        SHORT_NUMBERS => Packed::Number(Numbers::Short { unit: from.one()?, values: from.list()? }),
        LONG_NUMBERS => Packed::Number(Numbers::Long(from.list()?)),
        SHORT_DAYS => {
            let days = Days::Short { first: from.one()?, offsets: from.list()? };
            Packed::Date { days, millis: from.list()? }
        }
        LONG_DAYS => Packed::Date { days: Days::Long(from.list()?), millis: from.list()? },
        _ => return Err(Damaged),
    };
    if is_whole(&column, n_rows) { Ok(column) } else { Err(Damaged) }
}

/// Says whether a column has its rows, and no code points past its texts.
fn is_whole(column: &Packed, n_rows: usize) -> bool {
    let in_range = |codes: &[u32], n: usize| {
        codes.len() == n_rows && codes.iter().all(|code| (*code as usize) < n || *code == crate::units::NONE_IX)
    };
    match column {
        Packed::Text { codes, texts } => in_range(codes, texts.len()),
        Packed::Interned(codes) => codes.len() == n_rows,
        Packed::Keyed { codes, keys } => in_range(codes, keys.len()),
        Packed::Number(Numbers::Short { unit, values }) => values.len() == n_rows && UNITS.contains(unit),
        Packed::Number(Numbers::Long(values)) => values.len() == n_rows,
        Packed::Date { days, millis } => {
            let (n, first) = match days {
                Days::Short { first, offsets } => (offsets.len(), *first),
                Days::Long(days) => (days.len(), 0),
            };
            n == n_rows && first.unsigned_abs() <= FARTHEST_DAY && (millis.is_empty() || millis.len() == n_rows)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::NONE_IX;

    fn columns() -> Vec<Packed> {
        let mut texts = Texts::default();
        texts.push("ä");
        texts.push("b");
        vec![
            Packed::Text { codes: vec![1, NONE_IX, 0], texts },
            Packed::Interned(vec![7, 8, NONE_IX]),
            Packed::Keyed { codes: vec![0, 0, NONE_IX], keys: vec![99] },
            Packed::Number(Numbers::pack(vec![10_000, -20_000, i64::MIN])),
            Packed::Number(Numbers::pack(vec![i64::MAX, 1, 2])),
            Packed::Date { days: Days::pack(vec![20_000, 20_001, i32::MIN]), millis: vec![1, 2, 3] },
            Packed::Date { days: Days::pack(vec![-700_000, 20_001, 3]), millis: vec![] },
        ]
    }

    #[test]
    fn columns_read_back() {
        for column in columns() {
            let mut bytes = Vec::new();
            put(&column, &mut bytes);
            let mut reader = Reader(&bytes);
            assert_eq!(get(&mut reader, 3).as_ref(), Ok(&column));
            assert!(reader.0.is_empty());
            assert_eq!(get(&mut Reader(&bytes), 4), Err(Damaged), "{column:?} of other length");
        }
    }

    #[test]
    fn bytes_cut_short_are_noticed_wherever_they_end() {
        for column in columns() {
            let mut bytes = Vec::new();
            put(&column, &mut bytes);
            for end in 0..bytes.len() {
                assert!(get(&mut Reader(&bytes[..end]), 3).is_err(), "{column:?} up to {end}");
            }
        }
    }
}
