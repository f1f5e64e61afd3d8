//! Dokku's message formats. All messages go to stderr, because stdout belongs to the task.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints a warning or an error, even with `--quiet`. Each line is prefixed with Dokku's
/// exclamation mark.
pub(crate) fn warn(text: &str) {
    for line in text.lines() {
        print(" !     ", line);
    }
}

/// Prints a warning that something could not be written, at most once per process: a full disk
/// affects every file, but does not stop a task.
pub(crate) fn warn_disk_once(text: &str) {
    if !DISK_WARNING_PRINTED.swap(true, Ordering::Relaxed) {
        warn(text);
    }
}

/// Suppresses that warning, because the process whose work this one continues has printed it.
pub(crate) fn suppress_disk_warning() {
    DISK_WARNING_PRINTED.store(true, Ordering::Relaxed);
}

static DISK_WARNING_PRINTED: AtomicBool = AtomicBool::new(false);

/// Reports a step of the command. [`crate::dokku::host::Host::info`] omits it with `--quiet`.
pub(crate) fn info(text: &str) {
    print("-----> ", text);
}

/// Prints text without a prefix.
pub(crate) fn raw(text: &str) {
    print("", text);
}

fn print(mark: &str, text: &str) {
    let mut stderr = std::io::stderr();
    // It is not an error if the reader of our stderr has closed it.
    let _ = if stderr.is_terminal() {
        writeln!(stderr, "{mark}{}", escaped(text))
    } else {
        writeln!(stderr, "{mark}{text}")
    };
}

/// A name, a value or a command as it is printed on stdout: [`escaped`] for a terminal, unchanged
/// for a program that reads it.
pub(crate) fn on_stdout(text: &str) -> String {
    if std::io::stdout().is_terminal() {
        escaped(text)
    } else {
        text.to_owned()
    }
}

/// Whether a terminal interprets the character instead of displaying it: control characters (C0,
/// DEL, C1), including line breaks and tabs, and characters that change the direction of text
/// (Unicode's `Bidi_Control`).
pub(crate) fn is_interpreted(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The text with every character that a terminal interprets replaced by Rust's escape sequence for
/// it.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_interpreted(character) {
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
            assert!(!shown.chars().any(is_interpreted), "seed {seed}: {text:?}");
            let count = |text: &str| {
                text.chars()
                    .filter(|letter| !is_interpreted(*letter))
                    .count()
            };
            assert!(count(&shown) >= count(&text), "seed {seed}: {text:?}");
        }
    }
}
