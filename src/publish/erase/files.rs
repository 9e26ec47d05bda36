//! Files without the rows of some customers: each is written beside the old one, with its permissions and its time, and renamed.
//!
//! | file                 | a row is of a customer where                                                             |
//! |----------------------|------------------------------------------------------------------------------------------|
//! | table                | `customer_id` is one of the ids                                                          |
//! | rejects              | `customer_id` is one; where that is not known, a cell of the row as it reads in the export |
//! | campaign file        | the column of ids of its target is one or stands for one; the column of addresses holds one |
//! |                      | of theirs; a JSON object names one                                                       |
//! | audience file        | `audiences.csv` says so; the column of e-mail or phone is the hash of an address of theirs |
//!
//! Names, places and countries are hashed as well and are those of many: no hash but that of an address tells who somebody is.
//!
//! A rejected row of somebody else that names one of the ids or addresses keeps its place and loses its text.
//!
//! A file without such a row is read and left as it is. `O(bytes)`; memory is one record, or one batch of rows.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch, nullif};
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::records;
use super::search::has_word;
use super::wanted::Wanted;
use crate::campaign::target::{Shape, Target};
use crate::publish::PublishError;
use crate::publish::parquet::{CREATED_BY, io_error};
use crate::scores::CUSTOMER_ID;

/// Column of the rejects that holds a row as it reads in its export.
const ROW: &str = "row";

/// Column of a map that says what stands for a customer, and of one that says which rows are theirs.
const PSEUDONYM: &str = "pseudonym";
const AUDIENCE_ROW: &str = "audience_row";

/// Delimiters of CSV files that klientel did not write.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Bytes read or written at once.
const BUFFER: usize = 1 << 20;

/// How the rows of a CSV file tell whose they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// One of the program's own tables.
    Table,
    Campaign(&'static Target),
}

impl Form {
    fn delimiter(self) -> u8 {
        match self {
            Self::Table => b',',
            Self::Campaign(target) => target.delimiter,
        }
    }

    /// Says whether no cell of a row tells whose it is.
    pub fn has_no_ids(self) -> bool {
        matches!(self, Self::Campaign(target) if matches!(target.shape, Shape::Audience(_)))
    }

    /// Finds the columns that tell whose a row is.
    fn columns(self, header: &[&str]) -> Columns {
        let at = |id: usize, address: usize| Columns { id: Some(id), addresses: vec![address] };
        match self {
            Self::Table => Columns { id: header.iter().position(|name| *name == CUSTOMER_ID), addresses: Vec::new() },
            Self::Campaign(target) => match target.shape {
                Shape::IdFirst | Shape::CallList => at(0, 1),
                Shape::AddressFirst => at(1, 0),
                Shape::Letter => Columns { id: Some(0), addresses: Vec::new() },
                Shape::Subscriber => Columns { id: None, addresses: vec![0] },
                Shape::Audience(_) => Columns {
                    id: None,
                    addresses: (0..header.len()).filter(|at| is_address_header(target, header[*at])).collect(),
                },
            },
        }
    }
}

/// Says whether a column of an audience file holds addresses.
fn is_address_header(target: &Target, header: &str) -> bool {
    ["email", "phone"].iter().any(|column| {
        let field = target.fields.iter().find(|(field, _)| field == column);
        header == field.map_or(*column, |(_, header)| *header)
    })
}

/// Positions of the columns that tell whose a row is; of none in the header itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    id: Option<usize>,
    /// Where addresses stand, as they are or hashed; no other cell may be taken for one, such as that of whoever looks after many customers.
    addresses: Vec<usize>,
}

/// Hears bytes and cells of a record, and the columns that tell whose it is.
pub(super) type Each<'e> = dyn FnMut(&[u8], &[&str], &Columns) -> io::Result<()> + 'e;

