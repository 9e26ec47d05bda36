//! The rules of the house that a compiler does not know.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from left to right; a room may use those of earlier entries and those beside it in its own entry are strangers.
const ROOMS: &[&[&str]] = &[
    &["units", "diagnostic"],
    &["maths"],
    &["table"],
    &["features"],
    &["analysis"],
    &["scores"],
    &["segment"],
    &["campaign"],
    &["ingest", "state", "publish"],
    &["pipeline"],
    &["run", "generate"],
    &["measure"],
    &["cli"],
];

/// Lines a source file may have, tests included.
const MOST_LINES: usize = 500;

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let below_src =
                    path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().to_owned();
                found.push((below_src, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn room(path: &Path) -> Option<String> {
    let first = path.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main"].contains(&name)).then(|| name.to_owned())
}

fn rank(room: &str) -> usize {
    let rank = ROOMS.iter().position(|rooms| rooms.contains(&room));
    rank.unwrap_or_else(|| panic!("room `{room}` is not in the list of rooms"))
}

/// Returns the rooms that a line names as `crate::room` or `klientel::room`.
fn named_rooms(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or_default();
    let mut rooms = Vec::new();
    for prefix in ["crate::", "klientel::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if !name.is_empty() {
                rooms.push(name);
            } else {
                panic!("grouped imports from the crate root hide rooms: {line}");
            }
        }
    }
    rooms
}

#[test]
fn a_room_uses_only_rooms_to_its_left() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = room(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            for used in named_rooms(line).into_iter().filter(|used| *used != own) {
                if ROOMS.iter().any(|rooms| rooms.contains(&used)) && rank(used) >= rank(&own) {
                    wrong.push(format!("{}:{}: `{own}` must not use `{used}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rule_itself_finds_a_violation() {
    assert_eq!(named_rooms("use crate::pipeline::Pipeline;"), ["pipeline"]);
    assert_eq!(named_rooms("    let x = crate::run::run(klientel::units::Day(1));"), ["run", "units"]);
    assert!(rank("pipeline") > rank("analysis"));
    assert!(named_rooms("// see crate::run").is_empty());
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no module documentation in {}", silent.join(", "));
}

#[test]
fn the_library_touches_neither_terminal_nor_environment_nor_clock() {
    let forbidden =
        ["std::env::", "println!", "eprintln!", "process::exit", "SystemTime::now", "current_dir(", "Instant::now"];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = room(&path).unwrap_or_default();
        if own == "cli" || own.is_empty() {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in forbidden.iter().filter(|word| code.contains(**word)) {
                if !(own == "run" && *word == "Instant::now") {
                    wrong.push(format!("{}:{}: `{word}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn formats_of_files_are_known_only_where_files_are_read_or_written() {
    let users: BTreeSet<String> = sources()
        .iter()
        .filter(|(_, text)| text.contains("arrow::") || text.contains("parquet::"))
        .filter_map(|(path, _)| room(path))
        .collect();
    assert_eq!(users.into_iter().collect::<Vec<_>>(), ["generate", "ingest", "publish"]);
}
