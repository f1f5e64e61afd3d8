//! A command that came through SSH: what its user typed, and what Dokku made of it.
//!
//! Dokku takes `SSH_ORIGINAL_COMMAND` out of its exports, splits it with
//! `xargs -n 1`, and starts itself anew with the words that come out (`dokku`, near
//! its end). On that way `--version` becomes a licence, `-n` nothing, and a line
//! break another word. The text itself still stands in the environment that this
//! outer `dokku` was started with. Where Dokku's way, gone again, leads from it to
//! exactly the words that we got, it is what they were made from.

pub(crate) mod given;
pub(crate) mod typed;

use std::ffi::OsString;
use std::sync::OnceLock;

use crate::dokku::argv::ancestors::{Ancestor, ancestors};
pub(crate) use crate::dokku::argv::ssh::given::given;
pub(crate) use crate::dokku::argv::ssh::typed::typed;

/// A command line: the global flags in front, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) flags: Vec<String>,
    /// The command word first.
    pub(crate) argv: Vec<OsString>,
}

/// The same command twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SshCommand {
    /// As Dokku has split it.
    pub(crate) as_dokku_split: CommandLine,
    /// As it was typed; `None` when that cannot be told, or is another command.
    pub(crate) as_typed: Option<CommandLine>,
}

impl SshCommand {
    /// The flags that stood before these words.
    pub(crate) fn flags_before(&self, argv: &[OsString]) -> &[String] {
        match &self.as_typed {
            Some(typed) if typed.argv == argv => &typed.flags,
            _ => &self.as_dokku_split.flags,
        }
    }
}

/// The command that led to this process; `None` when it did not come through SSH, or
/// that cannot be proven.
pub(crate) fn command() -> Option<&'static SshCommand> {
    static COMMAND: OnceLock<Option<SshCommand>> = OnceLock::new();
    let find = || {
        let argv: Vec<OsString> = std::env::args_os().skip(1).collect();
        find(&argv, ancestors(), given::ask_echo)
    };
    COMMAND.get_or_init(find).as_ref()
}

/// Our parent has to be the `dokku` that was started with the words, and its parent
/// the one that was told of the command, with nobody between: a hook of a command
/// that came through SSH may run `dokku`, too.
pub(crate) fn find(
    argv: &[OsString],
    ancestors: &[Ancestor],
    echo: impl Fn(&str) -> Option<String>,
) -> Option<SshCommand> {
    let parent = ancestors.first().filter(|one| one.ssh_command.is_none())?;
    // A shell that is about to start another program is there twice for a moment.
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
        .map(line)
        .filter(|typed| typed.argv.first() == given.argv.first());
    Some(SshCommand {
        as_dokku_split: given,
        as_typed: typed,
    })
}

/// Without the flags in front, as Dokku drops them: `--version` stays, and so one
/// more of what follows (`dokku`, after `parse_args`).
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
