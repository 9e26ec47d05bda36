//! Columns of one part of a file, as narrow as their values allow: what stays in memory, in the cache, and on disk.
//!
//! | column   | held as                                                            | bytes a row            |
//! |----------|--------------------------------------------------------------------|------------------------|
//! | text     | number of a distinct text of the part, later of all parts           | 4                      |
//! | order    | the same, and the key of each distinct order of the part            | 4 + 8 an order         |
//! | number   | multiples of 1, 0.01, 0.0001 or a millionth that fit 32 bits        | 4, else 8              |
//! | date     | days after the first of the part; milliseconds where there are any  | 2 + 4, else 4 + 4      |

use super::column::{Builder, NO_DAY, NO_NUMBER, Values};
use super::texts::Texts;
use crate::units::NONE_IX;

/// A column of one part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Packed {
    /// Numbers of texts, [`NONE_IX`] where the cell is empty.
    Text {
        codes: Vec<u32>,
        texts: Texts,
    },
    /// Numbers of texts in a dictionary of all parts.
    Interned(Vec<u32>),
    /// Numbers of keys.
    Keyed {
        codes: Vec<u32>,
        keys: Vec<u64>,
    },
    Number(Numbers),
    /// Days, and milliseconds of the day, which are empty where no row has a time.
    Date {
        days: Days,
        millis: Vec<u32>,
    },
}

impl Packed {
    /// Packs a column; nothing for flags, which no table of lines has.
    pub(super) fn of(builder: Builder) -> Option<Self> {
        match builder.into_values() {
            Values::Text { codes, texts } => Some(Self::Text { codes, texts }),
            Values::Number(values) => Some(Self::Number(Numbers::pack(values))),
            Values::Date { day, mut millis } => {
                if millis.iter().all(|millis| *millis == 0) {
                    millis = Vec::new();
                } else {
                    millis.resize(day.len(), 0);
                }
                Some(Self::Date { days: Days::pack(day), millis })
            }
            Values::Flag => None,
        }
    }

    /// Returns the same column with some rows alone, and without the texts of the others.
    pub(super) fn kept(&self, keeps: &[bool]) -> Self {
        let rows = || keeps.iter().enumerate().filter(|(_, keep)| **keep).map(|(row, _)| row);
        let of = |codes: &[u32]| -> Vec<u32> { rows().map(|row| codes[row]).collect() };
        match self {
            Self::Text { codes, texts } => {
                let (mut kept, mut numbers) = (Texts::default(), vec![NONE_IX; texts.iter().count()]);
                let mut codes = of(codes);
                for code in codes.iter_mut().filter(|code| **code != NONE_IX) {
                    let number = &mut numbers[*code as usize];
                    if *number == NONE_IX {
                        *number = kept.push(texts.get(*code));
                    }
                    *code = *number;
                }
                Self::Text { codes, texts: kept }
            }
            Self::Interned(codes) => Self::Interned(of(codes)),
            Self::Keyed { codes, keys } => Self::Keyed { codes: of(codes), keys: keys.clone() },
            Self::Number(numbers) => Self::Number(Numbers::pack(rows().map(|row| numbers.at(row)).collect())),
            Self::Date { days, millis } => Self::Date {
                days: Days::pack(rows().map(|row| days.at(row)).collect()),
                millis: if millis.is_empty() { Vec::new() } else { of(millis) },
            },
        }
    }

    /// Returns the memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text { codes, texts } => codes.capacity() * 4 + texts.bytes(),
            Self::Interned(codes) => codes.capacity() * 4,
            Self::Keyed { codes, keys } => codes.capacity() * 4 + keys.capacity() * 8,
            Self::Number(numbers) => numbers.bytes(),
            Self::Date { days, millis } => days.bytes() + millis.capacity() * 4,
        }
    }
}

/// Numbers in millionths.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    /// Multiples of `unit` millionths; `i32::MIN` where the cell is empty.
    Short { unit: i64, values: Vec<i32> },
    /// [`NO_NUMBER`] where the cell is empty.
    Long(Vec<i64>),
}

/// Where an empty cell stands among short numbers.
const NO_SHORT: i32 = i32::MIN;

impl Numbers {
    pub(super) fn pack(values: Vec<i64>) -> Self {
        // Divisors that are known when this is compiled cost a multiplication.
        shorten::<1_000_000>(&values)
            .or_else(|| shorten::<10_000>(&values))
            .or_else(|| shorten::<100>(&values))
            .or_else(|| shorten::<1>(&values))
            .unwrap_or(Self::Long(values))
    }

    /// Returns the number of a row, or [`NO_NUMBER`]; also where the column is not there.
    pub(super) fn at(&self, row: usize) -> i64 {
        match self {
            Self::Short { unit, values } => match values.get(row) {
                None | Some(&NO_SHORT) => NO_NUMBER,
                Some(value) => i64::from(*value) * unit,
            },
            Self::Long(values) => values.get(row).copied().unwrap_or(NO_NUMBER),
        }
    }

