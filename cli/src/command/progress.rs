//! A sign of life during long work: on a terminal only, and on stderr only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A spinner that can be told how far the work is.
pub struct Bar(ProgressBar);

impl Bar {
    /// Says how far it is.
    pub fn tell(&self, how_far: &str) {
        self.0.set_message(how_far.to_owned());
    }
}

/// Runs `work` with a spinner and the seconds so far, which leave no trace.
pub fn during<T>(what: impl Into<String>, work: impl FnOnce() -> T) -> T {
    telling(what, |_| work())
}

/// The same of work that says how far it is.
pub fn telling<T>(what: impl Into<String>, work: impl FnOnce(&Bar) -> T) -> T {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(what.into());
    bar.enable_steady_tick(Duration::from_millis(120));
    let bar = Bar(bar);
    let done = work(&bar);
    bar.0.finish_and_clear();
    done
}
