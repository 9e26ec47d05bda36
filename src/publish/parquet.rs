//! Tables as Parquet: zstd, statistics, types that every reader knows.
//!
//! | cells        | type in the file          | encoding                                                  |
//! |--------------|---------------------------|-----------------------------------------------------------|
//! | text         | string                    | dictionary where there are fewer labels than rows; ids plain |
//! | whole number | int64                     | dictionary where few values are possible, otherwise plain |
//! | number       | double; not finite is null | plain                                                    |
//! | money        | decimal(18, 2) on int64   | plain                                                     |
//! | date         | date                      | dictionary                                                |
//!
//! The columns of a row group are encoded side by side; while one row group is hashed and written, the next one is encoded. Memory is
//! two encoded row groups and one group of one column a thread. The bytes depend on the table alone: no time, no metadata of a library.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, StringArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use crate::scores::frame::{Cells, Frame, FrameColumn};
use crate::table::{ColumnKind, Nullable, Values};
use crate::units::NONE_IX;

/// Rows of a row group at most: large enough to compress, small enough to read in parallel and to hold a few in memory.
const ROWS_PER_GROUP: usize = 122_880;

/// Digits of the decimal type that money is written as: fits 64-bit integers in every reader.
const DECIMAL_PRECISION: u8 = 18;

/// Decimal places of money.
const DECIMAL_SCALE: i8 = 2;

/// Whole numbers that lie this far apart at most are worth a dictionary.
const DICTIONARY_SPAN: u64 = 1 << 16;

/// Who wrote the file.
pub(super) const CREATED_BY: &str = concat!("klientel version ", env!("CARGO_PKG_VERSION"));

/// Writes a table.
///
/// # Errors
/// Fails where `to` cannot be written.
pub fn write(table: &Frame<'_>, to: &mut (impl Write + Send)) -> Result<()> {
    let sources: Vec<Source<'_>> = table.columns().par_iter().map(|column| Source::new(column, table)).collect();
    let root = ArrowSchemaConverter::new().convert(&schema(table, in_file))?.root_schema_ptr();
    let mut file = SerializedFileWriter::new(to, root, Arc::new(properties(table)))?;
    let arrays = Arc::new(schema(table, in_memory));
    let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&arrays));
    let encode = |group: usize| -> Result<Vec<ArrowColumnChunk>> {
        let start = group * ROWS_PER_GROUP;
        let rows = start..(start + ROWS_PER_GROUP).min(table.height());
        let writers = factory.create_column_writers(group)?;
        let columns = sources.par_iter().zip(&arrays.fields()[..]).zip(writers);
        columns.map(|((source, field), writer)| source.encoded(field, rows.clone(), writer)).collect()
    };
    let n_groups = table.height().div_ceil(ROWS_PER_GROUP);
    let mut ready = if n_groups == 0 { None } else { Some(encode(0)?) };
    let mut next = 1;
    while let Some(chunks) = ready {
        let append = || -> Result<()> {
            let mut group = file.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close().map(|_| ())
        };
        let (appended, encoded) = rayon::join(append, || (next < n_groups).then(|| encode(next)).transpose());
        appended?;
        ready = encoded?;
        next += 1;
    }
    file.close().map(|_| ())
}

fn properties(table: &Frame<'_>) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_data_page_row_count_limit(ROWS_PER_GROUP)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP));
    for column in table.columns() {
        let path = ColumnPath::new(vec![column.name.to_owned()]);
        properties = properties.set_column_dictionary_enabled(path, has_dictionary(column, table.height()));
    }
    properties.build()
}

fn schema(table: &Frame<'_>, kind: fn(ColumnKind) -> DataType) -> Schema {
    let field = |column: &FrameColumn<'_>| Field::new(column.name, kind(column.kind()), true);
    Schema::new(table.columns().iter().map(field).collect::<Vec<_>>())
}

/// The type that readers see.
fn in_file(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Money => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        other => in_memory(other),
    }
}

/// The type of the arrays that are encoded: of a decimal of this precision the file holds the 64-bit integers themselves.
fn in_memory(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text => DataType::Utf8,
        ColumnKind::Integer | ColumnKind::Money => DataType::Int64,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Date => DataType::Date32,
    }
}

