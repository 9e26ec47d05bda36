//! The command line program: parse, set up memory, threads and signals, dispatch, exit code.

mod cli;

use std::ffi::c_long;
use std::process::ExitCode;

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

/// Stages take and return gigabytes in turn; this keeps the pages instead of asking the system to clear them each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The option `purge_delay` of mimalloc 2 and 3, which the bindings do not name.
const PURGE_DELAY: mi_option_t = 15;

/// For how long freed pages are kept: longer than most stages take, shorter than a run.
const MILLISECONDS: c_long = 2_000;

fn main() -> ExitCode {
    // SAFETY: stores a number in a table of the allocator; any thread may do so at any time, and this is the only one yet.
    unsafe { mi_option_set_default(PURGE_DELAY, MILLISECONDS) };
    cli::main()
}
