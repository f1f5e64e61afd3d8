//! The arguments after the image: the task's command in the form that the image expects.

mod shell_line;

use anyhow::{Context, Result};

use crate::docker::entrypoint;
use crate::task::spec::resolve::ImageType;

/// What a container does with the arguments after the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandForm {
    /// They are a program and its arguments.
    Words,
    /// The first one is a line of a shell: the entrypoint ends in the shell's `-c`.
    ShellLine,
    /// They are arguments of a CNB launcher: a single one is a line of bash, of several bash
    /// expands each.
    Launcher,
    /// They follow `/exec` of herokuish, which expands and splits them.
    HerokuishExec,
}

impl CommandForm {
    /// `entrypoint` is the container's.
    pub(super) fn of(image_type: ImageType, entrypoint: &[String]) -> Self {
        if image_type == ImageType::Herokuish {
            Self::HerokuishExec
        } else if entrypoint::is_launcher(entrypoint) {
            Self::Launcher
        } else if entrypoint::ends_in_shell_command_option(entrypoint) {
            Self::ShellLine
        } else {
            Self::Words
        }
    }

    /// The arguments for a command of these words.
    pub(super) fn words(self, mut words: Vec<String>) -> Vec<String> {
        match self {
            Self::Words | Self::Launcher => {}
            Self::HerokuishExec => words.insert(0, "/exec".to_owned()),
            // A single word is a line already: what docker itself would do with it.
            Self::ShellLine if words.len() == 1 => {}
            Self::ShellLine => return vec![shell_words::join(words)],
        }
        words
    }

    /// The arguments for a line that a shell of the image runs. The words become the last arguments
    /// of its last command.
    pub(super) fn line(self, line: &str, words: &[String]) -> Vec<String> {
        let sh_with = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
        match self {
            Self::Words if words.is_empty() => sh_with(line),
            Self::Words => {
                let mut arguments = sh_with(&format!("{line} \"$@\""));
                arguments.push("sh".to_owned());
                arguments.extend_from_slice(words);
                arguments
            }
            Self::ShellLine | Self::Launcher => vec![shell_line::followed_by(line, words)],
            Self::HerokuishExec => {
                let mut arguments = sh_with(shell_line::RUN_PROTECTED);
                let line = shell_line::followed_by(line, words);
                arguments.push(shell_line::protected(&line));
                self.words(arguments)
            }
        }
    }

    /// The arguments for a Procfile entry and the words after its name. An entry that a shell would
    /// only split goes without a shell, which the image may lack.
    ///
    /// # Errors
    /// A quote in the entry is not closed.
    pub(super) fn entry(self, name: &str, command: &str, words: &[String]) -> Result<Vec<String>> {
        let open_quote = || format!("the Procfile entry '{name}' cannot be split into words");
        shell_line::ensure_quotes_are_closed(command).with_context(open_quote)?;
        let goes_without_shell = match self {
            Self::ShellLine => false,
            Self::Words => !shell_line::needs_shell(command),
            // These would act on what is within the quotes.
            Self::Launcher | Self::HerokuishExec => {
                !shell_line::needs_shell(command) && !shell_line::has_quotes(command)
            }
        };
        if !goes_without_shell {
            return Ok(self.line(command, words));
        }
        let mut all = shell_line::words(command).with_context(open_quote)?;
        all.extend_from_slice(words);
        Ok(self.words(all))
    }
}

#[cfg(test)]
mod tests;
