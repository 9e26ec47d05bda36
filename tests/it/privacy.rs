//! Who was erased is in no byte below the output directory, tonight and tomorrow; who asks gets the whole record.

use std::fs;
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::support::Project;

pub const N: usize = 60;

pub fn id(n: usize) -> String {
    format!("K-{}", 1000 + n)
}

fn lines() -> String {
    let mut text = "customer_id,order_id,date,product_id,quantity,amount\n".to_owned();
    for n in 0..N {
        for order in 0..=n % 4 {
            let (month, day, product) = (1 + order, 1 + (7 * n + order) % 28, ["a", "b", "c"][(n + order) % 3]);
            text += &format!("{},{n}-{order},2026-0{month}-{day:02},{product},1,{}.00\n", id(n), 5 + n);
        }
    }
    // Rows that cannot be read are kept as they stand.
    text + &format!("{},x1,2026-02-31,a,1,1.00\n{},x2,2026-02-31,a,1,1.00\n", id(7), id(8))
}

pub fn customers() -> String {
    let row = |n: usize| format!("{};P{n}@Example.org;ja;Ada;Lang{n};0170 55500{n:02};DE;ja\n", id(n));
    "customer_id;email;newsletter;Vorname;Nachname;Telefon;Land;Werbenetzwerke\n".to_owned()
        + &(0..N).map(row).collect::<String>()
}

pub fn pipeline() -> String {
    let campaign = |name: &str, target: &str, further: &str| {
        format!(
            "[[campaign]]\nname = '{name}'\nsegment = 'all'\ntarget = '{target}'\nlegal-basis = 'consent'\n{further}"
        )
    };
    format!(
        "version = 1\nanalyses = ['abc', 'rfm']\n[input]\nmax-reject-share = 0.5\n[input.transactions.csv]\npath = 'lines.csv'\n\
         [input.customers.columns]\nads-opt-in = 'Werbenetzwerke'\n[input.customers.csv]\npath = 'customers.csv'\n\
         [output]\ndirectory = 'out'\n[[segment]]\nname = 'all'\nwhere = 'n_orders > 0'\n{}{}{}{}",
        campaign("plain", "generic-de", "columns = ['abc_class']\n"),
        campaign("tested", "mailchimp", "control-share = 0.5\n"),
        campaign("list", "listmonk", "columns = ['abc_class']\n"),
        campaign("network", "meta", "columns = ['phone']\n"),
    )
}

pub fn project() -> Project {
    Project::new(&[("lines.csv", &lines()), ("customers.csv", &customers()), ("pipeline.toml", &pipeline())])
}