/// Goes through the rows of a CSV file; `each` hears the bytes, the cells and the columns that tell whose it is. The header comes first, with no column.
pub(super) fn each_record(path: &Path, form: Form, each: &mut Each<'_>) -> Result<(), PublishError> {
    let failed = |error| PublishError::io("read", path)(error);
    let mut from = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
    let (mut record, mut columns, mut is_header) = (Vec::new(), Columns::default(), true);
    while let Some(bytes) = records::next(&mut from, &mut record).map_err(failed)? {
        let cells = records::cells(bytes, form.delimiter());
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        each(bytes, &cells, &columns).map_err(failed)?;
        if std::mem::take(&mut is_header) {
            columns = form.columns(&cells);
        }
    }
    Ok(())
}

/// Says whether a row of a CSV file is of one of the customers.
pub(super) fn is_of(form: Form, wanted: &Wanted, cells: &[&str], columns: &Columns) -> bool {
    let id = columns.id.and_then(|id| cells.get(id)).copied();
    match form {
        Form::Table => id.is_some_and(|id| wanted.is_id(id)),
        Form::Campaign(target) => {
            let mut addresses = columns.addresses.iter().filter_map(|at| cells.get(*at));
            id.is_some_and(|id| wanted.stands_for_id(id))
                || addresses.any(|cell| wanted.is_address(cell))
                || (form.has_no_ids() && wanted.is_row(cells))
                || (target.shape == Shape::Subscriber && cells.iter().any(|cell| wanted.is_named_by(cell)))
        }
    }
}

/// Adds the addresses in the rows of the customers to what they are recognised by, and in a map what stands for them.
pub(super) fn collect(path: &Path, form: Form, wanted: &mut Wanted) -> Result<(), PublishError> {
    let mut found: Vec<(Kind, String)> = Vec::new();
    let (mut map, mut is_header) = (None, true);
    each_record(path, form, &mut |_, cells, columns| {
        if std::mem::take(&mut is_header) {
            // A column of a campaign file may be called like one of a map.
            let at = |name: &str| cells.iter().position(|cell| *cell == name && matches!(form, Form::Table));
            map = at(PSEUDONYM).map(|at| (Kind::Pseudonym, at)).or(at(AUDIENCE_ROW).map(|at| (Kind::Row, at)));
        } else if is_of(form, wanted, cells, columns) {
            let cell = |at: usize| cells.get(at).map(|cell| (*cell).to_owned());
            let kind = if form.has_no_ids() { Kind::Identifier } else { Kind::Address };
            found.extend(map.and_then(|(kind, at)| Some((kind, cell(at)?))));
            found.extend(columns.addresses.iter().filter_map(|at| Some((kind, cell(*at)?))));
        }
        Ok(())
    })?;
    for (kind, text) in found {
        match kind {
            Kind::Pseudonym => wanted.add_pseudonym(&text),
            Kind::Row => wanted.add_row(&text),
            Kind::Identifier => wanted.add_identifier(&text),
            Kind::Address => wanted.add_address(text.strip_prefix('\'').unwrap_or(&text), None),
        }
    }
    Ok(())
}

/// What a text in a row of somebody is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Pseudonym,
    Row,
    Identifier,
    Address,
}

/// Counts the rows of the customers in a CSV file.
pub(super) fn count_csv(path: &Path, form: Form, wanted: &Wanted) -> Result<u64, PublishError> {
    let (mut n_rows, mut is_header) = (0, true);
    each_record(path, form, &mut |_, cells, columns| {
        n_rows += u64::from(!std::mem::take(&mut is_header) && is_of(form, wanted, cells, columns));
        Ok(())
    })?;
    Ok(n_rows)
}

/// Counts the rows of the customers in a CSV file that klientel did not write, in any of the usual dialects.
pub(super) fn count_foreign(path: &Path, wanted: &Wanted) -> Result<u64, PublishError> {
    let failed = |error| PublishError::io("read", path)(error);
    let mut n_rows = 0;
    for delimiter in DELIMITERS {
        let mut from = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
        let (mut record, mut id) = (Vec::new(), None);
        while let Some(bytes) = records::next(&mut from, &mut record).map_err(failed)? {
            let cells = records::cells(bytes, delimiter);
            match id {
                None => {
                    id = cells.iter().position(|cell| wanted.is_id_header(cell));
                    if id.is_none() {
                        break;
                    }
                }
                Some(id) => n_rows += u64::from(cells.get(id).is_some_and(|cell| wanted.is_id(cell.trim()))),
            }
        }
    }
    Ok(n_rows)
}

