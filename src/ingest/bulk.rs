//! Many cells at a time into the builder of a column: what nearly all cells are, done fast; what they mean is told by `column`.
//!
//! | cells                 | short way                                                                    |
//! |-----------------------|------------------------------------------------------------------------------|
//! | texts                 | looked for in the dictionary several at once, so that waits for memory overlap |
//! | texts with numbers    | one look for each number                                                     |
//! | numbers               | one machine word, see [`numbers::parse_short`]                               |
//! | dates                 | the same as the one before                                                   |
//!
//! A cell that cannot take it goes through [`Builder::push`], and what comes out is the same. `O(length)` a cell.

use super::column::{Builder, Building, Evidence, Fault, NO_DAY, NO_NUMBER};
use super::dictionary::Look;
use super::records::{Cells, Field};
use super::{cells, numbers};

/// Cells that are looked for in a dictionary at a time.
const LOOKS: usize = 32;

impl Builder {
    /// Makes room for more cells.
    pub(super) fn reserve(&mut self, n_rows: usize) {
        match &mut self.values {
            Building::Text { part, .. } => part.codes.reserve(n_rows),
            Building::Number { values, .. } => values.reserve(n_rows),
            Building::Flag { values, .. } => values.reserve(n_rows),
            Building::Date { day, .. } => day.reserve(n_rows),
        }
    }

    /// Gives back the memory that only new cells need.
    pub(super) fn close(&mut self) {
        if let Building::Text { part, .. } = &mut self.values {
            part.dictionary.close();
        }
    }

    /// Adds cells; faults come with the number of the cell.
    pub(super) fn push_cells(&mut self, cells: Cells<'_>, fault: &mut dyn FnMut(usize, Fault)) {
        if let Building::Text { .. } = self.values {
            return self.push_texts(cells, fault);
        }
        for (ix, line) in cells.lines.iter().enumerate() {
            let field = cells.field(ix);
            if (field.doubled || !self.push_plain(cells.text, field, *line))
                && let Err(found) = self.push(field.text(cells.text, &mut String::new()), *line)
            {
                fault(ix, found);
            }
        }
    }

    /// Adds cells to a column of texts: looks for many first, because most of the time goes into waiting for the table.
    fn push_texts(&mut self, cells: Cells<'_>, fault: &mut dyn FnMut(usize, Fault)) {
        let text = cells.text;
        let (mut looks, mut is_plain) = ([Look::default(); LOOKS], [false; LOOKS]);
        for from in (0..cells.lines.len()).step_by(LOOKS) {
            let Building::Text { part, is_id } = &self.values else { return };
            let some = from..cells.lines.len().min(from + LOOKS);
            for (ix, (look, is_plain)) in some.clone().zip(looks.iter_mut().zip(&mut is_plain)) {
                let field = cells.field(ix);
                let bytes = &text.as_bytes()[field.start..field.end];
                *is_plain = cells::is_plain(bytes) && !field.doubled && !(*is_id && bytes.ends_with(b".0"));
                part.dictionary.look(text.as_bytes(), field.start, field.end, look);
            }
            for (ix, (look, is_plain)) in some.zip(looks.iter().zip(&is_plain)) {
                let field = cells.field(ix);
                if *is_plain && let Building::Text { part, .. } = &mut self.values {
                    part.codes.push(part.dictionary.code_at(look, text, field.start, field.end));
                } else if let Err(found) = self.push(field.text(text, &mut String::new()), cells.lines[ix]) {
                    fault(ix, found);
                }
            }
        }
    }

    /// Adds a field if it is as plain as nearly all are; says whether it was.
    #[inline(always)]
    fn push_plain(&mut self, text: &str, field: &Field, line: usize) -> bool {
        let (start, end) = (field.start, field.end);
        let bytes = &text.as_bytes()[start..end];
        match &mut self.values {
            Building::Number { reading, values } => {
                let Some((value, hint)) = numbers::parse_short(text.as_bytes(), start, end, *reading) else {
                    return false;
                };
                if let Evidence::Number(evidence) = &mut self.evidence {
                    evidence.note(hint, &text[start..end], line);
                }
                values.push(value);
            }
            Building::Date { last: Some(last), .. } if last.cell.as_bytes() == bytes => {
                if let Evidence::Date(evidence) = &mut self.evidence {
                    evidence.note(&last.date, &last.cell, line);
                }
                let (day, millis) = (last.day, last.date.millis);
                self.push_day(day, millis);
            }
            Building::Text { .. } | Building::Date { .. } | Building::Flag { .. } => return false,
        }
        true
    }

