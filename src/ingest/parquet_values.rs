//! Values of Arrow arrays to cells: which types a column may have, and what each becomes.
//!
//! | cell         | types                                                                                        |
//! |--------------|----------------------------------------------------------------------------------------------|
//! | `Id`, `Text` | text, integers, floats (an id only if integral), decimals, booleans, days, timestamps        |
//! | `Date`       | text, days, timestamps (UTC as stored, which is local time where no zone is given), integers `yyyymmdd` |
//! | `Decimal`    | text, integers, floats and decimals, rounded to millionths half away from zero               |
//! | `Flag`       | booleans, text, integers, floats                                                             |
//!
//! Text is read as the cells of a text file are; NaN is an empty cell.

use std::fmt::Write;
use std::ops::RangeInclusive;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::column::{Builder, Fault};
use super::parquet_texts::push_texts;
use super::spec::Cell;
use crate::units::Day;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Integers that a float holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Says whether a cell can be read from a type.
pub(super) fn can_read(kind: &DataType, cell: Cell) -> bool {
    match kind {
        DataType::Dictionary(_, values) => can_read(values, cell),
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        kind if kind.is_integer() => true,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => cell != Cell::Date,
        DataType::Boolean => matches!(cell, Cell::Flag | Cell::Id | Cell::Text),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            matches!(cell, Cell::Date | Cell::Id | Cell::Text)
        }
        kind if kind.is_decimal() => matches!(cell, Cell::Decimal | Cell::Id | Cell::Text),
        _ => false,
    }
}

/// Adds all values of an array; faults come with their row, counted from `first_row`.
///
/// # Errors
/// Fails where the array cannot be turned into the type that is read, as only damaged files make it happen.
pub(super) fn push(
    builder: &mut Builder,
    array: &ArrayRef,
    cell: Cell,
    first_row: usize,
    faults: &mut Vec<(usize, Fault)>,
) -> Result<(), ArrowError> {
    let array = &plain(array)?;
    let no_nulls = array.null_count() == 0;
    let mut values = Values { builder, array, nulls: array.nulls(), first_row, faults };
    let mut text = String::new();
    match array.data_type() {
        DataType::Null => values.each(|builder, _, _| builder.push_empty()),
        DataType::Utf8 => push_texts(values.builder, array.as_string::<i32>(), first_row, values.faults)?,
        DataType::LargeUtf8 => push_texts(values.builder, array.as_string::<i64>(), first_row, values.faults)?,
        DataType::Utf8View => {
            let strings = array.as_string_view();
            values.each(|builder, ix, row| builder.push(strings.value(ix), row));
        }
        DataType::Int64 if cell == Cell::Decimal && no_nulls => {
            let integers = array.as_primitive::<Int64Type>().values();
            values.numbers(integers.iter().map(|integer| integer.checked_mul(1_000_000)));
        }
        DataType::Decimal128(_, scale @ 0..=6) if cell == Cell::Decimal && no_nulls => {
            let factor = 10_i64.pow(6 - u32::from(scale.unsigned_abs()));
            let decimals = array.as_primitive::<Decimal128Type>().values();
            let millionths = |unscaled: &i128| i64::try_from(*unscaled).ok()?.checked_mul(factor);
            values.numbers(decimals.iter().map(millionths));
        }
        DataType::Date32 if cell == Cell::Date && no_nulls => {
            let known = known_days();
            let days = array.as_primitive::<Date32Type>().values();
            let days = days.iter().map(|day| known.contains(day).then_some(*day));
            values.builder.push_days(days, &mut |ix, fault| values.faults.push((first_row + ix, fault)));
        }
        DataType::Boolean => {
            let flags = array.as_boolean();
            values.each(|builder, ix, row| builder.push(if flags.value(ix) { "true" } else { "false" }, row));
        }
        DataType::Int64 => {
            let integers = array.as_primitive::<Int64Type>();
            values.each(|builder, ix, row| {
                let integer = integers.value(ix);
                if cell == Cell::Decimal {
                    return builder.push_number(integer.checked_mul(1_000_000));
                }
                text.clear();
                write!(text, "{integer}").map_err(|_| Fault::NoId)?;
                builder.push(&text, row)
            });
        }
        DataType::Float64 => {
            let floats = array.as_primitive::<Float64Type>();
            values.each(|builder, ix, row| {
                let float = floats.value(ix);
                if float.is_nan() {
                    return builder.push_empty();
                }
                if cell == Cell::Decimal {
                    return builder.push_number(millionths(float));
                }
                let is_integral = float.fract() == 0.0 && float.abs() <= EXACT;
                if cell == Cell::Id && !is_integral {
                    return builder.push_fault(Fault::NoId);
                }
                text.clear();
                let written = if is_integral { write!(text, "{}", float as i64) } else { write!(text, "{float}") };
                written.map_err(|_| Fault::NoId)?;
                builder.push(&text, row)
            });
        }
        DataType::Decimal128(_, scale) => {
            let (decimals, scale) = (array.as_primitive::<Decimal128Type>(), i32::from(*scale));
            values.each(|builder, ix, row| {
                let unscaled = decimals.value(ix);
                match cell {
                    Cell::Decimal => builder.push_number(rescale(unscaled, 6 - scale)),
                    _ => match whole(unscaled, scale) {
                        Some(integer) => builder.push(&integer.to_string(), row),
                        None if cell == Cell::Text => builder.push(&decimals.value_as_string(ix), row),
                        None => builder.push_fault(Fault::NoId),
                    },
                }
            });
        }
        _ if cell == Cell::Date => push_days(&mut values),
        _ => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
            values.each(|builder, ix, row| {
                text.clear();
                write!(text, "{}", formatter.value(ix)).map_err(|_| Fault::NoId)?;
                builder.push(&text, row)
            });
        }
    }
    Ok(())
}

