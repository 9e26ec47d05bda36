//! Reads the keys of a TOML table one by one, notes every problem with its place, and remembers which keys it was asked for.
//!
//! Asking is the definition: the keys asked for are the known keys, so an unknown one is found when the table is finished,
//! and the same calls on an empty document are the description that schema and reference are written from. A wrong value is
//! noted and its default goes on, so that one run of the reader finds all that is wrong.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::Placed;
use super::shape::{Key, KeyDoc, Shape, TableDoc};
use crate::diagnostic::{Diagnostic, codes, nearest};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Why a value does not fit; the title follows from the key and its shape.
pub(super) struct Misfit {
    pub code: &'static str,
    pub span: Range<usize>,
    pub label: String,
    pub help: Option<String>,
}

/// One table that is being read.
pub(super) struct Reader<'a, 'p> {
    source: &'a str,
    table: Option<&'a DeTable<'a>>,
    /// Header or braces of the table, where the document has one.
    span: Option<Range<usize>>,
    /// Dotted name of the table, empty for the document itself.
    path: String,
    /// True where the table is described only, or was not a table at all: nothing in it is missing.
    quiet: bool,
    problems: &'p mut Vec<Diagnostic>,
    doc: TableDoc,
}

impl<'a, 'p> Reader<'a, 'p> {
    /// Reads a document.
    pub fn document(source: &'a str, table: &'a DeTable<'a>, problems: &'p mut Vec<Diagnostic>) -> Self {
        let (path, doc) = (String::new(), TableDoc::default());
        Self { source, table: Some(table), span: None, path, quiet: false, problems, doc }
    }

    /// Reads nothing, to learn which keys are asked for.
    pub fn description(problems: &'p mut Vec<Diagnostic>) -> Self {
        let (path, doc) = (String::new(), TableDoc::default());
        Self { source: "", table: None, span: None, path, quiet: true, problems, doc }
    }