    /// Adds cells that are the same text for the same key: every text is read once, where a cell first has it.
    pub(super) fn push_keys<'a>(
        &mut self,
        keys: impl Iterator<Item = Option<usize>>,
        text_of: impl Fn(usize) -> &'a str,
        codes: &mut Vec<Option<u32>>,
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        for (ix, key) in keys.enumerate() {
            let known = key.and_then(|key| codes.get(key).copied().flatten());
            if let (Some(code), Building::Text { part, .. }) = (known, &mut self.values) {
                part.codes.push(code);
                continue;
            }
            let pushed = match key {
                None => self.push_empty(),
                Some(key) => self.push(text_of(key), ix),
            };
            match pushed {
                Err(found) => fault(ix, found),
                Ok(()) => {
                    if let (Some(key), Building::Text { part, .. }) = (key, &self.values) {
                        if codes.len() <= key {
                            codes.resize(key + 1, None);
                        }
                        codes[key] = part.codes.last().copied();
                    }
                }
            }
        }
    }

    /// Adds millionths that need no reading, nothing where they are out of range.
    pub(super) fn push_numbers(
        &mut self,
        numbers: impl Iterator<Item = Option<i64>>,
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        let Building::Number { values, .. } = &mut self.values else { return };
        let n_before = values.len();
        values.extend(numbers.map(|number| number.unwrap_or(NO_NUMBER)));
        for (ix, _) in values[n_before..].iter().enumerate().filter(|(_, number)| **number == NO_NUMBER) {
            fault(ix, Fault::NumberRange);
        }
    }

    /// Adds days that need no reading, nothing where they are out of range.
    pub(super) fn push_days(&mut self, days: impl Iterator<Item = Option<i32>>, fault: &mut dyn FnMut(usize, Fault)) {
        let Building::Date { day, millis, .. } = &mut self.values else { return };
        let n_before = day.len();
        day.extend(days.map(|day| day.unwrap_or(NO_DAY)));
        for (ix, _) in day[n_before..].iter().enumerate().filter(|(_, day)| **day == NO_DAY) {
            fault(ix, Fault::DayRange);
        }
        if !millis.is_empty() {
            millis.resize(day.len(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::{Part, Reading, join};
    use super::super::dates::DateFormat;
    use super::super::number_format::NumberReading;
    use super::super::spec::Cell;
    use super::*;
    use proptest::prelude::*;

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => "[ab][0-9]{0,2}",
            2 => "-?[0-9]{1,4}[.,]?[0-9]{0,3}",
            2 => "2024-0[1-2]-[0-3][0-9]",
            1 => "[0-9]{2}[.][0-9]{2}[.]2024( 1[0-9]:30)?",
            1 => "customer [0-9]{5,7}",
            1 => "[0-9]{1,2}[.]0",
            1 => " ?(ja|nein|x|NULL|nan|ä|0000-00-00)? ?",
        ]
    }

    proptest! {
        /// Many cells at a time come to what they are one by one: column, faults and evidence.
        #[test]
        fn the_short_way_is_the_long_way(texts in proptest::collection::vec(cell(), 0..150), nullable in any::<bool>()) {
            let (text, mut fields) = (texts.concat(), Vec::new());
            for cell in &texts {
                let start = fields.last().map_or(0, |field: &Field| field.end);
                fields.push(Field { start, end: start + cell.len(), doubled: false });
            }
            let lines: Vec<usize> = (7..7 + texts.len()).collect();
            for (cell, reading) in [
                (Cell::Id, Reading::Id),
                (Cell::Text, Reading::Text),
                (Cell::Flag, Reading::Flag),
                (Cell::Decimal, Reading::Number(NumberReading::POINT)),
                (Cell::Decimal, Reading::Number(NumberReading::COMMA)),
                (Cell::Date, Reading::Date(DateFormat::YearMonthDay)),
                (Cell::Date, Reading::Date(DateFormat::DotDayFirst)),
            ] {
                let [mut at_once, mut one_by_one] = [(); 2].map(|()| (Builder::new(cell, reading, nullable), Vec::new()));
                let cells = Cells { text: &text, fields: &fields, n_fields: 1, lines: &lines };
                at_once.0.push_cells(cells, &mut |ix, fault| at_once.1.push((ix, fault)));
                for (ix, cell) in texts.iter().enumerate() {
                    one_by_one.1.extend(one_by_one.0.push(cell, lines[ix]).err().map(|fault| (ix, fault)));
                }
                prop_assert_eq!(at_once.1, one_by_one.1);
                let evidence = [&mut at_once.0, &mut one_by_one.0].map(|builder| format!("{:?}", builder.take_evidence()));
                prop_assert_eq!(&evidence[0], &evidence[1]);
                let [at_once, one_by_one] = [at_once.0, one_by_one.0].map(|built| join(cell, vec![Part::Built(Box::new(built))]));
                prop_assert_eq!(at_once, one_by_one);
            }
        }
    }
}
