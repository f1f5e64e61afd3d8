//! JSON for stdout.

use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;

use crate::ui::message::is_interpreted;

/// The value as indented JSON that ends with a line break.
///
/// # Errors
/// The value cannot be represented in JSON.
pub(crate) fn indented(value: &impl Serialize) -> Result<String> {
    Ok(escaped_json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// The value as JSON on one line that ends with a line break.
///
/// # Errors
/// As [`indented`].
pub(crate) fn line(value: &impl Serialize) -> Result<String> {
    Ok(escaped_json(&serde_json::to_string(value)?) + "\n")
}

/// The same value without characters that a terminal interprets. They can only occur within a
/// string, where JSON allows every character to be written by its number. The whitespace of JSON's
/// layout is kept.
fn escaped_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if is_interpreted(character) && !character.is_ascii_whitespace() {
            // No such character is above U+FFFF.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mostly characters that a terminal interprets or that JSON treats specially.
    fn random_text(random: &mut fastrand::Rng) -> String {
        const LETTERS: [char; 14] = [
            '\u{1b}', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200e}', '\u{202e}', '\u{2066}', '\n', '"',
            '\\', 'u', 'é', '字', '😀',
        ];
        let length = random.usize(0..40);
        let letter = |random: &mut fastrand::Rng| {
            if random.bool() {
                random.choice(LETTERS).unwrap()
            } else {
                random.char(..)
            }
        };
        (0..length).map(|_| letter(random)).collect()
    }

    #[test]
    fn json_escapes_control_characters_and_keeps_the_value() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2000 {
            let value = [random_text(&mut random), random_text(&mut random)];
            for json in [indented(&value).unwrap(), line(&value).unwrap()] {
                let read: [String; 2] = serde_json::from_str(&json).unwrap();
                assert_eq!(read, value, "seed {seed}");
                let interpreted = json
                    .chars()
                    .find(|letter| is_interpreted(*letter) && *letter != '\n');
                assert_eq!(interpreted, None, "seed {seed}: {json:?}");
            }
        }
    }

    #[test]
    fn foreign_json_stays_valid_when_escaped() {
        let raw = "[{\"a\":\t\"\u{9b}\u{202e}\"}]";
        let value = serde_json::value::RawValue::from_string(raw.to_owned()).unwrap();
        assert_eq!(line(&value).unwrap(), "[{\"a\":\t\"\\u009b\\u202e\"}]\n");
    }
}
