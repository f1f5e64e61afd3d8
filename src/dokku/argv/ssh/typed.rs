//! The words that the user of an SSH client typed, split as a shell splits words.

enum State {
    Between,
    Word,
    Escaped { in_word: bool },
    Single,
    Double,
    DoubleEscaped,
}

/// Splits by the quoting rules of the POSIX shell. Nothing is evaluated: `$HOME`, `*`, `;`, `#`
/// and the like are literal, as in Dokku's own split. A line break outside of quotes is a
/// space. `None` if a quote is not closed.
pub(crate) fn typed(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::Between;
    for character in text.chars() {
        state = match (state, character) {
            // A backslash before a line break joins the two lines.
            (State::Between, ' ' | '\t' | '\n') | (State::Escaped { in_word: false }, '\n') => {
                State::Between
            }
            (State::Word, ' ' | '\t' | '\n') => {
                words.push(std::mem::take(&mut word));
                State::Between
            }
            (State::Between, '\\') => State::Escaped { in_word: false },
            (State::Word, '\\') => State::Escaped { in_word: true },
            (State::Between | State::Word, '\'') => State::Single,
            (State::Between | State::Word, '"') | (State::DoubleEscaped, '\n') => State::Double,
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
            (State::Between | State::Word | State::Escaped { .. }, other) => {
                word.push(other);
                State::Word
            }
        };
    }
    match state {
        State::Single | State::Double | State::DoubleEscaped => return None,
        State::Between => {}
        State::Escaped { .. } => words.push(word + "\\"),
        State::Word => words.push(word),
    }
    Some(words)
}

#[cfg(test)]
pub(crate) mod tests {
    use duct::cmd;

    use crate::dokku::argv::ssh::typed::typed;

    /// The split of bash itself; `None` if a quote is not closed. The words are elements of an
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
        let table: &[(&str, Option<&[&str]>)] = &[
            ("", Some(&[])),
            ("run  app\tls", Some(&["run", "app", "ls"])),
            (
                r#"a 'b "c' "d 'e" f\ g"#,
                Some(&["a", "b \"c", "d 'e", "f g"]),
            ),
            ("'' \"\" x''", Some(&["", "", "x"])),
            ("a '' \\\n b", Some(&["a", "", "b"])),
            ("'' ''\\\n", Some(&["", ""])),
            (
                "'two\nlines' \"and\nmore\"",
                Some(&["two\nlines", "and\nmore"]),
            ),
            ("go\\\non \"go\\\non\"", Some(&["goon", "goon"])),
            (r#""\$x \` \" \\ \n""#, Some(&["$x ` \" \\ \\n"])),
            ("a\nb", Some(&["a", "b"])),
            (
                "$HOME ~ * {a,b} $(id) `id` ; & | > x # y",
                Some(&[
                    "$HOME", "~", "*", "{a,b}", "$(id)", "`id`", ";", "&", "|", ">", "x", "#", "y",
                ]),
            ),
            ("a 'b", None),
            ("a \"b\\\"", None),
            ("a\\", Some(&["a\\"])),
        ];
        for (text, expected) in table {
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(typed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_typed_split_agrees_with_bash_on_random_text() {
        const PIECES: [&str; 17] = [
            " ", " ", " ", "\t", "\n", "'", "'", "'", "\"", "\"", "\"", "\\", "\\", "a", "-n",
            "=b", "é\r",
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
                        assert_eq!(typed(text), by_bash(text), "{text:?}");
                    }
                });
            }
        });
    }
}
