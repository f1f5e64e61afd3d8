//! `docker container exec`

use std::io::IsTerminal;

use anyhow::{Context, Result};

use crate::docker::Docker;
use crate::docker::container_start::DETACH_KEYS;
use crate::sys::process::{Child, Stderr, Stdin, Stdout};

/// Another process to execute in a running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExecSpec<'a> {
    /// The container's id.
    pub(crate) id: &'a str,
    pub(crate) terminal: bool,
    pub(crate) environment: &'a [String],
    pub(crate) command: &'a [String],
}

impl ExecSpec<'_> {
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec!["container", "exec", "--interactive"];
        if self.terminal {
            arguments.extend(["--tty", DETACH_KEYS]);
        }
        for variable in self.environment {
            arguments.extend(["--env", variable]);
        }
        // Nothing after `--` is parsed as an option.
        arguments.extend(["--", self.id]);
        arguments.extend(self.command.iter().map(String::as_str));
        arguments
    }
}

impl Docker {
    /// Starts the process with our streams. The client's exit code is that of the process.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_exec(&self, process: &ExecSpec<'_>) -> Result<Child> {
        let call = self.call(&process.arguments()).stdin(Stdin::Inherit);
        // A background process group cannot read from the terminal.
        let call = if std::io::stdin().is_terminal() {
            call.caller_group()
        } else {
            call
        };
        call.checked_output()
            .spawn()
            .context("docker's client could not be started")
    }

    /// Starts a command in the container without any of our streams. The client has a process group
    /// of its own.
    ///
    /// # Errors
    /// The client could not be started.
    pub(crate) fn container_exec_silently(&self, id: &str, command: &[&str]) -> Result<Child> {
        let arguments = [&["container", "exec", "--", id], command].concat();
        let call = self.call(&arguments);
        call.stdout(Stdout::Null)
            .stderr(Stderr::Null)
            .spawn()
            .context("docker's client could not be started")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_exec_arguments_separate_options_from_the_command() {
        let words = ["--help".to_owned(), String::new()];
        let variable = ["A=b".to_owned()];
        let process = ExecSpec {
            id: "id",
            terminal: false,
            environment: &variable,
            command: &words,
        };
        let expected = [
            "container",
            "exec",
            "--interactive",
            "--env",
            "A=b",
            "--",
            "id",
            "--help",
            "",
        ];
        assert_eq!(process.arguments(), expected);
    }
}
