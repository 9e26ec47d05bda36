//! Files larger than a window, compressed or in any encoding: what comes out is what one window gives.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::csv::{Sizes, parse_in};
use super::file::{Job, ParsedFile};
use super::read_tests::SPEC;
use super::readings::Stated;
use super::*;

const WHOLE: Sizes = Sizes { first: 1 << 20, window: 1 << 20, part: 1 << 20 };

/// What a table and its messages are made of.
fn shown(parsed: Result<ParsedFile, IngestError>) -> Result<String, String> {
    let parsed = parsed.map_err(|error| format!("{}: {error}", error.code()))?;
    let (n_rows, rejects, report) = (parsed.report.rows, &parsed.rejects, &parsed.report);
    // How many records were sampled for the delimiter is a matter of the first window.
    let evidence: Vec<&String> = report.evidence.iter().filter(|line| !line.starts_with("delimiter")).collect();
    let found = format!("{n_rows} {rejects:?} {evidence:?} {} {:?}", report.sha256, parsed.decisions);
    let columns = read_tests::columns_of(&parsed.columns, parsed.parts);
    Ok(format!("{found} {columns:?}"))
}

fn parse(path: &Path, sizes: Sizes) -> Result<String, String> {
    let source = TableSource::default();
    let done = AtomicU64::new(0);
    let progress = |bytes| {
        done.fetch_add(bytes, Ordering::Relaxed);
    };
    let job = Job { spec: &SPEC, source: &source, part_bytes: sizes.part, progress: Some(&progress) };
    let parsed = parse_in(&job, path, &Stated::new(), sizes);
    if parsed.is_ok() {
        assert_eq!(done.into_inner(), path.metadata().unwrap().len());
    }
    shown(parsed)
}

/// Reads a file whole and in windows of several sizes.
fn check(bytes: &[u8], first: usize) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    std::fs::write(&path, bytes).unwrap();
    let whole = parse(&path, WHOLE);
    for (window, part) in [(1, 1), (7, 3), (50, 20), (64, 1_000), (300, 100)] {
        assert_eq!(parse(&path, Sizes { first, window, part }), whole, "windows of {window}");
    }
    whole
}

fn table(rows: &str, times: usize) -> String {
    format!("customer_id,date,amount,note\n{}", rows.repeat(times))
}

const ROWS: &str =
    "1,2024-01-01,1.50,\"two\nlines, \"\"quoted\"\"\"\r\n2,2024-01-32,1.50,\n\n3,2024-01-02,,x\n4,2024-01-01,1\n";

#[test]
fn a_file_of_many_windows_is_read_as_one() {
    let found = check(table(ROWS, 30).as_bytes(), 200).unwrap();
    assert!(found.contains("line: 181, column: None"), "{found}");
    check(table(ROWS, 30).replace('\n', "\r\n").as_bytes(), 200).unwrap();
    check(table("1,2024-01-01,1.50,ab\n", 50).replace('\n', "\r").as_bytes(), 200).unwrap();
    check(table("1,2024-01-01,1.50,ab\n", 50).trim_end().as_bytes(), 200).unwrap();
}

#[test]
fn a_wrong_guess_is_put_right_by_the_rest_of_the_file() {
    let start = table("1;02.01.2024;1.234;\n", 10).replace("id,date,amount,", "id;date;amount;");
    let comma = check(format!("{start}{}", "1;02.01.2024;9,99;\n".repeat(50)).as_bytes(), 150).unwrap();
    let point = check(format!("{start}{}", "1;02.01.2024;9.99;\n".repeat(50)).as_bytes(), 150).unwrap();
    assert!(comma.contains("decimal comma (50 of 60 cells decide"), "{comma}");
    assert!(point.contains("decimal point (50 of 60 cells decide"), "{point}");
    let days = format!("{}{}", table("1,02/01/2024,1,\n", 10), "1,02/13/2024,1,\n".repeat(50));
    assert!(check(days.as_bytes(), 150).unwrap().contains("mm/dd/yyyy"));
    let mixed = format!("{}{}", table("1,2024-01-01,9.99,\n", 20), "1,2024-01-01,\"9,99\",\n".repeat(20));
    let error = check(mixed.as_bytes(), 150).unwrap_err();
    assert!(error.starts_with("K0308") && error.contains("the first in line 22"), "{error}");
}

