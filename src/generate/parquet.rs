//! Writes transaction lines as Parquet, one file a month or one in all, zstd level 1.
//!
//! | column        | Arrow type                  |
//! |---------------|-----------------------------|
//! | `customer_id` | dictionary of text, null for guests |
//! | `order_id`    | text                        |
//! | `date`        | date32                      |
//! | `product_id`  | dictionary of text          |
//! | `quantity`    | int32                       |
//! | `amount`, `cost` | decimal(18, 2)           |

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Int32Array, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::calendar::Month;
use super::dialect::Scribe;
use super::orders::{House, Line};
use super::{FilesPer, GenerateError, month_file};

const ROWS_PER_BATCH: usize = 65_536;
const DECIMAL_DIGITS: u8 = 18;
const DECIMAL_PLACES: i8 = 2;

/// The Parquet files of the transactions.
pub struct ParquetExport<'a> {
    directory: &'a Path,
    files_per: FilesPer,
    house: &'a House,
    scribe: &'a Scribe<'a>,
    schema: Arc<Schema>,
    product_ids: Arc<StringArray>,
    open: Option<(PathBuf, ArrowWriter<File>)>,
    /// Files written so far.
    pub files: Vec<PathBuf>,
}

impl<'a> ParquetExport<'a> {
    /// Starts an export into a directory that exists.
    pub fn new(directory: &'a Path, files_per: FilesPer, house: &'a House, scribe: &'a Scribe<'a>) -> Self {
        let dictionary = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let decimal = || DataType::Decimal128(DECIMAL_DIGITS, DECIMAL_PLACES);
        let schema = Schema::new(vec![
            Field::new("customer_id", dictionary(), true),
            Field::new("order_id", DataType::Utf8, false),
            Field::new("date", DataType::Date32, false),
            Field::new("product_id", dictionary(), false),
            Field::new("quantity", DataType::Int32, false),
            Field::new("amount", decimal(), false),
            Field::new("cost", decimal(), false),
        ]);
        let ids = house.catalogue.products().iter().map(|product| Some(product.id.as_str()));
        Self {
            directory,
            files_per,
            house,
            scribe,
            schema: Arc::new(schema),
            product_ids: Arc::new(ids.collect()),
            open: None,
            files: Vec::new(),
        }
    }

    /// Writes the lines of a month, sorted and numbered.
    pub fn month(&mut self, month: Month, lines: &[Line]) -> Result<(), GenerateError> {
        let (path, mut writer) = match self.open.take() {
            Some(open) => open,
            None => self.create(month)?,
        };
        for slice in lines.chunks(ROWS_PER_BATCH) {
            let written = self.batch(slice).map_err(ParquetError::from).and_then(|batch| writer.write(&batch));
            written.map_err(|source| GenerateError::Parquet { path: path.clone(), source })?;
        }
        if self.files_per == FilesPer::One {
            self.open = Some((path, writer));
            return Ok(());
        }
        close(path, writer)
    }

    /// Completes the last file.
    pub fn finish(&mut self) -> Result<(), GenerateError> {
        self.open.take().map_or(Ok(()), |(path, writer)| close(path, writer))
    }

    fn create(&mut self, month: Month) -> Result<(PathBuf, ArrowWriter<File>), GenerateError> {
        let path = self.directory.join(month_file(month, self.files_per, "parquet"));
        let file = File::create(&path).map_err(|source| GenerateError::Write { path: path.clone(), source })?;
        let zstd = ZstdLevel::try_new(1).map_err(|source| GenerateError::Parquet { path: path.clone(), source })?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(zstd))
            .set_created_by("klientel generate".to_owned())
            .set_column_dictionary_enabled(ColumnPath::from("order_id"), false)
            .build();
        let writer = ArrowWriter::try_new(file, self.schema.clone(), Some(properties))
            .map_err(|source| GenerateError::Parquet { path: path.clone(), source })?;
        self.files.push(path.clone());
        Ok((path, writer))
    }

    fn batch(&self, lines: &[Line]) -> Result<RecordBatch, ArrowError> {
        let decimal = |values: Decimal128Array| values.with_precision_and_scale(DECIMAL_DIGITS, DECIMAL_PLACES);
        let days = lines.iter().map(|line| self.house.calendar.day(line.offset()).0);
        let products = Int32Array::from_iter_values(lines.iter().map(|line| line.product as i32));
        let quantity = lines.iter().map(|line| i32::from(line.pieces));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.customers(lines)?),
            Arc::new(self.documents(lines)),
            Arc::new(Date32Array::from_iter_values(days)),
            Arc::new(DictionaryArray::<Int32Type>::try_new(products, self.product_ids.clone())?),
            Arc::new(Int32Array::from_iter_values(quantity)),
            Arc::new(decimal(lines.iter().map(|line| Some(i128::from(line.amount))).collect())?),
            Arc::new(decimal(lines.iter().map(|line| Some(i128::from(line.cost))).collect())?),
        ];
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    fn customers(&self, lines: &[Line]) -> Result<DictionaryArray<Int32Type>, ArrowError> {
        let mut known: Vec<&Line> = lines.iter().filter(|line| !line.guest).collect();
        known.sort_unstable_by_key(|line| line.customer);
        known.dedup_by_key(|line| line.customer);
        let keys = lines.iter().map(|line| {
            let key = known.binary_search_by_key(&line.customer, |known| known.customer);
            key.ok().filter(|_| !line.guest).map(|ix| ix as i32)
        });
        let keys: Int32Array = keys.collect();
        let ids = texts(known.into_iter(), |out, line| self.scribe.push_customer(out, line));
        DictionaryArray::try_new(keys, Arc::new(ids))
    }

    fn documents(&self, lines: &[Line]) -> StringArray {
        texts(lines.iter(), |out, line| self.scribe.push_document(out, line))
    }
}

fn close(path: PathBuf, writer: ArrowWriter<File>) -> Result<(), GenerateError> {
    writer.close().map(|_| ()).map_err(|source| GenerateError::Parquet { path, source })
}

/// Collects a text a line; what the scribe writes is ASCII.
fn texts<'a>(lines: impl Iterator<Item = &'a Line>, write: impl Fn(&mut Vec<u8>, &Line)) -> StringArray {
    let mut builder = StringBuilder::new();
    let mut text = Vec::with_capacity(16);
    for line in lines {
        text.clear();
        write(&mut text, line);
        builder.append_value(String::from_utf8_lossy(&text));
    }
    builder.finish()
}
