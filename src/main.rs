//! The command line program: parse, set up threads and signals, dispatch, exit code.

mod cli;

use std::process::ExitCode;

/// Stages take and return gigabytes in turn; this keeps the pages instead of asking the system to clear them each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