/// Says whether values repeat so often that looking for those already seen pays: twice on average, as far as their range tells.
fn has_dictionary(column: &FrameColumn<'_>, height: usize) -> bool {
    let Cells::Values(values) = &column.cells else { return matches!(column.cells, Cells::Texts(_)) };
    match values.as_ref() {
        Values::Text { labels, .. } => labels.len() <= height / 2,
        Values::Integer(values) => {
            let (values, _) = values.parts();
            let span = values.iter().min().zip(values.iter().max()).map(|(least, most)| most.abs_diff(*least));
            span.is_some_and(|span| span < DICTIONARY_SPAN.min(height as u64 / 2))
        }
        Values::Date(_) => true,
        Values::Number(_) | Values::Money(_) => false,
    }
}

/// A column and, where its texts are coded, the labels as an array.
struct Source<'f> {
    column: &'f FrameColumn<'f>,
    labels: Option<ArrayRef>,
}

impl<'f> Source<'f> {
    fn new(column: &'f FrameColumn<'f>, table: &Frame<'_>) -> Self {
        let labels = match &column.cells {
            Cells::Values(values) => match values.as_ref() {
                // More labels than rows: the rows themselves are the smaller array.
                Values::Text { labels, .. } if labels.len() <= table.height() => Some(labels),
                _ => None,
            },
            _ => None,
        };
        let array = |labels: &Arc<[String]>| Arc::new(StringArray::from_iter_values(labels.iter())) as ArrayRef;
        Self { column, labels: labels.map(array) }
    }

    /// Encodes and compresses some rows.
    fn encoded(&self, field: &Field, rows: Range<usize>, mut writer: ArrowColumnWriter) -> Result<ArrowColumnChunk> {
        for leaf in compute_leaves(field, &self.array(rows))? {
            writer.write(&leaf)?;
        }
        writer.close()
    }

    fn array(&self, rows: Range<usize>) -> ArrayRef {
        let column = self.column;
        let Cells::Values(values) = &column.cells else { return Arc::new(texts(column, rows)) };
        match (values.as_ref(), &self.labels) {
            (Values::Text { codes, .. }, Some(labels)) => {
                let code = |row| Some(codes[column.position(row)]).filter(|code| *code != NONE_IX);
                Arc::new(DictionaryArray::new(rows.map(code).collect::<UInt32Array>(), Arc::clone(labels)))
            }
            (Values::Text { .. }, None) => Arc::new(texts(column, rows)),
            (Values::Integer(values) | Values::Money(values), _) => {
                let (values, nulls) = gathered(column, values, rows);
                Arc::new(Int64Array::new(values.into(), nulls))
            }
            (Values::Number(values), _) => {
                let (values, nulls) = gathered(column, values, rows);
                // A score that is not a number is no score: the last guard before anything is written.
                let finite = NullBuffer::new(values.iter().map(|value| value.is_finite()).collect());
                let finite = Some(finite).filter(|finite| finite.null_count() > 0);
                Arc::new(Float64Array::new(values.into(), NullBuffer::union(nulls.as_ref(), finite.as_ref())))
            }
            (Values::Date(values), _) => {
                let (values, nulls) = gathered(column, values, rows);
                Arc::new(Date32Array::new(values.into(), nulls))
            }
        }
    }
}

fn texts(column: &FrameColumn<'_>, rows: Range<usize>) -> StringArray {
    rows.map(|row| column.cells.text(column.position(row))).collect()
}

/// Copies the values at some rows, with the unknown ones marked.
fn gathered<T: Copy + Default>(
    column: &FrameColumn<'_>,
    values: &Nullable<T>,
    rows: Range<usize>,
) -> (Vec<T>, Option<NullBuffer>) {
    let (values, known) = values.parts();
    let nulls = |known: BooleanBuffer| Some(NullBuffer::new(known)).filter(|nulls| nulls.null_count() > 0);
    match column.rows() {
        None => (values[rows.clone()].to_vec(), known.and_then(|known| nulls(BooleanBuffer::from(&known[rows])))),
        Some(positions) => {
            let positions = &positions[rows];
            let picked = positions.iter().map(|position| values[*position as usize]).collect();
            let known = known.and_then(|known| nulls(positions.iter().map(|at| known[*at as usize]).collect()));
            (picked, known)
        }
    }
}

