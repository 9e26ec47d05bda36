//! Whole files in, columns and rejects out: dialects, parts, evidence across files, and what is said of bad input.

use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::column::{Part, join};
use super::file::{Job, ParsedPart};
use super::headers::Mapped;
use super::read::read_in_parts;
use super::specs::{optional, required};
use super::*;
use crate::units::NONE_IX;

/// Column types of every kind under names that need no synonyms.
pub(super) static SPEC: TableSpec = TableSpec {
    name: "transactions",
    columns: std::borrow::Cow::Borrowed(&[
        required("customer_id", Cell::Id, true, &["kundennr"]),
        required("date", Cell::Date, false, &["datum"]),
        required("amount", Cell::Decimal, false, &["umsatz"]),
        optional("note", Cell::Text, &[]),
        optional("opt_in", Cell::Flag, &[]),
    ]),
    one_of: &[],
    one_of_may_be_empty: false,
};

fn folder(files: &[(&str, &[u8])]) -> (TempDir, TableSource) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let patterns = vec![dir.path().join("*").display().to_string()];
    (dir, TableSource { patterns, ..TableSource::default() })
}

fn read(files: &[(&str, &[u8])]) -> Result<TypedTable, IngestError> {
    let (_dir, source) = folder(files);
    read_table(&SPEC, &source, None)
}

/// Joins the parts of one file.
pub(super) fn columns_of(columns: &[Mapped], parts: Vec<ParsedPart>) -> Vec<TypedColumn> {
    let mut of_columns: Vec<Vec<Part>> = columns.iter().map(|_| Vec::new()).collect();
    for part in parts {
        of_columns.iter_mut().zip(part.columns).for_each(|(parts, built)| parts.push(Part::Built(Box::new(built))));
    }
    columns.iter().zip(of_columns).map(|(column, parts)| join(column.request.cell, parts)).collect()
}

/// Every row as text, so that a table can be compared at a glance.
fn rows(table: &TypedTable) -> Vec<String> {
    let cell = |column: &TypedColumn, row: usize| match column {
        TypedColumn::Text { codes, .. } if codes[row] == NONE_IX => String::new(),
        TypedColumn::Text { codes, values } => values.get(codes[row]).to_owned(),
        TypedColumn::Date { day, .. } if day[row] == NO_DAY => String::new(),
        TypedColumn::Date { day, millis } => {
            let time = millis.get(row).map_or(String::new(), |millis| format!(" +{millis}"));
            format!("{}{time}", crate::units::Day(day[row]))
        }
        TypedColumn::Decimal(numbers) if numbers[row] == NO_NUMBER => String::new(),
        TypedColumn::Decimal(numbers) => numbers[row].to_string(),
        TypedColumn::Flag(flags) => flags[row].to_string(),
    };
    let names = SPEC.columns.iter().filter_map(|request| table.columns.get(&*request.name));
    let columns: Vec<&TypedColumn> = names.collect();
    (0..table.n_rows).map(|row| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join("|")).collect()
}

fn check(bytes: &[u8], expected: &[&str]) {
    let table = read(&[("a.csv", bytes)]).unwrap();
    assert_eq!((rows(&table).as_slice(), table.rejects.len()), (expected.map_owned().as_slice(), 0));
}

/// `expected` is line, column and reason of every reject.
fn check_rejects(bytes: &[u8], expected: &[(u64, Option<&str>, &str)]) {
    let table = read(&[("a.csv", bytes)]).unwrap();
    let found: Vec<(u64, Option<&str>, &str)> =
        table.rejects.iter().map(|reject| (reject.line, reject.column.as_deref(), reject.reason.as_str())).collect();
    assert_eq!(found, expected);
}

