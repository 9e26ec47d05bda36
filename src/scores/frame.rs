//! A table by reference: columns of scores, ids and attributes side by side, each with the positions that its rows stand at.
//!
//! | cells                  | what a row reads                                             |
//! |------------------------|--------------------------------------------------------------|
//! | [`Cells::Ids`]         | the id at the position, never unknown                        |
//! | [`Cells::Texts`]       | the text at the position; an empty one is unknown            |
//! | [`Cells::Values`]      | the value at the position, or unknown                        |
//!
//! A selection costs four bytes a row and copies no cell: segments and campaigns are positions in what the analyses found. Columns of
//! one selection share its positions; those of another table (customer attributes) have positions of their own.

use std::borrow::Cow;
use std::sync::Arc;

use super::CUSTOMER_ID;
use crate::table::{Column, ColumnKind, Ids, Values};
use crate::units::NONE_IX;

/// Why rows or columns could not be selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// There is no such column.
    #[error("there is no column `{0}`")]
    NoColumn(String),
    /// The column is of another kind than what is asked of it.
    #[error("column `{0}` is of another kind")]
    Kind(String),
}

/// What a column holds, before rows are selected.
#[derive(Debug, Clone)]
pub enum Cells<'a> {
    /// Texts that are there in every row, each once.
    Ids(&'a Ids),
    /// Texts of which an empty one is unknown.
    Texts(&'a [String]),
    /// Values of a finished column.
    Values(Cow<'a, Values>),
}

impl Cells<'_> {
    /// Returns the text at a position, or nothing where it is unknown or the cells are no texts.
    pub fn text(&self, position: usize) -> Option<&str> {
        match self {
            Self::Ids(ids) => Some(ids.get(position as u32)),
            Self::Texts(texts) => Some(texts[position].as_str()).filter(|text| !text.is_empty()),
            Self::Values(values) => match values.as_ref() {
                Values::Text { codes, labels } => {
                    Some(codes[position]).filter(|code| *code != NONE_IX).map(|code| labels[code as usize].as_str())
                }
                _ => None,
            },
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::Texts(texts) => texts.len(),
            Self::Values(values) => values.len(),
        }
    }
}

/// Positions of rows in the cells of a column, shared by the columns of one selection.
pub type Rows = Arc<[u32]>;

/// A column and the positions of its rows.
#[derive(Debug, Clone)]
pub struct FrameColumn<'a> {
    pub name: &'a str,
    pub cells: Cells<'a>,
    /// Position in the cells of each row; where there is nothing, row and position are the same.
    rows: Option<Rows>,
}

impl<'a> FrameColumn<'a> {
    /// Shows all cells.
    pub fn new(name: &'a str, cells: Cells<'a>) -> Self {
        Self { name, cells, rows: None }
    }

    /// Shows the cells at these positions.
    pub fn at(name: &'a str, cells: Cells<'a>, rows: Rows) -> Self {
        Self { name, cells, rows: Some(rows) }
    }

    /// Returns the type of the cells.
    pub fn kind(&self) -> ColumnKind {
        match &self.cells {
            Cells::Ids(_) | Cells::Texts(_) => ColumnKind::Text,
            Cells::Values(values) => values.kind(),
        }
    }

    /// Returns the position in the cells of a row.
    pub fn position(&self, row: usize) -> usize {
        self.rows.as_ref().map_or(row, |rows| rows[row] as usize)
    }

    /// Returns the positions of the rows, where they are not all in order.
    pub fn rows(&self) -> Option<&[u32]> {
        self.rows.as_deref()
    }

    fn height(&self) -> usize {
        self.rows.as_ref().map_or_else(|| self.cells.len(), |rows| rows.len())
    }
}

/// A table of columns with one height.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    columns: Vec<FrameColumn<'a>>,
    height: usize,
}

impl<'a> Frame<'a> {
    /// Puts columns side by side.
    ///
    /// # Panics
    /// Panics if their heights differ: a row would then not be about one thing.
    pub fn of(columns: Vec<FrameColumn<'a>>) -> Self {
        let height = columns.first().map_or(0, FrameColumn::height);
        assert!(columns.iter().all(|column| column.height() == height), "columns of one table have one height");
        Self { columns, height }
    }