/// Returns the error of the operating system, where that was the reason.
pub fn io_error(error: ParquetError) -> std::result::Result<std::io::Error, ParquetError> {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(io) => Ok(*io),
            Err(source) => Err(ParquetError::External(source)),
        },
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::table::{Column, Ids};

    /// Columns of every kind with an unknown value every seventh row, over more than one row group.
    fn columns(n: usize) -> Vec<Column> {
        fn some<T: Copy + Default>(n: usize, value: impl Fn(usize) -> T) -> Nullable<T> {
            (0..n).map(|row| (!row.is_multiple_of(7)).then(|| value(row))).collect()
        }
        let number = |row: usize| if row.is_multiple_of(11) { f64::NAN } else { row as f64 / 3.0 };
        let texts = (0..n).map(|row| (!row.is_multiple_of(7)).then_some(["", "b", "ö,"][row % 3]));
        vec![
            Column::new("rank", Values::Integer(some(n, |row| row as i64 * 1_000_000 - 5))),
            Column::new("number", Values::Number(some(n, number))),
            Column::new("money", Values::Money(some(n, |row| row as i64 - 100))),
            Column::new("day", Values::Date(some(n, |row| row as i32 % 900))),
            Column::new("class", Values::from_texts(texts)),
        ]
    }

    fn check(table: &Frame<'_>) {
        let mut file = tempfile::tempfile().unwrap();
        write(table, &mut file).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), table.height().div_ceil(ROWS_PER_GROUP));
        let file_schema = reader.schema().clone();
        assert_eq!(file_schema.fields(), schema(table, in_file).fields());
        let mut row = 0;
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            for ix in 0..batch.num_rows() {
                for (column, array) in table.columns().iter().zip(batch.columns()) {
                    let (known, at) = (array.is_valid(ix), column.position(row));
                    let Cells::Values(values) = &column.cells else {
                        assert_eq!(known.then(|| array.as_string::<i32>().value(ix)), column.cells.text(at));
                        continue;
                    };
                    match values.as_ref() {
                        Values::Text { .. } => {
                            assert_eq!(known.then(|| array.as_string::<i32>().value(ix)), column.cells.text(at));
                        }
                        Values::Integer(values) => {
                            assert_eq!(known.then(|| array.as_primitive::<Int64Type>().value(ix)), values.get(at));
                        }
                        Values::Money(values) => {
                            let minor = array.as_primitive::<Decimal128Type>().value(ix);
                            assert_eq!(known.then_some(minor), values.get(at).map(i128::from));
                        }
                        Values::Number(values) => {
                            let value = array.as_primitive::<Float64Type>().value(ix);
                            assert_eq!(known.then_some(value), values.get(at).filter(|value| value.is_finite()));
                        }
                        Values::Date(values) => {
                            assert_eq!(known.then(|| array.as_primitive::<Date32Type>().value(ix)), values.get(at));
                        }
                    }
                }
                row += 1;
            }
        }
        assert_eq!(row, table.height());
    }

    #[test]
    fn a_file_holds_what_the_table_holds() {
        let n = ROWS_PER_GROUP + 10;
        let ids: Vec<String> = (0..n).map(|id| format!("{id:07}")).collect();
        let (ids, columns) = (Ids::from_sorted(ids.iter().map(String::as_str)), columns(n));
        let table = Frame::of_customers(&ids, &columns);
        check(&table);
        check(&table.pick((0..n as u32).rev().step_by(1_000).collect()));
        check(&table.pick(vec![5]));
        check(&table.pick(vec![]));
    }

    #[test]
    fn what_the_system_says_about_a_full_disk_is_not_lost() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = write(&Frame::new(&columns(3)), &mut Full).unwrap_err();
        assert_eq!(io_error(error).unwrap().kind(), io::ErrorKind::StorageFull);
    }
}
