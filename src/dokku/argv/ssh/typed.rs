//! The words that the user of an SSH client typed, split as a shell splits words.

use std::fmt;

use crate::dokku::argv::ssh::ansi_c;

/// Why a command has no words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SplitError {
    /// This quote is not closed.
    Unclosed(char),
    /// An escape in `$'…'` is a NUL, or the word is not valid UTF-8.
    NotText,
}

impl fmt::Display for SplitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed(quote) => write!(formatter, "unclosed {quote} in the command"),
            Self::NotText => {
                formatter.write_str("$'…' in the command has a NUL or is not valid UTF-8")
            }
        }?;
        formatter.write_str(", nothing was started")
    }
}

impl std::error::Error for SplitError {}

enum State {
    Between,
    Word,
    Escaped { in_word: bool },
    Dollar,
    Single,
    Double,
    DoubleEscaped,
}

/// Splits by the quoting rules of the POSIX shell, with `$'…'` as in bash (and in POSIX since
/// 2024). Nothing is evaluated: `$HOME`, `*`, `;`, `#` and the like are literal, as in Dokku's own
/// split. A line break outside of quotes is a space.
///
/// # Errors
/// A quote is not closed, or `$'…'` is not text.
pub(crate) fn typed(text: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word = Word::default();
    let mut state = State::Between;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        state = match (state, character) {
            // A backslash before a line break joins the two lines.
            (State::Between, ' ' | '\t' | '\n') | (State::Escaped { in_word: false }, '\n') => {
                State::Between
            }
            (State::Word | State::Dollar, ' ' | '\t' | '\n') => {
                words.push(word.take()?);
                State::Between
            }
            (State::Between, '\\') => State::Escaped { in_word: false },
            (State::Word | State::Dollar, '\\') => State::Escaped { in_word: true },
            (State::Dollar, '\'') => {
                word.replace_dollar(&ansi_c::text(&mut characters)?);
                State::Word
            }
            (State::Between | State::Word, '\'') => State::Single,
            (State::Between | State::Word | State::Dollar, '"') | (State::DoubleEscaped, '\n') => {
                State::Double
            }
            (State::Single, '\'')
            | (State::Double, '"')
            | (State::Escaped { in_word: true }, '\n') => State::Word,
            (State::Double, '\\') => State::DoubleEscaped,
            (State::DoubleEscaped, other) => {
                if !matches!(other, '$' | '`' | '"' | '\\') {
                    word.push('\\');
                }
                word.push(other);
                State::Double
            }
            (quoted @ (State::Single | State::Double), other) => {
                word.push(other);
                quoted
            }
            (State::Between | State::Word, '$') => {
                word.push('$');
                State::Dollar
            }
            // `$$` is one parameter: the second `$` begins no quotes.
            (State::Between | State::Word | State::Dollar | State::Escaped { .. }, other) => {
                word.push(other);
                State::Word
            }
        };
    }
    match state {
        State::Single => return Err(SplitError::Unclosed('\'')),
        State::Double | State::DoubleEscaped => return Err(SplitError::Unclosed('"')),
        State::Between => {}
        State::Escaped { .. } => {
            word.push('\\');
            words.push(word.take()?);
        }
        State::Word | State::Dollar => words.push(word.take()?),
    }
    Ok(words)
}

/// The beginning of a word. The escapes of `$'…'` are bytes.
#[derive(Default)]
struct Word(Vec<u8>);

