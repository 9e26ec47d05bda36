//! Files are split where the target says so, hold what a plain file holds, and lie where only their owner reads them.

use std::fs;
use std::path::PathBuf;

use super::super::{OutputLock, Staging, csv};
use super::*;
use crate::campaign::legal::LegalBasis;
use crate::campaign::split::shares;
use crate::campaign::target::country::COUNTRIES;
use crate::scores::frame::{Cells, FrameColumn};
use crate::table::{Column, Ids, Values};
use crate::units::Language;

fn campaign(target: Target, columns: &[&str]) -> Campaign {
    Campaign {
        name: "c".into(),
        segment: "s".into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        target: Box::leak(Box::new(target)),
        split_by: None,
        home: &COUNTRIES[0],
        language: Language::English,
        basis: LegalBasis::Consent,
        control_share: 0.0,
        stratify_by: vec![],
        repeat_after: None,
        economics: None,
    }
}

fn plain() -> Target {
    *Target::named("generic-en").unwrap()
}

/// Writes a campaign and returns the files with their contents.
fn write(campaign: &Campaign, contacts: &Frame<'_>) -> (CampaignFiles, Vec<Vec<u8>>, Vec<PathBuf>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let lock = OutputLock::take(dir.path()).unwrap();
    let staging = Staging::start(&lock, "run").unwrap();
    let shares = shares(&campaign.name, contacts, campaign.split_by.as_deref()).unwrap();
    let written = staging.write_campaign(campaign, contacts, &shares).unwrap();
    staging.publish("run").unwrap();
    let paths: Vec<PathBuf> = written.files.iter().map(|file| dir.path().join("run").join(&file.path)).collect();
    let bytes = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    (written, bytes, paths, dir)
}

fn numbered(n: usize) -> (Ids, Vec<String>) {
    let ids: Vec<String> = (0..n).map(|n| format!("{n:07}")).collect();
    (Ids::from_sorted(ids.iter().map(String::as_str)), ids.iter().map(|id| format!("{id}@x.de")).collect())
}

fn contacts<'a>(ids: &'a Ids, emails: &'a [String], columns: &'a [Column]) -> Frame<'a> {
    let mut all = Frame::of_customers(ids, columns).columns().to_vec();
    all.insert(1, FrameColumn::new("email", Cells::Texts(emails)));
    Frame::of(all)
}

#[test]
fn a_plain_file_is_what_every_other_table_is() {
    let n = 10_000;
    let (ids, emails) = numbered(n);
    let every = |step: usize, row: usize| (!row.is_multiple_of(step)).then_some(row as i64);
    let columns = [
        Column::new("n", Values::Integer((0..n).map(|row| every(3, row)).collect())),
        Column::new("clv", Values::Money((0..n).map(|row| every(5, row).map(|minor| -7 * minor)).collect())),
        Column::new("p", Values::Number((0..n).map(|row| every(4, row).map(|x| 1.0 / x as f64 - 1e-7)).collect())),
        Column::new("last", Values::Date((0..n).map(|row| every(7, row).map(|day| 9 * day as i32)).collect())),
        Column::new("text", Values::from_texts((0..n).map(|row| [None, Some("a \"b\", c"), Some("ö\nü")][row % 3]))),
    ];
    let contacts = contacts(&ids, &emails, &columns);
    let (written, bytes, ..) = write(&campaign(plain(), &["n", "clv", "p", "last", "text"]), &contacts);
    let mut expected = Vec::new();
    csv::write(&contacts, &mut expected).unwrap();
    assert!(bytes[0] == expected, "the two writers differ");
    assert_eq!((written.files[0].path.as_str(), written.files[0].rows), ("campaigns/c.csv", Some(n)));
    assert_eq!(written.cells, CellCounts::default());
}

#[test]
fn files_end_where_the_target_says() {
    let (ids, emails) = numbered(10);
    let contacts = contacts(&ids, &emails, &[]);
    let header = "customer_id,email\n";
    let line = "0000000,0000000@x.de\n".len();
    for (target, expected) in [
        (Target { max_rows: 10, ..plain() }, vec![10]),
        (Target { max_rows: 4, ..plain() }, vec![4, 4, 2]),
        (Target { max_bytes: (header.len() + 3 * line) as u64, ..plain() }, vec![3, 3, 3, 1]),
        (Target { max_bytes: (header.len() + 3 * line - 1) as u64, ..plain() }, vec![2; 5]),
        (Target { max_bytes: 1, ..plain() }, vec![1; 10]),
    ] {
        let (written, bytes, ..) = write(&campaign(target, &[]), &contacts);
        let rows: Vec<usize> = written.files.iter().map(|file| file.rows.unwrap()).collect();
        assert_eq!(rows, expected);
        let mut ids = Vec::new();
        for (ix, (file, bytes)) in written.files.iter().zip(&bytes).enumerate() {
            let is_only = written.files.len() == 1;
            let name = if is_only { "campaigns/c.csv".to_owned() } else { format!("campaigns/c_{}.csv", ix + 1) };
            assert_eq!((&file.path, file.bytes), (&name, bytes.len() as u64));
            let text = str::from_utf8(bytes).unwrap();
            ids.extend(text.strip_prefix(header).unwrap().lines().map(|line| line[..7].to_owned()));
        }
        assert_eq!(ids, (0..10).map(|n| format!("{n:07}")).collect::<Vec<_>>());
    }
}

#[test]
fn a_million_rows_are_split_without_losing_one() {
    let n = 1_000_000;
    let (ids, emails) = numbered(n);
    let target = Target { max_rows: 300_000, ..plain() };
    let (written, bytes, ..) = write(&campaign(target, &[]), &contacts(&ids, &emails, &[]));
    let rows: Vec<usize> = written.files.iter().map(|file| file.rows.unwrap()).collect();
    assert_eq!(rows, [300_000, 300_000, 300_000, 100_000]);
    assert!(bytes[1].starts_with(b"customer_id,email\n0300000,0300000@x.de\n"));
    assert!(bytes[3].ends_with(b"\n0999999,0999999@x.de\n"));
}

#[test]
fn a_campaign_without_contacts_is_a_header() {
    let (ids, emails) = numbered(0);
    let (written, bytes, ..) = write(&campaign(plain(), &[]), &contacts(&ids, &emails, &[]));
    assert_eq!((written.files[0].rows, bytes[0].as_slice()), (Some(0), b"customer_id,email\n".as_slice()));
}

#[test]
fn every_value_gets_a_file_that_only_its_owner_reads() {
    let (ids, emails) = numbered(5);
    let regions = ["Süd", "Nord", "", "Süd", "sued"].map(|region| (!region.is_empty()).then_some(region));
    let columns = [Column::new("region", Values::from_texts(regions))];
    let mut campaign = campaign(Target { max_rows: 1, ..plain() }, &[]);
    campaign.split_by = Some("region".into());
    let (written, bytes, paths, _dir) = write(&campaign, &contacts(&ids, &emails, &columns));
    let names: Vec<&str> = written.files.iter().map(|file| file.path.as_str()).collect();
    let expected = ["c_none.csv", "c_nord.csv", "c_sued.csv", "c_sued-7c210682_1.csv", "c_sued-7c210682_2.csv"];
    assert_eq!(names, expected.map(|name| format!("campaigns/{name}")));
    assert_eq!(bytes[4], b"customer_id,email\n0000003,0000003@x.de\n");
    #[cfg(unix)]
    for path in paths {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}