/// Counts the rows of a CSV file.
pub(super) fn count_rows(path: &Path, form: Form) -> Result<u64, PublishError> {
    let mut n_records = 0_u64;
    each_record(path, form, &mut |_, _, _| {
        n_records += 1;
        Ok(())
    })?;
    Ok(n_records.saturating_sub(1))
}

/// Counts the rows of a Parquet file.
pub(super) fn n_rows_of_parquet(path: &Path) -> Result<u64, PublishError> {
    let file = File::open(path).map_err(PublishError::io("read", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| table_error(path, error))?;
    Ok(u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default())
}

/// Takes the customers out of a CSV file; returns how many rows that were.
pub(super) fn erase_csv(path: &Path, form: Form, wanted: &Wanted) -> Result<u64, PublishError> {
    let n_rows = count_csv(path, form, wanted)?;
    if n_rows == 0 {
        return Ok(0);
    }
    replace(path, |to| {
        let mut is_header = true;
        each_record(path, form, &mut |bytes, cells, columns| {
            if std::mem::take(&mut is_header) || !is_of(form, wanted, cells, columns) {
                to.write_all(bytes)?;
            }
            Ok(())
        })
    })?;
    Ok(n_rows)
}

/// Counts the rows in a Parquet file that are of the customers, or name them.
pub(super) fn count_parquet(path: &Path, wanted: &Wanted) -> Result<u64, PublishError> {
    let (mut n_rows, naming) = (0, Naming::of(wanted));
    each_batch(path, true, &mut |batch| {
        n_rows += naming.fates(batch).iter().filter(|fate| **fate != Fate::Stays).count() as u64;
        Ok(())
    })?;
    Ok(n_rows)
}

/// Takes the customers out of a Parquet file; returns how many rows that were.
pub(super) fn erase_parquet(path: &Path, wanted: &Wanted) -> Result<u64, PublishError> {
    let n_rows = count_parquet(path, wanted)?;
    if n_rows == 0 {
        return Ok(0);
    }
    let failed = |error| table_error(path, error);
    let open = || File::open(path).map_err(PublishError::io("read", path));
    let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(failed)?;
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let naming = Naming::of(wanted);
    replace(path, |to| {
        let schema = Arc::clone(builder.schema());
        let mut writer = ArrowWriter::try_new(to, schema, Some(properties)).map_err(failed)?;
        each_batch(path, false, &mut |batch| {
            let fates = naming.fates(batch);
            let keeps: BooleanArray = fates.iter().map(|fate| Some(*fate != Fate::Goes)).collect();
            writer.write(&filter_record_batch(&without_texts(batch, &fates)?, &keeps)?)
        })?;
        writer.close().map_err(failed)?;
        Ok(())
    })?;
    Ok(n_rows)
}

/// Takes the texts of some rejected rows out.
fn without_texts(batch: &RecordBatch, fates: &[Fate]) -> Result<RecordBatch, ParquetError> {
    let Some((at, field)) = batch.schema_ref().column_with_name(ROW) else { return Ok(batch.clone()) };
    let loses: BooleanArray = fates.iter().map(|fate| Some(*fate == Fate::LosesText)).collect();
    if loses.true_count() == 0 {
        return Ok(batch.clone());
    }
    let texts = nullif(&cast(batch.column(at), &DataType::Utf8)?, &loses)?;
    let mut columns = batch.columns().to_vec();
    columns[at] = cast(&texts, field.data_type())?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

/// Goes through the batches of a Parquet file, of all columns or of those alone that tell whose a row is; none where there are none.
pub(super) fn each_batch(
    path: &Path,
    only_ids: bool,
    each: &mut dyn FnMut(&RecordBatch) -> Result<(), ParquetError>,
) -> Result<(), PublishError> {
    let failed = |error| table_error(path, error);
    let file = File::open(path).map_err(PublishError::io("read", path))?;
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    if only_ids {
        let fields = builder.schema().fields();
        let tells = |(ix, name): (usize, &str)| [CUSTOMER_ID, ROW].contains(&name).then_some(ix);
        let telling: Vec<usize> =
            fields.iter().map(|field| field.name().as_str()).enumerate().filter_map(tells).collect();
        if telling.is_empty() {
            return Ok(());
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), telling);
        builder = builder.with_projection(mask);
    }
    for batch in builder.build().map_err(failed)? {
        each(&batch.map_err(|error| failed(error.into()))?).map_err(failed)?;
    }
    Ok(())
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// It is of somebody else, or of nobody who is known, and names one of the customers.
    LosesText,
    Goes,
}

/// What the rows of Parquet files tell whose they are by.
struct Naming<'w> {
    wanted: &'w Wanted,
    /// What no number or short code reads like, also as it stands between quotes.
    words: Vec<String>,
}

