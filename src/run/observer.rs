//! The only way out of the library while it works: the command line draws from it, tests record it.

/// Something a reader may want to see while a run works.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A stage begins; `total_bytes` is known where the stage reads files.
    Started { stage: &'static str, total_bytes: Option<u64> },
    /// Input bytes were read since the last event.
    Read { bytes: u64 },
    /// A stage ended.
    Finished { stage: &'static str, seconds: f64, detail: &'a str },
}

/// Receives the events of a run, from any thread.
pub trait Observer: Sync {
    /// Takes one event; must not block for long.
    fn event(&self, event: Event<'_>);
}

/// Ignores every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event<'_>) {}
}
