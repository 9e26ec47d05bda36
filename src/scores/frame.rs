//! The only room that knows polars: assembly, expressions, joins and writing of tables.
//!
//! Inside a frame money is `Int64` minor units, so that comparisons are exact; it is written as `Decimal(18, 2)`.

use std::io::Write;
use std::num::NonZeroUsize;

use polars::prelude::{
    CsvWriter, DataFrame, DataType, DateChunked, Expr, Float64Chunked, Int32Chunked, Int64Chunked, IntoColumn,
    IntoLazy, IntoSeries, JoinArgs, JoinType, MaintainOrderJoin, NamedFrom, NewChunkedArray, ParquetCompression,
    ParquetWriter, PolarsError, PolarsResult, SerWriter, Series, StringChunked, col,
};

use super::CUSTOMER_ID;
use crate::table::{Column, Ids, Nullable, Values};
use crate::units::NONE_IX;

/// What a segment needs to build its condition.
pub mod dsl {
    use polars::prelude::DataType;
    pub use polars::prelude::{Expr, col, lit};

    /// Returns a date literal of days since 1970-01-01.
    pub fn date(day: i32) -> Expr {
        lit(day).cast(DataType::Date)
    }
}

/// Rows a Parquet row group holds at most: large enough to compress, small enough to read in parallel.
const ROWS_PER_GROUP: usize = 262_144;

/// Digits of the decimal type that money is written as: fits 64-bit integers in every reader.
const DECIMAL_PRECISION: usize = 18;

/// Decimal places of money.
const DECIMAL_SCALE: usize = 2;

/// Why a table could not be computed or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FrameError(#[from] PolarsError);

impl FrameError {
    /// Returns the error of the operating system, where that was the reason.
    pub fn io(&self) -> Option<&std::io::Error> {
        match &self.0 {
            PolarsError::IO { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// A table of typed columns.
#[derive(Debug, Clone)]
pub struct Frame {
    data: DataFrame,
    money: Vec<String>,
}

impl Frame {
    /// Builds a table from finished columns of equal length.
    pub fn new<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Self {
        Self::with_first(None, columns)
    }

    /// Builds a table of customers: the id first, then the columns, all in order of `CustomerIx`.
    pub fn of_customers<'a>(ids: &Ids, columns: impl IntoIterator<Item = &'a Column>) -> Self {
        let id = StringChunked::from_iter_values(CUSTOMER_ID.into(), ids.iter()).into_series();
        Self::with_first(Some(id), columns)
    }

    /// Builds a table of texts; an empty text is null.
    pub fn of_texts<'a>(columns: impl IntoIterator<Item = (&'a str, Vec<Option<&'a str>>)>) -> Self {
        let series = columns.into_iter().map(|(name, texts)| Series::new(name.into(), texts).into_column()).collect();
        Self { data: DataFrame::new_infer_height(series).expect("columns of one table have one length"), money: vec![] }
    }

    fn with_first<'a>(first: Option<Series>, columns: impl IntoIterator<Item = &'a Column>) -> Self {
        let columns: Vec<&Column> = columns.into_iter().collect();
        let money = columns.iter().filter(|c| matches!(c.values, Values::Money(_))).map(|c| c.name.clone()).collect();
        let series = first.into_iter().chain(columns.into_iter().map(series)).map(IntoColumn::into_column).collect();
        Self { data: DataFrame::new_infer_height(series).expect("columns of one table have one length"), money }
    }

    /// Returns the number of rows.
    pub fn height(&self) -> usize {
        self.data.height()
    }

    /// Returns the rows for which `condition` is true; where it is unknown, they are left out.
    ///
    /// # Errors
    /// Fails where the condition does not fit the columns, which checking it beforehand rules out.
    pub fn filter(&self, condition: Expr) -> Result<Self, FrameError> {
        self.with(self.data.clone().lazy().filter(condition).collect())
    }

    /// Returns these columns in this order.
    ///
    /// # Errors
    /// Fails where a column does not exist.
    pub fn select(&self, names: &[&str]) -> Result<Self, FrameError> {
        let columns: Vec<Expr> = names.iter().map(|name| col(*name)).collect();
        self.with(self.data.clone().lazy().select(columns).collect())
    }

    /// Adds the columns of `other` to the rows whose customer id it holds, in the order of this table.
    ///
    /// # Errors
    /// Fails where either table has no customer id.
    pub fn join_on_customer(&self, other: &Self) -> Result<Self, FrameError> {
        let how = JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Inner) };
        let id = [col(CUSTOMER_ID)];
        let mut joined =
            self.with(self.data.clone().lazy().join(other.data.clone().lazy(), &id, &id, how).collect())?;
        joined.money.extend(other.money.iter().cloned());
        Ok(joined)
    }

    /// Puts the columns of a table of equal height beside those of this one.
    ///
    /// # Errors
    /// Fails where heights differ or a name stands in both.
    pub fn beside(&self, other: &Self) -> Result<Self, FrameError> {
        let mut both = self.with(self.data.hstack(other.data.columns()))?;
        both.money.extend(other.money.iter().cloned());
        Ok(both)
    }

    /// Returns the texts of a column, an unknown one as nothing.
    ///
    /// # Errors
    /// Fails where there is no such text column.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<String>>, FrameError> {
        Ok(self.data.column(name)?.str()?.iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn with(&self, data: PolarsResult<DataFrame>) -> Result<Self, FrameError> {
        Ok(Self { data: data?, money: self.money.clone() })
    }

    /// Writes Parquet: zstd, statistics, money as decimals.
    ///
    /// # Errors
    /// Fails where `to` cannot be written.
    pub fn write_parquet(&self, to: impl Write) -> Result<(), FrameError> {
        let zstd = ParquetCompression::Zstd(None);
        ParquetWriter::new(to)
            .with_compression(zstd)
            .with_row_group_size(Some(ROWS_PER_GROUP))
            .finish(&mut self.with_decimals()?)?;
        Ok(())
    }

    /// Writes CSV: UTF-8, comma, ISO dates, decimal point, nulls empty.
    ///
    /// # Errors
    /// Fails where `to` cannot be written.
    pub fn write_csv(&self, to: impl Write) -> Result<(), FrameError> {
        let batch = NonZeroUsize::new(16_384).expect("a constant above zero");
        CsvWriter::new(to).with_batch_size(batch).finish(&mut self.with_decimals()?)?;
        Ok(())
    }

    fn with_decimals(&self) -> PolarsResult<DataFrame> {
        let mut data = self.data.clone();
        for name in &self.money {
            if let Ok(column) = data.column(name) {
                let minor = column.cast(&DataType::Int128)?;
                let decimal = minor.i128()?.clone().into_decimal_unchecked(DECIMAL_PRECISION, DECIMAL_SCALE);
                data.with_column(decimal.into_series().into_column())?;
            }
        }
        Ok(data)
    }
}