impl Word {
    fn push(&mut self, character: char) {
        self.0.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Replaces the `$` at the end.
    fn replace_dollar(&mut self, text: &[u8]) {
        self.0.pop();
        self.0.extend(text);
    }

    fn take(&mut self) -> Result<String, SplitError> {
        String::from_utf8(std::mem::take(&mut self.0)).map_err(|_| SplitError::NotText)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use duct::cmd;

    use crate::dokku::argv::ssh::typed::{SplitError, typed};

    /// The split of bash itself; `None` if it refuses the text. The words are elements of an
    /// array, where a line break counts as a space. (`set -f` and `+B`: no `*`, no braces.)
    pub(crate) fn by_bash(text: &str) -> Option<Vec<String>> {
        let script =
            format!("set -f +B; words=({text}\n); printf '%s\\0' ${{#words[@]}} \"${{words[@]}}\"");
        let bash = cmd!("bash", "-c", script).stderr_null().stdout_capture();
        let output = bash.unchecked().run().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let mut words = printed.split_terminator('\0').map(str::to_owned);
        let count: usize = words
            .next()
            .filter(|_| output.status.success())?
            .parse()
            .unwrap();
        Some(words.take(count).collect())
    }

    #[test]
    fn the_typed_split_interprets_quotes_and_expands_nothing() {
        let table: &[(&str, Result<&[&str], SplitError>)] = &[
            ("", Ok(&[])),
            ("run  app\tls", Ok(&["run", "app", "ls"])),
            (
                r#"a 'b "c' "d 'e" f\ g"#,
                Ok(&["a", "b \"c", "d 'e", "f g"]),
            ),
            ("'' \"\" x''", Ok(&["", "", "x"])),
            ("a '' \\\n b", Ok(&["a", "", "b"])),
            ("'' ''\\\n", Ok(&["", ""])),
            (
                "'two\nlines' \"and\nmore\"",
                Ok(&["two\nlines", "and\nmore"]),
            ),
            ("go\\\non \"go\\\non\"", Ok(&["goon", "goon"])),
            (r#""\$x \` \" \\ \n""#, Ok(&["$x ` \" \\ \\n"])),
            ("a\nb", Ok(&["a", "b"])),
            (
                "$HOME ~ * {a,b} $(id) `id` ; & | > x # y",
                Ok(&[
                    "$HOME", "~", "*", "{a,b}", "$(id)", "`id`", ";", "&", "|", ">", "x", "#", "y",
                ]),
            ),
            ("a 'b", Err(SplitError::Unclosed('\''))),
            ("echo \"it's", Err(SplitError::Unclosed('"'))),
            ("a \"b\\\"", Err(SplitError::Unclosed('"'))),
            ("a \"b\\", Err(SplitError::Unclosed('"'))),
            ("a $'b\\'", Err(SplitError::Unclosed('\''))),
            ("a $'b\\", Err(SplitError::Unclosed('\''))),
            (
                r#"$'a\nb' x$'\t'y $'\'"\"\?\\' $'\a\b\e\E\f\r\v'"#,
                Ok(&["a\nb", "x\ty", "'\"\"?\\", "\x07\x08\x1b\x1b\x0c\r\x0b"]),
            ),
            (
                r"$'\303\251' $'\xc3\xa9' $'\u00e9' $'\U0001f600' $'\1012' $'\x41f'",
                Ok(&["é", "é", "é", "\u{1f600}", "A2", "Af"]),
            ),
            (r"$'\q\x\u\c' $'' $", Ok(&[r"\q\x\u\c", "", "$"])),
            (
                r#"\$'a\n' "$'a\n'" $$'a\n' $"a" a$"#,
                Ok(&[r"$a\n", r"$'a\n'", r"$$a\n", "$a", "a$"]),
            ),
            (r"$'\0'", Err(SplitError::NotText)),
            (r"$'a\400'", Err(SplitError::NotText)),
            (r"$'\303'", Err(SplitError::NotText)),
            (r"$'\udc00'", Err(SplitError::NotText)),
            ("a\\", Ok(&["a\\"])),
        ];
        for (text, expected) in table {
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(typed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_typed_split_agrees_with_bash_on_random_text() {
        const PIECES: [&str; 24] = [
            " ", " ", " ", "\t", "\n", "'", "'", "'", "\"", "\"", "\"", "\\", "\\", "a", "-n",
            "=b", "é\r", "$'", "$'", "$'", "\\'", "\\n", "\\x41", "\\101",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        let texts: Vec<String> = (0..3000)
            .map(|_| {
                (0..random.usize(..12))
                    .map(|_| *random.choice(&PIECES).unwrap())
                    .collect()
            })
            // The script of bash continues after the text.
            .filter(|text: &String| !text.ends_with('\\'))
            .collect();
        std::thread::scope(|scope| {
            for part in texts.chunks(texts.len() / 4 + 1) {
                scope.spawn(move || {
                    for text in part {
                        assert_eq!(typed(text).ok(), by_bash(text), "{text:?}");
                    }
                });
            }
        });
    }
}