pub fn run(project: &Project) -> Value {
    let output = project.klientel().args(["run", "pipeline.toml", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs a command and returns exit code, stdout and stderr.
pub fn command(project: &Project, args: &[&str]) -> (i32, String, String) {
    let output = project.klientel().args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Lists the files below a folder that hold a text, Parquet as it reads.
pub fn holding(folder: &Path, wanted: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(holding(&path, wanted));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut holds = bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes());
        if path.extension().is_some_and(|ending| ending == "parquet") {
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
            for batch in reader.with_batch_size(1).build().unwrap() {
                holds |= format!("{:?}", batch.unwrap()).contains(wanted);
            }
        }
        if holds {
            found.push(path);
        }
    }
    found
}

/// Asserts that every output of a run is as its manifest says.
pub fn is_as_the_manifest_says(run: &Path) -> Value {
    let manifest: Value = serde_json::from_slice(&fs::read(run.join("manifest.json")).unwrap()).unwrap();
    for output in manifest["outputs"].as_array().unwrap() {
        let bytes = fs::read(run.join(output["path"].as_str().unwrap())).unwrap();
        assert_eq!(output["bytes"], bytes.len(), "{output}");
        assert_eq!(output["sha256"], klientel::table::Fingerprint::of(&bytes), "{output}");
    }
    manifest
}

#[test]
fn who_was_erased_is_in_no_byte_tonight_and_tomorrow() {
    let project = project();
    let (out, erased, email) = (project.path("out"), id(7), "p7@example.org");
    run(&project);
    let everybody = fs::read_to_string(out.join("latest/scores.csv")).unwrap();
    let audience = fs::read_to_string(out.join("latest/campaigns/network.csv")).unwrap().lines().count();
    // Scores, segment, three campaigns, assignments or exclusion, rejects, cache.
    assert!(holding(&out, &erased).len() > 8, "{:?}", holding(&out, &erased));
    assert!(holding(&out, email).len() >= 2);
    assert!(holding(&out.join(".cache"), &erased).len() == 1);

    let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", &erased]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("1 customer erased") && !stderr.contains(&erased), "{stderr}");
    assert_eq!(holding(&out, &erased), Vec::<PathBuf>::new());
    assert_eq!(holding(&out, email), Vec::<PathBuf>::new());
    assert_eq!(holding(&out, &klientel::table::Fingerprint::of(email)), Vec::<PathBuf>::new());
    let manifest = is_as_the_manifest_says(&out.join("latest"));
    assert_eq!(manifest["erasures"][0]["customers"], 1);
    // Nobody else is gone.
    let rest: String = everybody.split_inclusive('\n').filter(|line| !line.starts_with(&erased)).collect();
    assert_eq!(fs::read_to_string(out.join("latest/scores.csv")).unwrap(), rest);
    assert_eq!(fs::read_to_string(out.join("latest/campaigns/network.csv")).unwrap().lines().count(), audience - 1);
    assert!(!holding(&out, &id(8)).is_empty());

    // The export still has the customer.
    for _ in 0..2 {
        let manifest = run(&project);
        assert_eq!(manifest["counts"]["erased"], 1);
        assert_eq!(manifest["counts"]["lines_of_erased"], 4);
        assert_eq!(manifest["counts"]["customers"], N - 1);
        assert_eq!(manifest["counts"]["listed_customers"], N - 1);
        assert_eq!(holding(&out, &erased), Vec::<PathBuf>::new());
        assert_eq!(holding(&out, email), Vec::<PathBuf>::new());
    }
    assert!(!holding(&out.join("latest"), &id(8)).is_empty(), "the rejects of others stay");
}

#[test]
fn a_run_without_an_erased_customer_is_the_run_of_an_export_without_them() {
    let project = project();
    let id = id(7);
    assert_eq!(command(&project, &["erase", "pipeline.toml", &id]).0, 0);
    let with = run(&project);
    let other = self::project();
    let without =
        |text: String| -> String { text.split_inclusive('\n').filter(|line| !line.starts_with(&id)).collect() };
    other.write("lines.csv", without(lines()).as_bytes());
    other.write("customers.csv", without(customers()).as_bytes());
    let clean = run(&other);
    let hashes = |manifest: &Value| -> Vec<Value> {
        let outputs = manifest["outputs"].as_array().unwrap().iter();
        // Lines of rejects are numbered through a file that differs.
        outputs.filter(|output| output["path"] != "rejects.parquet").map(|output| output["sha256"].clone()).collect()
    };
    assert_eq!(hashes(&with), hashes(&clean));
}

#[test]
fn ids_that_read_like_numbers_are_erased_where_they_are_ids() {
    let lines = "customer_id,order_id,date,product_id,quantity,amount\n\
        12,1,2026-01-01,12,12,12.00\n12,2,2026-02-01,b,1,12.00\n2,3,2026-02-03,12,12,20.00\n3,4,2026-03-01,c,1,5.00\n12,9,2026-02-31,c,1,5.00\n";
    let text = "version = 1\nanalyses = ['abc']\n[input]\nmax-reject-share = 0.5\n[input.transactions.csv]\npath = 'lines.csv'\n[output]\ndirectory = 'out'\n";
    let project = Project::new(&[("lines.csv", lines), ("pipeline.toml", text), ("ids.txt", "12\n\n")]);
    run(&project);
    let (code, stdout, stderr) = command(&project, &["erase", "pipeline.toml", "--ids-from", "ids.txt", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let told: Value = serde_json::from_str(&stdout).unwrap();
    // A row in each of the scores, and the rejected one.
    assert_eq!((&told["customers"], &told["rows"], &told["files"]), (&1.into(), &3.into(), &3.into()), "{told}");
    let scores = fs::read_to_string(project.path("out/latest/scores.csv")).unwrap();
    assert!(scores.lines().all(|line| !line.starts_with("12,")) && scores.contains("\n2,"));
    let products = fs::read_to_string(project.path("out/latest/abc_products.csv")).unwrap();
    assert!(products.contains("\n12,"), "a product of that number stays: {products}");
    let manifest = run(&project);
    assert_eq!((&manifest["counts"]["erased"], &manifest["counts"]["customers"]), (&1.into(), &2.into()));
}

#[test]
fn what_klientel_did_not_write_is_left_and_told_of() {
    let project = project();
    run(&project);
    project.write("out/notes/mine.txt", format!("call {} back", id(7)).as_bytes());
    let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", &id(7)]);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("K0504") && stderr.contains("mine.txt") && !stderr.contains(&id(7)), "{stderr}");
    assert_eq!(holding(&project.path("out"), &id(7)), [project.path("out/notes/mine.txt")]);
    fs::remove_file(project.path("out/notes/mine.txt")).unwrap();
    assert_eq!(command(&project, &["erase", "pipeline.toml", &id(7)]).0, 0);
}

#[test]
fn tombstones_without_their_key_stop_the_run() {
    let project = project();
    assert_eq!(command(&project, &["erase", "pipeline.toml", &id(7)]).0, 0);
    fs::remove_file(project.path("out/.tombstone-key")).unwrap();
    let (code, _, stderr) = command(&project, &["run", "pipeline.toml"]);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("nobody can tell who was erased"), "{stderr}");
}

#[test]
fn who_asks_gets_the_whole_record() {
    let project = project();
    let text = pipeline()
        .replace("[output]", "[privacy]\npurpose = 'offers to customers'\n[report]\nlanguage = 'de'\n[output]");
    project.write("pipeline.toml", text.as_bytes());
    let manifest = run(&project);
    let processing = &manifest["processing"];
    assert_eq!((&processing["purpose"], &processing["controller"]), (&"offers to customers".into(), &Value::Null));
    assert_eq!((&processing["retention_runs"], &processing["legal_basis"]["plain"]), (&14.into(), &"consent".into()));
    assert!(processing["fields_read"]["customers"].as_array().unwrap().contains(&"email".into()));

    let (code, stdout, _) = command(&project, &["explain", "pipeline.toml", &id(9), "--json"]);
    let record: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &record["segments"]), (0, &serde_json::json!(["all"])));
    let scores = record["scores"].as_array().unwrap();
    let recency = scores.iter().find(|score| score["column"] == "rfm_recency_days").unwrap();
    assert!(recency["value"].is_string() && recency["meaning"].as_str().is_some_and(|meaning| meaning.len() > 5));
    let campaigns = record["campaigns"].as_array().unwrap();
    assert_eq!(campaigns.len(), 4);
    assert_eq!(campaigns[0]["status"], "contacted");
    // Half of them are in the control group of one campaign.
    let statuses: Vec<String> = (0..N)
        .map(|n| {
            let (_, stdout, _) = command(&project, &["explain", "out/latest", &id(n), "--json"]);
            let record: Value = serde_json::from_str(&stdout).unwrap();
            record["campaigns"].as_array().unwrap().iter().find(|own| own["campaign"] == "tested").unwrap()["status"]
                .to_string()
        })
        .collect();
    for (status, file) in [("\"contacted\"", true), ("\"control\"", false)] {
        let n =
            statuses.iter().find(|own| *own == status).map(|own| statuses.iter().filter(|other| *other == own).count());
        assert!(n.is_some_and(|n| n > 5), "{status} {n:?} {file}");
    }
    let rows = fs::read_to_string(project.path("out/latest/campaigns/tested.csv")).unwrap().lines().count() - 1;
    assert_eq!(statuses.iter().filter(|status| *status == "\"contacted\"").count(), rows);

    let (code, stdout, _) = command(&project, &["explain", "pipeline.toml", &id(9)]);
    assert_eq!(code, 0);
    for words in ["Kennzahlen", "rfm_recency_days", "Kampagnen", "plain: angeschrieben", "Zweck: offers to customers"] {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
    let (code, stdout, stderr) = command(&project, &["explain", "pipeline.toml", "nobody"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("K0411") && !stderr.contains("nobody"), "{stderr}");
    let run_id = manifest["run"]["id"].as_str().unwrap();
    assert!(stderr.contains(run_id), "what was searched: {stderr}");
}

#[test]
fn what_leaves_names_nobody_and_finds_its_way_back() {
    let project = project();
    let text = pipeline().replace("[output]", "[privacy]\npseudonym-key = 'secret.key'\n[output]");
    project.write("pipeline.toml", text.as_bytes());
    for subcommand in ["run", "check"] {
        let (code, _, stderr) = command(&project, &[subcommand, "pipeline.toml"]);
        assert!(code == 2 && stderr.contains("K0331"), "{subcommand}: {stderr}");
    }
    project.write("secret.key", b"too short\n");
    let (code, _, stderr) = command(&project, &["run", "pipeline.toml"]);
    assert!(code == 2 && stderr.contains("9 bytes") && !stderr.contains("too short"), "{stderr}");

    let secret = b"0123456789abcdef0123456789abcdef";
    project.write("secret.key", secret);
    run(&project);
    let latest = project.path("out/latest");
    let pseudonym = klientel::table::Key::new(secret).pseudonym(&id(9));
    assert_eq!(holding(&latest.join("campaigns"), "K-10"), Vec::<PathBuf>::new());
    let plain = fs::read_to_string(latest.join("campaigns/plain.csv")).unwrap();
    assert!(
        plain.contains(&pseudonym)
            && fs::read_to_string(latest.join("campaigns/list.csv")).unwrap().contains(&pseudonym)
    );
    let map = fs::read_to_string(latest.join("pseudonyms.csv")).unwrap();
    assert!(map.contains(&format!("\n{pseudonym},{}\n", id(9))), "{map}");
    assert_eq!(map.lines().count(), N + 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(latest.join("pseudonyms.csv")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // The list of who unsubscribed comes back from the tool with what it was given.
    project.write("unsubscribed.csv", format!("customer_id\n{pseudonym}\n").as_bytes());
    let text = text.replace("[output]", "[input.suppressions.csv]\npath = 'unsubscribed.csv'\n[output]");
    project.write("pipeline.toml", text.as_bytes());
    run(&project);
    let (_, stdout, _) = command(&project, &["explain", "pipeline.toml", &id(9), "--json"]);
    let record: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&record["campaigns"][0]["status"], &record["campaigns"][0]["reason"]),
        (&"not contacted".into(), &"suppressed".into())
    );

    assert_eq!(command(&project, &["erase", "pipeline.toml", &id(9)]).0, 0);
    assert_eq!(holding(&project.path("out"), &id(9)), Vec::<PathBuf>::new());
    assert_eq!(holding(&project.path("out"), &pseudonym), Vec::<PathBuf>::new());
    run(&project);
    assert_eq!(holding(&project.path("out"), &pseudonym), Vec::<PathBuf>::new());
}

#[test]
fn responses_come_back_by_pseudonym_and_measures_are_erased_too() {
    let project = project();
    let secret = b"0123456789abcdef0123456789abcdef";
    project.write("secret.key", secret);
    let key = klientel::table::Key::new(secret);
    let response = |n: usize| {
        let (arm, responded) = (["control", "contact"][n % 2], ["no", "yes"][usize::from(n.is_multiple_of(3))]);
        format!("{},spring,{arm},{responded}\n", key.pseudonym(&id(n)))
    };
    let responses = "customer_id,campaign,arm,response\n".to_owned() + &(0..N).map(response).collect::<String>();
    project.write("responses.csv", responses.as_bytes());
    let text = pipeline().replace(
        "[output]",
        "[input.responses.csv]\npath = 'responses.csv'\n[input.assignments.csv]\npath = 'out/latest/assignments.csv'\n[privacy]\npseudonym-key = 'secret.key'\n[output]",
    );
    project.write("pipeline.toml", text.as_bytes());
    run(&project);
    let (code, _, stderr) = command(&project, &["measure", "pipeline.toml", "--days", "1", "--shares", "equal"]);
    assert_eq!(code, 0, "{stderr}");
    let out = project.path("out");
    assert!(!holding(&out, &id(9)).is_empty());
    assert_eq!(command(&project, &["erase", "pipeline.toml", &id(9)]).0, 0);
    assert_eq!(holding(&out, &id(9)), Vec::<PathBuf>::new());
    is_as_the_manifest_says(&out.join("measured"));
    run(&project);
    let (code, _, stderr) = command(&project, &["measure", "pipeline.toml", "--days", "1", "--shares", "equal"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(holding(&out, &id(9)), Vec::<PathBuf>::new());
}

/// The record goes through all nights, rejects and the files that leave, also those without ids.
#[test]
fn the_record_has_every_run_and_what_was_handed_on() {
    let project = project();
    run(&project);
    project.write("pipeline.toml", format!("{}# the next night\n", pipeline()).as_bytes());
    let newest = run(&project);
    project.write("id.txt", format!("\n {} \n", id(7)).as_bytes());
    let (code, stdout, stderr) = command(&project, &["explain", "pipeline.toml", "--id-from", "id.txt", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let record: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(record["run"]["id"], newest["run"]["id"]);
    assert_eq!(record["earlier_runs"].as_array().unwrap().len(), 1);
    for run in [&record, &record["earlier_runs"][0]] {
        let rejected = run["rejected_rows"].as_array().unwrap();
        assert!(rejected.len() == 1 && rejected[0]["row"].as_str().unwrap().contains("x1"), "{rejected:?}");
        let files = run["campaign_files"].as_array().unwrap();
        let in_file = |name: &str| files.iter().find(|row| row["file"] == format!("campaigns/{name}.csv").as_str());
        let hash = klientel::table::Fingerprint::of("p7@example.org");
        assert!(in_file("network").is_some_and(|row| row["cells"].to_string().contains(&hash)), "{files:?}");
        assert!(in_file("list").is_some_and(|row| row["cells"].to_string().contains("p7@example.org")));
        assert!(run["sources"].to_string().contains("lines.csv"));
        let campaigns = run["campaigns"].as_array().unwrap();
        assert!(campaigns.iter().any(|campaign| campaign["recipient"] == "Meta custom audience"), "{campaigns:?}");
    }
    let (_, stdout, _) = command(&project, &["explain", "pipeline.toml", "--id-from", "id.txt"]);
    assert!(stdout.contains("Earlier run") && stdout.contains("Meta custom audience"), "{stdout}");
}

#[test]
fn an_export_without_objections_and_protected_categories_are_told() {
    let project = project();
    let products = "product_id;category\na;Diabetikerbedarf\nb;Krankenhausbedarf\nc;Halal\n";
    project.write("products.csv", products.as_bytes());
    let text = pipeline().replace("[output]", "[input.products.csv]\npath = 'products.csv'\n[output]");
    project.write("pipeline.toml", text.as_bytes());
    let notes = run(&project)["notes"].to_string();
    assert!(notes.contains("no column of objections to profiling"), "{notes}");
    assert!(notes.contains("2 of the product categories") && notes.contains("Diabetikerbedarf"), "{notes}");
    assert!(!notes.contains("Krankenhausbedarf"), "{notes}");
    // A header that says it in other words.
    let with_column =
        |(n, line): (usize, &str)| format!("{line};{}\n", if n == 0 { "Werbesperrkennzeichen" } else { "0" });
    project.write("customers.csv", customers().lines().enumerate().map(with_column).collect::<String>().as_bytes());
    let notes = run(&project)["notes"].to_string();
    assert!(!notes.contains("no column of objections to profiling"), "{notes}");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_or_that_lies_beside_the_results_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    for (path, mode, expected) in [("secret.key", 0o600, [false, false]), ("out/secret.key", 0o644, [true, true])] {
        project.write(path, b"0123456789abcdef0123456789abcdef");
        fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).unwrap();
        let text = pipeline().replace("[output]", &format!("[privacy]\npseudonym-key = '{path}'\n[output]"));
        project.write("pipeline.toml", text.as_bytes());
        let notes = run(&project)["notes"].to_string();
        let found = ["others can read the file", "lies in the output directory"].map(|words| notes.contains(words));
        assert_eq!(found, expected, "{path}: {notes}");
    }
    let cache = fs::metadata(project.path("out/.cache")).unwrap();
    assert_eq!(cache.permissions().mode() & 0o777, 0o700);
}
