//! Tables as Parquet: zstd, statistics, types that every reader knows.
//!
//! | cells        | type in the file          | encoding                                                  |
//! |--------------|---------------------------|-----------------------------------------------------------|
//! | text         | string                    | dictionary; ids, of which each is there once, plain       |
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

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, StringBuilder};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
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
use crate::table::{Nullable, Values};

/// Rows of a row group at most: large enough to compress, small enough to read in parallel and to hold a few in memory.
const ROWS_PER_GROUP: usize = 122_880;

/// Digits of the decimal type that money is written as: fits 64-bit integers in every reader.
const DECIMAL_PRECISION: u8 = 18;

/// Decimal places of money.
const DECIMAL_SCALE: i8 = 2;

/// Whole numbers that lie this far apart at most are worth a dictionary.
const DICTIONARY_SPAN: u64 = 1 << 16;

/// Who wrote the file.
const CREATED_BY: &str = concat!("klientel version ", env!("CARGO_PKG_VERSION"));

/// Writes a table.
///
/// # Errors
/// Fails where `to` cannot be written.
pub fn write(table: &Frame<'_>, to: &mut (impl Write + Send)) -> Result<()> {
    let fields: Vec<Field> = table.columns().iter().map(|column| Field::new(column.name, kind(column), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let root = ArrowSchemaConverter::new().convert(&schema)?.root_schema_ptr();
    let mut file = SerializedFileWriter::new(to, root, Arc::new(properties(table)))?;
    let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
    let encode = |group: usize| -> Result<Vec<ArrowColumnChunk>> {
        let start = group * ROWS_PER_GROUP;
        let rows = start..(start + ROWS_PER_GROUP).min(table.height());
        let writers = factory.create_column_writers(group)?;
        let columns = table.columns().par_iter().zip(&schema.fields()[..]).zip(writers);
        columns.map(|((column, field), writer)| encoded(column, field, rows.clone(), writer)).collect()
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
        properties = properties.set_column_dictionary_enabled(path, has_dictionary(column));
    }
    properties.build()
}

fn kind(column: &FrameColumn<'_>) -> DataType {
    let Cells::Values(values) = &column.cells else { return DataType::Utf8 };
    match values.as_ref() {
        Values::Text { .. } => DataType::Utf8,
        Values::Integer(_) => DataType::Int64,
        Values::Number(_) => DataType::Float64,
        Values::Money(_) => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        Values::Date(_) => DataType::Date32,
    }
}

/// Says whether values repeat so often that looking for those already seen pays.
fn has_dictionary(column: &FrameColumn<'_>) -> bool {
    let Cells::Values(values) = &column.cells else { return matches!(column.cells, Cells::Texts(_)) };
    match values.as_ref() {
        Values::Text { .. } | Values::Date(_) => true,
        Values::Integer(values) => {
            let (values, _) = values.parts();
            let span = values.iter().min().zip(values.iter().max()).map(|(least, most)| most.abs_diff(*least));
            span.is_some_and(|span| span < DICTIONARY_SPAN)
        }
        Values::Number(_) | Values::Money(_) => false,
    }
}

/// Encodes and compresses some rows of a column.
fn encoded(
    column: &FrameColumn<'_>,
    field: &Field,
    rows: Range<usize>,
    mut writer: ArrowColumnWriter,
) -> Result<ArrowColumnChunk> {
    for leaf in compute_leaves(field, &array(column, rows)?)? {
        writer.write(&leaf)?;
    }
    writer.close()
}

fn array(column: &FrameColumn<'_>, rows: Range<usize>) -> Result<ArrayRef> {
    let Cells::Values(values) = &column.cells else { return Ok(Arc::new(texts(column, rows))) };
    Ok(match values.as_ref() {
        Values::Text { .. } => Arc::new(texts(column, rows)),
        Values::Integer(values) => {
            let (values, nulls) = gathered(column, values, rows);
            Arc::new(Int64Array::new(values.into(), nulls))
        }
        Values::Number(values) => {
            let (values, nulls) = gathered(column, values, rows);
            let finite = NullBuffer::new(values.iter().map(|value| value.is_finite()).collect());
            let finite = Some(finite).filter(|finite| finite.null_count() > 0);
            Arc::new(Float64Array::new(values.into(), NullBuffer::union(nulls.as_ref(), finite.as_ref())))
        }
        Values::Money(values) => {
            let (values, nulls) = gathered(column, values, rows);
            let minor: ScalarBuffer<i128> = values.into_iter().map(i128::from).collect();
            let minor = Decimal128Array::new(minor, nulls);
            Arc::new(minor.with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE)?)
        }
        Values::Date(values) => {
            let (values, nulls) = gathered(column, values, rows);
            Arc::new(Date32Array::new(values.into(), nulls))
        }
    })
}

fn texts(column: &FrameColumn<'_>, rows: Range<usize>) -> StringArray {
    let mut texts = StringBuilder::with_capacity(rows.len(), 8 * rows.len());
    for row in rows {
        texts.append_option(column.cells.text(column.position(row)));
    }
    texts.finish()
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
