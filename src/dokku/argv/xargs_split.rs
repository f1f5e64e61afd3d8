//! Splits a string into words as `xargs` does.
//!
//! Dokku passes docker options on as one string, which it splits this way
//! (`fn-docker-args-split` in its plugin `common`). It splits a command that comes through SSH
//! in the same way. Nothing is expanded.

use anyhow::{Result, bail};

enum State {
    Between,
    Word,
    Escaped,
    Quoted(char),
}

/// Splits as GNU `xargs` does: words end at spaces, tabs and newlines; `'…'`, `"…"` and `\`
/// quote.
///
/// # Errors
/// A quote is not closed on its line.
pub(crate) fn split(text: &str) -> Result<Vec<String>> {
    let (words, open) = split_until_open_quote(text);
    match open {
        Some(quote) => bail!("a {quote} is not closed"),
        None => Ok(words),
    }
}

/// Like [`split`], but stops at a quote that is not closed on its line: returns the words
/// before it, and the quote.
pub(crate) fn split_until_open_quote(text: &str) -> (Vec<String>, Option<char>) {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::Between;
    for character in text.chars() {
        state = match (state, character) {
            // Any white space before a word is skipped; within a word only a space, a tab or the end
            // of the line ends it (xargs: ISSPACE and ISBLANK).
            (State::Between, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') => State::Between,
            (State::Word, ' ' | '\t' | '\n') => {
                words.push(std::mem::take(&mut word));
                State::Between
            }
            (State::Between | State::Word, '\\') => State::Escaped,
            (State::Between | State::Word, quote @ ('\'' | '"')) => State::Quoted(quote),
            (State::Quoted(quote), '\n') => return (words, Some(quote)),
            (State::Quoted(quote), end) if end == quote => State::Word,
            (State::Quoted(quote), other) => {
                word.push(other);
                State::Quoted(quote)
            }
            (State::Between | State::Word | State::Escaped, other) => {
                word.push(other);
                State::Word
            }
        };
    }
    // At the end of the text xargs considers only the characters of the last word: if there
    // are none, neither an open quote nor an empty word counts.
    match state {
        _ if word.is_empty() => (words, None),
        State::Quoted(quote) => (words, Some(quote)),
        _ => {
            words.push(word);
            (words, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xargs_split_handles_spaces_quotes_and_escapes() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \n\t ", &[]),
            ("a b\tc\nd", &["a", "b", "c", "d"]),
            (
                "--env='A B' -v \"/x y:/z\"",
                &["--env=A B", "-v", "/x y:/z"],
            ),
            (r"a\ b \'", &["a b", "'"]),
            (r#"'\n' "\n""#, &["\\n", "\\n"]),
            ("'' \"\" ", &["", ""]),
            ("$(id) `id` ;&|*", &["$(id)", "`id`", ";&|*"]),
        ];
        for (text, expected) in table {
            assert_eq!(split(text).unwrap(), *expected, "{text:?}");
        }
    }

    /// The result of `xargs` itself; `None` if it refuses the text.
    fn split_by_xargs(text: &str) -> Option<Vec<String>> {
        let xargs = duct::cmd!("xargs", "-r", "printf", "%s\\0")
            .stdin_bytes(text)
            .stdout_capture()
            .stderr_null();
        let output = xargs.unchecked().run().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        let words = words.split_terminator('\0').map(str::to_owned).collect();
        output.status.success().then_some(words)
    }

    #[test]
    fn xargs_split_agrees_with_xargs_on_random_text() {
        const ALPHABET: [char; 16] = [
            ' ', ' ', '\t', '\n', '\'', '\'', '"', '"', '\\', '\r', '\x0b', '\x0c', 'a', '-', '=',
            'é',
        ];
        let mut random = fastrand::Rng::with_seed(1);
        let mut texts: Vec<String> = (0..3000)
            .map(|_| {
                (0..random.usize(..16))
                    .map(|_| *random.choice(&ALPHABET).unwrap())
                    .collect()
            })
            .collect();
        texts.extend([" --env='A B' -v /x:/y --label \"a'b\" \\"].map(str::to_owned));
        let asked = |texts: &[String]| {
            for text in texts {
                assert_eq!(split(text).ok(), split_by_xargs(text), "{text:?}");
            }
        };
        std::thread::scope(|scope| {
            for part in texts.chunks(texts.len() / 4 + 1) {
                scope.spawn(move || asked(part));
            }
        });
    }

    #[test]
    fn xargs_split_refuses_an_open_quote() {
        for text in ["\"a", "a'b\nc'", "'a\n'", "'\n'"] {
            assert!(split(text).is_err(), "{text:?}");
        }
    }
}
