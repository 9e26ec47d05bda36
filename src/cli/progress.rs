//! Progress: a bar a stage on a terminal, a line a stage elsewhere, nothing where quiet is asked for.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use klientel::run::{Event, Observer};

/// Shows the events of a run on stderr.
pub struct Progress {
    mode: Mode,
    bar: Mutex<Option<ProgressBar>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Quiet,
    Lines,
    Bars,
}

impl Progress {
    /// Chooses bars for a terminal, lines for anything else.
    pub fn new(quiet: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Quiet,
            (false, true) => Mode::Bars,
            (false, false) => Mode::Lines,
        };
        Self { mode, bar: Mutex::new(None) }
    }

    fn start(&self, stage: &'static str, total_bytes: Option<u64>) {
        if self.mode != Mode::Bars {
            return;
        }
        let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::stderr());
        let template = if total_bytes.is_some() {
            "{spinner} {msg:12} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}"
        } else {
            "{spinner} {msg:12} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(stage);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        self.replace(Some(bar));
    }

    fn finish(&self, stage: &'static str, seconds: f64, detail: &str) {
        self.replace(None);
        if self.mode != Mode::Quiet {
            eprintln!("{stage:>12}  {seconds:6.2} s  {detail}");
        }
    }

    fn replace(&self, next: Option<ProgressBar>) {
        let old = self.bar.lock().ok().and_then(|mut bar| std::mem::replace(&mut *bar, next));
        if let Some(old) = old {
            old.finish_and_clear();
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { stage, total_bytes } => self.start(stage, total_bytes),
            Event::Read { bytes } => {
                if let Some(bar) = self.bar.lock().ok().as_deref().and_then(Option::as_ref) {
                    bar.inc(bytes);
                }
            }
            Event::Finished { stage, seconds, detail } => self.finish(stage, seconds, detail),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.replace(None);
    }
}
