//! Typed columns by name; a column that the export does not have is an empty slice.

use std::sync::LazyLock;

use super::{TypedColumn, TypedTable};
use crate::table::Ids;

static NO_IDS: LazyLock<Ids> = LazyLock::new(Ids::default);

/// Looks up the columns of one table.
pub(super) struct Columns<'a> {
    table: &'a TypedTable,
}

impl<'a> Columns<'a> {
    pub fn of(table: &'a TypedTable) -> Self {
        Self { table }
    }

    /// Returns the positions in [`Columns::ids`], one a row.
    pub fn codes(&self, name: &str) -> &'a [u32] {
        match self.table.columns.get(name) {
            Some(TypedColumn::Text { codes, .. }) => codes,
            _ => &[],
        }
    }

    /// Returns the distinct texts of a column.
    pub fn ids(&self, name: &str) -> &'a Ids {
        match self.table.columns.get(name) {
            Some(TypedColumn::Text { values, .. }) => values,
            _ => &NO_IDS,
        }
    }

    /// Returns the text of a row, where there is one.
    pub fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        let code = *self.codes(name).get(row)?;
        (code != crate::units::NONE_IX).then(|| self.ids(name).get(code))
    }

    /// Returns numbers in millionths, one a row; an unknown one is `i64::MIN`.
    pub fn decimals(&self, name: &str) -> &'a [i64] {
        match self.table.columns.get(name) {
            Some(TypedColumn::Decimal(values)) => values,
            _ => &[],
        }
    }

    /// Says whether a flag is set: unknown is no.
    pub fn is_set(&self, name: &str, row: usize) -> bool {
        match self.table.columns.get(name) {
            Some(TypedColumn::Flag(flags)) => flags[row] == 1,
            _ => false,
        }
    }

    /// Says whether a flag is explicitly not set.
    pub fn is_denied(&self, name: &str, row: usize) -> bool {
        match self.table.columns.get(name) {
            Some(TypedColumn::Flag(flags)) => flags[row] == 0,
            _ => false,
        }
    }
}
