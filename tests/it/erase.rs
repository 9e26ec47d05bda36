//! What is easily left behind: hashes without ids, rows that could not be read, file names, caches, other people's rows.

use std::fs;
use std::path::PathBuf;

use klientel::table::Fingerprint;
use serde_json::Value;

use super::privacy::{N, command, customers, holding, id, is_as_the_manifest_says, pipeline, project, run};
use super::support::Project;

/// Erases customers, and returns what is told of it.
fn erase(project: &Project, ids: &[&str]) -> Value {
    let (code, stdout, stderr) = command(project, &[&["erase", "pipeline.toml", "--json"], ids].concat());
    assert_eq!(code, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn a_hash_is_found_though_the_person_has_another_address_or_is_no_longer_listed() {
    let project = project();
    run(&project);
    let out = project.path("out");
    let hashes = ["p7@example.org", "p9@example.org"].map(Fingerprint::of);
    assert!(hashes.iter().all(|hash| holding(&out, hash).len() == 1));
    // No other campaign file of theirs says what the address was.
    for name in ["plain", "tested", "list"] {
        fs::remove_file(out.join(format!("latest/campaigns/{name}.csv"))).unwrap();
    }
    let listed = customers().lines().filter(|line| !line.starts_with(&id(7))).collect::<Vec<_>>().join("\n");
    project.write("customers.csv", listed.replace("P9@Example.org", "new@example.org").as_bytes());
    let told = erase(&project, &[&id(7), &id(9)]);
    assert_eq!(told["not_attributed"], serde_json::json!([]), "{told}");
    for hash in &hashes {
        assert_eq!(holding(&out, hash), Vec::<PathBuf>::new());
    }
    let rows = fs::read_to_string(out.join("latest/campaigns/network.csv")).unwrap().lines().count() - 1;
    assert_eq!(rows, N - 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(out.join("latest/audiences.csv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // A run of before has no map.
    fs::remove_file(out.join("latest/audiences.csv")).unwrap();
    let (_, _, stderr) = command(&project, &["erase", "pipeline.toml", &id(11)]);
    assert!(stderr.contains("network.csv") && !stderr.contains("and nothing is left\n"), "{stderr}");
}

/// Names and countries are hashed like addresses, and are those of many.
#[test]
fn who_shares_name_and_country_with_an_erased_customer_stays_in_the_audience() {
    for (target, columns, n_named) in
        [("meta", "'phone', 'first_name', 'country'", N), ("google-customer-match", "'phone'", 0)]
    {
        let project = project();
        let text = pipeline().replace("target = 'meta'", &format!("target = '{target}'"));
        project
            .write("pipeline.toml", text.replace("columns = ['phone']", &format!("columns = [{columns}]")).as_bytes());
        run(&project);
        let out = project.path("out");
        let rows = || fs::read_to_string(out.join("latest/campaigns/network.csv")).unwrap();
        let before = rows();
        let [ada, email] = ["ada", "p7@example.org"].map(Fingerprint::of);
        assert_eq!((before.matches(&ada).count(), before.matches(&email).count()), (n_named, 1), "{before}");
        for _ in 0..2 {
            erase(&project, &[&id(7)]);
            let expected: String = before.split_inclusive('\n').filter(|row| !row.contains(&email)).collect();
            assert_eq!(rows(), expected, "{target}");
        }
    }
}

/// Lines of which two cannot be read, of customers whose ids hold the delimiter, a quote, and what a row may end with.
fn odd_lines() -> String {
    let mut text = "customer_id:order_id:date:product_id:quantity:amount\n".to_owned();
    for n in 0..8 {
        text += &format!("K-{n}:{n}:2026-01-0{}:a:1:5.00\n", 1 + n);
    }
    text + "\"A:1\":x1:2026-02-31:secret-one:1:1.00\n\"A:1\":x3:2026-01-05:a:1:1.00\n\
            \"B\"\"2\":x2:2026-02-31:secret-two:1:1.00\n\"B\"\"2\":x4:2026-01-05:a:1:1.00\n\
            4711:x5:2026-02-31:secret-three:1:1.00\n4711:x6:2026-01-05:a:1:1.00\nK-1:x7:2026-02-31:plain:1:1.00\n"
}

const ODD: &str = "version = 1\nanalyses = ['abc']\n[input]\nmax-reject-share = 0.5\n[input.transactions.csv]\npath = 'lines.csv'\n\
     delimiter = ':'\n[input.customers.csv]\npath = 'customers.csv'\n[output]\ndirectory = 'out'\n";

fn odd(objecting: &[&str]) -> Project {
    let row = |id: &str| format!("{};{}\n", id, if objecting.contains(&id) { "ja" } else { "nein" });
    let ids = ["A:1", "\"B\"\"2\"", "4711", "K-1"];
    let customers = "customer_id;Widerspruch\n".to_owned() + &ids.map(row).concat();
    Project::new(&[("lines.csv", &odd_lines()), ("customers.csv", &customers), ("pipeline.toml", ODD)])
}

#[test]
fn rejected_rows_are_told_by_the_id_whatever_it_holds() {
    for (wanted, quoted, secret) in
        [("A:1", "A:1", "secret-one"), ("B\"2", "\"B\"\"2\"", "secret-two"), ("4711", "4711", "secret-three")]
    {
        let project = odd(&[quoted]);
        run(&project);
        assert_eq!(holding(&project.path("out"), secret), Vec::<PathBuf>::new(), "objects: {wanted}");
        let project = odd(&[]);
        run(&project);
        let rejects = project.path("out/latest/rejects.parquet");
        assert_eq!(holding(&project.path("out/latest"), secret), [rejects], "{wanted}");
        for _ in 0..2 {
            assert_eq!(erase(&project, &[wanted])["not_found"], 0);
            assert_eq!(holding(&project.path("out"), secret), Vec::<PathBuf>::new(), "{wanted}");
        }
        assert_eq!(holding(&project.path("out/latest"), "plain").len(), 1, "the rows of others stay");
        run(&project);
        assert_eq!(holding(&project.path("out"), secret), Vec::<PathBuf>::new(), "{wanted} tonight");
    }
}

#[test]
fn a_run_that_fails_keeps_no_row_of_who_objects() {
    let project = odd(&["4711"]);
    project.write("pipeline.toml", ODD.replace("0.5", "0.01").as_bytes());
    assert_eq!(command(&project, &["run", "pipeline.toml"]).0, 1);
    let out = project.path("out");
    assert_eq!(holding(&out, "secret-three"), Vec::<PathBuf>::new());
    assert_eq!(holding(&out, "secret-one").len(), 1, "the others are evidence");
    // Where it cannot be known who objects.
    project.write("customers.csv", b"nothing\n1\n");
    assert_eq!(command(&project, &["run", "pipeline.toml"]).0, 2);
    assert_eq!(holding(&out, "secret-one"), Vec::<PathBuf>::new());
}

#[test]
fn an_id_that_is_nowhere_is_told_and_can_be_taken_back() {
    let project = project();
    let (_, _, stderr) = command(&project, &["erase", "pipeline.toml", "k-1007"]);
    assert!(stderr.contains("holds no run") && stderr.contains("1 of 1 id was found nowhere"), "{stderr}");
    run(&project);
    let told = erase(&project, &["k-1007", &id(8)]);
    assert_eq!((&told["customers"], &told["not_found"]), (&2.into(), &1.into()));
    assert!(!told.to_string().contains("k-1007"), "{told}");
    for header in ["customer_id", "Kundennr", "Kunden-Nr."] {
        let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", header]);
        assert!(code == 2 && stderr.contains("K0504"), "{header}: {code} {stderr}");
    }
    assert_eq!(run(&project)["counts"]["customers"], N - 1);
    let (code, stdout, stderr) = command(&project, &["erase", "pipeline.toml", "--lift", "--json", &id(8), "nobody"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["lifted"], 1);
    assert_eq!(run(&project)["counts"]["customers"], N);
}

#[test]
fn a_file_name_goes_with_the_last_person_in_the_file() {
    let project = project();
    let text = pipeline().replace(
        "columns = ['abc_class']\n[[campaign]]\nname = 'tested'",
        "columns = ['abc_class']\nsplit-by = 'beruf'\n[[campaign]]\nname = 'tested'",
    );
    let text = text
        .replace("[input.customers.columns]", "[input.customers]\nattributes = ['Beruf']\n[input.customers.columns]");
    project.write("pipeline.toml", text.as_bytes());
    let of_job = |(n, line): (usize, &str)| match n {
        0 => format!("{line};Beruf\n"),
        8 => format!("{line};Glockengiesser\n"),
        _ => format!("{line};Gärtner\n"),
    };
    project.write("customers.csv", customers().lines().enumerate().map(of_job).collect::<String>().as_bytes());
    run(&project);
    let latest = project.path("out/latest");
    assert!(latest.join("campaigns/plain_glockengiesser.csv").exists(), "{text}");
    erase(&project, &[&id(7)]);
    assert!(!latest.join("campaigns/plain_glockengiesser.csv").exists());
    let manifest = is_as_the_manifest_says(&latest);
    assert!(!manifest.to_string().contains("glockengiesser"));
    assert!(latest.join("campaigns/plain_gaertner-dba1558e.csv").exists());
}

#[test]
fn the_rows_of_others_who_name_an_erased_customer_stay() {
    let project = project();
    let text = pipeline().replace("columns = ['abc_class']\n", "columns = ['abc_class', 'betreuer']\n");
    let text = text.replace(
        "[input.customers.columns]",
        "[input.customers]\nattributes = ['Betreuer']\n[input.customers.columns]",
    );
    project.write("pipeline.toml", text.as_bytes());
    let with_advisor = |(n, line): (usize, &str)| {
        line.to_owned()
            + if n == 0 {
                ";Betreuer\n"
            } else if n < 20 {
                ";p7@example.org\n"
            } else {
                ";nobody@example.org\n"
            }
    };
    project.write("customers.csv", customers().lines().enumerate().map(with_advisor).collect::<String>().as_bytes());
    run(&project);
    let rows = |name: &str| {
        fs::read_to_string(project.path(&format!("out/latest/campaigns/{name}.csv"))).unwrap().lines().count() - 1
    };
    let before = ["plain", "list"].map(rows);
    // The advisor is a customer: the address is still in the rows of those who are looked after, which must be told.
    let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", &id(7)]);
    assert!(code == 3 && stderr.contains("K0504"), "{code} {stderr}");
    assert_eq!(["plain", "list"].map(rows), before.map(|n| n - 1));
}

#[test]
fn an_erasure_that_was_interrupted_is_mended_by_the_next() {
    let project = project();
    run(&project);
    let latest = project.path("out/latest");
    // As it is left between a file and the manifest.
    let scores = fs::read_to_string(latest.join("scores.csv")).unwrap();
    let rest: String = scores.split_inclusive('\n').filter(|line| !line.starts_with(&id(7))).collect();
    fs::write(latest.join("scores.csv"), rest).unwrap();
    erase(&project, &[&id(7)]);
    let manifest = is_as_the_manifest_says(&latest);
    let outputs = manifest["outputs"].as_array().unwrap();
    let of_scores = outputs.iter().find(|output| output["path"] == "scores.csv").unwrap();
    assert_eq!(of_scores["rows"], N - 1);
    assert_eq!(manifest["erasures"].as_array().unwrap().len(), 1);
    erase(&project, &[&id(7)]);
    assert_eq!(is_as_the_manifest_says(&latest)["erasures"].as_array().unwrap().len(), 1, "nothing was left to do");
}

#[test]
fn an_erasure_that_breaks_off_leaves_no_manifest_behind_in_the_runs_before() {
    let project = project();
    run(&project);
    project.write("out/2099-01-01-0123abcd/scores.parquet", b"none");
    let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", &id(7)]);
    assert!(code == 3 && stderr.contains("scores.parquet"), "{code} {stderr}");
    let latest = project.path("out/latest");
    assert!(!fs::read_to_string(latest.join("scores.csv")).unwrap().contains(&id(7)));
    assert_eq!(is_as_the_manifest_says(&latest)["erasures"].as_array().unwrap().len(), 1);
    // The maps go last, of all runs.
    assert!(fs::read_to_string(latest.join("audiences.csv")).unwrap().contains(&id(7)));
    fs::remove_dir_all(project.path("out/2099-01-01-0123abcd")).unwrap();
    erase(&project, &[&id(7)]);
    is_as_the_manifest_says(&latest);
    assert_eq!(holding(&project.path("out"), &id(7)), Vec::<PathBuf>::new());
}

#[test]
fn a_damaged_manifest_stops_no_erasure_elsewhere_and_copies_are_looked_into() {
    let project = project();
    run(&project);
    let out = project.path("out");
    fs::create_dir(out.join("2020-01-01-0123abcd")).unwrap();
    project.write("out/2020-01-01-0123abcd/manifest.json", b"{");
    let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", &id(7)]);
    assert!(code == 3 && stderr.contains("2020-01-01-0123abcd"), "{stderr}");
    assert_eq!(holding(&out, &id(7)), Vec::<PathBuf>::new());
    fs::remove_dir_all(out.join("2020-01-01-0123abcd")).unwrap();
    for (name, text) in
        [("copy.csv", "Kundennr;Umsatz\r\n4711;5\r\n"), ("copy.json", "{\"customer_id\": 4711, \"amount\": 5}")]
    {
        project.write(&format!("out/{name}"), text.as_bytes());
        let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", "4711"]);
        assert!(code == 3 && stderr.contains(name), "{name}: {code} {stderr}");
        let (code, _, stderr) = command(&project, &["erase", "pipeline.toml", "471"]);
        assert_eq!(code, 0, "{stderr}");
        fs::remove_file(out.join(name)).unwrap();
    }
    project.write("out/old.zip", b"PK");
    let told = erase(&project, &["4711"]);
    assert!(told["not_searched"].to_string().contains("old.zip"), "{told}");
}

#[test]
fn nothing_of_who_objects_is_kept_or_decides_anything() {
    let project = project();
    let listed = |objecting: &[usize]| {
        let row = |(n, line): (usize, &str)| match n {
            0 => format!("{line};Widerspruch\n"),
            n => format!("{line};{}\n", if objecting.contains(&(n - 1)) { "ja" } else { "nein" }),
        };
        customers().lines().enumerate().map(row).collect::<String>()
    };
    let lines = fs::read_to_string(project.path("lines.csv")).unwrap() + &format!("{},z,2026-05-20,a,1,1.00\n", id(9));
    project.write("lines.csv", lines.as_bytes());
    let cache = project.path("out/.cache");
    project.write("customers.csv", listed(&[]).as_bytes());
    let everybody = run(&project);
    assert_eq!(everybody["run"]["as_of"], "2026-05-20");
    assert_eq!(holding(&cache, &id(9)).len(), 1);

    for night in 0..2 {
        project.write("customers.csv", listed(&[9, 11]).as_bytes());
        let without = run(&project);
        assert_eq!(holding(&cache, &id(9)), Vec::<PathBuf>::new());
        assert_eq!(holding(&cache, &Fingerprint::of(id(9))), Vec::<PathBuf>::new(), "whoever lists ids can hash them");
        assert!(holding(&cache, &id(10)).len() == 1, "the others are kept");
        assert!(without["run"]["as_of"].as_str().unwrap() < "2026-05", "{}", without["run"]["as_of"]);
        assert_eq!(
            (&without["counts"]["objections"], &without["counts"]["lines_of_objections"]),
            (&2.into(), &7.into())
        );
        assert_eq!(without["counts"]["lines_read"], everybody["counts"]["lines_read"]);
        // The second night the entry is as it must be.
        project.write("pipeline.toml", format!("{}# night {night}\n", pipeline()).as_bytes());
        let again = run(&project);
        assert_eq!(again["run"]["files_from_cache"], 1);
        assert_eq!(again["counts"]["lines_of_objections"], 7);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(cache.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Without the key nobody knows any more whom an entry is about.
    fs::remove_file(cache.join("key")).unwrap();
    project.write("pipeline.toml", format!("{}# without key\n", pipeline()).as_bytes());
    let anew = run(&project);
    assert_eq!((&anew["run"]["files_from_cache"], &anew["counts"]["lines_of_objections"]), (&0.into(), &7.into()));
    // Whoever takes an objection back is read again.
    project.write("customers.csv", listed(&[11]).as_bytes());
    let back = run(&project);
    assert_eq!((&back["counts"]["objections"], &back["run"]["as_of"]), (&1.into(), &"2026-05-20".into()));
}

/// Lines that were accepted first and proved to be beyond belief later are told and erased by their ids as well.
#[test]
fn a_row_that_is_rejected_late_has_its_customer() {
    let project = project();
    let lines = fs::read_to_string(project.path("lines.csv")).unwrap();
    project.write("lines.csv", format!("{lines}{},y,2026-01-05,a,1,5000000000000.00\n", id(9)).as_bytes());
    run(&project);
    let (_, stdout, stderr) = command(&project, &["explain", "pipeline.toml", &id(9), "--json"]);
    let record: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stderr}"));
    let rejected = &record["rejected_rows"][0];
    assert!(rejected["reason"].as_str().is_some_and(|reason| reason.contains("beyond belief")), "{record}");
    assert_eq!(rejected["customer_id"], id(9));
}