impl<'w> Naming<'w> {
    fn of(wanted: &'w Wanted) -> Self {
        let quoted = |word: &&str| word.replace('"', "\"\"");
        let words = wanted.distinctive();
        let words = words.iter().map(|word| (*word).to_owned()).chain(words.iter().map(quoted)).collect();
        Self { wanted, words }
    }

    /// Says of every row what becomes of it.
    fn fates(&self, batch: &RecordBatch) -> Vec<Fate> {
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| cast(column, &DataType::Utf8).ok());
        let (ids, rows) = (texts(CUSTOMER_ID), texts(ROW));
        let fate = |at: usize| match (cell(ids.as_ref(), at), cell(rows.as_ref(), at)) {
            (Some(id), _) if self.wanted.is_id(id) => Fate::Goes,
            (None, Some(row)) if self.wanted.hold_a_cell_of(row) => Fate::Goes,
            (_, Some(row)) if self.wanted.hold_a_cell_of(row) || has_word(row, &self.words) => Fate::LosesText,
            _ => Fate::Stays,
        };
        (0..batch.num_rows()).map(fate).collect()
    }
}

fn cell(texts: Option<&ArrayRef>, at: usize) -> Option<&str> {
    let texts = texts?.as_string_opt::<i32>()?;
    texts.is_valid(at).then(|| texts.value(at))
}

/// Puts another content in place of a file, with its permissions and its time.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), PublishError>,
) -> Result<(), PublishError> {
    let failed = |error| PublishError::io("write", path)(error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(super::BESIDE);
    let beside = path.with_file_name(name);
    let before = path.metadata().map_err(failed)?;
    let file = File::create(&beside).map_err(failed)?;
    // Before anything stands in it.
    file.set_permissions(before.permissions()).map_err(failed)?;
    keep_owner(&file, &before);
    let mut to = BufWriter::with_capacity(BUFFER, file);
    let done = write(&mut to).and_then(|()| {
        let file = to.into_inner().map_err(|error| failed(error.into_error()))?;
        // The newest runs are kept by the time of their manifest.
        before.modified().and_then(|time| file.set_modified(time)).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&beside, path).map_err(failed)
    });
    if done.is_err() {
        // Best effort: the next erasure removes it.
        let _ = fs::remove_file(&beside);
    }
    done
}

/// Gives a file the owner of the one that it replaces, where this user may.
#[cfg(unix)]
fn keep_owner(file: &File, before: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    // Best effort: whoever is not the superuser may give a group of their own alone.
    let _ = fchown(file, Some(before.uid()), Some(before.gid())).or_else(|_| fchown(file, None, Some(before.gid())));
}

/// Does nothing: who owns a file is inherited from its folder.
#[cfg(not(unix))]
fn keep_owner(_file: &File, _before: &fs::Metadata) {}

fn table_error(path: &Path, error: ParquetError) -> PublishError {
    match io_error(error) {
        Ok(source) => PublishError::io("rewrite", path)(source),
        Err(source) => PublishError::Table { path: path.to_owned(), source },
    }
}