    /// Returns the largest magnitude.
    pub(super) fn largest(&self) -> u64 {
        let values: Box<dyn Iterator<Item = u64>> = match self {
            Self::Short { unit, values } => {
                let short = values.iter().filter(|value| **value != NO_SHORT).map(|value| value.unsigned_abs()).max();
                Box::new(short.map(|short| u64::from(short) * unit.unsigned_abs()).into_iter())
            }
            Self::Long(values) => {
                Box::new(values.iter().filter(|value| **value != NO_NUMBER).map(|value| value.unsigned_abs()))
            }
        };
        values.max().unwrap_or(0)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Short { values, .. } => values.capacity() * 4,
            Self::Long(values) => values.capacity() * 8,
        }
    }
}

fn shorten<const UNIT: i64>(values: &[i64]) -> Option<Numbers> {
    let fits = |value: &i64| {
        *value == NO_NUMBER || (*value % UNIT == 0 && (value / UNIT).unsigned_abs() <= i32::MAX.unsigned_abs().into())
    };
    if !values.iter().all(fits) {
        return None;
    }
    let short = |value: &i64| if *value == NO_NUMBER { NO_SHORT } else { (value / UNIT) as i32 };
    Some(Numbers::Short { unit: UNIT, values: values.iter().map(short).collect() })
}

/// Days since 1970-01-01.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Days {
    /// Days after `first`; `u16::MAX` where the cell is empty.
    Short { first: i32, offsets: Vec<u16> },
    /// [`NO_DAY`] where the cell is empty.
    Long(Vec<i32>),
}

impl Days {
    pub(super) fn pack(days: Vec<i32>) -> Self {
        let known = || days.iter().copied().filter(|day| *day != NO_DAY);
        let (first, last) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
        if i64::from(last) - i64::from(first) >= i64::from(u16::MAX) {
            return Self::Long(days);
        }
        let offset = |day: &i32| if *day == NO_DAY { u16::MAX } else { (day - first) as u16 };
        Self::Short { first, offsets: days.iter().map(offset).collect() }
    }

    /// Returns the day of a row, or [`NO_DAY`].
    pub(super) fn at(&self, row: usize) -> i32 {
        match self {
            Self::Short { first, offsets } => match offsets[row] {
                u16::MAX => NO_DAY,
                offset => first + i32::from(offset),
            },
            Self::Long(days) => days[row],
        }
    }

    /// Counts the rows of each day, ascending by day; rows without a day are left out.
    pub(super) fn histogram(&self) -> Vec<(i32, u64)> {
        match self {
            Self::Short { first, offsets } => {
                let mut counts = vec![0_u64; usize::from(u16::MAX) + 1];
                offsets.iter().for_each(|offset| counts[usize::from(*offset)] += 1);
                let days = counts[..usize::from(u16::MAX)].iter().enumerate().filter(|(_, n)| **n > 0);
                days.map(|(offset, n)| (first + offset as i32, *n)).collect()
            }
            Self::Long(days) => {
                let mut days: Vec<i32> = days.iter().copied().filter(|day| *day != NO_DAY).collect();
                days.sort_unstable();
                days.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Short { offsets, .. } => offsets.capacity() * 2,
            Self::Long(days) => days.capacity() * 4,
        }
    }
}

/// Returns the code of a row, or that of nothing where the column is not there.
pub(super) fn code(codes: &[u32], row: usize) -> u32 {
    codes.get(row).copied().unwrap_or(NONE_IX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_held_in_cents_and_pieces_as_pieces() {
        let unit = |values: &[i64]| match Numbers::pack(values.to_vec()) {
            Numbers::Short { unit, .. } => unit,
            Numbers::Long(_) => 0,
        };
        assert_eq!(unit(&[1_000_000, NO_NUMBER, -5_000_000]), 1_000_000);
        assert_eq!(unit(&[12_340_000]), 10_000);
        assert_eq!(unit(&[1]), 1);
        assert_eq!(unit(&[1, i64::MAX]), 0);
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(
            numbers in prop::collection::vec(prop_oneof![Just(NO_NUMBER), any::<i64>(), (-5_000..5_000_i64).prop_map(|cents| cents * 10_000)], 0..9),
            days in prop::collection::vec(prop_oneof![Just(NO_DAY), -719_162..2_932_896_i32, 19_000..20_000_i32], 0..9),
        ) {
            let packed = Numbers::pack(numbers.clone());
            prop_assert_eq!((0..numbers.len()).map(|row| packed.at(row)).collect::<Vec<_>>(), numbers.clone());
            let largest = numbers.iter().filter(|value| **value != NO_NUMBER).map(|value| value.unsigned_abs()).max();
            prop_assert_eq!(packed.largest(), largest.unwrap_or(0));
            let packed = Days::pack(days.clone());
            prop_assert_eq!((0..days.len()).map(|row| packed.at(row)).collect::<Vec<_>>(), days.clone());
            let n: u64 = packed.histogram().iter().map(|(_, n)| n).sum();
            prop_assert_eq!(n as usize, days.iter().filter(|day| **day != NO_DAY).count());
        }
    }
}
