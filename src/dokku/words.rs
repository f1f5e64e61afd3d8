//! Splitting a string of docker options into words.
//!
//! Dokku hands its docker options on as one string and splits it with `xargs`
//! (`fn-docker-args-split` in its plugin `common`); nothing is expanded.

use anyhow::{Result, bail};

enum State {
    Between,
    Word,
    Escaped,
    Quoted(char),
}

/// Splits as GNU `xargs` does: words end at blanks, tabs and newlines;
/// `'…'`, `"…"` and `\` quote.
///
/// # Errors
/// A quote that its line does not close.
pub(crate) fn split(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::Between;
    for character in text.chars() {
        state = match (state, character) {
            // Before a word every white space is passed over, in it only a blank
            // or the end of the line ends it (xargs: ISSPACE and ISBLANK).
            (State::Between, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') => State::Between,
            (State::Word, ' ' | '\t' | '\n') => {
                words.push(std::mem::take(&mut word));
                State::Between
            }
            (State::Between | State::Word, '\\') => State::Escaped,
            (State::Between | State::Word, quote @ ('\'' | '"')) => State::Quoted(quote),
            (State::Quoted(quote), '\n') => bail!("a {quote} is not closed"),
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
    match state {
        State::Quoted(quote) => bail!("a {quote} is not closed"),
        State::Between => {}
        State::Word | State::Escaped => words.push(word),
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
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
            ("'' \"\"", &["", ""]),
            ("$(id) `id` ;&|*", &["$(id)", "`id`", ";&|*"]),
        ];
        for (text, expected) in table {
            assert_eq!(split(text).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for text in ["'", "\"a", "a'b\nc'", "'a\n'"] {
            assert!(split(text).is_err(), "{text:?}");
        }
    }
}
