//! Dokku's message formats. All of ours go to stderr: stdout is the task's.

use std::io::{IsTerminal, Write};
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
    if !DISK_IS_SAID.swap(true, Ordering::Relaxed) {
        warn(text);
    }
}

/// The process that we go on for has warned already.
pub(crate) fn disk_is_said() {
    DISK_IS_SAID.store(true, Ordering::Relaxed);
}

static DISK_IS_SAID: AtomicBool = AtomicBool::new(false);

/// What we do. [`super::host::Host::info`] leaves it out with `--quiet`.
pub(super) fn info(text: &str) {
    say("-----> ", text);
}

/// Plain text.
pub(crate) fn plain(text: &str) {
    say("", text);
}

fn say(mark: &str, text: &str) {
    let mut stderr = std::io::stderr();
    // A reader of our stderr that has gone is no reason to end.
    let _ = if stderr.is_terminal() {
        writeln!(stderr, "{mark}{}", escaped(text))
    } else {
        writeln!(stderr, "{mark}{text}")
    };
}

/// What a terminal would obey, written as Rust writes it: control characters, and those
/// that turn the direction of text around. Line breaks and tabs, too.
pub(crate) fn escaped(text: &str) -> String {
    let is_obeyed = |character: char| {
        character.is_control()
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