#[test]
fn only_the_end_of_a_file_tells_its_encoding() {
    let start = table("1,2024-01-01,1.50,ascii\n", 20).into_bytes();
    let with = |rest: &[u8]| [&start, rest, &b"2,2024-01-01,1,end\n".repeat(20)].concat();
    let umlauts = "1,2024-01-01,1,ü€\n".repeat(20);
    let found = check(&with(umlauts.as_bytes()), 100).unwrap();
    assert!(found.contains("all bytes are valid"), "{found}");
    for (encoding, name) in [(encoding_rs::WINDOWS_1252, "windows-1252"), (encoding_rs::ISO_8859_15, "iso-8859-15")] {
        let found = check(&with(&encoding.encode(&umlauts).0), 100).unwrap();
        assert!(found.contains(&format!("encoding {name}")) && found.contains("ü€"), "{found}");
    }
    let found = check(&with(format!("{umlauts}3,2024-01-01,1,\u{fffd}\n").as_bytes()), 100).unwrap();
    assert!(found.starts_with("61 []"), "{found}");
    let damaged = [umlauts.as_bytes(), b"3,2024-01-01,1,\xFC\n4,2024-01-01,1,\xEF\xBF\xBD\n"].concat();
    let found = check(&with(&damaged), 100).unwrap();
    assert!(found.contains("41 valid sequences, 1 invalid") && found.matches("bytes that the").count() == 2, "{found}");
    let text = format!("\u{feff}{}", table("1,2024-01-01,1.50,ü€\n", 40));
    let mut utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, 401).unwrap();
    utf16.extend("9,2024-01-01,1,".encode_utf16().flat_map(u16::to_le_bytes));
    utf16.extend([0, 0xD8]);
    assert!(check(&utf16, 401).unwrap().contains("bytes that the encoding does not have"));
    assert!(check(&[&start[..], b"\xE2\x82"].concat(), 100).is_ok());
}

#[test]
fn quotes_that_do_not_close_are_told_wherever_they_open() {
    for (bytes, line) in [
        (table("1,2024-01-01,1,\n", 30) + "1,2024-01-01,1,\"x\n\n", 32),
        (table("1,2024-01-01,1,\n", 9).replacen("note", "\"note", 1), 1),
    ] {
        let error = check(bytes.as_bytes(), 2_000).unwrap_err();
        assert!(error.starts_with("K0312") && error.contains(&format!("line {line} ")), "{error}");
    }
    let error = check((table("1,2024-01-01,1,\n", 30) + "1,2024-01-01,1,\"x\n\n").as_bytes(), 100).unwrap_err();
    assert!(error.starts_with("K0312") && error.contains("line 32 "), "{error}");
}

/// Writes a file compressed in several ways, by name and bytes.
fn compressed(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let (first, second) = bytes.split_at(bytes.len() / 3);
    let zstandard = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    vec![
        ("a.csv.gz", gzip(bytes)),
        ("a.csv", [gzip(first), gzip(second)].concat()),
        ("a.csv.zst", zstandard(bytes)),
        ("a.txt", [zstandard(first), zstandard(second)].concat()),
    ]
}

#[test]
fn compressed_exports_are_read_as_they_are() {
    let text = table(ROWS, 40);
    for (name, bytes) in compressed(text.as_bytes()) {
        let whole = check(&bytes, 150).unwrap();
        assert!(whole.contains(&crate::table::Fingerprint::of(&bytes)), "{name}");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(name), &bytes).unwrap();
        let patterns = vec![dir.path().join("a.*").display().to_string()];
        let source = TableSource { patterns, ..TableSource::default() };
        let table = read_table(&SPEC, &source, None).unwrap();
        assert_eq!((table.n_rows, table.rejects.len(), table.files[0].bytes), (40, 120, bytes.len() as u64));
        let again = reject_rows(&table.files, &[39], None, "too late").unwrap();
        assert_eq!((again[0].line, again[0].row.starts_with("1,2024-01-01,1.50,")), (2 + 39 * 6, true));
    }
}

#[test]
fn a_compressed_export_that_is_cut_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv.gz");
    for (_, bytes) in compressed(table(ROWS, 400).as_bytes()) {
        for length in [bytes.len() / 2, bytes.len() - 2] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            for sizes in [WHOLE, Sizes { first: 100, window: 100, part: 100 }] {
                let error = parse(&path, sizes).unwrap_err();
                assert!(error.starts_with("K0321") && error.contains("archive: it ends too early"), "{error}");
            }
        }
    }
}

fn record() -> impl Strategy<Value = String> {
    let amount = prop_oneof![4 => "[1-9]\\.[0-9]{2}", 1 => "[0-9]{1,3}", 1 => Just("\"1,5\"".to_owned()), 1 => Just(String::new())];
    let note = prop_oneof![
        "[a-zäé€]{0,5}",
        "5\" [a-z]",
        "\"[a-zü,\r\n]{0,12}\"",
        "\"a\"\"\n1,2024-02-01,1,b\nc\"",
        "\"a\"b",
        "\r?"
    ];
    ("[ab][0-9]|", "2024-02-[0-3][0-9]", amount, note)
        .prop_map(|(customer, date, amount, note)| format!("{customer},{date},{amount},{note}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// How much of a file is in memory at a time changes nothing: neither columns nor rejects, evidence or errors.
    #[test]
    fn windows_of_any_size_give_the_same_table(
        records in proptest::collection::vec(record(), 1..60),
        newline in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let text = format!("customer_id,date,amount,note\n1,2024-01-01,1,\n2,2024-01-01,1,\n{}\n", records.join("\n"));
        let _ = check(text.replace('\n', newline).as_bytes(), 80);
    }
}
