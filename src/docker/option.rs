//! Parsing of `docker container create` options, by the rules of docker's client.

use anyhow::{Result, bail};

/// One parsed option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DockerOption {
    /// The long name, or the letter if the option was given in its short form.
    pub(crate) name: String,
    /// `None` for a switch that was given without a value.
    pub(crate) value: Option<String>,
    /// Name and value as one word. As two words, for an option that takes no value but is missing
    /// from [`SWITCHES`], docker would interpret the second word as the image.
    pub(crate) as_single_word: String,
}

/// The long options that take no value, of every client from 20.10 to 28 (`docker container
/// create --help` and `run --help`: core takes options of both).
const SWITCHES: [&str; 15] = [
    "detach",
    "disable-content-trust",
    "help",
    "init",
    "interactive",
    "no-healthcheck",
    "oom-kill-disable",
    "privileged",
    "publish-all",
    "quiet",
    "read-only",
    "rm",
    "sig-proxy",
    "tty",
    "use-api-socket",
];

/// The short options that take no value.
const SHORT_SWITCHES: [char; 5] = ['d', 'i', 'P', 'q', 't'];

/// Parses a list of options.
///
/// # Errors
/// A word is not an option (docker would take it for the image), or an option has no value.
pub(crate) fn parse(words: Vec<String>) -> Result<Vec<DockerOption>> {
    let mut options = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let name = name.to_owned();
            let option = if value.is_some() || SWITCHES.contains(&name.as_str()) {
                DockerOption {
                    name,
                    value,
                    as_single_word: word,
                }
            } else {
                with_next(name, &word, &mut words)?
            };
            options.push(option);
        } else if let Some(letters) = word
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty() && *letters != "-")
        {
            parse_short(letters, &mut words, &mut options)?;
        } else {
            bail!("docker option '{word}' is not an option: it does not begin with '-'");
        }
    }
    Ok(options)
}

/// Parses combined short options: switches, and at most one option with a value at the end.
fn parse_short(
    letters: &str,
    words: &mut impl Iterator<Item = String>,
    options: &mut Vec<DockerOption>,
) -> Result<()> {
    for (at, letter) in letters.char_indices() {
        let rest = &letters[at + letter.len_utf8()..];
        let name = letter.to_string();
        let word = format!("-{letter}{rest}");
        if SHORT_SWITCHES.contains(&letter) {
            // `-t=false` is a switch with a value.
            if let Some(value) = rest.strip_prefix('=') {
                options.push(DockerOption {
                    name,
                    value: Some(value.to_owned()),
                    as_single_word: word,
                });
                return Ok(());
            }
            options.push(DockerOption {
                as_single_word: format!("-{letter}"),
                name,
                value: None,
            });
            continue;
        }
        options.push(if rest.is_empty() {
            with_next(name, &word, words)?
        } else {
            let value = rest.strip_prefix('=').unwrap_or(rest).to_owned();
            DockerOption {
                name,
                value: Some(value),
                as_single_word: word,
            }
        });
        return Ok(());
    }
    Ok(())
}

fn with_next(
    name: String,
    word: &str,
    words: &mut impl Iterator<Item = String>,
) -> Result<DockerOption> {
    match words.next() {
        Some(value) => Ok(DockerOption {
            name,
            as_single_word: format!("{word}={value}"),
            value: Some(value),
        }),
        None => bail!("docker option '{word}' has no value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, Option<String>, String)> {
        let words = text.split(' ').map(str::to_owned).collect();
        parse(words)
            .unwrap()
            .into_iter()
            .map(|option| (option.name, option.value, option.as_single_word))
            .collect()
    }

    #[test]
    fn docker_options_are_parsed_in_every_spelling() {
        type Expected<'a> = (&'a str, Option<&'a str>, &'a str);
        let table: &[(&str, &[Expected<'_>])] = &[
            ("--env=A=b", &[("env", Some("A=b"), "--env=A=b")]),
            ("--env A=b", &[("env", Some("A=b"), "--env=A=b")]),
            ("-e A=b", &[("e", Some("A=b"), "-e=A=b")]),
            ("-eA=b", &[("e", Some("A=b"), "-eA=b")]),
            ("-e=A=b", &[("e", Some("A=b"), "-e=A=b")]),
            ("-e -v", &[("e", Some("-v"), "-e=-v")]),
            (
                "--label -e --init",
                &[
                    ("label", Some("-e"), "--label=-e"),
                    ("init", None, "--init"),
                ],
            ),
            (
                "--rm --tty=false",
                &[("rm", None, "--rm"), ("tty", Some("false"), "--tty=false")],
            ),
            ("-it", &[("i", None, "-i"), ("t", None, "-t")]),
            ("-t=false", &[("t", Some("false"), "-t=false")]),
            (
                "-ite A=b",
                &[
                    ("i", None, "-i"),
                    ("t", None, "-t"),
                    ("e", Some("A=b"), "-e=A=b"),
                ],
            ),
            (
                "-v /a:/b --read-only",
                &[
                    ("v", Some("/a:/b"), "-v=/a:/b"),
                    ("read-only", None, "--read-only"),
                ],
            ),
        ];
        for (text, expected) in table {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, value, words)| {
                    (
                        (*name).to_owned(),
                        value.map(str::to_owned),
                        (*words).to_owned(),
                    )
                })
                .collect();
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn parse_refuses_a_word_that_docker_would_take_for_the_image() {
        for text in [
            "busybox",
            "--init busybox",
            "-",
            "--",
            "-t --",
            "-v",
            "--env",
            "",
        ] {
            let words = text.split(' ').map(str::to_owned).collect();
            assert!(parse(words).is_err(), "{text:?}");
        }
    }
}
