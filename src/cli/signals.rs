//! An interrupted run publishes nothing: it ends with 128 plus the signal's number, and the next run removes what it left.

/// Ends the process with 130 on interrupt and 143 on termination.
#[cfg(unix)]
pub fn exit_with_their_number() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    // Where the system refuses, the default action ends the process just as well.
    if let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) {
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                std::process::exit(128 + signal);
            }
        });
    }
}

/// Leaves the default action in place.
#[cfg(not(unix))]
pub fn exit_with_their_number() {}
