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
pub(crate) fn warn_disk_once(text: &str) {
    if !DISK_WARNING_PRINTED.swap(true, Ordering::Relaxed) {
        warn(text);
    }
}

/// The process that we go on for has warned already.
pub(crate) fn suppress_disk_warning() {
    DISK_WARNING_PRINTED.store(true, Ordering::Relaxed);
}

static DISK_WARNING_PRINTED: AtomicBool = AtomicBool::new(false);

/// What we do. [`crate::dokku::host::Host::info`] leaves it out with `--quiet`.
pub(crate) fn info(text: &str) {
    say("-----> ", text);
}

/// Plain text.
pub(crate) fn raw(text: &str) {
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

/// A name, a value or a command as stdout may show it: [`escaped`] on a terminal, and as
/// it is for a program that reads it.
pub(crate) fn on_stdout(text: &str) -> String {
    if std::io::stdout().is_terminal() {
        escaped(text)
    } else {
        text.to_owned()
    }
}

/// Whether a terminal obeys it instead of showing it: control characters (C0, DEL, C1),
/// and those that turn the direction of text around (Unicode's `Bidi_Control`). Line
/// breaks and tabs, too.
pub(crate) fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The text with every character that a terminal obeys written as Rust writes it.
pub(crate) fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (text, shown) in [
            ("\u{1b}[31m\u{7f}", "\\u{1b}[31m\\u{7f}"),
            ("\u{9b}2J\u{85}", "\\u{9b}2J\\u{85}"),
            ("\t\r\n", "\\t\\r\\n"),
            ("a\u{61c}\u{200e}\u{200f}b", "a\\u{61c}\\u{200e}\\u{200f}b"),
            (
                "\u{202a}\u{202e}\u{2066}\u{2069}",
                "\\u{202a}\\u{202e}\\u{2066}\\u{2069}",
            ),
            ("é 字 😀 \u{200d} \u{2029}", "é 字 😀 \u{200d} \u{2029}"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn escaped_text_has_no_control_characters() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2000 {
            let length = random.usize(0..40);
            let text: String = (0..length).map(|_| random.char('\0'..'\u{2100}')).collect();
            let shown = escaped(&text);
            assert!(!shown.chars().any(is_obeyed), "seed {seed}: {text:?}");
            let kept = |text: &str| text.chars().filter(|letter| !is_obeyed(*letter)).count();
            assert!(kept(&shown) >= kept(&text), "seed {seed}: {text:?}");
        }
    }
}
