//! The face: arguments, progress, messages, exit codes. The only room that knows terminal, clock, environment and exit.
//!
//! stdout carries data only (`--json`, `schema`, the table of `measure`); everything meant for a person goes to stderr.

mod args;
mod check;
mod erase;
mod exit;
mod explain;
mod generate;
mod measure;
mod plan;
mod progress;
mod run;
mod schema;
mod signals;
mod summary;
mod text;

use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;

use args::{Args, Command};
use exit::Exit;

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let args = Args::parse();
    signals::exit_with_their_number();
    // A reader that trips over a damaged file is caught in the library and becomes a message, so the hook itself prints nothing. The
    // place is kept, but not the text, which may hold what the data holds.
    std::panic::set_hook(Box::new(|panic| {
        if let (Ok(mut place), Some(at)) = (PANICKED_AT.lock(), panic.location()) {
            *place = format!(" ({}:{})", at.file(), at.line());
        }
    }));
    match std::panic::catch_unwind(move || run_command(args)) {
        Ok(exit) => exit.into(),
        Err(_) => {
            let place = PANICKED_AT.lock().map_or_else(|_| String::new(), |place| place.clone());
            eprintln!("error: a mistake in klientel itself{place}, nothing was published; please report it");
            ExitCode::from(101)
        }
    }
}

/// Where the last panic began.
static PANICKED_AT: Mutex<String> = Mutex::new(String::new());

fn run_command(args: Args) -> Exit {
    if let Some(threads) = args.threads {
        // Fails only where the pool runs already, which nothing before this line can have started.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    match args.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Measure(args) => measure::measure(&args),
        Command::Erase(args) => erase::erase(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Generate(args) => generate::generate(&args),
        Command::Schema(args) => schema::print(&args),
    }
}

/// Says whether messages on stderr may be coloured: on a terminal, unless `NO_COLOR` is set.
fn is_colored() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
