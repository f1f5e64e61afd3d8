//! A process that is about to be started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use duct::{Expression, cmd};

use crate::sys::process::child::Child;
use crate::sys::process::output::OutputRelay;
use crate::sys::process::stdio::{Stderr, Stdin, Stdout};

/// A process that is about to be started, by [`ProcessBuilder::run`] or [`ProcessBuilder::spawn`].
/// Every option applies to both.
pub(crate) struct ProcessBuilder {
    expression: Expression,
    stdin: Stdin,
    stdout: Stdout,
    stderr: Stderr,
    limit: Option<Duration>,
    own_group: bool,
    checks_output: bool,
}

/// Variables that contain the complete command line of the user, with the values of its options
/// `-e`. No program needs them: sudo sets the first one (Dokku runs itself through sudo), sshd the
/// second one, which a `dokku` that a hook starts would interpret as its own command.
const HIDDEN: [&str; 2] = ["SUDO_COMMAND", "SSH_ORIGINAL_COMMAND"];

impl ProcessBuilder {
    /// `program` is an absolute path, because duct would search `PATH` for a bare name at every
    /// start. Without further options the process has `/dev/null` as its stdin, our stdout and
    /// stderr, no time limit, and our process group.
    pub(crate) fn new<I>(program: &Path, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let command = HIDDEN
            .iter()
            .fold(cmd(program, arguments), |command, variable| {
                command.env_remove(variable)
            });
        Self {
            expression: command.unchecked(),
            stdin: Stdin::default(),
            stdout: Stdout::default(),
            stderr: Stderr::default(),
            limit: None,
            own_group: false,
            checks_output: false,
        }
    }

    fn map(self, change: impl FnOnce(&Expression) -> Expression) -> Self {
        Self {
            expression: change(&self.expression),
            ..self
        }
    }

    pub(crate) fn stdin(self, stdin: Stdin) -> Self {
        Self { stdin, ..self }
    }

    pub(crate) fn stdout(self, stdout: Stdout) -> Self {
        Self { stdout, ..self }
    }

    pub(crate) fn stderr(self, stderr: Stderr) -> Self {
        Self { stderr, ..self }
    }

    /// Our stdout and stderr are forwarded to by us where a write can fail, so that
    /// [`Child::output_error`] reports it.
    pub(crate) fn checked_output(self) -> Self {
        Self {
            checks_output: true,
            ..self
        }
    }

    /// How long the process may run. The call that waits for it kills it at its limit, see
    /// [`Child`].
    pub(crate) fn limit(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    pub(crate) fn env(self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.map(|expression| expression.env(name, value))
    }

    pub(crate) fn env_remove(self, name: &str) -> Self {
        self.map(|expression| expression.env_remove(name))
    }

    /// Replaces our whole environment by these variables. Variables that were set before, by
    /// [`ProcessBuilder::env`], are added.
    pub(crate) fn only_env(self, variables: &BTreeMap<OsString, OsString>) -> Self {
        self.map(|expression| expression.full_env(variables))
    }

    /// Sets the working directory. A process that outlives us must not keep the caller's directory
    /// in use.
    pub(crate) fn directory(self, directory: &Path) -> Self {
        self.map(|expression| expression.dir(directory))
    }

    /// The process gets a process group of its own: a Ctrl-C on the terminal reaches only us, and
    /// we decide what happens to the process.
    pub(crate) fn own_group(self) -> Self {
        Self {
            own_group: true,
            ..self
        }
    }

    /// The process stays in our process group, the default.
    pub(crate) fn caller_group(self) -> Self {
        Self {
            own_group: false,
            ..self
        }
    }

    /// The process, which outlives us, gets none of our streams and open files: files that our
    /// caller has left open for us, such as a lock or a pipe, are not inherited.
    pub(crate) fn in_background(self) -> Self {
        self.stdin(Stdin::Null)
            .stdout(Stdout::Null)
            .stderr(Stderr::Null)
            .map(|expression| {
                expression.before_spawn(|_| {
                    close_fds::set_fds_cloexec(3, &[]);
                    Ok(())
                })
            })
    }

    /// Runs the process until it exits. Returns its exit status and what is captured.
    ///
    /// # Errors
    /// The process cannot be started, or was killed at its limit
    /// ([`is_over_limit`](crate::sys::process::is_over_limit)).
    pub(crate) fn run(self) -> io::Result<Output> {
        self.spawn()?.into_output()
    }

    /// Starts the process.
    ///
    /// # Errors
    /// The process cannot be started.
    pub(crate) fn spawn(mut self) -> io::Result<Child> {
        let relay = if self.checks_output {
            let (pipes, relay) = OutputRelay::start()?;
            if let (Stdout::Inherit, Some(pipe)) = (&self.stdout, pipes.stdout) {
                self.stdout = Stdout::File(pipe.into());
            }
            if let (Stderr::Inherit, Some(pipe)) = (&self.stderr, pipes.stderr) {
                self.stderr = Stderr::File(pipe.into());
            }
            relay
        } else {
            OutputRelay::default()
        };
        // duct connects the outermost stream first: `Stdout::OurStderr` finds ours.
        let expression = self.stdout.apply(&self.stderr.apply(&self.expression));
        let mut expression = self.stdin.apply(&expression)?;
        if self.own_group {
            expression = expression.before_spawn(|command| {
                command.process_group(0);
                Ok(())
            });
        }
        let child = Child::new(expression.start()?, self.own_group, self.limit);
        Ok(child.with_relay(relay))
    }
}

#[cfg(test)]
mod tests;
