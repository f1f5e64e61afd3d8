//! A command that came through SSH: what its user typed, and how Dokku split it.
//!
//! Dokku removes `SSH_ORIGINAL_COMMAND` from its exports, splits it with `xargs -n 1`, and
//! executes itself again with the resulting words (`dokku`, near its end). In this split
//! `--version` becomes echo's licence text, `-n` disappears, and a line break starts another
//! word. The original text is still in the initial environment of the outer `dokku` process.
//! If splitting that text as Dokku does results in exactly the words of the inner process, the
//! text is their origin.

mod ansi_c;
pub(crate) mod given;
pub(crate) mod typed;

use std::ffi::OsString;
use std::sync::OnceLock;

use crate::dokku::argv::ancestors::{Ancestor, ancestors};
pub(crate) use crate::dokku::argv::ssh::given::given;
pub(crate) use crate::dokku::argv::ssh::typed::{SplitError, typed};

/// A command line: the global flags before the command word, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) flags: Vec<String>,
    /// The command word first.
    pub(crate) argv: Vec<OsString>,
}

/// One command in two versions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SshCommand {
    /// The words as Dokku has split them.
    pub(crate) as_dokku_split: CommandLine,
    /// The words as the user typed them; `None` if the command word is a different one.
    pub(crate) as_typed: Result<Option<CommandLine>, SplitError>,
}

impl SshCommand {
    /// The global flags before these words.
    pub(crate) fn flags_before(&self, argv: &[OsString]) -> &[String] {
        match &self.as_typed {
            Ok(Some(typed)) if typed.argv == argv => &typed.flags,
            _ => &self.as_dokku_split.flags,
        }
    }
}

/// The SSH command that led to this process; `None` if there is none, or no proof of it.
pub(crate) fn command() -> Option<&'static SshCommand> {
    static COMMAND: OnceLock<Option<SshCommand>> = OnceLock::new();
    let find = || {
        let argv: Vec<OsString> = std::env::args_os().skip(1).collect();
        find(&argv, ancestors(), given::ask_echo)
    };
    COMMAND.get_or_init(find).as_ref()
}

/// The SSH command of this process's ancestors. The parent has to be the `dokku` process that
/// was started with the split words, and its parent the one with the SSH command, without
/// another process in between: a hook of a command that came through SSH may run `dokku`, too.
pub(crate) fn find(
    argv: &[OsString],
    ancestors: &[Ancestor],
    echo: impl Fn(&str) -> Option<String>,
) -> Option<SshCommand> {
    let parent = ancestors.first().filter(|one| one.ssh_command.is_none())?;
    // A shell that has forked to execute another program appears twice for a moment.
    let outer = ancestors.iter().find(|one| *one != parent)?;
    let text = outer.ssh_command.as_ref()?;
    let words = given(text, echo)?;
    let is_parents = words
        .iter()
        .map(String::as_bytes)
        .eq(parent.words.as_ref()?);
    let given = line(words);
    if !is_parents || given.argv != argv {
        return None;
    }
    let typed = typed(text)
        .map(|words| Some(line(words)).filter(|typed| typed.argv.first() == given.argv.first()));
    Some(SshCommand {
        as_dokku_split: given,
        as_typed: typed,
    })
}

/// Separates the leading flags as Dokku does, which drops as many words as it has counted flags.
/// `--version` is not counted, so one more word is left (`dokku`, after `parse_args`).
fn line(mut words: Vec<String>) -> CommandLine {
    let mut dropped = 0;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--version" => {}
            "--app" => {
                rest.next();
                dropped += 2;
            }
            flag if flag.starts_with("--") => dropped += 1,
            _ => break,
        }
    }
    let argv = words.split_off(dropped.min(words.len()));
    CommandLine {
        flags: words,
        argv: argv.into_iter().map(OsString::from).collect(),
    }
}

#[cfg(test)]
mod tests;