fn check_error(files: &[(&str, &[u8])], code: &str, words: &[&str]) {
    let error = read(files).unwrap_err();
    let said = format!("{error}; {}", error.help());
    assert_eq!(error.code(), code, "{said}");
    for word in words {
        assert!(said.contains(word), "{said:?} should hold {word:?}");
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn the_same_table_in_every_dialect() {
    let expected = ["007|2010-12-13 +46800000|1234560000|Müßiggang; \"5\" €"];
    let german = "Kundennr.;Datum;Umsatz (EUR);Note\n007;13.12.2010 13:00;1.234,56;\"Müßiggang; \"\"5\"\" €\"\n";
    check(german.as_bytes(), &expected);
    check(format!("\u{feff}{german}").as_bytes(), &expected);
    check(german.replace('\n', "\r\n").as_bytes(), &expected);
    check(german.replace('\n', "\r").as_bytes(), &expected);
    check(format!("sep=;\r\n{german}").as_bytes(), &expected);
    check(german.replace('\n', "\n\n").as_bytes(), &expected);
    check(german.trim_end().as_bytes(), &expected);
    check(&encoding_rs::WINDOWS_1252.encode(german).0, &expected);
    check(&encoding_rs::ISO_8859_15.encode(german).0, &expected);
    let tabs = german.replace("\"Müßiggang; \"\"5\"\" €\"", "Müßiggang: 5").replace(';', "\t").replace(':', ";");
    let tabs = tabs.replace("13;00", "13:00").replace("; 5", "; \"5\" €");
    check(tabs.as_bytes(), &expected);
    check(&utf16le(&tabs), &expected);
    check(&utf16le(&format!("\u{feff}{tabs}")), &expected);
    check(
        b"customer_id,date,amount\n7.0,2010-12-13,1234.56\n,2010-12-14,-1\n",
        &["7|2010-12-13|1234560000", "|2010-12-14|-1000000"],
    );
}

#[test]
fn rejects_know_line_and_reason() {
    check_rejects(
        b"customer_id,date,amount,note\n1,2024-01-01,1.50,\"two\nlines\"\n2,2024-01-32,1.50,\n\n3,2024-01-01,,\n4,2024-01-01,1.50\n5,2024-01-01,1.50,a,b\n6,2024-01-01,1.50,\"a\"b\n7,1.1.x,1x,\n8,2024-01-01,1.50,\n9,2024-01-01,1.50,\n",
        &[
            (4, Some("date"), "a day that no calendar has (shape `9999-99-99`)"),
            (6, Some("amount"), "empty, but every row needs it"),
            (7, None, "4 fields expected, 3 found"),
            (8, None, "4 fields expected, 5 found"),
            (9, None, "text after a closing quote"),
            (10, Some("date"), "not a date yyyy-mm-dd (shape `9.9.a`)"),
        ],
    );
}

#[test]
fn rejects_know_whom_they_are_about() {
    let keys = |text: &str| -> Vec<Option<String>> {
        let table = read(&[("a.csv", text.as_bytes())]).unwrap();
        table.rejects.into_iter().map(|reject| reject.key).collect()
    };
    let some = |key: &str| Some(key.to_owned());
    let text = "date,customer_id,amount\nx,\" 7\"\"a \",1\nx,17850.0,1\n\"x\ny\",007,1\n2024-01-01,3\n2024-01-01\n2024-01-01,5,1,1\n\
                \"a\"b,6,1\nx,NULL,1\nx,,1\n2024-01-01,8,1\n";
    assert_eq!(
        keys(text),
        [some("7\"a"), some("17850"), some("007"), some("3"), None, some("5"), some("6"), None, None]
    );
}

#[test]
fn lines_are_physical_whatever_ends_them() {
    let text = "sep=,\ncustomer_id,date,amount,note\n1,2024-01-01,1,\"a\nb\"\n2,x,1,\n";
    for newline in ["\n", "\r\n"] {
        check_rejects(
            text.replace('\n', newline).as_bytes(),
            &[(5, Some("date"), "not a date yyyy-mm-dd (shape `a`)")],
        );
    }
    let no_inner = text.replace("\"a\nb\"", "ab").replace('\n', "\r");
    check_rejects(no_inner.as_bytes(), &[(4, Some("date"), "not a date yyyy-mm-dd (shape `a`)")]);
}

#[test]
fn damaged_bytes_reject_their_row_alone() {
    let mut bytes = "customer_id,date,amount,note\n".as_bytes().to_vec();
    for _ in 0..20 {
        bytes.extend("1,2024-01-01,1,ü\n".as_bytes());
    }
    bytes.extend(b"2,2024-01-01,1,\xFC\n");
    check_rejects(&bytes, &[(22, None, "bytes that the encoding does not have")]);
}

#[test]
fn rejected_customers_leave_no_trace() {
    let table = read(&[("a.csv", b"customer_id,date,amount\nghost,x,1\nreal,2024-01-01,1\n")]).unwrap();
    let Some(TypedColumn::Text { values, .. }) = table.columns.get("customer_id") else { panic!("no ids") };
    assert_eq!(values.iter().collect::<Vec<_>>(), ["real"]);
}

#[test]
fn an_ambiguous_column_follows_the_other_columns_and_then_the_delimiter() {
    let columns = ["a", "b"].map(|name| required(name, Cell::Decimal, true, &[])).to_vec().into();
    let spec = TableSpec { columns, ..SPEC };
    let check = |text: &str, expected: i64, why: &str| {
        let (_dir, source) = folder(&[("a.csv", text.as_bytes())]);
        let table = read_table(&spec, &source, None).unwrap();
        assert_eq!(table.columns["a"], TypedColumn::Decimal(vec![expected]), "{text:?}");
        assert!(
            table.files[0].evidence.iter().any(|line| line.starts_with("`a`") && line.contains(why)),
            "{:?}",
            table.files[0].evidence
        );
    };
    check(
        "a;b\n1.234;9,99\n",
        1_234_000_000,
        "decimal comma (1 cell could be either, e.g. shape `9.999`; as the other columns",
    );
    check("a;b\n1.234;9.99\n", 1_234_000, "as the other columns of the file");
    check("a;b\n1.234;9\n", 1_234_000_000, "`;` between fields goes with a decimal comma");
    check("a\tb\n1.234\t9\n", 1_234_000, "a point is usual");
}

#[test]
fn contradictory_evidence_is_an_error_and_single_slips_are_rejects() {
    let numbers = |cells: &[(&str, usize)]| {
        let mut text = "customer_id;date;amount\n".to_owned();
        for (cell, times) in cells {
            text.push_str(&format!("1;2024-01-01;{cell}\n").repeat(*times));
        }
        text
    };
    check_error(
        &[("a.csv", numbers(&[("9,99", 90), ("9.99", 10)]).as_bytes())],
        "K0308",
        &[
            "mixes numbers with a decimal comma (90, the first in line 2) and with a decimal point (10, the first in line 92)",
            "amount = ",
        ],
    );
    check_rejects(
        numbers(&[("9,99", 99), ("9.99", 1)]).as_bytes(),
        &[(101, Some("amount"), "not a number in the form of its column (shape `9.99`)")],
    );
    check_error(
        &[("a.csv", b"customer_id,date,amount\n1,13/01/2024,1\n1,01/14/2024,1\n")],
        "K0309",
        &["mixes dates dd/mm/yyyy (1, the first in line 2) and mm/dd/yyyy (1, the first in line 3)"],
    );
}

#[test]
fn day_and_month_are_told_apart_by_other_files_or_not_at_all() {
    let open: &[u8] = b"customer_id,date,amount\n1,02/01/2024,1\n";
    check_error(
        &[("a.csv", open)],
        "K0310",
        &["`dd/mm/yyyy`", "mm/dd/yyyy", "date-format"].map(|w| w.trim_matches('`')),
    );
    for (second, expected) in [("01/13/2024", "2024-02-01"), ("13/01/2024", "2024-01-02")] {
        let decided = format!("customer_id,date,amount\n1,{second},1\n");
        let table = read(&[("a.csv", open), ("b.csv", decided.as_bytes())]).unwrap();
        assert_eq!(rows(&table)[0], format!("1|{expected}|1000000"));
        assert!(
            table.files[0].evidence.iter().any(|line| line.contains("as in the other files")),
            "{:?}",
            table.files[0]
        );
    }
}

#[test]
fn forms_that_the_pipeline_states_need_no_evidence() {
    let (_dir, mut source) =
        folder(&[("a.csv", b"customer_id,date,amount\n1,02/01/2024,\"1,234\"\n2,02/01/2024,1.5\n")]);
    source.formats.insert("date".to_owned(), ColumnFormat::Date(DateFormat::SlashMonthFirst));
    source.csv.number_format = Some(NumberFormat::Comma);
    let table = read_table(&SPEC, &source, None).unwrap();
    assert_eq!(rows(&table), ["1|2024-02-01|1234000"]);
    assert_eq!((table.rejects.len(), table.rejects[0].line), (1, 3));
    source.formats.insert("date".to_owned(), ColumnFormat::Number(NumberFormat::Comma));
    let error = read_table(&SPEC, &source, None).unwrap_err();
    assert_eq!((error.code(), error.help().contains("`dd.mm.yyyy`")), ("K0314", true));
    source.formats.clear();
    source.csv.delimiter = Some('ä');
    assert_eq!(read_table(&SPEC, &source, None).unwrap_err().code(), "K0314");
    source.csv.delimiter = None;
    source.columns.insert("amont".to_owned(), "x".to_owned());
    assert_eq!(read_table(&SPEC, &source, None).unwrap_err().code(), "K0314");
}

#[test]
fn files_that_cannot_be_read_say_so() {
    let header: &[u8] = b"customer_id,date,amount\n";
    check_error(&[("a.csv", b"")], "K0304", &["holds nothing"]);
    check_error(&[("a.csv", header)], "K0304", &["holds only headers"]);
    check_error(&[("a.csv", b""), ("b.csv", header)], "K0304", &["none of its 2 files"]);
    check_error(
        &[("a.csv", b"customer_id,date,amount\n1,2024-01-01,1\n2,2024-01-01,\"1\n")],
        "K0312",
        &["opens in line 3"],
    );
    check_error(
        &[("a.csv", b"customer_id,date\n1,2024-01-01\n")],
        "K0305",
        &["no column for `amount`", "`customer_id`, `date`"],
    );
}

#[test]
fn empty_files_among_others_are_a_note() {
    let full: &[u8] = b"customer_id,date,amount,opt_in\n1,2024-01-01,1,x\n2,2024-01-01,1,\n";
    let other: &[u8] = b"Umsatz;Datum;Kundennr\n2,5;02.01.2024;0\n";
    let table =
        read(&[("a.csv", b""), ("b.csv", full), ("c.csv", b"customer_id,date,amount\n"), ("d.csv", other)]).unwrap();
    assert_eq!(rows(&table), ["1|2024-01-01|1000000|1", "2|2024-01-01|1000000|0", "0|2024-01-02|2500000|2"]);
    assert_eq!(table.file_starts, [0, 0, 2, 2]);
    assert_eq!(table.files[0].evidence, ["the file is empty"]);
    assert_eq!(table.files[2].evidence.last().map(String::as_str), Some("a header and no rows"));
}

#[test]
fn accepted_rows_are_found_again() {
    let first: &[u8] = b"customer_id,date,amount,note\n1,x,1,\n\n2,2024-01-01,1,\"a\nb\"\n3,x,1,\n4,2024-01-01,1,\n";
    let second: &[u8] = b"Kundennr;Datum;Umsatz\n5;02.01.2024;2,5\n";
    let (dir, source) = folder(&[("a.csv", first), ("b.csv", second)]);
    let table = read_table(&SPEC, &source, None).unwrap();
    let rejects = reject_rows(&table.files, &[2, 1, 0], Some("date"), "too late").unwrap();
    let found: Vec<_> = rejects.iter().map(|r| (r.line, r.column.as_deref(), r.row.as_str())).collect();
    assert_eq!(
        found,
        [
            (4, Some("date"), "2,2024-01-01,1,\"a\nb\""),
            (7, Some("date"), "4,2024-01-01,1,"),
            (2, Some("Datum"), "5;02.01.2024;2,5")
        ]
    );
    std::fs::write(dir.path().join("b.csv"), b"other").unwrap();
    assert_eq!(reject_rows(&table.files, &[2], None, "too late").unwrap_err().code(), "K0315");
}

#[test]
fn progress_adds_up_to_the_bytes_of_the_files() {
    let text = utf16le(&format!("customer_id;date;amount\n{}", "1;01.01.2024;9,99\n".repeat(500)));
    let (_dir, source) = folder(&[("a.csv", &text), ("b.csv", b"")]);
    let done = std::sync::atomic::AtomicU64::new(0);
    let progress = |bytes| {
        done.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    read_in_parts(&Job { spec: &SPEC, source: &source, part_bytes: 100, progress: Some(&progress) }).unwrap();
    assert_eq!(done.into_inner(), text.len() as u64);
}

fn record() -> impl Strategy<Value = String> {
    let customer = prop_oneof!["[ab][0-9]", Just(String::new())];
    let date = prop_oneof![9 => (1..=28_u32).prop_map(|day| format!("{day:02}/02/2024")), 1 => Just("x".to_owned())];
    let amount = prop_oneof![3 => "[1-9]\\.[0-9]{2}", 1 => "[0-9]{1,3}", 1 => Just("1,5".to_owned())];
    let note = prop_oneof!["[a-z]{0,5}", "5\" [a-z]", "\"[a-z,\n]{0,12}\"", "\"a\n1,01/02/2024,1,b\nc\"", "\"a\"b"];
    (customer, date, amount, note).prop_map(|(customer, date, amount, note)| {
        let amount = if amount.contains(',') { format!("\"{amount}\"") } else { amount };
        format!("{customer},{date},{amount},{note}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Where a file is cut changes nothing: neither columns nor rejects, evidence or errors.
    #[test]
    fn parts_of_any_size_give_the_same_table(records in proptest::collection::vec(record(), 1..60)) {
        let text = format!("customer_id,date,amount,note\n{}\n", records.join("\n"));
        let (_dir, source) = folder(&[("a.csv", text.as_bytes())]);
        let read = |part_bytes: usize| {
            let table = read_in_parts(&Job { spec: &SPEC, source: &source, part_bytes, progress: None });
            table.map(|table| (table.columns, table.rejects, table.files[0].evidence.clone())).map_err(|error| error.to_string())
        };
        let whole = read(usize::MAX);
        for part_bytes in [1, 2, 3, 7, 20, 64, 300] {
            prop_assert_eq!(&read(part_bytes), &whole);
        }
    }
}

mod parquet_files {
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use ::parquet::file::properties::WriterProperties;
    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn sample(path: &Path) {
        let noon = 12 * 3_600_000_000_i64;
        write(
            path,
            vec![
                ("ignored", Arc::new(StringArray::from(vec!["a"; 5])) as ArrayRef),
                ("Umsatz", Arc::new(Float64Array::from(vec![Some(2.55), None, Some(-1.0), Some(4.0), Some(5.0)]))),
                (
                    "customer_id",
                    Arc::new(Float64Array::from(vec![Some(17850.0), Some(1.0), None, Some(0.5), Some(3.0)])),
                ),
                ("date", Arc::new(TimestampMicrosecondArray::from(vec![noon; 5]))),
                ("note", Arc::new(StringArray::from(vec![Some("a, \"b\""), None, Some("c"), None, Some("d, e")]))),
            ],
        );
    }

    #[test]
    fn rows_of_all_groups_are_read_and_bad_ones_rejected() {
        let (dir, mut source) = folder(&[]);
        source.format = Format::Parquet;
        sample(&dir.path().join("a.parquet"));
        let table = read_table(&SPEC, &source, None).unwrap();
        let expected = [
            "17850|1970-01-01 +43200000|2550000|a, \"b\"",
            "|1970-01-01 +43200000|-1000000|c",
            "3|1970-01-01 +43200000|5000000|d, e",
        ];
        assert_eq!(rows(&table), expected);
        let found: Vec<_> =
            table.rejects.iter().map(|r| (r.line, r.column.as_deref(), r.reason.as_str(), r.row.as_str())).collect();
        assert_eq!(
            found,
            [
                (2, Some("Umsatz"), "empty, but every row needs it", ",1.0,1970-01-01T12:00:00,"),
                (
                    4,
                    Some("customer_id"),
                    "a number with decimals where an id should be",
                    "4.0,0.5,1970-01-01T12:00:00,"
                ),
            ]
        );
        let keys: Vec<_> = table.rejects.iter().map(|reject| reject.key.as_deref()).collect();
        assert_eq!(keys, [Some("1"), None]);
        let again = reject_rows(&table.files, &[1, 2], Some("amount"), "too much").unwrap();
        let found: Vec<_> = again.iter().map(|r| (r.line, r.column.as_deref(), r.row.as_str())).collect();
        assert_eq!(
            found,
            [
                (3, Some("Umsatz"), "-1.0,,1970-01-01T12:00:00,c"),
                (5, Some("Umsatz"), "5.0,3.0,1970-01-01T12:00:00,\"d, e\"")
            ]
        );
    }

    #[test]
    fn text_columns_are_read_like_text_files() {
        let (dir, mut source) = folder(&[]);
        source.format = Format::Parquet;
        let strings = |cells: [&str; 3]| Arc::new(StringArray::from(cells.to_vec())) as ArrayRef;
        write(
            &dir.path().join("a.parquet"),
            vec![
                ("Kundennr.", strings(["007", "NULL", "5.0"])),
                ("Datum", strings(["13.12.2010", "1.1.11 08:00", "01.01.2011"])),
                ("Umsatz", strings(["1.234,56", "9,99-", "1.000"])),
            ],
        );
        let table = read_table(&SPEC, &source, None).unwrap();
        let expected = ["007|2010-12-13 +0|1234560000", "|2011-01-01 +28800000|-9990000", "5|2011-01-01 +0|1000000000"];
        assert_eq!(rows(&table), expected);
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut() {
        let (dir, mut source) = folder(&[]);
        source.format = Format::Parquet;
        let path = dir.path().join("a.parquet");
        sample(&path);
        let bytes = std::fs::read(&path).unwrap();
        for length in 1..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(read_table(&SPEC, &source, None).unwrap_err().code(), "K0311", "cut to {length} bytes");
        }
        // A flipped byte may go unnoticed, as pages carry no checksum, but it must not panic.
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x41;
            std::fs::write(&path, &flipped).unwrap();
            drop(read_table(&SPEC, &source, None));
        }
    }

    #[test]
    fn types_without_a_reading_are_refused() {
        let (dir, mut source) = folder(&[]);
        source.format = Format::Parquet;
        let dates = Arc::new(Float64Array::from(vec![1.0])) as ArrayRef;
        let columns = ["customer_id", "date", "amount"].map(|name| (name, dates.clone()));
        write(&dir.path().join("a.parquet"), columns.to_vec());
        let error = read_table(&SPEC, &source, None).unwrap_err();
        assert_eq!((error.code(), error.to_string().contains("`date` has type Float64")), ("K0313", true));
    }
}