fn series(column: &Column) -> Series {
    let name = column.name.as_str().into();
    match &column.values {
        Values::Text { codes, labels } => {
            let text = |code: &u32| if *code == NONE_IX { None } else { Some(labels[*code as usize].as_str()) };
            StringChunked::from_iter_options(name, codes.iter().map(text)).into_series()
        }
        Values::Integer(values) | Values::Money(values) => {
            Int64Chunked::from_iter_options(name, values.iter()).into_series()
        }
        Values::Number(values) => Float64Chunked::from_iter_options(name, finite(values)).into_series(),
        Values::Date(values) => {
            let date: DateChunked = Int32Chunked::from_iter_options(name, values.iter()).into_date();
            date.into_series()
        }
    }
}

/// A score that is not a number is no score: the last guard before anything is written.
fn finite(values: &Nullable<f64>) -> impl Iterator<Item = Option<f64>> + '_ {
    values.iter().map(|value| value.filter(|number| number.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let money = Nullable::from_iter([Some(123_456), None, Some(-5)]);
        let day = Nullable::from(vec![0, 1, 2]);
        Frame::of_customers(
            &Ids::from_sorted(["007", "8", "9"]),
            [&Column::new("clv", Values::Money(money)), &Column::new("first", Values::Date(day))],
        )
    }

    fn csv(frame: &Frame) -> String {
        let mut out = Vec::new();
        frame.write_csv(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn money_is_written_as_decimals_dates_as_iso_and_nulls_empty() {
        assert_eq!(csv(&frame()), "customer_id,clv,first\n007,1234.56,1970-01-01\n8,,1970-01-02\n9,-0.05,1970-01-03\n");
    }

    #[test]
    fn an_unknown_value_fulfils_no_condition() {
        let kept = frame().filter(col("clv").lt(dsl::lit(1_000_000_i64))).unwrap();
        assert_eq!(csv(&kept.select(&["customer_id"]).unwrap()), "customer_id\n007\n9\n");
        let kept = frame().filter(col("clv").lt(dsl::lit(1_000_000_i64)).not()).unwrap();
        assert_eq!(kept.height(), 0);
    }

    #[test]
    fn a_join_keeps_order_and_money() {
        let other = Frame::of_texts([
            ("customer_id", vec![Some("9"), Some("007")]),
            ("email", vec![Some("a@example.com"), None]),
        ]);
        let joined = frame().join_on_customer(&other).unwrap().select(&["customer_id", "email", "clv"]).unwrap();
        assert_eq!(csv(&joined), "customer_id,email,clv\n007,,1234.56\n9,a@example.com,-0.05\n");
    }

    #[test]
    fn dates_compare_with_their_columns() {
        let late = frame().filter(col("first").gt_eq(dsl::date(1))).unwrap();
        assert_eq!(late.height(), 2);
    }
}
