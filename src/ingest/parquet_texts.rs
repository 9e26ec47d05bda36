//! Texts of a Parquet file into a column: where the file has numbered its distinct texts, each is read once and not once a row.
//!
//! `O(rows + distinct texts)` time; memory: the number of every distinct text of a row group.

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, DictionaryArray, GenericStringArray, OffsetSizeTrait, StringArray,
};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use super::column::{Builder, Fault};
use super::parquet_values;
use super::records::{Cells, Field};
use super::spec::Cell;

/// Values of one column, array after array, on their way into a builder.
pub(super) struct ColumnReader {
    cell: Cell,
    /// Number of the row that comes next.
    row: usize,
    /// The distinct texts of the arrays so far, and what the builder keeps for those that were met.
    texts: Option<ArrayData>,
    codes: Vec<Option<u32>>,
}

impl ColumnReader {
    /// Starts at a row.
    pub(super) fn new(cell: Cell, row: usize) -> Self {
        Self { cell, row, texts: None, codes: Vec::new() }
    }

    /// Returns the number of the row that comes next.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// Adds all values of an array; faults come with their row.
    ///
    /// # Errors
    /// Fails where the array cannot be turned into the type that is read, as only damaged files make it happen.
    pub(super) fn push(
        &mut self,
        builder: &mut Builder,
        array: &ArrayRef,
        faults: &mut Vec<(usize, Fault)>,
    ) -> Result<(), ArrowError> {
        let first_row = self.row;
        self.row += array.len();
        if matches!(self.cell, Cell::Id | Cell::Text)
            && let Some(coded) = array.as_dictionary_opt::<Int32Type>()
            && let Some(texts) = coded.values().as_string_opt::<i32>()
        {
            self.push_coded(builder, coded, texts, &mut |ix, fault| faults.push((first_row + ix, fault)));
            return Ok(());
        }
        parquet_values::push(builder, array, self.cell, first_row, faults)
    }

    /// Adds texts that the file has numbered: each is read once for all the arrays that share the numbers.
    fn push_coded(
        &mut self,
        builder: &mut Builder,
        coded: &DictionaryArray<Int32Type>,
        texts: &StringArray,
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        let data = texts.to_data();
        if !self.texts.as_ref().is_some_and(|before| before.ptr_eq(&data)) {
            self.texts = Some(data);
            self.codes = vec![None; texts.len()];
        }
        // A null among the texts is an empty cell, as a null among the keys is.
        let is_text = |key: &usize| texts.is_valid(*key);
        let keys = coded.keys();
        let text_of = |key: usize| texts.value(key);
        match (keys.nulls(), texts.nulls()) {
            (None, None) => {
                builder.push_keys(keys.values().iter().map(|key| Some(*key as usize)), text_of, &mut self.codes, fault);
            }
            _ => {
                let keys = keys.iter().map(|key| key.map(|key| key as usize).filter(is_text));
                builder.push_keys(keys, text_of, &mut self.codes, fault);
            }
        }
    }
}

/// Texts that are read at a time.
const TEXTS: usize = 1024;

/// Adds texts as the cells of a text file are; a null is an empty cell.
pub(super) fn push_texts<O: OffsetSizeTrait>(
    builder: &mut Builder,
    texts: &GenericStringArray<O>,
    first_row: usize,
    faults: &mut Vec<(usize, Fault)>,
) -> Result<(), ArrowError> {
    let text = std::str::from_utf8(texts.value_data()).map_err(|error| ArrowError::ParseError(error.to_string()))?;
    let (offsets, nulls) = (texts.value_offsets(), texts.nulls());
    let (mut fields, mut rows) = (Vec::with_capacity(TEXTS), Vec::with_capacity(TEXTS));
    for from in (0..texts.len()).step_by(TEXTS) {
        let some = from..texts.len().min(from + TEXTS);
        fields.clear();
        fields.extend(offsets[some.start..=some.end].windows(2).map(|ends| Field {
            start: ends[0].as_usize(),
            end: ends[1].as_usize(),
            doubled: false,
        }));
        if let Some(nulls) = nulls {
            let empty = some.clone().zip(&mut fields).filter(|(ix, _)| nulls.is_null(*ix));
            empty.for_each(|(_, field)| field.end = field.start);
        }
        rows.clear();
        rows.extend(some.map(|ix| first_row + ix));
        let cells = Cells { text, fields: &fields, n_fields: 1, lines: &rows };
        builder.push_cells(cells, &mut |ix, fault| faults.push((first_row + from + ix, fault)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, LargeStringArray};

    use super::super::column::{Part, Reading, TypedColumn, join};
    use super::*;

    fn check(arrays: Vec<ArrayRef>, expected: &[&str], values: &[&str], faulty: &[usize]) {
        let mut builder = Builder::new(Cell::Id, Reading::Id, false);
        let (mut reader, mut faults) = (ColumnReader::new(Cell::Id, 100), Vec::new());
        for array in &arrays {
            reader.push(&mut builder, array, &mut faults).unwrap();
        }
        let TypedColumn::Text { codes, values: found } = join(Cell::Id, vec![Part::Built(Box::new(builder))]) else {
            panic!("not a text column")
        };
        let cells: Vec<&str> = codes.iter().map(|code| if *code == u32::MAX { "" } else { found.get(*code) }).collect();
        assert_eq!((cells.as_slice(), reader.row()), (expected, 100 + expected.len()));
        assert_eq!(found.iter().collect::<Vec<_>>(), values);
        assert_eq!(faults.iter().map(|(row, _)| *row).collect::<Vec<_>>(), faulty);
    }

    fn coded(keys: &[Option<i32>], texts: &ArrayRef) -> ArrayRef {
        Arc::new(DictionaryArray::new(Int32Array::from(keys.to_vec()), texts.clone()))
    }

    #[test]
    fn numbered_texts_are_those_that_rows_have() {
        let texts: ArrayRef =
            Arc::new(StringArray::from(vec![Some("7.0"), Some("unused"), Some(" b"), Some("NULL"), None]));
        let other: ArrayRef = Arc::new(StringArray::from(vec!["b", "7"]));
        check(
            vec![
                coded(&[Some(2), Some(0), Some(2)], &texts),
                coded(&[Some(0), None, Some(3), Some(4), Some(3)], &texts),
                coded(&[Some(0), Some(1)], &other),
            ],
            &["b", "7", "b", "7", "", "", "", "", "b", "7"],
            &["7", "b"],
            &[104, 105, 106, 107],
        );
    }

    #[test]
    fn texts_are_read_like_cells_of_a_text_file() {
        let long = "a customer with a long name";
        let texts = [Some("x"), None, Some(""), Some(" ä "), Some(long), Some("x"), Some(long)];
        let (expected, values) = (["x", "", "", "ä", long, "x", long], [long, "x", "ä"]);
        check(vec![Arc::new(StringArray::from(texts.to_vec()))], &expected, &values, &[101, 102]);
        check(vec![Arc::new(LargeStringArray::from(texts.to_vec()))], &expected, &values, &[101, 102]);
        let sliced =
            StringArray::from([&[Some("before")], &texts[..], &[Some("after")]].concat()).slice(1, texts.len());
        check(vec![Arc::new(sliced)], &expected, &values, &[101, 102]);
        let many: Vec<String> = (0..3_000).map(|n| (n % 7).to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(vec![Arc::new(StringArray::from(many.clone()))], &many, &["0", "1", "2", "3", "4", "5", "6"], &[]);
    }
}