/// The values of an array on their way into a column.
struct Values<'a> {
    builder: &'a mut Builder,
    array: &'a ArrayRef,
    nulls: Option<&'a NullBuffer>,
    first_row: usize,
    faults: &'a mut Vec<(usize, Fault)>,
}

impl Values<'_> {
    /// Adds every value by its position and row; nulls are empty cells.
    fn each(&mut self, mut push: impl FnMut(&mut Builder, usize, usize) -> Result<(), Fault>) {
        for ix in 0..self.array.len() {
            let row = self.first_row + ix;
            let is_null = self.nulls.is_some_and(|nulls| nulls.is_null(ix));
            let pushed = if is_null { self.builder.push_empty() } else { push(self.builder, ix, row) };
            if let Err(fault) = pushed {
                self.faults.push((row, fault));
            }
        }
    }
}

impl Values<'_> {
    /// Adds millionths, none of which is null.
    fn numbers(&mut self, numbers: impl Iterator<Item = Option<i64>>) {
        self.builder.push_numbers(numbers, &mut |ix, fault| self.faults.push((self.first_row + ix, fault)));
    }
}

fn push_days(values: &mut Values<'_>) {
    let array = values.array;
    let millis: Box<dyn Fn(usize) -> Option<i64>> = match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            Box::new(|ix| Some(i64::from(days.value(ix)) * MILLIS_PER_DAY))
        }
        DataType::Date64 => {
            let millis = array.as_primitive::<Date64Type>();
            Box::new(|ix| Some(millis.value(ix)))
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            let seconds = array.as_primitive::<TimestampSecondType>();
            Box::new(|ix| seconds.value(ix).checked_mul(1_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let millis = array.as_primitive::<TimestampMillisecondType>();
            Box::new(|ix| Some(millis.value(ix)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(|ix| Some(micros.value(ix).div_euclid(1_000)))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let nanos = array.as_primitive::<TimestampNanosecondType>();
            Box::new(|ix| Some(nanos.value(ix).div_euclid(1_000_000)))
        }
        _ => Box::new(|_| None),
    };
    values.each(|builder, ix, _| match millis(ix).and_then(day_and_millis) {
        Some((day, millis)) => {
            builder.push_day(day.0, millis);
            Ok(())
        }
        None => builder.push_fault(Fault::DayRange),
    });
}

/// Splits milliseconds since 1970 into day and time of day; nothing outside the years 1 to 9999.
fn day_and_millis(millis: i64) -> Option<(Day, u32)> {
    let day = i32::try_from(millis.div_euclid(MILLIS_PER_DAY)).ok()?;
    known_days().contains(&day).then_some((Day(day), millis.rem_euclid(MILLIS_PER_DAY) as u32))
}

/// Returns the days of the years 1 to 9999.
fn known_days() -> RangeInclusive<i32> {
    let day = |year, month, day| Day::from_ymd(year, month, day).unwrap_or_default().0;
    day(1, 1, 1)..=day(9999, 12, 31)
}

/// Brings the many types down to the few that are read.
fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |array: &ArrayRef, kind: &DataType| cast_with_options(array, kind, &options);
    match array.data_type() {
        DataType::Dictionary(_, values) => plain(&cast(array, values)?),
        DataType::Binary | DataType::BinaryView => cast(array, &DataType::Utf8),
        DataType::LargeBinary => cast(array, &DataType::LargeUtf8),
        DataType::UInt64 => cast(array, &DataType::Decimal128(20, 0)),
        // The shortest text of a small float is the number that was meant; widening would add digits.
        DataType::Float16 | DataType::Float32 => cast(&cast(array, &DataType::Utf8)?, &DataType::Float64),
        kind if kind.is_integer() => cast(array, &DataType::Int64),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal256(_, scale) => {
            cast(array, &DataType::Decimal128(38, *scale))
        }
        _ => Ok(array.clone()),
    }
}

/// Rounds a float to millionths, half away from zero; nothing where they do not fit.
fn millionths(float: f64) -> Option<i64> {
    let scaled = (float * 1e6).round();
    (scaled.abs() < 9.2e18).then_some(scaled as i64)
}

/// Multiplies by a power of ten, rounded half away from zero; nothing where the result does not fit.
fn rescale(unscaled: i128, power: i32) -> Option<i64> {
    let factor = 10_u128.checked_pow(power.unsigned_abs());
    let magnitude = unscaled.unsigned_abs();
    let magnitude = match (power >= 0, factor) {
        _ if magnitude == 0 => 0,
        (true, factor) => magnitude.checked_mul(factor?)?,
        (false, Some(factor)) => (magnitude + factor / 2) / factor,
        (false, None) => 0,
    };
    let magnitude = i64::try_from(magnitude).ok()?;
    Some(if unscaled < 0 { -magnitude } else { magnitude })
}

/// Returns a decimal as an integer, if it is one.
fn whole(unscaled: i128, scale: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
    if scale < 0 { unscaled.checked_mul(factor) } else { (unscaled % factor == 0).then(|| unscaled / factor) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int32Array,
        LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray,
        UInt64Array,
    };
    use arrow::datatypes::Int8Type;

    use super::super::column::{NO_DAY, NO_NUMBER, Part, Reading, TypedColumn, join};
    use super::super::dates::DateFormat;
    use super::super::number_format::NumberReading;
    use super::*;

    fn read(array: impl Array + 'static, cell: Cell) -> (TypedColumn, Vec<usize>) {
        let reading = match cell {
            Cell::Id => Reading::Id,
            Cell::Text => Reading::Text,
            Cell::Flag => Reading::Flag,
            Cell::Decimal => Reading::Number(NumberReading::POINT),
            Cell::Date => Reading::Date(DateFormat::Compact),
        };
        assert!(can_read(array.data_type(), cell));
        let (mut builder, mut faults) = (Builder::new(cell, reading, true), Vec::new());
        push(&mut builder, &(Arc::new(array) as ArrayRef), cell, 0, &mut faults).unwrap();
        (join(cell, vec![Part::Built(Box::new(builder))]), faults.into_iter().map(|(row, _)| row).collect())
    }

    fn check_text(array: impl Array + 'static, cell: Cell, expected: &[&str], faulty: &[usize]) {
        let (column, faults) = read(array, cell);
        let TypedColumn::Text { codes, values } = column else { panic!("not a text column") };
        let found: Vec<&str> =
            codes.iter().map(|code| if *code == u32::MAX { "" } else { values.get(*code) }).collect();
        assert_eq!((found.as_slice(), faults.as_slice()), (expected, faulty));
    }

    #[test]
    fn ids_are_text_whatever_their_type() {
        let ids = [Some("007"), None, Some(" 5.0"), Some("nan")];
        let expected = ["007", "", "5", ""];
        check_text(StringArray::from(ids.to_vec()), Cell::Id, &expected, &[]);
        check_text(LargeStringArray::from(ids.to_vec()), Cell::Id, &expected, &[]);
        check_text(StringViewArray::from(ids.to_vec()), Cell::Id, &expected, &[]);
        check_text(ids.into_iter().collect::<DictionaryArray<Int8Type>>(), Cell::Id, &expected, &[]);
        check_text(Int32Array::from(vec![Some(17850), None, Some(-1)]), Cell::Id, &["17850", "", "-1"], &[]);
        check_text(UInt64Array::from(vec![u64::MAX]), Cell::Id, &["18446744073709551615"], &[]);
        let floats = vec![Some(17850.0), None, Some(f64::NAN), Some(0.5), Some(1e300)];
        check_text(Float64Array::from(floats), Cell::Id, &["17850", "", "", "", ""], &[3, 4]);
        let decimals = Decimal128Array::from(vec![1_785_000, 1_785_050]).with_precision_and_scale(20, 2).unwrap();
        check_text(decimals.clone(), Cell::Id, &["17850", ""], &[1]);
        check_text(decimals, Cell::Text, &["17850", "17850.50"], &[]);
        check_text(Date32Array::from(vec![0]), Cell::Text, &["1970-01-01"], &[]);
    }

    #[test]
    fn numbers_become_millionths() {
        let check = |(column, faults): (TypedColumn, Vec<usize>), expected: &[i64], faulty: &[usize]| {
            assert_eq!((column, faults.as_slice()), (TypedColumn::Decimal(expected.to_vec()), faulty));
        };
        let floats = vec![Some(2.55), Some(-0.0000005), None, Some(f64::NAN), Some(f64::INFINITY), Some(1e13)];
        let expected = [2_550_000, -1, NO_NUMBER, NO_NUMBER, NO_NUMBER, NO_NUMBER];
        check(read(Float64Array::from(floats), Cell::Decimal), &expected, &[4, 5]);
        check(read(Float32Array::from(vec![1234.56, 0.1]), Cell::Decimal), &[1_234_560_000, 100_000], &[]);
        check(read(Int32Array::from(vec![i32::MIN]), Cell::Decimal), &[-2_147_483_648_000_000], &[]);
        check(read(StringArray::from(vec!["1.5", "x"]), Cell::Decimal), &[1_500_000, NO_NUMBER], &[1]);
        let decimals = |scale| Decimal128Array::from(vec![15, -15]).with_precision_and_scale(30, scale).unwrap();
        check(read(decimals(7), Cell::Decimal), &[2, -2], &[]);
        check(read(decimals(1), Cell::Decimal), &[1_500_000, -1_500_000], &[]);
        check(read(decimals(-2), Cell::Decimal), &[1_500_000_000, -1_500_000_000], &[]);
    }

    #[test]
    fn days_and_times_come_from_every_type() {
        let check = |(column, faults): (TypedColumn, Vec<usize>), day: &[i32], millis: &[u32], faulty: &[usize]| {
            let expected = TypedColumn::Date { day: day.to_vec(), millis: millis.to_vec() };
            assert_eq!((column, faults.as_slice()), (expected, faulty));
        };
        check(
            read(Date32Array::from(vec![Some(14_944), None, Some(i32::MAX)]), Cell::Date),
            &[14_944, NO_DAY, NO_DAY],
            &[],
            &[2],
        );
        check(read(TimestampMicrosecondArray::from(vec![-1]), Cell::Date), &[-1], &[86_399_999], &[]);
        check(read(TimestampNanosecondArray::from(vec![86_400_000_000_000]), Cell::Date), &[1], &[], &[]);
        check(read(Int32Array::from(vec![19_700_102]), Cell::Date), &[1], &[], &[]);
        check(read(StringArray::from(vec!["19700102 00:01", "x"]), Cell::Date), &[1, NO_DAY], &[60_000, 0], &[1]);
    }

    #[test]
    fn flags_come_from_booleans_and_words() {
        let check = |found: (TypedColumn, Vec<usize>)| assert_eq!(found.0, TypedColumn::Flag(vec![1, 0, 2]));
        check(read(BooleanArray::from(vec![Some(true), Some(false), None]), Cell::Flag));
        check(read(StringArray::from(vec![Some("ja"), Some("nein"), None]), Cell::Flag));
        check(read(Int32Array::from(vec![Some(1), Some(0), None]), Cell::Flag));
        check(read(Float64Array::from(vec![Some(1.0), Some(0.0), None]), Cell::Flag));
    }

    #[test]
    fn what_has_no_reading_is_refused() {
        assert!(!can_read(&DataType::Boolean, Cell::Decimal));
        assert!(!can_read(&DataType::Float64, Cell::Date));
        assert!(!can_read(&DataType::new_list(DataType::Utf8, true), Cell::Text));
    }
}