    /// Notes the keys that nobody asked for and returns those that were.
    pub fn finish(self) -> TableDoc {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name = key.get_ref().as_ref();
            let known = || self.doc.keys.iter().map(|known| known.key.name);
            if known().any(|known| known == name) {
                continue;
            }
            let place = if self.path.is_empty() { "the pipeline".to_owned() } else { format!("`[{}]`", self.path) };
            let help = nearest(name, known()).map_or_else(
                || format!("{place} knows {}", known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
                |near| format!("a similar key exists: `{near}`"),
            );
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, format!("unknown key `{name}` in {place}"));
            self.problems.push(diagnostic.at(key.span(), "this version knows no such key").help(help));
        }
        self.doc
    }

    /// Reads a value; where it is absent or wrong, the default.
    ///
    /// The result is nothing only where the key has no default.
    pub fn value<T>(
        &mut self,
        key: Key,
        shape: Shape,
        read: impl Fn(&Value<'_>, &mut Vec<Misfit>) -> Option<T>,
    ) -> Option<T> {
        let given = self.raw(key.name);
        let mut misfits = Vec::new();
        let value = given.and_then(|value| read(value, &mut misfits)).filter(|_| misfits.is_empty());
        let path = self.dotted(key.name);
        let example = key.shown().map(|toml| format!("for example `{} = {toml}`", key.name));
        for misfit in misfits {
            let mut problem = Diagnostic::error(misfit.code, format!("`{path}` must be {shape}"));
            problem.help = misfit.help.or_else(|| example.clone());
            self.problems.push(problem.at(misfit.span, misfit.label));
        }
        if given.is_none() && key.required && !self.quiet {
            self.missing(&path, &key);
        }
        // Defaults are part of the program and fit; a test reads every one of them.
        let standing_in = || read(&DeValue::parse(key.default.as_deref()?).ok()?, &mut Vec::new());
        let value = value.or_else(standing_in);
        self.doc.keys.push(KeyDoc { key, shape });
        value
    }

    fn missing(&mut self, path: &str, key: &Key) {
        let line = key.shown().map_or_else(|| key.name.to_owned(), |toml| format!("{} = {toml}", key.name));
        let problem = Diagnostic::error(codes::MISSING_KEY, format!("`{path}` is missing"));
        self.problems.push(match &self.span {
            Some(span) => {
                problem.at(span.clone(), format!("`{}` is required here", key.name)).help(format!("add `{line}`"))
            }
            None if self.path.is_empty() => problem.help(format!("add `{line}` at the top of the file")),
            None => problem.help(format!("add a table `[{}]` with `{line}`", self.path)),
        });
    }

    /// Reads a table that is there with its defaults even where the file has none.
    pub fn table<T>(&mut self, key: Key, read: impl Fn(&mut Reader<'_, '_>) -> T) -> T {
        let (value, doc, _) = self.sub_table(&key, self.quiet, read);
        self.doc.keys.push(KeyDoc { key, shape: Shape::Table { doc, optional: false } });
        value
    }

    /// Reads a table that may be absent.
    pub fn optional_table<T>(&mut self, key: Key, read: impl Fn(&mut Reader<'_, '_>) -> T) -> Option<T> {
        let absent = !self.has(key.name);
        let (value, doc, given) = self.sub_table(&key, absent, read);
        self.doc.keys.push(KeyDoc { key, shape: Shape::Table { doc, optional: true } });
        given.then_some(value)
    }

    fn sub_table<T>(&mut self, key: &Key, quiet: bool, read: impl Fn(&mut Reader<'_, '_>) -> T) -> (T, TableDoc, bool) {
        let path = self.dotted(key.name);
        let given = self.raw(key.name);
        let table = given.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (given, table) {
            self.not_a_table(&path, value, &format!("write `[{path}]` and its keys below"));
        }
        let quiet = quiet || (given.is_some() && table.is_none());
        let span = given.filter(|_| table.is_some()).map(Spanned::span);
        let problems = &mut *self.problems;
        let doc = TableDoc::default();
        let mut reader = Reader { source: self.source, table, span, path, quiet, problems, doc };
        let value = read(&mut reader);
        (value, reader.finish(), given.is_some())
    }

    /// Reads any number of tables of one form.
    pub fn tables<T>(&mut self, key: Key, read: impl Fn(&mut Reader<'_, '_>) -> T) -> Vec<T> {
        let path = self.dotted(key.name);
        let mut values = Vec::new();
        let given = self.raw(key.name);
        match given.map(|value| (value, value.get_ref().as_array())) {
            Some((_, Some(elements))) => {
                for element in elements.iter() {
                    let Some(table) = element.get_ref().as_table() else {
                        self.not_a_table(&path, element, &format!("write `[[{path}]]` and its keys below"));
                        continue;
                    };
                    let (source, path, doc) = (self.source, path.clone(), TableDoc::default());
                    let (span, problems) = (Some(element.span()), &mut *self.problems);
                    let mut reader = Reader { source, table: Some(table), span, path, quiet: false, problems, doc };
                    values.push(read(&mut reader));
                    reader.finish();
                }
            }
            Some((value, None)) => {
                self.not_a_table(&path, value, &format!("write `[[{path}]]` with double brackets"));
            }
            None => {}
        }
        let mut reader = Reader::description(self.problems);
        read(&mut reader);
        let doc = reader.finish();
        self.doc.keys.push(KeyDoc { key, shape: Shape::Tables(doc) });
        values
    }

    fn not_a_table(&mut self, path: &str, value: &Value<'_>, help: &str) {
        let problem = Diagnostic::error(codes::WRONG_TYPE, format!("`{path}` must be a table of its own"));
        self.problems.push(problem.at(value.span(), format!("this is {}", described(value.get_ref()))).help(help));
    }

    /// Asks for exactly one of some keys.
    pub fn exactly_one(&mut self, names: &'static [&'static str]) {
        self.doc.exactly_one = names;
        let n_given = names.iter().filter(|name| self.has(name)).count();
        if n_given == 1 || self.quiet {
            return;
        }
        let tables: Vec<_> = names.iter().map(|name| format!("`[{}]`", self.dotted(name))).collect();
        let title = format!("`{}` needs exactly one of the tables {}", self.path, tables.join(" and "));
        let problem = Diagnostic::error(codes::CONTRADICTION, title).help("name the files there: `path = \"…\"`");
        self.problems.push(match &self.span {
            Some(span) => {
                problem.at(span.clone(), if n_given == 0 { "none is given" } else { "more than one is given" })
            }
            None => problem,
        });
    }

    /// Asks for at least one of some tables.
    pub fn at_least_one(&mut self, names: &'static [&'static str]) {
        self.doc.at_least_one = names;
        if self.quiet || names.iter().any(|name| self.has(name)) {
            return;
        }
        let tables: Vec<_> = names.iter().map(|name| format!("`[{}]`", self.dotted(name))).collect();
        let title = format!("`{}` needs at least one of the tables {}", self.path, tables.join(", "));
        let example = format!("add `[{}.csv]` with `path = \"…\"`", self.dotted(names[0]));
        let problem = Diagnostic::error(codes::MISSING_KEY, title).help(example);
        self.problems.push(match &self.span {
            Some(span) => problem.at(span.clone(), "none is given"),
            None => problem,
        });
    }

    /// Notes a problem that concerns more than one value.
    pub fn note(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Returns what the file has for a key of this table, right or wrong.
    pub fn raw(&self, name: &str) -> Option<&'a Value<'a>> {
        self.table.and_then(|table| table.get(name))
    }

    /// Says whether the file has a key in this table, right or wrong.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Returns the dotted name of a key of this table.
    pub fn dotted(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Keeps a text with its place in the file; nothing where the value is no text.
    pub fn placed(&self, value: &Value<'_>) -> Option<Placed> {
        let (text, span) = (value.get_ref().as_str()?, value.span());
        let raw = self.source.get(span.clone()).unwrap_or("");
        let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
        // A line break right after the opening quotes is not part of the text.
        let inner = raw.get(quotes..).unwrap_or("");
        let skipped = match quotes {
            3 => inner.len() - inner.strip_prefix("\r\n").or(inner.strip_prefix('\n')).unwrap_or(inner).len(),
            _ => 0,
        };
        let letter_by_letter =
            inner.get(skipped..).and_then(|rest| rest.strip_prefix(text)).is_some_and(|end| end.len() == quotes);
        let start = letter_by_letter.then_some(span.start + quotes + skipped);
        Some(Placed { text: text.to_owned(), span, start })
    }
}

/// Names the type of a value for a message.
pub(super) fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(time) if time.time.is_none() => "a date",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
