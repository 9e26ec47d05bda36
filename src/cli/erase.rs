//! `klientel erase`: takes customers out of everything that was written; ids come in and never go out again.

use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use klientel::diagnostic::{Diagnostic, codes};
use klientel::run::{Erasure, erase as erase_customers, lift, shown};
use klientel::units::Day;
use serde_json::json;

use super::args::EraseArgs;
use super::exit::Exit;
use super::run::{Problems, load, print_json};
use super::text::counted;

const SECONDS_PER_DAY: u64 = 86_400;

/// Erases the customers that the arguments name.
pub fn erase(args: &EraseArgs) -> Exit {
    let (text, job) = match load(&args.pipeline) {
        Ok(loaded) => loaded,
        Err(problems) => return problems.show(args.json),
    };
    let path = args.pipeline.to_string_lossy().into_owned();
    let problem =
        |diagnostic, exit| Problems { path: path.clone(), text: text.clone(), diagnostics: vec![diagnostic], exit };
    let mut ids: Vec<String> = args.customers.iter().map(|id| id.trim().to_owned()).collect();
    if let Some(file) = &args.ids_from {
        match read_ids(file) {
            Ok(text) => ids.extend(text.lines().map(|id| id.trim().to_owned())),
            Err(error) => {
                let title = format!("cannot read the ids in `{}`: {error}", shown(file));
                let help = "name a text file in UTF-8 with one customer id a line, or `-` for stdin";
                return problem(Diagnostic::error(codes::UNREADABLE_FILE, title).help(help), Exit::Input)
                    .show_of_reader(args.json);
            }
        }
    }
    ids.retain(|id| !id.is_empty());
    if ids.is_empty() {
        let diagnostic = Diagnostic::error(codes::ERASURE, "no customer id is given, so that nobody is erased");
        return problem(diagnostic.help("name customer ids as they stand in the exports"), Exit::Input)
            .show_of_reader(args.json);
    }
    if args.lift {
        return match lift(&job, &ids) {
            Ok(n_lifted) => {
                show_lifted(n_lifted, args);
                Exit::Ok
            }
            Err(error) => problem(error.diagnostic(), Exit::of(error.kind())).show_of_reader(args.json),
        };
    }
    let mut random = [0; 32];
    if let Err(error) = getrandom::fill(&mut random) {
        let title = format!("the operating system gives no random bytes for the key of the tombstones: {error}");
        return problem(Diagnostic::error(codes::ERASURE, title), Exit::Output).show_of_reader(args.json);
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let today = Day(i32::try_from(seconds / SECONDS_PER_DAY).unwrap_or_default());
    match erase_customers(&job, &ids, &random, today) {
        Ok(erasure) => {
            show(&erasure, args);
            Exit::Ok
        }
        Err(error) => {
            let exit = Exit::of(error.kind());
            problem(error.diagnostic(), exit).show_of_reader(args.json)
        }
    }
}

/// Reads a file of ids, or stdin.
pub(super) fn read_ids(file: &Path) -> std::io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    let text = std::fs::read_to_string(file)?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

fn show(erasure: &Erasure, args: &EraseArgs) {
    let Erasure { customers, erased, cache_files, directory, notes } = erasure;
    if args.json {
        print_json(&json!({
            "customers": customers,
            "rows": erased.rows,
            "files": erased.files,
            "directories": erased.directories,
            "cache_files": cache_files,
            "runs": erased.runs,
            "not_found": erased.not_found,
            "not_attributed": erased.not_attributed.iter().map(|path| shown(path)).collect::<Vec<_>>(),
            "not_searched": erased.not_searched.iter().map(|path| shown(path)).collect::<Vec<_>>(),
            "notes": notes,
        }));
    } else if !args.quiet {
        notes.iter().for_each(|note| eprintln!("note: {note}"));
        eprintln!(
            "{} erased below {}: {} in {} of {}; {} of the ingest cache removed; searched, and {}",
            counted(*customers, "customer"),
            shown(directory),
            counted(erased.rows as usize, "row"),
            counted(erased.files, "file"),
            counted(erased.directories, "run"),
            counted(*cache_files, "file"),
            if erased.not_attributed.is_empty() && erased.not_searched.is_empty() {
                "nothing is left"
            } else {
                "nothing is left in what can be looked into (see the notes)"
            },
        );
    }
}

fn show_lifted(n_lifted: usize, args: &EraseArgs) {
    if args.json {
        print_json(&json!({ "lifted": n_lifted }));
    } else if !args.quiet {
        eprintln!("{} lifted; later runs read these customers again", counted(n_lifted, "tombstone"));
    }
}
