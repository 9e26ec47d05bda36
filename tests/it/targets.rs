//! Every target has a file as it should be and a file of everything that goes wrong in files; `KLIENTEL_UPDATE=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use klientel::campaign::legal::LegalBasis;
use klientel::campaign::prepare::{Known, prepare};
use klientel::campaign::pressure::{History, Limits};
use klientel::campaign::split::shares;
use klientel::campaign::suppression::Suppressed;
use klientel::campaign::target::country::COUNTRIES;
use klientel::campaign::target::{ALL, Channel, Shape, Target};
use klientel::campaign::{Campaign, ContactRules, file};
use klientel::features::Dataset;
use klientel::publish::{CampaignFiles, OutputLock, Staging};
use klientel::scores::frame::Frame;
use klientel::table::{Column, Customers, Ids, Values};
use klientel::units::{Day, Language};

/// Customers by column, one row each, and their scores.
struct Base {
    customers: Customers,
    scores: Vec<Column>,
}

/// Columns that are not identifiers are asked of the targets that take any.
const COLUMNS: [&str; 13] = [
    "salutation",
    "first_name",
    "last_name",
    "company",
    "phone",
    "postal_code",
    "city",
    "country",
    "newsletter",
    "last_purchase_date",
    "clv",
    "churn_risk",
    "offer_1_name",
];

impl Base {
    /// Reads lines of `a | b | …` under a line of names; every other number is unknown.
    fn of(lines: &[&str]) -> Self {
        let mut rows = lines.iter().map(|line| line.split('|').map(|cell| unescaped(cell.trim())).collect::<Vec<_>>());
        let names = rows.next().unwrap();
        let rows: Vec<Vec<String>> = rows.collect();
        let n = rows.len();
        let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (ix, name) in names.iter().enumerate().skip(1) {
            attributes.insert(name.clone(), rows.iter().map(|row| row[ix].clone()).collect());
        }
        let offers = attributes.remove("offer_1_name").unwrap();
        let offers = offers.iter().map(|offer| Some(offer.as_str()).filter(|offer| !offer.is_empty()));
        let half = |row: usize| row.is_multiple_of(2).then_some(row as i64 + 1);
        let day = Day::from_ymd(2026, 3, 7).unwrap().0;
        let scores = vec![
            Column::new(
                "last_purchase_date",
                Values::Date((0..n).map(|row| half(row).map(|x| day + 40 * x as i32)).collect()),
            ),
            Column::new("clv", Values::Money((0..n).map(|row| half(row).map(|x| 1_234_567 / x)).collect())),
            Column::new(
                "churn_risk",
                Values::Number((0..n).map(|row| half(row).map(|x| 0.125 / x as f64 * 1e-6)).collect()),
            ),
            Column::new("offer_1_name", Values::from_texts(offers)),
        ];
        let ids = Ids::from_sorted(rows.iter().map(|row| row[0].as_str()));
        let customers = Customers {
            email_opt_in: vec![true; n],
            email_opt_out: vec![false; n],
            objection: vec![false; n],
            phone_opt_in: vec![true; n],
            ads_opt_in: vec![true; n],
            attributes,
            ids,
            ..Customers::default()
        };
        Self { customers, scores }
    }

    /// Writes the file of a target and returns it with what was counted.
    fn write(&self, target: &'static Target) -> (Vec<u8>, CampaignFiles) {
        let taken = COLUMNS.into_iter().filter(|column| match target.shape {
            Shape::Audience(_) => target.takes(column),
            Shape::Letter => ["last_purchase_date", "clv", "offer_1_name"].contains(column),
            Shape::CallList => ["postal_code", "clv"].contains(column),
            _ => true,
        });
        let campaign = Campaign {
            name: "golden".into(),
            segment: "at-risk".into(),
            columns: taken.map(str::to_owned).collect(),
            target,
            split_by: None,
            home: &COUNTRIES[0],
            language: Language::German,
            basis: LegalBasis::of(target.channel)[0],
            control_share: 0.0,
            stratify_by: vec![],
            repeat_after: None,
            economics: None,
        };
        let members = Frame::of_customers(&self.customers.ids, &self.scores);
        let data = Dataset::default();
        let known = Known {
            customers: &self.customers,
            base: &self.customers.ids,
            history: History::of(&data, &Limits::default()),
            has_bought: &[],
            suppressed: &Suppressed::default(),
            earlier: &BTreeMap::new(),
            as_of: data.as_of,
        };
        let prepared = prepare(&[(&campaign, &members)], &ContactRules::default(), &known).unwrap().campaigns.remove(0);
        assert!(!prepared.contacts.is_empty(), "{}", target.name);
        let file = file(&campaign, &members, &self.customers, &prepared).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let lock = OutputLock::take(dir.path()).unwrap();
        let staging = Staging::start(&lock, "run").unwrap();
        let shares = shares("golden", &file, None).unwrap();
        let written = staging.write_campaign(&campaign, &file, &shares).unwrap();
        staging.publish("run").unwrap();
        (fs::read(dir.path().join("run/campaigns/golden.csv")).unwrap(), written)
    }
}

fn unescaped(cell: &str) -> String {
    cell.replace("\\n", "\n").replace("\\t", "\t").replace("\\p", "|")
}

