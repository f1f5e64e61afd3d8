//! How Dokku splits a command that comes through SSH: `xargs -n 1` starts one `echo` per word,
//! and each line of their output becomes a word.

use crate::dokku::argv::xargs_split;
use crate::sys::process::{ProcessBuilder, Stderr, Stdin, Stdout};

/// The words after Dokku's split. `echo` returns what echo(1) prints for `--help` and
/// `--version`. `None` if it returns `None`.
pub(crate) fn given(text: &str, echo: impl Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    // The words before a quote that is not closed are printed, too.
    let (words, open) = xargs_split::split_until_open_quote(text);
    let mut printed = String::new();
    if words.is_empty() && open.is_none() {
        printed.push('\n'); // xargs starts one `echo` without a word
    }
    for word in &words {
        match word.as_str() {
            "--help" | "--version" => printed.push_str(&echo(word)?),
            switches if is_switches(switches) => {
                if !switches.contains('n') {
                    printed.push('\n');
                }
            }
            word => {
                printed.push_str(word);
                printed.push('\n');
            }
        }
    }
    Some(printed.split_terminator('\n').map(str::to_owned).collect())
}

/// Whether echo(1) takes the word as options: `-n` prints no line end, `-e` and `-E` have no
/// effect without text (echo.c of coreutils; the letters may be combined).
fn is_switches(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| {
        !letters.is_empty() && letters.bytes().all(|letter| b"neE".contains(&letter))
    })
}

/// Runs this machine's `echo` through this machine's `xargs`: the text depends on its version,
/// its name and the language.
pub(crate) fn ask_echo(option: &str) -> Option<String> {
    let xargs = which::which("xargs").ok()?;
    let output = ProcessBuilder::new(&xargs, ["-n", "1"])
        .stdin(Stdin::Bytes(option.into()))
        .stdout(Stdout::Capture)
        .stderr(Stderr::Null)
        .run()
        .ok()?;
    String::from_utf8(output.stdout).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use duct::cmd;

    use super::*;

    /// The split by the same commands as in Dokku.
    pub(crate) fn by_bash(text: &str) -> Vec<String> {
        let script = r#"readarray -t words < <(printf '%s' "$1" | xargs -n 1 2>/dev/null)
            [[ ${#words[@]} -eq 0 ]] || printf '%s\0' "${words[@]}""#;
        let printed = cmd!("bash", "-c", script, "bash", text).read().unwrap();
        printed.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn the_dokku_split_of_ssh_text_has_the_known_results() {
        let table: &[(&str, &[&str])] = &[
            ("run app ls -l", &["run", "app", "ls", "-l"]),
            ("run -e A=b app", &["run", "", "A=b", "app"]),
            ("run:logs app -n 5", &["run:logs", "app", "5"]),
            ("x -nE -Ee -nx -", &["x", "", "-nx", "-"]),
            ("a 'b c' \"d\"", &["a", "b c", "d"]),
            ("a 'b\nc' d", &["a"]),
            ("a b\\\nc d", &["a", "b", "c", "d"]),
            ("a b\"c", &["a"]),
            ("a '' b ''", &["a", "", "b"]),
            ("", &[""]),
            ("'", &[""]),
            ("'a", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(given(text, |_| None).unwrap(), *expected, "{text:?}");
            assert_eq!(by_bash(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn the_version_and_help_texts_of_echo_are_obtained_from_echo() {
        assert_eq!(given("a --version", |_| None), None);
        let text = "run app python --version x --help --helpx";
        let words = given(text, ask_echo).unwrap();
        assert!(words.len() > 10 && words.ends_with(&["--helpx".to_owned()]));
        assert_eq!(by_bash(text), words);
    }

    #[test]
    fn the_dokku_split_agrees_with_bash_and_xargs_on_random_text() {
        const PIECES: [&str; 24] = [
            " ",
            " ",
            " ",
            " ",
            "\t",
            "\n",
            "'",
            "'",
            "\"",
            "\"",
            "\\",
            "\r",
            "\x0b",
            "-n",
            "-e",
            "-E",
            "-",
            "--help",
            "--version",
            "a",
            "b c",
            "=",
            "é",
            "$x",
        ];
        let mut random = fastrand::Rng::with_seed(6);
        let texts: Vec<String> = (0..1500)
            .map(|_| {
                (0..random.usize(..10))
                    .map(|_| *random.choice(&PIECES).unwrap())
                    .collect()
            })
            .collect();
        std::thread::scope(|scope| {
            for part in texts.chunks(texts.len() / 4 + 1) {
                scope.spawn(move || {
                    for text in part {
                        assert_eq!(given(text, ask_echo).unwrap(), by_bash(text), "{text:?}");
                    }
                });
            }
        });
    }
}
