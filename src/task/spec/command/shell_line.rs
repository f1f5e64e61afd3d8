//! Lines for a shell: whether one needs a shell at all, and how it reaches the shell unchanged.

use std::fmt::Write;

use anyhow::{Context, Result};

/// Characters that have a meaning in a shell outside of quotes, without `$` and the backtick.
const ACTIVE: &str = "&|;<>()*?[]{}~#\n";

/// First words of a command that only a shell has.
const SHELL_WORDS: [&str; 29] = [
    "!", ".", ":", "alias", "bg", "builtin", "case", "cd", "command", "eval", "exec", "exit",
    "export", "fg", "for", "if", "readonly", "return", "set", "shift", "source", "time", "trap",
    "type", "ulimit", "umask", "unset", "until", "while",
];

/// Whether a shell would do more with the line than to split it into words and remove quotes.
pub(super) fn needs_shell(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    is_assignment(first) || SHELL_WORDS.contains(&first) || has_active_character(line)
}

/// Whether the words of the line are the text between its white space.
pub(super) fn has_quotes(line: &str) -> bool {
    line.contains(['\'', '"', '\\'])
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn has_active_character(line: &str) -> bool {
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                characters.next();
            }
            (None, '\'' | '"') => quote = Some(character),
            (_, '$' | '`') => return true,
            (None, _) if ACTIVE.contains(character) => return true,
            _ => {}
        }
    }
    false
}

/// The words of a line that needs no shell.
///
/// # Errors
/// A quote is not closed.
pub(super) fn words(line: &str) -> Result<Vec<String>> {
    shell_words::split(line).context("a quote is not closed")
}

/// # Errors
/// A quote is not closed. Constructs that contain quotes of their own are left to the shell.
pub(super) fn ensure_quotes_are_closed(line: &str) -> Result<()> {
    let nests_quotes = ["$(", "${", "$'", "`"]
        .iter()
        .any(|construct| line.contains(construct));
    if nests_quotes {
        return Ok(());
    }
    words(line).map(|_| ())
}

/// The line, followed by the words, each quoted.
pub(super) fn followed_by(line: &str, words: &[String]) -> String {
    if words.is_empty() {
        return line.to_owned();
    }
    format!("{line} {}", shell_words::join(words))
}

/// The script that reads a line that [`protected`] has made, from its `$0`, and runs it. It has no
/// white space and no quote of its own kind, so that it arrives unchanged as well.
pub(super) const RUN_PROTECTED: &str = r#"'eval${IFS}"$(printf${IFS}%b${IFS}"$0")"'"#;

/// The line as one word that arrives unchanged through herokuish's `/exec`, which joins its
/// arguments, has bash expand the result once, and splits what comes out at white
/// space (herokuish, include/procfile.bash). White space, the characters of file name patterns,
/// single quotes and backslashes are octal escapes for `printf %b`.
pub(super) fn protected(line: &str) -> String {
    let mut word = String::from("'");
    for character in line.chars() {
        if character.is_ascii_control() || " *?[]'\\".contains(character) {
            let _ = write!(word, "\\0{:03o}", u32::from(character));
        } else {
            word.push(character);
        }
    }
    word + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_a_shell_only_if_a_shell_would_act_on_it() {
        for line in [
            "rake db:migrate",
            "printf '[%s]' \"one  two\" 'it'\\''s' three\\ four",
            "echo '$X' '&&' \\$X \"a && b\" \"\\$X\" 'a|b' \\*",
            "env A=b true",
            "a=b/c=d",
            "bin/exec 2=3",
            "echo a,b@c%d+e:f/g_h-i^j!",
            "",
        ] {
            let needed = line == "a=b/c=d"; // an assignment to `a`
            assert_eq!(needs_shell(line), needed, "{line}");
        }
        for line in [
            "psql $DATABASE_URL",
            "echo \"$X\"",
            "echo ${X:-y}",
            "echo `date`",
            "echo \"`date`\"",
            "a && b",
            "a; b",
            "a|b",
            "a &",
            "a <b",
            "a 2>&1",
            "(a)",
            "ls *",
            "ls a?",
            "rake db:seed[5]",
            "cd ~",
            "ls ~/x",
            "A=b c",
            "_A1='x y' c",
            "exec a",
            ". ./env",
            "a #",
            "{ a",
        ] {
            assert!(needs_shell(line), "{line}");
        }
    }

    #[test]
    fn an_open_quote_is_refused_where_it_can_be_seen() {
        for line in ["echo 'open", "echo \"open", "echo it's", "a && b 'c"] {
            assert!(ensure_quotes_are_closed(line).is_err(), "{line}");
        }
        for line in [
            "echo 'a' \"it's\"",
            "echo \"$(printf '%s' \"it's\")\"",
            "echo $'it\\'s'",
            "echo ${X:-it\\'s}",
        ] {
            assert!(ensure_quotes_are_closed(line).is_ok(), "{line}");
        }
    }

    fn output_of(program: &str, arguments: &[&str]) -> String {
        let command = duct::cmd(program, arguments).dir("/");
        let bytes = command.stdout_capture().run().unwrap().stdout;
        String::from_utf8(bytes).unwrap()
    }

    /// What `/exec` does with its arguments.
    fn through_exec(words: &[&str]) -> String {
        let script = r#"eval "set -- $*"; exec $*"#;
        output_of("bash", &[&["-c", script, "exec"], words].concat())
    }

    #[test]
    fn a_protected_line_arrives_unchanged_through_exec_of_herokuish() {
        for line in [
            "printf '[%s]' 'a  b' '*' \"it's\" '[a-z]*' '\\n' '$HOME' '`id`' '\"'",
            "printf '%s' one && printf ' %s' \"$(printf 'é\ttwo')\" | cat; printf '{a,b}' # ~",
            "set -- x y; printf '%s' \"$#\" \\\\ \\012 \"\\0101\"",
        ] {
            let expected = output_of("sh", &["-c", line]);
            let word = protected(line);
            let said = through_exec(&["sh", "-c", RUN_PROTECTED, &word]);
            assert_eq!(said, expected, "{word}");
            assert!(!expected.is_empty(), "{line}");
        }
    }

    #[test]
    fn words_after_a_line_are_its_last_arguments() {
        let words = ["a  b", "$HOME", "", "it's"].map(str::to_owned);
        let line = followed_by("true && printf '[%s]'", &words);
        assert_eq!(output_of("sh", &["-c", &line]), "[a  b][$HOME][][it's]");
        assert_eq!(followed_by("a; b", &[]), "a; b");
    }
}