const NAMES: &str = "customer_id | email | salutation | first_name | last_name | company | street | phone | postal_code | city | \
    country | language | newsletter | offer_1_name";

fn ordinary() -> Base {
    Base::of(&[
        NAMES,
        "0007 | erika@example.com | Frau Dr. | Erika | Mustermann | | Ringstraße 1 | 0170 1234567 | 01067 | Dresden | DE | de | ja | Coffee",
        "0008 | j.doe@gmail.com | Mr | John | Doe | Doe Ltd | 1 High Street | +44 20 7946 0958 | SW1A 1AA | London | United Kingdom | en | nein | Tea, green",
        "0009 | kim@example.org | | Kim | Lang | | Gasse 3 | 01 58858-0 | 1010 | Wien | Österreich | | ja | ",
    ])
}

/// Umlauts, emoji, quotes, semicolons, line breaks, formulas, 300 bytes, leading zeros, and one address twice.
fn edgy() -> Base {
    let long = "ö".repeat(150);
    let long = format!(
        "00000 | LONG@Example.COM | Herr | {long} | Müller-Lüdenscheidt | | Weg 1 | 0170/1234567 | 00001 | Köln | D | | ja | {long}"
    );
    Base::of(&[
        NAMES,
        &long,
        "00001 | =cmd@example.com | Frau | =HYPERLINK(\"http://x.de\";\"a\") | @SUM(A1) | +1+cmd\\p' /C calc'!A0 | -2+3 | +49 (0)171-23 45 67 8 | 01067 | Ort\\nTeil | DE | | JA | -5%",
        "00002 | quote@example.com | | Jo \"Jojo\" | O'Neil; Söhne, & Co | \"Firma\" | Straße;1 | 0172 2222222 | 09,5 | a\\tb | | | nein | 5\" pipe; \"new\"",
        "00003 | emoji@example.com | Mx | 😀 Zoë 👩‍👧 | Łukasz漢字 | | Ring 3 | 0173 3333333 | 04109 | Leipzig | Deutschland | | ja | 🎁 Geschenk",
        "00004 | EMOJI@example.com | Herr | Twice | Twice | | Ring 4 | 0174 4444444 | 04109 | Leipzig | DE | | ja | ",
        "00005 | phone@example.com | Herr | Bad | Phone | | Ring 5 | 1234567 | 04109 | Leipzig | DE | | | ",
    ])
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/targets").join(name)
}

fn check(name: &str, found: &[u8]) {
    let path = golden(name);
    if std::env::var_os("KLIENTEL_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(found == expected, "{name} is\n{}\nand should be\n{}", shown(found), shown(&expected));
}

#[test]
fn every_target_has_its_golden_file() {
    let mut expected = BTreeSet::new();
    for target in &ALL {
        for (base, ending) in [(ordinary(), ""), (edgy(), "-edge")] {
            let name = format!("{}{ending}.csv", target.name);
            let (bytes, written) = base.write(target);
            check(&name, &bytes);
            assert_eq!((written.files.len(), written.files[0].bytes), (1, bytes.len() as u64));
            expected.insert(name);
        }
    }
    let found = fs::read_dir(golden("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected, "golden files without a target");
}

/// Splits a file in its cells by the plainest means: outside quotes a delimiter ends a cell, a line end a record.
fn plainly(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    assert!(cell.is_empty() && record.is_empty() && !quoted);
    records
}

/// What a target promises holds for every cell of its files, read by a reader that knows no more than CSV.
#[test]
fn files_read_back_as_their_targets_promise() {
    for target in &ALL {
        let (bytes, _) = edgy().write(target);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.starts_with('\u{feff}'), target.byte_order_mark, "{}", target.name);
        let records = plainly(&text, char::from(target.delimiter));
        let header = &records[0];
        assert!(records.iter().all(|record| record.len() == header.len()), "{}", target.name);
        let distinct: BTreeSet<String> = header.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(distinct.len(), header.len(), "{}: {header:?}", target.name);
        for cell in records[1..].iter().flatten() {
            assert!(cell.len() <= target.max_cell_bytes, "{}: {cell}", target.name);
            assert!(target.four_byte_characters || cell.chars().all(|c| c.len_utf8() < 4), "{}: {cell}", target.name);
            assert!(target.line_breaks || !cell.contains(['\n', '\r']), "{}: {cell}", target.name);
            let is_dangerous = cell.starts_with(['=', '@', '\t']) || cell.starts_with('+') && cell.contains("cmd");
            assert!(!target.guards_formulas || !is_dangerous, "{}: {cell}", target.name);
        }
        let keys: BTreeSet<&str> = records[1..].iter().map(|record| record[0].as_str()).collect();
        assert_eq!(keys.len(), records.len() - 1, "{}: a key stands twice", target.name);
        if target.once_an_address {
            assert!(!text.contains("Twice"), "{}", target.name);
        }
        let is_plain = !matches!(target.shape, Shape::Audience(_));
        assert_eq!(text.contains("example.com"), is_plain && target.channel == Channel::Email, "{}", target.name);
        assert_eq!(text.contains("00001"), target.name != "meta", "{}: a leading zero is lost", target.name);
    }
}

#[test]
fn the_readme_has_a_line_for_every_target() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for target in &ALL {
        assert!(readme.contains(&format!("\n| `{}` | ", target.name)), "{}", target.name);
    }
}
