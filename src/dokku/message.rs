//! Dokku's message formats. All of ours go to stderr: stdout is the task's.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// A warning or a failure, shown even with `--quiet`. Each line gets the mark.
pub(crate) fn warn(text: &str) {
    for line in text.lines() {
        say(" !     ", line);
    }
}

/// A warning that something could not be written, once in a process: a disk that is
/// full concerns every file, and stops no task.
pub(crate) fn warn_of_disk(text: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        warn(text);
    }
}

/// What we do. Callers leave it out with `--quiet`.
pub(crate) fn info(text: &str) {
    say("-----> ", text);
}

/// Plain text.
pub(crate) fn plain(text: &str) {
    say("", text);
}

fn say(mark: &str, text: &str) {
    // A reader of our stderr that has gone is no reason to end.
    let _ = writeln!(std::io::stderr(), "{mark}{text}");
}