    /// Shows finished columns.
    pub fn new(columns: impl IntoIterator<Item = &'a Column>) -> Self {
        Self::of(columns.into_iter().map(shown).collect())
    }

    /// Shows a table of customers: the id first, then the columns, all in order of `CustomerIx`.
    pub fn of_customers(ids: &'a Ids, columns: impl IntoIterator<Item = &'a Column>) -> Self {
        let id = FrameColumn::new(CUSTOMER_ID, Cells::Ids(ids));
        Self::of(std::iter::once(id).chain(columns.into_iter().map(shown)).collect())
    }

    /// Adds finished columns at the end.
    ///
    /// # Panics
    /// Panics if their height is another.
    #[must_use]
    pub fn with(mut self, columns: impl IntoIterator<Item = &'a Column>) -> Self {
        self.columns.extend(columns.into_iter().map(shown));
        Self::of(self.columns)
    }

    /// Returns the number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns the columns in their order.
    pub fn columns(&self) -> &[FrameColumn<'a>] {
        &self.columns
    }

    /// Returns the column of a name.
    ///
    /// # Errors
    /// Fails where there is none.
    pub fn column(&self, name: &str) -> Result<&FrameColumn<'a>, FrameError> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| FrameError::NoColumn(name.to_owned()))
    }

    /// Goes through the texts of a column, an unknown one as nothing.
    ///
    /// # Errors
    /// Fails where there is no such text column.
    pub fn texts(&self, name: &str) -> Result<impl ExactSizeIterator<Item = Option<&str>>, FrameError> {
        let column = self.column(name)?;
        if column.kind() != ColumnKind::Text {
            return Err(FrameError::Kind(name.to_owned()));
        }
        Ok((0..self.height).map(|row| column.cells.text(column.position(row))))
    }

    /// Returns these rows of this table, in the order given.
    pub fn pick(&self, rows: Vec<u32>) -> Self {
        let height = rows.len();
        let rows: Rows = rows.into();
        // Columns with the same positions share the picked ones as well.
        let mut before: Option<(Rows, Rows)> = None;
        let columns = self.columns.iter().map(|column| {
            let picked = match (&column.rows, &before) {
                (None, _) => Arc::clone(&rows),
                (Some(own), Some((same, picked))) if Arc::ptr_eq(own, same) => Arc::clone(picked),
                (Some(own), _) => {
                    let picked: Rows = rows.iter().map(|row| own[*row as usize]).collect();
                    before = Some((Arc::clone(own), Arc::clone(&picked)));
                    picked
                }
            };
            FrameColumn { name: column.name, cells: column.cells.clone(), rows: Some(picked) }
        });
        Self { columns: columns.collect(), height }
    }
}

fn shown(column: &Column) -> FrameColumn<'_> {
    FrameColumn::new(&column.name, Cells::Values(Cow::Borrowed(&column.values)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_picked_from_a_pick_is_what_the_first_table_holds_there() {
        let ids = Ids::from_sorted(["1", "2", "3", "4"]);
        let value = Column::new("value", Values::Integer(vec![10, 20, 30, 40].into()));
        let attributes = ["d", "", "b"].map(str::to_owned);
        let mut columns = Frame::of_customers(&ids, [&value]).pick(vec![3, 1, 0]).columns().to_vec();
        columns.push(FrameColumn::at("name", Cells::Texts(&attributes), vec![0, 1, 2].into()));
        let picked = Frame::of(columns).pick(vec![1, 0]);
        assert_eq!(picked.height(), 2);
        assert_eq!(picked.texts(CUSTOMER_ID).unwrap().collect::<Vec<_>>(), [Some("2"), Some("4")]);
        assert_eq!(picked.texts("name").unwrap().collect::<Vec<_>>(), [None, Some("d")]);
        assert_eq!(picked.column("value").unwrap().rows(), Some(&[1, 3][..]));
        assert_eq!(picked.texts("value").err(), Some(FrameError::Kind("value".into())));
        assert_eq!(picked.texts("clv").err(), Some(FrameError::NoColumn("clv".into())));
    }
}
