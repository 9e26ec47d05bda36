//! `klientel check`: everything that can be known without data.

use klientel::run::check_key;
use serde_json::json;

use super::args::CheckArgs;
use super::exit::Exit;
use super::run::{Problems, load, print_json};
use super::text::counted;

/// Checks a pipeline file and says what it will write.
pub fn check(args: &CheckArgs) -> Exit {
    match load(&args.pipeline) {
        Ok((text, job)) => {
            if let Err(error) = check_key(&job) {
                let path = args.pipeline.to_string_lossy().into_owned();
                let problems = Problems { path, text, diagnostics: vec![error.diagnostic()], exit: Exit::Input };
                return problems.show_of_reader(args.json);
            }
            if args.json {
                print_json(&json!({ "errors": [] }));
            } else {
                eprintln!(
                    "{} is fine: {}, {}, {}",
                    args.pipeline.display(),
                    counted(job.promised.len(), "score column"),
                    counted(job.segments.len(), "segment"),
                    counted(job.campaigns.len(), "campaign")
                );
            }
            Exit::Ok
        }
        Err(problems) => problems.show(args.json),
    }
}
