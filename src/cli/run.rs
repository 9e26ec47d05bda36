//! `klientel run`: load the pipeline, run it, show what came out.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use klientel::diagnostic::{Diagnostic, codes, render, snippets};
use klientel::run::{Job, RunError, Surroundings, run as run_job};
use serde_json::{Value, json};

use super::args::RunArgs;
use super::exit::Exit;
use super::progress::Progress;
use super::{plan, summary};

/// Runs a pipeline, or prints its plan.
pub fn run(args: &RunArgs) -> Exit {
    let (text, mut job) = match load(&args.pipeline) {
        Ok(loaded) => loaded,
        Err(problems) => return problems.show(args.json),
    };
    if args.null_check {
        job.check_null();
    }
    if let Some(Err(diagnostics)) = args.reuse_model.as_ref().map(|path| job.reuse_model(path)) {
        let path = args.pipeline.to_string_lossy().into_owned();
        return Problems { path, text, diagnostics, exit: Exit::Input }.show(args.json);
    }
    if args.dry_run {
        let path = args.pipeline.to_string_lossy().into_owned();
        return plan::show(&job, args.json).unwrap_or_else(|error| {
            Problems { path, text, diagnostics: vec![RunError::from(error).diagnostic()], exit: Exit::Input }
                .show(args.json)
        });
    }
    let surroundings = Surroundings {
        started_at_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        threads: rayon::current_num_threads(),
        memory_limit: args.memory_limit,
        use_cache: !args.no_cache,
    };
    let progress = Progress::new(args.quiet || args.json);
    let result = run_job(&job, surroundings, &progress);
    drop(progress);
    match result {
        Ok(outcome) => {
            if args.json {
                print_json(&outcome.manifest);
            } else if !args.quiet {
                eprint!("{}", summary::of(&outcome));
            }
            Exit::Ok
        }
        Err(error) => {
            let exit = Exit::of(error.kind());
            let path = args.pipeline.to_string_lossy().into_owned();
            Problems { path, text, diagnostics: vec![error.diagnostic()], exit }.show(args.json)
        }
    }
}

/// What is wrong, and with which file.
pub struct Problems {
    pub path: String,
    pub text: String,
    pub diagnostics: Vec<Diagnostic>,
    pub exit: Exit,
}

impl Problems {
    /// Shows the problems of a command that never publishes, without a word on that, and returns the exit code.
    pub fn show_of_reader(mut self, as_json: bool) -> Exit {
        for help in self.diagnostics.iter_mut().filter_map(|diagnostic| diagnostic.help.as_mut()) {
            *help = help.replace("; nothing was published", "");
        }
        self.tell(as_json, false);
        self.exit
    }

    /// Shows every problem and returns the exit code.
    pub fn show(&self, as_json: bool) -> Exit {
        self.tell(as_json, true);
        self.exit
    }

    fn tell(&self, as_json: bool, publishes: bool) {
        if as_json {
            print_json(&json!({ "errors": self.diagnostics.iter().map(to_json).collect::<Vec<_>>() }));
        } else if self.exit == Exit::Input
            && self.diagnostics.iter().any(|d| d.code.starts_with("K01") || d.code.starts_with("K02"))
        {
            eprint!("{}", render(&self.diagnostics, &self.path, &self.text, super::is_colored()));
        } else {
            eprint!("{}", snippets(&self.diagnostics, &self.path, &self.text, super::is_colored()));
            if publishes && self.diagnostics.iter().all(|d| d.code != codes::AFTER_PUBLISHING) {
                eprintln!("error: nothing was published");
            }
        }
    }
}

fn to_json(diagnostic: &Diagnostic) -> Value {
    json!({
        "code": diagnostic.code,
        "title": diagnostic.title,
        "help": diagnostic.help,
        "span": diagnostic.span.as_ref().map(|span| [span.start, span.end]),
    })
}

/// Prints one JSON document on stdout; a reader that went away is no error.
pub fn print_json(value: &Value) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{value:#}");
}

/// Reads and checks a pipeline file; paths in it count from its own folder.
pub fn load(path: &Path) -> Result<(String, Job), Problems> {
    let shown = path.to_string_lossy().into_owned();
    let problems = |text: String, diagnostics| Problems { path: shown.clone(), text, diagnostics, exit: Exit::Input };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let title = format!("cannot read pipeline file `{shown}`: {error}");
            let help = "name an existing TOML file; `klientel schema --reference` prints one with every key";
            return Err(problems(String::new(), vec![Diagnostic::error(codes::UNREADABLE, title).help(help)]));
        }
    };
    match Job::load(&text, &shown, path.parent().unwrap_or(Path::new(""))) {
        Ok(job) => Ok((text, job)),
        Err(diagnostics) => Err(problems(text, diagnostics)),
    }
}
